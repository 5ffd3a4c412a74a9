//! What makes two documents the same one: the identifying tuple and the id computed from it.

use std::fmt;
use std::str::FromStr;

use hopluu_model::name::NAME_BYTES_MAX;
use hopluu_model::{CompartmentId, DocId, Fault, FormId, Period, UnitId};
use serde::{Deserialize, Serialize};

/// First byte of an encoded key.
const VERSION: u8 = 1;

/// Separates document ids from every other use of BLAKE3 in the program.
const DOMAIN: &str = "hopluu/document/1";

/// Bytes of the longest key: two version bytes, five short texts and two numbers fit easily.
pub const DOC_KEY_BYTES_MAX: usize = 256;

/// What sort of document it is. The word is part of the identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocKind {
    /// A unit's own figures and texts of one form and period.
    Report,
}

impl DocKind {
    /// The word hashed into the document's id.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
        }
    }
}

/// A part of a unit's papers with readers of its own. The empty name is the open one, which every office of
/// the unit holds; of any other only those do that may read it, and main nodes up the line.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Compartment(String);

impl Compartment {
    /// The part that is for every office.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// Whether every office of the unit may have it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.0.is_empty()
    }

    /// The name as text, empty for the public one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&CompartmentId> for Compartment {
    fn from(name: &CompartmentId) -> Self {
        Self(name.as_str().to_owned())
    }
}

impl fmt::Display for Compartment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Compartment {
    type Err = DocKeyError;

    fn from_str(text: &str) -> Result<Self, DocKeyError> {
        let fits = text.len() <= NAME_BYTES_MAX
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(DocKeyError::Compartment(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for Compartment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Bytes or a name that make no document key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DocKeyError {
    /// The compartment breaks its grammar.
    #[error("`{0}` is not a compartment: lower-case letters, digits and hyphens, at most 40")]
    Compartment(String),
    /// A version this program does not read.
    #[error("document key of unknown version {0}")]
    Version(u8),
    /// Cut, too long, or a field that breaks its grammar.
    #[error("document key is damaged")]
    Damaged,
    /// Readable, but not in its one canonical spelling.
    #[error("document key is not written canonically")]
    NotCanonical,
}

impl DocKeyError {
    /// Keys arrive from peers; a person types only a compartment.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Compartment(_) => Fault::Config,
            Self::Version(_) | Self::Damaged | Self::NotCanonical => Fault::Peer,
        }
    }
}

/// The identifying tuple of a document: whoever starts the same one, anywhere and offline, starts
/// *the same* document. A form's minor version, data windows and names are not in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocKey {
    /// What sort of document.
    pub kind: DocKind,
    /// Whose it is.
    pub unit: UnitId,
    /// Which form it fills.
    pub form: FormId,
    /// Major version of that form.
    pub major: u16,
    /// What it reports on.
    pub period: Period,
    /// 0, or the number of the copy where a form allows several in one period.
    pub instance: u32,
    /// Who may read it.
    pub compartment: Compartment,
}

impl DocKey {
    /// A unit's public report, by far the most common key.
    #[must_use]
    pub fn report(unit: UnitId, form: FormId, major: u16, period: Period) -> Self {
        Self {
            kind: DocKind::Report,
            unit,
            form,
            major,
            period,
            instance: 0,
            compartment: Compartment::public(),
        }
    }

    /// The document's id: the first 16 bytes of BLAKE3 over the domain and the fields, each with
    /// its length before it, so that no two tuples run together.
    #[must_use]
    pub fn id(&self) -> DocId {
        let mut hasher = blake3::Hasher::new();
        let unit = self.unit.to_string();
        let period = self.period.to_string();
        for field in [
            DOMAIN.as_bytes(),
            self.kind.as_str().as_bytes(),
            unit.as_bytes(),
            self.form.as_str().as_bytes(),
            &self.major.to_be_bytes(),
            period.as_bytes(),
            &self.instance.to_be_bytes(),
            self.compartment.as_str().as_bytes(),
        ] {
            add_field(&mut hasher, field);
        }
        let mut id = [0; 16];
        id.copy_from_slice(hasher.finalize().as_bytes().split_at(16).0);
        DocId(id)
    }

    /// The same report's document in one of its form's compartments.
    #[must_use]
    pub fn within(&self, compartment: &CompartmentId) -> Self {
        Self {
            compartment: compartment.into(),
            ..self.clone()
        }
    }

