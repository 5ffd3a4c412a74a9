use hopluu_model::{ActorId, EntryKind, Seq};
use hopluu_store::{AppendError, DbError, EntryBody, Put, Store};

use crate::sample::{append, body, doc, doc_id, fill, hash, node, receipt, record, unit};

pub(super) fn numbers_have_no_gaps(store: &Store) {
    fill(store, 1, 3);
    // A job that gives its numbers back.
    let refused = store.write(|tx| {
        append(tx, 1, 4, None)?;
        append(tx, 1, 9, None)
    });
    assert!(refused.is_err());
    let put = store
        .write(|tx| tx.put_record(&record(1, 1), None))
        .unwrap();
    assert_eq!(put, Put::New(Seq(4)));
    let batch = store
        .read()
        .unwrap()
        .read_journal(Seq(0), 100, 1 << 20)
        .unwrap();
    let seqs: Vec<_> = batch.entries.iter().map(|entry| entry.seq.0).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert_eq!(batch.through, Seq(4));
}

pub(super) fn entries_come_with_their_objects(store: &Store) {
    store
        .write(|tx| {
            tx.put_doc(&doc(1))?;
            append(tx, 1, 1, None)?;
            append(tx, 1, 2, Some(node(5)))?;
            tx.put_record(&record(6, 2), Some(node(5)))?;
            tx.put_receipt(&receipt(7, 1, 3, 100), None)?;
            Ok::<_, AppendError>(())
        })
        .unwrap();
    let batch = store
        .read()
        .unwrap()
        .read_journal(Seq(0), 100, 1 << 20)
        .unwrap();
    let origins: Vec<_> = batch.entries.iter().map(|entry| entry.origin).collect();
    assert_eq!(origins, [None, Some(node(5)), Some(node(5)), None]);
    let units: Vec<_> = batch
        .entries
        .iter()
        .map(|entry| entry.unit.clone())
        .collect();
    assert_eq!(units, [unit(1), unit(1), unit(2), unit(1)]);
    let kinds: Vec<_> = batch
        .entries
        .iter()
        .map(hopluu_store::JournalEntry::kind)
        .collect();
    use EntryKind::{Change, Receipt, Record};
    assert_eq!(kinds, [Change, Change, Record, Receipt]);
    let change = EntryBody::Change {
        doc: doc_id(1),
        hash: hash(1, 2),
        actor: ActorId([3; 8]),
        body: body(1, 2, 40),
        seal: b"seal".to_vec(),
    };
    assert_eq!(batch.entries[1].body, change);
    assert_eq!(batch.entries[1].object(), doc_id(1).into());
    assert_eq!(batch.entries[2].object(), record(6, 2).hash.into());
}

pub(super) fn batches_keep_their_bounds(store: &Store) {
    fill(store, 1, 10);
    let read = store.read().unwrap();
    let seqs = |after, entries, bytes| {
        let batch = read.read_journal(Seq(after), entries, bytes).unwrap();
        let seqs: Vec<_> = batch.entries.iter().map(|entry| entry.seq.0).collect();
        (seqs, batch.through.0)
    };
    assert_eq!(seqs(0, 3, 1 << 20), (vec![1, 2, 3], 3));
    // A body of 40 and a seal of 4 bytes each.
    assert_eq!(seqs(3, 100, 88), (vec![4, 5], 5));
    assert_eq!(seqs(5, 100, 87), (vec![6], 6));
    // The first entry comes whatever its size, or reading would never go on.
    assert_eq!(seqs(6, 100, 1), (vec![7], 7));
    assert_eq!(seqs(10, 100, 100), (vec![], 10));
    assert_eq!(seqs(99, 100, 100), (vec![], 99));
}

