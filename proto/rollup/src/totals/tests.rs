use expect_test::expect;

use super::*;
use crate::document::StrayReason;
use crate::total::Total;

mod naive;
mod properties;
mod world;

use world::{DISTRICT, ISLAND, PROVINCE, form, id, names, period, small_tree, totals, tree};

const H1: &str = "2024-H1";
const H2: &str = "2024-H2";

#[test]
fn children_and_own_part_add_up_by_each_rule() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter(
        "00011@2020-01-01",
        H1,
        "A.sum=5 B.plus=0.1 C.own=9 D.stock=2 F.yes=y G.ratio=1/2 I.alone=4 J.office@police=3 J.office@health=4",
    );
    totals.enter(
        "00012@2020-01-01",
        H1,
        "A.sum=7 B.plus=0.2 F.yes=n G.ratio=2/3",
    );
    totals.enter(
        DISTRICT,
        H1,
        "A.sum=100 B.plus=10 C.own=3 F.yes=y G.ratio=5/5 I.alone=8 J.office@police=1",
    );
    let shows = |code| totals.shows(DISTRICT, code);
    assert_eq!(shows("A.sum"), "12", "nobody above enters a sum");
    assert_eq!(shows("B.plus"), "10.3 own=10");
    assert_eq!(shows("C.own"), "3 own=3", "the commune has no such cell");
    assert_eq!(shows("F.yes"), "1/2 own=y");
    assert_eq!(shows("G.ratio"), "8/10 own=5/5", "both enter it");
    assert_eq!(shows("J.office"), "8 own=1");
    assert_eq!(totals.shows("00011@2020-01-01", "J.office"), "7");
    assert_eq!(totals.shows("00011@2020-01-01", "I.alone"), "4");
    assert_eq!(totals.shows("00011@2020-01-01", "F.yes"), "y");
    totals.enter("002@2020-01-01", H1, "B.plus=5 C.own=4");
    assert_eq!(
        totals.shows(PROVINCE, "C.own"),
        "7",
        "the sum of its districts"
    );
    assert_eq!(totals.shows(PROVINCE, "B.plus"), "15.3");
    let share = totals
        .line(&id(DISTRICT), &"F.yes".parse().unwrap())
        .unwrap();
    assert_eq!(share.percent().unwrap().to_string(), "50");
}

#[test]
fn a_document_is_told_by_itself() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter(
        "00011@2020-01-01",
        H1,
        "A.sum=5 J.office@police=3 J.office@health=4",
    );
    totals.enter(DISTRICT, H1, "B.plus=10");
    let entered = |unit: &str, code: &str| {
        let entered = totals.entered(&id(unit), &code.parse().unwrap());
        let value = |(_, shown): &(_, crate::algebra::Shown)| shown.value.map(|v| v.to_string());
        entered.iter().map(value).collect::<Vec<_>>()
    };
    let five = Some("5".to_owned());
    assert_eq!(entered("00011@2020-01-01", "A.sum"), [five]);
    assert_eq!(
        entered("00011@2020-01-01", "J.office"),
        [Some("7".to_owned())]
    );
    assert_eq!(
        entered(DISTRICT, "A.sum"),
        [None],
        "it sums up, it says nothing itself"
    );
    assert_eq!(entered(DISTRICT, "B.plus"), [Some("10".to_owned())]);
    assert!(
        entered(PROVINCE, "A.sum").is_empty(),
        "no document, nothing said"
    );
}

#[test]
fn an_island_district_reports_for_itself() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter(ISLAND, H1, "A.sum=6 C.own=2 F.yes=y");
    assert_eq!(totals.shows(ISLAND, "A.sum"), "6");
    assert_eq!(totals.shows(PROVINCE, "A.sum"), "6");
    assert_eq!(totals.shows(PROVINCE, "C.own"), "2");
    assert_eq!(totals.shows(PROVINCE, "F.yes"), "1/1");
    assert_eq!(totals.tally(&id(PROVINCE)).unwrap().reports.expected, 6);
}

