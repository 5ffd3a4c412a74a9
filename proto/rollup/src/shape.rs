//! Who adds up to whom in one period: the units of the tree day that the form asks or that stand
//! above such, and the seats of documents in them.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_form::{Form, LevelRole};
use hopluu_model::{Date, UnitId, UnitTree};

use crate::document::Document;
use crate::limits::HEIR_STEPS_MAX;
use crate::lines::Part;

/// Which of the entered periods, one bit each.
pub(crate) type PartSet = u64;

/// One unit of the tree day.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) unit: UnitId,
    pub(crate) part: Part,
    pub(crate) parent: Option<usize>,
    pub(crate) children: Vec<usize>,
    /// The unit itself with all that it is heir of, then ended units without an heir below it.
    pub(crate) entities: Vec<Entity>,
}

/// What counts as one unit of the tree day.
#[derive(Debug, Default)]
pub(crate) struct Entity {
    pub(crate) members: Vec<Member>,
}

/// A unit whose documents count here.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) unit: UnitId,
    pub(crate) part: Part,
    /// In which parts of the period it existed on the last day: there it owes a document.
    pub(crate) existed: PartSet,
    /// By part of the period.
    pub(crate) documents: Vec<Option<Document>>,
}

impl Member {
    pub(crate) fn existed_in(&self, part: usize) -> bool {
        self.existed >> part & 1 == 1
    }

    pub(crate) fn document(&self, part: usize) -> Option<&Document> {
        self.documents.get(part)?.as_ref()
    }

    /// The parts of the period in which it owes a report and nobody answered.
    pub(crate) fn missing(&self) -> impl Iterator<Item = usize> {
        let parts = 0..self.documents.len();
        parts.filter(|part| {
            self.existed_in(*part) && !self.document(*part).is_some_and(|d| d.is_reported)
        })
    }
}

/// Where a unit's documents are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) node: usize,
    pub(crate) entity: usize,
    pub(crate) member: usize,
}

/// Why a document is in no total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unplaced {
    /// The tree does not know the unit.
    UnitUnknown,
    /// The unit does not exist on the tree day, and neither does an heir or a parent.
    NoHeir,
    /// Neither the unit nor its heir is asked this form.
    NotAsked,
}

/// What does not change while the totals of a period are kept.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) form: &'a Form,
    pub(crate) tree: &'a UnitTree,
    /// The last day of the whole window.
    pub(crate) day: Date,
    /// The last day of each entered period's.
    pub(crate) part_days: &'a [Date],
}

/// See the module. A parent stands before its children.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub(crate) nodes: Vec<Node>,
    pub(crate) seats: BTreeMap<UnitId, Seat>,
}

impl Shape {
    pub(crate) fn new(frame: &Frame<'_>, roots: &[UnitId]) -> Self {
        let mut shape = Self::default();
        for (unit, parent, part) in kept(walk(frame, roots)) {
            let at = shape.nodes.len();
            if let Some(above) = parent.and_then(|parent| shape.nodes.get_mut(parent)) {
                above.children.push(at);
            }
            let entity = Entity {
                members: vec![frame.member(&unit, part)],
            };
            let seat = Seat {
                node: at,
                entity: 0,
                member: 0,
            };
            shape.seats.insert(unit.clone(), seat);
            shape.nodes.push(Node {
                unit,
                part,
                parent,
                children: Vec::new(),
                entities: vec![entity],
            });
        }
        for day in frame.part_days.iter().filter(|day| **day != frame.day) {
            for unit in frame.tree.units_on(*day) {
                if !unit.exists_on(frame.day) {
                    // Who is asked nowhere owes nothing; a document of theirs is listed when it comes.
                    let _ = shape.seat(frame, &unit.id);
                }
            }
        }
        shape
    }

    /// The seat of a unit's documents, made if it is its first.
    pub(crate) fn seat(&mut self, frame: &Frame<'_>, unit: &UnitId) -> Result<Seat, Unplaced> {
        if let Some(seat) = self.seats.get(unit) {
            let is_asked = self
                .member(*seat)
                .is_some_and(|member| member.part.is_asked());
            return if is_asked {
                Ok(*seat)
            } else {
                Err(Unplaced::NotAsked)
            };
        }
        let (heir, is_heir) = frame.stand_in(unit)?;
        let node = self.seats.get(&heir).ok_or(Unplaced::NotAsked)?.node;
        let part = frame.part_of(unit, frame.last_day(unit));
        let here = self.nodes.get_mut(node).ok_or(Unplaced::NotAsked)?;
        if !part.is_asked() || !here.part.is_asked() {
            return Err(Unplaced::NotAsked);
        }
        let member = frame.member(unit, part);
        let entity = if is_heir { 0 } else { here.entities.len() };
        if !is_heir {
            here.entities.push(Entity::default());
        }
        let members = &mut here
            .entities
            .get_mut(entity)
            .ok_or(Unplaced::NotAsked)?
            .members;
        members.push(member);
        let seat = Seat {
            node,
            entity,
            member: members.len() - 1,
        };
        self.seats.insert(unit.clone(), seat);
        Ok(seat)
    }

