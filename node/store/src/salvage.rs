//! Gets out of a damaged database what can still be read, into a fresh one; what is lost comes back
//! from a peer.

mod files;
mod old;
mod scan;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hopluu_model::{
    ChangeHash, Digest, DocId, EntryKind, Epoch, Fault, FormId, NodeId, Period, Timestamp, UnitId,
};
use rusqlite::Row;

use self::old::Old;
use self::scan::{Rows, scan};
use crate::changes::{change_key, change_row};
use crate::docs::{facts_key, unpacked};
use crate::open::{open_writer, remove_if_there, sibling, sync_folder};
use crate::people::{ACCOUNT_COLUMNS, account_row};
use crate::read::{META_EPOCH, count, hashes, id, parsed, small};
use crate::{
    AppendError, AttachmentRow, DbError, Encryption, EntryBody, NewChange, NewDoc, OpenError,
    OpenOptions, Read, ReceiptRow, RecordRow, WriteTx,
};

/// What was saved and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SalvageReport {
    /// Documents of which every change was saved.
    pub docs_whole: u64,
    /// Documents of which changes are missing; their facts were not taken over.
    pub docs_cut: Vec<DocId>,
    /// Changes saved.
    pub changes: u64,
    /// Changes that could be read but not used: something they depend on is gone, or they are not
    /// what their hash says.
    pub changes_dropped: u64,
    /// Records saved.
    pub records: u64,
    /// Receipts saved.
    pub receipts: u64,
    /// Attachments saved.
    pub attachments: u64,
    /// Pieces of files saved.
    pub file_pieces: u64,
    /// Places that could not be read, over all tables.
    pub gaps: u64,
}

/// Why nothing was saved. Nothing is left at the new file's place.
#[derive(Debug, thiserror::Error)]
pub enum SalvageError {
    /// There is a file at the new database's place already.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// Not even the list of tables can be read.
    #[error("nothing of {} can be read", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: DbError,
    },
    /// The new database cannot be made.
    #[error("cannot make the new database")]
    Open(#[source] OpenError),
    /// The new database cannot be written.
    #[error("cannot write the new database")]
    Write(#[source] DbError),
    /// The new file cannot be put in its place.
    #[error("cannot place {}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl SalvageError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Exists { .. } => Fault::Config,
            Self::Unreadable { .. } | Self::File { .. } => Fault::Local,
            Self::Open(error) => error.fault(),
            Self::Write(error) => error.fault(),
        }
    }
}

/// Rebuilds at `to` what can be read of `from`, under an epoch of the caller's choice: a new one,
/// so that peers compare and give back what is missing. Checkpoints of peers and what was parked
/// are left behind for the same reason. `is_intact` says whether an object is what its hash says,
/// which the store itself cannot know. Both are encrypted alike.
pub fn salvage(
    from: &Path,
    to: &Path,
    epoch: Epoch,
    is_intact: &dyn Fn(&EntryBody) -> bool,
    encryption: Option<&Encryption>,
) -> Result<SalvageReport, SalvageError> {
    if to.exists() {
        let path = to.to_path_buf();
        return Err(SalvageError::Exists { path });
    }
    let unreadable = |source: DbError| SalvageError::Unreadable {
        path: from.to_path_buf(),
        source,
    };
    let old =
        Old::open(from, encryption.map(|by| &by.key)).map_err(|error| unreadable(error.into()))?;
    old.read()
        .db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
        .map_err(|error| unreadable(error.into()))?;

    let draft = sibling(to, "part");
    let file_error = |source| SalvageError::File {
        path: to.to_path_buf(),
        source,
    };
    remove_if_there(&draft).map_err(file_error)?;
    let db = open_writer(
        &draft,
        &OpenOptions::create(epoch).encrypted(encryption.cloned()),
    )
    .map_err(SalvageError::Open)?;
    let built = rebuild(&old, Read::new(db), is_intact);
    if built.is_err() {
        for leftover in ["", "-wal", "-shm", "-journal"] {
            let mut path = draft.as_os_str().to_owned();
            path.push(leftover);
            remove_if_there(Path::new(&path)).map_err(file_error)?;
        }
    }
    let report = built.map_err(SalvageError::Write)?;
    File::open(&draft)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(&draft, to))
        .and_then(|()| sync_folder(to))
        .map_err(file_error)?;
    Ok(report)
}

