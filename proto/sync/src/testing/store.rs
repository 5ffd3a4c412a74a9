//! A store in memory that performs effects to the letter.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{EntryKind, NodeId, ObjectId, Seq, UnitId};

use super::files::Held;
use super::readers::{closed, code_of};
use super::unit;
use crate::limits::LOOK_AHEAD_MAX;
use crate::{
    Ahead, Checkpoint, Class, Entry, FileId, Incoming, Item, ItemDigest, JournalBatch,
    MissingBatch, NewEntry, News, ObjectKey, Owed, Refusal, RefusalCode, Scope, Select, ShortKey,
    in_turn, reach,
};

/// What a store keeps. A clone is a backup.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) journal: Vec<Entry>,
    pub(crate) checkpoints: BTreeMap<NodeId, Checkpoint>,
    pub(crate) files: BTreeMap<FileId, Held>,
    /// Who has said to have which file.
    pub(crate) holders: BTreeSet<(FileId, NodeId)>,
    /// As written, beside the checkpoints.
    pub(crate) ahead: BTreeMap<NodeId, Vec<u8>>,
}

/// What a body says of itself: `submit`, `text`, or figures due in so many days.
fn urgency(kind: EntryKind, body: &[u8]) -> (Class, u32) {
    let text = String::from_utf8_lossy(body.get(..12).unwrap_or(body)).into_owned();
    let due = text
        .strip_prefix("due ")
        .and_then(|due| due.split(' ').next());
    match kind {
        EntryKind::Change if text.starts_with("submit") => (Class::Urgent, 0),
        EntryKind::Change if text.starts_with("text") => (Class::Texts, 0),
        kind => (
            Class::of_kind(kind),
            due.and_then(|due| due.parse().ok()).unwrap_or(30),
        ),
    }
}

pub(super) fn hash(body: &[u8]) -> [u8; 32] {
    *blake3::hash(body).as_bytes()
}

impl Store {
    pub(crate) fn last(&self) -> Seq {
        Seq(self.journal.len() as u64)
    }

    pub(crate) fn bodies(&self) -> BTreeSet<Vec<u8>> {
        self.journal
            .iter()
            .map(|entry| entry.body.clone())
            .collect()
    }

    /// What has come since a place.
    pub(crate) fn news(&self, after: Seq) -> News {
        let new = self.journal.iter().filter(|entry| entry.seq > after);
        let entries = new.map(|entry| NewEntry {
            kind: entry.kind,
            unit: entry.unit.clone(),
            closed: entry.closed.clone(),
            origin: entry.origin,
        });
        News {
            after,
            entries: entries.collect(),
        }
    }

    fn has(&self, body: &[u8]) -> bool {
        self.journal.iter().any(|entry| entry.body == body)
    }

    pub(crate) fn put(&mut self, kind: EntryKind, name: &str, unit_of: &str, body: &[u8]) {
        let object = ObjectId(hash(name.as_bytes())[..16].try_into().unwrap());
        self.append(Entry {
            seq: Seq(0),
            kind,
            object,
            descriptor: unit_of.as_bytes().to_vec(),
            body: body.to_vec(),
            class: urgency(kind, body).0,
            unit: unit(code_of(unit_of)),
            closed: closed(unit_of.as_bytes()),
            origin: None,
        });
    }

    fn append(&mut self, mut entry: Entry) {
        entry.seq = self.last().next();
        self.journal.push(entry);
    }

