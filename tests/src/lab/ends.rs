//! Two nodes with many documents between them, and a link of which we say how good it is.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_api::Client;
use hopluu_engine::view::{EditRequest, PeerView, SaveRequest, Saved, Selector};
use hopluu_engine::{Home, fresh_epoch};
use hopluu_store::{OpenOptions, Store};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::filling::{Filled, annex, key_of, put_all};
use crate::lab::{Profile, Traffic, UdpRelay};
use crate::process::{NodeProcess, free_address, make_root_with, shipped_tree};
use crate::told::{is_change, told};

/// The district above.
const DISTRICT: &str = "465";

/// The commune that writes.
pub const COMMUNE: &str = "19429@2024-05-01";

/// Figures in each report, as in an ordinary half-year.
const LINES: usize = 30;

/// What has not arrived by then will not, over the slowest link there is.
const ARRIVAL_SECS_MAX: u64 = 120;

/// What takes longest, a first sync over a link that is there a third of the time, takes some minutes.
const WORK_SECS_MAX: u64 = 600;

/// Places of the journal from which on a node that owes them is asked every 130 ms, and more often when they get fewer.
const FAR_OFF: u64 = 1_024;

/// Nothing is on its way any more when nothing has passed for so long: longer than any round trip here.
const QUIET: Duration = Duration::from_millis(2_500);

/// A district that runs, and a commune that does not unless a [`Window`] is open.
#[derive(Debug)]
pub struct Ends {
    /// Above.
    pub district: NodeProcess,
    commune: PathBuf,
    addr: SocketAddr,
    /// Where the commune dials, whatever the link there is like.
    front: SocketAddr,
    changes: mpsc::Receiver<Instant>,
}

