//! Opening a database file: what it is, whether it is whole, and which version it has.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use hopluu_model::{Epoch, Fault};
use rusqlite::{Connection, ErrorCode};

use crate::connection::{self, Access};
use crate::error::is_shm_full;
use crate::key::{PLAIN_HEADER, is_plain};
use crate::migrate::{self, APPLICATION_ID, MIGRATIONS, Migration};
use crate::read::META_EPOCH;
use crate::{DatabaseKey, DbError, Encryption, backup};

/// What to do where no database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Make one: `init` and `join`.
    Create,
    /// Say so: every other command, or a mistyped folder would begin a second node.
    Refuse,
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// What to do where no database is.
    pub missing: Missing,
    /// The epoch of a database that is made now; one that exists keeps its own.
    pub epoch: Epoch,
    /// A quota in pages of 4 KiB; a store that reaches it answers as if the disk were full.
    pub pages_max: Option<u32>,
    /// How it is encrypted; a plain one is not. A store in memory never is.
    pub encryption: Option<Encryption>,
}

impl OpenOptions {
    /// Makes the database if there is none.
    #[must_use]
    pub fn create(epoch: Epoch) -> Self {
        Self {
            missing: Missing::Create,
            epoch,
            pages_max: None,
            encryption: None,
        }
    }

    /// Opens a database that must be there.
    #[must_use]
    pub fn existing() -> Self {
        Self {
            missing: Missing::Refuse,
            epoch: Epoch([0; Epoch::LEN]),
            pages_max: None,
            encryption: None,
        }
    }

    /// The same, of an encrypted database.
    #[must_use]
    pub fn encrypted(self, encryption: Option<Encryption>) -> Self {
        Self { encryption, ..self }
    }

    fn key(&self) -> Option<&DatabaseKey> {
        self.encryption.as_ref().map(|encryption| &encryption.key)
    }
}

/// Why a store did not open. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no database.
    #[error("there is no database at {}", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// The file ends before its content does.
    #[error("{} is half-written: {found} bytes where {expected} are due", path.display())]
    HalfWritten {
        /// Which file.
        path: PathBuf,
        /// Bytes there are.
        found: u64,
        /// Bytes there should be, at least.
        expected: u64,
    },
    /// The file is something else.
    #[error("{} is not a database", path.display())]
    NotADatabase {
        /// Which file.
        path: PathBuf,
    },
    /// The file is something else, or encrypted under another key: nobody can tell the two apart.
    #[error("{} is not a database, or is encrypted under another key", path.display())]
    OtherKey {
        /// Which file.
        path: PathBuf,
    },
    /// A key was given for a database that anybody can read.
    #[error("{} is not encrypted, but a key is given for it", path.display())]
    Plain {
        /// Which file.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("{} is a database of another program", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// The mark it carries in place of ours.
        application_id: i32,
    },
    /// A newer program has written it.
    #[error("{} has database version {found}, this program knows up to {known}", path.display())]
    NewerVersion {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// The file or its folder cannot be written.
    #[error("{} or its folder is read-only", path.display())]
    ReadOnly {
        /// Which file.
        path: PathBuf,
    },
    /// Another process holds it.
    #[error("{} is in use by another process", path.display())]
    Locked {
        /// Which file.
        path: PathBuf,
    },
    /// Its first pages are damaged.
    #[error("{} is damaged", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The disk is full, so that it can be neither made nor migrated.
    #[error("no room on the disk for {}", path.display())]
    DiskFull {
        /// Which file.
        path: PathBuf,
    },
    /// The copy that is made before a migration failed.
    #[error("cannot back {} up before its migration", path.display())]
    Backup {
        /// Which file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: backup::BackupError,
    },
    /// The folder or file does not do as it should.
    #[error("cannot reach {}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A row that every database has cannot be read.
    #[error("cannot read {}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: DbError,
    },
    /// SQLite refused for another reason.
    #[error("cannot open {}", path.display())]
    Db {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

impl OpenError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Missing { .. }
            | Self::NotADatabase { .. }
            | Self::OtherKey { .. }
            | Self::Plain { .. }
            | Self::Foreign { .. }
            | Self::NewerVersion { .. }
            | Self::ReadOnly { .. }
            | Self::Locked { .. } => Fault::Config,
            Self::HalfWritten { .. }
            | Self::Damaged { .. }
            | Self::DiskFull { .. }
            | Self::Backup { .. }
            | Self::File { .. }
            | Self::Content { .. }
            | Self::Db { .. } => Fault::Local,
        }
    }

    /// One sentence on what to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "check the home folder, or begin a node with init or join",
            Self::HalfWritten { .. } => "restore the last backup; the peers give back the rest",
            Self::NotADatabase { .. } | Self::Foreign { .. } => "check the home folder",
            Self::OtherKey { .. } => "put back the wrapped key that belongs to it",
            Self::Plain { .. } => "finish its encryption, or open it without a key",
            Self::NewerVersion { .. } => "install the program that wrote it, or a newer one",
            Self::ReadOnly { .. } => "give the program's user the right to write the home folder",
            Self::Locked { .. } => "stop the other process",
            Self::Damaged { .. } | Self::Content { .. } => {
                "run doctor, which saves what can be read"
            }
            Self::DiskFull { .. } | Self::Backup { .. } => "make room on the disk",
            Self::File { .. } | Self::Db { .. } => "check the disk and the home folder",
        }
    }

    pub(crate) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            _ if is_shm_full(&source) => Self::DiskFull { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            _ => Self::Db { path, source },
        }
    }

    /// The same where a key may be why nothing can be read.
    pub(crate) fn of_keyed(
        path: &Path,
        key: Option<&DatabaseKey>,
        source: rusqlite::Error,
    ) -> Self {
        match Self::of(path, source) {
            Self::NotADatabase { path } if key.is_some() => Self::OtherKey { path },
            error => error,
        }
    }

    pub(crate) fn of_file(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path }
            }
            io::ErrorKind::StorageFull => Self::DiskFull { path },
            _ => Self::File { path, source },
        }
    }
}

