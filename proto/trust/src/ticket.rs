//! Tickets: how a new node is let in once, by text or QR code.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hopluu_model::{Digest, Fault, NodeId, OfficeId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use crate::DecodeError;
use crate::codec::Layout;
use crate::limits::{
    TICKET_ADDR_BYTES_MAX, TICKET_ADDRS_MAX, TICKET_BYTES_MAX, TICKET_TEXT_BYTES_MAX,
};

/// What every ticket begins with; the digit is the version of the text form.
const PREFIX: &str = "HOPLUU";
const TEXT_VERSION: &str = "1";

/// Bytes of the checksum: one damaged ticket in four thousand million passes for a whole one.
const CHECKSUM_BYTES: usize = 4;

const CHECKSUM_CONTEXT: &str = "hopluu 2026 ticket checksum 1";
const ID_CONTEXT: &str = "hopluu 2026 ticket id 1";
const KEY_CONTEXT: &str = "hopluu 2026 ticket join key 1";

const LAYOUT: Layout = Layout {
    what: "ticket",
    version: 1,
    bytes_max: TICKET_BYTES_MAX,
};

const ISSUE_LAYOUT: Layout = Layout {
    what: "issued ticket",
    version: 1,
    bytes_max: TICKET_BYTES_MAX,
};

/// A text that is no usable ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// It does not begin like one.
    #[error("not a ticket: a ticket begins with HOPLUU1-")]
    NotATicket,
    /// From a newer program.
    #[error("the ticket is of version {0}, this program reads version 1")]
    Version(String),
    /// Cut, mistyped or broken by whatever passed it on.
    #[error("the ticket is garbled: its checksum does not hold")]
    Garbled,
    /// Far longer than any ticket.
    #[error("the text is too long for a ticket")]
    TooLong,
    /// The checksum holds, but the content breaks a rule.
    #[error(transparent)]
    Content(#[from] DecodeError),
    /// An address in it is empty, too long or has other than plain printable characters.
    #[error("`{0}` is not an address that a ticket can carry")]
    Address(String),
}

impl TicketError {
    /// A person typed or pasted it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// 16 random bytes that let their bearer in once. Never printed but inside a ticket.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketSecret(pub [u8; 16]);

impl fmt::Debug for TicketSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TicketSecret(..)")
    }
}

/// A ticket's public name, derived from its secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TicketId(pub [u8; 16]);

impl fmt::Display for TicketId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TicketId({self})")
    }
}

/// The key both sides derive from the secret; it authenticates the join exchange.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinKey(pub(crate) [u8; 32]);

impl fmt::Debug for JoinKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JoinKey(..)")
    }
}

impl TicketSecret {
    /// The ticket's name.
    #[must_use]
    pub fn id(&self) -> TicketId {
        let derived = blake3::derive_key(ID_CONTEXT, &self.0);
        let mut id = [0; 16];
        id.copy_from_slice(derived.split_at(16).0);
        TicketId(id)
    }

    /// The key of the join exchange.
    #[must_use]
    pub fn join_key(&self) -> JoinKey {
        JoinKey(blake3::derive_key(KEY_CONTEXT, &self.0))
    }
}

/// What a joiner is given: where to call, whom to believe, and the secret that lets it in once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Where the issuer answers, `host:port`, best first.
    pub addrs: Vec<String>,
    /// Fingerprint of the root certificate: BLAKE3 of its DER.
    pub root: Digest,
    /// The node that issued it; nobody else may answer.
    pub issuer: NodeId,
    /// What lets the bearer in.
    pub secret: TicketSecret,
    /// The unit the new node will work for.
    pub unit: UnitId,
    /// Its office, none for the unit's main node.
    pub office: Option<OfficeId>,
    /// Until when the issuer takes it, by the issuer's time.
    pub expires: Timestamp,
}

impl Ticket {
    /// The ticket as text: capital letters, digits and one hyphen, which a QR code packs tightest.
    ///
    /// # Errors
    /// [`TicketError`] when the addresses break their bounds.
    pub fn encode(&self) -> Result<String, TicketError> {
        self.check()?;
        let mut bytes = LAYOUT.encode(self);
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        Ok(format!(
            "{PREFIX}{TEXT_VERSION}-{}",
            BASE32_NOPAD.encode(&bytes)
        ))
    }

