//! A node whose disk somebody else has: encrypted, nothing of it can be read; and what lies in a home is its
//! owner's alone, whoever starts the program how.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use crate::world::{COMMUNE, Home, Node, REVIEW, World, YEARS, path_text, rows, text_at};

const OLD: &str = "mưa rừng tháng bảy";
const NEW: &str = "nắng hạn tháng tám";

/// A home, and the file with what opens it.
struct Closed {
    home: Home,
    option: &'static str,
    secret: String,
}

impl Closed {
    fn new(world: &World, name: &str, passphrase: &str) -> Self {
        let secret = world.file(&format!("{name}.txt"), &format!("{passphrase}\n"));
        Self {
            home: world.home(name),
            option: "--home-passphrase-file",
            secret,
        }
    }

    fn words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        [&[self.option, &*self.secret], words].concat()
    }

    fn ask(&self, words: &[&str]) -> Value {
        self.home.ask(&self.words(words))
    }

    fn start(&self) -> Node {
        let command = self.home.command(&self.words(&["--json", "run"]));
        Node::start(self.home.clone(), command)
    }

    fn figure(&self, code: &str) -> Value {
        let shown = self.ask(&["report", "show", REVIEW, YEARS, "--unit", COMMUNE]);
        let found = rows(&shown, "/figures")
            .iter()
            .find(|row| row["code"] == code);
        found.map_or(Value::Null, |row| row["value"].clone())
    }
}

/// Every file of a folder, as it lies on the disk.
fn on_disk(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(dir)
        .expect("a home")
        .map(|entry| entry.expect("a file").path());
    let files = files.filter(|path| path.is_file());
    files
        .map(|path| (path.clone(), fs::read(path).expect("it is ours")))
        .collect()
}

/// Which files hold one of these words.
fn holders(files: &[(PathBuf, Vec<u8>)], words: &[&str]) -> Vec<String> {
    let holds = |bytes: &[u8]| {
        words.iter().any(|word| {
            bytes
                .windows(word.len())
                .any(|part| part == word.as_bytes())
        })
    };
    let held = files.iter().filter(|(_, bytes)| holds(bytes));
    held.map(|(path, _)| path_text(path)).collect()
}

/// What a thief looks for: a figure, a text, a unit, a form, and how keys and tables begin.
const WORDS: [&str; 7] = [
    "918273645",
    "Tình hình bí mật",
    "Khe Sanh",
    REVIEW,
    "SQLite format 3",
    "CREATE TABLE",
    "302e020100300506032b6570",
];

#[test]
fn a_stolen_disk_says_nothing_and_the_passphrase_brings_everything_back() {
    let world = World::new();
    let node = Closed::new(&world, "n", OLD);
    node.ask(&["init", "--root", "--unit", COMMUNE, "--encrypt"]);
    let running = node.start();
    // Whoever may speak to the running node needs no passphrase.
    running.home.set(&["II.1.1.a=918273645"]);
    let text = [
        "report",
        "text",
        REVIEW,
        YEARS,
        "situation",
        "--office",
        "police",
        "Tình hình bí mật",
    ];
    running.home.ask(&text);
    let before = on_disk(&running.home.dir);
    running.kill();
    let files = on_disk(&node.home.dir);
    assert!(files.len() >= 5, "{files:?}");
    assert_eq!(holders(&before, &WORDS), [""; 0]);
    assert_eq!(holders(&files, &WORDS), [""; 0]);

    // Neither nothing nor a guess opens it, and neither harms it.
    node.home.refuses(&["status"], 2, "M-2060");
    let guess = world.file("guess.txt", "mưa rừng tháng tám\n");
    node.home
        .refuses(&["--home-passphrase-file", &guess, "status"], 2, "M-2113");
    node.home
        .refuses(&["--home-passphrase-file", &guess, "doctor"], 2, "M-2113");
    assert!(files == on_disk(&node.home.dir), "a guess changes no byte");
    assert_eq!(node.figure("II.1.1.a"), "918273645");
    let examined = node.ask(&["doctor"]);
    assert_eq!(
        (&examined["encrypted"], &examined["findings"]),
        (&json!(true), &json!([]))
    );
    let after = on_disk(&node.home.dir);
    assert_eq!(holders(&after, &WORDS), [""; 0]);
}

