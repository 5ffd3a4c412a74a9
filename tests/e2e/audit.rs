//! Who set a figure and on whose right, proved where there is no node; who read what is private; what was refused.

use std::path::Path;

use hopluu_rogue::frames::{CHANGE, hello};
use hopluu_sync::RefusalCode;
use serde_json::Value;

use crate::rogue::{Forged, Rogue};
use crate::world::{
    COMMUNE, Done, Home, REVIEW, World, YEARS, free_address, line, path_text, program, rows,
    text_at, until,
};

const PROVINCE: &str = "45@2024-05-01";

/// What the form gives to the police, and a forged change sets.
const FIGURE: &str = "II.1.1.a";

/// A line of the form that says something of few people.
const PRIVATE: &str = "II.1.1.c";

/// How often a stranger tries the same.
const TRIES: u64 = 40;

/// All that was written to a figure.
fn writes(audit: &Value, code: &str) -> Vec<Value> {
    let of = |thing: &&Value| thing["kind"] == "figure" && thing["name"] == code;
    let thing = rows(audit, "/things").iter().find(of);
    thing.map_or_else(Vec::new, |thing| rows(thing, "/writes").to_vec())
}

/// Verifies a file in a folder without a node.
fn verify(folder: &Path, file: &str, root: Option<&str>) -> Done {
    let mut command = program();
    command
        .current_dir(folder)
        .arg("--home")
        .arg(folder.join("none"));
    command.args(["--json", "verify", file]);
    command.args(root.into_iter().flat_map(|root| ["--root", root]));
    Done::of(command.output())
}

fn audit_of(home: &Home, more: &[&str]) -> Value {
    let words = ["audit", "report", REVIEW, YEARS, "--unit", COMMUNE];
    home.ask(&[&words, more].concat())
}

/// The police wrote by a grant of the commune, and what health wrote is void.
fn tells_whose_right_it_was(said: &[Value]) {
    let of = |office: &str| {
        let mut all = said.iter();
        let found = all.find(|one| one["author"]["office"] == office);
        found.unwrap_or_else(|| unreachable!("nothing by {office}: {said:?}"))
    };
    let (police_s, health_s) = (of("police"), of("health"));
    assert_eq!(
        (&police_s["stands"], &police_s["void"]),
        (&Value::Bool(true), &Value::Null)
    );
    assert_eq!(police_s["wrote"]["value"], "42");
    assert_eq!(police_s["right"]["by"]["unit"], COMMUNE);
    assert!(police_s["right"]["grant"].is_string(), "{police_s}");
    assert_eq!(police_s["brought"]["by"]["unit"], COMMUNE);
    assert!(police_s["brought"]["at"].is_number(), "{police_s}");
    assert_eq!(
        (&health_s["stands"], &health_s["void"]),
        (&Value::Bool(false), &"no-grant".into())
    );
}

