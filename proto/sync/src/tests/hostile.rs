//! A peer with a valid chain that breaks every rule there is.

mod claims;
mod dice;
mod files;
mod frames;
mod turns;

use hopluu_model::{Digest, EntryKind, Epoch, NodeId, ObjectId, Place, Seq};

use crate::frame::{
    Ack, Answer, Ask, Content, Fin, Frame, Group, Held, Hello, MARK, Mention, Note, Objects, Part,
    Push, Says, Span, encode,
};
use crate::limits::{
    ENTRY_BYTES_MAX, FRAME_BYTES_MAX, HASHES_MAX, IN_FLIGHT_BYTES_MAX, IN_FLIGHT_PUSHES_MAX,
    MESSAGE_BYTES_MAX, PUSH_ENTRIES_MAX, REQUESTS_BYTES_MAX, SEND_WAITING_BYTES_MAX, SHORT_IDS_MAX,
    UNREAD_BYTES_MAX, WALK_QUESTIONS_MAX, WALKS_MAX,
};
use crate::range::{OTHERS, Prefix, RECORDS};
use crate::testing::{World, unit};
use crate::{CloseCode, Event, Item, ItemDigest, LinkId, ObjectKey, ShortHash};

const LINK: LinkId = LinkId(1_000);

/// A district with a few documents, and somebody who is a commune below it and says anything.
struct Victim {
    world: World,
}

impl Victim {
    fn new() -> Self {
        let mut world = World::new();
        let district = world.node("101", None);
        for number in 0..100 {
            let name = format!("doc {number}");
            world.nodes[district]
                .store
                .put(EntryKind::Change, &name, "10101", name.as_bytes());
        }
        world.restart(district);
        let peer = Place {
            node: NodeId([200; 32]),
            unit: unit("10101"),
            office: None,
        };
        world.tell(
            0,
            Event::LinkOpened {
                link: LINK,
                peer,
                target: None,
            },
        );
        Self { world }
    }

    fn greeted() -> Self {
        let mut victim = Self::new();
        victim.say(&Frame::Hello(hello()));
        victim
    }

    /// Greeted, and its first question, the start of a comparison, has come.
    fn served() -> Self {
        let mut victim = Self::greeted();
        victim.say(&ask(true, Vec::new()));
        victim
    }

    fn hear(&mut self, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.world.tell(0, Event::Received { link: LINK, bytes });
    }

    fn say(&mut self, frame: &Frame) {
        let mut bytes = Vec::new();
        encode(frame, &mut bytes);
        self.hear(&bytes);
    }

    fn closed(&self) -> Option<CloseCode> {
        self.world.nodes[0].closed.last().map(|(_, code)| *code)
    }
}

/// A peer that was never met and has nothing.
fn hello() -> Hello {
    Hello {
        mark: MARK,
        newest: 1,
        oldest: 1,
        epoch: Epoch([9; 16]),
        last: Seq(0),
        held: None,
        nonce: [1; 8],
        dictionary: 0,
    }
}

fn ask(is_start: bool, parts: Vec<Part>) -> Frame {
    Frame::Ask(Ask {
        is_start,
        records_open: false,
        parts,
    })
}

fn push(span: Option<(u64, u64)>, object: Mention, bodies: Vec<Vec<u8>>) -> Frame {
    Frame::Push(Push {
        span: span.map(|(after, through)| Span {
            after: Seq(after),
            through: Seq(through),
        }),
        groups: vec![Group {
            object,
            kind: EntryKind::Change,
            bodies,
        }],
    })
}

fn named() -> Mention {
    Mention::New {
        object: ObjectId([5; 16]),
        descriptor: b"10101".to_vec(),
    }
}

fn leaf(digits: &[u8], items: Vec<Item>) -> Part {
    let prefix = Prefix {
        class: OTHERS,
        digits: digits.to_vec(),
    };
    Part {
        prefix,
        content: Content::Leaf(items),
    }
}

fn item(first: u8) -> Item {
    let mut object = [0; 16];
    object[0] = first;
    Item {
        key: ObjectKey {
            object: ObjectId(object),
            kind: EntryKind::Change,
        },
        digest: ItemDigest([0; 16]),
    }
}

fn note(says: Says) -> Frame {
    let (object, kind) = (ObjectId([3; 16]), EntryKind::Change);
    Frame::Objects(Objects {
        notes: vec![Note { object, kind, says }],
    })
}

#[track_caller]
fn check(mut victim: Victim, frames: &[Frame], code: CloseCode) {
    for frame in frames {
        assert_eq!(victim.closed(), None, "closed too early, before {frame:?}");
        victim.say(frame);
    }
    assert_eq!(victim.closed(), Some(code));
    // And nothing that comes later wakes it again.
    let asked = victim.world.nodes[0].asked.clone();
    victim.say(&Frame::Hello(hello()));
    assert_eq!(victim.world.nodes[0].asked, asked);
    assert_eq!(victim.world.nodes[0].hub.next_wake(), None);
}

#[track_caller]
fn check_bytes(mut victim: Victim, bytes: &[u8], code: CloseCode) {
    victim.hear(bytes);
    assert_eq!(victim.closed(), Some(code));
}

/// A victim that leads, because the peer remembers an earlier life of its store.
fn leading() -> Victim {
    let mut victim = Victim::new();
    let held = Some(Held {
        epoch: Epoch([8; 16]),
        through: Seq(5),
    });
    victim.say(&Frame::Hello(Hello {
        last: Seq(5),
        held,
        ..hello()
    }));
    victim
}

fn assert_sound(victim: &Victim) {
    let world = &victim.world;
    assert_ne!(victim.closed(), Some(CloseCode::Bug));
    let status = world.nodes[0].hub.status();
    assert_eq!(status.peers.len(), 1);
    match &status.peers[0].link {
        Some(link) => {
            assert!(link.in_flight_bytes <= IN_FLIGHT_BYTES_MAX);
            assert!(link.waiting_bytes <= SEND_WAITING_BYTES_MAX);
        }
        None => assert!(victim.closed().is_some()),
    }
}
