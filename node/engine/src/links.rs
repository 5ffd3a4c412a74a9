//! Performs what the hub asks for: reads and writes go to the store, the rest to the network.

use std::collections::BTreeMap;

use hopluu_model::{ChangeHash, DocId, EntryKind, NodeId, ObjectId, Place, Seq, UnitId};
use hopluu_store::{DbError, EntryBody, PeerCheckpoint, Read, WriteError, WriteTx};
use hopluu_sync::{
    Acked, Checkpoint, Effect, Entry, Event, Incoming, Item, ItemDigest, JournalBatch, LinkId,
    MissingBatch, ObjectKey, Received, Scope, Select, ShortHash, ShortKey, TargetId, Ticket,
};

use crate::admit::{Admission, Admitted, SealedChange};
use crate::core::{Core, unreadable};
use crate::limits::JOURNAL_ENTRIES_MAX;
use crate::turn::{NetEffect, Turn};
use crate::view::{DiskState, WatchEvent};

impl Core {
    /// An address that this node keeps a link to.
    pub fn target_added(&mut self, turn: &mut Turn, target: TargetId) {
        self.hub_event(turn, Event::TargetAdded { target });
    }

    /// A dial led nowhere.
    pub fn dial_failed(&mut self, turn: &mut Turn, target: TargetId) {
        self.hub_event(turn, Event::DialFailed { target });
    }

    /// A link stands and its peer's chain is verified.
    pub fn link_opened(
        &mut self,
        turn: &mut Turn,
        link: LinkId,
        peer: Place,
        target: Option<TargetId>,
    ) {
        tracing::info!(peer = %peer.node.short(), unit = %peer.unit, "link opened");
        self.linked.insert(link, peer.node);
        turn.events.push(WatchEvent::LinkOpened {
            node: peer.node,
            unit: peer.unit.clone(),
        });
        self.hub_event(turn, Event::LinkOpened { link, peer, target });
    }

    /// Bytes came over a link.
    pub fn link_received(&mut self, turn: &mut Turn, link: LinkId, bytes: Vec<u8>) {
        if let Some(node) = self.linked.get(&link) {
            self.heard.insert(*node, turn.now);
        }
        self.hub_event(turn, Event::Received { link, bytes });
    }

    /// A link is gone.
    pub fn link_closed(&mut self, turn: &mut Turn, link: LinkId, code: Option<u16>) {
        if let Some(node) = self.linked.remove(&link) {
            tracing::info!(peer = %node.short(), code, "link closed");
            turn.events.push(WatchEvent::LinkClosed { node });
            self.save_heard(node);
        }
        self.hub_event(turn, Event::LinkClosed { link, code });
    }

    /// The instant of [`Core::next_wake`] has come.
    pub fn woken(&mut self, turn: &mut Turn) {
        self.hub_event(turn, Event::Woken);
    }

