//! What is typed about audits.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use hopluu_model::{CompartmentId, Date};

use super::ReportArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show who set each figure, text, file and step of a report, when, whence and on whose right
    Report(AuditReportArgs),
    /// Show who was shown privacy-sensitive lines on this node
    Reads(AuditReadsArgs),
    /// Show what was refused here, of whom and why
    Refused,
    /// Show what was published from here, by whom and of which total
    Published,
}

#[derive(Debug, Args)]
pub(crate) struct AuditReportArgs {
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// A line or a section; everything if left out
    pub(crate) name: Option<String>,
    /// Write all of it to a file that anybody can verify who knows the root's fingerprint
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    pub(crate) export: Option<PathBuf>,
    /// Of this compartment, and not of the open document
    #[arg(long, value_name = "NAME", requires = "export")]
    pub(crate) compartment: Option<CompartmentId>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditReadsArgs {
    /// From this day on
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<Date>,
    /// Only what is this unit's
    #[arg(long)]
    pub(crate) unit: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The file that `audit report --export` has written
    pub(crate) file: PathBuf,
    /// The root that you trust: its fingerprint, or a file with its certificate
    #[arg(long, value_name = "ROOT")]
    pub(crate) root: Option<String>,
}
