//! Records: what must be decided rather than merged. Immutable, signed, named by their content.

use hopluu_model::{NodeId, RecordHash, UnitId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::Layout;
use crate::limits::RECORD_BYTES_MAX;
use crate::{DecodeError, SignError, Signature, SignatureError, Signer, verify_signature};

/// Put before the signed bytes, so that a record's signature is good for nothing else.
const CONTEXT: &[u8] = b"hopluu/record/1\n";

const LAYOUT: Layout = Layout {
    what: "record",
    version: 1,
    bytes_max: RECORD_BYTES_MAX,
};

/// What a record is about. The numbers are part of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A node's certificate chain, so that its seals can be judged where it never called.
    Certificate,
    /// A form, as its canonical text.
    Form,
    /// A tree of units handed down.
    Tree,
    /// A unit that began, ended, moved or was renamed.
    TreeEvent,
    /// A superior's word on how far a document got.
    Receipt,
    /// Which office may write what.
    Grant,
    /// A certificate or grant that holds no longer.
    Revocation,
    /// The official totals at a signing.
    Statement,
    /// The root's word of the time.
    Time,
    /// From a newer program: kept and passed on, understood by nobody here.
    Unknown(u8),
}

impl RecordKind {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Certificate => 1,
            Self::Form => 2,
            Self::Tree => 3,
            Self::TreeEvent => 4,
            Self::Receipt => 5,
            Self::Grant => 6,
            Self::Revocation => 7,
            Self::Statement => 8,
            Self::Time => 9,
            Self::Unknown(number) => number,
        }
    }

    /// The kind behind a number; every number is some kind, so that old nodes relay new kinds.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Certificate,
            2 => Self::Form,
            3 => Self::Tree,
            4 => Self::TreeEvent,
            5 => Self::Receipt,
            6 => Self::Grant,
            7 => Self::Revocation,
            8 => Self::Statement,
            9 => Self::Time,
            other => Self::Unknown(other),
        }
    }
}

impl Serialize for RecordKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for RecordKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_number(u8::deserialize(deserializer)?))
    }
}

/// One signed record. Equal content has one hash on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the body is.
    pub kind: RecordKind,
    /// The unit it is about; it decides who gets it.
    pub unit: UnitId,
    /// Opaque to all but the kind's reader.
    pub body: Vec<u8>,
    /// Who signed.
    pub author: NodeId,
    /// Over all of the above.
    pub signature: Signature,
}

/// The signed part, in the order of the wire.
#[derive(Serialize, Deserialize)]
struct Signed<'a> {
    kind: RecordKind,
    unit: UnitId,
    author: NodeId,
    body: &'a [u8],
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    signed: Signed<'a>,
    signature: Signature,
}

impl Record {
    /// Signs a body.
    ///
    /// # Errors
    /// [`SignError::TooLarge`] when no node would take the record.
    pub fn sign(
        signer: &Signer,
        kind: RecordKind,
        unit: UnitId,
        body: Vec<u8>,
    ) -> Result<Self, SignError> {
        let mut record = Self {
            kind,
            unit,
            body,
            author: signer.node_id(),
            signature: Signature([0; 64]),
        };
        LAYOUT.size_signed(record.encode().len())?;
        record.signature = signer.sign(&record.signed_bytes());
        Ok(record)
    }

    /// Checks the signature. Whether the author may say this is another question, for the reader of
    /// the kind.
    ///
    /// # Errors
    /// [`SignatureError`] when the author did not sign this.
    pub fn verify(&self) -> Result<(), SignatureError> {
        verify_signature(&self.author, &self.signed_bytes(), &self.signature)
    }

    /// The record's name: BLAKE3 over what is signed. The signature itself stays outside, so that a
    /// signature made twice cannot make two records of one.
    #[must_use]
    pub fn hash(&self) -> RecordHash {
        RecordHash(*blake3::hash(&self.signed_bytes()).as_bytes())
    }

    /// The canonical bytes, for the store and the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        LAYOUT.encode(&Wire {
            signed: self.signed(),
            signature: self.signature,
        })
    }

    /// Reads canonical bytes. The signature is not checked: call [`Self::verify`] on what a peer sent.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no record or over a bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Wire { signed, signature } = LAYOUT.decode(bytes)?;
        Ok(Self {
            kind: signed.kind,
            unit: signed.unit,
            body: signed.body.to_vec(),
            author: signed.author,
            signature,
        })
    }

    fn signed(&self) -> Signed<'_> {
        Signed {
            kind: self.kind,
            unit: self.unit.clone(),
            author: self.author,
            body: &self.body,
        }
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = CONTEXT.to_vec();
        bytes.extend_from_slice(&LAYOUT.encode(&self.signed()));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::sign(
            &Signer::from_seed(&[1; 32]),
            RecordKind::Form,
            "465@2020-01-01".parse().unwrap(),
            b"id = 'x'".to_vec(),
        )
        .unwrap()
    }

    #[test]
    fn signed_record_round_trips_and_any_change_breaks_it() {
        let record = record();
        record.verify().unwrap();
        let again = Record::decode(&record.encode()).unwrap();
        assert_eq!(again, record);
        assert_eq!(again.hash(), record.hash());
        for changed in [
            Record {
                kind: RecordKind::Tree,
                ..record.clone()
            },
            Record {
                unit: "466@2020-01-01".parse().unwrap(),
                ..record.clone()
            },
            Record {
                body: vec![],
                ..record.clone()
            },
            Record {
                author: Signer::from_seed(&[2; 32]).node_id(),
                ..record.clone()
            },
        ] {
            assert!(changed.verify().is_err());
            assert_ne!(changed.hash(), record.hash());
        }
    }

    #[test]
    fn kind_of_a_newer_program_is_kept() {
        let record = Record::sign(
            &Signer::from_seed(&[1; 32]),
            RecordKind::Unknown(77),
            "465@2020-01-01".parse().unwrap(),
            vec![1, 2, 3],
        )
        .unwrap();
        let again = Record::decode(&record.encode()).unwrap();
        again.verify().unwrap();
        assert_eq!(again.kind.number(), 77);
        for number in 0..=255 {
            assert_eq!(RecordKind::from_number(number).number(), number);
        }
    }

    #[test]
    fn record_over_its_bound_is_neither_signed_nor_read() {
        let refused = Record::sign(
            &Signer::from_seed(&[1; 32]),
            RecordKind::Form,
            "465@2020-01-01".parse().unwrap(),
            vec![0; RECORD_BYTES_MAX],
        );
        assert!(matches!(refused, Err(SignError::TooLarge { .. })));
        let bytes = vec![1; RECORD_BYTES_MAX + 1];
        assert!(matches!(
            Record::decode(&bytes),
            Err(DecodeError::TooLarge { .. })
        ));
    }
}
