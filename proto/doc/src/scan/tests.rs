use std::io::Write;
use std::sync::LazyLock;
use std::time::Duration;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Automerge, ObjType, ROOT, ReadDoc};
use proptest::prelude::*;

use super::*;
use crate::edit::Edit;
use crate::lifecycle::LifecycleEvent;
use crate::limits::SCAN_LIMITS;
use crate::report::Report;
use crate::testing::{ctx, form, key, report, set, text, timed};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// A change with some of everything, larger than what Automerge leaves uncompressed.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut report = report();
    report.save(&ctx(2), &[set("I.2", "3")]).unwrap();
    let words = "Trên địa bàn xã có 12 cơ sở lưu trú. ".repeat(12);
    let edits = [
        set("I.1", "1500"),
        set("I.2", "~>420"),
        set("I.5@police", "8"),
        Edit::SetNote {
            key: "I.1".parse().unwrap(),
            text: "ước".to_owned(),
        },
        text("situation", "police", &words),
        Edit::Event(LifecycleEvent::Opened),
    ];
    report.save(&ctx(1), &edits).unwrap().unwrap().bytes
});

fn sample() -> Vec<u8> {
    SAMPLE.clone()
}

/// The same uncompressed.
fn plain(bytes: &[u8]) -> Vec<u8> {
    Chunk::read(bytes, &SCAN_LIMITS).unwrap().plain_bytes()
}

#[test]
fn what_was_stored_is_read_again_as_it_was_scanned_or_not_at_all() {
    let scanned = scan(&sample(), &SCAN_LIMITS).unwrap();
    let again = rescan(&sample(), scanned.hash, &SCAN_LIMITS);
    assert_eq!(again.as_ref(), Ok(&scanned));
    let inflated = rescan(&plain(&sample()), scanned.hash, &SCAN_LIMITS);
    assert_eq!(inflated.map(|change| change.texts), Ok(scanned.texts));
    let other = ChangeHash([7; 32]);
    let refused = rescan(&sample(), other, &SCAN_LIMITS);
    assert_eq!(refused, Err(ScanError::Checksum));
    // A damaged disk: the last letter of the text is another.
    let mut damaged = plain(&sample());
    *damaged.last_mut().unwrap() ^= 1;
    let refused = rescan(&damaged, scanned.hash, &SCAN_LIMITS);
    assert_eq!(refused, Err(ScanError::Checksum));
}

/// A chunk around a body, with a checksum that Automerge computes.
fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend([0; 4]);
    out.push(kind);
    crate::leb128::write_unsigned(&mut out, body.len() as u64);
    out.extend_from_slice(body);
    out
}

/// The head of a change with one parent, then these columns.
fn crafted(columns: &[(u64, &[u8])]) -> Vec<u8> {
    let mut body = vec![1];
    body.extend([7; 32]);
    body.push(8);
    body.extend([1; 8]);
    // Number 1, first operation 20, time 0, no message, one more actor: genesis.
    body.extend([1, 20, 0, 0, 1, 1, 0]);
    crate::leb128::write_unsigned(&mut body, columns.len() as u64);
    for (kind, data) in columns {
        crate::leb128::write_unsigned(&mut body, *kind);
        crate::leb128::write_unsigned(&mut body, data.len() as u64);
    }
    for (_, data) in columns {
        body.extend_from_slice(data);
    }
    chunk(1, &body)
}

fn refused(bytes: &[u8]) -> ScanError {
    scan(bytes, &SCAN_LIMITS).unwrap_err()
}

/// A signed LEB128 number, as in the head of a run.
fn run(mut value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        let is_last = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
        out.push(if is_last { byte } else { byte | 0x80 });
        if is_last {
            return out;
        }
    }
}

