//! What both ends of a link know before a byte has passed, so that nobody need say it: how the frames, keys and
//! records of all reports begin, and who the two of this link are.
//!
//! A dictionary has a number. What belongs to a number never changes; a better one gets the next, and whoever
//! knows a number knows all below it.

use std::sync::Arc;

use hopluu_model::Place;

/// The newest we know. 0 is none at all.
pub(crate) const NEWEST: u8 = 1;

/// Made by `scripts/dictionary`, of reports of all forms that ship.
const FIRST: &[u8] = include_bytes!("dictionary/1.bin");

/// The two of a link, as their dictionaries name them: the same bytes on both sides.
#[derive(Debug, Clone)]
pub(crate) struct Pair(Arc<[u8]>);

impl Pair {
    pub(crate) fn of(one: &Place, other: &Place) -> Self {
        let mut places = [one, other];
        places.sort_unstable_by_key(|place| place.node);
        let mut bytes = Vec::new();
        for place in places {
            bytes.extend(place.unit.to_string().bytes());
            bytes.extend(place.node.0);
        }
        Self(bytes.into())
    }

    /// The dictionary of a number; what stands last in it costs least to point at. None for a number that
    /// we do not know.
    pub(crate) fn dictionary(&self, number: u8) -> Option<Vec<u8>> {
        match number {
            0 => Some(Vec::new()),
            1 => Some([FIRST, &self.0].concat()),
            _ => None,
        }
    }
}
