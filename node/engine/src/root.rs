//! A root's key on paper: split into shares, so many of which make the root again, and fewer tell nothing.

use std::collections::BTreeMap;
use std::path::Path;

use blahaj::{Share, Sharks};
use hopluu_model::{Fault, NodeId, Timestamp};
use hopluu_net::key;
use hopluu_trust::limits::SHARES_MAX;
use hopluu_trust::{RootShare, ShareError, Signer, fingerprint};
use rand::RngExt as _;
use zeroize::Zeroizing;

use crate::home::Home;
use crate::setup::{Beginning, RootSetup, SetUp, SetupError, identity_of, make_root};
use crate::wrapped::Secret;

/// Why a root's key was not split, or not made again.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The folder, or what is in it.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Another node than a root: whoever stands above it lets its next machine in.
    #[error("this node is no root: its superior lets another machine of its in by a ticket")]
    NotRoot,
    /// Numbers that make no shares.
    #[error(
        "a key is split into at most {SHARES_MAX} shares, of which at least 2 and at most all are needed, not {needed} of {of}"
    )]
    Counts {
        /// How many were to be needed.
        needed: u8,
        /// How many were to be made.
        of: u8,
    },
    /// What was given as a share is none, or damaged.
    #[error("what was given in place {place} cannot be read")]
    Share {
        /// Its place among those given, from 1.
        place: usize,
        /// Why.
        #[source]
        source: ShareError,
    },
    /// A share of another key.
    #[error("share {number} is of another root, {}", theirs.short())]
    OtherRoot {
        /// Its number.
        number: u8,
        /// Whose it is.
        theirs: NodeId,
    },
    /// A share of the same key, split another time.
    #[error("share {number} is of another backup of this root than the first one given")]
    OtherBackup {
        /// Its number.
        number: u8,
    },
    /// Not enough of them.
    #[error("{needed} different shares are needed, {have} are here")]
    TooFew {
        /// How many are here.
        have: usize,
        /// How many it takes.
        needed: u8,
    },
    /// What they make is not the key that they say they make.
    #[error("the shares do not make the key that they are said to be of")]
    OtherKey,
}

impl RootError {
    /// Who has to act.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Setup(error) => error.fault(),
            _ => Fault::Config,
        }
    }
}

/// One share, to be printed and given to somebody.
#[derive(Debug)]
pub struct SharePage {
    /// What it says.
    pub share: RootShare,
    /// The same as text.
    pub text: Zeroizing<String>,
}

/// Splits a root's key. Nothing is kept of it: the same key split again makes shares that do not fit these.
///
/// # Errors
/// When the folder holds no root, or the numbers make no shares.
///
/// # Panics
/// Never: a share is as long as what was split.
pub fn root_backup(
    dir: &Path,
    secret: Option<&Secret>,
    needed: u8,
    of: u8,
) -> Result<Vec<SharePage>, RootError> {
    if needed < 2 || needed > of || of > SHARES_MAX {
        return Err(RootError::Counts { needed, of });
    }
    let mut home = Home::open(dir).map_err(SetupError::Home)?;
    home.unlock(secret).map_err(SetupError::Home)?;
    let signer = home.signer().map_err(SetupError::Home)?;
    let store = home.store()?;
    let config = identity_of(&store, signer.clone())?;
    store.close().map_err(SetupError::Store)?;
    let [certificate] = config.chain.as_slice() else {
        return Err(RootError::NotRoot);
    };
    // A certificate says seconds, and was made of milliseconds.
    let mut exact = (0..1000).map(|ms| config.certificate_ends.plus_ms(ms));
    let is_it = |ends: &Timestamp| {
        let written = key::write_root(&signer, &config.me.unit, *ends);
        written.is_ok_and(|der| der == *certificate)
    };
    let ends = exact.find(is_it).ok_or(SetupError::NoIdentity)?;
    let mut rng = rand::rng();
    let set: [u8; 8] = rng.random();
    let dealt = Sharks(needed).dealer_rng(signer.seed().as_slice(), &mut rng);
    let pages = dealt.take(usize::from(of)).zip(1..).map(|(share, number)| {
        let bytes = Zeroizing::new(Vec::from(&share));
        let mut part = Zeroizing::new([0; 32]);
        // The number stands in front.
        part.copy_from_slice(bytes.get(1..).expect("it is as long as what was split"));
        let share = RootShare {
            number,
            needed,
            of,
            set,
            unit: config.me.unit.clone(),
            ends,
            root: config.root,
            node: config.me.node,
            part,
        };
        let text = share.encode(&signer);
        SharePage { share, text }
    });
    Ok(pages.collect())
}

/// Makes a root again from shares of its key: the same key, the same certificate, and a new store with the tree and the
/// forms of `setup`, whose unit the shares say. What the old one held comes back from those below it.
///
/// # Errors
/// Names the share that is damaged or does not belong to the others; also when there are too few, or the folder holds
/// something.
pub fn root_restore(
    dir: &Path,
    shares: &[String],
    setup: RootSetup,
    now: Timestamp,
) -> Result<SetUp, RootError> {
    let (first, signer) = join(shares)?;
    let certificate = key::write_root(&signer, &first.unit, first.ends);
    let certificate = certificate.map_err(SetupError::Issue)?;
    if fingerprint(&certificate) != first.root {
        return Err(RootError::OtherKey);
    }
    let setup = RootSetup {
        unit: first.unit.to_string(),
        ..setup
    };
    let beginning = Beginning::Again {
        signer: Box::new(signer),
        ends: first.ends,
    };
    Ok(make_root(dir, &setup, beginning, now)?)
}

/// The key that shares make, and one of them.
fn join(texts: &[String]) -> Result<(RootShare, Signer), RootError> {
    let mut shares: BTreeMap<u8, RootShare> = BTreeMap::new();
    let mut first: Option<RootShare> = None;
    for (place, text) in (1..).zip(texts) {
        let share = RootShare::decode(text).map_err(|source| RootError::Share { place, source })?;
        let number = share.number;
        let first = first.get_or_insert_with(|| share.clone());
        if share.node != first.node {
            let theirs = share.node;
            return Err(RootError::OtherRoot { number, theirs });
        }
        if share.set != first.set {
            return Err(RootError::OtherBackup { number });
        }
        shares.insert(number, share);
    }
    let have = shares.len();
    let Some(first) = first.filter(|first| have >= usize::from(first.needed)) else {
        let needed = shares.values().next().map_or(2, |share| share.needed);
        return Err(RootError::TooFew { have, needed });
    };
    let points = shares.values().map(|share| {
        let bytes = Zeroizing::new([&[share.number][..], share.part.as_slice()].concat());
        Share::try_from(bytes.as_slice())
    });
    let points = points.collect::<Result<Vec<_>, _>>();
    let (points, sharks) = (
        points.map_err(|_| RootError::OtherKey)?,
        Sharks(first.needed),
    );
    let seed = sharks.recover(&points).map_err(|_| RootError::OtherKey)?;
    let seed = Zeroizing::new(seed);
    let seed = <&[u8; 32]>::try_from(seed.as_slice()).map_err(|_| RootError::OtherKey)?;
    let signer = Signer::from_seed(seed);
    if signer.node_id() != first.node {
        return Err(RootError::OtherKey);
    }
    Ok((first, signer))
}

#[cfg(test)]
mod tests;