    pub(super) fn apply(
        &mut self,
        peer: NodeId,
        entries: Vec<Incoming>,
        bad: &[u8],
        refuses: Option<RefusalCode>,
    ) -> Vec<Refusal> {
        let mut refused = Vec::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let text = String::from_utf8(entry.descriptor.clone()).unwrap_or_default();
            let unit = format!("{}@2024-05-01", code_of(&text)).parse::<UnitId>();
            let closed = closed(&entry.descriptor);
            let code = match unit {
                _ if refuses.is_some() => refuses.unwrap_or(RefusalCode::BUDGET),
                Err(_) => RefusalCode::MALFORMED,
                Ok(_) if !bad.is_empty() && entry.body == bad => RefusalCode::SIGNATURE,
                Ok(_) if self.has(&entry.body) => continue,
                Ok(unit) => {
                    self.append(Entry {
                        seq: Seq(0),
                        kind: entry.kind,
                        object: entry.object,
                        descriptor: entry.descriptor,
                        class: urgency(entry.kind, &entry.body).0,
                        body: entry.body,
                        unit,
                        closed,
                        origin: Some(peer),
                    });
                    continue;
                }
            };
            let index = u32::try_from(index).unwrap();
            refused.push(Refusal { index, code });
        }
        refused
    }

    pub(super) fn read(
        &self,
        (after, through): (Seq, Seq),
        bytes_max: usize,
        scope: &Scope,
        (ahead, least): (&Ahead, Class),
    ) -> JournalBatch {
        let stretch = self.journal.iter();
        let stretch = stretch.filter(|entry| entry.seq > after && entry.seq <= through);
        let stretch: Vec<&Entry> = stretch.take(LOOK_AHEAD_MAX).collect();
        let looked_at = stretch.last().map_or(after, |entry| entry.seq);
        let is_owed = |entry: &&&Entry| {
            scope.admits(entry.kind, &entry.unit, entry.closed.as_deref())
                && entry.origin != Some(scope.peer().node)
                && !ahead.contains(entry.seq)
        };
        let owed = |entry: &&Entry| Owed {
            seq: entry.seq,
            object: entry.object,
            class: entry.class,
            due_days: urgency(entry.kind, &entry.body).1,
        };
        let owed: Vec<Owed> = stretch.iter().filter(is_owed).map(owed).collect();
        let (mut entries, mut taken, mut bytes) = (Vec::new(), BTreeSet::new(), 0);
        for seq in in_turn(&owed, least) {
            let entry = stretch.iter().find(|entry| entry.seq == seq).unwrap();
            bytes += entry.body.len();
            if bytes > bytes_max && !taken.is_empty() {
                break;
            }
            taken.insert(seq);
            entries.push((*entry).clone());
        }
        let (through, ahead) = reach(&owed, &taken, looked_at);
        JournalBatch {
            entries,
            through,
            ahead,
        }
    }

    fn objects(&self, scope: &Scope) -> BTreeMap<ObjectKey, BTreeSet<[u8; 32]>> {
        let mut objects: BTreeMap<ObjectKey, BTreeSet<[u8; 32]>> = BTreeMap::new();
        for entry in &self.journal {
            if scope.admits(entry.kind, &entry.unit, entry.closed.as_deref()) {
                let key = ObjectKey {
                    object: entry.object,
                    kind: entry.kind,
                };
                objects.entry(key).or_default().insert(hash(&entry.body));
            }
        }
        objects
    }

    pub(super) fn items(&self, scope: &Scope) -> Vec<Item> {
        let objects = self.objects(scope).into_iter();
        let item = |(key, hashes): (ObjectKey, BTreeSet<[u8; 32]>)| Item {
            key,
            digest: ItemDigest::of(&hashes.into_iter().collect::<Vec<_>>().concat()),
        };
        objects.map(item).collect()
    }

    pub(super) fn missing(
        &self,
        key: ObjectKey,
        select: &Select,
        after: Seq,
        bytes_max: usize,
        (short, scope): (ShortKey, &Scope),
    ) -> MissingBatch {
        let of_object: Vec<&Entry> = self
            .journal
            .iter()
            .filter(|entry| entry.object == key.object && entry.kind == key.kind)
            .filter(|entry| scope.admits(entry.kind, &entry.unit, entry.closed.as_deref()))
            .collect();
        let shorten = |entry: &Entry| short.shorten(&hash(&entry.body));
        let held: BTreeSet<_> = of_object.iter().map(|entry| shorten(entry)).collect();
        let (mut batch, mut bytes) = (
            MissingBatch {
                entries: Vec::new(),
                next: None,
                unknown: Vec::new(),
            },
            0,
        );
        for entry in of_object {
            let is_wanted = match select {
                Select::Except(hashes) => !hashes.contains(&shorten(entry)),
                Select::Only(hashes) => hashes.contains(&shorten(entry)),
            };
            if entry.seq <= after || !is_wanted {
                continue;
            }
            bytes += entry.body.len();
            if bytes > bytes_max && !batch.entries.is_empty() {
                batch.next = batch.entries.last().map(|entry: &Entry| entry.seq);
                break;
            }
            batch.entries.push(entry.clone());
        }
        if let (Select::Except(hashes), Seq(0)) = (select, after) {
            let unknown = hashes.iter().filter(|hash| !held.contains(*hash));
            batch.unknown = unknown.copied().collect();
        }
        batch
    }
}
