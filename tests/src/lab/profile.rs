//! What a link is like, as a file says it.

use std::time::Duration;

use anyhow::Context as _;
use serde::Deserialize;

use crate::repository;

/// A link between two nodes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name, that of its file.
    pub name: String,
    /// Both directions, where they are alike.
    #[serde(default)]
    pub both: Shape,
    /// From the caller, where it differs.
    #[serde(default)]
    pub up: Option<Shape>,
    /// To the caller, where it differs.
    #[serde(default)]
    pub down: Option<Shape>,
    /// Seconds that the link is up before it goes down; always where this is missing.
    #[serde(default)]
    pub up_s: Option<u64>,
    /// Seconds that it then stays down.
    #[serde(default)]
    pub down_s: u64,
    /// Whether nothing but TCP passes.
    #[serde(default)]
    pub is_udp_blocked: bool,
}

/// One direction of a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shape {
    /// Bits of payload a second; as fast as they come where this is missing.
    pub rate: Option<u64>,
    /// How long a packet travels once it has left the queue.
    pub delay_ms: u64,
    /// How much longer it may travel, evenly spread; packets do not overtake each other by it.
    pub jitter_ms: u64,
    /// Packets lost out of a thousand, each by itself.
    pub loss_per_mille: u32,
    /// Losses that come together.
    pub burst: Option<Burst>,
    /// Packets out of a thousand that fall behind those after them.
    pub reorder_per_mille: u32,
    /// By how much.
    pub reorder_ms: u64,
    /// What may wait before the slowest stretch; what finds it full is lost. Without bound if missing.
    pub queue_bytes: Option<u64>,
}

/// A link that is good or bad for a while: the model of Gilbert and Elliott.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// Packets out of a thousand with which a good link turns bad.
    pub enter_per_mille: u32,
    /// Packets out of a thousand with which a bad link turns good.
    pub leave_per_mille: u32,
    /// Packets out of a thousand that a bad link loses.
    pub loss_per_mille: u32,
}

impl Profile {
    /// Reads `tests/profiles/NAME.toml`.
    ///
    /// # Errors
    /// When there is none, or a field of it is unknown.
    pub fn named(name: &str) -> anyhow::Result<Self> {
        let path = repository()
            .join("tests/profiles")
            .join(name)
            .with_extension("toml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("understand {}", path.display()))
    }

    /// From the caller.
    #[must_use]
    pub fn up(&self) -> Shape {
        self.up.unwrap_or(self.both)
    }

    /// To the caller.
    #[must_use]
    pub fn down(&self) -> Shape {
        self.down.unwrap_or(self.both)
    }

    /// How long a small packet takes there and back when nothing is in its way.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        Duration::from_millis(self.up().delay_ms + self.down().delay_ms)
    }

    /// The least time for so many half round trips and bytes, one after the other.
    #[must_use]
    pub fn limit(&self, half_round_trips: u32, bytes: u64) -> Duration {
        let rate = self.up().rate.unwrap_or(u64::MAX);
        let sending = Duration::from_micros(bytes * 8_000_000 / rate.max(1));
        self.round_trip() * half_round_trips / 2 + sending
    }

    /// Whether the schedule has the link down, so long after it began.
    pub(super) fn is_down(&self, at: Duration) -> bool {
        self.next_up(at) > at
    }

    /// The first instant from then on at which the schedule has the link up.
    pub(super) fn next_up(&self, at: Duration) -> Duration {
        let Some(up) = self.up_s.map(Duration::from_secs) else {
            return at;
        };
        let whole = up + Duration::from_secs(self.down_s);
        let rounds = u32::try_from(at.as_nanos() / whole.as_nanos().max(1)).unwrap_or(u32::MAX);
        let begun = whole * rounds;
        if at - begun < up { at } else { begun + whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_says_when_the_link_is_up() {
        let profile = Profile::named("window-64k").unwrap();
        let s = Duration::from_secs;
        for (at, up) in [(0, 0), (19, 19), (20, 60), (59, 60), (60, 60), (85, 120)] {
            assert_eq!(profile.next_up(s(at)), s(up), "{at}");
        }
    }

    #[test]
    fn every_file_is_a_profile_of_its_own_name() {
        let files = std::fs::read_dir(repository().join("tests/profiles")).unwrap();
        let mut names: Vec<String> = files
            .map(|file| {
                file.unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        names.sort();
        assert_eq!(names.len(), 8);
        for name in names {
            assert_eq!(Profile::named(&name).unwrap().name, name);
        }
        assert!(Profile::named("no-such-link").is_err());
    }
}
