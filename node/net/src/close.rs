//! Why a link ended.

use std::fmt;

use hopluu_model::Fault;
use quinn::{ConnectionError, TransportErrorCode, VarInt};

use crate::limits::REASON_BYTES_MAX;

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

    pub(crate) fn on_wire(self) -> VarInt {
        VarInt::from_u32(self.0)
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
            Self(code) => write!(out, "code {code}"),
        }
    }
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
    fn words_of_a_peer_are_cut_and_harmless() {
        assert_eq!(printable("a\x1b[2Jb"), "a [2Jb");
        assert_eq!(printable(&"ộ".repeat(100)).len(), 198);
        assert_eq!(alert(0x100 + 48), Some(48));
        assert_eq!(alert(0x0a), None);
        assert_eq!(alert(0x200), None);
    }
}
