//! A peer that says much at once: others have their turn in between, and nothing of it is lost.

use super::*;
use crate::frame::{StreamFlag, stream_frame};
use crate::limits::{READ_BYTES_AT_ONCE, READ_BYTES_OF_PIECE, UNPACKED_BYTES_MAX};
use crate::stream::Packer;
use crate::{Effect, Steady};

/// Takes one event without doing what it leads to.
fn handle(victim: &mut Victim, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    let hub = &mut victim.world.nodes[0].hub;
    hub.handle(Steady(0), event, &mut effects);
    effects
}

fn receive(victim: &mut Victim, bytes: Vec<u8>) -> Vec<Effect> {
    handle(victim, Event::Received { link: LINK, bytes })
}

fn reads_on(effects: &[Effect]) -> usize {
    let reads_on = |effect: &&Effect| matches!(effect, Effect::ReadOn { .. });
    effects.iter().filter(reads_on).count()
}

fn has_read(effects: &[Effect]) -> bool {
    let has_read = |effect: &Effect| matches!(effect, Effect::HasRead { .. });
    effects.iter().any(has_read)
}

fn applied(effects: &[Effect]) -> Vec<Vec<u8>> {
    let entries = effects.iter().filter_map(|effect| match effect {
        Effect::Apply { entries, .. } => Some(entries),
        _ => None,
    });
    entries.flatten().map(|entry| entry.body.clone()).collect()
}

fn late(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&push(None, named(), vec![body.to_vec()]), &mut bytes);
    bytes
}

/// Words that may be said as often as one likes in a comparison, for so many turns, and then a push.
fn much(turns: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < turns * READ_BYTES_AT_ONCE {
        encode(&Frame::Objects(Objects { notes: Vec::new() }), &mut bytes);
    }
    [bytes, late(b"late")].concat()
}

/// Lets it read to the end; how many turns that took, and what was applied.
fn read_on(victim: &mut Victim, mut effects: Vec<Effect>) -> (usize, Vec<Vec<u8>>) {
    let (mut turns, mut entries) = (1, applied(&effects));
    while reads_on(&effects) > 0 {
        assert_eq!(reads_on(&effects), 1);
        assert!(!has_read(&effects));
        effects = handle(victim, Event::ReadOn { link: LINK });
        entries.extend(applied(&effects));
        turns += 1;
    }
    assert!(turns == 1 || has_read(&effects));
    (turns, entries)
}

#[test]
fn what_comes_at_once_is_read_in_turns() {
    let mut victim = Victim::served();
    let first = receive(&mut victim, much(3));
    let (turns, entries) = read_on(&mut victim, first);
    assert_eq!(turns, 3);
    assert_eq!(entries, [b"late"]);
    // Nobody reads on who has read.
    let more = handle(&mut victim, Event::ReadOn { link: LINK });
    assert_eq!(more.len(), 0);
    // What is little takes one turn, and holds nobody back.
    let little = receive(&mut victim, late(b"more"));
    assert!(reads_on(&little) == 0 && !has_read(&little));
}

#[test]
fn what_comes_meanwhile_stands_behind_it() {
    let mut victim = Victim::served();
    let first = receive(&mut victim, much(2));
    let meanwhile = receive(&mut victim, late(b"later"));
    assert_eq!(reads_on(&meanwhile), 0, "one turn is asked for already");
    assert_eq!(applied(&meanwhile), Vec::<Vec<u8>>::new());
    let (_, entries) = read_on(&mut victim, first);
    assert_eq!(entries, [b"late"]);
    let status = victim.world.nodes[0].hub.status();
    assert!(status.peers[0].link.is_some());
}

#[test]
fn a_link_that_ends_between_turns_is_read_to_its_end() {
    let mut victim = Victim::served();
    let first = receive(&mut victim, much(3));
    let closed = Event::LinkClosed {
        link: LINK,
        code: Some(CloseCode::Going.number()),
        again_s: None,
    };
    assert_eq!(handle(&mut victim, closed).len(), 0);
    let (turns, entries) = read_on(&mut victim, first);
    assert_eq!(turns, 3);
    assert_eq!(entries, [b"late"]);
    let peer = &victim.world.nodes[0].hub.status().peers[0];
    assert!(peer.link.is_none());
    assert_eq!(peer.closed_there, Some(CloseCode::Going.number()));
}

#[test]
fn a_new_link_does_not_wait_for_what_the_old_one_left() {
    let mut victim = Victim::served();
    let first = receive(&mut victim, much(3));
    assert_eq!(reads_on(&first), 1);
    let closed = Event::LinkClosed {
        link: LINK,
        code: None,
        again_s: None,
    };
    handle(&mut victim, closed);
    let peer = victim.world.nodes[0].hub.status().peers[0].peer.clone();
    let link = LinkId(LINK.0 + 1);
    let opened = Event::LinkOpened {
        link,
        peer,
        target: None,
    };
    let effects = handle(&mut victim, opened);
    let closes = |effect: &Effect| matches!(effect, Effect::Close { .. });
    assert!(!effects.iter().any(closes), "{effects:?}");
    assert_eq!(handle(&mut victim, Event::ReadOn { link: LINK }).len(), 0);
    let status = victim.world.nodes[0].hub.status();
    assert_eq!(
        status.peers[0].link.as_ref().map(|open| open.link),
        Some(link)
    );
}

#[test]
fn who_is_not_held_back_is_heard_only_so_far() {
    let mut victim = Victim::served();
    receive(&mut victim, much(2));
    let effects = receive(&mut victim, vec![0; UNREAD_BYTES_MAX]);
    let code = effects.iter().find_map(|effect| match effect {
        Effect::Close { code, .. } => Some(*code),
        _ => None,
    });
    assert_eq!(code, Some(CloseCode::WindowExceeded));
}

#[test]
fn packed_pieces_count_beside_what_they_hold() {
    let pieces = 3 * READ_BYTES_AT_ONCE / READ_BYTES_OF_PIECE - 1;
    let mut nothing = Vec::new();
    encode(&Frame::Objects(Objects { notes: Vec::new() }), &mut nothing);
    let mut bytes = Vec::new();
    for _ in 0..pieces {
        let packed = Packer::new(&[]).unwrap().pack(&nothing);
        stream_frame(StreamFlag::Begins, 0, &packed, &mut bytes);
    }
    let mut victim = Victim::served();
    let first = receive(&mut victim, bytes);
    let (turns, _) = read_on(&mut victim, first);
    assert_eq!(turns, 3);
}

/// Frames as they stand in a stream, packed as tightly as can be.
pub(super) fn packed(frames: &[u8]) -> Vec<u8> {
    let (mut packer, mut bytes) = (Packer::new(&[]).unwrap(), Vec::new());
    let mut flag = StreamFlag::Begins;
    for piece in frames.chunks(UNPACKED_BYTES_MAX) {
        stream_frame(flag, 0, &packer.pack(piece), &mut bytes);
        flag = StreamFlag::GoesOn;
    }
    bytes
}
