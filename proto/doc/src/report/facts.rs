//! The facts of a loaded document, read from Automerge itself: what the facts that follow the changes
//! are checked against.

use automerge::ObjId;

use super::Report;
use crate::facts::{FactOp, Facts};

impl Report {
    /// What totals need of this document, from what Automerge shows.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts::of_visible(
            self.visible(&self.objects.figures),
            self.visible(&self.objects.events),
            self.visible(&self.objects.notes),
        )
    }

    fn visible(&self, map: &ObjId) -> impl Iterator<Item = (String, FactOp)> {
        self.entries(map)
            .map(|(key, value, op)| (key, FactOp { op, value }))
    }
}
