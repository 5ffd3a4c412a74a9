//! Who set what, on whose right, and how one knows: on this node, and in a dossier that goes to others.

mod gather;
mod log;
mod story;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{DocKey, ScannedChange, scan};
use hopluu_model::{ActorId, ChangeHash, Digest, ErrorChain, NodeId, Timestamp};
use hopluu_store::{DbError, DocRow, Read};
use hopluu_trust::{Dossier, Receipt, Record, Signer};

use self::gather::gather;
pub use self::log::Shown;
pub(crate) use self::log::{Refusals, RefusedKind};
use self::story::{Story, signatory};
pub use self::verify::{DossierFlaw, verify};
use crate::admit::gives;
use crate::beginnings::Beginnings;
use crate::clock;
use crate::core::Core;
use crate::docket::SealedBy;
use crate::error::CommandError;
use crate::limits::DOSSIER_PACKET_BYTES;
use crate::list::Shelf;
use crate::reads::packed_whole;
use crate::registry::KnownForm;
use crate::resolve::line;
use crate::view::{AuditView, BroughtView, Selector};

/// A report whose writes are asked about, with all that it takes beside the loop.
pub(crate) struct Auditing {
    shelf: Shelf,
    beginnings: Arc<Beginnings>,
    signer: Arc<Signer>,
    root: Digest,
    key: DocKey,
    known: KnownForm,
    row: DocRow,
}

/// What a store holds of a document, taken apart.
struct Stored {
    changes: Vec<ScannedChange>,
    authors: BTreeMap<ActorId, SealedBy>,
    /// As they stand in the store, with what they say.
    receipts: Vec<(Vec<u8>, Receipt)>,
}

impl Core {
    pub(crate) fn auditing(&self, selector: &Selector) -> Result<Auditing, CommandError> {
        let (meant, row) = self.existing(selector)?;
        let shelf = self.shelf();
        let known = shelf
            .registry
            .form_of_major(&row.form, row.major, &row.unit)
            .cloned();
        Ok(Auditing {
            beginnings: Arc::clone(&self.beginnings),
            signer: Arc::clone(self.signer()),
            root: self.config().root,
            key: meant.key,
            known: known.ok_or(CommandError::NotSynced { what: "forms" })?,
            row,
            shelf,
        })
    }
}

impl Auditing {
    /// Everything that was written, or what is about one line or section.
    pub(crate) fn report(&self, name: Option<&str>) -> Result<AuditView, CommandError> {
        if let Some(name) = name {
            self.check_name(name)?;
        }
        let read = self.shelf.store.read().map_err(CommandError::Store)?;
        let told = read.consistent(|read| Ok(self.told(read, name)));
        told.map_err(CommandError::Store)?
    }

    fn told(&self, read: &Read, name: Option<&str>) -> Result<AuditView, CommandError> {
        let stored = self.stored(read)?;
        let brought = self.brought(read).map_err(CommandError::Store)?;
        let genesis = self.beginnings.of(&self.key, &self.known.form);
        let genesis = genesis.map_err(|error| self.damaged(&error))?;
        let receipts: Vec<_> = stored.receipts.into_iter().map(|(_, one)| one).collect();
        let story = Story {
            registry: &self.shelf.registry,
            key: &self.key,
            form: &self.known.form,
            genesis: &genesis,
            changes: &stored.changes,
            authors: &stored.authors,
            receipts: &receipts,
        };
        Ok(story.tell(name, |change| brought.get(change).cloned()))
    }

    /// The same as a file that anybody can verify who knows the root. Nothing leaves here that does not hold.
    pub(crate) fn export(&self, now: Timestamp) -> Result<Vec<u8>, CommandError> {
        let read = self.shelf.store.read().map_err(CommandError::Store)?;
        let bytes = read.consistent(|read| Ok(self.dossier(read, now)));
        let bytes = bytes.map_err(CommandError::Store)??;
        match verify(&bytes, Some(&self.root)) {
            Ok(_) => Ok(bytes),
            Err(flaw) => Err(self.damaged(&flaw)),
        }
    }

