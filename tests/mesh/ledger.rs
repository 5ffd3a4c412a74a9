//! What was confirmed to people, and by which node.

use std::collections::BTreeSet;

use hopluu_model::{ChangeHash, DocId};

/// A save that somebody saw confirmed.
pub(crate) type Confirmed = (DocId, ChangeHash);

#[derive(Debug)]
pub(crate) struct Ledger {
    /// By node: what its disk must hold from now on.
    by_node: Vec<Vec<Confirmed>>,
    /// Where the looking round of each node stands.
    looked: Vec<usize>,
    /// What a dead disk held that others hold too: it must come back.
    owed: BTreeSet<Confirmed>,
}

impl Ledger {
    pub(crate) fn new(nodes: usize) -> Self {
        Self {
            by_node: vec![Vec::new(); nodes],
            looked: vec![0; nodes],
            owed: BTreeSet::new(),
        }
    }

    /// One more machine, which has confirmed nothing yet.
    pub(crate) fn joined(&mut self) {
        self.by_node.push(Vec::new());
        self.looked.push(0);
    }

    pub(crate) fn confirm(&mut self, node: usize, confirmed: Confirmed) {
        self.by_node[node].push(confirmed);
    }

    /// The next one of a node to look at, round and round.
    pub(crate) fn next(&mut self, node: usize) -> Option<Confirmed> {
        let own = &self.by_node[node];
        let at = self.looked[node].checked_rem(own.len())?;
        self.looked[node] = at + 1;
        Some(own[at])
    }

    pub(crate) fn of(&self, node: usize) -> &[Confirmed] {
        &self.by_node[node]
    }

    /// A backup came back in place of a dead disk. What it lacks is owed by those who have it;
    /// what nobody else has is lost with the disk, and no program can help that.
    pub(crate) fn restored(
        &mut self,
        node: usize,
        is_here: impl Fn(&Confirmed) -> bool,
        is_elsewhere: impl Fn(&Confirmed) -> bool,
    ) {
        let (here, gone) = self.by_node[node].drain(..).partition(is_here);
        let gone: Vec<Confirmed> = gone;
        self.by_node[node] = here;
        self.owed.extend(gone.into_iter().filter(is_elsewhere));
    }

    /// Everything that must be everywhere at the end.
    pub(crate) fn all(&self) -> BTreeSet<Confirmed> {
        let all = self.by_node.iter().flatten().copied();
        all.chain(self.owed.iter().copied()).collect()
    }
}
