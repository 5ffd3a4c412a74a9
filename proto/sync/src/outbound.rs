//! Our entries on their way to one peer: what is ready, what is in flight, what is durable there.

use std::collections::{BTreeMap, VecDeque};

use hopluu_model::{ObjectId, Seq};

use crate::frame::{Ack, Group, Mention, Push, Span};
use crate::limits::{
    CHUNK_BYTES, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_PUSHES_MAX, PUSH_ENTRIES_MAX, SHORT_IDS_MAX,
    UNSAVED_BYTES_MAX,
};
use crate::{Ahead, Class, CloseCode, Entry, JournalBatch, Refusal, Steady, Ticket};

/// One direction of a session.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    /// Our journal has been looked at through here.
    pub(crate) cursor: Seq,
    /// Everything through here is durable there.
    pub(crate) acked: Seq,
    /// What the stored half of the checkpoint says.
    pub(crate) saved: Option<Seq>,
    /// The peer lacks something before the cursor that the journal will not bring; once a
    /// comparison has brought it, one push says so.
    pub(crate) has_gap: bool,
    /// The reading of the journal that is under way.
    pub(crate) reading: Option<Ticket>,
    /// What has been read beyond the cursor.
    pub(crate) ahead: Ahead,
    /// What of it is durable there.
    pub(crate) ahead_acked: Ahead,
    /// Whether that is news to the store.
    is_ahead_news: bool,
    /// Bytes that are durable there since that was last written down.
    unsaved_bytes: usize,
    /// Of the last push that was handed out: classes and bytes of its entries.
    pushed: Vec<(Class, usize)>,
    /// How far the journal reached when nothing in it could go.
    pub(crate) resting: Option<Seq>,
    /// Where the last span ended.
    spanned: Seq,
    ready: VecDeque<Ready>,
    in_flight: VecDeque<Sent>,
    in_flight_bytes: usize,
    sent: u64,
    confirmed: u64,
    names: Names,
}

#[derive(Debug)]
struct Ready {
    entries: Vec<Entry>,
    span: Option<Span>,
    /// With it, the peer has these places too.
    ahead: Vec<Seq>,
}

impl Ready {
    fn weight(&self) -> usize {
        self.entries.iter().map(weight).sum()
    }

    /// Leaves what is more than so many bytes, but for one entry, to a push of its own.
    fn cut_after(mut self, most: usize) -> (Self, Option<Self>) {
        let mut bytes = 0;
        let fits = self.entries.iter().take_while(|entry| {
            bytes += weight(entry);
            bytes <= most
        });
        let fits = fits.count().max(1);
        if fits >= self.entries.len() {
            return (self, None);
        }
        let entries = self.entries.split_off(fits);
        let before = entries.iter().map(|entry| entry.seq.0.saturating_sub(1));
        let before = Seq(before.min().unwrap_or_default());
        let mut rest = Self {
            entries,
            span: self.span.take(),
            ahead: std::mem::take(&mut self.ahead),
        };
        // A cut between the two does not bring again what the first has brought.
        if let Some(whole) = rest.span {
            let through = whole.through.min(before);
            let cut = |after, through| (through > after).then_some(Span { after, through });
            self.span = cut(whole.after, through);
            rest.span = cut(whole.after.max(through), whole.through);
        }
        (self, Some(rest))
    }
}

#[derive(Debug)]
struct Sent {
    at: Steady,
    bytes: usize,
    /// With all that was on its way before it.
    bytes_in_flight: usize,
    entries: usize,
    span: Option<Span>,
    ahead: Vec<Seq>,
}

/// What an acknowledgement says.
#[derive(Debug)]
pub(crate) struct Confirmed {
    /// Of the last push that it covers.
    pub(crate) refused: Vec<Refusal>,
    /// Bytes that are durable there and were on their way together, and for how long.
    pub(crate) bytes: usize,
    pub(crate) ms: u64,
}

/// Whether one more push of this weight may be on its way beside those that are. Both sides hold
/// to it: a single large entry travels alone.
pub(crate) fn has_room(pushes: usize, bytes: usize, weight: usize) -> bool {
    pushes < IN_FLIGHT_PUSHES_MAX && (bytes == 0 || bytes + weight <= IN_FLIGHT_BYTES_MAX)
}

