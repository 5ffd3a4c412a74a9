//! The one door: events in, effects out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_model::{Epoch, Fault, NodeId, Place, Seq, UnitTree};

use crate::dial::{Ended, Targets};
use crate::generator::Generator;
use crate::limits::{
    CROSSING_MS, PARTS_BYTES_MAX, PEERS_KEPT_MAX, PULLS_MAX, STREAMS_MAX, TARGETS_MAX,
};
use crate::session::{Ending, Node, Session, Turn};
use crate::sessions::Sessions;
use crate::status::PeerRecord;
use crate::{CloseCode, Effect, Event, HubStatus, LinkId, Readers, Said, Steady, TargetId};

/// What a hub must know to begin.
#[derive(Debug, Clone)]
pub struct HubConfig {
    /// Who this node is.
    pub me: Place,
    /// The life of its store.
    pub epoch: Epoch,
    /// The last position of its journal.
    pub last: Seq,
    /// The tree by which scope is decided.
    pub tree: Arc<UnitTree>,
    /// What records say of those who may read what not every office may.
    pub readers: Arc<dyn Readers>,
    /// Drawn afresh at every start, by whoever may draw.
    pub seed: [u8; 32],
}

/// All links of one node.
///
/// Effects are performed in their order, and answered by later calls, never from within one. What
/// one link asks of the store is answered in the order it was asked.
///
/// ```
/// use std::sync::Arc;
///
/// use hopluu_model::{Epoch, NodeId, Place, Seq, UnitTree};
/// use hopluu_sync::{Effect, Event, Hub, HubConfig, NoReaders, Steady, TargetId};
///
/// let mut hub = Hub::new(HubConfig {
///     me: Place {
///         node: NodeId([1; 32]),
///         unit: "19429@2020-02-01".parse().unwrap(),
///         office: None,
///     },
///     epoch: Epoch([2; 16]),
///     last: Seq(0),
///     tree: Arc::new(UnitTree::new(Vec::new(), Vec::new()).unwrap()),
///     readers: Arc::new(NoReaders),
///     seed: [3; 32],
/// });
/// let (now, target) = (Steady(0), TargetId(1));
/// let mut effects = Vec::new();
/// hub.handle(now, Event::TargetAdded { target, peer: None }, &mut effects);
/// assert!(matches!(effects[..], [Effect::Dial { .. }]));
/// hub.handle(now, Event::DialFailed { target, again_s: None }, &mut effects);
/// assert!(hub.next_wake().is_some());
/// ```
#[derive(Debug)]
pub struct Hub {
    node: Node,
    sessions: Sessions,
    peers: BTreeMap<NodeId, PeerRecord>,
    targets: Targets,
}

impl Hub {
    /// A hub without links or targets.
    #[must_use]
    pub fn new(config: HubConfig) -> Self {
        Self {
            node: Node {
                me: config.me,
                epoch: config.epoch,
                last: config.last,
                tree: config.tree,
                readers: config.readers,
                tickets: 0,
                generator: Generator::new(config.seed),
            },
            sessions: Sessions::default(),
            peers: BTreeMap::new(),
            targets: Targets::default(),
        }
    }

