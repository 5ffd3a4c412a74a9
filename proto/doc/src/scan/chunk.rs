//! The chunk around a change: magic, checksum, kind, length; inflated within bounds.

use std::borrow::Cow;
use std::io::Read;

use flate2::Compression;
use flate2::bufread::{DeflateDecoder, DeflateEncoder};
use hopluu_model::ChangeHash;
use sha2::{Digest, Sha256};

use super::{ScanError, ScanLimits};
use crate::leb128::{Reader, write_length};

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHANGE: u8 = 1;
const DEFLATED_CHANGE: u8 = 2;

/// Longest chunk that Automerge does not deflate.
const PLAIN_BYTES_MAX: usize = 256;

/// A change chunk, inflated.
#[derive(Debug)]
pub(crate) struct Chunk<'a> {
    /// First bytes of the change's hash.
    pub(super) checksum: [u8; 4],
    /// The body of the uncompressed change.
    pub(crate) body: Cow<'a, [u8]>,
}

impl<'a> Chunk<'a> {
    pub(crate) fn read(bytes: &'a [u8], limits: &ScanLimits) -> Result<Self, ScanError> {
        if bytes.len() > limits.chunk_bytes_max {
            return Err(ScanError::ChunkTooLarge {
                bytes: bytes.len(),
                max: limits.chunk_bytes_max,
            });
        }
        let damaged = ScanError::Damaged("head of the chunk");
        let mut reader = Reader::new(bytes);
        if reader.take(4).map_err(|_| damaged)? != MAGIC {
            return Err(ScanError::Damaged("magic bytes"));
        }
        let checksum = *reader
            .take(4)
            .ok()
            .and_then(|bytes| bytes.first_chunk())
            .ok_or(damaged)?;
        let kind = reader.byte().map_err(|_| damaged)?;
        let length = reader.count().map_err(|_| damaged)?;
        let data = reader.take(length).map_err(|_| damaged)?;
        if !reader.is_empty() {
            return Err(ScanError::Damaged("bytes after the chunk"));
        }
        let body = match kind {
            CHANGE => Cow::Borrowed(data),
            DEFLATED_CHANGE => Cow::Owned(inflate(data, limits.inflated_bytes_max)?),
            other => return Err(ScanError::NotAChange(other)),
        };
        if body.len() > limits.inflated_bytes_max {
            return Err(ScanError::InflatesTooLarge {
                max: limits.inflated_bytes_max,
            });
        }
        Ok(Self { checksum, body })
    }

    /// The chunk around a body, and Automerge's hash of the change.
    pub(crate) fn around(body: Vec<u8>) -> (Self, ChangeHash) {
        let mut chunk = Self {
            checksum: [0; 4],
            body: Cow::Owned(body),
        };
        let hash = chunk.hash();
        if let Some(checksum) = hash.as_bytes().first_chunk() {
            chunk.checksum = *checksum;
        }
        (chunk, hash)
    }

    /// As a store keeps it: deflated as Automerge does, where the change is not short.
    pub(crate) fn stored_bytes(&self, limits: &ScanLimits) -> Result<Vec<u8>, ScanError> {
        let inflated = self.body.len();
        if inflated > limits.inflated_bytes_max {
            return Err(ScanError::InflatesTooLarge {
                max: limits.inflated_bytes_max,
            });
        }
        let plain = self.plain_bytes();
        let bytes = if plain.len() > PLAIN_BYTES_MAX {
            let mut deflated = Vec::new();
            DeflateEncoder::new(&*self.body, Compression::default())
                .read_to_end(&mut deflated)
                .map_err(|_| ScanError::Damaged("a body that does not deflate"))?;
            self.framed(DEFLATED_CHANGE, &deflated)
        } else {
            plain
        };
        if bytes.len() > limits.chunk_bytes_max {
            return Err(ScanError::ChunkTooLarge {
                bytes: bytes.len(),
                max: limits.chunk_bytes_max,
            });
        }
        Ok(bytes)
    }

    /// Automerge's hash of the change, of which the checksum is the beginning.
    pub(crate) fn hash(&self) -> ChangeHash {
        let mut head = vec![CHANGE];
        write_length(&mut head, &self.body);
        let hash = Sha256::new().chain_update(head).chain_update(&self.body);
        ChangeHash(hash.finalize().into())
    }

    /// The chunk as Automerge writes it uncompressed.
    pub(crate) fn plain_bytes(&self) -> Vec<u8> {
        self.framed(CHANGE, &self.body)
    }

    fn framed(&self, kind: u8, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(data.len() + 16);
        out.extend(MAGIC);
        out.extend(self.checksum);
        out.push(kind);
        write_length(&mut out, data);
        out.extend_from_slice(data);
        out
    }
}

fn inflate(data: &[u8], max: usize) -> Result<Vec<u8>, ScanError> {
    let mut decoder = DeflateDecoder::new(data);
    let mut body = Vec::new();
    // One byte more than allowed, to tell "exactly the bound" from "beyond it".
    let bound = (max as u64).saturating_add(1);
    decoder
        .by_ref()
        .take(bound)
        .read_to_end(&mut body)
        .map_err(|_| ScanError::Damaged("deflated bytes"))?;
    if body.len() > max {
        return Err(ScanError::InflatesTooLarge { max });
    }
    // What hides behind the end of the stream would travel under the same hash.
    if decoder.total_in() != data.len() as u64 {
        return Err(ScanError::Damaged("bytes after the deflated change"));
    }
    Ok(body)
}