impl Outbound {
    /// Starts, or starts again, after a position.
    pub(crate) fn rebase(&mut self, base: Seq) {
        self.cursor = base;
        self.spanned = base;
        self.reading = None;
        self.resting = None;
        self.ready.clear();
        self.ahead_acked.pass(base);
        self.ahead = self.ahead_acked.clone();
        let in_flight = self.in_flight.iter().flat_map(|sent| &sent.ahead).copied();
        self.ahead.insert(in_flight, base);
    }

    /// What has overtaken cannot be relied on: a comparison says what the peer has.
    pub(crate) fn forget_ahead(&mut self) {
        self.ahead_acked = Ahead::default();
    }

    /// Whether there is something to write down of what is durable there.
    pub(crate) fn has_news(&self) -> bool {
        self.saved != Some(self.acked) || self.is_ahead_news
    }

    /// Whether so much is durable there that a crash now would cost too much.
    pub(crate) fn is_save_due(&self) -> bool {
        self.unsaved_bytes >= UNSAVED_BYTES_MAX
    }

    /// It is being written down.
    pub(crate) fn saving(&mut self) {
        self.saved = Some(self.acked);
        self.is_ahead_news = false;
        self.unsaved_bytes = 0;
    }

    /// Leaves behind what is not for the peer. Little is touched: hundreds of links do so at every report. What has
    /// overtaken the cursor is let go of with the next reading.
    pub(crate) fn pass(&mut self, through: Seq) {
        self.cursor = through;
        self.resting = None;
    }

    /// Takes what was read of the journal; `is_news` asks for a push even if there are no entries, so that
    /// the peer's position moves.
    pub(crate) fn queue_journal(&mut self, batch: JournalBatch, is_news: bool, chunk_bytes: usize) {
        let JournalBatch {
            entries,
            through,
            ahead,
        } = batch;
        self.cursor = through;
        self.ahead.pass(through);
        self.ahead.insert(ahead.iter().copied(), through);
        let mut chunks = chunks(entries, chunk_bytes);
        if chunks.is_empty() && is_news && through > self.spanned {
            chunks.push(Vec::new());
        }
        if chunks.is_empty() {
            // None of it can be sent at all.
            self.ahead_acked.insert(ahead, through);
            return;
        }
        // A push says how far it leaves nothing behind: to before the first entry that comes later.
        let mut left = through;
        let mut queued = VecDeque::new();
        for entries in chunks.into_iter().rev() {
            let first = entries
                .iter()
                .map(|entry| Seq(entry.seq.0.saturating_sub(1)));
            let first = first.min().unwrap_or(left);
            queued.push_front((entries, left));
            left = left.min(first);
        }
        for (entries, end) in queued {
            let span = (end > self.spanned).then_some(Span {
                after: self.spanned,
                through: end,
            });
            self.spanned = self.spanned.max(end);
            self.ready.push_back(Ready {
                entries,
                span,
                ahead: Vec::new(),
            });
        }
        if let Some(last) = self.ready.back_mut() {
            last.ahead = ahead;
        }
    }

    /// Takes entries out of the journal's order.
    pub(crate) fn queue_missing(&mut self, entries: Vec<Entry>, chunk_bytes: usize) {
        let ready = chunks(entries, chunk_bytes)
            .into_iter()
            .map(|entries| Ready {
                entries,
                span: None,
                ahead: Vec::new(),
            });
        self.ready.extend(ready);
    }

    /// Tells the peer where it stands after a comparison, which has closed any gap: everything
    /// through the cursor has been sent or is not for it.
    pub(crate) fn queue_claim(&mut self) {
        let after = if self.has_gap { Seq(0) } else { self.spanned };
        if after == self.cursor {
            return;
        }
        let span = Span {
            after,
            through: self.cursor,
        };
        self.spanned = self.cursor;
        self.has_gap = false;
        self.ready.push_back(Ready {
            entries: Vec::new(),
            span: Some(span),
            ahead: Vec::new(),
        });
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(crate) fn has_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    pub(crate) fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes
    }

