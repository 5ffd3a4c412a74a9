//! Encrypted at rest: nothing of it can be read without its key, and with it everything is as ever.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use hopluu_store::{
    FILE_NAME, OpenError, OpenOptions, Store, convert, is_plain, restore_check, strip_wrapped,
    wrapped_of,
};
use rusqlite::types::Value;

use crate::sample::{EPOCH, body, doc_id, encryption, fill, opened, unit};

const DOCS: u32 = 12;
const CHANGES: u32 = 8;

fn written(path: &Path, options: &OpenOptions) -> Store {
    let store = Store::open(path, options).expect("a new store");
    for n in 0..DOCS {
        fill(&store, n, CHANGES);
    }
    let put = store.write(|tx| {
        tx.put_snapshot(doc_id(1), 5, b"a snapshot of the first")?;
        tx.set_meta("setting", b"value of a setting")
    });
    put.expect("a sound store takes it");
    store
}

/// What stands in a file, or in the log beside it, as it lies on the disk.
fn on_disk(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).expect("the database");
    let log = path.with_extension("db-wal");
    bytes.extend(fs::read(log).unwrap_or_default());
    bytes
}

fn holds(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}

#[test]
fn nothing_can_be_read_from_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let (plain, sealed) = (home.path().join("plain.db"), home.path().join("sealed.db"));
    let open = written(&plain, &OpenOptions::create(EPOCH));
    let options = OpenOptions::create(EPOCH).encrypted(Some(encryption(1)));
    let closed = written(&sealed, &options);
    let unit = unit(3).to_string();
    let words: [&[u8]; 7] = [
        b"SQLite format 3",
        b"CREATE TABLE",
        b"pcmd-review",
        b"value of a setting",
        b"a snapshot of the first",
        unit.as_bytes(),
        &body(7, 3, 40),
    ];
    // While the log is there, and when all of it is folded in.
    for is_closed in [false, true] {
        if is_closed {
            open.close().unwrap();
            closed.close().unwrap();
        }
        let (read, unread) = (on_disk(&plain), on_disk(&sealed));
        for word in words {
            assert!(holds(&read, word), "{}", String::from_utf8_lossy(word));
            assert!(!holds(&unread, word), "{}", String::from_utf8_lossy(word));
        }
    }
    assert!(is_plain(&plain).unwrap() && !is_plain(&sealed).unwrap());
}

#[test]
fn another_key_or_none_is_refused_and_harms_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let key = OpenOptions::existing().encrypted(Some(encryption(1)));
    let options = OpenOptions::create(EPOCH).encrypted(Some(encryption(1)));
    written(&path, &options).close().unwrap();
    let before = fs::read(&path).unwrap();
    let other = OpenOptions::existing().encrypted(Some(encryption(2)));
    let error = Store::open(&path, &other).unwrap_err();
    assert!(matches!(error, OpenError::OtherKey { .. }), "{error:?}");
    let error = Store::open(&path, &OpenOptions::existing()).unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert!(fs::read(&path).unwrap() == before);
    let store = Store::open(&path, &key).unwrap();
    assert_eq!(store.read().unwrap().check().unwrap(), []);
    store.close().unwrap();
    // What is cut short in its first page is named as such, with a key as without.
    fs::write(&path, &before[..1_000]).unwrap();
    let error = Store::open(&path, &key).unwrap_err();
    assert!(matches!(error, OpenError::HalfWritten { .. }), "{error:?}");

    let plain = home.path().join("plain.db");
    written(&plain, &OpenOptions::create(EPOCH))
        .close()
        .unwrap();
    let error = Store::open(&plain, &key).unwrap_err();
    assert!(matches!(error, OpenError::Plain { .. }), "{error:?}");
}

#[test]
fn a_copy_is_encrypted_and_carries_its_wrapped_key() {
    let home = tempfile::tempdir().unwrap();
    let (path, copy) = (home.path().join(FILE_NAME), home.path().join("copy.db"));
    let options = OpenOptions::create(EPOCH).encrypted(Some(encryption(1)));
    let store = written(&path, &options);
    store.backup(&copy, |_| {}).unwrap();
    store.close().unwrap();
    assert!(!holds(&fs::read(&copy).unwrap(), b"pcmd-review"));
    let wrapped = wrapped_of(&copy).unwrap().unwrap();
    assert_eq!(wrapped, *encryption(1).wrapped);
    let (mine, other) = (encryption(1).key, encryption(2).key);
    // With what it carries and without.
    for _ in 0..2 {
        let report = restore_check(&copy, Some(&mine)).unwrap();
        assert_eq!(report.findings, []);
        assert_eq!((report.epoch, report.docs), (Some(EPOCH), Some(12)));
        let error = restore_check(&copy, Some(&other)).unwrap_err();
        assert!(matches!(error, OpenError::OtherKey { .. }), "{error:?}");
        strip_wrapped(&copy).unwrap();
    }
    let key = OpenOptions::existing().encrypted(Some(encryption(1)));
    let restored = Store::open(&copy, &key).unwrap();
    fill(&restored, DOCS, 1);
    restored.close().unwrap();
}

