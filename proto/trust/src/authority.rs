//! Who may write what: asked of grants and revocations where values are read, never at admission.
//!
//! A main node's certificate is its right to everything in the reports of its unit and of those below;
//! an office writes what grants give it. Everything here depends on the set of records, certificates
//! and tree events alone: whoever holds the same ones judges alike, in whatever order they came.
//!
//! Who revokes stands nearer to the root than what it revokes, so no two can undo each other, and asking
//! whether a revocation holds ends at the root.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use hopluu_model::{
    ChangeHash, DocId, FormId, IndicatorCode, NodeId, OfficeId, Period, RecordHash, SectionId,
    Step, UnitId,
};
use serde::{Deserialize, Serialize};

use crate::{Grant, Identity, Revocation, Target};

/// Who is known, and who stands above whom.
pub trait Enrolment {
    /// Everybody in the chain by which a node is enrolled, the node first.
    fn line(&self, node: &NodeId) -> Option<&[Identity]>;

    /// Whether a unit is another or has ever been below it.
    fn is_at_or_below(&self, unit: &UnitId, above: &UnitId) -> bool;
}

/// A record's content with who said it, and of which unit.
#[derive(Debug, Clone)]
pub struct Given<T> {
    /// The record's name.
    pub hash: RecordHash,
    /// Who signed it.
    pub author: NodeId,
    /// The record's unit.
    pub unit: UnitId,
    /// What it says.
    pub body: T,
}

/// Who wrote: the node that sealed, and the account that it named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Author<'a> {
    /// Whose seal it is.
    pub node: NodeId,
    /// The person's account there; empty where the node has none.
    pub account: &'a str,
}

/// The report that is written.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Its document.
    pub doc: DocId,
    /// Whose report it is.
    pub unit: &'a UnitId,
    /// Of which form.
    pub form: &'a FormId,
    /// On which period.
    pub period: &'a Period,
}

/// What an operation does. `is_own` is what the form says: see [`Rights::office`].
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Writes a figure, or the note beside it.
    Line {
        /// Which.
        code: &'a IndicatorCode,
        /// Whether the form gives it to the author's office.
        is_own: bool,
    },
    /// Writes in a text.
    Text {
        /// Which section.
        section: &'a SectionId,
        /// Whose text of it.
        office: &'a OfficeId,
    },
    /// Adds a file or takes one out.
    Attachment,
    /// Takes a step; calling a part complete names whose.
    Step(Step, Option<&'a OfficeId>),
    /// Anything else: for a main node only.
    Other,
}

impl Act<'_> {
    /// Whether it is for those above the report's unit: nobody takes, or sends back, what is their own.
    #[must_use]
    pub fn is_superior_s(&self) -> bool {
        matches!(self, Self::Step(Step::Accepted | Step::Returned, _))
    }
}

/// Why an operation counts nowhere; of several reasons in one change the last of these is told. The order is part of
/// the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Void {
    /// Its author is not enrolled by any certificate that stands.
    NotEnrolled,
    /// Its author's unit is neither the report's nor above it.
    OtherUnit,
    /// No grant of its author's office is about it.
    NoGrant,
    /// Its author, the author's account or the grant was revoked, and it is not among what stands.
    Revoked,
    /// It takes or sends back a report of its author's own unit, which is for those above.
    NotSuperior,
    /// What the step needs was not before it. No record decides that, so it is said of no operation here: the events of
    /// the report do, together.
    OutOfOrder,
}

impl Void {
    /// The word in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotEnrolled => "not-enrolled",
            Self::OtherUnit => "other-unit",
            Self::NoGrant => "no-grant",
            Self::Revoked => "revoked",
            Self::NotSuperior => "not-superior",
            Self::OutOfOrder => "out-of-order",
        }
    }
}

impl fmt::Display for Void {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotEnrolled => "no certificate of its node stands",
            Self::OtherUnit => "the report is another unit's",
            Self::NoGrant => "its office was not granted that",
            Self::Revoked => "its right was revoked",
            Self::NotSuperior => "only a superior takes or returns a report",
            Self::OutOfOrder => "what the step needs was not before it",
        })
    }
}

