//! The key of an encrypted home, wrapped by what its owner has: a passphrase, a key file, or either.
//!
//! ```text
//! database key (drawn once)  --wrapped by-->  slot: passphrase   argon2id
//!                                             slot: key file     BLAKE3, then the same
//! HOME/store.key holds the slots, a backup carries them at its end
//! ```
//! Another passphrase wraps the same key anew: the database is not touched.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use data_encoding::HEXLOWER;
use hopluu_model::Fault;
use hopluu_net::key::{RandomError, draw};
use hopluu_store::DatabaseKey;
use hopluu_trust::{SALT_BYTES, Sealed};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::limits::{
    HOME_PASSPHRASE_CHARS_MAX, HOME_PASSPHRASE_CHARS_MIN, KEY_FILE_BYTES_MAX, KEY_FILE_BYTES_MIN,
};

/// What an owner has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretKind {
    /// Something that a person remembers.
    Passphrase,
    /// Something that lies elsewhere: on a stick, or where the machine's TPM alone opens it.
    KeyFile,
}

impl fmt::Display for SecretKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Passphrase => "passphrase",
            Self::KeyFile => "key file",
        })
    }
}

/// Why a secret opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Soon guessed.
    #[error("a passphrase has at least {HOME_PASSPHRASE_CHARS_MIN} characters")]
    PassphraseShort,
    /// No passphrase.
    #[error("a passphrase has at most {HOME_PASSPHRASE_CHARS_MAX} characters")]
    PassphraseLong,
    /// Soon guessed, or another file.
    #[error("a key file has {KEY_FILE_BYTES_MIN} to {KEY_FILE_BYTES_MAX} bytes")]
    KeyFileLength,
    /// Another one opens it.
    #[error("the {0} does not open it")]
    Wrong(SecretKind),
    /// It is opened by something else.
    #[error("no {0} opens it, something else does")]
    NoSlot(SecretKind),
    /// The slots are not what this program writes.
    #[error("the wrapped key is damaged, or of a newer program")]
    Damaged,
    /// The machine gives no random numbers.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl SecretError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Random(error) => error.fault(),
            Self::Damaged => Fault::Local,
            _ => Fault::Config,
        }
    }
}

/// What opens an encrypted home. Leaves memory when it is dropped.
#[derive(Clone)]
pub struct Secret {
    kind: SecretKind,
    /// The passphrase, or as text what follows from the key file.
    text: Zeroizing<String>,
}

impl Secret {
    /// A passphrase, as it was typed: the same letters are the same passphrase, however a keyboard
    /// composes them.
    ///
    /// # Errors
    /// When it is too short or too long to be one.
    pub fn passphrase(typed: &str) -> Result<Self, SecretError> {
        let text: Zeroizing<String> = Zeroizing::new(typed.nfc().collect());
        let chars = text.chars().count();
        if chars < HOME_PASSPHRASE_CHARS_MIN {
            return Err(SecretError::PassphraseShort);
        }
        if chars > HOME_PASSPHRASE_CHARS_MAX {
            return Err(SecretError::PassphraseLong);
        }
        let kind = SecretKind::Passphrase;
        Ok(Self { kind, text })
    }

    /// The content of a key file: bytes of chance.
    ///
    /// # Errors
    /// When it is too short to be chance, or too long to be a key.
    pub fn key_file(bytes: &[u8]) -> Result<Self, SecretError> {
        if !(KEY_FILE_BYTES_MIN..=KEY_FILE_BYTES_MAX).contains(&bytes.len()) {
            return Err(SecretError::KeyFileLength);
        }
        let key = Zeroizing::new(blake3::derive_key(
            "hopluu 2026-11 key file of a home",
            bytes,
        ));
        Ok(Self {
            kind: SecretKind::KeyFile,
            text: Zeroizing::new(HEXLOWER.encode(key.as_slice())),
        })
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> SecretKind {
        self.kind
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secret({}, ..)", self.kind)
    }
}

/// The database key in its slots, one for each kind of secret at most.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrappedKey {
    slot: Vec<Slot>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Slot {
    by: SecretKind,
    /// In hex. A key file is stretched like a passphrase: one way for both, a quarter of a second.
    sealed: String,
}

/// What a wrapped key says first, for whoever opens the file.
const ABOUT: &str = "# The key of this node's database, wrapped. Without the passphrase or the key file it is \
                     worth nothing, and without this file so are they: keep a copy.\n";

impl WrappedKey {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, SecretError> {
        let text = std::str::from_utf8(bytes).map_err(|_| SecretError::Damaged)?;
        toml::from_str(text).map_err(|_| SecretError::Damaged)
    }

