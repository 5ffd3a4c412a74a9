//! The node's one UDP socket: it dials and it is dialled.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hopluu_model::{Digest, Fault, NodeId, Timestamp};
use hopluu_trust::{ChainError, Signer, verify_chain};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ConnectionError, TransportConfig, VarInt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::close::{CloseCode, CloseReason};
use crate::greet::{Greeter, read_peer};
use crate::join::JoinCall;
use crate::limits::{
    ACCEPTED_MAX, FINISH_TIMEOUT, HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, IDLE_TIMEOUT, INITIAL_RTT,
    SEND_WINDOW_BYTES, WINDOW_BYTES,
};
use crate::link::{Link, Peer};
use crate::tls::{self, Credentials, Evidence, LINK_ALPN, PeerVerifier, SERVER_NAME, Verdict};

/// How links behave; the defaults are for a weak mobile link.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Guess of the round trip for peers without a remembered one.
    pub initial_rtt: Duration,
    /// Silence after which a link is dead; the smaller of both sides' counts.
    pub idle_timeout: Duration,
    /// How often a silent link is kept alive. Off by default: it costs 60 bytes each time, and a link
    /// with no work left may as well end.
    pub keep_alive: Option<Duration>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            initial_rtt: INITIAL_RTT,
            idle_timeout: IDLE_TIMEOUT,
            keep_alive: None,
        }
    }
}

/// What a node needs to be reachable and to reach others.
#[derive(Debug, Clone)]
pub struct NetConfig {
    /// Where to listen; port 0 takes any.
    pub listen: SocketAddr,
    /// The node's key.
    pub signer: Signer,
    /// Its chain, leaf first, root last.
    pub chain: Vec<Vec<u8>>,
    /// The root everybody must lead to.
    pub root: Digest,
    /// How links behave.
    pub tuning: Tuning,
}

/// The endpoint cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken or not ours.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Nobody would accept our chain.
    #[error("this node's own certificate chain does not hold")]
    OwnChain(#[source] ChainError),
    /// The chain is another node's.
    #[error("this node's certificate is for key {}, its key is {}", .certified.short(), .own.short())]
    OtherKey {
        /// Whose certificate it is.
        certified: NodeId,
        /// Whose key it is.
        own: NodeId,
    },
    /// The TLS library refuses the configuration.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl BindError {
    /// All but the library's refusal is cured by a person.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Tls(_) => Fault::Bug,
            _ => Fault::Config,
        }
    }
}

/// A peer that could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address cannot be called, or this endpoint is closed.
    #[error("{addr} cannot be called")]
    Address {
        /// The address.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: quinn::ConnectError,
    },
    /// No answer within [`HANDSHAKE_TIMEOUT`].
    #[error("{addr} does not answer")]
    TimedOut {
        /// The address.
        addr: SocketAddr,
    },
    /// Somebody answered with a chain that does not hold.
    #[error("the certificate chain of {addr} does not hold")]
    Chain {
        /// The address.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: ChainError,
    },
    /// Somebody else answered.
    #[error("{addr} is node {}, not {}", .found.short(), .expected.short())]
    OtherNode {
        /// The address.
        addr: SocketAddr,
        /// Who answered.
        found: NodeId,
        /// Who was meant.
        expected: NodeId,
    },
    /// The handshake began and broke off.
    #[error("the handshake with {addr} broke off")]
    Closed {
        /// The address.
        addr: SocketAddr,
        /// Why.
        #[source]
        source: CloseReason,
    },
    /// The TLS library refuses the configuration.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl DialError {
    /// Whether to dial again (local), ask a person (configuration) or count it against the peer.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Chain { .. } => Fault::Peer,
            Self::OtherNode { .. } | Self::Address { .. } => Fault::Config,
            Self::TimedOut { .. } => Fault::Local,
            Self::Closed { source, .. } => source.fault(),
            Self::Tls(_) => Fault::Bug,
        }
    }
}

/// What is known of a peer before it is called.
#[derive(Debug, Clone, Default)]
pub struct DialOptions {
    /// Who must answer; none takes anybody under our root.
    pub expect: Option<NodeId>,
    /// The round trip remembered from the last link.
    pub initial_rtt: Option<Duration>,
}

/// Somebody who called.
#[derive(Debug)]
pub enum Incoming {
    /// A node with a valid chain.
    Link(Link),
    /// A node that wants to join.
    Join(JoinCall),
}

