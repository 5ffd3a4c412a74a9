//! A unit's report as a typed view over one Automerge document, and what everybody else needs to know
//! of a change without opening the document.
//!
//! ```text
//! a person's edits -> Report::save -> one change ----------------+
//! bytes of a peer  -> scan -> check_parents -> ScannedChange ----+-> Facts -> rollup
//!                                                                +-> Report (Automerge)
//! ```
//! Start at [`DocKey`], [`scan::scan`], [`Facts`] and [`Report`].
//!
//! **Nothing from a peer reaches Automerge before [`scan::scan`] has bounded it**, and nothing is
//! admitted that [`admit::check_parents`] or [`admit::check_references`] refuses: Automerge panics or
//! wedges on what these keep out. They depend on changes alone, so all nodes say the same.
//! The layout of a document is fixed by its first change ([`mod@genesis`]); goldens in the tests hold its
//! bytes.

pub mod admit;
pub mod attachment;
pub mod edit;
pub mod facts;
pub mod figure;
pub mod genesis;
mod joined;
pub mod judge;
pub mod key;
mod layout;
mod leb128;
pub mod lifecycle;
pub mod limits;
mod marks;
pub mod packet;
pub mod report;
pub mod scan;
mod splice;
#[cfg(test)]
mod testing;
mod trace;
mod words;

pub use admit::{Parent, ParentsError, Tip, check_parents, check_references};
pub use attachment::{Attachment, AttachmentError, MediaType};
pub use edit::{Edit, EditError, SaveContext, SaveMessage, SavedChange};
pub use facts::{FactOp, FactView, Facts, FactsError, FactsView, RegisterView};
pub use figure::{FigureKey, OpId};
pub use genesis::{
    DerivedChange, Genesis, GenesisError, derived_changes, genesis, is_derived_actor,
};
pub use joined::PrivateLines;
pub use judge::{Judge, VoidOps, Voids, ancestors};
pub use key::{Compartment, DocKey, DocKeyError, DocKind};
pub use lifecycle::{EventEntry, LifecycleEvent, LifecycleState};
pub use marks::Answer;
pub use packet::{Member, PacketError, Unpacked, claimed_ops, pack, pack_within, unpack};
pub use report::{
    Attached, Candidate, HistoryEntry, Kept, LoadError, Register, Report, TextKey, Touched, Undone,
};
pub use scan::{
    InsertRun, MapOp, Place, ScanError, ScanLimits, ScannedChange, TextEdit, TextObject, inflate,
    op_span, rescan, scan,
};
pub use trace::{Answered, Fate, Right, Written, trace};
