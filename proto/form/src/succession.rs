//! Whether a form may follow another of the same major version: a minor version only adds.
//!
//! Documents are read by the newest minor version a node knows, and two nodes may know different ones
//! for weeks. So nothing that a figure or a text of the older one means may change, and what is new
//! must say from which minor version on it is there: a document's first change holds the texts of the
//! first minor version only, and must be the same everywhere.

use std::fmt;

use hopluu_model::{IndicatorCode, SectionId};

use crate::form::{Form, Line, Section};

/// What a minor version would change instead of adding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// A line is gone.
    LineGone(IndicatorCode),
    /// A line is entered or added up in another way.
    LineChanged(IndicatorCode),
    /// A private line would stand in another compartment, or in none, and what was written would be looked for there.
    LineMoved(IndicatorCode),
    /// A new line does not say since when.
    LineSince(IndicatorCode),
    /// A section of text is gone.
    SectionGone(SectionId),
    /// A section is written by other offices, or says another beginning.
    SectionChanged(SectionId),
    /// A new section does not say since when.
    SectionSince(SectionId),
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineGone(code) => write!(out, "line {code} is gone"),
            Self::LineChanged(code) => {
                write!(out, "line {code} is entered or added up differently")
            }
            Self::LineMoved(code) => write!(out, "line {code} leaves its compartment"),
            Self::LineSince(code) => write!(out, "line {code} is new and needs `since`"),
            Self::SectionGone(id) => write!(out, "section {id} is gone"),
            Self::SectionChanged(id) => write!(out, "section {id} has other offices"),
            Self::SectionSince(id) => write!(out, "section {id} is new and needs `since`"),
        }
    }
}

impl Form {
    /// What keeps this form from following `older`, a lower minor version of the same major one; nothing
    /// if it only adds.
    #[must_use]
    pub fn breaches(&self, older: &Self) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for line in older.lines() {
            match self.line(&line.code) {
                None => breaches.push(Breach::LineGone(line.code.clone())),
                Some(new) if has_moved(line, new) => {
                    breaches.push(Breach::LineMoved(line.code.clone()));
                }
                Some(new) if means_the_same(line, new) => {}
                Some(_) => breaches.push(Breach::LineChanged(line.code.clone())),
            }
        }
        for line in self.lines() {
            let is_new = older.line(&line.code).is_none();
            if is_new && line.since_minor <= older.version().minor {
                breaches.push(Breach::LineSince(line.code.clone()));
            }
        }
        for section in older.sections() {
            match self.section(&section.id) {
                None => breaches.push(Breach::SectionGone(section.id.clone())),
                Some(new) if has_the_same_texts(section, new) => {}
                Some(_) => breaches.push(Breach::SectionChanged(section.id.clone())),
            }
        }
        for section in self.sections() {
            let is_new = older.section(&section.id).is_none();
            if is_new && section.since_minor <= older.version().minor {
                breaches.push(Breach::SectionSince(section.id.clone()));
            }
        }
        breaches
    }
}

/// Labels and printed numbers may be mended; what a figure is and how it adds up may not.
fn means_the_same(old: &Line, new: &Line) -> bool {
    let meaning = |line: &Line| {
        line.value().map(|cell| {
            let adds_up = (
                cell.over_units,
                cell.over_time,
                cell.by_office,
                cell.entered_at,
            );
            let is_part_of = (cell.part, cell.whole.clone());
            (cell.entered, cell.measure_code.clone(), adds_up, is_part_of)
        })
    };
    meaning(old) == meaning(new) && old.since_minor == new.since_minor
}

/// An open line may become private: what was written before stays where it is, and counts.
fn has_moved(old: &Line, new: &Line) -> bool {
    let compartment = |line: &Line| line.value().and_then(|cell| cell.compartment.clone());
    let before = compartment(old);
    before.is_some() && before != compartment(new)
}

fn has_the_same_texts(old: &Section, new: &Section) -> bool {
    let offices = |section: &Section| {
        let mut offices = section.offices.clone();
        offices.sort();
        offices
    };
    offices(old) == offices(new) && old.since_minor == new.since_minor
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVIEW: &str = include_str!("../../../config/forms/pcmd-review.toml");
    const QUICK: &str = include_str!("../../../config/forms/flood-quick.toml");

    fn form(text: &str) -> Form {
        Form::parse(text).unwrap()
    }

    #[test]
    fn a_minor_version_that_mends_a_label_follows() {
        let older = form(QUICK);
        let title = &older.lines().first().unwrap().label.vi;
        let mended = QUICK.replacen(title.as_str(), &format!("{title} (đã sửa)"), 1);
        assert_eq!(form(&mended).breaches(&older), []);
    }

    #[test]
    fn a_part_of_a_whole_stays_one() {
        let older = form(REVIEW);
        let newer = form(&REVIEW.replacen("part = \"subset\"\n", "part = \"addend\"\n", 1));
        let breaches = newer.breaches(&older);
        assert!(
            matches!(breaches.as_slice(), [Breach::LineChanged(_)]),
            "{breaches:?}"
        );
    }

    #[test]
    fn a_private_line_stays_where_it_is() {
        let open = form(QUICK);
        let owner = format!("owner = \"{}\"", open.value_lines().next().unwrap().1.owner);
        let private =
            |name: &str| form(&QUICK.replacen(&owner, &format!("{owner}\nprivate = {name}"), 1));
        let code = open.value_lines().next().unwrap().0.code.clone();
        assert_eq!(private("true").breaches(&open), []);
        for moved in [open, private("\"elsewhere\"")] {
            let breaches = moved.breaches(&private("true"));
            assert_eq!(breaches, [Breach::LineMoved(code.clone())]);
        }
    }

    #[test]
    fn a_minor_version_that_takes_a_line_away_does_not() {
        let older = form(QUICK);
        let lost = older.value_lines().last().unwrap().0.code.clone();
        let start = QUICK.find(&format!("code = \"{lost}\"")).unwrap();
        let head = QUICK[..start].rfind("[[line]]").unwrap();
        let end = QUICK[start..]
            .find("\n[[")
            .map_or(QUICK.len(), |at| start + at + 1);
        let newer = form(&format!("{}{}", &QUICK[..head], &QUICK[end..]));
        assert_eq!(newer.breaches(&older), [Breach::LineGone(lost)]);
        let new_line = older.breaches(&newer);
        assert!(
            matches!(new_line.as_slice(), [Breach::LineSince(_)]),
            "{new_line:?}"
        );
    }
}
