//! Links that come and go: dialling, crossing, falling silent.

use crate::limits::{BACKOFF_MAX_MS, CROSSING_MS, SILENCE_MS, STANDBY_AFTER_FAILURES};
use crate::testing::World;
use crate::{CloseCode, Event, Steady, TargetId, TargetState};

const TARGET: TargetId = TargetId(7);
const ADDED: Event = Event::TargetAdded {
    target: TARGET,
    peer: None,
};

fn pair() -> (World, usize, usize) {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    world.change(commune, "report", "10101", "first");
    (world, commune, district)
}

fn wake(world: &World, at: usize) -> Option<Steady> {
    world.nodes[at].hub.next_wake()
}

#[test]
fn an_idle_healthy_link_wants_no_wake_up() {
    let (mut world, commune, district) = pair();
    world.tell(commune, ADDED);
    assert_eq!(world.nodes[commune].dials, [TARGET]);
    world.connect_as(commune, district, Some(7));
    world.settle();
    assert_eq!(
        (wake(&world, commune), wake(&world, district)),
        (None, None)
    );
}

#[test]
fn a_dial_that_fails_is_tried_again_ever_more_slowly() {
    let (mut world, commune, _) = pair();
    world.tell(commune, ADDED);
    let mut waits = Vec::new();
    for _ in 0..12 {
        world.tell(
            commune,
            Event::DialFailed {
                target: TARGET,
                again_s: None,
            },
        );
        let due = wake(&world, commune).unwrap();
        waits.push(due.ms_since(world.now));
        let dials = world.nodes[commune].dials.len();
        world.tell(commune, Event::Woken);
        assert_eq!(
            world.nodes[commune].dials.len(),
            dials,
            "not before it is due"
        );
        world.now = due;
        world.tell(commune, Event::Woken);
        assert_eq!(world.nodes[commune].dials.len(), dials + 1);
    }
    assert!((500..=1_000).contains(&waits[0]), "{waits:?}");
    assert!(waits[4] > waits[0] * 4, "{waits:?}");
    assert!(
        waits.iter().all(|wait| *wait <= BACKOFF_MAX_MS),
        "{waits:?}"
    );
    let late = &waits[8..];
    assert!(
        late.iter().all(|wait| *wait >= BACKOFF_MAX_MS / 2),
        "{waits:?}"
    );
    assert!(
        late.iter().any(|wait| *wait != late[0]),
        "chance spreads them: {waits:?}"
    );
}

#[test]
fn a_window_that_closes_is_dialled_again_soon() {
    let (mut world, commune, district) = pair();
    world.tell(commune, ADDED);
    for _ in 0..5 {
        let link = world.connect_as(commune, district, Some(7));
        world.settle();
        world.cut(link);
        let wait = wake(&world, commune).unwrap().ms_since(world.now);
        assert!(wait <= 1_000, "{wait}");
        world.now = world.now.plus_ms(wait);
        world.tell(commune, Event::Woken);
    }
    assert_eq!(world.nodes[commune].dials.len(), 6);
}

#[test]
fn a_peer_that_never_answers_is_given_up_and_dialled_again() {
    let (mut world, commune, district) = pair();
    world.tell(commune, ADDED);
    let link = world.connect_as(commune, district, Some(7));
    let due = wake(&world, commune).unwrap();
    assert_eq!(due.ms_since(world.now), SILENCE_MS);
    world.now = due;
    world.tell(commune, Event::Woken);
    assert_eq!(world.nodes[commune].closed, [(link, CloseCode::Silent)]);
    assert!(wake(&world, commune).is_some());
    assert_eq!(
        world.peer(district, commune).closed_there,
        Some(CloseCode::Silent.number())
    );
}

#[test]
fn a_push_without_acknowledgement_is_given_up_too() {
    let (mut world, commune, district) = pair();
    let link = world.connect(commune, district);
    world.settle();
    world.nodes[district].is_stuck = true;
    world.change(commune, "report", "10101", "second");
    world.settle();
    world.now = world.now.plus_ms(SILENCE_MS - 1);
    world.tell(commune, Event::Woken);
    assert!(world.is_up(link));
    world.now = world.now.plus_ms(1);
    world.tell(commune, Event::Woken);
    assert!(!world.is_up(link));
}

#[test]
fn an_answer_is_awaited_from_a_push_to_its_acknowledgement() {
    let (mut world, commune, district) = pair();
    let link = world.connect(commune, district);
    world.settle();
    let awaited = |world: &World| world.nodes[commune].awaited.get(&link).copied();
    assert_eq!(awaited(&world), Some(false), "both have said all they had");
    world.nodes[district].is_stuck = true;
    world.change(commune, "report", "10101", "second");
    world.settle();
    assert_eq!(awaited(&world), Some(true));
    world.unstick(district);
    world.settle();
    assert_eq!(awaited(&world), Some(false));
}

