//! What the engine shows: plain values of the trade, without documents, sockets or formats.
//!
//! They derive `Serialize` so that the outermost crates can print them; the shapes are documented
//! in docs/cli.md and held by tests.

mod attachment;
mod audit;
mod bundle;
mod clock;
mod history;
mod link;
mod node;
mod people;
mod publish;
mod rights;

use hopluu_model::{
    ChangeHash, Date, Digest, DocId, FormId, FormVersion, IndicatorCode, NodeId, OfficeId, Period,
    SectionId, Timestamp, UnitId,
};
pub use hopluu_sync::{Class, Purpose};
use serde::{Deserialize, Serialize};

pub use self::attachment::{AttachRequest, AttachmentPart, AttachmentView};
pub use self::audit::{
    AnswerView, AuditThing, AuditView, AuditWrite, BroughtView, DossierView, ReadView, ReadsQuery,
    ReceivedView, RefusedView, RightView, Signatory,
};
pub use self::bundle::{BundleFile, BundlePlace, BundleRemark, BundleTaken, BundleView};
pub use self::clock::{ClaimView, ClockRequest, ClockView, WordView};
pub use self::history::{HistoryRow, WroteView};
pub use self::link::{Allowance, CostView, LinkView, OwedView, PlanView};
pub use self::node::{
    DiskState, InviteView, ParcelsView, PeerRemark, PeerView, RefusalWhy, StatusView,
    UpstreamState, UpstreamView, WatchEvent,
};
pub use self::people::{
    AccountChange, AccountRequest, AccountView, LoginRequest, LoginView, Passphrase,
    PassphraseRequest, SessionView,
};
pub use self::publish::{
    PublicCell, PublicColumn, PublicKind, PublicRow, PublicText, PublicView, PublishedView,
};
pub use self::rights::{
    GrantRequest, GrantView, ParkedReport, ParkedView, ReachView, RevocationView, RevokeRequest,
    VoidQuery, VoidView,
};

/// Which report is meant, as a person types it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selector {
    /// A unit's code, or code and date; none means the node's own unit.
    #[serde(default)]
    pub unit: Option<String>,
    /// The form's name.
    pub form: String,
    /// The period's label.
    pub period: String,
    /// Further reports of the same form and period are numbered from 1.
    #[serde(default)]
    pub instance: u32,
}

/// A unit with the name people know it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitName {
    /// Identity.
    pub unit: UnitId,
    /// Full official name on the day that was asked about.
    pub name: String,
}

/// A report's identity, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRef {
    /// The document.
    pub doc: DocId,
    /// Whose report.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// By which form.
    pub form: FormId,
    /// For which period.
    pub period: Period,
    /// Which of several.
    pub instance: u32,
}

/// How far a report got above this node, by a signed receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// The superior unit that has it.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// What kind of unit it is, in the words of the unit tree (for example `district`).
    pub level: String,
    /// When it arrived there, by that node's clock.
    pub at: Timestamp,
    /// Whether the receipt names exactly the present heads; if not, later edits are still on the way.
    pub is_current: bool,
}

/// One line of `report list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportRow {
    /// Which report.
    pub report: ReportRef,
    /// Where it stands in its life, for example `opened` or `withdrawn`.
    pub state: String,
    /// Why, where that step has a reason.
    pub reason: Option<String>,
    /// Value lines with an answer.
    pub answered: u32,
    /// Value lines of the form.
    pub lines: u32,
    /// Figures with different concurrent values.
    pub conflicts: u32,
    /// How far it got.
    pub reached: Vec<Reached>,
}

/// One of several values of a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateView {
    /// The canonical value.
    pub value: String,
    /// Which office wrote it, as far as its seal and commit say.
    pub office: Option<OfficeId>,
    /// Which node wrote it.
    pub author: Option<NodeId>,
    /// Of that node's people, who: the account that the seal names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// The change that wrote it.
    pub change: Option<ChangeHash>,
}

/// One figure of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FigureView {
    /// The line.
    pub code: IndicatorCode,
    /// The office whose part it is, on lines that several offices add up.
    pub office: Option<OfficeId>,
    /// The one agreed value, absent while unsettled.
    pub value: Option<String>,
    /// More than one entry when offices set a value apart; none where only a note stands.
    pub candidates: Vec<CandidateView>,
    /// The note beside the figure; those written apart one below the other.
    pub note: Option<String>,
}

impl FigureView {
    /// Whether offices have set different values, and nobody has settled which one stands.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.value.is_none() && self.candidates.len() > 1
    }
}

/// One paragraph of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextView {
    /// The section.
    pub section: SectionId,
    /// The office that writes it.
    pub office: OfficeId,
    /// The text.
    pub text: String,
}

/// What a rule has to say about a report or a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// The rule, for example `sum-of-parts`.
    pub rule: String,
    /// The line it is about.
    pub code: IndicatorCode,
    /// What the rule expects.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// The lines it was computed from.
    pub parts: Vec<IndicatorCode>,
    /// The same as a sentence in Vietnamese.
    pub message_vi: String,
    /// The same as a sentence in English.
    pub message_en: String,
}

