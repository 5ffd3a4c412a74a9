//! The socket under QUIC, and its patience: what went out to a called node and brought no answer goes
//! out again, the same bytes, about once in a round trip.
//!
//! QUIC repeats too, but waits three round trips for the first answer and doubles each time, so that a
//! lost handshake packet costs seconds and a link that comes back after an hour is noticed within the
//! hour. A packet that arrives twice is dropped by the receiver for its number; here it costs its bytes
//! and nothing else. Nothing is repeated while no answer is owed, and to somebody who called us only what it
//! [asks for a second time](crate::answers), and the last packet of before an [outage](crate::unanswered).

use std::future::poll_fn;
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
use tokio::time::{Instant, sleep_until, timeout};
use zeroize::Zeroizing;

use crate::answers::{Answers, Heard};
use crate::congestion::Measured;
use crate::flight::{Flight, Pace, knock};
use crate::limits::KNOCK_WAIT;
use crate::socket::Passed;
use crate::unanswered::Unanswered;

/// One UDP socket of the system.
#[derive(Debug)]
pub(crate) struct Repeater {
    socket: Arc<dyn AsyncUdpSocket>,
    /// None where nobody is called, and while no answer can be owed.
    flight: Mutex<Option<Flight>>,
    /// What callers were answered; none where nobody calls.
    answers: Option<Mutex<Answers>>,
    /// What they have not answered.
    unanswered: Mutex<Unanswered>,
    /// Whether a call went over it and has ended.
    is_left: AtomicBool,
    changed: Notify,
    /// Who is called.
    to: Option<SocketAddr>,
    /// It was heard, or is worth calling again.
    came: Notify,
    /// To and from who is called.
    passed: Arc<Passed>,
}

/// For what the key of reset tokens is derived.
const RESET_CONTEXT: &str = "hopluu 2026 stateless reset of QUIC connections";

/// Bytes of a connection's id at a node that is called, which stands in every packet: a thousand links are no crowd
/// among four thousand million, and one that is not known, of an earlier start for example, is answered with a reset.
/// A call has a socket of its own, and needs none.
const ID_BYTES: usize = 4;

/// How soon after a reset, or an answer to a knock, there may be another.
const RESET_INTERVAL_LEAST: Duration = Duration::from_millis(1);

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

/// That somebody is knocked at; unless that leads to a call, the socket has had its time.
struct Knocking<'a> {
    repeater: &'a Repeater,
    is_heard: bool,
}

impl Drop for Knocking<'_> {
    fn drop(&mut self) {
        let is_left = !self.is_heard;
        self.repeater.is_left.store(is_left, Ordering::Relaxed);
    }
}

impl Repeater {
    /// Opens a socket to call an address from.
    pub(crate) fn bind(
        addr: SocketAddr,
        to: SocketAddr,
        passed: Arc<Passed>,
    ) -> io::Result<Arc<Self>> {
        Self::open(addr, None, Some(to), passed)
    }

    /// Opens a socket to be called at.
    pub(crate) fn listen(addr: SocketAddr) -> io::Result<Arc<Self>> {
        Self::open(addr, Some(Mutex::default()), None, Arc::default())
    }

