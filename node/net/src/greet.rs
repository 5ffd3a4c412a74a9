//! Callers are greeted here: each within its time, none holding up another, and whoever has no valid
//! chain gets no further than one join exchange.

mod streams;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use hopluu_model::{Digest, ErrorChain};
use hopluu_trust::ChainError;
use hopluu_trust::limits::JOIN_BYTES_MAX;
use quinn::crypto::rustls::HandshakeData;
use quinn::{Connecting, Connection, ConnectionError};
use rustls::pki_types::CertificateDer;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use self::streams::{StreamGreeter, StreamTls};
use crate::close::{CloseCode, CloseReason};
use crate::endpoint::Incoming;
use crate::evidence::Evidence;
use crate::join::JoinCall;
use crate::limits::{
    HANDSHAKE_TIMEOUT, HANDSHAKES_MAX, HANDSHAKES_UNPROVEN_MAX, JOIN_ADDRS_MAX, JOIN_BURST,
    JOIN_REFILL, LINKS_MAX, OPEN_MAX,
};
use crate::line::Lines;
use crate::link::{Handshake, Link, Peer};
use crate::tls::{JOIN_ALPN, LINK_ALPN, PARCELS_ALPN};

/// Owns all handshakes under way.
pub(crate) struct Greeter {
    pub(crate) quinn: quinn::Endpoint,
    pub(crate) lines: Lines,
    pub(crate) root: Digest,
    pub(crate) evidence: Evidence,
    pub(crate) gate: Arc<Mutex<JoinGate>>,
    pub(crate) accepted: mpsc::Sender<Incoming>,
}

impl Greeter {
    /// Greets until the endpoint is closed.
    pub(crate) async fn run(self) {
        let mut handshakes = JoinSet::new();
        loop {
            // Both arms are cancel-safe: a call not taken stays with the endpoint.
            tokio::select! {
                Some(_done) = handshakes.join_next(), if !handshakes.is_empty() => {}
                call = self.quinn.accept() => match call {
                    Some(call) => self.admit(call, &mut handshakes),
                    None => return,
                },
            }
        }
    }

    fn admit(&self, call: quinn::Incoming, handshakes: &mut JoinSet<()>) {
        let open = self.quinn.open_connections() + self.lines.open();
        if handshakes.len() >= HANDSHAKES_MAX || open >= OPEN_MAX {
            tracing::debug!(addr = %call.remote_address(), "caller refused, too many");
            call.refuse();
            return;
        }
        if handshakes.len() >= HANDSHAKES_UNPROVEN_MAX && call.may_retry() {
            // It cannot fail: the call may be retried.
            let _sent = call.retry();
            return;
        }
        let (root, evidence, gate) = (self.root, self.evidence.clone(), Arc::clone(&self.gate));
        let is_full = open >= LINKS_MAX;
        let accepted = self.accepted.clone();
        handshakes.spawn(async move {
            if let Some(incoming) = greet(call, is_full, root, &evidence, &gate).await {
                let _program_stops = accepted.send(incoming).await;
            }
        });
    }
}

