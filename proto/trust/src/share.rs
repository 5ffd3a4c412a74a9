//! Shares of a root's key: how a lost root is made again from paper, by several people together.
//!
//! How the key is split is for whoever has randomness; here is what one share says, as text, and how it is known for
//! whole and true: the root signs each, so neither a slip of the pen nor a forged share passes for one.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hopluu_model::{Digest, Fault, NodeId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::codec::Layout;
use crate::limits::{SHARE_BYTES_MAX, SHARE_TEXT_BYTES_MAX, SHARES_MAX};
use crate::ticket::base32_letters;
use crate::{Signature, Signer, verify_signature};

/// What every share begins with; the digit is the version of the text form, the number of the share follows.
const PREFIX: &str = "HOPLUUSHARE1";

/// Put before the signed bytes, so that a share's signature is good for nothing else.
const CONTEXT: &[u8] = b"hopluu/root-share/1\n";

/// Letters between two hyphens: what people can keep their place in.
const GROUP_LETTERS: usize = 4;

const LAYOUT: Layout = Layout {
    what: "share of a root's key",
    version: 1,
    bytes_max: SHARE_BYTES_MAX,
};

/// A text that is no share of a root's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// It does not begin like one.
    #[error("not a share: a share begins with {PREFIX}-")]
    NotAShare,
    /// Cut, mistyped, broken, or not of the root that it names.
    #[error("share {number} is damaged: what it says is not what its root has signed")]
    Damaged {
        /// Its number, which stands in front of all else.
        number: u8,
    },
}

impl ShareError {
    /// A person typed or photographed it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// One of several papers, so many of which together are a root's key. Alone it tells nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct RootShare {
    /// Its number, from 1.
    pub number: u8,
    /// How many it takes.
    pub needed: u8,
    /// How many were made.
    pub of: u8,
    /// Those that were made together have the same: others fit no better than strangers'.
    pub set: [u8; 8],
    /// The root's unit.
    pub unit: UnitId,
    /// The end of its certificate, from which the very same certificate follows.
    pub ends: Timestamp,
    /// The fingerprint of that certificate.
    pub root: Digest,
    /// The root's node.
    pub node: NodeId,
    /// This share of the key's 32 bytes.
    pub part: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for RootShare {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RootShare({} of {}, ..)", self.number, self.of)
    }
}

#[derive(Serialize, Deserialize)]
struct Signed {
    number: u8,
    needed: u8,
    of: u8,
    set: [u8; 8],
    unit: UnitId,
    ends: Timestamp,
    root: Digest,
    node: NodeId,
    part: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Wire {
    signed: Signed,
    signature: Signature,
}

impl RootShare {
    /// The share as text: capital letters, digits and hyphens, which a QR code packs tightest.
    #[must_use]
    pub fn encode(&self, root: &Signer) -> Zeroizing<String> {
        let signed = self.signed();
        let signature = root.sign(&signed_bytes(&signed));
        let bytes = Zeroizing::new(LAYOUT.encode(&Wire { signed, signature }));
        let letters = Zeroizing::new(BASE32_NOPAD.encode(&bytes));
        let mut text = Zeroizing::new(format!("{PREFIX}-{}", self.number));
        for (at, letter) in letters.chars().enumerate() {
            if at % GROUP_LETTERS == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        text
    }

    /// Reads a share however it was typed or photographed; spaces, hyphens and line breaks are skipped.
    ///
    /// # Errors
    /// [`ShareError`] when it is none, or not as its root has signed it.
    pub fn decode(text: &str) -> Result<Self, ShareError> {
        if text.len() > SHARE_TEXT_BYTES_MAX {
            return Err(ShareError::NotAShare);
        }
        let mut parts = text.trim().splitn(3, '-');
        let mut part = || parts.next().map(str::trim).ok_or(ShareError::NotAShare);
        if !part()?.eq_ignore_ascii_case(PREFIX) {
            return Err(ShareError::NotAShare);
        }
        let number: u8 = part()?.parse().map_err(|_| ShareError::NotAShare)?;
        let damaged = || ShareError::Damaged { number };
        let letters = Zeroizing::new(base32_letters(part()?));
        let bytes = BASE32_NOPAD.decode(letters.as_bytes());
        let bytes = Zeroizing::new(bytes.map_err(|_| damaged())?);
        let Wire { signed, signature } = LAYOUT.decode(&bytes).map_err(|_| damaged())?;
        verify_signature(&signed.node, &signed_bytes(&signed), &signature)
            .map_err(|_| damaged())?;
        let is_sound = signed.number == number
            && (1..=signed.of).contains(&number)
            && (1..=signed.of).contains(&signed.needed)
            && signed.of <= SHARES_MAX;
        if !is_sound {
            return Err(damaged());
        }
        Ok(Self {
            number,
            needed: signed.needed,
            of: signed.of,
            set: signed.set,
            unit: signed.unit,
            ends: signed.ends,
            root: signed.root,
            node: signed.node,
            part: Zeroizing::new(signed.part),
        })
    }

    fn signed(&self) -> Signed {
        Signed {
            number: self.number,
            needed: self.needed,
            of: self.of,
            set: self.set,
            unit: self.unit.clone(),
            ends: self.ends,
            root: self.root,
            node: self.node,
            part: *self.part,
        }
    }
}

fn signed_bytes(signed: &Signed) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(CONTEXT.to_vec());
    bytes.extend_from_slice(&LAYOUT.encode(signed));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(signer: &Signer) -> RootShare {
        RootShare {
            number: 3,
            needed: 3,
            of: 5,
            set: [9; 8],
            unit: "45@2020-01-01".parse().unwrap(),
            ends: Timestamp(1_800_000_000_123),
            root: Digest([0x11; 32]),
            node: signer.node_id(),
            part: Zeroizing::new([0x22; 32]),
        }
    }

