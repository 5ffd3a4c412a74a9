//! Receipts: those that others give, judged, and those that a superior's main node gives itself.

use std::sync::Arc;

use hopluu_model::{ChangeHash, DocId, ErrorChain, NodeId, Place, Timestamp};
use hopluu_store::{DbError, Put, ReceiptRow, WriteTx};
use hopluu_sync::{Incoming, RefusalCode};
use hopluu_trust::{Receipt, Record, Signer};

use super::{Admission, Admitted};
use crate::core::Core;
use crate::limits::{RECEIPT_AT_MAX, RECEIPTS_PER_UNIT_MAX};
use crate::registry::Registry;

impl Admission {
    pub(super) fn receipt_entry(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        let record = Record::decode(&entry.body).ok();
        let receipt = record
            .as_ref()
            .and_then(|record| Receipt::read(record).ok());
        let Some((record, receipt)) = record.zip(receipt) else {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        };
        if record.verify().is_err() {
            admitted.refuse(index, RefusalCode::SIGNATURE);
            return Ok(());
        }
        if !gives(registry, &record, &receipt) {
            admitted.refuse(index, RefusalCode::SCOPE);
            return Ok(());
        }
        if receipt.at > RECEIPT_AT_MAX {
            admitted.refuse(index, RefusalCode::BUDGET);
            return Ok(());
        }
        self.heard
            .receipt(tx, &record.author, receipt.at, admitted)?;
        let is_about_it = match tx.doc(receipt.doc)? {
            Some(row) if row.unit == record.unit => Ok(()),
            Some(_) => Err(RefusalCode::CONFLICT),
            // A node that lost its disk is given receipts before their documents.
            None if tx.receipt_count_of_unit(&record.unit)? < RECEIPTS_PER_UNIT_MAX => Ok(()),
            None => Err(RefusalCode::BUDGET),
        };
        if let Err(code) = is_about_it {
            admitted.refuse(index, code);
            return Ok(());
        }
        if let Put::New(_) = put_receipt(tx, &record, &receipt, self.origin)? {
            admitted.taken += 1;
            if receipt.by == self.giver.me {
                admitted.returned.insert(receipt.doc);
            }
            admitted
                .receipts
                .push((receipt.doc, receipt.by.unit, receipt.at));
        }
        Ok(())
    }
}

/// Whoever gives receipts: a superior's main node.
pub(crate) struct Giver {
    pub(crate) signer: Arc<Signer>,
    pub(crate) me: Place,
}

impl Giver {
    pub(crate) fn of(core: &Core) -> Self {
        Self {
            signer: Arc::clone(core.signer()),
            me: core.me().clone(),
        }
    }

    /// Says, in the same transaction, how far a document of a unit below has got here. A clock that
    /// was ahead must not make its old word outlive the new one, so each is dated after the one
    /// before, even where that one was forgotten here and has come back.
    pub(crate) fn give(
        &self,
        tx: &mut WriteTx<'_>,
        doc: &DocId,
        now: Timestamp,
    ) -> Result<(), DbError> {
        let row = tx.doc(*doc)?;
        let below = row.filter(|row| self.me.office.is_none() && row.unit != self.me.unit);
        let Some(row) = below else { return Ok(()) };
        let before = tx.receipts(*doc)?;
        let before = before.iter().find(|before| before.by == self.me.unit);
        if before.and_then(receipt_heads).as_ref() == Some(&row.heads) {
            return Ok(());
        }
        let receipt = Receipt {
            doc: *doc,
            heads: row.heads,
            by: self.me.clone(),
            at: before.map_or(now, |before| now.max(before.at.plus_ms(1))),
        };
        match receipt.sign(&self.signer, row.unit) {
            Ok(record) => put_receipt(tx, &record, &receipt, None).map(drop),
            // It has more heads than a receipt names; the next save merges them.
            Err(error) => {
                tracing::warn!(%doc, error = %ErrorChain(&error), "no receipt is given");
                Ok(())
            }
        }
    }
}

/// Whether a receipt's author is who gives it: the main node of a unit above the document's. An
/// office, or a neighbour, has nothing to receive.
pub(crate) fn gives(registry: &Registry, record: &Record, receipt: &Receipt) -> bool {
    let by = &receipt.by;
    let author = registry.identity(&record.author);
    author.is_some_and(|author| author.place == *by && author.may_issue)
        && by.unit != record.unit
        && registry.tree().is_at_or_below(&record.unit, &by.unit)
}

fn put_receipt(
    tx: &mut WriteTx<'_>,
    record: &Record,
    receipt: &Receipt,
    origin: Option<NodeId>,
) -> Result<Put, DbError> {
    tx.put_receipt(
        &ReceiptRow {
            doc: receipt.doc,
            by: receipt.by.unit.clone(),
            unit: record.unit.clone(),
            hash: record.hash(),
            at: receipt.at,
            body: record.encode(),
        },
        origin,
    )
}

/// The heads that a stored receipt names, sorted.
pub(crate) fn receipt_heads(receipt: &ReceiptRow) -> Option<Vec<ChangeHash>> {
    let record = Record::decode(&receipt.body).ok()?;
    let mut heads = Receipt::read(&record).ok()?.heads;
    heads.sort_unstable();
    Some(heads)
}
