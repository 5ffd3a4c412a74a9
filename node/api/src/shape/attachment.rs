//! Attachments: what is asked with, and a stretch of one.

use hopluu_engine::view::{AttachRequest, Selector};
use serde::{Deserialize, Serialize};

/// Names a file; its bytes are the body of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttachQuery {
    /// The unit; the node's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The form.
    pub form: String,
    /// The period.
    pub period: String,
    /// Which of several reports of the period.
    #[serde(default)]
    pub instance: u32,
    /// For which office; the node's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<String>,
    /// How the file is called.
    pub name: String,
    /// What it shows.
    #[serde(default)]
    pub caption: String,
    /// Whether the report is opened if it is not there.
    #[serde(default)]
    pub create: bool,
}

impl From<AttachQuery> for AttachRequest {
    fn from(query: AttachQuery) -> Self {
        Self {
            report: Selector {
                unit: query.unit,
                form: query.form,
                period: query.period,
                instance: query.instance,
            },
            office: query.office,
            name: query.name,
            caption: query.caption,
            create: query.create,
        }
    }
}

/// Asks for a stretch of an attachment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartQuery {
    /// The unit; the node's own if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The form.
    pub form: String,
    /// The period.
    pub period: String,
    /// Which of several reports of the period.
    #[serde(default)]
    pub instance: u32,
    /// Its place in the list, its name, or the beginning of its hash.
    pub attachment: String,
    /// Where the stretch begins: 0, or what the one before has named.
    #[serde(default)]
    pub from: u16,
}

impl PartQuery {
    /// Which report is meant.
    #[must_use]
    pub fn selector(&self) -> Selector {
        Selector {
            unit: self.unit.clone(),
            form: self.form.clone(),
            period: self.period.clone(),
            instance: self.instance,
        }
    }
}

/// A stretch of an attachment, at most 1 MiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartView {
    /// BLAKE3 of all its bytes.
    pub hash: String,
    /// How it is called.
    pub name: String,
    /// How long all of it is.
    pub bytes: u64,
    /// Where the next stretch begins.
    pub next: u16,
    /// The bytes, in base64; none behind the end.
    pub content: String,
}
