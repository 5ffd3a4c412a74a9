//! Performs what the hub asks for: reads and writes go to the store, the rest to the network.

use hopluu_model::{NodeId, Place, Seq, Timestamp};
use hopluu_net::Via;
use hopluu_store::{DbError, DocRow, PeerCheckpoint, WriteError, WriteTx};
use hopluu_sync::{
    Acked, Effect, Event, Incoming, LinkId, Received, Refusal, RefusalCode, TargetId, Ticket,
};
use hopluu_trust::verify_line;

use crate::admit::Admitted;
use crate::core::{Core, unreadable};
use crate::limits::{ANSWERS_AT_ONCE, PUSH_OPS_MAX, RENEW_LOOK_MS};
use crate::reads::{Answered, Known, ask};
use crate::turn::{NetEffect, Turn};
use crate::view::{DiskState, WatchEvent};
use crate::ways::Way;

impl Core {
    /// An address that this node keeps a link to.
    pub fn target_added(&mut self, turn: &mut Turn, target: TargetId) {
        self.hub_event(turn, Event::TargetAdded { target, peer: None });
    }

    /// One that stands by for those, and is called only while none of them answers.
    pub fn standby_added(&mut self, turn: &mut Turn, target: TargetId) {
        self.hub_event(turn, Event::StandbyAdded { target });
    }

    /// The machine is on another network.
    pub fn network_changed(&mut self, turn: &mut Turn) {
        self.hub_event(turn, Event::NetworkChanged);
    }

    /// A person knows that now is the time.
    pub(crate) fn call_wanted(&mut self, turn: &mut Turn) {
        turn.net.push(NetEffect::CallWanted);
        self.hub_event(turn, Event::CallWanted);
    }

    /// The machine slept or its clock was set: windows are judged anew, and what was put off is tried at once, because
    /// nothing is as it was when it was put off.
    pub fn clock_jumped(&mut self, turn: &mut Turn) {
        self.follow_plans(turn);
        self.network_changed(turn);
    }

    /// Whether a node has anything to do with this one: the same unit, one above or one below, by the tree or, while
    /// that has not come yet, by the certificates of this node's own line.
    pub(crate) fn is_on_line(&self, peer: &Place) -> bool {
        let (own, tree) = (&self.me().unit, self.tree());
        let is_certified = || {
            let config = self.config();
            let line = verify_line(&config.chain, &config.root, None).unwrap_or_default();
            line.iter().any(|above| above.place.unit == peer.unit)
        };
        peer.unit == *own || tree.related(own, &peer.unit) || is_certified()
    }

    /// By what a link runs, to be shown.
    pub(crate) fn link_via(&mut self, link: LinkId, via: Via) {
        self.vias.insert(link, via);
    }

    /// A dial led nowhere; in so many seconds to come again, where somebody there had no time now.
    pub fn dial_failed(&mut self, turn: &mut Turn, target: TargetId, again_s: Option<u32>) {
        self.hub_event(turn, Event::DialFailed { target, again_s });
    }

    /// A link stands and its peer's chain is verified.
    pub fn link_opened(
        &mut self,
        turn: &mut Turn,
        link: LinkId,
        peer: Place,
        target: Option<TargetId>,
    ) {
        tracing::info!(peer = %peer.node.short(), unit = %peer.unit, "link opened");
        self.linked.insert(link, peer.node);
        turn.events.push(WatchEvent::LinkOpened {
            node: peer.node,
            unit: peer.unit.clone(),
        });
        let node = peer.node;
        self.hub_event(turn, Event::LinkOpened { link, peer, target });
        self.renew(turn, node);
    }

    /// Bytes came over a link.
    pub fn link_received(&mut self, turn: &mut Turn, link: LinkId, bytes: Vec<u8>) {
        if let Some(node) = self.linked.get(&link) {
            let (node, before) = (*node, self.heard.insert(*node, turn.now));
            let look = |at: Timestamp| at.0.div_euclid(RENEW_LOOK_MS);
            if before.is_none_or(|before| look(before) != look(turn.now)) {
                self.renew(turn, node);
            }
        }
        self.hub_event(turn, Event::Received { link, bytes });
    }

