//! Who may depend on whom: the manifests against the code map of ARCHITECTURE.md, so that neither
//! can change without the other.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::files::read;
use crate::hold;

/// Crates from outside that shape what depends on them: a crate may name one only where the code
/// map grants it.
const GUARDED: &[&str] = &[
    "automerge",
    "axum",
    "clap",
    "hyper",
    "quinn",
    "rusqlite",
    "rustls",
    "serde_json",
    "tokio",
];

/// What `proto/` must not even reach through others: anything that waits, listens or stores.
const NEVER_IN_PROTO: &[&str] = &[
    "async-std",
    "axum",
    "hyper",
    "mio",
    "polling",
    "quinn",
    "rusqlite",
    "smol",
    "socket2",
    "tokio",
];

/// The kinds of dependency of a manifest. A test's edge is an edge: it would tie the crates as well.
const KINDS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// What one row of the code map grants.
#[derive(Debug, PartialEq, Eq)]
enum Granted {
    Everything,
    /// Short names of our crates (`model`) and names of guarded ones (`tokio`).
    Only(BTreeSet<String>),
}

/// Path of a crate (`proto/doc`) to what it may depend on.
type CodeMap = BTreeMap<String, Granted>;

fn code_map(page: &str) -> CodeMap {
    let section = page
        .split("\n## ")
        .find(|section| section.starts_with("Code map"))
        .expect("ARCHITECTURE.md has a section `Code map`");
    let mut map = CodeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [path, _purpose, may, ..] = cells.as_slice() else {
            continue;
        };
        let mut names = BTreeSet::new();
        let mut everything = false;
        for name in may.split(',').map(str::trim) {
            match name {
                "–" => {}
                "everything" => everything = true,
                "all above" => names.extend(map.keys().map(|above| short_name(above))),
                name => {
                    names.insert(name.to_owned());
                }
            }
        }
        let granted = if everything {
            Granted::Everything
        } else {
            Granted::Only(names)
        };
        map.insert(path.trim_matches('`').to_owned(), granted);
    }
    map
}

fn short_name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

/// Every dependency of a manifest with its settings, of all kinds and targets.
fn dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let mut places = vec![manifest];
    if let Some(Value::Table(targets)) = manifest.get("target") {
        places.extend(targets.values().filter_map(Value::as_table));
    }
    let mut found = Vec::new();
    for place in places {
        for kind in KINDS {
            if let Some(Value::Table(entries)) = place.get(*kind) {
                found.extend(
                    entries
                        .iter()
                        .map(|(name, how)| (name.clone(), how.clone())),
                );
            }
        }
    }
    found
}

fn forbidden_edges(path: &str, manifest: &Table, map: &CodeMap) -> Vec<String> {
    let Some(granted) = map.get(path) else {
        return vec![format!(
            "{path}: not in the code map of ARCHITECTURE.md: add its row"
        )];
    };
    let Granted::Only(names) = granted else {
        return Vec::new();
    };
    dependencies(manifest)
        .into_iter()
        .filter_map(|(name, _)| {
            let ours = name.strip_prefix("hopluu-");
            let is_held = ours.is_some() || GUARDED.contains(&name.as_str());
            let is_granted = names.contains(ours.unwrap_or(&name));
            (is_held && !is_granted).then(|| {
                format!(
                    "{path}: depends on {name}, which its row in ARCHITECTURE.md does not grant"
                )
            })
        })
        .collect()
}

/// Versions, lints and the edition are the workspace's: a member that states its own drifts away.
fn own_settings(path: &str, manifest: &Table) -> Vec<String> {
    let mut findings = Vec::new();
    let from_workspace = |how: &Value| {
        how.get("workspace")
            .and_then(Value::as_bool)
            .unwrap_or(false)
    };
    for (name, how) in dependencies(manifest) {
        if !from_workspace(&how) {
            findings.push(format!("{path}: {name}: write `{name}.workspace = true`"));
        }
    }
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        let held = manifest.get("package").and_then(|package| package.get(key));
        if !held.is_some_and(from_workspace) {
            findings.push(format!(
                "{path}: write `{key}.workspace = true` under [package]"
            ));
        }
    }
    if !manifest.get("lints").is_some_and(from_workspace) {
        findings.push(format!("{path}: write `workspace = true` under [lints]"));
    }
    findings
}

fn parse(path: &str) -> Table {
    read(path).parse().expect(path)
}

fn members() -> Vec<String> {
    let root = parse("Cargo.toml");
    let listed = root
        .get("workspace")
        .and_then(|workspace| workspace.get("members"));
    let members = listed
        .and_then(Value::as_array)
        .expect("the workspace lists its members");
    members
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Name of a package to the names it depends on, as the lock file resolved them.
fn locked() -> BTreeMap<String, BTreeSet<String>> {
    let lock = parse("Cargo.lock");
    let packages = lock
        .get("package")
        .and_then(Value::as_array)
        .expect("a lock file has packages");
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let name = package
            .get("name")
            .and_then(Value::as_str)
            .expect("a package has a name");
        let needs = package.get("dependencies").and_then(Value::as_array);
        // Several versions of a package are told apart by `name version`; the name is enough here.
        let needs = needs.into_iter().flatten().filter_map(Value::as_str);
        let names = needs
            .filter_map(|need| need.split(' ').next())
            .map(str::to_owned);
        graph.entry(name.to_owned()).or_default().extend(names);
    }
    graph
}

