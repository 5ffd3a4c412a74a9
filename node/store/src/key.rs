//! The key of a database that is encrypted at rest, and what a copy carries so that its owner can open it.
//!
//! ```text
//! store.db     pages, encrypted by SQLCipher under the key
//! a copy       pages | the wrapped key, opaque here | its length | MARK
//! ```
//! What wraps a key (a passphrase, a key file) is the caller's affair; the store takes the key as it is.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::limits::WRAPPED_BYTES_MAX;

/// Begins every database that is not encrypted. An encrypted one begins with chance.
pub(crate) const PLAIN_HEADER: &[u8; 16] = b"SQLite format 3\0";

/// Ends a copy that carries its wrapped key.
const MARK: &[u8; 8] = b"HLuuKEY1";

/// What a database is encrypted under. Leaves memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseKey(Zeroizing<[u8; Self::LEN]>);

impl DatabaseKey {
    /// Bytes of a key: AES-256.
    pub const LEN: usize = 32;

    /// A key of these bytes, which whoever makes a database has drawn.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; Self::LEN]>) -> Self {
        Self(bytes)
    }

    /// The bytes, to wrap them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// As SQLCipher reads a key that no passphrase is to be made of: `x'..'`.
    pub(crate) fn raw(&self) -> Zeroizing<String> {
        // Room for all of it: a text that grows leaves pieces behind.
        let mut text = Zeroizing::new(String::with_capacity(2 * Self::LEN + 3));
        text.push_str("x'");
        for byte in self.0.iter() {
            // A text takes whatever is written into it.
            let _written = write!(text, "{byte:02x}");
        }
        text.push('\'');
        text
    }
}

impl fmt::Debug for DatabaseKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("DatabaseKey(..)")
    }
}

/// How a database is encrypted.
#[derive(Debug, Clone)]
pub struct Encryption {
    /// The key.
    pub key: DatabaseKey,
    /// The same key, wrapped: what copies carry at their end, so that they can be opened where the
    /// database is gone.
    pub wrapped: Arc<[u8]>,
}

/// Whether a file is a database that anybody can read.
///
/// # Errors
/// When it cannot be read.
pub fn is_plain(path: &Path) -> io::Result<bool> {
    let mut header = Vec::new();
    let bytes = PLAIN_HEADER.len() as u64;
    File::open(path)?.take(bytes).read_to_end(&mut header)?;
    Ok(header == PLAIN_HEADER)
}

/// The wrapped key at the end of a copy; none where there is no such end.
///
/// # Errors
/// When the file cannot be read.
pub fn wrapped_of(copy: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(copy)?;
    let Some(from) = wrapped_from(&mut file)? else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    bytes.truncate(bytes.len().saturating_sub(FOOT_BYTES));
    Ok(Some(bytes))
}

/// Takes the wrapped key off a copy, so that what is left is a database and nothing else.
///
/// # Errors
/// When the file cannot be written.
pub fn strip_wrapped(copy: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(copy)?;
    if let Some(from) = wrapped_from(&mut file)? {
        file.set_len(from)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Puts the wrapped key at the end of a copy.
pub(crate) fn append_wrapped(copy: &Path, wrapped: &[u8]) -> io::Result<()> {
    let bytes = u16::try_from(wrapped.len()).ok();
    let bytes = bytes.filter(|bytes| usize::from(*bytes) <= WRAPPED_BYTES_MAX);
    let bytes = bytes.ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = OpenOptions::new().append(true).open(copy)?;
    file.write_all(wrapped)?;
    file.write_all(&bytes.to_le_bytes())?;
    file.write_all(MARK)
}

/// Length and mark.
const FOOT_BYTES: usize = 2 + MARK.len();

/// Where the wrapped key begins.
fn wrapped_from(file: &mut File) -> io::Result<Option<u64>> {
    let end = file.seek(SeekFrom::End(0))?;
    let Some(foot_from) = end.checked_sub(FOOT_BYTES as u64) else {
        return Ok(None);
    };
    file.seek(SeekFrom::Start(foot_from))?;
    let mut foot = [0; FOOT_BYTES];
    file.read_exact(&mut foot)?;
    let [low, high, mark @ ..] = &foot;
    let bytes = u16::from_le_bytes([*low, *high]);
    if mark != MARK || usize::from(bytes) > WRAPPED_BYTES_MAX {
        return Ok(None);
    }
    Ok(foot_from.checked_sub(u64::from(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_to_the_library_and_to_nobody_else() {
        let key = DatabaseKey::new(Zeroizing::new([0xa5; 32]));
        assert_eq!(*key.raw(), format!("x'{}'", "a5".repeat(32)));
        assert_eq!(format!("{key:?}"), "DatabaseKey(..)");
    }

    #[test]
    fn a_copy_carries_its_wrapped_key_and_is_the_same_without_it() {
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("copy.db");
        for pages in [&b""[..], b"short", &[7; 9_000]] {
            std::fs::write(&copy, pages).unwrap();
            assert_eq!(wrapped_of(&copy).unwrap(), None);
            append_wrapped(&copy, b"wrapped").unwrap();
            assert_eq!(wrapped_of(&copy).unwrap().unwrap(), b"wrapped");
            strip_wrapped(&copy).unwrap();
            strip_wrapped(&copy).unwrap();
            assert_eq!(std::fs::read(&copy).unwrap(), pages);
        }
        let error = append_wrapped(&copy, &vec![0; WRAPPED_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        append_wrapped(&copy, &vec![0; WRAPPED_BYTES_MAX]).unwrap();
        // An end that claims more than there is, or more than any key has, is no key.
        std::fs::write(&copy, [&[9, 0][..], MARK].concat()).unwrap();
        assert_eq!(wrapped_of(&copy).unwrap(), None);
        std::fs::write(&copy, [&vec![0; 70_000][..], &[0xff, 0xff], MARK].concat()).unwrap();
        assert_eq!(wrapped_of(&copy).unwrap(), None);
    }
}
