//! Short names with a closed grammar: forms, offices, sections, indicator codes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest name of any kind, in bytes: it is a key in every document and on every link.
pub const NAME_BYTES_MAX: usize = 40;

/// A name that breaks its grammar.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a valid {what}: {rule}")]
pub struct NameError {
    /// Which kind of name was expected.
    pub what: &'static str,
    /// What was given.
    pub text: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                let allowed: fn(char) -> bool = $allowed;
                let fits = !text.is_empty()
                    && text.len() <= NAME_BYTES_MAX
                    && text.chars().all(allowed)
                    && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && text.ends_with(|c: char| c.is_ascii_alphanumeric());
                if fits {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError { what: $what, text: text.to_owned(), rule: $rule })
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A form's short name, for example `pcmd-review`.
    FormId, "form", "lower-case letters, digits and inner hyphens, at most 40",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
name!(
    /// An office, for example `police`; what offices exist is data of a form and of `config/offices`.
    OfficeId, "office", "lower-case letters, digits and inner underscores, at most 40",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
);
name!(
    /// A section of text in a form.
    SectionId, "section", "lower-case letters, digits and inner hyphens, at most 40",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
name!(
    /// A compartment of a form's reports: lines that not every office of the unit may read.
    CompartmentId, "compartment", "lower-case letters, digits and inner hyphens, at most 40",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
);
name!(
    /// A line of a form, for example `II.1.1.a.1`. `@` is not allowed: it parts a code from an office.
    IndicatorCode, "code", "letters, digits and inner `.`, `_` or `-`, at most 40",
    |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
);

/// A form's version. A new major is a new set of documents; a minor only adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormVersion {
    /// Part of the document's identity.
    pub major: u16,
    /// Never part of the document's identity.
    pub minor: u16,
}

impl Serialize for FormVersion {
    /// Two numbers in bytes, `1.0` to people.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.major, self.minor).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for FormVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?
                .parse()
                .map_err(serde::de::Error::custom)
        } else {
            let (major, minor) = Deserialize::deserialize(deserializer)?;
            Ok(Self { major, minor })
        }
    }
}

impl fmt::Display for FormVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for FormVersion {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refuse = || NameError {
            what: "form version",
            text: text.to_owned(),
            rule: "two numbers with a dot between, for example 1.0",
        };
        let (major, minor) = text.split_once('.').ok_or_else(refuse)?;
        Ok(Self {
            major: major.parse().map_err(|_| refuse())?,
            minor: minor.parse().map_err(|_| refuse())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_grammar() {
        assert!("pcmd-review".parse::<FormId>().is_ok());
        assert!("II.2.1A.a".parse::<IndicatorCode>().is_ok());
        for bad in ["", "-a", "a-", "A", "a b", "a@b", &"a".repeat(41)] {
            assert!(bad.parse::<FormId>().is_err(), "{bad}");
        }
        assert_eq!(
            "1.2".parse::<FormVersion>().unwrap(),
            FormVersion { major: 1, minor: 2 }
        );
    }
}
