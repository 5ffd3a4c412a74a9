//! What the signed records say: who is enrolled, which forms there are, how the units stand.
//!
//! A pure function of the set of records: the order in which they came does not matter, so nodes
//! that hold the same records read every document alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use hopluu_form::Form;
use hopluu_model::tree::{TreeEvent, UnitTree};
use hopluu_model::{Digest, ErrorChain, FormId, FormVersion, NodeId, RecordHash, UnitId};
use hopluu_trust::{Identity, Record, RecordKind, decode_chain, verify_chain};
use serde::{Deserialize, Serialize};

use crate::limits::{FORM_BYTES_MAX, TREE_BYTES_MAX};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordEffect {
    /// Somebody is enrolled.
    Enrolled(NodeId),
    /// A form is known.
    Form,
    /// The tree stands differently.
    Tree,
    /// Kept for others to read.
    Kept,
}

/// A form as it was handed down.
#[derive(Debug, Clone)]
pub(crate) struct KnownForm {
    pub(crate) form: Arc<Form>,
    /// The units it is assigned to with all below; empty means everyone.
    pub(crate) assigned: Vec<UnitId>,
    record: RecordHash,
}

/// A node and the chain that proves it.
#[derive(Debug)]
struct Enrolled {
    identity: Identity,
    chain: Vec<Vec<u8>>,
}

/// The body of a form record.
#[derive(Debug, Serialize, Deserialize)]
struct FormBody {
    /// The form's text, packed.
    source: Vec<u8>,
    assigned: Vec<UnitId>,
}

/// Everything that was decided, as far as this node has heard.
#[derive(Debug)]
pub(crate) struct Registry {
    root: Digest,
    enrolled: BTreeMap<NodeId, Enrolled>,
    forms: BTreeMap<FormId, BTreeMap<FormVersion, KnownForm>>,
    base: Option<(RecordHash, UnitTree)>,
    tree_events: BTreeMap<RecordHash, TreeEvent>,
    tree: Arc<UnitTree>,
}

impl Registry {
    pub(crate) fn new(root: Digest) -> Self {
        Self {
            root,
            enrolled: BTreeMap::new(),
            forms: BTreeMap::new(),
            base: None,
            tree_events: BTreeMap::new(),
            tree: Arc::new(no_units()),
        }
    }

    /// Takes in a record that a peer sent: its signature and its author's right are checked.
    pub(crate) fn admit(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        record.verify().map_err(|_| RecordRefusal::Signature)?;
        if record.kind != RecordKind::Certificate {
            let author = self
                .identity(&record.author)
                .ok_or(RecordRefusal::UnknownAuthor(record.author))?;
            let is_decision = matches!(
                record.kind,
                RecordKind::Form | RecordKind::Tree | RecordKind::TreeEvent
            );
            if is_decision && !author.may_issue {
                return Err(RecordRefusal::NotAnIssuer(record.author));
            }
            // Everybody's totals hang on the one tree that all changes start from.
            if record.kind == RecordKind::Tree && !self.is_root(&record.author) {
                return Err(RecordRefusal::NotAnIssuer(record.author));
            }
        }
        self.learn(record)
    }

    /// Takes in a record that was admitted before, from this node's own store.
    pub(crate) fn learn(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        match record.kind {
            RecordKind::Certificate => self.learn_certificate(record),
            RecordKind::Form => self.learn_form(record),
            RecordKind::Tree => self.learn_tree(record),
            RecordKind::TreeEvent => self.learn_tree_event(record),
            _ => Ok(RecordEffect::Kept),
        }
    }

    fn learn_certificate(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let chain = decode_chain(&record.body).map_err(|error| RecordRefusal::Body {
            kind: "certificate chain",
            detail: error.to_string(),
        })?;
        // Validity dates are judged when a link opens: an old seal stays good after its author's
        // certificate has ended.
        let identity =
            verify_chain(&chain, &self.root, None).map_err(|error| RecordRefusal::Body {
                kind: "certificate chain",
                detail: error.to_string(),
            })?;
        if identity.place.unit != record.unit {
            return Err(RecordRefusal::Body {
                kind: "certificate chain",
                detail: "it is for another unit than the record".to_owned(),
            });
        }
        Ok(RecordEffect::Enrolled(self.enrol(identity, chain)))
    }

