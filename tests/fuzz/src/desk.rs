//! A hub and whoever performs what it asks for: a store of a few entries that answers to the letter.

use std::collections::VecDeque;
use std::sync::Arc;

use hopluu_model::tree::{Level, ParentSpan, Unit};
use hopluu_model::{Date, EntryKind, Epoch, NodeId, ObjectId, Place, Seq, UnitId, UnitTree};
use hopluu_sync::limits::{IN_FLIGHT_BYTES_MAX, SEND_WAITING_BYTES_MAX};
use hopluu_sync::{
    Ahead, Checkpoint, Class, CloseCode, Effect, Entry, Event, Hub, HubConfig, Incoming, Item,
    ItemDigest, JournalBatch, LinkId, MissingBatch, NoReaders, ObjectKey, PieceFate, Refusal,
    RefusalCode, Scope, Select, ShortKey, Steady, Ticket, Wants,
};

/// The link that everything comes over.
pub const LINK: LinkId = LinkId(1);

/// Longest body that this store takes: what is refused is not kept.
const BODY_BYTES_MAX: usize = 4 << 10;

/// Most entries that it takes.
const ENTRIES_MAX: usize = 256;

/// One node: its hub, its store, and what is still to be done.
#[derive(Debug)]
pub struct Desk {
    hub: Hub,
    tree: Arc<UnitTree>,
    now: Steady,
    journal: Vec<Entry>,
    checkpoint: Checkpoint,
    /// What the hub asked for and was not answered yet.
    pub asked: VecDeque<Effect>,
    /// What was handed to the link.
    pub sent: Vec<Vec<u8>>,
    closed: Option<CloseCode>,
}

fn unit(code: &str) -> UnitId {
    let id = format!("{code}@2024-05-01");
    id.parse().expect("a unit")
}

/// A district and two communes of it.
fn tree() -> UnitTree {
    let since = Date::constant(2024, 5, 1);
    let make = |(code, parent): (&str, Option<&str>)| Unit {
        id: unit(code),
        name: format!("Đơn vị {code}"),
        level: parent.map_or("district", |_| "commune").to_owned(),
        kind: "unit".to_owned(),
        open_past: true,
        ended: None,
        former: Vec::new(),
        parents: Vec::from_iter(parent.map(|parent| ParentSpan {
            from: since,
            unit: unit(parent),
        })),
        successors: Vec::new(),
    };
    let level = |id: &str| Level {
        id: id.to_owned(),
        vi: id.to_owned(),
        en: id.to_owned(),
    };
    let units = [
        ("101", None),
        ("10101", Some("101")),
        ("10102", Some("101")),
    ];
    let levels = vec![level("district"), level("commune")];
    UnitTree::new(levels, units.map(make).to_vec()).expect("a small tree")
}

/// The district, or the commune below it that speaks to it.
pub fn place(is_district: bool) -> Place {
    Place {
        node: NodeId([if is_district { 1 } else { 2 }; 32]),
        unit: unit(if is_district { "101" } else { "10101" }),
        office: None,
    }
}

impl Desk {
    /// A node whose store holds these bodies, each a document of the commune.
    pub fn new(is_district: bool, bodies: &[&[u8]]) -> Self {
        let tree = Arc::new(tree());
        let me = place(is_district);
        let mut journal = Vec::new();
        for (number, body) in (1..).zip(bodies) {
            let hash = *blake3::hash(body).as_bytes();
            let mut object = [0; ObjectId::LEN];
            object
                .iter_mut()
                .zip(hash)
                .for_each(|(to, from)| *to = from);
            journal.push(Entry {
                seq: Seq(number),
                kind: EntryKind::Change,
                object: ObjectId(object),
                descriptor: b"10101".to_vec(),
                body: body.to_vec(),
                unit: unit("10101"),
                closed: None,
                class: Class::Figures,
                origin: None,
            });
        }
        let hub = Hub::new(HubConfig {
            epoch: Epoch([me.node.0[0]; 16]),
            last: Seq(journal.len() as u64),
            tree: Arc::clone(&tree),
            readers: Arc::new(NoReaders),
            seed: me.node.0,
            me,
        });
        Self {
            hub,
            tree,
            now: Steady(1_000),
            journal,
            checkpoint: Checkpoint::default(),
            asked: VecDeque::new(),
            sent: Vec::new(),
            closed: None,
        }
    }

    /// The peer has called; the hub has read what it remembers of it.
    pub fn linked(is_district: bool, bodies: &[&[u8]]) -> Self {
        let mut desk = Self::new(is_district, bodies);
        desk.tell(Event::LinkOpened {
            link: LINK,
            peer: place(!is_district),
            target: None,
        });
        desk.answer_all();
        desk
    }

