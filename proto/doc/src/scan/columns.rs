//! The columns of a change: found, counted from their run lengths, and only then read.

use std::marker::PhantomData;

use super::ScanError;
use crate::leb128::{ReadError, Reader};

/// The columns that an edit of a report has, by Automerge's column specification: id × 16 + type.
const OBJECT_ACTOR: u64 = 1;
const OBJECT_COUNTER: u64 = 2;
const KEY_ACTOR: u64 = 17;
const KEY_COUNTER: u64 = 19;
const KEY_TEXT: u64 = 21;
const INSERT: u64 = 52;
const ACTION: u64 = 66;
const VALUE_META: u64 = 86;
const VALUE: u64 = 87;
const PRED_COUNT: u64 = 112;
const PRED_ACTOR: u64 = 113;
const PRED_COUNTER: u64 = 115;
/// All of them, in the order in which they stand.
pub(crate) const COLUMN_KINDS: [u64; 12] = [
    OBJECT_ACTOR,
    OBJECT_COUNTER,
    KEY_ACTOR,
    KEY_COUNTER,
    KEY_TEXT,
    INSERT,
    ACTION,
    VALUE_META,
    VALUE,
    PRED_COUNT,
    PRED_ACTOR,
    PRED_COUNTER,
];
/// Only marks have these, and reports have no marks.
const EXPAND: u64 = 148;
const MARK_NAME: u64 = 165;
/// Columns of all known kinds.
const COLUMNS_MAX: u64 = 14;

const DAMAGED: ScanError = ScanError::Damaged("a column");

/// The bytes of each column; empty where a change has none.
#[derive(Debug, Default)]
pub(super) struct Columns<'a> {
    pub(super) object_actor: &'a [u8],
    pub(super) object_counter: &'a [u8],
    pub(super) key_actor: &'a [u8],
    pub(super) key_counter: &'a [u8],
    pub(super) key_text: &'a [u8],
    pub(super) insert: &'a [u8],
    pub(super) action: &'a [u8],
    pub(super) value_meta: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) pred_count: &'a [u8],
    pub(super) pred_actor: &'a [u8],
    pub(super) pred_counter: &'a [u8],
}

impl<'a> Columns<'a> {
    /// Reads the table of columns and cuts their data, leaving the reader behind them.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, ScanError> {
        let count = reader.unsigned().map_err(|_| DAMAGED)?;
        if count > COLUMNS_MAX {
            return Err(ScanError::Damaged("number of columns"));
        }
        let mut table = Vec::new();
        let mut before = 0;
        for _ in 0..count {
            let kind = reader.unsigned().map_err(|_| DAMAGED)?;
            let length = reader.count().map_err(|_| DAMAGED)?;
            if kind <= before && !table.is_empty() || length == 0 {
                return Err(ScanError::Damaged("order of the columns"));
            }
            before = kind;
            table.push((kind, length));
        }
        let mut columns = Self::default();
        for (kind, length) in table {
            *columns.slot(kind)? = reader.take(length).map_err(|_| DAMAGED)?;
        }
        Ok(columns)
    }

    fn slot(&mut self, kind: u64) -> Result<&mut &'a [u8], ScanError> {
        Ok(match kind {
            OBJECT_ACTOR => &mut self.object_actor,
            OBJECT_COUNTER => &mut self.object_counter,
            KEY_ACTOR => &mut self.key_actor,
            KEY_COUNTER => &mut self.key_counter,
            KEY_TEXT => &mut self.key_text,
            INSERT => &mut self.insert,
            ACTION => &mut self.action,
            VALUE_META => &mut self.value_meta,
            VALUE => &mut self.value,
            PRED_COUNT => &mut self.pred_count,
            PRED_ACTOR => &mut self.pred_actor,
            PRED_COUNTER => &mut self.pred_counter,
            EXPAND | MARK_NAME => return Err(ScanError::OutsideSchema("a mark")),
            _ => return Err(ScanError::Damaged("unknown column")),
        })
    }

    /// How many operations there are, or operations that they supersede where those are more.
    pub(super) fn count_work(&self, ops_max: usize) -> Result<u64, ScanError> {
        let ops = self.count(ops_max)?;
        Ok(ops.max(sum_runs(self.pred_count, ops_max)?))
    }

    /// How many operations there are, counted in every column before any is read.
    pub(super) fn count(&self, ops_max: usize) -> Result<u64, ScanError> {
        let ops = count_runs::<u64>(self.action, ops_max)?;
        let preds = sum_runs(self.pred_count, ops_max)?;
        let columns = [
            (count_runs::<u64>(self.object_actor, ops_max)?, ops),
            (count_runs::<u64>(self.object_counter, ops_max)?, ops),
            (count_runs::<u64>(self.key_actor, ops_max)?, ops),
            (count_runs::<i64>(self.key_counter, ops_max)?, ops),
            (count_runs::<&str>(self.key_text, ops_max)?, ops),
            (count_booleans(self.insert, ops_max)?, ops),
            (count_runs::<u64>(self.value_meta, ops_max)?, ops),
            (count_runs::<u64>(self.pred_count, ops_max)?, ops),
            (count_runs::<u64>(self.pred_actor, ops_max)?, preds),
            (count_runs::<i64>(self.pred_counter, ops_max)?, preds),
        ];
        if columns
            .iter()
            .all(|&(count, full)| count == 0 || count == full)
        {
            Ok(ops)
        } else {
            Err(ScanError::Damaged("columns of different lengths"))
        }
    }
}

