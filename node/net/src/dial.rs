//! Calling a node: at an address, perhaps one that was called before.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hopluu_model::{Digest, Fault, NodeId};
use hopluu_trust::{ChainError, Signer};
use quinn::{Connecting, Connection, ConnectionError};
use tokio::time::timeout;

use crate::close::{CloseCode, CloseReason};
use crate::congestion::Expected;
use crate::evidence::Evidence;
use crate::flight::Pace;
use crate::greet::read_peer;
use crate::limits::{CALLED_MAX, HANDSHAKE_TIMEOUT, INITIAL_RTT_LEAST};
use crate::link::{Handshake, Link, Peer, Via};
use crate::repeat::{Repeater, Watch};
use crate::socket::Passed;
use crate::tls::{Client, name_of};
use crate::transport::{Tuning, transport};

/// A peer that could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address cannot be called, or this endpoint is closed.
    #[error("{addr} cannot be called")]
    Address {
        /// The address.
        addr: String,
        /// Why.
        #[source]
        source: quinn::ConnectError,
    },
    /// Its name cannot be looked up.
    #[error("{addr} is not found")]
    NotFound {
        /// The name.
        addr: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Nothing leads there, or nobody listens.
    #[error("{addr} cannot be reached")]
    Unreachable {
        /// The address.
        addr: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// No answer within [`HANDSHAKE_TIMEOUT`].
    #[error("{addr} does not answer")]
    TimedOut {
        /// The address.
        addr: String,
    },
    /// Somebody answered with a chain that does not hold.
    #[error("the certificate chain of {addr} does not hold")]
    Chain {
        /// The address.
        addr: String,
        /// Why.
        #[source]
        source: ChainError,
    },
    /// Somebody else answered.
    #[error("{addr} is node {}, not {}", .found.short(), .expected.short())]
    OtherNode {
        /// The address.
        addr: String,
        /// Who answered.
        found: NodeId,
        /// Who was meant.
        expected: NodeId,
    },
    /// The handshake began and broke off.
    #[error("the handshake with {addr} broke off")]
    Closed {
        /// The address.
        addr: String,
        /// Why.
        #[source]
        source: CloseReason,
    },
    /// The TLS library refuses the configuration.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl DialError {
    /// Whether the machine is there and nobody listens on it.
    pub(crate) fn is_refusal(&self) -> bool {
        use io::ErrorKind::ConnectionRefused;
        matches!(self, Self::Unreachable { source, .. } if source.kind() == ConnectionRefused)
    }

    /// In how many seconds to call again, where somebody is there and has no time now.
    #[must_use]
    pub fn again_s(&self) -> Option<u32> {
        match self {
            Self::Closed { source, .. } => source.again_s(),
            _ => None,
        }
    }

    /// Whether to dial again (local), ask a person (configuration) or count it against the peer.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Chain { .. } => Fault::Peer,
            Self::OtherNode { .. } | Self::Address { .. } => Fault::Config,
            Self::TimedOut { .. } | Self::Unreachable { .. } | Self::NotFound { .. } => {
                Fault::Local
            }
            Self::Closed { source, .. } => source.fault(),
            Self::Tls(_) => Fault::Bug,
        }
    }
}

/// A call that led nowhere, and what it has cost all the same: bytes of UDP and TCP over all ways that were tried.
#[derive(Debug)]
pub struct FailedCall {
    /// Why.
    pub error: DialError,
    /// Bytes up.
    pub sent: u64,
    /// Bytes down.
    pub received: u64,
    /// Whether whoever was called by QUIC has said anything: a proxy may speak where nobody is behind it.
    pub is_heard: bool,
}

/// What is known of a peer before it is called.
#[derive(Debug, Clone, Default)]
pub struct DialOptions {
    /// Who must answer; none takes anybody under our root.
    pub expect: Option<NodeId>,
    /// The way that worked last, which is tried first.
    pub first: Via,
    /// The round trip remembered from the last link.
    pub initial_rtt: Option<Duration>,
    /// Bytes a second that the last link was seen to carry.
    pub rate: Option<u64>,
    /// Whether so much was lost on it that the first flight had better go twice.
    pub is_lossy: bool,
    /// Whether nobody there has answered for so long that it is asked with a few bytes first whether anybody does.
    pub is_silent: bool,
    /// Whether it is called for parcels, and not for a link that carries journals.
    pub parcels: bool,
    /// How the link behaves, where that is not as the node's links do.
    pub tuning: Option<Tuning>,
}

/// Who answered at which address, for calls that speak before the answer.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<BTreeMap<SocketAddr, Peer>>);

impl Known {
    fn get(&self, addr: SocketAddr) -> Option<Peer> {
        self.lock().get(&addr).cloned()
    }

    fn insert(&self, addr: SocketAddr, peer: Peer) {
        let mut known = self.lock();
        if known.len() >= CALLED_MAX {
            known.clear();
        }
        known.insert(addr, peer);
    }

