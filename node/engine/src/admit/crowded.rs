//! A peer of whom more waits than is kept.

use hopluu_model::{ActorId, Seq};
use hopluu_store::PeerCheckpoint;
use hopluu_store::limits::PARKED_ROWS_PER_PEER_MAX;
use hopluu_sync::{Acked, Incoming, RefusalCode};

use crate::admit::tests::World;
use crate::testing::{COMMUNE, Paper, Receiver, sent};

/// A district's node that has no form yet.
fn newcomer(world: &World) -> Receiver {
    let node = Receiver::new(&world.district);
    node.hears(&world.root, vec![sent(&world.root.tree())]);
    let certificate = world.district.certifies(&world.commune);
    node.hears(&world.district, vec![sent(&certificate)]);
    node
}

/// A commune's report in so many saves, as it sends it.
fn changes(world: &World, saves: u32) -> Vec<Incoming> {
    let mut paper = Paper::of(COMMUNE);
    let changes = (0..saves).map(|number| {
        let saved = paper.save(ActorId([3; 8]), "II.1.1.a", &number.to_string());
        paper.sealed(&world.commune, &saved)
    });
    changes.collect()
}

fn checkpoint(node: &Receiver, world: &World) -> Option<PeerCheckpoint> {
    let row = node
        .store
        .read()
        .unwrap()
        .peer(world.commune.node())
        .unwrap();
    row.and_then(|row| row.checkpoint)
}

#[test]
fn a_peer_whose_changes_were_turned_away_is_compared_with_when_their_form_comes() {
    let world = World::new();
    let node = newcomer(&world);
    let changes = changes(&world, 600);
    let kept = usize::try_from(PARKED_ROWS_PER_PEER_MAX).unwrap();
    let mut codes = Vec::new();
    for push in changes.chunks(100) {
        let admitted = node.hears(&world.commune, push.to_vec());
        assert_eq!(admitted.crowded, []);
        codes.extend(admitted.refused.into_iter().map(|refusal| refusal.code));
    }
    let (parked, turned_away) = codes.split_at(kept);
    assert!(parked.iter().all(|code| *code == RefusalCode::PARKED));
    assert!(turned_away.iter().all(|code| *code == RefusalCode::CROWDED));
    assert_eq!(turned_away.len(), 600 - kept);

    let admitted = node.hears(&world.root, vec![sent(&world.root.form())]);
    assert_eq!(admitted.docs.values().map(Vec::len).sum::<usize>(), kept);
    assert_eq!(admitted.crowded, [world.commune.node()]);
    let void = Acked::void();
    let kept_of_it = checkpoint(&node, &world).unwrap();
    assert_eq!(
        (kept_of_it.my_epoch, kept_of_it.acked),
        (void.basis, void.through)
    );
    assert_eq!(kept_of_it.received, Seq(0));

    // What the comparison then brings.
    let admitted = node.hears(&world.commune, changes);
    assert_eq!(admitted.refused, []);
    assert_eq!(
        admitted.docs.values().map(Vec::len).sum::<usize>(),
        600 - kept
    );
    let read = node.store.read().unwrap();
    assert_eq!(read.parked_count().unwrap(), 0);
}

#[test]
fn a_park_that_is_not_full_owes_no_comparison() {
    let world = World::new();
    let node = newcomer(&world);
    node.hears(&world.commune, changes(&world, 20));
    let admitted = node.hears(&world.root, vec![sent(&world.root.form())]);
    assert_eq!(admitted.docs.values().map(Vec::len).sum::<usize>(), 20);
    assert_eq!(admitted.crowded, []);
    assert_eq!(checkpoint(&node, &world), None);
}
