//! What the records say that somebody has handed over who need not be trusted: for a dossier, which is judged where no
//! store is.

use hopluu_model::{Digest, FormId, NodeId, RecordHash};
use hopluu_trust::{
    ChainError, DecodeError, Identity, Record, RecordKind, SignatureError, decode_chain,
    verify_line,
};

use super::{RecordRefusal, Registry};

/// A chain or record by which nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordFlaw {
    /// A chain's bytes.
    #[error("chain {at} cannot be read")]
    ChainBytes {
        /// Its place among the chains, from 1.
        at: usize,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A chain breaks a rule.
    #[error("chain {at} does not hold")]
    Chain {
        /// Its place among the chains, from 1.
        at: usize,
        /// Which one.
        #[source]
        source: ChainError,
    },
    /// A record's bytes.
    #[error("record {at} cannot be read")]
    RecordBytes {
        /// Its place among the records, from 1.
        at: usize,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// Its author did not sign it.
    #[error("record {at} is not as it was signed")]
    Signature {
        /// Its place among the records, from 1.
        at: usize,
        /// Whose signature it should be.
        #[source]
        source: SignatureError,
    },
    /// It is no record of its kind, or somebody has signed it who may not.
    #[error("record {at} is none")]
    Record {
        /// Its place among the records, from 1.
        at: usize,
        /// Why.
        #[source]
        source: RecordRefusal,
    },
}

impl Registry {
    /// Judges chains and records of whatever origin, in whatever order, from the root alone. What its author had no
    /// right to say counts nowhere, as on every node.
    pub(crate) fn replayed(
        root: Digest,
        chains: &[&[u8]],
        records: &[&[u8]],
    ) -> Result<Self, RecordFlaw> {
        let mut registry = Self::new(root);
        for (bytes, at) in chains.iter().zip(1..) {
            let chain = decode_chain(bytes);
            let chain = chain.map_err(|source| RecordFlaw::ChainBytes { at, source })?;
            let line = verify_line(&chain, &root, None);
            let line = line.map_err(|source| RecordFlaw::Chain { at, source })?;
            // Where the whole of a chain holds, so does it from everybody in it up.
            for lower in 0..line.len() {
                if let (Some(line), Some(above)) = (line.get(lower..), chain.get(lower..)) {
                    registry.nodes.insert(line.to_vec(), above.to_vec());
                }
            }
        }
        let mut forms = Vec::new();
        for (bytes, at) in records.iter().zip(1..) {
            let record = Record::decode(bytes);
            let record = record.map_err(|source| RecordFlaw::RecordBytes { at, source })?;
            let signed = record.verify();
            signed.map_err(|source| RecordFlaw::Signature { at, source })?;
            let learnt = match record.kind {
                // Whether its author may hand it down is asked of the tree.
                RecordKind::Form => {
                    forms.push((at, record));
                    continue;
                }
                RecordKind::Tree if !registry.nodes.is_root(&record.author) => {
                    Err(RecordRefusal::NotAnIssuer(record.author))
                }
                RecordKind::Tree
                | RecordKind::TreeEvent
                | RecordKind::Grant
                | RecordKind::Revocation => registry.learn(&record).map(drop),
                kind => Err(RecordRefusal::Unread(kind.number())),
            };
            learnt.map_err(|source| RecordFlaw::Record { at, source })?;
        }
        registry.settle();
        for (at, record) in forms {
            if registry.check_decision(&record).is_ok() {
                let learnt = registry.learn(&record);
                learnt.map_err(|source| RecordFlaw::Record { at, source })?;
            }
        }
        registry.settle();
        Ok(registry)
    }

    /// Every chain that was shown for a node, with everybody in it.
    pub(crate) fn chains(&self, node: &NodeId) -> impl Iterator<Item = (&[Identity], &[Vec<u8>])> {
        self.nodes.chains(node)
    }

    /// The records by which a form was handed down, whether they count or not.
    pub(crate) fn records_of_form(&self, id: &FormId) -> impl Iterator<Item = RecordHash> {
        let handed = self.handed.iter();
        handed.filter_map(move |(_, _, known)| (known.form.id() == id).then_some(known.record))
    }
}
