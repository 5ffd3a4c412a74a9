//! Attachments as people see them.

use hopluu_model::{NodeId, OfficeId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Selector, UnitName};

/// A file to go with a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachRequest {
    /// Which report.
    pub report: Selector,
    /// For which office; the node's own if absent.
    pub office: Option<String>,
    /// How the file is called; only its last part is kept.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// Whether the report is opened if it is not there.
    pub create: bool,
}

/// A file that goes with a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentView {
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// How it is called.
    pub name: String,
    /// What it shows; may be empty.
    pub caption: String,
    /// What kind of file it is.
    pub media: String,
    /// How long it is.
    pub bytes: u64,
    /// How many of its bytes are here.
    pub held: u64,
    /// When it was attached, by the author's clock.
    pub at: Timestamp,
    /// For which office.
    pub office: Option<OfficeId>,
    /// The node that attached it, where its seal is known.
    pub author: Option<NodeId>,
    /// Of that node's people, who: the account that the seal names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Other units whose nodes have said that they have all of it.
    pub holders: Vec<UnitName>,
}

/// A stretch of an attachment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentPart {
    /// BLAKE3 of all its bytes.
    pub hash: String,
    /// How it is called.
    pub name: String,
    /// How long all of it is.
    pub bytes: u64,
    /// Where the next stretch begins.
    pub next: u16,
    /// The bytes.
    pub content: Vec<u8>,
}
