//! From memory to disk: a change is sealed, written with all that follows from it, and answered.

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{Report, SavedChange, scan};
use hopluu_model::{ChangeHash, Timestamp};
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
use crate::view::{DiskState, Saved};

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
        let Some(saved) = made.saved else {
            return self.confirm_standing(&meant, file, reply);
        };
        let names_files = saved.scanned.touches_attachments();
        let here = file.as_ref().map(Prepared::file);
        let unit = meant.key.unit.clone();
        let (doc, hash, report) = (meant.key.id(), saved.hash, meant.report());
        let by = self.author();
        let seal = Seal::sign(
            self.signer(),
            doc,
            vec![saved.scanned.actor],
            hash,
            by.account.clone(),
        )
        .expect("one actor and an account's name are within a seal's bounds")
        .to_wire();
        let admission = self.admission(None, now);
        let copy = self.open.saving(doc);
        self.submit(
            move |tx| {
                admission.append_save(tx, &meant, &saved, (&seal, &by))?;
                if let Some(file) = file {
                    file.keep(tx, quota)?;
                }
                Ok(admission.saved(tx, doc)?)
            },
            move |core, turn, result: Result<_, WriteError<AppendError>>| {
                core.open.saved(doc, copy, result.is_ok());
                match result {
                    Ok(admitted) => {
                        core.let_in(turn, admitted, None);
                        core.after_local(turn, doc);
                        if let Some(here) = here {
                            core.file_here(turn, here, vec![unit]);
                        } else if names_files {
                            core.files_named(turn, doc);
                        }
                        reply(Ok(Saved {
                            report,
                            change: Some(hash),
                            settled,
                            left_out,
                        }));
                    }
                    Err(error) => reply(Err(core.write_failed(turn, error))),
                }
            },
        );
    }

    /// Answers a save that found everything as it was to be. What it found may itself still be on its
    /// way to the disk, so the answer takes the same way.
    fn confirm_standing(&mut self, meant: &Meant, file: Option<Prepared>, reply: Reply<Saved>) {
        let (doc, report, quota) = (meant.key.id(), meant.report(), self.file_quota);
        let heads = |report: &mut Report| {
            let genesis = report.genesis().hash;
            let heads = report.heads().into_iter();
            heads
                .filter(|head| *head != genesis)
                .collect::<Vec<ChangeHash>>()
        };
        let stands_on = match self.on_report_or_new(&meant.key, &meant.form, heads) {
            Ok(heads) => heads,
            Err(error) => return reply(Err(error)),
        };
        self.submit(
            move |tx| -> Result<bool, DbError> {
                for head in stands_on {
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
                    settled: Vec::new(),
                    left_out: Vec::new(),
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

impl Admission {
    /// Writes one save: first what it derives, then the change itself with its seal.
    fn append_save(
        &self,
        tx: &mut WriteTx<'_>,
        meant: &Meant,
        saved: &SavedChange,
        (seal, by): (&[u8], &SealedBy),
    ) -> Result<(), AppendError> {
        let key = &meant.key;
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
