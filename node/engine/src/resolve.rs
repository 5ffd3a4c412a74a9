//! From what a person typed to what is meant: unit, form, period, line, section, office.

use std::sync::Arc;

use hopluu_doc::{Compartment, DocKey, DocKind, FigureKey};
use hopluu_form::{Form, LevelRole, Line, ValueLine};
use hopluu_model::tree::{ResolveError, UnitTree};
use hopluu_model::{Date, IndicatorCode, OfficeId, Period, SectionId, UnitId};

use crate::core::Core;
use crate::edit::closed_keys;
use crate::error::CommandError;
use crate::limits::NEAR_CODES_MAX;
use crate::registry::KnownForm;
use crate::view::{ReportRef, Selector, UnitName};

/// A report that is meant, with what it is read by.
#[derive(Debug, Clone)]
pub(crate) struct Meant {
    pub(crate) key: DocKey,
    pub(crate) form: Arc<Form>,
    pub(crate) tree: Arc<UnitTree>,
    /// The day whose tree counts for the period.
    pub(crate) day: Date,
    pub(crate) role: LevelRole,
}

impl Meant {
    /// How many units below report by the form, on the period's day: a share is of these.
    pub(crate) fn reporting_below(&self) -> u64 {
        let mut open = vec![&self.key.unit];
        let mut reporting = 0;
        while let Some(unit) = open.pop() {
            for child in self.tree.children(unit, self.day) {
                let level = self.tree.unit(child).map(|found| found.level.as_str());
                let role = level.and_then(|level| self.form.level_role(level));
                reporting += u64::from(role == Some(LevelRole::Reporting));
                open.push(child);
            }
        }
        reporting
    }

    /// The keys of all documents that it may have in compartments.
    pub(crate) fn closed_keys(&self) -> Vec<DocKey> {
        closed_keys(&self.key, &self.form)
    }

    pub(crate) fn report(&self) -> ReportRef {
        ReportRef {
            doc: self.key.id(),
            unit: self.key.unit.clone(),
            unit_name: unit_name(&self.tree, &self.key.unit, self.day),
            form: self.key.form.clone(),
            period: self.key.period.clone(),
            instance: self.key.instance,
        }
    }
}

/// A unit's name on a day; its code where the tree does not know it.
pub(crate) fn unit_name(tree: &UnitTree, unit: &UnitId, on: Date) -> String {
    tree.unit(unit)
        .map_or_else(|| unit.to_string(), |found| found.name_on(on).to_owned())
}

pub(crate) fn named(tree: &UnitTree, unit: &UnitId, on: Date) -> UnitName {
    UnitName {
        unit: unit.clone(),
        name: unit_name(tree, unit, on),
    }
}

impl Core {
    pub(crate) fn known_form(&self, text: &str) -> Result<KnownForm, CommandError> {
        let (registry, own) = (self.registry(), &self.me().unit);
        if registry.forms(own).is_empty() {
            return Err(CommandError::NotSynced { what: "forms" });
        }
        text.parse()
            .ok()
            .and_then(|id| registry.form(&id, own))
            .cloned()
            .ok_or_else(|| CommandError::UnknownForm {
                text: text.to_owned(),
                known: registry
                    .forms(own)
                    .into_iter()
                    .map(|known| known.form.id().to_string())
                    .collect(),
            })
    }

    pub(crate) fn period(&self, form: &Form, text: &str) -> Result<(Period, Date), CommandError> {
        let refuse = || CommandError::UnknownPeriod {
            text: text.to_owned(),
            form: form.id().to_string(),
            takes: form
                .calendar()
                .rules()
                .map(|rule| rule.kind.as_str().to_owned())
                .collect(),
        };
        let period: Period = text.parse().map_err(|_| refuse())?;
        let day = form.tree_day(&period).map_err(|_| refuse())?;
        Ok((period, day))
    }

    /// The unit that a text names on a day; without a text, this node's own.
    pub(crate) fn unit(&self, text: Option<&str>, on: Date) -> Result<UnitId, CommandError> {
        let Some(text) = text else {
            return Ok(self.me().unit.clone());
        };
        if self.tree().is_empty() {
            return Err(CommandError::NotSynced { what: "units" });
        }
        self.tree()
            .resolve(text, Some(on))
            .map_err(|error| match error {
                ResolveError::Ambiguous { candidates, .. } => CommandError::AmbiguousUnit {
                    text: text.to_owned(),
                    candidates: candidates
                        .into_iter()
                        .map(|unit| (unit.id, unit.name))
                        .collect(),
                },
                _ => CommandError::UnknownUnit {
                    text: text.to_owned(),
                    on: on.to_string(),
                },
            })
    }

