//! What a commune's node costs while nothing happens.

use std::time::Duration;

use anyhow::Context as _;
use hopluu_tests::lab::ends::save;
use hopluu_tests::process::NodeProcess;
use tokio::time::sleep;

use crate::figure::Seen;
use crate::latency::Pair;

const MEMORY_MOST: u64 = 40_000_000;

/// After its last byte a link keeps its timers for a moment.
const SETTLE: Duration = Duration::from_secs(5);

const WATCHED: Duration = Duration::from_secs(10);

/// Reports saved before: a season's.
const SAVES: u32 = 20;

/// A node with a link has no timer of its own; a few wake-ups are the transport's.
const WAKE_UPS_MOST: u64 = 5;

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let mut pair = Pair::start(dir.path()).await?;
    let client = pair.commune.client().await?;
    for value in 0..SAVES {
        save(&client, 5_000 + value).await?;
    }
    let home = pair.commune.dir().to_owned();
    pair.commune.stop().await?;
    pair.commune = NodeProcess::start(&home).await?;
    let linked = watch(pair.commune.pid()).await?;
    pair.district.stop().await?;
    let alone = watch(pair.commune.pid()).await?;
    pair.commune.stop().await?;

    let mut seen = Seen::default();
    seen.bytes(
        "idle commune node, resident",
        linked.resident,
        Some(MEMORY_MOST),
    );
    seen.bytes("- the most it ever had", linked.peak, None);
    seen.count(
        "- wake-ups in 10 s, link up",
        linked.wake_ups,
        Some(WAKE_UPS_MOST),
    );
    seen.count(
        "- wake-ups in 10 s, no link (it redials)",
        alone.wake_ups,
        None,
    );
    seen.note(
        "wake-ups are voluntary context switches of all its threads; with a link up none is due, \
         without one only those of the redial",
    );
    Ok(seen)
}

struct Idle {
    resident: u64,
    peak: u64,
    wake_ups: u64,
}

async fn watch(pid: u32) -> anyhow::Result<Idle> {
    sleep(SETTLE).await;
    let before = switches(pid)?;
    sleep(WATCHED).await;
    let wake_ups = switches(pid)?.saturating_sub(before);
    let (resident, peak) = memory(pid)?;
    Ok(Idle {
        resident,
        peak,
        wake_ups,
    })
}

/// Resident memory of a process in bytes: now, and at its highest.
pub(crate) fn memory(pid: u32) -> anyhow::Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib = |name| field(&status, name).with_context(|| format!("{name} of process {pid}"));
    Ok((kib("VmRSS:")? * 1024, kib("VmHWM:")? * 1024))
}

/// Times that a thread of a process began to wait.
fn switches(pid: u32) -> anyhow::Result<u64> {
    let mut all = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = std::fs::read_to_string(task?.path().join("status"))?;
        all += field(&status, "voluntary_ctxt_switches:").unwrap_or(0);
    }
    Ok(all)
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
