//! What was written in a report and on whose right, from its changes and the records alone: on a node and in a dossier.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hopluu_doc::{
    DocKey, Fate, Genesis, Judge, Right, ScannedChange, Touched, Written, ancestors, trace,
};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, Date, NodeId, RecordHash};
use hopluu_trust::{Allowed, Author, Given, Grant, Receipt, Rights, Subject, Void};

use crate::docket::SealedBy;
use crate::registry::Registry;
use crate::resolve::unit_name;
use crate::show::wrote;
use crate::view::{
    AnswerView, AuditThing, AuditView, AuditWrite, BroughtView, ReceivedView, ReportRef, RightView,
    Signatory,
};

/// A report's changes with what they are judged by.
pub(super) struct Story<'a> {
    pub(super) registry: &'a Registry,
    pub(super) key: &'a DocKey,
    pub(super) form: &'a Form,
    pub(super) genesis: &'a Genesis,
    /// All but genesis.
    pub(super) changes: &'a [ScannedChange],
    pub(super) authors: &'a BTreeMap<ActorId, SealedBy>,
    /// Those of superiors who may give them.
    pub(super) receipts: &'a [Receipt],
}

impl Story<'_> {
    /// All of it, or what is about one line or section.
    pub(super) fn tell(
        &self,
        name: Option<&str>,
        brought: impl Fn(&ChangeHash) -> Option<BroughtView>,
    ) -> AuditView {
        let written = self.trace();
        let written: Vec<_> = written
            .into_iter()
            .filter(|one| name.is_none_or(|name| is_about(&one.touched, name)))
            .collect();
        let sources = Sources::of(self);
        let mut things: BTreeMap<(Kind, String), Vec<AuditWrite>> = BTreeMap::new();
        for one in &written {
            let write = sources.write(one, brought(&one.change));
            let thing = things.entry(thing_of(&one.touched)).or_default();
            thing.push(write);
        }
        let things = things.into_iter().map(|((kind, name), writes)| AuditThing {
            kind: kind.as_str().to_owned(),
            name,
            writes,
        });
        AuditView {
            report: self.report(),
            form_version: self.form.version(),
            things: things.collect(),
        }
    }

    /// Superiors who have said that they hold what is not here.
    pub(super) fn more(&self) -> Vec<ReceivedView> {
        let here: BTreeSet<_> = self.changes.iter().map(|change| change.hash).collect();
        let is_here = |head: &ChangeHash| here.contains(head) || *head == self.genesis.hash;
        let more = self.receipts.iter();
        let more = more.filter(|receipt| !receipt.heads.iter().all(is_here));
        more.map(|receipt| self.received(receipt)).collect()
    }

    fn report(&self) -> ReportRef {
        ReportRef {
            doc: self.key.id(),
            unit: self.key.unit.clone(),
            unit_name: unit_name(self.registry.tree(), &self.key.unit, self.day()),
            form: self.key.form.clone(),
            period: self.key.period.clone(),
            instance: self.key.instance,
        }
    }

    /// The day whose tree counts for the period.
    fn day(&self) -> Date {
        let day = self.form.tree_day(&self.key.period);
        day.unwrap_or(self.key.unit.since)
    }

    fn trace(&self) -> Vec<Written> {
        let doc = self.key.id();
        let subject = Subject {
            doc,
            unit: &self.key.unit,
            form: &self.key.form,
            period: &self.key.period,
        };
        let authors: BTreeSet<&SealedBy> = self.authors.values().collect();
        let rights: BTreeMap<&SealedBy, Rights> = authors
            .into_iter()
            .map(|by| {
                let (node, account) = (by.node, by.account.as_str());
                let author = Author { node, account };
                (by, self.registry.rights(author, &subject))
            })
            .collect();
        // Of what was revoked all that stands, by the heads that were named.
        let cuts: RefCell<BTreeMap<Vec<ChangeHash>, BTreeSet<ChangeHash>>> = RefCell::default();
        let allowed = |change: &ScannedChange| {
            let by = self.authors.get(&change.actor);
            let Some(rights) = by.and_then(|by| rights.get(by)) else {
                return Allowed::Nothing(Void::NotEnrolled);
            };
            rights.of_change(|heads| {
                let mut cuts = cuts.borrow_mut();
                let standing = cuts.entry(heads.to_vec());
                standing
                    .or_insert_with(|| self.up_to(heads))
                    .contains(&change.hash)
            })
        };
        let judge = Judge::new(&doc, self.form, self.genesis);
        trace(&judge, self.changes, allowed)
    }

    fn up_to(&self, heads: &[ChangeHash]) -> BTreeSet<ChangeHash> {
        let graph = self
            .changes
            .iter()
            .map(|one| (one.hash, one.deps.as_slice()));
        ancestors(heads.iter().copied(), graph)
    }

    fn received(&self, receipt: &Receipt) -> ReceivedView {
        let on = crate::clock::day(receipt.at);
        ReceivedView {
            unit: receipt.by.unit.clone(),
            unit_name: unit_name(self.registry.tree(), &receipt.by.unit, on),
            at: receipt.at,
        }
    }
}

