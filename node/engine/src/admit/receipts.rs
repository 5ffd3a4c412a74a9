//! Receipts: those that others give, judged, and those that a superior's main node gives itself.

use std::collections::BTreeSet;

use hopluu_model::{ChangeHash, DocId, ErrorChain, NodeId};
use hopluu_store::{DbError, Put, ReceiptRow, WriteTx};
use hopluu_sync::{Incoming, RefusalCode};
use hopluu_trust::{Receipt, Record};

use super::{Admission, Admitted};
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
        if let Put::New(_) = put_receipt(tx, &record, &receipt, self.from)? {
            if receipt.by == self.me {
                admitted.returned.insert(receipt.doc);
            }
            admitted
                .receipts
                .push((receipt.doc, receipt.by.unit, receipt.at));
        }
        Ok(())
    }

    /// A superior's main node says, in the same transaction, how far each document has got here. A
    /// clock that was ahead must not make its old word outlive the new one, so each is dated after
    /// the one before, even where that one was forgotten here and has come back.
    pub(super) fn write_receipts(
        &self,
        tx: &mut WriteTx<'_>,
        admitted: &Admitted,
    ) -> Result<(), DbError> {
        if self.me.office.is_some() {
            return Ok(());
        }
        let docs: BTreeSet<&DocId> = admitted.docs.keys().chain(&admitted.returned).collect();
        for doc in docs {
            let Some(row) = tx.doc(*doc)? else { continue };
            if row.unit == self.me.unit {
                continue;
            }
            let before = tx.receipts(*doc)?;
            let before = before.iter().find(|before| before.by == self.me.unit);
            if before.and_then(receipt_heads).as_ref() == Some(&row.heads) {
                continue;
            }
            let receipt = Receipt {
                doc: *doc,
                heads: row.heads,
                by: self.me.clone(),
                at: before.map_or(self.now, |before| self.now.max(before.at.plus_ms(1))),
            };
            let record = match receipt.sign(&self.signer, row.unit) {
                Ok(record) => record,
                // It has more heads than a receipt names; the next save merges them.
                Err(error) => {
                    tracing::warn!(%doc, error = %ErrorChain(&error), "no receipt is given");
                    continue;
                }
            };
            put_receipt(tx, &record, &receipt, None)?;
        }
        Ok(())
    }
}

/// Whether a receipt's author is who gives it: the main node of a unit above the document's. An
/// office, or a neighbour, has nothing to receive.
fn gives(registry: &Registry, record: &Record, receipt: &Receipt) -> bool {
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
