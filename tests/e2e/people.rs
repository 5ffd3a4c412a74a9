//! People with accounts at one node: who is let in, what each may, and who is named for it.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use crate::world::{
    COMMUNE, DISTRICT, Home, Lines, REVIEW, Watch, World, YEARS, path_text, rows, until,
};

const POLICE_LINE: &str = "II.1.1.a";
const HEALTH_LINE: &str = "II.2.5.d.5";

/// Somebody's passphrase, in a file.
fn secret(world: &World, account: &str) -> String {
    world.file(account, &format!("mưa rừng tháng bảy {account}\n"))
}

fn add(world: &World, home: &Home, account: &str, rest: &[&str]) {
    let file = secret(world, account);
    let words = ["account", "add", account, "--passphrase-file", &file];
    home.ask(&[&words, rest].concat());
}

fn login(world: &World, home: &Home, account: &str) {
    let file = secret(world, account);
    home.ask(&["login", account, "--passphrase-file", &file]);
}

/// What a request that nobody's program makes is answered with.
fn status(home: &Home, path: &str, headers: &[&str]) -> String {
    answer(home, "GET", path, headers, "")
}

/// The same with a method and a body of its own.
fn answer(home: &Home, method: &str, path: &str, headers: &[&str], body: &str) -> String {
    let mut stream = UnixStream::connect(home.file("api.sock")).expect("the node answers");
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.split(' ').nth(1).expect("a status").to_owned()
}

/// An administrator, an editor of the police, somebody who puts parts together and signs, and a reader.
fn staff(world: &World, home: &Home) {
    let file = secret(world, "hanh");
    let first = ["account", "add", "hanh", "--passphrase-file", &file];
    home.refuses(&[&first[..], &["--role", "editor"]].concat(), 2, "M-1711");
    add(world, home, "hanh", &["--role", "administrator"]);
    home.refuses(&["report", "list"], 2, "M-1701");
    home.refuses(
        &[
            "account",
            "add",
            "lan",
            "--role",
            "editor",
            "--passphrase-file",
            &file,
        ],
        2,
        "M-1701",
    );
    login(world, home, "hanh");
    let as_editor = ["--role", "editor", "--office", "police"];
    add(world, home, "lan", &as_editor);
    add(world, home, "an", &["--role", "consolidator,signatory"]);
    add(world, home, "minh", &["--role", "reader"]);
}

#[test]
fn a_save_names_who_made_it_at_the_district_too() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    let home = &commune.home;
    staff(&world, home);
    let figure = |code: &str| format!("{code}=42");
    let set = |code: &str| {
        let figure = figure(code);
        home.tell(&["report", "set", "--new", REVIEW, YEARS, &figure])
            .code
    };
    let refuses = |code: &str, why: &str| {
        home.refuses(
            &["report", "set", "--new", REVIEW, YEARS, &figure(code)],
            2,
            why,
        );
    };
    refuses(POLICE_LINE, "M-1705");
    login(&world, home, "lan");
    assert_eq!(set(POLICE_LINE), 0);
    refuses(HEALTH_LINE, "M-1217");
    home.refuses(&["account", "list"], 2, "M-1705");
    home.refuses(
        &["report", "withdraw", REVIEW, YEARS, "--reason", "x"],
        2,
        "M-1705",
    );
    login(&world, home, "an");
    assert_eq!(set(HEALTH_LINE), 0);
    login(&world, home, "minh");
    assert_eq!(home.figure(COMMUNE, POLICE_LINE), "42");
    refuses(POLICE_LINE, "M-1705");
    // Each takes back their own last save, and nobody else's.
    login(&world, home, "an");
    home.ask(&["report", "undo", REVIEW, YEARS]);
    assert_eq!(home.figure(COMMUNE, HEALTH_LINE), "blank");
    assert_eq!(home.figure(COMMUNE, POLICE_LINE), "42");
    let words = ["report", "history", REVIEW, YEARS, "--unit", COMMUNE];
    let who = |at: &Home| {
        let history = at.ask(&words);
        let rows = rows(&history, "").iter();
        rows.map(|row| row["account"].clone()).collect::<Vec<_>>()
    };
    let all = ["lan", "an", "an"].map(serde_json::Value::from);
    assert_eq!(who(home), all);
    until("the district knows it as well", || {
        let listed = district.home.ask(&["report", "list"]);
        !rows(&listed, "").is_empty() && who(&district.home) == all
    });
    let page = district.home.tell(&words).out;
    assert!(page.contains("lan"), "{page}");
    assert_ne!(district.home.total(DISTRICT)["reported"], 0);
}

