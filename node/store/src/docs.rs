//! Documents, their snapshots and their facts.

use std::collections::BTreeSet;
use std::io::Cursor;

use hopluu_model::{ChangeHash, DocId, FormId, Period, UnitId};
use rusqlite::Row;

use crate::limits::{FACTS_BYTES_MAX, FACTS_DOC_BITS, PACK_BYTES_MIN, SNAPSHOT_BYTES_MAX};
use crate::read::{count, hashes, id, joined, parsed, signed, small};
use crate::{DbError, DocRow, FactsRow, NewDoc, Read, Snapshot, WriteTx};

const DOC_COLUMNS: &str = "SELECT d.doc, d.key, d.unit, s.form, s.major, s.period, d.implied, \
     d.heads, d.changes, d.bytes FROM docs d JOIN series s ON s.id = d.series";

/// How a snapshot's bytes are kept. Part of the database.
const PLAIN: i64 = 0;
const ZSTD: i64 = 1;

/// Level 3 packs a 1 MiB document in about ten milliseconds; more gains little.
const ZSTD_LEVEL: i32 = 3;

impl Read {
    /// One document, without its content.
    pub fn doc(&self, doc: DocId) -> Result<Option<DocRow>, DbError> {
        self.one(
            &format!("{DOC_COLUMNS} WHERE d.doc = ?1"),
            [doc.as_bytes()],
            |row| self.doc_row(row),
        )
    }