fn rebuild(
    old: &Old<'_>,
    new: Read,
    is_intact: &dyn Fn(&EntryBody) -> bool,
) -> Result<SalvageReport, DbError> {
    // The draft is synced once, when it is whole; until then a crash only loses the draft.
    new.db
        .pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    new.db.pragma_update(None, "synchronous", "off")?;
    new.db.execute_batch("BEGIN IMMEDIATE")?;
    let mut salvage = Salvage {
        old,
        tx: WriteTx::new(&new),
        is_intact,
        report: SalvageReport::default(),
    };
    let names = salvage.names()?;
    salvage.documents(&names)?;
    salvage.records(&names)?;
    salvage.receipts(&names)?;
    salvage.attachments(&names)?;
    salvage.files(&names)?;
    salvage.settings(&names)?;
    salvage.people()?;
    salvage.audit()?;
    let report = salvage.report;
    new.db.execute_batch("COMMIT")?;
    new.db.close().map_err(|(_, error)| error)?;
    Ok(report)
}

struct Salvage<'s> {
    old: &'s Old<'s>,
    tx: WriteTx<'s>,
    is_intact: &'s dyn Fn(&EntryBody) -> bool,
    report: SalvageReport,
}

/// What rows refer to by small numbers.
#[derive(Default)]
struct Names {
    units: BTreeMap<i64, UnitId>,
    nodes: BTreeMap<i64, NodeId>,
    docs: BTreeMap<i64, OldDoc>,
    /// Who sent what, by kind and row, as far as the journal still knows. An object without an
    /// origin is offered once to the peer it came from, which has it already.
    origins: BTreeMap<(u8, i64), NodeId>,
}

/// A document row that could be read.
struct OldDoc {
    new: NewDoc,
    series: i64,
    changes: u64,
}

