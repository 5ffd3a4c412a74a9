//! Changes: who vouches for one, whether there is room for it, and how it is written.

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{DocKey, Facts, Genesis, ScannedChange, Step, scan};
use hopluu_model::{ChangeHash, DocId, ErrorChain, NodeId};
use hopluu_store::limits::FACTS_BYTES_MAX;
use hopluu_store::{AppendError, Appended, DbError, Growth, NewChange, NewDoc, Read, WriteTx};
use hopluu_sync::{Class, RefusalCode};
use hopluu_trust::Seal;

use super::{Verdict, Waits};
use crate::limits::{DOCS_PER_UNIT_MAX, HEADS_MAX};
use crate::registry::Registry;

/// Whether a seal of somebody who may write here vouches for a change.
pub(super) fn sealed_by(
    registry: &Registry,
    key: &DocKey,
    seal: &[u8],
    change: &ScannedChange,
) -> Result<NodeId, Verdict> {
    let unsealed = || Verdict::Refuse(RefusalCode::SIGNATURE);
    let seal = Seal::from_wire(seal, key.id(), change.hash).map_err(|_| unsealed())?;
    if !seal.covers(&change.actor) || seal.verify().is_err() {
        return Err(unsealed());
    }
    let Some(author) = registry.identity(&seal.author) else {
        return Err(Verdict::Wait(Waits::Author));
    };
    // Until grants come, a certificate says for whom its node may write: its unit and those below.
    if !registry
        .tree()
        .is_at_or_below(&key.unit, &author.place.unit)
    {
        return Err(Verdict::Refuse(RefusalCode::SCOPE));
    }
    Ok(seal.author)
}

/// Who put a seal that was admitted; nobody where it is empty.
pub(super) fn author_of(seal: &[u8]) -> Option<NodeId> {
    let (doc, head) = (DocId([0; 16]), ChangeHash([0; 32]));
    let seal = Seal::from_wire(seal, doc, head).ok()?;
    Some(seal.author)
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

/// How a change came: with which seal, and from whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    pub(crate) seal: &'a [u8],
    pub(crate) origin: Option<NodeId>,
}

/// The facts that a document's stored changes make up.
pub(crate) fn rebuilt_facts(read: &Read, doc: DocId) -> Result<Facts, DbError> {
    let mut facts = Facts::new();
    read.for_each_change(doc, 0, |row| {
        if let Ok(change) = scan(&row.body, &SCAN_LIMITS) {
            facts.apply(&change);
        }
        true
    })?;
    Ok(facts)
}

/// Appends one change with its facts; the document is put first if it is new.
pub(crate) fn append(
    tx: &mut WriteTx<'_>,
    key: &DocKey,
    genesis: &Genesis,
    change: &ScannedChange,
    entry: NewEntry<'_>,
) -> Result<Appended, AppendError> {
    let mut appender = Appender::begin(tx, key, genesis)?;
    let appended = appender.append(tx, change, entry)?;
    appender.finish(tx)?;
    Ok(appended)
}

/// Changes of one document on their way into the store; its row and its facts are written once.
pub(crate) struct Appender {
    doc: DocId,
    growth: Growth,
    facts: Facts,
    is_moved: bool,
    /// Whether what the document says of attachments may have changed.
    is_attached: bool,
}

impl Appender {
    /// Puts the document if it is new.
    pub(crate) fn begin(
        tx: &mut WriteTx<'_>,
        key: &DocKey,
        genesis: &Genesis,
    ) -> Result<Self, DbError> {
        let doc = key.id();
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
        let kept = tx.facts(doc)?.unwrap_or_default();
        let facts = match Facts::decode(&kept) {
            Ok(facts) => facts,
            Err(_) if kept.is_empty() => Facts::new(),
            // One damaged row must not keep out what else comes with this change.
            Err(error) => {
                tracing::error!(%doc, error = %ErrorChain(&error), "facts cannot be read, they are made anew");
                rebuilt_facts(tx, doc)?
            }
        };
        Ok(Self {
            doc,
            growth: tx.grow(doc)?,
            facts,
            is_moved: false,
            is_attached: false,
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
            self.facts.apply(change);
            self.is_moved = true;
            self.is_attached |= change.touches_attachments();
        }
        Ok(appended)
    }

    /// Writes the row and the facts, in the transaction of the changes or never.
    pub(crate) fn finish(self, tx: &mut WriteTx<'_>) -> Result<(), AppendError> {
        tx.grown(self.growth)?;
        if !self.is_moved {
            return Ok(());
        }
        let facts = self.facts.encode();
        if facts.len() > FACTS_BYTES_MAX {
            return Err(AppendError::FactsTooLarge { doc: self.doc });
        }
        tx.put_facts(self.doc, &facts)?;
        if self.is_attached {
            tx.name_files(self.doc, &self.facts.attachments())?;
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
