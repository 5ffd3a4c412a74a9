//! Loaded documents, kept for the next edit within a bound in bytes.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hopluu_doc::{DocKey, Report, ScannedChange};
use hopluu_form::Form;
use hopluu_model::{DocId, ErrorChain};
use hopluu_store::Store;

use crate::error::CommandError;
use crate::limits::OPEN_DOCS_BYTES_MAX;

#[derive(Debug)]
struct OpenDoc {
    report: Report,
    bytes: u64,
    used: u64,
}

/// The loaded documents, the least recently used one first to go.
#[derive(Debug, Default)]
pub(crate) struct OpenDocs {
    docs: BTreeMap<DocId, OpenDoc>,
    bytes: u64,
    clock: u64,
}

impl OpenDocs {
    pub(crate) fn is_open(&self, doc: DocId) -> bool {
        self.docs.contains_key(&doc)
    }

    pub(crate) fn close(&mut self, doc: DocId) {
        if let Some(open) = self.docs.remove(&doc) {
            self.bytes -= open.bytes;
        }
    }

    /// Follows changes that came from elsewhere, if the document is loaded. It may hold local saves
    /// that are still on their way to the disk, so it is not simply read again.
    pub(crate) fn follow(&mut self, doc: DocId, changes: &[ScannedChange]) {
        let Some(open) = self.docs.get_mut(&doc) else {
            return;
        };
        let applied = catch_unwind(AssertUnwindSafe(|| {
            open.report.apply(changes).map_err(Box::new)
        }));
        if !matches!(applied, Ok(Ok(_))) {
            tracing::error!(doc = %doc, "loaded document did not follow, it is read again");
            self.close(doc);
        }
    }

    pub(crate) fn create(
        &mut self,
        key: &DocKey,
        form: &Arc<Form>,
    ) -> Result<&mut Report, CommandError> {
        let report = Report::create(key.clone(), form)
            .map_err(|error| damaged(key.id(), &ErrorChain(&error)))?;
        Ok(self.keep(key.id(), report))
    }

    /// Forgets everything that is loaded; the next read is by the newest forms.
    pub(crate) fn close_all(&mut self) {
        self.docs.clear();
        self.bytes = 0;
    }

    pub(crate) fn load(
        &mut self,
        store: &Store,
        key: &DocKey,
        form: &Arc<Form>,
    ) -> Result<&mut Report, CommandError> {
        let doc = key.id();
        if !self.is_open(doc) {
            let report = load(store, key, form)?;
            self.keep(doc, report);
        }
        self.clock += 1;
        let open = self
            .docs
            .get_mut(&doc)
            .expect("it was open or has just been loaded");
        open.used = self.clock;
        Ok(&mut open.report)
    }

    fn keep(&mut self, doc: DocId, report: Report) -> &mut Report {
        self.close(doc);
        let bytes = u64::try_from(report.approx_bytes()).unwrap_or(u64::MAX);
        while self.bytes + bytes > OPEN_DOCS_BYTES_MAX {
            let oldest = self.docs.iter().min_by_key(|(_, open)| open.used);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                break;
            };
            self.close(oldest);
        }
        self.clock += 1;
        self.bytes += bytes;
        let open = OpenDoc {
            report,
            bytes,
            used: self.clock,
        };
        &mut self.docs.entry(doc).or_insert(open).report
    }
}

/// Reads a document from the store. A panic inside Automerge ends here: that document is reported as
/// damaged, and the node stays up.
pub(crate) fn load(store: &Store, key: &DocKey, form: &Arc<Form>) -> Result<Report, CommandError> {
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
    let loaded = catch_unwind(AssertUnwindSafe(|| {
        let snapshot = snapshot.as_ref().map(|snapshot| snapshot.body.as_slice());
        let changes = changes.iter().map(|change| change.body.as_slice());
        Report::load(key.clone(), form, snapshot, changes).map_err(Box::new)
    }));
    match loaded {
        Ok(Ok(report)) => Ok(report),
        Ok(Err(error)) => Err(damaged(doc, &ErrorChain(&*error))),
        Err(_) => Err(damaged(doc, &"Automerge gave up on it")),
    }
}

fn damaged(doc: DocId, detail: &dyn fmt::Display) -> CommandError {
    let detail = detail.to_string();
    tracing::error!(doc = %doc, detail = %detail, "document cannot be read");
    CommandError::Damaged {
        doc: doc.to_string(),
        detail,
    }
}
