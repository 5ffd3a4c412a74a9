//! Facts that are not what the changes of a document say.

use std::collections::BTreeSet;

use hopluu_doc::{DocKey, VoidOps, Voids};
use hopluu_model::DocId;
use hopluu_store::{DbError, Read, WriteTx};

use crate::admit::judge_anew;
use crate::beginnings::Beginnings;
use crate::docket::Docket;
use crate::registry::Registry;

/// Documents whose facts, or what is said to be void in them, differ from what their changes say. What waits to be
/// judged anew may.
pub(super) fn wrong_facts(read: &Read, mut registry: Registry) -> Result<Vec<DocId>, DbError> {
    registry.catch_up(read)?;
    let waiting: BTreeSet<_> = read.unjudged(u32::MAX)?.into_iter().collect();
    let mut docs = Vec::new();
    read.for_each_doc(|row| docs.push(row))?;
    docs.retain(|row| !waiting.contains(&row.doc));
    let (beginnings, mut wrong) = (Beginnings::default(), Vec::new());
    for row in docs {
        let Ok(key) = DocKey::decode(&row.key) else {
            continue;
        };
        let (facts, voids) = Docket::new(&registry, &beginnings, &key).judged(read)?;
        let said = read.voids(row.doc)?.into_iter();
        let said: Voids = said
            .filter_map(|(hash, body)| Some((hash, VoidOps::decode(&body)?)))
            .collect();
        let kept = read.facts(row.doc)?.unwrap_or_default();
        if facts.encode() != kept || said != voids {
            wrong.push(row.doc);
        }
    }
    Ok(wrong)
}

/// Writes anew the facts of every document that was saved without, or with others.
pub(super) fn restore_facts(tx: &mut WriteTx<'_>, blank: Registry) -> Result<(), DbError> {
    let mut registry = blank.clone();
    registry.catch_up(tx)?;
    let beginnings = Beginnings::default();
    for doc in wrong_facts(tx, blank)? {
        let key = tx.doc(doc)?.and_then(|row| DocKey::decode(&row.key).ok());
        if let Some(key) = key {
            judge_anew(tx, &mut Docket::new(&registry, &beginnings, &key))?;
        }
    }
    Ok(())
}
