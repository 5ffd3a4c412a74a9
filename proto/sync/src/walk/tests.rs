use hopluu_model::{EntryKind, ObjectId};

use super::*;
use crate::limits::{LEAF_ITEMS_MAX, REQUESTS_MAX};
use crate::{Item, ItemDigest};

fn key(number: usize) -> ObjectKey {
    ObjectKey {
        object: ObjectId((number as u128).to_be_bytes()),
        kind: EntryKind::Change,
    }
}

#[test]
fn ranges_that_wait_have_a_bound() {
    let items = Items::new(Vec::new(), [0; 32]);
    let ids = (0u32..).map(|id| [10, 5, 0].map(|bits| u8::try_from(id >> bits & 31).unwrap()));
    let prefix = |digits: [u8; 3]| Prefix {
        class: OTHERS,
        digits: [&[31], &digits[..]].concat(),
    };
    let mut lead = Lead {
        waiting: ids.take(RANGES_WAITING_MAX / 2).map(prefix).collect(),
        asked: Some(vec![(Prefix::root(OTHERS), true)]),
        ..Lead::default()
    };
    let deeper = (0u8..32).flat_map(|a| (0u8..32).map(move |b| [a, b]));
    let more = deeper.flat_map(|[a, b]| (0u8..32).map(move |c| vec![30, a, b, c]));
    lead.waiting.extend(more.map(|digits| Prefix {
        class: OTHERS,
        digits,
    }));
    assert_eq!(lead.waiting.len(), RANGES_WAITING_MAX);
    let part = Part {
        prefix: Prefix::root(OTHERS).child(1),
        content: Content::Split {
            present: 1,
            prints: vec![[0; 8]],
        },
    };
    let answer = Answer {
        answered: 1,
        parts: vec![part],
    };
    let found = lead.take_answer(answer, &items, &mut Works::default());
    assert_eq!(found.err(), Some(CloseCode::ObjectsTooMany));
}

#[test]
fn lists_are_cut_into_frames() {
    let hash = ShortHash([0; 8]);
    let empty = (0..2 * NOTES_MAX).map(|number| have(key(number), Vec::new()));
    let long = (0..3).map(|number| have(key(number), vec![hash; HASHES_MAX]));
    for frame in frames(empty.chain(long).collect()) {
        let Frame::Objects(Objects { notes }) = frame else {
            panic!("another frame");
        };
        let bytes: usize = notes.iter().map(Note::weight).sum();
        assert!(notes.len() <= NOTES_MAX);
        assert!(notes.len() == 1 || bytes <= OBJECTS_BYTES_MAX);
    }
}

#[test]
fn requests_of_one_comparison_have_a_bound() {
    let mut works = Works::default();
    works.requests = REQUESTS_MAX - 1;
    assert_eq!(works.request(have(key(0), Vec::new())), Ok(()));
    let more = works.request(have(key(0), Vec::new()));
    assert_eq!(more, Err(CloseCode::WalkTooLong));
}

#[test]
fn questions_and_answers_hold_to_their_size() {
    let item = |number: usize| Item {
        key: ObjectKey {
            object: ObjectId(
                *blake3::hash(&number.to_le_bytes())
                    .as_bytes()
                    .first_chunk()
                    .unwrap(),
            ),
            kind: EntryKind::Change,
        },
        digest: ItemDigest([1; 16]),
    };
    let mine = Items::new((0..40_000).map(item).collect(), [0; 32]);
    let other = |number| Item {
        digest: ItemDigest([2; 16]),
        ..item(number)
    };
    let theirs = Items::new((0..40_000).map(other).collect(), [0; 32]);
    let (mut lead, mut works) = (Lead::default(), Works::default());
    let mut frame = lead.begin(&mine);
    let mut differing = BTreeSet::new();
    loop {
        let Frame::Ask(ask) = frame else {
            panic!("another frame")
        };
        let bytes: usize = ask.parts.iter().map(weight).sum();
        assert!(bytes < RANGES_BYTES_MAX + 3_000, "{bytes}");
        let found = answer(ask, &theirs, &mut works);
        assert!(found.differing.len() < DIFFERING_MAX + LEAF_ITEMS_MAX);
        differing.append(&mut found.differing.into_iter().collect());
        let Some(Frame::Answer(answer)) = found.reply else {
            panic!("no answer")
        };
        let bytes: usize = answer.parts.iter().map(weight).sum();
        assert!(bytes < RANGES_BYTES_MAX + SPLIT * 3_000, "{bytes}");
        let found = lead.take_answer(answer, &mine, &mut works).unwrap();
        assert!(found.differing.len() < DIFFERING_MAX + LEAF_ITEMS_MAX);
        differing.append(&mut found.differing.into_iter().collect());
        let Some(next) = found.reply else { break };
        frame = next;
    }
    assert_eq!(differing.len(), 40_000);
    assert!(lead.questions < 500, "{} questions", lead.questions);
    assert!(works.are_done());
}