#[test]
fn a_change_of_everything_is_read() {
    let bytes = sample();
    let read = scan(&bytes, &SCAN_LIMITS).unwrap();
    assert_eq!(bytes[8], 2, "it is deflated");
    let figures: Vec<_> = read
        .figures
        .iter()
        .map(|op| (op.key.as_str(), op.value.as_str()))
        .collect();
    assert_eq!(
        figures,
        [("I.1", "1500"), ("I.2", "~>420"), ("I.5@police", "8")]
    );
    assert_eq!(read.figures[1].preds.len(), 1);
    assert_eq!(read.notes.len(), 1);
    assert_eq!(read.events.len(), 1);
    assert_eq!(read.texts.len(), 1);
    assert_eq!(read.texts[0].inserted, 12 * 37);
    assert_eq!(read.max_op, read.start_op + 5 + 12 * 37 - 1);
    assert_eq!(read.message.as_deref(), Some("police"));
    // Deflated or not, it is the same change.
    let again = scan(&plain(&bytes), &SCAN_LIMITS).unwrap();
    assert_eq!(
        ScannedChange {
            bytes: bytes.clone(),
            ..again
        },
        read
    );
}

#[test]
fn a_long_run_is_refused_in_microseconds() {
    // Twenty million times the letter x, among 20 KB of honest operations.
    let letters = [run(-9_000), vec![0x16; 9_000], run(20_000_000), vec![0x16]].concat();
    let ones = [run(-9_000), vec![1; 9_000], run(20_000_000), vec![1]].concat();
    let bytes = crafted(&[(66, &ones), (86, &letters)]);
    assert!(bytes.len() > 18_000);
    for bytes in [bytes.clone(), deflated(&bytes, &[])] {
        let (error, took) = timed(|| refused(&bytes));
        assert!(
            matches!(
                error,
                ScanError::TooMany {
                    what: "operations",
                    ..
                }
            ),
            "{error}"
        );
        // Tens of microseconds; the rest is for a busy machine.
        assert!(took < Duration::from_millis(2), "{took:?}");
    }
    // So is one that hides in predecessors, in nulls or in the alternating runs.
    let one = [run(1), vec![1]].concat();
    let many_preds = [run(1), vec![0x80, 0xda, 0xc4, 0x09]].concat();
    for columns in [
        vec![(66, one.as_slice()), (112, many_preds.as_slice())],
        vec![
            (17, [0, 0x80, 0xda, 0xc4, 0x09].as_slice()),
            (66, one.as_slice()),
        ],
        vec![
            (52, [0x80, 0xda, 0xc4, 0x09].as_slice()),
            (66, one.as_slice()),
        ],
        vec![(66, run(i64::MIN).as_slice())],
    ] {
        let error = refused(&crafted(&columns));
        assert!(matches!(error, ScanError::TooMany { .. }), "{error}");
    }
}

/// The same change deflated, and what hides behind it.
fn deflated(bytes: &[u8], behind: &[u8]) -> Vec<u8> {
    let body = Chunk::read(bytes, &SCAN_LIMITS).unwrap().body.into_owned();
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&body).unwrap();
    let mut out = encoder.finish().unwrap();
    out.extend_from_slice(behind);
    let mut deflated = chunk(2, &out);
    deflated[4..8].copy_from_slice(&bytes[4..8]);
    deflated
}

