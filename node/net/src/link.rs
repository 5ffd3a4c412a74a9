//! A link: one ordered stream of bytes each way to a peer whose certificate holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hopluu_model::{Fault, Place};
use hopluu_trust::Identity;
use quinn::{Connection, ReadError, RecvStream, SendStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::close::{CloseCode, CloseReason};
use crate::limits::{EVENTS_MAX, FINISH_TIMEOUT, READ_BYTES_MAX, SENDERS_MAX};

/// What comes from a link, in order; [`LinkEvent::Closed`] once, as the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// The next bytes of the peer's stream, split anywhere.
    Received(Vec<u8>),
    /// The link is no more.
    Closed(CloseReason),
}

/// The link is no more; what was to be sent was not.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the link is closed")]
pub struct LinkGone;

impl LinkGone {
    /// Links end: nobody's fault.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Local
    }
}

/// Who is at the other end, by a chain that was verified.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) identity: Identity,
    pub(crate) line: Vec<Identity>,
    pub(crate) chain: Vec<Vec<u8>>,
}

/// What a link has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meter {
    /// Bytes in UDP datagrams sent, everything counted but IP and UDP headers.
    pub udp_sent: u64,
    /// The same, received.
    pub udp_received: u64,
    /// Datagrams sent; each costs 28 bytes more for IPv4 and UDP.
    pub datagrams_sent: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Bytes of ours written to the stream.
    pub stream_sent: u64,
    /// Bytes read from the peer's stream.
    pub stream_received: u64,
    /// The current guess of the round trip.
    pub rtt: Duration,
}

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    received: AtomicU64,
}

/// One piece, and who waits for the transport to take it.
type Outgoing = (Vec<u8>, oneshot::Sender<()>);

/// The last word of a link that is to end when its queue is empty.
type LastWord = Option<(CloseCode, String)>;

#[derive(Debug)]
struct Shared {
    connection: Connection,
    peer: Peer,
    queue: mpsc::Sender<Outgoing>,
    last_word: watch::Sender<LastWord>,
    counters: Arc<Counters>,
}

/// The sending half of a link and all that is known of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LinkHandle(Arc<Shared>);

/// A link with its events. Dropping it closes the link.
#[derive(Debug)]
pub struct Link {
    handle: LinkHandle,
    events: mpsc::Receiver<LinkEvent>,
    // Reader and writer end with the link: dropping the set stops them.
    _tasks: JoinSet<()>,
}

impl Link {
    pub(crate) fn start(
        connection: Connection,
        streams: (SendStream, RecvStream),
        peer: Peer,
    ) -> Self {
        let (queue, outgoing) = mpsc::channel(SENDERS_MAX);
        let (events_in, events) = mpsc::channel(EVENTS_MAX);
        let (last_word, told) = watch::channel(None);
        let counters = Arc::new(Counters::default());
        let mut tasks = JoinSet::new();
        let (send, recv) = streams;
        let writer = Writer {
            connection: connection.clone(),
            send,
            queue: outgoing,
            counters: Arc::clone(&counters),
        };
        tasks.spawn(writer.run(told));
        tasks.spawn(read(
            connection.clone(),
            recv,
            events_in,
            Arc::clone(&counters),
        ));
        let shared = Shared {
            connection,
            peer,
            queue,
            last_word,
            counters,
        };
        Self {
            handle: LinkHandle(Arc::new(shared)),
            events,
            _tasks: tasks,
        }
    }

    /// A handle for whoever sends.
    #[must_use]
    pub fn handle(&self) -> LinkHandle {
        self.handle.clone()
    }

    /// The next event; after [`LinkEvent::Closed`] there is none. While nobody asks, at most
    /// [`EVENTS_MAX`] pieces are held and the peer has to wait. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<LinkEvent> {
        self.events.recv().await
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.handle.close(CloseCode::DROPPED, "");
    }
}

impl LinkHandle {
    /// The peer.
    #[must_use]
    pub fn peer(&self) -> &Place {
        &self.identity().place
    }

