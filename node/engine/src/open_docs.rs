//! Loaded documents, kept for the next edit within a bound in bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hopluu_doc::{DocKey, LoadError, Report, ScannedChange, VoidOps};
use hopluu_form::Form;
use hopluu_model::{ActorId, DocId, ErrorChain};
use hopluu_store::{ChangeRow, Store};

use crate::beginnings::Beginnings;
use crate::error::CommandError;
use crate::limits::OPEN_DOCS_BYTES_MAX;

#[derive(Debug)]
struct OpenDoc {
    report: Report,
    bytes: u64,
    used: u64,
    /// Which of all copies that were ever open this is.
    copy: CopyId,
    /// Saves on their way to the disk. Until they are there only this copy has them, so it stays.
    saving: u32,
}

/// One loaded copy of a document. A save names the copy that it was made in, because by the time its
/// fate is known another copy may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopyId(u64);

/// The loaded documents, the least recently used one first to go.
#[derive(Debug, Default)]
pub(crate) struct OpenDocs {
    beginnings: Arc<Beginnings>,
    docs: BTreeMap<DocId, OpenDoc>,
    actors: BTreeMap<DocId, BTreeMap<String, ActorId>>,
    bytes: u64,
    clock: u64,
}

impl OpenDocs {
    pub(crate) fn new(beginnings: Arc<Beginnings>) -> Self {
        Self {
            beginnings,
            ..Self::default()
        }
    }

    pub(crate) fn is_open(&self, doc: DocId) -> bool {
        self.docs.contains_key(&doc)
    }

    /// Whether saves of it are on their way to the disk: the store may not know yet that it exists.
    pub(crate) fn is_saving(&self, doc: DocId) -> bool {
        self.docs.get(&doc).is_some_and(|open| open.saving > 0)
    }

    /// How many documents have saves on their way to the disk.
    pub(crate) fn saving_docs(&self) -> u64 {
        let saving = self.docs.values().filter(|open| open.saving > 0);
        u64::try_from(saving.count()).unwrap_or(u64::MAX)
    }

    /// The actor that somebody writes with in a document; `fresh` makes one never used before.
    pub(crate) fn actor(
        &mut self,
        doc: DocId,
        account: String,
        fresh: impl FnOnce() -> ActorId,
    ) -> ActorId {
        let of_doc = self.actors.entry(doc).or_default();
        *of_doc.entry(account).or_insert_with(fresh)
    }

    /// Forgets a copy, and the actors that wrote in it: what they wrote may be on no disk, so they
    /// must not go on counting from there.
    fn close(&mut self, doc: DocId) {
        self.take(doc);
        self.actors.remove(&doc);
    }

    fn take(&mut self, doc: DocId) {
        if let Some(open) = self.docs.remove(&doc) {
            self.bytes -= open.bytes;
        }
    }

    /// A save of a document goes to the writer.
    pub(crate) fn saving(&mut self, doc: DocId) -> Option<CopyId> {
        let open = self.docs.get_mut(&doc)?;
        open.saving += 1;
        Some(open.copy)
    }

    /// A save is on disk, or never will be. In the one case a copy that was loaded meanwhile lacks it,
    /// in the other the copy that it was made in says what is nowhere else: that copy is forgotten.
    pub(crate) fn saved(&mut self, doc: DocId, copy: Option<CopyId>, is_on_disk: bool) {
        let Some(open) = self.docs.get_mut(&doc) else {
            return;
        };
        if Some(open.copy) != copy {
            if is_on_disk {
                self.close(doc);
            }
            return;
        }
        open.saving -= 1;
        if is_on_disk {
            self.make_room(None);
        } else {
            self.close(doc);
        }
    }

    /// Follows changes that came from elsewhere, if the document is loaded. It may hold local saves
    /// that are still on their way to the disk, so it is not simply read again.
    pub(crate) fn follow(&mut self, store: &Store, doc: DocId, changes: &[ScannedChange]) {
        if !self.is_open(doc) {
            return;
        }
        let followed = self.work(doc, |report| {
            report.apply(changes).map_err(|_| ())?;
            read_past(store, report).map_err(|_| ())
        });
        if !matches!(followed, Ok(Ok(()))) {
            tracing::error!(doc = %doc, "loaded document did not follow, it is read again");
            self.close(doc);
        }
    }

    /// Reads a document that was judged anew past what is void in it now, if it is loaded.
    pub(crate) fn judged(&mut self, store: &Store, doc: DocId) {
        self.follow(store, doc, &[]);
    }

    /// Works on a new document, in memory only.
    pub(crate) fn create<T>(
        &mut self,
        key: &DocKey,
        form: &Arc<Form>,
        work: impl FnOnce(&mut Report) -> T,
    ) -> Result<T, CommandError> {
        let doc = key.id();
        let report = opened(doc, || begun(&self.beginnings, key, form, None, &[]))?;
        self.keep(doc, report);
        self.work(doc, work)
    }

