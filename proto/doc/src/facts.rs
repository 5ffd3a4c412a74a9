//! What totals need of a document, kept beside it and moved along by each arriving change, without
//! ever loading the document.
//!
//! A figure is a *register*: the operations that no later one names as its predecessor. One is the
//! rule; several are offices that wrote apart. The same holds for the lifecycle's events, which
//! nothing supersedes.
//!
//! **Void operations** (an author without the grant) count nowhere and hide nothing.
//! [`Facts::apply_judged`] therefore skips them but remembers what they would have superseded: a
//! later valid operation that names a void one supersedes that as well, because its author wrote
//! over all of it. Where an operation is judged void only later (a revocation arrives), the facts of
//! that one document are made anew from its changes: what a superseded operation said is deliberately
//! not kept, it would grow without bound, and the changes have it.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{Digest, Scalar};

use crate::attachment::{self, AttachmentKey};
use crate::figure::{FigureKey, OpId};
use crate::judge::VoidOps;
use crate::lifecycle::{EventEntry, LifecycleState};
use crate::limits::{ATTACHMENTS_PER_DOC_MAX, EVENTS_READ_MAX};
use crate::scan::{MapOp, ScannedChange};

mod pack;
#[cfg(test)]
mod tests;

pub use pack::{FactView, FactsError, FactsView, RegisterView};

/// One operation that is visible: nothing that counts supersedes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactOp {
    /// Which operation, and whose.
    pub op: OpId,
    /// The text it wrote.
    pub value: String,
}

impl FactOp {
    /// The figure it wrote; nothing if a later version of the program wrote what this one does
    /// not read.
    #[must_use]
    pub fn scalar(&self) -> Option<Scalar> {
        read_scalar(&self.value)
    }
}

/// Most digits of a number that [`read_scalar`] reads without the full grammar: all of them fit.
const PLAIN_DIGITS_MAX: usize = 18;

/// Reads a scalar; plain whole numbers, which nearly all figures are, without a detour, because a
/// recomputed total reads some eight hundred thousand of them.
fn read_scalar(text: &str) -> Option<Scalar> {
    let digits = text.as_bytes();
    let is_plain = digits.len() <= PLAIN_DIGITS_MAX
        && digits.iter().all(u8::is_ascii_digit)
        && matches!(digits, [b'1'..=b'9', ..] | [b'0']);
    if !is_plain {
        return text.parse().ok();
    }
    let number = digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some(Scalar::from(number))
}

/// The visible operations of each key.
pub(crate) type Registers = BTreeMap<String, Vec<FactOp>>;

/// What void operations would have superseded.
pub(crate) type Hidden = BTreeMap<OpId, Vec<OpId>>;

/// The visible figures and events of one document, and what it names as attachments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    figures: Registers,
    events: Registers,
    attachments: Registers,
    void: Hidden,
}

impl Facts {
    /// The facts of a document in which nobody wrote yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The facts that these visible operations make up.
    pub(crate) fn of_visible(
        figures: impl IntoIterator<Item = (String, FactOp)>,
        events: impl IntoIterator<Item = (String, FactOp)>,
        notes: impl IntoIterator<Item = (String, FactOp)>,
    ) -> Self {
        let gather = |entries: &mut dyn Iterator<Item = (String, FactOp)>| {
            let mut registers = Registers::new();
            for (key, fact) in entries {
                registers.entry(key).or_default().push(fact);
            }
            for candidates in registers.values_mut() {
                candidates.sort_by_key(|fact| fact.op);
            }
            registers
        };
        let mut events = gather(&mut events.into_iter());
        keep_last(&mut events, EVENTS_READ_MAX);
        Self {
            figures: gather(&mut figures.into_iter().filter(|(key, _)| is_figure(key))),
            events,
            attachments: gather(&mut notes.into_iter().filter_map(named)),
            void: Hidden::new(),
        }
    }

    /// Follows one change, all of whose operations count. Changes come in causal order; of
    /// concurrent ones any order gives the same facts.
    pub fn apply(&mut self, change: &ScannedChange) {
        self.apply_judged(change, None);
    }

    /// The same where some of its operations may be void.
    pub fn apply_judged(&mut self, change: &ScannedChange, void: Option<&VoidOps>) {
        for op in change.figures.iter().filter(|op| is_figure(&op.key)) {
            follow(&mut self.figures, &mut self.void, op, void);
        }
        for op in &change.events {
            follow(&mut self.events, &mut self.void, op, void);
        }
        for op in change.notes.iter().filter(|op| is_attachment(&op.key)) {
            let value = attachment::fact_of(&op.value).to_owned();
            let op = MapOp {
                value,
                ..op.clone()
            };
            follow(&mut self.attachments, &mut self.void, &op, void);
        }
        if !change.events.is_empty() {
            keep_last(&mut self.events, EVENTS_READ_MAX);
        }
    }

