//! Random trees and events: no order, no text and no part changes what a tree says.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const OLD: [&str; 10] = [
    "01", "02", "101", "102", "201", "10101", "10102", "10201", "20101", "20102",
];
const NEW: [(&str, &str); 5] = [
    ("03", "province"),
    ("103", "district"),
    ("10101", "commune"),
    ("10103", "commune"),
    ("20101", "commune"),
];

fn any_day() -> impl Strategy<Value = Date> {
    (2025..2028_i16, 1..=3_i8).prop_map(|(year, month)| Date::constant(year, month * 4, 1))
}

/// New units begin on one of two days, so that most events are about somebody.
fn new_unit() -> impl Strategy<Value = (UnitId, &'static str)> {
    (0..NEW.len(), 2025..2027_i16).prop_map(|(at, year)| {
        let (code, level) = NEW[at];
        (id(&format!("{code}@{year}-08-01")), level)
    })
}

fn any_unit() -> impl Strategy<Value = UnitId> {
    let old = (0..OLD.len()).prop_map(|at| id(&format!("{}@2024-05-01", OLD[at])));
    prop_oneof![2 => old, 1 => new_unit().prop_map(|(unit, _)| unit)]
}

/// One that can have others below it.
fn any_parent() -> impl Strategy<Value = UnitId> {
    let parents: Vec<UnitId> = OLD
        .iter()
        .filter(|code| code.len() < 5)
        .map(|code| id(&format!("{code}@2024-05-01")))
        .chain([id("103@2025-08-01"), id("03@2026-08-01")])
        .collect();
    proptest::sample::select(parents)
}

fn any_event() -> impl Strategy<Value = TreeEvent> {
    let began = (new_unit(), any_parent()).prop_map(|((unit, level), parent)| TreeEvent::Began {
        name: format!("Mới {unit}"),
        unit,
        level: level.to_owned(),
        kind: "xa".to_owned(),
        parent: (level != "province").then_some(parent),
    });
    let ended = (any_unit(), any_day(), vec(any_unit(), 0..3));
    let ended = ended.prop_map(|(unit, on, units)| {
        let successor = |(at, unit)| Successor {
            heir: at == 0,
            ..Successor::sole(unit)
        };
        TreeEvent::Ended {
            unit,
            on: unit::day_before(on),
            successors: units.into_iter().enumerate().map(successor).collect(),
        }
    });
    let moved = (any_unit(), any_day(), any_parent());
    let moved = moved.prop_map(|(unit, on, parent)| TreeEvent::Moved { unit, on, parent });
    let renamed = (any_unit(), any_day(), "[a-c]").prop_map(|(unit, on, name)| {
        let kind = "xa".to_owned();
        TreeEvent::Renamed {
            unit,
            on,
            name,
            kind,
        }
    });
    prop_oneof![3 => began, 3 => ended, 3 => moved, 1 => renamed]
}

fn folded(events: &[TreeEvent]) -> UnitTree {
    let mut tree = small();
    tree.apply_all(events).expect("the events are well-formed");
    tree
}

/// Walks up by the plain rule, day by day, without the index.
fn is_below_by_walk(tree: &UnitTree, unit: &UnitId, above: &UnitId, on: Option<Date>) -> bool {
    if unit == above {
        return true;
    }
    let Some(here) = tree.unit(unit) else {
        return false;
    };
    let days =
        (2024..2029).flat_map(|year| (1..=12).map(move |month| Date::constant(year, month, 1)));
    let up = |on: Date| {
        tree.parent(unit, on)
            .is_some_and(|up| is_below_by_walk(tree, up, above, Some(on)))
    };
    let parents = match on {
        Some(on) => up(on),
        None => days.into_iter().any(up),
    };
    parents
        || here.heir().is_some_and(|heir| {
            let mut later = (2024..2029)
                .flat_map(|year| (1..=12).map(move |month| Date::constant(year, month, 1)));
            heir == above
                || later.any(|on| {
                    here.ended.is_some_and(|end| end < on)
                        && is_below_by_walk(tree, heir, above, Some(on))
                })
        })
}

