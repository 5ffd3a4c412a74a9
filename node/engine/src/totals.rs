//! Totals of the forms and periods in use, kept up to date as documents change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::{Compartment, DocKey, DocKind, FactsView};
use hopluu_form::Form;
use hopluu_model::{ChangeHash, DocId, ErrorChain, FormId, Period, UnitId};
use hopluu_rollup::{Filing, ReportFacts, Totals};
use hopluu_store::{DbError, DocRow, FactsRow, Read};
use hopluu_sync::Steady;

use crate::core::{Core, unreadable};
use crate::error::CommandError;
use crate::limits::{TOTALS_KEPT_MAX, TOTALS_REST_MS};
use crate::registry::KnownForm;
use crate::turn::Turn;
use crate::view::WatchEvent;

/// What totals are kept by.
type Series = (FormId, u16, Period);

#[derive(Debug)]
struct KeptTotals {
    totals: Totals,
    used: u64,
}

/// The totals kept in memory, the least recently used one first to go.
#[derive(Debug, Default)]
pub(crate) struct TotalsKept {
    kept: BTreeMap<Series, KeptTotals>,
    clock: u64,
    /// Those that changed while they were not kept.
    stale: BTreeSet<Series>,
    rests_until: Steady,
}

impl TotalsKept {
    /// Forgets the totals: what they are made by is another now. They are read again by and by.
    pub(crate) fn forget_all(&mut self) {
        self.stale
            .extend(std::mem::take(&mut self.kept).into_keys());
    }

    /// Forgets those of a series that a change could not be brought into.
    fn forget(&mut self, is_wrong: impl Fn(&Series, &KeptTotals) -> bool) {
        let wrong = self
            .kept
            .extract_if(.., |series, kept| is_wrong(series, kept));
        self.stale.extend(wrong.map(|(series, _)| series));
    }

    /// When the next of those that changed is to be read.
    pub(crate) fn next_wake(&self) -> Option<Steady> {
        (!self.stale.is_empty()).then_some(self.rests_until)
    }

    fn get(&mut self, series: &Series) -> Option<&mut Totals> {
        self.clock += 1;
        let kept = self.kept.get_mut(series)?;
        kept.used = self.clock;
        Some(&mut kept.totals)
    }

    fn keep(&mut self, series: Series, totals: Totals) {
        while self.kept.len() >= TOTALS_KEPT_MAX {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used);
            let Some(oldest) = oldest.map(|(series, _)| series.clone()) else {
                break;
            };
            self.kept.remove(&oldest);
        }
        self.clock += 1;
        self.kept.insert(
            series,
            KeptTotals {
                totals,
                used: self.clock,
            },
        );
    }
}

impl Core {
    /// The totals of a form and period, read from the facts if they are not kept yet.
    pub(crate) fn totals(
        &mut self,
        known: &KnownForm,
        period: &Period,
    ) -> Result<&mut Totals, CommandError> {
        let form = &known.form;
        let series = (form.id().clone(), form.version().major, period.clone());
        if self.totals.get(&series).is_none() {
            let totals = self.fresh_totals(known, period)?;
            self.totals.keep(series.clone(), totals);
        }
        Ok(self
            .totals
            .get(&series)
            .expect("it was kept or has just been"))
    }

    /// The same totals from what is on disk, whatever is kept.
    pub(crate) fn fresh_totals(
        &self,
        known: &KnownForm,
        period: &Period,
    ) -> Result<Totals, CommandError> {
        let form = &known.form;
        let mut totals = self.empty_totals(known, period)?;
        let parts = totals.parts().to_vec();
        let rows = self
            .read()?
            .consistent(|read| facts_of(read, form, &parts))
            .map_err(CommandError::Store)?;
        let refused = totals.fill(rows.iter().filter_map(Fact::filing));
        for (unit, error) in refused {
            tracing::error!(unit = %unit, error = %ErrorChain(&error), "facts cannot be added up");
        }
        Ok(totals)
    }

    pub(crate) fn empty_totals(
        &self,
        known: &KnownForm,
        period: &Period,
    ) -> Result<Totals, CommandError> {
        let form = &known.form;
        Totals::new(
            Arc::clone(form),
            self.tree(),
            period.clone(),
            &known.assigned,
        )
        .map_err(|_| CommandError::UnknownPeriod {
            text: period.to_string(),
            form: form.id().to_string(),
            takes: form
                .calendar()
                .rules()
                .map(|rule| rule.kind.as_str().to_owned())
                .collect(),
        })
    }

    /// Brings the kept totals up to a changed document, and says so where this unit's own changed.
    pub(crate) fn total_changed(&mut self, turn: &mut Turn, row: &DocRow) {
        let Some(known) = self
            .registry()
            .form_of_major(&row.form, row.major, &row.unit)
            .cloned()
        else {
            return;
        };
        if counted_key(&row.unit, &known.form, &row.period).id() != row.doc {
            return;
        }
        // A series in use at this node is kept from its first change on, so that whoever watches
        // hears of every later one.
        let series = (row.form.clone(), row.major, row.period.clone());
        if !self.totals.kept.contains_key(&series) {
            self.totals.stale.insert(series);
        }
        self.follow_totals(turn, row);
        self.refresh_totals(turn);
    }

