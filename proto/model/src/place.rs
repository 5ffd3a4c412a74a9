//! Where a node stands: which unit, and which office of it.

use serde::{Deserialize, Serialize};

use crate::{NodeId, OfficeId, UnitId};

/// A node and its place in the tree, as its certificate says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The node's key.
    pub node: NodeId,
    /// The unit it works for.
    pub unit: UnitId,
    /// The office within the unit; the unit's main node has none.
    pub office: Option<OfficeId>,
}
