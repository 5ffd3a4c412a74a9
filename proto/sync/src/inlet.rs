//! Cuts a peer's bytes back into frames, wherever the link has split them.

use crate::CloseCode;
use crate::dictionary::Pair;
use crate::frame::{Frame, KIND_HELLO, KIND_PART, KIND_STREAM, decode};
use crate::limits::{
    FRAME_BYTES_MAX, MESSAGE_BYTES_MAX, READ_BYTES_AT_ONCE, READ_BYTES_OF_PIECE, UNKNOWN_FRAMES_MAX,
};
use crate::stream::{Unpacker, unpack_alone};

/// Longest length field: three groups of seven bits hold more than a frame may have.
const LENGTH_BYTES_MAX: usize = 3;

/// What has come and is not a whole frame yet.
#[derive(Debug)]
pub(crate) struct Inlet {
    pair: Pair,
    /// As it came.
    wire: Buffer,
    /// What a stream held.
    unpacked: Buffer,
    unpacker: Option<Unpacker>,
    /// A message in parts, as far as it has come.
    parts: Vec<u8>,
    /// Whether the hello has come: nothing else may come first, known or not.
    is_greeted: bool,
    /// Frames of unknown kinds, and ends of streams, since the last frame of a known one.
    unknown: u32,
    /// What has been read in this turn.
    read_bytes: usize,
}

impl Inlet {
    pub(crate) fn new(pair: Pair) -> Self {
        Self {
            pair,
            wire: Buffer::default(),
            unpacked: Buffer::default(),
            unpacker: None,
            parts: Vec::new(),
            is_greeted: false,
            unknown: 0,
            read_bytes: 0,
        }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.wire.take(bytes);
        self.begin_turn();
    }

    /// Another turn: as much again may be read.
    pub(crate) fn begin_turn(&mut self) {
        self.read_bytes = 0;
    }

    /// Whether there may be more to read, in another turn.
    pub(crate) fn has_more(&self) -> bool {
        self.is_turn_over() && self.waiting_bytes() > 0
    }

    fn is_turn_over(&self) -> bool {
        self.read_bytes >= READ_BYTES_AT_ONCE
    }

    /// Bytes that wait for the rest of their message.
    pub(crate) fn parts_bytes(&self) -> usize {
        self.parts.len()
    }

