//! What is on its way to a called node and has brought no answer: which packets go again, and when.
//!
//! ```text
//! sent -> Kept -- answered in time --------------------------> gone
//!              |- nothing came for about a round trip -> again -'
//!              |- on a way that loses many: again at once
//!              '- on a link that stood: knock -> heard -> QUIC is woken
//! ```
//! The same bytes are dropped by who has them already, whose answer was lost, and say nothing of another address. So where
//! a knock is answered and nothing else comes, QUIC is made to say something new.

use std::net::SocketAddr;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::Instant;

use crate::congestion::Measured;
use crate::limits::{
    ANSWER_UNKNOWN, KNOCK_BYTES, RATE_UNKNOWN, REPEAT_WAIT_LEAST, REPEAT_WAIT_MAX,
    REPEATED_BYTES_MAX, REPEATED_PACKETS_MAX, REPEATS_EVENLY, REPEATS_SOON, SILENCE, TWICE_AFTER,
};

/// A flight of at most so many bytes is a few words, not the beginning of a call.
const WORDS_BYTES: usize = 1_000;

/// Bytes of a full packet, which those of a call are filled up to (RFC 9000, section 14.1).
const FULL_BYTES: usize = 1_200;

/// Room for the answer in the reckoning of when it should have come: to a call, and to words.
const CALL_ANSWER_BYTES: usize = 1_400;
const WORDS_ANSWER_BYTES: usize = 300;

/// What a machine may take until it has heard something: twice what QUIC waits with an acknowledgement.
const ANSWER_TIME: Duration = Duration::from_millis(50);

/// How often patience doubles at most when answers come after repeats.
const PATIENCE_MAX: u32 = 3;

/// What is known of the way to a called node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// None where nobody has been.
    pub(crate) rtt: Option<Duration>,
    /// Bytes a second; none when nobody has measured it.
    pub(crate) rate: Option<u64>,
    /// Whether so many packets were lost on it that a call had better not wait for a loss to show.
    pub(crate) is_lossy: bool,
}

impl Pace {
    /// When the answer to so many bytes should be here.
    pub(crate) fn wait(self, bytes: usize) -> Duration {
        let Some(rtt) = self.rtt else {
            return ANSWER_UNKNOWN;
        };
        let answer = if bytes > WORDS_BYTES {
            CALL_ANSWER_BYTES
        } else {
            WORDS_ANSWER_BYTES
        };
        rtt * 9 / 8 + ANSWER_TIME + self.carries(bytes.saturating_add(answer))
    }

    /// How long the way takes for so many bytes.
    fn carries(self, bytes: usize) -> Duration {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let rate = self.rate.unwrap_or(RATE_UNKNOWN).max(1);
        Duration::from_millis(bytes.saturating_mul(1_000) / rate)
    }
}

/// The called node, and what it has not answered.
#[derive(Debug)]
pub(crate) struct Flight {
    addr: SocketAddr,
    pace: Pace,
    measured: Measured,
    /// Since when the called node owes an answer, or since it was last heard while it does.
    awaited: Option<Instant>,
    /// What has gone out first since anything came in, but for much over a link that stood.
    unanswered: Vec<Kept>,
    /// When QUIC is woken: the way was found open.
    wake: Option<Instant>,
    /// When it last was.
    woken_at: Option<Instant>,
    /// Bytes of all that has.
    bytes: usize,
    /// When the first of it went out, and its bytes with those it waited for.
    since: Option<(Instant, usize)>,
    due: Option<Instant>,
    repeats: u32,
    /// When the last of them went out.
    asked_at: Option<Instant>,
    /// Knocks that have brought no answer. Nothing else has one so short.
    knocks: u32,
    /// How often it was answered only after repeats, since it last was without.
    patience: u32,
    repeated_bytes: u64,
    /// Packets of a flight that went twice at once.
    doubled: u64,
    /// How often a single repeat brought the answer: something was lost.
    missed: u64,
    stage: Stage,
}

