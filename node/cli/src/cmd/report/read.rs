//! What only reads reports.

use hopluu_api::shape::{FormQuery, ReportQuery};
use hopluu_engine::view::{FigureView, HistoryRow, ReportRow, ReportView};
use hopluu_form::{Form, Lang};

use super::page;
use crate::args::{ExportFilter, ReportArgs};
use crate::cmd::input;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::table::{Align, Table};
use crate::{show, text};

/// What a filter means as a question.
pub(super) fn query(filter: ExportFilter) -> ReportQuery {
    ReportQuery {
        form: filter.form,
        period: filter.period,
        unit: filter.unit,
    }
}

pub(super) async fn list(filter: ExportFilter, context: &Context) -> Result<Exit, Failure> {
    let query = query(filter);
    let rows = context
        .ask(async |client| client.report_list(&query).await)
        .await?;
    context.answer(&rows, |rows| rows_as_table(rows, context.lang))?;
    Ok(Exit::Done)
}

fn rows_as_table(rows: &[ReportRow], lang: Lang) -> String {
    let mut table = Table::new([
        (text::unit(lang), Align::Left),
        (text::form(lang), Align::Left),
        (text::period(lang), Align::Left),
        (text::state(lang), Align::Left),
        (text::figures(lang), Align::Right),
        (text::conflicts(lang), Align::Right),
        (text::reached(lang), Align::Left),
    ]);
    for row in rows {
        let report = &row.report;
        let period = match report.instance {
            0 => report.period.to_string(),
            instance => format!("{} #{instance}", report.period),
        };
        table.row([
            show::unit(&report.unit_name, &report.unit),
            report.form.to_string(),
            period,
            text::state_of(lang, &row.state).to_owned(),
            format!("{}/{}", row.answered, row.lines),
            row.conflicts.to_string(),
            show::reached(&row.reached, lang),
        ]);
    }
    table.text()
}

pub(super) async fn show(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    let (report, form) = read(args, context).await?;
    context.answer(&report, |report| page::screen(report, &form, context))?;
    Ok(Exit::Done)
}

pub(super) async fn print(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    let (report, form) = read(args, context).await?;
    context.answer(&report, |report| page::paper(report, &form, context))?;
    Ok(Exit::Done)
}

/// A report and the form it is read by.
async fn read(args: &ReportArgs, context: &Context) -> Result<(ReportView, Form), Failure> {
    let selector = args.selector();
    let query = FormQuery {
        form: args.form.clone(),
    };
    let (report, form) = context
        .ask(async |client| {
            Ok((
                client.report_show(&selector).await?,
                client.form_show(&query).await?,
            ))
        })
        .await?;
    let form = input::form(&form.source, &args.form)?;
    Ok((report, form))
}

pub(super) async fn conflicts(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    let selector = args.selector();
    let report = context
        .ask(async |client| client.report_show(&selector).await)
        .await?;
    let unsettled: Vec<&FigureView> = report
        .figures
        .iter()
        .filter(|figure| figure.candidates.len() > 1)
        .collect();
    context.answer(&unsettled, |unsettled| candidates(unsettled, context))?;
    Ok(if unsettled.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// Every value of every unsettled figure, with office and time.
fn candidates(figures: &[&FigureView], context: &Context) -> String {
    let lang = context.lang;
    if figures.is_empty() {
        return text::no_conflicts().in_lang(lang).to_owned();
    }
    let mut table = Table::new([
        (text::code(lang), Align::Left),
        (text::value(lang), Align::Right),
        (text::office(lang), Align::Left),
        (text::author(lang), Align::Left),
        (text::at(lang), Align::Left),
    ]);
    for figure in figures {
        for candidate in &figure.candidates {
            let office = figure.office.as_ref().map(hopluu_model::OfficeId::as_str);
            table.row([
                show::figure_key(figure.code.as_str(), office),
                show::value(&candidate.value, context.style()),
                candidate
                    .office
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                candidate
                    .author
                    .map(|node| node.short())
                    .unwrap_or_default(),
                show::time(candidate.at, lang),
            ]);
        }
    }
    table.text()
}

pub(super) async fn history(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    let selector = args.selector();
    let rows = context
        .ask(async |client| client.report_history(&selector).await)
        .await?;
    context.answer(&rows, |rows| history_table(rows, context.lang))?;
    Ok(Exit::Done)
}

fn history_table(rows: &[HistoryRow], lang: Lang) -> String {
    let mut table = Table::new([
        (text::at(lang), Align::Left),
        (text::change(lang), Align::Left),
        (text::office(lang), Align::Left),
        (text::author(lang), Align::Left),
        (text::wrote(lang), Align::Left),
    ]);
    for row in rows {
        table.row([
            show::time(row.at, lang),
            row.change.short(),
            row.office
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            row.author.map(|node| node.short()).unwrap_or_default(),
            row.wrote.join("\n"),
        ]);
    }
    table.text()
}
