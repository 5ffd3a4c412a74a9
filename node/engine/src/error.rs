//! Why a command was not carried out, in terms a person can act on.

use hopluu_form::{FormErrors, Lang, ValueError};
use hopluu_model::{Date, Fault, FormVersion, OfficeId, UnitId};
use hopluu_trust::Void;

/// A command that was refused or failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No unit has this code.
    #[error("no unit `{text}` in the tree of {on}")]
    UnknownUnit {
        /// What was typed.
        text: String,
        /// The day whose tree was asked.
        on: String,
    },
    /// Several units had this code.
    #[error("`{text}` names {} units, say which with CODE@DATE", candidates.len())]
    AmbiguousUnit {
        /// What was typed.
        text: String,
        /// Whom it can mean, with names.
        candidates: Vec<(UnitId, String)>,
    },
    /// No form of this name is known here.
    #[error("no form `{text}`, known here: {}", known.join(", "))]
    UnknownForm {
        /// What was typed.
        text: String,
        /// The forms known here.
        known: Vec<String>,
    },
    /// The form does not take this period.
    #[error("`{text}` is not a period of form `{form}`, it takes: {}", takes.join(", "))]
    UnknownPeriod {
        /// What was typed.
        text: String,
        /// The form.
        form: String,
        /// The kinds of period it takes, as examples.
        takes: Vec<String>,
    },
    /// The form has no such line, or it is a heading.
    #[error("form `{form}` has no value line `{code}`")]
    UnknownLine {
        /// What was typed.
        code: String,
        /// The form.
        form: String,
        /// The closest codes there are.
        near: Vec<String>,
    },
    /// The form has no such section.
    #[error("form `{form}` has no section `{section}`, it has: {}", known.join(", "))]
    UnknownSection {
        /// What was typed.
        section: String,
        /// The form.
        form: String,
        /// Its sections.
        known: Vec<String>,
    },
    /// The form has no such office, or it has no part in this place.
    #[error("office `{office}` has no part here, these have: {}", known.join(", "))]
    UnknownOffice {
        /// What was typed.
        office: String,
        /// The offices that fit.
        known: Vec<String>,
    },
    /// A text longer than a report can mean.
    #[error("the text has {length} characters or bytes, at most {most} are taken")]
    TextTooLong {
        /// What was given.
        length: usize,
        /// The bound.
        most: usize,
    },
    /// What was typed is no value of this line.
    #[error("line `{code}` does not take this value")]
    Value {
        /// The line.
        code: String,
        /// Why.
        #[source]
        source: ValueError,
    },
    /// There is no such report here.
    #[error("there is no report of `{unit}` by `{form}` for {period} here")]
    NoReport {
        /// Whose.
        unit: UnitId,
        /// By which form.
        form: String,
        /// For which period.
        period: String,
    },
    /// The report is there already.
    #[error("the report of `{unit}` by `{form}` for {period} is here already")]
    ReportExists {
        /// Whose.
        unit: UnitId,
        /// By which form.
        form: String,
        /// For which period.
        period: String,
    },
    /// There is no earlier report to start from.
    #[error("there is no report of the period before {period} to start from")]
    NoPrevious {
        /// The period asked for.
        period: String,
    },
    /// The unit does not report by this form at its level, or the form is not assigned to it.
    #[error("unit `{unit}` does not report by `{form}`")]
    NotReporting {
        /// The unit.
        unit: UnitId,
        /// The form.
        form: String,
    },
    /// This node may not write for this unit.
    #[error("this node writes for `{own}` only, not for `{unit}`")]
    NotOurs {
        /// This node's unit.
        own: UnitId,
        /// The unit asked for.
        unit: UnitId,
    },
    /// This node is not told everything that the total of this unit is made of.
    #[error("this node is not told all reports that the total of `{unit}` is made of")]
    NotTold {
        /// The unit asked for.
        unit: UnitId,
    },
    /// An office writes its own part only.
    #[error("this is the node of office `{own}`: it does not write for `{office}`")]
    OtherOffice {
        /// This node's office.
        own: OfficeId,
        /// The office asked for.
        office: String,
    },
    /// The tree of the period does not have the unit.
    #[error("unit `{unit}` is not in the tree of {day}, the last day of {period}")]
    NotThen {
        /// The unit.
        unit: UnitId,
        /// The period asked for.
        period: String,
        /// The last day of its window.
        day: Date,
    },
    /// The report was withdrawn, and counts nowhere.
    #[error("the report of `{unit}` for {period} was withdrawn: {reason}")]
    Withdrawn {
        /// Whose.
        unit: UnitId,
        /// For which period.
        period: String,
        /// Why it was withdrawn.
        reason: String,
    },
    /// Whoever reads that a report was withdrawn asks why.
    #[error("a report is withdrawn with a reason")]
    NoReason,
    /// The figure has one value only.
    #[error("`{code}` has no conflict to settle")]
    NoConflict {
        /// The line.
        code: String,
    },
    /// The last save made here cannot be taken back, or there is none.
    #[error("nothing can be taken back: {why}")]
    NothingToUndo {
        /// Why.
        why: UndoBar,
    },
    /// The file is not one to be attached.
    #[error(transparent)]
    Attachment(hopluu_doc::AttachmentError),
    /// The report has no such attachment, or several.
    #[error("the report has no one attachment `{text}`, it has: {}", known.join(", "))]
    NoAttachment {
        /// What was typed.
        text: String,
        /// The names of those that it has.
        known: Vec<String>,
    },
    /// The bytes of an attachment are on their way.
    #[error("of attachment `{name}` {held} of {bytes} bytes are here")]
    NotHereYet {
        /// How it is called.
        name: String,
        /// How many are here.
        held: u64,
        /// How many there are.
        bytes: u64,
    },
    /// Attachments may take so much room and no more.
    #[error("attachments may take {most} bytes {}", if *of_unit { "of one unit" } else { "on this node" })]
    NoRoom {
        /// The bound.
        most: u64,
        /// Whether it is that of one unit; else that of the node.
        of_unit: bool,
    },
    /// Only a node that may issue certificates can do this.
    #[error("this node may not issue: {what}")]
    MayNotIssue {
        /// What was asked.
        what: &'static str,
    },
    /// Nothing is known that a newcomer could dial.
    #[error("no address is known under which the new node reaches this one")]
    NoAddress,
    /// A node invites into its own unit and those below it.
    #[error("this node invites for `{own}` and the units below it only, not for `{unit}`")]
    NotBelow {
        /// This node's unit.
        own: UnitId,
        /// The unit asked for.
        unit: UnitId,
    },
    /// Rights go down the tree: to whom they are given, and for whose reports.
    #[error("rights are given within `{within}` and the units below it, not for `{unit}`")]
    GrantOutside {
        /// The unit of this node, or the holder's.
        within: UnitId,
        /// The unit asked for.
        unit: UnitId,
    },
    /// The beginning of a name that is nobody's, or several ones'.
    #[error("`{text}` names {found} of them, not one")]
    UnknownName {
        /// What was typed.
        text: String,
        /// How many names begin so.
        found: usize,
    },
    /// This node may not write that in this report.
    #[error("this node may not write `{what}`: {why}")]
    NotGranted {
        /// A figure, a text or a step.
        what: String,
        /// Why everybody would find it void.
        why: Void,
    },
    /// What was published before gives away what is to be held back now.
    #[error(
        "what was published of the period before gives away {cells} figures that are held back now"
    )]
    GivenAway {
        /// How many.
        cells: usize,
    },
    /// A ticket that is good for no time, or for too long.
    #[error("a ticket is good for 1 to {most} hours, not for {hours}")]
    TicketHours {
        /// What was asked.
        hours: u32,
        /// The bound.
        most: u32,
    },
    /// Earlier than any copy of this program, or later than anybody may claim to live.
    #[error("the time lies before 2026 or beyond the end of 2199")]
    TimeOutside,
    /// What is called wrong would be the time itself.
    #[error("claims from {before} on cannot be wrong where it is {at} at least")]
    WrongBefore {
        /// What time it is said to be.
        at: Date,
        /// From when on claims were to be wrong.
        before: Date,
    },
    /// Nobody can be called there.
    #[error("`{text}` is not an address HOST:PORT")]
    BadAddress {
        /// What was typed.
        text: String,
    },
    /// A unit has one node that speaks for it; its offices have theirs beside it.
    #[error("`{unit}` has its main node already: this one")]
    OneMainNode {
        /// The unit that was to get a second one.
        unit: UnitId,
    },
    /// Two records of one version would leave it to chance which of them holds.
    #[error(
        "version {known} of the form is known here, a changed form or assignment needs a higher one"
    )]
    FormNotNewer {
        /// The version that is here.
        known: FormVersion,
    },
    /// A form with mistakes.
    #[error("the form has mistakes: {}", .0.report(Lang::En))]
    Form(Box<FormErrors>),
    /// A form or a tree event that does not hold.
    #[error("{what} was refused: {detail}")]
    Refused {
        /// What was offered.
        what: &'static str,
        /// Why, in full.
        detail: String,
    },
    /// A bundle was not made, or not taken in.
    #[error(transparent)]
    Bundle(#[from] crate::bundle::BundleError),
    /// Somebody was not let in, or may not do it.
    #[error(transparent)]
    People(#[from] crate::people::PeopleError),
    /// The database could not be copied.
    #[error(transparent)]
    Backup(hopluu_store::BackupError),
    /// There is no room on the disk.
    #[error("the disk is full: nothing was saved, what was saved before is safe")]
    DiskFull,
    /// The store cannot do it now.
    #[error("the store could not do it")]
    Store(#[source] hopluu_store::DbError),
    /// A document on disk cannot be read.
    #[error("document {doc} cannot be read: {detail}")]
    Damaged {
        /// Which document.
        doc: String,
        /// Why.
        detail: String,
    },
    /// The disk does not keep up.
    #[error("too many writes wait for the disk, try again in a moment")]
    Overloaded,
    /// More at once than this node takes.
    #[error("too much at once: {what}, at most {most}")]
    TooMuch {
        /// What.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// Nothing of a report in that compartment is here, or it is not this node's to read.
    #[error("there is no compartment {name} of this report here that may be read")]
    NoCompartment {
        /// Its name.
        name: String,
    },
    /// A node that has just joined knows no units and no forms until its superior has told it.
    #[error("nothing has come from the superior yet: this node knows no {what}")]
    NotSynced {
        /// What is not there yet.
        what: &'static str,
    },
    /// The engine is stopping.
    #[error("the node is stopping")]
    Stopping,
}

/// Why the last save made here stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoBar {
    /// This node has saved nothing in the report.
    NoSave,
    /// All that it wrote has been written over since.
    Overwritten,
    /// It settled a figure: the several values from before cannot be one save's.
    Settled,
    /// It was a step of the report's life, and steps are never taken back.
    Step,
}

impl std::fmt::Display for UndoBar {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::NoSave => "this node has saved nothing in this report",
            Self::Overwritten => "what it saved last has been written over since",
            Self::Settled => {
                "its last save settled a conflict, whose values one save cannot restore"
            }
            Self::Step => {
                "its last save was a step of the report, such as opening or withdrawing it"
            }
        })
    }
}

