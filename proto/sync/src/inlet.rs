//! Cuts a peer's bytes back into frames, wherever the link has split them.

use crate::CloseCode;
use crate::frame::{Frame, KIND_HELLO, KIND_PART, decode};
use crate::limits::{FRAME_BYTES_MAX, MESSAGE_BYTES_MAX};

/// Longest length field: three groups of seven bits hold more than a frame may have.
const LENGTH_BYTES_MAX: usize = 3;

/// What has come and is not a whole frame yet.
#[derive(Debug, Default)]
pub(crate) struct Inlet {
    bytes: Vec<u8>,
    /// How far `bytes` has been used up.
    at: usize,
    /// A message in parts, as far as it has come.
    parts: Vec<u8>,
    /// Whether the hello has come: nothing else may come first, known or not.
    is_greeted: bool,
}

impl Inlet {
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes that wait for the rest of their message.
    pub(crate) fn parts_bytes(&self) -> usize {
        self.parts.len()
    }

    /// Bytes that have not been looked at.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next frame of a kind we know, or none until more bytes come. A message in parts may
    /// grow to `parts_max`.
    pub(crate) fn next(&mut self, parts_max: usize) -> Result<Option<Frame>, CloseCode> {
        loop {
            let Some((start, end)) = self.whole_frame()? else {
                self.drop_used();
                return Ok(None);
            };
            let frame = self.bytes.get(start..end).unwrap_or_default();
            let (kind, body) = frame.split_first().ok_or(CloseCode::Malformed)?;
            self.at = end;
            if *kind != KIND_HELLO && !self.is_greeted {
                return Err(CloseCode::NotHello);
            }
            self.is_greeted = true;
            if *kind == KIND_PART {
                let (flag, piece) = body.split_first().ok_or(CloseCode::PartsBroken)?;
                if piece.is_empty() || *flag > 1 {
                    return Err(CloseCode::PartsBroken);
                }
                if self.parts.len() + piece.len() > MESSAGE_BYTES_MAX {
                    return Err(CloseCode::FrameTooLarge);
                }
                if self.parts.len() + piece.len() > parts_max {
                    return Err(CloseCode::Busy);
                }
                self.parts.extend_from_slice(piece);
                if *flag == 0 {
                    continue;
                }
                let message = std::mem::take(&mut self.parts);
                let (kind, body) = message.split_first().ok_or(CloseCode::PartsBroken)?;
                if *kind == KIND_PART {
                    return Err(CloseCode::PartsBroken);
                }
                if let Some(frame) = decode(*kind, body)? {
                    return Ok(Some(frame));
                }
            } else {
                if !self.parts.is_empty() {
                    return Err(CloseCode::PartsBroken);
                }
                if let Some(frame) = decode(*kind, body)? {
                    return Ok(Some(frame));
                }
            }
        }
    }

    /// Where the next frame's kind and body begin and end, once all of it is here.
    fn whole_frame(&self) -> Result<Option<(usize, usize)>, CloseCode> {
        let mut len = 0usize;
        for index in 0..LENGTH_BYTES_MAX {
            let Some(byte) = self.bytes.get(self.at + index) else {
                return Ok(None);
            };
            len |= usize::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                if len > FRAME_BYTES_MAX {
                    return Err(CloseCode::FrameTooLarge);
                }
                if *byte == 0 && index > 0 {
                    return Err(CloseCode::Malformed);
                }
                let start = self.at + index + 1;
                let is_here = self.bytes.len() >= start + len;
                return Ok(is_here.then_some((start, start + len)));
            }
        }
        Err(CloseCode::FrameTooLarge)
    }

    fn drop_used(&mut self) {
        self.bytes.drain(..self.at);
        self.at = 0;
    }
}
