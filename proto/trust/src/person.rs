//! People at a node: what they are called, and what each role may do there.
//!
//! Other nodes know of a person only the name in a seal: which of its people may what is a node's own
//! affair, and it vouches for what they did.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits::ACCOUNT_BYTES_MAX;

/// Who somebody is at one node: a short login, not a person's full name. Lower-case letters of ASCII,
/// digits, and `.`, `-`, `_` between them, so that two that look alike are one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

/// A name that is no account's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no account: it has 1 to {ACCOUNT_BYTES_MAX} of a-z, 0-9 and `.-_`, the last three inside only"
)]
pub struct AccountNameError(String);

impl AccountName {
    /// As it stands in a seal.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = AccountNameError;

    fn from_str(text: &str) -> Result<Self, AccountNameError> {
        let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        let holds = bytes.len() <= ACCOUNT_BYTES_MAX
            && ends.iter().all(|end| end.is_some_and(is_plain))
            && bytes
                .iter()
                .all(|byte| is_plain(byte) || b".-_".contains(byte));
        if holds {
            Ok(Self(text.to_owned()))
        } else {
            let shown = text.chars().take(ACCOUNT_BYTES_MAX).collect();
            Err(AccountNameError(shown))
        }
    }
}

impl TryFrom<String> for AccountName {
    type Error = AccountNameError;

    fn try_from(text: String) -> Result<Self, AccountNameError> {
        text.parse()
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What somebody's work at a node is. One person may have several: where a commune has one clerk, all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Writes figures and texts, of their own office only where they have one.
    Editor,
    /// Reads everything and remarks upon it.
    Checker,
    /// Writes the parts of all offices together.
    Consolidator,
    /// Decides what a report is worth: signs it, withdraws it.
    Signatory,
    /// Takes in and sends out what is carried by hand.
    Registrar,
    /// Reads.
    Reader,
    /// Looks after accounts, grants, machines and forms, and writes no figures.
    Administrator,
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// To see reports, totals, and how the node does.
    Read,
    /// To put notes beside figures.
    Remark,
    /// To write figures, texts and files.
    Write,
    /// To write for every office of the unit.
    WriteAll,
    /// To take a step that decides what a report is worth.
    Decide,
    /// To make bundles and take them in, and to call other nodes.
    Carry,
    /// To change who and what belongs to this node.
    Administer,
}

impl Role {
    /// Every role, in that order.
    pub const ALL: [Self; 7] = [
        Self::Editor,
        Self::Checker,
        Self::Consolidator,
        Self::Signatory,
        Self::Registrar,
        Self::Reader,
        Self::Administrator,
    ];

    /// The word in JSON and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Editor => "editor",
            Self::Checker => "checker",
            Self::Consolidator => "consolidator",
            Self::Signatory => "signatory",
            Self::Registrar => "registrar",
            Self::Reader => "reader",
            Self::Administrator => "administrator",
        }
    }

    /// What it may.
    fn permissions(self) -> &'static [Permission] {
        use Permission::{Administer, Carry, Decide, Read, Remark, Write, WriteAll};
        match self {
            Self::Editor => &[Read, Remark, Write],
            Self::Checker => &[Read, Remark],
            Self::Consolidator => &[Read, Remark, Write, WriteAll],
            Self::Signatory => &[Read, Remark, Decide],
            Self::Registrar => &[Read, Carry],
            Self::Reader => &[Read],
            Self::Administrator => &[Read, Carry, Administer],
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Permission {
    /// The word in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Remark => "remark",
            Self::Write => "write",
            Self::WriteAll => "write-all",
            Self::Decide => "decide",
            Self::Carry => "carry",
            Self::Administer => "administer",
        }
    }

    /// The roles that have it.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        let has = move |role: &Role| role.permissions().contains(&self);
        Role::ALL.into_iter().filter(has)
    }
}

/// The roles of one account, as one number: part of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Role>", into = "Vec<Role>")]
pub struct Roles(u8);

impl Roles {
    /// What [`Self::bits`] gave; of a newer program's roles those that this one knows.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        let known = Role::ALL.into_iter().filter(|role| bits & role.bit() != 0);
        known.collect()
    }

    /// The number.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether a role is among them.
    #[must_use]
    pub fn holds(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Whether any of them has a permission.
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        permission.roles().any(|role| self.holds(role))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.holds(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |all, role| all | role.bit()))
    }
}

impl From<Vec<Role>> for Roles {
    fn from(roles: Vec<Role>) -> Self {
        roles.into_iter().collect()
    }
}

impl From<Roles> for Vec<Role> {
    fn from(roles: Roles) -> Self {
        roles.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        for right in ["lan", "a", "bui.thi-lan_2", &"x".repeat(ACCOUNT_BYTES_MAX)] {
            assert_eq!(right.parse::<AccountName>().unwrap().as_str(), right);
        }
        let long = "x".repeat(ACCOUNT_BYTES_MAX + 1);
        for wrong in ["", "Lan", ".lan", "lan-", "lân", "la n", "../lan", &long] {
            assert!(wrong.parse::<AccountName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_administers_writes_no_figures_and_who_reads_only_reads() {
        let of = |role| Roles::from_iter([role]);
        assert!(!of(Role::Administrator).may(Permission::Write));
        assert!(!of(Role::Administrator).may(Permission::Decide));
        assert!(!of(Role::Editor).may(Permission::WriteAll));
        assert!(!of(Role::Consolidator).may(Permission::Administer));
        for role in Role::ALL {
            assert!(of(role).may(Permission::Read), "{role} reads");
            let administers = of(role).may(Permission::Administer);
            assert_eq!(administers, role == Role::Administrator);
        }
        let of_reader = Permission::roles;
        for permission in [Permission::Write, Permission::Remark, Permission::Carry] {
            assert!(!of_reader(permission).any(|role| role == Role::Reader));
        }
        assert!(!Roles::default().may(Permission::Read));
    }

    #[test]
    fn roles_are_a_number_in_the_database() {
        let all: Roles = Role::ALL.into_iter().collect();
        assert_eq!(all.bits(), 0b111_1111);
        assert_eq!(Roles::from_bits(0xff), all, "what is not known is nothing");
        assert_eq!(
            Roles::from_iter([Role::Editor, Role::Administrator]).bits(),
            0b100_0001
        );
    }
}
