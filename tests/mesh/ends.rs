//! What must hold at the end, once links are healthy: everybody has everything, and says the same.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_doc::DocKey;
use hopluu_engine::view::{FigureView, TotalView};
use hopluu_engine::{CommandError, ReportFilter, TotalSelector};
use hopluu_model::tree::UnitTree;
use hopluu_model::{ChangeHash, DocId, EntryKind, Timestamp, UnitId};
use serde_json::json;

use crate::check::{holds, may_hold, may_read};
use crate::fold::{Paper, Sum, asked, papers, sum};
use crate::hand;
use crate::hostile::Verdicts;
use crate::log::Broken;
use crate::node::Node;
use crate::plan::{Between, HOUR, MINUTE};
use crate::province::{A_FLOOD, LAST_HALF, Level, Round, THIS_HALF, sums};
use crate::work::report;
use crate::world::World;

/// Windows of ten minutes that everything may take, once each is whole: one for what goes up, one
/// for the receipts that come down, and as much again for dials that met nobody.
const WINDOWS_MAX: usize = 4;

pub(crate) fn hold(world: &mut World) -> Result<(), Broken> {
    world.is_healed = true;
    hand::carry_everything(world)?;
    heal(world)?;
    let mut windows = 0;
    while let Some(lag) = lag(world) {
        if windows == WINDOWS_MAX {
            return Err(world.broken(format!("finished_within: {lag}")));
        }
        windows += 1;
        for route in 0..world.routes.len() {
            world.plan_window(route);
        }
        let end = world.now + HOUR;
        while world.step(end)? {}
        world.now = end;
    }
    world
        .log
        .line(world.now, "world", "converged", &json!(windows));
    no_edit_is_lost(world)?;
    all_converged(world)?;
    nothing_counts_that_may_not(world)?;
    receipts_came(world)?;
    totals_equal_fold(world)
}

fn heal(world: &mut World) -> Result<(), Broken> {
    let open: Vec<u64> = world.pipes.keys().copied().collect();
    for pipe in open {
        world.break_pipe(pipe)?;
    }
    for route in &mut world.routes {
        route.heal();
        route.window_ms = Between(10 * MINUTE, 10 * MINUTE);
    }
    for node in 0..world.nodes.len() {
        world.power_back(node)?;
    }
    Ok(())
}

type Heads = BTreeMap<DocId, (DocKey, Vec<ChangeHash>)>;

fn heads(node: &Node) -> Heads {
    let mut heads = Heads::new();
    let read = node.store.read().expect("memory does not fail");
    read.for_each_doc(|row| {
        let key = DocKey::decode(&row.key).expect("what was admitted decodes");
        heads.insert(row.doc, (key, row.heads));
    })
    .expect("memory does not fail");
    heads
}

/// Who still lacks what; none when everybody has everything, and people can see that it arrived.
fn lag(world: &World) -> Option<String> {
    let mut all = Heads::new();
    let grants = world.nodes[0].core.as_ref();
    let grants = grants.map(|core| core.grant_list(Timestamp(world.now)));
    let grants = grants.unwrap_or_default();
    for node in living(world) {
        for (doc, (key, heads)) in heads(node) {
            // What was received before a right was taken away stays there, and grows old.
            if !may_read(&grants, node, &key) {
                continue;
            }
            let entry = all.entry(doc).or_insert((key, Vec::new()));
            if entry.1.is_empty() {
                entry.1 = heads;
            } else if entry.1 != heads {
                let (key, name) = (&entry.0, &node.seat.name);
                return Some(format!("{name} has other heads of {key:?}"));
            }
        }
    }
    for node in living(world) {
        let own = heads(node);
        let lacks = all.iter().find(|(doc, (key, _))| {
            may_hold(&world.tree, node, EntryKind::Change, &key.unit)
                && may_read(&grants, node, key)
                && !own.contains_key(doc)
        });
        if let Some((_, (key, _))) = lacks {
            return Some(format!("{} lacks {key:?}", node.seat.name));
        }
        let parked = node.store.read().and_then(|read| read.parked_count());
        let parked = parked.expect("memory does not fail");
        if parked > 0 {
            return Some(format!("{} still parks {parked}", node.seat.name));
        }
    }
    unreceipted(living(world))
}

/// The machines that are still there and say what is so.
fn living(world: &World) -> impl Iterator<Item = &Node> {
    let nodes = world.nodes.iter();
    nodes.filter(|node| !node.is_retired && !node.is_hostile)
}

