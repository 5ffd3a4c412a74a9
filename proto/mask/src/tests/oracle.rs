//! Masks held against every table there is: small ones, all of which are tried, without the crate's relations or search.

use std::collections::BTreeMap;

use hopluu_form::{Form, Lang};
use hopluu_model::{Decimal, UnitId};
use proptest::prelude::*;

use crate::limits::THRESHOLD;
use crate::tests::country::unit;
use crate::{CellKey, Mask, Published, Row, Table, mask, prove};

const UNITS: usize = 3;
/// No cell that a unit enters is tried beyond this: moves raise one by less than ten.
const MOST: i64 = 15;

/// A whole of two parts, and "trong đó" of the first.
fn form() -> Form {
    let head = r#"
        id = "quick"
        version = "1.0"
        title = { vi = "Báo cáo nhanh" }
        levels = { reporting = ["commune"] }
        measures = { person = { vi = "Người" } }
        calendar = [{ period = "ad-hoc", due = { commune = "by +1 day" } }]
        office = [{ id = "police", vi = "Công an" }]
    "#;
    let line = |code: &str, more: &str| {
        format!(
            "[[line]]\ncode = \"{code}\"\nvi = \"{code}\"\nentered = \"count\"\nmeasure = \"person\"\n\
             over_units = \"sum\"\nover_time = \"sum\"\nowner = \"police\"\nprivate = true\n{more}\n"
        )
    };
    let text = [
        head.to_owned(),
        line("P", "sum_of_parts = true"),
        line("P.1", "parent = \"P\"\npart = \"addend\""),
        line("P.2", "parent = \"P\"\npart = \"addend\""),
        line("P.3", "parent = \"P.1\"\npart = \"subset\""),
    ];
    Form::parse(&text.concat())
        .map_err(|errors| errors.report(Lang::En))
        .unwrap()
}

/// What each unit enters: both parts and the subset.
type Entered = [[i64; 3]; UNITS];

const CODES: [&str; 4] = ["P", "P.1", "P.2", "P.3"];

/// All cells with their totals: units in order, the province last.
fn all_cells(entered: &Entered) -> [[i64; 4]; UNITS + 1] {
    let mut cells = [[0; 4]; UNITS + 1];
    for (at, [one, two, three]) in entered.iter().enumerate() {
        cells[at] = [one + two, *one, *two, *three];
    }
    cells[UNITS] = std::array::from_fn(|line| (0..UNITS).map(|at| cells[at][line]).sum());
    cells
}

fn key(at: usize, line: usize) -> CellKey {
    CellKey {
        row: Row::Total(unit(if at == UNITS { 0 } else { at + 1 })),
        code: CODES[line].parse().unwrap(),
        office: None,
    }
}

fn table(entered: &Entered) -> Table {
    let above: BTreeMap<UnitId, UnitId> = (1..=UNITS).map(|at| (unit(at), unit(0))).collect();
    let cells = all_cells(entered);
    let figures = (0..=UNITS).flat_map(|at| (0..4).map(move |line| (at, line)));
    let figures = figures.map(|(at, line)| (key(at, line), Decimal::from(cells[at][line])));
    Table::new(&form(), &above, figures.collect()).unwrap()
}

/// A mask by unit and line.
type Held = [[bool; 4]; UNITS + 1];

fn held(mask: &Mask) -> Held {
    std::array::from_fn(|at| std::array::from_fn(|line| mask.holds_back(&key(at, line))))
}

/// Everything that one unit may have entered for all that a reader sees of it.
fn possible(cells: &[i64; 4], held: &[bool; 4]) -> Vec<[i64; 3]> {
    let fits = |line: usize, value: i64| may_be(cells[line], held[line], value);
    let mut fitting = Vec::new();
    for one in (0..=MOST).filter(|value| fits(1, *value)) {
        for two in (0..=MOST).filter(|two| fits(2, *two) && fits(0, one + two)) {
            let threes = (0..=one).filter(|three| fits(3, *three));
            fitting.extend(threes.map(|three| [one, two, three]));
        }
    }
    fitting
}

fn may_be(truth: i64, is_held: bool, value: i64) -> bool {
    if is_held { value >= 1 } else { value == truth }
}

/// Whether no masked cell is known, and no small count is known to be small.
fn is_safe(truth: &Entered, mask: &Mask) -> bool {
    let (cells, held) = (all_cells(truth), held(mask));
    let units: [Vec<[i64; 3]>; UNITS] = std::array::from_fn(|at| possible(&cells[at], &held[at]));
    let small = 1..i64::try_from(THRESHOLD).unwrap();
    let is_hidden = |at: usize, line: usize| {
        let value = cells[at][line];
        let is_other = |other: &[[i64; 4]; UNITS + 1]| {
            let other = other[at][line];
            if small.contains(&value) {
                other >= small.end
            } else {
                other != value
            }
        };
        // Of the unit itself only what says something else, which spares most of the country.
        let units: [Vec<[i64; 3]>; UNITS] = std::array::from_fn(|unit| {
            let says = |entered: &[i64; 3]| {
                let mut alone = [[0; 3]; UNITS];
                alone[unit] = *entered;
                unit != at || is_other(&all_cells(&alone))
            };
            units[unit].iter().copied().filter(says).collect()
        });
        units[0].iter().any(|first| {
            units[1].iter().any(|second| {
                // Two that come to more than a published total are not even tried with a third.
                let two = all_cells(&[*first, *second, [0; 3]])[UNITS];
                if (0..4).any(|line| !held[UNITS][line] && two[line] > cells[UNITS][line]) {
                    return false;
                }
                units[2].iter().any(|third| {
                    let other = all_cells(&[*first, *second, *third]);
                    let top =
                        |line| may_be(cells[UNITS][line], held[UNITS][line], other[UNITS][line]);
                    is_other(&other) && (0..4).all(top)
                })
            })
        })
    };
    (0..=UNITS).all(|at| {
        (0..4).all(|line| {
            if held[at][line] {
                is_hidden(at, line)
            } else {
                !small.contains(&cells[at][line])
            }
        })
    })
}

