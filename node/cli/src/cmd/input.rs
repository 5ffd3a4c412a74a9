//! What a command reads: files and standard input, bounded, in UTF-8.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use hopluu_form::Form;

use crate::failure::Failure;
use crate::text;

/// A file's text.
pub(crate) fn read_file(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let file = File::open(path).map_err(|error| text::fail::file(path, &error))?;
    read(file, path, bytes_max)
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn read_given(path: &Path, bytes_max: u64) -> Result<String, Failure> {
    if is_standard_input(path) {
        read(io::stdin().lock(), path, bytes_max)
    } else {
        read_file(path, bytes_max)
    }
}

/// Whether a path means standard input.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn read(from: impl Read, path: &Path, bytes_max: u64) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(bytes_max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| text::fail::file(path, &error))?;
    // Before it is taken for text: the bound may have cut a letter in two.
    if bytes.len() as u64 > bytes_max {
        return Err(text::fail::too_large(path, bytes_max));
    }
    let text = String::from_utf8(bytes).map_err(|_| text::fail::not_utf8(path))?;
    // Spreadsheets begin their files with a mark that is no part of the text.
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

/// The node's form, as this program reads it.
pub(crate) fn form(source: &str, id: &str) -> Result<Form, Failure> {
    Form::parse(source).map_err(|_| text::fail::foreign_form(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_has_a_bound_and_no_mark() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, "\u{feff}code").unwrap();
        assert_eq!(read_file(&path, 7).unwrap(), "code");
        assert_eq!(
            read_file(&path, 6).unwrap_err().problem().unwrap().code,
            "M-2010"
        );
        std::fs::write(&path, "mưa").unwrap();
        assert_eq!(
            read_file(&path, 1).unwrap_err().problem().unwrap().code,
            "M-2010",
            "the bound lies within a letter"
        );
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(
            read_file(&path, 6).unwrap_err().problem().unwrap().code,
            "M-2009"
        );
    }
}
