//! Who may be told what.

use std::sync::Arc;

use hopluu_model::{EntryKind, Place, UnitId, UnitTree};

/// What one peer may see, by its place in the tree.
#[derive(Debug, Clone)]
pub struct Scope {
    tree: Arc<UnitTree>,
    peer: Place,
}

impl Scope {
    /// The scope of a peer under a tree.
    #[must_use]
    pub fn new(tree: Arc<UnitTree>, peer: Place) -> Self {
        Self { tree, peer }
    }

    /// Whether an entry of this kind and unit may be told to the peer.
    ///
    /// A report goes up its whole line, and stays within its unit as far as offices are concerned.
    /// Records and receipts go up and down the line, never to a neighbour.
    #[must_use]
    pub fn admits(&self, kind: EntryKind, unit: &UnitId) -> bool {
        match kind {
            EntryKind::Change | EntryKind::Attachment if self.peer.office.is_some() => {
                *unit == self.peer.unit
            }
            EntryKind::Change | EntryKind::Attachment => {
                self.tree.is_at_or_below(unit, &self.peer.unit)
            }
            EntryKind::Record | EntryKind::Receipt => self.tree.related(unit, &self.peer.unit),
        }
    }

    /// Whether the peer may be told anything at all of a unit. Of what is [admitted](Self::admits) it may.
    #[must_use]
    pub fn concerns(&self, unit: &UnitId) -> bool {
        self.tree.related(unit, &self.peer.unit)
    }

    /// The peer whose scope this is.
    #[must_use]
    pub fn peer(&self) -> &Place {
        &self.peer
    }
}
