//! What both ends of a packet know when a change's turn comes, and need not say again.

use std::collections::BTreeMap;

use hopluu_model::ChangeHash;

use super::Name;

/// What has gone before.
#[derive(Debug, Default)]
pub(super) struct Trail {
    hashes: BTreeMap<ChangeHash, usize>,
    order: Vec<ChangeHash>,
    max_ops: Vec<u64>,
    seqs: BTreeMap<usize, u64>,
    writes: BTreeMap<(usize, usize), Name>,
    /// What the clock of the last change's author said.
    pub(super) time: i64,
    /// The last superseded operation that was listed.
    pub(super) pred: Step,
    /// The last element that a run stood at.
    pub(super) place: Step,
}

/// A number from which the next is a small step.
#[derive(Debug, Default)]
pub(super) struct Step(u64);

impl Step {
    /// The way to the next.
    pub(super) fn step_to(&mut self, next: u64) -> i64 {
        let step = next.wrapping_sub(self.0);
        self.0 = next;
        i64::from_le_bytes(step.to_le_bytes())
    }

    /// The next.
    pub(super) fn step(&mut self, by: i64) -> u64 {
        self.0 = self.0.wrapping_add_signed(by);
        self.0
    }
}

impl Trail {
    /// How many changes have gone before.
    pub(super) fn changes(&self) -> usize {
        self.order.len()
    }

    pub(super) fn place_of(&self, hash: &ChangeHash) -> Option<usize> {
        self.hashes.get(hash).copied()
    }

    pub(super) fn hash(&self, place: usize) -> Option<ChangeHash> {
        self.order.get(place).copied()
    }

    /// The number of an actor's next change; `first` if it has none here yet.
    pub(super) fn next_seq(&mut self, actor: usize, first: u64) -> u64 {
        let next = self.seqs.entry(actor).or_insert(first);
        let seq = *next;
        *next = next.saturating_add(1);
        seq
    }

    /// The number of the first operation of a change upon these.
    pub(super) fn start_op(&self, deps: &[usize]) -> Option<u64> {
        let ends = deps.iter().map(|dep| self.max_ops.get(*dep).copied());
        let last = ends.collect::<Option<Vec<_>>>()?.into_iter().max()?;
        last.checked_add(1)
    }

    /// Notes a write of a key; gives the last one before it.
    pub(super) fn write(&mut self, object: usize, key: usize, op: Name) -> Option<Name> {
        self.writes.insert((object, key), op)
    }

    /// Notes a change that is complete; whether there was none of this hash.
    pub(super) fn end(&mut self, hash: ChangeHash, max_op: u64) -> bool {
        self.max_ops.push(max_op);
        self.order.push(hash);
        self.hashes.insert(hash, self.order.len() - 1).is_none()
    }
}
