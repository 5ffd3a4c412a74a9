//! From what a person types to a figure, and what is refused on the way.

use std::fmt;

use hopluu_model::{Decimal, Fault, IndicatorCode, Qualifier, Scalar};
use unicode_normalization::UnicodeNormalization;

use crate::form::{Form, Heading, LevelRole, Line, LineRole, OverUnits, ValueKind, ValueLine};
use crate::lang::Lang;
use crate::limits::TYPED_BYTES_MAX;
use crate::show::{Style, show_decimal};

/// What the form cannot know about the unit whose report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EntryContext {
    /// Whether the unit owes the report itself, see [`LevelRole::Reporting`].
    pub is_leaf: bool,
    /// How many reporting units lie below it on the period's tree day, if known.
    pub units_below: Option<u64>,
}

/// Why a figure was refused.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{}", self.message(Lang::En))]
pub enum ValueError {
    /// A heading has no cell.
    Heading(IndicatorCode),
    /// This unit does not enter the line: it is added up from below.
    AddedUp(IndicatorCode),
    /// This unit does not enter the line: only units above the reporting ones do.
    EnteredAbove(IndicatorCode),
    /// Longer than any figure.
    TooLong,
    /// Not what the cell asks for.
    Unreadable {
        /// What was typed.
        typed: String,
        /// What is asked for.
        expected: ValueKind,
    },
    /// Something behind the comma where whole things are counted.
    NotWhole(String),
    /// More digits behind the comma than the line takes.
    TooManyDecimals {
        /// What was typed.
        typed: String,
        /// How many it takes.
        scale: u8,
    },
    /// Less than nothing.
    Negative(String),
    /// More digits than a report can mean.
    TooLarge(String),
    /// A percent is computed from its parts, never typed.
    PercentTyped(String),
    /// More in the part than in the whole, or nothing in the whole.
    NotAShare(u64, u64),
    /// The whole must be the number of units in the tree.
    WholeIsNotUnits {
        /// What was typed.
        whole: u64,
        /// What the tree has.
        units: u64,
    },
    /// The percent beside a share is another than the computed one.
    PercentDiffers {
        /// What was typed.
        stated: String,
        /// What it is.
        computed: String,
    },
}

impl fmt::Display for ValueKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(kind_words(*self, Lang::En))
    }
}

fn kind_words(kind: ValueKind, lang: Lang) -> &'static str {
    match (kind, lang) {
        (ValueKind::Count, Lang::Vi) => "số nguyên, ví dụ 1.500 hoặc 08",
        (ValueKind::Count, Lang::En) => "a whole number, for example 1.500 or 08",
        (ValueKind::Decimal { .. } | ValueKind::Money, Lang::Vi) => "một số, ví dụ 1.500 hoặc 90,5",
        (ValueKind::Decimal { .. } | ValueKind::Money, Lang::En) => {
            "a number, for example 1.500 or 90,5"
        }
        (ValueKind::YesNo, Lang::Vi) => "Có hoặc Không",
        (ValueKind::YesNo, Lang::En) => "yes or no",
        (ValueKind::Share, Lang::Vi) => "phần và tổng, ví dụ 19/21",
        (ValueKind::Share, Lang::En) => "part and whole, for example 19/21",
    }
}

