use hopluu_model::ActorId;
use proptest::prelude::*;

use super::*;

fn entry(number: u64, actor: u8, event: LifecycleEvent, after: &[u64]) -> EventEntry {
    EventEntry {
        key: number.to_string(),
        op: OpId {
            counter: number,
            actor: ActorId([actor; 8]),
        },
        event,
        after: after.iter().map(u64::to_string).collect(),
    }
}

fn numbers(entries: &[EventEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.op.counter).collect()
}

/// A step that nobody names a reason or an office for.
fn plain(step: Step) -> LifecycleEvent {
    use LifecycleEvent as E;
    match step {
        Step::Opened => E::Opened,
        Step::Contributed => E::Contributed("health".parse().unwrap()),
        Step::Consolidated => E::Consolidated,
        Step::Checked => E::Checked,
        Step::Signed => E::Signed,
        Step::Submitted => E::Submitted,
        Step::Accepted => E::Accepted,
        Step::Amended => E::Amended(String::new()),
        Step::Returned => E::Returned(String::new()),
        Step::Withdrawn => E::Withdrawn(String::new()),
    }
}

/// Steps in a row, each after the one before it.
fn row(steps: &[Step]) -> Vec<EventEntry> {
    let numbered = (1..).zip(steps);
    let entries = numbered.map(|(number, step)| {
        let after: &[u64] = if number == 1 { &[] } else { &[number - 1] };
        entry(number, 1, plain(*step), after)
    });
    entries.collect()
}

#[test]
fn every_event_reads_back() {
    for event in [
        LifecycleEvent::Opened,
        LifecycleEvent::Contributed("police".parse().unwrap()),
        LifecycleEvent::Consolidated,
        LifecycleEvent::Checked,
        LifecycleEvent::Signed,
        LifecycleEvent::Submitted,
        LifecycleEvent::Returned("thiếu phụ lục\ndòng 2".to_owned()),
        LifecycleEvent::Accepted,
        LifecycleEvent::Amended("sai số".to_owned()),
        LifecycleEvent::Withdrawn(String::new()),
    ] {
        let expected = entry(7, 1, event, &[3, 5]);
        let text = EventEntry::encode(&expected.event, &expected.after);
        assert_eq!(EventEntry::read("7", expected.op, &text), Some(expected));
    }
    let op = entry(1, 1, LifecycleEvent::Opened, &[]).op;
    for bad in [
        "",
        "opened",
        "approved\n\n",
        "contributed\n\n",
        "signed police\n\n",
    ] {
        assert_eq!(EventEntry::read("1", op, bad), None, "{bad}");
    }
}

#[test]
fn the_last_event_that_saw_all_others_holds() {
    let events = [
        entry(1, 1, LifecycleEvent::Opened, &[]),
        entry(2, 1, LifecycleEvent::Signed, &[1]),
        entry(3, 1, LifecycleEvent::Submitted, &[2]),
        entry(4, 2, LifecycleEvent::Returned("?".to_owned()), &[3]),
        entry(
            5,
            1,
            LifecycleEvent::Contributed("health".parse().unwrap()),
            &[4],
        ),
    ];
    let state = LifecycleState::fold(events.clone());
    assert_eq!(state.step, Some(Step::Contributed));
    assert_eq!(state.standing, events[4..]);
    assert_eq!(state.out_of_order, []);
    assert_eq!(LifecycleState::fold([]), LifecycleState::default());
}

/// Each pair of steps written apart, whichever has the later operation.
#[test]
fn concurrent_events_have_the_outcome_of_the_table() {
    use LifecycleEvent as E;
    let pairs = [
        (E::Signed, E::Signed, Step::Signed),
        (
            E::Contributed("health".parse().unwrap()),
            E::Signed,
            Step::Signed,
        ),
        (E::Signed, E::Submitted, Step::Submitted),
        (E::Submitted, E::Returned(String::new()), Step::Returned),
        (E::Accepted, E::Returned(String::new()), Step::Returned),
        (E::Accepted, E::Amended(String::new()), Step::Amended),
        (
            E::Amended(String::new()),
            E::Returned(String::new()),
            Step::Returned,
        ),
        (E::Withdrawn(String::new()), E::Accepted, Step::Withdrawn),
    ];
    for (one, other, outcome) in pairs {
        for (first, second) in [(&one, &other), (&other, &one)] {
            let events = [
                entry(1, 1, E::Opened, &[]),
                entry(2, 1, E::Signed, &[1]),
                entry(3, 1, E::Submitted, &[2]),
                entry(4, 1, first.clone(), &[3]),
                entry(4, 2, second.clone(), &[3]),
            ];
            let state = LifecycleState::fold(events);
            assert_eq!(state.step, Some(outcome), "{first:?} {second:?}");
            assert_eq!(state.standing.len(), 2);
        }
    }
}

