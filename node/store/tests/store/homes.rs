//! Home folders as they are found: empty, half-written, foreign, read-only, in use.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use hopluu_store::{FILE_NAME, OpenError, OpenOptions, Store, WriteError};

use crate::sample::{EPOCH, count, doc, fill};

fn open(path: &Path) -> Result<Store, OpenError> {
    Store::open(path, &OpenOptions::existing())
}

fn filled(path: &Path, docs: u32) {
    let store = Store::open(path, &OpenOptions::create(EPOCH)).expect("a new store");
    for n in 0..docs {
        fill(&store, n, 3);
    }
    store.close().expect("a clean close");
}

#[test]
fn a_missing_database_is_made_only_when_asked() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    assert!(matches!(open(&path), Err(OpenError::Missing { .. })));
    assert!(!path.exists());
    filled(&path, 1);
    assert_eq!(count(&open(&path).unwrap()), 1);
    // Creating does not harm what is there.
    let store = Store::open(&path, &OpenOptions::create(EPOCH)).unwrap();
    assert_eq!(count(&store), 1);
    let nowhere = home.path().join("no/such/folder.db");
    let error = Store::open(&nowhere, &OpenOptions::create(EPOCH)).unwrap_err();
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
}

#[test]
fn a_half_written_file_is_named_as_such() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    filled(&path, 30);
    let whole = fs::read(&path).unwrap();
    for length in [0, 1, 99, 100, 4_096, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = open(&path).unwrap_err();
        match error {
            OpenError::HalfWritten {
                found, expected, ..
            } => {
                assert_eq!(found, length as u64);
                assert!(expected > found);
            }
            other => panic!("{length} bytes: {other:?}"),
        }
        assert_eq!(
            fs::metadata(&path).unwrap().len(),
            length as u64,
            "left as it was"
        );
    }
    fs::write(&path, vec![0; whole.len()]).unwrap();
    assert!(matches!(open(&path), Err(OpenError::HalfWritten { .. })));
    fs::write(&path, &whole).unwrap();
    assert_eq!(count(&open(&path).unwrap()), 30);
}

#[test]
fn a_creation_that_was_cut_off_leaves_no_database() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    fs::write(home.path().join(format!("{FILE_NAME}.new")), b"half").unwrap();
    filled(&path, 1);
    assert_eq!(count(&open(&path).unwrap()), 1);
}

#[test]
fn something_else_is_not_a_database() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    fs::write(&path, "x".repeat(5_000)).unwrap();
    assert!(matches!(open(&path), Err(OpenError::NotADatabase { .. })));
    fs::remove_file(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE t (a); PRAGMA application_id = 5")
        .unwrap();
    drop(other);
    let error = open(&path).unwrap_err();
    assert!(
        matches!(
            error,
            OpenError::Foreign {
                application_id: 5,
                ..
            }
        ),
        "{error:?}"
    );
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(open(&path).is_err());
}

#[test]
fn a_database_in_use_is_named_as_such() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    filled(&path, 1);
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(open(&path), Err(OpenError::Locked { .. })));
    other.execute_batch("ROLLBACK").unwrap();
    let store = open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.write(|tx| tx.put_doc(&doc(7)));
    let is_busy = matches!(
        &refused,
        Err(WriteError::Db(hopluu_store::DbError::Busy { .. }))
    );
    assert!(is_busy, "{refused:?}");
    assert_eq!(count(&store), 1, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    store.write(|tx| tx.put_doc(&doc(7))).unwrap();
}

/// Runs as a child that is nobody in particular, because root may write everywhere.
#[test]
fn read_only_child() {
    let Some(path) = std::env::var_os("STORE_READ_ONLY") else {
        return;
    };
    let path = Path::new(&path);
    for options in [OpenOptions::existing(), OpenOptions::create(EPOCH)] {
        let error = Store::open(path, &options).unwrap_err();
        assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
    }
    println!("refused as read-only");
}

#[test]
fn a_read_only_home_is_named_as_such() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("node");
    fs::create_dir(&folder).unwrap();
    // A copy that anybody can run, wherever the build folder lies.
    let program = home.path().join("child");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for mode in [0o755, 0o555] {
        fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(mode)).unwrap();
    }
    let path = folder.join(FILE_NAME);
    let refused = |path: &Path| {
        let mut child = Command::new(&program);
        child.args(["homes::read_only_child", "--exact", "--nocapture"]);
        child.env("STORE_READ_ONLY", path);
        if rustix::process::geteuid().is_root() {
            child.uid(65_534).gid(65_534);
        }
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && said.contains("refused as read-only"),
            "{output:?}"
        );
    };
    filled(&path, 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    refused(&path);
    // The folder too: the log has to lie beside the file.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    refused(&path);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
}
