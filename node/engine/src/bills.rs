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
    /// In how many milliseconds more of a peer's may be judged: none where it may be now.
    pub(crate) fn due_in_ms(&self, peer: &NodeId, now: Steady) -> u64 {
        let left = self.0.get(peer).map_or(0, |bill| bill.at(now).left);
        let owed = left.min(0).unsigned_abs();
        owed.div_ceil(OPS_PER_MS.unsigned_abs())
    }

    /// So many operations have been decoded for it, and so many bytes pay for them. What is refused pays nothing, or
    /// whoever sends much of it would be welcome.
    pub(crate) fn spend(&mut self, peer: NodeId, ops: u64, paying_bytes: usize, now: Steady) {
        let free = Bill {
            left: OPS_FREE,
            at: now,
        };
        let bill = self.0.entry(peer).or_insert(free);
        let earned = i64::try_from(paying_bytes).unwrap_or(i64::MAX);
        let earned = earned.saturating_mul(OPS_PER_BYTE);
        *bill = bill.at(now);
        let left = bill.left.saturating_add(earned);
        bill.left = left.saturating_sub_unsigned(ops).min(OPS_FREE);
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
        assert_eq!(bills.due_in_ms(&peer, Steady(0)), 0);
        bills.spend(peer, free, 0, Steady(0));
        assert_eq!(bills.due_in_ms(&peer, Steady(0)), 0, "that was free");
        bills.spend(peer, 1_000 + 1, 0, Steady(0));
        let due = |bills: &Bills, at| bills.due_in_ms(&peer, Steady(at));
        assert_eq!(
            (due(&bills, 0), due(&bills, 10), due(&bills, 11)),
            (11, 1, 0)
        );
        let other = NodeId([8; 32]);
        assert_eq!(
            bills.due_in_ms(&other, Steady(0)),
            0,
            "others have their own"
        );
        // Neither a long peace nor a great many bytes pay for more than is free.
        bills.spend(peer, 0, 1 << 30, Steady(1_000_000_000));
        bills.spend(peer, free + 80_000, 4_000, Steady(1_000_000_000));
        assert_eq!(due(&bills, 1_000_000_000), 640);
        bills.spend(peer, 0, 16_000, Steady(1_000_000_000));
        assert_eq!(due(&bills, 1_000_000_000), 0);
    }

    /// The link may be closed while what came over it is judged.
    #[test]
    fn whoever_hangs_up_is_billed_all_the_same() {
        let (mut bills, peer) = (Bills::default(), NodeId([7; 32]));
        bills.forget_even(Steady(0));
        bills.spend(peer, 2 * OPS_FREE.unsigned_abs(), 0, Steady(0));
        bills.forget_even(Steady(0));
        assert!(bills.due_in_ms(&peer, Steady(0)) > 0);
    }

    #[test]
    fn no_bill_is_kept_of_whoever_is_even() {
        let mut bills = Bills::default();
        for number in 0..200 {
            let peer = NodeId([number; 32]);
            bills.spend(peer, 100 + u64::from(number), 0, Steady(0));
        }
        bills.forget_even(Steady(1));
        let left: Vec<u8> = bills.0.keys().map(|peer| peer.0[0]).collect();
        assert_eq!(left, (1..200).collect::<Vec<_>>());
        bills.forget_even(Steady(1_000));
        assert!(bills.0.is_empty());
    }
}
