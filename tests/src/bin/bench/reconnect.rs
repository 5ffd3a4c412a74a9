//! What a reconnect costs on the wire while nothing has changed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, ensure};
use hopluu_engine::{
    Continuation, Core, CoreConfig, NetEffect, Post, Turn, found_store, fresh_epoch, identity_of,
    root_records,
};
use hopluu_form::{Form, Lang};
use hopluu_model::{Place, Timestamp, UnitId, UnitTree};
use hopluu_net::key::{Subject, issue, write_root};
use hopluu_store::{Medium, OpenOptions, Store};
use hopluu_sync::{LinkId, Steady};
use hopluu_tests::filling::{Filled, annex, key_of, put_all};
use hopluu_tests::process::{shipped_form, shipped_tree};
use hopluu_trust::{Record, Signer, fingerprint};

use crate::figure::Seen;
use crate::latency::COMMUNE;

const DISTRICT: &str = "465@2024-05-01";

const FEW: u32 = 10;
const MANY: u32 = 10_000;

/// Figures in each document: their number does not matter, their documents do.
const LINES: usize = 3;

const BYTES_MOST: u64 = 200;

const BEGIN: Timestamp = Timestamp(1_700_000_000_000);

/// When the certificates end: later than anything here.
const END: Timestamp = Timestamp(2_000_000_000_000);

pub(crate) fn run() -> anyhow::Result<Seen> {
    let tree = shipped_tree()?;
    let few = reconnect(&tree, FEW)?;
    let many = reconnect(&tree, MANY)?;
    let mut seen = Seen::default();
    seen.bytes(
        "reconnect with nothing changed, 10,000 documents",
        many,
        Some(BYTES_MOST),
    );
    seen.bytes("- the same with 10 documents", few, Some(BYTES_MOST));
    seen.bytes("- difference", many.abs_diff(few), Some(0));
    seen.note(
        "application bytes both ways, what is handed to QUIC: two nodes over a pair in memory",
    );
    Ok(seen)
}

/// Bytes of the second link between two nodes that hold the same documents.
fn reconnect(tree: &UnitTree, documents: u32) -> anyhow::Result<u64> {
    let mut pair = Pair::new(tree, documents)?;
    pair.link(LinkId(1))?;
    let walked = pair.bytes;
    pair.cut(LinkId(1))?;
    pair.link(LinkId(2))?;
    ensure!(pair.bytes > walked, "nothing was said on the second link");
    ensure!(pair.is_settled()?, "the nodes have not settled");
    Ok(pair.bytes - walked)
}

/// A node without threads and sockets.
struct Node {
    core: Core,
    place: Place,
    store: Store,
    mail: Arc<Mutex<VecDeque<Continuation>>>,
    /// Bytes and ends of links on their way to the other.
    out: VecDeque<NetEffect>,
}

/// Two nodes and everything that was sent between them.
struct Pair {
    nodes: [Node; 2],
    bytes: u64,
    now: Steady,
}

impl Pair {
    fn new(tree: &UnitTree, documents: u32) -> anyhow::Result<Self> {
        let (above, below) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let (district, commune): (UnitId, UnitId) = (DISTRICT.parse()?, COMMUNE.parse()?);
        let chain = vec![write_root(&above, &district, END)?];
        let subject = Subject {
            node: below.node_id(),
            unit: commune.clone(),
            office: None,
            not_after: END,
        };
        let below_chain = issue(&above, &chain, &subject)?;
        let text = shipped_form("pcmd-review.toml")?;
        let form = Form::parse(&text).map_err(|errors| anyhow::anyhow!(errors.report(Lang::En)))?;
        let records = root_records(&above, &district, tree, vec![(form, Vec::new())])?;
        let reports = reports(&commune, &below, documents)?;
        let nodes = [
            Node::new(above, &chain, records.clone(), &reports)?,
            Node::new(below, &below_chain, records, &reports)?,
        ];
        Ok(Self {
            nodes,
            bytes: 0,
            now: Steady::default(),
        })
    }

