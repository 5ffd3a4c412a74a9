//! A link over TCP: the same stream of bytes each way, in records within TLS.
//!
//! Where QUIC closes with a code, tells a dead peer from a silent one and keeps a close from overtaking what it
//! follows, this does; where QUIC sleeps for a week and moves to another address, TCP cannot.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsStream;

use crate::close::{CloseCode, CloseReason};
use crate::delivered::Delivered;
use crate::limits::{
    FINISH_TIMEOUT, LINE_ANSWER_MAX, LINE_KNOCK_INTERVAL, LINE_SILENCE_MAX, RECORD_BYTES_MAX,
};
use crate::link::{Counters, LastWord, LinkEvent, Outgoing, Via, is_told};
use crate::record::{self, Records, Said};
use crate::socket::{Passed, Pipe};

/// TLS between two nodes, whatever carries its records.
pub(crate) type Stream = TlsStream<Pipe>;

/// What can be done to a TCP link from outside.
#[derive(Debug)]
pub(crate) struct Line {
    closing: watch::Sender<LastWord>,
    pub(crate) passed: Arc<Passed>,
    pub(crate) via: Via,
    /// How long the way there and back took when the link began.
    rtt: Duration,
    pub(crate) delivered: Arc<Delivered>,
}

impl Line {
    /// The shortest round trip that was seen.
    pub(crate) fn rtt(&self) -> Duration {
        let seen = self.delivered.rtt();
        seen.map_or(self.rtt, |seen| seen.min(self.rtt))
    }

    /// Closes at once; what is not on its way is lost.
    pub(crate) fn close(&self, code: CloseCode, reason: &str) {
        say(&self.closing, code, reason);
    }
}

/// The first to say a last word has it.
pub(crate) fn say(word: &watch::Sender<LastWord>, code: CloseCode, reason: &str) {
    word.send_if_modified(|word| {
        let is_first = word.is_none();
        if is_first {
            *word = Some((code, reason.to_owned()));
        }
        is_first
    });
}

/// All lines of an endpoint: how many there are, and that they are to end.
#[derive(Debug, Clone)]
pub(crate) struct Lines(Arc<watch::Sender<LinesState>>);

#[derive(Debug, Clone, Copy, Default)]
struct LinesState {
    open: usize,
    is_stopping: bool,
    /// How often all who called were to ask whether anybody is still there.
    hurries: u64,
}

/// That a line is open; dropping it says that it is no more.
#[derive(Debug)]
pub(crate) struct Open(Lines);

impl Lines {
    pub(crate) fn none() -> Self {
        Self(Arc::new(watch::Sender::new(LinesState::default())))
    }

    pub(crate) fn open(&self) -> usize {
        self.0.borrow().open
    }

    pub(crate) fn enter(&self) -> Open {
        self.0.send_modify(|state| state.open += 1);
        Open(self.clone())
    }

    /// Tells all peers, and waits until they know, at most [`FINISH_TIMEOUT`].
    pub(crate) async fn stop(&self) {
        self.0.send_modify(|state| state.is_stopping = true);
        let mut state = self.0.subscribe();
        let none_left = state.wait_for(|state| state.open == 0);
        let _told = timeout(FINISH_TIMEOUT, none_left).await;
    }

    /// Has all calling ends ask at once whether anybody is there: on another network nobody may be.
    pub(crate) fn hurry(&self) {
        self.0.send_modify(|state| state.hurries += 1);
    }

    fn hurries(&self) -> u64 {
        self.0.borrow().hurries
    }

    /// Until they are to ask again.
    async fn hurried(&self, since: u64) {
        let mut state = self.0.subscribe();
        let _hurried = state.wait_for(|state| state.hurries > since).await;
    }

    /// Until all lines are to end.
    pub(crate) async fn stopping(&self) {
        let mut state = self.0.subscribe();
        // The sender lives as long as this does.
        let _stopping = state.wait_for(|state| state.is_stopping).await;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.open -= 1);
    }
}

/// Which end of a line this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It called, and asks on a silent line whether anybody is there.
    Calling,
    Called,
}

/// What a line begins with.
pub(crate) struct Beginning {
    pub(crate) stream: Stream,
    /// What has been read of it already.
    pub(crate) first: Vec<u8>,
    pub(crate) end: End,
    pub(crate) passed: Arc<Passed>,
    pub(crate) via: Via,
    pub(crate) rtt: Duration,
    pub(crate) lines: Lines,
}

/// Where a link's bytes come from and go to.
pub(crate) struct Ends {
    pub(crate) queue: mpsc::Receiver<Outgoing>,
    pub(crate) told: watch::Receiver<LastWord>,
    pub(crate) events: mpsc::Sender<LinkEvent>,
    pub(crate) counters: Arc<Counters>,
}

