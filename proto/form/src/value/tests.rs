use expect_test::expect;
use hopluu_model::Scalar;
use proptest::prelude::*;

use super::*;
use crate::show;

const ANNEX: &str = include_str!("../../../../config/forms/pcmd-review.toml");
const FLOOD: &str = include_str!("../../../../config/forms/flood-quick.toml");

const COMMUNE: EntryContext = EntryContext {
    is_leaf: true,
    units_below: None,
};
const DISTRICT: EntryContext = EntryContext {
    is_leaf: false,
    units_below: Some(21),
};

fn form(text: &str) -> Form {
    Form::parse(text).unwrap()
}

fn read(form: &Form, code: &str, typed: &str, context: &EntryContext) -> String {
    let line = form.line(&code.parse().unwrap()).unwrap();
    match form.read_value(line, typed, context) {
        Ok(value) => value.to_string(),
        Err(error) => format!("{} {}", error.code(), error.message(Lang::Vi)),
    }
}

#[test]
fn a_count_is_read_both_ways() {
    let form = form(ANNEX);
    for (typed, value) in [
        ("1.500", "1500"),
        ("1500", "1500"),
        (" 22.156 ", "22156"),
        ("22 156", "22156"),
        ("22\u{a0}156", "22156"),
        ("1.234.567", "1234567"),
        ("08", "8"),
        ("0", "0"),
        ("0 Cơ sở", "0"),
        ("42 cơ sở", "42"),
        ("Không", "nil"),
        ("không phát hiện", "nil"),
        ("~>420", "~>420"),
        ("trên 420", "~>420"),
        ("HƠN 420", "~>420"),
        ("dưới 1.500", "~<1500"),
        ("khoảng 30", "~30"),
        ("rỗng", "blank"),
        ("", "blank"),
        ("na", "na"),
        ("Không áp dụng", "na"),
    ] {
        assert_eq!(read(&form, "II.1.1.a", typed, &COMMUNE), value, "{typed}");
    }
}

#[test]
fn money_and_measures_take_decimals() {
    let form = form(FLOOD);
    for (code, typed, value) in [
        ("M.loss", "1.500", "1500"),
        ("M.loss", "90,5", "90.5"),
        ("M.loss", "90.5", "90.5"),
        ("M.loss", "0.950", "0.95"),
        ("M.loss", "1.150,86", "1150.86"),
        ("M.loss", "1150,86", "1150.86"),
        ("M.loss", "950 triệu đồng", "950"),
        ("W.level", "-0,5", "-0.5"),
    ] {
        assert_eq!(read(&form, code, typed, &COMMUNE), value, "{typed}");
    }
}

#[test]
fn answers_and_shares() {
    let form = form(ANNEX);
    for (code, typed, context, value) in [
        ("I.1", "Có", &COMMUNE, "y"),
        ("I.1", "không", &COMMUNE, "n"),
        ("I.2", "y", &DISTRICT, "y"),
        ("II.2.6", "19/21", &DISTRICT, "19/21"),
        ("II.2.6", "19/21 (90,5%)", &DISTRICT, "19/21"),
        ("II.2.6", "19/21 (90.48%)", &DISTRICT, "19/21"),
        ("II.2.6", "19/21 (90%)", &DISTRICT, "19/21"),
        ("II.2.6", "06/21", &DISTRICT, "6/21"),
    ] {
        assert_eq!(read(&form, code, typed, context), value, "{typed}");
    }
}

#[test]
fn an_open_heading_takes_what_its_paper_says() {
    let form = form(ANNEX);
    for (typed, value) in [("0", "0"), ("02", "2"), ("không", "nil"), ("", "blank")] {
        assert_eq!(read(&form, "II.1.3", typed, &DISTRICT), value, "{typed}");
        assert_eq!(read(&form, "II.1.3", typed, &COMMUNE), value, "{typed}");
    }
    for typed in ["1,5", "na", "19/21"] {
        let refused = read(&form, "II.1.3", typed, &DISTRICT);
        assert!(refused.starts_with("V-00"), "{typed}: {refused}");
    }
    let closed = read(&form, "II.1.1", "1", &DISTRICT);
    assert!(closed.starts_with("V-001"), "{closed}");
}

