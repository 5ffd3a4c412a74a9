//! Looks a home over, and gets a damaged database back to work: what can be read goes into a fresh
//! one with a new epoch, and the peers give back the rest.

use std::path::{Path, PathBuf};

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::{Facts, scan};
use hopluu_model::{DocId, ErrorChain, Timestamp};
use hopluu_store::{
    DbError, EntryBody, OpenError, OpenOptions, Read, SalvageError, SalvageReport, Store, WriteTx,
    salvage,
};
use hopluu_trust::Record;
use serde::{Deserialize, Serialize};

use crate::home::{Home, HomeError};
use crate::setup::{SetupError, fresh_epoch, identity_of, put_in_place};

/// How long before its certificate ends a node is warned: renewal needs an open link, and some have
/// one a few days in a season.
const EXPIRY_WARNING_MS: u64 = 120 * 24 * 3_600_000;

/// What the doctor looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ailment {
    /// The folder, its files or their rights.
    Home,
    /// The database cannot be opened; a repair may save what is in it.
    Database,
    /// There is no database.
    NoDatabase,
    /// A newer program has written the database; a repair would lose what only that one knows.
    Newer,
    /// The database is another program's.
    Foreign,
    /// Pages or rows of the database contradict each other.
    Damage,
    /// Facts of a document are not those of its changes, so totals are wrong.
    Facts,
    /// Who this node is does not hold.
    Identity,
    /// The certificate ends soon.
    Expiry,
    /// The clock stands before anything this node has seen.
    Clock,
}

impl Ailment {
    /// The stable code that messages to people carry.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Home => "D-001",
            Self::Database => "D-002",
            Self::Damage => "D-003",
            Self::Facts => "D-004",
            Self::Identity => "D-005",
            Self::Expiry => "D-006",
            Self::Clock => "D-007",
            Self::NoDatabase => "D-008",
            Self::Newer => "D-009",
            Self::Foreign => "D-010",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What sort of thing.
    pub ailment: Ailment,
    /// The document it is about.
    pub doc: Option<DocId>,
    /// What was found.
    pub detail: String,
}

/// What a repair saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repaired {
    /// Documents saved whole.
    pub documents: u64,
    /// Documents that lost changes, to be given back by peers.
    pub cut: u64,
    /// Changes saved.
    pub changes: u64,
    /// Where the damaged database is kept.
    pub kept: PathBuf,
}

/// Everything the doctor has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckUp {
    /// What was found; empty for a healthy home.
    pub findings: Vec<Diagnosis>,
    /// What a repair did, if one was asked for and needed.
    pub repaired: Option<Repaired>,
}

/// Looks over a home that no process is using, and repairs its database if asked to.
///
/// # Errors
/// When there is no home, another process holds it, or a repair failed; the home is as it was.
pub fn doctor(dir: &Path, is_repairing: bool, now: Timestamp) -> Result<CheckUp, SetupError> {
    let home = Home::open_for_restore(dir)?;
    let mut findings = Vec::new();
    if let Err(error) = home.settings() {
        findings.push(plain(Ailment::Home, &error));
    }
    let is_damaged = match Store::open(&home.database(), &OpenOptions::existing()) {
        Ok(store) => {
            let before = findings.len();
            examine(&home, &store, now, &mut findings);
            // A store that does not close well has just been diagnosed, or will be at the next start.
            let _closed = store.close();
            let found = findings.get(before..).unwrap_or_default();
            found
                .iter()
                .any(|d| matches!(d.ailment, Ailment::Damage | Ailment::Facts))
        }
        Err(error) => {
            findings.push(plain(unopened(&error), &error));
            is_broken(&error)
        }
    };
    let repaired = (is_repairing && is_damaged)
        .then(|| repair(&home))
        .transpose()?;
    Ok(CheckUp { findings, repaired })
}

fn unopened(error: &OpenError) -> Ailment {
    match error {
        OpenError::Missing { .. } => Ailment::NoDatabase,
        OpenError::NewerVersion { .. } => Ailment::Newer,
        OpenError::Foreign { .. } => Ailment::Foreign,
        _ => Ailment::Database,
    }
}

/// Whether a database that does not open is ours and broken. One of a newer or another program is
/// whole: a repair would take out of it what this program knows, and leave the rest behind.
fn is_broken(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::HalfWritten { .. }
            | OpenError::NotADatabase { .. }
            | OpenError::Damaged { .. }
            | OpenError::Content { .. }
    )
}

