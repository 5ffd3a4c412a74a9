//! What is read from the store for a peer: the journal, the objects of a comparison, what it lacks.

mod packets;

use std::collections::BTreeMap;

use hopluu_doc::limits::PACKET_CHANGES_MAX;
use hopluu_model::{DocId, EntryKind, NodeId, RecordHash, Seq, UnitId};
use hopluu_store::{DbError, EntryBody, JournalEntry, PeerCheckpoint, Read};
use hopluu_sync::{
    Acked, Checkpoint, Effect, Entry, Event, Item, ItemDigest, JournalBatch, MissingBatch,
    ObjectKey, Received, Scope, Select, ShortHash, ShortKey,
};

use self::packets::{Lot, Row};
use crate::files::{self, FileQuota};
use crate::limits::{
    DECODED_OPS_AT_ONCE, JOURNAL_ENTRIES_MAX, STORED_BYTES_PER_SENT, VOUCHED_BYTES_MAX,
};
use crate::links::EMPTY;

/// An answer, and whether finding it was [work enough](DECODED_OPS_AT_ONCE) for one turn.
pub(crate) struct Answered {
    pub(crate) event: Event,
    pub(crate) is_much: bool,
}

/// Answers an effect that only reads.
pub(crate) fn ask(read: &Read, effect: Effect, quota: FileQuota) -> Result<Answered, DbError> {
    let mut is_much = false;
    let event = event(read, effect, quota, &mut is_much)?;
    Ok(Answered { event, is_much })
}

fn event(
    read: &Read,
    effect: Effect,
    quota: FileQuota,
    is_much: &mut bool,
) -> Result<Event, DbError> {
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
            let gathered = gather(read, after, through, bytes_max, &scope)?;
            *is_much = gathered.0.ops >= DECODED_OPS_AT_ONCE;
            let batch = batch_of(read, gathered)?;
            Ok(Event::JournalRead {
                link,
                ticket,
                batch,
            })
        }
        Effect::ReadWants {
            link,
            ticket,
            after,
            scope,
        } => {
            let wants = files::wants(read, after, &scope, quota)?;
            Ok(Event::WantsRead {
                link,
                ticket,
                wants,
            })
        }
        Effect::ReadPiece {
            link,
            ticket,
            file,
            number,
            begins,
            scope,
        } => {
            let bytes = files::piece(read, file, (number, begins), &scope)?;
            Ok(Event::PieceRead {
                link,
                ticket,
                bytes,
            })
        }
        comparing => compare(read, comparing, is_much),
    }
}

/// Answers an effect of a comparison of two stores.
fn compare(read: &Read, effect: Effect, is_much: &mut bool) -> Result<Event, DbError> {
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
                batch: read_missing(read, &want, &scope, is_much)?,
            }
        }
        // Only effects that read come here; nothing has to happen for any other.
        _ => Event::Woken,
    })
}

pub(crate) fn checkpoint_of(kept: &PeerCheckpoint) -> Checkpoint {
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

/// Reads on beyond the bound only to find what vouches for what was read.
pub(crate) fn read_journal(
    read: &Read,
    after: Seq,
    through: Seq,
    bytes_max: usize,
    scope: &Scope,
) -> Result<JournalBatch, DbError> {
    batch_of(read, gather(read, after, through, bytes_max, scope)?)
}

fn batch_of(
    read: &Read,
    (gathered, through): (Gathered<'_>, Seq),
) -> Result<JournalBatch, DbError> {
    let entries = gathered.finish(read)?;
    Ok(JournalBatch { entries, through })
}

fn gather<'s>(
    read: &Read,
    after: Seq,
    through: Seq,
    bytes_max: usize,
    scope: &'s Scope,
) -> Result<(Gathered<'s>, Seq), DbError> {
    let stored_max = bytes_max.saturating_mul(STORED_BYTES_PER_SENT);
    let batch = read.read_journal(after, JOURNAL_ENTRIES_MAX, stored_max)?;
    let mut gathered = Gathered::new(scope, bytes_max);
    let mut looked_at = batch.through;
    for entry in batch.entries {
        if entry.seq > through {
            break;
        }
        if gathered.is_full() {
            looked_at = Seq(entry.seq.0.saturating_sub(1));
            break;
        }
        gathered.add(read, entry)?;
    }
    if gathered.is_open() && looked_at < through {
        let more = read.read_journal(looked_at, PACKET_CHANGES_MAX, VOUCHED_BYTES_MAX)?;
        for entry in more.entries {
            if !gathered.is_open() || entry.seq > through {
                break;
            }
            looked_at = entry.seq;
            gathered.add(read, entry)?;
        }
    }
    Ok((gathered, looked_at.min(through)))
}

/// Entries of the journal on their way to a peer; changes of one document gather in packets.
struct Gathered<'s> {
    scope: &'s Scope,
    bytes_max: usize,
    /// Operations of all changes so far.
    ops: u64,
    entries: Vec<Entry>,
    /// By document, with the unit and whom it came from: what came from different peers goes to
    /// different peers.
    lots: BTreeMap<DocId, (UnitId, Option<NodeId>, Lot)>,
}

