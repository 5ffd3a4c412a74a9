//! Figures as they are typed: `CODE=VALUE`, `CODE@OFFICE=VALUE`, or a table.

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

/// A table with the columns code and value, and perhaps office and note, separated by commas or, as
/// Vietnamese spreadsheets write them, by semicolons. An empty value leaves its figure as it is.
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
        Err(error) => return Err(text::fail::table(1, &error.to_string())),
    };
    if let Some(unknown) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        return Err(text::fail::table(1, &format!("`{unknown}` ?")));
    }
    let column = |wanted: &str| names.iter().position(|name| name == wanted);
    let (Some(code_at), Some(value_at)) = (column("code"), column("value")) else {
        return Err(text::fail::table(1, "code, value ?"));
    };
    let (office_at, note_at) = (column("office"), column("note"));
    let mut edits = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            text::fail::table(line, &error.to_string())
        })?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at)).unwrap_or_default();
        if row.iter().all(str::is_empty) {
            continue;
        }
        // A decimal comma that is not quoted looks like one more column: better no figure than a
        // tenth of it.
        if row.len() > names.len() {
            return Err(text::fail::table(
                line,
                &row.iter().collect::<Vec<_>>().join(","),
            ));
        }
        let (code, named) = key(cell(Some(code_at)));
        if code.is_empty() {
            return Err(text::fail::table(line, "code ?"));
        }
        let own = Some(cell(office_at))
            .filter(|office| !office.is_empty())
            .map(str::to_owned);
        let office = named.or(own);
        let (value, note) = (cell(Some(value_at)), cell(note_at));
        if !value.is_empty() {
            let (code, office) = (code.clone(), office.clone());
            edits.push(EditRequest::Set {
                code,
                office,
                value: value.to_owned(),
            });
        }
        if !note.is_empty() {
            edits.push(EditRequest::Note {
                code,
                office,
                text: note.to_owned(),
            });
        }
    }
    Ok(edits)
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
        ] {
            let failure = table(bad).unwrap_err();
            assert!(
                failure.problem().unwrap().message.en.contains(line),
                "{bad}"
            );
        }
    }
}
