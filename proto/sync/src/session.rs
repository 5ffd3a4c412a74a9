//! One link: greeting, acknowledging, being heard. Pushing is in [`pushing`], comparing in [`walking`].

mod files;
mod greeting;
mod pushing;
mod walking;

use std::collections::BTreeSet;
use std::sync::Arc;

use hopluu_model::{Epoch, Place, Seq, UnitTree};

use crate::attachment::asking::Asking;
use crate::attachment::giving::Giving;
use crate::dictionary::Pair;
use crate::frame::{Ack, Frame, Hello};
use crate::generator::Generator;
use crate::inbound::Inbound;
use crate::inlet::Inlet;
use crate::limits::{SEND_WAITING_BYTES_MAX, SILENCE_MS, UNREAD_BYTES_MAX};
use crate::outbound::Outbound;
use crate::outlet::Outlet;
use crate::pace::Pace;
use crate::status::PeerRecord;
use crate::walk::{Role, Walk};
use crate::{
    Acked, Ahead, Checkpoint, Class, CloseCode, Effect, Event, FileId, Incoming, LinkId,
    LinkStatus, Purpose, Readers, Refusal, Said, Scope, ShortKey, Steady, TargetId, Ticket,
    WalkState,
};

/// Bytes of a hello.
const HELLO_BYTES: usize = 66;

/// Bytes of a usual acknowledgement, as a share of what is read.
const TALK_BYTES: usize = 4;

/// What all sessions share of the node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) me: Place,
    pub(crate) epoch: Epoch,
    pub(crate) last: Seq,
    pub(crate) tree: Arc<UnitTree>,
    pub(crate) readers: Arc<dyn Readers>,
    pub(crate) tickets: u64,
    pub(crate) generator: Generator,
}

impl Node {
    fn scope_of(&self, peer: &Place) -> Scope {
        Scope::new(
            Arc::clone(&self.tree),
            Arc::clone(&self.readers),
            peer.clone(),
        )
    }
}

/// What a session may touch while it handles one event.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    pub(crate) now: Steady,
    pub(crate) node: &'t mut Node,
    pub(crate) record: &'t mut PeerRecord,
    pub(crate) effects: &'t mut Vec<Effect>,
    /// Memory that this session may use for a message in parts.
    pub(crate) parts_max: usize,
    /// Whether this session may begin a packed stream.
    pub(crate) may_pack: bool,
    /// The files that other sessions are fetching.
    pub(crate) pulled: &'t BTreeSet<FileId>,
    /// Whether this session may begin to fetch files.
    pub(crate) may_pull: bool,
}

impl Turn<'_> {
    fn ticket(&mut self) -> Ticket {
        self.node.tickets += 1;
        Ticket(self.node.tickets)
    }
}

/// One link and what is known of its peer.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) link: LinkId,
    pub(crate) peer: Place,
    pub(crate) target: Option<TargetId>,
    pub(crate) opened: Steady,
    scope: Arc<Scope>,
    /// What an acknowledgement of the peer holds for.
    basis: Epoch,
    inlet: Inlet,
    /// Whether more has come than one turn reads, and another is due.
    is_reading_on: bool,
    /// How the link ended, where what came before that is not all read.
    pub(crate) ended: Option<Ending>,
    /// The reading of the checkpoint, until it is there.
    loading: Option<Ticket>,
    remembered: Checkpoint,
    nonce: [u8; 8],
    hello: Option<Hello>,
    keys: Keys,
    /// Whether the journal may be pushed: at once where the checkpoint allows, else after the hello.
    may_push: bool,
    /// Whether the peer should hear of positions that moved without any entry for it.
    announces: bool,
    outbound: Outbound,
    inbound: Inbound,
    walk: Walk,
    outlet: Outlet,
    asking: Asking,
    giving: Giving,
    pace: Pace,
    said: Said,
    /// When the link last carried anything, in either direction.
    moved: Steady,
    /// Since when the peer owes us something.
    owed_since: Option<Steady>,
}

/// How a peer ended a link: the code, and in how many seconds it wants to be called again, where it said so.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ending {
    pub(crate) code: Option<u16>,
    pub(crate) again_s: Option<u32>,
}

/// Secrets of this session, from both nonces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    pub(crate) hashes: ShortKey,
    pub(crate) ranges: ShortKey,
}

