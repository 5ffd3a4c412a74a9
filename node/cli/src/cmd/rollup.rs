//! `rollup`: totals and what they were made of.

use std::cell::Cell;

use hopluu_api::shape::{FormQuery, TotalQuery};
use hopluu_engine::view::{ExplainView, MissingView, RecomputeView, TotalLineView, TotalView};
use hopluu_form::Lang;
use hopluu_model::{ChangeHash, Period};

use crate::args::{ExplainArgs, TotalArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::LABEL_COLUMNS;
use crate::progress::with_progress;
use crate::show::Offices;
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
    let form = FormQuery {
        form: args.total.form.clone(),
    };
    let query = query(args.total, args.code);
    let (explained, form) = context
        .ask(async |client| {
            let explained = client.rollup_explain(&query).await?;
            Ok((explained, client.form_show(&form).await?))
        })
        .await?;
    let offices = Offices::of(form.offices);
    context.answer(&explained, |explained| {
        sources(explained, &offices, context)
    })?;
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
        (total.reported, total.expected),
        &total.missing,
        (&total.period, lang),
    );
    page.push_str(&reports);
    if total.own_parts_expected > 0 {
        let own_parts = coverage(
            text::own_parts(lang),
            (total.own_parts_reported, total.own_parts_expected),
            &total.own_parts_missing,
            (&total.period, lang),
        );
        page.push_str(&own_parts);
    }
    if !total.uncounted.is_empty() {
        let names = names(&total.uncounted, &total.period);
        page.push_str(&format!("{}: {names}\n", text::uncounted(lang)));
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
    if line.is_withheld {
        return text::withheld(context.lang).to_owned();
    }
    show::some_value(line.value.as_deref(), context.style())
}

/// What must be known beside the figure.
fn remarks(line: &TotalLineView, context: &Context) -> String {
    let lang = context.lang;
    let mut words = Vec::new();
    if let Some((low, high)) = &line.range {
        words.push(show::range(low, high, context.style(), lang));
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
fn coverage(
    words: &str,
    (reported, expected): (u32, u32),
    missing: &[MissingView],
    (period, lang): (&Period, Lang),
) -> String {
    let mut line = format!("{words}: {reported}/{expected}");
    if !missing.is_empty() {
        let names = names(missing, period);
        line.push_str(&format!("; {}: {names}", text::still_missing(lang)));
    }
    line.push('\n');
    line
}

/// Whoever owes a report; for which part of the period too, where it is made of several.
fn names(missing: &[MissingView], period: &Period) -> String {
    let name = |one: &MissingView| {
        let unit = show::unit(&one.name, &one.unit);
        if one.period == *period {
            unit
        } else {
            format!("{unit} {}", one.period)
        }
    };
    missing.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn sources(explained: &ExplainView, offices: &Offices, context: &Context) -> String {
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
            .map(|author| {
                let node = offices.node(author.office.as_ref(), lang);
                let person = author
                    .account
                    .as_ref()
                    .map(|account| format!("{account} - "));
                let node = person.unwrap_or_default() + &node;
                match author.unit.as_ref().filter(|unit| **unit != one.unit) {
                    Some(other) => format!("{node} ({})", other.code),
                    None => node,
                }
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
    // The first of the contributors is the unit itself, with the period that was asked for.
    let period = explained.contributors.first().map(|one| &one.period);
    if let Some(period) = period.filter(|_| !explained.missing.is_empty()) {
        page.push_str(&format!(
            "\n{}: {}\n",
            text::still_missing(lang),
            names(&explained.missing, period)
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_are_named_as_such_with_the_part_that_they_owe() {
        let missing = |period: &str| MissingView {
            unit: "465@2024-05-01".parse().unwrap(),
            name: "Huyện Hướng Hóa".to_owned(),
            period: period.parse().unwrap(),
        };
        let line = |asked: &str, missing: &[MissingView], lang| {
            let period = asked.parse().unwrap();
            coverage(text::coverage(lang), (0, 1), missing, (&period, lang))
        };
        assert_eq!(
            line("2017", &[missing("2017-H2")], Lang::Vi),
            "báo cáo đã có: 0/1; còn thiếu: Huyện Hướng Hóa (465) 2017-H2\n"
        );
        assert_eq!(
            line("2016-2020", &[missing("2016-2020")], Lang::En),
            "reports in: 0/1; missing: Huyện Hướng Hóa (465)\n"
        );
        assert_eq!(line("2017", &[], Lang::Vi), "báo cáo đã có: 0/1\n");
    }
}
