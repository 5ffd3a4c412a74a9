//! What is wrong with a command line, in the language that was asked for.

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use hopluu_api::text::Both;
use hopluu_form::Lang;

use super::{fail, screen};
use crate::failure::Exit;

/// Prints help or a mistake and says how the program ends.
pub(crate) fn report(error: &clap::Error, lang: Lang, is_json: bool) -> ExitCode {
    if !error.use_stderr() {
        // Whoever does not read it does not need it.
        let _nobody_reads = error.print();
        return Exit::Done.into();
    }
    if is_json {
        let failure = fail::usage(words(error), hint(error));
        let problem = failure
            .problem()
            .expect("a usage failure tells its problem");
        let json = serde_json::to_string(problem).expect("a problem is plain JSON");
        let _nobody_reads = writeln!(std::io::stderr(), "{}", screen::json(&json));
    } else if lang == Lang::En
        || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    {
        let _nobody_reads = error.print();
    } else {
        let _nobody_reads = writeln!(std::io::stderr(), "{}", screen::page(&mistake_vi(error)));
    }
    Exit::Usage.into()
}

/// What might have been typed instead.
fn hint(error: &clap::Error) -> Option<Both> {
    if is_command_missing(error) {
        return Some(Both::new(
            "xem các lệnh bằng --help",
            "see the commands with --help",
        ));
    }
    let known = part(error, ContextKind::ValidValue);
    (!known.is_empty()).then(|| Both::new(format!("một trong {known}"), format!("one of {known}")))
}

fn is_command_missing(error: &clap::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// A part of the mistake; where there are several, all on one line.
fn part(error: &clap::Error, kind: ContextKind) -> String {
    let part = error.get(kind).map(ToString::to_string);
    part.unwrap_or_default().replace('\n', ", ")
}

/// The mistake in one line a language. The library's own words are in English only, and of a page's
/// length; so both languages are made of what it found.
fn words(error: &clap::Error) -> Both {
    let part = |kind| part(error, kind);
    let argument = part(ContextKind::InvalidArg);
    let value = part(ContextKind::InvalidValue);
    match error.kind() {
        _ if is_command_missing(error) => Both::new("thiếu lệnh con", "a command is missing"),
        ErrorKind::UnknownArgument => Both::new(
            format!("không có tham số `{argument}`"),
            format!("there is no argument `{argument}`"),
        ),
        ErrorKind::InvalidSubcommand => {
            let command = part(ContextKind::InvalidSubcommand);
            Both::new(
                format!("không có lệnh `{command}`"),
                format!("there is no command `{command}`"),
            )
        }
        ErrorKind::MissingRequiredArgument => Both::new(
            format!("thiếu {argument}"),
            format!("{argument} is missing"),
        ),
        ErrorKind::InvalidValue if value.is_empty() => Both::new(
            format!("`{argument}` thiếu giá trị"),
            format!("`{argument}` has no value"),
        ),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => Both::new(
            format!("`{value}` không dùng được cho `{argument}`"),
            format!("`{value}` does not fit `{argument}`"),
        ),
        ErrorKind::ArgumentConflict => {
            let other = part(ContextKind::PriorArg);
            Both::new(
                format!("`{argument}` không đi cùng `{other}`"),
                format!("`{argument}` does not go with `{other}`"),
            )
        }
        ErrorKind::TooManyValues => {
            Both::new(format!("thừa `{value}`"), format!("`{value}` is too many"))
        }
        ErrorKind::InvalidUtf8 => {
            Both::new("có tham số không phải UTF-8", "an argument is not in UTF-8")
        }
        _ => Both::new("không hiểu dòng lệnh", "the command line is not understood"),
    }
}

/// The mistake in Vietnamese, and how the command is written.
fn mistake_vi(error: &clap::Error) -> String {
    let mut text = format!("lỗi M-2000: {}", words(error).vi);
    if let Some(hint) = hint(error) {
        text.push_str(&format!("\ngợi ý: {}", hint.vi));
    }
    if let Some(usage) = error.get(ContextKind::Usage) {
        let usage = usage.to_string();
        text.push_str(&format!(
            "\ncách viết:{}",
            usage.trim_start_matches("Usage:")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn mistakes_are_told_in_vietnamese() {
        let told = |typed: &str| {
            let words = typed.split(' ');
            mistake_vi(
                &crate::text::help::command(Lang::Vi)
                    .try_get_matches_from(words)
                    .unwrap_err(),
            )
        };
        assert!(told("hopluu nope").starts_with("lỗi M-2000: không có lệnh `nope`"));
        assert!(told("hopluu report show pcmd-review").contains("thiếu"));
        assert!(told("hopluu status --nope").contains("không có tham số `--nope`"));
        assert!(told("hopluu status --lang de").contains("một trong vi"));
        assert!(told("hopluu init --root --unit 45 --listen x").contains("không dùng được"));
    }

    #[test]
    fn both_languages_say_the_whole_mistake_in_their_own_words() {
        for lang in [Lang::Vi, Lang::En] {
            let told = |typed: &[&[u8]]| {
                let words = typed.iter().map(|word| OsStr::from_bytes(word));
                words_of(lang, words)
            };
            assert_eq!(
                told(&[b"hopluu", b"rollup", b"show"]),
                Both::new(
                    "thiếu <UNIT>, <FORM>, <PERIOD>",
                    "<UNIT>, <FORM>, <PERIOD> is missing"
                )
            );
            assert_eq!(
                told(&[b"hopluu", b"rollup"]),
                Both::new("thiếu lệnh con", "a command is missing")
            );
            assert_eq!(
                told(&[b"hopluu", b"rollup", b"show", b"\xff", b"f", b"p"]),
                Both::new("có tham số không phải UTF-8", "an argument is not in UTF-8")
            );
        }
    }

    fn words_of<'a>(lang: Lang, typed: impl Iterator<Item = &'a OsStr>) -> Both {
        let command = crate::text::help::command(lang);
        words(&command.try_get_matches_from(typed).unwrap_err())
    }
}