#[test]
fn coverage_names_who_is_missing() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter("00011@2020-01-01", H1, "A.sum=0");
    totals.enter("00012@2020-01-01", H1, "A.sum=blank");
    totals.enter("00013@2020-01-01", H1, "withdrawn A.sum=5");
    assert_eq!(
        totals.coverage_of(DISTRICT),
        "1/3 00012:2024-H1 00013:2024-H1"
    );
    let line = totals
        .line(&id(DISTRICT), &"A.sum".parse().unwrap())
        .unwrap();
    assert_eq!(
        (line.counts.answered, line.counts.blank, line.counts.missing),
        (1, 1, 1)
    );
    assert_eq!(totals.shows(DISTRICT, "A.sum"), "0");
    let total = totals.total(&id(PROVINCE)).unwrap();
    assert_eq!(
        total.own_parts.expected, 3,
        "island districts report, they add no part"
    );
    assert_eq!(total.own_parts.missing.len(), 3);
    let withdrawn = totals.total(&id("00013@2020-01-01")).unwrap();
    assert!(withdrawn.sources[0].is_withdrawn);
}

#[test]
fn unsettled_figures_leave_a_range_at_every_level() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter(
        "00011@2020-01-01",
        H1,
        "A.sum=5|9 F.yes=y|n J.office@police=1|2 J.office@health=4",
    );
    totals.enter("00021@2020-01-01", H1, "A.sum=10 F.yes=y");
    assert_eq!(totals.shows(DISTRICT, "A.sum"), "- [5..9]");
    assert_eq!(totals.shows(PROVINCE, "A.sum"), "- [15..19]");
    assert_eq!(totals.shows(PROVINCE, "F.yes"), "- [1/2..2/2]");
    assert_eq!(totals.shows(PROVINCE, "J.office"), "- [5..6]");
    totals.enter("00011@2020-01-01", H1, "A.sum=9");
    assert_eq!(totals.shows(PROVINCE, "A.sum"), "19");
}

#[test]
fn what_is_no_lines_value_is_named_and_counts_nowhere() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter(
        "00011@2020-01-01",
        H1,
        "A.sum=1 C.own=5 H=3 J.office=4 J.office@labour=4 B.plus@police=1 Z=1 Y=blank",
    );
    let total = totals.total(&id("00011@2020-01-01")).unwrap();
    let strays: Vec<_> = total.sources[0]
        .strays
        .iter()
        .map(|stray| (stray.key.as_str(), stray.reason))
        .collect();
    assert_eq!(
        strays,
        [
            ("B.plus@police", StrayReason::NotInParts),
            ("C.own", StrayReason::NotEnteredHere),
            ("H", StrayReason::Heading),
            ("J.office", StrayReason::NotAPart),
            ("J.office@labour", StrayReason::NotAPart),
            ("Z", StrayReason::UnknownLine),
        ]
    );
    assert_eq!(totals.shows(DISTRICT, "J.office"), "-");
}

#[test]
fn strays_are_named_up_to_a_bound_and_then_counted() {
    let mut totals = totals(&small_tree(), H1);
    let text: Vec<_> = (0..crate::limits::STRAYS_NAMED_MAX + 5)
        .map(|n| format!("Z{n}=1"))
        .collect();
    totals.enter("00011@2020-01-01", H1, &text.join(" "));
    let source = &totals.total(&id("00011@2020-01-01")).unwrap().sources[0];
    assert_eq!(source.strays.len(), crate::limits::STRAYS_NAMED_MAX);
    assert_eq!(
        source.stray_count as usize,
        crate::limits::STRAYS_NAMED_MAX + 5
    );
}

#[test]
fn a_conflict_of_too_many_is_cut_alike_everywhere() {
    let mut totals = totals(&small_tree(), H1);
    let values: Vec<_> = (1..=crate::limits::CANDIDATES_MAX + 9)
        .map(|n| n.to_string())
        .collect();
    totals.enter(
        "00011@2020-01-01",
        H1,
        &format!("A.sum={}", values.join("|")),
    );
    assert_eq!(totals.shows(DISTRICT, "A.sum"), "- [1..256]");
}

#[test]
fn a_total_line_is_held_against_its_addends() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter("00011@2020-01-01", H1, "A.sum=0 A.sum.1=1 A.sum.2=1");
    totals.enter("00012@2020-01-01", H1, "A.sum=3 A.sum.1=1 A.sum.2=2");
    let total = totals.total(&id(PROVINCE)).unwrap();
    let [finding] = total.findings.as_slice() else {
        panic!("{:?}", total.findings)
    };
    assert_eq!(finding.code.as_str(), "A.sum");
    assert_eq!(finding.expected, Some(5.into()));
    assert_eq!(finding.found, 3.into());
}

