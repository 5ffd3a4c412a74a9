//! The socket under QUIC, and its patience: what went out to a called node and brought no answer goes
//! out again, the same bytes, about once in a round trip.
//!
//! QUIC repeats too, but waits three round trips for the first answer and doubles each time, so that a
//! lost handshake packet costs seconds and a link that comes back after an hour is noticed within the
//! hour. A packet that arrives twice is dropped by the receiver for its number; here it costs its bytes
//! and nothing else. Nothing is repeated while no answer is owed, and never to somebody who called us.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hopluu_trust::Signer;
use quinn::crypto::{CryptoError, HmacKey};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, EndpointConfig, Runtime as _, TokioRuntime, UdpPoller};
use quinn_proto::RandomConnectionIdGenerator;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use zeroize::Zeroizing;

use crate::congestion::Measured;
use crate::limits::{
    ANSWER_UNKNOWN, RATE_UNKNOWN, REPEAT_WAIT_MAX, REPEATED_BYTES_MAX, REPEATED_PACKETS_MAX,
    REPEATS_EVENLY,
};

/// A flight of at most so many bytes is a few words, not the beginning of a call.
const WORDS_BYTES: usize = 1_000;

/// A packet of so many bytes is more than an acknowledgement, to which nobody answers.
const ASKING_BYTES: usize = 100;

/// Room for the answer in the reckoning of when it should have come: to a call, and to words.
const CALL_ANSWER_BYTES: u64 = 1_400;
const WORDS_ANSWER_BYTES: u64 = 300;

/// What a machine may take until it has heard something: twice what QUIC waits with an acknowledgement.
const ANSWER_TIME: Duration = Duration::from_millis(50);

/// How often patience doubles at most when answers come after repeats.
const PATIENCE_MAX: u32 = 3;

/// What is known of the way to a called node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// None where nobody has been.
    pub(crate) rtt: Option<Duration>,
    /// Bytes a second; none when nobody has measured it.
    pub(crate) rate: Option<u64>,
}

impl Pace {
    /// When the answer to so many bytes should be here.
    pub(crate) fn wait(self, bytes: usize) -> Duration {
        let Some(rtt) = self.rtt else {
            return ANSWER_UNKNOWN;
        };
        let answer = if bytes > WORDS_BYTES {
            CALL_ANSWER_BYTES
        } else {
            WORDS_ANSWER_BYTES
        };
        let bytes = u64::try_from(bytes)
            .unwrap_or(u64::MAX)
            .saturating_add(answer);
        let rate = self.rate.unwrap_or(RATE_UNKNOWN).max(1);
        rtt * 9 / 8 + ANSWER_TIME + Duration::from_millis(bytes.saturating_mul(1_000) / rate)
    }
}

/// One UDP socket of the system.
#[derive(Debug)]
pub(crate) struct Repeater {
    socket: Arc<dyn AsyncUdpSocket>,
    /// None where nobody is called, and while no answer can be owed.
    way: Mutex<Option<Way>>,
    /// Whether a call went over it and has ended.
    is_left: AtomicBool,
    changed: Notify,
}

/// The called node.
#[derive(Debug)]
struct Way {
    addr: SocketAddr,
    pace: Pace,
    measured: Measured,
    is_awaited: bool,
    /// What has gone out first since anything came in: later packets only ask whether anybody is there.
    unanswered: Vec<Vec<u8>>,
    /// Bytes of all that has.
    flight: usize,
    /// When the first of it went out.
    since: Option<Instant>,
    due: Option<Instant>,
    repeats: u32,
    /// How often it was answered only after repeats, since it last was without.
    patience: u32,
    repeated_bytes: u64,
    /// Whether anything has come in since this watch began.
    is_heard: bool,
}

/// For what the key of reset tokens is derived.
const RESET_CONTEXT: &str = "hopluu 2026 stateless reset of QUIC connections";

/// Bytes of a connection's id at a node that is called, which stands in every packet: a thousand links are no crowd
/// among four thousand million, and one that is not known, of an earlier start for example, is answered with a reset.
/// A call has a socket of its own, and needs none.
const ID_BYTES: usize = 4;

/// Makes the tokens by which a peer believes that this node has forgotten a connection (RFC 9000, section
/// 10.3.1): the same after every start.
struct ResetKey(Zeroizing<[u8; 32]>);

