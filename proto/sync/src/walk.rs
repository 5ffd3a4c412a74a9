//! The comparison of two stores: ranges of objects first, then what each has of those that differ.
//!
//! One side leads: it asks, the other answers, and answers need no memory of earlier questions. What
//! one side turns out to lack is pushed like anything else, outside the journal's order. This file
//! holds what a comparison remembers; [`crate::session`] sends and reads for it.

use std::collections::{BTreeSet, VecDeque};

use hopluu_model::Seq;

use crate::frame::{Answer, Ask, Content, Frame, Note, Objects, Part, Says};
use crate::limits::{
    CHUNK_BYTES, DIFFERING_MAX, HASHES_MAX, NOTES_MAX, OBJECTS_BYTES_MAX, PARTS_MAX,
    RANGES_BYTES_MAX, RANGES_WAITING_MAX, REQUESTS_BYTES_LOW, REQUESTS_BYTES_MAX, REQUESTS_MAX,
    SPLIT,
};
use crate::range::{Difference, Items, OTHERS, Prefix, RECORDS, children, class, spread};
use crate::{CloseCode, Entry, ObjectKey, Select, ShortHash, Ticket};

/// Where a session stands in comparing the two stores.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// A comparison is needed.
    pub(crate) is_due: bool,
    pub(crate) role: Role,
    pub(crate) step: Step,
    pub(crate) works: Works,
    /// Comparisons the peer has begun.
    pub(crate) begun_there: u32,
    /// A comparison has ended, and what it sent is not all durable yet.
    pub(crate) settling: Option<Settling>,
}

/// Who asks.
#[derive(Debug, Default)]
pub(crate) enum Role {
    #[default]
    Idle,
    Leading(Lead),
    Serving(Serve),
}

/// What a leader remembers.
#[derive(Debug, Default)]
pub(crate) struct Lead {
    /// Ranges that differ and have not been asked about further.
    pub(crate) waiting: BTreeSet<Prefix>,
    /// The open question: its ranges, and whether each was split.
    pub(crate) asked: Option<Vec<(Prefix, bool)>>,
    pub(crate) questions: u32,
    pub(crate) answers: u32,
    /// The peer began at the same moment and gave way.
    pub(crate) has_crossed: bool,
    pub(crate) end: LeadEnd,
}

/// How far a leader has come in ending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LeadEnd {
    #[default]
    Asking,
    /// No more questions; something of what they brought up is still to be sent.
    Asked,
    /// All that was to be sent has been.
    Sent,
    /// The other side has sent all of its own.
    Answered,
}

/// What the other side remembers.
#[derive(Debug, Default)]
pub(crate) struct Serve {
    pub(crate) questions: u32,
    pub(crate) end: ServeEnd,
}

/// How far the other side has come in ending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ServeEnd {
    #[default]
    Asking,
    /// No more questions will come.
    Asked,
    /// The leader has sent all of its own.
    Sent,
    /// So has this side.
    Answered,
}

/// What the walk is waiting for.
#[derive(Debug, Default)]
pub(crate) enum Step {
    #[default]
    Rest,
    /// The list of objects, for this task.
    Items(Ticket, Task),
    /// The hashes of objects that differ.
    Hashes(Ticket, Findings),
    /// Too much waits to be sent for another question or answer.
    Held(Frame),
}

/// What needs the list of objects.
#[derive(Debug)]
pub(crate) enum Task {
    Begin,
    Question(Ask),
    Answer(Answer),
}

/// What a list of objects has shown.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Held by both, not the same: each hears what the other has.
    pub(crate) differing: Vec<ObjectKey>,
    /// Held there only.
    pub(crate) lacking: Vec<ObjectKey>,
    /// The next question or the answer; a leader without one has no more questions.
    pub(crate) reply: Option<Frame>,
}

/// What must become durable before the comparison counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settling {
    /// Pushes of ours.
    pub(crate) sent: u64,
    /// Pushes of theirs.
    pub(crate) arrived: u64,
}

impl Walk {
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.role, Role::Idle)
    }

    /// Whether both stores are known to have the same, as far as a journal does not tell.
    pub(crate) fn is_whole(&self) -> bool {
        !self.is_due && self.settling.is_none() && self.is_idle()
    }
}

