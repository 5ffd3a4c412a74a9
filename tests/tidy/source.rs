//! The shape of Rust files: size, place of tests, commented-out code, logs that name no cause.

use crate::files::tracked;
use crate::hold;

/// More than this and a reader no longer holds the file in mind.
const FILE_LINES_MAX: usize = 600;

/// More than this and the tests hide the code they stand under.
const INLINE_TEST_LINES_MAX: usize = 300;

/// Lines of a file without its inline test module, and lines of that module. Formatted code closes
/// a module at the start of a line, so no parser is needed.
fn lines(text: &str) -> (usize, usize) {
    let mut code = 0;
    let mut tests = 0;
    let mut is_test = false;
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        let opens = rest
            .peek()
            .is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if line == "#[cfg(test)]" && opens {
            is_test = true;
        }
        *(if is_test { &mut tests } else { &mut code }) += 1;
        if is_test && line == "}" {
            is_test = false;
        }
    }
    (code, tests)
}

/// Files that hold nothing but tests: their length is their crate's own affair.
fn is_only_tests(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn too_long(path: &str, text: &str) -> Vec<String> {
    let (code, tests) = lines(text);
    let mut findings = Vec::new();
    if code > FILE_LINES_MAX && !is_only_tests(path) {
        findings.push(format!(
            "{path}: {code} lines, at most {FILE_LINES_MAX}: split it by subject"
        ));
    }
    if tests > INLINE_TEST_LINES_MAX {
        let cure = "move them to a file tests.rs below it";
        findings.push(format!(
            "{path}: {tests} lines of tests, at most {INLINE_TEST_LINES_MAX}: {cure}"
        ));
    }
    findings
}

/// Whether a comment is really a statement that somebody switched off. A sentence does not end on
/// these signs; a sketch of data belongs in a doc comment.
fn is_dead_code(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else {
        return false;
    };
    if comment.starts_with(['/', '!']) {
        return false;
    }
    let comment = comment.trim();
    let is_statement = comment.ends_with(';')
        && (comment.contains(['(', '=']) || comment.starts_with("use ") || comment == "return;");
    let opens_block = comment.ends_with('{')
        && [
            "fn ", "pub ", "if ", "for ", "while ", "match ", "impl ", "struct ", "enum ", "else",
        ]
        .iter()
        .any(|word| comment.starts_with(word) || comment.starts_with("} "));
    is_statement || opens_block || ["}", "});", "};", "},"].contains(&comment)
}

/// Whether a log line prints an error without its sources.
fn hides_cause(line: &str) -> bool {
    ["err", "error", "e"].iter().any(|name| {
        line.split(&format!("%{name}")).skip(1).any(|rest| {
            !rest.starts_with(|next: char| next.is_alphanumeric() || "_.(:".contains(next))
        })
    })
}

fn marked_lines(path: &str, text: &str, what: &str, is_bad: fn(&str) -> bool) -> Vec<String> {
    let numbered = text.lines().enumerate().filter(|(_, line)| is_bad(line));
    numbered
        .map(|(at, line)| format!("{path}:{}: {what}: {}", at + 1, line.trim()))
        .collect()
}

#[test]
fn files_are_short_enough_to_read() {
    let files = tracked();
    let rust = files.iter().filter(|file| file.extension() == "rs");
    hold(
        &rust
            .flat_map(|file| too_long(&file.path, &file.text))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_module_is_called_mod_rs() {
    let files = tracked();
    let named = files.iter().filter(|file| file.path.ends_with("/mod.rs"));
    let cure = "name it after its module, beside the folder";
    hold(
        &named
            .map(|file| format!("{}: {cure}", file.path))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_code_is_commented_out() {
    let files = tracked();
    let rust = files.iter().filter(|file| file.extension() == "rs");
    let what = "commented-out code, history keeps it";
    let found = rust.flat_map(|file| marked_lines(&file.path, &file.text, what, is_dead_code));
    hold(&found.collect::<Vec<_>>());
}

#[test]
fn logs_print_errors_with_their_sources() {
    let files = tracked();
    let node = files.iter().filter(|file| file.path.starts_with("node/"));
    let rust = node.filter(|file| file.extension() == "rs");
    let what = "print it through ErrorChain";
    let found = rust.flat_map(|file| marked_lines(&file.path, &file.text, what, hides_cause));
    hold(&found.collect::<Vec<_>>());
}

#[test]
fn a_long_file_is_found() {
    let code = "fn f() {}\n".repeat(FILE_LINES_MAX);
    let tests = format!(
        "#[cfg(test)]\nmod tests {{\n{}}}\n",
        "    // a test\n".repeat(297)
    );
    let check = |path: &str, text: &str| too_long(path, text).len();
    assert_eq!(check("proto/doc/src/a.rs", &format!("{code}{tests}")), 0);
    assert_eq!(
        check(
            "proto/doc/src/a.rs",
            &format!("{code}{tests}fn last() {{}}\n")
        ),
        1
    );
    assert_eq!(
        check(
            "proto/doc/src/a.rs",
            &tests.replace("}\n", "    // more\n}\n")
        ),
        1
    );
    assert_eq!(
        check("proto/doc/src/a/tests.rs", &format!("{code}{code}")),
        0
    );
    assert_eq!(check("tests/mesh/world.rs", &format!("{code}{code}")), 1);
}

#[test]
fn dead_code_is_told_from_prose() {
    for dead in [
        "    // let a = 1;",
        "// use std::fs;",
        "// }",
        "// if ready {",
        "// send(link);",
    ] {
        assert!(is_dead_code(dead), "{dead}");
    }
    for prose in [
        "/// let a = 1;",
        "// The link is closed; nothing is owed.",
        "let a = 1; // one",
    ] {
        assert!(!is_dead_code(prose), "{prose}");
    }
}

#[test]
fn a_bare_error_in_a_log_is_found() {
    for bare in [
        "warn!(%error, \"x\")",
        "warn!(cause = %err)",
        "debug!(took_ms, e = %e);",
    ] {
        assert!(hides_cause(bare), "{bare}");
    }
    for full in [
        "warn!(error = %ErrorChain(&error))",
        "let rest = 7 % error_count;",
        "%entry.seq",
    ] {
        assert!(!hides_cause(full), "{full}");
    }
}
