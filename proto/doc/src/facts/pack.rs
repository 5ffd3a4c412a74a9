//! Facts as one packed row, readable without unpacking.
//!
//! | field | bytes |
//! | --- | --- |
//! | version | 1 byte, `1`; `2` where there are attachments |
//! | actors | varint count, then 8 bytes each, ascending |
//! | figures | varint count, then registers by key |
//! | events | varint count, then registers by key |
//! | void | varint count, then: operation, varint count, operations |
//! | attachments | in version 2: varint count, then registers by key |
//!
//! A register is: varint length and bytes of the key, then candidates by operation. A candidate is:
//! varint (length of the value × 2, plus 1 if another candidate follows), bytes of the value,
//! operation. An operation is: varint counter, varint index of its actor. Varints are LEB128 in
//! their shortest form.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{ActorId, Fault, Scalar};

use super::{FactOp, Facts, Registers};
use crate::figure::OpId;
use crate::leb128::{Reader, write_unsigned};
use crate::lifecycle::{EventEntry, LifecycleState};
use crate::limits::{FACTS_ACTORS_MAX, FACTS_BYTES_MAX};

const VERSION: u8 = 1;
/// The same with attachments behind it.
const VERSION_ATTACHED: u8 = 2;

/// A packed row that is none.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum FactsError {
    /// A version this program does not read.
    #[error("facts of unknown version {0}")]
    Version(u8),
    /// Cut, or longer than a row may be, or out of order.
    #[error("facts are damaged")]
    Damaged,
}

impl FactsError {
    /// Facts are written and read by the same node: they are made anew from the changes.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Bug
    }
}

impl Facts {
    /// The packed row. The same facts give the same bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let actors: Vec<ActorId> = self.actors().into_iter().collect();
        let is_attached = !self.attachments.is_empty();
        let mut out = vec![if is_attached {
            VERSION_ATTACHED
        } else {
            VERSION
        }];
        write_count(&mut out, actors.len());
        for actor in &actors {
            out.extend_from_slice(actor.as_bytes());
        }
        write_registers(&mut out, &actors, &self.figures);
        write_registers(&mut out, &actors, &self.events);
        write_count(&mut out, self.void.len());
        for (op, hides) in &self.void {
            write_op(&mut out, &actors, *op);
            write_count(&mut out, hides.len());
            for hidden in hides {
                write_op(&mut out, &actors, *hidden);
            }
        }
        if is_attached {
            write_registers(&mut out, &actors, &self.attachments);
        }
        out
    }

    /// Unpacks a row into what can follow changes. To read it only, [`FactsView`] is ten times
    /// faster.
    ///
    /// # Errors
    /// Anything but what [`Facts::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FactsError> {
        let view = FactsView::new(bytes)?;
        let mut reader = view.body;
        let figures = read_registers(&view, &mut reader)?;
        let events = read_registers(&view, &mut reader)?;
        let mut void = BTreeMap::new();
        for _ in 0..reader.count()? {
            let op = view.read_op(&mut reader)?;
            let mut hides = Vec::new();
            for _ in 0..reader.count()? {
                hides.push(view.read_op(&mut reader)?);
            }
            void.insert(op, hides);
        }
        let attachments = if view.is_attached {
            read_registers(&view, &mut reader)?
        } else {
            Registers::new()
        };
        let facts = Self {
            figures,
            events,
            attachments,
            void,
        };
        // One spelling only: order, duplicates and unused actors are settled by writing it again.
        if reader.is_empty() && facts.encode() == bytes {
            Ok(facts)
        } else {
            Err(FactsError::Damaged)
        }
    }

    fn actors(&self) -> BTreeSet<ActorId> {
        let registers = [&self.figures, &self.events, &self.attachments];
        let visible = registers.into_iter().flat_map(BTreeMap::values).flatten();
        let void = self
            .void
            .iter()
            .flat_map(|(op, hides)| hides.iter().chain([op]));
        visible
            .map(|fact| fact.op.actor)
            .chain(void.map(|op| op.actor))
            .collect()
    }
}

fn write_count(out: &mut Vec<u8>, count: usize) {
    write_unsigned(out, count as u64);
}

fn write_registers(out: &mut Vec<u8>, actors: &[ActorId], registers: &Registers) {
    write_count(out, registers.len());
    for (key, candidates) in registers {
        write_count(out, key.len());
        out.extend_from_slice(key.as_bytes());
        let last = candidates.len().saturating_sub(1);
        for (index, fact) in candidates.iter().enumerate() {
            write_count(out, fact.value.len() << 1 | usize::from(index < last));
            out.extend_from_slice(fact.value.as_bytes());
            write_op(out, actors, fact.op);
        }
    }
}

fn write_op(out: &mut Vec<u8>, actors: &[ActorId], op: OpId) {
    let actor = actors
        .binary_search(&op.actor)
        .expect("the table of actors is gathered from the same operations");
    write_unsigned(out, op.counter);
    write_count(out, actor);
}

fn read_registers<'a>(
    view: &FactsView<'a>,
    reader: &mut Reader<'a>,
) -> Result<Registers, FactsError> {
    let mut registers = Registers::new();
    for _ in 0..reader.count()? {
        let register = view.read_register(reader)?;
        let candidates = register
            .candidates()
            .map(|fact| FactOp {
                op: fact.op,
                value: fact.value.to_owned(),
            })
            .collect();
        registers.insert(register.key.to_owned(), candidates);
    }
    Ok(registers)
}

/// A packed row, read in place: nothing is allocated.
#[derive(Debug, Clone, Copy)]
pub struct FactsView<'a> {
    actors: &'a [[u8; 8]],
    is_attached: bool,
    body: Reader<'a>,
}

