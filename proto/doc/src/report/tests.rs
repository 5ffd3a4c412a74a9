use std::collections::BTreeMap;

use hopluu_model::{ChangeHash, Scalar, Step};

use super::*;
use crate::edit::{Edit, EditError, SavedChange};
use crate::facts::Facts;
use crate::lifecycle::LifecycleEvent;
use crate::testing::{ctx, form, key, office, report, set, text};

mod attachments;
mod judged;
mod property;

fn save(report: &mut Report, actor: u8, edits: &[Edit]) -> SavedChange {
    report
        .save(&ctx(actor), edits)
        .unwrap()
        .expect("the edits change something")
}

fn merge(report: &mut Report, saved: &[&SavedChange]) {
    report
        .apply(saved.iter().map(|saved| &saved.scanned))
        .unwrap();
}

fn values(report: &Report, key: &str) -> Vec<String> {
    report
        .figures()
        .remove(&key.parse().unwrap())
        .map_or_else(Vec::new, |register| {
            register
                .candidates
                .into_iter()
                .map(|candidate| candidate.value)
                .collect()
        })
}

fn said(report: &Report, section: &str, office: &str) -> String {
    let key = (section.parse().unwrap(), office.parse().unwrap());
    report.texts().remove(&key).expect("the text is declared")
}

#[test]
fn two_offices_that_begin_apart_begin_the_same_document() {
    let (one, other) = (report(), Report::create(key(), &form(1)).unwrap());
    assert_eq!(one.heads(), other.heads());
    assert_eq!(one.genesis().bytes, other.genesis().bytes);
    assert_eq!(one.texts().len(), 3);
    assert!(one.figures().is_empty());
}

#[test]
fn a_save_is_one_change_and_setting_what_stands_is_none() {
    let mut report = report();
    let saved = save(
        &mut report,
        1,
        &[
            set("I.1", "1500"),
            set("I.2", "blank"),
            text("funds", "police", "Đủ."),
        ],
    );
    assert_eq!(saved.deps, [report.genesis().hash]);
    assert_eq!(report.heads(), [saved.hash]);
    assert_eq!(values(&report, "I.1"), ["1500"]);
    assert_eq!(said(&report, "funds", "police"), "Đủ.");
    let same = [set("I.1", "1500"), text("funds", "police", "Đủ.")];
    assert_eq!(report.save(&ctx(1), &same).unwrap(), None);
    assert_eq!(report.save(&ctx(2), &[]).unwrap(), None);
    assert_eq!(report.heads(), [saved.hash]);
}

#[test]
fn an_edit_without_a_place_leaves_the_report_as_it_was() {
    let mut report = report();
    let heads = report.heads();
    let mut refuse = |edit: Edit| {
        let error = report.save(&ctx(1), &[set("I.1", "1"), edit]).unwrap_err();
        assert_eq!(report.heads(), heads);
        assert!(report.figures().is_empty());
        error
    };
    assert!(matches!(refuse(set("I.9", "1")), EditError::UnknownLine(_)));
    assert!(matches!(refuse(set("I", "1")), EditError::Heading(_)));
    assert!(matches!(refuse(set("I.5", "1")), EditError::PartsOnly(_)));
    assert!(matches!(
        refuse(set("I.1@police", "1")),
        EditError::NoSuchPart { .. }
    ));
    assert!(matches!(
        refuse(set("I.5@court", "1")),
        EditError::NoSuchPart { .. }
    ));
    assert!(matches!(
        refuse(text("later", "health", "x")),
        EditError::UnknownText { .. }
    ));
    let long = "x".repeat(crate::limits::TEXT_CHARS_MAX + 1);
    assert!(matches!(
        refuse(text("funds", "police", &long)),
        EditError::TooLong { .. }
    ));
    let note = Edit::SetNote {
        key: "I.1".parse().unwrap(),
        text: "x".repeat(crate::limits::NOTE_BYTES_MAX + 1),
    };
    assert!(matches!(refuse(note), EditError::TooLong { .. }));
    let reason = "x".repeat(crate::limits::EVENT_BYTES_MAX);
    let event = Edit::Event(LifecycleEvent::Withdrawn(reason));
    assert!(matches!(refuse(event), EditError::TooLong { .. }));
}

