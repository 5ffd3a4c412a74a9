//! The papers: links lead somewhere, decisions are told apart and complete, and a test that an
//! invariant names exists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use crate::files::{TextFile, tracked};
use crate::hold;

/// What every decision record answers, in this order.
const HEADINGS: &[&str] = &[
    "## Context",
    "## Decision",
    "## Consequences",
    "## What would change our mind",
];

/// About a page: what needs more belongs in another paper that the record links to.
const RECORD_LINES_MAX: usize = 60;

/// The targets of inline links and of pictures, outside code.
fn link_targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        // Every second piece between backticks is code as well.
        let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        let links = prose
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'));
        targets.extend(links.map(|(target, _)| target.to_owned()));
    }
    targets
}

/// `docs/a/../b.md` as `docs/b.md`; nothing if it leaves the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            Component::ParentDir if parts.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts)
}

fn broken_links(path: &str, text: &str, exists: &dyn Fn(&Path) -> bool) -> Vec<String> {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let targets = link_targets(text);
    let local = targets.iter().filter(|target| {
        !target.contains("://") && !target.starts_with("mailto:") && !target.starts_with('#')
    });
    local
        .filter(|target| {
            let file = target.split('#').next().unwrap_or_default();
            !normal(&folder.join(file)).is_some_and(|full| exists(&full))
        })
        .map(|target| format!("{path}: the link to {target} leads nowhere"))
        .collect()
}

/// The number that a decision record's path starts with, if it is named as one.
fn record_number(path: &str) -> Option<&str> {
    let name = path.strip_prefix("docs/adr/")?.strip_suffix(".md")?;
    let (number, title) = name.split_once('-')?;
    let is_title = title
        .chars()
        .all(|sign| sign.is_ascii_lowercase() || "-0123456789".contains(sign));
    let is_number = number.len() == 4 && number.chars().all(|sign| sign.is_ascii_digit());
    (is_number && is_title && !title.is_empty()).then_some(number)
}

fn record_faults(path: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let headings: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("## "))
        .collect();
    if headings != HEADINGS {
        findings.push(format!(
            "{path}: its headings are {headings:?}, not {HEADINGS:?}"
        ));
    }
    if !text.starts_with("# ") {
        findings.push(format!("{path}: does not start with its title"));
    }
    let lines = text.lines().count();
    if lines > RECORD_LINES_MAX {
        findings.push(format!("{path}: {lines} lines, at most {RECORD_LINES_MAX}"));
    }
    findings
}

/// The tests that a paper names as `path/to/file.rs::name_of_test`.
fn named_tests(text: &str) -> BTreeSet<(String, String)> {
    let words = text.split(|sign: char| sign.is_whitespace() || "`,;()".contains(sign));
    let names = words.filter_map(|word| word.split_once(".rs::"));
    names
        .map(|(file, name)| (format!("{file}.rs"), name.to_owned()))
        .collect()
}

#[test]
fn links_between_papers_lead_somewhere() {
    let files = tracked();
    let root = hopluu_tests::repository();
    let exists = |path: &Path| root.join(path).exists();
    let papers = files.iter().filter(|file| file.extension() == "md");
    let broken = papers.flat_map(|file| broken_links(&file.path, &file.text, &exists));
    hold(&broken.collect::<Vec<_>>());
}

#[test]
fn decision_records_are_numbered_and_complete() {
    let files = tracked();
    let records = files
        .iter()
        .filter(|file| file.path.starts_with("docs/adr/"));
    let mut findings = Vec::new();
    let mut numbers = BTreeMap::new();
    for TextFile { path, text, .. } in records {
        findings.extend(record_faults(path, text));
        let Some(number) = record_number(path) else {
            findings.push(format!("{path}: name it docs/adr/NNNN-some-title.md"));
            continue;
        };
        if let Some(other) = numbers.insert(number, path) {
            findings.push(format!("{path}: {other} has the same number"));
        }
    }
    assert!(!numbers.is_empty(), "there are decision records");
    hold(&findings);
}

#[test]
fn the_tests_that_papers_name_exist() {
    let files = tracked();
    let mut findings = Vec::new();
    for paper in files.iter().filter(|file| file.extension() == "md") {
        for (path, name) in named_tests(&paper.text) {
            let held = files.iter().find(|file| file.path == path);
            if !held.is_some_and(|file| file.text.contains(&format!("fn {name}("))) {
                findings.push(format!("{}: there is no test {path}::{name}", paper.path));
            }
        }
    }
    hold(&findings);
}

#[test]
fn a_link_to_nowhere_is_found() {
    let exists = |path: &Path| path == Path::new("docs/cli.md") || path == Path::new("README.md");
    let check = |text: &str| broken_links("docs/glossary.md", text, &exists).len();
    assert_eq!(
        check("[a](cli.md) [b](../README.md#start) [c](https://x.example/y) [d](#e)"),
        0
    );
    assert_eq!(check("[a](gone.md) and ![b](../gone.png)"), 2);
    assert_eq!(check("[a](../../outside.md)"), 1);
    assert_eq!(check("`[a](gone.md)`\n```\n[a](gone.md)\n```\n"), 0);
}

#[test]
fn a_half_record_is_found() {
    let good = format!("# 0001: a\n\n{}\n", HEADINGS.join("\n\nText.\n\n"));
    assert_eq!(record_faults("docs/adr/0001-a.md", &good).len(), 0);
    assert_eq!(
        record_faults("docs/adr/0001-a.md", &good.replace("## Context", "")).len(),
        1
    );
    assert_eq!(
        record_faults("docs/adr/0001-a.md", &format!("{good}{}", "a\n".repeat(60))).len(),
        1
    );
    assert_eq!(record_number("docs/adr/0012-a-b2.md"), Some("0012"));
    for name in [
        "docs/adr/12-a.md",
        "docs/adr/0012.md",
        "docs/adr/0012-A.md",
        "docs/adr/0012-.md",
    ] {
        assert_eq!(record_number(name), None, "{name}");
    }
}

#[test]
fn a_named_test_is_read_from_prose() {
    let text = "It (`tests/tidy/a.rs::b_c`, and tests/mesh/d.rs::e) holds. Not a.rs, not x::y.";
    let expected = [("tests/mesh/d.rs", "e"), ("tests/tidy/a.rs", "b_c")];
    let expected = expected.map(|(file, name)| (file.to_owned(), name.to_owned()));
    assert_eq!(named_tests(text), BTreeSet::from(expected));
}
