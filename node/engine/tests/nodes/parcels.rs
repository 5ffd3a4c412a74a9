//! Neighbours that carry what they cannot read: real nodes on loopback, told of each other by address.

use std::net::SocketAddr;
use std::path::Path;

use hopluu_engine::view::{ParcelsView, Purpose};
use hopluu_engine::{Home, NeighbourSettings, NodeSettings, Running, start};

use crate::common::{join_below, province, save, set, start_node, total, until};

/// Starts a node with neighbours, at an address of its choice or none of a superior.
pub(crate) fn neighbour(dir: &Path, addresses: Vec<String>, has_upstream: bool) -> Running {
    let home = Home::open(dir).expect("a home");
    let mut settings: NodeSettings = home.settings().expect("settings");
    settings.listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.neighbours = Some(NeighbourSettings {
        addresses,
        discover: false,
        after_s: 0,
        every_s: 1,
    });
    if !has_upstream {
        settings.upstream.clear();
    }
    start(home, &settings).expect("a node")
}

pub(crate) async fn parcels(node: &Running) -> ParcelsView {
    let status = node.handle().status().await.expect("a status");
    status.parcels.expect("it serves links")
}

pub(crate) async fn has_form(node: &Running) -> bool {
    let listed = node.handle().form_list().await;
    listed.is_ok_and(|forms| !forms.is_empty())
}

pub(crate) fn address(node: &Running) -> String {
    node.listen_addr().expect("an address").to_string()
}

#[tokio::test]
async fn a_report_without_a_link_goes_with_a_neighbour_s_and_its_receipt_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let district = crate::common::root_of(&path("465"), "465@2024-05-01", &[]);
    let author = join_below(&district, &path("19429"), "19429", None).await;
    let carrier = join_below(&district, &path("19432"), "19432", None).await;
    for node in [&author, &carrier] {
        until("the form came down", async || has_form(node).await).await;
    }
    author.stop().await;
    carrier.stop().await;

    // Neither has a link; only their own network is there.
    let carrier = neighbour(&path("19432"), Vec::new(), false);
    let author = neighbour(&path("19429"), vec![address(&carrier)], false);
    save(&author, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    until("the neighbour carries it", async || {
        parcels(&carrier).await.carried > 0 && parcels(&author).await.handed_to.len() == 1
    })
    .await;
    let reports = carrier.handle().report_list(Default::default()).await;
    assert!(reports.unwrap().is_empty(), "it holds a file and no report");

    // It survives a restart, and goes with the neighbour's own link.
    carrier.stop().await;
    author.stop().await;
    let carrier = neighbour(&path("19432"), Vec::new(), true);
    assert!(parcels(&carrier).await.carried > 0);
    until("the district has the figure", async || {
        let shown = district.handle().rollup_show(total("465")).await.unwrap();
        shown.reported == 1
    })
    .await;
    until("it is put down what that cost", async || {
        let links = carrier.handle().link_list().await.unwrap();
        let mut purposes = links.iter().flat_map(|link| &link.months);
        purposes.any(|month| {
            let parcels = month.purposes.get(&Purpose::Parcels);
            parcels.is_some_and(|(up, down)| *up > 1_000 && *down > 0)
        })
    })
    .await;
    let author = neighbour(&path("19429"), vec![address(&carrier)], false);
    until("the receipt is back", async || {
        let listed = author
            .handle()
            .report_list(Default::default())
            .await
            .unwrap();
        let reached = &listed.first().unwrap().reached;
        reached.iter().any(|receipt| receipt.is_current)
    })
    .await;
    for node in [author, carrier, district] {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_without_neighbours_carries_nothing_and_two_communes_hear_nothing_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let above = province(&path("45"), &[]);
    let district = join_below(&above, &path("465"), "465", None).await;
    let author = join_below(&district, &path("19429"), "19429", None).await;
    let other = join_below(&district, &path("19432"), "19432", None).await;
    for node in [&author, &other] {
        until("the form came down", async || has_form(node).await).await;
    }
    author.stop().await;
    let before = other.handle().status().await.unwrap();
    let author = neighbour(&path("19429"), vec![address(&other)], false);
    save(&author, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    until("parcels are made", async || parcels(&author).await.own > 0).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let after = other.handle().status().await.unwrap();
    assert_eq!(after.parcels, Some(ParcelsView::default()));
    assert_eq!(after.journal, before.journal);
    let knows = after
        .peers
        .iter()
        .any(|peer| peer.unit.to_string().starts_with("19429"));
    assert!(!knows, "a call for parcels is no link");
    assert!(parcels(&author).await.handed_to.is_empty());
    for node in [author, other, district, above] {
        node.stop().await;
    }
    start_node(&path("19432")).stop().await;
}
