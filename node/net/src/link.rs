//! A link: one ordered stream of bytes each way to a peer whose certificate holds.

mod quic;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hopluu_model::{Digest, Fault, Place};
use hopluu_trust::Identity;
use quinn::{Connection, RecvStream, SendStream, ZeroRttAccepted};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

pub(crate) use self::quic::is_told;
use self::quic::{Early, Reader, Writer, follow};
use crate::close::{CloseCode, CloseReason};
use crate::dial::Known;
use crate::evidence::Evidence;
use crate::limits::{EVENTS_MAX, SENDERS_MAX};
use crate::line::{self, Beginning, Ends, Line};
use crate::repeat::Watch;

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
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) identity: Identity,
    pub(crate) line: Vec<Identity>,
    pub(crate) chain: Vec<Vec<u8>>,
}

/// By what a node is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Via {
    /// QUIC over UDP: sleeps, wakes with one packet and moves to other addresses.
    #[default]
    Quic,
    /// TLS over TCP, for networks that let no UDP through.
    Tcp,
    /// The same within a WebSocket, for nodes behind a web server.
    WebSocket,
}

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
            Self::WebSocket => "websocket",
        })
    }
}

/// What a link has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meter {
    /// Bytes in UDP datagrams sent, everything counted but IP and UDP headers; over TCP what its packets hold
    /// beside their headers, without what TCP itself sends twice.
    pub udp_sent: u64,
    /// The same, received.
    pub udp_received: u64,
    /// Datagrams sent; each costs 28 bytes more for IPv4 and UDP. None over TCP.
    pub datagrams_sent: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Bytes of ours that were lost and went again; they are among `udp_sent`.
    pub lost: u64,
    /// Bytes of ours that brought no answer and went again as they were; they are not among `udp_sent`.
    pub repeated: u64,
    /// Packets of ours whose loss would show: those that went twice at once are not among them.
    pub packets: u64,
    /// Those that were lost.
    pub packets_lost: u64,
    /// Bytes of ours written to the stream.
    pub stream_sent: u64,
    /// Bytes read from the peer's stream.
    pub stream_received: u64,
    /// The shortest round trip that was seen at the calling end, else the current guess of it: an answer to full packets
    /// takes longer, and that is no distance.
    pub rtt: Duration,
    /// Bytes a second that the way was seen to carry, where enough was sent to tell; over QUIC at the calling end only.
    pub rate: Option<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) sent: AtomicU64,
    pub(crate) received: AtomicU64,
}

/// How far the handshake is when a link begins.
pub(crate) enum Handshake {
    /// Both have shown who they are.
    Done,
    /// The caller has, with its first packet; what it is told before the end of the handshake is for it alone.
    Answering(ZeroRttAccepted),
    /// The called node has not answered yet. It is the one that was met before, or none.
    Early {
        accepted: ZeroRttAccepted,
        root: Digest,
        evidence: Evidence,
        known: Arc<Known>,
    },
}

/// Whether what came with the first packet was taken; nothing until the handshake is done.
type Answered = watch::Receiver<Option<bool>>;

/// One piece, whether anything may come before it, and who waits for the transport to take it.
pub(crate) type Outgoing = (Vec<u8>, bool, oneshot::Sender<()>);

/// The last word of a link that is to end when its queue is empty.
pub(crate) type LastWord = Option<(CloseCode, String)>;

#[derive(Debug)]
struct Shared {
    beneath: Beneath,
    peer: Peer,
    queue: mpsc::Sender<Outgoing>,
    last_word: watch::Sender<LastWord>,
    counters: Arc<Counters>,
}

/// What a link runs over.
#[derive(Debug)]
enum Beneath {
    Quic {
        connection: Connection,
        answered: Answered,
        /// The first to close it says why, also where that has to wait for the end of the handshake.
        is_closing: AtomicBool,
        /// Of a called node: its way, on which what brings no answer is repeated.
        way: Option<Watch>,
    },
    Line(Arc<Line>),
}

/// The sending half of a link and all that is known of it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LinkHandle(Arc<Shared>);

/// A link with its events. Dropping it closes the link.
#[derive(Debug)]
pub struct Link {
    handle: LinkHandle,
    events: mpsc::Receiver<LinkEvent>,
    // Reader and writer of QUIC end with the link: dropping the set stops them.
    _tasks: JoinSet<()>,
}

impl Link {
    /// A link over TCP, whose peer was read from its stream.
    pub(crate) fn over(beginning: Beginning, peer: Peer) -> Self {
        let (queue, outgoing) = mpsc::channel(SENDERS_MAX);
        let (events_in, events) = mpsc::channel(EVENTS_MAX);
        let (last_word, told) = watch::channel(None);
        let counters = Arc::new(Counters::default());
        let ends = Ends {
            queue: outgoing,
            told,
            events: events_in,
            counters: Arc::clone(&counters),
        };
        let shared = Shared {
            beneath: Beneath::Line(line::start(beginning, ends)),
            peer,
            queue,
            last_word,
            counters,
        };
        Self {
            handle: LinkHandle(Arc::new(shared)),
            events,
            _tasks: JoinSet::new(),
        }
    }