impl Lead {
    /// Takes the two roots and puts the first question.
    pub(crate) fn begin(&mut self, items: &Items) -> Frame {
        self.waiting = [Prefix::root(RECORDS), Prefix::root(OTHERS)].into();
        Frame::Ask(self.question(items, true))
    }

    fn question(&mut self, items: &Items, is_start: bool) -> Ask {
        let mut parts = Vec::new();
        let mut bytes = 0;
        while bytes < RANGES_BYTES_MAX && parts.len() < PARTS_MAX {
            let Some(prefix) = self.waiting.pop_first() else {
                break;
            };
            let part = items.describe(prefix);
            bytes += weight(&part);
            parts.push(part);
        }
        let split = |part: &Part| matches!(part.content, Content::Split { .. });
        let asked = parts.iter().map(|part| (part.prefix.clone(), split(part)));
        let asked: Vec<_> = asked.collect();
        self.questions += 1;
        let records_open = asked
            .iter()
            .any(|(prefix, is_split)| prefix.class == RECORDS && *is_split)
            || self
                .waiting
                .first()
                .is_some_and(|prefix| prefix.class == RECORDS);
        self.asked = Some(asked);
        Ask {
            is_start,
            records_open,
            parts,
        }
    }

    /// Takes an answer and finds what it shows, and the next question.
    pub(crate) fn take_answer(
        &mut self,
        answer: Answer,
        items: &Items,
        works: &mut Works,
    ) -> Result<Findings, CloseCode> {
        let asked = self.asked.take().ok_or(CloseCode::TurnInvalid)?;
        let answered = usize::try_from(answer.answered).map_err(|_| CloseCode::RangeInvalid)?;
        if answered > asked.len() || (answered == 0 && !asked.is_empty()) {
            return Err(CloseCode::RangeInvalid);
        }
        let (asked, open) = asked.split_at(answered);
        self.waiting
            .extend(open.iter().map(|(prefix, _)| prefix.clone()));
        let mut findings = Findings::default();
        for part in answer.parts {
            let parent = part.prefix.parent().ok_or(CloseCode::RangeInvalid)?;
            if !asked.contains(&(parent, true)) {
                return Err(CloseCode::RangeInvalid);
            }
            match part.content {
                Content::Leaf(_) if findings.differing.len() >= DIFFERING_MAX => {
                    self.waiting.insert(part.prefix);
                }
                Content::Leaf(theirs) => {
                    let mine = items.within(&part.prefix);
                    findings.add(Difference::between(mine, &theirs), works);
                }
                Content::Split { present, prints } => {
                    let theirs = spread(present, &prints);
                    let mine = items.prints(&part.prefix);
                    for (child, pair) in children(&part.prefix).zip(mine.iter().zip(&theirs)) {
                        match pair {
                            (mine, theirs) if mine == theirs => {}
                            (Some(_), None) => works.add_all(items, &child),
                            _ => {
                                self.waiting.insert(child);
                            }
                        }
                    }
                }
            }
        }
        if self.waiting.len() > RANGES_WAITING_MAX {
            return Err(CloseCode::ObjectsTooMany);
        }
        self.answers += 1;
        if !self.waiting.is_empty() {
            findings.reply = Some(Frame::Ask(self.question(items, false)));
        }
        Ok(findings)
    }

    /// Whether records may still turn up.
    pub(crate) fn are_records_open(&self) -> bool {
        let is_open = |(prefix, is_split): &(Prefix, bool)| prefix.class == RECORDS && *is_split;
        self.waiting
            .first()
            .is_some_and(|prefix| prefix.class == RECORDS)
            || self.asked.iter().flatten().any(is_open)
    }
}

