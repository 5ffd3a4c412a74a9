//! What is claimed of the totals in every scene: coverage, the names of the missing, exact sums.

use std::collections::BTreeSet;

use hopluu_engine::view::TotalView;
use hopluu_form::{OverUnits, ValueKind};
use hopluu_model::IndicatorCode;

use super::super::annex::count;
use super::super::board::{Pair, line};
use super::super::plan::Entry;
use super::super::stage::Stage;
use super::super::words::{Broken, told};

/// A unit's number on a line.
pub(super) fn number(entries: &[Entry], code: &IndicatorCode) -> Option<u64> {
    let entries = entries.iter().filter(|entry| entry.code == *code);
    entries
        .filter_map(|entry| count(&entry.value))
        .reduce(|sum, part| sum + part)
}

/// What the communes that have reported, and the district itself, add up to on a line.
pub(super) fn expected_sum(stage: &Stage<'_>, code: &IndicatorCode) -> Option<u64> {
    let communes = stage
        .reported
        .iter()
        .filter_map(|at| stage.plan.communes.get(*at));
    let reports = communes.chain([&stage.plan.district]);
    reports
        .filter_map(|entries| number(entries, code))
        .reduce(|sum, part| sum + part)
}

/// Lines whose totals are sums of counts.
fn summed_lines(stage: &Stage<'_>) -> Vec<IndicatorCode> {
    let lines = stage.form.value_lines().filter(|(_, cell)| {
        matches!(
            cell.over_units,
            OverUnits::Sum | OverUnits::SumPlusOwn | OverUnits::OwnOnly
        ) && matches!(cell.entered, ValueKind::Count | ValueKind::Money)
    });
    lines.map(|(line, _)| line.code.clone()).collect()
}

/// Whether a total is what its reports add up to, on every summed line.
fn adds_up(stage: &Stage<'_>, total: &TotalView, lines: &[IndicatorCode]) -> bool {
    lines.iter().all(|code| {
        let expected = expected_sum(stage, code).map(|sum| sum.to_string());
        line(total, code.as_str()).is_some_and(|line| line.value == expected)
    })
}

/// Waits until both totals hold exactly the reports that have gone up so far, and claims what they
/// must say then.
pub(super) async fn claim_totals(stage: &mut Stage<'_>) -> Result<Pair, Broken> {
    let reported = stage.reported.len();
    let lines = summed_lines(stage);
    let what = told::coverage(reported);
    let expectations: Vec<(IndicatorCode, Option<String>)> = lines
        .iter()
        .map(|code| {
            (
                code.clone(),
                expected_sum(stage, code).map(|sum| sum.to_string()),
            )
        })
        .collect();
    let pair = stage
        .until_totals(&what, |pair| {
            pair.both().iter().all(|total| {
                usize::try_from(total.reported) == Ok(reported)
                    && expectations.iter().all(|(code, value)| {
                        line(total, code.as_str()).is_some_and(|line| line.value == *value)
                    })
            })
        })
        .await?;
    stage.claim(true, what);
    claim_missing(stage, &pair);
    let adds_up = pair
        .both()
        .iter()
        .all(|total| adds_up(stage, total, &lines));
    stage.claim(adds_up, told::sums(reported, lines.len()));
    Ok(pair)
}

/// Claims that both totals name exactly those who have not reported.
fn claim_missing(stage: &mut Stage<'_>, pair: &Pair) {
    let communes = stage.world.cast.communes.iter().enumerate();
    let missing = communes.filter(|(at, _)| !stage.reported.contains(at));
    let missing: Vec<_> = missing.map(|(_, player)| player.clone()).collect();
    let expected: BTreeSet<_> = missing
        .iter()
        .map(|player| (&player.unit, player.name.as_str()))
        .collect();
    let is_named = pair.both().iter().all(|total| {
        let named = total
            .missing
            .iter()
            .map(|missing| (&missing.unit, missing.name.as_str()));
        named.collect::<BTreeSet<_>>() == expected
    });
    let names: Vec<&str> = missing.iter().map(|player| player.name.as_str()).collect();
    stage.claim(is_named, told::names_missing(&names));
}
