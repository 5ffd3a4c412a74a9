//! No room, and a disk that fails: nothing half-saved, reading goes on, and it recovers.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use hopluu_store::{AppendError, DbError, FILE_NAME, Medium, OpenOptions, Store, WriteError};

use crate::sample::{EPOCH, append_sized, count, doc, doc_id, fill};

fn limited(pages: u32) -> OpenOptions {
    OpenOptions {
        pages_max: Some(pages),
        ..OpenOptions::create(EPOCH)
    }
}

/// Adds changes until one does not fit; how many did.
fn fill_up(store: &Store, doc: u32) -> (u32, WriteError<AppendError>) {
    for n in 1.. {
        if let Err(error) = store.write(move |tx| append_sized(tx, doc, n, 20_000, None)) {
            return (n - 1, error);
        }
    }
    unreachable!("the disk is limited")
}

fn is_consistent(store: &Store, doc: u32, changes: u32) {
    let read = store.read().expect("a reader");
    let row = read.doc(doc_id(doc)).expect("a row").expect("a document");
    assert_eq!(row.changes, u64::from(changes));
    assert_eq!(read.last_seq().expect("a place").0, u64::from(changes) + 1);
    assert_eq!(
        read.check().expect("a check").len(),
        1,
        "only the facts are not there"
    );
}

#[test]
fn a_full_disk_refuses_cleanly_and_recovers() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    for medium in [None, Some(Medium::Memory)] {
        let store = match &medium {
            None => Store::open(&path, &limited(200)).unwrap(),
            Some(medium) => Store::open_manual(medium, &limited(200)).unwrap(),
        };
        fill(&store, 1, 1);
        store.write(|tx| tx.put_doc(&doc(2))).unwrap();
        let (saved, error) = fill_up(&store, 2);
        assert!(saved > 5, "{saved}");
        assert!(matches!(error, WriteError::DiskFull), "{error:?}");
        assert!(store.stats().is_disk_full);
        is_consistent(&store, 2, saved);
        // Small things may still fit; a large one is refused again, and reading goes on.
        let again = store.write(move |tx| append_sized(tx, 2, saved + 1, 20_000, None));
        assert!(matches!(again, Err(WriteError::DiskFull)), "{again:?}");
        assert_eq!(count(&store), 2);
        if medium.is_none() {
            store.close().unwrap();
            let store = Store::open(&path, &limited(400)).unwrap();
            is_consistent(&store, 2, saved);
            store
                .write(move |tx| append_sized(tx, 2, saved + 1, 20_000, None))
                .unwrap();
            assert!(!store.stats().is_disk_full);
            is_consistent(&store, 2, saved + 1);
        }
    }
}

#[test]
fn a_job_that_hides_a_full_disk_is_not_saved() {
    let store = Store::open_manual(&Medium::Memory, &limited(200)).unwrap();
    store.write(|tx| tx.put_doc(&doc(2))).unwrap();
    let (saved, _) = fill_up(&store, 2);
    let hidden = store.write(move |tx| {
        append_sized(tx, 2, saved + 1, 20_000, None).ok();
        Ok::<_, DbError>("all is well")
    });
    assert!(matches!(hidden, Err(WriteError::DiskFull)), "{hidden:?}");
    assert_eq!(
        store
            .read()
            .unwrap()
            .doc(doc_id(2))
            .unwrap()
            .unwrap()
            .changes,
        u64::from(saved)
    );
}

/// The child: its files may not grow beyond a limit, until it lifts the limit itself.
#[test]
fn failing_disk_child() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Some(home) = std::env::var_os("STORE_FAILING_DISK") else {
        return;
    };
    let path = Path::new(&home).join(FILE_NAME);
    let store = Store::open(&path, &OpenOptions::create(EPOCH)).unwrap();
    store.write(|tx| tx.put_doc(&doc(1))).unwrap();
    fill(&store, 2, 1);
    let maximum = getrlimit(Resource::Fsize).maximum;
    let limit = |current| setrlimit(Resource::Fsize, Rlimit { current, maximum }).unwrap();
    limit(Some(600_000));
    let (saved, error) = fill_up(&store, 1);
    assert!(
        matches!(error, WriteError::Db(DbError::Disk { .. })),
        "{error:?}"
    );
    assert!(saved > 5, "{saved}");
    is_consistent(&store, 1, saved);
    limit(maximum);
    store
        .write(move |tx| append_sized(tx, 1, saved + 1, 20_000, None))
        .unwrap();
    is_consistent(&store, 1, saved + 1);
    store.close().unwrap();
    let store = Store::open(&path, &OpenOptions::existing()).unwrap();
    is_consistent(&store, 1, saved + 1);
    println!("recovered");
}

#[test]
fn a_disk_that_fails_to_write_refuses_cleanly_and_recovers() {
    let home = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    // The shell keeps the signal that would end a process at the limit from doing so.
    let mut child = Command::new("sh");
    child.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
    child
        .arg(program)
        .args(["full_disk::failing_disk_child", "--exact", "--nocapture"]);
    child
        .env("STORE_FAILING_DISK", home.path())
        .process_group(0);
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && said.contains("recovered"),
        "{output:?}"
    );
}