/// Answers a question from the list of objects alone.
pub(crate) fn answer(ask: Ask, items: &Items, works: &mut Works) -> Findings {
    let mut findings = Findings::default();
    let mut reply = Answer {
        answered: 0,
        parts: Vec::new(),
    };
    let mut bytes = 0;
    for part in ask.parts {
        let is_full = bytes >= RANGES_BYTES_MAX || reply.parts.len() + SPLIT > PARTS_MAX;
        if is_full || findings.differing.len() >= DIFFERING_MAX {
            break;
        }
        reply.answered += 1;
        match part.content {
            Content::Leaf(theirs) => {
                let mine = items.within(&part.prefix);
                findings.add(Difference::between(mine, &theirs), works);
            }
            Content::Split { present, prints } => {
                let theirs = spread(present, &prints);
                let mine = items.prints(&part.prefix);
                for (child, pair) in children(&part.prefix).zip(mine.iter().zip(&theirs)) {
                    match pair {
                        (mine, theirs) if mine == theirs => {}
                        (Some(_), None) => works.add_all(items, &child),
                        _ => {
                            let part = items.describe(child);
                            bytes += weight(&part);
                            reply.parts.push(part);
                        }
                    }
                }
            }
        }
    }
    findings.reply = Some(Frame::Answer(reply));
    findings
}

fn weight(part: &Part) -> usize {
    let content = match &part.content {
        Content::Split { prints, .. } => 6 + 8 * prints.len(),
        Content::Leaf(items) => 1 + 33 * items.len(),
    };
    1 + part.prefix.weight() + content
}

impl Findings {
    fn add(&mut self, difference: Difference, works: &mut Works) {
        for key in difference.mine {
            works.add(Work::everything(key));
        }
        self.lacking.extend(difference.theirs);
        self.differing.extend(difference.both);
    }

    /// The lists to send once it is known what is held of each differing object.
    pub(crate) fn notes(
        &self,
        held: Vec<Vec<ShortHash>>,
        works: &mut Works,
    ) -> Result<Vec<Frame>, CloseCode> {
        if held.len() != self.differing.len() {
            return Err(CloseCode::Bug);
        }
        let mut notes: Vec<Note> = Vec::new();
        for key in &self.lacking {
            notes.push(have(*key, Vec::new()));
        }
        for (key, hashes) in self.differing.iter().zip(held) {
            if hashes.len() <= HASHES_MAX {
                notes.push(have(*key, hashes));
            } else {
                works.add(Work::everything(*key));
                notes.push(have(*key, Vec::new()));
            }
        }
        notes.sort_by_key(|note| (class(note.kind), note.object, note.kind));
        Ok(frames(notes))
    }
}

fn have(key: ObjectKey, hashes: Vec<ShortHash>) -> Note {
    Note {
        object: key.object,
        kind: key.kind,
        says: Says::Have(hashes),
    }
}

/// Packs notes into frames of a bounded size.
pub(crate) fn frames(notes: Vec<Note>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let (mut list, mut bytes) = (Vec::new(), 0);
    for note in notes {
        let weight = note.weight();
        if !list.is_empty() && (bytes + weight > OBJECTS_BYTES_MAX || list.len() >= NOTES_MAX) {
            let notes = std::mem::take(&mut list);
            frames.push(Frame::Objects(Objects { notes }));
            bytes = 0;
        }
        bytes += weight;
        list.push(note);
    }
    if !list.is_empty() {
        frames.push(Frame::Objects(Objects { notes: list }));
    }
    frames
}

/// Entries of one object to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) key: ObjectKey,
    pub(crate) select: Select,
    pub(crate) after: Seq,
}

impl Work {
    fn everything(key: ObjectKey) -> Self {
        Self {
            key,
            select: Select::Except(Vec::new()),
            after: Seq(0),
        }
    }

    fn weight(&self) -> usize {
        let (Select::Except(hashes) | Select::Only(hashes)) = &self.select;
        8 * hashes.len()
    }
}

/// All that a comparison has found to be sent, records first.
#[derive(Debug, Default)]
pub(crate) struct Works {
    records: VecDeque<Work>,
    others: VecDeque<Work>,
    /// Whether the others wait, because records may still turn up.
    pub(crate) are_records_open: bool,
    /// What is being read.
    reading: Option<(Ticket, Work)>,
    /// What was read and does not fill a chunk yet.
    gathered: Vec<Entry>,
    gathered_bytes: usize,
    /// Bytes of hashes that wait.
    hash_bytes: usize,
    /// Requests of the peer in this comparison.
    requests: u64,
}

impl Works {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn add(&mut self, work: Work) {
        self.hash_bytes += work.weight();
        self.list(work.key).push_back(work);
    }

    fn list(&mut self, key: ObjectKey) -> &mut VecDeque<Work> {
        if class(key.kind) == RECORDS {
            &mut self.records
        } else {
            &mut self.others
        }
    }

