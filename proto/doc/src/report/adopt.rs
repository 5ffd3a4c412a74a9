//! What a void change said, as edits that write it in one's own name.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use hopluu_model::ChangeHash;

use super::{MapOf, Report};
use crate::attachment::{Attachment, AttachmentKey};
use crate::edit::{Edit, EditError};
use crate::facts::Registers;
use crate::judge::VoidOps;
use crate::lifecycle::{EventEntry, LifecycleEvent, LifecycleState};
use crate::scan::{MapOp, last_writes};

impl Report {
    /// The edits that write anew what of a change is void, as far as nobody who may has written over it
    /// since, and of its steps those that would count now. None where nothing of that would show.
    ///
    /// # Errors
    /// Nothing of such a change is void in the document.
    pub fn adoption(&self, change: &ChangeHash) -> Result<Vec<Edit>, EditError> {
        let state = self.state();
        let late = self.out_of_order(&state).remove(change);
        let Some((scanned, void)) = self.void_change(change) else {
            let late = late.ok_or(EditError::UnknownSave(*change))?;
            let steps = state.would_count(late).into_iter();
            return Ok(steps.map(Edit::Event).collect());
        };
        let mut counting = self.clone();
        if let Some(past) = &mut counting.past {
            Arc::make_mut(&mut past.voids).remove(change);
        }
        let would_show = |of| Shown {
            registers: counting.judged(of, None).unwrap_or_default(),
            void,
        };
        let (figures, notes) = (would_show(MapOf::Figures), would_show(MapOf::Notes));
        let mut edits = Vec::new();
        for (key, text) in figures.of(&scanned.figures) {
            let value = text.parse();
            edits.extend(value.map(|value| Edit::SetFigure { key, value }));
        }
        for (key, text) in notes.of(&scanned.notes) {
            edits.push(Edit::SetNote { key, text });
        }
        for (AttachmentKey(hash), text) in notes.of(&scanned.notes) {
            let named = Attachment::read(hash, &text);
            edits.push(named.map_or(Edit::Detach(hash), Edit::Attach));
        }
        let (now, then) = (self.texts(), counting.texts());
        let changed = then
            .into_iter()
            .filter(|(key, text)| now.get(key) != Some(text));
        edits.extend(changed.map(|((section, office), text)| Edit::SetText {
            section,
            office,
            text,
        }));
        let events = scanned.events.iter().filter(|op| void.holds(op.op.counter));
        let events = events.filter_map(|op| EventEntry::read(&op.key, op.op, &op.value));
        let events = events.map(|entry| entry.event);
        let steps = state.would_count(events.chain(late.into_iter().flatten()));
        edits.extend(steps.into_iter().map(Edit::Event));
        Ok(edits)
    }

    /// The steps that count nowhere because what they need was not before them, by the change that took them.
    #[must_use]
    pub fn out_of_order(
        &self,
        state: &LifecycleState,
    ) -> BTreeMap<ChangeHash, Vec<LifecycleEvent>> {
        let mut steps: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for entry in &state.out_of_order {
            if let Some(change) = self.change_of(entry.op) {
                steps.entry(change).or_default().push(entry.event.clone());
            }
        }
        steps
    }
}

/// What would show if a change counted.
struct Shown<'a> {
    registers: Registers,
    void: &'a VoidOps,
}

impl Shown<'_> {
    /// The last void writes of the change that would show, by key.
    fn of<K: FromStr>(&self, ops: &[MapOp]) -> Vec<(K, String)> {
        let last = last_writes(ops).into_values();
        let void = last.filter(|op| self.void.holds(op.op.counter));
        let shown = void.filter(|op| {
            let visible = self.registers.get(&op.key);
            visible.is_some_and(|facts| facts.iter().any(|fact| fact.op == op.op))
        });
        shown
            .filter_map(|op| Some((op.key.parse().ok()?, op.value.clone())))
            .collect()
    }
}
