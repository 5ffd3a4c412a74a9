//! Which operations of a change count: its author's rights, held against what each operation writes.
//!
//! A change is admitted whoever wrote it, as long as it is sealed; what its author had no right to write
//! is *void*: it counts in no view, fact, total or lifecycle, and hides nothing of what it wrote over.
//! Changes, rights and the form decide that alone, so every node that has the same ones judges alike.
//!
//! Two marks among the notes belong here. `!` and the hash of a change: a main node has adopted what was
//! void in it, or dismissed it. `~` and a name of its own: the save has *mended* the texts that it names, so
//! that what was deleted there without a right stays deleted, and stands there anew.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use hopluu_form::{Form, Line};
use hopluu_model::{ChangeHash, DocId, OfficeId};
use hopluu_trust::{Act, Allowed, Given, Grant, Void};
use serde::{Deserialize, Serialize};

use crate::attachment::AttachmentKey;
use crate::figure::FigureKey;
use crate::genesis::{Genesis, text_objects};
use crate::layout::text_key;
use crate::lifecycle::{EventEntry, LifecycleEvent};
use crate::marks::{is_mended, mended_texts};
use crate::report::{TextKey, Touched};
use crate::scan::{MapOp, ScannedChange, TextObject};

/// What of one change counts nowhere, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidOps {
    /// Why; of several reasons the gravest.
    pub why: Void,
    /// The numbers of its void writes of figures, notes and events, ascending.
    ops: Vec<u64>,
    /// The texts in which its edits are void, ascending.
    texts: Vec<TextObject>,
}

impl VoidOps {
    #[cfg(test)]
    pub(crate) fn of(ops: &[u64]) -> Self {
        Self {
            why: Void::NoGrant,
            ops: ops.to_vec(),
            texts: Vec::new(),
        }
    }

    /// Whether its write of this number is void.
    #[must_use]
    pub fn holds(&self, counter: u64) -> bool {
        self.ops.binary_search(&counter).is_ok()
    }

    /// Whether what it did to a text is void.
    #[must_use]
    pub fn holds_text(&self, object: &TextObject) -> bool {
        self.texts.binary_search(object).is_ok()
    }

    /// As it is stored.
    ///
    /// # Panics
    /// Never: numbers always serialise into memory.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("numbers serialise into memory")
    }

    /// Reads what [`Self::encode`] wrote; nothing where it did not.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

/// What counts nowhere in a document, by change.
pub type Voids = BTreeMap<ChangeHash, VoidOps>;

/// Changes and everything that they build upon, as far as it is among those given, each with its parents. For what
/// stands of something revoked.
#[must_use]
pub fn ancestors<'a>(
    heads: impl IntoIterator<Item = ChangeHash>,
    graph: impl IntoIterator<Item = (ChangeHash, &'a [ChangeHash])>,
) -> BTreeSet<ChangeHash> {
    let graph: BTreeMap<_, _> = graph.into_iter().collect();
    let mut next: Vec<ChangeHash> = heads.into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(hash) = next.pop() {
        if found.insert(hash) {
            next.extend(graph.get(&hash).copied().unwrap_or_default());
        }
    }
    found
}

/// Judges what is written in one report, by one version of its form.
#[derive(Debug)]
pub struct Judge<'a> {
    doc: DocId,
    form: &'a Form,
    /// The number of genesis' last operation.
    max_op: u64,
    /// Made when somebody is asked about who may not write all.
    texts: OnceCell<BTreeMap<TextObject, TextKey>>,
}

impl<'a> Judge<'a> {
    /// A judge for a document.
    #[must_use]
    pub fn new(doc: &DocId, form: &'a Form, genesis: &Genesis) -> Self {
        Self {
            doc: *doc,
            form,
            max_op: genesis.max_op,
            texts: OnceCell::new(),
        }
    }

    fn text(&self, object: &TextObject) -> Option<&TextKey> {
        self.texts().get(object)
    }

    /// The texts that the form asks for, by the object that each is in the document.
    pub(crate) fn texts(&self) -> &BTreeMap<TextObject, TextKey> {
        let make = || text_objects(&self.doc, self.form, self.max_op);
        self.texts.get_or_init(make)
    }

