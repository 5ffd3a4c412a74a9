//! What only an audit asks for: when things came, who has read what is private, what was refused. It stays on this
//! node.

use hopluu_model::{ChangeHash, DocId, NodeId, Seq, Timestamp};
use rusqlite::Row;

use crate::changes::change_key;
use crate::docs::bounded;
use crate::limits::{ARRIVAL_STEP_MS, AUDIT_WORD_BYTES_MAX, PRIVATE_READS_MAX, REFUSALS_MAX};
use crate::read::{count, id, signed, unsigned};
use crate::{DbError, PrivateRead, Read, RefusalRow, WriteTx};

impl Read {
    /// Of each change of a document its place in the journal and the peer that brought it; nobody where it was made
    /// here. It looks through the whole journal, which nothing else needs by document.
    pub fn brought(&self, doc: DocId) -> Result<Vec<(ChangeHash, Seq, Option<NodeId>)>, DbError> {
        let Some((number, _)) = self.doc_numbers(doc)? else {
            return Ok(Vec::new());
        };
        let sql = "SELECT c.hash, j.seq, j.origin FROM journal j JOIN changes c ON c.id = j.ref \
                   WHERE j.kind = 1 AND j.ref > ?1 AND j.ref < ?2 ORDER BY j.seq";
        let range = (change_key(number, 0), change_key(number + 1, 0));
        self.all(sql, range, |row| {
            let origin: Option<i64> = row.get(2)?;
            let origin = origin.map(|number| self.node(number)).transpose()?;
            Ok((
                id(row, 0, "changes")?,
                Seq(unsigned(row.get(1)?, "journal")?),
                origin,
            ))
        })
    }

    /// When an entry of the journal came, to [`ARRIVAL_STEP_MS`]; nothing for what came before that was noted.
    pub fn arrived(&self, seq: Seq) -> Result<Option<Timestamp>, DbError> {
        // 0 is what came before anybody noted it.
        let sql = "SELECT at FROM arrivals WHERE seq >= ?1 ORDER BY seq LIMIT 1";
        let at = self.one(sql, [signed(seq.0)], |row| Ok(row.get(0)?))?;
        Ok(at.filter(|at| *at != 0).map(Timestamp))
    }

    /// Who has read what is private, from a day on, oldest first.
    pub fn private_reads(&self, since: i64) -> Result<Vec<PrivateRead>, DbError> {
        let sql = "SELECT day, who, how, unit, form, period, first, last, count FROM private_reads \
                   WHERE day >= ?1 ORDER BY day, first, id";
        self.all(sql, [since], |row| {
            Ok(PrivateRead {
                day: row.get(0)?,
                who: row.get(1)?,
                how: row.get(2)?,
                unit: row.get(3)?,
                form: row.get(4)?,
                period: row.get(5)?,
                first: Timestamp(row.get(6)?),
                last: Timestamp(row.get(7)?),
                count: count(row, 8, "private_reads")?,
            })
        })
    }

    /// What was refused, the last first.
    pub fn refusals(&self) -> Result<Vec<RefusalRow>, DbError> {
        let sql = "SELECT kind, node, reason, first, last, count FROM refusals \
                   ORDER BY last DESC, id DESC";
        self.all(sql, [], refusal_row)
    }
}

fn refusal_row(row: &Row<'_>) -> Result<RefusalRow, DbError> {
    let node: Vec<u8> = row.get(1)?;
    Ok(RefusalRow {
        kind: row.get(0)?,
        node: NodeId::try_from(node.as_slice()).ok(),
        reason: row.get(2)?,
        first: Timestamp(row.get(3)?),
        last: Timestamp(row.get(4)?),
        count: count(row, 5, "refusals")?,
    })
}

impl WriteTx<'_> {
    /// Notes when what the journal has grown by came. Nothing is written where it has not grown.
    pub fn note_arrival(&mut self, now: Timestamp) -> Result<(), DbError> {
        let last = signed(self.last_seq()?.0);
        let at = now.0 - now.0.rem_euclid(ARRIVAL_STEP_MS);
        let sql = "SELECT seq, at FROM arrivals ORDER BY seq DESC LIMIT 1";
        let before: Option<(i64, i64)> = self.one(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        match before {
            Some((seq, _)) if seq >= last => {}
            Some((seq, before)) if before == at => {
                self.run("UPDATE arrivals SET seq = ?2 WHERE seq = ?1", (seq, last))?;
            }
            _ => {
                self.run("INSERT INTO arrivals (seq, at) VALUES (?1, ?2)", (last, at))?;
            }
        }
        Ok(())
    }

    /// Says that nobody knows when what is here came.
    pub(crate) fn forget_arrivals(&mut self) -> Result<(), DbError> {
        self.run("DELETE FROM arrivals", [])?;
        let sql = "INSERT INTO arrivals SELECT seq, 0 FROM journal ORDER BY seq DESC LIMIT 1";
        self.run(sql, [])?;
        Ok(())
    }

    /// Notes that somebody has read something private, beside how often before on that day; the oldest goes where there
    /// are too many.
    pub fn note_private_read(&mut self, read: &PrivateRead) -> Result<(), DbError> {
        for word in [&read.who, &read.how, &read.unit, &read.form, &read.period] {
            bounded("a word of the audit", word.as_bytes(), AUDIT_WORD_BYTES_MAX)?;
        }
        let sql = "INSERT INTO private_reads \
                   (day, who, how, unit, form, period, first, last, count) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
                   ON CONFLICT (day, who, how, unit, form, period) DO UPDATE SET \
                   last = max(last, excluded.last), count = count + excluded.count";
        let row = (
            read.day,
            &read.who,
            &read.how,
            &read.unit,
            &read.form,
            &read.period,
            read.first.0,
            read.last.0,
            signed(read.count),
        );
        self.run(sql, row)?;
        // Rows go in front only, so their numbers have no gaps.
        let sql = "DELETE FROM private_reads WHERE id <= (SELECT max(id) FROM private_reads) - ?1";
        self.run(sql, [PRIVATE_READS_MAX])?;
        Ok(())
    }

    /// Notes that something was refused, beside how often before; what was not refused for the longest goes where there
    /// are too many.
    pub fn note_refusal(&mut self, refusal: &RefusalRow) -> Result<(), DbError> {
        for word in [&refusal.kind, &refusal.reason] {
            bounded("a word of the audit", word.as_bytes(), AUDIT_WORD_BYTES_MAX)?;
        }
        let node = refusal.node.as_ref().map_or(&[][..], NodeId::as_bytes);
        let sql = "INSERT INTO refusals (kind, node, reason, first, last, count) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT (node, kind, reason) DO UPDATE SET \
                   last = max(last, excluded.last), count = count + excluded.count";
        let (first, last) = (refusal.first.0, refusal.last.0);
        let row = (
            &refusal.kind,
            node,
            &refusal.reason,
            first,
            last,
            signed(refusal.count),
        );
        self.run(sql, row)?;
        let sql = "DELETE FROM refusals WHERE id IN (SELECT id FROM refusals \
                   ORDER BY last, id LIMIT max(0, (SELECT count(*) FROM refusals) - ?1))";
        self.run(sql, [REFUSALS_MAX])?;
        Ok(())
    }
}