/// Neither under another root nor with a byte that was changed.
fn no_other_passes_for_it(elsewhere: &Path, root: &str) {
    let other = verify(elsewhere, "report.hld", Some(&"0".repeat(64)));
    assert_eq!(
        (other.code, text_at(&other.problem(), "/code")),
        (1, "M-2053")
    );
    let mut bytes = std::fs::read(elsewhere.join("report.hld")).expect("the file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(elsewhere.join("changed.hld"), bytes).expect("a file");
    assert_eq!(verify(elsewhere, "report.hld", Some("report.hld")).code, 2);
    let changed = verify(elsewhere, "changed.hld", Some(root));
    assert_eq!(
        (changed.code, text_at(&changed.problem(), "/code")),
        (1, "M-2053")
    );
}

/// What the file says of a figure, and what the node that made it says.
fn says_the_same(again: &[Value], said: &[Value]) {
    let values = |all: &[Value]| -> Vec<_> {
        let told = all.iter().map(|one| {
            let fields = ["wrote", "author", "right", "void", "stands", "received"];
            fields.map(|field| one[field].clone())
        });
        told.collect()
    };
    assert_eq!(
        values(again),
        values(said),
        "it says there what it says here"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_set_a_figure_is_proved_in_an_empty_folder_with_the_root_s_fingerprint_alone() {
    let world = World::new();
    let province = world.root("45", PROVINCE).start();
    let commune = world.home("19429");
    let ticket = province.home.ticket(&[COMMUNE]);
    commune.ask(&["join", &ticket, "--listen", &free_address()]);
    let commune = commune.start();
    commune.has_forms();
    let police = world.join(&commune.home, "police", &["--office", "police"]);
    let police = police.start();
    police.has_forms();
    let set = ["report", "set", "--new", REVIEW, YEARS, "II.1.1.a=42"];
    until("its grant came down", || police.home.tell(&set).code == 0);
    let at_province = || audit_of(&province.home, &[FIGURE]);
    until("the figure is at the province", || {
        line(&province.home.total(COMMUNE), FIGURE)["value"] == "42"
    });
    let rogue = Rogue::join_as(&commune, &["--office", "health"]).await;
    let forged = Forged::of(COMMUNE);
    let mut talk = rogue.say(hello()).await;
    let body = forged.sealed(&rogue.signer);
    assert_eq!(talk.offer(forged.object(), CHANGE, body).await, None);
    until("what is void has come up", || {
        writes(&at_province(), FIGURE).len() == 2
    });
    let said = writes(&at_province(), FIGURE);
    tells_whose_right_it_was(&said);

    let elsewhere = world.path("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a folder");
    let file = elsewhere.join("report.hld");
    let exported = audit_of(&province.home, &["--export", &path_text(&file)]);
    let root = province.home.ask(&["status"])["root"].clone();
    let root = root.as_str().expect("a fingerprint");
    let verified = verify(&elsewhere, "report.hld", Some(root));
    assert_eq!(verified.code, 0, "{}", verified.err);
    let verified = verified.json();
    assert_eq!(verified["root"], root);
    assert_eq!(verified["by"]["unit"], PROVINCE);
    says_the_same(&writes(&verified["audit"], FIGURE), &said);
    assert_eq!(
        verify(&elsewhere, "report.hld", None).code,
        4,
        "nobody compared the root"
    );
    assert_eq!(
        exported["bytes"],
        std::fs::read(&file).expect("the file").len()
    );
    no_other_passes_for_it(&elsewhere, root);
    assert!(!elsewhere.join("none").exists(), "no node was made for it");
    province.home.refuses(
        &[
            "audit",
            "report",
            REVIEW,
            YEARS,
            "--unit",
            COMMUNE,
            "--export",
            &path_text(&file),
        ],
        2,
        "M-2050",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refused_is_shown_and_a_flood_of_it_is_one_row() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    assert!(rows(&commune.home.ask(&["audit", "refused"]), "").is_empty());
    let rogue = Rogue::join_as(&commune, &["--office", "health"]).await;
    let forged = Forged::of(COMMUNE);
    let mut talk = rogue.say(hello()).await;
    for number in 0..TRIES {
        let body = vec![9, u8::try_from(number).expect("a few")];
        let refused = talk.offer(forged.object(), CHANGE, body).await;
        assert!(
            refused.is_some_and(|code| code != RefusalCode::PARKED),
            "{refused:?}"
        );
    }
    let node = rogue.signer.node_id().to_string();
    let revoke = ["revoke", "node", &node[..16], "--reason", "stolen"];
    commune.home.ask(&revoke);
    let again = rogue.say(hello()).await;
    again.closed().await;
    let of = |kind: &str| -> Vec<Value> {
        let told = commune.home.ask(&["audit", "refused"]);
        let is_it = |row: &&Value| row["kind"] == kind && row["of"]["node"] == *node;
        rows(&told, "").iter().filter(is_it).cloned().collect()
    };
    let entries = of("entry");
    assert_eq!(
        (entries.len(), &entries[0]["count"]),
        (1, &TRIES.into()),
        "{entries:?}"
    );
    until("the link is noted too", || {
        of("link").iter().any(|row| row["reason"] == "revoked")
    });
    let home = commune.stop();
    let told = home.ask(&["audit", "refused"]);
    assert!(rows(&told, "").len() >= 2, "it outlives the node: {told}");
}

#[test]
fn who_reads_private_lines_is_noted_on_the_node_and_nowhere_in_its_log() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    commune.home.set(&["II.1.1.a=42", "II.1.1.a.1=40"]);
    let reads = |more: &[&str]| {
        let words = [&["audit", "reads"], more].concat();
        rows(&commune.home.ask(&words), "").to_vec()
    };
    assert_eq!(commune.home.figure(COMMUNE, FIGURE), "42");
    assert!(reads(&[]).is_empty(), "nothing private was shown");
    commune.home.set(&[&format!("{PRIVATE}=777")]);
    for _ in 0..3 {
        assert_eq!(commune.home.figure(COMMUNE, PRIVATE), "777");
    }
    commune.home.total(COMMUNE);
    let told = reads(&[]);
    let count = |how: &str| {
        let mut rows = told.iter();
        let found = rows.find(|row| row["how"] == how);
        found.map_or(Value::Null, |row| row["count"].clone())
    };
    assert_eq!(
        (count("report"), count("total")),
        (3.into(), 1.into()),
        "{told:?}"
    );
    let who = text_at(&told[0], "/who");
    assert!(
        who.strip_prefix("uid:")
            .is_some_and(|uid| uid.parse::<u32>().is_ok()),
        "{who}"
    );
    assert_eq!(told[0]["unit"], COMMUNE);
    assert_eq!(reads(&["--unit", "19429"]).len(), told.len());
    assert!(reads(&["--since", "2099-01-01"]).is_empty());
    assert!(!commune.log().contains("777"), "no figure stands in a log");
    // Where no node runs, the command notes it itself.
    let home = commune.stop();
    assert_eq!(home.figure(COMMUNE, PRIVATE), "777");
    let told = home.ask(&["audit", "reads"]);
    let report = rows(&told, "").iter().find(|row| row["how"] == "report");
    assert_eq!(
        report.map(|row| row["count"].clone()),
        Some(4.into()),
        "{told}"
    );
}
