//! A small country, a form with every way of adding up, and reports made by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use hopluu_doc::{Facts, FactsView};
use hopluu_form::Form;
use hopluu_model::tree::{Level, ParentSpan, Successor, Unit};
use hopluu_model::{ChangeHash, DocId, Period, UnitId, UnitTree};

use super::super::{Placed, SetError, Totals};
use crate::document::ReportFacts;

/// Levels, calendar and offices of a form whose lines follow.
const FORM_HEAD: &str = r#"
id = "every-way"
version = "1.0"
[title]
vi = "Mọi cách cộng"
en = "Every way of adding up"
[levels]
reporting = ["commune"]
own_part = ["district", "province"]
[[calendar]]
period = "half-year"
cut_off = 14
[[calendar]]
period = "year"
cut_off = 14
from_parts = "half-year"
[[calendar]]
period = "years"
cut_off = 14
from_parts = "year"
[[office]]
id = "police"
vi = "Công an"
en = "Police"
[[office]]
id = "health"
vi = "Y tế"
en = "Health"
[measures]
person = { vi = "Người", en = "persons" }
[[line]]
code = "H"
printed = "1"
vi = "Tiêu đề"
en = "Heading"
heading = true
"#;

/// Code, what is typed, over units, over time, and what else the line says.
const LINES: &[(&str, &str, &str, &str, &str)] = &[
    ("A.sum", "count", "sum", "sum", "sum_of_parts = true"),
    (
        "A.sum.1",
        "count",
        "sum",
        "sum",
        "parent = \"A.sum\"\npart = \"addend\"",
    ),
    (
        "A.sum.2",
        "count",
        "sum",
        "sum",
        "parent = \"A.sum\"\npart = \"addend\"",
    ),
    ("B.plus", "money", "sum_plus_own", "sum", ""),
    ("C.own", "count", "own_only", "sum", ""),
    (
        "D.stock",
        "count",
        "sum_plus_own",
        "latest",
        "may_count_twice = true",
    ),
    ("E.distinct", "count", "sum", "distinct_sum", ""),
    (
        "F.yes",
        "yes_no",
        "share_of_units",
        "latest",
        "entered_at = \"both\"",
    ),
    ("G.ratio", "share", "ratio", "recompute", ""),
    ("I.alone", "count", "none", "none", ""),
    (
        "J.office",
        "count",
        "sum_plus_own",
        "sum",
        "by_office = true",
    ),
];

pub(super) fn form() -> Arc<Form> {
    let mut text = FORM_HEAD.to_owned();
    for (code, entered, over_units, over_time, more) in LINES {
        let parent = if more.contains("parent") {
            ""
        } else {
            "parent = \"H\"\n"
        };
        text.push_str(&format!(
            "[[line]]\ncode = \"{code}\"\n{parent}printed = \"-\"\nvi = \"{code}\"\n\
             en = \"{code}\"\nentered = \"{entered}\"\nmeasure = \"person\"\n\
             over_units = \"{over_units}\"\nover_time = \"{over_time}\"\nowner = \"police\"\n\
             contributors = [\"health\"]\n{more}\n"
        ));
    }
    match Form::parse(&text) {
        Ok(form) => Arc::new(form),
        Err(errors) => panic!("{errors:#?}"),
    }
}

pub(super) fn id(text: &str) -> UnitId {
    text.parse().unwrap()
}

pub(super) fn period(text: &str) -> Period {
    text.parse().unwrap()
}

/// `unit parent` lines; levels follow from the length of the code. `unit parent ENDED heir` ends
/// one; a dash stands for no parent or no heir.
pub(super) fn tree(text: &str) -> Arc<UnitTree> {
    let level = |id: &str| Level {
        id: id.to_owned(),
        vi: id.to_owned(),
        en: id.to_owned(),
    };
    let units = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let units = units.map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let given = |at: usize| words.get(at).filter(|word| **word != "-");
        let own = id(words[0]);
        Unit {
            name: words[0].to_owned(),
            level: match own.code.as_str().len() {
                2 => "province".to_owned(),
                3 => "district".to_owned(),
                _ => "commune".to_owned(),
            },
            kind: "x".to_owned(),
            open_past: own.since == id("1@2020-01-01").since,
            ended: given(2).map(|day| day.parse().unwrap()),
            former: Vec::new(),
            parents: given(1)
                .map(|parent| ParentSpan {
                    from: own.since,
                    unit: id(parent),
                })
                .into_iter()
                .collect(),
            successors: given(3)
                .map(|heir| Successor::sole(id(heir)))
                .into_iter()
                .collect(),
            id: own,
        }
    });
    let levels = ["province", "district", "commune"].map(level).to_vec();
    Arc::new(UnitTree::new(levels, units.collect()).unwrap())
}

