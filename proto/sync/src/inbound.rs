//! A peer's entries on their way into our store, one push at a time.

use std::collections::VecDeque;

use hopluu_model::ObjectId;

use crate::frame::{Mention, Push, Span};
use crate::limits::{
    DESCRIPTOR_BYTES_MAX, ENTRY_BYTES_MAX, IN_FLIGHT_BYTES_MAX, PUSH_ENTRIES_MAX, SEQ_MAX,
    SHORT_IDS_MAX,
};
use crate::outbound::{advanced, has_room};
use crate::{CloseCode, Incoming, Received, Ticket};

/// The other direction of a session.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    /// What of theirs is durable here, in the life of their store that they named.
    pub(crate) received: Received,
    queue: VecDeque<Waiting>,
    bytes: usize,
    applying: Option<Applying>,
    arrived: u64,
    applied: u64,
    names: Names,
}

#[derive(Debug)]
struct Waiting {
    entries: Vec<Incoming>,
    span: Option<Span>,
    bytes: usize,
}

#[derive(Debug)]
struct Applying {
    ticket: Ticket,
    bytes: usize,
    entries: usize,
    received: Received,
}

/// A push whose turn it is.
#[derive(Debug)]
pub(crate) struct Next {
    pub(crate) entries: Vec<Incoming>,
    pub(crate) received: Option<Received>,
}

impl Inbound {
    /// Queues a push, within the window.
    pub(crate) fn take(&mut self, push: Push) -> Result<(), CloseCode> {
        if push
            .span
            .is_some_and(|span| span.through < span.after || span.through > SEQ_MAX)
        {
            return Err(CloseCode::SpanInvalid);
        }
        let mut entries = Vec::new();
        for group in push.groups {
            let (object, descriptor) = self.names.look_up(group.object)?;
            if group.bodies.is_empty() {
                return Err(CloseCode::Malformed);
            }
            if entries.len() + group.bodies.len() > PUSH_ENTRIES_MAX {
                return Err(CloseCode::WindowExceeded);
            }
            for body in group.bodies {
                if body.len() > ENTRY_BYTES_MAX {
                    return Err(CloseCode::EntryTooLarge);
                }
                entries.push(Incoming {
                    kind: group.kind,
                    object,
                    descriptor: descriptor.clone(),
                    body,
                });
            }
        }
        let weigh = |entry: &Incoming| entry.body.len() + entry.descriptor.len();
        let bytes: usize = entries.iter().map(weigh).sum();
        let is_single = entries.len() == 1 || bytes <= IN_FLIGHT_BYTES_MAX;
        let waiting = self.queue.len() + usize::from(self.applying.is_some());
        if !is_single || !has_room(waiting, self.bytes, bytes) {
            return Err(CloseCode::WindowExceeded);
        }
        self.bytes += bytes;
        self.arrived += 1;
        self.queue.push_back(Waiting {
            entries,
            span: push.span,
            bytes,
        });
        Ok(())
    }

    /// The next push to apply under this ticket, unless one is being applied.
    pub(crate) fn start(&mut self, ticket: Ticket) -> Option<Next> {
        if self.applying.is_some() {
            return None;
        }
        let waiting = self.queue.pop_front()?;
        let mut received = self.received;
        if let Some(span) = waiting.span {
            received.through = advanced(received.through, span);
        }
        self.applying = Some(Applying {
            ticket,
            bytes: waiting.bytes,
            entries: waiting.entries.len(),
            received,
        });
        Some(Next {
            entries: waiting.entries,
            received: (received != self.received).then_some(received),
        })
    }

    /// Whether this is the push that is being applied.
    pub(crate) fn is_applying(&self, ticket: Ticket) -> bool {
        self.applying
            .as_ref()
            .is_some_and(|applying| applying.ticket == ticket)
    }

    /// The push that was being applied is durable. Gives how many entries it had.
    pub(crate) fn finish(&mut self) -> Option<usize> {
        let applying = self.applying.take()?;
        self.bytes -= applying.bytes;
        self.received = applying.received;
        self.applied += 1;
        Some(applying.entries)
    }

    /// Pushes that have come.
    pub(crate) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Pushes that are durable.
    pub(crate) fn applied(&self) -> u64 {
        self.applied
    }
}

/// What the peer's short ids stand for now.
#[derive(Debug, Default)]
struct Names {
    by_id: Vec<(ObjectId, Vec<u8>)>,
    next: usize,
}

impl Names {
    fn look_up(&mut self, mention: Mention) -> Result<(ObjectId, Vec<u8>), CloseCode> {
        match mention {
            Mention::Known(id) => self
                .by_id
                .get(usize::from(id))
                .cloned()
                .ok_or(CloseCode::ShortIdUnknown),
            Mention::New { object, descriptor } => {
                if descriptor.len() > DESCRIPTOR_BYTES_MAX {
                    return Err(CloseCode::EntryTooLarge);
                }
                let name = (object, descriptor);
                let id = self.next;
                self.next = (self.next + 1) % SHORT_IDS_MAX;
                match self.by_id.get_mut(id) {
                    Some(old) => old.clone_from(&name),
                    None => self.by_id.push(name.clone()),
                }
                Ok(name)
            }
        }
    }
}
