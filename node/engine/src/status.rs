//! The node as a whole, and copies of its database.

use std::collections::BTreeMap;
use std::path::Path;

use hopluu_model::{NodeId, Timestamp};
use hopluu_store::{BackupError, DbError, Store};
use hopluu_sync::{CloseCode, RefusalCode, TargetState, Trouble, WalkState};

use crate::agenda::OwedSum;
use crate::core::Core;
use crate::error::CommandError;
use crate::resolve::unit_name;
use crate::view::{
    DiskState, PeerRemark, PeerView, RefusalWhy, StatusView, UpstreamState, UpstreamView,
};

impl Core {
    /// The node as a whole.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn status(&self, now: Timestamp) -> Result<StatusView, CommandError> {
        let read = self.read()?;
        let found = read.consistent(|read| {
            let (journal, documents) = (read.last_seq()?, read.doc_count()?);
            Ok::<_, DbError>((journal, documents, read.parked_count()?, self.owed(read)?))
        });
        let (journal, documents, parked, owed) = found.map_err(CommandError::Store)?;
        drop(read);
        let disk = match self.disk() {
            DiskState::Good if self.store().stats().is_disk_full => DiskState::Full,
            disk => disk,
        };
        Ok(StatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: self.me().node,
            unit: self.me().unit.clone(),
            unit_name: unit_name(&self.tree(), &self.me().unit, hopluu_model::Date::MAX),
            office: self.me().office.clone(),
            root: self.config().root,
            epoch: self.epoch(),
            journal,
            documents,
            parked,
            disk,
            certificate_ends: self.config().certificate_ends,
            is_ending: self.config().is_ending(self.not_before(now)),
            evidence: self.evidence_at(),
            revoked: self.told_revoked.clone(),
            listen: self.listen.clone(),
            upstream: self.upstream_views(),
            peers: self.peer_views(&owed),
            parcels: self.apart.stock.as_ref().map(|stock| stock.view()),
        })
    }

    pub(crate) fn upstream_views(&self) -> Vec<UpstreamView> {
        let targets = self.hub.status().targets.into_iter();
        let view = |target: hopluu_sync::TargetStatus| {
            let called = self.called.get(&target.target)?;
            let (state, link) = match target.state {
                TargetState::Linked(link) => (UpstreamState::Linked, Some(link)),
                TargetState::Dialling => (UpstreamState::Calling, None),
                TargetState::Waiting(_) => (UpstreamState::Waiting, None),
                TargetState::Resting => (UpstreamState::Resting, None),
            };
            Some(UpstreamView {
                addr: called.addr.clone(),
                is_standby: called.is_standby,
                state,
                node: link.and_then(|link| self.linked.get(&link).copied()),
                failures: target.failures,
            })
        };
        targets.filter_map(view).collect()
    }

    fn peer_views(&self, owed: &BTreeMap<NodeId, OwedSum>) -> Vec<PeerView> {
        let peers = self.hub.status().peers.into_iter();
        let tree = self.tree();
        peers
            .map(|peer| {
                let remark = match (&peer.trouble, &peer.link) {
                    (Some(Trouble::PeerRestored), _) => Some(PeerRemark::PeerRestored),
                    (Some(Trouble::PeerRolledBack), _) => Some(PeerRemark::PeerRolledBack),
                    (Some(Trouble::WeRolledBack), _) => Some(PeerRemark::WeRolledBack),
                    (None, Some(link)) if link.walk != WalkState::Settled => {
                        Some(PeerRemark::Comparing)
                    }
                    _ => None,
                };
                let refused_why = by_reason(&peer.refused_here);
                let sum = owed.get(&peer.peer.node).cloned().unwrap_or_default();
                PeerView {
                    seconds: sum.seconds(peer.rate),
                    owed_by_class: sum.classes,
                    node: peer.peer.node,
                    unit_name: unit_name(&tree, &peer.peer.unit, hopluu_model::Date::MAX),
                    unit: peer.peer.unit.clone(),
                    office: peer.peer.office.clone(),
                    is_linked: peer.link.is_some(),
                    via: peer
                        .link
                        .and_then(|link| self.vias.get(&link.link))
                        .map(ToString::to_string),
                    acked: peer.acked,
                    received: peer.received,
                    owed: peer.owed,
                    heard: self.heard.get(&peer.peer.node).copied(),
                    refused: refused_why.values().sum(),
                    refused_why,
                    refused_there: by_reason(&peer.refused_there),
                    closed_here: peer.closed_here.map(CloseCode::number),
                    closed_there: peer.closed_there,
                    remark,
                }
            })
            .collect()
    }
}

/// Copies a database to a file while the node works on. Answers the bytes written.
pub(crate) fn backup(store: &Store, path: &Path) -> Result<u64, CommandError> {
    match store.backup(path, |_| {}) {
        Ok(()) => {}
        Err(error) if error.is_disk_full() => return Err(CommandError::DiskFull),
        Err(error) => return Err(CommandError::Backup(error)),
    }
    let written = std::fs::metadata(path).map_err(|source| {
        CommandError::Backup(BackupError::File {
            path: path.to_owned(),
            source,
        })
    })?;
    Ok(written.len())
}

/// Without those that only wait for something.
fn by_reason(refused: &BTreeMap<RefusalCode, u64>) -> BTreeMap<RefusalWhy, u64> {
    let mut reasons = BTreeMap::new();
    for (code, entries) in refused {
        if *code != RefusalCode::PARKED {
            *reasons.entry(why(*code)).or_default() += entries;
        }
    }
    reasons
}

pub(crate) fn why(code: RefusalCode) -> RefusalWhy {
    match code {
        RefusalCode::SIGNATURE => RefusalWhy::Signature,
        RefusalCode::MALFORMED => RefusalWhy::Malformed,
        RefusalCode::SCOPE => RefusalWhy::Scope,
        RefusalCode::BUDGET => RefusalWhy::Bound,
        RefusalCode::CONFLICT => RefusalWhy::Conflict,
        RefusalCode::UNSUPPORTED => RefusalWhy::Unsupported,
        _ => RefusalWhy::Other,
    }
}
