//! How far two stores have got in each other's journal, as both of them remember it.

use hopluu_model::{Digest, Epoch, Seq};
use serde::{Deserialize, Serialize};

/// What a node durably remembers of one peer. All zero is "nothing yet".
///
/// The halves are written apart, because they become true at different moments: [`Received`] in the
/// transaction that applies what came, [`Acked`] some time after the peer has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What of theirs is durable here.
    pub received: Received,
    /// What of ours is durable there.
    pub acked: Acked,
}

/// "All of the peer's journal through `through`, as far as it is in our scope, is durable here."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// The life of the peer's store for which this holds.
    pub epoch: Epoch,
    /// The last position that is durable here.
    pub through: Seq,
}

/// "All of our journal through `through`, as far as it is in the peer's scope, is durable there, and
/// the two stores have been compared since anything happened that a journal does not tell."
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// What this holds for: see [`Acked::basis`].
    pub basis: Epoch,
    /// The last position that is durable there.
    pub through: Seq,
}

impl Default for Received {
    fn default() -> Self {
        Self {
            epoch: NONE,
            through: Seq(0),
        }
    }
}

impl Default for Acked {
    fn default() -> Self {
        Self {
            basis: NONE,
            through: Seq(0),
        }
    }
}

/// No store draws this epoch: sixteen zero bytes stand for "never".
const NONE: Epoch = Epoch([0; Epoch::LEN]);

/// Nor this one: sixteen set bytes stand for "no longer".
const VOID: Epoch = Epoch([0xff; Epoch::LEN]);

impl Acked {
    /// The life of our store under one [scope](crate::Scope::version): after a restore, or when a tree moves the
    /// borders of scope, the positions that were acknowledged no longer say enough.
    #[must_use]
    pub fn basis(mine: Epoch, scope: Digest) -> Epoch {
        let mut hasher = blake3::Hasher::new_derive_key("hopluu sync 1 basis of a checkpoint");
        hasher.update(mine.as_bytes());
        hasher.update(scope.as_bytes());
        let mut basis = [0; Epoch::LEN];
        hasher.finalize_xof().fill(&mut basis);
        Epoch(basis)
    }
}

impl Received {
    /// Whether anything was ever received under this half.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.epoch == NONE
    }
}

impl Acked {
    /// What stands there while the two stores must be compared. Unlike the default it says that
    /// the peer is no stranger.
    #[must_use]
    pub fn void() -> Self {
        Self {
            basis: VOID,
            through: Seq(0),
        }
    }
}
