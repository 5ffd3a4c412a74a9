//! The same totals, once more, as a person would write them down: for every unit all that lies
//! below it, line by line, with nothing kept and nothing shared with the fold.

use std::collections::BTreeMap;

use hopluu_model::{Decimal, Scalar, UnitId, UnitTree};

use super::world::id;

/// What was entered: by unit, part of the year (0 or 1) and key.
pub(super) type Entered = BTreeMap<(UnitId, usize), BTreeMap<String, Vec<Scalar>>>;

pub(super) struct Naive<'a> {
    pub(super) tree: &'a UnitTree,
    pub(super) entered: &'a Entered,
    pub(super) parts: usize,
}

/// Least and most, whether anybody gave a value, and whether one is unsettled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sum {
    pub(super) lo: Decimal,
    pub(super) hi: Decimal,
    pub(super) has_value: bool,
    pub(super) is_unsettled: bool,
}

impl Naive<'_> {
    fn below(&self, unit: &UnitId) -> Vec<UnitId> {
        let day = "2024-06-14".parse().unwrap();
        let mut all = self.tree.descendants(unit, day);
        all.push(unit.clone());
        all
    }

    fn is_above(unit: &UnitId) -> bool {
        unit.code.as_str().len() < 5
    }

    fn reports(unit: &UnitId) -> bool {
        !Self::is_above(unit) || unit.code.as_str() == "003"
    }

    /// What one unit entered under a key, its candidates once each.
    fn candidates(&self, unit: &UnitId, part: usize, key: &str) -> Vec<Scalar> {
        let figures = self.entered.get(&(unit.clone(), part));
        let mut values = figures
            .and_then(|f| f.get(key))
            .cloned()
            .unwrap_or_default();
        values.sort_by_key(ToString::to_string);
        values.dedup();
        values
    }

    fn counts(code: &str, unit: &UnitId) -> bool {
        match code {
            "A.sum" | "E.distinct" | "F.yes" | "G.ratio" => Self::reports(unit),
            "C.own" => Self::is_above(unit),
            _ => true,
        }
    }

    /// A line that adds up over units and over time.
    pub(super) fn flow(&self, unit: &UnitId, code: &str, keys: &[&str]) -> Sum {
        let mut sum = Sum::default();
        for unit in self
            .below(unit)
            .iter()
            .filter(|unit| Self::counts(code, unit))
        {
            for part in 0..self.parts {
                for key in keys {
                    add(&mut sum, &self.candidates(unit, part, key));
                }
            }
        }
        sum
    }

    /// A stock, where nothing is in conflict: the last part with an answer.
    pub(super) fn stock(&self, unit: &UnitId, code: &str) -> Sum {
        let mut sum = Sum::default();
        for unit in self.below(unit) {
            let mut answers = (0..self.parts).map(|part| self.candidates(&unit, part, code));
            let last = answers.rfind(|c| c.iter().any(Scalar::is_answer));
            add(&mut sum, &last.unwrap_or_default());
        }
        sum
    }

    /// Who said yes of who answered, at the last time they did; nothing in conflict.
    pub(super) fn share(&self, unit: &UnitId, code: &str) -> (u64, u64) {
        let mut share = (0, 0);
        for unit in self
            .below(unit)
            .iter()
            .filter(|unit| Self::counts(code, unit))
        {
            let mut answers = (0..self.parts).flat_map(|part| self.candidates(unit, part, code));
            match answers.rfind(Scalar::is_answer) {
                Some(Scalar::Yes) => share = (share.0 + 1, share.1 + 1),
                Some(Scalar::No) => share.1 += 1,
                _ => {}
            }
        }
        share
    }

    /// Reporting units that answered anything in every part.
    pub(super) fn coverage(&self, unit: &UnitId) -> (u32, u32) {
        let units = self.below(unit);
        let units = units.iter().filter(|unit| Self::reports(unit));
        let (mut expected, mut reported) = (0, 0);
        for unit in units {
            expected += 1;
            let has_answer = |part| {
                let figures = self.entered.get(&(unit.clone(), part));
                let own = unit == &id("003@2020-01-01");
                figures.is_some_and(|figures| {
                    figures.iter().any(|(key, values)| {
                        (own || key != "C.own") && values.iter().any(Scalar::is_answer)
                    })
                })
            };
            reported += u32::from((0..self.parts).all(has_answer));
        }
        (reported, expected)
    }
}

fn add(sum: &mut Sum, candidates: &[Scalar]) {
    let number = |scalar: &Scalar| match scalar {
        Scalar::Number(number, _) => (*number, true),
        Scalar::Nil => (Decimal::ZERO, true),
        _ => (Decimal::ZERO, false),
    };
    let values: Vec<_> = candidates.iter().map(number).collect();
    let lo = values.iter().map(|(value, _)| *value).min();
    let hi = values.iter().map(|(value, _)| *value).max();
    sum.lo = sum.lo.checked_add(lo.unwrap_or_default()).unwrap();
    sum.hi = sum.hi.checked_add(hi.unwrap_or_default()).unwrap();
    sum.has_value |= values.iter().any(|(_, is_value)| *is_value) || values.len() > 1;
    sum.is_unsettled |= values.len() > 1;
}
