//! Reports in which somebody wrote who may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use hopluu_model::{NodeId, RecordHash};
use hopluu_trust::{Allowed, Given, Grant, Reach, Void};
use proptest::prelude::*;

use super::*;
use crate::judge::{Judge, VoidOps, Voids};
use crate::marks::Answer;
use crate::scan::ScannedChange;

/// Who may write nothing.
const STRANGER: u8 = 9;

/// What a stranger wrote, as every node judges it.
fn void_of(change: &ScannedChange) -> VoidOps {
    let first = report();
    let (id, form) = (key().id(), form(1));
    let judge = Judge::new(&id, &form, first.genesis());
    judge
        .void_in(change, &Allowed::Nothing(Void::NoGrant))
        .expect("nothing is allowed")
}

/// Has a report read past what a stranger wrote.
fn judge(report: &mut Report, changes: &[&SavedChange]) {
    let voids = changes
        .iter()
        .map(|saved| (saved.hash, void_of(&saved.scanned)));
    report.read_past(Arc::new(voids.collect())).unwrap();
}

fn note(report: &Report, key: &str) -> Vec<String> {
    let register = report.notes().remove(&key.parse().unwrap());
    let candidates = register.map(|register| register.candidates);
    let values = candidates.into_iter().flatten().map(|one| one.value);
    values.collect()
}

fn set_note(key: &str, text: &str) -> Edit {
    Edit::SetNote {
        key: key.parse().unwrap(),
        text: text.to_owned(),
    }
}

#[test]
fn what_is_void_shows_nowhere_and_hides_nothing() {
    let mut report = report();
    save(
        &mut report,
        1,
        &[
            set("I.1", "5"),
            set_note("I.1", "đúng"),
            text("funds", "police", "Đủ tiền."),
            Edit::Event(LifecycleEvent::Opened),
        ],
    );
    let void = save(
        &mut report,
        STRANGER,
        &[
            set("I.1", "900"),
            set("I.2", "7"),
            set_note("I.1", "sai"),
            text("funds", "police", "Hết"),
            Edit::Event(LifecycleEvent::Withdrawn("x".to_owned())),
        ],
    );
    assert!(report.state().is_withdrawn());
    judge(&mut report, &[&void]);
    assert_eq!(values(&report, "I.1"), ["5"]);
    assert_eq!(values(&report, "I.2"), [""; 0]);
    assert_eq!(note(&report, "I.1"), ["đúng"]);
    assert_eq!(said(&report, "funds", "police"), "Đủ tiền.");
    assert_eq!(report.state().step, Some(Step::Opened));
    assert_eq!(report.facts().state().step, Some(Step::Opened));
    assert_eq!(report.history().unwrap().len(), 2);
    // Whoever is let in again counts again.
    report.read_past(Arc::default()).unwrap();
    assert_eq!(values(&report, "I.1"), ["900"]);
    assert_eq!(said(&report, "funds", "police"), "Hết");
}

#[test]
fn what_is_typed_over_something_void_counts_whatever_stood_there() {
    let mut report = report();
    save(&mut report, 1, &[set("I.1", "5"), set_note("I.2", "cũ")]);
    let void = save(
        &mut report,
        STRANGER,
        &[set("I.1", "900"), set_note("I.2", "x")],
    );
    judge(&mut report, &[&void]);
    // It stands already, and Automerge shows something else.
    assert_eq!(report.save(&ctx(1), &[set("I.1", "5")]).unwrap(), None);
    // The very value that is void.
    let own = save(&mut report, 1, &[set("I.1", "900"), set_note("I.2", "x")]);
    assert_eq!(values(&report, "I.1"), ["900"]);
    assert_eq!(note(&report, "I.2"), ["x"]);
    let by = &report.figures()[&"I.1".parse().unwrap()].candidates;
    assert_eq!(by[0].change, own.hash);
    let next = save(&mut report, 1, &[set("I.1", "6")]);
    assert_eq!(values(&report, "I.1"), ["6"]);
    // Taken back to what counted, never to what did not.
    let undone = report.undo(&next.hash, &ctx(1)).unwrap();
    assert!(undone.kept.is_empty());
    assert_eq!(values(&report, "I.1"), ["900"]);
    report.undo(&own.hash, &ctx(1)).unwrap();
    assert_eq!(note(&report, "I.2"), ["cũ"]);
}

