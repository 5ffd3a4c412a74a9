//! Nodes that reach each other over real QUIC on loopback.

use std::path::Path;

use hopluu_engine::view::{EditRequest, GrantRequest, ReachView, WatchEvent};
use hopluu_engine::{
    CommandError, InviteRequest, NewHome, NodeSettings, Running, Secrets, UndoBar, join, now,
};
use hopluu_model::tree::TreeEvent;

use crate::common::{
    join_below, new_home, province, save, selector, set, start_node, total, until,
};

#[tokio::test]
async fn a_commune_s_figure_reaches_the_province_and_receipts_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let province = province(&dir.path().join("45"), &[]);
    let district = join_below(&province, &dir.path().join("465"), "465", None).await;
    let commune = join_below(&district, &dir.path().join("19429"), "19429", None).await;
    let home = commune.handle();
    until("the form came down", async || {
        home.form_list()
            .await
            .unwrap()
            .iter()
            .any(|form| form.form.as_str() == "pcmd-review")
    })
    .await;
    let mut events = province.handle().watch();
    save(&commune, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    until("the province has the figure", async || {
        let shown = province.handle().rollup_show(total("465")).await.unwrap();
        shown.reported == 1
    })
    .await;
    let shown = province.handle().rollup_show(total("45")).await.unwrap();
    let line = shown
        .lines
        .iter()
        .find(|line| line.code.as_str() == "II.1.1.a")
        .unwrap();
    assert_eq!(line.value.as_deref(), Some("42"));
    until("both receipts are back", async || {
        let listed = home.report_list(Default::default()).await.unwrap();
        let reached = &listed.first().unwrap().reached;
        reached.len() == 2 && reached.iter().all(|receipt| receipt.is_current)
    })
    .await;
    let listed = home.report_list(Default::default()).await.unwrap();
    let levels: Vec<_> = listed
        .first()
        .unwrap()
        .reached
        .iter()
        .map(|receipt| receipt.level.as_str())
        .collect();
    assert_eq!(levels, ["district", "province"]);
    let mut has_seen_total = false;
    while let Ok(event) = events.try_recv() {
        has_seen_total |= matches!(event, WatchEvent::TotalChanged { reported: 1, .. });
    }
    assert!(has_seen_total, "a watcher at the province is told");
    for node in [commune, district, province] {
        node.stop().await;
    }
}

/// A commune and two of its offices that have set one figure apart, to 42 and 40, each with a note.
async fn set_apart(dir: &Path) -> [Running; 3] {
    let commune = crate::common::root_of(&dir.join("19429"), "19429@2024-05-01", &[]);
    let police = join_below(&commune, &dir.join("police"), "19429", Some("police")).await;
    let health = join_below(&commune, &dir.join("health"), "19429", Some("health")).await;
    for node in [&police, &health] {
        until("the form came down", async || {
            node.handle()
                .form_list()
                .await
                .is_ok_and(|forms| !forms.is_empty())
        })
        .await;
    }
    // The figure is the police's; here health counts it as well.
    let given = commune.handle().grant_give(all_lines("health")).await;
    let given = given.expect("the commune gives its offices rights").grant;
    until("the grant came down", async || {
        let grants = health.handle().grant_list().await.unwrap_or_default();
        grants.iter().any(|one| one.grant == given && one.counts)
    })
    .await;
    until("the police has its own", async || {
        let grants = police.handle().grant_list().await.unwrap_or_default();
        grants.iter().any(|one| one.office.as_str() == "police")
    })
    .await;
    let (police_dir, health_dir) = (dir.join("police"), dir.join("health"));
    police.stop().await;
    health.stop().await;
    // Without a link each writes its own.
    let alone = crate::common::offline(&police_dir);
    save(&alone, None, vec![set("II.1.1.a", "42"), note("theo sổ")])
        .await
        .expect("a save");
    alone.stop().await;
    let alone = crate::common::offline(&health_dir);
    save(&alone, None, vec![set("II.1.1.a", "40"), note("theo trạm")])
        .await
        .expect("a save");
    alone.stop().await;
    let (police, health) = (start_node(&police_dir), start_node(&health_dir));
    for node in [&commune, &police, &health] {
        until("both values are everywhere", async || {
            let shown = node.handle().report_show(selector(None)).await;
            shown.is_ok_and(|shown| {
                shown
                    .figures
                    .first()
                    .is_some_and(|figure| figure.candidates.len() == 2)
            })
        })
        .await;
    }
    [commune, police, health]
}

/// Every line of a commune's reports for one of its offices.
fn all_lines(office: &str) -> GrantRequest {
    GrantRequest {
        unit: None,
        below: false,
        holder: None,
        office: office.to_owned(),
        forms: Vec::new(),
        since: None,
        until: None,
        lines: ReachView::All,
        texts: ReachView::Own,
        attachments: true,
        steps: Vec::new(),
        reads: ReachView::Nothing,
    }
}

