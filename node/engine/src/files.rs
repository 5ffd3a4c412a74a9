//! Files that documents name: what is wanted of a peer, what may be given to one, and what is kept.
//!
//! A file is wanted because an admitted document names it, never because somebody offers it. It is given to
//! whoever may see a document that names it; to anybody else it is as if it were not here.

use std::collections::BTreeMap;

use hopluu_model::{DocId, EntryKind, NodeId, UnitId};
use hopluu_store::{DbError, FilePiece, FileRow, PieceKept, Read, WriteError, WriteTx};
use hopluu_sync::limits::{RUNS_MAX, WANTS_MAX};
use hopluu_sync::outline::{Mark, pieces, proof};
use hopluu_sync::{Effect, Event, FileHere, FileId, Piece, PieceFate, Scope, Want, Wants};

use crate::core::{Core, unreadable};
use crate::limits::WANTED_READ_MAX;
use crate::links::Answer;
use crate::turn::Turn;

/// How many bytes of files are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileQuota {
    /// Of one unit.
    pub(crate) unit: u64,
    /// Altogether.
    pub(crate) all: u64,
}

impl FileQuota {
    /// Whether a file of this unit may be begun; one of which something is here has its room.
    pub(crate) fn has_room(
        self,
        read: &Read,
        unit: &UnitId,
        file: (u64, u64),
    ) -> Result<bool, DbError> {
        let (length, held) = file;
        Ok(held > 0 || read.file_bytes_of_unit(unit)?.saturating_add(length) <= self.unit)
    }

    /// Gives up files that nobody names where room is wanted; whether there is room then.
    pub(crate) fn make_room(self, tx: &mut WriteTx<'_>, length: u64) -> Result<bool, DbError> {
        let wanted = tx.file_bytes()?.saturating_add(length);
        let over = wanted.saturating_sub(self.all);
        if over > 0 {
            tx.drop_unnamed_files(over)?;
        }
        Ok(tx.file_bytes()?.saturating_add(length) <= self.all)
    }
}

pub(crate) fn file_id(row: &FileRow) -> FileId {
    FileId {
        hash: row.hash,
        length: row.length,
    }
}

/// What a peer may have that is wanted here and has room.
pub(crate) fn wants(
    read: &Read,
    after: u64,
    scope: &Scope,
    quota: FileQuota,
) -> Result<Wants, DbError> {
    let (wanted, is_all) = read.wanted_files(after, WANTED_READ_MAX)?;
    let last = wanted.last().map(|(file, _)| file.number);
    let mut files: BTreeMap<u64, FileRow> = BTreeMap::new();
    for (file, unit) in wanted {
        let fits = scope.admits(EntryKind::Attachment, &unit, None)
            && pieces(file.length) > 0
            && quota.has_room(read, &unit, (file.length, file.held))?;
        if fits {
            files.insert(file.number, file);
        }
    }
    let next = match files.keys().nth(WANTS_MAX - 1) {
        Some(number) if files.len() > WANTS_MAX || !is_all => Some(*number),
        Some(_) => None,
        None => last.filter(|_| !is_all),
    };
    let listed = files.values().take(WANTS_MAX);
    let wants = listed.map(|file| {
        Ok(Want {
            file: file_id(file),
            missing: missing(read, file)?,
        })
    });
    let wants = wants.collect::<Result<_, DbError>>()?;
    Ok(Wants { wants, next })
}

/// Runs of pieces that are not here.
fn missing(read: &Read, file: &FileRow) -> Result<Vec<(u16, u16)>, DbError> {
    let held = if file.held > 0 {
        read.file_marks(file)?
    } else {
        Vec::new()
    };
    let mut runs = Vec::new();
    let mut from = 0;
    let end = pieces(file.length);
    for number in held.into_iter().map(|(number, _)| number).chain([end]) {
        if from < number {
            runs.push((from, number));
        }
        from = number.saturating_add(1);
    }
    runs.truncate(RUNS_MAX);
    Ok(runs)
}

/// A piece with its proof, for a peer that may see a document that names the file.
pub(crate) fn piece(
    read: &Read,
    file: FileId,
    (number, begins): (u16, bool),
    scope: &Scope,
) -> Result<Option<Vec<u8>>, DbError> {
    let row = read.file(file.hash, file.length)?;
    let Some(row) = row.filter(FileRow::is_whole) else {
        return Ok(None);
    };
    let units = read.units_of_file(&row)?;
    let mut units = units.iter();
    if !units.any(|unit| scope.admits(EntryKind::Attachment, unit, None)) {
        return Ok(None);
    }
    let marks = marks(read, &row)?;
    let proof = proof(file.length, &marks, number, begins);
    let body = read.file_piece(&row, number)?;
    let bytes = proof.zip(body);
    Ok(bytes.map(|(proof, body)| [proof.concat(), body].concat()))
}

