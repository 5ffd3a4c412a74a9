use std::sync::mpsc;

use hopluu_doc::limits::NOTE_BYTES_MAX;
use hopluu_store::{DbError, NewDoc};
use hopluu_sync::Steady;

use super::*;
use crate::handle::TotalSelector;
use crate::testing::alone::{Node, private_form};
use crate::turn::{Reply, Turn};
use crate::view::{EditRequest, FigureView, SaveRequest, Saved, Selector};

const COMMUNE: &str = "19429@2024-05-01";

fn selector(period: &str) -> Selector {
    Selector {
        unit: Some(COMMUNE.to_owned()),
        form: "small".to_owned(),
        period: period.to_owned(),
        instance: 0,
    }
}

fn set(code: &str, value: &str) -> EditRequest {
    EditRequest::Set {
        code: code.to_owned(),
        office: None,
        value: value.to_owned(),
    }
}

fn note(code: &str, text: String) -> EditRequest {
    EditRequest::Note {
        code: code.to_owned(),
        office: None,
        text,
    }
}

/// Someone at the main node of the province, who writes a commune's report.
struct Clerk {
    node: Node,
}

impl Clerk {
    fn new() -> Self {
        Self {
            node: Node::with("45@2024-05-01", &private_form()),
        }
    }

    fn act(
        &mut self,
        act: impl FnOnce(&mut Core, &mut Turn, Reply<Saved>),
    ) -> Result<Saved, CommandError> {
        let (tell, told) = mpsc::channel();
        let reply: Reply<Saved> = Box::new(move |saved| tell.send(saved).unwrap());
        self.node
            .turn(Steady(5), |core, turn| act(core, turn, reply));
        told.recv().unwrap()
    }

    fn save(&mut self, edits: Vec<EditRequest>) -> Result<Saved, CommandError> {
        let request = SaveRequest {
            report: selector("2024-H1"),
            office: None,
            edits,
            create: true,
        };
        self.act(|core, turn, reply| core.report_save(turn, &request, reply))
    }

    fn undo(&mut self) -> Result<Saved, CommandError> {
        self.act(|core, turn, reply| core.report_undo(turn, &selector("2024-H1"), None, reply))
    }

    fn figures(&mut self, period: &str) -> Vec<(String, Vec<String>)> {
        let view = self.node.core.report_show(&selector(period)).unwrap();
        let read = |figure: FigureView| {
            let values = figure.candidates.into_iter().map(|one| one.value);
            (figure.code.to_string(), values.collect())
        };
        view.figures.into_iter().map(read).collect()
    }

    /// Writes in one document as a program would that knows no compartments.
    fn old_save(&mut self, code: &str, value: &str) {
        let meant = self.node.core.meant(&selector("2024-H1")).unwrap();
        let edits = vec![Edit::SetFigure {
            key: code.parse().unwrap(),
            value: value.parse().unwrap(),
        }];
        let works = vec![(meant.key.clone(), Work::Save(edits))];
        self.act(|core, turn, reply| {
            let made = core.make_parts(turn.now, meant, None, "", works).unwrap();
            core.commit(turn.now, Ok(made.0), reply);
        })
        .unwrap();
    }
}

fn says(all: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let values = |values: &[&str]| values.iter().map(|one| (*one).to_owned()).collect();
    let all = all.iter();
    all.map(|(code, said)| ((*code).to_owned(), values(said)))
        .collect()
}

#[test]
fn a_save_of_open_and_private_lines_is_one_report_and_is_undone_as_one() {
    let mut clerk = Clerk::new();
    let saved = clerk
        .save(vec![set("I", "1"), set("II", "2"), set("III", "3")])
        .unwrap();
    assert_eq!(saved.closed.len(), 2);
    assert!(saved.closed.iter().all(|one| one.doc != saved.report.doc));
    let all = says(&[("I", &["1"]), ("II", &["2"]), ("III", &["3"])]);
    assert_eq!(clerk.figures("2024-H1"), all);
    let listed = clerk.node.core.report_list(&crate::ReportFilter::default());
    let listed = listed.unwrap();
    assert_eq!(listed.len(), 1, "three documents, one report");
    assert_eq!((listed[0].answered, listed[0].lines), (3, 4));
    let history = clerk
        .node
        .core
        .report_history(&selector("2024-H1"))
        .unwrap();
    assert_eq!(history.len(), 3);
    clerk.undo().unwrap();
    let none = says(&[("I", &["blank"]), ("II", &["blank"]), ("III", &["blank"])]);
    assert_eq!(clerk.figures("2024-H1"), none);
    clerk.undo().unwrap();
    assert_eq!(clerk.figures("2024-H1"), all);
    // What was saved last is taken back alone, whatever a clock says: here it stands still.
    clerk.save(vec![set("II", "20")]).unwrap();
    clerk.undo().unwrap();
    assert_eq!(clerk.figures("2024-H1"), all);
    clerk.save(vec![set("I", "10")]).unwrap();
    clerk.undo().unwrap();
    assert_eq!(clerk.figures("2024-H1"), all);
    assert_eq!(
        clerk.save(vec![set("II", "2")]).unwrap().change,
        None,
        "it stands already"
    );
}

