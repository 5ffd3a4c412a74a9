use std::collections::BTreeMap;

use hopluu_form::{Form, Lang};
use hopluu_model::{Decimal, UnitId};

use crate::limits::THRESHOLD;
use crate::tests::country::{Country, annex, unit};
use crate::*;

mod country;
mod oracle;

fn key(row: Row, code: &str) -> CellKey {
    CellKey {
        row,
        code: code.parse().unwrap(),
        office: None,
    }
}

fn total(number: usize) -> Row {
    Row::Total(unit(number))
}

/// A table of the annex with districts 1, 2, 3 .. below province 0, by row and code.
fn table(figures: &[(Row, &str, i64)]) -> Table {
    let above: BTreeMap<UnitId, UnitId> = (1..9).map(|number| (unit(number), unit(0))).collect();
    let figures = figures.iter();
    let figures =
        figures.map(|(row, code, figure)| (key(row.clone(), code), Decimal::from(*figure)));
    Table::new(&annex(), &above, figures.collect()).unwrap()
}

/// What is published for the first time can always be masked.
fn first(table: &Table) -> Masked {
    mask(table).unwrap()
}

fn held_back(masked: &Masked) -> Vec<String> {
    let shown = |key: &CellKey| match &key.row {
        Row::All => format!("all {}", key.code),
        Row::Total(unit) => format!("{} {}", unit.code, key.code),
        Row::Own(unit) => format!("own {} {}", unit.code, key.code),
    };
    masked.mask.cells().map(shown).collect()
}

/// Recorded numbers of people, a private line that is part of nothing.
const PEOPLE: &str = "II.1.3.b";

#[test]
fn a_small_count_takes_along_the_smallest_that_hides_it() {
    let table = table(&[
        (total(0), PEOPLE, 75),
        (total(1), PEOPLE, 3),
        (total(2), PEOPLE, 40),
        (total(3), PEOPLE, 12),
        (total(4), PEOPLE, 20),
    ]);
    let masked = mask(&table).unwrap();
    assert_eq!(held_back(&masked), ["00001 II.1.3.b", "00003 II.1.3.b"]);
    let counts = Counts {
        published: 3,
        small: 1,
        complementary: 1,
    };
    assert_eq!(masked.counts, counts);
    let shown = masked.figures[&key(total(2), PEOPLE)];
    assert_eq!(shown, Shown::Published(40.into()));
    assert_eq!(masked.figures[&key(total(1), PEOPLE)], Shown::Masked);
}

#[test]
fn so_few_at_most_is_as_good_as_so_few() {
    let figures = [
        (total(0), PEOPLE, 77),
        (total(1), PEOPLE, 5),
        (total(2), PEOPLE, 40),
        (total(3), PEOPLE, 12),
        (total(4), PEOPLE, 20),
    ];
    assert!(held_back(&first(&table(&figures))).is_empty());
    let known = [1, 2].map(|number| key(total(number), PEOPLE)).into();
    let masked = first(&table(&figures).few_at_most(&annex(), &known));
    assert_eq!(held_back(&masked), ["00001 II.1.3.b", "00003 II.1.3.b"]);
}

#[test]
fn two_small_counts_alone_do_not_hide_each_other() {
    // 2 + 2 = 4 with none masked that is none: each would be 1 to 3, and known to be small.
    let table = table(&[
        (total(0), PEOPLE, 34),
        (total(1), PEOPLE, 2),
        (total(2), PEOPLE, 2),
        (total(3), PEOPLE, 30),
        (total(4), PEOPLE, 0),
    ]);
    let small: Mask = [key(total(1), PEOPLE), key(total(2), PEOPLE)]
        .into_iter()
        .collect();
    assert!(matches!(prove(&table, &small), Err(NotProved::MayBeDerived(keys)) if keys.len() == 2));
    assert_eq!(mask(&table).unwrap().counts.complementary, 1);
}

#[test]
fn none_is_published_and_what_is_not_private_too() {
    let masked = first(&table(&[
        (total(1), PEOPLE, 0),
        (total(1), "II.1.2.a", 2),
        (total(2), PEOPLE, i64::try_from(THRESHOLD).unwrap()),
    ]));
    assert_eq!(masked.counts.published, 3);
    assert!(masked.proof.is_empty());
}

#[test]
fn a_small_count_alone_in_its_line_takes_its_totals_along() {
    let masked = first(&table(&[
        (Row::All, PEOPLE, 3),
        (total(0), PEOPLE, 3),
        (total(1), PEOPLE, 3),
        (total(2), PEOPLE, 0),
    ]));
    assert_eq!(masked.counts.small, 3);
    assert_eq!(masked.counts.published, 1);
}