#[test]
fn half_years_make_the_year_each_line_in_its_way() {
    let mut year = totals(&small_tree(), "2024");
    for (unit, h1, h2) in [
        (
            "00011@2020-01-01",
            "A.sum=1 D.stock=5 E.distinct=2 F.yes=n G.ratio=1/2 I.alone=1",
            "A.sum=2 D.stock=7 E.distinct=3 F.yes=y G.ratio=1/4",
        ),
        ("00012@2020-01-01", "A.sum=10 D.stock=50 F.yes=y", ""),
    ] {
        year.enter(unit, H1, h1);
        if !h2.is_empty() {
            year.enter(unit, H2, h2);
        }
    }
    let shows = |code| year.shows(DISTRICT, code);
    assert_eq!(shows("A.sum"), "13", "flows add");
    assert_eq!(shows("D.stock"), "57", "stocks take the latest reported");
    assert_eq!(shows("E.distinct"), "5");
    assert_eq!(shows("F.yes"), "2/2");
    assert_eq!(shows("G.ratio"), "2/6");
    assert_eq!(shows("I.alone"), "-");
    let line = |code: &str| year.line(&id(DISTRICT), &code.parse().unwrap()).unwrap();
    assert!(line("E.distinct").marks.is_upper_bound());
    assert!(!line("A.sum").marks.is_upper_bound());
    assert!(line("D.stock").marks.may_count_twice());
    assert_eq!(
        (line("A.sum").counts.answered, line("A.sum").counts.partly),
        (1, 1)
    );
    assert_eq!(
        year.coverage_of(DISTRICT),
        "1/3 00012:2024-H2 00013:2024-H1 00013:2024-H2"
    );
}

/// Commune 00012 ends on 30 April and 00011 takes it over; 00013 ends without an heir.
fn reform_tree() -> Arc<UnitTree> {
    tree(
        "01@2020-01-01 -
         001@2020-01-01 01@2020-01-01
         00011@2020-01-01 001@2020-01-01
         00012@2020-01-01 001@2020-01-01 2024-04-30 00011@2020-01-01
         00013@2020-01-01 001@2020-01-01 2024-04-30 -",
    )
}

#[test]
fn a_unit_that_ended_in_the_period_counts_in_its_heir_or_parent() {
    let mut totals = totals(&reform_tree(), H1);
    let own = totals.enter("00011@2020-01-01", H1, "A.sum=1 D.stock=5 F.yes=n");
    let heir = totals.enter("00012@2020-01-01", H1, "A.sum=2 D.stock=3 F.yes=y");
    let parent = totals.enter("00013@2020-01-01", H1, "A.sum=4");
    assert_eq!(own, heir);
    assert_eq!(parent, Placed::In(id(DISTRICT)));
    assert_eq!(totals.shows("00011@2020-01-01", "A.sum"), "3");
    assert_eq!(
        totals.shows("00011@2020-01-01", "D.stock"),
        "5",
        "counted after the end"
    );
    assert_eq!(totals.shows(DISTRICT, "F.yes"), "0/1", "one unit, one vote");
    assert_eq!(totals.shows(DISTRICT, "A.sum"), "7");
    assert_eq!(totals.coverage_of(DISTRICT), "1/1");
    let total = totals.total(&id("00011@2020-01-01")).unwrap();
    assert_eq!(total.sources.len(), 2);
    assert!(totals.total(&id("00012@2020-01-01")).is_none());
    assert!(totals.remove(&id("00011@2020-01-01"), &period(H1)));
    assert_eq!(
        totals.shows("00011@2020-01-01", "D.stock"),
        "3",
        "what it took over is all there is"
    );
    assert_eq!(totals.shows(DISTRICT, "F.yes"), "1/1");
}

#[test]
fn a_year_of_reform_is_read_by_its_last_tree_and_owed_by_who_existed() {
    let tree = tree(
        "01@2020-01-01 -
         001@2020-01-01 01@2020-01-01 2024-06-30 -
         00011@2020-01-01 001@2020-01-01 2024-06-30 10001@2024-07-01
         00012@2020-01-01 001@2020-01-01 2024-06-30 10001@2024-07-01
         10001@2024-07-01 01@2020-01-01",
    );
    let mut year = totals(&tree, "2024");
    let new = "10001@2024-07-01";
    assert_eq!(
        year.coverage_of(PROVINCE),
        "0/1 00011:2024-H1 00012:2024-H1 10001:2024-H2"
    );
    year.enter("00011@2020-01-01", H1, "A.sum=1 D.stock=5");
    year.enter("00012@2020-01-01", H1, "A.sum=2 D.stock=6");
    year.enter(DISTRICT, H1, "B.plus=20 C.own=4");
    assert_eq!(
        year.shows(new, "D.stock"),
        "11",
        "two units stood side by side then"
    );
    year.enter(new, H2, "A.sum=4 D.stock=9");
    assert_eq!(year.shows(new, "A.sum"), "7");
    assert_eq!(year.shows(new, "D.stock"), "9");
    assert_eq!(year.coverage_of(PROVINCE), "1/1");
    assert_eq!(
        year.shows(PROVINCE, "B.plus"),
        "20",
        "the district's own part counts above it"
    );
    assert_eq!(year.shows(PROVINCE, "C.own"), "4");
}

