//! When other nodes are called, and what it costs.

use hopluu_engine::view::{Allowance, CostView, LinkView, Purpose, UpstreamState, WatchEvent};
use hopluu_engine::{Home, LinkSettings, Running, clock, now};

use crate::common::{join_below, root_of, save, set, start_node, total, until};

async fn link(node: &Running) -> Option<LinkView> {
    let links = node.handle().link_list().await;
    links.expect("the store is read").into_iter().next()
}

fn settle(dir: &std::path::Path, link: &LinkSettings) {
    let home = Home::open(dir).expect("a node's folder");
    let mut settings = home.settings().expect("sound settings");
    for address in &settings.upstream {
        settings.link.insert(address.clone(), link.clone());
    }
    home.write_settings(&settings).expect("room on the disk");
}

/// The day three days from now, as settings write it.
fn other_day() -> &'static str {
    let today = clock::day(now()).weekday().to_monday_zero_offset();
    let days = ["T2", "T3", "T4", "T5", "T6", "T7", "CN"];
    let other = usize::from(today.unsigned_abs() + 3) % days.len();
    days.get(other).expect("a week has seven days")
}

fn is_summed(cost: &CostView) -> bool {
    let sum = |part: fn(&(u64, u64)) -> u64| cost.purposes.values().map(part).sum::<u64>();
    (sum(|bytes| bytes.0), sum(|bytes| bytes.1)) == (cost.up, cost.down)
}

/// A district, and a commune that has its forms.
async fn pair(dir: &std::path::Path, home: &std::path::Path) -> (Running, Running) {
    let superior = root_of(&dir.join("465"), "465@2024-05-01", &[]);
    let commune = join_below(&superior, home, "19429", None).await;
    until("the form came down", async || {
        !commune
            .handle()
            .form_list()
            .await
            .expect("it runs")
            .is_empty()
    })
    .await;
    (superior, commune)
}

#[tokio::test]
async fn a_node_calls_within_its_windows_and_keeps_account_of_what_it_costs() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("19429");
    let (superior, commune) = pair(dir.path(), &home).await;
    commune.stop().await;
    // Three days from now is no time to call.
    let closed = LinkSettings {
        windows: vec![format!("{} 00:00-24:00", other_day())],
        month_max_mb: Some(50),
        ..LinkSettings::default()
    };
    settle(&home, &closed);
    let commune = start_node(&home);
    save(&commune, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let resting = link(&commune).await.unwrap();
    assert!(!resting.is_linked);
    let owed: u64 = resting.owed.iter().map(|class| class.entries).sum();
    assert!(owed >= 1, "{:?}", resting.owed);
    commune.stop().await;
    let shown = superior.handle().rollup_show(total("465")).await.unwrap();
    assert_eq!(shown.reported, 0);
    // Today is.
    let open = LinkSettings {
        windows: vec!["daily 00:00-24:00".to_owned()],
        ..closed
    };
    settle(&home, &open);
    let commune = start_node(&home);
    until("nothing is owed and it is put down", async || {
        link(&commune).await.is_some_and(|link| {
            let figures = link.days.iter().flat_map(|day| &day.purposes);
            let is_put = figures.map(|(purpose, _)| *purpose);
            link.is_linked
                && link.owed.is_empty()
                && is_put.collect::<Vec<_>>().contains(&Purpose::Figures)
        })
    })
    .await;
    let seen = link(&commune).await.unwrap();
    let plan = seen.plan.unwrap();
    assert!(plan.is_open && plan.allowance == Allowance::All);
    assert_eq!(plan.month_bytes_max, Some(50_000_000));
    assert!(seen.days.iter().chain(&seen.months).all(is_summed));
    let day = seen.days.last().unwrap();
    assert!(day.up > 1_000 && day.down > 500, "{day:?}");
    // What was put down is there after a stop as well.
    commune.stop().await;
    let offline = crate::common::offline(&home);
    let kept = link(&offline).await.unwrap();
    assert!(kept.days.last().unwrap().up >= day.up);
    offline.stop().await;
    superior.stop().await;
}

/// What a node has paid for calls that led nowhere, as far as its account says.
async fn calls_in_vain(node: &Running) -> u64 {
    let seen = link(node).await;
    let days = seen.into_iter().flat_map(|link| link.days);
    let paid = days.filter_map(|day| day.purposes.get(&Purpose::Calls).copied());
    paid.map(|(up, _)| up).sum()
}

#[tokio::test]
async fn calls_that_nobody_answers_are_put_down() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("19429");
    let (superior, commune) = pair(dir.path(), &home).await;
    commune.stop().await;
    superior.stop().await;
    let commune = start_node(&home);
    until("a call is put down", async || {
        calls_in_vain(&commune).await >= 1_200
    })
    .await;
    let seen = link(&commune).await.unwrap();
    assert!(!seen.is_linked && seen.plan.is_some());
    commune.stop().await;
}

#[tokio::test]
async fn a_call_that_a_person_wants_is_a_new_link() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("19429");
    let (superior, commune) = pair(dir.path(), &home).await;
    let mut events = commune.handle().watch();
    let called = commune.handle().link_call().await.unwrap();
    let states: Vec<UpstreamState> = called.iter().map(|called| called.state).collect();
    assert_eq!(states, [UpstreamState::Calling]);
    let (mut closed, mut opened) = (0, 0);
    while closed == 0 || opened == 0 {
        match events.recv().await.unwrap() {
            WatchEvent::LinkClosed { .. } => closed += 1,
            WatchEvent::LinkOpened { .. } => opened += 1,
            _ => {}
        }
    }
    assert_eq!((closed, opened), (1, 1));
    save(&commune, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    until("the report came up", async || {
        let total = superior.handle().rollup_show(total("465")).await.unwrap();
        total.reported == 1
    })
    .await;
    commune.stop().await;
    superior.stop().await;
}

#[tokio::test]
async fn settings_that_cannot_be_followed_keep_a_node_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let superior = root_of(&dir.path().join("465"), "465@2024-05-01", &[]);
    let home = dir.path().join("19429");
    let commune = join_below(&superior, &home, "19429", None).await;
    commune.stop().await;
    superior.stop().await;
    let garbled = LinkSettings {
        windows: vec!["T9 07:00-07:30".to_owned()],
        ..LinkSettings::default()
    };
    settle(&home, &garbled);
    let refused = Home::open(&home).unwrap().settings().unwrap_err();
    assert_eq!(refused.fault(), hopluu_model::Fault::Config);
    let said = refused.to_string();
    assert!(said.contains("the link to 127.0.0.1"), "{said}");
}
