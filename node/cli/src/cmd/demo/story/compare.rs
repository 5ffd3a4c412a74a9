//! The district's totals against the published annex, and where they come from.

use hopluu_api::text::Both;
use hopluu_engine::view::{ExplainView, TotalLineView, TotalView};
use hopluu_form::{Lang, LineRole, OverUnits, ValueLine, show};
use hopluu_model::{IndicatorCode, Scalar};

use super::super::annex::count;
use super::super::board::{figure, line};
use super::super::cast::{DISTRICT, OFFICE_COMMUNE, OFFICES, PROVINCE};
use super::super::stage::{FORM, PERIOD, Stage};
use super::super::words::{self, Broken, told};
use super::super::world::Who;
use crate::table::{Align, Table};
use crate::text::word;

/// The line whose total is traced back.
const TRACED: &str = "II.1.1.a";

pub(super) async fn annex(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::compare()).await;
    let args = ["rollup", "show", DISTRICT, FORM, PERIOD, "--json"];
    let answer = stage.world.run(Who::District, &args, None).await?;
    let total: TotalView = serde_json::from_str(&answer)
        .map_err(|error| words::not_understood("rollup show", &error))?;
    let (table, equal) = comparison(stage, &total);
    stage.ledger.line(&table);
    let lines = stage.form.value_lines().count();
    stage.claim(equal == lines, told::matches(equal, lines));
    errors(stage, &total);
    blanks(stage, &total);
    Ok(())
}

/// The table, and how many of the form's lines are equal.
fn comparison(stage: &Stage<'_>, total: &TotalView) -> (String, usize) {
    let lang = stage.ledger.lang;
    let [code, printed, here, remark] = told::COMPARISON.map(|(vi, en)| word(lang, vi, en));
    let mut table = Table::new([
        (code, Align::Left),
        (printed, Align::Right),
        (here, Align::Right),
        (remark, Align::Left),
    ]);
    let findings = stage.form.findings(stage.annex.figures());
    let mut equal = 0;
    for row in stage.form.lines() {
        let printed = stage.annex.value(&row.code);
        let remark = findings.iter().find(|finding| finding.code == row.code);
        let remark = remark.map_or_else(String::new, |finding| {
            format!("  ← {}", finding.message(lang))
        });
        let (printed, here, verdict) = match &row.role {
            LineRole::Heading(_) if !printed.is_answer() => continue,
            LineRole::Heading(_) => (show(&printed, lang.into()), "–".to_owned(), told::heading()),
            LineRole::Value(cell) => {
                let line = line(total, row.code.as_str());
                let is_equal = line.is_some_and(|line| is_equal(printed, line));
                equal += usize::from(is_equal);
                let here =
                    line.map_or_else(|| "–".to_owned(), |line| shown(cell, printed, line, lang));
                (
                    shown_as_printed(cell, printed, lang),
                    here,
                    told::verdict(is_equal),
                )
            }
        };
        let verdict = format!("{}{remark}", verdict.in_lang(lang));
        table.row([row.code.to_string(), printed, here, verdict]);
    }
    (table.text(), equal)
}

/// A printed figure. On a line of shares a number is a percent.
fn shown_as_printed(cell: &ValueLine, printed: Scalar, lang: Lang) -> String {
    match printed {
        Scalar::Blank => "·".to_owned(),
        Scalar::Number(..) if cell.over_units == OverUnits::ShareOfUnits => {
            format!("{}%", show(&printed, lang.into()))
        }
        value => show(&value, lang.into()),
    }
}

/// A figure of the total, in the way that the annex prints it.
fn shown(cell: &ValueLine, printed: Scalar, line: &TotalLineView, lang: Lang) -> String {
    let is_own = matches!(printed, Scalar::Yes | Scalar::No);
    let value = if is_own { &line.own } else { &line.value };
    match value.as_ref().map(|value| value.parse::<Scalar>()) {
        Some(Ok(value)) => cell.show(&value, lang.into()),
        _ => figure(line, lang),
    }
}

/// Whether a line of the total says what is printed. A percent is derived from the share of communes;
/// where the district answers for itself, its own answer is what was printed.
fn is_equal(printed: Scalar, line: &TotalLineView) -> bool {
    match printed {
        Scalar::Blank => line.value.is_none(),
        Scalar::Yes | Scalar::No => line.own == Some(printed.to_string()),
        _ if line.percent.is_some() && count(&printed).is_some() => {
            line.percent == Some(printed.to_string())
        }
        _ => line.value == Some(printed.to_string()),
    }
}