impl CommandError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::DiskFull
            | Self::Store(_)
            | Self::Overloaded
            | Self::NotHereYet { .. }
            | Self::NotSynced { .. }
            | Self::Stopping => Fault::Local,
            Self::Backup(error) => error.fault(),
            Self::Bundle(error) => error.fault(),
            Self::Damaged { .. } => Fault::Bug,
            _ => Fault::Config,
        }
    }

    /// The stable code that messages to people carry.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownUnit { .. } => "M-1001",
            Self::AmbiguousUnit { .. } => "M-1002",
            Self::UnknownForm { .. } => "M-1003",
            Self::UnknownPeriod { .. } => "M-1004",
            Self::UnknownLine { .. } => "M-1005",
            Self::UnknownSection { .. } => "M-1006",
            Self::UnknownOffice { .. } => "M-1007",
            Self::TextTooLong { .. } => "M-1008",
            Self::Value { .. } => "M-1101",
            Self::NoReport { .. } => "M-1201",
            Self::ReportExists { .. } => "M-1202",
            Self::NoPrevious { .. } => "M-1203",
            Self::NotReporting { .. } => "M-1204",
            Self::NotOurs { .. } => "M-1205",
            Self::NoConflict { .. } => "M-1206",
            Self::NothingToUndo { .. } => "M-1207",
            Self::NotTold { .. } => "M-1208",
            Self::OtherOffice { .. } => "M-1209",
            Self::NotThen { .. } => "M-1210",
            Self::Withdrawn { .. } => "M-1211",
            Self::NoReason => "M-1212",
            Self::Attachment(_) => "M-1213",
            Self::NoAttachment { .. } => "M-1214",
            Self::NotHereYet { .. } => "M-1215",
            Self::NoRoom { .. } => "M-1216",
            Self::NotGranted { .. } => "M-1217",
            Self::NoCompartment { .. } => "M-1218",
            Self::GivenAway { .. } => "M-1219",
            Self::UnknownName { .. } => "M-1009",
            Self::MayNotIssue { .. } => "M-1301",
            Self::Refused { .. } => "M-1302",
            Self::Form(_) => "M-1303",
            Self::NoAddress => "M-1304",
            Self::OneMainNode { .. } => "M-1305",
            Self::FormNotNewer { .. } => "M-1306",
            Self::NotBelow { .. } => "M-1307",
            Self::TicketHours { .. } => "M-1308",
            Self::BadAddress { .. } => "M-1309",
            Self::Backup(_) => "M-1310",
            Self::TimeOutside => "M-1311",
            Self::WrongBefore { .. } => "M-1312",
            Self::GrantOutside { .. } => "M-1313",
            Self::Bundle(error) => error.code(),
            Self::People(error) => error.code(),
            Self::DiskFull => "M-1401",
            Self::Store(_) => "M-1402",
            Self::Damaged { .. } => "M-1403",
            Self::TooMuch { .. } => "M-1404",
            Self::Stopping => "M-1405",
            Self::Overloaded => "M-1406",
            Self::NotSynced { .. } => "M-1407",
        }
    }
}
