//! Records: certificates, forms and what is decided over the tree.

use hopluu_model::{ChangeHash, DocId, NodeId, RecordHash};
use hopluu_store::{DbError, Put, RecordRow, WriteTx};
use hopluu_sync::{Incoming, RefusalCode};
use hopluu_trust::{Record, RecordKind};

use super::{Admission, Admitted, Waits};
use crate::registry::{RecordRefusal, Registry};

impl Admission {
    pub(super) fn record_entry(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &mut Registry,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        let refusal = match self.record(tx, registry, &entry.body, self.origin, admitted)? {
            Ok(is_new) => {
                admitted.taken += usize::from(is_new);
                return Ok(());
            }
            Err(Outside::Wait(hash)) => {
                let code = self.park(tx, record_place(hash), Waits::Author, &[], &entry.body)?;
                admitted.refuse(index, code);
                return Ok(());
            }
            Err(Outside::Refuse(refusal)) => refusal,
        };
        admitted.refuse(index, refusal);
        Ok(())
    }

    /// Judges one record and writes it, as come from `origin`, if it may come in. Says whether it is new.
    pub(super) fn record(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &mut Registry,
        body: &[u8],
        origin: Option<NodeId>,
        admitted: &mut Admitted,
    ) -> Result<Result<bool, Outside>, DbError> {
        let record = Record::decode(body).ok();
        let Some(record) = record.filter(|record| record.kind != RecordKind::Receipt) else {
            return Ok(Err(Outside::Refuse(RefusalCode::MALFORMED)));
        };
        if tx.record(record.hash())?.is_some() {
            return Ok(Ok(false));
        }
        Ok(match registry.admit(&record) {
            Ok(effect) => {
                put_record(tx, &record, origin)?;
                admitted.learnt(effect, &record);
                Ok(true)
            }
            // A comparison brings records in any order: its author's certificate may come next.
            Err(RecordRefusal::UnknownAuthor(_)) => Err(Outside::Wait(record.hash())),
            Err(refusal) => Err(Outside::Refuse(record_refusal(&refusal))),
        })
    }
}

/// Why a record stays outside.
pub(super) enum Outside {
    Wait(RecordHash),
    Refuse(RefusalCode),
}

/// Where a record is parked: among no document's changes.
fn record_place(record: RecordHash) -> (DocId, ChangeHash) {
    (DocId([0; 16]), ChangeHash(record.0))
}

fn record_refusal(refusal: &RecordRefusal) -> RefusalCode {
    match refusal {
        RecordRefusal::Signature => RefusalCode::SIGNATURE,
        RecordRefusal::UnknownAuthor(_) | RecordRefusal::NotAnIssuer(_) => RefusalCode::SCOPE,
        RecordRefusal::Unread(_) => RefusalCode::UNSUPPORTED,
        RecordRefusal::Quota(_) => RefusalCode::BUDGET,
        RecordRefusal::Body { .. } => RefusalCode::MALFORMED,
    }
}

/// Writes a record into the store and the journal.
pub(crate) fn put_record(
    tx: &mut WriteTx<'_>,
    record: &Record,
    origin: Option<NodeId>,
) -> Result<Put, DbError> {
    tx.put_record(
        &RecordRow {
            hash: record.hash(),
            kind: record.kind.number(),
            unit: record.unit.clone(),
            body: record.encode(),
        },
        origin,
    )
}