    /// Opens a link and lets both speak until neither has anything to say.
    fn link(&mut self, link: LinkId) -> anyhow::Result<()> {
        let [above, below] = &mut self.nodes;
        let (up, down) = (above.place.clone(), below.place.clone());
        above.turn(self.now, |core, turn| {
            core.link_opened(turn, link, down, None);
        });
        below.turn(self.now, |core, turn| {
            core.link_opened(turn, link, up, None);
        });
        self.speak(link)
    }

    /// The link is gone without a word.
    fn cut(&mut self, link: LinkId) -> anyhow::Result<()> {
        self.now = self.now.plus_ms(60_000);
        for node in &mut self.nodes {
            node.turn(self.now, |core, turn| {
                core.link_closed(turn, link, None, None);
            });
        }
        self.speak(link)
    }

    fn speak(&mut self, link: LinkId) -> anyhow::Result<()> {
        loop {
            let [above, below] = &mut self.nodes;
            let has_worked = above.work(self.now) | below.work(self.now);
            let (sent, from, to) = match (above.out.pop_front(), below.out.front()) {
                (Some(sent), _) => (sent, above, below),
                (None, Some(_)) => (below.out.pop_front().context("it was seen")?, below, above),
                (None, None) if has_worked => continue,
                (None, None) => return Ok(()),
            };
            match sent {
                NetEffect::Send { bytes, .. } => {
                    self.bytes += u64::try_from(bytes.len())?;
                    from.turn(self.now, |core, turn| core.link_sent(turn, link));
                    to.turn(self.now, |core, turn| core.link_received(turn, link, bytes));
                }
                NetEffect::Await { .. } | NetEffect::Hold { .. } | NetEffect::CallWanted => {}
                NetEffect::Close { code, .. } => anyhow::bail!("the link was closed: {code}"),
                NetEffect::Bar { why, .. } => anyhow::bail!("the peer is revoked: {why}"),
                NetEffect::Dial { .. } | NetEffect::Judge { .. } | NetEffect::Present => {}
            }
        }
    }

    /// Whether both know that the other has everything.
    fn is_settled(&self) -> anyhow::Result<bool> {
        for node in &self.nodes {
            let status = node.core.status(BEGIN)?;
            let peer = status.peers.first().context("a node knows the other")?;
            if !peer.is_linked || peer.owed > 0 || peer.remark.is_some() || peer.refused > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Node {
    fn new(
        signer: Signer,
        chain: &[Vec<u8>],
        records: Vec<Record>,
        reports: &[Filled],
    ) -> anyhow::Result<Self> {
        // Epochs are random; nothing else in here is.
        let options = OpenOptions::create(fresh_epoch());
        let store = Store::open_manual(&Medium::Memory, &options)?;
        let root = fingerprint(chain.last().context("a chain has a root")?);
        found_store(&store, chain, root, records)?;
        put_all(&store, reports)?;
        let config: CoreConfig = identity_of(&store, signer)?;
        let place = config.me.clone();
        let mail: Arc<Mutex<VecDeque<Continuation>>> = Arc::default();
        let post: Post = {
            let mail = Arc::clone(&mail);
            Arc::new(move |continuation| lock(&mail).push_back(continuation))
        };
        Ok(Self {
            core: Core::new(config, store.clone(), post)?,
            place,
            store,
            mail,
            out: VecDeque::new(),
        })
    }

    fn turn(&mut self, now: Steady, act: impl FnOnce(&mut Core, &mut Turn)) {
        let mut turn = Turn::at(BEGIN.plus_ms(now.0), now);
        act(&mut self.core, &mut turn);
        self.out.extend(turn.net);
    }

    /// Lets the disk do what is queued and tells the node; whether there was anything.
    fn work(&mut self, now: Steady) -> bool {
        let pumped = self.store.pump();
        let mail = std::mem::take(&mut *lock(&self.mail));
        let has_mail = !mail.is_empty();
        for continuation in mail {
            self.turn(now, continuation);
        }
        pumped > 0 || has_mail
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reports of one commune, which both nodes are given.
fn reports(unit: &UnitId, signer: &Signer, documents: u32) -> anyhow::Result<Vec<Filled>> {
    let form = annex()?;
    let period = "2016-2020".parse()?;
    let report = |instance| {
        let key = key_of(&form, unit, &period, instance);
        Filled::new(key, &form, signer, (LINES, 1), u64::from(instance))
    };
    (0..documents).map(report).collect()
}
