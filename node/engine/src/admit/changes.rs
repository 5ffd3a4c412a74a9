//! Changes: who vouches for one, whether it can follow what is here, and how it is written.

use std::sync::Arc;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{DocKey, Facts, Genesis, ParentsError, ScannedChange, is_derived_actor, scan};
use hopluu_model::{ChangeHash, DocId, ErrorChain, NodeId};
use hopluu_store::limits::FACTS_BYTES_MAX;
use hopluu_store::{AppendError, Appended, DbError, NewChange, NewDoc, Read, WriteTx};
use hopluu_sync::{Incoming, RefusalCode};
use hopluu_trust::Seal;
use serde::{Deserialize, Serialize};

use super::follows::{derived_parents, follows};
use super::{Admission, Admitted, Verdict, Waits};
use crate::limits::{DOCS_PER_UNIT_MAX, HEADS_MAX};
use crate::registry::Registry;

/// A change as it travels: with the seal that vouches for it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SealedChange<'a> {
    pub(crate) seal: &'a [u8],
    pub(crate) change: &'a [u8],
}

impl SealedChange<'_> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("byte strings always encode")
    }
}

/// A change that may come in, with what it is read by.
struct Judged {
    genesis: Arc<Genesis>,
    /// Those of its parents that follow from the form and come in with it.
    derived: Vec<ScannedChange>,
    change: ScannedChange,
}

impl Admission {
    pub(super) fn change_entry(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        // The id is what the change will be found by; the descriptor says which document it is.
        if !DocKey::decode(&entry.descriptor).is_ok_and(|key| entry.object == key.id().into()) {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        }
        match self.change(tx, registry, &entry.descriptor, &entry.body, self.from)? {
            (doc, Verdict::In(changes)) => {
                admitted.taken += 1;
                admitted.docs.entry(doc).or_default().extend(changes);
            }
            (_, Verdict::Known) => {}
            (doc, Verdict::Wait(reason, hash)) => {
                let (descriptor, body) = (&entry.descriptor, &entry.body);
                let code = self.park(tx, (doc, hash), reason, descriptor, body)?;
                admitted.refuse(index, code);
            }
            (_, Verdict::Refuse(refusal)) => admitted.refuse(index, refusal),
        }
        Ok(())
    }

    /// Judges one change and writes it, as come from `origin`, if it may come in.
    pub(super) fn change(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        descriptor: &[u8],
        body: &[u8],
        origin: Option<NodeId>,
    ) -> Result<(DocId, Verdict), DbError> {
        let nobody = DocId([0; 16]);
        let Ok(key) = DocKey::decode(descriptor) else {
            return Ok((nobody, Verdict::Refuse(RefusalCode::MALFORMED)));
        };
        let doc = key.id();
        // Scope looks at the unit only, so what is not for everybody above it must not be here.
        if !key.compartment.is_public() {
            return Ok((doc, Verdict::Refuse(RefusalCode::UNSUPPORTED)));
        }
        let Ok(sealed) = postcard::from_bytes::<SealedChange<'_>>(body) else {
            return Ok((doc, Verdict::Refuse(RefusalCode::MALFORMED)));
        };
        // Bounded before Automerge or anything else that allocates sees it.
        let Ok(change) = scan(sealed.change, &SCAN_LIMITS) else {
            return Ok((doc, Verdict::Refuse(RefusalCode::BUDGET)));
        };
        if tx.has_change(doc, change.hash)? {
            return Ok((doc, Verdict::Known));
        }
        let verdict = match self.judge(tx, registry, &key, sealed.seal, change)? {
            Ok(judged) => {
                match append_judged(tx, &key, &judged, sealed.seal, origin) {
                    Ok(()) => {
                        let mut changes = judged.derived;
                        changes.push(judged.change);
                        Verdict::In(changes)
                    }
                    Err(AppendError::Db(error)) => return Err(error),
                    Err(AppendError::TooManyChanges { .. } | AppendError::FactsTooLarge { .. }) => {
                        Verdict::Refuse(RefusalCode::BUDGET)
                    }
                    // The judge has looked at parents and sequence in this very transaction.
                    Err(_) => Verdict::Refuse(RefusalCode::CONFLICT),
                }
            }
            Err(verdict) => verdict,
        };
        Ok((doc, verdict))
    }

    /// Whether a change may come in now: who vouches for it, what it is read by, what it follows.
    fn judge(
        &self,
        tx: &WriteTx<'_>,
        registry: &Registry,
        key: &DocKey,
        seal: &[u8],
        change: ScannedChange,
    ) -> Result<Result<Judged, Verdict>, DbError> {
        let known = registry.form_of_major(&key.form, key.major, &key.unit);
        let Some(form) = known.map(|known| &known.form) else {
            return Ok(Err(Verdict::Wait(Waits::Form, change.hash)));
        };
        let Ok(genesis) = self.beginnings.of(key, form) else {
            return Ok(Err(Verdict::Refuse(RefusalCode::MALFORMED)));
        };
        let doc = key.id();
        // Who needs it can make it, and nobody vouches for it: it comes in with a change upon it.
        if seal.is_empty() && change.is_derived_for(&doc, &genesis.hash) {
            return Ok(Err(Verdict::Known));
        }
        let author = match sealed_by(registry, key, seal, &change) {
            Ok(author) => author,
            Err(verdict) => return Ok(Err(verdict)),
        };
        // An actor is whose first change it has; derived ones are nobody's.
        let is_anothers = match tx.first_seal(doc, change.actor)? {
            Some(first) => author_of(&first) != Some(author),
            None => is_derived_actor(&doc, form, &change.actor),
        };
        if is_anothers {
            return Ok(Err(Verdict::Refuse(RefusalCode::CONFLICT)));
        }
        if let Err(verdict) = has_room(tx, key, &change)? {
            return Ok(Err(verdict));
        }
        let derived = derived_parents(tx, doc, form, &genesis, &change)?;
        match follows(tx, doc, &genesis, &change, &derived)? {
            Ok(()) => Ok(Ok(Judged {
                genesis,
                derived,
                change,
            })),
            Err(
                ParentsError::Missing(_) | ParentsError::Gap { .. } | ParentsError::Dangling { .. },
            ) => Ok(Err(Verdict::Wait(Waits::Dependency, change.hash))),
            Err(_) => Ok(Err(Verdict::Refuse(RefusalCode::CONFLICT))),
        }
    }
}