#[derive(Debug)]
struct Shared {
    quinn: quinn::Endpoint,
    root: Digest,
    evidence: Evidence,
    tuning: Tuning,
    credentials: Mutex<Credentials>,
    incoming: tokio::sync::Mutex<mpsc::Receiver<Incoming>>,
    // The task that greets callers; dropping the last endpoint stops it.
    _tasks: JoinSet<()>,
}

/// The node's end of all its links. Cheap to clone; must live within a tokio runtime.
#[derive(Debug, Clone)]
pub struct Endpoint(Arc<Shared>);

impl Endpoint {
    /// Opens the socket and begins to greet callers.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken or our own chain does not hold.
    pub fn bind(config: NetConfig) -> Result<Self, BindError> {
        let NetConfig {
            listen,
            signer,
            chain,
            root,
            tuning,
        } = config;
        check_own(&signer, &chain, &root)?;
        let credentials = Credentials::new(&signer, &chain);
        let evidence = Evidence::none();
        let server =
            server_config(&credentials, root, &evidence, &tuning).map_err(BindError::Tls)?;
        let quinn = quinn::Endpoint::server(server, listen)
            .map_err(|source| BindError::Listen { listen, source })?;
        let (accepted, incoming) = mpsc::channel(ACCEPTED_MAX);
        let mut tasks = JoinSet::new();
        tasks.spawn(Greeter::new(quinn.clone(), root, accepted).run());
        Ok(Self(Arc::new(Shared {
            quinn,
            root,
            evidence,
            tuning,
            credentials: Mutex::new(credentials),
            incoming: tokio::sync::Mutex::new(incoming),
            _tasks: tasks,
        })))
    }

    /// The address in use.
    ///
    /// # Errors
    /// What the system says when the socket is gone.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.quinn.local_addr()
    }

    /// Sets the latest time there is evidence of. Chains are judged by it from the next handshake on;
    /// before the first call nothing counts as expired.
    pub fn set_evidence(&self, at: Timestamp) {
        self.0.evidence.set(at);
    }

    /// Presents another chain from the next handshake on, after a renewal. Links stay as they are.
    ///
    /// # Errors
    /// [`BindError`] when the chain does not hold; then everything stays as it was.
    pub fn set_chain(&self, signer: &Signer, chain: &[Vec<u8>]) -> Result<(), BindError> {
        let shared = &self.0;
        check_own(signer, chain, &shared.root)?;
        let credentials = Credentials::new(signer, chain);
        let server = server_config(&credentials, shared.root, &shared.evidence, &shared.tuning)
            .map_err(BindError::Tls)?;
        shared.quinn.set_server_config(Some(server));
        *shared
            .credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = credentials;
        Ok(())
    }

    /// Calls a node. Dropping the future gives up.
    ///
    /// The link is returned as soon as the node's chain holds for us; whether ours holds for it shows a
    /// round trip later, as [`CloseReason::Handshake`].
    ///
    /// # Errors
    /// [`DialError`] when nobody answers, or the wrong one.
    pub async fn dial(&self, addr: SocketAddr, options: &DialOptions) -> Result<Link, DialError> {
        let credentials = self
            .0
            .credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let tuning = Tuning {
            initial_rtt: options.initial_rtt.unwrap_or(self.0.tuning.initial_rtt),
            ..self.0.tuning.clone()
        };
        let caller = Caller {
            quinn: &self.0.quinn,
            root: self.0.root,
            evidence: &self.0.evidence,
            credentials: Some(&credentials),
            alpn: LINK_ALPN,
        };
        let (connection, peer) = caller.call(addr, &tuning, options.expect).await?;
        let streams = connection
            .open_bi()
            .await
            .map_err(|error| DialError::Closed {
                addr,
                source: error.into(),
            })?;
        Ok(Link::start(connection, streams, peer))
    }

    /// Waits for the next caller that passed the handshake; none once the endpoint is closed.
    /// Cancelling loses nobody.
    pub async fn accept(&self) -> Option<Incoming> {
        self.0.incoming.lock().await.recv().await
    }

    /// Closes all links, waits until the peers are told, at most [`FINISH_TIMEOUT`].
    pub async fn close(&self) {
        self.0
            .quinn
            .close(CloseCode::STOPPING.on_wire(), b"stopping");
        let _told = timeout(FINISH_TIMEOUT, self.0.quinn.wait_idle()).await;
    }
}

