//! Admission: what a peer sent is bounded, verified and only then written, all in one transaction.
//!
//! A change is admitted with its author's seal and within the scanner's bounds, nothing else decides
//! (docs/adr/0007). What cannot be judged yet, because its form, its author or what it builds upon has
//! not arrived, is parked and tried again when something arrives that it may have waited for.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{
    DocKey, Facts, Genesis, Parent, ParentsError, ScannedChange, Tip, check_parents,
    check_references, scan,
};
use hopluu_form::Form;
use hopluu_model::{
    ActorId, ChangeHash, DocId, EntryKind, NodeId, Place, RecordHash, Timestamp, UnitId,
};
use hopluu_store::{
    AppendError, Appended, DbError, NewChange, NewDoc, Park, ParkedRow, Put, ReceiptRow, RecordRow,
    WriteTx,
};
use hopluu_sync::{Acked, Incoming, Refusal, RefusalCode};
use hopluu_trust::{Receipt, Record, RecordKind, Seal, Signer};
use serde::{Deserialize, Serialize};

use crate::beginnings::Beginnings;
use crate::links::{acked_is, change_checkpoint};
use crate::registry::{RecordEffect, RecordRefusal, Registry};

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
}

impl Admitted {
    fn refuse(&mut self, index: usize, code: RefusalCode) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.refused.push(Refusal { index, code });
    }
}

/// What admission needs besides the transaction.
pub(crate) struct Admission {
    pub(crate) registry: Arc<RwLock<Registry>>,
    pub(crate) beginnings: Arc<Beginnings>,
    pub(crate) signer: Arc<Signer>,
    pub(crate) me: Place,
    pub(crate) from: Option<NodeId>,
    pub(crate) now: Timestamp,
}

/// Why a change stays outside for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Waits {
    Form = 1,
    Author = 2,
    Dependency = 3,
}

/// A change that may come in, with what it is read by.
type Judged = (Arc<Genesis>, Box<ScannedChange>);

