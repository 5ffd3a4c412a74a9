//! Files that documents name, in verified pieces. What a piece is and whether it belongs is known to
//! whoever verified it; here it is a number, a mark and a body.
//!
//! A file that no document names any more stays until room is wanted: naming it again costs no link.

use std::collections::BTreeSet;

use hopluu_model::{Digest, DocId, NodeId, UnitId};
use rusqlite::Row;

use crate::docs::bounded;
use crate::limits::{FILE_MARK_BYTES_MAX, FILE_PIECE_BITS, FILE_PIECE_BYTES_MAX};
use crate::read::{count, id, signed};
use crate::{DbError, Read, WriteTx};

const FILE_COLUMNS: &str = "SELECT f.id, f.hash, f.length, f.held FROM files f";

/// A file, and how much of it is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileRow {
    /// Its place among all files: older ones have lower numbers.
    pub number: u64,
    /// What it is known by.
    pub hash: Digest,
    /// Bytes it has.
    pub length: u64,
    /// Bytes that are here.
    pub held: u64,
}

impl FileRow {
    /// Whether all of it is here.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.held == self.length
    }
}

/// A verified piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePiece {
    /// Which, from 0.
    pub number: u16,
    /// What proves it to others; opaque here.
    pub mark: Vec<u8>,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PieceKept {
    /// It is here now; with it, the file is as given.
    Kept(FileRow),
    /// Nobody names the file, or the piece would make it longer than it is said to be.
    Unwanted,
}

impl Read {
    /// The files that a document names, oldest first.
    pub fn files_of(&self, doc: DocId) -> Result<Vec<FileRow>, DbError> {
        let sql = format!(
            "{FILE_COLUMNS} JOIN file_refs r ON r.file = f.id JOIN docs d ON d.id = r.doc \
             WHERE d.doc = ?1 ORDER BY f.id"
        );
        self.all(&sql, [doc.as_bytes()], file_row)
    }

    /// One file.
    pub fn file(&self, hash: Digest, length: u64) -> Result<Option<FileRow>, DbError> {
        let sql = format!("{FILE_COLUMNS} WHERE f.hash = ?1 AND f.length = ?2");
        self.one(&sql, (hash.as_bytes(), signed(length)), file_row)
    }

    /// All files after a number, in its order, at most so many.
    pub fn files_after(&self, number: u64, most: u32) -> Result<Vec<FileRow>, DbError> {
        let sql = format!("{FILE_COLUMNS} WHERE f.id > ?1 ORDER BY f.id LIMIT ?2");
        self.all(&sql, (signed(number), most), file_row)
    }

    /// Files after a number that are not whole here, each with every unit whose documents name it: at most
    /// so many pairs, and whether these are all.
    pub fn wanted_files(
        &self,
        number: u64,
        most: u32,
    ) -> Result<(Vec<(FileRow, UnitId)>, bool), DbError> {
        let sql = "SELECT DISTINCT f.id, f.hash, f.length, f.held, d.unit FROM files f \
                   JOIN file_refs r ON r.file = f.id JOIN docs d ON d.id = r.doc \
                   WHERE f.held < f.length AND f.id > ?1 ORDER BY f.id, d.unit LIMIT ?2";
        let wanted = self.all(sql, (signed(number), most), |row| {
            Ok((file_row(row)?, self.unit(row.get(4)?)?))
        })?;
        let is_all = wanted.len() < usize::try_from(most).unwrap_or(usize::MAX);
        Ok((wanted, is_all))
    }

    /// The peers that have said that they hold all of a file.
    pub fn file_holders(&self, file: &FileRow) -> Result<Vec<NodeId>, DbError> {
        let sql = "SELECT node FROM file_holders WHERE file = ?1 ORDER BY node";
        self.all(sql, [signed(file.number)], |row| self.node(row.get(0)?))
    }

    /// The units whose documents name a file.
    pub fn units_of_file(&self, file: &FileRow) -> Result<BTreeSet<UnitId>, DbError> {
        let sql = "SELECT DISTINCT d.unit FROM file_refs r JOIN docs d ON d.id = r.doc \
                   WHERE r.file = ?1";
        let units = self.all(sql, [signed(file.number)], |row| self.unit(row.get(0)?))?;
        Ok(units.into_iter().collect())
    }

