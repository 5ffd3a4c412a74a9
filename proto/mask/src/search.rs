//! Looks for a move: cells that go up or down together so that every sum holds.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::limits::{BRANCHES_MAX, LOOKED_AT_MAX, MASKED_LOOKED_AT_MAX};
use crate::table::{Earlier, Table, Tie};

/// By how much cells differ from the truth.
pub(crate) type Changes = BTreeMap<usize, i128>;

/// What a masked cell costs in a move, and what one that would be masked costs at least.
const MASKED_COST: u64 = 1;
const UNMASKED_COST: u64 = 24;
/// The topmost totals are what a publication is read for.
const TOP_COST: u64 = 1_000;
/// What each relation that is still to be balanced is reckoned at: about one cell.
const OPEN_COST: u64 = 32;

impl Ways {
    fn looked_at_max(self) -> usize {
        match self {
            Self::Masked => MASKED_LOOKED_AT_MAX,
            Self::Cheap | Self::Up => LOOKED_AT_MAX,
        }
    }
}

/// What move is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) cell: usize,
    /// Up with 1, down with -1.
    pub(crate) sign: i128,
    /// How far it must at least be possible to go.
    pub(crate) least: i128,
    pub(crate) ways: Ways,
}

/// Which cells may be in a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ways {
    /// Masked ones only.
    Masked,
    /// Others as well, the cheaper the sooner.
    Cheap,
    /// Others as well, whatever they cost, but only such as go up: the cell with all that it is a part of. They are
    /// always there where the figures add up.
    Up,
}

/// Where moves are looked for: the table as it has been changed so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) table: &'a Table,
    pub(crate) masked: &'a [bool],
    pub(crate) changes: &'a Changes,
}

/// The cells of a move with their signs, and how far it can go.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) cells: Vec<(usize, i128)>,
    pub(crate) room: i128,
}

/// A move that is not finished: one more cell than its parent.
struct Partial {
    parent: Option<usize>,
    cell: usize,
    sign: i128,
    /// By how much each relation it touches is off, without those that are not.
    off: Vec<(usize, i128)>,
}

/// A cell to be added; the cheapest comes first, of equal ones the one that was found last, which is nearer to its end.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    rank: u64,
    number: Reverse<usize>,
    parent: Option<usize>,
    cell: usize,
    sign: i128,
    cost: u64,
}