    /// Sets a changed document in those kept totals that it is a part of.
    fn follow_totals(&mut self, turn: &mut Turn, row: &DocRow) {
        let concerns = |(form, major, _): &Series, kept: &KeptTotals| {
            *form == row.form && *major == row.major && kept.totals.parts().contains(&row.period)
        };
        let mut kept = self.totals.kept.iter();
        if !kept.any(|(series, kept)| concerns(series, kept)) {
            return;
        }
        let body = match self.store().read().and_then(|read| read.facts(row.doc)) {
            Ok(Some(body)) => body,
            Ok(None) => return,
            Err(error) => {
                unreadable(&error);
                return self.totals.forget(concerns);
            }
        };
        let fact = Fact {
            doc: row.doc,
            unit: row.unit.clone(),
            period: row.period.clone(),
            heads: row.heads.clone(),
            body,
        };
        let Some(filing) = fact.filing() else {
            return self.totals.forget(concerns);
        };
        let own = self.me().unit.clone();
        for (series, kept) in &mut self.totals.kept {
            if !concerns(series, kept) {
                continue;
            }
            if let Err(error) = kept.totals.set(filing.unit, filing.period, &filing.report) {
                tracing::error!(doc = %row.doc, error = %ErrorChain(&error), "facts cannot be added up");
            }
            turn.events.extend(changed(series, &kept.totals, &own));
        }
    }

    /// Reads one of the totals that changed while they were not kept. A first sync brings changes of
    /// many years in any order, more than are kept, so there is a rest between two of them.
    pub(crate) fn refresh_totals(&mut self, turn: &mut Turn) {
        if turn.steady < self.totals.rests_until {
            return;
        }
        let Some(series) = self.totals.stale.pop_first() else {
            return;
        };
        self.totals.rests_until = turn.steady.plus_ms(TOTALS_REST_MS);
        let (form, major, period) = &series;
        let own = self.me().unit.clone();
        let Some(known) = self.registry().form_of_major(form, *major, &own).cloned() else {
            return;
        };
        if let Ok(totals) = self.totals(&known, period) {
            turn.events.extend(changed(&series, totals, &own));
        }
    }
}

/// What watchers are told of a unit's total.
fn changed(series: &Series, totals: &Totals, own: &UnitId) -> Option<WatchEvent> {
    let (form, _, period) = series;
    let (digest, tally) = totals.digest(own).zip(totals.tally(own))?;
    Some(WatchEvent::TotalChanged {
        unit: own.clone(),
        form: form.clone(),
        period: period.clone(),
        reported: tally.reports.reported,
        expected: tally.reports.expected,
        digest,
    })
}

/// One document's facts, on their way into totals.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) doc: DocId,
    pub(crate) unit: UnitId,
    pub(crate) period: Period,
    pub(crate) heads: Vec<ChangeHash>,
    pub(crate) body: Vec<u8>,
}

impl Fact {
    pub(crate) fn filing(&self) -> Option<Filing<'_>> {
        let facts = FactsView::new(&self.body).ok()?;
        let is_withdrawn = facts.state().ok()?.is_withdrawn();
        let report = ReportFacts {
            doc: self.doc,
            heads: &self.heads,
            is_withdrawn,
            facts,
        };
        Some(Filing {
            unit: &self.unit,
            period: &self.period,
            report,
        })
    }
}

/// Facts of all documents that count, in the order of the store: totals do not depend on it.
pub(crate) fn facts_of(read: &Read, form: &Form, parts: &[Period]) -> Result<Vec<Fact>, DbError> {
    let mut facts = Vec::new();
    for period in parts {
        read.for_each_facts(
            form.id(),
            form.version().major,
            period,
            |row: FactsRow<'_>| {
                let heads = row.heads.chunks_exact(ChangeHash::LEN);
                let fact = Fact {
                    doc: row.doc,
                    unit: row.unit.clone(),
                    period: period.clone(),
                    heads: heads
                        .filter_map(|head| ChangeHash::try_from(head).ok())
                        .collect(),
                    body: row.body.to_vec(),
                };
                if counted_key(&fact.unit, form, period).id() == fact.doc {
                    facts.push(fact);
                }
            },
        )?;
    }
    Ok(facts)
}

/// Only a unit's first public report of a period counts; further instances are read by themselves.
pub(crate) fn counted_key(unit: &UnitId, form: &Form, period: &Period) -> DocKey {
    DocKey {
        kind: DocKind::Report,
        unit: unit.clone(),
        form: form.id().clone(),
        major: form.version().major,
        period: period.clone(),
        instance: 0,
        compartment: Compartment::public(),
    }
}

#[cfg(test)]
mod tests;
