//! The comparison of two stores: ranges of objects first, then what each has of those that differ.
//!
//! One side leads: it asks, the other answers, and answers need no memory of earlier questions. What
//! one side turns out to lack is pushed like anything else, outside the journal's order. This file
//! holds what a comparison remembers; [`crate::session`] sends and reads for it.

mod works;

use std::collections::BTreeSet;

use self::works::Work;
pub(crate) use self::works::Works;
use crate::frame::{Answer, Ask, Content, Frame, Note, Objects, Part, Says};
use crate::limits::{
    DIFFERING_MAX, HASHES_MAX, NOTES_MAX, OBJECTS_BYTES_MAX, PARTS_MAX, RANGES_BYTES_MAX,
    RANGES_WAITING_MAX, SPLIT,
};
use crate::range::{Difference, Items, OTHERS, Prefix, RECORDS, children, class, spread};
use crate::{CloseCode, ObjectKey, ShortHash, Ticket};

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

#[cfg(test)]
mod tests;
