//! What carries a link's bytes over QUIC: a writer and a reader beside each other.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hopluu_model::{Digest, NodeId};
use quinn::{Connection, ReadError, RecvStream, SendStream, WriteError, ZeroRttAccepted};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use super::{Answered, Counters, LastWord, LinkEvent, Outgoing};
use crate::close::{CloseCode, CloseReason};
use crate::dial::Known;
use crate::evidence::Evidence;
use crate::greet::read_peer;
use crate::limits::{FINISH_TIMEOUT, HANDSHAKE_TIMEOUT, READ_BYTES_MAX, SEND_WINDOW_BYTES};

/// Hands queued pieces to the transport, which takes them as fast as the peer does.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) send: SendStream,
    pub(super) queue: mpsc::Receiver<Outgoing>,
    pub(super) counters: Arc<Counters>,
    pub(super) answered: Answered,
    pub(super) early: Option<Early>,
}

/// What was said before the called node has answered, in case it has to be said again.
pub(super) struct Early {
    pub(super) root: Digest,
    pub(super) evidence: Evidence,
    pub(super) known: Arc<Known>,
    pub(super) called: NodeId,
    pub(super) said: Vec<u8>,
    pub(super) replaced: oneshot::Sender<RecvStream>,
}

/// The stream takes nothing more.
struct StreamGone;

impl Writer {
    /// Ends when the link does, when nobody can send any more, or after the last word.
    pub(super) async fn run(mut self, told: watch::Receiver<LastWord>) {
        let mut overdue = told.clone();
        let overdue = async {
            drop(overdue.wait_for(Option::is_some).await);
            sleep(FINISH_TIMEOUT).await;
        };
        tokio::select! {
            _gone = self.drain(told.clone()) => {}
            () = overdue => {}
        }
        if let Some((code, reason)) = told.borrow().as_ref() {
            self.connection.close(code.on_wire(), reason.as_bytes());
        }
    }

    async fn drain(&mut self, mut told: watch::Receiver<LastWord>) -> Result<(), StreamGone> {
        loop {
            // All arms are cancel-safe, and what is queued goes before the last word.
            let next = tokio::select! {
                biased;
                is_taken = answer(&mut self.answered), if self.early.is_some() => {
                    self.take_answer(is_taken).await?;
                    continue;
                }
                next = self.queue.recv() => next,
                () = is_told(&mut told) => break,
            };
            let Some((bytes, may_wait, done)) = next else {
                return Ok(());
            };
            self.hold_back(may_wait);
            self.write(&bytes).await?;
            let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.counters.sent.fetch_add(bytes, Ordering::Relaxed);
            // Whoever no longer waits does not need to know.
            let _nobody_waits = done.send(());
        }
        if self.send.finish().is_ok() {
            // Acknowledged or refused: in both cases the link ends now.
            let _acknowledged = self.send.stopped().await;
        }
        Ok(())
    }

    /// How much the transport takes before it is acknowledged. The controller lets a quarter more be on its way
    /// than the link holds, which keeps a queue there; what may wait makes do without that quarter.
    fn hold_back(&self, may_wait: bool) {
        let held = if may_wait {
            let on_its_way = self.connection.stats().path.cwnd;
            (on_its_way / 10 * 8).min(SEND_WINDOW_BYTES)
        } else {
            SEND_WINDOW_BYTES
        };
        self.connection.set_send_window(held);
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), StreamGone> {
        if let Some(early) = &mut self.early {
            early.said.extend_from_slice(bytes);
        }
        match self.send.write_all(bytes).await {
            // It is among what is said again once the answer is here.
            Ok(()) | Err(WriteError::ZeroRttRejected) => Ok(()),
            Err(_) => Err(StreamGone),
        }
    }

