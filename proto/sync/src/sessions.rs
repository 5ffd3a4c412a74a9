//! The links of a hub, and what each takes of what all of them share.
//!
//! The sums are kept, not counted, so that an event is the affair of one link however many there are: at the
//! deadline hour 579 links hear of each other's reports.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{NodeId, Seq};

use crate::session::{Ending, Node, Session};
use crate::{FileId, LinkId, News, Steady};

/// All links, at most one to each peer.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_link: BTreeMap<LinkId, Session>,
    by_node: BTreeMap<NodeId, LinkId>,
    shares: BTreeMap<LinkId, Share>,
    sums: Sums,
}

/// What one link takes.
#[derive(Debug, Default)]
struct Share {
    parts_bytes: usize,
    is_packing: bool,
    pulling: Vec<FileId>,
    is_blocked: bool,
    wake: Option<Steady>,
}

/// What all take together; of a link that is taken up, what the others do.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// Bytes held for messages in parts.
    pub(crate) parts_bytes: usize,
    /// Packed streams of ours.
    pub(crate) packing: usize,
    /// Files that are being fetched, each over one link.
    pub(crate) pulled: BTreeSet<FileId>,
    /// Links that could not ask for a file because of others.
    blocked: BTreeSet<LinkId>,
    wakes: BTreeSet<(Steady, LinkId)>,
}

impl Share {
    fn of(session: &Session, last: Seq) -> Self {
        let wakes = [
            session.silent_at(),
            session.deaf_at(),
            session.gives_at(last),
        ];
        Self {
            parts_bytes: session.parts_bytes(),
            is_packing: session.is_packing(),
            pulling: session.pulling().collect(),
            is_blocked: session.is_blocked(),
            wake: wakes.into_iter().flatten().min(),
        }
    }
}

impl Sums {
    fn add(&mut self, link: LinkId, share: &Share) {
        self.parts_bytes += share.parts_bytes;
        self.packing += usize::from(share.is_packing);
        self.pulled.extend(&share.pulling);
        self.wakes.extend(share.wake.map(|wake| (wake, link)));
        if share.is_blocked {
            self.blocked.insert(link);
        }
    }

    fn subtract(&mut self, link: LinkId, share: &Share) {
        self.parts_bytes -= share.parts_bytes;
        self.packing -= usize::from(share.is_packing);
        for file in &share.pulling {
            self.pulled.remove(file);
        }
        if let Some(wake) = share.wake {
            self.wakes.remove(&(wake, link));
        }
        self.blocked.remove(&link);
    }
}

impl Sessions {
    pub(crate) fn get(&self, link: LinkId) -> Option<&Session> {
        self.by_link.get(&link)
    }

    /// A link has ended; whether it is to be [removed](Self::remove) now.
    pub(crate) fn end(&mut self, link: LinkId, ending: Ending) -> bool {
        let session = self.by_link.get_mut(&link);
        session.is_some_and(|session| session.end(ending))
    }

    /// Whether a link has ended, of which something is still to be read.
    pub(crate) fn has_ended(&self, link: LinkId) -> bool {
        self.get(link)
            .is_some_and(|session| session.ended.is_some())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_link.values()
    }

    pub(crate) fn links(&self) -> Vec<LinkId> {
        self.by_link.keys().copied().collect()
    }

    pub(crate) fn link_to(&self, node: NodeId) -> Option<LinkId> {
        self.by_node.get(&node).copied()
    }

    pub(crate) fn insert(&mut self, session: Session, last: Seq) {
        let (link, share) = (session.link, Share::of(&session, last));
        self.sums.add(link, &share);
        self.by_node.insert(session.peer.node, link);
        self.shares.insert(link, share);
        self.by_link.insert(link, session);
    }

    pub(crate) fn remove(&mut self, link: LinkId) -> Option<Session> {
        let session = self.by_link.remove(&link)?;
        if let Some(share) = self.shares.remove(&link) {
            self.sums.subtract(link, &share);
        }
        self.by_node.remove(&session.peer.node);
        Some(session)
    }

    /// A link to work on, beside what the others take. It must be [put down](Self::put_down) again.
    pub(crate) fn take_up(&mut self, link: LinkId) -> Option<(&mut Session, &Sums)> {
        let session = self.by_link.get_mut(&link)?;
        if let Some(share) = self.shares.get(&link) {
            self.sums.subtract(link, share);
        }
        Some((session, &self.sums))
    }

    /// Counts what a link takes now; whether it fetches a file no longer.
    pub(crate) fn put_down(&mut self, link: LinkId, last: Seq) -> bool {
        let Some(session) = self.by_link.get(&link) else {
            return false;
        };
        let share = Share::of(session, last);
        self.sums.add(link, &share);
        let released = |file: &FileId| !share.pulling.contains(file);
        let before = self.shares.get(&link);
        let frees = before.is_some_and(|before| before.pulling.iter().any(released));
        self.shares.insert(link, share);
        frees
    }

    /// Lets links leave news behind that are for others. Those that have something to do all the same.
    ///
    /// Each report of the deadline hour is news to all links and concerns two or three: the others are neither taken
    /// up nor counted anew, because nothing of what they [take](Share) changes.
    pub(crate) fn pass_over(&mut self, last: Seq, news: Option<&News>) -> Vec<LinkId> {
        let passes = |session: &mut Session| news.is_some_and(|news| session.pass_over(last, news));
        let sessions = self.by_link.values_mut();
        let busy = sessions.filter_map(|session| (!passes(session)).then_some(session.link));
        busy.collect()
    }

    /// Has all links go by what decides on scope from now on. Those for which it is another.
    pub(crate) fn change_scopes(&mut self, node: &Node) -> Vec<LinkId> {
        let sessions = self.by_link.values_mut();
        let changed = sessions.filter_map(|one| one.change_scope(node).then_some(one.link));
        changed.collect()
    }

    /// Links that wait for files which others fetch.
    pub(crate) fn blocked(&self) -> Vec<LinkId> {
        self.sums.blocked.iter().copied().collect()
    }

    /// When the first link wants to be woken.
    pub(crate) fn next_wake(&self) -> Option<Steady> {
        self.sums.wakes.first().map(|(wake, _)| *wake)
    }

    /// Links that want to be woken by now.
    pub(crate) fn due(&self, now: Steady) -> Vec<LinkId> {
        let wakes = self.sums.wakes.iter();
        let due = wakes.take_while(|(wake, _)| *wake <= now);
        due.map(|(_, link)| *link).collect()
    }
}
