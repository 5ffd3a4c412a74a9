//! What goes to the peer: read, cut to the link, written down when it is durable there.

use hopluu_model::Seq;

use super::{Session, Turn};
use crate::frame::Frame;
use crate::limits::{
    CHUNK_BYTES, DESCRIPTOR_BYTES_MAX, ENTRY_BYTES_MAX, PUSH_BYTES_MAX, YIELDING_BYTES,
};
use crate::status::Left;
use crate::{Acked, Ahead, CloseCode, Effect, Entry, JournalBatch, NewEntry, News, Steady};

impl Session {
    pub(super) fn take_journal(
        &mut self,
        batch: JournalBatch,
        turn: &mut Turn<'_>,
    ) -> Result<(), CloseCode> {
        let stays = batch.through < self.outbound.cursor || batch.through > turn.node.last;
        let strays = |seq: &Seq| *seq <= batch.through || *seq > turn.node.last;
        let is_twice = |seq: &Seq| self.outbound.ahead.contains(*seq);
        if stays || batch.ahead.iter().any(|seq| strays(seq) || is_twice(seq)) {
            return Err(CloseCode::Bug);
        }
        let is_nothing = batch.through == self.outbound.cursor && batch.ahead.is_empty();
        self.outbound.resting = is_nothing.then_some(turn.node.last);
        let is_caught_up = batch.through == turn.node.last;
        let is_news = is_caught_up && self.announces;
        self.announces = self.announces && !is_caught_up;
        let foreign = |entry: &Entry| entry.origin != Some(self.peer.node);
        let entries = batch.entries.into_iter().filter(foreign);
        let entries = self.sendable(entries, turn);
        let batch = JournalBatch { entries, ..batch };
        let chunk_bytes = self.chunk_bytes();
        self.outbound.queue_journal(batch, is_news, chunk_bytes);
        Ok(())
    }

    /// Leaves news behind that are for others, without asking the store for them. Whether nothing else follows from
    /// them for this link.
    pub(crate) fn pass_over(&mut self, last: Seq, news: &News) -> bool {
        let is_at_rest = self.may_push && self.outbound.reading.is_none() && !self.announces;
        let cursor = self.outbound.cursor;
        let is_here = |entry: &NewEntry| {
            entry.origin != Some(self.peer.node)
                && self
                    .scope
                    .admits(entry.kind, &entry.unit, entry.closed.as_deref())
        };
        if !is_at_rest || cursor < news.after {
            return false;
        }
        if cursor < last {
            if news.entries.iter().any(is_here) {
                return false;
            }
            self.outbound.pass(last);
        }
        // Files wait for news, and go on when there are none any more.
        self.giving.is_idle()
    }

    /// Nothing of ours through here is owed.
    pub(crate) fn quit(&self) -> Seq {
        if self.is_quiet() && !self.outbound.has_gap {
            self.outbound.cursor
        } else {
            self.outbound.acked
        }
    }

    /// What may and can travel on this link.
    pub(super) fn sendable(
        &self,
        entries: impl Iterator<Item = Entry>,
        turn: &mut Turn<'_>,
    ) -> Vec<Entry> {
        let mut list = Vec::new();
        for entry in entries {
            if !self
                .scope
                .admits(entry.kind, &entry.unit, entry.closed.as_deref())
            {
                continue;
            }
            let fits = entry.body.len() <= ENTRY_BYTES_MAX
                && entry.descriptor.len() <= DESCRIPTOR_BYTES_MAX;
            if fits {
                list.push(entry);
            } else {
                turn.record.unsendable += 1;
            }
        }
        list
    }

