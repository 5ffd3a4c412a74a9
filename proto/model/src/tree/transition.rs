//! From one snapshot to the next: who goes on, who ended and left what to whom, who began.

use std::collections::{BTreeMap, BTreeSet};

use super::UnitTree;
use super::index::code_key;
use super::load::{Move, Row, Rows};
use super::manifest::{Codes, LoadError, LoadProblem, MANIFEST, Snapshot, TreeManifest, Wave};
use super::unit::{Former, ParentSpan, Share, Successor, Unit, day_before};
use crate::UnitId;

/// The units seen so far, and which code means which of them on the day of the last snapshot.
pub(super) struct Growth<'m> {
    manifest: &'m TreeManifest,
    units: Vec<Unit>,
    ranks: Vec<usize>,
    /// Where each unit was first listed.
    places: Vec<(&'m str, u64)>,
    /// By the key of the code.
    alive: BTreeMap<u128, usize>,
}

/// All mapping rows of one wave, those of one old code together.
struct Moves<'m>(Vec<(u128, Move<'m>)>);

impl<'m> Moves<'m> {
    fn new(moves: Vec<Move<'m>>) -> Self {
        let keyed = moves.into_iter().map(|one| (code_key(&one.old), one));
        let mut keyed: Vec<_> = keyed.collect();
        keyed.sort_by_key(|(old, _)| *old);
        Self(keyed)
    }

