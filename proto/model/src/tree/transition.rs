//! From one snapshot to the next: who goes on, who ended and left what to whom, who began.

use std::collections::{BTreeMap, BTreeSet};

use super::UnitTree;
use super::load::{Move, Row};
use super::manifest::{Codes, LoadError, LoadProblem, Snapshot, TreeManifest, Wave};
use super::unit::{Former, ParentSpan, Share, Successor, Unit, day_before};
use crate::{UnitCode, UnitId};

/// The units seen so far, and which code means which of them on the day of the last snapshot.
pub(super) struct Growth<'m> {
    manifest: &'m TreeManifest,
    units: Vec<Unit>,
    ranks: Vec<usize>,
    /// Where each unit was first listed.
    places: Vec<(&'m str, u64)>,
    alive: BTreeMap<UnitCode, usize>,
}

/// The rows of a mapping by their old code.
type Moves<'m> = BTreeMap<UnitCode, Vec<Move<'m>>>;

impl<'m> Growth<'m> {
    pub(super) fn new(manifest: &'m TreeManifest) -> Self {
        Self {
            manifest,
            units: Vec::new(),
            ranks: Vec::new(),
            places: Vec::new(),
            alive: BTreeMap::new(),
        }
    }

    pub(super) fn grow(
        &mut self,
        snapshot: &'m Snapshot,
        rows: BTreeMap<UnitCode, Row>,
        moves: Vec<Move<'m>>,
    ) -> Result<(), LoadError> {
        let mut by_old: Moves<'m> = BTreeMap::new();
        for one in moves {
            by_old.entry(one.old.clone()).or_default().push(one);
        }
        let going_on = match &snapshot.wave {
            None => BTreeSet::new(),
            Some(wave) => self.going_on(snapshot, wave, &rows, &by_old)?,
        };
        self.check_moves(&by_old, &rows, &going_on)?;
        let parents = self.step(snapshot, rows, &going_on);
        self.set_parents(snapshot, &parents);
        self.end_others(snapshot, &going_on, &parents, by_old)
    }

    pub(super) fn finish(self) -> Result<UnitTree, LoadError> {
        let levels = self.manifest.levels.iter().map(|rule| rule.level.clone());
        let ids: BTreeMap<UnitId, usize> = (0..)
            .zip(&self.units)
            .map(|(at, unit)| (unit.id.clone(), at))
            .collect();
        UnitTree::new(levels.collect(), self.units).map_err(|flaw| {
            let place = ids.get(&flaw.unit).and_then(|at| self.places.get(*at));
            let (file, line) = place.copied().unwrap_or((super::manifest::MANIFEST, 1));
            LoadError {
                file: file.to_owned(),
                line,
                problem: LoadProblem::Flaw(flaw),
            }
        })
    }

    /// The codes whose unit is the same after this snapshot's day.
    fn going_on(
        &self,
        snapshot: &Snapshot,
        wave: &Wave,
        rows: &BTreeMap<UnitCode, Row>,
        moves: &Moves<'_>,
    ) -> Result<BTreeSet<UnitCode>, LoadError> {
        let mut takers: BTreeMap<&UnitCode, usize> = BTreeMap::new();
        for one in moves.values().flatten() {
            *takers.entry(&one.new).or_default() += 1;
        }
        let mut going_on = BTreeSet::new();
        for (code, at) in &self.alive {
            let Some(row) = rows.get(code) else { continue };
            let same_level = self.ranks.get(*at) == Some(&row.rank);
            let goes_on = match wave.codes {
                Codes::Continue => true,
                Codes::End => {
                    let level = self.units.get(*at).map(|unit| &unit.level);
                    let into = moves.get(code).map_or(&[][..], Vec::as_slice);
                    level.is_some_and(|level| wave.alone.contains(level))
                        && matches!(into, [one] if one.new == *code)
                        && takers.get(code) == Some(&1)
                }
            };
            if goes_on && !same_level {
                return Err(LoadError {
                    file: snapshot.file.clone(),
                    line: row.line,
                    problem: LoadProblem::LevelChanged(code.to_string()),
                });
            }
            if goes_on {
                going_on.insert(code.clone());
            }
        }
        Ok(going_on)
    }

