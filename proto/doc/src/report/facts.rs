//! The facts of a loaded document, read from Automerge itself: what the facts that follow the changes
//! are checked against.

use super::{MapOf, Report};
use crate::facts::{FactOp, Facts};

impl Report {
    /// What totals need of this document, from what Automerge shows.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts::of_visible(
            self.visible(MapOf::Figures),
            self.visible(MapOf::Events),
            self.visible(MapOf::Notes),
        )
    }

    fn visible(&self, map: MapOf) -> impl Iterator<Item = (String, FactOp)> {
        let entries = self.entries(map).into_iter();
        entries.map(|(key, value, op)| (key, FactOp { op, value }))
    }
}
