//! Each bound is reached: one below it passes, one above is refused.

use super::super::limits::*;
use super::*;

fn level(at: usize) -> Level {
    Level {
        id: format!("level-{at}"),
        vi: "cấp".to_owned(),
        en: "level".to_owned(),
    }
}

fn header(levels: usize) -> String {
    let lines = (0..levels).map(|at| format!("level\tlevel-{at}\tcấp\tlevel\n"));
    format!("hopluu-tree 1\n{}", lines.collect::<String>())
}

fn refusal(text: &str) -> String {
    let error = UnitTree::decode(text.as_bytes()).unwrap_err();
    crate::ErrorChain(&error).to_string()
}

#[test]
fn text_and_files_are_bounded() {
    assert!(refusal(&"x".repeat(TREE_BYTES_MAX)).contains("first line"));
    assert!(refusal(&"x".repeat(TREE_BYTES_MAX + 1)).contains("bytes"));
    assert!(UnitTree::decode(header(LEVELS_MAX).as_bytes()).is_ok());
    assert!(refusal(&header(LEVELS_MAX + 1)).contains("too many levels"));
    let roots = "scope\t1@2024-05-01\n".repeat(SCOPE_MAX + 1);
    assert!(refusal(&(header(1) + &roots)).contains("too many roots"));
    let manifest = national::MANIFEST;
    let manifest = TreeManifest::parse(manifest).unwrap();
    let long = |_: &str| Some(" ".repeat(TREE_BYTES_MAX + 1));
    let said = load_snapshots(&manifest, &long).unwrap_err().to_string();
    assert!(
        said.starts_with("units-2024.csv:1: the file has more than"),
        "{said}"
    );
}

#[test]
fn manifests_are_bounded() {
    let levels = |count: usize| {
        let level = |at| format!("[[level]]\nid = \"l{at}\"\nvi = \"a\"\nen = \"a\"\n");
        (0..count).map(level).collect::<String>()
    };
    let snapshots = |count: usize| {
        let snapshot = |at: usize| {
            let codes = if at == 0 { "" } else { "codes = \"end\"\n" };
            let year = 2000 + at;
            format!("[[snapshot]]\non = {year}-01-01\nfile = \"a\"\n{codes}")
        };
        (0..count).map(snapshot).collect::<String>()
    };
    let mappings = |count| "[[snapshot.mapping]]\nfile = \"a\"\n".repeat(count);
    let check = |text: String| TreeManifest::parse(&text).map_err(|error| error.to_string());
    assert!(check(levels(LEVELS_MAX) + &snapshots(SNAPSHOTS_MAX)).is_ok());
    let said = check(levels(LEVELS_MAX + 1) + &snapshots(1)).unwrap_err();
    assert!(said.contains("none or too many levels"), "{said}");
    for count in [0, SNAPSHOTS_MAX + 1] {
        let said = check(format!("snapshot = []\n{}", levels(1)));
        let said = if count == 0 {
            said
        } else {
            check(levels(1) + &snapshots(count))
        };
        assert!(said.unwrap_err().contains("none or too many snapshots"));
    }
    assert!(check(levels(1) + &snapshots(2) + &mappings(MAPPINGS_MAX)).is_ok());
    let said = check(levels(1) + &snapshots(2) + &mappings(MAPPINGS_MAX + 1)).unwrap_err();
    assert!(said.contains("too many mappings"), "{said}");
}

#[test]
fn texts_are_checked_wherever_a_tree_comes_from() {
    let mut unit = old("01", "province", "");
    unit.name = "Tỉnh  A".to_owned();
    let flaw = UnitTree::new(levels(), vec![unit]).unwrap_err();
    assert_eq!(flaw.flaw, Flaw::Text("Tỉnh  A".to_owned()));
    let twice = [levels(), levels()].concat();
    assert!(UnitTree::new(twice, vec![old("01", "province", "")]).is_err());
}

