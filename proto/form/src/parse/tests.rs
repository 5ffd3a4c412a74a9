//! The two shipped forms are right, and every mistake is named with its place and cure.

use hopluu_model::{CompartmentId, IndicatorCode, OfficeId, Period};

use crate::{EnteredAt, Form, Lang, LevelRole, OverUnits, Part};

const ANNEX: &str = include_str!("../../../../config/forms/pcmd-review.toml");
const FLOOD: &str = include_str!("../../../../config/forms/flood-quick.toml");

fn parsed(text: &str) -> Form {
    Form::parse(text).unwrap_or_else(|errors| panic!("{}", errors.report(Lang::En)))
}

fn code(text: &str) -> IndicatorCode {
    text.parse().unwrap()
}

fn period(text: &str) -> Period {
    text.parse().unwrap()
}

#[test]
fn the_annex_has_97_rows_of_which_78_hold_a_figure() {
    let form = parsed(ANNEX);
    assert_eq!(form.lines().len(), 97);
    assert_eq!(form.value_lines().count(), 78);
    let count = |over| {
        form.value_lines()
            .filter(|(_, v)| v.over_units == over)
            .count()
    };
    assert_eq!(count(OverUnits::Sum), 20);
    assert_eq!(count(OverUnits::SumPlusOwn), 48);
    assert_eq!(count(OverUnits::OwnOnly), 6);
    assert_eq!(count(OverUnits::ShareOfUnits), 4);
    let parts = |part| form.value_lines().filter(|(_, v)| v.part == part).count();
    assert_eq!(
        (
            parts(Part::Addend),
            parts(Part::Subset),
            parts(Part::Attribute)
        ),
        (30, 10, 2)
    );
    assert_eq!(
        form.value_lines()
            .filter(|(_, v)| v.is_sum_of_parts)
            .count(),
        8
    );
}

#[test]
fn codes_lead_to_lines_children_and_addends() {
    let form = parsed(ANNEX);
    let names = |lines: Vec<&crate::Line>| {
        lines
            .iter()
            .map(|line| line.code.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(form.addends(&code("II.2.3.c")).collect()),
        ["II.2.3.c.1", "II.2.3.c.2", "II.2.3.c.4"]
    );
    assert_eq!(form.children(&code("II.2.3.c")).count(), 4);
    let fines = form.value(&code("II.2.2.b.4.1")).unwrap();
    assert_eq!(fines.part, Part::Attribute);
    assert_eq!(
        form.value(&code("II.1.1.b")).unwrap().whole,
        Some(code("II.1.1.a"))
    );
    assert!(form.value(&code("II.1.3")).is_none());
    assert_eq!(
        form.value(&code("I.2")).unwrap().entered_at,
        EnteredAt::Both
    );
    assert_eq!(form.level_role("commune"), Some(LevelRole::Reporting));
    assert_eq!(form.level_role("province"), Some(LevelRole::OwnPart));
    assert_eq!(form.level_role("hamlet"), None);
    assert_eq!(form.texts().count(), 45);
}

#[test]
fn windows_and_due_dates_follow_the_decree() {
    let form = parsed(ANNEX);
    let window = |label: &str| {
        let (first, last) = form.window(&period(label)).unwrap();
        format!("{first} {last}")
    };
    assert_eq!(window("2026-H1"), "2025-12-15 2026-06-14");
    assert_eq!(window("2026-H2"), "2026-06-15 2026-12-14");
    assert_eq!(window("2026"), "2025-12-15 2026-12-14");
    assert_eq!(window("2016-2020"), "2015-12-15 2020-12-14");
    assert_eq!(
        form.tree_day(&period("2016-2020")).unwrap().to_string(),
        "2020-12-14"
    );
    let last_day = |label: &str, level: &str| {
        let due = form.due(&period(label), level).unwrap();
        due.map(|due| due.last_day().to_string())
    };
    assert_eq!(
        last_day("2026-H1", "commune").as_deref(),
        Some("2026-06-19")
    );
    assert_eq!(
        last_day("2026-H2", "district").as_deref(),
        Some("2026-12-24")
    );
    assert_eq!(
        last_day("2021-2025", "commune").as_deref(),
        Some("2025-11-04")
    );
    assert_eq!(last_day("2021-2025", "district"), None);
    assert_eq!(
        form.entered_periods(&period("2026")).unwrap(),
        [period("2026-H1"), period("2026-H2")]
    );
    let refused = form.window(&period("2016-2019")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "form pcmd-review is not reported for 2016-2019: it knows year (2026), half-year (2026-H1), \
         years (2016-2020)"
    );
    assert!(form.window(&period("2026-Q1")).is_err());
}

#[test]
fn the_quick_report_needs_no_code() {
    let form = parsed(FLOOD);
    assert_eq!(form.value_lines().count(), 13);
    let day = period("x20261018-lu-quet");
    let (first, last) = form.window(&day).unwrap();
    assert_eq!(format!("{first} {last}"), "2026-10-17 2026-10-18");
    let due = form.due(&day, "commune").unwrap().unwrap();
    assert_eq!(due.last_day().to_string(), "2026-10-19");
}

#[test]
fn private_lines_stand_in_the_compartment_that_they_name() {
    let form = parsed(ANNEX);
    let names = form.compartments().into_iter();
    let names: Vec<_> = names.map(CompartmentId::as_str).collect();
    assert_eq!(names, ["area", "courts", "handled", "support"]);
    let private = form.value_lines().filter(|(_, value)| value.is_private());
    assert_eq!(private.count(), 41);
    // Whoever writes a line of a compartment reads all of it: the education office has none of `area`.
    let readers = |name: &str| {
        let lines = form.value_lines().filter(move |(_, value)| {
            let compartment = value.compartment.as_ref();
            compartment.is_some_and(|one| one.as_str() == name)
        });
        let offices = lines.flat_map(|(_, value)| value.offices());
        let offices: std::collections::BTreeSet<_> = offices.map(OfficeId::as_str).collect();
        offices.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        readers("area"),
        ["commune_pc", "health", "labour", "police"]
    );
    assert!(readers("support").contains(&"education"));
    let unnamed = ANNEX.replace("private = \"area\"", "private = true");
    let unnamed = parsed(&unnamed);
    assert_eq!(
        unnamed.compartment(&code("II.1.3.a")).unwrap().as_str(),
        "private"
    );
}

#[test]
fn a_form_has_only_so_many_compartments() {
    let of = |count: usize| {
        let mut number = 0;
        let lines = ANNEX.split("private = \"");
        let mut text = String::new();
        for (at, piece) in lines.enumerate() {
            if at == 0 {
                text.push_str(piece);
                continue;
            }
            let rest = piece.split_once('"').unwrap().1;
            text.push_str(&format!("private = \"c{number}\"{rest}"));
            number = (number + 1) % count;
        }
        Form::parse(&text)
    };
    let most = crate::limits::COMPARTMENTS_MAX;
    assert_eq!(of(most).unwrap().compartments().len(), most);
    let refused = of(most + 1).unwrap_err().report(Lang::En);
    assert!(refused.contains("F-003"), "{refused}");
}
