//! Who is enrolled, and who of them stands where their certificate says.

use std::collections::BTreeMap;
use std::sync::Arc;

use hopluu_model::tree::UnitTree;
use hopluu_model::{Digest, NodeId};
use hopluu_trust::{Identity, check_line, verify_line};

/// A node and the chain that proves it.
#[derive(Debug)]
struct Enrolled {
    /// Everybody in the chain, the node first.
    line: Vec<Identity>,
    chain: Vec<Vec<u8>>,
}

/// Every chain that was shown for each node. A chain is kept whatever units it names: whether it
/// counts is judged by the tree when somebody asks, because either may come first.
#[derive(Debug, Clone, Default)]
pub(super) struct EnrolledNodes {
    of: Arc<BTreeMap<NodeId, Vec<Arc<Enrolled>>>>,
    /// This node's own line, which alone counts while there is no tree.
    own: Arc<Vec<Identity>>,
}

impl EnrolledNodes {
    pub(super) fn set_own(&mut self, line: Vec<Identity>) {
        self.own = Arc::new(line);
    }

    /// Remembers a chain that leads to the root.
    pub(super) fn insert(&mut self, line: Vec<Identity>, chain: Vec<Vec<u8>>) {
        let Some(leaf) = line.first() else { return };
        let list = Arc::make_mut(&mut self.of)
            .entry(leaf.place.node)
            .or_default();
        if list.iter().any(|known| known.chain == chain) {
            return;
        }
        list.push(Arc::new(Enrolled { line, chain }));
        // Whoever may issue can certify anybody's key, so the first that counts is the one nearest
        // to the root; a renewed one says the same with a later end.
        list.sort_by(|a, b| {
            let key = |known: &Enrolled| {
                let ends = known.line.first().map(|leaf| leaf.not_after);
                (known.line.len(), std::cmp::Reverse(ends))
            };
            key(a).cmp(&key(b)).then_with(|| a.chain.cmp(&b.chain))
        });
    }

    /// Whether everybody in a line lies at or below whom they were certified by. It is asked alike of
    /// whoever calls, of who sealed, and of who signed.
    pub(super) fn stands(&self, line: &[Identity], tree: &UnitTree) -> bool {
        if tree.is_empty() {
            return line.len() == 1 || self.own.ends_with(line);
        }
        check_line(line, |unit, above| tree.is_at_or_below(unit, above)).is_ok()
    }

    fn find(&self, node: &NodeId, tree: &UnitTree) -> Option<&Enrolled> {
        let known = self.of.get(node)?.iter();
        known
            .map(AsRef::as_ref)
            .find(|known| self.stands(&known.line, tree))
    }

    /// Everybody in the chain of a node that counts, the node first.
    pub(super) fn line(&self, node: &NodeId, tree: &UnitTree) -> Option<&[Identity]> {
        Some(self.find(node, tree)?.line.as_slice())
    }

    pub(super) fn identity(&self, node: &NodeId, tree: &UnitTree) -> Option<&Identity> {
        self.line(node, tree)?.first()
    }

    pub(super) fn chain(&self, node: &NodeId, tree: &UnitTree) -> Option<&[Vec<u8>]> {
        Some(self.find(node, tree)?.chain.as_slice())
    }

    /// Every chain that was shown for a node, whether it counts or not.
    pub(super) fn chains(&self, node: &NodeId) -> impl Iterator<Item = (&[Identity], &[Vec<u8>])> {
        let known = self.of.get(node).into_iter().flatten();
        known.map(|known| (known.line.as_slice(), known.chain.as_slice()))
    }

    pub(super) fn issuer(&self, node: &NodeId, tree: &UnitTree) -> Option<NodeId> {
        let above = self.find(node, tree)?.line.get(1)?;
        Some(above.place.node)
    }

    /// Whether trust begins at this node: nobody stands above it in its chain.
    pub(super) fn is_root(&self, node: &NodeId) -> bool {
        let known = self.of.get(node);
        known.is_some_and(|known| known.iter().any(|one| one.line.len() == 1))
    }

    pub(super) fn identities<'a>(
        &'a self,
        tree: &'a UnitTree,
    ) -> impl Iterator<Item = &'a Identity> {
        self.of.keys().filter_map(|node| self.identity(node, tree))
    }
}

/// Everybody whom a chain names, each with the chain from there up.
pub(super) fn lines_of(chain: &[Vec<u8>], root: &Digest) -> Vec<(Vec<Identity>, Vec<Vec<u8>>)> {
    let lines = (0..chain.len()).filter_map(|at| {
        let above = chain.get(at..)?;
        Some((verify_line(above, root, None).ok()?, above.to_vec()))
    });
    lines.collect()
}
