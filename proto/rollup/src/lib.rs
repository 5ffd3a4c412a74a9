//! Totals from many documents, with coverage, range and provenance.

pub mod algebra;
mod cell;
pub mod document;
pub mod limits;
pub mod lines;
