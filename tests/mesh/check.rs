//! What must hold after every event, whatever links, power and clocks do.

use std::collections::BTreeMap;

use hopluu_doc::DocKey;
use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_engine::CommandError;
use hopluu_engine::view::{GrantView, ReachView};
use hopluu_model::tree::UnitTree;
use hopluu_model::{EntryKind, Fault, NodeId, OfficeId, Seq, UnitId};
use hopluu_store::limits::{PARKED_BYTES_PER_PEER_MAX, PARKED_ROWS_PER_PEER_MAX};
use hopluu_store::{EntryBody, ParkedRow, Store};
use serde_json::json;

use crate::ledger::Confirmed;
use crate::log::Broken;
use crate::node::Node;
use crate::world::World;

/// Read at once when the journal is followed.
const ENTRIES_MAX: usize = 4_096;
const BYTES_MAX: usize = 64 << 20;

/// After every turn: what was confirmed is on the disk. One of many is looked at each time.
pub(crate) fn after_turn(world: &mut World, at: usize) -> Result<(), Broken> {
    let Some(confirmed) = world.ledger.next(at) else {
        return Ok(());
    };
    no_lost_edit(world, at, &confirmed)
}

/// After a power cut: all of it.
pub(crate) fn after_power_cut(world: &mut World, at: usize) -> Result<(), Broken> {
    for confirmed in world.ledger.of(at).to_vec() {
        no_lost_edit(world, at, &confirmed)?;
    }
    Ok(())
}

/// After a disk was replaced by a backup: what was confirmed is owed by whoever has it.
pub(crate) fn after_restore(world: &mut World, at: usize) {
    let nodes = &world.nodes;
    let is_here = |confirmed: &Confirmed| holds(&nodes[at], confirmed);
    (world.ledger).restored(at, is_here, |one| is_elsewhere(nodes, at, one));
    let seen = world.nodes[at]
        .store
        .read()
        .and_then(|read| read.last_seq());
    world.nodes[at].seen = seen.expect("a backup is a whole database");
}

/// After a machine was put away: what it gave to nobody is lost with it.
pub(crate) fn after_retirement(world: &mut World, at: usize) {
    let nodes = &world.nodes;
    (world.ledger).restored(at, |_| false, |one| is_elsewhere(nodes, at, one));
}

/// Whether another machine that is still there holds it.
fn is_elsewhere(nodes: &[Node], at: usize, confirmed: &Confirmed) -> bool {
    let others = nodes.iter().enumerate();
    let mut others = others.filter(|(other, node)| *other != at && !node.is_retired);
    others.any(|(_, node)| holds(node, confirmed))
}

pub(crate) fn holds(node: &Node, (doc, hash): &Confirmed) -> bool {
    let read = node.store.read().expect("memory does not fail");
    read.has_change(*doc, *hash).expect("memory does not fail")
}

fn no_lost_edit(world: &mut World, at: usize, confirmed: &Confirmed) -> Result<(), Broken> {
    if holds(&world.nodes[at], confirmed) {
        return Ok(());
    }
    let (doc, hash) = confirmed;
    let name = &world.nodes[at].seat.name;
    let what = format!("no_lost_edit: {name} confirmed {hash} of {doc} and has it no more");
    Err(world.broken(what))
}

/// After every commit: the new entries of the journal are in scope, and what waits is bounded.
pub(crate) fn after_write(world: &mut World, at: usize) -> Result<(), Broken> {
    let node = &world.nodes[at];
    let read = node.store.read().expect("memory does not fail");
    let last = read.last_seq().expect("memory does not fail");
    if last <= node.seen {
        return Ok(());
    }
    let batch = read.read_journal(node.seen, ENTRIES_MAX, BYTES_MAX);
    let batch = batch.expect("memory does not fail");
    let parked = read.parked().expect("memory does not fail");
    drop(read);
    let mut wrong = parks_much(node, &parked);
    for entry in &batch.entries {
        let (kind, unit) = (entry.kind(), &entry.unit);
        let detail = json!({
            "seq": entry.seq.0,
            "kind": format!("{kind:?}"),
            "unit": unit.to_string(),
            "object": entry.object().to_string(),
            "bytes": entry.bytes(),
            "from": entry.origin.map(|node| node.short().to_string()),
        });
        world.log.line(world.now, &node.seat.name, "kept", &detail);
        let key = key_of(&node.store, &entry.body);
        let is_theirs = key.is_none_or(|key| may_ever_read(world.rights.given(node), node, &key));
        if !(node.is_hostile || is_theirs && may_hold(&world.tree, node, kind, unit)) {
            wrong = Some(format!(
                "access_respected: {} holds a {kind:?} of {unit}",
                node.seat.name
            ));
        }
    }
    world.nodes[at].seen = batch.through.max(Seq(last.0));
    match wrong {
        Some(what) => Err(world.broken(what)),
        None => Ok(()),
    }
}

/// Of each peer so many, and no more bytes than the last change took it beyond.
fn parks_much(node: &Node, parked: &[ParkedRow]) -> Option<String> {
    let mut sums: BTreeMap<NodeId, (u64, u64)> = BTreeMap::new();
    for row in parked {
        let sum = sums.entry(row.node).or_default();
        sum.0 += 1;
        sum.1 += row.body.len() as u64;
    }
    let bytes_max = PARKED_BYTES_PER_PEER_MAX + SCAN_LIMITS.chunk_bytes_max as u64 + 4_096;
    let much = sums
        .into_iter()
        .find(|(_, (rows, bytes))| *rows > PARKED_ROWS_PER_PEER_MAX || *bytes > bytes_max);
    let (peer, (rows, bytes)) = much?;
    let (name, peer) = (&node.seat.name, peer.short());
    Some(format!(
        "bounds_kept: {name} parks {rows} in {bytes} of {peer}"
    ))
}

