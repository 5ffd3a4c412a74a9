//! Files out of a damaged database: what each document named, and the pieces that can be read. Whether
//! they are whole is for whoever can verify them, as at any other time.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::Digest;

use super::scan::{Rows, scan};
use super::{Names, STRAY, Salvage};
use crate::limits::FILE_PIECE_BITS;
use crate::read::{count, id};
use crate::{DbError, FilePiece, PieceKept};

impl Salvage<'_> {
    pub(super) fn files(&mut self, names: &Names) -> Result<(), DbError> {
        // A database of an older version has none.
        let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'files'";
        if !matches!(self.old.read().one(sql, [], |_| Ok(())), Ok(Some(()))) {
            return Ok(());
        }
        let files = self.named_files(names)?;
        let mut marks: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        self.report.gaps += scan(self.old, &Rows::all("file_marks", "mark"), &mut |row| {
            marks.insert(row.get(0)?, row.get(1)?);
            Ok(())
        });
        let (tx, mut kept) = (&mut self.tx, 0);
        let mut failed = None;
        let gaps = scan(self.old, &Rows::all("file_pieces", "body"), &mut |row| {
            let key: i64 = row.get(0)?;
            let file = files.get(&(key >> FILE_PIECE_BITS)).ok_or(STRAY)?;
            let piece = FilePiece {
                number: u16::try_from(key & 0xffff).unwrap_or_default(),
                mark: marks.get(&key).ok_or(STRAY)?.clone(),
                body: row.get(1)?,
            };
            if failed.is_none() {
                match tx.put_file_piece(*file, &piece) {
                    Ok(PieceKept::Kept(_)) => kept += 1,
                    Ok(PieceKept::Unwanted) => {}
                    Err(error) => failed = Some(error),
                }
            }
            Ok(())
        });
        self.report.gaps += gaps;
        self.report.file_pieces += kept;
        failed.map_or(Ok(()), Err)
    }

    /// The files of an older database by their numbers there, named by the documents as they were.
    fn named_files(&mut self, names: &Names) -> Result<BTreeMap<i64, (Digest, u64)>, DbError> {
        let mut files = BTreeMap::new();
        self.report.gaps += scan(self.old, &Rows::all("files", "hash, length"), &mut |row| {
            let file = (id(row, 1, "files")?, count(row, 2, "files")?);
            files.insert(row.get(0)?, file);
            Ok(())
        });
        for (number, old) in &names.docs {
            let sql = "SELECT file FROM file_refs WHERE doc = ?1";
            let (named, is_cut) = self
                .old
                .readable(sql, [number], |row| Ok(row.get::<_, i64>(0)?));
            self.report.gaps += u64::from(is_cut);
            let named: BTreeSet<_> = named
                .iter()
                .filter_map(|file| files.get(file).copied())
                .collect();
            if !named.is_empty() {
                self.tx.name_files(old.new.doc, &named)?;
            }
        }
        Ok(files)
    }
}
