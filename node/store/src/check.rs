//! Looks for damage: SQLite's own check, then what must hold between the tables.

use std::collections::BTreeSet;
use std::fmt;

use hopluu_model::{Digest, DocId, ObjectId, Seq};

use crate::changes::heads_after;
use crate::limits::FINDINGS_MAX;
use crate::read::{hashes, id};
use crate::{DbError, DocRow, EntryBody, Read};

/// Something that does not hold, and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The document it is about, where it is about one.
    pub doc: Option<DocId>,
    /// What was found.
    pub found: Found,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Pages are damaged, in SQLite's words.
    Pages(String),
    /// The heads are not those that the changes lead to.
    HeadsWrong,
    /// The changes are not numbered 1 to their count.
    ChangesMissing,
    /// A change depends on one that is not here.
    DependencyMissing,
    /// An actor's last number is not the one of its last change.
    ActorWrong,
    /// The document has changes but no facts, so totals lack it.
    FactsMissing,
    /// Facts that belong to no document.
    FactsStray,
    /// A snapshot claims changes that are not here.
    SnapshotAhead,
    /// The journal has gaps.
    JournalGaps,
    /// Journal entries refer to nothing.
    JournalStray,
    /// Changes, records, receipts or attachments that no journal entry names: no peer gets them.
    NotInJournal,
    /// Pieces of files that belong to none, lack their mark, or are not counted right.
    FilesWrong,
    /// A file is not what its hash says, or a piece of it not what proves it. The store cannot know.
    FileWrong(Digest),
    /// An object is not what its hash says.
    BodyWrong(ObjectId),
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Pages(words) => words,
            Self::HeadsWrong => "the heads are not those that the changes lead to",
            Self::ChangesMissing => "changes are missing",
            Self::DependencyMissing => "a change depends on one that is not here",
            Self::ActorWrong => "an actor's last number is wrong",
            Self::FactsMissing => "there are no facts",
            Self::FactsStray => "facts belong to no document",
            Self::SnapshotAhead => "the snapshot is ahead of the changes",
            Self::JournalGaps => "the journal has gaps",
            Self::JournalStray => "journal entries refer to nothing",
            Self::NotInJournal => "what is stored is not in the journal",
            Self::FilesWrong => "the pieces of files do not add up",
            Self::FileWrong(hash) => return write!(out, "file {hash} is not what its hash says"),
            Self::BodyWrong(object) => {
                return write!(out, "object {object} is not what its hash says");
            }
        })
    }
}

