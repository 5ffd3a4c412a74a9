//! Our own bounded reading of one Automerge change, before Automerge sees it.
//!
//! A crafted file of 20 KB makes Automerge take gigabytes: sizes hide in DEFLATE streams and in run
//! lengths. The scanner walks the chunk once, counts before it allocates, and then reads what the change
//! writes, so that facts can follow it without the document being loaded.

use hopluu_model::{ActorId, ChangeHash, Fault, Timestamp};

use crate::figure::OpId;

/// How much one change may cost. See [`crate::limits::SCAN_LIMITS`] for the values in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// Bytes of the chunk as it arrives.
    pub chunk_bytes_max: usize,
    /// Bytes of the chunk when inflated.
    pub inflated_bytes_max: usize,
    /// Operations, and predecessors, counted from the run lengths.
    pub ops_max: usize,
    /// Actors that a change names besides its own.
    pub actors_max: usize,
    /// Changes that a change builds upon.
    pub deps_max: usize,
    /// Bytes of the message of a save.
    pub message_bytes_max: usize,
    /// Bytes of text inserted.
    pub text_bytes_max: usize,
    /// Highest operation number.
    pub op_counter_max: u64,
}

/// Why a change stays outside.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum ScanError {
    /// More bytes than a change may have.
    #[error("change has {bytes} bytes, at most {max} are read")]
    ChunkTooLarge {
        /// What arrived.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// Inflates beyond the bound.
    #[error("change inflates to more than {max} bytes")]
    InflatesTooLarge {
        /// The bound.
        max: usize,
    },
    /// Claims more of something than a change may have.
    #[error("change has {count} {what}, at most {max} are read")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it claims.
        count: u64,
        /// The bound.
        max: usize,
    },
    /// A whole document, a bundle or an unknown kind of chunk.
    #[error("chunk of kind {0} is no change")]
    NotAChange(u8),
    /// Cut, or not built as a change is.
    #[error("change is damaged: {0}")]
    Damaged(&'static str),
    /// The checksum is of other bytes.
    #[error("change does not match its checksum")]
    Checksum,
    /// Readable, but not the bytes that Automerge would write for it. Its hash would not survive
    /// being saved and loaded.
    #[error("change is not written canonically")]
    NotCanonical,
    /// Writes what no edit of a report writes.
    #[error("change writes outside the layout of a report: {0}")]
    OutsideSchema(&'static str),
    /// Refers to an operation that cannot have come before it.
    #[error("change refers to an operation that does not come before it")]
    NotCausal,
}

impl ScanError {
    /// Changes that are scanned come from elsewhere.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// One write of a key in the figures, notes or events map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapOp {
    /// The key as it stands in the document.
    pub key: String,
    /// The value as it stands in the document.
    pub value: String,
    /// This operation.
    pub op: OpId,
    /// The operations it supersedes: those its author saw.
    pub preds: Vec<OpId>,
}

/// A text object: declared in genesis, or by a derived change of a later minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextObject {
    /// By its operation number within genesis.
    Genesis(u64),
    /// By the actor of the derived change, which has one operation that matters.
    Derived(OpId),
}

/// What a change did to one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextEdit {
    /// Which text.
    pub object: TextObject,
    /// Code points inserted.
    pub inserted: u32,
    /// Code points deleted.
    pub deleted: u32,
}

/// A change that is within all bounds and writes only what a report's layout allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannedChange {
    /// Automerge's hash of the change.
    pub hash: ChangeHash,
    /// Who wrote it.
    pub actor: ActorId,
    /// Which of that actor's changes, from 1.
    pub seq: u64,
    /// Number of the first operation.
    pub start_op: u64,
    /// Number of the last operation.
    pub max_op: u64,
    /// The changes it builds upon, sorted.
    pub deps: Vec<ChangeHash>,
    /// What the author's clock said.
    pub time: Timestamp,
    /// The message of the save.
    pub message: Option<String>,
    /// Writes of figures, in order.
    pub figures: Vec<MapOp>,
    /// Writes of notes, in order.
    pub notes: Vec<MapOp>,
    /// Lifecycle events, in order.
    pub events: Vec<MapOp>,
    /// Texts edited, by object.
    pub texts: Vec<TextEdit>,
    /// The text that this change declares, if it is a derived one.
    pub declares: Option<String>,
    /// The chunk as it arrived.
    pub bytes: Vec<u8>,
}
