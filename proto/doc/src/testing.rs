//! A small form and its edits, for the tests of this crate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hopluu_form::Form;
use hopluu_model::{ActorId, OfficeId, Scalar, Timestamp};

use crate::edit::{Edit, SaveContext};
use crate::key::DocKey;
use crate::report::Report;

const FORM: &str = r#"
id = "pcmd-review"
version = "1.MINOR"

[title]
vi = "Báo cáo"
en = "Report"

[levels]
reporting = ["commune"]
own_part = ["district", "province"]

[[calendar]]
period = "half-year"
cut_off = 14
due = { commune = "before 20", district = "before 25" }

[[office]]
id = "police"
vi = "Công an"
en = "Police"

[[office]]
id = "health"
vi = "Y tế"
en = "Health"

[measures]
person = { vi = "Người", en = "persons" }

[[line]]
code = "I"
printed = "I"
vi = "Phần I"
en = "Part I"
heading = true
"#;

const LINE: &str = r#"
[[line]]
code = "I.NUMBER"
parent = "I"
printed = "NUMBER"
vi = "Số người NUMBER"
en = "Persons NUMBER"
entered = "count"
measure = "person"
over_units = "sum"
over_time = "sum"
owner = "police"
contributors = ["health"]
"#;

const SECTIONS: &str = r#"
[[section]]
id = "situation"
vi = "Tình hình"
en = "Situation"
offices = ["police", "health"]

[[section]]
id = "funds"
vi = "Kinh phí"
en = "Funds"
offices = ["police"]
"#;

const LATER: &str = r#"
[[section]]
id = "later"
vi = "Thêm sau"
en = "Added later"
offices = ["health"]
since = 1
"#;

/// Lines I.1 to I.4 by one office, I.5 by parts; from minor 1 on also section `later`.
pub(crate) fn form(minor: u16) -> Arc<Form> {
    let mut text = FORM.replace("MINOR", &minor.to_string());
    for number in 1..=5 {
        text.push_str(&LINE.replace("NUMBER", &number.to_string()));
    }
    text.push_str("by_office = true\n");
    text.push_str(SECTIONS);
    if minor >= 1 {
        text.push_str(LATER);
    }
    Arc::new(Form::parse(&text).expect("the form of the tests is valid"))
}

pub(crate) fn key() -> DocKey {
    DocKey::report(
        "19429@2020-02-01".parse().unwrap(),
        "pcmd-review".parse().unwrap(),
        1,
        "2026-H1".parse().unwrap(),
    )
}

pub(crate) fn report() -> Report {
    Report::create(key(), &form(0)).unwrap()
}

pub(crate) fn ctx(actor: u8) -> SaveContext {
    SaveContext {
        actor: ActorId([actor; 8]),
        at: Timestamp(1_790_000_000_000 + i64::from(actor)),
        office: Some(office(if actor.is_multiple_of(2) {
            "health"
        } else {
            "police"
        })),
        message: String::new(),
    }
}

pub(crate) fn office(name: &str) -> OfficeId {
    name.parse().unwrap()
}

pub(crate) fn set(key: &str, value: &str) -> Edit {
    let value: Scalar = value.parse().unwrap();
    Edit::SetFigure {
        key: key.parse().unwrap(),
        value,
    }
}

pub(crate) fn text(section: &str, office: &str, text: &str) -> Edit {
    Edit::SetText {
        section: section.parse().unwrap(),
        office: office.parse().unwrap(),
        text: text.to_owned(),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bound in time is what is tested"
)]
pub(crate) fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let out = act();
    (out, began.elapsed())
}
