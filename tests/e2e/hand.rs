//! Carried by hand: everything that a link does, by files that are copied, late, twice, in any order,
//! in part, or by strangers.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use hopluu_model::{Place, Timestamp};
use hopluu_trust::{Address, Envelope, SetId, Signer};
use serde_json::{Value, json};

use crate::world::{
    COMMUNE, DISTRICT, Home, NEIGHBOUR, Node, REVIEW, World, YEARS, free_address, line, path_text,
    rows, until,
};

pub(crate) const PROVINCE: &str = "45@2024-05-01";

/// A district and one of its communes that have met once, and have no link since.
fn apart(world: &World) -> (Home, Home) {
    let (district, commune) = world.district_and_commune();
    until("each has all of the other", || {
        [&district.home, &commune.home].iter().all(|home| {
            let status = home.ask(&["status"]);
            status.pointer("/peers/0/owed") == Some(&json!(0))
                && status.pointer("/peers/0/remark") == Some(&Value::Null)
        })
    });
    (district.stop(), commune.stop())
}

/// Writes what another node lacks; gives the files.
pub(crate) fn export(home: &Home, to: &str, out: &Path, more: &[&str]) -> Vec<PathBuf> {
    let out = path_text(out);
    let words = [&["bundle", "export", "--to", to, "--out", &out], more].concat();
    let written = home.ask(&words);
    let files = rows(&written, "").iter();
    files
        .map(|row| PathBuf::from(row["file"].as_str().expect("a file is named")))
        .collect()
}

/// Takes files in; gives the exit code and the rows.
pub(crate) fn import(home: &Home, files: &[PathBuf]) -> (i32, Value) {
    let files: Vec<String> = files.iter().map(|file| path_text(file)).collect();
    let mut words = vec!["--json", "bundle", "import"];
    words.extend(files.iter().map(String::as_str));
    let done = home.tell(&words);
    (done.code, done.json())
}

fn number(rows: &Value, place: &str) -> u64 {
    let found = rows.pointer(place).and_then(Value::as_u64);
    found.unwrap_or_else(|| unreachable!("no number at {place} in {rows}"))
}

pub(crate) fn value_at(home: &Home, code: &str) -> Value {
    line(&home.total(DISTRICT), code)["value"].clone()
}

#[test]
fn a_report_goes_up_by_hand_its_receipt_comes_down_and_a_link_goes_on_from_there() {
    let world = World::new();
    let (district, commune) = apart(&world);
    commune.set(&["II.1.1.a=1.500"]);
    let before = commune.holds();
    let up = export(&commune, DISTRICT, &world.path("up.hlb"), &[]);
    assert_eq!(commune.holds(), before, "an export changes nothing");
    let (code, taken) = import(&district, &up);
    assert_eq!((code, number(&taken, "/0/bundle/new")), (0, 1), "{taken}");
    assert_eq!(value_at(&district, "II.1.1.a"), "1500");

    let down = export(&district, COMMUNE, &world.path("down.hlb"), &[]);
    assert!(!commune.has_arrived());
    assert_eq!(import(&commune, &down).0, 0);
    assert!(commune.has_arrived(), "the receipt came back by hand");

    // What is acknowledged is not carried again, and what came twice is known.
    let (code, again) = import(&district, &up);
    assert_eq!((code, number(&again, "/0/bundle/new")), (0, 0), "{again}");
    assert_eq!(number(&again, "/0/bundle/known"), 1);
    commune.set(&["II.1.1.b=7"]);
    let words = ["bundle", "export", "--to", DISTRICT, "--out"];
    let next = path_text(&world.path("next.hlb"));
    let written = commune.ask(&[&words[..], &[&next]].concat());
    assert_eq!(number(&written, "/0/entries"), 1, "{written}");
    // The first stick turns up once more, after the newer one, and moves nothing back.
    assert_eq!(import(&district, &[PathBuf::from(&next)]).0, 0);
    assert_eq!(import(&district, &up).0, 0);
    assert_eq!(value_at(&district, "II.1.1.b"), "7");

    let journal = district.ask(&["status"])["journal"].clone();
    let (district, commune) = (district.start(), commune.start());
    until("the link has nothing to add", || {
        let status = commune.home.ask(&["status"]);
        commune.home.has_arrived() && status.pointer("/peers/0/owed") == Some(&json!(0))
    });
    let status = commune.home.ask(&["status"]);
    assert_eq!(status.pointer("/peers/0/remark"), Some(&Value::Null));
    assert_eq!(
        district.home.ask(&["status"])["journal"],
        journal,
        "nothing came twice"
    );
    commune.home.set(&["II.1.1.a=1.501"]);
    until("the link goes on", || {
        value_at(&district.home, "II.1.1.a") == "1501"
    });
}

