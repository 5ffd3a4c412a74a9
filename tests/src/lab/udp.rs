//! UDP through a shaped link: the caller sends here, the called sees another address of this machine.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;

use super::{Count, Fate, Passed, Profile, Shaper, Traffic, Way};

/// Longest UDP payload.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// Packets that may wait to be sorted in; whoever sorts never waits itself.
const PACKETS_MAX: usize = 1_024;

/// Milliseconds that an address may take to be free: far more than the system needs.
const CLOSE_TRIES_MAX: u32 = 5_000;

/// Packets of which the trace is kept; later ones are only counted.
const TRACE_MAX: usize = 20_000;

/// A link of one caller, or of several that share it, to one called address.
#[derive(Debug)]
pub struct UdpRelay {
    addr: SocketAddr,
    link: Arc<Link>,
    rebound: Arc<Notify>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Link {
    profile: Profile,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    up: Shaper,
    down: Shaper,
    is_cut: bool,
    traffic: Traffic,
    trace: Vec<Passed>,
}

impl UdpRelay {
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
        let front = Arc::new(UdpSocket::bind(at).await.context("open the link")?);
        let addr = front.local_addr()?;
        let state = State {
            up: Shaper::new(profile.up(), seed),
            down: Shaper::new(profile.down(), seed ^ u64::MAX),
            is_cut: false,
            traffic: Traffic::default(),
            trace: Vec::new(),
        };
        let link = Arc::new(Link {
            profile,
            begun: Instant::now(),
            state: Mutex::new(state),
        });
        let rebound = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        let carrier = Carrier {
            front,
            to,
            link: Arc::clone(&link),
            flows: BTreeMap::new(),
        };
        tasks.spawn(carrier.run(Arc::clone(&rebound)));
        Ok(Self {
            addr,
            link,
            rebound,
            tasks,
        })
    }

    /// Where the caller has to send.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Cuts the link, or gives it back. What is on the way arrives.
    pub fn cut(&self, is_cut: bool) {
        self.link.lock().is_cut = is_cut;
    }

    /// Gives the caller another address, as a network does that has forgotten it: what the called
    /// sends to the old one is lost.
    pub fn rebind(&self) {
        self.rebound.notify_one();
    }

    /// Ends the link; its address is free when this returns.
    pub async fn close(mut self) {
        self.tasks.shutdown().await;
        // Tasks of that task end a little later, and the system takes back their socket later still.
        // Should somebody else have taken the address, whoever opens it next says so.
        for _ in 0..CLOSE_TRIES_MAX {
            if std::net::UdpSocket::bind(self.addr).is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Counts and traces from nothing again.
    pub fn count_anew(&self) {
        let mut state = self.link.lock();
        state.traffic = Traffic::default();
        state.trace = Vec::new();
    }

    /// What went through since the relay began, or was told to count anew.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.link.lock().traffic.clone()
    }

    /// The packets of that time, oldest first.
    #[must_use]
    pub fn trace(&self) -> Vec<Passed> {
        self.link.lock().trace.clone()
    }
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides on a packet and counts it.
    fn pass(&self, way: Way, bytes: usize) -> Fate {
        let now = Instant::now();
        let at = now.saturating_duration_since(self.begun);
        let mut state = self.lock();
        let is_down = state.is_cut || self.profile.is_udp_blocked || self.profile.is_down(at);
        let shaper = match way {
            Way::Up => &mut state.up,
            Way::Down => &mut state.down,
        };
        let fate = if is_down {
            Fate::Cut
        } else {
            shaper.offer(at, bytes)
        };
        let traffic = &mut state.traffic;
        match way {
            Way::Up => {
                traffic.begun.get_or_insert(now);
                traffic.up.add(bytes, fate);
            }
            Way::Down => traffic.down.add(bytes, fate),
        }
        if state.trace.len() < TRACE_MAX {
            state.trace.push(Passed {
                at,
                way,
                bytes,
                fate,
            });
        }
        fate
    }
}

impl Count {
    pub(super) fn add(&mut self, bytes: usize, fate: Fate) {
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        self.packets += 1;
        self.lost += u64::from(!matches!(fate, Fate::Arrives(_)));
    }
}

/// The task that moves packets. One caller's packets go out by a socket of their own.
struct Carrier {
    front: Arc<UdpSocket>,
    to: SocketAddr,
    link: Arc<Link>,
    flows: BTreeMap<SocketAddr, Flow>,
}

struct Flow {
    out: mpsc::Sender<Due>,
    _tasks: JoinSet<()>,
}

/// A packet on its way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Duration,
    /// Keeps packets of one instant in order.
    number: u64,
    bytes: Vec<u8>,
}

