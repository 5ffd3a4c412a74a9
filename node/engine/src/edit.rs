//! Saves: what a person typed is checked against the form, becomes one change, is sealed, and is
//! answered when it is on disk.

mod begin;
mod commit;
mod parts;

use std::collections::{BTreeMap, BTreeSet};

use hopluu_doc::limits::ATTACHMENTS_PER_DOC_MAX;
use hopluu_doc::{DocKey, Edit, EditError, FigureKey, Kept, LifecycleEvent, Register, SavedChange};
use hopluu_form::{EntryContext, LevelRole, Line};
use hopluu_model::{DocId, ErrorChain, OfficeId, Scalar, Timestamp};
use hopluu_trust::Permission;

use self::parts::Work;
pub(crate) use self::parts::{closed_keys, home_of};
use crate::attach::Prepared;
use crate::core::Core;
use crate::error::{CommandError, UndoBar};
use crate::limits::EDITS_MAX;
use crate::resolve::{Meant, cell, section};
use crate::turn::{Reply, Turn};
use crate::view::{EditRequest, LeftOutView, SaveRequest, Saved, Selector, SettledView};

/// A report, and what a save changed in its documents: in memory, not on disk yet.
pub(crate) struct Made {
    meant: Meant,
    /// By document, the open one first; nothing where everything stood already.
    parts: Vec<(DocKey, SavedChange)>,
    /// Conflicts that the save settles.
    settled: Vec<SettledView>,
    /// Figures of the period before that it did not start from.
    left_out: Vec<LeftOutView>,
    /// A file that the save names, to be kept with it.
    pub(crate) file: Option<Prepared>,
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
        self.commit(turn.now, made, reply);
    }

    /// Saves edits as one change.
    pub fn report_save(&mut self, turn: &mut Turn, request: &SaveRequest, reply: Reply<Saved>) {
        let made = self.make_save(turn.now, request);
        self.commit(turn.now, made, reply);
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
        self.commit(turn.now, made, reply);
    }

    fn make_save(&mut self, now: Timestamp, request: &SaveRequest) -> Result<Made, CommandError> {
        if request.edits.len() > EDITS_MAX {
            return Err(CommandError::TooMuch {
                what: "edits in one save",
                most: EDITS_MAX,
            });
        }
        self.may_edit(&request.edits)?;
        let meant = self.ours(&request.report)?;
        let office = self.office(&meant.form, request.office.as_deref())?;
        let exists = self.exists(meant.key.id())?;
        let mut edits = Vec::with_capacity(request.edits.len() + 1);
        if exists {
            self.counts(&meant)?;
        } else if request.create {
            self.must(Permission::Write)?;
            self.may_begin(&meant)?;
            edits.push(Edit::Event(LifecycleEvent::Opened));
        } else {
            return Err(no_report(&meant));
        }
        let context = self.entry_context(&meant);
        for edit in &request.edits {
            edits.extend(self.edits(&meant, office.as_ref(), &context, edit)?);
        }
        let settled = if exists {
            let before = self.figures(&meant.key, &meant.form)?;
            settled_by(&edits, &before)
        } else {
            Vec::new()
        };
        let made = self.make_split(now, meant, office.as_ref(), edits)?;
        Ok(Made { settled, ..made })
    }

    /// Makes a save of one edit that no form has to be asked about.
    pub(crate) fn make_edits(
        &mut self,
        now: Timestamp,
        meant: Meant,
        office: Option<&str>,
        edit: Edit,
        create: bool,
    ) -> Result<Made, CommandError> {
        let office = self.office(&meant.form, office)?;
        let mut edits = Vec::new();
        if self.exists(meant.key.id())? {
            self.counts(&meant)?;
        } else if create {
            self.may_begin(&meant)?;
            edits.push(Edit::Event(LifecycleEvent::Opened));
        } else {
            return Err(no_report(&meant));
        }
        edits.push(edit);
        self.make_split(now, meant, office.as_ref(), edits)
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
                let figures = self.figures(&meant.key, form)?;
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
            EditRequest::Detach { attachment } => {
                Edit::Detach(self.meant_attachment(meant, attachment)?.hash)
            }
            EditRequest::ClearAll => return self.cleared(meant),
            EditRequest::Withdraw { reason } if reason.trim().is_empty() => {
                return Err(CommandError::NoReason);
            }
            EditRequest::Withdraw { reason } => {
                Edit::Event(LifecycleEvent::Withdrawn(reason.trim().to_owned()))
            }
        };
        Ok(vec![edit])
    }

    /// Every figure that has a value and is this node's to write, emptied.
    fn cleared(&mut self, meant: &Meant) -> Result<Vec<Edit>, CommandError> {
        let figures = self.figures(&meant.key, &meant.form)?;
        let own = self.own_office().cloned();
        let answered = figures.into_iter().filter(|(key, register)| {
            let is_ours = own.is_none() || key.office.is_none() || key.office == own;
            is_ours && register.scalar().is_none_or(|value| value.is_answer())
        });
        let blank = |(key, _)| Edit::SetFigure {
            key,
            value: Scalar::Blank,
        };
        Ok(answered.map(blank).collect())
    }

    fn make_undo(
        &mut self,
        now: Timestamp,
        selector: &Selector,
        office: Option<&str>,
    ) -> Result<Made, CommandError> {
        let meant = self.ours(selector)?;
        let office = self.office(&meant.form, office)?;
        if !self.exists(meant.key.id())? {
            return Err(no_report(&meant));
        }
        self.counts(&meant)?;
        let refuse = |why| CommandError::NothingToUndo { why };
        let last = self.last_save_here(&meant)?;
        if last.is_empty() {
            return Err(refuse(UndoBar::NoSave));
        }
        let works = last.into_iter();
        let works = works.map(|save| (save.key, Work::Undo(save.hash)));
        let (made, kept) = self.make_parts(now, meant, office.as_ref(), "undo", works.collect())?;
        if made.parts.is_empty() {
            return Err(refuse(undo_bar(&kept)));
        }
        Ok(made)
    }

    /// Makes a save of edits that nobody has typed, and of one more that is for a document of the report.
    pub(crate) fn make_all(
        &mut self,
        now: Timestamp,
        meant: Meant,
        edits: Vec<Edit>,
        (key, last): (DocKey, Edit),
    ) -> Result<Made, CommandError> {
        let mut works = self.split(&meant, edits)?;
        let part = works.iter_mut().find(|(other, _)| *other == key);
        match part {
            Some((_, Work::Save(edits))) => edits.push(last),
            _ => works.push((key, Work::Save(vec![last]))),
        }
        let (made, _) = self.make_parts(now, meant, None, "", works)?;
        Ok(made)
    }

    fn entry_context(&self, meant: &Meant) -> EntryContext {
        EntryContext {
            is_leaf: meant.role == LevelRole::Reporting,
            units_below: Some(meant.reporting_below()),
        }
    }

    /// What is written into a report that was withdrawn would count nowhere: it is opened again first.
    fn counts(&mut self, meant: &Meant) -> Result<(), CommandError> {
        let state = self.on_report(&meant.key, &meant.form, |report| report.state())?;
        if state.is_withdrawn() {
            return Err(CommandError::Withdrawn {
                unit: meant.key.unit.clone(),
                period: meant.key.period.to_string(),
                reason: state.reason().unwrap_or_default().to_owned(),
            });
        }
        Ok(())
    }
}

fn no_report(meant: &Meant) -> CommandError {
    CommandError::NoReport {
        unit: meant.key.unit.clone(),
        form: meant.key.form.to_string(),
        period: meant.key.period.to_string(),
    }
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
        EditError::TooManyAttachments => CommandError::TooMuch {
            what: "attachments of one report",
            most: ATTACHMENTS_PER_DOC_MAX,
        },
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

#[cfg(test)]
mod tests;
