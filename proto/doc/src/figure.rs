//! Keys of figures and the ids of the operations that wrote them.

use std::fmt;
use std::str::FromStr;

use hopluu_model::{ActorId, IndicatorCode, NameError, OfficeId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where a figure stands in the document's one flat map: `CODE`, or `CODE@office` where several
/// offices each add their part and the form makes the figure their sum.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FigureKey {
    /// The line of the form.
    pub code: IndicatorCode,
    /// Whose part, if the line has parts.
    pub office: Option<OfficeId>,
}

impl FigureKey {
    /// The key of a line that one office owns.
    #[must_use]
    pub fn whole(code: IndicatorCode) -> Self {
        Self { code, office: None }
    }

    /// The key of one office's part of a line.
    #[must_use]
    pub fn part(code: IndicatorCode, office: OfficeId) -> Self {
        Self {
            code,
            office: Some(office),
        }
    }
}

impl fmt::Display for FigureKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.office {
            None => write!(out, "{}", self.code),
            Some(office) => write!(out, "{}@{office}", self.code),
        }
    }
}

impl FromStr for FigureKey {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.split_once('@') {
            None => Ok(Self::whole(text.parse()?)),
            Some((code, office)) => Ok(Self::part(code.parse()?, office.parse()?)),
        }
    }
}

impl Serialize for FigureKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FigureKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// One operation of an author in a document. The order is Automerge's own: by counter, then actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpId {
    /// Greater than that of every operation it builds upon.
    pub counter: u64,
    /// Who wrote it.
    pub actor: ActorId,
}

impl fmt::Display for OpId {
    /// As Automerge prints it: `counter@actor`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.counter, self.actor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_part_code_and_office_at_the_sign() {
        for text in ["II.1.1.a.1", "II.2.3@police"] {
            assert_eq!(text.parse::<FigureKey>().unwrap().to_string(), text);
        }
        for bad in ["", "@police", "II.1@", "II.1@a@b", "II 1"] {
            assert!(bad.parse::<FigureKey>().is_err(), "{bad}");
        }
    }
}