#[test]
fn a_part_that_fills_its_whole_is_not_read_off_it() {
    // Under 18 is at most all: with 5 published the part may be up to 5, with 4 it is small like its whole.
    let masked = first(&table(&[
        (total(1), "II.1.3.b", 4),
        (total(1), "II.1.3.b.2", 4),
        (total(2), "II.1.3.b", 5),
        (total(2), "II.1.3.b.2", 4),
    ]));
    let expected = ["00001 II.1.3.b", "00001 II.1.3.b.2", "00002 II.1.3.b.2"];
    assert_eq!(held_back(&masked), expected);
}

#[test]
fn what_few_people_were_lent_goes_with_them() {
    let masked = first(&table(&[
        (total(0), "II.2.5.d.3.1", 350),
        (total(1), "II.2.5.d.3", 2),
        (total(1), "II.2.5.d.3.1", 50),
        (total(2), "II.2.5.d.3", 60),
        (total(2), "II.2.5.d.3.1", 300),
    ]));
    let expected = [
        "00001 II.2.5.d.3",
        "00001 II.2.5.d.3.1",
        "00002 II.2.5.d.3.1",
    ];
    assert_eq!(held_back(&masked), expected);
    assert_eq!(masked.counts.small, 2);
}

#[test]
fn a_published_small_count_is_no_mask() {
    let table = table(&[(total(1), PEOPLE, 3)]);
    let published = Err(NotProved::Published(key(total(1), PEOPLE)));
    assert_eq!(prove(&table, &Mask::default()), published);
    let proof = mask(&table).unwrap().proof;
    assert!(proof.check(&table, &Mask::default()).is_err());
    assert!(proof.check(&table, &mask(&table).unwrap().mask).is_ok());
}

#[test]
fn what_was_masked_stays_masked() {
    let districts = [
        (total(1), PEOPLE, 3),
        (total(2), PEOPLE, 40),
        (total(3), PEOPLE, 12),
    ];
    let mut whole = districts.to_vec();
    whole.push((total(0), PEOPLE, 55));
    let before = table(&whole);
    let masked = mask(&before).unwrap();
    assert_eq!(held_back(&masked), ["00001 II.1.3.b", "00003 II.1.3.b"]);
    let earlier = [Published {
        mask: masked.mask.clone(),
        table: before,
    }];
    let corrected = [
        (total(0), PEOPLE, 60),
        (total(1), PEOPLE, 0),
        (total(2), PEOPLE, 48),
        (total(3), PEOPLE, 12),
    ];
    assert!(first(&table(&corrected)).mask.cells().next().is_none());
    let corrected = table(&corrected).after(&earlier);
    let after = mask(&corrected).unwrap();
    assert!(masked.mask.cells().all(|key| after.mask.holds_back(key)));
    after.proof.check(&corrected, &after.mask).unwrap();

    let gone = first(&table(&[(total(2), PEOPLE, 48)]).after(&earlier));
    assert_eq!(gone.mask, masked.mask);
    assert_eq!(gone.counts.complementary, 0);
}

#[test]
fn what_was_published_hides_nothing_any_more() {
    // Nothing is small, so everything is known to whoever keeps it.
    let districts = |one: i64| {
        table(&[
            (total(0), PEOPLE, 60 + one),
            (total(1), PEOPLE, one),
            (total(2), PEOPLE, 40),
            (total(3), PEOPLE, 20),
        ])
    };
    let before = districts(12);
    let masked = first(&before);
    assert_eq!(held_back(&masked), [""; 0]);
    let earlier = [Published {
        mask: masked.mask,
        table: before,
    }];
    // By itself a correction to three hides behind the smallest beside it, which is in the first publication.
    let smallest = ["00001 II.1.3.b", "00003 II.1.3.b"];
    assert_eq!(held_back(&first(&districts(3))), smallest);
    let joint = districts(3).after(&earlier);
    let alone = first(&districts(3)).mask;
    assert!(matches!(
        prove(&joint, &alone),
        Err(NotProved::MayBeDerived(_))
    ));
    // So the total goes, which has changed as well.
    let again = first(&joint);
    assert_eq!(held_back(&again), ["00000 II.1.3.b", "00001 II.1.3.b"]);
    again.proof.check(&joint, &again.mask).unwrap();
}