#[test]
fn a_running_node_exports_and_takes_in_as_well() {
    let world = World::new();
    let (district, commune) = apart(&world);
    // Its upstream is not there: the commune runs without a link.
    let commune = commune.start();
    commune.home.set(&["II.1.1.a=42"]);
    let up = export(&commune.home, DISTRICT, &world.path("up.hlb"), &[]);
    let (code, _) = import(&district, &up);
    assert_eq!((code, value_at(&district, "II.1.1.a")), (0, json!("42")));
    let down = export(&district, COMMUNE, &world.path("down.hlb"), &[]);
    assert_eq!(import(&commune.home, &down).0, 0);
    assert!(commune.home.has_arrived());
    let all = path_text(&world.path("all.hlb"));
    let written = district.ask(&["bundle", "export", "--all", "--out", &all]);
    assert!(
        rows(&written, "").iter().all(|row| {
            let file = row["file"].as_str().unwrap_or_default();
            file.ends_with("all-19429.hlb")
        }),
        "{written}"
    );
}

#[test]
fn parts_come_in_any_order_and_a_lost_one_is_made_again() {
    let world = World::new();
    let (district, commune) = apart(&world);
    let codes = ["II.1.1.a", "II.1.1.b", "II.1.1.c", "II.1.1.a.1"];
    for round in 1..=8 {
        for code in codes {
            commune.set(&[&format!("{code}={round}")]);
        }
    }
    let size = ["--size-max", "2600"];
    let mut parts = export(&commune, DISTRICT, &world.path("up.hlb"), &size);
    assert!(parts.len() >= 3, "{parts:?}");
    for part in &parts {
        let bytes = fs::metadata(part).expect("it is there").len();
        assert!(bytes <= 2_600, "{} has {bytes} bytes", part.display());
    }
    let lost = parts.remove(1);
    parts.reverse();
    for part in &parts {
        let (code, taken) = import(&district, std::slice::from_ref(part));
        assert!(code == 0 || code == 4, "{taken}");
    }
    assert_ne!(value_at(&district, "II.1.1.a.1"), "8", "a part is missing");
    fs::remove_file(lost).expect("it was there");

    let again = export(&commune, DISTRICT, &world.path("again.hlb"), &size);
    let (code, taken) = import(&district, &again);
    assert_eq!(code, 0, "{taken}");
    for code in codes {
        assert_eq!(value_at(&district, code), "8");
    }
    let down = export(&district, COMMUNE, &world.path("down.hlb"), &[]);
    assert_eq!(import(&commune, &down).0, 0);
    assert!(commune.has_arrived());
    let rest = export(&commune, DISTRICT, &world.path("rest.hlb"), &size);
    let (code, taken) = import(&district, &rest);
    let known = number(&taken, "/0/bundle/new") + number(&taken, "/0/bundle/known");
    assert_eq!((code, known), (0, 0), "all of it was acknowledged: {taken}");
}

/// A district that others can join.
pub(crate) fn middle(world: &World, province: &Home) -> Node {
    let district = world.join(province, "465", &[DISTRICT]);
    let settings = district.file("node.toml");
    let text = fs::read_to_string(&settings).expect("it has settings");
    let listen = format!("listen = \"{}\"\n{text}", free_address());
    fs::write(&settings, listen).expect("they can be written");
    let district = district.start();
    district.has_forms();
    district
}

