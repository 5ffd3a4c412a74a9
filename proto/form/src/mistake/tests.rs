//! One small form, broken in every way; each mistake with its place and cure in both languages.

mod bounds;
mod calendar;
mod lines;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::Form;
use crate::limits::{
    DEPTH_MAX, FORM_BYTES_MAX, LABEL_BYTES_MAX, LEVELS_MAX, LINES_MAX, MEASURES_MAX, OFFICES_MAX,
    PRINTED_BYTES_MAX, SECTIONS_MAX, TEXTS_MAX,
};

/// A right form; a test replaces pieces of it.
const SMALL: &str = r#"id = "small"
version = "1.0"
title = { vi = "Nhỏ", en = "Small" }
levels = { reporting = ["commune"], own_part = ["district"] }
measures = { person = { vi = "Người" }, case = { vi = "Vụ" } }
[[calendar]]
period = "half-year"
cut_off = 14
due = { commune = "before 20" }
[[office]]
id = "police"
vi = "Công an"
[[office]]
id = "health"
vi = "Y tế"
[[line]]
code = "A"
vi = "Tổng"
entered = "count"
measure = "person"
sum_of_parts = true
over_units = "sum"
over_time = "sum"
owner = "police"
[[line]]
code = "A.1"
parent = "A"
vi = "Phần"
entered = "count"
measure = "person"
part = "addend"
over_units = "sum"
over_time = "sum"
owner = "police"
contributors = ["health"]
[[line]]
code = "B"
vi = "Tiêu đề"
heading = true
[[section]]
id = "situation"
vi = "Tình hình"
offices = ["police"]
"#;

fn errors(text: &str) -> FormErrors {
    Form::parse(text).expect_err("the form is broken")
}

/// Breaks the small form in one place, which must be there.
fn broken(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    SMALL.replacen(from, to, 1)
}

#[track_caller]
fn check(from: &str, to: &str, expected: &Expect) {
    let errors = errors(&broken(from, to));
    let seen = format!("{}\n{}", errors.report(Lang::Vi), errors.report(Lang::En));
    expected.assert_eq(&seen);
}

#[test]
fn the_small_form_is_right() {
    let form = Form::parse(SMALL).unwrap();
    assert_eq!(form.source(), SMALL);
    // A byte order mark and Windows line ends are an editor's, not the author's.
    let windows = format!("\u{feff}{}", SMALL.replace('\n', "\r\n"));
    let same = Form::parse(&windows).unwrap();
    assert_eq!(same, form);
    assert_eq!(same.digest(), form.digest());
    expect!["919a09834bbb0c0da75b20d033f209b7db945d96ebee51b2b134f5758164a29f"]
        .assert_eq(&form.digest().to_string());
}

