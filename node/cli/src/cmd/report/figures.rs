//! Figures as they are typed: `CODE=VALUE`, `CODE@OFFICE=VALUE`, or a table.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_api::text::Both;
use hopluu_engine::view::EditRequest;

use crate::failure::Failure;
use crate::text;

/// Columns of a table of figures; two must be there.
const COLUMNS: [&str; 4] = ["code", "value", "office", "note"];

/// `CODE` or `CODE@OFFICE`.
pub(super) fn key(typed: &str) -> (String, Option<String>) {
    match typed.split_once('@') {
        Some((code, office)) => (code.trim().to_owned(), Some(office.trim().to_owned())),
        None => (typed.trim().to_owned(), None),
    }
}

/// `CODE=VALUE`; nothing behind the sign empties the figure.
pub(super) fn typed(argument: &str) -> Result<EditRequest, Failure> {
    let (name, value) = argument
        .split_once('=')
        .ok_or_else(|| text::fail::figure(argument))?;
    let (code, office) = key(name);
    if code.is_empty() {
        return Err(text::fail::figure(argument));
    }
    Ok(EditRequest::Set {
        code,
        office,
        value: value.trim().to_owned(),
    })
}

/// A figure that is given two values at once: one of them would be lost without a word.
pub(super) fn set_twice(edits: &[EditRequest]) -> Option<&str> {
    let mut seen = BTreeSet::new();
    edits.iter().find_map(|edit| match edit {
        EditRequest::Set { code, office, .. } => {
            (!seen.insert((code, office))).then_some(code.as_str())
        }
        _ => None,
    })
}

/// What makes a row or the head of a table unfit; with its line, a person finds it.
enum Wrong {
    UnknownColumn(String),
    ColumnTwice(String),
    ColumnMissing,
    TooManyCells { found: usize, columns: usize },
    TooFewCells { found: usize, columns: usize },
    NoCode,
    LineBreak,
    SetBefore { code: String, line: u64 },
    Unreadable(String),
}

impl Wrong {
    fn at(self, line: u64) -> Failure {
        let (vi, en) = match self {
            Self::UnknownColumn(name) => (
                format!("không có cột `{name}`"),
                format!("there is no column `{name}`"),
            ),
            Self::ColumnTwice(name) => (
                format!("cột `{name}` có hai lần"),
                format!("the column `{name}` stands twice"),
            ),
            Self::ColumnMissing => (
                "thiếu cột code hoặc value".to_owned(),
                "the column code or value is missing".to_owned(),
            ),
            Self::TooManyCells { found, columns } => (
                format!(
                    "có {found} ô, bảng có {columns} cột; số có dấu phẩy phải đặt trong \"ngoặc kép\" \
                     hoặc tách cột bằng dấu chấm phẩy"
                ),
                format!(
                    "{found} cells where the table has {columns} columns; put a number with a comma \
                     in \"quotes\", or separate the columns by semicolons"
                ),
            ),
            Self::TooFewCells { found, columns } => (
                format!("chỉ có {found} ô, bảng có {columns} cột"),
                format!("only {found} cells where the table has {columns} columns"),
            ),
            Self::NoCode => ("thiếu mã".to_owned(), "the code is missing".to_owned()),
            Self::LineBreak => (
                "một ô kéo sang dòng sau: dấu ngoặc kép chưa đóng".to_owned(),
                "a cell runs on over the line: a quote is not closed".to_owned(),
            ),
            Self::SetBefore { code, line } => (
                format!("`{code}` đã có ở dòng {line}"),
                format!("`{code}` stands in line {line} already"),
            ),
            Self::Unreadable(cause) => (
                format!("không đọc được: {cause}"),
                format!("it cannot be read: {cause}"),
            ),
        };
        text::fail::table(line, &Both::new(vi, en))
    }
}

/// A table with the columns code and value, and perhaps office and note, separated by commas or, as
/// Vietnamese spreadsheets write them, by semicolons. An empty value leaves its figure as it is.
/// What could be read in two ways is refused: a figure that is silently lost is worse than no table.
pub(super) fn table(source: &str) -> Result<Vec<EditRequest>, Failure> {
    let head = source.lines().next().unwrap_or_default();
    let separator = if head.contains(';') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(source.as_bytes());
    let names: Vec<String> = match reader.headers() {
        Ok(names) => names.iter().map(str::to_lowercase).collect(),
        Err(error) => return Err(Wrong::Unreadable(error.to_string()).at(1)),
    };
    let columns = Columns::of(&names).map_err(|wrong| wrong.at(1))?;
    let mut edits = Vec::new();
    let mut seen = BTreeMap::new();
    for row in reader.records() {
        let row = row.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            Wrong::Unreadable(error.to_string()).at(line)
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        let figure = columns.figure(&row).map_err(|wrong| wrong.at(line))?;
        let Some((key, own)) = figure else {
            continue;
        };
        if let Some(line_before) = seen.insert(key.clone(), line) {
            let (code, line_before) = (key.0, line_before);
            return Err(Wrong::SetBefore {
                code,
                line: line_before,
            }
            .at(line));
        }
        edits.extend(own);
    }
    Ok(edits)
}

/// A figure's code and office.
type Key = (String, Option<String>);