impl Ends {
    /// Makes both, gives the commune so many reports, and lets them agree over a clean link.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn start(dir: &Path, documents: u32) -> anyhow::Result<Self> {
        let mut ends = Self::apart(dir, documents).await?;
        let first = ends.open(Profile::named("clean")?, 0).await?;
        ends.has(documents).await?;
        first.settled().await?;
        first.close().await?;
        ends.forget_changes().await;
        Ok(ends)
    }

    /// Makes both, lets the forms come down, and gives the commune so many reports of which the district knows nothing.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn apart(dir: &Path, documents: u32) -> anyhow::Result<Self> {
        let ends = Self::with(dir, &[]).await?;
        ends.open(Profile::named("mobile-64k")?, 0)
            .await?
            .met()
            .await?;
        fill(&ends.commune, documents)?;
        Ok(ends)
    }

    /// Makes both, without reports; the district hands down these forms besides the annex.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn with(dir: &Path, forms: &[&str]) -> anyhow::Result<Self> {
        let (above, commune) = (dir.join("district"), dir.join("commune"));
        make_root_with(&above, DISTRICT, forms)?;
        let listen = Home::open(&above)?.settings()?.listen;
        let district = NodeProcess::start(&above).await?;
        district.take_in(Some(COMMUNE), None, &commune).await?;
        let changes = told(district.client().await?, is_change).await?;
        Ok(Self {
            district,
            commune,
            addr: listen.context("the district listens")?,
            front: free_address()?,
            changes,
        })
    }

    /// Lets somebody change the homes of the district and the commune while neither runs.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn pause(
        self,
        change: impl FnOnce(&Path, &Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let above = self.district.dir().to_owned();
        self.district.stop().await?;
        change(&above, &self.commune)?;
        let district = NodeProcess::start(&above).await?;
        let changes = told(district.client().await?, is_change).await?;
        Ok(Self {
            district,
            changes,
            ..self
        })
    }

    /// The commune's store begins a new life, as after a restore; so many reports get news, every other one at the
    /// district and at the commune.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn part(self, news: u32) -> anyhow::Result<Self> {
        self.pause(|district, commune| {
            for (side, home) in (0..).zip([district, commune]) {
                let numbers = (0..news).filter(|number| number % 2 == side);
                put(home, numbers.map(|number| number * 331), Some(side))?;
            }
            let store = Store::open(&Home::open(commune)?.database(), &OpenOptions::existing())?;
            store.write(|tx| tx.set_epoch(fresh_epoch()))?;
            Ok(store.close()?)
        })
        .await
    }

    /// Waits until the district knows that the commune has all.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn acknowledged(&self) -> anyhow::Result<()> {
        owes_nothing(&self.district, Traffic::default).await?;
        Ok(())
    }

    /// Waits until the district has so many reports.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn has(&self, documents: u32) -> anyhow::Result<Instant> {
        let client = self.district.client().await?;
        let until = Instant::now() + Duration::from_secs(WORK_SECS_MAX);
        while client.status().await?.documents < u64::from(documents) {
            ensure!(Instant::now() < until, "the reports did not arrive");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Instant::now())
    }

    /// Sets one figure of the commune while its node does not run.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn edit_offline(&self, value: u32) -> anyhow::Result<()> {
        self.set_offline(&[format!("II.1.1.a={value}")]).await
    }

    /// Sets ten.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn edit_ten_offline(&self, value: u32) -> anyhow::Result<()> {
        let codes = ["a", "b", "c", "c.1", "c.2"].map(|code| format!("II.1.1.{code}"));
        let more = ["a", "b", "c.1", "c.2", "c.3"].map(|code| format!("II.2.3.{code}"));
        let codes = codes.iter().chain(&more);
        let figures: Vec<_> = (3_000..)
            .zip(codes)
            .map(|(n, code)| format!("{code}={}", n + value))
            .collect();
        self.set_offline(&figures).await
    }

    async fn set_offline(&self, figures: &[String]) -> anyhow::Result<()> {
        let output = Command::new(crate::program())
            .arg("--home")
            .arg(&self.commune)
            .args(["report", "set", "pcmd-review", "2016-2020"])
            .args(figures)
            .output()
            .await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the edit failed: {said}");
        Ok(())
    }

    /// Opens a window: the commune's node runs, its link being of this profile.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn open(&self, profile: Profile, seed: u64) -> anyhow::Result<Window> {
        let relay = UdpRelay::start_at(self.front, profile, seed, self.addr).await?;
        {
            let home = Home::open(&self.commune)?;
            let mut settings = home.settings()?;
            settings.upstream = vec![relay.addr().to_string()];
            home.write_settings(&settings)?;
        }
        let commune = NodeProcess::start(&self.commune).await?;
        Ok(Window { relay, commune })
    }

    /// When the district next had a report changed.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn arrival(&mut self) -> anyhow::Result<Instant> {
        let limit = Duration::from_secs(ARRIVAL_SECS_MAX);
        let arrived = timeout(limit, self.changes.recv()).await;
        arrived
            .context("the edit did not arrive")?
            .context("the district stopped telling")
    }

    /// When the district last had a report changed, of the times that nobody has asked for yet.
    pub fn last_change(&mut self) -> Option<Instant> {
        std::iter::from_fn(|| self.changes.try_recv().ok()).last()
    }

    /// Passes over what arrived before now.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn forget_changes(&mut self) {
        sleep(Duration::from_millis(100)).await;
        _ = self.last_change();
    }
}

/// The commune's node, and the link it has.
#[derive(Debug)]
pub struct Window {
    /// What the link is like.
    pub relay: UdpRelay,
    /// Below.
    pub commune: NodeProcess,
}