#[test]
fn requests_without_with_a_stolen_or_an_ended_session_and_from_a_page_are_refused() {
    let world = World::new();
    let home = world.root("465", DISTRICT);
    add(&world, &home, "hanh", &["--role", "administrator"]);
    let node = home.start();
    login(&world, &home, "hanh");
    add(&world, &home, "minh", &["--role", "reader"]);
    let kept = home.file("session");
    let mode = std::fs::metadata(&kept).expect("it is kept").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let token = std::fs::read_to_string(&kept).expect("a token");
    let bearer = format!("Authorization: Bearer {token}");
    assert_eq!(status(&home, "/v1/reports", &[]), "401");
    assert_eq!(
        status(&home, "/v1/reports", &["Authorization: Bearer x"]),
        "401"
    );
    assert_eq!(status(&home, "/v1/reports", &[&bearer]), "200");
    assert_eq!(status(&home, "/v1/accounts", &[&bearer]), "200");
    let page = "Origin: https://evil.example";
    assert_eq!(status(&home, "/v1/reports", &[&bearer, page]), "403");
    assert_eq!(status(&home, "/v1/nowhere", &[]), "404");
    // Whoever has read the database has no session by it.
    let database = std::fs::read(home.file("store.db")).expect("a database");
    let log = std::fs::read(home.file("store.db-wal")).unwrap_or_default();
    let has = |bytes: &[u8]| {
        bytes
            .windows(token.len())
            .any(|part| part == token.as_bytes())
    };
    assert!(!has(&database) && !has(&log));
    home.ask(&["logout"]);
    assert!(!kept.exists());
    assert_eq!(status(&home, "/v1/reports", &[&bearer]), "401", "stolen");
    login(&world, &home, "minh");
    let token = std::fs::read_to_string(&kept).expect("a token");
    let bearer = format!("Authorization: Bearer {token}");
    assert_eq!(status(&home, "/v1/accounts", &[&bearer]), "403");
    // A new passphrase ends all sessions that the old one has opened.
    let new = world.file("new", "bốn mùa trăng sáng\n");
    home.ask(&[
        "account",
        "passphrase",
        "--old-passphrase-file",
        &secret(&world, "minh"),
        "--passphrase-file",
        &new,
    ]);
    assert_eq!(status(&home, "/v1/reports", &[&bearer]), "401");
    let old = secret(&world, "minh");
    home.refuses(&["login", "minh", "--passphrase-file", &old], 2, "M-1703");
    home.ask(&["login", "minh", "--passphrase-file", &new]);
    node.stop();
}

#[test]
fn guessing_is_slowed_down_and_a_restart_forgets_nothing() {
    let world = World::new();
    let home = world.root("465", DISTRICT);
    add(&world, &home, "hanh", &["--role", "administrator"]);
    let weak = world.file("weak", "password1234\n");
    let wrong = world.file("wrong", "mưa rừng tháng tám hanh\n");
    let guess = ["login", "hanh", "--passphrase-file", &wrong];
    let node = home.start();
    home.refuses(
        &["login", "nobody", "--passphrase-file", &wrong],
        2,
        "M-1703",
    );
    for _ in 0..5 {
        let done = home.tell(&guess);
        assert!(done.err.contains("M-1703"), "{}", done.err);
    }
    let home = node.kill();
    let right = secret(&world, "hanh");
    let login = ["login", "hanh", "--passphrase-file", &right];
    home.refuses(&login, 2, "M-1704");
    let other = world.root("466", "466");
    let words = [
        "account",
        "add",
        "an",
        "--role",
        "administrator",
        "--passphrase-file",
    ];
    other.refuses(&[&words[..], &[&weak]].concat(), 2, "M-1706");
    let long = path_text(&world.path("none"));
    other.refuses(&[&words[..], &[&long]].concat(), 2, "M-2009");
}

