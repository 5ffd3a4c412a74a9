//! The running node: the one loop, and around it the tasks that carry bytes.
//!
//! ```text
//! commands --\                       /--> store writer (thread) --\
//! link tasks --> select -> handle ---                              --> back as events
//! acceptor --/                       \--> link tasks, dial tasks --/
//! ```
//! Everything that decides happens in [`Core`] on this loop, one event at a time; what runs beside it
//! only moves bytes or waits for the disk.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hopluu_model::{ErrorChain, Timestamp};
use hopluu_net::{BindError, Endpoint, Link, NetConfig, Tuning};
use hopluu_sync::Steady;
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::core::{Called, Core, Post};
use crate::handle::{Handle, Request};
use crate::home::{Home, HomeError, NodeSettings};
use crate::limits::{PARCEL_EXCHANGES_MAX, REQUESTS_WAITING_MAX, STOP_SECS_MAX, WATCH_LAG_MAX};
use crate::net::{Net, NetEvent};
use crate::parcels::{NeighbourSettings, Parcels, Stock};
use crate::setup::{SetupError, open_core};
use crate::turn::{Continuation, Turn};
use crate::view::WatchEvent;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its home.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Its address.
    #[error("links cannot be served")]
    Bind(#[from] BindError),
    /// Its address, asked back.
    #[error("the address that is listened on cannot be read")]
    Address(#[source] std::io::Error),
}

impl StartError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> hopluu_model::Fault {
        match self {
            Self::Setup(error) => error.fault(),
            Self::Bind(error) => error.fault(),
            Self::Address(_) => hopluu_model::Fault::Local,
        }
    }
}

/// A node that works, until it is stopped.
#[derive(Debug)]
pub struct Running {
    handle: Handle,
    listen: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    /// None once its end has been seen.
    task: Option<JoinHandle<bool>>,
}

/// The node's loop has ended and nobody asked it to: it can do nothing any more, and only a new
/// process can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node's loop has ended by itself")]
pub struct LoopEnded;

impl Running {
    /// The front door.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// The address that other nodes reach, while links are served.
    #[must_use]
    pub fn listen_addr(&self) -> Option<SocketAddr> {
        self.listen
    }

    /// Waits until the loop has ended by itself, which only a bug makes it do. Whoever runs a node
    /// must wait for this as well, or a dead one stays up. Cancelling loses nothing.
    pub async fn ended(&mut self) -> LoopEnded {
        if let Some(task) = &mut self.task {
            let end = task.await;
            self.task = None;
            has_ended_well(end);
        }
        LoopEnded
    }

    /// Stops in order: no more commands, links told, everything queued on disk. False where the store
    /// did not close well, or the loop had ended by itself.
    pub async fn stop(mut self) -> bool {
        if let Some(stop) = self.stop.take() {
            // A loop that has ended by itself needs no telling.
            let _has_ended = stop.send(());
        }
        match self.task.take() {
            Some(task) => has_ended_well(task.await),
            None => false,
        }
    }
}

fn has_ended_well(end: Result<bool, JoinError>) -> bool {
    end.unwrap_or_else(|error| {
        tracing::error!(error = %ErrorChain(&error), "the loop did not end well");
        false
    })
}

/// Starts a node that serves and dials links.
///
/// # Errors
/// When the home or the address cannot be used.
pub fn start(home: Home, settings: &NodeSettings) -> Result<Running, StartError> {
    let done = Arc::new(Mailbox::default());
    let mut core = open_core(&home, done.post())?;
    let config = core.config();
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    let endpoint = Endpoint::bind(NetConfig {
        listen: settings.listen.unwrap_or(any),
        signer: (*config.signer).clone(),
        chain: config.chain.clone(),
        root: config.root,
        tuning: settings.tuning(),
    })?;
    if let Some(at) = core.judged {
        endpoint.set_evidence(at);
    }
    let listen = match settings.listen {
        Some(_) => Some(endpoint.local_addr().map_err(StartError::Address)?),
        None => None,
    };
    core.endpoint = Some(endpoint.clone());
    core.listen = listen.map(|addr| addr.to_string());
    core.reached_at = reached_at(listen);
    core.called = Called::of(settings);
    let addrs = core.called.iter();
    let addrs: BTreeMap<_, _> = addrs
        .map(|(id, called)| (*id, called.addr.clone()))
        .collect();
    let ways = core.ways(addrs.values());
    let tunings = settings.link.iter();
    let tunings = tunings.map(|(address, link)| (address.clone(), link.tuning(settings.tuning())));
    let tunings: BTreeMap<String, Tuning> = tunings.collect();
    for (target, address) in &addrs {
        let link = settings.link.get(address).cloned().unwrap_or_default();
        core.plans.insert(*target, address.clone(), link);
        if let Some(node) = ways.get(address).and_then(|way| way.node()) {
            core.plan_remembers(*target, node, now());
        }
    }
    let stock = Stock::open(
        &home.parcels(),
        core.me().node,
        core.config().root,
        settings.neighbours.is_some(),
    );
    let stock = stock.map_err(|source| {
        let path = home.parcels();
        SetupError::Home(HomeError::File { path, source })
    })?;
    let stock = Arc::new(stock);
    core.apart.stock = Some(Arc::clone(&stock));
    let (callers_in, callers) = mpsc::channel(PARCEL_EXCHANGES_MAX);
    let neighbours = settings.neighbours.clone();
    let serving = Serving {
        endpoint: endpoint.clone(),
        net: Net::new(endpoint, addrs, ways, tunings.clone(), callers_in),
        tunings,
        callers,
        stock,
        neighbours,
    };
    Ok(spawn(home, core, done, Some(serving), listen))
}

