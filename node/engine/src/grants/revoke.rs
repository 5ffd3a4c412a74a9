//! Taking back: a node, an account or a grant holds no longer, and of it stands what is here.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_doc::ancestors;
use hopluu_model::{ChangeHash, DocId, ErrorChain, NodeId, RecordHash};
use hopluu_store::{DbError, Read};
use hopluu_trust::{Given, Identity, Reason, Record, RecordKind, Revocation, Target};

use crate::core::Core;
use crate::docket::SealedBy;
use crate::error::CommandError;
use crate::registry::Registry;
use crate::turn::{NetEffect, Reply, Turn};
use crate::view::{RevocationView, RevokeRequest};

impl Core {
    /// What holds no longer.
    #[must_use]
    pub fn revocation_list(&self) -> Vec<RevocationView> {
        let all = self.registry().revocations();
        all.iter()
            .map(|given| self.revocation_view(given))
            .collect()
    }

    /// Takes a node, an account or a grant back.
    pub fn revoke(
        &mut self,
        turn: &mut Turn,
        request: &RevokeRequest,
        reply: Reply<RevocationView>,
    ) {
        match self.make_revocation(request) {
            Ok((record, view)) => {
                let reply = Box::new(move |done: Result<(), _>| reply(done.map(|()| view)));
                self.put_own(turn.now, vec![record], reply);
            }
            Err(error) => reply(Err(error)),
        }
    }

    fn make_revocation(
        &self,
        request: &RevokeRequest,
    ) -> Result<(Record, RevocationView), CommandError> {
        self.must_issue("take rights back")?;
        let target = self.target(request)?;
        let mut reasons = Reason::ALL.into_iter();
        let reason = reasons.find(|reason| reason.as_str() == request.reason);
        let reason = reason.ok_or_else(|| CommandError::Refused {
            what: "the revocation",
            detail: format!(
                "`{}` is no reason, but one of {} is",
                request.reason,
                Reason::ALL.map(Reason::as_str).join(", ")
            ),
        })?;
        let registry = self.registry();
        let stands = self
            .read()
            .and_then(|read| standing(&read, registry, &target).map_err(CommandError::Store))?;
        let revocation = Revocation {
            target,
            reason,
            stands: stands.docs,
            certified: stands.certified,
            said: stands.said,
        };
        let unit = self.me().unit.clone();
        let record =
            revocation
                .sign(self.signer(), unit)
                .map_err(|error| CommandError::Refused {
                    what: "the revocation",
                    detail: ErrorChain(&error).to_string(),
                })?;
        // Whether it is this node's to take back is asked as everybody will ask it.
        let mut tried = registry.clone();
        let learnt = tried.learn(&record);
        let given = tried.revocations().into_iter();
        let given = given.filter(|_| learnt.is_ok());
        let given = given.into_iter().find(|given| given.hash == record.hash());
        let given = given.ok_or(CommandError::MayNotIssue {
            what: "take back what is not at or below its own unit",
        })?;
        Ok((record, self.revocation_view(&given)))
    }

    /// What somebody means by the beginning of a name.
    fn target(&self, request: &RevokeRequest) -> Result<Target, CommandError> {
        let registry = self.registry();
        let named = |name: String| !request.target.is_empty() && name.starts_with(&request.target);
        let nodes = registry.identities().map(|identity| identity.place.node);
        let nodes: Vec<NodeId> = nodes.filter(|node| named(node.to_string())).collect();
        let grants = registry.grants().into_iter();
        let grants: Vec<RecordHash> = grants
            .map(|(given, _)| given.hash)
            .filter(|hash| named(hash.to_string()))
            .collect();
        match (nodes.as_slice(), grants.as_slice(), &request.account) {
            ([node], [], None) => Ok(Target::Node(*node)),
            ([node], [], Some(account)) => Ok(Target::Account(*node, account.clone())),
            ([], [grant], None) => Ok(Target::Grant(*grant)),
            _ => Err(CommandError::UnknownName {
                text: request.target.clone(),
                found: nodes.len() + grants.len(),
            }),
        }
    }

    /// Why nobody takes up a link with whoever shows this chain: for the node that is told so.
    pub(crate) fn bar(&self, line: &[Identity]) -> Option<String> {
        let given = self.registry().bar(line)?;
        let (reason, hash) = (given.body.reason.as_str(), given.hash.short());
        let by = self.unit_of(&given.author);
        let by = by.map_or_else(|| given.author.short(), |unit| unit.to_string());
        Some(format!("{reason}, by {by}, revocation {hash}"))
    }

