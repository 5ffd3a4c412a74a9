//! How figures are printed: the Vietnamese way on screen and paper, and plainly for programs.

use hopluu_model::{Decimal, Qualifier, Scalar};

use crate::form::{ShownAs, ValueLine};
use crate::lang::Lang;

/// A way of printing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Style {
    /// `1.500`, `90,5`, `Có`
    #[default]
    Vietnamese,
    /// The same with small whole numbers padded, as on an official paper: `08`; zero stays `0`.
    Paper,
    /// `1500`, `90.5`, `yes`
    Plain,
}

impl From<Lang> for Style {
    /// The style of messages in that language.
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Vi => Self::Vietnamese,
            Lang::En => Self::Plain,
        }
    }
}

/// A figure the Vietnamese way.
#[must_use]
pub fn show_vi(value: &Scalar) -> String {
    show(value, Style::Vietnamese)
}

/// A figure in a style. What comes out can be typed in again and means the same, but for a plain
/// `1.234`, which typed by a person is a thousand.
#[must_use]
pub fn show(value: &Scalar, style: Style) -> String {
    let is_plain = style == Style::Plain;
    let word = |vi: &str, plain: &str| if is_plain { plain } else { vi }.to_owned();
    match value {
        Scalar::Number(number, qualifier) => {
            let prefix = match qualifier {
                Qualifier::Exact => return show_decimal(*number, style),
                Qualifier::About => word("khoảng", "about"),
                Qualifier::AtLeast => word("ít nhất", "at least"),
                Qualifier::AtMost => word("nhiều nhất", "at most"),
            };
            format!("{prefix} {}", show_decimal(*number, style))
        }
        Scalar::Share(part, whole) => {
            let fraction = format!("{}/{}", show_count(*part, style), show_count(*whole, style));
            match show_percent(*part, *whole, style) {
                Some(percent) => format!("{fraction} ({percent})"),
                None => fraction,
            }
        }
        Scalar::Yes => word("Có", "yes"),
        Scalar::No => word("Không", "no"),
        Scalar::Nil => word("Không", "none"),
        Scalar::NotApplicable => word("không áp dụng", "na"),
        Scalar::Blank => word("(trống)", "blank"),
    }
}

impl ValueLine {
    /// A figure of this line in a style: a share of it may be printed as its percent alone.
    #[must_use]
    pub fn show(&self, value: &Scalar, style: Style) -> String {
        match (self.shown_as, value) {
            (ShownAs::Percent, Scalar::Share(part, whole)) => {
                show_percent(*part, *whole, style).unwrap_or_else(|| show(value, style))
            }
            _ => show(value, style),
        }
    }
}

/// A share's percent with one digit behind the comma; `None` over zero.
#[must_use]
pub fn show_percent(part: u64, whole: u64, style: Style) -> Option<String> {
    let decimal = |count| Decimal::new(i128::from(count), 0);
    let percent = Decimal::percent(decimal(part), decimal(whole))?;
    // A percent is never padded: 05% would be odd even on paper.
    let style = if style == Style::Paper {
        Style::Vietnamese
    } else {
        style
    };
    Some(format!("{}%", show_decimal(percent, style)))
}

fn show_count(count: u64, style: Style) -> String {
    show_decimal(Decimal::new(i128::from(count), 0), style)
}

/// A number in a style.
#[must_use]
pub fn show_decimal(number: Decimal, style: Style) -> String {
    let plain = number.to_string();
    if style == Style::Plain {
        return plain;
    }
    let (sign, body) = match plain.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", plain.as_str()),
    };
    let (whole, fraction) = match body.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (body, None),
    };
    let mut text = String::from(sign);
    let is_padded = style == Style::Paper && fraction.is_none() && whole.len() == 1 && whole != "0";
    if is_padded {
        text.push('0');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push(',');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_the_vietnamese_way() {
        for (plain, vi, paper) in [
            ("0", "0", "0"),
            ("8", "8", "08"),
            ("12", "12", "12"),
            ("1500", "1.500", "1.500"),
            ("1234567", "1.234.567", "1.234.567"),
            ("90.5", "90,5", "90,5"),
            ("1150.86", "1.150,86", "1.150,86"),
            ("-3.5", "-3,5", "-3,5"),
            ("19/21", "19/21 (90,5%)", "19/21 (90,5%)"),
            ("6/6", "6/6 (100%)", "06/06 (100%)"),
            ("~>420", "ít nhất 420", "ít nhất 420"),
            ("y", "Có", "Có"),
            ("nil", "Không", "Không"),
        ] {
            let value: Scalar = plain.parse().unwrap();
            assert_eq!(show_vi(&value), vi);
            assert_eq!(show(&value, Style::Paper), paper);
        }
        assert_eq!(
            show(&"19/21".parse().unwrap(), Style::Plain),
            "19/21 (90.5%)"
        );
    }
}