/// A whole report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportView {
    /// Which report.
    pub report: ReportRef,
    /// The form's version it is read by.
    pub form_version: FormVersion,
    /// Where it stands in its life.
    pub state: String,
    /// Why, where that step has a reason.
    pub reason: Option<String>,
    /// The document's heads.
    pub heads: Vec<ChangeHash>,
    /// Figures that have a value, in the order of the form.
    pub figures: Vec<FigureView>,
    /// Lines that are not this node's to read, in the order of the form.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<IndicatorCode>,
    /// Paragraphs that have text.
    pub texts: Vec<TextView>,
    /// What the form's rules found.
    pub findings: Vec<FindingView>,
    /// How far it got.
    pub reached: Vec<Reached>,
}

/// The answer to a save.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Which report.
    pub report: ReportRef,
    /// The change that is now on disk, of several the first; none when nothing differed from what was there.
    pub change: Option<ChangeHash>,
    /// Changes in compartments of the report, the first among them where nothing open was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<ClosedChange>,
    /// Figures on which offices differed, and which have one value now by this save.
    pub settled: Vec<SettledView>,
    /// Figures that a report begun like the last one does not begin with: nobody has settled them there.
    pub left_out: Vec<LeftOutView>,
    /// Why nobody takes up links with this node, if it was told so: what is saved by it now may count nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
}

/// A change in a compartment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedChange {
    /// The document.
    pub doc: DocId,
    /// The change.
    pub change: ChangeHash,
}

/// A conflict that a save settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledView {
    /// The line.
    pub code: IndicatorCode,
    /// The office whose part it is, on lines that several offices add up.
    pub office: Option<OfficeId>,
    /// The value that stands now, canonical.
    pub value: String,
    /// The values that it stands in place of.
    pub instead_of: Vec<String>,
}

/// A figure that a new report was not begun with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutView {
    /// The line.
    pub code: IndicatorCode,
    /// The office whose part it is, on lines that several offices add up.
    pub office: Option<OfficeId>,
    /// The values that stand in the report before.
    pub values: Vec<String>,
}

/// One edit as a person means it; checked against the form before it becomes a document edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case", deny_unknown_fields)]
pub enum EditRequest {
    /// Sets a figure to what was typed.
    Set {
        /// The line.
        code: String,
        /// Whose part, on lines that offices add up; the saving office if absent.
        #[serde(default)]
        office: Option<String>,
        /// As typed: `1.500`, `90,5`, `19/21`, `Có`, `blank` ...
        value: String,
    },
    /// Settles a figure that has several values.
    Settle {
        /// The line.
        code: String,
        /// Whose part.
        #[serde(default)]
        office: Option<String>,
        /// The value that shall stand.
        value: String,
    },
    /// Writes the note beside a figure; empty clears it.
    Note {
        /// The line.
        code: String,
        /// Whose part.
        #[serde(default)]
        office: Option<String>,
        /// The note.
        text: String,
    },
    /// Replaces an office's text of a section.
    Text {
        /// The section.
        section: String,
        /// Whose paragraph; the saving office if absent.
        #[serde(default)]
        office: Option<String>,
        /// The whole new text.
        text: String,
    },
    /// No longer names an attachment.
    Detach {
        /// Its place in the list, its name, or the beginning of its hash.
        attachment: String,
    },
    /// Empties every figure that has a value.
    ClearAll,
    /// Takes the report back, with a reason that stays readable.
    Withdraw {
        /// Why.
        reason: String,
    },
}

impl EditRequest {
    /// The office that it names.
    #[must_use]
    pub fn office(&self) -> Option<&str> {
        match self {
            Self::Set { office, .. }
            | Self::Settle { office, .. }
            | Self::Note { office, .. }
            | Self::Text { office, .. } => office.as_deref(),
            Self::Detach { .. } | Self::ClearAll | Self::Withdraw { .. } => None,
        }
    }
}

/// A save: one or many edits that become one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaveRequest {
    /// Which report.
    pub report: Selector,
    /// For which office; the node's own if absent.
    #[serde(default)]
    pub office: Option<String>,
    /// What to write.
    pub edits: Vec<EditRequest>,
    /// Whether the report may be created by this save.
    #[serde(default)]
    pub create: bool,
}

/// What a unit answers for in the coverage of a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// The unit.
    pub unit: UnitId,
    /// When this node last heard from it.
    pub heard: Option<Timestamp>,
}

/// Somebody who owes a report, or whose report counts nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingView {
    /// Who.
    pub unit: UnitId,
    /// Its name.
    pub name: String,
    /// For which entered period.
    pub period: Period,
}