    /// Whoever answers next may be another: it is asked first.
    pub(crate) fn forget(&self, addr: SocketAddr) {
        self.lock().remove(&addr);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Peer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// QUIC to one address, from a socket of its own: so no packet of it needs an id of the connection, and none has to be
/// handed over in the handshake (RFC 9000, section 5.1), 230 bytes of it. It lasts as long as its connection.
#[derive(Debug, Clone)]
pub(crate) struct Quic {
    pub(crate) to: SocketAddr,
    pub(crate) endpoint: quinn::Endpoint,
    pub(crate) repeater: Arc<Repeater>,
}

impl Quic {
    pub(crate) fn to(to: SocketAddr, signer: &Signer, passed: Arc<Passed>) -> io::Result<Self> {
        let any: SocketAddr = if to.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        // Asking the system for the way sends nothing. QUIC's socket keeps to itself what could not leave, and it would
        // be counted as gone.
        UdpSocket::bind(any)?.connect(to)?;
        let repeater = Repeater::bind(any, to, passed)?;
        Ok(Self {
            to,
            endpoint: repeater.endpoint(None, signer)?,
            repeater,
        })
    }
}

/// One outgoing call, for a link or to join.
pub(crate) struct Caller<'a> {
    pub(crate) quic: &'a Quic,
    pub(crate) client: &'a Client,
    pub(crate) root: Digest,
    pub(crate) evidence: &'a Evidence,
    pub(crate) tuning: &'a Tuning,
    pub(crate) options: &'a DialOptions,
}

impl Caller<'_> {
    /// Calls and waits until the called node has shown who it is.
    pub(crate) async fn call(&self) -> Result<(Connection, Peer, Watch), DialError> {
        let watch = self.watch();
        let (connection, peer) = self.finish(self.connecting(&watch)?).await?;
        Ok((connection, peer, watch))
    }

    /// Calls a node that was called before, if a session of it is left: what is written to the link leaves
    /// with the first packet, before the node has answered. Else waits as [`Self::call`] does.
    pub(crate) async fn link(&self, known: &Arc<Known>) -> Result<Link, DialError> {
        let watch = self.watch();
        let connecting = self.connecting(&watch)?;
        let expects = |peer: &Peer| {
            let wanted = self.options.expect;
            wanted.is_none_or(|wanted| wanted == peer.identity.place.node)
        };
        let before = known.get(self.quic.to).filter(|_| !self.options.parcels);
        let connecting = match before.filter(expects) {
            Some(peer) => match connecting.into_0rtt() {
                Ok((connection, accepted)) => {
                    let handshake = Handshake::Early {
                        accepted,
                        root: self.root,
                        evidence: self.evidence.clone(),
                        known: Arc::clone(known),
                    };
                    let streams = self.streams(&connection).await?;
                    return Ok(Link::start(
                        connection,
                        streams,
                        peer,
                        Some(watch),
                        handshake,
                    ));
                }
                Err(connecting) => connecting,
            },
            None => connecting,
        };
        let (connection, peer) = self.finish(connecting).await?;
        let streams = self.streams(&connection).await?;
        if !self.options.parcels {
            known.insert(self.quic.to, peer.clone());
        }
        Ok(Link::start(
            connection,
            streams,
            peer,
            Some(watch),
            Handshake::Done,
        ))
    }

    fn watch(&self) -> Watch {
        let pace = Pace {
            rtt: self.options.initial_rtt.map(|_| self.rtt()),
            rate: self.options.rate,
            is_lossy: self.options.is_lossy,
        };
        let endpoint = Some(self.quic.endpoint.clone());
        self.quic.repeater.watch(self.quic.to, pace, endpoint)
    }

    fn tuning(&self) -> &Tuning {
        self.options.tuning.as_ref().unwrap_or(self.tuning)
    }

    /// Remembered from an office network and called from a mobile one, a way is slower than it was.
    fn rtt(&self) -> Duration {
        let remembered = self.options.initial_rtt;
        remembered.map_or(self.tuning().initial_rtt, |rtt| rtt.max(INITIAL_RTT_LEAST))
    }

    fn connecting(&self, watch: &Watch) -> Result<Connecting, DialError> {
        let addr = self.quic.to;
        let tuning = Tuning {
            initial_rtt: self.rtt(),
            ..self.tuning().clone()
        };
        let expected = Expected {
            before: self.options.rate.map(|rate| (rate, self.rtt())),
            rate_max: tuning.rate_max,
            measured: watch.measured(),
        };
        let mut config = quinn::ClientConfig::new(Arc::new(self.client.crypto()));
        config.transport_config(Arc::new(transport(&tuning, expected, 0)));
        self.quic
            .endpoint
            .connect_with(config, addr, &name_of(addr))
            .map_err(|source| DialError::Address {
                addr: addr.to_string(),
                source,
            })
    }

    async fn finish(&self, connecting: Connecting) -> Result<(Connection, Peer), DialError> {
        let addr = self.quic.to.to_string();
        let connection = match timeout(HANDSHAKE_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(self.broken_off(error)),
            Err(_elapsed) => return Err(DialError::TimedOut { addr }),
        };
        let peer = match read_peer(&connection, &self.root, self.evidence) {
            Ok(peer) => peer,
            Err(source) => return Err(DialError::Chain { addr, source }),
        };
        let found = peer.identity.place.node;
        if let Some(expected) = self.options.expect
            && expected != found
        {
            connection.close(CloseCode::OTHER_NODE.on_wire(), b"");
            return Err(DialError::OtherNode {
                addr,
                found,
                expected,
            });
        }
        Ok((connection, peer))
    }

    async fn streams(
        &self,
        connection: &Connection,
    ) -> Result<(quinn::SendStream, quinn::RecvStream), DialError> {
        let opened = connection.open_bi().await;
        opened.map_err(|error| self.broken_off(error))
    }

    fn broken_off(&self, error: ConnectionError) -> DialError {
        let addr = self.quic.to.to_string();
        match (self.client.take_verdict(&name_of(self.quic.to)), error) {
            (Some(source), _) => DialError::Chain { addr, source },
            (None, ConnectionError::TimedOut) => DialError::TimedOut { addr },
            (None, error) => DialError::Closed {
                addr,
                source: error.into(),
            },
        }
    }
}
