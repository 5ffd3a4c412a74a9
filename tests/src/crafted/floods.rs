//! Words of a link that cost little each, packed by the hundred thousand.

use hopluu_rogue::frames::{ASK, CHANGE, OBJECTS, PRESENT, STREAM, frame, raw};
use hopluu_sync::CloseCode;

use super::link::packed;
use super::{Answer, Crafted, INPUT_BYTES_MAX, Way};

pub(super) fn inputs() -> Vec<Crafted> {
    let closed = |name, bytes: Vec<u8>, code: CloseCode| {
        Crafted::new(name, Way::Link(bytes), Answer::Closed(code.number()))
    };
    vec![
        closed(
            "half a million times a file that nobody asked for",
            presents(),
            CloseCode::FileInvalid,
        ),
        closed(
            "5,000 streams of nothing",
            raw(STREAM, &[1, 1]).repeat(INPUT_BYTES_MAX / 4),
            CloseCode::Malformed,
        ),
        closed(
            "a million objects that are not here, asked for at once",
            requests(),
            CloseCode::ObjectsTooMany,
        ),
    ]
}

/// Frames as often as they fit, each piece as full as it may be.
fn often(one: &[u8]) -> Vec<Vec<u8>> {
    let piece = one.repeat(15_872 / one.len());
    vec![piece; 2_000]
}

fn presents() -> Vec<u8> {
    packed(often(&frame(PRESENT, &([7u8; 32], 16_384u64))))
}

fn requests() -> Vec<u8> {
    let begin = frame(ASK, &(true, false, Vec::<u8>::new()));
    let note = ([5u8; 16], CHANGE, 0u8, Vec::<[u8; 8]>::new());
    let room = INPUT_BYTES_MAX - begin.len();
    let mut bytes = packed(often(&frame(OBJECTS, &vec![note; 800])));
    bytes.truncate(room);
    [begin, bytes].concat()
}
