//! Our frames on their way to the link, which takes one piece at a time.

use crate::dictionary::Pair;
use crate::frame::{Frame, StreamFlag, encode, stream_frame};
use crate::limits::{
    PACKED_ALONE_FROM_BYTES, PACKED_FROM_BYTES, SEND_BYTES_MAX, UNPACKED_BYTES_MAX,
};
use crate::stream::{Packer, pack_alone};

/// What has been said and is not on the link yet.
#[derive(Debug)]
pub(crate) struct Outlet {
    pair: Pair,
    /// What the peer can read.
    dictionary: u8,
    bytes: Vec<u8>,
    /// How far `bytes` has been handed over.
    at: usize,
    /// Up to where `bytes` goes as it is: the hello, which says what the peer can read, and the end of a stream.
    plain_to: usize,
    /// A piece has been handed over, and the link has not taken it.
    is_sending: bool,
    packer: Option<Packer>,
    /// What is waiting has waited for more already.
    has_waited: bool,
    /// What waits is not packed, and nothing else waits.
    is_alone: bool,
    /// Of the open stream: bytes that were packed, and what they became.
    packed: (usize, usize),
}

impl Outlet {
    pub(crate) fn new(pair: Pair, dictionary: u8) -> Self {
        Self {
            pair,
            dictionary,
            bytes: Vec::new(),
            at: 0,
            plain_to: 0,
            is_sending: false,
            packer: None,
            has_waited: false,
            packed: (0, 0),
            is_alone: false,
        }
    }

    /// What begins from now on is packed with this.
    pub(crate) fn use_dictionary(&mut self, number: u8) {
        self.dictionary = number;
    }

    /// Whether what is waiting may wait for something that will be said in a moment. It does so once.
    pub(crate) fn may_wait(&mut self) -> bool {
        let is_little = (1..PACKED_FROM_BYTES).contains(&self.waiting_bytes());
        is_little && !std::mem::replace(&mut self.has_waited, true)
    }

    pub(crate) fn say(&mut self, frame: &Frame) {
        self.is_alone = false;
        encode(frame, &mut self.bytes);
        if matches!(frame, Frame::Hello(_)) {
            self.plain_to = self.bytes.len();
        }
    }

    /// Says a frame that is not packed: scans do not shrink. For when nothing else waits.
    pub(crate) fn say_alone(&mut self, frame: &Frame) {
        encode(frame, &mut self.bytes);
        self.plain_to = self.bytes.len();
        self.is_alone = true;
    }

    /// Whether all that waits was said so.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_alone
    }

    /// The next piece, unless the link still has one: of so many bytes on the link, about, if it is packed.
    /// Whether a stream may be begun is decided by how many there are.
    pub(crate) fn next_piece(&mut self, may_pack: bool, bytes_max: usize) -> Option<Vec<u8>> {
        if self.is_sending || self.waiting_bytes() == 0 {
            return None;
        }
        (self.is_sending, self.has_waited) = (true, false);
        // Within a piece that was cut nothing changes: what is plain stays plain to its end.
        let is_whole = self.at == 0;
        if is_whole
            && may_pack
            && self.packer.is_none()
            && self.bytes.len() >= self.plain_to + PACKED_FROM_BYTES
        {
            self.packer = Packer::new(&self.known());
            self.packed = (0, 0);
        }
        let unpacked_max = self.unpacked(bytes_max).min(UNPACKED_BYTES_MAX);
        let piece = match &mut self.packer {
            Some(packer) => {
                let plain = self.plain_to.saturating_sub(self.at);
                let end = self.bytes.len().min(self.at + plain + unpacked_max);
                let head = self.bytes.get(self.at..self.at + plain);
                let mut piece = head.unwrap_or_default().to_vec();
                let rest = self.bytes.get(self.at + plain..end).unwrap_or_default();
                if !rest.is_empty() {
                    let flag = if packer.begins() {
                        StreamFlag::Begins
                    } else {
                        StreamFlag::GoesOn
                    };
                    let packed = packer.pack(rest);
                    self.packed.0 += rest.len();
                    self.packed.1 += packed.len();
                    stream_frame(flag, self.dictionary, &packed, &mut piece);
                }
                self.at = end;
                piece
            }
            None if is_whole && self.bytes.len() <= PACKED_FROM_BYTES => self.whole_piece(),
            None => {
                let end = self
                    .bytes
                    .len()
                    .min(self.at + bytes_max.min(SEND_BYTES_MAX));
                let piece = self.bytes.get(self.at..end).unwrap_or_default().to_vec();
                self.at = end;
                piece
            }
        };
        if self.at == self.bytes.len() {
            // A large message must not be remembered by the room it took.
            self.bytes = Vec::new();
            (self.at, self.plain_to, self.is_alone) = (0, 0, false);
        }
        Some(piece)
    }

    /// All that waits, packed by itself where that is shorter.
    fn whole_piece(&mut self) -> Vec<u8> {
        self.at = self.bytes.len();
        let (plain, rest) = self.bytes.split_at(self.plain_to);
        if rest.len() >= PACKED_ALONE_FROM_BYTES
            && let Some(packed) = pack_alone(rest, &self.known())
        {
            let mut piece = plain.to_vec();
            stream_frame(StreamFlag::Alone, self.dictionary, &packed, &mut piece);
            return piece;
        }
        self.bytes.clone()
    }

    fn known(&self) -> Vec<u8> {
        self.pair.dictionary(self.dictionary).unwrap_or_default()
    }

    /// How many bytes become so many on the link, by what the open stream has made of others.
    pub(crate) fn unpacked(&self, bytes: usize) -> usize {
        let (unpacked, packed) = self.packed;
        let grown = bytes.saturating_mul(unpacked).checked_div(packed);
        grown.unwrap_or(bytes).max(bytes)
    }

    /// How many bytes on the link these may have become: as others of the open stream, or a quarter, as reports do.
    pub(crate) fn packed(&self, bytes: usize) -> usize {
        let (unpacked, packed) = self.packed;
        let shrunk = bytes.saturating_mul(packed).checked_div(unpacked);
        shrunk.unwrap_or(bytes / 4).min(bytes)
    }

    /// The link has taken the piece it was handed.
    pub(crate) fn taken(&mut self) {
        self.is_sending = false;
    }

    /// The link is about to rest: the stream ends, and its memory is free on both sides.
    pub(crate) fn end_stream(&mut self) {
        if self.packer.take().is_some() {
            self.packed = (0, 0);
            stream_frame(StreamFlag::Ends, 0, &[], &mut self.bytes);
            self.plain_to = self.bytes.len();
        }
    }

    pub(crate) fn is_packing(&self) -> bool {
        self.packer.is_some()
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
