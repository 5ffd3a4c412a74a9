//! Positions that only move on, and a node that has no time.

use hopluu_model::{Epoch, Timestamp};
use hopluu_sync::{CloseCode, Steady};

use super::*;
use crate::limits::STORE_JOBS_BUSY;
use crate::testing::alone::Node;

#[test]
fn what_a_session_counts_never_moves_a_stored_position_back() {
    let mut kept = EMPTY;
    let (epoch, basis) = (Epoch([1; 16]), Epoch([2; 16]));
    let received = |epoch, through| Received {
        epoch,
        through: Seq(through),
    };
    let acked = |basis, through| Acked {
        basis,
        through: Seq(through),
    };
    received_is(&mut kept, received(epoch, 20));
    received_is(&mut kept, received(epoch, 12));
    acked_is(&mut kept, acked(basis, 20));
    acked_is(&mut kept, acked(basis, 12));
    assert_eq!((kept.received, kept.acked), (Seq(20), Seq(20)));
    // Another life, or a comparison that is due, begins anew.
    received_is(&mut kept, received(Epoch([3; 16]), 1));
    acked_is(&mut kept, Acked::void());
    assert_eq!((kept.received, kept.acked), (Seq(1), Seq(0)));
    acked_is(&mut kept, acked(basis, 5));
    assert_eq!(kept.acked, Seq(5));
}

fn wait_for_the_disk(node: &Node, jobs: usize) {
    for _ in 0..jobs {
        node.core.submit(|_| Ok::<_, DbError>(()), |_, _, _| {});
    }
}

/// A caller that waits costs less than a link that cannot be served.
#[test]
fn callers_come_later_while_much_waits_for_the_disk() {
    let mut node = Node::new();
    wait_for_the_disk(&node, STORE_JOBS_BUSY - 1);
    assert!(!node.core.is_busy());
    wait_for_the_disk(&node, 1);
    assert!(node.core.is_busy());
    node.turn(Steady(0), |_, _| {});
    assert!(!node.core.is_busy(), "it is worked off");
}

#[test]
fn who_cannot_be_served_is_told_when_to_come_again() {
    let mut node = Node::new();
    let (link, ticket) = (LinkId(1), Ticket(1));
    let turn = node.turn(Steady(0), |core, turn| {
        let peer = Place {
            node: NodeId([9; 32]),
            unit: "465@2024-05-01".parse().unwrap(),
            office: None,
        };
        core.link_opened(turn, link, peer, None);
        core.hub_event(turn, Event::StoreFailed { link, ticket });
    });
    let closed = turn.net.iter().find_map(|effect| match effect {
        NetEffect::Close { code, again_s, .. } => Some((*code, *again_s)),
        _ => None,
    });
    let (code, again_s) = closed.expect("the link is closed");
    let least = code.comes_again_s().unwrap();
    assert_eq!(code, CloseCode::StoreFailed);
    assert!((least..=2 * least).contains(&again_s.unwrap()));
}

/// What a hub costs at the deadline: one sync of the disk for all who have sent meanwhile.
#[test]
fn pushes_of_several_links_share_a_commit() {
    let mut node = Node::new();
    let before = node.core.store().stats();
    let mut turn = Turn::at(Timestamp(0), Steady(0));
    for number in 1..=5_u8 {
        let answer = Answer {
            link: LinkId(u64::from(number)),
            ticket: Ticket(1),
        };
        let received = Received {
            epoch: Epoch([number; 16]),
            through: Seq(1),
        };
        let push = Applying::new(answer, NodeId([number; 32]), Vec::new(), Some(received));
        node.core.apply(&mut turn, push);
    }
    node.turn(Steady(0), |_, _| {});
    let after = node.core.store().stats();
    let done = (after.jobs - before.jobs, after.commits - before.commits);
    assert_eq!(done, (5, 1));
}
