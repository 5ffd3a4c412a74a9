//! Period labels: a closed grammar, part of a document's identity. What days a period covers is
//! form data (the data window), never read off the label.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A label outside the grammar.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{text}` is not a period: write 2026, 2026-H1, 2026-Q3, 2026-M07, 2016-2020 or x20261018-name"
)]
pub struct PeriodError {
    /// What was given.
    pub text: String,
}

/// First and last year a label may name: wide enough for archives, narrow enough to catch typing.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// Longest name of an ad hoc request.
const ADHOC_NAME_BYTES_MAX: usize = 24;

/// A reporting period's label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// `2026`
    Year(i16),
    /// `2026-H1`
    Half(i16, u8),
    /// `2026-Q3`
    Quarter(i16, u8),
    /// `2026-M07`
    Month(i16, u8),
    /// `2016-2020`, first and last year
    Years(i16, i16),
    /// `x20261018-name`: a request of a day, by its id. The day is in the id, so every node reads
    /// the same tree for it.
    AdHoc(Date, String),
}

/// The shape of a period, by which a form's calendar is keyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeriodKind {
    /// One year.
    Year,
    /// Six months.
    HalfYear,
    /// Three months.
    Quarter,
    /// One month.
    Month,
    /// Several years.
    Years,
    /// Asked for on a day.
    AdHoc,
}

impl PeriodKind {
    /// The word used in forms and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::HalfYear => "half-year",
            Self::Quarter => "quarter",
            Self::Month => "month",
            Self::Years => "years",
            Self::AdHoc => "ad-hoc",
        }
    }
}

impl Period {
    /// The shape of this period.
    #[must_use]
    pub fn kind(&self) -> PeriodKind {
        match self {
            Self::Year(_) => PeriodKind::Year,
            Self::Half(..) => PeriodKind::HalfYear,
            Self::Quarter(..) => PeriodKind::Quarter,
            Self::Month(..) => PeriodKind::Month,
            Self::Years(..) => PeriodKind::Years,
            Self::AdHoc(..) => PeriodKind::AdHoc,
        }
    }

    /// The first and last calendar day that the label names, before any form's data window.
    #[must_use]
    pub fn calendar_days(&self) -> (Date, Date) {
        let months = |year, first, last| {
            (
                first_day(year, first),
                first_day(year, last).last_of_month(),
            )
        };
        match *self {
            Self::Year(year) => months(year, 1, 12),
            Self::Half(year, half) => months(year, half * 6 - 5, half * 6),
            Self::Quarter(year, quarter) => months(year, quarter * 3 - 2, quarter * 3),
            Self::Month(year, month) => months(year, month, month),
            Self::Years(first, last) => (months(first, 1, 1).0, months(last, 12, 12).1),
            Self::AdHoc(day, _) => (day, day),
        }
    }