#[test]
fn a_backup_is_closed_by_the_same_secret_and_outlives_the_wrapped_key() {
    let world = World::new();
    let mut node = Closed::new(&world, "n", OLD);
    node.ask(&["init", "--root", "--unit", COMMUNE, "--encrypt"]);
    node.ask(&[
        "report",
        "set",
        "--new",
        REVIEW,
        YEARS,
        "II.1.1.a=918273645",
    ]);
    let backup = path_text(&world.path("backup.db"));
    node.ask(&["backup", &backup]);
    let copy = vec![(PathBuf::from(&backup), fs::read(&backup).unwrap())];
    assert_eq!(holders(&copy, &WORDS), [""; 0]);
    node.ask(&["report", "set", REVIEW, YEARS, "II.1.1.a=7"]);

    // Another passphrase opens the same key: no byte of the database moves, and old backups come back.
    let database = fs::read(node.home.file("store.db")).unwrap();
    let new = world.file("new.txt", NEW);
    node.ask(&["passphrase", "--new-passphrase-file", &new]);
    assert!(database == fs::read(node.home.file("store.db")).unwrap());
    node.home.refuses(&node.words(&["status"]), 2, "M-2113");
    let old = std::mem::replace(&mut node.secret, new);
    assert_eq!(node.figure("II.1.1.a"), "7");
    node.ask(&["restore", &backup]);
    assert_eq!(node.figure("II.1.1.a"), "918273645");

    // A key file beside the passphrase: either opens it.
    let key = path_text(&world.path("key.bin"));
    fs::write(&key, [0xa5; 32]).unwrap();
    let both = node.ask(&["passphrase", "--new-key-file", &key]);
    assert_eq!(both["opened_by"], json!(["passphrase", "key-file"]));
    assert_eq!(node.home.tell(&["--home-key-file", &key, "status"]).code, 0);
    fs::write(&key, [0xa5; 31]).unwrap();
    node.home
        .refuses(&["--home-key-file", &key, "status"], 2, "M-2063");
    let long = world.file("long.txt", &"x".repeat(9_000));
    node.home
        .refuses(&["--home-passphrase-file", &long, "status"], 2, "M-2010");

    // The wrapped key is lost: the backup still has it, under the passphrase that it was made under.
    fs::remove_file(node.home.file("store.key")).unwrap();
    for command in ["doctor", "decrypt"] {
        node.home.refuses(&node.words(&[command]), 2, "M-2103");
    }
    node.home.refuses(&["restore", &backup], 2, "M-2111");
    let other = ["restore", &backup, "--backup-passphrase-file", &node.secret];
    node.home.refuses(&other, 2, "M-2113");
    assert!(
        !node.home.file("store.key").exists(),
        "what opens nothing is not kept"
    );
    node.home
        .ask(&["restore", &backup, "--backup-passphrase-file", &old]);
    node.secret = old;
    assert_eq!(node.figure("II.1.1.a"), "918273645");

    // Under another key, and under none: what is restored is as the home is.
    node.ask(&["decrypt"]);
    node.home.refuses(&["restore", &backup], 2, "M-2216");
    node.home
        .ask(&["restore", &backup, "--backup-passphrase-file", &node.secret]);
    assert_eq!(node.home.ask(&["doctor"])["encrypted"], json!(false));
    assert_eq!(node.figure("II.1.1.a"), "918273645");
    let plain = path_text(&world.path("plain.db"));
    node.home.ask(&["backup", &plain]);
    let old = std::mem::replace(&mut node.secret, world.file("again.txt", NEW));
    node.home.tell(&node.words(&["encrypt"]));
    for (file, option) in [(&plain, None), (&backup, Some("--backup-passphrase-file"))] {
        let options = option.map_or(vec![], |option| vec![option, &*old]);
        node.ask(&[&["restore", file], &options[..]].concat());
        assert_eq!(node.figure("II.1.1.a"), "918273645");
        let now = fs::read(node.home.file("store.db")).unwrap();
        assert!(!now.starts_with(b"SQLite format 3"));
    }
}

/// Everything in all tables of a plain database.
fn contents(home: &Home) -> Vec<(String, Vec<Vec<Cell>>)> {
    let db = Connection::open(home.file("store.db")).expect("a plain database");
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut statement = db.prepare(sql).expect("a database has tables");
    let names = statement
        .query_map([], |row| row.get::<_, String>(0))
        .expect("names");
    let tables = names.map(|name| {
        let name = name.expect("a name");
        let mut statement = db
            .prepare(&format!("SELECT * FROM {name}"))
            .expect("a table");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|at| row.get(at)).collect());
        let rows = rows
            .expect("rows")
            .collect::<Result<_, _>>()
            .expect("cells");
        (name, rows)
    });
    tables.collect()
}