impl<'s> Gathered<'s> {
    fn new(scope: &'s Scope, bytes_max: usize) -> Self {
        Self {
            scope,
            bytes_max,
            ops: 0,
            entries: Vec::new(),
            lots: BTreeMap::new(),
        }
    }

    fn is_open(&self) -> bool {
        self.lots.values().any(|(_, _, lot)| lot.is_open())
    }

    /// Whether what has been gathered is work enough for one read.
    fn is_full(&self) -> bool {
        self.ops >= DECODED_OPS_AT_ONCE && !self.is_open()
    }

    fn add(&mut self, read: &Read, entry: JournalEntry) -> Result<(), DbError> {
        if !self.scope.admits(entry.kind(), &entry.unit) {
            return Ok(());
        }
        let (kind, object) = (entry.kind(), entry.object());
        let (seq, unit, origin) = (entry.seq, entry.unit, entry.origin);
        let body = match entry.body {
            EntryBody::Change {
                doc,
                actor,
                body,
                seal,
                ..
            } => {
                let is_others = |(_, from, _): &(_, _, _)| *from != origin;
                if self.lots.get(&doc).is_some_and(is_others) {
                    self.close(read, doc)?;
                }
                let lot = self.lots.entry(doc);
                let (_, _, lot) = lot.or_insert_with(|| (unit, origin, Lot::default()));
                let before = lot.ops();
                lot.add(Row {
                    seq,
                    actor,
                    seal,
                    body,
                });
                self.ops = self.ops.saturating_add(lot.ops() - before);
                return Ok(());
            }
            EntryBody::Record { body, .. }
            | EntryBody::Receipt { body, .. }
            | EntryBody::Attachment { body, .. } => body,
        };
        self.entries.push(Entry {
            seq,
            kind,
            object,
            descriptor: Vec::new(),
            body,
            unit,
            origin,
        });
        Ok(())
    }

    /// Makes a document's packets. Each stands at the place of its first change: whoever has been sent
    /// everything up to some place has then been sent all changes up to there, and some after it.
    fn close(&mut self, read: &Read, doc: DocId) -> Result<(), DbError> {
        let Some((unit, origin, lot)) = self.lots.remove(&doc) else {
            return Ok(());
        };
        if lot.is_empty() {
            return Ok(());
        }
        let descriptor = read.doc(doc)?.map(|row| row.key).unwrap_or_default();
        let packets = lot.packets(self.bytes_max).into_iter();
        self.entries.extend(packets.map(|(seq, body)| Entry {
            seq,
            kind: EntryKind::Change,
            object: doc.into(),
            descriptor: descriptor.clone(),
            body,
            unit: unit.clone(),
            origin,
        }));
        Ok(())
    }