    /// All units that a text can name: a code alone means each that ever had it, because reports of
    /// many periods are looked through.
    pub(crate) fn units_of(&self, text: &str) -> Result<Vec<UnitId>, CommandError> {
        if let Ok(code) = text.trim().parse() {
            let tree = self.tree();
            let units: Vec<_> = tree.with_code(&code).map(|unit| unit.id.clone()).collect();
            if !units.is_empty() {
                return Ok(units);
            }
        }
        Ok(vec![self.unit(Some(text), Date::MAX)?])
    }

    /// The report that a selector means, whether it exists yet or not.
    pub(crate) fn meant(&self, selector: &Selector) -> Result<Meant, CommandError> {
        let known = self.known_form(&selector.form)?;
        let form = known.form;
        let (period, day) = self.period(&form, &selector.period)?;
        if !form.is_entered(period.kind()) {
            return Err(CommandError::UnknownPeriod {
                text: selector.period.clone(),
                form: form.id().to_string(),
                takes: entered_kinds(&form),
            });
        }
        let unit = self.unit(selector.unit.as_deref(), day)?;
        let tree = self.tree();
        let role = tree
            .unit(&unit)
            .and_then(|found| form.level_role(&found.level));
        // Where a unit that it was assigned to has ended, its heir is asked.
        let mut asked = known.assigned.iter();
        let is_assigned = known.assigned.is_empty()
            || asked.any(|root| {
                let root = tree.heir_on(root, day).unwrap_or(root);
                tree.is_at_or_below(&unit, root)
            });
        let Some(role) = role.filter(|_| is_assigned) else {
            return Err(CommandError::NotReporting {
                unit,
                form: form.id().to_string(),
            });
        };
        let key = DocKey {
            kind: DocKind::Report,
            unit,
            form: form.id().clone(),
            major: form.version().major,
            period,
            instance: selector.instance,
            compartment: Compartment::public(),
        };
        Ok(Meant {
            key,
            form,
            tree,
            day,
            role,
        })
    }

    /// A report that this node may write.
    pub(crate) fn ours(&self, selector: &Selector) -> Result<Meant, CommandError> {
        let meant = self.meant(selector)?;
        let own = &self.me().unit;
        let unit = &meant.key.unit;
        if unit == own || (self.own_office().is_none() && meant.tree.is_at_or_below(unit, own)) {
            Ok(meant)
        } else {
            Err(CommandError::NotOurs {
                own: own.clone(),
                unit: unit.clone(),
            })
        }
    }

    /// The office that a save is made for: the one named, else that of this node or of whoever asks.
    pub(crate) fn office(
        &self,
        form: &Form,
        named: Option<&str>,
    ) -> Result<Option<OfficeId>, CommandError> {
        let Some(text) = named else {
            return Ok(self.own_office().cloned());
        };
        let office = text
            .parse::<OfficeId>()
            .ok()
            .filter(|id| form.offices().contains_key(id));
        let office = office.ok_or_else(|| CommandError::UnknownOffice {
            office: text.to_owned(),
            known: form.offices().keys().map(ToString::to_string).collect(),
        })?;
        self.may_write_for(Some(office.as_str()))?;
        Ok(Some(office))
    }