    /// A link has taken what it was handed.
    pub fn link_sent(&mut self, turn: &mut Turn, link: LinkId) {
        self.hub_event(turn, Event::Sent { link });
    }

    /// What a link carries is known, or has changed notably.
    pub(crate) fn link_measured(&mut self, turn: &mut Turn, link: LinkId, way: Way) {
        let measured = Event::Measured {
            link,
            rate: way.rate(),
            round_trip_ms: way.round_trip_ms(),
        };
        self.hub_event(turn, measured);
    }

    /// A link is gone: the code with which its peer closed it, and in how many seconds it wants to be called again,
    /// where it said so.
    pub fn link_closed(
        &mut self,
        turn: &mut Turn,
        link: LinkId,
        code: Option<u16>,
        again_s: Option<u32>,
    ) {
        self.vias.remove(&link);
        self.bills.forget_even(turn.steady);
        if let Some(node) = self.linked.remove(&link) {
            tracing::info!(peer = %node.short(), code, again_s, "link closed");
            turn.events.push(WatchEvent::LinkClosed { node });
            self.save_heard(node);
        }
        let closed = Event::LinkClosed {
            link,
            code,
            again_s,
        };
        self.hub_event(turn, closed);
    }

    /// The instant of [`Core::next_wake`] has come.
    pub fn woken(&mut self, turn: &mut Turn) {
        self.plans_woken(turn);
        self.hub_event(turn, Event::Woken);
        self.refresh_totals(turn);
        self.pack_next(turn);
        self.bundles_due(turn);
    }

    pub(crate) fn hub_event(&mut self, turn: &mut Turn, event: Event) {
        let mut effects = Vec::new();
        self.hub.handle(turn.steady, event, &mut effects);
        // Answers of reads are events themselves: they are worked off here, in order, so that the
        // stack does not grow with the journal.
        let mut waiting: std::collections::VecDeque<Effect> = effects.into();
        let mut answered = 0;
        while let Some(effect) = waiting.pop_front() {
            if let Some(answer) = self.perform(turn, effect) {
                answered += 1;
                if answered > ANSWERS_AT_ONCE {
                    self.later(move |core, turn| core.hub_event(turn, answer));
                    continue;
                }
                let mut effects = Vec::new();
                self.hub.handle(turn.steady, answer, &mut effects);
                waiting.extend(effects);
            }
        }
    }

    /// Does one thing; reads are answered at once, writes when they are durable.
    fn perform(&mut self, turn: &mut Turn, effect: Effect) -> Option<Event> {
        match effect {
            outward @ (Effect::Dial { .. }
            | Effect::Send { .. }
            | Effect::Await { .. }
            | Effect::HasRead { .. }
            | Effect::Close { .. }) => turn.net.extend(outward_of(outward)),
            Effect::ReadOn { link } => {
                let is_held = true;
                turn.net.push(NetEffect::Hold { link, is_held });
                self.later(move |core, turn| core.hub_event(turn, Event::ReadOn { link }));
            }
            Effect::Apply {
                link,
                ticket,
                peer,
                entries,
                received,
            } => {
                if self.bills.due_in_ms(&peer, turn.steady) > 0 {
                    return Some(Event::Overspent { link });
                }
                let answer = Answer { link, ticket };
                self.apply(turn, Applying::new(answer, peer, entries, received));
            }
            Effect::SaveAcked {
                link,
                ticket,
                peer,
                acked,
                ahead,
            } => {
                let ahead = ahead.encode();
                self.save_checkpoint(Answer { link, ticket }, peer, ahead, move |kept| {
                    acked_is(kept, acked);
                });
            }
            Effect::SaveCheckpoint {
                link,
                ticket,
                peer,
                checkpoint,
            } => {
                self.save_checkpoint(Answer { link, ticket }, peer, Vec::new(), move |kept| {
                    *kept = PeerCheckpoint {
                        their_epoch: checkpoint.received.epoch,
                        received: checkpoint.received.through,
                        my_epoch: checkpoint.acked.basis,
                        acked: checkpoint.acked.through,
                    };
                });
            }
            keeping @ (Effect::KeepPiece { .. } | Effect::NoteHolder { .. }) => {
                self.keep(keeping);
            }
            Effect::LoadCheckpoint { link, ticket, .. }
            | Effect::ReadWants { link, ticket, .. }
            | Effect::ReadPiece { link, ticket, .. }
            | Effect::ReadJournal { link, ticket, .. }
            | Effect::ReadItems { link, ticket, .. }
            | Effect::ReadHashes { link, ticket, .. }
            | Effect::ReadMissing { link, ticket, .. } => {
                return self.look_up(turn, Answer { link, ticket }, effect);
            }
        }
        None
    }

