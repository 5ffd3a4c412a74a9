//! Who set what, on whose right, and how one knows; who read what is private, and what was refused.

use hopluu_model::{
    ChangeHash, Date, Digest, FormVersion, NodeId, OfficeId, RecordHash, Timestamp, UnitId,
};
use serde::{Deserialize, Serialize};

use super::{ReportRef, WroteView};

/// Everything that was ever written in a report, or in one line or section of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// The report.
    pub report: ReportRef,
    /// The version of the form by which it was judged.
    pub form_version: FormVersion,
    /// Figures, notes, texts, files and steps, by name.
    pub things: Vec<AuditThing>,
}

/// One thing in a report, with all that was written to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditThing {
    /// `figure`, `note`, `text`, `file` or `step`.
    pub kind: String,
    /// The code, with `@` and an office where it is one office's part; a file's hash; a step.
    pub name: String,
    /// Oldest first.
    pub writes: Vec<AuditWrite>,
}

/// What one save has written to one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditWrite {
    /// What.
    pub wrote: WroteView,
    /// The save.
    pub change: ChangeHash,
    /// When, by the writer's clock: a claim.
    pub at: Timestamp,
    /// Who sealed it.
    pub author: Signatory,
    /// On what right; nothing where there was none.
    pub right: Option<RightView>,
    /// Why it counts nowhere, in the words of `void`; nothing where it counts.
    pub void: Option<String>,
    /// Whether it counts and nothing that counts was written over it.
    pub stands: bool,
    /// The save that has written over it.
    pub superseded_by: Option<ChangeHash>,
    /// What was decided about it, where it is void.
    pub answer: Option<AnswerView>,
    /// The earliest word of a superior that it was there. A superior's newer word takes the place of its older ones, so
    /// the write may be older than that.
    pub received: Option<ReceivedView>,
    /// How it came to this node; nothing in a dossier, which is no node's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brought: Option<BroughtView>,
}

/// Whoever has signed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signatory {
    /// The node's key; nothing where nobody is known.
    pub node: Option<NodeId>,
    /// Its unit, as its certificate says; nothing where no certificate of it stands.
    pub unit: Option<UnitId>,
    /// That unit's name.
    pub unit_name: Option<String>,
    /// Its office; none for a main node.
    pub office: Option<OfficeId>,
    /// The person's account there, where it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// On what right something was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightView {
    /// The grant; none where the certificate of a main node is the right.
    pub grant: Option<RecordHash>,
    /// Who gave the grant, or issued the certificate; nobody for the root.
    pub by: Option<Signatory>,
    /// Of a grant, from the period that ends on this day.
    pub since: Option<Date>,
    /// Until the period that ends on this day.
    pub until: Option<Date>,
}

/// What was decided about something void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerView {
    /// `adopted` or `dismissed`.
    pub answer: String,
    /// Who decided.
    pub by: Signatory,
    /// In which save.
    pub change: ChangeHash,
}

/// A superior's signed word that something is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedView {
    /// The superior.
    pub unit: UnitId,
    /// Its name.
    pub unit_name: String,
    /// When, by its clock.
    pub at: Timestamp,
}

/// How something came here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroughtView {
    /// The peer that brought it; nobody where it was written here.
    pub by: Option<Signatory>,
    /// When, by this node's clock, to ten minutes; nothing for what came before this was noted.
    pub at: Option<Timestamp>,
}

/// What a dossier says, once all of it has been verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DossierView {
    /// The root from which everything follows.
    pub root: Digest,
    /// Who exported it, and says that this is all.
    pub by: Signatory,
    /// When, by the clock there.
    pub at: Timestamp,
    /// What was written.
    pub audit: AuditView,
    /// Superiors who have said that they hold changes which the dossier lacks.
    pub more: Vec<ReceivedView>,
}

/// Which reads of private lines are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadsQuery {
    /// From this day on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// Only what is this unit's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// How often somebody has read private lines of one thing on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadView {
    /// The day.
    pub day: Date,
    /// Who: an account, or the user of this machine who asked.
    pub who: String,
    /// What was asked: `report`, `history`, `audit`, `export`, `total` ...
    pub how: String,
    /// Whose figures; nothing where several units' were read at once.
    pub unit: Option<UnitId>,
    /// That unit's name.
    pub unit_name: Option<String>,
    /// By which form; empty where several were read at once.
    pub form: String,
    /// For which period; empty where several were read at once.
    pub period: String,
    /// First on that day.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// What was refused, of whom, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedView {
    /// `entry`, `link`, `chain`, `join` or `parcel`.
    pub kind: String,
    /// Of whom; the node is unknown where nothing was proved.
    pub of: Signatory,
    /// Why, in one word.
    pub reason: String,
    /// First.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}
