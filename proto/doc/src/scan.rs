//! Our own bounded reading of one Automerge change, before Automerge sees it.
//!
//! A crafted file of 20 KB makes Automerge take gigabytes: sizes hide in DEFLATE streams and in run
//! lengths. [`scan`] walks the chunk once, counts before it allocates, and then reads what the change
//! writes, so that facts can follow it without the document being loaded.

use std::collections::BTreeMap;

use hopluu_model::{ActorId, ChangeHash, Fault, Step, Timestamp};
use serde::{Deserialize, Serialize};

use crate::attachment::AttachmentKey;
use crate::figure::OpId;
use crate::leb128::Reader;
use crate::lifecycle::EventEntry;

mod chunk;
mod columns;
mod ops;
mod parts;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use self::chunk::Chunk;
pub(crate) use self::columns::COLUMN_KINDS;
use self::columns::Columns;
use self::ops::Writes;
pub(crate) use self::ops::{DELETE, Key, NULL, PUT, RawOp, Ref, TEXT};
pub(crate) use self::parts::Parts;
pub(crate) use self::words::{TextOp, text_ops};

/// How much one change may cost. See [`crate::limits::SCAN_LIMITS`] for the values in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanLimits {
    /// Bytes of the chunk as it arrives.
    pub chunk_bytes_max: usize,
    /// Bytes of the chunk when inflated.
    pub inflated_bytes_max: usize,
    /// Operations, and predecessors, counted from the run lengths.
    pub ops_max: usize,
    /// Writes of figures, notes and events.
    pub map_writes_max: usize,
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
    /// Refers to an operation that cannot have come before it, or that is something else.
    #[error("change refers to an operation that does not come before it, or is something else")]
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

/// The key that an operation of this number writes.
fn key_at(ops: &[MapOp], counter: u64) -> Option<&str> {
    let at = ops
        .binary_search_by_key(&counter, |op| op.op.counter)
        .ok()?;
    ops.get(at).map(|op| op.key.as_str())
}

/// The last write of each key, by key: what a change leaves behind.
pub(crate) fn last_writes(ops: &[MapOp]) -> BTreeMap<&str, &MapOp> {
    ops.iter().map(|op| (op.key.as_str(), op)).collect()
}

/// A text object: declared in genesis, or by a derived change of a later minor version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

/// Consecutive operations that insert characters into one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InsertRun {
    /// Number of the first.
    pub start: u64,
    /// Number after the last.
    pub end: u64,
    /// Into which text.
    pub object: TextObject,
}