#[test]
fn a_text_is_mended_where_somebody_types_in_it_and_is_the_same_everywhere() {
    let mut here = report();
    let words = "Một. Hai. Ba.";
    let first = save(&mut here, 1, &[text("funds", "police", words)]);
    let void = save(
        &mut here,
        STRANGER,
        &[text("funds", "police", "Một. Xyz. Ba.")],
    );
    judge(&mut here, &[&void]);
    assert_eq!(said(&here, "funds", "police"), words);
    // Nothing to say is nothing to mend.
    let same = [text("funds", "police", words)];
    assert_eq!(here.save(&ctx(1), &same).unwrap(), None);
    let typed = save(
        &mut here,
        1,
        &[text("funds", "police", "Một. Hai hai. Ba. Bốn.")],
    );
    assert_eq!(said(&here, "funds", "police"), "Một. Hai hai. Ba. Bốn.");
    let last = save(
        &mut here,
        3,
        &[text("funds", "police", "Một. Hai hai. Bốn. Năm.")],
    );
    let mut there = report();
    merge(&mut there, &[&first, &void, &typed, &last]);
    judge(&mut there, &[&void]);
    assert_eq!(said(&there, "funds", "police"), "Một. Hai hai. Bốn. Năm.");
    // Automerge shows the same, so who hears of it late has it too.
    there.read_past(Arc::default()).unwrap();
    assert_eq!(said(&there, "funds", "police"), "Một. Hai hai. Bốn. Năm.");
}

#[test]
fn what_was_adopted_is_one_s_own() {
    let mut report = report();
    save(
        &mut report,
        1,
        &[
            set("I.1", "5"),
            text("funds", "police", "Một. Ba."),
            Edit::Event(LifecycleEvent::Opened),
        ],
    );
    let void = save(
        &mut report,
        STRANGER,
        &[
            set("I.1", "6"),
            set("I.2", "7"),
            set_note("I.2", "thêm"),
            text("funds", "police", "Một. Hai. Ba."),
            Edit::Event(LifecycleEvent::Checked),
        ],
    );
    assert!(report.adoption(&void.hash).is_err());
    judge(&mut report, &[&void]);
    save(&mut report, 1, &[set("I.2", "8")]);
    let edits = report.adoption(&void.hash).unwrap();
    // Somebody who may has written over the other one since.
    assert!(edits.contains(&set("I.1", "6")) && !edits.contains(&set("I.2", "7")));
    let answer = Edit::Answer {
        change: void.hash,
        answer: Answer::Adopted,
    };
    save(&mut report, 1, &[edits, vec![answer]].concat());
    assert_eq!(values(&report, "I.1"), ["6"]);
    assert_eq!(values(&report, "I.2"), ["8"]);
    assert_eq!(note(&report, "I.2"), ["thêm"]);
    assert_eq!(said(&report, "funds", "police"), "Một. Hai. Ba.");
    assert_eq!(report.state().step, Some(Step::Checked));
    assert_eq!(report.answers()[&void.hash], Answer::Adopted);
}

#[test]
fn a_step_out_of_order_is_adopted_once_it_would_count() {
    let mut report = report();
    save(&mut report, 1, &[Edit::Event(LifecycleEvent::Opened)]);
    let early = save(&mut report, 2, &[Edit::Event(LifecycleEvent::Submitted)]);
    assert_eq!(report.state().step, Some(Step::Opened));
    let state = report.state();
    let void = report.out_of_order(&state).remove(&early.hash);
    assert_eq!(void, Some(vec![LifecycleEvent::Submitted]));
    assert_eq!(report.adoption(&early.hash).unwrap(), []);
    save(&mut report, 1, &[Edit::Event(LifecycleEvent::Signed)]);
    let edits = report.adoption(&early.hash).unwrap();
    assert_eq!(edits, [Edit::Event(LifecycleEvent::Submitted)]);
    save(&mut report, 1, &edits);
    assert_eq!(report.state().step, Some(Step::Submitted));
    // Of a stranger's save the figure is adopted, and not the step that would not count.
    let both = [set("I.1", "5"), Edit::Event(LifecycleEvent::Opened)];
    let void = save(&mut report, STRANGER, &both);
    judge(&mut report, &[&void]);
    assert_eq!(report.adoption(&void.hash).unwrap(), [set("I.1", "5")]);
}

