//! Damaged bytes of every object: refused or read as something that does not verify, never a panic.

use hopluu_model::{ActorId, ChangeHash, DocId, Place, Timestamp};
use proptest::prelude::*;

use crate::testing::key;
use crate::{Grant, Receipt, Record, RecordKind, Revocation, Seal, Signer, Ticket, TicketIssue};

const DOC: DocId = DocId([3; 16]);
const HEAD: ChangeHash = ChangeHash([4; 32]);

fn receipt_record() -> Record {
    Receipt {
        doc: DOC,
        heads: vec![HEAD, ChangeHash([5; 32])],
        by: Place {
            node: key(1).signer.node_id(),
            unit: "465@2020-01-01".parse().unwrap(),
            office: None,
        },
        at: Timestamp(1),
    }
    .sign(&key(1).signer, "19429@2020-02-01".parse().unwrap())
    .unwrap()
}

fn damage(mut bytes: Vec<u8>, index: prop::sample::Index, bit: u8) -> Vec<u8> {
    let index = index.index(bytes.len());
    bytes[index] ^= 1 << bit;
    bytes
}

proptest! {
    #[test]
    fn damaged_record_does_not_verify(index in any::<prop::sample::Index>(), bit in 0u8..8) {
        let bytes = damage(receipt_record().encode(), index, bit);
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert!(record.verify().is_err());
            prop_assert_eq!(record.encode(), bytes);
            let _ = Receipt::read(&record);
        }
    }

    #[test]
    fn damaged_seal_does_not_verify(index in any::<prop::sample::Index>(), bit in 0u8..8) {
        let seal = Seal::sign(&key(1).signer, DOC, vec![ActorId([1; 8])], HEAD, "lan".to_owned());
        let bytes = damage(seal.unwrap().to_wire(), index, bit);
        if let Ok(seal) = Seal::from_wire(&bytes, DOC, HEAD) {
            prop_assert!(seal.verify().is_err());
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Record::decode(&bytes);
        let _ = Seal::from_wire(&bytes, DOC, HEAD);
        let _ = TicketIssue::decode(&bytes);
        let _ = Signer::from_pkcs8(&bytes);
        let mut record = receipt_record();
        record.body = bytes;
        let _ = Receipt::read(&record);
        let _ = Grant::decode(&record.body);
        let _ = Revocation::decode(&record.body);
    }

    #[test]
    fn any_text_is_no_panic_as_a_ticket(text in "(HOPLUU[0-9]-)?\\PC{0,80}") {
        let _ = Ticket::decode(&text);
    }

    #[test]
    fn record_round_trips(
        kind in any::<u8>(), body in prop::collection::vec(any::<u8>(), 0..300), seed in any::<[u8; 32]>(),
    ) {
        let unit = "19429@2020-02-01".parse().unwrap();
        let kind = RecordKind::from_number(kind);
        let record = Record::sign(&Signer::from_seed(&seed), kind, unit, body).unwrap();
        let again = Record::decode(&record.encode()).unwrap();
        prop_assert!(again.verify().is_ok());
        prop_assert_eq!(again, record);
    }
}
