//! Figures that an office must not read: they never reach its machine.

use hopluu_doc::DocKey;
use hopluu_store::{OpenOptions, Store};
use serde_json::{Value, json};

use crate::world::{
    COMMUNE, DISTRICT, Home, REVIEW, World, YEARS, free_address, line, path_text, rows, text_at,
    until,
};

/// A line that the form gives to police, labour and health, and one that is open.
const PRIVATE: &str = "II.1.3.a";
const OPEN: &str = "II.1.2.a";
/// Numbers that stand nowhere else in a database.
const SECRET: &str = "4177713";
const NEXT: &str = "4188813";

/// The names of the compartments that a home holds documents in.
fn compartments(home: &Home) -> Vec<String> {
    let store = Store::open(&home.file("store.db"), &OpenOptions::existing()).expect("a store");
    let read = store.read().expect("it reads");
    let mut names = Vec::new();
    read.for_each_doc(|row| {
        let key = DocKey::decode(&row.key).expect("what was admitted decodes");
        names.push(key.compartment.to_string());
    })
    .expect("it reads");
    names.sort();
    names
}

/// Whether a text stands in any file of a home's database.
fn is_on_disk(home: &Home, text: &str) -> bool {
    let files = std::fs::read_dir(&home.dir).expect("a folder");
    let files = files.filter_map(Result::ok).map(|file| file.path());
    let mut files = files.filter(|path| path.to_string_lossy().contains("store.db"));
    files.any(|path| {
        let bytes = std::fs::read(path).expect("a file");
        bytes
            .windows(text.len())
            .any(|some| some == text.as_bytes())
    })
}

fn show(home: &Home) -> Value {
    home.ask(&["report", "show", REVIEW, YEARS])
}

fn withheld(home: &Home) -> Vec<String> {
    let shown = show(home);
    let lines = shown["withheld"].as_array().cloned().unwrap_or_default();
    let lines = lines.iter().filter_map(Value::as_str);
    lines.map(str::to_owned).collect()
}

/// An office without the right is told that there are such lines, and nothing of what they say.
fn sees_nothing_of_it(education: &Home) {
    let shown = show(education);
    assert!(
        rows(&shown, "/figures")
            .iter()
            .all(|row| row["code"] != PRIVATE),
        "{shown}"
    );
    let shut = withheld(education);
    assert!(shut.iter().any(|code| code == PRIVATE), "{shut:?}");
    // The cell of the heading above it may hold their sum.
    assert!(shut.iter().any(|code| code == "II.1.3"), "{shut:?}");
    assert!(
        !shut.iter().any(|code| code == "II.2.5.d.1"),
        "a line of its own: {shut:?}"
    );
    let page = education.tell(&["report", "show", REVIEW, YEARS]).out;
    assert!(page.contains("không thuộc quyền xem"), "{page}");
    let total = education.total(COMMUNE);
    assert_eq!(line(&total, PRIVATE)["is_withheld"], true);
    let report = ["audit", "report", REVIEW, YEARS];
    let audit = education.ask(&report).to_string();
    assert!(audit.contains(OPEN) && !audit.contains(SECRET), "{audit}");
    education.refuses(&[&report[..], &[PRIVATE]].concat(), 2, "M-1218");
}

/// Who may read both is told of both, and proves each with a file of its own.
fn proves_both(district: &Home, world: &World) {
    let report = ["audit", "report", REVIEW, YEARS, "--unit", COMMUNE];
    let audit = district.ask(&report);
    let mut names = rows(&audit, "/things").iter();
    let mut is_told = |code: &str| names.any(|thing| thing["name"] == code);
    assert!(is_told(OPEN) && is_told(PRIVATE), "{audit}");
    let root = text_at(&district.ask(&["status"]), "/root").to_owned();
    let export = |name: &str, more: &[&str]| {
        let file = path_text(&world.path(name));
        district.ask(&[&report[..], &["--export", &file], more].concat());
        district.ask(&["verify", &file, "--root", &root])["audit"].to_string()
    };
    let open = export("open.hl", &[]);
    assert!(open.contains(OPEN) && !open.contains(SECRET), "{open}");
    let closed = export("closed.hl", &["--compartment", "area"]);
    assert!(
        closed.contains(SECRET) && !closed.contains(OPEN),
        "{closed}"
    );
}

/// Nor does a stick bring an office what a link does not.
fn a_stick_goes(world: &World, commune: &Home, education: &Home) {
    let stick = path_text(&world.path("stick"));
    let export = [
        "bundle",
        "export",
        "--to",
        COMMUNE,
        "--office",
        "education",
        "--out",
        &stick,
    ];
    commune.ask(&export);
    education.ask(&["bundle", "import", &stick]);
}

