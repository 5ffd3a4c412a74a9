//! Folds the set of events onto the base: a pure function of both.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::UnitTree;
use super::event::{EventError, TreeEvent, VoidEvent};
use super::index::key;
use super::limits::{LEVELS_MAX, PER_UNIT_MAX, UNITS_MAX};
use super::unit::{Former, Level, ParentSpan, Successor, Unit, day_after, day_before};
use crate::UnitId;

impl UnitTree {
    /// Takes one more event into the set that this tree is folded from.
    ///
    /// The result depends on the set alone, never on the order of arrival: events are folded by
    /// the day they take effect. An event that does not hold (yet) is kept without effect, is
    /// listed by [`Self::void_events`] and takes effect once what it leans on has arrived; one
    /// that the tree already says is no change.
    ///
    /// # Errors
    /// Why this event has no effect in the tree as it is now. Only [`EventError::Text`] and
    /// [`EventError::Full`] mean that it is not kept either.
    pub fn apply(&mut self, event: &TreeEvent) -> Result<(), EventError> {
        self.apply_all([event])?;
        why_void(&self.void, event)
    }

    /// Takes many events at once, which is one fold instead of one for each.
    ///
    /// # Errors
    /// [`EventError::Text`] or [`EventError::Full`]: then none of them is taken. Events that
    /// merely do not hold are in [`Self::void_events`].
    pub fn apply_all<'a>(
        &mut self,
        events: impl IntoIterator<Item = &'a TreeEvent>,
    ) -> Result<(), EventError> {
        let mut set = self.events.clone();
        let mut is_changed = false;
        for event in events {
            is_changed |= set.insert(event.clone())?;
        }
        if !is_changed {
            return Ok(());
        }
        let base = self.base.as_ref().unwrap_or(&self.units);
        let mut fold = Fold::new(&self.levels, base);
        fold.run(set.iter());
        let units = fold.units.into_values().collect();
        let folded = Self::assemble(self.levels.clone(), self.scope.clone(), units);
        // Only the bound on units above one another is left to be broken here.
        let folded = folded.map_err(|_| EventError::Full("units above one another"))?;
        *self = Self {
            base: Some(base.clone()),
            events: set,
            void: fold.void,
            ..folded
        };
        Ok(())
    }

    /// Whether an event would hold if it were applied now: for the person who writes it.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, event: &TreeEvent) -> Result<(), EventError> {
        let mut set = self.events.clone();
        set.insert(event.clone())?;
        let mut fold = Fold::new(&self.levels, self.base.as_ref().unwrap_or(&self.units));
        fold.run(set.iter());
        why_void(&fold.void, event)
    }

    /// The events that are held without effect, in the order of folding.
    #[must_use]
    pub fn void_events(&self) -> &[VoidEvent] {
        &self.void
    }
}

/// Compared by their text, in which successors are sorted.
fn why_void(void: &[VoidEvent], event: &TreeEvent) -> Result<(), EventError> {
    let text = event.encode();
    let mine = void.iter().find(|void| void.event.encode() == text);
    mine.map_or(Ok(()), |void| Err(void.why.clone()))
}

struct Fold<'a> {
    levels: &'a [Level],
    units: BTreeMap<u128, Arc<Unit>>,
    /// For each unit those that ever had it as parent or successor; made when first needed.
    leaning: Option<BTreeMap<u128, Vec<u128>>>,
    void: Vec<VoidEvent>,
}

impl<'a> Fold<'a> {
    fn new(levels: &'a [Level], base: &[Arc<Unit>]) -> Self {
        let units = base.iter().map(|unit| (key(&unit.id), Arc::clone(unit)));
        Self {
            levels,
            units: units.collect(),
            leaning: None,
            void: Vec::new(),
        }
    }

