//! Revocations: a node, a person's account or a grant that holds no longer, and what of it stands.

use std::collections::BTreeMap;

use hopluu_model::{ChangeHash, DocId, NodeId, RecordHash, UnitId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec::Layout;
use crate::limits::{ACCOUNT_BYTES_MAX, RECORD_BYTES_MAX, REVOCATION_NAMES_MAX};
use crate::{DecodeError, Record, RecordKind, SignError, Signer};

const LAYOUT: Layout = Layout {
    what: "revocation",
    version: 1,
    bytes_max: RECORD_BYTES_MAX,
};

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Target {
    /// A node's key, with every certificate of it.
    Node(NodeId),
    /// A person's account on a node.
    Account(NodeId, String),
    /// A grant.
    Grant(RecordHash),
}

/// Why. The numbers are part of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The machine is gone, and nobody knows where.
    Lost,
    /// Somebody has it who should not.
    Stolen,
    /// Another machine or person does its work now.
    Replaced,
    /// The office or person has left.
    Left,
    /// It did what it may not.
    Misused,
    /// Given by mistake.
    Mistake,
    /// From a newer program.
    Other(u8),
}

impl Reason {
    /// Those that a person can name.
    pub const ALL: [Self; 6] = [
        Self::Lost,
        Self::Stolen,
        Self::Replaced,
        Self::Left,
        Self::Misused,
        Self::Mistake,
    ];

    /// The number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Lost => 1,
            Self::Stolen => 2,
            Self::Replaced => 3,
            Self::Left => 4,
            Self::Misused => 5,
            Self::Mistake => 6,
            Self::Other(number) => number,
        }
    }

    /// The reason behind a number; every number is some reason.
    #[must_use]
    pub fn from_number(number: u8) -> Self {
        let known = Self::ALL.into_iter().find(|one| one.number() == number);
        known.unwrap_or(Self::Other(number))
    }

    /// The word in commands and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Replaced => "replaced",
            Self::Left => "left",
            Self::Misused => "misused",
            Self::Mistake => "mistake",
            Self::Other(_) => "other",
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_number(u8::deserialize(deserializer)?))
    }
}

/// "This holds no longer, and of what it did so far the following stands." No clock could say what
/// came before: whoever has a stolen key dates its work as it likes. So whoever revokes names what it
/// holds, by hashes that nobody can make anew. What stands by one revocation of several stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What is revoked.
    pub target: Target,
    /// Why.
    pub reason: Reason,
    /// By document the last changes that stand, with all that they build upon.
    pub stands: BTreeMap<DocId, Vec<ChangeHash>>,
    /// The nodes that a revoked node has certified and that stay enrolled, ascending.
    pub certified: Vec<NodeId>,
    /// The records of a revoked node that go on to count, ascending.
    pub said: Vec<RecordHash>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    target: Target,
    reason: Reason,
    stands: Vec<(DocId, Vec<ChangeHash>)>,
    certified: Vec<NodeId>,
    said: Vec<RecordHash>,
}

impl Revocation {
    /// Signs it as a record of `unit`, the unit of whoever revokes: it goes to everybody there and
    /// below, and up the line. Its lists are put in order.
    ///
    /// # Errors
    /// [`SignError`] when it names more than a record may.
    pub fn sign(&self, signer: &Signer, unit: UnitId) -> Result<Record, SignError> {
        let mut body = Body {
            target: self.target.clone(),
            reason: self.reason,
            stands: self.stands.clone().into_iter().collect(),
            certified: self.certified.clone(),
            said: self.said.clone(),
        };
        for (_, heads) in &mut body.stands {
            sort(heads);
        }
        body.stands.retain(|(_, heads)| !heads.is_empty());
        sort(&mut body.certified);
        sort(&mut body.said);
        LAYOUT.bound_signed("names", body.names(), REVOCATION_NAMES_MAX)?;
        if let Target::Account(_, account) = &self.target {
            LAYOUT.bound_signed("account bytes", account.len(), ACCOUNT_BYTES_MAX)?;
        }
        Record::sign(signer, RecordKind::Revocation, unit, LAYOUT.encode(&body))
    }