    pub(crate) fn hub_event(&mut self, turn: &mut Turn, event: Event) {
        let mut effects = Vec::new();
        self.hub.handle(turn.now, event, &mut effects);
        // Answers of reads are events themselves: they are worked off here, in order, so that the
        // stack does not grow with the journal.
        let mut waiting: std::collections::VecDeque<Effect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            if let Some(answer) = self.perform(turn, effect) {
                let mut effects = Vec::new();
                self.hub.handle(turn.now, answer, &mut effects);
                waiting.extend(effects);
            }
        }
    }

    /// Does one thing; reads are answered at once, writes when they are durable.
    fn perform(&mut self, turn: &mut Turn, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Dial { target } => turn.net.push(NetEffect::Dial { target }),
            Effect::Send { link, bytes } => turn.net.push(NetEffect::Send { link, bytes }),
            Effect::Close { link, code } => turn.net.push(NetEffect::Close { link, code }),
            Effect::Apply {
                link,
                ticket,
                peer,
                entries,
                received,
            } => {
                self.apply(turn, Answer { link, ticket }, peer, entries, received);
            }
            Effect::SaveAcked {
                link,
                ticket,
                peer,
                acked,
            } => {
                self.save_checkpoint(Answer { link, ticket }, peer, move |kept| {
                    kept.my_epoch = acked.basis;
                    kept.acked = acked.through;
                });
            }
            Effect::SaveCheckpoint {
                link,
                ticket,
                peer,
                checkpoint,
            } => {
                self.save_checkpoint(Answer { link, ticket }, peer, move |kept| {
                    *kept = PeerCheckpoint {
                        their_epoch: checkpoint.received.epoch,
                        received: checkpoint.received.through,
                        my_epoch: checkpoint.acked.basis,
                        acked: checkpoint.acked.through,
                    };
                });
            }
            Effect::LoadCheckpoint { link, ticket, .. }
            | Effect::ReadJournal { link, ticket, .. }
            | Effect::ReadItems { link, ticket, .. }
            | Effect::ReadHashes { link, ticket, .. }
            | Effect::ReadMissing { link, ticket, .. } => {
                let reader = self.store().read();
                let answer = reader.and_then(|reader| reader.consistent(|read| ask(read, effect)));
                return Some(answer.unwrap_or_else(|error| {
                    unreadable(&error);
                    Event::StoreFailed { link, ticket }
                }));
            }
        }
        None
    }

    fn apply(
        &mut self,
        turn: &mut Turn,
        answer: Answer,
        peer: NodeId,
        entries: Vec<Incoming>,
        received: Option<Received>,
    ) {
        let admission = Admission {
            registry: self.shared_registry(),
            signer: std::sync::Arc::clone(self.signer()),
            me: self.me().clone(),
            from: Some(peer),
            now: turn.now,
        };
        self.submit(
            move |tx| -> Result<Admitted, DbError> {
                let admitted = admission.push(tx, &entries)?;
                if let Some(received) = received {
                    change_checkpoint(tx, peer, |kept| {
                        kept.their_epoch = received.epoch;
                        kept.received = received.through;
                    })?;
                }
                Ok(admitted)
            },
            move |core, turn, result| core.applied(turn, answer, peer, result),
        );
    }

    fn applied(
        &mut self,
        turn: &mut Turn,
        answer: Answer,
        peer: NodeId,
        result: Result<Admitted, WriteError<DbError>>,
    ) {
        let Answer { link, ticket } = answer;
        let admitted = match result {
            Ok(admitted) => admitted,
            Err(error) => {
                self.write_failed(turn, error);
                return self.hub_event(turn, Event::StoreFailed { link, ticket });
            }
        };
        self.disk_is(turn, DiskState::Good);
        // The acknowledgement leaves first: the peer's window may be closing.
        self.hub_event(
            turn,
            Event::Applied {
                link,
                ticket,
                refused: admitted.refused,
            },
        );
        for (effect, kind, unit) in admitted.records {
            self.record_arrived(turn, effect, kind, &unit);
        }
        for (doc, changes) in &admitted.docs {
            self.open.follow(*doc, changes);
        }
        let is_news = !admitted.docs.is_empty() || !admitted.receipts.is_empty();
        self.docs_changed(turn, admitted.docs.into_keys(), Some(peer));
        for (doc, unit, at) in admitted.receipts {
            if let Ok(Some(row)) = self.doc_row(doc) {
                let report = self.report_ref(&row);
                turn.events
                    .push(WatchEvent::ReceiptArrived { report, unit, at });
            }
        }
        if is_news || !turn.events.is_empty() {
            self.announce(turn);
        }
    }

    fn save_checkpoint(
        &mut self,
        answer: Answer,
        peer: NodeId,
        change: impl FnOnce(&mut PeerCheckpoint) + Send + 'static,
    ) {
        let Answer { link, ticket } = answer;
        self.submit(
            move |tx| change_checkpoint(tx, peer, change),
            move |core, turn, result| match result {
                Ok(()) => core.hub_event(turn, Event::Saved { link, ticket }),
                Err(error) => {
                    core.write_failed(turn, error);
                    core.hub_event(turn, Event::StoreFailed { link, ticket });
                }
            },
        );
    }

    fn save_heard(&mut self, node: NodeId) {
        let Some(at) = self.heard.get(&node).copied() else {
            return;
        };
        self.submit(
            move |tx| tx.put_last_heard(node, at),
            |core, turn, result: Result<(), WriteError<DbError>>| {
                if let Err(error) = result {
                    core.write_failed(turn, error);
                }
            },
        );
    }
}

/// Answers an effect that only reads.
fn ask(read: &Read, effect: Effect) -> Result<Event, DbError> {
    match effect {
        Effect::LoadCheckpoint { link, ticket, peer } => {
            let kept = read
                .peer(peer)?
                .and_then(|row| row.checkpoint)
                .unwrap_or(EMPTY);
            Ok(Event::CheckpointLoaded {
                link,
                ticket,
                checkpoint: checkpoint_of(&kept),
            })
        }
        Effect::ReadJournal {
            link,
            ticket,
            after,
            through,
            bytes_max,
            scope,
        } => {
            let batch = read_journal(read, after, through, bytes_max, &scope)?;
            Ok(Event::JournalRead {
                link,
                ticket,
                batch,
            })
        }
        comparing => compare(read, comparing),
    }
}