impl Ground<'_> {
    fn now(&self, at: usize) -> i128 {
        self.table.cell(at).value + self.changes.get(&at).copied().unwrap_or(0)
    }

    /// How far a cell can go.
    fn room(&self, at: usize, sign: i128) -> i128 {
        if sign > 0 {
            i128::MAX
        } else {
            self.now(at) - self.table.cell(at).floor()
        }
    }

    /// What a cell costs in a move; `None` if it cannot be in it. A cell with nothing in it is published, and nobody
    /// takes it for anything else.
    fn cost(&self, at: usize, sign: i128, wish: &Wish) -> Option<u64> {
        let is_masked = self.masked.get(at) == Some(&true);
        let is_against = wish.ways == Ways::Up && sign < 0;
        if is_against || wish.ways == Ways::Masked && !is_masked {
            return None;
        }
        if self.room(at, sign) < wish.least {
            return None;
        }
        if is_masked {
            return Some(MASKED_COST);
        }
        let cell = self.table.cell(at);
        if cell.value == 0 || cell.earlier == Earlier::Published {
            return None;
        }
        if wish.ways == Ways::Up {
            return Some(UNMASKED_COST);
        }
        let whole = cell.shown.units() >> (3 * u32::from(cell.shown.scale()));
        let digits = u64::from(i128::BITS - whole.leading_zeros());
        let top = if cell.is_top { TOP_COST } else { 0 };
        Some(UNMASKED_COST + digits * digits + top)
    }

    /// How far a relation lets a move go that puts it off by so much a step.
    fn slack(&self, relation: usize, off: i128) -> i128 {
        let relation = self.table.relation(relation);
        match relation.tie {
            _ if off == 0 => i128::MAX,
            // What is broken is left as broken as it is: who believes the sum does not come near either.
            Tie::Sum | Tie::Broken => 0,
            Tie::Bound if off < 0 => i128::MAX,
            Tie::Bound => {
                let sum: i128 = relation
                    .terms
                    .iter()
                    .map(|(at, sign)| sign * self.now(*at))
                    .sum();
                -sum / off
            }
        }
    }

    /// The cheapest move that was found; `None` if none was.
    pub(crate) fn find(&self, wish: &Wish) -> Option<Move> {
        let mut partials: Vec<Partial> = Vec::new();
        let mut open = BinaryHeap::new();
        open.push(Reverse(Next {
            rank: 0,
            number: Reverse(0),
            parent: None,
            cell: wish.cell,
            sign: wish.sign,
            cost: 0,
        }));
        let mut looked_at = 0;
        while let Some(Reverse(next)) = open.pop() {
            let here = partials.len();
            partials.push(self.extended(&partials, &next));
            let off = &partials.last()?.off;
            let to_balance = off
                .iter()
                .filter(|(relation, off)| self.slack(*relation, *off) < wish.least)
                .min_by_key(|(relation, _)| {
                    (self.table.relation(*relation).terms.len(), *relation)
                });
            let Some((relation, by)) = to_balance.copied() else {
                return Some(self.finished(&partials, here));
            };
            let mut candidates = Vec::new();
            for (cell, sign) in &self.table.relation(relation).terms {
                let sign = -by.signum() * sign;
                looked_at += 1;
                let Some(cost) = self.cost(*cell, sign, wish) else {
                    continue;
                };
                if is_in(&partials, here, *cell) {
                    continue;
                }
                let cost = next.cost + cost;
                let unbalanced = self.unbalanced(off, *cell, sign, wish.least);
                candidates.push(Next {
                    rank: cost + OPEN_COST * unbalanced,
                    number: Reverse(looked_at),
                    parent: Some(here),
                    cell: *cell,
                    sign,
                    cost,
                });
            }
            candidates.sort_unstable();
            open.extend(candidates.into_iter().take(BRANCHES_MAX).map(Reverse));
            if looked_at > wish.ways.looked_at_max() {
                return None;
            }
        }
        None
    }

    fn extended(&self, partials: &[Partial], next: &Next) -> Partial {
        let parent = next.parent.and_then(|parent| partials.get(parent));
        let mut off = parent.map_or_else(Vec::new, |parent| parent.off.clone());
        for (relation, sign) in &self.table.cell(next.cell).relations {
            let by = sign * next.sign;
            match off.iter_mut().find(|(known, _)| known == relation) {
                Some((_, sum)) => *sum += by,
                None => off.push((*relation, by)),
            }
        }
        off.retain(|(_, by)| *by != 0);
        Partial {
            parent: next.parent,
            cell: next.cell,
            sign: next.sign,
            off,
        }
    }

    /// How many relations are to be balanced when a cell is added.
    fn unbalanced(&self, off: &[(usize, i128)], cell: usize, sign: i128, least: i128) -> u64 {
        let added = &self.table.cell(cell).relations;
        let is_open = |relation, by| self.slack(relation, by) < least;
        let old = off.iter().filter(|(relation, by)| {
            let more = added.iter().find(|(known, _)| known == relation);
            is_open(*relation, by + more.map_or(0, |(_, of)| of * sign))
        });
        let new = added.iter().filter(|(relation, of)| {
            !off.iter().any(|(known, _)| known == relation) && is_open(*relation, of * sign)
        });
        u64::try_from(old.count() + new.count()).unwrap_or(u64::MAX)
    }

    fn finished(&self, partials: &[Partial], last: usize) -> Move {
        let cells: Vec<(usize, i128)> = path(partials, last)
            .map(|partial| (partial.cell, partial.sign))
            .collect();
        let rooms = cells.iter().map(|(cell, sign)| self.room(*cell, *sign));
        let off = partials.get(last).map_or(&[][..], |partial| &partial.off);
        let slacks = off.iter().map(|(relation, by)| self.slack(*relation, *by));
        let room = rooms.chain(slacks).min().unwrap_or(0);
        Move { cells, room }
    }
}

fn path(partials: &[Partial], last: usize) -> impl Iterator<Item = &Partial> {
    std::iter::successors(partials.get(last), |partial| partials.get(partial.parent?))
}

fn is_in(partials: &[Partial], last: usize, cell: usize) -> bool {
    path(partials, last).any(|partial| partial.cell == cell)
}
