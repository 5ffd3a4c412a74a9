//! What a node keeps, in one SQLite file: changes, journal, records, facts and what it knows of peers.
//!
//! ```text
//! engine --- jobs ---> Store --- queue ---> writer thread --- one COMMIT a group ---> disk
//!        <-- dones --                                                                  |
//!        --- read() -> Reader (own connection, sees what is committed) <----------------
//! ```
//! Start at [`Store`], [`WriteTx`] and [`Read`]. Documents, keys, records, facts and seals are
//! opaque bytes here; what the store does hold is what must never depend on its callers: numbers
//! without gaps, dependencies before dependants, actors in sequence, and a done that runs only
//! after the bytes are on the disk. Tables and invariants are in docs/storage.md; `tests/` runs one
//! conformance suite over the file store and the in-memory store, and kills a writing process.

mod audit;
mod backup;
mod changes;
mod check;
mod connection;
mod convert;
mod docs;
mod error;
mod files;
mod growth;
mod journal;
mod key;
mod ledger;
pub mod limits;
mod migrate;
mod named;
mod open;
mod peers;
mod people;
mod publications;
mod read;
mod records;
mod rows;
mod salvage;
mod store;
mod tickets;
mod voids;
mod writer;

pub use backup::{BackupError, BackupProgress, RestoreReport, opens, restore_check};
pub use check::{Finding, Found};
pub use convert::convert;
pub use error::{AppendError, DbError, WriteError};
pub use files::{FilePiece, FileRow, PieceKept};
pub use growth::Growth;
pub use key::{DatabaseKey, Encryption, is_plain, strip_wrapped, wrapped_of};
pub use migrate::VERSION;
pub use open::{Missing, OpenError, OpenOptions};
pub use read::Read;
pub use rows::{
    AccountRow, Appended, AttachmentRow, ChangeHead, ChangeRow, DocRow, EntryBody, FactsRow,
    Failures, ItemRow, JournalBatch, JournalEntry, LedgerSpan, NewChange, NewDoc, OutlineRow, Park,
    ParkedRow, PeerCheckpoint, PeerRow, PrivateRead, PublicationRow, Put, ReceiptRow, RecordRow,
    RefusalRow, SessionRow, Snapshot, TicketRow, TicketUse,
};
pub use salvage::{SalvageError, SalvageReport, salvage};
pub use store::{Medium, Reader, Store, WriterStats};
pub use writer::WriteTx;

/// Name of the database within a node's home folder.
pub const FILE_NAME: &str = "store.db";
