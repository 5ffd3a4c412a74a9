//! Reads a table past what cannot be read.

use rusqlite::Row;

use super::old::Old;
use crate::DbError;
use crate::limits::SALVAGE_GAPS_MAX;

/// Which rows of which table, by its integer key.
pub(super) struct Rows<'q> {
    pub(super) table: &'q str,
    pub(super) key: &'q str,
    pub(super) columns: &'q str,
    pub(super) from: i64,
    pub(super) before: i64,
}

impl<'q> Rows<'q> {
    pub(super) fn all(table: &'q str, columns: &'q str) -> Self {
        Self {
            table,
            key: "id",
            columns,
            from: 0,
            before: i64::MAX,
        }
    }
}

impl Rows<'_> {
    fn sql(&self, limit: &str) -> String {
        let Self {
            table,
            key,
            columns,
            ..
        } = self;
        format!(
            "SELECT {key}, {columns} FROM {table} WHERE {key} >= ?1 AND {key} < ?2 \
             ORDER BY {key}{limit}"
        )
    }
}

/// Reads rows in the order of their key, stepping over what cannot be read.
pub(super) fn scan(
    old: &Old<'_>,
    rows: &Rows<'_>,
    each: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
) -> u64 {
    let mut gaps = 0;
    let mut from = rows.from;
    for _ in 0..SALVAGE_GAPS_MAX {
        let Some(bad) = scan_run(old, rows, from, each, &mut gaps) else {
            break;
        };
        gaps += 1;
        old.renew();
        match past_gap(old, rows, bad) {
            Some(good) => from = good,
            None => break,
        }
    }
    gaps
}

/// Reads on until something cannot be read; from which key on, if so.
fn scan_run(
    old: &Old<'_>,
    rows: &Rows<'_>,
    from: i64,
    each: &mut dyn FnMut(&Row<'_>) -> Result<(), DbError>,
    gaps: &mut u64,
) -> Option<i64> {
    let mut next = from;
    let read = old.read();
    let Ok(mut statement) = read.statement(&rows.sql("")) else {
        return Some(next);
    };
    let Ok(mut found) = statement.query((from, rows.before)) else {
        return Some(next);
    };
    loop {
        match found.next() {
            Ok(None) => return None,
            Err(_) => return Some(next),
            Ok(Some(row)) => {
                next = row.get(0).map_or(next, |key: i64| key.saturating_add(1));
                // A row that decodes to nonsense is a gap of its own.
                if each(row).is_err() {
                    *gaps += 1;
                }
            }
        }
    }
}

/// The smallest key from which reading works again, found by doubling and then halving; `None`
/// if nothing beyond can be read.
fn past_gap(old: &Old<'_>, rows: &Rows<'_>, first_bad: i64) -> Option<i64> {
    let mut bad = first_bad;
    let mut good = None;
    for bits in 0..i64::BITS - 1 {
        let probe = first_bad.saturating_add(1 << bits);
        if probe >= rows.before {
            break;
        }
        if reads_from(old, rows, probe) {
            good = Some(probe);
            break;
        }
        bad = probe;
    }
    let mut good = good?;
    while good - bad > 1 {
        let middle = bad + (good - bad) / 2;
        if reads_from(old, rows, middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Some(good)
}

/// Whether the first row from a key on can be read in every column: one whose body lies on a
/// bad page counts as bad.
fn reads_from(old: &Old<'_>, rows: &Rows<'_>, from: i64) -> bool {
    let read = old.read();
    let Ok(mut statement) = read.statement(&rows.sql(" LIMIT 1")) else {
        old.renew();
        return false;
    };
    let columns = rows.columns.split(',').count();
    let answer = statement.query((from, rows.before)).and_then(|mut found| {
        if let Some(row) = found.next()? {
            for column in 0..=columns {
                row.get_ref(column)?;
            }
        }
        Ok(())
    });
    let is_read = answer.is_ok();
    if !is_read {
        old.renew();
    }
    is_read
}
