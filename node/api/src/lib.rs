//! The HTTP API of a node over a Unix socket, the shapes of its JSON, and the client that speaks it.
//!
//! ```text
//! cli ── Client ── HTTP over HOME/api.sock ── Server ── Handle ── engine
//!           └───── the same HTTP in memory ────┘   when no daemon runs
//! ```
//! Start at [`Server`], which answers, and [`Client`], which asks. There is one way in: a command that
//! finds no daemon starts the engine in its own process and speaks the same HTTP to it, so that a
//! command cannot behave differently with and without one. [`text`] holds every message of the engine
//! in Vietnamese and English, with its stable code.
//!
//! The engine's `view` types are the JSON; what is only JSON's is in [`shape`]. docs/cli.md is the
//! contract of both, and tests hold it.

mod asker;
mod client;
mod extract;
pub mod limits;
mod problem;
mod routes;
mod server;
pub mod shape;
mod stream;
pub mod text;

pub use client::{
    Client, ClientError, Exported, ExportedPart, ExportedParts, ImportSummary, Lines, is_served,
    take_home,
};
pub use problem::{ApiError, Problem};
pub use server::{ServeError, Server};
