//! Wrong manifests and tables: every error names file, line and cure.

use std::collections::BTreeMap;

use super::*;

const MANIFEST: &str = r#"
[[level]]
id = "province"
vi = "tỉnh"
en = "province"
code_digits = 2

[[level]]
id = "commune"
vi = "xã"
en = "commune"

[[snapshot]]
on = 2024-05-01
file = "one.csv"
counts = { province = 2, commune = 3 }

[[snapshot]]
on = 2025-07-01
file = "two.csv"
codes = "continue"

[[snapshot.mapping]]
file = "map.csv"
official = ["law"]
"#;

const FILES: [(&str, &str); 3] = [
    (
        "one.csv",
        "code,name,level,kind,parent_code\n\
         01,Tỉnh A,province,tinh,\n\
         02,Tỉnh B,province,tinh,\n\
         00101,Xã A,commune,xa,01\n\
         00102,Xã B,commune,xa,01\n\
         00201,Xã C,commune,xa,02\n",
    ),
    (
        "two.csv",
        "code,name,level,kind,parent_code\n\
         01,Tỉnh A,province,tinh,\n\
         00101,Xã A,commune,xa,01\n\
         00201,Xã C,commune,xa,01\n",
    ),
    (
        "map.csv",
        "old_code,new_code,heir,basis\n\
         02,01,1,law\n\
         00102,00201,0,law\n\
         00102,00101,1,name\n",
    ),
];

fn load(manifest: &str, files: &BTreeMap<&str, String>) -> Result<UnitTree, LoadError> {
    let manifest = TreeManifest::parse(manifest)?;
    load_snapshots(&manifest, &|name| files.get(name).cloned())
}

fn good() -> BTreeMap<&'static str, String> {
    FILES.map(|(name, text)| (name, text.to_owned())).into()
}

/// Loads with one text replaced in one file.
fn with(file: &str, from: &str, to: &str) -> Result<UnitTree, LoadError> {
    let mut files = good();
    if file == "tree.toml" {
        assert!(MANIFEST.contains(from), "{from}");
        return load(&MANIFEST.replacen(from, to, 1), &files);
    }
    let text = files.get_mut(file).expect("one of the files");
    assert!(text.contains(from), "{from}");
    *text = text.replacen(from, to, 1);
    load(MANIFEST, &files)
}

#[test]
fn a_small_reform_is_read() {
    let tree = load(MANIFEST, &good()).unwrap();
    let day = day("2025-07-01");
    let children = tree.children(&id("01@2024-05-01"), day);
    assert_eq!(
        children,
        ids(&["00101@2024-05-01", "00201@2024-05-01"])
            .iter()
            .collect::<Vec<_>>()
    );
    let gone = tree.unit(&id("00102@2024-05-01")).unwrap();
    assert_eq!(gone.heir(), Some(&id("00101@2024-05-01")));
    assert_eq!(gone.successors.iter().filter(|one| one.official).count(), 1);
    let manifest = TreeManifest::parse(MANIFEST).unwrap();
    assert_eq!(
        manifest.files().collect::<Vec<_>>(),
        ["one.csv", "two.csv", "map.csv"]
    );
}

