//! Proof: what only holds when all crates are taken together.
//!
//! ```text
//! tidy   the rules of the source itself: who may depend on whom, sizes, words, scripts, papers
//! mesh   a whole province simulated on a virtual clock, from one seed
//! lab    links as bad as those of the mountains, for benches
//! link   what work may cost on a link, in bytes: exact, whatever the machine does beside
//! corpus what fuzzing found and begins with (fuzz/), played as tests
//! e2e    the program as people run it: real processes, real sockets, real kills
//! ```
//! Each is a test target of its own, in a folder of its own, with a `main.rs` as its front page.
//! What belongs to one crate alone is tested there. Start at [`program`] and [`repository`].

pub mod crafted;
pub mod crash;
pub mod deadline;
pub mod filling;
pub mod lab;
pub mod memory;
pub mod process;
pub mod told;

use std::path::PathBuf;

/// The folder of the checkout that is being tested, so that a test finds manifests, forms and
/// unit tables wherever cargo puts its binary.
#[must_use]
pub fn repository() -> PathBuf {
    // The crate lies one folder below the root.
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The program `hopluu` of the same build as the test or bench that asks.
///
/// # Panics
/// When it is not built: cargo builds a program for the tests of its own crate only.
#[must_use]
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a file");
    // A test lies in `deps/` below the program, a bench beside it.
    let mut folders = test.ancestors().skip(1).take(2);
    folders
        .find_map(|folder| Some(folder.join("hopluu")).filter(|program| program.is_file()))
        .expect("the program is built: run the tests of the whole workspace, or cargo build --workspace --bins")
}
