//! `export public`: a table for everybody, and beside it what it was made of.

use std::path::{Path, PathBuf};

use hopluu_api::shape::TotalQuery;
use hopluu_engine::view::{PublicCell, PublicText, PublicView};
use hopluu_form::Lang;
use hopluu_model::{Digest, Qualifier, Scalar};
use serde::Serialize;

use super::bundle::files::{must_be_writable, write_whole};
use crate::args::PublicArgs;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::text::export as words;
use crate::{show, text};

/// Excel takes a file for UTF-8 by it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What was written.
#[derive(Debug, Serialize)]
struct Exported {
    file: PathBuf,
    /// What it was made of.
    made_of: PathBuf,
    publication: Digest,
    reported: u32,
    expected: u32,
    held_back: u64,
}

pub(super) async fn public(args: PublicArgs, context: &Context) -> Result<Exit, Failure> {
    let made_of = args.out.with_extension("json");
    if made_of == args.out {
        return Err(words::is_json(&args.out));
    }
    for path in [&args.out, &made_of] {
        if path.symlink_metadata().is_ok() {
            return Err(text::audit::exists(path));
        }
    }
    // What was noted as published is to be somewhere.
    must_be_writable(&args.out)?;
    let query = TotalQuery {
        unit: Some(args.total.unit),
        form: args.total.form,
        period: args.total.period,
        code: None,
    };
    let view = context
        .ask(async |client| client.publish(&query).await)
        .await?;
    write_whole(&args.out, &csv(&view, context.lang))?;
    write_whole(&made_of, &sidecar(&view, &args.out))?;
    let exported = Exported {
        file: args.out,
        made_of,
        publication: view.publication,
        reported: view.reported,
        expected: view.expected,
        held_back: view.held_back,
    };
    context.answer(&exported, |exported| {
        let file = exported.file.display();
        words::published(&file.to_string(), exported.held_back)
            .in_lang(context.lang)
            .to_owned()
    })?;
    Ok(Exit::Done)
}

/// Separated as Excel expects it in the language: in Vietnamese the comma is in the figures.
fn csv(view: &PublicView, lang: Lang) -> Vec<u8> {
    let separator = match lang {
        Lang::Vi => b';',
        Lang::En => b',',
    };
    let mut file = BYTE_ORDER_MARK.to_vec();
    let mut rows = csv::WriterBuilder::new()
        .delimiter(separator)
        .from_writer(&mut file);
    let heads = words::heads(lang).map(str::to_owned).into_iter();
    let codes = view.columns.iter().map(|column| column.code.to_string());
    let mut all = vec![heads.chain(codes).collect::<Vec<_>>()];
    let labels = view.columns.iter().map(|column| {
        plain(&format!(
            "{} ({})",
            in_lang(&column.label, lang),
            in_lang(&column.measure, lang)
        ))
    });
    let blank = std::iter::repeat_n(String::new(), words::heads(lang).len());
    all.push(blank.chain(labels).collect());
    for row in &view.rows {
        let heads = [
            row.unit.code.to_string(),
            plain(&row.unit_name),
            words::kind(lang, row.kind).to_owned(),
            words::state(lang, row.reported, row.expected).to_owned(),
            format!("{}/{}", row.reported, row.expected),
        ];
        let cells = row.cells.iter().map(|cell| figure(cell, lang));
        all.push(heads.into_iter().chain(cells).collect());
    }
    for row in all {
        rows.write_record(row).expect("memory takes every row");
    }
    rows.flush().expect("memory takes every row");
    drop(rows);
    file
}

/// A text that a spreadsheet does not take for a formula: names and labels are written by others.
fn plain(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

fn in_lang(text: &PublicText, lang: Lang) -> &str {
    text::word_of(&text.vi, &text.en, lang)
}

/// A figure as a spreadsheet takes it for a number; what is none as people read it.
fn figure(cell: &PublicCell, lang: Lang) -> String {
    let value = match cell {
        PublicCell::Value(value) => value,
        PublicCell::HeldBack => return words::HELD_BACK.to_owned(),
        PublicCell::Unsettled => return words::UNSETTLED.to_owned(),
        PublicCell::None => return String::new(),
    };
    match value.parse() {
        Ok(Scalar::Number(number, Qualifier::Exact)) if lang == Lang::Vi => {
            number.to_string().replace('.', ",")
        }
        Ok(Scalar::Number(number, Qualifier::Exact)) => number.to_string(),
        Ok(Scalar::Nil) => "0".to_owned(),
        _ => show::value(value, lang.into()),
    }
}

/// What a table was made of, without its cells.
#[derive(Debug, Serialize)]
struct MadeOf<'a> {
    #[serde(flatten)]
    view: serde_json::Value,
    table: Option<&'a str>,
    signs: [(&'static str, hopluu_api::text::Both); 3],
    why: hopluu_api::text::Both,
}

fn sidecar(view: &PublicView, table: &Path) -> Vec<u8> {
    let mut json = serde_json::to_value(view).expect("the shapes of answers are plain JSON");
    let rows = json.get_mut("rows").and_then(|rows| rows.as_array_mut());
    for row in rows.into_iter().flatten() {
        row.as_object_mut().and_then(|row| row.remove("cells"));
    }
    let made_of = MadeOf {
        view: json,
        table: table.file_name().and_then(|name| name.to_str()),
        signs: [
            (words::HELD_BACK, words::held_back()),
            (words::UNSETTLED, words::unsettled()),
            ("", words::nothing()),
        ],
        why: words::why(view.threshold),
    };
    let mut text = serde_json::to_vec_pretty(&made_of).expect("plain JSON");
    text.push(b'\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        for text in ["=HYPERLINK(\"x\")", "+1", "-1", "@a", "\tx"] {
            assert_eq!(plain(text), format!("'{text}"));
        }
        assert_eq!(plain("Xã Hướng Hóa = 1"), "Xã Hướng Hóa = 1");
    }
}
