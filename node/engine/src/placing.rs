//! Puts one database in the place of another, so that a cut at any moment leaves a whole one there.
//!
//! ```text
//! store.draft        made beside the old one; a cut leaves it to be thrown away
//! store.copy         what the draft is made of, where that lies elsewhere
//! store.next         the draft, whole and on disk: from this name on it is the database
//! store.KEPT-1 ...   the old one with its log, kept
//! ```
//! Whoever takes the folder next finishes what a cut has left.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A database, and what SQLite keeps beside it, the database last: while that is there its log is its
/// own.
const PARTS: [&str; 3] = ["-wal", "-shm", ""];

/// What the old database is called where a cut has left no better word.
const REPLACED: &str = "replaced";

/// Where what a draft is made of lies for as long as that takes, free of what an earlier one has left.
pub(crate) fn copy(database: &Path) -> io::Result<PathBuf> {
    let copy = database.with_extension("copy");
    remove(&copy)?;
    Ok(copy)
}

/// Throws away what a cut has left of drafts: nobody else works in the folder.
pub(crate) fn clear(database: &Path) -> io::Result<()> {
    draft(database).and_then(|_| copy(database)).map(drop)
}

/// Where a new database is made, free of what an earlier one has left there: a log that is not its
/// own would be read into it.
pub(crate) fn draft(database: &Path) -> io::Result<PathBuf> {
    let draft = database.with_extension("draft");
    remove(&draft)?;
    Ok(draft)
}

/// Removes a database with its log.
pub(crate) fn remove(database: &Path) -> io::Result<()> {
    for part in PARTS {
        match fs::remove_file(with_suffix(database, part)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Removes all databases that [`place`] has kept under an extension.
pub(crate) fn remove_kept(database: &Path, kept: &str) -> io::Result<()> {
    let mut prefix = database.file_stem().unwrap_or_default().to_owned();
    prefix.push(format!(".{kept}-"));
    for entry in fs::read_dir(folder(database))? {
        let entry = entry?;
        let name = entry.file_name();
        if name
            .as_encoded_bytes()
            .starts_with(prefix.as_encoded_bytes())
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Puts a finished draft in the place of the database. What was there is kept under an extension of
/// its own, and where is answered.
pub(crate) fn place(draft: &Path, database: &Path, kept: &str) -> io::Result<Option<PathBuf>> {
    File::open(draft)?.sync_all()?;
    fs::rename(draft, next(database))?;
    sync_folder(database)?;
    put(database, kept)
}

/// Whether a database is waiting to be put in its place.
pub(crate) fn is_unfinished(database: &Path) -> bool {
    next(database).exists()
}

/// Finishes what a cut has left.
pub(crate) fn finish(database: &Path) -> io::Result<()> {
    if is_unfinished(database) {
        tracing::warn!("a new database was not in its place yet");
        put(database, REPLACED)?;
    }
    Ok(())
}

fn put(database: &Path, kept: &str) -> io::Result<Option<PathBuf>> {
    let kept = set_aside(database, kept)?;
    sync_folder(database)?;
    fs::rename(next(database), database)?;
    sync_folder(database)?;
    Ok(kept)
}

/// Moves a database with its log out of the way, under the first number that is free: what an
/// earlier one has kept is never written over. The log goes even where its database has gone before,
/// or the next one would take it for its own.
fn set_aside(database: &Path, kept: &str) -> io::Result<Option<PathBuf>> {
    let kept = (1_u32..)
        .map(|number| database.with_extension(format!("{kept}-{number}")))
        .find(|kept| !kept.exists())
        .ok_or(io::ErrorKind::AlreadyExists)?;
    let mut is_moved = false;
    for part in PARTS {
        let from = with_suffix(database, part);
        if from.exists() {
            fs::rename(from, with_suffix(&kept, part))?;
            is_moved = true;
        }
    }
    Ok(is_moved.then_some(kept))
}

fn next(database: &Path) -> PathBuf {
    database.with_extension("next")
}

fn sync_folder(database: &Path) -> io::Result<()> {
    File::open(folder(database))?.sync_all()
}

fn folder(database: &Path) -> &Path {
    database.parent().unwrap_or(Path::new("."))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What lies in a folder, by name.
    fn holds(dir: &Path) -> Vec<(String, String)> {
        let files = fs::read_dir(dir).unwrap().map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read_to_string(entry.path()).unwrap())
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        files
    }

    fn put_files(dir: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            fs::write(dir.join(name), text).unwrap();
        }
    }

    #[test]
    fn a_draft_is_put_in_place_and_the_old_one_kept_with_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("store.db");
        let left = [("store.draft", "cut"), ("store.draft-wal", "short")];
        put_files(dir.path(), &left);
        let draft = draft(&database).unwrap();
        assert_eq!(holds(dir.path()), [], "nothing is left of an earlier draft");
        for number in ["1", "2"] {
            put_files(dir.path(), &[("store.db", "old"), ("store.db-wal", "log")]);
            fs::write(&draft, "new").unwrap();
            let kept = place(&draft, &database, "kept").unwrap().unwrap();
            assert_eq!(kept, dir.path().join(format!("store.kept-{number}")));
            assert_eq!(fs::read_to_string(&database).unwrap(), "new");
            assert!(!with_suffix(&database, "-wal").exists());
            assert_eq!(
                fs::read_to_string(with_suffix(&kept, "-wal")).unwrap(),
                "log"
            );
        }
    }

    /// Every state that a cut can leave after the draft was whole.
    #[test]
    fn whatever_a_cut_leaves_is_finished_by_the_next() {
        let whole: &[(&str, &str)] = &[("store.db", "old"), ("store.db-wal", "log")];
        let parted: &[(&str, &str)] = &[("store.db", "old"), ("store.replaced-1-wal", "log")];
        let moved: &[(&str, &str)] =
            &[("store.replaced-1", "old"), ("store.replaced-1-wal", "log")];
        for left in [whole, parted, moved] {
            let dir = tempfile::tempdir().unwrap();
            let database = dir.path().join("store.db");
            put_files(dir.path(), left);
            put_files(dir.path(), &[("store.next", "new")]);
            assert!(is_unfinished(&database));
            finish(&database).unwrap();
            finish(&database).unwrap();
            let expected = [
                ("store.db", "new"),
                ("store.replaced-1", "old"),
                ("store.replaced-1-wal", "log"),
            ];
            let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
            assert_eq!(holds(dir.path()), expected);
        }
    }
}
