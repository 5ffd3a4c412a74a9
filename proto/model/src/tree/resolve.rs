//! What a person types, into one unit or a question back.

use std::fmt;

use jiff::civil::Date;

use super::{Unit, UnitTree};
use crate::{Fault, UnitCode, UnitError, UnitId};

/// A unit that a typed code could mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which unit.
    pub id: UnitId,
    /// Its name, the last one it had.
    pub name: String,
    /// True if it is older than our data, so that `id.since` says little.
    pub open_past: bool,
    /// The last day on which it existed.
    pub ended: Option<Date>,
}

impl From<&Unit> for Candidate {
    fn from(unit: &Unit) -> Self {
        Self {
            id: unit.id.clone(),
            name: unit.name.clone(),
            open_past: unit.open_past,
            ended: unit.ended,
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.id, self.name)?;
        match self.ended {
            Some(last) => write!(out, " (until {last})"),
            None => Ok(()),
        }
    }
}

/// A text that names no single unit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResolveError {
    /// It breaks the grammar of codes and identities.
    #[error("`{text}` names no unit: write a code, or CODE@YYYY-MM-DD")]
    Grammar {
        /// What was typed.
        text: String,
        /// What is wrong with it.
        #[source]
        source: UnitError,
    },
    /// No unit has that code or identity.
    #[error("no unit `{text}` in this tree{}", list(", but ", .near))]
    Unknown {
        /// What was typed.
        text: String,
        /// Units of that code, or of the code with a lost leading zero.
        near: Vec<Candidate>,
    },
    /// Several units have or had that code.
    #[error("`{code}` is the code of several units, write the one you mean{}", list(": ", .candidates))]
    Ambiguous {
        /// What was typed.
        code: UnitCode,
        /// All of them, by the day they began.
        candidates: Vec<Candidate>,
    },
    /// Units have or had that code, but none on the day asked for.
    #[error("no unit had the code `{code}` on {on}{}", list(", but ", .candidates))]
    NotThen {
        /// What was typed.
        code: UnitCode,
        /// The day asked for.
        on: Date,
        /// All units of that code, by the day they began.
        candidates: Vec<Candidate>,
    },
}

impl ResolveError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }

    /// The units that a person may have meant.
    #[must_use]
    pub fn candidates(&self) -> &[Candidate] {
        match self {
            Self::Grammar { .. } => &[],
            Self::Unknown { near, .. } => near,
            Self::Ambiguous { candidates, .. } | Self::NotThen { candidates, .. } => candidates,
        }
    }
}

fn list(lead: &str, candidates: &[Candidate]) -> String {
    let mut text = String::new();
    for (at, candidate) in candidates.iter().enumerate() {
        text.push_str(if at == 0 { lead } else { ", " });
        text.push_str(&candidate.to_string());
    }
    text
}

impl UnitTree {
    /// The unit that a person means by `19429` or `19429@2024-05-01`. A bare code is the unit that
    /// had it on the day `on`; without a day it must be the code of one unit only.
    ///
    /// # Errors
    /// [`ResolveError::Ambiguous`] asks back with the names and dates of all that could be meant.
    pub fn resolve(&self, text: &str, on: Option<Date>) -> Result<UnitId, ResolveError> {
        let text = text.trim();
        let grammar = |source| ResolveError::Grammar {
            text: text.to_owned(),
            source,
        };
        if text.contains('@') {
            let id: UnitId = text.parse().map_err(grammar)?;
            return if self.unit(&id).is_some() {
                Ok(id)
            } else {
                Err(self.unknown(text, &id.code))
            };
        }
        let code: UnitCode = text.parse().map_err(grammar)?;
        let all: Vec<&Unit> = self.with_code(&code).collect();
        if all.is_empty() {
            return Err(self.unknown(text, &code));
        }
        let then = |unit: &&&Unit| on.is_none_or(|on| unit.exists_on(on));
        let fitting: Vec<&Unit> = all.iter().filter(then).copied().collect();
        let candidates = |units: &[&Unit]| units.iter().map(|unit| (*unit).into()).collect();
        match (fitting.as_slice(), on) {
            ([unit], _) => Ok(unit.id.clone()),
            ([], Some(on)) => Err(ResolveError::NotThen {
                code,
                on,
                candidates: candidates(&all),
            }),
            _ => Err(ResolveError::Ambiguous {
                code,
                candidates: candidates(&fitting),
            }),
        }
    }

    /// All units that have or had a code, by the day they began.
    pub fn with_code(&self, code: &UnitCode) -> impl Iterator<Item = &Unit> {
        let range = self.index.with_code(code);
        let units = self.units.get(range).unwrap_or_default();
        units.iter().map(AsRef::as_ref)
    }

    fn unknown(&self, text: &str, code: &UnitCode) -> ResolveError {
        let mut near: Vec<Candidate> = self.with_code(code).map(Candidate::from).collect();
        if near.is_empty() {
            // Spreadsheets drop the leading zero of a code.
            let padded: Option<UnitCode> = format!("0{code}").parse().ok();
            let padded = padded.iter().flat_map(|code| self.with_code(code));
            near.extend(padded.map(Candidate::from));
        }
        ResolveError::Unknown {
            text: text.to_owned(),
            near,
        }
    }
}
