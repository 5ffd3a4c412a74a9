//! One X.509 certificate: what it says about a node, read strictly.

use hopluu_model::{Fault, NodeId, OfficeId, Place, Timestamp, UnitId};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{
    OID_SIG_ED25519, OID_X509_COMMON_NAME, OID_X509_ORGANIZATION_NAME, OID_X509_ORGANIZATIONAL_UNIT,
};
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AlgorithmIdentifier, X509Name, X509Version};

use crate::Signature;
use crate::limits::CERT_BYTES_MAX;

/// The organisation in every subject: it tells our certificates from others at a glance.
pub const ORGANISATION: &str = "Hop Luu";

/// What stands between the signed part and the 64 bytes of the signature: the algorithm Ed25519 without
/// parameters and the head of a bit string without unused bits.
const SIGNATURE_HEAD: [u8; 10] = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x41, 0x00];

/// A certificate that is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Refused before it is parsed.
    #[error("a certificate of {bytes} bytes is over the bound of {CERT_BYTES_MAX}")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not DER of an X.509 v3 certificate, or something follows it.
    #[error("not an X.509 v3 certificate in DER")]
    Malformed,
    /// Another algorithm than Ed25519 for key or signature.
    #[error("key or signature of the certificate is not Ed25519")]
    Algorithm,
    /// The public key is not a usable point.
    #[error("the public key of the certificate is not a usable Ed25519 key")]
    Key,
    /// A part of the subject is missing, there twice, or breaks its grammar.
    #[error("the {part} in the certificate's subject is missing, repeated or not readable")]
    Subject {
        /// Which part.
        part: &'static str,
    },
    /// A critical extension that this program does not know, or one that is there twice.
    #[error("the certificate has a critical, damaged or repeated extension {oid}")]
    Extension {
        /// Which one.
        oid: String,
    },
    /// An office that may issue: units issue, offices do not.
    #[error("the certificate of office `{office}` claims to be allowed to issue others")]
    OfficeIssues {
        /// The office.
        office: OfficeId,
    },
}

impl CertificateError {
    /// Whoever presented it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// What one certificate says. It is true only as part of a chain that [`crate::verify_chain`] accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The node, its unit and its office.
    pub place: Place,
    /// Whether it may issue certificates to others: main nodes may, offices never.
    pub may_issue: bool,
    /// When it was made to begin. Shown, never enforced; see [`crate::verify_chain`].
    pub not_before: Timestamp,
    /// From when on it holds no longer.
    pub not_after: Timestamp,
}

/// A certificate with the parts that a chain is checked by.
pub(crate) struct Parsed {
    pub(crate) identity: Identity,
    pub(crate) subject: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) path_len: Option<u32>,
    pub(crate) tbs: Vec<u8>,
    pub(crate) signature: Signature,
}

/// Reads what a certificate says, without asking who signed it.
///
/// # Errors
/// [`CertificateError`] when it is not one of ours.
pub fn read_certificate(der: &[u8]) -> Result<Identity, CertificateError> {
    Ok(parse(der)?.identity)
}

pub(crate) fn parse(der: &[u8]) -> Result<Parsed, CertificateError> {
    if der.len() > CERT_BYTES_MAX {
        return Err(CertificateError::TooLarge { bytes: der.len() });
    }
    let (rest, certificate) =
        X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
    let tbs = &certificate.tbs_certificate;
    if !rest.is_empty() || tbs.version != X509Version::V3 {
        return Err(CertificateError::Malformed);
    }
    check_algorithm(&certificate.signature_algorithm)?;
    check_algorithm(&tbs.signature)?;
    check_algorithm(&tbs.subject_pki.algorithm)?;
    let signature = <[u8; 64]>::try_from(certificate.signature_value.data.as_ref())
        .map_err(|_| CertificateError::Algorithm)?;
    if !is_canonical(der, tbs.as_ref(), &signature) {
        return Err(CertificateError::Malformed);
    }
    let node = read_key(&tbs.subject_pki.subject_public_key.data)?;
    let (unit, office) = read_subject(&tbs.subject)?;
    let (may_issue, path_len) = read_extensions(&certificate)?;
    if let (true, Some(office)) = (may_issue, &office) {
        return Err(CertificateError::OfficeIssues {
            office: office.clone(),
        });
    }
    let instant = |seconds: i64| Timestamp(seconds.saturating_mul(1000));
    Ok(Parsed {
        identity: Identity {
            place: Place { node, unit, office },
            may_issue,
            not_before: instant(tbs.validity.not_before.timestamp()),
            not_after: instant(tbs.validity.not_after.timestamp()),
        },
        subject: tbs.subject.as_raw().to_vec(),
        issuer: tbs.issuer.as_raw().to_vec(),
        path_len,
        tbs: tbs.as_ref().to_vec(),
        signature: Signature(signature),
    })
}