#[test]
fn a_report_reaches_the_province_over_two_hops_and_nobody_else_opens_what_they_carry() {
    let world = World::new();
    let province = world.root("45", PROVINCE).start();
    let district = middle(&world, &province.home);
    let commune = world.join(&district.home, "19429", &[COMMUNE]).start();
    let neighbour = world.join(&district.home, "19432", &[NEIGHBOUR]).start();
    commune.has_forms();
    neighbour.has_forms();
    let (province, district) = (province.stop(), district.stop());
    let (commune, neighbour) = (commune.stop(), neighbour.stop());

    commune.set(&["II.1.1.a=42"]);
    let up = export(&commune, DISTRICT, &world.path("up.hlb"), &[]);
    for carrier in [&neighbour, &province] {
        let before = carrier.holds();
        let file = path_text(&up[0]);
        carrier.refuses(&["bundle", "import", &file], 1, "M-1602");
        assert_eq!(carrier.holds(), before, "a carrier keeps nothing");
        let seen = carrier.ask(&["bundle", "inspect", &file]);
        assert_eq!(seen.pointer("/0/bundle/to/unit"), Some(&json!(DISTRICT)));
        assert_eq!(seen.pointer("/0/bundle/from/unit"), Some(&json!(COMMUNE)));
        assert!(seen.pointer("/0/bundle/root").is_some_and(Value::is_string));
    }
    let copied = world.path("copied.hlb");
    fs::copy(&up[0], &copied).expect("it is only a file");
    assert_eq!(import(&district, &[copied]).0, 0);
    let further = export(&district, PROVINCE, &world.path("further.hlb"), &[]);
    let (code, taken) = import(&province, &further);
    assert_eq!(code, 0, "{taken}");
    let total = province.total(PROVINCE);
    assert_eq!(line(&total, "II.1.1.a")["value"], "42");

    // The province's receipt comes down to the commune over the district.
    let down = export(&province, DISTRICT, &world.path("down.hlb"), &[]);
    assert_eq!(import(&district, &down).0, 0);
    let down = export(&district, COMMUNE, &world.path("down.hlb"), &[]);
    assert_eq!(import(&commune, &down).0, 0);
    let reports = commune.ask(&["report", "list"]);
    let reached = rows(&reports, "/0/reached").iter();
    let units: Vec<&Value> = reached.map(|row| &row["unit"]).collect();
    assert!(
        units.contains(&&json!(PROVINCE)) && units.contains(&&json!(DISTRICT)),
        "{reports}"
    );
}

#[test]
fn a_damaged_file_is_refused_by_number_and_loses_nothing() {
    let world = World::new();
    let (district, commune) = apart(&world);
    commune.set(&["II.1.1.a=42"]);
    let up = export(&commune, DISTRICT, &world.path("up.hlb"), &[]);
    let bytes = fs::read(&up[0]).expect("it was written");
    let before = district.holds();
    let damaged = world.path("damaged.hlb");
    let file = path_text(&damaged);
    let refused = |bytes: &[u8]| {
        fs::write(&damaged, bytes).expect("the test writes its file");
        let done = district.tell(&["--json", "bundle", "import", &file]);
        assert_eq!(done.code, 1, "{}{}", done.out, done.err);
        let code = done.json().pointer("/0/error/code").cloned();
        assert!(
            [Some(json!("M-1601")), Some(json!("M-1602"))].contains(&code),
            "{}",
            done.out
        );
    };
    for at in (0..bytes.len()).step_by(bytes.len() / 24) {
        refused(&bytes[..at]);
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        refused(&flipped);
    }
    refused(&[&bytes[..], b"x"].concat());
    fs::write(&damaged, &bytes[..40]).expect("the test writes its file");
    district.refuses(&["bundle", "import", &file], 1, "M-1601");
    district.refuses(&["bundle", "inspect", &file], 1, "M-1601");
    assert_eq!(district.holds(), before);
    // One that is refused stops no other.
    let (code, taken) = import(&district, &[damaged.clone(), up[0].clone()]);
    assert_eq!(code, 1, "{taken}");
    assert_eq!(value_at(&district, "II.1.1.a"), "42");
    // What is no bundle is never written over; a bundle is.
    let note = world.file("note.txt", "not ours");
    let words = ["bundle", "export", "--to", DISTRICT, "--out"];
    commune.refuses(&[&words[..], &[&note]].concat(), 2, "M-2021");
    commune.ask(&[&words[..], &[&file]].concat());
}

