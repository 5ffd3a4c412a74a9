//! Bounds of a form. A form arrives from a superior over the link, so none of them is a courtesy.

/// Longest form text, in bytes. The annex of 97 rows takes some 35 KiB with its comments.
pub const FORM_BYTES_MAX: usize = 256 * 1024;
/// Most lines: four times the largest annex known to us is 400; every line costs each document a key.
pub const LINES_MAX: usize = 500;
/// Most sections: each (section, office) is one text object in the genesis of every document.
pub const SECTIONS_MAX: usize = 40;
/// Most offices: the regime names 26 bodies.
pub const OFFICES_MAX: usize = 80;
/// Most measures: the annex uses 17.
pub const MEASURES_MAX: usize = 80;
/// Most levels of the tree in one form: the State has four with the centre, twice that is plenty.
pub const LEVELS_MAX: usize = 8;
/// Most texts (section and office pairs), because genesis holds all of them.
pub const TEXTS_MAX: usize = 200;
/// Most compartments: each is a document of every report that somebody writes private figures in, with changes and
/// seals of its own. The annex has four.
pub const COMPARTMENTS_MAX: usize = 8;
/// Deepest line below a line: printed forms use five steps (I, 1, -, +, *).
pub const DEPTH_MAX: usize = 8;
/// Longest label, title or name of a measure, in bytes: the longest label of the annex takes 130.
pub const LABEL_BYTES_MAX: usize = 400;
/// Longest printed number, in bytes.
pub const PRINTED_BYTES_MAX: usize = 20;
/// Most mistakes named at once: a person cures a page of them and looks again.
pub const MISTAKES_MAX: usize = 100;
/// Longest figure as typed, in bytes: `19/21 (90,5%)` with words around it takes 40.
pub const TYPED_BYTES_MAX: usize = 80;
/// Most mistakes remembered before they are sorted: garbage of [`FORM_BYTES_MAX`] must not fill memory.
pub const MISTAKES_HELD_MAX: usize = 1000;
