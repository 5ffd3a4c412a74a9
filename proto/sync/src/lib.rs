//! What to send to whom, and in which order: the hub of all links of one node.
//!
//! ```text
//!  net, store, a person --Event--> Hub::handle --Effect--> net, store
//!                                    | one session per link
//!                         frames <---+---> journal positions, ranges of objects
//! ```
//! The hub opens no socket, reads no clock and knows nothing of what a document is: an [`Entry`] has
//! an object, a unit and opaque bytes. What travels without a link is a [`Bundle`]. Start at [`Hub`], [`Event`] and [`Effect`]; what travels is
//! written down in `docs/protocol.md` and held by golden bytes in `tests/wire`.
//!
//! What never happens: an acknowledgement of what is not durable; a document sent out of its peer's
//! [`Scope`]; a byte of a peer that makes the hub panic, loop or grow beyond [`limits`]; a wake-up
//! while every link is idle and healthy.

pub mod limits;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

mod agenda;
pub mod attachment;
mod bundle;
mod checkpoint;
mod close;
mod dial;
mod dictionary;
mod effect;
mod entry;
mod event;
mod frame;
mod generator;
mod hub;
mod inbound;
mod inlet;
mod ledger;
mod outbound;
mod outlet;
mod pace;
pub mod parcel;
mod range;
mod scope;
mod session;
mod sessions;
mod status;
mod steady;
mod stream;
mod walk;
mod window;

pub use agenda::{Ahead, Class, Owed, in_turn, reach};
pub use attachment::{FileHere, FileId, Piece, PieceFate, Want, Wants, outline};
pub use bundle::{Bundle, BundleError, Carried, Claims, FileRun, OldNews};
pub use checkpoint::{Acked, Checkpoint, Received};
pub use close::CloseCode;
pub use effect::Effect;
pub use entry::{
    Entry, Incoming, Item, ItemDigest, JournalBatch, MissingBatch, ObjectKey, Refusal, RefusalCode,
    Select, ShortHash, ShortKey,
};
pub use event::{Event, LinkId, NewEntry, News, TargetId, Ticket};
pub use frame::Span;
pub use hub::{Hub, HubConfig};
pub use ledger::{Account, Gone, Purpose, Said, Spent};
pub use scope::{NoReaders, Readers, Scope};
pub use status::{
    HubStatus, LinkStatus, PeerStatus, TargetState, TargetStatus, Trouble, WalkState,
};
pub use steady::Steady;
pub use window::{WEEK_MINUTES, WindowError, WindowState, Windows};
