//! One zstd stream in each direction, for whatever is more than a few words: reports have most of their
//! bytes in common, so what was said a moment ago is the best dictionary.
//!
//! A stream is begun when much waits to be said and ends when the link comes to rest; its pieces are
//! flushed, so that each can be read when it has come. A sleeping link holds no compressor.

use std::fmt;

use zstd::bulk::{Compressor, Decompressor};
use zstd::stream::raw::{CParameter, DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

use crate::CloseCode;
use crate::limits::{
    ALONE_LEVEL, PACKED_FROM_BYTES, STREAM_LEVEL, STREAM_WINDOW_LOG, UNPACKED_BYTES_MAX,
};

/// Our side's stream.
pub(crate) struct Packer {
    encoder: Encoder<'static>,
    is_begun: bool,
}

/// A peer's stream.
pub(crate) struct Unpacker(Decoder<'static>);

impl Packer {
    /// None when there is no memory for one: then everything goes as it is.
    pub(crate) fn new(dictionary: &[u8]) -> Option<Self> {
        let mut encoder = Encoder::with_dictionary(STREAM_LEVEL, dictionary).ok()?;
        encoder
            .set_parameter(CParameter::WindowLog(STREAM_WINDOW_LOG))
            .ok()?;
        encoder
            .set_parameter(CParameter::ContentSizeFlag(false))
            .ok()?;
        encoder.set_parameter(CParameter::DictIdFlag(false)).ok()?;
        Some(Self {
            encoder,
            is_begun: false,
        })
    }

    /// Whether the next piece begins the stream; it is told the reader, who may have an older one open.
    pub(crate) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.is_begun, true)
    }

    /// The next piece, from which all of `bytes` can be read.
    pub(crate) fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut packed = vec![0; zstd::zstd_safe::compress_bound(bytes.len()) + FLUSH_BYTES];
        let length = {
            let mut input = InBuffer::around(bytes);
            let mut output = OutBuffer::around(packed.as_mut_slice());
            let mut left = 1;
            while input.pos() < bytes.len() || left > 0 {
                if input.pos() < bytes.len() {
                    self.encoder.run(&mut input, &mut output).expect(ROOM);
                }
                left = self.encoder.flush(&mut output).expect(ROOM);
            }
            output.pos()
        };
        packed.truncate(length);
        packed
    }
}

/// All of `bytes` in one piece, if that is shorter.
pub(crate) fn pack_alone(bytes: &[u8], dictionary: &[u8]) -> Option<Vec<u8>> {
    let mut packer = Compressor::with_dictionary(ALONE_LEVEL, dictionary).ok()?;
    packer.set_parameter(CParameter::DictIdFlag(false)).ok()?;
    let packed = packer.compress(bytes).ok()?;
    // Every such piece begins with the same four bytes.
    let packed = packed.strip_prefix(&ZSTD_MAGIC)?;
    (packed.len() + ALONE_HEAD_BYTES < bytes.len()).then(|| packed.to_vec())
}

/// Appends what a piece by itself holds.
pub(crate) fn unpack_alone(
    packed: &[u8],
    dictionary: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), CloseCode> {
    let mut unpacker = Decompressor::with_dictionary(dictionary).map_err(|_| CloseCode::Busy)?;
    let packed = [&ZSTD_MAGIC, packed].concat();
    let unpacked = unpacker.decompress(&packed, PACKED_FROM_BYTES);
    out.extend(unpacked.map_err(|_| CloseCode::Malformed)?);
    Ok(())
}

/// What the first four bytes of everything by zstd are (RFC 8878, section 3.1.1).
const ZSTD_MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();

/// Length, kind, flag and dictionary before a piece by itself.
const ALONE_HEAD_BYTES: usize = 5;

const ROOM: &str =
    "memory was taken when the stream was made, and the buffer holds what cannot be packed";

/// A frame header and the end of a block, on top of what a block may need.
const FLUSH_BYTES: usize = 64;

impl Unpacker {
    pub(crate) fn new(dictionary: &[u8]) -> Result<Self, CloseCode> {
        let mut decoder = Decoder::with_dictionary(dictionary).map_err(|_| CloseCode::Busy)?;
        let window = DParameter::WindowLogMax(STREAM_WINDOW_LOG);
        decoder.set_parameter(window).map_err(|_| CloseCode::Bug)?;
        Ok(Self(decoder))
    }

