//! Copies of a store in use.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use hopluu_model::{Epoch, Seq};
use hopluu_store::{BackupError, FILE_NAME, Medium, OpenError, OpenOptions, Store, restore_check};

use crate::sample::{EPOCH, append, count, fill};

#[test]
fn a_backup_is_whole_while_writing_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let file = Store::open(&home.path().join(FILE_NAME), &OpenOptions::create(EPOCH)).unwrap();
    let memory = Store::open_manual(&Medium::Memory, &OpenOptions::create(EPOCH)).unwrap();
    for (name, store) in [("of-file.db", &file), ("of-memory.db", &memory)] {
        for n in 0..400 {
            fill(store, n, 5);
        }
        let copy = home.path().join(name);
        let mut steps = Vec::new();
        store
            .backup(&copy, |progress| {
                if name == "of-file.db" {
                    // Comes too late for this copy, and does not make it begin anew.
                    let n = u32::try_from(steps.len()).unwrap() + 6;
                    store.write(move |tx| append(tx, 0, n, None)).unwrap();
                }
                steps.push((progress.done, progress.total));
            })
            .unwrap();
        assert!(steps.len() > 1, "{steps:?}");
        assert!(steps.is_sorted_by_key(|step| step.0));
        assert_eq!(
            steps.last().map(|step| step.0),
            steps.last().map(|step| step.1)
        );
        let mode = fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds all reports");
        let report = restore_check(&copy, None).unwrap();
        assert_eq!(
            (report.docs, report.last_seq),
            (Some(400), Some(Seq(2_000)))
        );
        assert_eq!((report.epoch, report.findings), (Some(EPOCH), vec![]));
        let names: Vec<_> = fs::read_dir(home.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|found| found.starts_with(name))
            .collect();
        assert_eq!(names, [name], "one file, no log beside it");
        assert!(matches!(
            store.backup(&copy, |_| {}),
            Err(BackupError::Exists { .. })
        ));

        let restored = Store::open(&copy, &OpenOptions::existing()).unwrap();
        restored.write(|tx| tx.set_epoch(Epoch([9; 16]))).unwrap();
        assert_eq!(count(&restored), 400);
    }
    let no_folder = file.backup(&home.path().join("no/such/folder.db"), |_| {});
    assert!(matches!(no_folder, Err(BackupError::File { .. })));
}

#[test]
fn a_bad_copy_is_seen_before_it_is_relied_on() {
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("copy.db");
    assert!(matches!(
        restore_check(&copy, None),
        Err(OpenError::Missing { .. })
    ));
    let store = Store::open_manual(&Medium::Memory, &OpenOptions::create(EPOCH)).unwrap();
    for n in 0..50 {
        fill(&store, n, 5);
    }
    store.backup(&copy, |_| {}).unwrap();
    let whole = fs::read(&copy).unwrap();
    fs::write(&copy, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(
        restore_check(&copy, None),
        Err(OpenError::HalfWritten { .. })
    ));
    let mut damaged = whole.clone();
    damaged[4_096 * 10..4_096 * 12].fill(0xaa);
    fs::write(&copy, &damaged).unwrap();
    assert!(!restore_check(&copy, None).unwrap().findings.is_empty());
}