    /// Somebody says that this node is revoked, for whoever looks why nobody speaks to it.
    pub(crate) fn is_told_revoked(&mut self, why: &str) {
        tracing::error!(why, "this node is revoked");
        self.told_revoked = Some(why.to_owned());
    }

    /// Closes the links to those who were revoked.
    pub(crate) fn close_barred(&self, turn: &mut Turn) {
        let registry = self.registry();
        for (link, node) in &self.linked {
            let bar = registry.line(node).and_then(|line| self.bar(line));
            let bar = bar.map(|why| NetEffect::Bar { link: *link, why });
            turn.net.extend(bar);
        }
    }

    fn revocation_view(&self, given: &Given<Revocation>) -> RevocationView {
        let registry = self.registry();
        let revocation = &given.body;
        let (node, account, grant) = match &revocation.target {
            Target::Node(node) => (Some(*node), None, None),
            Target::Account(node, account) => (Some(*node), Some(account.clone()), None),
            Target::Grant(hash) => (None, None, Some(*hash)),
        };
        let place = node.and_then(|node| registry.identity(&node));
        let place = place.map(|identity| identity.place.clone());
        let held = grant.and_then(|hash| {
            let mut all = registry.grants().into_iter();
            all.find(|(given, _)| given.hash == hash)
                .map(|(given, _)| given)
        });
        let of_grant = held.map(|given| (given.unit, Some(given.body.office)));
        let of_node = place.map(|place| (place.unit, place.office));
        let (unit, office) = of_node.or(of_grant).unzip();
        RevocationView {
            revocation: given.hash,
            node,
            account,
            grant,
            unit,
            office: office.flatten(),
            reason: revocation.reason.as_str().to_owned(),
            by_unit: self.unit_of(&given.author),
            stands: u64::try_from(revocation.stands.len()).unwrap_or(u64::MAX),
        }
    }
}

/// What stands of something that is revoked: all that is here.
#[derive(Default)]
struct Standing {
    docs: BTreeMap<DocId, Vec<ChangeHash>>,
    certified: Vec<NodeId>,
    said: Vec<RecordHash>,
}

fn standing(read: &Read, registry: &Registry, target: &Target) -> Result<Standing, DbError> {
    let mut standing = Standing::default();
    if let Target::Node(node) = target {
        let nodes = registry.identities().map(|identity| identity.place.node);
        let certified = nodes.filter(|one| registry.issuer(one) == Some(*node));
        standing.certified = certified.collect();
        read.for_each_record(0, |_, row| {
            let record = Record::decode(&row.body).ok();
            // Certificates stand by whom they are of.
            let said = record.filter(|one| one.kind != RecordKind::Certificate);
            standing
                .said
                .extend(said.filter(|one| one.author == *node).map(|one| one.hash()));
        })?;
    }
    for unit in registry.units_about(target) {
        for doc in read.docs_of_unit(&unit)? {
            let last = last_of(read, doc, |by| writes(registry, target, by))?;
            if !last.is_empty() {
                standing.docs.insert(doc, last);
            }
        }
    }
    Ok(standing)
}

/// Whether somebody writes by what is revoked.
fn writes(registry: &Registry, target: &Target, by: &SealedBy) -> bool {
    match target {
        Target::Node(node) => by.node == *node,
        Target::Account(node, account) => by.node == *node && by.account == *account,
        Target::Grant(hash) => registry.holds(hash, &by.node),
    }
}

/// The last changes of a document that somebody wrote: all others of theirs are what these build upon.
fn last_of(
    read: &Read,
    doc: DocId,
    is_theirs: impl Fn(&SealedBy) -> bool,
) -> Result<Vec<ChangeHash>, DbError> {
    let (mut theirs, mut rows) = (BTreeSet::new(), Vec::new());
    read.for_each_change(doc, 0, |row| {
        if SealedBy::of(&row.seal).is_some_and(|by| is_theirs(&by)) {
            theirs.insert(row.actor);
        }
        rows.push((row.hash, row.actor, row.deps));
        true
    })?;
    if theirs.is_empty() {
        return Ok(Vec::new());
    }
    let own = rows.iter().filter(|(_, actor, _)| theirs.contains(actor));
    let own: Vec<ChangeHash> = own.map(|(hash, ..)| *hash).collect();
    let parents = rows.iter().filter(|(hash, ..)| own.contains(hash));
    let parents = parents.flat_map(|(.., deps)| deps.iter().copied());
    let graph = rows.iter().map(|(hash, _, deps)| (*hash, deps.as_slice()));
    let before = ancestors(parents, graph);
    Ok(own
        .into_iter()
        .filter(|hash| !before.contains(hash))
        .collect())
}
