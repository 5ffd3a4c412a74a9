//! Logging in: a guess at a passphrase is counted before it is tried, so that neither a crash nor a
//! thousand guesses at once are free.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use hopluu_model::Timestamp;
use hopluu_store::{AccountRow, DbError, Failures, SessionRow, WriteTx};
use hopluu_trust::{AccountName, Permission, Role, SALT_BYTES, Sealed, Signer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::{Acting, Asker, PeopleError, digest_of};
use crate::core::Core;
use crate::error::CommandError;
use crate::handle::Handle;
use crate::limits::{
    GUESS_WAIT_MAX_MS, GUESS_WAIT_MS, GUESSES_AT_ONCE, GUESSES_FREE, SESSION_MS,
    SESSIONS_PER_ACCOUNT_MAX,
};
use crate::turn::{Reply, Turn};
use crate::view::{LoginRequest, LoginView, Passphrase, SessionView};

/// Whose turn it is to try a passphrase: each takes 64 MiB for as long as it lasts.
#[derive(Debug, Clone)]
pub struct Guesses(Arc<Semaphore>);

impl Default for Guesses {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(GUESSES_AT_ONCE)))
    }
}

impl Guesses {
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, CommandError> {
        let turn = Arc::clone(&self.0).acquire_owned().await;
        turn.map_err(|_| CommandError::Stopping)
    }
}

/// What becomes of a guess before it is tried.
pub(super) enum Counted {
    /// Too many went before.
    Wait { seconds: u64 },
    /// It is tried: at nobody's key where the name is nobody's, which takes as long.
    At(Option<Box<AccountRow>>),
}

impl Handle {
    /// The same node, asked by whoever has this session.
    ///
    /// # Errors
    /// [`PeopleError`] when people have accounts here and this is no open session.
    pub async fn of_session(&self, token: Option<String>) -> Result<Self, CommandError> {
        let asker = Asker::of(token.as_deref());
        let acting = self.read(move |core, now| core.who_asks(asker, now));
        Ok(self.asked_by(asker, acting.await?))
    }

    /// For an answer that goes on: sessions end meanwhile, accounts are closed and change.
    ///
    /// # Errors
    /// [`PeopleError`] when whoever asked may no longer read.
    pub async fn may_still_read(&self) -> Result<(), CommandError> {
        self.read(|core, _| core.must(Permission::Read)).await
    }

    /// # Errors
    /// [`PeopleError::NotYourRole`] when whoever asks has no role that gives it.
    pub fn must(&self, needs: Permission) -> Result<(), CommandError> {
        match self.acting() {
            None => Ok(()),
            Some(acting) => Ok(acting.must(needs)?),
        }
    }

    /// What this session is good for.
    #[must_use]
    pub fn session(&self) -> SessionView {
        self.acting().map_or_else(
            || SessionView {
                account: None,
                roles: Role::ALL.into_iter().collect(),
                office: None,
                until: None,
            },
            Acting::view,
        )
    }

    /// Opens a session.
    ///
    /// # Errors
    /// [`PeopleError`] when name and passphrase do not fit together, or too many guesses went before.
    pub async fn login(&self, request: LoginRequest) -> Result<LoginView, CommandError> {
        let (row, _) = self.prove(request.account, request.passphrase).await?;
        self.write(move |core, turn, reply| core.begin_session(turn, row, reply))
            .await
    }

    /// Ends a session; one that has ended stays so.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn logout(&self, token: String) -> Result<(), CommandError> {
        self.write(move |core, _, reply| core.end_session(&token, reply))
            .await
    }

    /// Opens somebody's key with their passphrase.
    pub(super) async fn prove(
        &self,
        account: String,
        passphrase: Passphrase,
    ) -> Result<(AccountRow, Signer), CommandError> {
        let _in_turn = self.guesses().turn().await?;
        let counted = self.write(move |core, turn, reply| core.count_guess(turn, account, reply));
        let row = match counted.await? {
            Counted::Wait { seconds } => Err(PeopleError::LoginWait { seconds })?,
            Counted::At(row) => row,
        };
        let opened = self.aside(move || Ok(opened(row, &passphrase))).await?;
        Ok(opened.ok_or(PeopleError::LoginRefused)?)
    }
}

impl Core {
    fn count_guess(&mut self, turn: &mut Turn, account: String, reply: Reply<Counted>) {
        let now = turn.now;
        self.submit(
            move |tx| count_guess(tx, &account, now),
            move |core, turn, counted| {
                reply(counted.map_err(|error| core.write_failed(turn, error)));
            },
        );
    }

