//! Admission: what a peer sent is bounded, verified and only then written, all in one transaction.
//!
//! A change is admitted with its author's seal and within the scanner's bounds, nothing else decides
//! (docs/adr/0007). What cannot be judged yet, because its form, its author or what it builds upon has
//! not arrived, is parked and tried again when something arrives that it may have waited for.

mod follows;
mod parked;
mod receipts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{DocKey, Facts, Genesis, ParentsError, ScannedChange, is_derived_actor, scan};
use hopluu_model::{ChangeHash, DocId, EntryKind, ErrorChain, NodeId, Timestamp, UnitId};
use hopluu_store::limits::FACTS_BYTES_MAX;
use hopluu_store::{
    AppendError, Appended, DbError, NewChange, NewDoc, Park, ParkedRow, Put, Read, RecordRow,
    WriteTx,
};
use hopluu_sync::{Event, Incoming, Refusal, RefusalCode};
use hopluu_trust::{Record, RecordKind, Seal};
use serde::{Deserialize, Serialize};

use self::follows::{derived_parents, follows};
use self::parked::parked_body;
pub(crate) use self::receipts::{Giver, receipt_heads};
use crate::beginnings::Beginnings;
use crate::core::Core;
use crate::limits::{DOCS_PER_UNIT_MAX, HEADS_MAX};
use crate::registry::{RecordEffect, RecordRefusal, Registry, Working};
use crate::turn::Turn;
use crate::view::WatchEvent;

/// A change as it travels: with the seal that vouches for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SealedChange<'a> {
    pub(crate) seal: &'a [u8],
    pub(crate) change: &'a [u8],
}

impl SealedChange<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("byte strings always encode")
    }
}

/// What one transaction let in.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// Documents with their new changes, in the order in which they came in.
    pub(crate) docs: BTreeMap<DocId, Vec<ScannedChange>>,
    /// What records changed.
    pub(crate) records: Vec<(RecordEffect, RecordKind, UnitId)>,
    /// Documents for which a receipt of our own came back from somebody who had kept it.
    returned: BTreeSet<DocId>,
    /// Receipts that are new here: the document, who has it, since when.
    pub(crate) receipts: Vec<(DocId, UnitId, Timestamp)>,
    /// Entries that stay outside, by their place in the push.
    pub(crate) refused: Vec<Refusal>,
    /// Peers of whom something had been turned away that might come in now.
    pub(crate) crowded: Vec<NodeId>,
    /// What all records say now, if some are new.
    pub(crate) registry: Option<Arc<Registry>>,
}

impl Admitted {
    fn refuse(&mut self, index: usize, code: RefusalCode) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.refused.push(Refusal { index, code });
    }
}

/// What admission needs besides the transaction.
pub(crate) struct Admission {
    pub(crate) working: Arc<Working>,
    pub(crate) beginnings: Arc<Beginnings>,
    pub(crate) giver: Giver,
    /// Who sent it; nobody where it is this node's own.
    pub(crate) from: Option<NodeId>,
    pub(crate) now: Timestamp,
}

impl Core {
    pub(crate) fn admission(&self, from: Option<NodeId>, now: Timestamp) -> Admission {
        Admission {
            working: self.working(),
            beginnings: Arc::clone(&self.beginnings),
            giver: Giver::of(self),
            from,
            now,
        }
    }

    /// What follows from what was let in, once it is on disk.
    pub(crate) fn let_in(&mut self, turn: &mut Turn, admitted: Admitted, from: Option<NodeId>) {
        if let Some(registry) = admitted.registry {
            self.records_changed(registry);
        }
        for peer in admitted.crowded {
            self.hub_event(turn, Event::RoomMade { peer });
        }
        let is_news = !admitted.docs.is_empty()
            || !admitted.receipts.is_empty()
            || !admitted.records.is_empty();
        for (effect, kind, unit) in admitted.records {
            self.record_arrived(turn, effect, kind, &unit);
        }
        for (doc, changes) in &admitted.docs {
            self.open.follow(*doc, changes);
        }
        self.docs_changed(turn, admitted.docs.into_keys(), from);
        for (doc, unit, at) in admitted.receipts {
            if let Ok(Some(row)) = self.doc_row(doc) {
                let report = self.report_ref(&row);
                let arrived = WatchEvent::ReceiptArrived { report, unit, at };
                turn.events.push(arrived);
            }
        }
        if is_news {
            self.announce(turn);
        }
    }
}

/// Why a change stays outside for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Waits {
    Form = 1,
    Author = 2,
    Dependency = 3,
    /// A save that puts together what was written apart.
    Merge = 4,
}