#[test]
fn the_bounds_of_a_save_are_held() {
    let mut report = report();
    let many = vec![set("I.1", "1"); crate::limits::EDITS_PER_SAVE_MAX + 1];
    assert!(matches!(
        report.save(&ctx(1), &many),
        Err(EditError::TooManyEdits(_))
    ));
    let mut wordy = ctx(1);
    wordy.message = "x".repeat(crate::limits::MESSAGE_BYTES_MAX);
    let refused = report.save(&wordy, &[set("I.1", "1")]);
    assert!(matches!(refused, Err(EditError::TooLong { .. })));
    // The largest text fits a change, also when it replaces another that shares nothing with it.
    let full = |letter: &str| letter.repeat(crate::limits::TEXT_CHARS_MAX);
    save(&mut report, 1, &[text("funds", "police", &full("ệ"))]);
    save(&mut report, 1, &[text("funds", "police", &full("ạ"))]);
    assert_eq!(said(&report, "funds", "police"), full("ạ"));
}

#[test]
fn values_written_apart_both_stand_until_somebody_settles() {
    let (mut police, mut health) = (report(), report());
    let one = save(&mut police, 1, &[set("I.1", "12"), set("I.2", "7")]);
    let other = save(&mut health, 2, &[set("I.1", "15"), set("I.2", "7")]);
    merge(&mut police, &[&other]);
    merge(&mut health, &[&one]);
    assert_eq!(values(&police, "I.1"), ["12", "15"]);
    let figures = police.figures();
    let register = &figures[&"I.1".parse().unwrap()];
    assert!(register.is_unsettled());
    let who: Vec<_> = register
        .candidates
        .iter()
        .map(|c| (c.office.clone(), c.change))
        .collect();
    assert_eq!(
        who,
        [
            (Some(office("police")), one.hash),
            (Some(office("health")), other.hash)
        ]
    );
    // The same value written apart is agreed, and setting it again is no change.
    assert_eq!(
        figures[&"I.2".parse().unwrap()].scalar(),
        Some(Scalar::from(7))
    );
    assert_eq!(police.save(&ctx(1), &[set("I.2", "7")]).unwrap(), None);
    // Setting a value that stands settles, because another stands too.
    let settle = Edit::Settle {
        key: "I.1".parse().unwrap(),
        value: Scalar::from(15),
    };
    let settled = save(&mut police, 1, &[settle]);
    assert_eq!(settled.scanned.figures[0].preds.len(), 2);
    assert_eq!(police.history().unwrap()[2].touched.len(), 1);
    merge(&mut health, &[&settled]);
    assert_eq!(values(&health, "I.1"), ["15"]);
    assert_eq!(police.heads(), health.heads());
}

#[test]
fn two_settlements_written_apart_are_a_conflict_again() {
    let (mut police, mut health) = (report(), report());
    let one = save(&mut police, 1, &[set("I.1", "12")]);
    let other = save(&mut health, 2, &[set("I.1", "15")]);
    merge(&mut police, &[&other]);
    merge(&mut health, &[&one]);
    let for_15 = save(&mut police, 1, &[set("I.1", "15")]);
    let for_12 = save(&mut health, 2, &[set("I.1", "12")]);
    merge(&mut police, &[&for_12]);
    merge(&mut health, &[&for_15]);
    assert_eq!(values(&police, "I.1"), values(&health, "I.1"));
    assert_eq!(values(&police, "I.1").len(), 2);
}

