//! What is remembered of peers: checkpoints of both sides, and what they sent too early.

use hopluu_model::{ChangeHash, DocId, Epoch, NodeId, Seq, Timestamp};
use rusqlite::Row;

use crate::docs::bounded;
use crate::limits::{AHEAD_BYTES_MAX, PARKED_BYTES_PER_PEER_MAX, PARKED_ROWS_PER_PEER_MAX};
use crate::read::{count, id, signed};
use crate::{DbError, Park, ParkedRow, PeerCheckpoint, PeerRow, Read, WriteTx};

const PEER_COLUMNS: &str = "SELECT n.node, p.their_epoch, p.received, p.my_epoch, p.acked, \
     p.last_heard, p.ahead FROM peers p JOIN nodes n ON n.id = p.node";

const PARKED_COLUMNS: &str = "SELECT n.node, p.doc, p.hash, p.reason, p.at, p.body \
     FROM parked p JOIN nodes n ON n.id = p.node";

impl Read {
    /// What is remembered of a peer.
    pub fn peer(&self, node: NodeId) -> Result<Option<PeerRow>, DbError> {
        self.one(
            &format!("{PEER_COLUMNS} WHERE n.node = ?1"),
            [node.as_bytes()],
            peer_row,
        )
    }

    /// All peers there ever was a session with, by node.
    pub fn peers(&self) -> Result<Vec<PeerRow>, DbError> {
        self.all(&format!("{PEER_COLUMNS} ORDER BY n.node"), [], peer_row)
    }

    /// The places of what waits for a document, or of everything that waits, whoever sent it, in the order in which
    /// it came. Bodies are read one by one: all together may be 2 MiB of each peer.
    pub fn parked_places(&self, doc: Option<DocId>) -> Result<Vec<u64>, DbError> {
        let place = |row: &Row<'_>| count(row, 0, "parked");
        match doc {
            Some(doc) => {
                let sql = "SELECT id FROM parked WHERE doc = ?1 ORDER BY id";
                self.all(sql, [doc.as_bytes()], place)
            }
            None => self.all("SELECT id FROM parked ORDER BY id", [], place),
        }
    }

    /// What waits at a place; nothing where it has come in or was given up.
    pub fn parked_at(&self, place: u64) -> Result<Option<ParkedRow>, DbError> {
        let sql = format!("{PARKED_COLUMNS} WHERE p.id = ?1");
        self.one(&sql, [place.cast_signed()], parked_row)
    }

    /// Peers of whom as much is parked as may be, by node: more of theirs may have been turned away.
    pub fn parked_full(&self) -> Result<Vec<NodeId>, DbError> {
        let sql = "SELECT n.node FROM parked p JOIN nodes n ON n.id = p.node GROUP BY p.node \
                   HAVING count(*) >= ?1 OR sum(length(p.body)) >= ?2 ORDER BY n.node";
        let bounds = [PARKED_ROWS_PER_PEER_MAX, PARKED_BYTES_PER_PEER_MAX].map(u64::cast_signed);
        self.all(sql, bounds, |row| id(row, 0, "parked"))
    }

    /// How much is parked in all.
    pub fn parked_count(&self) -> Result<u64, DbError> {
        let sql = "SELECT count(*) FROM parked";
        Ok(self
            .one(sql, [], |row| count(row, 0, "parked"))?
            .unwrap_or(0))
    }
}

