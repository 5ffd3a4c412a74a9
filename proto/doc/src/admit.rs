//! What must hold between a change and those before it, checked without a document. Automerge takes
//! these for granted and wedges or panics where they do not hold.

use hopluu_model::{ChangeHash, DocId, Fault};

use crate::genesis::{Genesis, derived_actor};
use crate::scan::ScannedChange;

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

/// Checks a scanned change against its document, the parents that it names and `last_seq`, the number
/// of its actor's latest change here (0 if none). The outcome depends on nothing else, so every node
/// that has the parents says the same.
///
/// # Errors
/// The change must stay outside; with [`ParentsError::Missing`] and [`ParentsError::Gap`] it may come
/// in later.
pub fn check_parents(
    change: &ScannedChange,
    doc: &DocId,
    genesis: &Genesis,
    parent: impl Fn(&ChangeHash) -> Option<Parent>,
    last_seq: u64,
) -> Result<(), ParentsError> {
    let mut last = 0;
    for hash in &change.deps {
        let known = if *hash == genesis.hash {
            Some(genesis.into())
        } else {
            parent(hash)
        };
        let known = known.ok_or(ParentsError::Missing(*hash))?;
        last = last.max(known.max_op);
    }
    let expected = last + 1;
    if change.start_op != expected {
        return Err(ParentsError::Numbering {
            found: change.start_op,
            expected,
        });
    }
    if change.seq <= last_seq {
        return Err(ParentsError::Fork(change.seq));
    }
    if change.seq != last_seq + 1 {
        return Err(ParentsError::Gap {
            found: change.seq,
            expected: last_seq + 1,
        });
    }
    if change.declares.is_some() && !change.is_derived_for(doc, &genesis.hash) {
        return Err(ParentsError::NotDerived);
    }
    Ok(())
}

impl ScannedChange {
    /// Whether this is *the* derived change of this document that declares a text. It needs no seal:
    /// its bytes follow from the document's id and the text's key, whoever made it.
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
