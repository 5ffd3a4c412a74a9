//! One figure edited among 200 documents: how it reaches the district over each kind of link.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hopluu_tests::lab::Profile;
use hopluu_tests::lab::ends::{Ends, Window};
use hopluu_tests::told::{is_receipt, told};

use crate::figure::{Seen, median};

const DOCUMENTS: u32 = 200;

/// Runs of a cell on a link without chance: they differ by what the machine does beside.
const RUNS: u32 = 3;

/// How long an outage lasts in the cells that have one.
const OUTAGE: Duration = Duration::from_secs(20);

/// How an edit finds the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// The program has just started.
    Cold,
    /// The program is up, and calls anew.
    Warm,
    /// A link that stands.
    Awake,
    /// A link that stood before an outage.
    Asleep,
    /// The same, and the network has given the commune another address.
    AsleepElsewhere,
    /// The edit is older than the end of the outage, from which the time counts.
    DuringOutage,
}

struct Cell {
    profile: &'static str,
    start: Start,
    what: &'static str,
    half_trips: u32,
    /// Hundredths of the limit.
    of_limit: u32,
    bytes_most: Option<u64>,
}

const fn cold(profile: &'static str, bytes_most: Option<u64>) -> Cell {
    Cell {
        profile,
        start: Start::Cold,
        what: "cold",
        // There and back for the handshake, then the edit.
        half_trips: 3,
        of_limit: 125,
        bytes_most,
    }
}

const fn on_64k(start: Start, what: &'static str, half_trips: u32, bytes: u64) -> Cell {
    Cell {
        profile: "mobile-64k",
        start,
        what,
        half_trips,
        of_limit: 125,
        bytes_most: Some(bytes),
    }
}

/// Half a round trip: the edit goes along with the first packet.
const WARM: Cell = on_64k(Start::Warm, "warm", 1, 4_500);

const CELLS: &[Cell] = &[
    cold("clean", None),
    cold("mobile-64k", Some(5_000)),
    WARM,
    on_64k(Start::Awake, "over an open link", 1, 500),
    on_64k(Start::Asleep, "after an outage", 1, 1_000),
    on_64k(
        Start::AsleepElsewhere,
        "after an outage, new address",
        1,
        4_200,
    ),
    on_64k(Start::DuringOutage, "edited during the outage", 3, 4_200),
    cold("radio-9k6", None),
    cold("satellite-384k", None),
    cold("mobile-1m", None),
];

const RECEIPT_BYTES_MOST: u64 = 6_000;

/// Runs on a lossy link, and the lossless time's hundredths that the middle one and the 95th of 100 may take.
const LOSSY_RUNS: u32 = 100;
const LOSSY_MEDIAN: u32 = 110;
const LOSSY_LATE: u32 = 250;

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let dir = tempfile::tempdir()?;
    let mut ends = Ends::start(dir.path(), DOCUMENTS).await?;
    let mut value = 0;
    for cell in CELLS {
        let profile = Profile::named(cell.profile)?;
        // The commune has met this link before: it remembers the round trip.
        ends.open(profile.clone(), 0).await?.met().await?;
        let (mut times, mut limits) = (Vec::new(), Vec::new());
        let (mut bytes, mut rest) = (0, 0);
        for run in 0..RUNS {
            value += 1;
            let (window, begun) = begin(&mut ends, cell, &profile, u64::from(run), value).await?;
            let arrived = ends.arrival().await.with_context(|| window.trace())?;
            let traffic = window.relay.traffic();
            let begun = begun.or(traffic.begun).context("something was sent")?;
            let time = arrived.saturating_duration_since(begun);
            let limit = profile.limit(cell.half_trips, traffic.bytes());
            if profile.up().rate.is_some() && time > limit * cell.of_limit / 100 {
                eprintln!("{time:?} against {limit:?}\n{}", window.trace());
            }
            times.push(time);
            limits.push(limit);
            bytes = bytes.max(window.acknowledged().await?.bytes());
            rest = rest.max(window.settled().await?.bytes());
            if cell.bytes_most.is_some_and(|most| bytes > most) {
                eprintln!("{bytes} bytes\n{}", window.trace());
            }
            window.close().await?;
        }
        let what = format!("one figure, {}, {}", cell.what, profile.name);
        let (time, limit) = (median(times), limits.into_iter().min().context("runs")?);
        eprintln!("bench: {what}: {time:?}, {bytes} bytes, {rest} in all");
        match profile.up().rate {
            Some(_) => seen.time_of(&what, time, limit, cell.of_limit),
            None => seen.time(&what, time, None),
        }
        seen.bytes("- bytes until it is acknowledged", bytes, cell.bytes_most);
        seen.bytes("- bytes until nothing passes", rest, None);
    }
    Ok(seen)
}

