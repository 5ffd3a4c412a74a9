//! A home whose database is encrypted: what opens it, and what is closed under the same key.

use std::path::{Path, PathBuf};
use std::{fs, io};

use hopluu_store::limits::WRAPPED_BYTES_MAX;
use hopluu_store::{Encryption, OpenOptions, Store, is_plain};
use zeroize::Zeroizing;

use super::{Home, HomeError, KEY_NEXT};
use crate::setup::SetupError;
use crate::wrapped::{self, Secret, SecretError, SecretKind, WrappedKey, draw_key};

/// The wrapped key, within the home.
const WRAPPED: &str = "store.key";

impl Home {
    /// Which secrets open the node of this folder; none where it is not encrypted.
    ///
    /// # Errors
    /// When the wrapped key cannot be read.
    pub fn opened_by(dir: &Path) -> Result<Vec<SecretKind>, HomeError> {
        let wrapped = wrapped_key(dir)?;
        Ok(wrapped.map(|wrapped| wrapped.kinds()).unwrap_or_default())
    }

    /// Opens an encrypted home; one that is not needs no secret and takes none.
    ///
    /// # Errors
    /// When no secret is given, or another than the home's, or its wrapped key is lost. Nothing is changed.
    pub fn unlock(&mut self, secret: Option<&Secret>) -> Result<(), HomeError> {
        let Some(wrapped) = wrapped_key(&self.dir)? else {
            return if self.is_key_closed() {
                Err(self.lost_wrapped())
            } else {
                Ok(())
            };
        };
        let secret = secret.ok_or_else(|| HomeError::Closed(self.dir.clone()))?;
        let key = wrapped.open(secret).map_err(|error| self.wrong(error))?;
        let wrapped = wrapped.text().into_bytes().into();
        self.encryption = Some(Encryption { key, wrapped });
        Ok(())
    }

    /// Whether it is encrypted, or about to be.
    pub(crate) fn has_wrapped_key(&self) -> bool {
        self.dir.join(WRAPPED).exists()
    }