#[test]
fn nobody_takes_or_returns_the_report_of_its_own_unit() {
    let mut report = report();
    let life = [
        LifecycleEvent::Opened,
        LifecycleEvent::Signed,
        LifecycleEvent::Submitted,
        LifecycleEvent::Accepted,
        LifecycleEvent::Returned("?".to_owned()),
    ];
    let saved = save(&mut report, 1, &life.map(Edit::Event));
    let (id, form) = (key().id(), form(1));
    let judge = Judge::new(&id, &form, report.genesis());
    let own = Allowed::Everything { is_superior: false };
    let void = judge.void_in(&saved.scanned, &own).unwrap();
    assert_eq!(void.why, Void::NotSuperior);
    assert_eq!(judge.names(&saved.scanned, &void), ["accepted", "returned"]);
    let above = Allowed::Everything { is_superior: true };
    assert_eq!(judge.void_in(&saved.scanned, &above), None);
    let voids = Voids::from([(saved.hash, void)]);
    report.read_past(Arc::new(voids)).unwrap();
    assert_eq!(report.state().step, Some(Step::Submitted));
}

#[test]
fn an_office_writes_what_its_grant_gives_and_the_rest_of_its_save_is_void() {
    let mut report = report();
    save(&mut report, 1, &[Edit::Event(LifecycleEvent::Opened)]);
    let saved = save(
        &mut report,
        2,
        &[
            set("I.1", "1"),
            set("I.5@health", "2"),
            set("I.5@police", "3"),
            text("situation", "health", "a"),
            text("situation", "police", "b"),
            Edit::Event(LifecycleEvent::Contributed(office("health"))),
            Edit::Event(LifecycleEvent::Signed),
        ],
    );
    let grant = |lines, texts| Given {
        hash: RecordHash([1; 32]),
        author: NodeId([1; 32]),
        unit: key().unit,
        body: Grant {
            lines,
            texts,
            ..Grant::of_office(key().unit, office("health"))
        },
    };
    let read = |grant: Given<Grant>| {
        let (id, form, holder) = (key().id(), form(1), office("health"));
        let judge = Judge::new(&id, &form, report.genesis());
        let allowed = Allowed::By {
            grants: vec![&grant],
            revoked: Vec::new(),
            office: Some(&holder),
            is_superior: false,
        };
        let void = judge.void_in(&saved.scanned, &allowed).unwrap();
        let mut read = report.clone();
        assert_eq!(VoidOps::decode(&void.encode()).as_ref(), Some(&void));
        read.read_past(Arc::new(Voids::from([(saved.hash, void)])))
            .unwrap();
        let figures: Vec<String> = read.figures().keys().map(ToString::to_string).collect();
        let texts = read.texts().into_values().filter(|text| !text.is_empty());
        (figures, texts.collect::<Vec<_>>(), read.state().step)
    };
    let (own, step) = (|| Reach::Own, Some(Step::Contributed));
    let figures = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    // I.1 is the police's, and health contributes.
    let expected = (figures(&["I.1", "I.5@health"]), vec!["a".to_owned()], step);
    assert_eq!(read(grant(own(), Reach::Own)), expected);
    let only = Reach::Only(vec!["I.5".parse().unwrap()]);
    let expected = (figures(&["I.5@health", "I.5@police"]), vec![], step);
    assert_eq!(read(grant(only, Reach::Nothing)), expected);
}

/// One step of two offices and a stranger, who meet now and then.
#[derive(Debug, Clone)]
enum Act {
    Figure(u8, u8),
    Text(String),
    Event,
    Meet(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1u8..=3, 0u8..4).prop_map(|(line, value)| Act::Figure(line, value)),
        3 => "[a-cệ ]{0,12}".prop_map(Act::Text),
        1 => Just(Act::Event),
        3 => (0usize..3).prop_map(Act::Meet),
    ]
}

