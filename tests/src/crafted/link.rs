//! What breaks the rules of a link, or stays within them and costs the most.

use std::io::Write as _;

use hopluu_rogue::frames::{
    ACK, ASK, CHANGE, Group, OBJECTS, Object, PART, STREAM, UNKNOWN, frame, push, raw,
};
use hopluu_sync::CloseCode;

use super::{Answer, Crafted, Host, INPUT_BYTES_MAX, Way};

pub(super) fn inputs(_host: &Host) -> Vec<Crafted> {
    let closed = |name, bytes: Vec<u8>, code: CloseCode| {
        Crafted::new(name, Way::Link(bytes), Answer::Closed(code.number()))
    };
    vec![
        closed("a frame that says 2 MB", long(), CloseCode::FrameTooLarge),
        closed(
            "a second hello",
            hopluu_rogue::frames::hello(),
            CloseCode::HelloTwice,
        ),
        closed("lists that say 2^32", claiming(), CloseCode::Malformed),
        closed(
            "windows of 10,000 entries",
            entries(),
            CloseCode::WindowExceeded,
        ),
        closed(
            "a stream that unpacks to 20 MB",
            bomb(),
            CloseCode::FrameTooLarge,
        ),
        closed(
            "a question of 4,096 ranges",
            ranges(),
            CloseCode::RangeInvalid,
        ),
        closed(
            "1,024 objects, nobody asked",
            objects(),
            CloseCode::TurnInvalid,
        ),
        closed("acknowledgements of nothing", acks(), CloseCode::AckInvalid),
        closed("parts within parts", parts(), CloseCode::PartsBroken),
        closed(
            "10,000 frames of an unknown kind",
            unknown(),
            CloseCode::Malformed,
        ),
        closed(
            "five million of them, packed",
            many_unknown(),
            CloseCode::Malformed,
        ),
    ]
}

fn long() -> Vec<u8> {
    let mut bytes = vec![0x80, 0x80, 0x7f];
    bytes.resize(INPUT_BYTES_MAX, 0);
    bytes
}

fn claiming() -> Vec<u8> {
    // No span, then so many groups.
    let mut body = vec![0, 0xff, 0xff, 0xff, 0xff, 0x0f];
    body.resize(INPUT_BYTES_MAX - 8, 0);
    raw(hopluu_rogue::frames::PUSH, &body)
}

fn entries() -> Vec<u8> {
    let group = Group {
        object: Object::New {
            id: [1; 16],
            descriptor: vec![7; 100],
        },
        kind: CHANGE,
        bodies: vec![vec![1]; 1_024],
    };
    // A window has eight.
    let one = push(vec![group]);
    let mut bytes = one.repeat(9);
    bytes.truncate(INPUT_BYTES_MAX);
    bytes
}

/// A packed stream that is flushed after each of these, as far as 20 KB go.
pub(super) fn packed(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 19).expect("memory for zstd");
    encoder.window_log(17).expect("a window of zstd");
    // The first piece begins the stream, and names no dictionary.
    let (mut bytes, mut head) = (Vec::new(), vec![1, 0]);
    for piece in pieces {
        encoder.write_all(&piece).expect("a vector takes all");
        encoder.flush().expect("a vector takes all");
        let body = [head, encoder.get_mut().split_off(0)].concat();
        head = vec![0];
        let next = raw(STREAM, &body);
        if bytes.len() + next.len() > INPUT_BYTES_MAX {
            break;
        }
        bytes.extend(next);
    }
    bytes
}

fn bomb() -> Vec<u8> {
    packed([vec![0; 20 << 20]])
}

fn unknown() -> Vec<u8> {
    raw(UNKNOWN, &[]).repeat(INPUT_BYTES_MAX / 2)
}

fn many_unknown() -> Vec<u8> {
    let piece = raw(UNKNOWN, &[]).repeat(7_600);
    packed(std::iter::repeat_n(piece, 2_000))
}

fn ranges() -> Vec<u8> {
    // Not a start; of each range its class, no digits, split into nothing.
    let range = (0u8, Vec::<u8>::new(), 0u8, 0u32, Vec::<[u8; 8]>::new());
    frame(ASK, &(false, false, vec![range; 4_000]))
}

fn objects() -> Vec<u8> {
    let note = ([5u8; 16], CHANGE, 0u8, Vec::<[u8; 8]>::new());
    frame(OBJECTS, &vec![note; 1_024])
}

fn acks() -> Vec<u8> {
    let refused = vec![(0u32, 1u8); 1_024];
    frame(ACK, &(u64::MAX, refused)).repeat(6)
}

fn parts() -> Vec<u8> {
    let inner = raw(PART, &[1, PART, 1, 2, 3]);
    inner.repeat(2_000)
}
