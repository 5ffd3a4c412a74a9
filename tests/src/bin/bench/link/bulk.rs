//! Much at once over a slow link: how much is sent to bring it over, and how much of the link is used.

use hopluu_tests::lab::Profile;
use hopluu_tests::lab::bulk::carry;

use crate::figure::Seen;

/// What a first sync of 200 documents takes.
const BYTES: usize = 353_000;

/// Sent bytes may be so many hundredths of the payload.
const SENT_OF_PAYLOAD: u64 = 110;

/// Hundredths of the rate that must be used, without losses and with one packet in twenty lost.
const RATE_USED: [(&str, u32); 2] = [("mobile-64k", 95), ("mobile-64k-lossy", 70)];

pub(crate) async fn run() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    for (name, used) in RATE_USED {
        let profile = Profile::named(name)?;
        let (arrived, traffic) = carry(profile.clone(), BYTES).await?;
        let (time, payload) = (traffic.since_begun(arrived), u64::try_from(BYTES)?);
        // What is lost and goes again is no use of the rate; frames are.
        let is_lossless = profile.up().loss_per_mille == 0;
        let used_bytes = if is_lossless {
            traffic.up.bytes
        } else {
            payload
        };
        let limit = profile.limit(3, used_bytes);
        seen.time_of(
            &format!("{BYTES} bytes at once, {name}"),
            time,
            limit,
            10_000 / used,
        );
        let most = is_lossless.then_some(payload * SENT_OF_PAYLOAD / 100);
        seen.bytes("- bytes sent for them", traffic.up.bytes, most);
        seen.count(
            "- packets that overran the queue or were lost",
            traffic.up.lost,
            None,
        );
    }
    Ok(seen)
}