proptest! {
    #[test]
    fn order_of_arrival_is_no_matter(
        (events, shuffled) in vec(any_event(), 0..32)
            .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
    ) {
        let whole = folded(&events);
        let mut one_by_one = small();
        for event in &shuffled {
            let expected = one_by_one.check(event);
            prop_assert_eq!(one_by_one.apply(event), expected);
        }
        prop_assert_eq!(&one_by_one, &whole);
        prop_assert_eq!(one_by_one.void_events(), whole.void_events());
        prop_assert_eq!(one_by_one.version(), whole.version());
    }

    #[test]
    fn text_says_all(events in vec(any_event(), 0..32)) {
        let tree = folded(&events);
        let mut back = UnitTree::decode(&tree.encode()).expect("its own text");
        prop_assert_eq!(&back, &tree);
        back.apply_all(&events).expect("well-formed");
        prop_assert_eq!(&back, &tree, "events that are folded in already change nothing");
        for event in &events {
            let back = TreeEvent::decode(&event.encode()).expect("its own text");
            prop_assert_eq!(back.encode(), event.encode());
        }
    }

    #[test]
    fn the_rules_of_a_tree_hold(events in vec(any_event(), 0..32), on in any_day()) {
        let tree = folded(&events);
        for unit in tree.units_on(on) {
            let path = tree.path(&unit.id, on);
            prop_assert_eq!(path.last(), Some(&unit.id));
            prop_assert!(tree.unit(&path[0]).is_some_and(|root| root.parents.is_empty()));
            for above in &path {
                prop_assert!(tree.is_at_or_below(&unit.id, above));
                prop_assert!(*above == unit.id || tree.descendants(above, on).contains(&unit.id));
            }
            let leaves = tree.leaves_below(&unit.id, on);
            prop_assert!(leaves.iter().all(|leaf| tree.children(leaf, on).is_empty()));
        }
    }

    #[test]
    fn scope_is_the_walk_up_day_by_day(
        events in vec(any_event(), 0..32), unit in any_unit(), above in any_unit()
    ) {
        let tree = folded(&events);
        prop_assert_eq!(
            tree.is_at_or_below(&unit, &above),
            is_below_by_walk(&tree, &unit, &above, None)
        );
    }

    #[test]
    fn a_part_says_the_same(
        events in vec(any_event(), 0..32), roots in vec(any_unit(), 1..3), on in any_day()
    ) {
        let tree = folded(&events);
        let part = tree.restrict(&roots);
        prop_assert_eq!(&part.restrict(&roots), &part);
        for unit in part.units() {
            prop_assert_eq!(Some(unit), tree.unit(&unit.id));
            prop_assert_eq!(part.path(&unit.id, on), tree.path(&unit.id, on));
            for other in part.units() {
                prop_assert_eq!(
                    part.is_at_or_below(&unit.id, &other.id),
                    tree.is_at_or_below(&unit.id, &other.id)
                );
            }
            if part.covers(&unit.id) {
                prop_assert_eq!(part.children(&unit.id, on), tree.children(&unit.id, on));
                prop_assert_eq!(part.version_below(&unit.id, on), tree.version_below(&unit.id, on));
            }
        }
        for unit in tree.units() {
            let is_below = |root: &&UnitId| tree.unit(root).is_some() && tree.is_at_or_below(&unit.id, root);
            if roots.iter().any(|root| is_below(&root)) {
                prop_assert!(part.covers(&unit.id));
            }
        }
    }

    #[test]
    fn damaged_text_never_panics(at in 0..4000_usize, byte in any::<u8>(), cut in 0..4000_usize) {
        let mut bytes = folded(&[]).encode();
        let len = bytes.len();
        bytes[at % len] = byte;
        if let Ok(tree) = UnitTree::decode(&bytes) {
            prop_assert_eq!(tree.encode(), bytes.clone());
        }
        bytes.truncate(cut % len);
        let _ = UnitTree::decode(&bytes);
        let _ = TreeEvent::decode(&bytes);
    }
}
