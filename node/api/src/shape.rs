//! Shapes of JSON that only the API has: what is asked, and forms. Everything else is the engine's
//! `view`.

mod attachment;

use hopluu_engine::view::{BundleView, ReportRef, Saved, Selector, WatchEvent};
use hopluu_form::{Form, Line, OverTime, OverUnits, ValueKind};
use hopluu_model::{
    CompartmentId, Date, Digest, FormId, FormVersion, IndicatorCode, OfficeId, SectionId,
};
use serde::{Deserialize, Serialize};

pub use self::attachment::{AttachQuery, PartQuery, PartView};
use crate::problem::Problem;
use crate::text::Both;

/// The header of an export that says how many reports it leaves out because they are withdrawn.
pub const WITHDRAWN_HEADER: &str = "hopluu-withdrawn";

/// Which reports are meant; every part left out means all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportQuery {
    /// Only this form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Only this period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<String>,
    /// Only this unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// Which total is meant, and perhaps which of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotalQuery {
    /// The unit; the node's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The form.
    pub form: String,
    /// The period.
    pub period: String,
    /// The line, for `explain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Which form is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormQuery {
    /// Its name.
    pub form: String,
}

/// Which unit is meant, on which day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitQuery {
    /// The unit; the node's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The day; today if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Date>,
}

/// Opens a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// Which report.
    pub report: Selector,
    /// For which office; the node's own if left out.
    #[serde(default)]
    pub office: Option<String>,
    /// Whether it starts with the figures and texts of the period before.
    #[serde(default)]
    pub like_last: bool,
}

/// Takes the last save back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UndoRequest {
    /// Which report.
    pub report: Selector,
    /// For which office; the node's own if left out.
    #[serde(default)]
    pub office: Option<String>,
}

/// Hands down a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormRequest {
    /// Its text, as it stands in the file.
    pub source: String,
    /// The units it is for, with all below them; everyone if empty.
    #[serde(default)]
    pub assigned: Vec<String>,
}

/// Which report's writes are asked about, and perhaps of which line or section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// The unit; the node's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The form.
    pub form: String,
    /// The period.
    pub period: String,
    /// Which of several reports of the period.
    #[serde(default)]
    pub instance: u32,
    /// A line or a section; everything if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl AuditQuery {
    /// The report that is meant.
    #[must_use]
    pub fn report(&self) -> Selector {
        Selector {
            unit: self.unit.clone(),
            form: self.form.clone(),
            period: self.period.clone(),
            instance: self.instance,
        }
    }
}

/// Which document of a report goes into a dossier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DossierRequest {
    /// Which report.
    pub report: Selector,
    /// Of which compartment; the open document if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compartment: Option<CompartmentId>,
}

/// A report as a file that whoever knows the root can verify.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DossierFile {
    /// Which report.
    pub report: ReportRef,
    /// The file, in base64.
    pub content: String,
}

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedRequest {
    /// The beginning of its name.
    pub name: String,
}

/// A change of which something is void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidRequest {
    /// The beginning of its name.
    pub change: String,
}

/// Issues a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// The unit of the new node; this node's own, for an office.
    #[serde(default)]
    pub unit: Option<String>,
    /// The office of the new node.
    #[serde(default)]
    pub office: Option<String>,
    /// Addresses under which the joiner reaches this node; its listen address if empty.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// How long it is good, in hours.
    pub hours: u32,
}

/// Copies the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// The file to write, from the root of the file system: the node has its own working folder.
    pub path: std::path::PathBuf,
}

/// The answer to a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDone {
    /// Bytes written.
    pub bytes: u64,
}

/// One part of a bundle, as `export` answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundlePart {
    /// What its address says.
    pub bundle: BundleView,
    /// How many entries it holds.
    pub entries: u64,
    /// How many pieces of attachments.
    #[serde(default)]
    pub pieces: u64,
    /// The file, in base64.
    pub content: String,
}

/// The answer to a command that has nothing to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Done {}

/// The answer to one line of an import, in the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportAnswer {
    /// The line, from 1.
    pub line: u64,
    /// What was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Saved>,
    /// Why nothing was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// The line of an export that stands beside a report whose figure is unsettled: a save could carry
/// only one of the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsettledLine {
    /// The figure.
    pub unsettled: Unsettled,
}

/// A figure with several values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsettled {
    /// Which report.
    pub report: Selector,
    /// The line of the form.
    pub code: IndicatorCode,
    /// Whose part, on lines that offices add up.
    #[serde(default)]
    pub office: Option<OfficeId>,
    /// The values, canonical.
    pub values: Vec<String>,
}

/// A line of `watch`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WatchLine {
    /// Something happened.
    Event(WatchEvent),
    /// Something about the stream itself.
    Mark(WatchMark),
}

