//! Whether a change can follow what is stored: its parents, its actor's last, what it refers to.

use std::collections::BTreeMap;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{
    Genesis, Parent, ParentsError, ScannedChange, Tip, check_parents, check_references,
    derived_changes, scan,
};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, DocId};
use hopluu_store::{DbError, WriteTx};

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

/// Whether all that a change builds upon and refers to is here, or among the derived parents that
/// come in with it, and is what it takes it for.
pub(super) fn follows(
    tx: &WriteTx<'_>,
    doc: DocId,
    genesis: &Genesis,
    change: &ScannedChange,
    derived: &[ScannedChange],
) -> Result<Result<(), ParentsError>, DbError> {
    let with = derived.iter().map(|parent| (parent.hash, parent.clone()));
    let mut parents: BTreeMap<_, _> = with.collect();
    for dep in &change.deps {
        if let Some(row) = tx.change(doc, *dep)?
            && let Ok(parent) = scan(&row.body, &SCAN_LIMITS)
        {
            parents.insert(*dep, parent);
        }
    }
    let mut tip = parents.values().find(|parent| {
        parent.actor == change.actor && parent.seq.checked_add(1) == Some(change.seq)
    });
    let latest = match tip {
        None if change.seq > 1 => tx.change_of_actor(doc, change.actor, None)?,
        _ => None,
    };
    let latest = latest.and_then(|row| scan(&row.body, &SCAN_LIMITS).ok());
    tip = tip.or(latest.as_ref());
    let parent = |hash: &ChangeHash| parents.get(hash).map(Parent::from);
    if let Err(error) = check_parents(change, &doc, genesis, parent, tip.map(Tip::from)) {
        return Ok(Err(error));
    }
    let mut failed = None;
    let mut holders = Holders {
        tx,
        doc,
        parents: &parents,
        spans: BTreeMap::new(),
    };
    let found = check_references(change, |actor, counter| {
        match holders.find(actor, counter) {
            Ok(found) => found,
            Err(error) => {
                failed = Some(error);
                None
            }
        }
    });
    failed.map_or(Ok(found), Err)
}

/// Finds the changes that hold operations. Those of one actor are numbered without gaps and their
/// operations ascend, so one is found by halving.
struct Holders<'a, 't> {
    tx: &'a WriteTx<'t>,
    doc: DocId,
    parents: &'a BTreeMap<ChangeHash, ScannedChange>,
    /// The first and last operation of changes looked at, by actor and number.
    spans: BTreeMap<(ActorId, u64), (u64, u64)>,
}

impl Holders<'_, '_> {
    fn find(&mut self, actor: ActorId, counter: u64) -> Result<Option<ScannedChange>, DbError> {
        let holds = |change: &&ScannedChange| {
            change.actor == actor && (change.start_op..=change.max_op).contains(&counter)
        };
        if let Some(parent) = self.parents.values().find(holds) {
            return Ok(Some(parent.clone()));
        }
        let (mut low, mut end) = (1, self.tx.actor_seq(self.doc, actor)? + 1);
        while low < end {
            let middle = low + (end - low) / 2;
            let Some((first, last)) = self.span(actor, middle)? else {
                return Ok(None);
            };
            if counter < first {
                end = middle;
            } else if counter > last {
                low = middle + 1;
            } else {
                return self.change(actor, middle);
            }
        }
        Ok(None)
    }

    fn span(&mut self, actor: ActorId, seq: u64) -> Result<Option<(u64, u64)>, DbError> {
        if let Some(span) = self.spans.get(&(actor, seq)) {
            return Ok(Some(*span));
        }
        let found = self.change(actor, seq)?;
        let span = found.map(|change| (change.start_op, change.max_op));
        self.spans.extend(span.map(|span| ((actor, seq), span)));
        Ok(span)
    }

    fn change(&self, actor: ActorId, seq: u64) -> Result<Option<ScannedChange>, DbError> {
        let row = self.tx.change_of_actor(self.doc, actor, Some(seq))?;
        Ok(row.and_then(|row| scan(&row.body, &SCAN_LIMITS).ok()))
    }
}
