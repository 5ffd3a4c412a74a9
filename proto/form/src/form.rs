//! The form itself: what is asked, of whom, and how it adds up.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{
    CompartmentId, Date, Digest, FormId, FormVersion, IndicatorCode, OfficeId, Period, PeriodKind,
    SectionId,
};

use crate::calendar::{Calendar, Due, PeriodNotAccepted, PeriodRule};
use crate::lang::Text;

/// A form, checked as a whole: what one line says of another holds.
///
/// ```
/// use hopluu_form::{EntryContext, Form, Lang, show_vi};
///
/// let text = r#"
/// id = "quick"
/// version = "1.0"
/// title = { vi = "Báo cáo nhanh" }
/// levels = { reporting = ["commune"] }
/// measures = { house = { vi = "Nhà" } }
/// calendar = [{ period = "ad-hoc", due = { commune = "by +1 day" } }]
/// office = [{ id = "military", vi = "Ban Chỉ huy Quân sự" }]
///
/// [[line]]
/// code = "H"
/// vi = "Nhà bị ngập"
/// entered = "count"
/// measure = "house"
/// over_units = "sum"
/// over_time = "none"
/// owner = "military"
/// "#;
/// let form = Form::parse(text).map_err(|errors| errors.report(Lang::En))?;
/// let line = form.lines().first().ok_or("no line")?;
/// let commune = EntryContext { is_leaf: true, units_below: None };
/// let value = form.read_value(line, "1.500", &commune)?;
/// assert_eq!(value.to_string(), "1500");
/// assert_eq!(show_vi(&value), "1.500");
/// assert!(form.read_value(line, "1.5", &commune).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    pub(crate) id: FormId,
    pub(crate) version: FormVersion,
    pub(crate) title: Text,
    pub(crate) reporting: Vec<String>,
    pub(crate) own_part: Vec<String>,
    pub(crate) calendar: Calendar,
    pub(crate) offices: BTreeMap<OfficeId, Office>,
    pub(crate) lines: Vec<Line>,
    pub(crate) sections: Vec<Section>,
    pub(crate) by_code: BTreeMap<IndicatorCode, usize>,
    pub(crate) source: String,
}

/// What units of a level do with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LevelRole {
    /// They owe the report: coverage counts them.
    Reporting,
    /// They add up what lies below and may add their own part.
    OwnPart,
}

/// An office that writes in the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// Its name.
    pub name: Text,
    /// Its place on the consolidated paper: texts of one section follow this order.
    pub order: u16,
}

/// One printed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Stable and unique, whatever number is printed.
    pub code: IndicatorCode,
    /// The line it hangs under.
    pub parent: Option<IndicatorCode>,
    /// What stands in the number column: `2.1`, `-`, `+`; two lines may print the same.
    pub printed: String,
    /// What is asked.
    pub label: Text,
    /// Heading or value.
    pub role: LineRole,
    /// The minor version that added the line.
    pub since_minor: u16,
}

/// Whether a row has a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineRole {
    /// Only words; nothing is added up in it.
    Heading(Heading),
    /// A cell.
    Value(Box<ValueLine>),
}

/// What the paper has beside the words of a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    /// Nothing.
    Closed,
    /// An empty cell, in which some offices write a number although nothing is asked. A unit may enter
    /// what its paper says there: it is held against the lines below, and added up nowhere.
    OpenCell,
}

/// What goes into a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueKind {
    /// A whole number.
    Count,
    /// A number with at most so many digits behind the comma.
    Decimal {
        /// Most digits behind the comma.
        scale: u8,
    },
    /// Money in the line's measure (million đồng), with at most six digits behind the comma.
    Money,
    /// Có or Không.
    YesNo,
    /// Part and whole, `19/21`; the percent is computed, never typed.
    Share,
}

impl ValueKind {
    /// Whether the cell holds a number that can be added up.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::Count | Self::Decimal { .. } | Self::Money)
    }

    /// Most digits behind the comma.
    #[must_use]
    pub fn scale_max(self) -> u8 {
        match self {
            Self::Decimal { scale } => scale,
            Self::Money => hopluu_model::quantity::SCALE_MAX,
            Self::Count | Self::YesNo | Self::Share => 0,
        }
    }
}

/// How a line stands to a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// On its own.
    None,
    /// One of the parts that make up the whole without overlap: it adds.
    Addend,
    /// "Trong đó", may overlap its siblings: bounded by the whole, never added.
    Subset,
    /// A fact about the line above in another measure (its fines in đồng): neither adds nor is bounded.
    Attribute,
}

/// How a line becomes a total over units. The total of a unit takes in the totals of its children, so
/// each of these must mean the same at every level of a tree of any depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverUnits {
    /// What the reporting units enter is added up; nobody above enters anything.
    Sum,
    /// As [`Self::Sum`], and units above add their own part.
    SumPlusOwn,
    /// Reporting units have no such cell: the own parts of the units above are added up. At the
    /// district that is its own figure alone, at the province the sum of its districts.
    OwnOnly,
    /// How many of the reporting units said yes; who did not answer said neither. An answer of a unit
    /// above is its own statement: it is shown, and counts in no share.
    ShareOfUnits,
    /// Entered as part and whole; parts and wholes are added up separately.
    Ratio,
    /// Not added up; each unit's answer stands alone.
    None,
}

