//! What changes a tree after it was handed down: one dated fact each, in any order of arrival.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::encode::{push_facts, read_facts};
use super::limits::{EVENT_BYTES_MAX, EVENTS_MAX, PER_UNIT_MAX};
use super::text::{is_day, is_name, is_word, read_day, read_unit};
use super::unit::{Successor, day_after};
use crate::{Fault, UnitId};

/// First field of an encoded event; a change of the format changes the number.
const HEADER: &str = "hopluu-tree-event 1";

/// A dated change of the tree.
///
/// Events of one day are folded together: what begins, what is renamed, what moves, what ended on
/// the day before; so a reform is written as it is decided, without thinking of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum TreeEvent {
    /// A unit came into being on the day that is part of its identity.
    Began {
        /// The new unit.
        unit: UnitId,
        /// Its full official name.
        name: String,
        /// The id of its level.
        level: String,
        /// The word for its type.
        kind: String,
        /// The unit above it; none for a root.
        parent: Option<UnitId>,
    },
    /// A unit ceased to be.
    Ended {
        /// Which unit.
        unit: UnitId,
        /// The last day on which it existed.
        on: Date,
        /// Who took over, with exactly one heir; empty if nobody did.
        successors: Vec<Successor>,
    },
    /// A unit came below another parent.
    Moved {
        /// Which unit.
        unit: UnitId,
        /// The first day below the new parent.
        on: Date,
        /// The new parent.
        parent: UnitId,
    },
    /// A unit got another name or type.
    Renamed {
        /// Which unit.
        unit: UnitId,
        /// The first day of the new name.
        on: Date,
        /// The new full official name.
        name: String,
        /// The word for its type from then on.
        kind: String,
    },
}

/// Why an event does not hold.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum EventError {
    /// A name, word or day that breaks its grammar.
    #[error("its {0} cannot be used")]
    Text(&'static str),
    /// The unit is not in the tree (yet).
    #[error("{0} is not in this tree")]
    UnitUnknown(UnitId),
    /// The level is not declared.
    #[error("level `{0}` is not declared in this tree")]
    LevelUnknown(String),
    /// The unit is there with other facts.
    #[error("{0} began already, with other facts")]
    BeganOtherwise(UnitId),
    /// The unit has ended in another way.
    #[error("{unit} ended already, on {last} or with other successors")]
    EndedOtherwise {
        /// Which unit.
        unit: UnitId,
        /// Its last day.
        last: Date,
    },
    /// The unit moved elsewhere on that day.
    #[error("{0} moved to another parent on that day")]
    MovedOtherwise(UnitId),
    /// The unit was renamed otherwise on that day.
    #[error("{0} got another name on that day")]
    RenamedOtherwise(UnitId),
    /// The unit does not exist on the day of the event.
    #[error("{unit} does not exist on {on}, or began only then")]
    NotThen {
        /// Which unit.
        unit: UnitId,
        /// The day.
        on: Date,
    },
    /// The unit has a later move or name than its end.
    #[error("{0} moved or was renamed after that day")]
    ChangedLater(UnitId),
    /// A root cannot be put below another unit: it would be one more level.
    #[error("{0} is a root and stays one")]
    IsRoot(UnitId),
    /// The parent is of the same or a lower level.
    #[error("{0} is not of a higher level")]
    ParentNotHigher(UnitId),
    /// The parent does not exist as long as the unit would be below it.
    #[error("{0} does not exist as long as the unit would be below it")]
    ParentGone(UnitId),
    /// The unit still has another one below it, or is another one's successor, after that day.
    #[error("{0} still leans on it after that day")]
    StillNeeded(UnitId),
    /// A successor does not exist on the day after.
    #[error("successor {0} does not exist on the day after")]
    SuccessorGone(UnitId),
    /// Successors without exactly one heir, or one of them twice.
    #[error("of its successors, each once, exactly one must be heir")]
    HeirNotOne,
    /// A bound of the tree is reached.
    #[error("the tree has no room for more {0}")]
    Full(&'static str),
}

impl EventError {
    /// Who has to act: the registrar who wrote the event.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }

    /// Whether the event may come to hold when another one arrives.
    #[must_use]
    pub fn may_come_to_hold(&self) -> bool {
        matches!(
            self,
            Self::UnitUnknown(_)
                | Self::NotThen { .. }
                | Self::ParentGone(_)
                | Self::StillNeeded(_)
                | Self::SuccessorGone(_)
        )
    }
}

/// An event that is held but changes nothing, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoidEvent {
    /// The event.
    pub event: TreeEvent,
    /// What it lacks or contradicts.
    pub why: EventError,
}

