//! What somebody reads who has a disk and nothing else.

use std::path::Path;

use super::words::{self, Broken};

/// The first of these words that stands in a file of a folder.
pub(super) fn readable<'w>(dir: &Path, wanted: &[&'w str]) -> Result<Option<&'w str>, Broken> {
    let listed = std::fs::read_dir(dir).map_err(|error| words::no_folder(&error))?;
    for file in listed.flatten().filter(|file| file.path().is_file()) {
        let bytes = std::fs::read(file.path()).map_err(|error| words::no_folder(&error))?;
        let has = |word: &&&str| {
            bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes())
        };
        if let Some(word) = wanted.iter().find(has) {
            return Ok(Some(word));
        }
    }
    Ok(None)
}