/// Every contradiction of the annex is named again by the rules in the total, and what stands in the
/// cells of headings is added up nowhere.
fn errors(stage: &mut Stage<'_>, total: &TotalView) {
    for finding in stage.form.findings(stage.annex.figures()) {
        let message = Both::new(finding.message(Lang::Vi), finding.message(Lang::En));
        let is_named = total.findings.iter().any(|found| {
            found.code == finding.code
                && found.rule == finding.rule.code()
                && found.found == finding.found.to_string()
                && finding
                    .expected
                    .is_none_or(|expected| found.expected == expected.to_string())
        });
        if stage.form.value(&finding.code).is_some() {
            stage.claim(is_named, told::named_by_rule(&message));
        } else {
            let is_out = line(total, finding.code.as_str()).is_none();
            stage.claim(is_named && is_out, told::heading_named(&message));
        }
    }
}

fn blanks(stage: &mut Stage<'_>, total: &TotalView) {
    let lines = stage.form.value_lines().map(|(line, _)| line.code.clone());
    let blank: Vec<IndicatorCode> = lines
        .filter(|code| stage.annex.value(code) == Scalar::Blank)
        .collect();
    let are_blank = blank.iter().all(|code| {
        line(total, code.as_str()).is_some_and(|line| line.value.is_none() && line.answered == 0)
    });
    let codes: Vec<String> = blank.iter().map(ToString::to_string).collect();
    stage.claim(are_blank, told::blanks(&codes));
}

/// From one total down to every document that made it.
pub(super) async fn explain(stage: &mut Stage<'_>) -> Result<(), Broken> {
    stage.step(&told::explain()).await;
    let below = explained(stage, Who::District, DISTRICT).await?;
    let above = explained(stage, Who::Province, PROVINCE).await?;
    let sum = TRACED
        .parse()
        .ok()
        .and_then(|code| stage.annex.count(&code))
        .unwrap_or(0);
    let name = stage.world.cast.district.name.clone();
    let is_traced = is_traced(stage, &below, sum);
    stage.claim(is_traced, told::explained(&name, TRACED, sum));
    let name = stage.world.cast.province.name.clone();
    let is_traced = self::is_traced(stage, &above, sum);
    stage.claim(is_traced, told::explained(&name, TRACED, sum));
    let lao_bao = stage
        .world
        .cast
        .communes
        .get(OFFICE_COMMUNE)
        .map(|player| &player.unit);
    let documents = above.contributors.iter().filter(|row| row.doc.is_some());
    let authors = documents
        .filter(|row| Some(&row.unit) == lao_bao)
        .flat_map(|row| &row.authors);
    let mut offices: Vec<String> = authors
        .map(|author| {
            author
                .office
                .as_ref()
                .map_or_else(String::new, ToString::to_string)
        })
        .collect();
    offices.sort_unstable();
    // Each document of the report names its own.
    offices.dedup();
    let mut expected: Vec<&str> = [[""].as_slice(), &OFFICES].concat();
    expected.sort_unstable();
    stage.claim(offices == expected, told::offices_are_authors());
    Ok(())
}

async fn explained(stage: &Stage<'_>, who: Who, unit: &str) -> Result<ExplainView, Broken> {
    let args = ["rollup", "explain", unit, FORM, PERIOD, TRACED, "--json"];
    let answer = stage.world.run(who, &args, None).await?;
    serde_json::from_str(&answer).map_err(|error| words::not_understood("rollup explain", &error))
}

/// Whether every commune stands behind a total with its document, heads and authors, and their
/// figures add up to it.
fn is_traced(stage: &Stage<'_>, explained: &ExplainView, sum: u64) -> bool {
    let communes = &stage.world.cast.communes;
    let documents = communes.iter().filter_map(|player| {
        let row = explained.contributors.iter().find(|row| {
            row.unit == player.unit
                && row.doc.is_some()
                && !row.heads.is_empty()
                && !row.authors.is_empty()
        });
        row?.value.as_ref()?.parse::<u64>().ok()
    });
    let figures: Vec<u64> = documents.collect();
    figures.len() == communes.len()
        && figures.iter().sum::<u64>() == sum
        && explained.missing.is_empty()
}
