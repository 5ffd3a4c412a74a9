//! What can go wrong in a query, sorted by what a caller can do about it.

use hopluu_model::{ChangeHash, DocId, Fault};
use rusqlite::ErrorCode;

/// A query or a simple write that failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No room on the disk. Reads go on; writes succeed again once there is room.
    #[error("the disk is full")]
    DiskFull,
    /// Another process holds the database.
    #[error("the database is in use by another process")]
    Busy {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The disk failed to read or write.
    #[error("the disk did not read or write")]
    Disk {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// A page of the database is damaged. `doctor` says what is lost and how to get it back.
    #[error("the database is damaged")]
    Damaged {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// A row holds what this version never writes.
    #[error("a row of table {table} does not read as {expected}")]
    Row {
        /// The table.
        table: &'static str,
        /// What should be there.
        expected: &'static str,
    },
    /// A value is larger than its bound.
    #[error("{what} of {found} bytes is over the bound of {bound}")]
    TooLarge {
        /// What was to be stored.
        what: &'static str,
        /// Its size in bytes.
        found: usize,
        /// The bound in bytes.
        bound: usize,
    },
    /// The row that should be written to is not there.
    #[error("document {doc} is not in the store")]
    UnknownDoc {
        /// The document that was asked for.
        doc: DocId,
    },
    /// The database cannot be written.
    #[error("the database is read-only")]
    ReadOnly {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The store was closed, or a crash was simulated on it.
    #[error("the store is closed")]
    Closed,
    /// A statement of ours is wrong.
    #[error("a query failed")]
    Query {
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

impl DbError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::DiskFull | Self::Busy { .. } | Self::Disk { .. } | Self::Damaged { .. } => {
                Fault::Local
            }
            Self::ReadOnly { .. } => Fault::Config,
            Self::Row { .. }
            | Self::TooLarge { .. }
            | Self::UnknownDoc { .. }
            | Self::Closed
            | Self::Query { .. } => Fault::Bug,
        }
    }
}

/// Whether there was no room for the index of the write-ahead log: the first write of whoever opens a
/// database on a full disk, and SQLite reports it as a failing one.
pub(crate) fn is_shm_full(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    extended == Some(rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

impl From<rusqlite::Error> for DbError {
    fn from(source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            _ if is_shm_full(&source) => Self::DiskFull,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { source },
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Disk { source },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { source },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { source },
            _ => Self::Query { source },
        }
    }
}

/// Why a change was not appended. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A dependency is neither stored nor implied: park the change or ask for what is missing.
    #[error("change {hash} of document {doc} depends on {dep}, which is not here")]
    DependencyMissing {
        /// The document.
        doc: DocId,
        /// The change.
        hash: ChangeHash,
        /// The first dependency that is missing.
        dep: ChangeHash,
    },
    /// The actor's sequence does not go on where it stopped; accepting it would wedge the document.
    #[error(
        "change {hash} of document {doc} has sequence {found} where its actor is due {expected}"
    )]
    ActorSequence {
        /// The document.
        doc: DocId,
        /// The change.
        hash: ChangeHash,
        /// The next number of that actor.
        expected: u64,
        /// The number the change has.
        found: u64,
    },
    /// The document has as many changes as the store can number.
    #[error("document {doc} has too many changes")]
    TooManyChanges {
        /// The document.
        doc: DocId,
    },
    /// The document's facts would be longer than a row may be.
    #[error("the facts of document {doc} would be too long")]
    FactsTooLarge {
        /// The document.
        doc: DocId,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl AppendError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::DependencyMissing { .. }
            | Self::ActorSequence { .. }
            | Self::TooManyChanges { .. }
            | Self::FactsTooLarge { .. } => Fault::Peer,
            Self::Db(error) => error.fault(),
        }
    }
}

impl From<rusqlite::Error> for AppendError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Db(source.into())
    }
}

/// What became of a job.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The job itself said no. What it had written is undone; other jobs are not touched.
    #[error("the job refused")]
    Refused(E),
    /// No room on the disk. Nothing of the job is stored; the same job succeeds once there is room.
    #[error("the disk is full")]
    DiskFull,
    /// The database failed under the job or under the commit. Nothing of the job is stored.
    #[error("the transaction failed")]
    Db(#[source] DbError),
    /// The queue is full: the disk does not keep up. Nothing of the job is stored.
    #[error("too many writes are waiting")]
    Overloaded,
    /// The job panicked. What it had written is undone.
    #[error("the job panicked")]
    Panicked,
    /// The store was closed before the job ran.
    #[error("the store is closed")]
    Closed,
}

impl<E> WriteError<E> {
    /// Who has to act, with the caller's view of its own refusal.
    pub fn fault(&self, refused: impl FnOnce(&E) -> Fault) -> Fault {
        match self {
            Self::Refused(error) => refused(error),
            Self::Db(error) => error.fault(),
            Self::DiskFull | Self::Overloaded | Self::Closed => Fault::Local,
            Self::Panicked => Fault::Bug,
        }
    }
}
