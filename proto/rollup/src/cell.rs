//! One line of one document in 16 bytes: 10,595 communes of 78 lines are 13 MB, and adding them up
//! reads nothing else. What does not fit stands whole in a list beside.

use hopluu_model::quantity::SCALE_MAX;
use hopluu_model::{Decimal, Qualifier, Scalar};

use crate::algebra::{Amount, Figure, Marks, Measure, Partial, State};

/// How `bits` is to be read; up to [`SCALE_MAX`] it is a number with that many decimals.
const PACKED_SHARE: u8 = 64;
const WIDE: u8 = 65;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell {
    bits: i64,
    form: u8,
    pub(crate) state: State,
    marks: Marks,
}

const MILLIONTHS: [i128; SCALE_MAX as usize + 1] = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];

impl Cell {
    pub(crate) const UNASKED: Self = Self::without_value(State::Unasked);
    pub(crate) const MISSING: Self = Self::without_value(State::Missing);

    const fn without_value(state: State) -> Self {
        Self {
            bits: 0,
            form: 0,
            state,
            marks: Marks::NONE,
        }
    }

    /// The only candidate of a figure, by far the most common case.
    pub(crate) fn of(measure: Measure, text: &str, wide: &mut Vec<Figure>) -> Self {
        if let (Measure::Number, Some(count)) = (measure, plain_count(text)) {
            return Self {
                bits: count,
                ..Self::without_value(State::Given)
            };
        }
        match (measure, text.parse()) {
            (Measure::Number, Ok(Scalar::Number(number, qualifier))) => {
                Self::number(number, qualifier).unwrap_or(Self::without_value(State::Unreadable))
            }
            (_, Ok(scalar)) => Self::pack(Figure::of(measure, scalar), wide),
            (_, Err(_)) => Self::without_value(State::Unreadable),
        }
    }

    fn number(number: Decimal, qualifier: Qualifier) -> Option<Self> {
        (number.scale() <= SCALE_MAX).then_some(())?;
        Some(Self {
            bits: i64::try_from(number.units()).ok()?,
            form: number.scale(),
            state: State::Given,
            marks: Marks::of(qualifier),
        })
    }

    pub(crate) fn pack(figure: Figure, wide: &mut Vec<Figure>) -> Self {
        let plain = Self {
            marks: figure.marks,
            ..Self::without_value(figure.state)
        };
        if !figure.state.has_value() || figure.state == State::Nil {
            return plain;
        }
        if figure.lo == figure.hi && !figure.may_be_empty {
            // The upper half stays clear of the sign.
            let halves = u31(figure.lo.part).zip(u32::try_from(figure.lo.whole).ok());
            if let (Some((part, whole)), 1..) = (halves, figure.lo.whole) {
                let bits = i64::from(part) << 32 | i64::from(whole);
                return Self {
                    bits,
                    form: PACKED_SHARE,
                    ..plain
                };
            }
        }
        wide.push(figure);
        Self {
            // A document has fewer lines than a byte's worth of thousands; see the form's limits.
            bits: i64::try_from(wide.len() - 1).unwrap_or(i64::MAX),
            form: WIDE,
            ..plain
        }
    }

    pub(crate) fn figure(self, wide: &[Figure]) -> Figure {
        if self.form == WIDE {
            let at = usize::try_from(self.bits).unwrap_or(usize::MAX);
            return *wide
                .get(at)
                .expect("a wide cell is packed together with its figure");
        }
        let amount = self.amount();
        Figure {
            lo: amount,
            hi: amount,
            state: self.state,
            may_be_empty: false,
            marks: self.marks,
        }
    }

    fn amount(self) -> Amount {
        if self.form == PACKED_SHARE {
            return Amount {
                part: i128::from(self.bits >> 32),
                whole: u64::try_from(self.bits & i64::from(u32::MAX)).unwrap_or(0),
            };
        }
        let factor = MILLIONTHS.get(usize::from(self.form)).copied();
        Amount {
            part: i128::from(self.bits) * factor.unwrap_or(0),
            whole: 0,
        }
    }

    /// Adds it to a sum without unpacking where nothing is open.
    pub(crate) fn add_to(self, sum: &mut Partial, measure: Measure, wide: &[Figure]) {
        if self.form == WIDE {
            sum.add(measure, self.figure(wide));
            return;
        }
        sum.counts.count(self.state);
        if self.state.has_value() {
            let amount = self.amount();
            sum.lo = sum.lo.plus(amount);
            sum.hi = sum.hi.plus(amount);
            sum.marks = sum.marks.with(self.marks);
        }
    }
}

fn u31(part: i128) -> Option<u32> {
    u32::try_from(i32::try_from(part).ok()?).ok()
}

/// A whole number in its one spelling and with at most 18 digits, without going by way of a scalar.
fn plain_count(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let is_canonical = match bytes {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.len() < 18,
        _ => false,
    };
    let mut count = 0i64;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if !is_canonical || digit > 9 {
            return None;
        }
        count = count * 10 + i64::from(digit);
    }
    is_canonical.then_some(count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(measure: Measure, text: &str) -> Figure {
        let mut wide = Vec::new();
        Cell::of(measure, text, &mut wide).figure(&wide)
    }

    #[test]
    fn a_cell_is_small() {
        assert_eq!(size_of::<Cell>(), 16);
    }

    #[test]
    fn what_no_line_can_hold_is_unreadable() {
        for text in [
            "",
            "08",
            "1.50",
            "y",
            "19/21",
            "1234567890123456789",
            "x",
            "9e9",
            "-0",
        ] {
            assert_eq!(
                packed(Measure::Number, text).state,
                State::Unreadable,
                "{text}"
            );
        }
        for text in ["5", "nil", "2/1", "yes", "1/9999999999999"] {
            assert_eq!(
                packed(Measure::YesNo, text).state,
                State::Unreadable,
                "{text}"
            );
        }
    }

    #[test]
    fn a_share_of_more_than_31_bits_stands_beside() {
        for part in [
            i64::from(i32::MAX),
            i64::from(i32::MAX) + 1,
            i64::from(u32::MAX),
        ] {
            let text = format!("{part}/{}", u32::MAX);
            let scalar = text.parse().unwrap();
            assert_eq!(
                packed(Measure::Share, &text),
                Figure::of(Measure::Share, scalar)
            );
        }
    }

    proptest! {
        #[test]
        fn packing_loses_nothing(text in "-?[1-9][0-9]{0,17}|0\\.[0-9]{0,5}[1-9]|~>?[1-9][0-9]{0,10}\\.[1-9]|na|nil|blank") {
            let scalar: Scalar = text.parse().unwrap();
            prop_assert_eq!(packed(Measure::Number, &text), Figure::of(Measure::Number, scalar));
        }

        #[test]
        fn packing_loses_no_share(whole in 1u64..=1_000_000_000_000, part: u64) {
            let scalar = Scalar::Share(part % (whole + 1), whole);
            prop_assert_eq!(
                packed(Measure::Share, &scalar.to_string()),
                Figure::of(Measure::Share, scalar)
            );
        }
    }
}
