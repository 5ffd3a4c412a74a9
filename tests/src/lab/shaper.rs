//! What becomes of each packet of one direction: a queue before a slow stretch, then the way, then chance.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::profile::Shape;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives then, counted as the packet's own time was.
    Arrives(Duration),
    /// It found the queue full.
    Overrun,
    /// It was lost on the way.
    Lost,
    /// The link was down, or lets nothing of its kind through.
    Cut,
}

/// One direction of a link. Time is an argument and chance a seed, so that a fate can be repeated.
#[derive(Debug)]
pub struct Shaper {
    shape: Shape,
    chance: StdRng,
    /// When the slow stretch has sent all that waits.
    free_at: Duration,
    /// When the last packet arrives that kept its place.
    last: Duration,
    is_bad: bool,
}

impl Shaper {
    /// A direction at rest.
    #[must_use]
    pub fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape,
            chance: StdRng::seed_from_u64(seed),
            free_at: Duration::ZERO,
            last: Duration::ZERO,
            is_bad: false,
        }
    }

    /// What becomes of a packet of so many bytes, sent now. Time never runs back.
    pub fn offer(&mut self, now: Duration, bytes: usize) -> Fate {
        // Chance is drawn for every packet alike: what happened to one does not change the next one's.
        let is_lost = self.draws_loss();
        let late = self.draws_lateness();
        let waiting = self.free_at.saturating_sub(now);
        if let (Some(rate), Some(queue)) = (self.shape.rate, self.shape.queue_bytes)
            && bytes_in(waiting, rate) + length(bytes) > queue
        {
            return Fate::Overrun;
        }
        self.free_at = now + waiting + self.serialization(bytes);
        if is_lost {
            return Fate::Lost;
        }
        let arrival = self.free_at + Duration::from_millis(self.shape.delay_ms) + late.jitter;
        if late.falls_behind {
            return Fate::Arrives(arrival + Duration::from_millis(self.shape.reorder_ms));
        }
        self.last = self.last.max(arrival);
        Fate::Arrives(self.last)
    }

    /// How long the slow stretch needs for so many bytes.
    #[must_use]
    pub fn serialization(&self, bytes: usize) -> Duration {
        self.shape.rate.map_or(Duration::ZERO, |rate| {
            Duration::from_micros(length(bytes) * 8_000_000 / rate.max(1))
        })
    }

    fn draws_loss(&mut self) -> bool {
        let is_lost_alone = self.draws(self.shape.loss_per_mille);
        let Some(burst) = self.shape.burst else {
            return is_lost_alone;
        };
        let turns = if self.is_bad {
            burst.leave_per_mille
        } else {
            burst.enter_per_mille
        };
        self.is_bad ^= self.draws(turns);
        is_lost_alone | (self.draws(burst.loss_per_mille) & self.is_bad)
    }

    fn draws_lateness(&mut self) -> Lateness {
        let jitter = self.chance.random_range(0..=self.shape.jitter_ms * 1_000);
        Lateness {
            jitter: Duration::from_micros(jitter),
            falls_behind: self.draws(self.shape.reorder_per_mille),
        }
    }

    fn draws(&mut self, per_mille: u32) -> bool {
        self.chance.random_range(0..1_000) < per_mille
    }
}

struct Lateness {
    jitter: Duration,
    falls_behind: bool,
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// How many bytes a stretch of this rate sends in a time.
fn bytes_in(time: Duration, rate: u64) -> u64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    micros.saturating_mul(rate) / 8_000_000
}

#[cfg(test)]
mod tests {
    use super::super::profile::Burst;
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn slow() -> Shape {
        Shape {
            rate: Some(64_000),
            delay_ms: 300,
            queue_bytes: Some(3_000),
            ..Shape::default()
        }
    }

    #[test]
    fn packets_wait_for_the_slow_stretch_and_a_full_queue_loses_them() {
        let mut shaper = Shaper::new(slow(), 1);
        assert_eq!(shaper.offer(MS(0), 800), Fate::Arrives(MS(400)));
        assert_eq!(shaper.offer(MS(0), 800), Fate::Arrives(MS(500)));
        assert_eq!(shaper.offer(MS(50), 800), Fate::Arrives(MS(600)));
        assert_eq!(shaper.offer(MS(50), 2_000), Fate::Overrun);
        assert_eq!(shaper.offer(MS(2_000), 800), Fate::Arrives(MS(2_400)));
    }

    #[test]
    fn one_seed_gives_one_fate() {
        let shape = Shape {
            loss_per_mille: 100,
            jitter_ms: 20,
            reorder_per_mille: 50,
            reorder_ms: 40,
            ..slow()
        };
        let fates = |seed| {
            let mut shaper = Shaper::new(shape, seed);
            let fates: Vec<Fate> = (0..300).map(|n| shaper.offer(MS(n * 200), 500)).collect();
            fates
        };
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn losses_are_as_many_as_the_shape_says_and_bursts_come_together() {
        let alone = Shape {
            loss_per_mille: 50,
            ..Shape::default()
        };
        let bursts = Shape {
            burst: Some(Burst {
                enter_per_mille: 4,
                leave_per_mille: 100,
                loss_per_mille: 500,
            }),
            ..Shape::default()
        };
        // Losses, and how often one comes right after another.
        let seen = |shape| {
            let mut shaper = Shaper::new(shape, 3);
            let lost: Vec<bool> = (0..20_000)
                .map(|n| shaper.offer(MS(n), 100) == Fate::Lost)
                .collect();
            let pairs = lost.windows(2).filter(|pair| pair == &[true, true]).count();
            (lost.iter().filter(|lost| **lost).count(), pairs)
        };
        let (lost, pairs) = seen(alone);
        assert!((900..1_100).contains(&lost), "{lost}");
        assert!(pairs < lost / 10, "{pairs} of {lost}");
        let (lost, pairs) = seen(bursts);
        assert!((250..550).contains(&lost), "{lost}");
        assert!(pairs > lost / 3, "{pairs} of {lost}");
    }

    #[test]
    fn jitter_keeps_the_order_and_reordering_does_not() {
        let arrivals = |shape| {
            let mut shaper = Shaper::new(shape, 5);
            let fates = (0..500).map(|n| shaper.offer(MS(n), 100));
            let arrivals: Vec<Duration> = fates
                .filter_map(|fate| match fate {
                    Fate::Arrives(at) => Some(at),
                    _ => None,
                })
                .collect();
            arrivals
        };
        let jitter = Shape {
            jitter_ms: 30,
            ..Shape::default()
        };
        assert!(arrivals(jitter).is_sorted());
        let reorder = Shape {
            reorder_per_mille: 50,
            reorder_ms: 30,
            ..Shape::default()
        };
        assert!(!arrivals(reorder).is_sorted());
    }
}
