//! Packets: taken apart, and let in as far as everything in them may come in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::{
    DocKey, Genesis, PacketError, ParentsError, ScannedChange, Unpacked, claimed_ops,
    is_derived_actor, unpack,
};
use hopluu_form::Form;
use hopluu_model::{ChangeHash, DocId, NodeId};
use hopluu_store::{AppendError, DbError, Growth, WriteTx};
use hopluu_sync::{Incoming, RefusalCode};

use super::changes::{Appender, NewEntry, has_room, may_begin, sealed_by};
use super::follows::{Here, Known, derived_parents};
use super::{Admission, Admitted, Verdict, Waits};
use crate::docket::{Docket, SealedBy};
use crate::limits::{PACKET_ATTEMPTS_MAX, REFUSED_OPS};
use crate::registry::{Registry, has_compartment};

/// What became of a packet.
pub(super) struct Taken {
    pub(super) doc: DocId,
    /// Operations that were decoded, whatever became of them.
    pub(super) ops: u64,
    /// What came in, behind the derived parents that came with it.
    pub(super) changes: Vec<ScannedChange>,
    /// Why the rest stays outside; nothing where there is no rest.
    pub(super) rest: Option<Verdict>,
}

impl Taken {
    fn nothing(doc: DocId, rest: Option<Verdict>) -> Self {
        Self {
            doc,
            ops: 0,
            changes: Vec::new(),
            rest,
        }
    }

    fn refused(doc: DocId, code: RefusalCode) -> Self {
        Self::nothing(doc, Some(Verdict::Refuse(code)))
    }
}

/// A packet that is being judged, with what it is read by.
struct Opened<'a> {
    key: &'a DocKey,
    form: &'a Form,
    genesis: Arc<Genesis>,
    unpacked: Vec<Unpacked>,
    origin: Option<NodeId>,
}

/// A change that came in, by its place in the packet, with the derived parents that came in before it.
struct CameIn {
    derived: Vec<ScannedChange>,
    at: usize,
}

/// Where an attempt to let in all that is left has ended.
enum Ended {
    /// At this change.
    At(usize, Verdict),
    Db(DbError),
}

impl From<DbError> for Ended {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// How a packet came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came {
    /// Who brought it; nobody where it is this node's own.
    pub(super) from: Option<NodeId>,
    /// Who has it, see [`Admission::origin`].
    pub(super) origin: Option<NodeId>,
}

impl Came {
    /// Whether whoever brings something of a document can have it: reports go up the line, so a neighbour has none. Who
    /// wrote it is another question, and never asked here.
    fn may_bring(&self, registry: &Registry, key: &DocKey) -> bool {
        let from = self.from.and_then(|from| registry.identity(&from));
        from.is_none_or(|from| {
            let tree = registry.tree();
            tree.is_at_or_below(&key.unit, &from.place.unit)
        })
    }
}

impl Admission {
    pub(super) fn packet_entry(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        index: usize,
        entry: &Incoming,
        admitted: &mut Admitted,
    ) -> Result<(), DbError> {
        let (descriptor, body) = (&entry.descriptor, &entry.body);
        // The id is what the changes will be found by; the descriptor says which document it is.
        if !DocKey::decode(descriptor).is_ok_and(|key| entry.object == key.id().into()) {
            admitted.refuse(index, RefusalCode::MALFORMED);
            return Ok(());
        }
        let came = Came {
            from: self.from,
            origin: self.origin,
        };
        let taken = self.packet(tx, registry, descriptor, body, came)?;
        let doc = taken.doc;
        admitted.ops = admitted.ops.saturating_add(taken.ops);
        if !taken.changes.is_empty() {
            admitted.taken += 1;
            admitted.docs.entry(doc).or_default().extend(taken.changes);
        }
        match taken.rest {
            None => {}
            Some(Verdict::Refuse(code)) => admitted.refuse(index, code),
            Some(Verdict::Wait(reason)) => {
                // By all of its bytes: two packets that end alike need not be the same.
                let name = ChangeHash(*blake3::hash(body).as_bytes());
                let code = self.park(tx, (doc, name), reason, descriptor, body)?;
                admitted.refuse(index, code);
            }
        }
        Ok(())
    }

    /// Judges a packet and writes what of it may come in.
    pub(super) fn packet(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        descriptor: &[u8],
        body: &[u8],
        came: Came,
    ) -> Result<Taken, DbError> {
        let Ok(key) = DocKey::decode(descriptor) else {
            return Ok(Taken::refused(DocId([0; 16]), RefusalCode::MALFORMED));
        };
        let doc = key.id();
        if !came.may_bring(registry, &key) {
            return Ok(Taken::refused(doc, RefusalCode::SCOPE));
        }
        // Bounded before Automerge or anything else that allocates sees it.
        let unpacked = match unpack(body) {
            Ok(unpacked) => unpacked,
            Err(error) => {
                let ops = claimed_ops(body).max(REFUSED_OPS);
                let refused = Taken::refused(doc, refusal_of(&error));
                return Ok(Taken { ops, ..refused });
            }
        };
        let ops = unpacked.iter().map(|one| one.change.work()).sum();
        let taken = self.judge_packet(tx, registry, &key, unpacked, came.origin)?;
        Ok(Taken { ops, ..taken })
    }