    /// Lets time pass.
    pub fn wait(&mut self, millis: u64) {
        self.now = Steady(self.now.0 + millis);
    }

    /// Whether the link has been closed here.
    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    /// Somebody here writes a document of this number.
    pub fn write(&mut self, number: u8) {
        if self.journal.len() < ENTRIES_MAX {
            self.journal.push(Entry {
                seq: self.last().next(),
                kind: EntryKind::Change,
                object: ObjectId([number; ObjectId::LEN]),
                descriptor: b"10101".to_vec(),
                body: vec![number; usize::from(number)],
                unit: unit("10101"),
                closed: None,
                class: Class::Figures,
                origin: None,
            });
        }
    }

    /// How many entries the store has.
    pub fn last(&self) -> Seq {
        Seq(self.journal.len() as u64)
    }

    /// The tree, as if it had been handed down again.
    pub fn tree(&self) -> Arc<UnitTree> {
        Arc::clone(&self.tree)
    }

    /// Tells the hub one event, and checks what must hold after any.
    pub fn tell(&mut self, event: Event) {
        let mut effects = Vec::new();
        self.hub.handle(self.now, event, &mut effects);
        for effect in effects {
            match effect {
                Effect::Send { bytes, .. } => self.sent.push(bytes),
                Effect::Close { link, code, .. } if link == LINK => self.closed = Some(code),
                Effect::Close { .. }
                | Effect::Dial { .. }
                | Effect::Await { .. }
                | Effect::HasRead { .. } => {}
                other => self.asked.push_back(other),
            }
        }
        assert_ne!(self.closed, Some(CloseCode::Bug), "an invariant broke");
        for peer in self.hub.status().peers {
            if let Some(link) = peer.link {
                assert!(link.in_flight_bytes <= IN_FLIGHT_BYTES_MAX);
                assert!(link.waiting_bytes <= SEND_WAITING_BYTES_MAX);
            }
        }
    }

    /// Answers what was asked first.
    pub fn answer(&mut self) -> bool {
        let Some(effect) = self.asked.pop_front() else {
            return false;
        };
        if let Effect::ReadOn { link } = effect {
            self.tell(Event::ReadOn { link });
            return true;
        }
        if let Some(answer) = self.perform(effect) {
            let last = self.last();
            let is_grown = matches!(answer, Event::Applied { .. });
            self.tell(answer);
            if is_grown {
                self.tell(Event::Appended { last, news: None });
            }
        }
        true
    }

    /// Answers until nothing is asked, and takes each piece from the hub as it comes.
    pub fn answer_all(&mut self) {
        loop {
            let sent = self.sent.len();
            while self.answer() {}
            if !self.is_closed() {
                self.tell(Event::Sent { link: LINK });
            }
            if self.asked.is_empty() && sent == self.sent.len() {
                return;
            }
        }
    }

    /// The disk does not do what was asked first.
    pub fn fail(&mut self) {
        if let Some(Effect::ReadOn { .. }) = self.asked.front() {
            // No disk is asked for that.
            self.answer();
            return;
        }
        let failed = self.asked.pop_front();
        if let Some((link, ticket)) = failed.as_ref().and_then(Effect::ticket) {
            self.tell(Event::StoreFailed { link, ticket });
        }
    }

    fn perform(&mut self, effect: Effect) -> Option<Event> {
        let (link, ticket) = effect.ticket()?;
        Some(match effect {
            Effect::LoadCheckpoint { .. } => Event::CheckpointLoaded {
                link,
                ticket,
                checkpoint: self.checkpoint,
                ahead: Ahead::default(),
            },
            Effect::SaveAcked { acked, .. } => {
                self.checkpoint.acked = acked;
                Event::Saved { link, ticket }
            }
            Effect::SaveCheckpoint { checkpoint, .. } => {
                self.checkpoint = checkpoint;
                Event::Saved { link, ticket }
            }
            Effect::Apply {
                entries, received, ..
            } => {
                self.checkpoint.received = received.unwrap_or(self.checkpoint.received);
                let refused = self.apply(entries);
                Event::Applied {
                    link,
                    ticket,
                    refused,
                    last: self.last(),
                }
            }
            Effect::ReadJournal {
                after,
                through,
                bytes_max,
                scope,
                ..
            } => Event::JournalRead {
                link,
                ticket,
                batch: self.read(after, through, bytes_max, &scope),
            },
            Effect::ReadItems { scope, .. } => Event::ItemsRead {
                link,
                ticket,
                items: self.items(&scope),
            },
            Effect::ReadHashes { objects, key, .. } => {
                let of = |object: ObjectKey| self.of(object).map(|entry| short(key, entry));
                let held = objects.into_iter().map(|object| of(object).collect());
                let held = held.collect();
                Event::HashesRead { link, ticket, held }
            }
            Effect::ReadMissing {
                object,
                select,
                key,
                ..
            } => Event::MissingRead {
                link,
                ticket,
                batch: self.missing(object, &select, key),
            },
            files @ (Effect::ReadWants { .. }
            | Effect::ReadPiece { .. }
            | Effect::KeepPiece { .. }) => without_files(&files, link, ticket),
            // Nothing else is answered.
            _ => return None,
        })
    }