/// A change that may come in, with what it is read by.
struct Judged {
    genesis: Arc<Genesis>,
    /// Those of its parents that follow from the form and come in with it.
    derived: Vec<ScannedChange>,
    change: ScannedChange,
}

/// What became of one entry.
enum Verdict {
    /// It came in, behind its derived parents.
    In(Vec<ScannedChange>),
    Known,
    Wait(Waits, ChangeHash),
    Refuse(RefusalCode),
}

impl Admission {
    /// Takes in the entries of one push, in their order.
    pub(crate) fn push(
        &self,
        tx: &mut WriteTx<'_>,
        entries: &[Incoming],
    ) -> Result<Admitted, DbError> {
        let mut admitted = Admitted::default();
        let mut registry = self.working.begin(tx)?;
        for (index, entry) in entries.iter().enumerate() {
            match entry.kind {
                EntryKind::Change => {
                    registry.settle();
                    self.change_entry(tx, &registry, index, entry, &mut admitted)?;
                }
                EntryKind::Record => {
                    self.record_entry(tx, &mut registry, index, entry, &mut admitted)?;
                }
                EntryKind::Receipt => {
                    registry.settle();
                    self.receipt_entry(tx, &registry, index, entry, &mut admitted)?;
                }
                // No program of this version makes attachments; a newer one's are not taken.
                EntryKind::Attachment => admitted.refuse(index, RefusalCode::UNSUPPORTED),
            }
        }
        self.finish(tx, registry, admitted)
    }

    /// Takes in a record of this node's own, with what has waited for it.
    pub(crate) fn own(&self, tx: &mut WriteTx<'_>, record: &Record) -> Result<Admitted, DbError> {
        let mut admitted = Admitted::default();
        let mut registry = self.working.begin(tx)?;
        if let Put::New(_) = put_record(tx, record, None)? {
            match registry.learn(record) {
                Ok(effect) => {
                    let news = (effect, record.kind, record.unit.clone());
                    admitted.records.push(news);
                }
                Err(error) => {
                    tracing::error!(error = %ErrorChain(&error), "own record is not understood");
                }
            }
        }
        self.finish(tx, registry, admitted)
    }

    /// Lets in what has waited for a save of this node's own, which is in this transaction.
    pub(crate) fn saved(&self, tx: &mut WriteTx<'_>, doc: DocId) -> Result<Admitted, DbError> {
        let mut admitted = Admitted::default();
        let rows = tx.parked_of_doc(doc)?;
        if !rows.is_empty() {
            let registry = self.working.begin(tx)?;
            self.retry_parked(tx, &registry, rows, &mut admitted)?;
        }
        self.giver.give(tx, &doc, self.now)?;
        Ok(admitted)
    }

    fn finish(
        &self,
        tx: &mut WriteTx<'_>,
        mut registry: Registry,
        mut admitted: Admitted,
    ) -> Result<Admitted, DbError> {
        registry.settle();
        // A record may name a form or an author; a change is what others of its document wait for.
        let rows = if admitted.records.is_empty() {
            let mut rows = Vec::new();
            for doc in admitted.docs.keys() {
                rows.extend(tx.parked_of_doc(*doc)?);
            }
            rows
        } else {
            tx.parked()?
        };
        self.retry_parked(tx, &registry, rows, &mut admitted)?;
        if !admitted.records.is_empty() {
            admitted.registry = Some(self.working.end(tx, registry)?);
        }
        let docs: BTreeSet<_> = admitted.docs.keys().chain(&admitted.returned).collect();
        for doc in docs {
            self.giver.give(tx, doc, self.now)?;
        }
        Ok(admitted)
    }

    fn change_entry(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        // The id is what the change will be found by; the descriptor says which document it is.
        if !DocKey::decode(&entry.descriptor).is_ok_and(|key| entry.object == key.id().into()) {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        }
        match self.change(tx, registry, &entry.descriptor, &entry.body, self.from)? {
            (doc, Verdict::In(changes)) => admitted.docs.entry(doc).or_default().extend(changes),
            (_, Verdict::Known) => {}
            (doc, Verdict::Wait(reason, hash)) => {
                let row = ParkedRow {
                    node: self.from.unwrap_or(self.giver.me.node),
                    doc,
                    hash,
                    reason: reason as u8,
                    at: self.now,
                    body: parked_body(&entry.descriptor, &entry.body),
                };
                let code = match tx.park(&row)? {
                    Park::Parked => RefusalCode::PARKED,
                    Park::Full => RefusalCode::CROWDED,
                };
                admitted.refuse(index, code);
            }
            (_, Verdict::Refuse(refusal)) => admitted.refuse(index, refusal),
        }
        Ok(())
    }

