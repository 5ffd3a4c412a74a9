//! Why a link ended.

use std::fmt;

use hopluu_model::Fault;
use quinn::{ConnectionError, TransportErrorCode, VarInt};
use rand::TryRng as _;
use rand::rngs::SysRng;

use crate::limits::{FULL_AGAIN_S, REASON_BYTES_MAX, REFUSED_AGAIN_S};

/// What stands before the seconds at the end of a reason.
const AGAIN: &str = "; again in ";

/// A number that tells the peer why a link is closed. Codes below 256 belong to the sync layer, the
/// ones named here to this crate; both travel in the same field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u32);

impl CloseCode {
    /// Nothing is wrong, there is no more to say.
    pub const ENDED: Self = Self(0);
    /// The program stops.
    pub const STOPPING: Self = Self(256);
    /// The caller has no certificate.
    pub const NO_CERTIFICATE: Self = Self(257);
    /// The caller opened no stream in time, or said nothing on it.
    pub const SILENT: Self = Self(258);
    /// Too many callers just now, or too many join calls from one address.
    pub const BUSY: Self = Self(259);
    /// More bytes than the exchange allows.
    pub const TOO_LARGE: Self = Self(260);
    /// Another node answered than the one that was called.
    pub const OTHER_NODE: Self = Self(261);
    /// The program dropped the link without a word.
    pub const DROPPED: Self = Self(262);
    /// The peer was revoked, or somebody in its chain; the reason says why and by whom.
    pub const REVOKED: Self = Self(263);
    /// The peer's certificate, or one above it, has ended by what is known of the time by now.
    pub const EXPIRED: Self = Self(264);

    pub(crate) fn on_wire(self) -> VarInt {
        VarInt::from_u32(self.0)
    }

    /// The reason that goes with this code: whoever is turned away because everything is taken is told when to come
    /// again, each another time.
    #[must_use]
    pub fn last_word(self) -> String {
        let again_s = (self == Self::BUSY).then(|| spread(FULL_AGAIN_S));
        reason(&self, again_s)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "CloseCode({self})")
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ENDED => out.write_str("ended"),
            Self::STOPPING => out.write_str("stopping"),
            Self::NO_CERTIFICATE => out.write_str("no certificate"),
            Self::SILENT => out.write_str("silent"),
            Self::BUSY => out.write_str("busy"),
            Self::TOO_LARGE => out.write_str("too large"),
            Self::OTHER_NODE => out.write_str("other node"),
            Self::DROPPED => out.write_str("dropped"),
            Self::REVOKED => out.write_str("revoked"),
            Self::EXPIRED => out.write_str("expired"),
            Self(code) => write!(out, "code {code}"),
        }
    }
}

/// A reason for people, with the seconds after which a peer may come again at its end: `busy; again in 70 s`.
#[must_use]
pub fn reason(what: &dyn fmt::Display, again_s: Option<u32>) -> String {
    match again_s {
        Some(seconds) => format!("{what}{AGAIN}{seconds} s"),
        None => what.to_string(),
    }
}

/// So many seconds and as much again by chance, so that those who are turned away together come back apart.
fn spread(least: u32) -> u32 {
    // Without a source of chance they all come at the least.
    let drawn = SysRng.try_next_u32().unwrap_or_default();
    least.saturating_add(drawn % least.saturating_add(1))
}

/// Why a link is no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// We closed it.
    #[error("closed here")]
    Local,
    /// The peer closed it.
    #[error("closed by the peer: {code} {text}")]
    Peer {
        /// Why, for programs.
        code: CloseCode,
        /// Why, for people; at most [`REASON_BYTES_MAX`] bytes.
        text: String,
    },
    /// The peer does not accept our certificate chain, or broke off the handshake for another reason.
    #[error("the peer broke off the handshake with TLS alert {alert}")]
    Handshake {
        /// The alert: 45 is expired, 46 refused, 48 a root it does not know.
        alert: u8,
    },
    /// The peer takes no more callers just now.
    #[error("the peer takes no more callers now")]
    Refused,
    /// No word for too long.
    #[error("the peer was silent for too long")]
    TimedOut,
    /// The peer has lost its state, most likely it was restarted.
    #[error("the peer no longer knows the link")]
    Reset,
    /// The peer breaks the rules of QUIC, of TLS or of the one stream.
    #[error("the peer broke the transport's rules: {what}")]
    Protocol {
        /// What the transport says; at most [`REASON_BYTES_MAX`] bytes.
        what: String,
    },
}

