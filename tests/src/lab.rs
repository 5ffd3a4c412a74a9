//! The link laboratory: links as bad as those of the mountains, on this machine.
//!
//! A [`Profile`] says what a link is like and lies as a file in `tests/profiles`. A [`Shaper`] decides
//! from it, without a clock or a socket, what becomes of each packet of one direction; the relays
//! carry real UDP and TCP by its verdicts between real nodes, and count. One seed gives one fate.
//! What travels there is in [`documents`], and what it weighs in [`weights`].

pub mod bulk;
pub mod dice;
pub mod documents;
pub mod ends;
mod profile;
mod shaper;
mod tcp;
mod udp;
pub mod weights;

use std::fmt;
use std::time::{Duration, Instant};

pub use profile::{Burst, Profile, Shape};
pub use shaper::{Fate, Shaper};
pub use tcp::TcpRelay;
pub use udp::UdpRelay;

/// What went through a relay since the last [`Traffic`] was begun.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// From the caller to the called.
    pub up: Count,
    /// Back.
    pub down: Count,
    /// When the caller sent the first packet.
    pub begun: Option<Instant>,
}

/// One direction in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Bytes of UDP or TCP payload that were sent, whatever became of them.
    pub bytes: u64,
    /// Packets they came in; of TCP, pieces of at most a segment.
    pub packets: u64,
    /// Packets among them that did not arrive.
    pub lost: u64,
}

impl Traffic {
    /// Bytes both ways.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.up.bytes + self.down.bytes
    }

    /// How long after the caller's first packet an instant lies.
    #[must_use]
    pub fn since_begun(&self, at: Instant) -> Duration {
        self.begun
            .map_or(Duration::ZERO, |begun| at.saturating_duration_since(begun))
    }
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the caller.
    Up,
    /// To the caller.
    Down,
}

/// One packet as a relay saw it, for a trace that shows where the time went: milliseconds at which it was
/// sent and arrived, direction, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// When it was sent, since the relay began.
    pub at: Duration,
    /// Which way.
    pub way: Way,
    /// Bytes of payload.
    pub bytes: usize,
    /// What became of it.
    pub fate: Fate,
}

impl fmt::Display for Passed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let arrow = match self.way {
            Way::Up => "-->    ",
            Way::Down => "   <--",
        };
        write!(
            out,
            "{:>8} {arrow:<7} {:>5}  ",
            self.at.as_millis(),
            self.bytes
        )?;
        match self.fate {
            Fate::Arrives(at) => write!(out, "{}", at.as_millis()),
            Fate::Overrun => out.write_str("overrun"),
            Fate::Lost => out.write_str("lost"),
            Fate::Cut => out.write_str("cut"),
        }
    }
}

#[cfg(test)]
mod tests;
