//! Reading past what is void. Automerge shows the last operations whoever wrote them, so where something
//! is void the changes are followed here instead; that is rare, and a report is small.

use std::collections::BTreeSet;
use std::sync::Arc;

use automerge::ObjId;
use hopluu_model::ChangeHash;

use super::history::text_object;
use super::{MapOf, Report, TextKey};
use crate::facts::{Hidden, Registers, follow};
use crate::judge::{VoidOps, Voids, ancestors};
use crate::limits::SCAN_LIMITS;
use crate::marks::{is_mended, mended_texts};
use crate::scan::{MapOp, ScanError, ScannedChange, rescan, text_ops};
use crate::words::{Standing, Words};

/// A moment in a document's history.
pub(super) type Heads = [automerge::ChangeHash];

/// What a report is read past, and the changes that are followed for it.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub(super) voids: Arc<Voids>,
    /// All but genesis, each after those it builds upon.
    pub(super) changes: Vec<ScannedChange>,
}

impl Past {
    /// Takes in changes that the document has taken in.
    pub(super) fn follow<'a>(&mut self, changes: impl IntoIterator<Item = &'a ScannedChange>) {
        let known: BTreeSet<_> = self.changes.iter().map(|change| change.hash).collect();
        let new = changes.into_iter().filter(|one| !known.contains(&one.hash));
        self.changes.extend(new.cloned());
        sort(&mut self.changes);
    }

    /// The changes up to some heads; all without any.
    fn changes_at(&self, heads: Option<&Heads>) -> Vec<&ScannedChange> {
        let mut changes: Vec<_> = self.changes.iter().collect();
        if let Some(heads) = heads {
            let before = self.ancestors(heads.iter().map(|head| ChangeHash(head.0)));
            changes.retain(|change| before.contains(&change.hash));
        }
        changes
    }

    /// Changes and everything that they build upon.
    fn ancestors(&self, heads: impl IntoIterator<Item = ChangeHash>) -> BTreeSet<ChangeHash> {
        ancestors(heads, self.changes.iter().map(|one| (one.hash, &*one.deps)))
    }
}

/// Numbers of operations grow along the graph, so this keeps parents first.
fn sort(changes: &mut [ScannedChange]) {
    changes.sort_by_key(|change| (change.start_op, change.actor));
}

impl Report {
    /// From now on reads it past what is void. Whoever holds the report says so again whenever
    /// something comes that may be.
    ///
    /// # Errors
    /// A change in the document is not what could have been admitted.
    pub fn read_past(&mut self, voids: Arc<Voids>) -> Result<(), ScanError> {
        self.past = if voids.is_empty() {
            None
        } else {
            let changes = self.changes()?;
            Some(Past { voids, changes })
        };
        Ok(())
    }

    /// What is void in it, by change.
    pub fn voids(&self) -> impl Iterator<Item = (&ChangeHash, &VoidOps)> {
        self.past.iter().flat_map(|past| past.voids.iter())
    }

    /// A change of which something is void.
    #[must_use]
    pub fn void_change(&self, change: &ChangeHash) -> Option<(&ScannedChange, &VoidOps)> {
        let past = self.past.as_ref()?;
        let void = past.voids.get(change)?;
        let scanned = past.changes.iter().find(|one| one.hash == *change)?;
        Some((scanned, void))
    }

    /// All changes but genesis, each after those it builds upon, in one order on every node.
    pub(super) fn changes(&self) -> Result<Vec<ScannedChange>, ScanError> {
        let mut changes = Vec::new();
        for mut change in self.doc.get_changes(&[]) {
            let hash = ChangeHash(change.hash().0);
            if hash != self.genesis.hash {
                changes.push(rescan(&change.bytes(), hash, &SCAN_LIMITS)?);
            }
        }
        sort(&mut changes);
        Ok(changes)
    }

    /// The operations of a map that count and that no other one that counts has written over, where
    /// something is void.
    pub(super) fn judged(&self, of: MapOf, heads: Option<&Heads>) -> Option<Registers> {
        let past = self.past.as_ref()?;
        let (mut registers, mut hidden) = (Registers::new(), Hidden::new());
        for change in past.changes_at(heads) {
            let ops = match of {
                MapOf::Figures => &change.figures,
                MapOf::Notes => &change.notes,
                MapOf::Events => &change.events,
            };
            let void = past.voids.get(&change.hash);
            for op in ops {
                follow(&mut registers, &mut hidden, op, void);
            }
        }
        Some(registers)
    }

    /// A text letter by letter, where something in it is void.
    pub(super) fn words(&self, object: &ObjId, heads: Option<&Heads>) -> Option<Words> {
        let past = self.past.as_ref()?;
        let object = text_object(object)?;
        let is_void = |void: &VoidOps| void.holds_text(&object);
        if !past.voids.values().any(is_void) {
            return None;
        }
        let changes = past.changes_at(heads);
        let key = self.texts_by_object().remove(&object)?;
        let mended = past.mended(&changes, &key);
        let standing = |change: &ScannedChange| {
            let void = past.voids.get(&change.hash);
            match void.filter(|void| is_void(void)) {
                None => Standing::Counts,
                Some(_) if mended.contains(&change.hash) => Standing::Mended,
                Some(_) => Standing::Void,
            }
        };
        let ops = changes.into_iter().flat_map(|change| {
            let standing = standing(change);
            let ops = text_ops(change, object, &SCAN_LIMITS).unwrap_or_default();
            ops.into_iter().map(move |op| (op, standing))
        });
        Some(Words::new(ops))
    }
}

impl Past {
    /// The changes that a save which counts has mended a text after.
    fn mended(&self, changes: &[&ScannedChange], text: &TextKey) -> BTreeSet<ChangeHash> {
        let mends = changes.iter().filter(|change| {
            let void = self.voids.get(&change.hash);
            let counts = |op: &&MapOp| !void.is_some_and(|void| void.holds(op.op.counter));
            let marks = change.notes.iter().filter(|op| is_mended(&op.key));
            let mut named = marks.filter(counts).flat_map(|op| mended_texts(&op.value));
            named.any(|named| named == *text)
        });
        self.ancestors(mends.flat_map(|change| change.deps.iter().copied()))
    }
}
