//! The totals of one form and period, kept up to date report by report.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use hopluu_doc::FactsError;
use hopluu_form::{Form, PeriodNotAccepted};
use hopluu_model::{Date, Digest, DocId, Fault, Period, UnitId, UnitTree};

use crate::algebra::Partial;
use crate::document::{Document, ReportFacts};
use crate::limits::PARTS_MAX;
use crate::lines::Lines;
use crate::shape::{Frame, Node, Shape, Unplaced};
use crate::total::Tally;

mod read;
#[cfg(test)]
mod tests;

pub(crate) use read::LineView;

/// Why there are no totals for a period.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenError {
    /// The form is not reported for it.
    #[error(transparent)]
    Period(#[from] PeriodNotAccepted),
    /// The form says that it is made of parts, but it has none, or too many.
    #[error(
        "{period} is made of {parts} entered periods; between 1 and {PARTS_MAX} can be added up"
    )]
    Parts {
        /// Which period.
        period: Period,
        /// How many.
        parts: usize,
    },
}

impl OpenError {
    /// Who has to act: who named the period, or wrote the form's calendar.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Config
    }
}

/// Why a report was not taken in. The totals are as they were.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SetError {
    /// The period is none of the entered ones that these totals are made of.
    #[error("{period} is no part of {whole}")]
    NotAPart {
        /// The period of the report.
        period: Period,
        /// The period of these totals.
        whole: Period,
    },
    /// The packed facts are damaged.
    #[error("the facts of document {doc} cannot be read")]
    Facts {
        /// Which document.
        doc: DocId,
        /// What is wrong with them.
        #[source]
        source: FactsError,
    },
}

impl SetError {
    /// The caller mixed up periods, or kept a damaged row.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Bug
    }
}

/// Where a report went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// It counts in this unit's total and all above: its own, or that of the unit which took over.
    In(UnitId),
    /// It counts nowhere and is listed by [`Totals::unplaced`].
    Nowhere(Unplaced),
}

/// A unit's report of one entered period, for [`Totals::fill`].
#[derive(Debug, Clone, Copy)]
pub struct Filing<'a> {
    /// Whose.
    pub unit: &'a UnitId,
    /// Of which entered period.
    pub period: &'a Period,
    /// What it says.
    pub report: ReportFacts<'a>,
}

/// The totals of one form and period over the units of the tree day.
///
/// Freshness (when each child was last heard) is each node's own and not in here.
#[derive(Debug)]
pub struct Totals {
    form: Arc<Form>,
    tree: Arc<UnitTree>,
    period: Period,
    parts: Vec<Period>,
    part_days: Vec<Date>,
    day: Date,
    form_digest: Digest,
    lines: Lines,
    shape: Shape,
    kept: Vec<Kept>,
    unplaced: BTreeMap<(UnitId, usize), (DocId, Unplaced)>,
}

/// What is computed of a node.
#[derive(Debug, Default)]
struct Kept {
    /// By line; empty for a unit without children, whose documents say the same in less room.
    sums: Box<[Partial]>,
    tally: Tally,
    tree: OnceLock<Digest>,
    digest: OnceLock<Digest>,
}

impl Totals {
    /// Totals in which nothing has been reported. `roots` are the units that the form is assigned
    /// to, with all below them; none means the whole tree. Units above the roots get totals too.
    ///
    /// # Errors
    /// The form is not reported for the period.
    pub fn new(
        form: Arc<Form>,
        tree: Arc<UnitTree>,
        period: Period,
        roots: &[UnitId],
    ) -> Result<Self, OpenError> {
        let parts = form.entered_periods(&period)?;
        if parts.is_empty() || parts.len() > PARTS_MAX {
            let parts = parts.len();
            return Err(OpenError::Parts { period, parts });
        }
        let day = form.tree_day(&period)?;
        let part_days: Vec<_> = parts
            .iter()
            .map(|part| form.tree_day(part))
            .collect::<Result<_, _>>()?;
        let frame = Frame {
            form: &form,
            tree: &tree,
            day,
            part_days: &part_days,
        };
        let shape = Shape::new(&frame, roots);
        let mut totals = Self {
            form_digest: form.digest(),
            lines: Lines::of(&form),
            kept: shape.nodes.iter().map(|_| Kept::default()).collect(),
            shape,
            form,
            tree,
            period,
            parts,
            part_days,
            day,
            unplaced: BTreeMap::new(),
        };
        totals.refresh_all();
        Ok(totals)
    }

    /// The period these totals are of.
    #[must_use]
    pub fn period(&self) -> &Period {
        &self.period
    }

    /// The entered periods whose reports count: the period itself, unless it is made of parts.
    #[must_use]
    pub fn parts(&self) -> &[Period] {
        &self.parts
    }

    /// The day whose tree holds.
    #[must_use]
    pub fn tree_day(&self) -> Date {
        self.day
    }

    /// All units that have a total, parents before children.
    pub fn units(&self) -> impl Iterator<Item = &UnitId> {
        self.shape.nodes.iter().map(|node| &node.unit)
    }

    /// Documents that count nowhere, and why: they are shown rather than dropped.
    pub fn unplaced(&self) -> impl Iterator<Item = (&UnitId, &Period, DocId, Unplaced)> {
        self.unplaced
            .iter()
            .filter_map(|((unit, part), (doc, why))| {
                Some((unit, self.parts.get(*part)?, *doc, *why))
            })
    }

