use super::*;
use crate::testing::alone::Node;
use crate::view::{EditRequest, SaveRequest, Selector};

const START: Steady = Steady(5);

/// Saves one figure of a commune's half-year; the periods whose totals are told to have changed.
fn save(node: &mut Node, period: &str, value: usize) -> Vec<String> {
    let request = SaveRequest {
        report: Selector {
            unit: Some("19429".to_owned()),
            form: "small".to_owned(),
            period: period.to_owned(),
            instance: 0,
        },
        office: None,
        edits: vec![EditRequest::Set {
            code: "I".to_owned(),
            office: None,
            value: value.to_string(),
        }],
        create: true,
    };
    let turn = node.turn(START, |core, turn| {
        core.report_save(turn, &request, Box::new(|saved| _ = saved.unwrap()));
    });
    told(&turn)
}

fn told(turn: &Turn) -> Vec<String> {
    let periods = turn.events.iter().filter_map(|event| match event {
        WatchEvent::TotalChanged {
            period, reported, ..
        } => {
            assert_eq!(*reported, 1);
            Some(period.to_string())
        }
        _ => None,
    });
    periods.collect()
}

#[test]
fn many_years_that_come_in_at_once_are_read_one_at_a_time_and_all_are_told() {
    let mut node = Node::new();
    let years = (2020..2025).flat_map(|year| [format!("{year}-H1"), format!("{year}-H2")]);
    let periods: Vec<String> = years.collect();
    for (number, period) in periods.iter().enumerate() {
        let expected: &[String] = if number == 0 { &periods[..1] } else { &[] };
        assert_eq!(save(&mut node, period, 1), expected);
    }
    assert_eq!(node.core.totals.kept.len(), 1, "the others wait");
    assert_eq!(save(&mut node, &periods[0], 2), periods[..1], "at once");
    let mut now = START;
    for period in &periods[1..] {
        let wake = node.core.next_wake().unwrap();
        assert_eq!(wake, now.plus_ms(TOTALS_REST_MS));
        now = wake;
        let turn = node.turn(now, Core::woken);
        assert_eq!(told(&turn), std::slice::from_ref(period));
    }
    assert!(node.core.totals.stale.is_empty());
    assert_eq!(node.core.totals.kept.len(), TOTALS_KEPT_MAX);
}
