//! Callers whom no program of ours would be: without a certificate, or with any chain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hopluu_trust::Signer;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::time::timeout;

use crate::RogueError;
use crate::frames::hello;
use crate::talk::WAIT_MAX;

/// How long such a caller listens after its hello.
const LISTENS: Duration = Duration::from_secs(5);

/// Takes any certificate of the server: these callers do not care who answers.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }
}

/// A caller with these credentials, or none, that speaks the protocol of links, says a hello, and listens for as long
/// as the node lets it. Answers what it heard.
///
/// # Errors
/// When it cannot call at all, or the node leaves it connected.
pub async fn heard(
    to: SocketAddr,
    credentials: Option<(Vec<Vec<u8>>, &Signer)>,
) -> Result<Vec<u8>, RogueError> {
    let config = quinn::ClientConfig::new(Arc::new(crypto(credentials)?));
    let local = SocketAddr::from(([127, 0, 0, 1], 0));
    let endpoint = quinn::Endpoint::client(local)?;
    let connecting = endpoint.connect_with(config, to, "hopluu.invalid");
    let connecting = connecting.map_err(|_| RogueError::Foreign("an address to call"))?;
    // In TLS 1.3 a client may think it is through before the server has judged it.
    let Ok(Ok(connection)) = timeout(WAIT_MAX, connecting).await else {
        return Ok(Vec::new());
    };
    let mut heard = Vec::new();
    if let Ok((mut send, mut recv)) = connection.open_bi().await {
        let _sent = send.write_all(&hello()).await;
        while let Ok(Ok(Some(chunk))) = timeout(LISTENS, recv.read_chunk(64, true)).await {
            heard.extend_from_slice(&chunk.bytes);
        }
    }
    let closed = timeout(WAIT_MAX, connection.closed()).await;
    closed.map_err(|_| RogueError::Silent)?;
    Ok(heard)
}

fn crypto(
    credentials: Option<(Vec<Vec<u8>>, &Signer)>,
) -> Result<quinn::crypto::rustls::QuicClientConfig, RogueError> {
    let refused = |_| RogueError::Foreign("what TLS is set up with");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(refused)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone));
    let mut tls = match credentials {
        None => builder.with_no_client_auth(),
        Some((chain, signer)) => {
            let chain = chain.into_iter().map(Into::into).collect();
            let key = PrivatePkcs8KeyDer::from(signer.pkcs8().to_vec());
            let signed = builder.with_client_auth_cert(chain, key.into());
            signed.map_err(refused)?
        }
    };
    tls.alpn_protocols = vec![b"hopluu/1".to_vec()];
    quinn::crypto::rustls::QuicClientConfig::try_from(tls)
        .map_err(|_| RogueError::Foreign("what QUIC is set up with"))
}