    pub(crate) fn text(&self) -> String {
        let slots = toml::to_string(self).expect("slots are plain strings");
        format!("{ABOUT}{slots}")
    }

    /// Which secrets open it.
    pub(crate) fn kinds(&self) -> Vec<SecretKind> {
        self.slot.iter().map(|slot| slot.by).collect()
    }

    /// Wraps the key by a secret, in place of another of that kind.
    pub(crate) fn put(&mut self, key: &DatabaseKey, secret: &Secret) -> Result<(), SecretError> {
        let mut salt = [0; SALT_BYTES];
        draw(&mut salt)?;
        let sealed = Sealed::close(key.as_bytes(), &secret.text, salt);
        self.slot.retain(|slot| slot.by != secret.kind);
        self.slot.push(Slot {
            by: secret.kind,
            sealed: HEXLOWER.encode(sealed.as_bytes()),
        });
        Ok(())
    }

    pub(crate) fn open(&self, secret: &Secret) -> Result<DatabaseKey, SecretError> {
        let slot = self.slot.iter().find(|slot| slot.by == secret.kind);
        let slot = slot.ok_or(SecretError::NoSlot(secret.kind))?;
        let sealed = HEXLOWER.decode(slot.sealed.as_bytes());
        let sealed = sealed.map_err(|_| SecretError::Damaged)?;
        let sealed = Sealed::from_bytes(sealed).map_err(|_| SecretError::Damaged)?;
        let opened = sealed.open(&secret.text);
        let opened = opened.map_err(|_| SecretError::Wrong(secret.kind))?;
        let bytes = opened
            .first_chunk()
            .filter(|bytes| bytes.len() == opened.len());
        let bytes = bytes.ok_or(SecretError::Damaged)?;
        Ok(DatabaseKey::new(Zeroizing::new(*bytes)))
    }
}

/// A key that no home has had.
pub(crate) fn draw_key() -> Result<DatabaseKey, SecretError> {
    let mut bytes = Zeroizing::new([0; DatabaseKey::LEN]);
    draw(bytes.as_mut_slice())?;
    Ok(DatabaseKey::new(bytes))
}

/// Begins a file of the home that is closed under its database key.
const CLOSED: &str = "closed:";

/// Whether a file's text is closed.
pub(crate) fn is_closed(text: &str) -> bool {
    text.starts_with(CLOSED)
}

/// Closes a small file of the home, so that what opens the database opens it too.
pub(crate) fn close(key: &DatabaseKey, text: &str) -> Result<String, SecretError> {
    let mut nonce = [0; NONCE_BYTES];
    draw(&mut nonce)?;
    let message = Payload {
        msg: text.as_bytes(),
        aad: CLOSED.as_bytes(),
    };
    let closed = cipher(key).encrypt(&Nonce::from(nonce), message);
    let closed = closed.expect("a key is far below what the cipher takes");
    let bytes = [&nonce[..], &closed].concat();
    Ok(format!("{CLOSED}{}", HEXLOWER.encode(&bytes)))
}

/// Opens what [`close`] has closed.
pub(crate) fn open(key: &DatabaseKey, text: &str) -> Option<Zeroizing<String>> {
    let bytes = HEXLOWER
        .decode(text.trim().strip_prefix(CLOSED)?.as_bytes())
        .ok()?;
    let (nonce, closed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let message = Payload {
        msg: closed,
        aad: CLOSED.as_bytes(),
    };
    let opened = cipher(key).decrypt(&Nonce::from(*nonce), message).ok()?;
    String::from_utf8(opened).ok().map(Zeroizing::new)
}

const NONCE_BYTES: usize = 12;

fn cipher(key: &DatabaseKey) -> ChaCha20Poly1305 {
    let context = "hopluu 2026-11 files beside an encrypted database";
    let own = Zeroizing::new(blake3::derive_key(context, key.as_bytes()));
    ChaCha20Poly1305::new(&Key::from(*own))
}

#[cfg(test)]
mod tests {
    use hopluu_store::limits::WRAPPED_BYTES_MAX;

    use super::*;

    fn passphrase(text: &str) -> Secret {
        Secret::passphrase(text).unwrap()
    }

    #[test]
    fn either_secret_opens_it_and_another_passphrase_wraps_the_same_key() {
        let key = draw_key().unwrap();
        let mut wrapped = WrappedKey::default();
        let file = Secret::key_file(&[7; KEY_FILE_BYTES_MIN]).unwrap();
        wrapped
            .put(&key, &passphrase("mưa rừng tháng bảy"))
            .unwrap();
        let open = wrapped.open(&file);
        assert!(matches!(
            open,
            Err(SecretError::NoSlot(SecretKind::KeyFile))
        ));
        wrapped.put(&key, &file).unwrap();
        let text = wrapped.text();
        assert!(text.len() <= WRAPPED_BYTES_MAX, "{}", text.len());
        let mut wrapped = WrappedKey::parse(text.as_bytes()).unwrap();
        assert_eq!(
            wrapped.kinds(),
            [SecretKind::Passphrase, SecretKind::KeyFile]
        );
        for secret in [&passphrase("mưa rừng tháng bảy"), &file] {
            assert!(wrapped.open(secret).unwrap() == key);
        }
        wrapped
            .put(&key, &passphrase("nắng hạn tháng tám"))
            .unwrap();
        let old = wrapped.open(&passphrase("mưa rừng tháng bảy"));
        assert!(matches!(
            old,
            Err(SecretError::Wrong(SecretKind::Passphrase))
        ));
        assert!(wrapped.open(&passphrase("nắng hạn tháng tám")).unwrap() == key);
        assert!(wrapped.open(&file).unwrap() == key);
    }

    #[test]
    fn one_passphrase_is_one_however_it_is_composed() {
        let composed = passphrase("mưa rừng tháng bảy");
        let typed: String = "mưa rừng tháng bảy".nfd().collect();
        assert_ne!(typed, *composed.text);
        assert_eq!(passphrase(&typed).text, composed.text);
    }

    #[test]
    fn secrets_have_bounds() {
        let long = |count| "ữ".repeat(count);
        for wrong in [HOME_PASSPHRASE_CHARS_MIN - 1, HOME_PASSPHRASE_CHARS_MAX + 1] {
            assert!(Secret::passphrase(&long(wrong)).is_err(), "{wrong}");
        }
        for right in [HOME_PASSPHRASE_CHARS_MIN, HOME_PASSPHRASE_CHARS_MAX] {
            assert!(Secret::passphrase(&long(right)).is_ok(), "{right}");
        }
        for wrong in [KEY_FILE_BYTES_MIN - 1, KEY_FILE_BYTES_MAX + 1] {
            assert!(Secret::key_file(&vec![0; wrong]).is_err(), "{wrong}");
        }
        assert!(Secret::key_file(&vec![0; KEY_FILE_BYTES_MAX]).is_ok());
        let said = format!("{:?}", passphrase("mưa rừng tháng bảy"));
        assert_eq!(said, "Secret(passphrase, ..)");
    }

    #[test]
    fn what_is_damaged_is_named_and_opens_nothing() {
        let key = draw_key().unwrap();
        let mut wrapped = WrappedKey::default();
        wrapped
            .put(&key, &passphrase("mưa rừng tháng bảy"))
            .unwrap();
        let text = wrapped.text();
        for damaged in [
            "slot = 7".to_owned(),
            text.replace("passphrase", "fingerprint"),
            format!("{text}more = 1\n"),
        ] {
            let parsed = WrappedKey::parse(damaged.as_bytes());
            assert!(matches!(parsed, Err(SecretError::Damaged)), "{damaged}");
        }
        for damaged in [
            text.replace("sealed = \"01", "sealed = \"02"),
            text.replace("sealed = \"01", "sealed = \"x1"),
        ] {
            let opened = WrappedKey::parse(damaged.as_bytes()).unwrap();
            let opened = opened.open(&passphrase("mưa rừng tháng bảy"));
            assert!(matches!(opened, Err(SecretError::Damaged)), "{damaged}");
        }
    }

    #[test]
    fn a_file_beside_the_database_opens_by_its_key_only() {
        let (key, other) = (draw_key().unwrap(), draw_key().unwrap());
        let closed = close(&key, "3051020101").unwrap();
        assert!(is_closed(&closed) && !closed.contains("3051020101"));
        assert_eq!(*open(&key, &closed).unwrap(), "3051020101");
        assert_ne!(close(&key, "3051020101").unwrap(), closed);
        assert!(open(&other, &closed).is_none());
        assert!(open(&key, "3051020101").is_none() && open(&key, CLOSED).is_none());
    }
}
