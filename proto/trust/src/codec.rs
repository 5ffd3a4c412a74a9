//! The one way canonical bytes are written and read here: a version byte, then postcard.

use hopluu_model::Fault;
use serde::{Deserialize, Serialize};

/// Bytes that are no canonical object of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Refused before anything is read.
    #[error("{what} of {bytes} bytes is over the bound of {bytes_max}")]
    TooLarge {
        /// What was to be read.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// Written by a newer program, or no object of ours at all.
    #[error("{what} has version {version}, this program reads version {known}")]
    Version {
        /// What was to be read.
        what: &'static str,
        /// The version byte found.
        version: u8,
        /// The version this program reads.
        known: u8,
    },
    /// Cut short, or a field breaks its grammar.
    #[error("{what} is cut short or a field of it cannot be read")]
    Malformed {
        /// What was to be read.
        what: &'static str,
    },
    /// Readable, but not the one spelling: trailing bytes, a long-winded number, an unsorted list.
    #[error("{what} is not in its one canonical spelling")]
    NotCanonical {
        /// What was to be read.
        what: &'static str,
    },
    /// A list or text in it is longer than we ever write.
    #[error("{field} of {what} has {count}, at most {max} are allowed")]
    OverBound {
        /// What was to be read.
        what: &'static str,
        /// Which part of it.
        field: &'static str,
        /// How long it is.
        count: usize,
        /// The bound.
        max: usize,
    },
}

impl DecodeError {
    /// Whoever sent the bytes; our own store never holds such.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// An object that may not be signed, because no node would take it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Too large as a whole.
    #[error("{what} of {bytes} bytes is over the bound of {bytes_max}")]
    TooLarge {
        /// What was to be signed.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// A list or text in it is too long.
    #[error("{field} of {what} has {count}, at most {max} are allowed")]
    OverBound {
        /// What was to be signed.
        what: &'static str,
        /// Which part of it.
        field: &'static str,
        /// How long it is.
        count: usize,
        /// The bound.
        max: usize,
    },
    /// Something closed to a node whose id is no key.
    #[error("the receiver's id is not a usable key")]
    NoReceiver,
    /// A seal that vouches for nobody.
    #[error("a seal names at least one actor")]
    NoActor,
}

impl SignError {
    /// Our own code asked for it: it keeps the bounds in [`crate::limits`].
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Bug
    }
}

/// What is encoded: its name for messages, its version byte and its bound.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) what: &'static str,
    pub(crate) version: u8,
    pub(crate) bytes_max: usize,
}

impl Layout {
    /// The canonical bytes.
    pub(crate) fn encode<T: Serialize>(&self, value: &T) -> Vec<u8> {
        postcard::to_extend(value, vec![self.version])
            .expect("structs of numbers, texts and bytes always encode")
    }

    /// The value behind canonical bytes. Reading never allocates more than a small multiple of the
    /// input, because every text and list in it is made of bytes that are there.
    pub(crate) fn decode<'a, T>(&self, bytes: &'a [u8]) -> Result<T, DecodeError>
    where
        T: Deserialize<'a> + Serialize,
    {
        let what = self.what;
        if bytes.len() > self.bytes_max {
            return Err(DecodeError::TooLarge {
                what,
                bytes: bytes.len(),
                bytes_max: self.bytes_max,
            });
        }
        let (version, rest) = bytes.split_first().ok_or(DecodeError::Malformed { what })?;
        if *version != self.version {
            return Err(DecodeError::Version {
                what,
                version: *version,
                known: self.version,
            });
        }
        let value: T = postcard::from_bytes(rest).map_err(|_| DecodeError::Malformed { what })?;
        if self.encode(&value) == bytes {
            Ok(value)
        } else {
            Err(DecodeError::NotCanonical { what })
        }
    }

    /// Refuses to sign what would be refused on arrival.
    pub(crate) fn bound_signed(
        &self,
        field: &'static str,
        count: usize,
        max: usize,
    ) -> Result<(), SignError> {
        if count <= max {
            return Ok(());
        }
        Err(SignError::OverBound {
            what: self.what,
            field,
            count,
            max,
        })
    }

    /// Refuses to sign what would be refused on arrival.
    pub(crate) fn size_signed(&self, bytes: usize) -> Result<(), SignError> {
        if bytes <= self.bytes_max {
            return Ok(());
        }
        Err(SignError::TooLarge {
            what: self.what,
            bytes,
            bytes_max: self.bytes_max,
        })
    }

    /// Refuses a list or text that is longer than its bound.
    pub(crate) fn bound(
        &self,
        field: &'static str,
        count: usize,
        max: usize,
    ) -> Result<(), DecodeError> {
        if count <= max {
            return Ok(());
        }
        Err(DecodeError::OverBound {
            what: self.what,
            field,
            count,
            max,
        })
    }
}
