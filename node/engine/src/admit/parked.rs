//! What waits for a form, an author or a change before it, and is tried again.

use std::collections::BTreeSet;

use hopluu_model::NodeId;
use hopluu_store::{DbError, ParkedRow, WriteTx};
use hopluu_sync::Acked;

use super::records::Outside;
use super::{Admission, Admitted, Verdict};
use crate::links::{acked_is, change_checkpoint};
use crate::registry::Registry;

impl Admission {
    /// Tries again what waited, as long as something of it comes in.
    ///
    /// Where as much waited as may, more may have been turned away, and nobody remembers what. It too
    /// can come in now that a record is here or that there is room, so that peer is owed a comparison.
    /// Its checkpoint says so from this very transaction on, or a crash would make it forgotten.
    pub(super) fn retry_parked(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &mut Registry,
        mut rows: Vec<ParkedRow>,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        if rows.is_empty() {
            return Ok(());
        }
        let crowded = tx.parked_full()?;
        let mut freed = BTreeSet::new();
        loop {
            let (before, mut is_moving) = (rows.len(), false);
            let mut waiting = Vec::new();
            for row in rows {
                // Who sent it has it; whose push freed it may not.
                let origin = Some(row.node).filter(|node| *node != self.giver.me.node);
                let is_waiting = match read_parked(&row.body) {
                    // A record has no descriptor.
                    Some(([], body)) => {
                        let judged = self.record(tx, registry, body, origin, admitted)?;
                        let is_waiting = matches!(judged, Err(Outside::Wait(_)));
                        if !is_waiting {
                            registry.settle();
                        }
                        is_waiting
                    }
                    Some((descriptor, body)) => {
                        let taken = self.packet(tx, registry, descriptor, body, origin)?;
                        let (doc, changes) = (taken.doc, taken.changes);
                        if !changes.is_empty() {
                            is_moving = true;
                            admitted.docs.entry(doc).or_default().extend(changes);
                        }
                        matches!(taken.rest, Some(Verdict::Wait(_)))
                    }
                    None => false,
                };
                if is_waiting {
                    waiting.push(row);
                    continue;
                }
                tx.unpark(row.doc, row.hash)?;
                freed.insert(row.node);
            }
            // What a packet let in while its rest waits may be what another waits for.
            if waiting.is_empty() || waiting.len() == before && !is_moving {
                break;
            }
            rows = waiting;
        }
        let is_owed = |node: &NodeId| !admitted.records.is_empty() || freed.contains(node);
        admitted.crowded = crowded.into_iter().filter(is_owed).collect();
        for peer in &admitted.crowded {
            change_checkpoint(tx, *peer, |kept| acked_is(kept, Acked::void()))?;
        }
        Ok(())
    }
}

pub(super) fn parked_body(descriptor: &[u8], body: &[u8]) -> Vec<u8> {
    postcard::to_stdvec(&(descriptor, body)).expect("byte strings always encode")
}

fn read_parked(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    postcard::from_bytes(bytes).ok()
}
