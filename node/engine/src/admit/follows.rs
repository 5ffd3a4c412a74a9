//! Whether a change can follow what is stored: its parents, its actor's last, what it refers to.

use std::collections::BTreeMap;
use std::rc::Rc;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{
    Genesis, Parent, ParentsError, ScannedChange, Tip, Unpacked, check_parents, check_references,
    derived_changes, rescan, scan,
};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, DocId, NodeId};
use hopluu_store::{DbError, WriteTx};

use crate::limits::KNOWN_OPS_MAX;

/// The parents of a change that are not here yet but follow from the form, so that they can be made.
pub(super) fn derived_parents(
    tx: &WriteTx<'_>,
    doc: DocId,
    form: &Form,
    genesis: &Genesis,
    change: &ScannedChange,
) -> Result<Vec<ScannedChange>, DbError> {
    let mut missing = Vec::new();
    for dep in &change.deps {
        if *dep != genesis.hash && !tx.has_change(doc, *dep)? {
            missing.push(*dep);
        }
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let derived = derived_changes(&doc, form, genesis).unwrap_or_default();
    let derived = derived.iter().filter(|one| missing.contains(&one.hash));
    let scanned = derived.filter_map(|one| scan(&one.bytes, &SCAN_LIMITS).ok());
    Ok(scanned.collect())
}

/// What is here of one document, as far as the changes of a packet refer to it: each is read once, and those of the
/// packet were when it was opened.
pub(super) struct Known<'p> {
    doc: DocId,
    packet: BTreeMap<ChangeHash, &'p ScannedChange>,
    read: BTreeMap<ChangeHash, Rc<ScannedChange>>,
    /// Operations of those.
    ops: u64,
    /// Whose the actors of the packet are: the first seal of one need not be stored yet, and is dear to find.
    pub(super) authors: BTreeMap<ActorId, Option<NodeId>>,
    /// The first and last operation of changes looked at, by actor and number.
    spans: BTreeMap<(ActorId, u64), (ChangeHash, u64, u64)>,
}

impl<'p> Known<'p> {
    pub(super) fn new(doc: DocId, packet: &'p [Unpacked]) -> Self {
        let packet = packet.iter().map(|one| (one.change.hash, &one.change));
        Self {
            doc,
            packet: packet.collect(),
            read: BTreeMap::new(),
            ops: 0,
            authors: BTreeMap::new(),
            spans: BTreeMap::new(),
        }
    }

    /// Whether all that a change builds upon and refers to is here, or among the derived parents that
    /// come in with it, and is what it takes it for.
    pub(super) fn precedes(
        &mut self,
        tx: &WriteTx<'_>,
        genesis: &Genesis,
        change: &ScannedChange,
        derived: &[ScannedChange],
    ) -> Result<Result<(), ParentsError>, DbError> {
        let with = derived.iter().map(|one| (one.hash, Rc::new(one.clone())));
        let mut parents: BTreeMap<_, _> = with.collect();
        for dep in &change.deps {
            if let Some(parent) = self.change(tx, *dep)? {
                parents.insert(*dep, parent);
            }
        }
        let tip = parents.values().find(|parent| {
            parent.actor == change.actor && parent.seq.checked_add(1) == Some(change.seq)
        });
        let tip = match tip.map(|tip| Tip::from(&**tip)) {
            None if change.seq > 1 => {
                let latest = tx.change_of_actor(self.doc, change.actor, None)?;
                let latest = latest.map(|hash| self.change(tx, hash)).transpose()?;
                latest.flatten().map(|latest| Tip::from(&*latest))
            }
            tip => tip,
        };
        let parent = |hash: &ChangeHash| parents.get(hash).map(|parent| Parent::from(&**parent));
        if let Err(error) = check_parents(change, &self.doc, genesis, parent, tip) {
            return Ok(Err(error));
        }
        let mut failed = None;
        let found = check_references(change, |actor, counter| {
            let holds = |parent: &&Rc<ScannedChange>| {
                parent.actor == actor && (parent.start_op..=parent.max_op).contains(&counter)
            };
            if let Some(parent) = parents.values().find(holds) {
                return Some(Rc::clone(parent));
            }
            self.holder(tx, actor, counter).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        failed.map_or(Ok(found), Err)
    }

    /// The change that holds an operation. Those of one actor are numbered without gaps and their operations ascend,
    /// so it is found by halving.
    fn holder(
        &mut self,
        tx: &WriteTx<'_>,
        actor: ActorId,
        counter: u64,
    ) -> Result<Option<Rc<ScannedChange>>, DbError> {
        let (mut low, mut end) = (1, tx.actor_seq(self.doc, actor)? + 1);
        while low < end {
            let middle = low + (end - low) / 2;
            let Some((hash, first, last)) = self.span(tx, actor, middle)? else {
                return Ok(None);
            };
            if counter < first {
                end = middle;
            } else if counter > last {
                low = middle + 1;
            } else {
                return self.change(tx, hash);
            }
        }
        Ok(None)
    }

    fn span(
        &mut self,
        tx: &WriteTx<'_>,
        actor: ActorId,
        seq: u64,
    ) -> Result<Option<(ChangeHash, u64, u64)>, DbError> {
        if let Some(span) = self.spans.get(&(actor, seq)) {
            return Ok(Some(*span));
        }
        let Some(hash) = tx.change_of_actor(self.doc, actor, Some(seq))? else {
            return Ok(None);
        };
        let found = self.change(tx, hash)?;
        let span = found.map(|change| (hash, change.start_op, change.max_op));
        self.spans.extend(span.map(|span| ((actor, seq), span)));
        Ok(span)
    }

    /// A change that is stored here. What has been found stays until the whole attempt is undone.
    fn change(
        &mut self,
        tx: &WriteTx<'_>,
        hash: ChangeHash,
    ) -> Result<Option<Rc<ScannedChange>>, DbError> {
        if let Some(known) = self.read.get(&hash) {
            return Ok(Some(Rc::clone(known)));
        }
        let found = match self.packet.get(&hash) {
            Some(change) if tx.has_change(self.doc, hash)? => Some((*change).clone()),
            Some(_) => None,
            None => {
                let row = tx.change(self.doc, hash)?;
                row.and_then(|row| rescan(&row.body, hash, &SCAN_LIMITS).ok())
            }
        };
        let Some(found) = found.map(Rc::new) else {
            return Ok(None);
        };
        self.ops += found.max_op - found.start_op + 1;
        if self.ops > KNOWN_OPS_MAX {
            self.read.clear();
            self.ops = found.max_op - found.start_op + 1;
        }
        self.read.insert(hash, Rc::clone(&found));
        Ok(Some(found))
    }
}
