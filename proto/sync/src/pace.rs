//! How much at once: what a link was seen to carry, in bytes that wait and bytes that are on their way.

use crate::limits::{
    CHUNK_BYTES, CHUNK_BYTES_LEAST, CHUNK_MS, FILE_AHEAD_MS, FILE_BYTES_AHEAD_LEAST,
    IN_FLIGHT_BYTES_LEAST, IN_FLIGHT_BYTES_MAX,
};

/// What is known of a link. Nothing, at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Pace {
    /// Bytes a second.
    pub(crate) rate: Option<u64>,
    pub(crate) round_trip_ms: u64,
    /// Bytes a second that it carries at least, by how soon pushes were acknowledged. A link that is never seen full
    /// has no other measure.
    shown: u64,
}

impl Pace {
    /// The transport says what it has seen.
    pub(crate) fn measured(&mut self, rate: Option<u64>, round_trip_ms: u64) {
        (self.rate, self.round_trip_ms) = (rate, round_trip_ms);
    }

    /// So many bytes were handed to the link, and after so long they were known to be on the other's disk. Less than
    /// a whole push shows nothing against more.
    pub(crate) fn acknowledged(&mut self, bytes: usize, ms: u64) {
        let rate = u64::try_from(bytes).unwrap_or(u64::MAX);
        let rate = rate.saturating_mul(1_000) / ms.max(1);
        if rate > self.shown || bytes >= self.chunk_bytes() {
            self.shown = rate;
        }
    }

    /// Bytes of one push or piece on the link: what a cut may cost, and what something urgent waits for.
    pub(crate) fn chunk_bytes(self) -> usize {
        let carried = product(self.rate.unwrap_or(self.shown), CHUNK_MS);
        carried.clamp(CHUNK_BYTES_LEAST, CHUNK_BYTES)
    }

    /// Bytes of a file at once, so that what is urgent hardly waits for them.
    pub(crate) fn file_bytes(self) -> usize {
        let carried = self.rate.map_or(0, |rate| product(rate, FILE_AHEAD_MS));
        carried.clamp(FILE_BYTES_AHEAD_LEAST, CHUNK_BYTES)
    }

    /// How long after so many bytes of a file the next may follow: three quarters of the link are theirs, so that
    /// no queue grows on it. Where nobody knows the link, its transport holds them back.
    pub(crate) fn file_gap_ms(self, bytes: usize) -> u64 {
        let Some(rate) = self.rate else {
            return 0;
        };
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        bytes.saturating_mul(4_000) / rate.saturating_mul(3).max(1)
    }

    pub(crate) fn known_round_trip_ms(self) -> Option<u64> {
        Some(self.round_trip_ms).filter(|ms| *ms > 0)
    }

    /// Bytes on the link from which on no further push follows. The answer to a push leaves when its last
    /// byte has come, so its round trip is the link's and its own length.
    pub(crate) fn in_flight_bytes(self) -> usize {
        let Some(rate) = self.rate else {
            return IN_FLIGHT_BYTES_MAX;
        };
        let carried = product(rate, self.round_trip_ms.saturating_add(CHUNK_MS));
        let carried = carried.saturating_mul(5) / 4;
        carried.clamp(IN_FLIGHT_BYTES_LEAST, IN_FLIGHT_BYTES_MAX)
    }
}

/// Bytes that a rate carries in a time.
fn product(rate: u64, ms: u64) -> usize {
    usize::try_from(rate.saturating_mul(ms) / 1_000).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(rate: u64, round_trip_ms: u64) -> Pace {
        let mut pace = Pace::default();
        pace.measured(Some(rate), round_trip_ms);
        pace
    }

    fn pace(rate: u64, round_trip_ms: u64) -> (usize, usize) {
        let pace = measured(rate, round_trip_ms);
        (pace.chunk_bytes(), pace.in_flight_bytes())
    }

    #[test]
    fn pushes_grow_on_a_link_that_is_never_seen_full() {
        let mut pace = Pace::default();
        // 64 kbit/s, and 0.2 s there and back.
        pace.acknowledged(4_096, 712);
        assert_eq!(pace.chunk_bytes(), CHUNK_BYTES_LEAST);
        pace.acknowledged(4_096, 150);
        assert_eq!(pace.chunk_bytes(), 10_922);
        // A save by itself says little, a whole push that took its time does.
        pace.acknowledged(200, 150);
        assert_eq!(pace.chunk_bytes(), 10_922);
        pace.acknowledged(10_922, 600);
        assert_eq!(pace.chunk_bytes(), 7_281);
        pace.acknowledged(usize::MAX, 0);
        assert_eq!(pace.chunk_bytes(), CHUNK_BYTES);
        // Whoever has seen it full knows better.
        pace.measured(Some(8_000), 200);
        assert_eq!(pace.chunk_bytes(), CHUNK_BYTES_LEAST);
    }

    #[test]
    fn what_is_on_its_way_follows_the_link() {
        // 9.6 kbit/s: a packed report is not cut, and a second follows while the first is answered.
        assert_eq!(
            pace(1_200, 1_200),
            (CHUNK_BYTES_LEAST, IN_FLIGHT_BYTES_LEAST)
        );
        // 64 kbit/s of a satellite.
        assert_eq!(pace(8_000, 600), (CHUNK_BYTES_LEAST, 10_000));
        assert_eq!(pace(24_000, 100), (9_600, 15_000));
        // A fast link, and figures that no link has.
        assert_eq!(pace(125_000, 80), (CHUNK_BYTES, IN_FLIGHT_BYTES_MAX));
        assert_eq!(pace(u64::MAX, u64::MAX), (CHUNK_BYTES, IN_FLIGHT_BYTES_MAX));
        assert_eq!(pace(0, 0), (CHUNK_BYTES_LEAST, IN_FLIGHT_BYTES_LEAST));
        let file = |rate| {
            let pace = measured(rate, 0);
            (pace.file_bytes(), pace.file_gap_ms(pace.file_bytes()))
        };
        assert_eq!(file(8_000), (FILE_BYTES_AHEAD_LEAST, 66));
        assert_eq!(file(125_000), (1_250, 13));
        assert_eq!(file(u64::MAX).0, CHUNK_BYTES);
        let unknown = Pace::default();
        assert_eq!(unknown.file_gap_ms(400), 0);
        assert_eq!(unknown.chunk_bytes(), CHUNK_BYTES_LEAST);
        assert_eq!(unknown.in_flight_bytes(), IN_FLIGHT_BYTES_MAX);
    }
}
