//! What is read from the store for a peer: the journal, the objects of a comparison, what it lacks.

mod journal;
mod outline;
mod packets;

use hopluu_doc::DocKey;
use hopluu_model::{DocId, EntryKind, RecordHash, Seq, UnitId};
use hopluu_store::{DbError, DocRow, PeerCheckpoint, Read};
use hopluu_sync::{
    Acked, Ahead, Checkpoint, Class, Effect, Entry, Event, Item, ItemDigest, MissingBatch,
    ObjectKey, Received, Scope, Select, ShortHash, ShortKey,
};

pub(crate) use self::journal::Stretch;
pub(crate) use self::outline::Outline;
use self::packets::{Lot, Row};
use crate::files::{self, FileQuota};
use crate::limits::{DECODED_OPS_AT_ONCE, STORED_BYTES_PER_SENT};
use crate::links::EMPTY;
use crate::registry::closed;

/// An answer, and whether finding it was [work enough](DECODED_OPS_AT_ONCE) for one turn.
pub(crate) struct Answered {
    pub(crate) event: Event,
    pub(crate) is_much: bool,
}

/// What of the node an answer takes, beside its store.
pub(crate) struct Known<'k> {
    pub(crate) outline: &'k Outline,
    pub(crate) quota: FileQuota,
    /// Of a document, how far away its date is.
    pub(crate) due_days: &'k dyn Fn(&DocRow) -> u32,
}

/// Answers an effect that only reads.
pub(crate) fn ask(read: &Read, effect: Effect, known: &Known<'_>) -> Result<Answered, DbError> {
    let mut is_much = false;
    let event = event(read, effect, known, &mut is_much)?;
    Ok(Answered { event, is_much })
}

/// All of a document in packets of about so many bytes, each after those that it builds upon.
pub(crate) fn packed_whole(
    read: &Read,
    doc: DocId,
    bytes_max: usize,
) -> Result<Vec<Vec<u8>>, DbError> {
    let (mut packets, mut lot, mut bytes) = (Vec::new(), Lot::default(), 0);
    let stored_max = bytes_max.saturating_mul(STORED_BYTES_PER_SENT);
    let pack = |lot: Lot| lot.packets(bytes_max).into_iter().map(|(_, packet)| packet);
    read.for_each_change(doc, 0, |row| {
        let is_much = bytes > stored_max || lot.ops() >= DECODED_OPS_AT_ONCE;
        if is_much && !lot.is_open() {
            packets.extend(pack(std::mem::take(&mut lot)));
            bytes = 0;
        }
        bytes += row.body.len() + row.seal.len();
        lot.add(Row {
            seq: Seq(row.ordinal),
            actor: row.actor,
            seal: row.seal,
            body: row.body,
        });
        true
    })?;
    packets.extend(pack(lot));
    Ok(packets)
}

fn event(
    read: &Read,
    effect: Effect,
    known: &Known<'_>,
    is_much: &mut bool,
) -> Result<Event, DbError> {
    match effect {
        Effect::LoadCheckpoint { link, ticket, peer } => {
            let row = read.peer(peer)?;
            let ahead = row.as_ref().map(|row| Ahead::decode(&row.ahead));
            let kept = row.and_then(|row| row.checkpoint).unwrap_or(EMPTY);
            Ok(Event::CheckpointLoaded {
                link,
                ticket,
                checkpoint: checkpoint_of(&kept),
                ahead: ahead.unwrap_or_default(),
            })
        }
        Effect::ReadJournal {
            link,
            ticket,
            after,
            through,
            ahead,
            least,
            bytes_max,
            scope,
        } => {
            let stretch = Stretch {
                after,
                through,
                ahead,
                scope: &scope,
                outline: Some(known.outline),
            };
            let (batch, ops) = stretch.read(read, bytes_max, least, known.due_days)?;
            *is_much = ops >= DECODED_OPS_AT_ONCE;
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
            let wants = files::wants(read, after, &scope, known.quota)?;
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

fn read_items(read: &Read, scope: &Scope) -> Result<Vec<Item>, DbError> {
    let mut items = Vec::new();
    read.for_each_item(|row| {
        if scope.admits(row.kind, row.unit, closed(row.kind, row.key)) {
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
    if !scope.admits(EntryKind::Change, &row.unit, DocKey::closed(&row.key)) {
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
    let entries = packets.map(|(seq, body)| Entry {
        descriptor: row.key.clone(),
        closed: DocKey::closed(&row.key).map(<[u8]>::to_vec),
        ..entry_of(want.object, seq, body, &row.unit)
    });
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
    let mut found: Vec<Named> = match object.kind {
        EntryKind::Record => {
            let rows = read.records_named(object.object)?.into_iter();
            let named = rows.map(|row| Named {
                unit: row.unit,
                closed: None,
                body: row.body,
                hash: row.hash,
            });
            named.collect()
        }
        _ => {
            let rows = read.receipts_named(object.object)?.into_iter();
            let named = rows.map(|row| {
                let key = read.doc_key(row.doc)?.unwrap_or_default();
                Ok(Named {
                    unit: row.unit,
                    closed: DocKey::closed(&key).map(<[u8]>::to_vec),
                    body: row.body,
                    hash: row.hash,
                })
            });
            named.collect::<Result<_, DbError>>()?
        }
    };
    let is_held = !found.is_empty();
    found.retain(|one| scope.admits(object.kind, &one.unit, one.closed.as_deref()));
    if is_held && found.is_empty() {
        return Ok(None);
    }
    let entries = found
        .into_iter()
        .filter(|one| want.wants(one.hash.as_bytes()))
        .map(|one| Entry {
            closed: one.closed,
            ..entry_of(object, Seq(1), one.body, &one.unit)
        })
        .collect();
    Ok(Some(MissingBatch {
        entries,
        ..MissingBatch::default()
    }))
}

/// A record or receipt of a name.
struct Named {
    unit: UnitId,
    closed: Option<Vec<u8>>,
    body: Vec<u8>,
    hash: RecordHash,
}

fn entry_of(object: ObjectKey, seq: Seq, body: Vec<u8>, unit: &UnitId) -> Entry {
    Entry {
        seq,
        kind: object.kind,
        object: object.object,
        descriptor: Vec::new(),
        body,
        class: Class::of_kind(object.kind),
        unit: unit.clone(),
        closed: None,
        origin: None,
    }
}