    fn finish(mut self, read: &Read) -> Result<Vec<Entry>, DbError> {
        let docs: Vec<_> = self.lots.keys().copied().collect();
        for doc in docs {
            self.close(read, doc)?;
        }
        self.entries.sort_by_key(|entry| entry.seq);
        Ok(self.entries)
    }
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
            let changes = read.change_heads(DocId::from(object.object))?;
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

fn read_missing(
    read: &Read,
    want: &Want,
    scope: &Scope,
    is_much: &mut bool,
) -> Result<MissingBatch, DbError> {
    let object = want.object;
    let found = match object.kind {
        EntryKind::Change => missing_changes(read, want, scope, is_much)?,
        EntryKind::Record | EntryKind::Receipt => missing_records(read, want, scope)?,
        EntryKind::Attachment => Some(MissingBatch::default()),
    };
    // Of what is not the peer's to know it is not told either which of its guesses are right.
    let Some(mut batch) = found else {
        return Ok(MissingBatch::default());
    };
    if let (Select::Except(held), Seq(0)) = (&want.select, want.after) {
        let mut ours = hashes(read, object, &want.key)?;
        ours.sort_unstable();
        let is_unknown = |short: &&ShortHash| ours.binary_search(*short).is_err();
        batch.unknown = held.iter().filter(is_unknown).copied().collect();
    }
    Ok(batch)
}

/// Nothing where the document is out of scope.
fn missing_changes(
    read: &Read,
    want: &Want,
    scope: &Scope,
    is_much: &mut bool,
) -> Result<Option<MissingBatch>, DbError> {
    let doc = DocId::from(want.object.object);
    let mut batch = MissingBatch::default();
    let Some(row) = read.doc(doc)? else {
        return Ok(Some(batch));
    };
    if !scope.admits(EntryKind::Change, &row.unit) {
        return Ok(None);
    }
    let stored_max = want.bytes_max.saturating_mul(STORED_BYTES_PER_SENT);
    let (mut bytes, mut last) = (0, want.after);
    let mut lot = Lot::default();
    read.for_each_change(doc, want.after.0, |change| {
        if !want.wants(change.hash.as_bytes()) && !lot.awaits(&change.actor) {
            return true;
        }
        bytes += change.body.len() + change.seal.len();
        let is_much = bytes > stored_max || lot.ops() >= DECODED_OPS_AT_ONCE;
        if is_much && !lot.is_empty() && !lot.is_open() {
            batch.next = Some(last);
            return false;
        }
        last = Seq(change.ordinal);
        lot.add(Row {
            seq: last,
            actor: change.actor,
            seal: change.seal,
            body: change.body,
        });
        true
    })?;
    *is_much = lot.ops() >= DECODED_OPS_AT_ONCE;
    let packets = lot.packets(want.bytes_max).into_iter();
    let entries =
        packets.map(|(seq, body)| entry_of(want.object, seq, row.key.clone(), body, &row.unit));
    batch.entries.extend(entries);
    Ok(Some(batch))
}

/// Nothing where what has that name is out of scope.
fn missing_records(
    read: &Read,
    want: &Want,
    scope: &Scope,
) -> Result<Option<MissingBatch>, DbError> {
    let object = want.object;
    let mut found: Vec<(UnitId, Vec<u8>, RecordHash)> = match object.kind {
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
    let is_held = !found.is_empty();
    found.retain(|(unit, ..)| scope.admits(object.kind, unit));
    if is_held && found.is_empty() {
        return Ok(None);
    }
    let entries = found
        .into_iter()
        .filter(|(_, _, hash)| want.wants(hash.as_bytes()))
        .map(|(unit, body, _)| entry_of(object, Seq(1), Vec::new(), body, &unit))
        .collect();
    Ok(Some(MissingBatch {
        entries,
        ..MissingBatch::default()
    }))
}

fn entry_of(
    object: ObjectKey,
    seq: Seq,
    descriptor: Vec<u8>,
    body: Vec<u8>,
    unit: &UnitId,
) -> Entry {
    Entry {
        seq,
        kind: object.kind,
        object: object.object,
        descriptor,
        body,
        unit: unit.clone(),
        origin: None,
    }
}