    /// Reads the revocation in the body of a record.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no revocation or over a bound.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let body: Body = LAYOUT.decode(bytes)?;
        LAYOUT.bound("names", body.names(), REVOCATION_NAMES_MAX)?;
        if let Target::Account(_, account) = &body.target {
            LAYOUT.bound("account bytes", account.len(), ACCOUNT_BYTES_MAX)?;
        }
        let is_canonical = body.stands.is_sorted_by(|a, b| a.0 < b.0)
            && body
                .stands
                .iter()
                .all(|(_, heads)| !heads.is_empty() && heads.is_sorted_by(|a, b| a < b))
            && body.certified.is_sorted_by(|a, b| a < b)
            && body.said.is_sorted_by(|a, b| a < b);
        if !is_canonical {
            return Err(DecodeError::NotCanonical { what: LAYOUT.what });
        }
        Ok(Self {
            target: body.target,
            reason: body.reason,
            stands: body.stands.into_iter().collect(),
            certified: body.certified,
            said: body.said,
        })
    }

    /// The last changes of a document that stand.
    #[must_use]
    pub fn heads(&self, doc: &DocId) -> &[ChangeHash] {
        self.stands.get(doc).map_or(&[], Vec::as_slice)
    }
}

impl Body {
    fn names(&self) -> usize {
        let heads = self.stands.iter().map(|(_, heads)| 1 + heads.len());
        heads.sum::<usize>() + self.certified.len() + self.said.len()
    }
}

fn sort<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revocation() -> Revocation {
        let hash = |byte| ChangeHash([byte; 32]);
        Revocation {
            target: Target::Node(NodeId([7; 32])),
            reason: Reason::Stolen,
            stands: BTreeMap::from([
                (DocId([2; 16]), vec![hash(9), hash(1), hash(9)]),
                (DocId([1; 16]), vec![]),
            ]),
            certified: vec![NodeId([9; 32]), NodeId([8; 32])],
            said: vec![RecordHash([5; 32])],
        }
    }

    fn unit() -> UnitId {
        "465@2020-01-01".parse().unwrap()
    }

    #[test]
    fn revocation_reads_back_with_its_lists_in_order() {
        let signer = Signer::from_seed(&[1; 32]);
        let record = revocation().sign(&signer, unit()).unwrap();
        record.verify().unwrap();
        let read = Revocation::decode(&record.body).unwrap();
        let hash = |byte| ChangeHash([byte; 32]);
        assert_eq!(read.heads(&DocId([2; 16])), [hash(1), hash(9)]);
        assert!(read.heads(&DocId([1; 16])).is_empty() && read.stands.len() == 1);
        assert_eq!(read.certified, [NodeId([8; 32]), NodeId([9; 32])]);
        assert_eq!(read.sign(&signer, unit()).unwrap(), record);
    }

    #[test]
    fn revocation_out_of_order_or_over_a_bound_is_refused() {
        let body = |certified| Body {
            target: Target::Account(NodeId([7; 32]), "lan".to_owned()),
            reason: Reason::Left,
            stands: Vec::new(),
            certified,
            said: Vec::new(),
        };
        let backwards = body(vec![NodeId([9; 32]), NodeId([8; 32])]);
        assert_eq!(
            Revocation::decode(&LAYOUT.encode(&backwards)),
            Err(DecodeError::NotCanonical { what: "revocation" })
        );
        let long = Revocation {
            target: Target::Account(NodeId([7; 32]), "a".repeat(ACCOUNT_BYTES_MAX + 1)),
            ..revocation()
        };
        let signer = Signer::from_seed(&[1; 32]);
        assert!(matches!(
            long.sign(&signer, unit()),
            Err(SignError::OverBound { .. })
        ));
        let many = body(vec![NodeId([1; 32]); REVOCATION_NAMES_MAX + 1]);
        assert!(matches!(
            Revocation::decode(&LAYOUT.encode(&many)),
            Err(DecodeError::OverBound { .. })
        ));
    }

    #[test]
    fn every_number_is_some_reason() {
        for number in 0..=255 {
            assert_eq!(Reason::from_number(number).number(), number);
        }
    }
}