/// What was said about one thing, by record.
type All<T> = Vec<Arc<Given<T>>>;

/// Grants and revocations, as far as they have come.
#[derive(Debug, Clone, Default)]
pub struct Authority {
    grants: Arc<BTreeMap<(UnitId, OfficeId), All<Grant>>>,
    revocations: Arc<BTreeMap<Target, All<Revocation>>>,
}

impl Authority {
    /// Learns a grant, whoever gave it: whether it counts is asked when it is read.
    pub fn grant(&mut self, given: Given<Grant>) {
        let key = (given.body.holder.clone(), given.body.office.clone());
        insert(
            Arc::make_mut(&mut self.grants).entry(key).or_default(),
            given,
        );
    }

    /// Learns a revocation, whoever signed it.
    pub fn revoke(&mut self, given: Given<Revocation>) {
        let key = given.body.target.clone();
        let all = Arc::make_mut(&mut self.revocations);
        insert(all.entry(key).or_default(), given);
    }

    /// Every grant that was ever given, with whether it counts, for whoever shows them.
    pub fn grants<'a>(
        &'a self,
        who: &'a impl Enrolment,
    ) -> impl Iterator<Item = (&'a Given<Grant>, bool)> {
        let all = self.grants.values().flatten();
        all.map(move |given| {
            let is_revoked = || self.valid(who, &Target::Grant(given.hash)).next().is_some();
            (&**given, is_given(self, who, given) && !is_revoked())
        })
    }

    /// Every revocation that counts.
    pub fn revocations<'a>(
        &'a self,
        who: &'a impl Enrolment,
    ) -> impl Iterator<Item = &'a Given<Revocation>> {
        self.revocations
            .keys()
            .flat_map(move |target| self.valid(who, target))
    }

    /// The revocations of one target that count.
    pub fn valid<'a, E: Enrolment>(
        &'a self,
        who: &'a E,
        target: &Target,
    ) -> impl Iterator<Item = &'a Given<Revocation>> + use<'a, E> {
        let known = self.revocations.get(target).into_iter().flatten();
        known
            .map(AsRef::as_ref)
            .filter(move |given| self.may_revoke(who, given))
    }

    /// The revocation by which nobody takes up a link with this node any more: its own, or that of
    /// somebody in its chain who certified it, or let others do it, when that counted no longer.
    #[must_use]
    pub fn bar<'a>(
        &'a self,
        who: &'a impl Enrolment,
        line: &[Identity],
    ) -> Option<&'a Given<Revocation>> {
        let own = line.first().map(|leaf| Target::Node(leaf.place.node))?;
        let own = self.valid(who, &own).next();
        own.or_else(|| self.broken(who, line))
    }

    /// Whether what a node said in a record counts: it is no revoked one, or the record was named as
    /// one that stands.
    #[must_use]
    pub fn is_said(&self, who: &impl Enrolment, author: &NodeId, record: &RecordHash) -> bool {
        // Nearly nobody is ever revoked.
        if self.revocations.is_empty() {
            return true;
        }
        let Some(line) = who.line(author) else {
            return false;
        };
        if self.broken(who, line).is_some() {
            return false;
        }
        let mut cuts = self.valid(who, &Target::Node(*author)).peekable();
        cuts.peek().is_none() || cuts.any(|cut| cut.body.said.binary_search(record).is_ok())
    }

    /// What an author may write in a report.
    #[must_use]
    pub fn rights(&self, who: &impl Enrolment, author: Author<'_>, of: &Subject<'_>) -> Rights {
        let Some(line) = who.line(&author.node) else {
            return Rights::none(Void::NotEnrolled);
        };
        let Some(identity) = line.first() else {
            return Rights::none(Void::NotEnrolled);
        };
        if self.broken(who, line).is_some() {
            return Rights::none(Void::Revoked);
        }
        if !who.is_at_or_below(of.unit, &identity.place.unit) {
            return Rights::none(Void::OtherUnit);
        }
        let cuts = [
            self.cut(who, &Target::Node(author.node), of),
            self.cut(
                who,
                &Target::Account(author.node, author.account.to_owned()),
                of,
            ),
        ];
        let grants = identity.place.office.as_ref().map(|office| {
            let key = (identity.place.unit.clone(), office.clone());
            self.held(who, &key, of)
        });
        Rights {
            bar: None,
            cuts: cuts.into_iter().flatten().collect(),
            office: identity.place.office.clone(),
            grants,
            is_superior: identity.place.unit != *of.unit,
        }
    }

    /// Whether an office may have the private lines of a report, which stand together: `lines` are all of them, each
    /// with whether the form gives it to the office. Who may write one may read it, and with it those beside it. Main
    /// nodes are not asked about: what is at or below their unit is theirs to read.
    #[must_use]
    pub fn may_read(
        &self,
        who: &impl Enrolment,
        (unit, office): (&UnitId, &OfficeId),
        of: &Subject<'_>,
        lines: &[(&IndicatorCode, bool)],
    ) -> bool {
        if of.unit != unit {
            return false;
        }
        let held = self.held(who, &(unit.clone(), office.clone()), of);
        let mut standing = held.iter().filter(|held| held.cut.is_none());
        standing.any(|held| {
            let mut lines = lines.iter();
            lines.any(|(code, is_own)| held.given.body.lets_read(code, *is_own))
        })
    }

    /// The grants of an office that count and were not revoked, ascending: what it may read changes with them.
    pub fn standing<'a, E: Enrolment>(
        &'a self,
        who: &'a E,
        holder: &(UnitId, OfficeId),
    ) -> impl Iterator<Item = RecordHash> + use<'a, E> {
        let known = self.grants.get(holder).into_iter().flatten();
        let standing = known.filter(move |given| {
            let target = Target::Grant(given.hash);
            is_given(self, who, given) && self.valid(who, &target).next().is_none()
        });
        standing.map(|given| given.hash)
    }

    /// The grants that an office holds in a report.
    fn held(&self, who: &impl Enrolment, key: &(UnitId, OfficeId), of: &Subject<'_>) -> Vec<Held> {
        let known = self.grants.get(key).into_iter().flatten();
        let held = known.filter(|given| {
            let is_about = if given.body.below {
                who.is_at_or_below(of.unit, &given.unit)
            } else {
                *of.unit == given.unit
            };
            is_about && given.body.covers(of.form, of.period) && is_given(self, who, given)
        });
        held.map(|given| Held {
            given: Arc::clone(given),
            cut: self.cut(who, &Target::Grant(given.hash), of),
        })
        .collect()
    }

    /// Of what was revoked the last changes of a document that stand; nothing where it was not.
    fn cut(
        &self,
        who: &impl Enrolment,
        target: &Target,
        of: &Subject<'_>,
    ) -> Option<Vec<ChangeHash>> {
        let mut cuts = self.valid(who, target).peekable();
        cuts.peek()?;
        let heads = cuts.flat_map(|cut| cut.body.heads(&of.doc)).copied();
        let heads: BTreeSet<_> = heads.collect();
        Some(heads.into_iter().collect())
    }

    /// The revocation of somebody in a chain that does not name the one below as still certified.
    fn broken<'a>(
        &'a self,
        who: &'a impl Enrolment,
        line: &[Identity],
    ) -> Option<&'a Given<Revocation>> {
        if self.revocations.is_empty() {
            return None;
        }
        let links = line.iter().zip(line.iter().skip(1));
        links.into_iter().find_map(|(lower, issuer)| {
            let mut cuts = self.valid(who, &Target::Node(issuer.place.node));
            let first = cuts.next()?;
            let stays = |cut: &Given<Revocation>| {
                cut.body.certified.binary_search(&lower.place.node).is_ok()
            };
            let is_certified = stays(first) || cuts.any(stays);
            (!is_certified).then_some(first)
        })
    }

    /// Whether whoever signed a revocation stands above what it is about, and was not revoked itself.
    fn may_revoke(&self, who: &impl Enrolment, given: &Given<Revocation>) -> bool {
        let Some(author) = who.line(&given.author) else {
            return false;
        };
        let outranks = match &given.body.target {
            Target::Node(node) => who
                .line(node)
                .is_some_and(|line| outranks(who, author, line)),
            // A node answers for its own people.
            Target::Account(node, _) => {
                *node == given.author
                    || who
                        .line(node)
                        .is_some_and(|line| outranks(who, author, line))
            }
            Target::Grant(hash) => self.giver(hash).is_some_and(|giver| {
                giver == given.author
                    || who
                        .line(&giver)
                        .is_some_and(|line| outranks(who, author, line))
            }),
        };
        outranks && self.is_said(who, &given.author, &given.hash)
    }

    fn giver(&self, grant: &RecordHash) -> Option<NodeId> {
        let mut all = self.grants.values().flatten();
        let found = all.find(|given| given.hash == *grant);
        found.map(|given| given.author)
    }
}

