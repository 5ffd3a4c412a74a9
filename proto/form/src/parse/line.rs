//! Reads the lines, each on its own; what one says of another is for `check`.

use std::collections::BTreeMap;

use hopluu_model::{CompartmentId, IndicatorCode, OfficeId};

use crate::form::{
    EnteredAt, Heading, Line, LineRole, OverTime, OverUnits, Part, ShownAs, ValueKind, ValueLine,
};
use crate::lang::Text;
use crate::limits::PRINTED_BYTES_MAX;
use crate::mistake::{Detail, MistakeKind};
use crate::parse::{Lists, RULE_CODE, RULE_FORM, RULE_OFFICE, read_text};
use crate::reader::{At, Reader, Table};

/// The compartment of a line that is only said to be private.
const UNNAMED: &str = "private";

/// The words of `entered`.
pub(crate) const ENTERED: [(&str, ValueKind); 5] = [
    ("count", ValueKind::Count),
    ("decimal", ValueKind::Decimal { scale: 0 }),
    ("money", ValueKind::Money),
    ("yes_no", ValueKind::YesNo),
    ("share", ValueKind::Share),
];

/// The words of `over_units`.
pub(crate) const OVER_UNITS: [(&str, OverUnits); 6] = [
    ("sum", OverUnits::Sum),
    ("sum_plus_own", OverUnits::SumPlusOwn),
    ("own_only", OverUnits::OwnOnly),
    ("share_of_units", OverUnits::ShareOfUnits),
    ("ratio", OverUnits::Ratio),
    ("none", OverUnits::None),
];

/// The words of `over_time`.
pub(crate) const OVER_TIME: [(&str, OverTime); 5] = [
    ("sum", OverTime::Sum),
    ("latest", OverTime::Latest),
    ("recompute", OverTime::Recompute),
    ("distinct_sum", OverTime::DistinctUpperBound),
    ("none", OverTime::None),
];

/// The words of `entered_at`.
pub(crate) const ENTERED_AT: [(&str, EnteredAt); 3] = [
    ("reporting", EnteredAt::Reporting),
    ("above", EnteredAt::Above),
    ("both", EnteredAt::Both),
];

const PARTS: [(&str, Part); 4] = [
    ("none", Part::None),
    ("addend", Part::Addend),
    ("subset", Part::Subset),
    ("attribute", Part::Attribute),
];

const SHOWN: [(&str, ShownAs); 2] = [("share", ShownAs::Share), ("percent", ShownAs::Percent)];

/// The keys of a cell, which a heading does not take.
const CELL_KEYS: [&str; 16] = [
    "entered",
    "scale",
    "measure",
    "part",
    "whole",
    "sum_of_parts",
    "over_units",
    "over_time",
    "entered_at",
    "owner",
    "contributors",
    "by_office",
    "private",
    "may_count_twice",
    "shown",
    "heading",
];

/// Keys whose place `check` speaks of.
const PLACES: [&str; 10] = [
    "parent",
    "whole",
    "part",
    "sum_of_parts",
    "measure",
    "over_units",
    "over_time",
    "entered_at",
    "by_office",
    "since",
];

/// A line as far as it could be read.
#[derive(Debug)]
pub(crate) struct ReadLine {
    pub(crate) code: Option<IndicatorCode>,
    /// The code broke its grammar, so that whoever refers to it seems to refer to nothing.
    pub(crate) is_code_misread: bool,
    /// `None` if anything in it was misread.
    pub(crate) line: Option<Line>,
    pub(crate) offset: usize,
    places: BTreeMap<&'static str, usize>,
}

impl ReadLine {
    pub(crate) fn compartment(&self) -> Option<&CompartmentId> {
        self.line.as_ref()?.value()?.compartment.as_ref()
    }

    /// Where the value of a key stands.
    pub(crate) fn place(&self, key: &str) -> usize {
        self.places.get(key).copied().unwrap_or(self.offset)
    }
}

