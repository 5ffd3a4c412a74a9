//! A publication as it is kept: its figures, how they added up on its day, and which of them were held back.

use std::collections::BTreeMap;

use hopluu_form::Form;
use hopluu_mask::{CellKey, Mask, Published, Row, Table, TableError};
use hopluu_model::{Decimal, IndicatorCode, UnitId};
use serde::{Deserialize, Serialize};

/// Rows and codes are named by number in the cells.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Each with whether it is an own part.
    rows: Vec<(UnitId, bool)>,
    codes: Vec<IndicatorCode>,
    /// Row, code, figure, and whether it was held back.
    cells: Vec<(u32, u32, String, bool)>,
    /// Cells that earlier publications have held back and this one has not.
    more: Vec<(u32, u32)>,
    /// For each unit the one right above it on the day of the table: units move, what was published stays a sum.
    above: BTreeMap<UnitId, UnitId>,
}

impl Kept {
    pub(super) fn of(table: &Table, above: BTreeMap<UnitId, UnitId>, mask: &Mask) -> Self {
        let mut numbers = Numbers::default();
        let mut kept = Self {
            above,
            ..Self::default()
        };
        for (key, figure) in table.figures() {
            let (row, code) = numbers.of(key);
            let is_held_back = mask.holds_back(key);
            kept.cells
                .push((row, code, figure.to_string(), is_held_back));
        }
        let known: std::collections::BTreeSet<_> = table.figures().map(|(key, _)| key).collect();
        let more = mask.cells().filter(|key| !known.contains(key));
        kept.more = more.map(|key| numbers.of(key)).collect();
        kept.rows = numbers.rows;
        kept.codes = numbers.codes;
        kept
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("texts serialise into memory")
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// As the mask knows it. What the form asks for no more is left out.
    pub(super) fn published(&self, form: &Form) -> Result<Published, TableError> {
        let mut figures = BTreeMap::new();
        let mut held_back: Vec<CellKey> = Vec::new();
        for (row, code, figure, is_held_back) in &self.cells {
            let Some((key, figure)) = self.key(*row, *code).zip(figure.parse::<Decimal>().ok())
            else {
                continue;
            };
            if form
                .value(&key.code)
                .is_none_or(|line| !line.entered.is_number())
            {
                continue;
            }
            held_back.extend(is_held_back.then(|| key.clone()));
            figures.insert(key, figure);
        }
        let more = self
            .more
            .iter()
            .filter_map(|(row, code)| self.key(*row, *code));
        held_back.extend(more);
        Ok(Published {
            table: Table::new(form, &self.above, figures)?,
            mask: held_back.into_iter().collect(),
        })
    }

    fn key(&self, row: u32, code: u32) -> Option<CellKey> {
        let (unit, is_own) = self.rows.get(row as usize)?.clone();
        Some(CellKey {
            row: if is_own {
                Row::Own(unit)
            } else {
                Row::Total(unit)
            },
            code: self.codes.get(code as usize)?.clone(),
            office: None,
        })
    }
}

/// Numbers rows and codes as they come.
#[derive(Default)]
struct Numbers {
    rows: Vec<(UnitId, bool)>,
    codes: Vec<IndicatorCode>,
    known_rows: BTreeMap<(UnitId, bool), u32>,
    known_codes: BTreeMap<IndicatorCode, u32>,
}

impl Numbers {
    fn of(&mut self, key: &CellKey) -> (u32, u32) {
        let row = match &key.row {
            Row::Own(unit) => (unit.clone(), true),
            Row::Total(unit) => (unit.clone(), false),
            Row::All => unreachable!("every row here is a unit of the tree"),
        };
        let row = number(&mut self.known_rows, &mut self.rows, row);
        let code = number(&mut self.known_codes, &mut self.codes, key.code.clone());
        (row, code)
    }
}

fn number<T: Ord + Clone>(known: &mut BTreeMap<T, u32>, all: &mut Vec<T>, name: T) -> u32 {
    *known.entry(name.clone()).or_insert_with(|| {
        all.push(name);
        u32::try_from(all.len() - 1).expect("a table has fewer rows and lines")
    })
}
