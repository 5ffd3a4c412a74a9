//! Damaged pages and broken rules: found, named, and what is readable saved.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hopluu_model::{Epoch, Seq};
use hopluu_store::{
    Encryption, EntryBody, FILE_NAME, Found, OpenOptions, SalvageError, Store, salvage,
};

use crate::sample::{
    EPOCH, body, count, doc_id, encryption, fill, hash, node, opened, receipt, record,
};

const DOCS: u32 = 60;
const CHANGES: u32 = 12;
const RECORDS: u8 = 200;

fn filled(path: &Path) {
    filled_as(path, None);
}

fn filled_as(path: &Path, encryption: Option<&Encryption>) {
    let options = OpenOptions::create(EPOCH).encrypted(encryption.cloned());
    let store = Store::open(path, &options).expect("a new store");
    for n in 0..DOCS {
        fill(&store, n, CHANGES);
    }
    let put = store.write(|tx| {
        for n in 0..RECORDS {
            tx.put_record(&record(n, 1), Some(node(5)))?;
            tx.put_receipt(&receipt(n, u32::from(n), 3, 1), None)?;
        }
        tx.put_snapshot(doc_id(1), 5, b"snapshot")?;
        tx.set_meta("setting", b"value")
    });
    put.expect("a sound store takes it");
    store.close().expect("a clean close");
}

/// Which pages belong to which table or index, by SQLite's own count.
fn pages_of(path: &Path, name: &str, encryption: Option<&Encryption>) -> Vec<u32> {
    let db = opened(path, encryption);
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = 'leaf' ORDER BY pageno";
    let mut statement = db.prepare(sql).expect("dbstat is built in");
    let pages = statement
        .query_map([name], |row| row.get(0))
        .expect("pages");
    pages.collect::<Result<_, _>>().expect("numbers")
}

fn spoil(path: &Path, page: u32) {
    let mut bytes = fs::read(path).expect("the file");
    let from = (page as usize - 1) * 4_096;
    bytes[from..from + 4_096].fill(0xee);
    fs::write(path, bytes).expect("the file");
}

/// The made-up bodies say whose they are.
fn is_intact(entry: &EntryBody) -> bool {
    match entry {
        EntryBody::Change {
            doc, body, hash, ..
        } => (0..DOCS).any(|n| {
            doc_id(n) == *doc
                && (1..=CHANGES).any(|m| {
                    crate::sample::hash(n, m) == *hash && *body == crate::sample::body(n, m, 40)
                })
        }),
        _ => true,
    }
}

#[test]
fn a_damaged_page_is_found_and_the_rest_saved() {
    damaged_pages(None);
}

#[test]
fn a_damaged_page_of_an_encrypted_database_is_found_and_the_rest_saved() {
    damaged_pages(Some(&encryption(1)));
}

fn damaged_pages(encryption: Option<&Encryption>) {
    let existing = OpenOptions::existing().encrypted(encryption.cloned());
    for table in [
        "changes",
        "changes_hash",
        "journal",
        "docs",
        "records",
        "facts",
        "actors",
    ] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        filled_as(&path, encryption);
        let pages = pages_of(&path, table, encryption);
        spoil(&path, pages[pages.len() / 2]);

        let store = Store::open(&path, &existing).unwrap();
        let findings = store.read().unwrap().check().unwrap();
        let names_pages = findings
            .iter()
            .any(|finding| matches!(finding.found, Found::Pages(_)));
        assert!(names_pages, "{table}: {findings:?}");
        store.close().ok();
        drop(store);

        let fresh = home.path().join("fresh.db");
        let report = salvage(&path, &fresh, Epoch([9; 16]), &is_intact, encryption).unwrap();
        let store = Store::open(&fresh, &existing).unwrap();
        let read = store.read().unwrap();
        assert_eq!(read.epoch().unwrap(), Epoch([9; 16]));
        assert_eq!(read.meta("setting").unwrap().unwrap(), b"value");
        let mut rest = read.check().unwrap();
        rest.retain(|finding| finding.found != Found::FactsMissing);
        assert_eq!(rest, [], "{table}");
        let saved = read.doc_count().unwrap();
        assert_eq!(saved, report.docs_whole + report.docs_cut.len() as u64);
        let lost_changes = u64::from(DOCS * CHANGES) - report.changes;
        match table {
            "changes" => {
                assert_eq!(saved, u64::from(DOCS));
                assert!((1..200).contains(&lost_changes), "{report:?}");
                assert!(!report.docs_cut.is_empty() && report.gaps > 0);
            }
            "docs" => assert!((1..u64::from(DOCS)).contains(&saved), "{report:?}"),
            "records" => {
                assert_eq!(lost_changes, 0);
                assert!(
                    (1..u64::from(RECORDS)).contains(&report.records),
                    "{report:?}"
                );
            }
            _ => assert_eq!(
                (lost_changes, report.records),
                (0, u64::from(RECORDS)),
                "{table}: {report:?}"
            ),
        }
        let whole = read.doc(doc_id(0)).unwrap();
        if let Some(row) = whole.filter(|row| row.changes == u64::from(CHANGES)) {
            assert_eq!(row.heads, [hash(0, CHANGES)]);
        }
    }
}

