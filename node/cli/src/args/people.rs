//! What is typed about people.

use std::path::PathBuf;

use clap::{Args, Subcommand};
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
    #[arg(long, value_name = "ROLE", required = true, value_delimiter = ',', value_parser = role)]
    pub(crate) role: Vec<Role>,
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
    #[arg(long, value_name = "ROLE", value_delimiter = ',', value_parser = role)]
    pub(crate) role: Vec<Role>,
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

fn role(typed: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == typed);
    found.ok_or_else(|| {
        let known: Vec<_> = Role::ALL.into_iter().map(Role::as_str).collect();
        known.join(", ")
    })
}
