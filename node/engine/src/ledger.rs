//! The ledger: what links have cost, by peer and purpose, by day and by month.

use std::collections::BTreeMap;

use hopluu_model::{Date, ErrorChain, NodeId};
use hopluu_store::{DbError, LedgerSpan, WriteError, WriteTx};
use hopluu_sync::Spent;

use crate::clock;
use crate::core::Core;
use crate::limits::{LEDGER_BYTES_UNWRITTEN, LEDGER_DAYS, LEDGER_MONTHS};
use crate::turn::Turn;

/// What has gone and is not written down yet: all of one day.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    day: Option<Date>,
    unwritten: BTreeMap<NodeId, Spent>,
}

impl Ledger {
    fn bytes(&self) -> u64 {
        let sums = self.unwritten.values().map(|spent| {
            let (up, down) = spent.total();
            up.saturating_add(down)
        });
        sums.fold(0, u64::saturating_add)
    }

    /// What of a peer is not written down yet, and of which day.
    pub(crate) fn unwritten(&self, node: NodeId) -> Option<(Date, Spent)> {
        self.day.zip(self.unwritten.get(&node).copied())
    }
}

impl Core {
    /// Puts down what a link has cost. It is written when it has become much, when another day has begun and when
    /// the node stops.
    pub(crate) fn spend(&mut self, turn: &mut Turn, node: NodeId, spent: &Spent) {
        let today = clock::day(turn.now);
        if self.ledger.day != Some(today) {
            self.write_ledger();
            self.ledger.day = Some(today);
        }
        self.ledger.unwritten.entry(node).or_default().add(spent);
        self.plan_spent(turn, node, spent);
        if self.ledger.bytes() >= LEDGER_BYTES_UNWRITTEN {
            self.write_ledger();
        }
    }

    /// Writes down what is not. A disk that refuses it keeps nobody from anything: it comes again.
    pub(crate) fn write_ledger(&mut self) {
        let (Some(day), false) = (self.ledger.day, self.ledger.unwritten.is_empty()) else {
            return;
        };
        let unwritten = std::mem::take(&mut self.ledger.unwritten);
        let kept = unwritten.clone();
        self.submit(
            move |tx| {
                for (node, spent) in &unwritten {
                    write(tx, *node, day, spent)?;
                }
                for (span, number, kept) in spans(day) {
                    tx.prune_ledger(span, number.saturating_sub(kept - 1))?;
                }
                Ok(())
            },
            move |core, _, result: Result<(), WriteError<DbError>>| {
                if let Err(error) = result {
                    tracing::debug!(error = %ErrorChain(&error), "the ledger was not written");
                    for (node, spent) in kept {
                        core.ledger.unwritten.entry(node).or_default().add(&spent);
                    }
                }
            },
        );
    }
}

/// Days since 1970, and months. A clock from before stands at the first of them.
pub(crate) fn spans(day: Date) -> [(LedgerSpan, u32, u32); 2] {
    let first = Date::new(1970, 1, 1).unwrap_or(Date::MIN);
    let days = u32::try_from(day.duration_since(first).as_hours() / 24).unwrap_or_default();
    let months = i32::from(day.year() - 1970) * 12 + i32::from(day.month()) - 1;
    let months = u32::try_from(months).unwrap_or_default();
    [
        (LedgerSpan::Day, days, LEDGER_DAYS),
        (LedgerSpan::Month, months, LEDGER_MONTHS),
    ]
}

fn write(tx: &mut WriteTx<'_>, node: NodeId, day: Date, spent: &Spent) -> Result<(), DbError> {
    for (span, number, _) in spans(day) {
        let mut sum = Spent::decode(&tx.ledger(node, span, number)?.unwrap_or_default());
        sum.add(spent);
        tx.put_ledger(node, span, number, &sum.encode())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_are_counted_from_1970() {
        let numbers = |day: &str| spans(day.parse().unwrap()).map(|(_, number, _)| number);
        assert_eq!(numbers("1970-01-01"), [0, 0]);
        assert_eq!(numbers("1970-02-01"), [31, 1]);
        assert_eq!(numbers("2026-11-22"), [20_779, 682]);
        assert_eq!(numbers("1969-12-31"), [0, 0]);
    }
}