#[test]
fn every_bound_is_held() {
    let bytes = sample();
    let read = scan(&bytes, &SCAN_LIMITS).unwrap();
    let with = |change: &dyn Fn(&mut ScanLimits)| {
        let mut limits = SCAN_LIMITS;
        change(&mut limits);
        scan(&bytes, &limits)
    };
    let size = bytes.len();
    let inflated = plain(&bytes).len();
    assert!(with(&|limits| limits.chunk_bytes_max = size).is_ok());
    assert!(matches!(
        with(&|limits| limits.chunk_bytes_max = size - 1),
        Err(ScanError::ChunkTooLarge { .. })
    ));
    assert!(with(&|limits| limits.inflated_bytes_max = inflated).is_ok());
    assert!(matches!(
        with(&|limits| limits.inflated_bytes_max = inflated / 2),
        Err(ScanError::InflatesTooLarge { .. })
    ));
    let ops = usize::try_from(read.max_op - read.start_op + 1).unwrap();
    assert!(with(&|limits| limits.ops_max = ops).is_ok());
    let over = |what: &str, change: &dyn Fn(&mut ScanLimits)| {
        let error = with(change).unwrap_err();
        assert!(
            matches!(error, ScanError::TooMany { what: found, .. } if found == what),
            "{error}"
        );
    };
    over("operations", &|limits| limits.ops_max = ops - 1);
    over("writes", &|limits| limits.map_writes_max = 4);
    over("actors", &|limits| limits.actors_max = 1);
    over("parents", &|limits| limits.deps_max = 0);
    over("bytes of message", &|limits| limits.message_bytes_max = 5);
    over("bytes of text", &|limits| limits.text_bytes_max = 100);
    let last = read.max_op;
    assert!(with(&|limits| limits.op_counter_max = last).is_ok());
    assert!(with(&|limits| limits.op_counter_max = last - 1).is_err());
}

#[test]
fn only_changes_pass() {
    let genesis = report().genesis().bytes.clone();
    assert!(
        scan(&genesis, &SCAN_LIMITS).is_err(),
        "genesis never travels"
    );
    assert_eq!(refused(&report().save_snapshot()), ScanError::NotAChange(0));
    assert_eq!(refused(&chunk(3, &[0; 20])), ScanError::NotAChange(3));
    assert_eq!(refused(&chunk(9, &[0; 20])), ScanError::NotAChange(9));
    assert!(matches!(refused(&[]), ScanError::Damaged(_)));
    let mut longer = sample();
    longer.push(0);
    assert_eq!(
        refused(&longer),
        ScanError::Damaged("bytes after the chunk")
    );
    let mut wrong = sample();
    wrong[5] ^= 1;
    assert_eq!(refused(&wrong), ScanError::Checksum);
    // Bytes that hide behind a deflated change would travel under its hash.
    let whole = plain(&sample());
    assert!(scan(&deflated(&whole, &[]), &SCAN_LIMITS).is_ok());
    let hiding = deflated(&whole, &[0]);
    assert_eq!(
        refused(&hiding),
        ScanError::Damaged("bytes after the deflated change")
    );
}

