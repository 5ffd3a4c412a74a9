use hopluu_model::Digest;
use proptest::prelude::*;

use super::*;
use crate::Acked;

const MINE: Epoch = Epoch([1; 16]);
const THEIRS: Epoch = Epoch([2; 16]);
const OTHER: Epoch = Epoch([3; 16]);
const LAST: Seq = Seq(100);

fn basis() -> Epoch {
    Acked::basis(MINE, Digest([9; 32]))
}

fn entry(object: u8, descriptor: &[u8], body: &[u8]) -> Incoming {
    Incoming {
        kind: EntryKind::Change,
        object: ObjectId([object; 16]),
        descriptor: descriptor.to_vec(),
        body: body.to_vec(),
    }
}

fn bundle(span: Option<(u64, u64)>, held: Option<(Epoch, u64)>) -> Bundle {
    Bundle {
        epoch: THEIRS,
        span: span.map(|(after, through)| Span {
            after: Seq(after),
            through: Seq(through),
        }),
        held: held.map(|(epoch, through)| Received {
            epoch,
            through: Seq(through),
        }),
        entries: vec![
            entry(1, b"a", b"one"),
            entry(1, b"a", b"two"),
            entry(2, b"a", b""),
            entry(1, b"b", b"three"),
        ],
    }
}

/// What is remembered: so much of theirs received, so much of ours acknowledged.
fn kept(received: u64, acked: u64) -> Checkpoint {
    Checkpoint {
        received: Received {
            epoch: THEIRS,
            through: Seq(received),
        },
        acked: Acked {
            basis: basis(),
            through: Seq(acked),
        },
    }
}

fn claims(bundle: &Bundle, kept: &Checkpoint) -> (Option<u64>, Option<u64>, Vec<OldNews>) {
    let claims = bundle.claims(kept, MINE, basis(), LAST);
    let received = claims.received.map(|received| received.through.0);
    (received, claims.acked.map(|acked| acked.0), claims.ignored)
}

#[test]
fn what_was_bundled_comes_out_again() {
    for bundle in [bundle(None, None), bundle(Some((0, 7)), Some((MINE, 3)))] {
        assert_eq!(Bundle::decode(&bundle.encode()), Ok(bundle));
    }
}

#[test]
fn parts_move_the_position_only_where_they_join_on() {
    let met = kept(10, 50);
    let moved = |after, through| claims(&bundle(Some((after, through)), None), &met);
    assert_eq!(moved(10, 20), (Some(20), None, vec![]));
    assert_eq!(moved(0, 20), (Some(20), None, vec![]));
    assert_eq!(moved(0, 10), (None, None, vec![]), "it comes twice");
    assert_eq!(moved(11, 20), (None, None, vec![OldNews::Gap]));
    assert_eq!(claims(&bundle(None, None), &met), (None, None, vec![]));
    // Of a node that was never met everything is news.
    let strange = Checkpoint::default();
    let first = bundle(Some((0, 7)), None).claims(&strange, MINE, basis(), LAST);
    assert_eq!(first.received.unwrap().epoch, THEIRS);
}

#[test]
fn old_news_never_moves_a_checkpoint_back_or_into_another_life() {
    let met = kept(10, 50);
    let held = |epoch, through| claims(&bundle(None, Some((epoch, through))), &met);
    assert_eq!(held(MINE, 60), (None, Some(60), vec![]));
    assert_eq!(
        held(MINE, 40),
        (None, None, vec![]),
        "a stick that came late"
    );
    assert_eq!(held(MINE, 101), (None, None, vec![OldNews::BeyondOurs]));
    assert_eq!(held(OTHER, 60), (None, None, vec![OldNews::OurOtherLife]));
    let mut restored = met;
    restored.received.epoch = OTHER;
    let said = claims(&bundle(Some((10, 20)), None), &restored);
    assert_eq!(said, (None, None, vec![OldNews::TheirOtherLife]));
    assert!(bundle(None, None).is_of_other_life(&restored));
    assert!(!bundle(None, None).is_of_other_life(&met));
}

#[test]
fn while_a_comparison_is_due_a_bundle_does_not_say_that_it_is_not() {
    for acked in [Acked::void(), Acked::default()] {
        let due = Checkpoint {
            acked,
            ..kept(0, 0)
        };
        assert_eq!(claims(&bundle(None, Some((MINE, 60))), &due).1, None);
        assert_eq!(Bundle::begins_after(&due, basis(), LAST), Seq(0));
    }
    assert_eq!(Bundle::begins_after(&kept(0, 50), basis(), LAST), Seq(50));
    assert_eq!(Bundle::begins_after(&kept(0, 101), basis(), LAST), Seq(0));
}

#[test]
fn what_is_over_a_bound_is_refused_before_it_costs_memory() {
    let long = |descriptor: usize, body: usize| Bundle {
        entries: vec![entry(1, &vec![0; descriptor], &vec![0; body])],
        ..bundle(None, None)
    };
    let refused = |bundle: &Bundle| Bundle::decode(&bundle.encode()).unwrap_err();
    assert_eq!(
        refused(&long(DESCRIPTOR_BYTES_MAX + 1, 0)),
        BundleError::TooLarge
    );
    assert_eq!(
        refused(&long(0, ENTRY_BYTES_MAX + 1)),
        BundleError::TooLarge
    );
    let many = Bundle {
        entries: vec![entry(1, b"", b""); BUNDLE_ENTRIES_MAX + 1],
        ..bundle(None, None)
    };
    assert_eq!(refused(&many), BundleError::Malformed);
    assert_eq!(
        Bundle::decode(&vec![1; BUNDLE_BYTES_MAX + 1]),
        Err(BundleError::TooLarge)
    );
    assert_eq!(refused(&bundle(Some((8, 7)), None)), BundleError::Span);
    assert_eq!(
        refused(&bundle(Some((0, u64::MAX)), None)),
        BundleError::Span
    );
}

proptest! {
    #[test]
    fn damage_never_panics(
        cut in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0u8..8,
        noise in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = bundle(Some((0, 7)), Some((MINE, 3))).encode();
        prop_assert!(Bundle::decode(&bytes[..cut.index(bytes.len())]).is_err());
        let mut flipped = bytes.clone();
        flipped[at.index(bytes.len())] ^= 1 << bit;
        let _ = Bundle::decode(&flipped);
        let _ = Bundle::decode(&[&[VERSION][..], &noise].concat());
    }

    /// However sticks are carried, each half only ever grows, and never beyond what is true.
    #[test]
    fn sticks_in_any_order_only_move_forward(
        sticks in prop::collection::vec((0u64..20, 0u64..20, 0u64..120, any::<bool>()), 0..20),
    ) {
        let mut now = kept(0, 0);
        for (after, len, held, is_ours) in sticks {
            let life = if is_ours { MINE } else { OTHER };
            let stick = bundle(Some((after, after + len)), Some((life, held)));
            let claims = stick.claims(&now, MINE, basis(), LAST);
            if let Some(received) = claims.received {
                prop_assert!(received.through > now.received.through && after <= now.received.through.0);
                now.received = received;
            }
            if let Some(acked) = claims.acked {
                prop_assert!(acked > now.acked.through && acked <= LAST && is_ours);
                now.acked.through = acked;
            }
        }
    }
}
