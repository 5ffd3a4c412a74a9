//! What the signed records say: who is enrolled, which forms there are, how the units stand.
//!
//! A pure function of the set of records: the order in which they came does not matter, so nodes
//! that hold the same records read every document alike. Who may say something is asked of the tree
//! when it is read, because either may arrive first.

mod authority;
mod decided;
mod enrolled;
mod forms;
mod readers;
mod replayed;
mod working;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hopluu_form::Form;
use hopluu_form::limits::FORM_BYTES_MAX;
use hopluu_model::tree::{TreeEvent, UnitTree};
use hopluu_model::{ChangeHash, Digest, FormId, NodeId, RecordHash, UnitId};
use hopluu_trust::{
    Authority, Identity, Record, RecordKind, Revocation, Word, decode_chain, verify_line,
};
use serde::{Deserialize, Serialize};

use self::decided::{DecidedEvent, DecidedEvents, may_decide, tree_of};
use self::enrolled::{EnrolledNodes, lines_of};
use self::forms::Forms;
pub(crate) use self::forms::KnownForm;
pub(crate) use self::readers::{closed, has_compartment};
pub(crate) use self::replayed::RecordFlaw;
pub(crate) use self::working::Working;
use crate::limits::{RECORD_BYTES_PER_AUTHOR_MAX, RECORDS_PER_AUTHOR_MAX, TREE_BYTES_MAX};

/// Why a record is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordRefusal {
    /// Its author did not sign it.
    #[error("the signature does not hold")]
    Signature,
    /// Its author is not enrolled here, or not yet.
    #[error("author {} is not known here", .0.short())]
    UnknownAuthor(NodeId),
    /// Its author may not say this.
    #[error("author {} may not issue this", .0.short())]
    NotAnIssuer(NodeId),
    /// Of a kind that this version does not read: kept, it would be kept unjudged.
    #[error("records of kind {0} are not read here")]
    Unread(u8),
    /// Its author has written as much as one may.
    #[error("author {} has written as much as one may", .0.short())]
    Quota(NodeId),
    /// The body is not what its kind asks for.
    #[error("the body is not a {kind}: {detail}")]
    Body {
        /// What it should be.
        kind: &'static str,
        /// What is wrong.
        detail: String,
    },
}

/// What a record changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RecordEffect {
    /// Somebody is enrolled.
    Enrolled,
    /// A form is known.
    Form,
    /// The tree stands differently.
    Tree,
    /// Somebody may write more.
    Grant,
    /// Something holds no longer.
    Revocation(Arc<Revocation>),
    /// The root has said the time.
    Time,
}

/// The body of a form record.
#[derive(Debug, Serialize, Deserialize)]
struct FormBody {
    /// The form's text, packed.
    source: Vec<u8>,
    assigned: Vec<UnitId>,
}

/// How much one author has written.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    records: usize,
    bytes: usize,
}

/// Everything that was decided, as far as this node has heard. Cloning it is cheap, changing a clone
/// copies only the part that changes.
#[derive(Debug, Clone)]
pub(crate) struct Registry {
    root: Digest,
    nodes: EnrolledNodes,
    forms: Forms,
    /// Every form that was handed down, by whom and as of which unit, whether it counts or not.
    handed: Arc<Vec<(NodeId, UnitId, KnownForm)>>,
    base: Option<(RecordHash, Arc<UnitTree>)>,
    events: Arc<DecidedEvents>,
    authority: Authority,
    /// What revocations name as the last changes that stand; nothing while nothing was revoked.
    cuts: Option<Arc<BTreeSet<ChangeHash>>>,
    /// The root's last word of the time.
    time: Option<Word>,
    written: Arc<BTreeMap<NodeId, Written>>,
    tree: Arc<UnitTree>,
    /// Whether something came that the tree does not show yet: many events are folded at once.
    is_tree_due: bool,
    /// The last record of the store that it knows.
    last: Option<(u64, RecordHash)>,
}

