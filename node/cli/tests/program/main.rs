//! The program as scripts see it: what it prints as JSON, what it refuses, how it ends.

mod refusals;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

const FORM: &str = "flood-quick";
const PERIOD: &str = "x20201018-lu-quet";

/// A folder with the root of Hướng Hóa, from the units and forms that come with the program.
fn root() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let done = hopluu(dir.path(), &["init", "--root", "--unit", "465@2024-05-01"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    dir
}

fn command(dir: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hopluu"));
    command
        .arg("--home")
        .arg(dir.join("n"))
        .args(words)
        .env_remove("HOPLUU_LOG");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn hopluu(dir: &Path, words: &[&str]) -> Output {
    command(dir, words).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what is printed is UTF-8")
}

/// The JSON that a command prints, and its exit code.
fn json(dir: &Path, words: &[&str]) -> (Value, i32) {
    let done = hopluu(dir, &[&["--json"], words].concat());
    let code = done.status.code().expect("it was not killed");
    let printed = if done.stdout.is_empty() {
        &done.stderr
    } else {
        &done.stdout
    };
    let value = serde_json::from_slice(printed);
    (
        value.unwrap_or_else(|error| unreachable!("{words:?}: {error}: {}", text(printed))),
        code,
    )
}

/// The code of a refusal and the exit code.
fn refused(dir: &Path, words: &[&str]) -> (String, i32) {
    let (problem, code) = json(dir, words);
    (
        problem
            .get("code")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        code,
    )
}

/// Words with the report that all of these tests write.
fn report<'a>(command: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [
        &[
            "report",
            command,
            FORM,
            PERIOD,
            "--unit",
            "19429@2024-05-01",
        ],
        rest,
    ]
    .concat()
}

#[test]
fn a_report_is_written_read_and_taken_back() {
    let dir = root();
    let dir = dir.path();
    let (saved, code) = json(
        dir,
        &report("set", &["--new", "N.dead=1.500", "N.missing=08"]),
    );
    assert_eq!((code, saved["change"].is_string()), (0, true), "{saved}");
    let csv = dir.join("figures.csv");
    std::fs::write(
        &csv,
        "\u{feff}code;value;note\nN.injured;3;theo trạm y tế\n",
    )
    .expect("a file");
    let path = csv.to_str().expect("a plain path");
    assert_eq!(json(dir, &report("set", &["--csv", path])).1, 0);
    assert_eq!(
        json(dir, &report("set", &["N.dead=1500"])).0["change"],
        Value::Null
    );

    let (shown, _) = json(dir, &report("show", &[]));
    let figures = shown["figures"].as_array().expect("figures");
    let values: Vec<_> = figures
        .iter()
        .map(|one| one["value"].as_str().expect("set"))
        .collect();
    assert_eq!(values, ["1500", "8", "3"]);
    assert_eq!(figures[2]["note"], "theo trạm y tế");
    let page = hopluu(dir, &report("show", &[]));
    assert!(
        text(&page.stdout).contains("1.500"),
        "{}",
        text(&page.stdout)
    );
    let paper = hopluu(dir, &report("print", &[]));
    assert!(
        text(&paper.stdout).contains("08"),
        "{}",
        text(&paper.stdout)
    );

    assert_eq!(json(dir, &report("clear", &["N.dead"])).1, 0);
    let dead = |dir| json(dir, &report("show", &[])).0["figures"][0]["value"].clone();
    assert_eq!(dead(dir), "blank");
    assert_eq!(json(dir, &report("undo", &[])).1, 0);
    assert_eq!(dead(dir), "1500");
    assert_eq!(
        json(dir, &report("conflicts", &[])),
        (Value::Array(Vec::new()), 0)
    );
    assert_eq!(
        json(dir, &report("withdraw", &["--reason", "nhầm kỳ"])).1,
        0
    );
    let (rows, _) = json(dir, &["report", "list"]);
    assert_eq!(rows[0]["state"], "withdrawn");
    assert_eq!(rows[0]["report"]["unit_name"], "Thị trấn Khe Sanh");
    let (history, _) = json(dir, &report("history", &[]));
    assert_eq!(history.as_array().expect("saves").len(), 5);
}

