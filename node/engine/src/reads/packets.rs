//! Stored changes into packets.

use std::collections::BTreeSet;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{Member, inflate, pack_within, scan};
use hopluu_model::{ActorId, Seq};

/// A stored change on its way to a peer.
#[derive(Debug)]
pub(super) struct Row {
    /// Its place in the journal, or in its document.
    pub(super) seq: Seq,
    pub(super) actor: ActorId,
    pub(super) seal: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Row {
    fn member(&self) -> (ActorId, Member<'_>) {
        let (seal, change) = (&self.seal, &self.body);
        (self.actor, Member { seal, change })
    }
}

/// Changes of one document in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Lot {
    rows: Vec<Row>,
    /// Operations of all of it: packing takes each apart.
    ops: u64,
    /// Actors whose last change here has no seal, so that a later one must come along.
    open: BTreeSet<ActorId>,
}

impl Lot {
    /// Adds the next change; a derived one is passed over, because who needs it makes it.
    pub(super) fn add(&mut self, mut row: Row) {
        if !row.seal.is_empty() {
            self.open.remove(&row.actor);
        } else if scan(&row.body, &SCAN_LIMITS).is_ok_and(|change| change.declares.is_some()) {
            return;
        } else {
            self.open.insert(row.actor);
        }
        // It is inflated once, to be counted and to be packed.
        if let Some((plain, ops)) = inflate(&row.body, &SCAN_LIMITS) {
            row.body = plain;
            self.ops = self.ops.saturating_add(ops);
        }
        self.rows.push(row);
    }

    /// How many operations are to be taken apart.
    pub(super) fn ops(&self) -> u64 {
        self.ops
    }

    /// The place of the last change here.
    pub(super) fn last(&self) -> Option<Seq> {
        self.rows.last().map(|row| row.seq)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether something here still lacks the change that vouches for it.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether something of this actor does.
    pub(super) fn awaits(&self, actor: &ActorId) -> bool {
        self.open.contains(actor)
    }

    /// The packets, each with the place of its first change. Each ends where everything in it is vouched
    /// for, and has at most so many bytes unless it cannot be cut there.
    pub(super) fn packets(mut self, bytes_max: usize) -> Vec<(Seq, Vec<u8>)> {
        self.drop_dangling();
        let members: Vec<_> = self.rows.iter().map(Row::member).collect();
        let packets = pack_within(&members, bytes_max).into_iter();
        let placed = |(first, packet)| {
            let row: &Row = self.rows.get(first)?;
            Some((row.seq, packet))
        };
        packets.filter_map(placed).collect()
    }

    /// Where damage has taken the change that vouched for others, those cannot be passed on. A comparison
    /// brings it back.
    fn drop_dangling(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        let mut rows = Vec::new();
        for row in std::mem::take(&mut self.rows).into_iter().rev() {
            if !row.seal.is_empty() {
                open.remove(&row.actor);
            }
            if !open.contains(&row.actor) {
                rows.push(row);
            }
        }
        rows.reverse();
        self.rows = rows;
    }
}

#[cfg(test)]
mod tests {
    use hopluu_doc::unpack;

    use super::*;
    use crate::testing::{COMMUNE, Paper};

    /// A damaged disk has lost the change that vouched for others.
    #[test]
    fn what_nobody_vouches_for_any_more_holds_up_nothing_else() {
        let (mut paper, mut apart) = (Paper::of(COMMUNE), Paper::of(COMMUNE));
        let (mine, other) = (ActorId([5; 8]), ActorId([6; 8]));
        let mut lot = Lot::default();
        for (place, actor, seal) in [(1, mine, vec![]), (2, other, vec![1; 3]), (3, mine, vec![])] {
            let paper = if actor == mine {
                &mut paper
            } else {
                &mut apart
            };
            let body = paper.save(actor, "II.1.1.a", &place.to_string()).bytes;
            let seq = Seq(place);
            lot.add(Row {
                seq,
                actor,
                seal,
                body,
            });
        }
        assert!(lot.is_open() && lot.awaits(&mine) && !lot.awaits(&other));
        let packets = lot.packets(1 << 14);
        let places: Vec<_> = packets.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(places, [Seq(2)]);
        assert_eq!(unpack(&packets[0].1).unwrap().len(), 1);
    }
}
