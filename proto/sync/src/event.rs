//! All that can happen to a hub.

use std::sync::Arc;

use hopluu_model::{EntryKind, NodeId, Place, Seq, UnitId, UnitTree};

use crate::{
    Ahead, Checkpoint, Class, FileHere, Item, JournalBatch, MissingBatch, PieceFate, Readers,
    Refusal, ShortHash, Wants,
};

/// A connection to a peer, numbered by whoever opens connections; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkId(pub u64);

/// Somewhere this node dials, numbered by whoever keeps the addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TargetId(pub u64);

/// One effect that is answered, numbered by the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What happened. Answers to effects of a link that is gone are passed over, so whoever performs
/// effects need not cancel them.
#[derive(Debug, Clone)]
pub enum Event {
    /// A person or the settings named somewhere to dial.
    TargetAdded {
        /// The target.
        target: TargetId,
        /// Who answered there last, as far as is remembered: while a link to that node stands, it is not dialled
        /// again there.
        peer: Option<NodeId>,
    },
    /// The same, for somewhere to dial only while nothing answers at the others: the superior's superior, who would be
    /// sent everything a second time. When one of the others has said hello again, a link that it led to is closed.
    StandbyAdded {
        /// The target.
        target: TargetId,
    },
    /// It is not to be dialled any more. A link that it led to is closed.
    TargetRemoved {
        /// The target.
        target: TargetId,
    },
    /// [`Effect::Dial`](crate::Effect::Dial) led nowhere.
    DialFailed {
        /// The target.
        target: TargetId,
        /// In how many seconds to come again, where somebody there had no time now.
        again_s: Option<u32>,
    },
    /// A connection stands and its chain has been verified.
    LinkOpened {
        /// The connection.
        link: LinkId,
        /// Who is there, from its certificate.
        peer: Place,
        /// The target that was dialled; none for a connection that came in.
        target: Option<TargetId>,
    },
    /// Bytes of the peer, cut anywhere.
    Received {
        /// The connection.
        link: LinkId,
        /// At least one byte.
        bytes: Vec<u8>,
    },
    /// Answers [`Effect::Send`](crate::Effect::Send): the connection has taken the bytes, and there
    /// is room for more.
    Sent {
        /// The connection.
        link: LinkId,
    },
    /// Answers [`Effect::ReadOn`](crate::Effect::ReadOn), when others have had their turn.
    ReadOn {
        /// The connection.
        link: LinkId,
    },
    /// What a connection is seen to carry has changed notably; told for the first time when it is known.
    Measured {
        /// The connection.
        link: LinkId,
        /// Bytes a second, if enough has gone over it to tell.
        rate: Option<u64>,
        /// Milliseconds from a packet to its acknowledgement.
        round_trip_ms: u64,
    },
    /// From now on only what is as urgent as this, or more, is sent to a peer of its own accord: its links have cost
    /// too much. A comparison and what it finds go on.
    Limited {
        /// The peer.
        peer: NodeId,
        /// The least urgent class that is sent.
        least: Class,
    },
    /// The connection is gone, also after [`Effect::Close`](crate::Effect::Close).
    LinkClosed {
        /// The connection.
        link: LinkId,
        /// The number the peer closed it with, where it said one.
        code: Option<u16>,
        /// In how many seconds the peer wants to be called again, where it said so.
        again_s: Option<u32>,
    },
    /// Answers [`Effect::LoadCheckpoint`](crate::Effect::LoadCheckpoint).
    CheckpointLoaded {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// What is stored of the peer; the default where nothing is.
        checkpoint: Checkpoint,
        /// What was stored with its acknowledged half.
        ahead: Ahead,
    },
    /// Answers [`Effect::ReadJournal`](crate::Effect::ReadJournal).
    JournalRead {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// What was read.
        batch: JournalBatch,
    },
    /// Answers [`Effect::Apply`](crate::Effect::Apply): what was accepted is durable, and so is the
    /// position. What was not accepted is named, and is acknowledged as well.
    Applied {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// The entries that were not merged, ascending.
        refused: Vec<Refusal>,
        /// The last position of our journal since then: what it has gained goes along with the
        /// acknowledgement. Other links hear of it by [`Event::Appended`].
        last: Seq,
    },
    /// Answers [`Effect::SaveAcked`](crate::Effect::SaveAcked) and
    /// [`Effect::SaveCheckpoint`](crate::Effect::SaveCheckpoint).
    Saved {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
    },
    /// Answers [`Effect::ReadItems`](crate::Effect::ReadItems).
    ItemsRead {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// All objects in the scope, in any order.
        items: Vec<Item>,
    },
    /// Answers [`Effect::ReadHashes`](crate::Effect::ReadHashes).
    HashesRead {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// What is held of each object, in the order asked for.
        held: Vec<Vec<ShortHash>>,
    },
    /// Answers [`Effect::ReadMissing`](crate::Effect::ReadMissing).
    MissingRead {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// What the peer lacks.
        batch: MissingBatch,
    },
    /// Answers [`Effect::ReadWants`](crate::Effect::ReadWants).
    WantsRead {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// What is wanted.
        wants: Wants,
    },
    /// Answers [`Effect::ReadPiece`](crate::Effect::ReadPiece).
    PieceRead {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// The proof and the piece, one behind the other; none where it is not here for that peer.
        bytes: Option<Vec<u8>>,
    },
    /// Answers [`Effect::KeepPiece`](crate::Effect::KeepPiece).
    PieceKept {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
        /// What became of it.
        fate: PieceFate,
    },
    /// A document of this unit names a file that is not whole here.
    FilesWanted {
        /// The unit.
        unit: UnitId,
    },
    /// A file is whole here since now.
    FileHere {
        /// Which, and who may be told.
        here: FileHere,
    },
    /// An effect with a ticket could not be performed (disk full, database locked): nothing of it
    /// is durable. The link is closed and tried again later.
    StoreFailed {
        /// The connection.
        link: LinkId,
        /// The effect.
        ticket: Ticket,
    },
    /// What came over a link was more work than its peer's share: the link is closed as
    /// [`Busy`](crate::CloseCode::Busy), and the peer comes again later.
    Overspent {
        /// The connection.
        link: LinkId,
    },
    /// Our journal has grown durably, by local work or by what a peer sent.
    Appended {
        /// Its last position.
        last: Seq,
        /// What it has grown by, where that is little: most of it is for few of many links.
        news: Option<News>,
    },
    /// The tree has changed or what records say of readers, and with it perhaps who may see what.
    ScopeChanged {
        /// The tree from now on.
        tree: Arc<UnitTree>,
        /// The readers from now on.
        readers: Arc<dyn Readers>,
    },
    /// What this peer sent and was refused as [`CROWDED`](crate::RefusalCode::CROWDED) may be taken
    /// by now: the two stores must be compared. What is stored of the peer says so already, so that
    /// it is not forgotten while there is no link.
    RoomMade {
        /// The peer.
        peer: NodeId,
    },
    /// The machine is on another network, or back from sleep: what waits to be dialled is dialled now.
    NetworkChanged,
    /// A person wants every target called now, on a new link even where one stands.
    CallWanted,
    /// The instant of [`Hub::next_wake`](crate::Hub::next_wake) has come.
    Woken,
}

/// A few entries at the end of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What comes before them.
    pub after: Seq,
    /// Each that is not superseded.
    pub entries: Arc<[NewEntry]>,
}

/// What decides for whom an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Whose it is.
    pub unit: UnitId,
    /// The key of the document that it is in or about, where that is in a compartment.
    pub closed: Option<Vec<u8>>,
    /// Who sent it; nobody where it is this node's own.
    pub origin: Option<NodeId>,
}
