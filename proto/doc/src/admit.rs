//! What must hold between a change and those before it, checked without a document. Automerge takes
//! these for granted and wedges or panics where they do not hold.

use std::borrow::Borrow;

use hopluu_model::{ActorId, ChangeHash, DocId, Fault};

use crate::figure::OpId;
use crate::genesis::{Genesis, derived_actor};
use crate::scan::{ScannedChange, TextObject};

/// A change that another one builds upon, as its receiver holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Its hash.
    pub hash: ChangeHash,
    /// The number of its last operation.
    pub max_op: u64,
}

impl From<&ScannedChange> for Parent {
    fn from(change: &ScannedChange) -> Self {
        Self {
            hash: change.hash,
            max_op: change.max_op,
        }
    }
}

impl From<&Genesis> for Parent {
    fn from(genesis: &Genesis) -> Self {
        Self {
            hash: genesis.hash,
            max_op: genesis.max_op,
        }
    }
}

/// Why a change cannot follow those it names.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum ParentsError {
    /// A change it builds upon is not here (yet): park it.
    #[error("change {0} that this one builds upon is not here")]
    Missing(ChangeHash),
    /// Its operations are not numbered from the end of its parents' on.
    #[error("change begins at operation {found} where its parents end before {expected}")]
    Numbering {
        /// The number it has.
        found: u64,
        /// The number that follows its parents.
        expected: u64,
    },
    /// Its actor's changes are not consecutive here: one is missing.
    #[error("change is number {found} of its actor where {expected} comes next")]
    Gap {
        /// The number it has.
        found: u64,
        /// The number that comes next.
        expected: u64,
    },
    /// Its actor already has another change of that number: a copied disk, or a lie.
    #[error("change is another number {0} of its actor")]
    Fork(u64),
    /// It writes in a text that was never declared.
    #[error("change writes in a text that the document does not have")]
    NoSuchText(TextObject),
    /// It refers to an operation that is not here, or is something else.
    #[error("change refers to operation {0}, which is not here or is something else")]
    Dangling(OpId),
    /// It declares a text and is not the one change that may.
    #[error("change declares a text and is not derived from the document")]
    NotDerived,
}

impl ParentsError {
    /// All of it comes with the change.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// The latest change of an actor, as its receiver holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its number among that actor's changes.
    pub seq: u64,
    /// The number of its last operation.
    pub max_op: u64,
}

impl From<&ScannedChange> for Tip {
    fn from(change: &ScannedChange) -> Self {
        Self {
            seq: change.seq,
            max_op: change.max_op,
        }
    }
}

/// Checks a scanned change against its document, the parents that it names and the latest change of
/// its actor that is here. The outcome depends on nothing else, so every node that has these says the
/// same.
///
/// # Errors
/// The change must stay outside; with [`ParentsError::Missing`] and [`ParentsError::Gap`] it may come
/// in later.
pub fn check_parents(
    change: &ScannedChange,
    doc: &DocId,
    genesis: &Genesis,
    parent: impl Fn(&ChangeHash) -> Option<Parent>,
    tip: Option<Tip>,
) -> Result<(), ParentsError> {
    let mut last = 0;
    for hash in &change.deps {
        let known = if *hash == genesis.hash {
            Some(genesis.into())
        } else {
            parent(hash)
        };
        last = last.max(known.ok_or(ParentsError::Missing(*hash))?.max_op);
    }
    let (expected, found) = (last + 1, change.start_op);
    if found != expected {
        return Err(ParentsError::Numbering { found, expected });
    }
    let tip = tip.unwrap_or(Tip { seq: 0, max_op: 0 });
    if change.seq <= tip.seq || change.start_op <= tip.max_op {
        return Err(ParentsError::Fork(change.seq));
    }
    let (expected, found) = (tip.seq + 1, change.seq);
    if found != expected {
        return Err(ParentsError::Gap { found, expected });
    }
    if change.declares.is_some() && !change.is_derived_for(doc, &genesis.hash) {
        return Err(ParentsError::NotDerived);
    }
    let declared = |object| match object {
        TextObject::Genesis(number) => number <= genesis.max_op,
        TextObject::Derived(op) => op.counter == genesis.max_op + 1,
    };
    match change.texts.iter().find(|edit| !declared(edit.object)) {
        Some(edit) => Err(ParentsError::NoSuchText(edit.object)),
        None => Ok(()),
    }
}

/// Checks that every operation a change refers to is here and is what the change takes it for.
/// Automerge panics, or writes a document that does not load again, where one is not.
///
/// `find` gives the change of an actor that holds the operation of a number. It is asked once for each
/// change referred to, in the order of actors and numbers.
///
/// # Errors
/// [`ParentsError::Dangling`]: the change must stay outside until that operation is here.
pub fn check_references<C: Borrow<ScannedChange>>(
    change: &ScannedChange,
    mut find: impl FnMut(ActorId, u64) -> Option<C>,
) -> Result<(), ParentsError> {
    let mut references: Vec<_> = change.references().collect();
    references.sort_by_key(|(op, _)| (op.actor, op.counter));
    let mut current: Option<C> = None;
    for (op, place) in references {
        let holds = |found: &C| {
            let change = found.borrow();
            change.actor == op.actor && (change.start_op..=change.max_op).contains(&op.counter)
        };
        if !current.as_ref().is_some_and(holds) {
            current = find(op.actor, op.counter).filter(holds);
        }
        let found = current.as_ref().map(Borrow::borrow);
        if found.and_then(|found: &ScannedChange| found.place(op.counter)) != Some(place) {
            return Err(ParentsError::Dangling(op));
        }
    }
    Ok(())
}

impl ScannedChange {
    /// Whether this is *the* derived change of this document that declares a text: its bytes follow
    /// from the document's id and the text's key, whoever made it. It has no seal and needs none,
    /// because nobody takes it from anybody: see [`derived_changes`](crate::derived_changes).
    #[must_use]
    pub fn is_derived_for(&self, doc: &DocId, genesis: &ChangeHash) -> bool {
        self.declares.as_ref().is_some_and(|key| {
            self.actor == derived_actor(doc, key)
                && self.seq == 1
                && self.deps == [*genesis]
                && self.time.0 == 0
                && self.message.is_none()
        })
    }
}

#[cfg(test)]
mod tests;
