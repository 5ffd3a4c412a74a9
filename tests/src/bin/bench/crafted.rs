//! The worst 20 KB of every kind: how long a node has them in hand, and what they take.

use std::process::{Command, Stdio};

use anyhow::Context as _;
use hopluu_tests::crafted::{Host, MEMORY_MAX, Outcome, TIME_MAX, all};
use hopluu_tests::memory;

use crate::figure::{Seen, median};

/// Each is taken so often, by a node of its own: what it leaves behind must not count.
const ROUNDS: usize = 3;

/// Memory is counted in a process of its own, which gives back at once what is freed. That makes what asks for much
/// and frees it again three times as slow, so times are taken here.
pub(crate) fn run() -> anyhow::Result<Seen> {
    if memory::is_given_back() {
        return seen(memories);
    }
    let mut seen = seen(times)?;
    let program = std::env::current_exe().context("find this program")?;
    let ran = Command::new(program)
        .args(["--json", "crafted"])
        .envs(memory::GIVEN_BACK)
        .stderr(Stdio::inherit())
        .output()
        .context("begin a process for it")?;
    let [there] = serde_json::from_slice::<[Seen; 1]>(&ran.stdout).context("read what it saw")?;
    seen.append(there);
    seen.note(
        "crafted: processor time of one thread until all is on disk; what takes longer than the bound takes \
         turns with others, and the bound is on each turn",
    );
    Ok(seen)
}

/// Lets a node take each input some times.
fn seen(show: fn(&mut Seen, &str, &[Outcome])) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    for crafted in all(&Host::new()) {
        let outcomes: Vec<_> = (0..ROUNDS).map(|_| Host::new().take(&crafted)).collect();
        for outcome in &outcomes {
            anyhow::ensure!(
                outcome.answer == crafted.answer,
                "{}: {outcome:?}",
                crafted.name
            );
        }
        show(&mut seen, crafted.name, &outcomes);
    }
    Ok(seen)
}

fn times(seen: &mut Seen, name: &str, outcomes: &[Outcome]) {
    let held = median(outcomes.iter().map(|one| one.held).collect());
    let took = median(outcomes.iter().map(|one| one.took).collect());
    let is_shared = took > TIME_MAX;
    seen.time(name, if is_shared { held } else { took }, Some(TIME_MAX));
    if is_shared {
        seen.time("- all its turns together", took, None);
    }
}

fn memories(seen: &mut Seen, name: &str, outcomes: &[Outcome]) {
    let memory = outcomes.iter().map(|one| one.memory).max().unwrap_or(0);
    seen.bytes(&format!("memory for {name}"), memory, Some(MEMORY_MAX));
}