/// What became of one entry.
enum Verdict {
    In(Box<ScannedChange>),
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
        for (index, entry) in entries.iter().enumerate() {
            match entry.kind {
                EntryKind::Change => self.change_entry(tx, index, entry, &mut admitted)?,
                EntryKind::Record | EntryKind::Receipt => {
                    self.record_entry(tx, index, entry, &mut admitted)?;
                }
                // No program of this version makes attachments; a newer one's are not taken.
                EntryKind::Attachment => admitted.refuse(index, RefusalCode::UNSUPPORTED),
            }
        }
        self.retry_parked(tx, &mut admitted)?;
        self.write_receipts(tx, &admitted)?;
        Ok(admitted)
    }

    fn change_entry(
        &self,
        tx: &mut WriteTx<'_>,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        // The id is what the change will be found by; the descriptor says which document it is.
        if !DocKey::decode(&entry.descriptor).is_ok_and(|key| entry.object == key.id().into()) {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        }
        match self.change(tx, &entry.descriptor, &entry.body)? {
            (doc, Verdict::In(change)) => admitted.docs.entry(doc).or_default().push(*change),
            (_, Verdict::Known) => {}
            (doc, Verdict::Wait(reason, hash)) => {
                let row = ParkedRow {
                    node: self.from.unwrap_or(self.me.node),
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

    /// Judges one change and writes it if it may come in.
    fn change(
        &self,
        tx: &mut WriteTx<'_>,
        descriptor: &[u8],
        body: &[u8],
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
        let verdict = match self.judge(tx, &key, sealed.seal, change)? {
            Ok((genesis, change)) => {
                let entry = NewEntry {
                    seal: sealed.seal,
                    origin: self.from,
                };
                match append(tx, &key, &genesis, &change, entry) {
                    Ok(Appended::New { .. }) => Verdict::In(change),
                    Ok(Appended::Known) => Verdict::Known,
                    Err(AppendError::Db(error)) => return Err(error),
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
        key: &DocKey,
        seal: &[u8],
        change: ScannedChange,
    ) -> Result<Result<Judged, Verdict>, DbError> {
        let Some(form) = self.form(key) else {
            return Ok(Err(Verdict::Wait(Waits::Form, change.hash)));
        };
        let Ok(genesis) = self.beginnings.of(key, &form) else {
            return Ok(Err(Verdict::Refuse(RefusalCode::MALFORMED)));
        };
        let doc = key.id();
        // A derived change follows from the document itself: anybody may have made it.
        if !(seal.is_empty() && change.is_derived_for(&doc, &genesis.hash))
            && let Err(verdict) = self.sealed_by(key, seal, &change)
        {
            return Ok(Err(verdict));
        }
        match follows(tx, doc, &genesis, &change)? {
            Ok(()) => Ok(Ok((genesis, Box::new(change)))),
            Err(
                ParentsError::Missing(_) | ParentsError::Gap { .. } | ParentsError::Dangling { .. },
            ) => Ok(Err(Verdict::Wait(Waits::Dependency, change.hash))),
            Err(_) => Ok(Err(Verdict::Refuse(RefusalCode::CONFLICT))),
        }
    }

    fn form(&self, key: &DocKey) -> Option<Arc<Form>> {
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        registry
            .form_of_major(&key.form, key.major)
            .map(|known| Arc::clone(&known.form))
    }

    fn sealed_by(&self, key: &DocKey, seal: &[u8], change: &ScannedChange) -> Result<(), Verdict> {
        let unsealed = || Verdict::Refuse(RefusalCode::SIGNATURE);
        let seal = Seal::from_wire(seal, key.id(), change.hash).map_err(|_| unsealed())?;
        if !seal.covers(&change.actor) || seal.verify().is_err() {
            return Err(unsealed());
        }
        let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
        let Some(author) = registry.identity(&seal.author) else {
            return Err(Verdict::Wait(Waits::Author, change.hash));
        };
        // Until grants come, a certificate says for whom its node may write: its unit and those below.
        let tree = registry.tree();
        if author.place.unit != key.unit && !tree.is_at_or_below(&key.unit, &author.place.unit) {
            return Err(Verdict::Refuse(RefusalCode::SCOPE));
        }
        Ok(())
    }

    fn record_entry(
        &self,
        tx: &mut WriteTx<'_>,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        let Ok(record) = Record::decode(&entry.body) else {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        };
        let is_receipt = record.kind == RecordKind::Receipt;
        if is_receipt != (entry.kind == EntryKind::Receipt) {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        }
        let judged = {
            let mut registry = self
                .registry
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            registry.admit(&record)
        };
        let effect = match judged {
            Ok(effect) => effect,
            Err(refusal) => {
                admitted.refuse(index, record_refusal(&refusal));
                return Ok(());
            }
        };
        if is_receipt {
            return self.receipt(tx, index, &record, admitted);
        }
        if let Put::New(_) = put_record(tx, &record, self.from)? {
            admitted
                .records
                .push((effect, record.kind, record.unit.clone()));
        }
        Ok(())
    }

    fn receipt(
        &self,
        tx: &mut WriteTx<'_>,
        index: usize,
        record: &Record,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        let Ok(receipt) = Receipt::read(record) else {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        };
        let is_its_giver = {
            let registry = self.registry.read().unwrap_or_else(PoisonError::into_inner);
            registry
                .identity(&record.author)
                .is_some_and(|giver| giver.place == receipt.by)
        };
        if !is_its_giver {
            admitted.refuse(index, RefusalCode::SCOPE);
            return Ok(());
        }
        if let Put::New(_) = put_receipt(tx, record, &receipt, self.from)? {
            if receipt.by == self.me {
                admitted.returned.insert(receipt.doc);
            }
            admitted
                .receipts
                .push((receipt.doc, receipt.by.unit, receipt.at));
        }
        Ok(())
    }

    /// Tries again what waited, as long as something of it comes in: after a record everything, as
    /// it may name a form or an author; after a change what waits for the same document.
    ///
    /// Where as much waited as may, more may have been turned away, and nobody remembers what. It too
    /// can come in now that a record is here or that there is room, so that peer is owed a comparison.
    /// Its checkpoint says so from this very transaction on, or a crash would make it forgotten.
    fn retry_parked(&self, tx: &mut WriteTx<'_>, admitted: &mut Admitted) -> Result<(), DbError> {
        if admitted.docs.is_empty() && admitted.records.is_empty() {
            return Ok(());
        }
        let mut rows = if admitted.records.is_empty() {
            let mut rows = Vec::new();
            for doc in admitted.docs.keys() {
                rows.extend(tx.parked_of_doc(*doc)?);
            }
            rows
        } else {
            tx.parked()?
        };
        if rows.is_empty() {
            return Ok(());
        }
        let crowded = tx.parked_full()?;
        let mut freed = BTreeSet::new();
        loop {
            let before = rows.len();
            let mut waiting = Vec::new();
            for row in rows {
                let (doc, verdict) = match read_parked(&row.body) {
                    Some((descriptor, body)) => self.change(tx, descriptor, body)?,
                    None => (row.doc, Verdict::Refuse(RefusalCode::MALFORMED)),
                };
                match verdict {
                    Verdict::Wait(..) => {
                        waiting.push(row);
                        continue;
                    }
                    Verdict::In(change) => admitted.docs.entry(doc).or_default().push(*change),
                    Verdict::Known | Verdict::Refuse(_) => {}
                }
                tx.unpark(row.doc, row.hash)?;
                freed.insert(row.node);
            }
            if waiting.is_empty() || waiting.len() == before {
                break;
            }
            rows = waiting;
        }
        let is_owed = |node: &NodeId| !admitted.records.is_empty() || freed.contains(node);
        admitted.crowded = crowded.into_iter().filter(is_owed).collect();
        for peer in &admitted.crowded {
            change_checkpoint(tx, *peer, |kept| acked_is(kept, Acked::void()))?;
        }
        Ok(())
    }

    /// A superior's main node says, in the same transaction, how far each document has got here. A
    /// clock that was ahead must not make its old word outlive the new one, so each is dated after
    /// the one before, even where that one was forgotten here and has come back.
    fn write_receipts(&self, tx: &mut WriteTx<'_>, admitted: &Admitted) -> Result<(), DbError> {
        if self.me.office.is_some() {
            return Ok(());
        }
        let docs: BTreeSet<&DocId> = admitted.docs.keys().chain(&admitted.returned).collect();
        for doc in docs {
            let Some(row) = tx.doc(*doc)? else { continue };
            if row.unit == self.me.unit {
                continue;
            }
            let before = tx.receipts(*doc)?;
            let before = before.iter().find(|before| before.by == self.me.unit);
            if before.and_then(receipt_heads).as_ref() == Some(&row.heads) {
                continue;
            }
            let receipt = Receipt {
                doc: *doc,
                heads: row.heads,
                by: self.me.clone(),
                at: before.map_or(self.now, |before| self.now.max(before.at.plus_ms(1))),
            };
            let record = receipt
                .sign(&self.signer, row.unit)
                .expect("a receipt of bounded heads is within a record's bound");
            put_receipt(tx, &record, &receipt, None)?;
        }
        Ok(())
    }
}

fn record_refusal(refusal: &RecordRefusal) -> RefusalCode {
    match refusal {
        RecordRefusal::Signature => RefusalCode::SIGNATURE,
        RecordRefusal::UnknownAuthor(_) | RecordRefusal::NotAnIssuer(_) => RefusalCode::SCOPE,
        RecordRefusal::Body { .. } => RefusalCode::MALFORMED,
    }
}

/// Whether all that a change builds upon and refers to is here and is what it takes it for.
fn follows(
    tx: &WriteTx<'_>,
    doc: DocId,
    genesis: &Genesis,
    change: &ScannedChange,
) -> Result<Result<(), ParentsError>, DbError> {
    let mut parents = BTreeMap::new();
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
        None if change.seq > 1 => tx.changes_of_actor(doc, change.actor)?.pop(),
        _ => None,
    };
    let latest = latest.and_then(|row| scan(&row.body, &SCAN_LIMITS).ok());
    tip = tip.or(latest.as_ref());
    let parent = |hash: &ChangeHash| parents.get(hash).map(Parent::from);
    if let Err(error) = check_parents(change, &doc, genesis, parent, tip.map(Tip::from)) {
        return Ok(Err(error));
    }
    let mut failed = None;
    let found = check_references(change, |actor, counter| {
        match holder(tx, doc, &parents, actor, counter) {
            Ok(found) => found,
            Err(error) => {
                failed = Some(error);
                None
            }
        }
    });
    failed.map_or(Ok(found), Err)
}

/// The change of an actor that holds an operation, first among the parents.
fn holder(
    tx: &WriteTx<'_>,
    doc: DocId,
    parents: &BTreeMap<ChangeHash, ScannedChange>,
    actor: ActorId,
    counter: u64,
) -> Result<Option<ScannedChange>, DbError> {
    let holds = |change: &ScannedChange| {
        change.actor == actor && (change.start_op..=change.max_op).contains(&counter)
    };
    if let Some(parent) = parents.values().find(|parent| holds(parent)) {
        return Ok(Some(parent.clone()));
    }
    let changes = tx.changes_of_actor(doc, actor)?;
    Ok(changes
        .iter()
        .filter_map(|row| scan(&row.body, &SCAN_LIMITS).ok())
        .find(holds))
}

/// How a change came: with which seal, and from whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    pub(crate) seal: &'a [u8],
    pub(crate) origin: Option<NodeId>,
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
        let mut facts = match tx.facts(doc)? {
            Some(bytes) => Facts::decode(&bytes).map_err(|_| DbError::Row {
                table: "facts",
                expected: "packed facts",
            })?,
            None => Facts::new(),
        };
        facts.apply(change);
        tx.put_facts(doc, &facts.encode())?;
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

fn put_receipt(
    tx: &mut WriteTx<'_>,
    record: &Record,
    receipt: &Receipt,
    origin: Option<NodeId>,
) -> Result<Put, DbError> {
    tx.put_receipt(
        &ReceiptRow {
            doc: receipt.doc,
            by: receipt.by.unit.clone(),
            unit: record.unit.clone(),
            hash: record.hash(),
            at: receipt.at,
            body: record.encode(),
        },
        origin,
    )
}

/// The heads that a stored receipt names, sorted.
pub(crate) fn receipt_heads(receipt: &ReceiptRow) -> Option<Vec<ChangeHash>> {
    let record = Record::decode(&receipt.body).ok()?;
    let mut heads = Receipt::read(&record).ok()?.heads;
    heads.sort_unstable();
    Some(heads)
}

fn parked_body(descriptor: &[u8], body: &[u8]) -> Vec<u8> {
    postcard::to_stdvec(&(descriptor, body)).expect("byte strings always encode")
}

fn read_parked(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    postcard::from_bytes(bytes).ok()
}

/// Every record of a store, read again at a start, in an order in which authors come before what
/// they signed.
pub(crate) fn learn_records(
    registry: &mut Registry,
    rows: Vec<RecordRow>,
) -> BTreeMap<RecordHash, String> {
    let mut broken = BTreeMap::new();
    for row in rows {
        let learnt = Record::decode(&row.body)
            .map_err(|error| error.to_string())
            .and_then(|record| registry.learn(&record).map_err(|error| error.to_string()));
        if let Err(error) = learnt {
            broken.insert(row.hash, error);
        }
    }
    broken
}
