//! What is typed about what leaves the reporting line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::TotalArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// Write the table of a unit and those right below it for everybody: small counts of people are held back, with
    /// what would give them away
    Public(PublicArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PublicArgs {
    #[command(flatten)]
    pub(crate) total: TotalArgs,
    /// CSV file to write; what it was made of goes beside it, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SupportArgs {
    /// File to write, JSON that can be read before it is sent
    pub(crate) file: PathBuf,
}
