//! What may reach a person's terminal. Texts come from other offices and units, and a terminal obeys
//! control characters: they are shown, never sent.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A page without anything that a terminal would obey: in its place stands `�`.
pub(crate) fn page(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(is_obeyed, "\u{FFFD}"))
}

/// JSON in which such characters stand escaped: the same values to a program.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_obeyed(letter) {
            write!(escaped, "\\u{:04x}", u32::from(letter)).expect("a string takes everything");
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

/// Control characters but tab and line feed, and those that turn the direction of writing.
fn is_obeyed(letter: char) -> bool {
    (letter.is_control() && letter != '\n' && letter != '\t')
        || matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "a\u{0}b\u{1b}[31mred\u{9b}2J\u{202e}c\r\u{7f}\n\tệ";

    #[test]
    fn a_page_commands_no_terminal() {
        assert_eq!(
            page(NASTY),
            "a\u{FFFD}b\u{FFFD}[31mred\u{FFFD}2J\u{FFFD}c\u{FFFD}\u{FFFD}\n\tệ"
        );
        assert!(matches!(page("bình thường\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_values() {
        let made = serde_json::to_string(NASTY).unwrap();
        let shown = json(&made);
        assert!(!shown.contains(is_obeyed));
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), NASTY);
    }
}
