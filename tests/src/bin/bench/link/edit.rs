//! One figure edited among 200 documents: how it reaches the district over each kind of link.

use anyhow::Context as _;
use hopluu_tests::lab::Profile;

use super::ends::Ends;
use crate::figure::{Seen, median};

const DOCUMENTS: u32 = 200;

/// Runs of a cell on a link without chance: they differ by what the machine does beside.
const RUNS: u32 = 3;

/// A link on which the commune's node starts and brings its edit up.
struct Cold {
    profile: &'static str,
    bytes_most: Option<u64>,
}

const COLD: &[Cold] = &[
    Cold {
        profile: "clean",
        bytes_most: None,
    },
    Cold {
        profile: "mobile-64k",
        bytes_most: Some(5_000),
    },
    Cold {
        profile: "radio-9k6",
        bytes_most: None,
    },
    Cold {
        profile: "satellite-384k",
        bytes_most: None,
    },
    Cold {
        profile: "mobile-1m",
        bytes_most: None,
    },
];

/// Times may be so many hundredths of what physics allows.
const OF_LIMIT: u32 = 125;

/// Handshake there and back, then the edit.
const COLD_HALF_TRIPS: u32 = 3;

pub(crate) async fn run(seen: &mut Seen) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut ends = Ends::start(dir.path(), DOCUMENTS).await?;
    let mut value = 0;
    for cell in COLD {
        let profile = Profile::named(cell.profile)?;
        let (mut times, mut limits, mut bytes) = (Vec::new(), Vec::new(), 0);
        for run in 0..RUNS {
            value += 1;
            ends.edit_offline(value).await?;
            let window = ends.open(profile.clone(), u64::from(run)).await?;
            let arrived = ends.arrival().await?;
            let until = window.relay.traffic();
            times.push(until.since_begun(arrived));
            limits.push(profile.limit(COLD_HALF_TRIPS, until.bytes()));
            bytes = bytes.max(window.settled().await?.bytes());
            if profile.up().rate.is_some()
                && times.last() > limits.last().map(|l| *l * OF_LIMIT / 100).as_ref()
            {
                for passed in window.relay.take_trace() {
                    eprintln!("{passed}");
                }
            }
            window.close().await?;
        }
        let name = &profile.name;
        let (time, limit) = (median(times), limits.into_iter().min().context("runs")?);
        let what = format!("one figure, cold, {name}");
        match profile.up().rate {
            Some(_) => seen.time_of(&what, time, limit, OF_LIMIT),
            None => seen.time(&what, time, None),
        }
        seen.bytes("- bytes both ways", bytes, cell.bytes_most);
    }
    Ok(())
}
