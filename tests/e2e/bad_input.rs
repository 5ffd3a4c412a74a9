//! What is refused: each with its exit code and its message code, in both languages, by a folder
//! alone and by a running node, and nothing is lost or changed afterwards.

use std::os::unix::fs::PermissionsExt as _;

use hopluu_model::Timestamp;
use hopluu_trust::{Ticket, TicketIssue, TicketSecret};
use rusqlite::Connection;

use crate::world::{
    COMMUNE, DISTRICT, Home, NEIGHBOUR, REVIEW, World, YEARS, path_text, rows, text_at, until,
};

const USAGE: i32 = 2;
const FAILED: i32 = 1;

/// A district with one report of a commune, and what it holds.
fn with_a_report(world: &World) -> Home {
    let home = world.root("465", DISTRICT);
    home.set(&["II.1.1.a=42", "II.2.6=Có", "--unit", COMMUNE]);
    home
}

/// Words that write the report of the commune.
fn set<'a>(figures: &[&'a str]) -> Vec<&'a str> {
    [
        &["report", "set", REVIEW, YEARS, "--unit", COMMUNE],
        figures,
    ]
    .concat()
}

/// The same in a folder that no node works in, and in one where a node runs.
fn alone_and_served(check: impl Fn(&Home)) {
    let world = World::new();
    let home = with_a_report(&world);
    let before = home.holds();
    check(&home);
    assert_eq!(home.holds(), before, "nothing was saved");
    let node = home.start();
    check(&node.home);
    assert_eq!(node.home.holds(), before, "nothing was saved by the node");
    assert_eq!(node.home.figure(COMMUNE, "II.1.1.a"), "42");
}

#[test]
fn an_unknown_name_is_refused_by_name() {
    alone_and_served(|home| {
        home.refuses(
            &["report", "show", REVIEW, YEARS, "--unit", "99999"],
            USAGE,
            "M-1001",
        );
        home.refuses(&["rollup", "show", "99999", REVIEW, YEARS], USAGE, "M-1001");
        home.refuses(&["invite", "99999"], USAGE, "M-1001");
        home.refuses(&["report", "show", "nothing", YEARS], USAGE, "M-1003");
        home.refuses(
            &["rollup", "show", "465", "nothing", YEARS],
            USAGE,
            "M-1003",
        );
        home.refuses(&["report", "show", REVIEW, "2026-Q1"], USAGE, "M-1004");
        home.refuses(
            &["rollup", "show", "465", REVIEW, "2026-Q1"],
            USAGE,
            "M-1004",
        );
        home.refuses(&["rollup", "show", "45", REVIEW, YEARS], USAGE, "M-1208");
        home.refuses(&set(&["II.1.1.z=1"]), USAGE, "M-1005");
        home.refuses(&set(&["II.1.1=1"]), USAGE, "M-1005");
        home.refuses(
            &["rollup", "explain", "465", REVIEW, YEARS, "II.9"],
            USAGE,
            "M-1005",
        );
        home.refuses(&set(&["II.1.1.a=1", "--office", "navy"]), USAGE, "M-1007");
        home.refuses(
            &["invite", "--office", "navy", "--address", "127.0.0.1:1"],
            USAGE,
            "M-1007",
        );
        let text = [
            "report", "text", REVIEW, YEARS, "results", "x", "--unit", COMMUNE,
        ];
        home.refuses(
            &[&text[..], &["--office", "police"]].concat(),
            USAGE,
            "M-1006",
        );
        home.refuses(
            &["report", "show", REVIEW, YEARS, "--unit", NEIGHBOUR],
            USAGE,
            "M-1201",
        );
    });
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_and_so_is_its_whole_save() {
    alone_and_served(|home| {
        for figure in [
            "II.1.1.a=1.5",
            "II.1.1.a=1,5",
            "II.1.1.a=-1",
            "II.1.1.a=nhiều",
            "II.2.6=90,5%",
            "II.2.6=19/21",
        ] {
            home.refuses(&set(&["II.1.1.b=7", figure]), USAGE, "M-1101");
        }
        // What a share is of, and how many that are, the tree says.
        let district = ["report", "set", "--new", REVIEW, YEARS];
        for figure in ["II.2.6=19/20", "II.2.6=90,5%", "I.1=90,5", "II.2.6=22/21"] {
            home.refuses(&[&district[..], &[figure]].concat(), USAGE, "M-1101");
        }
        let rows = [
            r#"{"report":{"form":"pcmd-review","period":"2016-2020","unit":"19429"},"edits":[{"edit":"set","code":"II.1.1.b","value":"7"},{"edit":"set","code":"II.1.1.a","value":"1.5"}]}"#,
            "no JSON",
            "{}",
        ];
        let done = home.feed(&["--json", "report", "import", "-"], &rows.join("\n"));
        assert_eq!(done.code, FAILED, "{}", done.err);
        let codes: Vec<_> = done
            .lines()
            .iter()
            .map(|row| row["error"]["code"].clone())
            .collect();
        assert_eq!(codes, ["M-1101", "M-1501", "M-1501"]);
    });
}

#[test]
fn a_ticket_that_is_not_good_lets_nobody_in() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    let foreign = world.root("a", DISTRICT).start();
    let good = district.home.ticket(&[COMMUNE]);
    let joiner = world.home("c");
    let refused = |ticket: &str, exit: i32, code: &str| {
        joiner.refuses(&["join", ticket], exit, code);
        joiner.refuses(&["status"], USAGE, "M-2101");
    };
    let before = district.home.holds();

    refused("HOPLUU1-NONSENSE", USAGE, "M-2206");
    let middle = good.len() / 2;
    let other = if good.as_bytes().get(middle) == Some(&b'A') {
        "B"
    } else {
        "A"
    };
    let mut garbled = good.clone();
    garbled.replace_range(middle..=middle, other);
    refused(&garbled, USAGE, "M-2206");
    refused(good.split_at(middle).0, USAGE, "M-2206");

    let read = Ticket::decode(&good).expect("it is good");
    let changed = |change: &dyn Fn(&mut Ticket)| {
        let mut ticket = read.clone();
        change(&mut ticket);
        ticket.encode().expect("it is as small as before")
    };
    refused(
        &changed(&|ticket| ticket.expires = Timestamp(1)),
        USAGE,
        "M-2207",
    );
    let address = foreign.ready["listen"]
        .as_str()
        .expect("it listens")
        .to_owned();
    // The ticket of one mesh at the door of another, and one that its issuer never wrote.
    refused(
        &changed(&|ticket| ticket.addrs = vec![address.clone()]),
        FAILED,
        "M-2208",
    );
    refused(
        &changed(&|ticket| ticket.secret = TicketSecret([7; 16])),
        USAGE,
        "M-2208",
    );
    assert_eq!(district.home.holds(), before, "nobody was let in");

    // None of that has used it up.
    joiner.ask(&["join", &good]);
    let thief = world.home("d");
    thief.refuses(&["join", &good], USAGE, "M-2208");
    thief.refuses(&["status"], USAGE, "M-2101");
    // Whoever joined is not put out by that.
    let commune = joiner.start();
    commune.has_forms();
}