    fn dossier(&self, read: &Read, now: Timestamp) -> Result<Vec<u8>, CommandError> {
        let stored = self.stored(read)?;
        let authors = stored.authors.values().map(|by| by.node);
        let givers = stored.receipts.iter().map(|(_, receipt)| receipt.by.node);
        let nodes: BTreeSet<NodeId> = authors
            .chain(givers)
            .chain([self.signer.node_id()])
            .collect();
        let gathered = gather(read, &self.shelf.registry, &self.key.form, nodes);
        let gathered = gathered.map_err(CommandError::Store)?;
        let packets = packed_whole(read, self.row.doc, DOSSIER_PACKET_BYTES);
        let packets = packets.map_err(CommandError::Store)?;
        let key = self.key.encode();
        fn slices(list: &[Vec<u8>]) -> Vec<&[u8]> {
            list.iter().map(Vec::as_slice).collect()
        }
        let dossier = Dossier {
            root: self.root,
            key: &key,
            by: self.signer.node_id(),
            at: now,
            chains: slices(&gathered.chains),
            records: slices(&gathered.records),
            receipts: stored
                .receipts
                .iter()
                .map(|(body, _)| body.as_slice())
                .collect(),
            packets: slices(&packets),
        };
        let signed = dossier.sign(&self.signer);
        signed.map_err(|error| CommandError::Refused {
            what: "the dossier",
            detail: error.to_string(),
        })
    }

    fn check_name(&self, name: &str) -> Result<(), CommandError> {
        let mut sections = self.known.form.sections().iter();
        if sections.any(|section| section.id.as_str() == name) {
            return Ok(());
        }
        let code = name.split_once('@').map_or(name, |(code, _)| code);
        line(&self.known.form, code).map(drop)
    }

    fn stored(&self, read: &Read) -> Result<Stored, CommandError> {
        let (mut changes, mut authors) = (Vec::new(), BTreeMap::new());
        let mut broken = None;
        let each = read.for_each_change(self.row.doc, 0, |row| {
            if let Some(by) = SealedBy::of(&row.seal) {
                authors.entry(row.actor).or_insert(by);
            }
            match scan(&row.body, &SCAN_LIMITS) {
                Ok(change) => changes.push(change),
                Err(error) => broken = Some(error),
            }
            broken.is_none()
        });
        each.map_err(CommandError::Store)?;
        if let Some(error) = broken {
            return Err(self.damaged(&error));
        }
        let rows = read.receipts(self.row.doc).map_err(CommandError::Store)?;
        let receipts = rows.into_iter().filter_map(|row| {
            let record = Record::decode(&row.body).ok()?;
            let receipt = Receipt::read(&record).ok()?;
            let counts =
                record.unit == self.key.unit && gives(&self.shelf.registry, &record, &receipt);
            counts.then_some((row.body, receipt))
        });
        Ok(Stored {
            changes,
            authors,
            receipts: receipts.collect(),
        })
    }

    /// How each change came here.
    fn brought(&self, read: &Read) -> Result<BTreeMap<ChangeHash, BroughtView>, DbError> {
        let mut brought = BTreeMap::new();
        for (change, seq, origin) in read.brought(self.row.doc)? {
            let at = read.arrived(seq)?;
            let on = at.map_or_else(|| clock::day(Timestamp(0)), clock::day);
            let by = origin.map(|node| signatory(&self.shelf.registry, node, "", on));
            brought.insert(change, BroughtView { by, at });
        }
        Ok(brought)
    }

    fn damaged(&self, error: &(dyn std::error::Error + 'static)) -> CommandError {
        CommandError::Damaged {
            doc: self.row.doc.to_string(),
            detail: ErrorChain(error).to_string(),
        }
    }
}
