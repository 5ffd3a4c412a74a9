//! How a report begins: empty, or like the one of the period before; and when it may.

use hopluu_doc::{DocKey, Edit, FigureKey, LifecycleEvent};
use hopluu_form::Line;
use hopluu_model::{OfficeId, Scalar, Timestamp};

use super::{Made, values};
use crate::core::Core;
use crate::error::CommandError;
use crate::resolve::Meant;
use crate::view::{LeftOutView, Selector};

/// How far a report has got that is to begin.
enum Begun {
    /// Whoever begins has written in it, or everybody's part is meant.
    Here,
    /// Only other offices have.
    ByOthers,
    /// It was withdrawn.
    Withdrawn,
}

/// Whether a figure is an office's to answer for: its part, or a line that it owns.
fn answers_for(meant: &Meant, office: &OfficeId, key: &FigureKey) -> bool {
    let line = meant.form.line(&key.code).and_then(Line::value);
    let owner = line.map(|line| &line.owner);
    key.office.as_ref().or(owner) == Some(office)
}

impl Core {
    pub(super) fn make_new(
        &mut self,
        now: Timestamp,
        selector: &Selector,
        office: Option<&str>,
        is_like_last: bool,
    ) -> Result<Made, CommandError> {
        let meant = self.ours(selector)?;
        let office = self.office(&meant.form, office)?;
        let mut edits = vec![Edit::Event(LifecycleEvent::Opened)];
        if self.exists(meant.key.id())? {
            if is_like_last {
                // One that was withdrawn is opened again as it was, and not like another.
                self.counts(&meant)?;
            }
            let own = office.as_ref().filter(|_| is_like_last);
            match self.begun(&meant, own)? {
                // It is opened again, with all that stands in it.
                Begun::Withdrawn => {}
                // Another office has opened it, and this one begins with its own part.
                Begun::ByOthers => edits.clear(),
                Begun::Here => {
                    return Err(CommandError::ReportExists {
                        unit: meant.key.unit.clone(),
                        form: selector.form.clone(),
                        period: selector.period.clone(),
                    });
                }
            }
        } else {
            self.may_begin(&meant)?;
        }
        let mut left_out = Vec::new();
        if is_like_last {
            let (like, unsettled) = self.edits_like_last(&meant, office.as_ref())?;
            edits.extend(like);
            left_out = unsettled;
        }
        let made = self.make_split(now, meant, office.as_ref(), edits)?;
        Ok(Made { left_out, ..made })
    }

    /// How far a report has got that is to begin; `own` is whose part is looked at.
    fn begun(&mut self, meant: &Meant, own: Option<&OfficeId>) -> Result<Begun, CommandError> {
        let (state, texts) = self.on_report(&meant.key, &meant.form, |report| {
            (report.state(), report.texts())
        })?;
        let figures = self.figures(&meant.key, &meant.form)?;
        if state.is_withdrawn() {
            return Ok(Begun::Withdrawn);
        }
        let Some(own) = own else {
            return Ok(Begun::Here);
        };
        let wrote_figures = figures.iter().any(|(key, register)| {
            let is_answered = register.scalar().is_none_or(|value| value.is_answer());
            is_answered && answers_for(meant, own, key)
        });
        let wrote_texts = texts
            .iter()
            .any(|((_, of), text)| of == own && !text.is_empty());
        Ok(if wrote_figures || wrote_texts {
            Begun::Here
        } else {
            Begun::ByOthers
        })
    }

    /// Figures and texts of the period before, as edits, and the figures that nobody has settled there.
    /// An office takes over what it answers for: others begin with theirs, perhaps at this moment and
    /// apart, and what two have copied stands there twice.
    fn edits_like_last(
        &mut self,
        meant: &Meant,
        office: Option<&OfficeId>,
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
        let texts = self.on_report(&before, &meant.form, |report| report.texts())?;
        let figures = self.figures(&before, &meant.form)?;
        let is_ours = |key: &FigureKey| office.is_none_or(|own| answers_for(meant, own, key));
        let figures = figures.into_iter().filter(|(key, _)| is_ours(key));
        let (unsettled, agreed): (Vec<_>, Vec<_>) =
            figures.partition(|(_, register)| register.is_unsettled());
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
        let texts = texts
            .into_iter()
            .filter(|((_, of), text)| !text.is_empty() && office.is_none_or(|office| of == office));
        let texts = texts.map(|((section, office), text)| Edit::SetText {
            section,
            office,
            text,
        });
        Ok((figures.chain(texts).collect(), left_out))
    }

    /// A unit reports for periods that it lived in, if only for a day of them: what the tree of the
    /// last day has in its place then counts it. What it has reported stays, whatever the tree says
    /// later; so this is asked when a report begins and not again.
    pub(super) fn may_begin(&self, meant: &Meant) -> Result<(), CommandError> {
        let unit = meant.tree.unit(&meant.key.unit);
        let window = meant.form.window(&meant.key.period).ok();
        let lived = unit.zip(window).is_some_and(|(unit, (first, last))| {
            let has_begun = unit.open_past || unit.id.since <= last;
            has_begun && unit.ended.is_none_or(|ended| first <= ended)
        });
        if !lived {
            return Err(not_then(meant));
        }
        self.has_room_for_doc(&meant.key.unit)
    }
}

fn not_then(meant: &Meant) -> CommandError {
    CommandError::NotThen {
        unit: meant.key.unit.clone(),
        period: meant.key.period.to_string(),
        day: meant.day,
    }
}
