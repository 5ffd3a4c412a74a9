//! From memory to disk: a change is sealed, written with all that follows from it, and answered.

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{DocKey, Report, SavedChange, scan};
use hopluu_model::{ChangeHash, DocId, Timestamp};
use hopluu_store::{AppendError, DbError, WriteError, WriteTx};
use hopluu_trust::Seal;

use super::Made;
use crate::admit::{Admission, Appender, NewEntry};
use crate::attach::Prepared;
use crate::core::Core;
use crate::docket::{Docket, SealedBy};
use crate::error::CommandError;
use crate::resolve::Meant;
use crate::turn::Reply;
use crate::view::{ClosedChange, DiskState, Saved};

impl Core {
    /// Seals a change and hands it to the writer; the answer comes when it is on disk.
    pub(crate) fn commit(
        &mut self,
        now: Timestamp,
        made: Result<Made, CommandError>,
        reply: Reply<Saved>,
    ) {
        let made = match made {
            Err(error) => return reply(Err(error)),
            Ok(made) => made,
        };
        let (meant, settled, left_out) = (made.meant, made.settled, made.left_out);
        let (file, quota) = (made.file, self.file_quota);
        let Some(first) = made.parts.first().map(|(_, saved)| saved.hash) else {
            return self.confirm_standing(&meant, file, reply);
        };
        let mut parts = made.parts.iter();
        let names_files = parts.any(|(_, saved)| saved.scanned.touches_attachments());
        let here = file.as_ref().map(Prepared::file);
        let (unit, doc, report) = (meant.key.unit.clone(), meant.key.id(), meant.report());
        let by = self.author();
        let admission = self.admission(None, now);
        let parts = made.parts.into_iter();
        let parts: Vec<Part> = parts
            .map(|(key, saved)| self.sealed(key, saved, &by))
            .collect();
        let docs: Vec<DocId> = parts.iter().map(|part| part.key.id()).collect();
        let copies: Vec<_> = docs.iter().map(|doc| self.open.saving(*doc)).collect();
        let written = docs.clone();
        let closed = parts.iter().filter(|part| part.key != meant.key);
        let closed = closed.map(|part| ClosedChange {
            doc: part.key.id(),
            change: part.saved.hash,
        });
        let closed: Vec<_> = closed.collect();
        self.submit(
            move |tx| {
                for part in &parts {
                    admission.append_save(tx, &meant, part, &by)?;
                }
                if let Some(file) = file {
                    file.keep(tx, quota)?;
                }
                let admitted = written.into_iter().map(|doc| admission.saved(tx, doc));
                Ok(admitted.collect::<Result<Vec<_>, _>>()?)
            },
            move |core, turn, result: Result<_, WriteError<AppendError>>| {
                for (doc, copy) in docs.iter().zip(copies) {
                    core.open.saved(*doc, copy, result.is_ok());
                }
                match result {
                    Ok(admitted) => {
                        for one in admitted {
                            core.let_in(turn, one, None);
                        }
                        core.after_local(turn, docs);
                        if let Some(here) = here {
                            core.file_here(turn, here, vec![unit]);
                        } else if names_files {
                            core.files_named(turn, doc);
                        }
                        reply(Ok(Saved {
                            report,
                            change: Some(first),
                            closed,
                            settled,
                            left_out,
                            revoked: core.told_revoked.clone(),
                        }));
                    }
                    Err(error) => reply(Err(core.write_failed(turn, error))),
                }
            },
        );
    }

    /// Seals one change of a save.
    fn sealed(&self, key: DocKey, saved: SavedChange, by: &SealedBy) -> Part {
        let seal = Seal::sign(
            self.signer(),
            key.id(),
            vec![saved.scanned.actor],
            saved.hash,
            by.account.clone(),
        )
        .expect("one actor and an account's name are within a seal's bounds")
        .to_wire();
        Part { key, saved, seal }
    }

    /// Answers a save that found everything as it was to be. What it found may itself still be on its
    /// way to the disk, so the answer takes the same way.
    fn confirm_standing(&mut self, meant: &Meant, file: Option<Prepared>, reply: Reply<Saved>) {
        let (report, quota) = (meant.report(), self.file_quota);
        let stands_on = match self.standing(meant) {
            Ok(stands_on) => stands_on,
            Err(error) => return reply(Err(error)),
        };
        self.submit(
            move |tx| -> Result<bool, DbError> {
                for (doc, head) in stands_on {
                    if !tx.has_change(doc, head)? {
                        return Ok(false);
                    }
                }
                // What was named without its bytes has them now.
                if let Some(file) = file {
                    file.keep(tx, quota)?;
                }
                Ok(true)
            },
            move |core, turn, result| match result {
                Ok(true) => reply(Ok(Saved {
                    report,
                    change: None,
                    closed: Vec::new(),
                    settled: Vec::new(),
                    left_out: Vec::new(),
                    revoked: core.told_revoked.clone(),
                })),
                Ok(false) if core.disk() == DiskState::Full => reply(Err(CommandError::DiskFull)),
                Ok(false) => reply(Err(CommandError::Refused {
                    what: "the save",
                    detail: "what it builds on could not be saved".to_owned(),
                })),
                Err(error) => reply(Err(core.write_failed(turn, error))),
            },
        );
    }
}

impl Core {
    /// What all documents of a report stand on that this node has or makes now.
    fn standing(&mut self, meant: &Meant) -> Result<Vec<(DocId, ChangeHash)>, CommandError> {
        let mut keys = self.closed_here(&meant.key, &meant.form)?;
        keys.push(meant.key.clone());
        let mut stands_on = Vec::new();
        for key in keys {
            let doc = key.id();
            let heads = self.on_report_or_new(&key, &meant.form, |report: &mut Report| {
                let genesis = report.genesis().hash;
                let heads = report.heads().into_iter();
                heads.filter(|head| *head != genesis).collect::<Vec<_>>()
            })?;
            stands_on.extend(heads.into_iter().map(|head| (doc, head)));
        }
        Ok(stands_on)
    }
}

/// One change of a save, in its document.
struct Part {
    key: DocKey,
    saved: SavedChange,
    seal: Vec<u8>,
}

impl Admission {
    /// Writes one change of a save: first what it derives, then the change itself with its seal.
    fn append_save(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
        part: &Part,
        by: &SealedBy,
    ) -> Result<(), AppendError> {
        let Part { key, saved, seal } = part;
        let genesis = self.beginnings.of(key, &meant.form);
        let genesis = genesis.map_err(|_| DbError::Row {
            table: "docs",
            expected: "a document that can begin",
        })?;
        let registry = self.working.begin(tx)?;
        let docket = Docket::upon(&registry, key, &meant.form, &genesis);
        let mut appender = Appender::begin(tx, docket, &genesis)?;
        let origin = None;
        for derived in &saved.derived {
            if let Ok(change) = scan(&derived.bytes, &SCAN_LIMITS) {
                let entry = NewEntry {
                    seal: &[],
                    by: None,
                    origin,
                };
                appender.append(tx, &change, entry)?;
            }
        }
        let by = Some(by);
        appender.append(tx, &saved.scanned, NewEntry { seal, by, origin })?;
        appender.finish(tx)
    }
}
