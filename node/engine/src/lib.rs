//! The engine: one event at a time into `proto`, its effects out to the store and the network.
//!
//! ```text
//! Handle (commands) --\                     /-- Store (writer thread, fsync)
//! links, dials ------- > Node::run -> Core < --- Hub (whom to tell what)
//! store's answers ----/                     \-- Totals, open documents
//! ```
//! Start at [`start`] and [`Handle`]; [`Core`] is the same node without threads and clocks, which the
//! simulated mesh drives in virtual time. What a person is shown is in [`view`].

mod admit;
mod agenda;
mod attach;
mod audit;
mod beginnings;
mod bills;
mod bundle;
pub mod clock;
mod clock_watch;
mod core;
mod decide;
mod docket;
mod doctor;
mod edit;
mod encrypt;
mod enrol;
mod error;
mod evidence;
mod files;
mod grants;
mod handle;
mod home;
mod judging;
mod ledger;
mod limits;
mod links;
mod list;
mod net;
mod node;
mod open_docs;
mod parcels;
mod people;
mod placing;
mod plan;
mod publish;
mod reads;
mod registry;
mod rekey;
mod renewal;
mod resolve;
mod restore;
mod rollups;
mod root;
mod setup;
mod show;
mod snapshots;
mod status;
#[cfg(test)]
mod testing;
mod totals;
mod turn;
pub mod view;
mod voids;
mod waiting;
mod ways;
mod wrapped;

pub use audit::{DossierFlaw, Shown, verify};
pub use beginnings::Beginnings;
pub use bundle::{
    BUNDLE_BYTES_MAX, BundleError, BundleMade, BundleRequest, PART_BYTES_MIN, Receivers, inspect,
};
pub use doctor::{Ailment, CheckUp, Detail, Diagnosis, Repaired, Seen, doctor};
pub use encrypt::{Converted, decrypt, encrypt, rewrap};
pub use enrol::JoinAnswer;
pub use error::{CommandError, UndoBar};
pub use handle::{Handle, InviteRequest, ReportFilter, TotalSelector};
pub use home::{Home, HomeError, NodeSettings};
pub use hopluu_doc::limits::ATTACHMENT_BYTES_MAX;
// What SetupError and Detail are made of, for whoever has to word them.
pub use hopluu_net::{BadProxy, JoinCallError, Proxy};
pub use hopluu_store::{Found, OpenError};
pub use hopluu_sync::WindowError;
pub use hopluu_trust::limits::DOSSIER_BYTES_MAX;
pub use hopluu_trust::{
    EnvelopeError, JoinError, JoinRefusal, Permission, Role, Roles, RootShare, ShareError,
    TicketError, Void, fingerprint,
};
pub use node::{LoopEnded, Running, StartError, now, start, start_offline};
pub use parcels::NeighbourSettings;
pub use people::{FirstAdmin, Guesses, PeopleError, Weakness};
pub use plan::{LinkFlaw, LinkSettings, Profile};
pub use rekey::{Rekeyed, rekey};
pub use restore::{Restored, Secrets, restore};
pub use root::{RootError, SharePage, root_backup, root_restore};
pub use setup::{
    NewHome, RootSetup, SetUp, SetupError, found_store, fresh_epoch, identity_of, init_root, join,
    open_core, root_records,
};
pub use turn::{Continuation, NetEffect, Reply, Turn};
pub use wrapped::{Secret, SecretError, SecretKind};

pub use crate::core::{Core, CoreConfig, Post};
