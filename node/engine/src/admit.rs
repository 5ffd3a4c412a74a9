//! Admission: what a peer sent is bounded, verified and only then written, all in one transaction.
//!
//! A change is admitted with its author's seal, its own or that of a later one which builds upon it, and
//! within the scanner's bounds; nothing else decides (docs/adr/0007, 0011). What cannot be judged yet, because its form, its author or what it builds upon has
//! not arrived, is parked and tried again when something arrives that it may have waited for.

mod changes;
mod follows;
mod packets;
mod parked;
mod receipts;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::ScannedChange;
use hopluu_model::{ChangeHash, DocId, EntryKind, ErrorChain, NodeId, Timestamp, UnitId};
use hopluu_store::{DbError, Park, ParkedRow, Put, WriteTx};
use hopluu_sync::{Event, Incoming, Refusal, RefusalCode};
use hopluu_trust::{Evidence, Record, RecordKind};

pub(crate) use self::changes::{Appender, NewEntry, judge_anew};
use self::parked::parked_body;
pub(crate) use self::parked::{Left, read_parked};
pub(crate) use self::receipts::{Giver, gives, receipt_heads};
pub(crate) use self::records::put_record;
use crate::beginnings::Beginnings;
use crate::core::Core;
use crate::evidence::Heard;
use crate::judging::Rejudge;
use crate::limits::DECODED_OPS_AT_ONCE;
use crate::registry::{RecordEffect, Registry, Working};
use crate::turn::Turn;
use crate::view::WatchEvent;

/// What one transaction let in.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// Documents with their new changes, in the order in which they came in.
    pub(crate) docs: BTreeMap<DocId, Vec<ScannedChange>>,
    /// What records changed.
    pub(crate) records: Vec<(RecordEffect, RecordKind, UnitId)>,
    /// What superiors have said of the time, if that is news.
    pub(crate) evidence: Option<Evidence>,
    /// Documents for which a receipt of our own came back from somebody who had kept it.
    returned: BTreeSet<DocId>,
    /// Receipts that are new here: the document, who has it, since when.
    pub(crate) receipts: Vec<(DocId, UnitId, Timestamp)>,
    /// How many entries of the push are new here.
    pub(crate) taken: usize,
    /// How many were judged: the rest is for another transaction.
    pub(crate) judged: usize,
    /// Operations that were decoded.
    ops: u64,
    /// Bytes of what was judged and not refused for good.
    paying: usize,
    /// What has waited and is to be tried again in another transaction.
    pub(crate) left: Left,
    /// Entries that stay outside, by their place in the push.
    pub(crate) refused: Vec<Refusal>,
    /// Peers of whom something had been turned away that might come in now.
    pub(crate) crowded: Vec<NodeId>,
    /// What the new records mean for documents that are here.
    rejudge: Rejudge,
    /// What all records say now, if some are new.
    pub(crate) registry: Option<Arc<Registry>>,
}

impl Admitted {
    /// How many operations were decoded.
    pub(crate) fn ops(&self) -> u64 {
        self.ops
    }

    /// Bytes that pay for that: of all that was judged but what is refused for good.
    pub(crate) fn paying_bytes(&self) -> usize {
        self.paying
    }

    /// A record has come in.
    fn learnt(&mut self, effect: RecordEffect, record: &Record) {
        self.rejudge.learn(&effect, &record.unit);
        self.records
            .push((effect, record.kind, record.unit.clone()));
    }

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
    pub(crate) heard: Heard,
    /// Who sent it; nobody where it is this node's own.
    pub(crate) from: Option<NodeId>,
    /// Who has it, and need not be given it: whoever sent it, unless it may have lost it since.
    pub(crate) origin: Option<NodeId>,
    pub(crate) now: Timestamp,
}

impl Core {
    pub(crate) fn admission(&self, from: Option<NodeId>, now: Timestamp) -> Admission {
        Admission {
            working: self.working(),
            beginnings: Arc::clone(&self.beginnings),
            giver: Giver::of(self),
            heard: self.heard_time.clone(),
            from,
            origin: from,
            now,
        }
    }

    /// What follows from what was let in, once it is on disk.
    pub(crate) fn let_in(&mut self, turn: &mut Turn, admitted: Admitted, from: Option<NodeId>) {
        if let Some(from) = from {
            self.entries_refused(turn, from, &admitted.refused);
        }
        self.try_again(turn, admitted.left);
        if let Some(registry) = admitted.registry {
            self.records_changed(registry);
        }
        let is_timely = admitted.evidence.is_some() || !admitted.records.is_empty();
        if let Some(evidence) = admitted.evidence {
            self.heard_time.learn(evidence);
        }
        if is_timely {
            self.look_at_time(turn);
        }
        if !admitted.records.is_empty() {
            self.judge_on(turn);
        }
        for peer in admitted.crowded {
            self.hub_event(turn, Event::RoomMade { peer });
        }
        let is_news = !admitted.docs.is_empty()
            || !admitted.receipts.is_empty()
            || !admitted.records.is_empty();
        if !admitted.records.is_empty() {
            self.scope_changed(turn);
        }
        for (effect, kind, unit) in admitted.records {
            self.record_arrived(turn, &effect, kind, &unit);
        }
        let store = self.store().clone();
        for (doc, changes) in &admitted.docs {
            self.open.follow(&store, *doc, changes);
        }
        let names = |changes: &[ScannedChange]| {
            let mut changes = changes.iter();
            changes.any(ScannedChange::touches_attachments)
        };
        let naming = admitted.docs.iter().filter(|(_, changes)| names(changes));
        let naming: Vec<DocId> = naming.map(|(doc, _)| *doc).collect();
        for doc in naming {
            self.files_named(turn, doc);
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

/// Whether what is so refused is as good as any other, and waits or comes again.
fn comes_in_later(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::PARKED | RefusalCode::CROWDED)
}

/// Why a change stays outside for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Waits {
    Form = 1,
    Author = 2,
    Dependency = 3,
    /// A save that puts together what was written apart.
    Merge = 4,
}

impl Waits {
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        let all = [Self::Form, Self::Author, Self::Dependency, Self::Merge];
        all.into_iter().find(|one| *one as u8 == number)
    }

