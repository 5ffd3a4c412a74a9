//! The tree of the whole country with its history: loaded from its tables, and decoded from the text
//! that is handed down.

use std::time::Instant;

use hopluu_model::UnitTree;
use hopluu_tests::process::shipped_tree;

use crate::figure::{Seen, median};

const RUNS: usize = 9;

pub(crate) fn run() -> anyhow::Result<Seen> {
    let (mut loads, mut decodes, mut encodes) = (Vec::new(), Vec::new(), Vec::new());
    let mut length = 0;
    for _ in 0..RUNS {
        let begun = Instant::now();
        let tree = shipped_tree()?;
        loads.push(begun.elapsed());
        let begun = Instant::now();
        let text = tree.encode();
        encodes.push(begun.elapsed());
        length = text.len();
        let begun = Instant::now();
        let decoded = UnitTree::decode(&text)?;
        decodes.push(begun.elapsed());
        anyhow::ensure!(
            decoded.version() == tree.version(),
            "decoding changed the tree"
        );
    }
    let mut seen = Seen::default();
    seen.time("tree of the country from its tables", median(loads), None);
    seen.time(
        "the same decoded from its canonical text",
        median(decodes),
        None,
    );
    seen.time("the same written as that text", median(encodes), None);
    seen.bytes("that text", u64::try_from(length)?, None);
    Ok(seen)
}
