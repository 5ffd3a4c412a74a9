//! A unit's identity: its code and the date it began, because codes are used again.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest code of a unit: the State uses 2, 3 and 5 digits, others may need more.
pub const UNIT_CODE_BYTES_MAX: usize = 12;

/// A text that names no unit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnitError {
    /// The code breaks its grammar.
    #[error("`{0}` is not a unit code: 1 to 12 digits or capital letters")]
    Code(String),
    /// The identity has no readable date.
    #[error("`{0}` is not a unit: write CODE@YYYY-MM-DD")]
    Identity(String),
}

/// An administrative unit's code as the State prints it, leading zeros kept.
///
/// Held in place, filled up with zero bytes, which keeps the order of the texts: a national tree
/// holds 40,000 codes, and sync compares them all day.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitCode([u8; UNIT_CODE_BYTES_MAX]);

impl UnitCode {
    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let mut parts = self.0.split(|b| *b == 0);
        let text = parts.next().map(std::str::from_utf8);
        text.and_then(Result::ok).unwrap_or_default()
    }

    /// The code as fixed bytes whose order is that of the codes.
    pub(crate) fn bytes(&self) -> &[u8; UNIT_CODE_BYTES_MAX] {
        &self.0
    }
}

impl FromStr for UnitCode {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let fits = (1..=UNIT_CODE_BYTES_MAX).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        if !fits {
            return Err(UnitError::Code(text.to_owned()));
        }
        let mut bytes = [0; UNIT_CODE_BYTES_MAX];
        for (to, from) in bytes.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for UnitCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for UnitCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UnitCode({self})")
    }
}

/// A unit's identity. 3,316 communes of July 2025 reuse the code of another unit, so a code alone
/// names nobody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId {
    /// The code.
    pub code: UnitCode,
    /// The day the unit began to exist in our data.
    pub since: Date,
}

impl fmt::Display for UnitId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.code, self.since)
    }
}

impl fmt::Debug for UnitId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UnitId({self})")
    }
}

impl FromStr for UnitId {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let refuse = || UnitError::Identity(text.to_owned());
        let (code, since) = text.split_once('@').ok_or_else(refuse)?;
        // jiff reads more than a plain date; only the plain form is an identity.
        let since: Date = since.parse().map_err(|_| refuse())?;
        let id = Self {
            code: code.parse()?,
            since,
        };
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(refuse())
        }
    }
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}
text_serde!(UnitCode);
text_serde!(UnitId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_ordered_like_their_texts() {
        let texts = [
            "0",
            "00",
            "01",
            "1",
            "10",
            "101",
            "11",
            "2",
            "A",
            "ABCDEFGHIJKL",
            "B",
        ];
        let codes: Vec<UnitCode> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert!(codes.is_sorted());
        let back: Vec<&str> = codes.iter().map(UnitCode::as_str).collect();
        assert_eq!(back, texts);
        assert!("ABCDEFGHIJKLM".parse::<UnitCode>().is_err());
        assert!("A\0".parse::<UnitCode>().is_err());
    }

    #[test]
    fn identity_is_code_and_date() {
        let id: UnitId = "19429@2024-05-01".parse().unwrap();
        assert_eq!(id.code.as_str(), "19429");
        assert_eq!(id.to_string(), "19429@2024-05-01");
        for bad in [
            "19429",
            "19429@",
            "@2024-05-01",
            "19429@2024-5-1",
            "x@2024-05-01",
        ] {
            assert!(bad.parse::<UnitId>().is_err(), "{bad}");
        }
    }
}
