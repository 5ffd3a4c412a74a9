//! `form`: what is asked.

use std::path::Path;

use hopluu_api::shape::{FormQuery, FormRequest, FormView, LineView};
use hopluu_engine::view::FormRow;
use hopluu_form::{Form, FormErrors, Lang};
use serde::Serialize;

use crate::args::{AddFormArgs, CheckArgs, FormArgs};
use crate::cmd::input::read_given;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::limits::{FORM_BYTES_MAX, LABEL_COLUMNS};
use crate::shipped::form_of;
use crate::table::{Align, Table, wrapped};
use crate::text;

pub(super) async fn list(context: &Context) -> Result<Exit, Failure> {
    let forms = context.ask(async |client| client.form_list().await).await?;
    context.answer(&forms, |forms| table(forms, context.lang))?;
    Ok(Exit::Done)
}

fn table(forms: &[FormRow], lang: Lang) -> String {
    let mut table = Table::new([
        (text::form(lang), Align::Left),
        (text::version(lang), Align::Left),
        (text::title(lang), Align::Left),
        (text::lines(lang), Align::Right),
        (text::assigned(lang), Align::Left),
    ]);
    for form in forms {
        let title = text::word_of(&form.title_vi, &form.title_en, lang);
        let assigned: Vec<_> = form.assigned.iter().map(ToString::to_string).collect();
        let assigned = if assigned.is_empty() {
            text::everyone(lang).to_owned()
        } else {
            assigned.join(", ")
        };
        table.row([
            form.form.to_string(),
            form.version.to_string(),
            title.to_owned(),
            form.lines.to_string(),
            assigned,
        ]);
    }
    table.text()
}

pub(super) async fn show(args: FormArgs, context: &Context) -> Result<Exit, Failure> {
    let query = FormQuery { form: args.form };
    let form = context
        .ask(async |client| client.form_show(&query).await)
        .await?;
    context.answer(&form, |form| page(form, context.lang))?;
    Ok(Exit::Done)
}

fn page(form: &FormView, lang: Lang) -> String {
    let mut page = format!(
        "{} ({} {})\n",
        form.title.in_lang(lang),
        form.form,
        form.version
    );
    let kinds = form
        .periods
        .iter()
        .map(|kind| text::period_kind(lang, kind));
    page.push_str(&format!(
        "{}: {}\n",
        text::periods(lang),
        kinds.collect::<Vec<_>>().join(", ")
    ));
    let offices: Vec<_> = form
        .offices
        .iter()
        .map(|office| format!("{} = {}", office.office, office.name.in_lang(lang)))
        .collect();
    page.push_str(&format!(
        "{}:\n  {}\n\n",
        text::offices(lang),
        offices.join("\n  ")
    ));
    let mut table = Table::new([
        (text::code(lang), Align::Left),
        (text::printed(lang), Align::Left),
        (text::line(lang), Align::Left),
        (text::measure(lang), Align::Left),
        (text::office(lang), Align::Left),
    ]);
    for line in &form.lines {
        table.row(row(line, lang));
    }
    page.push_str(&table.text());
    page.push_str(&format!("\n{}:\n", text::sections(lang)));
    for section in &form.sections {
        let offices: Vec<_> = section.offices.iter().map(ToString::to_string).collect();
        let title = section.title.in_lang(lang);
        page.push_str(&format!(
            "  {}: {title} ({})\n",
            section.section,
            offices.join(", ")
        ));
    }
    page
}

fn row(line: &LineView, lang: Lang) -> [String; 5] {
    let (measure, offices) = match &line.cell {
        Some(cell) => {
            let offices: Vec<_> = cell.offices.iter().map(ToString::to_string).collect();
            let joint = if cell.by_office { " + " } else { ", " };
            (cell.measure.in_lang(lang).to_owned(), offices.join(joint))
        }
        None => (String::new(), String::new()),
    };
    let label = wrapped(line.label.in_lang(lang), LABEL_COLUMNS);
    [
        line.code.to_string(),
        line.printed.clone(),
        label,
        measure,
        offices,
    ]
}

