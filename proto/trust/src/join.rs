//! The one exchange by which a node without a certificate gets one.
//!
//! The joiner proves that it holds the key it wants certified (a signature) and the ticket's secret
//! (BLAKE3 keyed by a key derived from it); the issuer proves the same secret back, over the very
//! request it answers. The secret itself never travels, so a wrong server learns nothing, and a
//! repeated request yields the same certificate again, which is what a cut link needs.

use hopluu_model::{Fault, NodeId, Place, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::certificate::Identity;
use crate::chain::{ChainError, verify_chain};
use crate::codec::Layout;
use crate::limits::{CHAIN_CERTS_MAX, JOIN_BYTES_MAX};
use crate::ticket::{JoinKey, Ticket, TicketId, TicketIssue};
use crate::{DecodeError, SignError, Signature, Signer, verify_signature};

const PROOF_CONTEXT: &[u8] = b"hopluu/join/1\n";
const REQUEST_CONTEXT: &[u8] = b"hopluu/join-request/1\n";
const REPLY_CONTEXT: &[u8] = b"hopluu/join-reply/1\n";

const REQUEST_LAYOUT: Layout = Layout {
    what: "join request",
    version: 1,
    bytes_max: JOIN_BYTES_MAX,
};

const REPLY_LAYOUT: Layout = Layout {
    what: "join reply",
    version: 1,
    bytes_max: JOIN_BYTES_MAX,
};

/// Why an issuer lets nobody in. The numbers are part of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum JoinRefusal {
    /// The issuer never gave out this ticket, or has forgotten it.
    #[error("the issuer does not know this ticket")]
    UnknownTicket,
    /// Its time is over.
    #[error("the ticket has expired")]
    Expired,
    /// Another node has joined by it.
    #[error("the ticket has been used by another node")]
    Used,
    /// The key or the secret is not proven.
    #[error("the request does not prove its key and its ticket")]
    WrongProof,
    /// Too many callers just now.
    #[error("the issuer is busy, try again later")]
    Busy,
    /// The request could not be read.
    #[error("the issuer could not read the request")]
    Malformed,
    /// The issuer has no certificate that may issue, or the unit does not lie below it.
    #[error("the issuer may not certify this unit")]
    NotAllowed,
    /// A reason of a newer program.
    #[error("refused for reason {0} of a newer program")]
    Unknown(u8),
}

impl JoinRefusal {
    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::UnknownTicket => 1,
            Self::Expired => 2,
            Self::Used => 3,
            Self::WrongProof => 4,
            Self::Busy => 5,
            Self::Malformed => 6,
            Self::NotAllowed => 7,
            Self::Unknown(number) => number,
        }
    }

    /// The reason behind a number.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        match number {
            1 => Self::UnknownTicket,
            2 => Self::Expired,
            3 => Self::Used,
            4 => Self::WrongProof,
            5 => Self::Busy,
            6 => Self::Malformed,
            7 => Self::NotAllowed,
            other => Self::Unknown(other),
        }
    }

    /// Busy passes by itself; everything else needs another ticket.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Busy => Fault::Local,
            _ => Fault::Config,
        }
    }
}

impl Serialize for JoinRefusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for JoinRefusal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_number(u8::deserialize(deserializer)?))
    }
}

/// What a joiner sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// Which ticket.
    pub ticket: TicketId,
    /// The key to be certified.
    pub node: NodeId,
    proof: Signature,
    mac: [u8; 32],
}

impl JoinRequest {
    /// Asks to be let in by a ticket.
    #[must_use]
    pub fn new(ticket: &Ticket, signer: &Signer) -> Self {
        let (id, node) = (ticket.secret.id(), signer.node_id());
        let mut request = Self {
            ticket: id,
            node,
            proof: signer.sign(&proof_message(&id, &node, &ticket.issuer)),
            mac: [0; 32],
        };
        request.mac = *request.expected_mac(&ticket.secret.join_key()).as_bytes();
        request
    }

    /// The canonical bytes, which are all that is sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        REQUEST_LAYOUT.encode(self)
    }

    /// Reads a request; nothing in it is proven yet.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no request or over the bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        REQUEST_LAYOUT.decode(bytes)
    }

    /// The issuer's check, in the order that tells a stranger least: the secret first, then the key,
    /// the use and the time. `at` is the latest time the issuer has evidence of.
    ///
    /// # Errors
    /// [`JoinRefusal`], which goes into the reply as it is.
    pub fn verify(
        &self,
        issue: &TicketIssue,
        issuer: &NodeId,
        at: Option<Timestamp>,
    ) -> Result<(), JoinRefusal> {
        if self.ticket != issue.id {
            return Err(JoinRefusal::UnknownTicket);
        }
        // The comparison of BLAKE3 hashes takes the same time wherever they differ.
        if self.expected_mac(&issue.key) != self.mac {
            return Err(JoinRefusal::WrongProof);
        }
        let message = proof_message(&self.ticket, &self.node, issuer);
        verify_signature(&self.node, &message, &self.proof).map_err(|_| JoinRefusal::WrongProof)?;
        match issue.used_by {
            // It joined in time; only the answer got lost.
            Some(node) if node == self.node => return Ok(()),
            Some(_) => return Err(JoinRefusal::Used),
            None => {}
        }
        match at {
            Some(now) if now >= issue.expires => Err(JoinRefusal::Expired),
            _ => Ok(()),
        }
    }

    fn expected_mac(&self, key: &JoinKey) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&key.0);
        hasher.update(REQUEST_CONTEXT);
        hasher.update(&self.ticket.0);
        hasher.update(&self.node.0);
        hasher.update(&self.proof.0);
        hasher.finalize()
    }
}

