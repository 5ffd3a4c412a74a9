//! A report of several documents: what it says as a whole, and a save that is split among them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::{
    Compartment, DocKey, Edit, FigureKey, Kept, PrivateLines, Register, Report, SaveContext,
    SavedChange,
};
use hopluu_form::Form;
use hopluu_model::{ChangeHash, DocId, OfficeId, Scalar, Seq, Timestamp};

use super::{Made, damaged, edit_error};
use crate::core::Core;
use crate::docket::{Docket, SealedBy};
use crate::error::CommandError;
use crate::limits::DOCS_PER_UNIT_MAX;
use crate::resolve::Meant;

/// Stands in the message of a change before the beginning of the name of another that was saved with it.
const TIED: char = '&';

/// How much of the other's name: enough to tell all changes of one report apart.
const TIE_CHARS: usize = 16;

/// What is done in one document.
pub(super) enum Work {
    Save(Vec<Edit>),
    Undo(ChangeHash),
}

/// A save made here, by the document that it is in.
pub(super) struct LastSave {
    pub(super) key: DocKey,
    pub(super) hash: ChangeHash,
    /// Its place in the journal, and what the clock said: which of several is the newest.
    age: (Seq, Timestamp),
    /// The beginning of the name of the change that it was saved with.
    tied: Option<String>,
}

/// What registers a report has, of figures or of notes.
type Registers = BTreeMap<FigureKey, Register>;

/// The same of the documents in compartments.
type ClosedRegisters = Vec<(Compartment, Registers)>;

/// What is looked up in a document.
type Look = fn(&Report) -> Registers;

impl Core {
    /// The documents in compartments of a report that are here and this node's to read: of what it may read no longer
    /// it holds what was, and is told no more of it.
    pub(crate) fn closed_here(
        &self,
        key: &DocKey,
        form: &Form,
    ) -> Result<Vec<DocKey>, CommandError> {
        let mut here = Vec::new();
        for closed in closed_keys(key, form) {
            if self.registry().reads(self.me(), &closed) && self.exists(closed.id())? {
                here.push(closed);
            }
        }
        Ok(here)
    }

    /// All documents of a report that are here, the open one first.
    pub(crate) fn parts_here(
        &self,
        key: &DocKey,
        form: &Form,
    ) -> Result<Vec<DocKey>, CommandError> {
        let mut here = self.closed_here(key, form)?;
        if self.exists(key.id())? {
            here.insert(0, key.clone());
        }
        Ok(here)
    }

    /// The figures of a report as a whole.
    pub(crate) fn figures(
        &mut self,
        key: &DocKey,
        form: &Arc<Form>,
    ) -> Result<Registers, CommandError> {
        let (open, closed) = self.registers(key, form, Report::figures)?;
        if closed.is_empty() {
            return Ok(open);
        }
        let closed = closed.iter().map(|(name, one)| (name, one.clone()));
        Ok(PrivateLines::of(form).figures(open, closed))
    }

    /// The notes of a report as a whole.
    pub(crate) fn notes(
        &mut self,
        key: &DocKey,
        form: &Arc<Form>,
    ) -> Result<Registers, CommandError> {
        let (open, closed) = self.registers(key, form, Report::notes)?;
        if closed.is_empty() {
            return Ok(open);
        }
        let closed = closed.iter().map(|(name, one)| (name, one.clone()));
        Ok(PrivateLines::of(form).notes(open, closed))
    }

    fn registers(
        &mut self,
        key: &DocKey,
        form: &Arc<Form>,
        look: Look,
    ) -> Result<(Registers, ClosedRegisters), CommandError> {
        let open = if self.exists(key.id())? {
            self.on_report(key, form, |report| look(report))?
        } else {
            Registers::new()
        };
        let mut closed = Vec::new();
        for part in self.closed_here(key, form)? {
            let said = self.on_report(&part, form, |report| look(report))?;
            closed.push((part.compartment, said));
        }
        Ok((open, closed))
    }

