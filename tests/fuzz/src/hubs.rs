//! What an enrolled peer says on a link, and what else may happen meanwhile.

use std::sync::Arc;

use hopluu_sync::{Ahead, Checkpoint, Event, LinkId, NoReaders, Ticket};

use super::desk::{Desk, LINK, place};

/// What the listening district holds.
const HELD: [&[u8]; 3] = [b"one", b"two", b"three"];

/// Bytes of a link, cut in two where the first byte says; every question is answered at once.
pub fn frames(input: &[u8]) {
    let Some((cut, bytes)) = input.split_first() else {
        return;
    };
    let mut desk = Desk::linked(true, &HELD);
    let cut = usize::from(*cut).min(bytes.len());
    let (first, rest) = bytes.split_at(cut);
    for piece in [first, rest] {
        if !piece.is_empty() && !desk.is_closed() {
            hear(&mut desk, piece);
            desk.answer_all();
        }
    }
}

/// Anything that may happen to a hub, in any order: each step is a byte, and what it takes.
pub fn session(input: &[u8]) {
    let mut steps = Steps(input);
    let mut desk = Desk::new(true, &HELD);
    let open = |link| Event::LinkOpened {
        link,
        peer: place(false),
        target: None,
    };
    desk.tell(open(LINK));
    for _ in 0..400 {
        let Some(step) = steps.byte() else {
            return;
        };
        match step % 16 {
            0..4 => {
                let count = usize::from(steps.byte().unwrap_or(0)) << (step % 4 * 2);
                let piece = steps.take(count);
                if !piece.is_empty() {
                    hear(&mut desk, piece);
                }
            }
            4..7 => {
                desk.answer();
            }
            7 => desk.answer_all(),
            8 => desk.fail(),
            9 => desk.tell(Event::Sent { link: LINK }),
            10 => {
                desk.wait(1 << (steps.byte().unwrap_or(0) % 32));
                desk.tell(Event::Woken);
            }
            11 => {
                desk.write(steps.byte().unwrap_or(0));
                let last = desk.last();
                desk.tell(Event::Appended { last, news: None });
            }
            12 => {
                let tree = desk.tree();
                let readers = Arc::new(NoReaders);
                desk.tell(Event::ScopeChanged { tree, readers });
            }
            13 => desk.tell(Event::RoomMade {
                peer: place(false).node,
            }),
            // An answer to nothing, or to what was asked of a link that is gone.
            14 => desk.tell(stray(steps.byte().unwrap_or(0))),
            _ => {
                let code = steps.byte().map(u16::from);
                desk.tell(Event::LinkClosed {
                    link: LINK,
                    code,
                    again_s: code.map(u32::from),
                });
                desk.tell(open(LinkId(u64::from(code.unwrap_or(0)))));
            }
        }
    }
}

fn hear(desk: &mut Desk, piece: &[u8]) {
    desk.tell(Event::Received {
        link: LINK,
        bytes: piece.to_vec(),
    });
}

fn stray(number: u8) -> Event {
    let (link, ticket) = (LINK, Ticket(u64::from(number >> 3)));
    match number % 8 {
        0 => Event::CheckpointLoaded {
            link,
            ticket,
            checkpoint: Checkpoint::default(),
            ahead: Ahead::default(),
        },
        1 => Event::Applied {
            link,
            ticket,
            refused: Vec::new(),
            last: hopluu_model::Seq(0),
        },
        2 => Event::ItemsRead {
            link,
            ticket,
            items: Vec::new(),
        },
        3 => Event::HashesRead {
            link,
            ticket,
            held: Vec::new(),
        },
        4 => Event::MissingRead {
            link,
            ticket,
            batch: hopluu_sync::MissingBatch::default(),
        },
        5 => Event::Saved { link, ticket },
        6 => Event::StoreFailed { link, ticket },
        _ => Event::Received {
            link: LinkId(99),
            bytes: vec![number],
        },
    }
}

/// The rest of the input.
struct Steps<'i>(&'i [u8]);

impl<'i> Steps<'i> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, count: usize) -> &'i [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}
