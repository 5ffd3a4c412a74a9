//! What goes first, and that it costs nothing twice.

use hopluu_model::{EntryKind, Seq};

use crate::limits::UNSAVED_BYTES_MAX;
use crate::testing::World;
use crate::{Ahead, Class, Event, JournalBatch, LinkId, Ticket};

/// A slow mobile link, in bytes a second, and half of its round trip.
const RATE: usize = 1_200;
const DELAY_MS: u64 = 600;

fn body(says: &str, number: u32, bytes: usize) -> Vec<u8> {
    let mut body = format!("{says} {number} ").into_bytes();
    let blocks = (0..).flat_map(|block: u32| {
        let seed = [number.to_le_bytes(), block.to_le_bytes()].concat();
        *blake3::hash(&seed).as_bytes()
    });
    body.extend(blocks.take(bytes));
    body
}

/// A commune and its district that have met.
fn pair() -> World {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    world.change(commune, "first", "10101", "first");
    world.change(district, "own", "101", "district's own");
    let link = world.connect(commune, district);
    world.settle();
    world.cut(link);
    world
}

/// 300 KB of texts of many documents.
fn write_texts(world: &mut World) {
    for number in 0..300 {
        let name = format!("doc {}", number / 3);
        let body = body("text", number, 1_000);
        world.nodes[0]
            .store
            .put(EntryKind::Change, &name, "10101", &body);
    }
}

fn put(world: &mut World, name: &str, body: &[u8]) {
    world.nodes[0]
        .store
        .put(EntryKind::Change, name, "10101", body);
}

fn connect(world: &mut World) -> LinkId {
    let last = world.nodes[0].store.last();
    world.tell(0, Event::Appended { last, news: None });
    let link = world.connect(0, 1);
    for at in [0, 1] {
        let rate = Some(u64::try_from(RATE).unwrap());
        let round_trip_ms = 2 * DELAY_MS;
        world.tell(
            at,
            Event::Measured {
                link,
                rate,
                round_trip_ms,
            },
        );
    }
    link
}

/// Seconds until the district has something that begins so.
fn seconds_until(world: &mut World, says: &str) -> u64 {
    let begun = world.now;
    while !world.bodies(1).iter().any(|body| body.starts_with(says)) {
        assert!(world.crawl(RATE, DELAY_MS), "{says} never came");
    }
    world.now.ms_since(begun) / 1_000
}

#[test]
fn in_a_window_of_three_minutes_the_urgent_goes_before_300_kb_of_texts() {
    let mut world = pair();
    write_texts(&mut world);
    for number in 0..40 {
        let name = format!("later {number}");
        put(&mut world, &name, &body("due 30", number, 500));
    }
    for number in 0..40 {
        let name = format!("soon {number}");
        put(&mut world, &name, &body("due 1", number, 500));
    }
    put(&mut world, "paper", &body("text", 900, 200));
    put(&mut world, "paper", &body("submit", 901, 200));
    let link = connect(&mut world);
    // Half a round trip and two pieces of the stream.
    let waited = seconds_until(&mut world, "submit");
    assert!(waited <= 8, "{waited} s");
    // What it builds upon came before it.
    assert!(
        world
            .bodies(1)
            .iter()
            .any(|body| body.starts_with("text 900"))
    );
    assert!(seconds_until(&mut world, "due 1 ") <= 3);
    while world
        .bodies(1)
        .iter()
        .filter(|body| body.starts_with("due 1 "))
        .count()
        < 40
    {
        assert!(world.crawl(RATE, DELAY_MS));
    }
    let later = |world: &World| {
        let bodies = world.bodies(1);
        bodies
            .iter()
            .filter(|body| body.starts_with("due 30 "))
            .count()
    };
    assert!(later(&world) <= 8, "{} share a push", later(&world));
    // Something new while texts travel.
    while later(&world) < 40 {
        assert!(world.crawl(RATE, DELAY_MS));
    }
    for _ in 0..3_000 {
        world.crawl(RATE, DELAY_MS);
    }
    world.write(
        0,
        EntryKind::Change,
        "other",
        "10101",
        &body("submit now", 902, 200),
    );
    let waited = seconds_until(&mut world, "submit now");
    assert!(waited <= 20, "{waited} s behind what was under way");
    world.cut(link);
    // The next window goes on where this one ended, and everything comes.
    connect(&mut world);
    while world.crawl(1_000_000, 1) {}
    assert_eq!(world.nodes[1].store.journal.len(), 2 + 300 + 80 + 3);
    let district = world.nodes[1].place.clone();
    assert!(world.nodes[0].owes_nothing(&district));
}

