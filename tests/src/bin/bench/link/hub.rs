//! The deadline hour: every commune of the largest province comes back at once, with one edited report each.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hopluu_tests::deadline::{COMMUNES, PROVINCE, SECS_MAX, all, arrived, enrol, stop};
use hopluu_tests::process::{NodeProcess, make_root};
use hopluu_tests::told::{is_change, told};
use tokio::time::timeout;

use crate::figure::Seen;
use crate::idle::memory;

const CPU_MOST: Duration = Duration::from_millis(4);
const MEMORY_MOST: u64 = 150_000_000;

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let hub_dir = dir.path().join("province");
    make_root(&hub_dir, PROVINCE)?;
    let communes = enrol(dir.path(), &hub_dir, COMMUNES)?;
    let count = communes.len();
    let hub = NodeProcess::start(&hub_dir).await?;
    eprintln!("bench: {count} communes meet their province");
    let met = all(&communes)?;
    arrived(&hub, count).await?;
    stop(met).await;
    for commune in &communes {
        commune.put(2)?;
    }
    let mut changes = told(hub.client().await?, is_change).await?;
    let (spent, began) = (cpu(hub.pid())?, Instant::now());
    let back = all(&communes)?;
    for _ in 0..count {
        let change = timeout(Duration::from_secs(SECS_MAX), changes.recv()).await;
        change
            .context("a report was refused for good")?
            .context("the hub tells")?;
    }
    let (took, spent) = (began.elapsed(), cpu(hub.pid())?.saturating_sub(spent));
    let (_, peak) = memory(hub.pid())?;
    stop(back).await;
    hub.stop().await?;

    let mut seen = Seen::default();
    let each = spent / u32::try_from(count)?;
    seen.time(
        "the hub's processor for each of the communes that come back",
        each,
        Some(CPU_MOST),
    );
    seen.bytes("- its memory at its highest", peak, Some(MEMORY_MOST));
    seen.count("- communes", u64::try_from(count)?, None);
    seen.time("- until the last report is on disk", took, None);
    seen.note("link-hub: the communes run on the same two cores, which is where the time goes until the last is in");
    Ok(seen)
}

/// How long a process has had a core.
fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