impl<'a> FactsView<'a> {
    /// Reads the head of a row; the rest is read as it is walked.
    ///
    /// # Errors
    /// A row of another version, or one whose head is damaged.
    pub fn new(bytes: &'a [u8]) -> Result<Self, FactsError> {
        if bytes.len() > FACTS_BYTES_MAX {
            return Err(FactsError::Damaged);
        }
        let mut body = Reader::new(bytes);
        let version = body.byte().map_err(|_| FactsError::Damaged)?;
        let is_attached = version == VERSION_ATTACHED;
        if version != VERSION && !is_attached {
            return Err(FactsError::Version(version));
        }
        let count = body.count()?;
        if count > FACTS_ACTORS_MAX {
            return Err(FactsError::Damaged);
        }
        let (actors, _) = body.take(count * ActorId::LEN)?.as_chunks();
        Ok(Self {
            actors,
            is_attached,
            body,
        })
    }

    /// The figures, by key. A damaged row ends the walk with an error.
    pub fn figures(&self) -> impl Iterator<Item = Result<RegisterView<'a>, FactsError>> + use<'a> {
        Walk {
            view: *self,
            reader: self.body,
            left: None,
        }
    }

    /// The lifecycle events, by key.
    ///
    /// # Errors
    /// A damaged row.
    pub fn events(&self) -> Result<Vec<RegisterView<'a>>, FactsError> {
        let mut reader = self.body;
        for _ in 0..reader.count()? {
            self.read_register(&mut reader)?;
        }
        (0..reader.count()?)
            .map(|_| self.read_register(&mut reader))
            .collect()
    }

    /// Where the document stands. Events of a later version of the program are passed over.
    ///
    /// # Errors
    /// A damaged row.
    pub fn state(&self) -> Result<LifecycleState, FactsError> {
        let events = self.events()?;
        Ok(LifecycleState::fold(events.iter().flat_map(|register| {
            register
                .candidates()
                .filter_map(|fact| EventEntry::read(register.key, fact.op, fact.value))
        })))
    }

    fn read_register(&self, reader: &mut Reader<'a>) -> Result<RegisterView<'a>, FactsError> {
        let length = reader.count()?;
        let key = text(reader.take(length)?)?;
        let (first, mut follows) = self.read_candidate(reader)?;
        let (others, has_others) = (*reader, follows);
        while follows {
            (_, follows) = self.read_candidate(reader)?;
        }
        Ok(RegisterView {
            key,
            first,
            view: *self,
            others,
            has_others,
        })
    }

    fn read_candidate(&self, reader: &mut Reader<'a>) -> Result<(FactView<'a>, bool), FactsError> {
        let head = reader.count()?;
        let value = text(reader.take(head >> 1)?)?;
        Ok((
            FactView {
                op: self.read_op(reader)?,
                value,
            },
            head & 1 == 1,
        ))
    }

    fn read_op(&self, reader: &mut Reader<'a>) -> Result<OpId, FactsError> {
        let counter = reader.unsigned()?;
        let actor = self
            .actors
            .get(reader.count()?)
            .ok_or(FactsError::Damaged)?;
        Ok(OpId {
            counter,
            actor: ActorId(*actor),
        })
    }
}

fn text(bytes: &[u8]) -> Result<&str, FactsError> {
    std::str::from_utf8(bytes).map_err(|_| FactsError::Damaged)
}

impl From<crate::leb128::ReadError> for FactsError {
    fn from(_: crate::leb128::ReadError) -> Self {
        Self::Damaged
    }
}

#[derive(Debug)]
struct Walk<'a> {
    view: FactsView<'a>,
    reader: Reader<'a>,
    left: Option<usize>,
}

impl<'a> Walk<'a> {
    fn step(&mut self) -> Result<Option<RegisterView<'a>>, FactsError> {
        let left = match self.left {
            Some(left) => left,
            None => self.reader.count()?,
        };
        self.left = Some(left.saturating_sub(1));
        if left == 0 {
            Ok(None)
        } else {
            Ok(Some(self.view.read_register(&mut self.reader)?))
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Result<RegisterView<'a>, FactsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.left = Some(0);
        }
        step.transpose()
    }
}

/// One register of a packed row.
#[derive(Debug, Clone, Copy)]
pub struct RegisterView<'a> {
    /// The key: a figure's, or an event's.
    pub key: &'a str,
    /// The first visible operation, and as a rule the only one.
    pub first: FactView<'a>,
    view: FactsView<'a>,
    others: Reader<'a>,
    has_others: bool,
}

impl<'a> RegisterView<'a> {
    /// Whether offices wrote apart.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.has_others
    }

    /// The visible operations, by operation; at least one.
    pub fn candidates(&self) -> impl Iterator<Item = FactView<'a>> + use<'a> {
        let (view, mut reader, mut more) = (self.view, self.others, self.has_others);
        let others = std::iter::from_fn(move || {
            if !more {
                return None;
            }
            // The register was walked once when it was made, so this cannot fail.
            let (fact, follows) = view.read_candidate(&mut reader).ok()?;
            more = follows;
            Some(fact)
        });
        std::iter::once(self.first).chain(others)
    }
}

/// One visible operation of a packed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactView<'a> {
    /// Which operation, and whose.
    pub op: OpId,
    /// The text it wrote.
    pub value: &'a str,
}

impl FactView<'_> {
    /// The figure it wrote; nothing if this version of the program does not read it.
    #[must_use]
    pub fn scalar(&self) -> Option<Scalar> {
        super::read_scalar(self.value)
    }
}
