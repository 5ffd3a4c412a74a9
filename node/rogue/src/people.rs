//! What time does to a session, without waiting for it.

use std::path::Path;

use hopluu_engine::Home;
use hopluu_model::Timestamp;
use hopluu_store::DbError;
use hopluu_trust::fingerprint;

use crate::RogueError;

/// Moves an open session of a stopped node back in time, as if so long had passed since.
///
/// # Errors
/// When the folder cannot be opened, or there is no such session.
pub fn age_session(dir: &Path, token: &str, by_ms: i64) -> Result<(), RogueError> {
    let store = Home::open(dir)?.store()?;
    // A database has the token's BLAKE3, as a root's name is that of its certificate.
    let digest = fingerprint(token.as_bytes());
    let session = store.read()?.session(digest)?;
    let mut session = session.ok_or(RogueError::Foreign("there is no such session"))?;
    session.since = Timestamp(session.since.0.saturating_sub(by_ms));
    session.until = Timestamp(session.until.0.saturating_sub(by_ms));
    store.write(move |tx| -> Result<(), DbError> {
        tx.end_session(digest)?;
        tx.put_session(&session, u32::MAX)
    })?;
    Ok(())
}
