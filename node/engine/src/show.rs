//! Reports as people see them.

use std::collections::BTreeMap;

use hopluu_doc::{Candidate, DocKey, FactsView, FigureKey, Register, Report, Touched};
use hopluu_form::{Finding, Form};
use hopluu_model::{ChangeHash, DocId, ErrorChain, IndicatorCode, NodeId, Scalar, UnitId};
use hopluu_store::DocRow;
use hopluu_trust::Seal;

use crate::admit::receipt_heads;
use crate::clock;
use crate::core::{Core, unreadable};
use crate::error::CommandError;
use crate::handle::ReportFilter;
use crate::limits::SNAPSHOT_AFTER_CHANGES;
use crate::resolve::{Meant, unit_name};
use crate::view::{
    CandidateView, FigureView, FindingView, HistoryRow, Reached, ReportRef, ReportRow, ReportView,
    Selector, TextView,
};

impl Core {
    /// Reports here, with how far each got.
    ///
    /// # Errors
    /// When a filter names nothing, or the store cannot be read.
    pub fn report_list(&self, filter: &ReportFilter) -> Result<Vec<ReportRow>, CommandError> {
        let form = filter
            .form
            .as_deref()
            .map(|text| self.known_form(text))
            .transpose()?;
        let unit = match filter.unit.as_deref() {
            None => None,
            Some(text) => Some(self.unit(Some(text), self.any_day(filter))?),
        };
        let mut rows = Vec::new();
        let read = self.read()?;
        read.for_each_doc(|row| {
            let fits = form
                .as_ref()
                .is_none_or(|known| *known.form.id() == row.form)
                && unit.as_ref().is_none_or(|unit| *unit == row.unit)
                && filter
                    .period
                    .as_deref()
                    .is_none_or(|text| text == row.period.to_string());
            if fits {
                rows.push(row);
            }
        })
        .map_err(CommandError::Store)?;
        drop(read);
        let mut listed = rows
            .iter()
            .map(|row| self.report_row(row))
            .collect::<Result<Vec<_>, _>>()?;
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

    /// The day by which a filter's unit is read: its period's, else the newest there is.
    fn any_day(&self, filter: &ReportFilter) -> hopluu_model::Date {
        let form = filter
            .form
            .as_deref()
            .and_then(|text| self.known_form(text).ok());
        let period = filter.period.as_deref().and_then(|text| text.parse().ok());
        form.zip(period)
            .and_then(|(known, period)| known.form.tree_day(&period).ok())
            .unwrap_or(hopluu_model::Date::MAX)
    }

    fn report_row(&self, row: &DocRow) -> Result<ReportRow, CommandError> {
        let read = self.read()?;
        let body = read
            .facts(row.doc)
            .map_err(CommandError::Store)?
            .unwrap_or_default();
        drop(read);
        let mut listed = ReportRow {
            report: self.report_ref(row),
            state: String::new(),
            answered: 0,
            lines: 0,
            conflicts: 0,
            reached: self.reached(row)?,
        };
        if let Some(known) = self
            .registry()
            .form_of_major(&row.form, row.major, &row.unit)
        {
            listed.lines = u32::try_from(known.form.value_lines().count()).unwrap_or(u32::MAX);
        }
        let Ok(facts) = FactsView::new(&body) else {
            return Ok(listed);
        };
        listed.state = facts
            .state()
            .ok()
            .and_then(|state| state.step)
            .map_or_else(String::new, |step| step.as_str().to_owned());
        let mut codes = std::collections::BTreeSet::new();
        for register in facts.figures().flatten() {
            let values: Vec<_> = register.candidates().map(|fact| fact.value).collect();
            let is_settled = values.windows(2).all(|pair| pair.first() == pair.last());
            listed.conflicts += u32::from(!is_settled);
            if values.iter().any(|value| *value != "blank") {
                codes.insert(register.key.split('@').next().unwrap_or(register.key));
            }
        }
        listed.answered = u32::try_from(codes.len()).unwrap_or(u32::MAX);
        Ok(listed)
    }

    pub(crate) fn report_ref(&self, row: &DocRow) -> ReportRef {
        let tree = self.tree();
        let registry = self.registry();
        let known = registry.form_of_major(&row.form, row.major, &row.unit);
        let day = known.and_then(|known| known.form.tree_day(&row.period).ok());
        let day = day.unwrap_or(row.unit.since);
        ReportRef {
            doc: row.doc,
            unit: row.unit.clone(),
            unit_name: unit_name(&tree, &row.unit, day),
            form: row.form.clone(),
            period: row.period.clone(),
            instance: DocKey::decode(&row.key).map_or(0, |key| key.instance),
        }
    }

    /// How far a document got above this node, the nearest superior first.
    fn reached(&self, row: &DocRow) -> Result<Vec<Reached>, CommandError> {
        let receipts = self
            .read()?
            .receipts(row.doc)
            .map_err(CommandError::Store)?;
        let tree = self.tree();
        let mut reached: Vec<_> = receipts
            .iter()
            .filter_map(|receipt| {
                let heads = receipt_heads(receipt)?;
                let on = clock::day(receipt.at);
                Some(Reached {
                    unit: receipt.by.clone(),
                    unit_name: unit_name(&tree, &receipt.by, on),
                    level: tree
                        .unit(&receipt.by)
                        .map(|u| u.level.clone())
                        .unwrap_or_default(),
                    at: receipt.at,
                    is_current: heads == row.heads,
                })
            })
            .collect();
        // The deeper a unit lies, the nearer it is to the report's own.
        let depth = |unit: &UnitId| tree.path(unit, unit.since).len();
        reached.sort_by_key(|receipt| (std::cmp::Reverse(depth(&receipt.unit)), receipt.at));
        Ok(reached)
    }

    /// A report that exists.
    pub(crate) fn existing(&self, selector: &Selector) -> Result<(Meant, DocRow), CommandError> {
        let meant = self.meant(selector)?;
        let row = self
            .doc_row(meant.key.id())?
            .ok_or_else(|| CommandError::NoReport {
                unit: meant.key.unit.clone(),
                form: selector.form.clone(),
                period: selector.period.clone(),
            })?;
        Ok((meant, row))
    }

    /// One report.
    ///
    /// # Errors
    /// When the selector names none, or it cannot be read.
    pub fn report_show(&mut self, selector: &Selector) -> Result<ReportView, CommandError> {
        let (meant, row) = self.existing(selector)?;
        let authors = self.authors(row.doc)?;
        let reached = self.reached(&row)?;
        let form = std::sync::Arc::clone(&meant.form);
        let report = self.open(&meant.key, &form)?;
        let figures = figure_views(report, &form, &authors);
        let texts = report
            .texts()
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|((section, office), text)| TextView {
                section,
                office,
                text,
            })
            .collect();
        let state = report
            .state()
            .step
            .map_or_else(String::new, |step| step.as_str().to_owned());
        let agreed = agreed_figures(&report.figures());
        let findings = form.findings(&agreed);
        Ok(ReportView {
            report: meant.report(),
            form_version: form.version(),
            state,
            heads: report.heads(),
            figures,
            texts,
            findings: findings.iter().map(finding_view).collect(),
            reached,
        })
    }