#[test]
fn a_ticket_ends_by_its_issuer_s_clock_whatever_it_says_itself() {
    let world = World::new();
    let home = world.root("465", DISTRICT);
    let address = crate::world::free_address();
    let ticket = home.ticket(&[COMMUNE, "--address", &address]);
    let db = Connection::open(home.file("store.db")).expect("the database");
    let body: Vec<u8> = db
        .query_row("SELECT body FROM tickets", [], |row| row.get(0))
        .expect("one ticket");
    let mut issue = TicketIssue::decode(&body).expect("it was written by this program");
    issue.expires = Timestamp(1);
    db.execute(
        "UPDATE tickets SET body = ?1, expires = 1",
        [issue.encode()],
    )
    .expect("the test may write");
    drop(db);
    let _district = crate::world::Node::start(
        home.clone(),
        home.command(&["--json", "run", "--listen", &address]),
    );
    let joiner = world.home("c");
    joiner.refuses(&["join", &ticket], USAGE, "M-2208");
    joiner.refuses(&["status"], USAGE, "M-2101");
}

#[test]
fn a_home_in_use_is_left_to_the_one_that_works_in_it() {
    let world = World::new();
    let home = with_a_report(&world);
    let backup = path_text(&world.path("backup.db"));
    home.ask(&["backup", &backup]);
    let before = home.holds();
    let mut node = home.start();
    home.refuses(&["run"], FAILED, "M-2104");
    home.refuses(&["init", "--root", "--unit", "465"], FAILED, "M-2104");
    home.refuses(&["doctor"], FAILED, "M-2018");
    home.refuses(&["restore", &backup], FAILED, "M-2018");
    assert!(node.is_up());
    assert_eq!(home.holds(), before);
    assert_eq!(
        home.set(&["II.1.1.a=43", "--unit", COMMUNE])["change"]
            .as_str()
            .map(str::len),
        Some(64)
    );
    node.stop();
}

