//! From the text of a form to a [`Form`], with all mistakes at once.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{FormId, FormVersion, OfficeId};
use toml::de::DeTable;

use crate::calendar::Calendar;
use crate::form::{Form, Office};
use crate::lang::Text;
use crate::limits::{
    COMPARTMENTS_MAX, FORM_BYTES_MAX, LABEL_BYTES_MAX, LEVELS_MAX, LINES_MAX, MEASURES_MAX,
    OFFICES_MAX, SECTIONS_MAX,
};
use crate::mistake::{Detail, FormErrors, MistakeKind};
use crate::parse::line::ReadLine;
use crate::reader::{At, Reader, Table};

mod calendar;
mod check;
mod line;
mod section;

/// Rules of names, in both languages, for messages.
pub(crate) const RULE_FORM: Detail = Detail::Words(
    "chữ thường không dấu, chữ số, dấu - ở giữa, nhiều nhất 40",
    "lower-case letters, digits and inner hyphens, at most 40",
);
pub(crate) const RULE_OFFICE: Detail = Detail::Words(
    "chữ thường không dấu, chữ số, dấu _ ở giữa, nhiều nhất 40",
    "lower-case letters, digits and inner underscores, at most 40",
);
pub(crate) const RULE_CODE: Detail = Detail::Words(
    "chữ không dấu, chữ số, dấu . _ - ở giữa, nhiều nhất 40",
    "letters, digits and inner `.`, `_` or `-`, at most 40",
);
const RULE_VERSION: Detail = Detail::Words(
    "hai số cách nhau bằng dấu chấm, ví dụ 1.0",
    "two numbers with a dot between, for example 1.0",
);

/// What the lines and sections refer to.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) offices: BTreeMap<OfficeId, Office>,
    pub(crate) measures: BTreeMap<String, Text>,
    /// Names whose entry was misread: known, so that nobody is told they are missing.
    pub(crate) misread: Vec<String>,
    /// An office has an id that cannot be one, so that whoever names an unlisted one may mean it.
    pub(crate) is_office_misread: bool,
}

impl Form {
    /// Reads a form. The same text gives the same form everywhere; the format is in
    /// `docs/form-format.md`.
    ///
    /// # Errors
    /// All mistakes found, each with its place and cure.
    pub fn parse(text: &str) -> Result<Self, FormErrors> {
        let source = plain(text);
        let mut reader = Reader::new(&source);
        if source.len() > FORM_BYTES_MAX {
            let details = [source.len(), FORM_BYTES_MAX].map(|n| Detail::Plain(n.to_string()));
            reader.note(0, MistakeKind::FormTooLong, details.into());
            return Err(reader.into_errors());
        }
        let (root, errors) = DeTable::parse_recoverable(&source);
        for error in &errors {
            let offset = error.span().map_or(0, |span| span.start);
            reader.note(
                offset,
                MistakeKind::Syntax,
                vec![Detail::piece(error.message())],
            );
        }
        if !reader.is_clean() {
            // What follows a broken piece is guesswork; naming it would hide the cause.
            return Err(reader.into_errors());
        }
        let root = Table::new(root.get_ref(), 0..0, "form");
        match read(&mut reader, root) {
            Some(form) if reader.is_clean() => Ok(Self {
                source: source.clone(),
                ..form
            }),
            _ => Err(reader.into_errors()),
        }
    }
}

/// The text without the traces of the editor it was written in: byte order mark and carriage returns.
fn plain(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.replace("\r\n", "\n")
}

/// Reads every part, whatever is wrong with the others.
fn read(reader: &mut Reader<'_>, mut root: Table<'_>) -> Option<Form> {
    let id = reader.name::<FormId>(&mut root, "id", RULE_FORM);
    let id = reader.require(&root, "id", id);
    let version = reader.name::<FormVersion>(&mut root, "version", RULE_VERSION);
    let version = reader.require(&root, "version", version);
    let title = reader.table(&mut root, "title", "title");
    let title = reader.require(&root, "title", title);
    let title = title.and_then(|table| read_title(reader, table));
    let (reporting, own_part) = read_levels(reader, &mut root);
    let lists = read_lists(reader, &mut root);

    let periods = reader.tables(&mut root, "calendar", "[[calendar]]", calendar::KINDS.len());
    if periods.is_empty() && !root.has("calendar") {
        reader.note(0, MistakeKind::NoCalendar, Vec::new());
    }
    let levels: Vec<&str> = reporting
        .iter()
        .chain(&own_part)
        .map(String::as_str)
        .collect();
    let rules = calendar::read_rules(reader, periods, &levels);

    let minor = version.as_ref().map(|version| version.value);
    let lines = reader.tables(&mut root, "line", "[[line]]", LINES_MAX);
    let lines = line::read_lines(reader, lines, &lists);
    let sections = reader.tables(&mut root, "section", "[[section]]", SECTIONS_MAX);
    let sections = section::read_sections(reader, sections, &lists);
    check::check(reader, &lines, minor);
    let compartments: BTreeSet<_> = lines.iter().filter_map(ReadLine::compartment).collect();
    reader.bound(0, "private", compartments.len(), COMPARTMENTS_MAX);
    section::check_since(reader, &sections, minor);
    let is_empty = lines
        .iter()
        .all(|l| l.line.as_ref().is_some_and(|l| l.value().is_none()));
    if is_empty && sections.is_empty() {
        reader.note(0, MistakeKind::Empty, Vec::new());
    }
    reader.close(root);

    let lines: Vec<_> = lines.into_iter().filter_map(|read| read.line).collect();
    let by_code = lines
        .iter()
        .enumerate()
        .map(|(i, line)| (line.code.clone(), i))
        .collect();
    Some(Form {
        id: id?.value,
        version: version?.value,
        title: title?,
        reporting,
        own_part,
        calendar: Calendar::new(rules),
        offices: lists.offices,
        lines,
        sections: sections.into_iter().map(|section| section.value).collect(),
        by_code,
        source: String::new(),
    })
}

