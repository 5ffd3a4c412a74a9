//! Records, receipts and attachments: immutable objects, put once by their hash.

use hopluu_model::{Digest, DocId, EntryKind, NodeId, RecordHash, Timestamp, UnitId};
use rusqlite::Row;

use crate::docs::bounded;
use crate::limits::BODY_BYTES_MAX;
use crate::read::{count, id};
use crate::{AttachmentRow, DbError, Put, Read, ReceiptRow, RecordRow, WriteTx};

const RECORD_COLUMNS: &str = "SELECT hash, kind, unit, body FROM records";
const RECEIPT_COLUMNS: &str = "SELECT doc, by_unit, unit, hash, at, body FROM receipts";

impl Read {
    /// One record, receipts apart.
    pub fn record(&self, hash: RecordHash) -> Result<Option<RecordRow>, DbError> {
        self.one(
            &format!("{RECORD_COLUMNS} WHERE hash = ?1"),
            [hash.as_bytes()],
            |row| self.record_row(row),
        )
    }

    /// The latest receipt of each superior for a document.
    pub fn receipts(&self, doc: DocId) -> Result<Vec<ReceiptRow>, DbError> {
        self.all(
            &format!("{RECEIPT_COLUMNS} WHERE doc = ?1 ORDER BY by_unit"),
            [doc.as_bytes()],
            |row| self.receipt_row(row),
        )
    }

    /// How many receipts there are for documents of a unit.
    pub fn receipt_count_of_unit(&self, unit: &UnitId) -> Result<u64, DbError> {
        let number = self.unit_number(unit)?;
        let sql = "SELECT count(*) FROM receipts WHERE unit = ?1";
        let found = self.one(sql, [number], |row| count(row, 0, "receipts"))?;
        Ok(found.unwrap_or(0))
    }

    /// The digests and sizes of a document's attachments, in the order in which they came.
    pub fn attachments(&self, doc: DocId) -> Result<Vec<(Digest, u64)>, DbError> {
        let sql = "SELECT a.hash, length(a.body) FROM attachments a JOIN docs d ON d.id = a.doc \
                   WHERE d.doc = ?1 ORDER BY a.id";
        self.all(sql, [doc.as_bytes()], |row| {
            let bytes = count(row, 1, "attachments")?;
            Ok((id(row, 0, "attachments")?, bytes))
        })
    }

    /// One attachment.
    pub fn attachment(&self, doc: DocId, digest: Digest) -> Result<Option<AttachmentRow>, DbError> {
        let sql = "SELECT a.body FROM attachments a JOIN docs d ON d.id = a.doc \
                   WHERE d.doc = ?1 AND a.hash = ?2";
        self.one(sql, (doc.as_bytes(), digest.as_bytes()), |row| {
            Ok(AttachmentRow {
                doc,
                digest,
                body: row.get(0)?,
            })
        })
    }

    pub(crate) fn record_row(&self, row: &Row<'_>) -> Result<RecordRow, DbError> {
        Ok(RecordRow {
            hash: id(row, 0, "records")?,
            kind: row.get(1)?,
            unit: self.unit(row.get(2)?)?,
            body: row.get(3)?,
        })
    }

    pub(crate) fn receipt_row(&self, row: &Row<'_>) -> Result<ReceiptRow, DbError> {
        Ok(ReceiptRow {
            doc: id(row, 0, "receipts")?,
            by: self.unit(row.get(1)?)?,
            unit: self.unit(row.get(2)?)?,
            hash: id(row, 3, "receipts")?,
            at: Timestamp(row.get(4)?),
            body: row.get(5)?,
        })
    }
}