/// How far a call has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Nothing has come in.
    Calling,
    /// Something has. Whether it is an answer shows when this end goes on: the rest may be lost.
    Heard,
    /// This end has gone on.
    Answering,
    /// That was answered as well: a link stands.
    Standing,
}

/// A packet that has brought no answer.
#[derive(Debug)]
struct Kept {
    bytes: Vec<u8>,
    at: Instant,
    /// Bytes of the flight up to its end when it went out: it waited for those before it.
    end: usize,
    /// Whether it goes twice at once and has not yet.
    is_single: bool,
}

impl Flight {
    /// Nothing is on its way yet.
    pub(crate) fn to(addr: SocketAddr, pace: Pace, measured: Measured, now: Instant) -> Self {
        Self {
            addr,
            pace,
            measured,
            awaited: Some(now),
            unanswered: Vec::new(),
            wake: None,
            woken_at: None,
            bytes: 0,
            since: None,
            due: None,
            repeats: 0,
            asked_at: None,
            knocks: 0,
            patience: 0,
            repeated_bytes: 0,
            doubled: 0,
            missed: 0,
            stage: Stage::Calling,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// When something goes out again.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Bytes that went again.
    pub(crate) fn repeated_bytes(&self) -> u64 {
        self.repeated_bytes
    }

    /// Packets that went twice without being missed, and how often one was missed and brought its answer when it
    /// went again.
    pub(crate) fn doubled_and_missed(&self) -> (u64, u64) {
        (self.doubled, self.missed)
    }

    /// Whether the called node owes an answer. What it owes none for is not repeated.
    pub(crate) fn awaits(&mut self, is_awaited: bool, now: Instant) {
        if self.awaited.is_some() == is_awaited {
            return;
        }
        self.awaited = is_awaited.then_some(now);
        if is_awaited {
            self.wait_on();
        } else {
            self.rest();
        }
    }

    /// Tries again at once: the network has changed.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.repeats = self.repeats.min(1);
        self.due = self.due.map(|_| now);
    }

    /// A packet of the first flight went out. What follows once its answer is overdue is QUIC's own trying.
    pub(crate) fn keep(&mut self, bytes: &[u8], now: Instant) {
        if self.awaited.is_none() {
            return;
        }
        if self.stage == Stage::Heard {
            self.answered();
            self.rest();
            self.stage = Stage::Answering;
        }
        let is_overdue = |due| self.repeats > 0 || due <= now;
        if self.answer_due().is_some_and(is_overdue) {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes.len());
        let kept = Kept {
            bytes: bytes.to_vec(),
            at: now,
            end: self.bytes,
            is_single: self.pace.is_lossy && self.stage == Stage::Calling,
        };
        if self.is_much() {
            self.unanswered.clear();
        } else {
            let has_room = self.unanswered.len() < REPEATED_PACKETS_MAX
                && self.weight() + bytes.len() <= REPEATED_BYTES_MAX;
            if has_room {
                self.unanswered.push(kept);
            }
        }
        if self.since.is_none() {
            self.since = Some((now, bytes.len()));
            (self.repeats, self.asked_at) = (0, None);
        }
        self.wait_on();
    }

    /// Whether more is on its way over a link that stood than is worth repeating to find out whether it stands.
    fn is_much(&self) -> bool {
        self.stage == Stage::Standing && self.bytes > WORDS_BYTES
    }

    /// So many bytes came in.
    pub(crate) fn hear(&mut self, bytes: usize, now: Instant) {
        let is_echo = bytes < KNOCK_BYTES;
        if is_echo && self.stage < Stage::Answering {
            // Of a knock from before the call.
            return;
        }
        if let Some((since, _)) = self.since {
            let seen = now.saturating_duration_since(since);
            self.pace.rtt = self.pace.rtt.or(Some(seen));
        }
        if self.stage < Stage::Answering {
            self.stage = Stage::Heard;
            return;
        }
        if is_echo {
            // What nobody asked for may be anybody's, and wakes nothing.
            let Some(knocks) = self.knocks.checked_sub(1) else {
                return;
            };
            self.knocks = knocks;
        }
        if self.repeats > 0 && self.is_much() {
            self.wake_at(now);
        } else if is_echo {
            // The answer may be close behind.
            self.wake_at(now + 2 * ANSWER_TIME);
        } else {
            self.wake = None;
        }
        if is_echo {
            self.wait_on();
            return;
        }
        self.awaited = self.awaited.map(|_| now);
        self.knocks = 0;
        self.answered();
        // Of a flight that was cut short the beginning is answered: what came later may still be lost.
        let is_call = self.bytes <= REPEATED_BYTES_MAX && self.repeats == 0;
        (self.repeats, self.asked_at) = (0, None);
        let before = self.unanswered.len();
        let mut unanswered = std::mem::take(&mut self.unanswered);
        unanswered.retain(|kept| is_call && kept.at + self.soonest(kept.end + bytes) > now);
        self.unanswered = unanswered;
        if self.unanswered.len() < before {
            self.stage = Stage::Standing;
        }
        self.bytes = self.weight();
        let first = self.unanswered.first();
        self.since = first.map(|kept| (kept.at, kept.end));
        self.wait_on();
    }

    /// The way is open again, and QUIC would not know for long; once about a round trip is enough.
    fn wake_at(&mut self, at: Instant) {
        let next = self.woken_at.map(|at| at + self.pace().wait(FULL_BYTES));
        if self.wake.is_none() && next.is_none_or(|next| next <= at) {
            self.wake = Some(at);
        }
    }

    /// Whether QUIC is to say something new now.
    pub(crate) fn take_wake(&mut self, now: Instant) -> bool {
        let is_due = self.wake.is_some_and(|at| at <= now);
        if is_due {
            (self.wake, self.woken_at) = (None, Some(now));
            self.wait_on();
        }
        is_due
    }

    /// An answer has come. After a repeat nobody knows which of the two was answered, so patience grows (Karn).
    fn answered(&mut self) {
        if self.since.is_some() {
            self.patience = match self.repeats {
                0 => 0,
                _ => (self.patience + 1).min(PATIENCE_MAX),
            };
            self.missed += u64::from(self.repeats == 1);
        }
    }

    /// Nothing is owed an answer.
    fn rest(&mut self) {
        self.unanswered.clear();
        (self.bytes, self.since, self.due) = (0, None, None);
        (self.repeats, self.asked_at, self.wake) = (0, None, None);
    }

    /// Sets when something goes out next.
    fn wait_on(&mut self) {
        let twice = self.unanswered.iter().filter(|kept| kept.is_single);
        let twice = twice.map(|kept| kept.at + TWICE_AFTER).min();
        let due = self.answer_due().or_else(|| self.silence_due());
        self.due = [twice, self.wake, due].into_iter().flatten().min();
    }

    /// When the next repeat of what waits for an answer is due.
    fn answer_due(&self) -> Option<Instant> {
        let (since, first_bytes) = self.since?;
        let bytes = match self.repeats {
            0 => first_bytes,
            _ if self.is_much() => KNOCK_BYTES,
            _ => self.bytes,
        };
        Some(self.asked_at.unwrap_or(since) + self.wait(bytes))
    }

    /// When to ask whether the way is open although QUIC waits for nothing: the answer may be lost on its way here.
    fn silence_due(&self) -> Option<Instant> {
        let since = self.awaited.filter(|_| self.stage == Stage::Standing)?;
        let wait = self.pace().wait(FULL_BYTES).max(SILENCE);
        Some(self.asked_at.map_or(since, |at| at.max(since)) + wait)
    }

    /// What goes out again now.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut again = Vec::new();
        for kept in self.unanswered.iter_mut().filter(|kept| kept.is_single) {
            kept.is_single = false;
            again.push(kept.bytes.clone());
        }
        self.doubled += u64::try_from(again.len()).unwrap_or(u64::MAX);
        if again.is_empty() {
            again.extend(self.unanswered.iter().map(|kept| kept.bytes.clone()));
            // What goes for the second time in vain may have arrived, and its answer been lost.
            if again.is_empty() || self.stage > Stage::Heard && self.repeats > 0 {
                again.push(knock());
                self.knocks = self.knocks.saturating_add(1);
            }
            self.repeats = self.repeats.saturating_add(1);
            self.asked_at = Some(now);
        }
        self.wait_on();
        let bytes: usize = again.iter().map(Vec::len).sum();
        self.repeated_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        again
    }