impl HmacKey for ResetKey {
    fn sign(&self, data: &[u8], out: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(data).finalize_xof().fill(out);
    }

    fn signature_len(&self) -> usize {
        blake3::OUT_LEN
    }

    fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        let tag = blake3::keyed_hash(&self.0, data);
        let given = <[u8; blake3::OUT_LEN]>::try_from(signature).map_err(|_| CryptoError)?;
        // The library compares hashes in constant time.
        if tag == blake3::Hash::from(given) {
            Ok(())
        } else {
            Err(CryptoError)
        }
    }
}

/// That a call is under way or a link stands; dropping it ends the repeating.
#[derive(Debug)]
pub(crate) struct Watch {
    repeater: Arc<Repeater>,
    measured: Measured,
    _running: JoinSet<()>,
}

impl Repeater {
    /// Opens a socket.
    pub(crate) fn bind(addr: SocketAddr) -> io::Result<Arc<Self>> {
        let socket = std::net::UdpSocket::bind(addr)?;
        socket.set_nonblocking(true)?;
        Ok(Arc::new(Self {
            socket: TokioRuntime.wrap_udp_socket(socket)?,
            way: Mutex::default(),
            is_left: AtomicBool::new(false),
            changed: Notify::new(),
        }))
    }

    /// QUIC over this socket. Whoever comes to it with a link that this node had before it was restarted is
    /// told so at once, by a token that follows from the node's key.
    pub(crate) fn endpoint(
        self: &Arc<Self>,
        server: Option<quinn::ServerConfig>,
        signer: &Signer,
    ) -> io::Result<quinn::Endpoint> {
        let mut config = EndpointConfig::new(Arc::new(ResetKey(signer.derive_key(RESET_CONTEXT))));
        let id_bytes = server.as_ref().map_or(0, |_| ID_BYTES);
        config.cid_generator(move || Box::new(RandomConnectionIdGenerator::new(id_bytes)));
        let socket: Arc<dyn AsyncUdpSocket> = Arc::<Self>::clone(self);
        quinn::Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(TokioRuntime))
    }

    /// Begins to repeat what an answer is owed for.
    pub(crate) fn watch(self: &Arc<Self>, addr: SocketAddr, pace: Pace) -> Watch {
        let measured = Measured::default();
        *self.lock() = Some(Way {
            addr,
            pace,
            measured: measured.clone(),
            is_awaited: true,
            unanswered: Vec::new(),
            flight: 0,
            since: None,
            due: None,
            repeats: 0,
            patience: 0,
            repeated_bytes: 0,
            is_heard: false,
        });
        let mut running = JoinSet::new();
        running.spawn(Arc::clone(self).run());
        Watch {
            repeater: Arc::clone(self),
            measured,
            _running: running,
        }
    }

    /// Whether the call that it was opened for has ended.
    pub(crate) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Relaxed)
    }

    /// Repeats what is due.
    async fn run(self: Arc<Self>) {
        loop {
            let due = self.repeat(Instant::now());
            let wait = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = wait => {}
            }
        }
    }

    /// Sends again what is due by now; gives when the next is.
    fn repeat(&self, now: Instant) -> Option<Instant> {
        let mut way = self.lock();
        let way = way.as_mut()?;
        if way.due.is_some_and(|due| due <= now) {
            for bytes in &way.unanswered {
                way.repeated_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                // A full or absent network is what repeating is for.
                let _comes_again = self.socket.try_send(&Transmit {
                    destination: way.addr,
                    ecn: None,
                    contents: bytes,
                    segment_size: None,
                    src_ip: None,
                });
            }
            way.repeats = way.repeats.saturating_add(1);
            way.due = Some(now + way.wait());
        }
        way.due
    }

    /// Tries again at once: the network has changed.
    pub(crate) fn hurry(&self) {
        if let Some(way) = self.lock().as_mut() {
            way.repeats = way.repeats.min(1);
            way.due = way.due.map(|_| Instant::now());
        }
        self.changed.notify_one();
    }

    fn sent(&self, transmit: &Transmit<'_>) {
        let mut way = self.lock();
        let is_meant = |way: &&mut Way| way.addr == transmit.destination && way.is_awaited;
        let Some(way) = way.as_mut().filter(is_meant) else {
            return;
        };
        way.keep(transmit.contents, Instant::now());
        if way.due.is_none() {
            way.due = Some(Instant::now() + way.wait());
            self.changed.notify_one();
        }
    }

    fn heard(&self, from: SocketAddr) {
        let mut way = self.lock();
        if let Some(way) = way.as_mut().filter(|way| way.addr == from) {
            way.hear(Instant::now());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Way>> {
        self.way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Way {
    /// Keeps a packet of the first flight. What follows once its answer is overdue is QUIC's own trying.
    fn keep(&mut self, bytes: &[u8], now: Instant) {
        let is_overdue = self.repeats > 0 || self.due.is_some_and(|due| due <= now);
        if is_overdue {
            return;
        }
        self.since.get_or_insert(now);
        self.flight = self.flight.saturating_add(bytes.len());
        if self.is_heard && self.flight > WORDS_BYTES {
            // Of much on its way over a link that stood, one packet asks as well as all whether it stands again.
            self.unanswered.push(bytes.to_vec());
            self.unanswered
                .sort_by_key(|kept| (kept.len() < ASKING_BYTES, kept.len()));
            self.unanswered.truncate(1);
            return;
        }
        let has_room = self.unanswered.len() < REPEATED_PACKETS_MAX
            && self.weight() + bytes.len() <= REPEATED_BYTES_MAX;
        if has_room {
            self.unanswered.push(bytes.to_vec());
        }
    }

    /// Something came in. After a repeat nobody knows which of the two was answered, so patience grows (Karn).
    fn hear(&mut self, now: Instant) {
        if let Some(since) = self.since {
            let seen = now.saturating_duration_since(since);
            self.pace.rtt = self.pace.rtt.or(Some(seen));
            self.patience = match self.repeats {
                0 => 0,
                _ => (self.patience + 1).min(PATIENCE_MAX),
            };
        }
        self.rest();
        self.repeats = 0;
        self.is_heard = true;
    }

    /// Nothing is owed an answer.
    fn rest(&mut self) {
        self.unanswered.clear();
        (self.flight, self.since, self.due) = (0, None, None);
    }

    fn weight(&self) -> usize {
        self.unanswered.iter().map(Vec::len).sum()
    }

    /// Evenly for a while on a link that has carried something, ever more rarely otherwise: where a way was
    /// remembered better than it is today, repeating fills it up.
    fn wait(&self) -> Duration {
        let evenly = if self.is_heard { REPEATS_EVENLY } else { 0 };
        let doublings = self.repeats.saturating_sub(evenly).min(16) + self.patience;
        let pace = Pace {
            rtt: self.measured.rtt().or(self.pace.rtt),
            ..self.pace
        };
        let wait = pace.wait(self.flight);
        wait.saturating_mul(1 << doublings)
            .min(REPEAT_WAIT_MAX.max(wait))
    }
}

impl Watch {
    /// Whether the called node owes an answer. What it owes none for is not repeated.
    pub(crate) fn awaits(&self, is_awaited: bool) {
        let mut way = self.repeater.lock();
        let Some(way) = way.as_mut().filter(|way| way.is_awaited != is_awaited) else {
            return;
        };
        way.is_awaited = is_awaited;
        if !is_awaited {
            way.rest();
        }
    }

    /// Where the controller of this way puts the rate that it sees.
    pub(crate) fn measured(&self) -> Measured {
        self.measured.clone()
    }

    /// Bytes that went again.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeater
            .lock()
            .as_ref()
            .map_or(0, |way| way.repeated_bytes)
    }

    /// Bytes a second, once it is known.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.measured.rate()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        *self.repeater.lock() = None;
        self.repeater.is_left.store(true, Ordering::Relaxed);
    }
}

impl AsyncUdpSocket for Repeater {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)?;
        self.sent(transmit);
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let polled = self.socket.poll_recv(context, buffers, metas);
        if let Poll::Ready(Ok(count)) = &polled {
            for meta in metas.iter().take(*count) {
                self.heard(meta.addr);
            }
        }
        polled
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }

    fn max_transmit_segments(&self) -> usize {
        // One packet at a time: bursts overrun the short queue of a modem.
        1
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }
}
