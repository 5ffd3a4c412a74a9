//! TLS 1.3 with our own idea of a certificate: every verdict is `hopluu-trust`'s.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hopluu_model::{Digest, ErrorChain};
use hopluu_trust::{ChainError, Signature, Signer, read_certificate, verify_signature};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ServerSessionMemoryCache, StoresServerSessions};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, OtherError, SignatureAlgorithm,
    SignatureScheme,
};

use crate::evidence::Evidence;
use crate::limits::{CALLED_MAX, SESSIONS_MAX};
use crate::shorten::{PACKER, UNPACKER};

/// Protocol of ordinary links.
pub(crate) const LINK_ALPN: &[u8] = b"hopluu/1";

/// Protocol of the one exchange for those who have no certificate yet.
pub(crate) const JOIN_ALPN: &[u8] = b"hopluu-join/1";

/// Protocol of the exchange of parcels.
pub(crate) const PARCELS_ALPN: &[u8] = b"hopluu-parcels/1";

/// The name under which TLS files a called address. It is not sent, and who a node is stands in its
/// certificate; sessions and refusals are kept by it.
pub(crate) fn name_of(addr: SocketAddr) -> String {
    let ip = addr
        .ip()
        .to_canonical()
        .to_string()
        .replace([':', '.'], "-");
    format!("n{ip}-{}.hopluu.invalid", addr.port())
}

/// The same for calls over TCP, which go on beside, to an address or to a name that only a proxy knows.
pub(crate) fn stream_name_of(place: &str) -> String {
    let hash = blake3::hash(place.as_bytes()).to_hex();
    format!("t{}.hopluu.invalid", hash.get(..32).unwrap_or_default())
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

/// Where the reasons for refused chains are left, by the name of the call, because TLS keeps an alert number
/// only. Whoever called takes it away.
type Verdicts = Arc<Mutex<BTreeMap<String, ChainError>>>;

/// Judges the other side's chain.
#[derive(Debug)]
struct PeerVerifier {
    root: Digest,
    evidence: Evidence,
    verdicts: Verdicts,
}

impl PeerVerifier {
    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        called: Option<&ServerName<'_>>,
    ) -> Result<(), rustls::Error> {
        let chain: Vec<Vec<u8>> = std::iter::once(leaf)
            .chain(others)
            .map(|der| der.as_ref().to_vec())
            .collect();
        let Err(error) = self.evidence.verify(&chain, &self.root) else {
            return Ok(());
        };
        tracing::info!(error = %ErrorChain(&error), "certificate chain refused");
        let told = match &error {
            ChainError::ForeignRoot { .. } => CertificateError::UnknownIssuer,
            ChainError::Expired { .. } => CertificateError::Expired,
            ChainError::Signature { .. } => CertificateError::BadSignature,
            _ => CertificateError::Other(OtherError(Arc::new(error.clone()))),
        };
        if let Some(name) = called {
            let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
            verdicts.insert(name.to_str().into_owned(), error);
        }
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
        name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(leaf, others, Some(name))?;
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
        self.judge(leaf, others, None)?;
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
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        kx_groups: vec![ring::kx_group::X25519],
        ..ring::default_provider()
    })
}

/// Sessions that callers may resume, kept over a renewal of our own chain.
pub(crate) fn sessions() -> Arc<dyn StoresServerSessions> {
    ServerSessionMemoryCache::new(SESSIONS_MAX)
}

/// The side that is called, over TCP: without data in the first packet, which would save one round trip of three.
pub(crate) fn stream_server(
    credentials: &Credentials,
    root: Digest,
    evidence: &Evidence,
    sessions: Arc<dyn StoresServerSessions>,
) -> Result<Arc<rustls::ServerConfig>, rustls::Error> {
    answering(credentials, root, evidence, sessions).map(Arc::new)
}

