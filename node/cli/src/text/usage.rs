//! What is wrong with a command line, in the language that was asked for.

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ErrorKind};
use hopluu_api::text::Both;
use hopluu_form::Lang;

use super::fail;
use crate::failure::Exit;

/// Prints help or a mistake and says how the program ends.
pub(crate) fn report(error: &clap::Error, lang: Lang, is_json: bool) -> ExitCode {
    if !error.use_stderr() {
        // Whoever does not read it does not need it.
        let _nobody_reads = error.print();
        return Exit::Done.into();
    }
    if is_json {
        let failure = fail::usage(message(error), known(error));
        let problem = failure
            .problem()
            .expect("a usage failure tells its problem");
        let json = serde_json::to_string(problem).expect("a problem is plain JSON");
        let _nobody_reads = writeln!(std::io::stderr(), "{json}");
    } else if lang == Lang::En
        || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    {
        let _nobody_reads = error.print();
    } else {
        let _nobody_reads = writeln!(std::io::stderr(), "{}", mistake_vi(error));
    }
    Exit::Usage.into()
}

/// The mistake in one line a language.
fn message(error: &clap::Error) -> Both {
    let english = error.to_string();
    let first = english.lines().next().unwrap_or_default();
    Both::new(words_vi(error), first.trim_start_matches("error: "))
}

/// What might have been typed instead.
fn known(error: &clap::Error) -> Option<Both> {
    let known = part(error, ContextKind::ValidValue);
    (!known.is_empty()).then(|| Both::new(format!("một trong {known}"), format!("one of {known}")))
}

fn part(error: &clap::Error, kind: ContextKind) -> String {
    error.get(kind).map(ToString::to_string).unwrap_or_default()
}

/// The mistake in Vietnamese.
fn words_vi(error: &clap::Error) -> String {
    let part = |kind| part(error, kind);
    let argument = part(ContextKind::InvalidArg);
    let value = part(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => format!("không có tham số `{argument}`"),
        ErrorKind::InvalidSubcommand => {
            format!("không có lệnh `{}`", part(ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "thiếu lệnh con".to_owned()
        }
        ErrorKind::MissingRequiredArgument => {
            format!("thiếu {}", argument.replace('\n', ", "))
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("`{argument}` thiếu giá trị"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("`{value}` không dùng được cho `{argument}`")
        }
        ErrorKind::ArgumentConflict => format!(
            "`{argument}` không đi cùng `{}`",
            part(ContextKind::PriorArg).replace('\n', ", ")
        ),
        ErrorKind::TooManyValues => format!("thừa `{value}`"),
        _ => error.to_string().trim_end().to_owned(),
    }
}

/// The mistake in Vietnamese, and how the command is written.
fn mistake_vi(error: &clap::Error) -> String {
    let mut text = format!("lỗi M-2000: {}", words_vi(error));
    if let Some(known) = known(error) {
        text.push_str(&format!("\ngợi ý: {}", known.vi));
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
}
