//! Disks that fail: a page that is broken, a disk that is full, a file that may not grow.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::world::{
    COMMUNE, DISTRICT, Home, REVIEW, Watch, World, YEARS, line, rows, text_at, until,
};

/// Reports in the damaged database: enough for some pages of changes.
const REPORTS: u32 = 24;

/// A report with most of its figures, as a line of `report import`.
fn report(instance: u32, value: u32) -> Value {
    let codes = [
        "a", "a.1", "a.2", "a.3", "a.4", "b", "c", "c.1", "c.2", "c.3", "c.4",
    ];
    let sets = codes.iter().map(|code| {
        json!({"edit": "set", "code": format!("II.1.1.{code}"), "value": (value + instance).to_string()})
    });
    let text = json!({"edit": "text", "section": "situation", "office": "police",
        "text": format!("Tình hình thứ {instance}. ").repeat(20)});
    json!({
        "report": {"form": REVIEW, "period": YEARS, "instance": instance},
        "office": "police", "create": true,
        "edits": sets.chain([text]).collect::<Vec<_>>(),
    })
}

/// Everything in all reports, in one order.
fn content(home: &Home) -> Vec<String> {
    let done = home.tell(&["report", "export"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let mut lines: Vec<_> = done.out.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A page in the middle of those that hold the changes, and its size.
fn page_of_changes(home: &Home) -> (u32, u32) {
    let db = Connection::open(home.file("store.db")).expect("the database");
    let query =
        "SELECT pageno, pgsize FROM dbstat WHERE name = 'changes' AND pagetype = 'leaf' ORDER BY 1";
    let mut statement = db.prepare(query).expect("this SQLite tells its pages");
    let found = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    let pages: Vec<(u32, u32)> = found.and_then(Iterator::collect).expect("it is whole");
    assert!(pages.len() > 4, "{pages:?}");
    *pages.get(pages.len() / 2).expect("there are some")
}

/// Overwrites a page in the middle of the changes.
fn break_a_page(home: &Home) {
    let (page, bytes) = page_of_changes(home);
    let file = OpenOptions::new().write(true).open(home.file("store.db"));
    let noise = vec![0xA5; usize::try_from(bytes).expect("a page is small")];
    file.expect("the database")
        .write_all_at(&noise, u64::from(page - 1) * u64::from(bytes))
        .expect("the test may write");
}

#[test]
fn a_broken_page_is_found_by_the_doctor_and_healed_from_the_superior() {
    let world = World::new();
    let (district, commune) = world.district_and_commune();
    for value in [100, 200] {
        let lines: String = (0..REPORTS)
            .map(|n| format!("{}\n", report(n, value)))
            .collect();
        let done = commune.home.feed(&["report", "import", "-"], &lines);
        assert_eq!(done.code, 0, "{}", done.err);
    }
    let whole = content(&commune.home);
    assert_eq!(whole.len(), REPORTS as usize);
    until("the district has it all", || {
        content(&district.home) == whole
    });
    until("and has said so", || {
        let reports = commune.home.ask(&["report", "list"]);
        let is_there = |row: &Value| row.pointer("/reached/0/is_current") == Some(&json!(true));
        rows(&reports, "").iter().all(is_there)
    });
    let home = commune.stop();
    break_a_page(&home);
    let found = home.tell(&["--json", "doctor"]);
    assert_eq!(found.code, 4, "{}", found.err);
    let damage = found.json();
    assert!(
        rows(&damage, "/findings")
            .iter()
            .any(|row| row["ailment"] == "damage"),
        "{damage}"
    );
    assert_eq!(
        damage["repaired"],
        Value::Null,
        "nothing is repaired unasked"
    );
    let repaired = home.tell(&["--json", "doctor", "--repair"]);
    assert_eq!(repaired.code, 4, "{}", repaired.err);
    let repaired = repaired.json();
    let kept = text_at(&repaired, "/repaired/kept");
    assert!(
        PathBuf::from(kept).exists(),
        "the damaged one is kept: {kept}"
    );
    let again = home.tell(&["--json", "doctor"]);
    assert_eq!(
        (again.code, &again.json()["findings"]),
        (0, &json!([])),
        "{}",
        again.err
    );
    let left = content(&home);
    assert!(
        left.iter().filter(|line| whole.contains(line)).count() < whole.len(),
        "a page is gone"
    );

    let commune = home.start();
    until("everything has come back", || {
        content(&commune.home) == whole
    });
    assert_eq!(
        content(&district.home),
        whole,
        "the superior has lost nothing by it"
    );
    commune.home.set(&["II.1.1.a=999"]);
    until("and it goes on from there", || {
        line(&district.home.total(DISTRICT), "II.1.1.a")["value"] == "999"
    });
}

/// A text that takes some room.
fn long_text(number: usize) -> String {
    // Unlike text, a run of numbers does not pack well.
    let words = (0..4_000).map(|word| (word * 7_919 + number * 104_729) % 1_000_003);
    words.map(|word| format!("{word:x} ")).collect()
}

/// Saves one report after the other, numbered on from `first`, until one is refused. The number of
/// the first that is not there, and the refusal.
fn save_until_refused(home: &Home, first: usize) -> (usize, Value) {
    for number in first..first + 200 {
        let (instance, text) = (number.to_string(), long_text(number));
        let words = [
            "--json",
            "report",
            "text",
            "--new",
            REVIEW,
            YEARS,
            "situation",
        ];
        let rest = ["--office", "police", "--instance", &instance, "--file", "-"];
        let done = home.feed(&[&words[..], &rest].concat(), &text);
        if done.code != 0 {
            assert_eq!(done.code, 1, "{}", done.err);
            let line = done.err.lines().last().unwrap_or_default();
            let problem = serde_json::from_str(line).expect("a refusal is JSON");
            return (number, problem);
        }
    }
    unreachable!("200 saves of 24 KB fit where there is room for a few")
}

/// Reading goes on while nothing can be saved, and nothing of what was confirmed is missing: the
/// first report, and those from 1 up to but without `end`.
fn all_is_there(home: &Home, end: usize) {
    assert_eq!(home.figure(COMMUNE, "II.1.1.a"), "42");
    assert_eq!(home.total(COMMUNE)["reported"], 1);
    let reports = home.ask(&["report", "list"]);
    assert_eq!(
        rows(&reports, "").len(),
        end,
        "every confirmed one, and no other"
    );
    for number in 1..end {
        let instance = number.to_string();
        let shown = home.ask(&["report", "show", REVIEW, YEARS, "--instance", &instance]);
        assert_eq!(
            text_at(&shown, "/texts/0/text").trim(),
            long_text(number).trim()
        );
    }
}

/// What a disk has left when it is nearly full: room for some saves of 24 KB, and for part of one.
const LEFT_BYTES: u64 = 150_000;

/// A disk of 2 MB, mounted where only its holder and those who join it see it.
struct SmallDisk {
    holder: Child,
    /// The folder it is mounted on, as those see it, and as the test does.
    dir: PathBuf,
    seen: PathBuf,
}

impl SmallDisk {
    /// None where the system lends nobody a mount of their own.
    fn mount(world: &World) -> Option<Self> {
        let dir = world.path("disk");
        std::fs::create_dir(&dir).expect("a folder");
        let script = r#"mount -t tmpfs -o size=2m,mode=700 tmpfs "$0" && touch "$0/is-mounted" && exec sleep 300"#;
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.arg(&dir).stdin(Stdio::null());
        let mut holder = command.spawn().ok()?;
        let root = PathBuf::from(format!("/proc/{}/root", holder.id()));
        let seen = root.join(dir.strip_prefix("/").expect("an absolute path"));
        let mut has_failed = false;
        until("the disk is mounted, or cannot be", || {
            has_failed = holder.try_wait().expect("it is our child").is_some();
            has_failed || seen.join("is-mounted").exists()
        });
        (!has_failed).then_some(Self { holder, dir, seen })
    }

    /// A home on it. The program runs among those who see the disk.
    fn home(&self) -> Home {
        let holder = self.holder.id().to_string();
        let words = [
            "nsenter",
            "--user",
            "--mount",
            "--preserve-credentials",
            "--target",
            &holder,
        ];
        Home {
            dir: self.dir.join("h"),
            within: words.map(str::to_owned).to_vec(),
        }
    }

    /// Takes all room but what a few saves need.
    fn fill(&self) {
        self.fill_but(LEFT_BYTES);
    }

    fn fill_but(&self, left_bytes: u64) {
        let mut ballast = std::fs::File::create(self.seen.join("ballast")).expect("a file");
        let mut bytes = 0_u64;
        while ballast.write_all(&[7; 4096]).is_ok() {
            bytes += 4096;
        }
        let kept = bytes.saturating_sub(left_bytes);
        ballast.set_len(kept).expect("it may become shorter");
    }

    fn make_room(&self) {
        std::fs::remove_file(self.seen.join("ballast")).expect("it is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ended = self.holder.kill().and_then(|()| self.holder.wait());
    }
}

#[test]
fn a_full_disk_refuses_saves_serves_reads_and_recovers() {
    let world = World::new();
    let Some(disk) = SmallDisk::mount(&world) else {
        println!("not tried: no small disk can be mounted here");
        return;
    };
    let home = disk.home();
    home.ask(&[
        "init",
        "--root",
        "--unit",
        COMMUNE,
        "--listen",
        "127.0.0.1:0",
    ]);
    home.set(&["II.1.1.a=42"]);
    let mut node = home.start();
    let watch = Watch::start(&home);
    disk.fill();
    let (end, problem) = save_until_refused(&home, 1);
    assert!(end > 1, "some saves still fit");
    assert_eq!(problem["code"], "M-1401", "{problem}");
    for (place, word) in [("/message/vi", "đầy"), ("/message/en", "full")] {
        assert!(text_at(&problem, place).contains(word), "{problem}");
    }
    watch.until("the node says so", |event| {
        event["event"] == "disk" && event["state"] == "full"
    });
    assert_eq!(home.ask(&["status"])["disk"], "full");
    let copy = home.file("copy.db");
    let copy = copy.to_str().expect("a plain path");
    home.refuses(&["backup", copy], 1, "M-1401");
    all_is_there(&home, end);
    assert!(node.is_up());

    disk.make_room();
    let saved = home.tell(&["report", "set", REVIEW, YEARS, "II.1.1.b=7"]);
    assert_eq!(saved.code, 0, "it recovers by itself: {}", saved.err);
    watch.until("and says so", |event| {
        event["event"] == "disk" && event["state"] == "good"
    });
    assert_eq!(home.ask(&["status"])["disk"], "good");

    // Full again, and killed in the middle of it.
    disk.fill();
    let (end, _) = save_until_refused(&home, end);
    node.kill();
    disk.make_room();
    all_is_there(&home, end);
    assert_eq!(home.figure(COMMUNE, "II.1.1.b"), "7");
    assert_eq!(home.tell(&["doctor"]).code, 0);

    // No room at all, not even for the index that whoever opens the database makes.
    disk.fill_but(0);
    home.refuses(&["status"], 1, "M-1401");
    home.refuses(&["run"], 1, "M-1401");
    disk.make_room();
    all_is_there(&home, end);
}

#[test]
fn a_database_that_may_not_grow_refuses_saves_and_recovers() {
    let world = World::new();
    let home = world.root("h", COMMUNE);
    home.set(&["II.1.1.a=42"]);
    // The limit is on the size of a file, in blocks of 512 bytes: 600 KB.
    let script = "trap '' XFSZ; ulimit -f 1200; exec \"$@\"";
    let limited = Home {
        within: ["sh", "-c", script, "sh"].map(str::to_owned).to_vec(),
        ..home.clone()
    };
    let mut node = limited.start();
    let (end, problem) = save_until_refused(&home, 1);
    assert!(end > 1, "some saves still fit");
    let code = text_at(&problem, "/code");
    assert!(["M-1401", "M-1402"].contains(&code), "{problem}");
    assert_ne!(home.ask(&["status"])["disk"], "good");
    all_is_there(&home, end);
    assert!(node.is_up());
    node.kill();
    all_is_there(&home, end);
    let node = home.start();
    let saved = home.tell(&["report", "set", REVIEW, YEARS, "II.1.1.b=7"]);
    assert_eq!(saved.code, 0, "without the limit it works: {}", saved.err);
    assert_eq!(home.ask(&["status"])["disk"], "good");
    all_is_there(&node.home, end);
}
