//! The small grammar that files, events and the encoded tree share.

use jiff::civil::Date;
use unicode_normalization::is_nfc;

use super::limits::{NAME_BYTES_MAX, WORD_BYTES_MAX, YEARS};
use crate::UnitId;

/// A day as `YYYY-MM-DD` and in no other spelling.
pub(super) fn read_day(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let mut part = |width: usize| {
        let part = parts.next().filter(|part| part.len() == width)?;
        let digits = part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<i16>().ok()).flatten()
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    if parts.next().is_some() {
        return None;
    }
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    is_day(date).then_some(date)
}

/// Whether a day is within the years that a tree may name.
pub(super) fn is_day(date: Date) -> bool {
    YEARS.contains(&date.year())
}

/// `CODE@YYYY-MM-DD` within the years of a tree.
pub(super) fn read_unit(text: &str) -> Option<UnitId> {
    let (code, since) = text.split_once('@')?;
    Some(UnitId {
        code: code.parse().ok()?,
        since: read_day(since)?,
    })
}

/// A word for a level or kind: small letters, digits, `_` and `-`.
pub(super) fn is_word(text: &str) -> bool {
    (1..=WORD_BYTES_MAX).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// A name as people see it: NFC, one line, single spaces.
pub(super) fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.trim() == text
        && !text.contains("  ")
        && !text.chars().any(char::is_control)
        && (text.chars().all(is_plain) || is_nfc(text))
}

/// A letter as Vietnamese is written in NFC: such letters never compose with the next one. This
/// spares nearly every name the slow question.
pub(super) fn is_plain(letter: char) -> bool {
    matches!(letter, '\0'..='\u{2ff}' | '\u{1ea0}'..='\u{1ef9}')
}
