//! Reads a parsed TOML table key by key, noting every mistake with its place instead of stopping.

use std::ops::Range;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::limits::MISTAKES_HELD_MAX;
use crate::mistake::{Detail, FormErrors, Mistake, MistakeKind};

/// A value and where it stands in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) offset: usize,
}

/// Collects mistakes and turns offsets into lines and columns.
#[derive(Debug)]
pub(crate) struct Reader<'s> {
    source: &'s str,
    line_starts: Vec<usize>,
    mistakes: Vec<Mistake>,
    left_off: usize,
}

/// One table of the form, which remembers what was asked of it.
#[derive(Debug)]
pub(crate) struct Table<'t> {
    table: &'t DeTable<'t>,
    span: Range<usize>,
    /// Its name in messages, `[[line]]`.
    name: &'static str,
    asked: Vec<&'static str>,
}

impl<'t> Table<'t> {
    pub(crate) fn new(table: &'t DeTable<'t>, span: Range<usize>, name: &'static str) -> Self {
        Self {
            table,
            span,
            name,
            asked: Vec::new(),
        }
    }

    /// Where the table begins.
    pub(crate) fn offset(&self) -> usize {
        self.span.start
    }

    /// Where the value of a key begins; the table itself where the key is missing.
    pub(crate) fn offset_of(&self, key: &str) -> usize {
        self.table
            .get(key)
            .map_or(self.span.start, |value| value.span().start)
    }

    /// Whether a key is there, without counting as a reading of it.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Whether a key is there and says a text, without counting as a reading of it.
    pub(crate) fn is_text(&self, key: &str) -> bool {
        self.table
            .get(key)
            .is_some_and(|value| value.get_ref().as_str().is_some())
    }

    /// Takes keys as read, because something better has been said about them.
    pub(crate) fn forgive(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    fn get(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// All entries in the order of the text, for tables whose keys are names.
    fn entries(&self) -> Vec<(At<&'t str>, &'t Spanned<DeValue<'t>>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| {
                let at = At {
                    value: key.get_ref().as_ref(),
                    offset: key.span().start,
                };
                (at, value)
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.offset);
        entries
    }
}

impl<'s> Reader<'s> {
    pub(crate) fn new(source: &'s str) -> Self {
        let line_starts = std::iter::once(0)
            .chain(source.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            source,
            line_starts,
            mistakes: Vec::new(),
            left_off: 0,
        }
    }

    /// Whether nothing was wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// All that was wrong.
    pub(crate) fn into_errors(self) -> FormErrors {
        FormErrors::new(self.mistakes, self.left_off)
    }

    /// Notes a mistake at an offset of the text.
    pub(crate) fn note(&mut self, offset: usize, kind: MistakeKind, details: Vec<Detail>) {
        if self.mistakes.len() == MISTAKES_HELD_MAX {
            self.left_off += 1;
            return;
        }
        let (line, column) = self.place(offset);
        self.mistakes.push(Mistake {
            line,
            column,
            kind,
            details,
        });
    }

    /// Line and column of an offset, from 1.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts.get(line.saturating_sub(1)).copied();
        let before = self.source.get(start.unwrap_or(0)..offset).unwrap_or("");
        (line, before.chars().count() + 1)
    }

    /// Names the keys that nobody asked for. The last thing done with a table.
    pub(crate) fn close(&mut self, mut table: Table<'_>) {
        table.asked.sort_unstable();
        table.asked.dedup();
        for (key, _) in table.entries() {
            if !table.asked.contains(&key.value) {
                let details = vec![
                    Detail::piece(key.value),
                    Detail::table(table.name),
                    Detail::Plain(table.asked.join(", ")),
                ];
                self.note(key.offset, MistakeKind::UnknownKey, details);
            }
        }
    }

    /// Says that a key is needed.
    pub(crate) fn require<T>(
        &mut self,
        table: &Table<'_>,
        key: &'static str,
        value: Option<T>,
    ) -> Option<T> {
        if value.is_none() && !table.has(key) {
            let details = vec![Detail::piece(key), Detail::table(table.name)];
            self.note(table.offset(), MistakeKind::MissingKey, details);
        }
        value
    }

    /// Says what should stand there.
    pub(crate) fn wrong_type(&mut self, offset: usize, key: &str, expected: Detail, example: &str) {
        let details = vec![Detail::piece(key), expected, Detail::piece(example)];
        self.note(offset, MistakeKind::WrongType, details);
    }

