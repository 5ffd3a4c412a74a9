//! Who a node is and what it has signed: keys, certificate chains, tickets, seals, records.
//!
//! ```text
//! Ticket --JoinRequest/JoinReply--> chain --verify_chain--> Identity
//! Signer --signs--> Seal (over a change) · Record (certificate, form, tree, receipt ..)
//! ```
//! Everything here is pure: bytes and times come in as arguments, a verdict comes out. Nothing draws
//! random numbers, asks a clock, opens a socket or looks into a document. What is decoded is bounded
//! first ([`limits`]) and has one spelling only: bytes that do not encode back to themselves are
//! refused, so a hash names one object.
//!
//! Start at [`verify_chain`], [`Record`] and [`Seal`].

pub mod limits;

mod codec;
mod receipt;
mod record;
mod seal;
mod signer;
mod ticket;

pub use codec::DecodeError;
pub use receipt::{Receipt, ReceiptError};
pub use record::{Record, RecordKind};
pub use seal::{Seal, SealError};
pub use signer::{KeyError, Signature, SignatureError, Signer, verify_signature};
pub use ticket::{JoinKey, Ticket, TicketError, TicketId, TicketIssue, TicketSecret};
