//! Periods, due dates and levels.

use super::*;

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
