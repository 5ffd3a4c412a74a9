//! A TCP socket of which every byte is counted, and which holds little of what is to be sent.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::{fmt, io};

use socket2::{Domain, SockRef, Socket as SystemSocket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::limits::{LINKS_MAX, SOCKET_BUFFER_BYTES, UNSENT_BYTES};

/// Bytes both ways, whatever wraps them.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Duplex for T {}

/// What carries the records of our TLS: a socket, or a WebSocket over one.
pub(crate) type Pipe = Box<dyn Duplex>;

/// Bytes that went over a socket, TLS and all included.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Passed {
    /// One for whoever counts and one for whoever reads it.
    pub(crate) fn shared() -> (Arc<Self>, Arc<Self>) {
        let passed = Arc::<Self>::default();
        (Arc::clone(&passed), passed)
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn add_sent(&self, bytes: usize) {
        add(&self.sent, bytes);
    }

    pub(crate) fn add_received(&self, bytes: usize) {
        add(&self.received, bytes);
    }
}

fn add(counter: &AtomicU64, bytes: usize) {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    counter.fetch_add(bytes, Ordering::Relaxed);
}

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    passed: Arc<Passed>,
}

impl Socket {
    /// Takes a connection that stands, and counts what goes over it.
    pub(crate) fn new(stream: TcpStream, passed: Arc<Passed>) -> io::Result<Self> {
        // What is said is said at once: a record is a packet or several full ones.
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        let buffer = usize::try_from(SOCKET_BUFFER_BYTES).unwrap_or(usize::MAX);
        socket.set_send_buffer_size(buffer)?;
        #[cfg(target_os = "linux")]
        socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
        Ok(Self { stream, passed })
    }

    /// Calls an address.
    pub(crate) async fn connect(addr: SocketAddr, passed: Arc<Passed>) -> io::Result<Self> {
        Self::new(TcpStream::connect(addr).await?, passed)
    }

    /// Looks at the first byte and leaves it there.
    pub(crate) async fn peek(&self) -> io::Result<Option<u8>> {
        let mut first = [0];
        let length = self.stream.peek(&mut first).await?;
        Ok((length > 0).then_some(first[0]))
    }
}

/// Listens. Connections inherit how much the system keeps for them.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = SystemSocket::new(Domain::for_address(addr), Type::STREAM, None)?;
    // The port of a node that was restarted is held by connections of before for a minute.
    socket.set_reuse_address(true)?;
    let buffer = usize::try_from(SOCKET_BUFFER_BYTES).unwrap_or(usize::MAX);
    socket.set_recv_buffer_size(buffer)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(LINKS_MAX).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.passed.add_received(buffer.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = &polled {
            self.passed.add_sent(*written);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
