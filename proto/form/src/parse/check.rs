//! What one line says of another must hold.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{FormVersion, IndicatorCode};

use crate::form::{Line, OverTime, OverUnits, Part, ValueKind, ValueLine};
use crate::limits::DEPTH_MAX;
use crate::mistake::{Detail, MistakeKind};
use crate::parse::line::{
    ENTERED, ENTERED_AT, OVER_TIME, OVER_UNITS, ReadLine, default_entered_at, word_of,
};
use crate::reader::Reader;

/// The lines by code: where each stands, and the line itself if it could be read.
type ByCode<'l> = BTreeMap<&'l IndicatorCode, (usize, Option<&'l Line>)>;

/// Checks all lines against each other and against the form's version.
pub(crate) fn check(reader: &mut Reader<'_>, lines: &[ReadLine], version: Option<FormVersion>) {
    let by_code: ByCode<'_> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, read)| Some((read.code.as_ref()?, (index, read.line.as_ref()))))
        .collect();
    // A misread line may be the very addend that seems to be missing.
    let is_complete = lines.iter().all(|read| read.line.is_some());
    let are_codes_known = !lines.iter().any(|read| read.is_code_misread);
    let in_cycle = check_cycles(reader, lines, &by_code);
    for (index, read) in lines.iter().enumerate() {
        let Some(line) = &read.line else {
            continue;
        };
        // A misread code may be the very one that seems to be missing.
        let is_known = |code: Option<&IndicatorCode>| {
            are_codes_known || code.is_none_or(|code| by_code.contains_key(code))
        };
        if !in_cycle.contains(&line.code) && is_known(line.parent.as_ref()) {
            check_parent(reader, read, line, (index, &by_code));
        }
        check_since(reader, read, line, version);
        if let Some(value) = line.value() {
            check_fit(reader, read, line, value);
            if is_known(value.whole.as_ref()) {
                check_part(reader, read, (line, value), (index, &by_code));
            }
            let has_addends = || {
                lines.iter().any(|other| {
                    other
                        .line
                        .as_ref()
                        .and_then(Line::value)
                        .is_some_and(|other| {
                            other.part == Part::Addend && other.whole.as_ref() == Some(&line.code)
                        })
                })
            };
            if is_complete && value.is_sum_of_parts && !has_addends() {
                let details = vec![Detail::piece(line.code.as_str())];
                reader.note(
                    read.place("sum_of_parts"),
                    MistakeKind::SumWithoutAddends,
                    details,
                );
            }
        }
    }
}

/// Names each circle once, at its first line, and returns the lines in circles.
fn check_cycles(
    reader: &mut Reader<'_>,
    lines: &[ReadLine],
    by_code: &ByCode<'_>,
) -> BTreeSet<IndicatorCode> {
    let mut in_cycle = BTreeSet::new();
    for read in lines {
        let Some(line) = &read.line else {
            continue;
        };
        let mut path = vec![&line.code];
        let mut above = line.parent.as_ref();
        // A walk longer than the list must have met a line twice.
        while let Some(code) = above.filter(|_| path.len() <= lines.len()) {
            if *code == line.code {
                break;
            }
            path.push(code);
            let line = by_code.get(code).and_then(|(_, line)| *line);
            above = line.and_then(|line| line.parent.as_ref());
        }
        let is_circle = above == Some(&line.code);
        if is_circle && in_cycle.insert(line.code.clone()) {
            in_cycle.extend(path.iter().map(|code| (*code).clone()));
            let names: Vec<_> = path.iter().map(|code| code.as_str()).collect();
            let details = vec![Detail::piece(&names.join(" -> "))];
            reader.note(read.place("parent"), MistakeKind::Cycle, details);
        }
    }
    in_cycle
}

fn check_parent(
    reader: &mut Reader<'_>,
    read: &ReadLine,
    line: &Line,
    (index, by_code): (usize, &ByCode<'_>),
) {
    let Some(parent) = &line.parent else {
        return;
    };
    let names = || {
        vec![
            Detail::piece(line.code.as_str()),
            Detail::piece(parent.as_str()),
        ]
    };
    match by_code.get(parent) {
        None => reader.note(read.place("parent"), MistakeKind::UnknownParent, names()),
        Some((above, _)) if *above >= index => {
            reader.note(read.place("parent"), MistakeKind::ParentBelow, names());
        }
        Some(_) => {
            let depth = depth(line, by_code);
            if depth > DEPTH_MAX {
                let details = vec![
                    Detail::piece(line.code.as_str()),
                    Detail::Plain(depth.to_string()),
                    Detail::Plain(DEPTH_MAX.to_string()),
                ];
                reader.note(read.place("parent"), MistakeKind::TooDeep, details);
            }
        }
    }
}

/// Steps from the top, 1 for a line without parent; stops one past the bound.
fn depth(line: &Line, by_code: &ByCode<'_>) -> usize {
    let mut depth = 1;
    let mut above = line.parent.as_ref();
    while let Some(code) = above.filter(|_| depth <= DEPTH_MAX) {
        depth += 1;
        let line = by_code.get(code).and_then(|(_, line)| *line);
        above = line.and_then(|line| line.parent.as_ref());
    }
    depth
}

fn check_since(
    reader: &mut Reader<'_>,
    read: &ReadLine,
    line: &Line,
    version: Option<FormVersion>,
) {
    let Some(version) = version.filter(|version| line.since_minor > version.minor) else {
        return;
    };
    let details = vec![
        Detail::piece(line.code.as_str()),
        Detail::Plain(line.since_minor.to_string()),
        Detail::Plain(version.to_string()),
    ];
    reader.note(read.place("since"), MistakeKind::SinceLater, details);
}

/// Which rules over units go with what is entered.
fn fits_units(entered: ValueKind, over: OverUnits) -> bool {
    match over {
        OverUnits::Sum | OverUnits::SumPlusOwn | OverUnits::OwnOnly => entered.is_number(),
        OverUnits::ShareOfUnits => entered == ValueKind::YesNo,
        OverUnits::Ratio => entered == ValueKind::Share,
        OverUnits::None => true,
    }
}

/// Which rules over time go with what is entered.
fn fits_time(entered: ValueKind, over: OverTime) -> bool {
    match over {
        OverTime::Sum => entered.is_number(),
        OverTime::DistinctUpperBound => entered == ValueKind::Count,
        OverTime::Recompute => matches!(entered, ValueKind::YesNo | ValueKind::Share),
        OverTime::Latest | OverTime::None => true,
    }
}

fn check_fit(reader: &mut Reader<'_>, read: &ReadLine, line: &Line, value: &ValueLine) {
    let entered = word_of(&ENTERED, &value.entered);
    let mut refuse = |key: &'static str, word: &str, fitting: Vec<&str>| {
        let details = vec![
            Detail::piece(key),
            Detail::piece(word),
            Detail::piece(entered),
            Detail::Plain(fitting.join(", ")),
        ];
        reader.note(read.place(key), MistakeKind::RuleDoesNotFit, details);
    };
    if !fits_units(value.entered, value.over_units) {
        let fitting = OVER_UNITS
            .iter()
            .filter(|(_, over)| fits_units(value.entered, *over));
        let word = word_of(&OVER_UNITS, &value.over_units);
        refuse("over_units", word, fitting.map(|(word, _)| *word).collect());
    }
    if !fits_time(value.entered, value.over_time) {
        let fitting = OVER_TIME
            .iter()
            .filter(|(_, over)| fits_time(value.entered, *over));
        let word = word_of(&OVER_TIME, &value.over_time);
        refuse("over_time", word, fitting.map(|(word, _)| *word).collect());
    }
    let is_additive = matches!(
        value.over_units,
        OverUnits::Sum | OverUnits::SumPlusOwn | OverUnits::OwnOnly
    );
    if is_additive && value.entered_at != default_entered_at(value.over_units) {
        let details = vec![
            Detail::piece(word_of(&ENTERED_AT, &value.entered_at)),
            Detail::piece(word_of(&OVER_UNITS, &value.over_units)),
        ];
        reader.note(
            read.place("entered_at"),
            MistakeKind::EnteredAtDoesNotFit,
            details,
        );
    }
    if value.by_office && (!is_additive || value.contributors.is_empty()) {
        let details = vec![Detail::piece(line.code.as_str())];
        reader.note(
            read.place("by_office"),
            MistakeKind::ByOfficeDoesNotFit,
            details,
        );
    }
}

fn check_part(
    reader: &mut Reader<'_>,
    read: &ReadLine,
    (line, value): (&Line, &ValueLine),
    (index, by_code): (usize, &ByCode<'_>),
) {
    if value.part == Part::None {
        return;
    }
    let code = line.code.as_str();
    let whole_code = value.whole.as_ref().map_or("-", IndicatorCode::as_str);
    let found = value.whole.as_ref().and_then(|whole| by_code.get(whole));
    if let Some((_, None)) = found {
        return;
    }
    let whole = found
        .filter(|(above, _)| *above < index)
        .and_then(|(_, line)| line.and_then(Line::value));
    let names = || vec![Detail::piece(code), Detail::piece(whole_code)];
    let Some(whole) = whole else {
        // A parent that is missing or below has been named already.
        let is_named = value.whole.is_some()
            && value.whole == line.parent
            && found.is_none_or(|(above, _)| *above >= index);
        if !is_named {
            reader.note(read.place("part"), MistakeKind::PartOfNothing, names());
        }
        return;
    };
    if value.part != Part::Attribute && value.measure_code != whole.measure_code {
        let details = vec![
            Detail::piece(code),
            Detail::piece(&value.measure_code),
            Detail::piece(whole_code),
            Detail::piece(&whole.measure_code),
        ];
        reader.note(read.place("measure"), MistakeKind::MeasuresDiffer, details);
    }
    if value.part != Part::Addend {
        return;
    }
    if !whole.is_sum_of_parts {
        reader.note(read.place("part"), MistakeKind::AddendOfNoSum, names());
    }
    for (key, differs) in [
        ("over_units", value.over_units != whole.over_units),
        ("over_time", value.over_time != whole.over_time),
    ] {
        if differs {
            let mut details = names();
            details.push(Detail::piece(key));
            reader.note(read.place(key), MistakeKind::AddendRulesDiffer, details);
        }
    }
}
