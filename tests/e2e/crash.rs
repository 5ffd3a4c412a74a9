//! Kills: what was confirmed is there, whenever the node was killed.

use hopluu_tests::crash::{CrashPlan, crash};

#[tokio::test]
async fn twelve_kills_lose_no_confirmed_edit() {
    let dir = tempfile::tempdir().expect("a folder");
    let plan = CrashPlan { kills: 12, seed: 2 };
    let outcome = crash(dir.path(), plan, |_| {})
        .await
        .expect("both nodes come back");
    assert!(outcome.lost.is_empty(), "{outcome:?}");
    assert_eq!(
        outcome.kills_of_writer + outcome.kills_of_superior,
        plan.kills
    );
    assert!(
        outcome.kills_of_writer > 0 && outcome.kills_of_superior > 0,
        "{outcome:?}"
    );
    assert!(outcome.confirmed > u64::from(plan.kills), "{outcome:?}");
}
