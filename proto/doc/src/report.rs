//! A report as a typed view over its Automerge document.

use std::sync::Arc;

use automerge::{
    ActorId as DocActor, Automerge, Change, LoadOptions, ObjId, OnPartialLoad, ReadDoc,
    TextEncoding,
};
use hopluu_form::Form;
use hopluu_model::{ChangeHash, DocId, Fault};

use self::judged::Past;
use crate::genesis::{Genesis, GenesisError, empty_document, genesis};
use crate::key::DocKey;
use crate::layout::{EVENTS, FIGURES, GENESIS_ACTOR, NOTES, TEXTS};
use crate::scan::ScannedChange;

mod adopt;
mod facts;
mod history;
mod judged;
mod read;
mod save;
#[cfg(test)]
mod tests;
mod undo;

pub(crate) use history::{By, touched};
pub use history::{HistoryEntry, Touched};
pub use read::{Attached, Candidate, Register, TextKey};
pub use undo::{Kept, Undone};

/// What a document needs in memory besides its operations.
const BYTES_PER_DOCUMENT: usize = 8 << 10;
/// What one operation needs in Automerge's columns and their indexes, measured with room to spare.
const BYTES_PER_OP: usize = 64;
/// What one change needs in the graph.
const BYTES_PER_CHANGE: usize = 256;

/// Why a document does not open.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The form is another one, or another major version, than the key names.
    #[error("form {form} {version} does not fit the document of {wanted} {major}")]
    WrongForm {
        /// The form that was given.
        form: hopluu_model::FormId,
        /// Its version.
        version: hopluu_model::FormVersion,
        /// The form of the key.
        wanted: hopluu_model::FormId,
        /// The major version of the key.
        major: u16,
    },
    /// The snapshot is of another document.
    #[error("snapshot is not of this document")]
    OtherDocument,
    /// A change builds upon one that was not given.
    #[error("{0} changes that others build upon are missing")]
    MissingParents(usize),
    /// A stored change is none.
    #[error("change is damaged")]
    Change(#[from] automerge::LoadChangeError),
    /// Automerge does not take it.
    #[error("document is damaged")]
    Document(#[from] automerge::AutomergeError),
    /// The first change could not be made.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
}

impl LoadError {
    /// What was admitted once must open: anything else is for quarantine.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::WrongForm { .. } => Fault::Config,
            Self::MissingParents(_) => Fault::Peer,
            _ => Fault::Bug,
        }
    }
}

/// One report, opened.
#[derive(Debug, Clone)]
pub struct Report {
    key: DocKey,
    id: DocId,
    form: Arc<Form>,
    genesis: Arc<Genesis>,
    objects: Objects,
    doc: Automerge,
    /// Where something is void, everything is read past it.
    past: Option<Past>,
}

/// A map of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MapOf {
    Figures,
    Notes,
    Events,
}

/// The four maps, which genesis fixes.
#[derive(Debug, Clone)]
struct Objects {
    figures: ObjId,
    notes: ObjId,
    events: ObjId,
    texts: ObjId,
}

impl Objects {
    fn new() -> Self {
        let object = |number| ObjId::Id(number, DocActor::from(&GENESIS_ACTOR[..]), 0);
        Self {
            figures: object(FIGURES),
            notes: object(NOTES),
            events: object(EVENTS),
            texts: object(TEXTS),
        }
    }

    fn map(&self, of: MapOf) -> &ObjId {
        match of {
            MapOf::Figures => &self.figures,
            MapOf::Notes => &self.notes,
            MapOf::Events => &self.events,
        }
    }
}

impl Report {
    /// An empty report: genesis and nothing else, the same wherever it is begun.
    ///
    /// # Errors
    /// The form does not fit the key.
    pub fn create(key: DocKey, form: &Arc<Form>) -> Result<Self, LoadError> {
        Self::load(key, form, None, std::iter::empty())
    }

    /// Opens a report from a snapshot and the changes that it lacks, in any order. Both are this
    /// node's own: every change was scanned when it was admitted.
    ///
    /// This is where Automerge reads what others wrote. A caller who wants to survive its panics
    /// contains this call and every other on the report: what it read may make it panic later.
    ///
    /// # Errors
    /// The document is not what the key says, or does not open.
    pub fn load<'a>(
        key: DocKey,
        form: &Arc<Form>,
        snapshot: Option<&[u8]>,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, LoadError> {
        let genesis = Arc::new(genesis(&key, form)?);
        Self::load_upon(genesis, key, form, snapshot, changes)
    }

