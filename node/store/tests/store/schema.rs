//! Every version of the database that ever left the house still opens.

use std::path::{Path, PathBuf};

use hopluu_model::{Digest, Epoch, Seq, Timestamp};
use hopluu_store::{
    AppendError, AttachmentRow, FILE_NAME, OpenError, OpenOptions, PeerCheckpoint, Store, VERSION,
};

use crate::sample::{
    EPOCH, account, append, body, count, doc, doc_id, hash, node, private_read, publication,
    receipt, record, refusal, unit,
};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

/// Something of everything, always the same.
fn write_sample(path: &Path) {
    let store = Store::open(path, &OpenOptions::create(EPOCH)).expect("a new store");
    let filled = store.write(|tx| {
        for number in [1, 2] {
            tx.put_doc(&doc(number))?;
            for n in 1..=3 {
                append(tx, number, n, (n == 2).then(|| node(5)))?;
            }
            tx.put_facts(doc_id(number), &body(number, 0, 60))?;
        }
        tx.put_void(doc_id(1), hash(1, 2), b"void")?;
        tx.put_snapshot(doc_id(1), 2, &[b'a'; 9_000])?;
        tx.put_record(&record(6, 2), None)?;
        tx.put_receipt(&receipt(7, 1, 3, 100), Some(node(5)))?;
        tx.put_receipt(&receipt(8, 1, 3, 200), Some(node(5)))?;
        let attachment = AttachmentRow {
            doc: doc_id(1),
            digest: Digest([6; 32]),
            body: b"scan".to_vec(),
        };
        tx.put_attachment(&attachment, None)?;
        let checkpoint = PeerCheckpoint {
            their_epoch: Epoch([1; 16]),
            received: Seq(5),
            my_epoch: EPOCH,
            acked: Seq(9),
        };
        tx.put_checkpoint(node(5), &checkpoint)?;
        tx.put_ticket(Digest([4; 32]), b"ticket", Timestamp(99))?;
        tx.use_ticket(Digest([4; 32]), node(5), Timestamp(50))?;
        tx.put_account(&account("lan"))?;
        tx.set_meta("setting", b"value")?;
        tx.note_arrival(Timestamp(86_400_000))?;
        tx.note_private_read(&private_read(20_000, "lan"))?;
        tx.note_refusal(&refusal(1, 100))?;
        assert!(tx.publish(&publication(1, 100), 0)?);
        Ok::<_, AppendError>(())
    });
    filled.expect("a sound store takes the sample");
    store.close().expect("a clean close");
}

#[test]
fn a_sample_of_every_version_opens_and_migrates() {
    let newest = samples().join(format!("{VERSION:04}.db"));
    if std::env::var_os("UPDATE_EXPECT").is_some() && !newest.exists() {
        write_sample(&newest);
    }
    for version in 1..=VERSION {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(FILE_NAME);
        let sample = samples().join(format!("{version:04}.db"));
        std::fs::copy(&sample, &path).expect("a sample of every version is kept");
        let store = Store::open(&path, &OpenOptions::existing()).unwrap();
        assert_eq!(count(&store), 2);
        let read = store.read().unwrap();
        assert_eq!(read.check().unwrap(), [], "version {version}");
        assert_eq!(read.epoch().unwrap(), EPOCH);
        let row = read.doc(doc_id(1)).unwrap().unwrap();
        assert_eq!((row.heads, row.unit), (vec![hash(1, 3)], unit(1)));
        assert_eq!(read.changes_after(doc_id(2), 0).unwrap().len(), 3);
        assert_eq!(read.facts(doc_id(2)).unwrap().unwrap(), body(2, 0, 60));
        assert_eq!(
            read.snapshot(doc_id(1)).unwrap().unwrap().body,
            [b'a'; 9_000]
        );
        assert_eq!(read.receipts(doc_id(1)).unwrap(), [receipt(8, 1, 3, 200)]);
        let batch = read.read_journal(Seq(0), 100, 1 << 20).unwrap();
        assert_eq!((batch.entries.len(), batch.through), (9, Seq(10)));
        assert_eq!(batch.entries[1].origin, Some(node(5)));
        assert!(read.peer(node(5)).unwrap().unwrap().checkpoint.is_some());
        let used = read.tickets().unwrap()[0].used;
        assert_eq!(used, Some((node(5), Timestamp(50))));
        assert_eq!(read.meta("setting").unwrap().unwrap(), b"value");
        let accounts = if version < 6 {
            vec![]
        } else {
            vec![account("lan")]
        };
        assert_eq!(read.accounts().unwrap(), accounts);
        let is_noted = usize::from(version >= 7);
        assert_eq!(read.private_reads(0).unwrap().len(), is_noted);
        assert_eq!(read.refusals().unwrap().len(), is_noted);
        assert_eq!(read.arrived(Seq(1)).unwrap().is_some(), is_noted == 1);
        let published = read.publication_list().unwrap();
        assert_eq!(published.len(), usize::from(version >= 8));
        // What nobody could know to be void before is found by judging once.
        assert_eq!(
            read.unjudged(9).unwrap().len(),
            if version < 8 { 2 } else { 0 }
        );
        drop(read);
        store.write(|tx| append(tx, 1, 4, None)).unwrap();
    }
}

#[test]
fn a_database_of_a_newer_version_is_refused_untouched() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(FILE_NAME);
    write_sample(&path);
    let newer = VERSION + 7;
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", newer).unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path, &OpenOptions::existing()).unwrap_err();
    assert!(
        matches!(error, OpenError::NewerVersion { found, known, .. } if (found, known) == (newer, VERSION))
    );
    let said = error.to_string();
    assert!(said.contains(&format!("version {newer}")), "{said}");
    assert!(said.contains(&format!("up to {VERSION}")), "{said}");
    assert!(std::fs::read(&path).unwrap() == before);
}

/// Before 3.51.3 two connections that reset the log at one moment could corrupt the database.
#[test]
fn the_bundled_sqlite_resets_its_log_safely() {
    assert!(
        rusqlite::version_number() >= 3_051_003,
        "{}",
        rusqlite::version()
    );
}
