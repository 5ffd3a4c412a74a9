//! What a change writes, for whoever decides whom it concerns.

use std::collections::BTreeSet;

use crate::figure::FigureKey;
use crate::scan::{ScannedChange, TextObject};

/// The places that a change writes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touches {
    /// Figures; totals move only if there are any, or events.
    pub figures: BTreeSet<FigureKey>,
    /// Notes.
    pub notes: BTreeSet<FigureKey>,
    /// Texts.
    pub texts: BTreeSet<TextObject>,
    /// Whether it writes lifecycle events.
    pub has_events: bool,
}

/// What a change writes. Keys outside the grammar of figures are of a later version and count for
/// nothing here.
#[must_use]
pub fn touches(change: &ScannedChange) -> Touches {
    Touches {
        figures: change
            .figures
            .iter()
            .filter_map(|op| op.key.parse().ok())
            .collect(),
        notes: change
            .notes
            .iter()
            .filter_map(|op| op.key.parse().ok())
            .collect(),
        texts: change.texts.iter().map(|edit| edit.object).collect(),
        has_events: !change.events.is_empty(),
    }
}
