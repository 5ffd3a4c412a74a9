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
use hopluu_doc::{Compartment, DocKey, ScannedChange, scan};
use hopluu_model::{ActorId, ChangeHash, CompartmentId, Digest, ErrorChain, NodeId, Timestamp};
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
    known: KnownForm,
    /// All documents of the report that are here and this node's to read, the open one first.
    parts: Vec<Part>,
}

/// One document of a report.
struct Part {
    key: DocKey,
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
        let mut parts = Vec::new();
        for key in self.closed_here(&meant.key, &meant.form)? {
            parts.extend(self.doc_row(key.id())?.map(|row| Part { key, row }));
        }
        let shelf = self.shelf();
        let known = shelf
            .registry
            .form_of_major(&row.form, row.major, &row.unit)
            .cloned();
        Ok(Auditing {
            beginnings: Arc::clone(&self.beginnings),
            signer: Arc::clone(self.signer()),
            root: self.config().root,
            known: known.ok_or(CommandError::NotSynced { what: "forms" })?,
            parts: [Part {
                key: meant.key,
                row,
            }]
            .into_iter()
            .chain(parts)
            .collect(),
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
        let told = read.consistent(|read| {
            let told = self.parts.iter().map(|part| self.told(read, part, name));
            Ok(told.collect::<Result<Vec<_>, _>>())
        });
        let told = told.map_err(CommandError::Store)??;
        let whole = told.into_iter().reduce(AuditView::joined);
        Ok(whole.expect("a report has its open document"))
    }

    fn told(
        &self,
        read: &Read,
        part: &Part,
        name: Option<&str>,
    ) -> Result<AuditView, CommandError> {
        let stored = self.stored(read, part)?;
        let brought = self.brought(read, part).map_err(CommandError::Store)?;
        let genesis = self.beginnings.of(&part.key, &self.known.form);
        let genesis = genesis.map_err(|error| part.damaged(&error))?;
        let receipts: Vec<_> = stored.receipts.into_iter().map(|(_, one)| one).collect();
        let story = Story {
            registry: &self.shelf.registry,
            key: &part.key,
            form: &self.known.form,
            genesis: &genesis,
            changes: &stored.changes,
            authors: &stored.authors,
            receipts: &receipts,
        };
        Ok(story.tell(name, |change| brought.get(change).cloned()))
    }

    /// One document of it as a file that anybody can verify who knows the root: the open one, or that of a compartment.
    /// Nothing leaves here that does not hold.
    pub(crate) fn export(
        &self,
        compartment: Option<&CompartmentId>,
        now: Timestamp,
    ) -> Result<Vec<u8>, CommandError> {
        let wanted = compartment.map_or_else(Compartment::public, Compartment::from);
        let mut parts = self.parts.iter();
        let part = parts.find(|part| part.key.compartment == wanted);
        let part = part.ok_or_else(|| CommandError::NoCompartment {
            name: compartment.map(ToString::to_string).unwrap_or_default(),
        })?;
        let read = self.shelf.store.read().map_err(CommandError::Store)?;
        let bytes = read.consistent(|read| Ok(self.dossier(read, part, now)));
        let bytes = bytes.map_err(CommandError::Store)??;
        match verify(&bytes, Some(&self.root)) {
            Ok(_) => Ok(bytes),
            Err(flaw) => Err(part.damaged(&flaw)),
        }
    }

    fn dossier(&self, read: &Read, part: &Part, now: Timestamp) -> Result<Vec<u8>, CommandError> {
        let stored = self.stored(read, part)?;
        let authors = stored.authors.values().map(|by| by.node);
        let givers = stored.receipts.iter().map(|(_, receipt)| receipt.by.node);
        let nodes: BTreeSet<NodeId> = authors
            .chain(givers)
            .chain([self.signer.node_id()])
            .collect();
        let gathered = gather(read, &self.shelf.registry, &part.key.form, nodes);
        let gathered = gathered.map_err(CommandError::Store)?;
        let packets = packed_whole(read, part.row.doc, DOSSIER_PACKET_BYTES);
        let packets = packets.map_err(CommandError::Store)?;
        let key = part.key.encode();
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
        let form = &self.known.form;
        let (line, _) = line(form, code)?;
        // Nobody has written here what nobody here may read.
        let mut open = self.parts.iter().take(1);
        let withheld = open.any(|part| {
            let registry = &self.shelf.registry;
            let withheld = registry.withheld(&self.shelf.me, &part.key, form);
            withheld.contains(&line.code)
        });
        match form.compartment(&line.code).filter(|_| withheld) {
            Some(name) => Err(CommandError::NoCompartment {
                name: name.to_string(),
            }),
            None => Ok(()),
        }
    }

    fn stored(&self, read: &Read, part: &Part) -> Result<Stored, CommandError> {
        let (mut changes, mut authors) = (Vec::new(), BTreeMap::new());
        let mut broken = None;
        let each = read.for_each_change(part.row.doc, 0, |row| {
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
            return Err(part.damaged(&error));
        }
        let rows = read.receipts(part.row.doc).map_err(CommandError::Store)?;
        let receipts = rows.into_iter().filter_map(|row| {
            let record = Record::decode(&row.body).ok()?;
            let receipt = Receipt::read(&record).ok()?;
            let counts =
                record.unit == part.key.unit && gives(&self.shelf.registry, &record, &receipt);
            counts.then_some((row.body, receipt))
        });
        Ok(Stored {
            changes,
            authors,
            receipts: receipts.collect(),
        })
    }

    /// How each change came here.
    fn brought(
        &self,
        read: &Read,
        part: &Part,
    ) -> Result<BTreeMap<ChangeHash, BroughtView>, DbError> {
        let mut brought = BTreeMap::new();
        for (change, seq, origin) in read.brought(part.row.doc)? {
            let at = read.arrived(seq)?;
            let on = at.map_or_else(|| clock::day(Timestamp(0)), clock::day);
            let by = origin.map(|node| signatory(&self.shelf.registry, node, "", on));
            brought.insert(change, BroughtView { by, at });
        }
        Ok(brought)
    }
}

impl Part {
    fn damaged(&self, error: &(dyn std::error::Error + 'static)) -> CommandError {
        CommandError::Damaged {
            doc: self.row.doc.to_string(),
            detail: ErrorChain(error).to_string(),
        }
    }
}
