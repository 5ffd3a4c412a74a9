//! What a journal cannot tell: stores that were restored, rolled back or never met.

use hopluu_model::{EntryKind, Epoch};

use crate::testing::{World, tree};
use crate::{Event, RefusalCode, Trouble, WalkState};

/// A commune and its district with this many documents in common.
fn met(documents: usize) -> (World, usize, usize) {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    for number in 0..documents {
        world.change(
            commune,
            &format!("doc {number}"),
            "10101",
            &format!("body {number}"),
        );
    }
    let link = world.connect(commune, district);
    world.settle();
    world.cut(link);
    (world, commune, district)
}

fn assert_healed(world: &World, one: usize, other: usize) {
    assert_eq!(world.bodies(one), world.bodies(other));
    let place = |at: usize| &world.nodes[at].place;
    assert!(world.nodes[one].owes_nothing(place(other)));
    assert!(world.nodes[other].owes_nothing(place(one)));
    for (at, of) in [(one, other), (other, one)] {
        let status = world.peer(at, of);
        assert_eq!((status.trouble, status.owed), (None, 0));
        assert_eq!(status.link.unwrap().walk, WalkState::Settled);
    }
}

#[test]
fn a_restored_node_gets_its_own_reports_back() {
    let (mut world, commune, district) = met(5);
    let backup = world.nodes[commune].store.clone();
    world.change(commune, "doc 1", "10101", "after the backup");
    world.change(commune, "new", "10101", "new after the backup");
    let link = world.connect(commune, district);
    world.settle();
    world.cut(link);
    // The disk dies; the backup comes back as a new life, and has written before it is linked.
    world.nodes[commune].store = backup;
    world.nodes[commune].epoch = Epoch([99; 16]);
    world.restart(commune);
    world.change(commune, "doc 1", "10101", "after the restore");
    world.change(district, "doc 2", "10101", "by the district meanwhile");
    world.connect(commune, district);
    world.flight();
    world.flight();
    assert_eq!(
        world.peer(district, commune).trouble,
        Some(Trouble::PeerRestored)
    );
    world.settle();
    assert_healed(&world, commune, district);
    assert_eq!(world.bodies(commune).len(), 9);
}

#[test]
fn a_store_rolled_back_in_the_same_life_is_noticed_by_both() {
    let (mut world, commune, district) = met(5);
    let backup = world.nodes[commune].store.clone();
    world.change(commune, "doc 1", "10101", "lost");
    world.change(district, "doc 2", "10101", "from above, lost too");
    let link = world.connect(commune, district);
    world.settle();
    world.cut(link);
    world.nodes[commune].store = backup;
    world.restart(commune);
    world.connect(commune, district);
    world.flight();
    assert_eq!(
        world.peer(district, commune).trouble,
        Some(Trouble::PeerRolledBack)
    );
    assert_eq!(
        world.peer(commune, district).trouble,
        Some(Trouble::WeRolledBack)
    );
    world.settle();
    assert_healed(&world, commune, district);
    assert_eq!(world.bodies(commune).len(), 7);
}

#[test]
fn healing_that_is_cut_anywhere_is_taken_up_again() {
    let heal = |cut: Option<(usize, usize)>| {
        let (mut world, commune, district) = met(3);
        let backup = world.nodes[commune].store.clone();
        for number in 0..4 {
            world.change(
                commune,
                &format!("doc {number}"),
                "10101",
                &format!("lost {number}"),
            );
        }
        let link = world.connect(commune, district);
        world.settle();
        world.cut(link);
        world.nodes[commune].store = backup;
        world.nodes[commune].epoch = Epoch([99; 16]);
        world.restart(commune);
        world.change(commune, "doc 2", "10101", "after the restore");
        let link = world.connect(commune, district);
        if let Some((end, bytes)) = cut {
            world.cut_after(link, end, bytes);
        }
        let before = world.carried;
        world.settle();
        let carried = world.carried - before;
        if !world.is_up(link) {
            world.restart(district);
            world.connect(commune, district);
            world.settle();
        }
        assert_healed(&world, commune, district);
        assert_eq!(world.bodies(commune).len(), 8, "{cut:?}");
        carried
    };
    let whole = heal(None);
    for bytes in 0..whole {
        heal(Some((0, bytes)));
        heal(Some((1, bytes)));
    }
}

