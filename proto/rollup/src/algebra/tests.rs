use proptest::prelude::*;

use super::*;

fn figure(measure: Measure, candidates: &[&str]) -> Figure {
    let figures: Vec<_> = candidates
        .iter()
        .map(|text| Figure::of(measure, text.parse().unwrap()))
        .collect();
    Figure::any_of(measure, &figures)
}

/// What a set of units, each with its candidates, is shown as: `value [lo..hi]`.
fn shown(measure: Measure, units: &[&[&str]]) -> String {
    let mut sum = Partial::ZERO;
    for candidates in units {
        sum.combine(&Partial::lift(measure, figure(measure, candidates)));
    }
    let shown = sum.finish(measure);
    let value = shown
        .value
        .map_or("-".to_owned(), |value| value.to_string());
    match shown.range {
        Some((lo, hi)) => format!("{value} [{lo}..{hi}]"),
        None => value,
    }
}

#[test]
fn numbers_add_exactly_and_missing_is_not_zero() {
    let sum = |units| shown(Measure::Number, units);
    assert_eq!(sum(&[&["0.1"], &["0.2"]]), "0.3");
    assert_eq!(sum(&[&[], &[]]), "-");
    assert_eq!(sum(&[&["0"], &[]]), "0");
    assert_eq!(sum(&[&["nil"], &["nil"]]), "nil");
    assert_eq!(sum(&[&["nil"], &["0"]]), "0");
    assert_eq!(sum(&[&["blank"], &["blank"]]), "blank");
    assert_eq!(sum(&[&["blank"], &[]]), "-");
    assert_eq!(sum(&[&["na"], &["na"]]), "na");
    assert_eq!(sum(&[&["na"], &["7"]]), "7");
}

#[test]
fn qualifiers_carry_into_the_total() {
    let sum = |units| shown(Measure::Number, units);
    assert_eq!(sum(&[&["~>5"], &["1"]]), "~>6");
    assert_eq!(sum(&[&["~<5"], &["1"]]), "~<6");
    assert_eq!(sum(&[&["~5"], &["~>1"]]), "~6");
    assert_eq!(sum(&[&["~>5"], &["~<1"]]), "~6");
}

#[test]
fn a_figure_in_conflict_makes_a_range() {
    let sum = |units| shown(Measure::Number, units);
    assert_eq!(sum(&[&["10"], &["3", "5"]]), "- [13..15]");
    assert_eq!(sum(&[&["10"], &["5", "5"]]), "15 [15..15]");
    assert_eq!(sum(&[&["10"], &["blank", "5"]]), "- [10..15]");
    assert_eq!(sum(&[&["10"], &["na", "-5"]]), "- [5..10]");
    assert_eq!(sum(&[&["10"], &["nil", "4"]]), "- [10..14]");
    assert_eq!(sum(&[&["1", "2"], &["3", "5"]]), "- [4..7]");
}

#[test]
fn shares_count_who_said_yes_of_who_answered() {
    let share = |units| shown(Measure::YesNo, units);
    assert_eq!(share(&[&["y"], &["n"], &["y"], &[], &["blank"]]), "2/3");
    assert_eq!(share(&[&["y"], &["y", "n"]]), "- [1/2..2/2]");
    assert_eq!(share(&[&["n"], &["y", "blank"]]), "- [0/1..1/2]");
    assert_eq!(share(&[&["y"], &["n", "blank"]]), "- [1/2..1/1]");
    assert_eq!(share(&[&["y"]]), "y");
    assert_eq!(share(&[&["y", "n"]]), "- [n..y]");
    assert_eq!(share(&[&[], &["na"]]), "-");
}

#[test]
fn ratios_add_parts_and_wholes() {
    let ratio = |units| shown(Measure::Share, units);
    assert_eq!(ratio(&[&["19/21"], &["1/3"]]), "20/24");
    assert_eq!(ratio(&[&["19/21", "20/21"], &["1/3"]]), "- [20/24..21/24]");
}

#[test]
fn counts_add_up_to_the_units_asked() {
    let mut sum = Partial::ZERO;
    for candidates in [
        &["1"][..],
        &["nil"],
        &["blank"],
        &["na"],
        &["1", "2"],
        &["y"],
        &[],
    ] {
        sum.add(Measure::Number, figure(Measure::Number, candidates));
    }
    sum.add(Measure::Number, Figure::UNASKED);
    let counts = sum.counts;
    assert_eq!(counts.asked(), 7);
    assert_eq!(counts.with_value(), 3);
    let each = [
        counts.answered,
        counts.nil,
        counts.blank,
        counts.not_applicable,
        counts.unsettled,
        counts.unreadable,
        counts.missing,
    ];
    assert_eq!(each, [1; 7]);
}

