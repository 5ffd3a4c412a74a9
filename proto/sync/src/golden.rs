//! The bytes of version 1, field by field, in `tests/wire`. A difference is a new wire version, never
//! an edit of those files.

use std::fmt::Write as _;

use expect_test::{ExpectFile, expect_file};
use hopluu_model::{Digest, EntryKind, Epoch, NodeId, ObjectId, Place, Seq};

use crate::dictionary::Pair;
use crate::frame::{
    Ack, Answer, Ask, Content, Fetch, Fin, Frame, Group, Held, Hello, MARK, Mention, Note, Objects,
    Part, Push, Says, Span, encode,
};
use crate::range::{Items, OTHERS, Prefix, RECORDS};
use crate::session::Keys;
use crate::{FileId, Item, ItemDigest, ObjectKey, Refusal, RefusalCode, ShortHash};

/// One line per field: its bytes in hex, then what they are.
#[expect(clippy::needless_pass_by_value, reason = "one call writes one file")]
fn check(frame: &Frame, parts: &[(usize, &str)], file: ExpectFile) {
    let mut bytes = Vec::new();
    encode(frame, &mut bytes);
    let length = if bytes.len() > 129 { 2 } else { 1 };
    let parts = [&[(length, "length"), (1, "kind")], parts].concat();
    check_bytes(&bytes, &parts, &file);
}

pub(crate) fn check_bytes(bytes: &[u8], parts: &[(usize, &str)], file: &ExpectFile) {
    let (mut text, mut rest) = (String::new(), bytes);
    for (len, what) in parts {
        let (part, after) = rest.split_at(*len);
        for byte in part {
            write!(text, "{byte:02x}").unwrap();
        }
        writeln!(text, "  # {what}").unwrap();
        rest = after;
    }
    assert!(rest.is_empty(), "{} bytes unaccounted for", rest.len());
    file.assert_eq(&text);
}

pub(crate) fn hello(held: Option<Held>) -> Frame {
    Frame::Hello(Hello {
        mark: MARK,
        newest: 1,
        oldest: 1,
        epoch: Epoch([0xaa; 16]),
        last: Seq(300),
        held,
        nonce: [0xcc; 8],
        dictionary: 1,
    })
}

/// Two of a link.
pub(crate) fn pair() -> Pair {
    let place = |n| Place {
        node: NodeId([n; 32]),
        unit: "465@2020-01-01".parse().unwrap(),
        office: None,
    };
    Pair::of(&place(1), &place(2))
}

#[test]
fn hello_between_acquaintances() {
    let held = Held {
        epoch: Epoch([0xbb; 16]),
        through: Seq(7),
    };
    let fields = [
        (4, "mark"),
        (1, "newest version"),
        (1, "oldest version"),
        (16, "epoch"),
        (8, "last position"),
        (1, "holds something of the listener"),
        (16, "in this epoch"),
        (8, "through this position"),
        (8, "nonce"),
        (1, "newest dictionary"),
    ];
    check(
        &hello(Some(held)),
        &fields,
        expect_file!["../../../tests/wire/sync-hello-1.hex"],
    );
}

#[test]
fn hello_to_a_stranger() {
    let fields = [
        (4, "mark"),
        (1, "newest version"),
        (1, "oldest version"),
        (16, "epoch"),
        (8, "last position"),
        (1, "holds nothing of the listener"),
        (8, "nonce"),
        (1, "newest dictionary"),
    ];
    let file = expect_file!["../../../tests/wire/sync-hello-stranger-1.hex"];
    check(&hello(None), &fields, file);
}

