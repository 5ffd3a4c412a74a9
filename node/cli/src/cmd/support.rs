//! `support`: what somebody who helps from outside has to know, and nothing that reports hold.
//!
//! Every field is chosen here: what a later version shows elsewhere does not come in by itself. What is a text (a path, a
//! reason, what an error says) stays out, because anybody may have put anything into it.

use std::collections::BTreeMap;
use std::path::Path;

use hopluu_api::{Client, ClientError, is_served};
use hopluu_engine::view::{
    CostView, DiskState, LinkView, OwedView, PeerRemark, PeerView, RefusalWhy, StatusView,
    UpstreamState, UpstreamView,
};
use hopluu_engine::{NodeSettings, doctor, now};
use hopluu_model::{Epoch, FormId, FormVersion, NodeId, OfficeId, Timestamp, UnitId};
use serde::Serialize;

use super::bundle::write_whole;
use crate::args::SupportArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{secret, text};

/// People are counted from here on: fewer are named by their number.
const PEOPLE_TOLD_FROM: usize = 5;

/// The files of a folder whose sizes are told.
const FILES: [&str; 4] = ["store.db", "store.db-wal", "store.key", "node.toml"];

#[derive(Debug, Serialize)]
struct Support {
    at: Timestamp,
    version: &'static str,
    os: &'static str,
    arch: &'static str,
    /// Bytes of each.
    files: BTreeMap<&'static str, u64>,
    /// Nothing where a node works in the folder.
    doctor: Option<CheckUp>,
    /// Nothing where it is not understood.
    settings: Option<Settings>,
    node: Answer,
}

#[derive(Debug, Serialize)]
struct CheckUp {
    encrypted: bool,
    /// How often each was found, by code.
    findings: BTreeMap<&'static str, u32>,
}

#[derive(Debug, Serialize)]
struct Settings {
    listens: bool,
    upstream: usize,
    standby: usize,
    udp_only: bool,
    has_proxy: bool,
    neighbours: Option<Neighbours>,
    links: usize,
}

#[derive(Debug, Serialize)]
struct Neighbours {
    addresses: usize,
    discover: bool,
    after_s: u64,
    every_s: u64,
}

/// What the node says, or by which code it says nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Node(Box<Node>),
    Failed(String),
}

#[derive(Debug, Serialize)]
struct Node {
    node: NodeId,
    unit: UnitId,
    office: Option<OfficeId>,
    epoch: Epoch,
    entries: u64,
    documents: u64,
    parked: u64,
    disk: DiskState,
    certificate_ends: Timestamp,
    is_ending: bool,
    evidence: Option<Timestamp>,
    is_revoked: bool,
    /// How many people work there; `null` for one to four.
    people: Option<usize>,
    forms: BTreeMap<FormId, FormVersion>,
    called: Vec<Called>,
    peers: Vec<Peer>,
    parcels: Option<[u64; 3]>,
}

#[derive(Debug, Serialize)]
struct Called {
    is_standby: bool,
    state: UpstreamState,
    failures: u32,
}

#[derive(Debug, Serialize)]
struct Peer {
    node: NodeId,
    unit: UnitId,
    office: Option<OfficeId>,
    is_linked: bool,
    via: Option<String>,
    owed: u64,
    owed_by_class: Vec<OwedView>,
    heard: Option<Timestamp>,
    refused: BTreeMap<RefusalWhy, u64>,
    refused_there: BTreeMap<RefusalWhy, u64>,
    closed: [Option<u16>; 2],
    remark: Option<PeerRemark>,
    rate: Option<u64>,
    round_trip_ms: Option<u64>,
    profile: Option<String>,
    months: Vec<CostView>,
}