    /// Appends what a piece holds.
    pub(crate) fn unpack(&mut self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), CloseCode> {
        // One more than allowed shows that there is more.
        let mut room = vec![0; UNPACKED_BYTES_MAX + 1];
        let length = {
            let mut input = InBuffer::around(packed);
            let mut output = OutBuffer::around(room.as_mut_slice());
            loop {
                let before = (input.pos(), output.pos());
                let run = self.0.run(&mut input, &mut output);
                run.map_err(|_| CloseCode::Malformed)?;
                if output.pos() > UNPACKED_BYTES_MAX {
                    return Err(CloseCode::FrameTooLarge);
                }
                if (input.pos(), output.pos()) == before {
                    break;
                }
            }
            if input.pos() < packed.len() {
                return Err(CloseCode::Malformed);
            }
            output.pos()
        };
        out.extend(room.iter().take(length));
        Ok(())
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Packer").finish_non_exhaustive()
    }
}

impl fmt::Debug for Unpacker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Unpacker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: u32) -> Vec<u8> {
        format!("report {number}: 12 meetings, 340 people, nothing out of the ordinary; ")
            .into_bytes()
    }

    #[test]
    fn each_piece_can_be_read_when_it_has_come_and_costs_what_is_new() {
        let (mut packer, mut unpacker) = (Packer::new(&[]).unwrap(), Unpacker::new(&[]).unwrap());
        let mut lengths = Vec::new();
        for number in 0..100 {
            let piece = packer.pack(&text(number).repeat(3));
            let mut read = Vec::new();
            unpacker.unpack(&piece, &mut read).unwrap();
            assert_eq!(read, text(number).repeat(3));
            lengths.push(piece.len());
        }
        assert!(
            lengths[1..].iter().all(|length| *length < 40),
            "{lengths:?}"
        );
    }

    #[test]
    fn what_cannot_be_packed_still_fits() {
        let noise: Vec<u8> = (0..UNPACKED_BYTES_MAX)
            .flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes())
            .take(UNPACKED_BYTES_MAX)
            .collect();
        let piece = Packer::new(&[]).unwrap().pack(&noise);
        assert!(
            piece.len() + 8 <= crate::limits::SEND_BYTES_MAX,
            "{}",
            piece.len()
        );
        let mut read = Vec::new();
        Unpacker::new(&[])
            .unwrap()
            .unpack(&piece, &mut read)
            .unwrap();
        assert_eq!(read, noise);
    }

    #[test]
    fn a_bomb_is_refused_at_its_first_bytes() {
        let bomb = zstd::encode_all(vec![0; 50 << 20].as_slice(), 19).unwrap();
        assert!(bomb.len() < 10_000);
        let mut read = Vec::new();
        let refused = Unpacker::new(&[]).unwrap().unpack(&bomb, &mut read);
        // Its window is beyond what a reader grants, or its content is.
        assert!(matches!(
            refused,
            Err(CloseCode::Malformed | CloseCode::FrameTooLarge)
        ));
        assert_eq!(read, b"");
        let small_window = Packer::new(&[])
            .unwrap()
            .pack(&vec![0; UNPACKED_BYTES_MAX * 3]);
        let refused = Unpacker::new(&[]).unwrap().unpack(&small_window, &mut read);
        assert_eq!(refused, Err(CloseCode::FrameTooLarge));
    }

    #[test]
    fn a_piece_by_itself_is_short_where_the_dictionary_knows_it() {
        let known = text(1);
        let piece = pack_alone(&text(2), &known).unwrap();
        assert!(piece.len() < 30, "{}", piece.len());
        let mut read = Vec::new();
        unpack_alone(&piece, &known, &mut read).unwrap();
        assert_eq!(read, text(2));
        assert_eq!(pack_alone(b"nothing here comes twice", &known), None);
        let refused = unpack_alone(b"this is no piece of ours", &known, &mut read);
        assert_eq!(refused, Err(CloseCode::Malformed));
        let bomb = pack_alone(&vec![0; 1 << 20], &known).unwrap();
        let refused = unpack_alone(&bomb, &known, &mut read);
        assert_eq!(refused, Err(CloseCode::Malformed));
        assert_eq!(read, text(2));
    }

    #[test]
    fn noise_is_refused() {
        let mut read = Vec::new();
        let refused = Unpacker::new(&[])
            .unwrap()
            .unpack(b"this is no stream of ours", &mut read);
        assert_eq!(refused, Err(CloseCode::Malformed));
    }
}
