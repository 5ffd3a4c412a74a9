//! How long a confirmed edit takes from the commune to the district's total, over a link that is up.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_tests::lab::ends::save;
use hopluu_tests::process::{NodeProcess, make_root};
use hopluu_tests::told::{is_total, told};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::figure::{Seen, median};

const RUNS: u32 = 50;

const EDIT_MOST: Duration = Duration::from_millis(100);

/// Between edits, so that each meets nodes at rest.
const PAUSE: Duration = Duration::from_millis(50);

/// An edit that is not in the district's total by then will not be.
const ARRIVAL_SECS_MAX: u64 = 30;

/// The district above, and the commune that writes.
const DISTRICT: &str = "465";
pub(crate) const COMMUNE: &str = "19429@2024-05-01";

/// A district and a commune below it, in processes of their own, the first report being up.
pub(crate) struct Pair {
    pub(crate) district: NodeProcess,
    pub(crate) commune: NodeProcess,
    changes: mpsc::Receiver<Instant>,
}

impl Pair {
    pub(crate) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let (above, below) = (dir.join("district"), dir.join("commune"));
        make_root(&above, DISTRICT)?;
        let district = NodeProcess::start(&above).await?;
        district.take_in(Some(COMMUNE), None, &below).await?;
        let commune = NodeProcess::start(&below).await?;
        let client = commune.client().await?;
        let until = Instant::now() + Duration::from_secs(ARRIVAL_SECS_MAX);
        while client.form_list().await?.is_empty() {
            ensure!(Instant::now() < until, "the form did not come down");
            sleep(Duration::from_millis(20)).await;
        }
        let changes = told(district.client().await?, is_total).await?;
        let mut pair = Self {
            district,
            commune,
            changes,
        };
        save(&client, 1).await?;
        pair.arrival().await?;
        Ok(pair)
    }

    /// When the district's total changed next.
    async fn arrival(&mut self) -> anyhow::Result<Instant> {
        let limit = Duration::from_secs(ARRIVAL_SECS_MAX);
        let arrived = timeout(limit, self.changes.recv()).await;
        arrived
            .context("the edit did not arrive")?
            .context("the district stopped telling")
    }
}

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let mut pair = Pair::start(dir.path()).await?;
    let client = pair.commune.client().await?;
    let (mut ups, mut saves) = (Vec::new(), Vec::new());
    for value in 0..RUNS {
        sleep(PAUSE).await;
        let asked = Instant::now();
        save(&client, 1_000 + value).await?;
        let answered = Instant::now();
        let arrived = pair.arrival().await?;
        saves.push(answered.saturating_duration_since(asked));
        ups.push(arrived.saturating_duration_since(answered));
    }
    pair.commune.stop().await?;
    pair.district.stop().await?;

    let mut seen = Seen::default();
    let worst = ups.iter().max().copied().unwrap_or_default();
    seen.time(
        "a confirmed edit at a commune to the district's total",
        median(ups),
        Some(EDIT_MOST),
    );
    seen.time("- the slowest of them", worst, None);
    seen.time(
        "- before it, from asking to the confirmation",
        median(saves),
        None,
    );
    seen.note(format!(
        "median of {RUNS}; two processes on loopback; from the answer to the save until the \
         district's `watch` told of its new total"
    ));
    Ok(seen)
}
