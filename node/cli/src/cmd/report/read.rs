//! What only reads reports.

use hopluu_api::shape::{FormQuery, ReportQuery};
use hopluu_engine::view::{FigureView, HistoryRow, ReportRow, ReportView, WroteView};
use hopluu_form::{Form, Lang};

use super::page;
use crate::args::{ExportFilter, ReportArgs};
use crate::cmd::input;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::show::Offices;
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
        table.row([
            show::unit(&report.unit_name, &report.unit),
            report.form.to_string(),
            show::period(report),
            show::state(&row.state, row.reason.as_deref(), lang),
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
    let (report, form) = read(args, context).await?;
    let unsettled: Vec<&FigureView> = report
        .figures
        .iter()
        .filter(|figure| figure.is_unsettled())
        .collect();
    context.answer(&unsettled, |unsettled| {
        candidates(unsettled, &form, context)
    })?;
    Ok(if unsettled.is_empty() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// Every value of every unsettled figure, with office and time.
fn candidates(figures: &[&FigureView], form: &Form, context: &Context) -> String {
    let (lang, offices) = (context.lang, Offices::from(form));
    if figures.is_empty() {
        return text::no_conflicts().in_lang(lang).to_owned();
    }
    let mut table = Table::new([
        (text::code(lang), Align::Left),
        (text::value(lang), Align::Right),
        (text::office(lang), Align::Left),
        (text::at(lang), Align::Left),
    ]);
    for figure in figures {
        for candidate in &figure.candidates {
            table.row([
                show::figure_key(&figure.code, figure.office.as_ref()),
                show::value(&candidate.value, context.style()),
                offices.node(candidate.office.as_ref(), lang),
                show::time(candidate.at, lang),
            ]);
        }
    }
    table.text()
}

pub(super) async fn history(args: &ReportArgs, context: &Context) -> Result<Exit, Failure> {
    let selector = args.selector();
    let query = FormQuery {
        form: args.form.clone(),
    };
    let (rows, form) = context
        .ask(async |client| {
            let rows = client.report_history(&selector).await?;
            Ok((rows, client.form_show(&query).await?))
        })
        .await?;
    let form = input::form(&form.source, &args.form)?;
    context.answer(&rows, |rows| history_table(rows, &form, context))?;
    Ok(Exit::Done)
}

fn history_table(rows: &[HistoryRow], form: &Form, context: &Context) -> String {
    let (lang, offices) = (context.lang, Offices::from(form));
    let mut table = Table::new([
        (text::at(lang), Align::Left),
        (text::change(lang), Align::Left),
        (text::office(lang), Align::Left),
        (text::author(lang), Align::Left),
        (text::wrote(lang), Align::Left),
    ]);
    for row in rows {
        let office = row.office.as_ref();
        let office = office.map(|office| offices.name(office, lang));
        let wrote = row.wrote.iter().map(|one| wrote(one, form, context));
        table.row([
            show::time(row.at, lang),
            row.change.short(),
            office.unwrap_or_default(),
            author(row, &offices, lang),
            wrote.collect::<Vec<_>>().join("\n"),
        ]);
    }
    table.text()
}

/// Who wrote it at whose node; by its key where nobody has said whose it is.
fn author(row: &HistoryRow, offices: &Offices, lang: Lang) -> String {
    let node = match (&row.unit_name, row.author) {
        (Some(unit), _) => {
            let node = offices.node(row.author_office.as_ref(), lang);
            format!("{unit}, {node}")
        }
        (None, Some(node)) => node.short(),
        (None, None) => String::new(),
    };
    match &row.account {
        Some(account) => format!("{account} - {node}"),
        None => node,
    }
}

fn wrote(wrote: &WroteView, form: &Form, context: &Context) -> String {
    let lang = context.lang;
    match wrote {
        WroteView::Figure {
            code,
            office,
            value,
        } => {
            let key = show::figure_key(code, office.as_ref());
            format!("{key} = {}", show::value(value, context.style()))
        }
        WroteView::Note { code, office, text } => {
            let key = show::figure_key(code, office.as_ref());
            format!("{} {key}: {text}", text::note(lang))
        }
        WroteView::Text {
            section,
            office,
            inserted,
            deleted,
        } => {
            let title = form
                .section(section)
                .map(|section| section.title.in_lang(lang));
            let office = Offices::from(form).name(office, lang);
            let letters = text::letters(*inserted, *deleted);
            format!(
                "{} ({office}): {}",
                title.unwrap_or(section.as_str()),
                letters.in_lang(lang)
            )
        }
        WroteView::Attached { name, caption, .. } => {
            let attached = text::attachment::attached(lang);
            if caption.is_empty() {
                format!("{attached} {name}")
            } else {
                format!("{attached} {name}: {caption}")
            }
        }
        WroteView::Detached { name, .. } => format!("{} {name}", text::attachment::detached(lang)),
        WroteView::Step { step, reason } => {
            let step = text::step_of(lang, step);
            match reason {
                Some(reason) => format!("{step}: {reason}"),
                None => step.to_owned(),
            }
        }
    }
}
