//! Accounts: made, changed, closed, listed.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use hopluu_model::{NodeId, OfficeId, Timestamp};
use hopluu_store::{AccountRow, DbError, Failures, WriteTx};
use hopluu_trust::{AccountName, Permission, Role, Roles, SALT_BYTES, Sealed, Signer};
use rand::RngExt;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

use super::login::{name_of, normal, still, wait_after};
use super::{PeopleError, Weakness};
use crate::clock;
use crate::core::Core;
use crate::error::CommandError;
use crate::handle::Handle;
use crate::limits::{ACCOUNTS_MAX, PASSPHRASE_CHARS_MAX, PASSPHRASE_CHARS_MIN};
use crate::resolve::unit_name;
use crate::turn::{Reply, Turn};
use crate::view::{AccountChange, AccountRequest, AccountView, Passphrase, PassphraseRequest};

/// Chance for a new key, drawn in the loop.
struct Drawn {
    seed: Zeroizing<[u8; 32]>,
    salt: [u8; SALT_BYTES],
}

/// The administrator that a node begins with. Made before anything else is: a node that nobody can log into would be
/// none, and one that everybody can is not what was asked for.
#[derive(Debug, Clone)]
pub struct FirstAdmin(AccountRow);

impl FirstAdmin {
    /// # Errors
    /// [`PeopleError`] when the name is none, or the passphrase weak.
    pub fn new(account: &str, passphrase: &Passphrase) -> Result<Self, PeopleError> {
        let name: AccountName = account.parse().map_err(PeopleError::BadName)?;
        is_strong(passphrase, name.as_str(), &["hopluu".to_owned()])?;
        let mut rng = rand::rng();
        let drawn = Drawn {
            seed: Zeroizing::new(rng.random()),
            salt: rng.random(),
        };
        let mut row = AccountRow {
            roles: Roles::from_iter([Role::Administrator]).bits(),
            ..empty(name)
        };
        seal(
            &mut row,
            &Signer::from_seed(&drawn.seed),
            &drawn,
            passphrase,
        );
        Ok(Self(row))
    }

    pub(crate) fn begin(&self, tx: &mut WriteTx<'_>) -> Result<(), DbError> {
        tx.put_account(&self.0)
    }
}

/// An account without roles, and without a key yet.
fn empty(name: AccountName) -> AccountRow {
    AccountRow {
        name: name.into(),
        sealed: Vec::new(),
        public: [0; 32],
        roles: 0,
        office: None,
        is_closed: false,
        failures: Failures {
            count: 0,
            last_at: Timestamp(0),
        },
    }
}

impl Handle {
    /// Everybody who works here.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn account_list(&self) -> Result<Vec<AccountView>, CommandError> {
        self.read(|core, now| core.account_list(now)).await
    }

    /// Gives somebody an account.
    ///
    /// # Errors
    /// [`PeopleError`] when the name is taken or none, the passphrase weak, or nobody would look after accounts.
    pub async fn account_add(&self, request: AccountRequest) -> Result<AccountView, CommandError> {
        let AccountRequest {
            account,
            passphrase,
            roles,
            office,
        } = request;
        let planned = self.read(move |core, now| {
            let planned = core.plan_account(&account, roles, office.as_deref())?;
            Ok((planned, core.draw(), core.known_words(now)))
        });
        let (mut row, drawn, known) = planned.await?;
        let sealed = self.aside(move || {
            is_strong(&passphrase, &row.name, &known)?;
            let key = Signer::from_seed(&drawn.seed);
            seal(&mut row, &key, &drawn, &passphrase);
            Ok(row)
        });
        let row = sealed.await?;
        self.write(move |core, turn, reply| core.put_account(turn, row, reply))
            .await
    }

    /// Changes what somebody may do, or closes the account. What they have written stays theirs.
    ///
    /// # Errors
    /// [`PeopleError`] when nobody has the name, or nobody would look after accounts.
    pub async fn account_change(&self, change: AccountChange) -> Result<AccountView, CommandError> {
        self.write(move |core, turn, reply| core.change_account(turn, change, reply))
            .await
    }

    /// Puts a passphrase in the place of another, and ends the sessions of that account.
    ///
    /// # Errors
    /// [`PeopleError`] when the old one is wrong, the new one weak, or it is another's and not for the asker to reset.
    pub async fn passphrase(
        &self,
        request: PassphraseRequest,
    ) -> Result<AccountView, CommandError> {
        let PassphraseRequest { account, old, new } = request;
        let own = self.acting().map(|acting| acting.account.to_string());
        let name = account.or_else(|| own.clone());
        let name = name.ok_or(PeopleError::LoginNeeded)?;
        let proven = match old {
            Some(old) => Some(self.prove(name.clone(), old).await?),
            None if own.as_ref() == Some(&name) => Err(PeopleError::LoginRefused)?,
            None => None,
        };
        if proven.is_none() {
            self.must(Permission::Administer)?;
        }
        let found = self
            .read(move |core, now| Ok((core.account(&name)?, core.draw(), core.known_words(now))));
        let (mut row, drawn, known) = found.await?;
        let made = self.aside(move || {
            is_strong(&new, &row.name, &known)?;
            let (proved, key) = proven.unzip();
            let key = key.unwrap_or_else(|| Signer::from_seed(&drawn.seed));
            seal(&mut row, &key, &drawn, &new);
            Ok((row, proved))
        });
        let (row, proved) = made.await?;
        self.write(move |core, turn, reply| core.renew_key(turn, row, proved, reply))
            .await
    }
}

