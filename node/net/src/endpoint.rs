//! Where a node is called, a UDP socket and a TCP port of the same number, and from where it calls.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hopluu_model::{Digest, Fault, NodeId, Timestamp};
use hopluu_trust::{ChainError, Signer, verify_chain};
use quinn::AsyncUdpSocket as _;
use rustls::server::StoresServerSessions;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::call::{Place, StreamCaller, is_web, places, resolve};
use crate::close::CloseCode;
use crate::congestion::Expected;
use crate::dial::{Caller, DialError, DialOptions, FailedCall, Known, Quic};
use crate::evidence::Evidence;
use crate::greet::{Greeter, StreamGreeter, StreamTls};
use crate::join::JoinCall;
use crate::limits::{
    ACCEPTED_MAX, FINISH_TIMEOUT, HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, LAST_PACKET, PORT_TRIES_MAX,
};
use crate::line::{Beginning, End, Lines};
use crate::link::{Link, Via};
use crate::race::{Attempt, head_start, race};
use crate::repeat::Repeater;
use crate::socket::{self, Passed};
use crate::tls::{self, Client, Credentials};
use crate::transport::{Tcp, Tuning, transport};

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
        source: io::Error,
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

/// Somebody who called.
#[derive(Debug)]
pub enum Incoming {
    /// A node with a valid chain.
    Link(Link),
    /// A node with a valid chain that has parcels, or asks for its own. It is no link for a journal.
    Parcels(Link),
    /// A node that wants to join.
    Join(JoinCall),
}

/// How we call: the same credentials for two protocols.
#[derive(Debug)]
struct Clients {
    links: Client,
    parcels: Client,
}

impl Clients {
    fn new(
        credentials: &Credentials,
        root: Digest,
        evidence: &Evidence,
    ) -> Result<Self, rustls::Error> {
        Ok(Self {
            links: Client::for_links(credentials, root, evidence)?,
            parcels: Client::for_parcels(credentials, root, evidence)?,
        })
    }
}

#[derive(Debug)]
struct Shared {
    /// Where callers come to.
    quinn: quinn::Endpoint,
    /// What was called: each a socket of its own.
    calls: Mutex<Vec<Quic>>,
    signer: Signer,
    root: Digest,
    evidence: Evidence,
    tuning: Tuning,
    sessions: Arc<dyn StoresServerSessions>,
    stream_tls: StreamTls,
    lines: Lines,
    clients: Mutex<Clients>,
    known: Arc<Known>,
    incoming: tokio::sync::Mutex<mpsc::Receiver<Incoming>>,
    // The tasks that greet callers and repeat to the called; dropping the last endpoint stops them.
    _tasks: JoinSet<()>,
}

/// The node's end of all its links. Cheap to clone; must live within a tokio runtime.
#[derive(Debug, Clone)]
pub struct Endpoint(Arc<Shared>);

