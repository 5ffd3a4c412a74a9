//! What is typed about rights.

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use hopluu_engine::view::ReachView;
use hopluu_model::{Date, Step};
use hopluu_trust::Reason;

#[derive(Debug, Subcommand)]
pub(crate) enum GrantCommand {
    /// List who may write what
    List,
    /// Give an office rights in the reports of a unit
    Give(GiveArgs),
    /// Take a grant back: what was written by it stands
    Take(TakeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct GiveArgs {
    /// The office
    pub(crate) office: String,
    /// Whose reports, by code; this node's own unit
    #[arg(long, value_name = "CODE")]
    pub(crate) unit: Option<String>,
    /// Also the reports of the units below
    #[arg(long)]
    pub(crate) below: bool,
    /// Unit of the office, by code; the one whose reports it is
    #[arg(long, value_name = "CODE")]
    pub(crate) of: Option<String>,
    /// Only this form
    #[arg(long, value_name = "NAME")]
    pub(crate) form: Vec<String>,
    /// From the period that ends on this day
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<Date>,
    /// Until the period that ends on this day
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<Date>,
    /// Figures and notes: own, all, none, or codes with commas between
    #[arg(long, value_name = "LINES", default_value = "own", value_parser = reach)]
    pub(crate) lines: ReachView,
    /// Texts: own, all, none, or sections with commas between
    #[arg(long, value_name = "SECTIONS", default_value = "own", value_parser = reach)]
    pub(crate) texts: ReachView,
    /// Private lines to read without writing them: own, all, none, or codes with commas between
    #[arg(long, value_name = "LINES", default_value = "none", value_parser = reach)]
    pub(crate) reads: ReachView,
    /// No files
    #[arg(long)]
    pub(crate) no_attachments: bool,
    /// A step of a report's life, such as signed
    #[arg(long, value_name = "STEP", value_parser = step)]
    pub(crate) step: Vec<Step>,
}

#[derive(Debug, Args)]
pub(crate) struct TakeArgs {
    /// The grant, by the beginning of its name
    pub(crate) grant: String,
    /// Why: lost, stolen, replaced, left, misused or mistake
    #[arg(long, default_value = "mistake", value_parser = reasons())]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RevokeCommand {
    /// List what holds no longer
    List,
    /// Revoke a node: what is here of it stands, nobody takes up links with it any more
    Node(RevokeNodeArgs),
    /// Revoke a person's account on a node
    Account(RevokeAccountArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RevokeNodeArgs {
    /// The node, by the beginning of its key
    pub(crate) node: String,
    /// Why: lost, stolen, replaced, left, misused or mistake
    #[arg(long, value_parser = reasons())]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeAccountArgs {
    /// The node, by the beginning of its key
    pub(crate) node: String,
    /// The account
    pub(crate) account: String,
    /// Why: lost, stolen, replaced, left, misused or mistake
    #[arg(long, value_parser = reasons())]
    pub(crate) reason: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VoidCommand {
    /// List what was written by somebody who may not, and counts nowhere
    List(VoidListArgs),
    /// Show such a change
    Show(VoidArgs),
    /// Write it in this node's own name
    Adopt(VoidArgs),
    /// Say that it stays void
    Dismiss(VoidArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ParkedCommand {
    /// List what waits for a form, an author or a change before it can come in
    List,
    /// Give something up that waits
    Drop(ParkedArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ParkedArgs {
    /// What waits, by the beginning of its name
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct VoidListArgs {
    /// Also what was adopted or dismissed
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VoidArgs {
    /// The change, by the beginning of its name
    pub(crate) change: String,
}

fn reach(typed: &str) -> Result<ReachView, String> {
    Ok(match typed {
        "own" => ReachView::Own,
        "all" => ReachView::All,
        "none" => ReachView::Nothing,
        names => {
            let names = names.split(',').map(|name| name.trim().to_owned());
            ReachView::Only(names.filter(|name| !name.is_empty()).collect())
        }
    })
}

fn step(typed: &str) -> Result<Step, String> {
    let found = Step::ALL.into_iter().find(|step| step.as_str() == typed);
    found.ok_or_else(|| {
        let known: Vec<_> = Step::ALL.into_iter().map(Step::as_str).collect();
        known.join(", ")
    })
}

fn reasons() -> PossibleValuesParser {
    Reason::ALL.map(Reason::as_str).into()
}
