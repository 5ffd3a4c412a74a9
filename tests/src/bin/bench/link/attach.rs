//! Figures that are saved while a scan of 5 MB is on its way over the same slow link.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_engine::view::{AttachRequest, EditRequest, SaveRequest, Selector};
use hopluu_engine::{Home, InviteRequest, NewHome, Running, join, now, start};
use hopluu_tests::lab::dice::Dice;
use hopluu_tests::lab::{Profile, UdpRelay};
use hopluu_tests::process::{free_address, make_root};
use tokio::time::sleep;

use crate::figure::{Seen, median};

const COMMUNE: &str = "19429@2024-05-01";

/// Codes of lines that take a count.
const LINES: [&str; 3] = ["II.1.1.a", "II.1.1.b", "II.2.1B.b"];

/// Saves whose time is taken, with and without a scan on the way.
const SAVES: u32 = 15;

/// Hundredths of the time without a scan.
const BESIDE_MOST: u32 = 110;

const SCAN_BYTES: usize = 5_000_000;

const WAIT_MAX: Duration = Duration::from_secs(60);

fn selector(unit: Option<&str>) -> Selector {
    Selector {
        unit: unit.map(str::to_owned),
        form: "pcmd-review".to_owned(),
        period: "2016-2020".to_owned(),
        instance: 0,
    }
}

fn node(dir: &Path) -> anyhow::Result<Running> {
    let home = Home::open(dir)?;
    let settings = home.settings()?;
    Ok(start(home, &settings)?)
}

/// Saves some figures at the commune and waits until the district has them.
async fn carried(commune: &Running, district: &Running, value: u32) -> anyhow::Result<Duration> {
    let edit = |code: &&str| EditRequest::Set {
        code: (*code).to_owned(),
        office: None,
        value: value.to_string(),
    };
    let save = SaveRequest {
        report: selector(None),
        office: None,
        edits: LINES.iter().map(edit).collect(),
        create: true,
    };
    let begun = Instant::now();
    commune.handle().report_save(save).await?;
    let value = value.to_string();
    loop {
        let shown = district.handle().report_show(selector(Some("19429"))).await;
        let has = |code: &str| {
            let shown = shown.as_ref().ok();
            shown.is_some_and(|shown| {
                let mut figures = shown.figures.iter();
                figures.any(|figure| {
                    figure.code.as_str() == code && figure.value.as_deref() == Some(&value)
                })
            })
        };
        if LINES.iter().all(|code| has(code)) {
            return Ok(begun.elapsed());
        }
        ensure!(begun.elapsed() < WAIT_MAX, "the figures did not arrive");
        sleep(Duration::from_millis(2)).await;
    }
}

/// Bytes of the scan that the district has.
async fn held(district: &Running) -> u64 {
    let listed = district.handle().attachments(selector(Some("19429"))).await;
    let listed = listed.unwrap_or_default();
    listed.first().map_or(0, |one| one.held)
}

/// The scan of a paper: its beginning is a PDF's, the rest does not shrink.
fn scan() -> Vec<u8> {
    let mut dice = Dice(5);
    let mut scan = b"%PDF-1.7\n".to_vec();
    while scan.len() < SCAN_BYTES {
        scan.extend(dice.draw().to_le_bytes());
    }
    scan.truncate(SCAN_BYTES);
    scan
}

/// A district that runs, and its commune, which does not and has the forms and a report.
async fn two_ends(above: &Path, below: &Path) -> anyhow::Result<Running> {
    make_root(above, "465@2024-05-01")?;
    let district = node(above)?;
    let invite = InviteRequest {
        unit: Some(COMMUNE.to_owned()),
        office: None,
        addresses: Vec::new(),
        hours: 1,
    };
    let until = Instant::now() + WAIT_MAX;
    let ticket = loop {
        match district.handle().invite(invite.clone()).await {
            Ok(ticket) => break ticket.ticket,
            Err(_) if Instant::now() < until => sleep(Duration::from_millis(20)).await,
            Err(error) => return Err(error.into()),
        }
    };
    join(below, &ticket, NewHome::default(), now()).await?;
    let commune = node(below)?;
    while commune.handle().form_list().await?.is_empty() {
        ensure!(Instant::now() < until, "the forms do not come");
        sleep(Duration::from_millis(20)).await;
    }
    carried(&commune, &district, 1).await?;
    commune.stop().await;
    Ok(district)
}

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let dir = tempfile::tempdir()?;
    let (above, below) = (dir.path().join("465"), dir.path().join("19429"));
    let district = two_ends(&above, &below).await?;
    let listen: SocketAddr = district.listen_addr().context("the district listens")?;
    let profile = Profile::named("mobile-64k")?;
    let relay = UdpRelay::start_at(free_address()?, profile.clone(), 1, listen).await?;
    {
        let home = Home::open(&below)?;
        let mut settings = home.settings()?;
        settings.upstream = vec![relay.addr().to_string()];
        settings.udp_only = true;
        home.write_settings(&settings)?;
    }
    let commune = node(&below)?;
    carried(&commune, &district, 2).await?;
    let mut alone = Vec::new();
    for value in 3..3 + SAVES {
        alone.push(carried(&commune, &district, value).await?);
        pause(value).await;
    }
    let request = AttachRequest {
        report: selector(None),
        office: None,
        name: "ký.pdf".to_owned(),
        caption: String::new(),
        create: false,
    };
    commune.handle().attach(request, scan()).await?;
    let until = Instant::now() + WAIT_MAX;
    while held(&district).await < 48 << 10 {
        ensure!(Instant::now() < until, "the scan does not move");
        sleep(Duration::from_millis(20)).await;
    }
    let (moved, since) = (held(&district).await, Instant::now());
    let mut beside = Vec::new();
    for value in 103..103 + SAVES {
        beside.push(carried(&commune, &district, value).await?);
        pause(value).await;
    }
    let bytes = held(&district).await - moved;
    let rate = bytes * 8_000 / u64::try_from(since.elapsed().as_millis())?.max(1);
    commune.stop().await;
    district.stop().await;
    relay.close().await;

    let mut seen = Seen::default();
    let (alone, beside) = (median(alone), median(beside));
    seen.time("three figures over an open link, mobile-64k", alone, None);
    let name = "- while a scan of 5 MB is on its way";
    seen.time_of(name, beside, alone, BESIDE_MOST);
    seen.count("- bit/s that the scan had", rate, None);
    Ok(seen)
}

/// So that saves fall anywhere between the pieces of the scan.
async fn pause(value: u32) {
    sleep(Duration::from_millis(700 + u64::from(value * 37 % 300))).await;
}