impl ValueError {
    /// Who has to act: the person who typed it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Heading(_) => "V-001",
            Self::AddedUp(_) => "V-002",
            Self::EnteredAbove(_) => "V-003",
            Self::TooLong => "V-004",
            Self::Unreadable { .. } => "V-005",
            Self::NotWhole(_) => "V-006",
            Self::TooManyDecimals { .. } => "V-007",
            Self::Negative(_) => "V-008",
            Self::TooLarge(_) => "V-009",
            Self::PercentTyped(_) => "V-010",
            Self::NotAShare(..) => "V-011",
            Self::WholeIsNotUnits { .. } => "V-012",
            Self::PercentDiffers { .. } => "V-013",
        }
    }

    /// What is wrong and what to type instead.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::Vi => self.message_vi(),
            Lang::En => self.message_en(),
        }
    }

    fn message_vi(&self) -> String {
        match self {
            Self::Heading(code) => format!("{code} là tiêu đề, không có ô số liệu"),
            Self::AddedUp(code) => {
                format!("{code} do các đơn vị cấp dưới trả lời hoặc cộng lại, không nhập ở cấp này")
            }
            Self::EnteredAbove(code) => format!("{code} chỉ nhập ở cấp trên, cấp này không có ô"),
            Self::TooLong => format!("số liệu dài quá {TYPED_BYTES_MAX} byte"),
            Self::Unreadable { typed, expected } => {
                format!(
                    "`{typed}` không đọc được; cần {}",
                    kind_words(*expected, Lang::Vi)
                )
            }
            Self::NotWhole(typed) => {
                format!("`{typed}` không phải số nguyên; một nghìn năm trăm viết 1.500 hoặc 1500")
            }
            Self::TooManyDecimals { typed, scale } => {
                format!("`{typed}` có quá {scale} chữ số sau dấu phẩy")
            }
            Self::Negative(typed) => format!("`{typed}` nhỏ hơn không"),
            Self::TooLarge(typed) => format!("`{typed}` có quá nhiều chữ số"),
            Self::PercentTyped(typed) => format!(
                "`{typed}`: phần trăm do máy tính ra, không nhập; nhập phần và tổng (19/21) hoặc trả \
                 lời Có/Không"
            ),
            Self::NotAShare(part, whole) => {
                format!("{part}/{whole}: phần không được lớn hơn tổng và tổng phải khác không")
            }
            Self::WholeIsNotUnits { whole, units } => {
                format!("tổng là {whole} nhưng cây đơn vị có {units} đơn vị")
            }
            Self::PercentDiffers { stated, computed } => {
                format!("ghi {stated} nhưng tính ra {computed}")
            }
        }
    }

    fn message_en(&self) -> String {
        match self {
            Self::Heading(code) => format!("{code} is a heading and holds no figure"),
            Self::AddedUp(code) => {
                format!("{code} is answered or added up from the units below and not entered here")
            }
            Self::EnteredAbove(code) => format!("{code} is entered above this level only"),
            Self::TooLong => format!("a figure has at most {TYPED_BYTES_MAX} bytes"),
            Self::Unreadable { typed, expected } => {
                format!(
                    "`{typed}` cannot be read; write {}",
                    kind_words(*expected, Lang::En)
                )
            }
            Self::NotWhole(typed) => {
                format!("`{typed}` is no whole number; fifteen hundred is written 1.500 or 1500")
            }
            Self::TooManyDecimals { typed, scale } => {
                format!("`{typed}` has more than {scale} digits behind the comma")
            }
            Self::Negative(typed) => format!("`{typed}` is less than nothing"),
            Self::TooLarge(typed) => format!("`{typed}` has too many digits"),
            Self::PercentTyped(typed) => format!(
                "`{typed}`: a percent is computed, never typed; write part and whole (19/21) or \
                 answer yes or no"
            ),
            Self::NotAShare(part, whole) => {
                format!("{part}/{whole}: the part is at most the whole, and the whole is not zero")
            }
            Self::WholeIsNotUnits { whole, units } => {
                format!("the whole is {whole}, but the tree has {units} units")
            }
            Self::PercentDiffers { stated, computed } => {
                format!("the stated {stated} is {computed} when computed")
            }
        }
    }
}

impl Form {
    /// Reads what a person typed into a cell: `1.500`, `1500`, `90,5`, `90.5`, `08`, `Có`, `19/21`,
    /// `19/21 (90,5%)`, `trên 420`, `rỗng`, `na`, and the canonical spelling of any figure.
    ///
    /// A dot before exactly three digits groups thousands, as on every Vietnamese paper; any other dot
    /// in a number is read as a comma where the line takes decimals.
    ///
    /// # Errors
    /// The text does not fit the cell, or this unit does not enter it.
    pub fn read_value(
        &self,
        line: &Line,
        typed: &str,
        context: &EntryContext,
    ) -> Result<Scalar, ValueError> {
        if typed.len() > TYPED_BYTES_MAX {
            return Err(ValueError::TooLong);
        }
        let value = match &line.role {
            LineRole::Value(value) => value,
            LineRole::Heading(Heading::OpenCell) => {
                return read_heading(&folded(typed));
            }
            LineRole::Heading(Heading::Closed) => {
                return Err(ValueError::Heading(line.code.clone()));
            }
        };
        let scalar = read(value, &folded(typed), context)?;
        let role = if context.is_leaf {
            LevelRole::Reporting
        } else {
            LevelRole::OwnPart
        };
        // A unit above may state the share as it stands on its paper; nothing is added from it.
        let is_statement = value.over_units == OverUnits::ShareOfUnits
            && matches!(scalar, Scalar::Share(..) | Scalar::Blank);
        if value.is_entered_by(role) || is_statement {
            Ok(scalar)
        } else if context.is_leaf {
            Err(ValueError::EnteredAbove(line.code.clone()))
        } else {
            Err(ValueError::AddedUp(line.code.clone()))
        }
    }
}

/// Lower case, composed, with single spaces: the spelling that the words below are compared with.
fn folded(typed: &str) -> String {
    let lower: String = typed.nfc().flat_map(char::to_lowercase).collect();
    let words: Vec<_> = lower.split_whitespace().collect();
    words.join(" ")
}