/// Starts a node for one command: it reads and writes its home and speaks to nobody.
///
/// # Errors
/// When the home cannot be used.
pub fn start_offline(home: Home) -> Result<Running, StartError> {
    let done = Arc::new(Mailbox::default());
    let mut core = open_core(&home, done.post())?;
    let settings = home.settings().map_err(SetupError::Home)?;
    core.reached_at = reached_at(settings.listen);
    Ok(spawn(home, core, done, None, None))
}

/// What an invitation may name where nobody says otherwise: an address that leads here from elsewhere.
fn reached_at(listen: Option<SocketAddr>) -> Option<String> {
    listen
        .filter(|addr| !addr.ip().is_unspecified() && addr.port() != 0)
        .map(|addr| addr.to_string())
}

/// What a node has beside its loop while it serves links.
struct Serving {
    endpoint: Endpoint,
    net: (Net, mpsc::Receiver<NetEvent>),
    tunings: BTreeMap<String, Tuning>,
    callers: mpsc::Receiver<Link>,
    stock: Arc<Stock>,
    neighbours: Option<NeighbourSettings>,
}

fn spawn(
    home: Home,
    core: Core,
    done: Arc<Mailbox>,
    serving: Option<Serving>,
    listen: Option<SocketAddr>,
) -> Running {
    let (requests, waiting) = mpsc::channel(REQUESTS_WAITING_MAX);
    let (events, _) = broadcast::channel(WATCH_LAG_MAX);
    let handle = Handle::new(requests, events.clone());
    let (stop, stopped) = oneshot::channel();
    let mut beside = JoinSet::new();
    let (net, net_events) = match serving {
        Some(serving) => {
            let parcels = Parcels {
                handle: handle.clone(),
                endpoint: serving.endpoint,
                stock: serving.stock,
                settings: serving.neighbours,
                port: listen.map(|addr| addr.port()),
                tunings: serving.tunings,
            };
            beside.spawn(parcels.run(serving.callers));
            (Some(serving.net.0), Some(serving.net.1))
        }
        None => (None, None),
    };
    let node = Node {
        core,
        done,
        requests: waiting,
        net,
        net_events,
        _beside: beside,
        events,
        started: Instant::now(),
        _home: home,
    };
    let task = tokio::spawn(node.run(stopped));
    Running {
        handle,
        listen,
        stop: Some(stop),
        task: Some(task),
    }
}

/// Where the store's answers wait for the loop, and what goes on in a later turn. Their number is bounded by
/// the store's own queue, and by one for each link.
#[derive(Default)]
struct Mailbox {
    waiting: Mutex<VecDeque<Continuation>>,
    has_mail: Notify,
}

impl Mailbox {
    fn post(self: &Arc<Self>) -> Post {
        let mailbox = Arc::clone(self);
        Arc::new(move |continuation| {
            mailbox.lock().push_back(continuation);
            mailbox.has_mail.notify_one();
        })
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Continuation>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> VecDeque<Continuation> {
        std::mem::take(&mut *self.lock())
    }
}

/// The loop and what it owns.
struct Node {
    core: Core,
    done: Arc<Mailbox>,
    requests: mpsc::Receiver<Request>,
    net: Option<Net>,
    net_events: Option<mpsc::Receiver<NetEvent>>,
    /// Parcels; they end with the loop.
    _beside: JoinSet<()>,
    events: broadcast::Sender<WatchEvent>,
    /// The beginning of steady time.
    started: Instant,
    /// Held for its lock, until everything is on disk.
    _home: Home,
}

impl Node {
    async fn run(mut self, mut stop: oneshot::Receiver<()>) -> bool {
        let mut turn = self.next_turn();
        self.core.follow_plans(&mut turn);
        self.finish(turn);
        loop {
            let wake = self.sleep_until(self.core.next_wake());
            tokio::select! {
                // Each arm only waits; a cancelled one has taken nothing.
                _ = &mut stop => break,
                request = self.requests.recv() => match request {
                    Some(request) => self.turn(|core, _, turn| request(core, turn)),
                    None => break,
                },
                () = self.done.has_mail.notified() => self.take_mail(),
                Some(event) = next(self.net_events.as_mut()) => {
                    self.turn(|core, net, turn| {
                        if let Some(net) = net {
                            net.take(core, turn, event);
                        }
                    });
                }
                () = wake => self.turn(|core, _, turn| core.woken(turn)),
            }
        }
        self.stop().await
    }

