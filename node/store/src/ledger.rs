//! What links to peers have cost, by day and by month; the sums are opaque here.

use hopluu_model::NodeId;

use crate::docs::bounded;
use crate::limits::LEDGER_BYTES_MAX;
use crate::read::small;
use crate::{DbError, LedgerSpan, Read, WriteTx};

impl Read {
    /// What one day or month with a peer has cost, as it was put.
    pub fn ledger(
        &self,
        node: NodeId,
        span: LedgerSpan,
        number: u32,
    ) -> Result<Option<Vec<u8>>, DbError> {
        let sql = "SELECT l.body FROM ledger l JOIN nodes n ON n.id = l.node \
                   WHERE n.node = ?1 AND l.span = ?2 AND l.number = ?3";
        self.one(sql, (node.as_bytes(), span as u8, number), |row| {
            Ok(row.get(0)?)
        })
    }

    /// All kept days or months of a peer, oldest first.
    pub fn ledger_of(
        &self,
        node: NodeId,
        span: LedgerSpan,
    ) -> Result<Vec<(u32, Vec<u8>)>, DbError> {
        let sql = "SELECT l.number, l.body FROM ledger l JOIN nodes n ON n.id = l.node \
                   WHERE n.node = ?1 AND l.span = ?2 ORDER BY l.number";
        self.all(sql, (node.as_bytes(), span as u8), |row| {
            Ok((small(row, 0, "ledger")?, row.get(1)?))
        })
    }
}

impl WriteTx<'_> {
    /// Puts what one day or month with a peer has cost, in place of what was put before.
    pub fn put_ledger(
        &mut self,
        node: NodeId,
        span: LedgerSpan,
        number: u32,
        body: &[u8],
    ) -> Result<(), DbError> {
        bounded("a sum of the ledger", body, LEDGER_BYTES_MAX)?;
        let node = self.intern_node(node)?;
        self.run(
            "INSERT INTO ledger (node, span, number, body) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (node, span, number) DO UPDATE SET body = excluded.body",
            (node, span as u8, number, body),
        )?;
        Ok(())
    }

    /// Drops all days or months before one.
    pub fn prune_ledger(&mut self, span: LedgerSpan, before: u32) -> Result<(), DbError> {
        let sql = "DELETE FROM ledger WHERE span = ?1 AND number < ?2";
        self.run(sql, (span as u8, before))?;
        Ok(())
    }
}
