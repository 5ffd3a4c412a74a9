//! Fixed-size identifiers. On the wire they are raw bytes; to people and in JSON they are lower-case hex.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not the hex form of an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not {bytes} bytes in hex")]
pub struct IdError {
    /// What was given.
    pub text: String,
    /// How many bytes the id has.
    pub bytes: usize,
}

macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Number of bytes.
            pub const LEN: usize = $len;

            /// The raw bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }

            /// The first four bytes in hex, enough for a person to tell two apart.
            #[must_use]
            pub fn short(&self) -> String {
                let mut text = self.to_string();
                text.truncate(8);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let refuse = || IdError { text: text.to_owned(), bytes: $len };
                let bytes =
                    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| refuse())?;
                Ok(Self(bytes.try_into().map_err(|_| refuse())?))
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = IdError;

            fn try_from(bytes: &[u8]) -> Result<Self, IdError> {
                let array = bytes.try_into().map_err(|_| IdError {
                    text: HEXLOWER_PERMISSIVE.encode(bytes),
                    bytes: $len,
                })?;
                Ok(Self(array))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    self.0.serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                } else {
                    Ok(Self(Deserialize::deserialize(deserializer)?))
                }
            }
        }
    };
}

byte_id!(
    /// A document: the first 16 bytes of BLAKE3 over its identifying tuple.
    DocId, 16
);
byte_id!(
    /// What a journal entry is about, as the sync layer sees it: a document's id, or the first
    /// 16 bytes of a record's hash.
    ObjectId, 16
);
byte_id!(
    /// An Automerge change, as Automerge hashes it (SHA-256 of the change chunk).
    ChangeHash, 32
);
byte_id!(
    /// A record: BLAKE3 over its canonical signed bytes.
    RecordHash, 32
);
byte_id!(
    /// A plain BLAKE3 digest.
    Digest, 32
);
byte_id!(
    /// A node: its Ed25519 public key.
    NodeId, 32
);
byte_id!(
    /// One life of a store. A restored backup draws a new one, so that both sides notice.
    Epoch, 16
);
byte_id!(
    /// Who writes in a document within Automerge: random, one per process start and document.
    ActorId, 8
);

impl From<DocId> for ObjectId {
    fn from(id: DocId) -> Self {
        Self(id.0)
    }
}

impl From<ObjectId> for DocId {
    fn from(id: ObjectId) -> Self {
        Self(id.0)
    }
}

impl From<RecordHash> for ObjectId {
    fn from(hash: RecordHash) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(hash.0.split_at(16).0);
        Self(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_garbage_is_named() {
        let id = DocId([0xab; 16]);
        assert_eq!(id.to_string().parse::<DocId>().unwrap(), id);
        assert_eq!(
            "zz".parse::<DocId>().unwrap_err().to_string(),
            "`zz` is not 16 bytes in hex"
        );
    }
}
