use hopluu_store::{AppendError, DbError, Store, WriteError};

use crate::sample::{append, count, doc, doc_id, fill, unit};

pub(super) fn a_refused_job_leaves_nothing(store: &Store) {
    let refused = store.write(|tx| {
        tx.put_doc(&doc(1)).map_err(|_| "database")?;
        append(tx, 1, 1, None).map_err(|_| "database")?;
        Err::<(), _>("no")
    });
    assert!(matches!(refused, Err(WriteError::Refused("no"))));
    assert_eq!(count(store), 0);
    assert_eq!(store.read().unwrap().last_seq().unwrap().0, 0);
}

pub(super) fn a_panicking_job_leaves_nothing_and_stops_nobody(store: &Store) {
    let panicked = store.write(|tx| {
        tx.put_doc(&doc(1))?;
        if tx.doc_count()? == 1 {
            panic!("a bug in one document's work");
        }
        Ok::<_, DbError>(())
    });
    assert!(matches!(panicked, Err(WriteError::Panicked)));
    fill(store, 2, 1);
    assert_eq!(count(store), 1);
}

pub(super) fn a_job_sees_what_it_wrote(store: &Store) {
    let seen = store
        .write(|tx| {
            tx.put_doc(&doc(1))?;
            append(tx, 1, 1, None)?;
            let changes = tx.consistent(|read| read.changes_after(doc_id(1), 0))?;
            Ok::<_, AppendError>(changes.len())
        })
        .unwrap();
    assert_eq!(seen, 1);
}

pub(super) fn a_unit_of_an_undone_job_is_forgotten(store: &Store) {
    let refused = store.write(|tx| {
        tx.put_doc(&doc(1))?;
        // Reads the unit by its number, which the next job will give to another.
        tx.doc(doc_id(1))?;
        Err::<(), _>(DbError::Closed)
    });
    assert!(refused.is_err());
    let row = store.write(|tx| {
        tx.put_doc(&doc(2))?;
        tx.doc(doc_id(2))
    });
    assert_eq!(row.unwrap().unwrap().unit, unit(2));
}

pub(super) fn a_closed_store_says_so(store: &Store) {
    fill(store, 1, 1);
    store.close().unwrap();
    let closed = store.write(|tx| tx.put_doc(&doc(2)));
    assert!(matches!(closed, Err(WriteError::Closed)), "{closed:?}");
    store.close().unwrap();
}
