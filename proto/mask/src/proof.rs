//! Shows that a masked cell cannot be computed back: by another table that says something else there.

use std::collections::BTreeSet;

use crate::limits::{MOVES_MAX, THRESHOLD};
use crate::search::{Changes, Ground, Move, Ways, Wish};
use crate::table::{CellKey, Earlier, Table, Tie};
use crate::{Mask, NotProved};

/// Other tables that a reader of what is published must reckon with: together they say something else in every masked
/// cell. For those who publish: it holds the true figures of none, but by how much the others differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    others: Vec<Changes>,
}

impl Proof {
    /// How many other tables it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.others.len()
    }

    /// Whether it holds none, because nothing is masked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.others.is_empty()
    }

    /// Holds every other table against all that is known, in exact integers and from nothing but table and mask.
    ///
    /// # Errors
    /// A small count is not masked, or no table of the proof says something else in a masked cell.
    pub fn check(&self, table: &Table, mask: &Mask) -> Result<(), NotProved> {
        let mut prover = Prover::new(table, mask);
        for changes in &self.others {
            prover.accept(changes);
        }
        prover.finish().map(|_| ())
    }
}

/// Looks for a proof that of what `mask` holds back nothing can be computed from the rest; the crate says what that
/// means. What is found has been checked. Where none is found the cells may be safe all the same, which is why
/// [`mask()`](crate::mask()) chooses what it masks along with its proof.
///
/// # Errors
/// A small count is not masked, or of a masked cell no other table is found.
pub fn prove(table: &Table, mask: &Mask) -> Result<Proof, NotProved> {
    let mut prover = Prover::new(table, mask);
    for at in prover.to_show() {
        prover.show(at);
    }
    prover.finish()
}

/// A table with its mask, and the other tables that were seen.
#[derive(Debug)]
pub(crate) struct Prover<'a> {
    table: &'a Table,
    masked: Vec<bool>,
    /// The masked cells in which one of the others says something else.
    shown: Vec<bool>,
    others: Vec<Changes>,
}

impl<'a> Prover<'a> {
    pub(crate) fn new(table: &'a Table, mask: &Mask) -> Self {
        // What was published before is no secret, masked now or not.
        let is_masked = |at: &usize| match table.cell(*at).earlier {
            Earlier::Published => false,
            Earlier::HeldBack => true,
            Earlier::New => mask.holds_back(table.key(*at)),
        };
        let masked: Vec<bool> = (0..table.all()).map(|at| is_masked(&at)).collect();
        Self {
            table,
            shown: vec![false; masked.len()],
            masked,
            others: Vec::new(),
        }
    }

    /// Masks what it takes to show every masked cell. What is masked on the way is shown by what it was masked for.
    pub(crate) fn mask_more(&mut self) {
        for at in self.to_show() {
            if !self.show(at) {
                self.widen(at);
            }
        }
    }

    /// All masked cells of the table itself.
    pub(crate) fn mask(&self) -> Mask {
        (0..self.table.len())
            .filter(|at| self.is_masked(*at))
            .map(|at| self.table.key(at).clone())
            .collect()
    }

    /// The proof, if it is one.
    pub(crate) fn finish(self) -> Result<Proof, NotProved> {
        let is_small = |at: &usize| self.table.cell(*at).reach.is_some();
        let mut published = self
            .cells()
            .filter(|at| is_small(at) && !self.is_masked(*at));
        if let Some(first) = published.next() {
            return Err(NotProved::Published(self.table.key(first).clone()));
        }
        let missing = self.to_show().into_iter();
        let missing = missing.filter(|at| self.shown.get(*at) != Some(&true));
        let missing: BTreeSet<CellKey> = missing.map(|at| self.table.key(at).clone()).collect();
        if missing.is_empty() {
            Ok(Proof {
                others: self.others,
            })
        } else {
            Err(NotProved::MayBeDerived(missing))
        }
    }

    /// Masked cells that hold something, small counts first: what shows them shows others as well. A cell that was
    /// masked before and holds nothing now is not among them: that there is none is no secret.
    fn to_show(&self) -> Vec<usize> {
        let masked = self.cells().filter(|at| self.is_masked(*at));
        let (mut cells, others): (Vec<_>, Vec<_>) = masked
            .filter(|at| self.table.cell(*at).value > 0)
            .partition(|at| self.table.cell(*at).reach.is_some());
        cells.extend(others);
        cells
    }

    fn is_masked(&self, at: usize) -> bool {
        self.masked.get(at) == Some(&true)
    }

    fn cells(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.masked.len()
    }

    /// Looks for another table with the same published figures that says something else in a cell.
    fn show(&mut self, at: usize) -> bool {
        if self.shown.get(at) == Some(&true) {
            return true;
        }
        let tries = [true, false].into_iter();
        let mut others = tries.filter_map(|in_one| self.other_table(at, Ways::Masked, in_one));
        let other = others.next().or_else(|| self.multiple(at));
        if let Some(changes) = other {
            self.accept(&changes);
        }
        self.shown.get(at) == Some(&true)
    }