    /// Judges one change and writes it, as come from `origin`, if it may come in.
    fn change(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        descriptor: &[u8],
        body: &[u8],
        origin: Option<NodeId>,
    ) -> Result<(DocId, Verdict), DbError> {
        let nobody = DocId([0; 16]);
        let Ok(key) = DocKey::decode(descriptor) else {
            return Ok((nobody, Verdict::Refuse(RefusalCode::MALFORMED)));
        };
        let doc = key.id();
        // Scope looks at the unit only, so what is not for everybody above it must not be here.
        if !key.compartment.is_public() {
            return Ok((doc, Verdict::Refuse(RefusalCode::UNSUPPORTED)));
        }
        let Ok(sealed) = postcard::from_bytes::<SealedChange<'_>>(body) else {
            return Ok((doc, Verdict::Refuse(RefusalCode::MALFORMED)));
        };
        // Bounded before Automerge or anything else that allocates sees it.
        let Ok(change) = scan(sealed.change, &SCAN_LIMITS) else {
            return Ok((doc, Verdict::Refuse(RefusalCode::BUDGET)));
        };
        if tx.has_change(doc, change.hash)? {
            return Ok((doc, Verdict::Known));
        }
        let verdict = match self.judge(tx, registry, &key, sealed.seal, change)? {
            Ok(judged) => {
                match append_judged(tx, &key, &judged, sealed.seal, origin) {
                    Ok(()) => {
                        let mut changes = judged.derived;
                        changes.push(judged.change);
                        Verdict::In(changes)
                    }
                    Err(AppendError::Db(error)) => return Err(error),
                    Err(AppendError::TooManyChanges { .. } | AppendError::FactsTooLarge { .. }) => {
                        Verdict::Refuse(RefusalCode::BUDGET)
                    }
                    // The judge has looked at parents and sequence in this very transaction.
                    Err(_) => Verdict::Refuse(RefusalCode::CONFLICT),
                }
            }
            Err(verdict) => verdict,
        };
        Ok((doc, verdict))
    }

    /// Whether a change may come in now: who vouches for it, what it is read by, what it follows.
    fn judge(
        &self,
        tx: &WriteTx<'_>,
        registry: &Registry,
        key: &DocKey,
        seal: &[u8],
        change: ScannedChange,
    ) -> Result<Result<Judged, Verdict>, DbError> {
        let known = registry.form_of_major(&key.form, key.major, &key.unit);
        let Some(form) = known.map(|known| &known.form) else {
            return Ok(Err(Verdict::Wait(Waits::Form, change.hash)));
        };
        let Ok(genesis) = self.beginnings.of(key, form) else {
            return Ok(Err(Verdict::Refuse(RefusalCode::MALFORMED)));
        };
        let doc = key.id();
        // Who needs it can make it, and nobody vouches for it: it comes in with a change upon it.
        if seal.is_empty() && change.is_derived_for(&doc, &genesis.hash) {
            return Ok(Err(Verdict::Known));
        }
        let author = match sealed_by(registry, key, seal, &change) {
            Ok(author) => author,
            Err(verdict) => return Ok(Err(verdict)),
        };
        // An actor is whose first change it has; derived ones are nobody's.
        let is_anothers = match tx.first_seal(doc, change.actor)? {
            Some(first) => author_of(&first) != Some(author),
            None => is_derived_actor(&doc, form, &change.actor),
        };
        if is_anothers {
            return Ok(Err(Verdict::Refuse(RefusalCode::CONFLICT)));
        }
        if let Err(verdict) = has_room(tx, key, &change)? {
            return Ok(Err(verdict));
        }
        let derived = derived_parents(tx, doc, form, &genesis, &change)?;
        match follows(tx, doc, &genesis, &change, &derived)? {
            Ok(()) => Ok(Ok(Judged {
                genesis,
                derived,
                change,
            })),
            Err(
                ParentsError::Missing(_) | ParentsError::Gap { .. } | ParentsError::Dangling { .. },
            ) => Ok(Err(Verdict::Wait(Waits::Dependency, change.hash))),
            Err(_) => Ok(Err(Verdict::Refuse(RefusalCode::CONFLICT))),
        }
    }

    fn record_entry(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &mut Registry,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        let Ok(record) = Record::decode(&entry.body) else {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        };
        if record.kind == RecordKind::Receipt {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        }
        if tx.record(record.hash())?.is_some() {
            return Ok(());
        }
        match registry.admit(&record) {
            Ok(effect) => {
                put_record(tx, &record, self.from)?;
                admitted.records.push((effect, record.kind, record.unit));
            }
            Err(refusal) => admitted.refuse(index, record_refusal(&refusal)),
        }
        Ok(())
    }
}

