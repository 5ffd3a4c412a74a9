//! Where everything stands in a document: fixed by genesis, so that an operation tells which map it
//! writes without the document being loaded.
//!
//! ```text
//! root ─ figures   map of scalars, key CODE or CODE@office        operation 1 of genesis
//!      ─ notes     map of short texts, same keys, and of         2
//!                  attachments, key + and a hash
//!      ─ events    map of lifecycle events, append-only           3
//!      ─ texts     map of text objects, key section@office        4
//!      ─ kind, unit, form, major, period, instance, compartment   5 to 11
//!                  the declared texts themselves, by key          12 and on
//! ```
//! A text that a later minor version of the form adds is declared by a derived change.

use hopluu_model::{OfficeId, SectionId};

/// The actor of genesis: one byte, because every change that writes a report names it.
pub(crate) const GENESIS_ACTOR: [u8; 1] = [0];

/// The objects of genesis by operation number.
pub(crate) const FIGURES: u64 = 1;
pub(crate) const NOTES: u64 = 2;
pub(crate) const EVENTS: u64 = 3;
pub(crate) const TEXTS: u64 = 4;
/// The first declared text.
pub(crate) const FIRST_TEXT: u64 = 12;

/// Keys of the root map, in the order in which genesis writes them.
pub(crate) const MAPS: [&str; 4] = ["figures", "notes", "events", "texts"];

/// The key of a text in the map of texts.
pub(crate) fn text_key(section: &SectionId, office: &OfficeId) -> String {
    format!("{section}@{office}")
}

/// The section and office of a key in the map of texts.
pub(crate) fn read_text_key(key: &str) -> Option<(SectionId, OfficeId)> {
    let (section, office) = key.split_once('@')?;
    Some((section.parse().ok()?, office.parse().ok()?))
}
