//! Keys are drawn and certificates written here; `hopluu-trust` reads them.

use std::time::Duration;

use hopluu_model::{Fault, NodeId, OfficeId, Place, Timestamp, UnitId};
use hopluu_trust::{
    ChainError, Identity, ORGANISATION, Signer, fingerprint, read_certificate, verify_line,
};
use rand::TryRng as _;
use rand::rngs::SysRng;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyIdMethod,
    KeyUsagePurpose, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey, date_time_ymd,
};
use zeroize::Zeroizing;

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct RandomError(#[source] rand::rngs::SysError);

impl RandomError {
    /// This machine's.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Local
    }
}

/// A certificate that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The signer's own chain does not hold.
    #[error("the issuer's own chain does not hold")]
    OwnChain(#[source] ChainError),
    /// The signer's chain belongs to another key.
    #[error("the issuer's chain belongs to another key")]
    OtherKey,
    /// Nobody would accept what it issues: an office, or a unit that may not issue.
    #[error("the issuer may not issue certificates")]
    MayNotIssue,
    /// Nobody would accept the certificate, for example because the chain gets too long.
    #[error("the new chain would not hold")]
    NewChain(#[source] ChainError),
    /// The writer refused.
    #[error("the certificate cannot be written")]
    Write(#[source] rcgen::Error),
}

impl IssueError {
    /// What a person asked for does not go.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Write(_) => Fault::Bug,
            _ => Fault::Config,
        }
    }
}

/// Fills bytes from the operating system's randomness.
///
/// # Errors
/// [`RandomError`] when there is none.
pub fn draw(bytes: &mut [u8]) -> Result<(), RandomError> {
    SysRng.try_fill_bytes(bytes).map_err(RandomError)
}

/// Draws a fresh key from the operating system's randomness.
///
/// # Errors
/// [`RandomError`] when there is none.
pub fn generate() -> Result<Signer, RandomError> {
    let mut seed = Zeroizing::new([0; 32]);
    draw(seed.as_mut_slice())?;
    Ok(Signer::from_seed(&seed))
}

/// Writes the self-signed certificate of a root: the main node of the unit where trust begins. Its
/// fingerprint is [`hopluu_trust::fingerprint`] of these bytes.
///
/// # Errors
/// [`IssueError`] when nobody would accept it.
pub fn write_root(
    signer: &Signer,
    unit: &UnitId,
    not_after: Timestamp,
) -> Result<Vec<u8>, IssueError> {
    let place = Place {
        node: signer.node_id(),
        unit: unit.clone(),
        office: None,
    };
    let key = IssuerKey::new(signer);
    let params = certificate(&place, not_after);
    let der = params
        .self_signed(&key)
        .map_err(IssueError::Write)?
        .der()
        .to_vec();
    let chain = [der];
    verify_line(&chain, &root_of(&chain), None).map_err(IssueError::NewChain)?;
    let [der] = chain;
    Ok(der)
}

/// Who gets a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The key to be certified, proven by its holder.
    pub node: NodeId,
    /// Its unit, at or below the issuer's: the caller has asked the tree.
    pub unit: UnitId,
    /// Its office; none for the unit's main node, which alone may issue further.
    pub office: Option<OfficeId>,
    /// Until when it holds.
    pub not_after: Timestamp,
}

/// Issues a certificate below the signer's own chain (leaf first, root last) and returns the new
/// node's whole chain in the same order. The same input gives the same bytes, so asking twice after a
/// lost answer does no harm.
///
/// # Errors
/// [`IssueError`] when the signer may not issue or nobody would accept the result.
pub fn issue(
    signer: &Signer,
    chain: &[Vec<u8>],
    subject: &Subject,
) -> Result<Vec<Vec<u8>>, IssueError> {
    let root = root_of(chain);
    let line = verify_line(chain, &root, None).map_err(IssueError::OwnChain)?;
    let issuer = line.first().ok_or(IssueError::MayNotIssue)?;
    if issuer.place.node != signer.node_id() {
        return Err(IssueError::OtherKey);
    }
    if !issuer.may_issue {
        return Err(IssueError::MayNotIssue);
    }
    let place = Place {
        node: subject.node,
        unit: subject.unit.clone(),
        office: subject.office.clone(),
    };
    let issuer_params = certificate(&issuer.place, issuer.not_after);
    let by = Issuer::from_params(&issuer_params, IssuerKey::new(signer));
    let der = certificate(&place, subject.not_after)
        .signed_by(&SubjectKey(subject.node), &by)
        .map_err(IssueError::Write)?
        .der()
        .to_vec();
    let mut new = vec![der];
    new.extend_from_slice(chain);
    verify_line(&new, &root, None).map_err(IssueError::NewChain)?;
    Ok(new)
}

/// What the leaf of a chain says, for those who hold a chain of their own.
///
/// # Errors
/// [`IssueError::OwnChain`] when it cannot be read.
pub fn own_identity(chain: &[Vec<u8>]) -> Result<Identity, IssueError> {
    let leaf = chain
        .first()
        .ok_or(IssueError::OwnChain(ChainError::Empty))?;
    read_certificate(leaf)
        .map_err(|source| IssueError::OwnChain(ChainError::Certificate { at: 0, source }))
}

