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

fn unit(text: &str) -> &'static Unit {
    TREE.unit(&id(text)).unwrap()
}

fn heir_of(text: &str) -> String {
    unit(text).heir().unwrap().to_string()
}

#[test]
fn the_wave_of_2025_h1_is_as_published() {
    let eve = day("2025-02-28");
    let ended = |level: &str| {
        let ended = TREE.units().filter(|unit| unit.ended == Some(eve));
        ended.filter(|unit| unit.level == level).count()
    };
    assert_eq!((ended("commune"), ended("district")), (563, 11));
    let since = day("2025-03-01");
    let begun = TREE.units().filter(|unit| unit.id.since == since);
    assert_eq!(begun.count(), 5);
    let communes = || TREE.units().filter(|unit| unit.level == "commune");
    let moved = communes().filter(|unit| unit.parents.len() > 1);
    assert_eq!(moved.count(), 148);
    let renamed = communes().filter(|unit| unit.former.iter().any(|name| name.until == eve));
    assert_eq!(renamed.count(), 442);
    assert_eq!(unit("46@2024-05-01").name, "Thành phố Huế");
    assert_eq!(unit("46@2024-05-01").name_on(eve), "Tỉnh Thừa Thiên Huế");
    assert_eq!(unit("46@2024-05-01").kind_on(eve), "tinh");
}

#[test]
fn all_communes_of_2025_are_new_and_districts_left_nobody() {
    let last = day("2025-06-30");
    for unit in TREE.units() {
        match (unit.level.as_str(), unit.ended) {
            ("commune", None) => assert_eq!(unit.id.since, day("2025-07-01"), "{}", unit.id),
            ("commune", Some(_)) => assert!(unit.heir().is_some(), "{}", unit.id),
            ("district", ended) => {
                assert!(ended.is_some_and(|ended| ended <= last));
                let is_island =
                    ["318", "471", "498", "536", "755"].contains(&unit.id.code.as_str());
                assert_eq!(unit.heir().is_some(), is_island, "{}", unit.id);
            }
            _ => {}
        }
    }
    let provinces = || TREE.units().filter(|unit| unit.level == "province");
    let kept = provinces().filter(|unit| unit.open_past && unit.ended.is_none());
    assert_eq!(kept.count(), 11);
    assert_eq!(
        provinces().filter(|unit| unit.ended == Some(last)).count(),
        52
    );
    assert_eq!(provinces().filter(|unit| !unit.open_past).count(), 23);
    // A province that took in another is a new unit, though it kept code and name.
    assert_eq!(heir_of("92@2024-05-01"), "92@2025-07-01");
    assert_eq!(heir_of("45@2024-05-01"), "44@2025-07-01");
}

#[test]
fn a_used_code_is_no_identity() {
    let reused = TREE
        .units()
        .filter(|unit| unit.id.since == day("2025-07-01"));
    let reused = reused.filter(|unit| unit.level == "commune");
    let reused = reused.filter(|unit| TREE.with_code(&unit.id.code).count() > 1);
    assert_eq!(reused.count(), 3_316);
    // Land, but none of the people: the old 06799 went on in 06886.
    let old = unit("06799@2024-05-01");
    assert_eq!(old.name_on(day("2024-06-01")), "Xã Cộng Hòa");
    assert_eq!(old.name, "Xã Hải Hòa");
    assert_eq!(heir_of("06799@2024-05-01"), "06886@2025-07-01");
    let taker = id("06799@2025-07-01");
    let share = old.successors.iter().find(|one| one.unit == taker).unwrap();
    assert_eq!(
        (share.people, share.heir, share.official),
        (Share::None, false, true)
    );
    for nobodys in ["06799@2025-07-01", "00340@2025-07-01"] {
        let sources = TREE.sources(&id(nobodys));
        assert!(!sources.is_empty());
        assert!(
            sources
                .iter()
                .all(|old| TREE.unit(old).unwrap().heir() != Some(&id(nobodys)))
        );
    }
    let heirless = TREE.units().filter(|new| {
        let heirs = |old: &&UnitId| TREE.unit(old).and_then(Unit::heir) == Some(&new.id);
        new.ended.is_none() && !new.open_past && !TREE.sources(&new.id).iter().any(heirs)
    });
    assert_eq!(heirless.count(), 2);
}

#[test]
fn a_name_that_goes_to_another_code_is_no_identity() {
    let (name, eve) = ("Phường Hồng Hà", day("2025-02-28"));
    assert_eq!(unit("04267@2024-05-01").name, name);
    assert_eq!(unit("04267@2024-05-01").ended, Some(eve));
    assert_eq!(heir_of("04267@2024-05-01"), "04264@2024-05-01");
    assert_eq!(unit("04264@2024-05-01").name_on(eve), "Phường Nguyễn Phúc");
    assert_eq!(unit("04264@2024-05-01").name, name);
    assert!(
        !unit("04267@2024-05-01").successors[0].official,
        "inferred by name"
    );
    let heir = TREE.heir_on(&id("04267@2024-05-01"), day("2025-08-01"));
    assert_eq!(heir, Some(&id("04252@2025-07-01")));
}

