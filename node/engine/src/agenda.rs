//! What the node owes whom, by when, and what links have cost.

use std::collections::BTreeMap;

use hopluu_model::{Date, NodeId, Place, Seq, Timestamp};
use hopluu_store::{DbError, DocRow, LedgerSpan, Read};
use hopluu_sync::{Acked, Ahead, Class, PeerStatus, Purpose, Spent};

use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::ledger::spans;
use crate::limits::{OWED_PLACES_MAX, STORED_BYTES_PER_SENT};
use crate::reads::Stretch;
use crate::resolve::unit_name;
use crate::view::{CostView, LinkView, OwedView, PlanView};

/// What is owed to one peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct OwedSum {
    pub(crate) classes: Vec<OwedView>,
    /// Whether there is more than was looked at.
    pub(crate) is_more: bool,
}

impl OwedSum {
    /// How long it takes at a rate in bytes a second.
    pub(crate) fn seconds(&self, rate: Option<u64>) -> Option<u64> {
        let bytes = self.classes.iter().map(|owed| owed.bytes);
        let bytes: u64 = bytes.fold(0, u64::saturating_add);
        Some(bytes.div_ceil(rate.filter(|rate| *rate > 0)?))
    }
}

impl Core {
    /// How many days a report's date is away at its own level, before or after; the most where it has none. A clock
    /// that is wrong makes a worse order and nothing else.
    pub(crate) fn due_days(&self, doc: &DocRow, now: Timestamp) -> u32 {
        let form = self
            .registry()
            .form_of_major(&doc.form, doc.major, &doc.unit);
        let unit = self.registry().tree().unit(&doc.unit);
        let due = form.zip(unit).and_then(|(known, unit)| {
            let due = known.form.due(&doc.period, &unit.level).ok()?;
            Some(due?.last_day())
        });
        due.map_or(u32::MAX, |due| days_apart(due, clock::day(now)))
    }

    /// What is owed to each peer that was met, looking at so many entries in all.
    pub(crate) fn owed(&self, read: &Read) -> Result<BTreeMap<NodeId, OwedSum>, DbError> {
        let last = read.last_seq()?;
        let met = self.met();
        let (mut owed, mut places_left) = (BTreeMap::new(), OWED_PLACES_MAX);
        for row in read.peers()? {
            let status = met.get(&row.node);
            let Some(place) = self.place_of(row.node, status) else {
                continue;
            };
            let scope = self.scope_of(place);
            let basis = Acked::basis(self.epoch(), scope.version());
            let kept = row.checkpoint.filter(|kept| kept.my_epoch == basis);
            let kept = kept.map_or(Seq(0), |kept| kept.acked);
            let stretch = Stretch {
                after: status.map_or(kept, |status| status.acked.max(kept)),
                through: last,
                ahead: Ahead::decode(&row.ahead),
                scope: &scope,
                outline: Some(&self.outline),
            };
            let sum = sum(&stretch, read, places_left)?;
            let entries: u64 = sum.classes.iter().map(|class| class.entries).sum();
            let entries = usize::try_from(entries).unwrap_or(usize::MAX);
            places_left = places_left.saturating_sub(entries);
            owed.insert(row.node, sum);
        }
        Ok(owed)
    }

    fn met(&self) -> BTreeMap<NodeId, PeerStatus> {
        let peers = self.hub.status().peers.into_iter();
        peers.map(|peer| (peer.peer.node, peer)).collect()
    }

    fn place_of(&self, node: NodeId, status: Option<&PeerStatus>) -> Option<Place> {
        let identity = self.registry().identity(&node);
        let known = identity.map(|identity| identity.place.clone());
        status.map(|status| status.peer.clone()).or(known)
    }

