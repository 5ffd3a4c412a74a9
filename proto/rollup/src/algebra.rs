//! Lift, combine, finish: how many answers become one, the same way at every level.
//!
//! A [`Figure`] is what one unit says on one line, a [`Partial`] is what any set of units says.
//! `combine` is associative and commutative with [`Partial::ZERO`] as its zero, so the order in
//! which reports arrive cannot show in a total.

use hopluu_model::quantity::SCALE_MAX;
use hopluu_model::{Decimal, Qualifier, Scalar};

use crate::limits::SHARE_PART_MAX;

/// Whether a line holds amounts that add, or answers and shares that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Counts, decimals, money.
    Number,
    /// Yes or no.
    YesNo,
    /// Part of a whole, typed as such.
    Share,
}

/// What became of one line in one unit. Every asked unit is in exactly one state, so the counts of
/// a total add up to the units asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum State {
    /// The line is not entered at this unit's level: it counts nowhere.
    #[default]
    Unasked,
    /// Asked, and nothing entered: no document, or nothing under this line.
    Missing,
    /// Left empty on purpose, or cleared.
    Blank,
    /// Does not apply here.
    NotApplicable,
    /// Holds something that no line of this kind can hold.
    Unreadable,
    /// "Không": looked, there is none.
    Nil,
    /// Answered.
    Given,
    /// Answered by some of its parts only: half-years, offices, units that became one.
    Partly,
    /// Several different values stand side by side and nobody has settled them.
    Unsettled,
}

impl State {
    /// Whether a value stands behind it that a total takes in.
    #[must_use]
    pub fn has_value(self) -> bool {
        matches!(
            self,
            Self::Nil | Self::Given | Self::Partly | Self::Unsettled
        )
    }

    /// Whether somebody said something: "does not apply" is an answer, an empty cell is none.
    #[must_use]
    pub fn is_answer(self) -> bool {
        self.has_value() || self == Self::NotApplicable
    }
}

/// An amount in millionths, or a part with its whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amount {
    /// Millionths for numbers; a plain count for shares.
    pub part: i128,
    /// The whole of a share; 0 for numbers.
    pub whole: u64,
}

impl Amount {
    const ZERO: Self = Self { part: 0, whole: 0 };

    fn number(decimal: Decimal) -> Option<Self> {
        let factor = 10i128.checked_pow(u32::from(SCALE_MAX.checked_sub(decimal.scale())?))?;
        // What a canonical text can hold, 18 digits, leaves room for a million million units.
        let fits = decimal.units().unsigned_abs() < 1_000_000_000_000_000_000;
        fits.then(|| Self {
            part: decimal.units() * factor,
            whole: 0,
        })
    }

    fn share(part: u64, whole: u64) -> Option<Self> {
        (part <= whole && whole <= SHARE_PART_MAX).then(|| Self {
            part: i128::from(part),
            whole,
        })
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            part: self.part + other.part,
            whole: self.whole + other.whole,
        }
    }
}

/// How exactly a sum was meant, joined over its addends: at least and at most together are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks(pub(crate) u8);

impl Marks {
    pub(crate) const NONE: Self = Self(0);
    const AT_LEAST: Self = Self(1);
    const AT_MOST: Self = Self(2);
    const ABOUT: Self = Self(3);
    /// Distinct things counted in several periods: no more than this, maybe fewer.
    pub(crate) const UPPER_BOUND: Self = Self(4);
    /// Units of people from several units: somebody may be in two of them.
    pub(crate) const MAY_COUNT_TWICE: Self = Self(8);

    pub(crate) fn of(qualifier: Qualifier) -> Self {
        match qualifier {
            Qualifier::Exact => Self::NONE,
            Qualifier::About => Self::ABOUT,
            Qualifier::AtLeast => Self::AT_LEAST,
            Qualifier::AtMost => Self::AT_MOST,
        }
    }

    pub(crate) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The qualifier that a total carries.
    #[must_use]
    pub fn qualifier(self) -> Qualifier {
        if self.holds(Self::ABOUT) {
            Qualifier::About
        } else if self.holds(Self::AT_LEAST) {
            Qualifier::AtLeast
        } else if self.holds(Self::AT_MOST) {
            Qualifier::AtMost
        } else {
            Qualifier::Exact
        }
    }

    /// Whether distinct counts of several periods were added: the true number is at most this.
    #[must_use]
    pub fn is_upper_bound(self) -> bool {
        self.holds(Self::UPPER_BOUND)
    }

