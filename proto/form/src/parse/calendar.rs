//! Reads the calendar: cut-off days and due dates.

use std::collections::BTreeMap;

use hopluu_model::{Date, PeriodKind};

use crate::calendar::{CutOff, DueDay, DueRule, PeriodRule};
use crate::mistake::{Detail, MistakeKind};
use crate::reader::{At, Reader, Table};

/// The latest cut-off or due day: every month has it, so a window never bends in February.
const DAY_MAX: u16 = 28;
/// Longest window of an ad hoc request, and latest due date after it, in days.
const DAYS_MAX: u16 = 366;
/// Longest span of years.
const YEARS_MAX: u16 = 30;

/// The words of `period`; a form can have one rule for each.
pub(crate) const KINDS: [(&str, PeriodKind); 6] = [
    ("year", PeriodKind::Year),
    ("half-year", PeriodKind::HalfYear),
    ("quarter", PeriodKind::Quarter),
    ("month", PeriodKind::Month),
    ("years", PeriodKind::Years),
    ("ad-hoc", PeriodKind::AdHoc),
];

const MONTH_END: &str = "month-end";

/// Reads all `[[calendar]]` tables.
pub(crate) fn read_rules(
    reader: &mut Reader<'_>,
    tables: Vec<Table<'_>>,
    levels: &[&str],
) -> Vec<PeriodRule> {
    let mut rules: Vec<At<PeriodRule>> = Vec::new();
    for mut table in tables {
        let offset = table.offset();
        let kind = reader.word(&mut table, "period", &KINDS);
        let kind = reader.require(&table, "period", kind);
        let cut_off = read_cut_off(reader, &mut table, kind.as_ref().map(|kind| kind.value));
        let from_parts = reader.word(&mut table, "from_parts", &KINDS);
        let years = match kind.as_ref().map(|kind| kind.value) {
            Some(PeriodKind::Years) => reader.number(&mut table, "years", 2..YEARS_MAX + 1),
            _ => None,
        };
        let due = read_due(reader, &mut table, levels);
        reader.close(table);
        let (Some(kind), Some(cut_off)) = (kind, cut_off) else {
            continue;
        };
        if let Some(first) = rules.iter().find(|rule| rule.value.kind == kind.value) {
            let line = reader.place(first.offset).0;
            let details = vec![
                Detail::piece("[[calendar]]"),
                Detail::piece(kind.value.as_str()),
                Detail::Plain(line.to_string()),
            ];
            reader.note(kind.offset, MistakeKind::Duplicate, details);
            continue;
        }
        let rule = PeriodRule {
            kind: kind.value,
            cut_off,
            from_parts: from_parts.map(|parts| parts.value),
            years: years.map(|years| years.value),
            due,
        };
        rules.push(At {
            value: rule,
            offset,
        });
    }
    check_parts(reader, &rules);
    rules.into_iter().map(|rule| rule.value).collect()
}

/// `cut_off = 14`, `cut_off = "month-end"`, or for ad hoc requests `days = 3`.
fn read_cut_off(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    kind: Option<PeriodKind>,
) -> Option<CutOff> {
    if kind == Some(PeriodKind::AdHoc) {
        let days = reader.number(table, "days", 1..DAYS_MAX + 1);
        return Some(CutOff::LastDays(days.map_or(1, |days| days.value)));
    }
    if Reader::is_number(table, "cut_off") {
        let day = reader.number(table, "cut_off", 1..DAY_MAX + 1)?;
        return Some(CutOff::Day(i8::try_from(day.value).ok()?));
    }
    let word = reader.string(table, "cut_off");
    let At { value, offset } = reader.require(table, "cut_off", word)?;
    if value != MONTH_END {
        let expected = Detail::Words(
            "một ngày từ 1 đến 28 hoặc \"month-end\"",
            "a day from 1 to 28 or \"month-end\"",
        );
        reader.wrong_type(offset, "cut_off", expected, "14");
        return None;
    }
    Some(CutOff::MonthEnd)
}

