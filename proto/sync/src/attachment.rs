//! Files that documents name, on their way: asked for by whoever lacks them, piece by piece, each proved
//! against the hash of the whole before it is kept.

pub(crate) mod asking;
pub(crate) mod giving;
pub mod outline;

use hopluu_model::{Digest, UnitId};

/// A file by its content. The hash fixes the length; both are said so that nobody asks for more than was
/// announced.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct FileId {
    /// BLAKE3 of its bytes.
    pub hash: Digest,
    /// How many there are.
    pub length: u64,
}

/// A file that is wanted here, and what of it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    /// The file.
    pub file: FileId,
    /// Runs of missing pieces, ascending: the first of each and the one after its last.
    pub missing: Vec<(u16, u16)>,
}

/// What is wanted of one peer, at most [`WANTS_MAX`](crate::limits::WANTS_MAX) at a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wants {
    /// In the order in which they should be asked for.
    pub wants: Vec<Want>,
    /// Where the list goes on, if it does.
    pub next: Option<u64>,
}

/// A piece that has come and is proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Which, from 0.
    pub number: u16,
    /// Its place in the outline.
    pub mark: outline::Mark,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// What became of a piece that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceFate {
    /// It is durable.
    Kept,
    /// It is durable, and the file is whole with it.
    Completed,
    /// Nobody names the file any more, or there is no room for it.
    Unwanted,
}

/// A file that is whole here since now, and the units whose documents name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHere {
    /// The file.
    pub file: FileId,
    /// Whose it is: who may be told.
    pub units: Vec<UnitId>,
}
