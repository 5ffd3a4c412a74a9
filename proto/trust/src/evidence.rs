//! What time it is at least, by what superiors have signed. No rule that matters asks the machine's clock.
//!
//! A superior says the time in each receipt. One alone is believed for thirty days beyond what the others, or an
//! administrator, say; so one that claims 2099 shuts nobody out. What is kept is by ancestor in which months it has
//! claimed to be, so the same claims give the same time in whatever order they come, and a word of the root later on
//! can leave out the wrong ones.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{NodeId, Timestamp, UnitId};
use serde::{Deserialize, Serialize};

use crate::codec::Layout;
use crate::limits::{EVIDENCE_BYTES_MAX, EVIDENCE_MONTHS_MAX, EVIDENCE_NODES_MAX};
use crate::{DecodeError, Record, RecordKind, SignError, Signer};

const LAYOUT: Layout = Layout {
    what: "evidence of time",
    version: 1,
    bytes_max: EVIDENCE_BYTES_MAX,
};

const WORD_LAYOUT: Layout = Layout {
    what: "word of the time",
    version: 1,
    bytes_max: 64,
};

const MONTH_MS: i64 = 30 * 24 * 3_600_000;

/// Thirty days, counted from 1970: how finely a claim is kept, and how far one ancestor alone is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month(pub u16);

impl Month {
    /// The month of an instant; none beyond the time that anybody may claim.
    #[must_use]
    pub fn of(at: Timestamp) -> Option<Self> {
        let month = u16::try_from(at.0.max(0) / MONTH_MS).ok()?;
        (month < EVIDENCE_MONTHS_MAX).then_some(Self(month))
    }

    /// Its first instant.
    #[must_use]
    pub fn begins(self) -> Timestamp {
        Timestamp(i64::from(self.0) * MONTH_MS)
    }

    fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// An administrator's word: it is this late, and claims of that month or later are wrong. The root's travels as a
/// record; that of another node's administrator holds there alone, until the root says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Word {
    /// How many words of the root there have been, this one included: the last one stands. A local word has the
    /// number of the root's that it was said after.
    pub turn: u32,
    /// What time it is, at least.
    pub at: Timestamp,
    /// Claims from this month on do not count.
    pub before: Option<Month>,
}

impl Word {
    /// Signs it as the root's, a record of its unit, which goes to everybody.
    ///
    /// # Errors
    /// [`SignError`] never: a word is a few bytes.
    pub fn sign(&self, signer: &Signer, unit: UnitId) -> Result<Record, SignError> {
        Record::sign(signer, RecordKind::Time, unit, WORD_LAYOUT.encode(self))
    }

    /// Reads the word in the body of a record.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        WORD_LAYOUT.decode(bytes)
    }
}

/// What ancestors have claimed, and what was said here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    claims: BTreeMap<NodeId, BTreeSet<Month>>,
    here: Option<Word>,
}

impl Evidence {
    /// What a new node begins with: its administrator's word of the time.
    #[must_use]
    pub fn since(at: Timestamp) -> Self {
        Self {
            here: Some(Word {
                turn: 0,
                at,
                before: None,
            }),
            ..Self::default()
        }
    }

    /// An ancestor has signed that it was this late. Whether that is new here. The caller has checked the signature,
    /// and that it is an ancestor.
    pub fn claim(&mut self, ancestor: NodeId, at: Timestamp) -> bool {
        let Some(month) = Month::of(at) else {
            return false;
        };
        if self.claims.len() >= EVIDENCE_NODES_MAX && !self.claims.contains_key(&ancestor) {
            return false;
        }
        self.claims.entry(ancestor).or_default().insert(month)
    }

    /// Whether [`Self::claim`] would be news.
    #[must_use]
    pub fn is_new(&self, ancestor: &NodeId, at: Timestamp) -> bool {
        let months = self.claims.get(ancestor);
        Month::of(at).is_some_and(|month| !months.is_some_and(|months| months.contains(&month)))
    }

    /// Forgets the claims of those who are ancestors no more.
    pub fn keep(&mut self, is_ancestor: impl Fn(&NodeId) -> bool) {
        self.claims.retain(|node, _| is_ancestor(node));
    }

    /// An administrator of this node has said the time.
    pub fn say(&mut self, word: Word) {
        self.here = Some(word);
    }

    /// The word that stands: the root's last, or one said here after it.
    #[must_use]
    pub fn word(&self, root: Option<Word>) -> Option<Word> {
        let here = self.here;
        let is_later = |here: &Word| root.is_none_or(|root| here.turn >= root.turn);
        here.filter(is_later).or(root)
    }

    /// The latest month that each ancestor has claimed, of those claims that count under a word.
    pub fn claims(&self, word: Option<Word>) -> impl Iterator<Item = (NodeId, Month)> {
        let end = word.and_then(|word| word.before);
        let end = end.unwrap_or(Month(EVIDENCE_MONTHS_MAX));
        self.claims.iter().filter_map(move |(node, months)| {
            let last = months.range(..end).next_back()?;
            Some((*node, *last))
        })
    }

    /// The first month later than a time by more than one alone is believed that somebody has claimed.
    #[must_use]
    pub fn first_beyond(&self, at: Timestamp) -> Option<Month> {
        let reach = Month::of(at)?.next();
        let months = self.claims.values().flatten().copied();
        months.filter(|month| *month > reach).min()
    }

    /// What time it is at least. `root` is the root's last word, `counts` says whose claims count: ancestors that are
    /// not revoked. None where there is nothing to measure a claim by.
    #[must_use]
    pub fn at(&self, root: Option<Word>, counts: impl Fn(&NodeId) -> bool) -> Option<Timestamp> {
        let word = self.word(root);
        let claims = self.claims(word).filter(|(node, _)| counts(node));
        let mut claims: Vec<Month> = claims.map(|(_, month)| month).collect();
        claims.sort_unstable_by(|a, b| b.cmp(a));
        let (first, second) = (claims.first().copied(), claims.get(1).copied());
        let said = word.map(|word| word.at);
        let agreed = second.max(said.and_then(Month::of));
        let alone = first
            .zip(agreed)
            .map(|(first, agreed)| first.min(agreed.next()));
        let claimed = second.max(alone).map(Month::begins);
        said.max(claimed)
    }

    /// The canonical bytes, for the node's own store.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        LAYOUT.encode(self)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        LAYOUT.decode(bytes)
    }
}

#[cfg(test)]
mod tests;