    fn apply(&mut self, entries: Vec<Incoming>) -> Vec<Refusal> {
        let mut refused = Vec::new();
        for (index, entry) in (0..).zip(entries) {
            let is_known = self.journal.iter().any(|known| known.body == entry.body);
            let code = if entry.descriptor != b"10101" {
                RefusalCode::MALFORMED
            } else if entry.body.len() > BODY_BYTES_MAX || self.journal.len() >= ENTRIES_MAX {
                RefusalCode::BUDGET
            } else if is_known {
                continue;
            } else {
                self.journal.push(Entry {
                    seq: self.last().next(),
                    kind: entry.kind,
                    object: entry.object,
                    descriptor: entry.descriptor,
                    body: entry.body,
                    unit: unit("10101"),
                    closed: None,
                    class: Class::Figures,
                    origin: Some(place(false).node),
                });
                continue;
            };
            refused.push(Refusal { index, code });
        }
        refused
    }

    fn read(&self, after: Seq, through: Seq, bytes_max: usize, scope: &Scope) -> JournalBatch {
        let mut batch = JournalBatch {
            entries: Vec::new(),
            through: after,
            ahead: Vec::new(),
        };
        let mut bytes = 0;
        for entry in &self.journal {
            if entry.seq <= after || entry.seq > through {
                continue;
            }
            if scope.admits(entry.kind, &entry.unit, entry.closed.as_deref()) {
                bytes += entry.body.len();
                if bytes > bytes_max && !batch.entries.is_empty() {
                    break;
                }
                batch.entries.push(entry.clone());
            }
            batch.through = entry.seq;
        }
        batch
    }

    fn of(&self, object: ObjectKey) -> impl Iterator<Item = &Entry> {
        let entries = self.journal.iter();
        entries.filter(move |entry| entry.object == object.object && entry.kind == object.kind)
    }

    fn items(&self, scope: &Scope) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for entry in &self.journal {
            let key = ObjectKey {
                object: entry.object,
                kind: entry.kind,
            };
            let is_listed = items.iter().any(|item| item.key == key);
            if is_listed || !scope.admits(entry.kind, &entry.unit, entry.closed.as_deref()) {
                continue;
            }
            let bodies: Vec<u8> = self.of(key).flat_map(|entry| entry.body.clone()).collect();
            let digest = ItemDigest::of(&bodies);
            items.push(Item { key, digest });
        }
        items
    }

    fn missing(&self, object: ObjectKey, select: &Select, key: ShortKey) -> MissingBatch {
        let (hashes, is_wanted) = match select {
            Select::Except(hashes) => (hashes, false),
            Select::Only(hashes) => (hashes, true),
        };
        let wanted = |entry: &&Entry| hashes.contains(&short(key, entry)) == is_wanted;
        let held: Vec<_> = self.of(object).map(|entry| short(key, entry)).collect();
        let unknown = hashes.iter().filter(|hash| !held.contains(hash)).copied();
        let unknown = unknown.filter(|_| !is_wanted).collect();
        MissingBatch {
            entries: self.of(object).filter(wanted).cloned().collect(),
            next: None,
            unknown,
        }
    }
}

fn short(key: ShortKey, entry: &Entry) -> hopluu_sync::ShortHash {
    key.shorten(blake3::hash(&entry.body).as_bytes())
}

/// A desk on which no file lies.
fn without_files(effect: &Effect, link: LinkId, ticket: Ticket) -> Event {
    match effect {
        Effect::ReadPiece { .. } => Event::PieceRead {
            link,
            ticket,
            bytes: None,
        },
        Effect::KeepPiece { .. } => Event::PieceKept {
            link,
            ticket,
            fate: PieceFate::Kept,
        },
        _ => Event::WantsRead {
            link,
            ticket,
            wants: Wants {
                wants: Vec::new(),
                next: None,
            },
        },
    }
}