#[test]
fn push() {
    let frame = Frame::Push(Push {
        span: Some(Span {
            after: Seq(300),
            through: Seq(304),
        }),
        groups: vec![
            Group {
                object: Mention::New {
                    object: ObjectId([0x11; 16]),
                    descriptor: b"key".to_vec(),
                },
                kind: EntryKind::Change,
                bodies: vec![b"one".to_vec(), b"two".to_vec()],
            },
            Group {
                object: Mention::Known(5),
                kind: EntryKind::Receipt,
                bodies: vec![b"read".to_vec()],
            },
        ],
    });
    let fields = [
        (1, "has a span"),
        (2, "after"),
        (2, "through"),
        (1, "number of groups"),
        (1, "object named for the first time"),
        (16, "object"),
        (1, "bytes of descriptor"),
        (3, "descriptor"),
        (1, "kind of entries: change"),
        (1, "number of entries"),
        (1, "bytes of body"),
        (3, "body"),
        (1, "bytes of body"),
        (3, "body"),
        (1, "object by its short id"),
        (1, "short id"),
        (1, "kind of entries: receipt"),
        (1, "number of entries"),
        (1, "bytes of body"),
        (4, "body"),
    ];
    check(
        &frame,
        &fields,
        expect_file!["../../../tests/wire/sync-push-1.hex"],
    );
}

#[test]
fn ack() {
    let frame = Frame::Ack(Ack {
        pushes: 3,
        refused: vec![Refusal {
            index: 1,
            code: RefusalCode::SIGNATURE,
        }],
    });
    let fields = [
        (1, "pushes that are durable"),
        (1, "number of refusals"),
        (1, "index of entry"),
        (1, "code: signature"),
    ];
    check(
        &frame,
        &fields,
        expect_file!["../../../tests/wire/sync-ack-1.hex"],
    );
}

fn leaf(class: u8, digits: Vec<u8>, kind: EntryKind, object: u8) -> Part {
    Part {
        prefix: Prefix { class, digits },
        content: Content::Leaf(vec![Item {
            key: ObjectKey {
                object: ObjectId([object; 16]),
                kind,
            },
            digest: ItemDigest([0xdd; 16]),
        }]),
    }
}

#[test]
fn ask() {
    let split = Part {
        prefix: Prefix {
            class: OTHERS,
            digits: Vec::new(),
        },
        content: Content::Split {
            present: 0x8000_0001,
            prints: vec![[0x77; 8], [0x88; 8]],
        },
    };
    let frame = Frame::Ask(Ask {
        is_start: true,
        records_open: false,
        parts: vec![leaf(RECORDS, Vec::new(), EntryKind::Record, 0x22), split],
    });
    let fields = [
        (1, "begins a comparison"),
        (1, "no range of records is split"),
        (1, "number of ranges"),
        (1, "class: records"),
        (1, "number of digits"),
        (1, "given whole"),
        (1, "number of items"),
        (16, "object"),
        (1, "kind: record"),
        (16, "digest"),
        (1, "class: others"),
        (1, "number of digits"),
        (1, "split"),
        (5, "children that hold something: the first and the last"),
        (1, "number of prints"),
        (8, "print"),
        (8, "print"),
    ];
    check(
        &frame,
        &fields,
        expect_file!["../../../tests/wire/sync-ask-1.hex"],
    );
}

#[test]
fn answer() {
    // The first two digits of 0x11 11 are 2 (00010) and 4 (00100).
    let frame = Frame::Answer(Answer {
        answered: 2,
        parts: vec![leaf(OTHERS, vec![2, 4], EntryKind::Change, 0x11)],
    });
    let fields = [
        (1, "ranges of the question that are answered"),
        (1, "number of ranges"),
        (1, "class: others"),
        (1, "number of digits"),
        (2, "digits"),
        (1, "given whole"),
        (1, "number of items"),
        (16, "object"),
        (1, "kind: change"),
        (16, "digest"),
    ];
    check(
        &frame,
        &fields,
        expect_file!["../../../tests/wire/sync-answer-1.hex"],
    );
}

#[test]
fn objects() {
    let note = |object, says| Note {
        object: ObjectId([object; 16]),
        kind: EntryKind::Change,
        says,
    };
    let frame = Frame::Objects(Objects {
        notes: vec![
            note(
                0x11,
                Says::Have(vec![ShortHash([0x44; 8]), ShortHash([0x55; 8])]),
            ),
            note(0x12, Says::Want(vec![ShortHash([0x66; 8])])),
        ],
    });
    let fields = [
        (1, "number of notes"),
        (16, "object"),
        (1, "kind: change"),
        (1, "says what it has"),
        (1, "number of hashes"),
        (8, "short hash"),
        (8, "short hash"),
        (16, "object"),
        (1, "kind: change"),
        (1, "says what it wants"),
        (1, "number of hashes"),
        (8, "short hash"),
    ];
    check(
        &frame,
        &fields,
        expect_file!["../../../tests/wire/sync-objects-1.hex"],
    );
}