fn note(text: &str) -> EditRequest {
    EditRequest::Note {
        code: "II.1.1.a".to_owned(),
        office: None,
        text: text.to_owned(),
    }
}

fn settle() -> EditRequest {
    EditRequest::Settle {
        code: "II.1.1.a".to_owned(),
        office: None,
        value: "42".to_owned(),
    }
}

#[tokio::test]
async fn offices_write_apart_and_their_conflict_shows_until_it_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let [commune, police, health] = set_apart(dir.path()).await;
    let shown = commune.handle().rollup_show(total("19429")).await.unwrap();
    let line = shown
        .lines
        .iter()
        .find(|line| line.code.as_str() == "II.1.1.a")
        .unwrap();
    assert_eq!(line.range, Some(("40".to_owned(), "42".to_owned())));
    let shown = commune.handle().report_show(selector(None)).await.unwrap();
    let noted = shown.figures.first().unwrap().note.clone().unwrap();
    let mut notes: Vec<_> = noted.lines().collect();
    notes.sort_unstable();
    assert_eq!(notes, ["theo sổ", "theo trạm"], "both notes stand");
    save(&commune, None, vec![settle()]).await.unwrap();
    until("it is settled at the offices", async || {
        let shown = health.handle().report_show(selector(None)).await.unwrap();
        shown.figures.first().unwrap().value.as_deref() == Some("42")
    })
    .await;
    for node in [police, health, commune] {
        node.stop().await;
    }
}

#[tokio::test]
async fn whoever_settles_is_told_so_and_an_office_speaks_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let [commune, police, health] = set_apart(dir.path()).await;
    let saved = save(&commune, None, vec![settle()]).await.unwrap();
    let settled: Vec<_> = saved
        .settled
        .iter()
        .map(|one| {
            (
                one.code.as_str(),
                one.value.as_str(),
                one.instead_of.join(" "),
            )
        })
        .collect();
    assert_eq!(settled, [("II.1.1.a", "42", "40".to_owned())]);
    let undone = commune.handle().report_undo(selector(None), None).await;
    assert!(matches!(
        undone,
        Err(CommandError::NothingToUndo {
            why: UndoBar::Settled
        })
    ));
    until("it is settled at the offices", async || {
        let shown = health.handle().report_show(selector(None)).await.unwrap();
        shown.figures.first().unwrap().value.as_deref() == Some("42")
    })
    .await;
    // What the office wrote last another has settled since.
    let undone = health.handle().report_undo(selector(None), None).await;
    assert!(matches!(
        undone,
        Err(CommandError::NothingToUndo {
            why: UndoBar::Overwritten
        })
    ));
    // An office speaks for itself, the unit's main node for any.
    let text = EditRequest::Text {
        section: "raids".to_owned(),
        office: Some("police".to_owned()),
        text: "đã truy quét".to_owned(),
    };
    let refused = save(&health, None, vec![text.clone()]).await.unwrap_err();
    assert_eq!(refused.code(), "M-1209");
    save(&commune, None, vec![text]).await.unwrap();
    for node in [police, health, commune] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_ticket_is_good_once_and_only_for_its_root() {
    let dir = tempfile::tempdir().unwrap();
    let first = province(&dir.path().join("45"), &[]);
    let request = InviteRequest {
        unit: Some("465@2024-05-01".to_owned()),
        office: None,
        addresses: Vec::new(),
        hours: 1,
    };
    let ticket = first.handle().invite(request).await.unwrap().ticket;
    let settings = NodeSettings::default;
    let garbled = ticket.replace(&ticket[12..14], "ZZ");
    let refused = join(&dir.path().join("a"), &garbled, new_home(settings()), now())
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("cannot be read"), "{refused}");
    join(&dir.path().join("b"), &ticket, new_home(settings()), now())
        .await
        .unwrap();
    let used = join(&dir.path().join("c"), &ticket, new_home(settings()), now())
        .await
        .unwrap_err();
    let chain = hopluu_model::ErrorChain(&used).to_string();
    assert!(chain.contains("used"), "{chain}");
    let late = hopluu_model::Timestamp(i64::MAX);
    let expired = join(&dir.path().join("d"), &ticket, new_home(settings()), late)
        .await
        .unwrap_err();
    assert!(expired.to_string().contains("ended"), "{expired}");
    for refused in ["a", "c", "d"] {
        assert!(
            !dir.path().join(refused).join("node.toml").exists(),
            "{refused} holds no node"
        );
    }
    // A machine that was cut off while it joined has its key and nothing else.
    let (whole, cut) = (dir.path().join("b"), dir.path().join("e"));
    std::fs::create_dir(&cut).unwrap();
    std::fs::copy(whole.join("key"), cut.join("key")).unwrap();
    let again = join(&cut, &ticket, new_home(settings()), now())
        .await
        .unwrap();
    assert_eq!(again.place.unit.to_string(), "465@2024-05-01");
    start_node(&cut).stop().await;
    first.stop().await;
}