#[test]
fn what_fits_nowhere_is_listed() {
    let mut totals = totals(&small_tree(), H1);
    let placed = totals.enter("99999@2020-01-01", H1, "A.sum=1");
    assert_eq!(placed, Placed::Nowhere(Unplaced::UnitUnknown));
    let listed: Vec<_> = totals
        .unplaced()
        .map(|(unit, _, _, why)| (unit.clone(), why))
        .collect();
    assert_eq!(listed, [(id("99999@2020-01-01"), Unplaced::UnitUnknown)]);
    assert!(totals.remove(&id("99999@2020-01-01"), &period(H1)));
    assert_eq!(totals.unplaced().count(), 0);
    assert!(matches!(
        totals.try_enter(DISTRICT, H2, "A.sum=1"),
        Err(SetError::NotAPart { .. })
    ));
}

#[test]
fn a_form_assigned_to_some_units_asks_only_those() {
    let roots = [id("002@2020-01-01"), id("00011@2020-01-01")];
    let mut totals = Totals::new(form(), small_tree(), period(H1), &roots).unwrap();
    assert_eq!(
        totals.coverage_of(PROVINCE),
        "0/3 00011:2024-H1 00021:2024-H1 00022:2024-H1"
    );
    let placed = totals.enter("00012@2020-01-01", H1, "A.sum=1");
    assert_eq!(placed, Placed::Nowhere(Unplaced::NotAsked));
    let placed = totals.enter(DISTRICT, H1, "B.plus=1");
    assert_eq!(placed, Placed::Nowhere(Unplaced::NotAsked));
    totals.enter("00011@2020-01-01", H1, "A.sum=3");
    assert_eq!(totals.shows(PROVINCE, "A.sum"), "3");
    assert!(totals.total(&id(ISLAND)).is_none());
}

#[test]
fn a_line_of_heirs_is_followed_up_to_a_bound() {
    // Commune n ends without an heir, its district a day later; the district's heir is commune n+1.
    let line = |steps: usize| {
        let mut text = String::from("01@2020-01-01 -\n");
        for n in 0..=steps {
            let day = |n: usize| format!("2024-{:02}-{:02}", n / 14 + 1, n % 14 * 2 + 1);
            let (since, next) = (day(n), day(n + 1));
            let ended: String = if n < steps {
                before(&next)
            } else {
                "-".to_owned()
            };
            let heir = format!("{:05}@{next}", 10_000 + n + 1);
            let heir = if n < steps { heir.as_str() } else { "-" };
            text += &format!("{:03}@{since} 01@2020-01-01 {ended} {heir}\n", 100 + n);
            text += &format!(
                "{:05}@{since} {:03}@{since} {ended} -\n",
                10_000 + n,
                100 + n
            );
        }
        tree(&text)
    };
    let place = |steps| totals(&line(steps), H1).enter("10000@2024-01-01", H1, "A.sum=1");
    let bound = crate::limits::HEIR_STEPS_MAX;
    assert!(
        matches!(place(bound - 1), Placed::In(_)),
        "{:?}",
        place(bound - 1)
    );
    assert_eq!(place(bound), Placed::Nowhere(Unplaced::NoHeir));
}

fn before(day: &str) -> String {
    day.parse::<Date>()
        .unwrap()
        .yesterday()
        .unwrap()
        .to_string()
}

#[test]
fn periods_that_the_form_does_not_know_are_refused() {
    let open = |label: &str| Totals::new(form(), small_tree(), period(label), &[]);
    assert!(matches!(open("2024-Q1"), Err(OpenError::Period(_))));
    let years = PARTS_MAX / 2;
    let span = |years| open(&format!("2000-{}", 2000 + years - 1));
    assert_eq!(span(years).unwrap().parts().len(), PARTS_MAX);
    assert!(matches!(span(years + 1), Err(OpenError::Parts { .. })));
}