#[test]
fn a_ticket_that_could_not_be_used_is_not_issued() {
    let dir = root();
    let dir = dir.path();
    let invite = |rest: &[&str]| refused(dir, &[&["invite", "19429@2024-05-01"], rest].concat());
    let usage = |code: &str| (code.to_owned(), 2);
    let address = ["--address", "127.0.0.1:1"];
    assert_eq!(
        invite(&[&address[..], &["--hours", "0"]].concat()),
        usage("M-1308")
    );
    assert_eq!(
        invite(&[&address[..], &["--hours", "721"]].concat()),
        usage("M-1308")
    );
    for wrong in ["nonsense", "host:", ":7710", "a b:1", "fe80::1", "host:0"] {
        assert_eq!(invite(&["--address", wrong]), usage("M-1309"), "{wrong}");
    }
    for right in ["127.0.0.1:7710", "[::1]:7710", "huyen.example:7710"] {
        assert_eq!(
            json(dir, &["invite", "19429@2024-05-01", "--address", right]).1,
            0
        );
    }
    assert_eq!(
        refused(
            dir,
            &["invite", "45@2024-05-01", "--address", "127.0.0.1:1"]
        ),
        usage("M-1307")
    );
}

#[test]
fn a_ticket_whose_issuer_does_not_answer_stays_good() {
    let dir = root();
    let dir = dir.path();
    // Nothing listens there: the port was free a moment ago.
    let free = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let (invited, _) = json(dir, &["invite", "19429@2024-05-01", "--address", &address]);
    let ticket = invited["ticket"].as_str().expect("a ticket");
    let (problem, code) = json(&dir.join("new"), &["join", ticket]);
    assert_eq!((code, &problem["code"]), (3, &"M-2208".into()), "{problem}");
    let hint = problem["hint"]["en"].as_str().expect("a hint");
    assert!(hint.contains("the same ticket"), "{hint}");
}

#[test]
fn what_people_read_is_in_their_language() {
    let dir = root();
    let dir = dir.path();
    let words = ["N.dead=1.500", "--new", "--office", "military"];
    assert_eq!(json(dir, &report("set", &words)).1, 0);
    let history = text(&hopluu(dir, &report("history", &[])).stdout);
    for wanted in ["mở báo cáo", "N.dead = 1.500", "Huyện Hướng Hóa, máy chính"] {
        assert!(history.contains(wanted), "{wanted}: {history}");
    }
    for unwanted in ["event", "figure", "military"] {
        assert!(!history.contains(unwanted), "{unwanted}: {history}");
    }
    let unit = text(&hopluu(dir, &["units", "show", "465@2024-05-01"]).stdout);
    assert!(
        unit.contains("cấp huyện") && !unit.contains("district"),
        "{unit}"
    );
    let form = text(&hopluu(dir, &["form", "show", "pcmd-review"]).stdout);
    assert!(
        form.contains("kỳ báo cáo: năm, 6 tháng, giai đoạn"),
        "{form}"
    );
}

