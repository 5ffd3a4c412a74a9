//! What a node notes for whoever asks later: who was shown what is private, and what was refused. It stays here.

use std::collections::BTreeMap;

use hopluu_form::{Form, ValueLine};
use hopluu_model::{ErrorChain, FormId, IndicatorCode, NodeId, Period, Timestamp, UnitId};
use hopluu_store::{DbError, PrivateRead, RefusalRow, WriteTx};
use hopluu_sync::{Refusal, RefusalCode, Steady};

use super::story::{nobody, signatory};
use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::limits::{REFUSALS_EVERY_MS, REFUSALS_WAITING_MAX};
use crate::resolve::unit_name;
use crate::status::why;
use crate::turn::{Reply, Turn};
use crate::view::{ReadView, ReadsQuery, RefusalWhy, RefusedView};

/// What somebody was shown. Whether any of it is private is asked of the form.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Who: an account, or the user of this machine who asked.
    pub who: String,
    /// What was asked, in one word.
    pub how: &'static str,
    /// Whose figures; nothing where several units' were shown at once.
    pub unit: Option<UnitId>,
    /// By which form; nothing where several were.
    pub form: Option<FormId>,
    /// For which period; nothing where several were.
    pub period: Option<Period>,
    /// The lines that were shown; nothing where all were.
    pub codes: Option<Vec<IndicatorCode>>,
}

/// What was refused, as the log of refusals has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RefusedKind {
    /// Something that a peer sent.
    Entry,
    /// A link.
    Link,
    /// A chain of certificates, before anybody was known by it.
    Chain,
    /// A ticket.
    Join,
    /// A parcel.
    Parcel,
}

impl RefusedKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Link => "link",
            Self::Chain => "chain",
            Self::Join => "join",
            Self::Parcel => "parcel",
        }
    }
}

type Name = (RefusedKind, Option<NodeId>, String);

#[derive(Debug, Clone, Copy)]
struct Counted {
    first: Timestamp,
    last: Timestamp,
    count: u64,
}

/// Refusals on their way to the disk. They are written now and then, all that have come since in one write, so that
/// whoever is refused a thousand times costs no more than once. A crash loses those of the last seconds.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    waiting: BTreeMap<Name, Counted>,
    /// Before then nothing is written.
    next: Steady,
}

impl Refusals {
    fn add(&mut self, name: Name, now: Timestamp, count: u64) {
        if !self.waiting.contains_key(&name) && self.waiting.len() >= REFUSALS_WAITING_MAX {
            return;
        }
        let counted = self.waiting.entry(name).or_insert(Counted {
            first: now,
            last: now,
            count: 0,
        });
        counted.last = now;
        counted.count = counted.count.saturating_add(count);
    }

    fn take(&mut self) -> Vec<RefusalRow> {
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let row = |((kind, node, reason), counted): (Name, Counted)| RefusalRow {
            kind: kind.as_str().to_owned(),
            node,
            reason,
            first: counted.first,
            last: counted.last,
            count: counted.count,
        };
        waiting.map(row).collect()
    }
}

fn word(why: RefusalWhy) -> &'static str {
    match why {
        RefusalWhy::Signature => "signature",
        RefusalWhy::Malformed => "malformed",
        RefusalWhy::Scope => "scope",
        RefusalWhy::Bound => "bound",
        RefusalWhy::Conflict => "conflict",
        RefusalWhy::Unsupported => "unsupported",
        RefusalWhy::Other => "other",
    }
}

impl Core {
    /// Notes that something was refused.
    pub(crate) fn refused(
        &mut self,
        turn: &Turn,
        kind: RefusedKind,
        node: Option<NodeId>,
        reason: &str,
    ) {
        self.refusals
            .add((kind, node, reason.to_owned()), turn.now, 1);
        self.write_refusals(turn.steady);
    }

    /// Notes what was refused of a push. What only waits for something is not refused.
    pub(crate) fn entries_refused(&mut self, turn: &Turn, from: NodeId, refused: &[Refusal]) {
        for refusal in refused {
            if !matches!(refusal.code, RefusalCode::PARKED | RefusalCode::CROWDED) {
                let reason = word(why(refusal.code)).to_owned();
                let name = (RefusedKind::Entry, Some(from), reason);
                self.refusals.add(name, turn.now, 1);
            }
        }
        self.write_refusals(turn.steady);
    }

    fn write_refusals(&mut self, now: Steady) {
        if self.refusals.waiting.is_empty() || now < self.refusals.next {
            return;
        }
        self.refusals.next = now.plus_ms(REFUSALS_EVERY_MS);
        let rows = self.refusals.take();
        self.submit(
            move |tx| note_all(tx, &rows),
            |core, turn, result| {
                if let Err(error) = result {
                    core.write_failed(turn, error);
                }
            },
        );
    }

