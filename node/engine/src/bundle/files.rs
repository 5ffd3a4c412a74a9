//! Attachments carried by hand: which go along, in how many parts, and what becomes of them where they come.

use std::collections::{BTreeSet, VecDeque};

use hopluu_model::{DocId, EntryKind, NodeId, UnitId};
use hopluu_store::{DbError, FilePiece, FileRow, Read, WriteError, WriteTx};
use hopluu_sync::limits::{BUNDLE_BYTES_MAX, BUNDLE_RUNS_MAX};
use hopluu_sync::outline::{Mark, piece_bytes, pieces, proof, proof_len};
use hopluu_sync::{FileId, FileRun, PieceFate, Scope};

use super::BundleError;
use crate::core::Core;
use crate::files::{FileQuota, file_id, keep, marks, stored};
use crate::limits::CARRIED_READ_MAX;
use crate::turn::Reply;
use crate::view::{BundleFile, BundleRemark, BundleTaken};

/// Bytes of pieces in one part: half of what it may hold, for the sake of whoever reads it on the smallest node.
const PART_PIECES_BYTES: usize = BUNDLE_BYTES_MAX / 2;

/// What a run has beside its pieces: hash, length, number and the length of what follows.
const RUN_HEAD_BYTES: usize = 32 + 9 + 3 + 5;

/// Pieces kept in one transaction: as many bytes as are admitted of entries.
const BATCH_PIECES: usize = 16;

/// Pieces of one file in one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    file: FileRow,
    first: u16,
    count: u16,
}

/// The files that go to a receiver: whole here, named by a document that it may see, or by this one, and not yet
/// there by its own word.
pub(super) fn carried(
    read: &Read,
    scope: &Scope,
    doc: Option<DocId>,
) -> Result<Vec<FileRow>, DbError> {
    let mut found = Vec::new();
    if let Some(doc) = doc {
        for file in read.files_of(doc)? {
            found.extend(goes(read, scope, file)?);
        }
        return Ok(found);
    }
    let mut after = 0;
    loop {
        let some = read.files_after(after, CARRIED_READ_MAX)?;
        let Some(last) = some.last() else {
            return Ok(found);
        };
        after = last.number;
        for file in some {
            found.extend(goes(read, scope, file)?);
        }
    }
}

fn goes(read: &Read, scope: &Scope, file: FileRow) -> Result<Option<FileRow>, DbError> {
    let may = |unit: &UnitId| scope.admits(EntryKind::Attachment, unit, None);
    let goes = file.is_whole()
        && read.units_of_file(&file)?.iter().any(may)
        && !read.file_holders(&file)?.contains(&scope.peer().node);
    Ok(goes.then_some(file))
}

