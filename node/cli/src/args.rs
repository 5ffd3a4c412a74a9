//! What was typed: the commands and their options. What they mean is in `cmd`, their words in
//! Vietnamese in `text::help`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) use audit::{AuditCommand, AuditReportArgs, VerifyArgs};
pub(crate) use bundle::{BundleCommand, BundleExportArgs, BundleFilesArgs};
use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use export::{ExportCommand, PublicArgs, SupportArgs};
use hopluu_engine::Proxy;
use hopluu_form::Lang;
use hopluu_model::Date;
pub(crate) use people::{
    AccountCommand, AddAccountArgs, AdminArgs, LoginArgs, PassphraseArgs, RenewArgs,
};
pub(crate) use report::{
    AttachArgs, ClearArgs, DetachArgs, ExportArgs, ExportFilter, ImportArgs, Like, NewArgs,
    NoteArgs, ReportArgs, ReportCommand, SaveAttachmentArgs, SetArgs, SettleArgs, TextArgs,
    UndoArgs, WithdrawArgs,
};
pub(crate) use rights::{GiveArgs, GrantCommand, ParkedCommand, RevokeCommand, VoidCommand};
pub(crate) use root::{RootBackupArgs, RootCommand, RootRestoreArgs};

mod audit;
mod bundle;
mod export;
mod people;
mod report;
mod rights;
mod root;

/// Figures and texts of reports, from the commune to the province, with and without a link
#[derive(Debug, Parser)]
#[command(name = "hopluu", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// The node's folder [default: hopluu in the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// File with the passphrase of an encrypted folder on its first line; `-` reads standard input [default: ask at
    /// the terminal]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        conflicts_with = "home_key_file"
    )]
    pub(crate) home_passphrase_file: Option<PathBuf>,
    /// Key file of an encrypted folder
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) home_key_file: Option<PathBuf>,
    /// Language of messages
    #[arg(long, global = true, value_enum, default_value_t = LangArg::Vi)]
    pub(crate) lang: LangArg,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// A language as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangArg {
    /// Vietnamese
    Vi,
    /// English
    En,
}

impl From<LangArg> for Lang {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::Vi => Self::Vi,
            LangArg::En => Self::En,
        }
    }
}

/// The language that the words of a command line ask for, before it is known whether they fit.
pub(crate) fn lang_of(typed: &[OsString]) -> Lang {
    let mut words = typed.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        let value = match word {
            "--lang" => words.next(),
            "--" => return Lang::Vi,
            _ => word.strip_prefix("--lang="),
        };
        if let Some(value) = value {
            return if value == "en" { Lang::En } else { Lang::Vi };
        }
    }
    Lang::Vi
}

/// Whether the words of a command line ask for JSON, before it is known whether they fit.
pub(crate) fn is_json(typed: &[OsString]) -> bool {
    let options = typed.iter().take_while(|word| *word != "--");
    options.into_iter().any(|word| word == "--json")
}

