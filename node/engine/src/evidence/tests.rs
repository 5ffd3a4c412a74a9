use hopluu_model::ChangeHash;
use hopluu_trust::{Reason, Receipt, Revocation, Target};

use super::*;
use crate::testing::{
    COMMUNE, DISTRICT, NEIGHBOUR, NOW, PROVINCE, Receiver, Someone, key_of, sent, unit,
};

const DAY_MS: u64 = 24 * 3_600_000;

/// 1 January 2099.
const LIE: Timestamp = Timestamp(4_070_908_800_000);

struct World {
    root: Someone,
    district: Someone,
    commune: Someone,
}

impl World {
    fn new() -> Self {
        let root = Someone::root();
        let district = root.enrols(2, DISTRICT, None);
        Self {
            commune: district.enrols(3, COMMUNE, None),
            district,
            root,
        }
    }

    /// The commune's node, which joined now and knows the tree.
    fn node(&self) -> Receiver {
        let node = Receiver::new(&self.commune);
        node.store.write(|tx| begin(tx, NOW)).unwrap();
        node.hears(&self.root, vec![sent(&self.root.tree())]);
        node
    }

    /// The word of somebody that a report of a unit has arrived.
    fn receipt(&self, by: &Someone, about: &str, at: Timestamp) -> Record {
        let receipt = Receipt {
            doc: key_of(about).id(),
            heads: vec![ChangeHash([9; 32])],
            by: by.place.clone(),
            at,
        };
        by.receipt(&receipt, about)
    }

    fn word(&self, turn: u32, at: Timestamp, before: Option<Month>) -> Record {
        let word = Word { turn, at, before };
        word.sign(&self.root.signer, unit(PROVINCE)).unwrap()
    }
}

fn time_at(node: &Receiver) -> Timestamp {
    node.heard_time().at(&node.registry()).unwrap()
}

fn days(count: u64) -> Timestamp {
    NOW.plus_ms(count * DAY_MS)
}

#[test]
fn a_superior_that_claims_2099_moves_the_time_of_a_commune_by_a_month_at_most() {
    let world = World::new();
    let node = world.node();
    let lie = sent(&world.receipt(&world.district, COMMUNE, LIE));
    assert_eq!(
        node.says(&world.district, lie),
        None,
        "it is a receipt like others"
    );
    let at = time_at(&node);
    assert!(at >= NOW && at <= days(30), "{at}");
    for step in 1..40 {
        let lie = world.receipt(&world.district, COMMUNE, days(29 * step));
        node.says(&world.district, sent(&lie));
    }
    assert_eq!(time_at(&node), at, "small steps lead no further");
    // It is on disk, and nobody else's word counts: a neighbour is no ancestor.
    let neighbour = world.district.enrols(4, NEIGHBOUR, None);
    node.hears(
        &world.district,
        vec![sent(&world.district.certifies(&neighbour))],
    );
    let forged = sent(&world.receipt(&neighbour, COMMUNE, LIE));
    assert!(node.says(&neighbour, forged).is_some());
    assert_eq!(time_at(&node), at);
}

#[test]
fn two_that_claim_2099_are_mended_by_the_root_in_any_order_of_arrival() {
    let world = World::new();
    let reset = world.word(1, days(3), Month::of(LIE));
    let heard = [
        sent(&world.receipt(&world.district, COMMUNE, LIE)),
        sent(&world.receipt(&world.root, COMMUNE, LIE)),
        sent(&reset),
        sent(&world.receipt(&world.district, NEIGHBOUR, days(100))),
        sent(&world.receipt(&world.root, NEIGHBOUR, days(100))),
    ];
    let shut = world.node();
    shut.hears(&world.district, heard[..2].to_vec());
    assert_eq!(time_at(&shut), Month::of(LIE).unwrap().begins());
    shut.hears(&world.district, heard[2..3].to_vec());
    assert_eq!(time_at(&shut), days(3));
    let mut seen = BTreeSet::new();
    for first in 0..heard.len() {
        for second in 0..heard.len() {
            let node = world.node();
            let mut order = heard.clone().to_vec();
            order.rotate_left(first);
            order.swap(0, second);
            for entry in order {
                assert_eq!(node.says(&world.district, entry), None);
            }
            seen.insert(time_at(&node));
        }
    }
    let expected = Month::of(days(100)).unwrap().begins();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [expected]);
}

#[test]
fn only_the_root_says_the_time_to_others() {
    let world = World::new();
    let node = world.node();
    let word = Word {
        turn: 9,
        at: LIE,
        before: None,
    };
    let forged = word.sign(&world.district.signer, unit(PROVINCE)).unwrap();
    assert!(node.says(&world.district, sent(&forged)).is_some());
    assert_eq!(time_at(&node), NOW);
    // Of two the later word stands, whichever comes last.
    node.hears(&world.root, vec![sent(&world.word(2, days(7), None))]);
    node.hears(&world.root, vec![sent(&world.word(1, days(50), None))]);
    assert_eq!(time_at(&node), days(7));
}

#[test]
fn who_was_revoked_says_nothing_of_the_time() {
    let world = World::new();
    let node = world.node();
    for by in [&world.district, &world.root] {
        node.says(&world.district, sent(&world.receipt(by, COMMUNE, LIE)));
    }
    assert_eq!(time_at(&node), Month::of(LIE).unwrap().begins());
    let revocation = Revocation {
        target: Target::Node(world.district.node()),
        reason: Reason::Misused,
        stands: std::collections::BTreeMap::new(),
        certified: vec![world.commune.node()],
        said: Vec::new(),
    };
    let revoked = revocation.sign(&world.root.signer, unit(PROVINCE)).unwrap();
    assert_eq!(node.says(&world.root, sent(&revoked)), None);
    assert!(time_at(&node) <= days(30));
}
