//! Grants and revocations among the records, and what an author may write by them.

use std::collections::BTreeSet;
use std::sync::Arc;

use hopluu_model::tree::UnitTree;
use hopluu_model::{ChangeHash, NodeId, RecordHash, UnitId};
use hopluu_trust::{
    Author, Enrolment, Given, Grant, Identity, Record, Revocation, Rights, Subject, Target,
};

use super::enrolled::EnrolledNodes;
use super::{RecordEffect, RecordRefusal, Registry};

/// Who is enrolled, by a tree.
pub(super) struct Who<'a> {
    nodes: &'a EnrolledNodes,
    tree: &'a UnitTree,
}

impl Enrolment for Who<'_> {
    fn line(&self, node: &NodeId) -> Option<&[Identity]> {
        self.nodes.line(node, self.tree)
    }

    fn is_at_or_below(&self, unit: &UnitId, above: &UnitId) -> bool {
        self.tree.is_at_or_below(unit, above)
    }
}

fn given<T>(record: &Record, body: T) -> Given<T> {
    Given {
        hash: record.hash(),
        author: record.author,
        unit: record.unit.clone(),
        body,
    }
}

impl Registry {
    pub(super) fn learn_grant(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let grant = Grant::decode(&record.body).map_err(|error| RecordRefusal::Body {
            kind: "grant",
            detail: error.to_string(),
        })?;
        self.authority.grant(given(record, grant));
        Ok(RecordEffect::Grant)
    }

    pub(super) fn learn_revocation(
        &mut self,
        record: &Record,
    ) -> Result<RecordEffect, RecordRefusal> {
        let revocation = Revocation::decode(&record.body).map_err(|error| RecordRefusal::Body {
            kind: "revocation",
            detail: error.to_string(),
        })?;
        let heads = revocation.stands.values().flatten();
        let cuts = self.cuts.get_or_insert_default();
        Arc::make_mut(cuts).extend(heads);
        self.is_tree_due = true;
        let effect = RecordEffect::Revocation(Arc::new(revocation.clone()));
        self.authority.revoke(given(record, revocation));
        Ok(effect)
    }

    pub(super) fn who(&self) -> Who<'_> {
        Who {
            nodes: &self.nodes,
            tree: &self.tree,
        }
    }

    /// Whether what somebody said in a record counts.
    pub(super) fn is_said(&self, author: &NodeId, record: &RecordHash) -> bool {
        self.authority.is_said(&self.who(), author, record)
    }

    /// What an author may write in a report.
    pub(crate) fn rights(&self, author: Author<'_>, of: &Subject<'_>) -> Rights {
        self.authority.rights(&self.who(), author, of)
    }

    /// Every grant that was given, and whether it counts.
    pub(crate) fn grants(&self) -> Vec<(Given<Grant>, bool)> {
        let who = self.who();
        let all = self.authority.grants(&who);
        all.map(|(given, counts)| (given.clone(), counts)).collect()
    }

    /// Every revocation that counts.
    pub(crate) fn revocations(&self) -> Vec<Given<Revocation>> {
        self.authority.revocations(&self.who()).cloned().collect()
    }

    /// The revocation by which nobody takes up a link with whoever shows this chain.
    pub(crate) fn bar(&self, line: &[Identity]) -> Option<Given<Revocation>> {
        self.authority.bar(&self.who(), line).cloned()
    }

    /// Whether anything is given to a node: it is enrolled, and nobody who may has revoked it or who let it in.
    pub(crate) fn is_welcome(&self, node: &NodeId) -> bool {
        let line = self.line(node);
        line.is_some_and(|line| self.bar(line).is_none())
    }

    /// Whether one node stands right above another: it has let it in, or it works in the place of the revoked one that has.
    pub(crate) fn is_right_above(&self, above: &NodeId, node: &NodeId) -> bool {
        let Some(issuer) = self.issuer(node) else {
            return false;
        };
        if issuer == *above || self.is_welcome(&issuer) {
            return issuer == *above;
        }
        let place = |node| {
            let place = &self.identity(node)?.place;
            Some((&place.unit, &place.office))
        };
        place(above).is_some() && place(above) == place(&issuer)
    }

    /// Why an account of a node, by any of the keys that it has had, holds no longer, where somebody entitled to has
    /// said so.
    pub(crate) fn revoked_account(&self, keys: &[NodeId], account: &str) -> Option<String> {
        let who = self.who();
        let mut all = self.authority.revocations(&who);
        let found = all.find(|given| {
            matches!(&given.body.target, Target::Account(of, name) if name == account && keys.contains(of))
        });
        found.map(|given| given.body.reason.as_str().to_owned())
    }

    /// Whether some revocation names a change as one up to which things stand.
    pub(crate) fn is_cut_at(&self, change: &ChangeHash) -> bool {
        let cuts = self.cuts.as_ref();
        cuts.is_some_and(|cuts| cuts.contains(change))
    }

    /// The units in whose reports something may have been written by what is revoked.
    pub(crate) fn units_about(&self, target: &Target) -> BTreeSet<UnitId> {
        let unit = match target {
            Target::Node(node) | Target::Account(node, _) => {
                let identity = self.identity(node);
                identity.map(|identity| identity.place.unit.clone())
            }
            Target::Grant(hash) => self.unit_of_grant(hash),
        };
        let below = unit.map(|unit| self.tree.ever_below(&unit));
        below.into_iter().flatten().collect()
    }

    /// Whether a node holds a grant.
    pub(crate) fn holds(&self, grant: &RecordHash, node: &NodeId) -> bool {
        let Some(place) = self.identity(node).map(|identity| &identity.place) else {
            return false;
        };
        let who = self.who();
        let mut all = self.authority.grants(&who);
        all.any(|(given, _)| {
            given.hash == *grant
                && given.body.holder == place.unit
                && place.office.as_ref() == Some(&given.body.office)
        })
    }

    fn unit_of_grant(&self, hash: &RecordHash) -> Option<UnitId> {
        let who = self.who();
        let mut all = self.authority.grants(&who);
        let found = all.find(|(given, _)| given.hash == *hash);
        found.map(|(given, _)| given.unit.clone())
    }
}
