//! Saves: what a person typed is checked against the form, becomes one change, is sealed, and is
//! answered when it is on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{
    DocKey, Edit, EditError, FigureKey, Kept, LifecycleEvent, Register, Report, SaveContext,
    SavedChange, scan,
};
use hopluu_form::{EntryContext, LevelRole, Line};
use hopluu_model::{ChangeHash, DocId, ErrorChain, OfficeId, Scalar, Timestamp};
use hopluu_store::{AppendError, DbError, WriteError, WriteTx};
use hopluu_trust::Seal;

use crate::admit::{NewEntry, append};
use crate::beginnings::Beginnings;
use crate::core::Core;
use crate::error::{CommandError, UndoBar};
use crate::limits::EDITS_MAX;
use crate::resolve::{Meant, cell, section};
use crate::turn::{Reply, Turn};
use crate::view::{DiskState, EditRequest, LeftOutView, SaveRequest, Saved, Selector, SettledView};

/// A report, and what a save changed in it: in memory, not on disk yet.
struct Made {
    meant: Meant,
    /// Nothing where everything stood already.
    saved: Option<SavedChange>,
    /// Conflicts that the save settles.
    settled: Vec<SettledView>,
    /// Figures of the period before that it did not start from.
    left_out: Vec<LeftOutView>,
}

impl Core {
    /// Opens a report.
    pub fn report_new(
        &mut self,
        turn: &mut Turn,
        selector: &Selector,
        office: Option<&str>,
        is_like_last: bool,
        reply: Reply<Saved>,
    ) {
        let made = self.make_new(turn.now, selector, office, is_like_last);
        self.commit(made, reply);
    }

    /// Saves edits as one change.
    pub fn report_save(&mut self, turn: &mut Turn, request: &SaveRequest, reply: Reply<Saved>) {
        let made = self.make_save(turn.now, request);
        self.commit(made, reply);
    }

    /// Takes back the last save made here.
    pub fn report_undo(
        &mut self,
        turn: &mut Turn,
        selector: &Selector,
        office: Option<&str>,
        reply: Reply<Saved>,
    ) {
        let made = self.make_undo(turn.now, selector, office);
        self.commit(made, reply);
    }

    fn make_new(
        &mut self,
        now: Timestamp,
        selector: &Selector,
        office: Option<&str>,
        is_like_last: bool,
    ) -> Result<Made, CommandError> {
        let meant = self.ours(selector)?;
        let office = self.office(&meant.form, office)?;
        if self.exists(meant.key.id())? {
            return Err(CommandError::ReportExists {
                unit: meant.key.unit.clone(),
                form: selector.form.clone(),
                period: selector.period.clone(),
            });
        }
        let mut edits = vec![Edit::Event(LifecycleEvent::Opened)];
        let mut left_out = Vec::new();
        if is_like_last {
            let (like, unsettled) = self.edits_like_last(&meant)?;
            edits.extend(like);
            left_out = unsettled;
        }
        let context = self.save_context(now, &meant, office, String::new());
        let made = self.make(meant, |report| {
            report.save(&context, &edits).map_err(Box::new)
        })?;
        Ok(Made { left_out, ..made })
    }

    /// Figures and texts of the period before, as edits, and the figures that nobody has settled there.
    fn edits_like_last(
        &mut self,
        meant: &Meant,
    ) -> Result<(Vec<Edit>, Vec<LeftOutView>), CommandError> {
        let none = || CommandError::NoPrevious {
            period: meant.key.period.to_string(),
        };
        let period = meant.key.period.previous().ok_or_else(none)?;
        let before = DocKey {
            period,
            ..meant.key.clone()
        };
        if !self.exists(before.id())? {
            return Err(none());
        }
        let (figures, texts) = self.on_report(&before, &meant.form, |report| {
            (report.figures(), report.texts())
        })?;
        let (unsettled, agreed): (Vec<_>, Vec<_>) = figures
            .into_iter()
            .partition(|(_, register)| register.is_unsettled());
        let left_out = unsettled.into_iter().map(|(key, register)| LeftOutView {
            values: values(&register),
            code: key.code,
            office: key.office,
        });
        let left_out = left_out.collect();
        let figures = agreed.into_iter().filter_map(|(key, register)| {
            let value = register.scalar().filter(Scalar::is_answer)?;
            Some(Edit::SetFigure { key, value })
        });
        let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
        let texts = texts.map(|((section, office), text)| Edit::SetText {
            section,
            office,
            text,
        });
        Ok((figures.chain(texts).collect(), left_out))
    }

