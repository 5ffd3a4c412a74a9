//! All that a hub asks for.

use std::sync::Arc;

use hopluu_model::{NodeId, Seq};

use crate::{
    Acked, Ahead, Checkpoint, Class, CloseCode, FileId, Incoming, LinkId, ObjectKey, Piece,
    Received, Scope, Select, ShortKey, TargetId, Ticket,
};

/// What must be done. Each is answered unless it says otherwise: a dial by `LinkOpened` or `DialFailed`; sending by `Sent`,
/// unless the connection goes first; closing by `LinkClosed` when the connection is gone; what has a
/// ticket by the event its text names, or else by `StoreFailed`.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Open a connection to this target.
    Dial {
        /// The target.
        target: TargetId,
    },
    /// Hand these bytes to the connection; `Sent` when it has taken them. No more is asked for this
    /// link before that, so a link that is slow pushes back by answering late.
    Send {
        /// The connection.
        link: LinkId,
        /// Frames, cut anywhere; at most [`SEND_BYTES_MAX`](crate::limits::SEND_BYTES_MAX).
        bytes: Vec<u8>,
        /// Whether anything may come before it: the connection takes it only when all that it has taken is on its
        /// way, so that what is urgent never waits behind more than this.
        may_wait: bool,
    },
    /// From now on the peer owes us an answer, or owes none any more; a new link begins with one owed. A
    /// transport that can repeat what brings no answer does so while one is owed, and rests otherwise.
    /// Not answered.
    Await {
        /// The connection.
        link: LinkId,
        /// Whether an answer is owed.
        is_awaited: bool,
    },
    /// Close the connection and tell the peer this number. Nothing more is asked for this link.
    Close {
        /// The connection.
        link: LinkId,
        /// Why.
        code: CloseCode,
        /// In how many seconds the peer may come again; none where it may at once.
        again_s: Option<u32>,
    },
    /// Read what is stored of the peer; `CheckpointLoaded`.
    LoadCheckpoint {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The peer.
        peer: NodeId,
    },
    /// Read our journal, what is urgent first: [`in_turn`](crate::in_turn); `JournalRead`. Entries out of the
    /// scope, and those that came from the peer, need not be loaded.
    ReadJournal {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// Read what comes after this position.
        after: Seq,
        /// Read at most up to this position, which exists.
        through: Seq,
        /// What lies between and has been read already.
        ahead: Ahead,
        /// Nothing less urgent is read.
        least: Class,
        /// Stop before the bodies exceed this, but after the first entry at the earliest.
        bytes_max: usize,
        /// What the peer may see.
        scope: Arc<Scope>,
    },
    /// Judge and merge what a peer sent, in this order, in one durable transaction; `Applied`.
    Apply {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The peer, the origin of all these entries.
        peer: NodeId,
        /// What came; may be empty when only the position moves.
        entries: Vec<Incoming>,
        /// Store this as the received half of the peer's checkpoint in the same transaction.
        received: Option<Received>,
    },
    /// Store the acknowledged half of the peer's checkpoint; `Saved`. No hurry: losing it costs a
    /// comparison.
    SaveAcked {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The peer.
        peer: NodeId,
        /// The half.
        acked: Acked,
        /// What of ours is durable there beyond it.
        ahead: Ahead,
    },
    /// Store both halves of the peer's checkpoint, and nothing beyond: it is met for the first time, or one of the two
    /// stores has lost what it had, and that must not be forgotten before it is healed; `Saved`.
    SaveCheckpoint {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The peer.
        peer: NodeId,
        /// Both halves.
        checkpoint: Checkpoint,
    },
    /// List every object in the scope with its digest; `ItemsRead`. No document is loaded.
    ReadItems {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// What the peer may see.
        scope: Arc<Scope>,
    },
    /// List the short hashes of all that is held of each of these objects; `HashesRead`.
    ReadHashes {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The objects, all of them among the items of the last `ItemsRead` of this link.
        objects: Vec<ObjectKey>,
        /// Shortens.
        key: ShortKey,
    },
    /// List files that documents within the scope name and that are not whole here; `WantsRead`. What may not be kept
    /// is left out.
    ReadWants {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// Go on after this place; 0 at first.
        after: u64,
        /// What the peer may see, and so what it may have.
        scope: Arc<Scope>,
    },
    /// More has come over the connection than is read in one turn; `ReadOn`, as a turn of its own behind what waits by now.
    /// Until [`Effect::HasRead`] the connection is to bring no further bytes: what it brings all the same is kept,
    /// and beyond a bound the connection is closed. Its end may be told at any time.
    ReadOn {
        /// The connection.
        link: LinkId,
    },
    /// All that has come is read: the connection may bring more. Not answered.
    HasRead {
        /// The connection.
        link: LinkId,
    },
    /// Read one piece of a file with its proof; `PieceRead`. What no document within the scope names is not
    /// there.
    ReadPiece {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The file, as a peer named it: it need not exist here.
        file: FileId,
        /// Which piece.
        number: u16,
        /// Whether it is the first of a run: its proof is longer.
        begins: bool,
        /// What the peer may see.
        scope: Arc<Scope>,
    },
    /// Keep a piece of a file durably; `PieceKept`. It has been proved.
    KeepPiece {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The file.
        file: FileId,
        /// The piece.
        piece: Piece,
    },
    /// Remember that a peer says it has a file; whether anybody here knows the file is for the store to see.
    /// Not answered.
    NoteHolder {
        /// The peer.
        peer: NodeId,
        /// The file.
        file: FileId,
    },
    /// Read entries of one object that a peer lacks; `MissingRead`. Entries out of scope are left
    /// out.
    ReadMissing {
        /// The connection.
        link: LinkId,
        /// For the answer.
        ticket: Ticket,
        /// The object, as a peer may have named it: it need not exist here.
        object: ObjectKey,
        /// Which entries.
        select: Select,
        /// Go on after this position; 0 at first.
        after: Seq,
        /// Stop before the bodies exceed this, but after the first entry at the earliest.
        bytes_max: usize,
        /// Shortens.
        key: ShortKey,
        /// What the peer may see.
        scope: Arc<Scope>,
    },
}

impl Effect {
    /// Which connection the answer is for, and by what it is known; none where no answer names the effect.
    #[must_use]
    pub fn ticket(&self) -> Option<(LinkId, Ticket)> {
        match self {
            Self::LoadCheckpoint { link, ticket, .. }
            | Self::ReadJournal { link, ticket, .. }
            | Self::Apply { link, ticket, .. }
            | Self::SaveAcked { link, ticket, .. }
            | Self::SaveCheckpoint { link, ticket, .. }
            | Self::ReadItems { link, ticket, .. }
            | Self::ReadHashes { link, ticket, .. }
            | Self::ReadWants { link, ticket, .. }
            | Self::ReadPiece { link, ticket, .. }
            | Self::KeepPiece { link, ticket, .. }
            | Self::ReadMissing { link, ticket, .. } => Some((*link, *ticket)),
            Self::Dial { .. }
            | Self::Send { .. }
            | Self::Await { .. }
            | Self::Close { .. }
            | Self::ReadOn { .. }
            | Self::HasRead { .. }
            | Self::NoteHolder { .. } => None,
        }
    }
}