#[test]
fn names_words_and_years_are_bounded() {
    let name = |bytes| text::is_name(&"a".repeat(bytes));
    assert!(name(1) && name(NAME_BYTES_MAX) && !name(0) && !name(NAME_BYTES_MAX + 1));
    let word = |bytes| text::is_word(&"a".repeat(bytes));
    assert!(word(1) && word(WORD_BYTES_MAX) && !word(0) && !word(WORD_BYTES_MAX + 1));
    for (good, text) in [
        (true, "1900-01-01"),
        (true, "2200-12-31"),
        (false, "1899-12-31"),
        (false, "2201-01-01"),
        (false, "2024-02-30"),
        (false, "+024-02-01"),
        (false, "2024-02-01T00:00"),
    ] {
        assert_eq!(text::read_day(text).is_some(), good, "{text}");
    }
    let plain: String = ('\0'..char::MAX)
        .filter(|letter| text::is_plain(*letter))
        .collect();
    assert!(plain.len() > 1_000 && unicode_normalization::is_nfc(&plain));
    for bad in [" a", "a ", "a  b", "a\tb", "a\nb", "e\u{301}"] {
        assert!(!text::is_name(bad), "{bad:?}");
    }
}

#[test]
fn the_number_of_units_is_bounded() {
    let units = |count: usize| {
        let units = (0..count).map(|at| {
            let mut unit = old("01", "province", "");
            unit.id.code = format!("U{at}").parse().unwrap();
            unit
        });
        UnitTree::new(levels(), units.collect())
    };
    let mut tree = units(UNITS_MAX).unwrap();
    assert!(tree.encode().len() < TREE_BYTES_MAX);
    let began = TreeEvent::Began {
        unit: id("03@2027-01-01"),
        name: "Tỉnh".to_owned(),
        level: "province".to_owned(),
        kind: "tinh".to_owned(),
        parent: None,
    };
    assert_eq!(tree.apply(&began), Err(EventError::Full("units")));
    assert_eq!(units(UNITS_MAX + 1).unwrap_err().flaw, Flaw::TooManyUnits);
    let line = "A\tlevel-0\tx\tx\n".repeat(UNITS_MAX + 1);
    let said = refusal(&format!("{}since\t2024-05-01\n{line}", header(1)));
    assert!(said.contains("too many units"), "{said}");
}

#[test]
fn the_parts_of_one_unit_are_bounded() {
    let renamed = |count: usize| {
        let mut unit = old("01", "province", "");
        let days = (0..count).map(|at| {
            Date::constant(2025, 1, 1)
                .saturating_add(jiff::Span::new().days(i64::try_from(at).unwrap()))
        });
        let former = days.map(|until| Former {
            until,
            name: "Tỉnh".to_owned(),
            kind: "tinh".to_owned(),
        });
        unit.former = former.collect();
        UnitTree::new(levels(), vec![unit])
    };
    let mut tree = renamed(PER_UNIT_MAX).unwrap();
    assert_eq!(
        renamed(PER_UNIT_MAX + 1).unwrap_err().flaw,
        Flaw::TooManyParts
    );
    let another = TreeEvent::Renamed {
        unit: id("01@2024-05-01"),
        on: day("2027-01-01"),
        name: "Tỉnh khác".to_owned(),
        kind: "tinh".to_owned(),
    };
    assert_eq!(
        tree.apply(&another),
        Err(EventError::Full("names of one unit"))
    );
}

#[test]
fn what_is_above_one_unit_is_bounded() {
    // Each unit of the lowest level hands on to one under a parent of its own.
    let chain = |waves: u8| {
        let mut units = Vec::new();
        for wave in 0..waves {
            let first = Date::constant(1950 + i16::from(wave), 1, 1);
            let unit = |code: &str, level: &str| {
                let mut unit = old(code, level, "");
                unit.id.since = first;
                unit.open_past = false;
                unit
            };
            let parent = unit(&format!("P{wave}"), "province");
            let mut child = unit("1", "commune");
            child.parents = vec![ParentSpan {
                from: first,
                unit: parent.id.clone(),
            }];
            if wave + 1 < waves {
                let next = Date::constant(1951 + i16::from(wave), 1, 1);
                child.ended = Some(unit::day_before(next));
                let code = child.id.code.clone();
                child.successors = vec![Successor::sole(UnitId { code, since: next })];
            }
            units.extend([parent, child]);
        }
        UnitTree::new(levels(), units)
    };
    // The first has a parent, and each heir adds itself and its own: 2 n - 1.
    let most = u8::try_from(ABOVE_MAX / 2).unwrap();
    let tree = chain(most).unwrap();
    let first = id("1@1950-01-01");
    let above = tree
        .units()
        .filter(|unit| tree.is_at_or_below(&first, &unit.id));
    assert_eq!(above.count(), ABOVE_MAX, "with itself");
    assert_eq!(chain(most + 1).unwrap_err().flaw, Flaw::TooManyAbove);
    const { assert!(ABOVE_STEPS_MAX >= ABOVE_MAX) };
}

