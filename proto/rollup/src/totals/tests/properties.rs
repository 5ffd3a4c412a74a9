use std::collections::BTreeMap;

use hopluu_model::Scalar;
use proptest::prelude::*;

use super::naive::{Entered, Naive, Sum};
use super::world::{id, small_tree, totals};
use super::{PROVINCE, Totals};
use crate::total::LineTotal;

const UNITS: [&str; 9] = [
    "01@2020-01-01",
    "001@2020-01-01",
    "002@2020-01-01",
    "003@2020-01-01",
    "00011@2020-01-01",
    "00012@2020-01-01",
    "00013@2020-01-01",
    "00021@2020-01-01",
    "00022@2020-01-01",
];

/// Number of the unit, of the half-year, and what is entered.
type Report = (usize, usize, String);

fn any_report() -> impl Strategy<Value = Report> {
    let number = "nil|na|blank|0|[1-9][0-9]{0,3}|~>[1-9]";
    let open = format!("({number})(\\|({number})){{0,2}}");
    let money = "blank|[1-9][0-9]{0,2}\\.[1-9]|-[1-9]|[1-9][0-9]{14,16}";
    let text = (
        proptest::option::of(proptest::string::string_regex(&open).unwrap()),
        proptest::option::of(money),
        proptest::option::of("[1-9]"),
        proptest::option::of("nil|na|blank|[1-9]"),
        proptest::option::of("y|n|na|blank"),
        proptest::option::of("[1-9]\\|[1-9]"),
        proptest::option::of("[0-4]/[4-8]"),
    );
    let text = text.prop_map(|(sum, plus, own, stock, yes, office, ratio)| {
        [
            ("A.sum", sum),
            ("B.plus", plus),
            ("C.own", own),
            ("D.stock", stock.clone()),
            ("E.distinct", stock),
            ("F.yes", yes),
            ("G.ratio", ratio),
            ("J.office@health", office),
        ]
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)))
        .collect::<Vec<_>>()
        .join(" ")
    });
    (0..UNITS.len(), 0..2usize, text)
}

fn part(at: usize, parts: usize) -> &'static str {
    ["2024-H1", "2024-H2"][at.min(parts - 1)]
}

fn enter(totals: &mut Totals, reports: &[Report]) {
    let parts = totals.parts().len();
    for (unit, at, text) in reports {
        totals.enter(UNITS[*unit], part(*at, parts), text);
    }
}

/// The last report of each unit and part, which is all that counts.
fn last_ones(reports: &[Report], parts: usize) -> Vec<Report> {
    let last: BTreeMap<_, _> = reports
        .iter()
        .map(|(unit, at, text)| ((*unit, (*at).min(parts - 1)), text.clone()))
        .collect();
    last.into_iter()
        .map(|((unit, at), text)| (unit, at, text))
        .collect()
}

fn all_bytes(totals: &Totals) -> Vec<Vec<u8>> {
    let total = |unit: &&str| totals.total(&id(unit)).unwrap();
    UNITS
        .iter()
        .map(|unit| total(unit).canonical_bytes())
        .collect()
}

fn entered(reports: &[Report]) -> Entered {
    let mut entered = Entered::new();
    for (unit, at, text) in reports {
        let figures = entered.entry((id(UNITS[*unit]), *at)).or_default();
        for word in text.split_whitespace() {
            let (key, values) = word.split_once('=').unwrap();
            let values = values.split('|').map(|value| value.parse().unwrap());
            figures.insert(key.to_owned(), values.collect());
        }
    }
    entered
}

fn as_sum(line: &LineTotal) -> Sum {
    let number = |scalar| match scalar {
        Scalar::Number(number, _) => Some(number),
        Scalar::Nil => Some(0.into()),
        _ => None,
    };
    let (lo, hi) = match (line.range, line.value) {
        (Some((lo, hi)), _) => (number(lo), number(hi)),
        (None, value) => (value.and_then(number), value.and_then(number)),
    };
    Sum {
        lo: lo.unwrap_or_default(),
        hi: hi.unwrap_or_default(),
        has_value: lo.is_some(),
        is_unsettled: line.is_unsettled(),
    }
}

