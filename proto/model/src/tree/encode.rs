//! The canonical text of a tree: what is hashed into its version and handed down in a record.
//!
//! ```text
//! hopluu-tree 1
//! level  commune  xã  commune                  levels, top first (fields are parted by tabs)
//! scope  465@2024-05-01                        roots of a restricted tree, by id
//! since  2024-05-01  open                      the units from here on began that day (or before)
//! 19429  commune  thi_tran  Thị trấn Khe Sanh  2025-06-30  465  19429@2025-07-01/ppho
//! ```
//! A unit's fields: code, level, kind, name, last day, parents (`PARENT`, then `DAY>PARENT`),
//! successors (`UNIT/` area, people, `h` heir, `o` official), former names (`LAST-DAY KIND NAME`).
//! A unit that began on the section's day is written by its code alone. Empty fields at the end
//! are left out. There is one spelling per tree.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::civil::Date;

use super::unit::{Share, Unit};
use super::{Successor, UnitTree};
use crate::UnitId;

/// First line; a change of the format changes the number.
pub(super) const HEADER: &str = "hopluu-tree 1";

/// Letters of the shares, in the order all, part, none, unknown.
const SHARES: [(Share, char); 4] = [
    (Share::All, 'a'),
    (Share::Part, 'p'),
    (Share::None, 'n'),
    (Share::Unknown, 'u'),
];

impl UnitTree {
    /// The tree as canonical text; see the source of this module for the format. Events are folded
    /// in, so a reader needs only those that come later.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = String::with_capacity(256 + self.len() * 96);
        out.push_str(HEADER);
        out.push('\n');
        for level in &self.levels {
            line(
                &mut out,
                format_args!("level\t{}\t{}\t{}", level.id, level.vi, level.en),
            );
        }
        for root in &self.scope {
            line(&mut out, format_args!("scope\t{root}"));
        }
        let mut sections: BTreeMap<(Date, bool), Vec<&Unit>> = BTreeMap::new();
        for unit in self.units() {
            let section = (unit.id.since, unit.open_past);
            sections.entry(section).or_default().push(unit);
        }
        for ((since, open), units) in sections {
            let open = if open { "\topen" } else { "" };
            line(&mut out, format_args!("since\t{since}{open}"));
            for unit in units {
                push_unit(&mut out, unit);
            }
        }
        out.into_bytes()
    }
}

fn push_unit(out: &mut String, unit: &Unit) {
    let since = unit.id.since;
    let Unit {
        id,
        level,
        kind,
        name,
        ..
    } = unit;
    for field in [id.code.as_str(), level, kind, name] {
        out.push_str(field);
        out.push('\t');
    }
    if let Some(last) = unit.ended {
        push_day(out, last);
    }
    out.push('\t');
    for (at, span) in unit.parents.iter().enumerate() {
        if at > 0 {
            out.push(' ');
            push_day(out, span.from);
            out.push('>');
        }
        push_ref(out, &span.unit, since);
    }
    out.push('\t');
    for (at, successor) in unit.successors.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        push_ref(out, &successor.unit, since);
        out.push('/');
        push_facts(out, successor);
    }
    for former in &unit.former {
        put(
            out,
            format_args!("\t{} {} {}", former.until, former.kind, former.name),
        );
    }
    out.truncate(out.trim_end_matches('\t').len());
    out.push('\n');
}

fn push_ref(out: &mut String, unit: &UnitId, since: Date) {
    out.push_str(unit.code.as_str());
    if unit.since != since {
        out.push('@');
        push_day(out, unit.since);
    }
}

/// The years of a tree have four digits. Written by hand because a national tree has 26,000 days.
fn push_day(out: &mut String, day: Date) {
    let (year, month, day) = (day.year(), i16::from(day.month()), i16::from(day.day()));
    let digits = [
        (year, 1_000),
        (year, 100),
        (year, 10),
        (year, 1),
        (month, 10),
        (month, 1),
        (day, 10),
        (day, 1),
    ];
    for (at, (number, unit)) in digits.into_iter().enumerate() {
        if at == 4 || at == 6 {
            out.push('-');
        }
        let digit = u32::try_from(number / unit % 10).ok();
        out.extend(digit.and_then(|digit| char::from_digit(digit, 10)));
    }
}

/// What a successor took: two shares and two flags.
pub(super) fn push_facts(out: &mut String, successor: &Successor) {
    for share in [successor.area, successor.people] {
        let letter = SHARES.iter().find(|(known, _)| *known == share);
        out.extend(letter.map(|(_, letter)| *letter));
    }
    if successor.heir {
        out.push('h');
    }
    if successor.official {
        out.push('o');
    }
}

/// The reverse of [`push_facts`], in its one spelling.
pub(super) fn read_facts(unit: UnitId, text: &str) -> Option<Successor> {
    let mut letters = text.chars();
    let mut share = || {
        let letter = letters.next()?;
        let known = SHARES.iter().find(|(_, known)| *known == letter);
        known.map(|(share, _)| *share)
    };
    let (area, people) = (share()?, share()?);
    let (heir, official) = match letters.as_str() {
        "" => (false, false),
        "h" => (true, false),
        "o" => (false, true),
        "ho" => (true, true),
        _ => return None,
    };
    Some(Successor {
        unit,
        heir,
        area,
        people,
        official,
    })
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes every write");
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    put(out, text);
    out.push('\n');
}
