//! Whether a change can follow what is stored: its parents, its actor's last, what it refers to.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{
    Genesis, Parent, ParentsError, ScannedChange, Tip, Unpacked, check_parents, check_references,
    derived_changes, op_span, rescan, scan,
};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, DocId};
use hopluu_store::{DbError, Growth, WriteTx};

use crate::docket::SealedBy;
use crate::limits::KNOWN_OPS_MAX;

/// A document as it is stored by now, the changes that have just been appended included.
pub(super) struct Here<'a, 't> {
    pub(super) tx: &'a WriteTx<'t>,
    pub(super) growth: &'a Growth,
}

impl Here<'_, '_> {
    fn holds(&self, hash: ChangeHash) -> Result<bool, DbError> {
        self.growth.holds(self.tx, hash)
    }

    fn actor_seq(&self, actor: ActorId) -> Result<u64, DbError> {
        self.growth.actor_seq(self.tx, actor)
    }
}

/// The parents of a change that are not here yet but follow from the form, so that they can be made.
pub(super) fn derived_parents(
    here: &Here<'_, '_>,
    doc: DocId,
    form: &Form,
    genesis: &Genesis,
    change: &ScannedChange,
) -> Result<Vec<ScannedChange>, DbError> {
    let mut missing = Vec::new();
    for dep in &change.deps {
        if *dep != genesis.hash && !here.holds(*dep)? {
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
    /// The same by actor and number.
    numbered: BTreeMap<(ActorId, u64), &'p ScannedChange>,
    read: BTreeMap<ChangeHash, Rc<ScannedChange>>,
    /// Operations of those.
    ops: u64,
    /// Whose the actors of the packet are: the first seal of one need not be stored yet, and is dear to find.
    pub(super) authors: BTreeMap<ActorId, Option<SealedBy>>,
    /// The first and last operation of changes looked at, by actor and number.
    spans: BTreeMap<(ActorId, u64), (ChangeHash, u64, u64)>,
}

/// A change that another one refers to.
#[derive(Clone)]
enum Found<'p> {
    Packed(&'p ScannedChange),
    Stored(Rc<ScannedChange>),
}

impl Borrow<ScannedChange> for Found<'_> {
    fn borrow(&self) -> &ScannedChange {
        self
    }
}

impl Deref for Found<'_> {
    type Target = ScannedChange;

    fn deref(&self) -> &ScannedChange {
        match self {
            Self::Packed(change) => change,
            Self::Stored(change) => change,
        }
    }
}

impl<'p> Known<'p> {
    pub(super) fn new(doc: DocId, packet: &'p [Unpacked]) -> Self {
        let changes = || packet.iter().map(|one| &one.change);
        Self {
            doc,
            packet: changes().map(|change| (change.hash, change)).collect(),
            numbered: changes()
                .map(|change| ((change.actor, change.seq), change))
                .collect(),
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
        here: &Here<'_, '_>,
        genesis: &Genesis,
        change: &ScannedChange,
        derived: &[ScannedChange],
    ) -> Result<Result<(), ParentsError>, DbError> {
        let with = derived.iter().map(|one| (one.hash, Found::Packed(one)));
        let mut parents: BTreeMap<_, _> = with.collect();
        for dep in &change.deps {
            if let Some(parent) = self.change(here, *dep)? {
                parents.insert(*dep, parent);
            }
        }
        let tip = parents.values().find(|parent| {
            parent.actor == change.actor && parent.seq.checked_add(1) == Some(change.seq)
        });
        let tip = match tip.map(|tip| Tip::from(&**tip)) {
            None if change.seq > 1 => {
                let last = here.actor_seq(change.actor)?;
                let latest = here.tx.change_of_actor(self.doc, change.actor, last)?;
                let latest = latest.map(|hash| self.change(here, hash)).transpose()?;
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
            let holds = |parent: &&Found<'_>| {
                parent.actor == actor && (parent.start_op..=parent.max_op).contains(&counter)
            };
            if let Some(parent) = parents.values().find(holds) {
                return Some(parent.clone());
            }
            self.holder(here, actor, counter).unwrap_or_else(|error| {
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
        here: &Here<'_, '_>,
        actor: ActorId,
        counter: u64,
    ) -> Result<Option<Found<'p>>, DbError> {
        let (mut low, mut end) = (1, here.actor_seq(actor)? + 1);
        while low < end {
            let middle = low + (end - low) / 2;
            let Some((hash, first, last)) = self.span(here, actor, middle)? else {
                return Ok(None);
            };
            if counter < first {
                end = middle;
            } else if counter > last {
                low = middle + 1;
            } else {
                return self.change(here, hash);
            }
        }
        Ok(None)
    }

    fn span(
        &mut self,
        here: &Here<'_, '_>,
        actor: ActorId,
        seq: u64,
    ) -> Result<Option<(ChangeHash, u64, u64)>, DbError> {
        if let Some(span) = self.spans.get(&(actor, seq)) {
            return Ok(Some(*span));
        }
        let span = self.find_span(here, actor, seq)?;
        self.spans.extend(span.map(|span| ((actor, seq), span)));
        Ok(span)
    }

    fn find_span(
        &self,
        here: &Here<'_, '_>,
        actor: ActorId,
        seq: u64,
    ) -> Result<Option<(ChangeHash, u64, u64)>, DbError> {
        let span = |change: &ScannedChange| (change.hash, change.start_op, change.max_op);
        if let Some(packed) = self.numbered.get(&(actor, seq))
            && here.holds(packed.hash)?
        {
            return Ok(Some(span(packed)));
        }
        let Some(hash) = here.tx.change_of_actor(self.doc, actor, seq)? else {
            return Ok(None);
        };
        if let Some(read) = self.read.get(&hash) {
            return Ok(Some(span(read)));
        }
        // What it holds besides need not be read to see that it is not the one.
        let row = here.tx.change(self.doc, hash)?;
        let ops = row.and_then(|row| op_span(&row.body, &SCAN_LIMITS));
        Ok(ops.map(|(first, last)| (hash, first, last)))
    }

    /// A change that is stored here. What has been found stays until the whole attempt is undone.
    fn change(
        &mut self,
        here: &Here<'_, '_>,
        hash: ChangeHash,
    ) -> Result<Option<Found<'p>>, DbError> {
        if let Some(packed) = self.packet.get(&hash) {
            return Ok(here.holds(hash)?.then_some(Found::Packed(packed)));
        }
        if let Some(known) = self.read.get(&hash) {
            return Ok(Some(Found::Stored(Rc::clone(known))));
        }
        let row = here.tx.change(self.doc, hash)?;
        let found = row.and_then(|row| rescan(&row.body, hash, &SCAN_LIMITS).ok());
        let Some(found) = found.map(Rc::new) else {
            return Ok(None);
        };
        self.ops += found.max_op - found.start_op + 1;
        if self.ops > KNOWN_OPS_MAX {
            self.read.clear();
            self.ops = found.max_op - found.start_op + 1;
        }
        self.read.insert(hash, Rc::clone(&found));
        Ok(Some(Found::Stored(found)))
    }
}
