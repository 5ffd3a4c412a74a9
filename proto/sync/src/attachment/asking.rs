//! Files that are wanted of one peer: asked for a few pieces at a time, each proved before it is kept.
//!
//! A peer that knows no files passes over what is asked, as over any frame that it does not know. So the
//! first question goes alone, and whoever leaves it unanswered while it says nothing else is asked no more.

use std::collections::{BTreeSet, VecDeque};

use crate::attachment::outline::{Verifier, pieces};
use crate::attachment::{FileId, Piece, PieceFate, Want, Wants};
use crate::frame::Fetch;
use crate::limits::{
    DEAF_MS, FETCH_PIECES_MAX, FETCHES_MAX, FILES_ABSENT_MAX, FILES_STRAY_MAX, FILES_WRONG_MAX,
    PIECES_WAITING_MAX,
};
use crate::{CloseCode, Steady, Ticket};

/// What this side wants of one peer.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// The reading of what is wanted that is under way.
    pub(crate) reading: Option<Ticket>,
    /// Whether anything is wanted has to be read, and after which place.
    due: Option<u64>,
    wants: VecDeque<Want>,
    /// What this peer does not have, or has given wrong.
    absent: BTreeSet<FileId>,
    fetches: VecDeque<Run>,
    /// What has come of the next piece.
    bytes: Vec<u8>,
    /// Pieces on their way to the disk.
    writing: VecDeque<(Ticket, FileId)>,
    hearing: Hearing,
    /// Whether something is wanted that other links are fetching, or that there are too many.
    pub(crate) is_blocked: bool,
    /// Whether pieces have come since what is wanted was read.
    has_moved: bool,
    wrong: usize,
    /// Files that the peer has named of its own accord.
    strays: usize,
}

/// Whether the peer answers questions for files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Hearing {
    /// It has not been asked in this session.
    #[default]
    Unknown,
    /// It was asked, and has not answered.
    Asked(Steady),
    /// It does.
    Hears,
    /// It has not for long: it is asked no more until it does. Its answer may be on its way behind an outage.
    Silent,
    /// Nothing more is to be asked.
    Deaf,
}

/// Pieces of one file that were asked for and have not all come.
#[derive(Debug)]
struct Run {
    verifier: Verifier,
    file: FileId,
    left: u16,
    /// What comes is passed over: it is not what was asked for, or not wanted any more.
    is_void: bool,
}

impl Asking {
    /// Begins by reading what is wanted.
    pub(crate) fn new() -> Self {
        Self {
            due: Some(0),
            ..Self::default()
        }
    }

    /// Something may be wanted that was not.
    pub(crate) fn want_anew(&mut self) {
        self.due = Some(0);
    }

    /// Where to read on, if there is anything to be read and nothing else to be asked for.
    pub(crate) fn wants_reading(&mut self) -> Option<u64> {
        let is_idle = self.reading.is_none() && self.wants.is_empty() && self.fetches.is_empty();
        let is_asked = !matches!(self.hearing, Hearing::Silent | Hearing::Deaf);
        if !is_asked || !is_idle || !self.writing.is_empty() {
            return None;
        }
        if self.due.is_none() && std::mem::take(&mut self.has_moved) {
            // What was passed over in a list, or came wrong, is looked for again.
            self.due = Some(0);
        }
        self.due.take()
    }

    /// Takes what is wanted.
    pub(crate) fn take_wants(&mut self, wants: Wants) {
        self.reading = None;
        let due = self.due.or(wants.next);
        self.due = due;
        let asked = wants.wants.into_iter().filter(|want| {
            let most = pieces(want.file.length);
            let is_sound = want
                .missing
                .iter()
                .all(|(from, to)| from < to && *to <= most);
            is_sound && !self.absent.contains(&want.file)
        });
        self.wants = asked.collect();
    }

    /// The next question, where there is one; `is_busy` says what other links are fetching.
    pub(crate) fn next_fetch(
        &mut self,
        now: Steady,
        may_pull: bool,
        is_busy: impl Fn(&FileId) -> bool,
    ) -> Option<Fetch> {
        let was_blocked = std::mem::take(&mut self.is_blocked);
        let most = match self.hearing {
            Hearing::Hears => FETCHES_MAX,
            Hearing::Unknown | Hearing::Asked(_) => 1,
            Hearing::Silent | Hearing::Deaf => 0,
        };
        if self.fetches.len() >= most {
            return None;
        }
        let is_ours = |file: &FileId| self.fetches.iter().any(|run| run.file == *file);
        let free = |want: &Want| is_ours(&want.file) || (may_pull && !is_busy(&want.file));
        let Some(at) = self.wants.iter().position(free) else {
            self.is_blocked = !self.wants.is_empty();
            return None;
        };
        if was_blocked {
            // Others have fetched meanwhile, perhaps all of it.
            self.wants.clear();
            self.due = Some(0);
            return None;
        }
        let outstanding: usize = self.fetches.iter().map(|run| usize::from(run.left)).sum();
        let room = PIECES_WAITING_MAX.saturating_sub(outstanding + self.writing.len());
        let want = self.wants.get_mut(at)?;
        let (first, end) = want.missing.first_mut()?;
        let count = (*end - *first).min(FETCH_PIECES_MAX);
        if room < usize::from(count) {
            return None;
        }
        let fetch = Fetch {
            file: want.file,
            first: *first,
            count,
        };
        *first += count;
        if first == end {
            want.missing.remove(0);
        }
        if want.missing.is_empty() {
            self.wants.remove(at);
        }
        self.fetches.push_back(Run {
            verifier: Verifier::new(fetch.file, fetch.first),
            file: fetch.file,
            left: count,
            is_void: false,
        });
        if self.hearing == Hearing::Unknown {
            self.hearing = Hearing::Asked(now);
        }
        Some(fetch)
    }

