//! What leaves the reporting line in a public export, and what is remembered of it.

use hopluu_model::{Date, Digest, FormId, FormVersion, IndicatorCode, Period, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use super::MissingView;

/// A table of a unit and those right below it, for everybody. It says who has reported and who has not, and no more
/// than may leave: no note, no text, no name of a person or file, and no figure that is held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicView {
    /// Whose table.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// By which form.
    pub form: FormId,
    /// In which version.
    pub form_version: FormVersion,
    /// And exactly which text of it.
    pub form_digest: Digest,
    /// For which period.
    pub period: Period,
    /// The day whose tree counts.
    pub tree_day: Date,
    /// Who is below whom on it, at and below the unit.
    pub tree: Digest,
    /// Reports in.
    pub reported: u32,
    /// Reports owed.
    pub expected: u32,
    /// Who owes one, and for which entered period.
    pub missing: Vec<MissingView>,
    /// The lines, in the order of the form.
    pub columns: Vec<PublicColumn>,
    /// The unit, its own part where there is one, and those right below it.
    pub rows: Vec<PublicRow>,
    /// How many cells are held back. Which of them are small counts, and which are held back so that these cannot be
    /// computed, is told to nobody.
    pub held_back: u64,
    /// Counts of people below this, and above none, are held back.
    pub threshold: u32,
    /// What remains possible for all that.
    pub remaining: Vec<PublicText>,
    /// Of all that was published here: by this name it is in `audit published`.
    pub publication: Digest,
}

/// Words in both languages; the English ones may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicText {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

/// A line of the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicColumn {
    /// Its code.
    pub code: IndicatorCode,
    /// What it asks for.
    pub label: PublicText,
    /// In what it is counted.
    pub measure: PublicText,
}

/// Whose figures a row has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicKind {
    /// Of the unit and all below it.
    Total,
    /// What the unit has entered itself, beside what comes from below.
    Own,
    /// Of a unit right below it, with all below that.
    Below,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicRow {
    /// Whose figures.
    pub kind: PublicKind,
    /// The unit.
    pub unit: UnitId,
    /// Its name.
    pub unit_name: String,
    /// Reports in, own parts included.
    pub reported: u32,
    /// Reports owed, own parts included.
    pub expected: u32,
    /// One for each column.
    pub cells: Vec<PublicCell>,
}

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PublicCell {
    /// The figure, in its canonical spelling.
    Value(String),
    /// There is one, and it is held back.
    HeldBack,
    /// Several stand side by side and nobody has settled them.
    Unsettled,
    /// Nobody has given one.
    None,
}

/// A public export that was made here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedView {
    /// Its name, as in the export.
    pub publication: Digest,
    /// Whose table.
    pub unit: UnitId,
    /// That unit's name.
    pub unit_name: String,
    /// By which form.
    pub form: String,
    /// For which period.
    pub period: String,
    /// The total that it was made of, as `rollup show` names it. It is not in the export: whoever knew it and nearly all of
    /// the figures could try the rest.
    pub total: Digest,
    /// How many cells were held back.
    pub held_back: u64,
    /// Who has published it last.
    pub who: String,
    /// First.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
    /// How often.
    pub count: u64,
}