/// Whose report has not been said to have arrived, in its newest form.
pub(crate) fn unreceipted<'n>(nodes: impl Iterator<Item = &'n Node>) -> Option<String> {
    for node in nodes {
        let Some(core) = &node.core else {
            return Some(format!("{} has no power", node.seat.name));
        };
        let rows = match core.report_list(&ReportFilter::default()) {
            Ok(rows) => rows,
            Err(error) => return Some(format!("{} lists {error:?}", node.seat.name)),
        };
        for row in rows.iter().filter(|row| row.report.unit == node.place.unit) {
            let above = match node.seat.level {
                Level::Province => 0,
                Level::District => 1,
                Level::Commune | Level::Office => 2,
            };
            let current = row
                .reached
                .iter()
                .filter(|reached| reached.is_current)
                .count();
            if current < above {
                return Some(format!(
                    "{} sees its report at {current} of {above} superiors: {:?}",
                    node.seat.name, row.reached
                ));
            }
        }
    }
    None
}

fn no_edit_is_lost(world: &mut World) -> Result<(), Broken> {
    for confirmed in world.ledger.all() {
        if !holds(&world.nodes[0], &confirmed) {
            let (doc, hash) = confirmed;
            let what = format!("no_lost_edit: {hash} of {doc} never came to the province");
            return Err(world.broken(what));
        }
    }
    Ok(())
}

/// Equal heads were waited for; here the content: the facts byte by byte, and what a person sees.
fn all_converged(world: &mut World) -> Result<(), Broken> {
    let (first, rest) = world.nodes.split_at_mut(1);
    let province = first[0].store.clone();
    let facts = |store: &hopluu_store::Store, doc: DocId| {
        let read = store.read().expect("memory does not fail");
        read.facts(doc).expect("memory does not fail")
    };
    let mut wrong = None;
    let core = first[0].core.as_ref();
    let grants = core.map(|core| core.grant_list(Timestamp(world.now)));
    let grants = grants.unwrap_or_default();
    for node in rest
        .iter()
        .filter(|node| !node.is_retired && !node.is_hostile)
    {
        for (doc, (key, _)) in &heads(node) {
            if may_read(&grants, node, key) && facts(&node.store, *doc) != facts(&province, *doc) {
                wrong = Some(format!(
                    "all_converged: {} has other facts of {doc}",
                    node.seat.name
                ));
            }
        }
    }
    if wrong.is_none() {
        wrong = texts_differ(world);
    }
    wrong.map_or(Ok(()), |what| Err(world.broken(what)))
}

/// The texts of one unit with office nodes, and of one without, as each node shows them.
fn texts_differ(world: &mut World) -> Option<String> {
    let mut seen = BTreeMap::new();
    let last = world.nodes.len() - 1;
    let units = [4, 5, 63].map(|at: usize| world.nodes[at].place.unit.clone());
    let reports = [THIS_HALF, LAST_HALF, A_FLOOD]
        .into_iter()
        .flat_map(|round| units.iter().map(move |unit| (round, unit)));
    let reports: Vec<_> = reports.collect();
    for at in (4..8).chain(last.saturating_sub(4)..=last).chain([0, 1, 3]) {
        for (round, unit) in &reports {
            let node = &mut world.nodes[at];
            if node.is_retired
                || node.is_hostile
                || !may_hold(&world.tree, node, EntryKind::Change, unit)
            {
                continue;
            }
            let mut selector = report(*round);
            selector.unit = Some(unit.to_string());
            let Some(core) = node.core.as_mut() else {
                return Some(format!("{} has no power", node.seat.name));
            };
            let (withheld, shown) = match core.report_show(&selector) {
                Ok(view) => (view.withheld, (view.figures, view.texts, view.state)),
                Err(CommandError::NoReport { .. }) => continue,
                Err(error) => return Some(format!("{} shows {error:?}", node.seat.name)),
            };
            let key = (round.period, (*unit).clone());
            // Whoever may not read all says the same of the rest.
            if !withheld.is_empty() && !seen.contains_key(&key) {
                continue;
            }
            let mut first = seen.entry(key).or_insert_with(|| shown.clone()).clone();
            let is_open = |figure: &FigureView| !withheld.contains(&figure.code);
            first.0.retain(is_open);
            let mut shown = shown;
            shown.0.retain(is_open);
            if first != shown {
                let differs = |(ours, theirs): &(&FigureView, &FigureView)| ours != theirs;
                let pair = first.0.iter().zip(&shown.0).find(differs);
                return Some(format!(
                    "all_converged: {} shows another report of {unit}: {pair:?} {} {} {withheld:?}",
                    node.seat.name,
                    first.0.len(),
                    shown.0.len()
                ));
            }
        }
    }
    None
}

