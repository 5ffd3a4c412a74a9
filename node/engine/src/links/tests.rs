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

#[test]
fn whoever_has_overspent_is_told_when_to_come_again_and_is_heard_then() {
    let mut node = Node::new();
    let peer = Place {
        node: NodeId([9; 32]),
        unit: "465@2024-05-01".parse().unwrap(),
        office: None,
    };
    let mut push = |number: u64, spent: u64| {
        let link = LinkId(number);
        let turn = node.turn(Steady(number * 60_000), |core, turn| {
            core.link_opened(turn, link, peer.clone(), None);
            let apply = || Effect::Apply {
                link,
                ticket: Ticket(1),
                peer: peer.node,
                entries: Vec::new(),
                received: None,
            };
            assert!(core.perform(turn, apply()).is_none(), "it was judged");
            core.bills.spend(peer.node, spent, 0, turn.steady);
            if let Some(event) = core.perform(turn, apply()) {
                core.hub_event(turn, event);
            }
        });
        turn.net.iter().find_map(|effect| match effect {
            NetEffect::Close {
                link: of,
                code,
                again_s,
            } if of.0 == number => Some((*code, again_s.is_some())),
            _ => None,
        })
    };
    assert_eq!(push(1, 10_000), None);
    assert_eq!(push(2, 3_000_000), Some((CloseCode::Busy, true)));
    // A minute later that is forgotten.
    assert_eq!(push(3, 10_000), None);
}

#[test]
fn no_more_of_a_push_is_judged_than_an_honest_one_holds() {
    let answer = Answer {
        link: LinkId(1),
        ticket: Ticket(1),
    };
    let entry = Incoming {
        kind: hopluu_model::EntryKind::Change,
        object: hopluu_model::ObjectId([1; 16]),
        descriptor: Vec::new(),
        body: Vec::new(),
    };
    let received = Received {
        epoch: Epoch([1; 16]),
        through: Seq(9),
    };
    let mut push = Applying::new(answer, NodeId([9; 32]), vec![entry; 3], Some(received));
    push.ops = PUSH_OPS_MAX - 1;
    let push = push.within_bounds();
    assert_eq!((push.entries.len(), push.is_cut_off), (3, false));
    let mut push = push;
    push.entries.pop();
    (push.ops, push.done) = (PUSH_OPS_MAX, 1);
    let push = push.within_bounds();
    assert!(push.entries.is_empty() && push.is_cut_off);
    assert_eq!(push.received, None, "it may be sent again");
    let refused: Vec<_> = push
        .refused
        .iter()
        .map(|one| (one.index, one.code))
        .collect();
    assert_eq!(
        refused,
        [(1, RefusalCode::CROWDED), (2, RefusalCode::CROWDED)]
    );
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
