use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

use hopluu_store::{DbError, NewDoc};
use hopluu_sync::Steady;

use super::*;
use crate::limits::DOCS_PER_UNIT_MAX;
use crate::testing::alone::Node;
use crate::view::ReportView;

const NOW: Steady = Steady(5);
const COMMUNE: &str = "19429@2024-05-01";
const PERIOD: &str = "2024-H1";

fn selector(unit: &str, period: &str) -> Selector {
    Selector {
        unit: Some(unit.to_owned()),
        form: "small".to_owned(),
        period: period.to_owned(),
        instance: 0,
    }
}

fn saving(edit: EditRequest, create: bool) -> SaveRequest {
    SaveRequest {
        report: selector(COMMUNE, PERIOD),
        office: None,
        edits: vec![edit],
        create,
    }
}

fn set(code: &str, value: &str) -> EditRequest {
    EditRequest::Set {
        code: code.to_owned(),
        office: None,
        value: value.to_owned(),
    }
}

fn withdraw(reason: &str) -> EditRequest {
    EditRequest::Withdraw {
        reason: reason.to_owned(),
    }
}

type Answers = mpsc::Receiver<Result<Saved, CommandError>>;

/// A reply that is kept, and where it is found.
fn kept() -> (Reply<Saved>, Answers) {
    let (tell, told) = mpsc::channel();
    (Box::new(move |saved| tell.send(saved).unwrap()), told)
}

fn save(node: &mut Node, request: &SaveRequest) -> Result<Saved, CommandError> {
    let (reply, told) = kept();
    node.turn(NOW, |core, turn| core.report_save(turn, request, reply));
    told.recv().unwrap()
}

fn new(node: &mut Node, selector: &Selector) -> Result<Saved, CommandError> {
    begin(node, selector, None, false)
}

fn begin(
    node: &mut Node,
    selector: &Selector,
    office: Option<&str>,
    is_like_last: bool,
) -> Result<Saved, CommandError> {
    let (reply, told) = kept();
    node.turn(NOW, |core, turn| {
        core.report_new(turn, selector, office, is_like_last, reply);
    });
    told.recv().unwrap()
}

fn show(node: &mut Node) -> ReportView {
    let shown = Rc::new(RefCell::new(None));
    node.turn(NOW, |core, _| {
        *shown.borrow_mut() = Some(core.report_show(&selector(COMMUNE, PERIOD)).unwrap());
    });
    shown.take().unwrap()
}

#[test]
fn a_report_that_is_on_its_way_to_the_disk_takes_the_next_save() {
    let mut node = Node::new();
    let ((first, one), (second, two)) = (kept(), kept());
    // Both are asked for before the disk has answered, as the lines of an import are.
    node.turn(NOW, |core, turn| {
        core.report_save(turn, &saving(set("I", "1"), true), first);
        core.report_save(turn, &saving(set("II", "2"), false), second);
    });
    assert!(one.recv().unwrap().unwrap().change.is_some());
    assert!(two.recv().unwrap().unwrap().change.is_some());
    assert_eq!(show(&mut node).figures.len(), 2);
}

#[test]
fn an_undo_takes_back_the_save_before_it_wherever_that_has_got_to() {
    let mut node = Node::new();
    save(&mut node, &saving(set("I", "1"), true)).unwrap();
    let ((later, saved), (undo, undone)) = (kept(), kept());
    node.turn(NOW, |core, turn| {
        core.report_save(turn, &saving(set("I", "2"), false), later);
        core.report_undo(turn, &selector(COMMUNE, PERIOD), None, undo);
    });
    saved.recv().unwrap().unwrap();
    undone.recv().unwrap().unwrap();
    assert_eq!(show(&mut node).figures[0].value.as_deref(), Some("1"));
}

#[test]
fn a_withdrawn_report_takes_nothing_until_it_is_opened_again() {
    let mut node = Node::new();
    save(&mut node, &saving(set("I", "1"), true)).unwrap();
    let refused = save(&mut node, &saving(withdraw(" "), false));
    assert_eq!(refused.unwrap_err().code(), "M-1212");
    save(&mut node, &saving(withdraw(" nhầm kỳ "), false)).unwrap();
    let shown = show(&mut node);
    assert_eq!(
        (shown.state.as_str(), shown.reason.as_deref()),
        ("withdrawn", Some("nhầm kỳ"))
    );
    let listed = node.core.report_list(&crate::ReportFilter::default());
    assert_eq!(listed.unwrap()[0].reason.as_deref(), Some("nhầm kỳ"));

    for edit in [set("I", "2"), withdraw("lần nữa")] {
        match save(&mut node, &saving(edit, true)).unwrap_err() {
            CommandError::Withdrawn { reason, .. } => assert_eq!(reason, "nhầm kỳ"),
            other => panic!("{other}"),
        }
    }
    let (reply, undone) = kept();
    node.turn(NOW, |core, turn| {
        core.report_undo(turn, &selector(COMMUNE, PERIOD), None, reply);
    });
    assert_eq!(undone.recv().unwrap().unwrap_err().code(), "M-1211");

    let report = selector(COMMUNE, PERIOD);
    new(&mut node, &report).unwrap();
    save(&mut node, &saving(set("I", "2"), false)).unwrap();
    let shown = show(&mut node);
    assert_eq!((shown.state.as_str(), shown.reason), ("opened", None));
    assert_eq!(shown.figures[0].value.as_deref(), Some("2"));
    assert_eq!(new(&mut node, &report).unwrap_err().code(), "M-1202");
}

