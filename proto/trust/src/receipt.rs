//! Receipts: a superior's signed word that a document is durable there, up to which heads.

use hopluu_model::{ChangeHash, DocId, Fault, OfficeId, Place, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use crate::codec::Layout;
use crate::limits::{RECEIPT_HEADS_MAX, RECORD_BYTES_MAX};
use crate::{DecodeError, Record, RecordKind, SignError, Signer};

const LAYOUT: Layout = Layout {
    what: "receipt",
    version: 1,
    bytes_max: RECORD_BYTES_MAX,
};

/// A record that is no readable receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Another kind of record.
    #[error("the record is not a receipt")]
    OtherKind,
    /// The body cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl ReceiptError {
    /// Whoever sent it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// "These heads of this document are durable at this place." Never merely sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The document.
    pub doc: DocId,
    /// The heads it has there, ascending.
    pub heads: Vec<ChangeHash>,
    /// Who says so. The node is the record's author; the unit and office are claims that hold only if
    /// its certificate says the same.
    pub by: Place,
    /// When, by the clock there: a claim.
    pub at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Body {
    doc: DocId,
    heads: Vec<ChangeHash>,
    unit: UnitId,
    office: Option<OfficeId>,
    at: Timestamp,
}

impl Receipt {
    /// Signs this receipt as a record of `unit`, the unit the document belongs to. `by.node` is set by
    /// who signs, whatever stands there.
    ///
    /// # Errors
    /// [`SignError::OverBound`] when the document has more heads than a receipt may name.
    pub fn sign(&self, signer: &Signer, unit: UnitId) -> Result<Record, SignError> {
        let mut heads = self.heads.clone();
        heads.sort_unstable();
        heads.dedup();
        LAYOUT.bound_signed("heads", heads.len(), RECEIPT_HEADS_MAX)?;
        let body = Body {
            doc: self.doc,
            heads,
            unit: self.by.unit.clone(),
            office: self.by.office.clone(),
            at: self.at,
        };
        Record::sign(signer, RecordKind::Receipt, unit, LAYOUT.encode(&body))
    }

    /// Reads the receipt in a record whose signature has been checked.
    ///
    /// # Errors
    /// [`ReceiptError`] when the record is of another kind or its body breaks a rule.
    pub fn read(record: &Record) -> Result<Self, ReceiptError> {
        if record.kind != RecordKind::Receipt {
            return Err(ReceiptError::OtherKind);
        }
        let body: Body = LAYOUT.decode(&record.body)?;
        LAYOUT.bound("heads", body.heads.len(), RECEIPT_HEADS_MAX)?;
        if !body.heads.is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::NotCanonical { what: LAYOUT.what }.into());
        }
        Ok(Self {
            doc: body.doc,
            heads: body.heads,
            by: Place {
                node: record.author,
                unit: body.unit,
                office: body.office,
            },
            at: body.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(heads: Vec<ChangeHash>) -> Receipt {
        Receipt {
            doc: DocId([3; 16]),
            heads,
            by: Place {
                node: Signer::from_seed(&[1; 32]).node_id(),
                unit: "465@2020-01-01".parse().unwrap(),
                office: None,
            },
            at: Timestamp(1_600_000_000_000),
        }
    }

    #[test]
    fn receipt_names_its_signer_and_sorted_heads() {
        let signer = Signer::from_seed(&[1; 32]);
        let unit: UnitId = "19429@2020-02-01".parse().unwrap();
        let given = receipt(vec![
            ChangeHash([9; 32]),
            ChangeHash([1; 32]),
            ChangeHash([9; 32]),
        ]);
        let record = given.sign(&signer, unit.clone()).unwrap();
        record.verify().unwrap();
        let read = Receipt::read(&record).unwrap();
        assert_eq!(read.heads, [ChangeHash([1; 32]), ChangeHash([9; 32])]);
        assert_eq!((read.by, read.at, record.unit), (given.by, given.at, unit));
    }

    #[test]
    fn receipt_of_too_many_heads_is_refused_on_both_sides() {
        let signer = Signer::from_seed(&[1; 32]);
        let unit: UnitId = "19429@2020-02-01".parse().unwrap();
        let heads: Vec<_> = (0..=RECEIPT_HEADS_MAX)
            .map(|n| {
                let mut hash = [0; 32];
                hash[..2].copy_from_slice(&u16::try_from(n).unwrap().to_be_bytes());
                ChangeHash(hash)
            })
            .collect();
        let given = receipt(heads.clone());
        assert!(matches!(
            given.sign(&signer, unit.clone()),
            Err(SignError::OverBound { count: 257, .. })
        ));
        let body = Body {
            doc: given.doc,
            heads,
            unit: unit.clone(),
            office: None,
            at: given.at,
        };
        let record =
            Record::sign(&signer, RecordKind::Receipt, unit, LAYOUT.encode(&body)).unwrap();
        assert!(matches!(
            Receipt::read(&record),
            Err(ReceiptError::Decode(DecodeError::OverBound { .. }))
        ));
    }
}