    /// Who wrote each change, by its seal.
    pub(crate) fn authors(&self, doc: DocId) -> Result<BTreeMap<ChangeHash, NodeId>, CommandError> {
        let mut authors = BTreeMap::new();
        let read = self.read()?;
        read.for_each_change(doc, 0, |row| {
            if let Ok(seal) = Seal::from_wire(&row.seal, doc, row.hash) {
                authors.insert(row.hash, seal.author);
            }
            true
        })
        .map_err(CommandError::Store)?;
        Ok(authors)
    }

    /// Who changed a report, oldest first.
    ///
    /// # Errors
    /// When the selector names none, or it cannot be read.
    pub fn report_history(&mut self, selector: &Selector) -> Result<Vec<HistoryRow>, CommandError> {
        let (meant, row) = self.existing(selector)?;
        let authors = self.authors(row.doc)?;
        let report = self.open(&meant.key, &meant.form)?;
        let history = report.history().map_err(|error| CommandError::Damaged {
            doc: row.doc.to_string(),
            detail: ErrorChain(&error).to_string(),
        })?;
        let registry = self.registry();
        Ok(history
            .into_iter()
            .map(|entry| {
                let author = authors.get(&entry.hash).copied();
                let identity = author.and_then(|node| registry.identity(&node));
                HistoryRow {
                    change: entry.hash,
                    at: entry.at,
                    office: entry.office,
                    author,
                    unit: identity.map(|identity| identity.place.unit.clone()),
                    wrote: entry.touched.iter().map(wrote).collect(),
                }
            })
            .collect())
    }

