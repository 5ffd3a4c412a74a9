//! Envelopes: content that one node has closed to another, for whoever carries it.
//!
//! Anybody can read the address and check who signed it; nobody but the receiver can read the content,
//! and nobody at all can change either. It says nothing of what the content is.

use std::fmt;

use hopluu_model::{Digest, Fault, Place, Timestamp};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::rand_core::CryptoRng;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open,
    single_shot_seal_with_rng,
};
use serde::{Deserialize, Serialize};

use crate::codec::Layout;
use crate::limits::{
    ADDRESS_BYTES_MAX, CHAIN_CERTS_MAX, ENVELOPE_BYTES_MAX, ENVELOPE_CONTENT_BYTES_MAX,
    ENVELOPE_PARTS_MAX,
};
use crate::signer::{agreement_key_of, verify_signature};
use crate::{
    ChainError, DecodeError, Identity, SignError, Signature, SignatureError, Signer, verify_line,
};

/// The first bytes of every envelope, so that any other file is named as such.
const MARK: [u8; 4] = *b"HLgb";

/// Put before the signed bytes, so that an envelope's signature is good for nothing else.
const CONTEXT: &[u8] = b"hopluu/envelope/1\n";

/// Binds the key agreement to this use.
const INFO: &[u8] = b"hopluu/envelope/1";

/// Of the address, little-endian.
const LENGTH_BYTES: usize = 2;

/// An X25519 key and the tag of the cipher.
const CLOSING_BYTES: usize = 32 + 16;

const SIGNATURE_BYTES: usize = 64;

/// The version byte of the address is that of the whole envelope.
const LAYOUT: Layout = Layout {
    what: "address of a bundle",
    version: 1,
    bytes_max: ADDRESS_BYTES_MAX,
};

/// What parts that belong together have in common: eight bytes drawn for them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SetId(pub [u8; 8]);

/// The first 16 bytes of BLAKE3 over an envelope without its signature: two files with one id are one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnvelopeId(pub [u8; 16]);

/// What everybody may read: from whom, for whom, and which part of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Who made it. The node is who signed; unit and office are claims until its chain is judged.
    pub from: Place,
    /// The chain of who made it, leaf first; empty where its receiver is sure to know it.
    pub chain: Vec<Vec<u8>>,
    /// Who alone can open it. The node counts, the rest is for whoever carries it.
    pub to: Place,
    /// When it was made, by the clock there: a claim.
    pub made: Timestamp,
    /// The parts that belong together.
    pub set: SetId,
    /// Which of them this is, from 1.
    pub part: u16,
    /// How many there are.
    pub parts: u16,
}

/// An envelope whose signature holds.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    head: &'a [u8],
    closed: &'a [u8],
    id: EnvelopeId,
}

