//! Bundles: what a link would carry, for whoever has none.
//!
//! A bundle is a stretch of one node's journal for one other, with what the maker holds of the receiver's.
//! It is old news by the time it is read: it may come late, twice, in any order, or never. So its
//! entries are only ever added, and its claims only ever move a checkpoint forward, within the lives of
//! both stores and under the tree for which the checkpoint holds; whatever else they say a link judges
//! later.

mod files;

use hopluu_model::{EntryKind, Epoch, Fault, ObjectId, Seq};
use serde::{Deserialize, Serialize};

pub use self::files::{Carried, FileRun};
use crate::frame::{Span, at_most, kind_number};
use crate::limits::{
    BUNDLE_BYTES_MAX, BUNDLE_ENTRIES_MAX, DESCRIPTOR_BYTES_MAX, ENTRY_BYTES_MAX, SEQ_MAX,
};
use crate::outbound::advanced;
use crate::{Checkpoint, Incoming, Received};

/// The first byte of a bundle of entries.
const VERSION: u8 = 1;

/// What one node gives another by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The life of the maker's store.
    pub epoch: Epoch,
    /// The stretch of its journal that these entries are all of, as far as the receiver may see it;
    /// none where they are only some of it.
    pub span: Option<Span>,
    /// What the maker durably holds of the receiver's journal.
    pub held: Option<Received>,
    /// The entries, records before what is judged by them.
    pub entries: Vec<Incoming>,
}

/// Bytes that are no bundle, or over a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Of another version, or not whole, or with something behind it.
    #[error("the content of the bundle cannot be read")]
    Malformed,
    /// Longer than any that is made, or with an entry that is.
    #[error("the content of the bundle is over a bound")]
    TooLarge,
    /// Its span runs backwards, or beyond any journal.
    #[error("the bundle speaks of a stretch of journal that cannot be")]
    Span,
}

impl BundleError {
    /// Whoever made it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// What a bundle lets a checkpoint become. None: it stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// The received half, once the entries are durable.
    pub received: Option<Received>,
    /// The position of the acknowledged half; its basis stays.
    pub acked: Option<Seq>,
    /// What it claims beside that, and nobody goes by.
    pub ignored: Vec<OldNews>,
}

/// Why a claim moves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OldNews {
    /// The maker's store had or has another life than the one we know.
    TheirOtherLife,
    /// What it holds is of another life of our store.
    OurOtherLife,
    /// It says that it holds more than we have written.
    BeyondOurs,
    /// Entries before these are missing here.
    Gap,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    epoch: Epoch,
    span: Option<Span>,
    held: Option<(Epoch, Seq)>,
    #[serde(deserialize_with = "at_most::<_, _, BUNDLE_ENTRIES_MAX>")]
    entries: Vec<WireEntry>,
}

#[derive(Serialize, Deserialize)]
struct WireEntry {
    /// None: the same as that of the entry before.
    of: Option<(ObjectId, Vec<u8>)>,
    #[serde(with = "kind_number")]
    kind: EntryKind,
    body: Vec<u8>,
}

impl Wire {
    fn bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION])
            .expect("numbers, options and byte strings always encode")
    }
}

impl Bundle {
    /// The bytes of a bundle, not yet packed.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut last: Option<(ObjectId, &[u8])> = None;
        let entries = self.entries.iter().map(|entry| {
            let of = (entry.object, entry.descriptor.as_slice());
            let is_same = last.replace(of) == Some(of);
            WireEntry {
                of: (!is_same).then(|| (entry.object, entry.descriptor.clone())),
                kind: entry.kind,
                body: entry.body.clone(),
            }
        });
        let wire = Wire {
            epoch: self.epoch,
            span: self.span,
            held: self.held.map(|held| (held.epoch, held.through)),
            entries: entries.collect(),
        };
        wire.bytes()
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`BundleError`] when the bytes are no bundle or over a bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleError::TooLarge);
        }
        let rest = bytes.strip_prefix(&[VERSION]);
        let read = postcard::take_from_bytes(rest.ok_or(BundleError::Malformed)?);
        let (wire, behind): (Wire, _) = read.map_err(|_| BundleError::Malformed)?;
        if !behind.is_empty() {
            return Err(BundleError::Malformed);
        }
        let is_span = |span: &Span| span.after <= span.through && span.through <= SEQ_MAX;
        if wire.span.is_some_and(|span| !is_span(&span)) {
            return Err(BundleError::Span);
        }
        let mut last: Option<(ObjectId, Vec<u8>)> = None;
        let mut entries = Vec::with_capacity(wire.entries.len());
        let mut bytes = 0;
        for entry in wire.entries {
            let of = entry.of.or(last).ok_or(BundleError::Malformed)?;
            // One descriptor may be meant by many entries: what they come to is bounded as well.
            bytes += of.1.len() + entry.body.len();
            if of.1.len() > DESCRIPTOR_BYTES_MAX
                || entry.body.len() > ENTRY_BYTES_MAX
                || bytes > 2 * BUNDLE_BYTES_MAX
            {
                return Err(BundleError::TooLarge);
            }
            entries.push(Incoming {
                kind: entry.kind,
                object: of.0,
                descriptor: of.1.clone(),
                body: entry.body,
            });
            last = Some(of);
        }
        Ok(Self {
            epoch: wire.epoch,
            span: wire.span,
            held: wire
                .held
                .map(|(epoch, through)| Received { epoch, through }),
            entries,
        })
    }

    /// Where a bundle for a peer begins: after what it has acknowledged, and at the very beginning
    /// where that no longer says enough. `basis` is that of our store and tree now.
    #[must_use]
    pub fn begins_after(kept: &Checkpoint, basis: Epoch, last: Seq) -> Seq {
        if kept.acked.basis == basis && kept.acked.through <= last {
            kept.acked.through
        } else {
            Seq(0)
        }
    }

    /// Whether its maker's store has begun another life since, which may lack what is in it.
    #[must_use]
    pub fn is_of_other_life(&self, kept: &Checkpoint) -> bool {
        !kept.received.is_none() && kept.received.epoch != self.epoch
    }

    /// What the claims of a bundle are worth beside what is remembered of its maker. `mine` is the life
    /// of our store, `last` the end of our journal.
    #[must_use]
    pub fn claims(&self, kept: &Checkpoint, mine: Epoch, basis: Epoch, last: Seq) -> Claims {
        let mut claims = Claims::default();
        if let Some(span) = self.span {
            let known = if kept.received.is_none() {
                Received {
                    epoch: self.epoch,
                    through: Seq(0),
                }
            } else {
                kept.received
            };
            let through = advanced(known.through, span);
            if self.is_of_other_life(kept) {
                claims.ignored.push(OldNews::TheirOtherLife);
            } else if span.after > known.through {
                claims.ignored.push(OldNews::Gap);
            } else if through > known.through {
                claims.received = Some(Received { through, ..known });
            }
        }
        match self.held {
            Some(held) if held.epoch != mine => claims.ignored.push(OldNews::OurOtherLife),
            Some(held) if held.through > last => claims.ignored.push(OldNews::BeyondOurs),
            // Under another basis, or while a comparison is due, the position alone says too little.
            Some(held) if kept.acked.basis == basis && held.through > kept.acked.through => {
                claims.acked = Some(held.through);
            }
            _ => {}
        }
        claims
    }
}

#[cfg(test)]
mod tests;
