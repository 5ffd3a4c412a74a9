//! What a journal brings: at once, once, to whom it concerns.

use hopluu_model::EntryKind;

use crate::testing::World;
use crate::{RefusalCode, WalkState};

/// Commune 10101 with a link up to its district; both have something, and have met.
fn pair() -> (World, usize, usize) {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    world.change(commune, "report", "10101", "first");
    world.change(district, "own", "101", "district's own");
    let link = world.connect(commune, district);
    world.settle();
    world.cut(link);
    (world, commune, district)
}

#[test]
fn two_strangers_settle_and_remember() {
    let (world, commune, district) = pair();
    assert_eq!(world.bodies(district), ["district's own", "first"]);
    assert_eq!(world.bodies(commune), ["first"]);
    let (here, there) = (&world.nodes[commune], &world.nodes[district]);
    assert!(here.owes_nothing(&there.place));
    assert!(there.owes_nothing(&here.place));
}

#[test]
fn an_edit_travels_in_the_first_flight() {
    let (mut world, commune, district) = pair();
    world.change(commune, "report", "10101", "second");
    world.connect(commune, district);
    world.flight();
    assert!(world.bodies(district).contains(&"second".to_owned()));
    world.settle();
    // And one more while the link stands, without any question.
    world.change(commune, "report", "10101", "third");
    world.flight();
    assert!(world.bodies(district).contains(&"third".to_owned()));
    world.settle();
    let status = world.peer(commune, district);
    assert_eq!(
        (status.owed, status.acked),
        (0, world.nodes[commune].store.last())
    );
    assert_eq!(status.link.unwrap().walk, WalkState::Settled);
    assert!(world.nodes[commune].owes_nothing(&world.nodes[district].place));
}

#[test]
fn a_reconnect_with_nothing_new_costs_the_same_whatever_exists() {
    let cost = |documents: usize| {
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
            world.change(
                district,
                &format!("own {number}"),
                "101",
                &format!("own {number}"),
            );
        }
        for _ in 0..2 {
            let link = world.connect(commune, district);
            world.settle();
            world.cut(link);
        }
        let asked = |world: &World| (world.nodes[0].asked.clone(), world.nodes[1].asked.clone());
        let (before, asked_before) = (world.carried, asked(&world));
        world.connect(commune, district);
        world.settle();
        for (mut old, new) in [
            (asked_before.0, asked(&world).0),
            (asked_before.1, asked(&world).1),
        ] {
            *old.get_mut("send").unwrap() += 1;
            *old.get_mut("load checkpoint").unwrap() += 1;
            *old.get_mut("await").unwrap() += 1;
            // Whether a file is wanted, which no byte tells.
            *old.get_mut("read wants").unwrap() += 1;
            assert_eq!(old, new, "only a hello was sent");
        }
        world.carried - before
    };
    // Two hellos of 66 bytes each, however long the journals are.
    assert_eq!(cost(10), 132);
    assert_eq!(cost(100), 132);
    assert_eq!(cost(1_000), 132);
}

#[test]
fn nothing_goes_back_where_it_came_from() {
    let (mut world, commune, district) = pair();
    world.connect(commune, district);
    world.settle();
    let sent = world.asked(district, "send");
    world.change(commune, "report", "10101", "second");
    world.settle();
    // One acknowledgement, and no push.
    assert_eq!(world.asked(district, "send"), sent + 1);
    assert_eq!(world.nodes[commune].store.journal.len(), 2);
}

#[test]
fn reports_rise_the_whole_line_and_receipts_come_down_it() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let neighbour = world.node("10102", None);
    let district = world.node("101", None);
    let province = world.node("01", None);
    world.connect(commune, district);
    world.connect(neighbour, district);
    world.connect(district, province);
    world.settle();
    world.change(commune, "report", "10101", "of 10101");
    world.change(neighbour, "other", "10102", "of 10102");
    world.settle();
    assert_eq!(world.bodies(province), ["of 10101", "of 10102"]);
    world.write(
        province,
        EntryKind::Receipt,
        "receipt",
        "10101",
        b"at the province",
    );
    world.settle();
    assert_eq!(world.bodies(commune), ["at the province", "of 10101"]);
    assert_eq!(
        world.bodies(district),
        ["at the province", "of 10101", "of 10102"]
    );
    assert_eq!(world.bodies(neighbour), ["of 10102"]);
}

