//! Grants: which office of which unit may write what, in whose reports.

use std::collections::BTreeSet;

use hopluu_model::{Date, FormId, IndicatorCode, OfficeId, Period, SectionId, Step, UnitId};
use serde::{Deserialize, Serialize};

use crate::codec::Layout;
use crate::limits::{GRANT_BYTES_MAX, GRANT_NAMES_MAX};
use crate::{DecodeError, Record, RecordKind, SignError, Signer};

const LAYOUT: Layout = Layout {
    what: "grant",
    version: 1,
    bytes_max: GRANT_BYTES_MAX,
};

/// The same with what may be read behind it. One that names nothing to read is written as before.
const READING: Layout = Layout {
    version: 2,
    ..LAYOUT
};

/// How far a right reaches among the lines or the sections of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach<T> {
    /// None of them.
    #[default]
    Nothing,
    /// Those that the form gives to the office: as owner, as contributor, as writer of a text. What a
    /// later version of the form adds is among them.
    Own,
    /// Every one.
    All,
    /// These, ascending, at least one.
    Only(Vec<T>),
}

impl<T: Ord> Reach<T> {
    /// Whether it reaches one, which is the office's own by the form or not.
    pub(crate) fn holds(&self, one: &T, is_own: bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Own => is_own,
            Self::All => true,
            Self::Only(names) => names.binary_search(one).is_ok(),
        }
    }

    /// Puts its names in order.
    fn sorted(self) -> Self {
        match self {
            Self::Only(names) => {
                let names: BTreeSet<T> = names.into_iter().collect();
                Self::Only(names.into_iter().collect())
            }
            other => other,
        }
    }

    fn names(&self) -> &[T] {
        match self {
            Self::Only(names) => names,
            _ => &[],
        }
    }

    fn is_canonical(&self) -> bool {
        match self {
            Self::Only(names) => !names.is_empty() && names.is_sorted_by(|a, b| a < b),
            _ => true,
        }
    }
}

/// Steps of a report's life, as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Steps(u16);

impl Steps {
    /// Whether a step is among them.
    #[must_use]
    pub fn holds(self, step: Step) -> bool {
        self.0 & (1 << step.number()) != 0
    }

    /// Those that this version of the program knows.
    pub fn iter(self) -> impl Iterator<Item = Step> {
        Step::ALL.into_iter().filter(move |step| self.holds(*step))
    }
}

impl FromIterator<Step> for Steps {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        let bits = steps.into_iter().map(|step| 1 << step.number());
        Self(bits.fold(0, |all, bit: u16| all | bit))
    }
}

/// What one office may write in the reports of one unit. It counts if whoever signed it is a main node
/// at or above the office's unit, and that is at or above the reports': so rights go down the tree,
/// never sideways, and nobody gives more than is its own. Which reports it covers is asked of their
/// period, never of a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The unit whose office it is.
    pub holder: UnitId,
    /// Which office of it: every node of that office holds the grant, also a later one.
    pub office: OfficeId,
    /// Which forms, ascending; none named means every form.
    pub forms: Vec<FormId>,
    /// Also the reports of the units below.
    pub below: bool,
    /// Reports whose period ends on this day or later.
    pub since: Option<Date>,
    /// Reports whose period ends on this day or before.
    pub until: Option<Date>,
    /// Figures and the notes beside them.
    pub lines: Reach<IndicatorCode>,
    /// Sections in words.
    pub texts: Reach<SectionId>,
    /// Whether files may be added and taken out.
    pub attachments: bool,
    /// Steps of the report's life.
    pub steps: Steps,
    /// Private lines that may be read, beside those that may be written.
    #[serde(skip)]
    pub reads: Reach<IndicatorCode>,
}

impl Grant {
    /// What an office gets with its certificate: everything that forms give it, files, and to begin a
    /// report and to call its own part complete.
    #[must_use]
    pub fn of_office(holder: UnitId, office: OfficeId) -> Self {
        Self {
            holder,
            office,
            forms: Vec::new(),
            below: false,
            since: None,
            until: None,
            lines: Reach::Own,
            texts: Reach::Own,
            attachments: true,
            steps: [Step::Opened, Step::Contributed].into_iter().collect(),
            reads: Reach::Nothing,
        }
    }

    /// Signs it as a record of `unit`, whose reports it is about. Its lists are put in order.
    ///
    /// # Errors
    /// [`SignError::OverBound`] when it names more than a grant may.
    pub fn sign(self, signer: &Signer, unit: UnitId) -> Result<Record, SignError> {
        let forms: BTreeSet<FormId> = self.forms.into_iter().collect();
        let grant = Self {
            forms: forms.into_iter().collect(),
            lines: self.lines.sorted(),
            texts: self.texts.sorted(),
            reads: self.reads.sorted(),
            ..self
        };
        LAYOUT.bound_signed("names", grant.names(), GRANT_NAMES_MAX)?;
        let body = grant.encode();
        LAYOUT.size_signed(body.len())?;
        Record::sign(signer, RecordKind::Grant, unit, body)
    }

