//! A public export of the whole country, masked: 705 districts with their provinces and the total, all lines.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hopluu_form::{Form, Part, ValueKind};
use hopluu_mask::{CellKey, Row, Table, mask};
use hopluu_model::{Decimal, IndicatorCode, UnitId};
use hopluu_tests::filling::annex;

use crate::figure::{Seen, median};

const DISTRICTS: u64 = 705;
const PROVINCES: u64 = 63;
const ROWS: usize = 97;
const RUNS: u64 = 5;

const MOST: Duration = Duration::from_secs(5);

/// A repeatable row of dice.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        let stirred = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = stirred.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most.max(1)
    }
}

pub(crate) fn run() -> anyhow::Result<Seen> {
    let form = annex()?;
    ensure!(form.lines().len() == ROWS, "the annex has other lines");
    let (mut times, mut checks) = (Vec::new(), Vec::new());
    let mut seen = Seen::default();
    for run in 0..RUNS {
        let (above, figures) = country(&form, run)?;
        let begun = Instant::now();
        let table = Table::new(&form, &above, figures)?;
        let masked = mask(&table)?;
        times.push(begun.elapsed());
        let begun = Instant::now();
        let derivable = u64::from(masked.proof.check(&table, &masked.mask).is_err());
        checks.push(begun.elapsed());
        if run == 0 {
            let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
            seen.count("figures in the export", count(table.len()), None);
            seen.count("- small counts", count(masked.counts.small), None);
            let complementary = count(masked.counts.complementary);
            seen.count("- masked beside them", complementary, None);
        }
        seen.count("masks with a derivable cell", derivable, Some(0));
    }
    seen.time(
        "masking 705 districts x 97 lines",
        times.iter().max().copied().unwrap_or_default(),
        Some(MOST),
    );
    seen.time("- median", median(times), None);
    seen.time("- checking the proof once more", median(checks), None);
    seen.note(format!(
        "the slowest of {RUNS} countries of made-up figures, with {PROVINCES} provinces and the total; \
         masking includes making the table and checking the proof"
    ));
    Ok(seen)
}

type Country = (BTreeMap<UnitId, UnitId>, BTreeMap<CellKey, Decimal>);

/// Districts of different size in provinces, everything added up.
fn country(form: &Form, seed: u64) -> anyhow::Result<Country> {
    let mut dice = Dice(seed);
    let unit = |number: u64| format!("{number:05}@2024-05-01").parse::<UnitId>();
    let mut above = BTreeMap::new();
    let mut figures: BTreeMap<CellKey, Decimal> = BTreeMap::new();
    for district in 0..DISTRICTS {
        let (province, district) = (unit(district % PROVINCES)?, unit(1_000 + district)?);
        for (code, figure) in entered(form, &mut dice)? {
            for row in [
                Row::Total(district.clone()),
                Row::Total(province.clone()),
                Row::All,
            ] {
                let (code, office) = (code.clone(), None);
                let sum = figures.entry(CellKey { row, code, office }).or_default();
                *sum = sum.checked_add(figure).context("a sum fits")?;
            }
        }
        above.insert(district, province);
    }
    Ok((above, figures))
}

/// The figures of one district, parts before what they make up. Of private lines half hold nothing in a small one.
fn entered(form: &Form, dice: &mut Dice) -> anyhow::Result<BTreeMap<IndicatorCode, Decimal>> {
    let size = [1, 1, 2, 4, 12].get(usize::try_from(dice.below(5))?);
    let size = size.copied().unwrap_or(1);
    let mut figures: BTreeMap<IndicatorCode, u64> = BTreeMap::new();
    let lines = || {
        form.value_lines()
            .filter(|(_, line)| line.entered.is_number())
    };
    for (line, value) in lines().filter(|(_, value)| !value.is_sum_of_parts) {
        let figure = match value.entered {
            ValueKind::Count if value.is_private() => {
                dice.below(4 * size).saturating_sub(dice.below(4 * size))
            }
            ValueKind::Count => dice.below(60 * size),
            _ => dice.below(900 * size),
        };
        figures.insert(line.code.clone(), figure);
    }
    let figure = |figures: &BTreeMap<_, u64>, code| figures.get(code).copied().unwrap_or(0);
    for (line, _) in lines().filter(|(_, value)| value.is_sum_of_parts) {
        let parts = form.addends(&line.code);
        let sum = parts.map(|part| figure(&figures, &part.code)).sum();
        figures.insert(line.code.clone(), sum);
    }
    for (line, value) in lines().filter(|(_, value)| value.part == Part::Subset) {
        let whole = value.whole.as_ref().context("a subset has its whole")?;
        let part = dice.below(figure(&figures, whole) + 1);
        figures.insert(line.code.clone(), part);
    }
    let decimal = |(code, figure)| Ok((code, Decimal::from(i64::try_from(figure)?)));
    figures.into_iter().map(decimal).collect()
}
