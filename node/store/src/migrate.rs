//! Versions of the database: forward only, one transaction each.

use rusqlite::Connection;

/// Marks the file as ours: "HLuu".
pub(crate) const APPLICATION_ID: i32 = 0x484c_7575;

/// One step from a version to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    /// Its name, as in `schema/NNNN_name.sql`.
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// All steps; the version is how many have been done. A step that has left the house is never
/// edited.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_first",
    sql: include_str!("schema/0001_first.sql"),
}];

/// The version of the database that this program writes.
pub const VERSION: u32 = 1;

const _: () = assert!(MIGRATIONS.len() == VERSION as usize);

pub(crate) fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

pub(crate) fn application_id(db: &Connection) -> rusqlite::Result<i32> {
    db.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Runs the steps that the database has not seen. On an error it is as it was before the step.
pub(crate) fn migrate(db: &Connection, steps: &[Migration]) -> rusqlite::Result<()> {
    let done = version(db)?;
    for (step, number) in steps.iter().zip(1_u32..) {
        if number <= done {
            continue;
        }
        let transaction = db.unchecked_transaction()?;
        transaction.execute_batch(step.sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
        tracing::info!(step = step.name, version = number, "database migrated");
    }
    Ok(())
}
