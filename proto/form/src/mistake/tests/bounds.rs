//! How much a form may hold.

use super::*;

fn repeated(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

#[test]
fn every_bound_can_be_reached() {
    let with = |extra: &str| format!("{SMALL}{extra}");
    let line = |i: usize| format!("[[line]]\ncode = \"X{i}\"\nvi = \"x\"\nheading = true\n");
    assert!(Form::parse(&with(&repeated(LINES_MAX - 3, line))).is_ok());
    assert_eq!(
        kinds(&with(&repeated(LINES_MAX - 2, line))),
        [MistakeKind::TooMany]
    );

    let section =
        |i: usize| format!("[[section]]\nid = \"x{i}\"\nvi = \"x\"\noffices = [\"police\"]\n");
    assert!(Form::parse(&with(&repeated(SECTIONS_MAX - 1, section))).is_ok());
    assert_eq!(
        kinds(&with(&repeated(SECTIONS_MAX, section))),
        [MistakeKind::TooMany]
    );

    let office = |i: usize| format!("[[office]]\nid = \"x{i}\"\nvi = \"x\"\n");
    let offices = |count| with(&repeated(count, office));
    assert!(Form::parse(&offices(OFFICES_MAX - 2)).is_ok());
    assert_eq!(kinds(&offices(OFFICES_MAX - 1)), [MistakeKind::TooMany]);

    let all: String = repeated(OFFICES_MAX - 2, |i| format!("\"x{i}\", "));
    let wide = |i: usize| format!("[[section]]\nid = \"y{i}\"\nvi = \"y\"\noffices = [{all}]\n");
    let texts = TEXTS_MAX / (OFFICES_MAX - 2) + 1;
    let text = format!("{}{}", offices(OFFICES_MAX - 2), repeated(texts, wide));
    assert_eq!(kinds(&text), [MistakeKind::TooMany]);

    let measures = repeated(MEASURES_MAX - 1, |i| format!("m{i} = {{ vi = \"m\" }}, "));
    let text = broken("measures = { ", &format!("measures = {{ {measures}"));
    assert_eq!(kinds(&text), [MistakeKind::TooMany]);

    let levels = repeated(LEVELS_MAX - 1, |i| format!("\"l{i}\", "));
    let text = broken("own_part = [", &format!("own_part = [{levels}"));
    assert_eq!(kinds(&text), [MistakeKind::TooMany]);

    let child = |i: usize| {
        format!(
            "[[line]]\ncode = \"D{}\"\nparent = \"D{i}\"\nvi = \"x\"\nheading = true\n",
            i + 1
        )
    };
    let top = "[[line]]\ncode = \"D0\"\nvi = \"x\"\nheading = true\n";
    let deep = |steps| with(&format!("{top}{}", repeated(steps - 1, child)));
    assert!(Form::parse(&deep(DEPTH_MAX)).is_ok());
    assert_eq!(kinds(&deep(DEPTH_MAX + 1)), [MistakeKind::TooDeep]);

    let label = |bytes: usize| broken("\"Tổng\"", &format!("\"{}\"", "x".repeat(bytes)));
    assert!(Form::parse(&label(LABEL_BYTES_MAX)).is_ok());
    assert_eq!(
        kinds(&label(LABEL_BYTES_MAX + 1)),
        [MistakeKind::TextLength]
    );
    let printed = |bytes: usize| {
        broken(
            "code = \"A\"",
            &format!("code = \"A\"\nprinted = \"{}\"", "1".repeat(bytes)),
        )
    };
    assert!(Form::parse(&printed(PRINTED_BYTES_MAX)).is_ok());
    assert_eq!(
        kinds(&printed(PRINTED_BYTES_MAX + 1)),
        [MistakeKind::TextLength]
    );
}

#[test]
fn a_form_over_its_size_is_not_even_looked_at() {
    let comment = "#".repeat(FORM_BYTES_MAX - SMALL.len());
    assert!(Form::parse(&format!("{SMALL}{comment}")).is_ok());
    assert_eq!(
        kinds(&format!("{SMALL}{comment}#")),
        [MistakeKind::FormTooLong]
    );
}

#[test]
fn no_more_mistakes_are_named_than_a_person_reads() {
    let errors = errors(&repeated(5_000, |i| format!("key{i} = 1\n")));
    assert_eq!(errors.mistakes.len(), MISTAKES_MAX);
    assert_eq!(errors.mistakes.len() + errors.left_off, 5_000 + 6);
    let nested = "[".repeat(100_000);
    assert!(Form::parse(&format!("a = {nested}")).is_err());
}