/// What leaves any cell without an answer.
fn read_blank(typed: &str) -> Option<Scalar> {
    match typed {
        "" | "blank" | "trống" | "(trống)" | "để trống" | "rỗng" => Some(Scalar::Blank),
        "na" | "n/a" | "không áp dụng" => Some(Scalar::NotApplicable),
        _ => None,
    }
}

/// What a paper says in the open cell of a heading: how many, of whatever the lines below count.
fn read_heading(typed: &str) -> Result<Scalar, ValueError> {
    match read_blank(typed) {
        Some(Scalar::Blank) => Ok(Scalar::Blank),
        _ if is_none(typed) => Ok(Scalar::Nil),
        _ => read_number(typed, ValueKind::Count).map(Scalar::exact),
    }
}

fn read(value: &ValueLine, typed: &str, context: &EntryContext) -> Result<Scalar, ValueError> {
    if let Some(scalar) = read_blank(typed) {
        return Ok(scalar);
    }
    match value.entered {
        ValueKind::YesNo => read_answer(value, typed, context),
        ValueKind::Share => read_share(typed, None),
        ValueKind::Count | ValueKind::Decimal { .. } | ValueKind::Money => {
            read_quantity(value, typed)
        }
    }
}

fn read_answer(
    value: &ValueLine,
    typed: &str,
    context: &EntryContext,
) -> Result<Scalar, ValueError> {
    match typed {
        "có" | "co" | "y" | "yes" => Ok(Scalar::Yes),
        "không" | "khong" | "n" | "no" => Ok(Scalar::No),
        _ if typed.contains('/')
            && value.over_units == OverUnits::ShareOfUnits
            && !context.is_leaf =>
        {
            read_share(typed, context.units_below)
        }
        _ if typed.ends_with('%') && !typed.contains('/') => {
            Err(ValueError::PercentTyped(typed.to_owned()))
        }
        _ => Err(ValueError::Unreadable {
            typed: typed.to_owned(),
            expected: ValueKind::YesNo,
        }),
    }
}

/// `19/21`, `06/06`, `19/21 (90,5%)`.
fn read_share(typed: &str, units: Option<u64>) -> Result<Scalar, ValueError> {
    let unreadable = || ValueError::Unreadable {
        typed: typed.to_owned(),
        expected: ValueKind::Share,
    };
    let Some((part, rest)) = typed.split_once('/') else {
        return Err(if typed.ends_with('%') {
            ValueError::PercentTyped(typed.to_owned())
        } else {
            unreadable()
        });
    };
    let (whole, stated) = match rest.split_once('(') {
        Some((whole, percent)) => {
            let percent = percent.strip_suffix(')').ok_or_else(unreadable)?;
            (
                whole,
                Some(percent.strip_suffix('%').ok_or_else(unreadable)?),
            )
        }
        None => (rest, None),
    };
    let count = |text: &str| {
        let number = read_number(text.trim(), ValueKind::Count).map_err(|_| unreadable())?;
        u64::try_from(number.units()).map_err(|_| unreadable())
    };
    let (part, whole) = (count(part)?, count(whole)?);
    if whole == 0 || part > whole {
        return Err(ValueError::NotAShare(part, whole));
    }
    if let Some(units) = units.filter(|units| *units != whole) {
        return Err(ValueError::WholeIsNotUnits { whole, units });
    }
    if let Some(stated) = stated {
        check_percent(part, whole, stated.trim())
            .map_err(|error| error.unwrap_or_else(unreadable))?;
    }
    Ok(Scalar::Share(part, whole))
}

/// Compares the percent beside a share at the precision it was written with; `Err(None)`: no number.
fn check_percent(part: u64, whole: u64, stated: &str) -> Result<(), Option<ValueError>> {
    let number = read_number(stated, ValueKind::Decimal { scale: 2 }).map_err(|_| None)?;
    let digits = stated
        .split_once([',', '.'])
        .map_or(0, |(_, fraction)| fraction.len());
    let digits = u8::try_from(digits).map_err(|_| None)?;
    // part * 100 / whole, rounded half up to the stated digits; u64 * 10^4 * 2 is far below i128.
    let power = 10i128.pow(u32::from(digits.min(6)));
    let doubled = i128::from(part) * 200 * power / i128::from(whole);
    let computed = Decimal::new((doubled + 1) / 2, digits);
    if computed == number {
        return Ok(());
    }
    Err(Some(ValueError::PercentDiffers {
        stated: format!("{stated}%"),
        computed: format!("{}%", show_decimal(computed, Style::Vietnamese)),
    }))
}

