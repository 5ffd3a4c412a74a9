//! An address and randomness that are the same every time.

use std::convert::Infallible;

use hopluu_model::{Place, Timestamp};
use hpke::rand_core::{TryCryptoRng, TryRng};

use super::{Address, SetId};
use crate::testing::{good_chain, key};

/// Counts up: what a test needs of randomness is that it is the same every time.
pub(crate) struct Counting(pub(crate) u8);

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("keys are drawn in bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("keys are drawn in bytes")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(1);
            *byte = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

pub(crate) fn place(seed: u8, unit: &str) -> Place {
    Place {
        node: key(seed).signer.node_id(),
        unit: unit.parse().unwrap(),
        office: None,
    }
}

/// From the commune of [`good_chain`] to its district.
pub(crate) fn address() -> Address {
    Address {
        from: place(3, "19429@2020-02-01"),
        chain: good_chain()[1..].to_vec(),
        to: place(2, "465@2020-01-01"),
        made: Timestamp(1_600_000_000_000),
        set: SetId([7; 8]),
        part: 1,
        parts: 2,
    }
}
