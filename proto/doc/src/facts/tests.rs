use expect_test::expect;
use hopluu_model::{ActorId, ChangeHash, Timestamp};
use proptest::prelude::*;

use super::*;

fn op(counter: u64, actor: u8) -> OpId {
    OpId {
        counter,
        actor: ActorId([actor; 8]),
    }
}

fn set(key: &str, value: &str, id: OpId, preds: &[OpId]) -> MapOp {
    MapOp {
        key: key.to_owned(),
        value: value.to_owned(),
        op: id,
        preds: preds.to_vec(),
    }
}

fn change(figures: Vec<MapOp>, events: Vec<MapOp>) -> ScannedChange {
    ScannedChange {
        hash: ChangeHash([0; 32]),
        actor: ActorId([0; 8]),
        seq: 1,
        start_op: 1,
        max_op: 1,
        deps: Vec::new(),
        time: Timestamp(0),
        message: None,
        figures,
        notes: Vec::new(),
        events,
        texts: Vec::new(),
        inserts: Vec::new(),
        elements: Vec::new(),
        declares: None,
        bytes: Vec::new(),
    }
}

fn values(facts: &Facts, key: &str) -> Vec<String> {
    facts
        .figure(&key.parse().unwrap())
        .iter()
        .map(|fact| fact.value.clone())
        .collect()
}

fn sample() -> Facts {
    let mut facts = Facts::new();
    facts.apply(&change(
        vec![
            set("II.1", "1500", op(20, 1), &[]),
            set("II.2@police", "~>420", op(21, 1), &[]),
        ],
        vec![set("0101010101010101.1", "opened", op(22, 1), &[])],
    ));
    facts.apply(&change(vec![set("II.1", "1600", op(20, 2), &[])], vec![]));
    facts
}

#[test]
fn a_later_operation_supersedes_what_it_names_and_a_concurrent_one_stays() {
    let mut facts = sample();
    assert_eq!(values(&facts, "II.1"), ["1500", "1600"]);
    facts.apply(&change(
        vec![set("II.1", "1550", op(30, 2), &[op(20, 1), op(20, 2)])],
        vec![],
    ));
    assert_eq!(values(&facts, "II.1"), ["1550"]);
    assert_eq!(values(&facts, "II.9"), [""; 0]);
}

#[test]
fn a_void_operation_hides_nothing_and_who_writes_over_it_writes_over_all_of_it() {
    let mut facts = Facts::new();
    facts.apply(&change(vec![set("II.1", "1", op(20, 1), &[])], vec![]));
    let by_stranger = change(vec![set("II.1", "9", op(21, 9), &[op(20, 1)])], vec![]);
    facts.apply_judged(&by_stranger, Some(&VoidOps::of(&[21])));
    assert_eq!(values(&facts, "II.1"), ["1"]);
    assert_eq!(Facts::decode(&facts.encode()).unwrap(), facts);
    facts.apply(&change(
        vec![set("II.1", "2", op(22, 1), &[op(21, 9)])],
        vec![],
    ));
    assert_eq!(values(&facts, "II.1"), ["2"]);
}

#[test]
fn a_key_outside_the_grammar_is_no_figure() {
    let mut facts = Facts::new();
    facts.apply(&change(vec![set("II 1", "1", op(20, 1), &[])], vec![]));
    assert!(facts.is_empty());
}

#[test]
fn golden_row() {
    let hex = crate::testing::hex(&sample().encode());
    expect!["010201010101010101010202020202020202020449492e3109313530301400083136303014010b49492e3240706f6c6963650a7e3e34323015000112303130313031303130313031303130312e310c6f70656e6564160000"].assert_eq(&hex);
}

#[test]
fn a_full_report_packs_small() {
    let figures = (0..78)
        .map(|n| {
            set(
                &format!("II.2.{}.a.{}", n / 10, n % 10),
                "1234",
                op(200 + n, 1),
                &[],
            )
        })
        .collect();
    let mut facts = Facts::new();
    facts.apply(&change(figures, vec![]));
    let bytes = facts.encode();
    assert!(
        (700..=1_500).contains(&bytes.len()),
        "{} bytes",
        bytes.len()
    );
}

#[test]
fn a_row_beyond_its_bounds_is_refused() {
    assert_eq!(Facts::decode(&[3]), Err(FactsError::Version(3)));
    assert_eq!(Facts::decode(&[]), Err(FactsError::Damaged));
    assert_eq!(
        Facts::decode(&vec![1; crate::limits::FACTS_BYTES_MAX + 1]),
        Err(FactsError::Damaged)
    );
    let mut many = vec![1];
    crate::leb128::write_unsigned(&mut many, crate::limits::FACTS_ACTORS_MAX as u64 + 1);
    many.resize(
        many.len() + (crate::limits::FACTS_ACTORS_MAX + 1) * 8 + 3,
        0,
    );
    assert_eq!(Facts::decode(&many), Err(FactsError::Damaged));
}

#[test]
fn the_view_reads_what_was_packed() {
    let facts = sample();
    let bytes = facts.encode();
    let view = FactsView::new(&bytes).unwrap();
    let seen: Vec<(String, Vec<String>)> = view
        .figures()
        .map(|register| {
            let register = register.unwrap();
            let values = register
                .candidates()
                .map(|fact| fact.value.to_owned())
                .collect();
            (register.key.to_owned(), values)
        })
        .collect();
    let packed: Vec<_> = facts
        .figures()
        .map(|(key, facts)| {
            (
                key.to_string(),
                facts
                    .iter()
                    .map(|fact| fact.value.clone())
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(seen, packed);
    assert_eq!(view.events().unwrap().len(), 1);
}

/// `number` events of actor 1, numbered from 1, in changes of 100.
fn many_events(number: u64) -> Vec<ScannedChange> {
    let events: Vec<_> = (1..=number)
        .map(|n| set(&format!("1.{n}"), "checked\n\n", op(n, 1), &[]))
        .collect();
    let changes = events.chunks(100);
    changes
        .map(|events| change(vec![], events.to_vec()))
        .collect()
}

#[test]
fn the_last_events_are_read_in_whatever_order_they_come() {
    let more = EVENTS_READ_MAX as u64 + 250;
    let changes = many_events(more);
    let (mut facts, mut backwards) = (Facts::new(), Facts::new());
    changes.iter().for_each(|change| facts.apply(change));
    changes
        .iter()
        .rev()
        .for_each(|change| backwards.apply(change));
    assert_eq!(facts, backwards);
    let events = facts.events();
    assert_eq!(events.len(), EVENTS_READ_MAX);
    let last = events.last().unwrap();
    assert_eq!(last.op, op(more, 1));
}

proptest! {
    #[test]
    fn the_short_way_reads_what_the_grammar_reads(text in "[0-9]{0,20}|~?[0-9]{1,3}[./]?[0-9]{0,2}|[a-z]{1,3}") {
        prop_assert_eq!(read_scalar(&text), text.parse().ok());
    }

    #[test]
    fn damaged_rows_never_panic(at in 0usize..400, byte: u8, cut in 0usize..400) {
        let mut bytes = sample().encode();
        let (at, cut) = (at % bytes.len(), cut % (bytes.len() + 1));
        bytes[at] = byte;
        bytes.truncate(cut);
        if let Ok(facts) = Facts::decode(&bytes) {
            prop_assert_eq!(facts.encode(), bytes.clone());
        }
        if let Ok(view) = FactsView::new(&bytes) {
            let _ = view.figures().map(|r| r.map(|r| r.candidates().count())).last();
            let _ = view.events();
        }
    }
}
