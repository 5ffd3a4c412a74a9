//! Small made-up documents: hashes are numbers, bodies say which.

use std::path::Path;

use hopluu_model::{
    ActorId, ChangeHash, Digest, DocId, Epoch, NodeId, RecordHash, Timestamp, UnitId,
};
use hopluu_store::{
    AccountRow, AppendError, Appended, DatabaseKey, Encryption, Failures, NewChange, NewDoc,
    PrivateRead, PublicationRow, ReceiptRow, RecordRow, RefusalRow, Store, WriteTx,
};

pub(crate) const EPOCH: Epoch = Epoch([7; 16]);

/// A key of one byte, and what might be its wrapping.
pub(crate) fn encryption(n: u8) -> Encryption {
    Encryption {
        key: DatabaseKey::new(zeroize::Zeroizing::new([n; DatabaseKey::LEN])),
        wrapped: format!("key {n}, wrapped").into_bytes().into(),
    }
}

/// The database past the store, as somebody with the key can open it.
pub(crate) fn opened(path: &Path, encryption: Option<&Encryption>) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(path).expect("a file");
    if let Some(encryption) = encryption {
        let key: String = encryption
            .key
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        db.execute_batch(&format!("PRAGMA key = \"x'{key}'\""))
            .expect("a key");
    }
    db
}

pub(crate) fn doc_id(n: u32) -> DocId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    DocId(id)
}

pub(crate) fn hash(doc: u32, n: u32) -> ChangeHash {
    let mut id = [0x11; 32];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id[4..8].copy_from_slice(&doc.to_be_bytes());
    ChangeHash(id)
}

/// The implied first change of a document.
pub(crate) fn genesis(doc: u32) -> ChangeHash {
    hash(doc, 0)
}

pub(crate) fn node(n: u8) -> NodeId {
    NodeId([n; 32])
}

pub(crate) fn unit(n: u32) -> UnitId {
    format!("{:05}@2020-02-01", 10_000 + n)
        .parse()
        .expect("five digits and a date")
}

pub(crate) fn doc(n: u32) -> NewDoc {
    NewDoc {
        doc: doc_id(n),
        key: format!("key of {n}").into_bytes(),
        unit: unit(n),
        form: "pcmd-review".parse().expect("a form's name"),
        major: 1,
        period: "2026-H1".parse().expect("a half-year"),
        implied: vec![genesis(n)],
        heads: vec![genesis(n)],
    }
}

/// Change `n` of a document, on top of change `n - 1`, by one actor.
pub(crate) fn append(
    tx: &mut WriteTx<'_>,
    doc: u32,
    n: u32,
    origin: Option<NodeId>,
) -> Result<Appended, AppendError> {
    append_sized(tx, doc, n, 40, origin)
}

pub(crate) fn append_sized(
    tx: &mut WriteTx<'_>,
    doc: u32,
    n: u32,
    bytes: usize,
    origin: Option<NodeId>,
) -> Result<Appended, AppendError> {
    tx.append_change(&NewChange {
        doc: doc_id(doc),
        hash: hash(doc, n),
        actor: ActorId([3; 8]),
        actor_seq: u64::from(n),
        deps: &[hash(doc, n - 1)],
        body: &body(doc, n, bytes),
        seal: b"seal",
        origin,
        class: 2,
    })
}

/// Somebody who has typed a wrong passphrase twice.
pub(crate) fn account(name: &str) -> AccountRow {
    AccountRow {
        name: name.to_owned(),
        sealed: b"closed".to_vec(),
        public: [9; 32],
        roles: 5,
        office: Some("police".to_owned()),
        is_closed: false,
        failures: Failures {
            count: 2,
            last_at: Timestamp(40),
        },
    }
}

/// Bytes that zstd finds nothing in, and that begin with their document and number.
pub(crate) fn body(doc: u32, n: u32, bytes: usize) -> Vec<u8> {
    let mut state = u64::from(doc) << 32 | u64::from(n) | 1 << 63;
    let mut body = format!("{doc}/{n};").into_bytes();
    while body.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        body.push((state >> 32) as u8);
    }
    body
}

pub(crate) fn record(n: u8, about: u32) -> RecordRow {
    RecordRow {
        hash: RecordHash([n; 32]),
        kind: 2,
        unit: unit(about),
        body: vec![n; 20],
    }
}

pub(crate) fn receipt(n: u8, doc: u32, by: u32, at: i64) -> ReceiptRow {
    ReceiptRow {
        doc: doc_id(doc),
        by: unit(by),
        unit: unit(doc),
        hash: RecordHash([n; 32]),
        at: Timestamp(at),
        body: vec![n; 20],
    }
}

/// One document with so many changes.
pub(crate) fn fill(store: &Store, number: u32, changes: u32) {
    store
        .write(move |tx| {
            tx.put_doc(&doc(number))?;
            for n in 1..=changes {
                append(tx, number, n, None)?;
            }
            tx.put_facts(doc_id(number), &body(number, 0, 100))?;
            Ok::<_, AppendError>(())
        })
        .expect("a sound store takes a document");
}

pub(crate) fn count(store: &Store) -> u64 {
    let read = store.read().expect("a reader");
    read.doc_count().expect("a count")
}

pub(crate) fn private_read(day: i64, who: &str) -> PrivateRead {
    PrivateRead {
        day,
        who: who.to_owned(),
        how: "report".to_owned(),
        unit: "19429@2020-02-01".to_owned(),
        form: "pcmd-review".to_owned(),
        period: "2026-H1".to_owned(),
        first: Timestamp(day * 10),
        last: Timestamp(day * 10),
        count: 1,
    }
}

pub(crate) fn refusal(number: u32, at: i64) -> RefusalRow {
    RefusalRow {
        kind: "entry".to_owned(),
        node: Some(node(u8::try_from(number % 256).unwrap_or_default())),
        reason: format!("reason {}", number / 256),
        first: Timestamp(at),
        last: Timestamp(at),
        count: 1,
    }
}

pub(crate) fn publication(number: u8, at: i64) -> PublicationRow {
    PublicationRow {
        form: "pcmd-review".to_owned(),
        major: 1,
        period: "2026-H1".to_owned(),
        unit: "465@2020-02-01".to_owned(),
        digest: Digest([number; 32]),
        total: Digest([9; 32]),
        held_back: 3,
        who: "lan".to_owned(),
        first: Timestamp(at),
        last: Timestamp(at),
        count: 1,
        body: vec![number; 40],
    }
}
