//! The queries, as far as they are not of one subject: [`Read`], and how a column becomes a value.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hopluu_model::{ChangeHash, DocId, Epoch, NodeId, ObjectId, Seq, UnitId};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use crate::DbError;
use crate::limits::DOC_NUMBERS_KEPT_MAX;

/// Everything that can be asked of the store: on a [`Reader`](crate::Reader) of what is committed,
/// inside a job of what the job itself has written too.
pub struct Read {
    pub(crate) db: Connection,
    numbers: Box<Numbers>,
}

/// A document by its number: its id, the number of its unit and its key.
#[derive(Debug, Clone)]
pub(crate) struct NumberedDoc {
    pub(crate) object: ObjectId,
    pub(crate) unit: i64,
    pub(crate) key: Arc<[u8]>,
}

/// What small numbers stand for; they are never given twice, except by a job that was undone.
#[derive(Default)]
struct Numbers {
    units: RefCell<BTreeMap<i64, UnitId>>,
    nodes: RefCell<BTreeMap<i64, NodeId>>,
    /// Documents that were lately asked for by number.
    docs: RefCell<BTreeMap<i64, NumberedDoc>>,
    /// Of documents that were lately asked for by id, their numbers and those of their series.
    by_id: RefCell<BTreeMap<DocId, (i64, i64)>>,
}

impl fmt::Debug for Read {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Read").finish_non_exhaustive()
    }
}

impl Read {
    pub(crate) fn new(db: Connection) -> Self {
        Self {
            db,
            numbers: Box::default(),
        }
    }

    /// The store's epoch.
    pub fn epoch(&self) -> Result<Epoch, DbError> {
        let bytes = self.meta(META_EPOCH)?.ok_or(DbError::Row {
            table: "meta",
            expected: "an epoch",
        })?;
        Epoch::try_from(bytes.as_slice()).map_err(|_| DbError::Row {
            table: "meta",
            expected: "an epoch",
        })
    }

    /// A value that was set by name.
    pub fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, DbError> {
        self.one("SELECT value FROM meta WHERE name = ?1", [name], |row| {
            Ok(row.get(0)?)
        })
    }

    /// The last place of the journal.
    pub fn last_seq(&self) -> Result<Seq, DbError> {
        let last = self.one("SELECT max(seq) FROM journal", [], |row| {
            Ok(row.get::<_, Option<i64>>(0)?)
        })?;
        Ok(Seq(unsigned(last.flatten().unwrap_or(0), "journal")?))
    }

    /// Several queries over one state of the database, whatever is written meanwhile.
    pub fn consistent<T, E: From<DbError>>(
        &self,
        queries: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if !self.db.is_autocommit() {
            return queries(self);
        }
        let transaction = self.db.unchecked_transaction().map_err(DbError::from)?;
        let answer = queries(self);
        // A transaction that only read has nothing to lose by its end.
        drop(transaction);
        answer
    }

    pub(crate) fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, DbError> {
        Ok(self.db.prepare_cached(sql)?)
    }

    /// The first row, if there is one.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Option<T>, DbError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }

    /// All rows.
    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, DbError>,
    ) -> Result<Vec<T>, DbError> {
        let mut statement = self.statement(sql)?;
        let mut rows = statement.query(params)?;
        let mut list = Vec::new();
        while let Some(row) = rows.next()? {
            list.push(read(row)?);
        }
        Ok(list)
    }

    /// Whether the database is encrypted and every page so far could be decrypted. After one that could
    /// not, a connection reads nothing any more but what it holds in memory, and only a new one does.
    pub(crate) fn is_decrypted(&self) -> bool {
        // The answer is part of the statement, so none that was prepared before.
        let status = |row: &Row<'_>| row.get::<_, String>(0);
        let status = self.db.query_row("PRAGMA cipher_status", [], status);
        status.is_ok_and(|status| status == "1")
    }

    /// The rows up to the first that cannot be read, and whether there was one.
    pub(crate) fn readable<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Row<'_>) -> Result<T, DbError>,
    ) -> (Vec<T>, bool) {
        let mut list = Vec::new();
        let fill = || -> Result<(), DbError> {
            let mut statement = self.statement(sql)?;
            let mut rows = statement.query(params)?;
            while let Some(row) = rows.next()? {
                list.push(read(row)?);
            }
            Ok(())
        };
        let is_cut = fill().is_err();
        (list, is_cut)
    }

    pub(crate) fn with_unit<T>(
        &self,
        number: i64,
        with: impl FnOnce(&UnitId) -> T,
    ) -> Result<T, DbError> {
        if let Some(unit) = self.numbers.units.borrow().get(&number) {
            return Ok(with(unit));
        }
        let text = self.one("SELECT unit FROM units WHERE id = ?1", [number], |row| {
            Ok(row.get::<_, String>(0)?)
        })?;
        let unit: UnitId = parsed(text.as_deref().unwrap_or(""), "units", "a unit")?;
        let answer = with(&unit);
        self.numbers.units.borrow_mut().insert(number, unit);
        Ok(answer)
    }

    pub(crate) fn unit(&self, number: i64) -> Result<UnitId, DbError> {
        self.with_unit(number, Clone::clone)
    }

    pub(crate) fn unit_number(&self, unit: &UnitId) -> Result<Option<i64>, DbError> {
        let sql = "SELECT id FROM units WHERE unit = ?1";
        self.one(sql, [unit.to_string()], |row| Ok(row.get(0)?))
    }

    pub(crate) fn node(&self, number: i64) -> Result<NodeId, DbError> {
        if let Some(node) = self.numbers.nodes.borrow().get(&number) {
            return Ok(*node);
        }
        let mut statement = self.statement("SELECT node FROM nodes WHERE id = ?1")?;
        let bytes = statement
            .query_row([number], |row| row.get::<_, Vec<u8>>(0))
            .optional()?
            .unwrap_or_default();
        let node = NodeId::try_from(bytes.as_slice()).map_err(|_| DbError::Row {
            table: "nodes",
            expected: "a node",
        })?;
        self.numbers.nodes.borrow_mut().insert(number, node);
        Ok(node)
    }

    /// A document by its number.
    pub(crate) fn numbered_doc(&self, number: i64) -> Result<Option<NumberedDoc>, DbError> {
        if let Some(doc) = self.numbers.docs.borrow().get(&number) {
            return Ok(Some(doc.clone()));
        }
        let sql = "SELECT doc, unit, key FROM docs WHERE id = ?1";
        let found = self.one(sql, [number], |row| {
            Ok(NumberedDoc {
                object: id(row, 0, "docs")?,
                unit: row.get(1)?,
                key: blob(row, 2),
            })
        })?;
        if let Some(doc) = &found {
            keep(&self.numbers.docs, number, doc.clone());
        }
        Ok(found)
    }

    /// The key of a document that is here.
    pub fn doc_key(&self, doc: DocId) -> Result<Option<Vec<u8>>, DbError> {
        let sql = "SELECT key FROM docs WHERE doc = ?1";
        self.one(sql, [doc.as_bytes()], |row| Ok(row.get(0)?))
    }

    /// The number of a document and that of its series.
    pub(crate) fn doc_numbers(&self, doc: DocId) -> Result<Option<(i64, i64)>, DbError> {
        if let Some(numbers) = self.numbers.by_id.borrow().get(&doc) {
            return Ok(Some(*numbers));
        }
        let sql = "SELECT id, series FROM docs WHERE doc = ?1";
        let found = self.one(sql, [doc.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some(numbers) = found {
            keep(&self.numbers.by_id, doc, numbers);
        }
        Ok(found)
    }

    pub(crate) fn node_number(&self, node: NodeId) -> Result<Option<i64>, DbError> {
        let sql = "SELECT id FROM nodes WHERE node = ?1";
        self.one(sql, [node.as_bytes()], |row| Ok(row.get(0)?))
    }

    /// After a rollback a number may come to mean something else.
    pub(crate) fn forget_numbers(&self) {
        self.numbers.units.borrow_mut().clear();
        self.numbers.nodes.borrow_mut().clear();
        self.numbers.docs.borrow_mut().clear();
        self.numbers.by_id.borrow_mut().clear();
    }
}

/// Remembers something of a document; what was remembered before is forgotten where it gets too much.
fn keep<K: Ord, V>(kept: &RefCell<BTreeMap<K, V>>, key: K, value: V) {
    let mut kept = kept.borrow_mut();
    if kept.len() >= DOC_NUMBERS_KEPT_MAX {
        kept.clear();
    }
    kept.insert(key, value);
}

pub(crate) const META_EPOCH: &str = "epoch";

pub(crate) fn unsigned(number: i64, table: &'static str) -> Result<u64, DbError> {
    u64::try_from(number).map_err(|_| DbError::Row {
        table,
        expected: "a number from 0",
    })
}

/// Numbers beyond what SQLite holds do not occur: sequences and sizes count real things. One that
/// a peer claims is cut to the largest.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn parsed<T: std::str::FromStr>(
    text: &str,
    table: &'static str,
    expected: &'static str,
) -> Result<T, DbError> {
    text.parse().map_err(|_| DbError::Row { table, expected })
}

/// A fixed-size id in a blob column.
pub(crate) fn id<T: for<'b> TryFrom<&'b [u8]>>(
    row: &Row<'_>,
    column: usize,
    table: &'static str,
) -> Result<T, DbError> {
    row.get_ref(column)?
        .as_blob()
        .ok()
        .and_then(|bytes| T::try_from(bytes).ok())
        .ok_or(DbError::Row {
            table,
            expected: "an id",
        })
}

/// The bytes of a column; none where there is nothing.
pub(crate) fn blob(row: &Row<'_>, column: usize) -> Arc<[u8]> {
    let bytes = row.get_ref(column).ok();
    let bytes = bytes.and_then(|bytes| bytes.as_blob().ok());
    bytes.unwrap_or_default().into()
}

pub(crate) fn count(row: &Row<'_>, column: usize, table: &'static str) -> Result<u64, DbError> {
    unsigned(row.get(column)?, table)
}

pub(crate) fn small<T: TryFrom<i64>>(
    row: &Row<'_>,
    column: usize,
    table: &'static str,
) -> Result<T, DbError> {
    T::try_from(row.get::<_, i64>(column)?).map_err(|_| DbError::Row {
        table,
        expected: "a small number",
    })
}

pub(crate) fn hashes(bytes: &[u8], table: &'static str) -> Result<Vec<ChangeHash>, DbError> {
    let (chunks, rest) = bytes.as_chunks::<{ ChangeHash::LEN }>();
    if rest.is_empty() {
        Ok(chunks.iter().map(|chunk| ChangeHash(*chunk)).collect())
    } else {
        Err(DbError::Row {
            table,
            expected: "a list of hashes",
        })
    }
}

pub(crate) fn joined(hashes: &[ChangeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
