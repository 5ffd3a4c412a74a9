//! The bytes of version 1, field by field, in `tests/wire`. A difference is a new wire version, never
//! an edit of those files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use expect_test::expect_file;
use hopluu_model::{ActorId, ChangeHash, Digest, DocId, NodeId, Place, RecordHash, Timestamp};

use crate::envelope::testing::{Counting, address};
use crate::testing::key;
use crate::{
    Dossier, Grant, JoinRefusal, JoinReply, JoinRequest, Month, Reach, Reason, Receipt, Record,
    RecordKind, Revocation, Seal, Target, Ticket, TicketSecret, Word,
};

/// One line per field: its bytes in hex, then what they are.
fn fields(bytes: &[u8], parts: &[(usize, &str)]) -> String {
    let (mut text, mut rest) = (String::new(), bytes);
    for (len, what) in parts {
        let (part, after) = rest.split_at(*len);
        writeln!(text, "{}  # {what}", HEXLOWER.encode(part)).unwrap();
        rest = after;
    }
    assert!(rest.is_empty(), "{} bytes unaccounted for", rest.len());
    text
}

fn ticket() -> Ticket {
    Ticket {
        addrs: vec!["10.0.0.1:4650".to_owned()],
        root: Digest([0x11; 32]),
        issuer: key(3).signer.node_id(),
        secret: TicketSecret([0x33; 16]),
        unit: "19429@2020-02-01".parse().unwrap(),
        office: Some("police".parse().unwrap()),
        expires: Timestamp(1_800_000_000_000),
    }
}

#[test]
fn seal() {
    let actors = vec![ActorId([0xaa; 8]), ActorId([0xbb; 8])];
    let head = ChangeHash([0x22; 32]);
    let seal = Seal::sign(
        &key(1).signer,
        DocId([0x11; 16]),
        actors,
        head,
        "lan".to_owned(),
    );
    expect_file!["../../../tests/wire/seal-1.hex"].assert_eq(&fields(
        &seal.unwrap().to_wire(),
        &[
            (1, "version"),
            (32, "author"),
            (1, "number of actors"),
            (8, "actor"),
            (8, "actor"),
            (1, "bytes of account"),
            (3, "account"),
            (
                64,
                "signature over context, version, author, document, actors, head, account",
            ),
        ],
    ));
}

#[test]
fn record() {
    let unit = "465@2020-01-01".parse().unwrap();
    let record = Record::sign(&key(1).signer, RecordKind::Form, unit, b"body".to_vec()).unwrap();
    let mut text = fields(
        &record.encode(),
        &[
            (1, "version"),
            (1, "kind"),
            (1, "bytes of unit"),
            (14, "unit"),
            (32, "author"),
            (1, "bytes of body"),
            (4, "body"),
            (64, "signature over context and all before it"),
        ],
    );
    writeln!(text, "{}  # its hash, not sent", record.hash()).unwrap();
    expect_file!["../../../tests/wire/record-1.hex"].assert_eq(&text);
}

#[test]
fn word_of_the_time() {
    let word = Word {
        turn: 2,
        at: Timestamp(1_800_000_000_000),
        before: Some(Month(1_570)),
    };
    let unit = "45@2020-01-01".parse().unwrap();
    let record = word.sign(&key(1).signer, unit).unwrap();
    expect_file!["../../../tests/wire/time-1.hex"].assert_eq(&fields(
        &record.body,
        &[
            (1, "version"),
            (1, "which of the root's words, varint"),
            (6, "milliseconds since 1970, zigzag varint"),
            (1, "has an end of what is believed"),
            (
                2,
                "the first month of thirty days since 1970 that is not, varint",
            ),
        ],
    ));
}

#[test]
fn receipt() {
    let receipt = Receipt {
        doc: DocId([0x11; 16]),
        heads: vec![ChangeHash([0x22; 32]), ChangeHash([0x33; 32])],
        by: Place {
            node: NodeId([0; 32]),
            unit: "465@2020-01-01".parse().unwrap(),
            office: Some("health".parse().unwrap()),
        },
        at: Timestamp(1_600_000_000_000),
    };
    let record = receipt
        .sign(&key(1).signer, "19429@2020-02-01".parse().unwrap())
        .unwrap();
    expect_file!["../../../tests/wire/receipt-1.hex"].assert_eq(&fields(
        &record.body,
        &[
            (1, "version"),
            (16, "document"),
            (1, "number of heads"),
            (32, "head"),
            (32, "head"),
            (1, "bytes of unit"),
            (14, "unit that received"),
            (1, "has an office"),
            (1, "bytes of office"),
            (6, "office"),
            (6, "milliseconds since 1970, zigzag varint"),
        ],
    ));
}

