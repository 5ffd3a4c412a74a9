//! What is decided rather than merged: forms and the unit tree, shown and handed down.

use std::sync::Arc;

use hopluu_form::Form;
use hopluu_model::tree::{TreeEvent, UnitTree};
use hopluu_model::{Date, Timestamp, UnitId};
use hopluu_trust::{Record, RecordKind};

use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::registry::{KnownForm, RecordEffect, form_body};
use crate::resolve::{named, unit_name};
use crate::turn::{Reply, Turn};
use crate::view::{FormRow, UnitView};

impl Core {
    /// The forms known here.
    #[must_use]
    pub fn form_list(&self) -> Vec<FormRow> {
        let known = self.registry().forms(&self.me().unit);
        known.into_iter().map(form_row).collect()
    }

    /// One form in its newest version.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn form_show(&self, name: &str) -> Result<Arc<Form>, CommandError> {
        Ok(self.known_form(name)?.form)
    }

    /// Hands a form down.
    pub fn form_add(
        &mut self,
        turn: &mut Turn,
        source: &str,
        assigned: &[String],
        reply: Reply<FormRow>,
    ) {
        match self.form_record(turn.now, source, assigned) {
            Ok((record, row)) => {
                self.put_own(
                    turn.now,
                    vec![record],
                    Box::new(move |r| reply(r.map(|()| row))),
                );
            }
            Err(error) => reply(Err(error)),
        }
    }

    fn form_record(
        &self,
        now: Timestamp,
        source: &str,
        assigned: &[String],
    ) -> Result<(Record, FormRow), CommandError> {
        self.must_issue("hand down a form")?;
        let refuse = |detail: String| CommandError::Refused {
            what: "the form",
            detail,
        };
        let form =
            Form::parse(source).map_err(|mistakes| CommandError::Form(Box::new(mistakes)))?;
        let own = &self.me().unit;
        if let Some(owner) = self.registry().form_owner(form.id(), own)
            && owner != own
        {
            return Err(refuse(format!(
                "{owner} hands a form of this name down already, this one would count nowhere"
            )));
        }
        let known = self
            .registry()
            .form_of_major(form.id(), form.version().major, own);
        if let Some(known) = known {
            if form.version() <= known.form.version() {
                return Err(CommandError::FormNotNewer {
                    known: known.form.version(),
                });
            }
            let breaches = form.breaches(&known.form);
            if !breaches.is_empty() {
                let list: Vec<_> = breaches.iter().map(ToString::to_string).collect();
                return Err(refuse(format!(
                    "a minor version only adds, this needs a new major one: {}",
                    list.join("; ")
                )));
            }
        }
        let today = clock::day(now);
        let assigned = assigned
            .iter()
            .map(|text| self.unit(Some(text), today))
            .collect::<Result<Vec<UnitId>, _>>()?;
        let body = form_body(form.source(), assigned.clone());
        let unit = self.me().unit.clone();
        let record = Record::sign(self.signer(), RecordKind::Form, unit, body)
            .map_err(|error| refuse(error.to_string()))?;
        Ok((record, row(&form, assigned)))
    }

    /// One unit on a day; if none is named today, or its last one.
    ///
    /// # Errors
    /// When the text names none or several.
    pub fn unit_show(
        &self,
        text: Option<&str>,
        on: Option<Date>,
        now: Timestamp,
    ) -> Result<UnitView, CommandError> {
        let (unit, on) = self.unit_on(text, on, now)?;
        Ok(unit_view(&self.tree(), &unit, on))
    }

    /// A unit and the day that it is looked at: today, or its last one, unless a day is named.
    fn unit_on(
        &self,
        text: Option<&str>,
        on: Option<Date>,
        now: Timestamp,
    ) -> Result<(UnitId, Date), CommandError> {
        let today = clock::day(now);
        let unit = self.unit(text, on.unwrap_or(today))?;
        let last = self.tree().unit(&unit).and_then(|found| found.ended);
        Ok((unit, on.or(last).unwrap_or(today)))
    }

    /// A unit and everything below it, parents before children.
    ///
    /// # Errors
    /// When the text names none or several.
    pub fn unit_tree(
        &self,
        text: Option<&str>,
        on: Option<Date>,
        now: Timestamp,
    ) -> Result<Vec<UnitView>, CommandError> {
        let (top, on) = self.unit_on(text, on, now)?;
        let tree = self.tree();
        let mut waiting = vec![top];
        let mut views = Vec::new();
        while let Some(unit) = waiting.pop() {
            let view = unit_view(&tree, &unit, on);
            waiting.extend(view.children.iter().rev().map(|child| child.unit.clone()));
            views.push(view);
        }
        Ok(views)
    }

    /// Hands a change of the tree down.
    pub fn units_add(&mut self, turn: &mut Turn, event: &TreeEvent, reply: Reply<()>) {
        let record = self.must_issue("change the unit tree").and_then(|()| {
            let refuse = |detail: String| CommandError::Refused {
                what: "the tree event",
                detail,
            };
            if !self.registry().may_decide(&self.me().node, event) {
                return Err(CommandError::MayNotIssue {
                    what: "change units that are not at or below its own",
                });
            }
            self.tree()
                .check(event)
                .map_err(|error| refuse(error.to_string()))?;
            let unit = self.me().unit.clone();
            Record::sign(self.signer(), RecordKind::TreeEvent, unit, event.encode())
                .map_err(|error| refuse(error.to_string()))
        });
        match record {
            Ok(record) => self.put_own(turn.now, vec![record], reply),
            Err(error) => reply(Err(error)),
        }
    }

    pub(crate) fn must_issue(&self, what: &'static str) -> Result<(), CommandError> {
        if self.me().office.is_none() {
            Ok(())
        } else {
            Err(CommandError::MayNotIssue { what })
        }
    }

    /// What follows from a new record, whoever wrote it.
    pub(crate) fn record_arrived(
        &mut self,
        turn: &mut Turn,
        effect: &RecordEffect,
        kind: RecordKind,
        unit: &UnitId,
    ) {
        match effect {
            // Open documents are read by the newest form whenever they are asked for.
            RecordEffect::Tree | RecordEffect::Form => self.totals.forget_all(),
            // What follows from these in documents is judged anew, one after the other.
            RecordEffect::Enrolled if *unit == self.me().unit => self.adopt_renewed(turn),
            RecordEffect::Enrolled | RecordEffect::Grant | RecordEffect::Time => {}
            RecordEffect::Revocation(_) => self.close_barred(turn),
        }
        turn.events.push(self.record_event(kind, unit));
    }
}

