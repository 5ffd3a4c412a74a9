//! What we and others take for the same work on the same links, in one run.
//!
//! ```text
//! work    the documents, who has what of them, and when the work is done
//! ours    two of our nodes, each a process with its disk, with identities and encryption
//! raw     Automerge's own protocol, its states kept between sessions
//! repo    samod, which speaks the protocol of automerge-repo
//! ```
//! The others run in this process and in clear, with their documents loaded before the clock starts. Bytes are all
//! UDP or TCP payload both ways until nothing is said any more; times run from the connection's start.

mod ours;
mod raw;
mod repo;
mod work;

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_tests::lab::documents::Document;
use hopluu_tests::lab::weights::saved_alone;
use hopluu_tests::lab::{Profile, TcpRelay};
use tokio::runtime::Runtime;
use tokio::sync::Barrier;
use tokio::time::{sleep, timeout};

use self::work::{DOCUMENTS, Work, works};
use crate::figure::{Seen, median};

const PROFILES: [&str; 2] = ["clean", "mobile-64k"];

/// Work that waits for no link takes milliseconds, and one of our own or of the disk's makes half of it: the middle
/// one of so many runs counts.
const CLEAN_RUNS: usize = 3;

/// What is not done by then never will be: the longest work takes 190 s of the slowest link.
const WORK_SECS_MAX: u64 = 600;

/// Hundredths of what zstd makes of each saved document alone that a first sync may take.
const OF_SAVED: u64 = 47;

/// Bytes of the documents of the first sync, each saved by Automerge and packed by zstd as well as it can.
fn saved() -> u64 {
    let documents: Vec<_> = (0..).take(DOCUMENTS).map(Document::new).collect();
    u64::try_from(saved_alone(&documents)).unwrap_or(u64::MAX)
}

/// Nothing is on its way any more when nothing has passed for so long: longer than any round trip here.
const QUIET: Duration = Duration::from_millis(2_000);

/// What a piece of work took.
#[derive(Debug, Clone, Copy)]
struct Took {
    time: Duration,
    bytes: u64,
}

pub(crate) fn run(runtime: &Runtime) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    for work in works() {
        for name in PROFILES {
            let profile = Profile::named(name)?;
            let [raw, repo, ours] = runtime.block_on(all(&work, &profile))?;
            let what = format!("ours, {}, {name}", work.name);
            eprintln!("{what}: {:?}, {} bytes", ours.time, ours.bytes);
            let time = raw.time.min(repo.time);
            let bytes = (raw.bytes * work.of_raw / 100).min(repo.bytes);
            seen.time(&what, ours.time, Some(time));
            seen.bytes("- bytes both ways", ours.bytes, Some(bytes));
            if !work.have_met {
                let most = saved() * OF_SAVED / 100;
                seen.bytes(
                    "- beside what its saved documents take",
                    ours.bytes,
                    Some(most),
                );
            }
            show(
                &mut seen,
                &format!("raw Automerge, {}, {name}", work.name),
                raw,
            );
            show(&mut seen, &format!("samod, {}, {name}", work.name), repo);
        }
    }
    seen.note(
        "the others run in clear, without identities, and their work ends when the state is in memory; ours ends when it \
         is on the other's disk, and of edits on both sides when both have been told so; the bound of ours is the \
         better of the two",
    );
    Ok(seen)
}

/// Raw Automerge, samod and ours on the same work.
async fn all(work: &Work, profile: &Profile) -> anyhow::Result<[Took; 3]> {
    // With 2,000 documents nothing is close, and what the others have loaded for each run takes gigabytes.
    let is_large = work.documents.len() > DOCUMENTS;
    let runs = if waits_for_link(profile) || is_large {
        1
    } else {
        CLEAN_RUNS
    };
    let mut took: [Vec<Took>; 3] = Default::default();
    for _ in 0..runs {
        let (raw, repo) = both(work, profile).await?;
        let ours = within(ours::run(work, profile.clone())).await?;
        for (all, one) in took.iter_mut().zip([raw, repo, ours]) {
            all.push(one);
        }
    }
    Ok(took.map(|all| Took::middle(&all)))
}

fn waits_for_link(profile: &Profile) -> bool {
    profile.up().rate.is_some()
}

/// Raw Automerge and samod. Where they wait for the link rather than for a core, each on a
/// link of its own at the same time, once both have loaded.
async fn both(work: &Work, profile: &Profile) -> anyhow::Result<(Took, Took)> {
    let together = waits_for_link(profile);
    let ready = Barrier::new(if together { 2 } else { 1 });
    let raw = within(raw::run(work, profile.clone(), &ready));
    let repo = within(repo::run(work, profile.clone(), &ready));
    let took = if together {
        tokio::try_join!(raw, repo)?
    } else {
        (raw.await?, repo.await?)
    };
    Ok(took)
}

async fn within(work: impl Future<Output = anyhow::Result<Took>>) -> anyhow::Result<Took> {
    let limit = Duration::from_secs(WORK_SECS_MAX);
    timeout(limit, work).await.context("it does not end")?
}

fn show(seen: &mut Seen, what: &str, took: Took) {
    eprintln!("{what}: {:?}, {} bytes", took.time, took.bytes);
    seen.time(what, took.time, None);
    seen.bytes("- bytes both ways", took.bytes, None);
}

impl Took {
    /// The middle time of several, and the most bytes.
    fn middle(all: &[Self]) -> Self {
        let times = all.iter().map(|took| took.time).collect();
        let bytes = all.iter().map(|took| took.bytes).max().unwrap_or_default();
        let time = median(times);
        Self { time, bytes }
    }

    /// Once the work is done: waits until nothing is said any more, and counts.
    async fn counted(relay: &TcpRelay, done: Instant) -> anyhow::Result<Self> {
        let first = relay.take_traffic();
        ensure!(first.begun.is_some(), "nobody connected");
        let (time, mut bytes) = (first.since_begun(done), first.bytes());
        loop {
            sleep(QUIET).await;
            match relay.take_traffic().bytes() {
                0 => return Ok(Self { time, bytes }),
                more => bytes += more,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use automerge::Automerge;
    use hopluu_tests::lab::weights::whole;

    use super::work::{Done, edited};
    use super::*;

    fn work(documents: &[Automerge], done: Done, have_met: bool) -> Work {
        Work {
            name: "a little of it",
            done,
            of_raw: 100,
            have_met,
            documents: documents.to_vec(),
            news: vec![[edited(), Vec::new()]],
        }
    }

    #[tokio::test]
    async fn others_do_the_whole_work_and_a_first_sync_costs_more_than_an_edit() {
        let documents: Vec<_> = (0..2).map(|n| whole(&Document::new(n))).collect();
        let clean = Profile::named("clean").unwrap();
        let edit = work(&documents, Done::BothHave, true);
        let first = work(&documents, Done::HubHas, false);
        let (edit, first) = tokio::try_join!(both(&edit, &clean), both(&first, &clean)).unwrap();
        for (edit, first) in [(edit.0, first.0), (edit.1, first.1)] {
            assert!(edit.bytes > 300, "{edit:?}");
            assert!(first.bytes > 5 * edit.bytes, "{first:?} against {edit:?}");
        }
    }
}