#[test]
fn clearing_writes_blank_and_does_not_lose_against_a_concurrent_value() {
    let (mut police, mut health) = (report(), report());
    let first = save(&mut police, 1, &[set("I.1", "12")]);
    merge(&mut health, &[&first]);
    let cleared = save(&mut police, 1, &[set("I.1", "blank")]);
    let raised = save(&mut health, 2, &[set("I.1", "13")]);
    merge(&mut police, &[&raised]);
    merge(&mut health, &[&cleared]);
    assert_eq!(values(&police, "I.1"), values(&health, "I.1"));
    assert_eq!(values(&police, "I.1"), ["blank", "13"]);
}

#[test]
fn texts_merge_letter_by_letter_and_are_composed() {
    let (mut one, mut other) = (report(), report());
    let decomposed = "Xa\u{303} co\u{301} 12 cơ sở.\r\nKhông có tụ điểm.";
    let first = save(&mut one, 1, &[text("situation", "police", decomposed)]);
    assert_eq!(
        said(&one, "situation", "police"),
        "Xã có 12 cơ sở.\nKhông có tụ điểm."
    );
    merge(&mut other, &[&first]);
    let a = save(
        &mut one,
        1,
        &[text(
            "situation",
            "police",
            "Xã có 15 cơ sở.\nKhông có tụ điểm.",
        )],
    );
    let b = save(
        &mut other,
        2,
        &[text(
            "situation",
            "police",
            "Xã có 12 cơ sở.\nKhông còn tụ điểm nào.",
        )],
    );
    merge(&mut one, &[&b]);
    merge(&mut other, &[&a]);
    assert_eq!(
        said(&one, "situation", "police"),
        "Xã có 15 cơ sở.\nKhông còn tụ điểm nào."
    );
    assert_eq!(one.texts(), other.texts());
}

#[test]
fn undo_restores_what_was_and_leaves_what_others_wrote_since() {
    let mut report = report();
    let note = |text: &str| Edit::SetNote {
        key: "I.1".parse().unwrap(),
        text: text.to_owned(),
    };
    save(
        &mut report,
        1,
        &[
            set("I.1", "1"),
            set("I.2", "2"),
            note("cũ"),
            text("funds", "police", "Cũ"),
        ],
    );
    let wrong = save(
        &mut report,
        1,
        &[
            set("I.1", "10"),
            set("I.2", "20"),
            set("I.3", "30"),
            note("blank"),
            text("funds", "police", "Mới"),
        ],
    );
    save(&mut report, 2, &[set("I.2", "22")]);
    let undone = report.undo(&wrong.hash, &ctx(1)).unwrap();
    assert_eq!(undone.kept, [Kept::Figure("I.2".parse().unwrap())]);
    assert_eq!(values(&report, "I.1"), ["1"]);
    assert_eq!(values(&report, "I.2"), ["22"]);
    assert_eq!(values(&report, "I.3"), ["blank"]);
    assert_eq!(report.notes()[&"I.1".parse().unwrap()].agreed(), Some("cũ"));
    assert_eq!(said(&report, "funds", "police"), "Cũ");
    // An undo is a save like any other.
    let undo = undone.saved.unwrap();
    report.undo(&undo.hash, &ctx(1)).unwrap();
    assert_eq!(values(&report, "I.1"), ["10"]);
    let nobody = report.undo(&ChangeHash([7; 32]), &ctx(1));
    assert!(matches!(nobody, Err(EditError::UnknownSave(_))));
    let first = report.genesis().hash;
    assert!(matches!(
        report.undo(&first, &ctx(1)),
        Err(EditError::UnknownSave(_))
    ));
}

#[test]
fn undoing_a_settlement_keeps_it_because_two_values_cannot_be_given_back() {
    let (mut police, mut health) = (report(), report());
    let one = save(&mut police, 1, &[set("I.1", "12")]);
    save(&mut health, 2, &[set("I.1", "15")]);
    merge(&mut health, &[&one]);
    let settled = save(
        &mut health,
        2,
        &[set("I.1", "15"), Edit::Event(LifecycleEvent::Checked)],
    );
    let undone = health.undo(&settled.hash, &ctx(2)).unwrap();
    assert_eq!(undone.saved, None);
    assert_eq!(
        undone.kept,
        [Kept::Settled("I.1".parse().unwrap()), Kept::Event]
    );
}