    /// Takes one event and says what must be done. `now` never decides what is true, only when to
    /// try again.
    pub fn handle(&mut self, now: Steady, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::TargetAdded { target, peer } => {
                if self.targets.len() < TARGETS_MAX {
                    self.targets.add(target, peer, effects);
                }
            }
            Event::StandbyAdded { target } => {
                if self.targets.len() < TARGETS_MAX {
                    self.targets.add_standby(target);
                }
            }
            Event::TargetRemoved { target } => self.remove_target(now, target, effects),
            Event::DialFailed { target, again_s } => self.dial_failed(now, target, again_s),
            Event::LinkOpened { link, peer, target } => {
                self.open(now, link, peer, target, effects);
            }
            Event::LinkClosed {
                link,
                code,
                again_s,
            } => self.link_closed(now, link, Ending { code, again_s }, effects),
            Event::Appended { last, ref news } => {
                self.node.last = self.node.last.max(last);
                for link in self.sessions.pass_over(last, news.as_ref()) {
                    self.one(now, link, event.clone(), effects);
                }
            }
            Event::ScopeChanged {
                ref tree,
                ref readers,
            } => {
                self.node.tree = Arc::clone(tree);
                self.node.readers = Arc::clone(readers);
                for link in self.sessions.change_scopes(&self.node) {
                    self.one(now, link, event.clone(), effects);
                }
            }
            Event::FilesWanted { .. } | Event::FileHere { .. } => self.all(now, &event, effects),
            Event::RoomMade { peer } => self.room_made(now, peer, effects),
            Event::Overspent { link } => self.close(now, link, CloseCode::Busy, effects),
            Event::NetworkChanged => self.targets.dial_waiting(effects),
            Event::CallWanted => self.call_anew(now, effects),
            Event::Limited { peer, least } => {
                if let Some(record) = self.peers.get_mut(&peer) {
                    record.least = least;
                }
                if let Some(link) = self.sessions.link_to(peer) {
                    self.one(now, link, event, effects);
                }
            }
            Event::Woken => self.woken(now, effects),
            Event::Received { link, .. }
            | Event::ReadOn { link }
            | Event::Sent { link }
            | Event::Measured { link, .. }
            | Event::CheckpointLoaded { link, .. }
            | Event::JournalRead { link, .. }
            | Event::Applied { link, .. }
            | Event::Saved { link, .. }
            | Event::ItemsRead { link, .. }
            | Event::HashesRead { link, .. }
            | Event::MissingRead { link, .. }
            | Event::WantsRead { link, .. }
            | Event::PieceRead { link, .. }
            | Event::PieceKept { link, .. }
            | Event::StoreFailed { link, .. } => self.one(now, link, event, effects),
        }
        self.review_standby(now, effects);
    }

    /// When [`Event::Woken`] is wanted. None while nothing is owed and nothing to be dialled.
    #[must_use]
    pub fn next_wake(&self) -> Option<Steady> {
        let wakes = [self.sessions.next_wake(), self.targets.next_wake()];
        wakes.into_iter().flatten().min()
    }

    /// What has been said on a link, by purpose.
    #[must_use]
    pub fn said(&self, link: LinkId) -> Option<Said> {
        self.sessions.get(link).map(Session::said)
    }

    /// What a person may want to know.
    #[must_use]
    pub fn status(&self) -> HubStatus {
        let mut links: BTreeMap<NodeId, &Session> = BTreeMap::new();
        for session in self.sessions.iter() {
            links.insert(session.peer.node, session);
        }
        let peer = |(node, record): (&NodeId, &PeerRecord)| {
            record.status(links.get(node).copied(), self.node.last)
        };
        HubStatus {
            peers: self.peers.iter().map(peer).collect(),
            targets: self.targets.status(),
        }
    }

    fn call_anew(&mut self, now: Steady, effects: &mut Vec<Effect>) {
        for link in self.targets.links() {
            self.close(now, link, CloseCode::Going, effects);
        }
        self.targets.dial_waiting(effects);
    }

    /// Dials those who stand by, or takes leave of them.
    fn review_standby(&mut self, now: Steady, effects: &mut Vec<Effect>) {
        let sessions = &self.sessions;
        let answers = |link| sessions.get(link).is_some_and(Session::is_greeted);
        for link in self.targets.review_standby(answers, effects) {
            self.close(now, link, CloseCode::Going, effects);
        }
    }

    fn dial_failed(&mut self, now: Steady, target: TargetId, again_s: Option<u32>) {
        let sessions = &self.sessions;
        let link_to = |node| sessions.link_to(node);
        let ended = again_s.map_or(Ended::Badly, Ended::TurnedAway);
        self.targets
            .dial_failed(target, ended, link_to, now, &mut self.node.generator);
    }

    fn room_made(&mut self, now: Steady, peer: NodeId, effects: &mut Vec<Effect>) {
        if let Some(record) = self.peers.get_mut(&peer) {
            record.is_void = true;
        }
        if let Some(link) = self.sessions.link_to(peer) {
            self.one(now, link, Event::RoomMade { peer }, effects);
        }
    }

    fn woken(&mut self, now: Steady, effects: &mut Vec<Effect>) {
        for link in self.sessions.due(now) {
            self.one(now, link, Event::Woken, effects);
        }
        self.targets.woken(now, effects);
    }

    fn all(&mut self, now: Steady, event: &Event, effects: &mut Vec<Effect>) {
        for link in self.sessions.links() {
            self.one(now, link, event.clone(), effects);
        }
    }

    fn one(&mut self, now: Steady, link: LinkId, event: Event, effects: &mut Vec<Effect>) {
        let Some((session, others)) = self.sessions.take_up(link) else {
            return;
        };
        let record = self
            .peers
            .entry(session.peer.node)
            .or_insert_with(|| PeerRecord::new(session.peer.clone()));
        let mut turn = Turn {
            now,
            node: &mut self.node,
            record,
            effects,
            parts_max: PARTS_BYTES_MAX.saturating_sub(others.parts_bytes),
            may_pack: others.packing < STREAMS_MAX,
            may_pull: others.pulled.len() < PULLS_MAX,
            pulled: &others.pulled,
        };
        let handled = session.handle(event, &mut turn);
        let has_ended = session.ending().is_some();
        let frees = self.sessions.put_down(link, self.node.last);
        match handled {
            Err(code) => self.close(now, link, code, effects),
            Ok(()) if has_ended => {
                self.closed(now, link);
                self.pull_on(now, effects);
            }
            Ok(()) if frees => self.pull_on(now, effects),
            Ok(()) => {}
        }
    }

    /// Lets links fetch what others no longer do.
    fn pull_on(&mut self, now: Steady, effects: &mut Vec<Effect>) {
        for link in self.sessions.blocked() {
            self.one(now, link, Event::Woken, effects);
        }
    }

    fn open(
        &mut self,
        now: Steady,
        link: LinkId,
        peer: Place,
        target: Option<TargetId>,
        effects: &mut Vec<Effect>,
    ) {
        if peer.node == self.node.me.node {
            let code = CloseCode::Myself;
            effects.push(self.node.closing(link, code));
            self.targets.linked(target, peer.node, link);
            self.unlink(now, link, peer.node, Ended::Badly);
            return;
        }
        let old = self.sessions.link_to(peer.node);
        if let Some(gone) = old.filter(|old| self.sessions.has_ended(*old)) {
            // What it has left unread was not acknowledged, and comes again.
            self.closed(now, gone);
        }
        let old = self.sessions.link_to(peer.node);
        let old = old.and_then(|old| self.sessions.get(old));
        if let Some(old) = old {
            let loser = self.loser(now, old, link, target);
            let kept = if loser == link { old.link } else { link };
            self.targets.linked(target, peer.node, kept);
            if loser == link {
                let code = CloseCode::Duplicate;
                effects.push(self.node.closing(link, code));
                return;
            }
            self.close(now, loser, CloseCode::Duplicate, effects);
        }
        self.targets.linked(target, peer.node, link);
        self.make_room_for(peer.node);
        let record = self
            .peers
            .entry(peer.node)
            .or_insert_with(|| PeerRecord::new(peer.clone()));
        record.peer = peer.clone();
        let mut turn = Turn {
            now,
            node: &mut self.node,
            record,
            effects,
            parts_max: 0,
            may_pack: false,
            pulled: &BTreeSet::new(),
            may_pull: false,
        };
        let session = Session::open(link, peer, target, &mut turn);
        self.sessions.insert(session, self.node.last);
    }

    /// Which of two links to one peer is given up. Both sides come to the same answer: of two
    /// dials that crossed the lower node's stays; otherwise the newer one, because whoever dials
    /// again has given the older one up.
    fn loser(
        &self,
        now: Steady,
        old: &Session,
        new: LinkId,
        new_target: Option<TargetId>,
    ) -> LinkId {
        let is_crossing =
            old.target.is_some() != new_target.is_some() && now.ms_since(old.opened) < CROSSING_MS;
        let mine_stays = self.node.me.node < old.peer.node;
        let old_stays = is_crossing && old.target.is_some() == mine_stays;
        if old_stays { new } else { old.link }
    }

    /// Forgets the numbers of a peer that has no link, when there are too many.
    fn make_room_for(&mut self, node: NodeId) {
        if self.peers.len() < PEERS_KEPT_MAX || self.peers.contains_key(&node) {
            return;
        }
        let is_linked = |peer: &NodeId| self.sessions.link_to(*peer).is_some();
        let idle = self.peers.iter().filter(|(peer, _)| !is_linked(peer));
        let oldest = idle.min_by_key(|(_, record)| record.last_heard);
        if let Some(peer) = oldest.map(|(peer, _)| *peer) {
            self.peers.remove(&peer);
        }
    }

    fn remove_target(&mut self, now: Steady, target: TargetId, effects: &mut Vec<Effect>) {
        self.targets.remove(target);
        let led = self
            .sessions
            .iter()
            .find(|session| session.target == Some(target));
        if let Some(link) = led.map(|session| session.link) {
            self.close(now, link, CloseCode::Going, effects);
        }
    }

    fn close(&mut self, now: Steady, link: LinkId, code: CloseCode, effects: &mut Vec<Effect>) {
        effects.push(self.node.closing(link, code));
        let Some(session) = self.sessions.remove(link) else {
            return;
        };
        if let Some(record) = self.peers.get_mut(&session.peer.node) {
            record.closed_here = Some(code);
            record.left = session.left().unwrap_or(record.left.clone());
            record.quit = session.quit();
        }
        let is_well = session.is_greeted()
            && code.fault() == Fault::Local
            && code != CloseCode::StoreFailed
            && code != CloseCode::Busy;
        let ended = if is_well { Ended::Well } else { Ended::Badly };
        self.unlink(now, link, session.peer.node, ended);
    }

    /// A link is gone, and its session with it once all that came is read.
    fn link_closed(
        &mut self,
        now: Steady,
        link: LinkId,
        ending: Ending,
        effects: &mut Vec<Effect>,
    ) {
        if self.sessions.end(link, ending) {
            self.closed(now, link);
        }
        self.pull_on(now, effects);
    }

    fn closed(&mut self, now: Steady, link: LinkId) {
        let Some(session) = self.sessions.remove(link) else {
            return;
        };
        let Ending { code, again_s } = session.ended.unwrap_or_default();
        if let Some(record) = self.peers.get_mut(&session.peer.node) {
            record.closed_there = code.or(record.closed_there);
            record.left = session.left().unwrap_or(record.left.clone());
            record.quit = session.quit();
        }
        let fault = code.and_then(CloseCode::from_number).map(CloseCode::fault);
        let is_well = session.is_greeted() && matches!(fault, None | Some(Fault::Local));
        let ended = match again_s {
            Some(seconds) => Ended::TurnedAway(seconds),
            None if is_well => Ended::Well,
            None => Ended::Badly,
        };
        self.unlink(now, link, session.peer.node, ended);
    }

    /// Whatever target led to this link dials again, unless another link serves it.
    fn unlink(&mut self, now: Steady, link: LinkId, peer: NodeId, ended: Ended) {
        match self.sessions.link_to(peer) {
            Some(other) => self.targets.linked(None, peer, other),
            None => self
                .targets
                .unlinked(link, ended, now, &mut self.node.generator),
        }
    }
}

impl Node {
    /// The last word on a link, with a time by chance for a peer that is to come again later.
    fn closing(&mut self, link: LinkId, code: CloseCode) -> Effect {
        let again_s = code.comes_again_s().map(|least| {
            let more = self.generator.below(u64::from(least) + 1);
            least.saturating_add(u32::try_from(more).unwrap_or(least))
        });
        Effect::Close {
            link,
            code,
            again_s,
        }
    }
}
