//! The nouns everybody else speaks in: units and their dated tree, periods, offices, quantities, ids.
//!
//! ```text
//! model  <- form <- doc <- rollup
//!        <- trust <- sync
//! ```
//! Nothing here knows Automerge, a file, a socket or the time of day. Start at [`UnitTree`],
//! [`Period`] and [`Scalar`].

pub mod error_chain;
pub mod id;
pub mod journal;
pub mod name;
pub mod period;
pub mod place;
pub mod quantity;
pub mod scalar;
pub mod step;
pub mod time;
pub mod tree;
pub mod unit;

pub use error_chain::{ErrorChain, Fault};
pub use id::{ActorId, ChangeHash, Digest, DocId, Epoch, NodeId, ObjectId, RecordHash};
pub use jiff::civil::Date;
pub use journal::{EntryKind, Seq};
pub use name::{CompartmentId, FormId, FormVersion, IndicatorCode, NameError, OfficeId, SectionId};
pub use period::{Period, PeriodError, PeriodKind};
pub use place::Place;
pub use quantity::{Decimal, DecimalError};
pub use scalar::{Qualifier, Scalar, ScalarError};
pub use step::Step;
pub use time::Timestamp;
pub use tree::{
    EventError, LoadError, ResolveError, Share, Successor, TreeDecodeError, TreeEvent, TreeFlaw,
    TreeManifest, Unit, UnitTree, load_snapshots,
};
pub use unit::{UnitCode, UnitError, UnitId};