    /// Whether the same person may stand in the counts of two units.
    #[must_use]
    pub fn may_count_twice(self) -> bool {
        self.holds(Self::MAY_COUNT_TWICE)
    }
}

/// What one unit says on one line, before it meets others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figure {
    /// The least that it can turn out to be.
    pub lo: Amount,
    /// The most that it can turn out to be; equal to `lo` unless unsettled.
    pub hi: Amount,
    /// What became of it.
    pub state: State,
    /// One of the unsettled candidates says nothing at all, so it may also drop out.
    pub may_be_empty: bool,
    /// How exactly it was meant.
    pub marks: Marks,
}

impl Figure {
    pub(crate) const UNASKED: Self = Self {
        lo: Amount::ZERO,
        hi: Amount::ZERO,
        state: State::Unasked,
        may_be_empty: false,
        marks: Marks::NONE,
    };

    pub(crate) const MISSING: Self = Self {
        state: State::Missing,
        ..Self::UNASKED
    };

    pub(crate) const UNREADABLE: Self = Self {
        state: State::Unreadable,
        ..Self::UNASKED
    };

    fn plain(state: State, amount: Amount, marks: Marks) -> Self {
        Self {
            lo: amount,
            hi: amount,
            state,
            may_be_empty: false,
            marks,
        }
    }

    /// One scalar, read as the line asks.
    #[must_use]
    pub fn of(measure: Measure, scalar: Scalar) -> Self {
        let state = |state| Self::plain(state, Amount::ZERO, Marks::NONE);
        let given = |amount: Option<Amount>, marks| {
            amount.map_or(state(State::Unreadable), |amount| {
                Self::plain(State::Given, amount, marks)
            })
        };
        match (measure, scalar) {
            (_, Scalar::Blank) => state(State::Blank),
            (_, Scalar::NotApplicable) => state(State::NotApplicable),
            (Measure::Number, Scalar::Nil) => state(State::Nil),
            (Measure::Number, Scalar::Number(number, qualifier)) => {
                given(Amount::number(number), Marks::of(qualifier))
            }
            (Measure::YesNo, Scalar::Yes) => given(Amount::share(1, 1), Marks::NONE),
            (Measure::YesNo, Scalar::No) => given(Amount::share(0, 1), Marks::NONE),
            (Measure::YesNo | Measure::Share, Scalar::Share(part, whole)) => {
                given(Amount::share(part, whole), Marks::NONE)
            }
            _ => state(State::Unreadable),
        }
    }

    /// Any one of these may turn out to be the truth: the different candidates of one register.
    #[must_use]
    pub fn any_of(measure: Measure, candidates: &[Self]) -> Self {
        let mut candidates = candidates.iter();
        let first = candidates.next().copied().unwrap_or(Self::MISSING);
        candidates.fold(first, |figure, other| figure.or(*other, measure))
    }

    /// Either of the two may turn out to be the truth.
    fn or(self, other: Self, measure: Measure) -> Self {
        let (lo, hi) = match (self.state.has_value(), other.state.has_value()) {
            (true, false) => (self.lo, self.hi),
            (false, true) => (other.lo, other.hi),
            (false, false) => (Amount::ZERO, Amount::ZERO),
            (true, true) if measure == Measure::Number => {
                (lesser(self.lo, other.lo), greater(self.hi, other.hi))
            }
            (true, true) => (
                Amount {
                    part: self.lo.part.min(other.lo.part),
                    whole: self.lo.whole.max(other.lo.whole),
                },
                Amount {
                    part: self.hi.part.max(other.hi.part),
                    whole: self.hi.whole.min(other.hi.whole),
                },
            ),
        };
        Self {
            lo,
            hi,
            state: State::Unsettled,
            may_be_empty: self.may_drop_out() || other.may_drop_out(),
            marks: self.marks.with(other.marks),
        }
    }

    fn may_drop_out(self) -> bool {
        self.may_be_empty || !self.state.has_value()
    }

