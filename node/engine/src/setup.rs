//! How a home folder comes to be: as a root, or by a ticket.

use std::io;
use std::path::Path;
use std::sync::Arc;

use hopluu_form::{Form, FormErrors, Lang};
use hopluu_model::tree::UnitTree;
use hopluu_model::{Date, Digest, Epoch, Fault, NodeId, OfficeId, Place, Timestamp, UnitId};
use hopluu_net::key::{IssueError, RandomError};
use hopluu_net::{JoinCallError, call_join, key};
use hopluu_store::{DbError, Found, OpenError, OpenOptions, Store, WriteError, WriteTx};
use hopluu_trust::{
    ChainError, Identity, Record, RecordKind, Signer, Ticket, TicketError, decode_chain,
    encode_chain, fingerprint, verify_chain,
};
use rand::RngExt;

use crate::admit::put_record;
use crate::core::{Core, CoreConfig, Post};
use crate::home::{Home, HomeError, NodeSettings};
use crate::limits::{ROOT_YEARS, TICKET_HOURS_MAX};
use crate::people::FirstAdmin;
use crate::registry::{form_body, tree_body};
use crate::wrapped::{Secret, SecretError};
use crate::{clock, evidence};

/// Names of what a node knows of itself, in the store.
pub(crate) const META_CHAIN: &str = "chain";
/// The chain of a key that is about to take the place of the one that is there, or has done so.
pub(crate) const META_CHAIN_NEXT: &str = "chain-next";
/// The keys that this node had before, each 32 bytes.
pub(crate) const META_KEYS_BEFORE: &str = "keys-before";
const META_ROOT: &str = "root";

const MS_PER_YEAR: i64 = 365 * 24 * 3_600_000;

