//! Dossiers: everything by which somebody who holds the root's fingerprint and nothing else can judge one report:
//! its changes with their seals, who is enrolled, who was granted what and what was revoked.
//!
//! Whoever exports it signs all of it. So nothing can be changed or left out on its way; that its exporter has left
//! something out nobody can see, but the exporter has put its name to it.

use std::fmt;

use hopluu_model::{Digest, Fault, NodeId, Timestamp};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::codec::Layout;
use crate::limits::{DOSSIER_BYTES_MAX, DOSSIER_ITEMS_MAX};
use crate::{DecodeError, SignError, Signature, SignatureError, Signer, verify_signature};

/// The first bytes of every dossier file, so that any other file is named as such.
const MARK: [u8; 4] = *b"HLds";

/// Put before the signed bytes, so that its signature is good for nothing else.
const CONTEXT: &[u8] = b"hopluu/dossier/1\n";

const LAYOUT: Layout = Layout {
    what: "dossier",
    version: 1,
    bytes_max: DOSSIER_BYTES_MAX,
};

const SIGNATURE_BYTES: usize = 64;

/// Bytes that are no dossier, or not as they were signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DossierError {
    /// Some other file.
    #[error("these bytes are no dossier")]
    OtherFile,
    /// It ends too early.
    #[error("the dossier is cut short")]
    CutShort,
    /// It breaks a rule of the format.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It was changed, or somebody else signed it.
    #[error("the dossier was changed, or is not by who it says")]
    Signature(#[source] SignatureError),
}

impl DossierError {
    /// Whoever handed it over.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// What is in it. What a list's items mean is their readers' concern: they are opened after this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier<'a> {
    /// The root's fingerprint, as its exporter knows it.
    pub root: Digest,
    /// The key of the document.
    pub key: &'a [u8],
    /// Who exports it, and says that this is all it holds of the document.
    pub by: NodeId,
    /// When, by the clock there: a claim.
    pub at: Timestamp,
    /// The chains of everybody who has written, sealed or signed anything of it.
    pub chains: Vec<&'a [u8]>,
    /// Records: the tree and what was decided over it, the form, grants, revocations.
    pub records: Vec<&'a [u8]>,
    /// What superiors have said of how far the document got.
    pub receipts: Vec<&'a [u8]>,
    /// The changes with their seals, in packets, each after those that it builds upon.
    pub packets: Vec<&'a [u8]>,
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    root: Digest,
    #[serde(borrow)]
    key: &'a [u8],
    by: NodeId,
    at: Timestamp,
    #[serde(borrow)]
    chains: Items<'a>,
    #[serde(borrow)]
    records: Items<'a>,
    #[serde(borrow)]
    receipts: Items<'a>,
    #[serde(borrow)]
    packets: Items<'a>,
}

/// A list that is bounded while it is read: what stands for an item is larger than an empty item.
#[derive(Serialize)]
struct Items<'a>(Vec<&'a [u8]>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Bounded).map(Items)
    }
}

struct Bounded;

impl<'de> Visitor<'de> for Bounded {
    type Value = Vec<&'de [u8]>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "at most {DOSSIER_ITEMS_MAX} byte strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            if items.len() == DOSSIER_ITEMS_MAX {
                return Err(A::Error::custom("too many items"));
            }
            items.push(item);
        }
        Ok(items)
    }
}

impl<'a> Dossier<'a> {
    /// The file, signed by who exports it; `by` is set by who signs, whatever stands there.
    ///
    /// # Errors
    /// [`SignError`] when nobody would read so much.
    pub fn sign(&self, signer: &Signer) -> Result<Vec<u8>, SignError> {
        let lists = [&self.chains, &self.records, &self.receipts, &self.packets];
        for list in lists {
            LAYOUT.bound_signed("items", list.len(), DOSSIER_ITEMS_MAX)?;
        }
        let body = LAYOUT.encode(&Wire {
            root: self.root,
            key: self.key,
            by: signer.node_id(),
            at: self.at,
            chains: Items(self.chains.clone()),
            records: Items(self.records.clone()),
            receipts: Items(self.receipts.clone()),
            packets: Items(self.packets.clone()),
        });
        LAYOUT.size_signed(body.len())?;
        let mut bytes = MARK.to_vec();
        bytes.extend(body);
        let signature = signer.sign(&signed_bytes(&bytes));
        bytes.extend(signature.0);
        Ok(bytes)
    }

