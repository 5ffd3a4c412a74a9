//! The deadline hour: every commune of the largest province comes back at once, with one edited report each.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_engine::{Home, NodeSettings, Running, found_store, fresh_epoch, identity_of, start};
use hopluu_model::{Period, UnitId};
use hopluu_net::key::{Subject, generate, issue};
use hopluu_store::{OpenOptions, Store};
use hopluu_tests::filling::{Filled, annex, key_of, put_all};
use hopluu_tests::process::{NodeProcess, make_root, shipped_tree};
use hopluu_tests::told::{is_change, told};
use hopluu_trust::{Record, RecordKind, encode_chain};
use tokio::time::{sleep, timeout};

use crate::figure::Seen;
use crate::idle::memory;

/// Hà Nội had 579 communes until 2025.
const PROVINCE: &str = "01";
const LEVEL: &str = "commune";
const DAY: &str = "2024-06-01";

const CPU_MOST: Duration = Duration::from_millis(4);
const MEMORY_MOST: u64 = 150_000_000;

/// What has not come in by then is refused for good.
const SECS_MAX: u64 = 300;

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let hub_dir = dir.path().join("province");
    make_root(&hub_dir, PROVINCE)?;
    let communes = enrol(dir.path(), &hub_dir)?;
    let count = communes.len();
    let hub = NodeProcess::start(&hub_dir).await?;
    eprintln!("bench: {count} communes meet their province");
    let met = all(&communes)?;
    arrived(&hub, count).await?;
    stop(met).await;
    for commune in &communes {
        commune.put(2)?;
    }
    let mut changes = told(hub.client().await?, is_change).await?;
    let (spent, began) = (cpu(hub.pid())?, Instant::now());
    let back = all(&communes)?;
    for _ in 0..count {
        let change = timeout(Duration::from_secs(SECS_MAX), changes.recv()).await;
        change
            .context("a report was refused for good")?
            .context("the hub tells")?;
    }
    let (took, spent) = (began.elapsed(), cpu(hub.pid())?.saturating_sub(spent));
    let (_, peak) = memory(hub.pid())?;
    stop(back).await;
    hub.stop().await?;

    let mut seen = Seen::default();
    let each = spent / u32::try_from(count)?;
    seen.time(
        "the hub's processor for each of the communes that come back",
        each,
        Some(CPU_MOST),
    );
    seen.bytes("- its memory at its highest", peak, Some(MEMORY_MOST));
    seen.count("- communes", u64::try_from(count)?, None);
    seen.time("- until the last report is on disk", took, None);
    seen.note("link-hub: the communes run on the same two cores, which is where the time goes until the last is in");
    Ok(seen)
}

/// A commune with its home.
struct Commune {
    dir: PathBuf,
    unit: UnitId,
    number: u64,
}

impl Commune {
    /// Puts the first so many saves of its report into its store.
    fn put(&self, saves: usize) -> anyhow::Result<()> {
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

/// Makes all communes as tickets would, but for the calls: so many from one address would have to wait.
fn enrol(dir: &Path, hub_dir: &Path) -> anyhow::Result<Vec<Commune>> {
    let hub_home = Home::open(hub_dir)?;
    let upstream = hub_home.settings()?.listen.context("the hub listens")?;
    let store = Store::open(&hub_home.database(), &OpenOptions::existing())?;
    let hub = identity_of(&store, hub_home.signer()?)?;
    let (mut communes, mut records) = (Vec::new(), Vec::new());
    for (number, unit) in (0..).zip(units()?) {
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

fn units() -> anyhow::Result<Vec<UnitId>> {
    let (tree, day) = (shipped_tree()?, DAY.parse()?);
    let province = tree.resolve(PROVINCE, Some(day)).context("the province")?;
    let units = tree.units_on(day);
    let units =
        units.filter(|unit| unit.level == LEVEL && tree.is_at_or_below(&unit.id, &province));
    let units: Vec<_> = units.map(|unit| unit.id.clone()).collect();
    ensure!(units.len() == 579, "{} communes", units.len());
    Ok(units)
}

/// Starts the nodes of all, in this process.
fn all(communes: &[Commune]) -> anyhow::Result<Vec<Running>> {
    let start = |commune: &Commune| {
        let home = Home::open(&commune.dir)?;
        let settings = home.settings()?;
        anyhow::Ok(start(home, &settings)?)
    };
    communes.iter().map(start).collect()
}

async fn stop(nodes: Vec<Running>) {
    for node in nodes {
        node.stop().await;
    }
}

async fn arrived(hub: &NodeProcess, count: usize) -> anyhow::Result<()> {
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

/// How long a process has had a core.
fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanos += text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}
