//! What somebody wrote who may not: shown, adopted, dismissed.

use std::collections::BTreeSet;
use std::sync::Arc;

use hopluu_doc::{Answer, DocKey, Edit, FactsView, HistoryEntry, Judge, Report};
use hopluu_model::{ChangeHash, DocId, ErrorChain, Step};
use hopluu_store::DbError;
use hopluu_trust::{Act, Void};

use crate::core::Core;
use crate::docket::SealedBy;
use crate::edit::Made;
use crate::error::CommandError;
use crate::resolve::Meant;
use crate::show::wrote;
use crate::turn::{Reply, Turn};
use crate::view::{Saved, Selector, VoidQuery, VoidView};

/// A change of which something is void, as an open document tells of it.
struct Told {
    entry: HistoryEntry,
    why: Void,
    names: Vec<String>,
    answer: Option<Answer>,
}

impl Core {
    /// The changes of which something counts nowhere, document by document.
    ///
    /// # Errors
    /// When the store or a document cannot be read.
    pub fn void_list(&mut self, query: &VoidQuery) -> Result<Vec<VoidView>, CommandError> {
        let docs = self.docs_with_void().map_err(CommandError::Store)?;
        let mut views = Vec::new();
        for doc in docs {
            views.extend(self.voids_of(doc, query)?);
        }
        Ok(views)
    }

    /// Those in which an author had no right, and those in which a step was taken out of order, which no record says.
    fn docs_with_void(&self) -> Result<Vec<DocId>, DbError> {
        let read = self.store().read()?;
        let judged: BTreeSet<_> = read.void_docs()?.into_iter().collect();
        let mut docs = Vec::new();
        read.for_each_doc(|row| docs.push(row.doc))?;
        let mut found = Vec::new();
        for doc in docs {
            let is_out_of_order = || -> Result<bool, DbError> {
                let body = read.facts(doc)?.unwrap_or_default();
                let state = FactsView::new(&body).and_then(|facts| facts.state());
                Ok(state.is_ok_and(|state| !state.out_of_order.is_empty()))
            };
            if judged.contains(&doc) || is_out_of_order()? {
                found.push(doc);
            }
        }
        Ok(found)
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
                why: one.why.as_str().to_owned(),
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
        self.must_issue("answer for what is void")?;
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
        // What was adopted counts, in the name of whoever did; what was dismissed may still be adopted.
        let told = void.answer.as_deref();
        if told == Some(Answer::Adopted.as_str())
            || (!is_adopted && told == Some(Answer::Dismissed.as_str()))
        {
            return Err(CommandError::Refused {
                what: "the answer",
                detail: format!("{} was answered already", change.short()),
            });
        }
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
        if is_adopted {
            self.may_adopt(&meant, &void.what, &adopted)?;
        }
        // What was written in the wrong document is adopted into the right one.
        let edits = if is_adopted { adopted } else { Vec::new() };
        let answer = Edit::Answer { change, answer };
        self.make_all(turn.now, meant, edits, (key, answer))
    }
}

impl Core {
    /// Adopting is writing: a step that would not count, or is a superior's to take, is not written in one's own name.
    fn may_adopt(
        &self,
        meant: &Meant,
        what: &[String],
        edits: &[Edit],
    ) -> Result<(), CommandError> {
        let refused = |step: &str, why| CommandError::NotGranted {
            what: step.to_owned(),
            why,
        };
        let is_superior = self.me().unit != meant.key.unit;
        let steps = edits.iter().filter_map(|edit| match edit {
            Edit::Event(event) => Some(event.step()),
            _ => None,
        });
        for step in steps {
            if !is_superior && Act::Step(step, None).is_superior_s() {
                return Err(refused(step.as_str(), Void::NotSuperior));
            }
        }
        let is_step = |name: &&String| Step::ALL.iter().any(|step| step.as_str() == *name);
        match what.iter().find(is_step) {
            Some(step) if edits.is_empty() => Err(refused(step, Void::OutOfOrder)),
            _ => Ok(()),
        }
    }
}

fn told(
    report: &mut Report,
    is_asked: &dyn Fn(&ChangeHash) -> bool,
) -> Result<Vec<Told>, hopluu_doc::ScanError> {
    let late = report.out_of_order(&report.state());
    if late.is_empty() && report.voids().next().is_none() {
        return Ok(Vec::new());
    }
    let answers = report.answers();
    let (id, form) = (report.id(), Arc::clone(report.form()));
    let judge = Judge::new(&id, &form, report.genesis());
    let history = report.history()?.into_iter();
    let told = history.filter(|entry| is_asked(&entry.hash));
    let told = told.filter_map(|entry| {
        let void = report.void_change(&entry.hash);
        let late = late.get(&entry.hash);
        let why = void.map(|(_, void)| void.why);
        let names = void.map(|(scanned, void)| judge.names(scanned, void));
        let late_names = late
            .into_iter()
            .flatten()
            .map(|event| event.step().to_string());
        Some(Told {
            why: why.or(late.map(|_| Void::OutOfOrder))?,
            names: names.into_iter().flatten().chain(late_names).collect(),
            answer: answers.get(&entry.hash).copied(),
            entry,
        })
    });
    Ok(told.collect())
}