impl Endpoint {
    /// Opens the sockets and begins to greet callers.
    ///
    /// # Errors
    /// [`BindError`] when the address is taken, by UDP or by TCP, or our own chain does not hold.
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
        let (evidence, sessions) = (Evidence::none(), tls::sessions());
        let server = server_config(&credentials, root, &evidence, &sessions, &tuning)
            .map_err(BindError::Tls)?;
        let stream_tls = tls::stream_server(&credentials, root, &evidence, Arc::clone(&sessions))
            .map_err(BindError::Tls)?;
        let stream_tls: StreamTls = Arc::new(Mutex::new(stream_tls));
        let clients = Clients::new(&credentials, root, &evidence).map_err(BindError::Tls)?;
        let cannot_listen = |source| BindError::Listen { listen, source };
        let (repeater, listener) = sockets(listen, tuning.tcp).map_err(cannot_listen)?;
        let quinn = repeater
            .endpoint(Some(server), &signer)
            .map_err(cannot_listen)?;
        let (accepted, incoming) = mpsc::channel(ACCEPTED_MAX);
        let (gate, lines) = (Arc::default(), Lines::none());
        let mut tasks = JoinSet::new();
        if let Some(listener) = listener {
            let greeter = StreamGreeter {
                listener,
                tls: Arc::clone(&stream_tls),
                quinn: quinn.clone(),
                lines: lines.clone(),
                root,
                evidence: evidence.clone(),
                gate: Arc::clone(&gate),
                accepted: accepted.clone(),
            };
            tasks.spawn(greeter.run());
        }
        let greeter = Greeter {
            quinn: quinn.clone(),
            lines: lines.clone(),
            root,
            evidence: evidence.clone(),
            gate,
            accepted,
        };
        tasks.spawn(greeter.run());
        Ok(Self(Arc::new(Shared {
            quinn,
            calls: Mutex::default(),
            signer,
            root,
            evidence,
            tuning,
            sessions,
            stream_tls,
            lines,
            clients: Mutex::new(clients),
            known: Arc::default(),
            incoming: tokio::sync::Mutex::new(incoming),
            _tasks: tasks,
        })))
    }

    /// The address in use.
    ///
    /// # Errors
    /// What the system says when the socket is gone.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.quinn.local_addr()
    }

    /// Sets the latest time there is evidence of. Chains are judged by it from the next handshake on;
    /// before the first call nothing counts as expired.
    pub fn set_evidence(&self, at: Timestamp) {
        self.0.evidence.set(at);
    }

    /// How many chains of others did not hold since this was asked last, by the rule they break.
    #[must_use]
    pub fn take_refused_chains(&self) -> BTreeMap<&'static str, u64> {
        self.0.evidence.take_refused()
    }

    /// Presents another chain from the next handshake on, after a renewal. Links stay as they are.
    ///
    /// # Errors
    /// [`BindError`] when the chain does not hold; then everything stays as it was.
    pub fn set_chain(&self, signer: &Signer, chain: &[Vec<u8>]) -> Result<(), BindError> {
        let shared = &self.0;
        check_own(signer, chain, &shared.root)?;
        let credentials = Credentials::new(signer, chain);
        let server = server_config(
            &credentials,
            shared.root,
            &shared.evidence,
            &shared.sessions,
            &shared.tuning,
        )
        .map_err(BindError::Tls)?;
        let sessions = Arc::clone(&shared.sessions);
        let stream_tls = tls::stream_server(&credentials, shared.root, &shared.evidence, sessions)
            .map_err(BindError::Tls)?;
        let clients =
            Clients::new(&credentials, shared.root, &shared.evidence).map_err(BindError::Tls)?;
        let mut slot = shared
            .stream_tls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *slot = stream_tls;
        drop(slot);
        shared.quinn.set_server_config(Some(server));
        *shared.clients() = clients;
        Ok(())
    }

    /// Calls a node, by QUIC and by TCP: first by the one that worked last, and by the other as well when no answer
    /// has come in its time. Dropping the future gives up.
    ///
    /// The link is returned as soon as the node's chain holds for us; whether ours holds for it shows a
    /// round trip later, as [`CloseReason::Handshake`](crate::CloseReason::Handshake). At an address that was
    /// called before by QUIC it is returned at once, and what is sent leaves with the first packet; an answer that
    /// never comes ends such a link after [`HANDSHAKE_TIMEOUT`], and the next call
    /// asks first.
    ///
    /// What is sent before the node has answered may reach it more than once, if somebody on the way
    /// repeats it: the first bytes of a link must do no harm when they come again.
    ///
    /// # Errors
    /// [`DialError`] when nobody answers, or the wrong one.
    pub async fn dial(&self, addr: SocketAddr, options: &DialOptions) -> Result<Link, DialError> {
        let called = self.race(&addr.to_string(), &[addr], options).await;
        called.map_err(|failed| failed.error)
    }

    /// The same by name, as `host:port`, at one address of each family. With a proxy a name need not lead anywhere
    /// here: the proxy looks it up. `wss://host/path` is a node behind a web server, which only TCP reaches.
    ///
    /// # Errors
    /// When the name leads nowhere, nobody answers, or the wrong one, with what it has cost.
    pub async fn call(&self, name: &str, options: &DialOptions) -> Result<Link, FailedCall> {
        let tuning = &self.0.tuning;
        if tuning.tcp != Tcp::Off && is_web(name) {
            return self.race(name, &[], options).await;
        }
        let found = resolve(name).await;
        let has_proxy = tuning.proxy.is_some() && tuning.tcp != Tcp::Off;
        match found {
            Ok(found) if !found.is_empty() => self.race(name, &found, options).await,
            _ if has_proxy => self.race(name, &[], options).await,
            found => Err(FailedCall {
                error: DialError::NotFound {
                    addr: name.to_owned(),
                    source: found
                        .err()
                        .unwrap_or_else(|| io::ErrorKind::NotFound.into()),
                },
                sent: 0,
                received: 0,
                is_heard: false,
            }),
        }
    }

    async fn race(
        &self,
        name: &str,
        found: &[SocketAddr],
        options: &DialOptions,
    ) -> Result<Link, FailedCall> {
        let quic = found.iter().map(|addr| -> (Attempt<Link>, Arc<Passed>) {
            let (endpoint, addr, options) = (self.clone(), *addr, options.clone());
            let (passed, meter) = Passed::shared();
            let dial = async move { endpoint.dial_quic(addr, &options, passed).await };
            (Box::pin(dial), meter)
        });
        let places = places(&self.0.tuning, name, found).into_iter();
        let tcp = places.map(|place| -> (Attempt<Link>, Arc<Passed>) {
            let (endpoint, options) = (self.clone(), options.clone());
            let (passed, meter) = Passed::shared();
            let dial = async move { endpoint.dial_tcp(place, &options, passed).await };
            (Box::pin(dial), meter)
        });
        let (quic, by_quic): (Vec<_>, Vec<_>) = quic.unzip();
        let (tcp, by_tcp): (Vec<_>, Vec<_>) = tcp.unzip();
        let attempts = match options.first {
            Via::Quic => [quic, tcp],
            Via::Tcp | Via::WebSocket => [tcp, quic],
        };
        let attempts = attempts.into_iter().flatten().collect();
        let error = match race(attempts, head_start(options)).await {
            Ok(link) => return Ok(link),
            Err(error) => error,
        };
        sleep(LAST_PACKET).await;
        let meters = || by_quic.iter().chain(&by_tcp);
        Err(FailedCall {
            error,
            sent: meters().map(|passed| passed.sent()).sum(),
            received: meters().map(|passed| passed.received()).sum(),
            is_heard: by_quic.iter().any(|passed| passed.received() > 0),
        })
    }

    async fn dial_quic(
        &self,
        addr: SocketAddr,
        options: &DialOptions,
        passed: Arc<Passed>,
    ) -> Result<Link, DialError> {
        let shared = &self.0;
        let client = shared.client(options);
        let unreachable = |source| DialError::Unreachable {
            addr: addr.to_string(),
            source,
        };
        let quic = Quic::to(addr, &shared.signer, passed).map_err(unreachable)?;
        shared.keep(&quic);
        if options.is_silent {
            let knocking = timeout(HANDSHAKE_TIMEOUT, quic.repeater.knock(addr)).await;
            let late = |_elapsed| DialError::TimedOut {
                addr: addr.to_string(),
            };
            knocking.map_err(late)?;
        }
        let caller = Caller {
            quic: &quic,
            client: &client,
            root: shared.root,
            evidence: &shared.evidence,
            tuning: &shared.tuning,
            options,
        };
        caller.link(&shared.known).await
    }

    async fn dial_tcp(
        &self,
        place: Place,
        options: &DialOptions,
        passed: Arc<Passed>,
    ) -> Result<Link, DialError> {
        let shared = &self.0;
        let client = shared.client(options);
        let caller = StreamCaller {
            client,
            root: shared.root,
            evidence: shared.evidence.clone(),
            place,
            expect: options.expect,
            passed,
        };
        let called = caller.call().await?;
        let beginning = Beginning {
            stream: called.stream,
            first: Vec::new(),
            end: End::Calling,
            passed: called.passed,
            via: called.via,
            rtt: called.rtt,
            lines: shared.lines.clone(),
        };
        Ok(Link::over(beginning, called.peer))
    }

    /// The machine's network has changed: what waits for an answer is sent again at once, and links over TCP, which
    /// cannot follow, are asked whether they still lead anywhere.
    ///
    /// The sockets stay: bound to no address they leave by whichever the machine has, and QUIC's peers
    /// follow. Another socket would be another port, and 2.4 KB to prove it.
    pub fn network_changed(&self) {
        for call in self.0.calls().iter() {
            call.repeater.hurry();
        }
        self.0.lines.hurry();
    }

    /// A person knows that now is the time: calls that knock first go on whole. Links are left alone, because a call
    /// takes their place, and what they repeated would go twice.
    pub fn call_wanted(&self) {
        for call in self.0.calls().iter() {
            call.repeater.end_knock();
        }
    }

    /// Waits for the next caller that passed the handshake; none once the endpoint is closed.
    /// Cancelling loses nobody.
    pub async fn accept(&self) -> Option<Incoming> {
        self.0.incoming.lock().await.recv().await
    }

    /// Closes all links, waits until the peers are told, at most [`FINISH_TIMEOUT`].
    pub async fn close(&self) {
        let mut ends = vec![self.0.quinn.clone()];
        ends.extend(self.0.calls().drain(..).map(|call| call.endpoint));
        let mut told = JoinSet::new();
        for end in ends {
            end.close(CloseCode::STOPPING.on_wire(), b"stopping");
            told.spawn(async move { end.wait_idle().await });
        }
        let told = timeout(FINISH_TIMEOUT, told.join_all());
        let (_told, ()) = tokio::join!(told, self.0.lines.stop());
    }
}

