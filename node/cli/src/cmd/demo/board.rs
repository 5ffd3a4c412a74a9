//! The table that grows: the totals of the district and the province, a row for every change.

use hopluu_engine::view::{TotalLineView, TotalView};
use hopluu_form::Lang;
use unicode_width::UnicodeWidthStr;

use super::ledger::Ledger;
use super::words;

/// The lines shown; their heads are among the words.
const LINES: [&str; 6] = [
    "II.1.1.a",
    "II.1.1.a.2",
    "II.2.1B.a",
    "II.2.1B.b",
    "II.2.2.a",
    "II.2.6",
];

/// How wide the unit's name and the figures' columns are: with the time, 80 in all.
const WIDTHS: [usize; 8] = [15, 9, 8, 9, 9, 7, 11, 10];

/// The two totals that are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The district's, at the district.
    pub(super) district: TotalView,
    /// The province's, at the province.
    pub(super) province: TotalView,
}

impl Pair {
    /// Both, to claim the same of each.
    pub(super) fn both(&self) -> [&TotalView; 2] {
        [&self.district, &self.province]
    }
}

/// A line of a total.
pub(super) fn line<'t>(total: &'t TotalView, code: &str) -> Option<&'t TotalLineView> {
    total.lines.iter().find(|line| line.code.as_str() == code)
}

/// Prints a row when what it would show has changed.
#[derive(Debug, Default)]
pub(super) struct Board {
    shown: [Vec<String>; 2],
    has_head: bool,
}

impl Board {
    /// Begins the table anew, with its head.
    pub(super) fn begin(&mut self) {
        self.has_head = false;
    }

    /// Shows what is new in the two totals.
    pub(super) fn show(&mut self, pair: &Pair, ledger: &Ledger) {
        for (shown, total) in self.shown.iter_mut().zip(pair.both()) {
            let row = row(total, ledger.lang);
            if *shown == row {
                continue;
            }
            if !self.has_head {
                self.has_head = true;
                ledger.line(&head(ledger.lang));
            }
            ledger.line(&format!("{:>6} {}", ledger.clock(), padded(&row)));
            *shown = row;
        }
    }
}

fn head(lang: Lang) -> String {
    let heads = words::COLUMN_HEADS
        .iter()
        .map(|(vi, en)| crate::text::word(lang, vi, en));
    let cells: Vec<String> = heads.map(str::to_owned).collect();
    format!(
        "{:>6} {}",
        crate::text::word(lang, "giây", "s"),
        padded(&cells)
    )
}

fn row(total: &TotalView, lang: Lang) -> Vec<String> {
    let coverage = format!("{}/{}", total.reported, total.expected);
    let figures = LINES.iter().map(|code| match line(total, code) {
        Some(line) => figure(line, lang),
        None => "·".to_owned(),
    });
    [total.unit_name.clone(), coverage]
        .into_iter()
        .chain(figures)
        .collect()
}

/// A figure as short as it goes: a range where it is unsettled, a dot where nobody has answered.
pub(super) fn figure(line: &TotalLineView, lang: Lang) -> String {
    let shown = |canonical: &str| match canonical.contains('/') {
        true => canonical.to_owned(),
        false => crate::show::value(canonical, lang.into()),
    };
    match (&line.range, &line.value) {
        (Some((low, high)), _) if low != high => format!("{}–{}", shown(low), shown(high)),
        (_, Some(value)) => shown(value),
        (_, None) => "·".to_owned(),
    }
}

fn padded(cells: &[String]) -> String {
    let mut text = String::new();
    for (at, (cell, width)) in cells.iter().zip(WIDTHS).enumerate() {
        let gap = " ".repeat(width.saturating_sub(cell.width()));
        let pieces = if at == 0 {
            [cell.as_str(), &gap]
        } else {
            [gap.as_str(), cell]
        };
        text.extend(pieces);
    }
    text
}
