//! The table that is to leave the reporting line: its figures, and what everybody knows about how they add up.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_form::{Form, OverUnits, Part, ValueKind, ValueLine};
use hopluu_model::quantity::SCALE_MAX;
use hopluu_model::{Decimal, IndicatorCode, OfficeId, UnitId};

use crate::Mask;
use crate::limits::THRESHOLD;

/// Whose figures stand in a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// The total over everything in the table, where that is no unit of the tree: the country.
    All,
    /// A unit with all below it.
    Total(UnitId),
    /// A unit's own part, where it is shown beside its total.
    Own(UnitId),
}

/// Where a figure stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellKey {
    /// The row.
    pub row: Row,
    /// The line of the form.
    pub code: IndicatorCode,
    /// Whose part of the line, where it is written by office; `None` is the figure itself.
    pub office: Option<OfficeId>,
}

/// Why no table can be made.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum TableError {
    /// The form has no line with a number of that code.
    #[error("mask {0:?}: the form asks for no number there")]
    NotANumber(CellKey),
    /// Negative, or finer or larger than such a line can be.
    #[error("mask {0:?}: no figure of its line can be so")]
    OutOfRange(CellKey),
    /// A count and something finer add up: no whole step changes both.
    #[error("mask {part}: it is a part of {whole}, and only one of them is a count")]
    CountAndNot {
        /// The part.
        part: IndicatorCode,
        /// What it is a part of.
        whole: IndicatorCode,
    },
}

/// How firmly the parts are tied to the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tie {
    /// The parts are the whole.
    Sum,
    /// No part is more than the whole ("trong đó").
    Bound,
    /// The form says that they are the whole, these figures say otherwise: something is blank, not shown, or wrong.
    Broken,
}

/// What everybody knows of some cells: the sum of their signed figures is zero, or at most zero.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Relation {
    pub(crate) tie: Tie,
    /// Cells, the parts with 1 and the whole with -1.
    pub(crate) terms: Vec<(usize, i128)>,
}

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) shown: Decimal,
    /// In whole steps of its line.
    pub(crate) value: i128,
    /// A small count, or what is told of one. It must be possible that it is as much as this.
    pub(crate) reach: Option<i128>,
    /// In the topmost row.
    pub(crate) is_top: bool,
    /// What an earlier publication has made of it.
    pub(crate) earlier: Earlier,
    /// The relations it is in, with its sign there.
    pub(crate) relations: Vec<(usize, i128)>,
}

/// What an earlier publication has made of a figure that is the same in this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Earlier {
    /// It was in none.
    New,
    /// It was held back.
    HeldBack,
    /// It was published, so whoever kept that knows it, and nothing hides behind it any more.
    Published,
}

/// A publication that has left, with all that was in it: for the next one of the same period.
#[derive(Debug)]
pub struct Published {
    /// Its figures.
    pub table: Table,
    /// What of it was held back.
    pub mask: Mask,
}

impl Cell {
    /// The least that a reader must take it for when it is masked. None is published, so what is masked is some.
    pub(crate) fn floor(&self) -> i128 {
        self.value.min(1)
    }
}

/// The figures of one period, and the relations that the form and the tree put them in. The order in which they came
/// does not show.
#[derive(Debug)]
pub struct Table {
    /// Those of this table in order, then the figures of earlier publications that are otherwise in this one.
    keys: Vec<CellKey>,
    cells: Vec<Cell>,
    relations: Vec<Relation>,
    /// How many of them are this table's.
    own: usize,
    /// Where earlier publications held something back.
    held_back: BTreeSet<CellKey>,
}

impl Table {
    /// A table of what would be shown. A figure that nobody has is left out; so is one that will not be shown, such as
    /// own parts where only totals are. `above` has for each unit the one right above it on the day of the table; where
    /// that is not in the table, the next one up that is takes its place.
    ///
    /// # Errors
    /// A figure does not fit its line, or the form adds counts to something else.
    pub fn new(
        form: &Form,
        above: &BTreeMap<UnitId, UnitId>,
        figures: BTreeMap<CellKey, Decimal>,
    ) -> Result<Self, TableError> {
        let mut table = Self {
            keys: Vec::with_capacity(figures.len()),
            cells: Vec::with_capacity(figures.len()),
            relations: Vec::new(),
            own: figures.len(),
            held_back: BTreeSet::new(),
        };
        let rows: BTreeSet<Row> = figures.keys().map(|key| key.row.clone()).collect();
        let parents = Parents { above, rows: &rows };
        for (key, shown) in figures {
            let line = number_line(form, &key)?;
            let Some(value) = in_steps(shown, line.entered) else {
                return Err(TableError::OutOfRange(key));
            };
            let is_small = line.is_private()
                && line.entered == ValueKind::Count
                && (1..THRESHOLD).contains(&value);
            table.cells.push(Cell {
                shown,
                value,
                reach: is_small.then_some(THRESHOLD),
                is_top: rows.len() > 1 && parents.of(&key.row).is_none(),
                earlier: Earlier::New,
                relations: Vec::new(),
            });
            table.keys.push(key);
        }
        table.mark_attributes(form);
        table.relate(form, &parents)?;
        Ok(table)
    }