/// Where the columns of a table stand.
struct Columns {
    count: usize,
    code: usize,
    value: usize,
    office: Option<usize>,
    note: Option<usize>,
}

impl Columns {
    fn of(names: &[String]) -> Result<Self, Wrong> {
        for (at, name) in names.iter().enumerate() {
            if !COLUMNS.contains(&name.as_str()) {
                return Err(Wrong::UnknownColumn(name.clone()));
            }
            if names.iter().skip(at + 1).any(|other| other == name) {
                return Err(Wrong::ColumnTwice(name.clone()));
            }
        }
        let column = |wanted: &str| names.iter().position(|name| name == wanted);
        let (Some(code), Some(value)) = (column("code"), column("value")) else {
            return Err(Wrong::ColumnMissing);
        };
        Ok(Self {
            count: names.len(),
            code,
            value,
            office: column("office"),
            note: column("note"),
        })
    }

    /// What a row says; nothing where all its cells are empty.
    fn figure(&self, row: &csv::StringRecord) -> Result<Option<(Key, Vec<EditRequest>)>, Wrong> {
        if row.iter().all(str::is_empty) {
            return Ok(None);
        }
        let (found, columns) = (row.len(), self.count);
        // A decimal comma that is not quoted looks like one more column: better no figure than a
        // tenth of it.
        if found > columns {
            return Err(Wrong::TooManyCells { found, columns });
        }
        // What a spreadsheet leaves out at the end of a row is empty, but a figure has its value.
        if found <= self.code.max(self.value) {
            return Err(Wrong::TooFewCells { found, columns });
        }
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default();
        if [Some(self.code), Some(self.value), self.office]
            .into_iter()
            .any(|at| cell(at).contains('\n'))
        {
            return Err(Wrong::LineBreak);
        }
        let (code, named) = key(cell(Some(self.code)));
        if code.is_empty() {
            return Err(Wrong::NoCode);
        }
        let own = Some(cell(self.office)).filter(|office| !office.is_empty());
        let office = named.or(own.map(str::to_owned));
        let (value, note) = (cell(Some(self.value)), cell(self.note));
        let mut edits = Vec::new();
        if !value.is_empty() {
            let (code, office) = (code.clone(), office.clone());
            edits.push(EditRequest::Set {
                code,
                office,
                value: value.to_owned(),
            });
        }
        if !note.is_empty() {
            let (code, office) = (code.clone(), office.clone());
            edits.push(EditRequest::Note {
                code,
                office,
                text: note.to_owned(),
            });
        }
        Ok(Some(((code, office), edits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(code: &str, office: Option<&str>, value: &str) -> EditRequest {
        let office = office.map(str::to_owned);
        EditRequest::Set {
            code: code.to_owned(),
            office,
            value: value.to_owned(),
        }
    }

    #[test]
    fn arguments_name_figure_office_and_value() {
        assert_eq!(typed("I.1=1.500").unwrap(), set("I.1", None, "1.500"));
        assert_eq!(
            typed("I.1@police= 08 ").unwrap(),
            set("I.1", Some("police"), "08")
        );
        assert_eq!(typed("I.1=").unwrap(), set("I.1", None, ""));
        for bad in ["I.1", "=3", ""] {
            assert_eq!(typed(bad).unwrap_err().problem().unwrap().code, "M-2011");
        }
    }

    #[test]
    fn a_figure_with_two_values_is_noticed() {
        let edits = [set("I.1", None, "1"), set("I.1", Some("police"), "2")];
        assert_eq!(set_twice(&edits), None);
        let edits = [&edits[..], &[set("I.1", None, "1")]].concat();
        assert_eq!(set_twice(&edits), Some("I.1"));
    }

    #[test]
    fn tables_take_commas_and_semicolons() {
        let comma = "code,value,office\nI.1,\"90,5\",\nI.2@health,3,\nI.3,,police\n";
        let expected = [set("I.1", None, "90,5"), set("I.2", Some("health"), "3")];
        assert_eq!(table(comma).unwrap(), expected);
        let semicolon = "Code;Value;Note\r\nI.1;90,5;theo sổ\r\n;;\r\n";
        let note = EditRequest::Note {
            code: "I.1".to_owned(),
            office: None,
            text: "theo sổ".to_owned(),
        };
        assert_eq!(table(semicolon).unwrap(), [set("I.1", None, "90,5"), note]);
    }

    #[test]
    fn a_table_that_would_be_misread_is_refused() {
        for (bad, line) in [
            ("code,value\nI.1,90,5\n", "line 2"),
            ("code,number\nI.1,9\n", "line 1"),
            ("value\n9\n", "line 1"),
            ("code,value\n,9\n", "line 2"),
            ("", "line 1"),
            ("code,value,code\nI.1,9,I.2\n", "line 1"),
            ("code,value\nI.1\n", "line 2"),
            ("code,value\nI.1,5\n\"I.2,3\nI.3,4\n", "line 3"),
            ("code,value\nI.1,5\nI.1,6\n", "line 3"),
        ] {
            let failure = table(bad).unwrap_err();
            assert!(
                failure.problem().unwrap().message.en.contains(line),
                "{bad}"
            );
        }
    }
}