/// Rules about a document, each as a query for those that break it.
const DOC_RULES: &[(Found, &str)] = &[
    (
        Found::ChangesMissing,
        "SELECT d.doc FROM docs d WHERE d.changes <> (SELECT count(*) FROM changes c \
         WHERE c.id > d.id << 24 AND c.id <= (d.id << 24) + d.changes)",
    ),
    (
        Found::ChangesMissing,
        "SELECT DISTINCT NULL FROM changes c WHERE c.id >> 24 NOT IN (SELECT id FROM docs)",
    ),
    (
        Found::ActorWrong,
        "SELECT DISTINCT d.doc FROM actors a JOIN docs d ON d.id = a.doc \
         WHERE a.actor_seq IS NOT (SELECT max(c.actor_seq) FROM changes c \
         WHERE c.id > d.id << 24 AND c.id <= (d.id << 24) + d.changes AND c.actor = a.actor)",
    ),
    (
        Found::FactsMissing,
        "SELECT d.doc FROM docs d WHERE d.changes > 0 \
         AND NOT EXISTS (SELECT 1 FROM facts f WHERE f.id = d.series << 40 | d.id)",
    ),
    (
        Found::FactsStray,
        "SELECT DISTINCT NULL FROM facts f WHERE NOT EXISTS (SELECT 1 FROM docs d \
         WHERE d.id = f.id & 0xffffffffff AND d.series = f.id >> 40)",
    ),
    (
        Found::SnapshotAhead,
        "SELECT d.doc FROM snapshots s JOIN docs d ON d.id = s.doc WHERE s.ordinal > d.changes",
    ),
    (
        Found::JournalGaps,
        "SELECT NULL FROM (SELECT count(*) AS entries, coalesce(max(seq), 0) AS last FROM journal) \
         WHERE entries <> last",
    ),
    (
        Found::JournalStray,
        "SELECT DISTINCT NULL FROM journal j WHERE \
         (j.kind = 1 AND NOT EXISTS (SELECT 1 FROM changes WHERE id = j.ref)) \
         OR (j.kind = 2 AND NOT EXISTS (SELECT 1 FROM records WHERE id = j.ref)) \
         OR (j.kind = 3 AND NOT EXISTS (SELECT 1 FROM receipts WHERE id = j.ref AND seq = j.seq)) \
         OR (j.kind = 4 AND NOT EXISTS (SELECT 1 FROM attachments WHERE id = j.ref)) \
         OR j.kind NOT BETWEEN 0 AND 4",
    ),
    (
        Found::FilesWrong,
        "SELECT NULL WHERE EXISTS (SELECT 1 FROM files f WHERE f.held <> \
         (SELECT coalesce(sum(length(p.body)), 0) FROM file_pieces p \
         WHERE p.id >= f.id << 16 AND p.id < (f.id + 1) << 16)) \
         OR EXISTS (SELECT 1 FROM file_pieces WHERE id >> 16 NOT IN (SELECT id FROM files) \
         OR id NOT IN (SELECT id FROM file_marks)) \
         OR EXISTS (SELECT 1 FROM file_marks WHERE id NOT IN (SELECT id FROM file_pieces)) \
         OR EXISTS (SELECT 1 FROM file_refs WHERE file NOT IN (SELECT id FROM files) \
         OR doc NOT IN (SELECT id FROM docs))",
    ),
    (
        Found::NotInJournal,
        "SELECT NULL WHERE (SELECT count(*) FROM journal WHERE kind = 1) < \
         (SELECT count(*) FROM changes) \
         OR (SELECT count(*) FROM journal WHERE kind = 2) < (SELECT count(*) FROM records) \
         OR (SELECT count(*) FROM journal WHERE kind = 3) < (SELECT count(*) FROM receipts) \
         OR (SELECT count(*) FROM journal WHERE kind = 4) < (SELECT count(*) FROM attachments)",
    ),
];

impl Read {
    /// Checks every page and every rule between the tables, and lists what does not hold, at most
    /// [`FINDINGS_MAX`]. Takes as long as reading the whole database. Damage that stops a query is
    /// a finding, not an error.
    pub fn check(&self) -> Result<Vec<Finding>, DbError> {
        self.consistent(|read| {
            let mut findings = Vec::new();
            let is_encrypted = read.is_decrypted();
            let is_spoilt = || is_encrypted && !read.is_decrypted();
            read.check_pages(&mut findings)?;
            for (found, sql) in DOC_RULES {
                let broken = read.all(sql, [], |row| {
                    let is_about_none = row.get_ref(0)?.data_type() == rusqlite::types::Type::Null;
                    let doc = (!is_about_none).then(|| id(row, 0, "docs")).transpose()?;
                    Ok(Finding {
                        doc,
                        found: found.clone(),
                    })
                });
                // What an encrypted database says after a broken page is about that page only.
                if is_spoilt() {
                    break;
                }
                add(&mut findings, broken)?;
            }
            if !is_spoilt() {
                let graphs = read.check_graphs();
                add(&mut findings, graphs)?;
            }
            findings.truncate(FINDINGS_MAX);
            Ok(findings)
        })
    }

    fn check_pages(&self, findings: &mut Vec<Finding>) -> Result<(), DbError> {
        let sql = format!("PRAGMA integrity_check({FINDINGS_MAX})");
        let pages = self.all(&sql, [], |row| Ok(row.get::<_, String>(0)?));
        let pages = pages.map(|lines| {
            let damaged = lines.into_iter().filter(|line| line != "ok");
            damaged
                .map(|line| Finding {
                    doc: None,
                    found: Found::Pages(line),
                })
                .collect()
        });
        add(findings, pages)
    }