    /// The word in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Author => "author",
            Self::Dependency => "change",
            Self::Merge => "merge",
        }
    }
}

/// Why something stays outside.
enum Verdict {
    Wait(Waits),
    Refuse(RefusalCode),
}

impl Admission {
    /// Takes in entries of one push, in their order, until they have been [work
    /// enough](DECODED_OPS_AT_ONCE) for one transaction.
    pub(crate) fn push(
        &self,
        tx: &mut WriteTx<'_>,
        entries: &[Incoming],
    ) -> Result<Admitted, DbError> {
        let mut admitted = Admitted::default();
        let mut registry = self.working.begin(tx)?;
        for (index, entry) in entries.iter().enumerate() {
            if admitted.ops >= DECODED_OPS_AT_ONCE {
                break;
            }
            admitted.judged += 1;
            let refused = admitted.refused.len();
            match entry.kind {
                EntryKind::Change => {
                    registry.settle();
                    self.packet_entry(tx, &registry, index, entry, &mut admitted)?;
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
            let refused = admitted.refused.get(refused);
            if refused.is_none_or(|refusal| comes_in_later(refusal.code)) {
                admitted.paying += entry.body.len();
            }
        }
        self.finish(tx, registry, admitted)
    }

    /// Takes in records of this node's own, with what has waited for them.
    pub(crate) fn own(
        &self,
        tx: &mut WriteTx<'_>,
        records: &[Record],
    ) -> Result<Admitted, DbError> {
        let mut admitted = Admitted::default();
        let mut registry = self.working.begin(tx)?;
        for record in records {
            if let Put::New(_) = put_record(tx, record, None)? {
                match registry.learn(record) {
                    Ok(effect) => admitted.learnt(effect, record),
                    Err(error) => {
                        tracing::error!(error = %ErrorChain(&error), "own record is not understood");
                    }
                }
            }
        }
        self.finish(tx, registry, admitted)
    }

    /// Lets in what has waited for a save of this node's own, which is in this transaction.
    pub(crate) fn saved(&self, tx: &mut WriteTx<'_>, doc: DocId) -> Result<Admitted, DbError> {
        let mut admitted = Admitted::default();
        let left = Left::of(tx.parked_places(Some(doc))?);
        if !left.is_empty() {
            let mut registry = self.working.begin(tx)?;
            self.retry_parked(tx, &mut registry, left, &mut admitted)?;
        }
        self.giver.give(tx, &doc, self.now)?;
        tx.note_arrival(self.now)?;
        Ok(admitted)
    }

    /// Goes on with what has waited and is tried again, as a transaction of its own.
    pub(crate) fn go_on(&self, tx: &mut WriteTx<'_>, left: Left) -> Result<Admitted, DbError> {
        let mut registry = self.working.begin(tx)?;
        registry.settle();
        self.retry_and_end(tx, registry, left, Admitted::default())
    }

    fn finish(
        &self,
        tx: &mut WriteTx<'_>,
        mut registry: Registry,
        admitted: Admitted,
    ) -> Result<Admitted, DbError> {
        registry.settle();
        // A record may name a form or an author; a change is what others of its document wait for.
        let left = if admitted.records.is_empty() {
            let mut places = Vec::new();
            for doc in admitted.docs.keys() {
                places.extend(tx.parked_places(Some(*doc))?);
            }
            Left::of(places)
        } else {
            Left::of(tx.parked_places(None)?)
        };
        self.retry_and_end(tx, registry, left, admitted)
    }

    fn retry_and_end(
        &self,
        tx: &mut WriteTx<'_>,
        mut registry: Registry,
        left: Left,
        mut admitted: Admitted,
    ) -> Result<Admitted, DbError> {
        self.retry_parked(tx, &mut registry, left, &mut admitted)?;
        tx.note_arrival(self.now)?;
        if !admitted.records.is_empty() {
            let registry = self.working.end(tx, registry)?;
            admitted.rejudge.note(tx, &registry)?;
            admitted.registry = Some(registry);
        }
        let docs: BTreeSet<_> = admitted.docs.keys().chain(&admitted.returned).collect();
        for doc in docs {
            self.giver.give(tx, doc, self.now)?;
        }
        Ok(admitted)
    }

    /// Keeps what cannot be judged yet, within the bounds of who sent it.
    fn park(
        &self,
        tx: &mut WriteTx<'_>,
        (doc, hash): (DocId, ChangeHash),
        reason: Waits,
        descriptor: &[u8],
        body: &[u8],
    ) -> Result<RefusalCode, DbError> {
        let row = ParkedRow {
            node: self.from.unwrap_or(self.giver.me.node),
            doc,
            hash,
            reason: reason as u8,
            at: self.now,
            body: parked_body(descriptor, body),
        };
        Ok(match tx.park(&row)? {
            Park::Parked => RefusalCode::PARKED,
            Park::Full => RefusalCode::CROWDED,
        })
    }
}

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod crowded;
#[cfg(test)]
mod packed;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod urgent;
