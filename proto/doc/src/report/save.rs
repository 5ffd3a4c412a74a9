//! One save, one change.

use std::collections::BTreeSet;

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId as DocActor, AutomergeError, ObjId, ReadDoc};
use hopluu_model::{ActorId, ChangeHash, OfficeId, SectionId};
use unicode_normalization::UnicodeNormalization;

use super::Report;
use crate::attachment::AttachmentKey;
use crate::edit::{
    Edit, EditError, SaveContext, SaveMessage, SavedChange, check_figure, check_length,
};
use crate::genesis::{DerivedChange, derive_text};
use crate::layout::text_key;
use crate::lifecycle::{EventEntry, LifecycleEvent, LifecycleState};
use crate::limits::{
    ATTACHMENTS_PER_DOC_MAX, EDITS_PER_SAVE_MAX, EVENT_BYTES_MAX, EVENTS_NAMED_MAX,
    MESSAGE_BYTES_MAX, NOTE_BYTES_MAX, SCAN_LIMITS, TEXT_CHARS_MAX,
};
use crate::scan::scan;
use crate::splice::splices;

impl Report {
    /// Writes all edits as one change, or nothing at all; no change where all of it stands already.
    ///
    /// # Errors
    /// An edit has no place in the form or exceeds a bound; the report is as it was.
    pub fn save(
        &mut self,
        ctx: &SaveContext,
        edits: &[Edit],
    ) -> Result<Option<SavedChange>, EditError> {
        if edits.len() > EDITS_PER_SAVE_MAX {
            return Err(EditError::TooManyEdits(edits.len()));
        }
        let message = SaveMessage {
            office: ctx.office.clone(),
            text: nfc(&ctx.message),
        }
        .encode();
        let length = message.as_ref().map_or(0, String::len);
        check_length("message", "bytes", length, MESSAGE_BYTES_MAX)?;

        self.check_attachments(edits)?;
        let mut next = self.clone();
        let derived = next.declare_texts(edits)?;
        next.doc.set_actor(DocActor::from(ctx.actor.0));
        let written = next.write(ctx.actor, edits, message, ctx.at.0)?;
        let Some(hash) = written else { return Ok(None) };
        let Some(mut change) = next.doc.get_change_by_hash(&hash) else {
            return Ok(None);
        };
        let bytes = change.bytes().into_owned();
        // Whatever another node would refuse must not come into being here.
        let scanned = scan(&bytes, &SCAN_LIMITS).map_err(EditError::BeyondBounds)?;
        *self = next;
        Ok(Some(SavedChange {
            hash: ChangeHash(hash.0),
            bytes,
            deps: scanned.deps.clone(),
            derived,
            scanned,
        }))
    }

    /// A report keeps only so many, on every node the same, so more must not come into being.
    fn check_attachments(&self, edits: &[Edit]) -> Result<(), EditError> {
        let new = edits.iter().filter_map(|edit| match edit {
            Edit::Attach(attachment) => Some(attachment.hash),
            _ => None,
        });
        let new: BTreeSet<_> = new.collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut named: BTreeSet<_> = self.attachments().into_keys().collect();
        named.extend(new);
        if named.len() > ATTACHMENTS_PER_DOC_MAX {
            return Err(EditError::TooManyAttachments);
        }
        Ok(())
    }

    /// Declares the texts of later minor versions that the edits are the first to write to.
    fn declare_texts(&mut self, edits: &[Edit]) -> Result<Vec<DerivedChange>, EditError> {
        let mut derived = Vec::new();
        for edit in edits {
            let Edit::SetText {
                section,
                office,
                text,
            } = edit
            else {
                continue;
            };
            let unknown = || EditError::UnknownText {
                section: section.clone(),
                office: office.clone(),
            };
            let known = self
                .form
                .texts()
                .any(|(s, o)| s.id == *section && o == office);
            if !known {
                return Err(unknown());
            }
            let key = text_key(section, office);
            let missing = self.doc.get(&self.objects.texts, key.as_str())?.is_none();
            if missing && !text.is_empty() {
                let change = derive_text(&self.id, &self.genesis, &key)?;
                self.doc.load_incremental(&change.bytes)?;
                derived.push(change);
            }
        }
        Ok(derived)
    }