fn form_row(known: &KnownForm) -> FormRow {
    row(&known.form, known.assigned.clone())
}

fn row(form: &Form, assigned: Vec<UnitId>) -> FormRow {
    FormRow {
        form: form.id().clone(),
        version: form.version(),
        title_vi: form.title().vi.clone(),
        title_en: form.title().en.clone(),
        lines: u32::try_from(form.value_lines().count()).unwrap_or(u32::MAX),
        assigned,
    }
}

fn unit_view(tree: &UnitTree, unit: &UnitId, on: Date) -> UnitView {
    let found = tree.unit(unit);
    let level = found.and_then(|unit| tree.level(&unit.level));
    let successors = found
        .map(|unit| unit.successors.as_slice())
        .unwrap_or_default();
    UnitView {
        unit: unit.clone(),
        name: unit_name(tree, unit, on),
        level: level.map(|level| level.id.clone()).unwrap_or_default(),
        level_vi: level.map(|level| level.vi.clone()).unwrap_or_default(),
        level_en: level.map(|level| level.en.clone()).unwrap_or_default(),
        path: tree.path(unit, on),
        ended: found.and_then(|unit| unit.ended),
        successors: successors
            .iter()
            .map(|successor| named(tree, &successor.unit, on))
            .collect(),
        children: tree
            .children(unit, on)
            .into_iter()
            .map(|child| named(tree, child, on))
            .collect(),
    }
}
