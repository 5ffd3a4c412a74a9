use hopluu_model::{Digest, Timestamp};
use hopluu_store::{SessionRow, Store, WriteTx};

use crate::sample::account;

fn session(n: u8, of: &str) -> SessionRow {
    SessionRow {
        digest: Digest([n; 32]),
        account: of.to_owned(),
        since: Timestamp(n.into()),
        until: Timestamp(100),
    }
}

pub(super) fn an_account_is_written_over_and_keeps_its_sessions(store: &Store) {
    let read = || store.read().unwrap();
    assert!(!read().has_accounts().unwrap());
    assert_eq!(read().account("lan").unwrap(), None);
    let stranger = store.write(|tx| tx.put_session(&session(1, "lan"), 2));
    assert!(stranger.is_err(), "nobody has that name");
    store
        .write(|tx| {
            tx.put_account(&account("lan"))?;
            tx.put_account(&account("an"))?;
            tx.put_session(&session(1, "lan"), 2)
        })
        .unwrap();
    let closed = {
        let mut closed = account("lan");
        closed.is_closed = true;
        closed.failures.count = 0;
        closed
    };
    let written = closed.clone();
    store.write(move |tx| tx.put_account(&written)).unwrap();
    assert_eq!(read().accounts().unwrap(), [account("an"), closed.clone()]);
    assert_eq!(read().account("lan").unwrap(), Some(closed));
    assert_eq!(
        read().session(Digest([1; 32])).unwrap(),
        Some(session(1, "lan"))
    );
}

pub(super) fn sessions_end_one_by_one_and_together(store: &Store) {
    let open = |tx: &mut WriteTx<'_>| {
        tx.put_account(&account("lan"))?;
        tx.put_account(&account("an"))?;
        tx.put_session(&session(9, "an"), 2)?;
        (1..=4).try_for_each(|n| tx.put_session(&session(n, "lan"), 2))
    };
    store.write(open).unwrap();
    let left = || {
        let read = store.read().unwrap();
        let is_open = |n: &u8| read.session(Digest([*n; 32])).unwrap().is_some();
        (1..=9).filter(is_open).collect::<Vec<u8>>()
    };
    assert_eq!(
        left(),
        [3, 4, 9],
        "the oldest of those that are too many end"
    );
    store.write(|tx| tx.end_session(Digest([4; 32]))).unwrap();
    assert_eq!(left(), [3, 9]);
    store.write(|tx| tx.end_sessions(Some("lan"))).unwrap();
    assert_eq!(left(), [9]);
    store.write(|tx| tx.end_sessions(None)).unwrap();
    assert!(left().is_empty());
}
