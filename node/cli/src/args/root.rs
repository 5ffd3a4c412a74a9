//! What is typed about a root's key.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum RootCommand {
    /// Write the root's key as shares to print, so many of which make the root again
    Backup(RootBackupArgs),
    /// Make a lost root again from shares of its key, in an empty folder
    Restore(RootRestoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RootBackupArgs {
    /// Folder for a text and a page of each share
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How many shares it takes
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) needed: u8,
    /// How many shares are made
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) shares: u8,
}

#[derive(Debug, Args)]
pub(crate) struct RootRestoreArgs {
    /// Texts of shares, or photos of their codes (PNG, JPEG)
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Address to listen on for other nodes: the one that the lost root had
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
    /// Make an encrypted folder
    #[arg(long)]
    pub(crate) encrypt: bool,
    /// Form file to hand down, as at `init` [default: the forms that come with the program]
    #[arg(long, value_name = "FILE")]
    pub(crate) form: Vec<PathBuf>,
    /// Folder with tree.toml and its tables, as at `init` [default: the units that come with the program]
    #[arg(long, value_name = "DIR")]
    pub(crate) units: Option<PathBuf>,
}
