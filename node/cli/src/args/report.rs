//! The commands about reports.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use hopluu_engine::view::Selector;

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Open a report, empty or like the last one
    New(NewArgs),
    /// List reports and where each has got to
    List(ExportFilter),
    /// Show a report
    Show(ReportArgs),
    /// Set figures, from arguments or from CSV
    Set(SetArgs),
    /// Empty figures
    Clear(ClearArgs),
    /// Write the text of a section
    Text(TextArgs),
    /// Write the note beside a figure
    Note(NoteArgs),
    /// List figures that offices set differently
    Conflicts(ReportArgs),
    /// Decide which value of a figure stands
    Settle(SettleArgs),
    /// Attach a file: PDF, JPEG, PNG or TIFF, at most 50 MB
    Attach(AttachArgs),
    /// List attached files and where each has got to
    Attachments(ReportArgs),
    /// Take an attached file away
    Detach(DetachArgs),
    /// Save an attached file
    SaveAttachment(SaveAttachmentArgs),
    /// Take back the last save made here
    Undo(UndoArgs),
    /// Withdraw the report
    Withdraw(WithdrawArgs),
    /// Show who changed what and when
    History(ReportArgs),
    /// Print the report as a readable page
    Print(ReportArgs),
    /// Bring in saves from JSON lines
    Import(ImportArgs),
    /// Write reports as JSON lines
    Export(ExportArgs),
}

/// Which report is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReportArgs {
    /// The form
    pub(crate) form: String,
    /// The period, for example 2026-H1
    pub(crate) period: String,
    /// The unit, by code or CODE@DATE [default: this node's own]
    #[arg(long)]
    pub(crate) unit: Option<String>,
    /// Which of several reports of the period; only 0 counts in totals
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) instance: u32,
}

impl ReportArgs {
    pub(crate) fn selector(&self) -> Selector {
        Selector {
            unit: self.unit.clone(),
            form: self.form.clone(),
            period: self.period.clone(),
            instance: self.instance,
        }
    }
}

/// For which office something is written.
#[derive(Debug, Clone, Args)]
pub(crate) struct OfficeArg {
    /// The office this is written for [default: this node's own]
    #[arg(long)]
    pub(crate) office: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// Start with the figures and texts of another report
    #[arg(long, value_enum)]
    pub(crate) like: Option<Like>,
}

/// What a new report starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Like {
    /// The report of the period before
    Last,
}

#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// Figures as CODE=VALUE or CODE@OFFICE=VALUE
    #[arg(value_name = "CODE=VALUE")]
    pub(crate) figures: Vec<String>,
    /// Table with the columns code, value, and perhaps office and note; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Open the report if it is not there
    #[arg(long)]
    pub(crate) new: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClearArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// Figures as CODE or CODE@OFFICE
    #[arg(required_unless_present = "all", value_name = "CODE")]
    pub(crate) figures: Vec<String>,
    /// Every figure of the report
    #[arg(long, conflicts_with = "figures")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TextArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// The section
    pub(crate) section: String,
    /// The whole new text
    #[arg(required_unless_present = "file")]
    pub(crate) text: Option<String>,
    /// File with the text; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) file: Option<PathBuf>,
    /// Open the report if it is not there
    #[arg(long)]
    pub(crate) new: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NoteArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// The figure, as CODE or CODE@OFFICE
    pub(crate) code: String,
    /// The note; empty removes it
    pub(crate) text: String,
}

#[derive(Debug, Args)]
pub(crate) struct SettleArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// The figure, as CODE or CODE@OFFICE
    pub(crate) code: String,
    /// The value that shall stand
    pub(crate) value: String,
}

#[derive(Debug, Args)]
pub(crate) struct AttachArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// The file
    pub(crate) file: PathBuf,
    /// What it shows
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) caption: String,
    /// Open the report if it is not there
    #[arg(long)]
    pub(crate) new: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DetachArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// The file, by its number in the list, its name or the beginning of its hash
    pub(crate) attachment: String,
}

#[derive(Debug, Args)]
pub(crate) struct SaveAttachmentArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// The file, by its number in the list, its name or the beginning of its hash
    pub(crate) attachment: String,
    /// Where to save it [default: its own name, in this folder]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
}

#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    #[command(flatten)]
    pub(crate) office: OfficeArg,
    /// Why; it stays readable
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

/// Which reports are meant; every part left out means all.
#[derive(Debug, Args)]
pub(crate) struct ExportFilter {
    /// Only this form
    #[arg(long)]
    pub(crate) form: Option<String>,
    /// Only this period
    #[arg(long)]
    pub(crate) period: Option<String>,
    /// Only this unit
    #[arg(long)]
    pub(crate) unit: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// File with one save a line; `-` reads standard input
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) filter: ExportFilter,
    /// File to write; standard output if left out
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