/// How a line becomes a total over the parts of a longer period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverTime {
    /// A flow: half-years add up to the year.
    Sum,
    /// A stock: the latest part's figure stands.
    Latest,
    /// A share: computed anew from the summed parts and wholes.
    Recompute,
    /// Distinct things counted in each part: their sum is only an upper bound, and marked so.
    DistinctUpperBound,
    /// No total over time.
    None,
}

/// How a share is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShownAs {
    /// `19/21 (90,5%)`
    Share,
    /// `90,5%`
    Percent,
}

/// Who enters a line, by the role of the unit's level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EnteredAt {
    /// Units that owe the report.
    Reporting,
    /// Units above them.
    Above,
    /// Both.
    Both,
}

/// Everything a cell needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueLine {
    /// What may be typed.
    pub entered: ValueKind,
    /// In what it is counted ("đơn vị tính"): two lines are comparable only if it is the same.
    pub measure_code: String,
    /// The same as printed.
    pub measure: Text,
    /// How it stands to [`Self::whole`].
    pub part: Part,
    /// The line it is a part of: its parent unless the form says otherwise.
    pub whole: Option<IndicatorCode>,
    /// Entered, and checked against the sum of its addends.
    pub is_sum_of_parts: bool,
    /// Over the tree.
    pub over_units: OverUnits,
    /// Over the parts of a longer period.
    pub over_time: OverTime,
    /// Who answers for the figure.
    pub owner: OfficeId,
    /// Who else knows it.
    pub contributors: Vec<OfficeId>,
    /// The figure is the sum of `CODE@office` parts, one each by owner and contributors; a plain
    /// `CODE` is then not written, and the other way round.
    pub by_office: bool,
    /// Where a private line stands: offices that may not read one of these lines never receive them, and small
    /// counts are masked in everything that leaves the reporting line.
    pub compartment: Option<CompartmentId>,
    /// A person (or establishment) may stand in the figures of two units: totals say so.
    pub may_count_twice: bool,
    /// Who enters it.
    pub entered_at: EnteredAt,
    /// How a share of it is printed; entered and shown are separate things.
    pub shown_as: ShownAs,
}

impl ValueLine {
    /// Whether not everybody may read it.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.compartment.is_some()
    }

    /// Owner and contributors, the owner first: who may add a part where [`Self::by_office`] holds.
    pub fn offices(&self) -> impl Iterator<Item = &OfficeId> {
        std::iter::once(&self.owner).chain(&self.contributors)
    }

    /// Whether a unit in this role has the cell.
    #[must_use]
    pub fn is_entered_by(&self, role: LevelRole) -> bool {
        match self.entered_at {
            EnteredAt::Both => true,
            EnteredAt::Reporting => role == LevelRole::Reporting,
            EnteredAt::Above => role == LevelRole::OwnPart,
        }
    }
}

impl Line {
    /// The cell, `None` for a heading.
    #[must_use]
    pub fn value(&self) -> Option<&ValueLine> {
        match &self.role {
            LineRole::Value(value) => Some(value),
            LineRole::Heading(_) => None,
        }
    }

    /// Whether it is a heading with a cell that nobody asks for, see [`Heading::OpenCell`].
    #[must_use]
    pub fn is_open_heading(&self) -> bool {
        self.role == LineRole::Heading(Heading::OpenCell)
    }
}

/// A part of the report in words, written by one or several offices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Stable name.
    pub id: SectionId,
    /// The heading on the paper.
    pub title: Text,
    /// Who writes here, one text each, in the order of the paper.
    pub offices: Vec<OfficeId>,
    /// The minor version that added the section.
    pub since_minor: u16,
}