    fn make_save(&mut self, now: Timestamp, request: &SaveRequest) -> Result<Made, CommandError> {
        if request.edits.len() > EDITS_MAX {
            return Err(CommandError::TooMuch {
                what: "edits in one save",
                most: EDITS_MAX,
            });
        }
        let meant = self.ours(&request.report)?;
        let office = self.office(&meant.form, request.office.as_deref())?;
        let exists = self.exists(meant.key.id())?;
        if !exists && !request.create {
            return Err(self.no_report(&meant));
        }
        let mut edits = Vec::with_capacity(request.edits.len() + 1);
        if !exists {
            edits.push(Edit::Event(LifecycleEvent::Opened));
        }
        let context = self.entry_context(&meant);
        for edit in &request.edits {
            edits.extend(self.edits(&meant, office.as_ref(), &context, edit)?);
        }
        let settled = if exists {
            let before = self.on_report(&meant.key, &meant.form, |report| report.figures())?;
            settled_by(&edits, &before)
        } else {
            Vec::new()
        };
        let context = self.save_context(now, &meant, office, String::new());
        let made = self.make(meant, |report| {
            report.save(&context, &edits).map_err(Box::new)
        })?;
        Ok(Made { settled, ..made })
    }

    /// What a person asked for, checked against the form.
    fn edits(
        &mut self,
        meant: &Meant,
        saving: Option<&OfficeId>,
        context: &EntryContext,
        edit: &EditRequest,
    ) -> Result<Vec<Edit>, CommandError> {
        let form = &meant.form;
        self.may_write_for(edit.office())?;
        let edit = match edit {
            EditRequest::Set {
                code,
                office,
                value,
            } => {
                let (row, key) = cell(form, code, office.as_deref(), saving)?;
                let value = read(meant, row, value, context)?;
                Edit::SetFigure { key, value }
            }
            EditRequest::Settle {
                code,
                office,
                value,
            } => {
                let (row, key) = cell(form, code, office.as_deref(), saving)?;
                let value = read(meant, row, value, context)?;
                let figures = self.on_report(&meant.key, form, |report| report.figures())?;
                if figures
                    .get(&key)
                    .is_none_or(|register| !register.is_unsettled())
                {
                    return Err(CommandError::NoConflict {
                        code: key.to_string(),
                    });
                }
                Edit::Settle { key, value }
            }
            EditRequest::Note { code, office, text } => {
                let (_, key) = cell(form, code, office.as_deref(), saving)?;
                Edit::SetNote {
                    key,
                    text: text.clone(),
                }
            }
            EditRequest::Text {
                section: name,
                office,
                text,
            } => {
                let (section, office) = section(form, name, office.as_deref(), saving)?;
                Edit::SetText {
                    section,
                    office,
                    text: text.clone(),
                }
            }
            EditRequest::ClearAll => {
                let figures = self.on_report(&meant.key, form, |report| report.figures())?;
                let own = self.me().office.clone();
                let answered = figures.into_iter().filter(|(key, register)| {
                    let is_ours = own.is_none() || key.office.is_none() || key.office == own;
                    is_ours && register.scalar().is_none_or(|value| value.is_answer())
                });
                let blank = |(key, _)| Edit::SetFigure {
                    key,
                    value: Scalar::Blank,
                };
                return Ok(answered.map(blank).collect());
            }
            EditRequest::Withdraw { reason } => {
                Edit::Event(LifecycleEvent::Withdrawn(reason.clone()))
            }
        };
        Ok(vec![edit])
    }