    /// The called node has answered. One that has forgotten the session has dropped what was said: it is said
    /// again to the same node, and to no other.
    async fn take_answer(&mut self, is_taken: bool) -> Result<(), StreamGone> {
        let Some(early) = self.early.take() else {
            return Ok(());
        };
        if self.connection.close_reason().is_some() {
            // Perhaps nothing passes there any more: the next call asks first, and by other ways too.
            early.known.forget(self.connection.remote_address());
            return Err(StreamGone);
        }
        let found = read_peer(&self.connection, &early.root, &early.evidence);
        if !found.is_ok_and(|found| found.identity.place.node == early.called) {
            early.known.forget(self.connection.remote_address());
            self.connection.close(CloseCode::OTHER_NODE.on_wire(), b"");
            return Err(StreamGone);
        }
        if is_taken {
            return Ok(());
        }
        let (send, recv) = self.connection.open_bi().await.map_err(|_| StreamGone)?;
        self.send = send;
        // A reader that has ended has told why.
        let _reader_ended = early.replaced.send(recv);
        self.send
            .write_all(&early.said)
            .await
            .map_err(|_| StreamGone)
    }
}

pub(crate) async fn is_told(told: &mut watch::Receiver<LastWord>) {
    // Without the handle nobody will say a last word, and the queue ends as well.
    let _told = told.wait_for(Option::is_some).await;
}

/// Whether the called node took what came with the first packet.
pub(super) async fn answer(answered: &mut Answered) -> bool {
    let through = answered.wait_for(Option::is_some).await;
    through.is_ok_and(|is_taken| *is_taken == Some(true))
}

/// Sees a handshake through, also for a link that is dropped meanwhile. One without an end is ended.
pub(super) fn follow(connection: Connection, accepted: Option<ZeroRttAccepted>) -> Answered {
    let Some(accepted) = accepted else {
        return watch::channel(Some(true)).1;
    };
    let (through, answered) = watch::channel(None);
    tokio::spawn(async move {
        let is_taken = timeout(HANDSHAKE_TIMEOUT, accepted).await;
        if is_taken.is_err() {
            connection.close(CloseCode::SILENT.on_wire(), b"no answer");
        }
        // A link that is gone has no use for it.
        let _link_gone = through.send(Some(is_taken.unwrap_or(false)));
    });
    answered
}

/// Hands received pieces up, as fast as they are taken, and at the end says why there are no more.
pub(super) struct Reader {
    pub(super) connection: Connection,
    pub(super) recv: RecvStream,
    /// The stream that stands in for the first, should the called node have dropped it.
    pub(super) another: Option<oneshot::Receiver<RecvStream>>,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) counters: Arc<Counters>,
}

impl Reader {
    pub(super) async fn run(mut self) {
        let reason = loop {
            match self.recv.read_chunk(READ_BYTES_MAX, true).await {
                Ok(Some(chunk)) => {
                    let bytes = u64::try_from(chunk.bytes.len()).unwrap_or(u64::MAX);
                    self.counters.received.fetch_add(bytes, Ordering::Relaxed);
                    let event = LinkEvent::Received(chunk.bytes.to_vec());
                    if self.events.send(event).await.is_err() {
                        return;
                    }
                }
                Ok(None) => break ended(&self.connection).await,
                Err(ReadError::ConnectionLost(error)) => break error.into(),
                Err(ReadError::ZeroRttRejected) => match self.replacement().await {
                    Some(recv) => self.recv = recv,
                    None => break ended(&self.connection).await,
                },
                Err(error) => {
                    self.connection
                        .close(CloseCode::ENDED.on_wire(), b"stream broken off");
                    break CloseReason::Protocol {
                        what: error.to_string(),
                    };
                }
            }
        };
        let _nobody_listens = self.events.send(LinkEvent::Closed(reason)).await;
    }

    async fn replacement(&mut self) -> Option<RecvStream> {
        self.another.take()?.await.ok()
    }
}

/// The peer has said all it had; its close with a code follows.
async fn ended(connection: &Connection) -> CloseReason {
    if let Ok(error) = timeout(FINISH_TIMEOUT, connection.closed()).await {
        return error.into();
    }
    connection.close(CloseCode::ENDED.on_wire(), b"");
    CloseReason::Local
}
