//! Reports as people see them.

use std::collections::{BTreeMap, VecDeque};

use hopluu_doc::{
    Candidate, DocKey, FigureKey, HistoryEntry, LifecycleState, Register, TextKey, Touched,
};
use hopluu_form::{Finding, Form};
use hopluu_model::{ChangeHash, DocId, ErrorChain, IndicatorCode, Scalar, Step};
use hopluu_store::DocRow;

use crate::core::Core;
use crate::docket::SealedBy;
use crate::error::CommandError;
use crate::resolve::{Meant, unit_name};
use crate::view::{
    CandidateView, FigureView, FindingView, HistoryRow, ReportRef, ReportView, Selector, TextView,
    WroteView,
};

impl Core {
    pub(crate) fn report_ref(&self, row: &DocRow) -> ReportRef {
        self.shelf().report_ref(row)
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
        let form = std::sync::Arc::clone(&meant.form);
        let parts = self.parts_here(&meant.key, &form)?;
        let mut authors = BTreeMap::new();
        for part in &parts {
            authors.extend(self.authors(part.id())?);
        }
        let closed = parts.iter().skip(1).map(DocKey::id);
        let reached = self.shelf().reached(&*self.read()?, &row, closed);
        let reached = reached.map_err(CommandError::Store)?;
        let figures = self.figures(&meant.key, &form)?;
        let notes = self.notes(&meant.key, &form)?;
        let said = self.on_report(&meant.key, &form, |report| Said {
            texts: report.texts(),
            state: report.state(),
            heads: report.heads(),
        })?;
        let texts = said.texts.into_iter().filter(|(_, text)| !text.is_empty());
        let texts = texts.map(|((section, office), text)| TextView {
            section,
            office,
            text,
        });
        let withheld = self.registry().withheld(self.me(), &meant.key, &form);
        let findings = form.findings(&agreed_figures(&figures)).into_iter();
        let findings = findings.filter(|finding| is_about_none(finding, &withheld));
        Ok(ReportView {
            report: meant.report(),
            form_version: form.version(),
            state: said.state.step.map_or("", Step::as_str).to_owned(),
            reason: said.state.reason().map(str::to_owned),
            heads: said.heads,
            texts: texts.collect(),
            findings: findings.map(|finding| finding_view(&finding)).collect(),
            figures: figure_views(figures, notes, &form, &authors),
            withheld,
            reached,
        })
    }

    /// Who wrote each change, by the seals on its actor's: one actor has one author.
    pub(crate) fn authors(
        &self,
        doc: DocId,
    ) -> Result<BTreeMap<ChangeHash, SealedBy>, CommandError> {
        let (mut authors, mut changes) = (BTreeMap::new(), Vec::new());
        let read = self.read()?;
        read.for_each_change(doc, 0, |row| {
            if let Some(by) = SealedBy::of(&row.seal) {
                authors.insert(row.actor, by);
            }
            changes.push((row.hash, row.actor));
            true
        })
        .map_err(CommandError::Store)?;
        let author = |(hash, actor)| Some((hash, authors.get(&actor)?.clone()));
        Ok(changes.into_iter().filter_map(author).collect())
    }

    /// Who changed a report, oldest first.
    ///
    /// # Errors
    /// When the selector names none, or it cannot be read.
    pub fn report_history(&mut self, selector: &Selector) -> Result<Vec<HistoryRow>, CommandError> {
        let (meant, _) = self.existing(selector)?;
        let (mut authors, mut histories) = (BTreeMap::new(), Vec::new());
        for part in self.parts_here(&meant.key, &meant.form)? {
            let doc = part.id();
            authors.extend(self.authors(doc)?);
            let saves = self.on_report(&part, &meant.form, |report| report.history())?;
            histories.push(saves.map_err(|error| CommandError::Damaged {
                doc: doc.to_string(),
                detail: ErrorChain(&error).to_string(),
            })?);
        }
        let history = by_time(histories);
        let (registry, tree) = (self.registry(), self.tree());
        Ok(history
            .into_iter()
            .map(|entry| {
                let by = authors.get(&entry.hash);
                let identity = by.and_then(|by| registry.identity(&by.node));
                HistoryRow {
                    change: entry.hash,
                    at: entry.at,
                    office: entry.office,
                    author: by.map(|by| by.node),
                    account: by.and_then(SealedBy::person),
                    unit: identity.map(|identity| identity.place.unit.clone()),
                    unit_name: identity
                        .map(|identity| unit_name(&tree, &identity.place.unit, meant.day)),
                    author_office: identity.and_then(|identity| identity.place.office.clone()),
                    wrote: entry.touched.iter().map(wrote).collect(),
                }
            })
            .collect())
    }
}