    /// The periods of `kind` that make up this one, in order; empty if they do not divide it.
    #[must_use]
    pub fn parts(&self, kind: PeriodKind) -> Vec<Self> {
        match (self, kind) {
            (Self::Year(y), PeriodKind::HalfYear) => (1..=2).map(|h| Self::Half(*y, h)).collect(),
            (Self::Year(y), PeriodKind::Quarter) => (1..=4).map(|q| Self::Quarter(*y, q)).collect(),
            (Self::Year(y), PeriodKind::Month) => (1..=12).map(|m| Self::Month(*y, m)).collect(),
            (Self::Years(a, b), PeriodKind::Year) => (*a..=*b).map(Self::Year).collect(),
            (Self::Half(y, h), PeriodKind::Quarter) => {
                (h * 2 - 1..=h * 2).map(|q| Self::Quarter(*y, q)).collect()
            }
            (Self::Half(y, h), PeriodKind::Month) => {
                (h * 6 - 5..=h * 6).map(|m| Self::Month(*y, m)).collect()
            }
            (Self::Quarter(y, q), PeriodKind::Month) => {
                (q * 3 - 2..=q * 3).map(|m| Self::Month(*y, m)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The period of the same kind just before; ad hoc requests have none.
    #[must_use]
    pub fn previous(&self) -> Option<Self> {
        let step = |year: i16, part: u8, parts: u8| {
            if part > 1 {
                (year, part - 1)
            } else {
                (year - 1, parts)
            }
        };
        let period = match *self {
            Self::Year(year) => Self::Year(year - 1),
            Self::Half(year, half) => {
                let (year, half) = step(year, half, 2);
                Self::Half(year, half)
            }
            Self::Quarter(year, quarter) => {
                let (year, quarter) = step(year, quarter, 4);
                Self::Quarter(year, quarter)
            }
            Self::Month(year, month) => {
                let (year, month) = step(year, month, 12);
                Self::Month(year, month)
            }
            Self::Years(first, last) => {
                let length = last - first + 1;
                Self::Years(first - length, last - length)
            }
            Self::AdHoc(..) => return None,
        };
        YEARS
            .contains(&period.calendar_days().0.year())
            .then_some(period)
    }
}

fn first_day(year: i16, month: u8) -> Date {
    let month = i8::try_from(month).expect("a month is at most 12");
    Date::new(year, month, 1).expect("year and month come from a checked label")
}

impl fmt::Display for Period {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(out, "{year}"),
            Self::Half(year, half) => write!(out, "{year}-H{half}"),
            Self::Quarter(year, quarter) => write!(out, "{year}-Q{quarter}"),
            Self::Month(year, month) => write!(out, "{year}-M{month:02}"),
            Self::Years(first, last) => write!(out, "{first}-{last}"),
            Self::AdHoc(day, name) => {
                write!(
                    out,
                    "x{:04}{:02}{:02}-{name}",
                    day.year(),
                    day.month(),
                    day.day()
                )
            }
        }
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let period = read(text).ok_or_else(|| PeriodError {
            text: text.to_owned(),
        })?;
        // One spelling per period: the label is hashed into document ids.
        if period.to_string() == text {
            Ok(period)
        } else {
            Err(PeriodError {
                text: text.to_owned(),
            })
        }
    }
}

fn read(text: &str) -> Option<Period> {
    let year = |text: &str| text.parse().ok().filter(|year| YEARS.contains(year));
    let part = |text: &str, last: u8| text.parse().ok().filter(|part| (1..=last).contains(part));
    if let Some(rest) = text.strip_prefix('x') {
        let (day, name) = rest.split_once('-')?;
        if day.len() != 8 || !day.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (y, rest) = day.split_at(4);
        let (m, d) = rest.split_at(2);
        let date = Date::new(year(y)?, m.parse().ok()?, d.parse().ok()?).ok()?;
        let fits = (1..=ADHOC_NAME_BYTES_MAX).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        return fits.then(|| Period::AdHoc(date, name.to_owned()));
    }
    let Some((first, rest)) = text.split_once('-') else {
        return Some(Period::Year(year(text)?));
    };
    let first = year(first)?;
    if let Some(half) = rest.strip_prefix('H') {
        Some(Period::Half(first, part(half, 2)?))
    } else if let Some(quarter) = rest.strip_prefix('Q') {
        Some(Period::Quarter(first, part(quarter, 4)?))
    } else if let Some(month) = rest.strip_prefix('M') {
        Some(Period::Month(first, part(month, 12)?))
    } else {
        let last = year(rest)?;
        (first < last).then_some(Period::Years(first, last))
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_round_trip_in_one_spelling() {
        for text in [
            "2026",
            "2026-H1",
            "2026-Q4",
            "2026-M07",
            "2016-2020",
            "x20261018-lu-quet",
        ] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "26",
            "2026-H3",
            "2026-M7",
            "2020-2016",
            "2026-h1",
            "x2026-a",
            "x20261332-a",
            "+2026",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn parts_and_previous_follow_the_calendar() {
        let year: Period = "2026".parse().unwrap();
        assert_eq!(
            year.parts(PeriodKind::HalfYear),
            [Period::Half(2026, 1), Period::Half(2026, 2)]
        );
        assert_eq!(
            Period::Half(2026, 1).previous(),
            Some(Period::Half(2025, 2))
        );
        assert_eq!(
            Period::Years(2016, 2020).previous(),
            Some(Period::Years(2011, 2015))
        );
        let (start, end) = Period::Half(2026, 1).calendar_days();
        assert_eq!(
            (start.to_string(), end.to_string()),
            ("2026-01-01".into(), "2026-06-30".into())
        );
    }
}
