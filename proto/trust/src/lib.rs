//! Who a node is and what it has signed: keys, certificate chains, tickets, seals, records.
//!
//! ```text
//! Ticket --JoinRequest/JoinReply--> chain --verify_chain--> Identity
//! Signer --signs--> Seal (over a change) · Record (certificate, form, tree, receipt ..)
//! Record --Grant, Revocation--> Authority --rights--> Rights (what an author may write in a report)
//!        --signs--> Envelope (closed to one node, carried by any)
//!        --signs--> Dossier (all by which a stranger judges one report)
//! Receipt, Word of the root --claim--> Evidence --at--> the time by which certificates expire
//! ```
//! Everything here is pure: bytes and times come in as arguments, a verdict comes out. Nothing draws
//! random numbers, asks a clock, opens a socket or looks into a document. What is decoded is bounded
//! first ([`limits`]) and has one spelling only: bytes that do not encode back to themselves are
//! refused, so a hash names one object.
//!
//! Start at [`verify_chain`], [`Record`], [`Seal`] and [`Authority`].

pub mod limits;

mod authority;
mod certificate;
mod chain;
mod codec;
mod dossier;
mod envelope;
mod evidence;
mod grant;
mod join;
mod person;
mod receipt;
mod record;
mod revocation;
mod seal;
mod sealed;
mod share;
mod signer;
mod ticket;

#[cfg(test)]
mod damage;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod testing;

pub use authority::{Act, Allowed, Author, Authority, Enrolment, Given, Rights, Subject, Void};
pub use certificate::{CertificateError, Identity, ORGANISATION, read_certificate};
pub use chain::{
    ChainError, check_line, decode_chain, encode_chain, fingerprint, verify_chain, verify_line,
};
pub use codec::{DecodeError, SignError};
pub use dossier::{Dossier, DossierError};
pub use envelope::{Address, Envelope, EnvelopeError, EnvelopeId, SetId};
pub use evidence::{Evidence, Month, Word};
pub use grant::{Grant, Reach, Steps};
pub use join::{JoinError, JoinRefusal, JoinReply, JoinRequest, Joined};
pub use person::{AccountName, AccountNameError, Permission, Role, Roles};
pub use receipt::{Receipt, ReceiptError};
pub use record::{Record, RecordKind};
pub use revocation::{Reason, Revocation, Target};
pub use seal::Seal;
pub use sealed::{SALT_BYTES, Sealed, SealedError};
pub use share::{RootShare, ShareError};
pub use signer::{KeyError, Signature, SignatureError, Signer, verify_signature};
pub use ticket::{JoinKey, Ticket, TicketError, TicketId, TicketIssue, TicketSecret};