    /// The marks of the pieces that are here, by number.
    pub fn file_marks(&self, file: &FileRow) -> Result<Vec<(u16, Vec<u8>)>, DbError> {
        let sql = "SELECT id & 0xffff, mark FROM file_marks WHERE id >= ?1 AND id < ?2 ORDER BY id";
        self.all(sql, keys(file), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The bytes of one piece, if it is here.
    pub fn file_piece(&self, file: &FileRow, number: u16) -> Result<Option<Vec<u8>>, DbError> {
        let sql = "SELECT body FROM file_pieces WHERE id = ?1";
        self.one(sql, [key(file, number)], |row| Ok(row.get(0)?))
    }

    /// Bytes that the files have or will have here of which anything is here, named or not.
    pub fn file_bytes(&self) -> Result<u64, DbError> {
        let sql = "SELECT coalesce(sum(length), 0) FROM files WHERE held > 0";
        let sum = self.one(sql, [], |row| count(row, 0, "files"))?;
        Ok(sum.unwrap_or(0))
    }

    /// The same of those that any document names.
    pub fn named_file_bytes(&self) -> Result<u64, DbError> {
        let sql = "SELECT coalesce(sum(length), 0) FROM files f WHERE f.held > 0 \
                   AND EXISTS (SELECT 1 FROM file_refs r WHERE r.file = f.id)";
        let sum = self.one(sql, [], |row| count(row, 0, "files"))?;
        Ok(sum.unwrap_or(0))
    }

    /// The same of those that a unit's documents name.
    pub fn file_bytes_of_unit(&self, unit: &UnitId) -> Result<u64, DbError> {
        let number = self.unit_number(unit)?;
        let sql = "SELECT coalesce(sum(f.length), 0) FROM files f WHERE f.held > 0 AND f.id IN \
                   (SELECT r.file FROM docs d JOIN file_refs r ON r.doc = d.id WHERE d.unit = ?1)";
        let sum = self.one(sql, [number], |row| count(row, 0, "files"))?;
        Ok(sum.unwrap_or(0))
    }
}

impl WriteTx<'_> {
    /// Says which files a document names from now on. Whether any of them is not whole here.
    pub fn name_files(
        &mut self,
        doc: DocId,
        files: &BTreeSet<(Digest, u64)>,
    ) -> Result<bool, DbError> {
        let (number, _) = self.doc_numbers(doc)?.ok_or(DbError::UnknownDoc { doc })?;
        for gone in self.files_of(doc)? {
            if files.contains(&(gone.hash, gone.length)) {
                continue;
            }
            let file = signed(gone.number);
            self.run(
                "DELETE FROM file_refs WHERE doc = ?1 AND file = ?2",
                (number, file),
            )?;
            self.forget_file(file)?;
        }
        let mut is_wanted = false;
        for (hash, length) in files {
            let file = match self.file(*hash, *length)? {
                Some(file) => file,
                None => {
                    let sql = "INSERT INTO files (hash, length) VALUES (?1, ?2)";
                    self.insert(sql, (hash.as_bytes(), signed(*length)))?;
                    let row = self.file(*hash, *length)?;
                    row.ok_or(DbError::Row {
                        table: "files",
                        expected: "the file that was put",
                    })?
                }
            };
            let sql = "INSERT OR IGNORE INTO file_refs (doc, file) VALUES (?1, ?2)";
            self.run(sql, (number, signed(file.number)))?;
            is_wanted |= !file.is_whole();
        }
        Ok(is_wanted)
    }

    /// Keeps a piece of a file that a document names, once. Whoever calls has verified it.
    pub fn put_file_piece(
        &mut self,
        (hash, length): (Digest, u64),
        piece: &FilePiece,
    ) -> Result<PieceKept, DbError> {
        bounded("a piece", &piece.body, FILE_PIECE_BYTES_MAX)?;
        bounded("a mark", &piece.mark, FILE_MARK_BYTES_MAX)?;
        let Some(file) = self.file(hash, length)? else {
            return Ok(PieceKept::Unwanted);
        };
        let sql = "SELECT 1 FROM file_refs WHERE file = ?1";
        let is_named = self.one(sql, [signed(file.number)], |_| Ok(()))?.is_some();
        let bytes = piece.body.len() as u64;
        let key = key(&file, piece.number);
        let sql = "SELECT 1 FROM file_marks WHERE id = ?1";
        if self.one(sql, [key], |_| Ok(()))?.is_some() {
            return Ok(PieceKept::Kept(file));
        }
        if !is_named || file.held + bytes > file.length {
            return Ok(PieceKept::Unwanted);
        }
        self.run(
            "INSERT INTO file_marks (id, mark) VALUES (?1, ?2)",
            (key, &piece.mark),
        )?;
        self.run(
            "INSERT INTO file_pieces (id, body) VALUES (?1, ?2)",
            (key, &piece.body),
        )?;
        let held = file.held + bytes;
        let sql = "UPDATE files SET held = ?2 WHERE id = ?1";
        self.run(sql, (signed(file.number), signed(held)))?;
        Ok(PieceKept::Kept(FileRow { held, ..file }))
    }

    /// Remembers that a peer holds all of a file.
    pub fn put_file_holder(&mut self, file: &FileRow, node: NodeId) -> Result<(), DbError> {
        let node = self.intern_node(node)?;
        let sql = "INSERT OR IGNORE INTO file_holders (file, node) VALUES (?1, ?2)";
        self.run(sql, (signed(file.number), node))?;
        Ok(())
    }

    /// Forgets a file that nobody names and of which nothing is here.
    fn forget_file(&mut self, file: i64) -> Result<(), DbError> {
        let sql = "DELETE FROM file_holders WHERE file = ?1 AND file IN (SELECT id FROM files f \
                   WHERE f.held = 0 AND NOT EXISTS (SELECT 1 FROM file_refs r WHERE r.file = f.id))";
        self.run(sql, [file])?;
        let sql = "DELETE FROM files WHERE id = ?1 AND held = 0 \
                   AND NOT EXISTS (SELECT 1 FROM file_refs r WHERE r.file = files.id)";
        self.run(sql, [file])?;
        Ok(())
    }

    /// Gives up everything that is here of a file; it is fetched again if a document names it.
    pub fn empty_file(&mut self, file: &FileRow) -> Result<(), DbError> {
        for table in ["file_marks", "file_pieces"] {
            let sql = format!("DELETE FROM {table} WHERE id >= ?1 AND id < ?2");
            self.run(&sql, keys(file))?;
        }
        self.run(
            "UPDATE files SET held = 0 WHERE id = ?1",
            [signed(file.number)],
        )?;
        self.forget_file(signed(file.number))
    }

    /// Gives up files that no document names, the oldest first, until so many bytes are free or none is
    /// left; how many became free.
    pub fn drop_unnamed_files(&mut self, bytes: u64) -> Result<u64, DbError> {
        let sql = format!(
            "{FILE_COLUMNS} WHERE NOT EXISTS (SELECT 1 FROM file_refs r WHERE r.file = f.id) \
             ORDER BY f.id"
        );
        let mut freed = 0;
        for file in self.all(&sql, [], file_row)? {
            if freed >= bytes {
                break;
            }
            self.empty_file(&file)?;
            freed += file.held;
        }
        Ok(freed)
    }
}

fn key(file: &FileRow, number: u16) -> i64 {
    (signed(file.number) << FILE_PIECE_BITS) | i64::from(number)
}

/// From the first key of a file's pieces to the first of the next file's.
fn keys(file: &FileRow) -> (i64, i64) {
    let first = key(file, 0);
    (first, first + (1 << FILE_PIECE_BITS))
}

pub(crate) fn file_row(row: &Row<'_>) -> Result<FileRow, DbError> {
    Ok(FileRow {
        number: count(row, 0, "files")?,
        hash: id(row, 1, "files")?,
        length: count(row, 2, "files")?,
        held: count(row, 3, "files")?,
    })
}
