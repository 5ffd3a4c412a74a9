//! Callers in the midst of their handshakes, on links that lose packets.
//!
//! **What comes a second time is answered a second time.** A caller that hears nothing repeats the same bytes. QUIC
//! drops them for their number and waits three round trips before it sends its own answer again, although the repeat
//! says that the answer was lost. The answer is no larger than three times what asks for it, as for every address that is
//! not proved (RFC 9000, section 8.1).
//!
//! **What comes before the end of the handshake waits for it.** A caller's first words follow on the heels of its
//! proof. Where the proof is lost, quinn drops the words, and drops them again when they come a second time, because it
//! has noted their number. RFC 9001, section 5.7, lets them be kept, so they are kept here.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use tokio::time::Instant;

use crate::header::{Kind, goes_to, is_long, longs};
use crate::limits::{
    ANSWER_AGAIN_LEAST, ANSWERED_CALLERS_MAX, REPEATED_BYTES_MAX, REPEATED_PACKETS_MAX,
};

/// Times what it heard a node may send to an address that is not proved.
const AMPLIFIED_MAX: usize = 3;

/// What is known of callers, from their first packet to the first word of their links.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    callers: BTreeMap<SocketAddr, Caller>,
    /// What was kept and may go up now.
    released: VecDeque<(SocketAddr, Vec<u8>)>,
}

/// What becomes of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// It goes up.
    Passes,
    /// It goes up, and these go out again.
    AsksAgain(&'a [Vec<u8>]),
    /// It stays here for now.
    Waits,
}

#[derive(Debug)]
struct Caller {
    /// Hashes of its latest packets.
    heard: VecDeque<blake3::Hash>,
    /// When it was last answered.
    at: Instant,
    /// Whether what goes out next is a new answer.
    is_asking: bool,
    answer: Packets,
    /// The id by which it calls this node's end of the link, once it was answered.
    id: Vec<u8>,
    /// Its first words, until it has shown who it is.
    early: Packets,
    has_shown: bool,
}

/// A few packets.
#[derive(Debug, Default)]
struct Packets(Vec<Vec<u8>>);

impl Packets {
    fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Keeps one more, if there is room.
    fn keep(&mut self, packet: &[u8]) -> bool {
        let has_room = self.0.len() < REPEATED_PACKETS_MAX
            && self.bytes() + packet.len() <= REPEATED_BYTES_MAX;
        if has_room {
            self.0.push(packet.to_vec());
        }
        has_room
    }
}

