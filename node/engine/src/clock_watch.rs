//! Noticing that time has jumped: the machine slept, the process was held, or the clock was set.

use std::time::Duration;

use hopluu_model::Timestamp;

use crate::node::now;

/// Looks at the machine's clock now and then. The steady clock stands still while a machine sleeps, and the
/// machine's own goes on: so a look that comes due shows by the latter alone whether anything was odd.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    every: Duration,
    seen: Timestamp,
}

impl ClockWatch {
    /// Looks each time that so much steady time has passed; jumps of less are not noticed.
    pub(crate) fn start(every: Duration) -> Self {
        Self { every, seen: now() }
    }

    /// Waits for the next jump. Cancelling loses none that has not been looked at.
    pub(crate) async fn jumped(&mut self) {
        loop {
            tokio::time::sleep(self.every).await;
            let before = std::mem::replace(&mut self.seen, now());
            if has_jumped(before, self.seen, self.every) {
                return;
            }
        }
    }
}

/// Whether the clock went back, or further than a look may be late.
fn has_jumped(before: Timestamp, now: Timestamp, every: Duration) -> bool {
    let passed = u128::try_from(now.0.saturating_sub(before.0));
    passed.map_or(true, |passed| passed > 2 * every.as_millis())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_clock_that_goes_its_way_has_not_jumped() {
        let noon = Timestamp(1_795_300_000_000);
        let jumps = |passed| has_jumped(noon, Timestamp(noon.0 + passed), Duration::from_secs(5));
        assert!(![0, 4_990, 5_000, 7_000, 10_000].into_iter().any(jumps));
        assert!(
            [10_001, 8 * 3_600_000, -1, -8 * 3_600_000]
                .into_iter()
                .all(jumps)
        );
    }

    /// A machine cannot be put to sleep here, but a process of its own can be held.
    #[test]
    fn a_process_that_was_held_notices() {
        const HELD: &str = "HOPLUU_TEST_HELD";
        const EVERY: Duration = Duration::from_millis(200);
        if std::env::var_os(HELD).is_some() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            runtime.unwrap().block_on(async {
                let mut watch = ClockWatch::start(EVERY);
                println!("watching");
                let limit = Duration::from_secs(20);
                tokio::time::timeout(limit, watch.jumped()).await.unwrap();
            });
            return;
        }
        let program = std::env::current_exe().unwrap();
        let test = "clock_watch::tests::a_process_that_was_held_notices";
        let mut child = Command::new(program)
            .args(["--exact", test, "--nocapture"])
            .env(HELD, "1")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("watching")));
        let id = child.id().to_string();
        let tell = |signal: &str| {
            let kill = Command::new("kill").args([signal, &id]).status();
            assert!(kill.unwrap().success());
        };
        tell("-STOP");
        std::thread::sleep(5 * EVERY);
        tell("-CONT");
        assert!(child.wait().unwrap().success());
    }
}