    /// Opens a session for an account that is still as it was proved.
    pub(super) fn begin_session(
        &mut self,
        turn: &mut Turn,
        proved: AccountRow,
        reply: Reply<LoginView>,
    ) {
        let until = Timestamp(turn.now.0.saturating_add(SESSION_MS));
        let name = name_of(&proved).ok_or(PeopleError::LoginRefused);
        if let Err(error) = name.and_then(|name| self.is_not_revoked(&name)) {
            return reply(Err(error.into()));
        }
        let token = BASE64URL_NOPAD.encode(&*Zeroizing::new(self.seed()));
        let session = SessionRow {
            digest: digest_of(&token),
            account: proved.name.clone(),
            since: turn.now,
            until,
        };
        self.submit(
            move |tx| -> Result<Option<AccountRow>, DbError> {
                let Some(mut row) = still(tx, &proved)? else {
                    return Ok(None);
                };
                row.failures.count = 0;
                tx.put_account(&row)?;
                tx.put_session(&session, SESSIONS_PER_ACCOUNT_MAX)?;
                Ok(Some(row))
            },
            move |core, turn, begun| {
                let begun = begun.map_err(|error| core.write_failed(turn, error));
                reply(begun.and_then(|row| {
                    let acting = row.and_then(|row| Acting::of(&row, until));
                    let session = acting.ok_or(PeopleError::LoginRefused)?.view();
                    Ok(LoginView { token, session })
                }));
            },
        );
    }

    fn end_session(&mut self, token: &str, reply: Reply<()>) {
        let digest = digest_of(token);
        self.submit(
            move |tx| tx.end_session(digest),
            move |core, turn, done| reply(done.map_err(|error| core.write_failed(turn, error))),
        );
    }
}

pub(super) fn count_guess(
    tx: &mut WriteTx<'_>,
    account: &str,
    now: Timestamp,
) -> Result<Counted, DbError> {
    let row = tx.account(account)?.filter(|row| !row.is_closed);
    let Some(mut row) = row else {
        return Ok(Counted::At(None));
    };
    // A clock that was put back would have somebody wait for ever.
    let last_at = row.failures.last_at.min(now);
    let waited = now.0.saturating_sub(last_at.0);
    let wait = wait_after(row.failures.count).saturating_sub(waited);
    if wait > 0 {
        if last_at != row.failures.last_at {
            row.failures.last_at = last_at;
            tx.put_account(&row)?;
        }
        let seconds = u64::try_from(wait).unwrap_or(0).div_ceil(1_000);
        return Ok(Counted::Wait { seconds });
    }
    row.failures = Failures {
        count: row.failures.count.saturating_add(1),
        last_at: now,
    };
    tx.put_account(&row)?;
    Ok(Counted::At(Some(Box::new(row))))
}

/// The account as it is now, if what was proved of it still holds: that takes a while, and its passphrase may have
/// been replaced or the account closed meanwhile.
pub(super) fn still(tx: &WriteTx<'_>, proved: &AccountRow) -> Result<Option<AccountRow>, DbError> {
    let row = tx.account(&proved.name)?;
    Ok(row.filter(|row| !row.is_closed && row.sealed == proved.sealed))
}

/// Milliseconds from the last of so many wrong passphrases to the next that is tried.
pub(super) fn wait_after(failures: u32) -> i64 {
    let Some(doublings) = failures.checked_sub(GUESSES_FREE) else {
        return 0;
    };
    let factor = 1_i64.checked_shl(doublings).filter(|factor| *factor > 0);
    let wait = factor.and_then(|factor| GUESS_WAIT_MS.checked_mul(factor));
    wait.unwrap_or(GUESS_WAIT_MAX_MS).min(GUESS_WAIT_MAX_MS)
}

fn opened(row: Option<Box<AccountRow>>, passphrase: &Passphrase) -> Option<(AccountRow, Signer)> {
    let passphrase = normal(passphrase);
    let Some(row) = row else {
        // As long as with a key, so that nobody learns who has an account.
        let _nobody_s = Sealed::close(&[0; 32], &passphrase, [0; SALT_BYTES]);
        return None;
    };
    let secret = Sealed::from_bytes(row.sealed.clone());
    let secret = secret.and_then(|sealed| sealed.open(&passphrase)).ok()?;
    let seed = <&[u8; 32]>::try_from(secret.as_slice()).ok()?;
    let signer = Signer::from_seed(seed);
    (signer.node_id().0 == row.public).then_some((*row, signer))
}

/// A passphrase as it is tried: two keyboards write one Vietnamese letter in two ways.
pub(super) fn normal(passphrase: &Passphrase) -> Zeroizing<String> {
    Zeroizing::new(passphrase.typed().nfc().collect())
}

/// The account of a row, which only this node has written.
pub(super) fn name_of(row: &AccountRow) -> Option<AccountName> {
    row.name.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let seconds: Vec<i64> = (0..=14).map(|count| wait_after(count) / 1_000).collect();
        let waits = [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600];
        assert_eq!(seconds, [&[0; 5][..], &waits].concat());
        assert_eq!(wait_after(u32::MAX), GUESS_WAIT_MAX_MS);
        // A thousand guesses take a month and more.
        let days = (0..1_000).map(wait_after).sum::<i64>() / 86_400_000;
        assert_eq!(days, 41);
    }

    #[test]
    fn two_spellings_of_one_letter_are_one_passphrase() {
        let one = Passphrase::new("n\u{1b0}\u{1edb}c".to_owned());
        let other = Passphrase::new("nu\u{31b}o\u{31b}\u{301}c".to_owned());
        assert_ne!(one, other);
        assert_eq!(normal(&one), normal(&other));
        assert_eq!(format!("{one:?}"), "Passphrase(..)");
    }
}
