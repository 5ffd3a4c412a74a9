//! What goes into the store and comes out of it, as plain values.

use hopluu_model::{
    ActorId, ChangeHash, Digest, DocId, EntryKind, Epoch, FormId, NodeId, ObjectId, Period,
    RecordHash, Seq, Timestamp, UnitId,
};

/// What a document is, given once when it is first written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDoc {
    /// Its id.
    pub doc: DocId,
    /// The canonical bytes of its key; opaque here, and what a peer needs to know the document.
    pub key: Vec<u8>,
    /// The unit it belongs to.
    pub unit: UnitId,
    /// The form it is a report of.
    pub form: FormId,
    /// The form's major version.
    pub major: u16,
    /// The period.
    pub period: Period,
    /// Changes that every node derives and none stores: genesis and its derived changes.
    pub implied: Vec<ChangeHash>,
    /// Heads of the document before any stored change, among the implied ones.
    pub heads: Vec<ChangeHash>,
}

/// A document as the store knows it, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocRow {
    /// Its id.
    pub doc: DocId,
    /// The canonical bytes of its key.
    pub key: Vec<u8>,
    /// The unit it belongs to.
    pub unit: UnitId,
    /// The form it is a report of.
    pub form: FormId,
    /// The form's major version.
    pub major: u16,
    /// The period.
    pub period: Period,
    /// Changes that every node derives and none stores.
    pub implied: Vec<ChangeHash>,
    /// Heads, sorted.
    pub heads: Vec<ChangeHash>,
    /// How many changes are stored; also the ordinal of the last.
    pub changes: u64,
    /// Bytes of all change bodies together, by which a loaded document's size is guessed.
    pub bytes: u64,
}

/// A change on its way into the store.
#[derive(Debug, Clone, Copy)]
pub struct NewChange<'a> {
    /// The document, which must have been put before.
    pub doc: DocId,
    /// The change's hash.
    pub hash: ChangeHash,
    /// Its actor.
    pub actor: ActorId,
    /// Its number among that actor's changes.
    pub actor_seq: u64,
    /// What it depends on; all of it must be stored or implied.
    pub deps: &'a [ChangeHash],
    /// The raw change.
    pub body: &'a [u8],
    /// The seal that vouches for it, or nothing where a later change's seal does.
    pub seal: &'a [u8],
    /// The peer it came from; it is never sent back there.
    pub origin: Option<NodeId>,
    /// How urgent it is, numbered by the sync layer; 0 where nobody knows.
    pub class: u8,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is in, at this place of the journal.
    New {
        /// Its place in the journal.
        seq: Seq,
        /// Its place in the document, 1 for the first.
        ordinal: u64,
        /// The document's heads now, sorted.
        heads: Vec<ChangeHash>,
    },
    /// It was in already; nothing was written.
    Known,
}

/// A stored change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its place in the document, 1 for the first.
    pub ordinal: u64,
    /// Its hash.
    pub hash: ChangeHash,
    /// Its actor.
    pub actor: ActorId,
    /// Its number among that actor's changes.
    pub actor_seq: u64,
    /// What it depends on.
    pub deps: Vec<ChangeHash>,
    /// The seal that came with it; empty where a later change's seal vouches.
    pub seal: Vec<u8>,
    /// The raw change.
    pub body: Vec<u8>,
}

/// A stored change without its body, for deciding what to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeHead {
    /// Its place in the document, 1 for the first.
    pub ordinal: u64,
    /// Its hash.
    pub hash: ChangeHash,
    /// Bytes of its body.
    pub bytes: u64,
}

/// A document's packed state up to an ordinal, so that loading need not replay everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last change it contains.
    pub ordinal: u64,
    /// The bytes as they were put.
    pub body: Vec<u8>,
}

/// The facts of one document, borrowed for the time of a callback.
#[derive(Debug, Clone, Copy)]
pub struct FactsRow<'r> {
    /// The document.
    pub doc: DocId,
    /// Its unit.
    pub unit: &'r UnitId,
    /// Its heads, sorted, 32 bytes each.
    pub heads: &'r [u8],
    /// The packed facts.
    pub body: &'r [u8],
}

/// An immutable signed object other than a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// Its hash.
    pub hash: RecordHash,
    /// Its kind, numbered by the crate that defines records.
    pub kind: u8,
    /// The unit it is about.
    pub unit: UnitId,
    /// Its canonical signed bytes.
    pub body: Vec<u8>,
}