#[test]
fn a_stock_takes_the_latest_that_was_said() {
    let latest = |parts: &[&[&str]]| {
        let number = |candidates: &&[&str]| figure(Measure::Number, candidates);
        let last = parts
            .iter()
            .map(number)
            .fold(Figure::UNASKED, |figure, later| {
                figure.then(later, Measure::Number)
            });
        let shown = Partial::lift(Measure::Number, last).finish(Measure::Number);
        (shown.value.map(|value| value.to_string()), shown.range)
    };
    let settled = |text: &str| (Some(text.to_owned()), None);
    assert_eq!(latest(&[&["5"], &["7"]]), settled("7"));
    assert_eq!(latest(&[&["5"], &[]]), settled("5"));
    assert_eq!(latest(&[&["5"], &["blank"]]), settled("5"));
    assert_eq!(latest(&[&["5"], &["na"]]), settled("na"));
    assert_eq!(latest(&[&[], &["7"]]), settled("7"));
    // Should the cleared cell win, the earlier figure stands.
    assert_eq!(
        latest(&[&["5"], &["blank", "7"]]),
        (None, Some((Scalar::from(5), Scalar::from(7))))
    );
}

#[test]
fn a_flow_with_a_part_missing_says_so() {
    let and = |a, b| {
        figure(Measure::Number, a)
            .and(figure(Measure::Number, b), Measure::Number)
            .state
    };
    assert_eq!(and(&["1"], &["2"]), State::Given);
    assert_eq!(and(&["1"], &[]), State::Partly);
    assert_eq!(and(&["blank"], &["2"]), State::Partly);
    assert_eq!(and(&["na"], &["2"]), State::Given);
    assert_eq!(and(&["nil"], &["nil"]), State::Nil);
    assert_eq!(and(&["nil"], &["1"]), State::Given);
    assert_eq!(and(&["1", "2"], &[]), State::Unsettled);
    assert_eq!(and(&[], &["blank"]), State::Missing);
    assert_eq!(and(&["na"], &["na"]), State::NotApplicable);
}

fn any_scalar() -> impl Strategy<Value = Scalar> {
    let texts = "[1-9][0-9]{0,17}|-[1-9][0-9]{0,5}|0\\.[0-9]{0,5}[1-9]|~>?[1-9][0-9]?|na|nil|blank|y|n|[1-9]/[1-9][0-9]";
    texts.prop_map(|text| text.parse().unwrap())
}

fn any_partial(measure: Measure) -> impl Strategy<Value = Partial> {
    proptest::collection::vec(proptest::collection::vec(any_scalar(), 0..4), 0..4).prop_map(
        move |units| {
            let mut sum = Partial::ZERO;
            for scalars in units {
                let figures: Vec<_> = scalars.iter().map(|s| Figure::of(measure, *s)).collect();
                sum.add(measure, Figure::any_of(measure, &figures));
            }
            sum
        },
    )
}

fn combined(a: Partial, b: Partial) -> Partial {
    let mut sum = a;
    sum.combine(&b);
    sum
}

proptest! {
    #[test]
    fn combine_is_associative_and_commutative_with_a_zero(
        (a, b, c) in prop_oneof![Just(Measure::Number), Just(Measure::YesNo), Just(Measure::Share)]
            .prop_flat_map(|m| (any_partial(m), any_partial(m), any_partial(m)))
    ) {
        prop_assert_eq!(combined(a, b), combined(b, a));
        prop_assert_eq!(combined(combined(a, b), c), combined(a, combined(b, c)));
        prop_assert_eq!(combined(a, Partial::ZERO), a);
    }

    /// Whichever candidates are settled on, the total lies within the range that was stated.
    #[test]
    fn every_settling_lies_within_the_range(
        units in proptest::collection::vec(
            proptest::collection::vec((any_scalar(), any::<prop::sample::Index>()), 1..4), 1..5),
        measure in prop_oneof![Just(Measure::Number), Just(Measure::YesNo), Just(Measure::Share)],
    ) {
        let (mut open, mut settled) = (Partial::ZERO, Partial::ZERO);
        for unit in &units {
            let figures: Vec<_> = unit.iter().map(|(s, _)| Figure::of(measure, *s)).collect();
            // Equal candidates are agreed.
            let mut different = figures.clone();
            different.dedup();
            open.add(measure, Figure::any_of(measure, &different));
            settled.add(measure, *unit[0].1.get(&figures));
        }
        if measure == Measure::Number {
            prop_assert!(open.lo.part <= settled.lo.part && settled.lo.part <= open.hi.part);
        } else if settled.lo.whole > 0 {
            // a/b <= c/d, without dividing; no share is above one.
            let at_most = |a: Amount, b: Amount| {
                a.whole == 0 || a.part * i128::from(b.whole) <= b.part * i128::from(a.whole)
            };
            prop_assert!(at_most(open.lo, settled.lo));
            prop_assert!(open.hi.whole == 0 || at_most(settled.hi, open.hi)
                || open.hi.part >= i128::from(open.hi.whole));
        }
    }
}
