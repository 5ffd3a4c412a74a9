//! What a dossier on a report takes: of all records those by which it is judged.

use std::collections::{BTreeMap, BTreeSet};

use hopluu_model::{FormId, NodeId, OfficeId, RecordHash, UnitId};
use hopluu_store::{DbError, Read};
use hopluu_trust::{Grant, Record, RecordKind, Revocation, SignError, Target, encode_chain};

use crate::registry::Registry;

/// Chains and records, encoded.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) chains: Vec<Vec<u8>>,
    pub(super) records: Vec<Vec<u8>>,
}

/// A grant or revocation, as far as it matters what it is about.
enum About {
    Grant(UnitId, OfficeId),
    Revoked(Target),
}

/// Everybody and everything that matters so far.
struct Gathering<'a> {
    registry: &'a Registry,
    nodes: BTreeSet<NodeId>,
    records: BTreeMap<RecordHash, Record>,
    /// What may come to matter.
    open: Vec<(RecordHash, Record, About)>,
}

/// What the reports of a form are judged by, where these nodes have signed something in one of them: the tree with all
/// that was decided over it, the form, whatever these nodes were granted, what of it all was revoked, and the chains of
/// whoever has said any of that.
pub(super) fn gather(
    read: &Read,
    registry: &Registry,
    form: &FormId,
    nodes: BTreeSet<NodeId>,
) -> Result<Gathered, DbError> {
    let forms: BTreeSet<_> = registry.records_of_form(form).collect();
    let mut gathering = Gathering {
        registry,
        nodes,
        records: BTreeMap::new(),
        open: Vec::new(),
    };
    read.for_each_record(0, |_, row| {
        let Ok(record) = Record::decode(&row.body) else {
            return;
        };
        match record.kind {
            RecordKind::Tree | RecordKind::TreeEvent => gathering.take(row.hash, record),
            RecordKind::Form if forms.contains(&row.hash) => gathering.take(row.hash, record),
            RecordKind::Grant => {
                if let Ok(grant) = Grant::decode(&record.body) {
                    let about = About::Grant(grant.holder, grant.office);
                    gathering.open.push((row.hash, record, about));
                }
            }
            RecordKind::Revocation => {
                if let Ok(revocation) = Revocation::decode(&record.body) {
                    let about = About::Revoked(revocation.target);
                    gathering.open.push((row.hash, record, about));
                }
            }
            _ => {}
        }
    })?;
    gathering.close();
    Ok(gathering.end())
}

impl Gathering<'_> {
    fn take(&mut self, hash: RecordHash, record: Record) {
        self.nodes.insert(record.author);
        self.records.insert(hash, record);
    }

    /// Whoever has said something that matters matters too, and what was said of them.
    fn close(&mut self) {
        loop {
            let before = (self.nodes.len(), self.records.len());
            for node in self.nodes.clone() {
                let lines = self.registry.chains(&node).map(|(line, _)| line);
                let all = lines.flatten().map(|identity| identity.place.node);
                self.nodes.extend(all);
            }
            let offices: BTreeSet<_> = self
                .nodes
                .iter()
                .flat_map(|node| self.registry.chains(node))
                .filter_map(|(line, _)| line.first())
                .filter_map(|leaf| Some((leaf.place.unit.clone(), leaf.place.office.clone()?)))
                .collect();
            for (hash, record, about) in std::mem::take(&mut self.open) {
                let matters = match &about {
                    About::Grant(unit, office) => offices.contains(&(unit.clone(), office.clone())),
                    About::Revoked(Target::Node(node) | Target::Account(node, _)) => {
                        self.nodes.contains(node)
                    }
                    About::Revoked(Target::Grant(grant)) => self.records.contains_key(grant),
                };
                if matters {
                    self.take(hash, record);
                } else {
                    self.open.push((hash, record, about));
                }
            }
            if before == (self.nodes.len(), self.records.len()) {
                return;
            }
        }
    }

    fn end(self) -> Gathered {
        let mut chains: Vec<&[Vec<u8>]> = self
            .nodes
            .iter()
            .flat_map(|node| self.registry.chains(node))
            .map(|(_, chain)| chain)
            .collect();
        // A chain tells of everybody in it: the longest first, and none that another ends with.
        chains.sort_by_key(|chain| std::cmp::Reverse(chain.len()));
        let mut kept: Vec<&[Vec<u8>]> = Vec::new();
        for chain in chains {
            if !kept.iter().any(|longer| longer.ends_with(chain)) {
                kept.push(chain);
            }
        }
        let encoded: Result<Vec<_>, SignError> = kept.into_iter().map(encode_chain).collect();
        Gathered {
            chains: encoded.expect("every chain here was read within its bounds"),
            records: self.records.values().map(Record::encode).collect(),
        }
    }
}