/// Why a home could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The folder.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The database.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database, in use.
    #[error("the store does not take it")]
    Store(#[from] DbError),
    /// The first write failed.
    #[error("the store does not take it: {0}")]
    Write(String),
    /// The machine gives no random numbers.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The unit is not in the tree.
    #[error("no unit `{text}` in the tree")]
    UnknownUnit {
        /// What was typed.
        text: String,
    },
    /// A form has mistakes.
    #[error("a form has mistakes: {}", .0.report(Lang::En))]
    Form(Box<FormErrors>),
    /// The ticket cannot be read.
    #[error("the ticket cannot be read")]
    Ticket(#[source] TicketError),
    /// The ticket is over.
    #[error("the ticket ended at {0}")]
    Expired(Timestamp),
    /// A damaged database holds nothing that a node could work on with.
    #[error("nothing of the damaged database could be saved")]
    NothingSaved(#[source] Box<Self>),
    /// The superior did not let us in, or could not be reached.
    #[error("the superior did not let this node in")]
    Join(#[source] JoinCallError),
    /// A certificate could not be written.
    #[error("the root certificate could not be written")]
    Issue(#[source] IssueError),
    /// What the home holds of itself does not fit together.
    #[error("the certificate chain in the store does not hold")]
    Chain(#[source] ChainError),
    /// The database of this home knows no identity.
    #[error("the store does not say who this node is")]
    NoIdentity,
    /// A backup of another node.
    #[error("the backup belongs to node {}, this home to node {}", theirs.short(), ours.short())]
    OtherNode {
        /// Whose backup.
        theirs: NodeId,
        /// Whose home.
        ours: NodeId,
    },
    /// A ticket for somebody else.
    #[error("the ticket is for {unit}{}", .office.as_ref().map(|office| format!(", {office}")).unwrap_or_default())]
    OtherPlace {
        /// Its unit.
        unit: UnitId,
        /// Its office.
        office: Option<OfficeId>,
    },
    /// A damaged database is not encrypted or decrypted: what is lost would be lost for good.
    #[error("the database is damaged: {0}")]
    Unsound(Found),
    /// A backup is encrypted under another key than this home's.
    #[error("the backup is encrypted, and what opens it is not given")]
    BackupClosed(#[source] Option<SecretError>),
    /// A file could not be copied.
    #[error("{what} failed")]
    File {
        /// What was done.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl SetupError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Home(error) => error.fault(),
            Self::Open(error) => error.fault(),
            Self::Store(error) => error.fault(),
            Self::Join(error) => error.fault(),
            Self::Random(_) | Self::Write(_) | Self::File { .. } | Self::NothingSaved(_) => {
                Fault::Local
            }
            Self::Unsound(_) => Fault::Local,
            Self::Issue(_) | Self::Chain(_) => Fault::Bug,
            _ => Fault::Config,
        }
    }
}

/// What a root begins with.
#[derive(Debug)]
pub struct RootSetup {
    /// The unit where trust begins, as typed.
    pub unit: String,
    /// The whole tree; the root keeps and hands down what lies on its line.
    pub tree: UnitTree,
    /// Texts of the forms it hands down, each with the units it is assigned to, as typed.
    pub forms: Vec<(String, Vec<String>)>,
    /// What it begins with besides.
    pub home: NewHome,
}

/// What a node begins with, wherever it stands.
#[derive(Debug, Clone, Default)]
pub struct NewHome {
    /// Addresses.
    pub settings: NodeSettings,
    /// What opens the home, if it is to be encrypted.
    pub secret: Option<Secret>,
    /// Who looks after accounts, if there are to be any from the beginning.
    pub admin: Option<FirstAdmin>,
}

/// Who the new node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUp {
    /// Its place.
    pub place: Place,
    /// The root's fingerprint.
    pub root: Digest,
    /// When its certificate ends.
    pub certificate_ends: Timestamp,
}

/// Makes a root: a key, a certificate signed by itself, the tree and the forms as records.
///
/// # Errors
/// When the folder is not empty, the unit unknown, or a form wrong; the folder then stays unusable
/// but for another try after emptying it.
pub fn init_root(dir: &Path, setup: &RootSetup, now: Timestamp) -> Result<SetUp, SetupError> {
    make_root(dir, setup, Beginning::New, now)
}

/// With what a root begins.
pub(crate) enum Beginning {
    /// A fresh key.
    New,
    /// The key of one that was lost, and the end of its certificate.
    Again {
        signer: Box<Signer>,
        ends: Timestamp,
    },
}

/// Makes a root, the first time or again.
pub(crate) fn make_root(
    dir: &Path,
    setup: &RootSetup,
    beginning: Beginning,
    now: Timestamp,
) -> Result<SetUp, SetupError> {
    let today = clock::day(now);
    let find = |text: &str| -> Result<UnitId, SetupError> {
        setup
            .tree
            .resolve(text, Some(today))
            .or_else(|_| {
                setup
                    .tree
                    .resolve(text, Some(last_day_of(&setup.tree, text, today)))
            })
            .map_err(|_| SetupError::UnknownUnit {
                text: text.to_owned(),
            })
    };
    let unit = find(&setup.unit)?;
    let mut forms = Vec::new();
    for (source, assigned) in &setup.forms {
        let form = Form::parse(source).map_err(|errors| SetupError::Form(Box::new(errors)))?;
        let assigned = assigned
            .iter()
            .map(|text| find(text))
            .collect::<Result<Vec<_>, _>>()?;
        forms.push((form, assigned));
    }
    let mut home = Home::create(dir)?;
    home.begin_encryption(setup.home.secret.as_ref())?;
    let (signer, ends) = match beginning {
        Beginning::New => {
            let ends = Timestamp(now.0.saturating_add(ROOT_YEARS * MS_PER_YEAR));
            (home.begin_key()?, ends)
        }
        Beginning::Again { signer, ends } => {
            // A beginning of another node, which somebody may have certified.
            if home.has_key() && home.signer()?.node_id() != signer.node_id() {
                return Err(HomeError::Occupied(dir.to_owned()).into());
            }
            home.write_key(&signer)?;
            (*signer, ends)
        }
    };
    let certificate = key::write_root(&signer, &unit, ends).map_err(SetupError::Issue)?;
    let root = fingerprint(&certificate);
    let chain = vec![certificate];
    let records = root_records(&signer, &unit, &setup.tree, forms)?;
    let place = Place {
        node: signer.node_id(),
        unit,
        office: None,
    };
    let beginning = (root, now);
    found(&home, &chain, beginning, records, &setup.home)?;
    Ok(SetUp {
        place,
        root,
        certificate_ends: ends,
    })
}

/// What a root says first: the tree on its line, and the forms with the units they are assigned to.
///
/// # Errors
/// When one of them is longer than a record may be.
pub fn root_records(
    signer: &Signer,
    unit: &UnitId,
    tree: &UnitTree,
    forms: Vec<(Form, Vec<UnitId>)>,
) -> Result<Vec<Record>, SetupError> {
    let tree = tree.restrict(std::slice::from_ref(unit));
    let mut bodies = vec![(RecordKind::Tree, tree_body(&tree))];
    for (form, assigned) in forms {
        bodies.push((RecordKind::Form, form_body(form.source(), assigned)));
    }
    bodies
        .into_iter()
        .map(|(kind, body)| {
            Record::sign(signer, kind, unit.clone(), body)
                .map_err(|error| SetupError::Write(error.to_string()))
        })
        .collect()
}

/// A day on which a unit of this code last existed, so that a district that was abolished can still
/// be the root of its archive.
fn last_day_of(tree: &UnitTree, text: &str, today: Date) -> Date {
    let code = text.split('@').next().unwrap_or(text);
    let ended = tree.units().filter(|unit| unit.id.code.as_str() == code);
    ended.filter_map(|unit| unit.ended).max().unwrap_or(today)
}

/// Joins by a ticket: draws a key, has it certified, and keeps the superior as upstream.
///
/// # Errors
/// When the ticket is garbled, expired, used or foreign, the superior cannot be reached, or the
/// folder is not empty.
pub async fn join(
    dir: &Path,
    ticket: &str,
    new: NewHome,
    now: Timestamp,
) -> Result<SetUp, SetupError> {
    let ticket = Ticket::decode(ticket).map_err(SetupError::Ticket)?;
    if ticket.is_expired(now) {
        return Err(SetupError::Expired(ticket.expires));
    }
    // The folder first: a ticket is good once, and must not be spent on one that cannot be used.
    let mut home = Home::create(dir)?;
    home.begin_encryption(new.secret.as_ref())?;
    let had_key = home.has_key();
    let signer = home.begin_key()?;
    let joined = match call_join(&ticket, &signer, &new.settings.tuning()).await {
        Ok(joined) => joined,
        Err(error) => {
            // Whoever was not heard again, now or before, may have certified the key.
            if !had_key && !matches!(error, JoinCallError::NoAnswer(_)) {
                home.forget_key()?;
            }
            return Err(SetupError::Join(error));
        }
    };
    let place = joined.identity.place.clone();
    let mut new = new;
    for addr in &ticket.addrs {
        if !new.settings.upstream.contains(addr) {
            new.settings.upstream.push(addr.clone());
        }
    }
    // Two that may both be wrong: the issuer's clock on the day of the ticket, and this one's now.
    let beginning = (ticket.root, made_after(&ticket).min(now));
    found(&home, &joined.chain, beginning, Vec::new(), &new)?;
    Ok(SetUp {
        place,
        root: ticket.root,
        certificate_ends: joined.identity.not_after,
    })
}

/// Writes what a new home has beside its key. The settings take their name last, so that a cut leaves it visibly
/// half-written, and the same again goes through.
fn found(
    home: &Home,
    chain: &[Vec<u8>],
    (root, since): (Digest, Timestamp),
    records: Vec<Record>,
    new: &NewHome,
) -> Result<(), SetupError> {
    home.begin_settings(&new.settings)?;
    let options = home.options(OpenOptions::create(fresh_epoch()))?;
    let store = Store::open(&home.database(), &options)?;
    found_store(&store, chain, root, records)?;
    let admin = new.admin.clone();
    let begin = move |tx: &mut WriteTx<'_>| {
        evidence::begin(tx, since)?;
        admin.map_or(Ok(()), |admin| admin.begin(tx))
    };
    store.write(begin).map_err(write_error)?;
    store.close()?;
    Ok(home.finish_settings()?)
}

/// Puts into a new store who its node is, and the records it begins with.
///
/// # Errors
/// When the store does not take it.
pub fn found_store(
    store: &Store,
    chain: &[Vec<u8>],
    root: Digest,
    records: Vec<Record>,
) -> Result<(), SetupError> {
    let chain = encode_chain(chain).map_err(|error| SetupError::Write(error.to_string()))?;
    store
        .write(move |tx| -> Result<(), DbError> {
            tx.set_meta(META_CHAIN, &chain)?;
            tx.set_meta(META_ROOT, root.as_bytes())?;
            for record in &records {
                put_record(tx, record, None)?;
            }
            Ok(())
        })
        .map_err(write_error)
}

pub(crate) fn write_error(error: WriteError<DbError>) -> SetupError {
    match error {
        WriteError::Db(error) | WriteError::Refused(error) => SetupError::Store(error),
        other => SetupError::Write(other.to_string()),
    }
}

/// The earliest day on which a ticket can have been made, by its issuer's clock.
fn made_after(ticket: &Ticket) -> Timestamp {
    let longest = i64::from(TICKET_HOURS_MAX) * 3_600_000;
    Timestamp(ticket.expires.0.saturating_sub(longest))
}

/// An epoch that no store has had before.
#[must_use]
pub fn fresh_epoch() -> Epoch {
    Epoch(rand::rng().random())
}

/// Opens the node of a home. `post` takes the store's answers to the loop.
///
/// # Errors
/// When a part of the home is unusable.
pub fn open_core(home: &Home, post: Post) -> Result<Core, SetupError> {
    let signer = home.signer()?;
    let store = home.store()?;
    let config = identity_of(&store, signer)?;
    Ok(Core::new(config, store, post)?)
}

/// Who the node of a store is.
///
/// # Errors
/// When the store does not say, or its chain does not hold.
pub fn identity_of(store: &Store, signer: Signer) -> Result<CoreConfig, SetupError> {
    let (chain, next, root, before) = {
        let read = store.read()?;
        let (chain, next) = (read.meta(META_CHAIN)?, read.meta(META_CHAIN_NEXT)?);
        let before = read.meta(META_KEYS_BEFORE)?.unwrap_or_default();
        (chain, next, read.meta(META_ROOT)?, before)
    };
    let (Some(chain), Some(root)) = (chain, root) else {
        return Err(SetupError::NoIdentity);
    };
    let root = Digest::try_from(root.as_slice()).map_err(|_| SetupError::NoIdentity)?;
    let (mut identity, mut chain) = told(&chain, &root)?;
    if let Some(next) = next.filter(|_| identity.place.node != signer.node_id()) {
        (identity, chain) = told(&next, &root)?;
    }
    if identity.place.node != signer.node_id() {
        return Err(SetupError::OtherNode {
            theirs: identity.place.node,
            ours: signer.node_id(),
        });
    }
    Ok(CoreConfig {
        signer: Arc::new(signer),
        chain,
        root,
        me: identity.place,
        before: keys_of(&before),
        certificate_ends: identity.not_after,
        seed: rand::rng().random(),
        beginnings: Arc::default(),
    })
}

fn keys_of(bytes: &[u8]) -> Vec<NodeId> {
    let (keys, _rest) = bytes.as_chunks();
    keys.iter().copied().map(NodeId).collect()
}

/// Who a chain in the store says that this node is.
fn told(chain: &[u8], root: &Digest) -> Result<(Identity, Vec<Vec<u8>>), SetupError> {
    let chain = decode_chain(chain).map_err(|_| SetupError::NoIdentity)?;
    // Its own end is for others to judge: an expired node still works by itself.
    let identity = verify_chain(&chain, root, None).map_err(SetupError::Chain)?;
    Ok((identity, chain))
}
