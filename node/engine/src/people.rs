//! People who work at this node: who asks, and what they may.
//!
//! A node without accounts trusts whoever may open its socket, which is the owner of its folder. With the first
//! account that ends: every request then needs a session, and what is saved names the person in its seal.

mod accounts;
mod login;

use hopluu_model::{Digest, OfficeId, Timestamp};
use hopluu_store::AccountRow;
use hopluu_trust::{AccountName, AccountNameError, Permission, Roles};

pub use self::accounts::FirstAdmin;
pub use self::login::Guesses;
use crate::core::Core;
use crate::docket::SealedBy;
use crate::error::CommandError;
use crate::view::{EditRequest, SessionView};

/// Why somebody was not let in, or may not do what they asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    /// People have accounts here, and nobody is logged in.
    #[error("log in first: people have accounts at this node")]
    LoginNeeded,
    /// The session has ended, or never was.
    #[error("the session has ended, log in again")]
    SessionEnded,
    /// No such account, or another passphrase: nobody is told which.
    #[error("name and passphrase do not fit together")]
    LoginRefused,
    /// Too many wrong passphrases.
    #[error("too many wrong passphrases, the next one is tried in {seconds} seconds")]
    LoginWait {
        /// How long.
        seconds: u64,
    },
    /// The roles of the account do not give it.
    #[error("`{account}` may not do this: it needs the permission to {}", needs.as_str())]
    NotYourRole {
        /// Whose session it is.
        account: AccountName,
        /// What is missing.
        needs: Permission,
    },
    /// A passphrase that is guessed too soon.
    #[error("the passphrase is {why}")]
    WeakPassphrase {
        /// What is wrong with it.
        why: Weakness,
    },
    /// A name that is no account's.
    #[error(transparent)]
    BadName(#[from] AccountNameError),
    /// The name is taken.
    #[error("there is an account `{0}` already")]
    Exists(AccountName),
    /// Nobody has the name.
    #[error("there is no account `{0}`")]
    Unknown(String),
    /// An account without a role could do nothing.
    #[error("an account has one role at least")]
    NoRole,
    /// Nobody would be left who looks after accounts.
    #[error("one account at least stays open that has the role administrator")]
    NoAdministrator,
    /// It was revoked from above, or here.
    #[error("account `{account}` was revoked: {reason}")]
    Revoked {
        /// Which.
        account: AccountName,
        /// Why.
        reason: String,
    },
}

/// What is wrong with a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Too few characters.
    Short {
        /// How many there have to be.
        least: usize,
    },
    /// Too many.
    Long {
        /// How many there may be.
        most: usize,
    },
    /// Long, and yet among the first that somebody would try.
    Guessable,
}

impl std::fmt::Display for Weakness {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Short { least } => write!(out, "too short: at least {least} characters"),
            Self::Long { most } => write!(out, "too long: at most {most} characters"),
            Self::Guessable => out.write_str("among the first that somebody would try"),
        }
    }
}

impl PeopleError {
    /// The stable code that messages to people carry.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::LoginNeeded => "M-1701",
            Self::SessionEnded => "M-1702",
            Self::LoginRefused => "M-1703",
            Self::LoginWait { .. } => "M-1704",
            Self::NotYourRole { .. } => "M-1705",
            Self::WeakPassphrase { .. } => "M-1706",
            Self::BadName(_) => "M-1707",
            Self::Exists(_) => "M-1708",
            Self::Unknown(_) => "M-1709",
            Self::NoRole => "M-1710",
            Self::NoAdministrator => "M-1711",
            Self::Revoked { .. } => "M-1712",
        }
    }
}

/// What a request names whoever makes it by: the digest of a session's token, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asker(Option<Digest>);

impl Asker {
    pub(crate) fn of(token: Option<&str>) -> Self {
        Self(token.map(digest_of))
    }
}

/// Whose request the engine carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acting {
    pub(crate) account: AccountName,
    pub(crate) roles: Roles,
    /// The office whose part they write.
    pub(crate) office: Option<OfficeId>,
    until: Timestamp,
}

impl Acting {
    fn of(row: &AccountRow, until: Timestamp) -> Option<Self> {
        Some(Self {
            account: row.name.parse().ok()?,
            roles: Roles::from_bits(row.roles),
            office: row.office.as_deref().and_then(|office| office.parse().ok()),
            until,
        })
    }

