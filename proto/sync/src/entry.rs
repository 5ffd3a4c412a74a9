//! The opaque things that travel: journal entries out and in, and what two stores compare.

use hopluu_model::{EntryKind, NodeId, ObjectId, Seq, UnitId};
use serde::{Deserialize, Serialize};

use crate::Class;

/// One entry of our journal as the hub needs it to send it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in our journal.
    pub seq: Seq,
    /// What it carries.
    pub kind: EntryKind,
    /// What it is about.
    pub object: ObjectId,
    /// What the receiver needs to know of the object before its first entry, for example the
    /// document's key. Sent once in a session.
    pub descriptor: Vec<u8>,
    /// What it carries, for the receiver's admission to judge.
    pub body: Vec<u8>,
    /// How urgent it is. Never sent.
    pub class: Class,
    /// The unit it belongs to, by which scope is decided. Never sent.
    pub unit: UnitId,
    /// The key of the document that it is in or about, where that is in a compartment. Never sent as such.
    pub closed: Option<Vec<u8>>,
    /// The peer it came from, which does not get it back. Never sent.
    pub origin: Option<NodeId>,
}

/// An entry from a peer, with what the peer said of its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// What the peer says it carries.
    pub kind: EntryKind,
    /// What the peer says it is about.
    pub object: ObjectId,
    /// What the peer said of the object when it first named it in this session.
    pub descriptor: Vec<u8>,
    /// Unchecked bytes.
    pub body: Vec<u8>,
}

/// A stretch of our journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalBatch {
    /// Entries in the order in which they are to go, those of one object ascending. Those out of scope may be
    /// left out already.
    pub entries: Vec<Entry>,
    /// All that goes to the peer up to here has been read, now or before.
    pub through: Seq,
    /// Places beyond it that have been read now, because they are more urgent than what lies between.
    pub ahead: Vec<Seq>,
}

/// What the hub compares instead of content: one object and a digest of all that is held of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Item {
    /// The object.
    pub key: ObjectKey,
    /// Equal on two stores that hold the same of it.
    pub digest: ItemDigest,
}

/// An object together with the kind of entries that are compared: a document's changes and its
/// attachments are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectKey {
    /// The object.
    pub object: ObjectId,
    /// The kind of its entries.
    pub kind: EntryKind,
}

/// A digest of all that a store holds of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ItemDigest(pub [u8; 16]);

impl ItemDigest {
    /// Of what must be equal on both sides, for example a document's sorted heads.
    #[must_use]
    pub fn of(state: &[u8]) -> Self {
        let mut digest = [0; 16];
        blake3::Hasher::new_derive_key("hopluu sync 1 item")
            .update(state)
            .finalize_xof()
            .fill(&mut digest);
        Self(digest)
    }
}

/// The secret under which two nodes shorten hashes for one session. It comes from both sides'
/// nonces, so nobody can prepare two changes that look alike in a session to come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShortKey(pub(crate) [u8; 32]);

impl std::fmt::Debug for ShortKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ShortKey(..)")
    }
}

impl ShortKey {
    /// The short form of the hash of an entry's content, which whoever reads the store compares
    /// with what [`Select`] names.
    #[must_use]
    pub fn shorten(&self, hash: &[u8]) -> ShortHash {
        let mut short = [0; 8];
        blake3::Hasher::new_keyed(&self.0)
            .update(hash)
            .finalize_xof()
            .fill(&mut short);
        ShortHash(short)
    }
}

/// The hash of an entry's content, shortened for one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ShortHash(pub [u8; 8]);

/// Which entries of an object a peer lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// All but these, which the peer holds. Sorted.
    Except(Vec<ShortHash>),
    /// These, which the peer asked for. Sorted.
    Only(Vec<ShortHash>),
}

/// Entries of one object that a peer lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingBatch {
    /// The entries in the order of our journal.
    pub entries: Vec<Entry>,
    /// Where to go on when there are more: the `after` of the next reading.
    pub next: Option<Seq>,
    /// What [`Select::Except`] named and this store does not hold, on the first reading of an
    /// object; empty otherwise.
    pub unknown: Vec<ShortHash>,
}

/// Why an entry was not merged, by its place among the entries of one [`Effect::Apply`].
///
/// [`Effect::Apply`]: crate::Effect::Apply
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which entry, from 0.
    pub index: u32,
    /// Why.
    pub code: RefusalCode,
}

/// Why a receiver did not merge an entry. A code a later version adds is counted under its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RefusalCode(pub u8);

impl RefusalCode {
    /// Kept aside until what it depends on is here; not lost, not sent again.
    pub const PARKED: Self = Self(1);
    /// Its seal or signature does not hold.
    pub const SIGNATURE: Self = Self(2);
    /// Its bytes do not decode.
    pub const MALFORMED: Self = Self(3);
    /// It belongs to a unit that this peer may not speak of here.
    pub const SCOPE: Self = Self(4);
    /// It exceeds a bound of the receiver.
    pub const BUDGET: Self = Self(5);
    /// It contradicts what is already there.
    pub const CONFLICT: Self = Self(6);
    /// Of a kind or version that the receiver does not know.
    pub const UNSUPPORTED: Self = Self(7);
    /// There is no room to keep it aside until what it depends on is here; then the receiver compares
    /// and gets it again.
    pub const CROWDED: Self = Self(8);
}