    /// Whether reading on makes sense: what is read could be sent.
    pub(crate) fn wants_more(&self, window: usize) -> bool {
        self.ready.is_empty() && self.in_flight_bytes < window && self.has_room(CHUNK_BYTES)
    }

    fn has_room(&self, weight: usize) -> bool {
        has_room(self.in_flight.len(), self.in_flight_bytes, weight)
    }

    /// Classes and bytes of the entries of the last push.
    pub(crate) fn pushed(&self) -> impl Iterator<Item = (Class, usize)> {
        self.pushed.clone().into_iter()
    }

    /// Pushes handed out so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Pushes known to be durable there.
    pub(crate) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// The next push, if there is one and it may travel now: while less than `window` is on its way. While the peer
    /// itself sends much, receipts go one push of at most `yielding` bytes after the other: on a slow link its
    /// acknowledgements would wait behind them, and what it sends for those.
    pub(crate) fn next_push(
        &mut self,
        now: Steady,
        window: usize,
        yielding: Option<usize>,
    ) -> Option<Push> {
        let is_receipts = |entry: &Entry| entry.class == Class::Receipts;
        let yielding = yielding.filter(|_| {
            let mut next = self
                .ready
                .front()
                .into_iter()
                .flat_map(|next| &next.entries);
            next.all(is_receipts)
        });
        let window = yielding.map_or(window, |_| window.min(1));
        if self.in_flight_bytes >= window {
            return None;
        }
        let ready = self.ready.pop_front()?;
        let (ready, rest) = ready.cut_after(yielding.unwrap_or(usize::MAX));
        if let Some(rest) = rest {
            self.ready.push_front(rest);
        }
        let weight = ready.weight();
        if !self.has_room(weight) {
            self.ready.push_front(ready);
            return None;
        }
        self.pushed.clear();
        let weights = ready.entries.iter();
        self.pushed
            .extend(weights.map(|entry| (entry.class, entry.body.len())));
        self.in_flight_bytes += weight;
        let sent = Sent {
            at: now,
            bytes: weight,
            bytes_in_flight: self.in_flight_bytes,
            entries: ready.entries.len(),
            span: ready.span,
            ahead: ready.ahead,
        };
        self.in_flight.push_back(sent);
        self.sent += 1;
        let groups = self.group(ready.entries);
        Some(Push {
            span: ready.span,
            groups,
        })
    }

    fn group(&mut self, entries: Vec<Entry>) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut last: Option<(ObjectId, Vec<u8>)> = None;
        for entry in entries {
            let name = (entry.object, entry.descriptor);
            let is_same = last.as_ref() == Some(&name);
            match groups.last_mut() {
                Some(group) if is_same && group.kind == entry.kind => group.bodies.push(entry.body),
                _ => groups.push(Group {
                    object: self.names.mention(&name),
                    kind: entry.kind,
                    bodies: vec![entry.body],
                }),
            }
            last = Some(name);
        }
        groups
    }

    /// Takes an acknowledgement.
    pub(crate) fn confirm(&mut self, ack: Ack, now: Steady) -> Result<Confirmed, CloseCode> {
        if ack.pushes <= self.confirmed || ack.pushes > self.sent {
            return Err(CloseCode::AckInvalid);
        }
        let (mut entries, mut bytes, mut ms) = (0, 0, 0);
        while self.confirmed < ack.pushes {
            let sent = self.in_flight.pop_front().ok_or(CloseCode::Bug)?;
            self.confirmed += 1;
            self.in_flight_bytes -= sent.bytes;
            (entries, bytes) = (sent.entries, sent.bytes_in_flight);
            ms = now.ms_since(sent.at);
            if let Some(span) = sent.span {
                self.acked = advanced(self.acked, span);
            }
            self.unsaved_bytes += sent.bytes;
            self.is_ahead_news |= !sent.ahead.is_empty();
            self.ahead_acked.insert(sent.ahead, self.acked);
        }
        self.ahead_acked.pass(self.acked);
        let is_inside =
            |refusal: &Refusal| usize::try_from(refusal.index).is_ok_and(|i| i < entries);
        let ascends = ack.refused.is_sorted_by(|a, b| a.index < b.index);
        if ack.refused.iter().all(is_inside) && ascends {
            Ok(Confirmed {
                refused: ack.refused,
                bytes,
                ms,
            })
        } else {
            Err(CloseCode::AckInvalid)
        }
    }
}

