//! What a comparison found to be sent, in its order, and how much of that waits.

use std::collections::VecDeque;

use hopluu_model::Seq;

use crate::frame::{Note, Says};
use crate::limits::{CHUNK_BYTES, REQUESTS_BYTES_LOW, REQUESTS_BYTES_MAX, REQUESTS_MAX};
use crate::range::{Items, Prefix, RECORDS, class};
use crate::{CloseCode, Entry, ObjectKey, Select, Ticket};

/// Entries of one object to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) key: ObjectKey,
    pub(crate) select: Select,
    pub(crate) after: Seq,
}

impl Work {
    pub(super) fn everything(key: ObjectKey) -> Self {
        Self {
            key,
            select: Select::Except(Vec::new()),
            after: Seq(0),
        }
    }

    pub(super) fn weight(&self) -> usize {
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
    pub(super) requests: u64,
}

impl Works {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn add(&mut self, work: Work) {
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

    pub(super) fn add_all(&mut self, items: &Items, prefix: &Prefix) {
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
