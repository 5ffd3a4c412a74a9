//! What a void change said, as edits that write it in one's own name.

use std::str::FromStr;
use std::sync::Arc;

use hopluu_model::ChangeHash;

use super::{MapOf, Report};
use crate::attachment::{Attachment, AttachmentKey};
use crate::edit::{Edit, EditError};
use crate::facts::Registers;
use crate::judge::VoidOps;
use crate::lifecycle::EventEntry;
use crate::scan::{MapOp, last_writes};

impl Report {
    /// The edits that write anew what of a change is void, as far as nobody who may has written over it
    /// since. None where nothing of it is, or nothing of that would show.
    ///
    /// # Errors
    /// The document does not hold the change.
    pub fn adoption(&self, change: &ChangeHash) -> Result<Vec<Edit>, EditError> {
        let Some((scanned, void)) = self.void_change(change) else {
            return Err(EditError::UnknownSave(*change));
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
        edits.extend(events.map(|entry| Edit::Event(entry.event)));
        Ok(edits)
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
