//! A stretch of the journal on its way to a peer: what goes first, gathered in packets.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_doc::DocKey;
use hopluu_doc::limits::PACKET_CHANGES_MAX;
use hopluu_model::{DocId, EntryKind, NodeId, ObjectId, Seq, UnitId};
use hopluu_store::{DbError, DocRow, EntryBody, JournalEntry, Read};
use hopluu_sync::limits::LOOK_AHEAD_MAX;
use hopluu_sync::{Ahead, Class, Entry, JournalBatch, Owed, Scope, in_turn, reach};

use super::outline::{Outline, Outlined};
use super::packets::{Lot, Row};
use crate::limits::{
    DECODED_OPS_AT_ONCE, JOURNAL_ENTRIES_MAX, STORED_BYTES_PER_SENT, VOUCHED_BYTES_MAX,
};

/// What of the journal may go to a peer.
#[derive(Debug)]
pub(crate) struct Stretch<'s> {
    pub(crate) after: Seq,
    pub(crate) through: Seq,
    /// What has gone already.
    pub(crate) ahead: Ahead,
    pub(crate) scope: &'s Scope,
    /// What of the journal is in memory; none for who reads beside the loop.
    pub(crate) outline: Option<&'s Outline>,
}

impl Stretch<'_> {
    /// The most urgent of it, packets of so many bytes together, about; and how many operations were decoded
    /// for it.
    pub(crate) fn read(
        &self,
        read: &Read,
        bytes_max: usize,
        least: Class,
        due_days: &dyn Fn(&DocRow) -> u32,
    ) -> Result<(JournalBatch, u64), DbError> {
        let (mut owed, looked_at) = self.owed(read, LOOK_AHEAD_MAX)?;
        let mut dates = BTreeMap::new();
        for entry in owed
            .iter_mut()
            .filter(|entry| entry.class == Class::Figures)
        {
            let days = match dates.get(&entry.object) {
                Some(days) => *days,
                None => read
                    .doc(entry.object.into())?
                    .map_or(u32::MAX, |row| due_days(&row)),
            };
            dates.insert(entry.object, days);
            entry.due_days = days;
        }
        self.take(read, &owed, in_turn(&owed, least), looked_at, bytes_max)
    }

    /// The next of it in its own order.
    pub(crate) fn read_in_order(
        &self,
        read: &Read,
        bytes_max: usize,
    ) -> Result<JournalBatch, DbError> {
        let (owed, looked_at) = self.owed(read, JOURNAL_ENTRIES_MAX)?;
        let order = owed.iter().map(|entry| entry.seq).collect();
        let (batch, _ops) = self.take(read, &owed, order, looked_at, bytes_max)?;
        Ok(batch)
    }

    /// What the peer lacks of it, and how far was looked. What is older than what is in memory is looked through by
    /// itself: whoever reads goes on after it.
    pub(crate) fn owed(&self, read: &Read, places_max: usize) -> Result<(Vec<Owed>, Seq), DbError> {
        let mut owed = Vec::new();
        let (after, through) = (self.after, self.through);
        let mut each = |row: Outlined<'_>| owed.extend(self.lacks(&row));
        let looked_at = match self.outline {
            Some(outline) if outline.holds(after, through) => {
                let concerns = |unit: &UnitId| self.scope.concerns(unit);
                outline.each((after, through), places_max, concerns, each)
            }
            Some(outline) if after < outline.after() => {
                let end = through.min(outline.after());
                read.journal_outline(after, end, places_max, |row| each(row.into()))?
            }
            _ => read.journal_outline(after, through, places_max, |row| each(row.into()))?,
        };
        Ok((owed, looked_at))
    }

    fn lacks(&self, row: &Outlined<'_>) -> Option<Owed> {
        let goes = row.origin != Some(self.scope.peer().node)
            && self.scope.admits(row.kind, row.unit, row.closed)
            && !self.ahead.contains(row.seq);
        goes.then(|| Owed {
            seq: row.seq,
            object: row.object,
            class: class_of(row.class, row.kind),
            due_days: 0,
        })
    }

    fn take(
        &self,
        read: &Read,
        owed: &[Owed],
        order: Vec<Seq>,
        looked_at: Seq,
        bytes_max: usize,
    ) -> Result<(JournalBatch, u64), DbError> {
        let rank: BTreeMap<Seq, usize> = order.iter().copied().zip(0..).collect();
        let stored_max = bytes_max.saturating_mul(STORED_BYTES_PER_SENT);
        let mut gathered = Gathered::new(bytes_max);
        let (mut taken, mut bytes) = (BTreeSet::new(), 0);
        for seq in order.into_iter().take(JOURNAL_ENTRIES_MAX) {
            let entry = read.journal_entry(seq)?;
            bytes += entry.as_ref().map_or(0, JournalEntry::bytes);
            if (bytes > stored_max && !taken.is_empty()) || gathered.is_full() {
                break;
            }
            taken.insert(seq);
            if let Some(entry) = entry {
                gathered.add(read, entry)?;
            }
        }
        self.take_vouching(read, &mut gathered, &mut taken)?;
        let (through, ahead) = reach(owed, &taken, looked_at);
        let ops = gathered.ops;
        let mut entries = gathered.finish(read)?;
        entries.sort_by_key(|entry| rank.get(&entry.seq).copied().unwrap_or(usize::MAX));
        for entry in &mut entries {
            if let Ok(at) = owed.binary_search_by_key(&entry.seq, |owed| owed.seq) {
                entry.class = owed.get(at).map_or(entry.class, |owed| owed.class);
            }
        }
        let batch = JournalBatch {
            entries,
            through,
            ahead,
        };
        Ok((batch, ops))
    }

    /// Reads on beyond what was taken only to find what vouches for it. It came in one packet with that, so it is not
    /// far.
    fn take_vouching(
        &self,
        read: &Read,
        gathered: &mut Gathered,
        taken: &mut BTreeSet<Seq>,
    ) -> Result<(), DbError> {
        let open = gathered.open();
        let Some(after) = open.values().min().copied() else {
            return Ok(());
        };
        let mut places = Vec::new();
        let places_max = taken.len() + PACKET_CHANGES_MAX;
        read.journal_outline(after, self.through, places_max, |row| {
            let is_open = open.get(&row.object).is_some_and(|last| row.seq > *last);
            let is_here = taken.contains(&row.seq) || self.ahead.contains(row.seq);
            let is_foreign = row.origin != Some(self.scope.peer().node);
            if is_open && !is_here && is_foreign && row.kind == EntryKind::Change {
                places.push((row.seq, row.object));
            }
        })?;
        let mut bytes = 0;
        for (seq, object) in places {
            if bytes <= VOUCHED_BYTES_MAX
                && gathered.is_open(object)
                && let Some(entry) = read.journal_entry(seq)?
            {
                bytes += entry.bytes();
                taken.insert(seq);
                gathered.add(read, entry)?;
            }
        }
        Ok(())
    }
}