/// Shares files out over parts with so much room each, as it comes.
pub(super) fn shares(files: &[FileRow], room: usize) -> Result<Vec<Vec<Share>>, BundleError> {
    // What cannot be packed grows a little by being tried.
    let room = room.min(PART_PIECES_BYTES);
    let room = room.saturating_sub(room / 256 + 64);
    let (mut parts, mut part, mut bytes) = (Vec::new(), Vec::new(), 0);
    for file in files {
        let (mut first, end) = (0, pieces(file.length));
        while first < end {
            let mut share = Share {
                file: *file,
                first,
                count: 0,
            };
            let mut taken = RUN_HEAD_BYTES;
            for number in first..end {
                taken += weight(file, number, number == first);
                if bytes + taken > room || part.len() == BUNDLE_RUNS_MAX {
                    break;
                }
                share.count += 1;
            }
            if share.count > 0 {
                bytes += share.bytes();
                part.push(share);
            } else if part.is_empty() {
                let least = RUN_HEAD_BYTES + weight(file, first, true);
                return Err(BundleError::PartTooSmall {
                    given: room as u64,
                    least: least as u64,
                });
            }
            first += share.count;
            if first < end {
                parts.push(std::mem::take(&mut part));
                bytes = 0;
            }
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    Ok(parts)
}

fn weight(file: &FileRow, number: u16, begins: bool) -> usize {
    proof_len(file.length, number, begins) * size_of::<Mark>() + piece_bytes(file.length, number)
}

impl Share {
    fn bytes(&self) -> usize {
        let numbers = self.first..self.first + self.count;
        let weights = numbers.map(|number| weight(&self.file, number, number == self.first));
        RUN_HEAD_BYTES + weights.sum::<usize>()
    }

    pub(super) fn count(&self) -> u64 {
        self.count.into()
    }

    /// The pieces with their proofs. A file that is given up meanwhile ends early.
    pub(super) fn run(&self, read: &Read) -> Result<FileRun, DbError> {
        let length = self.file.length;
        let marks = marks(read, &self.file)?;
        let mut bytes = Vec::new();
        for number in self.first..self.first + self.count {
            let proof = proof(length, &marks, number, number == self.first);
            let Some((proof, body)) = proof.zip(read.file_piece(&self.file, number)?) else {
                break;
            };
            bytes.extend(proof.concat());
            bytes.extend(body);
        }
        Ok(FileRun {
            file: file_id(&self.file),
            first: self.first,
            bytes,
        })
    }
}

/// The pieces of some runs, each proved.
pub(super) fn proved(runs: &[FileRun]) -> Result<VecDeque<(FileId, FilePiece)>, BundleError> {
    let mut proved = VecDeque::new();
    for run in runs {
        let pieces = run.pieces();
        let pieces = pieces.map_err(|error| BundleError::Content(error.to_string()))?;
        proved.extend(pieces.into_iter().map(|piece| (run.file, stored(piece))));
    }
    Ok(proved)
}

/// Pieces on their way into the store, batch by batch.
pub(super) struct Keeping {
    pub(super) from: NodeId,
    pub(super) pieces: VecDeque<(FileId, FilePiece)>,
    pub(super) files: BTreeSet<FileId>,
    pub(super) taken: BundleTaken,
    pub(super) reply: Reply<BundleTaken>,
}

/// What became of a piece that was carried here.
enum Fate {
    New,
    Known,
    /// The file is whole with it; these units' documents name it.
    Completed(Vec<UnitId>),
    /// No document here names the file.
    Unnamed,
    NoRoom,
}

impl Core {
    /// Keeps what of a bundle's files is wanted; the answer comes when all of it is on disk.
    pub(super) fn keep_carried(&self, mut keeping: Keeping) {
        if keeping.pieces.is_empty() {
            let files = self.files_now(&keeping.files);
            keeping.taken.files = files;
            return (keeping.reply)(Ok(keeping.taken));
        }
        let count = keeping.pieces.len().min(BATCH_PIECES);
        let batch: Vec<_> = keeping.pieces.drain(..count).collect();
        let (quota, from) = (self.file_quota, keeping.from);
        self.submit(
            move |tx| -> Result<_, DbError> {
                let fate = |(file, piece)| Ok((file, keep_one(tx, file, &piece, quota, from)?));
                batch.into_iter().map(fate).collect()
            },
            move |core, turn, result: Result<Vec<(FileId, Fate)>, WriteError<DbError>>| match result
            {
                Ok(fates) => {
                    for (file, fate) in fates {
                        keeping.count(&fate);
                        if let Fate::Completed(units) = fate {
                            core.file_here(turn, file, units);
                        }
                    }
                    core.keep_carried(keeping);
                }
                Err(error) => (keeping.reply)(Err(core.write_failed(turn, error))),
            },
        );
    }

    /// How much is here of files; what cannot be read is as if nothing were.
    fn files_now(&self, files: &BTreeSet<FileId>) -> Vec<BundleFile> {
        let held = |file: &FileId| {
            let row = self.read().ok()?.file(file.hash, file.length).ok()?;
            row.map(|row| row.held)
        };
        let files = files.iter().map(|file| BundleFile {
            hash: file.hash.to_string(),
            bytes: file.length,
            held: held(file).unwrap_or_default(),
        });
        files.collect()
    }
}

impl Keeping {
    fn count(&mut self, fate: &Fate) {
        let taken = &mut self.taken;
        let remark = match fate {
            Fate::New | Fate::Completed(_) => {
                taken.new += 1;
                return;
            }
            Fate::Known => {
                taken.known += 1;
                return;
            }
            Fate::Unnamed => BundleRemark::FileUnnamed,
            Fate::NoRoom => BundleRemark::FileNoRoom,
        };
        taken.refused += 1;
        if !taken.remarks.contains(&remark) {
            taken.remarks.push(remark);
        }
    }
}

/// Keeps a piece as if a link had brought it; whoever made the bundle has the file.
fn keep_one(
    tx: &mut WriteTx<'_>,
    file: FileId,
    piece: &FilePiece,
    quota: FileQuota,
    from: NodeId,
) -> Result<Fate, DbError> {
    let before = tx.file(file.hash, file.length)?;
    let Some(before) = before else {
        return Ok(Fate::Unnamed);
    };
    if tx.units_of_file(&before)?.is_empty() {
        return Ok(Fate::Unnamed);
    }
    tx.put_file_holder(&before, from)?;
    Ok(match keep(tx, file, piece, quota)? {
        (PieceFate::Unwanted, _) => Fate::NoRoom,
        (PieceFate::Completed, units) => Fate::Completed(units),
        (PieceFate::Kept, _) => {
            let after = tx.file(file.hash, file.length)?;
            match after.is_some_and(|after| after.held > before.held) {
                true => Fate::New,
                false => Fate::Known,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use hopluu_model::Digest;
    use hopluu_sync::limits::PIECE_BYTES;

    use super::*;

    fn file(number: u8, length: u64) -> FileRow {
        FileRow {
            number: number.into(),
            hash: Digest([number; 32]),
            length,
            held: length,
        }
    }

    #[test]
    fn every_piece_is_shared_out_once_and_no_part_is_over_its_room() {
        let files = [
            file(1, 5_000_000),
            file(2, 9),
            file(3, 16_384),
            file(4, 100_000),
        ];
        for room in [17_000, 40_000, 1_400_000, usize::MAX] {
            let parts = shares(&files, room).unwrap();
            let mut next = std::collections::BTreeMap::new();
            for part in &parts {
                let bytes: usize = part.iter().map(Share::bytes).sum();
                assert!(bytes <= room.min(PART_PIECES_BYTES), "{bytes} of {room}");
                for share in part {
                    let due = next.entry(share.file.number).or_insert(0);
                    assert_eq!(share.first, *due);
                    *due += share.count;
                }
            }
            for file in &files {
                assert_eq!(next.get(&file.number), Some(&pieces(file.length)));
            }
            let bytes: u64 = files.iter().map(|file| file.length).sum();
            let least = usize::try_from(bytes).unwrap() / room.min(PART_PIECES_BYTES);
            assert!(
                parts.len() <= 2 * least + 2,
                "{} parts of {room}",
                parts.len()
            );
        }
    }

    #[test]
    fn a_part_that_holds_no_piece_is_too_small() {
        let files = [file(1, 2 * PIECE_BYTES as u64)];
        let refused = shares(&files, PIECE_BYTES);
        assert!(matches!(refused, Err(BundleError::PartTooSmall { .. })));
        assert!(shares(&[], 0).unwrap().is_empty());
    }

    #[test]
    fn a_part_has_no_more_runs_than_are_read() {
        let count = BUNDLE_RUNS_MAX + 1;
        let files = vec![file(1, 9); count];
        let parts = shares(&files, usize::MAX).unwrap();
        let runs: Vec<usize> = parts.iter().map(Vec::len).collect();
        assert_eq!(runs, [BUNDLE_RUNS_MAX, 1]);
    }
}
