//! Much at once over a link: two nodes of which there is nothing but their links.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hopluu_model::Timestamp;
use hopluu_net::key::{Subject, issue, write_root};
use hopluu_net::{DialOptions, Endpoint, Incoming, LinkEvent, NetConfig, Tuning};
use hopluu_trust::{Signer, fingerprint};
use tokio::time::timeout;

use super::{Profile, Traffic, UdpRelay};

const SECS_MAX: u64 = 300;

const NOT_AFTER: Timestamp = Timestamp(1_900_000_000_000);

/// Bytes handed to the link at a time.
const PIECE: usize = 4_096;

/// Carries so many bytes over a link; gives when the last had come, and what had passed by then.
///
/// # Errors
/// When the link breaks or that takes longer than 300 s.
pub async fn carry(profile: Profile, bytes: usize) -> anyhow::Result<(Instant, Traffic)> {
    let [district, commune] = [1, 2].map(|seed| Signer::from_seed(&[seed; 32]));
    let root = write_root(&district, &"465@2020-01-01".parse()?, NOT_AFTER)?;
    let subject = Subject {
        node: commune.node_id(),
        unit: "19429@2020-02-01".parse()?,
        office: None,
        not_after: NOT_AFTER,
    };
    let above = vec![root];
    let below = issue(&district, &above, &subject)?;
    let called = endpoint(&district, &above)?;
    let relay = UdpRelay::start(profile, 1, called.local_addr()?).await?;
    let calling = endpoint(&commune, &below)?;
    let sending = async {
        let link = calling.dial(relay.addr(), &DialOptions::default()).await?;
        for piece in vec![7; bytes].chunks(PIECE) {
            link.handle().send(piece.to_vec()).await?;
        }
        anyhow::Ok(link)
    };
    let receiving = async {
        let Some(Incoming::Link(mut link)) = called.accept().await else {
            anyhow::bail!("nobody called");
        };
        let mut received = 0;
        while received < bytes {
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
    calling.close().await;
    called.close().await;
    relay.close().await;
    Ok((arrived, traffic))
}

fn endpoint(signer: &Signer, chain: &[Vec<u8>]) -> anyhow::Result<Endpoint> {
    let root = chain.last().context("a chain has a root")?;
    Ok(Endpoint::bind(NetConfig {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        signer: signer.clone(),
        root: fingerprint(root),
        chain: chain.to_vec(),
        tuning: Tuning::default(),
    })?)
}
