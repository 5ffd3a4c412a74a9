//! One document lifted: its packed facts read once, in place, into one cell for each line.

use hopluu_doc::{FactsError, FactsView, RegisterView};
use hopluu_form::OverUnits;
use hopluu_model::{ChangeHash, DocId, IndicatorCode, Scalar};

use crate::algebra::{Figure, State};
use crate::cell::Cell;
use crate::limits::{CANDIDATES_MAX, STRAYS_NAMED_MAX};
use crate::lines::{LineRule, Lines, Part};

/// A document as totals take it in.
#[derive(Debug, Clone, Copy)]
pub struct ReportFacts<'a> {
    /// Which document.
    pub doc: DocId,
    /// The state of it that the facts are of.
    pub heads: &'a [ChangeHash],
    /// Documents of the same report, in compartments, whose figures are among these: each with the state of it.
    pub also: &'a [(DocId, Vec<ChangeHash>)],
    /// Its lifecycle says that it was taken back: it counts as not reported, and is still listed.
    pub is_withdrawn: bool,
    /// Its visible figures.
    pub facts: FactsView<'a>,
}

/// A value in a document that no total takes in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// The key it stands under.
    pub key: String,
    /// Why it does not count.
    pub reason: StrayReason,
}

/// Why a value does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StrayReason {
    /// The form has no such line; a later minor version may have.
    UnknownLine,
    /// A heading carries no figure.
    Heading,
    /// Units of this level do not enter the line.
    NotEnteredHere,
    /// The line is the sum of offices' parts, and this is none of them.
    NotAPart,
    /// The line is one figure, and this is an office's part.
    NotInParts,
}

/// A document's lines, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) doc: DocId,
    pub(crate) heads: Box<[ChangeHash]>,
    pub(crate) also: Box<[(DocId, Vec<ChangeHash>)]>,
    pub(crate) is_withdrawn: bool,
    /// Somebody answered something in it, and it was not withdrawn.
    pub(crate) is_reported: bool,
    pub(crate) strays: Vec<Stray>,
    /// How many there are, named or not.
    pub(crate) stray_count: u32,
    pub(crate) cells: Box<[Cell]>,
    pub(crate) wide: Vec<Figure>,
    /// What it says in cells that no total takes in, to be held against the total of its unit.
    pub(crate) stated: Vec<(IndicatorCode, Scalar)>,
}

impl Document {
    pub(crate) fn read(
        lines: &Lines,
        part: Part,
        report: &ReportFacts<'_>,
    ) -> Result<Self, FactsError> {
        let mut heads = report.heads.to_vec();
        heads.sort_unstable();
        let mut document = Self {
            doc: report.doc,
            heads: heads.into_boxed_slice(),
            also: also_sorted(report.also),
            is_withdrawn: report.is_withdrawn,
            is_reported: false,
            strays: Vec::new(),
            stray_count: 0,
            cells: lines.empty(part).into(),
            wide: Vec::new(),
            stated: Vec::new(),
        };
        if report.is_withdrawn {
            return Ok(document);
        }
        let mut likely = 0;
        for register in report.facts.figures() {
            let register = register?;
            match find(lines, part, register.key, likely) {
                Ok(line) => {
                    likely = line + 1;
                    // Where a unit above answers too, it may state the whole share instead.
                    let stated = (part != Part::Reporting)
                        .then(|| stated(lines, &register))
                        .flatten();
                    match stated {
                        Some(stated) => document.stated.push(stated),
                        None => document.enter(lines, line, &register),
                    }
                }
                Err(reason) => match stated(lines, &register) {
                    Some(stated) => document.stated.push(stated),
                    None => document.note(&register, reason),
                },
            }
        }
        document.is_reported = document.cells.iter().any(|cell| cell.state.is_answer());
        Ok(document)
    }

    pub(crate) fn figure(&self, line: usize) -> Figure {
        self.cells
            .get(line)
            .map_or(Figure::UNASKED, |cell| cell.figure(&self.wide))
    }