/// Province 01 over districts 001 (three communes), 002 (two) and the island district 003.
pub(super) fn small_tree() -> Arc<UnitTree> {
    tree(
        "01@2020-01-01 -
         001@2020-01-01 01@2020-01-01
         002@2020-01-01 01@2020-01-01
         003@2020-01-01 01@2020-01-01
         00011@2020-01-01 001@2020-01-01
         00012@2020-01-01 001@2020-01-01
         00013@2020-01-01 001@2020-01-01
         00021@2020-01-01 002@2020-01-01
         00022@2020-01-01 002@2020-01-01",
    )
}

pub(super) const PROVINCE: &str = "01@2020-01-01";
pub(super) const DISTRICT: &str = "001@2020-01-01";
pub(super) const ISLAND: &str = "003@2020-01-01";

/// Packed facts of `key=value` words, as `hopluu_doc::facts` describes them; `key=a|b` is a conflict.
pub(super) fn facts(text: &str) -> Vec<u8> {
    let figures: BTreeMap<_, _> = text
        .split_whitespace()
        .map(|word| word.split_once('=').unwrap())
        .collect();
    // Version 1, and the one actor who wrote all of it.
    let mut out = vec![1, u8::from(!figures.is_empty())];
    if !figures.is_empty() {
        out.extend([7; 8]);
    }
    count(&mut out, figures.len());
    let mut counter = 0;
    for (key, values) in figures {
        count(&mut out, key.len());
        out.extend(key.as_bytes());
        let last = values.split('|').count() - 1;
        for (at, value) in values.split('|').enumerate() {
            count(&mut out, value.len() * 2 + usize::from(at < last));
            out.extend(value.as_bytes());
            counter += 1;
            count(&mut out, counter);
            count(&mut out, 0);
        }
    }
    // No events, nothing void.
    out.extend([0, 0]);
    assert_eq!(Facts::decode(&out).unwrap().encode(), out);
    out
}

fn count(out: &mut Vec<u8>, mut number: usize) {
    while number > 127 {
        out.push(u8::try_from(number & 127).unwrap() | 128);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
}

/// A document's id and head, made up from whose it is and what it says.
pub(super) fn names(unit: &str, period: &str, text: &str) -> (DocId, ChangeHash) {
    let doc = blake3::hash(format!("{unit} {period}").as_bytes());
    let doc = DocId(doc.as_bytes()[..16].try_into().unwrap());
    (doc, ChangeHash(*blake3::hash(text.as_bytes()).as_bytes()))
}

impl Totals {
    pub(super) fn enter(&mut self, unit: &str, part: &str, text: &str) -> Placed {
        self.try_enter(unit, part, text).unwrap()
    }

    pub(super) fn try_enter(
        &mut self,
        unit: &str,
        part: &str,
        text: &str,
    ) -> Result<Placed, SetError> {
        let is_withdrawn = text.starts_with("withdrawn ");
        let packed = facts(text.trim_start_matches("withdrawn "));
        let (doc, head) = names(unit, part, text);
        let report = ReportFacts {
            also: &[],
            doc,
            heads: &[head],
            is_withdrawn,
            facts: FactsView::new(&packed).unwrap(),
        };
        self.set(&id(unit), &period(part), &report)
    }

    /// One line of a total in words: `value [lo..hi] own=..`.
    pub(super) fn shows(&self, unit: &str, code: &str) -> String {
        let line = self.line(&id(unit), &code.parse().unwrap()).unwrap();
        let mut text = line.value.map_or("-".to_owned(), |value| value.to_string());
        if let Some((lo, hi)) = line.range {
            text.push_str(&format!(" [{lo}..{hi}]"));
        }
        if let Some(own) = line.own {
            let own = own.value.map_or("-".to_owned(), |value| value.to_string());
            text.push_str(&format!(" own={own}"));
        }
        text
    }

    /// `reported/expected, missing ...`
    pub(super) fn coverage_of(&self, unit: &str) -> String {
        let coverage = self.total(&id(unit)).unwrap().coverage;
        let mut text = format!("{}/{}", coverage.reported, coverage.expected);
        for missing in coverage.missing {
            text.push_str(&format!(" {}:{}", missing.unit.code, missing.period));
        }
        text
    }
}

pub(super) fn totals(tree: &Arc<UnitTree>, label: &str) -> Totals {
    Totals::new(form(), Arc::clone(tree), period(label), &[]).unwrap()
}
