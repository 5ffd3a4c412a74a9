//! Files in the store in memory.

use std::collections::BTreeMap;

use hopluu_model::{Digest, EntryKind, UnitId};

use super::store::{Store, hash};
use super::unit;
use crate::limits::PIECE_BYTES;
use crate::outline::{Mark, mark, pieces, proof};
use crate::{Effect, Event, FileId, Piece, PieceFate, Scope, Want, Wants};

/// A file that documents name, and what of it is here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held {
    pub(crate) units: Vec<UnitId>,
    pub(crate) pieces: BTreeMap<u16, Vec<u8>>,
    /// No piece is kept: there is no room.
    pub(crate) is_refused: bool,
}

pub(crate) fn file_id(content: &[u8]) -> FileId {
    FileId {
        hash: Digest(hash(content)),
        length: content.len() as u64,
    }
}

impl Store {
    pub(crate) fn name(&mut self, of: &str, content: &[u8], is_here: bool) -> FileId {
        let file = file_id(content);
        let held = self.files.entry(file).or_default();
        held.units.push(unit(of));
        if is_here {
            let chunks = content.chunks(PIECE_BYTES).map(<[u8]>::to_vec);
            held.pieces = (0..).zip(chunks).collect();
        }
        file
    }

    pub(crate) fn units_of(&self, file: &FileId) -> Vec<UnitId> {
        self.files[file].units.clone()
    }

    pub(crate) fn is_whole(&self, file: &FileId) -> bool {
        let held = self.files.get(file);
        held.is_some_and(|held| held.pieces.len() == usize::from(pieces(file.length)))
    }

    pub(crate) fn content(&self, file: &FileId) -> Vec<u8> {
        self.files[file]
            .pieces
            .values()
            .flatten()
            .copied()
            .collect()
    }

    /// Answers what concerns files; gives back what does not.
    pub(super) fn answer(&mut self, effect: Effect) -> Result<Event, Effect> {
        Ok(match effect {
            Effect::ReadWants {
                link,
                ticket,
                scope,
                ..
            } => Event::WantsRead {
                link,
                ticket,
                wants: self.wants(&scope),
            },
            Effect::ReadPiece {
                link,
                ticket,
                file,
                number,
                begins,
                scope,
            } => Event::PieceRead {
                link,
                ticket,
                bytes: self.piece(&file, number, begins, &scope),
            },
            Effect::KeepPiece {
                link,
                ticket,
                file,
                piece,
            } => Event::PieceKept {
                link,
                ticket,
                fate: self.keep(&file, piece),
            },
            other => return Err(other),
        })
    }

    fn wants(&self, scope: &Scope) -> Wants {
        let mut wants = Vec::new();
        for (file, held) in &self.files {
            let may = |unit| scope.admits(EntryKind::Attachment, unit, None);
            if self.is_whole(file) || !held.units.iter().any(may) {
                continue;
            }
            let lacks = |number: &u16| !held.pieces.contains_key(number);
            let missing = (0..pieces(file.length)).filter(lacks);
            let mut runs: Vec<(u16, u16)> = Vec::new();
            for number in missing {
                match runs.last_mut() {
                    Some(run) if run.1 == number => run.1 += 1,
                    _ => runs.push((number, number + 1)),
                }
            }
            wants.push(Want {
                file: *file,
                missing: runs,
            });
        }
        Wants { wants, next: None }
    }

    fn piece(&self, file: &FileId, number: u16, begins: bool, scope: &Scope) -> Option<Vec<u8>> {
        let held = self.files.get(file)?;
        let may = |unit| scope.admits(EntryKind::Attachment, unit, None);
        if !self.is_whole(file) || !held.units.iter().any(may) {
            return None;
        }
        let marks: Vec<Mark> = held
            .pieces
            .iter()
            .map(|(at, body)| mark(*at, body))
            .collect();
        let proof = proof(file.length, &marks, number, begins)?;
        Some([proof.concat().as_slice(), held.pieces.get(&number)?].concat())
    }

    fn keep(&mut self, file: &FileId, piece: Piece) -> PieceFate {
        let was_whole = self.is_whole(file);
        let held = self
            .files
            .get_mut(file)
            .expect("only what is named is fetched");
        if held.is_refused {
            return PieceFate::Unwanted;
        }
        held.pieces.insert(piece.number, piece.body);
        if self.is_whole(file) && !was_whole {
            PieceFate::Completed
        } else {
            PieceFate::Kept
        }
    }
}
