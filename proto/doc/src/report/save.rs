//! One save, one change.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transactable, Transaction};
use automerge::{ActorId as DocActor, AutomergeError, ObjId, ReadDoc};
use hopluu_model::{ActorId, ChangeHash};
use unicode_normalization::UnicodeNormalization;

use super::{MapOf, Report, TextKey};
use crate::attachment::AttachmentKey;
use crate::edit::{
    Edit, EditError, SaveContext, SaveMessage, SavedChange, check_figure, check_length,
};
use crate::facts::Registers;
use crate::genesis::{DerivedChange, derive_text};
use crate::layout::text_key;
use crate::lifecycle::{EventEntry, LifecycleEvent, LifecycleState};
use crate::limits::{
    ATTACHMENTS_PER_DOC_MAX, EDITS_PER_SAVE_MAX, EVENT_BYTES_MAX, EVENTS_NAMED_MAX,
    MESSAGE_BYTES_MAX, NOTE_BYTES_MAX, SCAN_LIMITS, TEXT_CHARS_MAX,
};
use crate::marks::{AnswerKey, encode_mended, mended_key};
use crate::scan::scan;
use crate::splice::{Splice, splices};
use crate::words::Words;

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
        if let Some(past) = &mut next.past {
            past.follow([&scanned]);
        }
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

    /// A key for the texts that a save mends, which no other save has.
    fn next_mended_key(&self, actor: ActorId) -> String {
        let prefix = mended_key(actor, "");
        let keys = self.doc.keys(&self.objects.notes);
        let written = keys.filter(|key| key.starts_with(&prefix)).count();
        mended_key(actor, &(written + 1).to_string())
    }

    fn write(
        &mut self,
        actor: ActorId,
        edits: &[Edit],
        message: Option<String>,
        at: i64,
    ) -> Result<Option<automerge::ChangeHash>, EditError> {
        let mut events = EventWriter::new(self, actor);
        let mut texts = TextWriter::new(self, edits);
        let figures = Values::new(self, MapOf::Figures);
        let notes = Values::new(self, MapOf::Notes);
        let mended = self.next_mended_key(actor);
        let mut tx = self.doc.transaction();
        for edit in edits {
            match edit {
                Edit::SetFigure { key, value } | Edit::Settle { key, value } => {
                    check_figure(&self.form, key)?;
                    figures.set(&mut tx, &key.to_string(), &value.to_string())?;
                }
                Edit::SetNote { key, text } => {
                    if self.form.line(&key.code).is_none() {
                        return Err(EditError::UnknownLine(key.code.clone()));
                    }
                    let text = nfc(text);
                    check_length("note", "bytes", text.len(), NOTE_BYTES_MAX)?;
                    notes.set(&mut tx, &key.to_string(), &text)?;
                }
                Edit::SetText {
                    section,
                    office,
                    text,
                } => {
                    texts.set(&mut tx, &(section.clone(), office.clone()), text)?;
                }
                Edit::Attach(attachment) => {
                    let key = AttachmentKey(attachment.hash).to_string();
                    notes.set(&mut tx, &key, &attachment.encode())?;
                }
                Edit::Detach(hash) => {
                    let key = AttachmentKey(*hash).to_string();
                    if tx.get(&self.objects.notes, key.as_str())?.is_none() {
                        return Err(EditError::UnknownAttachment(*hash));
                    }
                    notes.set(&mut tx, &key, "")?;
                }
                Edit::Answer { change, answer } => {
                    let key = AnswerKey(*change).to_string();
                    notes.set(&mut tx, &key, answer.as_str())?;
                }
                Edit::Event(event) => {
                    let (key, text) = events.next(event)?;
                    tx.put(&self.objects.events, key, text)?;
                }
            }
        }
        if !texts.mended.is_empty() {
            tx.put(&self.objects.notes, mended, encode_mended(&texts.mended))?;
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

/// The values of one map, as a save finds them.
struct Values {
    map: ObjId,
    /// By key the operations that count, where something is void: what Automerge shows may be void,
    /// or hidden by what is.
    judged: Option<Registers>,
}

impl Values {
    fn new(report: &Report, of: MapOf) -> Self {
        Self {
            map: report.objects.map(of).clone(),
            judged: report.judged(of, None),
        }
    }

    /// Sets a key unless all that counts there says so already.
    fn set(&self, tx: &mut Transaction<'_>, key: &str, value: &str) -> Result<(), AutomergeError> {
        let present = tx.get_all(&self.map, key)?;
        let shown: Vec<_> = present.iter().map(|(found, _)| found.as_str()).collect();
        let stands = match &self.judged {
            None => all_say(shown.iter().copied(), value),
            Some(registers) => {
                let counting = registers.get(key).into_iter().flatten();
                all_say(counting.map(|fact| Some(fact.value.as_str())), value)
            }
        };
        if stands {
            return Ok(());
        }
        if shown.contains(&Some(value)) {
            // Automerge settles for the winning value by deleting the others, and such a settlement is
            // lost against a concurrent one. Written over something else it supersedes all of them.
            let other = if value.is_empty() {
                BETWEEN_EMPTY
            } else {
                BETWEEN
            };
            tx.put(&self.map, key, other)?;
        }
        tx.put(&self.map, key, value)
    }
}

/// Whether there are values, and all say the same.
fn all_say<'a>(values: impl Iterator<Item = Option<&'a str>>, value: &str) -> bool {
    let mut values = values.peekable();
    values.peek().is_some() && values.all(|found| found == Some(value))
}

/// What stands for the length of one operation where a settlement is written: see [`Values::set`].
const BETWEEN: &str = "";
/// The same where the value itself is empty.
const BETWEEN_EMPTY: &str = " ";

/// Writes texts, and mends first those in which something is void: what Automerge shows is made into what
/// counts, so that what is typed stands where it was typed.
struct TextWriter {
    texts: ObjId,
    words: BTreeMap<TextKey, Words>,
    mended: BTreeSet<TextKey>,
}

impl TextWriter {
    fn new(report: &Report, edits: &[Edit]) -> Self {
        let objects = report.text_objects();
        let written = edits.iter().filter_map(|edit| match edit {
            Edit::SetText {
                section, office, ..
            } => Some((section.clone(), office.clone())),
            _ => None,
        });
        let words = written.filter_map(|key| {
            let words = report.words(objects.get(&key)?, None)?;
            Some((key, words))
        });
        Self {
            texts: report.objects.texts.clone(),
            words: words.collect(),
            mended: BTreeSet::new(),
        }
    }

    fn set(
        &mut self,
        tx: &mut Transaction<'_>,
        key: &TextKey,
        text: &str,
    ) -> Result<(), EditError> {
        let text = nfc(text).replace("\r\n", "\n").replace('\r', "\n");
        check_length("text", "characters", text.chars().count(), TEXT_CHARS_MAX)?;
        // Absent only if it is a later minor's and stays empty.
        let Some((_, object)) = tx.get(&self.texts, text_key(&key.0, &key.1))? else {
            return Ok(());
        };
        // A second write to it in this save finds it mended.
        if let Some(words) = self.words.remove(key) {
            let mending = words.mending();
            if words.text() == text {
                return Ok(());
            }
            if !mending.is_empty() {
                splice(tx, &object, &mending)?;
                self.mended.insert(key.clone());
            }
        }
        let present = tx.text(&object)?;
        splice(tx, &object, &splices(&present, &text))
    }
}

fn splice(tx: &mut Transaction<'_>, text: &ObjId, splices: &[Splice]) -> Result<(), EditError> {
    for splice in splices {
        let delete = isize::try_from(splice.delete).unwrap_or(isize::MAX);
        tx.splice_text(text, splice.at, delete, &splice.insert)?;
    }
    Ok(())
}

fn nfc(text: &str) -> String {
    text.nfc().collect()
}