impl Core {
    fn account_list(&self, now: Timestamp) -> Result<Vec<AccountView>, CommandError> {
        let rows = self.read()?.accounts().map_err(CommandError::Store)?;
        Ok(rows.iter().filter_map(|row| self.view(row, now)).collect())
    }

    fn account(&self, name: &str) -> Result<AccountRow, CommandError> {
        let row = self.read()?.account(name).map_err(CommandError::Store)?;
        Ok(row.ok_or_else(|| PeopleError::Unknown(name.to_owned()))?)
    }

    fn draw(&mut self) -> Drawn {
        Drawn {
            seed: Zeroizing::new(self.seed()),
            salt: self.secret(),
        }
    }

    /// What somebody who knows this place would try.
    fn known_words(&self, now: Timestamp) -> Vec<String> {
        let unit = &self.me().unit;
        let name = unit_name(&self.tree(), unit, clock::day(now));
        let unit = unit.to_string();
        let code = unit.split('@').map(str::to_owned);
        code.chain(["hopluu".to_owned(), name]).collect()
    }

    fn plan_account(
        &self,
        name: &str,
        roles: Roles,
        office: Option<&str>,
    ) -> Result<AccountRow, CommandError> {
        let name: AccountName = name.parse().map_err(PeopleError::BadName)?;
        let known = self.read()?.accounts().map_err(CommandError::Store)?;
        if known.iter().any(|row| row.name == name.as_str()) {
            Err(PeopleError::Exists(name.clone()))?;
        }
        if roles.is_empty() {
            Err(PeopleError::NoRole)?;
        }
        if known.len() >= ACCOUNTS_MAX {
            return Err(CommandError::TooMuch {
                what: "accounts at one node",
                most: ACCOUNTS_MAX,
            });
        }
        if known.is_empty() && !roles.holds(Role::Administrator) {
            Err(PeopleError::NoAdministrator)?;
        }
        Ok(AccountRow {
            roles: roles.bits(),
            office: self.office_of_account(office)?,
            ..empty(name)
        })
    }

    /// An office that some form here knows; at an office's node that one alone.
    fn office_of_account(&self, named: Option<&str>) -> Result<Option<String>, CommandError> {
        let Some(text) = named.filter(|text| !text.is_empty()) else {
            return Ok(None);
        };
        let known: BTreeSet<OfficeId> = match &self.me().office {
            Some(own) => [own.clone()].into(),
            None => {
                let forms = self.registry().forms(&self.me().unit).into_iter();
                forms
                    .flat_map(|known| known.form.offices().keys().cloned())
                    .collect()
            }
        };
        if known.iter().any(|office| office.as_str() == text) {
            return Ok(Some(text.to_owned()));
        }
        Err(CommandError::UnknownOffice {
            office: text.to_owned(),
            known: known.iter().map(ToString::to_string).collect(),
        })
    }

