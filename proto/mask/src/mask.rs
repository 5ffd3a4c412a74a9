//! Which cells are masked, and what then leaves.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_form::Lang;
use hopluu_model::Decimal;

use crate::NotProved;
use crate::proof::{Proof, Prover};
use crate::table::{CellKey, Table};

/// The cells that were held back in a publication. It says where, never why: who knows which cells are small counts and
/// which are only masked beside them knows more than is published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask(BTreeSet<CellKey>);

impl Mask {
    /// Its cells in order.
    pub fn cells(&self) -> impl Iterator<Item = &CellKey> {
        self.0.iter()
    }

    /// Whether a cell is held back.
    #[must_use]
    pub fn holds_back(&self, key: &CellKey) -> bool {
        self.0.contains(key)
    }
}

impl FromIterator<CellKey> for Mask {
    fn from_iter<T: IntoIterator<Item = CellKey>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}

/// What leaves in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The true figure.
    Published(Decimal),
    /// That there is one.
    Masked,
}

/// How much was masked. For those who publish: the public learns from it how many small counts there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Figures that are published.
    pub published: usize,
    /// Small counts, and what is told of them in another measure.
    pub small: usize,
    /// What is masked because they could be computed back with it, or because it was masked before.
    pub complementary: usize,
}

/// A table as it may leave the reporting line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    /// Every cell of the table.
    pub figures: BTreeMap<CellKey, Shown>,
    /// What is held back, in this publication or an earlier one: to be kept with the figures, see [`crate::Published`].
    pub mask: Mask,
    /// That nothing of it can be computed back from the rest.
    pub proof: Proof,
    /// How much that is.
    pub counts: Counts,
}

/// Masks a table. What an earlier publication held back stays masked, also where the count is no longer small or there is
/// none now: otherwise it could be read off this one. What one has published hides nothing any more.
///
/// # Errors
/// What was published before gives something away that is masked now, so that nothing of this may leave. Where nothing was
/// published before that cannot be.
///
/// # Panics
/// Only if this crate is wrong: the proof is checked before it is handed out.
pub fn mask(table: &Table) -> Result<Masked, NotProved> {
    let small = (0..table.len()).filter(|at| table.cell(*at).reach.is_some());
    let small: BTreeSet<&CellKey> = small.map(|at| table.key(at)).collect();
    let mut mask: Mask = small
        .iter()
        .copied()
        .chain(table.held_back())
        .cloned()
        .collect();
    let mut prover = Prover::new(table, &mask);
    prover.mask_more();
    mask.0.extend(prover.mask().0);
    let proof = prover.finish()?;
    proof
        .check(table, &mask)
        .expect("what was masked was masked along with its proof");
    let figures = (0..table.len()).map(|at| {
        let key = table.key(at);
        let shown = if mask.holds_back(key) {
            Shown::Masked
        } else {
            Shown::Published(table.cell(at).shown)
        };
        (key.clone(), shown)
    });
    let figures: BTreeMap<CellKey, Shown> = figures.collect();
    let masked = figures.values().filter(|shown| **shown == Shown::Masked);
    let masked = masked.count();
    let counts = Counts {
        published: table.len() - masked,
        small: small.len(),
        complementary: masked - small.len(),
    };
    Ok(Masked {
        figures,
        mask,
        proof,
        counts,
    })
}

/// What masking one table does not protect from, to be said wherever one is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remaining {
    /// Figures of one period that are published again after corrections: the change of a total is the change of what
    /// is masked below it. What was published before is reckoned with as far as this node has published it.
    Corrections,
    /// Periods that make up another (half-years and their year): each is masked by itself.
    Periods,
    /// Groups of units that overlap, as before and after a merger, published apart.
    Groups,
    /// The sum of several masked cells, which may be known although none of them is.
    Sums,
    /// A range: a masked cell can be so or otherwise, not anything.
    Ranges,
    /// What a reader knows beforehand, who counted in one of the cells or who the few people are.
    OutsideKnowledge,
}

impl Remaining {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Corrections,
        Self::Periods,
        Self::Groups,
        Self::Sums,
        Self::Ranges,
        Self::OutsideKnowledge,
    ];

    /// One sentence for whoever publishes.
    #[must_use]
    pub fn text(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Corrections, Lang::Vi) => {
                "So sánh hai lần công bố của cùng một kỳ cho biết số bị che đã thay đổi bao nhiêu."
            }
            (Self::Corrections, Lang::En) => {
                "Two publications of one period tell by how much masked figures changed."
            }
            (Self::Periods, Lang::Vi) => {
                "Công bố cả sáu tháng và cả năm: số bị che ở kỳ này có thể tính được từ kỳ kia."
            }
            (Self::Periods, Lang::En) => {
                "With half-years and their year published, what one masks may follow from the others."
            }
            (Self::Groups, Lang::Vi) => {
                "Công bố theo các nhóm đơn vị chồng lên nhau: hiệu của hai nhóm có thể là số bị che."
            }
            (Self::Groups, Lang::En) => {
                "With overlapping groups of units published, their difference may be a masked figure."
            }
            (Self::Sums, Lang::Vi) => {
                "Tổng của nhiều ô bị che có thể tính được, dù từng ô thì không."
            }
            (Self::Sums, Lang::En) => {
                "The sum of several masked cells may be known although none of them is."
            }
            (Self::Ranges, Lang::Vi) => "Khoảng mà số bị che nằm trong đó có thể tính được.",
            (Self::Ranges, Lang::En) => "A range in which a masked figure lies may be known.",
            (Self::OutsideKnowledge, Lang::Vi) => {
                "Người đã biết một số bị che có thể tính ra số khác."
            }
            (Self::OutsideKnowledge, Lang::En) => {
                "Who knows one masked figure already may compute another."
            }
        }
    }
}
