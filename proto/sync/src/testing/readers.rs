//! Compartments of the small world: a document whose descriptor ends with `!name` is in the one of that name.

use std::collections::BTreeSet;
use std::sync::Arc;

use hopluu_model::{Digest, Place, UnitTree};

use super::{Node, World};
use crate::{Acked, Ahead, Entry, Event, Readers, Scope};

/// Which offices may read which compartments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed(BTreeSet<(String, String)>);

impl Listed {
    pub(crate) fn of(all: &[(&str, &str)]) -> Self {
        let all = all.iter();
        Self(
            all.map(|(office, name)| ((*office).to_owned(), (*name).to_owned()))
                .collect(),
        )
    }
}

impl Readers for Listed {
    fn may_read(&self, office: &Place, key: &[u8]) -> bool {
        let name = std::str::from_utf8(key)
            .ok()
            .and_then(|key| key.split_once('!'));
        let office = office.office.as_ref();
        name.zip(office).is_some_and(|((_, name), office)| {
            self.0.contains(&(office.to_string(), name.to_owned()))
        })
    }

    fn version(&self, office: &Place) -> Digest {
        let office = office.office.as_ref().map(ToString::to_string);
        let its = self
            .0
            .iter()
            .filter(|(reader, _)| Some(reader) == office.as_ref());
        let its: Vec<_> = its.map(|(_, name)| name.as_str()).collect();
        Digest(*blake3::hash(its.join(" ").as_bytes()).as_bytes())
    }
}

/// The key of a document in a compartment.
pub(crate) fn closed(descriptor: &[u8]) -> Option<Vec<u8>> {
    descriptor.contains(&b'!').then(|| descriptor.to_vec())
}

/// The code of the unit of a descriptor.
pub(crate) fn code_of(descriptor: &str) -> &str {
    descriptor.split('!').next().unwrap_or(descriptor)
}

impl World {
    /// Gives a node a new tree, as an arriving record would.
    pub(crate) fn grow_tree(&mut self, at: usize, tree: Arc<UnitTree>) {
        self.nodes[at].tree = tree.clone();
        let readers = self.nodes[at].readers.clone();
        self.tell(at, Event::ScopeChanged { tree, readers });
    }

    /// Has a node go by other readers, as an arriving grant would.
    pub(crate) fn list_readers(&mut self, at: usize, all: &[(&str, &str)]) {
        let readers: Arc<dyn Readers> = Arc::new(Listed::of(all));
        self.nodes[at].readers = readers.clone();
        let tree = self.nodes[at].tree.clone();
        self.tell(at, Event::ScopeChanged { tree, readers });
    }
}

impl Node {
    /// Whether by what is stored the peer is owed nothing: the rest is not for it, or came from there.
    pub(crate) fn owes_nothing(&self, peer: &Place) -> bool {
        let scope = Scope::new(self.tree.clone(), self.readers.clone(), peer.clone());
        let (node, store) = (peer.node, &self.store);
        let ahead = Ahead::decode(store.ahead.get(&node).map_or(&[], Vec::as_slice));
        let checkpoint = store.checkpoints.get(&node).copied();
        let acked = checkpoint.unwrap_or_default().acked;
        let is_owed = |entry: &Entry| {
            entry.seq > acked.through
                && !ahead.contains(entry.seq)
                && entry.origin != Some(node)
                && scope.admits(entry.kind, &entry.unit, entry.closed.as_deref())
        };
        acked.basis == Acked::basis(self.epoch, scope.version())
            && !self.store.journal.iter().any(is_owed)
    }
}
