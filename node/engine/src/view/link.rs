//! What a node owes to another, what their link carries, and what it has cost.

use std::collections::BTreeMap;

use hopluu_model::{NodeId, OfficeId, UnitId};
use hopluu_sync::{Class, Purpose};
use serde::{Deserialize, Serialize};

/// What of one class a peer still has to get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedView {
    /// The class; the most urgent goes first.
    pub class: Class,
    /// Entries of the journal.
    pub entries: u64,
    /// Bytes on the link, about: as small as reports usually pack.
    pub bytes: u64,
}

/// A peer as `link` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkView {
    /// Its key.
    pub node: NodeId,
    /// Its unit.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// Its office.
    pub office: Option<OfficeId>,
    /// Whether a link is up.
    pub is_linked: bool,
    /// Bytes a second that the link was last seen to carry; none where nobody has measured it since the start.
    pub rate: Option<u64>,
    /// Its last round trip.
    pub round_trip_ms: Option<u64>,
    /// What it still has to get, the most urgent first; empty where nothing is owed.
    pub owed: Vec<OwedView>,
    /// Whether more is owed than was looked at.
    pub is_more_owed: bool,
    /// How long that takes at this rate.
    pub seconds: Option<u64>,
    /// The settings by which it is called; none where it calls us or is called without any.
    pub plan: Option<PlanView>,
    /// What it has cost, day by day, oldest first.
    pub days: Vec<CostView>,
    /// What it has cost, month by month, oldest first.
    pub months: Vec<CostView>,
}

/// The settings of a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// The address that is called.
    pub address: String,
    /// The profile.
    pub profile: String,
    /// When it is called, as in the settings; always where there is none.
    pub windows: Vec<String>,
    /// Whether it may be called now.
    pub is_open: bool,
    /// Minutes until that changes; none where it never does.
    pub changes_in_minutes: Option<u32>,
    /// Bytes a second that it may carry.
    pub rate_max: Option<u64>,
    /// Bytes a month, both ways.
    pub month_bytes_max: Option<u64>,
    /// How much of them is left to use.
    pub allowance: Allowance,
}

/// What a month's bytes still allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// Everything goes.
    #[default]
    All,
    /// They are used up: what is urgent goes on, within a reserve.
    Urgent,
    /// The reserve is used up too: nothing goes before the next month.
    Nothing,
}

/// What a link has cost in a day or a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostView {
    /// `2026-11-22` or `2026-11`.
    pub when: String,
    /// Bytes of datagrams sent.
    pub up: u64,
    /// Bytes of datagrams received.
    pub down: u64,
    /// The same by purpose, up and down; what nothing was spent for is left out.
    pub purposes: BTreeMap<Purpose, (u64, u64)>,
}