    fn open(
        addr: SocketAddr,
        answers: Option<Mutex<Answers>>,
        to: Option<SocketAddr>,
        passed: Arc<Passed>,
    ) -> io::Result<Arc<Self>> {
        let socket = std::net::UdpSocket::bind(addr)?;
        socket.set_nonblocking(true)?;
        Ok(Arc::new(Self {
            socket: TokioRuntime.wrap_udp_socket(socket)?,
            flight: Mutex::default(),
            answers,
            unanswered: Mutex::default(),
            is_left: AtomicBool::new(false),
            changed: Notify::new(),
            to,
            came: Notify::new(),
            passed,
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
        // It is per socket and no caller's own: callers of a whole province may come back at once. What resets is shorter
        // than what asks for it.
        config.min_reset_interval(RESET_INTERVAL_LEAST);
        config.cid_generator(move || Box::new(RandomConnectionIdGenerator::new(id_bytes)));
        let socket: Arc<dyn AsyncUdpSocket> = Arc::<Self>::clone(self);
        quinn::Endpoint::new_with_abstract_socket(config, server, socket, Arc::new(TokioRuntime))
    }

    /// Begins to repeat what an answer is owed for.
    pub(crate) fn watch(
        self: &Arc<Self>,
        addr: SocketAddr,
        pace: Pace,
        endpoint: Option<quinn::Endpoint>,
    ) -> Watch {
        let measured = Measured::default();
        *self.lock() = Some(Flight::to(addr, pace, measured.clone(), Instant::now()));
        let mut running = JoinSet::new();
        running.spawn(Arc::clone(self).run(measured.clone(), endpoint));
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

    /// Repeats what is due, and wakes QUIC: it takes its socket for a new one, over which it says something new.
    async fn run(self: Arc<Self>, measured: Measured, endpoint: Option<quinn::Endpoint>) {
        loop {
            let now = Instant::now();
            let wakes = self.lock().as_mut().is_some_and(|it| it.take_wake(now));
            if let Some(endpoint) = endpoint.as_ref().filter(|_| wakes) {
                measured.wake();
                let socket: Arc<dyn AsyncUdpSocket> = Arc::<Self>::clone(&self);
                // It is the socket that it has.
                let _has_an_address = endpoint.rebind_abstract(socket);
            }
            let due = self.repeat(now);
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
        let mut flight = self.lock();
        let flight = flight.as_mut()?;
        if flight.due().is_some_and(|due| due <= now) {
            for bytes in flight.take_due(now) {
                self.send_again(flight.addr(), &bytes);
            }
        }
        flight.due()
    }

    /// A full or absent network is what repeating is for: what it does not take comes again.
    fn send_again(&self, to: SocketAddr, bytes: &[u8]) {
        let sent = self.socket.try_send(&Transmit {
            destination: to,
            ecn: None,
            contents: bytes,
            segment_size: None,
            src_ip: None,
        });
        if sent.is_ok() {
            self.passed.add_sent(bytes.len());
        }
    }

    /// Knocks until somebody there answers, which every QUIC node does to whom it does not know: where nobody is, that
    /// costs a fiftieth of calling.
    pub(crate) async fn knock(&self, addr: SocketAddr) {
        let mut knocking = Knocking {
            repeater: self,
            is_heard: false,
        };
        let mut poller = Arc::clone(&self.socket).create_io_poller();
        loop {
            // A new socket is not known yet to take anything.
            let _it_comes_again = poll_fn(|context| poller.as_mut().poll_writable(context)).await;
            self.send_again(addr, &knock());
            knocking.is_heard = timeout(KNOCK_WAIT, self.came.notified()).await.is_ok();
            if knocking.is_heard {
                return;
            }
        }
    }

    /// Tries again at once: the network has changed.
    pub(crate) fn hurry(&self) {
        if let Some(flight) = self.lock().as_mut() {
            flight.hurry(Instant::now());
        }
        self.changed.notify_one();
        self.end_knock();
    }

    /// Somebody knows better than a knock could tell: the call goes on whole.
    pub(crate) fn end_knock(&self) {
        self.came.notify_one();
    }

    fn sent(&self, transmit: &Transmit<'_>) {
        let now = Instant::now();
        if let Some(answers) = &self.answers {
            let (to, packet) = (transmit.destination, transmit.contents);
            lock(answers).sent(to, packet);
            lock(&self.unanswered).sent(to, packet, now);
        }
        let mut flight = self.lock();
        let is_meant = |flight: &&mut Flight| flight.addr() == transmit.destination;
        let Some(flight) = flight.as_mut().filter(is_meant) else {
            return;
        };
        let before = flight.due();
        flight.keep(transmit.contents, now);
        let is_sooner = |due: Instant| before.is_none_or(|before| due < before);
        if flight.due().is_some_and(is_sooner) {
            self.changed.notify_one();
        }
    }

    /// Whether a packet goes up.
    fn heard(&self, from: SocketAddr, packet: &[u8]) -> bool {
        let now = Instant::now();
        let mut passes = true;
        if let Some(answers) = &self.answers {
            match lock(answers).heard(from, packet, now) {
                Heard::Passes => {}
                Heard::AsksAgain(answer) => {
                    for bytes in answer {
                        self.send_again(from, bytes);
                    }
                }
                Heard::Waits => passes = false,
            }
            if let Some(last) = lock(&self.unanswered).heard(from, packet.len(), now) {
                self.send_again(from, last);
            }
        }
        let mut flight = self.lock();
        if let Some(flight) = flight.as_mut().filter(|flight| flight.addr() == from) {
            let before = flight.due();
            flight.hear(packet.len(), now);
            let is_sooner = |due: Instant| before.is_none_or(|before| due < before);
            if flight.due().is_some_and(is_sooner) {
                self.changed.notify_one();
            }
        }
        passes
    }

    /// Takes out of what came in together what does not go up.
    fn sift(&self, buffer: &mut [u8], meta: &mut RecvMeta) {
        let (mut at, mut kept) = (0, 0);
        while at < meta.len {
            let end = meta.len.min(at + meta.stride.max(1));
            let passes = buffer
                .get(at..end)
                .is_some_and(|packet| self.heard(meta.addr, packet));
            if passes {
                buffer.copy_within(at..end, kept);
                kept += end - at;
            }
            at = end;
        }
        meta.len = kept;
    }

    /// Puts one packet that has waited where one that came in would be.
    fn take_released(&self, buffer: &mut [u8], meta: &mut RecvMeta) -> bool {
        let answers = self.answers.as_ref();
        let Some((addr, packet)) = answers.and_then(|answers| lock(answers).released()) else {
            return false;
        };
        let Some(room) = buffer.get_mut(..packet.len()) else {
            return false;
        };
        room.copy_from_slice(&packet);
        *meta = RecvMeta {
            addr,
            len: packet.len(),
            stride: packet.len(),
            ..RecvMeta::default()
        };
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<Flight>> {
        lock(&self.flight)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Whether the called node owes an answer. What it owes none for is not repeated.
    pub(crate) fn awaits(&self, is_awaited: bool) {
        if let Some(flight) = self.repeater.lock().as_mut() {
            flight.awaits(is_awaited, Instant::now());
        }
        self.repeater.changed.notify_one();
    }

    /// Where the controller of this way puts the rate that it sees.
    pub(crate) fn measured(&self) -> Measured {
        self.measured.clone()
    }

    /// Bytes that went again.
    pub(crate) fn repeated(&self) -> u64 {
        let flight = self.repeater.lock();
        flight.as_ref().map_or(0, Flight::repeated_bytes)
    }

    /// Packets that went twice without being missed, and how often one was missed and brought its answer when it
    /// went again.
    pub(crate) fn doubled_and_missed(&self) -> (u64, u64) {
        let flight = self.repeater.lock();
        flight.as_ref().map_or((0, 0), Flight::doubled_and_missed)
    }

    /// The shortest round trip, once one is known.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.measured.rtt()
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
        self.passed.add_sent(transmit.contents.len());
        self.sent(transmit);
        Ok(())
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        if let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut())
            && self.take_released(buffer, meta)
        {
            return Poll::Ready(Ok(1));
        }
        let polled = self.socket.poll_recv(context, buffers, metas);
        if let Poll::Ready(Ok(count)) = &polled {
            for (meta, buffer) in metas.iter_mut().zip(buffers).take(*count) {
                if self.to == Some(meta.addr) {
                    self.passed.add_received(meta.len);
                    self.came.notify_one();
                }
                self.sift(buffer, meta);
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