#[test]
fn grant_to_read() {
    let grant = Grant {
        lines: Reach::Nothing,
        texts: Reach::Nothing,
        attachments: false,
        steps: [].into_iter().collect(),
        reads: Reach::Only(vec!["II.1".parse().unwrap()]),
        ..Grant::of_office(
            "19429@2020-02-01".parse().unwrap(),
            "health".parse().unwrap(),
        )
    };
    let record = grant.sign(&key(1).signer, "19429@2020-02-01".parse().unwrap());
    expect_file!["../../../tests/wire/grant-2.hex"].assert_eq(&fields(
        &record.unwrap().body,
        &[
            (1, "version"),
            (1, "bytes of unit"),
            (16, "unit of the office"),
            (1, "bytes of office"),
            (6, "office"),
            (1, "every form"),
            (1, "not of the units below"),
            (1, "no first day"),
            (1, "no last day"),
            (1, "lines to write: none"),
            (1, "texts: none"),
            (1, "no attachments"),
            (1, "steps: none"),
            (1, "lines to read: those named"),
            (1, "number of lines"),
            (1, "bytes of line"),
            (4, "line"),
        ],
    ));
}

#[test]
fn grant() {
    let grant = Grant {
        forms: vec!["quick".parse().unwrap()],
        since: Some("2026-07-01".parse().unwrap()),
        texts: Reach::Only(vec!["raids".parse().unwrap()]),
        ..Grant::of_office(
            "19429@2020-02-01".parse().unwrap(),
            "police".parse().unwrap(),
        )
    };
    let record = grant.sign(&key(1).signer, "19429@2020-02-01".parse().unwrap());
    expect_file!["../../../tests/wire/grant-1.hex"].assert_eq(&fields(
        &record.unwrap().body,
        &[
            (1, "version"),
            (1, "bytes of unit"),
            (16, "unit of the office"),
            (1, "bytes of office"),
            (6, "office"),
            (1, "number of forms"),
            (1, "bytes of form"),
            (5, "form"),
            (1, "not of the units below"),
            (1, "has a first day"),
            (1, "bytes of day"),
            (10, "since"),
            (1, "no last day"),
            (1, "lines: its own"),
            (1, "texts: those named"),
            (1, "number of sections"),
            (1, "bytes of section"),
            (5, "section"),
            (1, "attachments"),
            (1, "steps: opened, contributed"),
        ],
    ));
}

#[test]
fn revocation() {
    let revocation = Revocation {
        target: Target::Node(NodeId([0x44; 32])),
        reason: Reason::Stolen,
        stands: BTreeMap::from([(DocId([0x11; 16]), vec![ChangeHash([0x22; 32])])]),
        certified: vec![NodeId([0x55; 32])],
        said: vec![RecordHash([0x66; 32])],
    };
    let record = revocation.sign(&key(1).signer, "465@2020-01-01".parse().unwrap());
    expect_file!["../../../tests/wire/revocation-1.hex"].assert_eq(&fields(
        &record.unwrap().body,
        &[
            (1, "version"),
            (1, "target: a node"),
            (32, "node"),
            (1, "reason: stolen"),
            (1, "number of documents"),
            (16, "document"),
            (1, "number of heads"),
            (32, "head"),
            (1, "number of nodes"),
            (32, "node that stays enrolled"),
            (1, "number of records"),
            (32, "record that goes on to count"),
        ],
    ));
}

#[test]
fn ticket_text() {
    let text = ticket().encode().unwrap();
    let bytes = data_encoding::BASE32_NOPAD
        .decode(&text.as_bytes()[8..])
        .unwrap();
    let mut shown = fields(
        &bytes,
        &[
            (1, "version"),
            (1, "number of addresses"),
            (1, "bytes of address"),
            (13, "address"),
            (32, "fingerprint of the root"),
            (32, "issuer"),
            (16, "secret"),
            (1, "bytes of unit"),
            (16, "unit"),
            (1, "has an office"),
            (1, "bytes of office"),
            (6, "office"),
            (6, "expires, milliseconds since 1970, zigzag varint"),
            (4, "checksum"),
        ],
    );
    writeln!(shown, "{text}  # as text").unwrap();
    expect_file!["../../../tests/wire/ticket-1.hex"].assert_eq(&shown);
}