    /// The same upon a genesis that was made before: making it takes as long as opening a small
    /// report.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_upon<'a>(
        genesis: Arc<Genesis>,
        key: DocKey,
        form: &Arc<Form>,
        snapshot: Option<&[u8]>,
        changes: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, LoadError> {
        check_form(&key, form)?;
        let doc = load_document(&genesis, snapshot, changes)?;
        let (id, form) = (key.id(), Arc::clone(form));
        Ok(Self {
            key,
            id,
            form,
            genesis,
            objects: Objects::new(),
            doc,
            past: None,
        })
    }

    /// Takes in changes of others, in any order; those already here are passed over. On an error,
    /// and when Automerge panics, the report is as it was.
    ///
    /// # Errors
    /// A parent is neither here nor among them, or Automerge does not take them.
    pub fn apply<'a>(
        &mut self,
        changes: impl IntoIterator<Item = &'a ScannedChange>,
    ) -> Result<(), LoadError> {
        let mut next = self.doc.clone();
        let changes: Vec<_> = changes.into_iter().collect();
        apply_changes(
            &mut next,
            changes.iter().map(|change| change.bytes.as_slice()),
        )?;
        self.doc = next;
        if let Some(past) = &mut self.past {
            past.follow(changes);
        }
        Ok(())
    }

    /// From now on reads it by another minor version of its form. Every version of a major has the
    /// same genesis, so nothing of the document changes.
    ///
    /// # Errors
    /// The form is another one, or another major version.
    pub fn read_by(&mut self, form: &Arc<Form>) -> Result<(), LoadError> {
        check_form(&self.key, form)?;
        self.form = Arc::clone(form);
        Ok(())
    }

    /// Which document it is.
    #[must_use]
    pub fn key(&self) -> &DocKey {
        &self.key
    }

    /// The id that follows from the key.
    #[must_use]
    pub fn id(&self) -> DocId {
        self.id
    }

    /// The form it is read with.
    #[must_use]
    pub fn form(&self) -> &Arc<Form> {
        &self.form
    }

    /// The document's first change.
    #[must_use]
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The changes that no other builds upon, sorted: by these and by content two documents are
    /// compared, never by saved bytes.
    #[must_use]
    pub fn heads(&self) -> Vec<ChangeHash> {
        let mut heads: Vec<_> = self
            .doc
            .get_heads()
            .into_iter()
            .map(|hash| ChangeHash(hash.0))
            .collect();
        heads.sort_unstable();
        heads
    }

    /// Whether a change is in it.
    #[must_use]
    pub fn has_change(&self, hash: &ChangeHash) -> bool {
        self.doc
            .get_change_meta_by_hash(&automerge::ChangeHash(hash.0))
            .is_some()
    }

    /// The whole document for the node's own store. Two equal documents may have different bytes.
    #[must_use]
    pub fn save_snapshot(&self) -> Vec<u8> {
        self.doc.save()
    }

    /// About how much memory it takes, for a bound on what is kept open.
    #[must_use]
    pub fn approx_bytes(&self) -> usize {
        let stats = self.doc.stats();
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        BYTES_PER_DOCUMENT
            .saturating_add(count(stats.num_ops).saturating_mul(BYTES_PER_OP))
            .saturating_add(count(stats.num_changes).saturating_mul(BYTES_PER_CHANGE))
    }
}

fn check_form(key: &DocKey, form: &Form) -> Result<(), LoadError> {
    if *form.id() == key.form && form.version().major == key.major {
        return Ok(());
    }
    Err(LoadError::WrongForm {
        form: form.id().clone(),
        version: form.version(),
        wanted: key.form.clone(),
        major: key.major,
    })
}

fn load_document<'a>(
    genesis: &Genesis,
    snapshot: Option<&[u8]>,
    changes: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Automerge, LoadError> {
    let mut doc = match snapshot {
        None => {
            let mut doc = empty_document();
            doc.apply_changes_batch([Change::try_from(genesis.bytes.as_slice())?])?;
            doc
        }
        Some(bytes) => {
            let options = LoadOptions::new()
                .on_partial_load(OnPartialLoad::Error)
                .text_encoding(TextEncoding::UnicodeCodePoint);
            Automerge::load_with_options(bytes, options)?
        }
    };
    let first = automerge::ChangeHash(genesis.hash.0);
    if doc.get_change_meta_by_hash(&first).is_none() {
        return Err(LoadError::OtherDocument);
    }
    apply_changes(&mut doc, changes)?;
    Ok(doc)
}

fn apply_changes<'a>(
    doc: &mut Automerge,
    changes: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), LoadError> {
    let changes: Vec<Change> = changes
        .into_iter()
        .map(Change::try_from)
        .collect::<Result<_, _>>()?;
    if changes.is_empty() {
        return Ok(());
    }
    doc.apply_changes_batch(changes)?;
    match doc.get_missing_deps(&[]).len() {
        0 => Ok(()),
        missing => Err(LoadError::MissingParents(missing)),
    }
}
