//! Which figures of one report contradict each other. One rule so far: a total against its addends;
//! and headings, which should hold nothing.

use std::collections::BTreeMap;

use hopluu_model::{Decimal, IndicatorCode, Qualifier, Scalar};

use crate::form::{Form, Line, LineRole, OverUnits};
use crate::lang::Lang;
use crate::show::{Style, show};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something a person may want to know.
    Note,
    /// To be looked at.
    Warning,
    /// A contradiction.
    Error,
}

/// Which rule was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The total is not the sum of its addends.
    SumOfParts,
    /// Some addends are blank, so that the total cannot be checked.
    BlankParts,
    /// The addends are there, the total is blank.
    BlankTotal,
    /// A heading holds a figure.
    HeadingValue,
    /// A heading says none, a line under it says some.
    HeadingContradicts,
    /// The share that a unit states is not the one that its units' answers make.
    StatedShare,
}

impl Rule {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SumOfParts => "R-001",
            Self::BlankParts => "R-002",
            Self::BlankTotal => "R-003",
            Self::HeadingValue => "R-004",
            Self::HeadingContradicts => "R-005",
            Self::StatedShare => "R-006",
        }
    }
}

/// A broken rule, with everything a person needs to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule.
    pub rule: Rule,
    /// How much it weighs.
    pub severity: Severity,
    /// The line it is about.
    pub code: IndicatorCode,
    /// The lines it was compared with.
    pub others: Vec<IndicatorCode>,
    /// What the others come to: exact, at least, or unknown.
    pub expected: Option<Scalar>,
    /// What stands in the line.
    pub found: Scalar,
}

impl Finding {
    /// What is wrong, with code, figures and lines.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let style = Style::from(lang);
        let expected = self
            .expected
            .as_ref()
            .map_or_else(String::new, |v| show(v, style));
        let others: Vec<_> = self.others.iter().map(IndicatorCode::as_str).collect();
        let (code, found, others) = (&self.code, show(&self.found, style), others.join(" + "));
        let words = match (self.rule, lang) {
            (Rule::SumOfParts, Lang::Vi) => {
                format!("{code} là {found} nhưng {others} = {expected}")
            }
            (Rule::SumOfParts, Lang::En) => format!("{code} is {found}, but {others} = {expected}"),
            (Rule::BlankParts, Lang::Vi) => {
                format!("{code} là {found} nhưng không kiểm tra được vì còn trống: {others}")
            }
            (Rule::BlankParts, Lang::En) => {
                format!("{code} is {found} and cannot be checked, blank: {others}")
            }
            (Rule::BlankTotal, Lang::Vi) => format!("{code} còn trống nhưng {others} = {expected}"),
            (Rule::BlankTotal, Lang::En) => format!("{code} is blank, but {others} = {expected}"),
            (Rule::HeadingValue, Lang::Vi) => format!("{code} là tiêu đề nhưng ghi {found}"),
            (Rule::HeadingValue, Lang::En) => format!("{code} is a heading, yet holds {found}"),
            (Rule::HeadingContradicts, Lang::Vi) => {
                format!("tiêu đề {code} ghi {found} nhưng bên dưới có số liệu: {others}")
            }
            (Rule::HeadingContradicts, Lang::En) => {
                format!("the heading {code} holds {found}, but there are figures below: {others}")
            }
            (Rule::StatedShare, Lang::Vi) => {
                format!("{code}: cấp này ghi {found} nhưng các đơn vị bên dưới trả lời {expected}")
            }
            (Rule::StatedShare, Lang::En) => {
                format!("{code}: this unit states {found}, but the units below answer {expected}")
            }
        };
        format!("{} {words}", self.rule.code())
    }
}

/// What a figure can be: from `low` to `high`, open where that is unknown.
#[derive(Debug, Clone, Copy)]
struct Range {
    low: Decimal,
    high: Option<Decimal>,
}

/// The range of a figure; `None` for a blank or something that is no quantity.
fn range(value: &Scalar) -> Option<Range> {
    let exact = |number| Range {
        low: number,
        high: Some(number),
    };
    match *value {
        Scalar::Number(number, Qualifier::Exact) => Some(exact(number)),
        Scalar::Number(low, Qualifier::AtLeast) => Some(Range { low, high: None }),
        Scalar::Number(high, Qualifier::AtMost) => Some(Range {
            low: Decimal::ZERO,
            high: Some(high),
        }),
        Scalar::Number(_, Qualifier::About) => Some(Range {
            low: Decimal::ZERO,
            high: None,
        }),
        Scalar::Nil | Scalar::NotApplicable => Some(exact(Decimal::ZERO)),
        Scalar::Blank | Scalar::Yes | Scalar::No | Scalar::Share(..) => None,
    }
}

impl Range {
    /// The sum; past what a figure can hold a bound stays where it was, which widens the range.
    fn plus(self, other: Self) -> Self {
        Self {
            low: self.low.checked_add(other.low).unwrap_or(self.low),
            high: self
                .high
                .zip(other.high)
                .and_then(|(a, b)| a.checked_add(b)),
        }
    }

    fn meets(self, other: Self) -> bool {
        let below = |low: Decimal, high: Option<Decimal>| high.is_none_or(|high| low <= high);
        below(self.low, other.high) && below(other.low, self.high)
    }

    /// The end of the range that a figure beside it is to be held against.
    fn beside(self, other: Self) -> Scalar {
        match self.high {
            Some(high) if high == self.low => Scalar::exact(high),
            Some(high) if other.low > high => Scalar::Number(high, Qualifier::AtMost),
            _ => Scalar::Number(self.low, Qualifier::AtLeast),
        }
    }
}