    fn turn(&mut self, act: impl FnOnce(&mut Core, Option<&mut Net>, &mut Turn)) {
        let mut turn = self.next_turn();
        act(&mut self.core, self.net.as_mut(), &mut turn);
        self.finish(turn);
    }

    fn next_turn(&self) -> Turn {
        Turn::at(now(), self.steady())
    }

    fn steady(&self) -> Steady {
        let since = self.started.elapsed().as_millis();
        Steady(u64::try_from(since).unwrap_or(u64::MAX))
    }

    fn sleep_until(&self, wake: Option<Steady>) -> impl Future<Output = ()> + use<> {
        let wait = wake.map(|at| Duration::from_millis(at.ms_since(self.steady())));
        async move {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        }
    }

    fn take_mail(&mut self) {
        for continuation in self.done.take() {
            self.turn(|core, _, turn| continuation(core, turn));
        }
    }

    /// Hands the effects of a turn to those who carry them out.
    fn finish(&mut self, mut turn: Turn) {
        if let Some(net) = &mut self.net {
            // What is put down on the way may end a month's bytes, and with them a link.
            while !turn.net.is_empty() {
                for effect in std::mem::take(&mut turn.net) {
                    net.perform(&mut self.core, &mut turn, effect);
                }
            }
            for (addr, way) in net.take_news() {
                self.core.remember_way(&addr, way);
            }
        }
        for event in turn.events {
            // Nobody needs to be listening.
            let _nobody_listens = self.events.send(event);
        }
    }

    /// No more commands; what was accepted is answered; links are told; the store is closed. Whether
    /// it closed well.
    async fn stop(mut self) -> bool {
        self.requests.close();
        while let Ok(request) = self.requests.try_recv() {
            self.turn(|core, _, turn| request(core, turn));
        }
        let mut turn = self.next_turn();
        if let Some(net) = &mut self.net {
            net.put_down_all(&mut self.core, &mut turn);
        }
        self.core.write_ledger();
        self.core.end_refusals(turn.now);
        let closing = self.core.closing();
        let closed = tokio::task::spawn_blocking(move || closing.close());
        let limit = Duration::from_secs(STOP_SECS_MAX);
        let is_closed = match tokio::time::timeout(limit, closed).await {
            Ok(Ok(Ok(()))) => true,
            Ok(Ok(Err(error))) => {
                tracing::error!(error = %ErrorChain(&error), "the store did not close well");
                false
            }
            Ok(Err(_)) | Err(_) => {
                tracing::error!("the store did not close in time");
                false
            }
        };
        self.take_mail();
        if let Some(net) = self.net.take() {
            net.endpoint.close().await;
        }
        is_closed
    }
}

/// The next event of a node that has links; never for one that has none.
async fn next(events: Option<&mut mpsc::Receiver<NetEvent>>) -> Option<NetEvent> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

/// The machine's clock; everything behind this line gets the time as an argument.
#[must_use]
pub fn now() -> Timestamp {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(elapsed.map_or(0, |elapsed| {
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(task: JoinHandle<bool>) -> Running {
        let (requests, _waiting) = mpsc::channel(1);
        let (events, _) = broadcast::channel(1);
        Running {
            handle: Handle::new(requests, events),
            listen: None,
            stop: None,
            task: Some(task),
        }
    }

    #[tokio::test]
    async fn a_loop_that_ends_by_itself_is_noticed() {
        let mut running = running(tokio::spawn(async { panic!("a bug") }));
        let limit = Duration::from_secs(20);
        for _ in 0..2 {
            let ended = tokio::time::timeout(limit, running.ended()).await;
            assert_eq!(ended, Ok(LoopEnded));
        }
        assert!(!running.stop().await);
    }

    #[tokio::test]
    async fn whoever_stops_a_node_hears_whether_its_store_closed_well() {
        for is_closed in [true, false] {
            let running = running(tokio::spawn(async move { is_closed }));
            assert_eq!(running.stop().await, is_closed);
        }
    }
}
