//! The list of reports: three rows of the store for each, so it is put together beside the loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::{Compartment, DocKey, FactsView, PrivateLines};
use hopluu_form::Line;
use hopluu_model::{DocId, FormId, Period, Place, Step, UnitId};
use hopluu_store::{DbError, DocRow, Read, Store};

use crate::admit::receipt_heads;
use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::handle::ReportFilter;
use crate::registry::Registry;
use crate::resolve::unit_name;
use crate::totals::joined;
use crate::view::{Reached, ReportRef, ReportRow};

/// What reports are listed by: the store and the registry, which is all that it takes. Whoever has
/// it needs no core.
#[derive(Clone)]
pub(crate) struct Shelf {
    pub(crate) store: Store,
    /// Who asks.
    pub(crate) me: Place,
    pub(crate) registry: Arc<Registry>,
}

/// A list that was asked for, its filter resolved.
pub(crate) struct Listing {
    shelf: Shelf,
    form: Option<FormId>,
    units: Option<Vec<UnitId>>,
    period: Option<Period>,
}

impl Core {
    pub(crate) fn shelf(&self) -> Shelf {
        Shelf {
            store: self.store().clone(),
            me: self.me().clone(),
            registry: self.shared_registry(),
        }
    }

    /// Reports here, with how far each got.
    ///
    /// # Errors
    /// When a filter names nothing, or the store cannot be read.
    pub fn report_list(&self, filter: &ReportFilter) -> Result<Vec<ReportRow>, CommandError> {
        self.listing(filter)?.run()
    }

    pub(crate) fn listing(&self, filter: &ReportFilter) -> Result<Listing, CommandError> {
        let form = filter.form.as_deref();
        let form = form.map(|text| self.known_form(text)).transpose()?;
        let units = filter.unit.as_deref();
        let units = units.map(|text| self.units_of(text)).transpose()?;
        let period = filter.period.as_deref().map(|text| {
            let form = filter.form.clone().unwrap_or_default();
            let takes = Vec::new();
            let text = text.to_owned();
            text.parse()
                .map_err(|_| CommandError::UnknownPeriod { text, form, takes })
        });
        let period = period.transpose()?;
        Ok(Listing {
            shelf: self.shelf(),
            form: form.map(|known| known.form.id().clone()),
            units,
            period,
        })
    }
}

impl Listing {
    pub(crate) fn run(self) -> Result<Vec<ReportRow>, CommandError> {
        let mut listed = self.rows().map_err(CommandError::Store)?;
        listed.sort_by(|a, b| {
            let key = |row: &ReportRow| {
                let report = &row.report;
                (
                    report.form.clone(),
                    report.period.clone(),
                    report.unit.clone(),
                    report.instance,
                )
            };
            key(a).cmp(&key(b))
        });
        Ok(listed)
    }

    fn rows(&self) -> Result<Vec<ReportRow>, DbError> {
        let read = self.shelf.store.read()?;
        let mut rows: BTreeMap<DocId, Listed> = BTreeMap::new();
        read.for_each_doc(|row| {
            if !self.fits(&row) {
                return;
            }
            let Ok(key) = DocKey::decode(&row.key) else {
                return;
            };
            let listed = rows.entry(key.open().id()).or_default();
            if key.compartment.is_public() {
                listed.open = Some(row);
            } else if self.shelf.registry.reads(&self.shelf.me, &key) {
                listed.closed.push((key.compartment, row.doc));
            }
        })?;
        // What came before its report is listed with it.
        let rows = rows.into_values();
        rows.filter_map(|listed| Some((listed.open?, listed.closed)))
            .map(|(row, closed)| self.shelf.row(&read, &row, &closed))
            .collect()
    }

    fn fits(&self, row: &DocRow) -> bool {
        self.form.as_ref().is_none_or(|form| *form == row.form)
            && self
                .units
                .as_ref()
                .is_none_or(|units| units.contains(&row.unit))
            && self
                .period
                .as_ref()
                .is_none_or(|period| *period == row.period)
    }
}

/// The documents of one report.
#[derive(Default)]
struct Listed {
    open: Option<DocRow>,
    closed: Vec<(Compartment, DocId)>,
}

