//! The API over a real socket with a real engine, and the same in memory.

use std::path::Path;

use hopluu_api::shape::{
    FormQuery, NewRequest, ReportQuery, TicketRequest, TotalQuery, UnitQuery, WatchLine,
};
use hopluu_api::{Client, ClientError, ImportSummary, Server, is_served};
use hopluu_engine::view::{EditRequest, SaveRequest, Selector, WatchEvent};
use hopluu_engine::{Home, NewHome, RootSetup, Running, init_root, now, start_offline};
use hopluu_model::tree::{Level, ParentSpan, Unit, UnitTree};
use hopluu_model::{Date, UnitId};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const FLOOD: &str = include_str!("../../../config/forms/flood-quick.toml");
const PERIOD: &str = "x20201018-lu-quet";

fn since() -> Date {
    "2020-01-01".parse().expect("a day")
}

fn id(code: &str) -> UnitId {
    UnitId {
        code: code.parse().expect("a code"),
        since: since(),
    }
}

fn unit(code: &str, name: &str, level: &str, parent: Option<&str>) -> Unit {
    Unit {
        id: id(code),
        name: name.to_owned(),
        level: level.to_owned(),
        kind: level.to_owned(),
        open_past: true,
        ended: None,
        former: Vec::new(),
        parents: parent
            .map(|parent| ParentSpan {
                from: since(),
                unit: id(parent),
            })
            .into_iter()
            .collect(),
        successors: Vec::new(),
    }
}

fn tree() -> UnitTree {
    let level = |id: &str| Level {
        id: id.to_owned(),
        vi: id.to_owned(),
        en: id.to_owned(),
    };
    let levels = vec![level("district"), level("commune")];
    let units = vec![
        unit("465", "Huyện Hướng Hóa", "district", None),
        unit("19429", "Thị trấn Khe Sanh", "commune", Some("465")),
        unit("19432", "Thị trấn Lao Bảo", "commune", Some("465")),
    ];
    UnitTree::new(levels, units).expect("a sound tree")
}

fn home() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let setup = RootSetup {
        unit: "465".to_owned(),
        tree: tree(),
        forms: vec![(FLOOD.to_owned(), Vec::new())],
        home: NewHome::default(),
    };
    init_root(&dir.path().join("n"), &setup, now()).expect("a root");
    dir
}

async fn serve(dir: &Path) -> (Running, Server) {
    let running = start_offline(Home::open(dir).expect("a home")).expect("an engine");
    let server = Server::start(dir, running.handle())
        .await
        .expect("a server");
    (running, server)
}

async fn stop(node: (Running, Server)) {
    node.1.stop().await;
    node.0.stop().await;
}

fn report(unit: &str) -> Selector {
    Selector {
        unit: Some(unit.to_owned()),
        form: "flood-quick".to_owned(),
        period: PERIOD.to_owned(),
        instance: 0,
    }
}

fn save(unit: &str, value: &str) -> SaveRequest {
    let edit = EditRequest::Set {
        code: "N.dead".to_owned(),
        office: None,
        value: value.to_owned(),
    };
    SaveRequest {
        report: report(unit),
        office: None,
        edits: vec![edit],
        create: true,
    }
}

