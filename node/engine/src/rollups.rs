//! Totals as people see them, and what they were made of.

use std::collections::BTreeSet;
use std::sync::Arc;

use hopluu_doc::{Facts, FactsView, PrivateLines};
use hopluu_form::Form;
use hopluu_model::{Date, Digest, DocId, IndicatorCode, Timestamp, UnitId};
use hopluu_rollup::algebra::Shown;
use hopluu_rollup::{LineTotal, Missing, ReportFacts, Total, Totals};
use hopluu_store::Store;

use crate::beginnings::Beginnings;
use crate::core::Core;
use crate::docket::SealedBy;
use crate::edit::closed_keys;
use crate::error::CommandError;
use crate::handle::TotalSelector;
use crate::open_docs;
use crate::registry::KnownForm;
use crate::resolve::{line, unit_name};
use crate::show::{finding_view, is_about_none};
use crate::totals::{Fact, counted_key, facts_of};
use crate::view::{
    AuthorView, ContributorView, ExplainView, Freshness, MissingView, RecomputeView, TotalLineView,
    TotalView,
};

impl Core {
    pub(crate) fn asked(
        &self,
        selector: &TotalSelector,
    ) -> Result<(KnownForm, hopluu_model::Period, Date, UnitId), CommandError> {
        let known = self.known_form(&selector.form)?;
        let (period, day) = self.period(&known.form, &selector.period)?;
        let unit = self.unit(selector.unit.as_deref(), day)?;
        if !self.tree().exists_on(&unit, day) {
            let period = period.to_string();
            return Err(CommandError::NotThen { unit, period, day });
        }
        // What this node is not told would look as if it were missing everywhere.
        let (tree, own) = (self.tree(), &self.me().unit);
        let is_told = if self.me().office.is_some() {
            unit == *own && tree.children(&unit, day).is_empty()
        } else {
            tree.is_at_or_below(&unit, own)
        };
        if is_told {
            Ok((known, period, day, unit))
        } else {
            Err(CommandError::NotTold { unit })
        }
    }

    /// The total of a unit.
    ///
    /// # Errors
    /// When the selector names none, or the store cannot be read.
    pub fn rollup_show(&mut self, selector: &TotalSelector) -> Result<TotalView, CommandError> {
        let (known, period, day, unit) = self.asked(selector)?;
        let totals = self.totals(&known, &period)?;
        let uncounted: Vec<_> = totals
            .unplaced()
            .map(|(unit, period, ..)| (unit.clone(), period.clone()))
            .collect();
        let total = totals.total(&unit);
        let total = total.ok_or_else(|| not_reporting(&unit, &known.form))?;
        let mut view = self.total_view(&known.form, day, &total);
        let tree = self.tree();
        let below = uncounted.into_iter();
        let below = below.filter(|(other, _)| tree.is_at_or_below(other, &unit));
        view.uncounted = below
            .map(|(unit, period)| MissingView {
                name: unit_name(&tree, &unit, day),
                unit,
                period,
            })
            .collect();
        Ok(view)
    }

    fn total_view(&self, form: &Form, day: Date, total: &Total) -> TotalView {
        let tree = self.tree();
        let withheld = self.withheld(form, total);
        let lines = form.value_lines().filter_map(|(row, _)| {
            let line = total.line(&row.code)?;
            let view = line_view(line, &row.label.vi, &row.label.en);
            Some(if withheld.contains(&row.code) {
                shut(view)
            } else {
                view
            })
        });
        let findings = total.findings.iter();
        let findings = findings.filter(|finding| is_about_none(finding, &withheld));
        TotalView {
            unit: total.unit.clone(),
            unit_name: unit_name(&tree, &total.unit, day),
            form: total.form.clone(),
            form_version: total.version,
            period: total.period.clone(),
            tree_day: day,
            tree: total.tree,
            digest: total.digest(),
            reported: total.coverage.reported,
            expected: total.coverage.expected,
            missing: self.missing(&total.coverage.missing, day),
            own_parts_reported: total.own_parts.reported,
            own_parts_expected: total.own_parts.expected,
            own_parts_missing: self.missing(&total.own_parts.missing, day),
            uncounted: Vec::new(),
            lines: lines.collect(),
            findings: findings.map(finding_view).collect(),
            freshness: total
                .children
                .iter()
                .map(|child| Freshness {
                    unit: child.unit.clone(),
                    heard: self.heard(&child.unit),
                })
                .collect(),
        }
    }

    /// The lines of a total that are not this node's to read, because they are not in one of the reports behind it.
    fn withheld(&self, form: &Form, total: &Total) -> Vec<IndicatorCode> {
        let of = |period| {
            let key = counted_key(&total.unit, form, period);
            self.registry().withheld(self.me(), &key, form)
        };
        total.parts.iter().flat_map(of).collect()
    }