/// At the deadline hour hundreds of communes come back, and each hears of none of the others.
#[test]
fn nothing_is_read_for_whom_the_news_do_not_concern() {
    let mut world = World::new();
    let district = world.node("101", None);
    let communes = ["10101", "10102", "10103"].map(|code| world.node(code, None));
    for commune in communes {
        world.connect(commune, district);
        world.settle();
    }
    let before = world.asked(district, "read journal");
    world.change(communes[0], "a", "10101", "edit");
    world.settle();
    assert_eq!(world.bodies(district), ["edit"]);
    // Only the link that brought it looks on.
    assert_eq!(world.asked(district, "read journal"), before + 1);
    world.write(district, EntryKind::Record, "b", "10102", b"for one");
    world.settle();
    assert_eq!(world.bodies(communes[1]), ["for one"]);
    assert_eq!(world.asked(district, "read journal"), before + 2);
    // Nobody has been left behind by it, nor counts as owed what is for others.
    let peers = world.nodes[district].hub.status().peers;
    assert!(peers.iter().all(|peer| peer.owed == 0), "{peers:?}");
    world.write(district, EntryKind::Record, "c", "101", b"for all");
    world.settle();
    for commune in communes {
        assert!(world.bodies(commune).contains(&"for all".to_owned()));
    }
    assert_eq!(world.asked(district, "read journal"), before + 5);
}

/// What is for others is not owed, also to who has left since, and a link that comes back is told no more than it must.
#[test]
fn who_has_left_is_not_owed_what_was_for_others() {
    let mut world = World::new();
    let district = world.node("101", None);
    let communes = ["10101", "10102"].map(|code| world.node(code, None));
    let links = communes.map(|commune| world.connect(commune, district));
    world.settle();
    world.change(communes[0], "a", "10101", "edit");
    world.settle();
    world.cut(links[1]);
    let owed = |world: &World, commune: usize| {
        let peers = world.nodes[district].hub.status().peers;
        let node = world.nodes[commune].place.node;
        let peer = peers.iter().find(|peer| peer.peer.node == node);
        peer.unwrap().owed
    };
    assert_eq!(owed(&world, communes[1]), 0);
    world.write(district, EntryKind::Record, "b", "10102", b"for one");
    assert_eq!(owed(&world, communes[1]), 1);
    world.connect(communes[1], district);
    world.settle();
    assert_eq!(world.bodies(communes[1]), ["for one"]);
    assert_eq!(owed(&world, communes[1]), 0);
}

#[test]
fn nobody_hears_of_a_neighbour() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    let other = world.node("102", None);
    for (name, of) in [
        ("a", "10101"),
        ("b", "10102"),
        ("c", "101"),
        ("d", "10201"),
        ("e", "01"),
    ] {
        world.change(district, name, of, &format!("change of {of}"));
        world.write(
            district,
            EntryKind::Record,
            name,
            of,
            format!("record of {of}").as_bytes(),
        );
    }
    world.connect(commune, district);
    world.connect(other, district);
    world.settle();
    let mine = [
        "change of 10101",
        "record of 01",
        "record of 101",
        "record of 10101",
    ];
    assert_eq!(world.bodies(commune), mine);
    assert_eq!(
        world.bodies(other),
        ["change of 10201", "record of 01", "record of 10201"]
    );
}

#[test]
fn offices_of_a_unit_share_its_reports_and_no_others() {
    let mut world = World::new();
    let police = world.node("101", Some("police"));
    let main = world.node("101", None);
    let health = world.node("101", Some("health"));
    world.change(main, "below", "10101", "of a commune");
    world.connect(police, main);
    world.connect(health, main);
    world.settle();
    world.change(police, "report", "101", "by police");
    world.settle();
    assert_eq!(world.bodies(health), ["by police"]);
    // Apart from the main node too, side by side on one network.
    world.change(health, "report", "101", "by health");
    world.restart(main);
    world.connect(health, police);
    world.settle();
    assert_eq!(world.bodies(police), ["by health", "by police"]);
}

