//! Lists that a node needs whole: what it learns at a start, what a peer names by half a hash.

use hopluu_model::{DocId, ObjectId, RecordHash};

use crate::read::{count, id, signed};
use crate::{DbError, ParkedRow, Read, ReceiptRow, RecordRow};

impl Read {
    /// The records that came after a place among them, receipts apart, one at a time and in the order
    /// in which they came: an author's certificate comes before what it signed.
    pub fn for_each_record(
        &self,
        after: u64,
        mut each: impl FnMut(u64, RecordRow),
    ) -> Result<(), DbError> {
        let sql = "SELECT hash, kind, unit, body, id FROM records WHERE id > ?1 ORDER BY id";
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query([signed(after)])?;
        while let Some(row) = rows.next()? {
            each(count(row, 4, "records")?, self.record_row(row)?);
        }
        Ok(())
    }

    /// The place and hash of the last record up to a place.
    pub fn last_record(&self, through: u64) -> Result<Option<(u64, RecordHash)>, DbError> {
        let sql = "SELECT id, hash FROM records WHERE id <= ?1 ORDER BY id DESC LIMIT 1";
        self.one(sql, [signed(through)], |row| {
            Ok((count(row, 0, "records")?, id(row, 1, "records")?))
        })
    }

    /// The records whose hashes begin with these bytes: one, unless somebody has spent a lot.
    pub fn records_named(&self, object: ObjectId) -> Result<Vec<RecordRow>, DbError> {
        let (low, high) = span(object);
        let sql = "SELECT hash, kind, unit, body FROM records \
                   WHERE hash BETWEEN ?1 AND ?2 ORDER BY hash";
        self.all(sql, (low.as_bytes(), high.as_bytes()), |row| {
            self.record_row(row)
        })
    }

    /// The receipts whose hashes begin with these bytes.
    pub fn receipts_named(&self, object: ObjectId) -> Result<Vec<ReceiptRow>, DbError> {
        let (low, high) = span(object);
        let sql = "SELECT doc, by_unit, unit, hash, at, body FROM receipts \
                   WHERE hash BETWEEN ?1 AND ?2 ORDER BY hash";
        self.all(sql, (low.as_bytes(), high.as_bytes()), |row| {
            self.receipt_row(row)
        })
    }

    /// Everything that waits, whoever sent it, in the order in which it came.
    pub fn parked(&self) -> Result<Vec<ParkedRow>, DbError> {
        let sql = "SELECT n.node, p.doc, p.hash, p.reason, p.at, p.body \
                   FROM parked p JOIN nodes n ON n.id = p.node ORDER BY p.id";
        self.all(sql, [], crate::peers::parked_row)
    }

    /// Up to which of its changes a document is packed in a snapshot; nothing without one.
    pub fn snapshot_ordinal(&self, doc: DocId) -> Result<Option<u64>, DbError> {
        let sql = "SELECT s.ordinal FROM snapshots s JOIN docs d ON d.id = s.doc WHERE d.doc = ?1";
        self.one(sql, [doc.as_bytes()], |row| count(row, 0, "snapshots"))
    }
}

/// The lowest and highest hash that begin with the bytes of an object's id.
fn span(object: ObjectId) -> (RecordHash, RecordHash) {
    let (mut low, mut high) = ([0; RecordHash::LEN], [0xff; RecordHash::LEN]);
    for hash in [&mut low, &mut high] {
        for (byte, given) in hash.iter_mut().zip(object.as_bytes()) {
            *byte = *given;
        }
    }
    (RecordHash(low), RecordHash(high))
}
