//! The first change of a document, and those that follow from a form alone: the same bytes on every
//! node, so that offices which start a report apart start the same one.
//!
//! Nothing here depends on a form's minor version, on a clock or on the node. A text that a later
//! minor version adds is declared by a *derived change* of its own when somebody first writes there:
//! its actor is a hash of the document and the text's place, its number 1, its only parent genesis, its
//! time 0. (Two changes of one actor with the same number would wedge a document for ever, so each has
//! an actor to itself.) A form's sections must not change their offices within a major version.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId as DocActor, Automerge, ObjId, ObjType, ROOT, ScalarValue, TextEncoding};
use hopluu_form::Form;
use hopluu_model::{ActorId, ChangeHash, DocId, Fault};

use crate::figure::OpId;
use crate::key::{DocKey, add_field};
use crate::layout::{FIRST_TEXT, GENESIS_ACTOR, MAPS, TEXTS, read_text_key, text_key};
use crate::report::TextKey;
use crate::scan::TextObject;

/// Separates the actors of derived changes from every other use of BLAKE3.
const DERIVED_DOMAIN: &str = "hopluu/derived/1";

/// Automerge did not write what it always writes. The pinned version and the golden bytes hold it.
#[derive(Debug, thiserror::Error)]
#[error("the first change of a document could not be written")]
pub struct GenesisError(#[from] automerge::AutomergeError);

impl GenesisError {
    /// It depends on no input.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault::Bug
    }
}

/// A document's first change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    /// Its hash, which every other change of the document has among its ancestors.
    pub hash: ChangeHash,
    /// The uncompressed chunk. It never travels: every node makes it from the key and the form.
    pub bytes: Vec<u8>,
    /// The number of its last operation.
    pub max_op: u64,
}

/// A change that follows from the document and a form's minor version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DerivedChange {
    /// Its hash.
    pub hash: ChangeHash,
    /// Its actor: a hash of the document and the text's place.
    pub actor: ActorId,
    /// The chunk, to be kept and sent like any change, but without a seal.
    pub bytes: Vec<u8>,
}

/// The document's first change.
///
/// # Errors
/// Never with the pinned Automerge.
///
/// # Panics
/// Never: the transaction always has operations.
pub fn genesis(key: &DocKey, form: &Form) -> Result<Genesis, GenesisError> {
    let mut doc = empty_document();
    doc.set_actor(DocActor::from(&GENESIS_ACTOR[..]));
    let mut tx = doc.transaction();
    let mut texts = ROOT;
    for name in MAPS {
        // The last of them is the map of texts.
        texts = tx.put_object(ROOT, name, ObjType::Map)?;
    }
    let fields: [(&str, ScalarValue); 7] = [
        ("kind", key.kind.as_str().into()),
        ("unit", key.unit.to_string().into()),
        ("form", key.form.as_str().into()),
        ("major", ScalarValue::Uint(u64::from(key.major))),
        ("period", key.period.to_string().into()),
        ("instance", ScalarValue::Uint(u64::from(key.instance))),
        ("compartment", key.compartment.as_str().into()),
    ];
    for (name, value) in fields {
        tx.put(ROOT, name, value)?;
    }
    for name in first_texts(form) {
        tx.put_object(&texts, name, ObjType::Text)?;
    }
    tx.commit_with(CommitOptions::default().with_time(0));
    let change = doc
        .get_last_local_change()
        .expect("a transaction with operations commits one change");
    Ok(Genesis {
        hash: ChangeHash(change.hash().0),
        bytes: change.raw_bytes().to_vec(),
        max_op: change.max_op(),
    })
}

/// The texts that genesis declares, sorted: those of the major version's first minor.
fn first_texts(form: &Form) -> BTreeSet<String> {
    form.texts()
        .filter(|(section, _)| section.since_minor == 0)
        .map(|(section, office)| text_key(&section.id, office))
        .collect()
}

/// The texts that a form asks for, by the object that each is in a document whose genesis ends with this
/// operation.
pub(crate) fn text_objects(doc: &DocId, form: &Form, max_op: u64) -> BTreeMap<TextObject, TextKey> {
    let first = first_texts(form).into_iter().zip(FIRST_TEXT..);
    let first =
        first.filter_map(|(name, at)| Some((TextObject::Genesis(at), read_text_key(&name)?)));
    let late = form.texts().filter(|(section, _)| section.since_minor > 0);
    let late = late.map(|(section, office)| {
        let op = OpId {
            counter: max_op + 1,
            actor: derived_actor(doc, &text_key(&section.id, office)),
        };
        (
            TextObject::Derived(op),
            (section.id.clone(), office.clone()),
        )
    });
    first.chain(late).collect()
}

/// The changes that declare the texts of later minor versions, of those that the form knows. Whoever
/// holds the form makes the same ones, so none of them has to be taken from anybody.
///
/// # Errors
/// Never with the pinned Automerge.
pub fn derived_changes(
    doc: &DocId,
    form: &Form,
    genesis: &Genesis,
) -> Result<Vec<DerivedChange>, GenesisError> {
    let late = form.texts();
    let late = late.filter(|(section, _)| section.since_minor > 0);
    late.map(|(section, office)| derive_text(doc, genesis, &text_key(&section.id, office)))
        .collect()
}

