//! Our frames on their way to the link, which takes one piece at a time.

use crate::frame::{Frame, encode};
use crate::limits::SEND_BYTES_MAX;

/// What has been said and is not on the link yet.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    bytes: Vec<u8>,
    /// How far `bytes` has been handed over.
    at: usize,
    /// A piece has been handed over, and the link has not taken it.
    is_sending: bool,
}

impl Outlet {
    pub(crate) fn say(&mut self, frame: &Frame) {
        encode(frame, &mut self.bytes);
    }

    /// The next piece, unless the link still has one.
    pub(crate) fn next_piece(&mut self) -> Option<Vec<u8>> {
        if self.is_sending || self.waiting_bytes() == 0 {
            return None;
        }
        self.is_sending = true;
        let waiting = self.bytes.get(self.at..).unwrap_or_default();
        if waiting.len() > SEND_BYTES_MAX {
            let piece = waiting.iter().take(SEND_BYTES_MAX).copied().collect();
            self.at += SEND_BYTES_MAX;
            return Some(piece);
        }
        let last = if self.at == 0 {
            std::mem::take(&mut self.bytes)
        } else {
            waiting.to_vec()
        };
        // A large message must not be remembered by the room it took.
        self.bytes = Vec::new();
        self.at = 0;
        Some(last)
    }

    /// The link has taken the piece it was handed.
    pub(crate) fn taken(&mut self) {
        self.is_sending = false;
    }

    /// Whether more may be said. What is said beyond this waits in memory, so nothing is begun that
    /// would lead to it.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting_bytes() < SEND_BYTES_MAX
    }

    /// Whether the link has been handed something that it has not taken.
    pub(crate) fn is_sending(&self) -> bool {
        self.is_sending
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.bytes.len() - self.at
    }
}