    fn of(&self, old: u128) -> &[(u128, Move<'m>)] {
        let from = self.0.partition_point(|(key, _)| *key < old);
        let past = self.0.partition_point(|(key, _)| *key <= old);
        self.0.get(from..past).unwrap_or_default()
    }
}

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
        rows: Rows,
        moves: Vec<Move<'m>>,
    ) -> Result<(), LoadError> {
        let moves = Moves::new(moves);
        let going_on = match &snapshot.wave {
            None => BTreeSet::new(),
            Some(wave) => self.going_on(snapshot, wave, &rows, &moves)?,
        };
        self.check_moves(&moves, &rows, &going_on)?;
        let parents: Vec<_> = rows
            .values()
            .map(|row| row.parent.as_ref().map(code_key))
            .collect();
        let before = std::mem::take(&mut self.alive);
        for (code, row) in rows {
            let known = before.get(&code).filter(|_| going_on.contains(&code));
            let at = self.step(snapshot, row, known.copied());
            self.alive.insert(code, at);
        }
        self.set_parents(snapshot, &parents);
        for (code, at) in before {
            if !going_on.contains(&code) {
                self.end(snapshot, at, moves.of(code))?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<UnitTree, LoadError> {
        let levels = self.manifest.levels.iter().map(|rule| rule.level.clone());
        let ids: Vec<UnitId> = self.units.iter().map(|unit| unit.id.clone()).collect();
        UnitTree::of(levels.collect(), Vec::new(), self.units).map_err(|flaw| {
            let at = ids.iter().position(|id| *id == flaw.unit);
            let place = at.and_then(|at| self.places.get(at));
            let (file, line) = place.copied().unwrap_or((MANIFEST, 1));
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
        rows: &Rows,
        moves: &Moves<'_>,
    ) -> Result<BTreeSet<u128>, LoadError> {
        let mut takers: BTreeMap<u128, usize> = BTreeMap::new();
        for (_, one) in &moves.0 {
            *takers.entry(code_key(&one.new)).or_default() += 1;
        }
        let mut going_on = BTreeSet::new();
        for (code, at) in &self.alive {
            let Some(row) = rows.get(code) else { continue };
            let goes_on = match wave.codes {
                Codes::Continue => true,
                Codes::End => {
                    let level = self.units.get(*at).map(|unit| &unit.level);
                    level.is_some_and(|level| wave.alone.contains(level))
                        && matches!(moves.of(*code), [(_, one)] if one.new == row.code)
                        && takers.get(code) == Some(&1)
                }
            };
            if goes_on && self.ranks.get(*at) != Some(&row.rank) {
                return Err(LoadError {
                    file: snapshot.file.clone(),
                    line: row.line,
                    problem: LoadProblem::LevelChanged(row.code.to_string()),
                });
            }
            if goes_on {
                going_on.insert(*code);
            }
        }
        Ok(going_on)
    }

    fn check_moves(
        &self,
        moves: &Moves<'_>,
        rows: &Rows,
        going_on: &BTreeSet<u128>,
    ) -> Result<(), LoadError> {
        let known: BTreeSet<u128> = self
            .units
            .iter()
            .map(|unit| code_key(&unit.id.code))
            .collect();
        for list in moves.0.chunk_by(|(a, _), (b, _)| a == b) {
            let mut seen = Vec::with_capacity(list.len());
            for (old, one) in list {
                let wrong = |problem| Err(one.wrong(problem));
                let is_chained = one.is_chained && known.contains(old);
                if !is_chained && !self.alive.contains_key(old) {
                    return wrong(LoadProblem::OldUnknown(one.old.to_string()));
                }
                if going_on.contains(old) && one.new != one.old {
                    return wrong(LoadProblem::OldGoesOn(one.old.to_string()));
                }
                if !rows.contains_key(&code_key(&one.new)) {
                    return wrong(LoadProblem::NewUnknown(one.new.to_string()));
                }
                if seen.contains(&&one.new) {
                    return wrong(LoadProblem::Twice(format!("{},{}", one.old, one.new)));
                }
                seen.push(&one.new);
            }
            let flags = list.iter().map(|(_, one)| one.heir);
            let heirs = flags.clone().filter(|heir| *heir == Some(true)).count();
            let is_sole = list.len() == 1 && flags.clone().all(|heir| heir.is_none());
            if let Some((_, last)) = list.last().filter(|_| heirs != 1 && !is_sole) {
                return Err(last.wrong(LoadProblem::HeirNotOne(last.old.to_string())));
            }
        }
        Ok(())
    }

    /// Makes the unit if it began, renames it if it goes on as `known`.
    fn step(&mut self, snapshot: &'m Snapshot, row: Row, known: Option<usize>) -> usize {
        if let Some((at, unit)) = known.and_then(|at| Some((at, self.units.get_mut(at)?))) {
            rename(unit, snapshot, row.name, row.kind);
            return at;
        }
        let level = self.manifest.levels.get(row.rank);
        self.units.push(Unit {
            id: UnitId {
                code: row.code,
                since: snapshot.on,
            },
            name: row.name,
            level: level.map(|rule| rule.level.id.clone()).unwrap_or_default(),
            kind: row.kind,
            open_past: snapshot.wave.is_none(),
            ended: None,
            former: Vec::new(),
            parents: Vec::new(),
            successors: Vec::new(),
        });
        self.ranks.push(row.rank);
        self.places.push((&snapshot.file, row.line));
        self.units.len() - 1
    }

    /// `parents` are in the order of the codes that are alive now.
    fn set_parents(&mut self, snapshot: &Snapshot, parents: &[Option<u128>]) {
        for (at, parent) in self.alive.values().zip(parents) {
            let parent = parent.and_then(|code| self.alive.get(&code));
            let parent = parent.and_then(|at| self.units.get(*at));
            let parent = parent.map(|unit| unit.id.clone());
            let Some((unit, parent)) = self.units.get_mut(*at).zip(parent) else {
                continue;
            };
            if unit.parents.last().is_none_or(|span| span.unit != parent) {
                unit.parents.reserve_exact(1);
                unit.parents.push(ParentSpan {
                    from: snapshot.on,
                    unit: parent,
                });
            }
        }
    }

    fn end(
        &mut self,
        snapshot: &Snapshot,
        at: usize,
        moves: &[(u128, Move<'_>)],
    ) -> Result<(), LoadError> {
        let mut successors = Vec::with_capacity(moves.len());
        for (_, one) in moves {
            let taker = self.alive.get(&code_key(&one.new));
            let taker = taker.and_then(|at| self.units.get(*at));
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
        Ok(())
    }
}

fn rename(unit: &mut Unit, snapshot: &Snapshot, name: String, kind: String) {
    if unit.name == name && unit.kind == kind {
        return;
    }
    unit.former.reserve_exact(1);
    unit.former.push(Former {
        until: day_before(snapshot.on),
        name: std::mem::replace(&mut unit.name, name),
        kind: std::mem::replace(&mut unit.kind, kind),
    });
}
