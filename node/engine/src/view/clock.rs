//! What time it is, and by whose word.

use hopluu_model::{Date, NodeId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

/// An administrator's word of the time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClockRequest {
    /// The day it is; none means what the machine's clock says.
    #[serde(default)]
    pub at: Option<Date>,
    /// Whoever claims to live on this day or later is wrong; none leaves it to what is seen here.
    #[serde(default)]
    pub before: Option<Date>,
}

/// What time it is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// What the machine's clock says.
    pub clock: Timestamp,
    /// The latest time there is evidence of.
    pub evidence: Option<Timestamp>,
    /// The time by which certificates of others are judged: the same, but not after this node's own end.
    pub judged: Option<Timestamp>,
    /// The word from which it is reckoned.
    pub word: Option<WordView>,
    /// What those above have claimed.
    pub claims: Vec<ClaimView>,
}

/// A word of the time that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordView {
    /// It is this late, at least.
    pub at: Timestamp,
    /// Claims from here on do not count.
    pub before: Option<Timestamp>,
    /// Whether it is the root's, or that of an administrator here.
    pub is_root: bool,
}

/// What somebody above has claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimView {
    /// Who.
    pub node: NodeId,
    /// Its unit.
    pub unit: Option<UnitId>,
    /// The beginning of the last month that it has claimed and that counts.
    pub at: Timestamp,
    /// Whether it is heard: not of one that was revoked.
    pub counts: bool,
}