/// Whether the bytes around the signed part are the only ones that DER allows there. The signature
/// covers the signed part alone, and the parser is lenient about the rest; without this check one
/// certificate would have many spellings.
fn is_canonical(der: &[u8], tbs: &[u8], signature: &[u8; 64]) -> bool {
    let tail_bytes = SIGNATURE_HEAD.len() + signature.len();
    let Some((body, tail)) = der.split_at_checked(der.len().saturating_sub(tail_bytes)) else {
        return false;
    };
    let Ok(len) = u16::try_from(tbs.len() + tail_bytes) else {
        return false;
    };
    let [high, low] = len.to_be_bytes();
    // Every certificate of ours is longer than 255 bytes, so its length takes two.
    body.strip_prefix(&[0x30, 0x82, high, low]) == Some(tbs)
        && high > 0
        && tail.strip_prefix(&SIGNATURE_HEAD) == Some(signature.as_slice())
}

fn check_algorithm(algorithm: &AlgorithmIdentifier<'_>) -> Result<(), CertificateError> {
    if algorithm.algorithm == OID_SIG_ED25519 && algorithm.parameters.is_none() {
        Ok(())
    } else {
        Err(CertificateError::Algorithm)
    }
}

fn read_key(bytes: &[u8]) -> Result<NodeId, CertificateError> {
    let node = NodeId::try_from(bytes).map_err(|_| CertificateError::Algorithm)?;
    match ed25519_dalek::VerifyingKey::from_bytes(&node.0) {
        Ok(key) if !key.is_weak() => Ok(node),
        _ => Err(CertificateError::Key),
    }
}

fn read_subject(subject: &X509Name<'_>) -> Result<(UnitId, Option<OfficeId>), CertificateError> {
    let (mut organisation, mut unit, mut office) = (None, None, None);
    for attribute in subject.iter_attributes() {
        let oid = attribute.attr_type();
        let (part, slot) = if *oid == OID_X509_ORGANIZATION_NAME {
            ("organisation", &mut organisation)
        } else if *oid == OID_X509_COMMON_NAME {
            ("unit", &mut unit)
        } else if *oid == OID_X509_ORGANIZATIONAL_UNIT {
            ("office", &mut office)
        } else {
            return Err(CertificateError::Subject { part: "name" });
        };
        let refuse = || CertificateError::Subject { part };
        let text = attribute.as_str().map_err(|_| refuse())?;
        if slot.replace(text).is_some() {
            return Err(refuse());
        }
    }
    if organisation != Some(ORGANISATION) {
        return Err(CertificateError::Subject {
            part: "organisation",
        });
    }
    let unit = unit
        .and_then(|text| text.parse().ok())
        .ok_or(CertificateError::Subject { part: "unit" })?;
    let office = office
        .map(str::parse)
        .transpose()
        .map_err(|_| CertificateError::Subject { part: "office" })?;
    Ok((unit, office))
}

/// Whether the certificate may issue, and how deep. An extension we do not know is skipped unless it
/// is critical: then its issuer meant a limit that we would not keep.
fn read_extensions(
    certificate: &X509Certificate<'_>,
) -> Result<(bool, Option<u32>), CertificateError> {
    let (mut constraints, mut signs) = (None, None);
    let mut seen = Vec::new();
    for extension in certificate.extensions() {
        let refuse = || CertificateError::Extension {
            oid: extension.oid.to_id_string(),
        };
        if seen.contains(&&extension.oid) {
            return Err(refuse());
        }
        seen.push(&extension.oid);
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(read) => constraints = Some(read),
            ParsedExtension::KeyUsage(read) => signs = Some(read.key_cert_sign()),
            ParsedExtension::ParseError { .. } => return Err(refuse()),
            _ if extension.critical => return Err(refuse()),
            _ => {}
        }
    }
    let may_issue = constraints.is_some_and(|read| read.ca) && signs != Some(false);
    Ok((
        may_issue,
        constraints.and_then(|read| read.path_len_constraint),
    ))
}
