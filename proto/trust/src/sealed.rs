//! A secret that a passphrase closes: a person's key at rest.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use zeroize::Zeroizing;

use crate::limits::{
    PASSPHRASE_LANES, PASSPHRASE_MEMORY_KIB, PASSPHRASE_PASSES, SEALED_SECRET_BYTES_MAX,
};

/// Bytes of the tag that says whether the passphrase was right.
const TAG_BYTES: usize = 16;

/// What the salt has.
pub const SALT_BYTES: usize = 16;

/// Version, salt, and what is closed with its tag. The cost of a guess is part of the version.
const VERSION: u8 = 1;

/// Bound to the closed bytes, so that they open as nothing else.
const CONTEXT: &[u8] = b"hopluu/sealed/1";

/// A closed secret, as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// A closed secret that stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// The passphrase is another one, or the bytes were changed.
    #[error("the passphrase does not open it")]
    Closed,
    /// The bytes are none that this program makes.
    #[error("these bytes are no closed secret")]
    Foreign,
}

impl Sealed {
    /// Closes a secret. The salt is drawn anew for every call: key and nonce follow from it.
    ///
    /// # Panics
    /// Never: secrets are keys, far below the bound.
    #[must_use]
    pub fn close(secret: &[u8], passphrase: &str, salt: [u8; SALT_BYTES]) -> Self {
        assert!(secret.len() + TAG_BYTES < SEALED_SECRET_BYTES_MAX - SALT_BYTES);
        let message = Payload {
            msg: secret,
            aad: CONTEXT,
        };
        let closed = cipher(passphrase, &salt).encrypt(&Nonce::default(), message);
        let closed = closed.expect("a key is far below what the cipher takes");
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(&closed);
        Self(bytes)
    }

    /// Opens it. Takes as long, and as much memory, for a wrong passphrase as for the right one.
    ///
    /// # Errors
    /// [`SealedError::Closed`] for any other passphrase.
    pub fn open(&self, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, SealedError> {
        let (salt, closed) = self.parts().ok_or(SealedError::Foreign)?;
        let message = Payload {
            msg: closed,
            aad: CONTEXT,
        };
        let opened = cipher(passphrase, salt).decrypt(&Nonce::default(), message);
        opened.map(Zeroizing::new).map_err(|_| SealedError::Closed)
    }

    /// Takes bytes that were kept.
    ///
    /// # Errors
    /// [`SealedError::Foreign`] when they are none that this program makes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SealedError> {
        let sealed = Self(bytes);
        let is_ours = sealed.0.len() <= SEALED_SECRET_BYTES_MAX && sealed.parts().is_some();
        is_ours.then_some(sealed).ok_or(SealedError::Foreign)
    }

    /// What is kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    fn parts(&self) -> Option<(&[u8; SALT_BYTES], &[u8])> {
        let (version, rest) = self.0.split_first()?;
        let (salt, closed) = rest.split_first_chunk()?;
        (*version == VERSION && closed.len() >= TAG_BYTES).then_some((salt, closed))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sealed(..)")
    }
}

fn cipher(passphrase: &str, salt: &[u8; SALT_BYTES]) -> ChaCha20Poly1305 {
    let params = Params::new(
        PASSPHRASE_MEMORY_KIB,
        PASSPHRASE_PASSES,
        PASSPHRASE_LANES,
        None,
    );
    let params = params.expect("the constants are within what argon2 takes");
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; 32]);
    argon
        .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
        .expect("passphrase, salt and key are within what argon2 takes");
    ChaCha20Poly1305::new(&Key::from(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_passphrase_opens_it_and_no_changed_byte_does() {
        let sealed = Sealed::close(&[7; 32], "mưa rừng tháng bảy", [1; 16]);
        assert_eq!(*sealed.open("mưa rừng tháng bảy").unwrap(), [7; 32]);
        assert_eq!(sealed.open("mưa rừng tháng tám"), Err(SealedError::Closed));
        for at in [0, 1, 17, 40, sealed.as_bytes().len() - 1] {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1;
            let opened = Sealed::from_bytes(bytes).and_then(|one| one.open("mưa rừng tháng bảy"));
            assert!(opened.is_err(), "byte {at}");
        }
        let kept = Sealed::from_bytes(sealed.as_bytes().to_vec()).unwrap();
        assert_eq!(kept, sealed);
        assert!(!format!("{sealed:?}").contains('7'));
    }

    #[test]
    fn what_is_no_closed_secret_is_named_without_a_guess() {
        for foreign in [
            vec![],
            vec![1; 20],
            vec![2; 80],
            vec![1; SEALED_SECRET_BYTES_MAX + 1],
        ] {
            assert_eq!(Sealed::from_bytes(foreign), Err(SealedError::Foreign));
        }
    }
}
