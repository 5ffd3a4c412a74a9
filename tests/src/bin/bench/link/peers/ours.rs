//! Our own nodes at the same work: two processes with a disk each, over QUIC, with identities and seals.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_engine::Home;
use hopluu_store::{OpenOptions, Store};
use hopluu_tests::filling::{Filled, put_all};
use hopluu_tests::lab::documents::{Document, form};
use hopluu_tests::lab::ends::Ends;
use hopluu_tests::lab::{Fate, Passed, Profile, Way};

use super::Took;
use super::work::{Done, Side, Work};

/// Documents that are made at a time: one takes some hundred kilobytes until it is in a store.
const GROUP: usize = 100;

pub(super) async fn run(work: &Work, profile: Profile) -> anyhow::Result<Took> {
    let dir = tempfile::tempdir()?;
    let ends = Ends::with(dir.path(), &[form().source()]).await?;
    // The form comes down, and the commune knows the round trip from then on.
    ends.open(profile.clone(), 0).await?.met().await?;
    let mut ends = ends
        .pause(|hub, client| {
            fill(client, work, Side::Client, false)?;
            if work.have_met {
                fill(hub, work, Side::Hub, false)?;
            }
            Ok(())
        })
        .await?;
    if work.have_met {
        // Both say all that they have, which takes 20 minutes of a slow link; then they learn how slow it is.
        let window = ends.open(Profile::named("clean")?, 0).await?;
        window.acknowledged().await?;
        window.met().await?;
        ends.open(profile.clone(), 0).await?.met().await?;
        ends = ends
            .pause(|hub, client| {
                fill(client, work, Side::Client, true)?;
                fill(hub, work, Side::Hub, true)
            })
            .await?;
    }
    let window = ends.open(profile, 1).await?;
    let done = match work.done {
        Done::ClientKnows => None,
        // The hub tells of what is on its disk. To ask takes milliseconds, which one change does not take.
        Done::HubHas => {
            let first = ends.arrival().await?;
            if !work.have_met {
                window.acknowledged().await?;
            }
            let last = ends.last_change().unwrap_or(first);
            Some(window.relay.traffic().since_begun(last))
        }
        Done::BothHave => {
            window.acknowledged().await?;
            ends.acknowledged().await?;
            Some(window.relay.traffic().since_begun(Instant::now()))
        }
    };
    let traffic = window.settled().await?;
    let status = ends.district.client().await?.status().await?;
    let refused: u64 = status.peers.iter().map(|peer| peer.refused).sum();
    ensure!(refused == 0, "{refused} entries were refused");
    let time = done.or_else(|| answered(&window.relay.trace()));
    window.close().await?;
    Ok(Took {
        time: time.context("the two have met")?,
        bytes: traffic.bytes(),
    })
}

/// From the caller's first packet to the last that it heard: at least as late as the hub's hello.
fn answered(trace: &[Passed]) -> Option<Duration> {
    let first = trace.iter().find(|passed| passed.way == Way::Up)?;
    let heard = trace.iter().filter(|passed| passed.way == Way::Down);
    let heard = heard.filter_map(|passed| match passed.fate {
        Fate::Arrives(at) => Some(at),
        _ => None,
    });
    Some(heard.max()?.saturating_sub(first.at))
}

/// Puts the documents of a side into its store, or what it has written since the two met.
fn fill(home: &Path, work: &Work, side: Side, is_news: bool) -> anyhow::Result<()> {
    let home = Home::open(home)?;
    let signer = home.signer()?;
    let store = Store::open(&home.database(), &OpenOptions::existing())?;
    let count = if is_news {
        work.news.len()
    } else {
        work.documents.len()
    };
    let numbers: Vec<_> = (0..count).collect();
    for group in numbers.chunks(GROUP) {
        let filled = group.iter().map(|number| {
            let document = Document::new(u32::try_from(*number)?);
            let mut saved: Vec<_> = document
                .changes
                .iter()
                .map(|one| one.saved.clone())
                .collect();
            if is_news {
                saved.extend(work.news(side, *number).iter().map(|one| one.saved.clone()));
            }
            let genesis = document.report.genesis().hash;
            Filled::of(document.key, genesis, saved, &signer)
        });
        put_all(&store, &filled.collect::<anyhow::Result<Vec<_>>>()?)?;
    }
    Ok(store.close()?)
}