#[test]
fn a_report_begins_only_for_a_period_that_its_unit_lived_in() {
    // What the new province was made of lies below it too.
    let mut node = Node::of("44@2025-07-01");
    let mut begin = |unit: &str, period: &str| {
        let begun = new(&mut node, &selector(unit, period));
        begun.err().map(|error| error.code())
    };
    // It ended on 30 June 2025; the second half-year's books opened on the 15th.
    assert_eq!(begin(COMMUNE, "2025-H2"), None);
    assert_eq!(begin(COMMUNE, "2026-H1"), Some("M-1210"));
    assert_eq!(begin("19429@2025-07-01", "2025-H1"), Some("M-1210"));
    assert_eq!(begin("19429@2025-07-01", "2025-H2"), None);
}

#[test]
fn a_superior_says_that_it_has_what_it_wrote_itself() {
    let mut node = Node::new();
    for value in ["1", "2"] {
        save(&mut node, &saving(set("I", value), true)).unwrap();
        let reached = show(&mut node).reached;
        let reached: Vec<_> = reached
            .iter()
            .map(|one| (one.unit.code.as_str(), one.is_current))
            .collect();
        assert_eq!(reached, [("45", true)]);
    }
}

/// Offices that begin apart would each bring the other's texts, which then stand there twice.
#[test]
fn an_office_begins_with_its_own_part_of_the_last_report() {
    let mut node = Node::new();
    let before = "2023-H2";
    let text = |office: &str| EditRequest::Text {
        section: "situation".to_owned(),
        office: Some(office.to_owned()),
        text: format!("của {office}"),
    };
    let request = SaveRequest {
        report: selector(COMMUNE, before),
        office: None,
        edits: vec![
            set("I", "1"),
            set("III", "3"),
            text("police"),
            text("health"),
        ],
        create: true,
    };
    save(&mut node, &request).unwrap();
    let report = selector(COMMUNE, PERIOD);
    let holds = |node: &mut Node| {
        let shown = show(node);
        let figures = shown.figures.iter().map(|one| one.code.to_string());
        let texts = shown.texts.iter().map(|one| one.text.clone());
        figures.chain(texts).collect::<Vec<_>>().join(" ")
    };
    begin(&mut node, &report, Some("police"), true).unwrap();
    assert_eq!(holds(&mut node), "I của police");
    let again = begin(&mut node, &report, Some("police"), true);
    assert_eq!(again.unwrap_err().code(), "M-1202");
    begin(&mut node, &report, Some("health"), true).unwrap();
    assert_eq!(holds(&mut node), "I III của health của police");
    for office in [Some("health"), None] {
        let again = begin(&mut node, &report, office, true);
        assert_eq!(again.unwrap_err().code(), "M-1202");
    }
}

#[test]
fn a_note_stands_where_the_figure_is_still_to_come() {
    let mut node = Node::new();
    let note = EditRequest::Note {
        code: "II".to_owned(),
        office: None,
        text: "chờ số của xã".to_owned(),
    };
    save(&mut node, &saving(set("I", "1"), true)).unwrap();
    save(&mut node, &saving(note, false)).unwrap();
    let shown = show(&mut node);
    let figures: Vec<_> = shown.figures.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(figures, ["I", "II"]);
    let noted = &shown.figures[1];
    assert_eq!((noted.value.as_deref(), noted.candidates.len()), (None, 0));
    assert_eq!(noted.note.as_deref(), Some("chờ số của xã"));
    assert!(!noted.is_unsettled());
}

/// Superiors take so many and no more: a report beyond them would stay here, and nobody would say so.
#[test]
fn no_more_reports_of_a_unit_begin_than_its_superiors_take() {
    let mut node = Node::new();
    save(&mut node, &saving(set("I", "1"), true)).unwrap();
    let row = node.core.report_list(&crate::ReportFilter::default());
    let report = row.unwrap().remove(0).report;
    let fill = node.core.store().write(move |tx| {
        for number in 1..DOCS_PER_UNIT_MAX {
            let mut doc = [1; 16];
            doc[..8].copy_from_slice(&number.to_be_bytes());
            tx.put_doc(&NewDoc {
                doc: DocId(doc),
                key: Vec::new(),
                unit: report.unit.clone(),
                form: report.form.clone(),
                major: 1,
                period: report.period.clone(),
                implied: Vec::new(),
                heads: Vec::new(),
            })?;
        }
        Ok::<_, DbError>(())
    });
    fill.unwrap();
    let refused = new(&mut node, &selector(COMMUNE, "2023-H1"));
    assert_eq!(refused.unwrap_err().code(), "M-1404");
    save(&mut node, &saving(set("I", "2"), true)).unwrap();
}