    #[test]
    fn a_share_survives_how_people_copy_it() {
        let signer = Signer::from_seed(&[1; 32]);
        let text = share(&signer).encode(&signer);
        assert!(text.starts_with("HOPLUUSHARE1-3-"), "{}", *text);
        assert!(text.len() < 420, "{}", text.len());
        assert_eq!(RootShare::decode(&text).unwrap(), share(&signer));
        let (head, body) = text.split_at(15);
        let mangled = format!(
            " hopluushare1-3-{}\r\n",
            body.to_lowercase().replace('-', " ")
        );
        assert_eq!(head.len(), 15);
        assert_eq!(RootShare::decode(&mangled).unwrap(), share(&signer));
        assert!(!format!("{:?}", share(&signer)).contains("2222"));
    }

    #[test]
    fn every_damaged_letter_and_every_cut_is_told_with_the_number() {
        let signer = Signer::from_seed(&[1; 32]);
        let text = share(&signer).encode(&signer);
        let damaged = Err(ShareError::Damaged { number: 3 });
        for at in 15..text.len() {
            let mut letters = text.as_bytes().to_vec();
            if letters[at] == b'-' {
                continue;
            }
            letters[at] = if letters[at] == b'A' { b'C' } else { b'A' };
            let changed = String::from_utf8(letters).unwrap();
            assert_eq!(RootShare::decode(&changed), damaged, "{at}");
            assert_eq!(RootShare::decode(&text[..at]), damaged, "{at}");
        }
        let other_number = text.replacen("-3-", "-4-", 1);
        let damaged = Err(ShareError::Damaged { number: 4 });
        assert_eq!(RootShare::decode(&other_number), damaged);
        for none in ["", "HOPLUU1-AAAA", "HOPLUUSHARE1-x-AA", "HOPLUUSHARE1-3"] {
            assert_eq!(
                RootShare::decode(none),
                Err(ShareError::NotAShare),
                "{none}"
            );
        }
        let long = format!("HOPLUUSHARE1-3-{}", "A".repeat(SHARE_TEXT_BYTES_MAX));
        assert_eq!(RootShare::decode(&long), Err(ShareError::NotAShare));
    }

    #[test]
    fn nobody_but_the_root_makes_one() {
        let (signer, thief) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let forged = share(&signer).encode(&thief);
        let damaged = Err(ShareError::Damaged { number: 3 });
        assert_eq!(RootShare::decode(&forged), damaged);
        for (number, needed, of) in [(0, 3, 5), (6, 3, 5), (3, 0, 5), (3, 6, 5), (3, 3, 200)] {
            let unsound = RootShare {
                number,
                needed,
                of,
                ..share(&signer)
            };
            let refused = RootShare::decode(&unsound.encode(&signer));
            assert_eq!(refused, Err(ShareError::Damaged { number }));
        }
    }
}
