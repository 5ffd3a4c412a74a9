//! A report as a page: on the screen what stands in it, on paper everything that is asked.

use hopluu_engine::view::{FigureView, FindingView, ReportView};
use hopluu_form::{Form, Lang, Line, Style};

use crate::context::Context;
use crate::limits::LABEL_COLUMNS;
use crate::show::Offices;
use crate::table::{Align, Table, cut, wrapped};
use crate::{show, text};

/// Columns of a line of text.
const TEXT_COLUMNS: usize = 96;

/// What stands in a report: the figures that have a value, the texts, what the rules found.
pub(super) fn screen(report: &ReportView, form: &Form, context: &Context) -> String {
    let (lang, offices) = (context.lang, Offices::from(form));
    let mut page = head(report, form, lang);
    let mut table = Table::new([
        (text::code(lang), Align::Left),
        (text::line(lang), Align::Left),
        (text::value(lang), Align::Right),
        (text::note(lang), Align::Left),
    ]);
    for figure in &report.figures {
        let label = form.line(&figure.code).map(|line| line.label.in_lang(lang));
        table.row([
            show::figure_key(&figure.code, figure.office.as_ref()),
            cut(label.unwrap_or_default(), LABEL_COLUMNS),
            shown(figure, context.style(), &offices, lang),
            figure.note.clone().unwrap_or_default(),
        ]);
    }
    for code in &report.withheld {
        let label = form.line(code).map(|line| line.label.in_lang(lang));
        table.row([
            code.to_string(),
            cut(label.unwrap_or_default(), LABEL_COLUMNS),
            text::withheld(lang).to_owned(),
            String::new(),
        ]);
    }
    page.push_str(&table.text());
    page.push_str(&texts(report, form, &offices, lang));
    page.push_str(&findings(&report.findings, lang));
    page
}

/// The value; all of them, with their offices, while offices disagree.
fn shown(figure: &FigureView, style: Style, offices: &Offices, lang: Lang) -> String {
    if let Some(value) = &figure.value {
        return show::value(value, style);
    }
    let values: Vec<_> = figure
        .candidates
        .iter()
        .map(|one| {
            let value = show::value(&one.value, style);
            format!("{value} ({})", offices.node(one.office.as_ref(), lang))
        })
        .collect();
    values.join(" ≠ ")
}

fn head(report: &ReportView, form: &Form, lang: Lang) -> String {
    let id = &report.report;
    let unit = show::unit(&id.unit_name, &id.unit);
    let title = form.title().in_lang(lang);
    let state = show::state(&report.state, report.reason.as_deref(), lang);
    let reached = show::reached(&report.reached, lang);
    let period = show::period(id);
    let mut head = format!(
        "{title}\n{unit} · {} {} · {period}\n{state} · {reached}\n",
        id.form, report.form_version
    );
    if id.instance > 0 {
        head.push_str(text::further(lang));
        head.push('\n');
    }
    head.push('\n');
    head
}

/// The whole form as it is printed, with headings, empty cells and measures.
pub(super) fn paper(report: &ReportView, form: &Form, context: &Context) -> String {
    let (lang, offices) = (context.lang, Offices::from(form));
    let style = if lang == Lang::Vi {
        Style::Paper
    } else {
        Style::Plain
    };
    let mut page = head(report, form, lang);
    let mut table = Table::new([
        (text::printed(lang), Align::Left),
        (text::line(lang), Align::Left),
        (text::measure(lang), Align::Left),
        (text::value(lang), Align::Right),
    ]);
    for line in form.lines() {
        let label = wrapped(line.label.in_lang(lang), LABEL_COLUMNS);
        let measure = line
            .value()
            .map(|cell| cell.measure.in_lang(lang).to_owned());
        table.row([
            line.printed.clone(),
            label,
            measure.unwrap_or_default(),
            cell(line, report, style, (&offices, lang)),
        ]);
    }
    page.push_str(&table.text());
    page.push_str(&texts(report, form, &offices, lang));
    page.push_str(&findings(&report.findings, lang));
    page
}

/// What stands in a cell; on a line that offices add up, each one's part below the other.
fn cell(
    line: &Line,
    report: &ReportView,
    style: Style,
    (offices, lang): (&Offices, Lang),
) -> String {
    let figures = report
        .figures
        .iter()
        .filter(|figure| figure.code == line.code);
    let values: Vec<_> = figures
        .map(|figure| {
            let value = printed(line, figure, style);
            let value = value.unwrap_or_else(|| shown(figure, style, offices, lang));
            match &figure.office {
                Some(office) => format!("{}: {value}", offices.name(office, lang)),
                None => value,
            }
        })
        .collect();
    if values.is_empty() && report.withheld.contains(&line.code) {
        return text::withheld(lang).to_owned();
    }
    values.join("\n")
}

/// A settled figure as the form wants it on paper: a share perhaps as its percent alone.
fn printed(line: &Line, figure: &FigureView, style: Style) -> Option<String> {
    let value = figure.value.as_ref()?.parse().ok()?;
    Some(line.value()?.show(&value, style))
}

/// Texts by section in the order of the form, and in it by office.
fn texts(report: &ReportView, form: &Form, offices: &Offices, lang: Lang) -> String {
    let mut page = String::new();
    for section in form.sections() {
        let mut written = report
            .texts
            .iter()
            .filter(|text| text.section == section.id)
            .peekable();
        if written.peek().is_none() {
            continue;
        }
        page.push_str(&format!("\n{}\n", section.title.in_lang(lang)));
        for text in written {
            let office = offices.name(&text.office, lang);
            page.push_str(&format!(
                "[{office}]\n{}\n",
                wrapped(&text.text, TEXT_COLUMNS)
            ));
        }
    }
    page
}

/// What the rules found, one a line.
pub(crate) fn findings(findings: &[FindingView], lang: Lang) -> String {
    let mut page = String::new();
    if !findings.is_empty() {
        page.push_str(&format!("\n{}:\n", text::findings(lang)));
    }
    for finding in findings {
        let message = text::word_of(&finding.message_vi, &finding.message_en, lang);
        page.push_str(&format!("  {message}\n"));
    }
    page
}
