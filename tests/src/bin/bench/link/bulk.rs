//! Much at once over a slow link: how much is sent to bring it over, and how much of the link is used.

use std::time::Instant;

use anyhow::Context as _;
use hopluu_model::Timestamp;
use hopluu_net::key::{Subject, issue, write_root};
use hopluu_net::{DialOptions, Endpoint, Incoming, LinkEvent, NetConfig, Tuning};
use hopluu_tests::lab::{Profile, UdpRelay};
use hopluu_trust::{Signer, fingerprint};
use tokio::time::{Duration, timeout};

use crate::figure::Seen;

/// What a first sync of 200 documents takes.
const BYTES: usize = 353_000;

/// Sent bytes may be so many hundredths of the payload.
const SENT_OF_PAYLOAD: u64 = 110;

/// Hundredths of the rate that must be used, without losses and with one packet in twenty lost.
const RATE_USED: [(&str, u32); 2] = [("mobile-64k", 95), ("mobile-64k-lossy", 70)];

const SECS_MAX: u64 = 300;

const NOT_AFTER: Timestamp = Timestamp(1_900_000_000_000);

/// Two nodes of which there is nothing but their links.
pub(crate) async fn run() -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let signers = [1, 2].map(|seed| Signer::from_seed(&[seed; 32]));
    let [district, commune] = &signers;
    let root = write_root(district, &"465@2020-01-01".parse()?, NOT_AFTER)?;
    let subject = Subject {
        node: commune.node_id(),
        unit: "19429@2020-02-01".parse()?,
        office: None,
        not_after: NOT_AFTER,
    };
    let above = vec![root];
    let below = issue(district, &above, &subject)?;
    for (name, used) in RATE_USED {
        let profile = Profile::named(name)?;
        let called = endpoint(district, &above)?;
        let relay = UdpRelay::start(profile.clone(), 1, called.local_addr()?).await?;
        let calling = endpoint(commune, &below)?;
        let sending = async {
            let link = calling.dial(relay.addr(), &DialOptions::default()).await?;
            for piece in vec![7; BYTES].chunks(4_096) {
                link.handle().send(piece.to_vec()).await?;
            }
            anyhow::Ok(link)
        };
        let receiving = async {
            let Some(Incoming::Link(mut link)) = called.accept().await else {
                anyhow::bail!("nobody called");
            };
            let mut received = 0;
            while received < BYTES {
                match link.next().await.context("the link ended")? {
                    LinkEvent::Received(bytes) => received += bytes.len(),
                    LinkEvent::Closed(reason) => anyhow::bail!("{reason}"),
                }
            }
            Ok((Instant::now(), link))
        };
        let both = async { tokio::try_join!(sending, receiving) };
        let (_up, (arrived, _down)) = timeout(Duration::from_secs(SECS_MAX), both).await??;
        let traffic = relay.traffic();
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
        calling.close().await;
        called.close().await;
        relay.close().await;
    }
    Ok(seen)
}

fn endpoint(signer: &Signer, chain: &[Vec<u8>]) -> anyhow::Result<Endpoint> {
    let root = chain.last().context("a chain has a root")?;
    Ok(Endpoint::bind(NetConfig {
        listen: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        signer: signer.clone(),
        root: fingerprint(root),
        chain: chain.to_vec(),
        tuning: Tuning::default(),
    })?)
}