    /// Reads every entry of the journal and lists those of which `is_intact` says that they are not
    /// what their hash says: a flipped bit within a row harms no rule that the store knows.
    pub fn check_bodies(
        &self,
        is_intact: &dyn Fn(&EntryBody) -> bool,
    ) -> Result<Vec<Finding>, DbError> {
        let mut findings = Vec::new();
        let last = self.last_seq()?;
        let mut after = Seq(0);
        while after < last && findings.len() < FINDINGS_MAX {
            let batch = match self.read_journal(after, BATCH_ENTRIES, BATCH_BYTES) {
                Ok(batch) if batch.through > after => batch,
                Ok(_) => break,
                Err(error) => {
                    // One entry cannot be read: it is named by the other check; go on after it.
                    add(&mut findings, Err(error))?;
                    after = after.next();
                    continue;
                }
            };
            let wrong = batch.entries.iter().filter(|entry| !is_intact(&entry.body));
            findings.extend(wrong.map(|entry| Finding {
                doc: match entry.body {
                    EntryBody::Change { doc, .. }
                    | EntryBody::Receipt { doc, .. }
                    | EntryBody::Attachment { doc, .. } => Some(doc),
                    EntryBody::Record { .. } => None,
                },
                found: Found::BodyWrong(entry.object()),
            }));
            after = batch.through;
        }
        findings.truncate(FINDINGS_MAX);
        Ok(findings)
    }

    /// Heads and dependencies of every document against its changes.
    fn check_graphs(&self) -> Result<Vec<Finding>, DbError> {
        let mut docs = Vec::new();
        let mut findings = Vec::new();
        let walked = self.for_each_doc(|row| docs.push(row));
        add(&mut findings, walked.map(|()| Vec::new()))?;
        for row in docs {
            let found = match self.check_graph(&row) {
                Ok(found) => found,
                Err(error @ (DbError::Damaged { .. } | DbError::Row { .. })) => {
                    vec![Found::Pages(words(&error))]
                }
                Err(error) => return Err(error),
            };
            findings.extend(found.into_iter().map(|found| Finding {
                doc: Some(row.doc),
                found,
            }));
        }
        Ok(findings)
    }

    fn check_graph(&self, row: &DocRow) -> Result<Vec<Found>, DbError> {
        let sql = "SELECT base FROM docs WHERE doc = ?1";
        let base = self.one(sql, [row.doc.as_bytes()], |row| {
            hashes(row.get_ref(0)?.as_blob().unwrap_or_default(), "docs")
        })?;
        let mut heads = base.unwrap_or_default();
        let mut known: BTreeSet<_> = row.implied.iter().copied().collect();
        let mut is_whole = true;
        self.for_each_change(row.doc, 0, |change| {
            is_whole &= change.deps.iter().all(|dep| known.contains(dep));
            known.insert(change.hash);
            heads = heads_after(&heads, change.hash, &change.deps);
            true
        })?;
        let mut found = Vec::new();
        if !is_whole {
            found.push(Found::DependencyMissing);
        }
        if heads != row.heads {
            found.push(Found::HeadsWrong);
        }
        Ok(found)
    }
}

/// Entries and bytes of the journal that are looked at together.
const BATCH_ENTRIES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Damage met on the way is what the check is looking for.
fn add(findings: &mut Vec<Finding>, found: Result<Vec<Finding>, DbError>) -> Result<(), DbError> {
    match found {
        Ok(list) => findings.extend(list),
        Err(error @ (DbError::Damaged { .. } | DbError::Row { .. })) => findings.push(Finding {
            doc: None,
            found: Found::Pages(words(&error)),
        }),
        Err(error) => return Err(error),
    }
    Ok(())
}

fn words(error: &DbError) -> String {
    hopluu_model::ErrorChain(error).to_string()
}
