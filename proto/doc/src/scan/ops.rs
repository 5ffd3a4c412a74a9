//! What the operations of a change write, held against the layout of a report.

use std::collections::BTreeMap;

use hopluu_model::ActorId;

use super::columns::{Booleans, Columns, Deltas, Runs};
use super::parts::Parts;
use super::{InsertRun, MapOp, ScanError, ScanLimits, TextEdit, TextObject, key_at};
use crate::figure::OpId;
use crate::layout::{EVENTS, FIGURES, FIRST_TEXT, GENESIS_ACTOR, NOTES, TEXTS};
use crate::limits::{EVENT_BYTES_MAX, FIGURE_BYTES_MAX, MAP_KEY_BYTES_MAX, NOTE_BYTES_MAX};

pub(crate) const PUT: u64 = 1;
pub(crate) const DELETE: u64 = 3;
const MAKE_TEXT: u64 = 4;

pub(crate) const NULL: u64 = 0;
pub(crate) const TEXT: u64 = 6;

const DAMAGED: ScanError = ScanError::Damaged("an operation");
const OUTSIDE: ScanError = ScanError::OutsideSchema("an object that is no part of a report");

/// What the operations write.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) figures: Vec<MapOp>,
    pub(super) notes: Vec<MapOp>,
    pub(super) events: Vec<MapOp>,
    pub(super) texts: Vec<TextEdit>,
    pub(super) inserts: Vec<InsertRun>,
    pub(super) elements: Vec<(OpId, TextObject)>,
    pub(super) declares: Option<String>,
}

/// A reference by number and index of the actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ref {
    pub(crate) counter: u64,
    pub(crate) actor: u64,
}

/// What an operation stands at.
#[derive(Debug)]
pub(crate) enum Key<'a> {
    Text(&'a str),
    Head,
    Element(Ref),
}

/// An operation as it stands in the columns.
#[derive(Debug)]
pub(crate) struct RawOp<'a> {
    pub(crate) counter: u64,
    pub(crate) object: Option<Ref>,
    pub(crate) key: Key<'a>,
    pub(crate) insert: bool,
    action: u64,
    value_kind: u64,
    value: &'a [u8],
    pub(crate) preds: Vec<Ref>,
}

impl<'a> RawOp<'a> {
    /// The text that it writes, if it writes one.
    pub(crate) fn text(&self) -> Option<&'a str> {
        let is_text = self.action == PUT && self.value_kind == TEXT;
        std::str::from_utf8(self.value).ok().filter(|_| is_text)
    }

    /// Whether it deletes what it stands at.
    pub(crate) fn is_deletion(&self) -> bool {
        self.action == DELETE && self.value_kind == NULL && self.value.is_empty()
    }
}

/// Reads the columns in step.
pub(super) struct RawOps<'a> {
    object_actor: Runs<'a, u64>,
    object_counter: Runs<'a, u64>,
    key_actor: Runs<'a, u64>,
    key_counter: Deltas<'a>,
    key_text: Runs<'a, &'a str>,
    insert: Booleans<'a>,
    action: Runs<'a, u64>,
    value_meta: Runs<'a, u64>,
    value: crate::leb128::Reader<'a>,
    pred_count: Runs<'a, u64>,
    pred_actor: Runs<'a, u64>,
    pred_counter: Deltas<'a>,
}

impl<'a> RawOps<'a> {
    pub(super) fn new(columns: &Columns<'a>) -> Self {
        Self {
            object_actor: Runs::new(columns.object_actor),
            object_counter: Runs::new(columns.object_counter),
            key_actor: Runs::new(columns.key_actor),
            key_counter: Deltas::new(columns.key_counter),
            key_text: Runs::new(columns.key_text),
            insert: Booleans::new(columns.insert),
            action: Runs::new(columns.action),
            value_meta: Runs::new(columns.value_meta),
            value: crate::leb128::Reader::new(columns.value),
            pred_count: Runs::new(columns.pred_count),
            pred_actor: Runs::new(columns.pred_actor),
            pred_counter: Deltas::new(columns.pred_counter),
        }
    }

    /// Whether all values have been read.
    pub(super) fn is_empty(&self) -> bool {
        self.value.is_empty()
    }

    pub(super) fn next(&mut self, counter: u64) -> Result<RawOp<'a>, ScanError> {
        let object = match (self.object_actor.next()?, self.object_counter.next()?) {
            (None, None) => None,
            (Some(actor), Some(counter)) => Some(Ref { counter, actor }),
            _ => return Err(DAMAGED),
        };
        let key = match (
            self.key_actor.next()?,
            self.key_counter.next()?,
            self.key_text.next()?,
        ) {
            (None, None, Some(text)) => Key::Text(text),
            (None, Some(0), None) => Key::Head,
            (Some(actor), Some(counter), None) => Key::Element(Ref { counter, actor }),
            _ => return Err(DAMAGED),
        };
        let insert = self.insert.next()?;
        let action = self.action.next()?.ok_or(DAMAGED)?;
        let meta = self.value_meta.next()?.ok_or(DAMAGED)?;
        let length = usize::try_from(meta >> 4).map_err(|_| DAMAGED)?;
        let value = self.value.take(length).map_err(|_| DAMAGED)?;
        let count = self.pred_count.next()?.unwrap_or(0);
        // The sum of these was bounded before.
        let preds = (0..count)
            .map(|_| self.next_pred())
            .collect::<Result<_, _>>()?;
        Ok(RawOp {
            counter,
            object,
            key,
            insert,
            action,
            value_kind: meta & 15,
            value,
            preds,
        })
    }

    fn next_pred(&mut self) -> Result<Ref, ScanError> {
        match (self.pred_actor.next()?, self.pred_counter.next()?) {
            (Some(actor), Some(counter)) => Ok(Ref { counter, actor }),
            _ => Err(DAMAGED),
        }
    }
}

