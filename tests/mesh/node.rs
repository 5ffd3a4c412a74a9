//! One simulated node: the real engine over the real store, with a clock and a power plug of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hopluu_engine::view::Saved;
use hopluu_engine::{
    Beginnings, CommandError, Continuation, Core, Post, Reply, Turn, found_store, identity_of,
};
use hopluu_model::{Digest, Epoch, Place, Seq, Timestamp};
use hopluu_store::{Medium, OpenOptions, Store};
use hopluu_sync::Steady;
use hopluu_trust::{Record, Signer};

use crate::province::Seat;

/// The answer to one save, by the number it was asked under.
pub(crate) type Answer = (u64, Result<Saved, CommandError>);

/// What the outside of a core hears, in order.
#[derive(Debug)]
pub(crate) struct Inbox<T>(Arc<Mutex<VecDeque<T>>>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Inbox<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, item: T) {
        self.lock().push_back(item);
    }

    /// The first item, left where it is.
    pub(crate) fn peek(&self) -> Option<T>
    where
        T: Copy,
    {
        self.lock().front().copied()
    }

    pub(crate) fn take(&self) -> VecDeque<T> {
        std::mem::take(&mut *self.lock())
    }
}

pub(crate) struct Node {
    pub(crate) seat: Seat,
    pub(crate) place: Place,
    signer: Signer,
    pub(crate) store: Store,
    /// None while it has no power.
    pub(crate) core: Option<Core>,
    mail: Inbox<Continuation>,
    pub(crate) answers: Inbox<Answer>,
    /// Saves that were asked for and not answered.
    pub(crate) asked: BTreeSet<u64>,
    /// Counts its starts, so that what was meant for an earlier life is passed over.
    pub(crate) life: u32,
    /// What its clock shows beyond the true time; somebody may set it at any moment.
    pub(crate) clock_off_ms: i64,
    /// When it was started last, from which its steady time counts.
    started: i64,
    pub(crate) is_pump_due: bool,
    pub(crate) wake_due: Option<i64>,
    /// Its links: which pipe, which end.
    pub(crate) links: BTreeMap<u64, (u64, usize)>,
    pub(crate) last_link: u64,
    /// The end of the journal as the checkers have seen it.
    pub(crate) seen: Seq,
    /// Put away for good.
    pub(crate) is_retired: bool,
    /// Its program was changed: what it says of itself proves nothing.
    pub(crate) is_hostile: bool,
}

impl Node {
    /// A node whose home has just been founded.
    pub(crate) fn found(
        seat: Seat,
        signer: Signer,
        epoch: Epoch,
        (chain, root): (&[Vec<u8>], Digest),
        records: Vec<Record>,
    ) -> Self {
        let options = OpenOptions::create(epoch);
        let store = Store::open_manual(&Medium::Memory, &options).expect("memory has room");
        found_store(&store, chain, root, records).expect("memory has room");
        let place = Place {
            node: signer.node_id(),
            unit: seat.unit.clone(),
            office: seat.office.clone(),
        };
        Self::over(store, seat, place, signer)
    }

    /// A second machine over a copy of this one's disk: the same key, the same journal up to here.
    pub(crate) fn copied(&self, store: Store) -> Self {
        let seat = Seat {
            name: format!("{}-copy", self.seat.name),
            ..self.seat.clone()
        };
        let seen = store.read().and_then(|read| read.last_seq());
        let seen = seen.expect("a copy is a whole database");
        let (place, signer) = (self.place.clone(), self.signer.clone());
        Self {
            seen,
            ..Self::over(store, seat, place, signer)
        }
    }

    fn over(store: Store, seat: Seat, place: Place, signer: Signer) -> Self {
        Self {
            seat,
            place,
            signer,
            store,
            core: None,
            mail: Inbox::default(),
            answers: Inbox::default(),
            asked: BTreeSet::new(),
            life: 0,
            clock_off_ms: 0,
            started: 0,
            is_pump_due: false,
            wake_due: None,
            links: BTreeMap::new(),
            last_link: 0,
            seen: Seq(0),
            is_retired: false,
            is_hostile: false,
        }
    }

    /// Power comes: an empty memory over what the disk has.
    pub(crate) fn start(&mut self, now: i64, seed: [u8; 32], beginnings: &Arc<Beginnings>) {
        self.life += 1;
        self.started = now;
        self.is_pump_due = false;
        self.wake_due = None;
        self.asked.clear();
        self.mail = Inbox::default();
        self.answers = Inbox::default();
        let mail = self.mail.clone();
        let post: Post = Arc::new(move |continuation| mail.put(continuation));
        let mut config =
            identity_of(&self.store, self.signer.clone()).expect("the store says who it is");
        assert_eq!(config.me, self.place, "a certificate says its seat");
        config.seed = seed;
        config.beginnings = Arc::clone(beginnings);
        self.core = Some(Core::new(config, self.store.clone(), post).expect("the store is whole"));
    }

    /// Power goes: what was not durable is lost.
    pub(crate) fn stop(&mut self) {
        self.core = None;
        self.store = self.store.crash().expect("the store has no thread");
        self.mail = Inbox::default();
        self.answers = Inbox::default();
        self.asked.clear();
    }

    pub(crate) fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Writes what is queued; gives back what then has to happen, each a turn of its own.
    pub(crate) fn pump(&mut self) -> VecDeque<Continuation> {
        self.is_pump_due = false;
        self.store.pump();
        self.mail.take()
    }

    /// A turn of this node now, as its clocks have it.
    pub(crate) fn at(&self, now: i64) -> Turn {
        let steady = u64::try_from(now - self.started).expect("it is running");
        Turn::at(Timestamp(now + self.clock_off_ms), Steady(steady))
    }

    /// When steady time will be there, in true time.
    pub(crate) fn when(&self, steady: Steady) -> i64 {
        self.started + i64::try_from(steady.0).expect("a wait of this half-year")
    }

    /// Runs turns until nothing is queued, for the time before the network begins.
    pub(crate) fn rest(&mut self, now: i64, act: impl FnOnce(&mut Core, &mut Turn)) {
        let mut turn = self.at(now);
        let core = self.core.as_mut().expect("it has power");
        act(core, &mut turn);
        loop {
            let mail = self.pump();
            if mail.is_empty() {
                return;
            }
            let mut turn = self.at(now);
            let core = self.core.as_mut().expect("it has power");
            for continuation in mail {
                continuation(core, &mut turn);
            }
        }
    }

    /// Where the answer to a save goes.
    pub(crate) fn reply(&mut self, number: u64) -> Reply<Saved> {
        self.asked.insert(number);
        let answers = self.answers.clone();
        Box::new(move |result| answers.put((number, result)))
    }
}
