//! The time that waiting is measured in.

/// Milliseconds on a clock that never goes back and begins anywhere: for waits, never shown, stored or
/// signed. A wall clock is set back by years when a machine without a battery hears the time again,
/// and whatever was due by it would wait as long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Steady(pub u64);

impl Steady {
    /// This instant moved later by so many milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant, 0 if it lies before.
    #[must_use]
    pub fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