#[test]
fn what_overtook_goes_once_over_cuts_and_at_most_a_little_of_it_again_after_a_crash() {
    for crashes in [false, true] {
        let mut world = pair();
        write_texts(&mut world);
        for number in 0..300 {
            let name = format!("soon {number}");
            put(&mut world, &name, &body("due 1", 1_000 + number, 1_000));
        }
        let before = world.carried;
        let mut windows = 0;
        while world.nodes[1].store.journal.len() < 602 {
            windows += 1;
            assert!(windows < 10, "what comes goes on from window to window");
            let link = connect(&mut world);
            for _ in 0..18_000 {
                world.crawl(RATE, DELAY_MS);
            }
            if crashes {
                world.restart(0);
            } else {
                world.cut(link);
            }
        }
        let again = (world.carried - before).saturating_sub(600 * 1_060);
        let each = if crashes {
            UNSAVED_BYTES_MAX + 20_000
        } else {
            20_000
        };
        assert!(again <= windows * each, "{again} in {windows} windows");
    }
}

#[test]
fn a_restored_peer_is_not_believed_to_have_what_overtook() {
    let mut world = pair();
    let backup = world.nodes[1].store.clone();
    write_texts(&mut world);
    put(&mut world, "paper", &body("submit", 901, 200));
    let link = connect(&mut world);
    seconds_until(&mut world, "submit");
    for _ in 0..500 {
        world.crawl(RATE, DELAY_MS);
    }
    world.cut(link);
    world.nodes[1].store = backup;
    world.nodes[1].epoch = hopluu_model::Epoch([9; 16]);
    world.restart(1);
    connect(&mut world);
    while world.crawl(1_000_000, 1) {}
    assert!(
        world
            .bodies(1)
            .iter()
            .any(|body| body.starts_with("submit"))
    );
    assert_eq!(world.nodes[1].store.journal.len(), 2 + 301);
}

#[test]
fn an_answer_that_cannot_be_is_our_own_mistake() {
    // The journal ends at 5, and has been read through 4.
    for (through, ahead) in [
        (3, vec![]),
        (4, vec![4]),
        (4, vec![9]),
        (5, vec![5]),
        (9, vec![]),
    ] {
        let mut world = pair();
        for number in 0..3 {
            world.change(0, "doc", "10101", &format!("edit {number}"));
        }
        let link = world.connect(0, 1);
        world.settle();
        world.nodes[0].is_stuck = true;
        world.change(0, "doc", "10101", "one more");
        let batch = JournalBatch {
            entries: Vec::new(),
            through: Seq(through),
            ahead: ahead.into_iter().map(Seq).collect(),
        };
        // One of these answers the reading that is under way.
        for ticket in 0..100 {
            let batch = batch.clone();
            let ticket = Ticket(ticket);
            world.tell(
                0,
                Event::JournalRead {
                    link,
                    ticket,
                    batch,
                },
            );
        }
        assert_eq!(world.nodes[0].closed, [(link, crate::CloseCode::Bug)]);
    }
}

#[test]
fn a_limited_link_carries_what_is_urgent_and_the_rest_when_it_may() {
    let mut world = pair();
    world.connect(0, 1);
    world.settle();
    let peer = world.nodes[1].place.node;
    let least = Class::Urgent;
    world.tell(0, Event::Limited { peer, least });
    for says in ["text", "due 1", "submit"] {
        world.write(0, EntryKind::Change, says, "10101", &body(says, 1, 100));
    }
    world.settle();
    let has = |world: &World, says: &str| world.bodies(1).iter().any(|body| body.starts_with(says));
    assert!(has(&world, "submit") && !has(&world, "text") && !has(&world, "due"));
    assert_eq!(world.peer(0, 1).owed, 3, "what waits is owed");
    let least = Class::Attachments;
    world.tell(0, Event::Limited { peer, least });
    world.settle();
    assert!(has(&world, "text") && has(&world, "due"));
    assert_eq!(world.peer(0, 1).owed, 0);
}

#[test]
fn classes_have_the_numbers_of_the_database() {
    for (class, number) in Class::ALL.into_iter().zip(1..) {
        assert_eq!(class.number(), number);
        assert_eq!(Class::from_number(number), Some(class));
    }
    assert_eq!(Class::from_number(0), None);
    assert!(Ahead::default().is_empty());
}