impl Form {
    /// What contradicts in one set of figures, in printed order. A missing code is a blank. A line
    /// written by office goes in with the sum of its parts.
    #[must_use]
    pub fn findings(&self, figures: &BTreeMap<IndicatorCode, Scalar>) -> Vec<Finding> {
        self.findings_in_total(figures, figures)
    }

    /// The same for a total, with what its unit's own report states in cells that are not added up: the
    /// cells of headings, and shares that the answers of the units below make.
    #[must_use]
    pub fn findings_in_total(
        &self,
        figures: &BTreeMap<IndicatorCode, Scalar>,
        stated: &BTreeMap<IndicatorCode, Scalar>,
    ) -> Vec<Finding> {
        let of = |from: &BTreeMap<_, _>, line: &Line| {
            let found: Option<&Scalar> = from.get(&line.code);
            found.copied().unwrap_or(Scalar::Blank)
        };
        let mut findings = Vec::new();
        for line in self.lines() {
            let (figure, stated) = (of(figures, line), of(stated, line));
            match &line.role {
                LineRole::Value(value) if value.is_sum_of_parts => {
                    findings.extend(self.check_sum(line, figure, figures));
                }
                LineRole::Value(value) if value.over_units == OverUnits::ShareOfUnits => {
                    findings.extend(check_share(line, stated, figure));
                }
                LineRole::Heading(_) if stated.is_answer() => {
                    findings.push(self.check_heading(line, stated, figures));
                }
                LineRole::Value(_) | LineRole::Heading(_) => {}
            }
        }
        findings
    }

    fn check_sum(
        &self,
        line: &Line,
        found: Scalar,
        figures: &BTreeMap<IndicatorCode, Scalar>,
    ) -> Option<Finding> {
        let mut known = Vec::new();
        let mut parts = Vec::new();
        let mut blank = Vec::new();
        let mut sum = Range {
            low: Decimal::ZERO,
            high: Some(Decimal::ZERO),
        };
        for addend in self.addends(&line.code) {
            let part = figures.get(&addend.code);
            match part.and_then(|part| Some((part, range(part)?))) {
                Some((part, range)) => {
                    sum = sum.plus(range);
                    parts.push(*part);
                    known.push(addend.code.clone());
                }
                None => blank.push(addend.code.clone()),
            }
        }
        let finding = |rule, severity, others, expected| {
            Some(Finding {
                rule,
                severity,
                code: line.code.clone(),
                others,
                expected,
                found,
            })
        };
        let Some(total) = range(&found) else {
            if known.is_empty() {
                return None;
            }
            let expected = added(&parts);
            return finding(Rule::BlankTotal, Severity::Warning, known, expected);
        };
        if !blank.is_empty() {
            // Blank parts can only add: what is known must not exceed the total already.
            sum.high = None;
        }
        if !sum.meets(total) {
            let expected = Some(sum.beside(total));
            return finding(Rule::SumOfParts, Severity::Error, known, expected);
        }
        if blank.is_empty() {
            return None;
        }
        // A total of something with no part at all is unfounded, a total of nothing incomplete.
        let is_unfounded = known.is_empty() && total.low > Decimal::ZERO;
        let severity = if is_unfounded {
            Severity::Error
        } else {
            Severity::Warning
        };
        finding(Rule::BlankParts, severity, blank, None)
    }

    fn check_heading(
        &self,
        line: &Line,
        found: Scalar,
        figures: &BTreeMap<IndicatorCode, Scalar>,
    ) -> Finding {
        let is_none = range(&found).is_some_and(|range| range.high == Some(Decimal::ZERO));
        let is_some = |code: &IndicatorCode| {
            let value = figures.get(code).and_then(range);
            value.is_some_and(|range| range.low > Decimal::ZERO)
        };
        let others: Vec<_> = self
            .children(&line.code)
            .filter(|child| is_none && is_some(&child.code))
            .map(|child| child.code.clone())
            .collect();
        let (rule, severity) = if others.is_empty() {
            (Rule::HeadingValue, Severity::Note)
        } else {
            (Rule::HeadingContradicts, Severity::Error)
        };
        Finding {
            rule,
            severity,
            code: line.code.clone(),
            others,
            expected: None,
            found,
        }
    }
}

/// What parts come to as a person would write it, with the word that holds for all of them: two
/// roughly known parts are together known roughly.
fn added(parts: &[Scalar]) -> Option<Scalar> {
    let mut sum = Decimal::ZERO;
    let mut said = Qualifier::Exact;
    for part in parts {
        let Scalar::Number(number, qualifier) = *part else {
            continue;
        };
        sum = sum.checked_add(number)?;
        said = match (said, qualifier) {
            (said, Qualifier::Exact) => said,
            (Qualifier::Exact, qualifier) => qualifier,
            (said, qualifier) if said == qualifier => said,
            _ => Qualifier::About,
        };
    }
    Some(Scalar::Number(sum, said))
}

/// A stated share against the answers. Whoever has not answered may still say either, so only more of
/// one answer than the stated share has room for contradicts it.
fn check_share(line: &Line, stated: Scalar, answered: Scalar) -> Option<Finding> {
    let (Scalar::Share(yes_stated, all), Scalar::Share(yes, answers)) = (stated, answered) else {
        return None;
    };
    let no = |yes: u64, all: u64| all.saturating_sub(yes);
    let is_possible = yes <= yes_stated && no(yes, answers) <= no(yes_stated, all);
    (!is_possible).then(|| Finding {
        rule: Rule::StatedShare,
        severity: Severity::Error,
        code: line.code.clone(),
        others: Vec::new(),
        expected: Some(answered),
        found: stated,
    })
}

#[cfg(test)]
mod tests;