    /// Every document, one at a time, in the order in which they came.
    pub fn for_each_doc(&self, mut each: impl FnMut(DocRow)) -> Result<(), DbError> {
        let mut statement = self.statement(&format!("{DOC_COLUMNS} ORDER BY d.id"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(self.doc_row(row)?);
        }
        Ok(())
    }

    /// How many documents there are.
    pub fn doc_count(&self) -> Result<u64, DbError> {
        let found = self.one("SELECT count(*) FROM docs", [], |row| count(row, 0, "docs"))?;
        Ok(found.unwrap_or(0))
    }

    /// How many documents a unit has.
    pub fn doc_count_of_unit(&self, unit: &UnitId) -> Result<u64, DbError> {
        let number = self.unit_number(unit)?;
        let sql = "SELECT count(*) FROM docs WHERE unit = ?1";
        let found = self.one(sql, [number], |row| count(row, 0, "docs"))?;
        Ok(found.unwrap_or(0))
    }

    /// The snapshot of a document, if it has one.
    pub fn snapshot(&self, doc: DocId) -> Result<Option<Snapshot>, DbError> {
        let sql = "SELECT s.ordinal, s.packing, s.body FROM snapshots s \
                   JOIN docs d ON d.id = s.doc WHERE d.doc = ?1";
        self.one(sql, [doc.as_bytes()], |row| {
            let bytes = row.get_ref(2)?.as_blob().unwrap_or_default();
            Ok(Snapshot {
                ordinal: count(row, 0, "snapshots")?,
                body: unpacked(row.get(1)?, bytes)?,
            })
        })
    }

    /// The facts of a document, if they were put.
    pub fn facts(&self, doc: DocId) -> Result<Option<Vec<u8>>, DbError> {
        let Some((number, series)) = self.doc_numbers(doc)? else {
            return Ok(None);
        };
        let sql = "SELECT body FROM facts WHERE id = ?1";
        self.one(sql, [facts_key(series, number)], |row| Ok(row.get(0)?))
    }

    /// Streams the facts of one form and period; nothing is copied.
    pub fn for_each_facts(
        &self,
        form: &FormId,
        major: u16,
        period: &Period,
        mut each: impl FnMut(FactsRow<'_>),
    ) -> Result<(), DbError> {
        let Some(series) = self.series_number(form, major, period)? else {
            return Ok(());
        };
        let sql = "SELECT d.doc, d.unit, d.heads, f.body FROM facts f \
                   JOIN docs d ON d.id = f.id & 0xffffffffff \
                   WHERE f.id >= ?1 AND f.id < ?2 ORDER BY f.id";
        let mut statement = self.statement(sql)?;
        let range = [facts_key(series, 0), facts_key(series + 1, 0)];
        let mut rows = statement.query(range)?;
        while let Some(row) = rows.next()? {
            let doc = id(row, 0, "docs")?;
            let heads = row.get_ref(2)?.as_blob().unwrap_or_default();
            let body = row.get_ref(3)?.as_blob().unwrap_or_default();
            self.with_unit(row.get(1)?, |unit| {
                each(FactsRow {
                    doc,
                    unit,
                    heads,
                    body,
                });
            })?;
        }
        Ok(())
    }

    fn series_number(
        &self,
        form: &FormId,
        major: u16,
        period: &Period,
    ) -> Result<Option<i64>, DbError> {
        let sql = "SELECT id FROM series WHERE form = ?1 AND major = ?2 AND period = ?3";
        let key = (form.as_str(), major, period.to_string());
        self.one(sql, key, |row| Ok(row.get(0)?))
    }

    fn doc_row(&self, row: &Row<'_>) -> Result<DocRow, DbError> {
        let list = |column| -> Result<Vec<ChangeHash>, DbError> {
            hashes(row.get_ref(column)?.as_blob().unwrap_or_default(), "docs")
        };
        Ok(DocRow {
            doc: id(row, 0, "docs")?,
            key: row.get(1)?,
            unit: self.unit(row.get(2)?)?,
            form: parsed(row.get_ref(3)?.as_str().unwrap_or(""), "series", "a form")?,
            major: small(row, 4, "series")?,
            period: parsed(row.get_ref(5)?.as_str().unwrap_or(""), "series", "a period")?,
            implied: list(6)?,
            heads: list(7)?,
            changes: count(row, 8, "docs")?,
            bytes: count(row, 9, "docs")?,
        })
    }
}

impl WriteTx<'_> {
    /// Makes a document known. Of one that is there already only the implied changes are renewed,
    /// with the heads that they bring: a form's later minor version adds some.
    pub fn put_doc(&mut self, doc: &NewDoc) -> Result<(), DbError> {
        let mut base = doc.heads.clone();
        base.sort_unstable();
        let sql = "SELECT implied, base, heads FROM docs WHERE doc = ?1";
        let there = self.one(sql, [doc.doc.as_bytes()], |row| {
            let list = |column| -> Result<Vec<ChangeHash>, DbError> {
                hashes(row.get_ref(column)?.as_blob().unwrap_or_default(), "docs")
            };
            Ok((list(0)?, list(1)?, list(2)?))
        })?;
        if let Some((implied, old_base, heads)) = there {
            if implied != doc.implied || old_base != base {
                self.renew_implied(doc, &base, &old_base, &heads)?;
            }
            return Ok(());
        }
        let unit = self.intern_unit(&doc.unit)?;
        let series = match self.series_number(&doc.form, doc.major, &doc.period)? {
            Some(number) => number,
            None => self.insert(
                "INSERT INTO series (form, major, period) VALUES (?1, ?2, ?3)",
                (doc.form.as_str(), doc.major, doc.period.to_string()),
            )?,
        };
        let sql = "INSERT INTO docs (doc, key, unit, series, implied, base, heads, changes, bytes) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0, 0)";
        let (implied, base) = (joined(&doc.implied), joined(&base));
        self.insert(
            sql,
            (doc.doc.as_bytes(), &doc.key, unit, series, implied, base),
        )?;
        Ok(())
    }

    fn renew_implied(
        &mut self,
        doc: &NewDoc,
        base: &[ChangeHash],
        old_base: &[ChangeHash],
        heads: &[ChangeHash],
    ) -> Result<(), DbError> {
        let goes = |head: &&ChangeHash| old_base.contains(head) && !base.contains(head);
        let comes = base.iter().filter(|head| !old_base.contains(head));
        let heads: BTreeSet<_> = heads
            .iter()
            .filter(|head| !goes(head))
            .chain(comes)
            .copied()
            .collect();
        let heads: Vec<_> = heads.into_iter().collect();
        self.run(
            "UPDATE docs SET implied = ?2, base = ?3, heads = ?4 WHERE doc = ?1",
            (
                doc.doc.as_bytes(),
                joined(&doc.implied),
                joined(base),
                joined(&heads),
            ),
        )?;
        Ok(())
    }

    /// Replaces a document's snapshot by one that contains its changes up to `ordinal`.
    pub fn put_snapshot(&mut self, doc: DocId, ordinal: u64, body: &[u8]) -> Result<(), DbError> {
        bounded("a snapshot", body, SNAPSHOT_BYTES_MAX)?;
        let (number, _) = self.doc_numbers(doc)?.ok_or(DbError::UnknownDoc { doc })?;
        let packed = packed(body);
        let sql = "INSERT INTO snapshots (doc, ordinal, packing, body) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT (doc) DO UPDATE SET ordinal = excluded.ordinal, \
                   packing = excluded.packing, body = excluded.body";
        match packed {
            Some(packed) => self.run(sql, (number, signed(ordinal), ZSTD, packed))?,
            None => self.run(sql, (number, signed(ordinal), PLAIN, body))?,
        };
        Ok(())
    }

    /// Replaces a document's facts.
    pub fn put_facts(&mut self, doc: DocId, body: &[u8]) -> Result<(), DbError> {
        bounded("facts", body, FACTS_BYTES_MAX)?;
        let (number, series) = self.doc_numbers(doc)?.ok_or(DbError::UnknownDoc { doc })?;
        let sql = "INSERT INTO facts (id, body) VALUES (?1, ?2) \
                   ON CONFLICT (id) DO UPDATE SET body = excluded.body";
        self.run(sql, (facts_key(series, number), body))?;
        Ok(())
    }
}

pub(crate) fn facts_key(series: i64, doc: i64) -> i64 {
    (series << FACTS_DOC_BITS) | doc
}

pub(crate) fn bounded(what: &'static str, body: &[u8], bound: usize) -> Result<(), DbError> {
    if body.len() > bound {
        return Err(DbError::TooLarge {
            what,
            found: body.len(),
            bound,
        });
    }
    Ok(())
}

/// The bytes by zstd, where that saves at least an eighth.
fn packed(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < PACK_BYTES_MIN {
        return None;
    }
    let packed = zstd::encode_all(Cursor::new(body), ZSTD_LEVEL).ok()?;
    (packed.len() < body.len() - body.len() / 8).then_some(packed)
}

pub(crate) fn unpacked(packing: i64, bytes: &[u8]) -> Result<Vec<u8>, DbError> {
    match packing {
        PLAIN => Ok(bytes.to_vec()),
        ZSTD => zstd::decode_all(Cursor::new(bytes)).map_err(|_| DbError::Row {
            table: "snapshots",
            expected: "zstd",
        }),
        _ => Err(DbError::Row {
            table: "snapshots",
            expected: "a known packing",
        }),
    }
}