#[test]
fn what_does_not_fit_is_refused_with_a_cure() {
    let form = form(ANNEX);
    let mut seen = String::new();
    for (code, typed, context) in [
        ("II.1.1.a", "1.5", &COMMUNE),
        ("II.1.1.a", "12.34", &COMMUNE),
        ("II.1.1.a", "1,500", &COMMUNE),
        ("II.1.1.a", "1,500,000", &COMMUNE),
        ("II.1.1.a", "nhiều", &COMMUNE),
        ("II.1.1.a", "-3", &COMMUNE),
        ("II.1.1.a", "19/21", &COMMUNE),
        ("II.1.1.a", "9999999999999999999", &COMMUNE),
        ("II.1.1.a", "42", &DISTRICT),
        ("II.2.4.a.1", "1", &COMMUNE),
        ("II.2.6", "19/20", &DISTRICT),
        ("II.2.6", "22/21", &DISTRICT),
        ("II.2.6", "19/21 (95%)", &DISTRICT),
        ("II.2.6", "90,5%", &DISTRICT),
        ("II.2.6", "19/21", &COMMUNE),
        ("II.2.6", "có", &DISTRICT),
        ("I.1", "100%", &COMMUNE),
        ("I.2", "maybe", &COMMUNE),
        ("I.2", "19/20", &DISTRICT),
        ("II.3.2.a", "0,1234567", &COMMUNE),
        ("II.1", "1", &COMMUNE),
    ] {
        seen.push_str(&format!(
            "{code} {typed}: {}\n",
            read(&form, code, typed, context)
        ));
    }
    expect![[r#"
        II.1.1.a 1.5: V-006 `1.5` không phải số nguyên; một nghìn năm trăm viết 1.500 hoặc 1500
        II.1.1.a 12.34: V-006 `12.34` không phải số nguyên; một nghìn năm trăm viết 1.500 hoặc 1500
        II.1.1.a 1,500: V-006 `1,500` không phải số nguyên; một nghìn năm trăm viết 1.500 hoặc 1500
        II.1.1.a 1,500,000: V-005 `1,500,000` không đọc được; cần số nguyên, ví dụ 1.500 hoặc 08
        II.1.1.a nhiều: V-005 `nhiều` không đọc được; cần số nguyên, ví dụ 1.500 hoặc 08
        II.1.1.a -3: V-008 `-3` nhỏ hơn không
        II.1.1.a 19/21: V-005 `19/21` không đọc được; cần số nguyên, ví dụ 1.500 hoặc 08
        II.1.1.a 9999999999999999999: V-009 `9999999999999999999` có quá nhiều chữ số
        II.1.1.a 42: V-002 II.1.1.a do các đơn vị cấp dưới trả lời hoặc cộng lại, không nhập ở cấp này
        II.2.4.a.1 1: V-003 II.2.4.a.1 chỉ nhập ở cấp trên, cấp này không có ô
        II.2.6 19/20: V-012 tổng là 20 nhưng cây đơn vị có 21 đơn vị
        II.2.6 22/21: V-011 22/21: phần không được lớn hơn tổng và tổng phải khác không
        II.2.6 19/21 (95%): V-013 ghi 95% nhưng tính ra 90%
        II.2.6 90,5%: V-010 `90,5%`: phần trăm do máy tính ra, không nhập; nhập phần và tổng (19/21) hoặc trả lời Có/Không
        II.2.6 19/21: V-005 `19/21` không đọc được; cần Có hoặc Không
        II.2.6 có: V-002 II.2.6 do các đơn vị cấp dưới trả lời hoặc cộng lại, không nhập ở cấp này
        I.1 100%: V-010 `100%`: phần trăm do máy tính ra, không nhập; nhập phần và tổng (19/21) hoặc trả lời Có/Không
        I.2 maybe: V-005 `maybe` không đọc được; cần Có hoặc Không
        I.2 19/20: V-012 tổng là 20 nhưng cây đơn vị có 21 đơn vị
        II.3.2.a 0,1234567: V-007 `0,1234567` có quá 6 chữ số sau dấu phẩy
        II.1 1: V-001 II.1 là tiêu đề, không có ô số liệu
    "#]].assert_eq(&seen);
    let line = form.line(&"II.1.1.a".parse().unwrap()).unwrap();
    let error = form
        .read_value(line, &"1".repeat(81), &COMMUNE)
        .unwrap_err();
    assert_eq!(error, ValueError::TooLong);
    let error = form.read_value(line, "1.5", &COMMUNE).unwrap_err();
    expect!["`1.5` is no whole number; fifteen hundred is written 1.500 or 1500"]
        .assert_eq(&error.to_string());
}

fn scalars() -> impl Strategy<Value = Scalar> {
    let qualifier = prop::sample::select(vec![
        Qualifier::Exact,
        Qualifier::About,
        Qualifier::AtLeast,
        Qualifier::AtMost,
    ]);
    (0..1_000_000_000_000i128, 0u8..=6, qualifier)
        .prop_map(|(units, scale, qualifier)| Scalar::Number(Decimal::new(units, scale), qualifier))
}

proptest! {
    #[test]
    fn what_is_printed_can_be_typed_again(value in scalars()) {
        let form = form(FLOOD);
        let line = form.line(&"M.loss".parse().unwrap()).unwrap();
        for style in [Style::Vietnamese, Style::Paper] {
            let text = show(&value, style);
            prop_assert_eq!(form.read_value(line, &text, &COMMUNE), Ok(value), "{}", text);
        }
        if matches!(value, Scalar::Number(number, _) if number.scale() != 3) {
            let text = show(&value, Style::Plain);
            prop_assert_eq!(form.read_value(line, &text, &COMMUNE), Ok(value), "{}", text);
        }
    }

    #[test]
    fn a_share_can_be_typed_again(whole in 1u64..1_000_000, part in 0u64..1_000_000) {
        let form = form(ANNEX);
        let line = form.line(&"II.2.6".parse().unwrap()).unwrap();
        let value = Scalar::Share(part.min(whole), whole);
        let context = EntryContext { is_leaf: false, units_below: Some(whole) };
        for style in [Style::Vietnamese, Style::Paper, Style::Plain] {
            let text = show(&value, style);
            prop_assert_eq!(form.read_value(line, &text, &context), Ok(value), "{}", text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,90}", piece in "[-0-9.,/%()~<> ]{0,20}") {
        let form = form(FLOOD);
        for (line, _) in form.value_lines() {
            for typed in [&text, &piece] {
                if let Ok(value) = form.read_value(line, typed, &COMMUNE) {
                    prop_assert_eq!(value.to_string().parse::<Scalar>(), Ok(value));
                }
            }
        }
    }
}