#[test]
fn what_cannot_be_hidden_any_more_is_refused() {
    let five = |one: i64, other: i64| {
        table(&[
            (total(1), "II.2.3.e", 5),
            (total(1), "II.2.3.e.1", one),
            (total(1), "II.2.3.e.2", other),
            (total(1), "II.2.3.e.3", 0),
        ])
    };
    // By itself the whole goes with them.
    assert_eq!(first(&five(3, 2)).counts.published, 1);
    let before = five(5, 0);
    let masked = first(&before);
    assert_eq!(masked.counts.published, 4);
    let earlier = [Published {
        mask: masked.mask,
        table: before,
    }];
    // Everybody knows that there are five, so neither part of them can be as many.
    let refused = mask(&five(3, 2).after(&earlier));
    assert!(matches!(refused, Err(NotProved::MayBeDerived(cells)) if cells.len() == 2));
}

#[test]
fn a_sum_that_the_figures_break_stops_nothing() {
    for whole in [0, 2, 4, 90] {
        let table = table(&[
            (total(1), "II.2.3.e", whole),
            (total(1), "II.2.3.e.1", 3),
            (total(1), "II.2.3.e.2", 0),
            (total(1), "II.2.3.e.3", 1),
        ]);
        let masked = mask(&table).unwrap();
        assert!(masked.mask.holds_back(&key(total(1), "II.2.3.e.1")));
        masked.proof.check(&table, &masked.mask).unwrap();
    }
}

#[test]
fn parts_by_office_hide_each_other() {
    let text = r#"
        id = "quick"
        version = "1.0"
        title = { vi = "Báo cáo nhanh" }
        levels = { reporting = ["commune"] }
        measures = { person = { vi = "Người" } }
        calendar = [{ period = "ad-hoc", due = { commune = "by +1 day" } }]
        office = [{ id = "police", vi = "Công an" }, { id = "health", vi = "Y tế" }]
        [[line]]
        code = "P"
        vi = "Người"
        entered = "count"
        measure = "person"
        over_units = "sum"
        over_time = "sum"
        owner = "police"
        contributors = ["health"]
        by_office = true
        private = true
    "#;
    let form = Form::parse(text)
        .map_err(|errors| errors.report(Lang::En))
        .unwrap();
    let part = |office: Option<&str>, figure: i64| {
        let office = office.map(|office| office.parse().unwrap());
        let key = CellKey {
            office,
            ..key(total(1), "P")
        };
        (key, Decimal::from(figure))
    };
    let figures = [
        part(None, 22),
        part(Some("police"), 2),
        part(Some("health"), 20),
    ];
    let table = Table::new(&form, &BTreeMap::new(), figures.into()).unwrap();
    assert_eq!(mask(&table).unwrap().counts.complementary, 1);
}

#[test]
fn what_is_no_figure_of_its_line_is_refused() {
    let put = |code: &str, figure: &str| {
        let figures = [(key(total(1), code), figure.parse().unwrap())];
        Table::new(&annex(), &BTreeMap::new(), figures.into()).map(|table| table.len())
    };
    assert_eq!(put(PEOPLE, "7"), Ok(1));
    assert!(matches!(put(PEOPLE, "-1"), Err(TableError::OutOfRange(_))));
    assert!(matches!(put(PEOPLE, "1.5"), Err(TableError::OutOfRange(_))));
    assert!(matches!(put("II.1.3", "1"), Err(TableError::NotANumber(_))));
    assert!(matches!(put("II.2.6", "1"), Err(TableError::NotANumber(_))));
    assert_eq!(put("II.3.2.a", "1.5"), Ok(1));
}

#[test]
fn everything_that_remains_is_said_in_both_languages() {
    for remaining in Remaining::ALL {
        assert_ne!(remaining.text(Lang::Vi), remaining.text(Lang::En));
    }
}

#[test]
fn provinces_of_the_annex_are_masked_and_proved() {
    for seed in 0..4 {
        let country = Country::new(60, 5, seed);
        let table = country.table();
        let masked = mask(&table).unwrap();
        masked.proof.check(&table, &masked.mask).unwrap();
        assert!(masked.counts.small > 0 && masked.counts.complementary > 0);
        assert!(masked.counts.complementary < masked.counts.small);
        for (key, shown) in &masked.figures {
            match shown {
                Shown::Published(figure) => assert_eq!(*figure, country.figures[key]),
                Shown::Masked => assert_ne!(country.figures[key], Decimal::ZERO),
            }
        }
    }
}
