//! `units add`: what each event does, when it is void, and that order is no matter.

use super::*;

fn began(unit: &str, level: &str, parent: &str) -> TreeEvent {
    TreeEvent::Began {
        unit: id(unit),
        name: format!("Mới {unit}"),
        level: level.to_owned(),
        kind: "xa".to_owned(),
        parent: (!parent.is_empty()).then(|| id(parent)),
    }
}

fn ended(unit: &str, on: &str, successors: &[&str]) -> TreeEvent {
    let successor = |(at, unit): (usize, &&str)| Successor {
        heir: at == 0,
        ..Successor::sole(id(unit))
    };
    TreeEvent::Ended {
        unit: id(unit),
        on: day(on),
        successors: successors.iter().enumerate().map(successor).collect(),
    }
}

fn moved(unit: &str, on: &str, parent: &str) -> TreeEvent {
    TreeEvent::Moved {
        unit: id(unit),
        on: day(on),
        parent: id(parent),
    }
}

fn renamed(unit: &str, on: &str, name: &str) -> TreeEvent {
    TreeEvent::Renamed {
        unit: id(unit),
        on: day(on),
        name: name.to_owned(),
        kind: "phuong".to_owned(),
    }
}

#[test]
fn a_reform_is_written_in_any_order() {
    // District 102 is dissolved: one commune to 101, a new code reused for two merged ones.
    let reform = [
        ended("102@2024-05-01", "2026-12-31", &[]),
        moved("10201@2024-05-01", "2027-01-01", "101@2024-05-01"),
        ended("10101@2024-05-01", "2026-12-31", &["10101@2027-01-01"]),
        ended("10102@2024-05-01", "2026-12-31", &["10101@2027-01-01"]),
        began("10101@2027-01-01", "commune", "101@2024-05-01"),
        renamed("101@2024-05-01", "2027-01-01", "Thành phố Một"),
    ];
    let mut together = small();
    together.apply_all(&reform).unwrap();
    assert!(together.void_events().is_empty());
    let mut backwards = small();
    for event in reform.iter().rev() {
        let _ = backwards.apply(event);
    }
    assert_eq!(backwards, together);
    assert_eq!(backwards.version(), together.version());
    assert!(backwards.void_events().is_empty());

    let (before, after) = (day("2026-12-31"), day("2027-01-01"));
    let (one, two) = (id("101@2024-05-01"), id("102@2024-05-01"));
    assert_eq!(
        together.children(&one, before),
        ids(&["10101@2024-05-01", "10102@2024-05-01"])
            .iter()
            .collect::<Vec<_>>()
    );
    assert_eq!(
        together.children(&one, after),
        ids(&["10101@2027-01-01", "10201@2024-05-01"])
            .iter()
            .collect::<Vec<_>>()
    );
    assert!(together.children(&two, after).is_empty());
    assert!(together.is_at_or_below(&id("10201@2024-05-01"), &two));
    assert!(together.is_at_or_below(&id("10102@2024-05-01"), &id("10101@2027-01-01")));
    assert_eq!(together.unit(&one).unwrap().name_on(before), "Đơn vị 101");
    assert_eq!(together.unit(&one).unwrap().name, "Thành phố Một");
    assert_eq!(
        together.resolve("10101", Some(after)).unwrap(),
        id("10101@2027-01-01")
    );
    assert!(together.resolve("10101", None).is_err());
    // What was asked of the time before has not changed.
    assert_eq!(
        together.version_below(&one, before),
        small().version_below(&one, before)
    );
    assert_ne!(
        together.version_below(&one, after),
        small().version_below(&one, after)
    );

    // Handed down with the reform in it, then the same events arrive as well.
    let mut handed = UnitTree::decode(&together.encode()).unwrap();
    handed.apply_all(&reform).unwrap();
    assert_eq!(handed, together);
    assert!(handed.void_events().is_empty());
}

/// The event is void in the small tree, for a reason that says so.
fn check(event: &TreeEvent, says: &str) -> EventError {
    let mut tree = small();
    let why = tree.check(event).unwrap_err();
    assert_eq!(tree.apply(event), Err(why.clone()));
    assert!(why.to_string().contains(says), "{why}");
    assert_eq!(tree, small());
    assert_eq!(tree.void_events().len(), 1);
    why
}

#[test]
fn an_event_that_does_not_hold_says_why_and_waits() {
    let why = check(
        &moved("99999@2024-05-01", "2027-01-01", "101@2024-05-01"),
        "is not in this tree",
    );
    assert!(why.may_come_to_hold());
    check(
        &began("10101@2024-05-01", "commune", "101@2024-05-01"),
        "with other facts",
    );
    check(
        &began("10109@2027-01-01", "town", "101@2024-05-01"),
        "level `town`",
    );
    check(
        &began("10109@2027-01-01", "commune", "10101@2024-05-01"),
        "not of a higher level",
    );
    check(
        &began("10109@2027-01-01", "province", "01@2024-05-01"),
        "not of a higher level",
    );
    check(
        &moved("101@2024-05-01", "2024-05-01", "02@2024-05-01"),
        "another parent on that day",
    );
    check(
        &moved("101@2024-05-01", "2020-05-01", "02@2024-05-01"),
        "does not exist on 2020-05-01",
    );
    check(
        &moved("01@2024-05-01", "2027-01-01", "02@2024-05-01"),
        "is a root",
    );
    check(
        &moved("10101@2024-05-01", "2027-01-01", "10102@2024-05-01"),
        "not of a higher level",
    );
    check(
        &renamed("10101@2024-05-01", "2024-05-01", "Xã"),
        "does not exist on",
    );
}