#[test]
fn handful_among_3321_documents_settles_in_three_round_trips() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    for number in 0..3_321 {
        let (name, body) = (format!("doc {number}"), format!("body {number}"));
        world.nodes[commune]
            .store
            .put(EntryKind::Change, &name, "10101", body.as_bytes());
        world.nodes[district]
            .store
            .put(EntryKind::Change, &name, "10101", body.as_bytes());
    }
    for number in [5, 1_000, 2_000, 3_000] {
        let name = format!("doc {number}");
        for (at, body) in [(commune, "below"), (district, "above")] {
            let body = format!("{body} {number}");
            world.nodes[at]
                .store
                .put(EntryKind::Change, &name, "10101", body.as_bytes());
        }
    }
    world.nodes[commune]
        .store
        .put(EntryKind::Change, "only here", "10101", b"only here");
    world.nodes[district]
        .store
        .put(EntryKind::Change, "only there", "10101", b"only there");
    world.restart(commune);
    world.restart(district);
    world.connect(commune, district);
    world.flight();
    let (flights, carried) = (world.flights, world.carried);
    while world.bodies(commune) != world.bodies(district) {
        assert!(world.flight());
    }
    assert!(
        world.flights - flights <= 6,
        "{} flights",
        world.flights - flights
    );
    let bytes = world.carried - carried;
    assert!(bytes < 12_000, "{bytes} bytes for ten differences");
    assert_eq!(
        world.asked(commune, "read hashes") + world.asked(district, "read hashes"),
        1
    );
    world.settle();
    assert_healed(&world, commune, district);
}

#[test]
fn an_empty_side_is_filled_in_three_round_trips_of_asking() {
    for turned in [false, true] {
        let mut world = World::new();
        let (one, other) = (world.node("10101", None), world.node("101", None));
        let (full, empty) = if turned { (other, one) } else { (one, other) };
        for number in 0..3_321 {
            let (name, body) = (format!("doc {number}"), format!("body {number}"));
            world.nodes[full]
                .store
                .put(EntryKind::Change, &name, "10101", body.as_bytes());
        }
        world.nodes[empty]
            .store
            .put(EntryKind::Record, "certificate", "10101", b"certificate");
        world.restart(full);
        world.restart(empty);
        let link = world.connect(one, other);
        world.flight();
        // After three round trips everything is on its way as fast as acknowledgements allow.
        for _ in 0..6 {
            world.flight();
        }
        assert!(world.nodes[empty].store.journal.len() > 100);
        world.settle();
        assert_healed(&world, one, other);
        assert_eq!(world.bodies(empty).len(), 3_322);
        let questions = world.asked(one, "read items") + world.asked(other, "read items");
        assert!(questions <= 4, "{questions} readings of the list");
        assert!(world.is_up(link));
    }
}

#[test]
fn a_new_node_with_nothing_simply_gets_the_journal() {
    let (world, commune, district) = met(50);
    assert_eq!(
        world.asked(commune, "read items") + world.asked(district, "read items"),
        0
    );
    assert_eq!(world.bodies(district).len(), 50);
}

#[test]
fn edits_go_on_while_stores_are_compared() {
    let (mut world, commune, district) = met(200);
    world.nodes[district].epoch = Epoch([77; 16]);
    world.restart(district);
    world.connect(commune, district);
    for number in 0..30 {
        world.flight();
        world.change(commune, "doc 7", "10101", &format!("meanwhile {number}"));
        world.change(
            district,
            "doc 7",
            "10101",
            &format!("above meanwhile {number}"),
        );
    }
    world.settle();
    assert_healed(&world, commune, district);
    assert_eq!(world.bodies(commune).len(), 260);
}

