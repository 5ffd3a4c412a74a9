//! Nodes for tests, and bounded waits on a state.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use hopluu_engine::view::{EditRequest, SaveRequest, Saved, Selector};
use hopluu_engine::{
    CommandError, Home, InviteRequest, NewHome, NodeSettings, RootSetup, Running, TotalSelector,
    init_root, join, now, start, start_offline,
};
use hopluu_model::tree::{TreeManifest, UnitTree, load_snapshots};

pub(crate) const FORM: &str = include_str!("../../../../config/forms/pcmd-review.toml");
pub(crate) const PERIOD: &str = "2016-2020";

/// Longest wait for a state: on a busy machine everything takes its time, but not this long.
const WAIT_MAX: Duration = Duration::from_secs(20);

pub(crate) fn tree() -> UnitTree {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/units");
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).ok();
    let manifest = TreeManifest::parse(&read("tree.toml").expect("the manifest ships")).unwrap();
    load_snapshots(&manifest, &read).unwrap()
}

pub(crate) fn listening() -> NodeSettings {
    NodeSettings {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        ..NodeSettings::default()
    }
}

pub(crate) fn new_home(settings: NodeSettings) -> NewHome {
    NewHome {
        settings,
        ..NewHome::default()
    }
}

pub(crate) fn make_root(dir: &Path, unit: &str, assigned: &[&str]) {
    let assigned = assigned.iter().map(|text| (*text).to_owned()).collect();
    let setup = RootSetup {
        unit: unit.to_owned(),
        tree: tree(),
        forms: vec![(FORM.to_owned(), assigned)],
        home: new_home(listening()),
    };
    init_root(dir, &setup, now()).unwrap();
}

pub(crate) fn root_of(dir: &Path, unit: &str, assigned: &[&str]) -> Running {
    make_root(dir, unit, assigned);
    start_node(dir)
}

pub(crate) fn province(dir: &Path, assigned: &[&str]) -> Running {
    root_of(dir, "45", assigned)
}

pub(crate) fn start_node(dir: &Path) -> Running {
    let home = Home::open(dir).unwrap();
    let settings = home.settings().unwrap();
    start(home, &settings).unwrap()
}

pub(crate) fn offline(dir: &Path) -> Running {
    start_offline(Home::open(dir).unwrap()).unwrap()
}

/// Invites, joins and starts a node below or beside another.
pub(crate) async fn join_below(
    superior: &Running,
    dir: &Path,
    unit: &str,
    office: Option<&str>,
) -> Running {
    let handle = superior.handle();
    until("the superior knows the tree", async || {
        handle
            .unit_show(Some(format!("{unit}@2024-05-01")), None)
            .await
            .is_ok()
            && (office.is_none() || !handle.form_list().await.unwrap().is_empty())
    })
    .await;
    let request = InviteRequest {
        unit: Some(format!("{unit}@2024-05-01")),
        office: office.map(str::to_owned),
        addresses: Vec::new(),
        hours: 1,
    };
    let ticket = handle.invite(request).await.unwrap().ticket;
    join(dir, &ticket, new_home(listening()), now())
        .await
        .unwrap();
    start_node(dir)
}

pub(crate) fn selector(unit: Option<&str>) -> Selector {
    Selector {
        unit: unit.map(str::to_owned),
        form: "pcmd-review".to_owned(),
        period: PERIOD.to_owned(),
        instance: 0,
    }
}

pub(crate) fn set(code: &str, value: &str) -> EditRequest {
    EditRequest::Set {
        code: code.to_owned(),
        office: None,
        value: value.to_owned(),
    }
}

pub(crate) async fn save(
    node: &Running,
    unit: Option<&str>,
    edits: Vec<EditRequest>,
) -> Result<Saved, CommandError> {
    let request = SaveRequest {
        report: selector(unit),
        office: None,
        edits,
        create: true,
    };
    node.handle().report_save(request).await
}

pub(crate) fn total(unit: &str) -> TotalSelector {
    TotalSelector {
        unit: Some(unit.to_owned()),
        form: "pcmd-review".to_owned(),
        period: PERIOD.to_owned(),
    }
}

/// Waits for a state, looking every few milliseconds, and fails by name when it does not come.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(
            start.elapsed() < WAIT_MAX,
            "{what}: not within {WAIT_MAX:?}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