/// Words before a number and what they make of it; a longer one stands before its beginning.
const QUALIFIERS: [(&str, Qualifier); 21] = [
    ("~>", Qualifier::AtLeast),
    (">=", Qualifier::AtLeast),
    ("≥", Qualifier::AtLeast),
    ("ít nhất ", Qualifier::AtLeast),
    ("trên ", Qualifier::AtLeast),
    ("hơn ", Qualifier::AtLeast),
    ("at least ", Qualifier::AtLeast),
    ("over ", Qualifier::AtLeast),
    ("~<", Qualifier::AtMost),
    ("<=", Qualifier::AtMost),
    ("≤", Qualifier::AtMost),
    ("nhiều nhất ", Qualifier::AtMost),
    ("không quá ", Qualifier::AtMost),
    ("tối đa ", Qualifier::AtMost),
    ("dưới ", Qualifier::AtMost),
    ("at most ", Qualifier::AtMost),
    ("under ", Qualifier::AtMost),
    ("~", Qualifier::About),
    ("khoảng ", Qualifier::About),
    ("ước ", Qualifier::About),
    ("about ", Qualifier::About),
];

/// Looked, there is none.
fn is_none(typed: &str) -> bool {
    matches!(
        typed,
        "không" | "không có" | "không phát hiện" | "nil" | "none"
    )
}

fn read_quantity(value: &ValueLine, typed: &str) -> Result<Scalar, ValueError> {
    if is_none(typed) {
        return Ok(Scalar::Nil);
    }
    let found = QUALIFIERS
        .iter()
        .find_map(|(word, qualifier)| Some((typed.strip_prefix(word)?, *qualifier)));
    let (rest, qualifier) = found.unwrap_or((typed, Qualifier::Exact));
    // "0 người": the measure may stand behind the number.
    let measure = folded(&value.measure.vi);
    let bare = rest.strip_suffix(&measure).unwrap_or(rest).trim();
    let number = read_number(bare, value.entered).map_err(|error| match error {
        // Name what was typed, not the piece of it that was looked at last.
        ValueError::Unreadable { expected, .. } => ValueError::Unreadable {
            typed: typed.to_owned(),
            expected,
        },
        other => other,
    })?;
    Ok(Scalar::Number(number, qualifier))
}

/// A number the Vietnamese way or the plain way.
fn read_number(typed: &str, kind: ValueKind) -> Result<Decimal, ValueError> {
    let unreadable = || ValueError::Unreadable {
        typed: typed.to_owned(),
        expected: kind,
    };
    let (is_negative, body) = match typed.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, typed),
    };
    let (whole, fraction) = split(body).ok_or_else(unreadable)?;
    let scale = kind.scale_max();
    if fraction.is_some() && scale == 0 {
        return Err(ValueError::NotWhole(typed.to_owned()));
    }
    let fraction = fraction.map_or("", |fraction| fraction.trim_end_matches('0'));
    if fraction.len() > usize::from(scale) {
        return Err(ValueError::TooManyDecimals {
            typed: typed.to_owned(),
            scale,
        });
    }
    let plain = match fraction {
        "" => whole,
        _ => format!("{whole}.{fraction}"),
    };
    let number: Decimal = plain
        .parse()
        .map_err(|_| ValueError::TooLarge(typed.to_owned()))?;
    if !is_negative || number == Decimal::ZERO {
        return Ok(number);
    }
    // Only a plain measure (a water level) can lie below zero; a count or a sum of money cannot.
    match kind {
        ValueKind::Decimal { .. } => Ok(Decimal::new(-number.units(), number.scale())),
        _ => Err(ValueError::Negative(typed.to_owned())),
    }
}

/// The digits before and behind the comma, groups joined; `None` if it is not written as a number.
fn split(body: &str) -> Option<(String, Option<&str>)> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((whole, fraction)) = body.split_once(',') {
        let whole = if is_digits(whole) {
            whole.to_owned()
        } else {
            grouped(whole)?
        };
        return is_digits(fraction).then_some((whole, Some(fraction)));
    }
    if is_digits(body) {
        return Some((body.to_owned(), None));
    }
    if let Some(whole) = grouped(body) {
        return Some((whole, None));
    }
    let (whole, fraction) = body.split_once('.')?;
    (is_digits(whole) && is_digits(fraction)).then(|| (whole.to_owned(), Some(fraction)))
}

/// `1.500`, `22 156`: one to three digits without a leading zero, then groups of three.
fn grouped(text: &str) -> Option<String> {
    let separator = if text.contains('.') { '.' } else { ' ' };
    let mut groups = text.split(separator);
    let first = groups.next()?;
    let is_digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let mut digits = first.to_owned();
    if !(1..=3).contains(&first.len()) || first.starts_with('0') || !is_digits(first) {
        return None;
    }
    for group in groups {
        if group.len() != 3 || !is_digits(group) {
            return None;
        }
        digits.push_str(group);
    }
    Some(digits)
}

#[cfg(test)]
mod tests;