    pub(crate) fn missing(&self, missing: &[Missing], day: Date) -> Vec<MissingView> {
        let tree = self.tree();
        let view = |missing: &Missing| MissingView {
            unit: missing.unit.clone(),
            name: unit_name(&tree, &missing.unit, day),
            period: missing.period.clone(),
        };
        missing.iter().map(view).collect()
    }

    /// When a unit's main node or one of its offices was last heard here.
    fn heard(&self, unit: &UnitId) -> Option<Timestamp> {
        let registry = self.registry();
        let nodes = registry
            .identities()
            .filter(|identity| identity.place.unit == *unit);
        nodes
            .filter_map(|identity| self.heard.get(&identity.place.node).copied())
            .max()
    }

    /// What a total was made of, down to documents, heads and authors.
    ///
    /// # Errors
    /// When the selector names none, or the store cannot be read.
    pub fn rollup_explain(
        &mut self,
        selector: &TotalSelector,
        code: Option<&str>,
    ) -> Result<ExplainView, CommandError> {
        let (known, period, day, unit) = self.asked(selector)?;
        let code = code.map(|text| line(&known.form, text)).transpose()?;
        let code = code.map(|(row, _)| row.code.clone());
        let (totals_below, digest, missing) = {
            let totals = self.totals(&known, &period)?;
            let top = totals
                .total(&unit)
                .ok_or_else(|| not_reporting(&unit, &known.form))?;
            let (digest, missing) = (top.digest(), top.coverage.missing.clone());
            let mut below = Vec::new();
            let mut waiting = vec![top];
            while let Some(total) = waiting.pop() {
                let children = total.children.iter().rev();
                waiting.extend(children.filter_map(|child| totals.total(&child.unit)));
                let code = code.as_ref();
                let value = code
                    .and_then(|code| totals.line(&total.unit, code)?.value)
                    .map(|value| value.to_string());
                let entered = code.map(|code| totals.entered(&total.unit, code));
                below.push((total, value, entered.unwrap_or_default()));
            }
            (below, digest, missing)
        };
        let mut contributors = Vec::new();
        for (total, value, entered) in &totals_below {
            contributors.extend(self.contributors(day, total, value.as_deref(), entered)?);
        }
        Ok(ExplainView {
            unit_name: unit_name(&self.tree(), &unit, day),
            unit,
            code,
            digest,
            contributors,
            missing: self.missing(&missing, day),
        })
    }

    fn contributors(
        &self,
        day: Date,
        total: &Total,
        value: Option<&str>,
        entered: &[(DocId, Shown)],
    ) -> Result<Vec<ContributorView>, CommandError> {
        let tree = self.tree();
        let summary = ContributorView {
            unit: total.unit.clone(),
            unit_name: unit_name(&tree, &total.unit, day),
            doc: None,
            period: total.period.clone(),
            heads: Vec::new(),
            authors: Vec::new(),
            total: Some(total.digest()),
            reported: total.coverage.reported,
            expected: total.coverage.expected,
            value: value.map(str::to_owned),
        };
        let mut views = vec![summary];
        for source in &total.sources {
            views.push(ContributorView {
                unit: source.unit.clone(),
                unit_name: unit_name(&tree, &source.unit, day),
                doc: Some(source.doc),
                period: source.period.clone(),
                heads: source.heads.clone(),
                authors: self.author_views(source.doc)?,
                total: None,
                reported: 0,
                expected: 0,
                value: entered
                    .iter()
                    .find(|(doc, _)| *doc == source.doc)
                    .and_then(|(_, shown)| shown.value)
                    .map(|value| value.to_string()),
            });
        }
        Ok(views)
    }

    fn author_views(&self, doc: DocId) -> Result<Vec<AuthorView>, CommandError> {
        let authors: BTreeSet<_> = self.authors(doc)?.into_values().collect();
        let registry = self.registry();
        let view = |by: SealedBy| {
            let place = registry.identity(&by.node).map(|identity| &identity.place);
            AuthorView {
                node: by.node,
                unit: place.map(|place| place.unit.clone()),
                office: place.and_then(|place| place.office.clone()),
                account: by.person(),
            }
        };
        Ok(authors.into_iter().map(view).collect())
    }

    /// What recomputing a total takes of the core; the work itself goes on beside the loop.
    pub(crate) fn recompute(
        &mut self,
        selector: &TotalSelector,
    ) -> Result<Recompute, CommandError> {
        let (known, period, _, unit) = self.asked(selector)?;
        let kept = self
            .totals(&known, &period)?
            .digest(&unit)
            .ok_or_else(|| not_reporting(&unit, &known.form))?;
        Ok(Recompute {
            store: self.store().clone(),
            beginnings: Arc::clone(&self.beginnings),
            fresh: self.empty_totals(&known, &period)?,
            form: known.form,
            unit,
            kept,
        })
    }
}