/// Breaks a home, sees it refused, mends it, and sees all reports again.
fn refused_while(
    name: &str,
    break_it: impl FnOnce(&Home),
    check: impl FnOnce(&Home),
    mend: impl FnOnce(&Home),
) {
    let world = World::new();
    let home = with_a_report(&world);
    let before = home.holds();
    break_it(&home);
    check(&home);
    mend(&home);
    assert_eq!(home.holds(), before, "{name}: nothing is lost");
    home.set(&["II.1.1.a=43", "--unit", COMMUNE]);
    let node = home.start();
    assert_eq!(
        node.home.figure(COMMUNE, "II.1.1.a"),
        "43",
        "{name}: it works again"
    );
}

fn refused_everywhere(home: &Home, exit: i32, code: &str) {
    for words in [&["status"][..], &["report", "list"], &["run"]] {
        home.refuses(words, exit, code);
    }
    home.refuses(&set(&["II.1.1.a=43"]), exit, code);
}

#[test]
fn a_database_of_a_newer_program_is_not_touched() {
    // Adds 90 or takes them away again, whatever the version is by now.
    let version = |home: &Home, by: i32| {
        let db = Connection::open(home.file("store.db")).expect("the database");
        let read = |row: &rusqlite::Row<'_>| row.get::<_, i32>(0);
        let now = db.query_row("PRAGMA user_version", [], read);
        let version = now.expect("it has one") + by;
        db.pragma_update(None, "user_version", version)
            .expect("the test may write");
    };
    refused_while(
        "newer",
        |home| version(home, 90),
        |home| {
            let before = std::fs::read(home.file("store.db")).expect("the database");
            refused_everywhere(home, USAGE, "M-2201");
            let found = home.tell(&["--json", "doctor", "--repair"]);
            let after = std::fs::read(home.file("store.db")).expect("the database");
            assert!(
                before == after,
                "not even by a repair: {}{}",
                found.out,
                found.err
            );
            assert_eq!(
                text_at(&found.json(), "/findings/0/code"),
                "D-009",
                "the cure is the newer program, not a repair"
            );
        },
        |home| version(home, -90),
    );
}

#[test]
fn a_half_written_home_is_named_as_one() {
    for part in ["node.toml", "key", "store.db"] {
        let aside = |home: &Home| home.dir.with_extension(part);
        refused_while(
            part,
            |home| std::fs::rename(home.file(part), aside(home)).expect("it is there"),
            |home| {
                refused_everywhere(home, USAGE, "M-2103");
                home.refuses(&["init", "--root", "--unit", DISTRICT], USAGE, "M-2102");
                if part == "key" {
                    home.refuses(&["doctor"], USAGE, "M-2103");
                }
                let said = home.tell(&["--lang", "en", "report", "list"]).err;
                let is_sure = part == "key" || said.to_lowercase().contains("if it was in use");
                assert!(is_sure, "no advice costs the owner a figure: {said}");
            },
            |home| std::fs::rename(aside(home), home.file(part)).expect("it is there"),
        );
    }
}

#[test]
fn an_empty_database_is_not_repaired_into_nothing() {
    let aside = |home: &Home| home.dir.with_extension("aside");
    refused_while(
        "empty database",
        |home| {
            std::fs::rename(home.file("store.db"), aside(home)).expect("it is there");
            std::fs::write(home.file("store.db"), "").expect("a file");
        },
        |home| home.refuses(&["doctor", "--repair"], FAILED, "M-2213"),
        |home| std::fs::rename(aside(home), home.file("store.db")).expect("it is there"),
    );
}

#[test]
fn what_is_not_a_database_is_neither_read_nor_overwritten() {
    let aside = |home: &Home| home.dir.with_extension("aside");
    refused_while(
        "no database",
        |home| {
            std::fs::rename(home.file("store.db"), aside(home)).expect("it is there");
            std::fs::write(home.file("store.db"), "báo cáo.docx\n".repeat(1000)).expect("a file");
        },
        |home| {
            refused_everywhere(home, USAGE, "M-2201");
            let found = home.tell(&["--json", "doctor"]);
            assert_eq!(found.code, 4, "{}", found.err);
            assert!(
                rows(&found.json(), "/findings")
                    .iter()
                    .any(|row| row["ailment"] == "database")
            );
            let text = std::fs::read_to_string(home.file("store.db")).expect("a text");
            assert!(text.starts_with("báo cáo.docx"), "it is as it was");
        },
        |home| std::fs::rename(aside(home), home.file("store.db")).expect("it is there"),
    );
}