/// What was forged counts nowhere, and nothing else is void, on every node alike.
fn nothing_counts_that_may_not(world: &mut World) -> Result<(), Broken> {
    let verdicts = Verdicts::reckon(world);
    let wrong = living(world).find_map(|node| {
        let what = verdicts.differ(node)?;
        Some(format!("rights_respected: {}: {what}", node.seat.name))
    });
    world.rights.void = verdicts.count();
    let detail = json!({"forged": world.rights.forged, "void": world.rights.void});
    world.log.line(world.now, "world", "forged", &detail);
    wrong.map_or(Ok(()), |what| Err(world.broken(what)))
}

fn receipts_came(world: &mut World) -> Result<(), Broken> {
    match unreceipted(living(world)) {
        Some(what) => Err(world.broken(what)),
        None => Ok(()),
    }
}

/// Each node's total is what its papers add up to, and superiors say the same of a unit as it
/// says itself.
fn totals_equal_fold(world: &mut World) -> Result<(), Broken> {
    totals_of(world, THIS_HALF)?;
    if world.plan.late > 0 {
        totals_of(world, LAST_HALF)?;
    }
    if world.plan.flood > 0 {
        totals_of(world, A_FLOOD)?;
    }
    Ok(())
}

fn totals_of(world: &mut World, round: Round) -> Result<(), Broken> {
    let mut digests = BTreeMap::new();
    let sums = sums(round.form());
    let verdicts = Verdicts::reckon(world);
    for at in 0..world.nodes.len() {
        if world.nodes[at].is_retired || world.nodes[at].is_hostile {
            continue;
        }
        let papers = papers(&world.nodes[at].store, round, &verdicts);
        // Below the district every commune is asked about itself, above everybody below too.
        let units: Vec<UnitId> = match world.nodes[at].seat.level {
            Level::Province => (0..4)
                .map(|at| world.nodes[at].place.unit.clone())
                .collect(),
            _ => vec![world.nodes[at].place.unit.clone()],
        };
        for unit in units {
            let total = match total(world, at, &unit, round) {
                Ok(total) => total,
                Err(error) => return Err(world.broken(format!("no total of {unit}: {error:?}"))),
            };
            let name = &world.nodes[at].seat.name;
            let is_whole = !total.lines.iter().any(|line| line.is_withheld);
            let digest = if is_whole {
                *digests.entry(unit.clone()).or_insert(total.digest)
            } else {
                total.digest
            };
            if digest != total.digest {
                let what = format!("rollup_equals_fold: {name} has another total of {unit}");
                return Err(world.broken(what));
            }
            let units = asked(&world.tree, &unit, round, world.plan.is_for_all);
            let kept = (&world.tree, &papers);
            if let Some(what) = differs(&total, kept, &units, &sums) {
                let what = format!("rollup_equals_fold: {name}: {what}");
                return Err(world.broken(what));
            }
        }
    }
    Ok(())
}

fn total(
    world: &mut World,
    at: usize,
    unit: &UnitId,
    round: Round,
) -> Result<TotalView, CommandError> {
    let core = world.nodes[at]
        .core
        .as_mut()
        .ok_or(CommandError::Stopping)?;
    core.rollup_show(&TotalSelector {
        unit: Some(unit.to_string()),
        form: round.form.to_owned(),
        period: round.period.to_owned(),
    })
}

fn differs(
    total: &TotalView,
    (tree, papers): (&UnitTree, &BTreeMap<UnitId, Paper>),
    units: &BTreeSet<UnitId>,
    sums: &[(String, bool)],
) -> Option<String> {
    for (code, has_own_parts) in sums {
        let plain = sum(tree, papers, units, (code, *has_own_parts));
        let Some(line) = total.lines.iter().find(|line| line.code.as_str() == code) else {
            return Some(format!("{code} of {} is not shown", total.unit));
        };
        if line.is_withheld {
            continue;
        }
        let shown = Sum {
            value: plain.value,
            answered: line.answered,
            blank: line.blank,
            unsettled: line.unsettled,
            missing: line.missing,
            range: plain.range,
        };
        // Zero or blank, as an unsettled figure may be, comes to the same sum.
        let same = line.range.clone().filter(|(lo, hi)| lo == hi);
        // Blank is said where everybody says so: it is not zero, and not nothing.
        let value = match (plain.answered, plain.blank) {
            _ if plain.unsettled > 0 => same.map(|(lo, _)| lo),
            (1.., _) => Some(plain.value.to_string()),
            (0, 1..) if plain.missing == 0 => Some("blank".to_owned()),
            (0, _) => None,
        };
        let range = plain.range.map(|(lo, hi)| (lo.to_string(), hi.to_string()));
        let is_in_range = range.is_none() || line.range == range;
        if shown != plain || line.value != value || !is_in_range {
            return Some(format!(
                "{code} of {} is {:?} ({:?}) in {shown:?}, and plainly {plain:?}",
                total.unit, line.value, line.range
            ));
        }
    }
    None
}
