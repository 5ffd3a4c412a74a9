//! Judges what is written in one document, by what the records say. Whoever holds the same records and
//! changes judges alike; admission never asks.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{DocKey, Facts, Genesis, Judge, ScannedChange, VoidOps, Voids, ancestors, scan};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, DocId, NodeId, OfficeId, UnitId};
use hopluu_store::{DbError, Read};
use hopluu_trust::{Allowed, Author, Rights, Seal, Subject, Void};

use crate::beginnings::Beginnings;
use crate::registry::Registry;

/// Who wrote a change, as the seal says that vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SealedBy {
    pub(crate) node: NodeId,
    pub(crate) account: String,
}

impl SealedBy {
    /// The account, where there is one.
    pub(crate) fn person(&self) -> Option<String> {
        (!self.account.is_empty()).then(|| self.account.clone())
    }

    /// Whose a seal is that was admitted; nobody's where there is none.
    pub(crate) fn of(seal: &[u8]) -> Option<Self> {
        let (doc, head) = (DocId([0; 16]), ChangeHash([0; 32]));
        let seal = Seal::from_wire(seal, doc, head).ok()?;
        Some(Self {
            node: seal.author,
            account: seal.account,
        })
    }
}

/// Judges changes of one document.
pub(crate) struct Docket<'a> {
    registry: &'a Registry,
    key: &'a DocKey,
    doc: DocId,
    /// Nothing while the form is not known: then nobody reads the document either.
    judge: Option<Judge<'a>>,
    rights: BTreeMap<SealedBy, Rights>,
}

impl<'a> Docket<'a> {
    pub(crate) fn new(registry: &'a Registry, beginnings: &Beginnings, key: &'a DocKey) -> Self {
        let doc = key.id();
        let known = registry.form_of_major(&key.form, key.major, &key.unit);
        let judge = known.and_then(|known| {
            let genesis = beginnings.of(key, &known.form).ok()?;
            Some(Judge::new(&doc, &known.form, &genesis))
        });
        Self {
            registry,
            key,
            doc,
            judge,
            rights: BTreeMap::new(),
        }
    }

    /// The same where form and beginning are at hand.
    pub(crate) fn upon(
        registry: &'a Registry,
        key: &'a DocKey,
        form: &'a Form,
        genesis: &Genesis,
    ) -> Self {
        let doc = key.id();
        Self {
            registry,
            key,
            doc,
            judge: Some(Judge::new(&doc, form, genesis)),
            rights: BTreeMap::new(),
        }
    }

    pub(crate) fn key(&self) -> &'a DocKey {
        self.key
    }

    /// What of a change counts nowhere. What follows from the form is nobody's, and counts. `stands` says
    /// whether the change is among some others or what they build upon; it is asked where something was revoked.
    pub(crate) fn void_in(
        &mut self,
        change: &ScannedChange,
        by: Option<&SealedBy>,
        stands: impl Fn(&[ChangeHash]) -> bool,
    ) -> Option<VoidOps> {
        let (judge, by) = (self.judge.as_ref()?, by?);
        if !self.rights.contains_key(by) {
            let rights = self
                .registry
                .rights(author(by), &subject(self.doc, self.key));
            self.rights.insert(by.clone(), rights);
        }
        let rights = self.rights.get(by)?;
        judge.void_in(change, &rights.of_change(stands))
    }

    /// Whether an author may write everything.
    pub(crate) fn may_all(&self, by: &SealedBy) -> bool {
        let narrowed = self.rights.get(by).cloned();
        let rights = narrowed.unwrap_or_else(|| {
            let subject = subject(self.doc, self.key);
            self.registry.rights(author(by), &subject)
        });
        matches!(rights.of_change(|_| false), Allowed::Everything { .. })
    }

    /// Has an author write no more than what an office gets with its certificate: a person of that office, at the node
    /// of the unit, which vouches for it. Nobody else asks.
    pub(crate) fn narrow(&mut self, by: &SealedBy, office: &OfficeId, unit: &UnitId) {
        let rights = Rights::of_office(by.node, unit, office);
        self.rights.insert(by.clone(), rights);
    }

    /// What an author who writes now may not, of a change: the first of it, and why.
    pub(crate) fn refused(
        &mut self,
        change: &ScannedChange,
        by: &SealedBy,
    ) -> Option<(String, Void)> {
        let void = self.void_in(change, Some(by), |_| false)?;
        let names = self.judge.as_ref()?.names(change, &void);
        Some((names.into_iter().next().unwrap_or_default(), void.why))
    }

    /// Whether some revocation names this change as one up to which things stand: what was judged before it came
    /// was judged without it.
    pub(crate) fn is_cut_at(&self, change: &ChangeHash) -> bool {
        self.registry.is_cut_at(change)
    }

    /// The facts that a document's stored changes make up, and what of them is void.
    pub(crate) fn judged(&mut self, read: &Read) -> Result<(Facts, Voids), DbError> {
        let (mut authors, mut graph) = (BTreeMap::<ActorId, SealedBy>::new(), Vec::new());
        read.for_each_change(self.doc, 0, |row| {
            if let Some(by) = SealedBy::of(&row.seal) {
                authors.entry(row.actor).or_insert(by);
            }
            graph.push((row.hash, row.deps));
            true
        })?;
        let before = |heads: &[ChangeHash]| -> BTreeSet<ChangeHash> {
            let graph = graph.iter().map(|(hash, deps)| (*hash, deps.as_slice()));
            ancestors(heads.iter().copied(), graph)
        };
        // Of what was revoked all that stands, by the heads that were named.
        let cuts: RefCell<BTreeMap<Vec<ChangeHash>, BTreeSet<ChangeHash>>> = RefCell::default();
        let (mut facts, mut voids) = (Facts::new(), Voids::new());
        read.for_each_change(self.doc, 0, |row| {
            let Ok(change) = scan(&row.body, &SCAN_LIMITS) else {
                return true;
            };
            let by = authors.get(&change.actor);
            let stands = |heads: &[ChangeHash]| {
                let mut cuts = cuts.borrow_mut();
                let standing = cuts.entry(heads.to_vec());
                standing
                    .or_insert_with(|| before(heads))
                    .contains(&change.hash)
            };
            let void = self.void_in(&change, by, stands);
            facts.apply_judged(&change, void.as_ref());
            voids.extend(void.map(|void| (change.hash, void)));
            true
        })?;
        Ok((facts, voids))
    }
}

fn author(by: &SealedBy) -> Author<'_> {
    Author {
        node: by.node,
        account: &by.account,
    }
}

fn subject(doc: DocId, key: &DocKey) -> Subject<'_> {
    Subject {
        doc,
        unit: &key.unit,
        form: &key.form,
        period: &key.period,
    }
}
