//! Who wrote what in a report.

use hopluu_model::{ChangeHash, IndicatorCode, NodeId, OfficeId, SectionId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

/// One save in a report's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRow {
    /// The change.
    pub change: ChangeHash,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// The office it was made for.
    pub office: Option<OfficeId>,
    /// The node that sealed it.
    pub author: Option<NodeId>,
    /// That node's unit.
    pub unit: Option<UnitId>,
    /// That unit's name.
    pub unit_name: Option<String>,
    /// That node's office; none for a unit's main node.
    pub author_office: Option<OfficeId>,
    /// Of that node's people, who: the account that the seal names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What it wrote.
    pub wrote: Vec<WroteView>,
}

/// One thing that a save wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wrote", rename_all = "snake_case")]
pub enum WroteView {
    /// A figure.
    Figure {
        /// The line.
        code: IndicatorCode,
        /// Whose part.
        office: Option<OfficeId>,
        /// The canonical value.
        value: String,
    },
    /// The note beside a figure.
    Note {
        /// The line.
        code: IndicatorCode,
        /// Whose part.
        office: Option<OfficeId>,
        /// The whole note.
        text: String,
    },
    /// A text.
    Text {
        /// The section.
        section: SectionId,
        /// Whose paragraph.
        office: OfficeId,
        /// Letters that came.
        inserted: u32,
        /// Letters that went.
        deleted: u32,
    },
    /// A file that goes with the report.
    Attached {
        /// BLAKE3 of its bytes.
        hash: String,
        /// How it is called.
        name: String,
        /// What it shows.
        caption: String,
        /// How long it is.
        bytes: u64,
    },
    /// A file that no longer does.
    Detached {
        /// BLAKE3 of its bytes.
        hash: String,
        /// How it was called; empty where nothing says.
        name: String,
    },
    /// A step of the report's life.
    Step {
        /// Which, in the words of `state`.
        step: String,
        /// Why, where the step says it.
        reason: Option<String>,
    },
}
