//! What is larger than any window of a link: it goes over all the same, and the link stands.

use hopluu_engine::view::EditRequest;
use hopluu_engine::{RootSetup, Running, init_root, now};
use hopluu_model::UnitTree;
use hopluu_model::tree::{Level, ParentSpan, Unit};

use crate::common::{
    FORM, join_below, listening, new_home, root_of, save, selector, set, start_node, tree, until,
};

/// A text of 40,000 letters that no packing makes small.
fn text(salt: u32) -> String {
    let mut state = salt;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32(0x3400 + (state >> 8) % 0x6000)
            .expect("within one plane, before the surrogates")
    };
    (0..40_000).map(|_| letter()).collect()
}

fn written(section: &str, salt: u32) -> EditRequest {
    EditRequest::Text {
        section: section.to_owned(),
        office: Some("labour".to_owned()),
        text: text(salt),
    }
}

async fn has_form(node: &Running) {
    until("the form came down", async || {
        !node
            .handle()
            .form_list()
            .await
            .expect("it answers")
            .is_empty()
    })
    .await;
}

/// Whether all that is for its peers has come there, over links that stand.
async fn owes_nothing(node: &Running) -> bool {
    let peers = node.handle().status().await.expect("it answers").peers;
    let is_done = |peer: &hopluu_engine::view::PeerView| peer.is_linked && peer.owed == 0;
    !peers.is_empty() && peers.iter().all(is_done)
}

#[tokio::test]
async fn a_change_of_two_hundred_kilobytes_goes_over() {
    let dir = tempfile::tempdir().unwrap();
    let district = root_of(&dir.path().join("465"), "465", &[]);
    let commune = join_below(&district, &dir.path().join("19429"), "19429", None).await;
    has_form(&commune).await;
    let saved = save(
        &commune,
        None,
        vec![written("situation", 1), written("direction", 2)],
    );
    saved.await.unwrap();
    save(&commune, None, vec![set("II.1.1.a", "42")])
        .await
        .unwrap();
    until("the district has texts and figure", async || {
        let shown = district.handle().report_show(selector(Some("19429"))).await;
        shown.is_ok_and(|shown| {
            let has_text = |text: &String| shown.texts.iter().any(|shown| shown.text == *text);
            [text(1), text(2)].iter().all(has_text)
                && shown
                    .figures
                    .first()
                    .and_then(|figure| figure.value.as_deref())
                    == Some("42")
        })
    })
    .await;
    until("and has said so", async || owes_nothing(&commune).await).await;
    commune.stop().await;
    district.stop().await;
}

/// The shipped tree below one unit for the whole country.
fn country() -> UnitTree {
    let tree = tree();
    let top = Unit {
        id: "00@1945-09-02".parse().expect("an id"),
        name: "Việt Nam".to_owned(),
        level: "country".to_owned(),
        kind: "country".to_owned(),
        open_past: true,
        ended: None,
        former: Vec::new(),
        parents: Vec::new(),
        successors: Vec::new(),
    };
    let below = |unit: &Unit| {
        let mut unit = unit.clone();
        if unit.parents.is_empty() {
            unit.parents.push(ParentSpan {
                from: unit.id.since,
                unit: top.id.clone(),
            });
        }
        unit
    };
    let level = Level {
        id: "country".to_owned(),
        vi: "cả nước".to_owned(),
        en: "country".to_owned(),
    };
    let levels = std::iter::once(level).chain(tree.levels().iter().cloned());
    let units: Vec<Unit> = tree.units().map(below).collect();
    UnitTree::new(levels.collect(), [vec![top], units].concat())
        .expect("the shipped tree with a top")
}

#[tokio::test]
async fn the_tree_of_the_whole_country_comes_down() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("00");
    let setup = RootSetup {
        unit: "00".to_owned(),
        tree: country(),
        forms: vec![(FORM.to_owned(), Vec::new())],
        home: new_home(listening()),
    };
    init_root(&home, &setup, now()).unwrap();
    let root = start_node(&home);
    let province = join_below(&root, &dir.path().join("45"), "45", None).await;
    has_form(&province).await;
    until("the province knows the country", async || {
        let handle = province.handle();
        let shown = handle.unit_show(Some("01@2024-05-01".to_owned()), None);
        shown.await.is_ok()
    })
    .await;
    until("and owes nothing", async || owes_nothing(&root).await).await;
    province.stop().await;
    root.stop().await;
}