    /// Bytes that have not been looked at.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.wire.waiting() + self.unpacked.waiting()
    }

    /// The next frame of a kind we know, or none until more bytes come or another turn
    /// [begins](Self::begin_turn). A message in parts may grow to `parts_max`.
    pub(crate) fn next(&mut self, parts_max: usize) -> Result<Option<Frame>, CloseCode> {
        loop {
            if self.is_turn_over() {
                self.wire.drop_used();
                return Ok(None);
            }
            if let Some((start, end)) = self.unpacked.whole_frame()? {
                let frame = self.unpacked.use_up(start, end);
                if let Some(frame) = self.read(&frame, parts_max)? {
                    return Ok(Some(frame));
                }
                continue;
            }
            self.unpacked.drop_used();
            let Some((start, end)) = self.wire.whole_frame()? else {
                self.wire.drop_used();
                return Ok(None);
            };
            let frame = self.wire.use_up(start, end);
            let (kind, body) = frame.split_first().ok_or(CloseCode::Malformed)?;
            if *kind == KIND_STREAM && self.is_greeted {
                self.take_piece(body)?;
            } else if self.unpacked.waiting() > 0 {
                // A frame of a stream ends in the stream.
                return Err(CloseCode::Malformed);
            } else if let Some(frame) = self.read(&frame, parts_max)? {
                return Ok(Some(frame));
            }
        }
    }

    /// Whether the peer has begun a stream that it has not ended: it sends much.
    pub(crate) fn is_streaming(&self) -> bool {
        self.unpacker.is_some()
    }

    /// Takes a packed piece, which brings something: an honest side never packs nothing.
    fn take_piece(&mut self, body: &[u8]) -> Result<(), CloseCode> {
        self.read_bytes += READ_BYTES_OF_PIECE;
        let before = self.unpacked.waiting();
        let ends = self.unpack(body)?;
        if ends {
            return self.count_unknown();
        }
        if self.unpacked.waiting() == before {
            return Err(CloseCode::Malformed);
        }
        Ok(())
    }

    /// Whether the stream ends with this piece.
    fn unpack(&mut self, body: &[u8]) -> Result<bool, CloseCode> {
        let (flag, packed) = body.split_first().ok_or(CloseCode::Malformed)?;
        let is_between = self.unpacked.waiting() == 0;
        let packed = match flag {
            0 => packed,
            1 if is_between => {
                let (dictionary, packed) = self.dictionary(packed)?;
                self.unpacker = Some(Unpacker::new(&dictionary)?);
                packed
            }
            2 if is_between && packed.is_empty() => {
                self.unpacker = None;
                return Ok(true);
            }
            3 if is_between => {
                let (dictionary, packed) = self.dictionary(packed)?;
                unpack_alone(packed, &dictionary, &mut self.unpacked.bytes)?;
                return Ok(false);
            }
            _ => return Err(CloseCode::Malformed),
        };
        let unpacker = self.unpacker.as_mut().ok_or(CloseCode::Malformed)?;
        unpacker.unpack(packed, &mut self.unpacked.bytes)?;
        Ok(false)
    }

    /// The dictionary that a piece names, which is one of those we have said that we know.
    fn dictionary<'p>(&self, piece: &'p [u8]) -> Result<(Vec<u8>, &'p [u8]), CloseCode> {
        let (number, packed) = piece.split_first().ok_or(CloseCode::Malformed)?;
        let dictionary = self.pair.dictionary(*number);
        Ok((dictionary.ok_or(CloseCode::Malformed)?, packed))
    }

    /// A frame, or nothing where it is part of a message or of a kind that we do not know.
    fn read(&mut self, frame: &[u8], parts_max: usize) -> Result<Option<Frame>, CloseCode> {
        self.read_bytes += frame.len() + 1;
        let (kind, body) = frame.split_first().ok_or(CloseCode::Malformed)?;
        if *kind != KIND_HELLO && !self.is_greeted {
            return Err(CloseCode::NotHello);
        }
        self.is_greeted = true;
        if *kind != KIND_PART {
            if !self.parts.is_empty() {
                return Err(CloseCode::PartsBroken);
            }
            return self.known(*kind, body);
        }
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
            return Ok(None);
        }
        let message = std::mem::take(&mut self.parts);
        let (kind, body) = message.split_first().ok_or(CloseCode::PartsBroken)?;
        if *kind == KIND_PART {
            return Err(CloseCode::PartsBroken);
        }
        self.known(*kind, body)
    }

    /// A frame of a kind that we know; some others are passed over.
    fn known(&mut self, kind: u8, body: &[u8]) -> Result<Option<Frame>, CloseCode> {
        let frame = decode(kind, body)?;
        match frame {
            Some(_) => self.unknown = 0,
            None => self.count_unknown()?,
        }
        Ok(frame)
    }

    /// A frame that says nothing.
    fn count_unknown(&mut self) -> Result<(), CloseCode> {
        self.unknown += 1;
        if self.unknown > UNKNOWN_FRAMES_MAX {
            return Err(CloseCode::Malformed);
        }
        Ok(())
    }
}

/// Bytes that are used up from the front.
#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// How far `bytes` has been used up.
    at: usize,
}