/// The key of a home, and its address on what it sends to another.
fn insider(home: &Home, sent: &Path) -> (Signer, Address) {
    let key = fs::read(home.file("key")).expect("a home has a key");
    let key = HEXLOWER.decode(key.trim_ascii()).expect("it is hex");
    let signer = Signer::from_pkcs8(&key).expect("it is a key");
    let bytes = fs::read(sent).expect("it was written");
    let (address, _) = Envelope::read(&bytes).expect("it is a bundle");
    (signer, address)
}

#[test]
fn strangers_and_insiders_who_break_the_rules_are_refused_within_bounds() {
    let world = World::new();
    let (district, commune) = apart(&world);
    commune.set(&["II.1.1.a=42"]);
    let up = export(&commune, DISTRICT, &world.path("up.hlb"), &[]);
    let (insider, address) = insider(&commune, &up[0]);
    let before = district.holds();
    let file = world.path("hostile.hlb");
    let offer = |signer: &Signer, address: &Address, content: &[u8], code: &str| {
        let bytes = address.close(signer, content, &mut rand::rng());
        fs::write(&file, bytes.expect("it closes")).expect("the test writes its file");
        district.refuses(&["bundle", "import", &path_text(&file)], 1, code);
        assert_eq!(district.holds(), before);
    };
    // A root of its own, and somebody who borrows a chain.
    let stranger = Signer::from_seed(&[7; 32]);
    let ends = Timestamp(2_208_988_800_000);
    let unit = address.from.unit.clone();
    let root = hopluu_net::key::write_root(&stranger, &unit, ends).expect("it signs itself");
    let from = Place {
        node: stranger.node_id(),
        ..address.from.clone()
    };
    let foreign = Address {
        from: from.clone(),
        chain: vec![root],
        ..address.clone()
    };
    offer(&stranger, &foreign, b"", "M-1603");
    let borrowed = Address {
        from: from.clone(),
        ..address.clone()
    };
    offer(&stranger, &borrowed, b"", "M-1603");
    let unknown = Address {
        from,
        chain: Vec::new(),
        set: SetId([1; 8]),
        ..address.clone()
    };
    offer(&stranger, &unknown, b"", "M-1603");
    // Somebody enrolled, with a bomb, with noise, and with nothing.
    let bomb = zstd::bulk::compress(&vec![0; 256 << 20], 19).expect("zstd takes any bytes");
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    offer(&insider, &address, &bomb, "M-1604");
    offer(&insider, &address, &[0xff; 1_000], "M-1604");
    offer(&insider, &address, b"", "M-1604");
    let noise = zstd::bulk::compress(&[1; 1_000], 3).expect("zstd takes any bytes");
    offer(&insider, &address, &noise, "M-1604");
    assert_eq!(import(&district, &up).0, 0, "the honest one still comes in");
}

#[test]
fn whoever_cannot_be_reached_by_hand_is_named() {
    let world = World::new();
    let (district, _commune) = apart(&world);
    let export = |words: &[&str], code: &str| {
        let words = [&["bundle", "export"], words].concat();
        district.refuses(&words, 2, code);
    };
    export(&["--to", NEIGHBOUR], "M-1605");
    export(&["--to", COMMUNE, "--office", "police"], "M-1605");
    export(&["--to", COMMUNE, "--size-max", "100"], "M-1607");
    let alone = world.root("alone", PROVINCE);
    alone.refuses(&["bundle", "export", "--all"], 2, "M-1606");
}

