//! What the project promises in numbers, measured, beside the bounds.
//!
//! ```text
//! figure     a figure with its bound; the table and the JSON of it
//! filling    reports by the thousand, made like those of people
//! tree totals mask opening trust latency idle reconnect link crafted kills programs   the benches, one file a subject
//! ```
//! `--json` prints the same as the table for programs. `scripts/bench` runs all, `scripts/bench NAME ..` some, and `link` all whose name begins with it. Exit 0: every bound holds; 4: one is missed,
//! and the table says which; 1: a bench could not be run.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line: the table goes out, progress beside it"
)]

mod crafted;
mod figure;
mod idle;
mod kills;
mod latency;
mod link;
mod mask;
mod opening;
mod programs;
mod reconnect;
mod totals;
mod tree;
mod trust;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::runtime::Runtime;

use crate::figure::{Seen, print_json, print_table};

/// A bench by its name.
struct Bench {
    name: &'static str,
    run: fn(&Runtime) -> anyhow::Result<Seen>,
}

impl Bench {
    fn answers_to(&self, name: &str) -> bool {
        let rest = self.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// In the order of the table in the README. The wall time of `scripts/test` is not among them: that
/// builds and runs everything, and its last line says how long it took.
const BENCHES: &[Bench] = &[
    Bench {
        name: "demo",
        run: |_| programs::demo(),
    },
    Bench {
        name: "idle",
        run: |runtime| runtime.block_on(idle::run()),
    },
    Bench {
        name: "edit",
        run: |runtime| runtime.block_on(latency::run()),
    },
    Bench {
        name: "totals",
        run: |_| totals::run(),
    },
    Bench {
        name: "mask",
        run: |_| mask::run(),
    },
    Bench {
        name: "open",
        run: |runtime| runtime.block_on(opening::run()),
    },
    Bench {
        name: "reconnect",
        run: |_| reconnect::run(),
    },
    Bench {
        name: "link-edit",
        run: |runtime| runtime.block_on(link::edit::run()),
    },
    Bench {
        name: "link-lossy",
        run: |runtime| runtime.block_on(link::edit::lossy()),
    },
    Bench {
        name: "link-receipt",
        run: |runtime| runtime.block_on(link::edit::receipt()),
    },
    Bench {
        name: "link-cut",
        run: |runtime| runtime.block_on(link::first::cut()),
    },
    Bench {
        name: "link-lost",
        run: |runtime| runtime.block_on(link::first::lost()),
    },
    Bench {
        name: "link-idle",
        run: |runtime| runtime.block_on(link::first::idle()),
    },
    Bench {
        name: "link-first",
        run: |runtime| runtime.block_on(link::first::run()),
    },
    Bench {
        name: "link-bulk",
        run: |runtime| runtime.block_on(link::bulk::run()),
    },
    Bench {
        name: "link-attach",
        run: |runtime| runtime.block_on(link::attach::run()),
    },
    Bench {
        name: "link-hub",
        run: |runtime| runtime.block_on(link::hub::run()),
    },
    Bench {
        name: "link-peers",
        run: link::peers::run,
    },
    Bench {
        name: "crafted",
        run: |_| crafted::run(),
    },
    Bench {
        name: "trust",
        run: |_| trust::run(),
    },
    Bench {
        name: "kills",
        run: |runtime| runtime.block_on(kills::run()),
    },
    Bench {
        name: "mesh",
        run: |_| programs::mesh(),
    },
    Bench {
        name: "tree",
        run: |_| tree::run(),
    },
];

/// Every bound holds but one: what a person has to look at.
const EXIT_MISSED: u8 = 4;

fn main() -> ExitCode {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    let asked = wanted.len();
    wanted.retain(|name| name != "--json");
    let is_json = wanted.len() < asked;
    let known = |name: &String| BENCHES.iter().any(|bench| bench.answers_to(name));
    if let Some(unknown) = wanted.iter().find(|name| !known(name)) {
        let names: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        eprintln!(
            "bench: no bench `{unknown}`; there are: {}",
            names.join(" ")
        );
        return ExitCode::from(2);
    }
    match run(&wanted, is_json) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(EXIT_MISSED),
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the benches; whether all bounds hold. One that cannot be run does not keep the others back.
fn run(wanted: &[String], is_json: bool) -> anyhow::Result<bool> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("start the runtime")?;
    let folder = folder()?;
    let chosen = BENCHES.iter();
    let chosen = chosen
        .filter(|bench| wanted.is_empty() || wanted.iter().any(|name| bench.answers_to(name)));
    let (mut all, mut failed) = (Vec::new(), Vec::new());
    for bench in chosen {
        eprintln!("bench: {} ...", bench.name);
        match (bench.run)(&runtime) {
            Ok(seen) => {
                let path = folder.join(format!("{}.json", bench.name));
                std::fs::write(&path, seen.json(bench.name)?)
                    .with_context(|| format!("write {}", path.display()))?;
                all.push((bench.name, seen));
            }
            Err(error) => {
                eprintln!("bench: {} failed: {error:#}", bench.name);
                failed.push(bench.name);
            }
        }
    }
    if is_json {
        print_json(&all)?;
    } else {
        print_table(&all);
    }
    anyhow::ensure!(failed.is_empty(), "could not be run: {}", failed.join(", "));
    Ok(all.iter().all(|(_, seen)| seen.holds()))
}

/// `bench/` of the target folder that this program lies in (`TARGET/release/bench`).
fn folder() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("find the target folder")?;
    let target = program
        .ancestors()
        .nth(2)
        .context("find the target folder")?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}
