//! The shipped tables of Viet Nam: counts as published, and the traps that are in them.

use std::sync::LazyLock;

use super::*;

pub(super) const MANIFEST: &str = include_str!("../../../../../config/units/tree.toml");

pub(super) fn file(name: &str) -> Option<String> {
    let text = match name {
        "units-2024.csv" => include_str!("../../../../../config/units/units-2024.csv"),
        "units-2025h1.csv" => include_str!("../../../../../config/units/units-2025h1.csv"),
        "units-2025.csv" => include_str!("../../../../../config/units/units-2025.csv"),
        "mapping-2024-to-2025h1.csv" => {
            include_str!("../../../../../config/units/mapping-2024-to-2025h1.csv")
        }
        "mapping-2025.csv" => include_str!("../../../../../config/units/mapping-2025.csv"),
        "provinces-2025.csv" => include_str!("../../../../../config/units/provinces-2025.csv"),
        _ => return None,
    };
    Some(text.to_owned())
}

/// Loaded once for all tests.
pub(super) static TREE: LazyLock<UnitTree> = LazyLock::new(|| {
    let manifest = TreeManifest::parse(MANIFEST).expect("the shipped manifest is right");
    match load_snapshots(&manifest, &file) {
        Ok(tree) => tree,
        Err(error) => panic!("the shipped tables are right: {error}"),
    }
});

pub(super) fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

fn count(level: &str, on: &str) -> usize {
    let units = TREE.units_on(day(on));
    units.filter(|unit| unit.level == level).count()
}

#[test]
fn counts_are_the_published_ones() {
    for (on, provinces, districts, communes) in [
        ("2016-01-01", 63, 705, 10_595),
        ("2024-05-01", 63, 705, 10_595),
        ("2025-02-28", 63, 705, 10_595),
        ("2025-03-01", 63, 696, 10_035),
        ("2025-06-30", 63, 696, 10_035),
        ("2025-07-01", 34, 0, 3_321),
        ("2030-01-01", 34, 0, 3_321),
    ] {
        assert_eq!(count("province", on), provinces, "{on}");
        assert_eq!(count("district", on), districts, "{on}");
        assert_eq!(count("commune", on), communes, "{on}");
        assert_eq!(TREE.roots(day(on)).count(), provinces, "{on}");
    }
    // 63 + 705 + 10,595, then 2 districts and 3 communes, then 23 provinces and 3,321 communes.
    assert_eq!(TREE.len(), 11_363 + 5 + 23 + 3_321);
}
