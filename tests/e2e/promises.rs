//! What the README and docs/cli.md promise, one test each.

use serde_json::{Value, json};

use crate::world::{
    COMMUNE, DISTRICT, Home, NEIGHBOUR, REVIEW, Watch, World, YEARS, line, path_text, rows,
    text_at, until,
};

const FLOOD: &str = "flood-quick";
const DAY: &str = "x20201018-lu-quet";

#[test]
fn five_minutes_with_two_nodes_bring_a_figure_up_and_a_receipt_down() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    assert_eq!(commune.ready["unit"], COMMUNE);
    commune.home.set(&["II.1.1.a=1.500", "II.1.1.a.1=08"]);
    until("the district's total is the commune's figure", || {
        let total = district.home.total(DISTRICT);
        line(&total, "II.1.1.a")["value"] == "1500" && line(&total, "II.1.1.a.1")["value"] == "8"
    });
    let total = district.home.total(DISTRICT);
    assert_eq!(
        (&total["reported"], &total["expected"]),
        (&json!(1), &json!(21))
    );
    let missing = rows(&total, "/missing");
    assert_eq!(missing.len(), 20, "the missing are named, not zero");
    assert!(missing.iter().any(|row| row["name"] == "Thị trấn Lao Bảo"));
    until("the receipt is back", || commune.home.has_arrived());
    let reports = commune.home.ask(&["report", "list"]);
    assert_eq!(reports.pointer("/0/reached/0/unit"), Some(&json!(DISTRICT)));
    assert_eq!(
        reports.pointer("/0/reached/0/level"),
        Some(&json!("district"))
    );
    let page = commune.home.tell(&["report", "list"]).out;
    assert!(page.contains("Huyện Hướng Hóa"), "{page}");
    let explained = district
        .home
        .ask(&["rollup", "explain", "465", REVIEW, YEARS, "II.1.1.a"]);
    assert!(
        explained
            .to_string()
            .contains(text_at(&commune.ready, "/node")),
        "a total leads to its author: {explained}"
    );
    // Both hold the same, so both come to the same bytes.
    assert_eq!(
        commune.home.total(COMMUNE)["digest"],
        district.home.total(COMMUNE)["digest"]
    );
    commune.stop();
    district.stop();
}

#[test]
fn a_node_starts_while_a_command_still_works_in_its_folder() {
    let world = World::new();
    let root = world.root("465", DISTRICT);
    // As in the README: the node is started in the background, and the next line does not wait for it.
    for _ in 0..3 {
        let mut asking = root.command(&["report", "list"]);
        let mut asking = asking.spawn().expect("the program starts");
        let node = root.start();
        assert!(asking.wait().expect("it ends").success());
        node.stop();
    }
    let ticket = root.tell(&["invite", "19429@2024-05-01"]);
    assert_eq!(
        ticket.code, 0,
        "its address is in its settings: {}",
        ticket.err
    );
}

#[test]
fn what_is_written_without_a_daemon_is_sent_when_it_runs() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let commune = commune.stop();
    commune.set(&["II.1.1.a=42"]);
    assert_eq!(commune.figure(COMMUNE, "II.1.1.a"), "42");
    assert_eq!(line(&commune.total(COMMUNE), "II.1.1.a")["value"], "42");
    assert_eq!(district.home.total(DISTRICT)["reported"], 0);
    let _commune = commune.start();
    until("it has arrived", || {
        line(&district.home.total(DISTRICT), "II.1.1.a")["value"] == "42"
    });
}

/// Reports with everything a report can hold, as a person types it.
fn write_of_all_kinds(home: &Home) {
    let review = |command: &str, words: &[&str]| {
        let report = ["report", command, REVIEW, YEARS];
        home.ask(&[&report, words, &["--unit", COMMUNE]].concat());
    };
    let counts = ["--new", "II.1.1.a=1.500", "II.1.1.b=rỗng"];
    let others = ["II.1.3.a=trên 420", "II.2.6=Có", "II.3.2.a=90,5"];
    let office = ["--office", "police"];
    review("set", &[&counts[..], &others, &office].concat());
    review("note", &["II.1.1.a", "theo công an \"xã\"; số tạm"]);
    let text = ["situation", "Tình hình ổn định.\nKhông có điểm nóng."];
    review("text", &[text, office].concat());
    let flood = ["report", "set", "--new", FLOOD, DAY, "N.dead=0"];
    home.ask(&[&flood[..], &["A.rice=12,5", "--unit", NEIGHBOUR]].concat());
}

