//! Inputs of 20 KB that would cost a small node the most: of every kind that comes from elsewhere.
//!
//! ```text
//! inputs: link, papers, packets, words  -- Crafted -->  Host: a real engine over a real store in memory
//!                                                |-> what it answered, how long, how much memory
//! ```
//! The test `corpus` holds each to its answer and to the memory of the issue; `scripts/bench crafted`
//! prints the times as well.

mod floods;
mod host;
mod link;
mod packets;
mod papers;
mod words;

use std::time::Duration;

pub use self::host::{Answer, Host, Outcome};

/// Longest input. What is larger is sent in pieces of which the same holds.
pub const INPUT_BYTES_MAX: usize = 20 << 10;

/// Memory that one may take: a quarter of what the smallest node has.
pub const MEMORY_MAX: u64 = 64 << 20;

/// Time that one may take on the machine that the bounds are for.
pub const TIME_MAX: Duration = Duration::from_millis(100);

/// One input, and what a node says to it.
#[derive(Debug, Clone)]
pub struct Crafted {
    /// What it is, in a few words.
    pub name: &'static str,
    /// How it comes.
    pub way: Way,
    /// What is answered.
    pub answer: Answer,
}

/// How an input comes to a node.
#[derive(Debug, Clone)]
pub enum Way {
    /// Over a link of an enrolled commune that has said hello.
    Link(Vec<u8>),
    /// The same, each when what came before has been answered.
    Turns(Vec<Vec<u8>>),
    /// As a file or a code that somebody carried.
    Stick(Vec<u8>),
    /// From somebody without a certificate, over the network.
    Join(Vec<u8>),
    /// Something that a person types, or a file of theirs, or text that a superior hands down.
    Words(fn(&str) -> bool, String),
}

impl Crafted {
    fn new(name: &'static str, way: Way, answer: Answer) -> Self {
        Self { name, way, answer }
    }

    /// How long it is.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.way {
            Way::Link(bytes) | Way::Stick(bytes) | Way::Join(bytes) => bytes.len(),
            Way::Turns(turns) => turns.iter().map(Vec::len).sum(),
            Way::Words(_, text) => text.len(),
        }
    }
}

/// All of them, for this host.
#[must_use]
pub fn all(host: &Host) -> Vec<Crafted> {
    let mut all = link::inputs(host);
    all.extend(floods::inputs());
    all.extend(papers::inputs(host));
    all.extend(packets::inputs(host));
    all.extend(words::inputs(host));
    all
}
