//! TLS records as messages of a WebSocket (RFC 6455), for nodes behind an ordinary HTTPS proxy.
//!
//! Such a proxy ends the TLS that it is called with and could not pass our certificates on. So ours runs within the
//! WebSocket, from node to node, and what is outside is a wrapper that proves nothing and is asked for nothing.

use std::io;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async_with_config};

use crate::limits::{WEB_MESSAGE_BYTES_MAX, WEB_WRITE_BYTES_MAX};
use crate::socket::Pipe;
use crate::tls::provider;

/// Where a node is behind a web server: `wss://host[:port]/path`, or `ws://` without TLS around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebAddress {
    pub(crate) text: String,
    host: String,
    port: u16,
    has_tls: bool,
}

impl FromStr for WebAddress {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (rest, has_tls) = match (text.strip_prefix("wss://"), text.strip_prefix("ws://")) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(()),
        };
        let (place, _path) = rest.split_once('/').unwrap_or((rest, ""));
        let usual = if has_tls { 443 } else { 80 };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| ())?),
            _ => (place, usual),
        };
        let is_plain = |letter: char| letter.is_ascii_graphic() && letter != '@';
        if host.is_empty() || !text.chars().all(is_plain) {
            return Err(());
        }
        Ok(Self {
            text: text.to_owned(),
            host: host.to_owned(),
            port,
            has_tls,
        })
    }
}

impl WebAddress {
    /// `host:port`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Asks the web server at the other end for a WebSocket.
    pub(crate) async fn open(&self, pipe: Pipe) -> io::Result<Pipe> {
        let pipe: Pipe = if self.has_tls {
            let host = self.host.trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            let around = TlsConnector::from(wrapper()?).connect(name, pipe).await?;
            Box::new(around)
        } else {
            pipe
        };
        let opened = client_async_with_config(self.text.as_str(), pipe, Some(config())).await;
        let (socket, _answer) = opened.map_err(broken)?;
        Ok(Box::new(Web::new(socket)))
    }
}

/// The called side of the same: reads the request, of at most 64 KiB and 124 headers as the library bounds it.
pub(crate) async fn accept(pipe: Pipe) -> io::Result<Pipe> {
    let accepted = accept_async_with_config(pipe, Some(config())).await;
    Ok(Box::new(Web::new(accepted.map_err(broken)?)))
}

fn config() -> WebSocketConfig {
    let mut config = WebSocketConfig::default();
    config.read_buffer_size = 4 * 1024;
    // What is written is on its way: nothing gathers here.
    config.write_buffer_size = 0;
    config.max_write_buffer_size = WEB_WRITE_BYTES_MAX;
    config.max_message_size = Some(WEB_MESSAGE_BYTES_MAX);
    config.max_frame_size = Some(WEB_MESSAGE_BYTES_MAX);
    config
}

fn broken(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// A WebSocket as a stream of bytes.
#[derive(Debug)]
struct Web {
    socket: WebSocketStream<Pipe>,
    unread: Bytes,
}

impl Web {
    fn new(socket: WebSocketStream<Pipe>) -> Self {
        Self {
            socket,
            unread: Bytes::new(),
        }
    }
}

impl AsyncRead for Web {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.unread.is_empty() {
            match ready!(self.socket.poll_next_unpin(context)) {
                Some(Ok(Message::Binary(bytes))) => self.unread = bytes,
                // The library answers pings.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(Error::ConnectionClosed)) | None => {
                    return Poll::Ready(Ok(()));
                }
                Some(Ok(Message::Text(_))) => {
                    let kind = io::ErrorKind::InvalidData;
                    return Poll::Ready(Err(io::Error::new(kind, "a message of text")));
                }
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
            }
        }
        let length = self.unread.len().min(buffer.remaining());
        buffer.put_slice(&self.unread.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Web {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.socket.poll_ready_unpin(context)).map_err(broken)?;
        let length = bytes.len().min(WEB_MESSAGE_BYTES_MAX);
        let message = bytes.get(..length).unwrap_or_default();
        let message = Message::Binary(Bytes::copy_from_slice(message));
        self.socket.start_send_unpin(message).map_err(broken)?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush_unpin(context).map_err(broken)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.socket.poll_close_unpin(context)) {
            Ok(()) | Err(Error::ConnectionClosed | Error::AlreadyClosed) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(broken(error))),
        }
    }
}

/// TLS around a WebSocket. Who is there is not asked: whoever it is passes our own TLS on or does not.
fn wrapper() -> io::Result<Arc<rustls::ClientConfig>> {
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    let builder = rustls::ClientConfig::builder_with_provider(provider());
    let builder = builder.with_protocol_versions(&versions);
    let mut config = builder
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_address_names_a_place_and_nothing_else_does() {
        let place = |text: &str| text.parse::<WebAddress>().map(|web| web.place());
        assert_eq!(
            place("wss://465.example.vn/hopluu").as_deref(),
            Ok("465.example.vn:443")
        );
        assert_eq!(place("ws://10.0.0.1:8080").as_deref(), Ok("10.0.0.1:8080"));
        assert_eq!(place("wss://[::1]/x").as_deref(), Ok("[::1]:443"));
        assert_eq!(place("wss://[::1]:7/x").as_deref(), Ok("[::1]:7"));
        for bad in [
            "465.example.vn:7710",
            "https://x",
            "wss:///x",
            "ws://a@b",
            "ws://a b",
            "ws://a:b",
        ] {
            assert_eq!(place(bad), Err(()), "{bad}");
        }
    }
}
