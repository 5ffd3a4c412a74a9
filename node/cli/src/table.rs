//! Tables whose columns stand under each other whatever the letters: Vietnamese ones are as wide as
//! they look, not as many as their bytes.

use unicode_width::UnicodeWidthStr;

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Rows of cells.
#[derive(Debug)]
pub(crate) struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
    has_head: bool,
}

impl Table {
    /// A table with a head.
    pub(crate) fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        Self {
            aligns: columns.iter().map(|(_, align)| *align).collect(),
            rows: vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect()],
            has_head: true,
        }
    }

    /// A table of names and values, without a head.
    pub(crate) fn pairs() -> Self {
        Self {
            aligns: vec![Align::Left, Align::Left],
            rows: Vec::new(),
            has_head: false,
        }
    }

    /// Adds a row. Every line of a cell is a line of the row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// The table as text, every line ended.
    pub(crate) fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.aligns.len()).map(|at| self.width_of(at)).collect();
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            self.push_row(&mut text, row, &widths);
            if number == 0 && self.has_head {
                let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                self.push_row(&mut text, &rules, &widths);
            }
        }
        text
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells
            .flat_map(|cell| cell.lines())
            .map(UnicodeWidthStr::width)
            .max()
            .unwrap_or(0)
    }

    fn push_row(&self, text: &mut String, row: &[String], widths: &[usize]) {
        let height = row
            .iter()
            .map(|cell| cell.lines().count())
            .max()
            .unwrap_or(1)
            .max(1);
        for line in 0..height {
            let mut printed = String::new();
            for ((cell, width), align) in row.iter().zip(widths).zip(&self.aligns) {
                let piece = cell.lines().nth(line).unwrap_or_default();
                let gap = " ".repeat(width.saturating_sub(piece.width()));
                match align {
                    Align::Left => printed.extend([piece, &gap]),
                    Align::Right => printed.extend([gap.as_str(), piece]),
                }
                printed.push_str("  ");
            }
            text.push_str(printed.trim_end());
            text.push('\n');
        }
    }
}

/// A text in at most so many columns, ended by `…` where it is longer.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for letter in text.chars() {
        let width = unicode_width::UnicodeWidthChar::width(letter).unwrap_or(0);
        if used + width >= columns {
            break;
        }
        used += width;
        kept.push(letter);
    }
    kept.push('…');
    kept
}

/// A text in lines of at most so many columns, broken between words; paragraphs stay apart.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.width() + 1 + word.width() > columns {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other_in_vietnamese() {
        let mut table = Table::new([("Đơn vị", Align::Left), ("Số", Align::Right)]);
        table.row(["Thị trấn Khe Sanh".to_owned(), "1.500".to_owned()]);
        table.row(["Xã Húc\nhuyện Hướng Hóa".to_owned(), "8".to_owned()]);
        expect_test::expect![[r#"
            Đơn vị                Số
            ─────────────────  ─────
            Thị trấn Khe Sanh  1.500
            Xã Húc                 8
            huyện Hướng Hóa
        "#]]
        .assert_eq(&table.text());
    }

    #[test]
    fn composed_and_decomposed_letters_are_as_wide() {
        assert_eq!("Xa\u{303} Húc".width(), "Xã Húc".width());
    }

    #[test]
    fn a_long_text_is_cut_or_wrapped_at_its_width() {
        assert_eq!(cut("Thị trấn", 8), "Thị trấn");
        assert_eq!(cut("Thị trấn Khe Sanh", 9), "Thị trấn…");
        assert_eq!(wrapped("một hai ba\n\nbốn", 7), "một hai\nba\n\nbốn");
        assert_eq!(wrapped("mộtchữdàihơncột", 4), "mộtchữdàihơncột");
    }
}
