//! Forms as data: lines, sections, offices and calendars; what may be typed, how it is printed and
//! which figures contradict each other. A new form is a file, never a line of code.
//!
//! ```text
//! model <- form <- doc <- rollup
//! ```
//! Start at [`Form`], which is read from a TOML text whose format `docs/form-format.md` tells to the
//! person who edits one. Then [`Line`], and [`OverUnits`] and [`OverTime`], by which totals are made.
//! Nothing here knows a document or a peer.

mod calendar;
mod form;
mod lang;
pub mod limits;
mod mistake;
mod parse;
mod reader;
mod rule;
mod show;
mod succession;
mod value;

pub use calendar::{Calendar, CutOff, Due, DueDay, DueRule, PeriodNotAccepted, PeriodRule};
pub use form::{
    EnteredAt, Form, Heading, LevelRole, Line, LineRole, Office, OverTime, OverUnits, Part,
    Section, ShownAs, ValueKind, ValueLine,
};
pub use lang::{Lang, Text};
pub use mistake::{FormErrors, Mistake, MistakeKind};
pub use rule::{Finding, Rule, Severity};
pub use show::{Style, show, show_decimal, show_percent, show_vi};
pub use succession::Breach;
pub use value::{EntryContext, ValueError};