/// Where a position stands after a span: unmoved when the span begins beyond it.
pub(crate) fn advanced(position: Seq, span: Span) -> Seq {
    if span.after <= position {
        position.max(span.through)
    } else {
        position
    }
}

/// What an entry counts in the window. Its descriptor counts each time, sent or not, so that both
/// sides agree without sharing more.
fn weight(entry: &Entry) -> usize {
    entry.body.len() + entry.descriptor.len()
}

/// Cuts entries, in their order, where a chunk is full.
fn chunks(entries: Vec<Entry>, chunk_bytes: usize) -> Vec<Vec<Entry>> {
    let mut chunks: Vec<Vec<Entry>> = Vec::new();
    let mut bytes = 0;
    for entry in entries {
        let weight = weight(&entry);
        match chunks.last_mut() {
            Some(chunk) if bytes + weight <= chunk_bytes && chunk.len() < PUSH_ENTRIES_MAX => {
                bytes += weight;
                chunk.push(entry);
            }
            _ => {
                bytes = weight;
                chunks.push(vec![entry]);
            }
        }
    }
    chunks
}

/// The objects that have a short id now. The ids go round, so the oldest name makes room.
#[derive(Debug, Default)]
struct Names {
    by_name: BTreeMap<(ObjectId, Vec<u8>), u16>,
    by_id: Vec<(ObjectId, Vec<u8>)>,
    next: usize,
}

impl Names {
    fn mention(&mut self, name: &(ObjectId, Vec<u8>)) -> Mention {
        if let Some(id) = self.by_name.get(name) {
            return Mention::Known(*id);
        }
        let id = self.next;
        self.next = (self.next + 1) % SHORT_IDS_MAX;
        match self.by_id.get_mut(id) {
            Some(old) => {
                self.by_name.remove(old);
                old.clone_from(name);
            }
            None => self.by_id.push(name.clone()),
        }
        let short = u16::try_from(id).expect("there are fewer short ids than 65,536");
        self.by_name.insert(name.clone(), short);
        Mention::New {
            object: name.0,
            descriptor: name.1.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hopluu_model::EntryKind;

    use super::*;

    fn entry(seq: u64) -> Entry {
        Entry {
            seq: Seq(seq),
            kind: EntryKind::Receipt,
            object: ObjectId([1; 16]),
            descriptor: Vec::new(),
            body: vec![0; 100],
            class: Class::Receipts,
            unit: "10101@2024-05-01".parse().unwrap(),
            closed: None,
            origin: None,
        }
    }

    #[test]
    fn what_is_cut_in_two_says_of_each_part_how_far_it_leads() {
        let cut = |seqs: &[u64], after, through| {
            let ready = Ready {
                entries: seqs.iter().map(|seq| entry(*seq)).collect(),
                span: Some(Span {
                    after: Seq(after),
                    through: Seq(through),
                }),
                ahead: vec![Seq(99)],
            };
            let (first, rest) = ready.cut_after(250);
            let rest = rest.unwrap();
            assert!(first.ahead.is_empty() && rest.ahead == [Seq(99)]);
            assert_eq!((first.entries.len(), rest.entries.len()), (2, 2));
            [first.span, rest.span].map(|span| span.map(|span| (span.after.0, span.through.0)))
        };
        assert_eq!(cut(&[3, 5, 9, 12], 2, 15), [Some((2, 8)), Some((8, 15))]);
        // What comes later is before what comes first.
        assert_eq!(cut(&[9, 12, 3, 5], 2, 15), [None, Some((2, 15))]);
        // All of the rest is beyond the span: it overtakes.
        assert_eq!(cut(&[3, 5, 20, 21], 2, 7), [Some((2, 7)), None]);
    }
}
