//! Seals: who vouches for the actors behind a change.

use hopluu_model::{ActorId, ChangeHash, DocId, NodeId};
use serde::{Deserialize, Serialize};

use crate::codec::Layout;
use crate::limits::{ACCOUNT_BYTES_MAX, SEAL_ACTORS_MAX, SEAL_BYTES_MAX};
use crate::{DecodeError, SignError, Signature, SignatureError, Signer, verify_signature};

/// Put before the signed bytes, so that a seal's signature is good for nothing else.
const CONTEXT: &[u8] = b"hopluu/seal/1\n";

const LAYOUT: Layout = Layout {
    what: "seal",
    version: 1,
    bytes_max: SEAL_BYTES_MAX,
};

/// "These actors of this document are mine, up to this change." It vouches for the author's own actors
/// among the head's ancestors, and for nobody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The node that vouches.
    pub author: NodeId,
    /// The document: a change's hash alone does not name it.
    pub doc: DocId,
    /// The actors it vouches for, ascending, at least one.
    pub actors: Vec<ActorId>,
    /// The change it is attached to.
    pub head: ChangeHash,
    /// The account of the session on that node, empty while a node has no accounts.
    pub account: String,
    /// Over all of the above.
    pub signature: Signature,
}

#[derive(Serialize)]
struct Signed<'a> {
    author: &'a NodeId,
    doc: &'a DocId,
    actors: &'a [ActorId],
    head: &'a ChangeHash,
    account: &'a str,
}

/// Document and head are known from what the seal travels with: 48 bytes less per change.
#[derive(Serialize, Deserialize)]
struct Wire {
    author: NodeId,
    actors: Vec<ActorId>,
    account: String,
    signature: Signature,
}

impl Seal {
    /// Seals a change. The actors are put in order.
    ///
    /// # Errors
    /// [`SignError`] without an actor, or when actors or account are over their bound.
    pub fn sign(
        signer: &Signer,
        doc: DocId,
        mut actors: Vec<ActorId>,
        head: ChangeHash,
        account: String,
    ) -> Result<Self, SignError> {
        actors.sort_unstable();
        actors.dedup();
        if actors.is_empty() {
            return Err(SignError::NoActor);
        }
        LAYOUT.bound_signed("actors", actors.len(), SEAL_ACTORS_MAX)?;
        LAYOUT.bound_signed("account bytes", account.len(), ACCOUNT_BYTES_MAX)?;
        let mut seal = Self {
            author: signer.node_id(),
            doc,
            actors,
            head,
            account,
            signature: Signature([0; 64]),
        };
        seal.signature = signer.sign(&seal.signed_bytes());
        Ok(seal)
    }

    /// Checks that the author signed exactly this document, head, actors and account. Whether the
    /// author is enrolled is asked of its certificate.
    ///
    /// # Errors
    /// [`SignatureError`] when it did not.
    pub fn verify(&self) -> Result<(), SignatureError> {
        verify_signature(&self.author, &self.signed_bytes(), &self.signature)
    }

    /// Whether this seal vouches for an actor.
    #[must_use]
    pub fn covers(&self, actor: &ActorId) -> bool {
        self.actors.binary_search(actor).is_ok()
    }

    /// The canonical bytes without document and head, which stand beside it in the store and in the
    /// frame.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        LAYOUT.encode(&Wire {
            author: self.author,
            actors: self.actors.clone(),
            account: self.account.clone(),
            signature: self.signature,
        })
    }

    /// Puts a seal together again from its bytes and what it travelled with. The signature is not
    /// checked: call [`Self::verify`] on what a peer sent.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no seal or over a bound.
    pub fn from_wire(bytes: &[u8], doc: DocId, head: ChangeHash) -> Result<Self, DecodeError> {
        let wire: Wire = LAYOUT.decode(bytes)?;
        LAYOUT.bound("actors", wire.actors.len(), SEAL_ACTORS_MAX)?;
        LAYOUT.bound("account bytes", wire.account.len(), ACCOUNT_BYTES_MAX)?;
        let what = LAYOUT.what;
        if wire.actors.is_empty() || !wire.actors.is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::NotCanonical { what });
        }
        Ok(Self {
            author: wire.author,
            doc,
            actors: wire.actors,
            head,
            account: wire.account,
            signature: wire.signature,
        })
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut bytes = CONTEXT.to_vec();
        bytes.extend_from_slice(&LAYOUT.encode(&Signed {
            author: &self.author,
            doc: &self.doc,
            actors: &self.actors,
            head: &self.head,
            account: &self.account,
        }));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOC: DocId = DocId([3; 16]);
    const HEAD: ChangeHash = ChangeHash([4; 32]);

    fn seal() -> Seal {
        let actors = vec![ActorId([9; 8]), ActorId([5; 8]), ActorId([9; 8])];
        Seal::sign(
            &Signer::from_seed(&[1; 32]),
            DOC,
            actors,
            HEAD,
            "lan".to_owned(),
        )
        .unwrap()
    }

    #[test]
    fn seal_holds_only_where_it_was_put() {
        let seal = seal();
        let wire = seal.to_wire();
        let again = Seal::from_wire(&wire, DOC, HEAD).unwrap();
        assert_eq!(again, seal);
        again.verify().unwrap();
        assert!(seal.covers(&ActorId([5; 8])) && !seal.covers(&ActorId([6; 8])));
        for moved in [
            Seal::from_wire(&wire, DocId([8; 16]), HEAD).unwrap(),
            Seal::from_wire(&wire, DOC, ChangeHash([8; 32])).unwrap(),
            Seal {
                account: "minh".to_owned(),
                ..seal.clone()
            },
            Seal {
                actors: vec![ActorId([5; 8])],
                ..seal.clone()
            },
        ] {
            assert!(moved.verify().is_err());
        }
    }

    #[test]
    fn seal_stays_within_its_bounds() {
        let signer = Signer::from_seed(&[1; 32]);
        let actors = |n: usize| -> Vec<_> {
            (0..n)
                .map(|i| ActorId([u8::try_from(i).unwrap(); 8]))
                .collect()
        };
        let sign =
            |n, account: usize| Seal::sign(&signer, DOC, actors(n), HEAD, "a".repeat(account));
        let largest = sign(SEAL_ACTORS_MAX, ACCOUNT_BYTES_MAX).unwrap();
        assert!(largest.to_wire().len() <= SEAL_BYTES_MAX);
        Seal::from_wire(&largest.to_wire(), DOC, HEAD)
            .unwrap()
            .verify()
            .unwrap();
        assert!(matches!(
            sign(SEAL_ACTORS_MAX + 1, 0),
            Err(SignError::OverBound { .. })
        ));
        assert!(matches!(
            sign(1, ACCOUNT_BYTES_MAX + 1),
            Err(SignError::OverBound { .. })
        ));
        assert_eq!(sign(0, 0), Err(SignError::NoActor));
        let backwards = Seal {
            actors: vec![ActorId([2; 8]), ActorId([1; 8])],
            ..largest
        };
        assert_eq!(
            Seal::from_wire(&backwards.to_wire(), DOC, HEAD),
            Err(DecodeError::NotCanonical { what: "seal" })
        );
    }
}
