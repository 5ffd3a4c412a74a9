//! Changes: who vouches for one, whether there is room for it, and how it is written.

use hopluu_doc::{DocKey, Facts, Genesis, ScannedChange};
use hopluu_model::{ChangeHash, DocId, ErrorChain, NodeId, Step};
use hopluu_store::limits::FACTS_BYTES_MAX;
use hopluu_store::{AppendError, Appended, DbError, Growth, NewChange, NewDoc, WriteTx};
use hopluu_sync::{Class, RefusalCode};
use hopluu_trust::Seal;

use super::{Verdict, Waits};
use crate::docket::{Docket, SealedBy};
use crate::limits::{DOCS_PER_UNIT_MAX, HEADS_MAX};
use crate::registry::Registry;

/// Whether a seal of somebody who is enrolled vouches for a change. What its author may write is another
/// question, for whoever reads it: see [`Docket`].
pub(super) fn sealed_by(
    registry: &Registry,
    key: &DocKey,
    seal: &[u8],
    change: &ScannedChange,
) -> Result<(), Verdict> {
    let unsealed = || Verdict::Refuse(RefusalCode::SIGNATURE);
    let seal = Seal::from_wire(seal, key.id(), change.hash).map_err(|_| unsealed())?;
    if !seal.covers(&change.actor) || seal.verify().is_err() {
        return Err(unsealed());
    }
    match registry.identity(&seal.author) {
        Some(_) => Ok(()),
        None => Err(Verdict::Wait(Waits::Author)),
    }
}

/// Whether a unit may have this document too: what one unit makes up must not fill others' disks.
pub(super) fn may_begin(tx: &WriteTx<'_>, key: &DocKey) -> Result<bool, DbError> {
    Ok(tx.doc(key.id())?.is_some() || tx.doc_count_of_unit(&key.unit)? < DOCS_PER_UNIT_MAX)
}

/// Whether the document's heads are few enough with this change: a save names them all.
pub(super) fn has_room(heads: &[ChangeHash], change: &ScannedChange) -> bool {
    let left = heads.iter().filter(|head| !change.deps.contains(head));
    left.count() < HEADS_MAX
}

/// How a change came: with which seal, whose, and from whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    pub(crate) seal: &'a [u8],
    /// Who wrote it; nobody where it follows from the form.
    pub(crate) by: Option<&'a SealedBy>,
    pub(crate) origin: Option<NodeId>,
}

/// Writes what a document's stored changes make up, and what of them is void, as it is judged now. Says whether
/// something was judged otherwise before.
pub(crate) fn judge_anew(tx: &mut WriteTx<'_>, docket: &mut Docket<'_>) -> Result<bool, DbError> {
    let doc = docket.key().id();
    let (facts, voids) = docket.judged(tx)?;
    let voids: Vec<_> = voids
        .iter()
        .map(|(hash, void)| (*hash, void.encode()))
        .collect();
    let encoded = facts.encode();
    if tx.voids(doc)? == voids && tx.facts(doc)?.as_ref() == Some(&encoded) {
        return Ok(false);
    }
    tx.put_voids(doc, &voids)?;
    tx.put_facts(doc, &encoded)?;
    if docket.key().compartment.is_public() {
        tx.name_files(doc, &facts.attachments())?;
    }
    Ok(true)
}

/// Changes of one document on their way into the store; its row and its facts are written once.
pub(crate) struct Appender<'a> {
    doc: DocId,
    docket: Docket<'a>,
    growth: Growth,
    facts: Facts,
    is_moved: bool,
    /// Whether what the document says of attachments may have changed.
    is_attached: bool,
    /// Whether something has come by which what is here is judged otherwise.
    is_cut: bool,
}

impl<'a> Appender<'a> {
    /// Puts the document if it is new.
    pub(crate) fn begin(
        tx: &mut WriteTx<'_>,
        mut docket: Docket<'a>,
        genesis: &Genesis,
    ) -> Result<Self, DbError> {
        let key = docket.key();
        let doc = key.id();
        let is_new = tx.doc_key(doc)?.is_none();
        tx.put_doc(&NewDoc {
            doc,
            key: key.encode(),
            unit: key.unit.clone(),
            form: key.form.clone(),
            major: key.major,
            period: key.period.clone(),
            implied: vec![genesis.hash],
            heads: vec![genesis.hash],
        })?;
        if is_new {
            tx.renew_receipts(doc)?;
        }
        let kept = tx.facts(doc)?.unwrap_or_default();
        let facts = match Facts::decode(&kept) {
            Ok(facts) => facts,
            Err(_) if kept.is_empty() => Facts::new(),
            // One damaged row must not keep out what else comes with this change.
            Err(error) => {
                tracing::error!(%doc, error = %ErrorChain(&error), "facts cannot be read, they are made anew");
                docket.judged(tx)?.0
            }
        };
        Ok(Self {
            doc,
            docket,
            growth: tx.grow(doc)?,
            facts,
            is_moved: false,
            is_attached: false,
            is_cut: false,
        })
    }

    /// The document by now.
    pub(super) fn growth(&self) -> &Growth {
        &self.growth
    }

    pub(crate) fn append(
        &mut self,
        tx: &mut WriteTx<'_>,
        change: &ScannedChange,
        entry: NewEntry<'_>,
    ) -> Result<Appended, AppendError> {
        let new = NewChange {
            doc: self.doc,
            hash: change.hash,
            actor: change.actor,
            actor_seq: change.seq,
            deps: &change.deps,
            body: &change.bytes,
            seal: entry.seal,
            origin: entry.origin,
            class: class_of(change).number(),
        };
        let appended = tx.append_to(&mut self.growth, &new)?;
        if matches!(appended, Appended::New { .. }) {
            // Nothing that it may stand by can be here before it, but itself.
            let stands = |heads: &[ChangeHash]| heads.contains(&change.hash);
            let void = self.docket.void_in(change, entry.by, stands);
            if let Some(void) = &void {
                tx.put_void(self.doc, change.hash, &void.encode())?;
            }
            self.facts.apply_judged(change, void.as_ref());
            self.is_moved = true;
            self.is_attached |= change.touches_attachments();
            self.is_cut |= self.docket.is_cut_at(&change.hash);
        }
        Ok(appended)
    }

    /// Writes the row and the facts, in the transaction of the changes or never.
    pub(crate) fn finish(mut self, tx: &mut WriteTx<'_>) -> Result<(), AppendError> {
        tx.grown(self.growth)?;
        if !self.is_moved {
            return Ok(());
        }
        let facts = self.facts.encode();
        if facts.len() > FACTS_BYTES_MAX {
            return Err(AppendError::FactsTooLarge { doc: self.doc });
        }
        tx.put_facts(self.doc, &facts)?;
        // A file is given to whoever may see the unit's open reports.
        if self.is_attached && self.docket.key().compartment.is_public() {
            tx.name_files(self.doc, &self.facts.attachments())?;
        }
        if self.is_cut {
            judge_anew(tx, &mut self.docket)?;
        }
        Ok(())
    }
}

/// How urgent a change is by what it writes. Opening a report, or saying that a part is complete, is not.
pub(crate) fn class_of(change: &ScannedChange) -> Class {
    if change
        .furthest_step()
        .is_some_and(|step| step >= Step::Signed)
    {
        Class::Urgent
    } else if change.figures.is_empty() && (!change.notes.is_empty() || !change.texts.is_empty()) {
        Class::Texts
    } else {
        Class::Figures
    }
}