/// One line of a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that a reader must know of the figure"
)]
pub struct TotalLineView {
    /// The line.
    pub code: IndicatorCode,
    /// Vietnamese label.
    pub label_vi: String,
    /// English label.
    pub label_en: String,
    /// Canonical value; absent while unsettled or while nobody answered.
    pub value: Option<String>,
    /// Part and whole behind a share, with its derived percent.
    pub percent: Option<String>,
    /// The unit's own answer, on lines that keep it beside the share.
    pub own: Option<String>,
    /// Lowest and highest value an unsettled figure allows.
    pub range: Option<(String, String)>,
    /// Units with an answer on this line.
    pub answered: u32,
    /// Units that left it empty.
    pub blank: u32,
    /// Units with several values that nobody has settled.
    pub unsettled: u32,
    /// Units from which nothing has come.
    pub missing: u32,
    /// The value is an upper bound: the same thing may be counted in two periods.
    pub is_upper_bound: bool,
    /// The same person may be counted in two units.
    pub may_count_twice: bool,
    /// A part of it was given as about, at least or at most.
    pub is_inexact: bool,
    /// It is not this node's to read, so nothing is said of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_withheld: bool,
}

/// A total with everything that it stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotalView {
    /// Whose total.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// By which form.
    pub form: FormId,
    /// In which version.
    pub form_version: FormVersion,
    /// For which period.
    pub period: Period,
    /// The last day of the data window: the day whose tree was used.
    pub tree_day: Date,
    /// The tree's version.
    pub tree: Digest,
    /// BLAKE3 of the total's canonical bytes.
    pub digest: Digest,
    /// Reports that are in.
    pub reported: u32,
    /// Reports that are owed.
    pub expected: u32,
    /// Who is missing, by name.
    pub missing: Vec<MissingView>,
    /// Units above the reporting ones that have added their own part.
    pub own_parts_reported: u32,
    /// Units above the reporting ones that may add one.
    pub own_parts_expected: u32,
    /// Those that have not.
    pub own_parts_missing: Vec<MissingView>,
    /// Reports that are here and count in no total: their unit has ended without an heir, or neither
    /// it nor its heir is asked.
    pub uncounted: Vec<MissingView>,
    /// The lines in the order of the form.
    pub lines: Vec<TotalLineView>,
    /// What the form's rules found in the total.
    pub findings: Vec<FindingView>,
    /// When each child was last heard here: beside the total, never in it.
    pub freshness: Vec<Freshness>,
}

/// One contributor of a total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributorView {
    /// The unit that contributed.
    pub unit: UnitId,
    /// Its name.
    pub unit_name: String,
    /// Its own document, where it has one.
    pub doc: Option<DocId>,
    /// The period part the document is for.
    pub period: Period,
    /// That document's heads.
    pub heads: Vec<ChangeHash>,
    /// Who wrote in it: node and office.
    pub authors: Vec<AuthorView>,
    /// The digest of the unit's total; absent on the rows of its documents.
    pub total: Option<Digest>,
    /// Reports that are in, in the unit and below.
    pub reported: u32,
    /// Reports that are owed.
    pub expected: u32,
    /// What it says on the line that was asked about: the unit's total, or what stands in that
    /// document by itself.
    pub value: Option<String>,
}

/// An author in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuthorView {
    /// The node.
    pub node: NodeId,
    /// Its unit.
    pub unit: Option<UnitId>,
    /// Its office.
    pub office: Option<OfficeId>,
    /// Of that node's people, who: the account that the seal names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// What a total was made of, down to the documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainView {
    /// Whose total.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// The line, if one was asked about.
    pub code: Option<IndicatorCode>,
    /// The total's digest.
    pub digest: Digest,
    /// Everything below that contributed, parents before children.
    pub contributors: Vec<ContributorView>,
    /// Who is missing.
    pub missing: Vec<MissingView>,
}

/// The outcome of recomputing a total from the documents themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecomputeView {
    /// The total as it was kept.
    pub kept: Digest,
    /// The total from freshly loaded documents.
    pub recomputed: Digest,
    /// Documents that were loaded.
    pub documents: u32,
}

/// One line of `form list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormRow {
    /// Name.
    pub form: FormId,
    /// Newest version known here.
    pub version: FormVersion,
    /// Vietnamese title.
    pub title_vi: String,
    /// English title.
    pub title_en: String,
    /// Value lines.
    pub lines: u32,
    /// The units it is assigned to with all below them; empty means everyone.
    pub assigned: Vec<UnitId>,
}

/// One unit of `units show` and `units tree`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitView {
    /// Identity.
    pub unit: UnitId,
    /// Name on the day.
    pub name: String,
    /// Level, by the word that forms use.
    pub level: String,
    /// The level's Vietnamese name.
    pub level_vi: String,
    /// The level's English name.
    pub level_en: String,
    /// Path from the root, self last.
    pub path: Vec<UnitId>,
    /// The last day it existed, if it ended.
    pub ended: Option<Date>,
    /// Who took it over.
    pub successors: Vec<UnitName>,
    /// Children on the day.
    pub children: Vec<UnitName>,
}
