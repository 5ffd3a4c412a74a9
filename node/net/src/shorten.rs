//! Certificates in the handshake without what all of ours have in common (RFC 8879).
//!
//! A chain of three is a kilobyte of which keys, signatures and names are a third; the rest is X.509's own
//! frame. Packed with one of each kind as a dictionary, our whole first flight fits into a packet. The two sides
//! agree on it by its number as on everything in TLS: who does not know it is sent the chain as it is.

use rustls::CertificateCompressionAlgorithm;
use rustls::compress::{
    CertCompressor, CertDecompressor, CompressionFailed, CompressionLevel, DecompressionFailed,
};
use zstd::bulk::{Compressor, Decompressor};

/// An office's certificate and its unit's, as this program wrote them in version 0.1. What it holds may
/// never change: certificates that differ more become longer, and another dictionary gets another number.
const DICTIONARY: &[u8] = include_bytes!("shorten/certificates-1.bin");

/// zstd with [`DICTIONARY`], from the numbers that RFC 8879 leaves to private use.
const ALGORITHM: CertificateCompressionAlgorithm = CertificateCompressionAlgorithm::Unknown(0x4c01);

/// Slow is fast enough for a kilobyte, and TLS keeps what it has sent before.
const LEVEL: i32 = 19;

pub(crate) const PACKER: &dyn CertCompressor = &Shorten;
pub(crate) const UNPACKER: &dyn CertDecompressor = &Shorten;

#[derive(Debug)]
struct Shorten;

impl CertCompressor for Shorten {
    fn compress(
        &self,
        input: Vec<u8>,
        _level: CompressionLevel,
    ) -> Result<Vec<u8>, CompressionFailed> {
        let packer = Compressor::with_dictionary(LEVEL, DICTIONARY);
        let packed = packer.and_then(|mut packer| packer.compress(&input));
        packed.map_err(|_| CompressionFailed)
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        ALGORITHM
    }
}

impl CertDecompressor for Shorten {
    /// Nothing is written beyond `output`, whose length TLS has bounded.
    fn decompress(&self, input: &[u8], output: &mut [u8]) -> Result<(), DecompressionFailed> {
        let room = output.len();
        let unpacker = Decompressor::with_dictionary(DICTIONARY);
        let unpacked =
            unpacker.and_then(|mut unpacker| unpacker.decompress_to_buffer(input, output));
        if unpacked.is_ok_and(|bytes| bytes == room) {
            Ok(())
        } else {
            Err(DecompressionFailed)
        }
    }

    fn algorithm(&self) -> CertificateCompressionAlgorithm {
        ALGORITHM
    }
}

#[cfg(test)]
mod tests {
    use hopluu_model::Timestamp;
    use hopluu_trust::Signer;

    use super::*;
    use crate::key::{Subject, issue, write_root};

    fn chain(first: u8) -> Vec<Vec<u8>> {
        let signer = |n: u8| Signer::from_seed(&[first + n; 32]);
        let not_after = Timestamp(1_900_000_000_000 + i64::from(first) * 86_400_000);
        let unit = "45@2020-01-01".parse().unwrap();
        let mut chain = vec![write_root(&signer(0), &unit, not_after).unwrap()];
        let below = [
            ("465@2020-01-01", None),
            ("19429@2020-02-01", None),
            ("19429@2020-02-01", Some("police")),
        ];
        for (n, (unit, office)) in (0..).zip(below) {
            let subject = Subject {
                node: signer(n + 1).node_id(),
                unit: unit.parse().unwrap(),
                office: office.map(|office| office.parse().unwrap()),
                not_after,
            };
            chain = issue(&signer(n), &chain, &subject).unwrap();
        }
        chain
    }

    /// As it stands in the message: the length of each, and no extensions.
    fn message(chain: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 0];
        for der in chain {
            let length = u32::try_from(der.len()).unwrap().to_be_bytes();
            bytes.extend(&length[1..]);
            bytes.extend(der);
            bytes.extend([0, 0]);
        }
        bytes
    }

    fn unpacked(packed: &[u8], bytes: usize) -> Option<Vec<u8>> {
        let mut out = vec![0; bytes];
        UNPACKER.decompress(packed, &mut out).ok().map(|()| out)
    }

    #[test]
    fn a_chain_is_little_more_than_its_keys_and_signatures() {
        let chain = chain(7);
        for from in 0..chain.len() {
            let plain = message(&chain[from..]);
            let packed = PACKER
                .compress(plain.clone(), CompressionLevel::Amortized)
                .unwrap();
            let certificates = chain.len() - from;
            assert!(packed.len() < 40 + 150 * certificates, "{}", packed.len());
            assert_eq!(unpacked(&packed, plain.len()), Some(plain));
        }
    }

    #[test]
    fn what_is_longer_shorter_or_no_chain_is_refused() {
        let plain = message(&chain(7));
        let packed = PACKER
            .compress(plain.clone(), CompressionLevel::Interactive)
            .unwrap();
        assert_eq!(unpacked(&packed, plain.len() - 1), None);
        assert_eq!(unpacked(&packed, plain.len() + 1), None);
        assert_eq!(unpacked(b"no chain of ours", plain.len()), None);
        let bomb = zstd::bulk::compress(&vec![0; 16 << 20], 19).unwrap();
        assert_eq!(unpacked(&bomb, 1 << 16), None);
    }
}
