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
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_first",
        sql: include_str!("schema/0001_first.sql"),
    },
    Migration {
        name: "0002_actors",
        sql: include_str!("schema/0002_actors.sql"),
    },
    Migration {
        name: "0003_files",
        sql: include_str!("schema/0003_files.sql"),
    },
    Migration {
        name: "0004_agenda",
        sql: include_str!("schema/0004_agenda.sql"),
    },
    Migration {
        name: "0005_voids",
        sql: include_str!("schema/0005_voids.sql"),
    },
    Migration {
        name: "0006_people",
        sql: include_str!("schema/0006_people.sql"),
    },
    Migration {
        name: "0007_audit",
        sql: include_str!("schema/0007_audit.sql"),
    },
    Migration {
        name: "0008_publications",
        sql: include_str!("schema/0008_publications.sql"),
    },
];

/// The version of the database that this program writes.
pub const VERSION: u32 = 8;

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

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::open::{open_existing, sibling};
    use crate::{FILE_NAME, OpenError, OpenOptions, Store};

    const NEXT: Migration = Migration {
        name: "next",
        sql: "CREATE TABLE next (a); INSERT INTO next SELECT name FROM meta;",
    };
    const BROKEN: Migration = Migration {
        name: "broken",
        sql: "CREATE TABLE third (a); INSERT INTO no_such_table VALUES (1);",
    };

    fn steps(more: &[Migration]) -> Vec<Migration> {
        MIGRATIONS.iter().chain(more).copied().collect()
    }

    fn this_version(path: &std::path::Path) {
        let epoch = hopluu_model::Epoch([1; 16]);
        let store = Store::open(path, &OpenOptions::create(epoch)).expect("a new store");
        store.close().expect("a clean close");
    }

    #[test]
    fn an_older_database_is_copied_and_then_migrated() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        this_version(&path);
        for _ in 0..2 {
            let db = open_existing(&path, &steps(&[NEXT]), &OpenOptions::existing()).unwrap();
            assert_eq!(version(&db).unwrap(), VERSION + 1);
            let sql = "SELECT count(*) FROM next";
            let rows: u32 = db.query_row(sql, [], |row| row.get(0)).unwrap();
            assert_eq!(rows, 1, "a step is done once");
        }
        let copy = Connection::open(sibling(&path, &format!("v{VERSION}.bak"))).unwrap();
        assert_eq!(version(&copy).unwrap(), VERSION);
        assert_eq!(application_id(&copy).unwrap(), APPLICATION_ID);
        // The program of this version says no to what the next has made of it.
        let error = Store::open(&path, &OpenOptions::existing()).unwrap_err();
        assert!(matches!(
            error,
            OpenError::NewerVersion { found, known: VERSION, .. } if found == VERSION + 1
        ));
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        this_version(&path);
        let error =
            open_existing(&path, &steps(&[NEXT, BROKEN]), &OpenOptions::existing()).unwrap_err();
        assert!(matches!(error, OpenError::Db { .. }), "{error:?}");
        let db = Connection::open(&path).unwrap();
        assert_eq!(version(&db).unwrap(), VERSION + 1);
        assert!(db.prepare("SELECT * FROM third").is_err());
    }
}
