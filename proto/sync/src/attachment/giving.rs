//! Files that one peer asks for: given a little at a time, and only when nothing else waits for the link.

use std::collections::VecDeque;

use hopluu_model::EntryKind;

use crate::attachment::outline::pieces;
use crate::attachment::{FileHere, FileId};
use crate::frame::Fetch;
use crate::limits::{FETCH_PIECES_MAX, FETCHES_MAX, FILES_AWAITED_MAX, FILES_GIVEN_MAX};
use crate::pace::Pace;
use crate::{CloseCode, Scope, Steady, Ticket};

/// What one peer wants of this side.
#[derive(Debug, Default)]
pub(crate) struct Giving {
    asked: VecDeque<Asked>,
    /// The reading of a piece that is under way.
    pub(crate) reading: Option<Ticket>,
    /// A piece with its proof, and how far it has been handed over.
    ready: Vec<u8>,
    at: usize,
    /// When the next bytes may follow.
    next_at: Steady,
    /// What was asked for and is not here: the peer is told when it comes.
    awaited: VecDeque<FileId>,
    /// What may not go for the time being: the peer is told when it may.
    withheld: VecDeque<FileId>,
    /// What was given last: the peer may say that it has it now.
    given: VecDeque<FileId>,
}

#[derive(Debug)]
struct Asked {
    file: FileId,
    next: u16,
    left: u16,
    begins: bool,
}

/// Which piece is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) file: FileId,
    pub(crate) number: u16,
    pub(crate) begins: bool,
}

impl Giving {
    pub(crate) fn take(&mut self, fetch: Fetch) -> Result<(), CloseCode> {
        let Fetch { file, first, count } = fetch;
        let end = usize::from(first) + usize::from(count);
        let is_sound = (1..=FETCH_PIECES_MAX).contains(&count)
            && end <= usize::from(pieces(file.length))
            && self.asked.len() < FETCHES_MAX;
        if !is_sound {
            return Err(CloseCode::FileInvalid);
        }
        self.asked.push_back(Asked {
            file,
            next: first,
            left: count,
            begins: true,
        });
        Ok(())
    }

    /// The piece to read next, if none is at hand.
    pub(crate) fn due(&self) -> Option<Due> {
        let asked = self.asked.front()?;
        let is_free = self.reading.is_none() && self.ready.is_empty();
        is_free.then_some(Due {
            file: asked.file,
            number: asked.next,
            begins: asked.begins,
        })
    }

    /// Takes a piece that was read; whether the peer must be told that it is not here.
    pub(crate) fn take_read(&mut self, read: Option<Vec<u8>>) -> bool {
        self.reading = None;
        if let Some(bytes) = read.filter(|bytes| !bytes.is_empty()) {
            (self.ready, self.at) = (bytes, 0);
            return false;
        }
        let Some(asked) = self.asked.pop_front() else {
            return false;
        };
        remember(&mut self.awaited, asked.file, FILES_AWAITED_MAX);
        true
    }

    /// Puts off what was asked for first, unless a piece of it is under way. Whether the peer must be told that it is
    /// not here, because it would wait for it.
    pub(crate) fn withhold(&mut self) -> bool {
        if self.reading.is_some() || !self.ready.is_empty() {
            return false;
        }
        let Some(asked) = self.asked.pop_front() else {
            return false;
        };
        remember(&mut self.withheld, asked.file, FILES_AWAITED_MAX);
        true
    }

    /// What was put off, and may go now.
    pub(crate) fn release(&mut self) -> impl Iterator<Item = FileId> + use<> {
        std::mem::take(&mut self.withheld).into_iter()
    }

    /// Whether a file that is here now was asked for by this peer and may be told to it.
    pub(crate) fn is_awaited(&mut self, here: &FileHere, scope: &Scope) -> bool {
        let may = |unit| scope.admits(EntryKind::Attachment, unit, None);
        let at = self.awaited.iter().position(|file| *file == here.file);
        let at = at.filter(|_| here.units.iter().any(may));
        at.and_then(|at| self.awaited.remove(at)).is_some()
    }

    /// The peer has a file. Whether it was given something of it.
    pub(crate) fn take_present(&mut self, file: &FileId) -> bool {
        let at = self.given.iter().position(|given| given == file);
        at.and_then(|at| self.given.remove(at)).is_some()
    }

    /// Whether nothing is wanted that is here, as far as is known.
    pub(crate) fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.reading.is_none() && self.ready.is_empty()
    }

    /// When the next bytes may go, if there are any at hand.
    pub(crate) fn next_at(&self) -> Option<Steady> {
        (!self.ready.is_empty()).then_some(self.next_at)
    }

    /// The next few bytes for the link, unless it is too early.
    pub(crate) fn next_bytes(&mut self, now: Steady, pace: Pace) -> Option<Vec<u8>> {
        if self.next_at().is_none_or(|at| at > now) {
            return None;
        }
        let end = self.ready.len().min(self.at + pace.file_bytes());
        let bytes = self.ready.get(self.at..end).unwrap_or_default().to_vec();
        // One that is late by less than a gap does not put off all that follow.
        let gap = pace.file_gap_ms(bytes.len());
        let is_late = now.ms_since(self.next_at) > gap;
        self.next_at = if is_late { now } else { self.next_at }.plus_ms(gap);
        self.at = end;
        if end == self.ready.len() {
            self.ready = Vec::new();
            if let Some(asked) = self.asked.front_mut() {
                remember(&mut self.given, asked.file, FILES_GIVEN_MAX);
                asked.next += 1;
                asked.left -= 1;
                asked.begins = false;
                if asked.left == 0 {
                    self.asked.pop_front();
                }
            }
        }
        Some(bytes)
    }
}

/// As the last of so many, of which the oldest is forgotten.
fn remember(files: &mut VecDeque<FileId>, file: FileId, max: usize) {
    files.retain(|one| *one != file);
    if files.len() == max {
        files.pop_front();
    }
    files.push_back(file);
}
