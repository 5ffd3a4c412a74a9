//! What counts nowhere, and what is to be judged anew. Both follow from what else is stored.

use hopluu_model::{ChangeHash, DocId, UnitId};

use crate::docs::bounded;
use crate::limits::VOID_BYTES_MAX;
use crate::read::id;
use crate::{DbError, Read, WriteTx};

impl Read {
    /// What of a document counts nowhere, by change.
    pub fn voids(&self, doc: DocId) -> Result<Vec<(ChangeHash, Vec<u8>)>, DbError> {
        let sql = "SELECT v.hash, v.body FROM voids v JOIN docs d ON d.id = v.doc \
                   WHERE d.doc = ?1 ORDER BY v.hash";
        self.all(sql, [doc.as_bytes()], |row| {
            Ok((id(row, 0, "voids")?, row.get(1)?))
        })
    }

    /// Every document in which something counts nowhere, in the order in which they came.
    pub fn void_docs(&self) -> Result<Vec<DocId>, DbError> {
        let sql = "SELECT doc FROM docs WHERE id IN (SELECT doc FROM voids) ORDER BY id";
        self.all(sql, [], |row| id(row, 0, "docs"))
    }

    /// The documents of a unit, in the order in which they came.
    pub fn docs_of_unit(&self, unit: &UnitId) -> Result<Vec<DocId>, DbError> {
        let number = self.unit_number(unit)?;
        let sql = "SELECT doc FROM docs WHERE unit = ?1 ORDER BY id";
        self.all(sql, [number], |row| id(row, 0, "docs"))
    }

    /// The first documents that are to be judged anew.
    pub fn unjudged(&self, most: u32) -> Result<Vec<DocId>, DbError> {
        let sql =
            "SELECT d.doc FROM unjudged u JOIN docs d ON d.id = u.doc ORDER BY u.doc LIMIT ?1";
        self.all(sql, [most], |row| id(row, 0, "docs"))
    }
}

impl WriteTx<'_> {
    /// Says what of a document counts nowhere, in place of what was said before.
    pub fn put_voids(
        &mut self,
        doc: DocId,
        voids: &[(ChangeHash, Vec<u8>)],
    ) -> Result<(), DbError> {
        let (number, _) = self.doc_numbers(doc)?.ok_or(DbError::UnknownDoc { doc })?;
        self.run("DELETE FROM voids WHERE doc = ?1", [number])?;
        for (hash, body) in voids {
            self.insert_void(number, *hash, body)?;
        }
        Ok(())
    }

    /// Says the same of one change more.
    pub fn put_void(&mut self, doc: DocId, hash: ChangeHash, body: &[u8]) -> Result<(), DbError> {
        let (number, _) = self.doc_numbers(doc)?.ok_or(DbError::UnknownDoc { doc })?;
        self.insert_void(number, hash, body)
    }

    fn insert_void(&mut self, doc: i64, hash: ChangeHash, body: &[u8]) -> Result<(), DbError> {
        bounded("what is void of a change", body, VOID_BYTES_MAX)?;
        let sql = "INSERT OR REPLACE INTO voids (doc, hash, body) VALUES (?1, ?2, ?3)";
        self.run(sql, (doc, hash.as_bytes(), body))?;
        Ok(())
    }

    /// Has a document judged anew.
    pub fn judge_anew(&mut self, doc: DocId) -> Result<(), DbError> {
        let sql = "INSERT OR IGNORE INTO unjudged SELECT id FROM docs WHERE doc = ?1";
        self.run(sql, [doc.as_bytes()])?;
        Ok(())
    }

    /// A document has been judged.
    pub fn judged(&mut self, doc: DocId) -> Result<(), DbError> {
        let sql = "DELETE FROM unjudged WHERE doc = (SELECT id FROM docs WHERE doc = ?1)";
        self.run(sql, [doc.as_bytes()])?;
        Ok(())
    }
}
