//! The node as a whole, and copies of its database.

use std::path::Path;

use hopluu_model::ErrorChain;
use hopluu_store::{BackupError, Store};
use hopluu_sync::{Trouble, WalkState};

use crate::core::Core;
use crate::error::CommandError;
use crate::resolve::unit_name;
use crate::view::{DiskState, PeerView, StatusView};

impl Core {
    /// The node as a whole.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn status(&self) -> Result<StatusView, CommandError> {
        let read = self.read()?;
        let journal = read.last_seq().map_err(CommandError::Store)?;
        let documents = read.doc_count().map_err(CommandError::Store)?;
        let parked = read.parked_count().map_err(CommandError::Store)?;
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
            listen: self.listen.clone(),
            peers: self.peer_views(),
        })
    }

    fn peer_views(&self) -> Vec<PeerView> {
        let peers = self.hub.status().peers.into_iter();
        peers
            .map(|peer| {
                let remark = match (&peer.trouble, &peer.link) {
                    (Some(Trouble::PeerRestored), _) => Some("the peer was restored"),
                    (Some(Trouble::PeerRolledBack), _) => Some("the peer has lost something"),
                    (Some(Trouble::WeRolledBack), _) => Some("this node has lost something"),
                    (None, Some(link)) if link.walk != WalkState::Settled => Some("comparing"),
                    _ => None,
                };
                PeerView {
                    node: peer.peer.node,
                    unit: peer.peer.unit.clone(),
                    office: peer.peer.office.clone(),
                    is_linked: peer.link.is_some(),
                    acked: peer.acked,
                    received: peer.received,
                    owed: peer.owed,
                    heard: self.heard.get(&peer.peer.node).copied(),
                    refused: peer.refused_here.values().sum(),
                    remark: remark.map(str::to_owned),
                }
            })
            .collect()
    }
}

/// Copies a database to a file while the node works on. Answers the bytes written.
pub(crate) fn backup(store: &Store, path: &Path) -> Result<u64, CommandError> {
    let refuse = |detail: String| CommandError::Refused {
        what: "the backup",
        detail,
    };
    store
        .backup(path, |_| {})
        .map_err(|error: BackupError| refuse(ErrorChain(&error).to_string()))?;
    let written = std::fs::metadata(path).map_err(|error| refuse(error.to_string()))?;
    Ok(written.len())
}
