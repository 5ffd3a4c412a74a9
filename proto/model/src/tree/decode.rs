//! The canonical text of a tree back into the tree, bounded.

use std::sync::OnceLock;

use jiff::civil::Date;

use super::encode::{HEADER, read_facts};
use super::index::key;
use super::limits::{LEVELS_MAX, PER_UNIT_MAX, SCOPE_MAX, TREE_BYTES_MAX, UNITS_MAX};
use super::text::{is_name, is_word, read_day, read_unit};
use super::unit::{Former, Level, ParentSpan, Successor, Unit};
use super::{TreeFlaw, UnitTree};
use crate::{Digest, Fault, UnitId};

/// Bytes that are not an encoded tree.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the encoded tree is wrong in line {line}")]
pub struct TreeDecodeError {
    /// The line, from 1; 0 where no line can be named.
    pub line: usize,
    /// What is wrong there.
    #[source]
    pub problem: DecodeProblem,
}

impl TreeDecodeError {
    /// Who has to act: an encoded tree comes from a superior's node, never from a person.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

/// What is wrong in an encoded tree.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecodeProblem {
    /// Longer than a tree may be.
    #[error("more than {TREE_BYTES_MAX} bytes")]
    TooLong,
    /// Not text.
    #[error("not UTF-8")]
    NotText,
    /// Another format, or another version of it.
    #[error("the first line is not `{HEADER}`")]
    Header,
    /// Too many of something.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// A field that breaks its grammar.
    #[error("the {0} cannot be read")]
    Field(&'static str),
    /// A unit before any `since` line, or a line that means nothing.
    #[error("a line out of place")]
    OutOfPlace,
    /// Readable, but no tree.
    #[error(transparent)]
    Flaw(#[from] TreeFlaw),
    /// A tree in another spelling than its canonical one.
    #[error("not the canonical spelling")]
    NotCanonical,
}

impl UnitTree {
    /// Reads what [`UnitTree::encode`] wrote.
    ///
    /// # Errors
    /// The first line that is wrong. Nothing that was not written by `encode` is accepted.
    pub fn decode(bytes: &[u8]) -> Result<Self, TreeDecodeError> {
        let wrong = |line, problem| TreeDecodeError { line, problem };
        if bytes.len() > TREE_BYTES_MAX {
            return Err(wrong(0, DecodeProblem::TooLong));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong(0, DecodeProblem::NotText))?;
        let mut draft = Draft::default();
        for (number, line) in (1..).zip(text.lines()) {
            let read = draft.read(number, line);
            read.map_err(|problem| wrong(number, problem))?;
        }
        if !draft.is_started {
            return Err(wrong(1, DecodeProblem::Header));
        }
        let ids: Vec<u128> = draft.units.iter().map(|unit| key(&unit.id)).collect();
        let assembled = Self::of(draft.levels, draft.scope, draft.units);
        let tree = assembled.map_err(|flaw| wrong(line_of(text, &ids, &flaw.unit), flaw.into()))?;
        if tree.scope.iter().any(|root| tree.unit(root).is_none()) {
            return Err(wrong(0, DecodeProblem::Field("scope")));
        }
        if tree.encode() != bytes {
            return Err(wrong(0, DecodeProblem::NotCanonical));
        }
        let version = OnceLock::from(Digest(*blake3::hash(bytes).as_bytes()));
        Ok(Self { version, ..tree })
    }
}

/// What was read so far.
#[derive(Default)]
struct Draft {
    is_started: bool,
    levels: Vec<Level>,
    scope: Vec<UnitId>,
    section: Option<(Date, bool)>,
    units: Vec<Unit>,
}

impl Draft {
    fn read(&mut self, number: usize, line: &str) -> Result<(), DecodeProblem> {
        if number == 1 {
            self.is_started = line == HEADER;
            return if self.is_started {
                Ok(())
            } else {
                Err(DecodeProblem::Header)
            };
        }
        let mut fields = line.split('\t');
        let first = fields.next().unwrap_or_default();
        match first {
            "level" => {
                let level = read_level(fields);
                let is_new = |level: &Level| self.levels.iter().all(|known| known.id != level.id);
                let level = level.filter(is_new).ok_or(DecodeProblem::Field("level"))?;
                self.levels.push(level);
                bound(self.levels.len(), LEVELS_MAX, "levels")
            }
            "scope" => {
                let root = fields.next().and_then(read_unit);
                self.scope.push(root.ok_or(DecodeProblem::Field("scope"))?);
                bound(self.scope.len(), SCOPE_MAX, "roots")
            }
            "since" => {
                let since = fields.next().and_then(read_day);
                let since = since.ok_or(DecodeProblem::Field("day"))?;
                self.section = Some((since, fields.next() == Some("open")));
                Ok(())
            }
            code => {
                let section = self.section.ok_or(DecodeProblem::OutOfPlace)?;
                self.units.push(read_line(section, code, fields)?);
                bound(self.units.len(), UNITS_MAX, "units")
            }
        }
    }
}

/// The line of a unit, looked for only when it is wrong; `ids` are in the order of the lines.
fn line_of(text: &str, ids: &[u128], id: &UnitId) -> usize {
    let is_unit = |line: &str| {
        let first = line.split('\t').next().unwrap_or_default();
        !matches!(first, "level" | "scope" | "since" | HEADER)
    };
    let lines = (1..).zip(text.lines()).filter(|(_, line)| is_unit(line));
    let at = ids.iter().rposition(|known| *known == key(id));
    at.and_then(|at| lines.map(|(number, _)| number).nth(at))
        .unwrap_or(0)
}

fn bound(count: usize, max: usize, what: &'static str) -> Result<(), DecodeProblem> {
    if count > max {
        Err(DecodeProblem::TooMany(what))
    } else {
        Ok(())
    }
}

fn read_level<'a>(mut fields: impl Iterator<Item = &'a str>) -> Option<Level> {
    let id = fields.next().filter(|id| is_word(id))?.to_owned();
    let vi = fields.next().filter(|name| is_name(name))?.to_owned();
    let en = fields.next().filter(|name| is_name(name))?.to_owned();
    Some(Level { id, vi, en })
}

fn read_line<'a>(
    (since, open_past): (Date, bool),
    code: &str,
    mut fields: impl Iterator<Item = &'a str>,
) -> Result<Unit, DecodeProblem> {
    let field = DecodeProblem::Field;
    let code = code.parse().map_err(|_| field("code"))?;
    let level = fields.next().filter(|level| is_word(level));
    let kind = fields.next().filter(|kind| is_word(kind));
    let name = fields.next().filter(|name| is_name(name));
    let ended = match fields.next().unwrap_or_default() {
        "" => None,
        day => Some(read_day(day).ok_or(field("last day"))?),
    };
    let parents = read_parents(fields.next().unwrap_or_default(), since);
    let successors = read_successors(fields.next().unwrap_or_default(), since);
    let former: Option<Vec<Former>> = fields.take(PER_UNIT_MAX + 1).map(read_former).collect();
    Ok(Unit {
        id: UnitId { code, since },
        name: name.ok_or(field("name"))?.to_owned(),
        level: level.ok_or(field("level"))?.to_owned(),
        kind: kind.ok_or(field("kind"))?.to_owned(),
        open_past,
        ended,
        former: former.ok_or(field("former name"))?,
        parents: parents.ok_or(field("parent"))?,
        successors: successors.ok_or(field("successor"))?,
    })
}