#[test]
fn fin() {
    let file = expect_file!["../../../tests/wire/sync-fin-1.hex"];
    check(&Frame::Fin(Fin::Answered), &[(1, "step: answered")], file);
}

#[test]
fn what_nonces_make_of_hashes() {
    let keys = Keys::derive([1; 8], [2; 8]);
    let item = Item {
        key: ObjectKey {
            object: ObjectId([0x11; 16]),
            kind: EntryKind::Change,
        },
        digest: ItemDigest::of(&[0x22; 64]),
    };
    let items = Items::new(vec![item], keys.ranges.0);
    let print = items.prints(&Prefix::root(OTHERS))[2].unwrap();
    let mut text = String::new();
    for (bytes, what) in [
        (&[1; 8][..], "nonce of the lower node"),
        (&[2; 8], "nonce of the other"),
        (&keys.hashes.0, "key of short hashes"),
        (
            &keys.hashes.shorten(&[0x33; 32]).0,
            "short form of 32 bytes 33",
        ),
        (&keys.ranges.0, "key of prints"),
        (&item.digest.0, "digest of two heads of 32 bytes 22"),
        (
            &print,
            "print of one item: 16 bytes 11, kind 01, that digest",
        ),
    ] {
        for byte in bytes {
            write!(text, "{byte:02x}").unwrap();
        }
        writeln!(text, "  # {what}").unwrap();
    }
    expect_file!["../../../tests/wire/sync-keys-1.hex"].assert_eq(&text);
}

#[test]
fn parts() {
    let frame = Frame::Push(Push {
        span: None,
        groups: vec![Group {
            object: Mention::Known(0),
            kind: EntryKind::Record,
            bodies: vec![vec![0; 70_000]],
        }],
    });
    let mut bytes = Vec::new();
    encode(&frame, &mut bytes);
    let (first, rest) = bytes.split_at(3 + 65_536);
    let mut text = String::new();
    for (piece, what) in [
        (&first[..3], "length: 65536"),
        (&first[3..4], "kind: part"),
        (&first[4..5], "more follows"),
        (&first[5..6], "the message: its kind, push"),
        (
            &first[6..15],
            "the message: its body, 65533 bytes of it here",
        ),
        (&rest[..2], "length"),
        (&rest[2..3], "kind: part"),
        (&rest[3..4], "the last part"),
        (&rest[4..8], "the message: the rest of its body"),
    ] {
        for byte in piece {
            write!(text, "{byte:02x}").unwrap();
        }
        writeln!(text, "  # {what}").unwrap();
    }
    expect_file!["../../../tests/wire/sync-part-1.hex"].assert_eq(&text);
}

fn file() -> FileId {
    FileId {
        hash: Digest([0xab; 32]),
        length: 5_000_000,
    }
}

#[test]
fn a_question_for_pieces_of_a_file() {
    let fetch = Frame::Fetch(Fetch {
        file: file(),
        first: 200,
        count: 8,
    });
    let fields = [
        (32, "the file's hash"),
        (4, "its length, a varint"),
        (2, "the first piece"),
        (1, "so many pieces"),
    ];
    check(
        &fetch,
        &fields,
        expect_file!["../../../tests/wire/sync-fetch-1.hex"],
    );
}

#[test]
fn bytes_of_an_answer_and_none() {
    let bytes = Frame::Bytes(vec![0x77; 5]);
    check(
        &bytes,
        &[(5, "bytes of proofs and pieces, cut anywhere")],
        expect_file!["../../../tests/wire/sync-bytes-1.hex"],
    );
    check(
        &Frame::Absent,
        &[],
        expect_file!["../../../tests/wire/sync-absent-1.hex"],
    );
    check(
        &Frame::Present(file()),
        &[(32, "the file's hash"), (4, "its length, a varint")],
        expect_file!["../../../tests/wire/sync-present-1.hex"],
    );
}