/// Reads and judges all operations of a change.
pub(super) fn read_ops(parts: &mut Parts<'_>, limits: &ScanLimits) -> Result<Writes, ScanError> {
    let mut reader = OpReader {
        actors: parts.head.actors.clone(),
        author: parts.head.actor,
        start_op: parts.head.start_op,
        is_alone: parts.ops() == 1,
        writes: Writes::default(),
        edits: BTreeMap::new(),
        text_bytes: 0,
        map_writes: 0,
        limits,
    };
    while let Some(op) = parts.next()? {
        reader.read(&op)?;
    }
    let OpReader {
        mut writes, edits, ..
    } = reader;
    writes.texts = edits.into_values().collect();
    writes.elements.sort_unstable();
    writes.elements.dedup();
    Ok(writes)
}

struct OpReader<'f> {
    /// The author first, then whoever else is named.
    actors: Vec<&'f [u8]>,
    author: ActorId,
    start_op: u64,
    /// Whether the change has one operation.
    is_alone: bool,
    writes: Writes,
    edits: BTreeMap<TextObject, TextEdit>,
    text_bytes: usize,
    map_writes: usize,
    limits: &'f ScanLimits,
}

impl OpReader<'_> {
    fn read(&mut self, op: &RawOp<'_>) -> Result<(), ScanError> {
        let object = op.object.ok_or(OUTSIDE)?;
        let mut unique = op.preds.clone();
        unique.sort_unstable();
        unique.dedup();
        if unique.len() != op.preds.len() {
            return Err(DAMAGED);
        }
        for before in op.preds.iter().chain([&object]) {
            self.check_order(op, *before)?;
        }
        let actor = self.actor_bytes(object)?;
        if actor != GENESIS_ACTOR {
            let object = TextObject::Derived(self.op_id(object)?);
            return self.read_text(op, object);
        }
        match object.counter {
            FIGURES => {
                let read = self.read_put(op, FIGURE_BYTES_MAX)?;
                self.check_own_preds(&self.writes.figures, &read)?;
                self.writes.figures.push(read);
            }
            NOTES => {
                let read = self.read_put(op, NOTE_BYTES_MAX)?;
                self.check_own_preds(&self.writes.notes, &read)?;
                self.writes.notes.push(read);
            }
            EVENTS => {
                let read = self.read_put(op, EVENT_BYTES_MAX)?;
                if !read.preds.is_empty() {
                    return Err(ScanError::OutsideSchema("an event over another"));
                }
                self.writes.events.push(read);
            }
            TEXTS => return self.read_declaration(op),
            FIRST_TEXT.. => return self.read_text(op, TextObject::Genesis(object.counter)),
            _ => return Err(OUTSIDE),
        }
        Ok(())
    }

    fn read_put(&mut self, op: &RawOp<'_>, bytes_max: usize) -> Result<MapOp, ScanError> {
        let Key::Text(key) = op.key else {
            return Err(DAMAGED);
        };
        if op.action != PUT || op.insert || op.value_kind != TEXT {
            return Err(ScanError::OutsideSchema("a write that is no text"));
        }
        self.map_writes += 1;
        if self.map_writes > self.limits.map_writes_max {
            return Err(ScanError::TooMany {
                what: "writes",
                count: self.map_writes as u64,
                max: self.limits.map_writes_max,
            });
        }
        if key.is_empty() || key.len() > MAP_KEY_BYTES_MAX {
            return Err(ScanError::OutsideSchema("a key of such a length"));
        }
        if op.value.len() > bytes_max {
            return Err(ScanError::TooMany {
                what: "bytes in a value",
                count: op.value.len() as u64,
                max: bytes_max,
            });
        }
        let preds = op
            .preds
            .iter()
            .map(|pred| self.op_id(*pred))
            .collect::<Result<_, _>>()?;
        Ok(MapOp {
            key: key.to_owned(),
            value: utf8(op.value)?.to_owned(),
            op: OpId {
                counter: op.counter,
                actor: self.author,
            },
            preds,
        })
    }

    /// A write supersedes writes of its own key only: here those of this very change, while earlier
    /// ones are looked up by whoever has the earlier changes. Automerge hides whatever is named, and
    /// panics when it is asked for the change again.
    fn check_own_preds(&self, before: &[MapOp], write: &MapOp) -> Result<(), ScanError> {
        let is_own = |pred: &&OpId| pred.actor == self.author && pred.counter >= self.start_op;
        let is_same = |pred: &OpId| key_at(before, pred.counter) == Some(write.key.as_str());
        if write.preds.iter().filter(is_own).all(is_same) {
            Ok(())
        } else {
            Err(ScanError::NotCausal)
        }
    }

    fn read_declaration(&mut self, op: &RawOp<'_>) -> Result<(), ScanError> {
        let Key::Text(key) = op.key else {
            return Err(DAMAGED);
        };
        let is_alone = self.is_alone && op.preds.is_empty();
        let is_empty = op.value_kind == NULL && op.value.is_empty();
        if op.action != MAKE_TEXT || op.insert || !is_alone || !is_empty {
            return Err(OUTSIDE);
        }
        if crate::layout::read_text_key(key).is_none() {
            return Err(ScanError::OutsideSchema("a text of no section"));
        }
        self.writes.declares = Some(key.to_owned());
        Ok(())
    }

    fn read_text(&mut self, op: &RawOp<'_>, object: TextObject) -> Result<(), ScanError> {
        if let Key::Element(element) = op.key {
            self.check_order(op, element)?;
            self.check_element(element, object)?;
        }
        let edit = self.edits.entry(object).or_insert(TextEdit {
            object,
            inserted: 0,
            deleted: 0,
        });
        match (op.action, op.insert, &op.key) {
            (PUT, true, Key::Head | Key::Element(_)) if op.preds.is_empty() => {
                let text = utf8(op.value)?;
                // One code point is one operation under the encoding of every document here.
                if op.value_kind != TEXT || text.chars().count() != 1 {
                    return Err(ScanError::OutsideSchema(
                        "a text element that is no character",
                    ));
                }
                self.text_bytes += text.len();
                if self.text_bytes > self.limits.text_bytes_max {
                    return Err(ScanError::TooMany {
                        what: "bytes of text",
                        count: self.text_bytes as u64,
                        max: self.limits.text_bytes_max,
                    });
                }
                edit.inserted += 1;
                self.note_insert(op.counter, object);
            }
            // A character has one operation, so that is what deleting it supersedes.
            (DELETE, false, Key::Element(element)) if op.preds == [*element] => {
                if op.value_kind != NULL || !op.value.is_empty() {
                    return Err(DAMAGED);
                }
                edit.deleted += 1;
            }
            _ => return Err(ScanError::OutsideSchema("a text edit that is no splice")),
        }
        Ok(())
    }

    /// What an operation refers to has a lower number, and others' operations lie before the change.
    fn check_order(&self, op: &RawOp<'_>, before: Ref) -> Result<(), ScanError> {
        let bound = if before.actor == 0 {
            op.counter
        } else {
            self.start_op
        };
        let known = usize::try_from(before.actor).is_ok_and(|at| at < self.actors.len());
        if !known {
            return Err(DAMAGED);
        }
        if before.counter == 0 || before.counter >= bound {
            return Err(ScanError::NotCausal);
        }
        Ok(())
    }

    /// An element of this very change must be one that it inserted into the same text; earlier ones
    /// are noted, to be looked up by whoever has the earlier changes.
    fn check_element(&mut self, element: Ref, object: TextObject) -> Result<(), ScanError> {
        let is_own = element.actor == 0 && element.counter >= self.start_op;
        if !is_own {
            let element = self.op_id(element)?;
            self.writes.elements.push((element, object));
            return Ok(());
        }
        if text_at(&self.writes.inserts, element.counter) == Some(object) {
            Ok(())
        } else {
            Err(ScanError::NotCausal)
        }
    }

    fn note_insert(&mut self, counter: u64, object: TextObject) {
        match self.writes.inserts.last_mut() {
            Some(run) if run.end == counter && run.object == object => run.end += 1,
            _ => self.writes.inserts.push(InsertRun {
                start: counter,
                end: counter + 1,
                object,
            }),
        }
    }

    fn actor_bytes(&self, reference: Ref) -> Result<&[u8], ScanError> {
        let index = usize::try_from(reference.actor).map_err(|_| DAMAGED)?;
        self.actors.get(index).copied().ok_or(DAMAGED)
    }

    fn op_id(&self, reference: Ref) -> Result<OpId, ScanError> {
        let actor = ActorId::try_from(self.actor_bytes(reference)?).map_err(|_| OUTSIDE)?;
        Ok(OpId {
            counter: reference.counter,
            actor,
        })
    }
}

/// The text that an operation of a change inserts into.
pub(super) fn text_at(inserts: &[InsertRun], counter: u64) -> Option<TextObject> {
    let after = inserts.partition_point(|run| run.end <= counter);
    let run = inserts.get(after)?;
    (run.start <= counter).then_some(run.object)
}

fn utf8(bytes: &[u8]) -> Result<&str, ScanError> {
    std::str::from_utf8(bytes).map_err(|_| ScanError::Damaged("a text that is no UTF-8"))
}
