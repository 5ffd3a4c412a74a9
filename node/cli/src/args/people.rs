//! What is typed about people.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use hopluu_engine::Role;

#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// The account
    pub(crate) account: String,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// Where a passphrase is read.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PassphraseArgs {
    /// File with the passphrase on its first line; `-` reads standard input [default: ask at the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// The first administrator of a new node.
#[derive(Debug, Args)]
pub(crate) struct AdminArgs {
    /// Give this person an account that looks after the others; from then on everybody logs in
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) admin: Option<String>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// List who works at this node
    List,
    /// Show who is logged in, and what they may
    Me,
    /// Give somebody an account; with the first, everybody has to log in
    Add(AddAccountArgs),
    /// Change what somebody may do
    Change(ChangeAccountArgs),
    /// Close an account: nobody logs in with it, what it has written stays
    Close(AccountArgs),
    /// Open a closed account again
    Open(AccountArgs),
    /// Put a new passphrase: your own, or as administrator somebody's who has lost theirs
    Passphrase(RenewArgs),
}

#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// The account
    pub(crate) account: String,
}

#[derive(Debug, Args)]
pub(crate) struct AddAccountArgs {
    /// The account: a-z, 0-9 and .-_
    pub(crate) account: String,
    /// What they may do; several with commas between
    #[arg(long, value_name = "ROLE", required = true, value_delimiter = ',')]
    pub(crate) role: Vec<RoleArg>,
    /// The office whose part they write, and no other
    #[arg(long)]
    pub(crate) office: Option<String>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeAccountArgs {
    /// The account
    pub(crate) account: String,
    /// What they may do from now on; several with commas between
    #[arg(long, value_name = "ROLE", value_delimiter = ',')]
    pub(crate) role: Vec<RoleArg>,
    /// The office whose part they write; empty for none
    #[arg(long)]
    pub(crate) office: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RenewArgs {
    /// The account [default: your own]
    pub(crate) account: Option<String>,
    /// File with the old passphrase on its first line, where it is your own
    #[arg(long, value_name = "FILE")]
    pub(crate) old_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// A role as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Writes figures and texts
    Editor,
    /// Reads and remarks
    Checker,
    /// Writes the parts of all offices
    Consolidator,
    /// Signs and withdraws
    Signatory,
    /// Carries bundles
    Registrar,
    /// Reads
    Reader,
    /// Looks after accounts, grants and machines
    Administrator,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Editor => Self::Editor,
            RoleArg::Checker => Self::Checker,
            RoleArg::Consolidator => Self::Consolidator,
            RoleArg::Signatory => Self::Signatory,
            RoleArg::Registrar => Self::Registrar,
            RoleArg::Reader => Self::Reader,
            RoleArg::Administrator => Self::Administrator,
        }
    }
}