    /// The unit's main node writes for any of its offices, an office's node for its own.
    pub(crate) fn may_write_for(&self, named: Option<&str>) -> Result<(), CommandError> {
        match (self.own_office(), named) {
            (Some(own), Some(office)) if own.as_str() != office => Err(CommandError::OtherOffice {
                own: own.clone(),
                office: office.to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

fn entered_kinds(form: &Form) -> Vec<String> {
    let kinds = form
        .calendar()
        .rules()
        .filter(|rule| rule.from_parts.is_none());
    kinds.map(|rule| rule.kind.as_str().to_owned()).collect()
}

/// The value line that a code names.
pub(crate) fn line<'f>(
    form: &'f Form,
    text: &str,
) -> Result<(&'f Line, &'f ValueLine), CommandError> {
    let line = text
        .parse::<IndicatorCode>()
        .ok()
        .and_then(|code| form.line(&code));
    let found = line.and_then(|line| Some((line, line.value()?)));
    found.ok_or_else(|| CommandError::UnknownLine {
        code: text.to_owned(),
        form: form.id().to_string(),
        near: near_codes(form, text),
    })
}

/// The cell that a code names, of a value line or an open heading, and the register that a save writes.
pub(crate) fn cell<'f>(
    form: &'f Form,
    text: &str,
    named: Option<&str>,
    saving: Option<&OfficeId>,
) -> Result<(&'f Line, FigureKey), CommandError> {
    let code = text.parse::<IndicatorCode>().ok();
    let heading = code.and_then(|code| form.line(&code));
    if let Some(row) = heading.filter(|row| row.is_open_heading()) {
        return match named {
            None => Ok((row, FigureKey::whole(row.code.clone()))),
            Some(office) => Err(CommandError::UnknownOffice {
                office: office.to_owned(),
                known: Vec::new(),
            }),
        };
    }
    let (row, value) = line(form, text)?;
    Ok((row, figure_key(&row.code, value, named, saving)?))
}

/// The register that a save writes: the line's own, or one office's part of it.
fn figure_key(
    code: &IndicatorCode,
    line: &ValueLine,
    named: Option<&str>,
    saving: Option<&OfficeId>,
) -> Result<FigureKey, CommandError> {
    let known = || line.offices().map(ToString::to_string).collect();
    if !line.by_office {
        return match named {
            None => Ok(FigureKey::whole(code.clone())),
            Some(office) => Err(CommandError::UnknownOffice {
                office: office.to_owned(),
                known: Vec::new(),
            }),
        };
    }
    // The unit's main node has no office of its own: it writes the owner's part unless told.
    let office = match (named, saving) {
        (Some(text), _) => text.parse().ok(),
        (None, Some(office)) => Some(office.clone()),
        (None, None) => Some(line.owner.clone()),
    };
    let fits = office.filter(|office| line.offices().any(|known| known == office));
    match fits {
        Some(office) => Ok(FigureKey::part(code.clone(), office)),
        None => Err(CommandError::UnknownOffice {
            office: named
                .or(saving.map(OfficeId::as_str))
                .unwrap_or_default()
                .to_owned(),
            known: known(),
        }),
    }
}

/// The paragraph that a save writes.
pub(crate) fn section(
    form: &Form,
    text: &str,
    named: Option<&str>,
    saving: Option<&OfficeId>,
) -> Result<(SectionId, OfficeId), CommandError> {
    let found = text
        .parse::<SectionId>()
        .ok()
        .and_then(|id| form.section(&id));
    let Some(section) = found else {
        return Err(CommandError::UnknownSection {
            section: text.to_owned(),
            form: form.id().to_string(),
            known: form
                .sections()
                .iter()
                .map(|section| section.id.to_string())
                .collect(),
        });
    };
    let office = match (named, saving, section.offices.as_slice()) {
        (Some(text), _, _) => text.parse().ok(),
        (None, Some(office), _) => Some(office.clone()),
        (None, None, [only]) => Some(only.clone()),
        (None, None, _) => None,
    };
    match office.filter(|office| section.offices.contains(office)) {
        Some(office) => Ok((section.id.clone(), office)),
        None => Err(CommandError::UnknownOffice {
            office: named
                .or(saving.map(OfficeId::as_str))
                .unwrap_or_default()
                .to_owned(),
            known: section.offices.iter().map(ToString::to_string).collect(),
        }),
    }
}

/// Codes that share the longest beginning with what was typed.
fn near_codes(form: &Form, text: &str) -> Vec<String> {
    let shared = |code: &str| {
        code.bytes()
            .zip(text.bytes())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let mut codes: Vec<_> = form
        .value_lines()
        .map(|(line, _)| line.code.as_str())
        .collect();
    codes.sort_by_key(|code| {
        (
            std::cmp::Reverse(shared(code)),
            code.len().abs_diff(text.len()),
        )
    });
    codes
        .into_iter()
        .take(NEAR_CODES_MAX)
        .map(str::to_owned)
        .collect()
}