    /// The grant by which something may be written; none for a main node, which needs none.
    ///
    /// # Errors
    /// Why it is void.
    pub fn right<'g>(
        &self,
        touched: &Touched,
        allowed: &Allowed<'g>,
    ) -> Result<Option<&'g Given<Grant>>, Void> {
        match touched {
            Touched::Figure(key, _) | Touched::Note(key, _) => self.judge_key(key, allowed),
            Touched::Text { key, .. } => allowed.judge(&text(key)),
            Touched::Attached(_) | Touched::Detached(..) => allowed.judge(&Act::Attachment),
            Touched::Event(event) => allowed.judge(&step(event)),
        }
    }

    /// What of a change counts nowhere; nothing where all of it does.
    #[must_use]
    pub fn void_in(&self, change: &ScannedChange, allowed: &Allowed<'_>) -> Option<VoidOps> {
        let mut found = Found::default();
        for op in &change.events {
            let entry = EventEntry::read(&op.key, op.op, &op.value);
            let act = entry
                .as_ref()
                .map_or(Act::Other, |entry| step(&entry.event));
            found.op(op, allowed.judge(&act));
        }
        if matches!(allowed, Allowed::Everything { .. }) {
            return found.void();
        }
        for op in &change.figures {
            found.op(op, self.judge_figure(&op.key, allowed));
        }
        for op in &change.notes {
            found.op(op, self.judge_note(op, allowed));
        }
        for edit in &change.texts {
            // What the form has no text for is shown to nobody.
            let Some(key) = self.text(&edit.object) else {
                continue;
            };
            if let Err(why) = allowed.judge(&text(key)) {
                found.texts.insert(edit.object);
                found.why = found.why.max(Some(why));
            }
        }
        found.void()
    }

    /// What is void of a change, as a person names it: `II.1@police`, `funds@police`, `signed`.
    #[must_use]
    pub fn names(&self, change: &ScannedChange, void: &VoidOps) -> Vec<String> {
        let keyed = |ops: &[MapOp]| -> Vec<String> {
            let void = ops.iter().filter(|op| void.holds(op.op.counter));
            void.map(|op| op.key.clone()).collect()
        };
        let mut names = keyed(&change.figures);
        names.extend(keyed(&change.notes));
        let texts = void.texts.iter().filter_map(|object| self.text(object));
        names.extend(texts.map(|(section, office)| text_key(section, office)));
        let events = change.events.iter().filter(|op| void.holds(op.op.counter));
        let read = events.filter_map(|op| EventEntry::read(&op.key, op.op, &op.value));
        names.extend(read.map(|entry| entry.event.step().to_string()));
        names.sort_unstable();
        names.dedup();
        names
    }

    fn judge_figure<'g>(&self, key: &str, allowed: &Allowed<'g>) -> Judged<'g> {
        match key.parse() {
            Ok(key) => self.judge_key(&key, allowed),
            Err(_) => allowed.judge(&Act::Other),
        }
    }

    fn judge_key<'g>(&self, key: &FigureKey, allowed: &Allowed<'g>) -> Judged<'g> {
        let is_own = allowed
            .office()
            .is_some_and(|office| is_own(self.form, key, office));
        let code = &key.code;
        allowed.judge(&Act::Line { code, is_own })
    }

    fn judge_note<'g>(&self, op: &MapOp, allowed: &Allowed<'g>) -> Judged<'g> {
        if op.key.parse::<AttachmentKey>().is_ok() {
            allowed.judge(&Act::Attachment)
        } else if is_mended(&op.key) {
            let mut judged = mended_texts(&op.value).map(|key| allowed.judge(&text(&key)));
            judged.try_fold(None, |_, judged| judged)
        } else {
            self.judge_figure(&op.key, allowed)
        }
    }
}

/// The grant that allows something, none where none is needed, or why it is void.
pub(crate) type Judged<'g> = Result<Option<&'g Given<Grant>>, Void>;

/// Whether a form gives a figure to an office.
fn is_own(form: &Form, key: &FigureKey, office: &OfficeId) -> bool {
    let value = form.line(&key.code).and_then(Line::value);
    let knows = value.is_some_and(|value| value.offices().any(|known| known == office));
    knows && key.office.as_ref().is_none_or(|part| part == office)
}

fn text((section, office): &TextKey) -> Act<'_> {
    Act::Text { section, office }
}

fn step(event: &LifecycleEvent) -> Act<'_> {
    let part = match event {
        LifecycleEvent::Contributed(office) => Some(office),
        _ => None,
    };
    Act::Step(event.step(), part)
}

/// What has been found void in a change.
#[derive(Default)]
struct Found {
    why: Option<Void>,
    ops: BTreeSet<u64>,
    texts: BTreeSet<TextObject>,
}

impl Found {
    fn op(&mut self, op: &MapOp, judged: Judged<'_>) {
        if let Err(why) = judged {
            self.ops.insert(op.op.counter);
            self.why = self.why.max(Some(why));
        }
    }

    fn void(self) -> Option<VoidOps> {
        Some(VoidOps {
            why: self.why?,
            ops: self.ops.into_iter().collect(),
            texts: self.texts.into_iter().collect(),
        })
    }
}
