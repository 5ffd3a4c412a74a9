//! What was decided over the tree, and the tree that follows from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_model::tree::limits::EVENTS_MAX;
use hopluu_model::tree::{EventError, TreeEvent, UnitTree};
use hopluu_model::{Date, NodeId, RecordHash, UnitId};

use super::enrolled::EnrolledNodes;
use crate::limits::{DECISION_ROUNDS_MAX, EVENTS_LEFT_OUT_MAX};

/// An event and who has decided it.
#[derive(Debug)]
pub(super) struct DecidedEvent {
    pub(super) author: NodeId,
    pub(super) event: TreeEvent,
}

pub(super) type DecidedEvents = BTreeMap<RecordHash, Arc<DecidedEvent>>;

/// The order in which events are tried, whatever the order of their arrival.
type Ordered<'a> = BTreeMap<(Date, Vec<u8>), &'a TreeEvent>;

/// The tree with every event that its author may decide. Authors are judged by the tree, and events
/// make the tree: so those come first that count by the tree of the start, the root's among them,
/// then those that count by what has been decided so far, and so on down. It depends on the set alone.
pub(super) fn tree_of(base: &UnitTree, events: &DecidedEvents, nodes: &EnrolledNodes) -> UnitTree {
    let mut tree = base.clone();
    let mut open: Vec<_> = events.values().collect();
    for _ in 0..DECISION_ROUNDS_MAX {
        let (now, later): (Vec<_>, Vec<_>) = open
            .into_iter()
            .partition(|decided| may_decide(nodes, &decided.author, &decided.event, &tree));
        if now.is_empty() {
            break;
        }
        let ordered: Ordered<'_> = now.iter().map(|decided| ordered(&decided.event)).collect();
        apply_what_fits(&mut tree, &ordered.into_values().collect::<Vec<_>>());
        open = later;
    }
    tree
}

fn ordered(event: &TreeEvent) -> ((Date, Vec<u8>), &TreeEvent) {
    ((event.takes_effect(), event.encode()), event)
}

/// Whether an author may decide an event: it is a main node at or above every unit that the event
/// is about, puts the unit below, or leaves it to. Who begins a unit stands above its parent.
pub(super) fn may_decide(
    nodes: &EnrolledNodes,
    author: &NodeId,
    event: &TreeEvent,
    tree: &UnitTree,
) -> bool {
    if nodes.is_root(author) {
        return true;
    }
    let Some(author) = nodes.identity(author, tree).filter(|node| node.may_issue) else {
        return false;
    };
    let own = &author.place.unit;
    units_of(event).is_some_and(|units| units.iter().all(|unit| tree.is_at_or_below(unit, own)))
}

/// The units that an event decides over; none for a new root, which nobody below the root makes.
fn units_of(event: &TreeEvent) -> Option<BTreeSet<&UnitId>> {
    Some(match event {
        TreeEvent::Began { parent, .. } => BTreeSet::from([parent.as_ref()?]),
        TreeEvent::Ended {
            unit, successors, ..
        } => {
            let takers = successors.iter().map(|successor| &successor.unit);
            takers.chain([unit]).collect()
        }
        TreeEvent::Moved { unit, parent, .. } => BTreeSet::from([unit, parent]),
        TreeEvent::Renamed { unit, .. } => BTreeSet::from([unit]),
    })
}

/// Applies events in one fold. Where the tree has no room for all, the ones that do not fit are left
/// out by themselves: the list is halved until they are found.
fn apply_what_fits(tree: &mut UnitTree, events: &[&TreeEvent]) {
    let fitting = events.len().min(EVENTS_MAX);
    let mut left_out = events.len() - fitting;
    let mut waiting = vec![events.get(..fitting).unwrap_or_default()];
    let mut failures = 0;
    while let Some(some) = waiting.pop() {
        let applied: Result<(), EventError> = tree.apply_all(some.iter().copied());
        if applied.is_ok() {
            continue;
        }
        failures += 1;
        if some.len() == 1 || failures > EVENTS_LEFT_OUT_MAX {
            left_out += some.len();
            continue;
        }
        let (first, second) = some.split_at(some.len() / 2);
        waiting.extend([second, first]);
    }
    if left_out > 0 {
        tracing::error!(events = left_out, "tree events are left out");
    }
}