#[test]
fn education_never_gets_what_the_police_writes_in_a_private_line() {
    let world = World::new();
    let district = world.root("465", DISTRICT).start();
    let commune = world.home("19429");
    let ticket = district.home.ticket(&[COMMUNE]);
    commune.ask(&["join", &ticket, "--listen", &free_address()]);
    let commune = commune.start();
    commune.has_forms();
    let join = |office: &str| {
        let node = world
            .join(&commune.home, office, &["--office", office])
            .start();
        node.has_forms();
        node
    };
    let (police, education) = (join("police"), join("education"));
    let (private, open) = (format!("{PRIVATE}={SECRET}"), format!("{OPEN}=5"));
    let saved = police.home.set(&[&private, &open]);
    assert_eq!(saved["closed"].as_array().map(Vec::len), Some(1), "{saved}");
    until("the district has both", || {
        let total = district.home.total(DISTRICT);
        line(&total, PRIVATE)["value"] == SECRET && line(&total, OPEN)["value"] == "5"
    });
    until("education has what is open", || {
        education.home.figure(COMMUNE, OPEN) == "5"
    });
    // Its own part goes up past what it does not hold.
    education.home.set(&["II.2.1B.a=3"]);
    until("education is done with its own part", || {
        line(&district.home.total(DISTRICT), "II.2.1B.a")["value"] == "3"
    });
    a_stick_goes(&world, &commune.home, &education.home);

    sees_nothing_of_it(&education.home);
    assert!(
        withheld(&police.home)
            .iter()
            .all(|code| !code.starts_with("II.1.3"))
    );
    assert!(withheld(&commune.home).is_empty());
    proves_both(&district.home, &world);
    let refused = [
        "audit",
        "report",
        REVIEW,
        YEARS,
        "--export",
        "none",
        "--compartment",
        "area",
    ];
    education.home.refuses(&refused, 2, "M-1218");

    let explain = ["rollup", "explain", DISTRICT, REVIEW, YEARS, PRIVATE];
    let explained = district.home.ask(&explain);
    let sources = rows(&explained, "/contributors").iter();
    let docs = sources.filter(|one| one["unit"] == COMMUNE && !one["doc"].is_null());
    assert_eq!(docs.count(), 2, "{explained}");
    district
        .home
        .ask(&["rollup", "recompute", DISTRICT, REVIEW, YEARS]);

    let (education, police) = (education.stop(), police.stop());
    assert_eq!(compartments(&education), [""]);
    assert!(!is_on_disk(&education, SECRET));
    assert_eq!(compartments(&police), ["", "area"]);
    assert!(
        is_on_disk(&police, SECRET),
        "that is what it would look like"
    );
}

#[test]
fn a_right_to_read_brings_it_and_one_taken_back_brings_no_more() {
    let world = World::new();
    let commune = world.root("19429", COMMUNE).start();
    let join = |office: &str| {
        let node = world
            .join(&commune.home, office, &["--office", office])
            .start();
        node.has_forms();
        node
    };
    let (police, education) = (join("police"), join("education"));
    police
        .home
        .set(&[&format!("{PRIVATE}={SECRET}"), &format!("{OPEN}=5")]);
    until("education has what is open", || {
        education.home.figure(COMMUNE, OPEN) == "5"
    });
    assert_eq!(education.home.figure(COMMUNE, PRIVATE), Value::Null);
    let give = [
        "grant",
        "give",
        "education",
        "--lines",
        "none",
        "--texts",
        "none",
    ];
    let given = commune
        .home
        .ask(&[&give[..], &["--reads", PRIVATE]].concat());
    until("education may read it", || {
        education.home.figure(COMMUNE, PRIVATE) == SECRET
    });
    assert!(
        withheld(&education.home)
            .iter()
            .all(|code| !code.starts_with("II.1.3"))
    );
    let set = ["report", "set", REVIEW, YEARS, "II.1.3.a=1"];
    education.home.refuses(&set, 2, "M-1217");
    let grant = given["grant"].as_str().expect("a name");
    commune.home.ask(&["grant", "take", grant]);
    police
        .home
        .set(&[&format!("{PRIVATE}={NEXT}"), &format!("{OPEN}=6")]);
    until("education has what is open", || {
        education.home.figure(COMMUNE, OPEN) == "6"
    });
    until("the commune has both", || {
        commune.home.figure(COMMUNE, PRIVATE) == NEXT
    });
    // Both come back together, and once more.
    police.home.ask(&["report", "undo", REVIEW, YEARS]);
    assert_eq!(police.home.figure(COMMUNE, PRIVATE), SECRET);
    assert_eq!(police.home.figure(COMMUNE, OPEN), "5");
    police.home.ask(&["report", "undo", REVIEW, YEARS]);
    assert_eq!(police.home.figure(COMMUNE, PRIVATE), NEXT);
    assert_eq!(police.home.figure(COMMUNE, OPEN), json!("6"));
    until("the commune has both", || {
        commune.home.figure(COMMUNE, PRIVATE) == NEXT
    });
    let education = education.stop();
    assert!(is_on_disk(&education, SECRET), "what was read stays read");
    assert!(!is_on_disk(&education, NEXT));
}