    /// Answers an effect that only reads: at once, or where it was much work, when others have had their turn.
    fn look_up(&mut self, turn: &Turn, answer: Answer, effect: Effect) -> Option<Event> {
        let reader = self.store().read();
        let known = Known {
            outline: &self.outline,
            quota: self.file_quota,
            due_days: &|doc: &DocRow| self.due_days(doc, turn.now),
        };
        let found = reader.and_then(|reader| reader.consistent(|read| ask(read, effect, &known)));
        let Answered { event, is_much } = found.unwrap_or_else(|error| {
            unreadable(&error);
            let Answer { link, ticket } = answer;
            Answered {
                event: Event::StoreFailed { link, ticket },
                is_much: false,
            }
        });
        if !is_much {
            return Some(event);
        }
        self.later(move |core, turn| core.hub_event(turn, event));
        None
    }

    /// As much of a push as one transaction takes; the rest goes to the end of the queue, behind what
    /// others have sent meanwhile. The position moves with the last of it.
    fn apply(&mut self, turn: &mut Turn, mut applying: Applying) {
        let (peer, answer) = (applying.peer, applying.answer);
        let admission = self.admission(Some(peer), turn.now);
        self.submit(
            move |tx| -> Result<_, DbError> {
                let admitted = admission.push(tx, &applying.entries)?;
                applying.judged(&admitted);
                if let (Some(received), []) = (applying.received, applying.entries.as_slice()) {
                    change_checkpoint(tx, peer, |kept| received_is(kept, received))?;
                }
                Ok((admitted, applying))
            },
            move |core, turn, result| core.applied(turn, answer, result),
        );
    }

    fn applied(
        &mut self,
        turn: &mut Turn,
        Answer { link, ticket }: Answer,
        result: Result<(Admitted, Applying), WriteError<DbError>>,
    ) {
        let (mut admitted, applying) = match result {
            Ok(done) => done,
            Err(error) => {
                self.write_failed(turn, error);
                return self.hub_event(turn, Event::StoreFailed { link, ticket });
            }
        };
        self.disk_is(turn, DiskState::Good);
        if let Some(registry) = admitted.registry.take() {
            self.records_changed(registry);
        }
        let peer = applying.peer;
        let (ops, paying) = (admitted.ops(), admitted.paying_bytes());
        self.bills.spend(peer, ops, paying, turn.steady);
        if !applying.entries.is_empty() {
            let applying = applying.within_bounds();
            self.apply(turn, applying);
            return self.let_in(turn, admitted, Some(peer));
        }
        let last = match self.look_at_journal() {
            Ok(last) => last,
            Err(error) => {
                unreadable(&error);
                return self.hub_event(turn, Event::StoreFailed { link, ticket });
            }
        };
        // The acknowledgement leaves first: the peer's window may be closing.
        self.hub_event(
            turn,
            Event::Applied {
                link,
                ticket,
                refused: applying.refused,
                last,
            },
        );
        if applying.is_cut_off {
            self.hub_event(turn, Event::Overspent { link });
        }
        self.let_in(turn, admitted, Some(peer));
    }

    fn save_checkpoint(
        &mut self,
        answer: Answer,
        peer: NodeId,
        ahead: Vec<u8>,
        change: impl FnOnce(&mut PeerCheckpoint) + Send + 'static,
    ) {
        let Answer { link, ticket } = answer;
        self.submit(
            move |tx| {
                change_checkpoint(tx, peer, change)?;
                tx.put_ahead(peer, &ahead)
            },
            move |core, turn, result| match result {
                Ok(()) => core.hub_event(turn, Event::Saved { link, ticket }),
                Err(error) => {
                    core.write_failed(turn, error);
                    core.hub_event(turn, Event::StoreFailed { link, ticket });
                }
            },
        );
    }