    fn add_all(&mut self, items: &Items, prefix: &Prefix) {
        for item in items.within(prefix) {
            self.add(Work::everything(item.key));
        }
    }

    /// Takes a request of the peer.
    pub(crate) fn request(&mut self, note: Note) -> Result<(), CloseCode> {
        self.requests += 1;
        if self.requests > REQUESTS_MAX {
            return Err(CloseCode::WalkTooLong);
        }
        let key = note.key();
        let select = match note.says {
            Says::Have(mut hashes) => {
                hashes.sort_unstable();
                Select::Except(hashes)
            }
            Says::Want(mut hashes) => {
                hashes.sort_unstable();
                Select::Only(hashes)
            }
        };
        self.add(Work {
            key,
            select,
            after: Seq(0),
        });
        if self.waiting_bytes() > REQUESTS_BYTES_MAX {
            return Err(CloseCode::ObjectsTooMany);
        }
        Ok(())
    }

    /// What waits at the peer's request: hashes, and the objects themselves, or a list of objects
    /// without hashes could grow for ever. What waits because of our own objects is bounded by
    /// their number and does not count.
    fn waiting_bytes(&self) -> usize {
        let requests = usize::try_from(self.requests).unwrap_or(usize::MAX);
        let objects = requests.min(self.records.len() + self.others.len());
        self.hash_bytes + objects * size_of::<Work>()
    }

    /// Whether another question or answer may add to what waits.
    pub(crate) fn is_light(&self) -> bool {
        self.waiting_bytes() <= REQUESTS_BYTES_LOW
    }

    /// Takes the next object to read, under this ticket, unless one is being read.
    pub(crate) fn start(&mut self, ticket: Ticket) -> Option<Work> {
        if self.reading.is_some() {
            return None;
        }
        let work = match self.records.pop_front() {
            Some(work) => work,
            None if self.are_records_open => return None,
            None => self.others.pop_front()?,
        };
        self.reading = Some((ticket, work.clone()));
        Some(work)
    }