/// Whether a grant is its giver's to give.
fn is_given(authority: &Authority, who: &impl Enrolment, given: &Given<Grant>) -> bool {
    let giver = who.line(&given.author).and_then(<[_]>::first);
    giver.is_some_and(|giver| {
        giver.may_issue
            && who.is_at_or_below(&given.body.holder, &giver.place.unit)
            && who.is_at_or_below(&given.unit, &given.body.holder)
    }) && authority.is_said(who, &given.author, &given.hash)
}

/// Whether the first of one chain decides over the first of another: a main node at or above its unit,
/// and nearer to the root; of one unit the main node over the offices.
fn outranks(who: &impl Enrolment, upper: &[Identity], lower: &[Identity]) -> bool {
    let (Some(one), Some(other)) = (upper.first(), lower.first()) else {
        return false;
    };
    let rank = |line: &[Identity], leaf: &Identity| (line.len(), leaf.place.office.is_some());
    one.may_issue
        && rank(upper, one) < rank(lower, other)
        && who.is_at_or_below(&other.place.unit, &one.place.unit)
}

fn insert<T>(list: &mut All<T>, given: Given<T>) {
    if let Err(at) = list.binary_search_by_key(&given.hash, |known| known.hash) {
        list.insert(at, Arc::new(given));
    }
}