impl Answers {
    /// A packet came in.
    pub(crate) fn heard(&mut self, from: SocketAddr, packet: &[u8], now: Instant) -> Heard<'_> {
        if !is_long(packet) {
            return self.heard_word(from, packet);
        }
        if !self.callers.contains_key(&from) {
            self.make_room();
        }
        let caller = self.callers.entry(from).or_insert_with(|| Caller {
            heard: VecDeque::new(),
            at: now,
            is_asking: false,
            answer: Packets::default(),
            id: Vec::new(),
            early: Packets::default(),
            has_shown: false,
        });
        if longs(packet).any(|long| long.kind == Kind::Handshake) {
            caller.has_shown = true;
            let early = std::mem::take(&mut caller.early).0.into_iter();
            self.released.extend(early.map(|packet| (from, packet)));
        }
        let hash = blake3::hash(packet);
        if !caller.heard.contains(&hash) {
            if caller.heard.len() >= REPEATED_PACKETS_MAX {
                caller.heard.pop_front();
            }
            caller.heard.push_back(hash);
            (caller.is_asking, caller.at) = (true, now);
            return Heard::Passes;
        }
        let is_late = now.saturating_duration_since(caller.at) >= ANSWER_AGAIN_LEAST;
        if !is_late || caller.answer.bytes() > AMPLIFIED_MAX * packet.len() {
            return Heard::Passes;
        }
        caller.at = now;
        Heard::AsksAgain(&caller.answer.0)
    }

    /// A packet of a link came in, not of a handshake.
    fn heard_word(&mut self, from: SocketAddr, packet: &[u8]) -> Heard<'_> {
        let Some(caller) = self.callers.get_mut(&from) else {
            return Heard::Passes;
        };
        if caller.has_shown {
            self.callers.remove(&from);
            return Heard::Passes;
        }
        // Another link of that address is not held up by what somebody says in its name.
        let is_early = !caller.id.is_empty() && goes_to(packet, &caller.id);
        if is_early && caller.early.keep(packet) {
            Heard::Waits
        } else {
            Heard::Passes
        }
    }

    /// Takes what has waited and may go up.
    pub(crate) fn released(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.released.pop_front()
    }

    /// A packet went out.
    pub(crate) fn sent(&mut self, to: SocketAddr, packet: &[u8]) {
        let Some(caller) = self.callers.get_mut(&to) else {
            return;
        };
        if let Some(long) = longs(packet).next() {
            caller.id = long.source.to_vec();
        }
        if std::mem::take(&mut caller.is_asking) {
            caller.answer = Packets::default();
        }
        let _has_room = caller.answer.keep(packet);
    }

    /// Forgets who was answered longest ago, where too many are remembered.
    fn make_room(&mut self) {
        if self.callers.len() < ANSWERED_CALLERS_MAX {
            return;
        }
        let oldest = self.callers.iter().min_by_key(|(_, caller)| caller.at);
        if let Some(oldest) = oldest.map(|(addr, _)| *addr) {
            self.callers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::header::tests::packet;

    fn addr(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn call(number: u8) -> Vec<u8> {
        packet(Kind::Initial, &[number; 4], 1_180)
    }

    #[test]
    fn what_comes_again_is_answered_again_once_the_answer_is_overdue() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        let (early, late) = (start + ANSWER_AGAIN_LEAST / 2, start + ANSWER_AGAIN_LEAST);
        assert_eq!(answers.heard(addr(1), &call(1), start), Heard::Passes);
        answers.sent(addr(1), &[1; 1_200]);
        answers.sent(addr(1), &[2; 700]);
        answers.sent(addr(2), &[3; 700]);
        // It may be a copy that was sent at once.
        assert_eq!(answers.heard(addr(1), &call(1), early), Heard::Passes);
        let again = [vec![1; 1_200], vec![2; 700]];
        assert_eq!(
            answers.heard(addr(1), &call(1), late),
            Heard::AsksAgain(&again)
        );
        assert_eq!(answers.heard(addr(1), &call(1), late), Heard::Passes);
        // Something new is answered anew.
        let later = late + ANSWER_AGAIN_LEAST;
        assert_eq!(answers.heard(addr(1), &call(2), later), Heard::Passes);
        let again_later = later + ANSWER_AGAIN_LEAST;
        assert_eq!(
            answers.heard(addr(1), &call(2), again_later),
            Heard::AsksAgain(&again)
        );
        assert_eq!(answers.heard(addr(1), &call(3), again_later), Heard::Passes);
        answers.sent(addr(1), &[4; 80]);
        let last = again_later + ANSWER_AGAIN_LEAST;
        assert_eq!(
            answers.heard(addr(1), &call(2), last),
            Heard::AsksAgain(&[vec![4; 80]])
        );
        // The handshake is over.
        let proof = packet(Kind::Handshake, &[1; 4], 300);
        assert_eq!(answers.heard(addr(1), &proof, last), Heard::Passes);
        assert_eq!(answers.heard(addr(1), &[0x40; 80], last), Heard::Passes);
        assert!(answers.callers.is_empty());
    }

    #[test]
    fn nobody_is_answered_more_than_thrice_what_it_said() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        let late = start + ANSWER_AGAIN_LEAST;
        let short = &call(1)[..400];
        answers.heard(addr(1), short, start);
        answers.sent(addr(1), &[0; 1_201]);
        assert_eq!(answers.heard(addr(1), short, late), Heard::Passes);
        for _ in 0..10 {
            answers.sent(addr(1), &[0; 1_200]);
        }
        assert!(answers.callers[&addr(1)].answer.bytes() <= REPEATED_BYTES_MAX);
    }

    #[test]
    fn of_many_callers_the_oldest_is_forgotten() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        for port in 0..200_u16 {
            let now = start + Duration::from_millis(port.into());
            answers.heard(addr(port), &call(1), now);
        }
        assert_eq!(answers.callers.len(), ANSWERED_CALLERS_MAX);
        assert!(
            !answers.callers.contains_key(&addr(0)) && answers.callers.contains_key(&addr(199))
        );
    }

    #[test]
    fn first_words_wait_for_the_proof_and_hold_up_no_other_link() {
        let (mut answers, now) = (Answers::default(), Instant::now());
        let word = |id: u8| [vec![0x40], vec![id; 4], vec![0; 60]].concat();
        // Who is not in a handshake is not asked for one.
        assert_eq!(answers.heard(addr(1), &word(5), now), Heard::Passes);
        answers.heard(addr(1), &call(1), now);
        assert_eq!(answers.heard(addr(1), &word(5), now), Heard::Passes);
        answers.sent(addr(1), &packet(Kind::Initial, &[5; 4], 1_100));
        for _ in 0..REPEATED_PACKETS_MAX {
            assert_eq!(answers.heard(addr(1), &word(5), now), Heard::Waits);
        }
        assert_eq!(answers.heard(addr(1), &word(5), now), Heard::Passes);
        assert_eq!(answers.heard(addr(1), &word(6), now), Heard::Passes);
        assert_eq!(answers.released(), None);
        let proof = [
            packet(Kind::Initial, &[1; 4], 40),
            packet(Kind::Handshake, &[1; 4], 300),
        ];
        assert_eq!(answers.heard(addr(1), &proof.concat(), now), Heard::Passes);
        for _ in 0..REPEATED_PACKETS_MAX {
            assert_eq!(answers.released(), Some((addr(1), word(5))));
        }
        assert_eq!(answers.released(), None);
        assert_eq!(answers.heard(addr(1), &word(5), now), Heard::Passes);
        assert!(answers.callers.is_empty());
    }
}
