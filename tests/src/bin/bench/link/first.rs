//! The first sync of many documents, and links on which nothing is new.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use hopluu_tests::lab::Profile;
use hopluu_tests::lab::ends::Ends;
use hopluu_tests::told::{is_change, told};
use tokio::time::timeout;

use crate::figure::Seen;

/// Ordinary half-year reports of 30 figures in one save each.
const DOCUMENTS: u32 = 200;

/// Three windows of 20 s.
const CUT_DOCUMENTS: u32 = 1_000;
const TWICE_PER_CENT: u64 = 8;

/// The communes of the country since 2025; how many of their reports differ, half of them on either side.
const LOST_DOCUMENTS: u32 = 3_321;
const LOST_NEWS: u32 = 10;
const LOST_MOST: u64 = 40_000;

/// How long anything may take to come to the commune.
const TOLD_MAX: Duration = Duration::from_secs(120);

/// How many there are when nothing is new.
const ARCHIVES: [u32; 3] = [200, 2_000, 20_000];

/// Both ways, handshake included, and how much they may differ by the size of the archive.
const NOTHING_NEW_MOST: u64 = 5_000;
const DIFFERENCE_MOST: u64 = 64;

/// Many documents into a district that has none.
pub(crate) async fn run() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let profile = Profile::named("mobile-64k")?;
    let dir = tempfile::tempdir()?;
    let ends = Ends::apart(dir.path(), DOCUMENTS).await?;
    let window = ends.open(profile.clone(), 0).await?;
    let arrived = ends.has(DOCUMENTS).await?;
    let traffic = window.relay.traffic();
    let what = format!(
        "first sync of {DOCUMENTS} half-year reports, {}",
        profile.name
    );
    // Upward they follow each other without a pause.
    let limit = profile.limit(3, traffic.up.bytes);
    let time = traffic.since_begun(arrived);
    if time > limit * 111 / 100 {
        eprintln!("{time:?} against {limit:?}\n{}", window.trace());
    }
    seen.time_of(&what, time, limit, 111);
    seen.bytes("- bytes both ways", window.settled().await?.bytes(), None);
    window.close().await?;
    Ok(seen)
}

/// Links on which there is nothing to say.
pub(crate) async fn idle() -> anyhow::Result<Seen> {
    let (mut seen, profile) = (Seen::default(), Profile::named("mobile-64k")?);
    let mut costs = Vec::new();
    for documents in ARCHIVES {
        let dir = tempfile::tempdir()?;
        let ends = Ends::start(dir.path(), documents).await?;
        ends.open(profile.clone(), 0).await?.met().await?;
        let window = ends.open(profile.clone(), 1).await?;
        let bytes = window.settled().await?.bytes();
        window.close().await?;
        costs.push(bytes);
        let what = format!("nothing new among {documents} documents, bytes both ways");
        seen.bytes(&what, bytes, Some(NOTHING_NEW_MOST));
    }
    let (least, most) = (costs.iter().min(), costs.iter().max());
    if let (Some(least), Some(most)) = (least, most) {
        seen.bytes(
            "- how much they differ",
            most - least,
            Some(DIFFERENCE_MOST),
        );
    }
    Ok(seen)
}

/// A first sync over a link that is up 20 s and down 40 s: what is sent twice for it.
pub(crate) async fn cut() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let (mut up, mut passed) = (Vec::new(), String::new());
    for name in ["mobile-64k", "window-64k"] {
        let (dir, profile) = (tempfile::tempdir()?, Profile::named(name)?);
        let ends = Ends::apart(dir.path(), CUT_DOCUMENTS).await?;
        let window = ends.open(profile.clone(), 0).await?;
        let traffic = window.acknowledged().await?;
        let what = format!("first sync of {CUT_DOCUMENTS} half-year reports, {name}");
        let (time, limit) = (
            traffic.since_begun(Instant::now()),
            profile.limit(3, traffic.up.bytes),
        );
        if name == "mobile-64k" && time > limit * 111 / 100 {
            eprintln!("{time:?} against {limit:?}\n{}", window.trace());
        }
        seen.time(&what, time, None);
        seen.bytes("- bytes upward", traffic.up.bytes, None);
        up.push(traffic.up.bytes);
        passed = window.trace();
        window.close().await?;
    }
    if let [steady, cut] = up[..] {
        if cut.saturating_sub(steady) > steady * TWICE_PER_CENT / 100 {
            eprintln!("{passed}");
        }
        let twice = cut.saturating_sub(steady);
        seen.bytes(
            "- bytes sent twice",
            twice,
            Some(steady * TWICE_PER_CENT / 100),
        );
    }
    Ok(seen)
}

/// A commune whose disk was put back: 3,321 documents on both sides, ten of them with news on one side.
pub(crate) async fn lost() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let (dir, profile) = (tempfile::tempdir()?, Profile::named("mobile-64k")?);
    let ends = Ends::start(dir.path(), LOST_DOCUMENTS).await?;
    let mut ends = ends.part(LOST_NEWS).await?;
    let window = ends.open(profile.clone(), 0).await?;
    let mut back = told(window.commune.client().await?, is_change).await?;
    let mut has_all = Instant::now();
    for _ in 0..LOST_NEWS / 2 {
        has_all = has_all.max(ends.arrival().await?);
        let told = timeout(TOLD_MAX, back.recv()).await;
        has_all = has_all.max(
            told.context("the commune got nothing")?
                .context("it told nothing")?,
        );
    }
    let time = window.relay.traffic().since_begun(has_all);
    window.acknowledged().await?;
    ends.acknowledged().await?;
    let traffic = window.relay.traffic();
    let what = format!("{LOST_DOCUMENTS} documents, {LOST_NEWS} of them differ, after a restore");
    // The handshake's round trip, and three.
    let limit = profile.limit(8, traffic.bytes());
    if time > limit {
        eprintln!("{time:?} against {limit:?}\n{}", window.trace());
    }
    seen.time(&what, time, Some(limit));
    seen.bytes("- bytes both ways", traffic.bytes(), Some(LOST_MOST));
    window.close().await?;
    Ok(seen)
}
