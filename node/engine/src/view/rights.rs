//! Who may write what, and what somebody wrote who may not.

use hopluu_model::{
    ChangeHash, Date, FormId, NodeId, OfficeId, Period, RecordHash, Step, Timestamp, UnitId,
};
use serde::{Deserialize, Serialize};

use super::{ReportRef, WroteView};

/// How far a right reaches among the lines or the sections of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReachView {
    /// None of them.
    Nothing,
    /// Those that the form gives to the office.
    Own,
    /// Every one.
    All,
    /// These.
    Only(Vec<String>),
}

/// What an office is to be given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRequest {
    /// Whose reports, by code; none means the node's own unit.
    pub unit: Option<String>,
    /// Also the reports of the units below.
    #[serde(default)]
    pub below: bool,
    /// The unit of the office, by code; none means the one whose reports it is.
    pub holder: Option<String>,
    /// The office.
    pub office: String,
    /// Which forms; none named means all.
    #[serde(default)]
    pub forms: Vec<String>,
    /// From the period that ends on this day.
    pub since: Option<Date>,
    /// Until the period that ends on this day.
    pub until: Option<Date>,
    /// Figures and notes.
    pub lines: ReachView,
    /// Texts.
    pub texts: ReachView,
    /// Whether files may be added and taken out.
    pub attachments: bool,
    /// Steps of a report's life.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Private lines that may be read, beside those that may be written.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub reads: ReachView,
}

fn nothing() -> ReachView {
    ReachView::Nothing
}

fn is_nothing(reach: &ReachView) -> bool {
    *reach == ReachView::Nothing
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantView {
    /// Its name.
    pub grant: RecordHash,
    /// Whose reports.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// Also the reports of the units below.
    pub below: bool,
    /// The unit of the office.
    pub holder: UnitId,
    /// That unit's name.
    pub holder_name: String,
    /// The office.
    pub office: OfficeId,
    /// Which forms; empty means all.
    pub forms: Vec<FormId>,
    /// From the period that ends on this day.
    pub since: Option<Date>,
    /// Until the period that ends on this day.
    pub until: Option<Date>,
    /// Figures and notes.
    pub lines: ReachView,
    /// Texts.
    pub texts: ReachView,
    /// Whether files may be added and taken out.
    pub attachments: bool,
    /// Steps of a report's life.
    pub steps: Vec<Step>,
    /// Private lines that may be read, beside those that may be written.
    #[serde(default = "nothing", skip_serializing_if = "is_nothing")]
    pub reads: ReachView,
    /// The node that gave it.
    pub by: NodeId,
    /// That node's unit.
    pub by_unit: Option<UnitId>,
    /// Whether it counts: it was its giver's to give, and nobody has taken it back.
    pub counts: bool,
}

/// What is to hold no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeRequest {
    /// A node or a grant, by the beginning of its name.
    pub target: String,
    /// A person's account on that node.
    pub account: Option<String>,
    /// Why: `lost`, `stolen`, `replaced`, `left`, `misused` or `mistake`.
    pub reason: String,
}

/// What holds no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationView {
    /// Its name.
    pub revocation: RecordHash,
    /// The node, if it is one or somebody's account there.
    pub node: Option<NodeId>,
    /// The account.
    pub account: Option<String>,
    /// The grant, if it is one.
    pub grant: Option<RecordHash>,
    /// The unit of the node, or whose reports the grant is about.
    pub unit: Option<UnitId>,
    /// The office of the node, or that held the grant.
    pub office: Option<OfficeId>,
    /// Why.
    pub reason: String,
    /// The unit that revoked it.
    pub by_unit: Option<UnitId>,
    /// In how many documents something of it stands.
    pub stands: u64,
}

/// Which of the void changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidQuery {
    /// Also those that were adopted or dismissed.
    #[serde(default)]
    pub all: bool,
    /// Only those whose names begin so.
    pub change: Option<String>,
}

/// A change of which something counts nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidView {
    /// The change.
    pub change: ChangeHash,
    /// The report it is in.
    pub report: ReportRef,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// Who sealed it.
    pub author: Option<NodeId>,
    /// That node's unit.
    pub author_unit: Option<UnitId>,
    /// That node's office.
    pub author_office: Option<OfficeId>,
    /// Of that node's people, who: the account that the seal names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Why: `not-enrolled`, `other-unit`, `no-grant`, `revoked`, `not-superior` or `out-of-order`.
    pub why: String,
    /// What is void of it, as a person names it.
    pub what: Vec<String>,
    /// What it wrote in all.
    pub wrote: Vec<WroteView>,
    /// `adopted` or `dismissed`, once somebody has said so.
    pub answer: Option<String>,
}

/// The report that something which waits is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedReport {
    /// Whose.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// By which form.
    pub form: FormId,
    /// On what.
    pub period: Period,
}

/// Something that waits for something else before it can come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedView {
    /// Its name here.
    pub name: ChangeHash,
    /// Who brought it.
    pub from: NodeId,
    /// That node's unit.
    pub from_unit: Option<UnitId>,
    /// Since when.
    pub at: Timestamp,
    /// How much room it takes.
    pub bytes: u64,
    /// The report it is of; a record is of none.
    pub report: Option<ParkedReport>,
    /// What it waits for: `form`, `author`, `change`, or `merge` where too much was written apart.
    pub why: String,
    /// Which: a form and its version, nodes, changes.
    pub waits_for: Vec<String>,
}
