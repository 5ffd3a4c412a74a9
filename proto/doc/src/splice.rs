//! How one text becomes another by replacing as little as can be found in bounded time, so that what
//! two offices write into one text merges letter by letter.
//!
//! Automerge's own comparison spins on two long texts that share little (its source says so), so this
//! compares paragraphs first, then the words of those that differ, then their letters; where a stretch
//! is too large for a table it is replaced as a whole.

use std::ops::Range;

use crate::limits::DIFF_CELLS_MAX;

/// One replacement. Positions and lengths are in code points of the old text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) at: usize,
    pub(crate) delete: usize,
    pub(crate) insert: String,
}

/// The replacements that make `old` into `new`, from the end to the beginning, so that each can be
/// applied at the position it names.
pub(crate) fn splices(old: &str, new: &str) -> Vec<Splice> {
    let old: Vec<char> = old.chars().collect();
    let new: Vec<char> = new.chars().collect();
    let mut out = Vec::new();
    compare(&old, &new, 0, Grain::Paragraph, &mut out);
    out.reverse();
    out
}

#[derive(Clone, Copy)]
enum Grain {
    Paragraph,
    Word,
    Letter,
}

impl Grain {
    fn finer(self) -> Option<Self> {
        match self {
            Self::Paragraph => Some(Self::Word),
            Self::Word => Some(Self::Letter),
            Self::Letter => None,
        }
    }

    /// Pieces that together are the text.
    fn split(self, text: &[char]) -> Vec<&[char]> {
        match self {
            Self::Paragraph => text.split_inclusive(|letter| *letter == '\n').collect(),
            Self::Word => text
                .split_inclusive(|letter| letter.is_whitespace())
                .collect(),
            Self::Letter => text.chunks(1).collect(),
        }
    }
}

fn compare(old: &[char], new: &[char], base: usize, grain: Grain, out: &mut Vec<Splice>) {
    let (old_pieces, new_pieces) = (grain.split(old), grain.split(new));
    let Some(hunks) = hunks(&old_pieces, &new_pieces) else {
        return replace(old, new, base, out);
    };
    let (old_at, new_at) = (offsets(&old_pieces), offsets(&new_pieces));
    for (old_range, new_range) in hunks {
        let (old_range, new_range) = (place(&old_at, &old_range), place(&new_at, &new_range));
        let at = base + old_range.start;
        let old_part = old.get(old_range).unwrap_or_default();
        let new_part = new.get(new_range).unwrap_or_default();
        match grain.finer() {
            Some(finer) if !old_part.is_empty() && !new_part.is_empty() => {
                compare(old_part, new_part, at, finer, out);
            }
            _ => replace(old_part, new_part, at, out),
        }
    }
}

fn replace(old: &[char], new: &[char], at: usize, out: &mut Vec<Splice>) {
    let front = common(old.iter(), new.iter());
    let (old, new) = (
        old.get(front..).unwrap_or_default(),
        new.get(front..).unwrap_or_default(),
    );
    let back = common(old.iter().rev(), new.iter().rev());
    let insert: String = new.iter().take(new.len() - back).collect();
    let delete = old.len() - back;
    if delete > 0 || !insert.is_empty() {
        out.push(Splice {
            at: at + front,
            delete,
            insert,
        });
    }
}