    fn put_account(&mut self, turn: &mut Turn, row: AccountRow, reply: Reply<AccountView>) {
        let now = turn.now;
        self.submit(
            move |tx| {
                // Of two that came at once the first has it.
                if tx.account(&row.name)?.is_some() {
                    return Ok(None);
                }
                tx.put_account(&row)?;
                Ok(Some(row))
            },
            move |core, turn, put| {
                reply(match put {
                    Ok(Some(row)) => core.shown(&row, now),
                    Ok(None) => Err(CommandError::Overloaded),
                    Err(error) => Err(core.write_failed::<DbError>(turn, error)),
                });
            },
        );
    }

    /// Puts a key in the place of an account's, and has its people log in again. Whoever has opened the old one
    /// replaces that one and no other.
    pub(super) fn renew_key(
        &mut self,
        turn: &mut Turn,
        renewed: AccountRow,
        proved: Option<AccountRow>,
        reply: Reply<AccountView>,
    ) {
        let now = turn.now;
        self.submit(
            move |tx| {
                let row = match &proved {
                    Some(proved) => still(tx, proved)?,
                    None => tx.account(&renewed.name)?,
                };
                let Some(mut row) = row else {
                    return Ok(None);
                };
                row.sealed = renewed.sealed;
                row.public = renewed.public;
                row.failures.count = 0;
                tx.put_account(&row)?;
                tx.end_sessions(Some(&row.name))?;
                Ok::<_, DbError>(Some(row))
            },
            move |core, turn, put| {
                reply(match put {
                    Ok(Some(row)) => core.shown(&row, now),
                    Ok(None) => Err(PeopleError::LoginRefused.into()),
                    Err(error) => Err(core.write_failed(turn, error)),
                });
            },
        );
    }

    fn change_account(
        &mut self,
        turn: &mut Turn,
        change: AccountChange,
        reply: Reply<AccountView>,
    ) {
        let now = turn.now;
        let asked = self.office_to_be(&change);
        let (office, revoked) =
            match asked.and_then(|office| Ok((office, self.revoked_accounts()?))) {
                Ok(asked) => asked,
                Err(error) => return reply(Err(error)),
            };
        self.submit(
            move |tx| put_changed(tx, &change, office, &revoked),
            move |core, turn, put| {
                reply(match put {
                    Ok(Ok(row)) => core.shown(&row, now),
                    Ok(Err(refused)) => Err(refused.into()),
                    Err(error) => Err(core.write_failed(turn, error)),
                });
            },
        );
    }

    fn shown(&self, row: &AccountRow, now: Timestamp) -> Result<AccountView, CommandError> {
        let view = self.view(row, now);
        view.ok_or_else(|| PeopleError::Unknown(row.name.clone()).into())
    }

    fn view(&self, row: &AccountRow, now: Timestamp) -> Option<AccountView> {
        let waited = now.0.saturating_sub(row.failures.last_at.0).max(0);
        let wait = wait_after(row.failures.count).saturating_sub(waited);
        Some(AccountView {
            account: name_of(row)?,
            roles: Roles::from_bits(row.roles),
            office: row.office.clone(),
            key: HEXLOWER.encode(&NodeId(row.public).0),
            closed: row.is_closed,
            revoked: self.registry().revoked_account(&self.keys(), &row.name),
            failures: row.failures.count,
            waits_s: u64::try_from(wait).unwrap_or(0).div_ceil(1_000),
        })
    }

    /// The accounts of this node that somebody above has revoked: nobody looks after others with one.
    fn revoked_accounts(&self) -> Result<BTreeSet<String>, CommandError> {
        let rows = self.read()?.accounts().map_err(CommandError::Store)?;
        let (registry, keys) = (self.registry(), self.keys());
        let revoked = rows.into_iter().map(|row| row.name);
        let revoked = revoked.filter(|name| registry.revoked_account(&keys, name).is_some());
        Ok(revoked.collect())
    }

