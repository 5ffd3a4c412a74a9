//! Positions and kinds of journal entries, shared by the store and the sync layer.

use serde::{Deserialize, Serialize};

/// A position in a store's journal: 1 for the first entry, 0 for "nothing yet".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Seq(pub u64);

impl Seq {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What a journal entry carries. The numbers are part of the wire and of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum EntryKind {
    /// One sealed Automerge change of a document.
    Change = 1,
    /// A certificate, form, tree event or other immutable signed object.
    Record = 2,
    /// A superior's word on how far a document got.
    Receipt = 3,
    /// A file that belongs to a document.
    Attachment = 4,
}

impl EntryKind {
    /// The kind behind a stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Change),
            2 => Some(Self::Record),
            3 => Some(Self::Receipt),
            4 => Some(Self::Attachment),
            _ => None,
        }
    }

    /// The number that the database and the wire use.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }
}