#[tokio::test]
async fn what_a_restored_commune_lost_comes_back_from_its_superior() {
    let dir = tempfile::tempdir().unwrap();
    let (home, backup) = (dir.path().join("19429"), dir.path().join("backup.db"));
    let district = crate::common::root_of(&dir.path().join("465"), "465", &[]);
    let commune = join_below(&district, &home, "19429", None).await;
    until("the form came down", async || {
        !commune.handle().form_list().await.unwrap().is_empty()
    })
    .await;
    save(&commune, None, vec![set("II.1.1.a", "1")])
        .await
        .unwrap();
    commune.handle().backup(backup.clone()).await.unwrap();
    save(&commune, None, vec![set("II.1.1.a", "2")])
        .await
        .unwrap();
    until("the district has the later edit", async || {
        let listed = commune
            .handle()
            .report_list(Default::default())
            .await
            .unwrap();
        listed
            .first()
            .unwrap()
            .reached
            .first()
            .is_some_and(|receipt| receipt.is_current)
    })
    .await;
    commune.stop().await;
    hopluu_engine::restore(&home, &backup, &Secrets::default()).unwrap();
    let commune = start_node(&home);
    until("the lost edit is back", async || {
        let shown = commune.handle().report_show(selector(None)).await.unwrap();
        shown.figures.first().unwrap().value.as_deref() == Some("2")
    })
    .await;
    save(&commune, None, vec![set("II.1.1.a", "3")])
        .await
        .unwrap();
    until("and it goes on from there", async || {
        let shown = district.handle().rollup_show(total("465")).await.unwrap();
        let line = shown
            .lines
            .iter()
            .find(|line| line.code.as_str() == "II.1.1.a")
            .unwrap();
        line.value.as_deref() == Some("3")
    })
    .await;
    commune.stop().await;
    district.stop().await;
}

#[tokio::test]
async fn restores_keep_what_was_there_each_and_void_open_tickets() {
    let dir = tempfile::tempdir().unwrap();
    let (home, backup) = (dir.path().join("45"), dir.path().join("backup.db"));
    let first = province(&home, &[]);
    let request = InviteRequest {
        unit: Some("465@2024-05-01".to_owned()),
        office: None,
        addresses: vec!["127.0.0.1:1".to_owned()],
        hours: 1,
    };
    let ticket = first.handle().invite(request).await.unwrap().ticket;
    first.handle().backup(backup.clone()).await.unwrap();
    first.stop().await;
    let mut kept = Vec::new();
    for _ in 0..3 {
        // A log that a cut has left behind must not come beside another database.
        let log = home.join("store.db-wal");
        std::fs::write(&log, b"left behind").unwrap();
        let restored = hopluu_engine::restore(&home, &backup, &Secrets::default()).unwrap();
        assert!(!log.exists());
        kept.push(restored.kept.unwrap());
    }
    kept.dedup();
    assert_eq!(kept.len(), 3, "{kept:?}");
    for kept in &kept {
        assert!(kept.exists(), "{}", kept.display());
    }
    let again = start_node(&home);
    let addr = again.handle().status().await.unwrap().listen.unwrap();
    let mut given = hopluu_trust::Ticket::decode(&ticket).unwrap();
    given.addrs = vec![addr];
    let refused = join(
        &dir.path().join("b"),
        &given.encode().unwrap(),
        NewHome::default(),
        now(),
    )
    .await
    .unwrap_err();
    let chain = hopluu_model::ErrorChain(&refused).to_string();
    assert!(chain.contains("ticket"), "{chain}");
    again.stop().await;
}

#[tokio::test]
async fn what_others_would_not_take_is_refused_where_it_is_typed() {
    let dir = tempfile::tempdir().unwrap();
    let district = crate::common::root_of(&dir.path().join("465"), "465", &[]);
    let commune = join_below(&district, &dir.path().join("19429"), "19429", None).await;
    until("the form came down", async || {
        !commune.handle().form_list().await.unwrap().is_empty()
    })
    .await;
    let renamed = |unit: &str| TreeEvent::Renamed {
        unit: unit.parse().unwrap(),
        on: "2024-06-01".parse().unwrap(),
        name: "Tên khác".to_owned(),
        kind: "xa".to_owned(),
    };
    let own = commune.handle().unit_show(None, None).await.unwrap().unit;
    let above = district.handle().unit_show(None, None).await.unwrap().unit;
    let refused = commune
        .handle()
        .units_add(renamed(&above.to_string()))
        .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), "M-1301", "{refused}");
    let form = crate::common::FORM.replacen("version = \"1.0\"", "version = \"1.1\"", 1);
    let refused = commune.handle().form_add(form, Vec::new()).await;
    let refused = refused.unwrap_err();
    assert!(refused.to_string().contains("hands a form"), "{refused}");
    let taken = district.handle().units_add(renamed(&own.to_string())).await;
    taken.unwrap();
    until("the event came down", async || {
        let shown = commune.handle().unit_show(None, None).await.unwrap();
        shown.name == "Tên khác"
    })
    .await;
    commune.stop().await;
    district.stop().await;
}
