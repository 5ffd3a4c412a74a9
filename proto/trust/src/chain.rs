//! Chains of certificates, leaf first, from a node up to the root of its province.

use hopluu_model::{Digest, Fault, Timestamp, UnitId};

use crate::certificate::{CertificateError, Identity, Parsed, parse};
use crate::codec::Layout;
use crate::limits::{CHAIN_BYTES_MAX, CHAIN_CERTS_MAX};
use crate::{DecodeError, SignError, SignatureError, verify_signature};

const LAYOUT: Layout = Layout {
    what: "certificate chain",
    version: 1,
    bytes_max: CHAIN_BYTES_MAX,
};

/// A chain that makes nobody known. `at` counts certificates from the leaf, which is 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// No certificate at all.
    #[error("the chain has no certificate")]
    Empty,
    /// Longer than any administration is deep.
    #[error("a chain of {certs} certificates is over the bound of {CHAIN_CERTS_MAX}")]
    TooLong {
        /// How many there are.
        certs: usize,
    },
    /// More bytes than a join reply could have carried.
    #[error("a chain of {bytes} bytes is over the bound of {CHAIN_BYTES_MAX}")]
    TooLarge {
        /// Their sum.
        bytes: usize,
    },
    /// It leads to another root than the one we trust.
    #[error("the chain ends at the foreign root {}", .found.short())]
    ForeignRoot {
        /// Fingerprint of what it ends at.
        found: Digest,
    },
    /// One of its certificates cannot be read.
    #[error("certificate {at} of the chain cannot be read")]
    Certificate {
        /// Which one.
        at: usize,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// Two certificates of it belong to one key, so it runs in a circle.
    #[error("certificate {at} of the chain has a key that comes again above it")]
    Loop {
        /// The lower one.
        at: usize,
    },
    /// A certificate signed others but may not.
    #[error("certificate {at} of the chain belongs to a node that may not issue")]
    MayNotIssue {
        /// The issuer.
        at: usize,
    },
    /// A certificate allows fewer levels below it than there are.
    #[error("certificate {at} of the chain does not allow so many levels below it")]
    TooDeep {
        /// The issuer.
        at: usize,
    },
    /// The issuer named in a certificate is not the one above it.
    #[error("certificate {at} of the chain names another issuer than the one above it")]
    OtherIssuer {
        /// The certificate.
        at: usize,
    },
    /// The one above did not sign it.
    #[error("certificate {at} of the chain is not signed by the one above it")]
    Signature {
        /// The certificate.
        at: usize,
        /// Whose signature it should be.
        #[source]
        source: SignatureError,
    },
    /// One of them holds no longer.
    #[error("certificate {at} of the chain, of unit {unit}, expired at {not_after}")]
    Expired {
        /// Which one.
        at: usize,
        /// Whose it is.
        unit: UnitId,
        /// When it expired.
        not_after: Timestamp,
    },
    /// A unit issued for a unit that does not lie below it.
    #[error("unit {unit} is not below {issuer}, which issued its certificate")]
    OutOfLine {
        /// Who was certified.
        unit: UnitId,
        /// Who certified.
        issuer: UnitId,
    },
}

impl ChainError {
    /// The rule it breaks, in one word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } | Self::TooLarge { .. } => "bound",
            Self::ForeignRoot { .. } => "foreign-root",
            Self::Certificate { .. } => "malformed",
            Self::Loop { .. } => "loop",
            Self::MayNotIssue { .. } => "may-not-issue",
            Self::TooDeep { .. } => "too-deep",
            Self::OtherIssuer { .. } => "other-issuer",
            Self::Signature { .. } => "signature",
            Self::Expired { .. } => "expired",
            Self::OutOfLine { .. } => "out-of-line",
        }
    }

    /// Whoever presented it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// The name of a root: BLAKE3 of its certificate's DER. Tickets and homes carry it, so whoever holds
/// it needs no list of authorities.
#[must_use]
pub fn fingerprint(root_der: &[u8]) -> Digest {
    Digest(*blake3::hash(root_der).as_bytes())
}

/// Checks a chain, leaf first and root last, and says whose it is. See [`verify_line`].
///
/// # Errors
/// [`ChainError`] names the first rule it breaks.
pub fn verify_chain(
    chain: &[Vec<u8>],
    root: &Digest,
    at: Option<Timestamp>,
) -> Result<Identity, ChainError> {
    let line = verify_line(chain, root, at)?;
    line.into_iter().next().ok_or(ChainError::Empty)
}