/// A value in a column of runs.
pub(super) trait Cell<'a>: Copy {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError>;
}

impl Cell<'_> for u64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.unsigned()
    }
}

impl Cell<'_> for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.signed()
    }
}

impl<'a> Cell<'a> for &'a str {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let length = reader.count()?;
        std::str::from_utf8(reader.take(length)?).map_err(|_| ReadError)
    }
}

/// A run of a column: so many times one value, so many nulls, or so many values one by one.
enum Run<V> {
    Same(u64, V),
    Null(u64),
    Literal(u64),
}

impl<V> Run<V> {
    fn length(&self) -> u64 {
        match self {
            Self::Same(length, _) | Self::Null(length) | Self::Literal(length) => *length,
        }
    }
}

fn read_run<'a, V: Cell<'a>>(reader: &mut Reader<'a>) -> Result<Run<V>, ReadError> {
    let head = reader.signed()?;
    Ok(match head {
        0 => Run::Null(reader.unsigned()?),
        1.. => Run::Same(head.unsigned_abs(), V::read(reader)?),
        _ => Run::Literal(head.unsigned_abs()),
    })
}

fn too_many(count: u64, max: usize) -> ScanError {
    ScanError::TooMany {
        what: "operations",
        count,
        max,
    }
}

/// Number of values in a column. Only literal values are walked, and those have bytes of their own.
fn count_runs<'a, V: Cell<'a>>(bytes: &'a [u8], max: usize) -> Result<u64, ScanError> {
    walk_runs::<V>(bytes, max, |_| 1)
}

/// Sum of the values in a column of counts.
fn sum_runs(bytes: &[u8], max: usize) -> Result<u64, ScanError> {
    walk_runs::<u64>(bytes, max, |value| value)
}

fn walk_runs<'a, V: Cell<'a>>(
    bytes: &'a [u8],
    max: usize,
    weigh: impl Fn(V) -> u64,
) -> Result<u64, ScanError> {
    let mut reader = Reader::new(bytes);
    let mut total = 0u64;
    while !reader.is_empty() {
        let run = read_run::<V>(&mut reader).map_err(|_| DAMAGED)?;
        if run.length() == 0 || run.length() > max as u64 {
            return Err(too_many(run.length(), max));
        }
        let weight = match run {
            Run::Same(length, value) => weigh(value).saturating_mul(length),
            Run::Null(length) => length,
            Run::Literal(length) => {
                let mut weight = 0u64;
                for _ in 0..length {
                    let value = V::read(&mut reader).map_err(|_| DAMAGED)?;
                    weight = weight.saturating_add(weigh(value));
                }
                weight
            }
        };
        total = total.saturating_add(weight);
        if total > max as u64 {
            return Err(too_many(total, max));
        }
    }
    Ok(total)
}

fn count_booleans(bytes: &[u8], max: usize) -> Result<u64, ScanError> {
    let mut reader = Reader::new(bytes);
    let mut total = 0u64;
    while !reader.is_empty() {
        total = total.saturating_add(reader.unsigned().map_err(|_| DAMAGED)?);
        if total > max as u64 {
            return Err(too_many(total, max));
        }
    }
    Ok(total)
}

/// Reads a counted column value by value; nulls for ever where the column is absent.
#[derive(Debug)]
pub(super) struct Runs<'a, V> {
    reader: Reader<'a>,
    left: u64,
    same: Option<V>,
    is_literal: bool,
    cell: PhantomData<V>,
}

impl<'a, V: Cell<'a>> Runs<'a, V> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            left: 0,
            same: None,
            is_literal: false,
            cell: PhantomData,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<V>, ScanError> {
        if self.left == 0 {
            if self.reader.is_empty() {
                return Ok(None);
            }
            let run = read_run(&mut self.reader).map_err(|_| DAMAGED)?;
            self.left = run.length();
            self.is_literal = matches!(run, Run::Literal(_));
            self.same = match run {
                Run::Same(_, value) => Some(value),
                Run::Null(_) | Run::Literal(_) => None,
            };
        }
        self.left = self.left.saturating_sub(1);
        if self.is_literal {
            V::read(&mut self.reader).map(Some).map_err(|_| DAMAGED)
        } else {
            Ok(self.same)
        }
    }
}

/// Reads a column of differences as what they add up to.
#[derive(Debug)]
pub(super) struct Deltas<'a> {
    runs: Runs<'a, i64>,
    last: i64,
}

impl<'a> Deltas<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            runs: Runs::new(bytes),
            last: 0,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<u64>, ScanError> {
        let Some(delta) = self.runs.next()? else {
            return Ok(None);
        };
        self.last = self.last.checked_add(delta).ok_or(DAMAGED)?;
        u64::try_from(self.last).map(Some).map_err(|_| DAMAGED)
    }
}

/// Reads a column of alternating runs, beginning with "no".
#[derive(Debug)]
pub(super) struct Booleans<'a> {
    reader: Reader<'a>,
    left: u64,
    value: bool,
}

impl<'a> Booleans<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            reader: Reader::new(bytes),
            left: 0,
            value: true,
        }
    }

    pub(super) fn next(&mut self) -> Result<bool, ScanError> {
        while self.left == 0 {
            if self.reader.is_empty() {
                return Ok(false);
            }
            self.left = self.reader.unsigned().map_err(|_| DAMAGED)?;
            self.value = !self.value;
        }
        self.left = self.left.saturating_sub(1);
        Ok(self.value)
    }
}
