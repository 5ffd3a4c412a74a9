//! `hopluu demo --hostile`: every line of bad input is tried, stopped by what stops it, and beside each attacker what
//! is done honestly gets through.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{Done, program, rows, text_at};

/// Each line, by whom it is tried, and what its victim has to say.
const LINES: [(u64, &str, &[&str]); 27] = [
    (1, "commune", &["signature"]),
    (1, "commune", &["parked/author"]),
    (5, "commune", &["scope"]),
    (7, "commune", &["chain/loop"]),
    (8, "commune", &["chain/may-not-issue"]),
    (9, "commune", &["chain/foreign-root"]),
    (3, "commune", &["chain/expired"]),
    (10, "commune", &["link/not-enrolled"]),
    (11, "commune", &["scope"]),
    (12, "commune", &["scope"]),
    (20, "commune", &["plain-name"]),
    (13, "commune", &["void/no-grant"]),
    (13, "commune", &["void/not-superior"]),
    (13, "commune", &["void/out-of-order"]),
    (17, "laptop", &["401 M-1701"]),
    (21, "laptop", &["403 M-1507"]),
    (18, "laptop", &["401 M-1702"]),
    (19, "laptop", &["401 M-1702"]),
    (16, "laptop", &["401 M-1703", "429 M-1704"]),
    (4, "laptop", &["void/no-grant"]),
    (23, "laptop", &["close/263"]),
    (22, "laptop", &["M-2060", "M-2113"]),
    (14, "relay", &["M-1601"]),
    (2, "relay", &["void/revoked"]),
    (6, "relay", &["signature"]),
    (12, "relay", &["scope"]),
    (15, "relay", &["M-2208"]),
];

/// Every line of the list of bad input, a stolen disk and a stolen key.
const LAST_LINE: u64 = 23;

#[test]
fn every_line_of_bad_input_is_tried_and_stopped_by_what_stops_it() {
    let mut command = program();
    command.args(["--json", "demo", "--hostile", "--check"]);
    let done = Done::of(command.output());
    let said = done.lines();
    let of = |event: &'static str| said.iter().filter(move |row| row["event"] == event);
    let attempts: Vec<&Value> = of("attempt").collect();
    let seen = attempts.iter().map(|row| {
        let line = row["line"].as_u64().expect("a number");
        let stopped_by = rows(row, "/stopped_by").iter().map(|by| by.as_str());
        let stopped_by: Vec<&str> = stopped_by.flatten().collect();
        (line, text_at(row, "/by"), stopped_by)
    });
    let seen: Vec<_> = seen.collect();
    let expected = LINES.map(|(line, by, stoppers)| (line, by, stoppers.to_vec()));
    assert_eq!(seen, expected);
    for line in 1..=LAST_LINE {
        assert!(seen.iter().any(|(tried, ..)| *tried == line), "{line}");
    }
    for row in attempts {
        let held = (&row["is_stopped"], &row["totals_unmoved"]);
        assert_eq!(held, (&json!(true), &json!(true)), "{row}");
        assert_ne!(row["tried"]["vi"], row["tried"]["en"]);
    }
    let mut controls: BTreeMap<&str, u32> = BTreeMap::new();
    for row in of("control") {
        assert_eq!(row["gets_through"], json!(true), "{row}");
        *controls
            .entry(row["by"].as_str().unwrap_or("honest"))
            .or_default() += 1;
    }
    let by = controls.into_keys().collect::<Vec<_>>();
    assert_eq!(by, ["commune", "honest", "laptop", "relay"]);
    let verdict = said.last().expect("it comes to an end");
    assert_eq!(
        (&verdict["event"], &verdict["failed"]),
        (&json!("verdict"), &json!([]))
    );
    assert_eq!(done.code, 0, "{}", done.err);
}
