//! Who gets the inputs: the main node of a province, and a commune below it that means no good.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use hopluu_engine::view::RefusalWhy;
use hopluu_engine::{
    Continuation, Core, NetEffect, Post, Turn, found_store, identity_of, root_records,
};
use hopluu_form::Form;
use hopluu_model::tree::{TreeManifest, UnitTree, load_snapshots};
use hopluu_model::{Epoch, Place, Timestamp};
use hopluu_net::key::{Subject, issue, write_root};
use hopluu_rogue::frames::{Group, Object, RECORD, hello, push};
use hopluu_store::{Medium, OpenOptions, Store};
use hopluu_sync::{LinkId, Steady};
use hopluu_trust::{Record, RecordKind, Signer, encode_chain, fingerprint};

use super::{Crafted, Way};
use crate::{memory, repository};

/// Quảng Trị, and a commune of it.
const PROVINCE: &str = "45@2024-05-01";
const COMMUNE: &str = "19429@2024-05-01";

const NOW: Timestamp = Timestamp(1_725_900_000_000);
const NOT_AFTER: Timestamp = Timestamp(4_000_000_000_000);

pub(super) static FORM: LazyLock<Arc<Form>> = LazyLock::new(|| {
    let text = include_str!("../../../config/forms/flood-quick.toml");
    Arc::new(Form::parse(text).expect("the form is shipped"))
});

/// The units of the province, as they are shipped.
pub(super) static TREE: LazyLock<UnitTree> = LazyLock::new(|| {
    let folder = repository().join("config/units");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let manifest = TreeManifest::parse(&read("tree.toml").expect("the manifest is shipped"));
    let tree = load_snapshots(&manifest.expect("it is right"), &read).expect("tables are right");
    tree.restrict(&[PROVINCE.parse().expect("a unit")])
});

/// What a node says to an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It closes the link with this number.
    Closed(u16),
    /// It keeps what there was of it outside, for these reasons, counts it, and goes on.
    Refused(Vec<RefusalWhy>),
    /// It does not take it for what it says it is, and says why.
    Unread,
    /// There is nothing wrong with it, or nothing to say.
    Taken,
}

/// What came of an input.
#[derive(Debug)]
pub struct Outcome {
    /// What was said to it.
    pub answer: Answer,
    /// Processor time from its first byte until all is on disk.
    pub took: Duration,
    /// The most of it that nobody else had a turn.
    pub held: Duration,
    /// Memory beyond what the node had when it began; what the inputs take themselves is in it.
    pub memory: u64,
    /// How long the node let it wait, by its own clock.
    pub waited: Duration,
}

/// A node, and who its neighbour is.
pub struct Host {
    core: Core,
    store: Store,
    mail: Arc<Mutex<VecDeque<Continuation>>>,
    links: u64,
    /// What its steady clock says.
    steady: Steady,
    /// The longest turn of the input that was taken last.
    held: Duration,
    /// Resident memory when it began.
    memory: u64,
    pub(super) commune: Signer,
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) place: Place,
    pub(super) me: Place,
}

impl Host {
    /// A node with a form and a tree, that has heard of the commune's certificate.
    ///
    /// # Panics
    /// When the system has no memory for one.
    #[must_use]
    pub fn new() -> Self {
        let (root, commune) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let unit = PROVINCE.parse().expect("a unit");
        let own = write_root(&root, &unit, NOT_AFTER).expect("a root");
        let forms = vec![((**FORM).clone(), Vec::new())];
        let records = root_records(&root, &unit, &TREE, forms).expect("within bounds");
        let options = OpenOptions::create(Epoch([1; 16]));
        let store = Store::open_manual(&Medium::Memory, &options).expect("memory has room");
        let digest = fingerprint(&own);
        found_store(&store, std::slice::from_ref(&own), digest, records).expect("memory has room");
        let config = identity_of(&store, root.clone()).expect("the store says who it is");
        let me = config.me.clone();
        let mail: Arc<Mutex<VecDeque<Continuation>>> = Arc::default();
        let inbox = Arc::clone(&mail);
        let post: Post = Arc::new(move |continuation| {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            inbox.push_back(continuation);
        });
        let core = Core::new(config, store.clone(), post).expect("the store is whole");
        let subject = Subject {
            node: commune.node_id(),
            unit: COMMUNE.parse().expect("a unit"),
            office: None,
            not_after: NOT_AFTER,
        };
        let chain = issue(&root, &[own], &subject).expect("a certificate");
        let place = Place {
            node: subject.node,
            unit: subject.unit,
            office: None,
        };
        let body = encode_chain(&chain).expect("within bounds");
        let certificate = Record::sign(&root, RecordKind::Certificate, place.unit.clone(), body);
        let mut host = Self {
            core,
            store,
            mail,
            links: 0,
            steady: Steady(0),
            held: Duration::ZERO,
            memory: 0,
            commune,
            chain,
            place,
            me,
        };
        let known = push(vec![record(&certificate.expect("within bounds"))]);
        let heard = host.hears(std::iter::once(known.as_slice()));
        assert_eq!(heard, Answer::Taken, "a certificate is let in");
        host.memory = memory::rest();
        host
    }

