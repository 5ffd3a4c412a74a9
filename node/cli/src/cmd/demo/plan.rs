//! Who enters which figure: the printed annex dealt out over the communes and the district's own part.
//!
//! No source says how the figures were divided, so a fixed rule does it in whole numbers: units are
//! dealt one by one to whoever has the most weight left (D'Hondt). That keeps every sum exact, gives
//! no part more than its whole, and deals the same way on every machine.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_form::{Form, LevelRole, OverUnits, Part, ValueLine};
use hopluu_model::{IndicatorCode, OfficeId, Scalar};

use super::annex::{Annex, figure};

/// Lines that are dealt like another one: people come to sessions.
const DEALT_LIKE: [(&str, &str); 1] = [("II.2.1B.b", "II.2.1B.a")];

/// One figure to enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line.
    pub(super) code: IndicatorCode,
    /// Whose part, on lines that offices add up.
    pub(super) part: Option<OfficeId>,
    /// The office that answers for the figure; none for what only stands in the cell of a heading.
    pub(super) owner: Option<OfficeId>,
    /// The value.
    pub(super) value: Scalar,
}

/// What everybody enters.
#[derive(Debug)]
pub(super) struct Plan {
    /// One report a commune, in the order of the communes.
    pub(super) communes: Vec<Vec<Entry>>,
    /// The district's own part.
    pub(super) district: Vec<Entry>,
}

/// A line's numbers: the communes' in their order, then the district's own.
type Dealt = Vec<u64>;

/// Deals the annex out. `weights` has one weight a commune.
pub(super) fn plan(form: &Form, annex: &Annex, weights: &[u64]) -> Plan {
    let mut dealer = Dealer {
        form,
        annex,
        weights,
        dealt: BTreeMap::new(),
    };
    let mut plan = Plan {
        communes: vec![Vec::new(); weights.len()],
        district: Vec::new(),
    };
    for (line, cell) in form.value_lines() {
        let slots = dealer.answers(&line.code, cell);
        let reports = plan.communes.iter_mut().chain([&mut plan.district]);
        for (at, (report, value)) in reports.zip(slots).enumerate() {
            if let Some(value) = value {
                report.extend(dealer.entries(&line.code, cell, at, value));
            }
        }
    }
    plan.district.extend(in_headings(form, annex));
    plan
}

/// What the annex prints in the cells of headings: the district states it, nobody adds it up.
fn in_headings(form: &Form, annex: &Annex) -> impl Iterator<Item = Entry> {
    let headings = form.lines().iter().filter(|line| line.is_open_heading());
    let stated = headings.map(|line| Entry {
        code: line.code.clone(),
        part: None,
        owner: None,
        value: annex.value(&line.code),
    });
    stated.filter(|entry| entry.value.is_answer())
}

struct Dealer<'a> {
    form: &'a Form,
    annex: &'a Annex,
    weights: &'a [u64],
    dealt: BTreeMap<IndicatorCode, Dealt>,
}

