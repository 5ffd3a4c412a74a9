//! One report of several documents: the open one, and one for each compartment.
//!
//! An open line is read from the open document only. A private line is read from its compartment's and from the open
//! one, because what was written before its form knew compartments stands there, and counts. What somebody wrote of it
//! in another compartment counts nowhere: not everybody who may read the line could see it. Each of the two documents
//! gives its candidates; one in which the figure was cleared says nothing where the other has a value.

use std::collections::BTreeMap;

use hopluu_form::Form;
use hopluu_model::{CompartmentId, IndicatorCode};

use crate::facts::{FactOp, Facts};
use crate::figure::{FigureKey, OpId};
use crate::key::Compartment;
use crate::report::{Candidate, Register};

/// What a cleared figure reads as.
const CLEARED: &str = "blank";

/// The private lines of a form, to read reports of several documents by.
#[derive(Debug)]
pub struct PrivateLines<'f> {
    codes: BTreeMap<&'f IndicatorCode, &'f CompartmentId>,
}

impl<'f> PrivateLines<'f> {
    /// Those of a form.
    #[must_use]
    pub fn of(form: &'f Form) -> Self {
        let codes = form.lines().iter().map(|line| &line.code);
        Self {
            codes: codes
                .filter_map(|code| Some((code, form.compartment(code)?)))
                .collect(),
        }
    }

    /// The facts of the report as a whole. Its life is the open document's.
    #[must_use]
    pub fn facts<'a>(
        &self,
        open: &Facts,
        closed: impl IntoIterator<Item = (&'a Compartment, &'a Facts)>,
    ) -> Facts {
        let read = |facts: &Facts| {
            let figures = facts.figures();
            let figures = figures.map(|(key, candidates)| (key, candidates.to_vec()));
            figures.collect::<BTreeMap<_, _>>()
        };
        let closed = closed.into_iter().map(|(name, facts)| (name, read(facts)));
        let figures = self.join(read(open), closed, CLEARED);
        open.with_figures(figures)
    }

    /// The figures of the report as a whole.
    #[must_use]
    pub fn figures<'a>(
        &self,
        open: BTreeMap<FigureKey, Register>,
        closed: impl IntoIterator<Item = (&'a Compartment, BTreeMap<FigureKey, Register>)>,
    ) -> BTreeMap<FigureKey, Register> {
        self.registers(open, closed, CLEARED)
    }

    /// The notes of the report as a whole.
    #[must_use]
    pub fn notes<'a>(
        &self,
        open: BTreeMap<FigureKey, Register>,
        closed: impl IntoIterator<Item = (&'a Compartment, BTreeMap<FigureKey, Register>)>,
    ) -> BTreeMap<FigureKey, Register> {
        self.registers(open, closed, "")
    }

    fn registers<'a>(
        &self,
        open: BTreeMap<FigureKey, Register>,
        closed: impl IntoIterator<Item = (&'a Compartment, BTreeMap<FigureKey, Register>)>,
        cleared: &str,
    ) -> BTreeMap<FigureKey, Register> {
        let read = |figures: BTreeMap<FigureKey, Register>| {
            let figures = figures.into_iter();
            let figures = figures.map(|(key, register)| (key, register.candidates));
            figures.collect::<BTreeMap<_, _>>()
        };
        let closed = closed.into_iter().map(|(name, one)| (name, read(one)));
        let joined = self.join(read(open), closed, cleared);
        let joined = joined.into_iter();
        joined
            .map(|(key, candidates)| (key, Register { candidates }))
            .collect()
    }

    fn join<'a, C: Said>(
        &self,
        open: BTreeMap<FigureKey, Vec<C>>,
        closed: impl IntoIterator<Item = (&'a Compartment, BTreeMap<FigureKey, Vec<C>>)>,
        cleared: &str,
    ) -> BTreeMap<FigureKey, Vec<C>> {
        let mut joined = open;
        for (compartment, document) in closed {
            for (key, candidates) in document {
                let home = self.codes.get(&key.code);
                if home.is_none_or(|name| name.as_str() != compartment.as_str()) {
                    continue;
                }
                let all = joined.entry(key).or_default();
                let says = |candidates: &[C]| candidates.iter().any(|one| one.value() != cleared);
                match (says(all), says(&candidates)) {
                    (true, false) => {}
                    (false, true) => *all = candidates,
                    _ => all.extend(candidates),
                }
                all.sort_by_key(Said::op);
            }
        }
        joined
    }
}

/// One value that stands.
trait Said {
    fn value(&self) -> &str;
    fn op(&self) -> OpId;
}

impl Said for FactOp {
    fn value(&self) -> &str {
        &self.value
    }

    fn op(&self) -> OpId {
        self.op
    }
}

impl Said for Candidate {
    fn value(&self) -> &str {
        &self.value
    }

    fn op(&self) -> OpId {
        self.op
    }
}

#[cfg(test)]
mod tests;
