//! TCP through a shaped link. The system's own TCP ends at the relay, so nothing can be lost: what a
//! bad link would lose is only late here, and figures of TCP are the best that TCP could do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Fate, Profile, Shaper, Traffic, Way};

/// Payload of one segment on a path of 1,500 bytes.
const SEGMENT_BYTES: usize = 1_448;

/// Segments that may be on their way before the sender has to wait: a modem's queue and a satellite's path.
const SEGMENTS_MAX: usize = 64;

/// A link over which callers reach one address by TCP.
#[derive(Debug)]
pub struct TcpRelay {
    addr: SocketAddr,
    link: Arc<Link>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Link {
    profile: Profile,
    begun: Instant,
    up: Mutex<Shaper>,
    down: Mutex<Shaper>,
    traffic: Mutex<Traffic>,
}

impl TcpRelay {
    /// Opens a link to an address.
    ///
    /// # Errors
    /// When the system has no free port.
    pub async fn start(profile: Profile, seed: u64, to: SocketAddr) -> anyhow::Result<Self> {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), profile, seed, to).await
    }

    /// Opens a link to an address, at one that the caller knows from before.
    ///
    /// # Errors
    /// When that is taken.
    pub async fn start_at(
        at: SocketAddr,
        profile: Profile,
        seed: u64,
        to: SocketAddr,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(at).await.context("open the link")?;
        let addr = listener.local_addr()?;
        let lossless = |shape: super::Shape| super::Shape {
            loss_per_mille: 0,
            burst: None,
            reorder_per_mille: 0,
            queue_bytes: None,
            ..shape
        };
        let link = Arc::new(Link {
            begun: Instant::now(),
            up: Mutex::new(Shaper::new(lossless(profile.up()), seed)),
            down: Mutex::new(Shaper::new(lossless(profile.down()), seed ^ u64::MAX)),
            traffic: Mutex::default(),
            profile,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&link), to));
        Ok(Self {
            addr,
            link,
            _tasks: tasks,
        })
    }

    /// Where the caller has to connect.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What went through since the last call, and counts from nothing again.
    #[must_use]
    pub fn take_traffic(&self) -> Traffic {
        let mut traffic = self
            .link
            .traffic
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut traffic)
    }
}

impl Link {
    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When a segment arrives that is sent now.
    fn arrival(&self, way: Way, bytes: usize) -> Duration {
        let shaper = match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        };
        let now = self.profile.next_up(self.now());
        let mut shaper = shaper.lock().unwrap_or_else(PoisonError::into_inner);
        let fate = shaper.offer(now, bytes);
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        match way {
            Way::Up => traffic.up.add(bytes, fate),
            Way::Down => traffic.down.add(bytes, fate),
        }
        match fate {
            Fate::Arrives(at) => at,
            // Such shapes were made lossless.
            Fate::Overrun | Fate::Lost | Fate::Cut => now,
        }
    }

    async fn sleep_until(&self, at: Duration) {
        tokio::time::sleep_until((self.begun + at).into()).await;
    }
}

async fn accept(listener: TcpListener, link: Arc<Link>, to: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        {
            let mut traffic = link.traffic.lock().unwrap_or_else(PoisonError::into_inner);
            traffic.begun.get_or_insert_with(Instant::now);
        }
        connections.spawn(connect(near, Arc::clone(&link), to));
    }
}

/// The three packets that open a connection take a round trip before the first byte leaves.
async fn connect(near: TcpStream, link: Arc<Link>, to: SocketAddr) {
    let there = link.arrival(Way::Up, 0);
    link.sleep_until(there).await;
    let Ok(far) = TcpStream::connect(to).await else {
        return;
    };
    let here = link.arrival(Way::Down, 0);
    link.sleep_until(here).await;
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    tokio::join!(
        carry(near_in, far_out, &link, Way::Up),
        carry(far_in, near_out, &link, Way::Down),
    );
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, link: &Link, way: Way) {
    let (segments, mut due) = mpsc::channel::<(Duration, Vec<u8>)>(SEGMENTS_MAX);
    let read = async move {
        let mut buffer = [0; SEGMENT_BYTES];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let bytes = buffer.iter().take(length).copied().collect();
            if segments
                .send((link.arrival(way, length), bytes))
                .await
                .is_err()
            {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = due.recv().await {
            link.sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