    fn weight(&self) -> usize {
        self.unanswered.iter().map(|kept| kept.bytes.len()).sum()
    }

    /// On a link that has carried something patience is for the first repeat, and the others follow evenly for a while, so
    /// that its return is soon seen. Before that ever more rarely: where a way was remembered better than it is today,
    /// repeating fills it up.
    fn wait(&self, bytes: usize) -> Duration {
        let doublings = match self.repeats {
            repeats if self.stage <= Stage::Heard => repeats.min(16) + self.patience,
            0 => self.patience,
            repeats => repeats.saturating_sub(REPEATS_EVENLY).min(16),
        };
        let mut wait = self.pace().wait(bytes);
        if self.stage > Stage::Heard && self.repeats > 0 {
            // The first wait was for the answer, the others are for the way.
            wait = wait * 3 / 4;
        }
        if self.repeats >= REPEATS_SOON {
            wait = wait.max(REPEAT_WAIT_LEAST);
        }
        wait.saturating_mul(1 << doublings)
            .min(REPEAT_WAIT_MAX.max(wait))
    }

    /// What is known by now.
    fn pace(&self) -> Pace {
        let least = self.least_rtt();
        let measured = self.measured.rtt().map(|measured| {
            let before = self.pace.rtt.unwrap_or(measured);
            before.clamp(least, measured)
        });
        Pace {
            rtt: measured.or(self.pace.rtt),
            ..self.pace
        }
    }

