//! Comparing two stores over one link: turns, requests, and the end of it.

use super::{Session, Turn};
use crate::frame::{Answer, Ask, Fin, Frame, Note, Objects, Says};
use crate::limits::{HASHES_MAX, WALK_QUESTIONS_MAX, WALKS_MAX};
use crate::range::{Items, check_parts};
use crate::walk::{
    Findings, Lead, LeadEnd, Role, Serve, ServeEnd, Settling, Step, Task, answer, frames,
};
use crate::{CloseCode, Effect, Item, MissingBatch, ShortHash, Steady, Ticket};

impl Session {
    /// A comparison is needed. What is stored is of another tree from now on, so that a cut before
    /// it ends is noticed.
    pub(super) fn want_walk(&mut self) {
        self.walk.is_due = true;
        self.outbound.saved = None;
    }

    pub(super) fn take_question(&mut self, ask: Ask, turn: &mut Turn<'_>) -> Result<(), CloseCode> {
        check_parts(&ask.parts)?;
        match &mut self.walk.role {
            Role::Serving(serve) if !ask.is_start => {
                let is_turn = matches!(self.walk.step, Step::Rest);
                if !is_turn || serve.end != ServeEnd::Asking {
                    return Err(CloseCode::TurnInvalid);
                }
                serve.questions += 1;
                if serve.questions > WALK_QUESTIONS_MAX {
                    return Err(CloseCode::WalkTooLong);
                }
            }
            // Both began at once: the lower node leads, and the other's beginning is void.
            Role::Leading(lead) if ask.is_start && lead.answers == 0 && !lead.has_crossed => {
                if turn.node.me.node < self.peer.node {
                    lead.has_crossed = true;
                    return Ok(());
                }
                self.serve()?;
            }
            Role::Idle if ask.is_start => self.serve()?,
            _ => return Err(CloseCode::TurnInvalid),
        }
        self.walk.works.are_records_open = ask.records_open;
        self.list_items(Task::Question(ask), turn);
        Ok(())
    }

    fn serve(&mut self) -> Result<(), CloseCode> {
        self.walk.begun_there += 1;
        if self.walk.begun_there > WALKS_MAX {
            return Err(CloseCode::WalkTooLong);
        }
        self.walk.role = Role::Serving(Serve::default());
        Ok(())
    }

    pub(super) fn take_answer(
        &mut self,
        answer: Answer,
        turn: &mut Turn<'_>,
    ) -> Result<(), CloseCode> {
        check_parts(&answer.parts)?;
        let is_rest = matches!(self.walk.step, Step::Rest);
        match &self.walk.role {
            Role::Leading(lead) if is_rest && lead.asked.is_some() => {
                self.list_items(Task::Answer(answer), turn);
                Ok(())
            }
            _ => Err(CloseCode::TurnInvalid),
        }
    }

    fn list_items(&mut self, task: Task, turn: &mut Turn<'_>) {
        let ticket = turn.ticket();
        self.walk.step = Step::Items(ticket, task);
        turn.effects.push(Effect::ReadItems {
            link: self.link,
            ticket,
            scope: self.scope.clone(),
        });
    }

    pub(super) fn take_items(
        &mut self,
        ticket: Ticket,
        items: Vec<Item>,
        turn: &mut Turn<'_>,
    ) -> Result<(), CloseCode> {
        let task = match std::mem::take(&mut self.walk.step) {
            Step::Items(wanted, task) if wanted == ticket => task,
            other => {
                self.walk.step = other;
                return Ok(());
            }
        };
        let items = Items::new(items, self.keys.ranges.0);
        let works = &mut self.walk.works;
        let findings = match (task, &mut self.walk.role) {
            (Task::Begin, Role::Leading(lead)) => Findings {
                reply: Some(lead.begin(&items)),
                ..Findings::default()
            },
            (Task::Answer(answer), Role::Leading(lead)) => {
                let findings = lead.take_answer(answer, &items, works)?;
                if lead.questions > WALK_QUESTIONS_MAX {
                    return Err(CloseCode::WalkTooLong);
                }
                findings
            }
            (Task::Question(ask), Role::Serving(_)) => answer(ask, &items, works),
            _ => return Err(CloseCode::Bug),
        };
        if let Role::Leading(lead) = &self.walk.role {
            works.are_records_open = lead.are_records_open();
        }
        if findings.differing.is_empty() {
            return self.conclude(findings, Vec::new());
        }
        let ticket = turn.ticket();
        turn.effects.push(Effect::ReadHashes {
            link: self.link,
            ticket,
            objects: findings.differing.clone(),
            key: self.keys.hashes,
        });
        self.walk.step = Step::Hashes(ticket, findings);
        Ok(())
    }

    pub(super) fn take_hashes(
        &mut self,
        ticket: Ticket,
        held: Vec<Vec<ShortHash>>,
    ) -> Result<(), CloseCode> {
        match std::mem::take(&mut self.walk.step) {
            Step::Hashes(wanted, findings) if wanted == ticket => self.conclude(findings, held),
            other => {
                self.walk.step = other;
                Ok(())
            }
        }
    }