/// What an operation is to others that refer to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// A value of this figure.
    Figure(&'a str),
    /// A value of this note.
    Note(&'a str),
    /// A character of this text.
    Element(TextObject),
    /// The declaration of a text.
    Declaration,
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
    /// Runs of operations that insert into a text, by number.
    pub inserts: Vec<InsertRun>,
    /// Elements of texts that lie before this change and that it refers to, with their text; sorted.
    pub elements: Vec<(OpId, TextObject)>,
    /// The text that this change declares, if it is a derived one.
    pub declares: Option<String>,
    /// The chunk as it arrived.
    pub bytes: Vec<u8>,
}

impl ScannedChange {
    /// The step furthest down a report's life that it takes, of those that this version knows.
    #[must_use]
    pub fn furthest_step(&self) -> Option<Step> {
        let events = self.events.iter();
        let read = events.filter_map(|op| EventEntry::read(&op.key, op.op, &op.value));
        read.map(|entry| entry.event.step()).max()
    }
}

/// Reads one change within bounds, and refuses what no edit of a report writes.
///
/// A change that passes is in Automerge's own canonical bytes, so its hash survives being saved and
/// loaded; it creates no objects but what a derived change declares; it deletes nothing but text; and
/// it refers only to what can lie before it, and within itself only to what it takes it for. Whether
/// the rest does lie before it is for [`crate::admit::check_parents`] and
/// [`crate::admit::check_references`].
///
/// # Errors
/// Whatever exceeds a bound or lies outside; the change must then stay outside.
pub fn scan(bytes: &[u8], limits: &ScanLimits) -> Result<ScannedChange, ScanError> {
    let chunk = Chunk::read(bytes, limits)?;
    let mut change = read(&chunk, bytes.to_vec(), limits)?;
    change.hash = check_canonical(&chunk)?;
    Ok(change)
}

/// Reads again a change that was scanned before it was stored under this hash, for a fifth of the work: that
/// Automerge would write the same bytes need not be shown twice.
///
/// # Errors
/// As [`scan`]; other bytes than were stored are damaged.
pub fn rescan(
    bytes: &[u8],
    hash: ChangeHash,
    limits: &ScanLimits,
) -> Result<ScannedChange, ScanError> {
    let chunk = Chunk::read(bytes, limits)?;
    if chunk.hash() != hash {
        return Err(ScanError::Checksum);
    }
    let change = read(&chunk, bytes.to_vec(), limits)?;
    Ok(ScannedChange { hash, ..change })
}

/// Reads a change that was just written as Automerge writes it, so that its bytes are canonical as they are.
pub(crate) fn scan_made(
    chunk: &Chunk<'_>,
    hash: ChangeHash,
    limits: &ScanLimits,
) -> Result<ScannedChange, ScanError> {
    let change = read(chunk, chunk.stored_bytes(limits)?, limits)?;
    debug_assert_eq!(check_canonical(chunk), Ok(hash), "Automerge writes alike");
    Ok(ScannedChange { hash, ..change })
}

/// All but the hash.
fn read(
    chunk: &Chunk<'_>,
    bytes: Vec<u8>,
    limits: &ScanLimits,
) -> Result<ScannedChange, ScanError> {
    let mut parts = Parts::read(chunk, limits)?;
    let ops = parts.ops();
    let Writes {
        figures,
        notes,
        events,
        texts,
        inserts,
        elements,
        declares,
    } = ops::read_ops(&mut parts, limits)?;
    let head = parts.head;
    let max_op = head.start_op + ops - 1;
    Ok(ScannedChange {
        hash: ChangeHash([0; 32]),
        actor: head.actor,
        seq: head.seq,
        start_op: head.start_op,
        max_op,
        deps: head.deps,
        time: Timestamp(head.time),
        message: head.message,
        figures,
        notes,
        events,
        texts,
        inserts,
        elements,
        declares,
        bytes,
    })
}

/// A stored change inflated, as it is best packed, and how many operations it claims to be. Nothing where it cannot be
/// read.
#[must_use]
pub fn inflate(bytes: &[u8], limits: &ScanLimits) -> Option<(Vec<u8>, u64)> {
    let chunk = Chunk::read(bytes, limits).ok()?;
    let (first, last) = span_of(&chunk, limits)?;
    Some((chunk.plain_bytes(), last - first + 1))
}

/// The numbers of the first and the last operation of a stored change, from its head and the lengths of its runs.
/// Nothing where it cannot be read.
#[must_use]
pub fn op_span(bytes: &[u8], limits: &ScanLimits) -> Option<(u64, u64)> {
    span_of(&Chunk::read(bytes, limits).ok()?, limits)
}

fn span_of(chunk: &Chunk<'_>, limits: &ScanLimits) -> Option<(u64, u64)> {
    let mut reader = Reader::new(&chunk.body);
    let first = Head::read(&mut reader, limits).ok()?.start_op;
    let columns = Columns::read(&mut reader).ok()?;
    let ops = columns.count(limits.ops_max).ok()?;
    Some((first, first.checked_add(ops)?.checked_sub(1)?))
}

/// The [`work`](ScannedChange::work) that a change claims to be, from the lengths of its runs. Nothing where it cannot
/// be read.
pub(crate) fn count_work(bytes: &[u8], limits: &ScanLimits) -> Option<u64> {
    let chunk = Chunk::read(bytes, limits).ok()?;
    let mut reader = Reader::new(&chunk.body);
    Head::read(&mut reader, limits).ok()?;
    let columns = Columns::read(&mut reader).ok()?;
    columns.count_work(limits.ops_max).ok()
}

/// What stands before the columns.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) deps: Vec<ChangeHash>,
    pub(crate) actor: ActorId,
    /// The author first, then whoever else is named.
    pub(crate) actors: Vec<&'a [u8]>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) time: i64,
    pub(crate) message: Option<String>,
}