/// Sets a line going. As with QUIC's connections what drives it belongs to the endpoint and not to the link, which may be
/// dropped while its last word is on the way; it ends within [`FINISH_TIMEOUT`] of the link.
pub(crate) fn start(beginning: Beginning, ends: Ends) -> Arc<Line> {
    let Beginning {
        stream,
        first,
        end,
        passed,
        via,
        rtt,
        lines,
    } = beginning;
    let (closing, close) = watch::channel(None);
    let delivered = Arc::new(Delivered::default());
    let line = Arc::new(Line {
        closing,
        passed: Arc::clone(&passed),
        via,
        rtt,
        delivered: Arc::clone(&delivered),
    });
    let open = lines.enter();
    let (read, write) = tokio::io::split(stream);
    let knocks = Arc::new(Knocks::default());
    let reader = Reader {
        read,
        first,
        end,
        records: Records::default(),
        hurries: lines.hurries(),
        lines: lines.clone(),
        events: ends.events.clone(),
        counters: Arc::clone(&ends.counters),
        knocks: Arc::clone(&knocks),
        delivered: Arc::clone(&delivered),
    };
    let writer = Writer {
        write,
        queue: ends.queue,
        told: ends.told,
        close,
        lines,
        knocks,
        counters: ends.counters,
        passed,
        delivered,
    };
    tokio::spawn(async move {
        drive(reader, writer, ends.events).await;
        drop(open);
    });
    line
}

async fn drive(mut reader: Reader, mut writer: Writer, events: mpsc::Sender<LinkEvent>) {
    let (reason, ended) = {
        let mut reading = std::pin::pin!(reader.run());
        tokio::select! {
            reason = &mut reading => (reason, Ended::There),
            ended = writer.run() => match ended {
                Ended::Finished => {
                    // What was said last is known to have come when the peer closes as well.
                    let _read = timeout(FINISH_TIMEOUT, reading).await;
                    (CloseReason::Local, ended)
                }
                Ended::There => {
                    let told = timeout(FINISH_TIMEOUT, reading).await;
                    (told.unwrap_or(CloseReason::Reset), ended)
                }
                Ended::Closed => (CloseReason::Local, ended),
            },
        }
    };
    // Whoever waits to send something waits no longer.
    drop(writer);
    let tell = async {
        let _nobody_listens = events.send(LinkEvent::Closed(reason)).await;
    };
    let part = async move {
        if ended == Ended::Closed {
            drain(&mut reader.read).await;
        }
        // The socket is let go of now, whether or not anybody takes the event.
        drop(reader);
    };
    tokio::join!(tell, part);
}

/// Reads on until the other end has closed too: a socket that is closed with something unread takes back what it
/// has sent.
async fn drain(read: &mut (impl AsyncRead + Unpin)) {
    let mut buffer = [0; 1024];
    let until_end = async { while matches!(read.read(&mut buffer).await, Ok(1..)) {} };
    let _in_time = timeout(FINISH_TIMEOUT, until_end).await;
}

/// Says a last word on a stream that carries no link, and sees it out.
pub(crate) async fn part(mut stream: Stream, code: CloseCode) {
    let word = record::close(code, &code.last_word());
    let said = timeout(FINISH_TIMEOUT, async {
        stream.write_all(&word).await?;
        stream.shutdown().await
    });
    if matches!(said.await, Ok(Ok(()))) {
        drain(&mut stream).await;
    }
}

/// What reading wants to have said.
#[derive(Debug, Default)]
struct Knocks {
    ask: Notify,
    answer: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// All is said, and then the last word.
    Finished,
    /// The last word is said.
    Closed,
    /// Nothing can be said any more.
    There,
}

struct Writer {
    write: WriteHalf<Stream>,
    queue: mpsc::Receiver<Outgoing>,
    told: watch::Receiver<LastWord>,
    close: watch::Receiver<LastWord>,
    lines: Lines,
    knocks: Arc<Knocks>,
    counters: Arc<Counters>,
    passed: Arc<Passed>,
    delivered: Arc<Delivered>,
}

impl Writer {
    async fn run(&mut self) -> Ended {
        let (mut told, mut close) = (self.told.clone(), self.close.clone());
        let overdue = async {
            tokio::select! {
                () = is_told(&mut told) => {}
                () = is_told(&mut close) => {}
            }
            sleep(FINISH_TIMEOUT).await;
        };
        let lines = self.lines.clone();
        tokio::select! {
            // A peer that takes nothing is not waited for.
            () = overdue => Ended::Closed,
            () = async { lines.stopping().await; sleep(FINISH_TIMEOUT).await } => Ended::Closed,
            ended = self.say_all() => ended.unwrap_or(Ended::There),
        }
    }

