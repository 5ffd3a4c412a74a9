//! Proof: what only holds when all crates are taken together.
//!
//! ```text
//! tidy   the rules of the source itself: who may depend on whom, sizes, words, scripts, papers
//! mesh   a whole province simulated on a virtual clock, from one seed
//! e2e    the program as people run it: real processes, real sockets, real kills
//! ```
//! Each is a test target of its own, in a folder of its own, with a `main.rs` as its front page.
//! What belongs to one crate alone is tested there. Start at [`repository`].

use std::path::PathBuf;

/// The folder of the checkout that is being tested, so that a test finds manifests, forms and
/// unit tables wherever cargo puts its binary.
#[must_use]
pub fn repository() -> PathBuf {
    // The crate lies one folder below the root.
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
