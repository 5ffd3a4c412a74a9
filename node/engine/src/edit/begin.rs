//! How a report begins: empty, or like the one of the period before; and when it may.

use hopluu_doc::{DocKey, Edit, LifecycleEvent};
use hopluu_model::{Scalar, Timestamp};

use super::{Made, values};
use crate::core::Core;
use crate::error::CommandError;
use crate::resolve::Meant;
use crate::view::{LeftOutView, Selector};

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
        if self.exists(meant.key.id())? {
            let state = self.on_report(&meant.key, &meant.form, |report| report.state())?;
            // One that was withdrawn is opened again, with all that stands in it.
            if !state.is_withdrawn() || is_like_last {
                return Err(CommandError::ReportExists {
                    unit: meant.key.unit.clone(),
                    form: selector.form.clone(),
                    period: selector.period.clone(),
                });
            }
        } else {
            may_begin(&meant)?;
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
}

/// A unit reports for periods that it lived in, if only for a day of them. What it has reported
/// stays, whatever the tree says later; so this is asked when a report begins and not again.
pub(super) fn may_begin(meant: &Meant) -> Result<(), CommandError> {
    let unit = meant.tree.unit(&meant.key.unit);
    let window = meant.form.window(&meant.key.period).ok();
    let lived = unit.zip(window).is_some_and(|(unit, (first, last))| {
        (unit.open_past || unit.id.since <= last) && unit.ended.is_none_or(|ended| first <= ended)
    });
    if lived {
        return Ok(());
    }
    Err(CommandError::NotThen {
        unit: meant.key.unit.clone(),
        period: meant.key.period.to_string(),
        ended: unit.and_then(|unit| unit.ended),
    })
}