/// Answers an effect of a comparison of two stores.
fn compare(read: &Read, effect: Effect) -> Result<Event, DbError> {
    Ok(match effect {
        Effect::ReadItems {
            link,
            ticket,
            scope,
        } => Event::ItemsRead {
            link,
            ticket,
            items: read_items(read, &scope)?,
        },
        Effect::ReadHashes {
            link,
            ticket,
            objects,
            key,
        } => {
            let held = objects.iter().map(|object| hashes(read, *object, &key));
            Event::HashesRead {
                link,
                ticket,
                held: held.collect::<Result<_, _>>()?,
            }
        }
        Effect::ReadMissing {
            link,
            ticket,
            object,
            select,
            after,
            bytes_max,
            key,
            scope,
        } => {
            let want = Want {
                object,
                select,
                after,
                bytes_max,
                key,
            };
            Event::MissingRead {
                link,
                ticket,
                batch: read_missing(read, &want, &scope)?,
            }
        }
        // Only effects that read come here; nothing has to happen for any other.
        _ => Event::Woken,
    })
}

/// Where an answer goes.
#[derive(Debug, Clone, Copy)]
struct Answer {
    link: LinkId,
    ticket: Ticket,
}

const EMPTY: PeerCheckpoint = PeerCheckpoint {
    their_epoch: hopluu_model::Epoch([0; 16]),
    received: Seq(0),
    my_epoch: hopluu_model::Epoch([0; 16]),
    acked: Seq(0),
};

fn checkpoint_of(kept: &PeerCheckpoint) -> Checkpoint {
    Checkpoint {
        received: Received {
            epoch: kept.their_epoch,
            through: kept.received,
        },
        acked: Acked {
            basis: kept.my_epoch,
            through: kept.acked,
        },
    }
}

fn change_checkpoint(
    tx: &mut WriteTx<'_>,
    peer: NodeId,
    change: impl FnOnce(&mut PeerCheckpoint),
) -> Result<(), DbError> {
    let mut kept = tx
        .peer(peer)?
        .and_then(|row| row.checkpoint)
        .unwrap_or(EMPTY);
    change(&mut kept);
    tx.put_checkpoint(peer, &kept)
}

fn read_journal(
    read: &Read,
    after: Seq,
    through: Seq,
    bytes_max: usize,
    scope: &Scope,
) -> Result<JournalBatch, DbError> {
    let batch = read.read_journal(after, JOURNAL_ENTRIES_MAX, bytes_max)?;
    let mut descriptors = BTreeMap::new();
    let mut entries = Vec::new();
    for entry in batch.entries {
        if entry.seq > through || !scope.admits(entry.kind(), &entry.unit) {
            continue;
        }
        let (kind, object) = (entry.kind(), entry.object());
        let (descriptor, body) = carried(read, entry.body, &mut descriptors)?;
        let (seq, unit, origin) = (entry.seq, entry.unit, entry.origin);
        entries.push(Entry {
            seq,
            kind,
            object,
            descriptor,
            body,
            unit,
            origin,
        });
    }
    Ok(JournalBatch {
        entries,
        through: batch.through.min(through),
    })
}

/// What travels of an entry: the descriptor of its object, and its body.
fn carried(
    read: &Read,
    body: EntryBody,
    descriptors: &mut BTreeMap<DocId, Vec<u8>>,
) -> Result<(Vec<u8>, Vec<u8>), DbError> {
    Ok(match body {
        EntryBody::Change {
            doc, body, seal, ..
        } => {
            let descriptor = match descriptors.get(&doc) {
                Some(descriptor) => descriptor.clone(),
                None => {
                    let key = read.doc(doc)?.map(|row| row.key).unwrap_or_default();
                    descriptors.insert(doc, key.clone());
                    key
                }
            };
            (
                descriptor,
                SealedChange {
                    seal: &seal,
                    change: &body,
                }
                .encode(),
            )
        }
        EntryBody::Record { body, .. } | EntryBody::Receipt { body, .. } => (Vec::new(), body),
        EntryBody::Attachment { body, .. } => (Vec::new(), body),
    })
}

fn read_items(read: &Read, scope: &Scope) -> Result<Vec<Item>, DbError> {
    let mut items = Vec::new();
    read.for_each_item(|row| {
        if scope.admits(row.kind, row.unit) {
            let key = ObjectKey {
                object: row.object,
                kind: row.kind,
            };
            items.push(Item {
                key,
                digest: ItemDigest::of(row.state),
            });
        }
    })?;
    Ok(items)
}