    pub(crate) fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }

    /// How the database is opened.
    ///
    /// # Errors
    /// When it is encrypted and was not [unlocked](Self::unlock).
    pub(crate) fn options(&self, options: OpenOptions) -> Result<OpenOptions, HomeError> {
        if self.encryption.is_none() && self.has_wrapped_key() {
            return Err(HomeError::Closed(self.dir.clone()));
        }
        Ok(options.encrypted(self.encryption.clone()))
    }

    /// Opens the database.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn store(&self) -> Result<Store, SetupError> {
        let options = self.options(OpenOptions::existing())?;
        Ok(Store::open(&self.database(), &options)?)
    }

    /// A home that begins is encrypted from its first byte on. One that was cut short goes on with the
    /// key that it had.
    pub(crate) fn begin_encryption(&mut self, secret: Option<&Secret>) -> Result<(), HomeError> {
        match secret {
            Some(secret) if !self.has_wrapped_key() => {
                let encryption = self.draw_encryption(secret)?;
                self.write_wrapped(&encryption.wrapped)?;
                self.encryption = Some(encryption);
                Ok(())
            }
            secret => self.unlock(secret),
        }
    }

    /// A new key, wrapped by a secret and not yet on disk.
    pub(crate) fn draw_encryption(&self, secret: &Secret) -> Result<Encryption, HomeError> {
        let mut wrapped = WrappedKey::default();
        let draw = draw_key().and_then(|key| {
            wrapped.put(&key, secret)?;
            Ok(key)
        });
        let key = draw.map_err(|error| self.wrong(error))?;
        let wrapped = wrapped.text().into_bytes().into();
        Ok(Encryption { key, wrapped })
    }

    /// Wraps the same key by another secret as well, or in place of one of its kind.
    pub(crate) fn rewrap(&mut self, secret: &Secret) -> Result<(), HomeError> {
        let wrapped = wrapped_key(&self.dir)?;
        let (Some(mut wrapped), Some(encryption)) = (wrapped, self.encryption.clone()) else {
            return Err(HomeError::NotEncrypted(self.dir.clone()));
        };
        let put = wrapped.put(&encryption.key, secret);
        put.map_err(|error| self.wrong(error))?;
        let text = wrapped.text();
        self.write_wrapped(text.as_bytes())?;
        let wrapped = text.into_bytes().into();
        self.encryption = Some(Encryption {
            wrapped,
            ..encryption
        });
        Ok(())
    }

    pub(crate) fn write_wrapped(&self, wrapped: &[u8]) -> Result<(), HomeError> {
        self.write(WRAPPED, wrapped)
    }

    pub(crate) fn set_encryption(&mut self, encryption: Option<Encryption>) {
        self.encryption = encryption;
    }

    /// Forgets the wrapped key of a home that is encrypted no more.
    pub(crate) fn remove_wrapped(&mut self) -> Result<(), HomeError> {
        let path = self.dir.join(WRAPPED);
        let removed = fs::remove_file(&path).and_then(|()| fs::File::open(&self.dir)?.sync_all());
        self.encryption = None;
        removed.map_err(|source| HomeError::File { path, source })
    }

    /// What a secret file of the home says.
    pub(super) fn opened(&self, path: &Path, text: &str) -> Result<Zeroizing<String>, HomeError> {
        if !wrapped::is_closed(text) {
            return Ok(Zeroizing::new(text.to_owned()));
        }
        let Some(encryption) = &self.encryption else {
            return Err(if self.has_wrapped_key() {
                HomeError::Closed(self.dir.clone())
            } else {
                self.lost_wrapped()
            });
        };
        wrapped::open(&encryption.key, text).ok_or_else(|| HomeError::Key(path.to_owned()))
    }

    /// A secret as it is written into a file of the home.
    pub(super) fn closed(&self, text: &str) -> Result<Zeroizing<String>, HomeError> {
        match &self.encryption {
            None => Ok(Zeroizing::new(text.to_owned())),
            Some(encryption) => {
                let closed = wrapped::close(&encryption.key, text);
                let closed = closed.map_err(|error| self.wrong(error))?;
                Ok(Zeroizing::new(closed))
            }
        }
    }

    /// Whether the key of the node is closed under that of its database.
    pub(crate) fn is_key_closed(&self) -> bool {
        self.is_closed("key")
    }

    fn is_closed(&self, name: &str) -> bool {
        let key = fs::read_to_string(self.dir.join(name));
        key.is_ok_and(|text| wrapped::is_closed(&text))
    }

    /// What of an encrypted home anybody can read who has the disk: databases that were kept when another
    /// took their place, and whatever was not closed yet.
    pub(crate) fn readable_by_anybody(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.is_file() && is_plain(&path)? {
                found.push(path);
            }
        }
        for name in ["key", KEY_NEXT] {
            let key = self.dir.join(name);
            if key.exists() && !self.is_closed(name) {
                found.push(key);
            }
        }
        found.sort();
        Ok(found)
    }

    fn lost_wrapped(&self) -> HomeError {
        HomeError::HalfWritten {
            dir: self.dir.clone(),
            missing: WRAPPED,
        }
    }

    fn wrong(&self, source: SecretError) -> HomeError {
        let dir = self.dir.clone();
        HomeError::Secret { dir, source }
    }
}

fn wrapped_key(dir: &Path) -> Result<Option<WrappedKey>, HomeError> {
    let path = dir.join(WRAPPED);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        // Where a file stands in the folder's place there is no key either, and whoever wants the folder says so.
        Err(error)
            if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) =>
        {
            return Ok(None);
        }
        Err(source) => return Err(HomeError::File { path, source }),
    };
    let parsed = if bytes.len() > WRAPPED_BYTES_MAX {
        Err(SecretError::Damaged)
    } else {
        WrappedKey::parse(&bytes)
    };
    parsed.map(Some).map_err(|source| HomeError::Secret {
        dir: dir.to_owned(),
        source,
    })
}