    fn write(
        &mut self,
        actor: ActorId,
        edits: &[Edit],
        message: Option<String>,
        at: i64,
    ) -> Result<Option<automerge::ChangeHash>, EditError> {
        let mut events = EventWriter::new(self, actor);
        let mut tx = self.doc.transaction();
        for edit in edits {
            match edit {
                Edit::SetFigure { key, value } | Edit::Settle { key, value } => {
                    check_figure(&self.form, key)?;
                    set(
                        &mut tx,
                        &self.objects.figures,
                        &key.to_string(),
                        &value.to_string(),
                    )?;
                }
                Edit::SetNote { key, text } => {
                    if self.form.line(&key.code).is_none() {
                        return Err(EditError::UnknownLine(key.code.clone()));
                    }
                    let text = nfc(text);
                    check_length("note", "bytes", text.len(), NOTE_BYTES_MAX)?;
                    set(&mut tx, &self.objects.notes, &key.to_string(), &text)?;
                }
                Edit::SetText {
                    section,
                    office,
                    text,
                } => {
                    set_text(&mut tx, &self.objects.texts, (section, office), text)?;
                }
                Edit::Attach(attachment) => {
                    let key = AttachmentKey(attachment.hash).to_string();
                    set(&mut tx, &self.objects.notes, &key, &attachment.encode())?;
                }
                Edit::Detach(hash) => {
                    let key = AttachmentKey(*hash).to_string();
                    if tx.get(&self.objects.notes, key.as_str())?.is_none() {
                        return Err(EditError::UnknownAttachment(*hash));
                    }
                    set(&mut tx, &self.objects.notes, &key, "")?;
                }
                Edit::Event(event) => {
                    let (key, text) = events.next(event)?;
                    tx.put(&self.objects.events, key, text)?;
                }
            }
        }
        let mut options = CommitOptions::default().with_time(at);
        if let Some(message) = message {
            options = options.with_message(message);
        }
        Ok(tx.commit_with(options).0)
    }
}

/// Names events and links each to those before it.
struct EventWriter {
    actor: ActorId,
    /// How many this actor has written; nobody else writes under its name.
    written: usize,
    /// The events that no other names.
    standing: Vec<String>,
}

impl EventWriter {
    fn new(report: &Report, actor: ActorId) -> Self {
        let prefix = format!("{actor}.");
        let written = report
            .doc
            .keys(&report.objects.events)
            .filter(|key| key.starts_with(&prefix))
            .count();
        let LifecycleState { standing, .. } = report.state();
        let standing = standing
            .into_iter()
            .map(|entry| entry.key)
            .take(EVENTS_NAMED_MAX)
            .collect();
        Self {
            actor,
            written,
            standing,
        }
    }

    fn next(&mut self, event: &LifecycleEvent) -> Result<(String, String), EditError> {
        let text = nfc(&EventEntry::encode(event, &self.standing));
        check_length("reason", "bytes", text.len(), EVENT_BYTES_MAX)?;
        self.written += 1;
        let key = format!("{}.{}", self.actor, self.written);
        self.standing = vec![key.clone()];
        Ok((key, text))
    }
}

/// Sets a key unless all that is visible there says so already.
fn set(
    tx: &mut Transaction<'_>,
    map: &ObjId,
    key: &str,
    value: &str,
) -> Result<(), AutomergeError> {
    let present = tx.get_all(map, key)?;
    let mut says_so = present
        .iter()
        .map(|(found, _)| found.as_str() == Some(value));
    if !present.is_empty() && says_so.clone().all(|same| same) {
        return Ok(());
    }
    if says_so.any(|same| same) {
        // Automerge settles for the winning value by deleting the others, and such a settlement is
        // lost against a concurrent one. Written over something else it supersedes all of them.
        let other = if value.is_empty() {
            BETWEEN_EMPTY
        } else {
            BETWEEN
        };
        tx.put(map, key, other)?;
    }
    tx.put(map, key, value)
}

/// What stands for the length of one operation where a settlement is written: see [`set`].
const BETWEEN: &str = "";
/// The same where the value itself is empty.
const BETWEEN_EMPTY: &str = " ";

fn set_text(
    tx: &mut Transaction<'_>,
    texts: &ObjId,
    (section, office): (&SectionId, &OfficeId),
    text: &str,
) -> Result<(), EditError> {
    let text = nfc(text).replace("\r\n", "\n").replace('\r', "\n");
    check_length("text", "characters", text.chars().count(), TEXT_CHARS_MAX)?;
    // Absent only if it is a later minor's and stays empty.
    let Some((_, object)) = tx.get(texts, text_key(section, office))? else {
        return Ok(());
    };
    let present = tx.text(&object)?;
    for splice in splices(&present, &text) {
        let delete = isize::try_from(splice.delete).unwrap_or(isize::MAX);
        tx.splice_text(&object, splice.at, delete, &splice.insert)?;
    }
    Ok(())
}

fn nfc(text: &str) -> String {
    text.nfc().collect()
}
