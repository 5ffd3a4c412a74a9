//! A home that gets its database again from a backup.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hopluu_model::Epoch;
use hopluu_store::{
    DatabaseKey, OpenError, OpenOptions, Store, convert, is_plain, opens, restore_check,
    strip_wrapped, wrapped_of,
};

use crate::home::Home;
use crate::placing;
use crate::setup::{SetupError, fresh_epoch, identity_of};
use crate::wrapped::{Secret, WrappedKey};

/// What a restore brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The store's new life.
    pub epoch: Epoch,
    /// Documents in the backup.
    pub documents: u64,
    /// Where the database that was there before is kept.
    pub kept: Option<PathBuf>,
}

/// What opens an encrypted home, and a backup.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The home's.
    pub home: Option<Secret>,
    /// The backup's, where it was made under another key than the home's.
    pub backup: Option<Secret>,
}

/// Puts a backup in the place of the database, encrypted as the home is. It begins a new life, so that
/// every peer notices and gives back what came after the backup.
///
/// # Errors
/// When the backup is damaged, of another node, or cannot be opened or copied; the home is as it was.
pub fn restore(dir: &Path, backup: &Path, secrets: &Secrets) -> Result<Restored, SetupError> {
    let mut home = Home::open_for_restore(dir)?;
    if take_back_wrapped(&home, backup)? {
        let secret = secrets.backup.as_ref().or(secrets.home.as_ref());
        if let Err(error) = home.unlock(secret).and_then(|()| home.signer()) {
            // It is not that of this home, or stays closed: another backup may carry the right one.
            home.remove_wrapped()?;
            return Err(error.into());
        }
    } else {
        home.unlock(secrets.home.as_ref())?;
    }
    let key = key_of_backup(&home, backup, secrets)?;
    restore_check(backup, key.as_ref())?;
    let database = home.database();
    let draft = placing::draft(&database).map_err(file("making room for the backup"))?;
    let prepared = copy_backup(&home, backup, key.as_ref(), &draft);
    let (epoch, documents) = match prepared.and_then(|()| prepare(&draft, &home)) {
        Ok(prepared) => prepared,
        Err(error) => {
            // The half-prepared copy is worth nothing; the error that matters is the first.
            let _left_behind = placing::remove(&draft);
            return Err(error);
        }
    };
    let kept = placing::place(&draft, &database, "before-restore");
    let kept = kept.map_err(file("putting the backup in place"))?;
    Ok(Restored {
        epoch,
        documents,
        kept,
    })
}

/// A home whose wrapped key is lost gets it back from a backup: without it its own key is noise.
fn take_back_wrapped(home: &Home, backup: &Path) -> Result<bool, SetupError> {
    if home.has_wrapped_key() || !home.is_key_closed() || !backup.exists() {
        return Ok(false);
    }
    let carried = wrapped_of(backup).map_err(unread(backup))?;
    if let Some(wrapped) = &carried {
        home.write_wrapped(wrapped)?;
    }
    Ok(carried.is_some())
}

/// The key of a backup: the home's own, or one that it carries.
fn key_of_backup(
    home: &Home,
    backup: &Path,
    secrets: &Secrets,
) -> Result<Option<DatabaseKey>, SetupError> {
    // What is not there, or is no database, the check names.
    if !backup.exists() || is_plain(backup).map_err(unread(backup))? {
        return Ok(None);
    }
    if let Some(own) = home.encryption()
        && opens(backup, &own.key)?
    {
        return Ok(Some(own.key.clone()));
    }
    let carried = wrapped_of(backup).map_err(unread(backup))?;
    let Some(wrapped) = carried else {
        return Ok(None);
    };
    let secret = secrets.backup.as_ref().or(secrets.home.as_ref());
    let secret = secret.ok_or(SetupError::BackupClosed(None))?;
    let opened = WrappedKey::parse(&wrapped).and_then(|wrapped| wrapped.open(secret));
    opened
        .map(Some)
        .map_err(|error| SetupError::BackupClosed(Some(error)))
}

/// Copies a backup, under the key of the home if it has another.
fn copy_backup(
    home: &Home,
    backup: &Path,
    key: Option<&DatabaseKey>,
    draft: &Path,
) -> Result<(), SetupError> {
    let own = home.encryption().map(|encryption| &encryption.key);
    let copied = |to: &Path| {
        let mut from = File::open(backup)?;
        let mut create = File::options();
        let create = create.write(true).create_new(true).mode(0o600);
        io::copy(&mut from, &mut create.open(to)?)?;
        strip_wrapped(to)
    };
    if own == key {
        return copied(draft).map_err(file("copying the backup"));
    }
    // The backup may lie where nothing can be written, which SQLite does even to read.
    let beside = placing::copy(&home.database())
        .and_then(|beside| copied(&beside).map(|()| beside))
        .map_err(file("copying the backup"))?;
    let made = convert(&beside, key, draft, own).map_err(SetupError::Open);
    placing::remove(&beside).map_err(file("removing the copy of the backup"))?;
    made
}

/// What is no file, or cannot be read, is no backup.
fn unread(backup: &Path) -> impl Fn(io::Error) -> SetupError {
    let path = backup.to_owned();
    move |source| {
        let path = path.clone();
        SetupError::Open(OpenError::File { path, source })
    }
}

fn file(what: &'static str) -> impl Fn(io::Error) -> SetupError {
    move |source| SetupError::File { what, source }
}

fn prepare(copy: &Path, home: &Home) -> Result<(Epoch, u64), SetupError> {
    let options = home.options(OpenOptions::existing())?;
    let store = Store::open(copy, &options)?;
    identity_of(&store, home.signer()?)?;
    let epoch = fresh_epoch();
    store
        .write(move |tx| {
            // A ticket used since the backup would be good again.
            tx.void_open_tickets()?;
            // So would a session that was ended since.
            tx.end_sessions(None)?;
            tx.set_epoch(epoch)
        })
        .map_err(|error| SetupError::Write(error.to_string()))?;
    let documents = store.read()?.doc_count()?;
    store.close()?;
    Ok((epoch, documents))
}