/// The word of a value in one of the lists above.
pub(crate) fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, meaning)| meaning == value);
    found.map_or("decimal", |(word, _)| word)
}

/// Reads all `[[line]]` tables.
pub(crate) fn read_lines(
    reader: &mut Reader<'_>,
    tables: Vec<Table<'_>>,
    lists: &Lists,
) -> Vec<ReadLine> {
    let mut first_seen: BTreeMap<IndicatorCode, usize> = BTreeMap::new();
    let mut lines = Vec::new();
    for table in tables {
        let offset = table.offset();
        let places = PLACES
            .iter()
            .map(|key| (*key, table.offset_of(key)))
            .collect();
        let (code, line) = read_line(reader, table, lists);
        let is_code_misread = code.is_none();
        let code = code.and_then(|At { value, offset }| {
            let Some(first) = first_seen.get(&value) else {
                first_seen.insert(value.clone(), reader.place(offset).0);
                return Some(value);
            };
            let details = vec![
                Detail::piece("code"),
                Detail::piece(value.as_str()),
                Detail::Plain(first.to_string()),
            ];
            reader.note(offset, MistakeKind::Duplicate, details);
            None
        });
        lines.push(ReadLine {
            line: line.filter(|_| code.is_some()),
            code,
            is_code_misread,
            offset,
            places,
        });
    }
    lines
}

fn read_line(
    reader: &mut Reader<'_>,
    mut table: Table<'_>,
    lists: &Lists,
) -> (Option<At<IndicatorCode>>, Option<Line>) {
    let code = reader.name::<IndicatorCode>(&mut table, "code", RULE_CODE);
    let code = reader.require(&table, "code", code);
    let parent = reader.name::<IndicatorCode>(&mut table, "parent", RULE_CODE);
    let is_parent_misread = parent.is_none() && table.has("parent");
    let printed = reader.label(&mut table, "printed", PRINTED_BYTES_MAX);
    let label = read_text(reader, &mut table);
    let since = reader.number(&mut table, "since", 0..u16::MAX);
    let parent = parent.map(|parent| parent.value);
    let name = code.as_ref().map_or("?", |code| code.value.as_str());
    let role = match reader.flag(&mut table, "heading") {
        Some(true) => {
            refuse_cell_keys(reader, &table, name);
            table.forgive(&CELL_KEYS);
            let heading = match reader.flag(&mut table, "open_cell") {
                Some(true) => Heading::OpenCell,
                Some(false) | None => Heading::Closed,
            };
            Some(LineRole::Heading(heading))
        }
        Some(false) => read_cell(reader, &mut table, lists, (name, parent.as_ref()))
            .map(|value| LineRole::Value(Box::new(value))),
        None => {
            table.forgive(&CELL_KEYS);
            None
        }
    };
    reader.close(table);
    let line = code
        .as_ref()
        .zip(label)
        .zip(role)
        .map(|((code, label), role)| Line {
            code: code.value.clone(),
            parent,
            printed: printed.unwrap_or_default(),
            label,
            role,
            since_minor: since.map_or(0, |since| since.value),
        });
    (code, line.filter(|_| !is_parent_misread))
}

fn refuse_cell_keys(reader: &mut Reader<'_>, table: &Table<'_>, name: &str) {
    for key in CELL_KEYS
        .iter()
        .filter(|key| **key != "heading" && table.has(key))
    {
        let details = vec![Detail::piece(name), Detail::piece(key)];
        reader.note(table.offset_of(key), MistakeKind::HeadingWithCell, details);
    }
}