/// A superior's word on a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The document.
    pub doc: DocId,
    /// The unit that received it.
    pub by: UnitId,
    /// The document's unit, which decides who may see the receipt.
    pub unit: UnitId,
    /// The hash of the signed record.
    pub hash: RecordHash,
    /// When it was given, by the giver's clock; a later one replaces an earlier.
    pub at: Timestamp,
    /// The canonical signed bytes.
    pub body: Vec<u8>,
}

/// A file that belongs to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentRow {
    /// The document.
    pub doc: DocId,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// What became of something that is put by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is in, at this place of the journal.
    New(Seq),
    /// The very same was in already; nothing was written.
    Known,
    /// A later one is in already; nothing was written.
    Stale,
}

/// A journal entry with what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its place.
    pub seq: Seq,
    /// The unit whose entry it is, by which scope is decided.
    pub unit: UnitId,
    /// The peer it came from, which never gets it back; local entries have none.
    pub origin: Option<NodeId>,
    /// What was accepted.
    pub body: EntryBody,
}

impl JournalEntry {
    /// The kind of entry.
    #[must_use]
    pub fn kind(&self) -> EntryKind {
        match self.body {
            EntryBody::Change { .. } => EntryKind::Change,
            EntryBody::Record { .. } => EntryKind::Record,
            EntryBody::Receipt { .. } => EntryKind::Receipt,
            EntryBody::Attachment { .. } => EntryKind::Attachment,
        }
    }

    /// What it is about, as the sync layer names it.
    #[must_use]
    pub fn object(&self) -> ObjectId {
        match self.body {
            EntryBody::Change { doc, .. } | EntryBody::Attachment { doc, .. } => doc.into(),
            EntryBody::Record { hash, .. } | EntryBody::Receipt { hash, .. } => hash.into(),
        }
    }

    /// Bytes of what it carries.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.body {
            EntryBody::Change { body, seal, .. } => body.len() + seal.len(),
            EntryBody::Record { body, .. }
            | EntryBody::Receipt { body, .. }
            | EntryBody::Attachment { body, .. } => body.len(),
        }
    }
}

/// What a journal entry carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryBody {
    /// A change.
    Change {
        /// The document.
        doc: DocId,
        /// The change's hash.
        hash: ChangeHash,
        /// Its actor.
        actor: ActorId,
        /// The raw change.
        body: Vec<u8>,
        /// Its seal; empty where a later change's vouches.
        seal: Vec<u8>,
    },
    /// A record.
    Record {
        /// Its hash.
        hash: RecordHash,
        /// Its kind.
        kind: u8,
        /// Its canonical signed bytes.
        body: Vec<u8>,
    },
    /// A receipt.
    Receipt {
        /// The hash of the signed record.
        hash: RecordHash,
        /// The document it is about.
        doc: DocId,
        /// The canonical signed bytes.
        body: Vec<u8>,
    },
    /// A file of a document.
    Attachment {
        /// The document.
        doc: DocId,
        /// The digest of its bytes.
        digest: Digest,
        /// Its bytes.
        body: Vec<u8>,
    },
}

/// A journal entry without its content.
#[derive(Debug, Clone, Copy)]
pub struct OutlineRow<'r> {
    /// Its place.
    pub seq: Seq,
    /// What it carries.
    pub kind: EntryKind,
    /// What it is about, as the sync layer names it.
    pub object: ObjectId,
    /// The unit whose entry it is.
    pub unit: &'r UnitId,
    /// The key of the document that it is in or about; empty where that is not here, or where there is none.
    pub key: &'r [u8],
    /// The peer it came from.
    pub origin: Option<NodeId>,
    /// How urgent it is; 0 where nobody knows.
    pub class: u8,
}

/// A stretch of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalBatch {
    /// Its entries in order, without the superseded ones.
    pub entries: Vec<JournalEntry>,
    /// The last place that was looked at: reading goes on after it, also when nothing was there.
    pub through: Seq,
}

