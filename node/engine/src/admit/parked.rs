//! What waits for a form, an author or a change before it, and is tried again.

use std::collections::BTreeSet;

use hopluu_model::NodeId;
use hopluu_store::{DbError, ParkedRow, WriteError, WriteTx};
use hopluu_sync::Acked;

use super::packets::Came;
use super::records::Outside;
use super::{Admission, Admitted, Verdict};
use crate::core::{Core, unreadable};
use crate::limits::{DECODED_OPS_AT_ONCE, PARKED_OPS};
use crate::links::{acked_is, change_checkpoint};
use crate::registry::Registry;
use crate::turn::Turn;

/// What has waited and is being tried again, by its place in the store.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Left {
    /// To be tried in this round.
    places: BTreeSet<u64>,
    /// Tried in vain in this round, for the next.
    waiting: BTreeSet<u64>,
    /// Whether something has come in in this round, for which another may have waited.
    is_moving: bool,
}

impl Left {
    pub(super) fn of(places: Vec<u64>) -> Self {
        Self {
            places: places.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn join(&mut self, other: Self) {
        self.places.extend(other.places);
        self.waiting.extend(other.waiting);
        self.is_moving |= other.is_moving;
    }

    /// The same with a next place, where this round is through.
    fn begun(mut self) -> Self {
        if let Some(place) = self.next() {
            self.places.insert(place);
        }
        self
    }

    /// The next place; with the last of a round in which something came in the next begins.
    fn next(&mut self) -> Option<u64> {
        if self.places.is_empty() && std::mem::take(&mut self.is_moving) {
            self.places = std::mem::take(&mut self.waiting);
        }
        self.places.pop_first()
    }
}

impl Core {
    /// Tries again what waits since an earlier run, which may have ended in the middle of it.
    pub(crate) fn try_all_again(&mut self, turn: &mut Turn) {
        let places = self
            .store()
            .read()
            .and_then(|read| read.parked_places(None));
        match places {
            Ok(places) => self.try_again(turn, Left::of(places)),
            Err(error) => unreadable(&error),
        }
    }

    /// Goes on with what has waited, one transaction after the other, behind what others have sent meanwhile.
    pub(crate) fn try_again(&mut self, turn: &mut Turn, left: Left) {
        self.left.join(left);
        if self.is_trying || self.left.is_empty() {
            return;
        }
        self.is_trying = true;
        let left = std::mem::take(&mut self.left);
        let trying = left.clone();
        let admission = self.admission(None, turn.now);
        self.submit(
            move |tx| admission.go_on(tx, trying),
            move |core, turn, result: Result<Admitted, WriteError<DbError>>| {
                core.is_trying = false;
                match result {
                    // With what others have left meanwhile.
                    Ok(admitted) => core.let_in(turn, admitted, None),
                    // The disk: with the next thing that it takes.
                    Err(error) => {
                        core.left.join(left);
                        core.write_failed(turn, error);
                    }
                }
            },
        );
    }
}

impl Admission {
    /// Tries again what waited, as long as something of it comes in and until it has been [work
    /// enough](DECODED_OPS_AT_ONCE) for one transaction; the rest is left for another.
    ///
    /// Where as much waited as may, more may have been turned away, and nobody remembers what. It too
    /// can come in now that a record is here or that there is room, so that peer is owed a comparison.
    /// Its checkpoint says so from this very transaction on, or a crash would make it forgotten.
    pub(super) fn retry_parked(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &mut Registry,
        mut left: Left,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        if left.is_empty() {
            return Ok(());
        }
        let crowded = tx.parked_full()?;
        let mut freed = BTreeSet::new();
        while admitted.ops < DECODED_OPS_AT_ONCE {
            let Some(place) = left.next() else {
                break;
            };
            let Some(row) = tx.parked_at(place)? else {
                continue;
            };
            admitted.ops = admitted.ops.saturating_add(PARKED_OPS);
            let tried = self.retry(tx, registry, &row, admitted)?;
            left.is_moving |= tried != Tried::Waits;
            if tried == Tried::Done {
                tx.unpark(row.doc, row.hash)?;
                freed.insert(row.node);
            } else {
                left.waiting.insert(place);
            }
        }
        if !left.is_empty() || left.is_moving && !left.waiting.is_empty() {
            admitted.left = left.begun();
        }
        let is_owed = |node: &NodeId| !admitted.records.is_empty() || freed.contains(node);
        admitted.crowded = crowded.into_iter().filter(is_owed).collect();
        for peer in &admitted.crowded {
            change_checkpoint(tx, *peer, |kept| acked_is(kept, Acked::void()))?;
        }
        Ok(())
    }

    fn retry(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &mut Registry,
        row: &ParkedRow,
        admitted: &mut Admitted,
    ) -> Result<Tried, DbError> {
        // Who sent it has it; whose push freed it may not.
        let origin = Some(row.node).filter(|node| *node != self.giver.me.node);
        let came = Came {
            from: origin,
            origin,
        };
        Ok(match read_parked(&row.body) {
            // A record has no descriptor.
            Some(([], body)) => {
                let judged = self.record(tx, registry, body, origin, admitted)?;
                if matches!(judged, Err(Outside::Wait(_))) {
                    return Ok(Tried::Waits);
                }
                registry.settle();
                Tried::Done
            }
            Some((descriptor, body)) => {
                let taken = self.packet(tx, registry, descriptor, body, came)?;
                admitted.ops = admitted.ops.saturating_add(taken.ops);
                let has_moved = !taken.changes.is_empty();
                if has_moved {
                    let doc = admitted.docs.entry(taken.doc).or_default();
                    doc.extend(taken.changes);
                }
                match taken.rest {
                    // What it let in while its rest waits may be what another waits for.
                    Some(Verdict::Wait(_)) if has_moved => Tried::InPart,
                    Some(Verdict::Wait(_)) => Tried::Waits,
                    _ => Tried::Done,
                }
            }
            None => Tried::Done,
        })
    }
}

/// What became of something that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tried {
    Done,
    InPart,
    Waits,
}

pub(super) fn parked_body(descriptor: &[u8], body: &[u8]) -> Vec<u8> {
    postcard::to_stdvec(&(descriptor, body)).expect("byte strings always encode")
}

/// The descriptor and the body of something that waits.
pub(crate) fn read_parked(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    postcard::from_bytes(bytes).ok()
}
