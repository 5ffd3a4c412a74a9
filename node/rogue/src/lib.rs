//! A node that says what the program never would: with the keys of a home that somebody has got hold of, with a good
//! ticket, or with nothing. The hostile demo and the tests speak through it; nothing else does.
//!
//! ```text
//! home, ticket -> Rogue -- call, answer --> Talk -- offer --> what the other node says to it
//! Forger -> Change -- sealed by whom one likes --'
//! nobody -- a handshake with any chain --> what is heard
//! ```
//! Start at [`Rogue`].

pub mod frames;
pub mod nobody;

mod error;
mod forger;
mod people;
mod talk;

use std::net::SocketAddr;
use std::path::Path;

pub use error::RogueError;
pub use forger::{Change, Forger, travelling};
pub use hopluu_engine::now;
use hopluu_engine::{Home, identity_of};
use hopluu_model::{Digest, OfficeId, Timestamp, UnitId};
use hopluu_net::key::{self, Subject};
use hopluu_net::{DialOptions, Endpoint, Incoming, NetConfig, Tuning, call_join};
pub use hopluu_sync::RefusalCode;
use hopluu_trust::{Signer, Ticket};
pub use people::age_session;
pub use talk::{Ended, Packet, Talk};
use tokio::time::timeout;

use crate::talk::WAIT_MAX;

/// A node that was let in, and then does what it likes.
#[derive(Debug)]
pub struct Rogue {
    endpoint: Endpoint,
    /// Its key.
    pub signer: Signer,
    /// Its chain, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The root that it leads to.
    pub root: Digest,
}

impl Rogue {
    /// Somebody with this key and chain.
    ///
    /// # Errors
    /// When nobody would take the chain, or there is no socket.
    pub fn new(signer: Signer, chain: Vec<Vec<u8>>, root: Digest) -> Result<Self, RogueError> {
        let config = NetConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            signer: signer.clone(),
            chain: chain.clone(),
            root,
            tuning: Tuning::default(),
        };
        Ok(Self {
            endpoint: Endpoint::bind(config)?,
            signer,
            chain,
            root,
        })
    }

    /// Somebody who has read a folder in which no node runs, and that is not encrypted.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn of_home(dir: &Path) -> Result<Self, RogueError> {
        let home = Home::open(dir)?;
        let identity = identity_of(&home.store()?, home.signer()?)?;
        let signer = Signer::clone(&identity.signer);
        Self::new(signer, identity.chain, identity.root)
    }

    /// Somebody who joins with a good ticket.
    ///
    /// # Errors
    /// When it is not let in.
    pub async fn join(ticket: &str) -> Result<Self, RogueError> {
        let ticket = Ticket::decode(ticket)?;
        let signer = key::generate()?;
        let joined = call_join(&ticket, &signer, &Tuning::default()).await?;
        Self::new(signer, joined.chain, ticket.root)
    }

    /// Certifies a fresh key for any unit, as a main node can that asks no tree.
    ///
    /// # Errors
    /// When it may certify nobody.
    pub fn certifies(
        &self,
        unit: &UnitId,
        office: Option<OfficeId>,
        not_after: Timestamp,
    ) -> Result<(Signer, Vec<Vec<u8>>), RogueError> {
        let signer = key::generate()?;
        let chain = issue(
            &self.signer,
            &self.chain,
            &signer,
            (unit, office, not_after),
        )?;
        Ok((signer, chain))
    }

    /// Where it can be called.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn address(&self) -> Result<SocketAddr, RogueError> {
        Ok(self.endpoint.local_addr()?)
    }

    /// A link to a node, on which it has said something.
    ///
    /// # Errors
    /// When the node takes no call.
    pub async fn say(&self, to: SocketAddr, bytes: Vec<u8>) -> Result<Talk, RogueError> {
        let link = self.endpoint.dial(to, &DialOptions::default()).await?;
        let talk = Talk::over(link);
        talk.say(bytes).await;
        Ok(talk)
    }

    /// The next link of a node that calls here.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn answer(&self, bytes: Vec<u8>) -> Result<Talk, RogueError> {
        loop {
            let called = timeout(WAIT_MAX, self.endpoint.accept()).await;
            match called.map_err(|_| RogueError::Silent)? {
                Some(Incoming::Link(link)) => {
                    let talk = Talk::over(link);
                    talk.say(bytes).await;
                    return Ok(talk);
                }
                Some(_) => {}
                None => return Err(RogueError::Silent),
            }
        }
    }
}

/// A root of one's own.
///
/// # Errors
/// When the system has no randomness.
pub fn own_root(unit: &UnitId) -> Result<(Signer, Vec<Vec<u8>>), RogueError> {
    let signer = key::generate()?;
    let root = key::write_root(&signer, unit, LATE)?;
    Ok((signer, vec![root]))
}

/// Somebody's certificate by a key that takes itself for a root: what it signs is signed well, whatever stands above
/// it in truth.
///
/// # Errors
/// When the certificate cannot be written.
pub fn certificate_by(
    issuer: &Signer,
    of: &UnitId,
    subject: &Signer,
    unit: &UnitId,
) -> Result<Vec<u8>, RogueError> {
    let root = key::write_root(issuer, of, LATE)?;
    let chain = issue(issuer, &[root], subject, (unit, None, LATE))?;
    let certificate = chain.into_iter().next();
    certificate.ok_or(RogueError::Foreign("a chain has a certificate"))
}

/// Later than anybody looks.
pub const LATE: Timestamp = Timestamp(2_000_000_000_000);

fn issue(
    by: &Signer,
    above: &[Vec<u8>],
    subject: &Signer,
    (unit, office, not_after): (&UnitId, Option<OfficeId>, Timestamp),
) -> Result<Vec<Vec<u8>>, RogueError> {
    let subject = Subject {
        node: subject.node_id(),
        unit: unit.clone(),
        office,
        not_after,
    };
    Ok(key::issue(by, above, &subject)?)
}
