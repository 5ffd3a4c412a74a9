//! What `docs/protocol.md` says is what the code does.

use crate::{CloseCode, limits};

const PAPER: &str = include_str!("../../../../docs/protocol.md");

#[test]
fn close_codes_are_those_of_the_paper() {
    for code in CloseCode::ALL {
        let row = format!("| {} | `{code:?}` |", code.number());
        assert!(PAPER.contains(&row), "{row}");
    }
}

#[test]
fn limits_are_those_of_the_paper() {
    let limits = [
        ("FRAME_BYTES_MAX", limits::FRAME_BYTES_MAX as u64),
        ("PUSH_BYTES_MAX", limits::PUSH_BYTES_MAX as u64),
        ("IN_FLIGHT_BYTES_MAX", limits::IN_FLIGHT_BYTES_MAX as u64),
        ("IN_FLIGHT_PUSHES_MAX", limits::IN_FLIGHT_PUSHES_MAX as u64),
        ("ENTRY_BYTES_MAX", limits::ENTRY_BYTES_MAX as u64),
        ("DESCRIPTOR_BYTES_MAX", limits::DESCRIPTOR_BYTES_MAX as u64),
        ("MESSAGE_BYTES_MAX", limits::MESSAGE_BYTES_MAX as u64),
        ("PARTS_BYTES_MAX", limits::PARTS_BYTES_MAX as u64),
        ("PUSH_ENTRIES_MAX", limits::PUSH_ENTRIES_MAX as u64),
        ("SHORT_IDS_MAX", limits::SHORT_IDS_MAX as u64),
        ("SPLIT", limits::SPLIT as u64),
        ("LEAF_ITEMS_MAX", limits::LEAF_ITEMS_MAX as u64),
        ("DEPTH_MAX", limits::DEPTH_MAX as u64),
        ("PARTS_MAX", limits::PARTS_MAX as u64),
        ("NOTES_MAX", limits::NOTES_MAX as u64),
        ("HASHES_MAX", limits::HASHES_MAX as u64),
        ("WALK_QUESTIONS_MAX", u64::from(limits::WALK_QUESTIONS_MAX)),
        ("WALKS_MAX", u64::from(limits::WALKS_MAX)),
        ("REQUESTS_MAX", limits::REQUESTS_MAX),
        ("REQUESTS_BYTES_MAX", limits::REQUESTS_BYTES_MAX as u64),
        ("SILENCE_MS", limits::SILENCE_MS),
    ];
    let plain = PAPER.replace(',', "");
    for (name, value) in limits {
        let row = format!("| `{name}` | {value} |");
        assert!(plain.contains(&row), "{row}");
    }
}