impl WriteTx<'_> {
    /// Remembers how far both sides have got. Belongs into the transaction that applies what was
    /// received, or the two part at a crash.
    pub fn put_checkpoint(
        &mut self,
        node: NodeId,
        checkpoint: &PeerCheckpoint,
    ) -> Result<(), DbError> {
        let number = self.intern_node(node)?;
        self.run(
            "INSERT INTO peers (node, their_epoch, received, my_epoch, acked) \
             VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (node) DO UPDATE SET their_epoch = excluded.their_epoch, \
             received = excluded.received, my_epoch = excluded.my_epoch, acked = excluded.acked",
            (
                number,
                checkpoint.their_epoch.as_bytes(),
                signed(checkpoint.received.0),
                checkpoint.my_epoch.as_bytes(),
                signed(checkpoint.acked.0),
            ),
        )?;
        Ok(())
    }

    /// Remembers what a peer has beyond its checkpoint; the checkpoint must have been put before, in the same
    /// transaction.
    pub fn put_ahead(&mut self, node: NodeId, ahead: &[u8]) -> Result<(), DbError> {
        bounded("places beyond a checkpoint", ahead, AHEAD_BYTES_MAX)?;
        let number = self.intern_node(node)?;
        let sql = "UPDATE peers SET ahead = ?2 WHERE node = ?1";
        self.run(sql, (number, ahead))?;
        Ok(())
    }

    /// Remembers when a peer was last heard.
    pub fn put_last_heard(&mut self, node: NodeId, at: Timestamp) -> Result<(), DbError> {
        let number = self.intern_node(node)?;
        self.run(
            "INSERT INTO peers (node, last_heard) VALUES (?1, ?2) \
             ON CONFLICT (node) DO UPDATE SET last_heard = excluded.last_heard",
            (number, at.0),
        )?;
        Ok(())
    }

    /// Keeps something that cannot be accepted yet, within its sender's bounds.
    pub fn park(&mut self, row: &ParkedRow) -> Result<Park, DbError> {
        let number = self.intern_node(row.node)?;
        let key = (number, row.doc.as_bytes(), row.hash.as_bytes());
        let sql = "SELECT 1 FROM parked WHERE node = ?1 AND doc = ?2 AND hash = ?3";
        if self.one(sql, key, |_| Ok(()))?.is_some() {
            return Ok(Park::Parked);
        }
        let sql = "SELECT count(*), coalesce(sum(length(body)), 0) FROM parked WHERE node = ?1";
        let (rows, bytes) = self
            .one(sql, [number], |row| {
                Ok((count(row, 0, "parked")?, count(row, 1, "parked")?))
            })?
            .unwrap_or((0, 0));
        if rows >= PARKED_ROWS_PER_PEER_MAX || bytes >= PARKED_BYTES_PER_PEER_MAX {
            return Ok(Park::Full);
        }
        self.run(
            "INSERT INTO parked (node, doc, hash, reason, at, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                number,
                row.doc.as_bytes(),
                row.hash.as_bytes(),
                row.reason,
                row.at.0,
                &row.body,
            ),
        )?;
        Ok(Park::Parked)
    }

    /// Drops what waits under a hash, whoever sent it: it was accepted, or given up.
    pub fn unpark(&mut self, doc: DocId, hash: ChangeHash) -> Result<(), DbError> {
        let sql = "DELETE FROM parked WHERE doc = ?1 AND hash = ?2";
        self.run(sql, (doc.as_bytes(), hash.as_bytes()))?;
        Ok(())
    }
}

fn peer_row(row: &Row<'_>) -> Result<PeerRow, DbError> {
    let their_epoch = epoch(row, 1)?;
    let my_epoch = epoch(row, 3)?;
    let received = Seq(count(row, 2, "peers")?);
    let acked = Seq(count(row, 4, "peers")?);
    Ok(PeerRow {
        node: id(row, 0, "nodes")?,
        checkpoint: their_epoch
            .zip(my_epoch)
            .map(|(their_epoch, my_epoch)| PeerCheckpoint {
                their_epoch,
                received,
                my_epoch,
                acked,
            }),
        last_heard: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        ahead: row.get(6)?,
    })
}

fn epoch(row: &Row<'_>, column: usize) -> Result<Option<Epoch>, DbError> {
    if row.get_ref(column)?.data_type() == rusqlite::types::Type::Null {
        return Ok(None);
    }
    id(row, column, "peers").map(Some)
}

pub(crate) fn parked_row(row: &Row<'_>) -> Result<ParkedRow, DbError> {
    Ok(ParkedRow {
        node: id(row, 0, "nodes")?,
        doc: id(row, 1, "parked")?,
        hash: id(row, 2, "parked")?,
        reason: row.get(3)?,
        at: Timestamp(row.get(4)?),
        body: row.get(5)?,
    })
}