impl Registry {
    pub(crate) fn new(root: Digest) -> Self {
        Self {
            root,
            nodes: EnrolledNodes::default(),
            forms: Forms::default(),
            handed: Arc::default(),
            base: None,
            events: Arc::default(),
            authority: Authority::default(),
            cuts: None,
            time: None,
            written: Arc::default(),
            tree: Arc::new(no_units()),
            is_tree_due: false,
            last: None,
        }
    }

    /// Takes in a record that a peer sent: its signature and its author's right are checked.
    pub(crate) fn admit(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        record.verify().map_err(|_| RecordRefusal::Signature)?;
        self.check_quota(record)?;
        match record.kind {
            // Its author is judged with the chain, which names it.
            RecordKind::Certificate => {}
            RecordKind::Form
            | RecordKind::Tree
            | RecordKind::TreeEvent
            | RecordKind::Grant
            | RecordKind::Revocation => self.check_decision(record)?,
            RecordKind::Time if self.nodes.is_root(&record.author) => {}
            RecordKind::Time => return Err(RecordRefusal::NotAnIssuer(record.author)),
            kind => return Err(RecordRefusal::Unread(kind.number())),
        }
        self.learn(record)
    }

    /// Whether the author may decide for the unit that the record is about: from there down.
    fn check_decision(&mut self, record: &Record) -> Result<(), RecordRefusal> {
        let author = &record.author;
        // Everybody's totals hang on the one tree that all changes start from; and of the root's
        // word nothing need be asked of a tree that may itself be on its way.
        if self.nodes.is_root(author) {
            return Ok(());
        }
        let judged = self.judge_decision(record);
        if judged.is_err() && self.is_tree_due {
            // It may rest on what came just before it.
            self.settle();
            return self.judge_decision(record);
        }
        judged
    }

    fn judge_decision(&self, record: &Record) -> Result<(), RecordRefusal> {
        let author = &record.author;
        let identity = self
            .identity(author)
            .ok_or(RecordRefusal::UnknownAuthor(*author))?;
        let is_above = self.tree.is_at_or_below(&record.unit, &identity.place.unit);
        if !identity.may_issue || !is_above || record.kind == RecordKind::Tree {
            return Err(RecordRefusal::NotAnIssuer(*author));
        }
        if record.kind == RecordKind::TreeEvent {
            let event = read_event(record)?;
            if !self.may_decide(author, &event) {
                return Err(RecordRefusal::NotAnIssuer(*author));
            }
        }
        Ok(())
    }

    fn check_quota(&self, record: &Record) -> Result<(), RecordRefusal> {
        let written = self.written.get(&record.author).copied();
        let written = written.unwrap_or_default();
        let is_full = written.records >= RECORDS_PER_AUTHOR_MAX
            || written.bytes.saturating_add(record.body.len()) > RECORD_BYTES_PER_AUTHOR_MAX;
        if is_full && !self.nodes.is_root(&record.author) {
            return Err(RecordRefusal::Quota(record.author));
        }
        Ok(())
    }

    /// Takes in a record that was admitted before, from this node's own store. The tree follows with
    /// [`Self::settle`].
    pub(crate) fn learn(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let effect = match record.kind {
            RecordKind::Certificate => self.learn_certificate(record),
            RecordKind::Form => self.learn_form(record),
            RecordKind::Tree => self.learn_tree(record),
            RecordKind::TreeEvent => self.learn_tree_event(record),
            RecordKind::Grant => self.learn_grant(record),
            RecordKind::Revocation => self.learn_revocation(record),
            RecordKind::Time => self.learn_time(record),
            kind => Err(RecordRefusal::Unread(kind.number())),
        }?;
        let written = Arc::make_mut(&mut self.written)
            .entry(record.author)
            .or_default();
        written.records += 1;
        written.bytes = written.bytes.saturating_add(record.body.len());
        Ok(effect)
    }