/// Bytes that are no envelope, or none for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Some other file.
    #[error("these bytes are not a bundle")]
    OtherFile,
    /// Larger than any that is made.
    #[error("a bundle of {bytes} bytes is over the bound of {bytes_max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        bytes_max: usize,
    },
    /// It ends too early.
    #[error("the bundle is cut short")]
    CutShort,
    /// The address breaks a rule.
    #[error(transparent)]
    Address(#[from] DecodeError),
    /// It was changed on its way, or somebody else signed it.
    #[error("the bundle was changed on its way, or is not by who it says")]
    Signature(#[source] SignatureError),
    /// It is for another node.
    #[error("the bundle is for node {} of {}", .0.node.short(), .0.unit)]
    ForAnother(Box<Place>),
    /// It says that it is for this node, and does not open.
    #[error("the bundle does not open with this node's key")]
    Closed,
}

impl EnvelopeError {
    /// Whoever made or carried it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

impl Address {
    /// Closes content to the receiver and signs it all. `rng` must be one that nobody can guess.
    ///
    /// # Errors
    /// [`SignError`] when the content or the address is over a bound, the parts do not count up, or the
    /// receiver's id is no usable key.
    pub fn close(
        &self,
        signer: &Signer,
        content: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SignError> {
        let too_large = |bytes, bytes_max| SignError::TooLarge {
            what: "bundle",
            bytes,
            bytes_max,
        };
        if content.len() > ENVELOPE_CONTENT_BYTES_MAX {
            return Err(too_large(content.len(), ENVELOPE_CONTENT_BYTES_MAX));
        }
        let certificates = self.chain.len();
        LAYOUT.bound_signed("certificates", certificates, CHAIN_CERTS_MAX)?;
        LAYOUT.bound_signed("parts", self.parts.into(), ENVELOPE_PARTS_MAX.into())?;
        let mut from = self.clone();
        from.from.node = signer.node_id();
        let address = LAYOUT.encode(&from);
        LAYOUT.size_signed(address.len())?;
        let length = u16::try_from(address.len())
            .map_err(|_| too_large(address.len(), ADDRESS_BYTES_MAX))?;
        let mut bytes = MARK.to_vec();
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&address);
        let key = agreement_key_of(&self.to.node).ok_or(SignError::NoReceiver)?;
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&key)
            .map_err(|_| SignError::NoReceiver)?;
        let (fresh, closed) = single_shot_seal_with_rng::<
            ChaCha20Poly1305,
            HkdfSha256,
            X25519HkdfSha256,
        >(&OpModeS::Base, &key, INFO, content, &bytes, rng)
        .map_err(|_| SignError::NoReceiver)?;
        bytes.extend_from_slice(&fresh.to_bytes());
        bytes.extend_from_slice(&closed);
        let signature = signer.sign(&signed(&digest(&bytes)));
        bytes.extend_from_slice(&signature.0);
        Ok(bytes)
    }

    /// How many bytes an envelope with this address has beside its content.
    #[must_use]
    pub fn overhead(&self) -> usize {
        MARK.len() + LENGTH_BYTES + LAYOUT.encode(self).len() + CLOSING_BYTES + SIGNATURE_BYTES
    }

    /// Everybody in the chain, whoever made it first, as [`verify_line`] judges it.
    ///
    /// # Errors
    /// [`ChainError`] names the first rule it breaks; a chain of somebody else is empty as far as this
    /// envelope is concerned.
    pub fn line(&self, root: &Digest) -> Result<Vec<Identity>, ChainError> {
        let line = verify_line(&self.chain, root, None)?;
        let is_theirs = line.first().is_some_and(|leaf| leaf.place == self.from);
        if is_theirs {
            Ok(line)
        } else {
            Err(ChainError::Empty)
        }
    }
}

impl<'a> Envelope<'a> {
    /// Reads an envelope whole: its bounds, then its signature. Nothing is opened.
    ///
    /// # Errors
    /// [`EnvelopeError`] names what is wrong with it.
    pub fn read(bytes: &'a [u8]) -> Result<(Address, Self), EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLarge {
                bytes: bytes.len(),
                bytes_max: ENVELOPE_BYTES_MAX,
            });
        }
        let rest = bytes.strip_prefix(&MARK).ok_or(EnvelopeError::OtherFile)?;
        let (length, rest) = rest
            .split_first_chunk::<LENGTH_BYTES>()
            .ok_or(EnvelopeError::CutShort)?;
        let length = usize::from(u16::from_le_bytes(*length));
        let address = rest.get(..length).ok_or(EnvelopeError::CutShort)?;
        let address: Address = LAYOUT.decode(address)?;
        LAYOUT.bound("certificates", address.chain.len(), CHAIN_CERTS_MAX)?;
        LAYOUT.bound("parts", address.parts.into(), ENVELOPE_PARTS_MAX.into())?;
        if !(1..=address.parts).contains(&address.part) {
            return Err(DecodeError::Malformed { what: LAYOUT.what }.into());
        }
        let (covered, signature) = bytes
            .split_last_chunk::<SIGNATURE_BYTES>()
            .ok_or(EnvelopeError::CutShort)?;
        let (head, closed) = covered
            .split_at_checked(MARK.len() + LENGTH_BYTES + length)
            .filter(|(_, closed)| closed.len() >= CLOSING_BYTES)
            .ok_or(EnvelopeError::CutShort)?;
        let digest = digest(covered);
        verify_signature(&address.from.node, &signed(&digest), &Signature(*signature))
            .map_err(EnvelopeError::Signature)?;
        let mut id = [0; 16];
        id.copy_from_slice(digest.split_at(16).0);
        let id = EnvelopeId(id);
        Ok((address, Self { head, closed, id }))
    }

    /// The name of these very bytes.
    #[must_use]
    pub fn id(&self) -> EnvelopeId {
        self.id
    }

    /// The content, for the node that it is closed to.
    ///
    /// # Errors
    /// [`EnvelopeError::ForAnother`] or [`EnvelopeError::Closed`].
    pub fn open(&self, address: &Address, signer: &Signer) -> Result<Vec<u8>, EnvelopeError> {
        if address.to.node != signer.node_id() {
            return Err(EnvelopeError::ForAnother(Box::new(address.to.clone())));
        }
        let shut = |_| EnvelopeError::Closed;
        let (fresh, closed) = self
            .closed
            .split_at_checked(32)
            .ok_or(EnvelopeError::CutShort)?;
        let fresh = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(fresh).map_err(shut)?;
        let key = signer.agreement_key();
        let key = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&*key).map_err(shut)?;
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &key,
            &fresh,
            INFO,
            closed,
            self.head,
        )
        .map_err(shut)
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

fn signed(digest: &[u8; 32]) -> Vec<u8> {
    [CONTEXT, digest].concat()
}

fn hex(bytes: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

impl fmt::Display for SetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, out)
    }
}

impl fmt::Debug for SetId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SetId({self})")
    }
}

impl fmt::Display for EnvelopeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, out)
    }
}

impl fmt::Debug for EnvelopeId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "EnvelopeId({self})")
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
