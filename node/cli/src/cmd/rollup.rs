//! `rollup`: totals and what they were made of.

use std::cell::Cell;

use hopluu_api::shape::TotalQuery;
use hopluu_engine::view::{ExplainView, MissingView, RecomputeView, TotalLineView, TotalView};
use hopluu_model::ChangeHash;

use crate::args::{ExplainArgs, TotalArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::LABEL_COLUMNS;
use crate::progress::with_progress;
use crate::table::{Align, Table, cut};
use crate::{show, text};

fn query(args: TotalArgs, code: Option<String>) -> TotalQuery {
    TotalQuery {
        unit: Some(args.unit),
        form: args.form,
        period: args.period,
        code,
    }
}

pub(super) async fn show(args: TotalArgs, context: &Context) -> Result<Exit, Failure> {
    let query = query(args, None);
    let total = context
        .ask(async |client| client.rollup_show(&query).await)
        .await?;
    context.answer(&total, |total| page(total, context))?;
    Ok(Exit::Done)
}

pub(super) async fn explain(args: ExplainArgs, context: &Context) -> Result<Exit, Failure> {
    let query = query(args.total, args.code);
    let explained = context
        .ask(async |client| client.rollup_explain(&query).await)
        .await?;
    context.answer(&explained, |explained| sources(explained, context))?;
    Ok(Exit::Done)
}

pub(super) async fn recompute(args: TotalArgs, context: &Context) -> Result<Exit, Failure> {
    let query = query(args, None);
    let words = text::working("tính lại", "recomputing");
    let asked = context.ask(async |client| client.rollup_recompute(&query).await);
    let done: RecomputeView = with_progress(context, &words, &Cell::new(0), asked).await?;
    let is_same = done.kept == done.recomputed;
    context.answer(&done, |done| {
        text::recomputed(done.documents, is_same)
            .in_lang(context.lang)
            .to_owned()
    })?;
    Ok(if is_same { Exit::Done } else { Exit::Findings })
}

fn page(total: &TotalView, context: &Context) -> String {
    let lang = context.lang;
    let unit = show::unit(&total.unit_name, &total.unit);
    let mut page = format!(
        "{unit} · {} {} · {}\n",
        total.form, total.form_version, total.period
    );
    let reports = coverage(
        text::coverage(lang),
        total.reported,
        total.expected,
        &total.missing,
    );
    page.push_str(&reports);
    if total.own_parts_expected > 0 {
        let own_parts = coverage(
            text::own_parts(lang),
            total.own_parts_reported,
            total.own_parts_expected,
            &total.own_parts_missing,
        );
        page.push_str(&own_parts);
    }
    page.push('\n');
    let mut table = Table::new([
        (text::code(lang), Align::Left),
        (text::line(lang), Align::Left),
        (text::value(lang), Align::Right),
        (text::answered(lang), Align::Right),
        (text::remark(lang), Align::Left),
    ]);
    for line in &total.lines {
        let label = text::word_of(&line.label_vi, &line.label_en, lang);
        table.row([
            line.code.to_string(),
            cut(label, LABEL_COLUMNS),
            figure(line, context),
            line.answered.to_string(),
            remarks(line, context),
        ]);
    }
    page.push_str(&table.text());
    page.push_str(&super::report::findings(&total.findings, lang));
    page.push_str(&format!("\n{} {}\n", text::digest(lang), total.digest));
    page
}

/// The value; a share as fraction and percent.
fn figure(line: &TotalLineView, context: &Context) -> String {
    show::some_value(line.value.as_deref(), context.style())
}

/// What must be known beside the figure.
fn remarks(line: &TotalLineView, context: &Context) -> String {
    let lang = context.lang;
    let mut words = Vec::new();
    if let Some((low, high)) = &line.range {
        let style = context.style();
        let range = format!("{} – {}", show::value(low, style), show::value(high, style));
        words.push(format!("{} {range}", text::range(lang)));
    }
    if line.unsettled > 0 {
        words.push(format!("{} ({})", text::unsettled(lang), line.unsettled));
    }
    if let Some(own) = &line.own {
        let own = show::value(own, context.style());
        words.push(format!(
            "{} {own}",
            text::word(lang, "cấp này ghi", "own answer")
        ));
    }
    let flags = [
        (line.is_upper_bound, text::upper_bound(lang)),
        (line.may_count_twice, text::counted_twice(lang)),
        (line.is_inexact, text::inexact(lang)),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(is_so, _)| *is_so)
            .map(|(_, word)| (*word).to_owned()),
    );
    words.join("; ")
}

/// How many reports are in, and who is missing, by name.
fn coverage(words: &str, reported: u32, expected: u32, missing: &[MissingView]) -> String {
    let mut text = format!("{words}: {reported}/{expected}");
    if !missing.is_empty() {
        text.push_str(&format!("; {}", names(missing)));
    }
    text.push('\n');
    text
}

/// Whoever owes a report; the period too where several are asked for.
fn names(missing: &[MissingView]) -> String {
    let mut periods: Vec<_> = missing.iter().map(|one| &one.period).collect();
    periods.dedup();
    let one_period = periods.len() <= 1;
    let name = |one: &MissingView| {
        let unit = show::unit(&one.name, &one.unit);
        if one_period {
            unit
        } else {
            format!("{unit} {}", one.period)
        }
    };
    missing.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn sources(explained: &ExplainView, context: &Context) -> String {
    let lang = context.lang;
    let unit = show::unit(&explained.unit_name, &explained.unit);
    let line = explained
        .code
        .as_ref()
        .map(|code| format!(" · {code}"))
        .unwrap_or_default();
    let mut page = format!(
        "{unit}{line}\n{} {}\n\n",
        text::digest(lang),
        explained.digest
    );
    let mut table = Table::new([
        (text::unit(lang), Align::Left),
        (text::period(lang), Align::Left),
        (text::value(lang), Align::Right),
        (text::coverage(lang), Align::Right),
        (text::document(lang), Align::Left),
        (text::heads(lang), Align::Left),
        (text::authors(lang), Align::Left),
    ]);
    for one in &explained.contributors {
        let heads: Vec<_> = one.heads.iter().map(ChangeHash::short).collect();
        let authors: Vec<_> = one
            .authors
            .iter()
            .map(|author| match &author.office {
                Some(office) => format!("{} {office}", author.node.short()),
                None => author.node.short(),
            })
            .collect();
        table.row([
            show::unit(&one.unit_name, &one.unit),
            one.period.to_string(),
            show::some_value(one.value.as_deref(), context.style()),
            if one.expected > 0 {
                format!("{}/{}", one.reported, one.expected)
            } else {
                String::new()
            },
            one.doc.map(|doc| doc.short()).unwrap_or_default(),
            heads.join(" "),
            authors.join(", "),
        ]);
    }
    page.push_str(&table.text());
    if !explained.missing.is_empty() {
        page.push_str(&format!(
            "\n{}: {}\n",
            text::missing(lang),
            names(&explained.missing)
        ));
    }
    page
}