    /// What the round trip may be at least: what is measured of a call is that of full packets.
    fn least_rtt(&self) -> Duration {
        let carried = self.pace.carries(2 * FULL_BYTES);
        let measured = self.measured.rtt().unwrap_or_default();
        measured.saturating_sub(carried)
    }

    /// How long the answer to a packet takes at least, where so many bytes are those before it, its own and the
    /// answer's. Too long a time would send again what is answered already, so nothing that was only remembered counts.
    fn soonest(&self, bytes: usize) -> Duration {
        let least = self.least_rtt();
        if least.is_zero() {
            return least;
        }
        least * 31 / 32 + self.pace.carries(bytes)
    }
}

/// Has the form of a packet of a link that nobody has, so that who is called answers with one byte less, which ends
/// no link (RFC 9000, section 10.3).
pub(crate) fn knock() -> Vec<u8> {
    let mut knock = rand::rng().random::<[u8; KNOCK_BYTES]>();
    if let Some(first) = knock.first_mut() {
        *first = *first & 0x3F | 0x40;
    }
    knock.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(600);

    fn flight(is_lossy: bool) -> Flight {
        let pace = Pace {
            rtt: Some(RTT),
            rate: Some(8_000),
            is_lossy,
        };
        // A full packet there and one back took 0.3 s beside the way.
        let measured = Measured::of(RTT + ms(300));
        Flight::to(([127, 0, 0, 1], 1).into(), pace, measured, Instant::now())
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// When what goes again in the next seconds, while nothing comes in.
    fn repeats(flight: &mut Flight, start: Instant, times: usize) -> Vec<(u128, Vec<usize>)> {
        let mut repeats = Vec::new();
        for _ in 0..times {
            let Some(due) = flight.due() else { break };
            let lengths = flight.take_due(due).iter().map(Vec::len).collect();
            repeats.push(((due - start).as_millis(), lengths));
        }
        repeats
    }

    #[test]
    fn what_was_sent_too_late_to_be_answered_waits_for_its_own_answer() {
        let (mut flight, start) = (flight(false), Instant::now());
        flight.keep(&[0; 1_200], start);
        // The answer, whose last packet comes after what was sent upon the first.
        flight.hear(1_200, start + ms(900));
        flight.keep(&[1; 1_150], start + ms(900));
        flight.keep(&[2; 500], start + ms(901));
        flight.hear(1_200, start + ms(1_000));
        assert_eq!(flight.unanswered.len(), 2);
        // The first is answered, the second was lost: its own answer would come 50 ms later.
        flight.hear(112, start + ms(900 + 600 + 143 + 14));
        assert_eq!(flight.unanswered.len(), 1);
        let again = repeats(&mut flight, start, 1);
        assert!(
            matches!(&*again, [(2_007, lengths)] if *lengths == [500]),
            "{again:?}"
        );
        flight.hear(1_200, start + ms(3_000));
        assert_eq!((flight.since, flight.doubled_and_missed()), (None, (0, 1)));
    }

    #[test]
    fn an_answer_in_time_leaves_nothing_to_repeat() {
        let (mut flight, start) = (flight(false), Instant::now());
        for (bytes, at) in [(1_200, 0), (800, 5)] {
            flight.keep(&vec![0; bytes], start + ms(at));
        }
        // Half an answer may be none: this end goes on when it is one.
        flight.hear(1_200, start + ms(600 + 250));
        assert!(flight.due().is_some());
        flight.keep(&[0; 400], start + ms(852));
        flight.hear(1_200, start + ms(852 + 600 + 50 + 150));
        assert_eq!((flight.since, flight.repeated_bytes()), (None, 0));
        // Much on its way over a link that stood is QUIC's own affair as soon as anything comes.
        for _ in 0..8 {
            flight.keep(&[0; 1_200], start + ms(900));
        }
        flight.hear(1_200, start + ms(901));
        assert_eq!(flight.since, None);
    }

    #[test]
    fn only_the_answer_to_a_knock_wakes() {
        let (mut flight, start) = (flight(false), Instant::now());
        flight.stage = Stage::Standing;
        flight.hear(KNOCK_BYTES - 1, start);
        assert!(flight.wake.is_none(), "nobody knocked");
        for _ in 0..4 {
            flight.keep(&[0; 1_200], start);
        }
        let again = repeats(&mut flight, start, 1);
        assert!(matches!(&*again, [(_, lengths)] if *lengths == [KNOCK_BYTES]));
        flight.hear(KNOCK_BYTES - 1, start + ms(3_000));
        assert!(flight.take_wake(start + ms(3_000)));
        flight.hear(KNOCK_BYTES - 1, start + ms(9_000));
        assert!(flight.wake.is_none(), "it was answered");
    }

    #[test]
    fn where_many_are_lost_a_call_goes_twice_at_once() {
        let (mut flight, start) = (flight(true), Instant::now());
        flight.keep(&[0; 1_200], start);
        flight.keep(&[0; 900], start + ms(2));
        let again = repeats(&mut flight, start, 2);
        assert!(
            matches!(&*again, [(20, both), (1_000.., all)] if both == all),
            "{again:?}"
        );
        assert_eq!(flight.doubled_and_missed(), (2, 0));
        flight.hear(1_200, start + ms(2_000));
        flight.keep(&[0; 900], start + ms(2_000));
        let again = repeats(&mut flight, start, 1);
        assert!(
            matches!(&*again, [(2_700.., _)]),
            "only the call: {again:?}"
        );
    }
}
