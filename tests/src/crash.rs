//! Kills nodes at random moments, while they write and while they sync, and looks for every edit that
//! was confirmed.
//!
//! ```text
//! writers -- save --> commune's node -- sync --> district's node
//!    |                     ^ kill -9                  ^ kill -9
//!    +-- confirmed ---> after each restart and at the end: is it there?
//! ```
//! What a kill of a process cannot show is the loss of the system's own cache: that the answer comes
//! after an fsync is held by the store's tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use hopluu_api::{Client, ClientError};
use hopluu_engine::view::{EditRequest, SaveRequest, Selector};
use hopluu_model::ChangeHash;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::process::{NodeProcess, make_root};

/// The district that is above, and the commune that writes.
const DISTRICT: &str = "465";
const COMMUNE: &str = "19429@2024-05-01";

/// Clients that save at once, so that saves share transactions and a kill meets several.
const WRITERS: usize = 3;

/// Rounds that write into one set of reports: a report's history stays a few hundred saves long.
const ROUNDS_PER_REPORT: u32 = 10;

/// Longest life of a node between its start and its kill. Writing begins at once, syncing within a
/// few milliseconds, so that most kills meet both.
const LIFE_MS_MAX: u64 = 400;

/// How long the two nodes may take to agree once nobody kills them any more.
const AGREE_SECS_MAX: u64 = 120;

/// How much is killed, and by which dice.
#[derive(Debug, Clone, Copy)]
pub struct CrashPlan {
    /// Kills.
    pub kills: u32,
    /// What decides the moments and the victims.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct CrashOutcome {
    /// Kills of the node that wrote.
    pub kills_of_writer: u32,
    /// Kills of the node that was synced to.
    pub kills_of_superior: u32,
    /// Saves that were confirmed.
    pub confirmed: u64,
    /// Saves under way when the node was killed: they may be there or not.
    pub unanswered: u64,
    /// Confirmed saves that are not there, each with where it is missing.
    pub lost: Vec<String>,
}

/// A confirmed save: which report's, and its change.
type Confirmed = (u32, ChangeHash);

/// Plays the plan in folders below `dir`; `each` hears of every kill.
///
/// # Errors
/// When a node does not start again, or the two do not agree in the end.
pub async fn crash(
    dir: &Path,
    plan: CrashPlan,
    mut each: impl FnMut(u32),
) -> anyhow::Result<CrashOutcome> {
    let mut harness = Harness::new(dir, plan.seed).await?;
    for round in 0..plan.kills {
        harness
            .round(round)
            .await
            .with_context(|| format!("kill {} with seed {}", round + 1, plan.seed))?;
        each(round + 1);
    }
    harness.settle().await
}

struct Harness {
    district: NodeProcess,
    commune: NodeProcess,
    dice: StdRng,
    confirmed: BTreeMap<u32, Vec<ChangeHash>>,
    outcome: CrashOutcome,
}

impl Harness {
    async fn new(dir: &Path, seed: u64) -> anyhow::Result<Self> {
        let (above, below) = (dir.join("district"), dir.join("commune"));
        make_root(&above, DISTRICT)?;
        let district = NodeProcess::start(&above).await?;
        district.take_in(Some(COMMUNE), None, &below).await?;
        let commune = NodeProcess::start(&below).await?;
        wait_for_form(&commune.client().await?).await?;
        Ok(Self {
            district,
            commune,
            dice: StdRng::seed_from_u64(seed),
            confirmed: BTreeMap::new(),
            outcome: CrashOutcome::default(),
        })
    }

    /// Writes until a node is killed, starts it again, and looks for what was confirmed.
    async fn round(&mut self, round: u32) -> anyhow::Result<()> {
        let first = round / ROUNDS_PER_REPORT * u32::try_from(WRITERS)?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for report in (first..).take(WRITERS) {
            let client = self.commune.client().await?;
            writers.spawn(write(client, report, round, Arc::clone(&stop)));
        }
        let life = Duration::from_millis(self.dice.random_range(0..LIFE_MS_MAX));
        sleep(life).await;
        // Three of four kills meet the writer, the fourth the one it syncs to.
        if self.dice.random_range(0..4) == 0 {
            self.district = restarted(&mut self.district).await?;
            self.outcome.kills_of_superior += 1;
        } else {
            self.commune = restarted(&mut self.commune).await?;
            self.outcome.kills_of_writer += 1;
        }
        stop.store(true, Ordering::Relaxed);
        let client = self.commune.client().await?;
        while let Some(written) = writers.join_next().await {
            let (confirmed, unanswered) = written??;
            self.outcome.unanswered += unanswered;
            self.outcome.confirmed += u64::try_from(confirmed.len())?;
            for (report, change) in confirmed {
                self.confirmed.entry(report).or_default().push(change);
            }
        }
        let reports = self.confirmed.range(first..);
        for (report, changes) in reports {
            let lost = missing(&client, *report, changes).await?;
            let say = |change| format!("kill {}: {change} at the commune", round + 1);
            self.outcome.lost.extend(lost.into_iter().map(say));
        }
        Ok(())
    }