/// What an author may write in one report.
#[derive(Debug, Clone)]
pub struct Rights {
    bar: Option<Void>,
    /// Of each thing revoked, node or account, what stands.
    cuts: Vec<Vec<ChangeHash>>,
    office: Option<OfficeId>,
    /// Nothing for a main node, which may write everything.
    grants: Option<Vec<Held>>,
    /// Whether the author's unit is above the report's.
    is_superior: bool,
}

/// A grant that an author holds, and of a revoked one what stands.
#[derive(Debug, Clone)]
struct Held {
    given: Arc<Given<Grant>>,
    cut: Option<Vec<ChangeHash>>,
}

impl Rights {
    fn none(why: Void) -> Self {
        Self {
            bar: Some(why),
            cuts: Vec::new(),
            office: None,
            grants: Some(Vec::new()),
            is_superior: false,
        }
    }

    /// What an office gets with its certificate, for a person of it at the main node of the unit, which asks this of
    /// itself and of nobody else.
    #[must_use]
    pub fn of_office(node: NodeId, unit: &UnitId, office: &OfficeId) -> Self {
        let given = Given {
            hash: RecordHash([0; 32]),
            author: node,
            unit: unit.clone(),
            body: Grant::of_office(unit.clone(), office.clone()),
        };
        Self {
            bar: None,
            cuts: Vec::new(),
            office: Some(office.clone()),
            grants: Some(vec![Held {
                given: Arc::new(given),
                cut: None,
            }]),
            is_superior: false,
        }
    }

