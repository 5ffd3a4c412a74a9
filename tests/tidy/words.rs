//! Words that must not stand in a tracked file: promises nobody keeps, doors around the lints, and
//! places that exist on one machine only.

use crate::files::{TextFile, tracked};
use crate::hold;

/// Written in pieces, or this file would be the first finding.
const LEFTOVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("dbg", "!"),
    concat!("#[", "allow("),
    concat!("#![", "allow("),
];

/// Where the leftovers are looked for: code and its settings. Prose may speak of them.
const CODE: &[&str] = &["rs", "toml", "sql", ""];

/// Folders of one machine, and settings that send others to one registry.
const PLACES: &[&str] = &[
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/wo", "rk/"),
    concat!("/tmp", "/tgt/"),
    concat!(".lib", "rary/"),
    concat!("replace", "-with"),
    concat!("[regis", "tries"),
    concat!("sparse", "+http"),
];

/// The one registry a lock file may name: cargo writes it itself.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Whether `text` at `at` is not the middle of a longer word or path (`a/home/` in a web address).
fn stands_alone(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|head| head.chars().next_back());
    before.is_none_or(|sign| !sign.is_alphanumeric() && !"._-~}*/".contains(sign))
}

fn found(file: &TextFile, words: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for word in words {
            let mut hits = line.match_indices(word);
            let ends = |at: usize| {
                let rest = line.get(at + word.len()..).unwrap_or("");
                !word.ends_with(char::is_uppercase)
                    || !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
            };
            if hits.any(|(at, _)| stands_alone(line, at) && ends(at)) {
                findings.push(format!(
                    "{}:{}: `{word}` does not belong here",
                    file.path,
                    number + 1
                ));
            }
        }
    }
    findings
}

fn foreign_sources(lock: &str) -> Vec<String> {
    let sources = lock
        .lines()
        .filter_map(|line| line.strip_prefix("source = "));
    let foreign = sources.filter(|source| source.trim_matches('"') != REGISTRY);
    foreign
        .map(|source| format!("Cargo.lock: {source} is not the common registry"))
        .collect()
}

#[test]
fn code_holds_no_leftovers() {
    let files = tracked();
    let code = files.iter().filter(|file| CODE.contains(&file.extension()));
    let code = code.filter(|file| file.path != "LICENSE");
    hold(
        &code
            .flat_map(|file| found(file, LEFTOVERS))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    hold(
        &tracked()
            .iter()
            .flat_map(|file| found(file, PLACES))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn packages_come_from_the_common_registry() {
    hold(&foreign_sources(&crate::files::read("Cargo.lock")));
}

#[test]
fn a_leftover_is_found() {
    let check = |text: &str, words: &[&str]| {
        let path = "proto/doc/src/a.rs".to_owned();
        found(
            &TextFile {
                path,
                text: text.to_owned(),
                is_executable: false,
            },
            words,
        )
        .len()
    };
    for word in LEFTOVERS {
        assert_eq!(
            check(&format!("fn f() {{}}\n// {word} later"), LEFTOVERS),
            1,
            "{word}"
        );
    }
    assert_eq!(check("let autodo = 1; // MXXXV, TODOS", LEFTOVERS), 0);
    for place in PLACES {
        assert_eq!(check(&format!("path = \"{place}x\""), PLACES), 1, "{place}");
    }
    assert_eq!(
        check(
            "https://example.org/home/a and ~/home/ and $D/work/",
            PLACES
        ),
        0
    );
}

#[test]
fn a_foreign_source_is_found() {
    assert_eq!(
        foreign_sources("source = \"registry+https://mirror.example/index\"\n").len(),
        1
    );
    assert_eq!(
        foreign_sources(&format!("source = \"{REGISTRY}\"\n")).len(),
        0
    );
}
