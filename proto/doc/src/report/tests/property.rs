use proptest::prelude::*;

use super::*;
use crate::admit::{Parent, Tip, check_parents, check_references};
use crate::scan::ScannedChange;

/// One step of several offices that work apart and meet now and then.
#[derive(Debug, Clone)]
enum Act {
    Figure(u8, u8),
    Text(String),
    Event,
    Meet(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1u8..=4, 0u8..4).prop_map(|(line, value)| Act::Figure(line, value)),
        1 => "[a-cệ ]{0,12}".prop_map(Act::Text),
        1 => Just(Act::Event),
        2 => (0usize..3).prop_map(Act::Meet),
    ]
}

/// Three offices, and all changes in one causal order.
fn play(acts: &[(usize, Act)]) -> (Vec<Report>, Vec<ScannedChange>) {
    let mut offices = vec![report(), report(), report()];
    let mut all: Vec<ScannedChange> = Vec::new();
    for (who, act) in acts {
        let edits = match act {
            Act::Figure(line, value) => vec![set(&format!("I.{line}"), &value.to_string())],
            Act::Text(words) => vec![text("situation", "police", words)],
            Act::Event => vec![Edit::Event(LifecycleEvent::Checked)],
            Act::Meet(other) => {
                let known: Vec<_> = all
                    .iter()
                    .filter(|change| offices[*other].has_change(&change.hash))
                    .collect();
                offices[*who].apply(known).unwrap();
                continue;
            }
        };
        let actor = u8::try_from(*who).unwrap() + 1;
        let saved = offices[*who].save(&ctx(actor), &edits).unwrap();
        all.extend(saved.map(|saved| saved.scanned));
    }
    (offices, all)
}

/// Another order in which every change still comes after its parents.
fn reorder(changes: &[ScannedChange], picks: &[usize]) -> Vec<ScannedChange> {
    let mut left = changes.to_vec();
    let mut out: Vec<ScannedChange> = Vec::new();
    for turn in 0..changes.len() {
        let ready: Vec<usize> = (0..left.len())
            .filter(|index| {
                !left
                    .iter()
                    .any(|other| left[*index].deps.contains(&other.hash))
            })
            .collect();
        let pick = picks.get(turn).copied().unwrap_or_default() % ready.len();
        out.push(left.remove(ready[pick]));
    }
    out
}