impl CloseReason {
    /// A silent or restarted peer is nobody's fault: dial again.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Protocol { .. } => Fault::Peer,
            Self::Handshake { .. } => Fault::Config,
            _ => Fault::Local,
        }
    }
}

impl CloseReason {
    /// In how many seconds to call again, where somebody is there and has no time now: as it says itself, or by chance
    /// where it could say nothing because no handshake was taken.
    #[must_use]
    pub fn again_s(&self) -> Option<u32> {
        match self {
            Self::Peer { text, .. } => {
                let (_, seconds) = text.rsplit_once(AGAIN)?;
                seconds.strip_suffix(" s")?.parse().ok()
            }
            Self::Refused => Some(spread(REFUSED_AGAIN_S)),
            _ => None,
        }
    }
}

impl From<ConnectionError> for CloseReason {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::LocallyClosed => Self::Local,
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::Reset => Self::Reset,
            ConnectionError::ApplicationClosed(close) => {
                let code = u32::try_from(close.error_code.into_inner()).unwrap_or(u32::MAX);
                Self::told(CloseCode(code), &close.reason)
            }
            ConnectionError::ConnectionClosed(close)
                if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
            {
                Self::Refused
            }
            ConnectionError::ConnectionClosed(close) => match alert(close.error_code.into()) {
                Some(alert) => Self::Handshake { alert },
                None => Self::protocol(&close),
            },
            other => Self::protocol(&other),
        }
    }
}

impl From<&std::io::Error> for CloseReason {
    /// How a TLS stream over TCP breaks off.
    fn from(error: &std::io::Error) -> Self {
        let tls = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::AlertReceived(alert)) => Self::Handshake {
                alert: u8::from(*alert),
            },
            Some(other) => Self::protocol(other),
            None if error.kind() == std::io::ErrorKind::TimedOut => Self::TimedOut,
            None => Self::Reset,
        }
    }
}

impl CloseReason {
    /// What a peer says when it closes.
    pub(crate) fn told(code: CloseCode, text: &[u8]) -> Self {
        Self::Peer {
            code,
            text: printable(&String::from_utf8_lossy(text)),
        }
    }

    pub(crate) fn protocol(what: &dyn fmt::Display) -> Self {
        Self::Protocol {
            what: printable(&what.to_string()),
        }
    }
}

/// The TLS alert in a QUIC error code (RFC 9001, section 4.8).
fn alert(code: u64) -> Option<u8> {
    u8::try_from(code.checked_sub(0x100)?).ok()
}

/// A peer's words, cut and without what could move a terminal's cursor.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if shown.len() + c.len_utf8() > REASON_BYTES_MAX {
            break;
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_to_come_again_is_read_from_the_end_of_a_reason() {
        let told = |text: &str| CloseReason::told(CloseCode::BUSY, text.as_bytes()).again_s();
        assert_eq!(told(&reason(&CloseCode::BUSY, Some(70))), Some(70));
        assert_eq!(told("no; again in 1 s; again in 2 s"), Some(2));
        for none in [
            "busy",
            "; again in ",
            "; again in -1 s",
            "; again in 4294967296 s",
            "again in 5 s",
        ] {
            assert_eq!(told(none), None, "{none}");
        }
        let waits: Vec<u32> = (0..64)
            .map(|_| told(&CloseCode::BUSY.last_word()).unwrap())
            .collect();
        assert!(
            waits
                .iter()
                .all(|wait| (FULL_AGAIN_S..=2 * FULL_AGAIN_S).contains(wait))
        );
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
        assert_eq!(told(&CloseCode::STOPPING.last_word()), None);
    }

    #[test]
    fn words_of_a_peer_are_cut_and_harmless() {
        assert_eq!(printable("a\x1b[2Jb"), "a [2Jb");
        assert_eq!(printable(&"ộ".repeat(100)).len(), 198);
        assert_eq!(alert(0x100 + 48), Some(48));
        assert_eq!(alert(0x0a), None);
        assert_eq!(alert(0x200), None);
    }
}
