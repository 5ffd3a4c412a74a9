//! The one door to SQLite: every connection is opened and set up here, and nowhere else, so that
//! the key of a database encrypted at rest has one place to go (docs/adr/0024).

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use zeroize::Zeroizing;

use crate::DatabaseKey;
use crate::limits::{BUSY_WAIT, CACHE_KIB, LOG_BYTES_KEPT, STATEMENTS_KEPT};

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Create,
    Write,
    Read,
}

pub(crate) fn open(
    path: &Path,
    access: Access,
    key: Option<&DatabaseKey>,
) -> rusqlite::Result<Connection> {
    let flags = match access {
        Access::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // SQLCipher would write to standard error what is an error to its caller as well.
    db.execute_batch("PRAGMA cipher_log_level = NONE")?;
    if let Some(key) = key {
        // Before anything that looks at a page.
        let sql = Zeroizing::new(format!("PRAGMA key = \"{}\"", *key.raw()));
        db.execute_batch(&sql)?;
    }
    set_up(&db)?;
    Ok(db)
}

pub(crate) fn open_in_memory() -> rusqlite::Result<Connection> {
    let db = Connection::open_in_memory()?;
    set_up(&db)?;
    Ok(db)
}

/// Settings that touch no page, so that a damaged database gets as far as it can.
fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_WAIT)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Without it SQLite plans a statement anew for other values, which took a sixth of a node's time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "cell_size_check", true)?;
    db.pragma_update(None, "temp_store", "memory")?;
    db.pragma_update(None, "cache_size", -i64::from(CACHE_KIB))?;
    Ok(())
}

/// What only the writer sets: the log, and a full sync at every commit.
pub(crate) fn set_up_writer(db: &Connection) -> rusqlite::Result<()> {
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use hopluu_model::Epoch;

    use crate::{FILE_NAME, OpenOptions, Store};

    /// What "saved" rests upon: SQLite's number 2 is FULL, one sync a commit of the log.
    #[test]
    fn the_writer_of_a_store_syncs_every_commit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        for options in [OpenOptions::create(Epoch([1; 16])), OpenOptions::existing()] {
            let store = Store::open(&path, &options).unwrap();
            let settings = store.write(|tx| -> Result<(i64, String), rusqlite::Error> {
                let synchronous = tx
                    .db
                    .pragma_query_value(None, "synchronous", |row| row.get(0))?;
                let log = tx
                    .db
                    .pragma_query_value(None, "journal_mode", |row| row.get(0))?;
                Ok((synchronous, log))
            });
            assert_eq!(settings.unwrap(), (2, "wal".to_owned()));
            store.close().unwrap();
        }
    }
}