/// The write connection of a store, checked, migrated and set up.
pub(crate) fn open_writer(path: &Path, options: &OpenOptions) -> Result<Connection, OpenError> {
    if !path
        .try_exists()
        .map_err(|error| OpenError::of_file(path, error))?
    {
        match options.missing {
            Missing::Create => create(path, options)?,
            Missing::Refuse => {
                let path = path.to_path_buf();
                return Err(OpenError::Missing { path });
            }
        }
    }
    open_existing(path, MIGRATIONS, options)
}

pub(crate) fn open_in_memory(options: &OpenOptions) -> Result<Connection, OpenError> {
    let open = || -> rusqlite::Result<Connection> {
        let db = connection::open_in_memory()?;
        migrate::migrate(&db, MIGRATIONS)?;
        put_epoch(&db, options.epoch)?;
        limit_pages(&db, options.pages_max)?;
        Ok(db)
    };
    open().map_err(|error| OpenError::of(Path::new(":memory:"), error))
}

pub(crate) fn open_existing(
    path: &Path,
    steps: &[Migration],
    options: &OpenOptions,
) -> Result<Connection, OpenError> {
    let key = options.key();
    check_readable(path, key)?;
    close_to_others(path);
    let wrap = |error| OpenError::of_keyed(path, key, error);
    let db = connection::open(path, Access::Write, key).map_err(wrap)?;
    if db.is_readonly(rusqlite::MAIN_DB).map_err(wrap)? {
        let path = path.to_path_buf();
        return Err(OpenError::ReadOnly { path });
    }
    let found = check_identity(path, &db, key, steps)?;
    connection::set_up_writer(&db).map_err(wrap)?;
    if usize::try_from(found).unwrap_or(usize::MAX) < steps.len() {
        backup_before_migration(path, &db, found, options.encryption.as_ref())?;
        migrate::migrate(&db, steps).map_err(wrap)?;
    }
    // Takes the write lock once, so that a second process is named now and not at the first edit.
    db.execute_batch("BEGIN IMMEDIATE; ROLLBACK")
        .map_err(wrap)?;
    limit_pages(&db, options.pages_max).map_err(wrap)?;
    Ok(db)
}

/// Refuses what is not ours or newer than we are; the version otherwise.
pub(crate) fn check_identity(
    path: &Path,
    db: &Connection,
    key: Option<&DatabaseKey>,
    steps: &[Migration],
) -> Result<u32, OpenError> {
    let wrap = |error| OpenError::of_keyed(path, key, error);
    let application_id = migrate::application_id(db).map_err(wrap)?;
    if application_id != APPLICATION_ID {
        return Err(OpenError::Foreign {
            path: path.to_path_buf(),
            application_id,
        });
    }
    let found = migrate::version(db).map_err(wrap)?;
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(OpenError::NewerVersion {
            path: path.to_path_buf(),
            found,
            known,
        });
    }
    Ok(found)
}

