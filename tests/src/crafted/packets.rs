//! Packets of 4 MiB that pack to next to nothing: each says one thing a great many times.

use hopluu_doc::limits::PACKET_CHANGES_MAX;
use hopluu_engine::view::RefusalWhy;
use hopluu_rogue::frames::long_push;
use hopluu_sync::CloseCode;
use hopluu_sync::limits::{ENTRY_BYTES_MAX, UNPACKED_BYTES_MAX};

use super::link::packed;
use super::papers::{group, key};
use super::{Answer, Crafted, Host, Way};

/// As many bytes as one column may have beside the others.
const ROOM: usize = ENTRY_BYTES_MAX - 1_024;

/// The columns of a packet by their places, as docs/protocol.md lists them.
const FIRST_SEQS: usize = 0;
const DEPS: usize = 1;
const AUTHORS: usize = 2;
const START_OPS: usize = 3;
const TIMES: usize = 4;
const MESSAGES: usize = 5;
const RUN_COUNTS: usize = 6;
const RUNS: usize = 7;
const OBJECTS: usize = 8;
const KEYS: usize = 9;
const PREDS: usize = 10;
const PRED_NAMES: usize = 11;
const LENGTHS: usize = 12;
const COUNTS: usize = 13;
const PLACE_ACTORS: usize = 14;
const WORDS: usize = 16;
const FIGURES: usize = 17;
const ACTORS: usize = 20;
const HASHES: usize = 21;
const COLUMNS: usize = 24;

pub(super) fn inputs(_host: &Host) -> Vec<Crafted> {
    let refused = |name, packet: Vec<u8>, why: RefusalWhy| {
        let answer = Answer::Refused(vec![why]);
        Crafted::new(name, Way::Link(sent(&packet)), answer)
    };
    let again = |name, packet: Vec<u8>| {
        let busy = Answer::Closed(CloseCode::Busy.number());
        Crafted::new(name, Way::Turns(vec![sent(&packet); 5]), busy)
    };
    vec![
        refused("a change upon 4 million", parents(), RefusalWhy::Bound),
        again("the same again and again", parents()),
        refused("a write over 2 million", superseded(), RefusalWhy::Bound),
        refused(
            "1.4 million runs of nothing",
            empty_runs(),
            RefusalWhy::Malformed,
        ),
        again("such runs again and again", empty_runs()),
        refused("4 million empty keys", empty_keys(), RefusalWhy::Bound),
        refused("2 million raw changes", raw(), RefusalWhy::Bound),
        again("such changes again and again", raw()),
        refused(
            "a packet of 100,000 deletions",
            deletions(),
            RefusalWhy::Signature,
        ),
        refused(
            "1,024 changes upon 45 each, nobody's",
            unsealed(),
            RefusalWhy::Signature,
        ),
    ]
}

/// A push of this packet, in a packed stream of its own.
fn sent(packet: &[u8]) -> Vec<u8> {
    let push = long_push(vec![group(&key(0), vec![packet.to_vec()])]);
    packed(push.chunks(UNPACKED_BYTES_MAX).map(<[u8]>::to_vec))
}

fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).expect("seven bits"));
    bytes
}

/// So many times the same, behind the count.
fn said(count: usize, one: &[u8]) -> Vec<u8> {
    [number(count), one.repeat(count)].concat()
}

/// A change that writes one figure, with these columns in place of its own.
fn bent(bends: impl IntoIterator<Item = (usize, Vec<u8>)>) -> Vec<u8> {
    let mut columns: [Vec<u8>; COLUMNS] = Default::default();
    let plain = [
        (FIRST_SEQS, vec![1]),
        (DEPS, vec![1, 0]),
        (AUTHORS, vec![1]),
        (START_OPS, vec![20]),
        (TIMES, vec![0]),
        (MESSAGES, vec![0]),
        (RUN_COUNTS, vec![1]),
        (RUNS, vec![0]),
        (OBJECTS, vec![0, 1]),
        (KEYS, vec![0]),
        (PREDS, vec![0]),
        (LENGTHS, vec![1]),
        (WORDS, b"\x01\x06N.dead".to_vec()),
        (FIGURES, b"5".to_vec()),
        (ACTORS, vec![7; 8]),
        (HASHES, vec![8; 32]),
    ];
    for (place, bytes) in plain.into_iter().chain(bends) {
        if let Some(column) = columns.get_mut(place) {
            *column = bytes;
        }
    }
    around(1, &columns)
}

fn around(changes: usize, columns: &[Vec<u8>; COLUMNS]) -> Vec<u8> {
    let lengths = columns.iter().flat_map(|column| number(column.len()));
    let head = [1].into_iter().chain(number(changes)).chain(lengths);
    head.chain(columns.iter().flatten().copied()).collect()
}

fn parents() -> Vec<u8> {
    bent([(DEPS, said(ROOM, &[0]))])
}

fn superseded() -> Vec<u8> {
    let count = ROOM / 2;
    bent([
        (PREDS, number(count + 1)),
        (PRED_NAMES, [1, 2].repeat(count)),
    ])
}

fn empty_runs() -> Vec<u8> {
    let count = ROOM / 3;
    bent([
        (RUN_COUNTS, number(count)),
        (RUNS, vec![1; count]),
        (COUNTS, vec![0; count]),
        (PLACE_ACTORS, vec![0; count]),
    ])
}

fn empty_keys() -> Vec<u8> {
    bent([(WORDS, said(ROOM, &[0]))])
}

fn raw() -> Vec<u8> {
    [vec![0], said(ROOM / 2, &[0, 0])].concat()
}

/// As much work as a packet may be.
fn deletions() -> Vec<u8> {
    let count = 99_998;
    let none = [KEYS, PREDS, LENGTHS, FIGURES].map(|column| (column, Vec::new()));
    let run = [
        (RUNS, vec![2]),
        (OBJECTS, vec![0, 20]),
        (COUNTS, number(count)),
        (PLACE_ACTORS, vec![2]),
        (PLACE_ACTORS + 1, vec![2]),
        (START_OPS, number(count + 2)),
        (WORDS, vec![0]),
    ];
    bent(none.into_iter().chain(run))
}

/// Each builds upon all of the last forty-five, as many parents as a packet may name.
fn unsealed() -> Vec<u8> {
    let mut columns: [Vec<u8>; COLUMNS] = Default::default();
    let deps = (0..PACKET_CHANGES_MAX).map(|at| match at {
        0 => vec![1, 0],
        _ => {
            let backs = (1..=at.min(45)).map(|back| number(2 * back - 1));
            [number(at.min(45)), backs.flatten().collect()].concat()
        }
    });
    let each = |one: &[u8]| one.repeat(PACKET_CHANGES_MAX);
    for (place, bytes) in [
        (FIRST_SEQS, vec![1]),
        (DEPS, deps.flatten().collect()),
        (AUTHORS, each(&[1])),
        (START_OPS, vec![20]),
        (TIMES, each(&[0])),
        (MESSAGES, each(&[0])),
        (RUN_COUNTS, each(&[1])),
        (RUNS, each(&[0])),
        (OBJECTS, vec![0, 1]),
        (KEYS, each(&[0])),
        (PREDS, each(&[0])),
        (LENGTHS, each(&[1])),
        (WORDS, b"\x01\x06N.dead".to_vec()),
        (FIGURES, each(b"5")),
        (ACTORS, vec![7; 8]),
        (HASHES, vec![8; 32]),
    ] {
        if let Some(column) = columns.get_mut(place) {
            *column = bytes;
        }
    }
    around(PACKET_CHANGES_MAX, &columns)
}
