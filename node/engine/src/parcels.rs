//! Neighbours on the office network: what this node owes and cannot send goes to them, closed to its receiver, and
//! theirs goes with this node's next link.
//!
//! ```text
//! journal ─ bundle ─> Stock <══ exchange ══> Stock of a neighbour <══ exchange ══> the superior ─ import ─ admit
//! ```
//! It runs beside the loop, which it asks what is due ([`crate::core::Core::parcels_due`]) and hands what is for this
//! node. A carrier has files and no more: it opens nothing and is told nothing of any journal.

mod due;
mod exchange;
mod found;
mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hopluu_model::{ErrorChain, NodeId, Timestamp};
use hopluu_net::{DialOptions, Endpoint, Link, Near, Tuning};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

pub(crate) use self::due::{Apart, Due, Upstream};
use self::exchange::{End, Ended};
use self::found::Found;
use self::stock::ParcelId;
pub(crate) use self::stock::{Stock, no_parcels};
use crate::handle::Handle;
use crate::limits::{
    NEIGHBOUR_CALL, NEIGHBOURS_MAX, PARCEL_ANSWER_REST, PARCEL_ANSWERS_ASKED, PARCEL_EXCHANGES_MAX,
    PARCELS_PER_GIVER_MAX,
};
use crate::node::now;

/// Whom this node gives parcels to, and whose it carries: `[neighbours]` in `node.toml`. Without it no parcel of
/// others is kept and nobody is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NeighbourSettings {
    /// Where they are, as `host:port`; at most sixteen are called.
    pub addresses: Vec<String>,
    /// Whether more are looked for on the networks of this machine, and this node tells those who look for some where
    /// it listens.
    pub discover: bool,
    /// Seconds without a link to the superior after which what is owed goes to neighbours.
    pub after_s: u64,
    /// Seconds between two rounds of calls.
    pub every_s: u64,
}

impl Default for NeighbourSettings {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            discover: false,
            // Longer than a link that is tried again takes, and than most restarts.
            after_s: 600,
            every_s: 300,
        }
    }
}

/// The work with parcels of one running node.
pub(crate) struct Parcels {
    pub(crate) handle: Handle,
    pub(crate) endpoint: Endpoint,
    pub(crate) stock: Arc<Stock>,
    /// None where this node only takes in what is its own.
    pub(crate) settings: Option<NeighbourSettings>,
    /// Where it can be called, to be told to neighbours who look for it.
    pub(crate) port: Option<u16>,
    /// How connections to some addresses behave, as links to them do.
    pub(crate) tunings: BTreeMap<String, Tuning>,
}

/// What one round remembers for the next.
#[derive(Default)]
struct Rounds {
    /// Neighbours that say where they are; none where nobody listens for them.
    found: Option<Arc<Found>>,
    /// What the superior was told that is carried for others, so that it is told once.
    told: BTreeSet<ParcelId>,
    answers_due: u32,
}

