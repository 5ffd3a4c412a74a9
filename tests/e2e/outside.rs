//! What leaves the reporting line: tables for everybody, and bundles for whoever helps.

use std::fs;
use std::path::Path;

use hopluu_rogue::frames::{CHANGE, hello};
use serde_json::Value;

use crate::rogue::{Forged, Rogue};
use crate::world::{
    COMMUNE, DISTRICT, Home, Node, REVIEW, World, YEARS, line, path_text, rows, until,
};

fn enter(home: &Home, unit: &str, figures: &[&str]) {
    let words = ["report", "set", "--new", REVIEW, YEARS, "--unit", unit];
    home.ask(&[&words[..], figures].concat());
}

/// The rows of a table, without the one with labels.
fn table(file: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(file).expect("the file is there");
    let text = text
        .strip_prefix('\u{feff}')
        .expect("Excel reads UTF-8 by it");
    let cells = |line: &str| line.split(';').map(str::to_owned).collect();
    let mut lines = text.lines();
    let heads: Vec<String> = lines.next().map(cells).expect("a line of codes");
    let figures = lines.skip(1).map(cells);
    let all: Vec<Vec<String>> = std::iter::once(heads).chain(figures).collect();
    all
}

fn cell<'a>(table: &'a [Vec<String>], unit: &str, kind: &str, code: &str) -> &'a str {
    let column = table[0].iter().position(|head| head == code);
    let mut rows = table.iter();
    let row = rows.find(|row| row[0] == unit && row[2] == kind);
    &row.expect("the row is there")[column.expect("a line of the form")]
}

/// A district in which three communes have reported, two of them small counts.
fn reported(world: &World) -> Node {
    let district = world.root("465", DISTRICT).start();
    let home = &district.home;
    enter(home, COMMUNE, &["II.1.1.a=42", "II.1.3.b=12"]);
    let figures = ["II.1.3.b=40", "II.1.3.b.2=2", "II.3.2.a=1,5"];
    enter(home, "19432", &figures);
    enter(home, "19435", &["II.1.3.b=3", "II.1.1.c=7"]);
    let note = ["report", "note", REVIEW, YEARS, "II.1.3.b", NOTE];
    home.ask(&[&note[..], &["--unit", "19432"]].concat());
    district
}

const NOTE: &str = "ghi chú kín";
const BELOW: &str = "cấp dưới";