/// Bytes that are not an encoded event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an encoded event of the tree: {0} cannot be read")]
pub struct EventDecodeError(&'static str);

impl EventDecodeError {
    /// Who has to act: encoded events come from other nodes.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

impl TreeEvent {
    /// The unit that the event is about: whoever is related to it needs the event.
    #[must_use]
    pub fn unit(&self) -> &UnitId {
        match self {
            Self::Began { unit, .. }
            | Self::Ended { unit, .. }
            | Self::Moved { unit, .. }
            | Self::Renamed { unit, .. } => unit,
        }
    }

    /// The first day on which the tree is another.
    #[must_use]
    pub fn takes_effect(&self) -> Date {
        match self {
            Self::Began { unit, .. } => unit.since,
            Self::Ended { on, .. } => day_after(*on),
            Self::Moved { on, .. } | Self::Renamed { on, .. } => *on,
        }
    }

    /// The event as one line of canonical text, fields parted by tabs; successors are sorted.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = vec![HEADER.to_owned()];
        match self {
            Self::Began {
                unit,
                name,
                level,
                kind,
                parent,
            } => {
                fields.push("began".to_owned());
                fields.extend([unit.to_string(), level.clone(), kind.clone(), name.clone()]);
                fields.extend(parent.as_ref().map(ToString::to_string));
            }
            Self::Ended {
                unit,
                on,
                successors,
            } => {
                fields.extend(["ended".to_owned(), unit.to_string(), on.to_string()]);
                let mut sorted: Vec<&Successor> = successors.iter().collect();
                sorted.sort_by(|a, b| a.unit.cmp(&b.unit));
                fields.extend(sorted.into_iter().map(|successor| {
                    let mut text = format!("{}/", successor.unit);
                    push_facts(&mut text, successor);
                    text
                }));
            }
            Self::Moved { unit, on, parent } => {
                fields.push("moved".to_owned());
                fields.extend([unit.to_string(), on.to_string(), parent.to_string()]);
            }
            Self::Renamed {
                unit,
                on,
                name,
                kind,
            } => {
                fields.extend(["renamed".to_owned(), unit.to_string(), on.to_string()]);
                fields.extend([kind.clone(), name.clone()]);
            }
        }
        let mut text = fields.join("\t");
        text.push('\n');
        text.into_bytes()
    }

    /// Reads what [`TreeEvent::encode`] wrote.
    ///
    /// # Errors
    /// The field that cannot be read. No other spelling is accepted.
    pub fn decode(bytes: &[u8]) -> Result<Self, EventDecodeError> {
        if bytes.len() > EVENT_BYTES_MAX {
            return Err(EventDecodeError("its length"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| EventDecodeError("its text"))?;
        let line = text.strip_suffix('\n').ok_or(EventDecodeError("its end"))?;
        let mut fields = line.split('\t');
        if fields.next() != Some(HEADER) {
            return Err(EventDecodeError("its header"));
        }
        let event = read(&mut fields)?;
        if event.encode() != bytes || event.check().is_err() {
            return Err(EventDecodeError("its spelling"));
        }
        Ok(event)
    }

    /// Holds an event from a person or a file to the same grammar as one from the wire.
    pub(super) fn check(&self) -> Result<(), EventError> {
        let fits = |fits: bool, what| {
            if fits {
                Ok(())
            } else {
                Err(EventError::Text(what))
            }
        };
        let is_unit = |unit: &UnitId| is_day(unit.since);
        fits(is_unit(self.unit()), "unit")?;
        match self {
            Self::Began {
                name,
                level,
                kind,
                parent,
                ..
            } => {
                fits(is_name(name), "name")?;
                fits(is_word(level), "level")?;
                fits(is_word(kind), "kind")?;
                fits(parent.iter().all(is_unit), "parent")
            }
            Self::Ended { on, successors, .. } => {
                fits(is_day(*on), "last day")?;
                fits(successors.len() <= PER_UNIT_MAX, "number of successors")?;
                fits(successors.iter().all(|one| is_unit(&one.unit)), "successor")
            }
            Self::Moved { on, parent, .. } => {
                fits(is_day(*on), "day")?;
                fits(is_unit(parent), "parent")
            }
            Self::Renamed { on, name, kind, .. } => {
                fits(is_day(*on), "day")?;
                fits(is_name(name), "name")?;
                fits(is_word(kind), "kind")
            }
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Began { .. } => 0,
            Self::Renamed { .. } => 1,
            Self::Moved { .. } => 2,
            Self::Ended { .. } => 3,
        }
    }
}

fn read<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Result<TreeEvent, EventDecodeError> {
    let what = fields.next().unwrap_or_default();
    let missing = EventDecodeError;
    let unit = fields
        .next()
        .and_then(read_unit)
        .ok_or(missing("its unit"))?;
    let mut text = |what| fields.next().ok_or(missing(what));
    if what == "began" {
        let level = text("its level")?.to_owned();
        let kind = text("its kind")?.to_owned();
        let name = text("its name")?.to_owned();
        let parent = match fields.next() {
            Some(parent) => Some(read_unit(parent).ok_or(missing("its parent"))?),
            None => None,
        };
        return Ok(TreeEvent::Began {
            unit,
            name,
            level,
            kind,
            parent,
        });
    }
    let on = read_day(text("its day")?).ok_or(missing("its day"))?;
    match what {
        "moved" => {
            let parent = read_unit(text("its parent")?).ok_or(missing("its parent"))?;
            Ok(TreeEvent::Moved { unit, on, parent })
        }
        "renamed" => {
            let kind = text("its kind")?.to_owned();
            let name = text("its name")?.to_owned();
            Ok(TreeEvent::Renamed {
                unit,
                on,
                name,
                kind,
            })
        }
        "ended" => {
            let one = |field: &str| {
                let (unit, facts) = field.split_once('/')?;
                read_facts(read_unit(unit)?, facts)
            };
            let successors: Option<_> = fields.take(PER_UNIT_MAX + 1).map(one).collect();
            let successors = successors.ok_or(missing("its successors"))?;
            Ok(TreeEvent::Ended {
                unit,
                on,
                successors,
            })
        }
        _ => Err(missing("what it says")),
    }
}

/// The order in which events are folded, whatever the order of their arrival: by the day they take
/// effect, then kind of event, then bytes.
type EventKey = (Date, u8, Vec<u8>);

/// The events that a tree holds, each once, in the order of folding.
#[derive(Debug, Clone, Default)]
pub(super) struct EventSet(BTreeMap<EventKey, TreeEvent>);

impl EventSet {
    /// Returns whether it is new.
    pub(super) fn insert(&mut self, event: TreeEvent) -> Result<bool, EventError> {
        event.check()?;
        let key = (event.takes_effect(), event.rank(), event.encode());
        if self.0.contains_key(&key) {
            return Ok(false);
        }
        if self.0.len() >= EVENTS_MAX {
            return Err(EventError::Full("events"));
        }
        self.0.insert(key, event);
        Ok(true)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &TreeEvent> {
        self.0.values()
    }
}