    /// Packs a document that has grown many changes, so that it loads quickly next time.
    pub(crate) fn snapshot_if_due(&mut self, row: &DocRow) {
        let doc = row.doc;
        let snapshot = self
            .store()
            .read()
            .and_then(|read| read.snapshot_ordinal(doc));
        let packed = match snapshot {
            Ok(ordinal) => ordinal.unwrap_or(0),
            Err(error) => return unreadable(&error),
        };
        if row.changes < packed + SNAPSHOT_AFTER_CHANGES {
            return;
        }
        let known = self
            .registry()
            .form_of_major(&row.form, row.major, &row.unit)
            .cloned();
        let (Some(known), Ok(key)) = (known, DocKey::decode(&row.key)) else {
            return;
        };
        // Read from the disk: the open document may hold saves that are not there yet.
        let Ok(report) = crate::open_docs::load(self.store(), &key, &known.form) else {
            return;
        };
        let (ordinal, body) = (row.changes, report.save_snapshot());
        self.submit(
            move |tx| tx.put_snapshot(doc, ordinal, &body),
            |core, turn, result| {
                if let Err(error) = result {
                    core.write_failed(turn, error);
                }
            },
        );
    }
}

fn figure_views(
    report: &Report,
    form: &Form,
    authors: &BTreeMap<ChangeHash, NodeId>,
) -> Vec<FigureView> {
    let notes = report.notes();
    let order: BTreeMap<&IndicatorCode, usize> = form
        .lines()
        .iter()
        .enumerate()
        .map(|(at, line)| (&line.code, at))
        .collect();
    let mut figures: Vec<_> = report
        .figures()
        .into_iter()
        .map(|(key, register)| FigureView {
            value: register.agreed().map(str::to_owned),
            candidates: register
                .candidates
                .iter()
                .map(|c| candidate_view(c, authors))
                .collect(),
            note: notes
                .get(&key)
                .and_then(Register::agreed)
                .filter(|note| !note.is_empty())
                .map(str::to_owned),
            code: key.code,
            office: key.office,
        })
        .collect();
    figures.sort_by_key(|figure| {
        (
            order.get(&figure.code).copied().unwrap_or(usize::MAX),
            figure.office.clone(),
        )
    });
    figures
}

fn candidate_view(candidate: &Candidate, authors: &BTreeMap<ChangeHash, NodeId>) -> CandidateView {
    CandidateView {
        value: candidate.value.clone(),
        office: candidate.office.clone(),
        author: authors.get(&candidate.change).copied(),
        at: candidate.at,
        change: Some(candidate.change),
    }
}

/// The settled figures of a report by line; the parts of a line that offices add up are summed.
fn agreed_figures(figures: &BTreeMap<FigureKey, Register>) -> BTreeMap<IndicatorCode, Scalar> {
    let mut agreed: BTreeMap<IndicatorCode, Scalar> = BTreeMap::new();
    for (key, register) in figures {
        let Some(value) = register.scalar() else {
            continue;
        };
        let sum = match (agreed.get(&key.code), value) {
            (Some(Scalar::Number(sum, qualifier)), Scalar::Number(part, _)) => sum
                .checked_add(part)
                .map_or(value, |sum| Scalar::Number(sum, *qualifier)),
            (Some(sum @ Scalar::Number(..)), _) => *sum,
            _ => value,
        };
        agreed.insert(key.code.clone(), sum);
    }
    agreed
}

pub(crate) fn finding_view(finding: &Finding) -> FindingView {
    FindingView {
        rule: finding.rule.code().to_owned(),
        code: finding.code.clone(),
        expected: finding
            .expected
            .map(|value| value.to_string())
            .unwrap_or_default(),
        found: finding.found.to_string(),
        parts: finding.others.clone(),
        message_vi: finding.message(hopluu_form::Lang::Vi),
        message_en: finding.message(hopluu_form::Lang::En),
    }
}

fn wrote(touched: &Touched) -> String {
    match touched {
        Touched::Figure(key, value) => format!("figure {key} = {value}"),
        Touched::Note(key, text) => format!("note {key}: {text}"),
        Touched::Text {
            key: (section, office),
            inserted,
            deleted,
        } => {
            format!("text {section}@{office} +{inserted} -{deleted}")
        }
        Touched::Event(event) => {
            let step = event.step().as_str();
            event.reason().map_or_else(
                || format!("event {step}"),
                |reason| format!("event {step}: {reason}"),
            )
        }
    }
}
