//! Files of a peer that gives what is wrong, too much or nothing, and asks for what cannot be.

use super::*;
use crate::FileId;
use crate::frame::Fetch;
use crate::limits::{DEAF_MS, FETCH_PIECES_MAX, FILES_STRAY_MAX, FILES_WRONG_MAX, PIECES_MAX};
use crate::testing::files::file_id;

fn content(number: usize) -> Vec<u8> {
    vec![u8::try_from(number).unwrap(); 20_000]
}

/// The district wants so many files, all of them short enough for one question.
fn wanting(files: usize) -> (Victim, Vec<FileId>) {
    let mut victim = Victim::greeted();
    let named = |number| victim.world.name(0, "10101", &content(number), false);
    let mut files: Vec<FileId> = (1..=files).map(named).collect();
    files.sort();
    (victim, files)
}

fn fetch(file: FileId, first: u16, count: u16) -> Frame {
    Frame::Fetch(Fetch { file, first, count })
}

#[test]
fn wrong_bytes_are_never_kept_and_end_the_link_in_the_end() {
    let (mut victim, files) = wanting(FILES_WRONG_MAX + 2);
    // Two pieces and a proof of one value: the bytes that were asked for, as to their number.
    let answer = vec![7; 20_000 + 32];
    for _ in 0..FILES_WRONG_MAX {
        victim.say(&Frame::Bytes(answer.clone()));
        assert_eq!(victim.closed(), None);
    }
    victim.say(&Frame::Bytes(answer));
    assert_eq!(victim.closed(), Some(CloseCode::FileInvalid));
    assert_eq!(victim.world.asked(0, "keep piece"), 0);
    let store = &victim.world.nodes[0].store;
    assert!(files.iter().all(|file| store.files[file].pieces.is_empty()));
}

#[test]
fn what_was_not_asked_for_is_not_taken() {
    check(
        Victim::greeted(),
        &[Frame::Bytes(vec![1; 100])],
        CloseCode::FileInvalid,
    );
    check(Victim::greeted(), &[Frame::Absent], CloseCode::FileInvalid);
    // More than was asked for.
    let (victim, _) = wanting(1);
    let more = Frame::Bytes(vec![1; 20_032 + 1]);
    check(victim, &[more], CloseCode::FileInvalid);
    // Half a piece, and then none.
    let (victim, _) = wanting(1);
    check(
        victim,
        &[Frame::Bytes(vec![1; 100]), Frame::Absent],
        CloseCode::FileInvalid,
    );
    // An empty piece says nothing, and an endless row of them neither.
    let mut victim = Victim::greeted();
    victim.hear(&[1, crate::frame::KIND_BYTES]);
    assert_eq!(victim.closed(), Some(CloseCode::Malformed));
}

/// To say that one has a file changes nothing, unless it was asked for; and may not be said without end.
#[test]
fn what_nobody_asked_for_is_counted_and_not_remembered() {
    let mut victim = Victim::greeted();
    let said = Frame::Present(file_id(&content(1)));
    for _ in 0..FILES_STRAY_MAX {
        victim.say(&said);
    }
    assert_eq!(victim.closed(), None);
    assert_eq!(victim.world.asked(0, "read wants"), 1);
    assert_eq!(victim.world.asked(0, "note holder"), 0);
    victim.say(&said);
    assert_eq!(victim.closed(), Some(CloseCode::FileInvalid));
}

#[test]
fn that_a_file_is_there_after_all_is_heard_once() {
    let (mut victim, files) = wanting(1);
    victim.say(&Frame::Absent);
    for _ in 0..10 {
        victim.say(&Frame::Present(files[0]));
    }
    assert_eq!(victim.world.asked(0, "note holder"), 1);
    assert_eq!(victim.closed(), None);
}

#[test]
fn questions_are_bounded() {
    let file = file_id(&content(1));
    let too_long = FileId {
        length: u64::from(PIECES_MAX) * 16_384 + 1,
        ..file
    };
    for asked in [
        fetch(file, 0, 0),
        fetch(file, 0, 3),
        fetch(file, 2, 1),
        fetch(file, u16::MAX, u16::MAX),
        fetch(too_long, 0, 1),
        fetch(FileId { length: 0, ..file }, 0, 1),
        fetch(
            FileId {
                length: 1 << 20,
                ..file
            },
            0,
            FETCH_PIECES_MAX + 1,
        ),
    ] {
        check(Victim::greeted(), &[asked], CloseCode::FileInvalid);
    }
    // What is not here is answered, however often it is asked for.
    let mut victim = Victim::greeted();
    for _ in 0..1_000 {
        victim.say(&fetch(file, 0, 1));
    }
    assert_eq!(victim.closed(), None);
}

#[test]
fn a_peer_that_answers_nothing_is_asked_no_more_and_stays() {
    let (mut victim, _) = wanting(3);
    assert!(victim.world.nodes[0].hub.next_wake().is_some());
    let read = victim.world.asked(0, "read wants");
    victim.world.now = victim.world.now.plus_ms(DEAF_MS);
    victim.world.tell(0, Event::Woken);
    assert_eq!(victim.closed(), None);
    // New wishes are not put to it either.
    victim.world.name(0, "10101", &content(9), false);
    assert_eq!(victim.world.asked(0, "read wants"), read);
}

/// One that has begun to answer and stops is silent, like any other that owes something.
#[test]
fn a_peer_that_stops_in_the_middle_is_closed() {
    let (mut victim, _) = wanting(1);
    victim.say(&Frame::Bytes(vec![1; 100]));
    victim.world.now = victim.world.now.plus_ms(crate::limits::SILENCE_MS);
    victim.world.tell(0, Event::Woken);
    assert_eq!(victim.closed(), Some(CloseCode::Silent));
}