/// Every figure of the annex that one office enters, in one save.
fn whole_annex(commune: &Home) -> Vec<String> {
    let form = commune.ask(&["form", "show", REVIEW]);
    let figures = rows(&form, "/lines").iter().enumerate();
    let figures = figures.filter_map(|(at, line)| {
        let code = line["code"].as_str()?;
        let value = match line.pointer("/cell/entered")?.as_str()? {
            "count" => format!("{}", at * 37 + 11),
            "decimal" => format!("{at},5"),
            "yes_no" => "Có".to_owned(),
            "share" => format!("{at}/{}", at + 9),
            _ => return None,
        };
        let by_office = line.pointer("/cell/by_office") == Some(&json!(true));
        let is_above = line.pointer("/cell/over_units") == Some(&json!("own_only"));
        (!by_office && !is_above).then(|| format!("{code}={value}"))
    });
    figures.collect()
}

#[test]
fn the_figures_of_a_report_travel_on_paper_in_two_codes_at_most() {
    let world = World::new();
    let (district, commune) = apart(&world);
    let figures = whole_annex(&commune);
    assert!(figures.len() > 60, "{figures:?}");
    let figures: Vec<&str> = figures.iter().map(String::as_str).collect();
    commune.set(&figures);
    let paper = path_text(&world.path("paper"));
    let report = ["--report", REVIEW, YEARS, "--qr", &paper];
    let words = [&["bundle", "export", "--to", DISTRICT][..], &report].concat();
    let written = commune.ask(&words);
    let written = rows(&written, "");
    assert!((1..=2).contains(&written.len()), "{written:?}");
    let page = written[0]["page"].as_str().expect("a page to print");
    let page = fs::read_to_string(page).expect("it was written");
    assert!(page.contains("chuyển bằng giấy") && page.contains("<svg"));
    let codes: Vec<PathBuf> = written
        .iter()
        .map(|row| PathBuf::from(row["file"].as_str().expect("a picture")))
        .collect();
    for code in codes.iter().rev() {
        let (exit, taken) = import(&district, std::slice::from_ref(code));
        assert!(exit == 0 || exit == 4, "{taken}");
    }
    let (above, below) = (district.total(COMMUNE), commune.total(COMMUNE));
    assert_eq!(above["digest"], below["digest"], "all of it has come");

    let blank = world.file("blank.png", "\u{89}PNG");
    district.refuses(&["bundle", "import", &blank], 1, "M-1601");
    let down = export(&district, COMMUNE, &world.path("down.hlb"), &[]);
    assert_eq!(import(&commune, &down).0, 0);
    assert!(commune.has_arrived());
}

#[test]
fn a_report_of_many_saves_and_long_texts_is_said_anew_on_paper_and_settles_with_its_history() {
    let world = World::new();
    let (district, commune) = apart(&world);
    let figures = whole_annex(&commune);
    // A save each, as people type them, and texts that no paper holds.
    for figure in &figures {
        commune.set(&[figure]);
    }
    let report = ["report", "text", REVIEW, YEARS, "--office", "police"];
    let text: String = (0..2_000).map(|at| format!("{:x} ", at * 7_919)).collect();
    commune.ask(&[&report[..], &["situation", &text]].concat());
    let notes = figures.iter().filter_map(|figure| {
        let (code, value) = figure.split_once('=')?;
        let text = format!("{value} theo công an xã, số tạm");
        Some(json!({"edit": "note", "code": code, "text": text}))
    });
    let save = json!({
        "report": {"form": REVIEW, "period": YEARS},
        "edits": notes.collect::<Vec<Value>>(),
    });
    let noted = commune.feed(&["--json", "report", "import", "-"], &format!("{save}\n"));
    assert_eq!(noted.code, 0, "{}{}", noted.out, noted.err);
    let paper = path_text(&world.path("paper"));
    let to_paper = ["--report", REVIEW, YEARS, "--qr", &paper];
    let words = [&["bundle", "export", "--to", DISTRICT][..], &to_paper].concat();
    let written = commune.ask(&words);
    let codes: Vec<PathBuf> = rows(&written, "")
        .iter()
        .map(|row| PathBuf::from(row["file"].as_str().expect("a picture")))
        .collect();
    assert!((1..=2).contains(&codes.len()), "{written}");
    let (code, taken) = import(&district, &codes);
    assert_eq!(code, 0, "{taken}");
    let lines = |home: &Home| home.total(COMMUNE)["lines"].clone();
    assert_eq!(lines(&district), lines(&commune), "every figure has come");

    // Later edits write over both, and the history joins without a conflict.
    commune.set(&["II.1.1.a=9"]);
    let up = export(&commune, DISTRICT, &world.path("up.hlb"), &[]);
    let (code, taken) = import(&district, &up);
    assert_eq!(code, 0, "{taken}");
    for home in [&district, &commune] {
        let conflicts = ["report", "conflicts", REVIEW, YEARS, "--unit", COMMUNE];
        assert_eq!(home.ask(&conflicts), json!([]));
        assert_eq!(line(&home.total(COMMUNE), "II.1.1.a")["value"], "9");
    }
    let digest = |home: &Home| home.total(COMMUNE)["digest"].clone();
    assert_eq!(digest(&district), digest(&commune));
}