/// The side that is called. A caller gets one ticket, good for one call with data in its first packet; a
/// resumed session brings the chain along that was verified when it began, and whoever takes the call
/// judges it again.
pub(crate) fn server(
    credentials: &Credentials,
    root: Digest,
    evidence: &Evidence,
    sessions: Arc<dyn StoresServerSessions>,
) -> Result<QuicServerConfig, rustls::Error> {
    let mut config = answering(credentials, root, evidence, sessions)?;
    // QUIC knows two values, none and this one (RFC 9001, section 4.6.1); flow control bounds the bytes.
    config.max_early_data_size = u32::MAX;
    Ok(QuicServerConfig::try_from(config).expect(INITIAL_SUITE))
}

fn answering(
    credentials: &Credentials,
    root: Digest,
    evidence: &Evidence,
    sessions: Arc<dyn StoresServerSessions>,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let verifier = PeerVerifier {
        root,
        evidence: evidence.clone(),
        verdicts: Verdicts::default(),
    };
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_cert_resolver(credentials.resolver());
    config.alpn_protocols = [LINK_ALPN, JOIN_ALPN, PARCELS_ALPN]
        .map(<[u8]>::to_vec)
        .to_vec();
    config.session_storage = sessions;
    config.cert_compressors = vec![PACKER];
    config.cert_decompressors = vec![UNPACKER];
    config.send_tls13_tickets = 1;
    Ok(config)
}

const INITIAL_SUITE: &str = "the ring provider has the cipher suite that QUIC begins with";

/// The side that calls: one configuration for all its calls, because a session is resumed only under the
/// one that began it.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    config: Arc<rustls::ClientConfig>,
    /// The same over TCP, whose sessions are its own.
    stream: Arc<rustls::ClientConfig>,
    verdicts: Verdicts,
}

impl Client {
    /// For links, which resume their sessions.
    pub(crate) fn for_links(
        credentials: &Credentials,
        root: Digest,
        evidence: &Evidence,
    ) -> Result<Self, rustls::Error> {
        let resumption = Resumption::in_memory_sessions(CALLED_MAX);
        Self::new(Some(credentials), root, evidence, LINK_ALPN, resumption)
    }

    /// For parcels. Nothing is resumed, so that nothing of an exchange goes before the handshake, to be said twice.
    pub(crate) fn for_parcels(
        credentials: &Credentials,
        root: Digest,
        evidence: &Evidence,
    ) -> Result<Self, rustls::Error> {
        let none = Resumption::disabled();
        Self::new(Some(credentials), root, evidence, PARCELS_ALPN, none)
    }

    /// For whoever has no credentials yet.
    pub(crate) fn for_joining(root: Digest) -> Result<Self, rustls::Error> {
        let none = Resumption::disabled();
        Self::new(None, root, &Evidence::none(), JOIN_ALPN, none)
    }

    pub(crate) fn new(
        credentials: Option<&Credentials>,
        root: Digest,
        evidence: &Evidence,
        alpn: &[u8],
        resumption: Resumption,
    ) -> Result<Self, rustls::Error> {
        let verdicts = Verdicts::default();
        let verifier = PeerVerifier {
            root,
            evidence: evidence.clone(),
            verdicts: Arc::clone(&verdicts),
        };
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
        config.cert_compressors = vec![PACKER];
        config.cert_decompressors = vec![UNPACKER];
        config.enable_early_data = true;
        let mut stream = config.clone();
        stream.enable_early_data = false;
        stream.resumption = Resumption::in_memory_sessions(CALLED_MAX);
        config.resumption = resumption;
        Ok(Self {
            config: Arc::new(config),
            stream: Arc::new(stream),
            verdicts,
        })
    }

    pub(crate) fn crypto(&self) -> QuicClientConfig {
        QuicClientConfig::try_from(Arc::clone(&self.config)).expect(INITIAL_SUITE)
    }

    pub(crate) fn stream(&self) -> Arc<rustls::ClientConfig> {
        Arc::clone(&self.stream)
    }

    /// Why the chain of a called node was refused, if it was.
    pub(crate) fn take_verdict(&self, name: &str) -> Option<ChainError> {
        let mut verdicts = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        verdicts.remove(name)
    }
}
