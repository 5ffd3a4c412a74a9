//! The calendar day of an instant, as an office in Viet Nam counts it.

use hopluu_model::{Date, Timestamp};

/// UTC+7, the country's only time zone, without daylight saving since 1975.
const OFFSET_MS: i64 = 7 * 3_600_000;

/// The day in Viet Nam at this instant; the first of all days for a clock out of range.
#[must_use]
pub fn day(at: Timestamp) -> Date {
    jiff::Timestamp::from_millisecond(at.0.saturating_add(OFFSET_MS)).map_or(Date::MIN, |instant| {
        instant.to_zoned(jiff::tz::TimeZone::UTC).date()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_seven_hours_before_utc() {
        assert_eq!(day(Timestamp(0)).to_string(), "1970-01-01");
        assert_eq!(day(Timestamp(17 * 3_600_000)).to_string(), "1970-01-02");
    }
}
