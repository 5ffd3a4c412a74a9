//! One node by itself: what a clerk without any link can do.

use hopluu_engine::view::{SaveRequest, Saved, Selector};
use hopluu_engine::{CommandError, InviteRequest, ReportFilter, restore};

use crate::common::{make_root, offline, save, selector, set, total};

#[tokio::test]
async fn a_save_is_there_after_a_restart_and_in_the_totals() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    let saved = save(
        &node,
        Some("19429"),
        vec![set("II.1.1.a", "42"), set("II.1.1.a.1", "1.500")],
    )
    .await
    .unwrap();
    assert!(saved.change.is_some());
    let again = save(&node, Some("19429"), vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    assert_eq!(again.change, None, "what stands already makes no change");
    save(&node, Some("19432"), vec![set("II.1.1.a", "8")])
        .await
        .unwrap();
    node.stop().await;

    let node = offline(dir.path());
    let shown = node
        .handle()
        .report_show(selector(Some("19429")))
        .await
        .unwrap();
    let value = |code: &str| {
        let figure = shown
            .figures
            .iter()
            .find(|figure| figure.code.as_str() == code);
        figure.and_then(|figure| figure.value.clone())
    };
    assert_eq!(value("II.1.1.a").as_deref(), Some("42"));
    assert_eq!(value("II.1.1.a.1").as_deref(), Some("1500"));
    let district = node.handle().rollup_show(total("465")).await.unwrap();
    let line = district
        .lines
        .iter()
        .find(|line| line.code.as_str() == "II.1.1.a")
        .unwrap();
    assert_eq!((line.value.as_deref(), line.answered), (Some("50"), 2));
    assert_eq!((district.reported, district.expected), (2, 21));
    assert_eq!(district.missing.len(), 19);
    let recomputed = node.handle().rollup_recompute(total("465")).await.unwrap();
    assert_eq!(recomputed.kept, recomputed.recomputed);
    assert_eq!(recomputed.documents, 2);
    let explained = node
        .handle()
        .rollup_explain(total("465"), Some("II.1.1.a".into()))
        .await
        .unwrap();
    let with_doc = explained
        .contributors
        .iter()
        .filter(|row| row.doc.is_some());
    let values: Vec<_> = with_doc
        .map(|row| row.value.clone().unwrap_or_default())
        .collect();
    assert_eq!(values, ["42", "8"]);
    node.stop().await;
}

#[tokio::test]
async fn undo_takes_back_the_last_save_and_undoing_that_brings_it_back() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    for value in ["1", "2", "3"] {
        save(&node, Some("19429"), vec![set("II.1.1.a", value)])
            .await
            .unwrap();
    }
    for expected in ["2", "3"] {
        node.handle()
            .report_undo(selector(Some("19429")), None)
            .await
            .unwrap();
        let shown = node
            .handle()
            .report_show(selector(Some("19429")))
            .await
            .unwrap();
        let figure = shown
            .figures
            .iter()
            .find(|figure| figure.code.as_str() == "II.1.1.a");
        assert_eq!(figure.unwrap().value.as_deref(), Some(expected));
    }
    node.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    let code = |result: Result<Saved, CommandError>| result.unwrap_err().code();
    let commune = Some("19429");
    assert_eq!(
        code(save(&node, Some("99999"), vec![set("II.1.1.a", "1")]).await),
        "M-1001"
    );
    assert_eq!(
        code(save(&node, commune, vec![set("II.1.1.z", "1")]).await),
        "M-1005"
    );
    assert_eq!(
        code(save(&node, commune, vec![set("II.1.1.a", "1.5")]).await),
        "M-1101"
    );
    assert_eq!(
        code(save(&node, Some("465"), vec![set("II.2.6", "19/20")]).await),
        "M-1101"
    );
    let mut other = SaveRequest {
        report: selector(commune),
        office: Some("navy".to_owned()),
        edits: vec![set("II.1.1.a", "1")],
        create: true,
    };
    assert_eq!(
        code(node.handle().report_save(other.clone()).await),
        "M-1007"
    );
    other.office = None;
    other.report.form = "nothing".to_owned();
    assert_eq!(
        code(node.handle().report_save(other.clone()).await),
        "M-1003"
    );
    other.report = Selector {
        period: "2026-Q1".to_owned(),
        ..selector(commune)
    };
    assert_eq!(code(node.handle().report_save(other).await), "M-1004");
    assert!(
        node.handle()
            .report_list(ReportFilter::default())
            .await
            .unwrap()
            .is_empty()
    );
    node.stop().await;
}

#[tokio::test]
async fn a_restored_node_has_a_new_life_and_its_old_reports() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    make_root(&home, "45", &[]);
    let node = offline(&home);
    save(&node, Some("19429"), vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    let before = node.handle().status().await.unwrap().epoch;
    let backup = dir.path().join("backup.db");
    node.handle().backup(backup.clone()).await.unwrap();
    save(&node, Some("19429"), vec![set("II.1.1.a", "43")])
        .await
        .unwrap();
    node.stop().await;

    let restored = restore(&home, &backup).unwrap();
    assert_eq!(restored.documents, 1);
    let node = offline(&home);
    let status = node.handle().status().await.unwrap();
    assert_ne!(status.epoch, before);
    let shown = node
        .handle()
        .report_show(selector(Some("19429")))
        .await
        .unwrap();
    assert_eq!(shown.figures.first().unwrap().value.as_deref(), Some("42"));
    node.stop().await;
}

#[tokio::test]
async fn an_invitation_needs_a_unit_below_and_an_address() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "465", &[]);
    let node = offline(dir.path());
    let invite = |unit: Option<&str>, office: Option<&str>, address: Option<&str>| InviteRequest {
        unit: unit.map(str::to_owned),
        office: office.map(str::to_owned),
        addresses: address.map(str::to_owned).into_iter().collect(),
        hours: 24,
    };
    let handle = node.handle();
    let good = handle
        .invite(invite(Some("19429@2024-05-01"), None, Some("127.0.0.1:1")))
        .await;
    assert!(good.unwrap().ticket.starts_with("HOPLUU1-"));
    let no_address = handle
        .invite(invite(Some("19429@2024-05-01"), None, None))
        .await;
    assert_eq!(no_address.unwrap_err().code(), "M-1304");
    let itself = handle.invite(invite(None, None, Some("127.0.0.1:1"))).await;
    assert_eq!(itself.unwrap_err().code(), "M-1305");
    let office = handle
        .invite(invite(None, Some("navy"), Some("127.0.0.1:1")))
        .await;
    assert_eq!(office.unwrap_err().code(), "M-1007");
    node.stop().await;
}
