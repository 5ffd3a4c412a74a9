//! Hello: who has what of whom, and whether that still holds.

use hopluu_model::{Epoch, Seq};

use super::{Keys, Session, Turn};
use crate::frame::{Frame, Held, Hello, MARK, VERSION_NEWEST, VERSION_OLDEST};
use crate::{Acked, Ahead, Checkpoint, CloseCode, Effect, Received, ShortKey, Trouble, dictionary};

/// What two hellos and the checkpoint say together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Up to where the peer has all of our journal that it may see; none when the journal alone
    /// cannot tell.
    base: Option<Seq>,
    /// Whether the stores must be compared.
    is_walk_due: bool,
    /// Whether what we hold of theirs still counts.
    is_received_valid: bool,
    /// What is wrong, for a person.
    trouble: Option<Trouble>,
}

/// What our side brings to the judgement.
#[derive(Debug)]
pub(super) struct Ours {
    epoch: Epoch,
    last: Seq,
    remembered: Checkpoint,
    /// Whether the remembered acknowledgement is of this life and under this tree.
    is_acked_valid: bool,
}

impl Verdict {
    pub(super) fn of(ours: &Ours, hello: &Hello) -> Self {
        let Checkpoint { received, acked } = ours.remembered;
        let is_new_life = !received.is_none() && received.epoch != hello.epoch;
        let has_shrunk = received.epoch == hello.epoch && hello.last < received.through;
        let trouble = match hello.held {
            _ if is_new_life => Some(Trouble::PeerRestored),
            _ if has_shrunk => Some(Trouble::PeerRolledBack),
            Some(held) if held.epoch != ours.epoch => Some(Trouble::WeRestored),
            Some(held) if held.through > ours.last => Some(Trouble::WeRolledBack),
            Some(held) if ours.is_acked_valid && held.through < acked.through => {
                Some(Trouble::PeerRolledBack)
            }
            _ => None,
        };
        // Where one side has nothing at all there is nothing to compare: the journal says it all.
        let is_strange = hello.last == Seq(0)
            && hello.held.is_none()
            && ours.remembered == Checkpoint::default();
        let starts_at_zero = ours.last == Seq(0) || is_strange;
        let fits = |held: &Held| held.epoch == ours.epoch && held.through <= ours.last;
        let base = match hello.held {
            Some(held) if fits(&held) => Some(held.through),
            _ if starts_at_zero => Some(Seq(0)),
            None if ours.is_acked_valid && acked.through == Seq(0) => Some(Seq(0)),
            _ => None,
        };
        let holds = ours.is_acked_valid && trouble.is_none() && base.is_some();
        Self {
            base,
            is_walk_due: !holds && !starts_at_zero,
            is_received_valid: !is_new_life && !has_shrunk,
            trouble,
        }
    }
}

impl Session {
    /// Says hello, and where the checkpoint allows, does not wait for an answer.
    pub(super) fn introduce(&mut self, checkpoint: Checkpoint, ahead: Ahead, turn: &Turn<'_>) {
        let mut checkpoint = checkpoint;
        if turn.record.is_void {
            checkpoint.acked = Acked::void();
        }
        self.remembered = checkpoint;
        self.inbound.received = checkpoint.received;
        let received = checkpoint.received;
        let held = Held {
            epoch: received.epoch,
            through: received.through,
        };
        self.say(&Frame::Hello(Hello {
            mark: MARK,
            newest: VERSION_NEWEST,
            oldest: VERSION_OLDEST,
            epoch: turn.node.epoch,
            last: turn.node.last,
            held: (received.through > Seq(0)).then_some(held),
            nonce: self.nonce,
            dictionary: dictionary::NEWEST,
        }));
        if self.is_acked_valid(turn) {
            self.may_push = true;
            let mut acked = checkpoint.acked.through;
            self.outbound.saved = Some(acked);
            self.outbound.ahead_acked = ahead;
            // What the last link knew, and nobody has written down yet.
            let left = &turn.record.left;
            if left.basis == checkpoint.acked.basis {
                acked = acked.max(left.acked);
                self.outbound.ahead_acked.insert(left.ahead.iter(), acked);
            }
            self.remembered.acked.through = acked;
            self.outbound.rebase(acked);
            self.outbound.acked = acked;
            self.announces = acked < turn.node.last;
        }
    }

