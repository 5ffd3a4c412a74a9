//! What has left in public exports: whoever has kept it can hold it against what leaves next.

use hopluu_model::{FormId, Period, Timestamp};

use crate::docs::bounded;
use crate::limits::{AUDIT_WORD_BYTES_MAX, PUBLICATION_BYTES_MAX};
use crate::read::{count, id, signed};
use crate::{DbError, PublicationRow, Read, WriteTx};

/// What all readers of a row select.
const COLUMNS: &str =
    "form, major, period, unit, digest, total, held_back, who, first, last, count, body";

impl Read {
    /// What was published of a form, in whatever major version, and period, the first first.
    pub fn publications(
        &self,
        form: &FormId,
        period: &Period,
    ) -> Result<Vec<PublicationRow>, DbError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM publications WHERE form = ?1 AND period = ?2 ORDER BY id"
        );
        let series = (form.as_str(), period.to_string());
        self.all(&sql, series, publication_row)
    }

    /// All of them without what they held, the last first.
    pub fn publication_list(&self) -> Result<Vec<PublicationRow>, DbError> {
        let sql = "SELECT form, major, period, unit, digest, total, held_back, who, first, last, count, x'' \
                   FROM publications ORDER BY last DESC, id DESC";
        self.all(sql, [], publication_row)
    }

    /// The same with what they held, for whoever makes a new database of this one.
    pub(crate) fn publications_whole(&self) -> Result<Vec<PublicationRow>, DbError> {
        self.all(
            &format!("SELECT {COLUMNS} FROM publications ORDER BY id"),
            [],
            publication_row,
        )
    }
}

fn publication_row(row: &rusqlite::Row<'_>) -> Result<PublicationRow, DbError> {
    Ok(PublicationRow {
        form: row.get(0)?,
        major: row.get(1)?,
        period: row.get(2)?,
        unit: row.get(3)?,
        digest: id(row, 4, "publications")?,
        total: id(row, 5, "publications")?,
        held_back: count(row, 6, "publications")?,
        who: row.get(7)?,
        first: Timestamp(row.get(8)?),
        last: Timestamp(row.get(9)?),
        count: count(row, 10, "publications")?,
        body: row.get(11)?,
    })
}

impl WriteTx<'_> {
    /// Notes what is about to leave, if nothing else of the period has left since `known` publications were looked at;
    /// says whether it is noted.
    pub fn publish(&mut self, row: &PublicationRow, known: usize) -> Result<bool, DbError> {
        for word in [&row.form, &row.period, &row.unit, &row.who] {
            bounded(
                "a word of a publication",
                word.as_bytes(),
                AUDIT_WORD_BYTES_MAX,
            )?;
        }
        bounded("a publication", &row.body, PUBLICATION_BYTES_MAX)?;
        let sql = "SELECT count(*) FROM publications WHERE form = ?1 AND period = ?2";
        let series = (&row.form, &row.period);
        let found: Option<u32> = self.one(sql, series, |row| Ok(row.get(0)?))?;
        if found.unwrap_or(0) as usize != known {
            return Ok(false);
        }
        self.put_publication(row)?;
        Ok(true)
    }

    pub(crate) fn put_publication(&mut self, row: &PublicationRow) -> Result<(), DbError> {
        let sql = "INSERT INTO publications \
                   (form, major, period, unit, digest, total, held_back, who, first, last, count, body) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
                   ON CONFLICT (form, major, period, unit, digest) DO UPDATE SET \
                   total = excluded.total, who = excluded.who, last = max(last, excluded.last), \
                   count = count + excluded.count";
        let values = (
            &row.form,
            row.major,
            &row.period,
            &row.unit,
            row.digest.as_bytes(),
            row.total.as_bytes(),
            signed(row.held_back),
            &row.who,
            row.first.0,
            row.last.0,
            signed(row.count),
            &row.body,
        );
        self.run(sql, values)?;
        Ok(())
    }
}
