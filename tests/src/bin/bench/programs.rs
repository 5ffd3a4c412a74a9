//! Bounds on whole programs: the demo, and the simulated mesh.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_tests::{program, repository};

use crate::figure::Seen;

const DEMO_MOST: Duration = Duration::from_secs(60);
const SEED_MOST: Duration = Duration::from_secs(5);

/// Seeds of the mesh that are timed, and the first of them.
const SEEDS: u32 = 3;
const FIRST_SEED: &str = "20240615";

/// The tests that play the seeds, one after the other; the others prove the mesh itself.
const MESH_TESTS: &str = "share_of_seeds_holds";

pub(crate) fn demo() -> anyhow::Result<Seen> {
    let begun = Instant::now();
    let output = Command::new(program())
        .args(["demo", "--check"])
        .stdin(Stdio::null())
        .output()
        .context("start the demo")?;
    let took = begun.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the demo ended with {}: {said}",
        output.status
    );
    let mut seen = Seen::default();
    seen.time(
        "`hopluu demo --check`, after the build",
        took,
        Some(DEMO_MOST),
    );
    Ok(seen)
}

pub(crate) fn mesh() -> anyhow::Result<Seen> {
    let test = built("mesh")?;
    let begun = Instant::now();
    let output = Command::new(test)
        .args([MESH_TESTS, "--test-threads=1", "--nocapture"])
        .env("SIM_SEEDS", SEEDS.to_string())
        .env("SIM_SEED", FIRST_SEED)
        .current_dir(repository())
        .output()
        .context("start the mesh")?;
    let took = begun.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "the mesh failed: {said}");
    let mut seen = Seen::default();
    seen.time("simulated mesh, a seed", took / SEEDS, Some(SEED_MOST));
    seen.note(format!(
        "wall time of {SEEDS} seeds, one after the other on one core, by {SEEDS}"
    ));
    Ok(seen)
}

/// Builds a test target in release and says where its program is; the building is not timed.
fn built(target: &str) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let output = Command::new(cargo)
        .args(["test", "--release", "--locked", "--no-run"])
        // With the whole workspace, as everything else is built: the same features, nothing twice.
        .args(["--message-format=json", "--workspace", "--test", target])
        .current_dir(repository())
        .stderr(Stdio::inherit())
        .output()
        .context("start cargo")?;
    ensure!(
        output.status.success(),
        "the test target `{target}` does not build"
    );
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let mut executable = messages.filter_map(|line| {
        let message: serde_json::Value = serde_json::from_slice(line).ok()?;
        let is_it = message.get("target")?.get("name")?.as_str()? == target;
        let path = message.get("executable")?.as_str().filter(|_| is_it)?;
        Some(PathBuf::from(path))
    });
    executable
        .next()
        .context("cargo does not say where the test is")
}
