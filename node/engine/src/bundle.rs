//! Carried by hand: what a link would bring, closed to its receiver, as files that anybody may carry.
//!
//! ```text
//! journal ── plan, pack (zstd), close ──> parts ── stick, e-mail, paper ──> open, unpack ── admit
//! ```
//! Making a bundle changes nothing here: nothing counts as delivered until the receiver's word is back,
//! by link or by the next bundle. Taking one in goes through the same admission as a link's push.

mod anew;
mod error;
mod export;
mod files;
mod import;

use std::io::Read as _;

use hopluu_model::{Digest, Place};
use hopluu_sync::limits::BUNDLE_BYTES_MAX as CONTENT_BYTES_MAX;
use hopluu_trust::{Address, Envelope, EnvelopeError, fingerprint};

pub use self::error::BundleError;
pub(crate) use self::export::Exporting;
pub use self::export::{BundleMade, BundleRequest, Receivers};
pub(crate) use self::import::{PutOff, Reader};
use crate::view::{BundlePlace, BundleView};

/// Longest bundle that is made or read.
pub const BUNDLE_BYTES_MAX: usize = hopluu_trust::limits::ENVELOPE_BYTES_MAX;

/// How small a part may be asked for: an address with its chain, and one sealed change beside it.
pub const PART_BYTES_MIN: u64 = 2_048;

/// What anybody can read of a bundle: its signature holds, nothing is opened, nobody is asked.
///
/// # Errors
/// When it is no bundle, is cut short, or was changed on its way.
pub fn inspect(bytes: &[u8]) -> Result<BundleView, EnvelopeError> {
    let (address, envelope) = Envelope::read(bytes)?;
    Ok(view(&address, &envelope, bytes.len()))
}

fn view(address: &Address, envelope: &Envelope<'_>, bytes: usize) -> BundleView {
    let root: Option<Digest> = address.chain.last().map(|root| fingerprint(root));
    BundleView {
        id: envelope.id().to_string(),
        set: address.set.to_string(),
        part: address.part,
        parts: address.parts,
        bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
        made: address.made,
        from: place(&address.from),
        to: place(&address.to),
        root: root.filter(|root| address.line(root).is_ok()),
    }
}

fn place(place: &Place) -> BundlePlace {
    BundlePlace {
        node: place.node,
        unit: place.unit.clone(),
        office: place.office.clone(),
    }
}

/// What is packed looks back over no more than all of it, 8 MiB; left to itself the library would set
/// 128 MiB aside for whoever claims to.
const WINDOW_LOG_MAX: u32 = 23;

/// Level 19: a bundle is packed once, and carried on whatever there is.
const PACK_LEVEL: i32 = 19;

/// Scans are packed already: more than a look costs seconds and brings nothing.
const PACK_FILES_LEVEL: i32 = 1;

fn pack(bytes: &[u8], level: i32) -> Vec<u8> {
    zstd::bulk::compress(bytes, level).expect("zstd takes any bytes")
}

/// What was packed, as it comes: however much a few bytes may claim to be, no more is kept than may be.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, BundleError> {
    let broken = |detail: std::io::Error| BundleError::Content(detail.to_string());
    let mut decoder = zstd::stream::Decoder::with_buffer(bytes).map_err(broken)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(broken)?;
    let most = u64::try_from(CONTENT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut unpacked = Vec::new();
    let read = decoder.take(most + 1).read_to_end(&mut unpacked);
    read.map_err(broken)?;
    if unpacked.len() > CONTENT_BYTES_MAX {
        return Err(BundleError::Content(format!(
            "it unpacks to more than {CONTENT_BYTES_MAX} bytes"
        )));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_out_and_no_bomb_does() {
        let full = vec![7; CONTENT_BYTES_MAX];
        assert_eq!(unpack(&pack(&full, PACK_LEVEL)).unwrap(), full);
        let bomb = pack(&vec![7; CONTENT_BYTES_MAX + 1], PACK_LEVEL);
        assert!(matches!(unpack(&bomb), Err(BundleError::Content(_))));
        // One that would have 128 MiB set aside before a byte of it is read.
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(27).unwrap();
        std::io::Write::write_all(&mut encoder, b"figures").unwrap();
        std::io::Write::flush(&mut encoder).unwrap();
        let wide = encoder.finish().unwrap();
        assert!(matches!(unpack(&wide), Err(BundleError::Content(_))));
        assert!(unpack(b"figures").is_err());
    }
}