    /// The visible candidates of every figure that was ever written, by key. More than one means
    /// that offices wrote apart and nobody has settled it.
    pub fn figures(&self) -> impl Iterator<Item = (FigureKey, &[FactOp])> {
        self.figures
            .iter()
            .filter_map(|(key, candidates)| Some((key.parse().ok()?, candidates.as_slice())))
    }

    /// The candidates of one figure, by operation; empty if nobody wrote it.
    #[must_use]
    pub fn figure(&self, key: &FigureKey) -> &[FactOp] {
        self.figures
            .get(&key.to_string())
            .map_or(&[], Vec::as_slice)
    }

    /// The lifecycle events that this version of the program knows, by operation.
    #[must_use]
    pub fn events(&self) -> Vec<EventEntry> {
        let mut events: Vec<_> = self
            .events
            .iter()
            .flat_map(|(key, facts)| facts.iter().map(move |fact| (key, fact)))
            .filter_map(|(key, fact)| EventEntry::read(key, fact.op, &fact.value))
            .collect();
        events.sort_by_key(|event| event.op);
        events
    }

    /// The attachments that the document names, by hash, with their lengths: at most the first
    /// [`ATTACHMENTS_PER_DOC_MAX`]. One that was removed in one place and written anew apart is named.
    #[must_use]
    pub fn attachments(&self) -> BTreeSet<(Digest, u64)> {
        let named = self.attachments.iter().filter_map(|(key, facts)| {
            let AttachmentKey(hash) = key.parse().ok()?;
            let (length, _) = facts
                .iter()
                .rev()
                .find_map(|fact| attachment::read_size(&fact.value))?;
            Some((hash, length))
        });
        named.take(ATTACHMENTS_PER_DOC_MAX).collect()
    }

    /// Where the document stands.
    #[must_use]
    pub fn state(&self) -> LifecycleState {
        LifecycleState::fold(self.events())
    }

    /// The life that these tell of, with other figures.
    pub(crate) fn with_figures(&self, figures: BTreeMap<FigureKey, Vec<FactOp>>) -> Self {
        let figures = figures.into_iter();
        Self {
            figures: figures
                .map(|(key, candidates)| (key.to_string(), candidates))
                .collect(),
            events: self.events.clone(),
            attachments: Registers::new(),
            void: Hidden::new(),
        }
    }

    /// Whether nobody wrote a figure, an event or an attachment.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.figures.is_empty() && self.events.is_empty() && self.attachments.is_empty()
    }
}

/// Keys outside the grammar are of a later version of the program.
fn is_figure(key: &str) -> bool {
    key.parse::<FigureKey>().is_ok()
}

fn is_attachment(key: &str) -> bool {
    key.parse::<AttachmentKey>().is_ok()
}

/// What of a note is kept: nothing but a reference's size.
fn named((key, fact): (String, FactOp)) -> Option<(String, FactOp)> {
    let value = attachment::fact_of(&fact.value).to_owned();
    is_attachment(&key).then_some((key, FactOp { value, ..fact }))
}

/// Leaves the last operations of all, which no order of arrival changes: what was among the last of
/// more is among the last of fewer.
fn keep_last(registers: &mut Registers, most: usize) {
    let mut ops: Vec<OpId> = registers.values().flatten().map(|fact| fact.op).collect();
    let Some(over) = ops.len().checked_sub(most).filter(|over| *over > 0) else {
        return;
    };
    ops.sort_unstable();
    let Some(first) = ops.get(over).copied() else {
        return;
    };
    registers.retain(|_, candidates| {
        candidates.retain(|candidate| candidate.op >= first);
        !candidates.is_empty()
    });
}

/// Follows one operation of a change.
pub(crate) fn follow(
    registers: &mut Registers,
    hidden: &mut Hidden,
    op: &MapOp,
    void: Option<&VoidOps>,
) {
    let hides = with_hidden_by_void(hidden, &op.preds);
    if void.is_some_and(|void| void.holds(op.op.counter)) {
        hidden.insert(op.op, hides);
        return;
    }
    let candidates = registers.entry(op.key.clone()).or_default();
    candidates.retain(|candidate| !hides.contains(&candidate.op));
    let fact = FactOp {
        op: op.op,
        value: op.value.clone(),
    };
    // By operation, so that any order of arrival gives the same bytes.
    match candidates.binary_search_by_key(&fact.op, |candidate| candidate.op) {
        Ok(_) => {}
        Err(at) => candidates.insert(at, fact),
    }
}

/// The operations named, and in place of each void one also what it would have superseded. What is
/// kept for a void operation is already complete, so one step is enough.
fn with_hidden_by_void(void: &Hidden, preds: &[OpId]) -> Vec<OpId> {
    let mut all = preds.to_vec();
    all.extend(preds.iter().filter_map(|pred| void.get(pred)).flatten());
    all.sort_unstable();
    all.dedup();
    all
}
