//! A machine that was stolen, and the one in its place: who gets what by hand and by neighbours.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::hand::{PROVINCE, export, import, middle, value_at};
use crate::world::{
    COMMUNE, DISTRICT, Home, NEIGHBOUR, World, free_address, line, path_text, rows, until,
};

/// Whom a node makes bundles for: the keys, and the files.
fn receivers(home: &Home, words: &[&str]) -> Vec<(String, String)> {
    let written = home.ask(&[&["bundle", "export"], words].concat());
    let row = |row: &Value| {
        let node = row.pointer("/bundle/to/node").and_then(Value::as_str);
        let file = row["file"].as_str().expect("a file is named");
        (node.expect("a key").to_owned(), file.to_owned())
    };
    rows(&written, "").iter().map(row).collect()
}

/// Whom a node without a link makes parcels for.
fn parcels_for(home: &Home) -> Vec<String> {
    let settings = home.file("node.toml");
    let text = fs::read_to_string(&settings).expect("it has settings");
    let near = format!(
        "[neighbours]\naddresses = [\"{}\"]\nafter_s = 0\nevery_s = 1\n",
        free_address()
    );
    fs::write(&settings, format!("{text}\n{near}")).expect("they can be written");
    let node = home.start();
    let dir = home.file("parcels");
    let files = || {
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        let paths = entries.map(|entry| path_text(&entry.path()));
        paths.collect::<Vec<_>>()
    };
    until("a parcel is made", || !files().is_empty());
    node.stop();
    let all = files();
    let words = ["bundle", "inspect"].into_iter();
    let seen = home.ask(
        &words
            .chain(all.iter().map(String::as_str))
            .collect::<Vec<_>>(),
    );
    let to = |row: &Value| {
        let node = row.pointer("/bundle/to/node").and_then(Value::as_str);
        node.expect("a key").to_owned()
    };
    rows(&seen, "").iter().map(to).collect()
}

#[test]
fn a_revoked_node_gets_nothing_by_hand_and_who_took_its_place_gets_it_all() {
    let world = World::new();
    let province = world.root("45", PROVINCE).start();
    let old = middle(&world, &province.home);
    let commune = world.join(&old.home, "c", &[COMMUNE]).start();
    commune.has_forms();
    commune.home.set(&["II.1.1.a=42"]);
    let key = |home: &Home| {
        let status = home.ask(&["status"]);
        status["node"].as_str().expect("a key").to_owned()
    };
    let [old_key, commune_key] = [&old.home, &commune.home].map(key);
    until("the province has the report", || {
        value_at(&province.home, "II.1.1.a") == "42"
    });
    let (commune, old) = (commune.stop(), old.stop());
    let new = world.join(&province.home, "new", &[DISTRICT]);
    let out = path_text(&world.path("two.hlb"));
    // Two nodes of one unit, and one name: neither is written over the other.
    let two = receivers(&province.home, &["--to", DISTRICT, "--out", &out]);
    assert_eq!(two.len(), 2);
    assert!(two.iter().all(|(_, file)| Path::new(file).exists()) && two[0].1 != two[1].1);
    let revoke = ["revoke", "node", &old_key, "--reason", "stolen"];
    province.home.ask(&revoke);
    let new_key = key(&new);
    let new = new.start();
    new.has_forms();
    until("it has heard of it", || {
        value_at(&new.home, "II.1.1.a") == "42"
            && !rows(&new.home.ask(&["revoke", "list"]), "").is_empty()
    });
    let new = new.stop();
    let whom = |home: &Home, words: &[&str]| {
        let out = path_text(&world.path("whom.hlb"));
        let found = receivers(home, &[words, &["--out", &out]].concat());
        found.into_iter().map(|(node, _)| node).collect::<Vec<_>>()
    };
    assert_eq!(whom(&province.home, &["--to", DISTRICT]), [&*new_key]);
    assert_eq!(whom(&province.home, &["--all"]), [&*new_key]);
    let down = export(&province.home, COMMUNE, &world.path("down.hlb"), &[]);
    assert_eq!(import(&commune, &down).0, 0);
    assert_eq!(whom(&commune, &["--all"]), [&*new_key]);
    commune.refuses(
        &["bundle", "export", "--to", DISTRICT, "--office", "police"],
        2,
        "M-1605",
    );
    let parcels = parcels_for(&commune);
    assert!(parcels.iter().all(|node| *node == new_key), "{parcels:?}");
    // And down again, by who did not let it in.
    let up = export(&commune, DISTRICT, &world.path("up.hlb"), &[]);
    assert_eq!((import(&old, &up).0, import(&new, &up).0), (1, 0));
    assert_eq!(whom(&new, &["--to", COMMUNE]), [&*commune_key]);
    assert!(whom(&new, &["--all"]).contains(&commune_key));
}