impl Salvage<'_> {
    /// What was noted for audits, as far as it can be read. When things came belongs to places in a journal that is
    /// no more.
    fn audit(&mut self) -> Result<(), DbError> {
        for read in self.old.read().private_reads(i64::MIN).unwrap_or_default() {
            self.tx.note_private_read(&read)?;
        }
        for refusal in self.old.read().refusals().unwrap_or_default() {
            self.tx.note_refusal(&refusal)?;
        }
        // What has left stays known: without it, what leaves next could give it away.
        for row in self.old.read().publications_whole().unwrap_or_default() {
            self.tx.put_publication(&row)?;
        }
        self.tx.forget_arrivals()
    }

    fn names(&mut self) -> Result<Names, DbError> {
        let mut names = Names::default();
        self.report.gaps += scan(self.old, &Rows::all("units", "unit"), &mut |row| {
            names.units.insert(row.get(0)?, text(row, 1, "units")?);
            Ok(())
        });
        self.report.gaps += scan(self.old, &Rows::all("nodes", "node"), &mut |row| {
            names.nodes.insert(row.get(0)?, id(row, 1, "nodes")?);
            Ok(())
        });
        let mut series = BTreeMap::new();
        self.report.gaps += scan(
            self.old,
            &Rows::all("series", "form, major, period"),
            &mut |row| {
                let major: u16 = small(row, 2, "series")?;
                let key: (FormId, u16, Period) =
                    (text(row, 1, "series")?, major, text(row, 3, "series")?);
                series.insert(row.get(0)?, key);
                Ok(())
            },
        );
        let columns = "doc, key, unit, series, implied, base, changes";
        self.report.gaps += scan(self.old, &Rows::all("docs", columns), &mut |row| {
            let unit = known(&names.units, row, 3)?;
            let (form, major, period) = known(&series, row, 4)?;
            let list = |column| -> Result<Vec<ChangeHash>, DbError> {
                hashes(row.get_ref(column)?.as_blob().unwrap_or_default(), "docs")
            };
            let new = NewDoc {
                doc: id(row, 1, "docs")?,
                key: row.get(2)?,
                unit,
                form,
                major,
                period,
                implied: list(5)?,
                heads: list(6)?,
            };
            let old = OldDoc {
                new,
                series: row.get(4)?,
                changes: count(row, 7, "docs")?,
            };
            names.docs.insert(row.get(0)?, old);
            Ok(())
        });
        let journal = Rows {
            key: "seq",
            ..Rows::all("journal", "kind, ref, origin")
        };
        self.report.gaps += scan(self.old, &journal, &mut |row| {
            if let Some(origin) = row.get::<_, Option<i64>>(3)? {
                let reference = row.get::<_, Option<i64>>(2)?.unwrap_or(0);
                if let Some(node) = names.nodes.get(&origin) {
                    names.origins.insert((row.get(1)?, reference), *node);
                }
            }
            Ok(())
        });
        Ok(names)
    }

    fn documents(&mut self, names: &Names) -> Result<(), DbError> {
        for (number, old) in &names.docs {
            self.tx.put_doc(&old.new)?;
            let kept = self.changes(*number, old, names)?;
            self.report.changes += kept;
            if kept == old.changes {
                self.report.docs_whole += 1;
                self.derived(*number, old)?;
            } else {
                self.report.docs_cut.push(old.new.doc);
            }
        }
        Ok(())
    }

    fn changes(&mut self, number: i64, old: &OldDoc, names: &Names) -> Result<u64, DbError> {
        let doc = old.new.doc;
        let mut found = Vec::new();
        let rows = Rows {
            from: change_key(number, 0),
            before: change_key(number + 1, 0),
            ..Rows::all("changes", "hash, actor, actor_seq, deps, seal, body")
        };
        self.report.gaps += scan(self.old, &rows, &mut |row| {
            found.push((row.get::<_, i64>(0)?, change_row(row)?));
            Ok(())
        });
        let mut kept = 0;
        for (key, change) in found {
            let new = NewChange {
                doc,
                hash: change.hash,
                actor: change.actor,
                actor_seq: change.actor_seq,
                deps: &change.deps,
                body: &change.body,
                seal: &change.seal,
                origin: names.origin(EntryKind::Change, key),
                class: 0,
            };
            let entry = EntryBody::Change {
                doc,
                hash: change.hash,
                actor: change.actor,
                body: change.body.clone(),
                seal: change.seal.clone(),
            };
            let appended = (self.is_intact)(&entry).then(|| self.tx.append_change(&new));
            match appended {
                Some(Ok(_)) => kept += 1,
                Some(Err(AppendError::Db(error))) => return Err(error),
                None | Some(Err(_)) => self.report.changes_dropped += 1,
            }
        }
        Ok(kept)
    }

    /// Snapshot and facts follow from the changes, so they are taken over only with all of them.
    fn derived(&mut self, number: i64, old: &OldDoc) -> Result<(), DbError> {
        let doc = old.new.doc;
        let mut snapshot = None;
        let rows = Rows {
            key: "doc",
            from: number,
            before: number + 1,
            ..Rows::all("snapshots", "ordinal, packing, body")
        };
        self.report.gaps += scan(self.old, &rows, &mut |row| {
            let body = row.get_ref(3)?.as_blob().unwrap_or_default();
            snapshot = Some((count(row, 1, "snapshots")?, unpacked(row.get(2)?, body)?));
            Ok(())
        });
        if let Some((ordinal, body)) = snapshot {
            self.tx.put_snapshot(doc, ordinal, &body)?;
        }
        let mut facts: Option<Vec<u8>> = None;
        let key = facts_key(old.series, number);
        let rows = Rows {
            from: key,
            before: key + 1,
            ..Rows::all("facts", "body")
        };
        self.report.gaps += scan(self.old, &rows, &mut |row| {
            facts = Some(row.get(1)?);
            Ok(())
        });
        if let Some(body) = facts {
            self.tx.put_facts(doc, &body)?;
        }
        Ok(())
    }

    fn records(&mut self, names: &Names) -> Result<(), DbError> {
        let mut found = Vec::new();
        self.report.gaps += scan(
            self.old,
            &Rows::all("records", "hash, kind, unit, body"),
            &mut |row| {
                let record = RecordRow {
                    hash: id(row, 1, "records")?,
                    kind: row.get(2)?,
                    unit: known(&names.units, row, 3)?,
                    body: row.get(4)?,
                };
                found.push((row.get(0)?, record));
                Ok(())
            },
        );
        for (key, record) in found {
            let entry = EntryBody::Record {
                hash: record.hash,
                kind: record.kind,
                body: record.body.clone(),
            };
            if (self.is_intact)(&entry) {
                let origin = names.origin(EntryKind::Record, key);
                self.tx.put_record(&record, origin)?;
                self.report.records += 1;
            }
        }
        Ok(())
    }

    fn receipts(&mut self, names: &Names) -> Result<(), DbError> {
        let mut found = Vec::new();
        let columns = "doc, by_unit, unit, hash, at, body";
        self.report.gaps += scan(self.old, &Rows::all("receipts", columns), &mut |row| {
            let receipt = ReceiptRow {
                doc: id(row, 1, "receipts")?,
                by: known(&names.units, row, 2)?,
                unit: known(&names.units, row, 3)?,
                hash: id(row, 4, "receipts")?,
                at: Timestamp(row.get(5)?),
                body: row.get(6)?,
            };
            found.push((row.get(0)?, receipt));
            Ok(())
        });
        for (key, receipt) in found {
            let entry = EntryBody::Receipt {
                hash: receipt.hash,
                doc: receipt.doc,
                body: receipt.body.clone(),
            };
            if (self.is_intact)(&entry) {
                let origin = names.origin(EntryKind::Receipt, key);
                self.tx.put_receipt(&receipt, origin)?;
                self.report.receipts += 1;
            }
        }
        Ok(())
    }

    fn attachments(&mut self, names: &Names) -> Result<(), DbError> {
        let mut found: Vec<(i64, AttachmentRow)> = Vec::new();
        self.report.gaps += scan(
            self.old,
            &Rows::all("attachments", "doc, hash, body"),
            &mut |row| {
                let number: i64 = row.get(1)?;
                let old = names.docs.get(&number).ok_or(STRAY)?;
                let attachment = AttachmentRow {
                    doc: old.new.doc,
                    digest: id(row, 2, "attachments")?,
                    body: row.get(3)?,
                };
                found.push((row.get(0)?, attachment));
                Ok(())
            },
        );
        for (key, attachment) in found {
            let entry = EntryBody::Attachment {
                doc: attachment.doc,
                digest: attachment.digest,
                body: attachment.body.clone(),
            };
            if (self.is_intact)(&entry) {
                let origin = names.origin(EntryKind::Attachment, key);
                self.tx.put_attachment(&attachment, origin)?;
                self.report.attachments += 1;
            }
        }
        Ok(())
    }

    /// Settings and tickets: small tables, taken over as far as they read from the front.
    fn settings(&mut self, names: &Names) -> Result<(), DbError> {
        let sql = "SELECT name, value FROM meta WHERE name <> ?1";
        let (values, is_cut) = self.old.readable(sql, [META_EPOCH], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
        });
        self.report.gaps += u64::from(is_cut);
        for (name, value) in values {
            self.tx.set_meta(&name, &value)?;
        }
        let sql = "SELECT ticket, body, expires, used_by, used_at FROM tickets";
        let (tickets, is_cut) = self.old.readable(sql, [], |row| {
            let ticket: Digest = id(row, 0, "tickets")?;
            let by = row.get::<_, Option<i64>>(3)?;
            let at = row.get::<_, Option<i64>>(4)?.map(Timestamp);
            let by = by.and_then(|by| names.nodes.get(&by)).copied();
            let body: Vec<u8> = row.get(1)?;
            Ok((ticket, body, Timestamp(row.get(2)?), by.zip(at)))
        });
        self.report.gaps += u64::from(is_cut);
        for (ticket, body, expires, used) in tickets {
            self.tx.put_ticket(ticket, &body, expires)?;
            if let Some((by, at)) = used {
                self.tx.use_ticket(ticket, by, at)?;
            }
        }
        Ok(())
    }

    /// Accounts, so that a node that asked who is there goes on asking. Sessions are opened anew.
    fn people(&mut self) -> Result<(), DbError> {
        let (accounts, is_cut) = self.old.readable(ACCOUNT_COLUMNS, [], account_row);
        self.report.gaps += u64::from(is_cut);
        for account in accounts {
            self.tx.put_account(&account)?;
        }
        Ok(())
    }
}

impl Names {
    fn origin(&self, kind: EntryKind, row: i64) -> Option<NodeId> {
        self.origins.get(&(kind.number(), row)).copied()
    }
}

/// A row refers to one that could not be read.
const STRAY: DbError = DbError::Row {
    table: "salvaged",
    expected: "a row whose references are there",
};

fn known<T: Clone>(names: &BTreeMap<i64, T>, row: &Row<'_>, column: usize) -> Result<T, DbError> {
    names.get(&row.get(column)?).cloned().ok_or(STRAY)
}

fn text<T: std::str::FromStr>(
    row: &Row<'_>,
    column: usize,
    table: &'static str,
) -> Result<T, DbError> {
    parsed(row.get_ref(column)?.as_str().unwrap_or(""), table, "a name")
}