    /// What is to be written in which document: a private line in its compartment, and cleared where it stands in the
    /// open one.
    pub(super) fn split(
        &mut self,
        meant: &Meant,
        edits: Vec<Edit>,
    ) -> Result<Vec<(DocKey, Work)>, CommandError> {
        let (form, mut moved) = (Arc::clone(&meant.form), Vec::new());
        let mut parts: BTreeMap<DocKey, Vec<Edit>> = BTreeMap::new();
        for edit in edits {
            let home = home_of(&edit, meant);
            if home != meant.key {
                moved.push(edit.clone());
            }
            // The two mean the same in a document of which the other values stand elsewhere.
            let edit = match edit {
                Edit::Settle { key, value } if home != meant.key => Edit::SetFigure { key, value },
                edit => edit,
            };
            parts.entry(home).or_default().push(edit);
        }
        if !moved.is_empty() && self.exists(meant.key.id())? {
            let (figures, notes) = self.on_report(&meant.key, &form, |report| {
                (report.figures(), report.notes())
            })?;
            let moved = moved.iter();
            let cleared: Vec<_> = moved
                .filter_map(|edit| cleared(edit, &figures, &notes))
                .collect();
            if !cleared.is_empty() {
                parts.entry(meant.key.clone()).or_default().extend(cleared);
            }
        }
        if parts.is_empty() {
            parts.insert(meant.key.clone(), Vec::new());
        }
        // The open document's key is the least of them.
        let parts = parts.into_iter();
        Ok(parts.map(|(key, edits)| (key, Work::Save(edits))).collect())
    }

    /// Makes a save of edits, whichever documents they are for.
    pub(super) fn make_split(
        &mut self,
        now: Timestamp,
        meant: Meant,
        office: Option<&OfficeId>,
        edits: Vec<Edit>,
    ) -> Result<Made, CommandError> {
        let works = self.split(&meant, edits)?;
        let (made, _) = self.make_parts(now, meant, office, "", works)?;
        Ok(made)
    }

