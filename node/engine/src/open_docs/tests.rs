use hopluu_doc::{Edit, SaveContext};
use hopluu_model::Timestamp;
use hopluu_store::{NewChange, NewDoc};

use super::*;
use crate::testing::alone::{form, store};

/// A change by actor 01..01 over the genesis of document 0, as the scanner refuses it: its second
/// figure supersedes its first, which is another one. Automerge loads it, and panics when it is to
/// give the change out again.
const HOSTILE: &str = "\
    856f4a8384321bfd015e01e508821f8a0908533c5216a33e2c8ad4b917fa7d9a936c760a6523c7a18ff26108\
    0101010101010101010d00000101000a0102020215063401420256025702700371027302020102017e014902\
    4949020201021631327e00017f007f0d";

fn key(number: u32) -> DocKey {
    let unit = "19429@2020-02-01".parse().unwrap();
    let mut key = DocKey::report(
        unit,
        "small".parse().unwrap(),
        1,
        "2024-H2".parse().unwrap(),
    );
    key.instance = number;
    key
}

fn write(report: &mut Report, letters: usize) {
    let context = SaveContext {
        actor: ActorId([7; 8]),
        at: Timestamp(0),
        office: None,
        message: String::new(),
    };
    let text = Edit::SetText {
        section: "situation".parse().unwrap(),
        office: "police".parse().unwrap(),
        text: "x".repeat(letters),
    };
    report.save(&context, &[text]).unwrap();
}

fn letters(report: &Report) -> usize {
    report.texts().values().map(String::len).sum()
}

fn grown(docs: &mut OpenDocs, number: u32, letters: usize) {
    let (key, form) = (key(number), form(0));
    docs.create(&key, &form, |report| write(report, letters))
        .unwrap();
}

/// More than a tenth of the bound each.
const LONG: usize = 16_000;

#[test]
fn the_bound_holds_while_documents_grow() {
    let mut docs = OpenDocs::default();
    for number in 0..20 {
        grown(&mut docs, number, LONG);
        let open = docs.docs.values().map(|open| size(&open.report));
        assert_eq!(open.sum::<u64>(), docs.bytes, "each is measured as it is");
        assert!(docs.bytes <= OPEN_DOCS_BYTES_MAX);
        assert!(docs.is_open(key(number).id()), "the newest stays");
    }
    assert!(docs.docs.len() < 10);
}

#[test]
fn a_document_stays_until_its_saves_are_on_disk() {
    let mut docs = OpenDocs::default();
    grown(&mut docs, 0, LONG);
    let doc = key(0).id();
    let copies = [docs.saving(doc), docs.saving(doc)];
    for number in 1..20 {
        grown(&mut docs, number, LONG);
        assert!(docs.is_open(doc));
    }
    docs.saved(doc, copies[0], true);
    assert!(docs.is_open(doc), "one save is still under way");
    docs.saved(doc, copies[1], true);
    grown(&mut docs, 20, LONG);
    assert!(!docs.is_open(doc));
}

#[test]
fn a_newer_form_reaches_an_open_document_and_leaves_its_saves_where_they_are() {
    let mut docs = OpenDocs::default();
    grown(&mut docs, 0, 5);
    docs.saving(key(0).id());
    let seen = docs
        .load(&store(), &key(0), &form(1), |report| {
            (report.form().version().minor, letters(report))
        })
        .unwrap();
    assert_eq!(seen, (1, 5));
}

#[test]
fn a_failed_save_takes_its_copy_and_its_actor_along_and_no_later_ones() {
    let mut docs = OpenDocs::default();
    let doc = key(0).id();
    let (first, second) = (ActorId([1; 8]), ActorId([2; 8]));
    grown(&mut docs, 0, 5);
    assert_eq!(docs.actor(doc, String::new(), || first), first);
    let lost = [docs.saving(doc), docs.saving(doc)];
    docs.saved(doc, lost[0], false);
    assert!(!docs.is_open(doc));
    grown(&mut docs, 0, 6);
    assert_eq!(docs.actor(doc, String::new(), || second), second);
    docs.saving(doc);
    // What was built upon the lost one fails as well, and is told after another copy was opened.
    docs.saved(doc, lost[1], false);
    assert!(docs.is_open(doc));
    assert_eq!(docs.actor(doc, String::new(), || first), second);
}

#[test]
fn a_copy_that_was_loaded_while_a_save_was_under_way_is_read_again() {
    let mut docs = OpenDocs::default();
    let doc = key(0).id();
    let (first, second) = (ActorId([1; 8]), ActorId([2; 8]));
    grown(&mut docs, 0, 5);
    docs.actor(doc, String::new(), || first);
    let under_way = docs.saving(doc);
    // What the first copy had is not in the second, which comes from the disk.
    docs.close(doc);
    grown(&mut docs, 0, 6);
    docs.actor(doc, String::new(), || first);
    docs.saved(doc, under_way, true);
    assert!(!docs.is_open(doc));
    assert_eq!(docs.actor(doc, String::new(), || second), second);
}

#[test]
fn a_panic_in_a_document_is_its_damage_and_nobody_elses() {
    let store = store();
    let (key, form) = (key(0), form(0));
    let doc = key.id();
    let genesis = hopluu_doc::genesis(&key, &form).unwrap().hash;
    let row = NewDoc {
        doc,
        key: key.encode(),
        unit: key.unit.clone(),
        form: key.form.clone(),
        major: key.major,
        period: key.period.clone(),
        implied: vec![genesis],
        heads: vec![genesis],
    };
    let put = store.write(move |tx| -> Result<(), hopluu_store::AppendError> {
        tx.put_doc(&row)?;
        tx.append_change(&NewChange {
            doc,
            hash: hopluu_model::ChangeHash([9; 32]),
            actor: ActorId([1; 8]),
            actor_seq: 1,
            deps: &[genesis],
            body: &bytes(HOSTILE),
            seal: &[],
            origin: None,
            class: 0,
        })?;
        Ok(())
    });
    put.unwrap();
    let mut docs = OpenDocs::default();
    grown(&mut docs, 1, 5);
    let told = docs.load(&store, &key, &form, |report| report.history().is_ok());
    assert!(
        matches!(told, Err(CommandError::Damaged { .. })),
        "{told:?}"
    );
    assert!(!docs.is_open(doc), "what panicked is not used again");
    let other = docs.load(&store, &self::key(1), &form, |report| letters(report));
    assert_eq!(other.unwrap(), 5);
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}
