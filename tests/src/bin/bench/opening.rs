//! How long a node with many documents takes until it answers.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_api::Client;
use hopluu_engine::Home;
use hopluu_model::{Period, UnitId};
use hopluu_store::{OpenOptions, Store};
use hopluu_tests::filling::{Filled, annex, key_of, put_all};
use hopluu_tests::process::{NodeProcess, make_root, shipped_tree};

use crate::figure::{Seen, median};
use crate::idle::memory;

const DOCUMENTS: usize = 10_000;

/// Hà Nội has 579 communes: with their half-years they are 10,000 documents in nine years.
const PROVINCE: &str = "01";

const FIRST_YEAR: i16 = 2016;

/// Figures in each, as in an ordinary half-year.
const LINES: usize = 30;

const RUNS: usize = 5;

const OPEN_MOST: Duration = Duration::from_secs(1);
const MEMORY_MOST: u64 = 64_000_000;

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let home = dir.path().join("province");
    make_root(&home, PROVINCE)?;
    fill(&home)?;
    let (mut times, mut memories, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let begun = Instant::now();
        let node = NodeProcess::start(&home).await?;
        let client: Client = node.client().await?;
        let status = client.status().await?;
        times.push(begun.elapsed());
        let documents = usize::try_from(status.documents)?;
        ensure!(documents == DOCUMENTS, "the node has {documents} documents");
        let (resident, peak) = memory(node.pid())?;
        memories.push(resident);
        peaks.push(peak);
        node.stop().await?;
    }
    let most = |values: Vec<u64>| values.into_iter().max().unwrap_or_default();
    let mut seen = Seen::default();
    seen.time(
        "opening a node with 10,000 documents, until it answers",
        median(times),
        Some(OPEN_MOST),
    );
    seen.bytes("- resident then", most(memories), Some(MEMORY_MOST));
    seen.bytes("- the most until then", most(peaks), None);
    seen.note(format!(
        "median of {RUNS} starts of `hopluu run` until `status` was answered over its socket; the \
         store file is in the system's cache"
    ));
    Ok(seen)
}

/// Half-years of all communes of the province, beside the running of any node.
fn fill(home: &Path) -> anyhow::Result<()> {
    let home = Home::open(home)?;
    let signer = home.signer()?;
    let form = annex()?;
    let tree = shipped_tree()?;
    let periods = (FIRST_YEAR..).flat_map(|year| [1, 2].map(|half| Period::Half(year, half)));
    let mut reports = Vec::with_capacity(DOCUMENTS);
    let mut communes: Vec<UnitId> = Vec::new();
    for period in periods {
        if communes.is_empty() {
            let day = form.tree_day(&period)?;
            let province = tree.resolve(PROVINCE, Some(day)).context("the province")?;
            communes = tree.leaves_below(&province, day);
            ensure!(!communes.is_empty(), "the province has no communes");
        }
        for unit in &communes {
            if reports.len() == DOCUMENTS {
                let store = Store::open(&home.database(), &OpenOptions::existing())?;
                put_all(&store, &reports)?;
                return Ok(store.close()?);
            }
            let number = u64::try_from(reports.len())?;
            let key = key_of(&form, unit, &period, 0);
            reports.push(Filled::new(key, &form, &signer, (LINES, 1), number)?);
        }
    }
    Ok(())
}
