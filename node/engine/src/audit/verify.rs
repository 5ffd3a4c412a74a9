//! A dossier, judged from the root alone by the code that every node judges by. It needs no store and no key.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{
    DocKey, DocKeyError, Genesis, GenesisError, PacketError, Parent, ParentsError, ScanError,
    ScannedChange, Tip, Unpacked, check_parents, check_references, derived_changes, genesis,
    is_derived_actor, scan, unpack,
};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, Digest, DocId, Fault, NodeId};
use hopluu_trust::{Dossier, DossierError, Receipt, ReceiptError, Record, Seal, SignatureError};

use super::story::{Story, signatory};
use crate::admit::gives;
use crate::clock;
use crate::docket::SealedBy;
use crate::limits::DOSSIER_OPS_MAX;
use crate::registry::{RecordFlaw, Registry};
use crate::view::DossierView;

/// What of a dossier does not hold. It says where; the sources say why.
#[derive(Debug, thiserror::Error)]
pub enum DossierFlaw {
    /// It is no dossier, or was changed.
    #[error("the file does not hold")]
    File(#[from] DossierError),
    /// It is of another mesh than the one that was asked about.
    #[error("the dossier is of the root {}", .found.short())]
    OtherRoot {
        /// The root it names.
        found: Digest,
    },
    /// A chain or record.
    #[error("what the dossier is to be judged by does not hold")]
    Records(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody vouches for whoever exported it, or it was revoked.
    #[error("exporter {} is not enrolled", .0.short())]
    Exporter(NodeId),
    /// The name of the document.
    #[error("the document's key cannot be read")]
    Key(#[from] DocKeyError),
    /// The form is not among the records, or nobody who may has handed it down.
    #[error("form {form} {major} is not in the dossier")]
    NoForm {
        /// The form.
        form: String,
        /// Its major version.
        major: u16,
    },
    /// The first change could not be made.
    #[error("the document's beginning cannot be made")]
    Genesis(#[from] GenesisError),
    /// More than a report can have.
    #[error("the changes have more than {DOSSIER_OPS_MAX} operations")]
    TooMuch,
    /// A packet cannot be read.
    #[error("packet {at} cannot be read")]
    Packet {
        /// Its place, from 1.
        at: usize,
        /// Why.
        #[source]
        source: PacketError,
    },
    /// A change comes twice.
    #[error("change {0} is in the dossier twice")]
    Twice(ChangeHash),
    /// Nobody vouches for a change.
    #[error("nobody vouches for change {0}")]
    Unsealed(ChangeHash),
    /// A seal is of another change, or cannot be read.
    #[error("the seal of change {0} is none")]
    Seal(ChangeHash),
    /// A seal's signature.
    #[error("the seal of change {change} does not hold")]
    Signature {
        /// The change.
        change: ChangeHash,
        /// Whose it should be.
        #[source]
        source: SignatureError,
    },
    /// A change of one author's actor is vouched for by another.
    #[error("change {0} is by an actor of somebody else")]
    OthersActor(ChangeHash),
    /// A change does not follow those that it builds upon.
    #[error("change {change} does not follow what it builds upon")]
    Parents {
        /// The change.
        change: ChangeHash,
        /// Why.
        #[source]
        source: ParentsError,
    },
    /// A change that follows from the form cannot be read.
    #[error("a change that follows from the form cannot be read")]
    Derived(#[source] ScanError),
    /// A receipt cannot be read.
    #[error("receipt {at} cannot be read")]
    Receipt {
        /// Its place, from 1.
        at: usize,
        /// Why.
        #[source]
        source: ReceiptError,
    },
    /// A receipt is not as it was signed, of another document, or of somebody who gives none.
    #[error("receipt {at} is none of this document")]
    OtherReceipt {
        /// Its place, from 1.
        at: usize,
    },
}

impl DossierFlaw {
    /// Whoever handed it over.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Peer
    }
}

impl From<RecordFlaw> for DossierFlaw {
    fn from(flaw: RecordFlaw) -> Self {
        Self::Records(Box::new(flaw))
    }
}

/// Verifies a dossier and says what was written in its report. `root` is the fingerprint that its reader knows; without
/// one the dossier is judged by the root that it names itself, which its reader has to compare.
///
/// # Errors
/// [`DossierFlaw`] names the first thing that does not hold.
pub fn verify(bytes: &[u8], root: Option<&Digest>) -> Result<DossierView, DossierFlaw> {
    let dossier = Dossier::open(bytes)?;
    if root.is_some_and(|root| *root != dossier.root) {
        let found = dossier.root;
        return Err(DossierFlaw::OtherRoot { found });
    }
    let registry = Registry::replayed(dossier.root, &dossier.chains, &dossier.records)?;
    let line = registry.line(&dossier.by);
    if line.is_none_or(|line| registry.bar(line).is_some()) {
        return Err(DossierFlaw::Exporter(dossier.by));
    }
    let key = DocKey::decode(dossier.key)?;
    let known = registry.form_of_major(&key.form, key.major, &key.unit);
    let form = known.map(|known| known.form.as_ref());
    let form = form.ok_or_else(|| DossierFlaw::NoForm {
        form: key.form.to_string(),
        major: key.major,
    })?;
    let genesis = genesis(&key, form)?;
    let mut replay = Replay {
        doc: key.id(),
        form,
        genesis: &genesis,
        changes: Vec::new(),
        places: BTreeMap::new(),
        tips: BTreeMap::new(),
        by_op: BTreeMap::new(),
        authors: BTreeMap::new(),
        ops: 0,
    };
    for (packet, at) in dossier.packets.iter().zip(1..) {
        replay.packet(packet, at)?;
    }
    let receipts = receipts(&registry, &key, &dossier.receipts)?;
    let story = Story {
        registry: &registry,
        key: &key,
        form,
        genesis: &genesis,
        changes: &replay.changes,
        authors: &replay.authors,
        receipts: &receipts,
    };
    Ok(DossierView {
        root: dossier.root,
        by: signatory(&registry, dossier.by, "", clock::day(dossier.at)),
        at: dossier.at,
        audit: story.tell(None, |_| None),
        more: story.more(),
    })
}

fn receipts(registry: &Registry, key: &DocKey, all: &[&[u8]]) -> Result<Vec<Receipt>, DossierFlaw> {
    let read = |(bytes, at): (&&[u8], usize)| {
        let broken = |source| DossierFlaw::Receipt { at, source };
        let record = Record::decode(bytes).map_err(|error| broken(error.into()))?;
        let receipt = Receipt::read(&record).map_err(broken)?;
        let holds = record.verify().is_ok()
            && receipt.doc == key.id()
            && record.unit == key.unit
            && gives(registry, &record, &receipt);
        holds
            .then_some(receipt)
            .ok_or(DossierFlaw::OtherReceipt { at })
    };
    all.iter().zip(1..).map(read).collect()
}

/// A document's changes as they are taken in, one after the other.
struct Replay<'a> {
    doc: DocId,
    form: &'a Form,
    genesis: &'a Genesis,
    changes: Vec<ScannedChange>,
    places: BTreeMap<ChangeHash, usize>,
    tips: BTreeMap<ActorId, Tip>,
    /// The change of an actor that begins with an operation of this number.
    by_op: BTreeMap<(ActorId, u64), usize>,
    authors: BTreeMap<ActorId, SealedBy>,
    ops: u64,
}

impl Replay<'_> {
    fn packet(&mut self, bytes: &[u8], at: usize) -> Result<(), DossierFlaw> {
        // Operations hide in the lengths of runs: each packet is bounded by itself, and all of them together here.
        let unpacked = unpack(bytes).map_err(|source| DossierFlaw::Packet { at, source })?;
        let ops: u64 = unpacked.iter().map(|one| one.change.work()).sum();
        self.ops = self.ops.saturating_add(ops);
        if self.ops > DOSSIER_OPS_MAX {
            return Err(DossierFlaw::TooMuch);
        }
        let authors = self.vouched(&unpacked)?;
        for (one, author) in unpacked.into_iter().zip(authors) {
            self.take_derived(&one.change)?;
            let (actor, hash) = (one.change.actor, one.change.hash);
            let known = self.authors.entry(actor).or_insert_with(|| author.clone());
            if *known != author || is_derived_actor(&self.doc, self.form, &actor) {
                return Err(DossierFlaw::OthersActor(hash));
            }
            self.take(one.change)?;
        }
        Ok(())
    }

    /// Who vouches for each change; every seal is verified, needed or not.
    fn vouched(&self, unpacked: &[Unpacked]) -> Result<Vec<SealedBy>, DossierFlaw> {
        let mut seals: Vec<Option<SealedBy>> = Vec::new();
        for one in unpacked {
            let change = one.change.hash;
            if one.seal.is_empty() {
                seals.push(None);
                continue;
            }
            let seal = Seal::from_wire(&one.seal, self.doc, change);
            let seal = seal.map_err(|_| DossierFlaw::Seal(change))?;
            if !seal.covers(&one.change.actor) {
                return Err(DossierFlaw::Seal(change));
            }
            let signed = seal.verify();
            signed.map_err(|source| DossierFlaw::Signature { change, source })?;
            seals.push(Some(SealedBy {
                node: seal.author,
                account: seal.account,
            }));
        }
        let voucher = |one: &Unpacked| {
            let found = one.voucher.and_then(|at| seals.get(at)).cloned().flatten();
            found.ok_or(DossierFlaw::Unsealed(one.change.hash))
        };
        unpacked.iter().map(voucher).collect()
    }

    /// Makes what a change builds upon that follows from the form.
    fn take_derived(&mut self, change: &ScannedChange) -> Result<(), DossierFlaw> {
        let is_here =
            |hash: &ChangeHash| *hash == self.genesis.hash || self.places.contains_key(hash);
        let missing: BTreeSet<_> = change.deps.iter().filter(|dep| !is_here(dep)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let derived = derived_changes(&self.doc, self.form, self.genesis)?;
        for one in derived.iter().filter(|one| missing.contains(&one.hash)) {
            let scanned = scan(&one.bytes, &SCAN_LIMITS).map_err(DossierFlaw::Derived)?;
            self.take(scanned)?;
        }
        Ok(())
    }

    fn take(&mut self, change: ScannedChange) -> Result<(), DossierFlaw> {
        if self.places.contains_key(&change.hash) {
            return Err(DossierFlaw::Twice(change.hash));
        }
        let broken = |source| DossierFlaw::Parents {
            change: change.hash,
            source,
        };
        let at = |place: &usize| self.changes.get(*place);
        let parent = |hash: &ChangeHash| self.places.get(hash).and_then(at).map(Parent::from);
        let tip = self.tips.get(&change.actor).copied();
        check_parents(&change, &self.doc, self.genesis, parent, tip).map_err(broken)?;
        let holder = |actor, counter| {
            let mut before = self.by_op.range((actor, 0)..=(actor, counter));
            before.next_back().and_then(|(_, place)| at(place))
        };
        check_references(&change, holder).map_err(broken)?;
        let place = self.changes.len();
        self.places.insert(change.hash, place);
        self.tips.insert(change.actor, Tip::from(&change));
        self.by_op.insert((change.actor, change.start_op), place);
        self.changes.push(change);
        Ok(())
    }
}