/// What is signed names the issuer too, so that a request is good at one place only.
fn proof_message(ticket: &TicketId, node: &NodeId, issuer: &NodeId) -> Vec<u8> {
    [PROOF_CONTEXT, &ticket.0, &node.0, &issuer.0].concat()
}

/// An answer that lets nobody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The issuer said no.
    #[error(transparent)]
    Refused(#[from] JoinRefusal),
    /// The bytes are no answer.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It does not come from who knows the ticket, or answers another request.
    #[error("the answer is not proven by the ticket's secret")]
    NotProven,
    /// The certificate it brings leads nowhere.
    #[error("the certificate in the answer does not hold")]
    Chain(#[source] ChainError),
    /// The certificate is somebody else's.
    #[error("the certificate in the answer is for {found:?}, the ticket promised {promised:?}")]
    OtherPlace {
        /// Who it is for.
        found: Box<Place>,
        /// Who it should be for.
        promised: Box<Place>,
    },
}

impl JoinError {
    /// A refusal is for the person with the ticket; everything else is the other side's.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Refused(refusal) => refusal.fault(),
            _ => Fault::Peer,
        }
    }
}

/// What the joiner has won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Its own place, as certified.
    pub identity: Identity,
    /// Its chain, leaf first, root last, to be kept and presented on every link.
    pub chain: Vec<Vec<u8>>,
}

/// The answers an issuer gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinReply {
    /// Let in: the new node's chain, leaf first, root last.
    Granted(Vec<Vec<u8>>),
    /// Not let in.
    Refused(JoinRefusal),
}

#[derive(Serialize, Deserialize)]
struct ReplyWire {
    reply: JoinReply,
    mac: Option<[u8; 32]>,
}

impl JoinReply {
    /// The bytes of the answer to a request whose ticket the issuer knows.
    ///
    /// # Errors
    /// [`SignError`] when the chain is over its bounds.
    pub fn encode(&self, request: &JoinRequest, issue: &TicketIssue) -> Result<Vec<u8>, SignError> {
        if let Self::Granted(chain) = self {
            REPLY_LAYOUT.bound_signed("certificates", chain.len(), CHAIN_CERTS_MAX)?;
        }
        let bytes = REPLY_LAYOUT.encode(&ReplyWire {
            reply: self.clone(),
            mac: Some(*self.expected_mac(request, &issue.key).as_bytes()),
        });
        REPLY_LAYOUT.size_signed(bytes.len())?;
        Ok(bytes)
    }

    /// The bytes of a refusal where there is no ticket to prove it by: the request was not readable
    /// or names none of ours. TLS still says who refuses.
    #[must_use]
    pub fn refuse(refusal: JoinRefusal) -> Vec<u8> {
        REPLY_LAYOUT.encode(&ReplyWire {
            reply: Self::Refused(refusal),
            mac: None,
        })
    }

    /// The joiner's check: the answer is to this request, from who knows the ticket, and its
    /// certificate is for our key at the promised place, under the promised root. Expiry is not asked:
    /// a joiner has no evidence of the time yet.
    ///
    /// # Errors
    /// [`JoinError`] when any of that fails, or the issuer refused.
    pub fn open(bytes: &[u8], ticket: &Ticket, request: &JoinRequest) -> Result<Joined, JoinError> {
        let ReplyWire { reply, mac } = REPLY_LAYOUT.decode(bytes)?;
        let expected = reply.expected_mac(request, &ticket.secret.join_key());
        let is_proven = mac.is_some_and(|mac| expected == mac);
        let chain = match reply {
            Self::Refused(refusal) if is_proven || mac.is_none() => return Err(refusal.into()),
            Self::Granted(chain) if is_proven => chain,
            _ => return Err(JoinError::NotProven),
        };
        let identity = verify_chain(&chain, &ticket.root, None).map_err(JoinError::Chain)?;
        let promised = Place {
            node: request.node,
            unit: ticket.unit.clone(),
            office: ticket.office.clone(),
        };
        if identity.place != promised {
            return Err(JoinError::OtherPlace {
                found: Box::new(identity.place),
                promised: Box::new(promised),
            });
        }
        Ok(Joined { identity, chain })
    }

    fn expected_mac(&self, request: &JoinRequest, key: &JoinKey) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&key.0);
        hasher.update(REPLY_CONTEXT);
        hasher.update(blake3::hash(&request.encode()).as_bytes());
        hasher.update(&REPLY_LAYOUT.encode(self));
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests;