fn examine(home: &Home, store: &Store, now: Timestamp, findings: &mut Vec<Diagnosis>) {
    let identity = home
        .signer()
        .map_err(SetupError::Home)
        .and_then(|k| identity_of(store, k));
    match identity {
        Ok(config) if config.certificate_ends <= now.plus_ms(EXPIRY_WARNING_MS) => {
            findings.push(Diagnosis {
                ailment: Ailment::Expiry,
                doc: None,
                detail: format!("the certificate ends at {}", config.certificate_ends),
            });
        }
        Ok(_) => {}
        Err(error) => findings.push(plain(Ailment::Identity, &error)),
    }
    let found = store.read().and_then(|read| {
        for finding in read.check()? {
            findings.push(Diagnosis {
                ailment: Ailment::Damage,
                doc: finding.doc,
                detail: finding.found.to_string(),
            });
        }
        let newest = read
            .peers()?
            .iter()
            .filter_map(|peer| peer.last_heard)
            .max();
        if let Some(heard) = newest.filter(|heard| *heard > now) {
            findings.push(Diagnosis {
                ailment: Ailment::Clock,
                doc: None,
                detail: format!("the clock says {now}, but a peer was heard at {heard}"),
            });
        }
        for doc in wrong_facts(&read)? {
            findings.push(Diagnosis {
                ailment: Ailment::Facts,
                doc: Some(doc),
                detail: "the facts are not those of the changes".to_owned(),
            });
        }
        Ok(())
    });
    if let Err(error) = found {
        findings.push(plain(Ailment::Damage, &error));
    }
}

/// Documents whose facts differ from what their changes say.
fn wrong_facts(read: &Read) -> Result<Vec<DocId>, DbError> {
    let mut docs = Vec::new();
    read.for_each_doc(|row| docs.push(row.doc))?;
    let mut wrong = Vec::new();
    for doc in docs {
        let kept = read.facts(doc)?.unwrap_or_default();
        if facts_of(read, doc)?.encode() != kept {
            wrong.push(doc);
        }
    }
    Ok(wrong)
}

/// The facts that a document's stored changes make up.
fn facts_of(read: &Read, doc: DocId) -> Result<Facts, DbError> {
    let mut facts = Facts::new();
    read.for_each_change(doc, 0, |row| {
        if let Ok(change) = scan(&row.body, &SCAN_LIMITS) {
            facts.apply(&change);
        }
        true
    })?;
    Ok(facts)
}

fn plain(ailment: Ailment, error: &(dyn std::error::Error + 'static)) -> Diagnosis {
    Diagnosis {
        ailment,
        doc: None,
        detail: ErrorChain(error).to_string(),
    }
}

fn repair(home: &Home) -> Result<Repaired, SetupError> {
    let database = home.database();
    let beside = database.with_extension("repaired");
    if beside.exists() {
        // Left by a repair that was cut short; the damaged original is still in place.
        std::fs::remove_file(&beside).map_err(file_error("removing an unfinished repair"))?;
    }
    let saved = salvage(&database, &beside, fresh_epoch(), &is_intact).map_err(salvage_error)?;
    let store = Store::open(&beside, &OpenOptions::existing())?;
    // Without its own certificate what was saved is nobody's: no link and no save would take it.
    identity_of(&store, home.signer()?).map_err(nothing_saved)?;
    store
        .write(restore_facts)
        .map_err(|error| SetupError::Write(error.to_string()))?;
    store.close()?;
    let kept = put_in_place(&beside, &database, "damaged")?.unwrap_or(database);
    let SalvageReport {
        docs_whole,
        docs_cut,
        changes,
        ..
    } = saved;
    let cut = u64::try_from(docs_cut.len()).unwrap_or(u64::MAX);
    Ok(Repaired {
        documents: docs_whole,
        cut,
        changes,
        kept,
    })
}

/// Writes anew the facts of every document that was saved without, or with others.
fn restore_facts(tx: &mut WriteTx<'_>) -> Result<(), DbError> {
    for doc in wrong_facts(tx)? {
        let facts = facts_of(tx, doc)?.encode();
        tx.put_facts(doc, &facts)?;
    }
    Ok(())
}

/// Whether an object is what its hash says; the store cannot know.
fn is_intact(body: &EntryBody) -> bool {
    match body {
        EntryBody::Change { hash, body, .. } => {
            scan(body, &SCAN_LIMITS).is_ok_and(|change| change.hash == *hash)
        }
        EntryBody::Record { hash, body, .. } | EntryBody::Receipt { hash, body, .. } => {
            Record::decode(body).is_ok_and(|record| record.hash() == *hash)
        }
        EntryBody::Attachment { digest, body, .. } => blake3::hash(body).as_bytes() == &digest.0,
    }
}

fn file_error(what: &'static str) -> impl Fn(std::io::Error) -> SetupError {
    move |source| SetupError::File { what, source }
}

fn nothing_saved(error: SetupError) -> SetupError {
    SetupError::NothingSaved(Box::new(error))
}

fn salvage_error(error: SalvageError) -> SetupError {
    match error {
        SalvageError::Open(error) => nothing_saved(SetupError::Open(error)),
        SalvageError::Unreadable { source, .. } => nothing_saved(SetupError::Store(source)),
        SalvageError::Write(source) => SetupError::Store(source),
        SalvageError::File { source, .. } => SetupError::File {
            what: "writing the repaired database",
            source,
        },
        SalvageError::Exists { path } => SetupError::Home(HomeError::Occupied(path)),
    }
}
