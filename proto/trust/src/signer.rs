//! A node's key, and the signatures it makes.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use hopluu_model::{Fault, NodeId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// What stands before the 32 secret bytes in a PKCS#8 file of an Ed25519 key (RFC 8410, section 7).
const PKCS8_HEAD: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A key file that holds no key of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the 48 bytes that [`Signer::pkcs8`] writes.
    #[error("not an Ed25519 key in PKCS#8 as this program writes it")]
    NotPkcs8,
}

impl KeyError {
    /// The key file is this machine's own.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// A signature that does not hold. It says no more on purpose: why it fails is of no use to anybody
/// but a forger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signature of node {} does not hold", .node.short())]
pub struct SignatureError {
    /// Who is said to have signed.
    pub node: NodeId,
}

impl SignatureError {
    /// Whoever sent it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// 64 bytes of an Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(out, "Signature({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // serde knows arrays up to 32; two of them are the same 64 bytes.
        let (mut left, mut right) = ([0u8; 32], [0u8; 32]);
        let halves = self.0.split_at(32);
        left.copy_from_slice(halves.0);
        right.copy_from_slice(halves.1);
        (left, right).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (left, right) = <([u8; 32], [u8; 32])>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        let halves = bytes.split_at_mut(32);
        halves.0.copy_from_slice(&left);
        halves.1.copy_from_slice(&right);
        Ok(Self(bytes))
    }
}

/// A node's secret key. It is wiped from memory when dropped and never prints.
#[derive(Clone)]
pub struct Signer(SigningKey);

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Signer({})", self.node_id().short())
    }
}

impl Signer {
    /// The key of 32 secret random bytes. Who calls draws them; this crate has no randomness.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Those bytes, for whoever closes them.
    #[must_use]
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Reads what [`Self::pkcs8`] wrote.
    ///
    /// # Errors
    /// [`KeyError::NotPkcs8`] for any other bytes, other spellings of PKCS#8 included.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let seed = der
            .strip_prefix(&PKCS8_HEAD)
            .and_then(|seed| <&[u8; 32]>::try_from(seed).ok())
            .ok_or(KeyError::NotPkcs8)?;
        Ok(Self::from_seed(seed))
    }

    /// The key as a PKCS#8 file, which is how it is kept on disk and how other tools read it.
    #[must_use]
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_HEAD.len() + 32));
        der.extend_from_slice(&PKCS8_HEAD);
        der.extend_from_slice(self.0.as_bytes());
        der
    }

    /// The node's name everywhere: its public key.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        NodeId(self.0.verifying_key().to_bytes())
    }

    /// A secret of this node for one purpose, the same at every start. The context names the purpose and is
    /// used for no other.
    #[must_use]
    pub fn derive_key(&self, context: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(context, self.0.as_bytes()))
    }

    /// The X25519 key of the same secret, for what is closed to this node ([`crate::Envelope`]).
    pub(crate) fn agreement_key(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_scalar_bytes())
    }

    /// Signs bytes whose meaning the caller has made unmistakable. Objects of this crate put a context
    /// of their own before what they sign, so that no signature of one kind passes as another; a TLS
    /// handshake and a certificate have theirs by standard.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

/// The X25519 key under which something is closed to a node; none where its id is no usable key.
pub(crate) fn agreement_key_of(node: &NodeId) -> Option<[u8; 32]> {
    let key = VerifyingKey::from_bytes(&node.0).ok()?;
    (!key.is_weak()).then(|| key.to_montgomery().to_bytes())
}

/// Checks a signature strictly: keys of small order and other spellings of the same signature fail,
/// so that every node gives the same verdict.
///
/// # Errors
/// [`SignatureError`] when it does not hold or the node id is no usable key.
pub fn verify_signature(
    node: &NodeId,
    message: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    let refuse = |_| SignatureError { node: *node };
    let key = VerifyingKey::from_bytes(&node.0).map_err(refuse)?;
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    key.verify_strict(message, &signature).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_holds_only_for_its_message_and_key() {
        let (ours, theirs) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let signature = ours.sign(b"figure");
        assert!(verify_signature(&ours.node_id(), b"figure", &signature).is_ok());
        assert!(verify_signature(&ours.node_id(), b"figurE", &signature).is_err());
        assert!(verify_signature(&theirs.node_id(), b"figure", &signature).is_err());
        // The neutral element as a key would accept anything without the strict check.
        let mut weak = NodeId([0; 32]);
        weak.0[0] = 1;
        let mut forged = Signature([0; 64]);
        forged.0[0] = 1;
        assert!(verify_signature(&weak, b"figure", &forged).is_err());
    }

    #[test]
    fn key_file_round_trips_and_the_key_never_prints() {
        let signer = Signer::from_seed(&[7; 32]);
        let again = Signer::from_pkcs8(&signer.pkcs8()).unwrap();
        assert_eq!(again.node_id(), signer.node_id());
        assert_eq!(Signer::from_pkcs8(b"x").unwrap_err(), KeyError::NotPkcs8);
        assert!(!format!("{signer:?}").contains("0707"));
    }
}
