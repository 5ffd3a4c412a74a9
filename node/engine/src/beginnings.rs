//! How documents begin, kept: genesis follows from a document's key and form, but making it takes
//! longer than judging a change that builds upon it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hopluu_doc::{DocKey, Genesis, GenesisError, genesis};
use hopluu_form::Form;
use hopluu_model::{Digest, DocId};

use crate::limits::BEGINNINGS_KEPT_MAX;

/// The last beginnings that were asked for. Nodes of one process can share them: they follow from
/// what they are asked by and from nothing else.
#[derive(Debug, Default)]
pub struct Beginnings(Mutex<BTreeMap<(DocId, Digest), Arc<Genesis>>>);

impl Beginnings {
    /// The genesis of a document.
    pub(crate) fn of(&self, key: &DocKey, form: &Form) -> Result<Arc<Genesis>, GenesisError> {
        let name = (key.id(), form.digest());
        if let Some(known) = self.lock().get(&name) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(genesis(key, form)?);
        let mut kept = self.lock();
        if kept.len() >= BEGINNINGS_KEPT_MAX {
            // All can be made again; which of them comes next nobody knows.
            kept.clear();
        }
        kept.insert(name, Arc::clone(&made));
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(DocId, Digest), Arc<Genesis>>> {
        // Whole between statements, so a panic elsewhere does not spoil it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = include_str!("../../../config/forms/flood-quick.toml");

    #[test]
    fn a_kept_beginning_is_the_one_that_is_made_and_few_are_kept() {
        let form = Form::parse(FORM).unwrap();
        let beginnings = Beginnings::default();
        let key = |number: usize| {
            let unit = "19429@2020-02-01".parse().unwrap();
            let period = "2024-H2".parse().unwrap();
            let mut key = DocKey::report(unit, form.id().clone(), 1, period);
            key.instance = u32::try_from(number).unwrap();
            key
        };
        for number in 0..=BEGINNINGS_KEPT_MAX {
            beginnings.of(&key(number), &form).unwrap();
            assert!(beginnings.lock().len() <= BEGINNINGS_KEPT_MAX);
        }
        let again = beginnings.of(&key(BEGINNINGS_KEPT_MAX), &form).unwrap();
        assert_eq!(
            again.hash,
            genesis(&key(BEGINNINGS_KEPT_MAX), &form).unwrap().hash
        );
    }
}
