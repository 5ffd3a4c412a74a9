//! Files over this link: the lowest class. What they need is said only when nothing else waits.

use hopluu_model::{EntryKind, Seq};

use super::{Session, Turn};
use crate::frame::{Fetch, Frame};
use crate::{Class, CloseCode, Effect, Event, FileId, PieceFate, Purpose, Steady, Ticket};

impl Session {
    /// Handles what concerns files. All others are stale answers, and what only the hub itself needs to know.
    pub(super) fn take_file_event(&mut self, event: Event) {
        match event {
            Event::WantsRead { ticket, wants, .. } if self.asking.reading == Some(ticket) => {
                self.asking.take_wants(wants);
            }
            Event::PieceRead { ticket, bytes, .. } if self.giving.reading == Some(ticket) => {
                let is_absent = self.giving.take_read(bytes);
                self.say_absent(is_absent);
            }
            Event::PieceKept { ticket, fate, .. } => self.take_kept(ticket, fate),
            Event::FilesWanted { unit }
                if self.scope.admits(EntryKind::Attachment, &unit, None) =>
            {
                self.asking.want_anew();
            }
            Event::FileHere { here } if self.giving.is_awaited(&here, &self.scope) => {
                self.say(&Frame::Present(here.file));
            }
            _ => {}
        }
    }

    pub(super) fn take_fetch(&mut self, fetch: Fetch) -> Result<(), CloseCode> {
        self.giving.take(fetch)
    }

    pub(super) fn take_bytes(
        &mut self,
        bytes: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<(), CloseCode> {
        for (file, piece) in self.asking.take_bytes(bytes)? {
            let ticket = turn.ticket();
            self.asking.begin_writing(ticket, file);
            turn.effects.push(Effect::KeepPiece {
                link: self.link,
                ticket,
                file,
                piece,
            });
        }
        Ok(())
    }

    fn say_absent(&mut self, is_absent: bool) {
        if is_absent {
            self.say(&Frame::Absent);
        }
    }

    fn take_kept(&mut self, ticket: Ticket, fate: PieceFate) {
        let file = self.asking.written(ticket, fate);
        if let Some(file) = file.filter(|_| fate == PieceFate::Completed) {
            self.say(&Frame::Present(file));
        }
    }

    /// The peer has what it was asked for in vain, or has just been given. Anything else costs nothing here, and is
    /// counted.
    pub(super) fn take_present(
        &mut self,
        file: FileId,
        turn: &mut Turn<'_>,
    ) -> Result<(), CloseCode> {
        let was_asked = self.asking.take_present(&file);
        let was_given = self.giving.take_present(&file);
        if !was_asked && !was_given {
            return self.asking.take_stray();
        }
        turn.effects.push(Effect::NoteHolder {
            peer: self.peer.node,
            file,
        });
        Ok(())
    }

    /// Asks for what is wanted and gives what was asked for, as far as both can be.
    pub(super) fn advance_files(&mut self, turn: &mut Turn<'_>) {
        if self.hello.is_none() {
            return;
        }
        if self
            .asking
            .deaf_at(self.moved)
            .is_some_and(|at| at <= turn.now)
        {
            self.asking.take_for_silent();
        }
        let is_allowed = turn.record.least >= Class::Attachments;
        while is_allowed && self.outlet.has_room() {
            let busy = turn.pulled;
            let is_busy = |file: &_| busy.contains(file);
            let fetch = self.asking.next_fetch(turn.now, turn.may_pull, is_busy);
            let Some(fetch) = fetch else { break };
            self.say(&Frame::Fetch(fetch));
        }
        if let Some(after) = self.asking.wants_reading() {
            let ticket = turn.ticket();
            self.asking.reading = Some(ticket);
            turn.effects.push(Effect::ReadWants {
                link: self.link,
                ticket,
                after,
                scope: self.scope.clone(),
            });
        }
        if is_allowed {
            for file in self.giving.release() {
                self.say(&Frame::Present(file));
            }
        } else {
            while self.giving.withhold() {
                self.say(&Frame::Absent);
            }
        }
        self.give(turn);
    }

    fn give(&mut self, turn: &mut Turn<'_>) {
        if !self.has_only_files(turn.node.last) {
            return;
        }
        if let Some(bytes) = self.giving.next_bytes(turn.now, self.pace) {
            let before = self.outlet.waiting_bytes();
            self.outlet.say_alone(&Frame::Bytes(bytes));
            let bytes = self.outlet.waiting_bytes() - before;
            self.said.up(Purpose::Attachments, bytes);
        }
        if let Some(due) = self.giving.due() {
            let ticket = turn.ticket();
            self.giving.reading = Some(ticket);
            turn.effects.push(Effect::ReadPiece {
                link: self.link,
                ticket,
                file: due.file,
                number: due.number,
                begins: due.begins,
                scope: self.scope.clone(),
            });
        }
    }

    /// Whether nothing else waits for the link. One that still holds a piece asks again when it has taken it.
    fn has_only_files(&self, last: Seq) -> bool {
        !self.outlet.is_sending()
            && self.outlet.waiting_bytes() == 0
            && !self.outbound.has_ready()
            && self.outbound.reading.is_none()
            && self.outbound.cursor >= last
            && self.walk.is_idle()
    }

    /// When the next bytes of a file may go to the peer, if nothing else waits for the link.
    pub(crate) fn gives_at(&self, last: Seq) -> Option<Steady> {
        let next = self.giving.next_at()?;
        self.has_only_files(last).then_some(next)
    }

    /// Whether something is wanted that could not be asked for because of other links.
    pub(crate) fn is_blocked(&self) -> bool {
        self.asking.is_blocked
    }

    /// The files that this link is fetching.
    pub(crate) fn pulling(&self) -> impl Iterator<Item = FileId> {
        self.asking.pulling()
    }

    /// When a peer that may know no files is to be asked no more.
    pub(crate) fn deaf_at(&self) -> Option<Steady> {
        self.asking.deaf_at(self.moved)
    }
}
