//! Calling a node over TCP, and finding where its name leads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use hopluu_model::{Digest, NodeId};
use rustls::pki_types::ServerName;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};
use tokio_rustls::{TlsConnector, TlsStream};

use crate::close::CloseReason;
use crate::dial::DialError;
use crate::evidence::Evidence;
use crate::greet::peer_of;
use crate::limits::{HANDSHAKE_TIMEOUT, LOOKUP_TIMEOUT};
use crate::line::Stream;
use crate::link::{Peer, Via};
use crate::proxy::Proxy;
use crate::socket::{Passed, Pipe, Socket};
use crate::tls::{Client, stream_name_of};
use crate::transport::{Tcp, Tuning};
use crate::web::WebAddress;

/// Where a call over TCP goes.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Addr(SocketAddr),
    /// To `host:port`, whose name only the proxy may know.
    Through(Proxy, String),
    /// To a node behind a web server.
    Web(Option<Proxy>, WebAddress),
}

/// A way on which TLS can begin.
struct Connected {
    pipe: Pipe,
    via: Via,
    /// How long the way there and back took.
    rtt: Duration,
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addr(addr) => addr.fmt(out),
            Self::Through(proxy, to) => write!(out, "{to} through {proxy}"),
            Self::Web(_, web) => out.write_str(&web.text),
        }
    }
}

impl Place {
    async fn connect(&self, passed: &Arc<Passed>) -> io::Result<Connected> {
        let begun = Instant::now();
        let passed = Arc::clone(passed);
        let (socket, rtt) = match self {
            // The system's handshake is a round trip and nothing else.
            Self::Addr(addr) => (Socket::connect(*addr, passed).await?, begun.elapsed()),
            Self::Through(proxy, to) => through(proxy, to, passed).await?,
            Self::Web(Some(proxy), web) => through(proxy, &web.place(), passed).await?,
            Self::Web(None, web) => (connect_to(&web.place(), passed).await?, begun.elapsed()),
        };
        let pipe: Pipe = Box::new(socket);
        let (pipe, via) = match self {
            Self::Web(_, web) => (web.open(pipe).await?, Via::WebSocket),
            Self::Addr(_) | Self::Through(..) => (pipe, Via::Tcp),
        };
        Ok(Connected { pipe, via, rtt })
    }
}

async fn connect_to(name: &str, passed: Arc<Passed>) -> io::Result<Socket> {
    let found = resolve(name).await?;
    let nobody = || io::Error::from(io::ErrorKind::AddrNotAvailable);
    Socket::connect(*found.first().ok_or_else(nobody)?, passed).await
}

/// Connects through a proxy, whose answer comes when it is connected itself.
async fn through(proxy: &Proxy, to: &str, passed: Arc<Passed>) -> io::Result<(Socket, Duration)> {
    let mut socket = connect_to(&proxy.to_string(), passed).await?;
    let begun = Instant::now();
    proxy.connect(&mut socket, to).await?;
    Ok((socket, begun.elapsed()))
}

/// Where calls over TCP go: through the proxy where there is one, because whoever has one has no other way out.
pub(crate) fn places(tuning: &Tuning, name: &str, found: &[SocketAddr]) -> Vec<Place> {
    let web = name.parse::<WebAddress>();
    match (tuning.tcp, &tuning.proxy, web) {
        (Tcp::Off, ..) => Vec::new(),
        (_, proxy, Ok(web)) => vec![Place::Web(proxy.clone(), web)],
        (_, Some(proxy), Err(())) => vec![Place::Through(proxy.clone(), name.to_owned())],
        (_, None, Err(())) => found.iter().copied().map(Place::Addr).collect(),
    }
}

/// Whether a name is that of a web server, where nothing but TCP leads.
pub(crate) fn is_web(name: &str) -> bool {
    name.parse::<WebAddress>().is_ok()
}

/// Where a name leads: one address of each family, the older first.
pub(crate) async fn resolve(name: &str) -> io::Result<Vec<SocketAddr>> {
    let late = |_elapsed| io::Error::from(io::ErrorKind::TimedOut);
    let found = timeout(LOOKUP_TIMEOUT, lookup_host(name)).await;
    let (mut v4, mut v6) = (None, None);
    for addr in found.map_err(late)?? {
        let slot = if addr.is_ipv4() { &mut v4 } else { &mut v6 };
        slot.get_or_insert(addr);
    }
    Ok(v4.into_iter().chain(v6).collect())
}

/// One outgoing call over TCP, for a link or to join.
pub(crate) struct StreamCaller {
    pub(crate) client: Client,
    pub(crate) root: Digest,
    pub(crate) evidence: Evidence,
    pub(crate) place: Place,
    /// Who must answer; none takes anybody under our root.
    pub(crate) expect: Option<NodeId>,
    /// Counts what the call takes, whatever becomes of it.
    pub(crate) passed: Arc<Passed>,
}

/// Somebody who answered and showed who it is.
pub(crate) struct Called {
    pub(crate) stream: Stream,
    pub(crate) peer: Peer,
    pub(crate) passed: Arc<Passed>,
    pub(crate) via: Via,
    pub(crate) rtt: Duration,
}

impl StreamCaller {
    /// Calls and waits until the called node has shown who it is.
    pub(crate) async fn call(self) -> Result<Called, DialError> {
        let addr = self.place.to_string();
        let called = timeout(HANDSHAKE_TIMEOUT, self.handshake(&addr)).await;
        called.unwrap_or(Err(DialError::TimedOut { addr }))
    }

    async fn handshake(self, addr: &str) -> Result<Called, DialError> {
        let addr = addr.to_owned();
        let Connected { pipe, via, rtt } = match self.place.connect(&self.passed).await {
            Ok(connected) => connected,
            Err(source) => return Err(DialError::Unreachable { addr, source }),
        };
        let file = stream_name_of(&addr);
        let name = ServerName::try_from(file.clone()).expect("it is a name");
        let connector = TlsConnector::from(self.client.stream());
        let stream = match connector.connect(name, pipe).await {
            Ok(stream) => stream,
            Err(error) => {
                return Err(match self.client.take_verdict(&file) {
                    Some(source) => DialError::Chain { addr, source },
                    None => DialError::Closed {
                        addr,
                        source: CloseReason::from(&error),
                    },
                });
            }
        };
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let peer = match peer_of(shown, &self.root, &self.evidence) {
            Ok(peer) => peer,
            Err(source) => return Err(DialError::Chain { addr, source }),
        };
        let found = peer.identity.place.node;
        match self.expect {
            Some(expected) if expected != found => Err(DialError::OtherNode {
                addr,
                found,
                expected,
            }),
            _ => Ok(Called {
                stream: TlsStream::Client(stream),
                peer,
                passed: self.passed,
                via,
                rtt,
            }),
        }
    }
}
