use hopluu_model::{ActorId, ChangeHash};
use hopluu_store::limits::BODY_BYTES_MAX;
use hopluu_store::{AppendError, Appended, DbError, NewChange, Store, WriteError};

use crate::sample::{EPOCH, append, body, doc, doc_id, fill, genesis, hash, unit};

pub(super) fn a_new_store_is_empty_and_has_its_epoch(store: &Store) {
    let read = store.read().unwrap();
    assert_eq!(read.epoch().unwrap(), EPOCH);
    assert_eq!(read.last_seq().unwrap().0, 0);
    assert_eq!(read.doc_count().unwrap(), 0);
    assert_eq!(read.doc(doc_id(1)).unwrap(), None);
    assert_eq!(read.facts(doc_id(1)).unwrap(), None);
    assert_eq!(read.changes_after(doc_id(1), 0).unwrap(), []);
}

pub(super) fn a_document_is_known_once(store: &Store) {
    fill(store, 1, 2);
    fill(store, 1, 2);
    let read = store.read().unwrap();
    assert_eq!(read.doc_count().unwrap(), 1);
    let row = read.doc(doc_id(1)).unwrap().unwrap();
    assert_eq!(row.key, b"key of 1");
    assert_eq!(row.unit, unit(1));
    assert_eq!((row.major, row.changes, row.bytes), (1, 2, 80));
    assert_eq!(read.doc_count_of_unit(&unit(1)).unwrap(), 1);
    assert_eq!(read.doc_count_of_unit(&unit(2)).unwrap(), 0);
}

pub(super) fn heads_follow_the_changes(store: &Store) {
    let fork = |n: u32, actor: u8, deps: Vec<ChangeHash>| {
        let appended = store
            .write(move |tx| {
                tx.put_doc(&doc(1))?;
                tx.append_change(&NewChange {
                    doc: doc_id(1),
                    hash: hash(1, n),
                    actor: ActorId([actor; 8]),
                    actor_seq: 1,
                    deps: &deps,
                    body: b"body",
                    seal: b"",
                    origin: None,
                    class: 0,
                })
            })
            .unwrap();
        match appended {
            Appended::New { heads, .. } => heads,
            Appended::Known => panic!("a new change"),
        }
    };
    assert_eq!(fork(1, 1, vec![genesis(1)]), [hash(1, 1)]);
    assert_eq!(fork(2, 2, vec![genesis(1)]), [hash(1, 1), hash(1, 2)]);
    assert_eq!(fork(3, 3, vec![hash(1, 1), hash(1, 2)]), [hash(1, 3)]);
    let read = store.read().unwrap();
    let row = read.doc(doc_id(1)).unwrap().unwrap();
    assert_eq!(row.heads, [hash(1, 3)]);
    for n in 1..=3 {
        assert_eq!(read.actor_seq(doc_id(1), ActorId([n; 8])).unwrap(), 1);
    }
}

pub(super) fn a_known_change_is_not_written_again(store: &Store) {
    fill(store, 1, 2);
    let again = store.write(|tx| append(tx, 1, 1, None)).unwrap();
    assert_eq!(again, Appended::Known);
    assert_eq!(store.read().unwrap().last_seq().unwrap().0, 2);
    // What everybody derives counts as known too.
    let implied = store.write(|tx| {
        tx.append_change(&NewChange {
            doc: doc_id(1),
            hash: genesis(1),
            actor: ActorId([0; 8]),
            actor_seq: 1,
            deps: &[],
            body: b"genesis",
            seal: b"",
            origin: None,
            class: 0,
        })
    });
    assert_eq!(implied.unwrap(), Appended::Known);
}

pub(super) fn a_change_without_its_dependency_is_refused(store: &Store) {
    fill(store, 1, 1);
    let refused = store.write(|tx| append(tx, 1, 3, None)).unwrap_err();
    match refused {
        WriteError::Refused(AppendError::DependencyMissing { dep, .. }) => {
            assert_eq!(dep, hash(1, 2));
        }
        other => panic!("{other:?}"),
    }
    let refused = store.write(|tx| append(tx, 9, 1, None)).unwrap_err();
    let is_unknown = matches!(
        refused,
        WriteError::Refused(AppendError::Db(DbError::UnknownDoc { .. }))
    );
    assert!(is_unknown, "{refused:?}");
    assert_eq!(store.read().unwrap().last_seq().unwrap().0, 1);
}

pub(super) fn an_actor_neither_skips_nor_repeats(store: &Store) {
    fill(store, 1, 2);
    for found in [1, 2, 4] {
        let refused = store.write(move |tx| {
            tx.append_change(&NewChange {
                doc: doc_id(1),
                hash: hash(1, 50),
                actor: ActorId([3; 8]),
                actor_seq: found,
                deps: &[hash(1, 2)],
                body: b"body",
                seal: b"",
                origin: None,
                class: 0,
            })
        });
        let is_refused = matches!(
            refused,
            Err(WriteError::Refused(AppendError::ActorSequence {
                expected: 3,
                ..
            }))
        );
        assert!(is_refused, "{refused:?}");
    }
    let read = store.read().unwrap();
    assert_eq!(read.actor_seq(doc_id(1), ActorId([3; 8])).unwrap(), 2);
    assert_eq!(read.actor_seq(doc_id(1), ActorId([4; 8])).unwrap(), 0);
}

