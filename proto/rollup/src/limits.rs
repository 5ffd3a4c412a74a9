//! Every bound of this crate, with why that number.

/// Largest part or whole of a share: no unit counts a million million of anything, and 10,000 of
/// them added still fit 64 bits.
pub const SHARE_PART_MAX: u64 = 1_000_000_000_000;

/// How often an ended unit is followed to what took it over: a commune has seen four waves of
/// reorganisation since 2020, and each step may be an heir or a parent.
pub const HEIR_STEPS_MAX: usize = 16;

/// Entries under keys that are no line of the form, or not for that level, that a document keeps by
/// name; the rest is only counted. A report has fewer than 300 lines; more is garbage.
pub const STRAYS_NAMED_MAX: usize = 32;

/// Most entered periods that make up one: five years of months. A bit of one word each.
pub const PARTS_MAX: usize = 60;

/// Candidates of one figure that are looked at. More than one edit per office and device apart is
/// rare; the range over the first ones in canonical order stays the same on every node.
pub const CANDIDATES_MAX: usize = 256;