/// The change that declares a text of a later minor version.
pub(crate) fn derive_text(
    doc: &DocId,
    genesis: &Genesis,
    key: &str,
) -> Result<DerivedChange, GenesisError> {
    let actor = derived_actor(doc, key);
    let mut first = empty_document();
    first.load_incremental(&genesis.bytes)?;
    first.set_actor(DocActor::from(actor.0));
    let texts = ObjId::Id(TEXTS, DocActor::from(&GENESIS_ACTOR[..]), 0);
    let mut tx = first.transaction();
    tx.put_object(&texts, key, ObjType::Text)?;
    tx.commit_with(CommitOptions::default().with_time(0));
    let mut change = first
        .get_last_local_change()
        .expect("a transaction with operations commits one change");
    Ok(DerivedChange {
        hash: ChangeHash(change.hash().0),
        actor,
        bytes: change.bytes().into_owned(),
    })
}

/// Who writes the derived change of a text: nobody, so its name is a hash.
pub(crate) fn derived_actor(doc: &DocId, key: &str) -> ActorId {
    let mut hasher = blake3::Hasher::new();
    for field in [
        DERIVED_DOMAIN.as_bytes(),
        doc.as_bytes(),
        b"texts",
        key.as_bytes(),
    ] {
        add_field(&mut hasher, field);
    }
    let mut actor = [0; ActorId::LEN];
    actor.copy_from_slice(hasher.finalize().as_bytes().split_at(ActorId::LEN).0);
    ActorId(actor)
}

/// Whether an actor writes a derived change of this document, for a text that the form asks for: what
/// it makes needs no seal, and nobody can seal in its name.
#[must_use]
pub fn is_derived_actor(doc: &DocId, form: &Form, actor: &ActorId) -> bool {
    let mut texts = form.texts();
    texts.any(|(section, office)| derived_actor(doc, &text_key(&section.id, office)) == *actor)
}

/// A document with the one text encoding of all documents here: positions are code points.
pub(crate) fn empty_document() -> Automerge {
    Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::limits::SCAN_LIMITS;
    use crate::scan::scan;
    use crate::testing::{form, hex, key};

    /// Wherever these differ, documents begun before and after are not the same document: it would be
    /// a new wire version.
    #[test]
    fn golden_bytes() {
        let first = genesis(&key(), &form(0)).unwrap();
        expect!["aea0c1f5bccb2932eb4a5583a0de9803d128d453a9bb6dceec37c32268cca3d6"]
            .assert_eq(&first.hash.to_string());
        expect!["856f4a83aea0c1f501de0100010001010000000801040204157c34014206560e572a7002000b0300000b0304720766696775726573056e6f746573066576656e7473057465787473046b696e6404756e697404666f726d056d616a6f7206706572696f6408696e7374616e63650b636f6d706172746d656e740c66756e647340706f6c69636510736974756174696f6e406865616c746810736974756174696f6e40706f6c6963650e040007010304040079668602b6011376130603007265706f7274313934323940323032302d30322d303170636d642d72657669657701323032362d4831000e00"].assert_eq(&hex(&first.bytes));
        assert_eq!(first.max_op, FIRST_TEXT + 2);
        let derived = derive_text(&key().id(), &first, "later@health").unwrap();
        expect!["06ea0320b13584fac66dfcd9c8c3b0a04de5d356bd2cc9a380ce56ce5476c4b1"]
            .assert_eq(&derived.hash.to_string());
        expect!["856f4a8306ea0320015901aea0c1f5bccb2932eb4a5583a0de9803d128d453a9bb6dceec37c32268cca3d608db8910993e1d1044010f00000101000701020202150e34014202560270027f017f047f0c6c61746572406865616c7468017f047f007f00"].assert_eq(&hex(&derived.bytes));
    }

    #[test]
    fn a_minor_version_changes_nothing_and_each_derived_change_has_its_own_actor() {
        let first = genesis(&key(), &form(0)).unwrap();
        assert_eq!(genesis(&key(), &form(1)).unwrap(), first);
        let one = derive_text(&key().id(), &first, "later@health").unwrap();
        let other = derive_text(&key().id(), &first, "later@police").unwrap();
        assert_ne!(one.actor, other.actor);
        let read = scan(&one.bytes, &SCAN_LIMITS).unwrap();
        assert_eq!(
            (read.seq, read.time.0, read.start_op),
            (1, 0, first.max_op + 1)
        );
        assert_eq!(read.deps, [first.hash]);
    }

    #[test]
    fn nobody_is_the_actor_of_a_text_that_the_form_asks_for() {
        let (doc, form) = (key().id(), form(1));
        let (section, office) = form.texts().next().unwrap();
        let actor = derived_actor(&doc, &text_key(&section.id, office));
        assert!(is_derived_actor(&doc, &form, &actor));
        assert!(!is_derived_actor(&DocId([8; 16]), &form, &actor));
        assert!(!is_derived_actor(&doc, &form, &ActorId([5; 8])));
    }
}
