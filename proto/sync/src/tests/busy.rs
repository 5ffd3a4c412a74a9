//! A node that has no time now: whom it turns away, who is served first, and when callers come again.

use std::collections::BTreeSet;

use hopluu_model::NodeId;

use crate::limits::{AGAIN_MAX_S, AGAIN_STORE_S, STANDBY_AFTER_FAILURES};
use crate::testing::World;
use crate::{Effect, Event, TargetId, TargetState};

const TARGET: TargetId = TargetId(7);
const ADDED: Event = Event::TargetAdded {
    target: TARGET,
    peer: None,
};
const PROVINCE: TargetId = TargetId(8);

fn wait_of(world: &World, at: usize) -> u64 {
    let due = world.nodes[at].hub.next_wake().expect("something is due");
    due.ms_since(world.now)
}

fn turned_away(world: &mut World, at: usize, seconds: u32) {
    let told = Event::DialFailed {
        target: TARGET,
        again_s: Some(seconds),
    };
    world.tell(at, told);
}

#[test]
fn who_is_turned_away_comes_when_it_was_told_and_is_silenced_by_nobody() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    world.tell(commune, ADDED);
    for (told, waits_s) in [(40, 40), (0, 1), (u32::MAX, AGAIN_MAX_S), (7, 7)] {
        turned_away(&mut world, commune, told);
        assert_eq!(wait_of(&world, commune), u64::from(waits_s) * 1_000);
        world.now = world.nodes[commune].hub.next_wake().unwrap();
        world.tell(commune, Event::Woken);
    }
    assert_eq!(world.nodes[commune].dials.len(), 5);
    // Another network is another chance.
    turned_away(&mut world, commune, 100);
    world.tell(commune, Event::NetworkChanged);
    assert_eq!(world.nodes[commune].dials.len(), 6);
}

#[test]
fn meanwhile_another_is_called() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    world.tell(commune, ADDED);
    world.tell(commune, Event::StandbyAdded { target: PROVINCE });
    turned_away(&mut world, commune, 100);
    assert_eq!(world.nodes[commune].dials, [TARGET, PROVINCE]);
    let status = world.nodes[commune].hub.status();
    assert_eq!(status.targets[0].failures, STANDBY_AFTER_FAILURES);
    assert!(matches!(status.targets[0].state, TargetState::Waiting(_)));
}

#[test]
fn those_who_are_turned_away_together_come_back_apart_and_nobody_is_lost() {
    let mut world = World::new();
    let district = world.node("101", None);
    let communes: Vec<_> = (0..24).map(|_| world.node("10101", None)).collect();
    world.nodes[district].is_full = true;
    for at in &communes {
        world.change(*at, &format!("report {at}"), "10101", &format!("of {at}"));
        world.tell(*at, ADDED);
        world.connect_as(*at, district, Some(TARGET.0));
        world.settle();
    }
    let waits: Vec<u64> = communes.iter().map(|at| wait_of(&world, *at)).collect();
    let (least, most) = (u64::from(AGAIN_STORE_S), u64::from(AGAIN_STORE_S) * 2);
    assert!(
        waits
            .iter()
            .all(|wait| (least * 1_000..=most * 1_000).contains(wait)),
        "{waits:?}"
    );
    let apart: BTreeSet<_> = waits.iter().collect();
    assert!(apart.len() >= 5, "{waits:?}");
    world.nodes[district].is_full = false;
    world.now = world.now.plus_ms(most * 1_000);
    for at in &communes {
        world.tell(*at, Event::Woken);
        assert_eq!(world.nodes[*at].dials.len(), 2, "not lost");
        world.connect_as(*at, district, Some(TARGET.0));
        world.settle();
    }
    assert_eq!(world.bodies(district).len(), communes.len());
}

/// The store writes what it is asked in turn, so whoever asks for one thing at a time takes turns.
#[test]
fn one_push_of_each_link_waits_for_the_disk_however_much_a_peer_has_to_say() {
    let mut world = World::new();
    let district = world.node("101", None);
    let (busy, small) = (world.node("10101", None), world.node("10101", None));
    for at in [busy, small] {
        world.connect(at, district);
    }
    world.settle();
    world.nodes[district].is_stuck = true;
    for n in 0..40 {
        world.change(busy, &format!("report {n}"), "10101", &"x".repeat(8 << 10));
    }
    world.change(small, "one edit", "10101", "1");
    world.settle();
    let from = |world: &World| -> Vec<NodeId> {
        let waiting = world.nodes[district].stuck.iter();
        waiting
            .filter_map(|effect| match effect {
                Effect::Apply { peer, .. } => Some(*peer),
                _ => None,
            })
            .collect()
    };
    let [busy, small] = [busy, small].map(|at| world.nodes[at].place.node);
    assert_eq!(from(&world), [busy, small]);
}