#[cfg(test)]
impl Endpoint {
    /// The QUIC beneath, for tests that mistreat it.
    pub(crate) fn quinn(&self) -> &quinn::Endpoint {
        &self.0.quinn
    }
}

impl Shared {
    fn client(&self, options: &DialOptions) -> Client {
        let clients = self.clients();
        let client = match options.parcels {
            true => &clients.parcels,
            false => &clients.links,
        };
        client.clone()
    }

    /// Keeps a call to be ended with the node, and forgets those that are over.
    fn keep(&self, call: &Quic) {
        let mut calls = self.calls();
        let is_over =
            |call: &Quic| call.repeater.is_left() && call.endpoint.open_connections() == 0;
        calls.retain(|call| !is_over(call));
        calls.push(call.clone());
    }

    fn calls(&self) -> MutexGuard<'_, Vec<Quic>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The UDP socket, and a TCP one at the same port where callers may come by it.
fn sockets(listen: SocketAddr, tcp: Tcp) -> io::Result<(Arc<Repeater>, Option<TcpListener>)> {
    let tries = if listen.port() == 0 {
        PORT_TRIES_MAX
    } else {
        1
    };
    let mut last = None;
    for _ in 0..tries {
        let repeater = Repeater::listen(listen)?;
        if tcp != Tcp::Serves {
            return Ok((repeater, None));
        }
        match socket::listen(repeater.local_addr()?) {
            Ok(listener) => return Ok((repeater, Some(listener))),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
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
    sessions: &Arc<dyn StoresServerSessions>,
    tuning: &Tuning,
) -> Result<quinn::ServerConfig, rustls::Error> {
    let crypto = tls::server(credentials, root, evidence, Arc::clone(sessions))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let expected = Expected {
        rate_max: tuning.rate_max,
        ..Expected::default()
    };
    config.transport_config(Arc::new(transport(tuning, expected, 1)));
    config.max_incoming(HANDSHAKES_MAX);
    // Address tokens for the next call cost bytes in every one; a flood is answered with a retry.
    let mut tokens = quinn::ValidationTokenConfig::default();
    tokens.sent(0);
    config.validation_token_config(tokens);
    Ok(config)
}
