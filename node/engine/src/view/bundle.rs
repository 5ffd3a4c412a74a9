//! Bundles: what their address says, and what came of taking them in.

use std::collections::BTreeMap;

use hopluu_model::{Digest, NodeId, OfficeId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use super::RefusalWhy;

/// A node that a bundle comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundlePlace {
    /// Its key.
    pub node: NodeId,
    /// Its unit.
    pub unit: UnitId,
    /// Its office.
    pub office: Option<OfficeId>,
}

/// What anybody can read of a bundle without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleView {
    /// The name of these very bytes.
    pub id: String,
    /// What the parts that belong together have in common.
    pub set: String,
    /// Which of them this is, from 1.
    pub part: u16,
    /// How many there are.
    pub parts: u16,
    /// How long it is.
    pub bytes: u64,
    /// When it was made, by the clock there.
    pub made: Timestamp,
    /// Who made it.
    pub from: BundlePlace,
    /// Who alone can open it.
    pub to: BundlePlace,
    /// The root that the certificate in it leads to; none where it has none that holds.
    pub root: Option<Digest>,
}

/// What came of one bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleTaken {
    /// The bundle.
    pub bundle: BundleView,
    /// Entries, or pieces of attachments, that are new here.
    pub new: u64,
    /// Those that were here already.
    pub known: u64,
    /// Entries that wait here for others.
    pub waiting: u64,
    /// Those that are not taken.
    pub refused: u64,
    /// The entries among them by reason.
    pub refused_why: BTreeMap<RefusalWhy, u64>,
    /// What should be looked at.
    pub remarks: Vec<BundleRemark>,
    /// The attachments of which it brings something.
    #[serde(default)]
    pub files: Vec<BundleFile>,
}

/// An attachment that was carried here, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleFile {
    /// BLAKE3 of its bytes, in hex.
    pub hash: String,
    /// How many it has.
    pub bytes: u64,
    /// How many of them are here now.
    pub held: u64,
}

/// What is unusual about a bundle that was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BundleRemark {
    /// It is in, but begins beyond what is known of its maker: not joined to the part before it.
    PartMissing,
    /// There was no room for entries that wait: it must be taken in again after the parts before it.
    NoRoom,
    /// It comes from before or after a restore of who made it.
    PeerRestored,
    /// What it says of this node is from before or after a restore here.
    WeRestored,
    /// It says that its maker has more of this node than there is.
    WeRolledBack,
    /// No report here names an attachment: it must be taken in again after the part with the report.
    FileUnnamed,
    /// There is no room for an attachment.
    FileNoRoom,
}
