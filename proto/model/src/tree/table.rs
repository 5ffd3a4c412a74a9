//! One CSV table, row by row, with the line of each.

use super::limits::TREE_BYTES_MAX;
use super::manifest::{LoadError, LoadProblem, MANIFEST};

/// A table whose columns are found by name; the order of columns is free, others are ignored.
pub(super) struct Table<'a> {
    pub(super) file: &'a str,
    reader: csv::Reader<&'a [u8]>,
    record: csv::StringRecord,
    columns: Vec<(&'static str, Option<usize>)>,
    pub(super) line: u64,
}

/// The text of a file that the manifest names on that line.
pub(super) fn file_text(
    files: &dyn Fn(&str) -> Option<String>,
    file: &str,
    line: u64,
) -> Result<String, LoadError> {
    let text = files(file).ok_or_else(|| LoadError {
        file: MANIFEST.to_owned(),
        line,
        problem: LoadProblem::FileMissing,
    })?;
    if text.len() > TREE_BYTES_MAX {
        return Err(LoadError {
            file: file.to_owned(),
            line: 1,
            problem: LoadProblem::FileTooLong,
        });
    }
    Ok(text)
}

impl<'a> Table<'a> {
    pub(super) fn open(
        file: &'a str,
        text: &'a str,
        needed: &[&'static str],
        optional: &[&'static str],
    ) -> Result<Self, LoadError> {
        let mut table = Self {
            file,
            reader: csv::Reader::from_reader(text.as_bytes()),
            record: csv::StringRecord::new(),
            columns: Vec::new(),
            line: 1,
        };
        let headers = table.reader.headers().cloned();
        let headers = headers.map_err(|error| table.csv(&error))?;
        for name in needed.iter().chain(optional) {
            let at = headers.iter().position(|header| header == *name);
            if at.is_none() && needed.contains(name) {
                return Err(table.wrong(LoadProblem::Column(name)));
            }
            table.columns.push((name, at));
        }
        Ok(table)
    }

    /// Goes to the next row; false at the end.
    pub(super) fn advance(&mut self) -> Result<bool, LoadError> {
        let read = self.reader.read_record(&mut self.record);
        let is_row = read.map_err(|error| self.csv(&error))?;
        if let Some(position) = self.record.position().filter(|_| is_row) {
            self.line = position.line();
        }
        Ok(is_row)
    }

    /// The field of this row, or none where the table has no such column.
    pub(super) fn field(&self, column: &'static str) -> Option<&str> {
        let (_, at) = self.columns.iter().find(|(name, _)| *name == column)?;
        self.record.get((*at)?)
    }

    /// A field that is there and not empty, read by `read`.
    pub(super) fn read<T>(
        &self,
        column: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, LoadError> {
        let text = self.field(column).unwrap_or_default();
        read(text).ok_or_else(|| {
            let text = text.chars().take(40).collect();
            self.wrong(LoadProblem::Field { column, text })
        })
    }

    pub(super) fn wrong(&self, problem: LoadProblem) -> LoadError {
        LoadError {
            file: self.file.to_owned(),
            line: self.line,
            problem,
        }
    }

    fn csv(&self, error: &csv::Error) -> LoadError {
        LoadError {
            file: self.file.to_owned(),
            line: error.position().map_or(self.line, csv::Position::line),
            problem: LoadProblem::Csv(error.to_string()),
        }
    }
}
