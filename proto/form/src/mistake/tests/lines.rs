//! Lines: their texts and names, what they refer to, sums, parts and rules.

use super::*;

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