    /// The same where some counts of people are only known to be so few at most: each is as good as a small one.
    #[must_use]
    pub fn few_at_most(mut self, form: &Form, cells: &BTreeSet<CellKey>) -> Self {
        for at in 0..self.own {
            let key = self.key(at);
            let line = form.value(&key.code);
            let counts =
                line.is_some_and(|line| line.is_private() && line.entered == ValueKind::Count);
            let is_one = counts && cells.contains(key);
            if let Some(cell) = self.cells.get_mut(at)
                && is_one
                && (1..=THRESHOLD).contains(&cell.value)
            {
                cell.reach = Some(THRESHOLD * 2);
            }
        }
        self
    }

    /// The same for readers who have kept the earlier publications of the period, of the same units or of others, and
    /// take it that a figure which is the same has not been corrected: what they hold is one table.
    #[must_use]
    pub fn after(mut self, earlier: &[Published]) -> Self {
        let mut known: BTreeMap<(CellKey, i128), usize> = (0..self.own)
            .map(|at| ((self.key(at).clone(), self.cell(at).value), at))
            .collect();
        let mut relations: BTreeSet<Relation> = self.relations.iter().cloned().collect();
        for published in earlier {
            self.take(published, &mut known, &mut relations);
        }
        self
    }

    fn take(
        &mut self,
        published: &Published,
        known: &mut BTreeMap<(CellKey, i128), usize>,
        relations: &mut BTreeSet<Relation>,
    ) {
        let Published { table, mask } = published;
        let mut places = Vec::with_capacity(table.own);
        for at in 0..table.own {
            let (key, cell) = (table.key(at), table.cell(at));
            let place = *known.entry((key.clone(), cell.value)).or_insert_with(|| {
                self.keys.push(key.clone());
                self.cells.push(Cell {
                    relations: Vec::new(),
                    ..cell.clone()
                });
                self.cells.len() - 1
            });
            let made = if mask.holds_back(key) {
                Earlier::HeldBack
            } else {
                Earlier::Published
            };
            if let Some(cell) = self.cells.get_mut(place) {
                cell.earlier = cell.earlier.max(made);
            }
            places.push(place);
        }
        for relation in table
            .relations
            .iter()
            .filter(|relation| table.is_own(relation))
        {
            let terms = relation.terms.iter();
            let terms = terms.filter_map(|(at, sign)| Some((*places.get(*at)?, *sign)));
            let terms: Vec<_> = terms.collect();
            let tie = relation.tie;
            if relations.insert(Relation {
                tie,
                terms: terms.clone(),
            }) {
                self.tie(tie, terms);
            }
        }
        self.held_back.extend(mask.cells().cloned());
    }

    fn is_own(&self, relation: &Relation) -> bool {
        relation.terms.iter().all(|(at, _)| *at < self.own)
    }

    /// How many figures there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.own
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own == 0
    }

    /// The figures, in the order of their keys.
    pub fn figures(&self) -> impl Iterator<Item = (&CellKey, Decimal)> {
        let own = self.keys.iter().zip(&self.cells).take(self.own);
        own.map(|(key, cell)| (key, cell.shown))
    }

    /// How many cells there are, those of earlier publications included.
    pub(crate) fn all(&self) -> usize {
        self.keys.len()
    }

    /// Where earlier publications held something back.
    pub(crate) fn held_back(&self) -> &BTreeSet<CellKey> {
        &self.held_back
    }

    /// What is known of a small count in another measure (what a few people were lent) would tell it, or them: it goes
    /// with the count, and it must be possible that it is twice as much.
    fn mark_attributes(&mut self, form: &Form) {
        for at in 0..self.keys.len() {
            let key = self.key(at);
            let line = form.value(&key.code);
            let Some(whole) = line
                .filter(|line| line.part == Part::Attribute)
                .and_then(|line| line.whole.clone())
            else {
                continue;
            };
            let count = self.find(&CellKey {
                code: whole,
                office: None,
                row: key.row.clone(),
            });
            let is_told_of = count.is_some_and(|count| self.cell(count).reach.is_some());
            let value = self.cell(at).value;
            if let Some(cell) = self.cells.get_mut(at)
                && is_told_of
                && value > 0
            {
                cell.reach = Some(value * 2);
            }
        }
    }

    fn relate(&mut self, form: &Form, parents: &Parents<'_>) -> Result<(), TableError> {
        let mut sums: BTreeMap<(usize, Axis), Vec<usize>> = BTreeMap::new();
        let mut bounds = Vec::new();
        for (at, key) in self.keys.iter().enumerate() {
            let line = number_line(form, key)?;
            for (whole, axis) in wholes_of(key, line, parents) {
                let Some(above) = self.find(&whole) else {
                    continue;
                };
                let is_count = |line: &ValueLine| line.entered == ValueKind::Count;
                if is_count(line) != is_count(number_line(form, &whole)?) {
                    return Err(TableError::CountAndNot {
                        part: key.code.clone(),
                        whole: whole.code,
                    });
                }
                match axis {
                    Axis::Subsets => bounds.push((above, at)),
                    Axis::Units | Axis::Lines | Axis::Offices => {
                        sums.entry((above, axis)).or_default().push(at);
                    }
                }
            }
        }
        for ((whole, _), parts) in sums {
            let sum: i128 = parts.iter().map(|part| self.cell(*part).value).sum();
            let is_so = sum == self.cell(whole).value;
            self.tie_parts(if is_so { Tie::Sum } else { Tie::Broken }, whole, parts);
        }
        for (whole, part) in bounds {
            if self.cell(part).value <= self.cell(whole).value {
                self.tie_parts(Tie::Bound, whole, vec![part]);
            }
        }
        Ok(())
    }

    fn tie_parts(&mut self, tie: Tie, whole: usize, parts: Vec<usize>) {
        let mut terms: Vec<(usize, i128)> = parts.into_iter().map(|part| (part, 1)).collect();
        terms.push((whole, -1));
        self.tie(tie, terms);
    }

    fn tie(&mut self, tie: Tie, terms: Vec<(usize, i128)>) {
        let number = self.relations.len();
        for (at, sign) in &terms {
            if let Some(cell) = self.cells.get_mut(*at) {
                cell.relations.push((number, *sign));
            }
        }
        self.relations.push(Relation { tie, terms });
    }

    pub(crate) fn key(&self, at: usize) -> &CellKey {
        self.keys.get(at).expect("cells are numbered by this table")
    }

    pub(crate) fn cell(&self, at: usize) -> &Cell {
        self.cells
            .get(at)
            .expect("cells are numbered by this table")
    }

    pub(crate) fn relation(&self, number: usize) -> &Relation {
        self.relations
            .get(number)
            .expect("relations are numbered by this table")
    }

    pub(crate) fn find(&self, key: &CellKey) -> Option<usize> {
        self.keys.get(..self.own)?.binary_search(key).ok()
    }
}

