//! A unit's report as a typed view over one Automerge document, and what everybody else needs to know
//! of a change without opening the document.
//!
//! ```text
//! bytes of a peer -> scan -> ScannedChange -> Facts -> rollup
//!                                          -> Report (Automerge)
//! ```
//! Start at [`DocKey`], [`ScannedChange`] and [`Facts`].

pub mod facts;
pub mod figure;
pub mod key;
mod leb128;
pub mod limits;
pub mod scan;

pub use facts::{FactMap, FactOp, FactView, Facts, FactsError, FactsView, RegisterView, Verdict};
pub use figure::{FigureKey, OpId};
pub use key::{Compartment, DocKey, DocKeyError, DocKind};
pub use scan::{MapOp, ScanError, ScanLimits, ScannedChange, TextEdit, TextObject};