    /// This node's own chain tells of everybody up its line: without them no record could be judged,
    /// and a record for each would travel to every other node below them.
    pub(crate) fn learn_line(&mut self, chain: &[Vec<u8>]) {
        for at in 0..chain.len() {
            let above = chain.get(at..).unwrap_or_default();
            match verify_chain(above, &self.root, None) {
                Ok(identity) => {
                    self.enrol(identity, above.to_vec());
                }
                Err(error) => {
                    tracing::error!(error = %ErrorChain(&error), "own chain does not hold");
                }
            }
        }
    }

    fn enrol(&mut self, identity: Identity, chain: Vec<Vec<u8>>) -> NodeId {
        let node = identity.place.node;
        let known = Enrolled { identity, chain };
        match self.enrolled.get(&node) {
            // A renewed certificate says the same with a later end.
            Some(other) if other.identity.not_after >= known.identity.not_after => {}
            _ => {
                self.enrolled.insert(node, known);
            }
        }
        node
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
        let versions = self.forms.entry(known.form.id().clone()).or_default();
        match versions.get(&known.form.version()) {
            // Two texts of one version: every node takes the same one.
            Some(other) if other.record <= known.record => {}
            _ => {
                versions.insert(known.form.version(), known);
            }
        }
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
            self.base = Some((hash, tree));
            self.rebuild_tree();
        }
        Ok(RecordEffect::Tree)
    }

    fn learn_tree_event(&mut self, record: &Record) -> Result<RecordEffect, RecordRefusal> {
        let event = TreeEvent::decode(&record.body).map_err(|error| RecordRefusal::Body {
            kind: "tree event",
            detail: error.to_string(),
        })?;
        self.tree_events.insert(record.hash(), event);
        self.rebuild_tree();
        Ok(RecordEffect::Tree)
    }

    fn rebuild_tree(&mut self) {
        let Some((_, base)) = &self.base else { return };
        self.tree = Arc::new(with_events(base, &self.tree_events));
    }

    /// Who a node is, by its certificate.
    pub(crate) fn identity(&self, node: &NodeId) -> Option<&Identity> {
        self.enrolled.get(node).map(|enrolled| &enrolled.identity)
    }

    /// The chain that a node's certificate came with, leaf first.
    pub(crate) fn chain(&self, node: &NodeId) -> Option<&[Vec<u8>]> {
        self.enrolled
            .get(node)
            .map(|enrolled| enrolled.chain.as_slice())
    }

    /// Whether trust begins at this node: nobody stands above it in its chain.
    fn is_root(&self, node: &NodeId) -> bool {
        self.chain(node).is_some_and(|chain| chain.len() == 1)
    }

    /// Everybody who is enrolled.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.enrolled.values().map(|enrolled| &enrolled.identity)
    }

    /// The tree of units with every event applied.
    pub(crate) fn tree(&self) -> &Arc<UnitTree> {
        &self.tree
    }

    /// A form in its newest version.
    pub(crate) fn form(&self, id: &FormId) -> Option<&KnownForm> {
        self.forms.get(id)?.values().next_back()
    }

    /// The newest minor of a form's major version: documents are read by it.
    pub(crate) fn form_of_major(&self, id: &FormId, major: u16) -> Option<&KnownForm> {
        let from = FormVersion { major, minor: 0 };
        let to = FormVersion {
            major,
            minor: u16::MAX,
        };
        self.forms
            .get(id)?
            .range(from..=to)
            .next_back()
            .map(|(_, form)| form)
    }

    /// Every form in its newest version.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &KnownForm> {
        self.forms
            .values()
            .filter_map(|versions| versions.values().next_back())
    }
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

/// The base with every event that holds. Events are applied in the order of the day they take effect,
/// whatever the order they came in, so every node that has the same makes the same tree.
fn with_events(base: &UnitTree, events: &BTreeMap<RecordHash, TreeEvent>) -> UnitTree {
    let mut tree = base.clone();
    if let Err(error) = tree.apply_all(events.values()) {
        // Each event was read within its bounds, so only their number can be too large.
        tracing::error!(error = %ErrorChain(&error), "tree events are left out");
    }
    tree
}

/// The tree of a node that has not been handed one yet.
fn no_units() -> UnitTree {
    UnitTree::new(Vec::new(), Vec::new()).expect("a tree of no units breaks no rule")
}
