//! Who may be told what.

use std::fmt;
use std::sync::Arc;

use hopluu_model::{Digest, EntryKind, Place, UnitId, UnitTree};

/// What records say of those who may read what not every office of its unit may.
pub trait Readers: fmt::Debug + Send + Sync {
    /// Whether an office may be told of the document with this key, which is in a compartment. What cannot be judged
    /// is nobody's.
    fn may_read(&self, office: &Place, key: &[u8]) -> bool;

    /// What the answers for an office follow from: as long as it is the same, they are.
    fn version(&self, office: &Place) -> Digest;
}

/// Where nobody may read what is in a compartment, because nothing is.
#[derive(Debug, Clone, Copy)]
pub struct NoReaders;

impl Readers for NoReaders {
    fn may_read(&self, _: &Place, _: &[u8]) -> bool {
        false
    }

    fn version(&self, _: &Place) -> Digest {
        Digest([0; Digest::LEN])
    }
}

/// What one peer may see, by its place in the tree.
#[derive(Debug, Clone)]
pub struct Scope {
    tree: Arc<UnitTree>,
    readers: Arc<dyn Readers>,
    peer: Place,
}

impl Scope {
    /// The scope of a peer under a tree, and by what records say of readers.
    #[must_use]
    pub fn new(tree: Arc<UnitTree>, readers: Arc<dyn Readers>, peer: Place) -> Self {
        Self {
            tree,
            readers,
            peer,
        }
    }

    /// Whether an entry of this kind and unit may be told to the peer; `closed` is the key of the document that it is
    /// in or about, where that is in a compartment.
    ///
    /// A report goes up its whole line, and stays within its unit as far as offices are concerned; what is in a
    /// compartment, and every word on it, is there for those that may read it. Records and receipts go up and down the
    /// line, never to a neighbour.
    #[must_use]
    pub fn admits(&self, kind: EntryKind, unit: &UnitId, closed: Option<&[u8]>) -> bool {
        let is_near = match kind {
            EntryKind::Change | EntryKind::Attachment if self.peer.office.is_some() => {
                *unit == self.peer.unit
            }
            EntryKind::Change | EntryKind::Attachment => {
                self.tree.is_at_or_below(unit, &self.peer.unit)
            }
            EntryKind::Record | EntryKind::Receipt => self.tree.related(unit, &self.peer.unit),
        };
        is_near && closed.is_none_or(|key| self.opens(unit, key))
    }

    fn opens(&self, unit: &UnitId, key: &[u8]) -> bool {
        let is_office = self.peer.office.is_some();
        !is_office || *unit == self.peer.unit && self.readers.may_read(&self.peer, key)
    }

    /// Whether the peer may be told anything at all of a unit. Of what is [admitted](Self::admits) it may.
    #[must_use]
    pub fn concerns(&self, unit: &UnitId) -> bool {
        self.tree.related(unit, &self.peer.unit)
    }

    /// What all of this follows from, for the basis of a [checkpoint](crate::Acked): when it changes, positions of
    /// the journal that were acknowledged no longer say enough. Of a main node the tree says it all.
    #[must_use]
    pub fn version(&self) -> Digest {
        let tree = self.tree.version();
        if self.peer.office.is_none() {
            return tree;
        }
        let mut hasher = blake3::Hasher::new_derive_key("hopluu sync 1 scope of an office");
        hasher.update(tree.as_bytes());
        hasher.update(self.readers.version(&self.peer).as_bytes());
        Digest(*hasher.finalize().as_bytes())
    }

    /// The peer whose scope this is.
    #[must_use]
    pub fn peer(&self) -> &Place {
        &self.peer
    }
}
