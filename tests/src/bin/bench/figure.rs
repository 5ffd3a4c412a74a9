//! Figures with their bounds, and how they are shown: a table for people, JSON for programs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// In what a figure is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    Microseconds,
    Bytes,
    Count,
}

/// One figure beside its bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Figure {
    what: String,
    measure: Measure,
    seen: u64,
    /// The most that was promised; a figure without a bound is there to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<u64>,
    /// What nothing in this world could go below, where that can be computed.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u64>,
    /// Hundredths of the limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    of_limit: Option<u64>,
}

/// What a bench has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    figures: Vec<Figure>,
    /// What is in the figures and what is not.
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Json<'a> {
    bench: &'a str,
    holds: bool,
    cores: usize,
    #[serde(flatten)]
    seen: &'a Seen,
}

impl Figure {
    fn holds(&self) -> bool {
        self.most.is_none_or(|most| self.seen <= most)
    }
}

impl Seen {
    /// A time, with the most that was promised.
    pub(crate) fn time(&mut self, what: &str, seen: Duration, most: Option<Duration>) {
        let (seen, most) = (micros(seen), most.map(micros));
        self.add(what, Measure::Microseconds, seen, most);
    }

    /// A time beside the least that physics allows, of which it may be so many hundredths.
    pub(crate) fn time_of(&mut self, what: &str, seen: Duration, limit: Duration, hundredths: u32) {
        let most = micros(limit * hundredths / 100);
        self.add(what, Measure::Microseconds, micros(seen), Some(most));
        if let Some(figure) = self.figures.last_mut() {
            figure.limit = Some(micros(limit));
            figure.of_limit = (micros(seen) * 100).checked_div(micros(limit));
        }
    }

    /// Bytes, with the most that was promised.
    pub(crate) fn bytes(&mut self, what: &str, seen: u64, most: Option<u64>) {
        self.add(what, Measure::Bytes, seen, most);
    }

    /// A number, with the most that was promised.
    pub(crate) fn count(&mut self, what: &str, seen: u64, most: Option<u64>) {
        self.add(what, Measure::Count, seen, most);
    }

    /// With what another has seen.
    pub(crate) fn append(&mut self, other: Self) {
        self.figures.extend(other.figures);
        self.notes.extend(other.notes);
    }

    /// A sentence on what is in the figures.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    fn add(&mut self, what: &str, measure: Measure, seen: u64, most: Option<u64>) {
        let what = what.to_owned();
        self.figures.push(Figure {
            what,
            measure,
            seen,
            most,
            limit: None,
            of_limit: None,
        });
    }

    /// Whether no bound is missed.
    pub(crate) fn holds(&self) -> bool {
        self.figures.iter().all(Figure::holds)
    }

    fn named<'a>(&'a self, bench: &'a str) -> Json<'a> {
        Json {
            bench,
            holds: self.holds(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            seen: self,
        }
    }

    /// The same for a program.
    pub(crate) fn json(&self, bench: &str) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&self.named(bench)).map(|text| text + "\n")
    }
}

/// The middle of several runs: one that was disturbed by the machine does not count.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// How long this thread has had a core: what it would take on a machine with nothing else to do.
pub(crate) fn cpu_time() -> anyhow::Result<Duration> {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let spent = schedule.split_whitespace().next().unwrap_or_default();
    Ok(Duration::from_nanos(spent.parse()?))
}

/// Prints what was seen as one list, for programs.
pub(crate) fn print_json(all: &[(&str, Seen)]) -> serde_json::Result<()> {
    let all: Vec<_> = all.iter().map(|(bench, seen)| seen.named(bench)).collect();
    println!("{}", serde_json::to_string_pretty(&all)?);
    Ok(())
}

/// Prints what was seen, one line a figure.
pub(crate) fn print_table(all: &[(&str, Seen)]) {
    println!("| bench | what | limit | bound | seen | of limit | |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (bench, seen) in all {
        for figure in &seen.figures {
            println!("{}", row(bench, figure));
        }
    }
    for (bench, seen) in all {
        for note in &seen.notes {
            println!("{bench}: {note}");
        }
    }
}

fn row(bench: &str, figure: &Figure) -> String {
    let show = |value| shown(value, figure.measure);
    let or_none = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), show);
    let (limit, bound) = (or_none(figure.limit), or_none(figure.most));
    let verdict = match (figure.most, figure.holds()) {
        (None, _) => "",
        (Some(_), true) => "holds",
        (Some(_), false) => "MISSED",
    };
    let seen = shown(figure.seen, figure.measure);
    let ratio = figure.of_limit.map_or_else(
        || "–".to_owned(),
        |of| format!("{}.{:02}", of / 100, of % 100),
    );
    format!(
        "| {bench} | {} | {limit} | {bound} | {seen} | {ratio} | {verdict} |",
        figure.what
    )
}

/// A figure as people read it, rounded up: a bound that is missed must not look like one that holds.
fn shown(value: u64, measure: Measure) -> String {
    let tenths = |unit: u64, name: &str| {
        let tenths = value.div_ceil(unit / 10);
        match tenths % 10 {
            0 => format!("{} {name}", tenths / 10),
            part => format!("{}.{part} {name}", tenths / 10),
        }
    };
    match measure {
        Measure::Count => value.to_string(),
        Measure::Bytes if value < 100_000 => format!("{value} bytes"),
        Measure::Bytes => tenths(1_000_000, "MB"),
        Measure::Microseconds if value < 1_000 => format!("{value} µs"),
        Measure::Microseconds if value < 1_000_000 => tenths(1_000, "ms"),
        Measure::Microseconds => tenths(1_000_000, "s"),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_as_people_read_them() {
        for (value, measure, expected) in [
            (0, Measure::Count, "0"),
            (178, Measure::Bytes, "178 bytes"),
            (39_900_001, Measure::Bytes, "40 MB"),
            (40_000_001, Measure::Bytes, "40.1 MB"),
            (999, Measure::Microseconds, "999 µs"),
            (150_000, Measure::Microseconds, "150 ms"),
            (150_001, Measure::Microseconds, "150.1 ms"),
            (60_000_000, Measure::Microseconds, "60 s"),
        ] {
            assert_eq!(shown(value, measure), expected);
        }
    }

    #[test]
    fn one_missed_bound_is_enough() {
        let mut seen = Seen::default();
        seen.count("lost", 0, Some(0));
        seen.bytes("read only", 7, None);
        assert!(seen.holds());
        seen.time(
            "slow",
            Duration::from_millis(2),
            Some(Duration::from_millis(1)),
        );
        assert!(!seen.holds());
        let json: serde_json::Value = serde_json::from_str(&seen.json("x").unwrap()).unwrap();
        assert_eq!(json["holds"], false);
        assert_eq!(json["figures"][2]["seen"], 2_000);
        assert_eq!(json["figures"][1].get("most"), None);
    }

    #[test]
    fn the_median_is_the_middle() {
        let ms = Duration::from_millis;
        assert_eq!(median(vec![ms(9), ms(1), ms(5)]), ms(5));
        assert_eq!(median(Vec::new()), ms(0));
    }
}
