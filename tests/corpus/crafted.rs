//! The worst 20 KB of every kind: each gets its answer, and takes no more memory than a small node has.

use std::io;
use std::process::Command;
use std::time::Duration;

use hopluu_tests::crafted::{Answer, Host, INPUT_BYTES_MAX, MEMORY_MAX, all};
use hopluu_tests::memory;

/// How long a bundle waits for its maker's share at most.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// This test once more, in a process where memory is counted as it should be.
fn again() -> io::Result<()> {
    let name = "crafted::the_worst_inputs_are_answered_within_memory";
    let ran = Command::new(std::env::current_exe()?)
        .args(["--exact", name, "--nocapture"])
        .envs(memory::GIVEN_BACK)
        .output()?;
    let [said, seen] = [&ran.stderr, &ran.stdout].map(|said| String::from_utf8_lossy(said));
    assert!(ran.status.success(), "{said}\n{seen}");
    assert!(seen.contains("1 passed"), "{seen}");
    Ok(())
}

#[test]
fn the_worst_inputs_are_answered_within_memory() {
    if !memory::is_given_back() {
        return again().unwrap();
    }
    let mut host = Host::new();
    let mut wrong = Vec::new();
    let mut waited = Duration::ZERO;
    for crafted in all(&host) {
        let name = crafted.name;
        assert!(
            crafted.bytes() <= INPUT_BYTES_MAX + 512,
            "{name}: {}",
            crafted.bytes()
        );
        let outcome = host.take(&crafted);
        println!("{name}: {} bytes, {outcome:?}", crafted.bytes());
        assert!(outcome.waited <= WAIT_MAX, "{name}: {outcome:?}");
        if outcome.answer == Answer::Taken {
            waited = waited.max(outcome.waited);
        }
        if outcome.answer != crafted.answer || outcome.memory > MEMORY_MAX {
            wrong.push(format!("{name}: {outcome:?} and not {:?}", crafted.answer));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(
        !waited.is_zero(),
        "what is dear and sound is put off, and comes in whole"
    );
}
