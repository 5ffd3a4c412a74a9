//! The same database under another key, or under none: row by row into a new file, numbers, epoch and
//! checkpoints as they are, so that no peer notices.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::connection::{self, Access};
use crate::migrate::{self, MIGRATIONS};
use crate::open::{check_identity, check_readable};
use crate::{DatabaseKey, OpenError};

/// Copies a database that nobody uses to a file that must not exist, under another key. The new file
/// is whole and on the disk when this returns; the old one is as it was.
pub fn convert(
    from: &Path,
    from_key: Option<&DatabaseKey>,
    to: &Path,
    to_key: Option<&DatabaseKey>,
) -> Result<(), OpenError> {
    check_readable(from, from_key)?;
    let to_file = |error| OpenError::of_file(to, error);
    let mut create = File::options();
    let create = create.write(true).create_new(true).mode(0o600);
    create.open(to).map_err(to_file)?;
    let wrap = |error| OpenError::of_keyed(from, from_key, error);
    let db = connection::open(from, Access::Write, from_key).map_err(wrap)?;
    let version = check_identity(from, &db, from_key, MIGRATIONS)?;
    // What the disk of the new file refuses is named by the new file.
    copy(&db, version, to, to_key).map_err(|error| OpenError::of(to, error))?;
    db.close().map_err(|(_, error)| wrap(error))?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(to_file)
}

fn copy(
    db: &Connection,
    version: u32,
    to: &Path,
    to_key: Option<&DatabaseKey>,
) -> rusqlite::Result<()> {
    let path = to.to_str().ok_or_else(|| {
        let error = io::Error::from(io::ErrorKind::InvalidFilename);
        rusqlite::Error::ToSqlConversionFailure(Box::new(error))
    })?;
    // An empty key is none.
    let key = to_key.map_or_else(|| Zeroizing::new(String::new()), DatabaseKey::raw);
    db.execute("ATTACH DATABASE ?1 AS copy KEY ?2", (path, key.as_str()))?;
    // It is synced once, when it is whole; until then a cut only loses the copy.
    db.execute_batch("PRAGMA copy.journal_mode = off; PRAGMA copy.synchronous = off")?;
    db.execute_batch("BEGIN")?;
    db.query_row("SELECT sqlcipher_export('copy')", [], |_| Ok(()))?;
    db.pragma_update(Some("copy"), "application_id", migrate::APPLICATION_ID)?;
    db.pragma_update(Some("copy"), "user_version", version)?;
    db.execute_batch("COMMIT; DETACH DATABASE copy")
}
