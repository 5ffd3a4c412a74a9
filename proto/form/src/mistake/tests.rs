//! One small form, broken in every way; each mistake with its place and cure in both languages.

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
fn texts() {
    check(
        "vi = \"Tổng\"",
        "vi = \"To\u{302}\u{309}ng\"",
        &expect![[r#"
        dòng 18, cột 6: F-005 `vi` không ở dạng Unicode dựng sẵn (NFC); gõ lại chữ có dấu bằng bảng mã Unicode dựng sẵn: Tổng
        line 18, column 6: F-005 `vi` is not in Unicode form NFC; type the accented letters anew in composed form: Tổng"#]],
    );
    check(
        "vi = \"Tổng\"",
        "vi = \"\"",
        &expect![[r#"
        dòng 18, cột 6: F-004 `vi` dài 0 byte, phải từ 1 đến 400; viết lại cho đúng độ dài
        line 18, column 6: F-004 `vi` has 0 bytes, it must be 1 to 400; write a text of that length"#]],
    );
    check(
        "vi = \"Tổng\"",
        "vi = \"a\\nb\"",
        &expect![[r#"
        dòng 18, cột 6: F-006 `vi` chứa ký tự điều khiển (xuống dòng, tab...); viết trên một dòng, không dùng tab
        line 18, column 6: F-006 `vi` holds a control character (line break, tab ...); write it on one line without tabs"#]],
    );
}

#[test]
fn names_of_lines() {
    check(
        "code = \"A\"",
        "code = \"A@x\"",
        &expect![[r#"
            dòng 17, cột 8: F-010 `A@x` không dùng được cho `code`; quy tắc: chữ không dấu, chữ số, dấu . _ - ở giữa, nhiều nhất 40
            line 17, column 8: F-010 `A@x` cannot stand for `code`; rule: letters, digits and inner `.`, `_` or `-`, at most 40"#]],
    );
    check(
        "code = \"B\"",
        "code = \"A.1\"",
        &expect![[r#"
        dòng 37, cột 8: F-012 code `A.1` đã có ở dòng 26; đổi tên hoặc xóa một trong hai
        line 37, column 8: F-012 code `A.1` stands already in line 26; rename or remove one of the two"#]],
    );
    check(
        "id = \"health\"",
        "id = \"police\"",
        &expect![[r#"
        dòng 14, cột 6: F-012 [[office]] `police` đã có ở dòng 11; đổi tên hoặc xóa một trong hai
        dòng 35, cột 17: F-017 `A.1` nhắc đến cơ quan `health` không có trong danh sách; thêm [[office]] với id = "health" hoặc sửa tên
        line 14, column 6: F-012 [[office]] `police` stands already in line 11; rename or remove one of the two
        line 35, column 17: F-017 `A.1` names the office `health`, which is not listed; add an [[office]] with id = "health" or correct the name"#]],
    );
    check(
        "parent = \"A\"",
        "parent = \"Z\"",
        &expect![[r#"
            dòng 21, cột 16: F-020 `A` là tổng các phần nhưng không dòng nào có part = "addend" của nó; đánh dấu các dòng thành phần hoặc bỏ `sum_of_parts`
            dòng 27, cột 10: F-013 chỉ tiêu `A.1` có dòng cha `Z` không tồn tại; sửa `parent` hoặc thêm dòng `Z`
            line 21, column 16: F-020 `A` is a sum of parts, yet no line is its part = "addend"; mark the lines that add up to it or remove `sum_of_parts`
            line 27, column 10: F-013 line `A.1` hangs under `Z`, which does not exist; correct `parent` or add a line `Z`"#]],
    );
    check(
        "parent = \"A\"",
        "parent = \"B\"",
        &expect![[r#"
            dòng 21, cột 16: F-020 `A` là tổng các phần nhưng không dòng nào có part = "addend" của nó; đánh dấu các dòng thành phần hoặc bỏ `sum_of_parts`
            dòng 27, cột 10: F-015 dòng `A.1` đứng trước dòng `B` mà nó thuộc về; chuyển `A.1` xuống dưới `B`
            line 21, column 16: F-020 `A` is a sum of parts, yet no line is its part = "addend"; mark the lines that add up to it or remove `sum_of_parts`
            line 27, column 10: F-015 line `A.1` stands before `B`, to which it belongs; move `A.1` below `B`"#]],
    );
    check(
        "parent = \"A\"",
        "parent = \"A.1\"",
        &expect![[r#"
            dòng 21, cột 16: F-020 `A` là tổng các phần nhưng không dòng nào có part = "addend" của nó; đánh dấu các dòng thành phần hoặc bỏ `sum_of_parts`
            dòng 27, cột 10: F-014 các dòng nối nhau thành vòng: A.1; bỏ `parent` của một dòng trong vòng
            line 21, column 16: F-020 `A` is a sum of parts, yet no line is its part = "addend"; mark the lines that add up to it or remove `sum_of_parts`
            line 27, column 10: F-014 lines hang under each other in a circle: A.1; remove the `parent` of one of them"#]],
    );
}

#[test]
fn references_to_lists() {
    check(
        "owner = \"police\"",
        "owner = \"army\"",
        &expect![[r#"
        dòng 24, cột 9: F-017 `A` nhắc đến cơ quan `army` không có trong danh sách; thêm [[office]] với id = "army" hoặc sửa tên
        line 24, column 9: F-017 `A` names the office `army`, which is not listed; add an [[office]] with id = "army" or correct the name"#]],
    );
    check(
        "offices = [\"police\"]",
        "offices = [\"police\", \"army\", \"police\"]",
        &expect![[r#"
        dòng 43, cột 22: F-017 `[[section]]` nhắc đến cơ quan `army` không có trong danh sách; thêm [[office]] với id = "army" hoặc sửa tên
        dòng 43, cột 30: F-012 offices `police` đã có ở dòng 43; đổi tên hoặc xóa một trong hai
        line 43, column 22: F-017 `[[section]]` names the office `army`, which is not listed; add an [[office]] with id = "army" or correct the name
        line 43, column 30: F-012 offices `police` stands already in line 43; rename or remove one of the two"#]],
    );
    check(
        "measure = \"person\"",
        "measure = \"dog\"",
        &expect![[r#"
        dòng 20, cột 11: F-018 đơn vị tính `dog` không có trong [measures]; thêm `dog` vào [measures] hoặc sửa tên
        line 20, column 11: F-018 the measure `dog` is not in [measures]; add `dog` to [measures] or correct the name"#]],
    );
    check(
        "commune = \"before",
        "hamlet = \"before",
        &expect![[r#"
        dòng 9, cột 9: F-019 cấp `hamlet` không có trong [levels]; thêm `hamlet` vào [levels] hoặc sửa tên
        line 9, column 9: F-019 the level `hamlet` is not in [levels]; add `hamlet` to [levels] or correct the name"#]],
    );
    check(
        "own_part = [\"district\"]",
        "own_part = [\"commune\"]",
        &expect![[r#"
        dòng 4, cột 49: F-012 own_part `commune` đã có ở dòng 4; đổi tên hoặc xóa một trong hai
        line 4, column 49: F-012 own_part `commune` stands already in line 4; rename or remove one of the two"#]],
    );
}

#[test]
fn sums_and_parts() {
    check(
        "part = \"addend\"\n",
        "",
        &expect![[r#"
        dòng 21, cột 16: F-020 `A` là tổng các phần nhưng không dòng nào có part = "addend" của nó; đánh dấu các dòng thành phần hoặc bỏ `sum_of_parts`
        line 21, column 16: F-020 `A` is a sum of parts, yet no line is its part = "addend"; mark the lines that add up to it or remove `sum_of_parts`"#]],
    );
    check(
        "sum_of_parts = true\n",
        "",
        &expect![[r#"
        dòng 30, cột 8: F-021 `A.1` cộng vào `A` nhưng `A` không có sum_of_parts = true; thêm sum_of_parts = true ở `A` hoặc đổi thành part = "subset"
        line 30, column 8: F-021 `A.1` adds to `A`, which has no sum_of_parts = true; add sum_of_parts = true to `A` or make it part = "subset""#]],
    );
    check(
        "parent = \"A\"",
        "parent = \"A\"\nwhole = \"B\"",
        &expect![[r#"
        dòng 21, cột 16: F-020 `A` là tổng các phần nhưng không dòng nào có part = "addend" của nó; đánh dấu các dòng thành phần hoặc bỏ `sum_of_parts`
        dòng 32, cột 8: F-022 `A.1` là một phần của `B`, nhưng đó không phải dòng có số liệu đứng trên nó; ghi `whole` = mã dòng số liệu mà nó là một phần
        line 21, column 16: F-020 `A` is a sum of parts, yet no line is its part = "addend"; mark the lines that add up to it or remove `sum_of_parts`
        line 32, column 8: F-022 `A.1` is part of `B`, which is no line with a figure above it; name in `whole` the line with a figure of which it is a part"#]],
    );
    check(
        "measure = \"person\"\npart",
        "measure = \"case\"\npart",
        &expect![[r#"
        dòng 30, cột 11: F-023 `A.1` tính bằng `case` nhưng `A` tính bằng `person`: không cộng và không so sánh được; dùng cùng một đơn vị tính hoặc đổi thành part = "attribute"
        line 30, column 11: F-023 `A.1` is counted in `case`, but `A` in `person`: they cannot be added or compared; use one measure or make it part = "attribute""#]],
    );
    check(
        "part = \"addend\"\nover_units = \"sum\"",
        "part = \"addend\"\nover_units = \"sum_plus_own\"",
        &expect![[r#"
        dòng 32, cột 14: F-024 `A.1` cộng vào `A` nhưng `over_units` của hai dòng khác nhau; ghi `over_units` như nhau ở cả hai dòng
        line 32, column 14: F-024 `A.1` adds to `A`, but their `over_units` differ; give both the same `over_units`"#]],
    );
}

#[test]
fn rules_that_do_not_fit() {
    check(
        "over_units = \"sum\"",
        "over_units = \"average\"",
        &expect![[r#"
        dòng 22, cột 14: F-011 `over_units` không nhận giá trị `average`; dùng một trong: sum, sum_plus_own, own_only, share_of_units, ratio, none
        line 22, column 14: F-011 `over_units` does not know `average`; use one of: sum, sum_plus_own, own_only, share_of_units, ratio, none"#]],
    );
    check(
        "over_units = \"sum\"",
        "over_units = \"ratio\"",
        &expect![[r#"
        dòng 22, cột 14: F-025 `over_units` = "ratio" không hợp với entered = "count"; với entered = "count" dùng một trong: sum, sum_plus_own, own_only, none
        dòng 32, cột 14: F-024 `A.1` cộng vào `A` nhưng `over_units` của hai dòng khác nhau; ghi `over_units` như nhau ở cả hai dòng
        line 22, column 14: F-025 `over_units` = "ratio" does not fit entered = "count"; with entered = "count" use one of: sum, sum_plus_own, own_only, none
        line 32, column 14: F-024 `A.1` adds to `A`, but their `over_units` differ; give both the same `over_units`"#]],
    );
    check(
        "over_time = \"sum\"",
        "over_time = \"recompute\"",
        &expect![[r#"
        dòng 23, cột 13: F-025 `over_time` = "recompute" không hợp với entered = "count"; với entered = "count" dùng một trong: sum, latest, distinct_sum, none
        dòng 33, cột 13: F-024 `A.1` cộng vào `A` nhưng `over_time` của hai dòng khác nhau; ghi `over_time` như nhau ở cả hai dòng
        line 23, column 13: F-025 `over_time` = "recompute" does not fit entered = "count"; with entered = "count" use one of: sum, latest, distinct_sum, none
        line 33, column 13: F-024 `A.1` adds to `A`, but their `over_time` differ; give both the same `over_time`"#]],
    );
    check(
        "owner = \"police\"\n[[line]]",
        "owner = \"police\"\nentered_at = \"both\"\n[[line]]",
        &expect![[r#"
        dòng 25, cột 14: F-026 entered_at = "both" không hợp với over_units = "sum"; bỏ `entered_at`: over_units = "sum" tự nói ai nhập
        line 25, column 14: F-026 entered_at = "both" does not fit over_units = "sum"; remove `entered_at`: over_units = "sum" says who enters"#]],
    );
    check(
        "owner = \"police\"\n[[line]]",
        "owner = \"police\"\nby_office = true\n[[line]]",
        &expect![[r#"
        dòng 25, cột 13: F-027 `A` có by_office = true nhưng không phải số cộng được của ít nhất hai cơ quan; bỏ `by_office` hoặc thêm `contributors`
        line 25, column 13: F-027 `A` has by_office = true, but is no sum of at least two offices; remove `by_office` or add `contributors`"#]],
    );
    check(
        "heading = true",
        "heading = true\nowner = \"police\"\nunknown = 1",
        &expect![[r#"
            dòng 40, cột 9: F-028 tiêu đề `B` không có ô số liệu nên không nhận khóa `owner`; bỏ `owner` hoặc bỏ heading = true
            dòng 41, cột 1: F-007 [[line]] không có khóa `unknown`; dùng một trong: by_office, code, contributors, en, entered, entered_at, heading, may_count_twice, measure, open_cell, over_time, over_units, owner, parent, part, printed, private, scale, shown, since, sum_of_parts, vi, whole
            line 40, column 9: F-028 `B` is a heading and has no cell for the key `owner`; remove `owner` or remove heading = true
            line 41, column 1: F-007 [[line]] has no key `unknown`; use one of: by_office, code, contributors, en, entered, entered_at, heading, may_count_twice, measure, open_cell, over_time, over_units, owner, parent, part, printed, private, scale, shown, since, sum_of_parts, vi, whole"#]],
    );
    check(
        "heading = true",
        "heading = true\nsince = 3",
        &expect![[r#"
        dòng 40, cột 9: F-033 `B` có từ bản phụ 3 nhưng biểu mẫu là bản 1.0; nâng version của biểu mẫu hoặc sửa `since`
        line 40, column 9: F-033 `B` exists since minor version 3, but the form has version 1.0; raise the form's version or correct `since`"#]],
    );
    check(
        "entered = \"count\"",
        "entered = \"decimal\"",
        &expect![[r#"
        dòng 16, cột 1: F-008 [[line]] thiếu khóa `scale`; thêm `scale = ...`
        line 16, column 1: F-008 [[line]] lacks the key `scale`; add `scale = ...`"#]],
    );
    check(
        "entered = \"count\"",
        "entered = \"decimal\"\nscale = 9",
        &expect![[r#"
        dòng 20, cột 9: F-035 `scale` = 9 nằm ngoài khoảng 1-6; dùng số trong khoảng 1-6
        line 20, column 9: F-035 `scale` = 9 is outside 1-6; use a number within 1-6"#]],
    );
}

#[test]
fn calendars() {
    check(
        "cut_off = 14",
        "cut_off = 31",
        &expect![[r#"
        dòng 8, cột 11: F-035 `cut_off` = 31 nằm ngoài khoảng 1-28; dùng số trong khoảng 1-28
        line 8, column 11: F-035 `cut_off` = 31 is outside 1-28; use a number within 1-28"#]],
    );
    check(
        "cut_off = 14",
        "cut_off = \"end\"",
        &expect![[r#"
            dòng 8, cột 11: F-009 `cut_off` phải là một ngày từ 1 đến 28 hoặc "month-end"; viết `cut_off = 14`
            line 8, column 11: F-009 `cut_off` must be a day from 1 to 28 or "month-end"; write `cut_off = 14`"#]],
    );
    check(
        "cut_off = 14\n",
        "",
        &expect![[r#"
        dòng 6, cột 1: F-008 [[calendar]] thiếu khóa `cut_off`; thêm `cut_off = ...`
        line 6, column 1: F-008 [[calendar]] lacks the key `cut_off`; add `cut_off = ...`"#]],
    );
    check(
        "cut_off = 14",
        "cut_off = 14\ndays = 3",
        &expect![[r#"
        dòng 9, cột 1: F-007 [[calendar]] không có khóa `days`; dùng một trong: cut_off, due, from_parts, period
        line 9, column 1: F-007 [[calendar]] has no key `days`; use one of: cut_off, due, from_parts, period"#]],
    );
    check(
        "cut_off = 14",
        "cut_off = 14\nfrom_parts = \"quarter\"",
        &expect![[r#"
        dòng 6, cột 1: F-031 kỳ `half-year` không ghép được từ các kỳ `quarter`; khai [[calendar]] cho `quarter`, là phần nhỏ hơn của `half-year`, với cùng cut_off
        line 6, column 1: F-031 the period `half-year` is not made up of periods `quarter`; add a [[calendar]] for `quarter`, which must divide `half-year` and have the same cut_off"#]],
    );
    check(
        "period = \"half-year\"",
        "period = \"week\"",
        &expect![[r#"
        dòng 7, cột 10: F-011 `period` không nhận giá trị `week`; dùng một trong: year, half-year, quarter, month, years, ad-hoc
        line 7, column 10: F-011 `period` does not know `week`; use one of: year, half-year, quarter, month, years, ad-hoc"#]],
    );
}

#[test]
fn due_dates_and_levels() {
    check(
        "before 20",
        "on the 20th",
        &expect![[r#"
        dòng 9, cột 19: F-032 hạn `on the 20th` không đọc được; viết "before 20" (trước ngày 20 tháng cuối kỳ), "by 11-05" (đến hết ngày 5 tháng 11) hoặc "by +2 days" (2 ngày sau khi hết kỳ)
        line 9, column 19: F-032 the due date `on the 20th` cannot be read; write "before 20" (of the last month), "by 11-05" (5 November, that day included) or "by +2 days" (after the last day)"#]],
    );
    check(
        "reporting = [\"commune\"]",
        "reporting = []",
        &expect![[r#"
        dòng 4, cột 10: F-029 không cấp nào phải báo cáo; ghi ít nhất một cấp trong levels.reporting
        dòng 9, cột 9: F-019 cấp `commune` không có trong [levels]; thêm `commune` vào [levels] hoặc sửa tên
        line 4, column 10: F-029 no level owes the report; name at least one level in levels.reporting
        line 9, column 9: F-019 the level `commune` is not in [levels]; add `commune` to [levels] or correct the name"#]],
    );
    let twice = "[[calendar]]\nperiod = \"half-year\"\ncut_off = 14\n[[office]]";
    check(
        "[[office]]",
        twice,
        &expect![[r#"
        dòng 11, cột 10: F-012 [[calendar]] `half-year` đã có ở dòng 6; đổi tên hoặc xóa một trong hai
        line 11, column 10: F-012 [[calendar]] `half-year` stands already in line 6; rename or remove one of the two"#]],
    );
    let none =
        "[[calendar]]\nperiod = \"half-year\"\ncut_off = 14\ndue = { commune = \"before 20\" }\n";
    check(
        none,
        "",
        &expect![[r#"
        dòng 1, cột 1: F-030 biểu mẫu không có kỳ báo cáo nào; thêm ít nhất một [[calendar]]
        line 1, column 1: F-030 the form has no period; add at least one [[calendar]]"#]],
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