/// A total on its way to be computed again from the documents themselves.
#[derive(Debug)]
pub(crate) struct Recompute {
    store: Store,
    beginnings: Arc<Beginnings>,
    form: Arc<Form>,
    unit: UnitId,
    kept: Digest,
    fresh: Totals,
}

impl Recompute {
    /// Loads every document again and compares what they add up to with what was kept.
    pub(crate) fn run(mut self) -> Result<RecomputeView, CommandError> {
        let parts = self.fresh.parts().to_vec();
        let rows = {
            let reader = self.store.read().map_err(CommandError::Store)?;
            let facts = reader.consistent(|read| facts_of(read, &self.form, &parts));
            facts.map_err(CommandError::Store)?
        };
        let mut documents = 0;
        for row in rows {
            self.add(&row)?;
            documents += 1 + u32::try_from(row.also.len()).unwrap_or(u32::MAX);
        }
        let recomputed = self
            .fresh
            .digest(&self.unit)
            .ok_or_else(|| not_reporting(&self.unit, &self.form))?;
        Ok(RecomputeView {
            kept: self.kept,
            recomputed,
            documents,
        })
    }

    fn add(&mut self, row: &Fact) -> Result<(), CommandError> {
        let open = counted_key(&row.unit, &self.form, &row.period);
        let mut keys = closed_keys(&open, &self.form);
        keys.insert(0, open.clone());
        let (mut facts, mut closed, mut state) = (Facts::new(), Vec::new(), None);
        let (mut heads, mut also) = (Vec::new(), Vec::new());
        for key in keys {
            let doc = key.id();
            if doc != row.doc && !row.also.iter().any(|(other, _)| *other == doc) {
                continue;
            }
            let report = open_docs::load(&self.store, &self.beginnings, &key, &self.form)?;
            let (said, stands) = open_docs::guarded(doc, || {
                if key == open {
                    state = Some(report.state());
                }
                (report.facts(), report.heads())
            })?;
            if doc == row.doc {
                heads = stands;
            } else {
                also.push((doc, stands));
            }
            if key == open {
                facts = said;
            } else {
                closed.push((key.compartment, said));
            }
        }
        if !closed.is_empty() {
            facts = PrivateLines::of(&self.form)
                .facts(&facts, closed.iter().map(|(name, facts)| (name, facts)));
        }
        let packed = facts.encode();
        let facts = FactsView::new(&packed).map_err(|error| damaged(&row.doc, error))?;
        let facts = ReportFacts {
            doc: row.doc,
            heads: &heads,
            also: &also,
            is_withdrawn: state.is_some_and(|state| state.is_withdrawn()),
            facts,
        };
        self.fresh
            .set(&row.unit, &row.period, &facts)
            .map_err(|error| damaged(&row.doc, error))?;
        Ok(())
    }
}

fn damaged(doc: &DocId, error: impl std::fmt::Display) -> CommandError {
    CommandError::Damaged {
        doc: doc.to_string(),
        detail: error.to_string(),
    }
}

pub(crate) fn not_reporting(unit: &UnitId, form: &Form) -> CommandError {
    CommandError::NotReporting {
        unit: unit.clone(),
        form: form.id().to_string(),
    }
}

/// A line of which nothing is known here.
fn shut(view: TotalLineView) -> TotalLineView {
    TotalLineView {
        value: None,
        percent: None,
        own: None,
        range: None,
        answered: 0,
        blank: 0,
        unsettled: 0,
        missing: 0,
        is_upper_bound: false,
        may_count_twice: false,
        is_inexact: false,
        is_withheld: true,
        ..view
    }
}

fn line_view(line: &LineTotal, label_vi: &str, label_en: &str) -> TotalLineView {
    TotalLineView {
        code: line.code.clone(),
        label_vi: label_vi.to_owned(),
        label_en: label_en.to_owned(),
        value: line.value.map(|value| value.to_string()),
        percent: line.percent().map(|percent| percent.to_string()),
        own: line
            .own
            .as_ref()
            .and_then(|own| own.value)
            .map(|value| value.to_string()),
        range: line
            .range
            .map(|(low, high)| (low.to_string(), high.to_string())),
        answered: line.counts.answered,
        blank: line.counts.blank,
        unsettled: line.counts.unsettled,
        missing: line.counts.missing,
        is_upper_bound: line.marks.is_upper_bound(),
        may_count_twice: line.marks.may_count_twice(),
        is_inexact: line.marks.qualifier() != hopluu_model::Qualifier::Exact,
        is_withheld: false,
    }
}
