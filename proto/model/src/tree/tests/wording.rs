//! The canonical text: what it looks like, and that nothing else is taken for it.

use expect_test::expect;

use super::national::TREE;
use super::*;

#[test]
fn a_commune_is_handed_a_screenful() {
    let part = TREE.restrict(&ids(&["04267@2024-05-01"]));
    let text = String::from_utf8(part.encode()).unwrap();
    expect![[r#"
        hopluu-tree 1
        level  province  cấp tỉnh  province
        level  district  cấp huyện  district
        level  commune  cấp xã  commune
        scope  04267@2024-05-01
        since  2024-05-01  open
        04264  commune  phuong  Phường Hồng Hà  2025-06-30  132  04252@2025-07-01/aaho  2025-02-28 phuong Phường Nguyễn Phúc
        04267  commune  phuong  Phường Hồng Hà  2025-02-28  132  04264/uuh
        132  district  thanh_pho  Thành phố Yên Bái  2025-06-30  15
        15  province  tinh  Tỉnh Yên Bái  2025-06-30    15@2025-07-01/aaho
        since  2025-07-01
        04252  commune  phuong  Phường Yên Bái    15
        15  province  tinh  Tỉnh Lào Cai
    "#]].assert_eq(&text.replace('\t', "  "));
}

#[test]
fn an_event_is_one_line() {
    let show = |event: TreeEvent| {
        let bytes = event.encode();
        assert_eq!(TreeEvent::decode(&bytes).unwrap(), event);
        String::from_utf8(bytes).unwrap().replace('\t', "  ")
    };
    let unit = id("19429@2027-01-01");
    let began = TreeEvent::Began {
        unit: unit.clone(),
        name: "Phường Khe Sanh".to_owned(),
        level: "commune".to_owned(),
        kind: "phuong".to_owned(),
        parent: Some(id("44@2025-07-01")),
    };
    let ended = TreeEvent::Ended {
        unit: id("19429@2025-07-01"),
        on: day("2026-12-31"),
        successors: vec![Successor::sole(unit.clone())],
    };
    let moved = TreeEvent::Moved {
        unit: unit.clone(),
        on: day("2028-01-01"),
        parent: id("46@2024-05-01"),
    };
    let renamed = TreeEvent::Renamed {
        unit,
        on: day("2029-01-01"),
        name: "Xã Khe Sanh".to_owned(),
        kind: "xa".to_owned(),
    };
    expect![[r#"
        hopluu-tree-event 1  began  19429@2027-01-01  commune  phuong  Phường Khe Sanh  44@2025-07-01
        hopluu-tree-event 1  ended  19429@2025-07-01  2026-12-31  19429@2027-01-01/aaho
        hopluu-tree-event 1  moved  19429@2027-01-01  2028-01-01  46@2024-05-01
        hopluu-tree-event 1  renamed  19429@2027-01-01  2029-01-01  xa  Xã Khe Sanh
    "#]].assert_eq(&[began, ended, moved, renamed].map(show).concat());
}

/// The small tree with one text replaced is refused in that line.
fn check(from: &str, to: &str, line: usize, says: &str) {
    let good = String::from_utf8(small().encode()).unwrap();
    assert!(good.contains(from), "{from}");
    let error = UnitTree::decode(good.replacen(from, to, 1).as_bytes()).unwrap_err();
    let said = crate::ErrorChain(&error).to_string();
    assert_eq!(error.line, line, "{said}");
    assert!(said.contains(says), "{said}");
}

#[test]
fn what_is_not_canonical_is_refused_with_its_line() {
    check("tree 1", "tree 2", 1, "the first line is not");
    check(
        "level\tdistrict",
        "level\tDistrict",
        3,
        "level cannot be read",
    );
    check(
        "since\t2024-05-01",
        "since\t2024-5-1",
        5,
        "day cannot be read",
    );
    check("since\t2024-05-01\topen\n", "", 5, "out of place");
    check(
        "10101\tcommune",
        "10101\ttown",
        9,
        "level `town` is not declared",
    );
    check("10101\tcommune", "10102\tcommune", 10, "there twice");
    check(
        "xa\tĐơn vị 10101",
        "xa\tĐơn  vị 10101",
        9,
        "name cannot be read",
    );
    check(
        "\t101\n",
        "\t109\n",
        9,
        "parent 109@2024-05-01 is not in the tree",
    );
    check("\t101\n", "\t20101\n", 9, "not of a higher level");
    check("\t101\n", "\t101 \n", 0, "not the canonical spelling");
    check(
        "Đơn vị 01\n",
        "Đơn vị 01\t2023-01-01\n",
        6,
        "dates are out of order",
    );
    check(
        "Đơn vị 102\t",
        "Đơn vị 102\t2030-01-01\t",
        11,
        "successor cannot be read",
    );
    check(
        "Đơn vị 02\n",
        "Đơn vị 02\t2030-01-01\n",
        13,
        "does not exist all the time",
    );
    check(
        "level\tprovince",
        "scope\t77@2024-05-01\nlevel\tprovince",
        0,
        "scope cannot",
    );
}

#[test]
fn what_was_cut_is_refused() {
    let good = String::from_utf8(small().encode()).unwrap();
    assert!(UnitTree::decode(&[]).is_err());
    assert!(UnitTree::decode(b"\xff\xfe").is_err());
    assert!(UnitTree::decode(good.trim_end().as_bytes()).is_err());
    assert_eq!(UnitTree::decode(good.as_bytes()).unwrap(), small());
}

#[test]
fn events_are_refused_in_any_other_spelling() {
    let line = "hopluu-tree-event 1\tmoved\t19429@2027-01-01\t2028-01-01\t44@2025-07-01\n";
    assert!(TreeEvent::decode(line.as_bytes()).is_ok());
    for (from, to) in [
        ("event 1", "event 2"),
        ("moved", "lifted"),
        ("2028-01-01", "2028-1-1"),
        ("2028-01-01", "1728-01-01"),
        ("@2027-01-01", ""),
        ("\n", ""),
        ("\n", "\tmore\n"),
        ("\t44@2025-07-01", ""),
    ] {
        let bad = line.replacen(from, to, 1);
        assert!(TreeEvent::decode(bad.as_bytes()).is_err(), "{bad}");
    }
}