pub(super) fn a_superseded_receipt_reads_as_nothing(store: &Store) {
    let put = |n, by, at| {
        store
            .write(move |tx| tx.put_receipt(&receipt(n, 1, by, at), None))
            .unwrap()
    };
    assert_eq!(put(1, 3, 100), Put::New(Seq(1)));
    assert_eq!(put(1, 3, 100), Put::Known);
    assert_eq!(put(2, 4, 100), Put::New(Seq(2)));
    assert_eq!(put(3, 3, 200), Put::New(Seq(3)));
    let read = store.read().unwrap();
    let latest = read.receipts(doc_id(1)).unwrap();
    assert_eq!(latest, [receipt(3, 1, 3, 200), receipt(2, 1, 4, 100)]);
    let batch = read.read_journal(Seq(0), 100, 1 << 20).unwrap();
    let seqs: Vec<_> = batch.entries.iter().map(|entry| entry.seq.0).collect();
    assert_eq!((seqs, batch.through), (vec![2, 3], Seq(3)));
    // Superseded entries count for no bound, but are got over.
    drop(read);
    put(4, 4, 300);
    let batch = store
        .read()
        .unwrap()
        .read_journal(Seq(0), 1, 1 << 20)
        .unwrap();
    assert_eq!((batch.entries.len(), batch.through), (1, Seq(3)));
}

pub(super) fn receipts_before_their_document_come_anew_with_it(store: &Store) {
    store
        .write(|tx| {
            tx.put_receipt(&receipt(7, 1, 3, 100), Some(node(5)))?;
            tx.put_receipt(&receipt(8, 2, 3, 100), None)?;
            tx.put_doc(&doc(1))?;
            tx.renew_receipts(doc_id(1))
        })
        .unwrap();
    let read = store.read().unwrap();
    let mut rows = Vec::new();
    read.journal_outline(Seq(0), Seq(9), 9, |row| {
        rows.push((row.seq.0, row.origin, row.key.to_vec()));
    })
    .unwrap();
    let expected = [(2, None, Vec::new()), (3, Some(node(5)), doc(1).key)];
    assert_eq!(rows, expected);
    assert!(read.journal_entry(Seq(1)).unwrap().is_none());
    assert_eq!(read.receipts(doc_id(1)).unwrap(), [receipt(7, 1, 3, 100)]);
    assert_eq!(read.doc_key(doc_id(1)).unwrap(), Some(doc(1).key));
    assert_eq!(read.doc_key(doc_id(2)).unwrap(), None);
}

pub(super) fn an_earlier_receipt_is_stale(store: &Store) {
    let put = |n, at| {
        store
            .write(move |tx| tx.put_receipt(&receipt(n, 1, 3, at), None))
            .unwrap()
    };
    assert_eq!(put(5, 200), Put::New(Seq(1)));
    assert_eq!(put(9, 100), Put::Stale);
    // At the same time the greater hash stays, on every node the same.
    assert_eq!(put(4, 200), Put::Stale);
    assert_eq!(put(6, 200), Put::New(Seq(2)));
    assert_eq!(store.read().unwrap().last_seq().unwrap(), Seq(2));
}

pub(super) fn items_list_every_object_once(store: &Store) {
    fill(store, 2, 2);
    fill(store, 1, 1);
    store
        .write(|tx| {
            tx.put_record(&record(9, 1), None)?;
            tx.put_record(&record(8, 1), None)?;
            tx.put_receipt(&receipt(7, 1, 3, 1), None)?;
            Ok::<_, DbError>(())
        })
        .unwrap();
    let mut items = Vec::new();
    store
        .read()
        .unwrap()
        .for_each_item(|item| {
            items.push((
                item.kind,
                item.object,
                item.unit.clone(),
                item.state.to_vec(),
            ));
        })
        .unwrap();
    let state = |bytes: &[u8]| bytes.to_vec();
    let expected = [
        (
            EntryKind::Change,
            doc_id(1).into(),
            unit(1),
            state(hash(1, 1).as_bytes()),
        ),
        (
            EntryKind::Change,
            doc_id(2).into(),
            unit(2),
            state(hash(2, 2).as_bytes()),
        ),
        (
            EntryKind::Record,
            record(8, 1).hash.into(),
            unit(1),
            state(&[8; 32]),
        ),
        (
            EntryKind::Record,
            record(9, 1).hash.into(),
            unit(1),
            state(&[9; 32]),
        ),
        (
            EntryKind::Receipt,
            receipt(7, 1, 3, 1).hash.into(),
            unit(1),
            state(&[7; 32]),
        ),
    ];
    assert_eq!(items, expected);
}
