//! What each peer has its changes decoded for: more than its share, and it is to come again later.
//!
//! A few bytes may be many operations: a run of one letter, a section that is deleted. Honest ones are rare and are
//! worked off whatever they cost; a peer that sends nothing else has a tenth of a core, however often it calls.

use std::collections::BTreeMap;

use hopluu_model::NodeId;
use hopluu_sync::Steady;

use crate::limits::{OPS_FREE, OPS_PER_BYTE, OPS_PER_MS};

/// The bills of all peers that are not even.
#[derive(Debug, Default)]
pub(crate) struct Bills(BTreeMap<NodeId, Bill>);

/// Operations that a peer may have decoded, and since when it has.
#[derive(Debug, Clone, Copy)]
struct Bill {
    left: i64,
    at: Steady,
}

impl Bill {
    /// What time gives back.
    fn at(self, now: Steady) -> Self {
        let earned = i64::try_from(now.ms_since(self.at)).unwrap_or(i64::MAX);
        let left = self.left.saturating_add(earned.saturating_mul(OPS_PER_MS));
        Self {
            left: left.min(OPS_FREE),
            at: now,
        }
    }
}

impl Bills {
    /// Whether a push of so many bytes may be judged now.
    pub(crate) fn may(&mut self, peer: NodeId, bytes: usize, now: Steady) -> bool {
        let free = Bill {
            left: OPS_FREE,
            at: now,
        };
        let mut bill = self.0.get(&peer).map_or(free, |bill| bill.at(now));
        let earned = i64::try_from(bytes).unwrap_or(i64::MAX);
        bill.left = bill
            .left
            .saturating_add(earned.saturating_mul(OPS_PER_BYTE));
        self.0.insert(peer, bill);
        bill.left >= 0
    }

    /// So many operations have been decoded for it.
    pub(crate) fn spend(&mut self, peer: NodeId, ops: u64) {
        if let Some(bill) = self.0.get_mut(&peer) {
            bill.left = bill.left.saturating_sub_unsigned(ops);
        }
    }

    /// Forgets who owes nothing.
    pub(crate) fn forget_even(&mut self, now: Steady) {
        self.0.retain(|_, bill| bill.at(now).left < OPS_FREE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_dear_waits_until_time_or_bytes_have_paid() {
        let (mut bills, peer) = (Bills::default(), NodeId([7; 32]));
        let free = OPS_FREE.unsigned_abs();
        assert!(bills.may(peer, 0, Steady(0)));
        bills.spend(peer, free);
        assert!(bills.may(peer, 0, Steady(0)), "that was free");
        bills.spend(peer, 1_000 + 1);
        assert!(!bills.may(peer, 0, Steady(10)) && bills.may(peer, 0, Steady(11)));
        assert!(
            bills.may(NodeId([8; 32]), 0, Steady(0)),
            "others have their own"
        );
        // A long peace pays for no more than is free.
        bills.spend(peer, 2 * free);
        assert!(!bills.may(peer, 0, Steady(11)));
        assert!(bills.may(peer, 0, Steady(1_000_000_000)));
        bills.spend(peer, free + 80_000);
        assert!(!bills.may(peer, 4_000, Steady(1_000_000_000)));
        assert!(bills.may(peer, 16_000, Steady(1_000_000_000)));
    }

    #[test]
    fn no_bill_is_kept_of_whoever_is_even() {
        let mut bills = Bills::default();
        for number in 0..200 {
            let peer = NodeId([number; 32]);
            assert!(bills.may(peer, 0, Steady(0)));
            bills.spend(peer, 100 + u64::from(number));
        }
        bills.forget_even(Steady(1));
        let left: Vec<u8> = bills.0.keys().map(|peer| peer.0[0]).collect();
        assert_eq!(left, (1..200).collect::<Vec<_>>());
        bills.forget_even(Steady(1_000));
        assert!(bills.0.is_empty());
    }
}
