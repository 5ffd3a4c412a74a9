//! Looks a home over, and gets a damaged database back to work: what can be read goes into a fresh
//! one with a new epoch, and the peers give back the rest.

mod facts;
mod files;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hopluu_doc::limits::SCAN_LIMITS;
use hopluu_doc::scan;
use hopluu_model::{Date, DocId, ErrorChain, NodeId, Timestamp};
use hopluu_store::{
    DbError, EntryBody, Found, OpenError, OpenOptions, Read, SalvageError, SalvageReport, Store,
    salvage,
};
use hopluu_trust::{Record, Seal};
use serde::{Deserialize, Serialize};

use self::facts::{restore_facts, wrong_facts};
use self::files::{give_up_wrong, wrong_files};
use crate::home::{Home, HomeError};
use crate::parcels::no_parcels;
use crate::setup::{SetupError, fresh_epoch, identity_of};
use crate::wrapped::Secret;
use crate::{clock, placing};

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
    /// The certificate has ended.
    Expired,
    /// The clock stands before anything this node has seen.
    Clock,
    /// What is carried for others is not whole, or is something else.
    Parcels,
    /// The node is encrypted, but something of it can be read by whoever has the disk.
    Readable,
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
            Self::Expired => "D-011",
            Self::Parcels => "D-012",
            Self::Readable => "D-013",
        }
    }
}

/// What was found, so that it can be told in any language; in English it says it itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Detail {
    /// Whoever uses the machine may use what is this node's alone.
    #[error("{} is open to other users (mode {mode:o})", path.display())]
    OpenToOthers {
        /// The folder or the file.
        path: PathBuf,
        /// Its rights.
        mode: u32,
    },
    /// Something within the database does not hold.
    #[error("{0}")]
    Found(Found),
    /// The facts of a document are not what its changes say.
    #[error("the facts are not those of the changes")]
    OtherFacts,
    /// The certificate has ended.
    #[error("the certificate ended on {0}")]
    CertificateEnded(Date),
    /// The certificate is about to end.
    #[error("the certificate ends on {0}")]
    CertificateEnds(Date),
    /// The clock stands before something that has been.
    #[error("the clock says {now}, but {seen} {on}")]
    ClockBehind {
        /// What the clock says.
        now: Date,
        /// What has been.
        seen: Seen,
        /// When that was.
        on: Date,
    },
    /// So many files among the parcels are none.
    #[error("{0} files are no parcels")]
    NoParcels(u64),
    /// A file of an encrypted node that is not.
    #[error("{} is not encrypted", .0.display())]
    Readable(PathBuf),
    /// What failed, in its own words.
    #[error("{0}")]
    Error(String),
}

/// What has been, so that no clock may stand before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Seen {
    /// The first release of this program.
    #[error("this program is of")]
    Release,
    /// A save of this node.
    #[error("this node saved something on")]
    Save,
    /// A message of a peer.
    #[error("a peer was heard on")]
    Peer,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// What sort of thing.
    pub ailment: Ailment,
    /// The document it is about.
    pub doc: Option<DocId>,
    /// What was found.
    pub detail: Detail,
    /// How often it was found.
    pub times: u32,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckUp {
    /// Whether the database is encrypted.
    pub is_encrypted: bool,
    /// What was found; empty for a healthy home.
    pub findings: Vec<Diagnosis>,
    /// What a repair did, if one was asked for and needed.
    pub repaired: Option<Repaired>,
}

