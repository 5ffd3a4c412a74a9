//! What one seed draws: how bad the links, the power and the clocks are, and how much is written.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Noon in Viet Nam on 2024-06-15, when the second half-year's books open.
pub(crate) const BEGIN: i64 = 1_718_427_600_000;

/// The half-year: 15 June to 14 December.
pub(crate) const DAYS: i64 = 182;

/// Least and most of something, both possible.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between(pub(crate) i64, pub(crate) i64);

impl Between {
    pub(crate) fn draw(self, rng: &mut StdRng) -> i64 {
        rng.random_range(self.0..=self.1)
    }
}

/// One seed's rates. Every rate can be none: what never fails in a run lets the rest show.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// From the end of a window to the next.
    pub(crate) dark_ms: Between,
    /// How long a window is.
    pub(crate) window_ms: Between,
    /// Bits a second, of each direction by itself.
    pub(crate) bits_per_s: Between,
    /// One way.
    pub(crate) delay_ms: Between,
    /// Chance in 1,000 that a link breaks before its window ends.
    pub(crate) cut: u32,
    /// How long an end may take to notice that its link is gone.
    pub(crate) notice_ms: Between,
    /// Chance in 1,000 that a delivery comes in two.
    pub(crate) split: u32,
    /// Chance in 1,000 that what a caller sent in a session comes once more, much later.
    pub(crate) replay: u32,
    /// Between two power cuts of one node; none where nobody's power is cut.
    pub(crate) power_ms: Option<Between>,
    /// Chance in 1,000 that power goes while something is being written or sent.
    pub(crate) power_at_work: u32,
    /// How long power is away.
    pub(crate) off_ms: Between,
    /// Chance in 1,000 that a node's clock is wrong after a start.
    pub(crate) wrong_clock: u32,
    /// How long a write takes to be on disk.
    pub(crate) fsync_ms: Between,
    /// Communes without any window for weeks.
    pub(crate) silent_communes: usize,
    /// Office nodes, spread over the first communes.
    pub(crate) offices: usize,
    /// Communes that also dial the province.
    pub(crate) second_ways: usize,
    /// Between two pieces of work at one node.
    pub(crate) work_ms: Between,
    /// Codes that are in use: few make conflicts.
    pub(crate) codes: usize,
    /// Nodes that lose their disk and come back from a backup, some twice from the same old one.
    pub(crate) restored: usize,
    /// Nodes whose disk is copied: for some days two machines run with one key.
    pub(crate) copied: usize,
    /// Whether the form is assigned to the whole province, most of which then never reports.
    pub(crate) is_for_all: bool,
    /// Units that withdraw their report.
    pub(crate) withdrawn: usize,
    /// Chance in 1,000 that a piece of work is on the half-year before.
    pub(crate) late: u32,
    /// Chance in 1,000 that it is on a flood, which has a form of its own.
    pub(crate) flood: u32,
    /// Texts of up to 100 KiB that somebody pastes in.
    pub(crate) large_texts: usize,
    /// Whether the form is handed down when the half-year has long begun.
    pub(crate) is_form_late: bool,
    /// Changes of the tree in the middle.
    pub(crate) tree_events: usize,
    /// Communes that come below another district.
    pub(crate) moved: usize,
    /// Whether a whole district has no link before the end, only sticks.
    pub(crate) is_by_hand: bool,
    /// Between two sets of sticks that one node sends out; none where nobody carries any.
    pub(crate) sticks_ms: Option<Between>,
    /// Offices whose program was changed.
    pub(crate) hostile: usize,
}

impl Plan {
    pub(crate) fn draw(seed: u64) -> Self {
        let rng = &mut StdRng::seed_from_u64(seed);
        let mut one_of = |values: &[i64]| values[rng.random_range(0..values.len())];
        let dark = one_of(&[DAY, 2 * DAY, 4 * DAY, 8 * DAY]);
        let window = one_of(&[MINUTE, 3 * MINUTE, 10 * MINUTE]);
        let bits = one_of(&[9_600, 64_000, 512_000]);
        let delay = one_of(&[20, 150, 700]);
        let power = one_of(&[0, 45 * DAY, 120 * DAY]);
        let work = one_of(&[10 * DAY, 18 * DAY, 28 * DAY]);
        let mut plan = Self {
            dark_ms: Between(dark / 2, dark * 3 / 2),
            window_ms: Between(window / 2, window * 2),
            bits_per_s: Between(bits, bits * 20),
            delay_ms: Between(delay / 4, delay),
            cut: one_of(&[0, 200, 600]) as u32,
            notice_ms: Between(0, one_of(&[1, 5, 45]) * SECOND),
            split: one_of(&[0, 50, 300]) as u32,
            replay: one_of(&[0, 0, 20]) as u32,
            power_ms: (power > 0).then_some(Between(power / 2, power * 3 / 2)),
            power_at_work: one_of(&[0, 5, 50]) as u32,
            off_ms: Between(SECOND, one_of(&[MINUTE, DAY, 6 * DAY])),
            wrong_clock: one_of(&[0, 100, 500]) as u32,
            fsync_ms: Between(1, one_of(&[5, 50, 2_000])),
            silent_communes: one_of(&[0, 2, 10]) as usize,
            offices: one_of(&[0, 3, 4]) as usize,
            second_ways: one_of(&[0, 0, 10]) as usize,
            work_ms: Between(work / 3, work * 5 / 3),
            codes: one_of(&[3, 12, 100]) as usize,
            restored: one_of(&[0, 0, 1, 3]) as usize,
            copied: one_of(&[0, 0, 0, 1]) as usize,
            is_for_all: one_of(&[0, 1]) == 1,
            withdrawn: one_of(&[0, 1, 3]) as usize,
            late: one_of(&[0, 0, 200]) as u32,
            flood: one_of(&[0, 150]) as u32,
            large_texts: one_of(&[0, 0, 2]) as usize,
            is_form_late: one_of(&[0, 0, 0, 1]) == 1,
            tree_events: one_of(&[0, 0, 0, 1]) as usize,
            moved: one_of(&[0, 0, 1]) as usize,
            is_by_hand: one_of(&[0, 0, 0, 1]) == 1,
            sticks_ms: None,
            hostile: 0,
        };
        let mut sticks = one_of(&[0, 0, 30 * DAY]);
        if plan.is_by_hand {
            sticks = 30 * DAY;
        }
        plan.sticks_ms = (sticks > 0).then_some(Between(sticks / 2, sticks * 3 / 2));
        if plan.is_form_late {
            // Offices are named by forms: who knows no form can invite none.
            plan.offices = 0;
        }
        plan.hostile = (one_of(&[0, 1, 2]) as usize).min(plan.offices);
        plan
    }
}

/// How far a clock is off after a start: hours, an empty battery, a typing mistake in the year.
pub(crate) fn clock_error_ms(rng: &mut StdRng) -> i64 {
    let years = 365 * DAY;
    match rng.random_range(0..4) {
        0 => rng.random_range(-12 * HOUR..12 * HOUR),
        1 => -15 * years,
        2 => 3 * years,
        _ => rng.random_range(-40 * DAY..40 * DAY),
    }
}
