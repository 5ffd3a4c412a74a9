//! The rules of the source itself, held by tests: who may depend on whom, sizes, words, scripts and
//! papers. What a lint can say is said by a lint; here is what no lint knows.
//!
//! A rule is a function from text to findings, so it is tried on a bad example beside it and then
//! held over every tracked file. A finding names the place and the cure.

mod edges;
mod files;
mod papers;
mod scripts;
mod source;
mod words;

/// Fails with all findings at once: a person mends them in one go.
#[track_caller]
fn hold(findings: &[String]) {
    assert!(
        findings.is_empty(),
        "{} findings\n{}",
        findings.len(),
        findings.join("\n")
    );
}