#[test]
fn events_follow_each_other_and_concurrent_ones_have_one_outcome() {
    let (mut one, mut other) = (report(), report());
    let life = [
        LifecycleEvent::Opened,
        LifecycleEvent::Signed,
        LifecycleEvent::Submitted,
    ];
    let opened = save(&mut one, 1, &life.map(Edit::Event));
    merge(&mut other, &[&opened]);
    let signed = save(&mut one, 1, &[Edit::Event(LifecycleEvent::Signed)]);
    let reason = LifecycleEvent::Returned("thiếu phụ lục".to_owned());
    let returned = save(&mut other, 2, &[Edit::Event(reason)]);
    merge(&mut one, &[&returned]);
    merge(&mut other, &[&signed]);
    assert_eq!(one.state(), other.state());
    assert_eq!(one.state().step, Some(Step::Returned));
    assert_eq!(one.state().standing.len(), 2);
    let both = [
        Edit::Event(LifecycleEvent::Checked),
        Edit::Event(LifecycleEvent::Signed),
    ];
    save(&mut one, 1, &both);
    assert_eq!(one.state().step, Some(Step::Signed));
    assert_eq!(one.state().standing.len(), 1);
    assert_eq!(one.events().len(), 7);
}

#[test]
fn history_tells_every_save_with_what_it_wrote() {
    let mut report = report();
    let mut with_words = ctx(1);
    with_words.message = "sửa số".to_owned();
    report
        .save(
            &with_words,
            &[set("I.1", "1"), text("funds", "police", "Đủ")],
        )
        .unwrap();
    save(&mut report, 2, &[Edit::Event(LifecycleEvent::Opened)]);
    let history = report.history().unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].message, "sửa số");
    assert_eq!(history[0].office, Some(office("police")));
    let funds = ("funds".parse().unwrap(), office("police"));
    assert_eq!(
        history[0].touched,
        [
            Touched::Figure("I.1".parse().unwrap(), "1".to_owned()),
            Touched::Text {
                key: funds,
                inserted: 2,
                deleted: 0
            },
        ]
    );
    assert_eq!(history[1].touched, [Touched::Event(LifecycleEvent::Opened)]);
}

#[test]
fn a_text_of_a_later_minor_is_declared_by_the_same_change_everywhere() {
    let mut one = Report::create(key(), &form(1)).unwrap();
    let mut other = Report::create(key(), &form(1)).unwrap();
    let a = save(&mut one, 1, &[text("later", "health", "Một")]);
    let b = save(&mut other, 2, &[set("I.1", "5")]);
    let c = save(&mut other, 2, &[text("later", "health", "Hai")]);
    assert_eq!(a.derived, c.derived);
    assert!(b.derived.is_empty());
    let [declared] = a.derived.as_slice() else {
        panic!("one text is declared")
    };
    let declared = crate::scan(&declared.bytes, &crate::limits::SCAN_LIMITS).unwrap();
    assert!(declared.is_derived_for(&one.id(), &one.genesis().hash));
    assert!(!declared.is_derived_for(&DocId([0; 16]), &one.genesis().hash));
    merge(&mut one, &[&b, &c]);
    merge(&mut other, &[&a]);
    assert_eq!(
        said(&one, "later", "health"),
        said(&other, "later", "health")
    );
    // A node that still has the older form takes it in, and shows it.
    let mut older = report();
    older.apply([&declared, &a.scanned]).unwrap();
    assert_eq!(said(&older, "later", "health"), "Một");
    assert_eq!(older.history().unwrap().len(), 1);
    // Clearing what nobody wrote declares nothing.
    let mut third = Report::create(key(), &form(1)).unwrap();
    assert_eq!(
        third.save(&ctx(3), &[text("later", "health", "")]).unwrap(),
        None
    );
}

