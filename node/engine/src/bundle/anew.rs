//! A report said anew for paper: its figures and notes as they stand, in a save that needs no other.
//!
//! What a receiver lacks of a report may be a hundred saves, and each is of no use without those before it.
//! So the node writes the figures once more, apart from all of them, as an office that starts the report
//! on its own would. It is a save like any other: equal values are no conflict, and whatever is written
//! later writes over both.

use std::collections::BTreeMap;
use std::sync::Arc;

use hopluu_doc::{DocKey, Edit, Member, Register, Report, SaveContext, SavedChange, pack};
use hopluu_form::Form;
use hopluu_model::{ActorId, EntryKind, Scalar, Seq, Timestamp};
use hopluu_store::{DbError, WriteError};
use hopluu_sync::Incoming;
use hopluu_trust::Seal;

use super::BundleError;
use crate::admit::Admitted;
use crate::core::Core;
use crate::edit::home_of;
use crate::error::CommandError;
use crate::open_docs::guarded;
use crate::resolve::Meant;
use crate::turn::{Reply, Turn};
use crate::view::{DiskState, Selector};

/// Figures and notes in one save: half a code of those with long notes, so that two codes share a report.
const EDITS_PER_SAVE: usize = 64;

impl Core {
    /// Writes the figures of a report once more; the answer is the end of the journal before them.
    pub(crate) fn bundle_anew(&mut self, turn: &mut Turn, report: &Selector, reply: Reply<Seq>) {
        let entries = match self.said_anew(turn.now, report) {
            Ok(entries) => entries,
            Err(error) => return reply(Err(error)),
        };
        let admission = self.admission(None, turn.now);
        self.submit(
            move |tx| -> Result<_, DbError> {
                let before = tx.last_seq()?;
                Ok((before, admission.push(tx, &entries)?))
            },
            move |core, turn, result: Result<(Seq, Admitted), WriteError<DbError>>| match result {
                Ok((before, admitted)) => {
                    core.disk_is(turn, DiskState::Good);
                    let is_whole = admitted.refused.is_empty();
                    core.let_in(turn, admitted, None);
                    reply(if is_whole {
                        Ok(before)
                    } else {
                        Err(CommandError::Refused {
                            what: "the bundle",
                            detail: "this node does not take its own figures".to_owned(),
                        })
                    });
                }
                Err(error) => reply(Err(core.write_failed(turn, error))),
            },
        );
    }

    fn said_anew(
        &mut self,
        now: Timestamp,
        selector: &Selector,
    ) -> Result<Vec<Incoming>, CommandError> {
        let meant = self.ours(selector)?;
        if !self.exists(meant.key.id())? {
            return Err(no_report(meant, selector));
        }
        let state = self.on_report(&meant.key, &meant.form, |report| report.state())?;
        // What was withdrawn counts nowhere, and must not come to count by being said again.
        if state.is_withdrawn() {
            return Err(no_report(meant, selector));
        }
        let figures = self.figures(&meant.key, &meant.form)?;
        let notes = self.notes(&meant.key, &meant.form)?;
        let is_unsettled = |(_, register): &(_, &Register)| register.is_unsettled();
        if let Some((key, _)) = figures.iter().find(is_unsettled) {
            let code = key.to_string();
            return Err(BundleError::Unsettled { code }.into());
        }
        let figures = figures.iter().filter_map(|(key, register)| {
            let value = register.scalar().filter(Scalar::is_answer)?;
            let key = key.clone();
            Some(Edit::SetFigure { key, value })
        });
        let notes = notes.iter().filter_map(|(key, register)| {
            let text = register.agreed().filter(|text| !text.is_empty())?;
            let (key, text) = (key.clone(), text.to_owned());
            Some(Edit::SetNote { key, text })
        });
        let mut parts: BTreeMap<DocKey, Vec<Edit>> = BTreeMap::new();
        for edit in figures.chain(notes) {
            parts.entry(home_of(&edit, &meant)).or_default().push(edit);
        }
        let mut travelling = Vec::new();
        for (key, edits) in parts {
            let context = SaveContext {
                actor: self.fresh_actor(),
                at: now,
                office: None,
                message: String::new(),
            };
            let saves = self.write_apart(&key, &meant.form, &context, &edits)?;
            travelling.push(self.travelling(&key, context.actor, &saves));
        }
        Ok(travelling)
    }

    /// Makes the saves in a copy that has nothing but the beginning of the document.
    fn write_apart(
        &self,
        key: &DocKey,
        form: &Arc<Form>,
        context: &SaveContext,
        edits: &[Edit],
    ) -> Result<Vec<SavedChange>, CommandError> {
        let doc = key.id();
        let made = guarded(doc, || {
            let beginning = self.beginnings.of(key, form);
            let beginning = beginning.map_err(|error| error.to_string())?;
            let nothing = std::iter::empty::<&[u8]>();
            let report = Report::load_upon(beginning, key.clone(), form, None, nothing);
            let mut report = report.map_err(|error| error.to_string())?;
            let mut saves = Vec::new();
            for edits in edits.chunks(EDITS_PER_SAVE) {
                let saved = report.save(context, edits);
                saves.extend(saved.map_err(|error| error.to_string())?);
            }
            Ok(saves)
        })?;
        made.map_err(|detail: String| CommandError::Damaged {
            doc: doc.to_string(),
            detail,
        })
    }

    fn travelling(&self, key: &DocKey, actor: ActorId, saves: &[SavedChange]) -> Incoming {
        let (doc, account) = (key.id(), self.author().account);
        let sealed = |saved: &SavedChange| {
            let seal = Seal::sign(self.signer(), doc, vec![actor], saved.hash, account.clone());
            seal.expect("one actor and an account's name are within a seal's bounds")
                .to_wire()
        };
        let seals: Vec<Vec<u8>> = saves.iter().map(sealed).collect();
        let members = seals.iter().zip(saves);
        let members: Vec<Member<'_>> = members
            .map(|(seal, saved)| Member {
                seal,
                change: &saved.bytes,
            })
            .collect();
        Incoming {
            kind: EntryKind::Change,
            object: doc.into(),
            descriptor: key.encode(),
            body: pack(&members),
        }
    }
}

pub(super) fn no_report(meant: Meant, selector: &Selector) -> CommandError {
    CommandError::NoReport {
        unit: meant.key.unit,
        form: selector.form.clone(),
        period: selector.period.clone(),
    }
}