/// Checks a chain, leaf first and root last, and returns everybody in it in the same order.
///
/// `at` is the latest time there is evidence of; without any, expiry is not asked. The beginning of a
/// certificate's validity is *not* enforced: a commune's clock whose battery died says 2009, and a node
/// freshly enrolled would shut itself out; nor does an early beginning protect anybody, because who
/// could use a certificate before its day holds the key anyway.
///
/// # Errors
/// [`ChainError`] names the first rule it breaks. Signatures, which cost most, come last.
pub fn verify_line(
    chain: &[Vec<u8>],
    root: &Digest,
    at: Option<Timestamp>,
) -> Result<Vec<Identity>, ChainError> {
    check_sizes(chain)?;
    let root_der = chain.last().ok_or(ChainError::Empty)?;
    let found = fingerprint(root_der);
    if found != *root {
        return Err(ChainError::ForeignRoot { found });
    }
    let mut line: Vec<Parsed> = Vec::with_capacity(chain.len());
    for (at, der) in chain.iter().enumerate() {
        let parsed = parse(der).map_err(|source| ChainError::Certificate { at, source })?;
        let node = parsed.identity.place.node;
        if let Some(lower) = line.iter().position(|c| c.identity.place.node == node) {
            return Err(ChainError::Loop { at: lower });
        }
        line.push(parsed);
    }
    check_expiry(&line, at)?;
    // The root is its own issuer; everybody else's is the next one.
    let issuers = line.iter().skip(1).chain(line.last());
    for (at, (lower, upper)) in line.iter().zip(issuers).enumerate() {
        check_link(at, lower, upper, line.len())?;
    }
    Ok(line.into_iter().map(|parsed| parsed.identity).collect())
}

/// Checks that everybody in a line lies in the tree at or below whom it was certified by, so that a
/// district can speak for its own communes only. The tree is asked through `is_at_or_below(unit, above)`.
///
/// # Errors
/// [`ChainError::OutOfLine`] for the lowest that does not.
pub fn check_line(
    line: &[Identity],
    is_at_or_below: impl Fn(&UnitId, &UnitId) -> bool,
) -> Result<(), ChainError> {
    for (lower, upper) in line.iter().zip(line.iter().skip(1)) {
        let (unit, issuer) = (&lower.place.unit, &upper.place.unit);
        if !is_at_or_below(unit, issuer) {
            return Err(ChainError::OutOfLine {
                unit: unit.clone(),
                issuer: issuer.clone(),
            });
        }
    }
    Ok(())
}

/// A chain as canonical bytes: the body of a certificate record.
///
/// # Errors
/// [`SignError`] when it is over a bound.
pub fn encode_chain(chain: &[Vec<u8>]) -> Result<Vec<u8>, SignError> {
    LAYOUT.bound_signed("certificates", chain.len(), CHAIN_CERTS_MAX)?;
    let bytes = LAYOUT.encode(&chain);
    LAYOUT.size_signed(bytes.len())?;
    Ok(bytes)
}

/// Reads what [`encode_chain`] wrote; the chain is not verified.
///
/// # Errors
/// [`DecodeError`] when the bytes are no chain or over a bound.
pub fn decode_chain(bytes: &[u8]) -> Result<Vec<Vec<u8>>, DecodeError> {
    let chain: Vec<Vec<u8>> = LAYOUT.decode(bytes)?;
    LAYOUT.bound("certificates", chain.len(), CHAIN_CERTS_MAX)?;
    Ok(chain)
}

fn check_sizes(chain: &[Vec<u8>]) -> Result<(), ChainError> {
    let certs = chain.len();
    if certs > CHAIN_CERTS_MAX {
        return Err(ChainError::TooLong { certs });
    }
    let bytes = chain.iter().map(Vec::len).sum();
    if bytes > CHAIN_BYTES_MAX {
        return Err(ChainError::TooLarge { bytes });
    }
    Ok(())
}

fn check_expiry(line: &[Parsed], at: Option<Timestamp>) -> Result<(), ChainError> {
    let Some(now) = at else { return Ok(()) };
    for (at, Parsed { identity, .. }) in line.iter().enumerate() {
        if now > identity.not_after {
            return Err(ChainError::Expired {
                at,
                unit: identity.place.unit.clone(),
                not_after: identity.not_after,
            });
        }
    }
    Ok(())
}

/// Checks that `upper`, which stands right above certificate `at`, issued it.
fn check_link(at: usize, lower: &Parsed, upper: &Parsed, certs: usize) -> Result<(), ChainError> {
    let upper_at = (at + 1).min(certs - 1);
    if !upper.identity.may_issue {
        return Err(ChainError::MayNotIssue { at: upper_at });
    }
    // RFC 5280: how many issuers may stand between this one and the leaf.
    let between = u32::try_from(upper_at.saturating_sub(1)).unwrap_or(u32::MAX);
    if upper.path_len.is_some_and(|allowed| between > allowed) {
        return Err(ChainError::TooDeep { at: upper_at });
    }
    if lower.issuer != upper.subject {
        return Err(ChainError::OtherIssuer { at });
    }
    verify_signature(&upper.identity.place.node, &lower.tbs, &lower.signature)
        .map_err(|source| ChainError::Signature { at, source })
}

#[cfg(test)]
mod tests;