    fn check_moves(
        &self,
        moves: &Moves<'_>,
        rows: &BTreeMap<UnitCode, Row>,
        going_on: &BTreeSet<UnitCode>,
    ) -> Result<(), LoadError> {
        let known: BTreeSet<&UnitCode> = self.units.iter().map(|unit| &unit.id.code).collect();
        for (old, list) in moves {
            let mut seen = BTreeSet::new();
            for one in list {
                let wrong = |problem| Err(one.wrong(problem));
                let is_chained = one.is_chained && known.contains(old);
                if !is_chained && !self.alive.contains_key(old) {
                    return wrong(LoadProblem::OldUnknown(old.to_string()));
                }
                if going_on.contains(old) && one.new != *old {
                    return wrong(LoadProblem::OldGoesOn(old.to_string()));
                }
                if !rows.contains_key(&one.new) {
                    return wrong(LoadProblem::NewUnknown(one.new.to_string()));
                }
                if !seen.insert(&one.new) {
                    return wrong(LoadProblem::Twice(format!("{old},{}", one.new)));
                }
            }
            let heirs = list.iter().filter(|one| one.heir == Some(true)).count();
            let is_sole = list.len() == 1 && list.iter().all(|one| one.heir.is_none());
            if let Some(last) = list.last().filter(|_| heirs != 1 && !is_sole) {
                return Err(last.wrong(LoadProblem::HeirNotOne(old.to_string())));
            }
        }
        Ok(())
    }

    /// Makes the units that began and renames those that go on. Returns for every code of the
    /// snapshot its unit and its parent's code.
    fn step(
        &mut self,
        snapshot: &'m Snapshot,
        rows: BTreeMap<UnitCode, Row>,
        going_on: &BTreeSet<UnitCode>,
    ) -> BTreeMap<UnitCode, (usize, Option<UnitCode>)> {
        let mut now = BTreeMap::new();
        for (code, row) in rows {
            let known = going_on.get(&code).and_then(|code| self.alive.get(code));
            let at = if let Some(at) = known {
                if let Some(unit) = self.units.get_mut(*at) {
                    rename(unit, snapshot, row.name, row.kind);
                }
                *at
            } else {
                self.begin(snapshot, &code, &row);
                self.units.len() - 1
            };
            now.insert(code, (at, row.parent));
        }
        now
    }

    fn begin(&mut self, snapshot: &'m Snapshot, code: &UnitCode, row: &Row) {
        let level = self.manifest.levels.get(row.rank);
        let id = UnitId {
            code: code.clone(),
            since: snapshot.on,
        };
        self.units.push(Unit {
            id,
            name: row.name.clone(),
            level: level.map(|rule| rule.level.id.clone()).unwrap_or_default(),
            kind: row.kind.clone(),
            open_past: snapshot.wave.is_none(),
            ended: None,
            former: Vec::new(),
            parents: Vec::new(),
            successors: Vec::new(),
        });
        self.ranks.push(row.rank);
        self.places.push((&snapshot.file, row.line));
    }

    fn set_parents(
        &mut self,
        snapshot: &Snapshot,
        now: &BTreeMap<UnitCode, (usize, Option<UnitCode>)>,
    ) {
        for (at, parent) in now.values() {
            let parent = parent.as_ref().and_then(|code| now.get(code));
            let parent = parent.and_then(|(at, _)| self.units.get(*at));
            let parent = parent.map(|unit| unit.id.clone());
            let Some((unit, parent)) = self.units.get_mut(*at).zip(parent) else {
                continue;
            };
            if unit.parents.last().is_none_or(|span| span.unit != parent) {
                unit.parents.push(ParentSpan {
                    from: snapshot.on,
                    unit: parent,
                });
            }
        }
    }

    fn end_others(
        &mut self,
        snapshot: &Snapshot,
        going_on: &BTreeSet<UnitCode>,
        now: &BTreeMap<UnitCode, (usize, Option<UnitCode>)>,
        mut moves: Moves<'m>,
    ) -> Result<(), LoadError> {
        let alive = now.iter().map(|(code, (at, _))| (code.clone(), *at));
        let before = std::mem::replace(&mut self.alive, alive.collect());
        for (code, at) in before {
            if going_on.contains(&code) {
                continue;
            }
            let mut successors = Vec::new();
            for one in moves.remove(&code).unwrap_or_default() {
                let taker = now.get(&one.new).and_then(|(at, _)| self.units.get(*at));
                let unknown = || one.wrong(LoadProblem::NewUnknown(one.new.to_string()));
                let unit = taker.ok_or_else(unknown)?.id.clone();
                // An official table without these columns says that the old unit went as a whole.
                let is_whole = one.heir.is_none() && one.official;
                let whole = |share| if is_whole { Share::All } else { share };
                successors.push(Successor {
                    unit,
                    heir: one.heir.unwrap_or(true),
                    area: whole(one.area),
                    people: whole(one.people),
                    official: one.official,
                });
            }
            successors.sort_by(|a, b| a.unit.cmp(&b.unit));
            if let Some(unit) = self.units.get_mut(at) {
                unit.ended = Some(day_before(snapshot.on));
                unit.successors = successors;
            }
        }
        Ok(())
    }
}

fn rename(unit: &mut Unit, snapshot: &Snapshot, name: String, kind: String) {
    if unit.name == name && unit.kind == kind {
        return;
    }
    unit.former.push(Former {
        until: day_before(snapshot.on),
        name: std::mem::replace(&mut unit.name, name),
        kind: std::mem::replace(&mut unit.kind, kind),
    });
}