impl Buffer {
    fn take(&mut self, bytes: &[u8]) {
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn waiting(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn use_up(&mut self, start: usize, end: usize) -> Vec<u8> {
        self.at = end;
        self.bytes.get(start..end).unwrap_or_default().to_vec()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dictionary::NEWEST;
    use crate::frame::{Ack, StreamFlag, stream_frame};
    use crate::golden::{hello, pair};
    use crate::outlet::Outlet;
    use crate::stream::Packer;

    /// Bytes of acknowledgements, as they stand in a stream.
    fn acks(count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        for pushes in 0..count {
            let ack = Ack {
                pushes,
                refused: Vec::new(),
            };
            crate::frame::encode(&Frame::Ack(ack), &mut bytes);
        }
        bytes
    }

    fn greeted() -> Inlet {
        let mut bytes = Vec::new();
        crate::frame::encode(&hello(None), &mut bytes);
        let mut inlet = Inlet::new(pair());
        inlet.take(&bytes);
        assert!(inlet.next(0).unwrap().is_some());
        inlet
    }

    fn stream(flag: StreamFlag, packed: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        stream_frame(flag, 0, packed, &mut bytes);
        bytes
    }

    fn refused(mut inlet: Inlet, bytes: &[u8]) -> CloseCode {
        inlet.take(bytes);
        loop {
            match inlet.next(0) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("nothing was refused"),
                Err(code) => return code,
            }
        }
    }

    #[test]
    fn a_stream_keeps_to_its_rules() {
        let pack = |bytes: &[u8]| Packer::new(&[]).unwrap().pack(bytes);
        // Nothing comes before the hello.
        let early = stream(StreamFlag::Begins, &pack(&acks(1)));
        assert_eq!(refused(Inlet::new(pair()), &early), CloseCode::NotHello);
        // A piece of a stream that was never begun.
        let lost = stream(StreamFlag::GoesOn, &pack(&acks(1)));
        assert_eq!(refused(greeted(), &lost), CloseCode::Malformed);
        // A frame that begins in a stream and goes on beside it.
        let half = acks(1);
        let mut torn = stream(StreamFlag::Begins, &pack(&half[..half.len() - 1]));
        torn.extend(acks(1));
        assert_eq!(refused(greeted(), &torn), CloseCode::Malformed);
        // One that has ended.
        let mut ended = stream(StreamFlag::Begins, &pack(&acks(1)));
        ended.extend(stream(StreamFlag::Ends, &[]));
        ended.extend(stream(StreamFlag::GoesOn, &pack(&acks(1))));
        assert_eq!(refused(greeted(), &ended), CloseCode::Malformed);
        // A dictionary that nobody knows, and none.
        let unknown = [9, KIND_STREAM, 3, 99, 0, 0, 0, 0, 0, 0];
        assert_eq!(refused(greeted(), &unknown), CloseCode::Malformed);
        assert_eq!(
            refused(greeted(), &[2, KIND_STREAM, 1]),
            CloseCode::Malformed
        );
        // Nothing, for which a reader is made, and no end of ends.
        let nothing = stream(StreamFlag::Begins, &[]);
        assert_eq!(refused(greeted(), &nothing), CloseCode::Malformed);
        let empty = stream(StreamFlag::Begins, &pack(&[]));
        assert_eq!(refused(greeted(), &empty), CloseCode::Malformed);
        let mut idle = stream(StreamFlag::Begins, &pack(&acks(1)));
        idle.extend(stream(StreamFlag::GoesOn, &[]));
        assert_eq!(refused(greeted(), &idle), CloseCode::Malformed);
        let ends = stream(StreamFlag::Ends, &[]);
        let mut inlet = greeted();
        for _ in 0..UNKNOWN_FRAMES_MAX {
            inlet.take(&ends);
            assert_eq!(inlet.next(0), Ok(None));
        }
        assert_eq!(refused(inlet, &ends), CloseCode::Malformed);
        // Far more than one piece may hold.
        let bomb = stream(StreamFlag::Begins, &pack(&vec![0; 1 << 20]));
        assert_eq!(refused(greeted(), &bomb), CloseCode::FrameTooLarge);
    }

    #[test]
    fn what_is_packed_names_a_dictionary_that_the_peer_knows() {
        for number in 0..=NEWEST {
            let (mut outlet, mut inlet) = (Outlet::new(pair(), number), greeted());
            for pushes in 0..50 {
                outlet.say(&Frame::Ack(Ack {
                    pushes,
                    refused: Vec::new(),
                }));
            }
            let piece = outlet
                .next_piece(true, crate::limits::SEND_BYTES_MAX)
                .unwrap();
            let [_, kind, flag, named] = piece[..4] else {
                panic!("{piece:?}")
            };
            assert_eq!((kind, flag, named), (KIND_STREAM, 3, number));
            inlet.take(&piece);
            for _ in 0..50 {
                assert!(inlet.next(0).unwrap().is_some());
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_heard(
            bursts in proptest::collection::vec((0..900u64, any::<bool>(), any::<bool>()), 1..12),
            dictionary in 0..2u8,
            cut in 1..5_000usize,
            piece_max in 1..20_000usize,
        ) {
            let (mut outlet, mut inlet) = (Outlet::new(pair(), 0), Inlet::new(pair()));
            outlet.say(&hello(None));
            outlet.use_dictionary(dictionary);
            let (mut said, mut heard) = (1, 0);
            for (count, may_pack, rests) in bursts {
                for pushes in 0..count {
                    outlet.say(&Frame::Ack(Ack { pushes, refused: Vec::new() }));
                    said += 1;
                }
                while let Some(piece) = outlet.next_piece(may_pack, piece_max) {
                    prop_assert!(piece.len() <= crate::limits::SEND_BYTES_MAX);
                    for bytes in piece.chunks(cut) {
                        inlet.take(bytes);
                        while inlet.next(0).unwrap().is_some() {
                            heard += 1;
                        }
                    }
                    outlet.taken();
                }
                if rests {
                    outlet.end_stream();
                }
            }
            prop_assert_eq!(said, heard);
            outlet.end_stream();
            while let Some(piece) = outlet.next_piece(false, piece_max) {
                inlet.take(&piece);
                prop_assert!(inlet.next(0).unwrap().is_none());
                outlet.taken();
            }
            prop_assert!(inlet.unpacker.is_none(), "a link at rest holds no reader");
        }
    }
}