#[test]
fn syntax_and_shape() {
    check(
        "version = \"1.0\"",
        "version = 1.0\"",
        &expect![[r#"
        dòng 2, cột 14: F-001 không đúng cú pháp TOML: invalid float, expected nothing; sửa chỗ này theo cú pháp TOML
        line 2, column 14: F-001 not valid TOML: invalid float, expected nothing; write it as TOML asks"#]],
    );
    check(
        "version = \"1.0\"",
        "version = 1.0",
        &expect![[r#"
        dòng 2, cột 11: F-009 `version` phải là chữ trong dấu ngoặc kép; viết `version = "..."`
        line 2, column 11: F-009 `version` must be a text in quotes; write `version = "..."`"#]],
    );
    check(
        "id = \"small\"",
        "",
        &expect![[r#"
            dòng 1, cột 1: F-008 biểu mẫu thiếu khóa `id`; thêm `id = ...`
            line 1, column 1: F-008 the form lacks the key `id`; add `id = ...`"#]],
    );
    check(
        "id = \"small\"",
        "id = \"Small\"",
        &expect![[r#"
            dòng 1, cột 6: F-010 `Small` không dùng được cho `id`; quy tắc: chữ thường không dấu, chữ số, dấu - ở giữa, nhiều nhất 40
            line 1, column 6: F-010 `Small` cannot stand for `id`; rule: lower-case letters, digits and inner hyphens, at most 40"#]],
    );
    check(
        "version = \"1.0\"",
        "version = \"1.0\"\ncolour = \"red\"",
        &expect![[r#"
            dòng 3, cột 1: F-007 biểu mẫu không có khóa `colour`; dùng một trong: calendar, id, levels, line, measures, office, section, title, version
            line 3, column 1: F-007 the form has no key `colour`; use one of: calendar, id, levels, line, measures, office, section, title, version"#]],
    );
    check(
        "heading = true",
        "heading = \"yes\"",
        &expect![[r#"
            dòng 39, cột 11: F-009 `heading` phải là true hoặc false; viết `heading = true`
            line 39, column 11: F-009 `heading` must be true or false; write `heading = true`"#]],
    );
    check(
        "offices = [\"police\"]",
        "offices = \"police\"",
        &expect![[r#"
        dòng 43, cột 11: F-009 `offices` phải là một danh sách; viết `offices = ["...", "..."]`
        line 43, column 11: F-009 `offices` must be a list; write `offices = ["...", "..."]`"#]],
    );
    check(
        "[[section]]",
        "[section]",
        &expect![[r#"
        dòng 40, cột 1: F-009 `section` phải là một danh sách bảng; viết `section = [{ ... }]`
        line 40, column 1: F-009 `section` must be a list of tables; write `section = [{ ... }]`"#]],
    );
}

#[test]
fn a_form_must_ask_something() {
    let head = SMALL.split("[[line]]").next().unwrap();
    assert_eq!(kinds(head), [MistakeKind::Empty]);
    let text = format!("{head}[[line]]\ncode = \"A\"\nvi = \"x\"\nheading = true\n");
    assert_eq!(kinds(&text), [MistakeKind::Empty]);
}

#[test]
fn a_circle_is_named_once() {
    let text = broken("code = \"A\"", "code = \"A\"\nparent = \"A.1\"");
    expect!["dòng 18, cột 10: F-014 các dòng nối nhau thành vòng: A -> A.1; bỏ `parent` của một dòng trong vòng"].assert_eq(&errors(&text).report(Lang::Vi));
}

#[test]
fn all_mistakes_come_at_once_in_the_order_of_the_text() {
    let text = SMALL
        .replace("version = \"1.0\"", "version = \"one\"")
        .replace("id = \"health\"", "id = \"Health\"")
        .replace("over_time = \"sum\"", "over_tme = \"sum\"")
        .replace("vi = \"Tình hình\"", "");
    let errors = errors(&text);
    expect![[r#"
        dòng 2, cột 11: F-010 `one` không dùng được cho `version`; quy tắc: hai số cách nhau bằng dấu chấm, ví dụ 1.0
        dòng 14, cột 6: F-010 `Health` không dùng được cho `id`; quy tắc: chữ thường không dấu, chữ số, dấu _ ở giữa, nhiều nhất 40
        dòng 16, cột 1: F-008 [[line]] thiếu khóa `over_time`; thêm `over_time = ...`
        dòng 23, cột 1: F-007 [[line]] không có khóa `over_tme`; dùng một trong: by_office, code, contributors, en, entered, entered_at, heading, may_count_twice, measure, over_time, over_units, owner, parent, part, printed, private, shown, since, sum_of_parts, vi, whole
        dòng 25, cột 1: F-008 [[line]] thiếu khóa `over_time`; thêm `over_time = ...`
        dòng 33, cột 1: F-007 [[line]] không có khóa `over_tme`; dùng một trong: by_office, code, contributors, en, entered, entered_at, heading, may_count_twice, measure, over_time, over_units, owner, parent, part, printed, private, shown, since, sum_of_parts, vi, whole
        dòng 40, cột 1: F-008 [[section]] thiếu khóa `vi`; thêm `vi = ...`"#]].assert_eq(&errors.report(Lang::Vi));
    expect!["the form has 7 mistakes, the first in line 2"].assert_eq(&errors.to_string());
}

#[test]
fn codes_are_consecutive_and_no_words_are_missing() {
    for (index, kind) in MistakeKind::ALL.iter().enumerate() {
        assert_eq!(kind.code(), format!("F-{:03}", index + 1));
        for lang in [Lang::Vi, Lang::En] {
            assert!(!kind.words(lang).0.is_empty() && !kind.words(lang).1.is_empty());
        }
    }
}

#[test]
fn a_detail_with_braces_stays_itself() {
    let details = [Detail::piece("{1}"), Detail::Words("ba", "three")];
    let text = filled("a {0} b {1} c {7}", &details, Lang::En);
    assert_eq!(text, "a {1} b three c ?");
}

/// The kinds that the paper for people lists.
#[test]
fn the_paper_names_every_mistake() {
    let paper = include_str!("../../../../docs/form-format.md");
    for kind in MistakeKind::ALL {
        let row = format!("| {} |", kind.code());
        assert_eq!(paper.matches(&row).count(), 1, "{}", kind.code());
    }
}

/// The kinds that a text is refused for.
fn kinds(text: &str) -> Vec<MistakeKind> {
    errors(text)
        .mistakes
        .iter()
        .map(|mistake| mistake.kind)
        .collect()
}

const ANNEX: &str = include_str!("../../../../config/forms/pcmd-review.toml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_form_is_read_or_refused(
        at in 0usize..ANNEX.len(), length in 0usize..40, piece in "[\\[\\]{}\"=#.,a-z0-9 \n\u{301}-\u{309}]{0,12}",
    ) {
        let floor = |mut at: usize| {
            at = at.min(ANNEX.len());
            while !ANNEX.is_char_boundary(at) { at -= 1; }
            at
        };
        let (start, end) = (floor(at), floor(at + length));
        let text = format!("{}{piece}{}", &ANNEX[..start], &ANNEX[end..]);
        if let Err(errors) = Form::parse(&text) {
            prop_assert!(!errors.mistakes.is_empty());
            prop_assert!(!errors.report(Lang::Vi).is_empty());
            prop_assert!(errors.mistakes.iter().all(|m| m.line >= 1 && m.column >= 1));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        prop_assert!(Form::parse(&text).is_err());
    }
}

#[test]
fn an_office_that_cannot_be_read_is_not_missed_wherever_it_is_named() {
    let report = broken("id = \"police\"", "id = \"Police!\"");
    let codes: Vec<_> = errors(&report)
        .mistakes
        .iter()
        .map(|one| one.kind.code())
        .collect();
    assert_eq!(codes, ["F-010"]);
}

#[test]
fn only_a_heading_has_a_cell_to_open() {
    let open = SMALL.replace("heading = true\n", "heading = true\nopen_cell = true\n");
    let form = Form::parse(&open).unwrap();
    assert!(form.line(&"B".parse().unwrap()).unwrap().is_open_heading());
    let report = broken(
        "sum_of_parts = true\n",
        "sum_of_parts = true\nopen_cell = true\n",
    );
    let codes: Vec<_> = errors(&report)
        .mistakes
        .iter()
        .map(|one| one.kind.code())
        .collect();
    assert_eq!(codes, ["F-007"]);
}
