//! The changes of documents, as they are stored.

use std::collections::BTreeSet;

use hopluu_model::{ActorId, ChangeHash, DocId};
use rusqlite::Row;

use crate::limits::ORDINAL_BITS;
use crate::read::{count, hashes, id, signed};
use crate::{ChangeHead, ChangeRow, DbError, Read};

const CHANGE_COLUMNS: &str =
    "SELECT id & 0xffffff, hash, actor, actor_seq, deps, seal, body FROM changes";

impl Read {
    /// Whether a change is stored; implied ones are not.
    pub fn has_change(&self, doc: DocId, hash: ChangeHash) -> Result<bool, DbError> {
        let Some((number, _)) = self.doc_numbers(doc)? else {
            return Ok(false);
        };
        self.has_change_of(number, hash)
    }

    /// One change.
    pub fn change(&self, doc: DocId, hash: ChangeHash) -> Result<Option<ChangeRow>, DbError> {
        let Some((number, _)) = self.doc_numbers(doc)? else {
            return Ok(None);
        };
        self.one(
            &format!("{CHANGE_COLUMNS} WHERE doc = ?1 AND hash = ?2"),
            (number, hash.as_bytes()),
            change_row,
        )
    }

    /// The changes after an ordinal, in the order of acceptance, until `each` says stop.
    pub fn for_each_change(
        &self,
        doc: DocId,
        after: u64,
        mut each: impl FnMut(ChangeRow) -> bool,
    ) -> Result<(), DbError> {
        let Some((number, _)) = self.doc_numbers(doc)? else {
            return Ok(());
        };
        let sql = format!("{CHANGE_COLUMNS} WHERE id > ?1 AND id < ?2 ORDER BY id");
        let mut statement = self.statement(&sql)?;
        let range = (change_key(number, after), change_key(number + 1, 0));
        let mut rows = statement.query(range)?;
        while let Some(row) = rows.next()? {
            if !each(change_row(row)?) {
                break;
            }
        }
        Ok(())
    }

    /// All changes after an ordinal, in the order of acceptance: what a loader needs on top of a
    /// snapshot.
    pub fn changes_after(&self, doc: DocId, after: u64) -> Result<Vec<ChangeRow>, DbError> {
        let mut list = Vec::new();
        self.for_each_change(doc, after, |change| {
            list.push(change);
            true
        })?;
        Ok(list)
    }

    /// A document's changes in the order of acceptance, without their bodies.
    pub fn change_heads(&self, doc: DocId) -> Result<Vec<ChangeHead>, DbError> {
        let Some((number, _)) = self.doc_numbers(doc)? else {
            return Ok(Vec::new());
        };
        let sql = "SELECT id & 0xffffff, hash, length(body) FROM changes \
                   WHERE id > ?1 AND id < ?2 ORDER BY id";
        let mut statement = self.statement(sql)?;
        let range = (change_key(number, 0), change_key(number + 1, 0));
        let mut rows = statement.query(range)?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(ChangeHead {
                ordinal: count(row, 0, "changes")?,
                hash: id(row, 1, "changes")?,
                bytes: count(row, 2, "changes")?,
            });
        }
        Ok(list)
    }

    /// The last sequence number of an actor in a document, 0 for one that never wrote there.
    pub fn actor_seq(&self, doc: DocId, actor: ActorId) -> Result<u64, DbError> {
        match self.doc_numbers(doc)? {
            Some((number, _)) => self.actor_seq_of(number, actor),
            None => Ok(0),
        }
    }

    /// Which change has a number of an actor's in a document.
    pub fn change_of_actor(
        &self,
        doc: DocId,
        actor: ActorId,
        seq: u64,
    ) -> Result<Option<ChangeHash>, DbError> {
        let Some((number, _)) = self.doc_numbers(doc)? else {
            return Ok(None);
        };
        self.one(
            "SELECT hash FROM changes WHERE doc = ?1 AND actor = ?2 AND actor_seq = ?3",
            (number, actor.as_bytes(), signed(seq)),
            |row| id(row, 0, "changes"),
        )
    }

    /// The first seal on an actor's changes in a document, by which the actor is its author's. The changes
    /// before that one have none: it vouches for them.
    pub fn first_seal(&self, doc: DocId, actor: ActorId) -> Result<Option<Vec<u8>>, DbError> {
        let Some((number, _)) = self.doc_numbers(doc)? else {
            return Ok(None);
        };
        let sql = "SELECT seal FROM changes WHERE doc = ?1 AND actor = ?2 AND seal <> x'' \
                   ORDER BY actor_seq LIMIT 1";
        self.one(sql, (number, actor.as_bytes()), |row| Ok(row.get(0)?))
    }

    pub(crate) fn has_change_of(&self, number: i64, hash: ChangeHash) -> Result<bool, DbError> {
        let sql = "SELECT 1 FROM changes WHERE doc = ?1 AND hash = ?2";
        let found = self.one(sql, (number, hash.as_bytes()), |_| Ok(()))?;
        Ok(found.is_some())
    }

    pub(crate) fn actor_seq_of(&self, number: i64, actor: ActorId) -> Result<u64, DbError> {
        let sql = "SELECT actor_seq FROM actors WHERE doc = ?1 AND actor = ?2";
        let found = self.one(sql, (number, actor.as_bytes()), |row| {
            count(row, 0, "actors")
        })?;
        Ok(found.unwrap_or(0))
    }
}

/// A change is a head, and what it depends on no longer is.
pub(crate) fn heads_after(
    heads: &[ChangeHash],
    hash: ChangeHash,
    deps: &[ChangeHash],
) -> Vec<ChangeHash> {
    let heads: BTreeSet<_> = heads
        .iter()
        .filter(|head| !deps.contains(head))
        .copied()
        .chain([hash])
        .collect();
    heads.into_iter().collect()
}

pub(crate) fn change_key(doc: i64, ordinal: u64) -> i64 {
    (doc << ORDINAL_BITS) | signed(ordinal)
}

pub(crate) fn change_row(row: &Row<'_>) -> Result<ChangeRow, DbError> {
    Ok(ChangeRow {
        ordinal: count(row, 0, "changes")?,
        hash: id(row, 1, "changes")?,
        actor: id(row, 2, "changes")?,
        actor_seq: count(row, 3, "changes")?,
        deps: hashes(row.get_ref(4)?.as_blob().unwrap_or_default(), "changes")?,
        seal: row.get(5)?,
        body: row.get(6)?,
    })
}