impl Shelf {
    fn row(
        &self,
        read: &Read,
        row: &DocRow,
        closed: &[(Compartment, DocId)],
    ) -> Result<ReportRow, DbError> {
        let body = self.facts(read, row, closed)?;
        let mut listed = ReportRow {
            report: self.report_ref(row),
            state: String::new(),
            reason: None,
            answered: 0,
            lines: 0,
            conflicts: 0,
            reached: self.reached(read, row, closed.iter().map(|(_, doc)| *doc))?,
        };
        let known = self.registry.form_of_major(&row.form, row.major, &row.unit);
        // What stands in the cell of a heading answers nothing that is asked.
        let is_heading = |code: &str| {
            let line = known.zip(code.parse().ok());
            let line = line.and_then(|(known, code)| known.form.line(&code));
            line.is_some_and(Line::is_open_heading)
        };
        if let Some(known) = known {
            let withheld = DocKey::decode(&row.key);
            let withheld = withheld.map(|key| self.registry.withheld(&self.me, &key, &known.form));
            let withheld = withheld.unwrap_or_default();
            let lines = known.form.value_lines();
            let lines = lines.filter(|(line, _)| !withheld.contains(&line.code));
            listed.lines = u32::try_from(lines.count()).unwrap_or(u32::MAX);
        }
        let Ok(facts) = FactsView::new(&body) else {
            return Ok(listed);
        };
        if let Ok(state) = facts.state() {
            listed.reason = state.reason().map(str::to_owned);
            listed.state = state.step.map_or("", Step::as_str).to_owned();
        }
        let mut codes = BTreeSet::new();
        for register in facts.figures().flatten() {
            let values: Vec<_> = register.candidates().map(|fact| fact.value).collect();
            let is_settled = values.windows(2).all(|pair| pair.first() == pair.last());
            listed.conflicts += u32::from(!is_settled);
            if values.iter().any(|value| *value != "blank") {
                let code = register.key.split('@').next().unwrap_or(register.key);
                if !is_heading(code) {
                    codes.insert(code);
                }
            }
        }
        listed.answered = u32::try_from(codes.len()).unwrap_or(u32::MAX);
        Ok(listed)
    }

    /// The facts of a report as a whole.
    fn facts(
        &self,
        read: &Read,
        row: &DocRow,
        closed: &[(Compartment, DocId)],
    ) -> Result<Vec<u8>, DbError> {
        let open = read.facts(row.doc)?.unwrap_or_default();
        let known = self.registry.form_of_major(&row.form, row.major, &row.unit);
        let Some(known) = known.filter(|_| !closed.is_empty()) else {
            return Ok(open);
        };
        let mut bodies = Vec::new();
        for (name, doc) in closed {
            bodies.extend(read.facts(*doc)?.map(|body| (name, body)));
        }
        let bodies: Vec<_> = bodies
            .iter()
            .map(|(name, body)| (*name, &body[..]))
            .collect();
        Ok(joined(&PrivateLines::of(&known.form), &open, &bodies))
    }

    pub(crate) fn report_ref(&self, row: &DocRow) -> ReportRef {
        let registry = &self.registry;
        let known = registry.form_of_major(&row.form, row.major, &row.unit);
        let day = known.and_then(|known| known.form.tree_day(&row.period).ok());
        let day = day.unwrap_or(row.unit.since);
        ReportRef {
            doc: row.doc,
            unit: row.unit.clone(),
            unit_name: unit_name(registry.tree(), &row.unit, day),
            form: row.form.clone(),
            period: row.period.clone(),
            instance: DocKey::decode(&row.key).map_or(0, |key| key.instance),
        }
    }

    /// How far a report got above this node, the nearest superior first: all of its documents that are here.
    pub(crate) fn reached(
        &self,
        read: &Read,
        row: &DocRow,
        closed: impl Iterator<Item = DocId>,
    ) -> Result<Vec<Reached>, DbError> {
        let mut receipts = read.receipts(row.doc)?;
        let mut behind = BTreeSet::new();
        for receipt in &receipts {
            if receipt_heads(receipt).is_some_and(|heads| heads != row.heads) {
                behind.insert(receipt.by.clone());
            }
        }
        for doc in closed {
            let heads = read.doc(doc)?.map(|row| row.heads);
            let others = read.receipts(doc)?;
            for receipt in &mut receipts {
                let other = others.iter().find(|other| other.by == receipt.by);
                if other.and_then(receipt_heads) == heads {
                    receipt.at = receipt.at.max(other.map_or(receipt.at, |other| other.at));
                } else {
                    behind.insert(receipt.by.clone());
                }
            }
        }
        let tree = Arc::clone(self.registry.tree());
        let mut reached: Vec<_> = receipts
            .iter()
            .filter(|receipt| receipt_heads(receipt).is_some())
            .map(|receipt| {
                let on = clock::day(receipt.at);
                Reached {
                    unit: receipt.by.clone(),
                    unit_name: unit_name(&tree, &receipt.by, on),
                    level: tree
                        .unit(&receipt.by)
                        .map(|u| u.level.clone())
                        .unwrap_or_default(),
                    at: receipt.at,
                    is_current: !behind.contains(&receipt.by),
                }
            })
            .collect();
        // The deeper a unit lies, the nearer it is to the report's own.
        let depth = |unit: &UnitId| tree.path(unit, unit.since).len();
        reached.sort_by_key(|receipt| (std::cmp::Reverse(depth(&receipt.unit)), receipt.at));
        Ok(reached)
    }
}