/// What a foreign Automerge program could commit on top of genesis.
fn foreign(edit: impl FnOnce(&mut automerge::transaction::Transaction<'_>)) -> Vec<u8> {
    let mut doc = Automerge::new_with_encoding(automerge::TextEncoding::UnicodeCodePoint);
    doc.load_incremental(&report().genesis().bytes).unwrap();
    doc.set_actor(automerge::ActorId::from([1u8; 8]));
    let mut tx = doc.transaction();
    edit(&mut tx);
    tx.commit_with(CommitOptions::default().with_time(0));
    doc.get_last_local_change().unwrap().bytes().into_owned()
}

#[test]
fn nothing_is_written_outside_the_layout() {
    let map = |name: &str| {
        let mut doc = Automerge::new();
        doc.load_incremental(&report().genesis().bytes).unwrap();
        doc.get(ROOT, name).unwrap().unwrap().1
    };
    let (figures, events, texts) = (map("figures"), map("events"), map("texts"));
    let outside = |edit: &dyn Fn(&mut automerge::transaction::Transaction<'_>)| {
        let bytes = foreign(|tx| edit(tx));
        let error = refused(&bytes);
        assert!(matches!(error, ScanError::OutsideSchema(_)), "{error}");
    };
    outside(&|tx| tx.put(ROOT, "unit", "19430@2020-02-01").unwrap());
    outside(&|tx| _ = tx.put_object(ROOT, "more", ObjType::Map).unwrap());
    outside(&|tx| _ = tx.put_object(&figures, "I.1", ObjType::Text).unwrap());
    outside(&|tx| tx.put(&figures, "I.1", 5).unwrap());
    outside(&|tx| {
        tx.put(&figures, "I.1", automerge::ScalarValue::counter(5))
            .unwrap();
    });
    outside(&|tx| tx.put(&figures, "x".repeat(82), "5").unwrap());
    outside(&|tx| {
        tx.put(&figures, "I.1", "5").unwrap();
        tx.delete(&figures, "I.1").unwrap();
    });
    outside(&|tx| {
        tx.put(&events, "a", "x").unwrap();
        tx.put(&events, "a", "y").unwrap();
    });
    outside(&|tx| tx.put(&texts, "situation@police", "x").unwrap());
    outside(&|tx| {
        tx.put_object(&texts, "more@police", ObjType::Text).unwrap();
        tx.put(&figures, "I.1", "5").unwrap();
    });
    outside(&|tx| {
        let (_, text) = tx.get(&texts, "situation@police").unwrap().unwrap();
        tx.splice_text(&text, 0, 0, "ab").unwrap();
        let bold = automerge::marks::Mark::new("bold".to_owned(), true, 0, 1);
        tx.mark(&text, bold, automerge::marks::ExpandMark::After)
            .unwrap();
    });
    outside(&|tx| {
        let (_, text) = tx.get(&texts, "situation@police").unwrap().unwrap();
        tx.splice_text(&text, 0, 0, "ab").unwrap();
        tx.put(&text, 0, "x").unwrap();
    });
    outside(&|tx| {
        let (_, text) = tx.get(&texts, "situation@police").unwrap().unwrap();
        tx.split_block(&text, 0).unwrap();
    });
    let long = "9".repeat(crate::limits::FIGURE_BYTES_MAX + 1);
    let bytes = foreign(|tx| tx.put(&figures, "I.1", long.as_str()).unwrap());
    assert!(matches!(
        refused(&bytes),
        ScanError::TooMany {
            what: "bytes in a value",
            ..
        }
    ));
    // A declaration by itself passes, and is told apart from the derived one.
    let bytes = foreign(|tx| _ = tx.put_object(&texts, "more@police", ObjType::Text).unwrap());
    let read = scan(&bytes, &SCAN_LIMITS).unwrap();
    assert_eq!(read.declares.as_deref(), Some("more@police"));
    assert!(!read.is_derived_for(&key().id(), &report().genesis().hash));
}

/// The first change's columns, decoded and changed by hand, and written again.
fn altered(change: impl FnOnce(&mut automerge::ExpandedChange)) -> Vec<u8> {
    let read = automerge::Change::from_bytes(sample()).unwrap();
    let mut expanded = read.decode();
    change(&mut expanded);
    automerge::Change::from(expanded).raw_bytes().to_vec()
}

#[test]
fn what_cannot_lie_before_a_change_is_refused() {
    use automerge::legacy::OpId as Id;
    let author = automerge::ActorId::from([2u8; 8]);
    let later = altered(|change| {
        let start = change.start_op.get();
        change.operations[1].pred = vec![Id::new(start, &author)].into();
    });
    assert_eq!(refused(&later), ScanError::NotCausal);
    let own = altered(|change| {
        let next = change.start_op.get() + 2;
        change.operations[1].pred = vec![Id::new(next, &change.actor_id)].into();
    });
    assert_eq!(refused(&own), ScanError::NotCausal);
    let twice = altered(|change| {
        let pred = change.operations[1].pred.get(0).unwrap().clone();
        change.operations[1].pred = vec![pred.clone(), pred].into();
    });
    assert!(matches!(refused(&twice), ScanError::Damaged(_)));
    // What this very change wrote under another key, or in another map.
    for (from, to) in [(0, 1), (0, 3), (3, 0)] {
        let other_key = altered(|change| {
            let start = change.start_op.get();
            change.operations.swap(0, from);
            change.operations.swap(1, to);
            change.operations[1].pred = vec![Id::new(start, &change.actor_id)].into();
        });
        assert_eq!(refused(&other_key), ScanError::NotCausal);
    }
    // An element that this change writes elsewhere.
    let elsewhere = altered(|change| {
        let figure = Id::new(change.start_op.get(), &change.actor_id);
        let op = change.operations.iter_mut().find(|op| op.insert).unwrap();
        op.key = automerge::legacy::Key::Seq(automerge::legacy::ElementId::Id(figure));
    });
    assert_eq!(refused(&elsewhere), ScanError::NotCausal);
    let footer = altered(|change| change.extra_bytes = vec![1, 1, 65]);
    assert!(matches!(refused(&footer), ScanError::OutsideSchema(_)));
    let orphan = altered(|change| change.deps.clear());
    assert!(matches!(refused(&orphan), ScanError::Damaged(_)));
    let numberless = altered(|change| change.seq = 0);
    assert!(matches!(refused(&numberless), ScanError::Damaged(_)));
}

#[test]
fn another_spelling_of_the_same_change_is_refused() {
    // The same actions as two runs of one instead of one run of two.
    let bytes = foreign(|tx| {
        let (_, figures) = tx.get(ROOT, "figures").unwrap().unwrap();
        tx.put(&figures, "I.1", "5").unwrap();
        tx.put(&figures, "I.2", "6").unwrap();
    });
    assert!(scan(&bytes, &SCAN_LIMITS).is_ok());
    let body = Chunk::read(&bytes, &SCAN_LIMITS).unwrap().body.into_owned();
    let at = body
        .windows(4)
        .position(|four| four == [66, 2, 86, 2])
        .unwrap();
    let mut spelled = body.clone();
    spelled[at + 1] = 4;
    let data = spelled.windows(2).rposition(|two| two == [2, 1]).unwrap();
    spelled.splice(data..data + 2, [1, 1, 1, 1]);
    let mut other = chunk(1, &spelled);
    let hash = automerge::Change::from_bytes(other.clone()).unwrap().hash();
    other[4..8].copy_from_slice(&hash.0[..4]);
    assert_eq!(refused(&other), ScanError::NotCanonical);
}

#[test]
fn a_thousand_saves_are_scanned_and_admitted_quickly() {
    let mut report = Report::create(key(), &form(0)).unwrap();
    let bytes: Vec<_> = (0..200u32)
        .map(|n| {
            report
                .save(&ctx(1), &[set("I.1", &n.to_string())])
                .unwrap()
                .unwrap()
                .bytes
        })
        .collect();
    let ((), took) = timed(|| {
        for _ in 0..5 {
            bytes
                .iter()
                .for_each(|bytes| assert!(scan(bytes, &SCAN_LIMITS).is_ok()));
        }
    });
    // A tenth of a millisecond each is what a busy machine may take; ten microseconds are usual.
    assert!(took < Duration::from_millis(100), "{took:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_changes_never_panic(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4),
        cut in prop::option::weighted(0.2, any::<usize>()),
        is_plain: bool,
    ) {
        let mut bytes = if is_plain { plain(&sample()) } else { sample() };
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut % bytes.len());
        }
        let _ = scan(&bytes, &SCAN_LIMITS);
    }

    /// The checksum set right, so that damage reaches all that comes after it.
    #[test]
    fn damage_under_a_right_checksum_never_panics(
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..4),
    ) {
        let mut body = Chunk::read(&sample(), &SCAN_LIMITS).unwrap().body.into_owned();
        for (at, byte) in changes {
            let at = at % body.len();
            body[at] = byte;
        }
        let mut bytes = chunk(1, &body);
        let read = std::panic::catch_unwind(|| automerge::Change::from_bytes(bytes.clone()));
        if let Ok(Ok(change)) = read {
            bytes[4..8].copy_from_slice(&change.hash().0[..4]);
        }
        let _ = scan(&bytes, &SCAN_LIMITS);
    }
}