impl Session {
    /// Opens, and asks for the peer's checkpoint.
    pub(crate) fn open(
        link: LinkId,
        peer: Place,
        target: Option<TargetId>,
        turn: &mut Turn<'_>,
    ) -> Self {
        let ticket = turn.ticket();
        turn.effects.push(Effect::LoadCheckpoint {
            link,
            ticket,
            peer: peer.node,
        });
        let unset = ShortKey([0; 32]);
        let pair = Pair::of(&turn.node.me, &peer);
        let scope = turn.node.scope_of(&peer);
        // Believed until the hello: one that brings none shows that the peer has become another program.
        let dictionary = std::mem::take(&mut turn.record.dictionary);
        Self {
            link,
            basis: Acked::basis(turn.node.epoch, scope.version()),
            scope: Arc::new(scope),
            peer,
            target,
            opened: turn.now,
            inlet: Inlet::new(pair.clone()),
            is_reading_on: false,
            ended: None,
            loading: Some(ticket),
            remembered: Checkpoint::default(),
            nonce: turn.node.generator.draw(),
            hello: None,
            keys: Keys {
                hashes: unset,
                ranges: unset,
            },
            may_push: false,
            announces: false,
            outbound: Outbound::default(),
            inbound: Inbound::default(),
            walk: Walk::default(),
            outlet: Outlet::new(pair, dictionary),
            asking: Asking::new(),
            giving: Giving::default(),
            pace: Pace::default(),
            said: Said::default(),
            moved: turn.now,
            owed_since: Some(turn.now),
        }
    }

    /// Handles one event of this link, then does whatever has become possible.
    pub(crate) fn handle(&mut self, event: Event, turn: &mut Turn<'_>) -> Result<(), CloseCode> {
        self.dispatch(event, turn)?;
        self.go_on(turn);
        if self.outlet.waiting_bytes() > SEND_WAITING_BYTES_MAX {
            return Err(CloseCode::Busy);
        }
        Ok(())
    }

    fn dispatch(&mut self, event: Event, turn: &mut Turn<'_>) -> Result<(), CloseCode> {
        match event {
            Event::Received { bytes, .. } => {
                self.moved = turn.now;
                turn.record.last_heard = Some(turn.now);
                self.inlet.take(&bytes);
                if self.is_reading_on {
                    return self.check_unread();
                }
                self.read(turn)
            }
            Event::ReadOn { .. } if self.is_reading_on => {
                self.inlet.begin_turn();
                self.read(turn)
            }
            Event::Sent { .. } => {
                self.moved = turn.now;
                self.outlet.taken();
                Ok(())
            }
            Event::Measured {
                rate,
                round_trip_ms: ms,
                ..
            } => {
                self.pace.measured(rate, ms);
                turn.record.pace = self.pace;
                Ok(())
            }
            Event::CheckpointLoaded {
                ticket,
                checkpoint,
                ahead,
                ..
            } if self.loading == Some(ticket) => {
                self.loading = None;
                self.introduce(checkpoint, ahead, turn);
                self.read(turn)
            }
            Event::JournalRead { ticket, batch, .. } if self.outbound.reading == Some(ticket) => {
                self.outbound.reading = None;
                self.take_journal(batch, turn)
            }
            Event::Applied {
                ticket,
                refused,
                last,
                ..
            } if self.inbound.is_applying(ticket) => {
                turn.node.last = turn.node.last.max(last);
                self.take_applied(&refused, turn);
                Ok(())
            }
            Event::ItemsRead { ticket, items, .. } => self.take_items(ticket, items, turn),
            Event::HashesRead { ticket, held, .. } => self.take_hashes(ticket, held),
            Event::MissingRead { ticket, batch, .. } => self.take_missing(ticket, batch, turn),
            Event::StoreFailed { .. } => Err(CloseCode::StoreFailed),
            Event::Woken if self.silent_at().is_some_and(|at| at <= turn.now) => {
                Err(CloseCode::Silent)
            }
            other => {
                self.follow(other, turn);
                Ok(())
            }
        }
    }

    /// What has changed at this node, for all of its links.
    fn follow(&mut self, event: Event, turn: &mut Turn<'_>) {
        match event {
            Event::ScopeChanged { .. } => self.compare_anew(),
            Event::Limited { .. } => self.outbound.resting = None,
            Event::RoomMade { .. } => self.make_room(turn),
            other => self.take_file_event(other),
        }
    }

    /// Goes by what decides from now on. Whether the peer may see more, or less, than before.
    pub(crate) fn change_scope(&mut self, node: &Node) -> bool {
        let scope = node.scope_of(&self.peer);
        let before = self.basis;
        self.basis = Acked::basis(node.epoch, scope.version());
        self.scope = Arc::new(scope);
        self.basis != before
    }

