//! Confirmed edits that are gone after many kills.

use anyhow::ensure;
use hopluu_tests::crash::{CrashPlan, crash};

use crate::figure::Seen;

const KILLS: u32 = 200;

/// One run is like the next; another seed is another 200 moments.
const SEED: u64 = 465;

/// How often progress is told.
const TELL_EVERY: u32 = 20;

#[expect(clippy::print_stderr, reason = "200 kills take minutes")]
pub(crate) async fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let plan = CrashPlan {
        kills: KILLS,
        seed: SEED,
    };
    let told = |kill: u32| {
        if kill.is_multiple_of(TELL_EVERY) {
            eprintln!("bench: {kill} of {KILLS} kills");
        }
    };
    let outcome = crash(dir.path(), plan, told).await?;
    ensure!(
        outcome.confirmed > u64::from(KILLS),
        "hardly anything was written"
    );
    let mut seen = Seen::default();
    let lost = u64::try_from(outcome.lost.len())?;
    seen.count("confirmed edits lost over 200 kills", lost, Some(0));
    seen.count("- confirmed edits", outcome.confirmed, None);
    seen.count(
        "- edits under way when it was killed",
        outcome.unanswered,
        None,
    );
    seen.count(
        "- kills of the node that wrote",
        u64::from(outcome.kills_of_writer),
        None,
    );
    seen.count(
        "- kills of the node above it",
        u64::from(outcome.kills_of_superior),
        None,
    );
    seen.note("kill -9 of `hopluu run` while three clients save and it syncs upward; in the end both nodes were compared");
    for line in &outcome.lost {
        seen.note(format!("LOST {line}"));
    }
    Ok(seen)
}
