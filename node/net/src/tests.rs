//! Two real endpoints on the loopback.

mod callers;
mod early;
mod identity;
mod join;
mod links;
mod losses;
#[cfg(target_os = "linux")]
pub(crate) mod own_network;
mod parcels;
mod streams;
mod wrapped;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hopluu_model::{Digest, ErrorChain, NodeId, Timestamp};
use hopluu_trust::{
    ChainError, JoinError, JoinRefusal, JoinReply, JoinRequest, Signer, Ticket, TicketSecret,
    fingerprint,
};
use rustls::client::Resumption;
use tokio::time::timeout;

use crate::congestion::Expected;
use crate::dial::{Caller, Quic};
use crate::evidence::Evidence;
use crate::join::exchange;
use crate::key::{Subject, issue, write_root};
use crate::limits::{
    ACCEPTED_MAX, EVENTS_MAX, FINISH_TIMEOUT, HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, IDLE_TIMEOUT,
    JOIN_BURST, KNOCK_INTERVAL, LINKS_MAX, READ_BYTES_MAX, SEND_WINDOW_BYTES, WINDOW_BYTES,
};
use crate::repeat::Repeater;
use crate::tls::{Client, Credentials, JOIN_ALPN, LINK_ALPN};
use crate::transport::transport;
use crate::{
    BindError, CloseCode, CloseReason, DialError, DialOptions, Endpoint, Incoming, JoinCallError,
    Link, LinkEvent, LinkGone, NetConfig, Tcp, Tuning, Via, call_join,
};

pub(crate) const NOT_AFTER: Timestamp = Timestamp(1_900_000_000_000);
const LIMIT: Duration = Duration::from_secs(20);

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32])
}

/// Province (key 1), district (2), commune (3); leaf first.
pub(crate) fn chain(depth: u8) -> Vec<Vec<u8>> {
    chain_of(1, depth)
}

pub(crate) fn chain_of(first: u8, depth: u8) -> Vec<Vec<u8>> {
    let units = ["45@2020-01-01", "465@2020-01-01", "19429@2020-02-01"];
    let root = signer(first);
    let mut chain = vec![write_root(&root, &units[0].parse().unwrap(), NOT_AFTER).unwrap()];
    for level in 1..depth {
        let subject = Subject {
            node: signer(first + level).node_id(),
            unit: units[usize::from(level)].parse().unwrap(),
            office: None,
            not_after: NOT_AFTER,
        };
        chain = issue(&signer(first + level - 1), &chain, &subject).unwrap();
    }
    chain
}

fn root() -> Digest {
    fingerprint(&chain(1)[0])
}

fn config(seed: u8, chain: Vec<Vec<u8>>) -> NetConfig {
    NetConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        signer: signer(seed),
        root: fingerprint(chain.last().unwrap()),
        chain,
        tuning: Tuning {
            tcp: Tcp::Off,
            ..Tuning::default()
        },
    }
}

fn node(depth: u8) -> Endpoint {
    Endpoint::bind(config(depth, chain(depth))).unwrap()
}

fn addr(endpoint: &Endpoint) -> SocketAddr {
    endpoint.local_addr().unwrap()
}

async fn accept_link(endpoint: &Endpoint) -> Link {
    match timeout(LIMIT, endpoint.accept()).await.unwrap() {
        Some(Incoming::Link(link)) => link,
        other => panic!("{other:?}"),
    }
}

/// A commune's link to its district, both ends.
async fn linked(commune: &Endpoint, district: &Endpoint) -> (Link, Link) {
    let up = commune
        .dial(addr(district), &DialOptions::default())
        .await
        .unwrap();
    up.handle().send(vec![1]).await.unwrap();
    let mut down = accept_link(district).await;
    assert_eq!(next(&mut down).await, LinkEvent::Received(vec![1]));
    (up, down)
}

async fn next(link: &mut Link) -> LinkEvent {
    timeout(LIMIT, link.next()).await.unwrap().unwrap()
}