impl Carrier {
    async fn run(mut self, rebound: Arc<Notify>) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        let mut number = 0;
        loop {
            tokio::select! {
                // A packet that was sent after the new address was given goes out by it.
                biased;
                () = rebound.notified() => self.flows.clear(),
                received = self.front.recv_from(&mut buffer) => {
                    let Ok((length, caller)) = received else { continue };
                    let Some(bytes) = buffer.get(..length) else { continue };
                    if let Fate::Arrives(at) = self.link.pass(Way::Up, length) {
                        number += 1;
                        let due = Due { at, number, bytes: bytes.to_vec() };
                        if let Some(flow) = self.flow(caller).await {
                            // A flow that has ended was rebound.
                            let _flow_ended = flow.out.send(due).await;
                        }
                    }
                }
            }
        }
    }

    async fn flow(&mut self, caller: SocketAddr) -> Option<&Flow> {
        if !self.flows.contains_key(&caller) {
            let back = Arc::new(socket().await.ok()?);
            back.connect(self.to).await.ok()?;
            let (out, going) = mpsc::channel(PACKETS_MAX);
            let (home, coming) = mpsc::channel(PACKETS_MAX);
            let mut tasks = JoinSet::new();
            tasks.spawn(deliver(going, Arc::clone(&back), None, self.link.begun));
            tasks.spawn(deliver(
                coming,
                Arc::clone(&self.front),
                Some(caller),
                self.link.begun,
            ));
            tasks.spawn(listen(back, Arc::clone(&self.link), home));
            self.flows.insert(caller, Flow { out, _tasks: tasks });
        }
        self.flows.get(&caller)
    }
}

/// Takes what the called sends.
async fn listen(back: Arc<UdpSocket>, link: Arc<Link>, home: mpsc::Sender<Due>) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    let mut number = 0;
    loop {
        // A port that nobody listens on answers with an error, and so it does until somebody does.
        let Ok(length) = back.recv(&mut buffer).await else {
            continue;
        };
        let Some(bytes) = buffer.get(..length) else {
            continue;
        };
        if let Fate::Arrives(at) = link.pass(Way::Down, length) {
            number += 1;
            let due = Due {
                at,
                number,
                bytes: bytes.to_vec(),
            };
            if home.send(due).await.is_err() {
                return;
            }
        }
    }
}

/// Sends each packet when its time has come.
async fn deliver(
    mut coming: mpsc::Receiver<Due>,
    socket: Arc<UdpSocket>,
    caller: Option<SocketAddr>,
    begun: Instant,
) {
    let mut waiting: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
    loop {
        let next = waiting.peek().map(|Reverse(due)| begun + due.at);
        let wait = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            due = coming.recv() => match due {
                Some(due) => waiting.push(Reverse(due)),
                None => return,
            },
            () = wait => {
                if let Some(Reverse(due)) = waiting.pop() {
                    // Nobody there is a fate as well.
                    let _sent = match caller {
                        Some(caller) => socket.send_to(&due.bytes, caller).await,
                        None => socket.send(&due.bytes).await,
                    };
                }
            }
        }
    }
}

async fn socket() -> anyhow::Result<UdpSocket> {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("find a port for the link")
}