/// One file of `form check`, as JSON.
#[derive(Debug, Serialize)]
struct Checked {
    file: String,
    form: Option<String>,
    version: Option<String>,
    lines: Option<usize>,
    mistakes: Vec<MistakeJson>,
    left_off: usize,
}

#[derive(Debug, Serialize)]
struct MistakeJson {
    line: usize,
    column: usize,
    code: &'static str,
    message_vi: String,
    message_en: String,
    cure_vi: String,
    cure_en: String,
}

/// Names every mistake of every file; needs no node.
pub(super) fn check(args: &CheckArgs, context: &Context) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    let mut words = Vec::new();
    let mut unread = Vec::new();
    for path in &args.files {
        match read_given(path, FORM_BYTES_MAX) {
            Ok(source) => {
                let (checked, told) = check_one(path, &source, context.lang);
                all.push(checked);
                words.push(told);
            }
            Err(failure) => unread.push(failure),
        }
    }
    let is_sound = all.iter().all(|checked| checked.mistakes.is_empty());
    if !all.is_empty() {
        context.answer(&all, |_| words.join("\n"))?;
    }
    // A file that cannot be read takes nothing from what is said of the others.
    if let Some(last) = unread.pop() {
        for failure in &unread {
            context.report(failure);
        }
        return Err(last);
    }
    Ok(if is_sound { Exit::Done } else { Exit::Findings })
}

fn check_one(path: &Path, source: &str, lang: Lang) -> (Checked, String) {
    let file = path.display().to_string();
    match Form::parse(source) {
        Ok(form) => {
            let lines = form.value_lines().count();
            let told = text::form_is_sound(&file, form.id().as_str(), lines);
            let checked = Checked {
                file,
                form: Some(form.id().to_string()),
                version: Some(form.version().to_string()),
                lines: Some(lines),
                mistakes: Vec::new(),
                left_off: 0,
            };
            (checked, told.in_lang(lang).to_owned())
        }
        Err(errors) => {
            let told: Vec<_> = errors
                .report(lang)
                .lines()
                .map(|line| format!("{file}: {line}"))
                .collect();
            (mistaken(file, &errors), told.join("\n"))
        }
    }
}

fn mistaken(file: String, errors: &FormErrors) -> Checked {
    let mistakes = errors.mistakes.iter().map(|mistake| MistakeJson {
        line: mistake.line,
        column: mistake.column,
        code: mistake.kind.code(),
        message_vi: mistake.message(Lang::Vi),
        message_en: mistake.message(Lang::En),
        cure_vi: mistake.cure(Lang::Vi),
        cure_en: mistake.cure(Lang::En),
    });
    Checked {
        file,
        form: None,
        version: None,
        lines: None,
        mistakes: mistakes.collect(),
        left_off: errors.left_off,
    }
}

pub(super) async fn add(args: AddFormArgs, context: &Context) -> Result<Exit, Failure> {
    let source = form_of(&args.file)?;
    let request = FormRequest {
        source,
        assigned: args.units,
    };
    let row = context
        .ask(async |client| client.form_add(&request).await)
        .await?;
    context.answer(&row, |row| {
        let added = text::form_added(row.form.as_str(), &row.version.to_string());
        added.in_lang(context.lang).to_owned()
    })?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_with_file_place_and_cure() {
        let (checked, told) = check_one(Path::new("a.toml"), "id = 1\n", Lang::En);
        assert!(!checked.mistakes.is_empty());
        assert!(
            told.lines().all(|line| line.starts_with("a.toml: line ")),
            "{told}"
        );
        let json = serde_json::to_value(&checked).unwrap();
        assert_eq!(json["mistakes"][0]["line"], 1);
    }
}