    /// Reads the grant in the body of a record.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no grant or over a bound.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let grant = if body.first() == Some(&READING.version) {
            let (grant, reads): (Self, _) = READING.decode(body)?;
            Self { reads, ..grant }
        } else {
            LAYOUT.decode(body)?
        };
        LAYOUT.bound("names", grant.names(), GRANT_NAMES_MAX)?;
        let is_canonical = grant.forms.is_sorted_by(|a, b| a < b)
            && grant.lines.is_canonical()
            && grant.texts.is_canonical()
            && grant.reads.is_canonical()
            && grant.encode() == body;
        if is_canonical {
            Ok(grant)
        } else {
            Err(DecodeError::NotCanonical { what: LAYOUT.what })
        }
    }

    fn encode(&self) -> Vec<u8> {
        match &self.reads {
            Reach::Nothing => LAYOUT.encode(self),
            reads => READING.encode(&(self, reads)),
        }
    }

    /// Whether it lets its holder read a private line, which the form gives to the office or not: to write it, or
    /// only that.
    #[must_use]
    pub fn lets_read(&self, code: &IndicatorCode, is_own: bool) -> bool {
        self.lines.holds(code, is_own) || self.reads.holds(code, is_own)
    }

    /// Whether it is about reports of this form and period.
    #[must_use]
    pub fn covers(&self, form: &FormId, period: &Period) -> bool {
        let (_, ends) = period.calendar_days();
        let is_named = self.forms.is_empty() || self.forms.binary_search(form).is_ok();
        is_named
            && self.since.is_none_or(|since| since <= ends)
            && self.until.is_none_or(|until| ends <= until)
    }

    fn names(&self) -> usize {
        let lines = self.lines.names().len() + self.reads.names().len();
        self.forms.len() + lines + self.texts.names().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            forms: vec!["b".parse().unwrap(), "a".parse().unwrap()],
            lines: Reach::Only(vec![
                "II.2".parse().unwrap(),
                "II.1".parse().unwrap(),
                "II.1".parse().unwrap(),
            ]),
            since: Some("2026-07-01".parse().unwrap()),
            until: Some("2027-06-30".parse().unwrap()),
            ..Grant::of_office(
                "19429@2020-02-01".parse().unwrap(),
                "police".parse().unwrap(),
            )
        }
    }

    #[test]
    fn grant_reads_back_with_its_lists_in_order() {
        let signer = Signer::from_seed(&[1; 32]);
        let record = grant().sign(&signer, grant().holder).unwrap();
        record.verify().unwrap();
        let read = Grant::decode(&record.body).unwrap();
        assert_eq!(read.forms.len(), 2);
        assert!(read.lines.holds(&"II.1".parse().unwrap(), false));
        assert!(!read.lines.holds(&"II.3".parse().unwrap(), true));
        assert_eq!(read.clone().sign(&signer, read.holder).unwrap(), record);
        for other in [
            Grant {
                forms: grant().forms,
                ..read_again(&record)
            },
            Grant {
                lines: Reach::Only(Vec::new()),
                ..read_again(&record)
            },
        ] {
            let refused = Grant::decode(&LAYOUT.encode(&other));
            assert_eq!(refused, Err(DecodeError::NotCanonical { what: "grant" }));
        }
    }

    fn read_again(record: &Record) -> Grant {
        Grant::decode(&record.body).unwrap()
    }

    #[test]
    fn grant_covers_reports_by_the_last_day_of_their_period() {
        let grant = read_again(
            &grant()
                .sign(&Signer::from_seed(&[1; 32]), grant().holder)
                .unwrap(),
        );
        let covers = |form: &str, period: &str| {
            grant.covers(&form.parse().unwrap(), &period.parse().unwrap())
        };
        assert!(covers("a", "2026-H2") && covers("b", "2027-H1"));
        assert!(!covers("a", "2026-H1") && !covers("a", "2027-H2") && !covers("c", "2026-H2"));
        let all = Grant::of_office(grant.holder, grant.office);
        assert!(all.covers(&"c".parse().unwrap(), &"1999".parse().unwrap()));
    }

    #[test]
    fn grant_of_too_many_names_is_refused_on_both_sides() {
        let codes: Vec<IndicatorCode> = (0..=GRANT_NAMES_MAX)
            .map(|n| format!("L{n:05}").parse().unwrap())
            .collect();
        let wide = Grant {
            forms: Vec::new(),
            lines: Reach::Only(codes),
            ..grant()
        };
        assert!(matches!(
            Grant::decode(&LAYOUT.encode(&wide)),
            Err(DecodeError::OverBound { .. })
        ));
        let signer = Signer::from_seed(&[1; 32]);
        assert!(matches!(
            wide.sign(&signer, grant().holder),
            Err(SignError::OverBound { .. })
        ));
    }

    #[test]
    fn what_may_be_read_makes_another_version_and_nothing_else_does() {
        let signer = Signer::from_seed(&[1; 32]);
        let code: IndicatorCode = "II.1".parse().unwrap();
        let reading = Grant {
            lines: Reach::Nothing,
            reads: Reach::Only(vec![code.clone(), code.clone()]),
            ..grant()
        };
        let record = reading.sign(&signer, grant().holder).unwrap();
        assert_eq!(record.body.first(), Some(&2));
        let read = read_again(&record);
        assert_eq!(read.reads, Reach::Only(vec![code.clone()]));
        assert!(read.lets_read(&code, false) && !read.lines.holds(&code, false));
        assert!(!read.lets_read(&"II.2".parse().unwrap(), true));
        let plain = Grant {
            reads: Reach::Nothing,
            ..read
        };
        let refused = Grant::decode(&READING.encode(&(&plain, &plain.reads)));
        assert_eq!(refused, Err(DecodeError::NotCanonical { what: "grant" }));
        assert_eq!(plain.encode().first(), Some(&1));
    }

    #[test]
    fn steps_are_a_set() {
        let steps: Steps = [Step::Signed, Step::Opened, Step::Signed]
            .into_iter()
            .collect();
        assert_eq!(
            steps.iter().collect::<Vec<_>>(),
            [Step::Opened, Step::Signed]
        );
        assert!(!steps.holds(Step::Withdrawn) && Steps::default().iter().next().is_none());
    }
}
