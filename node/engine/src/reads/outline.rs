//! The end of the journal without its content, in memory. At the deadline hour each commune that comes back is behind
//! by what all the others have brought, and next to nothing of that is for it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hopluu_model::{EntryKind, NodeId, ObjectId, Seq, UnitId};
use hopluu_store::{DbError, OutlineRow, Read};
use hopluu_sync::{NewEntry, News};

use crate::limits::{NEWS_MAX, OUTLINE_KEPT_MAX};
use crate::registry::closed;

/// The last entries of the journal, as they were when they came. One that was superseded since may still be here:
/// whoever loads it finds nothing.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// All after this place is here ..
    after: Seq,
    /// .. as far as this one.
    through: Seq,
    rows: VecDeque<Kept>,
    units: Numbered<UnitId>,
    nodes: Numbered<NodeId>,
    closed: Numbered<Vec<u8>>,
}

#[derive(Debug)]
struct Kept {
    seq: Seq,
    object: ObjectId,
    unit: u32,
    origin: Option<u32>,
    /// The key of its document, where that is in a compartment.
    closed: Option<u32>,
    kind: EntryKind,
    class: u8,
}

/// A place of the journal, without its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlined<'r> {
    pub(crate) seq: Seq,
    pub(crate) kind: EntryKind,
    pub(crate) object: ObjectId,
    pub(crate) unit: &'r UnitId,
    /// The key of its document, where that is in a compartment.
    pub(crate) closed: Option<&'r [u8]>,
    pub(crate) origin: Option<NodeId>,
    pub(crate) class: u8,
}

impl<'r> From<OutlineRow<'r>> for Outlined<'r> {
    fn from(row: OutlineRow<'r>) -> Self {
        Self {
            seq: row.seq,
            kind: row.kind,
            object: row.object,
            unit: row.unit,
            closed: closed(row.kind, row.key),
            origin: row.origin,
            class: row.class,
        }
    }
}

impl Outline {
    /// The place after which all is here.
    pub(crate) fn after(&self) -> Seq {
        self.after
    }

    /// The place through which all is here.
    pub(crate) fn through(&self) -> Seq {
        self.through
    }

    /// Takes what the journal has grown by. What it cannot read it takes the next time.
    pub(crate) fn catch_up(&mut self, read: &Read) -> Result<(), DbError> {
        if self.closed.len() > OUTLINE_KEPT_MAX {
            // Keys of documents of which nothing may be here any more.
            *self = Self {
                after: self.through,
                through: self.through,
                ..Self::default()
            };
        }
        let last = read.last_seq()?;
        let kept = u64::try_from(OUTLINE_KEPT_MAX).unwrap_or(u64::MAX);
        let first = Seq(last.0.saturating_sub(kept));
        if self.through < first {
            self.rows.clear();
            (self.after, self.through) = (first, first);
        }
        if self.through < last {
            read.journal_outline(self.through, last, usize::MAX, |row| {
                self.keep(&Outlined::from(row));
            })?;
            self.through = last;
        }
        Ok(())
    }

    fn keep(&mut self, row: &Outlined<'_>) {
        if self.rows.len() >= OUTLINE_KEPT_MAX
            && let Some(oldest) = self.rows.pop_front()
        {
            self.after = oldest.seq;
        }
        self.rows.push_back(Kept {
            seq: row.seq,
            object: row.object,
            unit: self.units.number(row.unit),
            origin: row.origin.map(|node| self.nodes.number(&node)),
            closed: row.closed.map(|key| self.closed.number(&key.to_vec())),
            kind: row.kind,
            class: row.class,
        });
        self.through = row.seq;
    }

    /// What lies after one place and through another, which are [here](Self::holds), of units that concern somebody;
    /// at most so many entries are looked at. Answers the last place that was.
    pub(crate) fn each(
        &self,
        (after, through): (Seq, Seq),
        entries_max: usize,
        concerns: impl Fn(&UnitId) -> bool,
        mut each: impl FnMut(Outlined<'_>),
    ) -> Seq {
        // Each unit is asked about once: it comes again with every save and every receipt.
        let mut known = vec![None; self.units.len()];
        let first = self.rows.partition_point(|row| row.seq <= after);
        let mut rows = self.rows.range(first..);
        let mut looked_at = after;
        for row in rows.by_ref().take(entries_max) {
            if row.seq > through {
                return through;
            }
            looked_at = row.seq;
            let (Some(unit), Some(known)) = (self.units.get(row.unit), slot(&mut known, row.unit))
            else {
                continue;
            };
            if *known.get_or_insert_with(|| concerns(unit)) {
                each(Outlined {
                    seq: row.seq,
                    kind: row.kind,
                    object: row.object,
                    unit,
                    closed: row
                        .closed
                        .map(|key| self.closed.get(key).map_or(&[][..], Vec::as_slice)),
                    origin: row.origin.and_then(|node| self.nodes.get(node)).copied(),
                    class: row.class,
                });
            }
        }
        if rows.next().is_none_or(|row| row.seq > through) {
            through
        } else {
            looked_at
        }
    }

    /// The last place of a document that this node itself has written; 0 where none is here.
    pub(crate) fn last_own(&self, object: ObjectId) -> Seq {
        let mut rows = self.rows.iter().rev();
        let own = rows.find(|row| {
            row.object == object && row.origin.is_none() && row.kind == EntryKind::Change
        });
        own.map_or(Seq(0), |row| row.seq)
    }

    /// Whether all after one place and through another is here.
    pub(crate) fn holds(&self, after: Seq, through: Seq) -> bool {
        self.after <= after && through <= self.through
    }

    /// What came after a place, where that is little.
    pub(crate) fn news(&self, after: Seq) -> Option<News> {
        let places = self.through.0.saturating_sub(after.0);
        let is_little = usize::try_from(places).is_ok_and(|places| places <= NEWS_MAX);
        if !is_little || !self.holds(after, self.through) {
            return None;
        }
        let mut entries = Vec::new();
        let all = (after, self.through);
        self.each(
            all,
            NEWS_MAX,
            |_| true,
            |row| {
                entries.push(NewEntry {
                    kind: row.kind,
                    unit: row.unit.clone(),
                    closed: row.closed.map(<[u8]>::to_vec),
                    origin: row.origin,
                });
            },
        );
        let entries = Arc::from(entries);
        Some(News { after, entries })
    }
}

/// Values that come again and again, each by a small number.
#[derive(Debug)]
struct Numbered<T> {
    numbers: BTreeMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            numbers: BTreeMap::new(),
            values: Vec::new(),
        }
    }
}

impl<T: Ord + Clone> Numbered<T> {
    fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("a tree has fewer units and nodes");
        self.numbers.insert(value.clone(), number);
        self.values.push(value.clone());
        number
    }

    fn get(&self, number: u32) -> Option<&T> {
        self.values.get(usize::try_from(number).ok()?)
    }

    fn len(&self) -> usize {
        self.values.len()
    }
}

fn slot<T>(list: &mut [T], number: u32) -> Option<&mut T> {
    list.get_mut(usize::try_from(number).ok()?)
}

#[cfg(test)]
mod tests;