    fn enter(&mut self, lines: &Lines, line: usize, register: &RegisterView<'_>) {
        let (Some(rule), Some(cell)) = (lines.rules().get(line), self.cells.get_mut(line)) else {
            return;
        };
        let mut candidates = register.candidates();
        let (first, more) = (candidates.next(), candidates.next().is_some());
        let entered = match (first, more) {
            (None, _) => return,
            (Some(only), false) => Cell::of(rule.measure, only.value, &mut self.wide),
            (Some(_), true) => Cell::pack(of_register(rule, register), &mut self.wide),
        };
        *cell = if cell.state == State::Missing {
            entered
        } else {
            // Another office's part of the same figure.
            let both = cell
                .figure(&self.wide)
                .and(entered.figure(&self.wide), rule.measure);
            Cell::pack(both, &mut self.wide)
        };
    }

    fn note(&mut self, register: &RegisterView<'_>, reason: StrayReason) {
        // What was cleared again strays no more.
        let is_cleared = |fact: hopluu_doc::FactView<'_>| fact.scalar() == Some(Scalar::Blank);
        if register.candidates().all(is_cleared) {
            return;
        }
        self.stray_count = self.stray_count.saturating_add(1);
        if self.strays.len() < STRAYS_NAMED_MAX {
            self.strays.push(Stray {
                key: register.key.to_owned(),
                reason,
            });
        }
    }
}

/// In one order, whatever the order in which they came.
fn also_sorted(also: &[(DocId, Vec<ChangeHash>)]) -> Box<[(DocId, Vec<ChangeHash>)]> {
    let mut also = also.to_vec();
    for (_, heads) in &mut also {
        heads.sort_unstable();
    }
    also.sort_unstable();
    also.into_boxed_slice()
}

/// Which line a key fills.
fn find(lines: &Lines, part: Part, key: &str, likely: usize) -> Result<usize, StrayReason> {
    // Documents list their figures in the order of the lines, so mostly it is the next one.
    let next = lines.rules().get(likely);
    if next.is_some_and(|rule| rule.code.as_str() == key && rule.offices.is_none()) {
        return entered(lines, part, likely);
    }
    let (code, office) = match key.split_once('@') {
        None => (key, None),
        Some((code, office)) => (code, Some(office)),
    };
    let Some(line) = lines.find(code) else {
        return Err(match lines.heading(code) {
            Some(_) => StrayReason::Heading,
            None => StrayReason::UnknownLine,
        });
    };
    let offices = lines
        .rules()
        .get(line)
        .and_then(|rule| rule.offices.as_ref());
    match (offices, office) {
        (None, None) => entered(lines, part, line),
        (None, Some(_)) => Err(StrayReason::NotInParts),
        (Some(offices), Some(office)) if offices.iter().any(|one| one.as_str() == office) => {
            entered(lines, part, line)
        }
        (Some(_), _) => Err(StrayReason::NotAPart),
    }
}

fn entered(lines: &Lines, part: Part, line: usize) -> Result<usize, StrayReason> {
    match lines.empty(part).get(line) {
        Some(cell) if cell.state != State::Unasked => Ok(line),
        _ => Err(StrayReason::NotEnteredHere),
    }
}

/// A figure that its unit only states: in the open cell of a heading, or a whole share where each unit
/// below answers for itself. It stands while it is one value.
fn stated(lines: &Lines, register: &RegisterView<'_>) -> Option<(IndicatorCode, Scalar)> {
    let code = register.key;
    let rule = lines.find(code).and_then(|line| lines.rules().get(line));
    let is_share = rule.is_some_and(|rule| rule.over_units == OverUnits::ShareOfUnits);
    if !is_share && lines.heading(code) != Some(true) {
        return None;
    }
    let mut candidates = register.candidates();
    let (Some(only), None) = (candidates.next(), candidates.next()) else {
        return None;
    };
    let scalar = only.scalar()?;
    let fits = !is_share || matches!(scalar, Scalar::Share(..));
    Some((code.parse().ok()?, scalar)).filter(|_| fits)
}

/// A figure with several candidates. They come by operation, which differs between nothing but
/// what was written when; the figure must not depend on it beyond the first of too many.
fn of_register(rule: &LineRule, register: &RegisterView<'_>) -> Figure {
    let mut values: Vec<_> = register
        .candidates()
        .take(CANDIDATES_MAX)
        .map(|fact| fact.value)
        .collect();
    values.sort_unstable();
    values.dedup();
    let figures: Vec<_> = values
        .iter()
        .map(|value| {
            value.parse().map_or(Figure::UNREADABLE, |scalar| {
                Figure::of(rule.measure, scalar)
            })
        })
        .collect();
    Figure::any_of(rule.measure, &figures)
}
