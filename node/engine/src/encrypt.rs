//! Encrypts a home that is there, decrypts it again, and wraps its key anew. A cut at any moment leaves
//! a home that the same command finishes: the database is replaced only by one that is whole.

use std::path::{Path, PathBuf};

use hopluu_store::{DatabaseKey, Finding, convert, is_plain, restore_check};

use crate::home::{Home, HomeError};
use crate::placing;
use crate::setup::SetupError;
use crate::wrapped::Secret;

/// The database that was replaced, until it is thrown away.
const PLAIN: &str = "plain";
const ENCRYPTED: &str = "encrypted";

/// What became of a home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// What of it can still be read by anybody who has the disk.
    pub readable: Vec<PathBuf>,
}

/// Encrypts the database and the key of a node that does not run.
///
/// # Errors
/// When the home is not whole or in use, the database is damaged or the disk full; the home is as it was,
/// or half-way, and the same call goes on.
pub fn encrypt(dir: &Path, secret: &Secret) -> Result<Converted, SetupError> {
    let mut home = Home::open(dir)?;
    home.unlock(Some(secret))?;
    // A home that was cut half-way has its key already.
    let encryption = match home.encryption() {
        Some(encryption) => encryption.clone(),
        None => home.draw_encryption(secret)?,
    };
    let database = home.database();
    if is_plain(&database).map_err(file("reading the database"))? {
        let (signer, next) = (home.signer()?, home.next_key()?);
        let draft = converted(&database, None, Some(&encryption.key))?;
        // Before its database: without it that would be noise.
        home.write_wrapped(&encryption.wrapped)?;
        home.set_encryption(Some(encryption));
        replace(&draft, &database, PLAIN)?;
        home.write_next_key(next.as_ref())?;
        home.write_key(&signer)?;
    } else if !home.is_key_closed() {
        let (signer, next) = (home.signer()?, home.next_key()?);
        home.write_next_key(next.as_ref())?;
        home.write_key(&signer)?;
    }
    forget(&database, PLAIN)?;
    let readable = home.readable_by_anybody();
    let readable = readable.map_err(file("looking through the folder"))?;
    Ok(Converted { readable })
}

/// Decrypts the database and the key of a node that does not run.
///
/// # Errors
/// As for [`encrypt`], and when it is not encrypted.
pub fn decrypt(dir: &Path, secret: &Secret) -> Result<(), SetupError> {
    let mut home = Home::open(dir)?;
    home.unlock(Some(secret))?;
    let Some(encryption) = home.encryption().cloned() else {
        return Err(HomeError::NotEncrypted(dir.to_owned()).into());
    };
    let (signer, next) = (home.signer()?, home.next_key()?);
    let database = home.database();
    if !is_plain(&database).map_err(file("reading the database"))? {
        let draft = converted(&database, Some(&encryption.key), None)?;
        replace(&draft, &database, ENCRYPTED)?;
    }
    forget(&database, ENCRYPTED)?;
    home.set_encryption(None);
    home.write_next_key(next.as_ref())?;
    home.write_key(&signer)?;
    // Last: until here it opens what is left.
    home.remove_wrapped()?;
    Ok(())
}

/// Wraps the key of an encrypted home by a new secret, in place of the old one of its kind. What was
/// copied of the folder before is still opened by the old one.
///
/// # Errors
/// When the home is not encrypted, or the secret that should open it does not.
pub fn rewrap(dir: &Path, secret: &Secret, new: &Secret) -> Result<(), SetupError> {
    let mut home = Home::open(dir)?;
    home.unlock(Some(secret))?;
    Ok(home.rewrap(new)?)
}

/// The same database under another key, beside it, checked.
fn converted(
    database: &Path,
    from: Option<&DatabaseKey>,
    to: Option<&DatabaseKey>,
) -> Result<PathBuf, SetupError> {
    let draft = placing::draft(database).map_err(file("making room for the new database"))?;
    let made = convert(database, from, &draft, to)
        .and_then(|()| restore_check(&draft, to))
        .map_err(SetupError::Open)
        .and_then(|report| sound(report.findings));
    if let Err(error) = made {
        // It is worth nothing; the error that matters is the first.
        let _left_behind = placing::remove(&draft);
        return Err(error);
    }
    Ok(draft)
}

fn sound(findings: Vec<Finding>) -> Result<(), SetupError> {
    match findings.into_iter().next() {
        None => Ok(()),
        Some(finding) => Err(SetupError::Unsound(finding.found)),
    }
}

/// Puts the new database in place of the old one.
fn replace(draft: &Path, database: &Path, kept: &str) -> Result<(), SetupError> {
    let kept = placing::place(draft, database, kept);
    kept.map(drop).map_err(file("replacing the database"))
}

/// Throws the old one away, also where an earlier call was cut before it did.
fn forget(database: &Path, kept: &str) -> Result<(), SetupError> {
    placing::remove_kept(database, kept).map_err(file("removing the old database"))
}

fn file(what: &'static str) -> impl Fn(std::io::Error) -> SetupError {
    move |source| SetupError::File { what, source }
}
