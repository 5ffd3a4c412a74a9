//! Every input that fuzzing kept, and real ones for it to begin with, played as ordinary tests.
//!
//! ```text
//! tests/fuzz/corpus/TARGET/seed-*   what real encoders write: `seeds` makes them, scripts/fuzz seed keeps them
//! tests/fuzz/corpus/TARGET/*        what `scripts/fuzz` found to be new, or to break something once
//! ```
//! None may panic, hang, or take more memory than a small node has to spare.

#![expect(
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a target says by a panic what must not be; seeds are as long as they were made; lengths are \
              cut to seven bits; the last name printed is the input that failed"
)]

// The same files that libFuzzer's programs are built of.
mod crafted;
#[path = "../fuzz/src/lib.rs"]
pub mod fuzz;
mod seeds;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hopluu_tests::{memory, repository};

/// Memory that one input may take, as the issue on the link has it.
const MEMORY_MAX: u64 = 64 << 20;

/// Time that one input may take. It finds what hangs; how quick it is, `scripts/bench crafted` says.
const TIME_MAX: Duration = Duration::from_secs(5);

/// Longest input that is kept: a person must be able to look at it.
const INPUT_BYTES_MAX: usize = 24 << 10;

fn folder(target: &str) -> PathBuf {
    repository().join("tests/fuzz/corpus").join(target)
}

fn kept(target: &str) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let folder = folder(target);
    let mut kept = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        kept.insert(name, fs::read(entry.path())?);
    }
    Ok(kept)
}

/// Plays what is kept of one target.
fn play(name: &str) -> anyhow::Result<()> {
    let target = fuzz::TARGETS.iter().find(|target| target.name == name);
    let target = target.context("a target of this name")?;
    let kept = kept(name)?;
    anyhow::ensure!(!kept.is_empty(), "nothing is kept of {name}");
    // What is made once, and is no input's.
    (target.run)(&[]);
    for (file, input) in kept {
        anyhow::ensure!(input.len() <= INPUT_BYTES_MAX, "{name}/{file} is long");
        println!("{name}/{file}");
        let before = memory::rest();
        let began = Instant::now();
        (target.run)(&input);
        let took = began.elapsed();
        let most = memory::most_since(before);
        anyhow::ensure!(took <= TIME_MAX, "{name}/{file} takes {took:?}");
        anyhow::ensure!(most <= MEMORY_MAX, "{name}/{file} takes {most} bytes");
    }
    Ok(())
}

macro_rules! targets {
    ($($name:ident),*) => {
        $(#[test]
        fn $name() -> anyhow::Result<()> {
            play(stringify!($name))
        })*

        #[test]
        fn every_target_is_played_and_has_a_program() {
            let named: Vec<_> = fuzz::TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(named, [$(stringify!($name)),*]);
            for name in named {
                let program = repository().join(format!("tests/fuzz/targets/{name}.rs"));
                assert!(program.exists(), "{name} has no program");
            }
        }
    };
}

targets!(
    frames, session, packets, changes, records, tickets, chains, envelopes, dossiers, bundles,
    parcels, forms, units, grants, signatures
);

/// Fuzzing begins with what the encoders of today write. `KEEP_SEEDS=1` keeps it, as `scripts/fuzz seed`
/// does.
#[test]
fn seeds_are_what_encoders_write() -> anyhow::Result<()> {
    let is_kept = std::env::var_os("KEEP_SEEDS").is_some();
    for (target, seeds) in seeds::all() {
        let mut known = BTreeMap::new();
        if is_kept {
            fs::create_dir_all(folder(target))?;
        } else {
            known = kept(target)?;
        }
        for (name, bytes) in seeds {
            let file = format!("seed-{name}");
            if is_kept {
                fs::write(folder(target).join(&file), &bytes)?;
            } else {
                let same = known.get(&file) == Some(&bytes);
                anyhow::ensure!(same, "{target}/{file} is of another day: scripts/fuzz seed");
            }
        }
    }
    Ok(())
}
