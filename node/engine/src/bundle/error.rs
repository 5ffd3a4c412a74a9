//! Why a bundle is not made, or not taken in.

use hopluu_model::{Fault, OfficeId, Place, UnitId};
use hopluu_trust::EnvelopeError;

/// A bundle that was not made or not taken in. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is none, was changed or cut on its way, or is for somebody else.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Whoever made it is not known here as what it says.
    #[error("node {} of {} is not enrolled under this root", .0.node.short(), .0.unit)]
    Stranger(Box<Place>),
    /// The certificate of whoever made it, or one above it, has ended by all that is known of the time.
    #[error("the certificate of node {} of {} has expired", .0.node.short(), .0.unit)]
    Expired(Box<Place>),
    /// Who made it broke a rule inside of it.
    #[error("the content of the bundle cannot be read: {0}")]
    Content(String),
    /// Nobody is known who could open it.
    #[error("no node of {unit} is known here")]
    NobodyThere {
        /// For which unit it was asked.
        unit: UnitId,
        /// For which office of it.
        office: Option<OfficeId>,
    },
    /// Nobody stands above, below or beside this node.
    #[error("no other node of the reporting line is known here")]
    NobodyInLine,
    /// A part cannot hold what is to be carried.
    #[error("a part of {given} bytes is too small: it takes at least {least}")]
    PartTooSmall {
        /// What was asked.
        given: u64,
        /// What it takes.
        least: u64,
    },
    /// A figure has several values, and paper says one.
    #[error("`{code}` has several values")]
    Unsettled {
        /// The figure.
        code: String,
    },
    /// More parts than were asked for.
    #[error("it takes {parts} parts, and {most} at most were asked for")]
    TooManyParts {
        /// How many it takes.
        parts: u64,
        /// How many there may be.
        most: u64,
    },
}

impl BundleError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Envelope(error) => error.fault(),
            Self::Stranger(_) | Self::Expired(_) | Self::Content(_) => Fault::Peer,
            Self::NobodyThere { .. }
            | Self::NobodyInLine
            | Self::Unsettled { .. }
            | Self::PartTooSmall { .. }
            | Self::TooManyParts { .. } => Fault::Config,
        }
    }

    /// The stable code that messages to people carry.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Envelope(EnvelopeError::ForAnother(_)) => "M-1602",
            Self::Envelope(_) => "M-1601",
            Self::Stranger(_) => "M-1603",
            Self::Content(_) => "M-1604",
            Self::NobodyThere { .. } => "M-1605",
            Self::NobodyInLine => "M-1606",
            Self::PartTooSmall { .. } => "M-1607",
            Self::TooManyParts { .. } => "M-1608",
            Self::Unsettled { .. } => "M-1609",
            Self::Expired(_) => "M-1610",
        }
    }
}
