//! What a total is once it is made: lines, coverage, contributors, and its canonical bytes.

use hopluu_form::Finding;
use hopluu_model::{
    ChangeHash, Decimal, Digest, DocId, FormId, FormVersion, IndicatorCode, Period, Scalar, UnitId,
};

use crate::algebra::{Counts, Marks, Shown};
use crate::document::Stray;
use crate::wire::{LineWire, Made, TotalWire};

/// How many of those who owe something have done so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// How many owe.
    pub expected: u32,
    /// How many of them answered, for every part of the period.
    pub reported: u32,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.expected += other.expected;
        self.reported += other.reported;
    }

    pub(crate) fn is_complete(self) -> bool {
        self.expected == self.reported
    }
}

/// Coverage in numbers, of a unit and all below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Units that owe the report.
    pub reports: Count,
    /// Units above that add their own part.
    pub own_parts: Count,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.reports.add(other.reports);
        self.own_parts.add(other.own_parts);
    }

    pub(crate) fn is_complete(self) -> bool {
        self.reports.is_complete() && self.own_parts.is_complete()
    }
}

/// A unit from which nothing has come for a period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Who owes it: for a part of a longer period this may be a unit that has ended since.
    pub unit: UnitId,
    /// For which entered period.
    pub period: Period,
}

/// How complete a total is. 19 of 21 is said with every total, and who the two are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Units that owe this.
    pub expected: u32,
    /// Of them, those that answered for every part of the period.
    pub reported: u32,
    /// What has not come, by unit and period.
    pub missing: Vec<Missing>,
}

/// One line of a total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineTotal {
    /// Which line.
    pub code: IndicatorCode,
    /// The value, unless nobody gave one or unsettled figures leave it open.
    pub value: Option<Scalar>,
    /// What the value can turn out to be, while a figure in it is unsettled.
    pub range: Option<(Scalar, Scalar)>,
    /// What the unit itself entered, where it stands beside or within what comes from below.
    pub own: Option<Shown>,
    /// Who gave it, who did not, and how.
    pub counts: Counts,
    /// How exactly it is meant.
    pub marks: Marks,
}

impl LineTotal {
    /// Whether a figure in it has several values that nobody has settled.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.counts.unsettled > 0
    }

    /// A share as papers print it. Never stored, never averaged: computed from what is shown.
    #[must_use]
    pub fn percent(&self) -> Option<Decimal> {
        match self.value? {
            Scalar::Share(part, whole) => {
                let number = |count: u64| Decimal::new(i128::from(count), 0);
                Decimal::percent(number(part), number(whole))
            }
            _ => None,
        }
    }
}

/// A document that a total was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Whose document: the unit itself, or one that has ended and counts here.
    pub unit: UnitId,
    /// The entered period.
    pub period: Period,
    /// Which document.
    pub doc: DocId,
    /// Which state of it, sorted.
    pub heads: Vec<ChangeHash>,
    /// It was taken back, so nothing of it counts.
    pub is_withdrawn: bool,
    /// How many of its values are no line's.
    pub stray_count: u32,
    /// The first of them by name. Not in the canonical bytes: the document says it.
    pub strays: Vec<Stray>,
}

/// A total that another one was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Whose total.
    pub unit: UnitId,
    /// BLAKE3 of its canonical bytes.
    pub digest: Digest,
    /// Its coverage, for whoever follows a total down. Not in the canonical bytes: the child's has it.
    pub tally: Tally,
}

/// The total of one unit for one form and period, on the live basis.
///
/// It holds no time and nothing of the node that made it: who holds the same documents, form and
/// tree below the unit makes the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Of whom.
    pub unit: UnitId,
    /// By which form.
    pub form: FormId,
    /// In which version.
    pub version: FormVersion,
    /// And exactly which text of it.
    pub form_digest: Digest,
    /// For which period.
    pub period: Period,
    /// The entered periods it is made of; itself if it is entered.
    pub parts: Vec<Period>,
    /// Who is below whom in the tree of the period, at and below the unit.
    pub tree: Digest,
    /// Value lines, by code.
    pub lines: Vec<LineTotal>,
    /// Of the reporting units.
    pub coverage: Coverage,
    /// Of the units above, which add their own part.
    pub own_parts: Coverage,
    /// The unit's own documents and those that count as its own, by unit and period.
    pub sources: Vec<Source>,
    /// The totals below, by unit.
    pub children: Vec<Child>,
    /// Lines that contradict each other. Not in the canonical bytes: form and values say it.
    pub findings: Vec<Finding>,
}

impl Total {
    /// One line.
    #[must_use]
    pub fn line(&self, code: &IndicatorCode) -> Option<&LineTotal> {
        let at = self
            .lines
            .binary_search_by(|line| line.code.cmp(code))
            .ok()?;
        self.lines.get(at)
    }

    /// Version 1 of the canonical bytes: postcard of the fields in their order, everything sorted.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        TotalWire {
            form: self.form.as_str(),
            version: self.version,
            form_digest: self.form_digest,
            period: &self.period,
            parts: &self.parts,
            unit: &self.unit,
            tree: self.tree,
            lines: Made(|| self.lines.iter().map(LineWire::of)),
            coverage: (&self.coverage).into(),
            own_parts: (&self.own_parts).into(),
            sources: self.sources.iter().map(Into::into).collect(),
            children: self.children.iter().map(|c| (&c.unit, c.digest)).collect(),
        }
        .bytes()
    }

    /// By which totals above refer to this one: BLAKE3 of the canonical bytes.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(&self.canonical_bytes())
    }
}

/// The digest of canonical bytes.
#[must_use]
pub fn digest_of(canonical: &[u8]) -> Digest {
    Digest(*blake3::hash(canonical).as_bytes())
}
