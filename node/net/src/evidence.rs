//! What all handshakes judge by together: the latest time there is evidence of, and the chains that held.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hopluu_model::{Digest, Timestamp};
use hopluu_trust::{ChainError, Identity, verify_line};

use crate::limits::CHAINS_KEPT_MAX;

/// Shared by all handshakes; expiry is judged by it.
#[derive(Clone)]
pub(crate) struct Evidence(Arc<Shared>);

struct Shared {
    at: AtomicI64,
    /// Who is in a chain that was verified, by all its bytes and the root it was held against. A signature that
    /// holds does so for good, and is most of what a handshake costs; time is asked each time.
    held: Mutex<BTreeMap<Digest, Vec<Identity>>>,
    /// How many chains did not hold, by the rule they break: nobody is known by one, so there is nothing else to
    /// count them by.
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

impl Evidence {
    /// No evidence yet: nothing has expired.
    pub(crate) fn none() -> Self {
        Self(Arc::new(Shared {
            at: AtomicI64::new(i64::MIN),
            held: Mutex::default(),
            refused: Mutex::default(),
        }))
    }

    pub(crate) fn set(&self, at: Timestamp) {
        self.0.at.store(at.0, Ordering::Relaxed);
    }

    fn at(&self) -> Option<Timestamp> {
        match self.0.at.load(Ordering::Relaxed) {
            i64::MIN => None,
            at => Some(Timestamp(at)),
        }
    }

    /// Everybody in a chain, as [`verify_line`] judges it.
    pub(crate) fn verify(
        &self,
        chain: &[Vec<u8>],
        root: &Digest,
    ) -> Result<Vec<Identity>, ChainError> {
        let (name, at) = (name_of(chain, root), self.at());
        let expired = |identity: &Identity| at.is_some_and(|now| now > identity.not_after);
        if let Some(line) = self.held().get(&name)
            && !line.iter().any(expired)
        {
            return Ok(line.clone());
        }
        let line = verify_line(chain, root, at).inspect_err(|error| self.count(error))?;
        let mut held = self.held();
        if held.len() >= CHAINS_KEPT_MAX {
            // All can be verified again; which of them comes next nobody knows.
            held.clear();
        }
        held.insert(name, line.clone());
        Ok(line)
    }

    /// How many chains did not hold since this was asked last, by the rule they break.
    pub(crate) fn take_refused(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut *self.refused())
    }

    fn count(&self, error: &ChainError) {
        let mut refused = self.refused();
        let count = refused.entry(error.as_str()).or_default();
        *count = count.saturating_add(1);
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u64>> {
        let refused = self.0.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<Digest, Vec<Identity>>> {
        // Whole between statements, so a panic elsewhere does not spoil it.
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Evidence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Evidence")
            .field("at", &self.at())
            .finish_non_exhaustive()
    }
}

/// No two chains or roots share it: each part is hashed by itself.
fn name_of(chain: &[Vec<u8>], root: &Digest) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(root.as_bytes());
    for der in chain {
        hasher.update(blake3::hash(der).as_bytes());
    }
    Digest(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use hopluu_trust::fingerprint;

    use super::*;
    use crate::tests::{NOT_AFTER, chain, chain_of};

    fn root_of(chain: &[Vec<u8>]) -> Digest {
        fingerprint(chain.last().unwrap())
    }

    #[test]
    fn a_chain_that_held_is_not_verified_again_and_no_other_passes_for_it() {
        let (evidence, good) = (Evidence::none(), chain(3));
        let root = root_of(&good);
        let line = evidence.verify(&good, &root).unwrap();
        assert_eq!(line, verify_line(&good, &root, None).unwrap());
        assert_eq!(evidence.verify(&good, &root), Ok(line));
        assert_eq!(evidence.held().len(), 1);
        let foreign = root_of(&chain_of(40, 3));
        let refused = evidence.verify(&good, &foreign);
        assert!(matches!(refused, Err(ChainError::ForeignRoot { .. })));
        for (at, der) in good.iter().enumerate() {
            let mut bad = good.clone();
            *bad[at].last_mut().unwrap() ^= 1;
            assert!(evidence.verify(&bad, &root).is_err());
            let mut moved = good.clone();
            moved[at] = der[..der.len() - 1].to_vec();
            assert!(evidence.verify(&moved, &root).is_err());
        }
        assert_eq!(evidence.held().len(), 1);
    }

    #[test]
    fn a_chain_that_held_expires_all_the_same() {
        let (evidence, chain) = (Evidence::none(), chain(2));
        let root = root_of(&chain);
        evidence.verify(&chain, &root).unwrap();
        evidence.set(NOT_AFTER);
        evidence.verify(&chain, &root).unwrap();
        evidence.set(Timestamp(NOT_AFTER.0 + 1));
        let refused = evidence.verify(&chain, &root);
        assert!(matches!(refused, Err(ChainError::Expired { .. })));
    }

    #[test]
    fn chains_remembered_are_bounded() {
        let (evidence, chain) = (Evidence::none(), chain(1));
        for number in 0..CHAINS_KEPT_MAX {
            let name = Digest(*blake3::hash(&number.to_le_bytes()).as_bytes());
            evidence.held().insert(name, Vec::new());
        }
        evidence.verify(&chain, &root_of(&chain)).unwrap();
        assert_eq!(evidence.held().len(), 1);
    }
}