fn record_refusal(refusal: &RecordRefusal) -> RefusalCode {
    match refusal {
        RecordRefusal::Signature => RefusalCode::SIGNATURE,
        RecordRefusal::UnknownAuthor(_) | RecordRefusal::NotAnIssuer(_) => RefusalCode::SCOPE,
        RecordRefusal::Unread(_) => RefusalCode::UNSUPPORTED,
        RecordRefusal::Quota(_) => RefusalCode::BUDGET,
        RecordRefusal::Body { .. } => RefusalCode::MALFORMED,
    }
}

/// Whether a seal of somebody who may write here vouches for a change.
fn sealed_by(
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
        return Err(Verdict::Wait(Waits::Author, change.hash));
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
fn author_of(seal: &[u8]) -> Option<NodeId> {
    let (doc, head) = (DocId([0; 16]), ChangeHash([0; 32]));
    let seal = Seal::from_wire(seal, doc, head).ok()?;
    Some(seal.author)
}

/// Whether the document is within its bounds with this change: what one unit makes up must not fill
/// others' disks, and a save names all heads.
fn has_room(
    tx: &WriteTx<'_>,
    key: &DocKey,
    change: &ScannedChange,
) -> Result<Result<(), Verdict>, DbError> {
    let Some(row) = tx.doc(key.id())? else {
        let has_room = tx.doc_count_of_unit(&key.unit)? < DOCS_PER_UNIT_MAX;
        return Ok(has_room
            .then_some(())
            .ok_or(Verdict::Refuse(RefusalCode::BUDGET)));
    };
    let left = row.heads.iter().filter(|head| !change.deps.contains(head));
    let has_room = left.count() < HEADS_MAX;
    Ok(has_room
        .then_some(())
        .ok_or(Verdict::Wait(Waits::Merge, change.hash)))
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

/// Appends a judged change, behind those of its parents that come in with it.
fn append_judged(
    tx: &mut WriteTx<'_>,
    key: &DocKey,
    judged: &Judged,
    seal: &[u8],
    origin: Option<NodeId>,
) -> Result<(), AppendError> {
    for derived in &judged.derived {
        let entry = NewEntry { seal: &[], origin };
        append(tx, key, &judged.genesis, derived, entry)?;
    }
    let entry = NewEntry { seal, origin };
    append(tx, key, &judged.genesis, &judged.change, entry).map(drop)
}

/// Appends one change with its facts; the document is put first if it is new.
pub(crate) fn append(
    tx: &mut WriteTx<'_>,
    key: &DocKey,
    genesis: &Genesis,
    change: &ScannedChange,
    entry: NewEntry<'_>,
) -> Result<Appended, AppendError> {
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
    let mut facts = match Facts::decode(&kept) {
        Ok(facts) => facts,
        Err(_) if kept.is_empty() => Facts::new(),
        // One damaged row must not keep out what else comes with this change.
        Err(error) => {
            tracing::error!(%doc, error = %ErrorChain(&error), "facts cannot be read, they are made anew");
            rebuilt_facts(tx, doc)?
        }
    };
    facts.apply(change);
    let facts = facts.encode();
    if facts.len() > FACTS_BYTES_MAX {
        return Err(AppendError::FactsTooLarge { doc });
    }
    let appended = tx.append_change(&NewChange {
        doc,
        hash: change.hash,
        actor: change.actor,
        actor_seq: change.seq,
        deps: &change.deps,
        body: &change.bytes,
        seal: entry.seal,
        origin: entry.origin,
    })?;
    if matches!(appended, Appended::New { .. }) {
        tx.put_facts(doc, &facts)?;
    }
    Ok(appended)
}

/// Writes a record into the store and the journal.
pub(crate) fn put_record(
    tx: &mut WriteTx<'_>,
    record: &Record,
    origin: Option<NodeId>,
) -> Result<Put, DbError> {
    tx.put_record(
        &RecordRow {
            hash: record.hash(),
            kind: record.kind.number(),
            unit: record.unit.clone(),
            body: record.encode(),
        },
        origin,
    )
}

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod crowded;
#[cfg(test)]
mod tests;