/// Makes a database beside its place and moves it there whole, so that a crash in between leaves
/// none rather than half of one.
fn create(path: &Path, options: &OpenOptions) -> Result<(), OpenError> {
    let draft = sibling(path, "new");
    remove_if_there(&draft).map_err(|error| OpenError::of_file(path, error))?;
    // SQLite says only "cannot open" where the system says why.
    let mut file = File::options();
    let file = file.write(true).create_new(true).mode(OWNER_ONLY);
    file.open(&draft)
        .map_err(|error| OpenError::of_file(path, error))?;
    let fill = || -> rusqlite::Result<()> {
        let db = connection::open(&draft, Access::Create, options.key())?;
        db.pragma_update(None, "synchronous", "full")?;
        migrate::migrate(&db, MIGRATIONS)?;
        put_epoch(&db, options.epoch)?;
        db.close().map_err(|(_, error)| error)
    };
    fill().map_err(|error| OpenError::of(path, error))?;
    fs::rename(&draft, path)
        .and_then(|()| sync_folder(path))
        .map_err(|error| OpenError::of_file(path, error))
}

fn put_epoch(db: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    let sql = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
    db.execute(sql, (META_EPOCH, epoch.as_bytes()))?;
    Ok(())
}

fn limit_pages(db: &Connection, pages_max: Option<u32>) -> rusqlite::Result<()> {
    if let Some(pages) = pages_max {
        db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

/// A database holds all reports: its owner decides who else may read it. What SQLite makes beside it
/// gets the same rights.
const OWNER_ONLY: u32 = 0o600;

/// Takes away what older programs gave everybody. Where that is not ours to do, the doctor says so.
fn close_to_others(path: &Path) {
    let mode = fs::metadata(path).map(|meta| meta.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0 && mode & 0o200 != 0) {
        let _may_be_another_s = fs::set_permissions(path, fs::Permissions::from_mode(OWNER_ONLY));
    }
}

/// Whether the file is what the caller takes it for: plain where no key is given, encrypted where one
/// is, and not cut short as far as that can be seen.
pub(crate) fn check_readable(path: &Path, key: Option<&DatabaseKey>) -> Result<(), OpenError> {
    if key.is_none() {
        return check_length(path);
    }
    let wrap = |error| OpenError::of_file(path, error);
    if is_plain(path).map_err(wrap)? {
        let path = path.to_path_buf();
        return Err(OpenError::Plain { path });
    }
    let found = fs::metadata(path).map_err(wrap)?.len();
    let log = fs::metadata(log_of(path)).map_or(0, |meta| meta.len());
    if found < PAGE_BYTES && log == 0 {
        let path = path.to_path_buf();
        return Err(OpenError::HalfWritten {
            path,
            found,
            expected: PAGE_BYTES,
        });
    }
    Ok(())
}

/// A page of an encrypted database; its own header is not to be read before it is opened.
const PAGE_BYTES: u64 = 4_096;

/// Compares the file's length with what its own header says, where no log may hold the rest.
fn check_length(path: &Path) -> Result<(), OpenError> {
    let wrap = |error| OpenError::of_file(path, error);
    let found = fs::metadata(path).map_err(wrap)?.len();
    let half = |expected| {
        let path = path.to_path_buf();
        Err(OpenError::HalfWritten {
            path,
            found,
            expected,
        })
    };
    let log = fs::metadata(log_of(path)).map_or(0, |meta| meta.len());
    if log > 0 {
        return Ok(());
    }
    let mut header = Vec::new();
    let file = File::open(path).map_err(wrap)?;
    file.take(HEADER_BYTES)
        .read_to_end(&mut header)
        .map_err(wrap)?;
    let Ok(header) = <[u8; 100]>::try_from(header.as_slice()) else {
        return half(HEADER_BYTES);
    };
    if !header.starts_with(PLAIN_HEADER) {
        // A file that merely begins as zeros is one whose first page was never written.
        if header.iter().all(|byte| *byte == 0) {
            return half(found.saturating_add(1));
        }
        let path = path.to_path_buf();
        return Err(OpenError::NotADatabase { path });
    }
    let page = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        bytes => bytes,
    };
    let pages = u32::from_be_bytes([header[28], header[29], header[30], header[31]]);
    let expected = page.saturating_mul(u64::from(pages));
    if found < expected {
        return half(expected);
    }
    Ok(())
}

/// Length of SQLite's file header.
const HEADER_BYTES: u64 = 100;

fn backup_before_migration(
    path: &Path,
    db: &Connection,
    found: u32,
    encryption: Option<&Encryption>,
) -> Result<(), OpenError> {
    let copy = sibling(path, &format!("v{found}.bak"));
    backup::copy_to(db, &copy, encryption, &mut |_| {}).map_err(|source| OpenError::Backup {
        path: path.to_path_buf(),
        source,
    })
}

/// `store.db` -> `store.db.new`
pub(crate) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// `store.db` -> `store.db-wal`
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a rename durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
