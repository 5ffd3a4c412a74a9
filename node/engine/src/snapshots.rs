//! Documents that have grown many changes are packed, so that they load quickly next time: one after the other, with
//! rests and when nothing comes in, because whoever sends the changes of many waits for each that is packed meanwhile.

use std::collections::BTreeSet;

use hopluu_doc::DocKey;
use hopluu_model::DocId;
use hopluu_store::DocRow;
use hopluu_sync::Steady;

use crate::core::{Core, unreadable};
use crate::limits::{
    SNAPSHOT_AFTER_CHANGES, SNAPSHOT_GIVES_WAY_MS, SNAPSHOT_REST_MS, SNAPSHOTS_DUE_MAX,
};
use crate::open_docs::{self, guarded};
use crate::turn::Turn;

/// What is to be packed.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    due: BTreeSet<DocId>,
    rests_until: Steady,
    /// Until when the next is put off by what comes in.
    gives_way_until: Steady,
    /// The one that is on its way to the disk.
    packing: Option<DocId>,
}

impl Snapshots {
    /// When the next is packed.
    pub(crate) fn next_wake(&self) -> Option<Steady> {
        let is_next = !self.due.is_empty() && self.packing.is_none();
        is_next.then_some(self.rests_until)
    }

    /// Something has come in: the next is packed when nothing more does.
    fn give_way(&mut self, now: Steady) {
        let rested = now.plus_ms(SNAPSHOT_REST_MS);
        self.rests_until = self.rests_until.max(rested.min(self.gives_way_until));
    }

    fn rest(&mut self, now: Steady) {
        self.rests_until = now.plus_ms(SNAPSHOT_REST_MS);
        self.gives_way_until = now.plus_ms(SNAPSHOT_GIVES_WAY_MS);
    }
}

impl Core {
    /// Puts a document down to be packed, once it has grown many changes. What finds no place does with its next change.
    pub(crate) fn snapshot_if_due(&mut self, turn: &Turn, row: &DocRow) {
        let doc = row.doc;
        self.snapshots.give_way(turn.steady);
        let is_full = self.snapshots.due.len() >= SNAPSHOTS_DUE_MAX;
        if is_full || self.snapshots.packing == Some(doc) || !self.is_unpacked(row) {
            return;
        }
        if self.snapshots.due.is_empty() {
            self.snapshots.rest(turn.steady);
        }
        self.snapshots.due.insert(doc);
    }

    fn is_unpacked(&self, row: &DocRow) -> bool {
        let read = self.store().read();
        match read.and_then(|read| read.snapshot_ordinal(row.doc)) {
            Ok(ordinal) => row.changes >= ordinal.unwrap_or(0) + SNAPSHOT_AFTER_CHANGES,
            Err(error) => {
                unreadable(&error);
                false
            }
        }
    }

    /// Packs the next document, if its time has come.
    pub(crate) fn pack_next(&mut self, turn: &Turn) {
        if self.snapshots.packing.is_some() || self.snapshots.rests_until > turn.steady {
            return;
        }
        let Some(doc) = self.snapshots.due.pop_first() else {
            return;
        };
        self.snapshots.rest(turn.steady);
        let row = self.store().read().and_then(|read| read.doc(doc));
        let row = row.inspect_err(unreadable).ok().flatten();
        let packed = row.and_then(|row| Some((self.packed(&row)?, row.changes)));
        let Some((body, ordinal)) = packed else {
            return;
        };
        self.snapshots.packing = Some(doc);
        self.submit(
            move |tx| tx.put_snapshot(doc, ordinal, &body),
            move |core, turn, result| {
                core.snapshots.packing = None;
                if let Err(error) = result {
                    core.write_failed(turn, error);
                }
            },
        );
    }

    /// Read from the disk: the open document may hold saves that are not there yet.
    fn packed(&self, row: &DocRow) -> Option<Vec<u8>> {
        let registry = self.registry();
        let known = registry.form_of_major(&row.form, row.major, &row.unit)?;
        let key = DocKey::decode(&row.key).ok()?;
        let report = open_docs::load(self.store(), &self.beginnings, &key, &known.form).ok()?;
        guarded(row.doc, || report.save_snapshot()).ok()
    }
}
