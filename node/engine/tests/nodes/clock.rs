//! What time it is: who is shut out by it, and how the root lets them in again.

use hopluu_engine::view::{ClockRequest, RevokeRequest};
use hopluu_engine::{BundleRequest, Home, Receivers, Running};
use hopluu_model::Timestamp;

use super::common::{join_below, province, start_node, until};

async fn is_linked(node: &Running) -> bool {
    let status = node.handle().status().await.unwrap();
    status.peers.iter().any(|peer| peer.is_linked)
}

async fn evidence(node: &Running) -> Timestamp {
    let clock = node.handle().clock_show().await.unwrap();
    clock.evidence.unwrap()
}

fn says(day: Option<&str>) -> ClockRequest {
    ClockRequest {
        at: day.map(|day| day.parse().unwrap()),
        before: None,
    }
}

/// The district's certificate ends in five years, the root's in thirty.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_expired_is_refused_on_links_and_in_bundles_until_the_root_takes_its_word_back() {
    let (root_dir, district_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = province(root_dir.path(), &[]);
    let district = join_below(&root, district_dir.path(), "465", None).await;
    until("they are linked", async || {
        is_linked(&root).await && is_linked(&district).await
    })
    .await;
    let before = evidence(&root).await;
    let told = root
        .handle()
        .clock_set(says(Some("2045-01-01")))
        .await
        .unwrap();
    assert!(told.evidence > Some(before) && told.word.is_some_and(|word| word.is_root));
    // The root lets go of the link, and lets nobody in whose certificate has ended by then.
    until("the root has let go", async || !is_linked(&root).await).await;
    let line = BundleRequest {
        to: Receivers::Line,
        size_max: None,
        parts_max: None,
        report: None,
        anew: false,
        attachments: false,
    };
    let mut made = district.handle().bundle_export(line).await.unwrap();
    let bytes = made.recv().await.unwrap().unwrap().bytes;
    let refused = root
        .handle()
        .bundle_import(bytes.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "M-1610", "{refused}");
    district.stop().await;
    let district = start_node(district_dir.path());
    until("the district has called in vain", async || {
        let status = district.handle().status().await.unwrap();
        status.upstream.iter().any(|called| called.failures > 0)
    })
    .await;
    assert!(!is_linked(&root).await);
    let told = root.handle().clock_set(says(None)).await.unwrap();
    assert!(told.evidence < Some(before.plus_ms(3_600_000)));
    root.handle().bundle_import(bytes).await.unwrap();
    district.handle().link_call().await.unwrap();
    until("the district is back, and knows better", async || {
        is_linked(&root).await && evidence(&district).await < before.plus_ms(3_600_000)
    })
    .await;
    assert!(district.stop().await && root.stop().await);
}

/// Whoever is told that it has outlived itself still hears those who certified it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_told_2099_stays_with_its_superior() {
    let (root_dir, district_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = province(root_dir.path(), &[]);
    let district = join_below(&root, district_dir.path(), "465", None).await;
    let told = district
        .handle()
        .clock_set(says(Some("2099-01-01")))
        .await
        .unwrap();
    let ends = district.handle().status().await.unwrap().certificate_ends;
    assert!(told.evidence > Some(ends) && told.judged == Some(ends));
    district.stop().await;
    let district = start_node(district_dir.path());
    until("it is linked", async || is_linked(&district).await).await;
    // The root's next word counts there again.
    root.handle().clock_set(says(None)).await.unwrap();
    until("it knows better", async || evidence(&district).await < ends).await;
    assert!(district.stop().await && root.stop().await);
}

