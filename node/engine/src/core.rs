//! The engine without threads, sockets or clocks: one event at a time goes in with its time, effects
//! come out. The daemon drives it from a loop ([`crate::start`]); the simulated mesh drives many of
//! them in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use hopluu_doc::{DocKey, Report};
use hopluu_form::Form;
use hopluu_model::tree::UnitTree;
use hopluu_model::{ActorId, Digest, DocId, Epoch, ErrorChain, NodeId, Place, Seq, Timestamp};
use hopluu_net::{Endpoint, Via};
use hopluu_store::{DbError, DocRow, Reader, Store, WriteError, WriteTx};
use hopluu_sync::{Event, Hub, HubConfig, LinkId, Readers, Scope, Steady, TargetId};
use hopluu_trust::Signer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::admit::Left;
use crate::audit::Refusals;
use crate::beginnings::Beginnings;
use crate::bills::Bills;
use crate::bundle::PutOff;
use crate::error::CommandError;
use crate::evidence::Heard;
use crate::files::FileQuota;
use crate::home::NodeSettings;
use crate::ledger::Ledger;
use crate::limits::{EXPIRY_WARNING_MS, FILE_QUOTA, ROOT_WARNING_MS, STORE_JOBS_BUSY};
use crate::open_docs::OpenDocs;
use crate::parcels::Apart;
use crate::people::Acting;
use crate::plan::Plans;
use crate::reads::Outline;
use crate::registry::{Registry, Working};
use crate::snapshots::Snapshots;
use crate::totals::TotalsKept;
use crate::turn::{Continuation, Turn};
use crate::view::{DiskState, WatchEvent};

/// Where a node calls.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    /// As the settings write it.
    pub(crate) addr: String,
    /// Whether it is called only while no other answers.
    pub(crate) is_standby: bool,
}

impl Called {
    pub(crate) fn of(settings: &NodeSettings) -> BTreeMap<TargetId, Self> {
        let called = |addr: &String, is_standby| Self {
            addr: addr.clone(),
            is_standby,
        };
        let kept = settings.upstream.iter().map(|addr| called(addr, false));
        let standby = settings.standby.iter().map(|addr| called(addr, true));
        (1..).map(TargetId).zip(kept.chain(standby)).collect()
    }
}

/// Who this node is and what it starts with.
#[derive(Debug)]
pub struct CoreConfig {
    /// Its key.
    pub signer: Arc<Signer>,
    /// Its certificate chain, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The root's fingerprint.
    pub root: Digest,
    /// Its place, as the certificate says.
    pub me: Place,
    /// The keys that it had before.
    pub before: Vec<NodeId>,
    /// When its certificate ends.
    pub certificate_ends: Timestamp,
    /// Where actors and jitter come from; the daemon draws it from the system.
    pub seed: [u8; 32],
    /// The beginnings of documents, made or still to be made.
    pub beginnings: Arc<Beginnings>,
}

/// Where the store's answers go: the loop's queue.
pub type Post = Arc<dyn Fn(Continuation) + Send + Sync>;

/// A node's whole state.
pub struct Core {
    config: CoreConfig,
    signer: Arc<Signer>,
    store: Store,
    registry: Arc<Registry>,
    working: Arc<Working>,
    pub(crate) hub: Hub,
    /// What has waited and is tried again when the transaction is through that does so for others.
    pub(crate) left: Left,
    pub(crate) is_trying: bool,
    /// Whether documents are being judged anew.
    pub(crate) is_judging: bool,
    /// What superiors have said of the time, and the time by which links are judged now.
    pub(crate) heard_time: Heard,
    pub(crate) judged: Option<Timestamp>,
    /// Whose new certificates are on their way to the disk.
    pub(crate) renewing: BTreeSet<NodeId>,
    /// What was said when a link was closed because this node is revoked.
    pub(crate) told_revoked: Option<String>,
    /// Whose request is carried out, where it is a person's.
    pub(crate) acting: Option<Arc<Acting>>,
    pub(crate) open: OpenDocs,
    pub(crate) totals: TotalsKept,
    pub(crate) snapshots: Snapshots,
    pub(crate) beginnings: Arc<Beginnings>,
    rng: StdRng,
    post: Post,
    disk: DiskState,
    epoch: Epoch,
    /// How far of the journal the hub knows.
    announced: Seq,
    pub(crate) outline: Outline,
    /// When each peer was last heard: a node's own knowledge, never part of a total.
    pub(crate) heard: BTreeMap<NodeId, Timestamp>,
    pub(crate) linked: BTreeMap<LinkId, NodeId>,
    pub(crate) vias: BTreeMap<LinkId, Via>,
    pub(crate) called: BTreeMap<TargetId, Called>,
    pub(crate) bills: Bills,
    pub(crate) put_off: PutOff,
    /// How much room files may take.
    pub(crate) file_quota: FileQuota,
    pub(crate) ledger: Ledger,
    pub(crate) plans: Plans,
    pub(crate) apart: Apart,
    pub(crate) refusals: Refusals,
    /// Where handshakes are made, for what they have refused.
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) listen: Option<String>,
    /// Where a newcomer reaches this node, as far as it knows by itself.
    pub(crate) reached_at: Option<String>,
}