fn root_of(chain: &[Vec<u8>]) -> hopluu_model::Digest {
    fingerprint(chain.last().map_or(&[], Vec::as_slice))
}

/// A certificate's content: everything in it follows from the arguments.
fn certificate(place: &Place, not_after: Timestamp) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, ORGANISATION);
    if let Some(office) = &place.office {
        name.push(DnType::OrganizationalUnitName, office.as_str());
    }
    name.push(DnType::CommonName, place.unit.to_string());
    let seconds = u64::try_from(not_after.0.div_euclid(1000)).unwrap_or(0);
    let mut params = CertificateParams::default();
    // Never enforced (clocks are wrong), so one early day for all: older than any node's certificate.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.min(LAST_SECOND));
    params.serial_number = Some(serial(place, not_after));
    params.distinguished_name = name;
    // Eight bytes of the key say as much here as the usual twenty of its hash, on every handshake.
    let key_id = place.node.0.iter().take(8).copied().collect();
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_id);
    if place.office.is_none() {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyCertSign,
        ];
    }
    params
}

/// 9999-12-31T23:59:59Z, the last second X.509 can write: "no expiry" in RFC 5280.
const LAST_SECOND: u64 = 253_402_300_799;

/// Eight bytes of a hash over all that tells two certificates of one issuer apart.
fn serial(place: &Place, not_after: Timestamp) -> SerialNumber {
    let office = place.office.as_ref().map_or("", OfficeId::as_str);
    let text = format!("{}/{office}/{}/{}", place.unit, place.node, not_after.0);
    let digest = fingerprint(text.as_bytes());
    let mut bytes: Vec<u8> = digest.0.iter().take(8).copied().collect();
    if let Some(first) = bytes.first_mut() {
        // Positive, and of the same length for every certificate.
        *first = *first & 0x7f | 0x40;
    }
    SerialNumber::from(bytes)
}

struct SubjectKey(NodeId);

impl PublicKeyData for SubjectKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

struct IssuerKey<'a> {
    signer: &'a Signer,
    node: NodeId,
}

impl<'a> IssuerKey<'a> {
    fn new(signer: &'a Signer) -> Self {
        Self {
            signer,
            node: signer.node_id(),
        }
    }
}

impl PublicKeyData for IssuerKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.node.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ED25519
    }
}

impl SigningKey for IssuerKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.signer.sign(message).0.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use hopluu_trust::verify_chain;

    use super::*;

    const NOT_AFTER: Timestamp = Timestamp(1_900_000_000_000);

    fn signer(seed: u8) -> Signer {
        Signer::from_seed(&[seed; 32])
    }

    fn subject(seed: u8, unit: &str, office: Option<&str>) -> Subject {
        Subject {
            node: signer(seed).node_id(),
            unit: unit.parse().unwrap(),
            office: office.map(|office| office.parse().unwrap()),
            not_after: NOT_AFTER,
        }
    }

    #[test]
    fn issued_chain_holds_and_is_the_same_every_time() {
        let root = write_root(&signer(1), &"45@2020-01-01".parse().unwrap(), NOT_AFTER).unwrap();
        let district = subject(2, "465@2020-01-01", None);
        let chain = issue(&signer(1), std::slice::from_ref(&root), &district).unwrap();
        let commune = subject(3, "19429@2020-02-01", None);
        let chain = issue(&signer(2), &chain, &commune).unwrap();
        let office = subject(4, "19429@2020-02-01", Some("police"));
        let chain = issue(&signer(3), &chain, &office).unwrap();
        let identity = verify_chain(&chain, &fingerprint(&root), Some(NOT_AFTER)).unwrap();
        assert_eq!(identity.place.node, signer(4).node_id());
        assert_eq!(identity.not_after, NOT_AFTER);
        assert_eq!(issue(&signer(3), &chain[1..], &office).unwrap(), chain);
        let bytes: usize = chain.iter().map(Vec::len).sum();
        assert!(bytes < 1350, "{bytes}");
        assert_eq!(own_identity(&chain).unwrap(), identity);
    }

    #[test]
    fn who_may_not_issue_cannot() {
        let root = write_root(&signer(1), &"45@2020-01-01".parse().unwrap(), NOT_AFTER).unwrap();
        let office = subject(2, "45@2020-01-01", Some("police"));
        let chain = issue(&signer(1), std::slice::from_ref(&root), &office).unwrap();
        let below = subject(3, "19429@2020-02-01", None);
        assert!(matches!(
            issue(&signer(2), &chain, &below),
            Err(IssueError::MayNotIssue)
        ));
        assert!(matches!(
            issue(&signer(9), std::slice::from_ref(&root), &below),
            Err(IssueError::OtherKey)
        ));
        assert!(matches!(
            issue(&signer(1), &[], &below),
            Err(IssueError::OwnChain(_))
        ));
        // The root's own key cannot be certified below itself.
        assert!(matches!(
            issue(&signer(1), &[root], &subject(1, "465@2020-01-01", None)),
            Err(IssueError::NewChain(ChainError::Loop { .. }))
        ));
    }

    #[test]
    fn drawn_keys_differ() {
        assert_ne!(generate().unwrap().node_id(), generate().unwrap().node_id());
    }
}