impl Dealer<'_> {
    /// What each commune and then the district answers on a line; none where it has no such cell.
    fn answers(&mut self, code: &IndicatorCode, cell: &ValueLine) -> Vec<Option<Scalar>> {
        let communes = self.weights.len();
        let has_cell = |at: usize| {
            let role = if at < communes {
                LevelRole::Reporting
            } else {
                LevelRole::OwnPart
            };
            cell.is_entered_by(role)
        };
        if cell.over_units == OverUnits::ShareOfUnits {
            let no = self.noes(code);
            let answer = |at| {
                if no.contains(&at) {
                    Scalar::No
                } else {
                    Scalar::Yes
                }
            };
            return (0..=communes)
                .map(|at| has_cell(at).then(|| answer(at)))
                .collect();
        }
        if self.annex.count(code).is_none() {
            return vec![None; communes + 1];
        }
        let numbers = self.numbers(code).into_iter().enumerate();
        numbers
            .map(|(at, number)| has_cell(at).then(|| figure(number)))
            .collect()
    }

    /// Who says no on a line that the annex prints as a share: the communes with the most weight.
    fn noes(&self, code: &IndicatorCode) -> BTreeSet<usize> {
        let Scalar::Share(yes, all) = self.annex.value(code) else {
            return BTreeSet::new();
        };
        let mut order: Vec<usize> = (0..self.weights.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(self.weights.get(*at).copied()));
        order
            .into_iter()
            .take(usize::try_from(all - yes).unwrap_or(usize::MAX))
            .collect()
    }

    /// How a line's number is divided.
    fn numbers(&mut self, code: &IndicatorCode) -> Dealt {
        if let Some(known) = self.dealt.get(code) {
            return known.clone();
        }
        let cell = self.form.value(code);
        let dealt = match cell {
            Some(cell) if cell.is_sum_of_parts && self.annex.adds_up(self.form, code) => {
                self.sum_of_addends(code)
            }
            _ => self.deal_line(code, cell),
        };
        self.dealt.insert(code.clone(), dealt.clone());
        dealt
    }

    fn sum_of_addends(&mut self, code: &IndicatorCode) -> Dealt {
        let addends: Vec<_> = self
            .form
            .addends(code)
            .map(|line| line.code.clone())
            .collect();
        let mut sum = vec![0; self.weights.len() + 1];
        for addend in addends {
            for (sum, number) in sum.iter_mut().zip(self.numbers(&addend)) {
                *sum += number;
            }
        }
        sum
    }

    fn deal_line(&mut self, code: &IndicatorCode, cell: Option<&ValueLine>) -> Dealt {
        let total = self.annex.count(code).unwrap_or(0);
        let like = DEALT_LIKE.iter().find(|(line, _)| *line == code.as_str());
        let whole = match (like, cell) {
            (Some((_, like)), _) => like.parse().ok(),
            // A subset is dealt among those whom the whole was dealt to, and so is never more.
            (None, Some(cell)) if cell.part == Part::Subset => {
                let parent = self.form.line(code).and_then(|line| line.parent.clone());
                cell.whole.clone().or(parent)
            }
            _ => None,
        };
        let by_whole = whole.map(|whole| self.numbers(&whole));
        match by_whole.filter(|weights| weights.iter().any(|weight| *weight > 0)) {
            Some(weights) => deal(total, &weights),
            None => deal(total, &self.base_weights(cell)),
        }
    }

    /// The weights of a line by itself: a line with an own part gives the district about a third.
    fn base_weights(&self, cell: Option<&ValueLine>) -> Vec<u64> {
        let communes: u64 = self.weights.iter().sum();
        let own = match cell.map(|cell| cell.over_units) {
            Some(OverUnits::SumPlusOwn) => communes / 2,
            Some(OverUnits::OwnOnly) => return [vec![0; self.weights.len()], vec![1]].concat(),
            _ => 0,
        };
        [self.weights, &[own]].concat()
    }

    /// The figures of one unit on a line: one, or one for each office that adds a part.
    fn entries(
        &mut self,
        code: &IndicatorCode,
        cell: &ValueLine,
        at: usize,
        value: Scalar,
    ) -> Vec<Entry> {
        let entry = |part: Option<&OfficeId>, value| Entry {
            code: code.clone(),
            part: part.cloned(),
            owner: Some(part.unwrap_or(&cell.owner).clone()),
            value,
        };
        let Some(number) = super::annex::count(&value).filter(|_| cell.by_office) else {
            return vec![entry(None, value)];
        };
        // The owner and the first contributor share the work; people follow their office's sessions.
        let like = DEALT_LIKE.iter().find(|(line, _)| *line == code.as_str());
        let like = like.and_then(|(_, like)| like.parse::<IndicatorCode>().ok());
        let weights = match like.map(|like| self.numbers(&like)) {
            Some(numbers) => deal(numbers.get(at).copied().unwrap_or(0), &[1, 1]),
            None => vec![1, 1],
        };
        let parts = deal(number, &weights)
            .into_iter()
            .zip(cell.offices())
            .enumerate();
        let parts = parts.filter(|(place, (part, _))| *place == 0 || *part > 0);
        parts
            .map(|(_, (part, office))| entry(Some(office), figure(part)))
            .collect()
    }
}

/// Deals a total out by weights, one by one to the highest weight over one more than it has. Equal
/// claims go to the first, and nothing is dealt where no weight is.
pub(super) fn deal(total: u64, weights: &[u64]) -> Vec<u64> {
    let mut dealt = vec![0; weights.len()];
    if weights.iter().all(|weight| *weight == 0) {
        return dealt;
    }
    for _ in 0..total {
        let claims = weights.iter().zip(&mut dealt);
        let best = claims.reduce(|best, other| {
            // other.weight / (other.has + 1) > best.weight / (best.has + 1), without dividing.
            let (theirs, ours) = (other.0 * (*best.1 + 1), best.0 * (*other.1 + 1));
            if theirs > ours { other } else { best }
        });
        if let Some((_, has)) = best {
            *has += 1;
        }
    }
    dealt
}

#[cfg(test)]
pub(super) mod tests;
