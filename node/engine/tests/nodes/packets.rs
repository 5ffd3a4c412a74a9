//! A long history on its way up.

use std::path::Path;

use hopluu_engine::Running;
use hopluu_engine::view::EditRequest;
use hopluu_model::ChangeHash;
use hopluu_store::{OpenOptions, Store};

use crate::common::{join_below, offline, province, save, selector, set, start_node, total, until};

const COMMUNE: &str = "19429@2024-05-01";
const SAVES: usize = 40;

/// Writes a season without a link.
async fn write(home: &Path) {
    let alone = offline(home);
    for number in 1..=SAVES {
        let note = EditRequest::Note {
            code: "II.1.1.a".to_owned(),
            office: None,
            text: format!("lần {number}"),
        };
        let edits = vec![set("II.1.1.a", &number.to_string()), note];
        save(&alone, None, edits).await.expect("a save");
    }
    alone.stop().await;
}

/// What a node says of the report once the last save is there: its heads, and what the total has.
async fn state(node: &Running) -> (Vec<ChangeHash>, Option<String>) {
    let last = SAVES.to_string();
    let shown = async || node.handle().report_show(selector(Some(COMMUNE))).await;
    until("the last save is here", async || {
        shown().await.is_ok_and(|shown| {
            let figure = shown.figures.first();
            figure.and_then(|figure| figure.value.as_deref()) == Some(last.as_str())
        })
    })
    .await;
    let history = node.handle().report_history(selector(Some(COMMUNE))).await;
    let history = history.expect("a history");
    assert_eq!(history.len(), SAVES);
    assert!(
        history.iter().all(|row| row.author.is_some()),
        "whose each is is known"
    );
    let total = node
        .handle()
        .rollup_show(total("19429"))
        .await
        .expect("a total");
    let mut lines = total.lines.into_iter();
    let line = lines.find(|line| line.code.as_str() == "II.1.1.a");
    let heads = shown().await.expect("a report").heads;
    (heads, line.and_then(|line| line.value))
}

/// Changes of all documents, and those that have a seal of their own.
fn changes(home: &Path) -> (usize, usize) {
    let store = Store::open(&home.join("store.db"), &OpenOptions::existing()).expect("a store");
    let read = store.read().expect("a reader");
    let mut docs = Vec::new();
    read.for_each_doc(|row| docs.push(row.doc))
        .expect("documents");
    let changes = docs
        .iter()
        .flat_map(|doc| read.changes_after(*doc, 0).expect("changes"));
    let seals: Vec<_> = changes.map(|change| !change.seal.is_empty()).collect();
    (
        seals.len(),
        seals.iter().filter(|is_sealed| **is_sealed).count(),
    )
}

#[tokio::test]
async fn a_long_history_goes_up_in_packets_and_is_the_same_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let homes = ["45", "465", "19429"].map(|unit| dir.path().join(unit));
    let province = province(&homes[0], &[]);
    let district = join_below(&province, &homes[1], "465", None).await;
    let commune = join_below(&district, &homes[2], "19429", None).await;
    until("the form came down", async || {
        !commune.handle().form_list().await.unwrap().is_empty()
    })
    .await;
    commune.stop().await;
    write(&homes[2]).await;
    let commune = start_node(&homes[2]);
    let written = state(&commune).await;
    assert_eq!(written.1.as_deref(), Some("40"));
    assert_eq!(state(&district).await, written);
    assert_eq!(state(&province).await, written);
    for node in [commune, district, province] {
        node.stop().await;
    }
    assert_eq!(changes(&homes[2]), (SAVES, SAVES));
    // Two levels up it is one seal that vouches for all.
    assert_eq!(changes(&homes[1]), (SAVES, 1));
    assert_eq!(changes(&homes[0]), (SAVES, 1));
}