    pub(crate) fn start(
        connection: Connection,
        streams: (SendStream, RecvStream),
        peer: Peer,
        way: Option<Watch>,
        handshake: Handshake,
    ) -> Self {
        let (queue, outgoing) = mpsc::channel(SENDERS_MAX);
        let (events_in, events) = mpsc::channel(EVENTS_MAX);
        let (last_word, told) = watch::channel(None);
        let counters = Arc::new(Counters::default());
        let mut tasks = JoinSet::new();
        let (send, recv) = streams;
        let (accepted, expected) = match handshake {
            Handshake::Done => (None, None),
            Handshake::Answering(accepted) => (Some(accepted), None),
            Handshake::Early {
                accepted,
                root,
                evidence,
                known,
            } => (Some(accepted), Some((root, evidence, known))),
        };
        let answered = follow(connection.clone(), accepted);
        let (early, another) = match expected {
            Some((root, evidence, known)) => {
                let (replaced, another) = oneshot::channel();
                let early = Early {
                    root,
                    evidence,
                    known,
                    called: peer.identity.place.node,
                    said: Vec::new(),
                    replaced,
                };
                (Some(early), Some(another))
            }
            None => (None, None),
        };
        let writer = Writer {
            connection: connection.clone(),
            send,
            queue: outgoing,
            counters: Arc::clone(&counters),
            answered: answered.clone(),
            early,
        };
        tasks.spawn(writer.run(told));
        let reader = Reader {
            connection: connection.clone(),
            recv,
            another,
            events: events_in,
            counters: Arc::clone(&counters),
        };
        tasks.spawn(reader.run());
        let shared = Shared {
            beneath: Beneath::Quic {
                connection,
                answered,
                is_closing: AtomicBool::new(false),
                way,
            },
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

    /// Whether the peer owes an answer to what was sent. While it does and none comes, a called node is sent
    /// the last packets again, about once in a round trip; a caller is not, because it will come again.
    pub fn awaits(&self, is_awaited: bool) {
        if let Beneath::Quic { way: Some(way), .. } = &self.0.beneath {
            way.awaits(is_awaited);
        }
    }

    /// By what the peer is reached.
    #[must_use]
    pub fn via(&self) -> Via {
        match &self.0.beneath {
            Beneath::Quic { .. } => Via::Quic,
            Beneath::Line(line) => line.via,
        }
    }

    /// Hands bytes to the transport, and waits until it has taken them: the peer is never further
    /// behind than the transport's window. Memory is the caller's: whoever sends a piece after the
    /// other holds one. A call that is dropped may or may not have sent.
    ///
    /// # Errors
    /// When the link closes first.
    pub async fn send(&self, bytes: Vec<u8>) -> Result<(), LinkGone> {
        self.hand_over(bytes, false).await
    }

    /// The same for what anything may come before: it is taken only when all that the transport holds is on its
    /// way, with no queue on the link, so that what is urgent waits behind these bytes at most.
    ///
    /// # Errors
    /// When the link closes first.
    pub async fn send_last(&self, bytes: Vec<u8>) -> Result<(), LinkGone> {
        self.hand_over(bytes, true).await
    }

    async fn hand_over(&self, bytes: Vec<u8>, may_wait: bool) -> Result<(), LinkGone> {
        if self.0.last_word.borrow().is_some() {
            return Err(LinkGone);
        }
        let (done, taken) = oneshot::channel();
        let queued = self.0.queue.send((bytes, may_wait, done)).await;
        queued.map_err(|_| LinkGone)?;
        taken.await.map_err(|_| LinkGone)
    }

    /// Closes at once. What is queued is lost, and the peer learns code and reason: before the end of the
    /// handshake nothing can be told, so a link that is younger closes when it is through.
    pub fn close(&self, code: CloseCode, reason: &str) {
        let (connection, answered, is_closing) = match &self.0.beneath {
            Beneath::Line(line) => return line.close(code, reason),
            Beneath::Quic {
                connection,
                answered,
                is_closing,
                ..
            } => (connection.clone(), answered, is_closing),
        };
        if is_closing.swap(true, Ordering::Relaxed) {
            return;
        }
        if answered.borrow().is_some() {
            connection.close(code.on_wire(), reason.as_bytes());
            return;
        }
        let (mut answered, reason) = (answered.clone(), reason.to_owned());
        tokio::spawn(async move {
            // It comes to an end, at the latest with the connection.
            let _through = answered.wait_for(Option::is_some).await.is_ok();
            connection.close(code.on_wire(), reason.as_bytes());
        });
    }

    /// Sends what is queued, then closes; what is not acknowledged within [`FINISH_TIMEOUT`](crate::limits::FINISH_TIMEOUT) is lost.
    /// Nothing more is taken. The events say when it is done.
    pub fn finish(&self, code: CloseCode, reason: &str) {
        line::say(&self.0.last_word, code, reason);
    }

    /// What the link has cost so far.
    #[must_use]
    pub fn meter(&self) -> Meter {
        let stream = Meter {
            stream_sent: self.0.counters.sent.load(Ordering::Relaxed),
            stream_received: self.0.counters.received.load(Ordering::Relaxed),
            ..Meter::default()
        };
        match &self.0.beneath {
            Beneath::Quic {
                connection, way, ..
            } => {
                let stats = connection.stats();
                let (doubled, missed) = way.as_ref().map_or((0, 0), Watch::doubled_and_missed);
                Meter {
                    udp_sent: stats.udp_tx.bytes,
                    udp_received: stats.udp_rx.bytes,
                    datagrams_sent: stats.udp_tx.datagrams,
                    datagrams_received: stats.udp_rx.datagrams,
                    lost: stats.path.lost_bytes,
                    repeated: way.as_ref().map_or(0, Watch::repeated),
                    packets: stats.path.sent_packets.saturating_sub(doubled),
                    packets_lost: stats.path.lost_packets + missed,
                    rtt: way.as_ref().and_then(Watch::rtt).unwrap_or(stats.path.rtt),
                    rate: way.as_ref().and_then(Watch::rate),
                    ..stream
                }
            }
            Beneath::Line(line) => Meter {
                udp_sent: line.passed.sent(),
                udp_received: line.passed.received(),
                rtt: line.rtt(),
                rate: line.delivered.rate(),
                ..stream
            },
        }
    }
}
