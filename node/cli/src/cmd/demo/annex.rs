//! The published annex of Hướng Hóa district for 2016-2020, as it was printed, errors included.

use std::collections::BTreeMap;

use hopluu_form::Form;
use hopluu_model::{Decimal, IndicatorCode, Qualifier, Scalar};

const PRINTED: &str = include_str!("../../../../../config/demo/annex-2016-2020.csv");

/// What stands in the annex, under the codes of the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Annex {
    figures: BTreeMap<IndicatorCode, Scalar>,
}

impl Annex {
    /// The annex as printed.
    pub(super) fn printed() -> Self {
        let rows = PRINTED
            .lines()
            .skip(1)
            .filter_map(|row| row.split_once(','));
        let read = |(code, value): (&str, &str)| {
            let code = code.parse().expect("the annex is tested to hold codes");
            let value = match value {
                "" => Scalar::Blank,
                text => text
                    .parse()
                    .expect("the annex is tested to hold canonical values"),
            };
            (code, value)
        };
        Self {
            figures: rows.map(read).collect(),
        }
    }

    /// What is printed on a line.
    pub(super) fn value(&self, code: &IndicatorCode) -> Scalar {
        self.figures.get(code).copied().unwrap_or(Scalar::Blank)
    }

    /// A line's whole number, where it has one.
    pub(super) fn count(&self, code: &IndicatorCode) -> Option<u64> {
        count(&self.value(code))
    }

    /// Everything printed, headings too.
    pub(super) fn figures(&self) -> &BTreeMap<IndicatorCode, Scalar> {
        &self.figures
    }

    /// Whether a printed total is what its printed parts add up to.
    pub(super) fn adds_up(&self, form: &Form, total: &IndicatorCode) -> bool {
        let mut sum = 0;
        for part in form.addends(total) {
            match self.count(&part.code) {
                Some(count) => sum += count,
                None => return false,
            }
        }
        self.count(total) == Some(sum)
    }
}

/// A whole number as such.
pub(super) fn count(value: &Scalar) -> Option<u64> {
    match value {
        Scalar::Number(number, Qualifier::Exact) if number.is_integer() => {
            u64::try_from(number.units()).ok()
        }
        _ => None,
    }
}

/// A count as a figure.
pub(super) fn figure(count: u64) -> Scalar {
    Scalar::exact(Decimal::new(i128::from(count), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annex_is_the_form_filled_in_with_its_contradictions() {
        let form = super::super::plan::tests::form();
        let annex = Annex::printed();
        for (line, _) in form.value_lines() {
            assert!(annex.figures.contains_key(&line.code), "{}", line.code);
        }
        let headings: Vec<_> = annex
            .figures
            .keys()
            .filter(|code| form.value(code).is_none())
            .collect();
        assert_eq!((form.value_lines().count(), headings.len()), (78, 6));
        let found: Vec<String> = form
            .findings(&annex.figures)
            .iter()
            .map(|finding| format!("{} {}", finding.rule.code(), finding.code))
            .collect();
        expect_test::expect![[r#"
            R-004 II.1.2
            R-005 II.1.3
            R-001 II.2.3.c
            R-004 II.2.4.a
            R-004 II.2.4.b
            R-004 II.2.4.c
            R-004 II.2.5
            R-002 II.3.2.a"#]]
        .assert_eq(&found.join("\n"));
    }
}