/// Where a watch begins, and where it ends before the node does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WatchMark {
    /// The first line: the listener hears everything from now on.
    Ready,
    /// The last line: the listener may no longer read.
    Ended {
        /// Why.
        error: Box<Problem>,
    },
}

/// A form, with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormView {
    /// Its name.
    pub form: FormId,
    /// Its version.
    pub version: FormVersion,
    /// Its title.
    pub title: Both,
    /// BLAKE3 of its text.
    pub digest: Digest,
    /// Levels whose units owe the report.
    pub reporting: Vec<String>,
    /// Levels whose units add a part of their own.
    pub own_part: Vec<String>,
    /// Kinds of period it is reported for.
    pub periods: Vec<String>,
    /// The offices that write in it.
    pub offices: Vec<OfficeView>,
    /// Its rows, in printed order.
    pub lines: Vec<LineView>,
    /// Its sections of text.
    pub sections: Vec<SectionView>,
    /// The form file, as it was handed down.
    pub source: String,
}

/// An office of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfficeView {
    /// Its id.
    pub office: OfficeId,
    /// Its name.
    pub name: Both,
}

/// A row of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// Its code.
    pub code: IndicatorCode,
    /// The row above it.
    pub parent: Option<IndicatorCode>,
    /// What stands in the number column.
    pub printed: String,
    /// What is asked.
    pub label: Both,
    /// The cell; none for a heading.
    pub cell: Option<CellView>,
    /// A heading in which a paper may hold a figure all the same, which is added up nowhere.
    pub open_cell: bool,
}

/// A cell of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellView {
    /// `count`, `decimal`, `money`, `yes_no` or `share`.
    pub entered: String,
    /// In what it is counted.
    pub measure: Both,
    /// How it adds up over units, in the words of the form file.
    pub over_units: String,
    /// How it adds up over time, in the words of the form file.
    pub over_time: String,
    /// The offices that enter it, the owner first.
    pub offices: Vec<OfficeId>,
    /// Whether each of them enters a part of it, as `CODE@OFFICE`.
    pub by_office: bool,
}

/// A section of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionView {
    /// Its id.
    pub section: SectionId,
    /// Its heading.
    pub title: Both,
    /// The offices that write here.
    pub offices: Vec<OfficeId>,
}

impl From<&Form> for FormView {
    fn from(form: &Form) -> Self {
        let offices = form.offices().iter().map(|(id, office)| OfficeView {
            office: id.clone(),
            name: both(&office.name),
        });
        let sections = form.sections().iter().map(|section| SectionView {
            section: section.id.clone(),
            title: both(&section.title),
            offices: section.offices.clone(),
        });
        Self {
            form: form.id().clone(),
            version: form.version(),
            title: both(form.title()),
            digest: form.digest(),
            reporting: form.reporting_levels().to_vec(),
            own_part: form.own_part_levels().to_vec(),
            periods: form
                .calendar()
                .rules()
                .map(|rule| rule.kind.as_str().to_owned())
                .collect(),
            offices: offices.collect(),
            lines: form.lines().iter().map(LineView::from).collect(),
            sections: sections.collect(),
            source: form.source().to_owned(),
        }
    }
}

impl From<&Line> for LineView {
    fn from(line: &Line) -> Self {
        let cell = line.value().map(|cell| CellView {
            entered: entered_word(cell.entered).to_owned(),
            measure: both(&cell.measure),
            over_units: over_units_word(cell.over_units).to_owned(),
            over_time: over_time_word(cell.over_time).to_owned(),
            offices: cell.offices().cloned().collect(),
            by_office: cell.by_office,
        });
        Self {
            code: line.code.clone(),
            parent: line.parent.clone(),
            printed: line.printed.clone(),
            label: both(&line.label),
            cell,
            open_cell: line.is_open_heading(),
        }
    }
}

fn both(text: &hopluu_form::Text) -> Both {
    Both::new(&text.vi, text.in_lang(hopluu_form::Lang::En))
}

fn entered_word(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Count => "count",
        ValueKind::Decimal { .. } => "decimal",
        ValueKind::Money => "money",
        ValueKind::YesNo => "yes_no",
        ValueKind::Share => "share",
    }
}

fn over_units_word(over: OverUnits) -> &'static str {
    match over {
        OverUnits::Sum => "sum",
        OverUnits::SumPlusOwn => "sum_plus_own",
        OverUnits::OwnOnly => "own_only",
        OverUnits::ShareOfUnits => "share_of_units",
        OverUnits::Ratio => "ratio",
        OverUnits::None => "none",
    }
}

fn over_time_word(over: OverTime) -> &'static str {
    match over {
        OverTime::Sum => "sum",
        OverTime::Latest => "latest",
        OverTime::Recompute => "recompute",
        OverTime::DistinctUpperBound => "distinct_sum",
        OverTime::None => "none",
    }
}

#[cfg(test)]
mod tests;