    fn make_undo(
        &mut self,
        now: Timestamp,
        selector: &Selector,
        office: Option<&str>,
    ) -> Result<Made, CommandError> {
        let meant = self.ours(selector)?;
        let office = self.office(&meant.form, office)?;
        let doc = meant.key.id();
        if !self.exists(doc)? {
            return Err(self.no_report(&meant));
        }
        let refuse = |why| CommandError::NothingToUndo { why };
        let target = self.last_save_here(&meant)?;
        let target = target.ok_or_else(|| refuse(UndoBar::NoSave))?;
        let context = self.save_context(now, &meant, office, "undo".to_owned());
        let mut kept = Vec::new();
        let made = self.make(meant, |report| {
            let undone = report.undo(&target, &context).map_err(Box::new)?;
            kept = undone.kept;
            Ok(undone.saved)
        })?;
        if made.saved.is_none() {
            return Err(refuse(undo_bar(&kept)));
        }
        Ok(made)
    }

    /// The newest save of this node: undoing twice brings back what the first undo took.
    fn last_save_here(&mut self, meant: &Meant) -> Result<Option<ChangeHash>, CommandError> {
        let doc = meant.key.id();
        let authors = self.authors(doc)?;
        let me = self.me().node;
        let history = self.on_report(&meant.key, &meant.form, |report| report.history())?;
        let history = history.map_err(|error| damaged(doc, &error))?;
        let is_ours = |hash: &ChangeHash| authors.get(hash) == Some(&me);
        Ok(history.iter().rev().map(|entry| entry.hash).find(is_ours))
    }

    fn save_context(
        &mut self,
        at: Timestamp,
        meant: &Meant,
        office: Option<OfficeId>,
        message: String,
    ) -> SaveContext {
        SaveContext {
            actor: self.actor(meant.key.id()),
            at,
            office,
            message,
        }
    }

    /// Makes one change, in memory only. A refused one leaves the document as it was.
    fn make(
        &mut self,
        meant: Meant,
        save: impl FnOnce(&mut Report) -> Result<Option<SavedChange>, Box<EditError>>,
    ) -> Result<Made, CommandError> {
        let doc = meant.key.id();
        let saved = self
            .on_report_or_new(&meant.key, &meant.form, save)?
            .map_err(|error| edit_error(doc, &error))?;
        Ok(Made {
            meant,
            saved,
            settled: Vec::new(),
            left_out: Vec::new(),
        })
    }

    /// Seals a change and hands it to the writer; the answer comes when it is on disk.
    fn commit(&mut self, made: Result<Made, CommandError>, reply: Reply<Saved>) {
        let made = match made {
            Err(error) => return reply(Err(error)),
            Ok(made) => made,
        };
        let (meant, settled, left_out) = (made.meant, made.settled, made.left_out);
        let Some(saved) = made.saved else {
            return self.confirm_standing(&meant, reply);
        };
        let (doc, hash, report) = (meant.key.id(), saved.hash, meant.report());
        let seal = Seal::sign(
            self.signer(),
            doc,
            vec![saved.scanned.actor],
            hash,
            String::new(),
        )
        .expect("one actor and no account are within a seal's bounds")
        .to_wire();
        let beginnings = Arc::clone(&self.beginnings);
        let copy = self.open.saving(doc);
        self.submit(
            move |tx| append_save(tx, &beginnings, &meant, &saved, &seal),
            move |core, turn, result: Result<(), WriteError<AppendError>>| {
                core.open.saved(doc, copy, result.is_ok());
                match result {
                    Ok(()) => {
                        core.after_local(turn, doc);
                        reply(Ok(Saved {
                            report,
                            change: Some(hash),
                            settled,
                            left_out,
                        }));
                    }
                    Err(error) => reply(Err(core.write_failed(turn, error))),
                }
            },
        );
    }

