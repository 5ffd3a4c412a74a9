//! How much may be on its way at once: what the link was seen to carry in one of its shortest round
//! trips, and a quarter more (docs/adr/0019).
//!
//! A loss says nothing by itself: on radio links packets are lost to the weather. What says that a
//! link is full is that more sent does not make more arrive, or that answers take longer. So the
//! controller keeps two figures, the rate at which bytes were lately acknowledged and the shortest
//! round trip, and allows 1.25 times their product: enough to notice when the link has become faster,
//! and no more than a packet or two in the modem's queue.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quinn::congestion::{Controller, ControllerFactory};
use quinn_proto::RttEstimator;

use crate::limits::{INITIAL_WINDOW_PACKETS, MINIMUM_WINDOW_PACKETS};

/// Rounds over which the best rate counts: a rate that was not seen again in so many is over.
pub(crate) const ROUNDS: usize = 8;

/// How long a shortest round trip counts, and the one before it; then it is measured anew.
const SHORTEST_FOR: Duration = Duration::from_secs(20);

/// What may be on its way beyond the window when that is known to be lost: QUIC sends a packet where there is room
/// for one more.
const WAKING_PACKETS: u64 = 2;

/// What the two ends may take to be woken and to answer, on busy machines. Where the way itself takes less, what is on
/// its way must last so long, or the link waits for processors.
const ANSWERED_WITHIN: Duration = Duration::from_millis(20);

/// A silence after which a link is felt out anew: another cell, another weather.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// What a link was seen to be, for whoever plans by it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Measured(Arc<Marks>);

#[derive(Debug, Default)]
struct Marks {
    /// Bytes a second; 0 before it is known.
    rate: AtomicU64,
    /// The shortest round trip, in microseconds; 0 before it is known.
    rtt: AtomicU64,
    /// Whether the way was found open again although nothing is acknowledged.
    is_waking: AtomicBool,
}

impl Measured {
    #[cfg(test)]
    pub(crate) fn of(rtt: Duration) -> Self {
        let measured = Self::default();
        let micros = u64::try_from(rtt.as_micros()).unwrap();
        measured.0.rtt.store(micros, Ordering::Relaxed);
        measured
    }

    /// What is on its way is lost. Until something is acknowledged two packets more may be, which show that.
    pub(crate) fn wake(&self) {
        self.0.is_waking.store(true, Ordering::Relaxed);
    }

    /// Bytes a second.
    pub(crate) fn rate(&self) -> Option<u64> {
        Some(self.0.rate.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    /// The shortest round trip: what a few words take and no queue.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        let micros = self.0.rtt.load(Ordering::Relaxed);
        (micros > 0).then(|| Duration::from_micros(micros))
    }
}

/// What a link is thought to carry before it is used, what it may never exceed, and where is told what it was
/// seen to carry.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// Bytes a second and round trip, as remembered.
    pub(crate) before: Option<(u64, Duration)>,
    /// Bytes a second that a person has set.
    pub(crate) rate_max: Option<u64>,
    pub(crate) measured: Measured,
}

impl ControllerFactory for Expected {
    fn build(self: Arc<Self>, now: Instant, mtu: u16) -> Box<dyn Controller> {
        Box::new(Carrying::new((*self).clone(), now, mtu))
    }
}

/// What a link carries, as far as it has been seen.
#[derive(Debug, Clone)]
struct Carrying {
    expected: Expected,
    packet: u64,
    phase: Phase,
    window: u64,
    /// Bytes acknowledged since the beginning.
    delivered: u64,
    answer: Answer,
    round: Round,
    /// Rates of the last rounds, newest last; bytes a second.
    rates: [u64; ROUNDS],
    /// Whether the link was ever seen full: what little talk took says nothing of what it carries.
    is_known: bool,
    shortest: Shortest,
    /// The quickest answer to a full packet, by which a growing queue shows before a round has ended.
    quickest: Duration,
    /// The latest answer to a full packet, and to any.
    latest_full: Option<Duration>,
    latest: Duration,
    last_ack: Instant,
    /// Bytes on the way at most, when the way was last found open or something was last acknowledged.
    in_flight: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Twice as much each round, until it brings nothing more.
    Growing { without_gain: u32 },
    /// What was seen, and a quarter more.
    Carrying,
    /// Less for one round, so that the queue runs empty and the round trip shows.
    Emptying,
}

/// From the first acknowledgement of a round to that of the next.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// What is sent from then on belongs to the next.
    sent_before: Instant,
    first_ack: Option<Instant>,
    /// When what that one stands for was sent, and the bytes of all that came with it.
    first_sent: Instant,
    first_bytes: u64,
    /// Of its full packets, how long the answer to each took, together.
    waited: Duration,
    acks: u32,
    delivered: u64,
    is_app_limited: bool,
}

