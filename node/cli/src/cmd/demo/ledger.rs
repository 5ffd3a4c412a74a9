//! What the story says, and whether it held.

use std::io::Write;
use std::time::Instant;

use hopluu_api::text::Both;
use hopluu_form::Lang;
use serde::Serialize;

use super::process::seconds;
use super::words;

/// How it ended, for programs.
#[derive(Debug, Serialize)]
struct VerdictRow<'a> {
    event: &'static str,
    held: usize,
    failed: &'a [Both],
    millis: u128,
}

/// Speaks to the person, and keeps count of what was claimed.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) lang: Lang,
    /// Whether programs read it: then nothing is said but what is made for them.
    pub(super) is_json: bool,
    begun: Instant,
    held: usize,
    failed: Vec<Both>,
}

impl Ledger {
    pub(super) fn new(lang: Lang, is_json: bool) -> Self {
        Self {
            lang,
            is_json,
            begun: Instant::now(),
            held: 0,
            failed: Vec::new(),
        }
    }

    /// Prints a line for people.
    pub(super) fn line(&self, text: &str) {
        if !self.is_json {
            print(text);
        }
    }

    /// Prints a line for programs.
    pub(super) fn row(&self, row: &impl Serialize) {
        if self.is_json {
            print(&serde_json::to_string(row).expect("rows are plain JSON"));
        }
    }

    /// Prints words in the person's language.
    pub(super) fn say(&self, words: &Both) {
        self.line(words.in_lang(self.lang));
    }

    /// States something that must be so.
    pub(super) fn claim(&mut self, holds: bool, what: Both) {
        let sign = if holds { "✓" } else { "✗" };
        self.line(&format!("  {sign} {}", what.in_lang(self.lang)));
        if holds {
            self.held += 1;
        } else {
            self.failed.push(what);
        }
    }

    /// Notes what ended the story before its end.
    pub(super) fn broke(&mut self, why: Both) {
        self.line(&format!("  ✗ {}", why.in_lang(self.lang)));
        self.failed.push(why);
    }

    /// How long it has gone on.
    pub(super) fn clock(&self) -> String {
        seconds(self.begun.elapsed())
    }

    /// The verdict; whether everything held.
    pub(super) fn verdict(&self) -> bool {
        self.row(&VerdictRow {
            event: "verdict",
            held: self.held,
            failed: &self.failed,
            millis: self.begun.elapsed().as_millis(),
        });
        self.line("");
        if self.failed.is_empty() {
            self.say(&words::all_held(self.held, &self.clock()));
            return true;
        }
        self.say(&words::some_failed(
            self.held,
            self.failed.len(),
            &self.clock(),
        ));
        for what in &self.failed {
            self.line(&format!("  ✗ {}", what.in_lang(self.lang)));
        }
        false
    }
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever closed the output still gets the verdict as exit code.
    let _nobody_reads = writeln!(out, "{text}").and_then(|()| out.flush());
}
