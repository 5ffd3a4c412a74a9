//! Accounts of people at this node, and their open sessions.

use hopluu_model::{Digest, NodeId, Timestamp};
use rusqlite::Row;

use crate::docs::bounded;
use crate::limits::ACCOUNT_SECRET_BYTES_MAX;
use crate::read::id;
use crate::{AccountRow, DbError, Failures, Read, SessionRow, WriteTx};

pub(crate) const ACCOUNT_COLUMNS: &str =
    "SELECT name, sealed, public, roles, office, is_closed, failures, failed_at FROM accounts";

impl Read {
    /// Whether anybody has an account here.
    pub fn has_accounts(&self) -> Result<bool, DbError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM accounts)";
        let found = self.one(sql, [], |row| Ok(row.get(0)?))?;
        Ok(found.unwrap_or(false))
    }

    /// All accounts, by name.
    pub fn accounts(&self) -> Result<Vec<AccountRow>, DbError> {
        let sql = format!("{ACCOUNT_COLUMNS} ORDER BY name");
        self.all(&sql, [], account_row)
    }

    /// One account.
    pub fn account(&self, name: &str) -> Result<Option<AccountRow>, DbError> {
        let sql = format!("{ACCOUNT_COLUMNS} WHERE name = ?1");
        self.one(&sql, [name], account_row)
    }

    /// An open session, by the digest of its token.
    pub fn session(&self, digest: Digest) -> Result<Option<SessionRow>, DbError> {
        let sql = "SELECT account, since, until FROM sessions WHERE digest = ?1";
        self.one(sql, [digest.as_bytes()], |row| {
            Ok(SessionRow {
                digest,
                account: row.get(0)?,
                since: Timestamp(row.get(1)?),
                until: Timestamp(row.get(2)?),
            })
        })
    }
}

pub(crate) fn account_row(row: &Row<'_>) -> Result<AccountRow, DbError> {
    let public: NodeId = id(row, 2, "accounts")?;
    Ok(AccountRow {
        name: row.get(0)?,
        sealed: row.get(1)?,
        public: public.0,
        roles: row.get(3)?,
        office: row.get(4)?,
        is_closed: row.get(5)?,
        failures: Failures {
            count: row.get(6)?,
            last_at: Timestamp(row.get(7)?),
        },
    })
}

impl WriteTx<'_> {
    /// Writes an account, in place of the one of that name.
    pub fn put_account(&mut self, account: &AccountRow) -> Result<(), DbError> {
        bounded("a closed key", &account.sealed, ACCOUNT_SECRET_BYTES_MAX)?;
        self.run(
            "INSERT INTO accounts (name, sealed, public, roles, office, is_closed, failures, failed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (name) DO UPDATE SET \
             sealed = ?2, public = ?3, roles = ?4, office = ?5, is_closed = ?6, failures = ?7, failed_at = ?8",
            (
                &account.name,
                &account.sealed,
                &account.public,
                account.roles,
                &account.office,
                account.is_closed,
                account.failures.count,
                account.failures.last_at.0,
            ),
        )?;
        Ok(())
    }

    /// Opens a session, and ends the oldest ones of that account where it has more than `most`.
    pub fn put_session(&mut self, session: &SessionRow, most: u32) -> Result<(), DbError> {
        self.run(
            "INSERT INTO sessions (digest, account, since, until) VALUES (?1, ?2, ?3, ?4)",
            (
                session.digest.as_bytes(),
                &session.account,
                session.since.0,
                session.until.0,
            ),
        )?;
        let sql = "DELETE FROM sessions WHERE account = ?1 AND digest NOT IN \
                   (SELECT digest FROM sessions WHERE account = ?1 ORDER BY since DESC, digest LIMIT ?2)";
        self.run(sql, (&session.account, most))?;
        Ok(())
    }

    /// Ends one session.
    pub fn end_session(&mut self, digest: Digest) -> Result<(), DbError> {
        self.run(
            "DELETE FROM sessions WHERE digest = ?1",
            [digest.as_bytes()],
        )?;
        Ok(())
    }

    /// Ends all sessions of an account; of everybody where none is named.
    pub fn end_sessions(&mut self, account: Option<&str>) -> Result<(), DbError> {
        match account {
            Some(name) => self.run("DELETE FROM sessions WHERE account = ?1", [name])?,
            None => self.run("DELETE FROM sessions", [])?,
        };
        Ok(())
    }
}