    /// All peers that were met: what they are owed, what their links carry and have cost.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn link_views(&self, now: Timestamp) -> Result<Vec<LinkView>, CommandError> {
        let read = self.read()?;
        let found = read.consistent(|read| {
            let owed = self.owed(read)?;
            let met = self.met();
            let mut views = Vec::new();
            for (node, sum) in owed {
                let status = met.get(&node);
                let Some(place) = self.place_of(node, status) else {
                    continue;
                };
                let rate = status.and_then(|status| status.rate);
                views.push(LinkView {
                    node,
                    unit_name: unit_name(&self.tree(), &place.unit, Date::MAX),
                    unit: place.unit,
                    office: place.office,
                    is_linked: status.is_some_and(|status| status.link.is_some()),
                    rate,
                    round_trip_ms: status.and_then(|status| status.round_trip_ms),
                    seconds: sum.seconds(rate),
                    owed: sum.classes,
                    is_more_owed: sum.is_more,
                    plan: self.plan_view(node, now),
                    days: self.costs(read, node, LedgerSpan::Day)?,
                    months: self.costs(read, node, LedgerSpan::Month)?,
                });
            }
            Ok::<_, DbError>(views)
        });
        found.map_err(CommandError::Store)
    }

    fn costs(&self, read: &Read, node: NodeId, span: LedgerSpan) -> Result<Vec<CostView>, DbError> {
        let rows = read.ledger_of(node, span)?.into_iter();
        let mut sums: BTreeMap<u32, Spent> = rows
            .map(|(number, body)| (number, Spent::decode(&body)))
            .collect();
        if let Some((day, unwritten)) = self.ledger.unwritten(node) {
            let found = spans(day).into_iter().find(|(kind, ..)| *kind == span);
            if let Some((_, number, _)) = found {
                sums.entry(number).or_default().add(&unwritten);
            }
        }
        Ok(sums
            .into_iter()
            .map(|(number, spent)| cost(span, number, &spent))
            .collect())
    }

    /// The settings by which a peer is called.
    fn plan_view(&self, node: NodeId, now: Timestamp) -> Option<PlanView> {
        self.plans.view(node, now)
    }
}

/// What is owed of a stretch, by class.
fn sum(stretch: &Stretch<'_>, read: &Read, places_max: usize) -> Result<OwedSum, DbError> {
    let places_max = places_max.min(hopluu_sync::limits::LOOK_AHEAD_MAX);
    let (owed, looked_at) = stretch.owed(read, places_max)?;
    let mut classes: BTreeMap<Class, (u64, u64)> = BTreeMap::new();
    if let (Some(first), Some(last)) = (owed.first(), owed.last()) {
        let mut left = owed.iter().peekable();
        read.entries_bytes(first.seq, last.seq, |seq, length| {
            // What is in memory may have been superseded since.
            while left.next_if(|entry| entry.seq < seq).is_some() {}
            if let Some(entry) = left.next_if(|entry| entry.seq == seq) {
                let (entries, bytes) = classes.entry(entry.class).or_default();
                *entries += 1;
                *bytes += length;
            }
        })?;
    }
    let stored = u64::try_from(STORED_BYTES_PER_SENT).unwrap_or(1);
    let view = |(class, (entries, bytes)): (Class, (u64, u64))| OwedView {
        class,
        entries,
        bytes: bytes.div_ceil(stored),
    };
    Ok(OwedSum {
        classes: classes.into_iter().map(view).collect(),
        is_more: looked_at < stretch.through,
    })
}

fn cost(span: LedgerSpan, number: u32, spent: &Spent) -> CostView {
    let (up, down) = spent.total();
    let purposes = Purpose::ALL
        .into_iter()
        .map(|purpose| (purpose, spent.of(purpose)));
    CostView {
        when: when(span, number),
        up,
        down,
        purposes: purposes.filter(|(_, bytes)| *bytes != (0, 0)).collect(),
    }
}

/// A day or a month, counted from 1970, as it is written.
fn when(span: LedgerSpan, number: u32) -> String {
    match span {
        LedgerSpan::Day => {
            let first = Timestamp(i64::from(number) * 86_400_000);
            clock::day(first).to_string()
        }
        LedgerSpan::Month => format!("{}-{:02}", 1970 + number / 12, number % 12 + 1),
    }
}

fn days_apart(one: Date, other: Date) -> u32 {
    let hours = one.duration_since(other).as_hours().unsigned_abs();
    u32::try_from(hours / 24).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_both_ways() {
        let day = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(days_apart(day("2026-06-20"), day("2026-06-18")), 2);
        assert_eq!(days_apart(day("2026-06-18"), day("2026-07-18")), 30);
        assert_eq!(days_apart(Date::MIN, Date::MIN), 0);
    }

    #[test]
    fn days_and_months_are_written_as_they_are_counted() {
        for day in ["1970-01-01", "2026-11-22", "2027-12-31"] {
            let [(_, days, _), (_, months, _)] = spans(day.parse().unwrap());
            assert_eq!(when(LedgerSpan::Day, days), day);
            assert_eq!(when(LedgerSpan::Month, months), &day[..7]);
        }
    }

    #[test]
    fn what_is_owed_takes_its_bytes_over_the_rate() {
        let owed = |bytes| OwedView {
            class: Class::Texts,
            entries: 1,
            bytes,
        };
        let sum = OwedSum {
            classes: vec![owed(8_000), owed(1)],
            is_more: false,
        };
        assert_eq!(sum.seconds(Some(8_000)), Some(2));
        assert_eq!((sum.seconds(None), sum.seconds(Some(0))), (None, None));
        assert_eq!(OwedSum::default().seconds(Some(8_000)), Some(0));
    }
}
