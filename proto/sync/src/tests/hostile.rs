//! A peer with a valid chain that breaks every rule there is.

use hopluu_model::{EntryKind, Epoch, NodeId, ObjectId, Place, Seq};
use proptest::prelude::*;

use crate::frame::{
    Ack, Answer, Ask, Content, Fin, Frame, Group, Held, Hello, MARK, Mention, Note, Objects, Part,
    Push, Says, Span, encode,
};
use crate::limits::{
    EARLY_BYTES_MAX, ENTRY_BYTES_MAX, FRAME_BYTES_MAX, HASHES_MAX, IN_FLIGHT_BYTES_MAX,
    IN_FLIGHT_PUSHES_MAX, MESSAGE_BYTES_MAX, PUSH_ENTRIES_MAX, REQUESTS_BYTES_MAX,
    SEND_WAITING_BYTES_MAX, SHORT_IDS_MAX, WALK_QUESTIONS_MAX, WALKS_MAX,
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

#[test]
fn a_greeting_must_be_one() {
    let ack = Frame::Ack(Ack {
        pushes: 1,
        refused: Vec::new(),
    });
    check(Victim::new(), &[ack], CloseCode::NotHello);
    let stranger = Hello {
        mark: *b"HTTP",
        ..hello()
    };
    check(
        Victim::new(),
        &[Frame::Hello(stranger)],
        CloseCode::NotHello,
    );
    check_bytes(Victim::new(), b"\x02\x63\x00", CloseCode::NotHello);
    let later = Hello {
        oldest: 2,
        newest: 3,
        ..hello()
    };
    check(
        Victim::new(),
        &[Frame::Hello(later)],
        CloseCode::VersionUnknown,
    );
    check(
        Victim::greeted(),
        &[Frame::Hello(hello())],
        CloseCode::HelloTwice,
    );
    let endless = Hello {
        last: Seq(u64::MAX),
        ..hello()
    };
    check(
        Victim::new(),
        &[Frame::Hello(endless)],
        CloseCode::SpanInvalid,
    );
    check_bytes(Victim::new(), b"\x05\x01HLuu", CloseCode::Malformed);
}

#[test]
fn a_greeting_of_a_later_version_may_say_more() {
    let mut victim = Victim::new();
    let mut body = Vec::new();
    encode(
        &Frame::Hello(Hello {
            newest: 9,
            ..hello()
        }),
        &mut body,
    );
    body[0] += 3;
    body.extend(b"new");
    victim.hear(&body);
    assert_eq!(victim.closed(), None);
    assert!(
        victim
            .world
            .peer_of(0, NodeId([200; 32]))
            .link
            .unwrap()
            .greeted
    );
}

#[test]
fn frames_have_bounds_and_no_leftovers() {
    // 65,537 in groups of seven bits.
    let length = [0x81, 0x80, 0x04];
    check_bytes(Victim::greeted(), &length, CloseCode::FrameTooLarge);
    check_bytes(
        Victim::greeted(),
        &[0xff, 0xff, 0xff],
        CloseCode::FrameTooLarge,
    );
    check_bytes(Victim::greeted(), &[0], CloseCode::Malformed);
    check_bytes(Victim::greeted(), &[4, 3, 1, 0, 0], CloseCode::Malformed);
    // One thing has one spelling.
    check_bytes(Victim::greeted(), &[0x82, 0x00, 7, 0], CloseCode::Malformed);
    check_bytes(
        Victim::greeted(),
        &[4, 3, 0x81, 0x00, 0],
        CloseCode::Malformed,
    );
    // A kind that is not known is passed over, also in parts.
    let mut victim = Victim::greeted();
    victim.hear(&[3, 99, 1, 2, 3, 8, 1, 99]);
    assert_eq!(victim.closed(), None);
}

#[test]
fn parts_belong_together() {
    check_bytes(Victim::greeted(), &[1, 8], CloseCode::PartsBroken);
    check_bytes(Victim::greeted(), &[2, 8, 1], CloseCode::PartsBroken);
    check_bytes(Victim::greeted(), &[3, 8, 2, 3], CloseCode::PartsBroken);
    check_bytes(
        Victim::greeted(),
        &[3, 8, 0, 3, 3, 3, 1, 0],
        CloseCode::PartsBroken,
    );
    check_bytes(Victim::greeted(), &[4, 8, 1, 8, 1], CloseCode::PartsBroken);
    let mut victim = Victim::greeted();
    let mut piece = vec![0x80, 0x80, 0x04, 8, 0];
    piece.resize(FRAME_BYTES_MAX + 3, 7);
    let pieces = MESSAGE_BYTES_MAX.div_ceil(FRAME_BYTES_MAX - 2);
    for _ in 0..pieces {
        assert_eq!(victim.closed(), None);
        victim.hear(&piece);
    }
    assert_eq!(victim.closed(), Some(CloseCode::FrameTooLarge));
}

#[test]
fn messages_in_parts_share_one_bounded_memory() {
    let mut victim = Victim::greeted();
    let mut hello_bytes = Vec::new();
    encode(&Frame::Hello(hello()), &mut hello_bytes);
    let mut piece = vec![0x80, 0x80, 0x04, 8, 0];
    piece.resize(FRAME_BYTES_MAX + 3, 7);
    for number in 0..6u8 {
        let link = LinkId(u64::from(number));
        let peer = Place {
            node: NodeId([100 + number; 32]),
            unit: unit("10101"),
            office: None,
        };
        victim.world.tell(
            0,
            Event::LinkOpened {
                link,
                peer,
                target: None,
            },
        );
        victim.world.tell(
            0,
            Event::Received {
                link,
                bytes: hello_bytes.clone(),
            },
        );
        for _ in 0..MESSAGE_BYTES_MAX / FRAME_BYTES_MAX {
            victim.world.tell(
                0,
                Event::Received {
                    link,
                    bytes: piece.clone(),
                },
            );
        }
    }
    assert_eq!(
        victim.world.nodes[0].closed.first(),
        Some(&(LinkId(4), CloseCode::Busy))
    );
}

#[test]
fn a_window_holds_however_slow_the_disk() {
    let stuck = |count: usize, bytes: usize, descriptor: usize| {
        let mut victim = Victim::greeted();
        victim.world.nodes[0].is_stuck = true;
        let object = Mention::New {
            object: ObjectId([5; 16]),
            descriptor: vec![b'1'; descriptor],
        };
        for _ in 0..count {
            victim.say(&push(None, object.clone(), vec![vec![1; bytes]]));
        }
        victim.closed()
    };
    assert_eq!(stuck(IN_FLIGHT_PUSHES_MAX, 1, 5), None);
    assert_eq!(
        stuck(IN_FLIGHT_PUSHES_MAX + 1, 1, 5),
        Some(CloseCode::WindowExceeded)
    );
    assert_eq!(stuck(4, IN_FLIGHT_BYTES_MAX / 4 - 5, 5), None);
    assert_eq!(
        stuck(5, IN_FLIGHT_BYTES_MAX / 4 - 5, 5),
        Some(CloseCode::WindowExceeded)
    );
    // One large entry may travel alone, several together not.
    assert_eq!(stuck(1, ENTRY_BYTES_MAX, 5), None);
    assert_eq!(
        stuck(1, ENTRY_BYTES_MAX + 1, 5),
        Some(CloseCode::EntryTooLarge)
    );
    assert_eq!(stuck(1, 1, 513), Some(CloseCode::EntryTooLarge));
    let many = vec![vec![1; 40_000]; 2];
    check(
        Victim::greeted(),
        &[push(None, named(), many)],
        CloseCode::WindowExceeded,
    );
    // Few bytes that claim many entries.
    let tiny = |count| push(None, named(), vec![Vec::new(); count]);
    check(
        Victim::greeted(),
        &[tiny(PUSH_ENTRIES_MAX + 1)],
        CloseCode::Malformed,
    );
    let Frame::Push(mut two) = tiny(PUSH_ENTRIES_MAX) else {
        unreachable!()
    };
    two.groups.push(two.groups[0].clone());
    check(
        Victim::greeted(),
        &[Frame::Push(two)],
        CloseCode::WindowExceeded,
    );
    check(
        Victim::greeted(),
        &[push(None, named(), Vec::new())],
        CloseCode::Malformed,
    );
}

#[test]
fn a_peer_that_takes_nothing_is_told_nothing_more() {
    let choked = || {
        let mut victim = Victim::greeted();
        victim.world.nodes[0].choked = Some(Vec::new());
        victim.say(&push(None, named(), vec![vec![1]]));
        victim
    };
    // Its acknowledgements wait within the window, and so does what it sends.
    let mut victim = choked();
    let body = vec![1; IN_FLIGHT_BYTES_MAX / IN_FLIGHT_PUSHES_MAX - 5];
    let many: Vec<Vec<u8>> = vec![Vec::new(); PUSH_ENTRIES_MAX];
    for number in 0..1_000 {
        let bodies = if number % 2 == 0 {
            vec![body.clone()]
        } else {
            many.clone()
        };
        victim.say(&push(None, named(), bodies));
        assert_sound(&victim);
    }
    // So does the answer to a question; another one is out of turn.
    let mut victim = choked();
    victim.world.nodes[0].bad = vec![9];
    victim.say(&push(None, named(), vec![vec![9]; PUSH_ENTRIES_MAX]));
    victim.say(&ask(true, Vec::new()));
    assert_sound(&victim);
    for _ in 0..WALK_QUESTIONS_MAX {
        victim.say(&ask(false, Vec::new()));
        assert_sound(&victim);
    }
}

#[test]
fn an_early_peer_is_heard_only_so_far() {
    let mut victim = Victim::greeted();
    victim.world.nodes[0].is_stuck = true;
    let peer = Place {
        node: NodeId([201; 32]),
        unit: unit("10101"),
        office: None,
    };
    let link = LinkId(7);
    victim.world.tell(
        0,
        Event::LinkOpened {
            link,
            peer,
            target: None,
        },
    );
    let heard = |victim: &mut Victim, bytes: usize| {
        let bytes = vec![0; bytes];
        victim.world.tell(0, Event::Received { link, bytes });
        victim.closed()
    };
    assert_eq!(heard(&mut victim, EARLY_BYTES_MAX), None);
    assert_eq!(heard(&mut victim, 1), Some(CloseCode::WindowExceeded));
}

#[test]
fn short_ids_mean_what_was_said_last() {
    let known = |id| push(None, Mention::Known(id), vec![vec![1]]);
    check(Victim::greeted(), &[known(0)], CloseCode::ShortIdUnknown);
    check(
        Victim::greeted(),
        &[push(None, named(), vec![vec![1]]), known(1)],
        CloseCode::ShortIdUnknown,
    );
    let mut victim = Victim::greeted();
    for number in 0..=SHORT_IDS_MAX {
        let object = ObjectId((number as u128).to_be_bytes());
        let descriptor = b"10101".to_vec();
        let body = number.to_le_bytes().to_vec();
        victim.say(&push(None, Mention::New { object, descriptor }, vec![body]));
    }
    victim.say(&known(0));
    let journal = &victim.world.nodes[0].store.journal;
    let last = journal.last().unwrap();
    assert_eq!(last.object, ObjectId((SHORT_IDS_MAX as u128).to_be_bytes()));
    check(
        victim,
        &[known(u16::try_from(SHORT_IDS_MAX).unwrap())],
        CloseCode::ShortIdUnknown,
    );
}

#[test]
fn positions_and_acknowledgements_only_of_what_was_sent() {
    check(
        Victim::greeted(),
        &[push(Some((5, 4)), named(), vec![vec![1]])],
        CloseCode::SpanInvalid,
    );
    let far = push(Some((0, u64::MAX)), named(), vec![vec![1]]);
    check(Victim::greeted(), &[far], CloseCode::SpanInvalid);
    let ack = |pushes, refused: Vec<(u32, u8)>| {
        let refusal = |(index, code)| crate::Refusal {
            index,
            code: crate::RefusalCode(code),
        };
        Frame::Ack(Ack {
            pushes,
            refused: refused.into_iter().map(refusal).collect(),
        })
    };
    // The victim has sent all it has, in one push of a hundred entries.
    check(Victim::greeted(), &[ack(2, vec![])], CloseCode::AckInvalid);
    check(Victim::greeted(), &[ack(0, vec![])], CloseCode::AckInvalid);
    check(
        Victim::greeted(),
        &[ack(1, vec![]), ack(1, vec![])],
        CloseCode::AckInvalid,
    );
    check(
        Victim::greeted(),
        &[ack(1, vec![(100, 1)])],
        CloseCode::AckInvalid,
    );
    check(
        Victim::greeted(),
        &[ack(1, vec![(3, 1), (3, 1)])],
        CloseCode::AckInvalid,
    );
    let mut victim = Victim::greeted();
    victim.say(&ack(1, vec![(0, 2), (99, 250)]));
    assert_eq!(victim.closed(), None);
}

#[test]
fn a_position_moves_only_over_what_is_held() {
    let mut victim = Victim::greeted();
    let peer = NodeId([200; 32]);
    let mut at = |span, expected| {
        victim.say(&push(
            Some(span),
            named(),
            vec![vec![u8::try_from(span.1).unwrap()]],
        ));
        let received = victim.world.nodes[0].store.checkpoints[&peer].received;
        assert_eq!(
            (received.epoch, received.through),
            (Epoch([9; 16]), Seq(expected))
        );
    };
    at((0, 3), 3);
    at((5, 9), 3);
    at((2, 4), 4);
    at((0, 2), 4);
    at((0, 9), 9);
}

#[test]
fn ranges_exist_and_do_not_overlap() {
    let start = |parts| [ask(true, parts)];
    let bad: [Vec<Part>; 9] = [
        vec![leaf(&[32], Vec::new())],
        vec![leaf(&[0; 26], Vec::new()), leaf(&[0; 26], Vec::new())],
        vec![leaf(&[1], Vec::new()), leaf(&[0], Vec::new())],
        vec![leaf(&[], Vec::new()), leaf(&[4], Vec::new())],
        vec![leaf(&[1, 2], Vec::new()), leaf(&[1, 2, 3], Vec::new())],
        vec![leaf(&[1], vec![item(0)])],
        vec![leaf(&[], vec![item(9), item(8)])],
        vec![Part {
            prefix: Prefix {
                class: 2,
                digits: Vec::new(),
            },
            content: Content::Leaf(Vec::new()),
        }],
        vec![Part {
            prefix: Prefix::root(RECORDS),
            content: Content::Split {
                present: 3,
                prints: vec![[0; 8]],
            },
        }],
    ];
    for parts in bad {
        check(Victim::greeted(), &start(parts), CloseCode::RangeInvalid);
    }
    check(
        Victim::greeted(),
        &start(vec![leaf(&[0; 27], Vec::new())]),
        CloseCode::Malformed,
    );
    let many = (0..65).map(item).collect();
    check(
        Victim::greeted(),
        &start(vec![leaf(&[], many)]),
        CloseCode::Malformed,
    );
}

#[test]
fn questions_answers_and_endings_have_their_turn() {
    let answer = |answered, parts| Frame::Answer(Answer { answered, parts });
    let want = note(Says::Want(Vec::new()));
    let turn = CloseCode::TurnInvalid;
    check(Victim::greeted(), &[ask(false, Vec::new())], turn);
    check(Victim::greeted(), &[answer(1, Vec::new())], turn);
    check(Victim::greeted(), std::slice::from_ref(&want), turn);
    for fin in [Fin::Asked, Fin::Sent, Fin::Answered, Fin::Done] {
        check(Victim::greeted(), &[Frame::Fin(fin)], turn);
    }
    check(Victim::served(), &[ask(true, Vec::new())], turn);
    check(Victim::served(), &[answer(1, Vec::new())], turn);
    check(Victim::served(), &[Frame::Fin(Fin::Sent)], turn);
    check(
        Victim::served(),
        &[Frame::Fin(Fin::Asked), ask(false, Vec::new())],
        turn,
    );
    let ended = [
        Frame::Fin(Fin::Asked),
        Frame::Fin(Fin::Sent),
        Frame::Fin(Fin::Done),
    ];
    check(Victim::served(), &[&ended[..], &[want]].concat(), turn);
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

#[test]
fn an_answer_answers_what_was_asked() {
    let answer = |answered, parts| Frame::Answer(Answer { answered, parts });
    let range = CloseCode::RangeInvalid;
    check(leading(), &[answer(0, Vec::new())], range);
    check(leading(), &[answer(3, Vec::new())], range);
    check(leading(), &[answer(2, vec![leaf(&[], Vec::new())])], range);
    check(
        leading(),
        &[answer(2, vec![leaf(&[1, 1], Vec::new())])],
        range,
    );
    let again = [answer(2, Vec::new()), answer(2, Vec::new())];
    check(leading(), &again, CloseCode::TurnInvalid);
    // Of two who begin at once the lower leads; the other may have begun only once.
    let begin = ask(true, Vec::new());
    check(leading(), &[begin.clone(), begin], CloseCode::TurnInvalid);
}

#[test]
fn a_comparison_without_end_is_ended() {
    let mut victim = Victim::served();
    for _ in 0..WALK_QUESTIONS_MAX {
        assert_eq!(victim.closed(), None);
        victim.say(&ask(false, Vec::new()));
    }
    victim.say(&ask(false, Vec::new()));
    assert_eq!(victim.closed(), Some(CloseCode::WalkTooLong));

    let mut victim = Victim::greeted();
    for walk in 0..=WALKS_MAX {
        assert_eq!(victim.closed(), None, "{walk}");
        for frame in [
            ask(true, Vec::new()),
            Frame::Fin(Fin::Asked),
            Frame::Fin(Fin::Sent),
            Frame::Fin(Fin::Done),
        ] {
            victim.say(&frame);
        }
    }
    assert_eq!(victim.closed(), Some(CloseCode::WalkTooLong));

    // A peer that always says "it differs further down".
    let mut victim = leading();
    for _ in 0..WALK_QUESTIONS_MAX {
        if victim.closed().is_some() {
            break;
        }
        victim.say(&Frame::Answer(Answer {
            answered: 1,
            parts: Vec::new(),
        }));
    }
    assert_ne!(victim.closed(), Some(CloseCode::Bug));
}

#[test]
fn requests_wait_in_a_bounded_list() {
    let mut victim = Victim::served();
    victim.world.nodes[0].is_stuck = true;
    let hashes = vec![ShortHash([1; 8]); HASHES_MAX];
    let most = REQUESTS_BYTES_MAX / (8 * HASHES_MAX) + 2;
    for _ in 0..most {
        victim.say(&note(Says::Want(hashes.clone())));
    }
    assert_eq!(victim.closed(), Some(CloseCode::ObjectsTooMany));
    let long = vec![ShortHash([1; 8]); HASHES_MAX + 1];
    check(
        Victim::served(),
        &[note(Says::Have(long))],
        CloseCode::Malformed,
    );
}

#[test]
fn what_is_out_of_scope_is_not_given_on_request() {
    let mut victim = Victim::served();
    victim.world.nodes[0]
        .store
        .put(EntryKind::Change, "secret", "10102", b"of a neighbour");
    let secret = victim.world.nodes[0].store.journal.last().unwrap().object;
    let notes = vec![Note {
        object: secret,
        kind: EntryKind::Change,
        says: Says::Have(Vec::new()),
    }];
    let sent = victim.world.asked(0, "send");
    victim.say(&Frame::Objects(Objects { notes }));
    assert_eq!(victim.world.asked(0, "read missing"), 1);
    assert_eq!(victim.world.asked(0, "send"), sent);
    assert_eq!(victim.closed(), None);
}

/// Draws frames from bytes, so that what fails shrinks well.
struct Dice<'d>(std::slice::Iter<'d, u8>);

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.0.next().copied().unwrap_or(0) % sides
    }

    fn object(&mut self) -> ObjectId {
        ObjectId([self.roll(8) * 32; 16])
    }

    fn kind(&mut self) -> EntryKind {
        EntryKind::from_number(1 + self.roll(4)).unwrap()
    }

    fn part(&mut self) -> Part {
        let prefix = Prefix {
            class: self.roll(2),
            digits: (0..self.roll(3)).map(|_| self.roll(33)).collect(),
        };
        let content = if self.roll(2) == 0 {
            let present = u32::from(self.roll(255));
            Content::Split {
                present,
                prints: vec![[self.roll(3); 8]; present.count_ones() as usize],
            }
        } else {
            let items = (0..self.roll(3)).map(|_| Item {
                key: ObjectKey {
                    object: self.object(),
                    kind: self.kind(),
                },
                digest: ItemDigest([self.roll(3); 16]),
            });
            Content::Leaf(items.collect())
        };
        Part { prefix, content }
    }

    fn frame(&mut self) -> Frame {
        match self.roll(12) {
            0 => Frame::Hello(hello()),
            1 | 2 => {
                let object = match self.roll(3) {
                    0 => Mention::Known(u16::from(self.roll(4))),
                    _ => Mention::New {
                        object: self.object(),
                        descriptor: b"10101".to_vec(),
                    },
                };
                let span = (self.roll(2) == 0).then(|| {
                    let after = u64::from(self.roll(20));
                    (after, after + u64::from(self.roll(9)))
                });
                push(
                    span,
                    object,
                    vec![vec![self.roll(9)]; 1 + usize::from(self.roll(3))],
                )
            }
            3 | 4 => Frame::Ack(Ack {
                pushes: u64::from(self.roll(6)),
                refused: Vec::new(),
            }),
            5 | 6 => {
                let parts = (0..self.roll(3)).map(|_| self.part()).collect();
                Frame::Ask(Ask {
                    is_start: self.roll(2) == 0,
                    records_open: self.roll(2) == 0,
                    parts,
                })
            }
            7 => {
                let parts = (0..self.roll(3)).map(|_| self.part()).collect();
                Frame::Answer(Answer {
                    answered: u32::from(self.roll(4)),
                    parts,
                })
            }
            8 | 9 => {
                let hashes = vec![ShortHash([self.roll(3); 8]); usize::from(self.roll(3))];
                let says = if self.roll(2) == 0 {
                    Says::Have(hashes)
                } else {
                    Says::Want(hashes)
                };
                Frame::Objects(Objects {
                    notes: vec![Note {
                        object: self.object(),
                        kind: self.kind(),
                        says,
                    }],
                })
            }
            _ => Frame::Fin(
                [Fin::Asked, Fin::Sent, Fin::Answered, Fin::Done][usize::from(self.roll(4))],
            ),
        }
    }
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_frames_in_any_order_leave_a_sound_hub(
        rolls in proptest::collection::vec(any::<u8>(), 0..300),
        leads in any::<bool>(),
        stuck in 0..20usize,
    ) {
        let mut victim = if leads { leading() } else { Victim::greeted() };
        let mut dice = Dice(rolls.iter());
        for turn in 0..40 {
            if turn == stuck {
                victim.world.nodes[0].is_stuck = true;
            }
            if turn == stuck + 5 {
                victim.world.unstick(0);
            }
            let frame = dice.frame();
            victim.say(&frame);
            assert_sound(&victim);
        }
    }

    #[test]
    fn any_bytes_leave_a_sound_hub(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        is_greeted in any::<bool>(),
    ) {
        let mut victim = if is_greeted { Victim::greeted() } else { Victim::new() };
        victim.hear(&bytes);
        assert_sound(&victim);
    }

    #[test]
    fn a_damaged_frame_leaves_a_sound_hub(
        rolls in proptest::collection::vec(any::<u8>(), 0..60),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut victim = Victim::served();
        let mut bytes = Vec::new();
        encode(&Dice(rolls.iter()).frame(), &mut bytes);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        victim.hear(&bytes);
        assert_sound(&victim);
    }

    #[test]
    fn frames_come_back_as_they_went(rolls in proptest::collection::vec(any::<u8>(), 0..60)) {
        let frame = Dice(rolls.iter()).frame();
        let mut bytes = Vec::new();
        encode(&frame, &mut bytes);
        let mut inlet = crate::inlet::Inlet::default();
        let mut first = Vec::new();
        encode(&Frame::Hello(hello()), &mut first);
        inlet.take(&first);
        inlet.take(&bytes);
        prop_assert_eq!(inlet.next(0), Ok(Some(Frame::Hello(hello()))));
        prop_assert_eq!(inlet.next(0), Ok(Some(frame)));
        prop_assert_eq!(inlet.next(0), Ok(None));
    }

    #[test]
    fn answers_nobody_asked_for_are_passed_over(rolls in proptest::collection::vec(any::<u8>(), 0..60)) {
        let mut victim = Victim::greeted();
        let mut dice = Dice(rolls.iter());
        let before = victim.world.nodes[0].asked.clone();
        for _ in 0..20 {
            let ticket = crate::Ticket(1_000_000 + u64::from(dice.roll(9)));
            let link = LINK;
            let event = match dice.roll(6) {
                0 => Event::CheckpointLoaded { link, ticket, checkpoint: crate::Checkpoint::default() },
                1 => Event::Applied { link, ticket, refused: Vec::new() },
                2 => Event::ItemsRead { link, ticket, items: vec![item(1)] },
                3 => Event::HashesRead { link, ticket, held: Vec::new() },
                4 => Event::Saved { link, ticket },
                _ => Event::Woken,
            };
            victim.world.tell(0, event);
        }
        prop_assert_eq!(&victim.world.nodes[0].asked, &before);
    }
}
