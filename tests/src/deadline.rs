//! The deadline hour: communes of the largest province that come back all at once, each with one edited report.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_engine::{Home, NodeSettings, Running, found_store, fresh_epoch, identity_of, start};
use hopluu_model::{Period, UnitId};
use hopluu_net::key::{Subject, generate, issue};
use hopluu_store::{OpenOptions, Store};
use hopluu_trust::{Record, RecordKind, encode_chain};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::filling::{Filled, annex, key_of, put_all};
use crate::process::{NodeProcess, shipped_tree};

/// Hà Nội had 579 communes until 2025.
pub const PROVINCE: &str = "01";
const LEVEL: &str = "commune";
const DAY: &str = "2024-06-01";

/// How many it had.
pub const COMMUNES: usize = 579;

/// What has not come in by then is refused for good.
pub const SECS_MAX: u64 = 300;

/// A commune with its home.
#[derive(Debug)]
pub struct Commune {
    dir: PathBuf,
    unit: UnitId,
    number: u64,
}

impl Commune {
    /// Puts the first so many saves of its report into its store.
    ///
    /// # Errors
    /// When its store cannot be written.
    pub fn put(&self, saves: usize) -> anyhow::Result<()> {
        let (home, form) = (Home::open(&self.dir)?, annex()?);
        let key = key_of(&form, &self.unit, &period()?, 0);
        let filled = Filled::new(key, &form, &home.signer()?, (1, saves), self.number)?;
        let store = Store::open(&home.database(), &OpenOptions::existing())?;
        put_all(&store, &[filled])?;
        Ok(store.close()?)
    }
}

fn period() -> anyhow::Result<Period> {
    Ok("2016-2020".parse()?)
}

/// Makes so many communes below a province as tickets would, but for the calls: so many from one address would have
/// to wait. Each has a report in its first save.
///
/// # Errors
/// When a home cannot be made, or there are not so many.
pub fn enrol(dir: &Path, hub_dir: &Path, count: usize) -> anyhow::Result<Vec<Commune>> {
    let hub_home = Home::open(hub_dir)?;
    let upstream = hub_home.settings()?.listen.context("the hub listens")?;
    let store = Store::open(&hub_home.database(), &OpenOptions::existing())?;
    let hub = identity_of(&store, hub_home.signer()?)?;
    let (mut communes, mut records) = (Vec::new(), Vec::new());
    for (number, unit) in (0..).zip(units(count)?) {
        let dir = dir.join(unit.to_string());
        let home = Home::create(&dir)?;
        let signer = generate()?;
        home.write_key(&signer)?;
        let subject = Subject {
            node: signer.node_id(),
            unit: unit.clone(),
            office: None,
            not_after: hub.certificate_ends,
        };
        let chain = issue(&hub.signer, &hub.chain, &subject)?;
        let body = encode_chain(&chain)?;
        records.push(Record::sign(
            &hub.signer,
            RecordKind::Certificate,
            unit.clone(),
            body,
        )?);
        let own = Store::open(&home.database(), &OpenOptions::create(fresh_epoch()))?;
        found_store(&own, &chain, hub.root, Vec::new())?;
        own.close()?;
        home.write_settings(&NodeSettings {
            upstream: vec![upstream.to_string()],
            ..NodeSettings::default()
        })?;
        drop(home);
        let commune = Commune { dir, unit, number };
        commune.put(1)?;
        communes.push(commune);
    }
    found_store(&store, &hub.chain, hub.root, records)?;
    store.close()?;
    Ok(communes)
}

fn units(count: usize) -> anyhow::Result<Vec<UnitId>> {
    let (tree, day) = (shipped_tree()?, DAY.parse()?);
    let province = tree.resolve(PROVINCE, Some(day)).context("the province")?;
    let units = tree.units_on(day);
    let units =
        units.filter(|unit| unit.level == LEVEL && tree.is_at_or_below(&unit.id, &province));
    let units: Vec<_> = units.map(|unit| unit.id.clone()).take(count).collect();
    ensure!(units.len() == count, "there are {} communes", units.len());
    Ok(units)
}

/// Starts the nodes of all, in this process.
///
/// # Errors
/// When one does not start.
pub fn all(communes: &[Commune]) -> anyhow::Result<Vec<Running>> {
    let start = |commune: &Commune| {
        let home = Home::open(&commune.dir)?;
        let settings = home.settings()?;
        anyhow::Ok(start(home, &settings)?)
    };
    communes.iter().map(start).collect()
}

/// Stops all at once: each takes its leave of the hub and closes its store.
pub async fn stop(nodes: Vec<Running>) {
    let stops: JoinSet<bool> = nodes.into_iter().map(Running::stop).collect();
    stops.join_all().await;
}

/// Waits until the hub has so many reports and owes nobody anything.
///
/// # Errors
/// When that takes longer than [`SECS_MAX`].
pub async fn arrived(hub: &NodeProcess, count: usize) -> anyhow::Result<()> {
    let (client, until) = (
        hub.client().await?,
        Instant::now() + Duration::from_secs(SECS_MAX),
    );
    loop {
        let status = client.status().await?;
        let owes = status.peers.iter().any(|peer| peer.owed > 0);
        if status.documents >= u64::try_from(count)? && !owes {
            return Ok(());
        }
        ensure!(
            Instant::now() < until,
            "{} of {count} reports",
            status.documents
        );
        sleep(Duration::from_millis(100)).await;
    }
}