/// Compared one with another, as many as these would take minutes.
#[test]
fn a_quarter_of_a_million_events_are_folded() {
    let events = (1..=250_000_u64).map(|number| {
        let before: Vec<u64> = (number.saturating_sub(8)..number).collect();
        entry(number, 1, LifecycleEvent::Checked, &before)
    });
    let state = LifecycleState::fold(events);
    let standing: Vec<_> = state
        .standing
        .iter()
        .map(|entry| entry.op.counter)
        .collect();
    assert_eq!(standing, [250_000]);
    assert_eq!(state.step, Some(Step::Checked));
}

#[test]
fn events_that_name_each_other_in_a_circle_still_have_a_state() {
    let events = [
        entry(1, 1, LifecycleEvent::Signed, &[2]),
        entry(2, 1, LifecycleEvent::Withdrawn(String::new()), &[1]),
    ];
    let state = LifecycleState::fold(events.clone());
    assert_eq!(state.step, Some(Step::Withdrawn));
    assert_eq!(state.out_of_order, events[..1]);
    // Nor do two vouch for each other.
    let events = [
        entry(1, 1, LifecycleEvent::Opened, &[]),
        entry(2, 1, LifecycleEvent::Submitted, &[3]),
        entry(3, 1, LifecycleEvent::Signed, &[2]),
        entry(4, 1, LifecycleEvent::Accepted, &[2, 4]),
    ];
    let state = LifecycleState::fold(events.clone());
    assert_eq!(state.step, Some(Step::Signed));
    assert_eq!(numbers(&state.out_of_order), [2, 4]);
}

#[test]
fn a_step_counts_only_upon_what_it_needs() {
    use Step as S;
    let life = [S::Opened, S::Signed, S::Submitted];
    let lives: [(&[Step], &[Step]); 7] = [
        (&[], &[S::Opened, S::Withdrawn]),
        (
            &life[..1],
            &[
                S::Contributed,
                S::Consolidated,
                S::Checked,
                S::Signed,
                S::Withdrawn,
            ],
        ),
        (
            &life[..2],
            &[
                S::Contributed,
                S::Consolidated,
                S::Checked,
                S::Signed,
                S::Submitted,
                S::Amended,
                S::Withdrawn,
            ],
        ),
        // All but to open it again.
        (&life, &S::ALL[1..]),
        (
            &[S::Opened, S::Signed, S::Submitted, S::Accepted, S::Checked],
            &S::ALL[1..],
        ),
        (
            &[S::Opened, S::Signed, S::Submitted, S::Returned],
            &[
                S::Contributed,
                S::Consolidated,
                S::Checked,
                S::Signed,
                S::Withdrawn,
            ],
        ),
        (
            &[S::Opened, S::Signed, S::Submitted, S::Withdrawn],
            &[S::Opened, S::Withdrawn],
        ),
    ];
    for (before, counting) in lives {
        for step in S::ALL {
            let events = row(&[before, &[step]].concat());
            let state = LifecycleState::fold(events.clone());
            let counts = counting.contains(&step);
            let expected = if counts {
                Some(step)
            } else {
                before.last().copied()
            };
            assert_eq!(state.step, expected, "{before:?} {step}");
            assert_eq!(
                state.out_of_order.len(),
                usize::from(!counts),
                "{before:?} {step}"
            );
            let seen = LifecycleState::fold(row(before));
            let would = seen.would_count([plain(step)]);
            assert_eq!(would.len(), usize::from(counts), "{before:?} {step}");
        }
    }
}

