//! What a link over TCP carries: how fast the peer is seen to read what was written.
//!
//! The system knows, and tells nobody without unsafe code. So now and then a knock goes behind what was written, and
//! its answer says that all before it has been read.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::congestion::{ROUNDS, rate_of};
use crate::limits::{MEASURED_BYTES, MEASURED_PAUSE, MEASURED_REST};

/// The measuring of one link.
#[derive(Debug, Default)]
pub(crate) struct Delivered(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    written: Option<Mark>,
    /// The last knock.
    knocked: Option<Mark>,
    is_awaited: bool,
    stretch: Option<Stretch>,
    /// Of the last rounds, newest last; bytes a second.
    rates: [u64; ROUNDS],
    rtt: Option<Duration>,
}

/// How many bytes were written before an instant.
#[derive(Debug, Clone, Copy)]
struct Mark {
    bytes: u64,
    at: Instant,
}

/// What is measured at once.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: Mark,
    /// When what it begins with was known to have come.
    came: Instant,
    /// Whether anything was on its way when it began. With nothing the first round trip counts as well, and the link
    /// may carry more than is seen.
    is_full: bool,
}

impl Delivered {
    /// Something was written from `begun` on, so that it is so many bytes in all. Whether to knock now.
    pub(crate) fn wrote(&self, begun: Instant, bytes: u64, now: Instant) -> bool {
        let mut book = self.lock();
        let last = book.written.replace(Mark { bytes, at: now });
        let pause = last.map_or(Duration::MAX, |last| {
            begun.saturating_duration_since(last.at)
        });
        if book.stretch.is_none() || !book.is_awaited && pause > MEASURED_PAUSE {
            let from = Mark {
                bytes: last.map_or(0, |last| last.bytes),
                at: begun,
            };
            book.stretch = Some(Stretch {
                from,
                came: begun,
                is_full: false,
            });
        }
        let since = |mark: Mark| now.saturating_duration_since(mark.at);
        let has_rested = book
            .knocked
            .is_none_or(|knocked| since(knocked) >= MEASURED_REST);
        let from = book.stretch.map_or(bytes, |stretch| stretch.from.bytes);
        has_rested && bytes.saturating_sub(from) >= MEASURED_BYTES && book.knock(now)
    }

    /// Whether to knock where a word is wanted: not when one is awaited already.
    pub(crate) fn knock(&self, now: Instant) -> bool {
        self.lock().knock(now)
    }

    /// The answer to the last knock has come. Whether to ask for what was written since, which nothing may follow.
    pub(crate) fn answered(&self, now: Instant) -> bool {
        let mut book = self.lock();
        let (Some(knocked), Some(written)) = (book.knocked, book.written) else {
            return false;
        };
        if !std::mem::take(&mut book.is_awaited) {
            return false;
        }
        let rtt = now.saturating_duration_since(knocked.at);
        book.rtt = Some(book.rtt.map_or(rtt, |least| least.min(rtt)));
        let left = written.bytes.saturating_sub(knocked.bytes);
        let next = (left > 0).then_some(Stretch {
            from: knocked,
            came: now,
            is_full: true,
        });
        if let Some(stretch) = std::mem::replace(&mut book.stretch, next) {
            let rate = stretch.rate(knocked, now);
            if stretch.is_full && left > 0 || rate > book.rate() {
                book.rates.rotate_left(1);
                if let Some(last) = book.rates.last_mut() {
                    *last = rate;
                }
            }
        }
        left >= MEASURED_BYTES
    }

    /// Bytes a second, once enough has gone to tell.
    pub(crate) fn rate(&self) -> Option<u64> {
        Some(self.lock().rate()).filter(|rate| *rate > 0)
    }

    /// The shortest time in which a knock was answered.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.lock().rtt
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stretch {
    /// No faster than it was written: an answer that was held up on its way back makes what follows look quick.
    fn rate(self, to: Mark, came: Instant) -> u64 {
        let writing = to.at.saturating_duration_since(self.from.at);
        let coming = came.saturating_duration_since(self.came);
        rate_of(
            to.bytes.saturating_sub(self.from.bytes),
            writing.max(coming),
        )
    }
}

impl Book {
    fn rate(&self) -> u64 {
        self.rates.iter().copied().max().unwrap_or_default()
    }