/// The class that was stored, or that of the kind where none was.
fn class_of(number: u8, kind: EntryKind) -> Class {
    Class::from_number(number).unwrap_or(Class::of_kind(kind))
}

/// Entries of the journal on their way to a peer; changes of one document gather in packets.
struct Gathered {
    bytes_max: usize,
    /// Operations of all changes so far.
    ops: u64,
    entries: Vec<Entry>,
    /// By document, with the unit and whom it came from: what came from different peers goes to
    /// different peers.
    lots: BTreeMap<DocId, (UnitId, Option<NodeId>, Lot)>,
}

impl Gathered {
    fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            ops: 0,
            entries: Vec::new(),
            lots: BTreeMap::new(),
        }
    }

    /// The documents of which something still lacks what vouches for it, with the last place read of each.
    fn open(&self) -> BTreeMap<ObjectId, Seq> {
        let lots = self.lots.iter();
        lots.filter(|(_, (_, _, lot))| lot.is_open())
            .filter_map(|(doc, (_, _, lot))| Some(((*doc).into(), lot.last()?)))
            .collect()
    }

    /// Whether what has been gathered is work enough for one read.
    fn is_full(&self) -> bool {
        self.ops >= DECODED_OPS_AT_ONCE && self.open().is_empty()
    }

    fn is_open(&self, object: ObjectId) -> bool {
        let lot = self.lots.get(&object.into());
        lot.is_some_and(|(_, _, lot)| lot.is_open())
    }

    fn add(&mut self, read: &Read, entry: JournalEntry) -> Result<(), DbError> {
        let (kind, object) = (entry.kind(), entry.object());
        let (seq, unit, origin) = (entry.seq, entry.unit, entry.origin);
        let mut closed = None;
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
            EntryBody::Receipt { doc, body, .. } => {
                let key = read.doc_key(doc)?.unwrap_or_default();
                closed = DocKey::closed(&key).map(<[u8]>::to_vec);
                body
            }
            EntryBody::Record { body, .. } | EntryBody::Attachment { body, .. } => body,
        };
        self.entries.push(Entry {
            seq,
            kind,
            object,
            descriptor: Vec::new(),
            body,
            class: Class::of_kind(kind),
            unit,
            closed,
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
            class: Class::Figures,
            unit: unit.clone(),
            closed: DocKey::closed(&descriptor).map(<[u8]>::to_vec),
            origin,
        }));
        Ok(())
    }

    fn finish(mut self, read: &Read) -> Result<Vec<Entry>, DbError> {
        let docs: Vec<_> = self.lots.keys().copied().collect();
        for doc in docs {
            self.close(read, doc)?;
        }
        Ok(self.entries)
    }
}