impl Parcels {
    /// Answers callers, and calls, until the node stops.
    pub(crate) async fn run(self, callers: mpsc::Receiver<Link>) {
        let mut tasks = JoinSet::new();
        tasks.spawn(answer(
            self.handle.clone(),
            Arc::clone(&self.stock),
            callers,
        ));
        let mut rounds = Rounds::default();
        if let Some(near) = self.near() {
            let found = Arc::new(Found::default());
            rounds.found = Some(Arc::clone(&found));
            tasks.spawn(async move { found.listen(near).await });
        }
        let every = self
            .settings
            .as_ref()
            .map_or(600, |settings| settings.every_s);
        let mut ticks = interval(Duration::from_secs(every.max(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stock.came.notified() => sleep(PARCEL_ANSWER_REST).await,
            }
            if self.round(&mut rounds).await.is_none() {
                // The loop has ended.
                return;
            }
        }
    }

    /// Where neighbours say where they are, if this node is to look for them. Without it those in the settings are left.
    fn near(&self) -> Option<Near> {
        self.settings
            .as_ref()
            .filter(|settings| settings.discover)?;
        match Near::start(self.stock.root(), self.port) {
            Ok(near) => Some(near),
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&error), "neighbours cannot be looked for");
                None
            }
        }
    }

    async fn round(&self, rounds: &mut Rounds) -> Option<()> {
        let after_s = self.settings.as_ref().map(|settings| settings.after_s);
        let due = self.handle.parcels_due(after_s).await.ok()?;
        let upstream = due.upstream.clone();
        let stock = Arc::clone(&self.stock);
        let made = tokio::task::spawn_blocking(move || renew(&stock, due, now())).await;
        let made = made.ok()?;
        self.handle.parcels_made(made).await.ok()?;
        let Some(settings) = &self.settings else {
            return Some(());
        };
        // The superior first: its answers then go to the neighbours in the same round.
        if let Some(upstream) = upstream {
            self.call_upstream(rounds, &upstream).await;
        }
        if !self.stock.is_empty() {
            for addr in settings.addresses.iter().take(NEIGHBOURS_MAX) {
                if let Some(link) = self.dial(addr, DialOptions::default()).await {
                    self.exchange(link, End::Calling).await;
                }
            }
            if let Some(found) = &rounds.found {
                self.call_found(found).await;
            }
        }
        Some(())
    }

    async fn call_upstream(&self, rounds: &mut Rounds, upstream: &Upstream) {
        let carried = self.stock.carried();
        if rounds.answers_due == 0 && carried.is_subset(&rounds.told) {
            return;
        }
        rounds.answers_due = rounds.answers_due.saturating_sub(1);
        let options = DialOptions {
            expect: Some(upstream.node),
            first: upstream.via,
            tuning: self.tunings.get(&upstream.addr).cloned(),
            ..DialOptions::default()
        };
        let Some(link) = self.dial(&upstream.addr, options).await else {
            return;
        };
        let ended = self.exchange(link, End::Below).await;
        if ended.is_whole {
            rounds.told = carried;
        }
        if ended.arrived > 0 {
            rounds.answers_due = PARCEL_ANSWERS_ASKED;
        }
    }

    /// One after the other: whoever is found may be anybody, and the network is not flooded for them.
    async fn call_found(&self, found: &Found) {
        for addr in found.seek().await {
            let addr_text = addr.to_string();
            let call = self.dial(&addr_text, DialOptions::default());
            let link = timeout(NEIGHBOUR_CALL, call).await.ok().flatten();
            found.called(addr, Instant::now(), link.is_some());
            if let Some(link) = link {
                self.exchange(link, End::Calling).await;
            }
        }
    }

    async fn dial(&self, addr: &str, options: DialOptions) -> Option<Link> {
        let options = DialOptions {
            parcels: true,
            ..options
        };
        match self.endpoint.call(addr, &options).await {
            Ok(link) => Some(link),
            Err(failed) => {
                tracing::debug!(error = %ErrorChain(&failed.error), "no parcels can be given");
                None
            }
        }
    }

    /// Gives and takes what there is.
    async fn exchange(&self, link: Link, end: End) -> Ended {
        exchange::run(&self.handle, &self.stock, link, end).await
    }
}

/// Exchanges with whoever calls: a few at a time, one with each. A caller that finds no place comes again with its next
/// round.
async fn answer(handle: Handle, stock: Arc<Stock>, mut callers: mpsc::Receiver<Link>) {
    let mut tasks = JoinSet::new();
    let mut running: BTreeMap<NodeId, AbortHandle> = BTreeMap::new();
    while let Some(link) = callers.recv().await {
        while tasks.try_join_next().is_some() {}
        running.retain(|_, exchange| !exchange.is_finished());
        let peer = link.handle().peer().node;
        if running.len() >= PARCEL_EXCHANGES_MAX || running.contains_key(&peer) {
            continue;
        }
        let (handle, stock) = (handle.clone(), Arc::clone(&stock));
        let exchange = async move {
            exchange::run(&handle, &stock, link, End::Called).await;
        };
        running.insert(peer, tasks.spawn(exchange));
    }
}

/// What was made for a receiver, to know whether there is news: how much it holds.
pub(crate) type Made = (NodeId, (u64, u64));

/// Makes the parcels that are due, and lets go of those that are not any more. Without anything to say none is made,
/// unless a parcel is to be answered.
fn renew(stock: &Stock, due: Due, now: Timestamp) -> Vec<Made> {
    stock.expire(now);
    for to in due.settled {
        stock.drop_own(to);
    }
    let mut all = Vec::new();
    for job in due.jobs {
        let (mut parts, mut entries) = (Vec::new(), 0);
        let made = job.exporting.each(&mut |part| {
            entries += part.entries;
            parts.push(part.bytes);
            parts.len() < PARCELS_PER_GIVER_MAX
        });
        if let Err(error) = made {
            tracing::warn!(error = %ErrorChain(&error), to = %job.to.short(), "no parcel can be made");
            continue;
        }
        let bytes: usize = parts.iter().map(Vec::len).sum();
        let made = (entries, u64::try_from(bytes).unwrap_or(u64::MAX));
        let is_news = job.before != Some(made) || !stock.has_own(job.to);
        if (entries > 0 || job.answers) && is_news {
            stock.replace_own(job.to, &parts, now);
        } else if entries == 0 && !job.answers {
            stock.drop_own(job.to);
        }
        all.push((job.to, made));
    }
    all
}