    /// The extremes of what it adds to a sum, "nothing" among them if a candidate is empty.
    #[must_use]
    pub(crate) fn contribution(self, measure: Measure) -> (Amount, Amount) {
        if !self.may_be_empty {
            return (self.lo, self.hi);
        }
        if measure == Measure::Number {
            return (
                lesser(self.lo, Amount::ZERO),
                greater(self.hi, Amount::ZERO),
            );
        }
        // A full share can only lift what it joins and an empty one only lower it, so leaving them
        // out is the extreme; between the two the outer bound is taken.
        let is_full = |amount: Amount| amount.part == i128::from(amount.whole);
        let lo = if is_full(self.lo) {
            Amount::ZERO
        } else {
            Amount { part: 0, ..self.lo }
        };
        let hi = if self.hi.part == 0 {
            Amount::ZERO
        } else if is_full(self.hi) {
            self.hi
        } else {
            Amount {
                whole: 0,
                ..self.hi
            }
        };
        (lo, hi)
    }

    /// Both count: offices' parts of one figure, half-years of a flow, units that became one.
    #[must_use]
    pub(crate) fn and(self, other: Self, measure: Measure) -> Self {
        if self.state == State::Unasked {
            return other;
        }
        if other.state == State::Unasked {
            return self;
        }
        let ((lo_a, hi_a), (lo_b, hi_b)) =
            (self.contribution(measure), other.contribution(measure));
        let state = both(self.state, other.state);
        Self {
            lo: lo_a.plus(lo_b),
            hi: hi_a.plus(hi_b),
            state,
            may_be_empty: state == State::Unsettled && self.may_drop_out() && other.may_drop_out(),
            marks: self.marks.with(other.marks),
        }
    }

    /// `later` replaces this one if it says anything: stocks take the latest that was reported.
    #[must_use]
    pub(crate) fn then(self, later: Self, measure: Measure) -> Self {
        match later.state {
            State::Unasked | State::Missing => self.or_if_unasked(later),
            _ if !later.state.is_answer() && self.state.is_answer() => self,
            State::Unsettled if later.may_be_empty && self.state.has_value() => Self {
                may_be_empty: self.may_be_empty,
                ..self.or(later, measure)
            },
            _ => later,
        }
    }

    fn or_if_unasked(self, other: Self) -> Self {
        if self.state == State::Unasked {
            other
        } else {
            self
        }
    }
}

fn lesser(a: Amount, b: Amount) -> Amount {
    if b.part < a.part { b } else { a }
}

fn greater(a: Amount, b: Amount) -> Amount {
    if b.part > a.part { b } else { a }
}

/// The state of a figure that two figures make up.
fn both(a: State, b: State) -> State {
    let (low, high) = if a <= b { (a, b) } else { (b, a) };
    match (low, high) {
        (State::Unasked, state) => state,
        (_, State::Unsettled) => State::Unsettled,
        (State::Nil, State::Nil) => State::Nil,
        (State::NotApplicable | State::Nil | State::Given, State::Nil | State::Given) => {
            if high == State::Nil {
                State::Nil
            } else {
                State::Given
            }
        }
        (_, State::Nil | State::Given | State::Partly) => State::Partly,
        // Without a value the state that calls for somebody's work shows: unreadable, missing, blank.
        (_, State::Unreadable) => State::Unreadable,
        (state, _) => state,
    }
}

/// How many units are in which state; together the units asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Gave a value for the whole period.
    pub answered: u32,
    /// Gave a value for some parts of the period.
    pub partly: u32,
    /// Said that there is none.
    pub nil: u32,
    /// Left it empty.
    pub blank: u32,
    /// Said that it does not apply.
    pub not_applicable: u32,
    /// Several values, not settled.
    pub unsettled: u32,
    /// A value that the line cannot hold.
    pub unreadable: u32,
    /// Nothing entered.
    pub missing: u32,
}

impl Counts {
    pub(crate) fn count(&mut self, state: State) {
        match state {
            State::Unasked => {}
            State::Missing => self.missing += 1,
            State::Blank => self.blank += 1,
            State::NotApplicable => self.not_applicable += 1,
            State::Unreadable => self.unreadable += 1,
            State::Nil => self.nil += 1,
            State::Given => self.answered += 1,
            State::Partly => self.partly += 1,
            State::Unsettled => self.unsettled += 1,
        }
    }

    fn add(&mut self, other: &Self) {
        self.answered += other.answered;
        self.partly += other.partly;
        self.nil += other.nil;
        self.blank += other.blank;
        self.not_applicable += other.not_applicable;
        self.unsettled += other.unsettled;
        self.unreadable += other.unreadable;
        self.missing += other.missing;
    }

    /// Units whose value is in the total.
    #[must_use]
    pub fn with_value(&self) -> u32 {
        self.answered + self.partly + self.nil + self.unsettled
    }