    /// What was acknowledged says no longer all that the peer is to have.
    fn compare_anew(&mut self) {
        self.asking.want_anew();
        if self.hello.is_some() {
            self.want_walk();
        } else {
            self.may_push = false;
        }
    }

    /// What was turned away there for want of room may come in now.
    fn make_room(&mut self, turn: &mut Turn<'_>) {
        // Whatever else is on its way to the disk must not be the last word on this peer.
        self.store_acked(Acked::void(), Ahead::default(), turn);
        if self.hello.is_some() {
            self.want_walk();
        } else {
            self.remembered.acked = Acked::void();
        }
    }

    /// Reads what has come, as much as is for one turn.
    fn read(&mut self, turn: &mut Turn<'_>) -> Result<(), CloseCode> {
        if self.loading.is_some() {
            return self.check_unread();
        }
        while let Some(frame) = self.inlet.next(turn.parts_max)? {
            self.take(frame, turn)?;
        }
        let link = self.link;
        let was_reading_on = std::mem::replace(&mut self.is_reading_on, self.inlet.has_more());
        if self.is_reading_on {
            turn.effects.push(Effect::ReadOn { link });
        } else if was_reading_on {
            turn.effects.push(Effect::HasRead { link });
        }
        Ok(())
    }

    fn check_unread(&self) -> Result<(), CloseCode> {
        if self.inlet.waiting_bytes() > UNREAD_BYTES_MAX {
            return Err(CloseCode::WindowExceeded);
        }
        Ok(())
    }

    /// The link is gone. Whether all that came before that is read; else it [ends](Self::ending) when it is.
    pub(crate) fn end(&mut self, ending: Ending) -> bool {
        self.ended = Some(ending);
        !self.is_reading_on
    }