    /// The author's office; nothing for a main node.
    #[must_use]
    pub fn office(&self) -> Option<&OfficeId> {
        self.office.as_ref()
    }

    /// Whether anything was revoked, so that it matters what a change builds upon.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        let grants = self.grants.iter().flatten();
        !self.cuts.is_empty() || grants.into_iter().any(|held| held.cut.is_some())
    }

    /// What of it holds for one change. `stands` says whether the change is among these or something
    /// that they build upon; it is asked only where something was revoked.
    pub fn of_change(&self, stands: impl Fn(&[ChangeHash]) -> bool) -> Allowed<'_> {
        let bar = self.bar.or_else(|| {
            let is_cut_off = self.cuts.iter().any(|heads| !stands(heads));
            is_cut_off.then_some(Void::Revoked)
        });
        if let Some(why) = bar {
            return Allowed::Nothing(why);
        }
        let Some(grants) = &self.grants else {
            return Allowed::Everything {
                is_superior: self.is_superior,
            };
        };
        let holds = |held: &&Held| held.cut.as_ref().is_none_or(|heads| stands(heads));
        let (holding, gone): (Vec<_>, Vec<_>) = grants.iter().partition(holds);
        Allowed::By {
            grants: holding.into_iter().map(|held| &*held.given).collect(),
            revoked: gone.into_iter().map(|held| &*held.given).collect(),
            office: self.office.as_ref(),
            is_superior: self.is_superior,
        }
    }
}

/// What an author may write in one change. A superior's node is of a unit above the report's: only such take a report
/// or send it back.
#[derive(Debug)]
pub enum Allowed<'a> {
    /// Nothing, and why.
    Nothing(Void),
    /// Everything else: a main node.
    Everything {
        /// Whether it is a superior's.
        is_superior: bool,
    },
    /// What these grants give.
    By {
        /// Those that hold.
        grants: Vec<&'a Given<Grant>>,
        /// Those that were revoked before this change.
        revoked: Vec<&'a Given<Grant>>,
        /// Whose they are.
        office: Option<&'a OfficeId>,
        /// Whether it is a superior's.
        is_superior: bool,
    },
}

impl<'a> Allowed<'a> {
    /// The office that it is asked for; nothing for a main node, or where nothing is allowed.
    #[must_use]
    pub fn office(&self) -> Option<&'a OfficeId> {
        match self {
            Self::By { office, .. } => *office,
            Self::Nothing(_) | Self::Everything { .. } => None,
        }
    }

    /// Judges one operation, and names the grant that allows it; a main node needs none.
    ///
    /// # Errors
    /// Why it is void.
    pub fn judge(&self, act: &Act<'_>) -> Result<Option<&'a Given<Grant>>, Void> {
        match self {
            Self::Nothing(why) => Err(*why),
            Self::Everything { is_superior } | Self::By { is_superior, .. }
                if !is_superior && act.is_superior_s() =>
            {
                Err(Void::NotSuperior)
            }
            Self::Everything { .. } => Ok(None),
            Self::By {
                grants,
                revoked,
                office,
                ..
            } => {
                let gives = |given: &&&Given<Grant>| gives(&given.body, *office, act);
                if let Some(given) = grants.iter().find(gives) {
                    return Ok(Some(given));
                }
                let was_given = revoked.iter().any(|given| gives(&given));
                Err(if was_given {
                    Void::Revoked
                } else {
                    Void::NoGrant
                })
            }
        }
    }
}

fn gives(grant: &Grant, holder: Option<&OfficeId>, act: &Act<'_>) -> bool {
    match act {
        Act::Line { code, is_own } => grant.lines.holds(code, *is_own),
        Act::Text { section, office } => grant.texts.holds(section, Some(*office) == holder),
        Act::Attachment => grant.attachments,
        Act::Step(Step::Contributed, part) => {
            grant.steps.holds(Step::Contributed) && *part == holder
        }
        Act::Step(step, _) => grant.steps.holds(*step),
        Act::Other => false,
    }
}

#[cfg(test)]
mod tests;