/// What came in one packet: it acknowledges several.
#[derive(Debug, Clone, Copy)]
struct Answer {
    at: Instant,
    /// When the last of what it acknowledges was sent.
    last_sent: Instant,
    /// Bytes acknowledged before it.
    before: u64,
    /// When the one before it came, and the last of what that acknowledged was sent.
    previous: (Instant, Instant),
}

impl Round {
    /// What it shows from its first answer to the last whole one. What came with the first took no time of its own.
    fn seen(&self, answer: &Answer) -> Option<u64> {
        let (at, sent) = answer.previous;
        let bytes = answer
            .before
            .checked_sub(self.delivered + self.first_bytes)?;
        (at > self.first_ack?).then(|| self.rate(bytes, at, sent))
    }

    /// Acknowledgements that a busy machine has let wait come all at once, and show no more than how fast what they
    /// acknowledge was sent.
    fn rate(&self, bytes: u64, now: Instant, sent: Instant) -> u64 {
        let came = now.saturating_duration_since(self.first_ack.unwrap_or(now));
        let went = sent.saturating_duration_since(self.first_sent);
        rate_of(bytes, came.max(went))
    }
}

/// The shortest mean of a round: on a fast link single answers come sooner than the ones that a receiver puts
/// off, and what is on its way must last until those. Only full packets count where there are any: at 64 kbit/s such a
/// packet takes 0.15 s more than a few words, which is no queue.
#[derive(Debug, Clone, Copy)]
struct Shortest {
    before: Option<Duration>,
    now: Option<Duration>,
    since: Instant,
}

impl Shortest {
    fn get(self) -> Option<Duration> {
        self.before.into_iter().chain(self.now).min()
    }
}

impl Carrying {
    fn new(expected: Expected, now: Instant, mtu: u16) -> Self {
        let mut carrying = Self {
            expected,
            packet: u64::from(mtu),
            phase: Phase::Growing { without_gain: 0 },
            window: 0,
            delivered: 0,
            answer: Answer {
                at: now,
                last_sent: now,
                before: 0,
                previous: (now, now),
            },
            round: Round {
                sent_before: now,
                first_ack: None,
                first_sent: now,
                first_bytes: 0,
                waited: Duration::ZERO,
                acks: 0,
                delivered: 0,
                is_app_limited: false,
            },
            rates: [0; ROUNDS],
            is_known: false,
            shortest: Shortest {
                before: None,
                now: None,
                since: now,
            },
            quickest: Duration::MAX,
            latest_full: None,
            latest: Duration::ZERO,
            last_ack: now,
            in_flight: 0,
        };
        carrying.window = carrying.initial();
        carrying
    }

    /// What is remembered, else what every sender begins with (RFC 9002, section 7.2).
    fn initial(&self) -> u64 {
        let most = self.packet * INITIAL_WINDOW_PACKETS;
        match self.expected.before {
            Some((rate, rtt)) => (product(rate, rtt) * 5 / 4).clamp(self.least(), most),
            None => most,
        }
    }

    fn least(&self) -> u64 {
        self.packet * MINIMUM_WINDOW_PACKETS
    }

    fn is_waking(&self) -> bool {
        self.expected.measured.0.is_waking.load(Ordering::Relaxed)
    }

    fn rate(&self) -> u64 {
        self.rates.iter().copied().max().unwrap_or_default()
    }

    fn end_round(&mut self, now: Instant, sent: Instant) {
        if self.round.first_ack.is_none() {
            return;
        }
        if let Some(mean) = self.round.waited.checked_div(self.round.acks) {
            let best = self.shortest.now.map_or(mean, |best| best.min(mean));
            self.shortest.now = Some(best);
        }
        let bytes = self.delivered - self.round.delivered;
        let seen = self.round.seen(&self.answer);
        let rate = seen.unwrap_or_else(|| self.round.rate(bytes, now, sent));
        let best = self.rate();
        if !self.round.is_app_limited || rate > best {
            self.rates.rotate_left(1);
            if let Some(last) = self.rates.last_mut() {
                *last = rate;
            }
            self.is_known |= !self.round.is_app_limited;
            self.phase = match self.phase {
                Phase::Growing { .. } if rate > best + best / 4 => {
                    Phase::Growing { without_gain: 0 }
                }
                Phase::Growing { without_gain: 0 } => Phase::Growing { without_gain: 1 },
                Phase::Growing { .. } => Phase::Carrying,
                Phase::Emptying => Phase::Carrying,
                Phase::Carrying => Phase::Carrying,
            };
        }
        if now.saturating_duration_since(self.shortest.since) >= SHORTEST_FOR {
            self.shortest = Shortest {
                before: self.shortest.now,
                now: None,
                since: now,
            };
            self.quickest = self.latest_full.unwrap_or(Duration::MAX);
            if self.phase == Phase::Carrying {
                self.phase = Phase::Emptying;
            }
        }
    }