    pub(super) fn send_ready(&mut self, now: Steady) {
        while self.outlet.has_room() {
            let is_peer_streaming = self.inlet.is_streaming();
            let yielding = is_peer_streaming.then(|| self.outlet.unpacked(YIELDING_BYTES));
            let window = self.window();
            let push = self.outbound.next_push(now, window, yielding);
            if let Some(push) = push {
                self.say(&Frame::Push(push));
                continue;
            }
            if self.outbound.has_ready() {
                return;
            }
            let Some(entries) = self.walk.works.full_chunk() else {
                return;
            };
            let chunk_bytes = self.chunk_bytes();
            self.outbound.queue_missing(entries, chunk_bytes);
        }
    }

    /// Bytes of bodies in one push: what packs well may be more of them.
    pub(super) fn chunk_bytes(&self) -> usize {
        let packed = self.pace.chunk_bytes();
        // Smaller ones on a slow link, so that a cut takes fewer of what packs well.
        let is_fast = packed >= CHUNK_BYTES;
        let most = if is_fast { PUSH_BYTES_MAX } else { CHUNK_BYTES };
        self.outlet.unpacked(packed).min(most)
    }

    /// Bytes of bodies on their way from which on no further push follows.
    pub(super) fn window(&self) -> usize {
        self.outlet.unpacked(self.pace.in_flight_bytes())
    }

    /// Reads what could be sent next: news first, then what a comparison has found.
    pub(super) fn read_on(&mut self, turn: &mut Turn<'_>) {
        let has_room = self.outlet.has_room() && self.outbound.wants_more(self.window());
        if !self.may_push || self.outbound.reading.is_some() || !has_room {
            return;
        }
        let (link, scope) = (self.link, self.scope.clone());
        let is_resting = self.outbound.resting == Some(turn.node.last);
        if self.outbound.cursor < turn.node.last && !is_resting {
            let ticket = turn.ticket();
            self.outbound.reading = Some(ticket);
            turn.effects.push(Effect::ReadJournal {
                link,
                ticket,
                after: self.outbound.cursor,
                through: turn.node.last,
                ahead: self.outbound.ahead.clone(),
                least: turn.record.least,
                bytes_max: self.chunk_bytes(),
                scope,
            });
            return;
        }
        let ticket = turn.ticket();
        if let Some(work) = self.walk.works.start(ticket) {
            turn.effects.push(Effect::ReadMissing {
                link,
                ticket,
                object: work.key,
                select: work.select,
                after: work.after,
                bytes_max: CHUNK_BYTES,
                key: self.keys.hashes,
                scope,
            });
        }
    }

    /// Stores how far the peer has got: once nothing is on its way, and when that is much.
    pub(super) fn save(&mut self, turn: &mut Turn<'_>) {
        let is_due = self.is_quiet() && self.outbound.has_news() || self.outbound.is_save_due();
        if is_due && self.is_told() {
            let acked = Acked {
                basis: self.basis,
                through: self.outbound.acked,
            };
            self.store_acked(acked, self.outbound.ahead_acked.clone(), turn);
            self.outbound.saving();
            turn.record.is_void = false;
        }
    }

    /// Whether what was acknowledged says all that the peer has.
    pub(super) fn is_told(&self) -> bool {
        self.hello.is_some() && self.walk.is_whole() && !self.outbound.has_gap
    }

    /// What the next link to this peer begins with; none where this one has learnt nothing.
    pub(crate) fn left(&self) -> Option<Left> {
        self.hello.is_some().then(|| Left {
            basis: if self.is_told() {
                self.basis
            } else {
                Acked::void().basis
            },
            acked: self.outbound.acked,
            ahead: self.outbound.ahead_acked.clone(),
        })
    }

    pub(super) fn is_quiet(&self) -> bool {
        !self.outbound.has_in_flight() && !self.outbound.has_ready()
    }

    pub(super) fn store_acked(&mut self, acked: Acked, ahead: Ahead, turn: &mut Turn<'_>) {
        let ticket = turn.ticket();
        turn.effects.push(Effect::SaveAcked {
            link: self.link,
            ticket,
            peer: self.peer.node,
            acked,
            ahead,
        });
    }
}
