//! Frames as docs/protocol.md has them, written by hand: the program's own writer would refuse most.

use serde::Serialize;

pub(super) const HELLO: u8 = 1;
pub(super) const PUSH: u8 = 2;
pub(super) const ACK: u8 = 3;
pub(super) const ASK: u8 = 4;
pub(super) const OBJECTS: u8 = 6;
pub(super) const PART: u8 = 8;
pub(super) const STREAM: u8 = 9;
/// A kind that no version has yet.
pub(super) const UNKNOWN: u8 = 99;

pub(super) const CHANGE: u8 = 1;
pub(super) const RECORD: u8 = 2;
pub(super) const RECEIPT: u8 = 3;

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
#[derive(Serialize)]
pub(super) struct Group {
    pub(super) object: Object,
    pub(super) kind: u8,
    pub(super) bodies: Vec<Vec<u8>>,
}

#[derive(Serialize)]
pub(super) enum Object {
    New { id: [u8; 16], descriptor: Vec<u8> },
}

pub(super) fn frame(kind: u8, body: &impl Serialize) -> Vec<u8> {
    raw(kind, &postcard::to_stdvec(body).expect("it encodes"))
}

pub(super) fn raw(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = postcard::to_stdvec(&(body.len() + 1)).expect("a number encodes");
    bytes.push(kind);
    bytes.extend_from_slice(body);
    bytes
}

/// Of a node that was never met and has nothing.
pub(super) fn hello() -> Vec<u8> {
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

pub(super) fn push(groups: Vec<Group>) -> Vec<u8> {
    frame(PUSH, &(None::<(u64, u64)>, groups))
}
