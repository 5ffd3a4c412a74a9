//! Small counts of people masked in what leaves the reporting line, together with what they could be computed back
//! from.
//!
//! ```text
//! form, tree, figures --> Table --mask--> Masked: what may leave, its Proof, and the Mask for the next time
//! ```
//! Start at [`Table`] and [`mask()`].
//!
//! **What is masked.** Counts of 1 to [`limits::THRESHOLD`] - 1 in the form's private lines, and what is told of them in
//! another measure. None is published, and everybody may know that: a reader takes every masked cell as at least 1.
//! Then more cells, the fewest and smallest that are found, top totals last.
//!
//! **What is proved.** A reader has everything that is published, the form and the tree: which parts make up which
//! whole over lines, offices and units, and that a part ("trong đó") is not more than its whole. For every masked cell
//! there is another table of whole numbers, at least 1 where masked, with the same published figures and for which all
//! of that holds. In it a small count is [`limits::THRESHOLD`] or more, an amount told of one at least twice as much,
//! any other masked cell different. So no reasoning from the publication, over equations, bounds or whole numbers, can
//! fix a masked cell, nor find that a small count is small. Each of these tables is checked in exact integers, apart
//! from the search that found it.
//!
//! **Several publications** of a period are one table for whoever kept them ([`Table::after`]): a figure that is the same in
//! two is one cell, one that was corrected is two, and the relations of each publication hold. What was published once
//! hides nothing any more, and what was held back stays so.
//!
//! **What is not.** A sum that the figures themselves break (a part is blank, or somebody erred) is known only as far as
//! it is true: that the parts are not more than the whole, where they are not. What rests on how the masked cells were
//! chosen beyond that none of them is none is not considered; neither is what [`Remaining`] lists, or a cell that was
//! masked before and holds nothing now. The mask is not the smallest there is: finding that is NP-hard.

pub mod limits;
mod mask;
mod proof;
mod search;
mod table;

use std::collections::BTreeSet;

pub use mask::{Counts, Mask, Masked, Remaining, Shown, mask};
pub use proof::{Proof, prove};
pub use table::{CellKey, Published, Row, Table, TableError};

/// Why a mask is not shown to be safe.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum NotProved {
    /// A small count is published.
    #[error("prove a mask: the small count of {0:?} is published")]
    Published(CellKey),
    /// No other table was found that says something else in these cells.
    #[error("prove a mask: {} cells may be derived", .0.len())]
    MayBeDerived(BTreeSet<CellKey>),
}

#[cfg(test)]
mod tests;
