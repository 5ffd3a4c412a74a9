//! How a piece is proved to belong to a file of which only the BLAKE3 hash is known.
//!
//! BLAKE3 is a tree over chunks of 1 KiB, so a piece of 16 of them is a subtree with a value of its own: its
//! **mark**. The marks of all pieces are the file's **outline**; merged upwards they give the hash.
//!
//! ```text
//!              hash                 pieces 0 to 4. The proof of piece 2, the first of a run, is
//!            /      \               its siblings from the leaf up: 3, (0 1), 4. Having them,
//!        (0-3)       4              the proof of 3 is empty: its value is known already. So is that of 4.
//!       /     \
//!    (0 1)   (2 3)
//!    0   1   2   3
//! ```
//! Within a run the receiver keeps the values right of its path, so each is sent once: some 40 bytes a piece.

use blake3::Hasher;
use blake3::hazmat::{
    HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use hopluu_model::Digest;

use super::FileId;
use crate::limits::{PIECE_BYTES, PIECES_MAX};

/// The value of a subtree.
pub type Mark = [u8; 32];

/// What is wrong with a piece. Its sender is, or its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("piece {0} does not belong to the file")]
pub struct WrongPiece(pub u16);

impl WrongPiece {
    /// It came from a peer.
    #[must_use]
    pub fn fault(&self) -> hopluu_model::Fault {
        hopluu_model::Fault::Peer
    }
}

/// Pieces of a file of this length; none where it is empty or longer than is carried.
#[must_use]
pub fn pieces(length: u64) -> u16 {
    let count = length.div_ceil(PIECE_BYTES as u64);
    u16::try_from(count)
        .ok()
        .filter(|count| *count <= PIECES_MAX)
        .unwrap_or(0)
}

/// Bytes of one piece, of those that there are.
#[must_use]
pub fn piece_bytes(length: u64, number: u16) -> usize {
    let rest = length.saturating_sub(u64::from(number) * PIECE_BYTES as u64);
    usize::try_from(rest)
        .unwrap_or(PIECE_BYTES)
        .min(PIECE_BYTES)
}

/// The mark of a piece.
#[must_use]
pub fn mark(number: u16, body: &[u8]) -> Mark {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(u64::from(number) * PIECE_BYTES as u64);
    hasher.update(body);
    if body.is_empty() {
        // No piece is empty, and no subtree either.
        return [0; 32];
    }
    hasher.finalize_non_root()
}

/// The hash of a file of which all marks are known; `first` is its first piece, which is the whole of a
/// short file. None where these cannot be all the marks.
#[must_use]
pub fn hash_of(length: u64, marks: &[Mark], first: &[u8]) -> Option<Digest> {
    if marks.len() != usize::from(pieces(length)) || marks.is_empty() {
        return None;
    }
    if marks.len() == 1 {
        return Some(Digest(*blake3::hash(first).as_bytes()));
    }
    let whole = Span::whole(length);
    let (left, right) = whole.halves();
    let root = merge_subtrees_root(&left.value(marks)?, &right.value(marks)?, Mode::Hash);
    Some(Digest(*root.as_bytes()))
}

/// The proof of a piece out of a file's outline: what its receiver does not know yet, from the leaf up.
/// `begins` says whether it is the first of a run. None where there is no such piece.
#[must_use]
pub fn proof(length: u64, marks: &[Mark], number: u16, begins: bool) -> Option<Vec<Mark>> {
    if number >= pieces(length) || marks.len() != usize::from(pieces(length)) {
        return None;
    }
    let path = path(length, number, begins);
    let mut proof = Vec::new();
    for step in path.iter().rev() {
        proof.push(step.other().value(marks)?);
    }
    Some(proof)
}

/// How many values the proof of a piece has.
#[must_use]
pub fn proof_len(length: u64, number: u16, begins: bool) -> usize {
    path(length, number, begins).len()
}

/// Consecutive pieces that are one subtree, and how many bytes they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    first: u16,
    bytes: u64,
}

impl Span {
    fn whole(length: u64) -> Self {
        Self {
            first: 0,
            bytes: length,
        }
    }

    fn is_piece(self) -> bool {
        self.bytes <= PIECE_BYTES as u64
    }

    fn halves(self) -> (Self, Self) {
        // More than a piece, so a power of two of at least one: it is a whole number of pieces.
        let left = left_subtree_len(self.bytes);
        let pieces = u16::try_from(left / PIECE_BYTES as u64).unwrap_or(u16::MAX);
        let (first, bytes) = (self.first, self.bytes - left);
        let right = Self {
            first: first.saturating_add(pieces),
            bytes,
        };
        (Self { first, bytes: left }, right)
    }

