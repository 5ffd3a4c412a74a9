//! The canonical bytes of a total, version 1. Changing anything here is a new version.

use hopluu_model::{ChangeHash, Digest, DocId, FormVersion, Period, Qualifier, Scalar, UnitId};
use serde::{Serialize, Serializer};

use crate::algebra::{Counts, Shown};
use crate::total::{Coverage, LineTotal, Missing, Source};
use crate::totals::LineView;

const VERSION: u8 = 1;

#[derive(Debug, Serialize)]
pub(crate) struct TotalWire<'a, L> {
    pub(crate) form: &'a str,
    pub(crate) version: FormVersion,
    pub(crate) form_digest: Digest,
    pub(crate) period: &'a Period,
    pub(crate) parts: &'a [Period],
    pub(crate) unit: &'a UnitId,
    pub(crate) tree: Digest,
    pub(crate) lines: L,
    pub(crate) coverage: CoverageWire<'a>,
    pub(crate) own_parts: CoverageWire<'a>,
    pub(crate) sources: Vec<SourceWire<'a>>,
    pub(crate) children: Vec<(&'a UnitId, Digest)>,
}

impl<L: Serialize> TotalWire<'_, L> {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut start = Vec::with_capacity(4096);
        start.push(VERSION);
        postcard::to_extend(self, start).expect("texts, numbers and lists serialise into memory")
    }
}

/// A list that is made while it is written: a line is 400 bytes in memory and 20 when written.
pub(crate) struct Made<F>(pub(crate) F);

impl<F: Fn() -> I, I: Iterator<Item: Serialize>> Serialize for Made<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct LineWire<'a> {
    pub(crate) code: &'a str,
    pub(crate) value: Option<ScalarWire>,
    pub(crate) range: Option<(ScalarWire, ScalarWire)>,
    pub(crate) own: Option<ShownWire>,
    pub(crate) counts: Counts,
    pub(crate) marks: u8,
}

impl<'a> LineWire<'a> {
    pub(crate) fn of(line: &'a LineTotal) -> Self {
        Self {
            code: line.code.as_str(),
            value: line.value.map(ScalarWire),
            range: line.range.map(pair),
            own: line.own.map(Into::into),
            counts: line.counts,
            marks: line.marks.0,
        }
    }
}

impl<'a> From<LineView<'a>> for LineWire<'a> {
    fn from(line: LineView<'a>) -> Self {
        Self {
            code: line.rule.code.as_str(),
            value: line.shown.value.map(ScalarWire),
            range: line.shown.range.map(pair),
            own: line.own.map(Into::into),
            counts: line.sum.counts,
            marks: line.sum.marks.0,
        }
    }
}

fn pair((lo, hi): (Scalar, Scalar)) -> (ScalarWire, ScalarWire) {
    (ScalarWire(lo), ScalarWire(hi))
}

#[derive(Debug, Serialize)]
pub(crate) struct ShownWire {
    value: Option<ScalarWire>,
    range: Option<(ScalarWire, ScalarWire)>,
}

impl From<Shown> for ShownWire {
    fn from(shown: Shown) -> Self {
        Self {
            value: shown.value.map(ScalarWire),
            range: shown.range.map(pair),
        }
    }
}

/// A tag and the numbers behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScalarWire(Scalar);

impl Serialize for ScalarWire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Scalar::Blank => 0u8.serialize(serializer),
            Scalar::NotApplicable => 1u8.serialize(serializer),
            Scalar::Nil => 2u8.serialize(serializer),
            Scalar::No => 3u8.serialize(serializer),
            Scalar::Yes => 4u8.serialize(serializer),
            Scalar::Share(part, whole) => (5u8, part, whole).serialize(serializer),
            Scalar::Number(number, qualifier) => {
                let tag: u8 = match qualifier {
                    Qualifier::Exact => 6,
                    Qualifier::About => 7,
                    Qualifier::AtLeast => 8,
                    Qualifier::AtMost => 9,
                };
                (tag, number.units(), number.scale()).serialize(serializer)
            }
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct CoverageWire<'a> {
    expected: u32,
    reported: u32,
    missing: Vec<(&'a UnitId, &'a Period)>,
}

impl<'a> From<&'a Coverage> for CoverageWire<'a> {
    fn from(coverage: &'a Coverage) -> Self {
        let missing = coverage.missing.iter();
        Self {
            expected: coverage.expected,
            reported: coverage.reported,
            missing: missing
                .map(|Missing { unit, period }| (unit, period))
                .collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct SourceWire<'a> {
    unit: &'a UnitId,
    period: &'a Period,
    doc: DocId,
    heads: &'a [ChangeHash],
    is_withdrawn: bool,
    stray_count: u32,
}

impl<'a> From<&'a Source> for SourceWire<'a> {
    fn from(source: &'a Source) -> Self {
        Self {
            unit: &source.unit,
            period: &source.period,
            doc: source.doc,
            heads: &source.heads,
            is_withdrawn: source.is_withdrawn,
            stray_count: source.stray_count,
        }
    }
}
