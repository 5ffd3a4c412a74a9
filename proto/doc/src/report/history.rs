//! Who wrote what when, from the changes themselves.

use std::collections::BTreeMap;

use hopluu_model::{ActorId, ChangeHash, Digest, OfficeId, Timestamp};

use super::{Report, TextKey};
use crate::attachment::{Attachment, AttachmentKey};
use crate::edit::SaveMessage;
use crate::figure::{FigureKey, OpId};
use crate::layout::GENESIS_ACTOR;
use crate::lifecycle::{EventEntry, LifecycleEvent};
use crate::scan::{MapOp, ScanError, ScannedChange, TextObject, last_writes};

/// One save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its change.
    pub hash: ChangeHash,
    /// Who wrote; seals say whose actor it is.
    pub actor: ActorId,
    /// When, by the author's clock.
    pub at: Timestamp,
    /// For which office, as the author claimed.
    pub office: Option<OfficeId>,
    /// The author's own words.
    pub message: String,
    /// What it builds upon.
    pub deps: Vec<ChangeHash>,
    /// What it wrote, in order.
    pub touched: Vec<Touched>,
}

/// One thing that a save wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// A figure, as text.
    Figure(FigureKey, String),
    /// A note.
    Note(FigureKey, String),
    /// A text: so many characters inserted and deleted.
    Text {
        /// Which.
        key: TextKey,
        /// Characters inserted.
        inserted: u32,
        /// Characters deleted.
        deleted: u32,
    },
    /// A file that it now names.
    Attached(Attachment),
    /// A file that it no longer names, and how that was called; empty where nothing in this document says.
    Detached(Digest, String),
    /// A step of its life.
    Event(LifecycleEvent),
}

impl Report {
    /// All saves, each after those it builds upon, the same on every node.
    ///
    /// # Errors
    /// A change in the document is not what could have been admitted.
    pub fn history(&self) -> Result<Vec<HistoryEntry>, ScanError> {
        let texts = self.texts_by_object();
        let mut names = BTreeMap::new();
        Ok(self
            .changes()?
            .into_iter()
            .filter(|change| change.declares.is_none())
            .map(|change| entry(change, &texts, &mut names))
            .collect())
    }

    pub(super) fn texts_by_object(&self) -> BTreeMap<TextObject, TextKey> {
        let texts = self.text_objects().into_iter();
        texts
            .filter_map(|(key, id)| Some((text_object(&id)?, key)))
            .collect()
    }
}

pub(super) fn text_object(id: &automerge::ObjId) -> Option<TextObject> {
    let automerge::ObjId::Id(counter, actor, _) = id else {
        return None;
    };
    if actor.to_bytes() == GENESIS_ACTOR {
        return Some(TextObject::Genesis(*counter));
    }
    let actor = ActorId::try_from(actor.to_bytes()).ok()?;
    Some(TextObject::Derived(OpId {
        counter: *counter,
        actor,
    }))
}

/// `names` are those of attachments, as far as they have been said.
fn entry(
    change: ScannedChange,
    texts: &BTreeMap<TextObject, TextKey>,
    names: &mut BTreeMap<Digest, String>,
) -> HistoryEntry {
    let message = SaveMessage::read(change.message.as_deref());
    let touched = touched(&change, texts, names);
    HistoryEntry {
        hash: change.hash,
        actor: change.actor,
        at: change.time,
        office: message.office,
        message: message.text,
        touched: touched.into_iter().map(|(_, touched)| touched).collect(),
        deps: change.deps,
    }
}

/// By what something was written: an operation, or edits of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Op(OpId),
    Text(TextObject),
}

/// What a change wrote, in order. `names` are those of attachments, as far as they have been said.
pub(crate) fn touched(
    change: &ScannedChange,
    texts: &BTreeMap<TextObject, TextKey>,
    names: &mut BTreeMap<Digest, String>,
) -> Vec<(By, Touched)> {
    let keyed = |ops: &[MapOp], make: fn(FigureKey, String) -> Touched| -> Vec<(By, Touched)> {
        let last = last_writes(ops).into_values();
        last.filter_map(|op| Some((By::Op(op.op), make(op.key.parse().ok()?, op.value.clone()))))
            .collect()
    };
    let mut touched = keyed(&change.figures, Touched::Figure);
    touched.extend(keyed(&change.notes, Touched::Note));
    touched.extend(last_writes(&change.notes).into_values().filter_map(|op| {
        let AttachmentKey(hash) = op.key.parse().ok()?;
        let name = names.entry(hash).or_default();
        let Some(attachment) = Attachment::read(hash, &op.value) else {
            return Some((By::Op(op.op), Touched::Detached(hash, name.clone())));
        };
        name.clone_from(&attachment.name);
        Some((By::Op(op.op), Touched::Attached(attachment)))
    }));
    touched.extend(change.texts.iter().filter_map(|edit| {
        let key = texts.get(&edit.object)?.clone();
        let (inserted, deleted) = (edit.inserted, edit.deleted);
        let text = Touched::Text {
            key,
            inserted,
            deleted,
        };
        Some((By::Text(edit.object), text))
    }));
    touched.extend(change.events.iter().filter_map(|op| {
        let read = EventEntry::read(&op.key, op.op, &op.value)?;
        Some((By::Op(op.op), Touched::Event(read.event)))
    }));
    touched
}
