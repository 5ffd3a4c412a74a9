//! A small form and a node without threads, for the tests of this crate.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hopluu_form::Form;
use hopluu_model::tree::{TreeManifest, UnitTree, load_snapshots};
use hopluu_model::{Epoch, Timestamp};
use hopluu_net::key;
use hopluu_store::{Medium, OpenOptions, Store};
use hopluu_sync::Steady;
use hopluu_trust::fingerprint;

use crate::core::{Core, Post};
use crate::setup::{found_store, identity_of, root_records};
use crate::turn::{Continuation, Turn};

const FORM: &str = r#"
id = "small"
version = "1.0"
title = { vi = "Báo cáo", en = "Report" }

[levels]
reporting = ["commune"]

[[calendar]]
period = "half-year"
cut_off = 14
due = { commune = "before 20" }

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
vi = "Số người"
en = "Persons"
entered = "count"
measure = "person"
over_units = "sum"
over_time = "sum"
owner = "police"

[[line]]
code = "II"
printed = "II"
vi = "Số vụ"
en = "Cases"
entered = "count"
measure = "person"
over_units = "sum"
over_time = "sum"
owner = "police"

[[line]]
code = "III"
printed = "III"
vi = "Số lượt"
en = "Visits"
entered = "count"
measure = "person"
over_units = "sum"
over_time = "sum"
owner = "health"

[[line]]
code = "IV"
printed = "IV"
vi = "Số người nhiễm"
en = "Persons infected"
entered = "count"
measure = "person"
over_units = "sum"
over_time = "sum"
owner = "health"
private = true

[[section]]
id = "situation"
vi = "Tình hình"
en = "Situation"
offices = ["police", "health"]
"#;

const NOON: Timestamp = Timestamp(1_718_427_600_000);

/// The form in its minor version.
pub(crate) fn form(minor: u16) -> Arc<Form> {
    let text = FORM.replace("\"1.0\"", &format!("\"1.{minor}\""));
    Arc::new(Form::parse(&text).expect("the form of the tests is valid"))
}

/// The same with line II in one compartment and III in another.
pub(crate) fn private_form() -> Form {
    let private = |text: &str, code: &str, name: &str| {
        let line = format!("code = \"{code}\"\n");
        text.replace(&line, &format!("{line}private = \"{name}\"\n"))
    };
    let text = private(&private(FORM, "II", "cases"), "III", "visits");
    Form::parse(&text).expect("the form of the tests is valid")
}

pub(crate) fn store() -> Store {
    let options = OpenOptions::create(Epoch([1; 16]));
    Store::open_manual(&Medium::Memory, &options).expect("memory has room")
}

/// The main node of a root unit over a store in memory, which writes when it is told to.
pub(crate) struct Node {
    pub(crate) core: Core,
    store: Store,
    mail: Arc<Mutex<VecDeque<Continuation>>>,
}

impl Node {
    /// That of Quảng Trị.
    pub(crate) fn new() -> Self {
        Self::of("45@2024-05-01")
    }

    pub(crate) fn of(unit: &str) -> Self {
        Self::with(unit, &form(0))
    }

    /// That of a unit with another form.
    pub(crate) fn with(unit: &str, form: &Form) -> Self {
        let store = store();
        let signer = key::generate().expect("the system has randomness");
        let unit = unit.parse().expect("a unit");
        let root = key::write_root(&signer, &unit, Timestamp(4_000_000_000_000));
        let root = root.expect("a root may be written");
        let forms = vec![(form.clone(), Vec::new())];
        let records = root_records(&signer, &unit, &tree(), forms).expect("within bounds");
        let digest = fingerprint(&root);
        found_store(&store, &[root], digest, records).expect("memory has room");
        let config = identity_of(&store, signer).expect("the store says who it is");
        let mail = Arc::new(Mutex::new(VecDeque::new()));
        let inbox = Arc::clone(&mail);
        let post: Post = Arc::new(move |continuation| {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            inbox.push_back(continuation);
        });
        let core = Core::new(config, store.clone(), post).expect("the store is whole");
        Self { core, store, mail }
    }

    /// One turn, and those that follow once all is on disk.
    pub(crate) fn turn(&mut self, now: Steady, act: impl FnOnce(&mut Core, &mut Turn)) -> Turn {
        let mut turn = Turn::at(NOON, now);
        act(&mut self.core, &mut turn);
        loop {
            self.store.pump();
            let mail =
                std::mem::take(&mut *self.mail.lock().unwrap_or_else(PoisonError::into_inner));
            if mail.is_empty() {
                return turn;
            }
            for continuation in mail {
                continuation(&mut self.core, &mut turn);
            }
        }
    }
}

fn tree() -> UnitTree {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/units");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
    let manifest = TreeManifest::parse(&read("tree.toml").expect("the manifest ships"));
    load_snapshots(&manifest.expect("it is sound"), &read).expect("the snapshots are sound")
}