    /// Takes in a new or changed report and brings the totals above it up to date: the lines of
    /// its siblings at every level are added anew, nothing else.
    ///
    /// # Errors
    /// A period that is no part of these totals, or damaged facts.
    pub fn set(
        &mut self,
        unit: &UnitId,
        period: &Period,
        report: &ReportFacts<'_>,
    ) -> Result<Placed, SetError> {
        match self.place(unit, period, report)? {
            Ok(at) => {
                self.refresh_line(Some(at));
                let node = self.shape.nodes.get(at);
                Ok(Placed::In(node.map_or(unit, |node| &node.unit).clone()))
            }
            Err(why) => Ok(Placed::Nowhere(why)),
        }
    }

    /// Takes in any number of reports and makes all totals anew: what a node does when it starts.
    /// Reports that cannot be read are given back; all others count.
    pub fn fill<'a>(
        &mut self,
        filings: impl IntoIterator<Item = Filing<'a>>,
    ) -> Vec<(UnitId, SetError)> {
        let mut refused = Vec::new();
        for filing in filings {
            if let Err(error) = self.place(filing.unit, filing.period, &filing.report) {
                refused.push((filing.unit.clone(), error));
            }
        }
        self.refresh_all();
        refused
    }

    /// Takes out a report. False if there was none.
    pub fn remove(&mut self, unit: &UnitId, period: &Period) -> bool {
        let Some(part) = self.part(period) else {
            return false;
        };
        let was_unplaced = self.unplaced.remove(&(unit.clone(), part)).is_some();
        let Some(seat) = self.shape.seats.get(unit).copied() else {
            return was_unplaced;
        };
        let slot = self
            .shape
            .member_mut(seat)
            .and_then(|m| m.documents.get_mut(part));
        let had_one = slot.and_then(Option::take).is_some();
        if had_one {
            self.refresh_line(Some(seat.node));
        }
        had_one || was_unplaced
    }

    /// Makes all totals anew from the documents at hand. The outcome is the same bytes; this is
    /// for the one who wants to see that.
    pub fn recompute(&mut self) {
        self.refresh_all();
    }

    /// Only units of the tree day have totals; an ended one has a seat in another's.
    fn at(&self, unit: &UnitId) -> Option<usize> {
        let at = self.shape.seats.get(unit)?.node;
        (self.shape.nodes.get(at)?.unit == *unit).then_some(at)
    }

    fn part(&self, period: &Period) -> Option<usize> {
        self.parts.iter().position(|part| part == period)
    }

    /// Puts a document on its seat, whose node it returns, or on the list of the unplaced.
    fn place(
        &mut self,
        unit: &UnitId,
        period: &Period,
        report: &ReportFacts<'_>,
    ) -> Result<Result<usize, Unplaced>, SetError> {
        let part = self.part(period).ok_or_else(|| SetError::NotAPart {
            period: period.clone(),
            whole: self.period.clone(),
        })?;
        let frame = Frame {
            form: &self.form,
            tree: &self.tree,
            day: self.day,
            part_days: &self.part_days,
        };
        let seat = match self.shape.seat(&frame, unit) {
            Ok(seat) => seat,
            Err(why) => {
                self.unplaced
                    .insert((unit.clone(), part), (report.doc, why));
                return Ok(Err(why));
            }
        };
        let member = self
            .shape
            .member_mut(seat)
            .expect("the seat was just found");
        let document =
            Document::read(&self.lines, member.part, report).map_err(|source| SetError::Facts {
                doc: report.doc,
                source,
            })?;
        if let Some(slot) = member.documents.get_mut(part) {
            *slot = Some(document);
        }
        Ok(Ok(seat.node))
    }

    fn refresh_line(&mut self, node: Option<usize>) {
        let mut next = node;
        while let Some(at) = next {
            self.refresh(at);
            next = self.shape.nodes.get(at).and_then(|node| node.parent);
        }
    }

    fn refresh_all(&mut self) {
        // Children stand after their parents.
        for at in (0..self.kept.len()).rev() {
            self.refresh(at);
        }
    }

    fn refresh(&mut self, at: usize) {
        let Some(node) = self.shape.nodes.get(at) else {
            return;
        };
        let mut tally = node.own_tally();
        for child in &node.children {
            tally.add(
                self.kept
                    .get(*child)
                    .map_or(Tally::default(), |kept| kept.tally),
            );
        }
        let room = self
            .kept
            .get_mut(at)
            .map(|kept| std::mem::take(&mut kept.sums));
        let sums = if node.children.is_empty() {
            Box::default()
        } else {
            self.sums(node, room.unwrap_or_default())
        };
        if let Some(kept) = self.kept.get_mut(at) {
            kept.sums = sums;
            kept.tally = tally;
            kept.digest = OnceLock::new();
        }
    }

    /// The node's sums by line, in the room of the former ones.
    fn sums(&self, node: &Node, room: Box<[Partial]>) -> Box<[Partial]> {
        let mut sums = room;
        if sums.len() == self.lines.rules().len() {
            sums.fill(Partial::ZERO);
        } else {
            sums = vec![Partial::ZERO; self.lines.rules().len()].into_boxed_slice();
        }
        for child in &node.children {
            let below = self.kept.get(*child).map_or(&[][..], |kept| &kept.sums);
            for (sum, below) in sums.iter_mut().zip(below) {
                sum.combine(below);
            }
            if let (true, Some(child)) = (below.is_empty(), self.shape.nodes.get(*child)) {
                child.add_own(&self.lines, &mut sums);
            }
        }
        node.add_own(&self.lines, &mut sums);
        sums
    }
}
