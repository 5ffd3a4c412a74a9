use hopluu_model::Digest;

use super::*;
use crate::attachment::{Attachment, AttachmentKey};
use crate::limits::ATTACHMENTS_PER_DOC_MAX;
use crate::report::Touched;

fn paper(number: u8, name: &str) -> Attachment {
    let id = (Digest([number; 32]), 1_000 + u64::from(number));
    Attachment::describe(b"%PDF-1.7", id, name, "Bản ký").unwrap()
}

fn attach(number: u8, name: &str) -> Edit {
    Edit::Attach(paper(number, name))
}

fn names(report: &Report) -> Vec<String> {
    let named = report.attachments().into_values();
    named.map(|one| one.attachment.name).collect()
}

#[test]
fn a_reference_is_no_note_and_no_figure() {
    let mut report = report();
    let saved = save(&mut report, 1, &[set("I.1", "5"), attach(7, "Báo cáo.pdf")]);
    assert_eq!(names(&report), ["Báo cáo.pdf"]);
    assert!(report.notes().is_empty());
    assert_eq!(values(&report, "I.1"), ["5"]);
    let mut facts = Facts::new();
    facts.apply(&saved.scanned);
    assert_eq!(facts, report.facts());
    let expected = [(Digest([7; 32]), 1_007)];
    assert_eq!(
        facts.attachments().into_iter().collect::<Vec<_>>(),
        expected
    );
    assert_eq!(Facts::decode(&facts.encode()), Ok(facts));
    // What stands already is no change.
    assert_eq!(
        report.save(&ctx(2), &[attach(7, "Báo cáo.pdf")]).unwrap(),
        None
    );
}

#[test]
fn a_report_without_attachments_keeps_the_facts_of_before() {
    let mut report = report();
    save(&mut report, 1, &[set("I.1", "5")]);
    assert_eq!(report.facts().encode().first(), Some(&1));
}

#[test]
fn a_paper_written_anew_apart_from_its_removal_stays() {
    let mut here = report();
    let first = save(&mut here, 1, &[attach(7, "một.pdf")]);
    let mut there = report();
    merge(&mut there, &[&first]);
    let removed = save(&mut here, 3, &[Edit::Detach(Digest([7; 32]))]);
    let renewed = save(&mut there, 2, &[attach(7, "hai.pdf")]);
    merge(&mut here, &[&renewed]);
    merge(&mut there, &[&removed]);
    let mut orders = [Facts::new(), Facts::new()];
    for change in [&first, &removed, &renewed] {
        orders[0].apply(&change.scanned);
    }
    for change in [&first, &renewed, &removed] {
        orders[1].apply(&change.scanned);
    }
    for (report, facts) in [&here, &there].into_iter().zip(orders) {
        assert_eq!(names(report), ["hai.pdf"]);
        assert_eq!(facts, report.facts());
        assert_eq!(facts.attachments().len(), 1);
    }
    // Whoever has seen both removes both.
    let last = save(&mut here, 5, &[Edit::Detach(Digest([7; 32]))]);
    merge(&mut there, &[&last]);
    assert!(names(&there).is_empty() && there.facts().attachments().is_empty());
}

#[test]
fn history_names_what_came_and_went_and_undo_brings_it_back() {
    let mut report = report();
    save(&mut report, 1, &[attach(7, "một.pdf")]);
    let removed = save(&mut report, 1, &[Edit::Detach(Digest([7; 32]))]);
    let undone = report.undo(&removed.hash, &ctx(1)).unwrap();
    assert!(undone.kept.is_empty());
    assert_eq!(names(&report), ["một.pdf"]);
    let history = report.history().unwrap();
    let touched: Vec<_> = history.iter().flat_map(|entry| &entry.touched).collect();
    let attached = Touched::Attached(paper(7, "một.pdf"));
    let detached = Touched::Detached(Digest([7; 32]), "một.pdf".to_owned());
    assert_eq!(touched, [&attached, &detached, &attached]);
    let again = undone.saved.unwrap();
    report.undo(&again.hash, &ctx(1)).unwrap();
    assert!(names(&report).is_empty());
    let unknown = report.save(&ctx(1), &[Edit::Detach(Digest([9; 32]))]);
    assert!(matches!(unknown, Err(EditError::UnknownAttachment(_))));
}

#[test]
fn a_report_names_so_many_and_no_more() {
    let mut report = report();
    let most = u8::try_from(ATTACHMENTS_PER_DOC_MAX).unwrap();
    let edits: Vec<_> = (0..most).map(|number| attach(number, "x.pdf")).collect();
    save(&mut report, 1, &edits);
    let over = report.save(&ctx(1), &[attach(most, "x.pdf")]);
    assert!(matches!(over, Err(EditError::TooManyAttachments)));
    // Another caption of one that is named is no further one.
    save(&mut report, 1, &[attach(3, "y.pdf")]);
    assert_eq!(report.facts().attachments().len(), ATTACHMENTS_PER_DOC_MAX);
}

#[test]
fn what_nobody_can_read_is_passed_over() {
    let mut report = report();
    let key = AttachmentKey(Digest([7; 32])).to_string();
    let mut tx = report.doc.transaction();
    let sly = "7 text/html\nx\ny";
    automerge::transaction::Transactable::put(&mut tx, &report.objects.notes, key, sly).unwrap();
    tx.commit();
    assert!(names(&report).is_empty() && report.facts().attachments().is_empty());
}
