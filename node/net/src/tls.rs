//! TLS 1.3 with our own idea of a certificate: every verdict is `hopluu-trust`'s.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hopluu_model::{Digest, ErrorChain, Timestamp};
use hopluu_trust::{
    ChainError, Signature, Signer, read_certificate, verify_chain, verify_signature,
};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureAlgorithm,
    SignatureScheme,
};

/// Protocol of ordinary links.
pub(crate) const LINK_ALPN: &[u8] = b"hopluu/1";

/// Protocol of the one exchange for those who have no certificate yet.
pub(crate) const JOIN_ALPN: &[u8] = b"hopluu-join/1";

/// The name every node is called by in TLS. It is not sent, and who a node is stands in its certificate.
pub(crate) const SERVER_NAME: &str = "hopluu.invalid";

/// The latest time there is evidence of, shared by all handshakes; expiry is judged by it.
#[derive(Debug, Clone)]
pub(crate) struct Evidence(Arc<AtomicI64>);

impl Evidence {
    /// No evidence yet: nothing has expired.
    pub(crate) fn none() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MIN)))
    }

    pub(crate) fn set(&self, at: Timestamp) {
        self.0.store(at.0, Ordering::Relaxed);
    }

    pub(crate) fn at(&self) -> Option<Timestamp> {
        match self.0.load(Ordering::Relaxed) {
            i64::MIN => None,
            at => Some(Timestamp(at)),
        }
    }
}

/// What a node presents in a handshake.
#[derive(Debug, Clone)]
pub(crate) struct Credentials(Arc<CertifiedKey>);

impl Credentials {
    pub(crate) fn new(signer: &Signer, chain: &[Vec<u8>]) -> Self {
        let chain = chain.iter().cloned().map(CertificateDer::from).collect();
        Self(Arc::new(CertifiedKey::new(
            chain,
            Arc::new(Key(signer.clone())),
        )))
    }

    fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(Arc::clone(&self.0)))
    }
}

/// Where the reason for a refused chain is left, because TLS keeps an alert number only.
pub(crate) type Verdict = Arc<Mutex<Option<ChainError>>>;

/// Judges the other side's chain.
#[derive(Debug)]
pub(crate) struct PeerVerifier {
    pub(crate) root: Digest,
    pub(crate) evidence: Evidence,
    pub(crate) verdict: Verdict,
}

impl PeerVerifier {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
    ) -> Result<(), rustls::Error> {
        let chain: Vec<Vec<u8>> = std::iter::once(leaf)
            .chain(others)
            .map(|der| der.as_ref().to_vec())
            .collect();
        let Err(error) = verify_chain(&chain, &self.root, self.evidence.at()) else {
            return Ok(());
        };
        tracing::info!(error = %ErrorChain(&error), "certificate chain refused");
        let told = match &error {
            ChainError::ForeignRoot { .. } => CertificateError::UnknownIssuer,
            ChainError::Expired { .. } => CertificateError::Expired,
            ChainError::Signature { .. } => CertificateError::BadSignature,
            _ => CertificateError::Other(OtherError(Arc::new(error.clone()))),
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        Err(told.into())
    }
}

/// Checks the handshake's signature with the leaf's key, as strictly as every other signature of ours.
fn check_handshake(
    message: &[u8],
    leaf: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let refuse = || rustls::Error::from(CertificateError::BadSignature);
    let identity = read_certificate(leaf.as_ref()).map_err(|_| refuse())?;
    let signature = <[u8; 64]>::try_from(signed.signature()).map_err(|_| refuse())?;
    if signed.scheme != SignatureScheme::ED25519 {
        return Err(refuse());
    }
    verify_signature(&identity.place.node, message, &Signature(signature)).map_err(|_| refuse())?;
    Ok(HandshakeSignatureValid::assertion())
}

fn no_tls12() -> Result<HandshakeSignatureValid, rustls::Error> {
    Err(rustls::Error::General("QUIC has TLS 1.3 only".to_owned()))
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(leaf, others)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        check_handshake(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

impl ClientCertVerifier for PeerVerifier {
    /// A joiner has no certificate; whether one is needed is decided by the protocol, right after.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.judge(leaf, others)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        check_handshake(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

#[derive(Debug)]
struct Key(Signer);

impl rustls::sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn rustls::sign::Signer>> {
        offered
            .contains(&SignatureScheme::ED25519)
            .then(|| Box::new(Self(self.0.clone())) as Box<dyn rustls::sign::Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ED25519
    }
}

impl rustls::sign::Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        Ok(self.0.sign(message).0.to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// One key exchange for all: every further one would only lengthen the first packet.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![ring::kx_group::X25519],
        ..ring::default_provider()
    })
}

/// The server's side. No session tickets: a resumed session would skip the certificate.
pub(crate) fn server(
    credentials: &Credentials,
    verifier: PeerVerifier,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(credentials.resolver());
    config.alpn_protocols = vec![LINK_ALPN.to_vec(), JOIN_ALPN.to_vec()];
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// The client's side; a joiner has no credentials.
pub(crate) fn client(
    credentials: Option<&Credentials>,
    verifier: PeerVerifier,
    alpn: &[u8],
) -> Result<rustls::ClientConfig, rustls::Error> {
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match credentials {
        Some(credentials) => builder.with_client_cert_resolver(credentials.resolver()),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![alpn.to_vec()];
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    Ok(config)
}
