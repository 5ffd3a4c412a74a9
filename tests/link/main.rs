//! What work may cost on a link, in bytes of UDP both ways, the handshake included. Real nodes in processes of their own,
//! over a relay that counts; how long it takes on links as bad as they are is a matter of `scripts/bench link`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use hopluu_api::shape::ReportQuery;
use hopluu_engine::view::PeerView;
use hopluu_tests::deadline;
use hopluu_tests::lab::Profile;
use hopluu_tests::lab::bulk::carry;
use hopluu_tests::lab::ends::{Ends, Window};
use hopluu_tests::process::{NodeProcess, make_root};
use tokio::time::{sleep, timeout};

const DOCUMENTS: u32 = 200;

const LIMIT: Duration = Duration::from_secs(60);

/// Long enough for a round trip that what belongs together leaves together, and never lossy.
fn profile() -> Profile {
    Profile::named("mobile-1m").unwrap()
}

/// An edit over this link: bytes until the commune knows that the district has it.
async fn edited(ends: &mut Ends, window: &Window, value: u32) -> u64 {
    window.edit(value).await.unwrap();
    ends.arrival().await.unwrap();
    window.acknowledged().await.unwrap().bytes()
}

fn within(what: &str, bytes: u64, most: u64) {
    assert!(bytes <= most, "{what}: {bytes} bytes, bound {most}");
}

/// One figure among 200 documents: from a program that has just started, that is up and calls anew, over a link that
/// stands, and over one that slept through an outage, on the same address and on another.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_costs_its_bytes_and_a_handshake_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let mut ends = Ends::start(dir.path(), DOCUMENTS).await.unwrap();
    ends.edit_offline(1).await.unwrap();
    let window = ends.open(profile(), 1).await.unwrap();
    ends.arrival().await.unwrap();
    within("cold", window.acknowledged().await.unwrap().bytes(), 5_000);
    window.settled().await.unwrap();
    window.call_with(2).await.unwrap();
    ends.arrival().await.unwrap();
    within("warm", window.acknowledged().await.unwrap().bytes(), 4_500);
    window.settled().await.unwrap();
    window.relay.count_anew();
    within("open", edited(&mut ends, &window, 3).await, 500);
    window.settled().await.unwrap();
    window.relay.cut(true);
    sleep(Duration::from_secs(2)).await;
    window.relay.cut(false);
    window.relay.count_anew();
    within("asleep", edited(&mut ends, &window, 4).await, 1_000);
    window.settled().await.unwrap();
    window.relay.rebind();
    window.relay.count_anew();
    within("new address", edited(&mut ends, &window, 5).await, 4_200);
    window.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_figures_and_their_receipt_are_one_call() {
    let dir = tempfile::tempdir().unwrap();
    let mut ends = Ends::start(dir.path(), DOCUMENTS).await.unwrap();
    ends.edit_ten_offline(0).await.unwrap();
    let window = ends.open(profile(), 1).await.unwrap();
    ends.arrival().await.unwrap();
    let client = window.commune.client().await.unwrap();
    let asked = ReportQuery::default();
    let is_signed = async || {
        let reports = client.report_list(&asked).await.unwrap();
        let mut reached = reports.iter().map(|report| report.reached.first());
        reached.all(|reached| reached.is_some_and(|reached| reached.is_current))
    };
    timeout(LIMIT, async {
        while !is_signed().await {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    let bytes = window.acknowledged().await.unwrap().bytes();
    within("ten figures to their receipt", bytes, 6_000);
    window.close().await.unwrap();
}

/// The size of the archive must not show.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_new_costs_the_same_among_few_and_many() {
    let mut costs = Vec::new();
    for documents in [200, 2_000] {
        let dir = tempfile::tempdir().unwrap();
        let ends = Ends::start(dir.path(), documents).await.unwrap();
        let window = ends.open(profile(), 1).await.unwrap();
        let bytes = window.settled().await.unwrap().bytes();
        within("nothing new", bytes, 5_000);
        window.close().await.unwrap();
        costs.push(bytes);
    }
    let difference = costs[0].abs_diff(costs[1]);
    assert!(difference <= 64, "{costs:?}");
}

/// A commune whose disk was put back: 3,321 documents, ten of them with news, five on either side.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_commune_settles_in_forty_kilobytes() {
    let dir = tempfile::tempdir().unwrap();
    let ends = Ends::start(dir.path(), 3_321).await.unwrap();
    let ends = ends.part(10).await.unwrap();
    let window = ends.open(profile(), 1).await.unwrap();
    timeout(LIMIT, async {
        window.acknowledged().await.unwrap();
        ends.acknowledged().await.unwrap();
    })
    .await
    .unwrap();
    within("a restore", window.relay.traffic().bytes(), 40_000);
    for node in [&window.commune, &ends.district] {
        let status = node.client().await.unwrap().status().await.unwrap();
        let is_refused = |peer: &PeerView| peer.refused > 0;
        assert!(!status.peers.iter().any(is_refused), "{status:?}");
    }
    window.close().await.unwrap();
}

/// Frames, acknowledgements and what is lost to a full queue, together.
#[tokio::test(flavor = "multi_thread")]
async fn much_at_once_costs_a_tenth_more_than_its_bytes() {
    let bytes = 96_000;
    let profile = Profile::named("mobile-64k").unwrap();
    let (_, traffic) = carry(profile, bytes).await.unwrap();
    within("much at once", traffic.up.bytes, 105_600);
    assert!(traffic.up.bytes >= 96_000);
}

/// What was on its way when a link broke goes again, and little else, however long nobody answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_sync_over_a_link_that_breaks_sends_little_twice() {
    let sent = async |profile: &str| {
        let dir = tempfile::tempdir().unwrap();
        let ends = Ends::apart(dir.path(), 1_000).await.unwrap();
        let profile = Profile::named(profile).unwrap();
        let window = ends.open(profile, 1).await.unwrap();
        let bytes = window.acknowledged().await.unwrap().up.bytes;
        window.close().await.unwrap();
        bytes
    };
    let (steady, breaking) = tokio::join!(sent("mobile-64k"), sent("window-64k"));
    let twice = breaking.saturating_sub(steady);
    within("sent twice", twice, steady * 8 / 100);
}

/// More callers than a hub shakes hands with at a time: some are told to come again, and all have come.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_comes_at_the_deadline_hour_is_refused_for_good() {
    let count = 160;
    let dir = tempfile::tempdir().unwrap();
    let hub_dir = dir.path().join("province");
    make_root(&hub_dir, deadline::PROVINCE).unwrap();
    let communes = deadline::enrol(dir.path(), &hub_dir, count).unwrap();
    let hub = NodeProcess::start(&hub_dir).await.unwrap();
    let nodes = deadline::all(&communes).unwrap();
    deadline::arrived(&hub, count).await.unwrap();
    deadline::stop(nodes).await;
    hub.stop().await.unwrap();
}