#[test]
fn a_step_out_of_order_hides_nothing_and_who_names_it_goes_on_from_before_it() {
    let mut events = row(&[Step::Opened, Step::Checked]);
    events.push(entry(3, 2, LifecycleEvent::Accepted, &[2]));
    let state = LifecycleState::fold(events.clone());
    assert_eq!(
        (state.step, numbers(&state.standing)),
        (Some(Step::Checked), vec![2])
    );
    events.push(entry(4, 1, LifecycleEvent::Submitted, &[3]));
    events.push(entry(5, 1, LifecycleEvent::Signed, &[4]));
    let state = LifecycleState::fold(events);
    assert_eq!(
        (state.step, numbers(&state.standing)),
        (Some(Step::Signed), vec![5])
    );
    assert_eq!(numbers(&state.out_of_order), [3, 4]);
}

#[test]
fn what_was_taken_back_is_signed_and_submitted_anew() {
    use Step as S;
    let life = [S::Opened, S::Signed, S::Submitted, S::Returned];
    for (again, counts) in [
        (&[S::Submitted][..], false),
        (&[S::Signed, S::Accepted], false),
        (&[S::Signed, S::Submitted, S::Accepted], true),
    ] {
        let state = LifecycleState::fold(row(&[&life[..], again].concat()));
        assert_eq!(state.out_of_order.is_empty(), counts, "{again:?}");
    }
    // Submitted again by one who left out that it was returned: the doubt outweighs.
    let mut events = row(&life);
    events.push(entry(5, 2, LifecycleEvent::Submitted, &[2]));
    let state = LifecycleState::fold(events.clone());
    assert_eq!(state.step, Some(Step::Returned));
    // And whoever has seen both cannot take it.
    events.push(entry(6, 3, LifecycleEvent::Accepted, &[4, 5]));
    assert_eq!(numbers(&LifecycleState::fold(events).out_of_order), [6]);
}

#[test]
fn who_has_seen_a_step_that_is_not_there_has_seen_what_came_before_it() {
    // Somebody checked it who may not any more.
    let mut events = row(&[Step::Opened, Step::Signed, Step::Checked, Step::Submitted]);
    events.remove(2);
    let state = LifecycleState::fold(events);
    assert_eq!(
        (state.step, state.out_of_order),
        (Some(Step::Submitted), vec![])
    );
    let mut events = row(&[Step::Opened, Step::Signed, Step::Submitted]);
    events.remove(1);
    let state = LifecycleState::fold(events);
    assert_eq!(
        numbers(&state.out_of_order),
        [3],
        "and nobody has signed it"
    );
}

proptest! {
    /// Events that name whatever they like, in any order of arrival.
    #[test]
    fn any_order_of_arrival_folds_alike_and_what_does_not_count_changes_nothing(
        acts in prop::collection::vec(
            (0usize..10, 0u8..3, prop::collection::vec(0u64..16, 0..4)), 0..14),
        order in any::<u64>(),
    ) {
        let numbered = (1..).zip(&acts);
        let events: Vec<_> = numbered
            .map(|(number, (step, actor, after))| entry(number, *actor, plain(Step::ALL[*step]), after))
            .collect();
        let state = LifecycleState::fold(events.clone());
        let mut shuffled = events.clone();
        shuffled.sort_by_key(|one| (one.op.counter ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        prop_assert_eq!(&LifecycleState::fold(shuffled), &state);
        prop_assert!(state.standing.iter().all(|one| !state.out_of_order.contains(one)));
        // Without what nobody has built upon it is the same, and every step that holds has what it needs.
        let built_upon = |one: &EventEntry| events.iter().any(|other| other.after.contains(&one.key));
        let loose = state.out_of_order.iter().filter(|one| !built_upon(one));
        let loose: Vec<_> = loose.cloned().collect();
        let kept = events.iter().filter(|one| !loose.contains(one)).cloned();
        let without = LifecycleState::fold(kept);
        prop_assert_eq!((without.step, &without.standing), (state.step, &state.standing));
        let counting = |step| {
            let mut counted = events.iter().filter(|one| !state.out_of_order.contains(one));
            counted.any(|one| one.event.step() == step)
        };
        prop_assert!(!counting(Step::Accepted) || counting(Step::Submitted));
        prop_assert!(!counting(Step::Submitted) || counting(Step::Signed));
        prop_assert!(!counting(Step::Signed) || counting(Step::Opened));
    }
}
