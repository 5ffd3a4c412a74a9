//! What a peer claims and asks for: ids, positions, ranges, answers, objects of others.

use super::*;

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

/// An office that asks for a document by its id, and says what it holds of it, learns nothing: neither what is in it,
/// nor which of its guesses are right, nor that it is there.
#[test]
fn what_an_office_may_not_read_is_not_given_on_request() {
    let mut world = World::new();
    let commune = world.node("10101", None);
    world.list_readers(commune, &[("police", "area")]);
    let store = &mut world.nodes[commune].store;
    store.put(EntryKind::Change, "closed", "10101!area", b"secret");
    let closed = store.journal.last().unwrap().object;
    let peer = Place {
        node: NodeId([201; 32]),
        unit: unit("10101"),
        office: Some("education".parse().unwrap()),
    };
    let (link, target) = (LINK, None);
    world.tell(commune, Event::LinkOpened { link, peer, target });
    let mut victim = Victim { world };
    victim.say(&Frame::Hello(hello()));
    victim.say(&ask(true, Vec::new()));
    let mut answers = |object, says: Vec<ShortHash>| {
        let (sent, read) = (victim.world.asked(commune, "send"), "read missing");
        let before = victim.world.asked(commune, read);
        let notes = vec![Note {
            object,
            kind: EntryKind::Change,
            says: Says::Have(says),
        }];
        victim.say(&Frame::Objects(Objects { notes }));
        assert_eq!(victim.world.asked(commune, read), before + 1);
        victim.world.asked(commune, "send") - sent
    };
    let nowhere = ObjectId([9; ObjectId::LEN]);
    assert_eq!(answers(closed, Vec::new()), 0);
    let guess = || vec![ShortHash([7; 8])];
    // What is said to be there is asked for, whether anything of it is here or not.
    assert_eq!(answers(closed, guess()), answers(nowhere, guess()));
    assert_eq!(victim.closed(), None);
}