    /// Gives an input to the node, and sees what becomes of it.
    pub fn take(&mut self, crafted: &Crafted) -> Outcome {
        memory::rest();
        self.held = Duration::ZERO;
        // What was before is forgiven.
        self.steady = self.steady.plus_ms(60_000);
        let asked = self.steady;
        let began = cpu_time();
        let answer = match &crafted.way {
            Way::Link(bytes) => self.hears(bytes.chunks(16 << 10)),
            Way::Turns(turns) => self.hears(turns.iter().map(Vec::as_slice)),
            Way::Stick(bytes) => self.opens(bytes),
            Way::Join(bytes) => self.lets_in(bytes),
            Way::Words(read, text) if read(text) => Answer::Taken,
            Way::Words(..) => Answer::Unread,
        };
        Outcome {
            answer,
            took: cpu_time().saturating_sub(began),
            held: self.held,
            memory: memory::most_since(self.memory),
            waited: Duration::from_millis(self.steady.ms_since(asked)),
        }
    }

    /// A new link of the commune, on which it says hello and this.
    fn hears<'b>(&mut self, pieces: impl Iterator<Item = &'b [u8]>) -> Answer {
        self.links += 1;
        let link = LinkId(self.links);
        let place = self.place.clone();
        let before = self.refused();
        let mut net = self.turn(|core, turn| core.link_opened(turn, link, place, None));
        net.extend(self.turn(|core, turn| core.link_received(turn, link, hello())));
        for piece in pieces {
            net.extend(self.turn(|core, turn| core.link_received(turn, link, piece.to_vec())));
        }
        let after = self.refused();
        self.turn(|core, turn| core.link_closed(turn, link, None, None));
        let closed = net.iter().find_map(|effect| match effect {
            NetEffect::Close { link: of, code, .. } if *of == link => Some(code.number()),
            _ => None,
        });
        let new = after
            .into_iter()
            .filter(|(why, count)| before.get(why) != Some(count));
        let new: Vec<RefusalWhy> = new.map(|(why, _)| why).collect();
        match closed {
            Some(code) => Answer::Closed(code),
            None if new.is_empty() => Answer::Taken,
            None => Answer::Refused(new),
        }
    }

    /// What `hopluu status` says was kept outside of the commune's entries, by reason.
    fn refused(&self) -> BTreeMap<RefusalWhy, u64> {
        let status = self.core.status(NOW).expect("the store reads");
        let of_commune = |peer: &hopluu_engine::view::PeerView| peer.node == self.place.node;
        let peer = status.peers.into_iter().find(of_commune);
        peer.map(|peer| peer.refused_why).unwrap_or_default()
    }

    fn opens(&mut self, bytes: &[u8]) -> Answer {
        let told = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&told);
        self.turn(|core, turn| {
            core.bundle_import(
                turn,
                bytes,
                Box::new(move |result| {
                    *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                }),
            );
        });
        let answer = || told.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut answered = answer();
        while answered.is_none()
            && let Some(wake) = self.core.next_wake()
        {
            self.steady = self.steady.max(wake);
            self.turn(Core::woken);
            answered = answer();
        }
        match answered {
            Some(Ok(taken)) if taken.refused > 0 => {
                Answer::Refused(taken.refused_why.into_keys().collect())
            }
            Some(Ok(_)) => Answer::Taken,
            _ => Answer::Unread,
        }
    }

    fn lets_in(&mut self, bytes: &[u8]) -> Answer {
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        self.turn(|core, turn| {
            core.join(
                turn,
                bytes,
                Box::new(move |reply| {
                    *tell.lock().unwrap_or_else(PoisonError::into_inner) = reply;
                }),
            );
        });
        let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
        let malformed = hopluu_trust::JoinReply::refuse(hopluu_trust::JoinRefusal::Malformed);
        if told == malformed {
            Answer::Unread
        } else {
            Answer::Taken
        }
    }

    /// One turn, and those that follow until all is on disk.
    fn turn(&mut self, act: impl FnOnce(&mut Core, &mut Turn)) -> Vec<NetEffect> {
        let mut turn = Turn::at(NOW, self.steady);
        let mut began = cpu_time();
        act(&mut self.core, &mut turn);
        self.held_since(&mut began);
        let mut net = Vec::new();
        loop {
            let sent = std::mem::take(&mut turn.net);
            for effect in &sent {
                if let NetEffect::Send { link, .. } = effect {
                    self.core.link_sent(&mut turn, *link);
                    self.held_since(&mut began);
                }
            }
            let is_quiet = sent.is_empty();
            net.extend(sent);
            self.store.pump();
            self.held_since(&mut began);
            let mail =
                std::mem::take(&mut *self.mail.lock().unwrap_or_else(PoisonError::into_inner));
            if mail.is_empty() && is_quiet {
                return net;
            }
            for continuation in mail {
                continuation(&mut self.core, &mut turn);
                self.held_since(&mut began);
            }
        }
    }

    /// Somebody else might have had a turn here.
    fn held_since(&mut self, began: &mut Duration) {
        let now = cpu_time();
        self.held = self.held.max(now.saturating_sub(*began));
        *began = now;
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Host")
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

/// How long this thread has had a core.
fn cpu_time() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let spent = schedule
        .split_whitespace()
        .next()
        .and_then(|spent| spent.parse().ok());
    Duration::from_nanos(spent.unwrap_or(0))
}

/// A record as an entry.
pub(super) fn record(record: &Record) -> Group {
    let mut id = [0; 16];
    let hash = record.hash();
    id.iter_mut().zip(hash.0).for_each(|(to, from)| *to = from);
    Group {
        object: Object::New {
            id,
            descriptor: Vec::new(),
        },
        kind: RECORD,
        bodies: vec![record.encode()],
    }
}