#[test]
fn a_link_that_is_slow_is_not_silent_as_long_as_it_moves() {
    let (mut world, commune, district) = pair();
    let link = world.connect(commune, district);
    world.settle();
    let large = "x".repeat(300 << 10);
    world.nodes[commune].choked = Some(Vec::new());
    world.change(commune, "report", "10101", &large);
    for _ in 0..25 {
        world.now = world.now.plus_ms(SILENCE_MS - 1);
        world.tell(commune, Event::Woken);
        world.tell(district, Event::Woken);
        assert!(world.is_up(link));
        world.take_pieces(commune);
        world.settle();
    }
    assert_eq!(world.bodies(district).len(), 2);
    // One that takes nothing is given up, whatever it says.
    world.change(commune, "report", "10101", "third");
    world.now = world.now.plus_ms(SILENCE_MS);
    world.tell(commune, Event::Woken);
    assert!(!world.is_up(link));
}

#[test]
fn two_dials_that_cross_leave_one_link() {
    let (mut world, one, other) = pair();
    world.tell(one, ADDED);
    world.tell(other, ADDED);
    let kept = world.connect_as(one, other, Some(7));
    let given_up = world.connect_as(other, one, Some(7));
    world.settle();
    assert_eq!(world.up(), [kept], "the lower node's stays");
    assert!(!world.is_up(given_up));
    for at in [one, other] {
        let status = world.nodes[at].hub.status();
        assert_eq!(status.targets[0].state, TargetState::Linked(kept));
        assert_eq!(wake(&world, at), None);
    }
    assert_eq!(world.bodies(other), ["first"]);
    // The other way round: the first to stand is not the one that stays.
    let (mut world, one, other) = pair();
    world.connect_as(other, one, Some(7));
    let kept = world.connect_as(one, other, Some(7));
    world.settle();
    assert_eq!(world.up(), [kept]);
    assert_eq!(world.bodies(other), ["first"]);
}

#[test]
fn a_newer_link_replaces_one_that_has_died() {
    let (mut world, one, other) = pair();
    let old = world.connect(one, other);
    world.settle();
    world.now = world.now.plus_ms(CROSSING_MS);
    let new = world.connect(other, one);
    world.settle();
    assert_eq!(world.up(), [new]);
    assert_eq!(world.nodes[one].closed, []);
    assert_eq!(world.nodes[other].closed, [(old, CloseCode::Duplicate)]);
    // The same side dialling again is believed at once.
    let newest = world.connect(other, one);
    world.settle();
    assert_eq!(world.up(), [newest]);
}

#[test]
fn another_address_of_who_is_linked_is_not_dialled() {
    const OTHER: TargetId = TargetId(2);
    let (mut world, commune, district) = pair();
    let peer = Some(world.nodes[district].place.node);
    for target in [TARGET, OTHER] {
        world.tell(commune, Event::TargetAdded { target, peer });
    }
    let link = world.connect_as(commune, district, Some(7));
    world.settle();
    let again_s = None;
    let target = OTHER;
    world.tell(commune, Event::DialFailed { target, again_s });
    let targets = world.nodes[commune].hub.status().targets;
    assert!(
        targets
            .iter()
            .all(|one| one.state == TargetState::Linked(link))
    );
    assert_eq!(wake(&world, commune), None);
}

#[test]
fn a_target_that_is_removed_is_left() {
    let (mut world, commune, district) = pair();
    world.tell(commune, ADDED);
    let link = world.connect_as(commune, district, Some(7));
    world.settle();
    world.tell(commune, Event::TargetRemoved { target: TARGET });
    assert_eq!(world.nodes[commune].closed, [(link, CloseCode::Going)]);
    assert_eq!(wake(&world, commune), None);
}

#[test]
fn a_node_does_not_talk_to_itself() {
    let (mut world, commune, _) = pair();
    world.tell(commune, ADDED);
    let link = world.connect_as(commune, commune, Some(7));
    assert_eq!(world.nodes[commune].closed, [(link, CloseCode::Myself)]);
    assert!(
        wake(&world, commune).is_some(),
        "an address may lead elsewhere tomorrow"
    );
}

#[test]
fn a_full_disk_closes_and_loses_nothing() {
    let (mut world, commune, district) = pair();
    world.tell(commune, ADDED);
    world.connect_as(commune, district, Some(7));
    world.settle();
    world.nodes[district].is_full = true;
    world.change(commune, "report", "10101", "second");
    world.settle();
    assert_eq!(
        world.nodes[district].closed.last().unwrap().1,
        CloseCode::StoreFailed
    );
    assert!(world.up().is_empty());
    assert_eq!(world.peer(commune, district).owed, 1);
    world.nodes[district].is_full = false;
    world.connect_as(commune, district, Some(7));
    world.settle();
    assert_eq!(world.bodies(district), ["first", "second"]);
    assert_eq!(world.peer(commune, district).owed, 0);
}