#[test]
fn a_file_where_the_folder_should_be_is_refused() {
    let world = World::new();
    let home = world.home("file");
    std::fs::write(&home.dir, "a file").expect("a file");
    home.refuses(&["init", "--root", "--unit", DISTRICT], FAILED, "M-2105");
    home.refuses(&["status"], USAGE, "M-2101");
    assert_eq!(
        std::fs::read_to_string(&home.dir).expect("a file"),
        "a file"
    );
}

#[test]
fn a_read_only_home_is_refused_and_left_as_it_is() {
    let world = World::new();
    let home = with_a_report(&world);
    let before = home.holds();
    let rights = |mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&home.dir, mode).expect("it is our folder");
    };
    rights(0o500);
    let mut read_only = home.clone();
    if std::fs::write(home.file("probe"), "").is_ok() {
        // Root may write everywhere but on a mount that says no, which only the program sees.
        std::fs::remove_file(home.file("probe")).expect("it is ours");
        read_only.within = seen_read_only(&home);
    }
    if read_only.sees_its_folder() {
        refused_everywhere(&read_only, FAILED, "M-2105");
        read_only.refuses(&["doctor"], FAILED, "M-2105");
    } else {
        println!("not tried: no folder can be made read-only here");
    }
    rights(0o700);
    assert_eq!(home.holds(), before, "nothing is lost");
}

/// What runs a program so that it finds this folder mounted read-only.
fn seen_read_only(home: &Home) -> Vec<String> {
    let script = r#"mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@""#;
    let words = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
    ];
    let words = words.into_iter().map(str::to_owned);
    words.chain([path_text(&home.dir)]).collect()
}

#[test]
fn a_node_that_does_not_run_is_said_not_to() {
    let world = World::new();
    let home = with_a_report(&world);
    home.refuses(&["watch"], 3, "M-2001");
    // What a killed node leaves behind is no node.
    let home = home.start().kill();
    assert!(home.file("api.sock").exists());
    home.refuses(&["watch"], 3, "M-2001");
    assert_eq!(home.figure(COMMUNE, "II.1.1.a"), "42");
    let node = home.start();
    until("it answers", || node.home.tell(&["status"]).code == 0);
}

#[test]
fn a_damaged_table_saves_nothing() {
    let world = World::new();
    let home = with_a_report(&world);
    let before = home.holds();
    for table in [
        "code,value\nII.1.1.a,5\n\"II.1.1.b,3\nII.1.1.c,4\n",
        "code,value\nII.1.1.a,5\nII.1.1.b\n",
        "code,value\nII.1.1.a,5\nII.1.1.a,6\n",
        "code,value,code\nII.1.1.a,5,II.1.1.b\n",
    ] {
        let file = world.file("table.csv", table);
        let set = [
            "report", "set", REVIEW, YEARS, "--unit", COMMUNE, "--csv", &file,
        ];
        home.refuses(&set, USAGE, "M-2013");
    }
    home.refuses(&set(&["II.1.1.a=3", "II.1.1.a=4"]), USAGE, "M-2020");
    assert_eq!(home.holds(), before);
}

#[test]
fn a_text_commands_no_terminal() {
    let world = World::new();
    let home = with_a_report(&world);
    let text = world.file("text.txt", "a\u{1b}[31mđỏ\u{202e}ngược");
    let place = [REVIEW, YEARS, "--unit", COMMUNE];
    let words = [
        &["report", "text"],
        &place[..2],
        &["situation", "--office", "police"],
    ]
    .concat();
    let words = [&words[..], &["--file", &text], &place[2..]].concat();
    let done = home.tell(&words);
    assert_eq!(done.code, 0, "{}", done.err);
    for read in ["show", "print"] {
        let shown = home.tell(&[&["report", read], &place[..]].concat());
        assert_eq!(shown.code, 0, "{}", shown.err);
        assert!(
            shown.out.contains("\u{FFFD}[31mđỏ\u{FFFD}ngược"),
            "{}",
            shown.out
        );
        assert!(!shown.out.contains('\u{1b}'), "{}", shown.out);
    }
}

#[test]
fn a_node_that_has_heard_nothing_yet_says_so() {
    let world = World::new();
    let root = world.root("465", "465@2024-05-01").start();
    let commune = world.join(&root.home, "c", &["19429@2024-05-01"]);
    let invite = [
        "invite",
        "19429@2024-05-01",
        "--office",
        "police",
        "--address",
        "127.0.0.1:1",
    ];
    commune.refuses(&invite, 1, "M-1407");
    commune.refuses(&["report", "new", REVIEW, YEARS], 1, "M-1407");
}