fn entered() -> impl Strategy<Value = Entered> {
    let unit =
        (0..7_i64, 0..7_i64, 0..7_i64).prop_map(|(one, two, three)| [one, two, three.min(one)]);
    proptest::array::uniform3(unit)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_masked_cell_can_be_computed_back(truth in entered()) {
        let table = table(&truth);
        let masked = mask(&table).unwrap();
        prop_assert!(masked.proof.check(&table, &masked.mask).is_ok());
        prop_assert!(is_safe(&truth, &masked.mask), "{:?}", masked.mask);
    }

    #[test]
    fn what_is_proved_of_any_mask_is_so(truth in entered(), chosen in proptest::collection::vec(any::<bool>(), 16)) {
        let table = table(&truth);
        let cells = all_cells(&truth);
        let keys = chosen.iter().enumerate().filter(|(number, is_chosen)| {
            let value = cells[number / 4][number % 4];
            **is_chosen && value > 0 || (1..5).contains(&value)
        });
        let mask: Mask = keys.map(|(number, _)| key(number / 4, number % 4)).collect();
        let is_proved = prove(&table, &mask).is_ok();
        // Cells that units enter are tried up to a bound only, so what is not safe here may be with more.
        prop_assert!(!is_proved || is_safe(&truth, &mask));
    }

    #[test]
    fn masks_only_grow_over_corrections(before in entered(), after in entered()) {
        let first = mask(&table(&before)).unwrap();
        let earlier = [Published { mask: first.mask.clone(), table: table(&before) }];
        let joint = table(&after).after(&earlier);
        // Nothing may leave where what has left gives it away.
        let Ok(again) = mask(&joint) else { return Ok(()) };
        prop_assert!(first.mask.cells().all(|key| again.mask.holds_back(key)));
        prop_assert!(again.proof.check(&joint, &again.mask).is_ok());
        prop_assert_eq!(mask(&table(&before)).unwrap(), first);
    }

    /// One unit corrects its figures between two publications; all there is that both together leave possible is tried.
    #[test]
    fn nothing_is_computed_back_from_two_publications(
        one in (0..7_i64, 0..7_i64), corrected in (0..7_i64, 0..7_i64), other in (0..7_i64, 0..7_i64),
    ) {
        let entered = |one: (i64, i64)| [[one.0, one.1, 0], [other.0, other.1, 0], [0; 3]];
        let (before, after) = (entered(one), entered(corrected));
        let first = mask(&table(&before)).unwrap();
        let earlier = [Published { mask: first.mask.clone(), table: table(&before) }];
        if let Ok(again) = mask(&table(&after).after(&earlier)) {
            let both = [(before, first.mask), (after, again.mask)];
            prop_assert_eq!(derived(&both), vec![]);
        }
    }
}

/// The masked cells that are the same in everything that is possible for whoever has two publications, and takes it that
/// what is the same in both was not corrected.
fn derived(both: &[(Entered, Mask); 2]) -> Vec<(usize, usize, usize)> {
    let truth = [all_cells(&both[0].0), all_cells(&both[1].0)];
    let held = [held(&both[0].1), held(&both[1].1)];
    let fits = |of: usize, cells: &[[i64; 4]; UNITS + 1]| {
        (0..=UNITS).all(|at| {
            (0..4).all(|line| {
                let (truth, value) = (truth[of][at][line], cells[at][line]);
                // A masked cell in which there is nothing now may be known to be empty.
                if held[of][at][line] {
                    value >= truth.min(1)
                } else {
                    value == truth
                }
            })
        })
    };
    let mut missing: Vec<(usize, usize, usize)> = Vec::new();
    for of in 0..2 {
        for at in 0..=UNITS {
            let is_hidden = |line: &usize| held[of][at][*line] && truth[of][at][*line] > 0;
            missing.extend((0..4).filter(is_hidden).map(|line| (of, at, line)));
        }
    }
    let pairs = || (0..=MOST).flat_map(|one| (0..=MOST).map(move |two| [one, two, 0]));
    for other in pairs() {
        if missing.is_empty() {
            break;
        }
        let fitting = |of: usize| -> Vec<_> {
            let all = pairs().map(|one| all_cells(&[one, other, [0; 3]]));
            all.filter(|cells| fits(of, cells)).collect()
        };
        let (firsts, seconds) = (fitting(0), fitting(1));
        for first in &firsts {
            for second in &seconds {
                let is_shared = |at: usize, line: usize| truth[0][at][line] == truth[1][at][line];
                let agree = (0..=UNITS).all(|at| {
                    (0..4).all(|line| !is_shared(at, line) || first[at][line] == second[at][line])
                });
                if agree {
                    missing.retain(|(of, at, line)| {
                        let (truth, value) =
                            (truth[*of][*at][*line], [first, second][*of][*at][*line]);
                        let is_small = (1..i64::try_from(THRESHOLD).unwrap()).contains(&truth);
                        let is_other = if is_small {
                            i128::from(value) >= THRESHOLD
                        } else {
                            value != truth
                        };
                        !is_other
                    });
                }
            }
        }
    }
    missing
}
