//! The journal: what was accepted, numbered 1, 2, 3 ... without gaps.

use hopluu_model::{DocId, EntryKind, Seq};
use rusqlite::Row;

use crate::limits::ORDINAL_BITS;
use crate::read::{NumberedDoc, blob, id, signed, unsigned};
use crate::{DbError, EntryBody, ItemRow, JournalBatch, JournalEntry, OutlineRow, Read, WriteTx};

/// The kind of an entry that a later one superseded. Part of the database.
pub(crate) const SUPERSEDED: i64 = 0;

impl Read {
    /// The entries after a place, at most so many of them and of their bytes together; the first
    /// one comes whatever its size. Superseded entries are passed over, `through` says how far.
    pub fn read_journal(
        &self,
        after: Seq,
        entries_max: usize,
        bytes_max: usize,
    ) -> Result<JournalBatch, DbError> {
        let sql = "SELECT seq, kind, ref, origin FROM journal WHERE seq > ?1 ORDER BY seq";
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query([signed(after.0)])?;
        let mut batch = JournalBatch {
            entries: Vec::new(),
            through: after,
        };
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let seq = Seq(unsigned(row.get(0)?, "journal")?);
            if row.get::<_, i64>(1)? != SUPERSEDED {
                if batch.entries.len() >= entries_max {
                    break;
                }
                let entry = self.entry(seq, row)?;
                bytes += entry.bytes();
                if bytes > bytes_max && !batch.entries.is_empty() {
                    break;
                }
                batch.entries.push(entry);
            }
            batch.through = seq;
        }
        Ok(batch)
    }

    /// One entry; none where a later one superseded it or the journal ends before.
    pub fn journal_entry(&self, seq: Seq) -> Result<Option<JournalEntry>, DbError> {
        let sql = "SELECT seq, kind, ref, origin FROM journal WHERE seq = ?1 AND kind <> 0";
        self.one(sql, [signed(seq.0)], |row| self.entry(seq, row))
    }

    /// The entries after a place without their content, at most so many places. Answers the last place
    /// that was looked at.
    pub fn journal_outline(
        &self,
        after: Seq,
        through: Seq,
        places_max: usize,
        mut each: impl FnMut(OutlineRow<'_>),
    ) -> Result<Seq, DbError> {
        let sql = "SELECT seq, kind, ref, origin, class FROM journal \
                   WHERE seq > ?1 AND seq <= ?2 ORDER BY seq LIMIT ?3";
        let mut statement = self.statement(sql)?;
        let places_max = i64::try_from(places_max).unwrap_or(i64::MAX);
        let mut rows = statement.query((signed(after.0), signed(through.0), places_max))?;
        let mut looked_at = after;
        while let Some(row) = rows.next()? {
            looked_at = Seq(unsigned(row.get(0)?, "journal")?);
            if row.get::<_, i64>(1)? == SUPERSEDED {
                continue;
            }
            let kind = kind_of(row)?;
            let reference: i64 = row.get(2)?;
            let about = self.object_of(kind, reference)?;
            let origin = row.get::<_, Option<i64>>(3)?;
            let origin = origin.map(|number| self.node(number)).transpose()?;
            let class = row.get(4)?;
            self.with_unit(about.unit, |unit| {
                each(OutlineRow {
                    seq: looked_at,
                    kind,
                    object: about.object,
                    unit,
                    key: &about.key,
                    origin,
                    class,
                });
            })?;
        }
        Ok(looked_at)
    }

    /// Bytes of what each entry carries, from one place to another; superseded ones are passed over.
    pub fn entries_bytes(
        &self,
        first: Seq,
        last: Seq,
        mut each: impl FnMut(Seq, u64),
    ) -> Result<(), DbError> {
        let sql = "SELECT j.seq, CASE j.kind \
             WHEN 1 THEN (SELECT length(body) + length(seal) FROM changes WHERE id = j.ref) \
             WHEN 2 THEN (SELECT length(body) FROM records WHERE id = j.ref) \
             WHEN 3 THEN (SELECT length(body) FROM receipts WHERE id = j.ref) \
             WHEN 4 THEN (SELECT length(body) FROM attachments WHERE id = j.ref) END \
             FROM journal j WHERE j.seq >= ?1 AND j.seq <= ?2 AND j.kind <> 0 ORDER BY j.seq";
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query((signed(first.0), signed(last.0)))?;
        while let Some(row) = rows.next()? {
            let bytes: Option<i64> = row.get(1)?;
            each(
                Seq(unsigned(row.get(0)?, "journal")?),
                unsigned(bytes.unwrap_or_default(), "journal")?,
            );
        }
        Ok(())
    }

    /// What an entry is about, with the number of its unit and the key of its document.
    fn object_of(&self, kind: EntryKind, reference: i64) -> Result<NumberedDoc, DbError> {
        let lost = DbError::Row {
            table: "journal",
            expected: "an entry whose object is there",
        };
        let sql = match kind {
            EntryKind::Change => {
                return self.numbered_doc(reference >> ORDINAL_BITS)?.ok_or(lost);
            }
            EntryKind::Record => {
                "SELECT substr(hash, 1, 16), unit, NULL FROM records WHERE id = ?1"
            }
            EntryKind::Receipt => {
                "SELECT substr(r.hash, 1, 16), r.unit, d.key FROM receipts r \
                 LEFT JOIN docs d ON d.doc = r.doc WHERE r.id = ?1"
            }
            EntryKind::Attachment => {
                "SELECT d.doc, d.unit, d.key FROM attachments a \
                 JOIN docs d ON d.id = a.doc WHERE a.id = ?1"
            }
        };
        let found = self.one(sql, [reference], |row| {
            Ok(NumberedDoc {
                object: id(row, 0, "journal")?,
                unit: row.get(1)?,
                key: blob(row, 2),
            })
        })?;
        found.ok_or(lost)
    }

    /// Every object with what must be equal on two nodes that agree on it: documents, then
    /// records, then receipts and attachments, each by id. No content is loaded.
    pub fn for_each_item(&self, mut each: impl FnMut(ItemRow<'_>)) -> Result<(), DbError> {
        for (kind, sql) in [
            (
                EntryKind::Change,
                "SELECT doc, unit, heads, key FROM docs ORDER BY doc",
            ),
            (
                EntryKind::Record,
                "SELECT substr(hash, 1, 16), unit, hash, NULL FROM records ORDER BY hash",
            ),
            (
                EntryKind::Receipt,
                "SELECT substr(r.hash, 1, 16), r.unit, r.hash, d.key FROM receipts r \
                 LEFT JOIN docs d ON d.doc = r.doc ORDER BY r.hash",
            ),
            (
                EntryKind::Attachment,
                "SELECT d.doc, d.unit, a.hash, d.key FROM attachments a \
                 JOIN docs d ON d.id = a.doc ORDER BY d.doc, a.hash",
            ),
        ] {
            let mut statement = self.statement(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let object = id(row, 0, "items")?;
                let state = row.get_ref(2)?.as_blob().unwrap_or_default();
                let key = row.get_ref(3)?.as_blob().unwrap_or_default();
                self.with_unit(row.get(1)?, |unit| {
                    each(ItemRow {
                        kind,
                        object,
                        unit,
                        key,
                        state,
                    });
                })?;
            }
        }
        Ok(())
    }

    fn entry(&self, seq: Seq, row: &Row<'_>) -> Result<JournalEntry, DbError> {
        let kind = kind_of(row)?;
        let reference: i64 = row.get(2)?;
        let origin = row
            .get::<_, Option<i64>>(3)?
            .map(|number| self.node(number))
            .transpose()?;
        let found = match kind {
            EntryKind::Change => self.change_entry(reference)?,
            EntryKind::Record => self.record_entry(reference)?,
            EntryKind::Receipt => self.receipt_entry(reference)?,
            EntryKind::Attachment => self.attachment_entry(reference)?,
        };
        let (unit, body) = found.ok_or(DbError::Row {
            table: "journal",
            expected: "an entry whose object is there",
        })?;
        Ok(JournalEntry {
            seq,
            unit: self.unit(unit)?,
            origin,
            body,
        })
    }

    fn change_entry(&self, reference: i64) -> Result<Option<(i64, EntryBody)>, DbError> {
        let sql = "SELECT d.unit, d.doc, c.hash, c.body, c.seal, c.actor FROM changes c \
                   JOIN docs d ON d.id = c.id >> 24 WHERE c.id = ?1";
        self.one(sql, [reference], |row| {
            let body = EntryBody::Change {
                doc: id(row, 1, "docs")?,
                hash: id(row, 2, "changes")?,
                actor: id(row, 5, "changes")?,
                body: row.get(3)?,
                seal: row.get(4)?,
            };
            Ok((row.get(0)?, body))
        })
    }

    fn record_entry(&self, reference: i64) -> Result<Option<(i64, EntryBody)>, DbError> {
        let sql = "SELECT unit, hash, kind, body FROM records WHERE id = ?1";
        self.one(sql, [reference], |row| {
            let body = EntryBody::Record {
                hash: id(row, 1, "records")?,
                kind: row.get(2)?,
                body: row.get(3)?,
            };
            Ok((row.get(0)?, body))
        })
    }

    fn receipt_entry(&self, reference: i64) -> Result<Option<(i64, EntryBody)>, DbError> {
        let sql = "SELECT unit, hash, doc, body FROM receipts WHERE id = ?1";
        self.one(sql, [reference], |row| {
            let body = EntryBody::Receipt {
                hash: id(row, 1, "receipts")?,
                doc: id(row, 2, "receipts")?,
                body: row.get(3)?,
            };
            Ok((row.get(0)?, body))
        })
    }

    fn attachment_entry(&self, reference: i64) -> Result<Option<(i64, EntryBody)>, DbError> {
        let sql = "SELECT d.unit, d.doc, a.hash, a.body FROM attachments a \
                   JOIN docs d ON d.id = a.doc WHERE a.id = ?1";
        self.one(sql, [reference], |row| {
            let body = EntryBody::Attachment {
                doc: id::<DocId>(row, 1, "docs")?,
                digest: id(row, 2, "attachments")?,
                body: row.get(3)?,
            };
            Ok((row.get(0)?, body))
        })
    }
}

fn kind_of(row: &Row<'_>) -> Result<EntryKind, DbError> {
    u8::try_from(row.get::<_, i64>(1)?)
        .ok()
        .and_then(EntryKind::from_number)
        .ok_or(DbError::Row {
            table: "journal",
            expected: "a kind",
        })
}

impl WriteTx<'_> {
    pub(crate) fn append_entry(
        &mut self,
        kind: EntryKind,
        reference: i64,
        origin: Option<i64>,
        class: u8,
    ) -> Result<Seq, DbError> {
        let sql = "INSERT INTO journal (kind, ref, origin, class) VALUES (?1, ?2, ?3, ?4)";
        let seq = self.insert(sql, (kind.number(), reference, origin, class))?;
        Ok(Seq(unsigned(seq, "journal")?))
    }

    /// Makes an entry read as nothing. Its place stays taken.
    pub(crate) fn supersede_entry(&mut self, seq: i64) -> Result<(), DbError> {
        let sql = "UPDATE journal SET kind = ?2, ref = NULL, origin = NULL WHERE seq = ?1";
        self.run(sql, (seq, SUPERSEDED))?;
        Ok(())
    }
}