/// One caller, from its first packet to its first bytes.
async fn greet(
    call: quinn::Incoming,
    is_full: bool,
    root: Digest,
    evidence: &Evidence,
    gate: &Mutex<JoinGate>,
) -> Option<Incoming> {
    let addr = call.remote_address();
    let deadline = Instant::now() + HANDSHAKE_TIMEOUT;
    let connecting = match call.accept() {
        Ok(connecting) => connecting,
        Err(error) => {
            let reason = CloseReason::from(error);
            tracing::debug!(%addr, reason = %ErrorChain(&reason), "caller gone");
            return None;
        }
    };
    let (connection, handshake) = match timeout_at(deadline, shown(connecting)).await {
        Ok(Ok(shown)) => shown,
        Ok(Err(error)) => {
            let reason = CloseReason::from(error);
            tracing::debug!(%addr, reason = %ErrorChain(&reason), "handshake failed");
            return None;
        }
        Err(_elapsed) => {
            tracing::debug!(%addr, "handshake timed out");
            return None;
        }
    };
    let refuse = |code: CloseCode| {
        tracing::debug!(%addr, %code, "caller refused");
        connection.close(code.on_wire(), code.last_word().as_bytes());
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let result = match protocol(&connection).as_deref() {
        _ if is_full => Ok(Err(turned_away(handshake).await)),
        Some(LINK_ALPN) => {
            let opened = timeout(left, open_link(&connection, &root, evidence, handshake)).await;
            opened.map(|link| link.map(Incoming::Link))
        }
        Some(PARCELS_ALPN) => {
            let opened = timeout(left, open_link(&connection, &root, evidence, handshake)).await;
            opened.map(|link| link.map(Incoming::Parcels))
        }
        Some(JOIN_ALPN) => timeout(left, open_join(&connection, gate)).await,
        _ => Ok(Err(CloseCode::NO_CERTIFICATE)),
    };
    match result {
        Ok(Ok(incoming)) => Some(incoming),
        Ok(Err(code)) => {
            refuse(code);
            None
        }
        Err(_elapsed) => {
            refuse(CloseCode::SILENT);
            None
        }
    }
}

/// Waits until the caller has shown who it is: with its first packet where it resumes a session, so that
/// what came with it is taken at once, and at the end of the handshake otherwise.
async fn shown(connecting: Connecting) -> Result<(Connection, Handshake), ConnectionError> {
    let (connection, finished) = match connecting.into_0rtt() {
        Ok(pair) => pair,
        Err(connecting) => return Ok((connecting.await?, Handshake::Done)),
    };
    if connection.peer_identity().is_some() {
        return Ok((connection, Handshake::Answering(finished)));
    }
    // It says how early data fared; whether the handshake failed is asked of the connection.
    let _fared = finished.await;
    match connection.close_reason() {
        Some(error) => Err(error),
        None => Ok((connection, Handshake::Done)),
    }
}

/// All links are taken. Only at the end of the handshake can the caller be told so, which comes or times out.
async fn turned_away(handshake: Handshake) -> CloseCode {
    if let Handshake::Answering(finished) = handshake {
        let _through = finished.await;
    }
    CloseCode::BUSY
}

async fn open_link(
    connection: &Connection,
    root: &Digest,
    evidence: &Evidence,
    handshake: Handshake,
) -> Result<Link, CloseCode> {
    let Ok(peer) = read_peer(connection, root, evidence) else {
        if let Handshake::Answering(finished) = handshake {
            // Only then can the caller be told why.
            let _through = finished.await;
        }
        return Err(CloseCode::NO_CERTIFICATE);
    };
    let streams = connection
        .accept_bi()
        .await
        .map_err(|_lost| CloseCode::SILENT)?;
    Ok(Link::start(
        connection.clone(),
        streams,
        peer,
        None,
        handshake,
    ))
}

async fn open_join(connection: &Connection, gate: &Mutex<JoinGate>) -> Result<Incoming, CloseCode> {
    let addr = connection.remote_address();
    let may_call = gate
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .admit(addr.ip(), Instant::now());
    if !may_call {
        return Err(CloseCode::BUSY);
    }
    let (send, mut recv) = connection
        .accept_bi()
        .await
        .map_err(|_lost| CloseCode::SILENT)?;
    let request = recv
        .read_to_end(JOIN_BYTES_MAX)
        .await
        .map_err(|error| match error {
            quinn::ReadToEndError::TooLong => CloseCode::TOO_LARGE,
            quinn::ReadToEndError::Read(_) => CloseCode::SILENT,
        })?;
    Ok(Incoming::Join(JoinCall::new(
        connection.clone(),
        send,
        request,
    )))
}

/// The chain of whoever is at the other end, verified once more: a resumed session brings along the one that
/// was verified when it began, and time has passed since.
pub(crate) fn read_peer(
    connection: &Connection,
    root: &Digest,
    evidence: &Evidence,
) -> Result<Peer, ChainError> {
    let certificates = connection
        .peer_identity()
        .and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok())
        .ok_or(ChainError::Empty)?;
    peer_of(&certificates, root, evidence)
}

