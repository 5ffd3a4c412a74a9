//! A new key for a node that stays what it is: the same folder, reports and place, after its key may have been copied.
//!
//! ```text
//! ticket ─ key.next is drawn ─ the superior certifies it ─ its chain goes into the store ─ key.next becomes key
//! ```
//! The last step decides. A cut before it leaves the old key at work, and the same command with the same ticket goes on.

use std::path::Path;

use hopluu_model::{NodeId, Timestamp};
use hopluu_net::{JoinCallError, call_join};
use hopluu_store::{DbError, Store};
use hopluu_trust::{Ticket, encode_chain};

use crate::home::Home;
use crate::setup::{META_CHAIN_NEXT, SetUp, SetupError, identity_of, write_error};
use crate::wrapped::Secret;

/// What became of a node's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
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
    let had_key = home.has_next_key();
    let signer = home.begin_next_key()?;
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
    keep(&store, &joined.chain)?;
    home.take_next_key()?;
    Ok(Rekeyed {
        node: SetUp {
            place: joined.identity.place,
            root: ticket.root,
            certificate_ends: joined.identity.not_after,
        },
        before: config.me.node,
    })
}

/// Puts the chain beside the one that counts until the key is there.
fn keep(store: &Store, chain: &[Vec<u8>]) -> Result<(), SetupError> {
    let chain = encode_chain(chain).map_err(|error| SetupError::Write(error.to_string()))?;
    store
        .write(move |tx| -> Result<(), DbError> { tx.set_meta(META_CHAIN_NEXT, &chain) })
        .map_err(write_error)?;
    Ok(store.close()?)
}