    fn judge_packet(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        key: &DocKey,
        unpacked: Vec<Unpacked>,
        origin: Option<NodeId>,
    ) -> Result<Taken, DbError> {
        let doc = key.id();
        let mut left = BTreeSet::new();
        for (at, one) in unpacked.iter().enumerate() {
            if !tx.has_change(doc, one.change.hash)? {
                left.insert(at);
            }
        }
        if left.is_empty() {
            return Ok(Taken::nothing(doc, None));
        }
        let known = registry.form_of_major(&key.form, key.major, &key.unit);
        // A later version of the form may have a compartment that this one has not.
        let has_it = |form: &&Arc<Form>| has_compartment(form, &key.compartment);
        let Some(form) = known.map(|known| &known.form).filter(has_it) else {
            return Ok(Taken::nothing(doc, Some(Verdict::Wait(Waits::Form))));
        };
        let Ok(genesis) = self.beginnings.of(key, form) else {
            return Ok(Taken::refused(doc, RefusalCode::MALFORMED));
        };
        if !may_begin(tx, key)? {
            return Ok(Taken::refused(doc, RefusalCode::BUDGET));
        }
        let opened = Opened {
            key,
            form,
            genesis,
            unpacked,
            origin,
        };
        opened.let_in(tx, registry, left)
    }
}

fn refusal_of(error: &PacketError) -> RefusalCode {
    match error {
        PacketError::UnknownKind(_) => RefusalCode::UNSUPPORTED,
        PacketError::Damaged(_) => RefusalCode::MALFORMED,
        PacketError::TooMany { .. } | PacketError::Change(_) => RefusalCode::BUDGET,
    }
}

