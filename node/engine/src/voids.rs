//! What somebody wrote who may not: shown, adopted, dismissed.

use std::sync::Arc;

use hopluu_doc::{Answer, DocKey, Edit, HistoryEntry, Judge, Report, VoidOps};
use hopluu_model::{ChangeHash, DocId, ErrorChain};

use crate::core::Core;
use crate::docket::SealedBy;
use crate::edit::Made;
use crate::error::CommandError;
use crate::show::wrote;
use crate::turn::{Reply, Turn};
use crate::view::{Saved, Selector, VoidQuery, VoidView};

/// A change of which something is void, as an open document tells of it.
struct Told {
    entry: HistoryEntry,
    void: VoidOps,
    names: Vec<String>,
    answer: Option<Answer>,
}

impl Core {
    /// The changes of which something counts nowhere, document by document.
    ///
    /// # Errors
    /// When the store or a document cannot be read.
    pub fn void_list(&mut self, query: &VoidQuery) -> Result<Vec<VoidView>, CommandError> {
        let docs = self.read()?.void_docs().map_err(CommandError::Store)?;
        let mut views = Vec::new();
        for doc in docs {
            views.extend(self.voids_of(doc, query)?);
        }
        Ok(views)
    }

    fn voids_of(&mut self, doc: DocId, query: &VoidQuery) -> Result<Vec<VoidView>, CommandError> {
        let Some(row) = self.doc_row(doc)? else {
            return Ok(Vec::new());
        };
        let registry = self.shared_registry();
        let key = DocKey::decode(&row.key).ok();
        let known = key.and_then(|key| {
            let known = registry.form_of_major(&key.form, key.major, &key.unit)?;
            Some((key, Arc::clone(&known.form)))
        });
        let Some((key, form)) = known else {
            return Ok(Vec::new());
        };
        let authors = self.authors(doc)?;
        let is_asked = |hash: &ChangeHash| {
            let begins = |begin: &String| hash.to_string().starts_with(begin.as_str());
            query.change.as_ref().is_none_or(begins)
        };
        let told = self.on_report(&key, &form, |report| told(report, &is_asked))?;
        let told = told.map_err(|error| CommandError::Damaged {
            doc: doc.to_string(),
            detail: ErrorChain(&error).to_string(),
        })?;
        let report = self.report_ref(&row);
        let told = told
            .into_iter()
            .filter(|one| query.all || one.answer.is_none());
        let views = told.map(|one| {
            let by = authors.get(&one.entry.hash);
            let place = by.and_then(|by| registry.identity(&by.node));
            let place = place.map(|identity| &identity.place);
            VoidView {
                change: one.entry.hash,
                report: report.clone(),
                at: one.entry.at,
                author: by.map(|by| by.node),
                account: by.and_then(SealedBy::person),
                author_unit: place.map(|place| place.unit.clone()),
                author_office: place.and_then(|place| place.office.clone()),
                why: one.void.why.as_str().to_owned(),
                what: one.names,
                wrote: one.entry.touched.iter().map(wrote).collect(),
                answer: one.answer.map(|answer| answer.as_str().to_owned()),
            }
        });
        Ok(views.collect())
    }

    /// Writes what is void of a change in this node's own name, or says that it stays void.
    pub fn void_answer(
        &mut self,
        turn: &mut Turn,
        change: &str,
        is_adopted: bool,
        reply: Reply<Saved>,
    ) {
        let made = self.make_answer(turn, change, is_adopted);
        self.commit(turn.now, made, reply);
    }

    fn make_answer(
        &mut self,
        turn: &Turn,
        change: &str,
        is_adopted: bool,
    ) -> Result<Made, CommandError> {
        let query = VoidQuery {
            all: true,
            change: Some(change.to_owned()),
        };
        let found = self.void_list(&query)?;
        let [void] = found.as_slice() else {
            return Err(CommandError::UnknownName {
                text: change.to_owned(),
                found: found.len(),
            });
        };
        let (report, change) = (&void.report, void.change);
        let meant = self.meant(&Selector {
            unit: Some(report.unit.to_string()),
            form: report.form.to_string(),
            period: report.period.to_string(),
            instance: report.instance,
        })?;
        // What is void may be in any document of the report.
        let row = self.doc_row(report.doc)?;
        let key = row.and_then(|row| DocKey::decode(&row.key).ok());
        let key = key.unwrap_or_else(|| meant.key.clone());
        let adopted = self.on_report(&key, &meant.form, |report| {
            report.adoption(&change).unwrap_or_default()
        })?;
        let answer = if is_adopted {
            Answer::Adopted
        } else {
            Answer::Dismissed
        };
        // What was written in the wrong document is adopted into the right one.
        let edits = if is_adopted { adopted } else { Vec::new() };
        let answer = Edit::Answer { change, answer };
        self.make_all(turn.now, meant, edits, (key, answer))
    }
}

fn told(
    report: &mut Report,
    is_asked: &dyn Fn(&ChangeHash) -> bool,
) -> Result<Vec<Told>, hopluu_doc::ScanError> {
    if report.voids().next().is_none() {
        return Ok(Vec::new());
    }
    let answers = report.answers();
    let (id, form) = (report.id(), Arc::clone(report.form()));
    let judge = Judge::new(&id, &form, report.genesis());
    let history = report.history()?.into_iter();
    let told = history.filter(|entry| is_asked(&entry.hash));
    let told = told.filter_map(|entry| {
        let (scanned, void) = report.void_change(&entry.hash)?;
        Some(Told {
            names: judge.names(scanned, void),
            void: void.clone(),
            answer: answers.get(&entry.hash).copied(),
            entry,
        })
    });
    Ok(told.collect())
}