/// The short hashes of everything held of an object.
fn hashes(read: &Read, object: ObjectKey, key: &ShortKey) -> Result<Vec<ShortHash>, DbError> {
    let short = |hash: &[u8]| key.shorten(hash);
    Ok(match object.kind {
        EntryKind::Change => {
            let changes = read.missing(DocId::from(object.object), &|_| false)?;
            changes
                .iter()
                .map(|change| short(change.hash.as_bytes()))
                .collect()
        }
        EntryKind::Record => {
            let records = read.records_named(object.object)?;
            records
                .iter()
                .map(|record| short(record.hash.as_bytes()))
                .collect()
        }
        EntryKind::Receipt => {
            let receipts = read.receipts_named(object.object)?;
            receipts
                .iter()
                .map(|receipt| short(receipt.hash.as_bytes()))
                .collect()
        }
        EntryKind::Attachment => Vec::new(),
    })
}

/// What a peer lacks of one object, and how much of it at once.
struct Want {
    object: ObjectKey,
    select: Select,
    after: Seq,
    bytes_max: usize,
    key: ShortKey,
}

impl Want {
    fn wants(&self, hash: &[u8]) -> bool {
        let short = self.key.shorten(hash);
        match &self.select {
            Select::Except(held) => held.binary_search(&short).is_err(),
            Select::Only(asked) => asked.binary_search(&short).is_ok(),
        }
    }
}

fn read_missing(read: &Read, want: &Want, scope: &Scope) -> Result<MissingBatch, DbError> {
    let object = want.object;
    let mut batch = match object.kind {
        EntryKind::Change => missing_changes(read, want, scope)?,
        EntryKind::Record | EntryKind::Receipt => missing_records(read, want, scope)?,
        EntryKind::Attachment => MissingBatch {
            entries: Vec::new(),
            next: None,
            unknown: Vec::new(),
        },
    };
    if let (Select::Except(held), Seq(0)) = (&want.select, want.after) {
        let mut ours = hashes(read, object, &want.key)?;
        ours.sort_unstable();
        let is_unknown = |short: &&ShortHash| ours.binary_search(*short).is_err();
        batch.unknown = held.iter().filter(is_unknown).copied().collect();
    }
    Ok(batch)
}

fn missing_changes(read: &Read, want: &Want, scope: &Scope) -> Result<MissingBatch, DbError> {
    let doc = DocId::from(want.object.object);
    let mut batch = MissingBatch {
        entries: Vec::new(),
        next: None,
        unknown: Vec::new(),
    };
    let Some(row) = read.doc(doc)? else {
        return Ok(batch);
    };
    if !scope.admits(EntryKind::Change, &row.unit) {
        return Ok(batch);
    }
    let wanted: std::collections::BTreeSet<ChangeHash> = read
        .missing(doc, &|_| false)?
        .iter()
        .filter(|change| change.ordinal > want.after.0 && want.wants(change.hash.as_bytes()))
        .map(|change| change.hash)
        .collect();
    let mut bytes = 0;
    let mut last = want.after;
    read.for_each_change(doc, want.after.0, |change| {
        if !wanted.contains(&change.hash) {
            return true;
        }
        bytes += change.body.len() + change.seal.len();
        if bytes > want.bytes_max && !batch.entries.is_empty() {
            batch.next = Some(last);
            return false;
        }
        last = Seq(change.ordinal);
        let sealed = SealedChange {
            seal: &change.seal,
            change: &change.body,
        };
        let (descriptor, body) = (row.key.clone(), sealed.encode());
        batch
            .entries
            .push(entry_of(want.object, last, descriptor, body, &row.unit));
        true
    })?;
    Ok(batch)
}

fn missing_records(read: &Read, want: &Want, scope: &Scope) -> Result<MissingBatch, DbError> {
    let object = want.object;
    let found: Vec<(UnitId, Vec<u8>, hopluu_model::RecordHash)> = match object.kind {
        EntryKind::Record => read
            .records_named(object.object)?
            .into_iter()
            .map(|row| (row.unit, row.body, row.hash))
            .collect(),
        _ => read
            .receipts_named(object.object)?
            .into_iter()
            .map(|row| (row.unit, row.body, row.hash))
            .collect(),
    };
    let entries = found
        .into_iter()
        .filter(|(unit, _, hash)| scope.admits(object.kind, unit) && want.wants(hash.as_bytes()))
        .map(|(unit, body, _)| entry_of(object, Seq(1), Vec::new(), body, &unit))
        .collect();
    Ok(MissingBatch {
        entries,
        next: None,
        unknown: Vec::new(),
    })
}

fn entry_of(
    object: ObjectKey,
    seq: Seq,
    descriptor: Vec<u8>,
    body: Vec<u8>,
    unit: &UnitId,
) -> Entry {
    let ObjectKey { object, kind } = object;
    let unit: UnitId = unit.clone();
    let object: ObjectId = object;
    Entry {
        seq,
        kind,
        object,
        descriptor,
        body,
        unit,
        origin: None,
    }
}
