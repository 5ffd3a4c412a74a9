//! A small world: nodes with a hub and a store in memory, and links that split and cut bytes.

mod ends;
pub(crate) mod files;
mod names;
pub(crate) mod readers;
mod slow;
mod store;
mod units;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hopluu_model::{EntryKind, Epoch, NodeId, Place, Seq, UnitTree};
use names::{failed, name_of};
pub(crate) use store::Store;
use store::hash;
pub(crate) use units::{tree, unit};

use crate::limits::SEND_BYTES_MAX;
use crate::{
    Ahead, CloseCode, Effect, Entry, Event, FileHere, FileId, Hub, HubConfig, LinkId, NoReaders,
    ObjectKey, PeerStatus, PieceFate, Readers, RefusalCode, Steady, TargetId,
};

/// A node: what would be lost in a crash (the hub) and what would not (the store).
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) epoch: Epoch,
    pub(crate) hub: Hub,
    pub(crate) store: Store,
    /// Entries with this body are refused here.
    pub(crate) bad: Vec<u8>,
    /// Every entry is refused so for now.
    pub(crate) refuses: Option<RefusalCode>,
    /// Whether the disk is full.
    pub(crate) is_full: bool,
    /// Whether the disk does not answer for now.
    pub(crate) is_stuck: bool,
    /// Whether it reads but does not write for now.
    pub(crate) is_slow: bool,
    /// While its links take nothing: those that hold a piece.
    pub(crate) choked: Option<Vec<LinkId>>,
    /// On which links an answer is said to be owed, since it was said.
    pub(crate) awaited: BTreeMap<LinkId, bool>,
    pub(crate) stuck: Vec<Effect>,
    /// What the hub asked for, by name, for tests that count.
    pub(crate) asked: BTreeMap<&'static str, usize>,
    pub(crate) closed: Vec<(LinkId, CloseCode)>,
    pub(crate) dials: Vec<TargetId>,
    tree: Arc<UnitTree>,
    readers: Arc<dyn Readers>,
    starts: u8,
}

#[derive(Debug, Default)]
struct Pipe {
    bytes: VecDeque<u8>,
    /// What has left on a slow link, and when it arrives.
    line: VecDeque<(Steady, Vec<u8>)>,
    carried: usize,
}