    fn save_heard(&mut self, node: NodeId) {
        let Some(at) = self.heard.get(&node).copied() else {
            return;
        };
        self.submit(
            move |tx| tx.put_last_heard(node, at),
            |core, turn, result: Result<(), WriteError<DbError>>| {
                if let Err(error) = result {
                    core.write_failed(turn, error);
                }
            },
        );
    }
}

/// What is the network's to do.
fn outward_of(effect: Effect) -> Option<NetEffect> {
    Some(match effect {
        Effect::Dial { target } => NetEffect::Dial { target },
        Effect::Send {
            link,
            bytes,
            may_wait,
        } => NetEffect::Send {
            link,
            bytes,
            may_wait,
        },
        Effect::Await { link, is_awaited } => NetEffect::Await { link, is_awaited },
        Effect::HasRead { link } => NetEffect::Hold {
            link,
            is_held: false,
        },
        Effect::Close {
            link,
            code,
            again_s,
        } => NetEffect::Close {
            link,
            code,
            again_s,
        },
        _ => return None,
    })
}

/// Where an answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) link: LinkId,
    pub(crate) ticket: Ticket,
}

/// A push on its way into the store.
#[derive(Debug)]
struct Applying {
    answer: Answer,
    peer: NodeId,
    /// What has not been judged.
    entries: Vec<Incoming>,
    received: Option<Received>,
    /// How many have been.
    done: u32,
    refused: Vec<Refusal>,
    /// Operations that were decoded.
    ops: u64,
    /// Whether that was too much, and the rest was turned away.
    is_cut_off: bool,
}

impl Applying {
    fn new(
        answer: Answer,
        peer: NodeId,
        entries: Vec<Incoming>,
        received: Option<Received>,
    ) -> Self {
        Self {
            answer,
            peer,
            entries,
            received,
            done: 0,
            refused: Vec::new(),
            ops: 0,
            is_cut_off: false,
        }
    }

    fn judged(&mut self, admitted: &Admitted) {
        let refused = admitted.refused.iter().map(|refusal| Refusal {
            index: refusal.index + self.done,
            code: refusal.code,
        });
        self.refused.extend(refused);
        self.entries.drain(..admitted.judged);
        self.done += u32::try_from(admitted.judged).unwrap_or(u32::MAX);
        self.ops = self.ops.saturating_add(admitted.ops());
    }

    /// Turns away what is left of a push that is more work than any honest one. What came of it before stays.
    fn within_bounds(mut self) -> Self {
        if self.ops >= PUSH_OPS_MAX {
            let left = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
            let left = self.done..self.done.saturating_add(left);
            self.refused.extend(left.map(|index| Refusal {
                index,
                code: RefusalCode::CROWDED,
            }));
            self.entries.clear();
            // The position stays: all of it may be sent again.
            self.received = None;
            self.is_cut_off = true;
        }
        self
    }
}

pub(crate) const EMPTY: PeerCheckpoint = PeerCheckpoint {
    their_epoch: hopluu_model::Epoch([0; 16]),
    received: Seq(0),
    my_epoch: hopluu_model::Epoch([0; 16]),
    acked: Seq(0),
};

/// Writes the acknowledged half. A bundle may have moved it on while a session was counting for itself:
/// what is true of one basis stays true.
pub(crate) fn acked_is(kept: &mut PeerCheckpoint, acked: Acked) {
    let known = (kept.my_epoch == acked.basis).then_some(kept.acked);
    kept.my_epoch = acked.basis;
    kept.acked = acked.through.max(known.unwrap_or_default());
}

/// Writes the received half, by the same rule.
fn received_is(kept: &mut PeerCheckpoint, received: Received) {
    let known = (kept.their_epoch == received.epoch).then_some(kept.received);
    kept.their_epoch = received.epoch;
    kept.received = received.through.max(known.unwrap_or_default());
}

pub(crate) fn change_checkpoint(
    tx: &mut WriteTx<'_>,
    peer: NodeId,
    change: impl FnOnce(&mut PeerCheckpoint),
) -> Result<(), DbError> {
    let mut kept = tx
        .peer(peer)?
        .and_then(|row| row.checkpoint)
        .unwrap_or(EMPTY);
    change(&mut kept);
    tx.put_checkpoint(peer, &kept)
}

#[cfg(test)]
mod tests;