/// Offices 0 and 1 and the stranger, who is 2 and may be left out, as all of them judge it.
fn play(acts: &[(usize, Act)], has_stranger: bool) -> (Vec<Report>, Vec<ScannedChange>, Voids) {
    let mut all: Vec<ScannedChange> = Vec::new();
    let mut reports = vec![report(), report(), report()];
    let mut voids = Voids::new();
    for (who, act) in acts {
        // It carries what others wrote all the same.
        if *who == 2 && !has_stranger && !matches!(act, Act::Meet(_)) {
            continue;
        }
        let edits = match act {
            Act::Figure(line, value) => vec![set(&format!("I.{line}"), &value.to_string())],
            Act::Text(words) => vec![text("situation", "police", words)],
            Act::Event => vec![Edit::Event(LifecycleEvent::Checked)],
            Act::Meet(other) => {
                let known = all.iter();
                let known: Vec<_> = known
                    .filter(|change| reports[*other].has_change(&change.hash))
                    .collect();
                reports[*who].apply(known).unwrap();
                reports[*who].read_past(Arc::new(voids.clone())).unwrap();
                continue;
            }
        };
        let actor = u8::try_from(*who).unwrap() + 1;
        let saved = reports[*who].save(&ctx(actor), &edits).unwrap();
        if let Some(saved) = saved {
            if *who == 2 {
                voids.insert(saved.hash, void_of(&saved.scanned));
                reports[2].read_past(Arc::new(voids.clone())).unwrap();
            }
            all.push(saved.scanned);
        }
    }
    for report in &mut reports {
        report.apply(&all).unwrap();
        report.read_past(Arc::new(voids.clone())).unwrap();
    }
    (reports, all, voids)
}

fn figures(report: &Report) -> BTreeMap<String, BTreeSet<String>> {
    let figures = report.figures().into_iter();
    figures
        .map(|(key, register)| {
            let values = register.candidates.into_iter().map(|one| one.value);
            (key.to_string(), values.collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Followed here, a report says letter for letter what Automerge says.
    #[test]
    fn without_anything_void_it_reads_as_automerge_shows_it(
        acts in prop::collection::vec((0usize..3, act()), 1..24),
    ) {
        let (mut reports, all, _) = play(&acts, true);
        let report = &mut reports[0];
        report.read_past(Arc::default()).unwrap();
        let shown = (report.figures(), report.texts(), report.events(), report.facts());
        // Each text has something void in it, which nobody wrote.
        let Some(first) = all.iter().find(|change| !change.texts.is_empty()) else { return Ok(()) };
        let nobody = Voids::from([(ChangeHash([7; 32]), void_of(first))]);
        report.read_past(Arc::new(nobody)).unwrap();
        prop_assert_eq!((report.figures(), report.texts(), report.events(), report.facts()), shown);
    }

    /// Figures and steps are what they would be if the stranger had never been there.
    #[test]
    fn a_stranger_changes_no_figure_and_no_step(
        acts in prop::collection::vec((0usize..3, act()), 1..32),
    ) {
        let (with, all, voids) = play(&acts, true);
        let (without, ..) = play(&acts, false);
        prop_assert_eq!(figures(&with[0]), figures(&without[0]));
        prop_assert_eq!(with[0].state().step, without[0].state().step);
        let mut facts = Facts::new();
        for change in &all {
            facts.apply_judged(change, voids.get(&change.hash));
        }
        prop_assert_eq!(told_by_facts(&facts), told_by_report(&with[0]));
        prop_assert_eq!(facts.state().step, with[0].state().step);
        for other in &with[1..] {
            prop_assert_eq!(figures(other), figures(&with[0]));
            prop_assert_eq!(other.texts(), with[0].texts());
        }
    }

    /// Letters that only the stranger uses show nowhere, and what the stranger deletes stays.
    #[test]
    fn a_stranger_changes_no_text(
        words in prop::collection::vec(("[a-c ]{0,12}", "[a-c x-z]{0,12}"), 1..6),
    ) {
        let mut report = report();
        let mut voids = Voids::new();
        for (honest, hostile) in words {
            report.save(&ctx(1), &[text("funds", "police", &honest)]).unwrap();
            prop_assert_eq!(said(&report, "funds", "police"), honest.as_str());
            // The stranger's own node shows it what it likes.
            report.read_past(Arc::default()).unwrap();
            let saved = report.save(&ctx(STRANGER), &[text("funds", "police", &hostile)]).unwrap();
            voids.extend(saved.map(|saved| (saved.hash, void_of(&saved.scanned))));
            report.read_past(Arc::new(voids.clone())).unwrap();
            prop_assert_eq!(said(&report, "funds", "police"), honest);
        }
    }
}
