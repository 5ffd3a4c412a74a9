//! A document that grows by several changes in one go: what it takes to judge them is read once, and what they make
//! of it is written once.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{ActorId, ChangeHash, DocId, EntryKind, NodeId};
use rusqlite::Row;

use crate::changes::{change_key, heads_after};
use crate::docs::bounded;
use crate::limits::{BODY_BYTES_MAX, CHANGES_PER_DOC_MAX};
use crate::read::{count, hashes, joined, signed};
use crate::{AppendError, Appended, DbError, NewChange, Read, WriteTx};

/// A document while changes are appended to it. Until [`WriteTx::grown`] its row and its actors' numbers are still
/// those of before, and only this knows better; the changes themselves and their journal entries are there at once.
#[derive(Debug)]
#[must_use = "the document's row is written by `grown`"]
pub struct Growth {
    doc: DocId,
    number: i64,
    implied: Vec<ChangeHash>,
    heads: Vec<ChangeHash>,
    changes: u64,
    /// Bytes of the bodies that have come.
    bytes: u64,
    new: BTreeSet<ChangeHash>,
    /// The last numbers of the actors that have written.
    actors: BTreeMap<ActorId, u64>,
    /// The peer that the last change came from, with its number.
    origin: Option<(NodeId, i64)>,
}

impl Growth {
    fn read(doc: DocId, row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            doc,
            number: row.get(0)?,
            implied: hashes(row.get_ref(1)?.as_blob().unwrap_or_default(), "docs")?,
            heads: hashes(row.get_ref(2)?.as_blob().unwrap_or_default(), "docs")?,
            changes: count(row, 3, "docs")?,
            bytes: 0,
            new: BTreeSet::new(),
            actors: BTreeMap::new(),
            origin: None,
        })
    }

    /// The document's heads by now, sorted.
    #[must_use]
    pub fn heads(&self) -> &[ChangeHash] {
        &self.heads
    }

    /// Whether a change is stored by now; implied ones are not.
    pub fn holds(&self, read: &Read, hash: ChangeHash) -> Result<bool, DbError> {
        Ok(self.new.contains(&hash) || read.has_change_of(self.number, hash)?)
    }

    /// The last number of an actor by now, 0 for one that never wrote there.
    pub fn actor_seq(&self, read: &Read, actor: ActorId) -> Result<u64, DbError> {
        match self.actors.get(&actor) {
            Some(seq) => Ok(*seq),
            None => read.actor_seq_of(self.number, actor),
        }
    }

    fn check(&self, read: &Read, change: &NewChange<'_>) -> Result<(), AppendError> {
        let (doc, hash) = (self.doc, change.hash);
        if self.changes >= CHANGES_PER_DOC_MAX {
            return Err(AppendError::TooManyChanges { doc });
        }
        for dep in change.deps {
            if !self.implied.contains(dep) && !self.holds(read, *dep)? {
                let dep = *dep;
                return Err(AppendError::DependencyMissing { doc, hash, dep });
            }
        }
        let expected = self.actor_seq(read, change.actor)? + 1;
        if change.actor_seq == expected {
            Ok(())
        } else {
            Err(AppendError::ActorSequence {
                doc,
                hash,
                expected,
                found: change.actor_seq,
            })
        }
    }
}

impl WriteTx<'_> {
    /// Stores a change with its journal entry and moves the document's heads. A change that is
    /// there already is not written again; one whose dependencies are not all here, or whose actor
    /// skips or repeats a number, is refused.
    pub fn append_change(&mut self, change: &NewChange<'_>) -> Result<Appended, AppendError> {
        let mut growth = self.grow(change.doc)?;
        let appended = self.append_to(&mut growth, change)?;
        self.grown(growth)?;
        Ok(appended)
    }

    /// Begins to append changes to a document. Until it is [grown](Self::grown) nobody else may, and where that does
    /// not come about, the job or the attempt must be undone.
    pub fn grow(&self, doc: DocId) -> Result<Growth, DbError> {
        let sql = "SELECT id, implied, heads, changes FROM docs WHERE doc = ?1";
        let growth = self.one(sql, [doc.as_bytes()], |row| Growth::read(doc, row))?;
        growth.ok_or(DbError::UnknownDoc { doc })
    }

    /// Appends the next change, as [`append_change`](Self::append_change) does.
    pub fn append_to(
        &mut self,
        growth: &mut Growth,
        change: &NewChange<'_>,
    ) -> Result<Appended, AppendError> {
        debug_assert_eq!(growth.doc, change.doc, "a change of this document");
        bounded("a change", change.body, BODY_BYTES_MAX)?;
        bounded("a seal", change.seal, BODY_BYTES_MAX)?;
        if growth.implied.contains(&change.hash) || growth.holds(self, change.hash)? {
            return Ok(Appended::Known);
        }
        growth.check(self, change)?;
        let ordinal = growth.changes + 1;
        let key = change_key(growth.number, ordinal);
        self.run(
            "INSERT INTO changes (id, hash, actor, actor_seq, deps, seal, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                key,
                change.hash.as_bytes(),
                change.actor.as_bytes(),
                signed(change.actor_seq),
                joined(change.deps),
                change.seal,
                change.body,
            ),
        )?;
        let origin = self.origin(growth, change.origin)?;
        let seq = self.append_entry(EntryKind::Change, key, origin, change.class)?;
        growth.changes = ordinal;
        growth.bytes += change.body.len() as u64;
        growth.heads = heads_after(&growth.heads, change.hash, change.deps);
        growth.actors.insert(change.actor, change.actor_seq);
        growth.new.insert(change.hash);
        Ok(Appended::New {
            seq,
            ordinal,
            heads: growth.heads.clone(),
        })
    }

    /// Writes what the changes have made of the document.
    pub fn grown(&mut self, growth: Growth) -> Result<(), DbError> {
        if growth.new.is_empty() {
            return Ok(());
        }
        for (actor, seq) in growth.actors {
            self.run(
                "INSERT INTO actors (doc, actor, actor_seq) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (doc, actor) DO UPDATE SET actor_seq = excluded.actor_seq",
                (growth.number, actor.as_bytes(), signed(seq)),
            )?;
        }
        self.run(
            "UPDATE docs SET heads = ?2, changes = ?3, bytes = bytes + ?4 WHERE id = ?1",
            (
                growth.number,
                joined(&growth.heads),
                signed(growth.changes),
                signed(growth.bytes),
            ),
        )?;
        Ok(())
    }

    fn origin(
        &mut self,
        growth: &mut Growth,
        origin: Option<NodeId>,
    ) -> Result<Option<i64>, DbError> {
        let Some(node) = origin else {
            return Ok(None);
        };
        if let Some((known, number)) = growth.origin
            && known == node
        {
            return Ok(Some(number));
        }
        let number = self.intern_node(node)?;
        growth.origin = Some((node, number));
        Ok(Some(number))
    }
}