#[test]
fn records_arrive_before_the_documents_that_need_them() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    for number in 0..300 {
        let name = format!("{number}");
        world.nodes[commune]
            .store
            .put(EntryKind::Change, &name, "10101", name.as_bytes());
    }
    for number in 0..200 {
        let name = format!("record {number}");
        world.nodes[commune]
            .store
            .put(EntryKind::Record, &name, "10101", name.as_bytes());
    }
    for number in 0..190 {
        let name = format!("record {number}");
        world.nodes[district]
            .store
            .put(EntryKind::Record, &name, "10101", name.as_bytes());
    }
    world.restart(commune);
    world.restart(district);
    world.connect(commune, district);
    world.settle();
    assert_healed(&world, commune, district);
    let kinds = world.nodes[district]
        .store
        .journal
        .iter()
        .skip(190)
        .map(|entry| entry.kind);
    assert!(kinds.is_sorted_by_key(|kind| kind != EntryKind::Record));
}

#[test]
fn a_scope_that_grows_brings_what_was_there_before() {
    let mut world = World::new();
    let first = world.node("101", None);
    let province = world.node("01", None);
    let second = world.node("102", None);
    world.change(first, "report", "10101", "of the commune that will move");
    world.change(first, "other", "10102", "of one that stays");
    world.connect(first, province);
    world.connect(second, province);
    world.settle();
    assert!(world.bodies(second).is_empty());
    for at in [province, second, first] {
        world.grow_tree(at, tree(Some("10101")));
    }
    world.settle();
    assert_eq!(world.bodies(second), ["of the commune that will move"]);
    for below in [first, second] {
        let (above, here) = (&world.nodes[province], &world.nodes[below]);
        assert!(above.owes_nothing(&here.place) && here.owes_nothing(&above.place));
    }
    // The same tree again asks nothing.
    let questions = world.asked(province, "read items");
    world.grow_tree(province, tree(Some("10101")));
    world.settle();
    assert_eq!(world.asked(province, "read items"), questions);
}

#[test]
fn a_scope_that_grew_while_apart_is_caught_up_with() {
    let (mut world, commune, district) = met(3);
    world.grow_tree(district, tree(Some("10101")));
    world.restart(district);
    world.connect(commune, district);
    world.flight();
    world.flight();
    assert_eq!(
        world.peer(district, commune).link.unwrap().walk,
        WalkState::Leading
    );
    world.settle();
    assert_healed(&world, commune, district);
}

#[test]
fn healing_counts_only_when_both_sides_are_durable() {
    for slow in 0..2 {
        let mut world = World::new();
        let commune = world.node("10101", None);
        let district = world.node("101", None);
        world.change(commune, "doc", "10101", "below");
        world.change(district, "doc", "10101", "above");
        world.restart(commune);
        world.restart(district);
        world.nodes[slow].is_slow = true;
        world.connect(commune, district);
        world.settle();
        // All has been said, and what came has not been written: neither side may trust its journal.
        for at in 0..2 {
            let other = world.nodes[1 - at].place.clone();
            assert!(!world.nodes[at].owes_nothing(&other), "{slow} {at}");
        }
        world.restart(slow);
        world.nodes[slow].is_slow = false;
        world.connect(commune, district);
        world.settle();
        assert_healed(&world, commune, district);
        assert_eq!(world.bodies(commune).len(), 2);
    }
}

#[test]
fn what_a_slow_disk_has_not_written_yet_is_not_forgotten() {
    let (mut world, commune, district) = met(3);
    world.change(district, "doc 2", "10101", "not lost either");
    let link = world.connect(commune, district);
    world.settle();
    world.cut(link);
    let backup = world.nodes[commune].store.clone();
    world.change(district, "doc 2", "10101", "lost below");
    let link = world.connect(commune, district);
    world.settle();
    world.cut(link);
    world.nodes[commune].store = backup;
    world.restart(commune);
    world.change(commune, "doc 0", "10101", "after the loss");
    // The district pushes at once, finds the loss by what it hears, and cannot write it down.
    world.change(district, "doc 1", "10101", "not lost");
    world.nodes[district].is_slow = true;
    let link = world.connect(commune, district);
    world.flight();
    assert_eq!(
        world.peer(district, commune).trouble,
        Some(Trouble::PeerRolledBack)
    );
    world.flight();
    world.cut(link);
    world.connect(commune, district);
    world.unstick(district);
    world.settle();
    assert_healed(&world, commune, district);
    assert!(world.bodies(commune).contains(&"lost below".to_owned()));
}