    fn value(self, marks: &[Mark]) -> Option<Mark> {
        if self.is_piece() {
            return marks.get(usize::from(self.first)).copied();
        }
        let (left, right) = self.halves();
        let (left, right) = (left.value(marks)?, right.value(marks)?);
        Some(merge_subtrees_non_root(&left, &right, Mode::Hash))
    }
}

/// A step from a subtree down to the half that holds the piece.
#[derive(Debug, Clone, Copy)]
struct Step {
    left: Span,
    right: Span,
    goes_left: bool,
}

impl Step {
    fn other(self) -> Span {
        if self.goes_left {
            self.right
        } else {
            self.left
        }
    }
}

/// The way from what the receiver knows to the piece: from the hash, or within a run from the subtree that
/// begins with the piece.
fn path(length: u64, number: u16, begins: bool) -> Vec<Step> {
    let mut span = Span::whole(length);
    let mut steps = Vec::new();
    while !span.is_piece() {
        let (left, right) = span.halves();
        let goes_left = number < right.first;
        steps.push(Step {
            left,
            right,
            goes_left,
        });
        span = if goes_left { left } else { right };
    }
    if !begins {
        let last_right = steps.iter().rposition(|step| !step.goes_left);
        steps.drain(..last_right.map_or(0, |at| at + 1));
    }
    steps
}

/// Checks the pieces of one run, in order.
#[derive(Debug, Clone)]
pub struct Verifier {
    file: FileId,
    next: u16,
    begins: bool,
    /// Values of subtrees right of the path, the nearest last.
    known: Vec<Mark>,
}

impl Verifier {
    /// Begins a run with a piece.
    #[must_use]
    pub fn new(file: FileId, first: u16) -> Self {
        Self {
            file,
            next: first,
            begins: true,
            known: Vec::new(),
        }
    }

    /// Which piece comes next.
    #[must_use]
    pub fn next(&self) -> u16 {
        self.next
    }

    /// Bytes of proof and piece that come next; 0 at the end of the file.
    #[must_use]
    pub fn awaits(&self) -> usize {
        let (length, number) = (self.file.length, self.next);
        if number >= pieces(length) {
            return 0;
        }
        proof_len(length, number, self.begins) * size_of::<Mark>() + piece_bytes(length, number)
    }

    /// Passes over the piece that comes next: it is not wanted, or nothing of the run is believed any more.
    pub fn skip(&mut self) {
        (self.begins, self.next) = (false, self.next.saturating_add(1));
    }

    /// Checks the proof and the piece, as they come one behind the other; gives the mark and the piece.
    ///
    /// # Errors
    /// They are not those of the file's next piece; nothing of the run may be believed any more.
    pub fn check<'b>(&mut self, bytes: &'b [u8]) -> Result<(Mark, &'b [u8]), WrongPiece> {
        let (length, number) = (self.file.length, self.next);
        let wrong = WrongPiece(number);
        if bytes.len() != self.awaits() || bytes.is_empty() {
            return Err(wrong);
        }
        let steps = path(length, number, self.begins);
        let (proof, body) = bytes.split_at(steps.len() * size_of::<Mark>());
        let (proof, _) = proof.as_chunks::<{ size_of::<Mark>() }>();
        let mark = mark(number, body);
        if steps.is_empty() && self.begins {
            // The only piece of a short file.
            let is_whole = self.file.hash.0 == *blake3::hash(body).as_bytes();
            return if is_whole {
                Ok((mark, body))
            } else {
                Err(wrong)
            };
        }
        let expected = if self.begins { None } else { self.known.pop() };
        let mut value = mark;
        let mut right = Vec::new();
        for (index, (step, other)) in steps.iter().rev().zip(proof).enumerate() {
            let (left, other_right) = if step.goes_left {
                right.push(*other);
                (value, *other)
            } else {
                (*other, value)
            };
            let is_root = self.begins && index + 1 == steps.len();
            value = if is_root {
                *merge_subtrees_root(&left, &other_right, Mode::Hash).as_bytes()
            } else {
                merge_subtrees_non_root(&left, &other_right, Mode::Hash)
            };
        }
        if value != expected.unwrap_or(self.file.hash.0) {
            return Err(wrong);
        }
        right.reverse();
        self.known.extend(right);
        (self.begins, self.next) = (false, number + 1);
        Ok((mark, body))
    }
}

#[cfg(test)]
mod tests;