#[test]
fn the_examples_of_the_paper_work_as_they_stand() {
    const PAPER: &str = include_str!("../../../../docs/cli.md");
    let blocks = |place: &str| -> String {
        let (_, text) = PAPER.split_once(place).expect(place);
        let (_, block) = text.split_once("```json\n").expect(place);
        block.split("```").next().expect(place).to_owned()
    };
    let dir = root();
    let dir = dir.path();
    let import: Value = serde_json::from_str(&blocks("### `report import")).expect("JSON");
    // The example shows every kind of edit; there is no conflict to settle, and nothing to withdraw yet.
    let edits = import["edits"].as_array().expect("edits");
    for edit in edits.iter().filter(|edit| edit["edit"] != "settle") {
        let mut save = import.clone();
        save["edits"] = Value::Array(vec![edit.clone()]);
        let file = dir.join("line.jsonl");
        std::fs::write(&file, format!("{save}\n")).expect("a file");
        let (answer, code) = json(
            dir,
            &["report", "import", file.to_str().expect("a plain path")],
        );
        assert_eq!(code, 0, "{edit}: {answer}");
    }
    let tree = tempfile::tempdir().expect("a folder");
    let made = hopluu(tree.path(), &["init", "--root", "--unit", "44@2025-07-01"]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let file = tree.path().join("events.jsonl");
    std::fs::write(&file, blocks("### `units add")).expect("a file");
    let file = file.to_str().expect("a plain path");
    let (added, code) = json(tree.path(), &["units", "add", file]);
    assert_eq!((code, &added["added"]), (0, &4.into()), "{added}");
}

#[test]
fn the_doctor_sees_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = root();
    let dir = dir.path();
    assert_eq!(json(dir, &["doctor"]).1, 0);
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(dir.join("n").join("key"), open).expect("ours");
    let (found, code) = json(dir, &["doctor"]);
    assert_eq!(
        (code, &found["findings"][0]["ailment"]),
        (4, &"home".into())
    );
    let detail = found["findings"][0]["detail"].as_str().expect("words");
    assert!(
        detail.ends_with("key is open to other users (mode 777)"),
        "{detail}"
    );
}

#[test]
fn forms_are_checked_without_a_node() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.toml");
    std::fs::write(&path, "id = \"a\"\nversion = 1\n").expect("a file");
    let path = path.to_str().expect("a plain path");
    let (checked, code) = json(dir.path(), &["form", "check", path]);
    assert_eq!(code, 4);
    let first = &checked[0]["mistakes"][0];
    assert!(
        first["line"].is_u64() && first["cure_vi"].is_string(),
        "{checked}"
    );
}

