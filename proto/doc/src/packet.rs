//! Many changes of one document in one piece.
//!
//! A raw change is some 120 bytes around a figure of two, and its seal as many again. In a **packet**
//! hashes, numbers and most references are left to be derived, all that is alike stands together so that
//! the link's compression finds it, and of several seals on one actor's changes only the last travels: it
//! vouches for what it builds upon. What comes out is byte for byte what went in, because a change's hash
//! is over all of it and the seals are over hashes.
//!
//! ```text
//! members as stored -> pack -> bytes -> unpack -> scanned changes, each with who vouches for it
//! ```
//! A packet stands for itself: it is read without the document, the form or any other packet. The bytes
//! are told in docs/protocol.md, the reasons in docs/adr/0012.

mod bounds;
mod columns;
mod cut;
mod pack;
mod raw;
#[cfg(test)]
mod tests;
mod trail;
mod unpack;
mod vouch;
mod write;

use hopluu_model::Fault;
use serde::{Deserialize, Serialize};

pub use self::cut::pack_within;
pub use self::pack::pack;
use self::raw::raw;
pub use self::unpack::{claimed_ops, unpack};
use crate::scan::{ScanError, ScannedChange};

/// The changes as they are, each with its seal.
const RAW: u8 = 0;
/// In columns.
const COLUMNS: u8 = 1;

/// A change on its way into a packet, or raw within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member<'a> {
    /// Its seal as it stands in a store, or nothing where that of a later change of its actor vouches.
    #[serde(borrow)]
    pub seal: &'a [u8],
    /// The chunk.
    #[serde(borrow)]
    pub change: &'a [u8],
}

impl Member<'_> {
    /// A packet of this change alone, as it is.
    #[must_use]
    pub fn raw(&self) -> Vec<u8> {
        raw(&[*self])
    }
}

/// A change out of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The change, within bounds.
    pub change: ScannedChange,
    /// Its own seal, unchecked; empty where it has none.
    pub seal: Vec<u8>,
    /// Whose seal vouches for it: its own place, or that of a later change of its actor that builds upon
    /// it. Nothing where nobody does.
    pub voucher: Option<usize>,
}

/// Why a packet is not read.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum PacketError {
    /// Of a later version.
    #[error("packet of kind {0} is not known")]
    UnknownKind(u8),
    /// Cut, or not built as a packet is.
    #[error("packet is damaged: {0}")]
    Damaged(&'static str),
    /// Has more of something than a packet may have.
    #[error("packet has too many {what}, at most {max} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        max: usize,
    },
    /// One of its changes must stay outside.
    #[error("change in a packet stays outside")]
    Change(#[from] ScanError),
}

impl PacketError {
    /// Packets come from elsewhere.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// What one or more operations do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Run {
    /// Writes a key of a map.
    Put {
        key: String,
        value: String,
        preds: Vec<Name>,
    },
    /// Inserts characters one behind the other, the first behind an element or at the beginning.
    Insert { after: Option<Name>, text: String },
    /// Deletes elements that were numbered one after the other.
    Delete { first: Name, count: u64 },
}

impl Run {
    const PUT: u64 = 0;
    const INSERT: u64 = 1;
    const DELETE: u64 = 2;
    const KINDS: u64 = 3;

    fn kind(&self) -> u64 {
        match self {
            Self::Put { .. } => Self::PUT,
            Self::Insert { .. } => Self::INSERT,
            Self::Delete { .. } => Self::DELETE,
        }
    }

    /// Bytes that it brings.
    fn weight(&self) -> usize {
        match self {
            Self::Put { value, .. } => value.len(),
            Self::Insert { text, .. } => text.len(),
            Self::Delete { .. } => 0,
        }
    }

    /// How many operations it is.
    fn ops(&self) -> u64 {
        match self {
            Self::Put { .. } => 1,
            Self::Insert { text, .. } => text.chars().count() as u64,
            Self::Delete { count, .. } => *count,
        }
    }
}

/// An operation's name within a packet: its number, and its actor's place in the packet's list, in which
/// 0 is genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    counter: u64,
    actor: usize,
}

/// The actor of genesis in the list of actors.
const GENESIS: usize = 0;