pub(super) fn changes_come_in_the_order_of_acceptance(store: &Store) {
    for n in 1..=3 {
        fill(store, 1, n);
        fill(store, 2, n);
    }
    let read = store.read().unwrap();
    let changes = read.changes_after(doc_id(1), 1).unwrap();
    let places: Vec<_> = changes.iter().map(|row| (row.ordinal, row.hash)).collect();
    assert_eq!(places, [(2, hash(1, 2)), (3, hash(1, 3))]);
    assert_eq!(changes[0].body, body(1, 2, 40));
    assert_eq!(changes[0].deps, [hash(1, 1)]);
    assert_eq!(changes[0].seal, b"seal");
    assert!(read.has_change(doc_id(1), hash(1, 3)).unwrap());
    assert!(!read.has_change(doc_id(2), hash(1, 3)).unwrap());
    assert_eq!(
        read.change(doc_id(1), hash(1, 2)).unwrap().as_ref(),
        Some(&changes[0])
    );
    let mut seen = 0;
    read.for_each_change(doc_id(1), 0, |_| {
        seen += 1;
        seen < 2
    })
    .unwrap();
    assert_eq!(seen, 2);
}

pub(super) fn changes_are_listed_without_their_bodies(store: &Store) {
    fill(store, 1, 2);
    let read = store.read().unwrap();
    let heads = read.change_heads(doc_id(1)).unwrap();
    let listed: Vec<_> = heads
        .iter()
        .map(|head| (head.ordinal, head.hash, head.bytes))
        .collect();
    assert_eq!(listed, [(1, hash(1, 1), 40), (2, hash(1, 2), 40)]);
    assert_eq!(read.change_heads(doc_id(9)).unwrap(), []);
}

pub(super) fn a_snapshot_replaces_the_older(store: &Store) {
    fill(store, 1, 4);
    assert_eq!(store.read().unwrap().snapshot(doc_id(1)).unwrap(), None);
    for (ordinal, bytes) in [(2, b"two".as_slice()), (4, b"four")] {
        store
            .write(move |tx| tx.put_snapshot(doc_id(1), ordinal, bytes))
            .unwrap();
        let snapshot = store.read().unwrap().snapshot(doc_id(1)).unwrap().unwrap();
        assert_eq!(
            (snapshot.ordinal, snapshot.body.as_slice()),
            (ordinal, bytes)
        );
    }
    let refused = store.write(|tx| tx.put_snapshot(doc_id(2), 1, b"x"));
    assert!(matches!(
        refused,
        Err(WriteError::Refused(DbError::UnknownDoc { .. }))
    ));
}

pub(super) fn a_large_snapshot_is_packed_and_comes_back(store: &Store) {
    fill(store, 1, 1);
    for bytes in [vec![b'a'; 100_000], body(1, 1, 100_000)] {
        let put = bytes.clone();
        store
            .write(move |tx| tx.put_snapshot(doc_id(1), 1, &put))
            .unwrap();
        assert!(
            store
                .read()
                .unwrap()
                .snapshot(doc_id(1))
                .unwrap()
                .unwrap()
                .body
                == bytes
        );
    }
}

pub(super) fn facts_stream_by_form_and_period(store: &Store) {
    store
        .write(|tx| {
            for n in 1..=6 {
                let mut new = doc(n);
                if n % 2 == 0 {
                    new.period = "2026-H2".parse().unwrap();
                }
                tx.put_doc(&new)?;
                tx.put_facts(doc_id(n), b"old")?;
                tx.put_facts(doc_id(n), &[n as u8; 9])?;
            }
            Ok::<_, DbError>(())
        })
        .unwrap();
    let read = store.read().unwrap();
    assert_eq!(read.facts(doc_id(2)).unwrap().unwrap(), [2; 9]);
    let mut seen = Vec::new();
    let form = "pcmd-review".parse().unwrap();
    let half = "2026-H1".parse().unwrap();
    read.for_each_facts(&form, 1, &half, |row| {
        assert_eq!(row.heads, genesis(u32::from(row.body[0])).as_bytes());
        seen.push((row.doc, row.unit.clone(), row.body.to_vec()));
    })
    .unwrap();
    let expected: Vec<_> = [1, 3, 5]
        .map(|n| (doc_id(n), unit(n), vec![n as u8; 9]))
        .into();
    assert_eq!(seen, expected);
    read.for_each_facts(&form, 2, &half, |_| panic!("no such version"))
        .unwrap();
}

pub(super) fn a_later_minor_version_renews_what_is_implied(store: &Store) {
    fill(store, 1, 1);
    store
        .write(|tx| {
            let mut new = doc(1);
            new.implied.push(hash(1, 90));
            new.heads = vec![hash(1, 90)];
            tx.put_doc(&new)
        })
        .unwrap();
    let row = store.read().unwrap().doc(doc_id(1)).unwrap().unwrap();
    assert_eq!(row.implied, [genesis(1), hash(1, 90)]);
    assert_eq!(row.heads, [hash(1, 1), hash(1, 90)]);
}

pub(super) fn oversized_bodies_are_refused(store: &Store) {
    fill(store, 1, 1);
    let refused = store.write(|tx| {
        tx.append_change(&NewChange {
            doc: doc_id(1),
            hash: hash(1, 2),
            actor: ActorId([3; 8]),
            actor_seq: 2,
            deps: &[hash(1, 1)],
            body: &vec![0; BODY_BYTES_MAX + 1],
            seal: b"",
            origin: None,
            class: 0,
        })
    });
    let is_refused = matches!(
        refused,
        Err(WriteError::Refused(AppendError::Db(
            DbError::TooLarge { .. }
        )))
    );
    assert!(is_refused, "{refused:?}");
    let most = vec![0; BODY_BYTES_MAX];
    store
        .write(move |tx| tx.put_facts(doc_id(1), &most))
        .unwrap();
}