/// Publishes the district's table to a file of this name.
fn publish(world: &World, home: &Home, name: &str) -> (Value, Vec<Vec<String>>) {
    let file = world.path(name);
    let out = path_text(&file);
    let words = ["export", "public", "465", REVIEW, YEARS, "--out", &out];
    let exported = home.ask(&words);
    home.refuses(&words, 2, "M-2050");
    for (unwritable, why) in [("no/465.csv", "M-2009"), ("465.json", "M-2054")] {
        let out = path_text(&world.path(unwritable));
        let mut words = words;
        words[6] = &out;
        home.refuses(&words, 2, why);
    }
    let noted = home.ask(&["audit", "published"]);
    assert_eq!(
        rows(&noted, "")[0]["count"],
        1,
        "what was not written is not noted"
    );
    (exported, table(&file))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_table_holds_small_counts_back_and_says_who_is_missing_and_what_is_open() {
    let world = World::new();
    let district = reported(&world);
    let home = &district.home;
    // The commune has said something else apart, and nobody has settled it.
    let rogue = Rogue::join(&district, COMMUNE).await;
    let forged = Forged::of(COMMUNE);
    let mut talk = rogue.say(hello()).await;
    let body = forged.sealed(&rogue.signer);
    assert_eq!(talk.offer(forged.object(), CHANGE, body).await, None);
    until("both values are there", || {
        line(&home.total(DISTRICT), "II.1.1.a")["value"].is_null()
    });

    let (exported, csv) = publish(&world, home, "465.csv");
    assert_eq!(cell(&csv, "19432", BELOW, "II.1.3.b.2"), "x");
    assert_eq!(cell(&csv, "19435", BELOW, "II.1.3.b"), "x");
    assert_eq!(cell(&csv, "465", "tổng số", "II.1.1.a"), "?");
    assert_eq!(cell(&csv, "19429", BELOW, "II.1.1.a"), "?");
    assert_eq!(cell(&csv, "19432", BELOW, "II.3.2.a"), "1,5");
    let missing = csv.iter().filter(|row| row[3] == "chưa báo cáo");
    assert_eq!(missing.clone().count(), 18);
    for row in missing {
        assert!(row[5..].iter().all(String::is_empty), "missing is not zero");
    }

    let made_of = fs::read_to_string(world.path("465.json")).expect("it is beside the table");
    let json: Value = serde_json::from_str(&made_of).expect("it is JSON");
    let crosses = csv.iter().flatten().filter(|cell| *cell == "x").count();
    assert_eq!(json["held_back"], crosses);
    assert_eq!(
        (&json["reported"], &json["expected"]),
        (&3.into(), &21.into())
    );
    assert_eq!(rows(&json, "/missing").len(), 18);
    assert!(
        rows(&json, "/rows")
            .iter()
            .all(|row| row.get("cells").is_none())
    );
    let total = home.total(DISTRICT);
    assert_eq!(json["tree"], total["tree"]);
    // Whoever has nearly all figures could try the rest by it.
    let digest = total["digest"].as_str().expect("a digest");
    let csv = fs::read_to_string(world.path("465.csv"));
    for text in [csv.expect("a table"), made_of] {
        assert!(!text.contains(digest) && !text.contains(NOTE));
    }
    let published = home.ask(&["audit", "published"]);
    assert_eq!(published[0]["publication"], exported["publication"]);
    assert_eq!(published[0]["total"], digest);

    drop(talk);
}

#[test]
fn what_was_held_back_stays_so_after_a_correction_and_an_office_publishes_nothing() {
    let world = World::new();
    let district = reported(&world);
    let home = &district.home;
    let (_, csv) = publish(&world, home, "465.csv");
    assert_eq!(cell(&csv, "19432", BELOW, "II.1.3.b"), "40");
    enter(home, "19432", &["II.1.3.b=4"]);
    let (_, again) = publish(&world, home, "again.csv");
    assert_eq!(cell(&again, "19432", BELOW, "II.1.3.b"), "x");
    for (before, after) in csv.iter().zip(&again).skip(1) {
        let mut held_back = before.iter().zip(after).filter(|(cell, _)| *cell == "x");
        assert!(held_back.all(|(_, after)| after == "x"));
    }
    // It holds its unit's report alone, and no table.
    let office = world.join(home, "health", &["--office", "health"]).start();
    office.has_forms();
    let name = path_text(&world.path("no.csv"));
    let words = ["export", "public", "465", REVIEW, YEARS, "--out", &name];
    office.home.refuses(&words, 2, "M-1301");
}

/// What is put into a node and must not be in what leaves it.
const FIGURE: &str = "918273";
const WORDS: &str = "Lời văn chỉ của xã";
const PERSON: &str = "nguyenthibuoi";
const PROXY: &str = "mat-khau-cua-proxy";

/// A node with figures, texts, people and a proxy; `open` are the words that open its folder.
fn filled(world: &World, home: &Home, open: &[&str]) {
    let ask = |words: &[&str]| home.ask(&[open, words].concat());
    let figure = format!("II.1.1.a={FIGURE}");
    ask(&["report", "set", "--new", REVIEW, YEARS, &figure]);
    ask(&["report", "note", REVIEW, YEARS, "II.1.1.a", WORDS]);
    let settings = home.file("node.toml");
    let text = fs::read_to_string(&settings).expect("it is there");
    let proxy = format!("proxy = \"http://ai:{PROXY}@127.0.0.1:9\"\n");
    fs::write(&settings, proxy + &text).expect("it is ours");
    let secret = world.file("passphrase", &format!("mưa rừng tháng bảy {PERSON}\n"));
    let role = ["--role", "administrator", "--passphrase-file", &secret];
    ask(&[&["account", "add", PERSON][..], &role].concat());
    ask(&["login", PERSON, "--passphrase-file", &secret]);
}

fn says_nothing(home: &Home, bundle: &Path, secrets: &[&str]) -> Value {
    let bytes = fs::read(bundle).expect("it was written");
    let key = fs::read(home.file("key")).expect("a key");
    let key = String::from_utf8_lossy(&key);
    let session = fs::read_to_string(home.file("session")).expect("somebody is logged in");
    let dir = path_text(&home.dir);
    let all = [
        FIGURE,
        WORDS,
        PERSON,
        PROXY,
        &dir,
        key.trim(),
        session.trim(),
    ];
    for secret in all.iter().chain(secrets) {
        let found = bytes
            .windows(secret.len())
            .any(|part| part == secret.as_bytes());
        assert!(!found, "{secret}");
    }
    serde_json::from_slice(&bytes).expect("it is JSON")
}

#[test]
fn a_support_bundle_holds_nothing_that_reports_people_or_keys_are_made_of() {
    let world = World::new();
    for (name, is_encrypted) in [("plain", false), ("closed", true)] {
        let home = world.home(name);
        let passphrase = "nắng hạn tháng tám";
        let secret = world.file("home", &format!("{passphrase}\n"));
        let options = ["--home-passphrase-file", &*secret];
        let open: &[&str] = if is_encrypted { &options } else { &[] };
        let mut init = vec!["init", "--root", "--unit", COMMUNE];
        init.extend(is_encrypted.then_some("--encrypt"));
        home.ask(&[open, &init].concat());
        filled(&world, &home, open);
        let file = world.path(&format!("{name}.support"));
        let target = path_text(&file);
        home.ask(&[open, &["support", &target]].concat());
        let told = says_nothing(&home, &file, &[passphrase]);
        assert_eq!(told["doctor"]["encrypted"], is_encrypted);
        assert_eq!(told["settings"]["has_proxy"], true);
        assert_eq!(told["node"]["node"]["documents"], 1);
        assert_eq!(
            told["node"]["node"]["people"],
            Value::Null,
            "one is too few to be told"
        );
        home.refuses(&[open, &["support", &target]].concat(), 2, "M-2050");
    }
}
