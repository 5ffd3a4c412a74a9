//! A new key for a node that stays what it is: the same folder, reports and place, after its key may have been copied.
//!
//! ```text
//! ticket ─ key.next is drawn ─ the superior certifies it ─ its chain goes into the store ─ key.next becomes key
//! ```
//! The last step decides. A cut before it leaves the old key at work, and the same command with the same ticket goes on.

use std::path::Path;

use hopluu_model::{NodeId, Timestamp};
use hopluu_net::{JoinCallError, call_join, key};
use hopluu_store::{DbError, Store};
use hopluu_trust::{Signer, Ticket, encode_chain};

use crate::core::CoreConfig;
use crate::home::Home;
use crate::setup::{
    META_CHAIN, META_CHAIN_NEXT, META_KEYS_BEFORE, SetUp, SetupError, identity_of, write_error,
};
use crate::wrapped::Secret;

/// For which ticket the next key was drawn.
const META_KEY_NEXT: &str = "key-next";

/// What became of a node's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// A key that was drawn for an earlier ticket, and may have been certified: to be revoked as well.
    pub given_up: Option<NodeId>,
    /// The node as it is from now on.
    pub node: SetUp,
    /// The key that it had: to be revoked as replaced, once all that it has signed is above.
    pub before: NodeId,
}

/// Puts a new key in the place of a node's, certified by a ticket for the same place.
///
/// # Errors
/// When the home is in use or not whole, the ticket is garbled, expired, used or for another place, or the superior cannot
/// be reached. The old key stays at work.
pub async fn rekey(
    dir: &Path,
    ticket: &str,
    secret: Option<&Secret>,
    now: Timestamp,
) -> Result<Rekeyed, SetupError> {
    let ticket = Ticket::decode(ticket).map_err(SetupError::Ticket)?;
    if ticket.is_expired(now) {
        return Err(SetupError::Expired(ticket.expires));
    }
    let mut home = Home::open(dir)?;
    home.unlock(secret)?;
    let store = home.store()?;
    let config = identity_of(&store, home.signer()?)?;
    let own = &config.me;
    if (&ticket.unit, &ticket.office, ticket.root) != (&own.unit, &own.office, config.root) {
        return Err(SetupError::OtherPlace {
            unit: ticket.unit,
            office: ticket.office,
        });
    }
    let (signer, had_key, given_up) = begin(&home, &store, &ticket)?;
    let joined = match call_join(&ticket, &signer, &home.settings()?.tuning()).await {
        Ok(joined) => joined,
        Err(error) => {
            // Whoever was not heard again, now or before, may have certified the key.
            if !had_key && !matches!(error, JoinCallError::NoAnswer(_)) {
                home.forget_next_key()?;
            }
            return Err(SetupError::Join(error));
        }
    };
    keep(&store, &config, &joined.chain)?;
    home.take_next_key()?;
    Ok(Rekeyed {
        given_up,
        node: SetUp {
            place: joined.identity.place,
            root: ticket.root,
            certificate_ends: joined.identity.not_after,
        },
        before: config.me.node,
    })
}

/// The key for this ticket: the one that a cut has left, or one drawn now. A key is of one ticket: what lay in the folder
/// since an earlier one may have been copied with it.
fn begin(
    home: &Home,
    store: &Store,
    ticket: &Ticket,
) -> Result<(Signer, bool, Option<NodeId>), SetupError> {
    let text = ticket.encode().map_err(SetupError::Ticket)?;
    let name = *blake3::hash(text.as_bytes()).as_bytes();
    let of = store.read()?.meta(META_KEY_NEXT)?;
    // One that cannot be read is nobody's any more.
    let next = home.next_key().unwrap_or_default();
    let given_up = next.as_ref().map(Signer::node_id);
    if let Some(signer) = next.filter(|_| of.as_deref() == Some(&name[..])) {
        return Ok((signer, true, None));
    }
    if home.has_next_key() {
        home.forget_next_key()?;
    }
    store
        .write(move |tx| -> Result<(), DbError> { tx.set_meta(META_KEY_NEXT, &name) })
        .map_err(write_error)?;
    let signer = key::generate()?;
    home.write_next_key(Some(&signer))?;
    Ok((signer, false, given_up))
}

/// Puts the chain beside the one that is its key's until the new key is there, and keeps the old key's name.
fn keep(store: &Store, config: &CoreConfig, chain: &[Vec<u8>]) -> Result<(), SetupError> {
    let encode = |chain: &[Vec<u8>]| {
        let chain = encode_chain(chain);
        chain.map_err(|error| SetupError::Write(error.to_string()))
    };
    let (now, next) = (encode(&config.chain)?, encode(chain)?);
    let mut before = config.before.clone();
    if !before.contains(&config.me.node) {
        before.push(config.me.node);
    }
    let before: Vec<u8> = before.iter().flat_map(|node| node.0).collect();
    store
        .write(move |tx| -> Result<(), DbError> {
            tx.set_meta(META_CHAIN, &now)?;
            tx.set_meta(META_CHAIN_NEXT, &next)?;
            tx.set_meta(META_KEYS_BEFORE, &before)
        })
        .map_err(write_error)?;
    Ok(store.close()?)
}