fn refusal(error: ClientError) -> String {
    match error {
        ClientError::Refused(problem) => problem.code,
        other => format!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_heard_shown_and_added_up() {
    let dir = home();
    let dir = dir.path().join("n");
    let node = serve(&dir).await;
    let client = Client::open(&dir).await.expect("a client");
    assert!(!client.is_in_process());
    let mut watched = client.watch().await.expect("a stream");
    let first = watched.next().await.expect("a line").expect("a first line");
    assert_eq!(first, br#"{"event":"ready"}"#);

    let saved = client
        .report_save(&save("19429", "1.500"))
        .await
        .expect("a save");
    assert!(saved.change.is_some());
    let again = client
        .report_save(&save("19429", "1500"))
        .await
        .expect("a save");
    assert_eq!(again.change, None, "the same value makes no change");
    let line = watched.next().await.expect("a line").expect("an event");
    let line: WatchLine = serde_json::from_slice(&line).expect("an event");
    let WatchLine::Event(WatchEvent::ReportChanged {
        report: heard,
        from,
        ..
    }) = line
    else {
        panic!("{line:?}");
    };
    assert_eq!((heard, from), (saved.report, None));

    let shown = client
        .report_show(&report("19429"))
        .await
        .expect("a report");
    assert_eq!(shown.figures.len(), 1);
    assert_eq!(shown.figures[0].value.as_deref(), Some("1500"));
    let total = TotalQuery {
        unit: Some("465".to_owned()),
        form: "flood-quick".to_owned(),
        period: PERIOD.to_owned(),
        code: Some("N.dead".to_owned()),
    };
    let view = client.rollup_show(&total).await.expect("a total");
    assert_eq!((view.reported, view.expected), (1, 2));
    assert_eq!(view.missing[0].name, "Thị trấn Lao Bảo");
    let explained = client.rollup_explain(&total).await.expect("its sources");
    assert_eq!(explained.digest, view.digest);
    let recomputed = client.rollup_recompute(&total).await.expect("the same");
    assert_eq!(
        (recomputed.kept, recomputed.recomputed),
        (view.digest, view.digest)
    );

    client.close().await;
    stop(node).await;
    // What was under way is still read; then the stream ends with the node.
    while watched.next().await.expect("an orderly end").is_some() {}
    assert!(!is_served(&dir).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_without_a_node_works_and_leaves_the_folder() {
    let dir = home();
    let dir = dir.path().join("n");
    assert!(matches!(
        Client::running(&dir).await,
        Err(ClientError::NotRunning(_))
    ));
    let client = Client::open(&dir).await.expect("a client");
    assert!(client.is_in_process());
    let new = NewRequest {
        report: report("19429"),
        office: None,
        like_last: false,
    };
    client.report_new(&new).await.expect("a report");
    assert_eq!(
        refusal(client.report_new(&new).await.unwrap_err()),
        "M-1202"
    );
    client.close().await;

    // A second process finds the folder free and what the first one saved.
    let client = Client::open(&dir).await.expect("a client");
    assert_eq!(
        client
            .report_list(&ReportQuery::default())
            .await
            .expect("a list")
            .len(),
        1
    );
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_carry_their_codes() {
    let dir = home();
    let dir = dir.path().join("n");
    let node = serve(&dir).await;
    let client = Client::open(&dir).await.expect("a client");
    let code = async |save: SaveRequest| refusal(client.report_save(&save).await.unwrap_err());
    assert_eq!(code(save("99999", "1")).await, "M-1001");
    assert_eq!(code(save("19429", "1,5")).await, "M-1101");
    let mut wrong = save("19429", "1");
    wrong.report.form = "nope".to_owned();
    assert_eq!(code(wrong).await, "M-1003");
    let mut wrong = save("19429", "1");
    wrong.report.period = "2020-H9".to_owned();
    assert_eq!(code(wrong).await, "M-1004");
    let mut wrong = save("19429", "1");
    wrong.office = Some("navy".to_owned());
    assert_eq!(code(wrong).await, "M-1007");
    let mut wrong = save("19429", "1");
    wrong.create = false;
    assert_eq!(code(wrong).await, "M-1201");
    let form = FormQuery {
        form: "nope".to_owned(),
    };
    assert_eq!(
        refusal(client.form_show(&form).await.unwrap_err()),
        "M-1003"
    );
    assert_eq!(
        client
            .report_list(&ReportQuery::default())
            .await
            .expect("a list"),
        []
    );
    client.close().await;
    stop(node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_goes_in_again() {
    let dir = home();
    let dir = dir.path().join("n");
    let client = Client::open(&dir).await.expect("a client");
    let mut input = String::new();
    // More lines than are under way at once, all of one report but the last: their order counts.
    for value in 1..=200 {
        input.push_str(&serde_json::to_string(&save("19429", &value.to_string())).expect("json"));
        input.push('\n');
    }
    input.push_str("\n{\"nonsense\":1}\n");
    input.push_str(&serde_json::to_string(&save("19432", "7")).expect("json"));
    let mut lines = Vec::new();
    let mut source = input.as_bytes();
    let summary = client
        .import(&mut source, |answer| lines.push(answer.line))
        .await;
    assert_eq!(
        summary.expect("an import"),
        ImportSummary {
            saved: 201,
            refused: 1
        }
    );
    let expected: Vec<u64> = (1..=200).chain([202, 203]).collect();
    assert_eq!(lines, expected, "answers come in the order of lines");
    let shown = client
        .report_show(&report("19429"))
        .await
        .expect("a report");
    assert_eq!(
        shown.figures[0].value.as_deref(),
        Some("200"),
        "the last line stands"
    );

    let mut exported = Vec::new();
    let mut stream = client
        .export(&ReportQuery::default())
        .await
        .expect("an export");
    while let Some(line) = stream.lines.next().await.expect("a line") {
        exported.extend(line);
        exported.push(b'\n');
    }
    client.close().await;

    let other = home();
    let other = other.path().join("n");
    let copy = Client::open(&other).await.expect("a client");
    let summary = copy.import(&mut exported.as_slice(), |_| {}).await;
    assert_eq!(
        summary.expect("an import"),
        ImportSummary {
            saved: 2,
            refused: 0
        }
    );
    let copied = copy.report_show(&report("19429")).await.expect("a report");
    let content = |view: hopluu_engine::view::ReportView| -> Vec<_> {
        view.figures
            .into_iter()
            .map(|one| (one.code, one.office, one.value, one.note))
            .collect()
    };
    assert_eq!(content(copied), content(shown));
    copy.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_units_tickets_and_backups_are_asked_for() {
    let dir = home();
    let folder = dir.path().join("n");
    let client = Client::open(&folder).await.expect("a client");
    let form = FormQuery {
        form: "flood-quick".to_owned(),
    };
    assert_eq!(client.form_show(&form).await.expect("a form").source, FLOOD);
    assert_eq!(client.form_list().await.expect("forms").len(), 1);
    let all = client
        .unit_tree(&UnitQuery::default())
        .await
        .expect("a tree");
    assert_eq!(all.len(), 3);
    let ticket = TicketRequest {
        unit: Some("19429".to_owned()),
        office: None,
        addresses: vec!["127.0.0.1:7700".to_owned()],
        hours: 24,
    };
    let invited = client.invite(&ticket).await.expect("a ticket");
    assert!(invited.ticket.starts_with("HOPLUU1-"));
    let backup = hopluu_api::shape::BackupRequest {
        path: dir.path().join("b"),
    };
    assert!(client.backup(&backup).await.expect("a backup").bytes > 0);
    assert!(client.status().await.expect("a status").peers.is_empty());
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_asked_for_in_a_wrong_way_says_so() {
    let dir = home();
    let dir = dir.path().join("n");
    let node = serve(&dir).await;
    let mut socket = tokio::net::UnixStream::connect(Home::socket(&dir))
        .await
        .expect("a socket");
    let request = b"DELETE /v1/status HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n";
    socket.write_all(request).await.expect("it listens");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert!(answer.contains(r#""code":"M-1506""#), "{answer}");
    stop(node).await;
}
