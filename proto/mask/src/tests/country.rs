//! A country of made-up figures in the shipped annex: districts below provinces below the total.

use std::collections::BTreeMap;

use hopluu_form::{Form, Lang, LevelRole, OverUnits, Part, ValueKind, ValueLine};
use hopluu_model::{Decimal, IndicatorCode, UnitId};

use crate::{CellKey, Row, Table};

pub(crate) fn annex() -> Form {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../config/forms/pcmd-review.toml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    Form::parse(&text)
        .map_err(|errors| errors.report(Lang::En))
        .unwrap()
}

pub(crate) fn unit(number: usize) -> UnitId {
    format!("{number:05}@2024-05-01").parse().unwrap()
}

/// A repeatable row of dice.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, most: u64) -> i64 {
        let stirred = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = stirred.wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % most.max(1)).unwrap()
    }
}

/// What one unit enters: parts first, so that every sum is right. Half of the private lines are 0 in a small place.
fn entered(form: &Form, role: LevelRole, dice: &mut Dice) -> BTreeMap<IndicatorCode, i64> {
    let size = [1, 1, 2, 4, 12][usize::try_from(dice.below(5)).unwrap()];
    let mut figures: BTreeMap<IndicatorCode, i64> = BTreeMap::new();
    let asked = |line: &ValueLine| match (line.over_units, role) {
        (OverUnits::Sum, LevelRole::OwnPart) => false,
        _ => line.entered.is_number(),
    };
    let lines: Vec<_> = form.value_lines().filter(|(_, line)| asked(line)).collect();
    let wholes_last = lines.iter().filter(|(_, line)| !line.is_sum_of_parts);
    for (line, value) in wholes_last.filter(|(_, line)| line.part != Part::Subset) {
        let figure = match value.entered {
            ValueKind::Count if value.is_private() => {
                (dice.below(4 * size) - dice.below(4 * size)).max(0)
            }
            ValueKind::Count => dice.below(60 * size),
            _ => dice.below(900_000 * size),
        };
        figures.insert(line.code.clone(), figure);
    }
    for (line, _) in lines.iter().filter(|(_, line)| line.is_sum_of_parts) {
        let sum = form
            .addends(&line.code)
            .map(|part| figures[&part.code])
            .sum();
        figures.insert(line.code.clone(), sum);
    }
    for (line, value) in lines.iter().filter(|(_, line)| line.part == Part::Subset) {
        let whole = figures[value.whole.as_ref().unwrap()];
        let part = dice.below(u64::try_from(whole).unwrap() + 1);
        figures.insert(line.code.clone(), part);
    }
    figures
}

pub(crate) struct Country {
    pub(crate) form: Form,
    pub(crate) above: BTreeMap<UnitId, UnitId>,
    pub(crate) figures: BTreeMap<CellKey, Decimal>,
}

impl Country {
    pub(crate) fn new(districts: usize, provinces: usize, seed: u64) -> Self {
        let form = annex();
        let mut dice = Dice(seed);
        let mut above = BTreeMap::new();
        let mut sums: BTreeMap<(Row, IndicatorCode), i64> = BTreeMap::new();
        for district in 0..districts {
            let (district, province) = (unit(1_000 + district), unit(district % provinces));
            for (code, figure) in entered(&form, LevelRole::Reporting, &mut dice) {
                for row in [
                    Row::Total(district.clone()),
                    Row::Total(province.clone()),
                    Row::All,
                ] {
                    *sums.entry((row, code.clone())).or_default() += figure;
                }
            }
            above.insert(district, province);
        }
        for province in (0..provinces).map(unit) {
            for (code, figure) in entered(&form, LevelRole::OwnPart, &mut dice) {
                for row in [
                    Row::Own(province.clone()),
                    Row::Total(province.clone()),
                    Row::All,
                ] {
                    *sums.entry((row, code.clone())).or_default() += figure;
                }
            }
        }
        let decimal = |code: &IndicatorCode, sum: i64| match form.value(code).unwrap().entered {
            ValueKind::Count => Decimal::from(sum),
            _ => Decimal::new(sum.into(), 3),
        };
        let figures = sums
            .into_iter()
            .map(|((row, code), sum)| {
                let figure = decimal(&code, sum);
                let office = None;
                (CellKey { row, code, office }, figure)
            })
            .collect();
        Self {
            form,
            above,
            figures,
        }
    }
    pub(crate) fn table(&self) -> Table {
        Table::new(&self.form, &self.above, self.figures.clone()).unwrap()
    }
}
