use hopluu_model::{Digest, Epoch, Seq, Timestamp};
use hopluu_store::limits::{PARKED_BYTES_PER_PEER_MAX, PARKED_ROWS_PER_PEER_MAX};
use hopluu_store::{
    AttachmentRow, DbError, Park, ParkedRow, PeerCheckpoint, PeerRow, Put, Store, TicketUse,
    WriteError,
};

use crate::sample::{EPOCH, doc_id, fill, hash, node, receipt, record};

pub(super) fn checkpoints_keep_both_sides(store: &Store) {
    assert_eq!(store.read().unwrap().peer(node(1)).unwrap(), None);
    let checkpoint = PeerCheckpoint {
        their_epoch: Epoch([1; 16]),
        received: Seq(5),
        my_epoch: EPOCH,
        acked: Seq(9),
    };
    store
        .write(|tx| tx.put_last_heard(node(2), Timestamp(77)))
        .unwrap();
    store
        .write(move |tx| tx.put_checkpoint(node(1), &checkpoint))
        .unwrap();
    let later = PeerCheckpoint {
        received: Seq(6),
        ..checkpoint
    };
    let ahead_of = |body: &'static [u8]| store.write(move |tx| tx.put_ahead(node(1), body));
    ahead_of(b"two runs").unwrap();
    store
        .write(move |tx| tx.put_checkpoint(node(1), &later))
        .unwrap();
    store
        .write(|tx| tx.put_last_heard(node(1), Timestamp(78)))
        .unwrap();
    let first = PeerRow {
        node: node(1),
        checkpoint: Some(later),
        last_heard: Some(Timestamp(78)),
        ahead: b"two runs".to_vec(),
    };
    let second = PeerRow {
        node: node(2),
        checkpoint: None,
        last_heard: Some(Timestamp(77)),
        ahead: Vec::new(),
    };
    let read = store.read().unwrap();
    assert_eq!(read.peer(node(1)).unwrap().as_ref(), Some(&first));
    assert_eq!(read.peers().unwrap(), [first, second]);
}

fn parked(peer: u8, n: u32, bytes: usize) -> ParkedRow {
    ParkedRow {
        node: node(peer),
        doc: doc_id(1),
        hash: hash(1, n),
        reason: 4,
        at: Timestamp(9),
        body: vec![1; bytes],
    }
}

pub(super) fn parked_changes_are_bounded_per_peer(store: &Store) {
    let park = |peer, n, bytes| {
        store
            .write(move |tx| tx.park(&parked(peer, n, bytes)))
            .unwrap()
    };
    let rows = u32::try_from(PARKED_ROWS_PER_PEER_MAX).unwrap();
    let filled = store.write(move |tx| {
        for n in 0..rows {
            assert_eq!(tx.park(&parked(1, n, 10))?, Park::Parked);
        }
        Ok::<_, DbError>(())
    });
    filled.unwrap();
    assert_eq!(park(1, rows, 10), Park::Full);
    assert_eq!(
        park(1, 0, 10),
        Park::Parked,
        "what waits already is no new row"
    );
    let most = usize::try_from(PARKED_BYTES_PER_PEER_MAX).unwrap();
    assert_eq!(park(2, 0, most), Park::Parked);
    assert_eq!(park(2, 1, 1), Park::Full);
    let read = store.read().unwrap();
    assert_eq!(read.parked_count().unwrap(), PARKED_ROWS_PER_PEER_MAX + 1);
    assert_eq!(read.parked_full().unwrap(), [node(1), node(2)]);
    let places = read.parked_places(Some(doc_id(1))).unwrap();
    assert_eq!(places, read.parked_places(None).unwrap());
    assert_eq!(read.parked_places(Some(doc_id(2))).unwrap(), []);
    assert_eq!(read.parked_at(places[0]).unwrap(), Some(parked(1, 0, 10)));
    drop(read);
    store.write(|tx| tx.unpark(doc_id(1), hash(1, 0))).unwrap();
    let read = store.read().unwrap();
    assert_eq!(read.parked_full().unwrap(), []);
    assert_eq!(
        read.parked_places(Some(doc_id(1))).unwrap(),
        places[1..rows as usize],
        "whoever sent it"
    );
    assert_eq!(read.parked_at(places[0]).unwrap(), None);
}