    /// Answers a save that found everything as it was to be. What it found may itself still be on its
    /// way to the disk, so the answer takes the same way.
    fn confirm_standing(&mut self, meant: &Meant, reply: Reply<Saved>) {
        let (doc, report) = (meant.key.id(), meant.report());
        let heads = |report: &mut Report| {
            let genesis = report.genesis().hash;
            let heads = report.heads().into_iter();
            heads
                .filter(|head| *head != genesis)
                .collect::<Vec<ChangeHash>>()
        };
        let stands_on = match self.on_report_or_new(&meant.key, &meant.form, heads) {
            Ok(heads) => heads,
            Err(error) => return reply(Err(error)),
        };
        self.submit(
            move |tx| -> Result<bool, DbError> {
                for head in stands_on {
                    if !tx.has_change(doc, head)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            },
            move |core, turn, result| match result {
                Ok(true) => reply(Ok(Saved {
                    report,
                    change: None,
                    settled: Vec::new(),
                    left_out: Vec::new(),
                })),
                Ok(false) if core.disk() == DiskState::Full => reply(Err(CommandError::DiskFull)),
                Ok(false) => reply(Err(CommandError::Refused {
                    what: "the save",
                    detail: "what it builds on could not be saved".to_owned(),
                })),
                Err(error) => reply(Err(core.write_failed(turn, error))),
            },
        );
    }

    fn entry_context(&self, meant: &Meant) -> EntryContext {
        EntryContext {
            is_leaf: meant.role == LevelRole::Reporting,
            units_below: Some(meant.reporting_below()),
        }
    }

    fn no_report(&self, meant: &Meant) -> CommandError {
        CommandError::NoReport {
            unit: meant.key.unit.clone(),
            form: meant.key.form.to_string(),
            period: meant.key.period.to_string(),
        }
    }
}

/// Writes one save: first what it derives, then the change itself with its seal.
fn append_save(
    tx: &mut WriteTx<'_>,
    beginnings: &Beginnings,
    meant: &Meant,
    saved: &SavedChange,
    seal: &[u8],
) -> Result<(), AppendError> {
    let key = &meant.key;
    let genesis = beginnings.of(key, &meant.form).map_err(|_| DbError::Row {
        table: "docs",
        expected: "a document that can begin",
    })?;
    for derived in &saved.derived {
        if let Ok(change) = scan(&derived.bytes, &SCAN_LIMITS) {
            append(
                tx,
                key,
                &genesis,
                &change,
                NewEntry {
                    seal: &[],
                    origin: None,
                },
            )?;
        }
    }
    append(
        tx,
        key,
        &genesis,
        &saved.scanned,
        NewEntry { seal, origin: None },
    )?;
    Ok(())
}

fn read(
    meant: &Meant,
    line: &Line,
    typed: &str,
    context: &EntryContext,
) -> Result<Scalar, CommandError> {
    meant
        .form
        .read_value(line, typed, context)
        .map_err(|source| CommandError::Value {
            code: line.code.to_string(),
            source,
        })
}

/// Every value that stands, once.
fn values(register: &Register) -> Vec<String> {
    let values = register.candidates.iter().map(|one| one.value.clone());
    values.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The conflicts that these edits put one value in place of.
fn settled_by(edits: &[Edit], before: &BTreeMap<FigureKey, Register>) -> Vec<SettledView> {
    let mut settled = BTreeMap::new();
    for edit in edits {
        if let Edit::SetFigure { key, value } | Edit::Settle { key, value } = edit
            && let Some(register) = before.get(key).filter(|one| one.is_unsettled())
        {
            let (value, mut instead_of) = (value.to_string(), values(register));
            instead_of.retain(|other| *other != value);
            let view = SettledView {
                code: key.code.clone(),
                office: key.office.clone(),
                value,
                instead_of,
            };
            settled.insert(key, view);
        }
    }
    settled.into_values().collect()
}

/// Why an undo that changed nothing could not: the reason that a person can do most about.
fn undo_bar(kept: &[Kept]) -> UndoBar {
    let is_settled = |one: &Kept| matches!(one, Kept::Settled(_));
    let is_step = |one: &Kept| matches!(one, Kept::Event);
    if kept.iter().any(is_settled) {
        UndoBar::Settled
    } else if kept.iter().all(is_step) {
        UndoBar::Step
    } else {
        UndoBar::Overwritten
    }
}

fn edit_error(doc: DocId, error: &EditError) -> CommandError {
    match error {
        EditError::TooLong { length, max, .. } => CommandError::TextTooLong {
            length: *length,
            most: *max,
        },
        EditError::Document(_) | EditError::Derived(_) => damaged(doc, error),
        other => CommandError::Refused {
            what: "the save",
            detail: ErrorChain(other).to_string(),
        },
    }
}

fn damaged(doc: DocId, error: &(dyn std::error::Error + 'static)) -> CommandError {
    CommandError::Damaged {
        doc: doc.to_string(),
        detail: ErrorChain(error).to_string(),
    }
}