    fn is_acked_valid(&self, turn: &Turn<'_>) -> bool {
        let acked = self.remembered.acked;
        acked.basis == self.basis && acked.through <= turn.node.last
    }

    pub(super) fn greet(&mut self, hello: Hello, turn: &mut Turn<'_>) -> Result<(), CloseCode> {
        if self.hello.is_some() {
            return Err(CloseCode::HelloTwice);
        }
        if hello.oldest > VERSION_NEWEST || hello.newest < VERSION_OLDEST {
            return Err(CloseCode::VersionUnknown);
        }
        let ours = Ours {
            epoch: turn.node.epoch,
            last: turn.node.last,
            remembered: self.remembered,
            is_acked_valid: self.is_acked_valid(turn),
        };
        let verdict = Verdict::of(&ours, &hello);
        turn.record.dictionary = hello.dictionary.min(dictionary::NEWEST);
        self.outlet.use_dictionary(turn.record.dictionary);
        self.keys = self.derive_keys(&hello, turn);
        self.remember(&verdict, &hello, turn);
        self.start_pushing(&verdict, turn);
        self.walk.is_due = verdict.is_walk_due;
        turn.record.is_void |= verdict.is_walk_due;
        // A side that has nothing has nothing to heal.
        turn.record.trouble = verdict.trouble.filter(|_| verdict.is_walk_due);
        self.hello = Some(hello);
        Ok(())
    }

    /// Writes down at once in which life the peer is met, and what no longer holds: a cut before
    /// that is healed, or a life that begins anew before anything of it was received, is noticed.
    fn remember(&mut self, verdict: &Verdict, hello: &Hello, turn: &mut Turn<'_>) {
        let due = verdict.is_walk_due.then(Acked::void);
        let acked = due.unwrap_or(self.remembered.acked);
        if due.is_some() {
            self.outbound.saved = None;
        }
        if !verdict.is_received_valid || self.inbound.received.is_none() {
            let received = Received {
                epoch: hello.epoch,
                through: Seq(0),
            };
            self.inbound.received = received;
            let ticket = turn.ticket();
            turn.effects.push(Effect::SaveCheckpoint {
                link: self.link,
                ticket,
                peer: self.peer.node,
                checkpoint: Checkpoint { received, acked },
            });
        } else if acked != self.remembered.acked {
            self.store_acked(acked, Ahead::default(), turn);
        }
    }

    fn start_pushing(&mut self, verdict: &Verdict, turn: &Turn<'_>) {
        let outbound = &mut self.outbound;
        if verdict.is_walk_due || verdict.base.is_none() {
            outbound.forget_ahead();
        }
        match verdict.base {
            // What was sent at once began early enough; the peer already has a part of it.
            Some(base) if self.may_push && outbound.acked <= base => {
                if outbound.cursor < base {
                    outbound.rebase(base);
                }
                outbound.acked = base;
            }
            Some(base) => {
                outbound.rebase(base);
                outbound.acked = base;
            }
            None => {
                outbound.rebase(turn.node.last);
                outbound.acked = Seq(0);
                outbound.has_gap = true;
            }
        }
        self.announces |= outbound.cursor < turn.node.last;
        self.may_push = true;
    }

    fn derive_keys(&self, hello: &Hello, turn: &Turn<'_>) -> Keys {
        if turn.node.me.node < self.peer.node {
            Keys::derive(self.nonce, hello.nonce)
        } else {
            Keys::derive(hello.nonce, self.nonce)
        }
    }
}

impl Keys {
    /// From the nonce of the node with the lower id and that of the other.
    pub(crate) fn derive(low: [u8; 8], high: [u8; 8]) -> Self {
        let key = |context: &str| {
            let mut hasher = blake3::Hasher::new_derive_key(context);
            hasher.update(&low).update(&high);
            ShortKey(*hasher.finalize().as_bytes())
        };
        Self {
            hashes: key("hopluu sync 1 short hashes"),
            ranges: key("hopluu sync 1 prints of ranges"),
        }
    }
}