    /// What a session's owner is told of it.
    pub(crate) fn view(&self) -> SessionView {
        SessionView {
            account: Some(self.account.clone()),
            roles: self.roles,
            office: self.office.as_ref().map(ToString::to_string),
            until: Some(self.until),
        }
    }

    /// # Errors
    /// [`PeopleError::NotYourRole`] when the account has no role that gives it.
    pub(crate) fn must(&self, needs: Permission) -> Result<(), PeopleError> {
        if self.roles.may(needs) {
            return Ok(());
        }
        Err(PeopleError::NotYourRole {
            account: self.account.clone(),
            needs,
        })
    }
}

/// A token as it stands in the store.
pub(crate) fn digest_of(token: &str) -> Digest {
    Digest(*blake3::hash(token.as_bytes()).as_bytes())
}

impl Core {
    /// Who asks: nobody in particular where this node has no accounts.
    pub(crate) fn who_asks(
        &self,
        asker: Asker,
        now: Timestamp,
    ) -> Result<Option<Acting>, CommandError> {
        let read = self.read()?;
        if !read.has_accounts().map_err(CommandError::Store)? {
            return Ok(None);
        }
        let session = read.session(asker.0.ok_or(PeopleError::LoginNeeded)?);
        let session = session.map_err(CommandError::Store)?;
        // One from the future was opened by a clock that was wrong, then or now.
        let open = session.filter(|session| session.since <= now && now < session.until);
        let open = open.ok_or(PeopleError::SessionEnded)?;
        let row = read.account(&open.account).map_err(CommandError::Store)?;
        let row = row.filter(|row| !row.is_closed);
        let acting = row.and_then(|row| Acting::of(&row, open.until));
        let acting = acting.ok_or(PeopleError::SessionEnded)?;
        self.is_not_revoked(&acting.account)?;
        Ok(Some(acting))
    }

    /// # Errors
    /// [`PeopleError::Revoked`] when somebody above has said so, and this node has heard it.
    pub(crate) fn is_not_revoked(&self, account: &AccountName) -> Result<(), PeopleError> {
        match self
            .registry()
            .revoked_account(&self.keys(), account.as_str())
        {
            None => Ok(()),
            Some(reason) => Err(PeopleError::Revoked {
                account: account.clone(),
                reason,
            }),
        }
    }

    /// Who writes: this node, and of its people whoever asks.
    pub(crate) fn author(&self) -> SealedBy {
        let account = self.acting.as_ref();
        SealedBy {
            node: self.me().node,
            account: account.map_or_else(String::new, |acting| acting.account.to_string()),
        }
    }

    /// The office whose part alone is written: this node's, or that of whoever asks.
    pub(crate) fn own_office(&self) -> Option<&OfficeId> {
        let acting = self.acting.as_ref();
        let of_person = acting.filter(|acting| !acting.roles.may(Permission::WriteAll));
        let of_person = of_person.and_then(|acting| acting.office.as_ref());
        self.me().office.as_ref().or(of_person)
    }

    /// # Errors
    /// [`PeopleError::NotYourRole`] when whoever asks may not do that.
    pub(crate) fn must(&self, needs: Permission) -> Result<(), CommandError> {
        match &self.acting {
            None => Ok(()),
            Some(acting) => Ok(acting.must(needs)?),
        }
    }

    /// # Errors
    /// [`PeopleError::NotYourRole`] for the first edit that whoever asks may not make.
    pub(crate) fn may_edit(&self, edits: &[EditRequest]) -> Result<(), CommandError> {
        edits.iter().try_for_each(|edit| self.must(needed(edit)))
    }
}

/// What an edit needs.
fn needed(edit: &EditRequest) -> Permission {
    match edit {
        EditRequest::Note { .. } => Permission::Remark,
        EditRequest::Withdraw { .. } => Permission::Decide,
        EditRequest::Set { .. }
        | EditRequest::Settle { .. }
        | EditRequest::Text { .. }
        | EditRequest::Detach { .. }
        | EditRequest::ClearAll => Permission::Write,
    }
}

#[cfg(test)]
mod tests;
