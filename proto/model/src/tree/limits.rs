//! Every bound of the unit tree, with why that number.

/// Levels of one tree, top to bottom. Viet Nam has had two, three and four; a path is as long.
pub const LEVELS_MAX: usize = 12;

/// Units of one tree, ended ones included. Both national shapes together are 14,712, and a reform
/// that renews everything adds some 11,000 more.
pub const UNITS_MAX: usize = 50_000;

/// Bytes of an encoded tree, and of any file it is loaded from. The national tree takes 1.1 MB.
pub const TREE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Bytes of a unit's or level's name in UTF-8. The longest of 2024 and 2025 has 41.
pub const NAME_BYTES_MAX: usize = 160;

/// Bytes of the words for a level or a kind (`commune`, `thi_tran`).
pub const WORD_BYTES_MAX: usize = 24;

/// Names, parents or successors of one unit over its life. The most seen is 5 successors.
pub const PER_UNIT_MAX: usize = 64;

/// Units above one unit over all dates and heirs. Three levels and three waves make about ten.
pub const ABOVE_MAX: usize = 128;

/// Steps of the walk that finds them: twice the units, because one may be met on several spans.
/// A crafted tree can't make it longer.
pub const ABOVE_STEPS_MAX: usize = 256;

/// Roots that a restricted tree may name.
pub const SCOPE_MAX: usize = 256;

/// Events that one tree holds. The reform of 2025 written as events would be 15,000.
pub const EVENTS_MAX: usize = 20_000;

/// Bytes of one encoded event: 64 successors fit.
pub const EVENT_BYTES_MAX: usize = 8 * 1024;

/// Snapshots that a manifest may list, one per wave of changes.
pub const SNAPSHOTS_MAX: usize = 64;

/// Mapping files of one snapshot.
pub const MAPPINGS_MAX: usize = 16;

/// First and last year of any date in a tree: wide enough for archives, narrow enough that a day
/// can be added and a typing error shows.
pub const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;
