//! What waits for a form, an author or a change before it, and is tried again.

use std::collections::BTreeSet;

use hopluu_model::NodeId;
use hopluu_store::{DbError, ParkedRow, WriteTx};
use hopluu_sync::{Acked, RefusalCode};

use super::records::Outside;
use super::{Admission, Admitted, Verdict, Waits};
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
            let before = rows.len();
            let mut waiting = Vec::new();
            for row in rows {
                // Who sent it has it; whose push freed it may not.
                let origin = Some(row.node).filter(|node| *node != self.giver.me.node);
                let (doc, verdict) = match read_parked(&row.body) {
                    // A record has no descriptor.
                    Some(([], body)) => match self.record(tx, registry, body, origin, admitted)? {
                        Err(Outside::Wait(_)) => (row.doc, Verdict::Wait(Waits::Author, row.hash)),
                        _ => {
                            registry.settle();
                            (row.doc, Verdict::Known)
                        }
                    },
                    Some((descriptor, body)) => {
                        self.change(tx, registry, descriptor, body, origin)?
                    }
                    None => (row.doc, Verdict::Refuse(RefusalCode::MALFORMED)),
                };
                match verdict {
                    Verdict::Wait(..) => {
                        waiting.push(row);
                        continue;
                    }
                    Verdict::In(changes) => {
                        admitted.docs.entry(doc).or_default().extend(changes);
                    }
                    Verdict::Known | Verdict::Refuse(_) => {}
                }
                tx.unpark(row.doc, row.hash)?;
                freed.insert(row.node);
            }
            if waiting.is_empty() || waiting.len() == before {
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