#[test]
fn names_are_unique_among_siblings_only() {
    for (on, homonyms) in [("2024-05-01", 27), ("2025-03-01", 0), ("2025-07-01", 0)] {
        let on = day(on);
        let named = TREE
            .units_on(on)
            .filter(|unit| unit.name_on(on) == "Xã Tân Thành");
        let named = named.count();
        assert!(
            homonyms == 0 && named > 1 || named == homonyms,
            "{on}: {named}"
        );
        let mut seen = BTreeSet::new();
        for unit in TREE.units_on(on) {
            assert!(
                seen.insert((unit.parent_on(on), unit.name_on(on))),
                "{}",
                unit.id
            );
        }
    }
}

#[test]
fn huong_hoa_has_21_communes_whenever_it_is_asked() {
    let district = id("465@2024-05-01");
    for on in ["2016-06-30", "2020-12-14", "2024-05-01", "2025-06-30"] {
        let on = day(on);
        let children = TREE.children(&district, on);
        assert_eq!(children.len(), 21, "{on}");
        assert!(children.is_sorted());
        assert_eq!(
            TREE.leaves_below(&district, on),
            TREE.descendants(&district, on)
        );
        let path = TREE.path(&id("19429@2024-05-01"), on);
        assert_eq!(
            path,
            ids(&["45@2024-05-01", "465@2024-05-01", "19429@2024-05-01"])
        );
    }
    assert!(TREE.children(&district, day("2025-07-01")).is_empty());
    assert!(TREE.leaves_below(&district, day("2025-07-01")).is_empty());
    let new: BTreeSet<&UnitId> = TREE
        .children(&district, day("2025-06-30"))
        .into_iter()
        .map(|commune| TREE.heir_on(commune, day("2025-07-01")).unwrap())
        .collect();
    assert_eq!(new.len(), 7);
    for commune in new {
        let path = TREE.path(commune, day("2025-07-01"));
        assert_eq!(path, [id("44@2025-07-01"), commune.clone()]);
    }
    // An island district has no communes: it is its own leaf.
    let island = id("471@2024-05-01");
    assert_eq!(TREE.leaves_below(&island, day("2024-05-01")), [island]);
}

#[test]
fn scope_follows_history_and_heirs_upward_only() {
    let commune = id("19456@2024-05-01");
    let heir = TREE.heir_on(&commune, day("2025-07-01")).unwrap().clone();
    for above in ["465@2024-05-01", "45@2024-05-01", "44@2025-07-01"] {
        assert!(TREE.is_at_or_below(&commune, &id(above)), "{above}");
        assert!(TREE.related(&id(above), &commune), "{above}");
    }
    assert!(TREE.is_at_or_below(&commune, &heir));
    assert!(TREE.is_at_or_below(&commune, &commune));
    assert!(
        !TREE.is_at_or_below(&heir, &commune),
        "an heir is not its source's"
    );
    assert!(
        !TREE.related(&heir, &id("45@2024-05-01")),
        "the old province had ended"
    );
    assert!(TREE.is_at_or_below(&id("465@2024-05-01"), &id("44@2025-07-01")));
    assert!(!TREE.is_at_or_below(&commune, &id("464@2024-05-01")));
    assert!(
        !TREE.is_at_or_below(&commune, &id("44@2024-05-01")),
        "Quảng Bình before"
    );
    // Over two waves.
    let gone = id("10852@2024-05-01");
    assert_eq!(heir_of("10852@2024-05-01"), "10861@2024-05-01");
    assert_eq!(
        TREE.heir_on(&gone, day("2025-07-01")),
        Some(&id("10813@2025-07-01"))
    );
    for above in [
        "294@2024-05-01",
        "30@2024-05-01",
        "31@2025-07-01",
        "10813@2025-07-01",
    ] {
        assert!(TREE.is_at_or_below(&gone, &id(above)), "{above}");
    }
    // A commune that moved was below both districts.
    let moved = TREE.units().find(|unit| unit.parents.len() > 1).unwrap();
    for span in &moved.parents {
        assert!(TREE.is_at_or_below(&moved.id, &span.unit));
    }
}

