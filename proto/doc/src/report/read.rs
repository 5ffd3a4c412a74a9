//! What a report says now.

use std::collections::BTreeMap;
use std::str::FromStr;

use automerge::{ObjId, ReadDoc};
use hopluu_model::{ActorId, ChangeHash, Digest, OfficeId, Scalar, SectionId, Timestamp};

use super::{MapOf, Report};
use crate::attachment::{Attachment, AttachmentKey};
use crate::edit::SaveMessage;
use crate::figure::{FigureKey, OpId};
use crate::layout::read_text_key;
use crate::lifecycle::{EventEntry, LifecycleState};
use crate::limits::{ATTACHMENTS_PER_DOC_MAX, EVENTS_READ_MAX};
use crate::marks::{Answer, AnswerKey};

/// Which section, and whose text of it.
pub type TextKey = (SectionId, OfficeId);

/// The visible values of one figure or note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// At least one, by operation.
    pub candidates: Vec<Candidate>,
}

/// One value that somebody wrote and nobody who saw it has written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The text as it stands in the document.
    pub value: String,
    /// The operation that wrote it.
    pub op: OpId,
    /// The save that it was part of.
    pub change: ChangeHash,
    /// When, by the author's clock.
    pub at: Timestamp,
    /// For which office, as the author claimed.
    pub office: Option<OfficeId>,
}

/// An attachment, and the save that named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// What is said of it.
    pub attachment: Attachment,
    /// Who said so and when: of several apart the one with the last operation.
    pub by: Candidate,
}

impl Register {
    /// The one value that all candidates agree on; nothing if it is not settled.
    #[must_use]
    pub fn agreed(&self) -> Option<&str> {
        let (first, rest) = self.candidates.split_first()?;
        rest.iter()
            .all(|other| other.value == first.value)
            .then_some(first.value.as_str())
    }

    /// Whether offices wrote different values apart and nobody has decided.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.agreed().is_none()
    }

    /// The figure that all candidates agree on.
    #[must_use]
    pub fn scalar(&self) -> Option<Scalar> {
        self.agreed()?.parse().ok()
    }
}

impl Report {
    /// Every figure that was ever written, with all values that stand.
    #[must_use]
    pub fn figures(&self) -> BTreeMap<FigureKey, Register> {
        self.registers(MapOf::Figures)
    }

    /// Every note that was ever written; a cleared one is empty.
    #[must_use]
    pub fn notes(&self) -> BTreeMap<FigureKey, Register> {
        self.registers(MapOf::Notes)
    }

    /// Every attachment that is named, by hash; one that was removed in one place and written anew apart
    /// is.
    #[must_use]
    pub fn attachments(&self) -> BTreeMap<Digest, Attached> {
        let registers: BTreeMap<AttachmentKey, Register> = self.registers(MapOf::Notes);
        let named = registers.into_iter().filter_map(|(key, register)| {
            let mut latest = register.candidates.into_iter().rev();
            latest.find_map(|by| {
                let attachment = Attachment::read(key.0, &by.value)?;
                Some((key.0, Attached { attachment, by }))
            })
        });
        named.take(ATTACHMENTS_PER_DOC_MAX).collect()
    }

    /// Every declared text by section and office, empty or not. One that a later minor version
    /// added is there once somebody wrote to it.
    #[must_use]
    pub fn texts(&self) -> BTreeMap<TextKey, String> {
        let read = |object: &ObjId| match self.words(object, None) {
            Some(words) => Some(words.text()),
            None => self.doc.text(object).ok(),
        };
        let objects = self.text_objects().into_iter();
        objects
            .filter_map(|(key, object)| Some((key, read(&object)?)))
            .collect()
    }

    /// The lifecycle events in the order of their operations: at most the last
    /// [`EVENTS_READ_MAX`].
    #[must_use]
    pub fn events(&self) -> Vec<EventEntry> {
        let mut entries = self.entries(MapOf::Events);
        entries.sort_by_key(|(_, _, op)| *op);
        let over = entries.len().saturating_sub(EVENTS_READ_MAX);
        let last = entries.into_iter().skip(over);
        last.filter_map(|(key, value, op)| EventEntry::read(&key, op, &value))
            .collect()
    }

    /// Where the report stands.
    #[must_use]
    pub fn state(&self) -> LifecycleState {
        LifecycleState::fold(self.events())
    }

    /// What became of the void part of changes, as far as somebody has said so.
    #[must_use]
    pub fn answers(&self) -> BTreeMap<ChangeHash, Answer> {
        let registers: BTreeMap<AnswerKey, Register> = self.registers(MapOf::Notes);
        let said = registers.into_iter().filter_map(|(key, register)| {
            let last = register.candidates.last()?;
            Some((key.0, Answer::read(&last.value)?))
        });
        said.collect()
    }

    /// All visible entries of a map: key, value, operation.
    pub(super) fn entries(&self, of: MapOf) -> Vec<(String, String, OpId)> {
        if let Some(registers) = self.judged(of, None) {
            let registers = registers.into_iter();
            return registers
                .flat_map(|(key, ops)| ops.into_iter().map(move |one| (key.clone(), one)))
                .map(|(key, one)| (key, one.value, one.op))
                .collect();
        }
        let map = self.objects.map(of);
        let entries = self.doc.keys(map).flat_map(|key| {
            let all = self.doc.get_all(map, key.as_str()).unwrap_or_default();
            all.into_iter().filter_map(move |(value, id)| {
                Some((key.clone(), value.into_string().ok()?, op_id(&id)?))
            })
        });
        entries.collect()
    }

    fn registers<K: FromStr + Ord>(&self, map: MapOf) -> BTreeMap<K, Register> {
        let mut registers: BTreeMap<K, Register> = BTreeMap::new();
        for (key, value, op) in self.entries(map) {
            let Ok(key) = key.parse() else { continue };
            let register = registers.entry(key).or_insert_with(|| Register {
                candidates: Vec::new(),
            });
            register.candidates.extend(self.candidate(value, op));
        }
        for register in registers.values_mut() {
            register.candidates.sort_by_key(|candidate| candidate.op);
        }
        registers
    }

    fn candidate(&self, value: String, op: OpId) -> Option<Candidate> {
        let change = self.change_of(op)?;
        let hash = automerge::ChangeHash(change.0);
        let meta = self.doc.get_change_meta_by_hash(&hash)?;
        Some(Candidate {
            value,
            op,
            change,
            at: Timestamp(meta.timestamp),
            office: SaveMessage::read(meta.message.as_deref()).office,
        })
    }

    /// The change that an operation is of.
    pub(super) fn change_of(&self, op: OpId) -> Option<ChangeHash> {
        let id = ObjId::Id(op.counter, automerge::ActorId::from(op.actor.0), 0);
        let hash = self.doc.hash_for_opid(&id)?;
        Some(ChangeHash(hash.0))
    }

    pub(super) fn text_objects(&self) -> BTreeMap<TextKey, ObjId> {
        self.doc
            .keys(&self.objects.texts)
            .filter_map(|key| {
                let (_, object) = self.doc.get(&self.objects.texts, key.as_str()).ok()??;
                Some((read_text_key(&key)?, object))
            })
            .collect()
    }
}

/// An operation of an author; nothing for those of genesis.
pub(super) fn op_id(id: &ObjId) -> Option<OpId> {
    match id {
        ObjId::Id(counter, actor, _) => {
            let actor = ActorId::try_from(actor.to_bytes()).ok()?;
            Some(OpId {
                counter: *counter,
                actor,
            })
        }
        ObjId::Root => None,
    }
}