/// A scan in which nothing repeats.
fn scan(bytes: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new().finalize_xof();
    let mut scan = vec![0; bytes];
    reader.fill(&mut scan);
    scan.splice(..9, *b"%PDF-1.7\n");
    scan
}

#[test]
fn attachments_go_by_hand_in_parts_of_their_own_in_any_order() {
    let world = World::new();
    let (district, commune) = apart(&world);
    let scan = scan(150_000);
    let paper = world.path("ban-ky.pdf");
    fs::write(&paper, &scan).expect("it can be written");
    commune.set(&["II.1.1.a=1"]);
    commune.ask(&["report", "attach", REVIEW, YEARS, &path_text(&paper)]);
    let words = ["--attachments", "--size-max", "60000"];
    let parts = export(&commune, DISTRICT, &world.path("up.hlb"), &words);
    assert!(parts.len() >= 4, "{parts:?}");
    for part in &parts {
        let bytes = fs::metadata(part).expect("it is there").len();
        assert!(bytes <= 60_000, "{} has {bytes} bytes", part.display());
    }
    let listed = || {
        let words = ["report", "attachments", REVIEW, YEARS, "--unit", COMMUNE];
        district.ask(&words)
    };

    // Before the report has come nobody wants them, and it is said what to do.
    let files = parts.get(1..).expect("they follow the report");
    let (code, taken) = import(&district, files);
    assert_eq!((code, number(&taken, "/0/bundle/new")), (4, 0), "{taken}");
    let remarks = taken.pointer("/0/bundle/remarks");
    assert_eq!(remarks, Some(&json!(["file_unnamed"])));

    let mut shuffled = parts.clone();
    shuffled.reverse();
    let lost = shuffled.remove(0);
    assert_eq!(import(&district, &shuffled).0, 0);
    let held = number(&listed(), "/0/held");
    assert!(held > 0 && held < 150_000, "{held}");
    let (code, taken) = import(&district, &[lost]);
    assert_eq!(code, 0, "{taken}");
    assert_eq!(number(&taken, "/0/bundle/files/0/held"), 150_000);
    let (code, again) = import(&district, &parts);
    assert_eq!((code, number(&again, "/1/bundle/new")), (0, 0), "{again}");
    let holders = listed().pointer("/0/holders/0/unit").cloned();
    assert_eq!(holders, Some(json!(COMMUNE)), "who made it has it");

    let out = world.path("out.pdf");
    let words = ["report", "save-attachment", REVIEW, YEARS, "1"];
    let more = ["--unit", COMMUNE, "-o", &path_text(&out)];
    district.ask(&[&words[..], &more].concat());
    assert!(fs::read(&out).expect("it was saved") == scan);
}
