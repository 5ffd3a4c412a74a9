//! What leaves in public exports, over several publications.

use std::collections::BTreeMap;

use hopluu_engine::view::{PublicCell, PublicKind, PublicView, SaveRequest, Selector};
use hopluu_engine::{Running, TotalSelector};
use hopluu_form::Form;
use hopluu_mask::{CellKey, Mask, Published, Row, Table, prove};
use hopluu_model::tree::TreeEvent;
use hopluu_model::{Decimal, Scalar, UnitId};

use crate::common::{FORM, make_root, offline, save, selector, set, total};

/// Recorded numbers of people, by commune; of them under 18.
const PEOPLE: &str = "II.1.3.b";
const YOUNG: &str = "II.1.3.b.2";
/// Handled criminally, to which districts add their own.
const HANDLED: &str = "II.2.3.e.1";

const HALF: &str = "2024-H2";
const COMMUNES: [&str; 4] = ["19429", "19432", "19435", "19438"];

async fn enter(node: &Running, unit: &str, figures: &[(&str, &str)]) {
    let edits = figures.iter().map(|(code, value)| set(code, value));
    let saved = save(node, Some(unit), edits.collect()).await;
    saved.expect("a save");
}

async fn publish(node: &Running, unit: &str) -> PublicView {
    publish_of(node, total(unit)).await
}

async fn publish_of(node: &Running, table: TotalSelector) -> PublicView {
    let published = node.handle().publish(table, "lan".to_owned()).await;
    published.expect("nothing gives it away")
}

fn row_of(kind: PublicKind, unit: &UnitId) -> Row {
    match kind {
        PublicKind::Own => Row::Own(unit.clone()),
        PublicKind::Total | PublicKind::Below => Row::Total(unit.clone()),
    }
}

/// The true figures of a table, and what of it was held back, as nobody but the node knows both.
async fn truth(node: &Running, view: &PublicView) -> Published {
    let form = Form::parse(FORM).expect("the form ships");
    let (mut figures, mut held_back) = (BTreeMap::new(), Vec::new());
    let mut above = BTreeMap::new();
    for row in &view.rows {
        if row.kind == PublicKind::Below {
            above.insert(row.unit.clone(), view.unit.clone());
        }
        let code = format!("{}@{}", row.unit.code, row.unit.since);
        let total = TotalSelector {
            period: view.period.to_string(),
            ..total(&code)
        };
        let shown = node.handle().rollup_show(total).await;
        let shown = shown.expect("the node adds up");
        for (column, cell) in view.columns.iter().zip(&row.cells) {
            let line = shown.lines.iter().find(|line| line.code == column.code);
            let line = line.expect("a line of the form");
            let value = match row.kind {
                PublicKind::Own => line.own.clone(),
                PublicKind::Total | PublicKind::Below => line.value.clone(),
            };
            let key = CellKey {
                row: row_of(row.kind, &row.unit),
                code: column.code.clone(),
                office: None,
            };
            if *cell == PublicCell::HeldBack {
                held_back.push(key.clone());
            }
            let number = match value.and_then(|value| value.parse().ok()) {
                Some(Scalar::Number(number, _)) => Some(number),
                Some(Scalar::Nil) => Some(Decimal::ZERO),
                _ => None,
            };
            if let Some(number) = number.filter(|_| *cell != PublicCell::None) {
                figures.insert(key, number);
            }
        }
    }
    Published {
        table: Table::new(&form, &above, figures).expect("figures of the form"),
        mask: held_back.into_iter().collect::<Mask>(),
    }
}

fn cell<'a>(view: &'a PublicView, kind: PublicKind, unit: &str, code: &str) -> &'a PublicCell {
    let mut columns = view.columns.iter();
    let column = columns.position(|one| one.code.as_str() == code);
    let row = view.rows.iter();
    let mut row = row.filter(|row| row.kind == kind && row.unit.code.as_str() == unit);
    let row = row.next().expect("the row is there");
    let cell = column.and_then(|column| row.cells.get(column));
    cell.expect("a line of the form")
}

