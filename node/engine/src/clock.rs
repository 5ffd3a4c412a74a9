//! The calendar day of an instant, as an office in Viet Nam counts it.

use hopluu_model::{Date, Timestamp};
use hopluu_sync::WEEK_MINUTES;

/// UTC+7, the country's only time zone, without daylight saving since 1975.
const OFFSET_MS: i64 = 7 * 3_600_000;

/// No copy of this program is older (1 January 2026): a clock before it is wrong.
pub(crate) const FIRST_RELEASE: Timestamp = Timestamp(1_767_225_600_000);

/// The day in Viet Nam at this instant; the first of all days for a clock out of range.
#[must_use]
pub fn day(at: Timestamp) -> Date {
    jiff::Timestamp::from_millisecond(at.0.saturating_add(OFFSET_MS)).map_or(Date::MIN, |instant| {
        instant.to_zoned(jiff::tz::TimeZone::UTC).date()
    })
}

const DAY_MS: i64 = 24 * 3_600_000;

/// The number of the day in Viet Nam at this instant, from 1970.
pub(crate) fn day_number(at: Timestamp) -> i64 {
    at.0.saturating_add(OFFSET_MS).div_euclid(DAY_MS)
}

/// The day of a number.
pub(crate) fn day_of(number: i64) -> Date {
    day(Timestamp(number.saturating_mul(DAY_MS)))
}

/// The first instant of a day in Viet Nam.
pub(crate) fn begin_of(day: Date) -> Timestamp {
    let instant = day.to_zoned(jiff::tz::TimeZone::UTC);
    instant.map_or(Timestamp(i64::MAX), |instant| {
        Timestamp(instant.timestamp().as_millisecond() - OFFSET_MS)
    })
}

/// The minute of the week in Viet Nam, from Monday, 00:00.
pub(crate) fn minute_of_week(at: Timestamp) -> u32 {
    // The first of January 1970 was a Thursday.
    let minutes = at.0.saturating_add(OFFSET_MS).div_euclid(60_000) + 3 * 24 * 60;
    let minute = minutes.rem_euclid(i64::from(WEEK_MINUTES));
    u32::try_from(minute).unwrap_or_default()
}

/// Milliseconds since the minute began.
pub(crate) fn ms_of_minute(at: Timestamp) -> u64 {
    at.0.rem_euclid(60_000).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday() {
        // Sunday, 22 November 2026, 16:59:30 UTC, is nearly Monday in Viet Nam.
        let sunday = Timestamp(1_795_366_770_000);
        assert_eq!(minute_of_week(sunday), WEEK_MINUTES - 1);
        assert_eq!(ms_of_minute(sunday), 30_000);
        assert_eq!(minute_of_week(Timestamp(sunday.0 + 30_000)), 0);
    }

    #[test]
    fn a_day_begins_seven_hours_before_utc() {
        assert_eq!(day(Timestamp(0)).to_string(), "1970-01-01");
        assert_eq!(day(Timestamp(17 * 3_600_000)).to_string(), "1970-01-02");
        for hour in [0, 16, 17, 500_000] {
            let at = Timestamp(hour * 3_600_000);
            assert_eq!(day_of(day_number(at)), day(at));
        }
        assert_eq!(
            day(begin_of("2026-11-23".parse().unwrap())).to_string(),
            "2026-11-23"
        );
    }
}