#[test]
fn what_is_exported_is_imported_with_the_same_content() {
    let world = World::new();
    let first = world.root("a", DISTRICT);
    write_of_all_kinds(&first);
    let file = path_text(&world.path("out.jsonl"));
    assert_eq!(first.tell(&["report", "export", "-o", &file]).code, 0);
    let exported = std::fs::read_to_string(&file).expect("the export is there");
    assert_eq!(exported.lines().count(), 2);

    let other = world.root("b", DISTRICT);
    let imported = other.tell(&["--json", "report", "import", &file]);
    assert_eq!(imported.code, 0, "{}", imported.err);
    assert!(
        imported
            .lines()
            .iter()
            .all(|row| row["saved"]["change"].is_string())
    );
    let again = other.tell(&["report", "export"]);
    let content = |text: &str| -> Vec<Value> {
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().expect("every line is JSON")
    };
    assert_eq!(content(&again.out), content(&exported));
    for (unit, form, period) in [(COMMUNE, REVIEW, YEARS), (NEIGHBOUR, FLOOD, DAY)] {
        let digest =
            |home: &Home| home.ask(&["rollup", "show", unit, form, period])["lines"].clone();
        assert_eq!(
            digest(&first),
            digest(&other),
            "{form} comes to the same totals"
        );
    }
    let twice = other.feed(&["--json", "report", "import", "-"], &exported);
    assert_eq!(twice.code, 0);
    assert!(
        twice
            .lines()
            .iter()
            .all(|row| row["saved"]["change"].is_null())
    );
}

#[test]
fn a_report_starts_from_the_last_is_cleared_undone_and_withdrawn() {
    let world = World::new();
    let home = world.root("a", COMMUNE);
    let report = |command: &'static str, period: &'static str, rest: &[&str]| {
        home.ask(&[&["report", command, REVIEW, period], rest].concat())
    };
    let figures = |period: &'static str| {
        let shown = report("show", period, &[]);
        let rows = rows(&shown, "/figures").iter();
        rows.map(|row| format!("{}={}", text_at(row, "/code"), text_at(row, "/value")))
            .collect::<Vec<_>>()
            .join(" ")
    };
    report("set", "2019-H1", &["--new", "II.1.1.a=1500", "II.1.1.b=7"]);
    report("new", "2019-H2", &["--like", "last"]);
    assert_eq!(figures("2019-H2"), "II.1.1.a=1500 II.1.1.b=7");
    report("clear", "2019-H2", &["II.1.1.a"]);
    assert_eq!(figures("2019-H2"), "II.1.1.a=blank II.1.1.b=7");
    report("undo", "2019-H2", &[]);
    assert_eq!(figures("2019-H2"), "II.1.1.a=1500 II.1.1.b=7");
    report("clear", "2019-H2", &["--all"]);
    assert_eq!(figures("2019-H2"), "II.1.1.a=blank II.1.1.b=blank");
    assert_eq!(figures("2019-H1"), "II.1.1.a=1500 II.1.1.b=7");
    let page = home.tell(&["report", "print", REVIEW, "2019-H1"]).out;
    assert!(page.contains("Tổng số cơ sở có nguy cơ hiện có"), "{page}");
    assert!(page.contains("1.500"), "{page}");

    let total = || home.ask(&["rollup", "show", COMMUNE, REVIEW, "2019-H1"]);
    assert_eq!(total()["reported"], 1);
    report("withdraw", "2019-H1", &["--reason", "nhầm kỳ"]);
    let after = total();
    assert_eq!(after["reported"], 0, "a withdrawn report counts as missing");
    assert_eq!(after.pointer("/missing/0/unit"), Some(&json!(COMMUNE)));
    assert_eq!(line(&after, "II.1.1.a")["value"], Value::Null);
    let history = home.tell(&["report", "history", REVIEW, "2019-H1"]).out;
    assert!(
        history.contains("nhầm kỳ"),
        "the reason stays readable: {history}"
    );
}

