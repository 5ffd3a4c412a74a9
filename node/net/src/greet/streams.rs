//! Callers over TCP, greeted as those over QUIC are: a link is handed on with its first bytes, so that of two calls
//! side by side the one that is given up is never seen.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hopluu_model::{Digest, ErrorChain};
use hopluu_trust::limits::JOIN_BYTES_MAX;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::{JoinGate, peer_of};
use crate::close::{CloseCode, CloseReason};
use crate::endpoint::Incoming;
use crate::evidence::Evidence;
use crate::join::JoinCall;
use crate::limits::{
    ACCEPT_REST, HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, LINKS_MAX, OPEN_MAX, RECORD_BYTES_MAX,
};
use crate::line::{Beginning, End, Lines, Stream, part};
use crate::link::{Link, Via};
use crate::record::{self, Records, Said};
use crate::socket::{Pipe, Socket};
use crate::tls::{JOIN_ALPN, LINK_ALPN, PARCELS_ALPN};
use crate::web;

/// The certificates and the rest of TLS that the next caller meets.
pub(crate) type StreamTls = Arc<Mutex<Arc<rustls::ServerConfig>>>;

/// Owns all handshakes under way over TCP.
pub(crate) struct StreamGreeter {
    pub(crate) listener: TcpListener,
    pub(crate) tls: StreamTls,
    pub(crate) quinn: quinn::Endpoint,
    pub(crate) lines: Lines,
    pub(crate) root: Digest,
    pub(crate) evidence: Evidence,
    pub(crate) gate: Arc<Mutex<JoinGate>>,
    pub(crate) accepted: mpsc::Sender<Incoming>,
}

impl StreamGreeter {
    /// Greets until the endpoint is closed.
    pub(crate) async fn run(self) {
        let mut handshakes = JoinSet::new();
        loop {
            // All arms are cancel-safe: a call not taken stays with the system.
            tokio::select! {
                () = self.lines.stopping() => return,
                Some(_done) = handshakes.join_next(), if !handshakes.is_empty() => {}
                call = self.listener.accept() => match call {
                    Ok((stream, addr)) => self.admit(stream, addr, &mut handshakes),
                    Err(error) => {
                        tracing::warn!(error = %ErrorChain(&error), "no caller can be taken");
                        sleep(ACCEPT_REST).await;
                    }
                },
            }
        }
    }

    fn admit(&self, stream: TcpStream, addr: SocketAddr, handshakes: &mut JoinSet<()>) {
        let open = self.quinn.open_connections() + self.lines.open();
        if handshakes.len() >= HANDSHAKES_MAX || open >= OPEN_MAX {
            // TCP has no word for it before the handshake: the socket closes.
            tracing::debug!(%addr, "caller refused, too many");
            return;
        }
        let tls = Arc::clone(&self.tls.lock().unwrap_or_else(PoisonError::into_inner));
        let greeting = Greeting {
            addr,
            is_full: open >= LINKS_MAX,
            root: self.root,
            evidence: self.evidence.clone(),
            gate: Arc::clone(&self.gate),
            lines: self.lines.clone(),
        };
        let accepted = self.accepted.clone();
        handshakes.spawn(async move {
            if let Some(incoming) = greeting.greet(stream, tls).await {
                let _program_stops = accepted.send(incoming).await;
            }
        });
    }
}

/// One caller, from its first packet to its first bytes.
struct Greeting {
    addr: SocketAddr,
    /// Whether all links are taken, so that the caller is only told when to come again.
    is_full: bool,
    root: Digest,
    evidence: Evidence,
    gate: Arc<Mutex<JoinGate>>,
    lines: Lines,
}

/// A caller that is not let in, and what it is told if it can be told anything.
enum Refused {
    Gone(CloseReason),
    Told(Box<Stream>, CloseCode),
}

