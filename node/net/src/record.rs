//! What a TCP link says in its TLS stream: pieces of the link's own stream, knocks, and the last word that QUIC has
//! a frame for.
//!
//! ```text
//! kind: 1 byte   length: 2 bytes, big-endian   body
//! 0 piece        the link's bytes, split anywhere
//! 1 close        code: 4 bytes, big-endian; reason, UTF-8
//! 2 knock        empty: is anybody there?
//! 3 answer       empty: yes
//! ```
//! Kinds that are not known are passed over.

use crate::close::{CloseCode, CloseReason};
use crate::limits::{REASON_BYTES_MAX, RECORD_BYTES_MAX};

const PIECE: u8 = 0;
const CLOSE: u8 = 1;
const KNOCK: u8 = 2;
const ANSWER: u8 = 3;

const HEAD_BYTES: usize = 3;
const CODE_BYTES: usize = 4;

const LAST_WORD_BYTES_MAX: usize = CODE_BYTES + REASON_BYTES_MAX;

/// What is read of a record at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// The next bytes of the link.
    Piece(&'a [u8]),
    /// The last word.
    Close(CloseReason),
    /// Is anybody there?
    Knock,
    /// Yes.
    Answer,
}

/// The peer says what no link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record that no link has")]
pub(crate) struct BadRecord;

/// A record of the link's bytes, at most [`RECORD_BYTES_MAX`] of them.
///
/// # Panics
/// When there are more: whoever writes splits.
pub(crate) fn piece(bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() <= RECORD_BYTES_MAX, "a piece is split first");
    record(PIECE, bytes)
}

/// The last word, its reason cut to [`REASON_BYTES_MAX`].
pub(crate) fn close(code: CloseCode, reason: &str) -> Vec<u8> {
    let end = reason.floor_char_boundary(REASON_BYTES_MAX);
    let mut body = code.0.to_be_bytes().to_vec();
    body.extend_from_slice(reason.get(..end).unwrap_or_default().as_bytes());
    record(CLOSE, &body)
}

pub(crate) fn knock() -> Vec<u8> {
    record(KNOCK, &[])
}

pub(crate) fn answer() -> Vec<u8> {
    record(ANSWER, &[])
}

/// Whether somebody says something: a call that is given up begins with its last word.
pub(crate) fn begins(first: &[u8]) -> bool {
    first.first() == Some(&PIECE)
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a body is at most a piece");
    let [high, low] = length.to_be_bytes();
    let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
    bytes.extend_from_slice(&[kind, high, low]);
    bytes.extend_from_slice(body);
    bytes
}

/// Reads records as they come in, cut anywhere. Keeps a head or a last word at most.
#[derive(Debug, Default)]
pub(crate) struct Records(State);

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    Piece {
        left: usize,
    },
    Close {
        body: Vec<u8>,
        length: usize,
    },
    /// Of a kind that a later version knows.
    Passed {
        left: usize,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Records {
    /// The next of what these bytes say; none when they are used up.
    ///
    /// # Errors
    /// [`BadRecord`]; nothing after it can be understood.
    pub(crate) fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Said<'a>>, BadRecord> {
        loop {
            match &mut self.0 {
                State::Head(held) => {
                    let Some([kind, high, low]) = whole(held, HEAD_BYTES, bytes) else {
                        return Ok(None);
                    };
                    let (kind, length) = (*kind, usize::from(u16::from_be_bytes([*high, *low])));
                    self.0 = State::default();
                    if let Some(said) = self.begin(kind, length)? {
                        return Ok(Some(said));
                    }
                }
                State::Piece { left } => {
                    let piece = up_to(left, bytes);
                    if *left == 0 {
                        self.0 = State::default();
                    }
                    if piece.is_empty() && bytes.is_empty() {
                        return Ok(None);
                    }
                    return Ok(Some(Said::Piece(piece)));
                }
                State::Passed { left } => {
                    up_to(left, bytes);
                    if *left > 0 {
                        return Ok(None);
                    }
                    self.0 = State::default();
                }
                State::Close { body, length } => {
                    let Some([a, b, c, d, text @ ..]) = whole(body, *length, bytes) else {
                        return Ok(None);
                    };
                    let code = CloseCode(u32::from_be_bytes([*a, *b, *c, *d]));
                    let told = CloseReason::told(code, text);
                    self.0 = State::default();
                    return Ok(Some(Said::Close(told)));
                }
            }
        }
    }

    /// Whether the last record is whole and nothing of the next has come.
    pub(crate) fn is_between(&self) -> bool {
        matches!(&self.0, State::Head(held) if held.is_empty())
    }

    fn begin(&mut self, kind: u8, length: usize) -> Result<Option<Said<'static>>, BadRecord> {
        match (kind, length) {
            (PIECE, 1..=RECORD_BYTES_MAX) => self.0 = State::Piece { left: length },
            (CLOSE, CODE_BYTES..=LAST_WORD_BYTES_MAX) => {
                let body = Vec::new();
                self.0 = State::Close { body, length };
            }
            (KNOCK, 0) => return Ok(Some(Said::Knock)),
            (ANSWER, 0) => return Ok(Some(Said::Answer)),
            (PIECE | CLOSE | KNOCK | ANSWER, _) => return Err(BadRecord),
            (_, left) => self.0 = State::Passed { left },
        }
        Ok(None)
    }
}

