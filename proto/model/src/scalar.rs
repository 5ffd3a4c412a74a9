//! A figure as one canonical text: what a document stores under a code, so that a number and its
//! qualifier cannot merge apart.
//!
//! `1500` · `90.5` · `19/21` · `~420` (about) · `~>420` (at least) · `~<420` (at most) · `y` · `n` ·
//! `nil` (the paper says "không": looked, there is none) · `na` (does not apply) · `blank` (left empty).

use std::fmt;
use std::str::FromStr;

use crate::quantity::{Decimal, DecimalError};

/// How exactly a number was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qualifier {
    /// As it stands.
    Exact,
    /// `~`: about.
    About,
    /// `~>`: at least.
    AtLeast,
    /// `~<`: at most.
    AtMost,
}

impl Qualifier {
    fn prefix(self) -> &'static str {
        match self {
            Self::Exact => "",
            Self::About => "~",
            Self::AtLeast => "~>",
            Self::AtMost => "~<",
        }
    }
}

/// A text that is no canonical scalar.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScalarError {
    /// The number in it is none.
    #[error(transparent)]
    Decimal(#[from] DecimalError),
    /// Readable, but not in its one canonical spelling.
    #[error("`{0}` is not written canonically")]
    NotCanonical(String),
    /// A fraction over zero or with more above than below.
    #[error("`{0}` is not a share: the part is at most the whole, and the whole is not zero")]
    NotAShare(String),
}

/// A figure's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// A number with its qualifier.
    Number(Decimal, Qualifier),
    /// Part and whole, for example 19 of 21.
    Share(u64, u64),
    /// Có.
    Yes,
    /// Không, as the answer to a yes/no line.
    No,
    /// "Không" where a number is asked: there is none. Adds as zero, prints as it was meant.
    Nil,
    /// Does not apply here.
    NotApplicable,
    /// Left empty or cleared.
    Blank,
}

impl Scalar {
    /// An exact number.
    #[must_use]
    pub fn exact(number: Decimal) -> Self {
        Self::Number(number, Qualifier::Exact)
    }

    /// Whether somebody answered at all.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        !matches!(self, Self::Blank)
    }
}

impl From<i64> for Scalar {
    fn from(value: i64) -> Self {
        Self::exact(value.into())
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number, qualifier) => write!(out, "{}{number}", qualifier.prefix()),
            Self::Share(part, whole) => write!(out, "{part}/{whole}"),
            Self::Yes => out.write_str("y"),
            Self::No => out.write_str("n"),
            Self::Nil => out.write_str("nil"),
            Self::NotApplicable => out.write_str("na"),
            Self::Blank => out.write_str("blank"),
        }
    }
}

impl FromStr for Scalar {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let scalar = match text {
            "y" => Self::Yes,
            "n" => Self::No,
            "nil" => Self::Nil,
            "na" => Self::NotApplicable,
            "blank" => Self::Blank,
            _ => read_number(text)?,
        };
        if scalar.to_string() == text {
            Ok(scalar)
        } else {
            Err(ScalarError::NotCanonical(text.to_owned()))
        }
    }
}

fn read_number(text: &str) -> Result<Scalar, ScalarError> {
    if let Some((part, whole)) = text.split_once('/') {
        let read = |digits: &str| {
            digits
                .parse::<u64>()
                .map_err(|_| DecimalError::NotANumber(text.to_owned()))
        };
        let (part, whole) = (read(part)?, read(whole)?);
        if whole == 0 || part > whole {
            return Err(ScalarError::NotAShare(text.to_owned()));
        }
        return Ok(Scalar::Share(part, whole));
    }
    let (qualifier, digits) = if let Some(rest) = text.strip_prefix("~>") {
        (Qualifier::AtLeast, rest)
    } else if let Some(rest) = text.strip_prefix("~<") {
        (Qualifier::AtMost, rest)
    } else if let Some(rest) = text.strip_prefix('~') {
        (Qualifier::About, rest)
    } else {
        (Qualifier::Exact, text)
    };
    Ok(Scalar::Number(digits.parse()?, qualifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_per_value() {
        for text in [
            "0", "1500", "90.5", "19/21", "~420", "~>420", "~<3", "y", "n", "nil", "na", "blank",
        ] {
            assert_eq!(text.parse::<Scalar>().unwrap().to_string(), text);
        }
        for bad in [
            "", "08", "1.50", "22/21", "1/0", "Y", "~~3", "+1", "-0", "1 500",
        ] {
            assert!(bad.parse::<Scalar>().is_err(), "{bad}");
        }
    }
}