#[test]
fn what_goes_out_comes_in_and_a_backup_comes_back() {
    let dir = root();
    let dir = dir.path();
    assert_eq!(json(dir, &report("set", &["--new", "N.dead=3"])).1, 0);
    let exported = hopluu(dir, &["report", "export"]);
    assert_eq!(exported.status.code(), Some(0));
    let other = root();
    let mut import = command(other.path(), &["--json", "report", "import", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut input = import.stdin.take().expect("a pipe");
    input.write_all(&exported.stdout).expect("it reads");
    input.write_all(b"{}\n").expect("it reads");
    drop(input);
    let done = import.wait_with_output().expect("it ends");
    assert_eq!(done.status.code(), Some(1), "a line was refused");
    let lines: Vec<Value> = text(&done.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(lines[0]["saved"]["change"].is_string() && lines[1]["error"]["code"] == "M-1501");
    assert_eq!(
        json(other.path(), &report("show", &[])).0["figures"][0]["value"],
        "3"
    );

    // What was taken back would count again where it comes in.
    assert_eq!(json(dir, &report("withdraw", &["--reason", "sai"])).1, 0);
    let exported = hopluu(dir, &["report", "export"]);
    assert_eq!(
        (exported.status.code(), text(&exported.stdout)),
        (Some(0), String::new())
    );
    let said = text(&exported.stderr);
    assert!(said.contains("1 báo cáo đã rút không được xuất"), "{said}");
    assert_eq!(json(dir, &report("new", &[])).1, 0);

    let backup = dir.join("backup.db");
    let backup = backup.to_str().expect("a plain path");
    assert_eq!(json(dir, &["backup", backup]).1, 0);
    assert_ne!(
        refused(dir, &["backup", backup]).1,
        0,
        "a file is not overwritten"
    );
    assert_eq!(json(dir, &report("set", &["N.dead=4"])).1, 0);
    let (restored, code) = json(dir, &["restore", backup]);
    assert_eq!((code, &restored["documents"]), (0, &Value::from(1)));
    assert_eq!(
        json(dir, &report("show", &[])).0["figures"][0]["value"],
        "3"
    );
    let (doctor, code) = json(dir, &["doctor"]);
    assert_eq!((code, &doctor["findings"]), (0, &Value::Array(Vec::new())));
}

#[test]
fn what_is_no_backup_leaves_the_node_as_it_was() {
    let dir = root();
    let dir = dir.path();
    assert_eq!(json(dir, &report("set", &["--new", "N.dead=3"])).1, 0);
    let path = |name: &str| dir.join(name).to_str().expect("a plain path").to_owned();
    assert_eq!(json(dir, &["backup", &path("whole")]).1, 0);
    let whole = std::fs::read(path("whole")).expect("a backup");
    let half = whole.get(..whole.len() / 2).expect("it has a half");
    std::fs::write(path("half"), half).expect("a file");
    std::fs::write(path("empty"), "").expect("a file");
    std::fs::write(path("other"), "báo cáo\n".repeat(2000)).expect("a file");
    std::fs::create_dir(path("folder")).expect("a folder");
    for wrong in ["half", "empty", "other", "folder", "nowhere"] {
        let (problem, code) = json(dir, &["restore", &path(wrong)]);
        assert_eq!((code, &problem["code"]), (2, &"M-2214".into()), "{problem}");
        let hint = problem["hint"]["en"].as_str().expect("a hint");
        assert!(hint.contains("another backup"), "{wrong}: {hint}");
    }
    assert_eq!(
        json(dir, &report("show", &[])).0["figures"][0]["value"],
        "3"
    );
    let restored = text(&hopluu(dir, &["restore", &path("whole")]).stdout);
    assert!(
        !restored.contains("cấp trên"),
        "a root has none: {restored}"
    );
}

/// A node that runs, until the test has ended.
struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended as the test wanted.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

#[test]
fn a_node_says_when_it_is_ready_and_stops_in_order() {
    let dir = root();
    let dir = dir.path();
    let run = command(dir, &["--json", "run", "--listen", "127.0.0.1:0"]).spawn();
    let mut node = Node(run.expect("the program starts"));
    let mut lines = BufReader::new(node.0.stdout.take().expect("a pipe")).lines();
    let ready: Value =
        serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert_eq!(
        (&ready["event"], &ready["unit"]),
        (&"ready".into(), &"465@2024-05-01".into())
    );

    let (status, code) = json(dir, &["status"]);
    assert_eq!(
        (code, &status["listen"]),
        (0, &ready["listen"]),
        "it is the node that answers"
    );
    assert_eq!(refused(dir, &["run"]), ("M-2104".to_owned(), 1));
    assert_eq!(refused(dir, &["doctor"]).1, 1);
    let mut watch = command(dir, &["--json", "watch"])
        .spawn()
        .expect("the program starts");
    let mut heard = BufReader::new(watch.stdout.take().expect("a pipe")).lines();
    assert_eq!(
        heard.next().expect("a line").expect("text"),
        r#"{"event":"ready"}"#
    );
    assert_eq!(json(dir, &report("set", &["--new", "N.dead=3"])).1, 0);
    let event = heard.next().expect("a line").expect("text");
    assert!(event.starts_with(r#"{"event":"report_changed""#), "{event}");

    // As when the terminal is closed in which it was started.
    let pid = Pid::from_child(&node.0);
    kill_process(pid, Signal::HUP).expect("it runs");
    assert_eq!(node.0.wait().expect("it ends").code(), Some(0));
    assert_eq!(watch.wait().expect("it ends with the node").code(), Some(0));
    assert!(!dir.join("n").join("api.sock").exists());
    assert_eq!(refused(dir, &["watch"]).1, 3);
}
