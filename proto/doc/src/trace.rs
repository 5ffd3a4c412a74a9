//! Who wrote what in a report, on what right, and what became of it: from the changes alone, so that whoever
//! holds them and the records says the same, without the document and without the node that wrote it down.
//!
//! It follows every write as facts do ([`crate::facts`]), void ones included, and remembers by which other
//! a write was superseded.

use std::collections::BTreeMap;

use hopluu_model::{ChangeHash, RecordHash};
use hopluu_trust::{Allowed, Void};

use crate::facts::{Hidden, Registers, follow};
use crate::figure::OpId;
use crate::judge::{Judge, VoidOps};
use crate::lifecycle::{EventEntry, LifecycleState};
use crate::limits::EVENTS_READ_MAX;
use crate::marks::{Answer, AnswerKey};
use crate::report::{By, Touched, touched};
use crate::scan::{MapOp, ScannedChange};

/// On what right something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Its author is a main node at or above the report's unit, by its certificate.
    MainNode,
    /// A grant of its author's office.
    Grant(RecordHash),
}

/// What became of something written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing that counts was written over it. Edits of a text and steps of a report's life stay for good.
    Stands,
    /// A change that counts has written over it.
    Superseded(ChangeHash),
    /// It counts nowhere.
    Void,
}

/// What a main node has decided about something void, and in which change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Whether it was adopted.
    pub answer: Answer,
    /// The change that says so.
    pub by: ChangeHash,
}

/// One thing that one change has written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// What, and to what.
    pub touched: Touched,
    /// The change.
    pub change: ChangeHash,
    /// On what right, or why on none.
    pub right: Result<Right, Void>,
    /// What became of it.
    pub fate: Fate,
    /// Of something void, what was decided about it.
    pub answer: Option<Answered>,
}

/// Everything that changes have written, each thing after those that it was written upon. `changes` are all of a
/// document but genesis, in any order; `allowed` says what the author of each may write.
pub fn trace<'r>(
    judge: &Judge<'_>,
    changes: &[ScannedChange],
    mut allowed: impl FnMut(&ScannedChange) -> Allowed<'r>,
) -> Vec<Written> {
    let mut ordered: Vec<_> = changes.iter().collect();
    // Numbers of operations grow along the graph: parents come first, alike everywhere.
    ordered.sort_by_key(|change| (change.start_op, change.actor));
    let mut traced = Traced::default();
    let mut names = BTreeMap::new();
    for change in ordered {
        if change.declares.is_some() {
            continue;
        }
        let allowed = allowed(change);
        let void = judge.void_in(change, &allowed);
        for (by, touched) in touched(change, judge.texts(), &mut names) {
            let right = judge.right(&touched, &allowed);
            let right =
                right.map(|grant| grant.map_or(Right::MainNode, |by| Right::Grant(by.hash)));
            traced.write(by, change.hash, touched, right);
        }
        traced.follow(change, void.as_ref());
    }
    traced.end()
}

#[derive(Default)]
struct Traced {
    written: Vec<Written>,
    /// Where each operation stands in that list.
    places: BTreeMap<OpId, usize>,
    figures: Registers,
    notes: Registers,
    hidden: Hidden,
    /// The steps that their authors may take.
    events: Vec<EventEntry>,
    /// In which change each answer was given.
    answers: BTreeMap<OpId, ChangeHash>,
}

impl Traced {
    fn write(&mut self, by: By, change: ChangeHash, touched: Touched, right: Result<Right, Void>) {
        if let By::Op(op) = by {
            self.places.insert(op, self.written.len());
        }
        let fate = right.map_or(Fate::Void, |_| Fate::Stands);
        self.written.push(Written {
            touched,
            change,
            right,
            fate,
            answer: None,
        });
    }

    fn follow(&mut self, change: &ScannedChange, void: Option<&VoidOps>) {
        let mut gone = Vec::new();
        for op in &change.figures {
            gone.extend(superseded(&mut self.figures, &mut self.hidden, op, void));
        }
        for op in &change.notes {
            gone.extend(superseded(&mut self.notes, &mut self.hidden, op, void));
            if op.key.parse::<AnswerKey>().is_ok() {
                self.answers.insert(op.op, change.hash);
            }
        }
        let events = change.events.iter();
        let counts = |op: &&MapOp| !void.is_some_and(|void| void.holds(op.op.counter));
        let read = |op: &MapOp| EventEntry::read(&op.key, op.op, &op.value);
        self.events.extend(events.filter(counts).filter_map(read));
        for op in gone {
            let place = self.places.get(&op);
            if let Some(written) = place.and_then(|at| self.written.get_mut(*at)) {
                written.fate = Fate::Superseded(change.hash);
            }
        }
    }

    /// Steps whose need was not before them: those that whoever reads the report passes over.
    fn judge_steps(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        events.sort_by_key(|entry| entry.op);
        let last = events.split_off(events.len().saturating_sub(EVENTS_READ_MAX));
        for entry in LifecycleState::fold(last).out_of_order {
            let place = self.places.get(&entry.op);
            if let Some(written) = place.and_then(|at| self.written.get_mut(*at)) {
                written.right = Err(Void::OutOfOrder);
                written.fate = Fate::Void;
            }
        }
    }

    fn end(mut self) -> Vec<Written> {
        self.judge_steps();
        let answers: BTreeMap<ChangeHash, Answered> = self
            .notes
            .iter()
            .filter_map(|(key, candidates)| {
                let AnswerKey(about) = key.parse().ok()?;
                let last = candidates.last()?;
                let answer = Answer::read(&last.value)?;
                let by = *self.answers.get(&last.op)?;
                Some((about, Answered { answer, by }))
            })
            .collect();
        for written in &mut self.written {
            if written.fate == Fate::Void {
                written.answer = answers.get(&written.change).copied();
            }
        }
        self.written
    }
}

/// Follows a write, and gives the operations that it has superseded.
fn superseded(
    registers: &mut Registers,
    hidden: &mut Hidden,
    op: &MapOp,
    void: Option<&VoidOps>,
) -> Vec<OpId> {
    let ops = |registers: &Registers| -> Vec<OpId> {
        let candidates = registers.get(&op.key).into_iter().flatten();
        candidates.map(|fact| fact.op).collect()
    };
    let mut before = ops(registers);
    follow(registers, hidden, op, void);
    let after = ops(registers);
    before.retain(|op| !after.contains(op));
    before
}

#[cfg(test)]
mod tests;