    /// Masks what it takes to show a cell: the cells of a cheap move that goes all the way, else of several, else of one
    /// to the very top, else everything with which it adds up, however far: all of that could be several times as much.
    fn widen(&mut self, at: usize) {
        let tries = [(Ways::Cheap, true), (Ways::Cheap, false), (Ways::Up, true)];
        let mut others = tries.into_iter();
        let other = others.find_map(|(ways, in_one)| self.other_table(at, ways, in_one));
        let changes = other.unwrap_or_else(|| {
            self.several_times(&self.component(at, |other| self.table.cell(other).value > 0))
        });
        for other in changes.keys() {
            let is_known = self.table.cell(*other).earlier == Earlier::Published;
            if let Some(masked) = self.masked.get_mut(*other).filter(|_| !is_known) {
                *masked = true;
            }
        }
        self.accept(&changes);
    }

    /// Another table in which a cell is as much as it must be possible to be, or anything else where that is enough.
    fn other_table(&self, at: usize, ways: Ways, in_one: bool) -> Option<Changes> {
        let cell = self.table.cell(at);
        let mut changes = Changes::new();
        let Some(reach) = cell.reach else {
            let found = [1, -1].into_iter().find_map(|sign| {
                let wish = Wish {
                    cell: at,
                    sign,
                    least: 1,
                    ways,
                };
                self.ground(&changes).find(&wish)
            })?;
            add(&mut changes, &found, 1);
            return Some(changes);
        };
        for _ in 0..MOVES_MAX {
            let done = changes.get(&at).copied().unwrap_or(0);
            let need = reach - cell.value - done;
            if need <= 0 {
                return Some(changes);
            }
            let wish = Wish {
                cell: at,
                sign: 1,
                least: if in_one { need } else { 1 },
                ways,
            };
            let found = self.ground(&changes).find(&wish)?;
            add(&mut changes, &found, found.room.min(need));
        }
        None
    }

    fn ground<'b>(&'b self, changes: &'b Changes) -> Ground<'b> {
        Ground {
            table: self.table,
            masked: &self.masked,
            changes,
        }
    }

    /// The table in which all masked cells that hang together are several times as much, if there is nothing published
    /// between them.
    fn multiple(&self, at: usize) -> Option<Changes> {
        let is_in = |other| self.is_masked(other) && self.table.cell(other).value > 0;
        let changes = self.several_times(&self.component(at, is_in));
        self.is_possible(&changes).then_some(changes)
    }

    fn several_times(&self, cells: &BTreeSet<usize>) -> Changes {
        let more = |at: &usize| (*at, self.table.cell(*at).value * (THRESHOLD - 1));
        cells.iter().map(more).collect()
    }

    /// What hangs together with a cell by relations, among those that `belongs` says.
    fn component(&self, at: usize, belongs: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        let mut together = BTreeSet::from([at]);
        let mut open = vec![at];
        let mut seen = BTreeSet::new();
        while let Some(here) = open.pop() {
            for (relation, _) in &self.table.cell(here).relations {
                if !seen.insert(*relation) {
                    continue;
                }
                for (other, _) in &self.table.relation(*relation).terms {
                    if belongs(*other) && together.insert(*other) {
                        open.push(*other);
                    }
                }
            }
        }
        together
    }

    /// Takes another table for all cells that it shows, if it is one.
    fn accept(&mut self, changes: &Changes) {
        if !self.is_possible(changes) {
            return;
        }
        let mut is_new = false;
        for (at, by) in changes {
            let cell = self.table.cell(*at);
            let is_enough = match cell.reach {
                Some(reach) => cell.value + by >= reach,
                None => *by != 0,
            };
            if let Some(shown) = self
                .shown
                .get_mut(*at)
                .filter(|shown| is_enough && !**shown)
            {
                *shown = true;
                is_new = true;
            }
        }
        if is_new {
            self.others.push(changes.clone());
        }
    }

    /// Whether a reader of what is published must reckon with the changed table: nothing published is changed, what is
    /// masked is at least what a reader must take it for, and every relation holds that holds in truth.
    fn is_possible(&self, changes: &Changes) -> bool {
        let by = |at: usize| changes.get(&at).copied().unwrap_or(0);
        let mut touched = BTreeSet::new();
        for (at, by) in changes {
            if !self.is_masked(*at) {
                return false;
            }
            let cell = self.table.cell(*at);
            if cell.value + by < cell.floor() {
                return false;
            }
            touched.extend(cell.relations.iter().map(|(relation, _)| *relation));
        }
        touched.into_iter().all(|number| {
            let relation = self.table.relation(number);
            let sum = |with_changes: bool| -> i128 {
                let terms = relation.terms.iter();
                terms
                    .map(|(at, sign)| {
                        let change = if with_changes { by(*at) } else { 0 };
                        sign * (self.table.cell(*at).value + change)
                    })
                    .sum()
            };
            match relation.tie {
                Tie::Sum => sum(true) == 0,
                Tie::Bound => sum(true) <= 0,
                // Parts that stay below the whole may lack one that is blank or not shown; that they are not more is
                // known. Parts above the whole say nothing.
                Tie::Broken => sum(false) > 0 || sum(true) <= 0,
            }
        })
    }
}

fn add(changes: &mut Changes, found: &Move, steps: i128) {
    for (at, sign) in &found.cells {
        let by = changes.entry(*at).or_default();
        *by += sign * steps;
    }
    changes.retain(|_, by| *by != 0);
}