    fn run<'e>(&mut self, events: impl Iterator<Item = &'e TreeEvent>) {
        let mut events = events.peekable();
        while let Some(first) = events.next() {
            let day = first.takes_effect();
            let same_day = std::iter::from_fn(|| events.next_if(|next| next.takes_effect() == day));
            let group: Vec<&TreeEvent> = std::iter::once(first).chain(same_day).collect();
            self.run_day(group);
        }
    }

    /// Events of one day may lean on each other (a district before its communes), at most as deep
    /// as a tree is.
    fn run_day(&mut self, mut open: Vec<&TreeEvent>) {
        for _ in 0..=LEVELS_MAX {
            let before = open.len();
            open.retain(|event| self.take(event).is_err());
            if open.is_empty() || open.len() == before {
                break;
            }
        }
        for event in open {
            if let Err(why) = self.take(event) {
                self.void.push(VoidEvent {
                    event: event.clone(),
                    why,
                });
            }
        }
    }

    fn take(&mut self, event: &TreeEvent) -> Result<(), EventError> {
        match event {
            TreeEvent::Began { .. } => self.begin(event),
            TreeEvent::Ended {
                unit,
                on,
                successors,
            } => self.end(unit, *on, successors),
            TreeEvent::Moved { unit, on, parent } => self.shift(unit, *on, parent),
            TreeEvent::Renamed {
                unit,
                on,
                name,
                kind,
            } => self.rename(unit, *on, name, kind),
        }
    }

    fn unit(&self, id: &UnitId) -> Result<&Arc<Unit>, EventError> {
        let unit = self.units.get(&key(id));
        unit.ok_or_else(|| EventError::UnitUnknown(id.clone()))
    }

    fn put(&mut self, unit: Unit) {
        self.units.insert(key(&unit.id), Arc::new(unit));
    }

    fn begin(&mut self, event: &TreeEvent) -> Result<(), EventError> {
        let TreeEvent::Began {
            unit,
            name,
            level,
            kind,
            parent,
        } = event
        else {
            return Ok(());
        };
        if let Ok(known) = self.unit(unit) {
            let since = unit.since;
            let is_same = !known.open_past
                && known.name_on(since) == name
                && known.kind_on(since) == kind
                && known.level == *level
                && known.parent_on(since) == parent.as_ref();
            return if is_same {
                Ok(())
            } else {
                Err(EventError::BeganOtherwise(unit.clone()))
            };
        }
        if !self.levels.iter().any(|known| known.id == *level) {
            return Err(EventError::LevelUnknown(level.clone()));
        }
        if self.units.len() >= UNITS_MAX {
            return Err(EventError::Full("units"));
        }
        if let Some(parent) = parent {
            self.check_parent(level, parent, (unit.since, Date::MAX))?;
            self.lean(parent, unit);
        }
        let span = |parent: &UnitId| ParentSpan {
            from: unit.since,
            unit: parent.clone(),
        };
        self.put(Unit {
            id: unit.clone(),
            name: name.clone(),
            level: level.clone(),
            kind: kind.clone(),
            open_past: false,
            ended: None,
            former: Vec::new(),
            parents: parent.iter().map(span).collect(),
            successors: Vec::new(),
        });
        Ok(())
    }

    fn end(&mut self, id: &UnitId, on: Date, successors: &[Successor]) -> Result<(), EventError> {
        let unit = self.unit(id)?;
        let mut sorted = successors.to_vec();
        sorted.sort_by(|a, b| a.unit.cmp(&b.unit));
        if let Some(last) = unit.ended {
            return if last == on && unit.successors == sorted {
                Ok(())
            } else {
                let unit = id.clone();
                Err(EventError::EndedOtherwise { unit, last })
            };
        }
        if on < id.since {
            let unit = id.clone();
            return Err(EventError::NotThen { unit, on });
        }
        let is_changed_later = unit.parents.iter().any(|span| span.from > on)
            || unit.former.iter().any(|former| former.until >= on);
        if is_changed_later {
            return Err(EventError::ChangedLater(id.clone()));
        }
        let heirs = sorted.iter().filter(|successor| successor.heir).count();
        if !sorted.is_sorted_by(|a, b| a.unit < b.unit) || heirs != usize::from(!sorted.is_empty())
        {
            return Err(EventError::HeirNotOne);
        }
        for successor in &sorted {
            let taker = self.unit(&successor.unit)?;
            if successor.unit == *id || !taker.exists_on(day_after(on)) {
                return Err(EventError::SuccessorGone(successor.unit.clone()));
            }
        }
        let mut unit = Unit::clone(unit);
        if let Some(leaning) = self.still_leaning(id, on) {
            return Err(EventError::StillNeeded(leaning));
        }
        for successor in &sorted {
            self.lean(&successor.unit, id);
        }
        unit.ended = Some(on);
        unit.successors = sorted;
        self.put(unit);
        Ok(())
    }

    fn shift(&mut self, id: &UnitId, on: Date, parent: &UnitId) -> Result<(), EventError> {
        let unit = self.unit(id)?;
        if let Some(span) = unit.parents.iter().find(|span| span.from == on) {
            return if span.unit == *parent {
                Ok(())
            } else {
                Err(EventError::MovedOtherwise(id.clone()))
            };
        }
        if unit.parents.is_empty() {
            return Err(EventError::IsRoot(id.clone()));
        }
        if on <= id.since || !unit.exists_on(on) {
            let unit = id.clone();
            return Err(EventError::NotThen { unit, on });
        }
        if unit.parent_on(on) == Some(parent) {
            return Ok(());
        }
        if unit.parents.len() >= PER_UNIT_MAX {
            return Err(EventError::Full("parents of one unit"));
        }
        let at = unit.parents.partition_point(|span| span.from < on);
        let next = unit.parents.get(at);
        let last = next.map_or(unit.last_day(), |next| day_before(next.from));
        let mut unit = Unit::clone(unit);
        self.check_parent(&unit.level, parent, (on, last))?;
        self.lean(parent, id);
        let span = ParentSpan {
            from: on,
            unit: parent.clone(),
        };
        unit.parents.insert(at, span);
        // A later move to where it now is already says nothing more.
        unit.parents
            .dedup_by(|later, earlier| later.unit == earlier.unit);
        self.put(unit);
        Ok(())
    }

    fn rename(&mut self, id: &UnitId, on: Date, name: &str, kind: &str) -> Result<(), EventError> {
        let unit = self.unit(id)?;
        if on <= id.since || !unit.exists_on(on) {
            let unit = id.clone();
            return Err(EventError::NotThen { unit, on });
        }
        if unit.name_on(on) == name && unit.kind_on(on) == kind {
            return Ok(());
        }
        let eve = day_before(on);
        if unit.former.iter().any(|former| former.until == eve) {
            return Err(EventError::RenamedOtherwise(id.clone()));
        }
        if unit.former.len() >= PER_UNIT_MAX {
            return Err(EventError::Full("names of one unit"));
        }
        let mut unit = Unit::clone(unit);
        let old = Former {
            until: eve,
            name: unit.name_on(on).to_owned(),
            kind: unit.kind_on(on).to_owned(),
        };
        let at = unit.former.partition_point(|former| former.until < on);
        if let Some(later) = unit.former.get_mut(at) {
            (later.name, later.kind) = (name.to_owned(), kind.to_owned());
        } else {
            (unit.name, unit.kind) = (name.to_owned(), kind.to_owned());
        }
        unit.former.insert(at, old);
        join_names(&mut unit);
        self.put(unit);
        Ok(())
    }

    fn check_parent(
        &self,
        level: &str,
        parent: &UnitId,
        (from, last): (Date, Date),
    ) -> Result<(), EventError> {
        let above = self.unit(parent)?;
        let rank = |id: &str| self.levels.iter().position(|level| level.id == id);
        if rank(&above.level) >= rank(level) {
            return Err(EventError::ParentNotHigher(parent.clone()));
        }
        if above.first_day() > from || above.last_day() < last {
            return Err(EventError::ParentGone(parent.clone()));
        }
        Ok(())
    }

    /// A unit that is below this one, or has it as successor, on a day after its end.
    fn still_leaning(&mut self, id: &UnitId, last: Date) -> Option<UnitId> {
        let units = &self.units;
        let leaning = self.leaning.get_or_insert_with(|| all_leaning(units));
        let candidates = leaning.get(&key(id)).into_iter().flatten();
        let needs = |unit: &&Arc<Unit>| {
            let below = unit
                .spans()
                .any(|(_, until, parent)| parent == id && until > last);
            let left = unit.ended.is_some_and(|ended| day_after(ended) > last);
            below
                || left
                    && unit
                        .successors
                        .iter()
                        .any(|successor| successor.unit == *id)
        };
        let mut found = candidates
            .filter_map(|other| units.get(other))
            .filter(needs);
        found.next().map(|unit| unit.id.clone())
    }

    fn lean(&mut self, on: &UnitId, unit: &UnitId) {
        if let Some(leaning) = &mut self.leaning {
            leaning.entry(key(on)).or_default().push(key(unit));
        }
    }
}

/// Leaves out the last day of a name that the unit kept after it.
fn join_names(unit: &mut Unit) {
    let mut kept: Vec<Former> = Vec::with_capacity(unit.former.len());
    for former in unit.former.drain(..) {
        kept.pop_if(|before| before.name == former.name && before.kind == former.kind);
        kept.push(former);
    }
    kept.pop_if(|last| last.name == unit.name && last.kind == unit.kind);
    unit.former = kept;
}

fn all_leaning(units: &BTreeMap<u128, Arc<Unit>>) -> BTreeMap<u128, Vec<u128>> {
    let mut leaning: BTreeMap<u128, Vec<u128>> = BTreeMap::new();
    for (own, unit) in units {
        let parents = unit.parents.iter().map(|span| &span.unit);
        let takers = unit.successors.iter().map(|successor| &successor.unit);
        for id in parents.chain(takers) {
            leaning.entry(key(id)).or_default().push(*own);
        }
    }
    leaning
}