async fn closed(link: &mut Link) -> CloseReason {
    loop {
        if let LinkEvent::Closed(reason) = next(link).await {
            assert_eq!(link.next().await, None);
            return reason;
        }
    }
}

async fn receive(link: &mut Link, bytes: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < bytes {
        match next(link).await {
            LinkEvent::Received(piece) => {
                assert!(piece.len() <= READ_BYTES_MAX);
                received.extend(piece);
            }
            LinkEvent::Closed(reason) => panic!("{reason}"),
        }
    }
    received
}

fn pattern(bytes: usize, salt: usize) -> Vec<u8> {
    (0..bytes)
        .map(|n| u8::try_from((n * 31 + n / 251 + salt) % 256).unwrap())
        .collect()
}

/// Calls without our endpoint's manners.
struct Raw {
    signer: Signer,
    client: Client,
}

impl Raw {
    fn new(identity: Option<(u8, Vec<Vec<u8>>)>, alpn: &[u8]) -> Self {
        let (seed, credentials) = match identity {
            Some((seed, chain)) => (seed, Some(Credentials::new(&signer(seed), &chain))),
            None => (0, None),
        };
        let (none, evidence) = (Resumption::disabled(), Evidence::none());
        Self {
            signer: signer(seed),
            client: Client::new(credentials.as_ref(), root(), &evidence, alpn, none).unwrap(),
        }
    }

    async fn try_connect(&self, to: &Endpoint) -> Result<quinn::Connection, DialError> {
        let caller = Caller {
            quic: &Quic::to(addr(to), &self.signer, Arc::default()).unwrap(),
            client: &self.client,
            root: root(),
            evidence: &Evidence::none(),
            tuning: &Tuning::default(),
            options: &DialOptions::default(),
        };
        let (connection, _peer, _watch) = caller.call().await?;
        Ok(connection)
    }

    async fn connect(&self, to: &Endpoint) -> quinn::Connection {
        let connected = self.try_connect(to).await;
        connected.unwrap_or_else(|error| panic!("{}", ErrorChain(&error)))
    }

    /// Says something at once, and waits to be thrown out.
    async fn call(&self, to: &Endpoint) -> CloseReason {
        let connection = self.connect(to).await;
        let (mut send, _recv) = connection.open_bi().await.unwrap();
        let _maybe_closed_already = send.write_all(b"frame").await;
        timeout(LIMIT, connection.closed()).await.unwrap().into()
    }
}

async fn nobody_came(endpoint: &Endpoint) {
    let waited = timeout(Duration::from_millis(200), endpoint.accept()).await;
    assert!(waited.is_err(), "{waited:?}");
}

/// Callers that may have come beside ours: a node of another test that redials a port which its owner
/// has given back to the system, and which is ours now.
const STRANGERS_MAX: usize = 4;

/// Calls until there are as many as may and the next is told so; gives who got in, as `hold` keeps them.
async fn fill<T>(
    district: &Endpoint,
    bound: usize,
    hold: impl AsyncFn(quinn::Connection) -> T,
) -> Vec<T> {
    let caller = Raw::new(Some((3, chain(3))), LINK_ALPN);
    let mut held = Vec::new();
    loop {
        match caller.try_connect(district).await {
            Ok(connection) => held.push(hold(connection).await),
            Err(error) => {
                let is_refusal = matches!(
                    error,
                    DialError::Closed {
                        source: CloseReason::Refused,
                        ..
                    }
                );
                assert!(is_refusal, "{}", ErrorChain(&error));
                assert!(held.len() + STRANGERS_MAX >= bound, "{}", held.len());
                return held;
            }
        }
        assert!(held.len() <= bound);
    }
}

/// Says something, so that the link is taken over.
async fn speak(connection: &quinn::Connection) -> (quinn::SendStream, quinn::RecvStream) {
    let (mut send, recv) = connection.open_bi().await.unwrap();
    send.write_all(b"x").await.unwrap();
    (send, recv)
}