    /// Folds what came since the last time into the tree.
    pub(crate) fn settle(&mut self) {
        if !std::mem::take(&mut self.is_tree_due) {
            return;
        }
        let Some((_, base)) = &self.base else { return };
        self.tree = Arc::new(tree_of(base, &self.events, &self.nodes));
        if self.cuts.is_none() {
            return;
        }
        // Who was revoked is asked of the tree with all that anybody has decided; then goes what they decided.
        let base = Arc::clone(base);
        let said = self.events.iter();
        let said = said.filter(|(hash, event)| self.is_said(&event.author, hash));
        let said: DecidedEvents = said
            .map(|(hash, event)| (*hash, Arc::clone(event)))
            .collect();
        let mut forms = Forms::default();
        for (author, by, known) in self.handed.iter() {
            if self.is_said(author, &known.record) {
                forms.insert(by.clone(), known.clone());
            }
        }
        self.forms = forms;
        if said.len() < self.events.len() {
            self.tree = Arc::new(tree_of(&base, &said, &self.nodes));
        }
    }

    fn learn_certificate(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let refuse = |detail: String| RecordRefusal::Body {
            kind: "certificate chain",
            detail,
        };
        let chain = decode_chain(&record.body).map_err(|error| refuse(error.to_string()))?;
        // Validity dates are judged when a link opens: an old seal stays good after its author's
        // certificate has ended.
        let line =
            verify_line(&chain, &self.root, None).map_err(|error| refuse(error.to_string()))?;
        let (Some(leaf), Some(issuer)) = (line.first(), line.get(1)) else {
            return Err(refuse("everybody knows the root".to_owned()));
        };
        if leaf.place.unit != record.unit {
            return Err(refuse("it is for another unit than the record".to_owned()));
        }
        // So that one chain makes one record, whoever would like to sign it again.
        if issuer.place.node != record.author {
            return Err(refuse("the record is not by the issuer".to_owned()));
        }
        // An event may have waited for its author.
        let author = leaf.place.node;
        self.is_tree_due |= self.cuts.is_some();
        self.is_tree_due |= self.events.values().any(|event| event.author == author);
        self.nodes.insert(line, chain);
        Ok(RecordEffect::Enrolled)
    }

    /// This node's own chain tells of everybody up its line: without them no record could be judged,
    /// and a record for each would travel to every other node below them.
    pub(crate) fn learn_line(&mut self, chain: &[Vec<u8>]) {
        let lines = lines_of(chain, &self.root);
        if lines.len() < chain.len() {
            tracing::error!("own chain does not hold");
        }
        for (line, above) in lines {
            if above.len() == chain.len() {
                self.nodes.set_own(line.clone());
            }
            self.nodes.insert(line, above);
        }
    }

    fn learn_form(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let refuse = |detail: String| RecordRefusal::Body {
            kind: "form",
            detail,
        };
        let body: FormBody =
            postcard::from_bytes(&record.body).map_err(|error| refuse(error.to_string()))?;
        let source = unpack(&body.source, FORM_BYTES_MAX).map_err(refuse)?;
        let source = String::from_utf8(source).map_err(|error| refuse(error.to_string()))?;
        let form = Form::parse(&source).map_err(|error| refuse(error.to_string()))?;
        let known = KnownForm {
            form: Arc::new(form),
            assigned: body.assigned,
            record: record.hash(),
        };
        Arc::make_mut(&mut self.handed).push((record.author, record.unit.clone(), known.clone()));
        self.forms.insert(record.unit.clone(), known);
        self.is_tree_due |= self.cuts.is_some();
        Ok(RecordEffect::Form)
    }

    fn learn_tree(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let refuse = |detail: String| RecordRefusal::Body {
            kind: "tree",
            detail,
        };
        let bytes = unpack(&record.body, TREE_BYTES_MAX).map_err(refuse)?;
        let tree = UnitTree::decode(&bytes).map_err(|error| refuse(error.to_string()))?;
        let hash = record.hash();
        if self.base.as_ref().is_none_or(|(known, _)| hash < *known) {
            self.base = Some((hash, Arc::new(tree)));
            self.is_tree_due = true;
        }
        Ok(RecordEffect::Tree)
    }

    fn learn_tree_event(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let decided = DecidedEvent {
            author: record.author,
            event: read_event(record)?,
        };
        Arc::make_mut(&mut self.events).insert(record.hash(), Arc::new(decided));
        self.is_tree_due = true;
        Ok(RecordEffect::Tree)
    }

    fn learn_time(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let word = Word::decode(&record.body).map_err(|error| RecordRefusal::Body {
            kind: "word of the time",
            detail: error.to_string(),
        })?;
        self.time = self.time.max(Some(word));
        Ok(RecordEffect::Time)
    }

