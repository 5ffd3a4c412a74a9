//! Files in a bundle: pieces as a link gives them, each behind its proof.
//!
//! ```text
//! run: file, first piece | proof, piece | proof, piece | ..
//! ```
//! A part of them is closed like one of entries, and is of no use to whoever has not taken in the report that names
//! them: it is offered again then.

use serde::{Deserialize, Serialize};

use super::{Bundle, BundleError, VERSION};
use crate::frame::at_most;
use crate::limits::{BUNDLE_BYTES_MAX, BUNDLE_RUNS_MAX};
use crate::outline::{Verifier, WrongPiece};
use crate::{FileId, Piece};

/// The first byte of a part with files, which programs that know only entries refuse as unreadable.
const FILES_VERSION: u8 = 2;

/// Pieces of one file, one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRun {
    /// The file.
    pub file: FileId,
    /// The number of the first piece.
    pub first: u16,
    /// For each piece its proof, as within a run on a link, and its bytes.
    pub bytes: Vec<u8>,
}

impl FileRun {
    /// The pieces, each proved to belong to the file.
    ///
    /// # Errors
    /// The first that is not whole or not of the file; nothing of the run may be believed then.
    pub fn pieces(&self) -> Result<Vec<Piece>, WrongPiece> {
        let mut verifier = Verifier::new(self.file, self.first);
        let (mut pieces, mut rest) = (Vec::new(), self.bytes.as_slice());
        while !rest.is_empty() {
            let number = verifier.next();
            let next = rest.split_at_checked(verifier.awaits());
            let next = next.filter(|(piece, _)| !piece.is_empty());
            let (piece, behind) = next.ok_or(WrongPiece(number))?;
            let (mark, body) = verifier.check(piece)?;
            pieces.push(Piece {
                number,
                mark,
                body: body.to_vec(),
            });
            rest = behind;
        }
        Ok(pieces)
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(deserialize_with = "at_most::<_, _, BUNDLE_RUNS_MAX>")]
    runs: Vec<FileRun>,
}

impl Wire {
    fn bytes(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![FILES_VERSION])
            .expect("numbers and byte strings always encode")
    }
}

/// What one part of a bundle brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// A stretch of journal.
    Entries(Bundle),
    /// Files that documents name.
    Files(Vec<FileRun>),
}

impl Carried {
    /// The bytes of the content, not yet packed.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Entries(bundle) => bundle.encode(),
            Self::Files(runs) => Wire { runs }.bytes(),
        }
    }

    /// Reads what [`Self::encode`] wrote. The pieces are not proved yet.
    ///
    /// # Errors
    /// [`BundleError`] when the bytes are neither, or over a bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        match bytes.split_first() {
            Some((&VERSION, _)) => Bundle::decode(bytes).map(Self::Entries),
            Some((&FILES_VERSION, _)) if bytes.len() > BUNDLE_BYTES_MAX => {
                Err(BundleError::TooLarge)
            }
            Some((&FILES_VERSION, body)) => match postcard::take_from_bytes::<Wire>(body) {
                Ok((wire, [])) => Ok(Self::Files(wire.runs)),
                _ => Err(BundleError::Malformed),
            },
            _ => Err(BundleError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::PIECE_BYTES;
    use crate::outline::{Mark, hash_of, mark, pieces, proof};

    fn run(content: &[u8], first: u16, count: usize) -> FileRun {
        let length = content.len() as u64;
        let bodies: Vec<&[u8]> = content.chunks(PIECE_BYTES).collect();
        let marks: Vec<Mark> = (0..)
            .zip(&bodies)
            .map(|(at, body)| mark(at, body))
            .collect();
        let hash = hash_of(length, &marks, bodies[0]).unwrap();
        let mut bytes = Vec::new();
        for (number, body) in (0_u16..).zip(&bodies).skip(first.into()).take(count) {
            bytes.extend(
                proof(length, &marks, number, number == first)
                    .unwrap()
                    .concat(),
            );
            bytes.extend_from_slice(body);
        }
        FileRun {
            file: FileId { hash, length },
            first,
            bytes,
        }
    }

    fn content(bytes: usize) -> Vec<u8> {
        (0..bytes)
            .map(|at| u8::try_from(at % 251).unwrap())
            .collect()
    }

    #[test]
    fn pieces_come_out_as_they_were_put_in() {
        let content = content(5 * PIECE_BYTES + 7);
        for (first, count) in [(0, 6), (0, 1), (2, 3), (5, 1), (3, 0)] {
            let run = run(&content, first, count);
            let carried = Carried::Files(vec![run.clone(), run.clone()]);
            let read = Carried::decode(&carried.clone().encode());
            assert_eq!(read, Ok(carried));
            let pieces = run.pieces().unwrap();
            assert_eq!(pieces.len(), count);
            for (piece, number) in pieces.iter().zip(first..) {
                let from = usize::from(number) * PIECE_BYTES;
                let end = content.len().min(from + PIECE_BYTES);
                assert_eq!(piece.number, number);
                assert_eq!(piece.body, content[from..end]);
            }
        }
    }

    #[test]
    fn what_is_not_of_the_file_is_named() {
        let content = content(3 * PIECE_BYTES);
        let whole = run(&content, 0, 3);
        let mut flipped = whole.clone();
        *flipped.bytes.last_mut().unwrap() ^= 1;
        assert_eq!(flipped.pieces(), Err(WrongPiece(2)));
        let mut cut = whole.clone();
        cut.bytes.pop();
        assert_eq!(cut.pieces(), Err(WrongPiece(2)));
        let mut longer = whole.clone();
        longer.bytes.push(0);
        assert_eq!(longer.pieces(), Err(WrongPiece(3)));
        let mut elsewhere = whole.clone();
        elsewhere.first = 1;
        assert_eq!(elsewhere.pieces(), Err(WrongPiece(1)));
        let mut endless = whole;
        endless.file.length = u64::MAX;
        assert_eq!(pieces(endless.file.length), 0);
        assert_eq!(endless.pieces(), Err(WrongPiece(0)));
    }

    #[test]
    fn neither_too_many_runs_nor_other_versions_are_read() {
        let empty = run(&content(9), 0, 0);
        let runs = |count| Carried::Files(vec![empty.clone(); count]);
        let most = runs(BUNDLE_RUNS_MAX);
        assert_eq!(Carried::decode(&most.clone().encode()), Ok(most));
        let more = runs(BUNDLE_RUNS_MAX + 1).encode();
        assert_eq!(Carried::decode(&more), Err(BundleError::Malformed));
        let mut long = runs(1).encode();
        long.resize(BUNDLE_BYTES_MAX + 1, 0);
        assert_eq!(Carried::decode(&long), Err(BundleError::TooLarge));
        // A program of before there were files, and one of after.
        assert_eq!(
            Bundle::decode(&runs(1).encode()),
            Err(BundleError::Malformed)
        );
        assert_eq!(Carried::decode(&[3, 0]), Err(BundleError::Malformed));
        assert_eq!(Carried::decode(&[]), Err(BundleError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = [&[FILES_VERSION], body.as_slice()].concat();
            if let Ok(Carried::Files(runs)) = Carried::decode(&bytes) {
                for run in runs {
                    let _judged = run.pieces();
                }
            }
        }
    }
}