#[test]
fn encrypting_and_decrypting_a_node_changes_nothing_that_it_holds() {
    let world = World::new();
    let node = Closed::new(&world, "n", OLD);
    node.home.ask(&["init", "--root", "--unit", COMMUNE]);
    node.home.set(&["II.1.1.a=918273645", "II.1.1.b=08"]);
    let key = fs::read(node.home.file("key")).unwrap();
    let before = contents(&node.home);
    assert!(!holders(&on_disk(&node.home.dir), &WORDS).is_empty());
    // What older programs have left beside it is named, and nobody's to throw away but its owner's.
    fs::copy(
        node.home.file("store.db"),
        node.home.file("store.db.v1.bak"),
    )
    .unwrap();
    let done = node.home.tell(&node.words(&["--json", "encrypt"]));
    assert_eq!(done.code, 4, "{}", done.err);
    let readable = path_text(&node.home.file("store.db.v1.bak"));
    assert_eq!(done.json()["readable"], json!([readable]));
    let found = node.home.tell(&node.words(&["--json", "doctor"]));
    assert_eq!(
        (found.code, &found.json()["findings"][0]["code"]),
        (4, &json!("D-013"))
    );
    fs::remove_file(readable).unwrap();
    let again = node.ask(&["encrypt"]);
    assert_eq!(again["opened_by"], json!(["passphrase"]));
    assert_eq!(holders(&on_disk(&node.home.dir), &WORDS), [""; 0]);
    assert_eq!(node.figure("II.1.1.b"), "8");
    node.ask(&["doctor"]);

    let plain = node.ask(&["decrypt"]);
    assert_eq!(plain["encrypted"], json!(false));
    node.home.refuses(&["decrypt"], 2, "M-2112");
    assert!(contents(&node.home) == before, "every row is as it was");
    assert_eq!(fs::read(node.home.file("key")).unwrap(), key);
    assert!(!node.home.file("store.key").exists());
    node.home.ask(&["doctor"]);
}

/// Whatever a cut leaves of it, the same command finishes.
#[test]
fn encrypting_that_was_cut_goes_on() {
    let world = World::new();
    let node = Closed::new(&world, "n", OLD);
    node.home.ask(&["init", "--root", "--unit", COMMUNE]);
    node.home.set(&["II.1.1.a=918273645"]);
    let plain = on_disk(&node.home.dir);
    node.ask(&["encrypt"]);
    let kept = |name: &str| {
        let found = plain.iter().find(|(path, _)| path.ends_with(name));
        found.map(|(_, bytes)| bytes.clone()).expect("it was there")
    };
    // Before its database was in place; and when only its key was not closed yet.
    for (names, is_refused) in [(&["store.db", "key"][..], true), (&["key"], false)] {
        for name in names {
            fs::write(node.home.file(name), kept(name)).unwrap();
        }
        if is_refused {
            node.home.refuses(&node.words(&["status"]), 2, "M-2201");
        }
        let found = node.home.tell(&node.words(&["--json", "doctor"])).json();
        let codes: Vec<_> = rows(&found, "/findings")
            .iter()
            .map(|row| text_at(row, "/code"))
            .collect();
        assert!(codes.contains(&"D-013"), "{found}");
        node.ask(&["encrypt"]);
        assert_eq!(holders(&on_disk(&node.home.dir), &WORDS), [""; 0]);
        assert_eq!(node.figure("II.1.1.a"), "918273645");
    }
    // And the other way: decrypting ends what encrypting has begun.
    for name in ["store.db", "key"] {
        fs::write(node.home.file(name), kept(name)).unwrap();
    }
    node.ask(&["decrypt"]);
    assert_eq!(node.home.figure(COMMUNE, "II.1.1.a"), "918273645");
}

