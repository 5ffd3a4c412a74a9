//! Both ends of the one exchange for a node that has no certificate yet.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use hopluu_model::{ErrorChain, Fault};
use hopluu_trust::limits::JOIN_BYTES_MAX;
use hopluu_trust::{JoinError, JoinReply, JoinRequest, Joined, Signer, Ticket};
use quinn::{Connection, SendStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::close::{CloseCode, CloseReason};
use crate::dial::{Caller, DialError, DialOptions};
use crate::limits::{FINISH_TIMEOUT, HANDSHAKE_TIMEOUT, JOIN_ANSWER_TIMEOUT};
use crate::repeat::Repeater;
use crate::tls::{Client, Evidence};
use crate::transport::Tuning;

/// A request to join, to be answered. Dropping it closes the call without an answer.
#[derive(Debug)]
pub struct JoinCall {
    connection: Connection,
    send: SendStream,
    request: Vec<u8>,
}

impl JoinCall {
    pub(crate) fn new(connection: Connection, send: SendStream, request: Vec<u8>) -> Self {
        Self {
            connection,
            send,
            request,
        }
    }

    /// What was sent: at most 4 KiB of a stranger's bytes, for [`JoinRequest::decode`].
    #[must_use]
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Where the call comes from.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    /// Answers and ends the call. Whether the answer arrived is not known for sure: the ticket stays
    /// good for the same node.
    pub async fn answer(mut self, reply: &[u8]) {
        let sent = timeout(FINISH_TIMEOUT, async {
            self.send.write_all(reply).await?;
            self.send.finish()?;
            self.send.stopped().await?;
            Ok::<(), quinn::WriteError>(())
        })
        .await;
        if !matches!(sent, Ok(Ok(()))) {
            tracing::debug!(addr = %self.addr(), "join answer not acknowledged");
        }
        self.connection.close(CloseCode::ENDED.on_wire(), b"");
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
    Socket(#[source] std::io::Error),
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
    for text in &ticket.addrs {
        // A name that cannot be found is as good as one that does not answer.
        let Ok(found) = tokio::net::lookup_host(text.as_str()).await else {
            continue;
        };
        // One address per name and family is tried; a ticket has room for more names.
        let (mut v4, mut v6) = (None, None);
        for addr in found {
            let slot = if addr.is_ipv4() { &mut v4 } else { &mut v6 };
            slot.get_or_insert(addr);
        }
        for addr in v4.into_iter().chain(v6) {
            match call_one(addr, ticket, signer, tuning).await {
                Ok(joined) => return Ok(joined),
                // The issuer itself has spoken: another address of it will say the same.
                Err(error @ JoinCallError::Join(_)) => return Err(error),
                Err(error) => {
                    tracing::info!(%addr, error = %ErrorChain(&error), "join call failed");
                    last = error;
                }
            }
        }
    }
    Err(last)
}

async fn call_one(
    addr: SocketAddr,
    ticket: &Ticket,
    signer: &Signer,
    tuning: &Tuning,
) -> Result<Joined, JoinCallError> {
    let any: SocketAddr = if addr.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let repeater = Repeater::bind(any).map_err(JoinCallError::Socket)?;
    let quinn = repeater
        .endpoint(None, signer)
        .map_err(JoinCallError::Socket)?;
    let mut repeating = JoinSet::new();
    repeating.spawn(Arc::clone(&repeater).run());
    let tls = |source| JoinCallError::Dial(DialError::Tls(source));
    let client = Client::for_joining(ticket.root).map_err(tls)?;
    let options = DialOptions {
        expect: Some(ticket.issuer),
        ..DialOptions::default()
    };
    let caller = Caller {
        quinn: &quinn,
        repeater: &repeater,
        client: &client,
        root: ticket.root,
        evidence: &Evidence::none(),
        tuning,
        addr,
        options: &options,
    };
    let (connection, _issuer, _watch) = caller.call().await.map_err(JoinCallError::Dial)?;
    let request = JoinRequest::new(ticket, signer);
    let limit = HANDSHAKE_TIMEOUT + JOIN_ANSWER_TIMEOUT;
    let reply = match timeout(limit, exchange(&connection, &request.encode())).await {
        Ok(reply) => reply?,
        Err(_elapsed) => return Err(JoinCallError::NoAnswer(CloseReason::TimedOut)),
    };
    connection.close(CloseCode::ENDED.on_wire(), b"");
    let _told = timeout(FINISH_TIMEOUT, quinn.wait_idle()).await;
    Ok(JoinReply::open(&reply, ticket, &request)?)
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