#[test]
fn a_save_that_one_document_refuses_is_in_none() {
    let mut clerk = Clerk::new();
    clerk.save(vec![set("I", "1"), set("II", "2")]).unwrap();
    let before = clerk.figures("2024-H1");
    let long = "x".repeat(NOTE_BYTES_MAX + 1);
    let refused = clerk.save(vec![set("I", "9"), set("II", "9"), note("III", long)]);
    assert_eq!(refused.unwrap_err().code(), "M-1008");
    assert_eq!(clerk.figures("2024-H1"), before);
    clerk.save(vec![set("I", "3"), set("II", "4")]).unwrap();
    assert_eq!(
        clerk.figures("2024-H1"),
        says(&[("I", &["3"]), ("II", &["4"])])
    );
}

#[test]
fn what_an_older_program_wrote_counts_until_it_is_written_anew() {
    let mut clerk = Clerk::new();
    clerk.save(vec![set("I", "1")]).unwrap();
    clerk.old_save("II", "7");
    assert_eq!(
        clerk.figures("2024-H1"),
        says(&[("I", &["1"]), ("II", &["7"])])
    );
    let saved = clerk.save(vec![set("II", "8")]).unwrap();
    assert_eq!(saved.closed.len(), 1);
    assert_ne!(
        saved.change,
        Some(saved.closed[0].change),
        "it is cleared where it stood"
    );
    assert_eq!(
        clerk.figures("2024-H1"),
        says(&[("I", &["1"]), ("II", &["8"])])
    );
    // It writes there again: both stand, and one of them is chosen.
    clerk.old_save("II", "9");
    let two = clerk.figures("2024-H1");
    assert_eq!(two[1].1.len(), 2, "{two:?}");
    let settled = clerk.save(vec![EditRequest::Settle {
        code: "II".to_owned(),
        office: None,
        value: "8".to_owned(),
    }]);
    assert_eq!(settled.unwrap().settled.len(), 1);
    assert_eq!(
        clerk.figures("2024-H1"),
        says(&[("I", &["1"]), ("II", &["8"])])
    );
}

#[test]
fn a_report_begins_like_the_last_one_with_its_private_lines() {
    let mut clerk = Clerk::new();
    clerk.save(vec![set("I", "1"), set("II", "2")]).unwrap();
    let saved = clerk.act(|core, turn, reply| {
        core.report_new(turn, &selector("2024-H2"), None, true, reply);
    });
    assert_eq!(saved.unwrap().closed.len(), 1);
    assert_eq!(
        clerk.figures("2024-H2"),
        says(&[("I", &["1"]), ("II", &["2"])])
    );
}

#[test]
fn a_total_takes_in_all_documents_of_a_report_and_names_them() {
    let mut clerk = Clerk::new();
    let of = |unit: &str| TotalSelector {
        unit: Some(unit.to_owned()),
        form: "small".to_owned(),
        period: "2024-H1".to_owned(),
    };
    // Kept before anything is written, so that it follows.
    let province = "45@2024-05-01";
    clerk.node.core.rollup_show(&of(province)).unwrap();
    clerk.save(vec![set("II", "2"), set("III", "3")]).unwrap();
    clerk.save(vec![set("I", "1")]).unwrap();
    clerk.old_save("III", "30");
    clerk.save(vec![set("III", "4")]).unwrap();
    let total = clerk.node.core.rollup_show(&of(province)).unwrap();
    let line = |code: &str| {
        let line = total.lines.iter().find(|line| line.code.as_str() == code);
        line.and_then(|line| line.value.clone())
    };
    let values = ["I", "II", "III"].map(line);
    assert_eq!(values, ["1", "2", "4"].map(|value| Some(value.to_owned())));
    assert_eq!(total.reported, 1, "one report, not three");
    let known = clerk.node.core.known_form("small").unwrap();
    let period = "2024-H1".parse().unwrap();
    let fresh = clerk.node.core.fresh_totals(&known, &period).unwrap();
    assert_eq!(fresh.digest(&province.parse().unwrap()), Some(total.digest));
    let again = clerk
        .node
        .core
        .recompute(&of(province))
        .unwrap()
        .run()
        .unwrap();
    assert_eq!((again.kept, again.documents), (again.recomputed, 3));
    let explained = clerk
        .node
        .core
        .rollup_explain(&of(COMMUNE), Some("II"))
        .unwrap();
    let docs = explained
        .contributors
        .iter()
        .filter(|one| one.doc.is_some());
    let docs: Vec<_> = docs.collect();
    assert_eq!(docs.len(), 3);
    assert_eq!(docs[0].value.as_deref(), Some("2"));
    assert!(docs.iter().all(|one| !one.heads.is_empty()));
}

#[test]
fn a_unit_has_only_so_many_documents_with_those_in_compartments() {
    let mut clerk = Clerk::new();
    clerk.save(vec![set("I", "1")]).unwrap();
    let fill = clerk.node.core.store().write(move |tx| {
        for number in 1..DOCS_PER_UNIT_MAX {
            let mut doc = [1; 16];
            doc[..8].copy_from_slice(&number.to_be_bytes());
            tx.put_doc(&NewDoc {
                doc: DocId(doc),
                key: vec![0],
                unit: COMMUNE.parse().unwrap(),
                form: "small".parse().unwrap(),
                major: 1,
                period: "2024-H1".parse().unwrap(),
                implied: Vec::new(),
                heads: Vec::new(),
            })?;
        }
        Ok::<_, DbError>(())
    });
    fill.unwrap();
    clerk.save(vec![set("I", "2")]).unwrap();
    let refused = clerk.save(vec![set("I", "3"), set("II", "1")]);
    assert!(
        matches!(refused, Err(CommandError::TooMuch { .. })),
        "{refused:?}"
    );
    assert_eq!(clerk.figures("2024-H1"), says(&[("I", &["2"])]));
}
