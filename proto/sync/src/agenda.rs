//! What goes first: submissions before figures, what is due soon before what is due later, texts after both.
//!
//! A journal is read in its order, because a position then says in one number what a peer has. What is more
//! urgent may overtake within a bounded stretch of it, and never within one document: a change goes with
//! what came before it there, so that nothing arrives before what it builds upon (docs/adr/0015).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_model::{EntryKind, ObjectId, Seq};
use serde::{Deserialize, Serialize};

use crate::limits::LOOK_AHEAD_MAX;

/// How urgent an entry is, the most urgent first. The numbers are part of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Class {
    /// Submissions and other steps of a report, forms, trees, certificates: somebody waits for it.
    Urgent = 1,
    /// Figures.
    Figures = 2,
    /// A superior's word on how far a report got.
    Receipts = 3,
    /// Texts and notes.
    Texts = 4,
    /// Files.
    Attachments = 5,
}

impl Class {
    /// All of them, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Urgent,
        Self::Figures,
        Self::Receipts,
        Self::Texts,
        Self::Attachments,
    ];

    /// The class behind a stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.number() == number)
    }

    /// The number that the database uses.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The class of an entry of which only the kind is known.
    #[must_use]
    pub fn of_kind(kind: EntryKind) -> Self {
        match kind {
            EntryKind::Change => Self::Figures,
            EntryKind::Record => Self::Urgent,
            EntryKind::Receipt => Self::Receipts,
            EntryKind::Attachment => Self::Attachments,
        }
    }
}

/// An entry that a peer may have and has not, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Its place in the journal.
    pub seq: Seq,
    /// What it is about.
    pub object: ObjectId,
    /// How urgent it is by itself.
    pub class: Class,
    /// Of figures: how many days the report's date is away. The nearest go first.
    pub due_days: u32,
}

impl Owed {
    fn urgency(&self) -> (Class, u32) {
        match self.class {
            Class::Figures => (self.class, self.due_days),
            class => (class, 0),
        }
    }
}

/// The order in which owed entries go, given in the journal's: the most urgent first, and each behind all
/// that came before it of the same object. Nothing less urgent than `least` goes, but what something more
/// urgent takes along.
#[must_use]
pub fn in_turn(owed: &[Owed], least: Class) -> Vec<Seq> {
    let mut by_object = BTreeMap::new();
    let mut list: Vec<_> = owed
        .iter()
        .rev()
        .map(|entry| {
            let urgency = by_object
                .entry(entry.object)
                .or_insert((Class::Attachments, u32::MAX));
            *urgency = entry.urgency().min(*urgency);
            (*urgency, entry.seq)
        })
        .filter(|((class, _), _)| *class <= least)
        .collect();
    list.sort_unstable();
    list.into_iter().map(|(_, seq)| seq).collect()
}

/// How far the journal has been read with these entries taken: through a position, behind which none of it
/// is left, and at some places beyond.
#[must_use]
pub fn reach(owed: &[Owed], taken: &BTreeSet<Seq>, looked_at: Seq) -> (Seq, Vec<Seq>) {
    let left = owed.iter().find(|entry| !taken.contains(&entry.seq));
    let through = left.map_or(looked_at, |left| Seq(left.seq.0 - 1));
    let ahead = taken.iter().copied().filter(|seq| *seq > through);
    (through, ahead.collect())
}

/// Places of a journal beyond a position that have overtaken it. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ahead(Arc<BTreeSet<Seq>>);

impl Ahead {
    /// Whether an entry has gone already.
    #[must_use]
    pub fn contains(&self, seq: Seq) -> bool {
        self.0.contains(&seq)
    }

