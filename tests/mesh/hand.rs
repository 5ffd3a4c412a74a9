//! What goes by hand alone: a district without any link sends sticks up, and gets receipts by sticks.

use hopluu_engine::{BundleRequest, Receivers};
use rand::RngExt;
use rand::seq::SliceRandom as _;
use serde_json::json;

use crate::check::holds;
use crate::ends::unreceipted;
use crate::log::Broken;
use crate::plan::{BEGIN, DAY, DAYS, MINUTE};
use crate::province::DISTRICTS;
use crate::world::World;

/// The node of the district that has no link: the last one.
const DISTRICT: usize = DISTRICTS.len();

impl World {
    /// Takes every way of that district and those below it away, until everything is healed.
    pub(crate) fn cut_off_district(&mut self) {
        if !self.plan.is_by_hand {
            return;
        }
        let nodes = &self.nodes;
        let is_below = |at: usize| at == DISTRICT || nodes[at].seat.above == Some(DISTRICT);
        for route in &mut self.routes {
            if is_below(route.caller) || is_below(route.listener) {
                route.silent = Some((BEGIN, BEGIN + (DAYS + 30) * DAY));
            }
        }
    }
}

/// At the end of the half-year, before any link heals, somebody carries everything once, in any order and
/// some of it twice: up over two hops, and down again.
pub(crate) fn carry_everything(world: &mut World) -> Result<(), Broken> {
    if !world.plan.is_by_hand {
        return Ok(());
    }
    let communes = (0..world.nodes.len()).filter(|at| {
        let node = &world.nodes[*at];
        node.seat.above == Some(DISTRICT) && !node.is_retired
    });
    let communes: Vec<usize> = communes.collect();
    for at in [0, DISTRICT].into_iter().chain(communes.iter().copied()) {
        world.power_back(at)?;
    }
    carry(world, &communes)?;
    carry(world, &[DISTRICT])?;
    for at in communes.iter().copied().chain([DISTRICT]) {
        let lost = world.ledger.of(at).iter();
        if let Some((doc, hash)) = lost.copied().find(|one| !holds(&world.nodes[0], one)) {
            let name = &world.nodes[at].seat.name;
            let what = format!("by_hand: {hash} of {doc}, confirmed at {name}, never came up");
            return Err(world.broken(what));
        }
    }
    carry(world, &[0])?;
    carry(world, &[DISTRICT])?;
    // Who was restored gets what it lost back by a link only: a stick says nothing twice.
    let never_restored = |at: &&usize| !world.backups.contains_key(at);
    let nodes = communes.iter().filter(never_restored);
    let nodes = nodes.map(|at| &world.nodes[*at]);
    match unreceipted(nodes) {
        Some(what) => Err(world.broken(format!("by_hand: {what}"))),
        None => Ok(()),
    }
}

/// These nodes write sticks for everybody in their line, which come in within minutes.
fn carry(world: &mut World, from: &[usize]) -> Result<(), Broken> {
    let request = BundleRequest {
        to: Receivers::Line,
        size_max: None,
        parts_max: None,
        report: None,
        anew: false,
        attachments: false,
    };
    let mut sticks = Vec::new();
    for at in from {
        let now = world.nodes[*at].at(world.now).now;
        let made = world.nodes[*at].core.as_mut();
        let made = made.map(|core| core.bundles(&request, now));
        match made {
            Some(Ok(parts)) => sticks.extend(parts),
            other => {
                let name = &world.nodes[*at].seat.name;
                let what = format!("by_hand: {name} writes no stick: {other:?}");
                return Err(world.broken(what));
            }
        }
    }
    sticks.shuffle(&mut world.rng);
    for stick in sticks {
        let receiver = |node: &crate::node::Node| {
            node.place.node == stick.bundle.to.node && !node.is_retired && node.core.is_some()
        };
        let Some(to) = world.nodes.iter().position(receiver) else {
            continue;
        };
        let detail = json!({"to": world.nodes[to].seat.name, "entries": stick.entries});
        world.log.line(world.now, "world", "carries", &detail);
        for _ in 0..world.rng.random_range(1..=2) {
            world.turn(to, |core, turn| {
                core.bundle_import(turn, &stick.bytes, Box::new(|_| {}));
            })?;
        }
        let end = world.now + MINUTE;
        while world.step(end)? {}
        world.now = end;
    }
    Ok(())
}