/// What an open document says, read in one go.
struct Said {
    texts: BTreeMap<TextKey, String>,
    state: LifecycleState,
    heads: Vec<ChangeHash>,
}

/// The saves of several documents, each in its own order, by the times that they claim.
fn by_time(histories: Vec<Vec<HistoryEntry>>) -> Vec<HistoryEntry> {
    let mut histories: Vec<_> = histories.into_iter().map(VecDeque::from).collect();
    let mut all = Vec::new();
    loop {
        let next = histories.iter_mut().filter(|one| !one.is_empty());
        // Of equal times the first, which is the open document's.
        let Some(next) = next.min_by_key(|one| one.front().map(|entry| entry.at)) else {
            return all;
        };
        all.extend(next.pop_front());
    }
}

/// Whether a finding needs no line that is not this node's to read: what it says of such would be made up.
pub(crate) fn is_about_none(finding: &Finding, withheld: &[IndicatorCode]) -> bool {
    let mut lines = finding.others.iter().chain([&finding.code]);
    !lines.any(|code| withheld.contains(code))
}

fn figure_views(
    figures: BTreeMap<FigureKey, Register>,
    mut notes: BTreeMap<FigureKey, Register>,
    form: &Form,
    authors: &BTreeMap<ChangeHash, SealedBy>,
) -> Vec<FigureView> {
    // A note stands beside a figure, or where the figure is still to come.
    notes.retain(|_, note| note.candidates.iter().any(|one| !one.value.is_empty()));
    let mut registers = figures;
    for key in notes.keys() {
        let empty = || Register {
            candidates: Vec::new(),
        };
        registers.entry(key.clone()).or_insert_with(empty);
    }
    let order: BTreeMap<&IndicatorCode, usize> = form
        .lines()
        .iter()
        .enumerate()
        .map(|(at, line)| (&line.code, at))
        .collect();
    let mut figures: Vec<_> = registers
        .into_iter()
        .map(|(key, register)| FigureView {
            value: register.agreed().map(str::to_owned),
            candidates: register
                .candidates
                .iter()
                .map(|c| candidate_view(c, authors))
                .collect(),
            note: notes.get(&key).map(all_notes),
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

/// Notes written apart are words, and read one below the other until somebody writes one for all.
fn all_notes(register: &Register) -> String {
    let mut said: Vec<&str> = Vec::new();
    for note in &register.candidates {
        if !note.value.is_empty() && !said.contains(&note.value.as_str()) {
            said.push(&note.value);
        }
    }
    said.join("\n")
}

fn candidate_view(
    candidate: &Candidate,
    authors: &BTreeMap<ChangeHash, SealedBy>,
) -> CandidateView {
    let by = authors.get(&candidate.change);
    CandidateView {
        value: candidate.value.clone(),
        office: candidate.office.clone(),
        author: by.map(|by| by.node),
        account: by.and_then(SealedBy::person),
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

pub(crate) fn wrote(touched: &Touched) -> WroteView {
    match touched {
        Touched::Figure(key, value) => WroteView::Figure {
            code: key.code.clone(),
            office: key.office.clone(),
            value: value.clone(),
        },
        Touched::Note(key, text) => WroteView::Note {
            code: key.code.clone(),
            office: key.office.clone(),
            text: text.clone(),
        },
        Touched::Text {
            key: (section, office),
            inserted,
            deleted,
        } => WroteView::Text {
            section: section.clone(),
            office: office.clone(),
            inserted: *inserted,
            deleted: *deleted,
        },
        Touched::Attached(attachment) => WroteView::Attached {
            hash: attachment.hash.to_string(),
            name: attachment.name.clone(),
            caption: attachment.caption.clone(),
            bytes: attachment.length,
        },
        Touched::Detached(hash, name) => WroteView::Detached {
            hash: hash.to_string(),
            name: name.clone(),
        },
        Touched::Event(event) => WroteView::Step {
            step: event.step().as_str().to_owned(),
            reason: event.reason().map(str::to_owned),
        },
    }
}
