use std::collections::BTreeSet;

use hopluu_trust::Void;

use super::*;
use crate::edit::{Edit, SavedChange};
use crate::facts::Facts;
use crate::lifecycle::LifecycleEvent;
use crate::report::Report;
use crate::testing::{ctx, form, key, report, set, text};

/// Who may write nothing.
const STRANGER: u8 = 9;

fn save(report: &mut Report, actor: u8, edits: &[Edit]) -> SavedChange {
    let saved = report.save(&ctx(actor), edits).unwrap();
    saved.expect("something is new")
}

fn allowed(change: &ScannedChange) -> Allowed<'static> {
    if change.actor.0[0] == STRANGER {
        Allowed::Nothing(Void::OtherUnit)
    } else {
        Allowed::Everything { is_superior: false }
    }
}

fn traced(changes: &[&SavedChange]) -> Vec<Written> {
    let first = report();
    let (id, form) = (key().id(), form(0));
    let judge = Judge::new(&id, &form, first.genesis());
    let mut changes: Vec<_> = changes.iter().map(|saved| saved.scanned.clone()).collect();
    changes.sort_by_key(|change| (change.start_op, change.actor));
    let backwards: Vec<_> = changes.iter().rev().cloned().collect();
    let traced = trace(&judge, &changes, allowed);
    assert_eq!(trace(&judge, &backwards, allowed), traced, "in any order");
    // What stands is what facts say that stands.
    let mut facts = Facts::new();
    for change in &changes {
        facts.apply_judged(change, judge.void_in(change, &allowed(change)).as_ref());
    }
    let stand: BTreeSet<_> = facts
        .figures()
        .flat_map(|(key, facts)| {
            facts
                .iter()
                .map(move |fact| (key.clone(), fact.value.clone()))
        })
        .collect();
    let said = traced.iter().filter(|one| one.fate == Fate::Stands);
    let said = said.filter_map(|one| match &one.touched {
        Touched::Figure(key, value) => Some((key.clone(), value.clone())),
        _ => None,
    });
    assert_eq!(said.collect::<BTreeSet<_>>(), stand);
    traced
}

fn fates(written: &[Written], code: &str) -> Vec<Fate> {
    let of =
        |one: &&Written| matches!(&one.touched, Touched::Figure(key, _) if key.to_string() == code);
    written.iter().filter(of).map(|one| one.fate).collect()
}

#[test]
fn every_write_of_a_figure_is_told_with_what_became_of_it() {
    let mut report = report();
    let first = save(&mut report, 1, &[set("I.1", "5"), set("I.2", "8")]);
    let strange = save(&mut report, STRANGER, &[set("I.1", "900")]);
    let next = save(&mut report, 2, &[set("I.1", "6")]);
    let written = traced(&[&first, &strange, &next]);
    let expected = [Fate::Superseded(next.hash), Fate::Void, Fate::Stands];
    assert_eq!(fates(&written, "I.1"), expected);
    assert_eq!(fates(&written, "I.2"), [Fate::Stands]);
    let void = written.iter().find(|one| one.change == strange.hash);
    assert_eq!(void.unwrap().right, Err(Void::OtherUnit));
    assert!(written.iter().all(|one| one.answer.is_none()));
}

#[test]
fn what_was_written_apart_stands_together_until_somebody_settles_it() {
    let (mut here, mut there) = (report(), report());
    let one = save(&mut here, 1, &[set("I.1", "5")]);
    let other = save(&mut there, 2, &[set("I.1", "7")]);
    assert_eq!(fates(&traced(&[&one, &other]), "I.1"), [Fate::Stands; 2]);
    here.apply([&other.scanned]).unwrap();
    let settled = save(&mut here, 1, &[set("I.1", "7")]);
    let gone = Fate::Superseded(settled.hash);
    let written = traced(&[&settled, &other, &one]);
    assert_eq!(fates(&written, "I.1"), [gone, gone, Fate::Stands]);
}

#[test]
fn texts_steps_and_what_was_answered_are_told_as_well() {
    let mut report = report();
    let opened = Edit::Event(LifecycleEvent::Opened);
    let first = save(&mut report, 1, &[text("funds", "police", "Đủ."), opened]);
    let strange = [set("I.1", "900"), text("funds", "police", "Hết.")];
    let strange = save(&mut report, STRANGER, &strange);
    let answer = Answer::Dismissed;
    let (change, by) = (strange.hash, 1);
    let answered = save(&mut report, by, &[Edit::Answer { change, answer }]);
    let written = traced(&[&first, &strange, &answered]);
    let told: Vec<_> = written.iter().map(|one| (&one.touched, one.fate)).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(matches!(
        told[0],
        (Touched::Text { inserted: 3, .. }, Fate::Stands)
    ));
    assert!(matches!(told[1], (Touched::Event(_), Fate::Stands)));
    let by = answered.hash;
    for void in &written[2..] {
        assert_eq!(void.fate, Fate::Void);
        assert_eq!(void.answer, Some(Answered { answer, by }));
    }
}

#[test]
fn a_step_out_of_order_is_told_as_void() {
    let mut report = report();
    let steps = [
        LifecycleEvent::Opened,
        LifecycleEvent::Submitted,
        LifecycleEvent::Signed,
    ];
    let saved = save(&mut report, 1, &steps.map(Edit::Event));
    let told = traced(&[&saved]);
    let rights: Vec<_> = told.iter().map(|one| one.right).collect();
    let main = Ok(Right::MainNode);
    assert_eq!(rights, [main, Err(Void::OutOfOrder), main]);
    assert_eq!(told[1].fate, Fate::Void);
}