/// SQLCipher reads nothing more by a connection that has met a broken page.
#[test]
fn a_broken_page_costs_what_is_on_it_and_not_the_store() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let options = OpenOptions::create(EPOCH).encrypted(Some(encryption(1)));
    written(&path, &options).close().unwrap();
    let page = {
        let db = opened(&path, Some(&encryption(1)));
        let sql = "SELECT max(pageno) FROM dbstat WHERE name = 'snapshots' AND pagetype = 'leaf'";
        db.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap()
    };
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0xee; 4_096], u64::from(page - 1) * 4_096)
        .unwrap();
    let key = OpenOptions::existing().encrypted(Some(encryption(1)));
    let store = Store::open(&path, &key).unwrap();
    for round in 0..3 {
        assert!(store.read().unwrap().snapshot(doc_id(1)).is_err());
        assert!(store.read().unwrap().doc(doc_id(3)).unwrap().is_some());
        let put = store.write(|tx| tx.put_snapshot(doc_id(1), 6, b"another"));
        assert!(put.is_err(), "its place is on the broken page");
        let put = store.write(move |tx| tx.set_meta("round", &[round]));
        put.expect("what is elsewhere is written");
    }
    let findings = store.read().unwrap().check().unwrap();
    assert!(
        matches!(&findings[..], [one] if one.doc.is_none()),
        "{findings:?}"
    );
    store.close().ok();
}

/// All rows of all tables, in the order of their keys.
fn rows(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let db = opened(path, None);
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut statement = db.prepare(sql).unwrap();
    let tables = statement.query_map([], |row| row.get::<_, String>(0));
    let tables = tables.unwrap().map(|table| {
        let table = table.unwrap();
        let mut statement = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
        let rows = rows.unwrap().collect::<Result<_, _>>().unwrap();
        (table, rows)
    });
    tables.collect()
}

/// What makes the tables and indexes, and the marks of the file.
fn schema(path: &Path) -> (Vec<Option<String>>, i64, i64) {
    let db = opened(path, None);
    let mut statement = db
        .prepare("SELECT sql FROM sqlite_schema ORDER BY name")
        .unwrap();
    let made = statement.query_map([], |row| row.get(0)).unwrap();
    let mark = |name| db.pragma_query_value(None, name, |row| row.get(0)).unwrap();
    (
        made.collect::<Result<_, _>>().unwrap(),
        mark("application_id"),
        mark("user_version"),
    )
}

#[test]
fn encrypting_and_decrypting_changes_no_row() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let (plain, sealed, back) = (at("plain.db"), at("sealed.db"), at("back.db"));
    let store = written(&plain, &OpenOptions::create(EPOCH));
    store.close().unwrap();
    let key = encryption(1).key;
    convert(&plain, None, &sealed, Some(&key)).unwrap();
    assert!(!is_plain(&sealed).unwrap());
    let report = restore_check(&sealed, Some(&key)).unwrap();
    assert_eq!((report.findings, report.epoch), (vec![], Some(EPOCH)));
    convert(&sealed, Some(&key), &back, None).unwrap();
    let (before, after) = (rows(&plain), rows(&back));
    assert!(
        before
            .iter()
            .any(|(table, rows)| table == "facts" && rows.len() == 12)
    );
    assert!(before == after);
    assert_eq!(schema(&plain), schema(&back));
    // Neither another key nor a file that is there already costs anything.
    let other = encryption(2).key;
    let error = convert(&sealed, Some(&other), &at("none.db"), None).unwrap_err();
    assert!(matches!(error, OpenError::OtherKey { .. }), "{error:?}");
    let error = convert(&plain, None, &sealed, Some(&other)).unwrap_err();
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
    assert!(restore_check(&sealed, Some(&key)).is_ok());
}

/// Whatever the umask of whoever starts the program says.
#[test]
fn a_database_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let store = written(&path, &OpenOptions::create(EPOCH));
    for file in [
        &path,
        &path.with_extension("db-wal"),
        &path.with_extension("db-shm"),
    ] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    store.close().unwrap();
    // One of an older program.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    Store::open(&path, &OpenOptions::existing())
        .unwrap()
        .close()
        .unwrap();
    assert_eq!(mode(&path), 0o600);
}
