//! Communes enter their figures, with and without a link.

use hopluu_api::shape::ReportQuery;

use super::super::cast::{CUT, SILENT};
use super::super::stage::{FORM, PERIOD, Stage};
use super::super::words::{Broken, told};
use super::super::world::Who;
use super::totals::claim_totals;

/// The ordinary way: save here, and it goes up.
pub(super) async fn enter(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::enter()).await;
    stage.enter(Who::District, &stage.plan.district).await?;
    for commune in stage.world.cast.ordinary() {
        stage
            .enter(Who::Commune(commune), &stage.entries(commune))
            .await?;
        stage.reported.push(commune);
        stage.look().await?;
    }
    claim_totals(stage).await?;
    let name = stage.world.cast.name(0).to_owned();
    let what = told::receipts(&name);
    stage
        .until(Who::Commune(0), &what, async |client| {
            let rows = client.report_list(&ReportQuery::default()).await?;
            let reached = rows.iter().flat_map(|row| &row.reached);
            Ok(reached.filter(|place| place.is_current).count() == 2)
        })
        .await?;
    stage.claim(true, what);
    Ok(())
}

/// Without a link: saved all the same, and up by itself when it is back.
pub(super) async fn cut(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::cut()).await;
    let communes: Vec<Who> = CUT.map(Who::Commune).collect();
    let cut = [communes.as_slice(), &[Who::Commune(SILENT)]].concat();
    stage.world.cut(&cut).await?;
    let mut are_saved = true;
    for commune in CUT {
        let entries = stage.entries(commune);
        stage.enter(Who::Commune(commune), &entries).await?;
        let report = stage.report(Who::Commune(commune), commune).await?;
        are_saved &= report.is_some_and(|report| report.figures.len() == entries.len());
    }
    let names: Vec<String> = CUT.map(|at| stage.world.cast.name(at).to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    stage.claim(are_saved, told::saved_without_link(&names));
    others_go_on(stage).await?;
    stage.world.mend(&communes).await?;
    stage.ledger.say(&told::links_back());
    stage.reported.extend(CUT);
    claim_totals(stage).await?;
    Ok(())
}

/// Somebody with a link writes after the others did: when that has arrived, theirs would have, too.
async fn others_go_on(stage: &mut Stage<'_>) -> Result<(), Broken> {
    let words = "Khe Sanh: tình hình ổn định.";
    let args = [
        "report",
        "text",
        FORM,
        PERIOD,
        "--office",
        "commune_pc",
        "situation",
        words,
    ];
    stage.world.run(Who::Commune(0), &args, None).await?;
    let name = stage.world.cast.name(0).to_owned();
    let what = told::others_go_on(&name);
    let khe_sanh = stage.selector(0);
    stage
        .until(Who::District, &what, async |client| {
            let report = client.report_show(&khe_sanh).await?;
            Ok(report.texts.iter().any(|text| text.text == words))
        })
        .await?;
    let mut is_nothing_there = true;
    for commune in CUT {
        is_nothing_there &= stage.report(Who::District, commune).await?.is_none();
    }
    stage.claim(is_nothing_there, what);
    Ok(())
}
