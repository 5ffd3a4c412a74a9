//! The node, its peers, and what happens in it.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{
    ChangeHash, Digest, Epoch, FormId, NodeId, OfficeId, Period, Seq, Timestamp, UnitId,
};
use serde::{Deserialize, Serialize};

use super::{OwedView, ReportRef};

/// A peer as `status` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
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
    /// By what it runs: `quic`, or `tcp` where UDP does not pass.
    #[serde(default)]
    pub via: Option<String>,
    /// Our journal up to here is durable there.
    pub acked: Seq,
    /// Its journal up to here is durable here.
    pub received: Seq,
    /// Entries it still has to get.
    pub owed: u64,
    /// The same by class, those that are for it.
    pub owed_by_class: Vec<OwedView>,
    /// How long that takes at the rate that the link was last seen to carry.
    pub seconds: Option<u64>,
    /// When it was last heard.
    pub heard: Option<Timestamp>,
    /// Entries of it that were refused here since the start. Those that wait for something are parked,
    /// not refused.
    pub refused: u64,
    /// The same by reason.
    pub refused_why: BTreeMap<RefusalWhy, u64>,
    /// Entries of this node that were refused there, by reason.
    #[serde(default)]
    pub refused_there: BTreeMap<RefusalWhy, u64>,
    /// The code with which this node last closed a link to it.
    #[serde(default)]
    pub closed_here: Option<u16>,
    /// The code with which it last closed one.
    #[serde(default)]
    pub closed_there: Option<u16>,
    /// What is unusual.
    pub remark: Option<PeerRemark>,
}

/// Why an entry of a peer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalWhy {
    /// Its seal or signature does not hold.
    Signature,
    /// Its bytes do not decode.
    Malformed,
    /// The peer may not speak of that unit here.
    Scope,
    /// It exceeds a bound.
    Bound,
    /// It contradicts what is already here.
    Conflict,
    /// This version does not know its kind.
    Unsupported,
    /// A reason of a later version.
    Other,
}

/// What is unusual about a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerRemark {
    /// It has been restored from a backup.
    PeerRestored,
    /// It has lost something that it had.
    PeerRolledBack,
    /// This node has lost something that the peer has from it.
    WeRolledBack,
    /// The two stores are being compared.
    Comparing,
}

/// An address that this node calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamView {
    /// As the settings write it.
    pub addr: String,
    /// Whether it is called only while no other answers.
    pub is_standby: bool,
    /// What is going on.
    pub state: UpstreamState,
    /// The node that it leads to, while a link stands.
    pub node: Option<NodeId>,
    /// Calls that failed in a row.
    pub failures: u32,
}

/// What is going on with an address that this node calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamState {
    /// A link stands.
    Linked,
    /// It is being called.
    Calling,
    /// It did not answer and is called again soon.
    Waiting,
    /// It is not needed: another one answers.
    Resting,
}

/// What is owed to a full disk or a broken file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskState {
    /// The last write went through.
    Good,
    /// The last write found no room: reads go on, writes are refused until there is.
    Full,
    /// The last write failed for another reason.
    Failing,
}

/// The node as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    /// Program version.
    pub version: String,
    /// This node's key.
    pub node: NodeId,
    /// Its unit.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// Its office.
    pub office: Option<OfficeId>,
    /// The root's fingerprint.
    pub root: Digest,
    /// The store's present life.
    pub epoch: Epoch,
    /// The journal's end.
    pub journal: Seq,
    /// Documents here.
    pub documents: u64,
    /// Changes kept outside because something they need is missing.
    pub parked: u64,
    /// Whether writes go through.
    pub disk: DiskState,
    /// When this node's certificate ends.
    pub certificate_ends: Timestamp,
    /// Whether it should have been renewed by now.
    #[serde(default)]
    pub is_ending: bool,
    /// The latest time there is evidence of.
    #[serde(default)]
    pub evidence: Option<Timestamp>,
    /// What the last node said that took this one for revoked: why, by whom, by which record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// The address it listens on, while links are served.
    pub listen: Option<String>,
    /// Where this node calls, in the order of its settings.
    #[serde(default)]
    pub upstream: Vec<UpstreamView>,
    /// Other nodes.
    pub peers: Vec<PeerView>,
    /// Parcels that this node holds; none while it serves no links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parcels: Option<ParcelsView>,
}

/// Something that became durable or changed, as `watch` prints it, one line each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WatchEvent {
    /// A report has a new change, local or from a peer.
    ReportChanged {
        /// Which report.
        report: ReportRef,
        /// Its heads now.
        heads: Vec<ChangeHash>,
        /// The peer it came from; none for an edit made here.
        from: Option<NodeId>,
    },
    /// A total that this node keeps has new bytes.
    TotalChanged {
        /// Whose total.
        unit: UnitId,
        /// By which form.
        form: FormId,
        /// For which period.
        period: Period,
        /// Reports in.
        reported: u32,
        /// Reports owed.
        expected: u32,
        /// The new digest.
        digest: Digest,
    },
    /// A superior has a report.
    ReceiptArrived {
        /// Which report.
        report: ReportRef,
        /// The superior.
        unit: UnitId,
        /// When it arrived there.
        at: Timestamp,
    },
    /// A link opened.
    LinkOpened {
        /// To whom.
        node: NodeId,
        /// Of which unit.
        unit: UnitId,
    },
    /// A link closed.
    LinkClosed {
        /// To whom.
        node: NodeId,
    },
    /// A form, certificate or tree event arrived.
    RecordArrived {
        /// Its kind.
        kind: String,
        /// The unit it concerns.
        unit: UnitId,
    },
    /// The disk took or refused writes.
    Disk {
        /// What it is now.
        state: DiskState,
    },
    /// The listener was too slow and missed this many events.
    Missed {
        /// How many.
        events: u64,
    },
}

/// A ticket that was just issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// The text to carry to the new node.
    pub ticket: String,
    /// The unit it is for.
    pub unit: UnitId,
    /// The office it is for.
    pub office: Option<OfficeId>,
    /// When it stops being good.
    pub expires: Timestamp,
}

/// The parcels that a node holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ParcelsView {
    /// How many are carried for others.
    pub carried: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the oldest of them came.
    pub oldest: Option<Timestamp>,
    /// How many this node has made of what it owes and cannot send.
    pub own: u64,
    /// The nodes that are known to have some of those.
    pub handed_to: BTreeSet<NodeId>,
}