    /// Says what is had of the objects that differ, then the next question or the answer.
    fn conclude(&mut self, findings: Findings, held: Vec<Vec<ShortHash>>) -> Result<(), CloseCode> {
        for frame in findings.notes(held, &mut self.walk.works)? {
            self.say(&frame);
        }
        match (findings.reply, &mut self.walk.role) {
            (Some(reply), _) => self.walk.step = Step::Held(reply),
            (None, Role::Leading(lead)) => {
                lead.end = LeadEnd::Asked;
                self.say(&Frame::Fin(Fin::Asked));
            }
            (None, _) => return Err(CloseCode::Bug),
        }
        Ok(())
    }

    pub(super) fn take_requests(&mut self, objects: Objects) -> Result<(), CloseCode> {
        if self.walk.is_idle() {
            return Err(CloseCode::TurnInvalid);
        }
        for note in objects.notes {
            self.walk.works.request(note)?;
        }
        Ok(())
    }

    pub(super) fn take_missing(
        &mut self,
        ticket: Ticket,
        batch: MissingBatch,
        turn: &mut Turn<'_>,
    ) -> Result<(), CloseCode> {
        let Some(work) = self.walk.works.finish(ticket, batch.next) else {
            return Ok(());
        };
        let moves = batch.next.is_none_or(|next| next > work.after);
        if !moves || batch.unknown.len() > HASHES_MAX {
            return Err(CloseCode::Bug);
        }
        if !batch.unknown.is_empty() {
            let note = Note {
                object: work.key.object,
                kind: work.key.kind,
                says: Says::Want(batch.unknown),
            };
            for frame in frames(vec![note]) {
                self.say(&frame);
            }
        }
        let entries = self.sendable(batch.entries.into_iter(), turn);
        self.walk.works.gather(entries);
        Ok(())
    }

    pub(super) fn take_fin(&mut self, fin: Fin) -> Result<(), CloseCode> {
        let is_rest = matches!(self.walk.step, Step::Rest);
        match (fin, &mut self.walk.role) {
            (Fin::Asked, Role::Serving(serve)) if is_rest && serve.end == ServeEnd::Asking => {
                serve.end = ServeEnd::Asked;
                self.walk.works.are_records_open = false;
            }
            (Fin::Sent, Role::Serving(serve)) if serve.end == ServeEnd::Asked => {
                serve.end = ServeEnd::Sent;
            }
            (Fin::Answered, Role::Leading(lead)) if lead.end == LeadEnd::Sent => {
                lead.end = LeadEnd::Answered;
            }
            (Fin::Done, Role::Serving(serve)) if serve.end == ServeEnd::Answered => {
                self.end_walk();
            }
            _ => return Err(CloseCode::TurnInvalid),
        }
        Ok(())
    }

    fn end_walk(&mut self) {
        self.walk.role = Role::Idle;
        self.walk.works.clear();
        self.walk.settling = Some(Settling {
            sent: self.outbound.sent(),
            arrived: self.inbound.arrived(),
        });
    }

    /// Takes whatever step of the comparison has become possible.
    pub(super) fn advance_walk(&mut self, turn: &mut Turn<'_>) {
        if self.hello.is_none() {
            return;
        }
        if self.walk.is_due && self.walk.is_idle() {
            self.walk.is_due = false;
            self.walk.settling = None;
            self.walk.role = Role::Leading(Lead::default());
            self.list_items(Task::Begin, turn);
        }
        if self.walk.works.is_light() && self.outlet.has_room() {
            match std::mem::take(&mut self.walk.step) {
                Step::Held(reply) => self.say(&reply),
                other => self.walk.step = other,
            }
        }
        if self.is_drained() {
            self.advance_end(turn.now);
        }
        let settled = |settling: Settling| {
            self.outbound.confirmed() >= settling.sent && self.inbound.applied() >= settling.arrived
        };
        if self.walk.settling.is_some_and(settled) {
            self.walk.settling = None;
            if self.walk.is_whole() {
                turn.record.trouble = None;
            }
        }
    }

    /// Whether all that the comparison has found so far has been handed to the link.
    fn is_drained(&self) -> bool {
        matches!(self.walk.step, Step::Rest)
            && self.walk.works.are_done()
            && !self.outbound.has_ready()
    }

    fn advance_end(&mut self, now: Steady) {
        let is_last = match &self.walk.role {
            Role::Leading(lead) => lead.end == LeadEnd::Answered,
            Role::Serving(serve) => serve.end == ServeEnd::Sent,
            Role::Idle => false,
        };
        // What was still missing is claimed by a push, and pushes wait for room in the window.
        if is_last && !self.claim(now) {
            return;
        }
        match &mut self.walk.role {
            Role::Leading(lead) if lead.end == LeadEnd::Asked => {
                lead.end = LeadEnd::Sent;
                self.say(&Frame::Fin(Fin::Sent));
            }
            Role::Leading(lead) if lead.end == LeadEnd::Answered => {
                self.say(&Frame::Fin(Fin::Done));
                self.end_walk();
            }
            Role::Serving(serve) if serve.end == ServeEnd::Sent => {
                serve.end = ServeEnd::Answered;
                self.say(&Frame::Fin(Fin::Answered));
            }
            _ => {}
        }
    }

    /// Tells the peer that it has everything now. False while the window is full.
    fn claim(&mut self, now: Steady) -> bool {
        self.outbound.queue_claim();
        self.send_ready(now);
        !self.outbound.has_ready()
    }
}
