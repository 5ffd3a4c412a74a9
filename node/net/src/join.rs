//! Both ends of the one exchange for a node that has no certificate yet.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use hopluu_model::{ErrorChain, Fault};
use hopluu_trust::limits::JOIN_BYTES_MAX;
use hopluu_trust::{JoinError, JoinReply, JoinRequest, Joined, Signer, Ticket};
use quinn::{Connection, SendStream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::call::{StreamCaller, is_web, places, resolve};
use crate::close::{CloseCode, CloseReason};
use crate::dial::{Caller, DialError, DialOptions, Quic};
use crate::evidence::Evidence;
use crate::limits::{FINISH_TIMEOUT, HANDSHAKE_TIMEOUT, JOIN_ANSWER_TIMEOUT, RECORD_BYTES_MAX};
use crate::line::{Open, Stream, part};
use crate::race::{Attempt, head_start, race};
use crate::record::{self, Records, Said};
use crate::repeat::Watch;
use crate::tls::Client;
use crate::transport::Tuning;

/// A request to join, to be answered. Dropping it closes the call without an answer.
#[derive(Debug)]
pub struct JoinCall {
    way: Way,
    addr: SocketAddr,
    request: Vec<u8>,
}

/// Where the answer goes.
#[derive(Debug)]
enum Way {
    Quic {
        connection: Connection,
        send: SendStream,
    },
    Tcp {
        stream: Box<Stream>,
        _open: Open,
    },
}

impl JoinCall {
    pub(crate) fn new(connection: Connection, send: SendStream, request: Vec<u8>) -> Self {
        Self {
            addr: connection.remote_address(),
            way: Way::Quic { connection, send },
            request,
        }
    }

    pub(crate) fn over(stream: Stream, open: Open, addr: SocketAddr, request: Vec<u8>) -> Self {
        let way = Way::Tcp {
            stream: Box::new(stream),
            _open: open,
        };
        Self { way, addr, request }
    }

    /// What was sent: at most 4 KiB of a stranger's bytes, for [`JoinRequest::decode`].
    #[must_use]
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Where the call comes from.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Answers and ends the call. Whether the answer arrived is not known for sure: the ticket stays
    /// good for the same node.
    pub async fn answer(self, reply: &[u8]) {
        match self.way {
            Way::Quic {
                connection,
                mut send,
            } => {
                let sent = timeout(FINISH_TIMEOUT, async {
                    send.write_all(reply).await?;
                    send.finish()?;
                    send.stopped().await?;
                    Ok::<(), quinn::WriteError>(())
                })
                .await;
                if !matches!(sent, Ok(Ok(()))) {
                    tracing::debug!(addr = %self.addr, "join answer not acknowledged");
                }
                connection.close(CloseCode::ENDED.on_wire(), b"");
            }
            Way::Tcp { mut stream, _open } => {
                let pieces = reply.chunks(RECORD_BYTES_MAX).flat_map(record::piece);
                let pieces: Vec<u8> = pieces.collect();
                let sent = timeout(FINISH_TIMEOUT, stream.write_all(&pieces)).await;
                if matches!(sent, Ok(Ok(()))) {
                    part(*stream, CloseCode::ENDED).await;
                }
            }
        }
    }
}

/// A call that did not end in joining.
#[derive(Debug, thiserror::Error)]
pub enum JoinCallError {
    /// The ticket has no address that could be tried.
    #[error("the ticket names no address that can be found")]
    NoAddress,
    /// No socket to call from.
    #[error("no UDP socket can be opened")]
    Socket(#[source] io::Error),
    /// None of the addresses answered as the issuer; the last one's reason.
    #[error("the issuer cannot be reached")]
    Dial(#[source] DialError),
    /// It took the call and gave no answer.
    #[error("the issuer gave no answer")]
    NoAnswer(#[source] CloseReason),
    /// Its answer is over 4 KiB.
    #[error("the issuer's answer is over {JOIN_BYTES_MAX} bytes")]
    TooLarge,
    /// It answered, and we are not in.
    #[error(transparent)]
    Join(#[from] JoinError),
}

impl JoinCallError {
    /// Whether to try again, or ask for another ticket.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoAddress => Fault::Config,
            Self::Socket(_) | Self::NoAnswer(_) => Fault::Local,
            Self::Dial(error) => error.fault(),
            Self::TooLarge => Fault::Peer,
            Self::Join(error) => error.fault(),
        }
    }
}

/// Joins by a ticket: tries its addresses in turn, believes only the issuer it names, and returns the
/// chain that was granted. Calling again after a lost answer yields the same.
///
/// # Errors
/// [`JoinCallError`] when the issuer cannot be reached or refuses.
pub async fn call_join(
    ticket: &Ticket,
    signer: &Signer,
    tuning: &Tuning,
) -> Result<Joined, JoinCallError> {
    let mut last = JoinCallError::NoAddress;
    for name in &ticket.addrs {
        // A name that cannot be found is as good as one that does not answer, unless a proxy knows it.
        let found = if is_web(name) {
            Vec::new()
        } else {
            resolve(name).await.unwrap_or_default()
        };
        let mut addrs: Vec<Option<SocketAddr>> = found.into_iter().map(Some).collect();
        if addrs.is_empty() && (tuning.proxy.is_some() || is_web(name)) {
            addrs.push(None);
        }
        for addr in addrs {
            let call = Call {
                name,
                addr,
                ticket,
                signer,
                tuning,
            };
            match call.join().await {
                Ok(joined) => return Ok(joined),
                // The issuer itself has spoken: another address of it will say the same.
                Err(error @ JoinCallError::Join(_)) => return Err(error),
                Err(error) => {
                    tracing::info!(addr = name, error = %ErrorChain(&error), "join call failed");
                    last = error;
                }
            }
        }
    }
    Err(last)
}

/// A call to one address of a ticket.
struct Call<'a> {
    name: &'a str,
    addr: Option<SocketAddr>,
    ticket: &'a Ticket,
    signer: &'a Signer,
    tuning: &'a Tuning,
}

impl Call<'_> {
    async fn join(&self) -> Result<Joined, JoinCallError> {
        let tls = |source| JoinCallError::Dial(DialError::Tls(source));
        let client = Client::for_joining(self.ticket.root).map_err(tls)?;
        let options = DialOptions {
            expect: Some(self.ticket.issuer),
            ..DialOptions::default()
        };
        let quic = self
            .addr
            .map(|addr| Quic::to(addr, self.signer, Arc::default()))
            .transpose();
        let quic = quic.map_err(JoinCallError::Socket)?;
        let mut attempts = Vec::new();
        if let Some(quic) = &quic {
            attempts.push(self.by_quic(quic.clone(), &client, &options));
        }
        attempts.extend(self.by_tcp(&client));
        if attempts.is_empty() {
            return Err(JoinCallError::NoAddress);
        }
        let reached = race(attempts, head_start(&options)).await;
        let mut reached = reached.map_err(JoinCallError::Dial)?;
        let request = JoinRequest::new(self.ticket, self.signer);
        let limit = HANDSHAKE_TIMEOUT + JOIN_ANSWER_TIMEOUT;
        let reply = match timeout(limit, reached.exchange(&request.encode())).await {
            Ok(reply) => reply?,
            Err(_elapsed) => return Err(JoinCallError::NoAnswer(CloseReason::TimedOut)),
        };
        if let (Reached::Quic(connection, _), Some(quic)) = (&reached, &quic) {
            connection.close(CloseCode::ENDED.on_wire(), b"");
            let _told = timeout(FINISH_TIMEOUT, quic.endpoint.wait_idle()).await;
        }
        Ok(JoinReply::open(&reply, self.ticket, &request)?)
    }

    fn by_quic(&self, quic: Quic, client: &Client, options: &DialOptions) -> Attempt<Reached> {
        let (client, options, tuning) = (client.clone(), options.clone(), self.tuning.clone());
        let root = self.ticket.root;
        Box::pin(async move {
            let caller = Caller {
                quic: &quic,
                client: &client,
                root,
                evidence: &Evidence::none(),
                tuning: &tuning,
                options: &options,
            };
            let (connection, _issuer, watch) = caller.call().await?;
            Ok(Reached::Quic(connection, watch))
        })
    }

    fn by_tcp(&self, client: &Client) -> Vec<Attempt<Reached>> {
        let found: Vec<SocketAddr> = self.addr.into_iter().collect();
        let places = places(self.tuning, self.name, &found).into_iter();
        let attempt = |place| -> Attempt<Reached> {
            let caller = StreamCaller {
                client: client.clone(),
                root: self.ticket.root,
                evidence: Evidence::none(),
                place,
                expect: Some(self.ticket.issuer),
                passed: Arc::default(),
            };
            Box::pin(async move {
                let called = caller.call().await?;
                Ok(Reached::Tcp(Box::new(called.stream)))
            })
        };
        places.map(attempt).collect()
    }
}

/// The issuer, by the way on which it answered first.
enum Reached {
    Quic(Connection, Watch),
    Tcp(Box<Stream>),
}

impl Reached {
    async fn exchange(&mut self, request: &[u8]) -> Result<Vec<u8>, JoinCallError> {
        match self {
            Self::Quic(connection, _watch) => exchange(connection, request).await,
            Self::Tcp(stream) => exchange_over(stream, request).await,
        }
    }
}

/// The same over TCP: one record, and what comes until the issuer's last word.
pub(crate) async fn exchange_over(
    stream: &mut Stream,
    request: &[u8],
) -> Result<Vec<u8>, JoinCallError> {
    let broken = |error: &io::Error| JoinCallError::NoAnswer(error.into());
    let sent = stream.write_all(&record::piece(request)).await;
    sent.map_err(|error| broken(&error))?;
    stream.flush().await.map_err(|error| broken(&error))?;
    let (mut records, mut reply) = (Records::default(), Vec::new());
    let mut buffer = vec![0; RECORD_BYTES_MAX];
    loop {
        let read = stream.read(&mut buffer).await;
        let read = match read.map_err(|error| broken(&error))? {
            0 => return Err(JoinCallError::NoAnswer(CloseReason::Reset)),
            read => read,
        };
        let mut bytes = buffer.get(..read).unwrap_or_default();
        loop {
            let said = records.next(&mut bytes);
            let said = said.map_err(|bad| JoinCallError::NoAnswer(CloseReason::protocol(&bad)))?;
            match said {
                None => break,
                Some(Said::Piece(piece)) => reply.extend_from_slice(piece),
                Some(Said::Close(CloseReason::Peer {
                    code: CloseCode::ENDED,
                    ..
                })) => return Ok(reply),
                Some(Said::Close(reason)) => return Err(JoinCallError::NoAnswer(reason)),
                Some(Said::Knock | Said::Answer) => {}
            }
            if reply.len() > JOIN_BYTES_MAX {
                return Err(JoinCallError::TooLarge);
            }
        }
    }
}

/// Sends the one request and reads the one answer.
pub(crate) async fn exchange(
    connection: &Connection,
    request: &[u8],
) -> Result<Vec<u8>, JoinCallError> {
    let lost = |error: quinn::ConnectionError| JoinCallError::NoAnswer(error.into());
    // When a stream fails, the connection's own reason says more.
    let broken = || {
        let reason = connection.close_reason();
        JoinCallError::NoAnswer(reason.map_or(CloseReason::Reset, CloseReason::from))
    };
    let (mut send, mut recv) = connection.open_bi().await.map_err(lost)?;
    send.write_all(request).await.map_err(|_| broken())?;
    send.finish().map_err(|_| broken())?;
    recv.read_to_end(JOIN_BYTES_MAX)
        .await
        .map_err(|error| match error {
            quinn::ReadToEndError::TooLong => JoinCallError::TooLarge,
            quinn::ReadToEndError::Read(_) => broken(),
        })
}
