//! Files whose bytes are not what proves them: found, and given up so that they are fetched again.

use hopluu_store::{DbError, FileRow, Read, WriteTx};
use hopluu_sync::outline::{hash_of, mark, piece_bytes, pieces};

use crate::files::marks;
use crate::limits::FILES_READ_MAX;

/// Files of which a piece, or the whole, is not what it should be.
pub(super) fn wrong_files(read: &Read) -> Result<Vec<FileRow>, DbError> {
    let (mut wrong, mut after) = (Vec::new(), 0);
    loop {
        let files = read.files_after(after, FILES_READ_MAX)?;
        let Some(last) = files.last() else {
            return Ok(wrong);
        };
        after = last.number;
        for file in files {
            match is_sound(read, &file) {
                Ok(true) => {}
                // What cannot be read is fetched again, like what is wrong.
                Ok(false) | Err(DbError::Damaged { .. } | DbError::Row { .. }) => wrong.push(file),
                Err(error) => return Err(error),
            }
        }
    }
}

fn is_sound(read: &Read, file: &FileRow) -> Result<bool, DbError> {
    let mut held = 0;
    for (number, kept) in read.file_marks(file)? {
        let body = read.file_piece(file, number)?.unwrap_or_default();
        let is_piece = number < pieces(file.length)
            && body.len() == piece_bytes(file.length, number)
            && mark(number, &body)[..] == kept[..];
        if !is_piece {
            return Ok(false);
        }
        held += body.len() as u64;
    }
    if !file.is_whole() {
        return Ok(held == file.held);
    }
    let first = read.file_piece(file, 0)?.unwrap_or_default();
    let hash = hash_of(file.length, &marks(read, file)?, &first);
    Ok(held == file.held && hash == Some(file.hash))
}

/// Gives up what is wrong; documents go on naming it.
pub(super) fn give_up_wrong(tx: &mut WriteTx<'_>) -> Result<(), DbError> {
    for file in wrong_files(tx)? {
        tx.empty_file(&file)?;
    }
    Ok(())
}