    fn knock(&mut self, now: Instant) -> bool {
        if self.is_awaited {
            return false;
        }
        let bytes = self.written.map_or(0, |written| written.bytes);
        self.knocked = Some(Mark { bytes, at: now });
        self.is_awaited = true;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A link of so many bytes a second and so long a round trip, of which the socket takes all at once.
    struct Way {
        rate: u64,
        rtt: Duration,
        now: Instant,
        written: u64,
        /// When the last byte written will have come.
        through: Instant,
        answers: Option<Instant>,
        knocks: u32,
        delivered: Delivered,
    }

    impl Way {
        fn new(rate: u64, ms: u64) -> Self {
            let now = Instant::now();
            Self {
                rate,
                rtt: Duration::from_millis(ms),
                now,
                written: 0,
                through: now,
                answers: None,
                knocks: 0,
                delivered: Delivered::default(),
            }
        }

        fn write(&mut self, bytes: u64) {
            self.written += bytes;
            let takes = Duration::from_micros(bytes * 1_000_000 / self.rate);
            self.through = self.through.max(self.now) + takes;
            if self.delivered.wrote(self.now, self.written, self.now) {
                self.knock();
            }
        }

        fn knock(&mut self) {
            self.knocks += 1;
            self.answers = Some(self.through.max(self.now) + self.rtt);
        }

        fn pass(&mut self, ms: u64) {
            let until = self.now + Duration::from_millis(ms);
            while let Some(at) = self.answers.filter(|at| *at <= until) {
                (self.answers, self.now) = (None, at);
                if self.delivered.answered(at) && self.delivered.knock(at) {
                    self.knock();
                }
            }
            self.now = until;
        }
    }

    #[test]
    fn a_link_that_is_kept_full_shows_its_rate() {
        for (rate, ms) in [(1_200, 1_200), (8_000, 600), (48_000, 600), (125_000, 80)] {
            let mut way = Way::new(rate, ms);
            for _ in 0..400 {
                // Somewhat more than it carries, as far as the socket has room.
                let on_its_way = way.through.saturating_duration_since(way.now);
                if on_its_way < Duration::from_millis(2 * ms) {
                    way.write(1_024.max(rate / 5));
                }
                way.pass(100);
            }
            let seen = way.delivered.rate().unwrap();
            assert!(seen.abs_diff(rate) <= rate / 50, "{seen} of {rate}");
            assert!(way.delivered.rtt().unwrap() >= way.rtt);
            assert!(way.knocks <= 400 * 100 / 200, "{}", way.knocks);
        }
    }

    #[test]
    fn a_link_that_has_become_slower_shows_it_and_one_that_rests_does_not() {
        let mut way = Way::new(48_000, 100);
        let mut seen = |rate, write, pause| {
            way.rate = rate;
            for _ in 0..400 {
                way.write(write);
                way.pass(pause);
            }
            way.pass(60_000);
            way.delivered.rate().unwrap()
        };
        let fast = seen(48_000, 4_800, 100);
        assert!(fast.abs_diff(48_000) < 1_000, "{fast}");
        // A few words each second, and 5 KB each minute: what they take says nothing of the link.
        assert_eq!(seen(48_000, 300, 1_500), fast);
        assert_eq!(seen(48_000, 5_000, 60_000), fast);
        let slow = seen(8_000, 1_000, 100);
        assert!(slow.abs_diff(8_000) < 500, "{slow}");
    }

    #[test]
    fn an_answer_that_was_held_up_makes_no_link_fast() {
        let mut way = Way::new(100_000, 20);
        for _ in 0..49 {
            way.write(4_096);
        }
        // Behind two seconds of the peer's own bytes; by then all has come.
        way.answers = Some(way.now + Duration::from_secs(2));
        way.pass(10_000);
        let seen = way.delivered.rate().unwrap();
        assert!((90_000..=100_000).contains(&seen), "{seen}");
    }

    #[test]
    fn a_knock_is_answered_once() {
        let (delivered, now) = (Delivered::default(), Instant::now());
        let at = |ms| now + Duration::from_millis(ms);
        assert!(!delivered.answered(now));
        assert!(!delivered.wrote(now, MEASURED_BYTES - 1, now));
        assert_eq!((delivered.rate(), delivered.rtt()), (None, None));
        assert!(delivered.knock(at(1)) && !delivered.knock(at(2)));
        delivered.answered(at(101));
        assert_eq!(delivered.rtt(), Some(Duration::from_millis(100)));
        let rate = delivered.rate();
        delivered.answered(at(102));
        assert_eq!(
            (delivered.rate(), delivered.rtt()),
            (rate, Some(Duration::from_millis(100)))
        );
        assert!(delivered.knock(at(200)));
    }
}
