use std::sync::{Arc, Mutex};

use hopluu_sync::Steady;

use super::*;
use crate::testing::alone::Node;
use crate::turn::Turn;

fn node(number: u8) -> Option<NodeId> {
    Some(NodeId([number; 32]))
}

/// The answer of a command that needs the disk.
fn answered<T: Send + 'static>(
    alone: &mut Node,
    ask: impl FnOnce(&mut Core, &mut Turn, Reply<T>),
) -> T {
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    alone.turn(Steady(1), |core, turn| {
        ask(
            core,
            turn,
            Box::new(move |answer| *filled.lock().unwrap() = Some(answer)),
        );
    });
    let answer = slot.lock().unwrap().take();
    answer.expect("it is answered").expect("the disk is sound")
}

fn refused(alone: &mut Node) -> Vec<RefusedView> {
    answered(alone, |core, turn, reply| {
        core.refused_list(turn.now, reply);
    })
}

#[test]
fn a_flood_of_refusals_is_one_row_for_each_of_whom_and_why_and_a_write_now_and_then() {
    let mut alone = Node::new();
    let writes = |alone: &Node| alone.core.closing().stats().jobs;
    alone.turn(Steady(0), |_, _| {});
    let before = writes(&alone);
    for _ in 0..1_000 {
        alone.turn(Steady(1), |core, turn| {
            core.refused(turn, RefusedKind::Link, node(1), "revoked");
            core.refused(turn, RefusedKind::Link, node(2), "revoked");
            core.refused(turn, RefusedKind::Join, None, "used");
        });
    }
    assert_eq!(writes(&alone), before + 1);
    let told = refused(&mut alone);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|one| one.count == 1_000));
}

#[test]
fn refusals_that_wait_for_the_disk_are_bounded() {
    let mut refusals = Refusals::default();
    for number in 0..=REFUSALS_WAITING_MAX {
        let name = (RefusedKind::Link, None, number.to_string());
        refusals.add(name.clone(), Timestamp(1), 1);
        refusals.add(name, Timestamp(2), 2);
    }
    let rows = refusals.take();
    assert_eq!(rows.len(), REFUSALS_WAITING_MAX);
    assert!(
        rows.iter()
            .all(|row| row.count == 3 && row.last == Timestamp(2))
    );
}

fn shown(how: &'static str, codes: Option<&[&str]>) -> Shown {
    let code = |code: &&str| code.parse().expect("a code");
    Shown {
        who: "uid:1000".to_owned(),
        how,
        unit: Some("45@2024-05-01".parse().expect("a unit")),
        form: Some("small".parse().expect("a form")),
        period: Some("2024-H1".parse().expect("a period")),
        codes: codes.map(|codes| codes.iter().map(code).collect()),
    }
}

#[test]
fn who_reads_private_lines_is_noted_and_who_reads_others_is_not() {
    let mut alone = Node::new();
    let private: [Option<&[&str]>; 3] = [Some(&["I", "IV"]), None, None];
    for codes in private {
        answered(&mut alone, |core, turn, reply| {
            core.note_shown(turn.now, shown("report", codes), reply);
        });
    }
    answered(&mut alone, |core, turn, reply| {
        core.note_shown(turn.now, shown("total", Some(&["I", "II"])), reply);
    });
    let all = alone.core.private_reads(&ReadsQuery::default()).unwrap();
    let [one] = all.as_slice() else {
        unreachable!("one row: {all:?}");
    };
    assert_eq!(
        (one.how.as_str(), one.count, one.form.as_str()),
        ("report", 3, "small")
    );
    assert_eq!(one.day, clock::day(one.first));
    let since = Some("2099-01-01".parse().unwrap());
    let later = ReadsQuery { since, unit: None };
    assert!(alone.core.private_reads(&later).unwrap().is_empty());
    let unit = Some("45".to_owned());
    let of = ReadsQuery { since: None, unit };
    assert_eq!(alone.core.private_reads(&of).unwrap(), all);
}
