//! The commands about what is carried by hand.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum BundleCommand {
    /// Write what other nodes lack, each as files or paper that only it can open
    Export(BundleExportArgs),
    /// Say from whom and for whom files are, without opening them
    Inspect(BundleFilesArgs),
    /// Take in what others have written for this node, from files or photos of their codes
    Import(BundleFilesArgs),
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("receivers").required(true).args(["to", "all"]))]
pub(crate) struct BundleExportArgs {
    /// For the main node of this unit, by code or CODE@DATE
    #[arg(long, value_name = "UNIT")]
    pub(crate) to: Option<String>,
    /// For the node of this office of the unit
    #[arg(long, requires = "to")]
    pub(crate) office: Option<String>,
    /// For the superior and everybody whom this node has let in
    #[arg(long)]
    pub(crate) all: bool,
    /// The file to write, or the folder to write into [default: this folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Most bytes of one file; more of them are written where it takes more
    #[arg(long, value_name = "BYTES")]
    pub(crate) size_max: Option<u64>,
    /// The attachments of the reports too, in files behind the others
    #[arg(long, conflicts_with = "qr")]
    pub(crate) attachments: bool,
    /// Only this report
    #[arg(long, num_args = 2, value_names = ["FORM", "PERIOD"])]
    pub(crate) report: Option<Vec<String>>,
    /// Write it as codes to be printed: at most two pictures and a page, into this folder
    #[arg(long, value_name = "DIR", requires = "report", conflicts_with_all = ["out", "size_max"])]
    pub(crate) qr: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct BundleFilesArgs {
    /// Files as they were written, or photos of codes (PNG, JPEG)
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}