#[tokio::test]
async fn no_masked_cell_is_computed_back_from_publications_before_and_after_an_edit() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    for (unit, (people, young)) in
        COMMUNES
            .into_iter()
            .zip([("12", "5"), ("40", "2"), ("9", "0"), ("20", "6")])
    {
        enter(&node, unit, &[(PEOPLE, people), (YOUNG, young)]).await;
    }
    enter(&node, COMMUNES[0], &[(HANDLED, "8"), ("II.2.3.e", "8")]).await;
    enter(&node, "465", &[(HANDLED, "2"), ("II.2.3.e", "2")]).await;
    let first = publish(&node, "465").await;
    let before = truth(&node, &first).await;
    prove(&before.table, &before.mask).expect("nothing is derived from the first");

    // What is small is held back with what would give it away, own parts too; what is not there is not zero.
    let below = PublicKind::Below;
    assert_eq!(*cell(&first, below, "19432", YOUNG), PublicCell::HeldBack);
    assert_eq!(
        *cell(&first, PublicKind::Own, "465", HANDLED),
        PublicCell::HeldBack
    );
    let value = |text: &str| PublicCell::Value(text.to_owned());
    assert_eq!(*cell(&first, below, "19429", PEOPLE), value("12"));
    assert_eq!(*cell(&first, below, "19435", YOUNG), value("0"));
    assert_eq!((first.reported, first.expected), (4, 21));
    assert_eq!((first.missing.len(), first.rows.len()), (17, 23));
    let missing = first.rows.iter().filter(|row| row.reported == 0);
    let mut cells = missing.flat_map(|row| &row.cells);
    assert!(cells.all(|cell| *cell == PublicCell::None));

    // A correction makes a published count a small one. The node has been restarted meanwhile.
    enter(&node, COMMUNES[0], &[(PEOPLE, "3"), (YOUNG, "1")]).await;
    node.stop().await;
    let node = offline(dir.path());
    let second = publish(&node, "465").await;
    let after = truth(&node, &second).await;
    assert!(
        before.mask.cells().all(|key| after.mask.holds_back(key)),
        "masks only grow"
    );
    assert_eq!(*cell(&second, below, "19429", PEOPLE), PublicCell::HeldBack);
    let alone = hopluu_mask::mask(&after.table).unwrap().mask;
    let earlier = [before];
    let joint = after.table.after(&earlier);
    prove(&joint, &after.mask).expect("nothing is derived from both");
    prove(&joint, &alone).expect_err("a mask that knows nothing of the first gives something away");

    // The same again is one publication more and one row; another unit's table is held against both.
    let again = publish(&node, "465").await;
    assert_eq!(again, second);
    let province = publish(&node, "45").await;
    assert_eq!(
        province.rows.iter().filter(|row| row.kind == below).count(),
        10
    );
    let noted = node.handle().published().await.unwrap();
    let told: Vec<_> = noted
        .iter()
        .map(|one| (one.unit.code.as_str(), one.count, one.publication))
        .collect();
    let expected = [
        ("45", 1, province.publication),
        ("465", 2, second.publication),
        ("465", 1, first.publication),
    ];
    assert_eq!(told, expected);
    assert!(noted.iter().all(|one| one.who == "lan"));
    node.stop().await;
}

#[tokio::test]
async fn a_unit_that_moves_between_two_publications_is_not_their_difference() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    // In a half-year that ends when the units of these codes are there.
    let period = || HALF.to_owned();
    for (unit, people) in COMMUNES.into_iter().zip(["12", "4", "26", "20"]) {
        let report = Selector {
            period: period(),
            ..selector(Some(unit))
        };
        let request = SaveRequest {
            report,
            office: None,
            edits: vec![set(PEOPLE, people)],
            create: true,
        };
        node.handle().report_save(request).await.unwrap();
    }
    let table = || TotalSelector {
        period: period(),
        ..total("465")
    };
    let first = publish_of(&node, table()).await;
    let before = truth(&node, &first).await;
    let below = PublicKind::Below;
    assert_eq!(*cell(&first, below, "19432", PEOPLE), PublicCell::HeldBack);
    let moved = TreeEvent::Moved {
        unit: "19432@2024-05-01".parse().unwrap(),
        on: "2024-06-01".parse().unwrap(),
        parent: "466@2024-05-01".parse().unwrap(),
    };
    node.handle().units_add(moved).await.unwrap();
    let second = publish_of(&node, table()).await;
    assert_eq!(second.rows.len() + 1, first.rows.len());
    let after = truth(&node, &second).await;
    let alone = hopluu_mask::mask(&after.table).unwrap().mask;
    let joint = after.table.after(&[before]);
    prove(&joint, &after.mask).expect("nothing is derived from both");
    prove(&joint, &alone).expect_err("62 less 58 is 4");
    node.stop().await;
}

#[tokio::test]
async fn another_major_version_of_the_form_gives_nothing_away() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    let figures = ["11", "3", "20"];
    for (unit, people) in COMMUNES.into_iter().zip(figures) {
        enter(&node, unit, &[(PEOPLE, people)]).await;
    }
    let below = PublicKind::Below;
    let first = publish(&node, "465").await;
    let held = |view: &PublicView, unit| *cell(view, below, unit, PEOPLE) == PublicCell::HeldBack;
    assert!(held(&first, "19429") && held(&first, "19432") && !held(&first, "19435"));
    let newer = FORM.replacen("version = \"1.0\"", "version = \"2.0\"", 1);
    node.handle().form_add(newer, Vec::new()).await.unwrap();
    for (unit, people) in COMMUNES.into_iter().zip(figures) {
        enter(&node, unit, &[(PEOPLE, people)]).await;
    }
    // 34 less 20 less 11 is the 3 of the other.
    let alone = publish(&node, "19429").await;
    assert_eq!(alone.form_version.major, 2);
    let total = cell(&alone, PublicKind::Total, "19429", PEOPLE);
    assert_eq!(*total, PublicCell::HeldBack);
    node.stop().await;
}

#[tokio::test]
async fn all_who_publish_at_one_moment_do() {
    let dir = tempfile::tempdir().unwrap();
    make_root(dir.path(), "45", &[]);
    let node = offline(dir.path());
    enter(&node, COMMUNES[0], &[(PEOPLE, "12"), (YOUNG, "5")]).await;
    let units = ["45", "465", "19429", "19432", "19435", "19438"];
    let publishing = units.map(|unit| {
        let handle = node.handle().clone();
        tokio::spawn(async move { handle.publish(total(unit), "lan".to_owned()).await })
    });
    for published in publishing {
        published.await.unwrap().expect("each comes after another");
    }
    assert_eq!(node.handle().published().await.unwrap().len(), units.len());
    node.stop().await;
}