    /// A text as it stands, without a look at its length or letters.
    pub(crate) fn string<'t>(
        &mut self,
        table: &mut Table<'t>,
        key: &'static str,
    ) -> Option<At<&'t str>> {
        let value = table.get(key)?;
        self.string_of(key, value)
    }

    fn string_of<'t>(&mut self, key: &str, value: &'t Spanned<DeValue<'t>>) -> Option<At<&'t str>> {
        let offset = value.span().start;
        let Some(text) = value.get_ref().as_str() else {
            let expected = Detail::Words("chữ trong dấu ngoặc kép", "a text in quotes");
            self.wrong_type(offset, key, expected, "\"...\"");
            return None;
        };
        Some(At {
            value: text,
            offset,
        })
    }

    /// A text for people: not empty, within its bound, on one line and NFC.
    pub(crate) fn label(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        bytes_max: usize,
    ) -> Option<String> {
        let text = self.string(table, key)?;
        self.checked_label(key, text, bytes_max)
    }

    fn checked_label(&mut self, key: &str, text: At<&str>, bytes_max: usize) -> Option<String> {
        let At { value, offset } = text;
        if value.trim().is_empty() || value.len() > bytes_max {
            let details = vec![
                Detail::piece(key),
                Detail::Plain(value.trim().len().to_string()),
                Detail::Plain(bytes_max.to_string()),
            ];
            self.note(offset, MistakeKind::TextLength, details);
        } else if value.chars().any(char::is_control) {
            self.note(
                offset,
                MistakeKind::ControlCharacter,
                vec![Detail::piece(key)],
            );
        } else if !is_nfc(value) {
            let composed: String = value.nfc().collect();
            let details = vec![Detail::piece(key), Detail::piece(&composed)];
            self.note(offset, MistakeKind::NotNfc, details);
        } else {
            return Some(value.to_owned());
        }
        None
    }

    /// A name with a grammar of its own.
    pub(crate) fn name<T: FromStr>(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        rule: Detail,
    ) -> Option<At<T>> {
        let text = self.string(table, key)?;
        self.parsed(key, text, rule)
    }

    /// Reads a name that was already fetched.
    pub(crate) fn parsed<T: FromStr>(
        &mut self,
        key: &str,
        text: At<&str>,
        rule: Detail,
    ) -> Option<At<T>> {
        let At { value, offset } = text;
        match value.parse() {
            Ok(value) => Some(At { value, offset }),
            Err(_) => {
                let details = vec![Detail::piece(key), Detail::piece(value), rule];
                self.note(offset, MistakeKind::BadName, details);
                None
            }
        }
    }

    /// One word of a closed list.
    pub(crate) fn word<T: Copy>(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<At<T>> {
        let At { value, offset } = self.string(table, key)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == value) {
            return Some(At {
                value: *meaning,
                offset,
            });
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let details = vec![
            Detail::piece(key),
            Detail::piece(value),
            Detail::Plain(known.join(", ")),
        ];
        self.note(offset, MistakeKind::UnknownWord, details);
        None
    }

    /// `true` or `false`; false where the key is missing, `None` where it is misread.
    pub(crate) fn flag(&mut self, table: &mut Table<'_>, key: &'static str) -> Option<bool> {
        let Some(value) = table.get(key) else {
            return Some(false);
        };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let expected = Detail::Words("true hoặc false", "true or false");
            self.wrong_type(value.span().start, key, expected, "true");
        }
        flag
    }

    /// A whole number within a range.
    pub(crate) fn number(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        range: Range<u16>,
    ) -> Option<At<u16>> {
        let value = table.get(key)?;
        let offset = value.span().start;
        let Some(number) = value.get_ref().as_integer() else {
            let expected = Detail::Words("một số nguyên", "a whole number");
            self.wrong_type(offset, key, expected, &range.start.to_string());
            return None;
        };
        match u16::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) if range.contains(&number) => Some(At {
                value: number,
                offset,
            }),
            _ => {
                let details = vec![
                    Detail::piece(key),
                    Detail::piece(number.as_str()),
                    Detail::Plain(format!("{}-{}", range.start, range.end.saturating_sub(1))),
                ];
                self.note(offset, MistakeKind::OutOfRange, details);
                None
            }
        }
    }

    /// Whether a key holds a whole number, for keys that take a number or a word.
    pub(crate) fn is_number(table: &Table<'_>, key: &str) -> bool {
        table
            .table
            .get(key)
            .is_some_and(|value| value.get_ref().is_integer())
    }

    /// A list of texts; empty where the key is missing.
    pub(crate) fn strings<'t>(
        &mut self,
        table: &mut Table<'t>,
        key: &'static str,
    ) -> Vec<At<&'t str>> {
        let Some(value) = table.get(key) else {
            return Vec::new();
        };
        let Some(list) = value.get_ref().as_array() else {
            let expected = Detail::Words("một danh sách", "a list");
            self.wrong_type(value.span().start, key, expected, "[\"...\", \"...\"]");
            return Vec::new();
        };
        list.iter()
            .filter_map(|entry| self.string_of(key, entry))
            .collect()
    }

    /// A list of names, each once.
    pub(crate) fn names<T: FromStr + Ord + Clone>(
        &mut self,
        table: &mut Table<'_>,
        key: &'static str,
        rule: &Detail,
    ) -> Vec<At<T>> {
        let mut names: Vec<At<T>> = Vec::new();
        for text in self.strings(table, key) {
            let shown = text.value;
            let Some(name) = self.parsed::<T>(key, text, rule.clone()) else {
                continue;
            };
            if let Some(first) = names.iter().find(|known| known.value == name.value) {
                let line = self.place(first.offset).0;
                let details = vec![
                    Detail::piece(key),
                    Detail::piece(shown),
                    Detail::Plain(line.to_string()),
                ];
                self.note(name.offset, MistakeKind::Duplicate, details);
            } else {
                names.push(name);
            }
        }
        names
    }

    /// A table under a key.
    pub(crate) fn table<'t>(
        &mut self,
        table: &mut Table<'t>,
        key: &'static str,
        name: &'static str,
    ) -> Option<Table<'t>> {
        let value = table.get(key)?;
        self.table_of(key, value, name)
    }

    fn table_of<'t>(
        &mut self,
        key: &str,
        value: &'t Spanned<DeValue<'t>>,
        name: &'static str,
    ) -> Option<Table<'t>> {
        let span = value.span();
        let Some(inner) = value.get_ref().as_table() else {
            let expected = Detail::Words("một bảng", "a table");
            self.wrong_type(span.start, key, expected, "{ ... }");
            return None;
        };
        Some(Table::new(inner, span, name))
    }

    /// The tables of `[[key]]`, at most `count_max` of them.
    pub(crate) fn tables<'t>(
        &mut self,
        table: &mut Table<'t>,
        key: &'static str,
        name: &'static str,
        count_max: usize,
    ) -> Vec<Table<'t>> {
        let Some(value) = table.get(key) else {
            return Vec::new();
        };
        let Some(list) = value.get_ref().as_array() else {
            let expected = Detail::Words("một danh sách bảng", "a list of tables");
            self.wrong_type(value.span().start, key, expected, "[{ ... }]");
            return Vec::new();
        };
        self.bound(value.span().start, name, list.len(), count_max);
        list.iter()
            .take(count_max)
            .filter_map(|entry| self.table_of(key, entry, name))
            .collect()
    }

    /// Says that a list is over its bound.
    pub(crate) fn bound(&mut self, offset: usize, name: &str, count: usize, count_max: usize) {
        if count > count_max {
            let details = vec![
                Detail::piece(name),
                Detail::Plain(count.to_string()),
                Detail::Plain(count_max.to_string()),
            ];
            self.note(offset, MistakeKind::TooMany, details);
        }
    }

    /// The entries of a table whose keys are names, each a table again.
    pub(crate) fn named_tables<'t>(
        &mut self,
        table: &Table<'t>,
        name: &'static str,
        count_max: usize,
    ) -> Vec<(At<&'t str>, Table<'t>)> {
        let entries = table.entries();
        self.bound(table.offset(), name, entries.len(), count_max);
        entries
            .into_iter()
            .take(count_max)
            .filter_map(|(key, value)| {
                let inner = self.table_of(key.value, value, name)?;
                Some((key, inner))
            })
            .collect()
    }

    /// The entries of a table whose keys are names, each a text.
    pub(crate) fn named_strings<'t>(
        &mut self,
        table: &Table<'t>,
    ) -> Vec<(At<&'t str>, At<&'t str>)> {
        let read = |(key, value): (At<&'t str>, &'t Spanned<DeValue<'t>>)| {
            let text = self.string_of(key.value, value)?;
            Some((key, text))
        };
        table.entries().into_iter().filter_map(read).collect()
    }
}
