//! From a period's label to its data window and its due dates: three separate things.

use std::collections::BTreeMap;

use hopluu_model::{Date, Fault, FormId, Period, PeriodKind};

use crate::lang::Lang;

/// The day of a month on which the books of a period are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// That day of the label's last month; the window begins the day after the same day of the month
    /// before the label's first. Decree 09/2019 article 12 says 14: 15 December to 14 June.
    Day(i8),
    /// The calendar days of the label.
    MonthEnd,
    /// For ad hoc requests: so many days that end with the request's day.
    LastDays(u16),
}

/// When a report is due at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRule {
    /// The date.
    pub day: DueDay,
    /// Whether the date itself is in time; "trước ngày" means it is not.
    pub is_inclusive: bool,
}

/// How a due date follows from a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueDay {
    /// That day of the label's last month.
    Day(i8),
    /// That month and day in the label's last year.
    MonthDay(i8, i8),
    /// So many days after the window's last day.
    DaysAfter(u16),
}

/// A due date of one period at one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The date the regime names.
    pub date: Date,
    /// Whether the date itself is still in time; "trước ngày" means it is not.
    pub is_inclusive: bool,
}

impl Due {
    /// The last day on which a report is in time.
    #[must_use]
    pub fn last_day(&self) -> Date {
        if self.is_inclusive {
            self.date
        } else {
            self.date.yesterday().unwrap_or(self.date)
        }
    }
}

/// What a form says about one kind of period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodRule {
    /// The kind of label.
    pub kind: PeriodKind,
    /// Which days the figures cover.
    pub cut_off: CutOff,
    /// The kind of period this one is made of; such a period is computed, never entered.
    pub from_parts: Option<PeriodKind>,
    /// For spans of years: how many, if only that length is asked for.
    pub years: Option<u16>,
    /// By level name; a level without a date has none set.
    pub due: BTreeMap<String, DueRule>,
}

/// All kinds of period a form is reported for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    rules: BTreeMap<PeriodKind, PeriodRule>,
}

/// A period that the form does not know.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("form {form} is not reported for {period}: it knows {}", kinds(.accepted))]
pub struct PeriodNotAccepted {
    /// The form that was asked.
    pub form: FormId,
    /// The period that does not fit.
    pub period: Period,
    /// The kinds of period that would, each with the required number of years if there is one.
    pub accepted: Vec<(PeriodKind, Option<u16>)>,
}

impl PeriodNotAccepted {
    /// Who has to act: the person who named the period.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }

    /// The same for a person.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let kinds = kinds(&self.accepted);
        match lang {
            Lang::Vi => format!(
                "V-020: biểu mẫu {} không có kỳ {}; các loại kỳ dùng được: {kinds}",
                self.form, self.period
            ),
            Lang::En => format!("V-020: {self}"),
        }
    }
}

/// Kinds with one example each, as a person types them.
fn kinds(accepted: &[(PeriodKind, Option<u16>)]) -> String {
    let example = |kind: PeriodKind, years: Option<u16>| match kind {
        PeriodKind::Year => "2026".to_owned(),
        PeriodKind::HalfYear => "2026-H1".to_owned(),
        PeriodKind::Quarter => "2026-Q3".to_owned(),
        PeriodKind::Month => "2026-M07".to_owned(),
        PeriodKind::Years => format!("2016-{}", 2015 + years.unwrap_or(5)),
        PeriodKind::AdHoc => "x20261018-name".to_owned(),
    };
    let list: Vec<_> = accepted
        .iter()
        .map(|(kind, years)| format!("{} ({})", kind.as_str(), example(*kind, *years)))
        .collect();
    list.join(", ")
}

impl Calendar {
    /// A calendar of these rules; of two for the same kind the later one counts.
    #[must_use]
    pub fn new(rules: impl IntoIterator<Item = PeriodRule>) -> Self {
        Self {
            rules: rules.into_iter().map(|rule| (rule.kind, rule)).collect(),
        }
    }

    /// The rules, by kind.
    pub fn rules(&self) -> impl Iterator<Item = &PeriodRule> {
        self.rules.values()
    }

    /// The rule for a period, `None` if the form is not reported for it.
    #[must_use]
    pub fn rule(&self, period: &Period) -> Option<&PeriodRule> {
        let rule = self.rules.get(&period.kind())?;
        match (rule.years, period) {
            (Some(years), Period::Years(first, last)) => {
                (i32::from(*last) - i32::from(*first) + 1 == i32::from(years)).then_some(rule)
            }
            _ => Some(rule),
        }
    }
}

impl PeriodRule {
    /// First and last day of the figures of `period`, which must be of this rule's kind.
    #[must_use]
    pub fn window(&self, period: &Period) -> (Date, Date) {
        let (first, last) = period.calendar_days();
        match self.cut_off {
            CutOff::MonthEnd => (first, last),
            CutOff::Day(day) => {
                let before = first.yesterday().unwrap_or(first);
                let start = on_day(before, day);
                (start.tomorrow().unwrap_or(start), on_day(last, day))
            }
            CutOff::LastDays(days) => (shifted(last, 1 - i32::from(days)), last),
        }
    }

    /// When `period` is due at `level`.
    #[must_use]
    pub fn due(&self, period: &Period, level: &str) -> Option<Due> {
        let (_, label_end) = period.calendar_days();
        let rule = self.due.get(level)?;
        let date = match rule.day {
            DueDay::Day(day) => on_day(label_end, day),
            DueDay::MonthDay(month, day) => {
                let first = Date::new(label_end.year(), month, 1).unwrap_or(label_end);
                on_day(first, day)
            }
            DueDay::DaysAfter(days) => shifted(self.window(period).1, i32::from(days)),
        };
        Some(Due {
            date,
            is_inclusive: rule.is_inclusive,
        })
    }
}

/// That day of the month of `date`, its last day if the month is shorter.
fn on_day(date: Date, day: i8) -> Date {
    let day = day.clamp(1, date.days_in_month());
    Date::new(date.year(), date.month(), day).unwrap_or(date)
}

/// `date` moved by `days`. Labels end in 2200 and moves are at most 65,535 days, so this cannot
/// leave the calendar; if it could, the date would stay.
fn shifted(date: Date, days: i32) -> Date {
    let span = jiff::Span::new().days(days);
    date.checked_add(span).unwrap_or(date)
}