/// Reads the keys of a cell; `name` and parent are those of its line.
fn read_cell(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    lists: &Lists,
    (name, parent): (&str, Option<&IndicatorCode>),
) -> Option<ValueLine> {
    let entered = reader.word(table, "entered", &ENTERED);
    let entered = reader.require(table, "entered", entered);
    let entered = entered.and_then(|entered| read_scale(reader, table, entered.value));
    let measure = read_measure(reader, table, lists);
    let over_units = reader.word(table, "over_units", &OVER_UNITS);
    let over_units = reader.require(table, "over_units", over_units);
    let over_time = reader.word(table, "over_time", &OVER_TIME);
    let over_time = reader.require(table, "over_time", over_time);
    let entered_at = reader.word(table, "entered_at", &ENTERED_AT);
    let part = reader.word(table, "part", &PARTS);
    let whole = reader.name::<IndicatorCode>(table, "whole", RULE_CODE);
    let owner = reader.name::<OfficeId>(table, "owner", RULE_OFFICE);
    let owner = reader.require(table, "owner", owner);
    let contributors = reader.names::<OfficeId>(table, "contributors", &RULE_OFFICE);
    for office in owner.iter().chain(&contributors) {
        lists.expect_office(reader, office, name);
    }
    let part = part.map_or(Part::None, |part| part.value);
    let owner = owner.map(|owner| owner.value);
    let is_whole_misread = whole.is_none() && table.has("whole");
    let whole = whole.map(|whole| whole.value).or_else(|| parent.cloned());
    let is_sum_of_parts = reader.flag(table, "sum_of_parts").unwrap_or_default();
    let by_office = reader.flag(table, "by_office").unwrap_or_default();
    let compartment = read_compartment(reader, table);
    let may_count_twice = reader.flag(table, "may_count_twice").unwrap_or_default();
    let contributors = contributors.into_iter().map(|office| office.value);
    let contributors = contributors
        .filter(|office| Some(office) != owner.as_ref())
        .collect();
    let shown = reader.word(table, "shown", &SHOWN);
    let (measure_code, measure) = measure?;
    let over_units = over_units?.value;
    let value = ValueLine {
        entered: entered?,
        measure_code,
        measure,
        part,
        whole: whole.filter(|_| part != Part::None),
        is_sum_of_parts,
        over_units,
        over_time: over_time?.value,
        owner: owner?,
        contributors,
        by_office,
        compartment,
        may_count_twice,
        entered_at: entered_at.map_or(default_entered_at(over_units), |at| at.value),
        shown_as: shown.map_or(ShownAs::Share, |shown| shown.value),
    };
    (!is_whole_misread).then_some(value)
}

/// The compartment that `private` names; `true` means the one of that name.
fn read_compartment(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<CompartmentId> {
    if table.is_text("private") {
        let named = reader.name(table, "private", RULE_FORM)?;
        return Some(named.value);
    }
    let is_private = reader.flag(table, "private").unwrap_or_default();
    is_private.then(|| UNNAMED.parse().expect("the word is a name"))
}

/// Who enters where the form does not say.
pub(crate) fn default_entered_at(over_units: OverUnits) -> EnteredAt {
    match over_units {
        OverUnits::Sum | OverUnits::ShareOfUnits => EnteredAt::Reporting,
        OverUnits::OwnOnly => EnteredAt::Above,
        OverUnits::SumPlusOwn | OverUnits::Ratio | OverUnits::None => EnteredAt::Both,
    }
}

fn read_scale(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    entered: ValueKind,
) -> Option<ValueKind> {
    let ValueKind::Decimal { .. } = entered else {
        return Some(entered);
    };
    let last = u16::from(hopluu_model::quantity::SCALE_MAX);
    let scale = reader.number(table, "scale", 1..last + 1);
    let scale = reader.require(table, "scale", scale)?;
    let scale = u8::try_from(scale.value).ok()?;
    Some(ValueKind::Decimal { scale })
}

fn read_measure(
    reader: &mut Reader<'_>,
    table: &mut Table<'_>,
    lists: &Lists,
) -> Option<(String, Text)> {
    let measure = reader.string(table, "measure");
    let At { value, offset } = reader.require(table, "measure", measure)?;
    let text = lists.measures.get(value);
    if text.is_none() && !lists.misread.iter().any(|name| name == value) {
        reader.note(
            offset,
            MistakeKind::UnknownMeasure,
            vec![Detail::piece(value)],
        );
    }
    Some((value.to_owned(), text?.clone()))
}