impl fmt::Debug for Core {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Core")
            .field("me", &self.config.me)
            .finish_non_exhaustive()
    }
}

impl CoreConfig {
    /// Whether this node's certificate should have been renewed by now, or is a root's that nobody renews.
    pub(crate) fn is_ending(&self, now: Timestamp) -> bool {
        let is_root = self.chain.len() == 1;
        let warning_ms = if is_root {
            ROOT_WARNING_MS
        } else {
            EXPIRY_WARNING_MS
        };
        self.certificate_ends <= now.plus_ms(warning_ms)
    }

    /// What is known without any record.
    pub(crate) fn no_records(&self) -> Registry {
        let mut blank = Registry::new(self.root);
        blank.learn_line(&self.chain);
        blank
    }
}

impl Core {
    /// A node over a store that [`crate::init_root`] or a test has set up.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn new(config: CoreConfig, store: Store, post: Post) -> Result<Self, DbError> {
        let blank = config.no_records();
        let mut registry = blank.clone();
        registry.catch_up(&*store.read()?)?;
        let registry = Arc::new(registry);
        let mut outline = Outline::default();
        let (epoch, peers) = {
            let read = store.read()?;
            outline.catch_up(&read)?;
            (read.epoch()?, read.peers()?)
        };
        let last = outline.through();
        if store.read()?.parked_count()? > 0 {
            post(Box::new(Self::try_all_again));
        }
        post(Box::new(Self::begin_judging));
        let heard = peers.into_iter();
        let heard = heard
            .filter_map(|peer| Some((peer.node, peer.last_heard?)))
            .collect();
        let heard_time = Heard::of(&config.chain, &*store.read()?)?;
        let hub = Hub::new(HubConfig {
            me: config.me.clone(),
            epoch,
            last,
            tree: Arc::clone(registry.tree()),
            readers: Arc::clone(&registry) as Arc<dyn Readers>,
            seed: config.seed,
        });
        let mut core = Self {
            signer: Arc::clone(&config.signer),
            rng: StdRng::from_seed(config.seed),
            store,
            working: Arc::new(Working::new(blank, &registry)),
            registry,
            hub,
            left: Left::default(),
            is_trying: false,
            is_judging: false,
            heard_time,
            judged: None,
            renewing: BTreeSet::new(),
            told_revoked: None,
            acting: None,
            open: OpenDocs::new(Arc::clone(&config.beginnings)),
            beginnings: Arc::clone(&config.beginnings),
            totals: TotalsKept::default(),
            snapshots: Snapshots::default(),
            post,
            disk: DiskState::Good,
            epoch,
            announced: last,
            outline,
            heard,
            linked: BTreeMap::new(),
            vias: BTreeMap::new(),
            called: BTreeMap::new(),
            bills: Bills::default(),
            put_off: PutOff::default(),
            ledger: Ledger::default(),
            plans: Plans::default(),
            apart: Apart::default(),
            refusals: Refusals::default(),
            endpoint: None,
            config,
            file_quota: FILE_QUOTA,
            listen: None,
            reached_at: None,
        };
        core.judged = core.judged_at();
        Ok(core)
    }

    pub(crate) fn me(&self) -> &Place {
        &self.config.me
    }

    /// Every key by which this node is or was known.
    pub(crate) fn keys(&self) -> Vec<NodeId> {
        let before = self.config.before.iter().copied();
        before.chain([self.config.me.node]).collect()
    }

    pub(crate) fn config(&self) -> &CoreConfig {
        &self.config
    }

    /// Goes by a newer certificate of this node's own.
    pub(crate) fn presents(&mut self, chain: Vec<Vec<u8>>, ends: Timestamp) {
        self.config.chain = chain;
        self.config.certificate_ends = ends;
    }

    pub(crate) fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The store, for whoever closes it.
    pub(crate) fn closing(&self) -> Store {
        self.store.clone()
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(crate) fn disk(&self) -> DiskState {
        self.disk
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn shared_registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    pub(crate) fn working(&self) -> Arc<Working> {
        Arc::clone(&self.working)
    }

    /// Goes by what the records say that are on disk now.
    pub(crate) fn records_changed(&mut self, registry: Arc<Registry>) {
        self.registry = registry;
    }

    pub(crate) fn tree(&self) -> Arc<UnitTree> {
        Arc::clone(self.registry().tree())
    }

    /// What somebody may see, by what the records say now.
    pub(crate) fn scope_of(&self, place: Place) -> Scope {
        Scope::new(self.tree(), self.shared_registry(), place)
    }

    /// What the scope of a node follows from.
    pub(crate) fn scope_version(&self, node: &NodeId) -> Digest {
        let identity = self.registry().identity(node);
        let place = identity.map(|identity| identity.place.clone());
        place.map_or_else(
            || self.tree().version(),
            |place| self.scope_of(place).version(),
        )
    }

    /// Tells the hub by what scope is decided now.
    pub(crate) fn scope_changed(&mut self, turn: &mut Turn) {
        let (tree, readers) = (self.tree(), self.shared_registry());
        self.hub_event(turn, Event::ScopeChanged { tree, readers });
    }

    /// Runs a job in the writer's next transaction; `then` runs as a turn of its own, after the
    /// commit is on disk or has failed.
    pub(crate) fn submit<T, E, J, C>(&self, job: J, then: C)
    where
        T: Send + 'static,
        E: Send + 'static,
        J: FnOnce(&mut WriteTx<'_>) -> Result<T, E> + Send + 'static,
        C: FnOnce(&mut Self, &mut Turn, Result<T, WriteError<E>>) + Send + 'static,
    {
        let post = Arc::clone(&self.post);
        self.store.submit(job, move |result| {
            post(Box::new(move |core, turn| then(core, turn, result)));
        });
    }

    /// Runs something as a turn of its own, behind what waits for the loop by now.
    pub(crate) fn later(&self, act: impl FnOnce(&mut Self, &mut Turn) + Send + 'static) {
        (self.post)(Box::new(act));
    }

    /// Remembers how the disk answered and says so when it changed.
    pub(crate) fn disk_is(&mut self, turn: &mut Turn, state: DiskState) {
        if self.disk != state {
            self.disk = state;
            tracing::warn!(state = ?state, "disk state changed");
            turn.events.push(WatchEvent::Disk { state });
        }
    }

    /// The error a person sees when a write failed.
    pub(crate) fn write_failed<E: std::error::Error + Send + Sync + 'static>(
        &mut self,
        turn: &mut Turn,
        error: WriteError<E>,
    ) -> CommandError {
        match error {
            WriteError::DiskFull => {
                self.disk_is(turn, DiskState::Full);
                CommandError::DiskFull
            }
            WriteError::Closed => CommandError::Stopping,
            WriteError::Refused(error) => CommandError::Refused {
                what: "the write",
                detail: error.to_string(),
            },
            WriteError::Db(error) => {
                self.disk_is(turn, DiskState::Failing);
                CommandError::Store(error)
            }
            WriteError::Overloaded => CommandError::Overloaded,
            WriteError::Panicked => CommandError::Refused {
                what: "the write",
                detail: "it broke a rule".to_owned(),
            },
        }
    }

    /// The actor that whoever asks writes with in a document: fresh and random in this process, never used again. A seal
    /// vouches for actors, so that each person has their own.
    pub(crate) fn actor(&mut self, doc: DocId) -> ActorId {
        let account = self.author().account;
        let rng = &mut self.rng;
        self.open.actor(doc, account, || ActorId(rng.random()))
    }

    /// An actor that nobody has written with, for one piece of work.
    pub(crate) fn fresh_actor(&mut self) -> ActorId {
        ActorId(self.rng.random())
    }

    /// 16 secret bytes, for a ticket.
    pub(crate) fn secret(&mut self) -> [u8; 16] {
        self.rng.random()
    }

    /// What another generator begins with.
    pub(crate) fn seed(&mut self) -> [u8; 32] {
        self.rng.random()
    }

    /// Whether callers had better come later, so that those who are here get done.
    pub(crate) fn is_busy(&self) -> bool {
        self.store.stats().waiting >= STORE_JOBS_BUSY
    }

    /// A reader of what is committed.
    pub(crate) fn read(&self) -> Result<Reader<'_>, CommandError> {
        self.store.read().map_err(CommandError::Store)
    }

    pub(crate) fn doc_row(&self, doc: DocId) -> Result<Option<DocRow>, CommandError> {
        self.read()?.doc(doc).map_err(CommandError::Store)
    }

    /// Whether there is such a document: on disk, or on its way there with a save before this one.
    pub(crate) fn exists(&self, doc: DocId) -> Result<bool, CommandError> {
        Ok(self.open.is_saving(doc) || self.doc_row(doc)?.is_some())
    }

    /// Works on a document that exists, loaded if it is not open yet.
    pub(crate) fn on_report<T>(
        &mut self,
        key: &DocKey,
        form: &Arc<Form>,
        work: impl FnOnce(&mut Report) -> T,
    ) -> Result<T, CommandError> {
        self.open.load(&self.store, key, form, work)
    }

    /// Works on a document, created in memory if it does not exist.
    pub(crate) fn on_report_or_new<T>(
        &mut self,
        key: &DocKey,
        form: &Arc<Form>,
        work: impl FnOnce(&mut Report) -> T,
    ) -> Result<T, CommandError> {
        if self.exists(key.id())? || self.open.is_open(key.id()) {
            self.on_report(key, form, work)
        } else {
            self.open.create(key, form, work)
        }
    }

    /// After a local save is on disk: peers, totals and watchers hear of it.
    pub(crate) fn after_local(&mut self, turn: &mut Turn, docs: Vec<DocId>) {
        self.disk_is(turn, DiskState::Good);
        self.announce(turn);
        self.docs_changed(turn, docs, None);
    }

    /// Tells the hub how far the journal reaches now, if that is news.
    pub(crate) fn announce(&mut self, turn: &mut Turn) {
        match self.look_at_journal() {
            Ok(last) if last > self.announced => {
                let news = self.outline.news(self.announced);
                self.announced = last;
                self.hub_event(turn, Event::Appended { last, news });
            }
            Ok(_) => {}
            Err(error) => unreadable(&error),
        }
    }

    /// Takes in what the journal has grown by; answers its last place.
    pub(crate) fn look_at_journal(&mut self) -> Result<Seq, DbError> {
        self.outline.catch_up(&*self.store.read()?)?;
        Ok(self.outline.through())
    }

    /// What follows from changed documents: totals, watch events, snapshots.
    pub(crate) fn docs_changed(
        &mut self,
        turn: &mut Turn,
        docs: impl IntoIterator<Item = DocId>,
        from: Option<NodeId>,
    ) {
        for doc in docs {
            let row = match self.store.read().and_then(|read| read.doc(doc)) {
                Ok(Some(row)) => row,
                Ok(None) => continue,
                Err(error) => {
                    unreadable(&error);
                    continue;
                }
            };
            let report = self.report_ref(&row);
            turn.events.push(WatchEvent::ReportChanged {
                report,
                heads: row.heads.clone(),
                from,
            });
            self.total_changed(turn, &row);
            self.snapshot_if_due(turn, &row);
        }
    }

    /// When something next has to happen without being asked.
    #[must_use]
    pub fn next_wake(&self) -> Option<Steady> {
        let wakes = [
            self.hub.next_wake(),
            self.totals.next_wake(),
            self.snapshots.next_wake(),
            self.plans.next_wake(),
            self.put_off.next_wake(),
        ];
        wakes.into_iter().flatten().min()
    }
}

/// A read of what is on disk failed: a person must look, but the node goes on.
pub(crate) fn unreadable(error: &DbError) {
    tracing::error!(error = %ErrorChain(error), "the store cannot be read");
}