/// File, text, what it becomes, and how the error then begins.
const MISTAKES: &str = r#"tree.toml | vi = "tỉnh" | vi = | tree.toml:4
tree.toml | vi = "tỉnh" | vn = "tỉnh" | tree.toml:4: unknown field
tree.toml | "commune" | "province" | tree.toml:9: level `province` is not declared once
tree.toml | 2025-07-01 | 2023-07-01 | tree.toml:19: `2023-07-01` is not a day after
tree.toml | 2025-07-01 | 2025-07-01T10:00:00 | tree.toml:19
tree.toml | "map.csv" | "../map.csv" | tree.toml:24: `../map.csv` is not a plain file name
tree.toml | codes = "continue" |  | tree.toml:20: the first snapshot has no `codes`
tree.toml | "continue" | "stay" | tree.toml:21: unknown variant
tree.toml | counts = { | codes = "end"\ncounts = { | tree.toml:15: the first snapshot
tree.toml | province = 2 | town = 2 | tree.toml:16: level `town`
tree.toml | "two.csv" | "three.csv" | tree.toml:20: the file is not there; put the file
tree.toml | commune = 3 | commune = 4 | one.csv:1: 3 units of level `commune`, but the manifest says 4; look for lost rows
one.csv | parent_code | parent | one.csv:1: there is no column `parent_code`
one.csv | 02,Tỉnh B | 2,Tỉnh B | one.csv:3: code `2` has not the 2 digits of its level; keep codes as text
one.csv | 00102, | 00101, | one.csv:5: `00101` is listed twice
one.csv | 00102, | a, | one.csv:5: `a` is not a code
one.csv | Xã B | Xã  B | one.csv:5: `Xã  B` is not a name
one.csv | Xã B,commune,xa | Xã B,commune, | one.csv:5: `` is not a kind
one.csv | Xã B,commune | Xã B,town | one.csv:5: level `town`
one.csv | xa,02 | xa,03 | one.csv:6: parent `03` is not in this file
one.csv | xa,02 | xa,00101 | one.csv:6: parent `00101` is not in this file
one.csv | xa,02 | xa,02,x | one.csv:6: CSV error
two.csv | 00201,Xã C,commune,xa,01 | 00201,Xã C,province,xa, | two.csv:4: code `00201` has not
two.csv | 00201,Xã C | 00202,Xã C | map.csv:3: new code `00201` is not in the snapshot
two.csv | 01,Tỉnh A,province,tinh,\n | 01,Tỉnh A,province,tinh,\n02,Tỉnh B,province,tinh,\n | map.csv:2: old code `02` did not end
map.csv | 02,01,1 | 03,01,1 | map.csv:2: old code `03` did not exist on the day before
map.csv | 02,01,1 | 02,01,0 | map.csv:2: of the new units of `02` not exactly one is heir; set heir
map.csv | 00102,00201,0 | 00102,00201,1 | map.csv:4: of the new units of `00102`
map.csv | 00102,00201,0 | 00102,00201,yes | map.csv:3: `yes` is not a heir
map.csv | 00102,00201,0 | 00102,00101,0 | map.csv:4: `00102,00101` is listed twice"#;

#[test]
fn every_mistake_names_its_line_and_cure() {
    for case in MISTAKES.lines() {
        let parts: Vec<String> = case
            .split(" | ")
            .map(|part| part.replace("\\n", "\n"))
            .collect();
        let [file, from, to, says] = parts.as_slice() else {
            panic!("{case}");
        };
        let said = match with(file, from, to) {
            Ok(_) => panic!("{file}: {to} was taken"),
            Err(error) => {
                assert_eq!(error.fault(), crate::Fault::Config);
                error.to_string()
            }
        };
        assert!(said.starts_with(says.as_str()), "{said}\nnot {says}");
        assert!(said.contains("; "), "no cure: {said}");
    }
}

#[test]
fn columns_come_in_any_order_and_others_are_ignored() {
    let mut files = good();
    let turned = "note,kind,parent_code,level,name,code\n\
                  x,tinh,,province,Tỉnh A,01\n\
                  x,xa,01,commune,Xã A,00101\n\
                  x,xa,01,commune,Xã C,00201\n";
    files.insert("two.csv", format!("\u{feff}{turned}"));
    assert_eq!(
        load(MANIFEST, &files).unwrap(),
        load(MANIFEST, &good()).unwrap()
    );
}

#[test]
fn a_province_goes_on_alone_only_if_it_took_in_nobody() {
    let manifest = MANIFEST.replace("\"continue\"", "\"end\"\ncontinue_alone = [\"province\"]");
    let mut files = good();
    let map = "old_code,new_code\n02,01\n01,01\n00101,00101\n00102,00101\n00201,00201\n";
    files.insert("map.csv", map.to_owned());
    let tree = load(&manifest, &files).unwrap();
    assert!(tree.unit(&id("01@2025-07-01")).is_some());
    let two = files["two.csv"].replace("00101,Xã A", "02,Tỉnh B,province,tinh,\n00101,Xã A");
    files.insert("two.csv", two);
    files.insert("map.csv", map.replace("02,01\n", "02,02\n"));
    let tree = load(&manifest, &files).unwrap();
    assert_eq!(tree.unit(&id("01@2024-05-01")).unwrap().ended, None);
    assert_eq!(tree.unit(&id("01@2025-07-01")), None);
    assert!(
        tree.unit(&id("00101@2025-07-01")).is_some(),
        "communes end all the same"
    );
}