fn read_title(reader: &mut Reader<'_>, mut table: Table<'_>) -> Option<Text> {
    let text = read_text(reader, &mut table);
    reader.close(table);
    text
}

/// The keys `vi` and `en` of any table.
pub(crate) fn read_text(reader: &mut Reader<'_>, table: &mut Table<'_>) -> Option<Text> {
    let vi = reader.label(table, "vi", LABEL_BYTES_MAX);
    let vi = reader.require(table, "vi", vi);
    let en = reader.label(table, "en", LABEL_BYTES_MAX);
    Some(Text {
        vi: vi?,
        en: en.unwrap_or_default(),
    })
}

/// Level names have the grammar of offices, hyphens included.
fn is_level(name: &str) -> bool {
    (1..=hopluu_model::name::NAME_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

fn read_levels(reader: &mut Reader<'_>, root: &mut Table<'_>) -> (Vec<String>, Vec<String>) {
    let table = reader.table(root, "levels", "[levels]");
    let Some(mut table) = reader.require(root, "levels", table) else {
        return (Vec::new(), Vec::new());
    };
    let mut known: Vec<At<String>> = Vec::new();
    let mut read = |reader: &mut Reader<'_>, table: &mut Table<'_>, key| {
        let mut names = Vec::new();
        for At { value, offset } in reader.strings(table, key) {
            if !is_level(value) {
                let details = vec![Detail::piece(key), Detail::piece(value), RULE_OFFICE];
                reader.note(offset, MistakeKind::BadName, details);
            } else if let Some(first) = known.iter().find(|level| level.value == value) {
                let line = reader.place(first.offset).0.to_string();
                let details = vec![
                    Detail::piece(key),
                    Detail::piece(value),
                    Detail::Plain(line),
                ];
                reader.note(offset, MistakeKind::Duplicate, details);
            } else {
                names.push(value.to_owned());
                known.push(At {
                    value: value.to_owned(),
                    offset,
                });
            }
        }
        names
    };
    let reporting = read(reader, &mut table, "reporting");
    let own_part = read(reader, &mut table, "own_part");
    if reporting.is_empty() {
        reader.note(table.offset(), MistakeKind::NoReportingLevel, Vec::new());
    }
    reader.bound(table.offset(), "levels", known.len(), LEVELS_MAX);
    reader.close(table);
    (reporting, own_part)
}

fn read_lists(reader: &mut Reader<'_>, root: &mut Table<'_>) -> Lists {
    let mut lists = Lists {
        offices: BTreeMap::new(),
        measures: BTreeMap::new(),
        misread: Vec::new(),
        is_office_misread: false,
    };
    let mut first_seen: BTreeMap<OfficeId, usize> = BTreeMap::new();
    let tables = reader.tables(root, "office", "[[office]]", OFFICES_MAX);
    for (order, mut table) in (0u16..).zip(tables) {
        let id = reader.name::<OfficeId>(&mut table, "id", RULE_OFFICE);
        let id = reader.require(&table, "id", id);
        let name = read_text(reader, &mut table);
        reader.close(table);
        let Some(At { value: id, offset }) = id else {
            lists.is_office_misread = true;
            continue;
        };
        let line = reader.place(offset).0;
        if let Some(first) = first_seen.get(&id) {
            let details = vec![
                Detail::piece("[[office]]"),
                Detail::piece(id.as_str()),
                Detail::Plain(first.to_string()),
            ];
            reader.note(offset, MistakeKind::Duplicate, details);
            continue;
        }
        first_seen.insert(id.clone(), line);
        match name {
            Some(name) => drop(lists.offices.insert(id, Office { name, order })),
            None => lists.misread.push(id.as_str().to_owned()),
        }
    }
    if let Some(measures) = reader.table(root, "measures", "[measures]") {
        for (key, mut table) in reader.named_tables(&measures, "[measures]", MEASURES_MAX) {
            if !is_level(key.value) {
                let details = vec![
                    Detail::piece("measures"),
                    Detail::piece(key.value),
                    RULE_OFFICE,
                ];
                reader.note(key.offset, MistakeKind::BadName, details);
            }
            match read_text(reader, &mut table) {
                Some(text) => drop(lists.measures.insert(key.value.to_owned(), text)),
                None => lists.misread.push(key.value.to_owned()),
            }
            reader.close(table);
        }
    }
    lists
}

impl Lists {
    /// Notes an office that is not listed.
    pub(crate) fn expect_office(&self, reader: &mut Reader<'_>, office: &At<OfficeId>, by: &str) {
        let name = office.value.as_str();
        let is_excused = self.is_office_misread || self.misread.iter().any(|m| m == name);
        if !self.offices.contains_key(&office.value) && !is_excused {
            let details = vec![Detail::piece(by), Detail::piece(name)];
            reader.note(office.offset, MistakeKind::UnknownOffice, details);
        }
    }
}

#[cfg(test)]
mod tests;