#[test]
fn another_network_dials_at_once_what_has_been_put_off() {
    let (mut world, commune, _) = pair();
    world.tell(commune, ADDED);
    for _ in 0..8 {
        world.tell(
            commune,
            Event::DialFailed {
                target: TARGET,
                again_s: None,
            },
        );
        world.now = wake(&world, commune).unwrap();
        world.tell(commune, Event::Woken);
    }
    world.tell(commune, Event::NetworkChanged);
    assert_eq!(world.nodes[commune].dials.len(), 9, "one is under way");
    world.tell(
        commune,
        Event::DialFailed {
            target: TARGET,
            again_s: None,
        },
    );
    world.tell(commune, Event::NetworkChanged);
    assert_eq!(world.nodes[commune].dials.len(), 10);
    world.tell(
        commune,
        Event::DialFailed {
            target: TARGET,
            again_s: None,
        },
    );
    let wait = wake(&world, commune).unwrap().ms_since(world.now);
    assert!(wait <= 1_000, "{wait}");
}

#[test]
fn a_person_who_wants_a_call_gets_it_on_a_new_link_and_nothing_is_lost() {
    let (mut world, commune, district) = pair();
    world.tell(commune, ADDED);
    let first = world.connect_as(commune, district, Some(TARGET.0));
    world.settle();
    world.change(commune, "report", "10101", "second");
    world.tell(commune, Event::CallWanted);
    assert_eq!(world.nodes[commune].closed, [(first, CloseCode::Going)]);
    assert_eq!(world.nodes[commune].dials, [TARGET, TARGET]);
    world.connect_as(commune, district, Some(TARGET.0));
    world.settle();
    assert_eq!(world.bodies(district), ["first", "second"]);
    // A call that waits after failures goes out at once, one under way is left alone.
    world.tell(commune, Event::CallWanted);
    world.tell(commune, Event::CallWanted);
    assert_eq!(world.nodes[commune].dials.len(), 3);
}

const PROVINCE: TargetId = TargetId(8);

/// A commune under a district and a province, which stands by.
fn three() -> (World, usize, usize, usize) {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    let province = world.node("01", None);
    world.change(commune, "report", "10101", "first");
    world.tell(commune, ADDED);
    world.tell(commune, Event::StandbyAdded { target: PROVINCE });
    (world, commune, district, province)
}

/// The dials of the district fail until the province is dialled; gives how many did.
fn fail_until_standby(world: &mut World, commune: usize) -> usize {
    for failed in 1..10 {
        world.tell(
            commune,
            Event::DialFailed {
                target: TARGET,
                again_s: None,
            },
        );
        if world.nodes[commune].dials.last() == Some(&PROVINCE) {
            return failed;
        }
        world.now = wake(world, commune).unwrap();
        world.tell(commune, Event::Woken);
    }
    panic!("the province is never dialled");
}

#[test]
fn who_stands_by_is_dialled_only_while_nobody_else_answers() {
    let (mut world, commune, district, province) = three();
    assert_eq!(world.nodes[commune].dials, [TARGET]);
    let failed = fail_until_standby(&mut world, commune);
    assert_eq!(failed, usize::try_from(STANDBY_AFTER_FAILURES).unwrap());
    let detour = world.connect_as(commune, province, Some(PROVINCE.0));
    world.settle();
    assert_eq!(world.bodies(province), ["first"]);
    // The superior is tried all the time, and once it has answered the other is left.
    world.now = wake(&world, commune).unwrap();
    world.tell(commune, Event::Woken);
    let link = world.connect_as(commune, district, Some(TARGET.0));
    world.settle();
    assert_eq!(world.nodes[commune].closed, [(detour, CloseCode::Going)]);
    assert_eq!(world.up(), [link]);
    assert_eq!(wake(&world, commune), None);
    world.change(commune, "report", "10101", "second");
    world.settle();
    assert_eq!(world.bodies(district), ["first", "second"]);
    assert_eq!(world.bodies(province), ["first"], "nothing goes twice");
}

#[test]
fn a_detour_that_fails_is_tried_again_and_left_alone_when_it_is_not_needed() {
    let (mut world, commune, district, _) = three();
    fail_until_standby(&mut world, commune);
    world.tell(
        commune,
        Event::DialFailed {
            target: PROVINCE,
            again_s: None,
        },
    );
    let link = world.connect_as(commune, district, Some(TARGET.0));
    world.settle();
    let status = world.nodes[commune].hub.status();
    let states: Vec<_> = status.targets.iter().map(|target| target.state).collect();
    assert_eq!(states, [TargetState::Linked(link), TargetState::Resting]);
    assert_eq!(wake(&world, commune), None);
}

#[test]
fn a_link_that_serves_a_superior_as_well_is_kept() {
    let (mut world, commune, district, _) = three();
    fail_until_standby(&mut world, commune);
    // Both addresses lead to the same node.
    let link = world.connect_as(commune, district, Some(PROVINCE.0));
    world.settle();
    world.now = wake(&world, commune).unwrap();
    world.tell(commune, Event::Woken);
    let other = world.connect_as(commune, district, Some(TARGET.0));
    world.settle();
    assert_eq!(world.up().len(), 1, "{link:?} {other:?}");
    assert_eq!(wake(&world, commune), None);
}