impl WriteTx<'_> {
    /// Stores a record other than a receipt with its journal entry, once.
    pub fn put_record(
        &mut self,
        record: &RecordRow,
        origin: Option<NodeId>,
    ) -> Result<Put, DbError> {
        bounded("a record", &record.body, BODY_BYTES_MAX)?;
        let sql = "SELECT 1 FROM records WHERE hash = ?1";
        if self
            .one(sql, [record.hash.as_bytes()], |_| Ok(()))?
            .is_some()
        {
            return Ok(Put::Known);
        }
        let unit = self.intern_unit(&record.unit)?;
        let number = self.insert(
            "INSERT INTO records (hash, kind, unit, body) VALUES (?1, ?2, ?3, ?4)",
            (record.hash.as_bytes(), record.kind, unit, &record.body),
        )?;
        let origin = self.intern_origin(origin)?;
        let seq = self.append_entry(EntryKind::Record, number, origin, 0)?;
        Ok(Put::New(seq))
    }

    /// Stores a receipt with its journal entry, unless the same superior has given a later one for
    /// the document; an earlier one goes, and its journal entry reads as nothing from now on.
    pub fn put_receipt(
        &mut self,
        receipt: &ReceiptRow,
        origin: Option<NodeId>,
    ) -> Result<Put, DbError> {
        bounded("a receipt", &receipt.body, BODY_BYTES_MAX)?;
        let by = self.intern_unit(&receipt.by)?;
        let sql = "SELECT id, hash, at, seq FROM receipts WHERE doc = ?1 AND by_unit = ?2";
        let older = self.one(sql, (receipt.doc.as_bytes(), by), |row| {
            let hash: RecordHash = id(row, 1, "receipts")?;
            Ok((row.get::<_, i64>(0)?, hash, row.get(2)?, row.get(3)?))
        })?;
        if let Some((number, hash, at, seq)) = older {
            if hash == receipt.hash {
                return Ok(Put::Known);
            }
            // Equal times are told apart by the hash, so that every node keeps the same one.
            if (Timestamp(at), hash) > (receipt.at, receipt.hash) {
                return Ok(Put::Stale);
            }
            self.run("DELETE FROM receipts WHERE id = ?1", [number])?;
            self.supersede_entry(seq)?;
        }
        let unit = self.intern_unit(&receipt.unit)?;
        let number = self.insert(
            "INSERT INTO receipts (doc, by_unit, unit, hash, at, seq, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6)",
            (
                receipt.doc.as_bytes(),
                by,
                unit,
                receipt.hash.as_bytes(),
                receipt.at.0,
                &receipt.body,
            ),
        )?;
        let origin = self.intern_origin(origin)?;
        let seq = self.append_entry(EntryKind::Receipt, number, origin, 0)?;
        self.run(
            "UPDATE receipts SET seq = ?2 WHERE id = ?1",
            (number, crate::read::signed(seq.0)),
        )?;
        Ok(Put::New(seq))
    }

    /// Gives the receipts of a document new places in the journal, as if they had come now: who may be told of them is
    /// known only with the document.
    pub fn renew_receipts(&mut self, doc: DocId) -> Result<(), DbError> {
        let sql = "SELECT r.id, r.seq, j.origin FROM receipts r JOIN journal j ON j.seq = r.seq \
                   WHERE r.doc = ?1 ORDER BY r.seq";
        let rows = self.all(sql, [doc.as_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get(2)?))
        })?;
        for (number, seq, origin) in rows {
            self.supersede_entry(seq)?;
            let seq = self.append_entry(EntryKind::Receipt, number, origin, 0)?;
            self.run(
                "UPDATE receipts SET seq = ?2 WHERE id = ?1",
                (number, crate::read::signed(seq.0)),
            )?;
        }
        Ok(())
    }

    /// Stores a file of a document with its journal entry, once.
    pub fn put_attachment(
        &mut self,
        attachment: &AttachmentRow,
        origin: Option<NodeId>,
    ) -> Result<Put, DbError> {
        bounded("an attachment", &attachment.body, BODY_BYTES_MAX)?;
        let doc = attachment.doc;
        let (number, _) = self.doc_numbers(doc)?.ok_or(DbError::UnknownDoc { doc })?;
        let sql = "SELECT 1 FROM attachments WHERE doc = ?1 AND hash = ?2";
        let key = (number, attachment.digest.as_bytes());
        if self.one(sql, key, |_| Ok(()))?.is_some() {
            return Ok(Put::Known);
        }
        let number = self.insert(
            "INSERT INTO attachments (doc, hash, body) VALUES (?1, ?2, ?3)",
            (number, attachment.digest.as_bytes(), &attachment.body),
        )?;
        let origin = self.intern_origin(origin)?;
        let seq = self.append_entry(EntryKind::Attachment, number, origin, 0)?;
        Ok(Put::New(seq))
    }
}