#[test]
fn a_watch_tells_what_becomes_durable_line_by_line() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let above = Watch::start(&district.home);
    let below = Watch::start(&commune.home);
    commune.home.set(&["II.1.1.a=42"]);
    let own = below.until("its own change", |event| event["event"] == "report_changed");
    assert_eq!(own["from"], Value::Null);
    let change = above.until("the change", |event| event["event"] == "report_changed");
    assert_eq!(change["from"], commune.ready["node"]);
    assert_eq!(change["report"], own["report"]);
    assert_eq!(change["heads"], own["heads"]);
    let total = above.until("the total", |event| {
        event["event"] == "total_changed" && event["unit"] == DISTRICT
    });
    assert_eq!(
        (&total["reported"], &total["expected"]),
        (&json!(1), &json!(21))
    );
    assert_eq!(total["digest"], district.home.total(DISTRICT)["digest"]);
    let receipt = below.until("the receipt", |event| event["event"] == "receipt_arrived");
    assert_eq!(receipt["unit"], DISTRICT);
    let node = commune.ready["node"].clone();
    commune.stop();
    let closed = above.until("the end of the link", |event| {
        event["event"] == "link_closed"
    });
    assert_eq!(closed["node"], node);
}

#[test]
fn what_came_after_a_backup_comes_back_from_the_superior() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    commune.home.set(&["II.1.1.a=1", "II.1.1.b=1"]);
    let backup = path_text(&world.path("backup.db"));
    assert!(commune.home.ask(&["backup", &backup])["bytes"].as_u64() > Some(4096));
    commune.home.set(&["II.1.1.a=2"]);
    until("the district has the later edit", || {
        commune.home.has_arrived()
    });
    let commune = commune.stop();
    let restored = commune.ask(&["restore", &backup]);
    assert_eq!(restored["documents"], 1);
    assert_eq!(commune.figure(COMMUNE, "II.1.1.a"), "1");
    let commune = commune.start();
    until("the lost edit is back", || {
        commune.home.figure(COMMUNE, "II.1.1.a") == "2"
    });
    // A restored node goes on writing, and its edits go up.
    commune.home.set(&["II.1.1.a=3"]);
    until("a new edit arrives", || {
        line(&district.home.total(DISTRICT), "II.1.1.a")["value"] == "3"
    });
    assert_eq!(
        line(&district.home.total(DISTRICT), "II.1.1.b")["value"],
        "1"
    );
}

#[test]
fn a_year_is_computed_from_its_half_years() {
    let world = World::new();
    let home = world.root("a", DISTRICT);
    let set = |period: &str, figures: &[&str]| {
        let words = ["report", "set", "--new", REVIEW, period, "--unit", COMMUNE];
        home.ask(&[&words, figures].concat());
    };
    let year = || home.ask(&["rollup", "show", "465", REVIEW, "2019"]);
    set("2019-H1", &["II.1.1.a=5", "II.2.1B.a=3"]);
    let first = year();
    assert_eq!(line(&first, "II.2.1B.a")["value"], "3");
    let missing = rows(&first, "/missing");
    assert!(
        missing
            .iter()
            .any(|row| row["unit"] == COMMUNE && row["period"] == "2019-H2")
    );
    set("2019-H2", &["II.1.1.a=7", "II.2.1B.a=4"]);
    let whole = year();
    assert_eq!(line(&whole, "II.2.1B.a")["value"], "7", "flows add");
    assert_eq!(
        line(&whole, "II.1.1.a")["value"],
        "7",
        "of a stock the last one stands"
    );
    assert_eq!(
        home.ask(&["rollup", "show", "465", REVIEW, "2019-H1"])["reported"],
        1
    );
    home.refuses(
        &[
            "report",
            "set",
            "--new",
            REVIEW,
            "2019",
            "--unit",
            COMMUNE,
            "II.1.1.a=5",
        ],
        2,
        "M-1004",
    );
}

#[test]
fn another_form_of_other_offices_needs_no_line_of_code() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let set = |office: &str, figures: &[&str]| {
        let words = ["report", "set", "--new", FLOOD, DAY, "--office", office];
        commune.home.ask(&[&words, figures].concat());
    };
    set("military", &["N.dead=0", "F.forces=120", "T.slides=3"]);
    set("police", &["F.forces=30", "S.moved=1.250"]);
    set(
        "agriculture",
        &["A.rice=12,25", "W.level=8,5", "M.loss=1.500"],
    );
    set(
        "commune_pc",
        &["T.cut_off=Có", "H=5", "H.lost=2", "H.damaged=2"],
    );
    let total = || district.home.ask(&["rollup", "show", "465", FLOOD, DAY]);
    until("all four offices have arrived", || {
        line(&total(), "H.damaged")["value"] == "2"
    });
    let total = total();
    for (code, value) in [
        ("N.dead", json!("0")),
        ("N.missing", Value::Null),
        ("F.forces", json!("150")),
        ("S.moved", json!("1250")),
        ("A.rice", json!("12.25")),
        ("T.cut_off", json!("1/1")),
        ("W.level", Value::Null),
    ] {
        assert_eq!(line(&total, code)["value"], value, "{code}");
    }
    let shown = commune.home.ask(&["report", "show", FLOOD, DAY]);
    let finding = rows(&shown, "/findings")
        .iter()
        .find(|row| row["rule"] == "R-001");
    assert_eq!(
        finding.map(|row| &row["code"]),
        Some(&json!("H")),
        "5 is not 2 + 2"
    );
}