#[derive(Debug)]
struct Link {
    ends: [usize; 2],
    /// What travels from the first end, and from the second.
    pipes: [Pipe; 2],
    /// Cut once so many bytes have been carried from that end.
    cut_after: [Option<usize>; 2],
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: Steady,
    pub(crate) nodes: Vec<Node>,
    links: BTreeMap<LinkId, Link>,
    next_link: u64,
    tree: Arc<UnitTree>,
    pub(crate) carried: usize,
    pub(crate) flights: usize,
    /// Bytes are handed over in pieces of this size.
    pub(crate) piece: usize,
    /// What has happened and was not handled yet: answers wait until all effects of an event are
    /// performed.
    events: VecDeque<(usize, Event)>,
    is_busy: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: Steady(1_000_000),
            nodes: Vec::new(),
            links: BTreeMap::new(),
            next_link: 1,
            tree: tree(None),
            carried: 0,
            flights: 0,
            piece: usize::MAX,
            events: VecDeque::new(),
            is_busy: false,
        }
    }

    pub(crate) fn node(&mut self, code: &str, office: Option<&str>) -> usize {
        let number = u8::try_from(self.nodes.len() + 1).unwrap();
        let place = Place {
            node: NodeId([number; 32]),
            unit: unit(code),
            office: office.map(|name| name.parse().unwrap()),
        };
        let epoch = Epoch([number; 16]);
        let tree = self.tree.clone();
        let readers: Arc<dyn Readers> = Arc::new(NoReaders);
        let node = Node {
            hub: hub(&place, epoch, Seq(0), (&tree, &readers), 0),
            place,
            epoch,
            store: Store::default(),
            bad: Vec::new(),
            refuses: None,
            is_full: false,
            is_stuck: false,
            is_slow: false,
            choked: None,
            awaited: BTreeMap::new(),
            stuck: Vec::new(),
            asked: BTreeMap::new(),
            closed: Vec::new(),
            dials: Vec::new(),
            tree,
            readers,
            starts: 0,
        };
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Writes something at a node and lets its hub know.
    pub(crate) fn write(&mut self, at: usize, kind: EntryKind, name: &str, of: &str, body: &[u8]) {
        let before = self.nodes[at].store.last();
        self.nodes[at].store.put(kind, name, of, body);
        self.announce(at, before);
    }

    /// Lets a hub know what its node has written since a place.
    pub(crate) fn announce(&mut self, at: usize, after: Seq) {
        let store = &self.nodes[at].store;
        let (last, news) = (store.last(), Some(store.news(after)));
        self.tell(at, Event::Appended { last, news });
    }

    /// A document of a unit names a file; where `content` is given, it is here.
    pub(crate) fn name(&mut self, at: usize, of: &str, content: &[u8], is_here: bool) -> FileId {
        let file = self.nodes[at].store.name(of, content, is_here);
        let unit = unit(of);
        if is_here {
            let here = FileHere {
                file,
                units: vec![unit],
            };
            self.tell(at, Event::FileHere { here });
        } else {
            self.tell(at, Event::FilesWanted { unit });
        }
        file
    }

    pub(crate) fn change(&mut self, at: usize, name: &str, of: &str, body: &str) {
        self.write(at, EntryKind::Change, name, of, body.as_bytes());
    }

    pub(crate) fn connect(&mut self, from: usize, to: usize) -> LinkId {
        self.connect_as(from, to, None)
    }

    pub(crate) fn connect_as(&mut self, from: usize, to: usize, target: Option<u64>) -> LinkId {
        let link = LinkId(self.next_link);
        self.next_link += 1;
        self.links.insert(
            link,
            Link {
                ends: [from, to],
                pipes: [Pipe::default(), Pipe::default()],
                cut_after: [None, None],
            },
        );
        let target = Some(TargetId(target.unwrap_or(0)));
        let opened = |peer, target| Event::LinkOpened { link, peer, target };
        let (here, there) = (self.nodes[from].place.clone(), self.nodes[to].place.clone());
        self.tell(from, opened(there, target));
        if self.links.contains_key(&link) {
            self.tell(to, opened(here, None));
        }
        link
    }

    pub(crate) fn cut_after(&mut self, link: LinkId, end: usize, bytes: usize) {
        self.links.get_mut(&link).unwrap().cut_after[end] = Some(bytes);
    }

    pub(crate) fn is_up(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    pub(crate) fn up(&self) -> Vec<LinkId> {
        self.links.keys().copied().collect()
    }

    /// Stops and starts a node; what was not stored is gone.
    pub(crate) fn restart(&mut self, at: usize) {
        let links: Vec<LinkId> = self.links_of(at);
        for link in links {
            self.cut(link);
        }
        let node = &mut self.nodes[at];
        node.starts += 1;
        node.stuck.clear();
        node.choked = None;
        node.hub = hub(
            &node.place,
            node.epoch,
            node.store.last(),
            (&node.tree, &node.readers),
            node.starts,
        );
    }

    fn links_of(&self, at: usize) -> Vec<LinkId> {
        let of = |(_, link): &(&LinkId, &Link)| link.ends.contains(&at);
        self.links
            .iter()
            .filter(of)
            .map(|(link, _)| *link)
            .collect()
    }

    pub(crate) fn tell(&mut self, at: usize, event: Event) {
        self.events.push_back((at, event));
        if self.is_busy {
            return;
        }
        self.is_busy = true;
        while let Some((at, event)) = self.events.pop_front() {
            let mut effects = Vec::new();
            self.nodes[at].hub.handle(self.now, event, &mut effects);
            for effect in effects {
                self.perform(at, effect);
            }
        }
        self.is_busy = false;
    }

    /// Lets a disk that was stuck answer what it was asked.
    pub(crate) fn unstick(&mut self, at: usize) {
        self.nodes[at].is_stuck = false;
        self.nodes[at].is_slow = false;
        for effect in std::mem::take(&mut self.nodes[at].stuck) {
            self.perform(at, effect);
        }
    }

    /// Lets every link that holds a piece take it.
    pub(crate) fn take_pieces(&mut self, at: usize) {
        for link in self.nodes[at]
            .choked
            .replace(Vec::new())
            .unwrap_or_default()
        {
            self.tell(at, Event::Sent { link });
        }
    }

    /// Carries everything that is on the way, once, both ways at the same time.
    pub(crate) fn flight(&mut self) -> bool {
        let mut cargo = Vec::new();
        for (id, link) in &mut self.links {
            for end in 0..2 {
                let pipe = &mut link.pipes[end];
                let mut bytes: Vec<u8> = pipe.bytes.drain(..).collect();
                let room = link.cut_after[end].map(|after| after.saturating_sub(pipe.carried));
                let is_cut = room.is_some_and(|room| bytes.len() >= room);
                bytes.truncate(room.unwrap_or(usize::MAX));
                pipe.carried += bytes.len();
                if !bytes.is_empty() || is_cut {
                    cargo.push((*id, link.ends[1 - end], bytes, is_cut));
                }
            }
        }
        let moved = !cargo.is_empty();
        for (link, to, bytes, is_cut) in cargo {
            self.carried += bytes.len();
            for piece in bytes.chunks(self.piece) {
                if self.is_up(link) {
                    self.tell(
                        to,
                        Event::Received {
                            link,
                            bytes: piece.to_vec(),
                        },
                    );
                }
            }
            if is_cut {
                self.cut(link);
            }
        }
        self.flights += usize::from(moved);
        moved
    }

    /// Carries until nothing moves.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            if !self.flight() {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    fn perform(&mut self, at: usize, effect: Effect) {
        let name = name_of(&effect);
        *self.nodes[at].asked.entry(name).or_default() += 1;
        match effect {
            Effect::Dial { target } => self.nodes[at].dials.push(target),
            Effect::Send { link, bytes, .. } => {
                let choked = self.nodes[at].choked.as_ref();
                let is_one = choked.is_none_or(|choked| !choked.contains(&link));
                assert!(
                    is_one && bytes.len() <= SEND_BYTES_MAX,
                    "one piece at a time"
                );
                if let Some(open) = self.links.get_mut(&link) {
                    let end = usize::from(open.ends[0] != at);
                    open.pipes[end].bytes.extend(bytes);
                }
                match &mut self.nodes[at].choked {
                    Some(choked) => choked.push(link),
                    None => self.tell(at, Event::Sent { link }),
                }
            }
            Effect::Await { link, is_awaited } => {
                self.nodes[at].awaited.insert(link, is_awaited);
            }
            Effect::Close {
                link,
                code,
                again_s,
            } => {
                self.close(at, (link, code), again_s);
            }
            Effect::ReadOn { link } => self.tell(at, Event::ReadOn { link }),
            Effect::HasRead { .. } => {}
            Effect::NoteHolder { peer, file } => {
                self.nodes[at].store.holders.insert((file, peer));
            }
            write @ (Effect::Apply { .. }
            | Effect::KeepPiece { .. }
            | Effect::SaveAcked { .. }
            | Effect::SaveCheckpoint { .. })
                if self.nodes[at].is_slow =>
            {
                self.nodes[at].stuck.push(write);
            }
            stored if self.nodes[at].is_stuck => self.nodes[at].stuck.push(stored),
            stored => {
                let before = self.nodes[at].store.last();
                let completes = match &stored {
                    Effect::KeepPiece { file, .. } => Some(*file),
                    _ => None,
                };
                let event = self.nodes[at].answer(stored);
                self.tell(at, event.clone());
                if let Event::PieceKept {
                    fate: PieceFate::Completed,
                    ..
                } = event
                {
                    let file = completes.unwrap();
                    let units = self.nodes[at].store.units_of(&file);
                    let here = FileHere { file, units };
                    self.tell(at, Event::FileHere { here });
                }
                if self.nodes[at].store.last() != before {
                    self.announce(at, before);
                }
            }
        }
    }

    pub(crate) fn peer(&self, at: usize, of: usize) -> PeerStatus {
        self.peer_of(at, self.nodes[of].place.node)
    }

    pub(crate) fn peer_of(&self, at: usize, node: NodeId) -> PeerStatus {
        let status = self.nodes[at].hub.status();
        let found = status.peers.into_iter().find(|peer| peer.peer.node == node);
        found.expect("a peer that was linked")
    }

    pub(crate) fn asked(&self, at: usize, name: &str) -> usize {
        self.nodes[at].asked.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn bodies(&self, at: usize) -> Vec<String> {
        let bodies = self.nodes[at].store.bodies().into_iter();
        bodies
            .map(|body| String::from_utf8_lossy(&body).into_owned())
            .collect()
    }
}

fn hub(
    place: &Place,
    epoch: Epoch,
    last: Seq,
    (tree, readers): (&Arc<UnitTree>, &Arc<dyn Readers>),
    starts: u8,
) -> Hub {
    let mut seed = place.node.0;
    seed[0] = starts;
    Hub::new(HubConfig {
        me: place.clone(),
        epoch,
        last,
        tree: tree.clone(),
        readers: readers.clone(),
        seed,
    })
}

impl Node {
    fn answer(&mut self, effect: Effect) -> Event {
        if self.is_full {
            return failed(&effect);
        }
        match self.store.answer(effect) {
            Ok(answer) => answer,
            Err(other) => self.answer_entries(other),
        }
    }

    fn answer_entries(&mut self, effect: Effect) -> Event {
        match effect {
            Effect::LoadCheckpoint { link, ticket, peer } => {
                let checkpoint = self
                    .store
                    .checkpoints
                    .get(&peer)
                    .copied()
                    .unwrap_or_default();
                let ahead = self.store.ahead.get(&peer).cloned();
                Event::CheckpointLoaded {
                    link,
                    ticket,
                    checkpoint,
                    ahead: Ahead::decode(&ahead.unwrap_or_default()),
                }
            }
            Effect::Apply {
                link,
                ticket,
                peer,
                entries,
                received,
            } => {
                let refused = self.store.apply(peer, entries, &self.bad, self.refuses);
                if let Some(received) = received {
                    self.store.checkpoints.entry(peer).or_default().received = received;
                }
                Event::Applied {
                    link,
                    ticket,
                    refused,
                    last: self.store.last(),
                }
            }
            Effect::SaveAcked {
                link,
                ticket,
                peer,
                acked,
                ahead,
            } => {
                self.store.checkpoints.entry(peer).or_default().acked = acked;
                self.store.ahead.insert(peer, ahead.encode());
                Event::Saved { link, ticket }
            }
            Effect::SaveCheckpoint {
                link,
                ticket,
                peer,
                checkpoint,
            } => {
                self.store.checkpoints.insert(peer, checkpoint);
                self.store.ahead.remove(&peer);
                Event::Saved { link, ticket }
            }
            journal @ Effect::ReadJournal { .. } => self.read(journal),
            comparing => self.compare(comparing),
        }
    }

    fn read(&self, effect: Effect) -> Event {
        match effect {
            Effect::ReadJournal {
                link,
                ticket,
                after,
                through,
                bytes_max,
                scope,
                ahead,
                least,
            } => {
                let stretch = (after, through);
                let batch = self.store.read(stretch, bytes_max, &scope, (&ahead, least));
                Event::JournalRead {
                    link,
                    ticket,
                    batch,
                }
            }
            _ => unreachable!("a reading of the journal"),
        }
    }

    fn compare(&self, effect: Effect) -> Event {
        match effect {
            Effect::ReadItems {
                link,
                ticket,
                scope,
            } => {
                let items = self.store.items(&scope);
                Event::ItemsRead {
                    link,
                    ticket,
                    items,
                }
            }
            Effect::ReadHashes {
                link,
                ticket,
                objects,
                key,
            } => {
                let shorten = |entry: &Entry| key.shorten(&hash(&entry.body));
                let held = |object: ObjectKey| {
                    let is_of =
                        |entry: &&Entry| entry.object == object.object && entry.kind == object.kind;
                    self.store
                        .journal
                        .iter()
                        .filter(is_of)
                        .map(shorten)
                        .collect()
                };
                let held = objects.into_iter().map(held).collect();
                Event::HashesRead { link, ticket, held }
            }
            Effect::ReadMissing {
                link,
                ticket,
                object,
                select,
                after,
                bytes_max,
                key,
                scope,
            } => {
                let batch = self
                    .store
                    .missing(object, &select, after, bytes_max, (key, &scope));
                Event::MissingRead {
                    link,
                    ticket,
                    batch,
                }
            }
            _ => unreachable!("answered or performed elsewhere"),
        }
    }
}
