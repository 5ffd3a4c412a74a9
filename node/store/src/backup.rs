//! Copies of a database while it is in use, and a look at a copy before it is relied on.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hopluu_model::{Epoch, Fault, Seq};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::connection::{self, Access};
use crate::key::append_wrapped;
use crate::limits::BACKUP_STEP_PAGES;
use crate::migrate::{self, MIGRATIONS};
use crate::open::{check_identity, check_readable, remove_if_there, sibling, sync_folder};
use crate::{DatabaseKey, DbError, Encryption, Finding, OpenError, Read};

/// How far a backup has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupProgress {
    /// Pages copied.
    pub done: u32,
    /// Pages there are.
    pub total: u32,
}

/// Why a copy was not made. Nothing is left at its place.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is a file at the copy's place already.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The place cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Copying failed.
    #[error("cannot copy the database to {}", path.display())]
    Copy {
        /// Where.
        path: PathBuf,
        /// What failed.
        #[source]
        source: DbError,
    },
}

impl BackupError {
    /// Whether there was no room for the copy.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Exists { .. } => false,
            Self::File { source, .. } => source.kind() == io::ErrorKind::StorageFull,
            Self::Copy { source, .. } => matches!(source, DbError::DiskFull),
        }
    }

    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Exists { .. } | Self::File { .. } => Fault::Config,
            Self::Copy { source, .. } => source.fault(),
        }
    }
}

/// What is in a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The version of its database; an older one is migrated when it is opened.
    pub version: u32,
    /// The life it was taken from; restoring begins a new one. `None`, here and below, where
    /// damage hides it.
    pub epoch: Option<Epoch>,
    /// The last place of its journal.
    pub last_seq: Option<Seq>,
    /// How many documents it holds.
    pub docs: Option<u64>,
    /// What is wrong with it; nothing, if it is sound.
    pub findings: Vec<Finding>,
}

/// Opens a copy for reading only and checks all of it.
pub fn restore_check(path: &Path, key: Option<&DatabaseKey>) -> Result<RestoreReport, OpenError> {
    if !path.exists() {
        let path = path.to_path_buf();
        return Err(OpenError::Missing { path });
    }
    check_readable(path, key)?;
    let wrap = |error| OpenError::of_keyed(path, key, error);
    let db = connection::open(path, Access::Read, key).map_err(wrap)?;
    let version = check_identity(path, &db, key, MIGRATIONS)?;
    let read = Read::new(db);
    let findings = read.check().map_err(|source| OpenError::Content {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(RestoreReport {
        version,
        epoch: read.epoch().ok(),
        last_seq: read.last_seq().ok(),
        docs: read.doc_count().ok(),
        findings,
    })
}

/// Whether a key is that of an encrypted copy.
pub fn opens(path: &Path, key: &DatabaseKey) -> Result<bool, OpenError> {
    let found = connection::open(path, Access::Read, Some(key))
        .and_then(|db| migrate::application_id(&db))
        .map_err(|error| OpenError::of_keyed(path, Some(key), error));
    match found {
        Ok(_) => Ok(true),
        Err(OpenError::OtherKey { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Copies a database as it is now to a new file. The copy is whole or not there, and needs no log
/// beside it. Of an encrypted database it is encrypted under the same key, which it carries wrapped.
pub(crate) fn copy_to(
    from: &Connection,
    path: &Path,
    encryption: Option<&Encryption>,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<(), BackupError> {
    let file_error = |source| BackupError::File {
        path: path.to_path_buf(),
        source,
    };
    let draft = sibling(path, "part");
    remove_if_there(&draft).map_err(file_error)?;
    // It holds all reports: whoever made it decides who else may read it.
    let mut create = File::options();
    create.write(true).create_new(true).mode(0o600);
    create.open(&draft).map_err(file_error)?;
    let copied = copy_pages(from, &draft, encryption.map(|by| &by.key), progress);
    if let Err(source) = copied {
        remove_if_there(&draft).map_err(file_error)?;
        let path = path.to_path_buf();
        return Err(BackupError::Copy { path, source });
    }
    let carried = encryption.map_or(Ok(()), |by| append_wrapped(&draft, &by.wrapped));
    carried
        .and_then(|()| File::open(&draft))
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&draft, path))
        .and_then(|()| sync_folder(path))
        .map_err(file_error)
}

fn copy_pages(
    from: &Connection,
    draft: &Path,
    key: Option<&DatabaseKey>,
    progress: &mut dyn FnMut(BackupProgress),
) -> Result<(), DbError> {
    // One reading transaction around all steps: a write in between does not begin the copy anew.
    let still = from.is_autocommit().then(|| from.unchecked_transaction());
    let still = still.transpose()?;
    from.query_row("SELECT count(*) FROM meta", [], |_| Ok(()))?;
    let mut to = connection::open(draft, Access::Write, key)?;
    {
        let backup = Backup::new(from, &mut to)?;
        loop {
            let step = backup.step(BACKUP_STEP_PAGES)?;
            let now = backup.progress();
            let total = u32::try_from(now.pagecount).unwrap_or(0);
            let left = u32::try_from(now.remaining).unwrap_or(0);
            progress(BackupProgress {
                done: total.saturating_sub(left),
                total,
            });
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // Nobody else knows the draft, and the source is being read already.
                _ => return Err(busy()),
            }
        }
    }
    drop(still);
    to.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    to.close().map_err(|(_, error)| error.into())
}

fn busy() -> DbError {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    rusqlite::Error::SqliteFailure(code, None).into()
}
