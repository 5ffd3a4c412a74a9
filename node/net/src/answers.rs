//! What callers were answered in their handshakes: what comes a second time is answered a second time.
//!
//! A caller that hears nothing repeats the same bytes. QUIC drops them for their number and waits three round
//! trips before it sends its own answer again, although the repeat says that the answer was lost. The answer is no
//! larger than three times what asks for it, as for every address that is not proved (RFC 9000, section 8.1).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use tokio::time::Instant;

use crate::limits::{
    ANSWER_AGAIN_LEAST, ANSWERED_CALLERS_MAX, REPEATED_BYTES_MAX, REPEATED_PACKETS_MAX,
};

/// In the first byte of packets of a handshake (RFC 9000, section 17.2).
const LONG_HEADER: u8 = 0x80;

/// Times what it heard a node may send to an address that is not proved.
const AMPLIFIED_MAX: usize = 3;

/// Callers in the midst of their handshakes.
#[derive(Debug, Default)]
pub(crate) struct Answers(BTreeMap<SocketAddr, Caller>);

#[derive(Debug)]
struct Caller {
    /// Hashes of its latest packets.
    heard: VecDeque<blake3::Hash>,
    /// When it was last answered.
    at: Instant,
    /// Whether what goes out next is a new answer.
    is_asking: bool,
    answer: Vec<Vec<u8>>,
}

impl Answers {
    /// A packet came in. Gives what goes out again.
    pub(crate) fn heard(&mut self, from: SocketAddr, packet: &[u8], now: Instant) -> &[Vec<u8>] {
        if packet.first().is_none_or(|first| first & LONG_HEADER == 0) {
            self.0.remove(&from);
            return &[];
        }
        if !self.0.contains_key(&from) {
            self.make_room();
        }
        let caller = self.0.entry(from).or_insert_with(|| Caller {
            heard: VecDeque::new(),
            at: now,
            is_asking: false,
            answer: Vec::new(),
        });
        let hash = blake3::hash(packet);
        if !caller.heard.contains(&hash) {
            if caller.heard.len() >= REPEATED_PACKETS_MAX {
                caller.heard.pop_front();
            }
            caller.heard.push_back(hash);
            (caller.is_asking, caller.at) = (true, now);
            return &[];
        }
        let bytes: usize = caller.answer.iter().map(Vec::len).sum();
        let is_late = now.saturating_duration_since(caller.at) >= ANSWER_AGAIN_LEAST;
        if !is_late || bytes > AMPLIFIED_MAX * packet.len() {
            return &[];
        }
        caller.at = now;
        &caller.answer
    }

    /// A packet went out.
    pub(crate) fn sent(&mut self, to: SocketAddr, packet: &[u8]) {
        let Some(caller) = self.0.get_mut(&to) else {
            return;
        };
        if std::mem::take(&mut caller.is_asking) {
            caller.answer.clear();
        }
        let bytes: usize = caller.answer.iter().map(Vec::len).sum();
        let has_room = caller.answer.len() < REPEATED_PACKETS_MAX
            && bytes + packet.len() <= REPEATED_BYTES_MAX;
        if has_room {
            caller.answer.push(packet.to_vec());
        }
    }

    /// Forgets who was answered longest ago, where too many are remembered.
    fn make_room(&mut self) {
        if self.0.len() < ANSWERED_CALLERS_MAX {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, caller)| caller.at);
        if let Some(oldest) = oldest.map(|(addr, _)| *addr) {
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn addr(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn call(number: u8) -> Vec<u8> {
        [vec![0xc0, number], vec![0; 1_198]].concat()
    }

    #[test]
    fn what_comes_again_is_answered_again_once_the_answer_is_overdue() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        let (early, late) = (start + ANSWER_AGAIN_LEAST / 2, start + ANSWER_AGAIN_LEAST);
        assert!(answers.heard(addr(1), &call(1), start).is_empty());
        answers.sent(addr(1), &[1; 1_200]);
        answers.sent(addr(1), &[2; 700]);
        answers.sent(addr(2), &[3; 700]);
        // It may be a copy that was sent at once.
        assert!(answers.heard(addr(1), &call(1), early).is_empty());
        let again = [vec![1; 1_200], vec![2; 700]];
        assert_eq!(answers.heard(addr(1), &call(1), late), again);
        assert!(answers.heard(addr(1), &call(1), late).is_empty());
        // Something new is answered anew.
        let later = late + ANSWER_AGAIN_LEAST;
        assert!(answers.heard(addr(1), &call(2), later).is_empty());
        let again_later = later + ANSWER_AGAIN_LEAST;
        assert_eq!(answers.heard(addr(1), &call(2), again_later), again);
        assert!(answers.heard(addr(1), &call(3), again_later).is_empty());
        answers.sent(addr(1), &[4; 80]);
        let last = again_later + ANSWER_AGAIN_LEAST;
        assert_eq!(answers.heard(addr(1), &call(2), last), [vec![4; 80]]);
        // The handshake is over.
        assert!(answers.heard(addr(1), &[0x40; 80], last).is_empty());
        assert!(answers.0.is_empty());
    }

    #[test]
    fn nobody_is_answered_more_than_thrice_what_it_said() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        let late = start + ANSWER_AGAIN_LEAST;
        let short = &call(1)[..400];
        answers.heard(addr(1), short, start);
        answers.sent(addr(1), &[0; 1_201]);
        assert!(answers.heard(addr(1), short, late).is_empty());
        for _ in 0..10 {
            answers.sent(addr(1), &[0; 1_200]);
        }
        let caller = &answers.0[&addr(1)];
        assert!(caller.answer.iter().map(Vec::len).sum::<usize>() <= REPEATED_BYTES_MAX);
    }

    #[test]
    fn of_many_callers_the_oldest_is_forgotten() {
        let (mut answers, start) = (Answers::default(), Instant::now());
        for port in 0..200_u16 {
            let now = start + Duration::from_millis(port.into());
            answers.heard(addr(port), &call(1), now);
        }
        assert_eq!(answers.0.len(), ANSWERED_CALLERS_MAX);
        assert!(!answers.0.contains_key(&addr(0)) && answers.0.contains_key(&addr(199)));
    }
}