    /// Works on a document that exists, loaded if it is not open yet.
    pub(crate) fn load<T>(
        &mut self,
        store: &Store,
        key: &DocKey,
        form: &Arc<Form>,
        work: impl FnOnce(&mut Report) -> T,
    ) -> Result<T, CommandError> {
        let doc = key.id();
        if let Some(open) = self.docs.get_mut(&doc) {
            // A newer minor version may have come since it was loaded.
            opened(doc, || open.report.read_by(form).map_err(Box::new))?;
        } else {
            self.keep(doc, load(store, &self.beginnings, key, form)?);
        }
        self.work(doc, work)
    }

    /// Everything that reads or writes an open document goes through here. Where it panics, the copy
    /// is forgotten: it may be half written.
    fn work<T>(
        &mut self,
        doc: DocId,
        work: impl FnOnce(&mut Report) -> T,
    ) -> Result<T, CommandError> {
        self.clock += 1;
        let open = self.docs.get_mut(&doc).expect("the callers have opened it");
        open.used = self.clock;
        match guarded(doc, || work(&mut open.report)) {
            Ok(done) => {
                let bytes = size(&open.report);
                self.bytes = self.bytes - open.bytes + bytes;
                open.bytes = bytes;
                self.make_room(Some(doc));
                Ok(done)
            }
            Err(error) => {
                self.close(doc);
                Err(error)
            }
        }
    }

    fn keep(&mut self, doc: DocId, report: Report) {
        self.take(doc);
        self.clock += 1;
        let bytes = size(&report);
        self.bytes += bytes;
        let open = OpenDoc {
            report,
            bytes,
            used: self.clock,
            copy: CopyId(self.clock),
            saving: 0,
        };
        self.docs.insert(doc, open);
    }

    /// Forgets the least recently used ones beyond the bound, of those whose saves are all on disk.
    fn make_room(&mut self, but: Option<DocId>) {
        while self.bytes > OPEN_DOCS_BYTES_MAX {
            let may_go = |(doc, open): &(&DocId, &OpenDoc)| open.saving == 0 && Some(**doc) != but;
            let idle = self.docs.iter().filter(may_go);
            let Some((oldest, _)) = idle.min_by_key(|(_, open)| open.used) else {
                return;
            };
            self.take(*oldest);
        }
    }
}

fn size(report: &Report) -> u64 {
    u64::try_from(report.approx_bytes()).unwrap_or(u64::MAX)
}

/// Reads a document from the store.
pub(crate) fn load(
    store: &Store,
    beginnings: &Beginnings,
    key: &DocKey,
    form: &Arc<Form>,
) -> Result<Report, CommandError> {
    let doc = key.id();
    let (snapshot, changes) = {
        let read = store.read().map_err(CommandError::Store)?;
        let snapshot = read.snapshot(doc).map_err(CommandError::Store)?;
        let after = snapshot.as_ref().map_or(0, |snapshot| snapshot.ordinal);
        (
            snapshot,
            read.changes_after(doc, after)
                .map_err(CommandError::Store)?,
        )
    };
    let snapshot = snapshot.as_ref().map(|snapshot| snapshot.body.as_slice());
    let mut report = opened(doc, || begun(beginnings, key, form, snapshot, &changes))?;
    read_past(store, &mut report)?;
    Ok(report)
}

/// Has a report read past what the store says is void in it.
fn read_past(store: &Store, report: &mut Report) -> Result<(), CommandError> {
    let doc = report.id();
    let kept = store.read().and_then(|read| read.voids(doc));
    let kept = kept.map_err(CommandError::Store)?.into_iter();
    let voids = kept.filter_map(|(hash, body)| Some((hash, VoidOps::decode(&body)?)));
    let voids = Arc::new(voids.collect());
    opened(doc, || report.read_past(voids).map_err(Box::new))
}

fn begun(
    beginnings: &Beginnings,
    key: &DocKey,
    form: &Arc<Form>,
    snapshot: Option<&[u8]>,
    changes: &[ChangeRow],
) -> Result<Report, Box<LoadError>> {
    let genesis = beginnings.of(key, form);
    let genesis = genesis.map_err(|error| Box::new(LoadError::from(error)))?;
    let changes = changes.iter().map(|change| change.body.as_slice());
    Report::load_upon(genesis, key.clone(), form, snapshot, changes).map_err(Box::new)
}

fn opened<T, E: std::error::Error + 'static>(
    doc: DocId,
    open: impl FnOnce() -> Result<T, Box<E>>,
) -> Result<T, CommandError> {
    guarded(doc, open)?.map_err(|error| damaged(doc, &ErrorChain(&*error)))
}

/// Work on one document: a panic inside Automerge ends here, that document is reported as damaged,
/// and the node stays up. Every entry of the engine into a document is behind this guard.
pub(crate) fn guarded<T>(doc: DocId, work: impl FnOnce() -> T) -> Result<T, CommandError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| damaged(doc, &"Automerge gave up on it"))
}

fn damaged(doc: DocId, detail: &dyn fmt::Display) -> CommandError {
    let detail = detail.to_string();
    tracing::error!(doc = %doc, detail = %detail, "document cannot be read");
    CommandError::Damaged {
        doc: doc.to_string(),
        detail,
    }
}

#[cfg(test)]
mod tests;