/// Whether a seal of somebody who may write here vouches for a change.
fn sealed_by(
    registry: &Registry,
    key: &DocKey,
    seal: &[u8],
    change: &ScannedChange,
) -> Result<NodeId, Verdict> {
    let unsealed = || Verdict::Refuse(RefusalCode::SIGNATURE);
    let seal = Seal::from_wire(seal, key.id(), change.hash).map_err(|_| unsealed())?;
    if !seal.covers(&change.actor) || seal.verify().is_err() {
        return Err(unsealed());
    }
    let Some(author) = registry.identity(&seal.author) else {
        return Err(Verdict::Wait(Waits::Author, change.hash));
    };
    // Until grants come, a certificate says for whom its node may write: its unit and those below.
    if !registry
        .tree()
        .is_at_or_below(&key.unit, &author.place.unit)
    {
        return Err(Verdict::Refuse(RefusalCode::SCOPE));
    }
    Ok(seal.author)
}

/// Who put a seal that was admitted; nobody where it is empty.
fn author_of(seal: &[u8]) -> Option<NodeId> {
    let (doc, head) = (DocId([0; 16]), ChangeHash([0; 32]));
    let seal = Seal::from_wire(seal, doc, head).ok()?;
    Some(seal.author)
}

/// Whether the document is within its bounds with this change: what one unit makes up must not fill
/// others' disks, and a save names all heads.
fn has_room(
    tx: &WriteTx<'_>,
    key: &DocKey,
    change: &ScannedChange,
) -> Result<Result<(), Verdict>, DbError> {
    let Some(row) = tx.doc(key.id())? else {
        let has_room = tx.doc_count_of_unit(&key.unit)? < DOCS_PER_UNIT_MAX;
        return Ok(has_room
            .then_some(())
            .ok_or(Verdict::Refuse(RefusalCode::BUDGET)));
    };
    let left = row.heads.iter().filter(|head| !change.deps.contains(head));
    let has_room = left.count() < HEADS_MAX;
    Ok(has_room
        .then_some(())
        .ok_or(Verdict::Wait(Waits::Merge, change.hash)))
}

/// How a change came: with which seal, and from whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEntry<'a> {
    pub(crate) seal: &'a [u8],
    pub(crate) origin: Option<NodeId>,
}

/// The facts that a document's stored changes make up.
pub(crate) fn rebuilt_facts(read: &Read, doc: DocId) -> Result<Facts, DbError> {
    let mut facts = Facts::new();
    read.for_each_change(doc, 0, |row| {
        if let Ok(change) = scan(&row.body, &SCAN_LIMITS) {
            facts.apply(&change);
        }
        true
    })?;
    Ok(facts)
}

/// Appends a judged change, behind those of its parents that come in with it.
fn append_judged(
    tx: &mut WriteTx<'_>,
    key: &DocKey,
    judged: &Judged,
    seal: &[u8],
    origin: Option<NodeId>,
) -> Result<(), AppendError> {
    for derived in &judged.derived {
        let entry = NewEntry { seal: &[], origin };
        append(tx, key, &judged.genesis, derived, entry)?;
    }
    let entry = NewEntry { seal, origin };
    append(tx, key, &judged.genesis, &judged.change, entry).map(drop)
}

/// Appends one change with its facts; the document is put first if it is new.
pub(crate) fn append(
    tx: &mut WriteTx<'_>,
    key: &DocKey,
    genesis: &Genesis,
    change: &ScannedChange,
    entry: NewEntry<'_>,
) -> Result<Appended, AppendError> {
    let doc = key.id();
    tx.put_doc(&NewDoc {
        doc,
        key: key.encode(),
        unit: key.unit.clone(),
        form: key.form.clone(),
        major: key.major,
        period: key.period.clone(),
        implied: vec![genesis.hash],
        heads: vec![genesis.hash],
    })?;
    let kept = tx.facts(doc)?.unwrap_or_default();
    let mut facts = match Facts::decode(&kept) {
        Ok(facts) => facts,
        Err(_) if kept.is_empty() => Facts::new(),
        // One damaged row must not keep out what else comes with this change.
        Err(error) => {
            tracing::error!(%doc, error = %ErrorChain(&error), "facts cannot be read, they are made anew");
            rebuilt_facts(tx, doc)?
        }
    };
    facts.apply(change);
    let facts = facts.encode();
    if facts.len() > FACTS_BYTES_MAX {
        return Err(AppendError::FactsTooLarge { doc });
    }
    let appended = tx.append_change(&NewChange {
        doc,
        hash: change.hash,
        actor: change.actor,
        actor_seq: change.seq,
        deps: &change.deps,
        body: &change.bytes,
        seal: entry.seal,
        origin: entry.origin,
    })?;
    if matches!(appended, Appended::New { .. }) {
        tx.put_facts(doc, &facts)?;
    }
    Ok(appended)
}