/// Along what a figure is a part of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Axis {
    Units,
    Lines,
    Offices,
    Subsets,
}

/// The rows of a table, each with the one it adds to.
struct Parents<'a> {
    above: &'a BTreeMap<UnitId, UnitId>,
    rows: &'a BTreeSet<Row>,
}

impl Parents<'_> {
    fn of(&self, row: &Row) -> Option<Row> {
        let is_in = |row: &Row| self.rows.contains(row);
        let mut here = match row {
            Row::All => return None,
            Row::Own(unit) => {
                let total = Row::Total(unit.clone());
                if is_in(&total) {
                    return Some(total);
                }
                unit
            }
            Row::Total(unit) => unit,
        };
        // A tree has no circle, and a map that has one still ends here.
        for _ in 0..self.above.len() {
            let Some(unit) = self.above.get(here) else {
                break;
            };
            let total = Row::Total(unit.clone());
            if is_in(&total) {
                return Some(total);
            }
            here = unit;
        }
        is_in(&Row::All).then_some(Row::All)
    }
}

/// The figures that one is a part of.
fn wholes_of(key: &CellKey, line: &ValueLine, parents: &Parents<'_>) -> Vec<(CellKey, Axis)> {
    let mut wholes = Vec::new();
    let adds_up = match line.over_units {
        OverUnits::Sum | OverUnits::SumPlusOwn | OverUnits::OwnOnly => true,
        OverUnits::ShareOfUnits | OverUnits::Ratio | OverUnits::None => false,
    };
    if let Some(row) = parents.of(&key.row).filter(|_| adds_up) {
        wholes.push((CellKey { row, ..key.clone() }, Axis::Units));
    }
    let in_row = |code: &IndicatorCode| CellKey {
        row: key.row.clone(),
        code: code.clone(),
        office: None,
    };
    if key.office.is_some() {
        wholes.push((in_row(&key.code), Axis::Offices));
        return wholes;
    }
    match (line.part, &line.whole) {
        (Part::Addend, Some(whole)) => wholes.push((in_row(whole), Axis::Lines)),
        (Part::Subset, Some(whole)) => wholes.push((in_row(whole), Axis::Subsets)),
        (Part::Addend | Part::Subset | Part::Attribute | Part::None, _) => {}
    }
    wholes
}

fn number_line<'a>(form: &'a Form, key: &CellKey) -> Result<&'a ValueLine, TableError> {
    let line = form.value(&key.code);
    line.filter(|line| line.entered.is_number())
        .ok_or_else(|| TableError::NotANumber(key.clone()))
}

/// A figure in the smallest steps that its line can take; `None` if it is no figure of such a line.
fn in_steps(figure: Decimal, kind: ValueKind) -> Option<i128> {
    let scale = if kind == ValueKind::Count {
        0
    } else {
        SCALE_MAX
    };
    let power = 10_i128.checked_pow(u32::from(scale.checked_sub(figure.scale())?))?;
    // Sums over a country stay far within: a figure has 18 digits.
    let steps = figure.units().checked_mul(power)?;
    (0..=STEPS_MAX).contains(&steps).then_some(steps)
}

/// A figure has at most 18 digits and six more behind the comma; sums of a hundred thousand of them fit many times.
const STEPS_MAX: i128 = 10_i128.pow(30);
