//! The units and forms that come with the program, and those of a folder in their place.

use std::path::{Path, PathBuf};

use hopluu_form::Form;
use hopluu_model::tree::{TreeManifest, UnitTree, load_snapshots};

use crate::failure::Failure;
use crate::limits::{FORM_BYTES_MAX, UNITS_BYTES_MAX};
use crate::text;

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../../config/units/", $name)))),+]
    };
}

const MANIFEST: &str = include_str!("../../../config/units/tree.toml");

const TABLES: [(&str, &str); 6] = shipped![
    "units-2024.csv",
    "units-2025h1.csv",
    "units-2025.csv",
    "mapping-2024-to-2025h1.csv",
    "mapping-2025.csv",
    "provinces-2025.csv",
];

const FORMS: [&str; 2] = [
    include_str!("../../../config/forms/pcmd-review.toml"),
    include_str!("../../../config/forms/flood-quick.toml"),
];

/// The unit tree of a folder, or the one that comes with the program.
pub(crate) fn tree_or(dir: Option<&Path>) -> Result<UnitTree, Failure> {
    match dir {
        Some(dir) => tree_of(dir),
        None => tree(),
    }
}

/// Forms of files, or those that come with the program, for everybody below.
pub(crate) fn forms_or(files: &[PathBuf]) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let forms = match files {
        [] => forms(),
        files => files
            .iter()
            .map(|path| form_of(path))
            .collect::<Result<_, _>>()?,
    };
    Ok(forms
        .into_iter()
        .map(|source| (source, Vec::new()))
        .collect())
}

/// The unit tree that comes with the program.
pub(crate) fn tree() -> Result<UnitTree, Failure> {
    let table = |name: &str| {
        let found = TABLES.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| (*text).to_owned())
    };
    load(MANIFEST, &table)
}

/// The unit tree of a folder with `tree.toml` and its tables.
pub(crate) fn tree_of(dir: &Path) -> Result<UnitTree, Failure> {
    let manifest = crate::cmd::input::read_file(&dir.join("tree.toml"), UNITS_BYTES_MAX)?;
    // A table that cannot be read is named by the loader, with the line that asks for it.
    let table = |name: &str| crate::cmd::input::read_file(&dir.join(name), UNITS_BYTES_MAX).ok();
    load(&manifest, &table)
}

fn load(manifest: &str, table: &dyn Fn(&str) -> Option<String>) -> Result<UnitTree, Failure> {
    let loaded =
        TreeManifest::parse(manifest).and_then(|manifest| load_snapshots(&manifest, table));
    loaded.map_err(|error| text::fail::units(&error))
}

/// The forms that come with the program.
pub(crate) fn forms() -> Vec<String> {
    FORMS.iter().map(|source| (*source).to_owned()).collect()
}

/// A form file, checked.
pub(crate) fn form_of(path: &Path) -> Result<String, Failure> {
    let source = crate::cmd::input::read_file(path, FORM_BYTES_MAX)?;
    match Form::parse(&source) {
        Ok(_) => Ok(source),
        Err(errors) => Err(text::fail::form(path, &errors)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_with_the_program_can_be_read() {
        let tree = tree().unwrap();
        for code in ["45@2024-05-01", "465@2024-05-01", "19429@2025-07-01"] {
            tree.resolve(code, None).unwrap();
        }
        let manifest = TreeManifest::parse(MANIFEST).unwrap();
        for file in manifest.files() {
            assert!(TABLES.iter().any(|(name, _)| *name == file), "{file}");
        }
        for source in forms() {
            Form::parse(&source).unwrap();
        }
    }
}
