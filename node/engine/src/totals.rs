//! Totals of the forms and periods in use, kept up to date as documents change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::{Compartment, DocKey, DocKind, Facts, FactsView, PrivateLines};
use hopluu_form::Form;
use hopluu_model::{ChangeHash, DocId, ErrorChain, FormId, Period, UnitId};
use hopluu_rollup::{Filing, ReportFacts, Totals};
use hopluu_store::{DbError, DocRow, FactsRow, Read};
use hopluu_sync::Steady;

use crate::core::{Core, unreadable};
use crate::edit::closed_keys;
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
        let counted = counted_key(&row.unit, &known.form, &row.period);
        if DocKey::decode(&row.key).map(|key| key.open()).as_ref() != Ok(&counted) {
            return;
        }
        // A series in use at this node is kept from its first change on, so that whoever watches
        // hears of every later one.
        let series = (row.form.clone(), row.major, row.period.clone());
        if !self.totals.kept.contains_key(&series) {
            self.totals.stale.insert(series);
        }
        self.follow_totals(turn, row, &known.form);
        self.refresh_totals(turn);
    }

    /// Sets a changed document in those kept totals that it is a part of.
    fn follow_totals(&mut self, turn: &mut Turn, row: &DocRow, form: &Form) {
        let concerns = |(form, major, _): &Series, kept: &KeptTotals| {
            *form == row.form && *major == row.major && kept.totals.parts().contains(&row.period)
        };
        let mut kept = self.totals.kept.iter();
        if !kept.any(|(series, kept)| concerns(series, kept)) {
            return;
        }
        let fact = self
            .store()
            .read()
            .and_then(|read| Papers::of(&read, form, (&row.unit, &row.period)));
        let fact = match fact {
            Ok(papers) => papers.fact(&row.unit, &row.period, &PrivateLines::of(form)),
            Err(error) => {
                unreadable(&error);
                return self.totals.forget(concerns);
            }
        };
        let Some(fact) = fact else { return };
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

/// One report's facts, on their way into totals.
#[derive(Debug)]
pub(crate) struct Fact {
    pub(crate) doc: DocId,
    pub(crate) unit: UnitId,
    pub(crate) period: Period,
    pub(crate) heads: Vec<ChangeHash>,
    /// The documents in compartments whose facts are among these.
    pub(crate) also: Vec<(DocId, Vec<ChangeHash>)>,
    pub(crate) body: Vec<u8>,
}

impl Fact {
    pub(crate) fn filing(&self) -> Option<Filing<'_>> {
        let facts = FactsView::new(&self.body).ok()?;
        let is_withdrawn = facts.state().ok()?.is_withdrawn();
        let report = ReportFacts {
            doc: self.doc,
            heads: &self.heads,
            also: &self.also,
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

/// One document of a report, with its facts.
#[derive(Debug)]
struct Paper {
    doc: DocId,
    heads: Vec<ChangeHash>,
    body: Vec<u8>,
}

/// The documents of one report.
#[derive(Debug, Default)]
struct Papers {
    open: Option<Paper>,
    closed: Vec<(Compartment, Paper)>,
}

impl Papers {
    /// Those that are here.
    fn of(read: &Read, form: &Form, (unit, period): (&UnitId, &Period)) -> Result<Self, DbError> {
        let paper = |doc: DocId| -> Result<Option<Paper>, DbError> {
            let heads = read.doc(doc)?.map(|row| row.heads);
            let paper = heads.zip(read.facts(doc)?);
            Ok(paper.map(|(heads, body)| Paper { doc, heads, body }))
        };
        let key = counted_key(unit, form, period);
        let mut papers = Self {
            open: paper(key.id())?,
            closed: Vec::new(),
        };
        for closed in closed_keys(&key, form) {
            let paper = paper(closed.id())?;
            papers
                .closed
                .extend(paper.map(|paper| (closed.compartment, paper)));
        }
        Ok(papers)
    }

    /// What all of them say; nothing where there are none.
    fn fact(self, unit: &UnitId, period: &Period, lines: &PrivateLines<'_>) -> Option<Fact> {
        let closed = self.closed.iter();
        let bodies: Vec<_> = closed
            .map(|(name, paper)| (name, &paper.body[..]))
            .collect();
        let body = match &self.open {
            Some(open) if bodies.is_empty() => open.body.clone(),
            Some(open) => joined(lines, &open.body, &bodies),
            None => joined(lines, &[], &bodies),
        };
        let papers = self.open.into_iter();
        let mut papers = papers.chain(self.closed.into_iter().map(|(_, paper)| paper));
        let first = papers.next()?;
        Some(Fact {
            doc: first.doc,
            unit: unit.clone(),
            period: period.clone(),
            heads: first.heads,
            also: papers.map(|paper| (paper.doc, paper.heads)).collect(),
            body,
        })
    }
}

/// The facts of a report as a whole; of documents whose facts are damaged nothing, until they are made anew.
pub(crate) fn joined(
    lines: &PrivateLines<'_>,
    open: &[u8],
    closed: &[(&Compartment, &[u8])],
) -> Vec<u8> {
    let read = |body: &[u8]| Facts::decode(body).unwrap_or_default();
    let closed = closed.iter().map(|(name, body)| (*name, read(body)));
    let closed: Vec<_> = closed.collect();
    let closed = closed.iter().map(|(name, facts)| (*name, facts));
    lines.facts(&read(open), closed).encode()
}

/// Facts of all reports that count, by unit: totals do not depend on the order.
pub(crate) fn facts_of(read: &Read, form: &Form, parts: &[Period]) -> Result<Vec<Fact>, DbError> {
    let (mut facts, lines) = (Vec::new(), PrivateLines::of(form));
    for period in parts {
        let mut reports: BTreeMap<UnitId, Papers> = BTreeMap::new();
        read.for_each_facts(
            form.id(),
            form.version().major,
            period,
            |row: FactsRow<'_>| {
                let heads = row.heads.chunks_exact(ChangeHash::LEN);
                let heads = heads.filter_map(|head| ChangeHash::try_from(head).ok());
                let paper = Paper {
                    doc: row.doc,
                    heads: heads.collect(),
                    body: row.body.to_vec(),
                };
                let key = counted_key(row.unit, form, period);
                if key.id() == row.doc {
                    reports.entry(row.unit.clone()).or_default().open = Some(paper);
                    return;
                }
                let mut closed = closed_keys(&key, form).into_iter();
                if let Some(key) = closed.find(|key| key.id() == row.doc) {
                    let papers = reports.entry(row.unit.clone()).or_default();
                    papers.closed.push((key.compartment, paper));
                }
            },
        )?;
        let papers = reports.into_iter();
        facts.extend(papers.filter_map(|(unit, papers)| papers.fact(&unit, period, &lines)));
    }
    Ok(facts)
}

/// Only a unit's first report of a period counts, with what is in its compartments; further instances are read by themselves.
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