    pub(crate) fn member(&self, seat: Seat) -> Option<&Member> {
        let node = self.nodes.get(seat.node)?;
        node.entities.get(seat.entity)?.members.get(seat.member)
    }

    pub(crate) fn member_mut(&mut self, seat: Seat) -> Option<&mut Member> {
        let node = self.nodes.get_mut(seat.node)?;
        node.entities
            .get_mut(seat.entity)?
            .members
            .get_mut(seat.member)
    }
}

impl Frame<'_> {
    fn member(&self, unit: &UnitId, part: Part) -> Member {
        let mut existed = 0;
        for (at, day) in self.part_days.iter().enumerate() {
            if part.is_asked() && self.tree.exists_on(unit, *day) {
                existed |= 1 << at;
            }
        }
        Member {
            unit: unit.clone(),
            part,
            existed,
            documents: vec![None; self.part_days.len()],
        }
    }

    fn part_of(&self, unit: &UnitId, on: Date) -> Part {
        let Some(unit) = self.tree.unit(unit) else {
            return Part::Passing;
        };
        match self.form.level_role(&unit.level) {
            None => Part::Passing,
            Some(LevelRole::Reporting) => Part::Reporting,
            Some(LevelRole::OwnPart) if self.tree.children(&unit.id, on).is_empty() => Part::Sole,
            Some(LevelRole::OwnPart) => Part::Above,
        }
    }

    fn last_day(&self, unit: &UnitId) -> Date {
        let ended = self.tree.unit(unit).and_then(|unit| unit.ended);
        ended.unwrap_or(self.day)
    }

    /// The unit of the tree day that a unit's documents count in, and whether as its heir: else it
    /// is the one that it was below when its line ended.
    fn stand_in(&self, unit: &UnitId) -> Result<(UnitId, bool), Unplaced> {
        let mut here = self.tree.unit(unit).ok_or(Unplaced::UnitUnknown)?;
        let mut is_heir = true;
        for _ in 0..HEIR_STEPS_MAX {
            if let Some(heir) = self.tree.heir_on(&here.id, self.day) {
                return Ok((heir.clone(), is_heir));
            }
            is_heir = false;
            let heirs = std::iter::successors(Some(here), |unit| self.tree.unit(unit.heir()?));
            let last = heirs.take(HEIR_STEPS_MAX).last().unwrap_or(here);
            let ended = last.ended.ok_or(Unplaced::NoHeir)?;
            let parent = self.tree.parent(&last.id, ended);
            here = parent
                .and_then(|parent| self.tree.unit(parent))
                .ok_or(Unplaced::NoHeir)?;
        }
        Err(Unplaced::NoHeir)
    }
}

type Step = (UnitId, Option<usize>, Part);

/// The roots with all that is below them on the tree day, and what is above them; parents first.
fn walk(frame: &Frame<'_>, roots: &[UnitId]) -> Vec<Step> {
    let roots: BTreeSet<&UnitId> = if roots.is_empty() {
        frame.tree.roots(frame.day).collect()
    } else {
        let on_day = |root| frame.tree.heir_on(root, frame.day);
        roots.iter().filter_map(on_day).collect()
    };
    let paths: Vec<_> = roots
        .iter()
        .map(|root| frame.tree.path(root, frame.day))
        .collect();
    let line: BTreeSet<&UnitId> = paths.iter().flatten().collect();
    let tops: BTreeSet<&UnitId> = paths.iter().filter_map(|path| path.first()).collect();
    let mut open: Vec<(&UnitId, Option<usize>, bool)> =
        tops.iter().rev().map(|top| (*top, None, false)).collect();
    let mut steps: Vec<Step> = Vec::new();
    while let Some((unit, parent, is_below)) = open.pop() {
        let is_below = is_below || roots.contains(unit);
        let part = if is_below {
            frame.part_of(unit, frame.day)
        } else {
            Part::Passing
        };
        let at = Some(steps.len());
        steps.push((unit.clone(), parent, part));
        let children = frame.tree.children(unit, frame.day);
        let on_line = |child: &&&UnitId| is_below || line.contains(**child);
        open.extend(
            children
                .iter()
                .rev()
                .filter(on_line)
                .map(|child| (*child, at, is_below)),
        );
    }
    steps
}

/// Without those that are asked nothing and have nobody below them who is.
fn kept(steps: Vec<Step>) -> Vec<Step> {
    let mut is_kept: Vec<bool> = steps.iter().map(|(_, _, part)| part.is_asked()).collect();
    for (at, (_, parent, _)) in steps.iter().enumerate().rev() {
        let above = parent.filter(|_| is_kept.get(at) == Some(&true));
        if let Some(above) = above.and_then(|above| is_kept.get_mut(above)) {
            *above = true;
        }
    }
    let mut moved: Vec<Option<usize>> = Vec::with_capacity(steps.len());
    let mut kept = Vec::with_capacity(steps.len());
    for ((unit, parent, part), is_kept) in steps.into_iter().zip(is_kept) {
        moved.push(is_kept.then_some(kept.len()));
        if is_kept {
            let parent = parent.and_then(|parent| moved.get(parent).copied().flatten());
            kept.push((unit, parent, part));
        }
    }
    kept
}