impl Form {
    /// The form's name.
    #[must_use]
    pub fn id(&self) -> &FormId {
        &self.id
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> FormVersion {
        self.version
    }

    /// Its title.
    #[must_use]
    pub fn title(&self) -> &Text {
        &self.title
    }

    /// The names of the levels whose units owe the report.
    #[must_use]
    pub fn reporting_levels(&self) -> &[String] {
        &self.reporting
    }

    /// The names of the levels whose units may add their own part.
    #[must_use]
    pub fn own_part_levels(&self) -> &[String] {
        &self.own_part
    }

    /// What units of this level do with the form; `None`: nothing but pass it on.
    #[must_use]
    pub fn level_role(&self, level: &str) -> Option<LevelRole> {
        let is_in = |names: &[String]| names.iter().any(|name| name == level);
        if is_in(&self.reporting) {
            Some(LevelRole::Reporting)
        } else {
            is_in(&self.own_part).then_some(LevelRole::OwnPart)
        }
    }

    /// For which periods it is reported.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// All offices that the form names.
    #[must_use]
    pub fn offices(&self) -> &BTreeMap<OfficeId, Office> {
        &self.offices
    }

    /// All rows in printed order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// All sections of text in printed order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The row of a code.
    #[must_use]
    pub fn line(&self, code: &IndicatorCode) -> Option<&Line> {
        self.lines.get(*self.by_code.get(code)?)
    }

    /// The cell of a code; `None` for a heading too.
    #[must_use]
    pub fn value(&self, code: &IndicatorCode) -> Option<&ValueLine> {
        self.line(code)?.value()
    }

    /// The rows right under one, in printed order.
    pub fn children<'a>(&'a self, code: &'a IndicatorCode) -> impl Iterator<Item = &'a Line> {
        self.lines
            .iter()
            .filter(move |line| line.parent.as_ref() == Some(code))
    }

    /// The lines that add up to one, in printed order.
    pub fn addends<'a>(&'a self, code: &'a IndicatorCode) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| {
            line.value()
                .is_some_and(|v| v.part == Part::Addend && v.whole.as_ref() == Some(code))
        })
    }

    /// Rows with a cell, in printed order.
    pub fn value_lines(&self) -> impl Iterator<Item = (&Line, &ValueLine)> {
        self.lines
            .iter()
            .filter_map(|line| Some((line, line.value()?)))
    }

    /// The compartments of its private lines, in order.
    #[must_use]
    pub fn compartments(&self) -> BTreeSet<&CompartmentId> {
        let values = self.value_lines();
        values
            .filter_map(|(_, value)| value.compartment.as_ref())
            .collect()
    }

    /// Where the figure of a line stands; nothing where it is open. What the paper says in the open cell of a heading
    /// is as private as the lines below it: it may be their sum.
    #[must_use]
    pub fn compartment(&self, code: &IndicatorCode) -> Option<&CompartmentId> {
        let line = self.line(code)?;
        match line.value() {
            Some(value) => value.compartment.as_ref(),
            None => {
                let values = self.value_lines();
                values
                    .filter(|(below, _)| self.is_below(below, code))
                    .find_map(|(_, value)| value.compartment.as_ref())
            }
        }
    }

    fn is_below(&self, line: &Line, above: &IndicatorCode) -> bool {
        let next = |line: &&Line| self.line(line.parent.as_ref()?);
        let mut line_up = std::iter::successors(Some(line), next);
        line_up.any(|line| line.parent.as_ref() == Some(above))
    }

    /// The section of a name.
    #[must_use]
    pub fn section(&self, id: &SectionId) -> Option<&Section> {
        self.sections.iter().find(|section| section.id == *id)
    }

    /// Every declared text, which is what genesis creates: (section, office) in printed order.
    pub fn texts(&self) -> impl Iterator<Item = (&Section, &OfficeId)> {
        self.sections
            .iter()
            .flat_map(|section| section.offices.iter().map(move |office| (section, office)))
    }

    /// The rule for a period.
    ///
    /// # Errors
    /// The form is not reported for such a period.
    pub fn period_rule(&self, period: &Period) -> Result<&PeriodRule, PeriodNotAccepted> {
        self.calendar.rule(period).ok_or_else(|| PeriodNotAccepted {
            form: self.id.clone(),
            period: period.clone(),
            accepted: self
                .calendar
                .rules()
                .map(|rule| (rule.kind, rule.years))
                .collect(),
        })
    }

    /// First and last day that the figures of a period cover.
    ///
    /// # Errors
    /// The form is not reported for such a period.
    pub fn window(&self, period: &Period) -> Result<(Date, Date), PeriodNotAccepted> {
        Ok(self.period_rule(period)?.window(period))
    }

    /// The day whose unit tree holds for a period: the last of its window.
    ///
    /// # Errors
    /// The form is not reported for such a period.
    pub fn tree_day(&self, period: &Period) -> Result<Date, PeriodNotAccepted> {
        Ok(self.window(period)?.1)
    }

    /// When a period is due at a level; `None` where no date is set.
    ///
    /// # Errors
    /// The form is not reported for such a period.
    pub fn due(&self, period: &Period, level: &str) -> Result<Option<Due>, PeriodNotAccepted> {
        Ok(self.period_rule(period)?.due(period, level))
    }

    /// The periods whose reports make up this one: itself if it is entered, else the entered periods
    /// of its parts, in order.
    ///
    /// # Errors
    /// The form is not reported for such a period.
    pub fn entered_periods(&self, period: &Period) -> Result<Vec<Period>, PeriodNotAccepted> {
        let Some(kind) = self.period_rule(period)?.from_parts else {
            return Ok(vec![period.clone()]);
        };
        // Parts are shorter than the whole (checked on reading), so this ends.
        let mut entered = Vec::new();
        for part in period.parts(kind) {
            entered.extend(self.entered_periods(&part)?);
        }
        Ok(entered)
    }

    /// Whether reports are written for this kind of period, rather than computed from its parts.
    #[must_use]
    pub fn is_entered(&self, kind: PeriodKind) -> bool {
        self.calendar
            .rules()
            .any(|rule| rule.kind == kind && rule.from_parts.is_none())
    }

    /// The text the form was read from, line ends made plain: what is handed down and shown.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// BLAKE3 over the source, by which a total names the form it was made with.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key("hopluu 2026 form text");
        hasher.update(self.source.as_bytes());
        Digest(*hasher.finalize().as_bytes())
    }
}