/// A certificate lasts five years; the root says that four and a half are over.
#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_over_open_links_all_the_way_down_and_no_link_is_lost() {
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let root = province(dirs[0].path(), &["45"]);
    let district = join_below(&root, dirs[1].path(), "465", None).await;
    let commune = join_below(&district, dirs[2].path(), "19429", None).await;
    let police = join_below(&commune, dirs[3].path(), "19429", Some("police")).await;
    let chain = [&district, &commune, &police];
    for node in chain {
        until("it is linked", async || is_linked(node).await).await;
    }
    let before = ends(&district).await;
    let root_ends = ends(&root).await;
    let (later, year) = (before.plus_ms(0).0 - YEAR_MS / 2, before.0 + 4 * YEAR_MS);
    let day = hopluu_engine::clock::day(Timestamp(later));
    let told = says(Some(&day.to_string()));
    root.handle().clock_set(told).await.unwrap();
    for node in chain {
        until("it has a new certificate", async || {
            ends(node).await.0 > year
        })
        .await;
        let status = node.handle().status().await.unwrap();
        assert!(!status.is_ending && status.certificate_ends < root_ends);
    }
    // The same keys, shown from now on: even by the time at which the old ones have ended.
    let nodes = [node_of(&district).await, node_of(&commune).await];
    let ended = hopluu_engine::clock::day(before.plus_ms(1 << 35));
    root.handle()
        .clock_set(says(Some(&ended.to_string())))
        .await
        .unwrap();
    assert!(district.stop().await);
    let district = start_node(dirs[1].path());
    until("the district is back", async || is_linked(&root).await).await;
    assert_eq!([node_of(&district).await, node_of(&commune).await], nodes);
    assert!(police.stop().await && commune.stop().await);
    assert!(district.stop().await && root.stop().await);
}

const YEAR_MS: i64 = 365 * 24 * 3_600_000;

async fn ends(node: &Running) -> Timestamp {
    node.handle().status().await.unwrap().certificate_ends
}

async fn node_of(node: &Running) -> hopluu_model::NodeId {
    node.handle().status().await.unwrap().node
}

/// The word that four and a half years are over reaches nodes that are revoked, too.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_revoked_or_certified_by_another_gets_no_new_certificate() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let root = province(dirs[0].path(), &["45"]);
    let district = join_below(&root, dirs[1].path(), "465", None).await;
    let other = join_below(&root, dirs[2].path(), "467", None).await;
    until("both are linked", async || {
        is_linked(&district).await && is_linked(&other).await
    })
    .await;
    let before = ends(&district).await;
    let revoke = RevokeRequest {
        target: node_of(&district).await.to_string(),
        account: None,
        reason: "stolen".to_owned(),
    };
    root.handle().revoke(revoke).await.unwrap();
    until("the district is let go", async || {
        !is_linked(&district).await
    })
    .await;
    let day = hopluu_engine::clock::day(Timestamp(before.0 - YEAR_MS / 2));
    root.handle()
        .clock_set(says(Some(&day.to_string())))
        .await
        .unwrap();
    until("the other is renewed", async || {
        ends(&other).await.0 > before.0 + YEAR_MS
    })
    .await;
    district.handle().link_call().await.unwrap();
    until("the district is told why", async || {
        district.handle().status().await.unwrap().revoked.is_some()
    })
    .await;
    assert_eq!(ends(&district).await, before);
    assert!(district.stop().await && other.stop().await && root.stop().await);
}

/// The machine of a district was stolen; all below it were certified by that one.
#[tokio::test(flavor = "multi_thread")]
async fn who_took_the_place_of_a_revoked_superior_renews_what_is_below() {
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let root = province(dirs[0].path(), &["45"]);
    let stolen = join_below(&root, dirs[1].path(), "465", None).await;
    let commune = join_below(&stolen, dirs[2].path(), "19429", None).await;
    until("it is linked", async || is_linked(&commune).await).await;
    let before = ends(&commune).await;
    assert!(commune.stop().await);
    let revoke = RevokeRequest {
        target: node_of(&stolen).await.to_string(),
        account: None,
        reason: "stolen".to_owned(),
    };
    root.handle().revoke(revoke).await.unwrap();
    assert!(stolen.stop().await);
    let district = join_below(&root, dirs[3].path(), "465", None).await;
    let addr = district.handle().status().await.unwrap().listen.unwrap();
    let home = Home::open(dirs[2].path()).unwrap();
    let mut settings = home.settings().unwrap();
    settings.upstream = vec![addr];
    home.write_settings(&settings).unwrap();
    drop(home);
    let commune = start_node(dirs[2].path());
    until("it is linked", async || is_linked(&commune).await).await;
    let day = hopluu_engine::clock::day(Timestamp(before.0 - YEAR_MS / 2));
    let told = says(Some(&day.to_string()));
    root.handle().clock_set(told).await.unwrap();
    until("it has a new certificate", async || {
        ends(&commune).await.0 > before.0 + YEAR_MS
    })
    .await;
    assert!(commune.stop().await);
    let commune = start_node(dirs[2].path());
    until("it shows the new one", async || is_linked(&commune).await).await;
    assert!(ends(&commune).await.0 > before.0 + YEAR_MS);
    assert!(commune.stop().await && district.stop().await && root.stop().await);
}