#[test]
fn a_broken_page_of_an_encrypted_node_is_found_and_the_rest_saved() {
    use std::os::unix::fs::FileExt as _;
    let world = World::new();
    let node = Closed::new(&world, "n", OLD);
    node.ask(&["init", "--root", "--unit", COMMUNE, "--encrypt"]);
    let line = |n: u32| {
        let text = format!("Tình hình bí mật thứ {n}. ").repeat(40);
        let edits =
            json!([{"edit": "text", "section": "situation", "office": "police", "text": text}]);
        json!({"report": {"form": REVIEW, "period": YEARS, "instance": n}, "office": "police",
            "create": true, "edits": edits})
    };
    let lines: String = (0..20).map(|n| format!("{}\n", line(n))).collect();
    let done = node
        .home
        .feed(&node.words(&["report", "import", "-"]), &lines);
    assert_eq!(done.code, 0, "{}", done.err);
    let database = node.home.file("store.db");
    let pages = fs::metadata(&database).unwrap().len() / 4_096;
    let file = fs::OpenOptions::new().write(true).open(&database).unwrap();
    file.write_all_at(&[0xa5; 4_096], (pages - 2) * 4_096)
        .unwrap();
    let found = node.home.tell(&node.words(&["--json", "doctor"]));
    assert_eq!(
        (found.code, &found.json()["findings"][0]["ailment"]),
        (4, &json!("damage"))
    );
    let repaired = node
        .home
        .tell(&node.words(&["--json", "doctor", "--repair"]));
    let repaired = repaired.json();
    let saved = repaired
        .pointer("/repaired/documents")
        .and_then(Value::as_u64);
    assert!(saved.is_some_and(|saved| saved >= 10), "{repaired}");
    assert_eq!(node.ask(&["doctor"])["findings"], json!([]));
    assert_eq!(
        holders(&on_disk(&node.home.dir), &WORDS),
        [""; 0],
        "nor what is kept of it"
    );
}

/// Whatever the umask of whoever starts it.
#[test]
fn what_lies_in_a_home_is_its_owner_s_alone() {
    let world = World::new();
    let mut home = world.home("n");
    let open = ["sh", "-c", "umask 000; exec \"$@\"", "sh"];
    home.within = open.map(str::to_owned).to_vec();
    home.ask(&["init", "--root", "--unit", COMMUNE]);
    let node = home.start();
    node.home.set(&["II.1.1.a=1"]);
    let backup = path_text(&world.path("backup.db"));
    node.home.ask(&["backup", &backup]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let modes = |dir: &Path| {
        let names = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let mut modes: Vec<_> = names.map(|path| (path_text(&path), mode(&path))).collect();
        modes.sort();
        modes
    };
    assert_eq!(mode(&node.home.dir), 0o700);
    let running = modes(&node.home.dir);
    assert!(
        running.len() >= 6,
        "key, settings, lock, socket, database and log: {running:?}"
    );
    for (path, mode) in running {
        assert_eq!(mode & 0o077, 0, "{path} has {mode:o}");
    }
    assert_eq!(mode(Path::new(&backup)), 0o600);
    let home = node.stop();
    // What somebody has opened is told, file by file.
    fs::set_permissions(home.file("key"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(&home.dir, fs::Permissions::from_mode(0o755)).unwrap();
    let found = home.tell(&["--json", "doctor"]).json();
    assert_eq!(rows(&found, "/findings").len(), 2, "{found}");
    home.ask(&["restore", &backup]);
    assert_eq!(mode(&home.file("store.db")), 0o600);
}

/// A name that a stranger gave leads nowhere, and a link that lies in the way is not followed.
#[test]
fn what_is_written_out_follows_no_link() {
    let world = World::new();
    let home = world.home("n");
    home.ask(&["init", "--root", "--unit", COMMUNE]);
    home.set(&["II.1.1.a=1"]);
    let scan = world.file("Bản ký.pdf", "%PDF-1.7\nký\n");
    home.ask(&["report", "attach", REVIEW, YEARS, &scan]);
    let treasure = world.file("treasure", "mine");
    let link = world.path("link.pdf");
    symlink(&treasure, &link).unwrap();
    let out = path_text(&link);
    let save = ["report", "save-attachment", REVIEW, YEARS, "1", "-o", &out];
    assert_eq!(home.tell(&save).code, 2);
    home.ask(&[&save[..], &["--force"]].concat());
    assert!(
        link.symlink_metadata().unwrap().is_file(),
        "the link is replaced"
    );
    let backup = world.path("b.db");
    symlink(world.path("nowhere"), &backup).unwrap();
    symlink(&treasure, world.path("b.db.part")).unwrap();
    home.ask(&["backup", &path_text(&backup)]);
    assert!(backup.symlink_metadata().unwrap().is_file());
    assert!(!world.path("nowhere").exists());
    assert_eq!(fs::read_to_string(&treasure).unwrap(), "mine");
}