    /// Reads a ticket however it was passed on: line breaks, spaces and hyphens are skipped, small
    /// letters read as capitals, and digits that base32 lacks as the letters they look like.
    ///
    /// # Errors
    /// [`TicketError`] says whether it is no ticket, a garbled one, or one of a newer program.
    pub fn decode(text: &str) -> Result<Self, TicketError> {
        if text.len() > TICKET_TEXT_BYTES_MAX {
            return Err(TicketError::TooLong);
        }
        let (head, body) = text.trim().split_once('-').ok_or(TicketError::NotATicket)?;
        let head = head.to_ascii_uppercase();
        let version = head.strip_prefix(PREFIX).ok_or(TicketError::NotATicket)?;
        if version != TEXT_VERSION {
            return Err(TicketError::Version(version.to_owned()));
        }
        let bytes = BASE32_NOPAD
            .decode(base32_letters(body).as_bytes())
            .map_err(|_| TicketError::Garbled)?;
        let (content, sum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(TicketError::Garbled)?;
        if checksum(content) != *sum {
            return Err(TicketError::Garbled);
        }
        let ticket: Self = LAYOUT.decode(content)?;
        ticket.check()?;
        Ok(ticket)
    }

    /// Whether the issuer would no longer take it at this time.
    #[must_use]
    pub fn is_expired(&self, at: Timestamp) -> bool {
        at >= self.expires
    }

    /// What the issuer keeps of it. The secret is not in it, so the ticket cannot be printed again.
    #[must_use]
    pub fn issue(&self) -> TicketIssue {
        TicketIssue {
            id: self.secret.id(),
            key: self.secret.join_key(),
            unit: self.unit.clone(),
            office: self.office.clone(),
            expires: self.expires,
            used_by: None,
        }
    }

    fn check(&self) -> Result<(), TicketError> {
        LAYOUT.bound("addresses", self.addrs.len(), TICKET_ADDRS_MAX)?;
        for addr in &self.addrs {
            let plain = addr.bytes().all(|b| b.is_ascii_graphic());
            if addr.is_empty() || addr.len() > TICKET_ADDR_BYTES_MAX || !plain {
                return Err(TicketError::Address(addr.clone()));
            }
        }
        Ok(())
    }
}

/// A ticket as its issuer keeps it, from the day it is given out; the use is recorded in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketIssue {
    /// The ticket's name, which the joiner says first.
    pub id: TicketId,
    /// Proves that the joiner holds the secret, and to the joiner that we do.
    pub key: JoinKey,
    /// What the new certificate will say.
    pub unit: UnitId,
    /// What the new certificate will say.
    pub office: Option<OfficeId>,
    /// Until when it is taken.
    pub expires: Timestamp,
    /// The node that joined by it. The same node may ask again, because the answer may have got lost.
    pub used_by: Option<NodeId>,
}

impl TicketIssue {
    /// The canonical bytes, for the issuer's store only.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        ISSUE_LAYOUT.encode(self)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        ISSUE_LAYOUT.decode(bytes)
    }
}

/// The letters of base32 in what somebody has typed, pasted or photographed.
pub(crate) fn base32_letters(typed: &str) -> String {
    let letters = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    letters
        .map(|c| match c.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            other => other,
        })
        .collect()
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = blake3::Hasher::new_derive_key(CHECKSUM_CONTEXT);
    hasher.update(bytes);
    let mut sum = [0; CHECKSUM_BYTES];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        Ticket {
            addrs: vec!["127.0.0.1:4650".to_owned()],
            root: Digest([1; 32]),
            issuer: NodeId([2; 32]),
            secret: TicketSecret([3; 16]),
            unit: "19429@2020-02-01".parse().unwrap(),
            office: Some("police".parse().unwrap()),
            expires: Timestamp(1_800_000_000_000),
        }
    }

    #[test]
    fn ticket_survives_how_people_pass_it_on() {
        let text = ticket().encode().unwrap();
        assert_eq!(Ticket::decode(&text).unwrap(), ticket());
        let mut mangled = text.to_lowercase().replace('o', "0");
        mangled.insert_str(40, "\r\n  ");
        mangled.insert(30, '-');
        // The prefix has an `o` too, and it must stay a letter.
        let mangled = mangled.replacen("h0pluu", "hopluu", 1);
        assert_eq!(Ticket::decode(&format!(" {mangled}\n")).unwrap(), ticket());
    }

    #[test]
    fn every_damaged_letter_is_told_as_garbled() {
        let text = ticket().encode().unwrap();
        for at in 8..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'C' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(Ticket::decode(&damaged), Err(TicketError::Garbled), "{at}");
            assert_eq!(
                Ticket::decode(&text[..at]),
                Err(TicketError::Garbled),
                "{at}"
            );
        }
    }

    #[test]
    fn what_is_no_ticket_is_named() {
        assert_eq!(Ticket::decode("xin chào"), Err(TicketError::NotATicket));
        assert_eq!(Ticket::decode(""), Err(TicketError::NotATicket));
        assert_eq!(
            Ticket::decode("HOPLUU2-AA"),
            Err(TicketError::Version("2".to_owned()))
        );
        let long = format!("HOPLUU1-{}", "A".repeat(TICKET_TEXT_BYTES_MAX));
        assert_eq!(Ticket::decode(&long), Err(TicketError::TooLong));
    }

    #[test]
    fn addresses_stay_within_their_bounds() {
        let largest = Ticket {
            addrs: vec!["a".repeat(TICKET_ADDR_BYTES_MAX); TICKET_ADDRS_MAX],
            ..ticket()
        };
        assert_eq!(Ticket::decode(&largest.encode().unwrap()).unwrap(), largest);
        for addrs in [
            vec!["a".to_owned(); TICKET_ADDRS_MAX + 1],
            vec!["a".repeat(TICKET_ADDR_BYTES_MAX + 1)],
            vec![String::new()],
            vec!["a b:1".to_owned()],
        ] {
            assert!(Ticket { addrs, ..ticket() }.encode().is_err());
        }
    }

    #[test]
    fn issuer_keeps_no_secret() {
        let issue = ticket().issue();
        let bytes = issue.encode();
        assert!(!bytes.windows(16).any(|window| window == [3; 16]));
        assert_eq!(TicketIssue::decode(&bytes).unwrap(), issue);
        assert!(!format!("{issue:?} {:?}", ticket()).contains("3, 3"));
        assert!(ticket().is_expired(ticket().expires));
    }
}