impl Opened<'_> {
    /// Lets in all of what is left that may come in. A change without a seal must never be here without
    /// the one that vouches for it, or nobody could pass it on: so where one cannot come in, nothing of
    /// the attempt is kept, and the next is made without it and all that hangs on it.
    fn let_in(
        self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        mut left: BTreeSet<usize>,
    ) -> Result<Taken, DbError> {
        let doc = self.key.id();
        let mut rest = None;
        // Who needs a derived change can make it: it comes in with a change upon it.
        left.retain(|at| !self.is_derived_alone(*at));
        let mut out = Vec::new();
        for (at, verdict) in self.unvouched(registry, &left) {
            out.push(at);
            rest = worse(rest, verdict);
        }
        self.leave_out(out, &mut left);
        for _ in 0..PACKET_ATTEMPTS_MAX {
            match tx.attempt(|tx| self.append_all(tx, registry, &left)) {
                Ok(came) => {
                    return Ok(Taken {
                        changes: self.taken_out(came),
                        ..Taken::nothing(doc, rest)
                    });
                }
                Err(Ended::Db(error)) => return Err(error),
                Err(Ended::At(at, verdict)) => {
                    self.leave_out(vec![at], &mut left);
                    rest = worse(rest, verdict);
                }
            }
        }
        Ok(Taken::nothing(doc, rest))
    }

    fn is_derived_alone(&self, at: usize) -> bool {
        self.unpacked.get(at).is_some_and(|one| {
            one.voucher.is_none()
                && one
                    .change
                    .is_derived_for(&self.key.id(), &self.genesis.hash)
        })
    }

    /// The changes for which nobody vouches who may. Each seal is looked at once.
    fn unvouched(&self, registry: &Registry, left: &BTreeSet<usize>) -> Vec<(usize, Verdict)> {
        let mut vouchers = BTreeSet::new();
        let mut unvouched = Vec::new();
        for at in left {
            match self.unpacked.get(*at).and_then(|one| one.voucher) {
                Some(voucher) => {
                    vouchers.insert(voucher);
                }
                None => unvouched.push((*at, Verdict::Refuse(RefusalCode::SIGNATURE))),
            }
        }
        for at in vouchers {
            if let Some(one) = self.unpacked.get(at)
                && let Err(verdict) = sealed_by(registry, self.key, &one.seal, &one.change)
            {
                unvouched.push((at, verdict));
            }
        }
        unvouched
    }

    /// Takes changes out of what is left, with what builds upon them and what only they vouch for. Each is looked at
    /// once, however many there are and in whatever order they stand.
    fn leave_out(&self, mut next: Vec<usize>, left: &mut BTreeSet<usize>) {
        let numbered = || self.unpacked.iter().enumerate();
        let places: BTreeMap<_, _> = numbered().map(|(at, one)| (one.change.hash, at)).collect();
        let mut hanging: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, one) in numbered() {
            let deps = one.change.deps.iter().filter_map(|dep| places.get(dep));
            for on in deps.copied().chain(one.voucher) {
                hanging.entry(on).or_default().push(at);
            }
        }
        let mut out = BTreeSet::new();
        while let Some(at) = next.pop() {
            if out.insert(at) {
                next.extend(hanging.get(&at).into_iter().flatten());
            }
        }
        left.retain(|at| !out.contains(at));
    }

    /// The changes that came in, each behind its derived parents.
    fn taken_out(self, came: Vec<CameIn>) -> Vec<ScannedChange> {
        let unpacked = self.unpacked.into_iter();
        let mut unpacked: Vec<_> = unpacked.map(|one| Some(one.change)).collect();
        let mut changes = Vec::new();
        for CameIn { derived, at } in came {
            changes.extend(derived);
            changes.extend(unpacked.get_mut(at).and_then(Option::take));
        }
        changes
    }

    fn append_all(
        &self,
        tx: &mut WriteTx<'_>,
        registry: &Registry,
        left: &BTreeSet<usize>,
    ) -> Result<Vec<CameIn>, Ended> {
        let mut came = Vec::new();
        let Some(last) = left.last() else {
            return Ok(came);
        };
        let docket = Docket::upon(registry, self.key, self.form, &self.genesis);
        let mut appender = Appender::begin(tx, docket, &self.genesis)?;
        let mut known = Known::new(self.key.id(), &self.unpacked);
        for at in left {
            let Some(one) = self.unpacked.get(*at) else {
                continue;
            };
            let derived = self
                .judge(tx, appender.growth(), one, &mut known)?
                .map_err(|verdict| Ended::At(*at, verdict))?;
            let origin = self.origin;
            let by = known.authors.get(&one.change.actor);
            let by = by.and_then(Option::as_ref);
            let with = derived.iter().map(|parent| (parent, [].as_slice(), None));
            for (change, seal, by) in with.chain([(&one.change, one.seal.as_slice(), by)]) {
                let entry = NewEntry { seal, by, origin };
                let appended = appender.append(tx, change, entry);
                appended.map_err(|error| not_appended(*at, error))?;
            }
            came.push(CameIn { derived, at: *at });
        }
        let finished = appender.finish(tx);
        finished.map_err(|error| not_appended(*last, error))?;
        Ok(came)
    }

    /// Whether a change, for which somebody vouches, may come in now: whose its actor is, and what it
    /// follows. Gives those of its parents that follow from the form and come in with it.
    fn judge(
        &self,
        tx: &WriteTx<'_>,
        growth: &Growth,
        one: &Unpacked,
        known: &mut Known<'_>,
    ) -> Result<Result<Vec<ScannedChange>, Verdict>, DbError> {
        let (doc, change) = (self.key.id(), &one.change);
        let voucher = one.voucher.and_then(|at| self.unpacked.get(at));
        let author = voucher.and_then(|voucher| SealedBy::of(&voucher.seal));
        // An actor is whose first seal it has; derived ones are nobody's.
        let is_anothers = match known.authors.get(&change.actor) {
            Some(known) => *known != author,
            None => match tx.first_seal(doc, change.actor)? {
                Some(first) => SealedBy::of(&first) != author,
                None => is_derived_actor(&doc, self.form, &change.actor),
            },
        };
        if is_anothers {
            return Ok(Err(Verdict::Refuse(RefusalCode::CONFLICT)));
        }
        known.authors.insert(change.actor, author);
        if !has_room(growth.heads(), change) {
            return Ok(Err(Verdict::Wait(Waits::Merge)));
        }
        let here = Here { tx, growth };
        let derived = derived_parents(&here, doc, self.form, &self.genesis, change)?;
        Ok(
            match known.precedes(&here, &self.genesis, change, &derived)? {
                Ok(()) => Ok(derived),
                Err(
                    ParentsError::Missing(_)
                    | ParentsError::Gap { .. }
                    | ParentsError::Dangling { .. },
                ) => Err(Verdict::Wait(Waits::Dependency)),
                Err(_) => Err(Verdict::Refuse(RefusalCode::CONFLICT)),
            },
        )
    }
}

fn not_appended(at: usize, error: AppendError) -> Ended {
    match error {
        AppendError::Db(error) => Ended::Db(error),
        AppendError::TooManyChanges { .. } | AppendError::FactsTooLarge { .. } => {
            Ended::At(at, Verdict::Refuse(RefusalCode::BUDGET))
        }
        // The judge has looked at parents and sequence in this very transaction.
        _ => Ended::At(at, Verdict::Refuse(RefusalCode::CONFLICT)),
    }
}

/// What is said of a packet of which several stay outside: what waits outweighs, or it would be lost.
fn worse(before: Option<Verdict>, verdict: Verdict) -> Option<Verdict> {
    match before {
        Some(Verdict::Wait(_)) => before,
        Some(Verdict::Refuse(_)) if matches!(verdict, Verdict::Refuse(_)) => before,
        _ => Some(verdict),
    }
}