pub(super) fn a_ticket_is_used_once(store: &Store) {
    let ticket = Digest([4; 32]);
    let take = |by, at| {
        store
            .write(move |tx| tx.use_ticket(ticket, node(by), Timestamp(at)))
            .unwrap()
    };
    assert_eq!(take(1, 10), TicketUse::Unknown);
    store
        .write(move |tx| tx.put_ticket(ticket, b"body", Timestamp(99)))
        .unwrap();
    assert_eq!(
        store.read().unwrap().ticket(ticket).unwrap().unwrap().used,
        None
    );
    assert_eq!(take(1, 11), TicketUse::Accepted);
    assert_eq!(take(2, 12), TicketUse::Taken(node(1), Timestamp(11)));
    assert_eq!(take(1, 13), TicketUse::Again);
    // Issuing it again does not make it unused.
    store
        .write(move |tx| tx.put_ticket(ticket, b"other", Timestamp(1)))
        .unwrap();
    let row = store.read().unwrap().tickets().unwrap().remove(0);
    assert_eq!(row.used, Some((node(1), Timestamp(11))));
    assert_eq!(
        (row.body.as_slice(), row.expires),
        (b"body".as_slice(), Timestamp(99))
    );
}

pub(super) fn a_record_is_written_once(store: &Store) {
    let put = |n, about| {
        store
            .write(move |tx| tx.put_record(&record(n, about), None))
            .unwrap()
    };
    assert_eq!(put(5, 1), Put::New(Seq(1)));
    assert_eq!(put(4, 2), Put::New(Seq(2)));
    assert_eq!(put(5, 1), Put::Known);
    let read = store.read().unwrap();
    assert_eq!(read.record(record(5, 1).hash).unwrap(), Some(record(5, 1)));
    assert_eq!(read.record(record(4, 2).hash).unwrap(), Some(record(4, 2)));
}

pub(super) fn attachments_belong_to_a_document(store: &Store) {
    let attachment = AttachmentRow {
        doc: doc_id(1),
        digest: Digest([6; 32]),
        body: b"scan".to_vec(),
    };
    let row = attachment.clone();
    let refused = store.write(move |tx| tx.put_attachment(&row, None));
    assert!(matches!(
        refused,
        Err(WriteError::Refused(DbError::UnknownDoc { .. }))
    ));
    fill(store, 1, 1);
    for expected in [Put::New(Seq(2)), Put::Known] {
        let row = attachment.clone();
        assert_eq!(
            store
                .write(move |tx| tx.put_attachment(&row, None))
                .unwrap(),
            expected
        );
    }
    let read = store.read().unwrap();
    assert_eq!(read.attachments(doc_id(1)).unwrap(), [(Digest([6; 32]), 4)]);
    assert_eq!(
        read.attachment(doc_id(1), Digest([6; 32])).unwrap(),
        Some(attachment)
    );
    let batch = read.read_journal(Seq(1), 9, 999).unwrap();
    assert_eq!(batch.entries[0].object(), doc_id(1).into());
}

pub(super) fn settings_come_and_go(store: &Store) {
    store.write(|tx| tx.set_meta("name", b"one")).unwrap();
    store.write(|tx| tx.set_meta("name", b"two")).unwrap();
    assert_eq!(store.read().unwrap().meta("name").unwrap().unwrap(), b"two");
    assert_eq!(store.read().unwrap().meta("none").unwrap(), None);
    store.write(|tx| tx.set_epoch(Epoch([9; 16]))).unwrap();
    assert_eq!(store.read().unwrap().epoch().unwrap(), Epoch([9; 16]));
}

pub(super) fn lists_for_a_start_are_whole(store: &Store) {
    fill(store, 1, 1);
    store
        .write(|tx| {
            tx.put_record(&record(5, 1), None)?;
            tx.put_record(&record(4, 2), None)?;
            tx.put_receipt(&receipt(7, 1, 3, 1), None)?;
            tx.put_snapshot(doc_id(1), 1, b"x")?;
            tx.park(&parked(1, 8, 10))
        })
        .unwrap();
    let read = store.read().unwrap();
    let mut records = Vec::new();
    read.for_each_record(0, |place, row| records.push((place, row)))
        .unwrap();
    assert_eq!(records, [(1, record(5, 1)), (2, record(4, 2))]);
    read.for_each_record(1, |place, _| assert_eq!(place, 2))
        .unwrap();
    let last = |through| read.last_record(through).unwrap().map(|(place, _)| place);
    assert_eq!((last(0), last(1), last(9)), (None, Some(1), Some(2)));
    let named = read.records_named(record(4, 2).hash.into()).unwrap();
    assert_eq!(named, [record(4, 2)]);
    let latest = receipt(7, 1, 3, 1);
    assert_eq!(read.receipts_named(latest.hash.into()).unwrap(), [latest]);
    assert_eq!(read.records_named(doc_id(1).into()).unwrap(), []);
    assert_eq!(read.parked().unwrap(), [parked(1, 8, 10)]);
    assert_eq!(read.snapshot_ordinal(doc_id(1)).unwrap(), Some(1));
    assert_eq!(read.snapshot_ordinal(doc_id(2)).unwrap(), None);
}