#[test]
fn who_has_entries_of_a_peer_notices_when_it_has_lost_them() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    world.change(commune, "doc", "10101", "below");
    world.connect(district, commune);
    // Its hello still says that it has nothing, so nothing it sends moves a position at once.
    world.change(district, "doc", "10101", "above");
    for _ in 0..4 {
        world.flight();
    }
    assert_eq!(world.bodies(commune).len(), 2);
    world.nodes[district].store = crate::testing::Store::default();
    world.nodes[district].epoch = Epoch([99; 16]);
    world.restart(district);
    world.connect(district, commune);
    world.settle();
    assert_healed(&world, commune, district);
    assert_eq!(world.bodies(district).len(), 2);
}

#[test]
fn a_life_of_which_nothing_was_received_is_known_to_have_ended() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let office = world.node("10101", Some("health"));
    // Not for the office under the tree of today, so its position passes over it.
    world.write(
        commune,
        EntryKind::Record,
        "record",
        "102",
        b"of the district to come",
    );
    let link = world.connect(commune, office);
    world.settle();
    let backup = world.nodes[office].store.clone();
    world.grow_tree(commune, tree(Some("10101")));
    world.settle();
    assert_eq!(world.bodies(office), ["of the district to come"]);
    world.cut(link);
    world.nodes[office].store = backup;
    world.nodes[office].epoch = Epoch([99; 16]);
    world.restart(office);
    world.connect(commune, office);
    world.settle();
    assert_healed(&world, commune, office);
}

#[test]
fn what_was_turned_away_comes_again_when_there_is_room() {
    let crowded = || {
        let mut world = World::new();
        let commune = world.node("10101", None);
        let district = world.node("101", None);
        world.change(commune, "before", "10101", "before");
        let link = world.connect(commune, district);
        world.settle();
        world.nodes[district].refuses = Some(RefusalCode::CROWDED);
        for number in 0..40 {
            world.change(commune, "early", "10101", &format!("early {number}"));
        }
        world.settle();
        world.nodes[district].refuses = None;
        assert_eq!(world.bodies(district), ["before"]);
        let turned_away = world.peer(commune, district).refused_there[&RefusalCode::CROWDED];
        assert_eq!(turned_away, 40);
        (world, commune, district, link)
    };
    let has_all = |world: &World, commune: usize, district: usize| {
        assert_eq!(world.bodies(district).len(), 41);
        assert!(world.nodes[district].owes_nothing(&world.nodes[commune].place));
        assert_eq!(world.peer(district, commune).trouble, None);
    };
    // While the link stands.
    let (mut world, commune, district, _) = crowded();
    let peer = world.nodes[commune].place.node;
    world.tell(district, Event::RoomMade { peer });
    world.settle();
    has_all(&world, commune, district);
    // The link goes before the comparison is over.
    let (mut world, commune, district, link) = crowded();
    world.tell(district, Event::RoomMade { peer });
    world.cut(link);
    world.restart(district);
    world.connect(commune, district);
    world.settle();
    has_all(&world, commune, district);
    // There was no link, and its next one was on its way when the word came.
    let (mut world, commune, district, link) = crowded();
    world.cut(link);
    world.tell(district, Event::RoomMade { peer });
    world.connect(commune, district);
    world.settle();
    has_all(&world, commune, district);
    let (mut world, commune, district, link) = crowded();
    world.cut(link);
    world.connect(commune, district);
    world.tell(district, Event::RoomMade { peer });
    world.settle();
    has_all(&world, commune, district);
}