#[test]
fn join_request() {
    expect_file!["../../../tests/wire/join-request-1.hex"].assert_eq(&fields(
        &JoinRequest::new(&ticket(), &key(4).signer).encode(),
        &[
            (1, "version"),
            (16, "ticket id"),
            (32, "node"),
            (64, "signature over context, ticket id, node, issuer"),
            (
                32,
                "BLAKE3 keyed by the join key over context and all before it but the version",
            ),
        ],
    ));
}

#[test]
fn join_replies() {
    let (issue, request) = (
        ticket().issue(),
        JoinRequest::new(&ticket(), &key(4).signer),
    );
    // What is in a certificate is X.509's affair; here only its place in the frame counts.
    let chain = vec![vec![0xc1; 5], vec![0xc2; 6]];
    let lens: Vec<_> = chain.iter().map(Vec::len).collect();
    let granted = JoinReply::Granted(chain).encode(&request, &issue).unwrap();
    let mut parts = vec![
        (1, "version"),
        (1, "granted"),
        (1, "number of certificates"),
    ];
    for len in lens {
        parts.extend([(1, "bytes of certificate"), (len, "certificate")]);
    }
    parts.extend([
        (1, "has a proof"),
        (
            32,
            "BLAKE3 keyed by the join key over context, hash of the request, all before",
        ),
    ]);
    expect_file!["../../../tests/wire/join-granted-1.hex"].assert_eq(&fields(&granted, &parts));
    expect_file!["../../../tests/wire/join-refused-1.hex"].assert_eq(&fields(
        &JoinReply::refuse(JoinRefusal::UnknownTicket),
        &[
            (1, "version"),
            (1, "refused"),
            (1, "reason"),
            (1, "has no proof"),
        ],
    ));
}

#[test]
fn envelope() {
    let mut address = address();
    address.chain = Vec::new();
    let bytes = address
        .close(&key(3).signer, b"figures", &mut Counting(0))
        .unwrap();
    expect_file!["../../../tests/wire/envelope-1.hex"].assert_eq(&fields(
        &bytes,
        &[
            (4, "mark"),
            (2, "bytes of the address"),
            (1, "version"),
            (32, "from: node"),
            (1, "bytes of unit"),
            (16, "unit"),
            (1, "no office"),
            (1, "certificates"),
            (32, "to: node"),
            (1, "bytes of unit"),
            (14, "unit"),
            (1, "no office"),
            (6, "made"),
            (8, "set"),
            (1, "part"),
            (1, "parts"),
            (32, "X25519 key"),
            (7 + 16, "content, closed"),
            (64, "signature over context and BLAKE3 of all before it"),
        ],
    ));
}

#[test]
fn dossier() {
    let dossier = Dossier {
        root: Digest([0x11; 32]),
        key: b"key",
        by: NodeId([0; 32]),
        at: Timestamp(1_600_000_000_000),
        chains: vec![b"chain"],
        records: vec![b"tree", b"form"],
        receipts: Vec::new(),
        packets: vec![b"packet"],
    };
    let bytes = dossier.sign(&key(1).signer).unwrap();
    expect_file!["../../../tests/wire/dossier-1.hex"].assert_eq(&fields(
        &bytes,
        &[
            (4, "mark"),
            (1, "version"),
            (32, "fingerprint of the root"),
            (1, "bytes of the document's key"),
            (3, "the document's key"),
            (32, "exporter"),
            (6, "milliseconds since 1970, zigzag varint"),
            (1, "number of chains"),
            (1, "bytes of chain"),
            (5, "chain"),
            (1, "number of records"),
            (1, "bytes of record"),
            (4, "record"),
            (1, "bytes of record"),
            (4, "record"),
            (1, "number of receipts"),
            (1, "number of packets"),
            (1, "bytes of packet"),
            (6, "packet"),
            (64, "signature over context and BLAKE3 of all before it"),
        ],
    ));
}