#[test]
fn a_report_opens_from_snapshot_and_changes_in_any_order() {
    let mut report = report();
    let saved: Vec<_> = (0..4u8)
        .map(|n| save(&mut report, 1, &[set("I.1", &n.to_string())]))
        .collect();
    let snapshot = report.save_snapshot();
    let last = save(
        &mut report,
        1,
        &[set("I.2", "9"), text("funds", "police", "Đủ")],
    );
    let again = Report::load(key(), &form(0), Some(&snapshot), [last.bytes.as_slice()]).unwrap();
    assert_eq!(again.heads(), report.heads());
    assert_eq!(again.figures(), report.figures());
    let all = saved
        .iter()
        .chain([&last])
        .rev()
        .map(|saved| saved.bytes.as_slice());
    let again = Report::load(key(), &form(0), None, all).unwrap();
    assert_eq!(again.heads(), report.heads());
    assert_eq!(again.texts(), report.texts());
    assert!(again.approx_bytes() > 0);
    assert!(again.has_change(&last.hash));
}

#[test]
fn what_does_not_fit_does_not_open() {
    let mut full = report();
    let first = save(&mut full, 1, &[set("I.1", "1")]);
    let second = save(&mut full, 1, &[set("I.1", "2")]);
    let snapshot = full.save_snapshot();
    let other = DocKey {
        instance: 1,
        ..key()
    };
    let foreign = Report::load(other, &form(0), Some(&snapshot), []);
    assert!(matches!(foreign, Err(LoadError::OtherDocument)));
    let next = DocKey { major: 2, ..key() };
    assert!(matches!(
        Report::create(next, &form(0)),
        Err(LoadError::WrongForm { .. })
    ));
    let gap = Report::load(key(), &form(0), None, [second.bytes.as_slice()]);
    assert!(matches!(gap, Err(LoadError::MissingParents(1))));
    let mut empty = report();
    assert!(empty.apply([&second.scanned]).is_err());
    assert_eq!(empty.heads(), report().heads());
    empty
        .apply([&second.scanned, &first.scanned, &first.scanned])
        .unwrap();
    assert_eq!(empty.heads(), full.heads());
    let broken = Report::load(key(), &form(0), Some(&snapshot[..40]), []);
    assert!(broken.is_err());
}

/// The bytes of an ordinary save: a difference is a new wire version.
#[test]
fn golden_change() {
    let edits = [
        set("I.1", "1500"),
        set("I.5@police", "8"),
        text("funds", "police", "Đủ"),
    ];
    let saved = save(&mut report(), 1, &edits);
    expect_test::expect!["41ec082e30d97fd2736f9c419a509c2250f0105af9b445dfd38595f70072ffa9"]
        .assert_eq(&saved.hash.to_string());
    expect_test::expect!["856f4a8341ec082e01870101aea0c1f5bccb2932eb4a5583a0de9803d128d453a9bb6dceec37c32268cca3d6080101010101010101010f81d8c1a28c3406706f6c6963650101000a01020204110413051512340242025605570a700204010201020c00037f0000027e00117e03492e310a492e3540706f6c6963650002020204017c461626363135303038c490e1bba70400"].assert_eq(&crate::testing::hex(&saved.bytes));
}

/// What facts say, and what a fully loaded document says, in the same shape.
fn told_by_facts(facts: &Facts) -> BTreeMap<String, Vec<(crate::OpId, String)>> {
    facts
        .figures()
        .map(|(key, facts)| {
            let all = facts
                .iter()
                .map(|fact| (fact.op, fact.value.clone()))
                .collect();
            (key.to_string(), all)
        })
        .collect()
}

fn told_by_report(report: &Report) -> BTreeMap<String, Vec<(crate::OpId, String)>> {
    report
        .figures()
        .into_iter()
        .map(|(key, register)| {
            let all = register
                .candidates
                .into_iter()
                .map(|c| (c.op, c.value))
                .collect();
            (key.to_string(), all)
        })
        .collect()
}