/// The way from `start` to `goal` along the graph, if there is one.
fn way(graph: &BTreeMap<String, BTreeSet<String>>, start: &str, goal: &str) -> Option<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![vec![start.to_owned()]];
    while let Some(path) = open.pop() {
        let last = path.last().cloned().unwrap_or_default();
        if last == goal {
            return Some(path.join(" -> "));
        }
        if !seen.insert(last.clone()) {
            continue;
        }
        for next in graph.get(&last).into_iter().flatten() {
            open.push([path.as_slice(), std::slice::from_ref(next)].concat());
        }
    }
    None
}

#[test]
fn every_edge_is_in_the_code_map() {
    let map = code_map(&read("ARCHITECTURE.md"));
    let mut findings = Vec::new();
    let members = members();
    for member in &members {
        findings.extend(forbidden_edges(
            member,
            &parse(&format!("{member}/Cargo.toml")),
            &map,
        ));
    }
    let stale = map.keys().filter(|path| !members.contains(path));
    findings.extend(stale.map(|path| format!("ARCHITECTURE.md: {path} is not in the workspace")));
    hold(&findings);
}

#[test]
fn versions_and_lints_are_the_workspaces() {
    let members = members();
    let findings: Vec<String> = members
        .iter()
        .flat_map(|member| own_settings(member, &parse(&format!("{member}/Cargo.toml"))))
        .collect();
    hold(&findings);
}

#[test]
fn proto_reaches_nothing_that_waits_listens_or_stores() {
    let graph = locked();
    let mut findings = Vec::new();
    for member in members()
        .iter()
        .filter(|member| member.starts_with("proto/"))
    {
        let package = format!("hopluu-{}", short_name(member));
        assert!(
            graph.contains_key(&package),
            "{package} is in the lock file"
        );
        findings.extend(
            NEVER_IN_PROTO
                .iter()
                .filter_map(|goal| way(&graph, &package, goal)),
        );
    }
    hold(&findings);
}

#[test]
fn an_edge_outside_the_map_is_found() {
    let page = "# A\n## Code map\n| crate | . | may | never |\n| --- | --- | --- | --- |\n\
        | `proto/model` | nouns | – | I/O |\n| `proto/doc` | view | model, automerge | peers |\n\
        | `node/net` | links | all above, tokio | frames |\n| `tests` | proof | everything | – |\n\
        \n## Next\n| `proto/other` | not in the map | – | – |\n";
    let map = code_map(page);
    assert_eq!(map.len(), 4);
    let check = |path: &str, manifest: &str| {
        forbidden_edges(path, &manifest.parse().expect("the example is TOML"), &map)
    };
    assert_eq!(
        check(
            "proto/model",
            "[dev-dependencies]\nhopluu-doc.workspace = true"
        )
        .len(),
        1
    );
    assert_eq!(
        check("proto/model", "[dependencies]\ntokio.workspace = true").len(),
        1
    );
    assert_eq!(
        check("node/net", "[target.'cfg(unix)'.dependencies]\naxum = '1'").len(),
        1
    );
    assert_eq!(check("proto/other", "").len(), 1);
    assert!(
        check(
            "proto/doc",
            "[dependencies]\nhopluu-model = {}\nautomerge = {}"
        )
        .is_empty()
    );
    assert!(
        check(
            "node/net",
            "[dependencies]\nhopluu-doc = {}\ntokio = {}\ncsv = {}"
        )
        .is_empty()
    );
    assert!(check("tests", "[dependencies]\naxum = {}").is_empty());
}

#[test]
fn an_own_version_is_found() {
    let table: Table = "[package]\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\
        [lints]\nworkspace = true\n[dependencies]\ncsv = '1'\nserde.workspace = true\n"
        .parse()
        .expect("the example is TOML");
    let findings = own_settings("proto/form", &table);
    assert_eq!(findings, ["proto/form: csv: write `csv.workspace = true`"]);
    assert_eq!(own_settings("proto/form", &Table::new()).len(), 6);
}

#[test]
fn a_way_through_others_is_found() {
    let graph = BTreeMap::from([
        ("a".to_owned(), BTreeSet::from(["b".to_owned()])),
        (
            "b".to_owned(),
            BTreeSet::from(["a".to_owned(), "tokio".to_owned()]),
        ),
    ]);
    assert_eq!(
        way(&graph, "a", "tokio").as_deref(),
        Some("a -> b -> tokio")
    );
    assert_eq!(way(&graph, "a", "quinn"), None);
}