/// Looks over a home that no process is using, and repairs its database if asked to.
///
/// # Errors
/// When there is no home, another process holds it, the secret does not open it, or a repair failed; the
/// home is as it was.
pub fn doctor(
    dir: &Path,
    is_repairing: bool,
    secret: Option<&Secret>,
    now: Timestamp,
) -> Result<CheckUp, SetupError> {
    let mut home = Home::open_for_restore(dir)?;
    home.unlock(secret)?;
    let mut findings = Vec::new();
    if let Err(error) = home.settings() {
        findings.push(plain(Ailment::Home, &error));
    }
    findings.extend(open_to_others(&home));
    findings.extend(wrong_parcels(&home));
    findings.extend(readable(&home));
    let options = home.options(OpenOptions::existing())?;
    let is_damaged = match Store::open(&home.database(), &options) {
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
    once_each(&mut findings);
    let repaired = (is_repairing && is_damaged)
        .then(|| repair(&home))
        .transpose()?;
    Ok(CheckUp {
        is_encrypted: home.encryption().is_some(),
        findings,
        repaired,
    })
}

fn unopened(error: &OpenError) -> Ailment {
    match error {
        OpenError::Missing { .. } => Ailment::NoDatabase,
        OpenError::NewerVersion { .. } => Ailment::Newer,
        OpenError::Foreign { .. } => Ailment::Foreign,
        OpenError::Plain { .. } => Ailment::Readable,
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
    let (mut me, mut blank) = (None, None);
    let identity = home
        .signer()
        .map_err(SetupError::Home)
        .and_then(|k| identity_of(store, k));
    match identity {
        Ok(config) => {
            me = Some(config.me.node);
            blank = Some(config.no_records());
            let ends = config.certificate_ends;
            let on = clock::day(ends);
            if ends <= now {
                let detail = Detail::CertificateEnded(on);
                findings.push(of_node(Ailment::Expired, detail));
            } else if config.is_ending(now) {
                let detail = Detail::CertificateEnds(on);
                findings.push(of_node(Ailment::Expiry, detail));
            }
        }
        Err(error) => findings.push(plain(Ailment::Identity, &error)),
    }
    let found = store.read().and_then(|read| {
        for finding in read.check()? {
            findings.push(Diagnosis {
                doc: finding.doc,
                ..of_node(Ailment::Damage, Detail::Found(finding.found))
            });
        }
        for file in wrong_files(&read)? {
            let found = Found::FileWrong(file.hash);
            findings.push(of_node(Ailment::Damage, Detail::Found(found)));
        }
        findings.extend(wrong_clock(&read, me, now)?);
        // Whose node it is says which records count.
        for doc in blank.map_or(Ok(Vec::new()), |blank| wrong_facts(&read, blank))? {
            findings.push(Diagnosis {
                doc: Some(doc),
                ..of_node(Ailment::Facts, Detail::OtherFacts)
            });
        }
        Ok(())
    });
    if let Err(error) = found {
        findings.push(plain(Ailment::Damage, &error));
    }
}

/// A clock that stands before this program, before what this node wrote, or before it heard a peer.
fn wrong_clock(
    read: &Read,
    me: Option<NodeId>,
    now: Timestamp,
) -> Result<Option<Diagnosis>, DbError> {
    let heard = read
        .peers()?
        .iter()
        .filter_map(|peer| peer.last_heard)
        .max();
    let wrote = me.map(|me| last_save(read, me)).transpose()?.flatten();
    let known = [
        (Some(clock::FIRST_RELEASE), Seen::Release),
        (wrote, Seen::Save),
        (heard, Seen::Peer),
    ];
    let later = known
        .into_iter()
        .find_map(|(at, seen)| Some((at.filter(|at| *at > now)?, seen)));
    Ok(later.map(|(at, seen)| {
        let (now, on) = (clock::day(now), clock::day(at));
        of_node(Ailment::Clock, Detail::ClockBehind { now, seen, on })
    }))
}

/// When this node last saved something, by its own clock.
fn last_save(read: &Read, me: NodeId) -> Result<Option<Timestamp>, DbError> {
    let mut docs = Vec::new();
    read.for_each_doc(|row| docs.push(row.doc))?;
    let mut last = None;
    for doc in docs {
        read.for_each_change(doc, 0, |row| {
            let seal = Seal::from_wire(&row.seal, doc, row.hash);
            if seal.is_ok_and(|seal| seal.author == me)
                && let Ok(change) = scan(&row.body, &SCAN_LIMITS)
            {
                last = last.max(Some(change.time));
            }
            true
        })?;
    }
    Ok(last)
}

/// What other users of the machine should not be able to do: whoever has the key is this node, whoever
/// writes in the folder can put another one there, and whoever reads in it sees its files.
fn open_to_others(home: &Home) -> Vec<Diagnosis> {
    let barred = [
        (home.dir().to_owned(), 0o077),
        (home.dir().join("key"), 0o077),
        (home.dir().join("store.key"), 0o077),
        (home.database(), 0o077),
        (home.parcels(), 0o022),
    ];
    let open = barred.into_iter().filter_map(|(path, barred)| {
        let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o777;
        let detail = Detail::OpenToOthers { path, mode };
        (mode & barred != 0).then(|| of_node(Ailment::Home, detail))
    });
    open.collect()
}

/// What an encrypted home leaves open.
fn readable(home: &Home) -> Vec<Diagnosis> {
    if home.encryption().is_none() {
        return Vec::new();
    }
    match home.readable_by_anybody() {
        Ok(files) => {
            let found = files.into_iter().map(Detail::Readable);
            found.map(|file| of_node(Ailment::Readable, file)).collect()
        }
        Err(error) => vec![plain(Ailment::Home, &error)],
    }
}

/// What is no parcel the next start throws away, if it can; nothing of this node's own is lost by it.
fn wrong_parcels(home: &Home) -> Option<Diagnosis> {
    match no_parcels(&home.parcels()) {
        Ok(0) => None,
        Ok(files) => Some(of_node(Ailment::Parcels, Detail::NoParcels(files))),
        Err(error) => Some(plain(Ailment::Parcels, &error)),
    }
}

/// Says what was found many times once, with how often.
fn once_each(findings: &mut Vec<Diagnosis>) {
    let mut found: Vec<Diagnosis> = Vec::new();
    for one in findings.drain(..) {
        let known = found.iter_mut().find(|known| {
            (known.ailment, known.doc, &known.detail) == (one.ailment, one.doc, &one.detail)
        });
        match known {
            Some(known) => known.times += 1,
            None => found.push(one),
        }
    }
    *findings = found;
}

/// What was found about the node as a whole.
fn of_node(ailment: Ailment, detail: Detail) -> Diagnosis {
    Diagnosis {
        ailment,
        doc: None,
        detail,
        times: 1,
    }
}

fn plain(ailment: Ailment, error: &(dyn std::error::Error + 'static)) -> Diagnosis {
    of_node(ailment, Detail::Error(ErrorChain(error).to_string()))
}

fn repair(home: &Home) -> Result<Repaired, SetupError> {
    let database = home.database();
    let draft = placing::draft(&database).map_err(file_error("removing an unfinished repair"))?;
    let saved = salvage(
        &database,
        &draft,
        fresh_epoch(),
        &is_intact,
        home.encryption(),
    )
    .map_err(salvage_error)?;
    let store = Store::open(&draft, &home.options(OpenOptions::existing())?)?;
    // Without its own certificate what was saved is nobody's: no link and no save would take it.
    let config = identity_of(&store, home.signer()?).map_err(nothing_saved)?;
    store
        .write(move |tx| {
            restore_facts(tx, config.no_records())?;
            give_up_wrong(tx)
        })
        .map_err(|error| SetupError::Write(error.to_string()))?;
    store.close()?;
    let kept = placing::place(&draft, &database, "damaged");
    let kept = kept.map_err(file_error("putting the repaired database in place"))?;
    let kept = kept.unwrap_or(database);
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