    /// How the link ended, once what came before that is read.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ended.filter(|_| !self.is_reading_on)
    }

    fn take(&mut self, frame: Frame, turn: &mut Turn<'_>) -> Result<(), CloseCode> {
        self.hear(&frame);
        match frame {
            Frame::Hello(hello) => self.greet(hello, turn),
            Frame::Push(push) => self.inbound.take(push),
            Frame::Ack(ack) => {
                let confirmed = self.outbound.confirm(ack, turn.now)?;
                let bytes = self.outlet.packed(confirmed.bytes);
                self.pace.acknowledged(bytes, confirmed.ms);
                for refusal in confirmed.refused {
                    *turn.record.refused_there.entry(refusal.code).or_default() += 1;
                }
                Ok(())
            }
            Frame::Ask(ask) => self.take_question(ask, turn),
            Frame::Answer(answer) => self.take_answer(answer, turn),
            Frame::Objects(objects) => self.take_requests(objects),
            Frame::Fin(fin) => self.take_fin(fin),
            Frame::Fetch(fetch) => self.take_fetch(fetch),
            Frame::Bytes(bytes) => self.take_bytes(&bytes, turn),
            Frame::Absent => self.asking.take_absent(),
            Frame::Present(file) => self.take_present(file, turn),
        }
    }

    fn take_applied(&mut self, refused: &[Refusal], turn: &mut Turn<'_>) {
        let Some(entries) = self.inbound.finish() else {
            return;
        };
        let is_inside =
            |refusal: &&Refusal| usize::try_from(refusal.index).is_ok_and(|index| index < entries);
        let refused: Vec<Refusal> = refused.iter().filter(is_inside).copied().collect();
        for refusal in &refused {
            *turn.record.refused_here.entry(refusal.code).or_default() += 1;
        }
        self.acknowledge(refused);
    }

    fn acknowledge(&mut self, refused: Vec<Refusal>) {
        let pushes = self.inbound.applied();
        self.say(&Frame::Ack(Ack { pushes, refused }));
    }

    fn say(&mut self, frame: &Frame) {
        let before = self.outlet.waiting_bytes();
        self.outlet.say(frame);
        let bytes = self.outlet.waiting_bytes() - before;
        match frame {
            Frame::Hello(_) => self.said.up(Purpose::Hello, bytes),
            Frame::Push(_) => {
                // The frame around its entries goes with the talk.
                let mut left = bytes;
                for (class, bytes) in self.outbound.pushed() {
                    let part = bytes.min(left);
                    left -= part;
                    self.said.up(Purpose::of_class(class), part);
                }
                self.said.up(Purpose::Talk, left);
            }
            _ => self.said.up(Purpose::Talk, bytes),
        }
    }

    /// Puts down what the peer says; nearly, because how long a frame was is forgotten when it has been read.
    fn hear(&mut self, frame: &Frame) {
        match frame {
            Frame::Hello(_) => self.said.down(Purpose::Hello, HELLO_BYTES),
            Frame::Push(push) => {
                for group in &push.groups {
                    let bytes = group.bodies.iter().map(Vec::len).sum();
                    let class = Class::of_kind(group.kind);
                    self.said.down(Purpose::of_class(class), bytes);
                }
            }
            Frame::Bytes(bytes) => self.said.down(Purpose::Attachments, bytes.len()),
            _ => self.said.down(Purpose::Talk, TALK_BYTES),
        }
    }

    /// What has been said on this link, by purpose.
    pub(crate) fn said(&self) -> Said {
        self.said
    }

    /// Applies, sends, reads and ends whatever can be, then hands out the bytes.
    fn go_on(&mut self, turn: &mut Turn<'_>) {
        self.apply_next(turn);
        self.send_ready(turn.now);
        self.advance_walk(turn);
        self.read_on(turn);
        self.save(turn);
        self.advance_files(turn);
        if !self.is_owed() {
            self.outlet.end_stream();
        }
        // What is just being read goes along: a packet of its own costs forty bytes.
        let waits = self.outbound.reading.is_some() && self.outlet.may_wait();
        let may_wait = self.outlet.is_alone();
        let piece_max = self.pace.chunk_bytes();
        if !waits && let Some(bytes) = self.outlet.next_piece(turn.may_pack, piece_max) {
            turn.effects.push(Effect::Send {
                link: self.link,
                bytes,
                may_wait,
            });
        }
        let is_owed = self.is_owed();
        if is_owed != self.owed_since.is_some() {
            let link = self.link;
            turn.effects.push(Effect::Await {
                link,
                is_awaited: is_owed,
            });
        }
        self.owed_since = is_owed.then(|| self.owed_since.unwrap_or(turn.now));
        turn.record.acked = self.outbound.acked;
        turn.record.received = self.inbound.received.through;
    }

    /// Whether work remains: the peer owes an answer, or the link has not taken what was said.
    fn is_owed(&self) -> bool {
        self.hello.is_none()
            || self.outbound.has_in_flight()
            || self.outlet.is_sending()
            || self.outlet.waiting_bytes() > 0
            || !self.walk.is_idle()
            || self.walk.settling.is_some()
            || self.asking.is_owed()
            || self.giving.reading.is_some()
    }

    fn apply_next(&mut self, turn: &mut Turn<'_>) {
        while self.outlet.has_room() {
            let ticket = turn.ticket();
            let Some(next) = self.inbound.start(ticket) else {
                return;
            };
            if next.entries.is_empty() && next.received.is_none() {
                self.inbound.finish();
                self.acknowledge(Vec::new());
                continue;
            }
            let entries: Vec<Incoming> = next.entries;
            turn.effects.push(Effect::Apply {
                link: self.link,
                ticket,
                peer: self.peer.node,
                entries,
                received: next.received,
            });
            return;
        }
    }

    /// When this link is given up unless something is heard.
    pub(crate) fn silent_at(&self) -> Option<Steady> {
        let since = self.owed_since?.max(self.moved);
        Some(since.plus_ms(SILENCE_MS))
    }

    /// Bytes held for a message in parts.
    pub(crate) fn parts_bytes(&self) -> usize {
        self.inlet.parts_bytes()
    }

    /// Whether a packed stream of ours is open.
    pub(crate) fn is_packing(&self) -> bool {
        self.outlet.is_packing()
    }

    /// Whether the peer has said hello.
    pub(crate) fn is_greeted(&self) -> bool {
        self.hello.is_some()
    }

    pub(crate) fn status(&self) -> LinkStatus {
        LinkStatus {
            link: self.link,
            since: self.opened,
            greeted: self.is_greeted(),
            in_flight_bytes: self.outbound.in_flight_bytes(),
            waiting_bytes: self.outlet.waiting_bytes(),
            walk: match &self.walk.role {
                Role::Leading(_) => WalkState::Leading,
                Role::Serving(_) => WalkState::Serving,
                Role::Idle if self.walk.is_due => WalkState::Due,
                Role::Idle => WalkState::Settled,
            },
        }
    }
}
