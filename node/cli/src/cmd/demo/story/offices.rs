//! Three offices write one report apart; two of them set one figure differently.

use std::collections::BTreeSet;

use hopluu_engine::view::{FigureView, ReportView};
use hopluu_model::{IndicatorCode, OfficeId};

use super::super::annex::figure;
use super::super::board::line;
use super::super::cast::{OFFICE_COMMUNE, OFFICES};
use super::super::plan::Entry;
use super::super::stage::{FORM, PERIOD, Stage};
use super::super::words::{Broken, told};
use super::super::world::Who;
use super::totals::{claim_totals, expected_sum, number};
use crate::show::Offices;

/// Karaoke and massage: culture's line, which police contributes to.
const DISPUTED: &str = "II.1.1.a.2";
/// How much more than culture police counts.
const DISPUTE: u64 = 2;
const MAIN: Who = Who::Commune(OFFICE_COMMUNE);

/// What each office writes in words: its section and its text.
const TEXTS: [(&str, &str); 3] = [
    ("situation", "Công an: địa bàn không phát sinh tụ điểm mới."),
    (
        "harm-reduction",
        "Y tế: duy trì tư vấn, xét nghiệm HIV tự nguyện.",
    ),
    (
        "communication",
        "Văn hóa: lồng ghép truyền thông tại khu dân cư.",
    ),
];

pub(super) async fn play(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::offices()).await;
    let offices: Vec<Who> = (0..OFFICES.len()).map(Who::Office).collect();
    let code: IndicatorCode = DISPUTED.parse().expect("the code is one of the form's");
    let agreed = number(&stage.entries(OFFICE_COMMUNE), &code).unwrap_or(0);
    stage.world.cut(&offices).await?;
    write_apart(stage, &code, agreed).await?;
    stage.world.mend(&offices).await?;
    merge(stage, agreed).await?;
    stage.reported.push(OFFICE_COMMUNE);
    range(stage, &code, agreed).await?;
    settle(stage, agreed).await
}

/// Each writes the lines that it answers for; the township writes the rest.
async fn write_apart(
    stage: &mut Stage<'_>,
    disputed: &IndicatorCode,
    agreed: u64,
) -> Result<(), Broken> {
    let entries = stage.entries(OFFICE_COMMUNE);
    let is_of = |entry: &Entry, office: &str| {
        let owner = entry.owner.as_ref();
        owner.is_some_and(|owner| owner.as_str() == office)
    };
    let mut are_apart = true;
    for (at, (office, (section, text))) in OFFICES.iter().zip(TEXTS).enumerate() {
        let mut own: Vec<Entry> = entries
            .iter()
            .filter(|entry| is_of(entry, office))
            .cloned()
            .collect();
        if *office == "police" {
            let theirs = entries.iter().find(|entry| entry.code == *disputed);
            let value = figure(agreed + DISPUTE);
            own.extend(theirs.map(|entry| Entry {
                value,
                ..entry.clone()
            }));
        }
        let who = Who::Office(at);
        stage.enter(who, &own).await?;
        let args = ["report", "text", FORM, PERIOD, section, text];
        stage.world.run(who, &args, None).await?;
        let report = stage.report(who, OFFICE_COMMUNE).await?;
        are_apart &= report.is_some_and(|report| report.figures.len() == own.len());
    }
    let rest: Vec<Entry> = entries
        .iter()
        .filter(|entry| !OFFICES.iter().any(|office| is_of(entry, office)))
        .cloned()
        .collect();
    stage.enter(MAIN, &rest).await?;
    let report = stage.report(MAIN, OFFICE_COMMUNE).await?;
    are_apart &= report.is_some_and(|report| report.figures.len() == rest.len());
    stage.claim(are_apart, told::apart());
    Ok(())
}

fn disputed(report: &ReportView) -> Option<&FigureView> {
    report
        .figures
        .iter()
        .find(|figure| figure.code.as_str() == DISPUTED)
}

/// All parts come together, and neither value of the disputed figure is lost.
async fn merge(stage: &mut Stage<'_>, agreed: u64) -> Result<(), Broken> {
    let entries = stage.entries(OFFICE_COMMUNE).len();
    let selector = stage.selector(OFFICE_COMMUNE);
    let is_whole = async |client: &hopluu_api::Client| {
        let report = client.report_show(&selector).await?;
        let texts = TEXTS
            .iter()
            .all(|(_, text)| report.texts.iter().any(|own| own.text == *text));
        let both = disputed(&report).is_some_and(|figure| figure.candidates.len() == 2);
        Ok(report.figures.len() == entries && texts && both)
    };
    stage.until(MAIN, &told::merged(), is_whole).await?;
    stage.claim(true, told::merged());
    stage
        .until(Who::District, &told::texts_merged(), is_whole)
        .await?;
    stage.claim(true, told::texts_merged());
    let report = stage.report(Who::District, OFFICE_COMMUNE).await?;
    let candidates = report
        .as_ref()
        .and_then(disputed)
        .map(|figure| figure.candidates.as_slice());
    let values: BTreeSet<(String, OfficeId)> = candidates
        .unwrap_or_default()
        .iter()
        .filter_map(|candidate| Some((candidate.value.clone(), candidate.office.clone()?)))
        .collect();
    let told: BTreeSet<(&str, &str)> = values
        .iter()
        .map(|(value, office)| (value.as_str(), office.as_str()))
        .collect();
    let (low, high) = (agreed.to_string(), (agreed + DISPUTE).to_string());
    let expected = BTreeSet::from([(low.as_str(), "culture"), (high.as_str(), "police")]);
    let offices = Offices::from(&stage.form);
    let words = told::conflict(DISPUTED, &values, &offices);
    stage.claim(told == expected, words);
    let listed = stage
        .world
        .run(MAIN, &["report", "conflicts", FORM, PERIOD], None)
        .await;
    let is_code_4 = listed.is_err_and(|broken| broken.code == Some(4));
    stage.claim(is_code_4, told::conflict_lists());
    Ok(())
}

/// Both totals say from where to where the figure can be.
async fn range(stage: &mut Stage<'_>, code: &IndicatorCode, agreed: u64) -> Result<(), Broken> {
    let high = expected_sum(stage, code).unwrap_or(0) + DISPUTE;
    let low = high - DISPUTE;
    debug_assert!(
        low >= agreed,
        "the township's own figure is part of the sum"
    );
    let what = told::range(DISPUTED, low, high);
    let bounds = Some((low.to_string(), high.to_string()));
    stage
        .until_totals(&what, |pair| {
            pair.both().iter().all(|total| {
                line(total, DISPUTED)
                    .is_some_and(|line| line.range == bounds && line.unsettled == 1)
            })
        })
        .await?;
    stage.claim(true, what);
    Ok(())
}

/// The township decides, and everybody sees one value again.
async fn settle(stage: &mut Stage<'_>, agreed: u64) -> Result<(), Broken> {
    let value = agreed.to_string();
    let args = ["report", "settle", FORM, PERIOD, DISPUTED, &value];
    stage.world.run(MAIN, &args, None).await?;
    claim_totals(stage).await?;
    let selector = stage.selector(OFFICE_COMMUNE);
    for at in 0..OFFICES.len() {
        let is_settled = async |client: &hopluu_api::Client| {
            let report = client.report_show(&selector).await?;
            Ok(disputed(&report).is_some_and(|figure| figure.value.as_ref() == Some(&value)))
        };
        stage
            .until(Who::Office(at), &told::settled(), is_settled)
            .await?;
    }
    stage.claim(true, told::settled());
    Ok(())
}
