//! One node by itself: what a clerk without any link can do.

use hopluu_engine::view::{SaveRequest, Saved, Selector};
use hopluu_engine::{
    Ailment, CommandError, Detail, Home, InviteRequest, ReportFilter, Secrets, UndoBar, doctor,
    now, restore,
};
use hopluu_model::Timestamp;

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

    let restored = restore(&home, &backup, &Secrets::default()).unwrap();
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

#[tokio::test]
async fn a_total_names_what_its_units_paper_contradicts() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "465@2024-05-01", &[]);
    let node = offline(dir.path());
    for (unit, answer) in [("19429", "y"), ("19432", "n")] {
        let edits = vec![
            set("II.1.3.a", "1"),
            set("II.2.6", answer),
            set("I.1", answer),
        ];
        save(&node, Some(unit), edits).await.unwrap();
    }
    // As printed: none on the heading over some, and a share that one answer already contradicts.
    let edits = vec![
        set("II.1.3", "0"),
        set("II.2.6", "21/21"),
        set("I.1", "20/21"),
    ];
    save(&node, None, edits).await.unwrap();
    let total_view = node.handle().rollup_show(total("465")).await.unwrap();
    let found: Vec<_> = total_view
        .findings
        .iter()
        .map(|finding| (finding.rule.as_str(), finding.code.as_str()))
        .collect();
    assert_eq!(found, [("R-005", "II.1.3"), ("R-006", "II.2.6")]);
    let of = |code: &str| {
        total_view
            .lines
            .iter()
            .find(|line| line.code.as_str() == code)
    };
    assert!(of("II.1.3").is_none(), "a heading is added up nowhere");
    assert_eq!(of("II.2.6").unwrap().value.as_deref(), Some("1/2"));
    let listed = node
        .handle()
        .report_list(ReportFilter::default())
        .await
        .unwrap();
    let own = listed
        .iter()
        .find(|row| row.report.unit.code.as_str() == "465")
        .unwrap();
    assert_eq!((own.answered, own.lines), (2, 78), "a heading asks nothing");
    // In the second half of 2025 there are no districts any more.
    let ended = hopluu_engine::TotalSelector {
        unit: Some("465@2024-05-01".to_owned()),
        period: "2025-H2".to_owned(),
        ..total("465")
    };
    let ended = node.handle().rollup_show(ended).await;
    assert_eq!(ended.unwrap_err().code(), "M-1210");
    let above = node.handle().rollup_show(total("45")).await;
    assert_eq!(
        above.unwrap_err().code(),
        "M-1208",
        "the province is told more"
    );
    node.stop().await;
}

#[tokio::test]
async fn a_code_alone_lists_the_units_of_every_day_that_had_it() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    save(&node, Some("19432"), vec![set("II.1.1.a", "1")])
        .await
        .unwrap();
    let listed = async |unit: &str| {
        let filter = ReportFilter {
            unit: Some(unit.to_owned()),
            ..ReportFilter::default()
        };
        node.handle().report_list(filter).await
    };
    assert_eq!(listed("19432").await.unwrap().len(), 1);
    assert_eq!(listed("19432@2024-05-01").await.unwrap().len(), 1);
    assert_eq!(listed("19429").await.unwrap().len(), 0);
    assert_eq!(listed("99999").await.unwrap_err().code(), "M-1001");
    let ended = Some("465@2024-05-01".to_owned());
    let ended = node.handle().unit_show(ended, None).await.unwrap();
    assert_eq!(
        ended.path.len(),
        2,
        "it is shown as it stood on its last day"
    );
    assert_eq!(
        (ended.level_vi.as_str(), ended.children.len()),
        ("cấp huyện", 21)
    );
    node.stop().await;
}

#[tokio::test]
async fn an_undo_that_cannot_be_says_why() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    let undo = async || {
        let undone = node
            .handle()
            .report_undo(selector(Some("19429")), None)
            .await;
        match undone {
            Err(CommandError::NothingToUndo { why }) => Some(why),
            Err(other) => panic!("{other}"),
            Ok(_) => None,
        }
    };
    node.handle()
        .report_new(selector(Some("19429")), None, false)
        .await
        .unwrap();
    assert_eq!(undo().await, Some(UndoBar::Step));
    save(&node, Some("19429"), vec![set("II.1.1.a", "1")])
        .await
        .unwrap();
    assert_eq!(undo().await, None);
    node.stop().await;
}

#[tokio::test]
async fn the_doctor_looks_at_what_is_carried_for_others() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let found = || -> Vec<_> {
        let check_up = doctor(dir.path(), false, None, now()).unwrap();
        let found = check_up.findings.into_iter();
        found.map(|one| (one.ailment, one.detail)).collect()
    };
    assert_eq!(found(), []);
    let parcels = Home::open(dir.path()).unwrap().parcels();
    std::fs::create_dir(&parcels).unwrap();
    assert_eq!(found(), []);
    for name in ["half.new", "of-nobody.hlb"] {
        std::fs::write(parcels.join(name), b"x").unwrap();
    }
    assert_eq!(found(), [(Ailment::Parcels, Detail::NoParcels(2))]);
    // The next start throws them away.
    crate::common::start_node(dir.path()).stop().await;
    assert_eq!(found(), []);
}

#[tokio::test]
async fn the_doctor_sees_a_wrong_clock_and_a_certificate_that_ends() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    save(&node, Some("19429"), vec![set("II.1.1.a", "1")])
        .await
        .unwrap();
    let ends = node.handle().status().await.unwrap().certificate_ends;
    node.stop().await;
    let found = |at: Timestamp| -> Vec<_> {
        let check_up = doctor(dir.path(), false, None, at).unwrap();
        let codes = check_up.findings.iter().map(|one| one.ailment);
        codes.collect()
    };
    assert_eq!(found(now()), []);
    let yesterday = Timestamp(now().0 - DAY_MS);
    assert_eq!(found(yesterday), [Ailment::Clock], "it has saved since");
    assert_eq!(found(Timestamp(0)), [Ailment::Clock]);
    assert_eq!(found(Timestamp(ends.0 - DAY_MS)), [Ailment::Expiry]);
    assert_eq!(found(Timestamp(ends.0 + DAY_MS)), [Ailment::Expired]);
}