/// Who a node is, as far as its certificate says.
pub(super) fn signatory(registry: &Registry, node: NodeId, account: &str, on: Date) -> Signatory {
    let place = registry.identity(&node).map(|identity| &identity.place);
    Signatory {
        node: Some(node),
        unit: place.map(|place| place.unit.clone()),
        unit_name: place.map(|place| unit_name(registry.tree(), &place.unit, on)),
        office: place.and_then(|place| place.office.clone()),
        account: (!account.is_empty()).then(|| account.to_owned()),
    }
}

/// What is looked up for every write.
struct Sources<'s, 'a> {
    story: &'s Story<'a>,
    day: Date,
    changes: BTreeMap<ChangeHash, &'s ScannedChange>,
    grants: BTreeMap<RecordHash, Given<Grant>>,
    /// The earliest receipt of each change.
    received: BTreeMap<ChangeHash, ReceivedView>,
}

impl<'s, 'a> Sources<'s, 'a> {
    fn of(story: &'s Story<'a>) -> Self {
        let mut receipts: Vec<_> = story.receipts.iter().collect();
        receipts.sort_by_key(|receipt| receipt.at);
        let mut received = BTreeMap::new();
        for receipt in receipts {
            for change in story.up_to(&receipt.heads) {
                received
                    .entry(change)
                    .or_insert_with(|| story.received(receipt));
            }
        }
        let grants = story.registry.grants().into_iter();
        Self {
            story,
            day: story.day(),
            changes: story.changes.iter().map(|one| (one.hash, one)).collect(),
            grants: grants.map(|(given, _)| (given.hash, given)).collect(),
            received,
        }
    }

    fn write(&self, one: &Written, brought: Option<BroughtView>) -> AuditWrite {
        let author = self.author(&one.change);
        let at = self.changes.get(&one.change).map(|change| change.time);
        AuditWrite {
            wrote: wrote(&one.touched),
            change: one.change,
            at: at.unwrap_or_default(),
            right: one.right.ok().map(|right| self.right(right, author.node)),
            author,
            void: one.right.err().map(|why| why.as_str().to_owned()),
            stands: one.fate == Fate::Stands,
            superseded_by: match one.fate {
                Fate::Superseded(by) => Some(by),
                Fate::Stands | Fate::Void => None,
            },
            answer: one.answer.map(|answered| AnswerView {
                answer: answered.answer.as_str().to_owned(),
                by: self.author(&answered.by),
                change: answered.by,
            }),
            received: self.received.get(&one.change).cloned(),
            brought,
        }
    }

    fn author(&self, change: &ChangeHash) -> Signatory {
        let actor = self.changes.get(change).map(|change| change.actor);
        let by = actor.and_then(|actor| self.story.authors.get(&actor));
        by.map_or_else(nobody, |by| {
            signatory(self.story.registry, by.node, &by.account, self.day)
        })
    }

    fn right(&self, right: Right, author: Option<NodeId>) -> RightView {
        let registry = self.story.registry;
        match right {
            Right::MainNode => RightView {
                grant: None,
                by: author
                    .and_then(|node| registry.issuer(&node))
                    .map(|issuer| signatory(registry, issuer, "", self.day)),
                since: None,
                until: None,
            },
            Right::Grant(hash) => {
                let given = self.grants.get(&hash);
                RightView {
                    grant: Some(hash),
                    by: given.map(|given| signatory(registry, given.author, "", self.day)),
                    since: given.and_then(|given| given.body.since),
                    until: given.and_then(|given| given.body.until),
                }
            }
        }
    }
}

pub(super) fn nobody() -> Signatory {
    Signatory {
        node: None,
        unit: None,
        unit_name: None,
        office: None,
        account: None,
    }
}

impl AuditView {
    /// The same report told of two of its documents.
    pub(super) fn joined(mut self, other: Self) -> Self {
        for thing in other.things {
            let mut here = self.things.iter_mut();
            match here.find(|one| (&one.kind, &one.name) == (&thing.kind, &thing.name)) {
                Some(one) => one.writes.extend(thing.writes),
                None => self.things.push(thing),
            }
        }
        self
    }
}

/// What a thing is, in the order in which things are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Figure,
    Note,
    Text,
    File,
    Step,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Figure => "figure",
            Self::Note => "note",
            Self::Text => "text",
            Self::File => "file",
            Self::Step => "step",
        }
    }
}

fn thing_of(touched: &Touched) -> (Kind, String) {
    match touched {
        Touched::Figure(key, _) => (Kind::Figure, key.to_string()),
        Touched::Note(key, _) => (Kind::Note, key.to_string()),
        Touched::Text { key, .. } => (Kind::Text, format!("{}@{}", key.0, key.1)),
        Touched::Attached(file) => (Kind::File, file.hash.to_string()),
        Touched::Detached(hash, _) => (Kind::File, hash.to_string()),
        Touched::Event(event) => (Kind::Step, event.step().to_string()),
    }
}

/// Whether it is about a line or section of this name.
fn is_about(touched: &Touched, name: &str) -> bool {
    match touched {
        Touched::Figure(key, _) | Touched::Note(key, _) => {
            key.code.as_str() == name || key.to_string() == name
        }
        Touched::Text { key, .. } => key.0.as_str() == name,
        Touched::Attached(_) | Touched::Detached(..) | Touched::Event(_) => false,
    }
}