    /// The root's last word of the time.
    pub(crate) fn time_word(&self) -> Option<Word> {
        self.time
    }

    /// Who a node is, by a certificate that counts.
    pub(crate) fn identity(&self, node: &NodeId) -> Option<&Identity> {
        self.nodes.identity(node, &self.tree)
    }

    /// Everybody in the chain of a node that counts, the node first.
    pub(crate) fn line(&self, node: &NodeId) -> Option<&[Identity]> {
        self.nodes.line(node, &self.tree)
    }

    /// The chain that a node's certificate came with, leaf first.
    pub(crate) fn chain(&self, node: &NodeId) -> Option<&[Vec<u8>]> {
        self.nodes.chain(node, &self.tree)
    }

    /// Who certified a node, by the certificate of it that counts.
    pub(crate) fn issuer(&self, node: &NodeId) -> Option<NodeId> {
        self.nodes.issuer(node, &self.tree)
    }

    /// Whether everybody in a line lies at or below whom they were certified by.
    pub(crate) fn stands(&self, line: &[Identity]) -> bool {
        self.nodes.stands(line, &self.tree)
    }

    /// Everybody who is enrolled.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.nodes.identities(&self.tree)
    }

    /// Whether an author may decide an event of the tree.
    pub(crate) fn may_decide(&self, author: &NodeId, event: &TreeEvent) -> bool {
        may_decide(&self.nodes, author, event, &self.tree)
    }

    /// The tree of units with every event applied.
    pub(crate) fn tree(&self) -> &Arc<UnitTree> {
        &self.tree
    }

    /// A form in its newest version, as it is known at a unit.
    pub(crate) fn form(&self, id: &FormId, at: &UnitId) -> Option<&KnownForm> {
        self.forms.newest(id, at, &self.tree)
    }

    /// The unit that hands a form down to another.
    pub(crate) fn form_owner(&self, id: &FormId, unit: &UnitId) -> Option<&UnitId> {
        self.forms.owner_of(id, unit, &self.tree)
    }

    /// The newest minor of a form's major version: a unit's documents are read by it.
    pub(crate) fn form_of_major(
        &self,
        id: &FormId,
        major: u16,
        unit: &UnitId,
    ) -> Option<&KnownForm> {
        self.forms.of_major(id, major, unit, &self.tree)
    }

    /// A form in each of its major versions, as it is known at a unit.
    pub(crate) fn majors(&self, id: &FormId, at: &UnitId) -> BTreeMap<u16, Arc<Form>> {
        self.forms.majors(id, at, &self.tree)
    }

    /// Every form in its newest version, as known at a unit.
    pub(crate) fn forms(&self, at: &UnitId) -> Vec<&KnownForm> {
        self.forms.all(at, &self.tree)
    }
}

fn read_event(record: &Record) -> Result<TreeEvent, RecordRefusal> {
    TreeEvent::decode(&record.body).map_err(|error| RecordRefusal::Body {
        kind: "tree event",
        detail: error.to_string(),
    })
}

/// The body of a form record.
pub(crate) fn form_body(source: &str, assigned: Vec<UnitId>) -> Vec<u8> {
    let body = FormBody {
        source: pack(source.as_bytes()),
        assigned,
    };
    postcard::to_stdvec(&body).expect("byte strings and names always encode")
}

/// The body of a tree record.
pub(crate) fn tree_body(tree: &UnitTree) -> Vec<u8> {
    pack(&tree.encode())
}

/// Level 19: a record is packed once and travels many times.
const PACK_LEVEL: i32 = 19;

fn pack(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, PACK_LEVEL).expect("zstd takes any bytes")
}

fn unpack(bytes: &[u8], bytes_max: usize) -> Result<Vec<u8>, String> {
    zstd::bulk::decompress(bytes, bytes_max).map_err(|error| error.to_string())
}

/// The tree of a node that has not been handed one yet.
fn no_units() -> UnitTree {
    UnitTree::new(Vec::new(), Vec::new()).expect("a tree of no units breaks no rule")
}