    /// Whether something could be read now.
    pub(crate) fn has_next(&self) -> bool {
        self.reading.is_none()
            && (!self.records.is_empty() || (!self.are_records_open && !self.others.is_empty()))
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// What was read under this ticket, if that is what is being read.
    pub(crate) fn finish(&mut self, ticket: Ticket, next: Option<Seq>) -> Option<Work> {
        let (_, work) = self.reading.take_if(|(reading, _)| *reading == ticket)?;
        match next {
            Some(after) => {
                let rest = Work {
                    after,
                    ..work.clone()
                };
                self.list(work.key).push_front(rest);
            }
            None => self.hash_bytes = self.hash_bytes.saturating_sub(work.weight()),
        }
        Some(work)
    }

    pub(crate) fn gather(&mut self, entries: Vec<Entry>) {
        self.gathered_bytes += entries.iter().map(|entry| entry.body.len()).sum::<usize>();
        self.gathered.extend(entries);
    }

    /// What has been gathered, once it fills a chunk or nothing more is to be read now.
    pub(crate) fn full_chunk(&mut self) -> Option<Vec<Entry>> {
        let is_last = !self.has_next() && !self.is_reading();
        if self.gathered.is_empty() || (self.gathered_bytes < CHUNK_BYTES && !is_last) {
            return None;
        }
        self.gathered_bytes = 0;
        Some(std::mem::take(&mut self.gathered))
    }

    /// Whether nothing waits, not even for its turn.
    pub(crate) fn are_done(&self) -> bool {
        self.records.is_empty()
            && self.others.is_empty()
            && self.reading.is_none()
            && self.gathered.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use hopluu_model::{EntryKind, ObjectId};

    use super::*;
    use crate::limits::LEAF_ITEMS_MAX;
    use crate::{Item, ItemDigest};

    fn key(number: usize) -> ObjectKey {
        ObjectKey {
            object: ObjectId((number as u128).to_be_bytes()),
            kind: EntryKind::Change,
        }
    }

    #[test]
    fn ranges_that_wait_have_a_bound() {
        let items = Items::new(Vec::new(), [0; 32]);
        let ids = (0u32..).map(|id| [10, 5, 0].map(|bits| u8::try_from(id >> bits & 31).unwrap()));
        let prefix = |digits: [u8; 3]| Prefix {
            class: OTHERS,
            digits: [&[31], &digits[..]].concat(),
        };
        let mut lead = Lead {
            waiting: ids.take(RANGES_WAITING_MAX / 2).map(prefix).collect(),
            asked: Some(vec![(Prefix::root(OTHERS), true)]),
            ..Lead::default()
        };
        let deeper = (0u8..32).flat_map(|a| (0u8..32).map(move |b| [a, b]));
        let more = deeper.flat_map(|[a, b]| (0u8..32).map(move |c| vec![30, a, b, c]));
        lead.waiting.extend(more.map(|digits| Prefix {
            class: OTHERS,
            digits,
        }));
        assert_eq!(lead.waiting.len(), RANGES_WAITING_MAX);
        let part = Part {
            prefix: Prefix::root(OTHERS).child(1),
            content: Content::Split {
                present: 1,
                prints: vec![[0; 8]],
            },
        };
        let answer = Answer {
            answered: 1,
            parts: vec![part],
        };
        let found = lead.take_answer(answer, &items, &mut Works::default());
        assert_eq!(found.err(), Some(CloseCode::ObjectsTooMany));
    }

    #[test]
    fn lists_are_cut_into_frames() {
        let hash = ShortHash([0; 8]);
        let empty = (0..2 * NOTES_MAX).map(|number| have(key(number), Vec::new()));
        let long = (0..3).map(|number| have(key(number), vec![hash; HASHES_MAX]));
        for frame in frames(empty.chain(long).collect()) {
            let Frame::Objects(Objects { notes }) = frame else {
                panic!("another frame");
            };
            let bytes: usize = notes.iter().map(Note::weight).sum();
            assert!(notes.len() <= NOTES_MAX);
            assert!(notes.len() == 1 || bytes <= OBJECTS_BYTES_MAX);
        }
    }

    #[test]
    fn requests_of_one_comparison_have_a_bound() {
        let mut works = Works {
            requests: REQUESTS_MAX - 1,
            ..Works::default()
        };
        assert_eq!(works.request(have(key(0), Vec::new())), Ok(()));
        let more = works.request(have(key(0), Vec::new()));
        assert_eq!(more, Err(CloseCode::WalkTooLong));
    }

    #[test]
    fn questions_and_answers_hold_to_their_size() {
        let item = |number: usize| Item {
            key: ObjectKey {
                object: ObjectId(
                    *blake3::hash(&number.to_le_bytes())
                        .as_bytes()
                        .first_chunk()
                        .unwrap(),
                ),
                kind: EntryKind::Change,
            },
            digest: ItemDigest([1; 16]),
        };
        let mine = Items::new((0..40_000).map(item).collect(), [0; 32]);
        let other = |number| Item {
            digest: ItemDigest([2; 16]),
            ..item(number)
        };
        let theirs = Items::new((0..40_000).map(other).collect(), [0; 32]);
        let (mut lead, mut works) = (Lead::default(), Works::default());
        let mut frame = lead.begin(&mine);
        let mut differing = BTreeSet::new();
        loop {
            let Frame::Ask(ask) = frame else {
                panic!("another frame")
            };
            let bytes: usize = ask.parts.iter().map(weight).sum();
            assert!(bytes < RANGES_BYTES_MAX + 3_000, "{bytes}");
            let found = answer(ask, &theirs, &mut works);
            assert!(found.differing.len() < DIFFERING_MAX + LEAF_ITEMS_MAX);
            differing.append(&mut found.differing.into_iter().collect());
            let Some(Frame::Answer(answer)) = found.reply else {
                panic!("no answer")
            };
            let bytes: usize = answer.parts.iter().map(weight).sum();
            assert!(bytes < RANGES_BYTES_MAX + SPLIT * 3_000, "{bytes}");
            let found = lead.take_answer(answer, &mine, &mut works).unwrap();
            assert!(found.differing.len() < DIFFERING_MAX + LEAF_ITEMS_MAX);
            differing.append(&mut found.differing.into_iter().collect());
            let Some(next) = found.reply else { break };
            frame = next;
        }
        assert_eq!(differing.len(), 40_000);
        assert!(lead.questions < 500, "{} questions", lead.questions);
        assert!(works.are_done());
    }
}
