//! When a link may be used: days and hours of the week, as a person writes them.
//!
//! ```
//! use hopluu_sync::Windows;
//!
//! let windows = Windows::parse(["T2-T6 07:00-07:30", "CN 19:00-19:03"]).unwrap();
//! // Tuesday, 07:10; minutes count from Monday, 00:00.
//! let state = windows.at(24 * 60 + 7 * 60 + 10);
//! assert!(state.is_open);
//! assert_eq!(state.changes_in_minutes, Some(20));
//! ```

use hopluu_model::Fault;

use crate::limits::WINDOWS_MAX;

const DAY: u32 = 24 * 60;

/// Minutes of a week.
pub const WEEK_MINUTES: u32 = 7 * DAY;

/// The days as they are written, Monday first: in Vietnamese and in English.
const DAYS: [(&str, &str); 7] = [
    ("t2", "mon"),
    ("t3", "tue"),
    ("t4", "wed"),
    ("t5", "thu"),
    ("t6", "fri"),
    ("t7", "sat"),
    ("cn", "sun"),
];

/// Why a window cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// Not days, a space, hours.
    #[error("`{0}` is not days and hours such as `T2-T6 07:00-07:30`")]
    Shape(String),
    /// No such day.
    #[error("`{0}` is no day: T2 to T7, CN or `daily`")]
    Day(String),
    /// No such time.
    #[error("`{0}` is no time from 00:00 to 24:00")]
    Time(String),
    /// From a time to the same.
    #[error("`{0}` has no minute")]
    Empty(String),
    /// More than are read.
    #[error("there are {0} windows, at most {WINDOWS_MAX} are read")]
    TooMany(usize),
}

impl WindowError {
    /// Whoever wrote it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// Whether a link may be used, and for how long that stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowState {
    /// Whether it may be used.
    pub is_open: bool,
    /// Minutes until that changes; none where it never does.
    pub changes_in_minutes: Option<u32>,
}

/// The windows of a link, each a minute of the week and how many from there on. None at all: always.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Windows(Vec<(u32, u32)>);

impl Windows {
    /// Reads windows such as `T2-T6 07:00-07:30`, `T7,CN 19:00-19:03` or `daily 22:00-02:00`.
    ///
    /// # Errors
    /// [`WindowError`], which names what cannot be read.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, WindowError> {
        let texts: Vec<_> = texts.into_iter().collect();
        if texts.len() > WINDOWS_MAX {
            return Err(WindowError::TooMany(texts.len()));
        }
        let mut spans = Vec::new();
        for text in texts {
            let shape = || WindowError::Shape(text.to_owned());
            let (days, hours) = text.trim().split_once(' ').ok_or_else(shape)?;
            let (from, to) = hours.trim().split_once('-').ok_or_else(shape)?;
            let (from, to) = (time(from)?, time(to)?);
            if from == to || from == DAY {
                return Err(WindowError::Empty(text.to_owned()));
            }
            // One that ends before it begins ends on the next day.
            let length = if to > from {
                to - from
            } else {
                to + DAY - from
            };
            spans.extend(
                read_days(days)?
                    .into_iter()
                    .map(|day| (day * DAY + from, length)),
            );
        }
        Ok(Self(spans))
    }

    /// Whether a link may be used at a minute of the week, from Monday, 00:00.
    #[must_use]
    pub fn at(&self, minute: u32) -> WindowState {
        let minute = minute % WEEK_MINUTES;
        let is_open = self.is_open(minute);
        let changes = (1..=WEEK_MINUTES).find(|ahead| self.is_open(minute + ahead) != is_open);
        WindowState {
            is_open,
            changes_in_minutes: changes,
        }
    }

    fn is_open(&self, minute: u32) -> bool {
        let is_in = |(from, length): &(u32, u32)| {
            let since = (minute % WEEK_MINUTES + WEEK_MINUTES - from) % WEEK_MINUTES;
            since < *length
        };
        self.0.is_empty() || self.0.iter().any(is_in)
    }
}

fn time(text: &str) -> Result<u32, WindowError> {
    let read = || {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
        let time = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && time <= DAY).then_some(time)
    };
    read().ok_or_else(|| WindowError::Time(text.to_owned()))
}

fn read_days(text: &str) -> Result<Vec<u32>, WindowError> {
    if text.eq_ignore_ascii_case("daily") {
        return Ok((0..7).collect());
    }
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // From Saturday to Monday goes over Sunday.
        let count = (last + 7 - first) % 7;
        days.extend((0..=count).map(|ahead| (first + ahead) % 7));
    }
    Ok(days)
}

fn day(text: &str) -> Result<u32, WindowError> {
    let name = text.trim().to_lowercase();
    let found = (0..)
        .zip(DAYS)
        .find(|(_, (vi, en))| name == *vi || name == *en);
    found
        .map(|(day, _)| day)
        .ok_or_else(|| WindowError::Day(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(texts: &[&str], day: u32, hour: u32, minute: u32) -> (bool, Option<u32>) {
        let windows = Windows::parse(texts.iter().copied()).unwrap();
        let state = windows.at(day * DAY + hour * 60 + minute);
        (state.is_open, state.changes_in_minutes)
    }

    #[test]
    fn days_and_hours_are_read_as_written() {
        let week = ["T2-T6 07:00-07:30", "t7,CN 19:00-19:03"];
        assert_eq!(at(&week, 0, 6, 59), (false, Some(1)));
        assert_eq!(at(&week, 0, 7, 0), (true, Some(30)));
        assert_eq!(at(&week, 4, 7, 29), (true, Some(1)));
        assert_eq!(at(&week, 5, 7, 0), (false, Some(720)));
        assert_eq!(at(&week, 6, 19, 2), (true, Some(1)));
        assert_eq!(at(&week, 6, 19, 3), (false, Some(11 * 60 + 57)));
        assert_eq!(at(&["mon-FRI 07:00-07:30"], 2, 7, 10), (true, Some(20)));
        // Over midnight, and over the end of the week.
        assert_eq!(at(&["CN 22:00-02:00"], 0, 1, 0), (true, Some(60)));
        assert_eq!(at(&["T7-T2 00:00-24:00"], 2, 0, 0), (false, Some(3 * DAY)));
        assert_eq!(at(&["T7-T2 00:00-24:00"], 5, 0, 0), (true, Some(3 * DAY)));
    }

    #[test]
    fn without_windows_a_link_is_always_open() {
        assert_eq!(at(&[], 3, 12, 0), (true, None));
        assert_eq!(at(&["daily 00:00-24:00"], 3, 12, 0), (true, None));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let refused = |text: &str| Windows::parse([text]).unwrap_err();
        assert_eq!(
            refused("07:00-08:00"),
            WindowError::Shape("07:00-08:00".into())
        );
        assert_eq!(refused("T2 07:00"), WindowError::Shape("T2 07:00".into()));
        assert_eq!(refused("T8 07:00-08:00"), WindowError::Day("T8".into()));
        assert_eq!(refused("T2 7h-08:00"), WindowError::Time("7h".into()));
        assert_eq!(refused("T2 07:60-08:00"), WindowError::Time("07:60".into()));
        assert_eq!(
            refused("T2 07:00-07:00"),
            WindowError::Empty("T2 07:00-07:00".into())
        );
        let many = vec!["daily 07:00-07:01"; WINDOWS_MAX + 1];
        assert_eq!(
            Windows::parse(many),
            Err(WindowError::TooMany(WINDOWS_MAX + 1))
        );
    }
}