    /// Makes one change in each document, in memory only. Where one is refused, all of them are as they were.
    pub(super) fn make_parts(
        &mut self,
        now: Timestamp,
        meant: Meant,
        office: Option<&OfficeId>,
        message: &str,
        works: Vec<(DocKey, Work)>,
    ) -> Result<(Made, Vec<Kept>), CommandError> {
        let is_several = works.len() > 1;
        let (mut parts, mut before, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for (key, work) in works {
            let first = parts
                .first()
                .map(|(_, saved): &(DocKey, SavedChange)| saved.hash);
            let context = SaveContext {
                actor: self.actor(key.id()),
                at: now,
                office: office.cloned(),
                message: message_of(message, first),
            };
            let made = self
                .may_have_part(&meant, &key)
                .and_then(|()| self.make_one(&meant, &key, work, &context, is_several));
            match made {
                Ok(one) => {
                    parts.extend(one.saved.map(|saved| (key.clone(), saved)));
                    before.extend(one.before.map(|report| (key, report)));
                    kept.extend(one.kept);
                }
                Err(error) => {
                    for (key, report) in before {
                        self.on_report_or_new(&key, &meant.form, |now| *now = report)?;
                    }
                    return Err(error);
                }
            }
        }
        let made = Made {
            meant,
            parts,
            settled: Vec::new(),
            left_out: Vec::new(),
            file: None,
        };
        Ok((made, kept))
    }

    /// Whether a report may have one more document.
    fn may_have_part(&self, meant: &Meant, key: &DocKey) -> Result<(), CommandError> {
        if *key == meant.key || self.exists(key.id())? {
            return Ok(());
        }
        self.has_room_for_doc(&key.unit)
    }

    /// Superiors take no more documents of a unit than this, so whoever writes must hear it here.
    pub(super) fn has_room_for_doc(&self, unit: &hopluu_model::UnitId) -> Result<(), CommandError> {
        let here = self.read()?.doc_count_of_unit(unit);
        let here = here.map_err(CommandError::Store)?;
        if here + self.open.saving_docs() >= DOCS_PER_UNIT_MAX {
            return Err(CommandError::TooMuch {
                what: "reports of one unit",
                most: usize::try_from(DOCS_PER_UNIT_MAX).unwrap_or(usize::MAX),
            });
        }
        Ok(())
    }

    fn make_one(
        &mut self,
        meant: &Meant,
        key: &DocKey,
        work: Work,
        context: &SaveContext,
        is_several: bool,
    ) -> Result<One, CommandError> {
        let doc = key.id();
        let (registry, beginnings) = (self.shared_registry(), Arc::clone(&self.beginnings));
        let mut docket = Docket::new(&registry, &beginnings, key);
        let me = self.author();
        if let (None, Some(office)) = (&self.me().office, self.own_office()) {
            docket.narrow(&me, office, &meant.key.unit);
        }
        let is_free = docket.may_all(&me);
        self.on_report_or_new(key, &meant.form, |report| {
            // What every node would find void must not look saved here.
            let before = (is_several || !is_free).then(|| report.clone());
            let (saved, kept) = match work {
                Work::Save(edits) => {
                    let saved = report.save(context, &edits);
                    (saved.map_err(|error| edit_error(doc, &error))?, Vec::new())
                }
                Work::Undo(save) => {
                    let undone = report.undo(&save, context);
                    let undone = undone.map_err(|error| edit_error(doc, &error))?;
                    (undone.saved, undone.kept)
                }
            };
            if let (Some(before), Some(saved)) = (&before, &saved)
                && !is_free
                && let Some((what, why)) = docket.refused(&saved.scanned, &me)
            {
                report.clone_from(before);
                return Err(CommandError::NotGranted { what, why });
            }
            Ok(One {
                saved,
                before: before.filter(|_| is_several),
                kept,
            })
        })?
    }

    /// The newest save of whoever asks in each document that it touched: undoing twice brings back what the first undo
    /// took.
    pub(super) fn last_save_here(&mut self, meant: &Meant) -> Result<Vec<LastSave>, CommandError> {
        let me = self.author();
        let mut last = Vec::new();
        for key in self.parts_here(&meant.key, &meant.form)? {
            last.extend(self.last_in(meant, key, &me)?);
        }
        let newest = last.iter().rev().max_by_key(|save| save.age);
        let Some(name) = newest.map(LastSave::name) else {
            return Ok(Vec::new());
        };
        last.retain(|save| save.name() == name);
        Ok(last)
    }

    fn last_in(
        &mut self,
        meant: &Meant,
        key: DocKey,
        me: &SealedBy,
    ) -> Result<Option<LastSave>, CommandError> {
        let doc: DocId = key.id();
        let authors = self.authors(doc)?;
        // A save that is still on its way to the disk has no seal there to be known by.
        let actor = self.actor(doc);
        let history = self.on_report(&key, &meant.form, |report| report.history())?;
        let history = history.map_err(|error| damaged(doc, &error))?;
        let ours = history
            .into_iter()
            .rev()
            .find(|entry| entry.actor == actor || authors.get(&entry.hash) == Some(me));
        let Some(entry) = ours else { return Ok(None) };
        let is_here = self.read()?.has_change(doc, entry.hash);
        let place = if is_here.map_err(CommandError::Store)? {
            self.outline.last_own(doc.into())
        } else {
            // It is on its way there.
            Seq(u64::MAX)
        };
        Ok(Some(LastSave {
            key,
            hash: entry.hash,
            age: (place, entry.at),
            tied: tie_of(&entry.message),
        }))
    }
}

impl LastSave {
    /// What it shares with all that was saved with it.
    fn name(&self) -> String {
        self.tied.clone().unwrap_or_else(|| tie(&self.hash))
    }
}

/// What came of one document.
struct One {
    saved: Option<SavedChange>,
    /// As it was, where another document may still refuse.
    before: Option<Report>,
    kept: Vec<Kept>,
}

/// The keys of all documents that a report may have in compartments.
pub(crate) fn closed_keys(key: &DocKey, form: &Form) -> Vec<DocKey> {
    let names: BTreeSet<_> = form.compartments();
    names.into_iter().map(|name| key.within(name)).collect()
}

fn tie(hash: &ChangeHash) -> String {
    hash.to_string().chars().take(TIE_CHARS).collect()
}

/// The message of a change that is saved with another.
fn message_of(message: &str, first: Option<ChangeHash>) -> String {
    match first {
        None => message.to_owned(),
        Some(first) if message.is_empty() => format!("{TIED}{}", tie(&first)),
        Some(first) => format!("{message}\n{TIED}{}", tie(&first)),
    }
}

fn tie_of(message: &str) -> Option<String> {
    let tied = message.lines().last()?.strip_prefix(TIED)?;
    (tied.len() == TIE_CHARS).then(|| tied.to_owned())
}

/// Which document an edit is for.
pub(crate) fn home_of(edit: &Edit, meant: &Meant) -> DocKey {
    let (Edit::SetFigure { key, .. } | Edit::Settle { key, .. } | Edit::SetNote { key, .. }) = edit
    else {
        return meant.key.clone();
    };
    let compartment = meant.form.compartment(&key.code);
    compartment.map_or_else(|| meant.key.clone(), |name| meant.key.within(name))
}

/// What clears in the open document what an edit writes in a compartment; nothing where it says nothing there.
fn cleared(edit: &Edit, figures: &Registers, notes: &Registers) -> Option<Edit> {
    let says = |register: &Register, nothing: &str| {
        let mut candidates = register.candidates.iter();
        candidates.any(|one| one.value != nothing)
    };
    match edit {
        Edit::SetFigure { key, .. } | Edit::Settle { key, .. } => {
            let value = Scalar::Blank;
            let is_said = says(figures.get(key)?, &value.to_string());
            let key = key.clone();
            is_said.then_some(Edit::SetFigure { key, value })
        }
        Edit::SetNote { key, .. } => {
            let is_said = says(notes.get(key)?, "");
            let (key, text) = (key.clone(), String::new());
            is_said.then_some(Edit::SetNote { key, text })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