    /// What the peer's certificate says.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.peer.identity
    }

    /// The peer, its issuer, and so on up to the root: for [`hopluu_trust::check_line`], which asks the
    /// tree whether each may speak for the one below.
    #[must_use]
    pub fn line(&self) -> &[Identity] {
        &self.0.peer.line
    }

    /// The peer's certificates, leaf first, root last.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.0.peer.chain
    }

    /// Hands bytes to the transport, and waits until it has taken them: the peer is never further
    /// behind than the transport's window. Memory is the caller's: whoever sends a piece after the
    /// other holds one. A call that is dropped may or may not have sent.
    ///
    /// # Errors
    /// When the link closes first.
    pub async fn send(&self, bytes: Vec<u8>) -> Result<(), LinkGone> {
        if self.0.last_word.borrow().is_some() {
            return Err(LinkGone);
        }
        let (done, taken) = oneshot::channel();
        let queued = self.0.queue.send((bytes, done)).await;
        queued.map_err(|_| LinkGone)?;
        taken.await.map_err(|_| LinkGone)
    }

    /// Closes at once. What is queued is lost, and the peer learns code and reason.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.connection.close(code.on_wire(), reason.as_bytes());
    }

    /// Sends what is queued, then closes; what is not acknowledged within [`FINISH_TIMEOUT`] is lost.
    /// Nothing more is taken. The events say when it is done.
    pub fn finish(&self, code: CloseCode, reason: &str) {
        self.0.last_word.send_if_modified(|word| {
            let is_first = word.is_none();
            if is_first {
                *word = Some((code, reason.to_owned()));
            }
            is_first
        });
    }

    /// What the link has cost so far.
    #[must_use]
    pub fn meter(&self) -> Meter {
        let stats = self.0.connection.stats();
        Meter {
            udp_sent: stats.udp_tx.bytes,
            udp_received: stats.udp_rx.bytes,
            datagrams_sent: stats.udp_tx.datagrams,
            datagrams_received: stats.udp_rx.datagrams,
            stream_sent: self.0.counters.sent.load(Ordering::Relaxed),
            stream_received: self.0.counters.received.load(Ordering::Relaxed),
            rtt: stats.path.rtt,
        }
    }
}

/// Hands queued pieces to the transport, which takes them as fast as the peer does.
struct Writer {
    connection: Connection,
    send: SendStream,
    queue: mpsc::Receiver<Outgoing>,
    counters: Arc<Counters>,
}

impl Writer {
    /// Ends when the link does, when nobody can send any more, or after the last word.
    async fn run(mut self, told: watch::Receiver<LastWord>) {
        let mut overdue = told.clone();
        let overdue = async {
            drop(overdue.wait_for(Option::is_some).await);
            sleep(FINISH_TIMEOUT).await;
        };
        tokio::select! {
            () = self.drain(told.clone()) => {}
            () = overdue => {}
        }
        if let Some((code, reason)) = told.borrow().as_ref() {
            self.connection.close(code.on_wire(), reason.as_bytes());
        }
    }

    async fn drain(&mut self, mut told: watch::Receiver<LastWord>) {
        loop {
            // Both arms are cancel-safe, and what is queued goes before the last word.
            let next = tokio::select! {
                biased;
                next = self.queue.recv() => next,
                _ = told.wait_for(Option::is_some) => break,
            };
            let Some((bytes, done)) = next else { return };
            if self.send.write_all(&bytes).await.is_err() {
                return;
            }
            let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.counters.sent.fetch_add(bytes, Ordering::Relaxed);
            // Whoever no longer waits does not need to know.
            let _nobody_waits = done.send(());
        }
        if self.send.finish().is_ok() {
            // Acknowledged or refused: in both cases the link ends now.
            let _acknowledged = self.send.stopped().await;
        }
    }
}

/// Hands received pieces up, as fast as they are taken, and at the end says why there are no more.
async fn read(
    connection: Connection,
    mut recv: RecvStream,
    events: mpsc::Sender<LinkEvent>,
    counters: Arc<Counters>,
) {
    let reason = loop {
        match recv.read_chunk(READ_BYTES_MAX, true).await {
            Ok(Some(chunk)) => {
                let bytes = u64::try_from(chunk.bytes.len()).unwrap_or(u64::MAX);
                counters.received.fetch_add(bytes, Ordering::Relaxed);
                let event = LinkEvent::Received(chunk.bytes.to_vec());
                if events.send(event).await.is_err() {
                    return;
                }
            }
            Ok(None) => break ended(&connection).await,
            Err(ReadError::ConnectionLost(error)) => break error.into(),
            Err(error) => {
                connection.close(CloseCode::ENDED.on_wire(), b"stream broken off");
                break CloseReason::Protocol {
                    what: error.to_string(),
                };
            }
        }
    };
    let _nobody_listens = events.send(LinkEvent::Closed(reason)).await;
}

/// The peer has said all it had; its close with a code follows.
async fn ended(connection: &Connection) -> CloseReason {
    if let Ok(error) = timeout(FINISH_TIMEOUT, connection.closed()).await {
        return error.into();
    }
    connection.close(CloseCode::ENDED.on_wire(), b"");
    CloseReason::Local
}