/// One outgoing call, for a link or to join.
pub(crate) struct Caller<'a> {
    pub(crate) quinn: &'a quinn::Endpoint,
    pub(crate) root: Digest,
    pub(crate) evidence: &'a Evidence,
    pub(crate) credentials: Option<&'a Credentials>,
    pub(crate) alpn: &'static [u8],
}

impl Caller<'_> {
    pub(crate) async fn call(
        &self,
        addr: SocketAddr,
        tuning: &Tuning,
        expect: Option<NodeId>,
    ) -> Result<(quinn::Connection, Peer), DialError> {
        let verdict = Verdict::default();
        let config = self.config(tuning, &verdict).map_err(DialError::Tls)?;
        let connecting = self
            .quinn
            .connect_with(config, addr, SERVER_NAME)
            .map_err(|source| DialError::Address { addr, source })?;
        let connection = match timeout(HANDSHAKE_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(broken_off(addr, &verdict, error)),
            Err(_elapsed) => return Err(DialError::TimedOut { addr }),
        };
        let peer = read_peer(&connection, &self.root)
            .map_err(|source| DialError::Chain { addr, source })?;
        let found = peer.identity.place.node;
        if let Some(expected) = expect
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

    fn config(
        &self,
        tuning: &Tuning,
        verdict: &Verdict,
    ) -> Result<quinn::ClientConfig, rustls::Error> {
        let verifier = PeerVerifier {
            root: self.root,
            evidence: self.evidence.clone(),
            verdict: Arc::clone(verdict),
        };
        let tls = tls::client(self.credentials, verifier, self.alpn)?;
        let crypto = QuicClientConfig::try_from(tls)
            .expect("the ring provider has the cipher suite that QUIC begins with");
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport(tuning, 0)));
        Ok(config)
    }
}

fn broken_off(addr: SocketAddr, verdict: &Verdict, error: ConnectionError) -> DialError {
    let refused = verdict
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    match (refused, error) {
        (Some(source), _) => DialError::Chain { addr, source },
        (None, ConnectionError::TimedOut) => DialError::TimedOut { addr },
        (None, error) => DialError::Closed {
            addr,
            source: error.into(),
        },
    }
}

fn check_own(signer: &Signer, chain: &[Vec<u8>], root: &Digest) -> Result<(), BindError> {
    let identity = verify_chain(chain, root, None).map_err(BindError::OwnChain)?;
    let (certified, own) = (identity.place.node, signer.node_id());
    if certified == own {
        Ok(())
    } else {
        Err(BindError::OtherKey { certified, own })
    }
}

fn server_config(
    credentials: &Credentials,
    root: Digest,
    evidence: &Evidence,
    tuning: &Tuning,
) -> Result<quinn::ServerConfig, rustls::Error> {
    let verifier = PeerVerifier {
        root,
        evidence: evidence.clone(),
        verdict: Verdict::default(),
    };
    let crypto = QuicServerConfig::try_from(tls::server(credentials, verifier)?)
        .expect("the ring provider has the cipher suite that QUIC begins with");
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(transport(tuning, 1)));
    config.max_incoming(HANDSHAKES_MAX);
    // Address tokens for the next call cost bytes in every one; a flood is answered with a retry.
    let mut tokens = quinn::ValidationTokenConfig::default();
    tokens.sent(0);
    config.validation_token_config(tokens);
    Ok(config)
}

/// The transport for links of a few kilobytes a second: no probing for larger packets (it was 11 of
/// 15.8 KB per connection), no segmentation offload (bursts overrun the short queue of a modem), no
/// datagrams, one stream that the caller opens and nothing else.
pub(crate) fn transport(tuning: &Tuning, streams_from_peer: u32) -> TransportConfig {
    let mut config = TransportConfig::default();
    let idle = u32::try_from(tuning.idle_timeout.as_millis()).unwrap_or(u32::MAX);
    config
        .max_concurrent_bidi_streams(VarInt::from_u32(streams_from_peer))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .max_idle_timeout(Some(VarInt::from_u32(idle).into()))
        .keep_alive_interval(tuning.keep_alive)
        .initial_rtt(tuning.initial_rtt)
        .stream_receive_window(VarInt::from_u32(WINDOW_BYTES))
        .receive_window(VarInt::from_u32(WINDOW_BYTES))
        .send_window(SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(None)
        .enable_segmentation_offload(false);
    config
}
