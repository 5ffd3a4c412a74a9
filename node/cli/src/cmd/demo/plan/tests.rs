//! The dealing is exact, and nothing contradicts that the annex does not contradict itself.

use hopluu_model::Decimal;

use super::*;

pub(in super::super) fn form() -> Form {
    let source = include_str!("../../../../../../config/forms/pcmd-review.toml");
    Form::parse(source).unwrap()
}

fn weights() -> Vec<u64> {
    (0..21).map(super::super::cast::weight).collect()
}

fn count(report: &[Entry], code: &IndicatorCode) -> Option<u64> {
    let entries = report.iter().filter(|entry| entry.code == *code);
    entries
        .filter_map(|entry| super::super::annex::count(&entry.value))
        .reduce(|a, b| a + b)
}

#[test]
fn every_sum_of_the_communes_and_the_own_part_is_the_annex() {
    let (form, annex) = (form(), Annex::printed());
    let plan = plan(&form, &annex, &weights());
    let reports = || plan.communes.iter().chain([&plan.district]);
    for (line, cell) in form.value_lines() {
        let sum = reports()
            .filter_map(|report| count(report, &line.code))
            .reduce(|a, b| a + b);
        match annex.value(&line.code) {
            _ if cell.over_units == OverUnits::ShareOfUnits => {
                let yes = plan.communes.iter().flatten();
                let yes = yes.filter(|entry| entry.code == line.code && entry.value == Scalar::Yes);
                let expected = if line.code.as_str() == "II.2.6" {
                    19
                } else {
                    21
                };
                assert_eq!(yes.count(), expected, "{}", line.code);
            }
            Scalar::Blank => assert_eq!(sum, None, "{} stays blank", line.code),
            printed => assert_eq!(sum.map(figure), Some(printed), "{}", line.code),
        }
    }
}

#[test]
fn each_report_agrees_with_itself_where_the_annex_does() {
    let (form, annex) = (form(), Annex::printed());
    let plan = plan(&form, &annex, &weights());
    for report in plan.communes.iter().chain([&plan.district]) {
        for (line, cell) in form.value_lines() {
            let Some(own) = count(report, &line.code) else {
                continue;
            };
            if cell.is_sum_of_parts && annex.adds_up(&form, &line.code) {
                let parts: u64 = form
                    .addends(&line.code)
                    .filter_map(|part| count(report, &part.code))
                    .sum();
                assert_eq!(own, parts, "{}", line.code);
            }
            let whole = cell
                .whole
                .clone()
                .or(line.parent.clone())
                .filter(|_| cell.part == Part::Subset);
            let whole = whole.filter(|whole| annex.count(whole) >= annex.count(&line.code));
            if let Some(whole) = whole.and_then(|whole| count(report, &whole)) {
                assert!(own <= whole, "{} is {own} of {whole}", line.code);
            }
        }
    }
}

#[test]
fn cells_are_filled_where_they_exist() {
    let (form, annex) = (form(), Annex::printed());
    let plan = plan(&form, &annex, &weights());
    let role = |report: &[Entry], role| {
        let cells = report.iter().filter_map(|entry| form.value(&entry.code));
        cells
            .collect::<Vec<_>>()
            .iter()
            .all(|cell| cell.is_entered_by(role))
    };
    assert!(
        plan.communes
            .iter()
            .all(|report| role(report, LevelRole::Reporting))
    );
    assert!(role(&plan.district, LevelRole::OwnPart));
    let stated = plan.district.iter().filter(|entry| entry.owner.is_none());
    let stated: Vec<_> = stated.map(|entry| entry.code.as_str()).collect();
    assert_eq!(
        stated,
        [
            "II.1.2", "II.1.3", "II.2.4.a", "II.2.4.b", "II.2.4.c", "II.2.5"
        ]
    );
    let own = |code: &str| count(&plan.district, &code.parse().unwrap());
    assert_eq!(
        (own("II.2.2.a"), own("II.3.1.a"), own("II.1.1.a")),
        (Some(17), Some(12), None)
    );
}

#[test]
fn fifty_people_come_to_every_session_and_both_offices_hold_some() {
    let (form, annex) = (form(), Annex::printed());
    let plan = plan(&form, &annex, &weights());
    let (sessions, people) = ("II.2.1B.a".parse().unwrap(), "II.2.1B.b".parse().unwrap());
    let mut offices = BTreeSet::new();
    for report in &plan.communes {
        for entry in report.iter().filter(|entry| entry.code == people) {
            let same = report
                .iter()
                .find(|e| e.code == sessions && e.part == entry.part)
                .unwrap();
            let fifty = |value| super::super::annex::count(&value).map(|count| count * 50);
            assert_eq!(fifty(same.value), super::super::annex::count(&entry.value));
            offices.insert(entry.part.clone().unwrap().to_string());
        }
    }
    assert_eq!(
        offices.into_iter().collect::<Vec<_>>(),
        ["culture", "labour"]
    );
}

#[test]
fn dealing_is_exact_monotone_and_proportional_where_it_can_be() {
    assert_eq!(deal(1500, &[1, 2, 0, 27]), [50, 100, 0, 1350]);
    assert_eq!(deal(5, &[0, 0]), [0, 0]);
    let weights = [8, 3, 5, 1, 8];
    let mut before = deal(0, &weights);
    for total in 1..60 {
        let dealt = deal(total, &weights);
        assert_eq!(dealt.iter().sum::<u64>(), total);
        assert!(dealt.iter().zip(&before).all(|(more, less)| more >= less));
        before = dealt;
    }
    assert_eq!(figure(3), Scalar::exact(Decimal::new(3, 0)));
}