#[test]
fn an_end_that_does_not_hold_says_why_and_waits() {
    check(
        &ended("10101@2024-05-01", "2024-04-30", &[]),
        "does not exist on",
    );
    let why = check(
        &ended("101@2024-05-01", "2026-12-31", &[]),
        "10101@2024-05-01 still leans on it",
    );
    assert!(why.may_come_to_hold());
    check(
        &ended("10101@2024-05-01", "2026-12-31", &["10101@2024-05-01"]),
        "does not exist on the day after",
    );
    check(
        &ended("10101@2024-05-01", "2026-12-31", &["10101@2027-01-01"]),
        "is not in this tree",
    );
    let twice = ["10102@2024-05-01", "10102@2024-05-01"];
    check(
        &ended("10101@2024-05-01", "2026-12-31", &twice),
        "exactly one must be heir",
    );
}

#[test]
fn of_two_that_contradict_each_other_one_is_void_everywhere() {
    let pairs = [
        [
            moved("10101@2024-05-01", "2027-01-01", "102@2024-05-01"),
            moved("10101@2024-05-01", "2027-01-01", "201@2024-05-01"),
        ],
        [
            renamed("10101@2024-05-01", "2027-01-01", "Phường A"),
            renamed("10101@2024-05-01", "2027-01-01", "Phường B"),
        ],
        [
            ended("10101@2024-05-01", "2026-12-31", &["10102@2024-05-01"]),
            ended("10101@2024-05-01", "2027-12-31", &["10102@2024-05-01"]),
        ],
        [
            ended("10101@2024-05-01", "2026-12-31", &["10102@2024-05-01"]),
            moved("10101@2024-05-01", "2028-01-01", "102@2024-05-01"),
        ],
        [
            ended("10101@2024-05-01", "2026-12-31", &["10102@2024-05-01"]),
            ended("10102@2024-05-01", "2026-12-31", &["10101@2024-05-01"]),
        ],
    ];
    for [first, second] in pairs {
        let mut one = small();
        one.apply(&first).unwrap();
        let _ = one.apply(&second);
        let mut other = small();
        other.apply(&second).unwrap();
        let _ = other.apply(&first);
        assert_eq!(one, other);
        assert_eq!(one.void_events(), other.void_events());
        assert_eq!(one.void_events().len(), 1);
    }
}

#[test]
fn an_earlier_change_that_comes_late_finds_its_place() {
    let unit = "10101@2024-05-01";
    let mut tree = small();
    tree.apply(&moved(unit, "2028-01-01", "201@2024-05-01"))
        .unwrap();
    tree.apply(&renamed(unit, "2028-01-01", "Phường A"))
        .unwrap();
    let mut handed = UnitTree::decode(&tree.encode()).unwrap();
    for tree in [&mut tree, &mut handed] {
        tree.apply(&moved(unit, "2027-01-01", "102@2024-05-01"))
            .unwrap();
        tree.apply(&renamed(unit, "2027-06-01", "Phường B"))
            .unwrap();
        tree.apply(&moved(unit, "2027-09-01", "201@2024-05-01"))
            .unwrap();
        tree.apply(&renamed(unit, "2027-09-01", "Phường A"))
            .unwrap();
    }
    assert_eq!(handed, tree);
    let found = tree.unit(&id(unit)).unwrap();
    for (on, parent, name) in [
        ("2026-12-31", "101@2024-05-01", "Đơn vị 10101"),
        ("2027-01-01", "102@2024-05-01", "Đơn vị 10101"),
        ("2027-06-01", "102@2024-05-01", "Phường B"),
        ("2027-09-01", "201@2024-05-01", "Phường A"),
        ("2029-01-01", "201@2024-05-01", "Phường A"),
    ] {
        assert_eq!(found.parent_on(day(on)), Some(&id(parent)), "{on}");
        assert_eq!(found.name_on(day(on)), name, "{on}");
    }
    assert_eq!((found.parents.len(), found.former.len()), (3, 2));
}

#[test]
fn scope_by_day_leaves_out_what_a_parent_left_before() {
    // The district came from province 01 before the commune was founded in it.
    let mut tree = small();
    let events = [
        moved("101@2024-05-01", "2026-01-01", "02@2024-05-01"),
        began("10103@2027-01-01", "commune", "101@2024-05-01"),
    ];
    tree.apply_all(&events).unwrap();
    assert!(tree.is_at_or_below(&id("10101@2024-05-01"), &id("01@2024-05-01")));
    assert!(tree.is_at_or_below(&id("10101@2024-05-01"), &id("02@2024-05-01")));
    assert!(tree.is_at_or_below(&id("10103@2027-01-01"), &id("02@2024-05-01")));
    assert!(!tree.is_at_or_below(&id("10103@2027-01-01"), &id("01@2024-05-01")));
    // But a part that knows the district knows all its communes, or it would count 2 of 2.
    let part = tree.restrict(&ids(&["01@2024-05-01"]));
    let district = id("101@2024-05-01");
    let on = day("2027-01-01");
    assert!(part.covers(&district));
    assert_eq!(part.children(&district, on).len(), 3);
    assert_eq!(part.children(&district, on), tree.children(&district, on));
}

#[test]
fn an_event_file_reads_as_toml() {
    let text = "[ended]\nunit = \"10101@2024-05-01\"\non = \"2026-12-31\"\n\
                [[ended.successors]]\nunit = \"10102@2024-05-01\"\nheir = true\n\
                area = \"all\"\npeople = \"all\"\nofficial = true\n";
    let event: TreeEvent = toml::from_str(text).unwrap();
    assert_eq!(
        event,
        ended("10101@2024-05-01", "2026-12-31", &["10102@2024-05-01"])
    );
}
