//! Taking a save back is an ordinary edit that writes what was there before.

use std::collections::BTreeSet;
use std::str::FromStr;

use automerge::ReadDoc;
use hopluu_model::{ChangeHash, Digest, OfficeId, Scalar, SectionId};

use super::judged::Heads;
use super::read::op_id;
use super::{MapOf, Report};
use crate::attachment::{Attachment, AttachmentKey};
use crate::edit::{Edit, EditError, SaveContext, SavedChange};
use crate::figure::FigureKey;
use crate::limits::SCAN_LIMITS;
use crate::scan::{MapOp, last_writes, scan};

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The change that takes the save back; nothing if there was nothing to take back.
    pub saved: Option<SavedChange>,
    /// What it left as it is.
    pub kept: Vec<Kept>,
}

/// Something that an undo leaves as it is, because taking it back would take back more than the save.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// Somebody has written the figure since.
    Figure(FigureKey),
    /// The save settled the figure between several values, which one save cannot give back.
    Settled(FigureKey),
    /// Of a note either of the two.
    Note(FigureKey),
    /// Somebody has written anew what the save said of an attachment, or removed it.
    Attachment(Digest),
    /// Somebody has written in the text since.
    Text(SectionId, OfficeId),
    /// Events are never taken back: write the next one.
    Event,
}

impl Report {
    /// Takes back one save: figures and notes get the value they had before it, texts their words.
    /// What others have written over since stays theirs.
    ///
    /// # Errors
    /// There is no such save.
    pub fn undo(&mut self, save: &ChangeHash, ctx: &SaveContext) -> Result<Undone, EditError> {
        let unknown = || EditError::UnknownSave(*save);
        let hash = automerge::ChangeHash(save.0);
        let mut change = self.doc.get_change_by_hash(&hash).ok_or_else(unknown)?;
        if *save == self.genesis.hash {
            return Err(unknown());
        }
        let scanned = scan(&change.bytes(), &SCAN_LIMITS).map_err(EditError::BeyondBounds)?;
        if scanned.declares.is_some() {
            return Err(unknown());
        }
        let before = change.deps().to_vec();
        let mut edits = Vec::new();
        let mut kept = BTreeSet::new();
        for (key, earlier) in self.restorable(MapOf::Figures, &scanned.figures, &before)? {
            let value = match earlier {
                Earlier::Nothing => Some(Scalar::Blank),
                Earlier::Text(text) => text.parse().ok(),
                Earlier::Several => {
                    kept.insert(Kept::Settled(key));
                    continue;
                }
                Earlier::Overwritten => None,
            };
            match value {
                Some(value) => edits.push(Edit::SetFigure { key, value }),
                None => _ = kept.insert(Kept::Figure(key)),
            }
        }
        for (key, earlier) in self.restorable(MapOf::Notes, &scanned.notes, &before)? {
            match earlier {
                Earlier::Nothing => edits.push(Edit::SetNote {
                    key,
                    text: String::new(),
                }),
                Earlier::Text(text) => edits.push(Edit::SetNote { key, text }),
                Earlier::Several | Earlier::Overwritten => _ = kept.insert(Kept::Note(key)),
            }
        }
        let named: Vec<(AttachmentKey, _)> =
            self.restorable(MapOf::Notes, &scanned.notes, &before)?;
        for (AttachmentKey(hash), earlier) in named {
            let edit = match earlier {
                Earlier::Nothing => Some(Edit::Detach(hash)),
                Earlier::Text(text) if text.is_empty() => Some(Edit::Detach(hash)),
                Earlier::Text(text) => Attachment::read(hash, &text).map(Edit::Attach),
                Earlier::Several | Earlier::Overwritten => None,
            };
            match edit {
                Some(edit) => edits.push(edit),
                None => _ = kept.insert(Kept::Attachment(hash)),
            }
        }
        if !scanned.texts.is_empty() {
            self.undo_texts(&before, &[hash], &mut edits, &mut kept)?;
        }
        if !scanned.events.is_empty() {
            kept.insert(Kept::Event);
        }
        let saved = self.save(ctx, &edits)?;
        Ok(Undone {
            saved,
            kept: kept.into_iter().collect(),
        })
    }

    /// The keys of a save with what each held before.
    fn restorable<K: FromStr>(
        &self,
        of: MapOf,
        ops: &[MapOp],
        before: &Heads,
    ) -> Result<Vec<(K, Earlier)>, EditError> {
        let mut out = Vec::new();
        let (now, then) = (self.judged(of, None), self.judged(of, Some(before)));
        for op in last_writes(ops).into_values() {
            let Ok(key) = op.key.parse() else { continue };
            let (is_untouched, earlier) = match (&now, &then) {
                (Some(now), Some(then)) => {
                    let mut now = now.get(&op.key).into_iter().flatten();
                    let then = then.get(&op.key).into_iter().flatten();
                    let earlier = then.map(|fact| fact.value.clone()).collect();
                    (now.all(|fact| fact.op == op.op), earlier)
                }
                _ => self.around(of, op, before)?,
            };
            let mut values = earlier.into_iter();
            out.push(match (is_untouched, values.next(), values.next()) {
                (true, None, _) => (key, Earlier::Nothing),
                (true, Some(text), None) => (key, Earlier::Text(text)),
                (true, Some(_), Some(_)) => (key, Earlier::Several),
                (false, _, _) => (key, Earlier::Overwritten),
            });
        }
        Ok(out)
    }

    /// Whether nobody has written over an operation, and the values before it.
    fn around(
        &self,
        of: MapOf,
        op: &MapOp,
        before: &Heads,
    ) -> Result<(bool, BTreeSet<String>), EditError> {
        let map = self.objects.map(of);
        let now = self.doc.get_all(map, op.key.as_str())?;
        let is_untouched = now.iter().all(|(_, id)| op_id(id) == Some(op.op));
        let earlier = self
            .doc
            .get_all_at(map, op.key.as_str(), before)?
            .into_iter();
        let earlier = earlier.filter_map(|(value, _)| value.into_string().ok());
        Ok((is_untouched, earlier.collect()))
    }

    fn undo_texts(
        &self,
        before: &Heads,
        after: &Heads,
        edits: &mut Vec<Edit>,
        kept: &mut BTreeSet<Kept>,
    ) -> Result<(), EditError> {
        for ((section, office), object) in self.text_objects() {
            let at = |heads: Option<&Heads>| match (self.words(&object, heads), heads) {
                (Some(words), _) => Ok(words.text()),
                (None, Some(heads)) => self.doc.text_at(&object, heads),
                (None, None) => self.doc.text(&object),
            };
            let (earlier, written) = (at(Some(before))?, at(Some(after))?);
            if earlier == written {
                continue;
            }
            if at(None)? == written {
                edits.push(Edit::SetText {
                    section,
                    office,
                    text: earlier,
                });
            } else {
                kept.insert(Kept::Text(section, office));
            }
        }
        Ok(())
    }
}

/// What a key held before a save.
#[derive(Debug)]
enum Earlier {
    /// Nobody had written it. It is cleared: nothing is ever deleted.
    Nothing,
    /// One value.
    Text(String),
    /// Several, between which the save settled.
    Several,
    /// Somebody has written it since.
    Overwritten,
}