proptest! {
    #[test]
    fn the_order_of_arrival_never_shows(
        reports in proptest::collection::vec(any_report(), 0..12),
        label in prop_oneof![Just("2024-H1"), Just("2024")],
        keys in proptest::collection::vec(any::<u32>(), 12),
    ) {
        let tree = small_tree();
        let mut one = totals(&tree, label);
        let parts = one.parts().len();
        let reports = last_ones(&reports, parts);
        enter(&mut one, &reports);
        let mut shuffled: Vec<_> = reports.iter().cloned().zip(&keys).collect();
        shuffled.sort_by_key(|(_, key)| **key);
        let shuffled: Vec<_> = shuffled.into_iter().map(|(report, _)| report).collect();
        let mut other = totals(&tree, label);
        enter(&mut other, &shuffled);
        prop_assert_eq!(all_bytes(&one), all_bytes(&other));
    }

    #[test]
    fn report_by_report_equals_all_at_once(
        reports in proptest::collection::vec(any_report(), 0..16),
        label in prop_oneof![Just("2024-H1"), Just("2024")],
        removed in any::<prop::sample::Index>(),
    ) {
        let tree = small_tree();
        let mut one = totals(&tree, label);
        enter(&mut one, &reports);
        let before = all_bytes(&one);
        // Digests are kept between changes; those of totals made anew must be the same.
        one.recompute();
        prop_assert_eq!(&before, &all_bytes(&one));
        let parts = one.parts().len();
        let last = last_ones(&reports, parts);
        let mut fresh = totals(&tree, label);
        enter(&mut fresh, &last);
        prop_assert_eq!(&before, &all_bytes(&fresh));
        if !last.is_empty() {
            let gone = removed.get(&last);
            let period = part(gone.1, parts).parse().unwrap();
            prop_assert!(one.remove(&id(UNITS[gone.0]), &period));
            let rest: Vec<_> = last.iter().filter(|report| *report != gone).cloned().collect();
            let mut without = totals(&tree, label);
            enter(&mut without, &rest);
            prop_assert_eq!(all_bytes(&one), all_bytes(&without));
            enter(&mut one, std::slice::from_ref(gone));
            prop_assert_eq!(&before, &all_bytes(&one));
        }
    }

    #[test]
    fn totals_equal_a_plain_fold(
        reports in proptest::collection::vec(any_report(), 0..14),
        label in prop_oneof![Just("2024-H1"), Just("2024")],
    ) {
        let tree = small_tree();
        let mut totals = totals(&tree, label);
        let parts = totals.parts().len();
        let reports = last_ones(&reports, parts);
        enter(&mut totals, &reports);
        let entered = entered(&reports);
        let naive = Naive { tree: &tree, entered: &entered, parts };
        for unit in UNITS.map(id) {
            let line = |code: &str| totals.line(&unit, &code.parse().unwrap()).unwrap();
            for (code, keys) in [
                ("A.sum", &["A.sum"][..]),
                ("B.plus", &["B.plus"]),
                ("C.own", &["C.own"]),
                ("J.office", &["J.office@health", "J.office@police"]),
            ] {
                prop_assert_eq!(as_sum(&line(code)), naive.flow(&unit, code, keys), "{} {}", &unit, code);
            }
            prop_assert_eq!(as_sum(&line("D.stock")), naive.stock(&unit, "D.stock"), "{}", &unit);
            let share = match line("F.yes").value {
                Some(Scalar::Share(part, whole)) => (part, whole),
                Some(Scalar::Yes) => (1, 1),
                Some(Scalar::No) => (0, 1),
                _ => (0, 0),
            };
            prop_assert_eq!(share, naive.share(&unit, "F.yes"), "{}", &unit);
            let reports = totals.tally(&unit).unwrap().reports;
            prop_assert_eq!((reports.reported, reports.expected), naive.coverage(&unit), "{}", &unit);
        }
        let total = totals.total(&id(PROVINCE)).unwrap();
        prop_assert_eq!(total.coverage.missing.is_empty(), total.coverage.reported == total.coverage.expected);
        prop_assert_eq!(Some(total.digest()), totals.digest(&id(PROVINCE)));
    }
}