    /// Units that were asked this line.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.with_value() + self.blank + self.not_applicable + self.unreadable + self.missing
    }
}

/// What any number of units say on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Partial {
    /// The least that the sum can turn out to be.
    pub lo: Amount,
    /// The most that the sum can turn out to be.
    pub hi: Amount,
    /// Who said what.
    pub counts: Counts,
    /// How exactly it was meant.
    pub marks: Marks,
}

/// A line of a total as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The value, unless unsettled figures leave it open or nobody gave one.
    pub value: Option<Scalar>,
    /// What it can turn out to be, while a figure in it is unsettled.
    pub range: Option<(Scalar, Scalar)>,
}

impl Partial {
    /// Nobody.
    pub const ZERO: Self = Self {
        lo: Amount::ZERO,
        hi: Amount::ZERO,
        counts: Counts {
            answered: 0,
            partly: 0,
            nil: 0,
            blank: 0,
            not_applicable: 0,
            unsettled: 0,
            unreadable: 0,
            missing: 0,
        },
        marks: Marks::NONE,
    };

    /// One unit's figure as a set of one.
    #[must_use]
    pub fn lift(measure: Measure, figure: Figure) -> Self {
        let mut partial = Self::ZERO;
        partial.add(measure, figure);
        partial
    }

    /// `combine` with a lifted figure, in place.
    pub(crate) fn add(&mut self, measure: Measure, figure: Figure) {
        let (lo, hi) = figure.contribution(measure);
        self.lo = self.lo.plus(lo);
        self.hi = self.hi.plus(hi);
        self.counts.count(figure.state);
        self.marks = self.marks.with(figure.marks);
    }

    /// Both sets together.
    pub fn combine(&mut self, other: &Self) {
        self.lo = self.lo.plus(other.lo);
        self.hi = self.hi.plus(other.hi);
        self.counts.add(&other.counts);
        self.marks = self.marks.with(other.marks);
    }

    /// What people see. A single unit's yes is shown as yes; of several, as a share.
    #[must_use]
    pub fn finish(&self, measure: Measure) -> Shown {
        let is_one = self.counts.asked() <= 1;
        let show = |amount| self.scalar(measure, amount, is_one);
        if self.counts.with_value() == 0 {
            return Shown {
                value: self.without_value(),
                range: None,
            };
        }
        let lo = show(self.lo);
        let hi = if self.hi == self.lo {
            lo
        } else {
            show(self.hi)
        };
        let range = (self.counts.unsettled > 0)
            .then(|| (lo.unwrap_or(Scalar::Blank), hi.unwrap_or(Scalar::Blank)));
        Shown {
            value: if self.lo == self.hi { lo } else { None },
            range,
        }
    }

    /// All who spoke said the same thing that is no value: that is worth showing.
    fn without_value(&self) -> Option<Scalar> {
        let counts = &self.counts;
        let asked = counts.asked();
        if asked == 0 {
            None
        } else if counts.not_applicable == asked {
            Some(Scalar::NotApplicable)
        } else if counts.blank == asked {
            Some(Scalar::Blank)
        } else {
            None
        }
    }

    fn scalar(&self, measure: Measure, amount: Amount, is_one: bool) -> Option<Scalar> {
        if measure == Measure::Number {
            if self.counts.with_value() == self.counts.nil {
                return Some(Scalar::Nil);
            }
            let number = in_lowest_terms(amount.part);
            return Some(Scalar::Number(number, self.marks.qualifier()));
        }
        // Outer bounds of shares with different wholes may overshoot; no share is above one.
        let part = u64::try_from(amount.part).unwrap_or(0).min(amount.whole);
        match (measure, is_one, part, amount.whole) {
            (_, _, _, 0) => None,
            (Measure::YesNo, true, 1, 1) => Some(Scalar::Yes),
            (Measure::YesNo, true, 0, 1) => Some(Scalar::No),
            (_, _, part, whole) => Some(Scalar::Share(part, whole)),
        }
    }
}

/// Millionths as a decimal. Nearly all fit a word, where dividing is ten times faster.
fn in_lowest_terms(millionths: i128) -> Decimal {
    let Ok(mut units) = i64::try_from(millionths) else {
        return Decimal::new(millionths, SCALE_MAX);
    };
    let mut scale = SCALE_MAX;
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    Decimal::new(i128::from(units), scale)
}

#[cfg(test)]
mod tests;
