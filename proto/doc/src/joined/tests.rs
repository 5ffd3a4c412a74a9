use std::sync::Arc;

use hopluu_model::{ActorId, Scalar, Timestamp};

use super::*;
use crate::edit::{Edit, SaveContext};
use crate::key::DocKey;
use crate::lifecycle::LifecycleEvent;
use crate::report::Report;
use crate::testing::key;

const ANNEX: &str = include_str!("../../../../config/forms/pcmd-review.toml");

/// A line of the compartment `area`, and one that is open.
const PRIVATE: &str = "II.1.3.a";
const OPEN: &str = "II.1.2.a";
/// A line of the compartment `support`.
const OTHER: &str = "II.2.5.b";

struct Parts {
    form: Arc<Form>,
    open: Report,
    area: Compartment,
    closed: Report,
    at: u8,
}

fn code(text: &str) -> FigureKey {
    text.parse().unwrap()
}

impl Parts {
    fn new() -> Self {
        let form = Arc::new(Form::parse(ANNEX).unwrap());
        let area = "area".parse().unwrap();
        let report = |key: DocKey| Report::create(key, &form).unwrap();
        Self {
            open: report(key()),
            area: Compartment::from(&area),
            closed: report(key().within(&area)),
            form,
            at: 0,
        }
    }

    /// Sets a figure in one of the two; none clears it.
    fn set(&mut self, is_open: bool, line: &str, value: Option<i64>) {
        self.at += 1;
        let context = SaveContext {
            actor: ActorId([self.at; 8]),
            at: Timestamp(0),
            office: None,
            message: String::new(),
        };
        let edit = Edit::SetFigure {
            key: code(line),
            value: value.map_or(Scalar::Blank, Scalar::from),
        };
        let report = if is_open {
            &mut self.open
        } else {
            &mut self.closed
        };
        report.save(&context, &[edit]).unwrap();
    }

    /// What the report says on a line: by its documents, and by their facts.
    fn says(&self, line: &str) -> Vec<String> {
        let lines = PrivateLines::of(&self.form);
        let figures = lines.figures(self.open.figures(), [(&self.area, self.closed.figures())]);
        let shown = figures.get(&code(line)).map(|register| {
            let candidates = register.candidates.iter();
            candidates.map(|one| one.value.clone()).collect::<Vec<_>>()
        });
        let facts = lines.facts(&self.open.facts(), [(&self.area, &self.closed.facts())]);
        let facts = facts.figure(&code(line)).iter();
        let facts: Vec<_> = facts.map(|one| one.value.clone()).collect();
        assert_eq!(facts, shown.clone().unwrap_or_default());
        facts
    }
}

#[test]
fn a_line_is_read_where_everybody_sees_it_who_may_read_it() {
    let mut parts = Parts::new();
    parts.set(false, OPEN, Some(7));
    parts.set(false, PRIVATE, Some(12));
    assert!(parts.says(OPEN).is_empty());
    assert_eq!(parts.says(PRIVATE), ["12"]);
    parts.set(true, OPEN, Some(5));
    assert_eq!(parts.says(OPEN), ["5"]);
    // Of another compartment, which not all of its readers get.
    parts.set(false, OTHER, Some(3));
    assert!(parts.says(OTHER).is_empty());
}

#[test]
fn what_stood_in_the_open_document_counts_until_it_is_cleared() {
    let mut parts = Parts::new();
    parts.set(true, PRIVATE, Some(12));
    assert_eq!(parts.says(PRIVATE), ["12"]);
    parts.set(false, PRIVATE, Some(13));
    assert_eq!(
        parts.says(PRIVATE),
        ["12", "13"],
        "both stand, and a person settles it"
    );
    parts.set(true, PRIVATE, None);
    assert_eq!(parts.says(PRIVATE), ["13"]);
    parts.set(false, PRIVATE, None);
    assert_eq!(
        parts.says(PRIVATE),
        ["blank", "blank"],
        "cleared everywhere"
    );
    parts.set(true, PRIVATE, Some(2));
    assert_eq!(
        parts.says(PRIVATE),
        ["2"],
        "an older program wrote it since"
    );
}

#[test]
fn the_cell_of_a_heading_is_as_private_as_what_is_below_it() {
    let parts = Parts::new();
    let compartment = |text: &str| parts.form.compartment(&text.parse().unwrap());
    assert_eq!(compartment("II.1.3").unwrap().as_str(), "area");
    assert_eq!(compartment("II.1.2"), None);
    assert_eq!(compartment(OPEN), None);
}

#[test]
fn the_life_of_a_report_is_its_open_document_s() {
    let mut parts = Parts::new();
    let context = SaveContext {
        actor: ActorId([9; 8]),
        at: Timestamp(0),
        office: None,
        message: String::new(),
    };
    let withdrawn = Edit::Event(LifecycleEvent::Withdrawn("nhầm".to_owned()));
    parts
        .closed
        .save(&context, std::slice::from_ref(&withdrawn))
        .unwrap();
    let facts = |parts: &Parts| {
        let closed = parts.closed.facts();
        PrivateLines::of(&parts.form).facts(&parts.open.facts(), [(&parts.area, &closed)])
    };
    assert!(!facts(&parts).state().is_withdrawn());
    parts.open.save(&context, &[withdrawn]).unwrap();
    assert!(facts(&parts).state().is_withdrawn());
}