impl<'a> Head<'a> {
    fn read(reader: &mut Reader<'a>, limits: &ScanLimits) -> Result<Self, ScanError> {
        const DAMAGED: ScanError = ScanError::Damaged("head of the change");
        let damaged = |_| DAMAGED;
        let count = bounded(reader, "parents", limits.deps_max)?;
        let mut deps = Vec::new();
        for _ in 0..count {
            let hash = reader.take(ChangeHash::LEN).map_err(damaged)?;
            deps.push(ChangeHash::try_from(hash).map_err(|_| DAMAGED)?);
        }
        if deps.is_empty() || !deps.is_sorted_by(|a, b| a < b) {
            return Err(ScanError::Damaged("order of the parents"));
        }
        let own = read_actor(reader)?;
        let actor = ActorId::try_from(own)
            .map_err(|_| ScanError::OutsideSchema("an author whose name is not 8 bytes"))?;
        let seq = reader.unsigned().map_err(damaged)?;
        let start_op = reader.unsigned().map_err(damaged)?;
        let time = reader.signed().map_err(damaged)?;
        // Both fit the 32 bits that Automerge keeps them in.
        if seq == 0 || seq > limits.op_counter_max || start_op == 0 {
            return Err(ScanError::Damaged("number of the change"));
        }
        let length = bounded(reader, "bytes of message", limits.message_bytes_max)?;
        let message = std::str::from_utf8(reader.take(length).map_err(damaged)?);
        let message = message.map_err(|_| ScanError::Damaged("a message that is no UTF-8"))?;
        let count = bounded(reader, "actors", limits.actors_max)?;
        let mut actors = vec![own];
        for _ in 0..count {
            actors.push(read_actor(reader)?);
        }
        Ok(Self {
            deps,
            actor,
            actors,
            seq,
            start_op,
            time,
            message: (!message.is_empty()).then(|| message.to_owned()),
        })
    }
}

fn bounded(reader: &mut Reader<'_>, what: &'static str, max: usize) -> Result<usize, ScanError> {
    let count = reader
        .unsigned()
        .map_err(|_| ScanError::Damaged("head of the change"))?;
    match usize::try_from(count) {
        Ok(fits) if fits <= max => Ok(fits),
        _ => Err(ScanError::TooMany { what, count, max }),
    }
}

/// Actors are those of genesis (one byte) and of authors and derived changes (eight).
fn read_actor<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], ScanError> {
    let length = bounded(reader, "bytes in an actor", ActorId::LEN)?;
    reader
        .take(length)
        .map_err(|_| ScanError::Damaged("head of the change"))
}

/// Lets Automerge decode the change, now that it is harmless, and write it again. Documents are saved
/// without their changes' own bytes, so a change that is not written canonically would come back under
/// another hash, and the saved document would not load.
fn check_canonical(chunk: &Chunk<'_>) -> Result<ChangeHash, ScanError> {
    let plain = chunk.plain_bytes();
    let change = automerge::Change::try_from(plain.as_slice())
        .map_err(|_| ScanError::Damaged("what Automerge does not read"))?;
    let hash = change.hash().0;
    if !hash.starts_with(&chunk.checksum) {
        return Err(ScanError::Checksum);
    }
    let again = automerge::Change::from(change.decode());
    if again.raw_bytes() == plain {
        Ok(ChangeHash(hash))
    } else {
        Err(ScanError::NotCanonical)
    }
}

impl ScannedChange {
    /// How many operations it is, or how many they supersede where those are more: what taking it apart costs.
    #[must_use]
    pub fn work(&self) -> u64 {
        let writes = self.figures.iter().chain(&self.notes);
        let superseded: usize = writes.map(|write| write.preds.len()).sum();
        (self.max_op - self.start_op + 1).max(superseded as u64)
    }

    /// What the operation of this number is to others; nothing if none may refer to it.
    #[must_use]
    pub fn place(&self, counter: u64) -> Option<Place<'_>> {
        if self.declares.is_some() {
            return (counter == self.start_op).then_some(Place::Declaration);
        }
        if let Some(object) = ops::text_at(&self.inserts, counter) {
            return Some(Place::Element(object));
        }
        if let Some(key) = key_at(&self.figures, counter) {
            return Some(Place::Figure(key));
        }
        key_at(&self.notes, counter).map(Place::Note)
    }

    /// Whether it writes what the document says of attachments.
    #[must_use]
    pub fn touches_attachments(&self) -> bool {
        let mut notes = self.notes.iter();
        notes.any(|op| op.key.parse::<AttachmentKey>().is_ok())
    }

    /// Every operation before this change that it refers to, and what it takes it for.
    pub fn references(&self) -> impl Iterator<Item = (OpId, Place<'_>)> {
        let is_earlier = |op: &OpId| op.actor != self.actor || op.counter < self.start_op;
        let figures = self
            .figures
            .iter()
            .flat_map(|op| op.preds.iter().map(|pred| (*pred, Place::Figure(&op.key))));
        let notes = self
            .notes
            .iter()
            .flat_map(|op| op.preds.iter().map(|pred| (*pred, Place::Note(&op.key))));
        let elements = self
            .elements
            .iter()
            .map(|(op, object)| (*op, Place::Element(*object)));
        let declarations = self.texts.iter().filter_map(|edit| match edit.object {
            TextObject::Derived(op) => Some((op, Place::Declaration)),
            TextObject::Genesis(_) => None,
        });
        figures
            .chain(notes)
            .filter(move |(op, _)| is_earlier(op))
            .chain(elements)
            .chain(declarations)
    }
}
