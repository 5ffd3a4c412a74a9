//! Judging anew: a record came by which something in stored documents may count otherwise.

use hopluu_doc::DocKey;
use hopluu_model::{DocId, UnitId};
use hopluu_store::{DbError, WriteError, WriteTx};
use hopluu_trust::Revocation;

use crate::admit::{Admission, judge_anew};
use crate::core::{Core, unreadable};
use crate::docket::Docket;
use crate::limits::{JUDGED_AT_ONCE, JUDGED_BYTES_AT_ONCE};
use crate::registry::{RecordEffect, Registry};
use crate::turn::Turn;

/// What records that came mean for documents that are here.
#[derive(Debug, Default)]
pub(crate) struct Rejudge {
    /// Something void may count now, wherever it is.
    is_more: bool,
    /// The same in the reports of these units and those below.
    granted: Vec<UnitId>,
    /// What takes rights away.
    cuts: Vec<Revocation>,
}

impl Rejudge {
    /// Takes in a record.
    pub(crate) fn learn(&mut self, effect: &RecordEffect, unit: &UnitId) {
        match effect {
            RecordEffect::Revocation(revocation) => self.cuts.push((**revocation).clone()),
            // More rights, more lines of an office, more units below: nothing that counted stops to.
            RecordEffect::Enrolled | RecordEffect::Form | RecordEffect::Grant => {
                self.granted.push(unit.clone());
            }
            RecordEffect::Tree => self.is_more = true,
            RecordEffect::Time => {}
        }
    }

    /// Notes which documents are to be judged anew, in the transaction of the records.
    pub(crate) fn note(&self, tx: &mut WriteTx<'_>, registry: &Registry) -> Result<(), DbError> {
        let mut docs = Vec::new();
        let is_asked = |unit: &UnitId| {
            let tree = registry.tree();
            let mut granted = self.granted.iter();
            self.is_more || granted.any(|above| tree.is_at_or_below(unit, above))
        };
        if self.is_more || !self.granted.is_empty() {
            for doc in tx.void_docs()? {
                let row = tx.doc(doc)?;
                docs.extend(row.filter(|row| is_asked(&row.unit)).map(|row| row.doc));
            }
        }
        for cut in &self.cuts {
            for unit in registry.units_about(&cut.target) {
                docs.extend(tx.docs_of_unit(&unit)?);
            }
        }
        for doc in &docs {
            tx.judge_anew(*doc)?;
        }
        Ok(())
    }
}

/// What one transaction has judged anew.
#[derive(Debug, Default)]
pub(crate) struct Rejudged {
    /// Documents that say something else now.
    changed: Vec<DocId>,
    /// Whether others are left for another transaction.
    pub(crate) is_more: bool,
}

impl Core {
    /// What a start owes: grants to offices that were let in before there were any, and what an earlier run has left
    /// unjudged.
    pub(crate) fn begin_judging(&mut self, turn: &mut Turn) {
        self.adopt_renewed(turn);
        self.grant_offices(turn);
        self.judge_on(turn);
    }

    /// Judges anew what may be judged otherwise by now, some documents at a time, behind what others have sent
    /// meanwhile. What is left by a node that stops is known at its next start.
    pub(crate) fn judge_on(&mut self, turn: &Turn) {
        if self.is_judging {
            return;
        }
        match self.store().read().and_then(|read| read.unjudged(1)) {
            Ok(docs) if docs.is_empty() => return,
            Ok(_) => {}
            Err(error) => return unreadable(&error),
        }
        self.is_judging = true;
        let admission = self.admission(None, turn.now);
        self.submit(
            move |tx| admission.judge_some(tx),
            move |core, turn, result: Result<Rejudged, WriteError<DbError>>| {
                core.is_judging = false;
                match result {
                    Ok(judged) => {
                        let store = core.store().clone();
                        for doc in &judged.changed {
                            core.open.judged(&store, *doc);
                        }
                        core.docs_changed(turn, judged.changed, None);
                        if judged.is_more {
                            core.judge_on(turn);
                        }
                    }
                    // The disk: with the next record, or the next start.
                    Err(error) => {
                        core.write_failed(turn, error);
                    }
                }
            },
        );
    }
}

impl Admission {
    /// Judges some of what is to be judged anew.
    pub(crate) fn judge_some(&self, tx: &mut WriteTx<'_>) -> Result<Rejudged, DbError> {
        let registry = self.working.begin(tx)?;
        let mut judged = Rejudged::default();
        let mut bytes = 0;
        for doc in tx.unjudged(JUDGED_AT_ONCE)? {
            if bytes >= JUDGED_BYTES_AT_ONCE {
                break;
            }
            tx.judged(doc)?;
            let Some(row) = tx.doc(doc)? else { continue };
            bytes += row.bytes;
            let Ok(key) = DocKey::decode(&row.key) else {
                continue;
            };
            let mut docket = Docket::new(&registry, &self.beginnings, &key);
            if judge_anew(tx, &mut docket)? {
                judged.changed.push(doc);
            }
        }
        judged.is_more = !tx.unjudged(1)?.is_empty();
        Ok(judged)
    }
}