#[test]
fn a_node_can_begin_with_its_administrator_and_one_stays() {
    let world = World::new();
    let home = world.home("465");
    let file = secret(&world, "hanh");
    let init = ["init", "--root", "--unit", DISTRICT, "--admin"];
    let begin = |name, file| [&init[..], &[name, "--passphrase-file", file]].concat();
    // Nothing is there before all of it can be.
    let weak = world.file("weak", "password1234\n");
    home.refuses(&begin("hanh", &weak), 2, "M-1706");
    home.refuses(&begin("Bà Hạnh", &file), 2, "M-1707");
    home.refuses(&["status"], 2, "M-2101");
    home.ask(&begin("hanh", &file));
    home.refuses(&["status"], 2, "M-1701");
    login(&world, &home, "hanh");
    home.refuses(&["account", "close", "hanh"], 2, "M-1711");
    home.refuses(
        &["account", "change", "hanh", "--role", "reader"],
        2,
        "M-1711",
    );
    add(&world, &home, "an", &["--role", "administrator"]);
    home.refuses(
        &[
            "account",
            "add",
            "an",
            "--role",
            "reader",
            "--passphrase-file",
            &file,
        ],
        2,
        "M-1708",
    );
    home.ask(&["account", "close", "hanh"]);
    home.refuses(&["status"], 2, "M-1702");
    home.refuses(&["login", "hanh", "--passphrase-file", &file], 2, "M-1703");
    login(&world, &home, "an");
    home.ask(&["account", "open", "hanh"]);
    let listed = home.ask(&["account", "list"]);
    assert_eq!(rows(&listed, "").len(), 2);
    assert_eq!(listed.pointer("/1/closed"), Some(&false.into()));
    let me = home.ask(&["account", "me"]);
    assert_eq!(
        (&me["account"], &me["roles"][0]),
        (&"an".into(), &"administrator".into())
    );
}

/// The session of whoever is logged in, as a request carries it.
fn bearer(home: &Home) -> String {
    let token = std::fs::read_to_string(home.file("session")).expect("a token");
    format!("Authorization: Bearer {token}")
}

#[test]
fn a_reader_opens_no_report_by_saving_nothing_in_it() {
    let world = World::new();
    let home = world.root("465", DISTRICT);
    let node = home.start();
    staff(&world, &home);
    let save = |instance: u16, edits: &str| {
        let report = format!(
            r#"{{"unit":"{COMMUNE}","form":"{REVIEW}","period":"{YEARS}","instance":{instance}}}"#
        );
        let body = format!(r#"{{"report":{report},"create":true,"edits":[{edits}]}}"#);
        answer(&home, "POST", "/v1/reports/save", &[&bearer(&home)], &body)
    };
    let note = format!(r#"{{"edit":"note","code":"{POLICE_LINE}","text":"x"}}"#);
    login(&world, &home, "minh");
    for edits in ["", &note] {
        assert_eq!([save(0, edits), save(1, edits)], ["403", "403"], "{edits}");
    }
    assert!(rows(&home.ask(&["report", "list"]), "").is_empty());
    // Whoever may write opens one, and a reader changes nothing in it.
    login(&world, &home, "an");
    assert_eq!(save(0, ""), "200");
    login(&world, &home, "minh");
    assert_eq!(save(0, &note), "403");
    node.stop();
}

#[test]
fn what_goes_on_after_its_session_has_ended_writes_and_tells_nothing_more() {
    let world = World::new();
    let home = world.root("19429", COMMUNE);
    let node = home.start();
    staff(&world, &home);
    login(&world, &home, "lan");
    let mut command = home.command(&["--json", "report", "import", "-"]);
    let mut import = command
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let answers = Lines::of(&mut import);
    let mut input = import.stdin.take().expect("its input is a pipe");
    let mut save = |value: &str| {
        let report = format!(r#"{{"form":"{REVIEW}","period":"{YEARS}"}}"#);
        let edit =
            format!(r#"{{"edit":"set","code":"{POLICE_LINE}","office":null,"value":"{value}"}}"#);
        let line = format!(r#"{{"report":{report},"create":true,"edits":[{edit}]}}"#);
        writeln!(input, "{line}").expect("it reads");
        answers.next("an answer to the line")
    };
    assert_eq!(save("41")["error"], serde_json::Value::Null);
    login(&world, &home, "minh");
    let watch = Watch::start(&home);
    login(&world, &home, "hanh");
    home.ask(&["account", "close", "lan"]);
    home.ask(&["account", "close", "minh"]);
    assert_eq!(save("42")["error"]["code"], "M-1702");
    login(&world, &home, "an");
    assert_eq!(home.figure(COMMUNE, POLICE_LINE), "41");
    let figure = format!("{POLICE_LINE}=43");
    home.ask(&["report", "set", REVIEW, YEARS, &figure]);
    let (code, said) = watch.ended();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("M-1702"), "{said}");
    drop(input);
    import.wait().expect("it is our child");
    node.stop();
}
