//! Frames as docs/protocol.md has them, written by hand: the program's own writer would refuse most.

use hopluu_sync::limits::FRAME_BYTES_MAX;
use serde::{Deserialize, Serialize};

/// Kinds of frames.
pub const HELLO: u8 = 1;
/// Entries.
pub const PUSH: u8 = 2;
/// What became of pushes.
pub const ACK: u8 = 3;
/// A question of a comparison.
pub const ASK: u8 = 4;
/// What there is of objects.
pub const OBJECTS: u8 = 6;
/// A piece of a message in parts.
pub const PART: u8 = 8;
/// A piece of the packed stream.
pub const STREAM: u8 = 9;
/// That a file is here.
pub const PRESENT: u8 = 13;
/// A kind that no version has yet.
pub const UNKNOWN: u8 = 99;

/// Kinds of entries.
pub const CHANGE: u8 = 1;
/// Certificates, forms, what is decided over the tree.
pub const RECORD: u8 = 2;
/// The word of somebody who has a report.
pub const RECEIPT: u8 = 3;
/// Not used by any version yet.
pub const ATTACHMENT: u8 = 4;

#[derive(Serialize)]
struct Hello {
    mark: [u8; 4],
    newest: u8,
    oldest: u8,
    epoch: [u8; 16],
    last: [u8; 8],
    held: Option<([u8; 16], [u8; 8])>,
    nonce: [u8; 8],
}

/// The entries of one object and kind.
#[derive(Debug, Serialize, Deserialize)]
pub struct Group {
    /// Which.
    pub object: Object,
    /// Of which kind.
    pub kind: u8,
    /// The entries.
    pub bodies: Vec<Vec<u8>>,
}

/// An object as a push names it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Object {
    /// In full.
    New {
        /// Its id.
        id: [u8; 16],
        /// What it is.
        descriptor: Vec<u8>,
    },
    /// By the short id that it was given.
    Known(u32),
}

impl Group {
    /// One entry.
    #[must_use]
    pub fn of(object: Object, kind: u8, body: Vec<u8>) -> Self {
        Self {
            object,
            kind,
            bodies: vec![body],
        }
    }
}

/// A frame.
///
/// # Panics
/// When the body is none that postcard can write.
#[must_use]
pub fn frame(kind: u8, body: &impl Serialize) -> Vec<u8> {
    raw(kind, &postcard::to_stdvec(body).expect("it encodes"))
}

/// A frame of these bytes.
///
/// # Panics
/// Never: a number always encodes.
#[must_use]
pub fn raw(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = postcard::to_stdvec(&(body.len() + 1)).expect("a number encodes");
    bytes.push(kind);
    bytes.extend_from_slice(body);
    bytes
}

/// The hello of a node that was never met and has nothing.
#[must_use]
pub fn hello() -> Vec<u8> {
    let hello = Hello {
        mark: *b"HLuu",
        newest: 1,
        oldest: 1,
        epoch: [9; 16],
        last: [0; 8],
        held: None,
        nonce: [3; 8],
    };
    frame(HELLO, &hello)
}

/// A push as long as it may be, in parts.
///
/// # Panics
/// Never: groups always encode.
#[must_use]
pub fn long_push(groups: Vec<Group>) -> Vec<u8> {
    let body = postcard::to_stdvec(&(None::<(u64, u64)>, groups)).expect("it encodes");
    let message = [vec![PUSH], body].concat();
    let mut pieces = message.chunks(FRAME_BYTES_MAX - 2).peekable();
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next() {
        let is_last = u8::from(pieces.peek().is_none());
        bytes.extend(raw(PART, &[&[is_last], piece].concat()));
    }
    bytes
}

/// A push that brings no stretch of a journal.
#[must_use]
pub fn push(groups: Vec<Group>) -> Vec<u8> {
    frame(PUSH, &(None::<(u64, u64)>, groups))
}