/// One object for reconciliation: nothing of its content is loaded.
#[derive(Debug, Clone, Copy)]
pub struct ItemRow<'r> {
    /// `Change` for a document, else the kind of the object.
    pub kind: EntryKind,
    /// The object's id.
    pub object: ObjectId,
    /// The unit it belongs to.
    pub unit: &'r UnitId,
    /// The key of the document that it is or is about; empty where that is not here, or where there is none.
    pub key: &'r [u8],
    /// What must be equal on both sides: the document's sorted heads or the object's hash, 32
    /// bytes each.
    pub state: &'r [u8],
}

/// How far two stores have got in each other's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerCheckpoint {
    /// The peer's epoch for which `received` holds.
    pub their_epoch: Epoch,
    /// What of theirs is durable here.
    pub received: Seq,
    /// Our epoch for which `acked` holds.
    pub my_epoch: Epoch,
    /// What of ours is durable there.
    pub acked: Seq,
}

/// Over what the ledger adds up. Part of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LedgerSpan {
    /// Days, numbered from 1970.
    Day = 0,
    /// Months, likewise.
    Month = 1,
}

/// What is remembered of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRow {
    /// The peer.
    pub node: NodeId,
    /// Both checkpoints, once a session has got that far.
    pub checkpoint: Option<PeerCheckpoint>,
    /// When it was last heard, by our clock.
    pub last_heard: Option<Timestamp>,
    /// Places beyond `acked` that it has as well, as the sync layer writes them.
    pub ahead: Vec<u8>,
}

/// Something a peer sent that cannot be accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    /// The peer it came from.
    pub node: NodeId,
    /// The document.
    pub doc: DocId,
    /// The change's hash.
    pub hash: ChangeHash,
    /// Why, numbered by the engine.
    pub reason: u8,
    /// Since when, by our clock.
    pub at: Timestamp,
    /// The entry as it came, so that it can be tried again.
    pub body: Vec<u8>,
}

/// Whether something was parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Park {
    /// It waits, or waited already.
    Parked,
    /// That peer has as much parked as it may: the entry was dropped.
    Full,
}

/// A ticket at its issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRow {
    /// What names it: a digest of its secret, never the secret.
    pub ticket: Digest,
    /// What it allows; opaque here.
    pub body: Vec<u8>,
    /// When it ends.
    pub expires: Timestamp,
    /// Who used it, and when.
    pub used: Option<(NodeId, Timestamp)>,
}

/// What became of an attempt to use a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketUse {
    /// It is used up now, by the caller.
    Accepted,
    /// The same node has used it before: its reply was lost, it may have it again.
    Again,
    /// Somebody else has used it.
    Taken(NodeId, Timestamp),
    /// This node never issued it.
    Unknown,
}

/// Somebody who works at this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The name.
    pub name: String,
    /// The person's key, closed by a passphrase; opaque here.
    pub sealed: Vec<u8>,
    /// Its public half.
    pub public: [u8; 32],
    /// Roles, as bits; opaque here.
    pub roles: u8,
    /// The office, if the account is of one.
    pub office: Option<String>,
    /// Whether nobody logs in with it any more.
    pub is_closed: bool,
    /// Wrong passphrases since the last right one.
    pub failures: Failures,
}

/// Wrong passphrases in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// When the last came.
    pub last_at: Timestamp,
}

/// Somebody who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Of the token.
    pub digest: Digest,
    /// Whose.
    pub account: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// How often somebody has read something private on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateRead {
    /// The day, numbered from 1970.
    pub day: i64,
    /// Who.
    pub who: String,
    /// What was asked.
    pub how: String,
    /// Whose figures; empty where several units' were read at once.
    pub unit: String,
    /// By which form; empty where several were.
    pub form: String,
    /// For which period; empty where several were.
    pub period: String,
    /// First on that day.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// How often something was refused of somebody for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusalRow {
    /// What it was.
    pub kind: String,
    /// Of whom; nobody where nothing was proved.
    pub node: Option<NodeId>,
    /// Why.
    pub reason: String,
    /// First.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}

/// A table that has left in a public export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicationRow {
    /// By which form.
    pub form: String,
    /// Of which major version.
    pub major: u16,
    /// For which period.
    pub period: String,
    /// Whose children it lists.
    pub unit: String,
    /// Of what was published.
    pub digest: Digest,
    /// Of the total that it was made of.
    pub total: Digest,
    /// How many figures were held back.
    pub held_back: u64,
    /// Who has published it last.
    pub who: String,
    /// When the same was published first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
    /// All figures, and which were held back; empty in a list.
    pub body: Vec<u8>,
}
