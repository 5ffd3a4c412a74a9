//! What is read from the store for a peer: the journal, the objects of a comparison, what it lacks.

use std::collections::BTreeMap;

use hopluu_model::{DocId, EntryKind, RecordHash, Seq, UnitId};
use hopluu_store::{DbError, EntryBody, PeerCheckpoint, Read};
use hopluu_sync::{
    Acked, Checkpoint, Effect, Entry, Event, Item, ItemDigest, JournalBatch, MissingBatch,
    ObjectKey, Received, Scope, Select, ShortHash, ShortKey,
};

use crate::admit::SealedChange;
use crate::limits::JOURNAL_ENTRIES_MAX;
use crate::links::EMPTY;

/// Answers an effect that only reads.
pub(crate) fn ask(read: &Read, effect: Effect) -> Result<Event, DbError> {
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

pub(crate) fn read_journal(
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
        let Some(carried) = carried(read, entry.body, &mut descriptors)? else {
            continue;
        };
        let (seq, unit, origin) = (entry.seq, entry.unit, entry.origin);
        entries.push(Entry {
            seq,
            kind,
            object,
            descriptor: carried.descriptor,
            body: carried.body,
            unit,
            origin,
        });
    }
    Ok(JournalBatch {
        entries,
        through: batch.through.min(through),
    })
}

/// What travels of an entry.
struct Carried {
    /// Which object it is of, where the id does not say it.
    descriptor: Vec<u8>,
    body: Vec<u8>,
}

/// What travels of an entry: nothing of a change without a seal, because who needs it makes it.
fn carried(
    read: &Read,
    body: EntryBody,
    descriptors: &mut BTreeMap<DocId, Vec<u8>>,
) -> Result<Option<Carried>, DbError> {
    let alone = |body| Carried {
        descriptor: Vec::new(),
        body,
    };
    Ok(Some(match body {
        EntryBody::Change { seal, .. } if seal.is_empty() => return Ok(None),
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
            let sealed = SealedChange {
                seal: &seal,
                change: &body,
            };
            let body = sealed.encode();
            Carried { descriptor, body }
        }
        EntryBody::Record { body, .. }
        | EntryBody::Receipt { body, .. }
        | EntryBody::Attachment { body, .. } => alone(body),
    }))
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

fn read_missing(read: &Read, want: &Want, scope: &Scope) -> Result<MissingBatch, DbError> {
    let object = want.object;
    let found = match object.kind {
        EntryKind::Change => missing_changes(read, want, scope)?,
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
) -> Result<Option<MissingBatch>, DbError> {
    let doc = DocId::from(want.object.object);
    let mut batch = MissingBatch::default();
    let Some(row) = read.doc(doc)? else {
        return Ok(Some(batch));
    };
    if !scope.admits(EntryKind::Change, &row.unit) {
        return Ok(None);
    }
    let mut bytes = 0;
    let mut last = want.after;
    read.for_each_change(doc, want.after.0, |change| {
        if change.seal.is_empty() || !want.wants(change.hash.as_bytes()) {
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
