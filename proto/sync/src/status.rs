//! What the hub can tell a person.

use std::collections::BTreeMap;

use hopluu_model::{Epoch, Place, Seq};

use crate::pace::Pace;
use crate::session::Session;
use crate::{Acked, Ahead, Class, CloseCode, LinkId, RefusalCode, Steady, TargetId};

/// A picture of all peers and targets, for `status` and for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubStatus {
    /// Every peer heard since the start, by node.
    pub peers: Vec<PeerStatus>,
    /// Every target, by number.
    pub targets: Vec<TargetStatus>,
}

/// One peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStatus {
    /// Who.
    pub peer: Place,
    /// The link to it, if there is one now.
    pub link: Option<LinkStatus>,
    /// What of ours is durable there.
    pub acked: Seq,
    /// What of theirs is durable here.
    pub received: Seq,
    /// Entries of our journal that it has not acknowledged; those that are not for it are among
    /// them until they have been looked at, and without a link nobody looks.
    pub owed: u64,
    /// Bytes a second that a link to it was last seen to carry.
    pub rate: Option<u64>,
    /// Its last round trip.
    pub round_trip_ms: Option<u64>,
    /// What was found wrong with one of the two stores, until it has been healed.
    pub trouble: Option<Trouble>,
    /// Entries of ours that it did not merge, by reason.
    pub refused_there: BTreeMap<RefusalCode, u64>,
    /// Entries of theirs that we did not merge, by reason.
    pub refused_here: BTreeMap<RefusalCode, u64>,
    /// Entries too large for any link.
    pub unsendable: u64,
    /// Why we last closed a link to it.
    pub closed_here: Option<CloseCode>,
    /// The number with which it last closed a link.
    pub closed_there: Option<u16>,
}

/// A link that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatus {
    /// Its number.
    pub link: LinkId,
    /// Since when.
    pub since: Steady,
    /// Whether the peer has said hello.
    pub greeted: bool,
    /// Bytes of bodies sent and not yet acknowledged.
    pub in_flight_bytes: usize,
    /// Bytes of frames that the link has not been handed yet.
    pub waiting_bytes: usize,
    /// Whether the two stores are being compared.
    pub walk: WalkState,
}

/// Whether two stores are being compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalkState {
    /// Checkpoints hold: the journal says all there is to say.
    Settled,
    /// A comparison is needed and has not begun.
    Due,
    /// This side asks, the peer answers.
    Leading,
    /// The peer asks, this side answers.
    Serving,
}

/// What was found wrong with one of two stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The peer's store has begun a new life: it was restored or made anew.
    PeerRestored,
    /// The peer's store has less than it once had, in the same life.
    PeerRolledBack,
    /// The peer remembers more of ours than we have: our own store has lost something.
    WeRolledBack,
    /// The peer remembers an earlier life of our store.
    WeRestored,
}

/// One target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStatus {
    /// Its number.
    pub target: TargetId,
    /// What it is doing.
    pub state: TargetState,
    /// Attempts that failed in a row.
    pub failures: u32,
}

/// What a target is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetState {
    /// A dial is under way.
    Dialling,
    /// The next dial is due then.
    Waiting(Steady),
    /// A link to its peer stands.
    Linked(LinkId),
    /// Another one answers, and this is for when none does.
    Resting,
}

/// What is kept of a peer beyond its links.
#[derive(Debug, Clone)]
pub(crate) struct PeerRecord {
    pub(crate) peer: Place,
    pub(crate) last_heard: Option<Steady>,
    pub(crate) acked: Seq,
    /// Nothing of ours through here was owed when its last link ended.
    pub(crate) quit: Seq,
    pub(crate) left: Left,
    pub(crate) pace: Pace,
    /// The least urgent class that may be sent.
    pub(crate) least: Class,
    pub(crate) received: Seq,
    /// A comparison is owed, whatever a checkpoint says that was read before this was written.
    pub(crate) is_void: bool,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) refused_there: BTreeMap<RefusalCode, u64>,
    pub(crate) refused_here: BTreeMap<RefusalCode, u64>,
    pub(crate) unsendable: u64,
    /// What both of us can pack with, by the last hello of a link that stands or stood.
    pub(crate) dictionary: u8,
    pub(crate) closed_here: Option<CloseCode>,
    pub(crate) closed_there: Option<u16>,
}

/// What a link that has ended knew the peer to have, whether or not that was written down.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    /// What it holds for; see [`Acked::basis`].
    pub(crate) basis: Epoch,
    pub(crate) acked: Seq,
    pub(crate) ahead: Ahead,
}

impl PeerRecord {
    pub(crate) fn new(peer: Place) -> Self {
        Self {
            peer,
            last_heard: None,
            acked: Seq(0),
            quit: Seq(0),
            left: Left {
                basis: Acked::void().basis,
                acked: Seq(0),
                ahead: Ahead::default(),
            },
            pace: Pace::default(),
            least: Class::Attachments,
            received: Seq(0),
            is_void: false,
            trouble: None,
            refused_there: BTreeMap::new(),
            refused_here: BTreeMap::new(),
            unsendable: 0,
            dictionary: 0,
            closed_here: None,
            closed_there: None,
        }
    }

    pub(crate) fn status(&self, session: Option<&Session>, last: Seq) -> PeerStatus {
        let quit = session.map_or(self.quit, Session::quit);
        PeerStatus {
            peer: self.peer.clone(),
            link: session.map(Session::status),
            acked: self.acked,
            received: self.received,
            owed: last.0.saturating_sub(quit.0),
            rate: self.pace.rate,
            round_trip_ms: self.pace.known_round_trip_ms(),
            trouble: self.trouble,
            refused_there: self.refused_there.clone(),
            refused_here: self.refused_here.clone(),
            unsendable: self.unsendable,
            closed_here: self.closed_here,
            closed_there: self.closed_there,
        }
    }
}
