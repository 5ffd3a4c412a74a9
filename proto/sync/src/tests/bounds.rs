//! The bounds that an honest world reaches, and that it goes on beyond them.

use hopluu_model::{EntryKind, NodeId, Place};

use crate::limits::{
    DIFFERING_MAX, HASHES_MAX, PEERS_KEPT_MAX, SEND_BYTES_MAX, SEND_WAITING_BYTES_MAX, TARGETS_MAX,
};
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
fn an_entry_larger_than_a_piece_is_handed_over_piece_by_piece() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    let district = world.node("101", None);
    let link = world.connect(commune, district);
    world.settle();
    let large = vec![7; 200 << 10];
    let before = world.asked(commune, "send");
    world.nodes[commune].choked = Some(Vec::new());
    world.write(commune, EntryKind::Change, "report", "10101", &large);
    world.settle();
    assert_eq!(world.asked(commune, "send"), before + 1, "the rest waits");
    let waiting = world.peer(commune, district).link.unwrap().waiting_bytes;
    assert!(waiting + SEND_BYTES_MAX >= large.len(), "{waiting}");
    // News does not pile up behind it.
    for number in 0..100 {
        world.change(commune, "report", "10101", &format!("{number}"));
    }
    let behind = world.peer(commune, district).link.unwrap().waiting_bytes;
    assert_eq!(behind, waiting);
    for _ in 0..20 {
        world.take_pieces(commune);
        world.settle();
    }
    assert!(world.is_up(link));
    assert_eq!(world.nodes[district].store.bodies().len(), 101);
    assert!(world.nodes[commune].owes_nothing(&world.nodes[district].place));
}

#[test]
fn lists_longer_than_any_window_go_over_piece_by_piece() {
    let (docs, shared) = (40, 1_800);
    let mut world = World::new();
    world.node("10101", None);
    world.node("101", None);
    for at in 0..2 {
        for doc in 0..docs {
            let name = format!("doc {doc}");
            for number in 0..shared {
                put(&mut world, at, &name, format!("{doc} {number}").as_bytes());
            }
            put(&mut world, at, &name, format!("{doc} of {at}").as_bytes());
        }
        world.restart(at);
        world.nodes[at].choked = Some(Vec::new());
    }
    world.connect(0, 1);
    let mut most = 0;
    for _ in 0..1_000 {
        world.settle();
        for (at, of) in [(0, 1), (1, 0)] {
            most = most.max(world.peer(at, of).link.unwrap().waiting_bytes);
            world.take_pieces(at);
        }
    }
    assert!(most > docs * shared * 8 / 2, "{most}");
    assert!(most <= SEND_WAITING_BYTES_MAX);
    assert_eq!(world.bodies(0), world.bodies(1));
    for (at, of) in [(0, 1), (1, 0)] {
        assert!(world.nodes[at].owes_nothing(&world.nodes[of].place));
    }
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
        world.tell(
            0,
            Event::LinkClosed {
                link,
                code: None,
                again_s: None,
            },
        );
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
                peer: None,
            },
        );
    }
    assert_eq!(world.nodes[0].hub.status().targets.len(), TARGETS_MAX);
}