    /// Reads a file whose signature holds. Whether its signer is enrolled, and what it holds is true, is asked of what
    /// is in it.
    ///
    /// # Errors
    /// [`DossierError`] when it is none, is over a bound, or was changed.
    pub fn open(bytes: &'a [u8]) -> Result<Self, DossierError> {
        let rest = bytes.strip_prefix(&MARK).ok_or(DossierError::OtherFile)?;
        let cut = rest.len().checked_sub(SIGNATURE_BYTES);
        let (body, signature) = cut
            .and_then(|at| rest.split_at_checked(at))
            .ok_or(DossierError::CutShort)?;
        let signature = <[u8; SIGNATURE_BYTES]>::try_from(signature);
        let signature = Signature(signature.map_err(|_| DossierError::CutShort)?);
        let wire: Wire<'a> = LAYOUT.decode(body)?;
        let (signed, _) = bytes.split_at(MARK.len() + body.len());
        verify_signature(&wire.by, &signed_bytes(signed), &signature)
            .map_err(DossierError::Signature)?;
        Ok(Self {
            root: wire.root,
            key: wire.key,
            by: wire.by,
            at: wire.at,
            chains: wire.chains.0,
            records: wire.records.0,
            receipts: wire.receipts.0,
            packets: wire.packets.0,
        })
    }
}

/// A hash of what is signed, because it may be megabytes.
fn signed_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut signed = CONTEXT.to_vec();
    signed.extend_from_slice(blake3::hash(bytes).as_bytes());
    signed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::key;

    fn dossier<'a>(packets: Vec<&'a [u8]>) -> Dossier<'a> {
        Dossier {
            root: Digest([1; 32]),
            key: b"key",
            by: key(1).signer.node_id(),
            at: Timestamp(1_600_000_000_000),
            chains: vec![b"chain"],
            records: vec![b"tree", b"form"],
            receipts: Vec::new(),
            packets,
        }
    }

    #[test]
    fn what_was_signed_is_read_and_any_flipped_bit_or_missing_end_is_noticed() {
        let dossier = dossier(vec![b"changes"]);
        let bytes = dossier.sign(&key(1).signer).unwrap();
        assert_eq!(Dossier::open(&bytes).unwrap(), dossier);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut other = bytes.clone();
                other[at] ^= 1 << bit;
                assert!(Dossier::open(&other).is_err(), "byte {at}");
            }
            assert!(Dossier::open(&bytes[..at]).is_err(), "{at} bytes of it");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(Dossier::open(&longer).is_err());
        assert_eq!(Dossier::open(b"%PDF-1.7"), Err(DossierError::OtherFile));
    }

    #[test]
    fn what_is_over_a_bound_is_neither_signed_nor_read() {
        let many = dossier(vec![b""; DOSSIER_ITEMS_MAX]);
        let bytes = many.sign(&key(1).signer).unwrap();
        assert_eq!(Dossier::open(&bytes).unwrap(), many);
        let over = dossier(vec![b""; DOSSIER_ITEMS_MAX + 1]);
        let refused = over.sign(&key(1).signer);
        assert!(matches!(refused, Err(SignError::OverBound { .. })));
        let wire = LAYOUT.encode(&Wire {
            root: over.root,
            key: over.key,
            by: over.by,
            at: over.at,
            chains: Items(Vec::new()),
            records: Items(Vec::new()),
            receipts: Items(Vec::new()),
            packets: Items(over.packets),
        });
        let bytes = [MARK.as_slice(), &wire, &[0; SIGNATURE_BYTES]].concat();
        let refused = Dossier::open(&bytes);
        assert!(matches!(
            refused,
            Err(DossierError::Decode(DecodeError::Malformed { .. }))
        ));
        let large = vec![0; DOSSIER_BYTES_MAX];
        let refused = dossier(vec![&large]).sign(&key(1).signer);
        assert!(matches!(refused, Err(SignError::TooLarge { .. })));
        let bytes = [MARK.as_slice(), &large, &[0; SIGNATURE_BYTES + 1]].concat();
        let refused = Dossier::open(&bytes);
        assert!(matches!(
            refused,
            Err(DossierError::Decode(DecodeError::TooLarge { .. }))
        ));
    }
}