/// Changes the key once more, with cuts before its last step, encrypted and in plain; what a cut leaves is of its ticket.
fn changed_again(district: &Home, commune: Home, first: &Value) -> (Home, Value) {
    let node = |home: &Home| home.ask(&["status"])["node"].clone();
    let cut = |ticket: &str| {
        let old = fs::read(commune.file("key")).expect("a key");
        let done = commune.ask(&["rekey", ticket]);
        fs::rename(commune.file("key"), commune.file("key.next")).expect("they are ours");
        fs::write(commune.file("key"), old).expect("they are ours");
        done["node"].clone()
    };
    let ticket = district.ticket(&[COMMUNE]);
    let given_up = cut(&ticket);
    assert_eq!(node(&commune), first["node"], "the key before works");
    let other = district.ticket(&[COMMUNE]);
    fs::write(commune.file("key.next"), "damaged").expect("it is ours");
    let next = cut(&other);
    assert_ne!(next, given_up, "another ticket, another key");
    let with = ["--home-key-file", &path_text(&commune.file("secret"))].map(str::to_owned);
    fs::write(commune.file("secret"), [7; 64]).expect("it is ours");
    let with: Vec<&str> = with.iter().map(String::as_str).collect();
    let encrypted = commune.ask(&[&with[..], &["encrypt"]].concat());
    assert!(rows(&encrypted, "/readable").is_empty(), "{encrypted}");
    let closed = fs::read_to_string(commune.file("key.next")).expect("it is there");
    assert!(closed.starts_with("closed:"));
    commune.ask(&[&with[..], &["decrypt"]].concat());
    let done = commune.ask(&["rekey", &other]);
    assert_eq!((&done["node"], &done["before"]), (&next, &first["node"]));
    assert_eq!(node(&commune), next);
    (commune, done)
}

#[test]
fn a_node_goes_on_with_another_key_where_it_was() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    commune.home.set(&["II.1.1.a=42"]);
    until("the report is there", || commune.home.has_arrived());
    let status = |home: &Home, what: &str| home.ask(&["status"])[what].clone();
    let before = status(&commune.home, "node");
    let ticket = district.home.ticket(&[COMMUNE]);
    commune.home.refuses(&["rekey", &ticket], 1, "M-2018");
    let commune = commune.stop();
    let other = district.home.ticket(&[NEIGHBOUR]);
    commune.refuses(&["rekey", &other], 2, "M-2228");
    let old = fs::read(commune.file("key")).expect("a key");
    let done = commune.ask(&["rekey", &ticket]);
    assert_eq!((&done["before"], &done["unit"]), (&before, &COMMUNE.into()));
    // As a kill before its last step leaves it: the old key works, and the same command goes on.
    let new = commune.file("key.next");
    fs::rename(commune.file("key"), new).expect("they are ours");
    fs::write(commune.file("key"), old).expect("they are ours");
    assert_eq!(status(&commune, "node"), before);
    let again = commune.ask(&["rekey", &ticket]);
    assert_eq!((&again["node"], &again["before"]), (&done["node"], &before));
    assert!(!commune.file("key.next").exists());
    let (commune, done) = changed_again(&district.home, commune, &done);
    // What it has stays, and what it writes arrives.
    let commune = commune.start();
    assert_eq!(status(&commune.home, "node"), done["node"]);
    assert_eq!(commune.home.figure(COMMUNE, "II.1.1.a"), "42");
    commune.home.set(&["II.1.1.a=43"]);
    let total = |value: &str| value_at(&district.home, "II.1.1.a") == value;
    until("the district has the new figure", || total("43"));
    until("all has come", || commune.home.has_arrived());
    let before = before.as_str().expect("a key");
    let revoke = ["revoke", "node", before, "--reason", "replaced"];
    district.home.ask(&revoke);
    commune.home.set(&["II.1.1.b=7"]);
    until("it goes on", || {
        line(&district.home.total(DISTRICT), "II.1.1.b")["value"] == "7"
    });
    assert!(total("43"), "what the old key signed stands");
    let voids = district.home.ask(&["void", "list"]);
    assert!(rows(&voids, "").is_empty(), "{voids}");
}

#[test]
fn an_account_that_was_revoked_stays_so_under_another_key() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let home = &commune.home;
    let file = world.file("passphrase", "mưa rừng tháng bảy\n");
    let with = ["--passphrase-file", &*file];
    let add = |name: &str, role: &str| {
        home.ask(&[&["account", "add", name, "--role", role], &with[..]].concat());
    };
    add("hanh", "administrator");
    home.ask(&[&["login", "hanh"], &with[..]].concat());
    add("minh", "reader");
    let status = home.ask(&["status"]);
    let node = status["node"].as_str().expect("a key");
    let revoke = ["revoke", "account", node, "minh", "--reason", "left"];
    district.home.ask(&revoke);
    until("it has heard of it", || {
        let listed = home.ask(&["account", "list"]);
        rows(&listed, "").iter().any(|one| one["revoked"] == "left")
    });
    let ticket = district.home.ticket(&[COMMUNE]);
    let commune = commune.stop();
    commune.ask(&["rekey", &ticket]);
    let commune = commune.start();
    let login = [&["login", "minh"], &with[..]].concat();
    commune.home.refuses(&login, 2, "M-1712");
    commune.home.ask(&[&["login", "hanh"], &with[..]].concat());
}