    /// The office that an account is to be of from now on, where that is to change.
    fn office_to_be(&self, change: &AccountChange) -> Result<Option<Option<String>>, CommandError> {
        if change.roles.is_some_and(Roles::is_empty) {
            Err(PeopleError::NoRole)?;
        }
        let named = change.office.as_deref();
        let office = named.map(|office| self.office_of_account(Some(office)));
        office.transpose()
    }
}

/// Changes an account as it is now, unless nobody would be left who looks after accounts: both asked where nothing
/// comes in between.
pub(super) fn put_changed(
    tx: &mut WriteTx<'_>,
    change: &AccountChange,
    office: Option<Option<String>>,
    revoked: &BTreeSet<String>,
) -> Result<Result<AccountRow, PeopleError>, DbError> {
    let all = tx.accounts()?;
    let (named, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|row| row.name == change.account);
    let Some(mut row) = named.into_iter().next() else {
        return Ok(Err(PeopleError::Unknown(change.account.clone())));
    };
    row.roles = change.roles.map_or(row.roles, Roles::bits);
    row.office = office.unwrap_or(row.office);
    row.is_closed = change.closed.unwrap_or(row.is_closed);
    let administers = |one: &AccountRow| {
        let is_open = !one.is_closed && !revoked.contains(&one.name);
        is_open && Roles::from_bits(one.roles).holds(Role::Administrator)
    };
    if !administers(&row) && !others.iter().any(administers) {
        return Ok(Err(PeopleError::NoAdministrator));
    }
    tx.put_account(&row)?;
    if row.is_closed {
        tx.end_sessions(Some(&row.name))?;
    }
    Ok(Ok(row))
}

fn seal(row: &mut AccountRow, key: &Signer, drawn: &Drawn, passphrase: &Passphrase) {
    let sealed = Sealed::close(&*key.seed(), &normal(passphrase), drawn.salt);
    row.sealed = sealed.as_bytes().to_vec();
    row.public = key.node_id().0;
}

/// Length and how soon it would be guessed, and nothing about digits or capitals: NIST SP 800-63B, 3.1.1.2.
fn is_strong(passphrase: &Passphrase, account: &str, known: &[String]) -> Result<(), PeopleError> {
    let text = normal(passphrase);
    let weak = |why| Err(PeopleError::WeakPassphrase { why });
    let length = text.chars().count();
    if length < PASSPHRASE_CHARS_MIN {
        return weak(Weakness::Short {
            least: PASSPHRASE_CHARS_MIN,
        });
    }
    if length > PASSPHRASE_CHARS_MAX {
        return weak(Weakness::Long {
            most: PASSPHRASE_CHARS_MAX,
        });
    }
    let known: Vec<&str> = known.iter().map(String::as_str).chain([account]).collect();
    if zxcvbn(&text, &known).score() < Score::Three {
        return weak(Weakness::Guessable);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(typed: &str) -> Result<(), PeopleError> {
        let known = ["19429".to_owned(), "Phường Đông Hà".to_owned()];
        is_strong(&Passphrase::new(typed.to_owned()), "lan", &known)
    }

    #[test]
    fn a_passphrase_is_long_and_not_the_first_that_is_tried() {
        for strong in [
            "mưa rừng tháng bảy",
            "correct horse battery",
            "Xk4-pw9-mmZq2",
        ] {
            assert_eq!(rule(strong), Ok(()), "{strong}");
        }
        let why = |typed: &str| match rule(typed) {
            Err(PeopleError::WeakPassphrase { why }) => why,
            other => panic!("{typed}: {other:?}"),
        };
        assert_eq!(why("Xk4-pw9-mm"), Weakness::Short { least: 12 });
        assert_eq!(why(&"x".repeat(129)), Weakness::Long { most: 128 });
        for guessed in [
            "password1234",
            "aaaaaaaaaaaaaa",
            "123456789012",
            "hopluuhopluu",
            "qwertyuiop12",
        ] {
            assert_eq!(why(guessed), Weakness::Guessable, "{guessed}");
        }
    }
}