/// Fills what is held up to a length; gives it when it is whole.
fn whole<'h>(held: &'h mut Vec<u8>, length: usize, bytes: &mut &[u8]) -> Option<&'h [u8]> {
    let mut left = length.saturating_sub(held.len());
    held.extend_from_slice(up_to(&mut left, bytes));
    (left == 0).then_some(held)
}

/// Takes as many bytes from the front as there are, and no more than are left to take.
fn up_to<'a>(left: &mut usize, bytes: &mut &'a [u8]) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(bytes.len().min(*left));
    *left -= taken.len();
    *bytes = rest;
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What records say, with the pieces joined.
    fn read(bytes: &[u8], cut: usize) -> Result<(Vec<u8>, Vec<String>), BadRecord> {
        let (mut records, mut stream, mut others) = (Records::default(), Vec::new(), Vec::new());
        for mut part in bytes.chunks(cut.max(1)) {
            while let Some(said) = records.next(&mut part)? {
                match said {
                    Said::Piece(piece) => stream.extend_from_slice(piece),
                    other => others.push(format!("{other:?}")),
                }
            }
            assert!(part.is_empty());
        }
        Ok((stream, others))
    }

    #[test]
    fn records_are_read_as_they_were_written_wherever_they_are_cut() {
        let later = [77, 0, 2, 9, 9].to_vec();
        let last = close(CloseCode(260), &"ộ".repeat(100));
        let said = [piece(b"abc"), knock(), later, answer(), piece(b"d"), last].concat();
        for cut in 1..said.len() {
            let (stream, others) = read(&said, cut).unwrap();
            assert_eq!(stream, b"abcd");
            assert_eq!(others[..2], ["Knock", "Answer"]);
            assert!(others[2].contains("too large"), "{}", others[2]);
        }
    }

    #[test]
    fn what_no_link_says_is_refused_before_its_body_comes() {
        let long = u16::try_from(RECORD_BYTES_MAX + 1).unwrap().to_be_bytes();
        for head in [
            [PIECE, long[0], long[1]],
            [PIECE, 0, 0],
            [CLOSE, 0, 3],
            [CLOSE, 1, 0],
            [KNOCK, 0, 1],
        ] {
            assert_eq!(read(&head, 3), Err(BadRecord), "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_hold_more_than_a_last_word(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut records = Records::default();
            let mut left = bytes.as_slice();
            while let Ok(Some(_)) = records.next(&mut left) {}
            let held = match &records.0 {
                State::Head(held) => held.len(),
                State::Close { body, .. } => body.len(),
                State::Piece { .. } | State::Passed { .. } => 0,
            };
            prop_assert!(held <= LAST_WORD_BYTES_MAX);
        }
    }
}