/// Ten figures, from a cold call to the superior's signed receipt back at the commune.
pub(crate) async fn receipt() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let (dir, profile) = (tempfile::tempdir()?, Profile::named("mobile-64k")?);
    let ends = Ends::start(dir.path(), DOCUMENTS).await?;
    ends.open(profile.clone(), 0).await?.met().await?;
    let (mut times, mut most) = (Vec::new(), 0);
    for run in 0..RUNS {
        ends.edit_ten_offline(run).await?;
        let window = ends.open(profile.clone(), u64::from(run)).await?;
        let mut receipts = told(window.commune.client().await?, is_receipt).await?;
        let arrived = receipts.recv().await.context("the commune tells")?;
        let traffic = window.relay.traffic();
        times.push(traffic.since_begun(arrived));
        most = most.max(traffic.bytes());
        window.close().await?;
    }
    let what = format!("ten figures to their receipt, cold, {}", profile.name);
    // A round trip of handshake, and one there and back; half of one more is allowed.
    let time = median(times);
    seen.time(&what, time, Some(profile.limit(5, most)));
    seen.bytes("- bytes both ways", most, Some(RECEIPT_BYTES_MOST));
    Ok(seen)
}

/// Calls where one packet in twenty is lost, against their time without losses. They wait for their links and not for
/// a core, so several pairs of nodes call at a time.
pub(crate) async fn lossy() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let (cold, warm) = (cold("mobile-64k", None), WARM);
    let (cold_seen, warm_seen) = tokio::try_join!(lossy_calls(&cold), lossy_calls(&warm))?;
    for (cell, (lossless, mut times)) in [(cold, cold_seen), (warm, warm_seen)] {
        times.sort_unstable();
        let late = times.get(times.len() * 95 / 100).copied();
        let late = late.context("there were runs")?;
        let what = format!("one figure, {}, mobile-64k-lossy", cell.what);
        let name = format!("{what}, median of {LOSSY_RUNS}");
        seen.time_of(&name, median(times), lossless, LOSSY_MEDIAN);
        let name = format!("{what}, 95th percentile");
        seen.time_of(&name, late, lossless, LOSSY_LATE);
    }
    Ok(seen)
}

/// The time of a call without losses, and of all those with.
async fn lossy_calls(cell: &Cell) -> anyhow::Result<(Duration, Vec<Duration>)> {
    let half = LOSSY_RUNS / 2;
    let (one, other) = (times(cell, 0..half), times(cell, half..LOSSY_RUNS));
    let ((first, one), (second, other)) = tokio::try_join!(one, other)?;
    Ok((median([first, second].concat()), [one, other].concat()))
}

/// Times without losses, and over a lossy link with the chances of these runs.
async fn times(cell: &Cell, seeds: Range<u32>) -> anyhow::Result<(Vec<Duration>, Vec<Duration>)> {
    let dir = tempfile::tempdir()?;
    let mut ends = Ends::start(dir.path(), DOCUMENTS).await?;
    let lossless = calls(&mut ends, cell, "mobile-64k", 0..RUNS, Duration::MAX).await?;
    let most = median(lossless.clone()) * LOSSY_LATE / 100;
    let times = calls(&mut ends, cell, "mobile-64k-lossy", seeds, most).await?;
    Ok((lossless, times))
}

/// How long calls take over a profile. Shows what passed in those that took longer than they may.
async fn calls(
    ends: &mut Ends,
    cell: &Cell,
    profile: &str,
    seeds: Range<u32>,
    most: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let profile = Profile::named(profile)?;
    ends.open(profile.clone(), 0).await?.met().await?;
    let first = if profile.up().loss_per_mille == 0 {
        1
    } else {
        1 + RUNS
    };
    let mut times = Vec::new();
    for seed in seeds {
        // Another value than any before.
        let value = first + seed;
        let (window, _) = begin(ends, cell, &profile, u64::from(seed), value).await?;
        let arrived = ends.arrival().await.with_context(|| window.trace())?;
        let time = window.relay.traffic().since_begun(arrived);
        if time > most {
            eprintln!("{} {seed}: {time:?}\n{}", cell.what, window.trace());
        }
        times.push(time);
        // What nobody acknowledged would go again with the next call.
        window.acknowledged().await?;
        window.close().await?;
        ends.forget_changes().await;
    }
    Ok(times)
}

/// Brings the link into the state of the cell and edits. Gives the instant from which the time counts, where
/// that is not the commune's first packet; bytes count from there.
async fn begin(
    ends: &mut Ends,
    cell: &Cell,
    profile: &Profile,
    seed: u64,
    value: u32,
) -> anyhow::Result<(Window, Option<Instant>)> {
    if cell.start == Start::Cold {
        ends.edit_offline(value).await?;
        return Ok((ends.open(profile.clone(), seed).await?, None));
    }
    let window = ends.open(profile.clone(), seed).await?;
    window.settled().await?;
    if cell.start == Start::Warm {
        window.call_with(value).await?;
        return Ok((window, None));
    }
    if matches!(
        cell.start,
        Start::Asleep | Start::AsleepElsewhere | Start::DuringOutage
    ) {
        window.relay.cut(true);
        if cell.start == Start::DuringOutage {
            window.edit(value).await?;
        }
        tokio::time::sleep(OUTAGE).await;
        window.relay.cut(false);
    }
    if cell.start == Start::AsleepElsewhere {
        window.relay.rebind();
    }
    window.relay.count_anew();
    if cell.start == Start::DuringOutage {
        return Ok((window, Some(Instant::now())));
    }
    window.edit(value).await?;
    Ok((window, None))
}