impl Window {
    /// Waits until the two have met, and ends.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn met(self) -> anyhow::Result<()> {
        self.settled().await?;
        self.close().await
    }

    /// Waits until the commune knows that the district has all, and gives what passed until then: the edit's
    /// receipt comes with the acknowledgement, and is acknowledged in turn when it is on disk.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn acknowledged(&self) -> anyhow::Result<Traffic> {
        owes_nothing(&self.commune, || self.relay.traffic()).await
    }

    /// Waits until nothing passes any more, and gives what did since the relay last counted.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn settled(&self) -> anyhow::Result<Traffic> {
        let until = Instant::now() + Duration::from_secs(WORK_SECS_MAX);
        let (mut last, mut since) = (self.relay.traffic(), Instant::now());
        loop {
            sleep(Duration::from_millis(50)).await;
            let traffic = self.relay.traffic();
            if traffic != last {
                (last, since) = (traffic, Instant::now());
            }
            if since.elapsed() >= QUIET && last.begun.is_some() {
                return Ok(last);
            }
            ensure!(Instant::now() < until, "the link does not come to rest");
        }
    }

    /// What passed over the link, a line a packet.
    pub fn trace(&self) -> String {
        let lines = self.relay.trace();
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }

    /// Ends the commune's node.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn close(self) -> anyhow::Result<()> {
        self.commune.stop().await?;
        self.relay.close().await;
        Ok(())
    }

    /// Sets one figure, and has the commune call anew before the district can have heard of it.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn call_with(&self, value: u32) -> anyhow::Result<()> {
        self.relay.cut(true);
        self.edit(value).await?;
        // What the old link has for it has come to its end by then, and is not yet said again.
        sleep(Duration::from_millis(50)).await;
        self.relay.count_anew();
        self.relay.cut(false);
        self.commune.client().await?.link_call().await?;
        Ok(())
    }

    /// Sets one figure while the commune's node runs.
    ///
    /// # Errors
    /// When a node does not do as it should in time.
    pub async fn edit(&self, value: u32) -> anyhow::Result<()> {
        let client = self.commune.client().await?;
        save(&client, value).await?;
        Ok(())
    }
}

/// Saves a figure at the commune that is asked.
///
/// # Errors
/// When the node refuses.
pub async fn save(client: &Client, value: u32) -> anyhow::Result<Saved> {
    let request = SaveRequest {
        report: Selector {
            unit: Some(COMMUNE.to_owned()),
            form: "pcmd-review".to_owned(),
            period: "2016-2020".to_owned(),
            instance: 0,
        },
        office: None,
        edits: vec![EditRequest::Set {
            code: "II.1.1.a".to_owned(),
            office: None,
            value: value.to_string(),
        }],
        create: true,
    };
    Ok(client.report_save(&request).await?)
}

/// Waits until a node owes nothing to whomever it has met, and gives what had passed then.
async fn owes_nothing(
    node: &NodeProcess,
    traffic: impl Fn() -> Traffic,
) -> anyhow::Result<Traffic> {
    let client = node.client().await?;
    let until = Instant::now() + Duration::from_secs(WORK_SECS_MAX);
    loop {
        let traffic = traffic();
        let status = client.status().await?;
        // A node that has met nobody yet owes nobody anything.
        let is_settled = |peer: &PeerView| peer.owed == 0 && peer.remark.is_none();
        let is_linked = status.peers.iter().any(|peer| peer.is_linked);
        if is_linked && status.peers.iter().all(is_settled) {
            return Ok(traffic);
        }
        ensure!(Instant::now() < until, "nothing is acknowledged");
        // Whoever owes much takes longer to say so, which is time it would have for the work that is measured.
        let owed = status.peers.iter().map(|peer| peer.owed).sum::<u64>();
        sleep(Duration::from_millis(2 + owed.min(FAR_OFF) / 8)).await;
    }
}

/// Reports of one unit, put into its store before its node runs.
fn fill(home: &Path, documents: u32) -> anyhow::Result<()> {
    put(home, 0..documents, None)
}

/// The reports of these numbers, as the commune has begun them, or with a save more by one of the two sides. That is by
/// an actor of its own: one of another's would be refused.
fn put(home: &Path, numbers: impl Iterator<Item = u32>, side: Option<u32>) -> anyhow::Result<()> {
    let home = Home::open(home)?;
    let (signer, form) = (home.signer()?, annex()?);
    let period = "2016-2020".parse()?;
    let day = form.tree_day(&period)?;
    let unit = shipped_tree()?
        .resolve(COMMUNE, Some(day))
        .context("the commune")?;
    let reports = numbers.map(|number| {
        let key = key_of(&form, &unit, &period, number);
        let begun = u64::from(number);
        let more = side.map(|side| ((u64::from(side) + 1) << 32) | begun);
        let actors: Vec<_> = std::iter::once(begun).chain(more).collect();
        Filled::by(key, &form, &signer, (LINES, &actors), begun)
    });
    let reports: Vec<Filled> = reports.collect::<anyhow::Result<_>>()?;
    let store = Store::open(&home.database(), &OpenOptions::existing())?;
    put_all(&store, &reports)?;
    Ok(store.close()?)
}