/// A change as no program of ours writes it: a few puts, each over some of those before it.
fn crafted(base: &Report, puts: &[(bool, u8, Vec<usize>)]) -> Option<ScannedChange> {
    let mut next = base.clone();
    let mut edits = vec![set("I.1", "11")];
    edits.push(Edit::SetNote {
        key: "I.1".parse().unwrap(),
        text: "x".to_owned(),
    });
    let saved = next.save(&ctx(9), &edits).unwrap().unwrap();
    let mut change = Change::from_bytes(saved.bytes).unwrap().decode();
    let (start, actor) = (change.start_op.get(), change.actor_id.clone());
    let op_id = |at: usize| automerge::legacy::OpId::new(start + at as u64, &actor);
    let (figure, note) = (change.operations[0].clone(), change.operations[1].clone());
    let put = |(at, (is_note, line, over)): (usize, &(bool, u8, Vec<usize>))| {
        let mut op = if *is_note {
            note.clone()
        } else {
            figure.clone()
        };
        op.key = automerge::legacy::Key::Map(format!("I.{line}").as_str().into());
        let over: std::collections::BTreeSet<usize> = over.iter().copied().collect();
        let over = over.into_iter().filter(|before| *before < at);
        op.pred = over.map(op_id).collect::<Vec<_>>().into();
        op
    };
    change.operations = puts.iter().enumerate().map(put).collect();
    let bytes = Change::from(change).raw_bytes().to_vec();
    crate::scan::scan(&bytes, &crate::limits::SCAN_LIMITS).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_change_writes_over_itself_its_facts_are_those_of_a_full_load(
        puts in prop::collection::vec(
            (any::<bool>(), 1u8..=2, prop::collection::vec(0usize..6, 0..3)),
            1..6,
        ),
    ) {
        let base = report();
        let Some(change) = crafted(&base, &puts) else { return Ok(()) };
        let mut facts = Facts::new();
        facts.apply(&change);
        let mut full = base;
        full.apply([&change]).unwrap();
        prop_assert_eq!(facts.encode(), full.facts().encode());
        prop_assert_eq!(full.history().unwrap().len(), 1);
        full.undo(&change.hash, &ctx(1)).unwrap();
        full.save(&ctx(1), &[set("I.1", "12")]).unwrap();
        let snapshot = full.save_snapshot();
        let opened = Report::load(key(), &form(0), Some(&snapshot), []).unwrap();
        prop_assert_eq!(opened.heads(), full.heads());
    }

    #[test]
    fn facts_of_any_causal_order_are_those_of_a_full_load(
        acts in prop::collection::vec((0usize..3, act()), 1..24),
        picks in prop::collection::vec(any::<usize>(), 24),
    ) {
        let (_, changes) = play(&acts);
        let mut facts = Facts::new();
        for change in reorder(&changes, &picks) {
            facts.apply(&change);
        }
        let mut in_order = Facts::new();
        changes.iter().for_each(|change| in_order.apply(change));
        prop_assert_eq!(facts.encode(), in_order.encode());
        prop_assert_eq!(&Facts::decode(&facts.encode()).unwrap(), &facts);
        let bytes = changes.iter().rev().map(|change| change.bytes.as_slice());
        let full = Report::load(key(), &form(0), None, bytes).unwrap();
        prop_assert_eq!(told_by_facts(&facts), told_by_report(&full));
        prop_assert_eq!(facts.encode(), full.facts().encode());
        prop_assert_eq!(facts.events(), full.events());
        prop_assert_eq!(facts.state(), full.state());
    }

    #[test]
    fn merging_commutes_associates_and_is_idempotent(
        acts in prop::collection::vec((0usize..3, act()), 1..24),
        picks in prop::collection::vec(any::<usize>(), 24),
    ) {
        let (mut offices, changes) = play(&acts);
        let mut replayed = report();
        for change in reorder(&changes, &picks) {
            replayed.apply([&change, &change]).unwrap();
        }
        for office in &mut offices {
            office.apply(&changes).unwrap();
            office.apply(&changes).unwrap();
            prop_assert_eq!(office.heads(), replayed.heads());
            prop_assert_eq!(office.figures(), replayed.figures());
            prop_assert_eq!(office.texts(), replayed.texts());
            prop_assert_eq!(office.state(), replayed.state());
            prop_assert_eq!(office.history().unwrap(), replayed.history().unwrap());
        }
        let snapshot = replayed.save_snapshot();
        let opened = Report::load(key(), &form(0), Some(&snapshot), []).unwrap();
        prop_assert_eq!(opened.heads(), replayed.heads());
    }

    #[test]
    fn what_is_saved_is_admitted(
        acts in prop::collection::vec((0usize..3, act()), 1..16),
    ) {
        let (_, changes) = play(&acts);
        let genesis = report().genesis().clone();
        let mut here: Vec<&ScannedChange> = Vec::new();
        for change in &changes {
            let tip = here.iter().rev().find(|other| other.actor == change.actor);
            let parent = |hash: &ChangeHash| {
                here.iter().find(|other| other.hash == *hash).map(|found| Parent::from(*found))
            };
            let tip = tip.map(|tip| Tip::from(*tip));
            let checked = check_parents(change, &key().id(), &genesis, parent, tip);
            prop_assert_eq!(checked, Ok(()));
            let find = |actor, counter| {
                let holds = |other: &&&ScannedChange| {
                    other.actor == actor && (other.start_op..=other.max_op).contains(&counter)
                };
                here.iter().find(holds).map(|found| (*found).clone())
            };
            prop_assert_eq!(check_references(change, find), Ok(()));
            here.push(change);
        }
    }

    #[test]
    fn undo_gives_back_figures_and_texts(
        before in prop::collection::vec((1u8..=4, 0u8..4), 0..6),
        wrong in prop::collection::vec((1u8..=4, 4u8..8), 1..6),
        old in "[abcệ \n]{0,30}", new in "[abcệ \n]{0,30}",
    ) {
        let edits = |figures: &[(u8, u8)], words: &str| {
            let mut edits: Vec<Edit> = figures
                .iter()
                .map(|(line, value)| set(&format!("I.{line}"), &value.to_string()))
                .collect();
            edits.push(text("funds", "police", words));
            edits
        };
        let mut report = report();
        let blanks: Vec<Edit> = (1..=4).map(|line| set(&format!("I.{line}"), "blank")).collect();
        report.save(&ctx(1), &blanks).unwrap();
        report.save(&ctx(1), &edits(&before, &old)).unwrap();
        let agreed = |report: &Report| -> Vec<_> {
            report.figures().values().map(Register::scalar).collect()
        };
        let expected = (agreed(&report), report.texts());
        let save = report.save(&ctx(2), &edits(&wrong, &new)).unwrap().unwrap();
        let undone = report.undo(&save.hash, &ctx(3)).unwrap();
        prop_assert!(undone.kept.is_empty());
        prop_assert_eq!((agreed(&report), report.texts()), expected);
    }
}