    async fn say_all(&mut self) -> io::Result<Ended> {
        let knocks = Arc::clone(&self.knocks);
        let ended = loop {
            // All arms are cancel-safe, and what is queued goes before the last word of a link that finishes.
            let next = tokio::select! {
                biased;
                () = is_told(&mut self.close) => break Ended::Closed,
                () = self.lines.stopping() => break Ended::Closed,
                () = knocks.answer.notified() => {
                    self.write(&record::answer()).await?;
                    continue;
                }
                () = knocks.ask.notified() => {
                    if self.delivered.knock(Instant::now()) {
                        self.write(&record::knock()).await?;
                    }
                    continue;
                }
                next = self.queue.recv() => next,
                () = is_told(&mut self.told) => break Ended::Finished,
            };
            // The system takes little beyond what is on its way, so what may wait waits here anyhow.
            let Some((bytes, _may_wait, taken)) = next else {
                break Ended::Closed;
            };
            if !self.write_pieces(&bytes).await? {
                break Ended::Closed;
            }
            // Whoever no longer waits does not need to know.
            let _nobody_waits = taken.send(());
        };
        let (code, reason) = self.last_word(ended);
        self.write(&record::close(code, &reason)).await?;
        self.write.shutdown().await?;
        Ok(ended)
    }

    /// Writes a piece in records; false when the link is closed meanwhile.
    async fn write_pieces(&mut self, bytes: &[u8]) -> io::Result<bool> {
        for piece in bytes.chunks(RECORD_BYTES_MAX) {
            if self.close.borrow().is_some() {
                return Ok(false);
            }
            let begun = Instant::now();
            self.write(&record::piece(piece)).await?;
            let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            self.counters.sent.fetch_add(bytes, Ordering::Relaxed);
            let written = self.passed.sent();
            if self.delivered.wrote(begun, written, Instant::now()) {
                self.write(&record::knock()).await?;
            }
            // Whoever asks how fast its bytes go does not wait for all of ours.
            if self.knocks.answer.notified().now_or_never().is_some() {
                self.write(&record::answer()).await?;
            }
        }
        Ok(true)
    }

    /// Hands a record to the system, which takes it when little of what came before waits.
    async fn write(&mut self, record: &[u8]) -> io::Result<()> {
        self.write.write_all(record).await?;
        self.write.flush().await
    }

    fn last_word(&self, ended: Ended) -> (CloseCode, String) {
        let word = match ended {
            Ended::Finished => self.told.borrow().clone(),
            Ended::Closed | Ended::There => self.close.borrow().clone(),
        };
        word.unwrap_or_else(|| (CloseCode::STOPPING, "stopping".to_owned()))
    }
}

struct Reader {
    read: ReadHalf<Stream>,
    first: Vec<u8>,
    end: End,
    records: Records,
    lines: Lines,
    hurries: u64,
    events: mpsc::Sender<LinkEvent>,
    counters: Arc<Counters>,
    knocks: Arc<Knocks>,
    delivered: Arc<Delivered>,
}

impl Reader {
    /// Hands up what comes, as fast as it is taken, until the line ends; says why it did.
    async fn run(&mut self) -> CloseReason {
        let first = std::mem::take(&mut self.first);
        if let Err(reason) = self.take(&first).await {
            return reason;
        }
        let mut buffer = vec![0; RECORD_BYTES_MAX];
        loop {
            let ended = match self.some(&mut buffer).await {
                Ok(read) => self.take(buffer.get(..read).unwrap_or_default()).await,
                Err(reason) => Err(reason),
            };
            if let Err(reason) = ended {
                return reason;
            }
        }
    }

    /// At least one byte, however long nothing comes from a peer that is there.
    async fn some(&mut self, buffer: &mut [u8]) -> Result<usize, CloseReason> {
        let read = match self.end {
            End::Called => timeout(LINE_SILENCE_MAX, self.read.read(buffer)).await,
            End::Calling => {
                // Both arms are cancel-safe.
                let heard = tokio::select! {
                    heard = timeout(LINE_KNOCK_INTERVAL, self.read.read(buffer)) => heard.ok(),
                    () = self.lines.hurried(self.hurries) => None,
                };
                self.hurries = self.lines.hurries();
                match heard {
                    Some(heard) => Ok(heard),
                    None => {
                        self.knocks.ask.notify_one();
                        timeout(LINE_ANSWER_MAX, self.read.read(buffer)).await
                    }
                }
            }
        };
        match read.map_err(|_silence| CloseReason::TimedOut)? {
            Ok(0) => Err(CloseReason::Reset),
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(CloseReason::from(&error)),
        }
    }

    async fn take(&mut self, mut bytes: &[u8]) -> Result<(), CloseReason> {
        loop {
            let said = self.records.next(&mut bytes);
            match said.map_err(|error| CloseReason::protocol(&error))? {
                None => return Ok(()),
                Some(Said::Piece(piece)) => {
                    let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
                    self.counters.received.fetch_add(length, Ordering::Relaxed);
                    let event = LinkEvent::Received(piece.to_vec());
                    if self.events.send(event).await.is_err() {
                        // A link that is dropped has said so, and its last word ends the line.
                        std::future::pending::<()>().await;
                    }
                }
                Some(Said::Close(reason)) => return Err(reason),
                Some(Said::Knock) => self.knocks.answer.notify_one(),
                Some(Said::Answer) => {
                    if self.delivered.answered(Instant::now()) {
                        self.knocks.ask.notify_one();
                    }
                }
            }
        }
    }
}