/// Everything the program does.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the root of a new mesh: its key, its unit tree, its forms
    Init(InitArgs),
    /// Issue a one-time ticket for a new node
    Invite(InviteArgs),
    /// Join a mesh with a ticket
    Join(JoinArgs),
    /// Put a new key in the place of this node's, with a ticket for the same place
    Rekey(RekeyArgs),
    /// Run the node: serve links and commands until it is stopped
    Run(RunArgs),
    /// Show the node, its links and what is owed
    Status,
    /// Show what each link carries, what is owed over it and how long that takes, and what it has cost
    Link(LinkArgs),
    /// Print what changes, line by line, as it becomes durable
    Watch,
    /// Write and read reports
    #[command(subcommand)]
    Report(ReportCommand),
    /// Totals and what they were made of
    #[command(subcommand)]
    Rollup(RollupCommand),
    /// What leaves the reporting line
    #[command(subcommand)]
    Export(ExportCommand),
    /// Forms
    #[command(subcommand)]
    Form(FormCommand),
    /// The tree of units
    #[command(subcommand)]
    Units(UnitsCommand),
    /// Say who you are, where people have accounts
    Login(LoginArgs),
    /// End your session
    Logout,
    /// Who works at this node
    #[command(subcommand)]
    Account(AccountCommand),
    /// What time it is, as superiors have signed, and who says so
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Who may write what
    #[command(subcommand)]
    Grant(GrantCommand),
    /// What holds no longer: a stolen machine, a person who has left
    #[command(subcommand)]
    Revoke(RevokeCommand),
    /// What somebody wrote who may not, and what becomes of it
    #[command(subcommand)]
    Void(VoidCommand),
    /// What waits for something before it can come in
    #[command(subcommand)]
    Parked(ParkedCommand),
    /// Who set what and on whose right, who was shown what is private, what was refused
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Verify a file of `audit report --export` by the root alone, without a node
    Verify(VerifyArgs),
    /// Carry by hand what has no link: files and paper that only their receiver can open
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Copy the database to a file while the node works on
    Backup(BackupArgs),
    /// Put a backup in the place of the database
    Restore(RestoreArgs),
    /// Encrypt the node's folder, so that whoever takes the disk reads nothing
    Encrypt,
    /// Decrypt the node's folder again
    Decrypt,
    /// Change the passphrase or the key file of an encrypted folder
    Passphrase(NewSecretArgs),
    /// The root's key on paper, and a lost root from paper
    #[command(subcommand)]
    Root(RootCommand),
    /// Show the whole mesh at work on this machine: a province, a district, 21 communes, three offices
    Demo(crate::cmd::demo::DemoArgs),
    /// Look the node's folder over, and repair its database
    Doctor(DoctorArgs),
    /// Write what somebody who helps from outside has to know: no figure, no text, no name of a person, no key
    Support(SupportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LinkCommand>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum LinkCommand {
    /// Call the nodes above now, on new links: for whoever has just switched a modem on
    Call,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Trust begins here: other nodes join below
    #[arg(long, required = true)]
    pub(crate) root: bool,
    /// The unit, by code or CODE@DATE
    #[arg(long, value_name = "CODE")]
    pub(crate) unit: String,
    /// Address to listen on for other nodes
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Form file to hand down [default: the forms that come with the program]
    #[arg(long, value_name = "FILE")]
    pub(crate) form: Vec<PathBuf>,
    /// Folder with tree.toml and its tables [default: the units that come with the program]
    #[arg(long, value_name = "DIR")]
    pub(crate) units: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Encrypt the folder: under a passphrase, or under the key file that is given
    #[arg(long)]
    pub(crate) encrypt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    /// Unit of the new node; this node's own, for an office
    pub(crate) unit: Option<String>,
    /// Office of the new node
    #[arg(long)]
    pub(crate) office: Option<String>,
    /// Address under which the new node reaches this one [default: the address it listens on]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) address: Vec<String>,
    /// How long the ticket is good, in hours
    #[arg(long, value_name = "N", default_value_t = crate::limits::TICKET_HOURS)]
    pub(crate) hours: u32,
    /// Also as a QR code, a PNG in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) qr: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct JoinArgs {
    /// The ticket, or a photo of its code (PNG, JPEG); `-` reads it from standard input
    pub(crate) ticket: String,
    /// Address to listen on for other nodes
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// HTTP proxy through which TCP gets out, as `http://[user:password@]host:port`; kept in node.toml
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<Proxy>,
    #[command(flatten)]
    pub(crate) admin: AdminArgs,
    /// Encrypt the folder: under a passphrase, or under the key file that is given
    #[arg(long)]
    pub(crate) encrypt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RekeyArgs {
    /// The ticket, or a photo of its code (PNG, JPEG); `-` reads it from standard input
    pub(crate) ticket: String,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Address to listen on for other nodes, instead of the one in node.toml
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// How log lines look
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RollupCommand {
    /// Show the total of a unit
    Show(TotalArgs),
    /// Show what a total was made of, down to documents, heads and authors
    Explain(ExplainArgs),
    /// Compute a total anew from every document and compare
    Recompute(TotalArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TotalArgs {
    /// The unit, by code or CODE@DATE
    pub(crate) unit: String,
    /// The form
    pub(crate) form: String,
    /// The period, for example 2026-H1
    pub(crate) period: String,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) total: TotalArgs,
    /// The line; without it all of the total
    pub(crate) code: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FormCommand {
    /// List the forms known here
    List,
    /// Show a form, line by line
    Show(FormArgs),
    /// Name every mistake in form files, with its place and cure
    Check(CheckArgs),
    /// Hand a form down to everyone below
    Add(AddFormArgs),
}

#[derive(Debug, Args)]
pub(crate) struct FormArgs {
    /// The form
    pub(crate) form: String,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Form files; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AddFormArgs {
    /// The form file
    pub(crate) file: PathBuf,
    /// Only for these units and all below them
    #[arg(long = "for", value_name = "UNIT", num_args = 1..)]
    pub(crate) units: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UnitsCommand {
    /// Show a unit
    Show(UnitArgs),
    /// Show a unit and everything below it
    Tree(UnitArgs),
    /// Hand changes of the tree down, from JSON lines
    Add(AddUnitsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct UnitArgs {
    /// The unit, by code or CODE@DATE [default: this node's own]
    pub(crate) unit: Option<String>,
    /// The day [default: today]
    #[arg(long, value_name = "DATE")]
    pub(crate) on: Option<Date>,
}

#[derive(Debug, Args)]
pub(crate) struct AddUnitsArgs {
    /// File with one event a line; `-` reads standard input
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Show what time it is by what superiors have signed
    Show,
    /// Say what time it is: at the root to everybody, elsewhere to this node
    Set(SetClockArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SetClockArgs {
    /// The day it is [default: what the machine's clock says]
    pub(crate) day: Option<Date>,
    /// Whoever claims this day or a later one is wrong [default: the first such claim seen here]
    #[arg(long, value_name = "DATE")]
    pub(crate) before: Option<Date>,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The file to write; it must not exist
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    pub(crate) file: PathBuf,
    /// File with the passphrase of a backup that another one opens than the folder [default: ask at the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "backup_key_file")]
    pub(crate) backup_passphrase_file: Option<PathBuf>,
    /// Key file of a backup that another one opens than the folder
    #[arg(long, value_name = "FILE")]
    pub(crate) backup_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct NewSecretArgs {
    /// File with the new passphrase on its first line [default: ask at the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "new_key_file")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
    /// The new key file; a passphrase stays as it is
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Save what can be saved of a damaged database; peers give back the rest
    #[arg(long)]
    pub(crate) repair: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_known_before_the_rest_is_understood() {
        for (typed, lang) in [
            ("hopluu --lang en nonsense", Lang::En),
            ("hopluu report --lang=en", Lang::En),
            ("hopluu report set -- --lang en", Lang::Vi),
            ("hopluu --lang", Lang::Vi),
            ("hopluu", Lang::Vi),
        ] {
            let words: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            assert_eq!(lang_of(&words), lang, "{typed}");
        }
    }

    #[test]
    fn json_is_known_before_the_rest_is_understood() {
        for (typed, is_asked) in [
            ("hopluu nonsense --json", true),
            ("hopluu report set -- --json", false),
            ("hopluu", false),
        ] {
            let words: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            assert_eq!(is_json(&words), is_asked, "{typed}");
        }
    }

    #[test]
    fn the_commands_hold_together() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