    /// Takes bytes of an answer; gives the pieces that they complete and that are proved.
    pub(crate) fn take_bytes(&mut self, bytes: &[u8]) -> Result<Vec<(FileId, Piece)>, CloseCode> {
        self.heard();
        self.bytes.extend_from_slice(bytes);
        let mut proved = Vec::new();
        loop {
            let Some(run) = self.fetches.front_mut() else {
                // Bytes that nobody asked for.
                return if self.bytes.is_empty() {
                    Ok(proved)
                } else {
                    Err(CloseCode::FileInvalid)
                };
            };
            let length = run.verifier.awaits();
            let Some(answer) = self.bytes.get(..length).filter(|_| length > 0) else {
                return Ok(proved);
            };
            let number = run.verifier.next();
            let checked = if run.is_void {
                None
            } else {
                Some(run.verifier.check(answer))
            };
            match checked {
                Some(Ok((mark, body))) => {
                    let body = body.to_vec();
                    proved.push((run.file, Piece { number, mark, body }));
                }
                // The rest of the answer is as long as it would have been.
                None => run.verifier.skip(),
                Some(Err(_)) => {
                    run.verifier.skip();
                    let file = run.file;
                    self.wrong += 1;
                    if self.wrong > FILES_WRONG_MAX {
                        return Err(CloseCode::FileInvalid);
                    }
                    self.give_up(file);
                }
            }
            self.bytes.drain(..length);
            self.has_moved = true;
            if let Some(run) = self.fetches.front_mut() {
                run.left -= 1;
                if run.left == 0 {
                    self.fetches.pop_front();
                }
            }
        }
    }

    /// The peer does not have the rest of what was asked for first.
    pub(crate) fn take_absent(&mut self) -> Result<(), CloseCode> {
        self.heard();
        let run = self.fetches.pop_front().ok_or(CloseCode::FileInvalid)?;
        if !self.bytes.is_empty() {
            return Err(CloseCode::FileInvalid);
        }
        self.give_up(run.file);
        Ok(())
    }

    /// The peer has what it did not have. Whether that was asked.
    pub(crate) fn take_present(&mut self, file: &FileId) -> bool {
        let was_asked = self.absent.remove(file);
        if was_asked {
            self.due = Some(0);
        }
        was_asked
    }

    /// The peer has something, which nobody asked.
    pub(crate) fn take_stray(&mut self) -> Result<(), CloseCode> {
        self.strays += 1;
        if self.strays > FILES_STRAY_MAX {
            return Err(CloseCode::FileInvalid);
        }
        Ok(())
    }

    /// A piece is on its way to the disk.
    pub(crate) fn begin_writing(&mut self, ticket: Ticket, file: FileId) {
        self.writing.push_back((ticket, file));
    }

    /// A piece is durable, or was not wanted any more; gives its file.
    pub(crate) fn written(&mut self, ticket: Ticket, fate: PieceFate) -> Option<FileId> {
        let at = self.writing.iter().position(|(one, _)| *one == ticket)?;
        let (_, file) = self.writing.remove(at)?;
        if fate == PieceFate::Unwanted {
            self.give_up(file);
        }
        Some(file)
    }

    /// Asks this peer for nothing more of a file, unless it says that it has it.
    fn give_up(&mut self, file: FileId) {
        self.wants.retain(|want| want.file != file);
        for run in self.fetches.iter_mut().filter(|run| run.file == file) {
            run.is_void = true;
        }
        if self.absent.len() < FILES_ABSENT_MAX {
            self.absent.insert(file);
        } else {
            // More than any node has: nothing more is asked in this session.
            self.be_deaf();
        }
    }

    fn heard(&mut self) {
        if self.hearing == Hearing::Silent {
            // Other links may have fetched meanwhile.
            self.wants.clear();
            self.due = Some(0);
        }
        if self.hearing != Hearing::Deaf {
            self.hearing = Hearing::Hears;
        }
    }

    /// The files that are being fetched. What is asked of a silent peer others may fetch.
    pub(crate) fn pulling(&self) -> impl Iterator<Item = FileId> {
        let is_silent = self.hearing == Hearing::Silent;
        let runs = self.fetches.iter().filter(move |_| !is_silent);
        let runs = runs.map(|run| run.file);
        runs.chain(self.writing.iter().map(|(_, file)| *file))
    }

    /// Whether the peer owes an answer.
    pub(crate) fn is_owed(&self) -> bool {
        self.hearing != Hearing::Silent && !self.fetches.is_empty()
    }

    /// When a peer that has never answered is asked no more, unless it says something.
    pub(crate) fn deaf_at(&self, moved: Steady) -> Option<Steady> {
        match self.hearing {
            Hearing::Asked(asked) => Some(asked.max(moved).plus_ms(DEAF_MS)),
            _ => None,
        }
    }

    /// Asks this peer for nothing more unless it answers.
    pub(crate) fn take_for_silent(&mut self) {
        self.hearing = Hearing::Silent;
    }

    /// Asks this peer for nothing more in this session. What has been asked for and comes all the same is
    /// passed over.
    fn be_deaf(&mut self) {
        self.wants.clear();
        self.fetches.iter_mut().for_each(|run| run.is_void = true);
        self.hearing = Hearing::Deaf;
    }
}