#[test]
fn a_walk_that_never_ends_is_refused() {
    // Parents that take turns: each level doubles the spans, but not the units.
    let mut units = vec![old("01", "level-0", ""), old("02", "level-0", "")];
    for at in 1..LEVELS_MAX {
        for side in ["01", "02"] {
            let mut unit = old(&format!("{at}{side}"), &format!("level-{at}"), "");
            let days = (0..PER_UNIT_MAX).map(|day| {
                let step = i64::try_from(day * at).unwrap();
                Date::constant(2024, 5, 1).saturating_add(jiff::Span::new().days(step))
            });
            unit.parents = (0..)
                .zip(days)
                .map(|(turn, from)| {
                    let up = if turn % 2 == 0 { "01" } else { "02" };
                    let code = if at == 1 {
                        up.to_owned()
                    } else {
                        format!("{}{up}", at - 1)
                    };
                    let code = code.parse().unwrap();
                    let since = day("2024-05-01");
                    ParentSpan {
                        from,
                        unit: UnitId { code, since },
                    }
                })
                .collect();
            units.push(unit);
        }
    }
    let levels = (0..LEVELS_MAX).map(level).collect();
    assert_eq!(
        UnitTree::new(levels, units).unwrap_err().flaw,
        Flaw::TooManyAbove
    );
}

#[test]
fn events_are_bounded() {
    let moved = |at: usize| TreeEvent::Moved {
        unit: id(&format!("U{at}@2024-05-01")),
        on: day("2027-01-01"),
        parent: id("01@2024-05-01"),
    };
    let mut tree = small();
    let most: Vec<_> = (0..EVENTS_MAX).map(moved).collect();
    tree.apply_all(&most).unwrap();
    assert_eq!(tree.void_events().len(), EVENTS_MAX);
    assert_eq!(
        tree.apply(&moved(EVENTS_MAX)),
        Err(EventError::Full("events"))
    );
    assert!(
        matches!(tree.apply(&moved(0)), Err(EventError::UnitUnknown(_))),
        "it is held"
    );

    let ended = |count: usize| TreeEvent::Ended {
        unit: id("ABCDEFGHIJKL@2024-05-01"),
        on: day("2027-01-01"),
        successors: (0..count)
            .map(|at| Successor::sole(id(&format!("ABCDEFGHIJ{at}@2027-01-01"))))
            .collect(),
    };
    let most = ended(PER_UNIT_MAX).encode();
    assert!(most.len() < EVENT_BYTES_MAX);
    assert!(TreeEvent::decode(&most).is_ok());
    assert!(TreeEvent::decode(&ended(PER_UNIT_MAX + 1).encode()).is_err());
    assert_eq!(
        small().apply(&ended(PER_UNIT_MAX + 1)),
        Err(EventError::Text("number of successors"))
    );
    let long = [most, vec![b'\t'; EVENT_BYTES_MAX]].concat();
    assert!(TreeEvent::decode(&long).is_err());
}

#[test]
fn a_restriction_names_a_bounded_number_of_roots() {
    let units = (0..=SCOPE_MAX).map(|at| {
        let mut unit = old("01", "province", "");
        unit.id.code = format!("U{at}").parse().unwrap();
        unit
    });
    let tree = UnitTree::new(levels(), units.collect()).unwrap();
    let all: Vec<UnitId> = tree.units().map(|unit| unit.id.clone()).collect();
    assert_eq!(tree.restrict(&all).scope().len(), SCOPE_MAX);
}