    /// Answers take so much longer than the quickest that a queue must have grown.
    fn is_queueing(&self) -> bool {
        let jitter = Duration::from_millis(20);
        let latest = self.latest_full.unwrap_or_default();
        latest.saturating_sub(jitter) > self.quickest.saturating_mul(9) / 8
    }

    fn set_window(&mut self, acked: u64) {
        if self.phase == Phase::Carrying && self.is_known {
            let marks = &self.expected.measured.0;
            marks.rate.store(self.rate(), Ordering::Relaxed);
        }
        let shortest = self.shortest.get().unwrap_or(self.latest);
        let carried = |time| product(self.rate(), time);
        let window = match self.phase {
            Phase::Growing { .. } => self.window + acked,
            Phase::Carrying => carried(shortest.max(ANSWERED_WITHIN)) * 5 / 4,
            Phase::Emptying => carried(shortest) * 3 / 4,
        };
        let most = self
            .expected
            .rate_max
            .map_or(u64::MAX, |rate| product(rate, shortest));
        self.window = window.max(self.least()).min(most.max(2 * self.packet));
    }
}

impl Carrying {
    fn acknowledged(&mut self, now: Instant, sent: Instant, bytes: u64, is_app_limited: bool) {
        if now.saturating_duration_since(self.last_ack) > FORGET_AFTER {
            // The rates stay for a first guess; the window is felt out from the least that is safe.
            self.phase = Phase::Growing { without_gain: 0 };
            self.window = self.window.min(self.packet * INITIAL_WINDOW_PACKETS);
            self.shortest = Shortest {
                before: None,
                now: None,
                since: now,
            };
            self.quickest = Duration::MAX;
            self.round.first_ack = None;
        }
        self.last_ack = now;
        self.latest = now.saturating_duration_since(sent);
        if self.answer.at != now {
            self.answer.previous = (self.answer.at, self.answer.last_sent);
            (self.answer.at, self.answer.before) = (now, self.delivered);
        }
        self.answer.last_sent = sent;
        let is_full = bytes >= self.packet / 2;
        if is_full {
            self.latest_full = Some(self.latest);
            self.quickest = self.quickest.min(self.latest);
        }
        if sent >= self.round.sent_before || self.round.first_ack.is_none() {
            self.end_round(now, sent);
            self.round = Round {
                sent_before: now,
                first_ack: Some(now),
                first_sent: sent,
                first_bytes: 0,
                waited: Duration::ZERO,
                acks: 0,
                delivered: self.delivered,
                is_app_limited: false,
            };
        }
        if is_full {
            self.round.waited += self.latest;
            self.round.acks += 1;
        }
        self.delivered += bytes;
        if self.round.first_ack == Some(now) {
            self.round.first_bytes += bytes;
        }
        self.round.is_app_limited |= is_app_limited;
        if matches!(self.phase, Phase::Growing { .. }) && self.is_queueing() {
            // Before the round has ended.
            let seen = self.round.seen(&self.answer).unwrap_or_default();
            if seen > self.rate()
                && let Some(last) = self.rates.last_mut()
            {
                *last = seen;
                self.is_known = true;
            }
            if self.rate() > 0 {
                self.phase = Phase::Carrying;
            }
        }
        self.set_window(bytes);
    }
}

impl Controller for Carrying {
    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        is_app_limited: bool,
        rtt: &RttEstimator,
    ) {
        let micros = u64::try_from(rtt.min().as_micros()).unwrap_or(u64::MAX);
        let marks = &self.expected.measured.0;
        marks.rtt.store(micros, Ordering::Relaxed);
        marks.is_waking.store(false, Ordering::Relaxed);
        self.acknowledged(now, sent, bytes, is_app_limited);
    }

    fn on_end_acks(&mut self, _: Instant, in_flight: u64, _: bool, _: Option<u64>) {
        self.in_flight = in_flight;
    }

    /// Timers send through an outage beyond the window, so that what counts as on the way may be far more.
    fn on_sent(&mut self, _: Instant, bytes: u64, _: u64) {
        if !self.is_waking() {
            self.in_flight = self.in_flight.saturating_add(bytes);
        }
    }

    /// A loss alone changes nothing: what it says of the rate shows in what is acknowledged.
    fn on_congestion_event(&mut self, _: Instant, _: Instant, _: bool, _: u64) {}

    fn on_mtu_update(&mut self, mtu: u16) {
        self.packet = u64::from(mtu);
    }

    fn window(&self) -> u64 {
        if self.is_waking() {
            return self.window.max(self.in_flight) + WAKING_PACKETS * self.packet;
        }
        self.window
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.initial()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// Bytes that a rate carries in a time.
fn product(rate: u64, time: Duration) -> u64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    rate.saturating_mul(micros) / 1_000_000
}

pub(crate) fn rate_of(bytes: u64, time: Duration) -> u64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    bytes
        .saturating_mul(1_000_000)
        .checked_div(micros)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