impl Greeting {
    async fn greet(self, stream: TcpStream, tls: Arc<rustls::ServerConfig>) -> Option<Incoming> {
        let addr = self.addr;
        let begun = Instant::now();
        let deadline = begun + HANDSHAKE_TIMEOUT;
        let shaking = async {
            let passed = Arc::default();
            let socket = Socket::new(stream, Arc::clone(&passed))?;
            // A web server asks for a WebSocket; whoever else calls begins with TLS.
            let is_web = socket.peek().await? == Some(b'G');
            let pipe: Pipe = Box::new(socket);
            let (pipe, via) = match is_web {
                true => (web::accept(pipe).await?, Via::WebSocket),
                false => (pipe, Via::Tcp),
            };
            let stream = TlsAcceptor::from(tls).accept(pipe).await?;
            Ok::<_, io::Error>((TlsStream::Server(stream), passed, via))
        };
        let (stream, passed, via) = match timeout_at(deadline, shaking).await {
            Ok(Ok(shaken)) => shaken,
            Ok(Err(error)) => {
                tracing::debug!(%addr, error = %ErrorChain(&error), "handshake failed");
                return None;
            }
            Err(_elapsed) => {
                tracing::debug!(%addr, "handshake timed out");
                return None;
            }
        };
        let incoming = match stream.get_ref().1.alpn_protocol() {
            _ if self.is_full => Err(Refused::Told(Box::new(stream), CloseCode::BUSY)),
            Some(protocol @ (LINK_ALPN | PARCELS_ALPN)) => {
                let take = match protocol {
                    PARCELS_ALPN => Incoming::Parcels,
                    _ => Incoming::Link,
                };
                let rtt = begun.elapsed();
                let beginning = Beginning {
                    stream,
                    first: Vec::new(),
                    end: End::Called,
                    passed,
                    via,
                    rtt,
                    lines: self.lines.clone(),
                };
                self.open_link(beginning, deadline).await.map(take)
            }
            Some(JOIN_ALPN) => self.open_join(stream, deadline).await,
            _ => Err(Refused::Told(Box::new(stream), CloseCode::NO_CERTIFICATE)),
        };
        match incoming {
            Ok(incoming) => return Some(incoming),
            Err(Refused::Gone(reason)) => {
                tracing::debug!(%addr, reason = %ErrorChain(&reason), "caller gone");
            }
            Err(Refused::Told(stream, code)) => {
                tracing::debug!(%addr, %code, "caller refused");
                part(*stream, code).await;
            }
        }
        None
    }

    async fn open_link(self, mut beginning: Beginning, deadline: Instant) -> Result<Link, Refused> {
        let stream = &mut beginning.stream;
        let told =
            |beginning: Beginning, code| Err(Refused::Told(Box::new(beginning.stream), code));
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let Ok(peer) = peer_of(shown, &self.root, &self.evidence) else {
            return told(beginning, CloseCode::NO_CERTIFICATE);
        };
        let mut first = vec![0; RECORD_BYTES_MAX];
        let read = match timeout_at(deadline, stream.read(&mut first)).await {
            Ok(Ok(0)) => return Err(Refused::Gone(CloseReason::Reset)),
            Ok(Ok(read)) => read,
            Ok(Err(error)) => return Err(Refused::Gone(CloseReason::from(&error))),
            Err(_elapsed) => return told(beginning, CloseCode::SILENT),
        };
        first.truncate(read);
        if !record::begins(&first) {
            return Err(Refused::Gone(CloseReason::Reset));
        }
        beginning.first = first;
        Ok(Link::over(beginning, peer))
    }

    async fn open_join(self, mut stream: Stream, deadline: Instant) -> Result<Incoming, Refused> {
        let may_call = self
            .gate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(self.addr.ip(), Instant::now());
        if !may_call {
            return Err(Refused::Told(Box::new(stream), CloseCode::BUSY));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        match timeout(left, read_request(&mut stream)).await {
            Ok(Ok(request)) => {
                let open = self.lines.enter();
                let call = JoinCall::over(stream, open, self.addr, request);
                Ok(Incoming::Join(call))
            }
            Ok(Err(Some(code))) => Err(Refused::Told(Box::new(stream), code)),
            Ok(Err(None)) => Err(Refused::Gone(CloseReason::Reset)),
            Err(_elapsed) => Err(Refused::Told(Box::new(stream), CloseCode::SILENT)),
        }
    }
}

/// The one record that a joiner sends; what it is told otherwise, if it is there.
async fn read_request(stream: &mut Stream) -> Result<Vec<u8>, Option<CloseCode>> {
    let (mut records, mut request) = (Records::default(), Vec::new());
    let mut buffer = vec![0; RECORD_BYTES_MAX];
    loop {
        let Ok(read @ 1..) = stream.read(&mut buffer).await else {
            return Err(None);
        };
        let mut bytes = buffer.get(..read).unwrap_or_default();
        loop {
            match records.next(&mut bytes) {
                Ok(None) => break,
                Ok(Some(Said::Piece(piece))) => request.extend_from_slice(piece),
                Ok(Some(Said::Close(_))) => return Err(None),
                Ok(Some(Said::Knock | Said::Answer)) => {}
                // A longer record is none.
                Err(record::BadRecord) => return Err(Some(CloseCode::TOO_LARGE)),
            }
            if request.len() > JOIN_BYTES_MAX {
                return Err(Some(CloseCode::TOO_LARGE));
            }
            if records.is_between() && !request.is_empty() {
                return Ok(request);
            }
        }
    }
}
