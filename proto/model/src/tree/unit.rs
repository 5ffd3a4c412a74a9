//! One unit with its dated names, parents and successors.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::UnitId;

/// A level of the tree. Which levels there are is data, so that a reform can abolish one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The word that units and forms use, for example `commune`.
    pub id: String,
    /// What people see in Vietnamese.
    pub vi: String,
    /// What people see in English.
    pub en: String,
}

/// An administrative unit over its whole life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Who it is.
    pub id: UnitId,
    /// The full official name it has, or had when it ended.
    pub name: String,
    /// The id of its [`Level`]; a unit never changes its level.
    pub level: String,
    /// The word for its type, for example `thi_tran`, that goes with `name`.
    pub kind: String,
    /// True if it is older than our data: then it exists on every day before `id.since` too.
    pub open_past: bool,
    /// The last day on which it existed.
    pub ended: Option<Date>,
    /// Earlier names, oldest first.
    pub former: Vec<Former>,
    /// Parents, oldest first, the first one from `id.since`; a root has none.
    pub parents: Vec<ParentSpan>,
    /// Who took over its land and people when it ended, by id.
    pub successors: Vec<Successor>,
}

/// A name that a unit no longer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The last day of that name.
    pub until: Date,
    /// The full official name.
    pub name: String,
    /// The word for its type then.
    pub kind: String,
}

/// From when a unit was below which other, until the next span or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentSpan {
    /// The first day.
    pub from: Date,
    /// The parent.
    pub unit: UnitId,
}

/// A unit that took over from one that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Successor {
    /// Which unit.
    pub unit: UnitId,
    /// True for exactly one: it inherits the records and figures of the old unit.
    pub heir: bool,
    /// How much of the old land it took.
    pub area: Share,
    /// How many of the old people it took. Where an heir has not all of them, who is heir was a
    /// choice, not the law's.
    pub people: Share,
    /// True if a public authority said so, false if it was inferred.
    pub official: bool,
}

impl Successor {
    /// The only successor of a unit: it takes everything.
    #[must_use]
    pub fn sole(unit: UnitId) -> Self {
        Self {
            unit,
            heir: true,
            area: Share::All,
            people: Share::All,
            official: true,
        }
    }
}

/// How much of something went one way; no source publishes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// All of it.
    All,
    /// Some of it.
    Part,
    /// None of it.
    None,
    /// Not known.
    Unknown,
}

impl Unit {
    /// Whether it existed on that day.
    #[must_use]
    pub fn exists_on(&self, on: Date) -> bool {
        (self.open_past || on >= self.id.since) && self.ended.is_none_or(|last| on <= last)
    }

    /// The name on that day; outside its life, the nearest one.
    #[must_use]
    pub fn name_on(&self, on: Date) -> &str {
        self.called_on(on).0
    }

    /// The word for its type on that day; outside its life, the nearest one.
    #[must_use]
    pub fn kind_on(&self, on: Date) -> &str {
        self.called_on(on).1
    }

    fn called_on(&self, on: Date) -> (&str, &str) {
        self.former
            .iter()
            .find(|former| on <= former.until)
            .map_or((&self.name, &self.kind), |former| {
                (&former.name, &former.kind)
            })
    }

    /// The parent on that day; none for a root and on days when the unit did not exist.
    #[must_use]
    pub fn parent_on(&self, on: Date) -> Option<&UnitId> {
        if !self.exists_on(on) {
            return None;
        }
        let span = self
            .parents
            .iter()
            .rev()
            .find(|span| span.from <= on)
            .or_else(|| self.parents.first())?;
        Some(&span.unit)
    }

    /// Who inherits its records, once it ended.
    #[must_use]
    pub fn heir(&self) -> Option<&UnitId> {
        self.successors
            .iter()
            .find(|successor| successor.heir)
            .map(|successor| &successor.unit)
    }

    /// Each parent with its first and last day; open ends are the first and last of all days.
    pub(super) fn spans(&self) -> impl Iterator<Item = (Date, Date, &UnitId)> {
        let starts = self.parents.iter().enumerate();
        starts.map(|(at, span)| {
            let from = if at == 0 { self.first_day() } else { span.from };
            let next = self.parents.get(at + 1);
            let last = next.map_or(self.last_day(), |next| day_before(next.from));
            (from, last, &span.unit)
        })
    }

    pub(super) fn first_day(&self) -> Date {
        if self.open_past {
            Date::MIN
        } else {
            self.id.since
        }
    }

    pub(super) fn last_day(&self) -> Date {
        self.ended.unwrap_or(Date::MAX)
    }
}

/// The day before; dates of a tree stay far from the calendar's ends.
pub(super) fn day_before(day: Date) -> Date {
    day.yesterday().unwrap_or(Date::MIN)
}

/// The day after; dates of a tree stay far from the calendar's ends.
pub(super) fn day_after(day: Date) -> Date {
    day.tomorrow().unwrap_or(Date::MAX)
}
