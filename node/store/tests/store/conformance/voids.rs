use hopluu_store::{AppendError, DbError, Store};

use crate::sample::{doc, doc_id, hash, unit};

fn begin(store: &Store) {
    let put = store.write(|tx| {
        tx.put_doc(&doc(1))?;
        tx.put_doc(&doc(2))
    });
    put.unwrap();
}

pub(crate) fn what_is_void_is_said_by_change_and_said_anew(store: &Store) {
    begin(store);
    let put = store.write(|tx| {
        tx.put_void(doc_id(2), hash(2, 1), b"one")?;
        tx.put_void(doc_id(2), hash(2, 2), b"two")?;
        tx.put_void(doc_id(2), hash(2, 2), b"three")
    });
    put.unwrap();
    let read = store.read().unwrap();
    let mut expected = vec![
        (hash(2, 1), b"one".to_vec()),
        (hash(2, 2), b"three".to_vec()),
    ];
    expected.sort_unstable();
    assert_eq!(read.voids(doc_id(2)).unwrap(), expected);
    assert_eq!(read.voids(doc_id(1)).unwrap(), []);
    assert_eq!(read.void_docs().unwrap(), [doc_id(2)]);
    drop(read);
    let anew = [(hash(2, 3), b"four".to_vec())];
    let again = anew.clone();
    store
        .write(move |tx| tx.put_voids(doc_id(2), &again))
        .unwrap();
    assert_eq!(store.read().unwrap().voids(doc_id(2)).unwrap(), anew);
    store.write(|tx| tx.put_voids(doc_id(2), &[])).unwrap();
    assert_eq!(store.read().unwrap().void_docs().unwrap(), []);
    let refused = store.write(|tx| tx.put_void(doc_id(9), hash(9, 1), b"x"));
    assert!(refused.is_err());
}

pub(crate) fn what_is_to_be_judged_is_asked_for_until_it_is(store: &Store) {
    begin(store);
    assert_eq!(store.read().unwrap().unjudged(9).unwrap(), []);
    assert_eq!(
        store.read().unwrap().docs_of_unit(&unit(1)).unwrap(),
        [doc_id(1)]
    );
    let asked = store.write(|tx| {
        for number in [2, 1, 2, 9] {
            tx.judge_anew(doc_id(number))?;
        }
        Ok::<_, DbError>(())
    });
    asked.unwrap();
    let read = store.read().unwrap();
    assert_eq!(read.unjudged(9).unwrap(), [doc_id(1), doc_id(2)]);
    assert_eq!(read.unjudged(1).unwrap(), [doc_id(1)]);
    drop(read);
    let judged = store.write(|tx| tx.judged(doc_id(1)).map_err(AppendError::from));
    judged.unwrap();
    assert_eq!(store.read().unwrap().unjudged(9).unwrap(), [doc_id(2)]);
}