pub(super) async fn run(args: &SupportArgs, context: &Context) -> Result<Exit, Failure> {
    if args.file.symlink_metadata().is_ok() {
        return Err(text::audit::exists(&args.file));
    }
    let dir = context.dir()?;
    let check_up = if is_served(dir).await {
        None
    } else {
        let secret = secret::of_home(dir, context)?;
        let found = doctor(dir, false, secret.as_ref(), now())?;
        let mut findings = BTreeMap::new();
        for one in &found.findings {
            *findings.entry(one.ailment.code()).or_default() += one.times;
        }
        Some(CheckUp {
            encrypted: found.is_encrypted,
            findings,
        })
    };
    let node = match context.ask(async |client| node(client).await).await {
        Ok(node) => Answer::Node(Box::new(node)),
        Err(failure) => Answer::Failed(
            failure
                .problem()
                .map_or_else(String::new, |problem| problem.code.clone()),
        ),
    };
    let support = Support {
        at: now(),
        version: env!("CARGO_PKG_VERSION"),
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        files: files(dir),
        doctor: check_up,
        settings: NodeSettings::read(dir).ok().as_ref().map(settings),
        node,
    };
    let mut json = serde_json::to_vec_pretty(&support).expect("plain JSON");
    json.push(b'\n');
    write_whole(&args.file, &json)?;
    context.answer(&support, |_| {
        let file = args.file.display().to_string();
        text::export::supported(&file)
            .in_lang(context.lang)
            .to_owned()
    })?;
    Ok(Exit::Done)
}

fn files(dir: &Path) -> BTreeMap<&'static str, u64> {
    let sized = FILES.into_iter().filter_map(|name| {
        let found = dir.join(name).symlink_metadata().ok()?;
        Some((name, found.len()))
    });
    sized.collect()
}

fn settings(settings: &NodeSettings) -> Settings {
    Settings {
        listens: settings.listen.is_some(),
        upstream: settings.upstream.len(),
        standby: settings.standby.len(),
        udp_only: settings.udp_only,
        has_proxy: settings.proxy.is_some(),
        neighbours: settings.neighbours.as_ref().map(|near| Neighbours {
            addresses: near.addresses.len(),
            discover: near.discover,
            after_s: near.after_s,
            every_s: near.every_s,
        }),
        links: settings.link.len(),
    }
}

async fn node(client: &Client) -> Result<Node, ClientError> {
    let status = client.status().await?;
    let links = client.link_list().await?;
    let people = client.account_list().await?.len();
    let forms = client.form_list().await?.into_iter();
    let forms = forms.map(|form| (form.form, form.version)).collect();
    Ok(told(status, &links, people, forms))
}

fn told(
    status: StatusView,
    links: &[LinkView],
    people: usize,
    forms: BTreeMap<FormId, FormVersion>,
) -> Node {
    let called = |one: &UpstreamView| Called {
        is_standby: one.is_standby,
        state: one.state,
        failures: one.failures,
    };
    let peers = status.peers.into_iter().map(|peer| {
        let link = links.iter().find(|link| link.node == peer.node);
        told_peer(peer, link)
    });
    Node {
        node: status.node,
        unit: status.unit,
        office: status.office,
        epoch: status.epoch,
        entries: status.journal.0,
        documents: status.documents,
        parked: status.parked,
        disk: status.disk,
        certificate_ends: status.certificate_ends,
        is_ending: status.is_ending,
        evidence: status.evidence,
        is_revoked: status.revoked.is_some(),
        people: Some(people).filter(|people| *people == 0 || *people >= PEOPLE_TOLD_FROM),
        forms,
        called: status.upstream.iter().map(called).collect(),
        peers: peers.collect(),
        parcels: status
            .parcels
            .map(|parcels| [parcels.carried, parcels.bytes, parcels.own]),
    }
}

fn told_peer(peer: PeerView, link: Option<&LinkView>) -> Peer {
    Peer {
        node: peer.node,
        unit: peer.unit,
        office: peer.office,
        is_linked: peer.is_linked,
        via: peer.via,
        owed: peer.owed,
        owed_by_class: peer.owed_by_class,
        heard: peer.heard,
        refused: peer.refused_why,
        refused_there: peer.refused_there,
        closed: [peer.closed_here, peer.closed_there],
        remark: peer.remark,
        rate: link.and_then(|link| link.rate),
        round_trip_ms: link.and_then(|link| link.round_trip_ms),
        profile: link
            .and_then(|link| link.plan.as_ref())
            .map(|plan| plan.profile.clone()),
        months: link.map(|link| link.months.clone()).unwrap_or_default(),
    }
}
