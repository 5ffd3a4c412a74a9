//! People who work at this node.

use std::fmt;

use hopluu_model::Timestamp;
use hopluu_trust::{AccountName, Roles};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A passphrase on its way: wiped where it ends, and printed nowhere.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes what was typed.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self(Zeroizing::new(typed))
    }

    /// As it was typed.
    #[must_use]
    pub fn typed(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Passphrase(..)")
    }
}

/// Somebody who wants in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The account.
    pub account: String,
    /// Its passphrase.
    pub passphrase: Passphrase,
}

/// What a session lets somebody do, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// The account; nobody's where this node has none.
    pub account: Option<AccountName>,
    /// Its roles.
    pub roles: Roles,
    /// Its office.
    pub office: Option<String>,
    /// When it ends by itself; never where nobody has to log in.
    pub until: Option<Timestamp>,
}

/// A session that was just opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LoginView {
    /// What goes with every request: whoever has it is this person.
    pub token: String,
    /// What it is good for.
    pub session: SessionView,
}

/// Somebody who is to work here.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    /// The name.
    pub account: String,
    /// The first passphrase.
    pub passphrase: Passphrase,
    /// What they may do.
    pub roles: Roles,
    /// The office whose part they write, and no other.
    #[serde(default)]
    pub office: Option<String>,
}

/// What somebody may do from now on.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// The name.
    pub account: String,
    /// What they may do; as before where absent.
    #[serde(default)]
    pub roles: Option<Roles>,
    /// The office; as before where absent, none where empty.
    #[serde(default)]
    pub office: Option<String>,
    /// Whether the account is closed; as before where absent.
    #[serde(default)]
    pub closed: Option<bool>,
}

/// A passphrase in place of another.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassphraseRequest {
    /// Whose; the asker's own where absent.
    #[serde(default)]
    pub account: Option<String>,
    /// The one before: asked for of one's own. For another it is reset, which draws a new key.
    #[serde(default)]
    pub old: Option<Passphrase>,
    /// The new one.
    pub new: Passphrase,
}

/// Somebody who works here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    /// The name.
    pub account: AccountName,
    /// What they may do.
    pub roles: Roles,
    /// The office whose part they write, and no other.
    pub office: Option<String>,
    /// The public half of their key, in hex.
    pub key: String,
    /// Whether nobody logs in with it any more.
    pub closed: bool,
    /// Why it holds no longer, if somebody above has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// Wrong passphrases since the last right one.
    pub failures: u32,
    /// For how many seconds no passphrase is tried.
    pub waits_s: u64,
}
