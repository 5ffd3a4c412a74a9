//! A form as the fold needs it: its value lines numbered by code, each with who adds to it and how.

use std::collections::BTreeMap;

use hopluu_form::{Form, LevelRole, OverTime, OverUnits, ValueKind, ValueLine};
use hopluu_model::{IndicatorCode, OfficeId};

use crate::algebra::Measure;
use crate::cell::Cell;

/// What a unit does in one (form, period).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// It only stands between others.
    Passing,
    /// It owes the report.
    Reporting,
    /// It adds up what lies below, and adds its own part.
    Above,
    /// It is of a level that adds up, but nobody is below it (an island district without communes):
    /// it reports for itself.
    Sole,
}

impl Part {
    /// Whether coverage counts it among those who report, rather than those who add a part.
    #[must_use]
    pub(crate) fn is_reporting(self) -> bool {
        matches!(self, Self::Reporting | Self::Sole)
    }

    /// Whether it has a document at all.
    #[must_use]
    pub(crate) fn is_asked(self) -> bool {
        self != Self::Passing
    }

    fn is_above(self) -> bool {
        matches!(self, Self::Above | Self::Sole)
    }
}

/// How one line is folded.
#[derive(Debug)]
pub(crate) struct LineRule {
    pub(crate) code: IndicatorCode,
    pub(crate) measure: Measure,
    pub(crate) over_units: OverUnits,
    pub(crate) over_time: OverTime,
    pub(crate) may_count_twice: bool,
    /// Whose `CODE@office` parts make up the figure; `None` for a line that is one figure.
    pub(crate) offices: Option<Vec<OfficeId>>,
    reporting_enters: bool,
    above_enters: bool,
}

impl LineRule {
    fn new(code: &IndicatorCode, line: &ValueLine) -> Self {
        Self {
            code: code.clone(),
            measure: match line.entered {
                ValueKind::Count | ValueKind::Decimal { .. } | ValueKind::Money => Measure::Number,
                ValueKind::YesNo => Measure::YesNo,
                ValueKind::Share => Measure::Share,
            },
            over_units: line.over_units,
            over_time: line.over_time,
            may_count_twice: line.may_count_twice,
            offices: line.by_office.then(|| line.offices().cloned().collect()),
            reporting_enters: line.is_entered_by(LevelRole::Reporting),
            above_enters: line.is_entered_by(LevelRole::OwnPart),
        }
    }

    /// Whether a unit has this line to fill.
    pub(crate) fn is_entered_by(&self, part: Part) -> bool {
        part.is_reporting() && self.reporting_enters || part.is_above() && self.above_enters
    }

    /// Whether what the unit enters goes into its total and those above it.
    pub(crate) fn is_counted_from(&self, part: Part) -> bool {
        let fits = match self.over_units {
            // What a unit above answers is its own statement, shown beside the share.
            OverUnits::Sum | OverUnits::ShareOfUnits => part.is_reporting(),
            OverUnits::OwnOnly => part.is_above(),
            OverUnits::SumPlusOwn | OverUnits::Ratio => true,
            OverUnits::None => false,
        };
        fits && self.is_entered_by(part)
    }
}

/// The value lines of a form by code, and what an empty document says on each.
#[derive(Debug)]
pub(crate) struct Lines {
    rules: Box<[LineRule]>,
    /// Headings: a value under one is not a line's. Each with whether its cell is open.
    headings: Vec<(IndicatorCode, bool)>,
    empty: BTreeMap<Part, Box<[Cell]>>,
    counted: BTreeMap<Part, Box<[bool]>>,
}

impl Lines {
    pub(crate) fn of(form: &Form) -> Self {
        let mut rules: Vec<_> = form
            .value_lines()
            .map(|(line, value)| LineRule::new(&line.code, value))
            .collect();
        rules.sort_by(|a, b| a.code.cmp(&b.code));
        let mut headings: Vec<_> = form
            .lines()
            .iter()
            .filter(|line| line.value().is_none())
            .map(|line| (line.code.clone(), line.is_open_heading()))
            .collect();
        headings.sort();
        let empty = [Part::Reporting, Part::Above, Part::Sole].map(|part| {
            let cell = |rule: &LineRule| {
                if rule.is_entered_by(part) {
                    Cell::MISSING
                } else {
                    Cell::UNASKED
                }
            };
            (part, rules.iter().map(cell).collect())
        });
        let counted = [Part::Reporting, Part::Above, Part::Sole].map(|part| {
            (
                part,
                rules
                    .iter()
                    .map(|rule| rule.is_counted_from(part))
                    .collect(),
            )
        });
        Self {
            rules: rules.into_boxed_slice(),
            headings,
            empty: empty.into_iter().collect(),
            counted: counted.into_iter().collect(),
        }
    }

    pub(crate) fn rules(&self) -> &[LineRule] {
        &self.rules
    }

    /// The number of a code.
    pub(crate) fn find(&self, code: &str) -> Option<usize> {
        let rules = &self.rules;
        rules
            .binary_search_by(|rule| rule.code.as_str().cmp(code))
            .ok()
    }

    /// Whether a code is a heading's, and then whether its cell is open.
    pub(crate) fn heading(&self, code: &str) -> Option<bool> {
        let headings = &self.headings;
        let at = headings.binary_search_by(|(heading, _)| heading.as_str().cmp(code));
        headings.get(at.ok()?).map(|(_, is_open)| *is_open)
    }

    /// A document of such a unit in which nobody wrote.
    pub(crate) fn empty(&self, part: Part) -> &[Cell] {
        self.empty.get(&part).map_or(&[], AsRef::as_ref)
    }

    /// By line: whether what such a unit enters goes into totals.
    pub(crate) fn counted(&self, part: Part) -> &[bool] {
        self.counted.get(&part).map_or(&[], AsRef::as_ref)
    }
}
