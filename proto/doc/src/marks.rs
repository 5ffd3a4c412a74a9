//! Marks among the notes that say what became of something void.

use std::fmt;
use std::str::FromStr;

use hopluu_model::{ActorId, ChangeHash};

use crate::layout::{read_text_key, text_key};
use crate::report::TextKey;

/// Before the hash of a change.
const ANSWERED: char = '!';
/// Before the name of a save.
const MENDED: char = '~';

/// What a main node has decided about the void part of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// It was right, and was written again in the main node's own name.
    Adopted,
    /// It stays void.
    Dismissed,
}

impl Answer {
    /// The word in documents and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::Dismissed => "dismissed",
        }
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        [Self::Adopted, Self::Dismissed]
            .into_iter()
            .find(|answer| answer.as_str() == text)
    }
}

/// A key that is no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMark;

/// Where the answer to a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AnswerKey(pub(crate) ChangeHash);

impl fmt::Display for AnswerKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{ANSWERED}{}", self.0)
    }
}

impl FromStr for AnswerKey {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let hash = text.strip_prefix(ANSWERED).ok_or(NoMark)?;
        let key = Self(hash.parse().map_err(|_| NoMark)?);
        // One spelling only.
        if key.to_string() == text {
            Ok(key)
        } else {
            Err(NoMark)
        }
    }
}

/// The key under which a save says which texts it has mended; no two saves have the same.
pub(crate) fn mended_key(actor: ActorId, number: &str) -> String {
    format!("{MENDED}{actor}.{number}")
}

/// Whether a note names texts that its save has mended.
pub(crate) fn is_mended(key: &str) -> bool {
    key.starts_with(MENDED)
}

/// The value under that key.
pub(crate) fn encode_mended<'a>(texts: impl IntoIterator<Item = &'a TextKey>) -> String {
    let keys = texts
        .into_iter()
        .map(|(section, office)| text_key(section, office));
    keys.collect::<Vec<_>>().join(" ")
}

/// The texts that it names.
pub(crate) fn mended_texts(value: &str) -> impl Iterator<Item = TextKey> {
    value.split_ascii_whitespace().filter_map(read_text_key)
}
