//! Exact decimals. A float never touches a figure: 0,1 + 0,2 must be 0,3 on every node.

use std::fmt;
use std::str::FromStr;

/// Most digits behind the point. Money is reported in million đồng with up to six.
pub const SCALE_MAX: u8 = 6;
/// Most digits in all: sums over 10,000 communes still fit `i128` a billion times over.
pub const DIGITS_MAX: usize = 18;

/// A text that is not a plain decimal.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DecimalError {
    /// Not digits with at most one point.
    #[error("`{0}` is not a number")]
    NotANumber(String),
    /// More digits than a report can mean.
    #[error("`{0}` has more than 18 digits, or more than 6 behind the point")]
    TooLong(String),
}

/// `units / 10^scale`, kept in lowest terms so that equal numbers are equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    units: i128,
    scale: u8,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { units: 0, scale: 0 };

    /// `units / 10^scale`, reduced.
    #[must_use]
    pub fn new(mut units: i128, mut scale: u8) -> Self {
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        Self { units, scale }
    }

    /// The integer numerator over `10^scale`.
    #[must_use]
    pub fn units(self) -> i128 {
        self.units
    }

    /// Digits behind the point.
    #[must_use]
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// Whether nothing stands behind the point.
    #[must_use]
    pub fn is_integer(self) -> bool {
        self.scale == 0
    }

    /// The sum, or `None` past what `i128` holds.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let sum = self.at_scale(scale)?.checked_add(other.at_scale(scale)?)?;
        Some(Self::new(sum, scale))
    }

    /// The difference, or `None` past what `i128` holds.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(Self {
            units: other.units.checked_neg()?,
            scale: other.scale,
        })
    }

    /// `numerator * 100 / denominator` rounded half up to one digit, as papers print percents;
    /// `None` when the denominator is zero.
    #[must_use]
    pub fn percent(numerator: Self, denominator: Self) -> Option<Self> {
        let scale = numerator.scale.max(denominator.scale);
        let (n, d) = (numerator.at_scale(scale)?, denominator.at_scale(scale)?);
        let doubled = n.checked_mul(2000)?;
        let rounded = doubled.checked_div(d)?;
        // Half up on the doubled quotient: (2q + 1) / 2.
        Some(Self::new((rounded + 1).div_euclid(2), 1))
    }

    fn at_scale(self, scale: u8) -> Option<i128> {
        10i128
            .checked_pow(u32::from(scale - self.scale))?
            .checked_mul(self.units)
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::new(i128::from(value), 0)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at_scale(scale), other.at_scale(scale)) {
            (Some(a), Some(b)) => a.cmp(&b),
            // Past i128 the scales differ by what overflowed: the sign and size of `units` decide.
            _ => self.units.cmp(&other.units),
        }
    }
}

impl fmt::Display for Decimal {
    /// The canonical plain form: `1500`, `90.5`, `-3`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.scale == 0 {
            return write!(out, "{}", self.units);
        }
        let power = 10i128.pow(u32::from(self.scale));
        let sign = if self.units < 0 { "-" } else { "" };
        let (whole, rest) = (
            self.units.unsigned_abs() / power.unsigned_abs(),
            self.units.unsigned_abs() % power.unsigned_abs(),
        );
        write!(
            out,
            "{sign}{whole}.{rest:0width$}",
            width = usize::from(self.scale)
        )
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads the plain form only: digits, an optional leading `-`, an optional `.` and digits.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let not = || DecimalError::NotANumber(text.to_owned());
        let (negative, body) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || body.ends_with('.') {
            return Err(not());
        }
        if whole.len() + fraction.len() > DIGITS_MAX || fraction.len() > usize::from(SCALE_MAX) {
            return Err(DecimalError::TooLong(text.to_owned()));
        }
        let mut units = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            units = units * 10 + i128::from(byte - b'0');
        }
        let scale = u8::try_from(fraction.len()).map_err(|_| not())?;
        Ok(Self::new(if negative { -units } else { units }, scale))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_forms_are_canonical() {
        for (text, shown) in [
            ("08", "8"),
            ("1500", "1500"),
            ("90.50", "90.5"),
            ("-0.5", "-0.5"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "-",
            ".5",
            "5.",
            "1,5",
            "1e3",
            "1234567890123456789",
            "0.1234567",
        ] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn percent_rounds_half_up_to_one_digit() {
        let percent = |n: i64, d: i64| Decimal::percent(n.into(), d.into()).map(|p| p.to_string());
        assert_eq!(percent(19, 21).as_deref(), Some("90.5"));
        assert_eq!(percent(21, 21).as_deref(), Some("100"));
        assert_eq!(percent(1, 2000).as_deref(), Some("0.1"));
        assert_eq!(percent(1, 0), None);
    }

    proptest! {
        #[test]
        fn text_round_trips(units in -999_999_999_999i128..999_999_999_999, scale in 0u8..=6) {
            let value = Decimal::new(units, scale);
            prop_assert_eq!(value.to_string().parse::<Decimal>().unwrap(), value);
        }

        #[test]
        fn addition_commutes_and_associates(
            a in -1_000_000i128..1_000_000, b in -1_000_000i128..1_000_000,
            c in -1_000_000i128..1_000_000, s in 0u8..=6, t in 0u8..=6,
        ) {
            let (a, b, c) = (Decimal::new(a, s), Decimal::new(b, t), Decimal::new(c, 0));
            prop_assert_eq!(a.checked_add(b), b.checked_add(a));
            prop_assert_eq!(
                a.checked_add(b).unwrap().checked_add(c),
                b.checked_add(c).unwrap().checked_add(a)
            );
        }
    }
}
