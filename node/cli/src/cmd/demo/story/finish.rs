//! One commune is silent until the last window.

use std::time::Instant;

use hopluu_form::OverUnits;

use super::super::board::line;
use super::super::cast::SILENT;
use super::super::stage::{Stage, total_query};
use super::super::words::{self, Broken, told};
use super::super::world::Who;
use super::totals::claim_totals;

/// 20 of 21, and who is missing, in every total and on every line.
pub(super) async fn silence(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::silence()).await;
    let pair = claim_totals(stage).await?;
    let lines = stage
        .form
        .value_lines()
        .filter(|(_, cell)| matches!(cell.over_units, OverUnits::Sum | OverUnits::ShareOfUnits));
    let lines: Vec<String> = lines.map(|(line, _)| line.code.to_string()).collect();
    let counts_one = pair.both().iter().all(|total| {
        lines
            .iter()
            .all(|code| line(total, code).is_some_and(|line| line.missing == 1))
    });
    let name = stage.world.cast.name(SILENT).to_owned();
    stage.claim(counts_one, told::missing_in_lines(&name, lines.len()));
    Ok(())
}

/// The last report, written without a link, goes up when it opens.
pub(super) async fn window(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::window()).await;
    let who = Who::Commune(SILENT);
    let name = stage.world.cast.name(SILENT).to_owned();
    let entries = stage.entries(SILENT);
    stage.enter(who, &entries).await?;
    let report = stage.report(who, SILENT).await?;
    let is_saved = report.is_some_and(|report| report.figures.len() == entries.len());
    stage.claim(is_saved, told::saved_without_link(&[&name]));
    let opened = Instant::now();
    stage.world.mend(&[who]).await?;
    stage.reported.push(SILENT);
    stage.reported.sort_unstable();
    let is_complete = |pair: &super::super::board::Pair| {
        pair.both()
            .iter()
            .all(|total| total.reported == total.expected)
    };
    stage.until_totals(&told::complete(), is_complete).await?;
    stage.claim(true, told::arrived(&name, opened.elapsed().as_millis()));
    claim_totals(stage).await?;
    same_bytes(stage).await
}

/// Two nodes that hold the same reports hold the same totals, and they are what a fresh sum gives.
async fn same_bytes(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let unit = stage.world.cast.district.unit.to_string();
    let below = stage.total(Who::District, Some(&unit)).await?;
    let above = stage.total(Who::Province, Some(&unit)).await?;
    let digests = below
        .map(|total| total.digest)
        .zip(above.map(|total| total.digest));
    let is_same = digests.is_some_and(|(below, above)| below == above);
    stage.claim(is_same, told::same_bytes());
    let client = stage.world.client(Who::Province).await?;
    let fresh = client.rollup_recompute(&total_query(None, None)).await;
    let fresh = fresh.map_err(|error| words::asked(&error))?;
    stage.claim(fresh.kept == fresh.recomputed, told::recomputed());
    Ok(())
}