fn read_ref(text: &str, since: Date) -> Option<UnitId> {
    if text.contains('@') {
        return read_unit(text);
    }
    let code = text.parse().ok()?;
    Some(UnitId { code, since })
}

fn read_parents(text: &str, since: Date) -> Option<Vec<ParentSpan>> {
    let parts = text.split(' ').filter(|part| !part.is_empty());
    let span = |part: &str| {
        let (from, unit) = match part.split_once('>') {
            Some((from, unit)) => (read_day(from)?, unit),
            None => (since, part),
        };
        let unit = read_ref(unit, since)?;
        Some(ParentSpan { from, unit })
    };
    exact(parts.take(PER_UNIT_MAX + 1).map(span))
}

/// Collects without room to spare: nearly every list has one item and stays for good.
fn exact<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let mut list = items.collect::<Option<Vec<T>>>()?;
    list.shrink_to_fit();
    Some(list)
}

fn read_successors(text: &str, since: Date) -> Option<Vec<Successor>> {
    let parts = text.split(' ').filter(|part| !part.is_empty());
    let successor = |part: &str| {
        let (unit, facts) = part.split_once('/')?;
        read_facts(read_ref(unit, since)?, facts)
    };
    exact(parts.take(PER_UNIT_MAX + 1).map(successor))
}

fn read_former(text: &str) -> Option<Former> {
    let mut parts = text.splitn(3, ' ');
    let until = parts.next().and_then(read_day)?;
    let kind = parts.next().filter(|kind| is_word(kind))?.to_owned();
    let name = parts.next().filter(|name| is_name(name))?.to_owned();
    Some(Former { until, name, kind })
}