fn read_due(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    levels: &[&str],
) -> BTreeMap<String, DueRule> {
    let mut due = BTreeMap::new();
    let Some(dates) = reader.table(table, "due", "due") else {
        return due;
    };
    for (level, text) in reader.named_strings(&dates) {
        if !levels.contains(&level.value) {
            reader.note(
                level.offset,
                MistakeKind::UnknownLevel,
                vec![Detail::piece(level.value)],
            );
        }
        match due_rule(text.value) {
            Some(rule) => drop(due.insert(level.value.to_owned(), rule)),
            None => reader.note(
                text.offset,
                MistakeKind::BadDue,
                vec![Detail::piece(text.value)],
            ),
        }
    }
    due
}

/// `before 20`, `by 11-05`, `by +2 days`.
fn due_rule(text: &str) -> Option<DueRule> {
    let (word, day) = text.split_once(' ')?;
    let is_inclusive = match word {
        "by" => true,
        "before" => false,
        _ => return None,
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| !text.starts_with('+'));
    let day = if let Some(days) = day.strip_prefix('+') {
        let days = days
            .strip_suffix(" days")
            .or_else(|| days.strip_suffix(" day"))?;
        DueDay::DaysAfter(number(days).filter(|days| *days <= DAYS_MAX)?)
    } else if let Some((month, day)) = day.split_once('-') {
        let (month, day) = (
            i8::try_from(number(month)?).ok()?,
            i8::try_from(number(day)?).ok()?,
        );
        // A common year: 29 February would bend.
        Date::new(2001, month, day).ok()?;
        DueDay::MonthDay(month, day)
    } else {
        let day = number(day).filter(|day| (1..=DAY_MAX).contains(day))?;
        DueDay::Day(i8::try_from(day).ok()?)
    };
    Some(DueRule { day, is_inclusive })
}

/// Months in a label of this kind; `None` where labels differ in length.
fn months(kind: PeriodKind) -> Option<u16> {
    match kind {
        PeriodKind::Month => Some(1),
        PeriodKind::Quarter => Some(3),
        PeriodKind::HalfYear => Some(6),
        PeriodKind::Year => Some(12),
        PeriodKind::Years => Some(24),
        PeriodKind::AdHoc => None,
    }
}

/// Parts must be declared, shorter, and tile the whole: the same cut-off does that.
fn check_parts(reader: &mut Reader<'_>, rules: &[At<PeriodRule>]) {
    for At {
        value: rule,
        offset,
    } in rules
    {
        let Some(parts) = rule.from_parts else {
            continue;
        };
        let is_shorter = match (months(parts), months(rule.kind)) {
            // Spans of years divide into years only.
            (Some(part), Some(_)) if rule.kind == PeriodKind::Years => part == 12,
            (Some(part), Some(whole)) => part < whole,
            _ => false,
        };
        let declared = rules.iter().find(|other| other.value.kind == parts);
        let fits = declared.is_some_and(|other| other.value.cut_off == rule.cut_off);
        if !is_shorter || !fits {
            let details = vec![
                Detail::piece(rule.kind.as_str()),
                Detail::piece(parts.as_str()),
            ];
            reader.note(*offset, MistakeKind::BadParts, details);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_dates_have_one_grammar() {
        for (text, day, is_inclusive) in [
            ("before 20", DueDay::Day(20), false),
            ("by 11-05", DueDay::MonthDay(11, 5), true),
            ("by +2 days", DueDay::DaysAfter(2), true),
            ("before +1 day", DueDay::DaysAfter(1), false),
        ] {
            assert_eq!(
                due_rule(text),
                Some(DueRule { day, is_inclusive }),
                "{text}"
            );
        }
        for bad in [
            "",
            "20",
            "by",
            "by 0",
            "by 29",
            "before 13-01",
            "by 02-29",
            "by ++1 day",
            "on 3",
        ] {
            assert_eq!(due_rule(bad), None, "{bad}");
        }
    }
}
