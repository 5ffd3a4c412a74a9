//! Bounds of masking, each with why that number.

/// The least count of people that is published: 1 to 4 are small. The threshold rule of official statistics takes
/// three or five (Glossary of Statistical Disclosure Control, UNECE/Eurostat 2005); five, because the figures are of
/// people whom being named would hurt.
pub const THRESHOLD: i128 = 5;
/// Most cells looked at for a move among masked cells. A cycle of four in a province of twelve districts and a total of
/// seven parts takes some hundred; where none is found, a few more cells are masked.
pub const MASKED_LOOKED_AT_MAX: usize = 4_000;
/// Most cells looked at for a move that masks more: where it finds none, totals of the whole
/// country are masked. In a country of 705 districts that happens to a few cells of 11,000.
pub const LOOKED_AT_MAX: usize = 256_000;
/// Most moves that make up one other table: each raises a count by at least one, and five is enough for a small count.
pub const MOVES_MAX: usize = 8;
/// Most cells of one relation that a partial move is continued with, the best first: in a whole of hundreds of units one
/// of these is as good as the others.
pub const BRANCHES_MAX: usize = 32;
