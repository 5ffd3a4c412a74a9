//! The network: routes with their windows, and pipes with bytes under way.

use std::collections::VecDeque;

use hopluu_sync::TargetId;

use crate::plan::{Between, Plan, SECOND};

/// Who dials whom, and how good the way is.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) caller: usize,
    pub(crate) listener: usize,
    /// Bits a second from the caller and to it: mostly not the same.
    pub(crate) bits_per_s: [i64; 2],
    pub(crate) delay_ms: i64,
    pub(crate) dark_ms: Between,
    pub(crate) window_ms: Between,
    /// No window begins between these.
    pub(crate) silent: Option<(i64, i64)>,
    pub(crate) is_open: bool,
    /// Dials in a row that led nowhere.
    pub(crate) failures: u32,
    /// A dial that waits for the next window, by the life of its caller: as if the system told of
    /// a network when there is one, so that months without any are not months of dialling.
    pub(crate) waiting: Option<u32>,
    /// Counts its windows, so that what was meant for an older one is passed over.
    pub(crate) window: u64,
}

impl Route {
    pub(crate) fn target(at: usize) -> TargetId {
        TargetId(at as u64)
    }

    /// The same way for a machine that runs over a copy of the caller's disk.
    pub(crate) fn of_copy(&self, caller: usize) -> Self {
        Self {
            caller,
            is_open: false,
            failures: 0,
            waiting: None,
            window: 0,
            ..*self
        }
    }

    /// Nothing fails any more; windows stay windows.
    pub(crate) fn heal(&mut self) {
        self.bits_per_s = [1_000_000; 2];
        self.delay_ms = 20;
        self.silent = None;
        self.is_open = false;
        self.window += 1;
    }
}

/// Bytes under way in one direction.
#[derive(Debug)]
struct Flight {
    /// When the first byte leaves, and the last arrives.
    begin: i64,
    arrive: i64,
    bytes: Vec<u8>,
}

/// One direction of a pipe.
#[derive(Debug)]
pub(crate) struct Lane {
    bits_per_s: i64,
    delay_ms: i64,
    free_at: i64,
    flights: VecDeque<Flight>,
    /// A piece has been handed over, and its last byte has not left.
    pub(crate) is_sending: bool,
}

impl Lane {
    pub(crate) fn new(bits_per_s: i64, delay_ms: i64) -> Self {
        Self {
            bits_per_s,
            delay_ms,
            free_at: 0,
            flights: VecDeque::new(),
            is_sending: false,
        }
    }

    /// Takes bytes on their way; says when the last arrives.
    pub(crate) fn send(&mut self, now: i64, bytes: Vec<u8>) -> i64 {
        let begin = self.free_at.max(now);
        let takes = bytes.len() as i64 * 8 * SECOND / self.bits_per_s;
        self.free_at = begin + takes;
        let arrive = self.free_at + self.delay_ms;
        self.flights.push_back(Flight {
            begin,
            arrive,
            bytes,
        });
        arrive
    }

    /// What arrives now.
    pub(crate) fn arrived(&mut self, now: i64) -> Option<Vec<u8>> {
        let is_there = self
            .flights
            .front()
            .is_some_and(|first| first.arrive <= now);
        let flight = is_there.then(|| self.flights.pop_front()).flatten()?;
        Some(flight.bytes)
    }

    /// The way breaks: what has come of the first bytes so far, mostly a part of a frame.
    pub(crate) fn cut(&mut self, now: i64) -> Option<Vec<u8>> {
        let flights = std::mem::take(&mut self.flights);
        let first = flights.into_iter().next()?;
        let came = (now - self.delay_ms - first.begin) * self.bits_per_s / (8 * SECOND);
        let came = usize::try_from(came).unwrap_or(0).min(first.bytes.len());
        (came > 0).then(|| first.bytes[..came].to_vec())
    }

    pub(crate) fn free_at(&self) -> i64 {
        self.free_at
    }

    pub(crate) fn delay_ms(&self) -> i64 {
        self.delay_ms
    }
}

/// One end of a pipe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) node: usize,
    pub(crate) link: u64,
    pub(crate) is_open: bool,
}

/// A connection: end 0 called, end 1 was called. Lane 0 leads from end 0 to end 1.
#[derive(Debug)]
pub(crate) struct Pipe {
    /// None where somebody plays a session again.
    pub(crate) route: Option<usize>,
    pub(crate) ends: [End; 2],
    pub(crate) lanes: [Lane; 2],
    /// Nothing comes through any more, whether or not the ends know.
    pub(crate) is_cut: bool,
    /// The first of what the caller sent and the listener got, for whoever plays it again.
    pub(crate) tape: Vec<u8>,
}

/// Longer sessions are not worth recording: a replayed first flight is one packet train.
pub(crate) const TAPE_BYTES_MAX: usize = 16 << 10;

pub(crate) fn new_route(plan: &Plan, pair: (usize, usize), rng: &mut rand::rngs::StdRng) -> Route {
    Route {
        caller: pair.0,
        listener: pair.1,
        bits_per_s: [plan.bits_per_s.draw(rng), plan.bits_per_s.draw(rng)],
        delay_ms: plan.delay_ms.draw(rng),
        dark_ms: plan.dark_ms,
        window_ms: plan.window_ms,
        silent: None,
        is_open: false,
        failures: 0,
        waiting: None,
        window: 0,
    }
}