    /// How many have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none has.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn insert(&mut self, places: impl IntoIterator<Item = Seq>, position: Seq) {
        let mut places = places.into_iter().filter(|seq| *seq > position).peekable();
        if places.peek().is_some() {
            Arc::make_mut(&mut self.0).extend(places);
        }
    }

    /// Forgets what lies at or before a position.
    pub(crate) fn pass(&mut self, position: Seq) {
        if self.0.first().is_some_and(|first| *first <= position) {
            let rest = Arc::make_mut(&mut self.0).split_off(&position.next());
            self.0 = Arc::new(rest);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Seq> {
        self.0.iter().copied()
    }

    /// For the store: runs of places, each as the distance from the end of the one before and its length.
    ///
    /// # Panics
    /// Never: numbers can be written.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        let mut end = 0;
        for seq in self.iter() {
            match runs.last_mut() {
                Some((_, length)) if seq.0 == end => *length += 1,
                _ => runs.push((seq.0 - end, 1)),
            }
            end = seq.0 + 1;
        }
        if runs.is_empty() {
            return Vec::new();
        }
        postcard::to_allocvec(&runs).expect("numbers can be written")
    }

    /// What was written; nothing where it cannot be read, because then it is sent again.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Self {
        let runs: Vec<(u64, u64)> = postcard::from_bytes(bytes).unwrap_or_default();
        let mut places = BTreeSet::new();
        let mut end = 0_u64;
        for (distance, length) in runs {
            let start = end.saturating_add(distance);
            end = start.saturating_add(length);
            let room = 2 * LOOK_AHEAD_MAX - places.len().min(2 * LOOK_AHEAD_MAX);
            places.extend((start..end).take(room).map(Seq));
        }
        Self(Arc::new(places))
    }
}

impl FromIterator<Seq> for Ahead {
    fn from_iter<I: IntoIterator<Item = Seq>>(places: I) -> Self {
        Self(Arc::new(places.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owed(seq: u64, object: u8, class: Class, due_days: u32) -> Owed {
        Owed {
            seq: Seq(seq),
            object: ObjectId([object; 16]),
            class,
            due_days,
        }
    }

    fn numbers(list: impl IntoIterator<Item = Seq>) -> Vec<u64> {
        list.into_iter().map(|seq| seq.0).collect()
    }

    #[test]
    fn the_urgent_goes_first_with_what_it_builds_upon() {
        let journal = [
            owed(1, 1, Class::Texts, 0),
            owed(2, 2, Class::Figures, 30),
            owed(3, 3, Class::Texts, 0),
            owed(4, 3, Class::Urgent, 0),
            owed(5, 4, Class::Figures, 1),
            owed(6, 5, Class::Receipts, 0),
            owed(7, 2, Class::Texts, 0),
        ];
        let order = in_turn(&journal, Class::Attachments);
        assert_eq!(numbers(order), [3, 4, 5, 2, 6, 1, 7]);
        assert_eq!(numbers(in_turn(&journal, Class::Urgent)), [3, 4]);
    }

    #[test]
    fn what_is_alike_goes_in_the_order_of_the_journal() {
        let journal: Vec<_> = (1..9)
            .map(|n| owed(n, u8::try_from(n % 3).unwrap(), Class::Figures, 7))
            .collect();
        let order = in_turn(&journal, Class::Attachments);
        assert_eq!(numbers(order), (1..9).collect::<Vec<_>>());
    }

    #[test]
    fn a_position_ends_before_the_first_that_is_left() {
        let journal = [2, 4, 5, 9].map(|n| owed(n, 1, Class::Texts, 0));
        let reach = |taken: &[u64]| {
            let taken = taken.iter().copied().map(Seq).collect();
            let (through, ahead) = reach(&journal, &taken, Seq(12));
            (through.0, numbers(ahead))
        };
        assert_eq!(reach(&[]), (1, vec![]));
        assert_eq!(reach(&[2, 5]), (3, vec![5]));
        assert_eq!(reach(&[2, 4, 5]), (8, vec![]));
        assert_eq!(reach(&[2, 4, 5, 9]), (12, vec![]));
        // What was read on for a seal may lie behind all that was looked at.
        assert_eq!(reach(&[2, 4, 5, 9, 13]), (12, vec![13]));
    }

    #[test]
    fn places_are_read_as_they_were_written_and_are_bounded() {
        for places in [vec![], vec![1], vec![3, 4, 5, 9, 20, 21]] {
            let mut ahead: Ahead = places.into_iter().map(Seq).collect();
            assert_eq!(Ahead::decode(&ahead.encode()), ahead);
            ahead.pass(Seq(4));
            assert!(ahead.iter().all(|seq| seq > Seq(4)));
            assert_eq!(Ahead::decode(&ahead.encode()), ahead);
        }
        assert!(Ahead::decode(b"\xff\xff").is_empty());
        let vast = postcard::to_allocvec(&vec![(1_u64, u64::MAX - 2)]).unwrap();
        assert!(Ahead::decode(&vast).len() <= 2 * LOOK_AHEAD_MAX);
    }
}