#[test]
fn refused_entries_are_acknowledged_and_counted() {
    let (mut world, commune, district) = pair();
    world.nodes[district].bad = b"bad seal".to_vec();
    world.connect(commune, district);
    world.change(commune, "report", "10101", "bad seal");
    world.change(commune, "report", "10101", "good");
    world.settle();
    assert_eq!(world.bodies(district), ["district's own", "first", "good"]);
    let code = RefusalCode::SIGNATURE;
    let status = world.peer(commune, district);
    assert_eq!(
        (status.refused_there.get(&code), status.owed),
        (Some(&1), 0)
    );
    assert_eq!(
        world.peer(district, commune).refused_here.get(&code),
        Some(&1)
    );
}

#[test]
fn a_session_cut_anywhere_goes_on_where_it_stopped() {
    let script = |cut: Option<(usize, usize)>, piece: usize| {
        let (mut world, commune, district) = pair();
        world.piece = piece;
        for number in 0..3 {
            world.change(commune, "report", "10101", &format!("edit {number}"));
            world.write(district, EntryKind::Receipt, "r", "10101", &[b'r', number]);
        }
        world.write(commune, EntryKind::Record, "big", "10101", &[7; 20_000]);
        let link = world.connect(commune, district);
        if let Some((end, bytes)) = cut {
            world.cut_after(link, end, bytes);
        }
        let before = world.carried;
        world.settle();
        let carried = world.carried - before;
        if cut.is_some() {
            world.cut(link);
            world.connect(commune, district);
            world.settle();
        }
        // Whatever the cut, each side has everything once, and knows it of the other.
        assert_eq!(world.nodes[commune].store.journal.len(), 8, "{cut:?}");
        assert_eq!(world.nodes[district].store.journal.len(), 9, "{cut:?}");
        let place = |at: usize| &world.nodes[at].place;
        assert!(
            world.nodes[commune].owes_nothing(place(district)),
            "{cut:?}"
        );
        assert!(
            world.nodes[district].owes_nothing(place(commune)),
            "{cut:?}"
        );
        assert_eq!(world.peer(commune, district).trouble, None);
        carried
    };
    let whole = script(None, usize::MAX);
    assert_eq!(script(None, 1), whole, "however the link splits the bytes");
    // Every position up to the large record and the last of each direction; in between, steps.
    let near = (0..700)
        .chain((700..20_600).step_by(997))
        .chain(20_600..20_700);
    for bytes in near {
        script(Some((0, bytes)), 64);
    }
    for bytes in 0..90 {
        script(Some((1, bytes)), 3);
    }
}

#[test]
fn much_is_sent_in_bounded_flights() {
    let (mut world, commune, district) = pair();
    world.connect(commune, district);
    world.settle();
    world.nodes[district].is_stuck = true;
    for number in 0..40u8 {
        world.write(
            commune,
            EntryKind::Change,
            "report",
            "10101",
            &[number; 5_000],
        );
    }
    world.settle();
    let in_flight = world.peer(commune, district).link.unwrap().in_flight_bytes;
    assert!(
        (1..=crate::limits::IN_FLIGHT_BYTES_MAX).contains(&in_flight),
        "{in_flight}"
    );
    world.unstick(district);
    world.settle();
    assert_eq!(world.nodes[district].store.journal.len(), 42);
}

#[test]
fn an_entry_beyond_a_frame_travels_in_parts_and_one_beyond_all_bounds_stays() {
    let (mut world, commune, district) = pair();
    world.connect(commune, district);
    let big: Vec<u8> = (0..1_000_000u32)
        .map(|index| index.to_le_bytes()[1])
        .collect();
    world.write(commune, EntryKind::Record, "tree", "10101", &big);
    world.write(
        commune,
        EntryKind::Record,
        "vast",
        "10101",
        &vec![1; crate::limits::ENTRY_BYTES_MAX + 1],
    );
    world.change(commune, "report", "10101", "after it");
    world.settle();
    assert!(world.nodes[district].store.bodies().contains(&big));
    assert!(world.bodies(district).contains(&"after it".to_owned()));
    assert_eq!(world.peer(commune, district).unsendable, 1);
}
