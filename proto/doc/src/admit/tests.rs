use automerge::legacy::{ElementId, Key, ObjectId, OpId as Id};
use automerge::{ActorId as DocActor, ExpandedChange};

use super::*;
use crate::edit::SavedChange;
use crate::limits::SCAN_LIMITS;
use crate::report::Report;
use crate::scan::scan;
use crate::testing::{ctx, key, report, set, text};

const FIRST: u8 = 2;

/// A report with one save by actor 2, and a second one by actor 1 that refers to it.
fn two_saves() -> (Report, SavedChange, SavedChange) {
    let mut report = report();
    let first = [set("I.2", "3"), text("funds", "police", "Đủ")];
    let first = report.save(&ctx(FIRST), &first).unwrap().unwrap();
    let second = [set("I.2", "4"), text("funds", "police", "Đủ kinh phí")];
    let second = report.save(&ctx(1), &second).unwrap().unwrap();
    (report, first, second)
}

/// The second save, changed by hand.
fn altered(change: impl FnOnce(&mut ExpandedChange)) -> ScannedChange {
    let (_, _, second) = two_saves();
    let mut expanded = automerge::Change::from_bytes(second.bytes)
        .unwrap()
        .decode();
    change(&mut expanded);
    let again = automerge::Change::from(expanded);
    scan(again.raw_bytes(), &SCAN_LIMITS).unwrap()
}

fn parents(change: &ScannedChange, tip: Option<Tip>) -> Result<(), ParentsError> {
    let (report, first, second) = two_saves();
    let known = [&first.scanned, &second.scanned];
    let parent = |hash: &ChangeHash| known.iter().find(|c| c.hash == *hash).map(|c| (*c).into());
    check_parents(change, &key().id(), report.genesis(), parent, tip)
}

fn references(change: &ScannedChange) -> Result<(), ParentsError> {
    let (_, first, _) = two_saves();
    check_references(change, |actor, _| {
        (actor == first.scanned.actor).then(|| first.scanned.clone())
    })
}

fn first_op(counter: u64) -> Id {
    Id::new(counter, &DocActor::from([FIRST; 8]))
}

#[test]
fn an_honest_change_passes() {
    let (_, first, second) = two_saves();
    assert_eq!(parents(&first.scanned, None), Ok(()));
    assert_eq!(references(&first.scanned), Ok(()));
    assert_eq!(parents(&second.scanned, None), Ok(()));
    assert_eq!(references(&second.scanned), Ok(()));
}

#[test]
fn a_change_is_held_against_its_parents() {
    let (_, _, second) = two_saves();
    let orphan = altered(|change| change.deps = vec![automerge::ChangeHash([9; 32])]);
    assert_eq!(
        parents(&orphan, None),
        Err(ParentsError::Missing(ChangeHash([9; 32])))
    );
    let far = altered(|change| change.start_op = 9_999.try_into().unwrap());
    assert!(matches!(
        parents(&far, None),
        Err(ParentsError::Numbering { found: 9_999, .. })
    ));
    let gap = altered(|change| change.seq = 2);
    assert_eq!(
        parents(&gap, None),
        Err(ParentsError::Gap {
            found: 2,
            expected: 1
        })
    );
    let tip = Tip::from(&second.scanned);
    assert_eq!(
        parents(&second.scanned, Some(tip)),
        Err(ParentsError::Fork(1))
    );
    // The next number, but operations that its actor has already used.
    assert_eq!(parents(&gap, Some(tip)), Err(ParentsError::Fork(2)));
}

#[test]
fn a_text_that_was_never_declared_is_refused() {
    let genesis = DocActor::from(&[0u8][..]);
    let nowhere = altered(|change| {
        for op in change.operations.iter_mut().filter(|op| op.insert) {
            op.obj = ObjectId::Id(Id::new(15, &genesis));
        }
    });
    assert_eq!(
        parents(&nowhere, None),
        Err(ParentsError::NoSuchText(TextObject::Genesis(15)))
    );
    let object = Id::new(15, &DocActor::from([FIRST; 8]));
    let strange = altered(|change| {
        for op in change.operations.iter_mut().filter(|op| op.insert) {
            op.obj = ObjectId::Id(object.clone());
        }
    });
    // Numbered like a derived change, but what is there is a figure.
    assert_eq!(parents(&strange, None), Ok(()));
    assert!(matches!(
        references(&strange),
        Err(ParentsError::Dangling(_))
    ));
}

/// Each of these makes Automerge panic, or save a document that it does not load again.
#[test]
fn a_reference_to_what_is_not_there_is_refused() {
    let (_, first, _) = two_saves();
    let figure = first.scanned.figures[0].op.counter;
    let letter = first.scanned.inserts[0].start;
    let nothing_before = altered(|change| change.operations[0].pred = vec![first_op(3)].into());
    let other_kind = altered(|change| change.operations[0].pred = vec![first_op(letter)].into());
    let other_key = altered(|change| change.operations[0].key = Key::Map("I.3".into()));
    let element = |counter| {
        altered(|change| {
            let op = change.operations.iter_mut().find(|op| op.insert).unwrap();
            op.key = Key::Seq(ElementId::Id(first_op(counter)));
        })
    };
    for change in [
        nothing_before,
        other_kind,
        other_key,
        element(3),
        element(figure),
    ] {
        assert!(matches!(
            references(&change),
            Err(ParentsError::Dangling(_))
        ));
    }
    let (_, _, second) = two_saves();
    let none_here = check_references(&second.scanned, |_, _| None::<ScannedChange>);
    assert!(matches!(none_here, Err(ParentsError::Dangling(_))));
}
