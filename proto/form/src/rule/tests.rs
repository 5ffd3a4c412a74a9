use expect_test::expect;

use super::*;

const ANNEX: &str = include_str!("../../../../config/forms/pcmd-review.toml");

fn found(figures: &[(&str, &str)]) -> String {
    let form = Form::parse(ANNEX).unwrap();
    let figures = figures
        .iter()
        .map(|(code, value)| (code.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let findings = form.findings(&figures);
    let lines: Vec<_> = findings
        .iter()
        .map(|f| format!("{:?} {}\n", f.severity, f.message(Lang::En)))
        .collect();
    lines.concat()
}

#[test]
fn a_total_is_held_against_its_addends_only() {
    // The annex of 2016-2020: 0 against 1 + 1 + 0; the under-18 line is a subset and stays out.
    let annex = found(&[
        ("II.2.3.c", "0"),
        ("II.2.3.c.1", "1"),
        ("II.2.3.c.2", "1"),
        ("II.2.3.c.3", "1"),
        ("II.2.3.c.4", "0"),
    ]);
    expect![[r#"
        Error R-001 II.2.3.c is 0, but II.2.3.c.1 + II.2.3.c.2 + II.2.3.c.4 = 2
    "#]]
    .assert_eq(&annex);
    let right = found(&[
        ("II.1.1.a", "42"),
        ("II.1.1.a.1", "19"),
        ("II.1.1.a.2", "23"),
        ("II.1.1.a.3", "0"),
        ("II.1.1.a.4", "nil"),
        ("II.1.1.c", "8"),
        ("II.1.1.c.1", "8"),
        ("II.1.1.c.2", "8"),
        ("II.1.1.c.3", "5"),
    ]);
    assert_eq!(right, "");
}

#[test]
fn blank_parts_under_a_total() {
    expect![[r#"
        Warning R-002 II.3.2.a is 0 and cannot be checked, blank: II.3.2.a.1 + II.3.2.a.2 + II.3.2.a.3
    "#]].assert_eq(&found(&[("II.3.2.a", "0")]));
    expect![[r#"
        Error R-002 II.3.2.a is 5 and cannot be checked, blank: II.3.2.a.1 + II.3.2.a.2 + II.3.2.a.3
    "#]]
    .assert_eq(&found(&[("II.3.2.a", "5")]));
    expect![[r#"
        Warning R-002 II.3.2.a is 5 and cannot be checked, blank: II.3.2.a.2 + II.3.2.a.3
    "#]]
    .assert_eq(&found(&[("II.3.2.a", "5"), ("II.3.2.a.1", "3")]));
    expect![[r#"
        Error R-001 II.3.2.a is 5, but II.3.2.a.1 = at least 6.5
    "#]]
    .assert_eq(&found(&[("II.3.2.a", "5"), ("II.3.2.a.1", "6.5")]));
    expect![[r#"
        Warning R-003 II.3.2.a is blank, but II.3.2.a.1 = 3
    "#]]
    .assert_eq(&found(&[("II.3.2.a.1", "3")]));
    assert_eq!(found(&[]), "");
}

#[test]
fn a_range_contradicts_only_where_it_cannot_be() {
    let parts = [
        ("II.1.1.a.2", "23"),
        ("II.1.1.a.3", "0"),
        ("II.1.1.a.4", "0"),
    ];
    let with = |total: &str, first: &str| {
        let mut figures = parts.to_vec();
        figures.extend([("II.1.1.a", total), ("II.1.1.a.1", first)]);
        found(&figures)
    };
    assert_eq!(with("42", "~>10"), "");
    assert_eq!(with("42", "~19"), "");
    expect![[r#"
        Error R-001 II.1.1.a is 42, but II.1.1.a.1 + II.1.1.a.2 + II.1.1.a.3 + II.1.1.a.4 = at least 43
    "#]].assert_eq(&with("42", "~>20"));
    expect![[r#"
        Error R-001 II.1.1.a is 42, but II.1.1.a.1 + II.1.1.a.2 + II.1.1.a.3 + II.1.1.a.4 = at most 41
    "#]].assert_eq(&with("42", "~<18"));
}

#[test]
fn a_heading_holds_no_figure() {
    expect![[r#"
        Note R-004 II.1.2 is a heading, yet holds 0
    "#]]
    .assert_eq(&found(&[("II.1.2", "0"), ("II.1.2.a", "0")]));
    let contradicts = found(&[("II.1.3", "0"), ("II.1.3.a", "1"), ("II.1.3.b", "1")]);
    expect![[r#"
        Error R-005 the heading II.1.3 holds 0, but there are figures below: II.1.3.a + II.1.3.b
    "#]]
    .assert_eq(&contradicts);
}

/// The annex of Hướng Hóa for 2016-2020 as printed, blanks left out.
const PRINTED: &str = "\
    I.1=21/21 I.2=y I.3=y II.1.1.a=42 II.1.1.a.1=19 II.1.1.a.2=23 II.1.1.a.3=0 II.1.1.a.4=0 \
    II.1.1.b=42 II.1.1.c=8 II.1.1.c.1=8 II.1.1.c.2=8 II.1.1.c.3=5 II.1.1.c.4=0 II.1.2=0 \
    II.1.2.a=0 II.1.3=0 II.1.3.a=1 II.1.3.b=1 II.1.3.b.1=1 II.1.3.b.2=0 II.1.3.b.3=1 \
    II.2.1B.a=30 II.2.1B.b=1500 II.2.1B.c=5 II.2.2.a=42 II.2.2.b=0 II.2.2.b.1=0 II.2.2.b.2=0 \
    II.2.2.b.3=0 II.2.2.b.4=0 II.2.2.b.4.1=0 II.2.2.b.5=0 II.2.3.a=0 II.2.3.b=1 II.2.3.c=0 \
    II.2.3.c.1=1 II.2.3.c.2=1 II.2.3.c.3=0 II.2.3.c.4=0 II.2.3.d=2 II.2.3.d.1=1 II.2.3.d.2=1 \
    II.2.3.d.3=0 II.2.3.d.4=0 II.2.3.e=0 II.2.3.e.1=0 II.2.3.e.2=0 II.2.3.e.3=0 II.2.4.a=0 \
    II.2.4.a.1=0 II.2.4.a.2=0 II.2.4.b=0 II.2.4.b.1=0 II.2.4.b.2=0 II.2.4.c=0 II.2.4.c.1=0 \
    II.2.4.c.2=0 II.2.5=0 II.2.5.a=0 II.2.5.a.1=0 II.2.5.a.2=0 II.2.5.a.3=0 II.2.5.b=0 \
    II.2.5.c=0 II.2.5.d=0 II.2.5.d.1=0 II.2.5.d.2=0 II.2.5.d.3=0 II.2.5.d.3.1=0 II.2.5.d.4=0 \
    II.2.5.d.5=0 II.2.5.d.6=0 II.2.5.e=0 II.2.5.f=0 II.2.6=19/21 II.3.1.a=30 II.3.1.b=9 \
    II.3.2.a=0";

#[test]
fn the_printed_annex_contradicts_itself_where_it_is_known_to() {
    let figures: Vec<_> = PRINTED
        .split(' ')
        .filter_map(|entry| entry.split_once('='))
        .collect();
    expect![[r#"
        Note R-004 II.1.2 is a heading, yet holds 0
        Error R-005 the heading II.1.3 holds 0, but there are figures below: II.1.3.a + II.1.3.b
        Error R-001 II.2.3.c is 0, but II.2.3.c.1 + II.2.3.c.2 + II.2.3.c.4 = 2
        Note R-004 II.2.4.a is a heading, yet holds 0
        Note R-004 II.2.4.b is a heading, yet holds 0
        Note R-004 II.2.4.c is a heading, yet holds 0
        Note R-004 II.2.5 is a heading, yet holds 0
        Warning R-002 II.3.2.a is 0 and cannot be checked, blank: II.3.2.a.1 + II.3.2.a.2 + II.3.2.a.3
    "#]].assert_eq(&found(&figures));
}

#[test]
fn a_blank_total_is_told_its_parts_as_they_were_meant() {
    let about = found(&[("II.1.1.a.1", "~5"), ("II.1.1.a.2", "2")]);
    assert!(
        about.contains("II.1.1.a.1 + II.1.1.a.2 = about 7"),
        "{about}"
    );
    let mixed = found(&[("II.1.1.a.1", "~>5"), ("II.1.1.a.2", "~<2")]);
    assert!(mixed.contains("= about 7"), "{mixed}");
}

#[test]
fn a_stated_share_is_held_against_the_answers() {
    let form = Form::parse(ANNEX).unwrap();
    let one = |value: &str| {
        let code: IndicatorCode = "I.1".parse().unwrap();
        BTreeMap::from([(code, value.parse::<Scalar>().unwrap())])
    };
    let found = |answers: &str, stated: &str| {
        let found = form.findings_in_total(&one(answers), &one(stated));
        let found = found.iter().map(|finding| finding.message(Lang::En));
        found.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(found("19/21", "19/21"), "");
    assert_eq!(
        found("18/20", "19/21"),
        "",
        "the last one may still say yes"
    );
    expect!["R-006 I.1: this unit states 19/21 (90.5%), but the units below answer 21/21 (100%)"]
        .assert_eq(&found("21/21", "19/21"));
    assert!(
        found("17/20", "19/21").starts_with("R-006"),
        "three have said no"
    );
}