    /// The same report's open document.
    #[must_use]
    pub fn open(&self) -> Self {
        Self {
            compartment: Compartment::public(),
            ..self.clone()
        }
    }

    /// Of the canonical bytes of a key those of a document in a compartment: for whoever asks of many and decodes
    /// few. The compartment's name stands last, and an empty text is a zero.
    #[must_use]
    pub fn closed(bytes: &[u8]) -> Option<&[u8]> {
        (bytes.last() != Some(&0)).then_some(bytes)
    }

    /// The canonical bytes, as stored with the document and sent on its first mention.
    ///
    /// # Panics
    /// Never: short texts and numbers always serialise into memory.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("texts and numbers serialise into memory")
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Anything but exactly what [`DocKey::encode`] writes.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocKeyError> {
        let (&version, body) = bytes.split_first().ok_or(DocKeyError::Damaged)?;
        if version != VERSION {
            return Err(DocKeyError::Version(version));
        }
        if bytes.len() > DOC_KEY_BYTES_MAX {
            return Err(DocKeyError::Damaged);
        }
        let key: Self = postcard::from_bytes(body).map_err(|_| DocKeyError::Damaged)?;
        if key.encode() == bytes {
            Ok(key)
        } else {
            Err(DocKeyError::NotCanonical)
        }
    }
}

/// Adds one field with its length before it. Shared by everything that hashes a tuple here.
pub(crate) fn add_field(hasher: &mut blake3::Hasher, field: &[u8]) {
    let length = u32::try_from(field.len()).expect("fields of a tuple are short texts");
    hasher.update(&length.to_be_bytes());
    hasher.update(field);
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{hex, key};

    #[test]
    fn golden_bytes_and_id() {
        expect![
            "010010313934323940323032302d30322d30310b70636d642d7265766965770107323032362d48310000"
        ]
        .assert_eq(&hex(&key().encode()));
        expect!["5584d1c5e83c80e87a5d1438a7f2e1ef"].assert_eq(&key().id().to_string());
    }

    #[test]
    fn every_field_is_part_of_the_identity() {
        let base = key();
        let others = [
            DocKey {
                unit: "19430@2020-02-01".parse().unwrap(),
                ..base.clone()
            },
            DocKey {
                unit: "19429@2025-07-01".parse().unwrap(),
                ..base.clone()
            },
            DocKey {
                form: "flood-quick".parse().unwrap(),
                ..base.clone()
            },
            DocKey {
                major: 2,
                ..base.clone()
            },
            DocKey {
                period: "2026-H2".parse().unwrap(),
                ..base.clone()
            },
            DocKey {
                instance: 1,
                ..base.clone()
            },
            DocKey {
                compartment: "draft".parse().unwrap(),
                ..base.clone()
            },
        ];
        let ids: std::collections::BTreeSet<_> =
            others.iter().chain([&base]).map(DocKey::id).collect();
        assert_eq!(ids.len(), others.len() + 1);
    }

    #[test]
    fn only_canonical_bytes_are_read() {
        let bytes = key().encode();
        assert_eq!(DocKey::decode(&bytes), Ok(key()));
        assert_eq!(DocKey::decode(&[]), Err(DocKeyError::Damaged));
        assert_eq!(DocKey::decode(&[9]), Err(DocKeyError::Version(9)));
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(DocKey::decode(&longer), Err(DocKeyError::NotCanonical));
        assert_eq!(
            DocKey::decode(&vec![VERSION; DOC_KEY_BYTES_MAX + 1]),
            Err(DocKeyError::Damaged)
        );
    }

    #[test]
    fn a_closed_document_is_known_by_the_bytes_of_its_key() {
        let open = key().encode();
        let closed = key().within(&"area".parse().unwrap());
        assert_eq!(DocKey::closed(&open), None);
        assert_eq!(DocKey::closed(&closed.encode()), Some(&*closed.encode()));
        assert_eq!(closed.open(), key());
        // What is no key is for nobody.
        assert_eq!(DocKey::closed(&[]), Some(&[][..]));
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(at in 0usize..60, byte: u8) {
            let mut bytes = key().encode();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(read) = DocKey::decode(&bytes) {
                prop_assert_eq!(read.encode(), bytes);
            }
        }
    }
}