    /// Nobody is killed any more: both nodes must come to hold every confirmed save.
    async fn settle(mut self) -> anyhow::Result<CrashOutcome> {
        let (below, above) = (self.commune.client().await?, self.district.client().await?);
        agree(&below, &above, self.confirmed.keys().copied()).await?;
        for (report, changes) in &self.confirmed {
            for (client, place) in [(&below, "commune"), (&above, "district")] {
                let lost = missing(client, *report, changes).await?;
                let say = |change| format!("in the end: {change} at the {place}");
                self.outcome.lost.extend(lost.into_iter().map(say));
            }
        }
        self.commune.stop().await?;
        self.district.stop().await?;
        Ok(self.outcome)
    }
}

/// Kills a node without warning and starts it again in the same home.
async fn restarted(node: &mut NodeProcess) -> anyhow::Result<NodeProcess> {
    let dir = node.dir().to_owned();
    node.kill().await?;
    NodeProcess::start(&dir).await
}

/// Saves one figure after the other until the node is gone or it is told to stop.
async fn write(
    client: Client,
    report: u32,
    round: u32,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<(Vec<Confirmed>, u64)> {
    let mut confirmed = Vec::new();
    for number in 1_u32.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        // Every value is new, so every save makes a change.
        let value = u64::from(round) * 100_000 + u64::from(number);
        match client.report_save(&save_of(report, value)).await {
            Ok(saved) => {
                let change = saved.change.context("a new value makes a change")?;
                confirmed.push((report, change));
            }
            Err(error @ (ClientError::Refused(_) | ClientError::Foreign { .. })) => {
                return Err(error).context("save while nothing is wrong");
            }
            // The node was killed before it answered.
            Err(_) => return Ok((confirmed, 1)),
        }
    }
    Ok((confirmed, 0))
}

fn save_of(report: u32, value: u64) -> SaveRequest {
    SaveRequest {
        report: selector(report),
        office: None,
        edits: vec![EditRequest::Set {
            code: "II.1.1.a".to_owned(),
            office: None,
            value: value.to_string(),
        }],
        create: true,
    }
}

fn selector(report: u32) -> Selector {
    Selector {
        unit: Some(COMMUNE.to_owned()),
        form: "pcmd-review".to_owned(),
        period: "2016-2020".to_owned(),
        instance: report,
    }
}

/// Which of these changes a report does not hold.
async fn missing(
    client: &Client,
    report: u32,
    changes: &[ChangeHash],
) -> anyhow::Result<Vec<ChangeHash>> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let held: std::collections::BTreeSet<_> = match client.report_history(&selector(report)).await {
        Ok(rows) => rows.into_iter().map(|row| row.change).collect(),
        // The whole report is not there: so is nothing of it.
        Err(ClientError::Refused(problem)) => {
            ensure!(problem.code == "M-1201", "{}", problem.message.en);
            std::collections::BTreeSet::new()
        }
        Err(error) => return Err(error.into()),
    };
    let lost = changes.iter().filter(|change| !held.contains(change));
    Ok(lost.copied().collect())
}

/// Waits until a commune that has just joined has been handed its form.
async fn wait_for_form(client: &Client) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(AGREE_SECS_MAX);
    while client.form_list().await?.is_empty() {
        ensure!(Instant::now() < until, "the form did not come down in time");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Waits until both nodes show the same heads of all these reports.
async fn agree(
    below: &Client,
    above: &Client,
    reports: impl Iterator<Item = u32>,
) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_secs(AGREE_SECS_MAX);
    for report in reports {
        let ours = below.report_show(&selector(report)).await?.heads;
        loop {
            let theirs = above.report_show(&selector(report)).await;
            if theirs.is_ok_and(|theirs| theirs.heads == ours) {
                break;
            }
            ensure!(
                Instant::now() < until,
                "report {report} did not arrive at the district in time"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