/// The outline of a file, as far as it is here.
pub(crate) fn marks(read: &Read, row: &FileRow) -> Result<Vec<Mark>, DbError> {
    let marks = read.file_marks(row)?.into_iter();
    let marks = marks.map(|(_, mark)| Mark::try_from(mark.as_slice()));
    marks.collect::<Result<_, _>>().map_err(|_| DbError::Row {
        table: "file_marks",
        expected: "a mark",
    })
}

/// A proved piece, as it is stored.
pub(crate) fn stored(piece: Piece) -> FilePiece {
    FilePiece {
        number: piece.number,
        mark: piece.mark.to_vec(),
        body: piece.body,
    }
}

/// Keeps a piece, where a document still names the file and there is room.
pub(crate) fn keep(
    tx: &mut WriteTx<'_>,
    file: FileId,
    piece: &FilePiece,
    quota: FileQuota,
) -> Result<(PieceFate, Vec<UnitId>), DbError> {
    let unwanted = (PieceFate::Unwanted, Vec::new());
    let Some(row) = tx.file(file.hash, file.length)? else {
        return Ok(unwanted);
    };
    let units: Vec<UnitId> = tx.units_of_file(&row)?.into_iter().collect();
    if row.held == 0 {
        let mut has_room = false;
        for unit in &units {
            has_room |= quota.has_room(tx, unit, (row.length, row.held))?;
        }
        if !has_room || !quota.make_room(tx, row.length)? {
            return Ok(unwanted);
        }
    }
    Ok(match tx.put_file_piece((file.hash, file.length), piece)? {
        PieceKept::Unwanted => unwanted,
        PieceKept::Kept(after) if after.is_whole() && !row.is_whole() => {
            (PieceFate::Completed, units)
        }
        PieceKept::Kept(_) => (PieceFate::Kept, units),
    })
}

impl Core {
    /// Performs what the hub asks to be kept of files.
    pub(crate) fn keep(&self, effect: Effect) {
        match effect {
            Effect::KeepPiece {
                link,
                ticket,
                file,
                piece,
            } => self.keep_piece(Answer { link, ticket }, file, piece),
            Effect::NoteHolder { peer, file } => self.note_holder(peer, file),
            // Only these come here.
            _ => {}
        }
    }

    /// Keeps what a peer has given.
    fn keep_piece(&self, answer: Answer, file: FileId, piece: Piece) {
        let (quota, piece) = (self.file_quota, stored(piece));
        self.submit(
            move |tx| keep(tx, file, &piece, quota),
            move |core, turn, result: Result<_, WriteError<DbError>>| {
                let Answer { link, ticket } = answer;
                match result {
                    Ok((fate, units)) => {
                        core.hub_event(turn, Event::PieceKept { link, ticket, fate });
                        if fate == PieceFate::Completed {
                            core.file_here(turn, file, units);
                        }
                    }
                    Err(error) => {
                        core.write_failed(turn, error);
                        core.hub_event(turn, Event::StoreFailed { link, ticket });
                    }
                }
            },
        );
    }

    /// A file is whole here: peers that have asked for it in vain are told.
    pub(crate) fn file_here(&mut self, turn: &mut Turn, file: FileId, units: Vec<UnitId>) {
        tracing::info!(file = %file.hash.short(), bytes = file.length, "attachment is here");
        let here = FileHere { file, units };
        self.hub_event(turn, Event::FileHere { here });
    }

    /// A document may name files that are not here.
    pub(crate) fn files_named(&mut self, turn: &mut Turn, doc: DocId) {
        let named = self.store().read().and_then(|read| {
            let files = read.files_of(doc)?;
            let unit = read.doc(doc)?.map(|row| row.unit);
            Ok((files, unit))
        });
        match named {
            Ok((files, Some(unit))) if files.iter().any(|file| !file.is_whole()) => {
                self.hub_event(turn, Event::FilesWanted { unit });
            }
            Ok(_) => {}
            Err(error) => unreadable(&error),
        }
    }

    fn note_holder(&self, peer: NodeId, file: FileId) {
        let known = self.store().read().and_then(|read| {
            let row = read.file(file.hash, file.length)?;
            let holders = row.map(|row| read.file_holders(&row)).transpose()?;
            Ok(holders.is_none_or(|holders| holders.contains(&peer)))
        });
        // Whoever says it again and again writes nothing.
        if !matches!(known, Ok(false)) {
            return;
        }
        self.submit(
            move |tx| match tx.file(file.hash, file.length)? {
                Some(row) => tx.put_file_holder(&row, peer),
                None => Ok(()),
            },
            |core, turn, result: Result<(), WriteError<DbError>>| {
                if let Err(error) = result {
                    core.write_failed(turn, error);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests;
