//! The steps of a report's life.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step, in the order in which those taken apart outweigh each other. The order is part of the wire: grants name
/// steps by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Somebody began it.
    Opened,
    /// An office says that its part is complete.
    Contributed,
    /// The parts were put together.
    Consolidated,
    /// Somebody checked it.
    Checked,
    /// The signatory signed it.
    Signed,
    /// It was handed to the superior.
    Submitted,
    /// The superior took it.
    Accepted,
    /// It was corrected after signing.
    Amended,
    /// The superior sent it back.
    Returned,
    /// It no longer counts.
    Withdrawn,
}

impl Step {
    /// Every step, in that order.
    pub const ALL: [Self; 10] = [
        Self::Opened,
        Self::Contributed,
        Self::Consolidated,
        Self::Checked,
        Self::Signed,
        Self::Submitted,
        Self::Accepted,
        Self::Amended,
        Self::Returned,
        Self::Withdrawn,
    ];

    /// Its place in that order, from 0.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The word in documents and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Contributed => "contributed",
            Self::Consolidated => "consolidated",
            Self::Checked => "checked",
            Self::Signed => "signed",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Amended => "amended",
            Self::Returned => "returned",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_as_they_outweigh_each_other() {
        let numbers: Vec<_> = Step::ALL.into_iter().map(Step::number).collect();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
        assert!(Step::ALL.is_sorted());
    }
}