    /// Takes over the chains that handshakes have refused, which happens where nobody is known yet.
    pub(crate) fn count_refused_chains(&mut self, now: Timestamp) {
        let endpoint = self.endpoint.as_ref();
        let chains = endpoint.map(hopluu_net::Endpoint::take_refused_chains);
        for (reason, count) in chains.unwrap_or_default() {
            let name = (RefusedKind::Chain, None, reason.to_owned());
            self.refusals.add(name, now, count);
        }
    }

    /// Puts down what is not on disk yet, before the store closes.
    pub(crate) fn end_refusals(&mut self, now: Timestamp) {
        self.count_refused_chains(now);
        let rows = self.refusals.take();
        if !rows.is_empty() {
            self.submit(move |tx| note_all(tx, &rows), |_, _, _| {});
        }
    }

    /// What was refused, the last first.
    pub(crate) fn refused_list(&mut self, now: Timestamp, reply: Reply<Vec<RefusedView>>) {
        self.count_refused_chains(now);
        let rows = self.refusals.take();
        self.submit(
            move |tx| {
                note_all(tx, &rows)?;
                tx.refusals()
            },
            move |core, turn, result| {
                let rows = result.map_err(|error| core.write_failed(turn, error));
                reply(rows.map(|rows| rows.iter().map(|row| core.refused_view(row)).collect()));
            },
        );
    }

    fn refused_view(&self, row: &RefusalRow) -> RefusedView {
        let on = clock::day(row.last);
        let of = row
            .node
            .map_or_else(nobody, |node| signatory(self.registry(), node, "", on));
        RefusedView {
            kind: row.kind.clone(),
            of,
            reason: row.reason.clone(),
            first: row.first,
            last: row.last,
            count: row.count,
        }
    }

    /// Notes that somebody is about to be shown something, if any of it is private. Where the disk takes nothing it is
    /// shown all the same: a commune must be able to read its report.
    pub(crate) fn note_shown(&mut self, now: Timestamp, shown: Shown, reply: Reply<()>) {
        if !self.is_private(&shown) {
            return reply(Ok(()));
        }
        let text = |unit: Option<String>| unit.unwrap_or_default();
        let read = PrivateRead {
            day: clock::day_number(now),
            who: shown.who,
            how: shown.how.to_owned(),
            unit: text(shown.unit.map(|unit| unit.to_string())),
            form: text(shown.form.map(|form| form.to_string())),
            period: text(shown.period.map(|period| period.to_string())),
            first: now,
            last: now,
            count: 1,
        };
        self.submit(
            move |tx| tx.note_private_read(&read),
            move |core, turn, result| {
                if let Err(error) = result {
                    tracing::error!(error = %ErrorChain(&error), "a read of private lines is not noted");
                    core.write_failed(turn, error);
                }
                reply(Ok(()));
            },
        );
    }

    fn is_private(&self, shown: &Shown) -> bool {
        let (registry, own) = (self.registry(), &self.me().unit);
        let is_private = |form: &Form| {
            let mut lines = form.lines().iter();
            lines.any(|line| {
                let is_shown = |codes: &Vec<IndicatorCode>| codes.contains(&line.code);
                line.value().is_some_and(ValueLine::is_private)
                    && shown.codes.as_ref().is_none_or(is_shown)
            })
        };
        match &shown.form {
            Some(form) => registry
                .form(form, own)
                .is_some_and(|known| is_private(&known.form)),
            None => registry
                .forms(own)
                .iter()
                .any(|known| is_private(&known.form)),
        }
    }

    /// Who was shown what is private, the oldest first.
    pub(crate) fn private_reads(&self, query: &ReadsQuery) -> Result<Vec<ReadView>, CommandError> {
        let units = query.unit.as_deref();
        let units = units.map(|text| self.units_of(text)).transpose()?;
        let rows = self.read()?.private_reads(i64::MIN);
        let rows = rows.map_err(CommandError::Store)?.into_iter();
        let tree = self.tree();
        let views = rows.map(|row| {
            let (day, unit) = (clock::day_of(row.day), row.unit.parse::<UnitId>().ok());
            ReadView {
                day,
                who: row.who,
                how: row.how,
                unit_name: unit.as_ref().map(|unit| unit_name(&tree, unit, day)),
                unit,
                form: row.form,
                period: row.period,
                first: row.first,
                last: row.last,
                count: row.count,
            }
        });
        let is_asked = |view: &ReadView| {
            let is_of =
                |units: &Vec<UnitId>| view.unit.as_ref().is_some_and(|unit| units.contains(unit));
            query.since.is_none_or(|since| since <= view.day) && units.as_ref().is_none_or(is_of)
        };
        Ok(views.filter(is_asked).collect())
    }
}

fn note_all(tx: &mut WriteTx<'_>, rows: &[RefusalRow]) -> Result<(), DbError> {
    rows.iter().try_for_each(|row| tx.note_refusal(row))
}

#[cfg(test)]
mod tests;