#[test]
fn a_total_leads_to_the_communes_documents_and_heads() {
    let mut totals = totals(&small_tree(), H1);
    totals.enter("00011@2020-01-01", H1, "A.sum=5");
    let mut total = totals.total(&id(PROVINCE)).unwrap();
    for unit in [DISTRICT, "00011@2020-01-01"] {
        let child = total
            .children
            .iter()
            .find(|child| child.unit == id(unit))
            .unwrap();
        let below = totals.total(&child.unit).unwrap();
        assert_eq!(below.digest(), child.digest);
        assert_eq!(totals.digest(&child.unit), Some(child.digest));
        total = below;
    }
    let (doc, head) = names("00011@2020-01-01", H1, "A.sum=5");
    assert_eq!(
        (total.sources[0].doc, &total.sources[0].heads[..]),
        (doc, &[head][..])
    );
}

#[test]
fn golden_bytes() {
    let mut totals = totals(&reform_tree(), H1);
    totals.enter(
        "00011@2020-01-01",
        H1,
        "A.sum=1500 B.plus=90.5 D.stock=3|5 F.yes=y G.ratio=19/21 J.office@police=~>7",
    );
    totals.enter(
        "00012@2020-01-01",
        H1,
        "A.sum=nil B.plus=na E.distinct=blank F.yes=5 Z=1",
    );
    totals.enter(DISTRICT, H1, "C.own=2 F.yes=n");
    let total = totals.total(&id(DISTRICT)).unwrap();
    // The form's text is a test's own; what it says of itself is not what is held here.
    let zero = |total: &Total| Total {
        form_digest: Digest([0; 32]),
        ..total.clone()
    };
    let hex = |total: &Total| {
        let bytes = zero(total).canonical_bytes();
        let lines = bytes.chunks(40);
        let hex = |line: &[u8]| line.iter().map(|b| format!("{b:02x}")).collect::<String>();
        lines.map(|line| hex(line) + "\n").collect::<String>()
    };
    let commune = totals.total(&id("00011@2020-01-01")).unwrap();
    expect![[r#"
        010965766572792d7761790100000000000000000000000000000000000000000000000000000000
        000000000007323032342d48310107323032342d483110303030313140323032302d30312d303189
        54cb7d5af24e059a922506764c99047fc70317488c6399d5c45be778513c760b05412e73756d0106
        b81700000001000000000000000007412e73756d2e3100000000000000000000010007412e73756d
        2e3200000000000000000000010006422e706c75730106920e01000001000000000000000005432e
        6f776e00000000000000000000000007442e73746f636b0001060600060a00000000000000010000
        000a452e64697374696e637400000000000000000000010005462e79657301040000010000000000
        00000007472e726174696f01051315000000010000000000000007492e616c6f6e65000000000000
        000000000100084a2e6f666669636501080e00000000010000000000000101010000000002103030
        30313140323032302d30312d303107323032342d4831b8a9460c8d7f143ce79d583ec948f5e80186
        4ebcc3d1416bc1ec038725490a3bf676bd2e72b89df39f3af126430dc524f2000010303030313240
        323032302d30312d303107323032342d4831c5ee32acbf1328c4843d4b2fcc66563201174619272a
        c3d56ff3295a1ef93c3855edfbbec935cc309fc2a48da13a0a7e6e000100
    "#]]
    .assert_eq(&hex(&commune));
    let without_children = Total {
        children: Vec::new(),
        ..total
    };
    expect![[r#"
        010965766572792d7761790100000000000000000000000000000000000000000000000000000000
        000000000007323032342d48310107323032342d48310e30303140323032302d30312d30315819e6
        c58d208013e162b2c2841ba7b680198b4eb9b395c83547077df72393140b05412e73756d0106b817
        00000001000000000000000007412e73756d2e3100000000000000000000010007412e73756d2e32
        00000000000000000000010006422e706c75730106920e01000001000000000000010005432e6f77
        6e010604000001010604000001000000000000000007442e73746f636b0001060600060a00000000
        000000010001000a452e64697374696e637400000000000000000000010005462e79657301040001
        01030001000000000000000007472e726174696f01051315000000010000000000010007492e616c
        6f6e65000000000000000000000100084a2e6f666669636501080e00000000010000000000010101
        0100010100010e30303140323032302d30312d303107323032342d48315ccfbc879cfe32cf0c4a13
        f0444aa9d001da6b9c331c5578f6fd8e576ca4c66d8bae20cec68e02dc47a3c7a4a6f915e30c0000
        00
    "#]]
    .assert_eq(&hex(&without_children));
}