fn common<T: PartialEq>(one: impl Iterator<Item = T>, other: impl Iterator<Item = T>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

/// Where each piece begins, and the end.
fn offsets(pieces: &[&[char]]) -> Vec<usize> {
    let mut at = 0;
    let mut out = vec![0];
    for piece in pieces {
        at += piece.len();
        out.push(at);
    }
    out
}

fn place(offsets: &[usize], pieces: &Range<usize>) -> Range<usize> {
    let at = |index: usize| offsets.get(index).copied().unwrap_or_default();
    at(pieces.start)..at(pieces.end)
}

type Hunk = (Range<usize>, Range<usize>);

/// The stretches of pieces that differ; nothing if the table would be too large.
fn hunks(old: &[&[char]], new: &[&[char]]) -> Option<Vec<Hunk>> {
    let front = common(old.iter(), new.iter());
    let (old_rest, new_rest) = (old.get(front..)?, new.get(front..)?);
    let back = common(old_rest.iter().rev(), new_rest.iter().rev());
    let old_middle = old_rest.get(..old_rest.len() - back)?;
    let new_middle = new_rest.get(..new_rest.len() - back)?;
    if old_middle.is_empty() || new_middle.is_empty() {
        let hunk = (
            front..front + old_middle.len(),
            front..front + new_middle.len(),
        );
        let differs = !(old_middle.is_empty() && new_middle.is_empty());
        return Some(if differs { vec![hunk] } else { Vec::new() });
    }
    let table = Table::fill(old_middle, new_middle)?;
    Some(table.walk(old_middle, new_middle, front))
}

/// Lengths of the longest common subsequences of the tails.
struct Table {
    width: usize,
    cells: Vec<u32>,
}

impl Table {
    fn fill(old: &[&[char]], new: &[&[char]]) -> Option<Self> {
        let width = new.len() + 1;
        let size = (old.len() + 1).checked_mul(width)?;
        if size > DIFF_CELLS_MAX {
            return None;
        }
        let mut table = Self {
            width,
            cells: vec![0; size],
        };
        for (row, old_piece) in old.iter().enumerate().rev() {
            for (column, new_piece) in new.iter().enumerate().rev() {
                let value = if old_piece == new_piece {
                    table.at(row + 1, column + 1) + 1
                } else {
                    table.at(row + 1, column).max(table.at(row, column + 1))
                };
                if let Some(cell) = table.cells.get_mut(row * width + column) {
                    *cell = value;
                }
            }
        }
        Some(table)
    }

    fn at(&self, row: usize, column: usize) -> u32 {
        self.cells
            .get(row * self.width + column)
            .copied()
            .unwrap_or_default()
    }

    fn walk(&self, old: &[&[char]], new: &[&[char]], front: usize) -> Vec<Hunk> {
        let mut hunks = Vec::new();
        let (mut row, mut column) = (0, 0);
        let (mut old_from, mut new_from) = (0, 0);
        let close = |hunks: &mut Vec<Hunk>, old: Range<usize>, new: Range<usize>| {
            if !old.is_empty() || !new.is_empty() {
                hunks.push((
                    front + old.start..front + old.end,
                    front + new.start..front + new.end,
                ));
            }
        };
        while row < old.len() && column < new.len() {
            if old.get(row) == new.get(column) {
                close(&mut hunks, old_from..row, new_from..column);
                (row, column) = (row + 1, column + 1);
                (old_from, new_from) = (row, column);
            } else if self.at(row + 1, column) >= self.at(row, column + 1) {
                row += 1;
            } else {
                column += 1;
            }
        }
        close(&mut hunks, old_from..old.len(), new_from..new.len());
        hunks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn apply(old: &str, splices: &[Splice]) -> String {
        let mut text: Vec<char> = old.chars().collect();
        for splice in splices {
            text.splice(splice.at..splice.at + splice.delete, splice.insert.chars());
        }
        text.into_iter().collect()
    }

    #[test]
    fn only_what_differs_is_replaced() {
        let old = "Đoạn một.\nXã có 12 cơ sở.\nĐoạn ba.\n";
        let new = "Đoạn một.\nXã có 15 cơ sở.\nĐoạn ba.\nĐoạn bốn.\n";
        let found = splices(old, new);
        assert_eq!(apply(old, &found), new);
        let one = Splice {
            at: 17,
            delete: 1,
            insert: "5".to_owned(),
        };
        assert!(found.contains(&one), "{found:?}");
        assert!(splices(old, old).is_empty());
    }

    #[test]
    fn two_long_texts_that_share_nothing_are_replaced_as_a_whole() {
        let old: String = (0..40_000u32)
            .map(|n| char::from_u32(0x4e00 + n % 9_000).unwrap())
            .collect();
        let new: String = old.chars().rev().collect();
        let found = splices(&old, &new);
        assert_eq!(found.len(), 1);
        assert_eq!(apply(&old, &found), new);
    }

    proptest! {
        #[test]
        fn the_splices_make_the_new_text(old in "[ab \n]{0,60}", new in "[ab \n]{0,60}") {
            prop_assert_eq!(apply(&old, &splices(&old, &new)), new);
        }
    }
}