/// Who shows these certificates.
pub(crate) fn peer_of(
    certificates: &[CertificateDer<'_>],
    root: &Digest,
    evidence: &Evidence,
) -> Result<Peer, ChainError> {
    let chain: Vec<Vec<u8>> = certificates
        .iter()
        .map(|der| der.as_ref().to_vec())
        .collect();
    let line = evidence.verify(&chain, root)?;
    let identity = line.first().cloned().ok_or(ChainError::Empty)?;
    Ok(Peer {
        identity,
        line,
        chain,
    })
}

fn protocol(connection: &Connection) -> Option<Vec<u8>> {
    connection
        .handshake_data()?
        .downcast::<HandshakeData>()
        .ok()?
        .protocol
}

/// How often each address may ask to join: a bucket of [`JOIN_BURST`] calls that fills again by one
/// every [`JOIN_REFILL`].
#[derive(Debug, Default)]
pub(crate) struct JoinGate {
    buckets: BTreeMap<IpAddr, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    calls_left: u32,
    filled: Instant,
}

impl JoinGate {
    pub(crate) fn admit(&mut self, addr: IpAddr, now: Instant) -> bool {
        let addr = network(addr);
        if self.buckets.len() >= JOIN_ADDRS_MAX && !self.buckets.contains_key(&addr) {
            // Full buckets say nothing that a missing one does not.
            self.buckets.retain(|_, bucket| {
                bucket.fill(now);
                bucket.calls_left < JOIN_BURST
            });
            if self.buckets.len() >= JOIN_ADDRS_MAX {
                return false;
            }
        }
        let bucket = self.buckets.entry(addr).or_insert(Bucket {
            calls_left: JOIN_BURST,
            filled: now,
        });
        bucket.fill(now);
        let may_call = bucket.calls_left > 0;
        bucket.calls_left = bucket.calls_left.saturating_sub(1);
        may_call
    }
}

impl Bucket {
    fn fill(&mut self, now: Instant) {
        let passed =
            now.saturating_duration_since(self.filled).as_millis() / JOIN_REFILL.as_millis();
        let calls = u32::try_from(passed).unwrap_or(u32::MAX).min(JOIN_BURST);
        if calls > 0 {
            self.calls_left = self.calls_left.saturating_add(calls).min(JOIN_BURST);
            self.filled = now;
        }
    }
}

/// What counts as one address: whoever has an IPv6 network has all of its /64.
fn network(addr: IpAddr) -> IpAddr {
    match addr.to_canonical() {
        IpAddr::V6(addr) => {
            let [a, b, c, d, ..] = addr.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn v4(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(n))
    }

    #[test]
    fn join_calls_of_one_address_are_limited_and_allowed_again() {
        let (mut gate, start) = (JoinGate::default(), Instant::now());
        for _ in 0..JOIN_BURST {
            assert!(gate.admit(v4(1), start));
        }
        assert!(!gate.admit(v4(1), start));
        assert!(gate.admit(v4(2), start));
        assert!(gate.admit(v4(1), start + JOIN_REFILL));
        assert!(!gate.admit(v4(1), start + JOIN_REFILL));
    }

    #[test]
    fn one_network_is_one_address() {
        let (mut gate, start) = (JoinGate::default(), Instant::now());
        let host = |n: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, n));
        for n in 0..u16::try_from(JOIN_BURST).unwrap() {
            assert!(gate.admit(host(n), start));
        }
        assert!(!gate.admit(host(9_999), start));
        let mapped = IpAddr::V6(Ipv4Addr::from_bits(7).to_ipv6_mapped());
        assert_eq!(network(mapped), v4(7));
    }

    #[test]
    fn addresses_remembered_are_bounded() {
        let (mut gate, start) = (JoinGate::default(), Instant::now());
        for n in 0..u32::try_from(JOIN_ADDRS_MAX).unwrap() {
            assert!(gate.admit(v4(n), start));
        }
        assert!(!gate.admit(v4(u32::MAX), start));
        assert!(gate.admit(v4(0), start), "known ones go on");
        assert_eq!(gate.buckets.len(), JOIN_ADDRS_MAX);
        let later = start + JOIN_REFILL * 2;
        assert!(gate.admit(v4(u32::MAX), later));
        assert!(gate.buckets.len() < JOIN_ADDRS_MAX);
    }
}
