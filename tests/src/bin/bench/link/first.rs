//! The first sync of many documents, and links on which nothing is new.

use hopluu_tests::lab::Profile;

use super::ends::Ends;
use crate::figure::Seen;

/// Ordinary half-year reports of 30 figures in one save each.
const DOCUMENTS: u32 = 200;

/// How many there are when nothing is new.
const ARCHIVES: [u32; 2] = [200, 2_000];

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
    seen.time_of(&what, traffic.since_begun(arrived), limit, 111);
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