#[test]
fn a_minor_version_of_a_form_reaches_the_commune_and_keeps_its_reports() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let set = |figure: &str| {
        commune
            .home
            .tell(&["report", "set", "--new", FLOOD, DAY, figure])
    };
    assert_eq!(set("N.dead=1").code, 0);
    let old =
        std::fs::read_to_string(hopluu_tests::repository().join("config/forms/flood-quick.toml"));
    let line_of_school = r#"
[[line]]
code = "S.schools"
printed = "10"
vi = "Trường học phải nghỉ"
en = "Schools closed"
entered = "count"
measure = "site"
over_units = "sum"
over_time = "none"
owner = "commune_pc"
since = 1

[[section]]
id = "situation""#;
    let text = old
        .expect("the form ships")
        .replacen("\"1.0\"", "\"1.1\"", 1);
    let text = text.replacen("\n[[section]]\nid = \"situation\"", line_of_school, 1);
    let file = world.file("flood.toml", &text);
    let checked = program_json(&["form", "check", &file]);
    assert_eq!(
        checked.pointer("/0/mistakes"),
        Some(&json!([])),
        "{checked}"
    );
    assert_eq!(set("S.schools=2").code, 2, "the line is not there yet");
    district.home.ask(&["form", "add", &file]);
    until("the commune has the new line", || {
        set("S.schools=2").code == 0
    });
    until("and its figure rises", || {
        let total = district.home.ask(&["rollup", "show", "465", FLOOD, DAY]);
        line(&total, "S.schools")["value"] == "2" && line(&total, "N.dead")["value"] == "1"
    });
}

#[test]
fn a_change_of_the_tree_reaches_those_below_and_the_totals() {
    let world = World::new();
    let root = world.root("44", "44@2025-07-01").start();
    let commune = world.join(&root.home, "c", &["19429@2025-07-01"]).start();
    commune.has_forms();
    let expected = |home: &Home, period: &str| {
        let total = home.ask(&["rollup", "show", "44", REVIEW, period]);
        total["expected"].as_u64().expect("a number")
    };
    let (before, after) = (
        expected(&root.home, "2025-H2"),
        expected(&root.home, "2026-H1"),
    );
    let events = [
        json!({"began": {"unit": "19998@2026-02-01", "name": "Xã Mới", "level": "commune",
            "kind": "xa", "parent": "44@2025-07-01"}}),
        json!({"renamed": {"unit": "19429@2025-07-01", "on": "2026-03-01",
            "name": "Phường Khe Sanh", "kind": "phuong"}}),
    ];
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let added = root.home.feed(&["--json", "units", "add", "-"], &lines);
    assert_eq!(
        (added.code, added.json()),
        (0, json!({"added": 2})),
        "{}",
        added.err
    );
    until("the commune has its new name", || {
        commune.home.ask(&["units", "show", "--on", "2026-03-02"])["name"] == "Phường Khe Sanh"
    });
    assert_eq!(
        commune.home.ask(&["units", "show", "--on", "2026-02-28"])["name"],
        "Xã Khe Sanh",
        "a name has its dates"
    );
    assert_eq!(expected(&root.home, "2026-H1"), after + 1);
    assert_eq!(
        expected(&root.home, "2025-H2"),
        before,
        "a period keeps its tree"
    );
    let early = lines.replace("19998@2026-02-01", "19999@2025-02-01");
    let wrong = world.file("wrong.jsonl", &early);
    root.home.refuses(&["units", "add", &wrong], 2, "M-1302");
}

/// The JSON of a command that needs no home.
fn program_json(words: &[&str]) -> Value {
    let output = crate::world::program().arg("--json").args(words).output();
    let output = output.expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}
