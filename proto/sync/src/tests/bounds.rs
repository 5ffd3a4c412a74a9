//! The bounds that an honest world reaches, and that it goes on beyond them.

use hopluu_model::{EntryKind, NodeId, Place};

use crate::limits::{DIFFERING_MAX, HASHES_MAX, PEERS_KEPT_MAX, TARGETS_MAX};
use crate::testing::{World, unit};
use crate::{Event, LinkId, TargetId, WalkState};

/// Two nodes that never met, after each has got what the closure puts.
fn strangers(put: impl Fn(&mut World)) -> World {
    let mut world = World::new();
    world.node("10101", None);
    world.node("101", None);
    put(&mut world);
    for at in 0..2 {
        world.restart(at);
    }
    world.connect(0, 1);
    world.settle();
    assert_eq!(world.bodies(0), world.bodies(1));
    for (at, of) in [(0, 1), (1, 0)] {
        assert!(world.nodes[at].owes_nothing(&world.nodes[of].place));
        assert_eq!(world.peer(at, of).link.unwrap().walk, WalkState::Settled);
    }
    world
}

fn put(world: &mut World, at: usize, name: &str, body: &[u8]) {
    world.nodes[at]
        .store
        .put(EntryKind::Change, name, "10101", body);
}

#[test]
fn more_differing_documents_than_one_answer_may_list() {
    strangers(|world| {
        for number in 0..4 * DIFFERING_MAX {
            let name = format!("doc {number}");
            put(world, 0, &name, format!("below {number}").as_bytes());
            put(world, 1, &name, format!("above {number}").as_bytes());
        }
    });
}

#[test]
fn a_document_with_more_changes_than_a_list_may_name() {
    strangers(|world| {
        for number in 0..HASHES_MAX + 10 {
            put(world, 0, "doc", format!("change {number}").as_bytes());
        }
        put(world, 1, "doc", b"change 5");
        put(world, 1, "doc", b"only above");
    });
}

#[test]
fn a_document_larger_than_a_chunk_is_read_in_pieces() {
    let world = strangers(|world| {
        for number in 0..30u8 {
            put(world, 0, "doc", &[number; 3_000]);
        }
        put(world, 1, "doc", &[5; 3_000]);
    });
    assert!(world.asked(0, "read missing") >= 6);
}

#[test]
fn thousands_of_documents_that_all_differ() {
    strangers(|world| {
        for number in 0..1_500 {
            let name = format!("doc {number}");
            put(world, 0, &name, format!("below {number}").as_bytes());
            put(world, 1, &name, format!("above {number}").as_bytes());
            put(
                world,
                0,
                &format!("below {number}"),
                format!("{number} below").as_bytes(),
            );
        }
    });
}

#[test]
fn numbers_of_old_peers_make_room() {
    let mut world = World::new();
    world.node("101", None);
    for number in 0..=PEERS_KEPT_MAX as u64 {
        let mut node = [0; 32];
        node[..8].copy_from_slice(&number.to_le_bytes());
        let peer = Place {
            node: NodeId(node),
            unit: unit("10101"),
            office: None,
        };
        let link = LinkId(number);
        world.tell(
            0,
            Event::LinkOpened {
                link,
                peer,
                target: None,
            },
        );
        world.tell(0, Event::LinkClosed { link, code: None });
    }
    assert_eq!(world.nodes[0].hub.status().peers.len(), PEERS_KEPT_MAX);
}

#[test]
fn targets_have_a_bound() {
    let mut world = World::new();
    world.node("101", None);
    for number in 0..=TARGETS_MAX as u64 {
        world.tell(
            0,
            Event::TargetAdded {
                target: TargetId(number),
            },
        );
    }
    assert_eq!(world.nodes[0].hub.status().targets.len(), TARGETS_MAX);
}
