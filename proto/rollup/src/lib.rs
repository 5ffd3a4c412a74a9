//! Totals from many documents, up a dated tree of any depth, with coverage, range and provenance.
//!
//! ```text
//! packed facts --> one cell a line --> Figure --lift--> Partial --combine, up the tree--> finish
//!  (a document)     (a document)      (a unit)                                        --> Total
//! ```
//! Start at [`Totals`], which keeps the totals of one form and period up to date, and [`Total`].
//! The algebra is in [`algebra`].
//!
//! - The order in which reports arrive never shows, and a report that changes costs its own line up.
//! - Missing is not zero: every asked unit is counted in exactly one state on every line.
//! - A figure with several values gives the range that the total can take; equal ones are agreed.
//! - A [`Total`] has canonical bytes that name the documents, heads, form, tree and totals below
//!   that made it. Nothing in them depends on the node, the time or the order.
//! - Totals of a year made of half-years are made over time first, then over units.

#![deny(clippy::float_arithmetic)]

pub mod algebra;
mod cell;
pub mod document;
mod fold;
pub mod limits;
mod lines;
mod shape;
pub mod total;
mod totals;
mod wire;

pub use document::{ReportFacts, Stray, StrayReason};
pub use shape::Unplaced;
pub use total::{Child, Count, Coverage, LineTotal, Missing, Source, Tally, Total};
pub use totals::{Filing, OpenError, Placed, SetError, Totals};