#[test]
fn a_sound_database_is_salvaged_whole() {
    let home = tempfile::tempdir().unwrap();
    let (path, fresh) = (home.path().join(FILE_NAME), home.path().join("fresh.db"));
    filled(&path);
    let report = salvage(&path, &fresh, Epoch([9; 16]), &is_intact, None).unwrap();
    assert_eq!((report.docs_whole, report.changes), (60, 720));
    assert_eq!(
        (report.records, report.receipts, report.gaps),
        (200, 200, 0)
    );
    let store = Store::open(&fresh, &OpenOptions::existing()).unwrap();
    let read = store.read().unwrap();
    assert_eq!(read.check().unwrap(), []);
    assert_eq!(read.snapshot(doc_id(1)).unwrap().unwrap().body, b"snapshot");
    assert_eq!(read.facts(doc_id(3)).unwrap().unwrap(), body(3, 0, 100));
    let batch = read.read_journal(Seq(720), 1, 1 << 20).unwrap();
    assert_eq!(batch.entries[0].origin, Some(node(5)));
    let again = salvage(&path, &fresh, Epoch([8; 16]), &is_intact, None);
    assert!(matches!(again, Err(SalvageError::Exists { .. })));
}

#[test]
fn a_flipped_bit_is_found_by_whoever_knows_the_hash() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    filled(&path);
    let mut bytes = fs::read(&path).unwrap();
    let wanted = body(7, 3, 40);
    let at = bytes
        .windows(40)
        .position(|window| window == wanted)
        .unwrap();
    bytes[at + 20] ^= 1;
    fs::write(&path, bytes).unwrap();
    let store = Store::open(&path, &OpenOptions::existing()).unwrap();
    let read = store.read().unwrap();
    assert_eq!(
        read.check().unwrap(),
        [],
        "no rule between tables is broken"
    );
    let findings = read.check_bodies(&is_intact).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].doc, Some(doc_id(7)));
    assert!(matches!(findings[0].found, Found::BodyWrong(_)));
    drop(read);
    store.close().unwrap();
    let fresh = home.path().join("fresh.db");
    let report = salvage(&path, &fresh, Epoch([9; 16]), &is_intact, None).unwrap();
    // The spoilt third change and all that stand on it.
    assert_eq!(report.docs_cut, [doc_id(7)]);
    assert_eq!(report.changes_dropped, u64::from(CHANGES) - 2);
}

#[test]
fn a_file_of_which_nothing_reads_is_named_as_such() {
    let home = tempfile::tempdir().unwrap();
    let (path, fresh) = (home.path().join(FILE_NAME), home.path().join("fresh.db"));
    filled(&path);
    spoil(&path, 1);
    let error = salvage(&path, &fresh, EPOCH, &is_intact, None).unwrap_err();
    assert!(
        matches!(error, SalvageError::Unreadable { .. }),
        "{error:?}"
    );
    assert!(!fresh.exists());
}

/// A way to break a rule, what is found then, and about which document.
const BREAKS: &[(&str, Found, Option<u32>)] = &[
    (
        "DELETE FROM changes WHERE id = (5 << 24) + 12",
        Found::ChangesMissing,
        Some(4),
    ),
    (
        "DELETE FROM changes WHERE id = (5 << 24) + 2",
        Found::DependencyMissing,
        Some(4),
    ),
    (
        "UPDATE docs SET heads = zeroblob(32) WHERE id = 5",
        Found::HeadsWrong,
        Some(4),
    ),
    (
        "UPDATE actors SET actor_seq = 99 WHERE doc = 5",
        Found::ActorWrong,
        Some(4),
    ),
    (
        "DELETE FROM facts WHERE id & 0xffffffffff = 5",
        Found::FactsMissing,
        Some(4),
    ),
    (
        "INSERT INTO facts VALUES ((9 << 40) + 5, x'00')",
        Found::FactsStray,
        None,
    ),
    (
        "UPDATE snapshots SET ordinal = 99",
        Found::SnapshotAhead,
        Some(1),
    ),
    (
        "DELETE FROM journal WHERE seq = 9",
        Found::JournalGaps,
        None,
    ),
    (
        "UPDATE journal SET ref = 1 WHERE seq = 9",
        Found::JournalStray,
        None,
    ),
    (
        "UPDATE receipts SET seq = 1 WHERE id = 3",
        Found::JournalStray,
        None,
    ),
    (
        "UPDATE journal SET kind = 0, ref = NULL WHERE seq = 9",
        Found::NotInJournal,
        None,
    ),
];

#[test]
fn every_broken_rule_is_named_with_its_document() {
    let home = tempfile::tempdir().unwrap();
    let sound = home.path().join("sound.db");
    filled(&sound);
    let mut unseen: BTreeMap<_, _> = BTreeMap::new();
    for (sql, found, doc) in BREAKS {
        let path = home.path().join(FILE_NAME);
        fs::copy(&sound, &path).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA foreign_keys = off").unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        let store = Store::open(&path, &OpenOptions::existing()).unwrap();
        let findings = store.read().unwrap().check().unwrap();
        let is_named = findings
            .iter()
            .any(|finding| finding.found == *found && finding.doc == doc.map(doc_id));
        if !is_named {
            unseen.insert(*sql, findings);
        }
        assert!(count(&store) > 0);
    }
    assert!(unseen.is_empty(), "{unseen:#?}");
}
