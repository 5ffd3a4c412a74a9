//! Frames against their own rules: form, size, order, and how many at once.

use super::*;

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
    assert_eq!(heard(&mut victim, UNREAD_BYTES_MAX), None);
    assert_eq!(heard(&mut victim, 1), Some(CloseCode::WindowExceeded));
}
