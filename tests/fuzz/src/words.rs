//! What people write and superiors hand down: forms and tables of units.

use hopluu_form::Form;
use hopluu_form::limits::MISTAKES_MAX;
use hopluu_model::tree::{TreeManifest, load_snapshots};

/// A form, as its text.
pub fn forms(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match Form::parse(text) {
        Ok(form) => {
            let again = Form::parse(form.source()).expect("what was read reads again");
            assert_eq!(again.digest(), form.digest());
        }
        Err(errors) => assert!(errors.mistakes.len() <= MISTAKES_MAX),
    }
}

/// A manifest and the tables that it names, parted by lines of `---`.
pub fn units(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut files = text.split("\n---\n");
    let Ok(manifest) = TreeManifest::parse(files.next().unwrap_or_default()) else {
        return;
    };
    let tables: Vec<&str> = files.collect();
    let named: Vec<&str> = manifest.files().collect();
    let read = |name: &str| {
        let at = named.iter().position(|file| *file == name)?;
        tables.get(at).map(|table| (*table).to_owned())
    };
    if let Ok(tree) = load_snapshots(&manifest, &read) {
        let again = hopluu_model::UnitTree::decode(&tree.encode());
        assert_eq!(again.map(|again| again.version()), Ok(tree.version()));
    }
}
