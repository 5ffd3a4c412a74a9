//! From documents to what one unit of the tree day says: first over what it is heir of, then over
//! the parts of the period.

use hopluu_form::{OverTime, OverUnits};
use hopluu_model::{IndicatorCode, Scalar};

use crate::algebra::{Figure, Marks, Measure, Partial, State};
use crate::lines::{LineRule, Lines, Part};
use crate::shape::{Entity, Member, Node};
use crate::total::Tally;

/// Whose figures are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Those that go into totals.
    Counted,
    /// All that were entered.
    Entered,
}

impl Gate {
    fn lets(self, rule: &LineRule, part: Part) -> bool {
        match self {
            Self::Counted => rule.is_counted_from(part),
            Self::Entered => rule.is_entered_by(part),
        }
    }
}

impl Node {
    /// Adds what this unit itself, without its children, puts into totals.
    pub(crate) fn add_own(&self, lines: &Lines, sums: &mut [Partial]) {
        for entity in &self.entities {
            if let [member] = entity.members.as_slice()
                && let [document] = member.documents.as_slice()
            {
                let counted = lines.counted(member.part);
                let all = sums.iter_mut().zip(lines.rules()).zip(counted);
                let all = all
                    .filter(|(_, is_counted)| **is_counted)
                    .map(|(line, _)| line);
                match document {
                    Some(document) => {
                        // Lines and cells have the same numbers, so cells are let through alike.
                        let cells = document.cells.iter().zip(counted);
                        let cells = cells.filter(|(_, is_counted)| **is_counted);
                        for ((sum, rule), (cell, _)) in all.zip(cells) {
                            cell.add_to(sum, rule.measure, &document.wide);
                        }
                    }
                    None if member.existed != 0 => {
                        all.for_each(|(sum, _)| sum.counts.count(State::Missing));
                    }
                    None => {}
                }
            } else {
                for (line, (sum, rule)) in sums.iter_mut().zip(lines.rules()).enumerate() {
                    sum.add(rule.measure, entity.figure(rule, line, Gate::Counted));
                }
            }
        }
    }

    /// What the unit itself entered on a line, whether or not it goes into totals.
    pub(crate) fn entered(&self, rule: &LineRule, line: usize) -> Figure {
        let own = self.entities.first();
        own.map_or(Figure::UNASKED, |own| own.figure(rule, line, Gate::Entered))
    }

    /// What the unit itself states where nothing is added up. A year made of half-years has no paper of
    /// its own, so nothing is stated in it.
    pub(crate) fn stated(&self) -> &[(IndicatorCode, Scalar)] {
        let own = self.entities.first().and_then(|own| own.members.first());
        match own.map(|own| own.documents.as_slice()) {
            Some([Some(document)]) => &document.stated,
            _ => &[],
        }
    }

    /// Coverage without its children.
    pub(crate) fn own_tally(&self) -> Tally {
        let mut tally = Tally::default();
        for entity in &self.entities {
            for (is_reporting, count) in [(true, &mut tally.reports), (false, &mut tally.own_parts)]
            {
                let members = entity.members.iter();
                let mut asked = members
                    .filter(|m| m.existed != 0 && m.part.is_reporting() == is_reporting)
                    .peekable();
                if asked.peek().is_some() {
                    count.expected += 1;
                    count.reported += u32::from(asked.all(|m| m.missing().next().is_none()));
                }
            }
        }
        tally
    }
}

impl Entity {
    fn figure(&self, rule: &LineRule, line: usize, gate: Gate) -> Figure {
        let parts = self
            .members
            .first()
            .map_or(0, |member| member.documents.len());
        let in_part = |part| self.in_part(rule, line, part, gate);
        if parts == 1 {
            return in_part(0);
        }
        let measure = rule.measure;
        let mut figure = Figure::UNASKED;
        let mut parts_with_value = 0;
        for next in (0..parts).map(in_part) {
            parts_with_value += u8::from(next.state.has_value());
            figure = match rule.over_time {
                OverTime::Sum | OverTime::DistinctUpperBound => figure.and(next, measure),
                // Of a share typed as such the parts and wholes add up; a yes or no holds until
                // the next answer, and the share over units is made of the last ones.
                OverTime::Recompute if measure == Measure::Share => figure.and(next, measure),
                OverTime::Latest | OverTime::Recompute => figure.then(next, measure),
                OverTime::None => Figure::UNASKED,
            };
        }
        if rule.over_time == OverTime::DistinctUpperBound && parts_with_value > 1 {
            figure.marks = figure.marks.with(Marks::UPPER_BOUND);
        }
        figure
    }

    /// One entered period: the unit's own figure with those of the units it is heir of.
    fn in_part(&self, rule: &LineRule, line: usize, part: usize, gate: Gate) -> Figure {
        let figure = |member: &Member| member.figure(rule, line, part, gate);
        let Some((own, former)) = self.members.split_first() else {
            return Figure::UNASKED;
        };
        let own = figure(own);
        if former.is_empty() {
            return own;
        }
        let mut former: Vec<_> = former.iter().collect();
        former.sort_by(|a, b| a.unit.cmp(&b.unit));
        if rule.over_units == OverUnits::ShareOfUnits {
            return if own.state.is_answer() {
                own
            } else {
                one_vote(own, former.into_iter().map(figure), rule.measure)
            };
        }
        let is_stock = rule.over_time == OverTime::Latest && own.state.is_answer();
        former
            .into_iter()
            // A stock that the heir counted after the end holds what it took over.
            .filter(|member| !is_stock || member.existed_in(part))
            .map(figure)
            .fold(own, |sum, next| sum.and(next, rule.measure))
    }
}

impl Member {
    fn figure(&self, rule: &LineRule, line: usize, part: usize, gate: Gate) -> Figure {
        if !gate.lets(rule, self.part) {
            return Figure::UNASKED;
        }
        match self.document(part) {
            Some(document) => document.figure(line),
            None if self.existed_in(part) => Figure::MISSING,
            None => Figure::UNASKED,
        }
    }
}

/// A unit that became of several has one vote in a share: theirs if they agree.
fn one_vote(own: Figure, former: impl Iterator<Item = Figure>, measure: Measure) -> Figure {
    let mut answers: Vec<Figure> = Vec::new();
    for figure in former.filter(|figure| figure.state.is_answer()) {
        if !answers.contains(&figure) {
            answers.push(figure);
        }
    }
    if answers.is_empty() {
        own
    } else {
        Figure::any_of(measure, &answers)
    }
}