#[test]
fn every_path_reaches_a_root_down_the_levels() {
    let rank = |id: &UnitId| {
        let level = &TREE.unit(id).unwrap().level;
        TREE.levels()
            .iter()
            .position(|one| one.id == *level)
            .unwrap()
    };
    for on in [
        "2016-01-01",
        "2025-02-28",
        "2025-03-01",
        "2025-06-30",
        "2025-07-01",
    ] {
        let on = day(on);
        let mut below = 0;
        for unit in TREE.units_on(on) {
            let path = TREE.path(&unit.id, on);
            assert_eq!(path.last(), Some(&unit.id));
            assert_eq!(TREE.parent(&path[0], on), None);
            assert_eq!(TREE.unit(&path[0]).unwrap().level, "province");
            assert!(path.is_sorted_by_key(rank), "{path:?}");
            for above in &path {
                assert!(TREE.is_at_or_below(&unit.id, above));
            }
            let children = TREE.children(&unit.id, on);
            for child in &children {
                assert_eq!(TREE.parent(child, on), Some(&unit.id));
                assert_eq!(TREE.unit(child).unwrap().parent_on(on), Some(&unit.id));
            }
            below += children.len();
        }
        assert_eq!(below + TREE.roots(on).count(), TREE.units_on(on).count());
    }
}

#[test]
fn a_bare_code_is_asked_back_when_it_is_nobodys_alone() {
    let error = TREE.resolve("19429", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`19429` is the code of several units, write the one you mean: \
         19429@2024-05-01 Thị trấn Khe Sanh (until 2025-06-30), 19429@2025-07-01 Xã Khe Sanh"
    );
    assert_eq!(error.candidates().len(), 2);
    let on = |text: &str| Some(day(text));
    for (typed, date, found) in [
        ("19429", on("2020-12-14"), "19429@2024-05-01"),
        ("19429", on("2025-06-30"), "19429@2024-05-01"),
        ("19429", on("2025-07-01"), "19429@2025-07-01"),
        (" 19429@2025-07-01 ", on("2020-01-01"), "19429@2025-07-01"),
        ("465", None, "465@2024-05-01"),
        ("45", None, "45@2024-05-01"),
        ("38", None, "38@2024-05-01"),
    ] {
        assert_eq!(TREE.resolve(typed, date).unwrap(), id(found), "{typed}");
    }
    for (typed, date, says) in [
        (
            "465",
            on("2025-07-01"),
            "no unit had the code `465` on 2025-07-01, but 465@",
        ),
        (
            "6799",
            None,
            "no unit `6799` in this tree, but 06799@2024-05-01",
        ),
        (
            "19429@2025-03-01",
            None,
            "no unit `19429@2025-03-01` in this tree, but 19429@",
        ),
        ("99999", None, "no unit `99999` in this tree"),
        ("Khe Sanh", None, "`Khe Sanh` names no unit"),
        ("19429@1", None, "`19429@1` names no unit"),
        ("", None, "`` names no unit"),
    ] {
        let said = TREE.resolve(typed, date).unwrap_err().to_string();
        assert!(said.starts_with(says), "{said}");
    }
}

#[test]
fn a_part_answers_like_the_whole() {
    let days = ["2020-12-14", "2025-03-01", "2025-07-01"].map(day);
    for (root, units) in [
        ("19429@2024-05-01", 5),
        ("465@2024-05-01", 31),
        ("45@2024-05-01", 174),
        ("44@2025-07-01", 375),
        ("19429@2025-07-01", 8),
    ] {
        let root = id(root);
        let part = TREE.restrict(std::slice::from_ref(&root));
        assert_eq!(part.len(), units, "{root}");
        assert_eq!(part.restrict(std::slice::from_ref(&root)), part);
        assert_eq!(part.ever_below(&root), TREE.ever_below(&root));
        assert_eq!(UnitTree::decode(&part.encode()).unwrap(), part);
        for unit in part.units() {
            assert_eq!(Some(unit), TREE.unit(&unit.id));
            assert_eq!(part.covers(&unit.id), TREE.is_at_or_below(&unit.id, &root));
            assert_eq!(part.is_at_or_below(&unit.id, &root), part.covers(&unit.id));
            for on in days {
                assert_eq!(part.path(&unit.id, on), TREE.path(&unit.id, on));
                if part.covers(&unit.id) {
                    assert_eq!(part.children(&unit.id, on), TREE.children(&unit.id, on));
                    let below = part.version_below(&unit.id, on);
                    assert_eq!(below, TREE.version_below(&unit.id, on));
                }
            }
        }
    }
    let nobody = TREE.restrict(&ids(&["99999@2024-05-01"]));
    assert!(nobody.is_empty());
}

#[test]
fn the_national_tree_survives_its_text() {
    let bytes = TREE.encode();
    assert!(bytes.len() < 1_000_000, "{}", bytes.len());
    let back = UnitTree::decode(&bytes).unwrap();
    assert_eq!(back, *TREE);
    assert_eq!(back.version(), TREE.version());
    expect_test::expect!["cecd2340"].assert_eq(&TREE.version().short());
}