/// The rule of scope in its own words: documents of one's own unit and of those below; records of
/// one's own line.
pub(crate) fn may_hold(tree: &UnitTree, node: &Node, kind: EntryKind, unit: &UnitId) -> bool {
    let own = &node.place.unit;
    let is_below = tree.is_at_or_below(unit, own);
    match kind {
        EntryKind::Change | EntryKind::Attachment if node.place.office.is_some() => unit == own,
        EntryKind::Change | EntryKind::Attachment => is_below,
        EntryKind::Record | EntryKind::Receipt => is_below || tree.is_at_or_below(own, unit),
    }
}

/// The key of the document that an entry is in or about.
fn key_of(store: &Store, body: &EntryBody) -> Option<DocKey> {
    let (EntryBody::Change { doc, .. } | EntryBody::Receipt { doc, .. }) = body else {
        return None;
    };
    let read = store.read().expect("memory does not fail");
    let row = read.doc(*doc).expect("memory does not fail");
    DocKey::decode(&row?.key).ok()
}

/// Whether a form gives an office a line of a compartment.
fn is_named(office: &OfficeId, key: &DocKey) -> bool {
    let form = crate::province::form(key.form.as_str());
    let mut values = form.value_lines().map(|(_, value)| value);
    values.any(|value| {
        let compartment = value.compartment.as_ref();
        let is_there = compartment.is_some_and(|name| name.as_str() == key.compartment.as_str());
        is_there && value.offices().any(|named| named == office)
    })
}

/// The rule of compartments in its own words, as far as anything that was ever given goes.
fn may_ever_read(was_given: bool, node: &Node, key: &DocKey) -> bool {
    let office = node.place.office.as_ref();
    key.compartment.is_public() || was_given || office.is_none_or(|office| is_named(office, key))
}

/// The same by the grants that count now.
pub(crate) fn may_read(grants: &[GrantView], node: &Node, key: &DocKey) -> bool {
    let Some(office) = node.place.office.as_ref() else {
        return true;
    };
    let form = crate::province::form(key.form.as_str());
    let lines = form.value_lines().filter(|(_, value)| {
        let compartment = value.compartment.as_ref();
        compartment.is_some_and(|name| name.as_str() == key.compartment.as_str())
    });
    let lines: Vec<_> = lines.map(|(line, _)| line.code.to_string()).collect();
    let holds = |reach: &ReachView| match reach {
        ReachView::Nothing => false,
        ReachView::Own => is_named(office, key),
        ReachView::All => true,
        ReachView::Only(codes) => codes.iter().any(|code| lines.contains(code)),
    };
    let theirs = grants
        .iter()
        .filter(|grant| grant.counts && grant.holder == node.place.unit && grant.office == *office);
    key.compartment.is_public()
        || theirs
            .into_iter()
            .any(|grant| holds(&grant.lines) || holds(&grant.reads))
}

impl World {
    /// Takes the answers that people got in this turn.
    pub(crate) fn answered(&mut self, at: usize) -> Result<(), Broken> {
        for (number, answer) in self.nodes[at].answers.take() {
            let name = self.nodes[at].seat.name.clone();
            self.nodes[at].asked.remove(&number);
            let saved = match answer {
                Ok(saved) => saved,
                Err(error) => {
                    let detail = json!({"save": number, "code": error.code()});
                    self.log.line(self.now, &name, "refused", &detail);
                    if is_our_fault(&error) {
                        return Err(self.broken(format!("{name} could not save: {error:?}")));
                    }
                    continue;
                }
            };
            let hash = saved.change.map(|hash| hash.to_string());
            let detail = json!({"save": number, "change": hash});
            self.log.line(self.now, &name, "confirmed", &detail);
            match saved.change {
                Some(hash) => {
                    let is_closed = saved.closed.iter().any(|one| one.change == hash);
                    let open = (!is_closed).then_some((saved.report.doc, hash));
                    let closed = saved.closed.iter().map(|one| (one.doc, one.change));
                    for confirmed in open.into_iter().chain(closed) {
                        // Nobody owes anything to whoever lies, and it may be shut out by now.
                        if !self.nodes[at].is_hostile {
                            self.ledger.confirm(at, confirmed);
                            no_lost_edit(self, at, &confirmed)?;
                        }
                    }
                }
                // It stands already: then it must stand on the disk.
                None if self.nodes[at].is_hostile => {}
                None => {
                    if let Some(earlier) = self.nodes[at].asked.range(..number).next() {
                        let what = format!(
                            "no_lost_edit: {name} confirms save {number}, which stands on save \
                             {earlier}, which is not on disk"
                        );
                        return Err(self.broken(what));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A refusal is an answer, and so is that nothing has come down yet; a failure of ours in a world with
/// good disks is not.
fn is_our_fault(error: &CommandError) -> bool {
    if matches!(error, CommandError::NotSynced { .. }) {
        return false;
    }
    let is_broken_rule =
        matches!(error, CommandError::Refused { what, .. } if *what == "the write");
    is_broken_rule || error.fault() != Fault::Config
}
